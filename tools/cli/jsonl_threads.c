/*
 * --jsonl on several threads. The main thread reads, workers answer, another thread prints in the order of the lines.
 * Of lines with the same value of one key ("conversation"), each is answered before the next is begun. A client that
 * writes a line and waits for its answer gets it; one that writes a million lines has a bounded number in memory.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

enum { LINES_PER_THREAD = 4 };

typedef enum line_state { LINE_WAITS, LINE_RUNS, LINE_DONE } line_state;

/* A line whose answer is not printed yet. */
typedef struct pending_line {
    line_state state;
    size_t number;
    cli_request request;
    const char *key; /* the order key, a string of `request`; NULL: none */
    llmcs_status status;
    char message[512]; /* with a status that is not OK */
    cli_answer answer;
} pending_line;

typedef struct line_queue {
    jsonl_handler handler;
    void *user;
    const char *order_key;
    size_t max_bytes;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    pending_line *lines; /* [capacity] a ring */
    size_t capacity, first, n;
    bool all_read, failed, broken; /* failed: a line had no answer; broken: stdout takes no more */
} line_queue;

static pending_line *line_at(line_queue *q, size_t i) { return &q->lines[(q->first + i) % q->capacity]; }

/* ---- reading */

static void fail_line(pending_line *l, llmcs_status status) {
    l->state = LINE_DONE;
    l->status = status;
    snprintf(l->message, sizeof l->message, "%s", request_message());
}

static void read_line(const line_queue *q, const cli_lines *from, pending_line *l) {
    *l = (pending_line){.state = LINE_WAITS, .number = from->number};
    const llmcs_status status =
        from->too_long ? request_too_long(from) : request_parse(from->line, from->len, &l->request);
    if (status)
        fail_line(l, status);
    else
        l->key = json_string_value(json_object_get(l->request.json, q->order_key));
}

/* False: nothing more can be answered. */
static bool push_line(line_queue *q, pending_line *l) {
    pthread_mutex_lock(&q->lock);
    while (q->n == q->capacity && !q->broken) pthread_cond_wait(&q->changed, &q->lock);
    const bool go_on = !q->broken;
    if (go_on) *line_at(q, q->n++) = *l;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    if (!go_on) request_free(&l->request);
    return go_on;
}

static void read_all(line_queue *q) {
    cli_lines from = {.max_bytes = q->max_bytes};
    pending_line l;
    bool go_on = true;
    while (go_on && cli_next_line(&from)) {
        read_line(q, &from, &l);
        go_on = push_line(q, &l);
    }
    pthread_mutex_lock(&q->lock);
    q->all_read = true;
    q->failed |= from.failed;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    cli_lines_free(&from);
}

/* ---- answering */

/* True if an older line with the same key is not answered yet. */
static bool has_predecessor(line_queue *q, size_t i) {
    const char *key = line_at(q, i)->key;
    for (size_t before = 0; key && before < i; before++) {
        const pending_line *other = line_at(q, before);
        if (other->state != LINE_DONE && other->key && !strcmp(key, other->key)) return true;
    }
    return false;
}

/* The oldest line that can be answered now, or NULL. */
static pending_line *find_ready(line_queue *q) {
    for (size_t i = 0; i < q->n; i++)
        if (line_at(q, i)->state == LINE_WAITS && !has_predecessor(q, i)) return line_at(q, i);
    return NULL;
}

/* Answers lines until the input ends. */
static void *answer_lines(void *user) {
    line_queue *q = user;
    pthread_mutex_lock(&q->lock);
    while (!q->broken) {
        pending_line *l = find_ready(q);
        if (!l && q->all_read && !q->n) break;
        if (!l) {
            pthread_cond_wait(&q->changed, &q->lock);
            continue;
        }
        l->state = LINE_RUNS;
        pthread_mutex_unlock(&q->lock);
        answer_init(&l->answer);
        request_begin();
        llmcs_status status = q->handler(q->user, l->request.json, &l->answer);
        if (!status && l->answer.failed) status = request_error(LLMCS_NOMEM, "no memory for the answer");
        pthread_mutex_lock(&q->lock);
        l->state = LINE_DONE;
        if (status) fail_line(l, status);
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* ---- printing */

static void free_line(pending_line *l) {
    answer_free(&l->answer);
    request_free(&l->request);
}

static void *print_answers(void *user) {
    line_queue *q = user;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        while (!(q->n && line_at(q, 0)->state == LINE_DONE) && (q->n || !q->all_read))
            pthread_cond_wait(&q->changed, &q->lock);
        if (!q->n) break;
        pending_line *l = line_at(q, 0);
        pthread_mutex_unlock(&q->lock);
        const bool printed = l->status ? answer_print_error(l->status, l->message, l->number, l->request.id)
                                       : answer_print(&l->answer, l->request.id);
        pthread_mutex_lock(&q->lock);
        q->failed |= l->status || !printed;
        q->broken |= !printed;
        free_line(l);
        q->first = (q->first + 1) % q->capacity;
        q->n--;
        pthread_cond_broadcast(&q->changed);
        if (q->broken) break;
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

int cli_jsonl_threads(const cli_common *common, const char *order_key, int n_threads, jsonl_handler handler,
                      void *user) {
    const size_t n = (size_t)n_threads;
    line_queue q = {.handler = handler,
                    .user = user,
                    .order_key = order_key,
                    .max_bytes = (size_t)common->max_line_bytes,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER,
                    .capacity = n * LINES_PER_THREAD,
                    .lines = calloc(n * LINES_PER_THREAD, sizeof *q.lines)};
    pthread_t printer, *workers = calloc(n, sizeof *workers);
    size_t started = 0;
    if (!q.lines || !workers || pthread_create(&printer, NULL, print_answers, &q)) {
        free(q.lines);
        free(workers);
        return cli_error("no memory or thread to answer with");
    }
    while (started < n && !pthread_create(&workers[started], NULL, answer_lines, &q)) started++;
    if (started) {
        read_all(&q);
    } else {
        cli_error("no thread to answer with");
        q.all_read = q.failed = true;
    }
    for (size_t i = 0; i < started; i++) pthread_join(workers[i], NULL);
    pthread_join(printer, NULL);
    for (size_t i = 0; i < q.n; i++) free_line(line_at(&q, i));
    free(q.lines);
    free(workers);
    return q.failed ? EXIT_FAILED : EXIT_DONE;
}
