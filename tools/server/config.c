/* The configuration: a JSON file, and options of the command line that override it. */
#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "request.h"

const char *const cli_program = "llmcs-server";

/* Options of the command line. */
typedef struct given {
    const char *file, *address, *shop, *key_file;
    int32_t port;
    cli_strings models;
} given;

static const cli_option options[] = {
    CLI_PLAIN("config", CLI_STRING, offsetof(given, file), "a JSON file with models, keys and limits"),
    CLI_PLAIN("model", CLI_STRINGS, offsetof(given, models),
              "NAME=FOLDER: a model to serve under that name; may be given several times"),
    CLI_PLAIN("listen", CLI_STRING, offsetof(given, address), "address to listen on [127.0.0.1]"),
    CLI_BOUNDED("port", offsetof(given, port), "port; 0: any free one, which the log names [8080]", 0, 65535),
    CLI_PLAIN("key_file", CLI_STRING, offsetof(given, key_file),
              "a file with a key that may do everything; without keys the server is open, on loopback alone"),
    CLI_PLAIN("shop", CLI_STRING, offsetof(given, shop), "a store of llmcs-shop: serve its desk, too"),
};

static const cli_command command = {
    .name = "",
    .arguments = "",
    .summary =
        "Serves models over HTTP with OpenAI's calls: chat and text completions, embeddings; also rerank, classify and "
        "tag. With a store it serves the shop's desk.",
    .target = "[MODEL_FOLDER]",
    .optional_target = true,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL | CLI_TAKES_KV,
    .max_texts = 0,
    .notes =
        "MODEL_FOLDER is served under the folder's name. The configuration file: {\"listen\":{\"address\",\"port\"}, "
        "\"models\":[{\"name\",\"path\",\"aliases\",\"threads\",\"weights\",\"kv_type\",\"adapters\",\"template\",\"n_"
        "ctx\","
        "\"kv_bytes\",\"max_batch\",\"max_queue\"}], "
        "\"keys\":[{\"name\",\"key_file\" or \"key_sha256\",\"roles\",\"customer\"}], \"token_secret_file\", "
        "\"cors\":{\"origins\"}, \"open_metrics\", \"log_requests\", \"shop\":{\"store\"}, "
        "\"limits\":{\"http_threads\",\"prepare_threads\",\"worker_threads\",\"max_jobs\",\"max_connections\","
        "\"max_connections_per_ip\",\"max_header_bytes\",\"max_body_bytes\",\"max_bodies_bytes\",\"timeout_s\","
        "\"deadline_ms\","
        "\"drain_delay_ms\",\"drain_ms\",\"max_texts\",\"max_choices\",\"stream_ms\"}}. "
        "Roles: inference (/v1), customer, shop and agent (/shop), metrics, admin (all). Customers may send tokens "
        "that "
        "the shop's server signs with token_secret: JSON Web Tokens, HS256, {\"sub\": customer, \"exp\": seconds}.\n"
        "Calls: GET /health, /ready, /metrics, /v1/models; POST /v1/chat/completions, /v1/completions, /v1/embeddings, "
        "/v1/rerank {\"model\",\"query\",\"documents\",\"top_n\"}, /v1/classify {\"model\",\"input\",\"labels\"?}, "
        "/v1/tag {\"model\",\"input\"}, /admin/models/NAME/reload; with a store "
        "/shop/turn, /shop/ask, /shop/recommend, /shop/assist, /shop/feedback, GET /shop/queue, "
        "/shop/conversations/ID, "
        "/shop/faq, /shop/dashboard; the page is at /. A parameter that has no effect "
        "here is refused by its name. What a request does not say is as the model's folder says: it is greedy unless "
        "temperature, top_p, top_k or min_p are given. X-Deadline-Ms limits a request's time. Full queues are 429 with "
        "Retry-After. A client that closes its side of the connection has left: its request is cancelled. HTTPS is "
        "left to a "
        "proxy.\n"
        "The log is JSON lines on stderr. SIGTERM finishes what runs and ends; SIGHUP opens all models again.",
};

/* ---- helpers: they log an error, and false ends the start */

static bool fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool fail(const char *fmt, ...) {
    char message[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    log_message(LOG_ERROR, "config", "%s", message);
    return false;
}

static bool check_keys(const json_t *object, const char *where, const char *const *known) {
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return fail("%s: expected an object", where);
    json_object_foreach((json_t *)object, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key) != 0) k++;
        if (!*k) return fail("%s: unknown key \"%s\"", where, key);
    }
    return true;
}

