/* What HTTP takes by itself: each request is read whole, and answered with the bytes of a file.
 *
 * One process, one thread, epoll, memory for each connection once: a server that looks at a request, or computes
 * anything, takes more. Usage: bare_http PORT FILE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, LARGEST = 1 << 17, EVENTS = 64 };

typedef struct {
    size_t held;
    char bytes[LARGEST];
} Connection;

static Connection *connections[CONNECTIONS];
static char answer[LARGEST];
static size_t answer_length;

/* How long the first request is, 0 while its end is not there. */
static size_t request_length(const Connection *c) {
    const char *end = memmem(c->bytes, c->held, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t body = 0;
    for (const char *line = c->bytes; line < end;) {
        line = (const char *)memchr(line, '\n', end + 2 - line) + 1;
        if (line < end && !strncasecmp(line, "content-length:", 15))
            body = strtoul(line + 15, NULL, 10);
    }
    size_t whole = (size_t)(end + 4 - c->bytes) + body;
    return whole <= c->held ? whole : 0;
}

/* Whether the connection stays. */
static int serve(int fd) {
    Connection *c = connections[fd];
    ssize_t got = recv(fd, c->bytes + c->held, LARGEST - c->held, MSG_DONTWAIT);
    if (got <= 0)
        return 0;
    c->held += (size_t)got;
    for (size_t length; (length = request_length(c));) {
        if (send(fd, answer, answer_length, MSG_NOSIGNAL) != (ssize_t)answer_length)
            return 0;
        c->held -= length;
        memmove(c->bytes, c->bytes + length, c->held);
    }
    return c->held < LARGEST;
}

int main(int argc, char **argv) {
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!file)
        return 2;
    answer_length = fread(answer, 1, sizeof answer, file);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 128))
        return 3;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;
            if (fd != listener) {
                if (!serve(fd))
                    close(fd);
                continue;
            }
            fd = accept(listener, NULL, NULL);
            if (fd < 0 || fd >= CONNECTIONS)
                return 4;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            if (!connections[fd])
                connections[fd] = malloc(sizeof(Connection));
            connections[fd]->held = 0;
            event.data.fd = fd;
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
