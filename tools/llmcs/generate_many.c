/*
 * llmcs generate --jsonl and llmcs translate: an engine answers many prompts together. One thread reads lines and
 * submits them, another one prints the answers in the order of the lines. A client that writes a line and waits for its
 * answer gets it; a client that writes a million lines has only a bounded number of them in memory. A finished answer
 * waits for those before it, so more lines are in flight than are evaluated at once.
 */
#include "generate_many.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conversation.h"

enum { IN_FLIGHT_PER_BATCH = 4 };

/* Which members an answer has besides ids, texts and reasons. */
typedef struct answer_extras {
    bool scores, logprobs, lookup;
} answer_extras;

/* A line that was read and is not answered yet. */
typedef struct flight {
    size_t line;
    char *id;            /* of the request, or NULL */
    llmcs_status status; /* if not OK, `message` is the answer */
    char message[512];
    llmcs_request *request;
    answer_extras extras;
} flight;

/* A line of the input, or a text argument. */
typedef struct input_line {
    const char *text;
    size_t len, number;
    bool too_long;
} input_line;

typedef struct many {
    llmcs_engine *engine;
    const llmcs_model *model;
    const cli_common *common;
    const gen_params *base;
    const many_options *options;
    FILE *from; /* of the lines; NULL: stdin */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    flight *flights; /* [capacity] a ring */
    size_t capacity, first, n;
    bool all_read, failed, broken; /* failed: a line had no answer; broken: stdout takes no more */
} many;

/* ---- reading */

typedef struct prompt_source {
    const char *text;
    size_t len;
    char *owned;
    int32_t *ids;
    size_t n_ids;
} prompt_source;

static llmcs_status wrap_prompt(const many *m, prompt_source *p) {
    conversation c = {.template = m->options->template};
    llmcs_status status = LLMCS_OK;
    if (m->base->system) status = conversation_set_system(&c, m->base->system, strlen(m->base->system));
    if (!status) status = conversation_prompt(&c, 0, p->text, p->len, &p->owned, &p->len);
    p->text = p->owned;
    conversation_free(&c);
    return status;
}

/* "text", or "input_ids": what is translated. */
static llmcs_status read_source(const json_t *request, prompt_source *p) {
    llmcs_status status = request_text(request, "text", false, &p->text, &p->len);
    if (!status) status = request_ids(request, "input_ids", false, &p->ids, &p->n_ids);
    if (status || !p->text != !p->ids) return status;
    return request_error(LLMCS_ARG, "give one of \"text\" and \"input_ids\"");
}

/* "prompt", "input_ids" or "messages". */
static llmcs_status read_prompt(const many *m, const json_t *request, gen_params *g, prompt_source *p) {
    if (m->options->translate) return read_source(request, p);
    const json_t *messages = json_object_get(request, "messages");
    bool wrapped = messages && !json_is_null(messages);
    llmcs_status status = request_text(request, "prompt", false, &p->text, &p->len);
    if (!status) status = request_ids(request, "input_ids", false, &p->ids, &p->n_ids);
    if (status) return status;
    if (!p->text + !p->ids + !wrapped != 2)
        return request_error(LLMCS_ARG, "give one of \"prompt\", \"input_ids\" and \"messages\"");
    if (wrapped) {
        status = conversation_from_messages(m->options->template, m->base->system, messages, &p->owned, &p->len);
        p->text = p->owned;
    } else if (p->text && m->options->wrap_prompts) {
        wrapped = true;
        status = wrap_prompt(m, p);
    }
    if (!status && wrapped && !gen_add_stop_strings(g, m->options->template))
        status = request_error(LLMCS_NOMEM, "no memory for the stop strings");
    return status;
}

/* "negative_prompt" is another way to give negative_prompt_ids. */
static llmcs_status read_negative(const many *m, const json_t *request, gen_params *g) {
    const char *text;
    size_t len;
    llmcs_status status = request_text(request, "negative_prompt", false, &text, &len);
    if (status || !text) return status;
    if (g->negative_ids)
        return request_error(LLMCS_ARG, "\"negative_prompt\" and \"negative_prompt_ids\" are the same parameter");
    status = gen_set_negative(g, m->model, text, len);
    return status ? request_error(status, "%s", llmcs_error_message()) : status;
}