static bool read_string(const json_t *object, const char *where, const char *key, bool required, const char **value) {
    const json_t *v = json_object_get(object, key);
    if (!v && !required) return true;
    const char *text = json_string_value(v);
    if (!text || !*text) return fail("%s: \"%s\": expected a string that is not empty", where, key);
    *value = text;
    return true;
}

static bool read_bool(const json_t *object, const char *where, const char *key, bool *value) {
    const json_t *v = json_object_get(object, key);
    if (!v) return true;
    *value = json_is_true(v);
    return json_is_boolean(v) || fail("%s: \"%s\": expected true or false", where, key);
}

static bool read_int(const json_t *object, const char *where, const char *key, int64_t low, int64_t high,
                     int64_t *value) {
    const json_t *v = json_object_get(object, key);
    if (!v) return true;
    *value = json_integer_value(v);
    if (json_is_integer(v) && *value >= low && *value <= high) return true;
    return fail("%s: \"%s\": expected an integer from %lld to %lld", where, key, (long long)low, (long long)high);
}

static bool read_int32(const json_t *object, const char *where, const char *key, int32_t low, int32_t high,
                       int32_t *value) {
    int64_t v = *value;
    if (!read_int(object, where, key, low, high, &v)) return false;
    *value = (int32_t)v;
    return true;
}

/* A list of strings, owned by the file; the array is allocated. */
static bool read_list(const json_t *object, const char *where, const char *key, const char ***list, size_t *n) {
    const json_t *v = json_object_get(object, key);
    if (!v) return true;
    if (!json_is_array(v)) return fail("%s: \"%s\": expected a list of strings", where, key);
    *list = calloc(json_array_size(v) + 1, sizeof **list);
    if (!*list) return fail("no memory");
    for (*n = 0; *n < json_array_size(v); ++*n)
        if (!((*list)[*n] = json_string_value(json_array_get(v, *n))))
            return fail("%s: \"%s\"[%zu]: expected a string", where, key, *n);
    return true;
}

/* A name stands in logs and audits, where a line end would forge lines. */
static bool read_name(const json_t *object, const char *where, const char *key, bool required, const char **value) {
    if (!read_string(object, where, key, required, value)) return false;
    return !*value || shop_is_name(*value) || fail("%s: \"%s\": " NAME_RULE, where, key);
}

static bool read_names(const json_t *object, const char *where, const char *key, const char ***list, size_t *n) {
    if (!read_list(object, where, key, list, n)) return false;
    for (size_t i = 0; i < *n; i++)
        if (!shop_is_name((*list)[i])) return fail("%s: \"%s\"[%zu]: " NAME_RULE, where, key, i);
    return true;
}

/* The position of the value in `names`, as an enum. */
static bool read_choice(const json_t *object, const char *where, const char *key, const char *const *names,
                        int *value) {
    const char *text = NULL;
    if (!read_string(object, where, key, false, &text)) return false;
    for (int i = 0; text && names[i]; i++)
        if (!strcmp(names[i], text)) {
            *value = i;
            return true;
        }
    return !text || fail("%s: \"%s\": \"%s\" is not valid", where, key, text);
}

/* ---- sections */

static void set_defaults(config *c) {
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    const int32_t processors = n > 0 && n < 1024 ? (int32_t)n : 1;
    *c = (config){.address = "127.0.0.1", .port = 8080, .log_requests = true};
    c->limits = (limits){.http_threads = 2,
                         .prepare_threads = 2,
                         .worker_threads = processors < 2    ? 2
                                           : processors > 16 ? 16
                                                             : processors,
                         .max_jobs = 1024,
                         .max_connections = 2048,
                         .max_header_bytes = 16384,
                         .max_body_bytes = 4 << 20,
                         .max_bodies_bytes = 64 << 20,
                         .timeout_s = 60,
                         .deadline_ms = 120000,
                         .drain_ms = 30000,
                         .max_texts = 2048,
                         .max_choices = 128,
                         .stream_ms = 20};
}

