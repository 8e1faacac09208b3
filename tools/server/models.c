/*
 * The models that are served, by name. Each has references: the registry's own, and one for each request that uses it.
 * A reload opens the folder again and replaces the registry's; the old version is freed when its last request has
 * ended. Opening and freeing happen on a thread of their own, since both wait.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generate.h"
#include "prompt_template.h"

typedef struct reload {
    struct reload *next;
    char *name; /* NULL: all */
    exchange *exchange;
} reload;

struct models {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    served **current; /* [n] as in the configuration */
    size_t n;
    served *dead; /* to be freed */
    reload *reloads;
    bool stopping, started;
    pthread_t thread;
};

static void log_library(void *user, llmcs_log_level level, const char *message) {
    if (level >= LLMCS_LOG_WARN) log_message(LOG_WARN, "model", "%s: %s", (const char *)user, message);
}

/* ---- one version */

/* A server that ends does not wait for a model that is opened again. */
static int ends(void *user, float done) {
    const server *s = user;
    (void)done;
    return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) >= SERVER_DRAINING;
}

static void free_served(served *m) {
    if (m->engine) {
        llmcs_engine_stop(m->engine);
        pthread_join(m->events, NULL);
        llmcs_engine_free(&m->engine);
    }
    grammars_free(m->grammars);
    llmcs_chat_free(&m->chat);
    if (m->template) template_free(m->template);
    free(m->template);
    llmcs_model_free(&m->model);
    free(m);
}

static bool open_templates(served *m, char *message, size_t capacity) {
    const model_config *c = m->config;
    const llmcs_status status = llmcs_chat_open(c->path, NULL, &m->chat);
    if (status && status != LLMCS_TEMPLATE) {
        snprintf(message, capacity, "%s", llmcs_error_message());
        return false;
    }
    m->template = calloc(1, sizeof *m->template);
    const int found = m->template ? template_find(m->template, c->path, c->prompt_template, NULL) : -1;
    if (found <= 0) {
        free(m->template);
        m->template = NULL;
    }
    if (found < 0) snprintf(message, capacity, "%s: prompt_template.json is not valid", c->path);
    return found >= 0;
}

/* A version with one reference, or NULL with a message. */
static served *open_served(server *s, const model_config *c, int32_t version, char *message, size_t capacity) {
    served *m = calloc(1, sizeof *m);
    llmcs_model_options options = c->options;
    options.log = log_library;
    options.log_user = (void *)(uintptr_t)c->name;
    options.progress = ends;
    options.progress_user = s;
    snprintf(message, capacity, "no memory");
    if (!m) return NULL;
    *m = (served){.server = s, .config = c, .created = (int64_t)time(NULL), .version = version, .references = 1};
    m->info.struct_size = sizeof m->info;
    bool opened = (m->grammars = grammars_create()) != NULL;
    if (opened && (llmcs_model_open(c->path, &options, &m->model) || llmcs_model_get_info(m->model, &m->info))) {
        snprintf(message, capacity, "%s", llmcs_error_message());
        opened = false;
    }
    if (opened && m->info.heads & LLMCS_HEAD_CAUSAL_LM) {
        opened = open_templates(m, message, capacity);
        if (opened && llmcs_engine_create(m->model, &c->engine, &m->engine)) {
            snprintf(message, capacity, "%s", llmcs_error_message());
            opened = false;
        }
        if (opened && pthread_create(&m->events, NULL, events_follow, m)) {
            llmcs_engine_free(&m->engine);
            opened = false;
        }
    }
    if (opened) return m;
    free_served(m);
    return NULL;
}

/* ---- references */

static bool is_named(const model_config *c, const char *name) {
    bool named = !strcmp(c->name, name);
    for (size_t i = 0; i < c->n_aliases; i++) named = named || !strcmp(c->aliases[i], name);
    return named;
}

served *models_acquire(server *s, const char *name) {
    struct models *all = s->models;
    served *found = NULL;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n && !found; i++)
        if (!name || is_named(all->current[i]->config, name)) found = all->current[i];
    if (found) found->references++;
    pthread_mutex_unlock(&all->lock);
    return found;
}

size_t models_count(const server *s) { return s->models->n; }

served *models_at(server *s, size_t i) {
    pthread_mutex_lock(&s->models->lock);
    served *m = i < s->models->n ? s->models->current[i] : NULL;
    if (m) m->references++;
    pthread_mutex_unlock(&s->models->lock);
    return m;
}

/* With the lock held. */
static void release_locked(struct models *all, served *m) {
    if (--m->references) return;
    m->next_dead = all->dead;
    all->dead = m;
    pthread_cond_signal(&all->changed);
}

void models_release(served *m) {
    struct models *all = m->server->models;
    pthread_mutex_lock(&all->lock);
    release_locked(all, m);
    pthread_mutex_unlock(&all->lock);
}

served *models_acquire_for(exchange *x, uint32_t heads, const char *what) {
    const char *name;
    if (!x_name(x, "model", true, &name)) return NULL;
    served *m = models_acquire(x->server, name);
    if (!m) {
        reply_error(x, 404, "model_not_found", "model", "no model \"%.100s\"; GET /v1/models lists them", name);
        return NULL;
    }
    x->log_model = m->config->name;
    if (m->info.heads & heads) return m;
    reply_error(x, 400, "unsupported_model", "model", "\"%s\" (%s) has no %s head", m->config->name,
                m->info.architecture, what);
    models_release(m);
    return NULL;
}

