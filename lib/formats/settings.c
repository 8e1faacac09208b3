/* Typed members of a JSON file, with messages that name file, key, what was found and what is expected. */
#include "formats/settings.h"

#include "formats/folder.h"

#define SHOWN_BYTES 60 /* of a value in a message */

static llmcs_status parse_settings(ll_settings *f, size_t len, ll_json_type root) {
    LL_TRY(ll_json_parse(&f->allocator, f->name, f->text, len, 0, &f->doc));
    f->root = ll_json_root(f->doc);
    if (ll_json_get_type(f->root) != root)
        return ll_fail(LLMCS_CONFIG, "%s: expected %s", f->name,
                       root == LL_JSON_ARRAY ? "an array of modules" : "an object with the model's settings");
    if (ll_json_count(f->root) > LL_MAX_SETTINGS)
        return ll_fail(LLMCS_LIMIT, "%s: %zu members, at most %d are read", f->name, ll_json_count(f->root),
                       LL_MAX_SETTINGS);
    return LLMCS_OK;
}

llmcs_status ll_settings_open(ll_settings *f, const llmcs_allocator *a, const ll_source *source, const char *name,
                              ll_json_type root) {
    size_t len;
    *f = (ll_settings){.allocator = *a};
    LL_TRY(ll_source_join(source, a, name, &f->path));
    f->name = ll_folder_tail(f->path);
    llmcs_status status = ll_source_read(source, a, name, f->path, LL_MAX_SETTINGS_BYTES, &f->text, &len);
    if (!status) status = parse_settings(f, len, root);
    if (status) ll_settings_close(f);
    return status;
}

void ll_settings_close(ll_settings *f) {
    ll_json_free(&f->doc);
    ll_free(&f->allocator, f->text);
    ll_free(&f->allocator, f->path);
    f->text = f->path = NULL;
}

llmcs_status ll_settings_find(const ll_settings *f, const char *key, ll_json *value) {
    return ll_json_get_unique(f->root, key, value);
}

const char *ll_settings_show(ll_json value, int *n) {
    size_t len;
    const char *text = ll_json_source(value, &len);
    *n = (int)ll_min(len, SHOWN_BYTES);
    if (ll_json_get_type(value) == LL_JSON_MISSING) text = "nothing", *n = 7;
    if (ll_json_get_type(value) == LL_JSON_ARRAY) text = "an array", *n = 8;
    if (ll_json_get_type(value) == LL_JSON_OBJECT) text = "an object", *n = 9;
    return text;
}

llmcs_status ll_settings_bad(const ll_settings *f, const char *key, ll_json value, const char *expected) {
    int n;
    const char *text = ll_settings_show(value, &n);
    return ll_fail(LLMCS_CONFIG, "%s: %s: expected %s, found %.*s", f->name, key, expected, n, text);
}

llmcs_status ll_settings_unsupported(const ll_settings *f, const char *key, ll_json value, const char *supported) {
    int n;
    const char *text = ll_settings_show(value, &n);
    return ll_fail(LLMCS_UNSUPPORTED, "%s: %s: %.*s is not supported%s%s", f->name, key, n, text,
                   supported ? ", only " : "", supported ? supported : "");
}

llmcs_status ll_settings_read_int(const ll_settings *f, const char *key, ll_json v, int64_t min, int64_t max,
                                  int64_t *out) {
    char expected[80];
    int64_t n;
    if (ll_json_int64(v, &n) && n >= min && n <= max) {
        *out = n;
        return LLMCS_OK;
    }
    ll_format(expected, sizeof expected, "an integer from %lld to %lld", (long long)min, (long long)max);
    return ll_settings_bad(f, key, v, expected);
}

llmcs_status ll_settings_int(const ll_settings *f, const char *key, int64_t min, int64_t max, int64_t *out) {
    ll_json v;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING) return LLMCS_OK;
    return ll_settings_read_int(f, key, v, min, max, out);
}

/* Finds a member; null counts as absent. */
static llmcs_status find_or_null(const ll_settings *f, const char *key, ll_json *v, bool *there) {
    LL_TRY(ll_settings_find(f, key, v));
    *there = ll_json_get_type(*v) != LL_JSON_MISSING && ll_json_get_type(*v) != LL_JSON_NULL;
    return LLMCS_OK;
}

llmcs_status ll_settings_int_or_null(const ll_settings *f, const char *key, int64_t min, int64_t max, int64_t *out) {
    ll_json v;
    bool there;
    LL_TRY(find_or_null(f, key, &v, &there));
    return there ? ll_settings_read_int(f, key, v, min, max, out) : LLMCS_OK;
}

llmcs_status ll_settings_double_or_null(const ll_settings *f, const char *key, double min, double max, double *out) {
    ll_json v;
    bool there;
    double d;
    char expected[80];
    LL_TRY(find_or_null(f, key, &v, &there));
    if (!there) return LLMCS_OK;
    if (ll_json_double(v, &d) && d >= min && d <= max) {
        *out = d;
        return LLMCS_OK;
    }
    ll_format(expected, sizeof expected, "a number from %g to %g", min, max);
    return ll_settings_bad(f, key, v, expected);
}

llmcs_status ll_settings_bool_or_null(const ll_settings *f, const char *key, bool *out) {
    ll_json v;
    bool there;
    LL_TRY(find_or_null(f, key, &v, &there));
    if (!there || ll_json_bool(v, out)) return LLMCS_OK;
    return ll_settings_bad(f, key, v, "true or false");
}
