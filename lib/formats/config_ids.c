/* Token ids of config.json and generation_config.json, single ones and lists. */
#include "formats/config_parts.h"

/* -1 and null mean none. An id outside the vocabulary is logged and means none, too. */
static llmcs_status read_id(const ll_config *c, const ll_settings *f, const char *key, ll_json v, const ll_log *log,
                            int32_t *out) {
    int64_t id;
    *out = -1;
    if (ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    LL_TRY(ll_settings_read_int(f, key, v, -1, INT32_MAX, &id));
    if (id < c->vocab_size)
        *out = (int32_t)id;
    else
        ll_log_say(log, LLMCS_LOG_WARN, "%s: %s: %lld is ignored: the vocabulary has %d tokens", f->name, key,
                   (long long)id, c->vocab_size);
    return LLMCS_OK;
}

llmcs_status ll_config_token_id(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, int32_t *out) {
    ll_json v;
    LL_TRY(ll_settings_find(f, key, &v));
    return ll_json_get_type(v) == LL_JSON_MISSING ? LLMCS_OK : read_id(c, f, key, v, log, out);
}

/* The ids of a list, or of a single id, without those that mean none. */
static llmcs_status copy_ids(ll_config *c, const ll_settings *f, const char *key, ll_json v, const ll_log *log,
                             int32_t **ids, size_t *n_ids) {
    const bool list = ll_json_get_type(v) == LL_JSON_ARRAY;
    size_t n = 0;
    LL_TRY(ll_arena_alloc(&c->arena, list ? ll_json_count(v) : 1, sizeof **ids, f->name, ids));
    for (ll_json id = list ? ll_json_first(v) : v; ll_json_get_type(id); id = ll_json_next(id)) {
        int32_t found;
        LL_TRY(read_id(c, f, key, id, log, &found));
        if (found >= 0) (*ids)[n++] = found;
        if (!list) break;
    }
    *n_ids = n;
    return LLMCS_OK;
}

llmcs_status ll_config_ids_of(ll_config *c, const ll_settings *f, const char *key, ll_json v, const ll_log *log,
                              llmcs_ids *out) {
    int32_t *ids;
    LL_TRY(copy_ids(c, f, key, v, log, &ids, &out->n_ids));
    out->ids = ids;
    return LLMCS_OK;
}

llmcs_status ll_config_eos_ids(ll_config *c, const ll_settings *f, const ll_log *log) {
    ll_json v;
    LL_TRY(ll_settings_find(f, "eos_token_id", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING) return LLMCS_OK;
    const size_t n = ll_json_get_type(v) == LL_JSON_ARRAY ? ll_json_count(v) : 1;
    if (n > LL_MAX_EOS)
        return ll_fail(LLMCS_LIMIT, "%s: eos_token_id: %zu ids, at most %d are read", f->name, n, LL_MAX_EOS);
    return copy_ids(c, f, "eos_token_id", v, log, &c->eos_token_id, &c->n_eos_token_id);
}

llmcs_status ll_config_id_list(ll_config *c, const ll_settings *f, const char *key, const ll_log *log, llmcs_ids *out) {
    ll_json v;
    int32_t *ids;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    LL_TRY(copy_ids(c, f, key, v, log, &ids, &out->n_ids));
    out->ids = ids;
    return LLMCS_OK;
}

llmcs_status ll_config_id_lists(ll_config *c, const ll_settings *f, const char *key, const ll_log *log,
                                const llmcs_ids **lists, size_t *n_lists) {
    ll_json v;
    llmcs_ids *out;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_ARRAY) return ll_settings_bad(f, key, v, "a list of lists of token ids");
    LL_TRY(ll_arena_alloc(&c->arena, ll_json_count(v), sizeof *out, f->name, &out));
    *lists = out;
    *n_lists = 0;
    for (ll_json list = ll_json_first(v); ll_json_get_type(list); list = ll_json_next(list)) {
        const size_t n = ll_json_count(list);
        int32_t *ids;
        size_t n_ids;
        if (ll_json_get_type(list) != LL_JSON_ARRAY || n == 0)
            return ll_settings_bad(f, key, list, "lists of one or more token ids");
        LL_TRY(copy_ids(c, f, key, list, log, &ids, &n_ids));
        if (n_ids == n)
            out[(*n_lists)++] = (llmcs_ids){ids, n_ids}; /* a list that lacks one of its ids has another meaning */
    }
    return LLMCS_OK;
}