/* ---- reload, on the registry's thread */

static bool reload_one(server *s, size_t i, char *message, size_t capacity) {
    struct models *all = s->models;
    const model_config *c = all->current[i]->config;
    const uint64_t begin = now_ns();
    served *opened = open_served(s, c, all->current[i]->version + 1, message, capacity);
    if (!opened) {
        if (!ends(s, 0)) log_message(LOG_ERROR, "reload", "%s: %s", c->name, message);
        return false;
    }
    pthread_mutex_lock(&all->lock);
    served *old = all->current[i];
    all->current[i] = opened;
    release_locked(all, old);
    pthread_mutex_unlock(&all->lock);
    log_event(LOG_INFO, "reload",
              json_pack("{sssisf}", "model", c->name, "version", (int)opened->version, "ms",
                        (double)(now_ns() - begin) * 1e-6));
    return true;
}

static void run_reload(server *s, const reload *r) {
    struct models *all = s->models;
    char message[300] = "no such model";
    bool done = false, failed = false;
    int32_t version = 0;
    for (size_t i = 0; i < all->n && !ends(s, 0); i++) {
        if (r->name && !is_named(all->current[i]->config, r->name)) continue;
        const bool reloaded = reload_one(s, i, message, sizeof message);
        done = done || reloaded;
        failed = failed || !reloaded;
        version = all->current[i]->version;
    }
    if (!r->exchange) return;
    if (ends(s, 0) && !done)
        reply_error(r->exchange, 503, "stopping", NULL, "the server ends; the model was not opened again");
    else if (done && !failed)
        reply_json(r->exchange, 200, json_pack("{sssi}", "model", r->name, "version", (int)version));
    else
        reply_error(r->exchange, 500, "reload_failed", NULL, "%s; the previous version stays in use", message);
}

static void free_reload(reload *r) {
    if (r->exchange) exchange_release(r->exchange);
    free(r->name);
    free(r);
}

static void *manage(void *user) {
    server *s = user;
    struct models *all = s->models;
    pthread_setname_np(pthread_self(), "models");
    pthread_mutex_lock(&all->lock);
    while (true) {
        while (!all->dead && !all->reloads && !all->stopping) pthread_cond_wait(&all->changed, &all->lock);
        served *dead = all->dead;
        reload *r = dead || all->stopping ? NULL : all->reloads;
        if (!dead && !r) break;
        if (dead)
            all->dead = dead->next_dead;
        else
            all->reloads = r->next;
        pthread_mutex_unlock(&all->lock);
        if (dead) free_served(dead);
        if (r) {
            run_reload(s, r);
            free_reload(r);
        }
        pthread_mutex_lock(&all->lock);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

bool models_reload(server *s, const char *name, exchange *x) {
    struct models *all = s->models;
    reload *r = calloc(1, sizeof *r);
    if (!r || (name && !(r->name = strdup(name)))) {
        free(r);
        return false;
    }
    r->exchange = x;
    if (x) exchange_retain(x);
    pthread_mutex_lock(&all->lock);
    reload **last = &all->reloads;
    while (*last) last = &(*last)->next;
    *last = r;
    pthread_cond_signal(&all->changed);
    pthread_mutex_unlock(&all->lock);
    return true;
}

/* ---- all */

bool models_open(server *s) {
    const config *c = &s->config;
    struct models *all = s->models = calloc(1, sizeof *all);
    char message[300];
    if (!all) return false;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->changed, NULL);
    all->current = calloc(c->n_models + 1, sizeof *all->current);
    if (!all->current) return false;
    for (; all->n < c->n_models; all->n++) {
        const uint64_t begin = now_ns();
        served *m = open_served(s, &c->models[all->n], 1, message, sizeof message);
        if (!m) {
            log_message(LOG_ERROR, "open", "%s: %s", c->models[all->n].name, message);
            return false;
        }
        all->current[all->n] = m;
        log_event(
            LOG_INFO, "open",
            json_pack("{sssssssisf}", "model", m->config->name, "type", m->info.model_type, "weights", m->info.weights,
                      "threads", (int)m->info.n_threads, "ms", (double)(now_ns() - begin) * 1e-6));
    }
    all->started = !pthread_create(&all->thread, NULL, manage, s);
    return all->started;
}

void models_close(server *s) {
    struct models *all = s->models;
    if (!all) return;
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    pthread_cond_signal(&all->changed);
    pthread_mutex_unlock(&all->lock);
    if (all->started) pthread_join(all->thread, NULL);
    /* From here on no other thread runs. */
    for (size_t i = 0; i < all->n && all->current; i++) release_locked(all, all->current[i]);
    for (served *m = all->dead, *next; m; m = next) {
        next = m->next_dead;
        free_served(m);
    }
    for (reload *r = all->reloads, *next; r; r = next) {
        next = r->next;
        free_reload(r);
    }
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    free(all->current);
    free(all);
    s->models = NULL;
}
