/* Endpoints for operators: /health, /ready, /metrics, /v1/models, reload. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

static void health(exchange *x) { reply_json(x, 200, json_pack("{ss}", "status", "ok")); }

static void ready(exchange *x) {
    static const char *const names[] = {"starting", "ready", "draining", "stopping"};
    const int32_t state = __atomic_load_n(&x->server->state, __ATOMIC_ACQUIRE);
    reply_json(x, state == SERVER_READY ? 200 : 503, json_pack("{ss}", "status", names[state]));
}

static void metrics(exchange *x) {
    size_t n = 0;
    char *text = metrics_text(x->server, &n);
    if (!text) {
        reply_json(x, 500, NULL);
        return;
    }
    reply_bytes(x, 200, "text/plain; version=0.0.4; charset=utf-8", text, n, true);
    free(text);
}

static json_t *model_json(const served *m, const char *id) {
    const uint32_t heads = llmcs_model_tokenizer(m->model) ? m->info.heads : 0; /* all calls here need texts */
    json_t *tasks = json_array();
    static const struct {
        uint32_t head;
        const char *task;
    } known[] = {{LLMCS_HEAD_CAUSAL_LM, "generate"},
                 {LLMCS_HEAD_EMBEDDING, "embed"},
                 {LLMCS_HEAD_CLASSIFICATION, "classify"},
                 {LLMCS_HEAD_CLASSIFICATION, "rerank"},
                 {LLMCS_HEAD_TOKEN_CLASSIFICATION, "tag"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (heads & known[i].head) json_array_append_new(tasks, json_string(known[i].task));
    if (heads & LLMCS_HEAD_CAUSAL_LM && (m->chat || m->template)) json_array_append_new(tasks, json_string("chat"));
    return json_pack("{sssssIsssssosisI}", "id", id, "object", "model", "created", (json_int_t)m->created, "owned_by",
                     "llmcs", "root", m->config->name, "tasks", tasks, "context_length", (int)m->info.n_ctx,
                     "parameters", (json_int_t)m->info.n_parameters);
}

static void list_models(exchange *x) {
    json_t *list = json_array();
    for (size_t i = 0; i < models_count(x->server); i++) {
        served *m = models_at(x->server, i);
        json_array_append_new(list, model_json(m, m->config->name));
        for (size_t a = 0; a < m->config->n_aliases; a++)
            json_array_append_new(list, model_json(m, m->config->aliases[a]));
        models_release(m);
    }
    reply_json(x, 200, json_pack("{ssso}", "object", "list", "data", list));
}

static void one_model(exchange *x) {
    served *m = models_acquire(x->server, x->params[0]);
    if (!m) {
        reply_error(x, 404, "model_not_found", NULL, "no such model; GET /v1/models lists them");
        return;
    }
    reply_json(x, 200, model_json(m, x->params[0]));
    models_release(m);
}

static void reload_model(exchange *x) {
    served *m = models_acquire(x->server, x->params[0]);
    if (!m) {
        reply_error(x, 404, "model_not_found", NULL, "no such model; GET /v1/models lists them");
        return;
    }
    models_release(m);
    if (!models_reload(x->server, x->params[0], x)) reply_json(x, 500, NULL);
}

static const route routes[] = {
    {"GET", "/health", ROLE_PUBLIC, RUN_INLINE, 0, health},
    {"GET", "/ready", ROLE_PUBLIC, RUN_INLINE, 0, ready},
    {"GET", "/metrics", ROLE_METRICS, RUN_PREPARE, 0, metrics},
    {"GET", "/v1/models", ROLE_INFERENCE, RUN_INLINE, 0, list_models},
    {"GET", "/v1/models/{}", ROLE_INFERENCE, RUN_INLINE, 0, one_model},
    {"POST", "/admin/models/{}/reload", ROLE_ADMIN, RUN_PREPARE, 0, reload_model},
};

const api api_status = {.name = "status", .routes = routes, .n_routes = sizeof routes / sizeof *routes};
