/*
 * server.h - declarations shared by the parts of llmcs-server.
 *
 * Threads. libmicrohttpd runs limits.http_threads threads over epoll; they read requests and write answers and never
 * wait. A route says where its handler runs: RUN_INLINE on the HTTP thread (must not block), RUN_PREPARE on a thread
 * for short work (parse, render, submit to an engine), RUN_WORKER on a thread that may compute for long. Meanwhile the
 * connection is suspended. A queue of jobs that is full is answered with 429. Each model with an engine has a thread
 * that follows its events (models.c). One more thread watches for clients that go away (watch.c).
 *
 * How to add an endpoint, of an own file api_NAME.c or shop_NAME.c:
 *
 *     static void count_words(exchange *x) {             // on a worker: may block
 *         const char *text;
 *         size_t len;
 *         if (!x_text(x, "text", true, &text, &len)) return;  // has answered 400 with the name of the key
 *         reply_json(x, 200, json_pack("{sI}", "words", (json_int_t)count(text, len)));
 *     }
 *     static const route routes[] = {
 *         {"POST", "/v1/count/{}", ROLE_INFERENCE, RUN_WORKER, ROUTE_JSON, count_words}};
 *     const api api_count = {.name = "count", .routes = routes, .n_routes = 1};
 *
 * and a line in main.c's list of APIs. A handler, or what it hands the exchange to, answers exactly once: reply_*, or
 * reply_stream and then sse_send ... sse_end. x->params[0] is the value of the path's first {}. x->caller says who
 * calls: its roles were checked; caller.customer is the one customer that a customer's key or token speaks for, and
 * never comes from a message. `&x->cancelled` and x_remaining_ms(x) are the library's `cancel` and `deadline_ms`.
 * An API may have state: `open` is called once before the server listens, `close` when it has answered everything;
 * an API whose `open` finds that the configuration does not want it leaves its state NULL and its `enabled` returns
 * false: its routes are then 404.
 */
#ifndef TOOLS_SERVER_SERVER_H
#define TOOLS_SERVER_SERVER_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "llmcs.h"
#include "shop/store/name.h"

typedef struct server server;
typedef struct exchange exchange;
typedef struct served served;
struct MHD_Connection;
struct MHD_Response;

/* Names of keys, agents, customers and models: shop_is_name, as in the store. They stand in logs and audits. */
#define NAME_RULE "a name has 1 to 200 bytes of UTF-8 and no control characters"
enum { CUSTOMER_CAPACITY = SHOP_ID_BYTES + 1 };

/* ------------------------------------------------------------------------------------------------- config.c */

/* Roles of keys. ROLE_ADMIN includes all others. */
enum {
    ROLE_PUBLIC = 0,     /* of routes: no key is needed */
    ROLE_INFERENCE = 1,  /* /v1 */
    ROLE_CUSTOMER = 2,   /* the shop's calls for one customer: caller.customer */
    ROLE_SHOP = 4,       /* the host's own server, which has authenticated the customers that its requests name */
    ROLE_AGENT = 8,      /* a person at the shop's desk */
    ROLE_ADMIN = 16,     /* everything */
    ROLE_METRICS = 32,   /* /metrics */
    ROLE_EVERYTHING = 63 /* of a caller: a server without keys, on loopback */
};

/* Who calls. */
typedef struct caller {
    const char *name; /* of the key; "token", "nobody" */
    unsigned roles;
    const char *customer; /* NULL: none */
} caller;

typedef struct model_config {
    const char *name, *path;
    const char **aliases; /* [n_aliases] */
    size_t n_aliases;
    char *own_name;              /* of the command line, else NULL: the file owns `name` */
    const char **own_adapters;   /* of the file, else NULL: --adapter, for all models */
    const char *prompt_template; /* as --template of llmcs generate; NULL: the folder's */
    llmcs_model_options options;
    llmcs_engine_options engine;
} model_config;

typedef struct limits {
    int32_t http_threads, prepare_threads, worker_threads;
    int32_t max_jobs; /* that wait for a worker, and as many for a prepare thread */
    int32_t max_connections, max_connections_per_ip;
    int32_t max_header_bytes;
    int64_t max_body_bytes, max_bodies_bytes; /* of one request; of all that run */
    int32_t timeout_s;      /* a connection that sends or receives nothing, or has no whole request, for so long */
    int32_t deadline_ms;    /* most time for an answer; 0: none. X-Deadline-Ms of a request may ask for less */
    int32_t drain_delay_ms; /* after SIGTERM: how long /ready says 503 before the listener closes */
    int32_t drain_ms;       /* then: how long requests may take to finish */
    int32_t max_texts;      /* texts, documents or prompts of one request */
    int32_t max_choices;    /* n times prompts */
    int32_t stream_ms;      /* least time between two pieces of one stream */
} limits;

typedef struct key_config {
    const char *name, *customer;
    unsigned roles;
    unsigned char sha256[32];
} key_config;