static bool read_limits(const json_t *o, limits *l) {
    static const char *const keys[] = {"http_threads",
                                       "prepare_threads",
                                       "worker_threads",
                                       "max_jobs",
                                       "max_connections",
                                       "max_connections_per_ip",
                                       "max_header_bytes",
                                       "max_body_bytes",
                                       "timeout_s",
                                       "deadline_ms",
                                       "drain_delay_ms",
                                       "drain_ms",
                                       "max_bodies_bytes",
                                       "max_texts",
                                       "max_choices",
                                       "stream_ms",
                                       NULL};
    static const char w[] = "limits";
    return !o || (check_keys(o, w, keys) && read_int32(o, w, "http_threads", 1, 64, &l->http_threads) &&
                  read_int32(o, w, "prepare_threads", 1, 64, &l->prepare_threads) &&
                  read_int32(o, w, "worker_threads", 1, 256, &l->worker_threads) &&
                  read_int32(o, w, "max_jobs", 1, 1 << 20, &l->max_jobs) &&
                  read_int32(o, w, "max_connections", 1, 1 << 19, &l->max_connections) &&
                  read_int32(o, w, "max_connections_per_ip", 0, 1 << 19, &l->max_connections_per_ip) &&
                  read_int32(o, w, "max_header_bytes", 1024, 1 << 20, &l->max_header_bytes) &&
                  read_int(o, w, "max_body_bytes", 1, (int64_t)1 << 30, &l->max_body_bytes) &&
                  read_int(o, w, "max_bodies_bytes", 1, (int64_t)1 << 40, &l->max_bodies_bytes) &&
                  read_int32(o, w, "timeout_s", 1, 86400, &l->timeout_s) &&
                  read_int32(o, w, "deadline_ms", 0, INT32_MAX, &l->deadline_ms) &&
                  read_int32(o, w, "drain_delay_ms", 0, 3600000, &l->drain_delay_ms) &&
                  read_int32(o, w, "drain_ms", 0, 86400000, &l->drain_ms) &&
                  read_int32(o, w, "max_texts", 1, 1 << 20, &l->max_texts) &&
                  read_int32(o, w, "max_choices", 1, 4096, &l->max_choices) &&
                  read_int32(o, w, "stream_ms", 0, 10000, &l->stream_ms));
}

static bool read_model(const json_t *o, size_t i, model_config *m) {
    static const char *const keys[] = {"name",     "path",  "aliases",  "threads",   "weights",   "kv_type", "adapters",
                                       "template", "n_ctx", "kv_bytes", "max_batch", "max_queue", NULL};
    char where[40];
    int weights_at = (int)m->options.weights, kv_at = (int)m->options.kv_type;
    int64_t kv_bytes = 0;
    snprintf(where, sizeof where, "models[%zu]", i);
    if (!check_keys(o, where, keys) || !read_name(o, where, "name", true, &m->name) ||
        !read_string(o, where, "path", true, &m->path) ||
        !read_string(o, where, "template", false, &m->prompt_template) ||
        !read_names(o, where, "aliases", &m->aliases, &m->n_aliases) ||
        !read_list(o, where, "adapters", &m->own_adapters, &m->options.n_adapters) ||
        !read_int32(o, where, "threads", 0, 512, &m->options.n_threads) ||
        !read_choice(o, where, "weights", cli_weights_names, &weights_at) ||
        !read_choice(o, where, "kv_type", cli_kv_type_names, &kv_at) ||
        !read_int32(o, where, "n_ctx", 1, INT32_MAX, &m->engine.n_ctx) ||
        !read_int(o, where, "kv_bytes", 0, INT64_MAX, &kv_bytes) ||
        !read_int32(o, where, "max_batch", 1, 4096, &m->engine.max_batch) ||
        !read_int32(o, where, "max_queue", 1, 1 << 20, &m->engine.max_queue))
        return false;
    if (m->own_adapters) m->options.adapters = m->own_adapters;
    m->options.weights = (llmcs_weights)weights_at;
    m->options.kv_type = (llmcs_kv_type)kv_at;
    m->engine.kv_bytes = (uint64_t)kv_bytes;
    return true;
}

static bool add_key(config *c, const key_config *key) {
    key_config *keys = realloc(c->keys, (c->n_keys + 1) * sizeof *keys);
    if (!keys) return fail("no memory");
    c->keys = keys;
    keys[c->n_keys++] = *key;
    return true;
}

/* The file without the line end; at least 16 bytes. */
static bool read_secret(const char *path, unsigned char *secret, size_t capacity, size_t *n) {
    FILE *from = fopen(path, "rb");
    if (!from) return fail("%s: %s", path, strerror(errno));
    *n = fread(secret, 1, capacity, from);
    fclose(from);
    while (*n && (secret[*n - 1] == '\n' || secret[*n - 1] == '\r')) --*n;
    if (*n < 16 || *n == capacity)
        return fail("%s: found %zu bytes; expected a key of 16 to %zu", path, *n, capacity - 1);
    return true;
}

enum { SECRET_BYTES = 1024 };

static bool hash_key_file(const char *path, unsigned char sha256[32]) {
    unsigned char secret[SECRET_BYTES];
    size_t n = 0;
    const bool read = read_secret(path, secret, sizeof secret, &n);
    if (read) crypto_hash_sha256(sha256, secret, n);
    sodium_memzero(secret, sizeof secret);
    return read;
}

