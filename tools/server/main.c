/* llmcs-server: starts, serves until SIGTERM, finishes what runs, ends. */
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

/* Each API is one file; server.h describes how to add one. */
static const api *const apis[] = {&api_status, &api_generate, &api_encoders, &api_shop, &api_page};

static void set_state(server *s, int32_t state) { __atomic_store_n(&s->state, state, __ATOMIC_RELEASE); }

/* systemd's Type=notify. */
static void notify_supervisor(const char *message) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || !*path || strlen(path) >= sizeof to.sun_path) return;
    memcpy(to.sun_path, path, strlen(path) + 1);
    if (*path == '@') to.sun_path[0] = 0;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    (void)sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    close(fd);
}

static bool open_apis(server *s) {
    for (size_t i = 0; i < s->n_apis; i++)
        if (s->apis[i]->open && !s->apis[i]->open(s)) return false;
    return true;
}

/* While models are opened nothing is served yet: SIGTERM and SIGINT end the process at once. SIGUSR1 ends the thread
 * once *opened is set; one that another process sends changes nothing. */
static void *end_early(void *opened) {
    sigset_t signals;
    int number = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    pthread_setname_np(pthread_self(), "signals");
    do {
        if (sigwait(&signals, &number) || __atomic_load_n((int32_t *)opened, __ATOMIC_ACQUIRE)) return NULL;
    } while (number == SIGUSR1);
    notify_supervisor("STOPPING=1");
    log_event(LOG_INFO, "stopped", json_pack("{ss}", "while", "opening"));
    _exit(EXIT_SUCCESS);
}

static bool open_all(server *s) {
    pthread_t early;
    int32_t done = 0;
    const bool watched = !pthread_create(&early, NULL, end_early, &done);
    const bool opened = models_open(s) && (s->metrics = metrics_create(s)) && open_apis(s);
    if (!watched) return opened;
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    pthread_kill(early, SIGUSR1);
    pthread_join(early, NULL);
    return opened;
}

/* The port is taken before the models are opened, so that a wrong one fails soon; clients wait in the backlog. */
static bool start(server *s) {
    const limits *l = &s->config.limits;
    if (!http_listen(s) || !open_all(s)) return false;
    s->prepare = pool_create("prepare", l->prepare_threads, (size_t)l->max_jobs);
    s->workers = pool_create("worker", l->worker_threads, (size_t)l->max_jobs);
    if (!s->prepare || !s->workers || !http_start(s)) return false;
    set_state(s, SERVER_READY);
    log_event(LOG_INFO, "listening",
              json_pack("{sssisisi}", "address", s->config.address, "port", http_port(s), "models",
                        (int)s->config.n_models, "keys", (int)s->config.n_keys));
    notify_supervisor("READY=1");
    return true;
}

/* A request that came as the last one before was answered may still be there: it is cancelled. */
static void stop(server *s) {
    enum { STEP_US = 10000, N_STEPS = 200 };
    set_state(s, SERVER_STOPPING);
    pool_stop(s->prepare);
    pool_stop(s->workers);
    for (int i = 0; s->metrics && s->http && http_active(s) && i < N_STEPS; i++) {
        http_cancel_all(s, true);
        usleep(STEP_US);
    }
    /* Work that cannot be cancelled, such as opening a model, is left running. */
    if (s->metrics && s->http && http_active(s)) _exit(EXIT_SUCCESS);
    http_stop(s);
    pool_free(s->prepare);
    pool_free(s->workers);
    for (size_t i = 0; i < s->n_apis && s->metrics; i++)
        if (s->apis[i]->close) s->apis[i]->close(s);
    models_close(s);
    metrics_free(s->metrics);
}

/* False: a further signal to end came first. */
static bool sleep_ms(const sigset_t *signals, int32_t ms) {
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    const int number = sigtimedwait(signals, NULL, &time);
    return number != SIGTERM && number != SIGINT;
}

/* /ready answers 503, so that balancers send no more; then no connections are accepted; running requests may finish. */
static void drain(server *s, const sigset_t *signals) {
    enum { STEP_MS = 10, CANCEL_MS = 5000 };
    sigset_t ends = *signals;
    sigdelset(&ends, SIGHUP); /* a reload does not cut the delay short */
    set_state(s, SERVER_DRAINING);
    notify_supervisor("STOPPING=1");
    log_event(LOG_INFO, "draining", json_pack("{si}", "requests", (int)http_active(s)));
    bool patient = !s->config.limits.drain_delay_ms || sleep_ms(&ends, s->config.limits.drain_delay_ms);
    http_close_listener(s);
    for (int32_t ms = 0; patient && http_active(s) && ms < s->config.limits.drain_ms; ms += STEP_MS)
        patient = sleep_ms(&ends, STEP_MS);
    const size_t n_left = http_active(s);
    for (int32_t ms = 0; http_active(s) && ms < CANCEL_MS; ms += STEP_MS) {
        http_cancel_all(s, ms > CANCEL_MS / 2);
        sleep_ms(&ends, STEP_MS);
    }
    log_event(LOG_INFO, "stopped", json_pack("{si}", "cancelled", (int)n_left));
}

static void serve(server *s, const sigset_t *signals) {
    while (true) {
        const int number = sigwaitinfo(signals, NULL);
        if (number == SIGTERM || number == SIGINT) break;
        if (number == SIGHUP) models_reload(s, NULL, NULL);
    }
    drain(s, signals);
}

int main(int argc, char **argv) {
    static server s;
    sigset_t signals;
    if (sodium_init() < 0) return 1;
    int code = config_read(&s.config, argc, argv);
    if (code >= 0) {
        config_free(&s.config);
        return code;
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* of all threads: main waits for them */
    s.apis = apis;
    s.n_apis = sizeof apis / sizeof *apis;
    const bool started = start(&s);
    if (started) serve(&s, &signals);
    stop(&s);
    config_free(&s.config);
    return started ? 0 : 1;
}
