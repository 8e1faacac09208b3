/*
 * llmcs generate --jsonl: an engine answers many prompts together. One thread reads lines and submits them, another one
 * prints the answers in the order of the lines: whoever writes a line and waits for its answer gets it, and whoever
 * writes a million lines has no more than some of them in memory. An answer that is done waits for those before it, so
 * more lines are in flight than are worked at once.
 */
#include "generate_many.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT_PER_BATCH 4
#define MOST_BATCH 4096 /* of an engine */

/* A line that was read and is not answered yet. */
typedef struct flight {
    size_t line;
    llmcs_status status; /* if not OK, what `message` says is the answer */
    char message[512];
    llmcs_request *request;
    answer_parts parts;
} flight;

typedef struct many {
    llmcs_engine *engine;
    const llmcs_generate_params *base;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    flight *flights; /* [n_places] a ring */
    size_t n_places, first, n;
    bool all_read, broken; /* broken: stdout takes no more */
} many;

/* ---- reading */

static llmcs_status submit(many *m, flight *f, const json_t *request) {
    static const char *const also[] = {"prompt", "input_ids", NULL};
    gen_params g;
    const char *prompt = NULL;
    int32_t *ids = NULL;
    size_t len, n;
    llmcs_status status = gen_from_request(&g, m->base, request, also);
    if (!status) status = request_text(request, "prompt", false, &prompt, &len);
    if (!status) status = request_ids(request, "input_ids", false, &ids, &n);
    if (!status && !prompt == !ids) status = request_error(LLMCS_ARG, "give either \"prompt\" or \"input_ids\"");
    if (!status)
        status = prompt ? llmcs_engine_submit(m->engine, prompt, len, &g.params, NULL, &f->request)
                        : llmcs_engine_submit_ids(m->engine, ids, n, &g.params, NULL, &f->request);
    f->parts = answer_parts_of(&g.params);
    free(ids);
    gen_free(&g);
    return status;
}

static void ask(many *m, flight *f, const char *line, size_t len) {
    json_t *request;
    f->status = request_parse(line, len, &request);
    if (!f->status) f->status = submit(m, f, request);
    if (f->status) snprintf(f->message, sizeof f->message, "%s", request_message());
    json_decref(request);
}

/* False: nothing more can be answered. */
static bool wait_for_place(many *m) {
    pthread_mutex_lock(&m->lock);
    while (m->n == m->n_places && !m->broken) pthread_cond_wait(&m->changed, &m->lock);
    const bool go_on = !m->broken;
    pthread_mutex_unlock(&m->lock);
    return go_on;
}

static void hand_over(many *m, const flight *f) {
    pthread_mutex_lock(&m->lock);
    m->flights[(m->first + m->n++) % m->n_places] = *f;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static void read_all(many *m) {
    char *line = NULL;
    size_t room = 0, n_lines = 0;
    while (wait_for_place(m)) {
        const ssize_t n = getline(&line, &room, stdin);
        if (n < 0) break;
        flight f = {.line = ++n_lines};
        ask(m, &f, line, n && line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n);
        hand_over(m, &f);
    }
    free(line);
    pthread_mutex_lock(&m->lock);
    m->all_read = true;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* ---- printing */

/* The oldest, which keeps its place until it is printed. False: there is none and will be none. */
static bool next_flight(many *m, flight **f) {
    pthread_mutex_lock(&m->lock);
    while (!m->n && !m->all_read) pthread_cond_wait(&m->changed, &m->lock);
    *f = m->n ? &m->flights[m->first] : NULL;
    pthread_mutex_unlock(&m->lock);
    return *f;
}

static void land(many *m, bool broken) {
    pthread_mutex_lock(&m->lock);
    m->first = (m->first + 1) % m->n_places;
    m->n--;
    m->broken |= broken;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static void print(flight *f) {
    llmcs_result *result = NULL;
    const char *message = f->message;
    if (!f->status && (f->status = llmcs_request_wait(f->request, -1, &result))) message = llmcs_error_message();
    if (f->status)
        out_error(f->status, message, f->line);
    else
        out_answer(result, &f->parts);
    putchar('\n');
    llmcs_result_free(&result);
}

static void *print_all(void *arg) {
    many *m = arg;
    bool broken = false;
    for (flight *f; next_flight(m, &f); land(m, broken)) {
        if (!broken) print(f);
        llmcs_request_free(&f->request);
        broken = broken || fflush(stdout);
    }
    return NULL;
}

/* ---- both */

static int run(many *m) {
    pthread_t printer;
    if (pthread_create(&printer, NULL, print_all, m)) {
        fprintf(stderr, "llmcs: no thread could be started\n");
        return EXIT_FAILED;
    }
    read_all(m);
    pthread_join(printer, NULL);
    return ferror(stdin) || ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}

int generate_many(llmcs_model *model, const gen_params *g) {
    many m = {.base = &g->params, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    llmcs_engine_options options;
    llmcs_engine_options_init(&options);
    options.kv_bytes = g->kv_bytes;
    if (g->max_batch) options.max_batch = g->max_batch;
    if (options.max_batch > 0 && options.max_batch <= MOST_BATCH) /* others are refused */
        options.max_queue = IN_FLIGHT_PER_BATCH * options.max_batch;
    if (llmcs_engine_create(model, &options, &m.engine)) return cli_failed("open");
    m.n_places = IN_FLIGHT_PER_BATCH * (size_t)options.max_batch;
    m.flights = malloc(m.n_places * sizeof *m.flights);
    const int code = m.flights ? run(&m) : EXIT_FAILED;
    if (!m.flights) fprintf(stderr, "llmcs: no memory for %zu lines\n", m.n_places);
    free(m.flights);
    llmcs_engine_free(&m.engine);
    return code;
}
