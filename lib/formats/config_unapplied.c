/* Settings of a folder that are not applied. Each is logged once, at open, with file, key, value and its effect. */
#include <string.h>

#include "formats/config_parts.h"

static bool is_key(const char *text, const char *key, size_t len) {
    return strlen(text) == len && memcmp(text, key, len) == 0;
}

/* False for values that switch a setting off: absent, null, false, its neutral number, an empty list or object. */
static bool is_on(ll_json v, double neutral) {
    bool on = true;
    double d;
    switch (ll_json_get_type(v)) {
        case LL_JSON_MISSING:
        case LL_JSON_NULL:
            return false;
        case LL_JSON_BOOL:
            return ll_json_bool(v, &on) && on;
        case LL_JSON_NUMBER:
            return !(ll_json_double(v, &d) && d == neutral);
        case LL_JSON_ARRAY:
        case LL_JSON_OBJECT:
            return ll_json_count(v) > 0;
        case LL_JSON_STRING:
            break;
    }
    return true;
}

void ll_config_log_unapplied(const ll_settings *f, const ll_unapplied *settings, const ll_log *log) {
    for (const ll_unapplied *u = settings; u->key; u++) {
        const ll_json v = ll_json_get(f->root, u->key);
        int n;
        const char *text = ll_settings_show(v, &n);
        if (is_on(v, u->neutral))
            ll_log_say(log, LLMCS_LOG_WARN, "%s: %s: %.*s is not applied%s%s", f->name, u->key, n, text,
                       u->consequence ? ": " : "", u->consequence ? u->consequence : "");
    }
}

static bool is_known(const char *const *const *known, const ll_unapplied *settings, const char *key, size_t len) {
    for (; *known; known++)
        for (const char *const *k = *known; *k; k++)
            if (is_key(*k, key, len)) return true;
    for (; settings->key; settings++)
        if (is_key(settings->key, key, len)) return true;
    return false;
}

void ll_config_log_unknown(const ll_settings *f, const char *const *const *known, const ll_unapplied *settings,
                           const ll_log *log) {
    for (ll_json m = ll_json_first(f->root); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t len;
        int n;
        const char *key = ll_json_key(m, &len), *text = ll_settings_show(m, &n);
        if (!is_known(known, settings, key, len))
            ll_log_say(log, LLMCS_LOG_INFO, "%s: %.*s: %.*s is an unknown key and is not applied", f->name,
                       (int)ll_min(len, 60), key, n, text);
    }
}