static bool read_roles(const json_t *o, const char *where, unsigned *roles) {
    static const struct {
        const char *name;
        unsigned role;
    } known[] = {{"inference", ROLE_INFERENCE}, {"customer", ROLE_CUSTOMER}, {"shop", ROLE_SHOP},
                 {"agent", ROLE_AGENT},         {"metrics", ROLE_METRICS},   {"admin", ROLE_ADMIN}};
    const char **list = NULL;
    size_t n = 0;
    bool ok = read_list(o, where, "roles", &list, &n);
    for (size_t i = 0; ok && i < n; i++) {
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(known[k].name, list[i]) != 0) k++;
        if (k == sizeof known / sizeof *known)
            ok = fail("%s: \"roles\": \"%s\" is not one of inference, customer, shop, agent, metrics, admin", where,
                      list[i]);
        else
            *roles |= known[k].role;
    }
    free(list);
    return ok && (*roles || fail("%s: \"roles\": expected at least one", where));
}

static bool read_key(config *c, const json_t *o, size_t i) {
    static const char *const keys[] = {"name", "key_file", "key_sha256", "roles", "customer", NULL};
    char where[40];
    const char *file = NULL, *hex = NULL;
    key_config key = {0};
    size_t n = 0;
    snprintf(where, sizeof where, "keys[%zu]", i);
    if (!check_keys(o, where, keys) || !read_name(o, where, "name", true, &key.name) ||
        !read_string(o, where, "key_file", false, &file) || !read_string(o, where, "key_sha256", false, &hex) ||
        !read_name(o, where, "customer", false, &key.customer) || !read_roles(o, where, &key.roles))
        return false;
    if (!file == !hex) return fail("%s: give one of \"key_file\" and \"key_sha256\"", where);
    if (key.roles & ROLE_CUSTOMER && !key.customer)
        return fail("%s: a key with the role customer needs \"customer\", the customer's name", where);
    if (file && !hash_key_file(file, key.sha256)) return false;
    if (hex &&
        (sodium_hex2bin(key.sha256, sizeof key.sha256, hex, strlen(hex), NULL, &n, NULL) || n != sizeof key.sha256))
        return fail("%s: \"key_sha256\": expected 64 hexadecimal digits", where);
    return add_key(c, &key);
}

static bool read_models(config *c, const json_t *list, const cli_common *common) {
    if (list && !json_is_array(list)) return fail("\"models\": expected a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        model_config *m = &c->models[c->n_models++];
        cli_model_options(common, &m->options);
        llmcs_engine_options_init(&m->engine);
        if (!read_model(json_array_get(list, i), i, m)) return false;
    }
    return true;
}

static bool read_token_secret(config *c, const char *file) {
    if (!file) return true;
    c->token_secret = malloc(SECRET_BYTES);
    if (!c->token_secret) return fail("no memory");
    return read_secret(file, c->token_secret, SECRET_BYTES, &c->token_secret_bytes);
}

static bool read_file(config *c, const char *path, const cli_common *common) {
    static const char *const keys[] = {
        "listen", "models", "keys", "token_secret_file", "cors", "open_metrics", "log_requests",
        "shop",   "limits", NULL};
    static const char *const listen_keys[] = {"address", "port", NULL}, *const cors_keys[] = {"origins", NULL},
                             *const shop_keys[] = {"store", NULL};
    json_error_t error;
    c->file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!c->file) return fail("%s: line %d: %s", path, error.line, error.text);
    const json_t *f = c->file, *listen = json_object_get(f, "listen"), *cors = json_object_get(f, "cors"),
                 *shop = json_object_get(f, "shop");
    const json_t *list = json_object_get(f, "keys"), *models = json_object_get(f, "models");
    const char *secret = NULL;
    if (!check_keys(f, path, keys)) return false;
    c->models = calloc(json_array_size(models) + CLI_MAX_STRINGS + 1, sizeof *c->models);
    if (!c->models) return fail("no memory");
    if (listen &&
        (!check_keys(listen, "listen", listen_keys) || !read_string(listen, "listen", "address", false, &c->address) ||
         !read_int32(listen, "listen", "port", 0, 65535, &c->port)))
        return false;
    if (cors &&
        (!check_keys(cors, "cors", cors_keys) || !read_list(cors, "cors", "origins", &c->origins, &c->n_origins)))
        return false;
    if (shop && (!check_keys(shop, "shop", shop_keys) || !read_string(shop, "shop", "store", true, &c->shop)))
        return false;
    if (list && !json_is_array(list)) return fail("\"keys\": expected a list");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_key(c, json_array_get(list, i), i)) return false;
    return read_bool(f, path, "open_metrics", &c->open_metrics) &&
           read_bool(f, path, "log_requests", &c->log_requests) &&
           read_string(f, path, "token_secret_file", false, &secret) && read_token_secret(c, secret) &&
           read_limits(json_object_get(f, "limits"), &c->limits) && read_models(c, models, common);
}

