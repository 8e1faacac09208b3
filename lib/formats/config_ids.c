/* Special token ids of config.json and generation_config.json. */
#include "formats/config_parts.h"

/* -1 and null mean none; an id the vocabulary has not means none, too, and is logged. */
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

llmcs_status ll_config_eos_ids(ll_config *c, const ll_settings *f, const ll_log *log) {
    ll_json v;
    LL_TRY(ll_settings_find(f, "eos_token_id", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING) return LLMCS_OK;
    bool list = ll_json_get_type(v) == LL_JSON_ARRAY;
    size_t n = list ? ll_json_count(v) : 1;
    if (n > LL_MAX_EOS)
        return ll_fail(LLMCS_LIMIT, "%s: eos_token_id: %zu ids, at most %d are read", f->name, n, LL_MAX_EOS);
    c->n_eos_token_id = 0;
    LL_TRY(ll_arena_alloc(&c->arena, n, sizeof *c->eos_token_id, f->name, &c->eos_token_id));
    for (ll_json id = list ? ll_json_first(v) : v; ll_json_get_type(id); id = ll_json_next(id)) {
        int32_t found;
        LL_TRY(read_id(c, f, "eos_token_id", id, log, &found));
        if (found >= 0) c->eos_token_id[c->n_eos_token_id++] = found;
        if (!list) break;
    }
    return LLMCS_OK;
}
