/* An exchange: a request, its answer, and the threads that work on it. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "request.h"

enum { STREAM_BLOCK = 16384 };

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void buffer_add(buffer *b, const void *bytes, size_t n) {
    if (b->failed || !n) return;
    if (n > SIZE_MAX / 4 - b->n) {
        b->failed = true;
        return;
    }
    if (b->n + n + 1 > b->capacity) {
        const size_t wanted = b->n + n + 1, capacity = wanted > 2 * b->capacity ? wanted : 2 * b->capacity;
        char *larger = realloc(b->bytes, capacity);
        if (!larger) {
            b->failed = true;
            return;
        }
        b->bytes = larger;
        b->capacity = capacity;
    }
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
    b->bytes[b->n] = 0;
}

void buffer_drop(buffer *b, size_t n) {
    if (!n) return;
    memmove(b->bytes, b->bytes + n, b->n - n + 1);
    b->n -= n;
}

void buffer_free(buffer *b) {
    free(b->bytes);
    *b = (buffer){0};
}

/* ---- life */

exchange *exchange_create(server *s, struct MHD_Connection *connection, const char *path) {
    exchange *x = calloc(1, sizeof *x);
    if (!x || !(x->http.path = strdup(path))) {
        free(x);
        return NULL;
    }
    x->server = s;
    x->begin_ns = now_ns();
    x->log_prompt = x->log_completion = -1;
    x->http.connection = connection;
    x->http.references = 1;
    pthread_mutex_init(&x->http.lock, NULL);
    __atomic_add_fetch(&s->http->n_active, 1, __ATOMIC_RELAXED);
    return x;
}

void exchange_retain(exchange *x) { __atomic_add_fetch(&x->http.references, 1, __ATOMIC_RELAXED); }

void exchange_release(exchange *x) {
    if (__atomic_sub_fetch(&x->http.references, 1, __ATOMIC_ACQ_REL)) return;
    if (x->data && x->free_data) x->free_data(x->data);
    if (x->http.response) MHD_destroy_response(x->http.response);
    json_decref(x->json);
    buffer_free(&x->http.in);
    buffer_free(&x->http.out);
    free(x->http.path);
    pthread_mutex_destroy(&x->http.lock);
    __atomic_sub_fetch(&x->server->http->bodies_bytes, x->http.body_counted, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&x->server->http->n_active, 1, __ATOMIC_RELEASE);
    free(x);
}

void exchange_suspend(exchange *x) {
    x->http.suspended = true;
    MHD_suspend_connection(x->http.connection);
}

/* With the lock held. */
static void resume(exchange *x) {
    if (!x->http.suspended) return;
    x->http.suspended = false;
    MHD_resume_connection(x->http.connection);
}

void exchange_lose_client(exchange *x) {
    pthread_mutex_lock(&x->http.lock);
    /* A client may leave as soon as it has its answer. */
    const bool finished = x->http.answered && (!x->http.streaming || x->http.ended), first = !finished && !x->http.gone;
    x->http.gone = x->http.gone || first;
    void (*on_gone)(exchange *) = first ? x->http.on_gone : NULL;
    pthread_mutex_unlock(&x->http.lock);
    if (!first) return;
    __atomic_store_n(&x->cancelled, 1, __ATOMIC_RELEASE);
    if (on_gone) on_gone(x);
    exchange_wake(x);
}

void x_on_gone(exchange *x, void (*on_gone)(exchange *x)) {
    pthread_mutex_lock(&x->http.lock);
    x->http.on_gone = on_gone;
    pthread_mutex_unlock(&x->http.lock);
}

bool x_is_gone(const exchange *x) { return __atomic_load_n(&x->cancelled, __ATOMIC_ACQUIRE) != 0; }

void exchange_complete(exchange *x) {
    exchange_lose_client(x);
    exchange_release(x);
}

/* ---- reading the request */

double x_remaining_ms(const exchange *x) {
    if (!x->deadline_ns) return 0;
    const uint64_t now = now_ns();
    return now < x->deadline_ns ? fmax((double)(x->deadline_ns - now) * 1e-6, 0.01) : 0.01;
}

bool x_expired(const exchange *x) { return x->deadline_ns && now_ns() >= x->deadline_ns; }

const char *x_query(const exchange *x, const char *key) {
    return MHD_lookup_connection_value(x->http.connection, MHD_GET_ARGUMENT_KIND, key);
}

const char *x_header(const exchange *x, const char *name) {
    return MHD_lookup_connection_value(x->http.connection, MHD_HEADER_KIND, name);
}

bool x_text(exchange *x, const char *key, bool required, const char **text, size_t *len) {
    const json_t *v = request_value(x->json, key);
    *text = NULL;
    *len = 0;
    if (!v && !required) return true;
    if (!json_is_string(v)) {
        reply_error(x, 400, v ? "invalid_type" : "missing", key, v ? "\"%s\" must be a string" : "\"%s\" is missing",
                    key);
        return false;
    }
    *text = json_string_value(v);
    *len = json_string_length(v);
    return true;
}

