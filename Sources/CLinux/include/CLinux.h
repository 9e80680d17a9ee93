// What Linux has and Swift's Glibc module leaves out or cannot express. EventIO is the only importer.
#ifndef SALLYPORT_CLINUX_H
#define SALLYPORT_CLINUX_H

#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

// accept4 is hidden behind _GNU_SOURCE. The new descriptor does not block and is not inherited.
// Returns the descriptor, or the negated error number.
int sly_accept(int listener, struct sockaddr *address, socklen_t *length);

// A stream socket that does not block and is not inherited. Returns the descriptor, or the negated error number.
int sly_stream_socket(int family);

// A datagram socket that is not inherited: for asking the system about its routes. Returns the descriptor, or the negated
// error number.
int sly_datagram_socket(int family);

// A socket that tells when links, addresses or routes of the machine change. Does not block and is not inherited.
// Returns the descriptor, or the negated error number.
int sly_network_changes(void);

// Nanoseconds that the machine has slept since it was started.
uint64_t sly_time_asleep(void);

// Two connected sockets: the first waits, the second does not. Returns 0 or the negated error number.
int sly_socket_pair(int descriptors[2]);

// A descriptor that can be written to so that a poller tells of it. Returns it, or the negated error number.
int sly_eventfd(void);

// One number tells what happened and to which registration: epoll's union has no name in Swift.
// Returns 0 or the negated error number.
int sly_epoll_add(int poller, int descriptor, uint32_t events, uint64_t token);
int sly_epoll_change(int poller, int descriptor, uint32_t events, uint64_t token);
int sly_epoll_remove(int poller, int descriptor);

// Waits until something happens, so long at most (-1: for ever), and says what. Returns how many of `events` were filled, or
// the negated error number.
typedef struct {
    uint32_t events;
    uint64_t token;
} sly_event;
int sly_epoll_wait(int poller, sly_event *events, int capacity, int milliseconds);

// Sends the runs without raising SIGPIPE. Returns the count, or the negated error number.
struct iovec;
long sly_send(int descriptor, const struct iovec *runs, int count);

// Whether bytes wait to be read; 0 when the end or nothing does.
int sly_waiting_bytes(int descriptor);

// The process may have as many descriptors as it is allowed at all.
void sly_raise_descriptor_limit(void);

// The process leaves no image of its memory behind when it crashes.
void sly_leave_no_core(void);

// Whole pages of the heap that are free go back to the system.
void sly_return_heap(void);

// Memory of 128 KiB and more is always mapped by itself, and goes back to the system when it is freed.
void sly_return_large_blocks(void);

// The calling thread takes the processor in turns of about this length where others want it too, and so gets it sooner
// when it wakes. Its share of the time and its nice value stay. A kernel before 6.12 takes no notice.
void sly_shorten_slices(uint64_t nanoseconds);

// The calling thread takes the processor after those who have not stood back: its nice value grows by so much.
void sly_stand_back(int levels);

// Waits until a thread has ended, so long at most. Returns 0, ETIMEDOUT or another error number.
int sly_join(pthread_t thread, uint64_t nanoseconds);

// Names the calling thread, for tools; at most 15 bytes.
void sly_name_thread(const char *name);

#endif
