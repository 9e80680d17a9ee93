#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#else
#include <limits.h>
#include <net/route.h>
#endif

// MARK: Sockets

#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
#define SLY_NONBLOCK SOCK_NONBLOCK
#define SLY_CLOEXEC SOCK_CLOEXEC
#else
#define SLY_NONBLOCK 0
#define SLY_CLOEXEC 0
#endif

// Does the work of the flags of socket and accept4 where these flags do not exist.
static int prepare(int descriptor, int blocks) {
#if !defined(SOCK_CLOEXEC)
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    if (!blocks) fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
#else
    (void)blocks;
#endif
#if defined(SO_NOSIGPIPE)
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return descriptor;
}

int sly_accept(int listener, struct sockaddr *address, socklen_t *length) {
#if defined(SOCK_CLOEXEC)
    int descriptor = accept4(listener, address, length, SLY_NONBLOCK | SLY_CLOEXEC);
#else
    int descriptor = accept(listener, address, length);
#endif
    return descriptor >= 0 ? prepare(descriptor, 0) : -errno;
}

int sly_stream_socket(int family) {
    int descriptor = socket(family, SOCK_STREAM | SLY_NONBLOCK | SLY_CLOEXEC, 0);
    return descriptor >= 0 ? prepare(descriptor, 0) : -errno;
}

int sly_datagram_socket(int family) {
    int descriptor = socket(family, SOCK_DGRAM | SLY_CLOEXEC, 0);
    return descriptor >= 0 ? prepare(descriptor, 1) : -errno;
}

int sly_socket_pair(int descriptors[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SLY_CLOEXEC, 0, descriptors) != 0) return -errno;
    prepare(descriptors[0], 1);
    prepare(descriptors[1], 0);
    fcntl(descriptors[1], F_SETFL, fcntl(descriptors[1], F_GETFL) | O_NONBLOCK);
    return 0;
}

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

long sly_send(int descriptor, const struct iovec *runs, int count) {
    if (count == 1) {
        ssize_t sent = send(descriptor, runs->iov_base, runs->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent >= 0 ? sent : -errno;
    }
    struct msghdr message = {.msg_iov = (struct iovec *)runs, .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : -errno;
}

void sly_limit_unsent(int descriptor, int bytes) {
#if defined(TCP_NOTSENT_LOWAT)
    setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
#else
    (void)descriptor, (void)bytes;
#endif
}

void sly_expect_bulk(int descriptor, int bytes) {
#if defined(__linux__)
    // The kernel enlarges the buffer so that this many bytes fit. Setting a size (SO_RCVBUF) instead would disable the kernel's
    // own growth, and most systems allow less than this.
    setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    // Afterwards the kernel reports fewer bytes at once again; the size of the buffer stays.
    int one = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
#else
    (void)descriptor, (void)bytes;
#endif
}

void sly_user_timeout(int descriptor, int milliseconds) {
#if defined(TCP_USER_TIMEOUT)
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
#elif defined(TCP_RXT_CONNDROPTIME)
    int seconds = milliseconds / 1000;
    setsockopt(descriptor, IPPROTO_TCP, TCP_RXT_CONNDROPTIME, &seconds, sizeof seconds);
#else
    (void)descriptor, (void)milliseconds;
#endif
}

void sly_any_port(int descriptor) {
#if defined(__linux__)
    // The C library of Debian 12 has no name for the option yet. The range is wider than the system's own, so it does not limit
    // the ports. Kernels before 6.3 do not know the option, and kernels before 6.8 ignore it here.
    enum { ip_local_port_range = 51 };
    uint32_t range = 65535u << 16 | 1;
    setsockopt(descriptor, IPPROTO_IP, ip_local_port_range, &range, sizeof range);
#else
    (void)descriptor;
#endif
}

int sly_congestion_control(int descriptor, char *name) {
#if defined(TCP_CONGESTION)
    socklen_t length = SLY_CONGESTION_NAME;
    return getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, &length) == 0 ? 0 : -errno;
#else
    (void)descriptor, (void)name;
    return -ENOPROTOOPT;
#endif
}

int sly_set_congestion_control(int descriptor, const char *name) {
#if defined(TCP_CONGESTION)
    return setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0 ? 0 : -errno;
#else
    (void)descriptor, (void)name;
    return -ENOPROTOOPT;
#endif
}

// MARK: Waiting

int sly_reserve_watch(int poller, int descriptor) {
#if defined(__linux__)
    // libuv overwrites both fields. Until then the watch reports only errors, with the descriptor as its data, as libuv does.
    struct epoll_event event = {.events = 0, .data.fd = descriptor};
    return epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0 || errno == EEXIST ? 0 : -errno;
#else
    (void)poller, (void)descriptor;
    return 0;
#endif
}

int sly_open_waker(int *reading, int *writing) {
#if defined(__linux__)
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) return -errno;
    *reading = descriptor;
    *writing = descriptor;
#else
    int ends[2];
    if (pipe(ends) != 0) return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, fcntl(ends[i], F_GETFL) | O_NONBLOCK);
    }
    *reading = ends[0];
    *writing = ends[1];
