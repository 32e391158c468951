/* Takes in what a server sends to thousands of sockets, and drops it: the part of the load generator that Python would
   be too slow for. `drain.py` compiles and calls it, and says what it is for.

   A socket's number in all tables is its slot. A caller that needs the bytes of a slot marks it in `keeps`; of all others
   only the number of bytes is kept. Nothing here allocates, and nothing is shared between threads.

   A server may put several messages into one WebSocket frame, each on a line of its own, and other ones for other clients.
   Then the bytes of a slot depend on that. Where `frames` is given, what is counted does not: the payload of each frame,
   and one more for its last line, which no newline ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { AT_ONCE = 4096, RECEIVE_AT_MOST = 1 << 30, PARSE_AT_MOST = 1 << 16 };

/* Where the stream of a slot is: so much of a payload is missing, or so much of a header has come. As in drain.py. */
struct frame {
    int64_t missing;
    uint8_t header[15];
    uint8_t come;
};

/* How much of a frame's header must have come before it can be read (RFC 6455, section 5.2; a server masks nothing). */
static int header_size(const struct frame *frame)
{
    if (frame->come < 2)
        return 2;
    int length = frame->header[1] & 0x7F;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static int64_t payload_size(const struct frame *frame, int header)
{
    int64_t size = 0;
    if (header == 2)
        return frame->header[1] & 0x7F;
    for (int index = 2; index < header; index++)
        size = size << 8 | frame->header[index];
    return size;
}

static int64_t count_lines(struct frame *frame, const uint8_t *data, int64_t size)
{
    int64_t counted = 0;
    while (size > 0) {
        int64_t taken = 1;
        if (frame->missing > 0) {
            taken = size < frame->missing ? size : frame->missing;
            frame->missing -= taken;
            counted += taken;
        } else {
            frame->header[frame->come++] = *data;
            int header = header_size(frame);
            if (frame->come == header) {
                frame->missing = payload_size(frame, header);
                frame->come = 0;
                counted++;
            }
        }
        data += taken;
        size -= taken;
    }
    return counted;
}

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
int drain(int epoll, int milliseconds, const int32_t *sockets, int64_t *received, const uint8_t *keeps, int32_t *kept,
          struct frame *frames)
{
    static struct epoll_event events[AT_ONCE];
    static uint8_t data[PARSE_AT_MOST];
    int ready = epoll_wait(epoll, events, AT_ONCE, milliseconds);
    kept[0] = 0;
    for (int index = 0; index < ready; index++) {
        uint32_t slot = events[index].data.u32;
        if (keeps[slot]) {
            kept[++kept[0]] = (int32_t)slot;
            continue;
        }
        /* MSG_TRUNC: counted and dropped by the kernel, not copied. */
        ssize_t size = frames ? recv(sockets[slot], data, PARSE_AT_MOST, MSG_DONTWAIT)
                              : recv(sockets[slot], 0, RECEIVE_AT_MOST, MSG_TRUNC | MSG_DONTWAIT);
        if (size > 0)
            received[slot] += frames ? count_lines(&frames[slot], data, size) : size;
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
