/* libmicrohttpd: connections, bodies, routes, authorisation, and the headers of answers. */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SLACK_CONNECTIONS = 64, /* above the limit, to be told so */
    HEAD_MEMORY = 4,        /* times max_header_bytes: a larger head gets libmicrohttpd's own answer, which is HTML */
    ALLOW_BYTES = 64
};

/* ---- routes */

/* Matches a path against a route's and extracts its parameters. */
static bool match_path(const char *pattern, char *path, const char *params[MAX_PARAMS]) {
    size_t n = 0;
    while (*pattern && *path) {
        if (pattern[0] == '{' && pattern[1] == '}') {
            const size_t len = strcspn(path, "/");
            if (!len || n == MAX_PARAMS) return false;
            params[n++] = path;
            path += len;
            pattern += 2;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return !*pattern && !*path;
}

/* False: one of them contains a NUL. */
static bool decode_params(exchange *x) {
    for (size_t i = 0; i < MAX_PARAMS && x->params[i]; i++) {
        char *at = x->http.path + (x->params[i] - x->http.path);
        at[strcspn(at, "/")] = 0;
        if (MHD_http_unescape(at) != strlen(at)) return false;
    }
    return true;
}

/* The route, or NULL; allow: the methods of routes with this path, "" for none. */
static const route *find_route(exchange *x, const char *method, char allow[ALLOW_BYTES]) {
    const server *s = x->server;
    size_t n = 0;
    if (!strcmp(method, "HEAD")) method = "GET";
    *allow = 0;
    for (size_t a = 0; a < s->n_apis; a++) {
        if (s->apis[a]->enabled && !s->apis[a]->enabled(s)) continue;
        for (size_t i = 0; i < s->apis[a]->n_routes; i++) {
            const route *r = &s->apis[a]->routes[i];
            const char *params[MAX_PARAMS] = {NULL};
            if (!match_path(r->path, x->http.path, params)) continue;
            if (!strcmp(r->method, method)) {
                memcpy(x->params, params, sizeof params);
                return decode_params(x) ? r : NULL;
            }
            if (n < ALLOW_BYTES) n += (size_t)snprintf(allow + n, ALLOW_BYTES - n, "%s%s", n ? ", " : "", r->method);
        }
    }
    return NULL;
}

/* ---- authorisation */

static bool is_loopback_name(const char *host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++) {
        const size_t n = strlen(names[i]);
        if (!strncasecmp(host, names[i], n) && (!host[n] || host[n] == ':')) return true;
    }
    return false;
}

static const char *allowed_origin(const exchange *x) {
    const config *c = &x->server->config;
    const char *origin = c->n_origins ? x_header(x, "Origin") : NULL;
    for (size_t i = 0; origin && i < c->n_origins; i++)
        if (!strcmp(c->origins[i], origin) || !strcmp(c->origins[i], "*")) return origin;
    return NULL;
}

/* Any web page can make a browser send requests to this machine: under a name that resolves to it, or a POST that is
 * not JSON, which needs no leave of CORS; the browser says whose page it is. */
static bool is_local(exchange *x) {
    const bool simple = !strcmp(x->route->method, "POST") && !(x->route->flags & ROUTE_JSON);
    const char *origin = simple ? x_header(x, "Origin") : NULL, *host = origin ? strstr(origin, "://") : NULL;
    if (!is_loopback_name(x_header(x, "Host")))
        reply_error(x, 403, "host_not_allowed", NULL,
                    "without keys only localhost, 127.0.0.1 and [::1] are accepted as Host");
    else if (origin && !is_loopback_name(host ? host + 3 : NULL) && !allowed_origin(x))
        reply_error(x, 403, "origin_not_allowed", NULL,
                    "without keys only pages of this machine and of \"cors\" may send requests");
    else
        return true;
    return false;
}

/* Answers 401 or 403 and returns false if the caller is not allowed. */
static bool authorize(exchange *x) {
    const config *c = &x->server->config;
    const unsigned roles = x->route->roles;
    if (!c->n_keys && !c->token_secret) {
        x->caller = (caller){"nobody", ROLE_EVERYTHING, NULL};
        return !roles || is_local(x);
    }
    const bool known = auth_identify(c, x_header(x, "Authorization"), &x->caller, x->http.customer);
    if (!roles || (roles & ROLE_METRICS && c->open_metrics)) return true;
    if (!known) {
        reply_error(x, 401, "invalid_api_key", NULL, "a key is needed: Authorization: Bearer KEY");
        return false;
    }
    if (x->caller.roles & (roles | ROLE_ADMIN)) return true;
    reply_error(x, 403, "role_missing", NULL, "this key may not call %s", x->route->path);
    return false;
}

/* ---- one request */

static bool is_json_type(const char *type) {
    static const char json[] = "application/json";
    return type && !strncasecmp(type, json, sizeof json - 1) &&
           (!type[sizeof json - 1] || strchr("; \t", type[sizeof json - 1]));
}

static void set_deadline(exchange *x) {
    const int32_t most = x->server->config.limits.deadline_ms;
    const char *header = x_header(x, "X-Deadline-Ms");
    char *end = NULL;
    double ms = header ? strtod(header, &end) : 0;
    if (header && (end == header || *end || !(ms > 0))) {
        reply_error(x, 400, "invalid_value", "X-Deadline-Ms", "X-Deadline-Ms must be a number of milliseconds above 0");
        return;
    }
    if (most && (!header || ms > most)) ms = most;
    if (ms > 0) x->deadline_ns = x->begin_ns + (uint64_t)((ms < 1e12 ? ms : 1e12) * 1e6);
}

/* libmicrohttpd counts the request line, the headers and the empty line after them. */
static bool head_is_too_large(const exchange *x) {
    const union MHD_ConnectionInfo *head =
        MHD_get_connection_info(x->http.connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return head && head->header_size > (size_t)x->server->config.limits.max_header_bytes;
}

static enum MHD_Result count_length(void *n, enum MHD_ValueKind kind, const char *key, const char *value) {
    (void)kind;
    (void)value;
    *(size_t *)n += !strcasecmp(key, "Content-Length") || !strcasecmp(key, "Transfer-Encoding");
    return MHD_YES;
}

/* Checks before the body arrives. */
static void check_head(exchange *x, const char *method) {
    const config *c = &x->server->config;
    char allow[ALLOW_BYTES];
    size_t n_lengths = 0;
    if (watch_is_surplus(x->server->http->watch, x->http.connection_id)) {
        x_add_header(x, "Connection", "close");
        reply_error(x, 503, "too_many_connections", NULL, "the server has reached its limit of connections");
        return;
    }
    if (head_is_too_large(x)) {
        x_add_header(x, "Connection", "close");
        reply_error(x, 431, "head_too_large", NULL, "the request's line and headers may have at most %d bytes",
                    (int)c->limits.max_header_bytes);
        return;
    }
    /* A proxy may have taken another of them for the body's end, and what follows for another client's request. */
    MHD_get_connection_values(x->http.connection, MHD_HEADER_KIND, count_length, &n_lengths);
    if (n_lengths > 1) {
        x_add_header(x, "Connection", "close");
        reply_error(x, 400, "invalid_length", NULL,
                    "expected one Content-Length or one Transfer-Encoding, found %zu such headers", n_lengths);
        return;
    }
    x->route = find_route(x, method, allow);
    if (!x->route && !strcmp(method, "OPTIONS") && allowed_origin(x)) {
        reply_bytes(x, 204, "text/plain", "", 0, false);
        return;
    }
    if (!x->route && *allow) {
        x_add_header(x, "Allow", allow);
        reply_error(x, 405, "method_not_allowed", NULL, "this path has the methods %s", allow);
        return;
    }
    if (!x->route) {
        reply_error(x, 404, "not_found", NULL, "there is no such path");
        return;
    }
    if (!authorize(x)) return;
    const char *length = x_header(x, "Content-Length");
    if (length && strtoll(length, NULL, 10) > c->limits.max_body_bytes) {
        reply_error(x, 413, "body_too_large", NULL, "the body may have at most %lld bytes",
                    (long long)c->limits.max_body_bytes);
        return;
    }
    /* A browser sends JSON to another site only after that has allowed it: what CORS is off for. */
    if (x->route->flags & ROUTE_JSON && !is_json_type(x_header(x, "Content-Type"))) {
        reply_error(x, 415, "not_json", NULL, "the body must be JSON, with Content-Type: application/json");
        return;
    }
    set_deadline(x);
}

static bool parse_body(exchange *x) {
    json_error_t error;
    x->json = json_loadb(x->body, x->body_bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (json_is_object(x->json)) return true;
    char *near = strstr(error.text, " near "); /* cuts the quoted text, which may be private */
    if (near && !x->json) *near = 0;
    if (x->json)
        reply_error(x, 400, "invalid_json", NULL, "the body must be a JSON object");
    else
        reply_error(x, 400, "invalid_json", NULL, "the body is not JSON, at byte %d: %s", error.position, error.text);
    return false;
}

static void run_handler(exchange *x) {
    if (x_is_gone(x)) {
        reply_error(x, 503, "cancelled", NULL, "the client is gone, or the server ends");
        return;
    }
    if (x_expired(x)) {
        reply_error(x, 504, "deadline_exceeded", NULL, "the deadline passed before the request's turn came");
        return;
    }
    if (x->route->flags & ROUTE_JSON && !parse_body(x)) return;
    x->route->handle(x);
}

/* The body is complete. */
static void dispatch(exchange *x) {
    x->body = x->http.in.bytes ? x->http.in.bytes : "";
    x->body_bytes = x->http.in.n;
    if (x->http.too_large) {
        reply_error(x, 413, "body_too_large", NULL, "the body may have at most %lld bytes",
                    (long long)x->server->config.limits.max_body_bytes);
        return;
    }
    if (x->http.in.failed || x->http.too_many) {
        reply_error(x, 503, "out_of_memory", NULL, "no memory for the body: other requests have large ones");
        return;
    }
    watch_set(x->server->http->watch, x->http.connection_id, x);
    if (x->route->run == RUN_INLINE) {
        run_handler(x);
        return;
    }
    if (__atomic_load_n(&x->server->state, __ATOMIC_ACQUIRE) == SERVER_STOPPING) {
        reply_error(x, 503, "stopping", NULL, "the server ends");
        return;
    }
    pool *p = x->route->run == RUN_PREPARE ? x->server->prepare : x->server->workers;
    x->http.elsewhere = true;
    pthread_mutex_lock(&x->http.lock);
    exchange_suspend(x);
    pthread_mutex_unlock(&x->http.lock);
    if (!pool_submit(p, run_handler, x))
        reply_error(x, 429, "queue_full", NULL, "too many requests wait; try again later");
}

static enum MHD_Result add_body(exchange *x, const char *bytes, size_t n) {
    const size_t most = (size_t)x->server->config.limits.max_body_bytes;
    if (x->http.in.n + n > most) {
        if (x->http.too_large && x->http.dropped > 4 * most) return MHD_NO; /* closes the connection */
        x->http.too_large = true;
        x->http.dropped += n;
        return MHD_YES;
    }
    struct http *h = x->server->http;
    if (__atomic_load_n(&h->bodies_bytes, __ATOMIC_RELAXED) + (int64_t)n > x->server->config.limits.max_bodies_bytes) {
        x->http.too_many = true;
        return MHD_YES;
    }
    __atomic_add_fetch(&h->bodies_bytes, (int64_t)n, __ATOMIC_RELAXED);
    x->http.body_counted += (int64_t)n;
    buffer_add(&x->http.in, bytes, n);
    return MHD_YES;
}

/* Queues the answer if there is one. */
static enum MHD_Result queue_answer(exchange *x) {
    pthread_mutex_lock(&x->http.lock);
    struct MHD_Response *response = x->http.response;
    const unsigned status = x->http.status;
    x->http.response = NULL;
    pthread_mutex_unlock(&x->http.lock);
    if (!response) return MHD_NO;
    const char *origin = allowed_origin(x);
    if (origin) {
        MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
        MHD_add_response_header(response, "Vary", "Origin");
        MHD_add_response_header(response, "Access-Control-Allow-Headers", "Authorization, Content-Type, X-Deadline-Ms");
        MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
    }
    if (status == 401) MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (status == 429 || status == 503) MHD_add_response_header(response, "Retry-After", "1");
    for (size_t i = 0; i < x->http.n_headers; i++)
        MHD_add_response_header(response, x->http.headers[i].name, x->http.headers[i].value);
    if (__atomic_load_n(&x->server->state, __ATOMIC_ACQUIRE) >= SERVER_DRAINING)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    const enum MHD_Result queued = MHD_queue_response(x->http.connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Called with the request line. Only here is the path as it was sent: %2F in a parameter does not end it. */
static void *begin(void *cls, const char *uri, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    exchange *x = exchange_create(cls, connection, uri ? uri : "");
    if (!x) return NULL;
    x->http.path[strcspn(x->http.path, "?")] = 0;
    x->http.connection_id = info ? (uint32_t)(uintptr_t)info->socket_context : UINT32_MAX;
    return x;
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *n_upload, void **con_cls) {
    exchange *x = *con_cls;
    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (!x) return MHD_NO; /* no memory */
    if (!x->http.checked) {
        x->http.checked = true;
        check_head(x, method);
        /* An answer before the body closes the connection; without a body it can wait for its turn. */
        const bool has_body = x_header(x, "Content-Length") || x_header(x, "Transfer-Encoding");
        x->http.refused = x->http.answered;
        return x->http.refused && has_body ? queue_answer(x) : MHD_YES;
    }
    if (*n_upload) {
        const enum MHD_Result taken = add_body(x, upload, *n_upload);
        *n_upload = 0;
        return taken;
    }
    if (x->http.dispatched || x->http.refused) return queue_answer(x);
    x->http.dispatched = true;
    dispatch(x);
    return x->http.elsewhere ? MHD_YES : queue_answer(x);
}

static void completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode how) {
    server *s = cls;
    exchange *x = *con_cls;
    (void)connection;
    if (!x) return;
    *con_cls = NULL;
    watch_set(s->http->watch, x->http.connection_id, NULL);
    if (!x->http.checked) { /* libmicrohttpd has refused its head */
        exchange_complete(x);
        return;
    }
    const double ms = (double)(now_ns() - x->begin_ns) * 1e-6;
    const bool whole = how == MHD_REQUEST_TERMINATED_COMPLETED_OK && !x_is_gone(x);
    const unsigned status = whole && x->http.answered ? x->http.status : 499; /* as nginx has it: the client left */
    metrics_count(s, x->route, status, ms);
    if (s->config.log_requests) {
        json_t *more = json_pack("{sssisfsssIsI}", "route", x->route ? x->route->path : "", "status", (int)status, "ms",
                                 ms, "key", x->caller.name ? x->caller.name : "", "bytes_in", (json_int_t)x->http.in.n,
                                 "bytes_out", (json_int_t)x->http.bytes_out);
        if (x->route) json_object_set_new(more, "method", json_string(x->route->method));
        if (x->log_model) json_object_set_new(more, "model", json_string(x->log_model));
        if (x->log_prompt >= 0) json_object_set_new(more, "prompt_tokens", json_integer(x->log_prompt));
        if (x->log_completion >= 0) json_object_set_new(more, "completion_tokens", json_integer(x->log_completion));
        log_event(LOG_INFO, "request", more);
    }
    exchange_complete(x);
}

static void connected(void *cls, struct MHD_Connection *connection, void **socket_context,
                      enum MHD_ConnectionNotificationCode code) {
    server *s = cls;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        watch_remove(s->http->watch, (uint32_t)(uintptr_t)*socket_context);
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = (void *)(uintptr_t)(info ? watch_add(s->http->watch, info->connect_fd) : UINT32_MAX);
}

/* ---- the daemon */

static int open_socket(const config *c, int *port) {
    char service[16];
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    const int on = 1;
    snprintf(service, sizeof service, "%d", (int)c->port);
    const int code = getaddrinfo(c->address, service, &hints, &found);
    if (code) {
        log_message(LOG_ERROR, "listen", "address %s: %s; expected an IPv4 or IPv6 address", c->address,
                    gai_strerror(code));
        return -1;
    }
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const bool listens = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) &&
                         !bind(fd, found->ai_addr, found->ai_addrlen) && !listen(fd, SOMAXCONN) &&
                         !getsockname(fd, (struct sockaddr *)&bound, &n);
    freeaddrinfo(found);
    if (!listens) {
        log_message(LOG_ERROR, "listen", "%s port %d: %s", c->address, (int)c->port, strerror(errno));
        if (fd >= 0) close(fd);
        return -1;
    }
    *port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                              : ((struct sockaddr_in *)&bound)->sin_port);
    return fd;
}

bool http_listen(server *s) {
    s->http = calloc(1, sizeof *s->http);
    if (!s->http) return false;
    s->http->listen_fd = open_socket(&s->config, &s->http->port);
    return s->http->listen_fd >= 0;
}

int http_port(const server *s) { return s->http->port; }

static void log_mhd(void *cls, const char *fmt, va_list args) {
    char message[512];
    (void)cls;
    vsnprintf(message, sizeof message, fmt, args);
    message[strcspn(message, "\n")] = 0;
    log_message(LOG_WARN, "http", "%s", message);
}

bool http_start(server *s) {
    const limits *l = &s->config.limits;
    const size_t n = (size_t)l->max_connections + SLACK_CONNECTIONS;
    s->http->watch = watch_create(s, n);
    if (!s->http->watch) return false;
    s->http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, answer, s,
        MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL, MHD_OPTION_LISTEN_SOCKET, s->http->listen_fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)(l->http_threads > 1 ? l->http_threads : 0), MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)n, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)l->max_connections_per_ip,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)l->timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        HEAD_MEMORY * (size_t)l->max_header_bytes, MHD_OPTION_URI_LOG_CALLBACK, begin, s, MHD_OPTION_NOTIFY_COMPLETED,
        completed, s, MHD_OPTION_NOTIFY_CONNECTION, connected, s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (s->http->daemon) return true;
    log_message(LOG_ERROR, "listen", "the HTTP threads could not be started");
    return false;
}

void http_close_listener(server *s) {
    const int fd = s->http->daemon ? MHD_quiesce_daemon(s->http->daemon) : s->http->listen_fd;
    if (fd >= 0) close(fd);
    s->http->listen_fd = -1;
}

void http_cancel_all(server *s, bool close_too) { watch_lose_all(s->http->watch, close_too); }

size_t http_active(const server *s) { return (size_t)__atomic_load_n(&s->http->n_active, __ATOMIC_ACQUIRE); }
size_t http_connections(const server *s) { return watch_count(s->http->watch); }

void http_stop(server *s) {
    if (!s->http) return;
    if (s->http->daemon) MHD_stop_daemon(s->http->daemon);
    watch_free(s->http->watch);
    if (s->http->listen_fd >= 0) close(s->http->listen_fd);
    free(s->http);
    s->http = NULL;
}
