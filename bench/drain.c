/* Takes in what a server sends to thousands of sockets, and drops it: the part of the load generator that Python would
   be too slow for. `drain.py` compiles and calls it, and says what it is for.

   A socket's number in all tables is its slot. A caller that needs the bytes of a slot marks it in `keeps`; of all others
   only the number of bytes is kept. Nothing here allocates, and nothing is shared between threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { AT_ONCE = 4096, RECEIVE_AT_MOST = 1 << 30 };

/* After something has come, the others of its class are about to get theirs: so they come together. Otherwise each
   delivery would wake us, which costs the server more than the delivery itself, as on no real network, where a packet
   wakes nobody on the server's machine. The kernel makes some 60 us of it (its timers have 50 us of slack). */
static const struct timespec NAP = {.tv_nsec = 10 * 1000};

int watch(int epoll, int socket, uint32_t slot)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = slot};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

/* Wait up to so many milliseconds, then read each socket that has something. `received` gets the bytes by slot; the slots
   in `keeps` are not read but put into `kept`, behind their number; it has room for 1 + AT_ONCE. Return how many sockets
   had something, or -1 - slot of a connection that has ended. */
int drain(int epoll, int milliseconds, const int32_t *sockets, int64_t *received, const uint8_t *keeps, int32_t *kept)
{
    static struct epoll_event events[AT_ONCE];
    int ready = epoll_wait(epoll, events, AT_ONCE, milliseconds);
    kept[0] = 0;
    for (int index = 0; index < ready; index++) {
        uint32_t slot = events[index].data.u32;
        if (keeps[slot]) {
            kept[++kept[0]] = (int32_t)slot;
            continue;
        }
        /* MSG_TRUNC: counted and dropped by the kernel, not copied. */
        ssize_t size = recv(sockets[slot], 0, RECEIVE_AT_MOST, MSG_TRUNC | MSG_DONTWAIT);
        if (size > 0)
            received[slot] += size;
        else if (size == 0 || errno != EAGAIN)
            return -1 - (int)slot;
    }
    if (ready > 0)
        nanosleep(&NAP, 0);
    return ready;
}

/* The least of so many values. */
int64_t least(const int64_t *values, int count)
{
    int64_t found = INT64_MAX;
    for (int index = 0; index < count; index++)
        if (values[index] < found)
            found = values[index];
    return found;
}
