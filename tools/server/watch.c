/*
 * The connections that there are. libmicrohttpd does not look at a connection that is suspended, so this thread does: a
 * client that closes its connection, or its side of it, loses its request. It also closes connections that do not send
 * a whole request in time, however slowly they trickle bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

typedef struct slot {
    int fd; /* -1: free */
    uint16_t generation;
    bool hung_up, surplus;  /* surplus: it came when the limit was reached */
    exchange *exchange;     /* that it works on; NULL: it waits for a request */
    uint64_t waiting_since; /* with exchange NULL */
    uint32_t next_free;
} slot;

struct watch {
    pthread_mutex_t lock;
    slot *slots;             /* [capacity] */
    size_t capacity, n, max; /* max: that are served; the others are told so */
    uint32_t first_free;
    uint64_t timeout_ns;
    int epoll_fd, wake_fd;
    bool stopping;
    pthread_t thread;
};

/* An id is a slot and its generation, so that a late event does not hit the slot's next connection. */
enum { GENERATION_BITS = 12 };
static slot *find(watch *w, uint32_t id) {
    const size_t i = id >> GENERATION_BITS;
    if (i >= w->capacity) return NULL;
    slot *s = &w->slots[i];
    return s->fd >= 0 && s->generation == (id & ((1u << GENERATION_BITS) - 1)) ? s : NULL;
}

static void hang_up(watch *w, uint32_t id) {
    pthread_mutex_lock(&w->lock);
    slot *s = find(w, id);
    exchange *x = s ? s->exchange : NULL;
    if (s) s->hung_up = true;
    if (x) exchange_retain(x);
    pthread_mutex_unlock(&w->lock);
    if (!x) return;
    exchange_lose_client(x);
    exchange_release(x);
}

static void close_slow(watch *w) {
    const uint64_t now = now_ns();
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->capacity; i++) {
        slot *s = &w->slots[i];
        if (s->fd < 0 || s->exchange || now - s->waiting_since < w->timeout_ns) continue;
        shutdown(s->fd, SHUT_RDWR); /* which libmicrohttpd sees and closes */
        s->waiting_since = now;
    }
    pthread_mutex_unlock(&w->lock);
}

static void *watch_connections(void *user) {
    enum { N_EVENTS = 64, SCAN_MS = 1000 };
    watch *w = user;
    struct epoll_event events[N_EVENTS];
    uint64_t scanned = now_ns();
    pthread_setname_np(pthread_self(), "watch");
    while (!__atomic_load_n(&w->stopping, __ATOMIC_ACQUIRE)) {
        const int n = epoll_wait(w->epoll_fd, events, N_EVENTS, SCAN_MS);
        for (int i = 0; i < n; i++)
            if (events[i].data.u64 != UINT64_MAX) hang_up(w, (uint32_t)events[i].data.u64);
        if (now_ns() - scanned < SCAN_MS * (uint64_t)1000000) continue;
        close_slow(w);
        scanned = now_ns();
    }
    return NULL;
}

static bool open_descriptors(watch *w) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->epoll_fd >= 0 && w->wake_fd >= 0 && !epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &event);
}

watch *watch_create(server *s, size_t capacity) {
    watch *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->capacity = capacity;
    w->max = (size_t)s->config.limits.max_connections;
    w->timeout_ns = (uint64_t)s->config.limits.timeout_s * 1000000000u;
    w->slots = calloc(capacity, sizeof *w->slots);
    for (size_t i = 0; w->slots && i < capacity; i++) w->slots[i] = (slot){.fd = -1, .next_free = (uint32_t)i + 1};
    pthread_mutex_init(&w->lock, NULL);
    if (w->slots && open_descriptors(w) && !pthread_create(&w->thread, NULL, watch_connections, w)) return w;
    pthread_mutex_destroy(&w->lock);
    free(w->slots);
    free(w);
    return NULL;
}

void watch_free(watch *w) {
    if (!w) return;
    __atomic_store_n(&w->stopping, true, __ATOMIC_RELEASE);
    eventfd_write(w->wake_fd, 1);
    pthread_join(w->thread, NULL);
    close(w->epoll_fd);
    close(w->wake_fd);
    pthread_mutex_destroy(&w->lock);
    free(w->slots);
    free(w);
}

uint32_t watch_add(watch *w, int fd) {
    uint32_t id = UINT32_MAX;
    pthread_mutex_lock(&w->lock);
    const uint32_t i = w->first_free;
    if (i < w->capacity) {
        slot *s = &w->slots[i];
        w->first_free = s->next_free;
        w->n++;
        const uint16_t generation = (uint16_t)((s->generation + 1) & ((1 << GENERATION_BITS) - 1));
        *s = (slot){.fd = fd, .generation = generation, .surplus = w->n > w->max, .waiting_since = now_ns()};
        id = i << GENERATION_BITS | generation;
    }
    pthread_mutex_unlock(&w->lock);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.u64 = id};
    if (id != UINT32_MAX) epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    return id;
}

void watch_remove(watch *w, uint32_t id) {
    pthread_mutex_lock(&w->lock);
    slot *s = find(w, id);
    if (s) {
        epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
        s->fd = -1;
        s->exchange = NULL;
        s->next_free = w->first_free;
        w->first_free = id >> GENERATION_BITS;
        w->n--;
    }
    pthread_mutex_unlock(&w->lock);
}

void watch_set(watch *w, uint32_t id, exchange *x) {
    pthread_mutex_lock(&w->lock);
    slot *s = find(w, id);
    if (s) {
        s->exchange = x;
        s->waiting_since = now_ns();
    }
    const bool hung_up = s && x && s->hung_up;
    pthread_mutex_unlock(&w->lock);
    if (hung_up) exchange_lose_client(x);
}

bool watch_is_surplus(watch *w, uint32_t id) {
    pthread_mutex_lock(&w->lock);
    const slot *s = find(w, id);
    const bool surplus = s && s->surplus && w->n > w->max;
    pthread_mutex_unlock(&w->lock);
    return surplus;
}

size_t watch_count(watch *w) {
    pthread_mutex_lock(&w->lock);
    const size_t n = w->n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void watch_lose_all(watch *w, bool close_too) {
    for (size_t i = 0; i < w->capacity; i++) {
        pthread_mutex_lock(&w->lock);
        const slot *s = &w->slots[i];
        exchange *x = s->fd >= 0 ? s->exchange : NULL;
        if (x) exchange_retain(x);
        if (s->fd >= 0 && close_too) shutdown(s->fd, SHUT_RDWR); /* also where half a request has come */
        pthread_mutex_unlock(&w->lock);
        if (!x) continue;
        exchange_lose_client(x);
        exchange_release(x);
    }
}