typedef struct config {
    const char *address;
    int32_t port;
    model_config *models; /* [n_models] */
    size_t n_models;
    key_config *keys; /* [n_keys] */
    size_t n_keys;
    unsigned char *token_secret; /* of customers' tokens; NULL: none are accepted */
    size_t token_secret_bytes;
    const char **origins; /* [n_origins] for CORS */
    size_t n_origins;
    bool open_metrics; /* /metrics needs no key */
    bool log_requests; /* a line for each */
    const char *shop;  /* path of the store; NULL: none */
    limits limits;
    json_t *file; /* owns strings */
} config;

/* --------------------------------------------------------------------------------------------------- routes */

typedef enum run_on { RUN_INLINE, RUN_PREPARE, RUN_WORKER } run_on;

enum {
    ROUTE_JSON = 1 /* the body is a JSON object: x->json */
};

enum { MAX_PARAMS = 3, MAX_ROUTES = 96, MAX_HEADERS = 4 };

typedef struct route {
    const char *method, *path; /* a part {} of the path is a parameter */
    unsigned roles;            /* any of ROLE_*; ROLE_PUBLIC: no key is needed */
    run_on run;
    unsigned flags; /* ROUTE_* */
    void (*handle)(exchange *x);
} route;

typedef struct api {
    const char *name;
    const route *routes; /* [n_routes] */
    size_t n_routes;
    bool (*open)(server *s);                     /* NULL: nothing to open. False after log_event: the server ends */
    void (*close)(server *s);                    /* NULL: nothing to close */
    bool (*enabled)(const server *s);            /* NULL: always */
    void (*write_metrics)(server *s, FILE *out); /* NULL: none. Prometheus text */
} api;

/* ------------------------------------------------------------------------------------------------- exchange */

/* Text that grows. */
typedef struct buffer {
    char *bytes;
    size_t n, capacity;
    bool failed; /* no memory: what was added since is lost */
} buffer;
void buffer_add(buffer *b, const void *bytes, size_t n);
void buffer_drop(buffer *b, size_t n); /* its first n bytes */
void buffer_free(buffer *b);

/* One HTTP request and its answer. */
struct exchange {
    server *server;
    const route *route;             /* NULL: none fits the path */
    caller caller;                  /* who calls */
    const char *params[MAX_PARAMS]; /* the path's parameters, percent-decoded */
    const char *body;               /* NUL-terminated */
    size_t body_bytes;
    json_t *json;                   /* with ROUTE_JSON: an object */
    int32_t cancelled;              /* not 0, set atomically: the client is gone, or the server ends */
    uint64_t begin_ns, deadline_ns; /* of now_ns; deadline 0: none */

    void *data;                    /* the handler's */
    void (*free_data)(void *data); /* with the exchange; may be NULL */
    void (*on_pull)(exchange *x);  /* a stream: called on an HTTP thread after exchange_wake, when the client has read
                                      what was sent; it calls sse_send and sse_end. NULL: others do */
    const char *log_model;         /* for the log; NULL: none */
    int64_t log_prompt, log_completion; /* tokens, likewise; -1: none */

    /* Of http.c and exchange.c alone. */
    struct http_state {
        struct MHD_Connection *connection;
        struct MHD_Response *response; /* under lock until it is queued */
        unsigned status;
        char *path, customer[CUSTOMER_CAPACITY];
        void (*on_gone)(exchange *x);
        buffer in, out;
        pthread_mutex_t lock;
        int32_t references;
        uint32_t connection_id;
        bool checked, dispatched, refused, elsewhere, too_large, too_many; /* of the HTTP thread alone */
        size_t dropped;                                                    /* bytes of a body that is too large */
        /* Under the lock: */
        bool suspended, answered, streaming, ended, woken, gone;
        size_t out_at; /* what of `out` was read */
        int64_t bytes_out, body_counted;
        struct {
            const char *name;
            char value[128];
        } headers[MAX_HEADERS];
        size_t n_headers;
    } http;
};

/* Monotonic nanoseconds. */
uint64_t now_ns(void);
/* Milliseconds until the exchange's deadline for `deadline_ms` of the library: 0 without a deadline, at least 0.01. */
double x_remaining_ms(const exchange *x);
bool x_expired(const exchange *x);
/* A parameter of the query string, percent-decoded, or NULL. */
const char *x_query(const exchange *x, const char *key);
/* A header of the request, or NULL. Only on an HTTP thread or while the exchange is suspended. */
const char *x_header(const exchange *x, const char *name);

/* Values of x->json. False after answering 400 that names the key. Absent and null are the same: *text NULL. */
bool x_text(exchange *x, const char *key, bool required, const char **text, size_t *len);
bool x_name(exchange *x, const char *key, bool required, const char **name); /* a string without NUL */
bool x_bool(exchange *x, const char *key, bool fallback, bool *value);
bool x_int(exchange *x, const char *key, int64_t low, int64_t high, int64_t fallback, int64_t *value);
/* 400 for a key that is not in the NULL-terminated list. */
bool x_check_keys(exchange *x, const char *const *known);

/* Answers. Each takes the reference to its JSON; NULL JSON: 500, no memory. After the client is gone they do nothing.
 */
