/* llmcs_shop_desk_open: options, flows.json, locks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shop/base/options.h"
#include "shop/desk/desk.h"

enum { MAX_FILE = 4 << 20 };

static const llmcs_shop_desk_options default_options = {.struct_size = sizeof default_options,
                                                        .call_timeout_ms = 5000,
                                                        .n_host_threads = 8,
                                                        .confirm_minutes = 30,
                                                        .max_text_bytes = 16384};

void llmcs_shop_desk_options_init_sized(llmcs_shop_desk_options *options, size_t struct_size) {
    shop_options_init(options, struct_size, &default_options, sizeof default_options);
}

static llmcs_status check_options(const llmcs_shop_desk_options *o) {
    if (o->flows_path && o->flows_json) return shop_fail(LLMCS_ARG, "flows_path and flows_json exclude each other");
    if (!(o->call_timeout_ms >= 1 && o->call_timeout_ms <= 600000))
        return shop_fail(LLMCS_ARG, "call_timeout_ms: %g is not valid (1 to 600000)", o->call_timeout_ms);
    if (o->n_host_threads < 1 || o->n_host_threads > 64)
        return shop_fail(LLMCS_ARG, "n_host_threads: %d is not valid (1 to 64)", o->n_host_threads);
    if (!(o->confirm_minutes > 0 && o->confirm_minutes <= 1e6))
        return shop_fail(LLMCS_ARG, "confirm_minutes: %g is not valid (above 0, to 1e6)", o->confirm_minutes);
    if (!(o->deadline_ms >= 0)) return shop_fail(LLMCS_ARG, "deadline_ms: %g is not valid (0 or more)", o->deadline_ms);
    if (!o->max_text_bytes || o->max_text_bytes > 65536)
        return shop_fail(LLMCS_ARG, "max_text_bytes: %lld is not valid (1 to 65536)", (long long)o->max_text_bytes);
    if (o->n_host_calls && !o->host_calls) return shop_fail(LLMCS_ARG, "host_calls is NULL and n_host_calls is not 0");
    if (o->n_host_calls && !o->call) return shop_fail(LLMCS_ARG, "host_calls without call");
    return LLMCS_OK;
}

/* ---- the file */