bool x_name(exchange *x, const char *key, bool required, const char **name) {
    size_t len;
    if (!x_text(x, key, required, name, &len)) return false;
    if (!*name || strlen(*name) == len) return true;
    reply_error(x, 400, "invalid_value", key, "\"%s\" contains a NUL", key);
    return false;
}

bool x_bool(exchange *x, const char *key, bool fallback, bool *value) {
    const json_t *v = request_value(x->json, key);
    *value = v ? json_is_true(v) : fallback;
    if (!v || json_is_boolean(v)) return true;
    reply_error(x, 400, "invalid_type", key, "\"%s\" must be true or false", key);
    return false;
}

bool x_int(exchange *x, const char *key, int64_t low, int64_t high, int64_t fallback, int64_t *value) {
    const json_t *v = request_value(x->json, key);
    *value = v ? json_integer_value(v) : fallback;
    if (!v || (json_is_integer(v) && *value >= low && *value <= high)) return true;
    reply_error(x, 400, json_is_integer(v) ? "invalid_value" : "invalid_type", key,
                "\"%s\" must be an integer from %lld to %lld", key, (long long)low, (long long)high);
    return false;
}

bool x_check_keys(exchange *x, const char *const *known) {
    const char *key;
    json_t *value;
    json_object_foreach(x->json, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key) != 0) k++;
        if (*k) continue;
        reply_error(x, 400, "unknown_parameter", key, "\"%.100s\" is not a parameter of %s", key, x->route->path);
        return false;
    }
    return true;
}

/* ---- answers */

void x_add_header(exchange *x, const char *name, const char *value) {
    if (x->http.n_headers == MAX_HEADERS) return;
    x->http.headers[x->http.n_headers].name = name;
    snprintf(x->http.headers[x->http.n_headers++].value, sizeof x->http.headers->value, "%s", value);
}

/* The first answer counts. Takes the response. */
static void set_response(exchange *x, unsigned status, struct MHD_Response *response, bool streaming) {
    pthread_mutex_lock(&x->http.lock);
    if (!x->http.answered && response) {
        x->http.answered = true;
        x->http.streaming = streaming;
        x->http.status = status;
        x->http.response = response;
        response = NULL;
        resume(x);
    }
    pthread_mutex_unlock(&x->http.lock);
    if (response) MHD_destroy_response(response);
}

static const char no_memory[] =
    "{\"error\":{\"message\":\"no memory for the answer\",\"type\":\"server_error\",\"param\":null,"
    "\"code\":\"out_of_memory\"}}";

static void add_type(struct MHD_Response *response, const char *type) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

void reply_bytes(exchange *x, unsigned status, const char *type, const void *bytes, size_t n, bool copy) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        n, (void *)(uintptr_t)bytes, copy ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    if (!response) { /* then a small static response, or the connection is closed */
        response =
            MHD_create_response_from_buffer(sizeof no_memory - 1, (void *)(uintptr_t)no_memory, MHD_RESPMEM_PERSISTENT);
        status = 500;
        type = "application/json";
    }
    x->http.bytes_out = (int64_t)n;
    if (response) add_type(response, type);
    set_response(x, status, response, false);
}

void reply_json_text(exchange *x, unsigned status, char *text, size_t n) {
    struct MHD_Response *response = text ? MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!response) {
        free(text);
        reply_bytes(x, 500, "application/json", no_memory, sizeof no_memory - 1, false);
        return;
    }
    x->http.bytes_out = (int64_t)n;
    add_type(response, "application/json");
    set_response(x, status, response, false);
}

void reply_json(exchange *x, unsigned status, json_t *body) {
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(body);
    reply_json_text(x, status, text, text ? strlen(text) : 0);
}