#endif
    return 0;
}

void sly_wake(int writing) {
    // An eventfd requires eight bytes; for a pipe they work as well as one. A full pipe is readable already.
    uint64_t one = 1;
    ssize_t written = write(writing, &one, sizeof one);
    (void)written;
}

void sly_drain_waker(int reading) {
#if defined(__linux__)
    uint64_t number;
    ssize_t count = read(reading, &number, sizeof number);
    (void)count;
#else
    char bytes[256];
    while (read(reading, bytes, sizeof bytes) == sizeof bytes) {}
#endif
}

int sly_network_changes(void) {
#if defined(__linux__)
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (descriptor < 0) return -errno;
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
    };
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    int code = errno;
    close(descriptor);
    return -code;
#else
    int descriptor = socket(PF_ROUTE, SOCK_RAW | SLY_NONBLOCK | SLY_CLOEXEC, 0);
    return descriptor >= 0 ? prepare(descriptor, 0) : -errno;
#endif
}

#if defined(__linux__)
#define SLY_CLOCK_ALL CLOCK_BOOTTIME
#define SLY_CLOCK_AWAKE CLOCK_MONOTONIC
#elif defined(__APPLE__)
#define SLY_CLOCK_ALL CLOCK_MONOTONIC_RAW
#define SLY_CLOCK_AWAKE CLOCK_UPTIME_RAW
#endif

uint64_t sly_time_asleep(void) {
#if defined(SLY_CLOCK_ALL)
    struct timespec awake, all;
    // Read the clock that counts sleep first: in the other order, the time between the two calls would look like sleep.
    clock_gettime(SLY_CLOCK_ALL, &all);
    clock_gettime(SLY_CLOCK_AWAKE, &awake);
    int64_t gap = (all.tv_sec - awake.tv_sec) * 1000000000LL + (all.tv_nsec - awake.tv_nsec);
    return gap > 0 ? (uint64_t)gap : 0;
#else
    return 0;
#endif
}

// MARK: Threads

void sly_name_thread(const char *name) {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#elif defined(__APPLE__)
    pthread_setname_np(name);
#else
    (void)name;
#endif
}

void sly_shorten_slices(uint64_t nanoseconds) {
#if defined(__linux__)
    // glibc has no wrapper and no type for this call. This is the first version of the kernel's type, which every kernel accepts.
    struct {
        uint32_t size;
        uint32_t policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime;
        uint64_t deadline;
        uint64_t period;
    } attributes = {.size = 48, .runtime = nanoseconds};
    // If an operator chose another policy for the process, keep it.
    if (sched_getscheduler(0) != SCHED_OTHER) return;
    // This reads the calling thread's value: nice values are per thread on Linux.
    attributes.nice = getpriority(PRIO_PROCESS, 0);
    syscall(SYS_sched_setattr, 0, &attributes, 0);
#else
    (void)nanoseconds;
#endif
}

void sly_lower_priority(int levels) {
#if defined(__linux__)
    // The process may have been started with a nice value of its own.
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + levels);
#else
    (void)levels;
#endif
}

int sly_join(pthread_t thread, uint64_t nanoseconds) {
#if defined(__linux__)
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec += nanoseconds % 1000000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
#else
    (void)nanoseconds;
    return pthread_join(thread, NULL);
#endif
}

// MARK: The process

void sly_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
#if defined(__APPLE__)
    if (limit.rlim_cur > OPEN_MAX) limit.rlim_cur = OPEN_MAX;
#endif
    setrlimit(RLIMIT_NOFILE, &limit);
}

void sly_forbid_core_dumps(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

void sly_trim_heap(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void sly_map_large_blocks(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
#endif
}