static llmcs_status read_all(int file, const char *path, const llmcs_allocator *a, char **text, size_t *n) {
    struct stat info;
    *n = 0;
    if (fstat(file, &info) || !S_ISREG(info.st_mode)) return shop_fail(LLMCS_IO, "%s: not a file", path);
    if (info.st_size > MAX_FILE)
        return shop_fail(LLMCS_LIMIT, "%s has %lld bytes, at most %d", path, (long long)info.st_size, MAX_FILE);
    const size_t size = (size_t)info.st_size;
    SHOP_TRY(shop_alloc(a, size + 1, 1, "flows", text));
    while (*n < size) {
        const ssize_t got = read(file, *text + *n, size - *n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return shop_fail(LLMCS_IO, "%s: byte %lld cannot be read", path, (long long)*n);
        *n += (size_t)got;
    }
    (*text)[size] = 0;
    return LLMCS_OK;
}

static llmcs_status read_file(const char *path, const llmcs_allocator *a, char **text, size_t *n) {
    *text = NULL;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return shop_fail(LLMCS_IO, "%s: cannot be opened: error %d", path, errno);
    const llmcs_status status = read_all(file, path, a, text, n);
    close(file);
    if (status) {
        shop_free(a, *text);
        *text = NULL;
    }
    return status;
}

static llmcs_status read_flows(llmcs_shop_desk *d, const llmcs_shop_desk_options *o) {
    shop_connection *c;
    char *file = NULL;
    size_t n = o->flows_json ? strlen(o->flows_json) : 0;
    if (o->flows_path) SHOP_TRY(read_file(o->flows_path, &d->allocator, &file, &n));
    llmcs_status status = shop_read_begin(d->shop, &c);
    if (!status) {
        status = desk_flows_read(c, &d->allocator, o->flows_path ? o->flows_path : "flows_json",
                                 file ? file : o->flows_json, n, &d->flows);
        shop_read_end(d->shop, c);
    }
    shop_free(&d->allocator, file);
    return status;
}

/* ---- host calls */

static bool is_listed(const llmcs_shop_desk_options *o, const char *name) {
    for (size_t i = 0; i < o->n_host_calls; i++)
        if (o->host_calls[i] && (!strcmp(o->host_calls[i], name) || !strcmp(o->host_calls[i], "*"))) return true;
    return false;
}

static llmcs_status check_names(const llmcs_shop_desk *d, const llmcs_shop_desk_options *o) {
    for (size_t i = 0; i < o->n_host_calls; i++) {
        bool known = o->host_calls[i] && !strcmp(o->host_calls[i], "*");
        if (!o->host_calls[i]) return shop_fail(LLMCS_ARG, "host_calls[%lld] is NULL", (long long)i);
        for (size_t k = 0; k < d->flows->n_finds; k++)
            known = known || !strcmp(o->host_calls[i], d->flows->finds[k].name);
        for (size_t k = 0; k < d->flows->n_actions; k++)
            known = known || !strcmp(o->host_calls[i], d->flows->actions[k].name);
        if (!known)
            return shop_fail(LLMCS_CONFIG, "host_calls: flows.json has no find or action \"%.60s\"", o->host_calls[i]);
    }
    return LLMCS_OK;
}

static llmcs_status assign_queries(llmcs_shop_desk *d, const llmcs_shop_desk_options *o, const desk_query *list,
                                   size_t n, bool **by_host) {
    SHOP_TRY(shop_alloc_zero(&d->allocator, n, sizeof **by_host, "desk", by_host));
    for (size_t i = 0; i < n; i++) {
        (*by_host)[i] = list[i].host || is_listed(o, list[i].name);
        if (d->shop->shared && !(*by_host)[i] && desk_names_events(&list[i]))
            return shop_fail(
                LLMCS_CONFIG,
                "%s: %s uses the table events, which is in each node's file: with llmcs.postgres a statement"
                " cannot use it together with the server's customers",
                d->flows->path, list[i].name);
        if (list[i].host && !o->call)
            return shop_fail(LLMCS_CONFIG, "%s: %s is answered by the host, but options.call is NULL", d->flows->path,
                             list[i].name);
    }
    return LLMCS_OK;
}

static llmcs_status prepare_desk(llmcs_shop_desk *d, const llmcs_shop_desk_options *o) {
    SHOP_TRY(read_flows(d, o));
    SHOP_TRY(check_names(d, o));
    SHOP_TRY(assign_queries(d, o, d->flows->finds, d->flows->n_finds, &d->find_by_host));
    SHOP_TRY(assign_queries(d, o, d->flows->actions, d->flows->n_actions, &d->action_by_host));
    SHOP_TRY(desk_readers_create(d->shop, d->flows, &d->readers));
    if (o->call)
        SHOP_TRY(desk_host_create(d->shop, o->call, o->call_user, o->n_host_threads, o->call_timeout_ms, &d->host));
    if (o->reader) SHOP_TRY(desk_reader_create(&d->allocator, o->reader, d->flows, &d->reader));
    return desk_private_create(d, o->wording);
}

llmcs_status llmcs_shop_desk_open(llmcs_shop *shop, const llmcs_shop_desk_options *options, llmcs_shop_desk **desk) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_desk_options o = default_options;
    llmcs_shop_desk *d;
    if (!desk) return shop_fail(LLMCS_ARG, "desk is NULL");
    *desk = NULL;
    SHOP_TRY(shop_check(shop));
    if (options)
        SHOP_TRY(shop_options_in(&o, sizeof o, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_desk_options, allocator), options,
                                 "llmcs_shop_desk_options"));
    SHOP_TRY(check_options(&o));
    const llmcs_allocator a = o.allocator ? *o.allocator : shop->allocator;
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *d, "desk", &d));
    *d = (llmcs_shop_desk){.allocator = a,
                           .shop = shop,
                           .intents = o.intents,
                           .sentiment = o.sentiment,
                           .guard = o.guard,
                           .now = o.now,
                           .now_user = o.now_user,
                           .confirm_minutes = o.confirm_minutes,
                           .deadline_ms = o.deadline_ms,
                           .call_timeout_ms = o.call_timeout_ms,
                           .max_text_bytes = o.max_text_bytes};
    if (pthread_mutex_init(&d->lock, NULL)) {
        shop_free(&a, d);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    if (pthread_cond_init(&d->left, NULL)) {
        pthread_mutex_destroy(&d->lock);
        shop_free(&a, d);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    const llmcs_status status = prepare_desk(d, &o);
    if (status)
        llmcs_shop_desk_free(&d);
    else
        *desk = d;
    return status;
}

void llmcs_shop_desk_free(llmcs_shop_desk **desk) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_desk *d = desk ? *desk : NULL;
    if (!d) return;
    *desk = NULL;
    const llmcs_allocator a = d->allocator;
    const bool own = d->shop->owner == getpid();
    desk_host_free(&d->host);
    desk_private_free(d);
    desk_reader_free(&d->allocator, &d->reader);
    desk_readers_free(&d->readers);
    desk_flows_free(&d->flows);
    shop_free(&a, d->find_by_host);
    shop_free(&a, d->action_by_host);
    if (own) {
        pthread_cond_destroy(&d->left);
        pthread_mutex_destroy(&d->lock);
    }
    shop_free(&a, d);
}