static llmcs_status submit_request(many *m, flight *f, const json_t *request) {
    static const char *const generate[] = {"prompt",      "input_ids", "messages", "negative_prompt",
                                           "json_schema", "regex",     "choices",  NULL};
    static const char *const translate[] = {"text", "input_ids", "json_schema", "regex", "choices", NULL};
    gen_params g;
    prompt_source p = {0};
    llmcs_status status = gen_from_request(&g, m->base, request, m->options->translate ? translate : generate);
    if (!status) status = read_negative(m, request, &g);
    if (!status) status = gen_set_grammar(&g, m->model, request);
    if (!status) status = read_prompt(m, request, &g, &p);
    if (!status)
        status = p.text ? llmcs_engine_submit(m->engine, p.text, p.len, &g.params, NULL, &f->request)
                        : llmcs_engine_submit_ids(m->engine, p.ids, p.n_ids, &g.params, NULL, &f->request);
    f->extras = (answer_extras){g.params.num_beams > 1, g.params.logprobs != 0, g.params.prompt_lookup_num_tokens > 0};
    free(p.owned);
    free(p.ids);
    gen_free(&g);
    return status;
}

/* A blank line is its own translation. */
static llmcs_status submit_text(many *m, flight *f, const input_line *line) {
    const bool of_stdin = !m->common->n_texts && !m->from;
    if (!cli_check_utf8(m->common, line->text, line->len, of_stdin ? line->number : 0))
        return request_error(LLMCS_UTF8, "the text is not UTF-8");
    if (cli_is_blank(line->text, line->len)) return LLMCS_OK;
    return llmcs_engine_submit(m->engine, line->text, line->len, &m->base->params, NULL, &f->request);
}

static void submit_line(many *m, flight *f, const input_line *line, const cli_lines *lines) {
    cli_request request = {0};
    request_begin();
    if (line->too_long)
        f->status = request_too_long(lines);
    else if (!m->common->jsonl)
        f->status = submit_text(m, f, line);
    else if (!(f->status = request_parse(line->text, line->len, &request)))
        f->status = submit_request(m, f, request.json);
    if (f->status) snprintf(f->message, sizeof f->message, "%s", request_message());
    f->id = request.id;
    request.id = NULL;
    request_free(&request);
}

/* False: nothing more can be answered. */
static bool wait_for_slot(many *m) {
    pthread_mutex_lock(&m->lock);
    while (m->n == m->capacity && !m->broken) pthread_cond_wait(&m->changed, &m->lock);
    const bool go_on = !m->broken;
    pthread_mutex_unlock(&m->lock);
    return go_on;
}

static void push_flight(many *m, const flight *f) {
    pthread_mutex_lock(&m->lock);
    m->flights[(m->first + m->n++) % m->capacity] = *f;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* The next text argument, or without arguments the next line of the input. */
static bool next_input(const many *m, cli_lines *lines, input_line *line) {
    if (m->common->n_texts) {
        if (line->number == (size_t)m->common->n_texts) return false;
        const char *text = m->common->texts[line->number];
        *line = (input_line){text, strlen(text), line->number + 1, false};
        return true;
    }
    if (!cli_next_line(lines)) return false;
    *line = (input_line){lines->line, lines->len, lines->number, lines->too_long};
    return true;
}

static void read_all(many *m) {
    cli_lines lines = {.from = m->from, .max_bytes = (size_t)m->common->max_line_bytes};
    input_line line = {0};
    while (wait_for_slot(m) && next_input(m, &lines, &line)) {
        flight f = {.line = line.number};
        submit_line(m, &f, &line, &lines);
        push_flight(m, &f);
    }
    pthread_mutex_lock(&m->lock);
    m->all_read = true;
    m->failed |= lines.failed;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    cli_lines_free(&lines);
}

/* ---- printing */

/* The oldest one, which keeps its slot until it is printed. False: none is left and the input has ended. */
static bool next_flight(many *m, flight **f) {
    pthread_mutex_lock(&m->lock);
    while (!m->n && !m->all_read) pthread_cond_wait(&m->changed, &m->lock);
    *f = m->n ? &m->flights[m->first] : NULL;
    pthread_mutex_unlock(&m->lock);
    return *f;
}

static void pop_flight(many *m, bool failed, bool broken) {
    pthread_mutex_lock(&m->lock);
    m->first = (m->first + 1) % m->capacity;
    m->n--;
    m->failed |= failed;
    m->broken |= broken;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* One member for each sequence. */
static void set_list(cli_answer *a, const char *key, const llmcs_result *r, json_t *(*of)(const llmcs_sequence *s)) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_sequences; i++)
        if (json_array_append_new(list, of(r->sequences[i]))) a->failed = true;
    answer_set(a, key, list);
}