/* OpenAI's names. */
static const char *error_type(unsigned status) {
    if (status == 401) return "authentication_error";
    if (status == 403) return "permission_error";
    if (status == 429) return "rate_limit_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

static json_t *error_json(unsigned status, const char *code, const char *param, const char *message) {
    return json_pack("{s{sossss?so}}", "error", "message", json_text(message, strlen(message)), "type",
                     error_type(status), "code", code, "param", param ? json_text(param, strlen(param)) : json_null());
}

void reply_error(exchange *x, unsigned status, const char *code, const char *param, const char *fmt, ...) {
    char message[700];
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (n >= (int)sizeof message) message[cli_cut_utf8(message, sizeof message, sizeof message - 4)] = 0;
    reply_json(x, status, error_json(status, code, param, message));
}

/* The HTTP status for a status of the library. */
static unsigned http_status(llmcs_status status, const char **code) {
    static const struct {
        llmcs_status status;
        unsigned http;
        const char *code;
    } answers[] = {
        {LLMCS_QUEUE_FULL, 429, "queue_full"},
        {LLMCS_BUSY, 429, "busy"},
        {LLMCS_CONTEXT_FULL, 400, "context_length_exceeded"},
        {LLMCS_DEADLINE, 504, "deadline_exceeded"},
        {LLMCS_CANCELLED, 503, "cancelled"},
        {LLMCS_STATE, 503, "not_ready"},
        {LLMCS_ARG, 400, "invalid_value"},
        {LLMCS_LIMIT, 400, "limit_exceeded"},
        {LLMCS_TOKEN_RANGE, 400, "invalid_token"},
        {LLMCS_NO_HEAD, 400, "unsupported_model"},
        {LLMCS_TEMPLATE, 400, "template_error"},
        {LLMCS_UNSUPPORTED, 400, "unsupported_value"},
        {LLMCS_JSON, 400, "invalid_json"},
        {LLMCS_UTF8, 400, "invalid_utf8"},
        {LLMCS_TOKENIZER, 400, "no_tokenizer"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (answers[i].status == status) {
            *code = answers[i].code;
            return answers[i].http;
        }
    *code = llmcs_status_name(status);
    log_message(LOG_ERROR, "failed", "%s", *code);
    return 500;
}

void reply_status(exchange *x, llmcs_status status, const char *message) {
    const char *code;
    const unsigned http = http_status(status, &code);
    reply_error(x, http, code, NULL, "%s", message);
}

/* ---- streams */

/* MHD's reader: returns queued bytes, else those that on_pull adds, else suspends until exchange_wake. */
static ssize_t read_stream(void *cls, uint64_t position, char *to, size_t capacity) {
    exchange *x = cls;
    (void)position;
    pthread_mutex_lock(&x->http.lock);
    while (true) {
        struct http_state *h = &x->http;
        const size_t n = h->out.n - h->out_at;
        if (h->out.failed || (h->ended && !n)) {
            const bool failed = h->out.failed;
            pthread_mutex_unlock(&h->lock);
            return failed ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
        }
        if (n) {
            const size_t taken = n < capacity ? n : capacity;
            memcpy(to, h->out.bytes + h->out_at, taken);
            h->out_at += taken;
            h->bytes_out += (int64_t)taken;
            if (h->out_at == h->out.n) h->out.n = h->out_at = 0;
            pthread_mutex_unlock(&h->lock);
            return (ssize_t)taken;
        }
        if (h->woken && x->on_pull) {
            h->woken = false;
            pthread_mutex_unlock(&h->lock);
            x->on_pull(x);
            pthread_mutex_lock(&h->lock);
            continue;
        }
        exchange_suspend(x);
        pthread_mutex_unlock(&h->lock);
        return 0;
    }
}

void reply_stream(exchange *x) {
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x, NULL);
    if (!response) {
        reply_bytes(x, 500, "application/json", no_memory, sizeof no_memory - 1, false);
        return;
    }
    add_type(response, "text/event-stream; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* nginx passes each piece on */
    set_response(x, 200, response, true);
}

bool sse_send_text(exchange *x, const char *json, size_t n) {
    pthread_mutex_lock(&x->http.lock);
    const bool sent = !x->http.gone && !x->http.ended;
    if (sent) {
        buffer_add(&x->http.out, "data: ", 6);
        buffer_add(&x->http.out, json, n);
        buffer_add(&x->http.out, "\n\n", 2);
        if (x->http.answered) resume(x);
    }
    pthread_mutex_unlock(&x->http.lock);
    return sent;
}

bool sse_send(exchange *x, json_t *data) {
    char *text = data ? json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(data);
    const bool sent = text && sse_send_text(x, text, strlen(text));
    if (!text) sse_fail(x);
    free(text);
    return sent;
}

bool sse_send_status(exchange *x, llmcs_status status, const char *message) {
    const char *code;
    const unsigned http = http_status(status, &code);
    return sse_send(x, error_json(http, code, NULL, message));
}

void sse_fail(exchange *x) {
    pthread_mutex_lock(&x->http.lock);
    x->http.out.failed = true;
    if (x->http.answered) resume(x);
    pthread_mutex_unlock(&x->http.lock);
}

void sse_end(exchange *x, bool done_line) {
    pthread_mutex_lock(&x->http.lock);
    if (done_line && !x->http.ended) buffer_add(&x->http.out, "data: [DONE]\n\n", 14);
    x->http.ended = true;
    if (x->http.answered) resume(x);
    pthread_mutex_unlock(&x->http.lock);
}

void exchange_wake(exchange *x) {
    pthread_mutex_lock(&x->http.lock);
    x->http.woken = true;
    if (x->http.streaming) resume(x);
    pthread_mutex_unlock(&x->http.lock);
}