/* ---- the command line */

/* "NAME=FOLDER", or a folder, whose last part is the name. */
static bool add_model(config *c, const char *text, const cli_common *common, bool named) {
    model_config *m = &c->models[c->n_models];
    const char *equals = strchr(text, '=');
    cli_model_options(common, &m->options);
    llmcs_engine_options_init(&m->engine);
    if (named && (!equals || equals == text || !equals[1])) return fail("--model %s: expected NAME=FOLDER", text);
    m->path = named ? equals + 1 : text;
    size_t n = named ? (size_t)(equals - text) : strlen(text);
    while (!named && n > 1 && text[n - 1] == '/') n--;
    size_t begin = n;
    while (!named && begin && text[begin - 1] != '/') begin--;
    if (named) begin = 0;
    m->name = m->own_name = strndup(text + begin, n - begin);
    c->n_models += m->name != NULL;
    if (m->name && !shop_is_name(m->name)) return fail("--model: " NAME_RULE);
    return m->name || fail("no memory");
}

static bool apply_options(config *c, const given *g, const cli_common *common) {
    if (!c->models && !(c->models = calloc(CLI_MAX_STRINGS + 1, sizeof *c->models))) return fail("no memory");
    if (common->folder && !add_model(c, common->folder, common, false)) return false;
    for (size_t i = 0; i < g->models.n; i++)
        if (!add_model(c, g->models.items[i], common, true)) return false;
    if (g->address) c->address = g->address;
    if (cli_was_given(common, "port")) c->port = g->port;
    if (g->shop) c->shop = g->shop;
    if (g->key_file) {
        key_config key = {.name = "admin", .roles = ROLE_ADMIN};
        if (!hash_key_file(g->key_file, key.sha256) || !add_key(c, &key)) return false;
    }
    return true;
}

static bool is_loopback(const char *address) { return !strncmp(address, "127.", 4) || !strcmp(address, "::1"); }

/* Names and aliases must be unique: a request names one model. */
static bool check_names(const config *c) {
    for (size_t i = 0; i < c->n_models; i++)
        for (size_t a = 0; a <= c->models[i].n_aliases; a++) {
            const char *name = a ? c->models[i].aliases[a - 1] : c->models[i].name;
            size_t n = 0;
            for (size_t j = 0; j < c->n_models; j++)
                for (size_t b = 0; b <= c->models[j].n_aliases; b++)
                    n += !strcmp(name, b ? c->models[j].aliases[b - 1] : c->models[j].name);
            if (n != 1) return fail("models: the name \"%s\" occurs %zu times, expected once", name, n);
        }
    return true;
}

static bool check_config(const config *c) {
    if (!c->n_keys && !c->token_secret && !is_loopback(c->address))
        return fail("without keys the server listens on 127.0.0.1 or ::1 only, not on %s: give \"keys\" or --key-file",
                    c->address);
    if (!c->n_models && !c->shop) return fail("no model and no store: nothing to serve");
    return check_names(c);
}

int config_read(config *c, int argc, char **argv) {
    static cli_common common; /* the models' options point into it */
    given g = {.port = 8080};
    set_defaults(c);
    if (argc > 1 && !strcmp(argv[1], "--version")) {
        printf("%s %s\n", cli_program, llmcs_version());
        return EXIT_DONE;
    }
    char *arguments_first = argv[0];
    argv[0] = (char *)(uintptr_t)cli_program;
    const int code = cli_parse(&command, argc, argv, &common, &g);
    argv[0] = arguments_first;
    if (code >= 0) return code;
    if (g.file && !read_file(c, g.file, &common)) return EXIT_USAGE;
    return apply_options(c, &g, &common) && check_config(c) ? -1 : EXIT_USAGE;
}

void config_free(config *c) {
    for (size_t i = 0; i < c->n_models; i++) {
        free(c->models[i].aliases);
        free(c->models[i].own_adapters);
        free(c->models[i].own_name);
    }
    free(c->models);
    free(c->keys);
    free(c->origins);
    if (c->token_secret) sodium_memzero(c->token_secret, SECRET_BYTES);
    free(c->token_secret);
    json_decref(c->file);
}