void reply_json(exchange *x, unsigned status, json_t *body);
/* JSON that is text already; takes `text`, which was allocated by malloc. */
void reply_json_text(exchange *x, unsigned status, char *text, size_t n);
void reply_bytes(exchange *x, unsigned status, const char *type, const void *bytes, size_t n, bool copy);
/* {"error":{"message","type","param","code"}}; type follows from the status; param and code may be NULL. */
void reply_error(exchange *x, unsigned status, const char *code, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* What a status of the library is in HTTP, with its message. */
void reply_status(exchange *x, llmcs_status status, const char *message);
/* A header of the answer that follows; `name` is a literal, of `value` 127 bytes count. */
void x_add_header(exchange *x, const char *name, const char *value);

/* Server-sent events: reply_stream, then any number of sse_send, then sse_end; from any thread. */
void reply_stream(exchange *x);
/* "data: JSON\n\n"; takes the reference. False: the client is gone. */
bool sse_send(exchange *x, json_t *data);
bool sse_send_text(exchange *x, const char *json, size_t n);
/* As reply_status: a stream has begun with 200, so its failure is an event. */
bool sse_send_status(exchange *x, llmcs_status status, const char *message);
/* Breaks the connection off: a piece of the stream is lost for want of memory. */
void sse_fail(exchange *x);
void sse_end(exchange *x, bool done_line); /* done_line: "data: [DONE]" first, as OpenAI's streams end */
/* on_pull is called soon. From any thread, while the caller holds a reference. */
void exchange_wake(exchange *x);
/* For another thread than the handler's that will answer. */
void exchange_retain(exchange *x);
void exchange_release(exchange *x);
bool x_is_gone(const exchange *x);
/* Called when the client goes away, at most once, on any thread. Not if it has gone before: look at x_is_gone then. */
void x_on_gone(exchange *x, void (*on_gone)(exchange *x));

/* -------------------------------------------------------------------------------------------------- jobs.c */

typedef struct pool pool;
/* name: of its threads, for ps and profilers. */
pool *pool_create(const char *name, int n_threads, size_t max_jobs);
/* False: the queue is full, or the pool stops. */
bool pool_submit(pool *p, void (*work)(exchange *x), exchange *x);
/* Finishes what is queued and joins the threads; nothing more is accepted. */
void pool_stop(pool *p);
void pool_free(pool *p);
size_t pool_waiting(pool *p);
size_t pool_running(pool *p);

/* ------------------------------------------------------------------------------------------------- models.c */

/* One opened version of a model. Everything but `references` stays as it is while it lives. */
struct served {
    server *server;
    const model_config *config;
    llmcs_model *model;
    llmcs_engine *engine;             /* NULL: not a decoder */
    llmcs_chat *chat;                 /* NULL: no chat template */
    struct prompt_template *template; /* NULL: no prompt_template.json */
    llmcs_model_info info;
    int64_t created; /* seconds since 1970, when it was opened */
    int32_t version; /* 1, 2, ... with each reload */
    int32_t references;
    pthread_t events; /* follows the engine; runs if there is one */
    struct grammars *grammars;
    struct served *next_dead;
};

/* The model of that name or alias with a reference, or NULL. name NULL: the first one. */
served *models_acquire(server *s, const char *name);
/* The model that x->json's "model" names, with one of `heads`; or NULL after answering. */
served *models_acquire_for(exchange *x, uint32_t heads, const char *what);
void models_release(served *m);
size_t models_count(const server *s);
/* The i-th model, with a reference. */
served *models_at(server *s, size_t i);
bool models_open(server *s);
void models_close(server *s);
/* Opens the model's folder again and replaces it; requests that run go on with the old one. x is answered when that is
 * done; NULL: of a signal, all models. */
bool models_reload(server *s, const char *name, exchange *x);

/* ------------------------------------------------------------------------------------------ metrics.c, log.c */

struct metrics *metrics_create(server *s);
void metrics_free(struct metrics *m);
/* A request has been answered. */
void metrics_count(server *s, const route *r, unsigned status, double ms);
char *metrics_text(server *s, size_t *n);
void metrics_label(FILE *out, const char *value); /* escaped, in quotes */

typedef enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR } log_level;
/* A line of JSON on stderr: time, level, event, and the members of `more`, whose reference it takes; may be NULL.
 * Neither texts of users nor their addresses, names and ids belong into a log. */
void log_event(log_level level, const char *event, json_t *more);
/* The same with a message. */
void log_message(log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* --------------------------------------------------------------------------------------------------- server */

struct server {
    config config;
    const api *const *apis;
    size_t n_apis;
    struct http *http;
    struct models *models;
    struct metrics *metrics;
    pool *prepare, *workers;
    int32_t state; /* SERVER_*, atomically */
    void *shop;    /* of shop_*.c */
};

enum { SERVER_STARTING, SERVER_READY, SERVER_DRAINING, SERVER_STOPPING };

extern const api api_status, api_page, api_generate, api_encoders, api_shop;

#endif
