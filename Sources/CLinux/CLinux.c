#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int sly_accept(int listener, struct sockaddr *address, socklen_t *length) {
    int descriptor = accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return descriptor >= 0 ? descriptor : -errno;
}

int sly_stream_socket(int family) {
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return descriptor >= 0 ? descriptor : -errno;
}

int sly_datagram_socket(int family) {
    int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return descriptor >= 0 ? descriptor : -errno;
}

int sly_network_changes(void) {
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
}

uint64_t sly_time_asleep(void) {
    struct timespec awake, all;
    // The clock that stands still while the machine sleeps, and then the one that does not: in the other order, what
    // passes between the two calls would look like sleep.
    clock_gettime(CLOCK_BOOTTIME, &all);
    clock_gettime(CLOCK_MONOTONIC, &awake);
    int64_t gap = (all.tv_sec - awake.tv_sec) * 1000000000LL + (all.tv_nsec - awake.tv_nsec);
    return gap > 0 ? (uint64_t)gap : 0;
}

static int control(int poller, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(poller, operation, descriptor, &event) == 0 ? 0 : -errno;
}

int sly_eventfd(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int sly_epoll_add(int poller, int descriptor, uint32_t events, uint64_t token) {
    return control(poller, EPOLL_CTL_ADD, descriptor, events, token);
}

int sly_epoll_change(int poller, int descriptor, uint32_t events, uint64_t token) {
    return control(poller, EPOLL_CTL_MOD, descriptor, events, token);
}

int sly_epoll_remove(int poller, int descriptor) {
    return control(poller, EPOLL_CTL_DEL, descriptor, 0, 0);
}

int sly_epoll_wait(int poller, sly_event *events, int capacity, int milliseconds) {
    struct epoll_event taken[256];
    if (capacity > 256) capacity = 256;
    int count = epoll_wait(poller, taken, capacity, milliseconds);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        events[i].events = taken[i].events;
        events[i].token = taken[i].data.u64;
    }
    return count;
}

long sly_send(int descriptor, const struct iovec *runs, int count) {
    if (count == 1) {
        ssize_t sent = send(descriptor, runs->iov_base, runs->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent >= 0 ? sent : -errno;
    }
    struct msghdr message = {.msg_iov = (struct iovec *)runs, .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : -errno;
}

int sly_waiting_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

void sly_stand_back(int levels) {
    // Nice values are per thread on Linux; the process may have been given one of its own.
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + levels);
}

void sly_name_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

void sly_return_large_blocks(void) {
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

void sly_return_heap(void) {
    malloc_trim(0);
}

void sly_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void sly_leave_no_core(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

int sly_socket_pair(int descriptors[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, descriptors) != 0) return -errno;
    return 0;
}

void sly_shorten_slices(uint64_t nanoseconds) {
    // glibc has no wrapper and no type: the first version of the kernel's, which every kernel takes.
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
    // Whoever chose another policy for the process knows why.
    if (sched_getscheduler(0) != SCHED_OTHER) return;
    // Which is the calling thread's here: nice values are per thread on Linux.
    attributes.nice = getpriority(PRIO_PROCESS, 0);
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}

int sly_join(pthread_t thread, uint64_t nanoseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec += nanoseconds % 1000000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
}
