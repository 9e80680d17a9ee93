// Functions that differ between operating systems, and functions that Swift cannot import from the C library. Only the target
// Platform imports this header. Each comment says what the function does on other systems, or that it does nothing there;
// only Linux is built and tested.
//
// Functions that create a descriptor return it, or the negated error number. The descriptor is non-blocking unless the
// function says otherwise, and child processes do not inherit it.
#ifndef SALLYPORT_CPLATFORM_H
#define SALLYPORT_CPLATFORM_H

#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

// MARK: Sockets

// Accepts a connection. Linux and the BSDs: accept4. macOS: accept, then fcntl.
int sly_accept(int listener, struct sockaddr *address, socklen_t *length);

// Creates a stream socket. Linux and the BSDs: flags of socket. macOS: socket, then fcntl.
int sly_stream_socket(int family);

// Creates a blocking datagram socket, for route queries to the system.
int sly_datagram_socket(int family);

// Creates two connected stream sockets: the first one blocks, the second one does not. Returns 0 or the negated error number.
int sly_socket_pair(int descriptors[2]);

// Sends the pieces of memory without blocking and without raising SIGPIPE. Returns the number of bytes that the system
// accepted, or the negated error number. Linux and the BSDs: MSG_NOSIGNAL. macOS: SO_NOSIGPIPE, set when the socket is created.
struct iovec;
long sly_send(int descriptor, const struct iovec *runs, int count);

// Limits the bytes that the system buffers before it can send them. Linux and macOS: TCP_NOTSENT_LOWAT. The BSDs: does nothing.
void sly_limit_unsent(int descriptor, int bytes);

// Lets the receive buffer grow to this size. Linux: a side effect of SO_RCVLOWAT. Elsewhere: does nothing.
void sly_expect_bulk(int descriptor, int bytes);

// Ends a connection whose data stays unacknowledged for this long. Linux: TCP_USER_TIMEOUT.
// macOS: TCP_RXT_CONNDROPTIME, in seconds. Elsewhere: does nothing, and the protocol's keepalive ends the link.
void sly_user_timeout(int descriptor, int milliseconds);

// Lets a socket that is about to connect use every ephemeral port. Linux from 6.8: IP_LOCAL_PORT_RANGE. Elsewhere: does nothing.
void sly_any_port(int descriptor);

// Get or set the name of a TCP socket's congestion control; `name` has room for SLY_CONGESTION_NAME bytes.
// Both return 0 or the negated error number. Linux: TCP_CONGESTION. Elsewhere: return -ENOPROTOOPT.
#define SLY_CONGESTION_NAME 16
int sly_congestion_control(int descriptor, char *name);
int sly_set_congestion_control(int descriptor, const char *name);

// MARK: Waiting

// Adds a watch for the descriptor to the poller of a libuv loop, so that libuv only has to modify it: libuv aborts the process
// if it cannot add one. Call it after uv_poll_start and before the loop continues. Returns 0 or the negated error number.
// Linux: epoll_ctl, which fails if the user has no watches left. Elsewhere: nothing to reserve, returns 0.
int sly_reserve_watch(int poller, int descriptor);

// Opens a pair of descriptors: `reading` becomes readable after a write to `writing`. Returns 0 or the negated error number.
// Linux: an eventfd, which is both ends. Elsewhere: a pipe.
int sly_open_waker(int *reading, int *writing);
// Makes the reading descriptor readable.
void sly_wake(int writing);
// Makes the reading descriptor unreadable again.
void sly_drain_waker(int reading);

// Creates a socket that becomes readable when links, addresses or routes of the machine change.
// Linux: netlink. The BSDs and macOS: a routing socket.
int sly_network_changes(void);

// Returns the number of nanoseconds for which the machine has slept since it started. Linux: CLOCK_BOOTTIME - CLOCK_MONOTONIC.
// macOS: CLOCK_MONOTONIC_RAW - CLOCK_UPTIME_RAW. Elsewhere: returns 0.
uint64_t sly_time_asleep(void);

// MARK: Threads

// Names the calling thread, for debuggers and `top`; at most 15 bytes of the name are used.
void sly_name_thread(const char *name);

// Requests short time slices for the calling thread, so that it gets the processor sooner after it wakes.
// Its share of the time and its nice value stay. Linux from 6.12: sched_setattr. Elsewhere: does nothing.
void sly_shorten_slices(uint64_t nanoseconds);

// Lowers the priority of the calling thread by this many nice levels. Linux: nice values are per thread.
// Elsewhere: does nothing, because there they are per process.
void sly_lower_priority(int levels);

// Waits at most this long until a thread has ended. Returns 0, ETIMEDOUT or another error number.
// Linux: pthread_clockjoin_np. Elsewhere: waits without a limit.
int sly_join(pthread_t thread, uint64_t nanoseconds);

// MARK: The process

// Raises the limit of open descriptors to the hard limit. macOS, where that may be unlimited: to at most OPEN_MAX.
void sly_raise_descriptor_limit(void);

// Disables core dumps.
void sly_forbid_core_dumps(void);

// Returns free pages of the heap to the system. glibc: malloc_trim. Elsewhere: does nothing.
void sly_trim_heap(void);

// Returns blocks of 128 KiB and more to the system when they are freed. glibc: mallopt. Elsewhere: does nothing.
void sly_map_large_blocks(void);

#endif