static json_t *ids_of(const llmcs_sequence *s) { return json_ids(s->ids, s->n_ids); }
static json_t *text_of(const llmcs_sequence *s) { return json_text(s->text, s->text_bytes); }
static json_t *reason_of(const llmcs_sequence *s) { return json_string(llmcs_finish_reason_name(s->finish_reason)); }
static json_t *score_of(const llmcs_sequence *s) { return json_float((double)s->score); }
static json_t *logprobs_of(const llmcs_sequence *s) { return json_floats(s->logprobs, s->logprobs ? s->n_ids : 0); }

static void fill_answer(cli_answer *a, const llmcs_result *r, const answer_extras *extras, bool translate) {
    set_list(a, "sequences", r, ids_of);
    set_list(a, translate ? "translations" : "texts", r, text_of);
    set_list(a, "finish_reasons", r, reason_of);
    if (extras->scores) set_list(a, "sequences_scores", r, score_of);
    if (extras->logprobs) set_list(a, "logprobs", r, logprobs_of);
    if (!extras->lookup) return;
    answer_set(a, "n_draft_tokens", json_integer((json_int_t)r->n_draft_tokens));
    answer_set(a, "n_accepted_tokens", json_integer((json_int_t)r->n_accepted_tokens));
}

/* These return false if stdout takes no more. */
static bool print_json(flight *f, const llmcs_result *result, bool translate) {
    cli_answer answer;
    answer_init(&answer);
    if (!f->status) fill_answer(&answer, result, &f->extras, translate);
    if (!f->status && answer.failed) {
        f->status = LLMCS_NOMEM;
        snprintf(f->message, sizeof f->message, "no memory for the answer");
    }
    const bool printed =
        f->status ? answer_print_error(f->status, f->message, f->line, f->id) : answer_print(&answer, f->id);
    answer_free(&answer);
    return printed;
}

/* A line for each sequence; without a translation an empty one, so that the lines of a file keep their numbers. */
static bool print_lines(const flight *f, const llmcs_result *result) {
    if (f->status) fprintf(stderr, "%s: text %zu: %s\n", cli_program, f->line, f->message);
    for (size_t i = 0; result && i < result->n_sequences; i++) {
        const llmcs_sequence *s = result->sequences[i];
        cli_print_escaped(stdout, s->text, s->text_bytes, true);
        putchar('\n');
    }
    if (!result) putchar('\n');
    return !fflush(stdout);
}

static bool print_flight(const many *m, flight *f) {
    llmcs_result *result = NULL;
    if (f->request && (f->status = llmcs_request_wait(f->request, -1, &result)))
        snprintf(f->message, sizeof f->message, "%s", llmcs_error_message());
    const bool printed = m->common->jsonl ? print_json(f, result, m->options->translate) : print_lines(f, result);
    llmcs_result_free(&result);
    return printed;
}

static void *print_all(void *user) {
    many *m = user;
    bool broken = false;
    for (flight *f; next_flight(m, &f);) {
        broken = broken || !print_flight(m, f);
        const bool failed = f->status != LLMCS_OK;
        llmcs_request_free(&f->request);
        free(f->id);
        pop_flight(m, failed, broken);
    }
    return NULL;
}

/* ---- both */

static int read_and_print(many *m) {
    pthread_t printer;
    if (pthread_create(&printer, NULL, print_all, m)) return cli_error("no thread could be started");
    read_all(m);
    pthread_join(printer, NULL);
    return m->failed || m->broken ? EXIT_FAILED : EXIT_DONE;
}

int generate_many(const cli_common *common, llmcs_model *model, const gen_params *base, const many_options *how) {
    many m = {.model = model, .common = common, .base = base, .options = how};
    llmcs_engine_options options;
    llmcs_engine_options_init(&options);
    options.n_ctx = base->n_ctx;
    options.kv_bytes = base->kv_bytes;
    if (base->max_batch) options.max_batch = base->max_batch;
    options.max_queue = IN_FLIGHT_PER_BATCH * options.max_batch;
    if (base->file && !(m.from = fopen(base->file, "rb"))) return cli_error("--file: %s cannot be read", base->file);
    if (llmcs_engine_create(model, &options, &m.engine)) {
        if (m.from) fclose(m.from);
        return cli_failed("open");
    }
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    m.capacity = IN_FLIGHT_PER_BATCH * (size_t)options.max_batch;
    m.flights = malloc(m.capacity * sizeof *m.flights);
    const int code = m.flights ? read_and_print(&m) : cli_error("no memory for %zu lines", m.capacity);
    free(m.flights);
    llmcs_engine_free(&m.engine);
    if (m.from) fclose(m.from);
    return code;
}
