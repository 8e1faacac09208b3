/* The classes of a classifier of sequences or tokens. */
#include <string.h>

#include "base/sort.h"
#include "formats/config_parts.h"

static llmcs_status read_problem(ll_config *c, const ll_settings *f) {
    static const struct {
        const char *name;
        ll_problem problem;
    } known[] = {
        {"single_label_classification", LL_PROBLEM_SINGLE_LABEL},
        {"multi_label_classification", LL_PROBLEM_MULTI_LABEL},
        {"regression", LL_PROBLEM_REGRESSION},
    };
    ll_json v;
    LL_TRY(ll_settings_find(f, "problem_type", &v));
    c->problem = c->n_labels == 1 ? LL_PROBLEM_MULTI_LABEL : LL_PROBLEM_SINGLE_LABEL;
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, "problem_type", v, "a string");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ll_json_equals(v, known[i].name)) {
            c->problem = known[i].problem;
            return LLMCS_OK;
        }
    return ll_settings_unsupported(f, "problem_type", v,
                                   "single_label_classification, multi_label_classification, regression");
}

/* A key of id2label: the digits of 0..n-1, without leading zeros. */
static bool read_label_number(const char *key, size_t len, int32_t n, int32_t *number) {
    int32_t v = 0;
    if (len == 0 || len > 6 || (len > 1 && key[0] == '0')) return false;
    for (size_t i = 0; i < len; i++) {
        if (key[i] < '0' || key[i] > '9') return false;
        v = v * 10 + (key[i] - '0');
    }
    *number = v;
    return v < n;
}

static llmcs_status read_label(ll_config *c, const ll_settings *f, ll_json member) {
    size_t len;
    const char *key = ll_json_key(member, &len);
    int32_t number;
    if (!read_label_number(key, len, c->n_labels, &number))
        return ll_fail(LLMCS_CONFIG, "%s: id2label: expected keys from \"0\" to \"%d\", found \"%.*s\"", f->name,
                       c->n_labels - 1, (int)ll_min(len, 40), key);
    if (c->id2label[number]) return ll_fail(LLMCS_CONFIG, "%s: id2label: \"%d\" occurs twice", f->name, number);
    if (ll_json_get_type(member) == LL_JSON_NUMBER) { /* {"0": 1, "1": 5}: models of star ratings have such labels */
        const char *digits = ll_json_source(member, &len);
        return ll_arena_copy_text(&c->arena, digits, len, f->name, &c->id2label[number]);
    }
    return ll_config_copy_text(c, f, "id2label", member, &c->id2label[number]);
}

/* The number of labels: the size of id2label, else num_labels, else 2. */
static llmcs_status read_count(ll_config *c, const ll_settings *f, const ll_log *log, ll_json *id2label) {
    int64_t num_labels = 0;
    LL_TRY(ll_settings_find(f, "id2label", id2label));
    LL_TRY(ll_settings_int_or_null(f, "num_labels", 1, LL_MAX_LABELS, &num_labels));
    ll_json_type type = ll_json_get_type(*id2label);
    if (type != LL_JSON_MISSING && type != LL_JSON_NULL && type != LL_JSON_OBJECT)
        return ll_settings_bad(f, "id2label", *id2label, "an object of labels by their number");
    size_t n = ll_json_count(*id2label);
    if (n > LL_MAX_LABELS)
        return ll_fail(LLMCS_LIMIT, "%s: id2label: %zu labels, at most %d are read", f->name, n, LL_MAX_LABELS);
    if (n && num_labels && (size_t)num_labels != n)
        ll_log_say(log, LLMCS_LOG_WARN, "%s: num_labels %lld is ignored: id2label has %zu", f->name,
                   (long long)num_labels, n);
    c->n_labels = n ? (int32_t)n : num_labels ? (int32_t)num_labels : 2;
    return LLMCS_OK;
}

static bool label_before(const void *labels, uint32_t a, uint32_t b) {
    const char *const *l = labels;
    const char *x = l[a] ? l[a] : "", *y = l[b] ? l[b] : "";
    const int order = strcmp(x, y);
    return order ? order < 0 : a < b;
}

/* True if any label is `name`; by_name has the labels in sorted order, from before any was renamed. */
static bool is_taken(const ll_config *c, const uint32_t *by_name, const char *name) {
    size_t low = 0, high = (size_t)c->n_labels;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *there = c->id2label[by_name[middle]];
        const int order = strcmp(name, there ? there : "");
        if (order == 0) return true;
        if (order < 0) high = middle;
        if (order > 0) low = middle + 1;
    }
    return false;
}

/* Two classes "neutral" become "neutral" and "neutral#2", so that a table by label has both. The new names are
 * collected in `names`, because is_taken searches the old ones. */
static llmcs_status name_apart(ll_config *c, const char *file, const ll_log *log, const uint32_t *by_name,
                               const char **names) {
    size_t copies = 1;
    for (int32_t i = 1; i < c->n_labels; i++) {
        const uint32_t at = by_name[i];
        const char *label = c->id2label[at], *before = c->id2label[by_name[i - 1]];
        char *name;
        if (!label || !before || strcmp(label, before) != 0) {
            copies = 1;
            continue;
        }
        const size_t capacity = strlen(label) + 24;
        LL_TRY(ll_arena_alloc(&c->arena, capacity, 1, file, &name));
        do ll_format(name, capacity, "%s#%zu", label, ++copies);
        while (is_taken(c, by_name, name));
        names[at] = name;
        ll_log_say(log, LLMCS_LOG_WARN, "%s: id2label: \"%.60s\" occurs twice: class %u is called \"%.80s\"", file,
                   label, (unsigned)at, name);
    }
    return LLMCS_OK;
}

llmcs_status ll_config_distinct_labels(ll_config *c, const char *file, const ll_log *log) {
    const size_t n = (size_t)c->n_labels;
    uint32_t *by_name;
    const char **names = NULL;
    LL_TRY(ll_alloc(&c->arena.allocator, n, sizeof *by_name, file, &by_name));
    llmcs_status status = ll_alloc_zero(&c->arena.allocator, n, sizeof *names, file, &names);
    for (size_t i = 0; i < n; i++) by_name[i] = (uint32_t)i;
    if (!status) {
        ll_sort_u32(by_name, n, label_before, c->id2label);
        status = name_apart(c, file, log, by_name, names);
    }
    for (size_t i = 0; !status && i < n; i++)
        if (names[i]) c->id2label[i] = names[i];
    ll_free(&c->arena.allocator, names);
    ll_free(&c->arena.allocator, by_name);
    return status;
}

llmcs_status ll_config_labels(ll_config *c, const ll_settings *f, const ll_log *log) {
    ll_json id2label;
    if (c->head != LL_HEAD_CLASSIFICATION && c->head != LL_HEAD_TOKENS) return LLMCS_OK;
    LL_TRY(read_count(c, f, log, &id2label));
    LL_TRY(ll_arena_alloc(&c->arena, (size_t)c->n_labels, sizeof *c->id2label, f->name, &c->id2label));
    for (int32_t i = 0; i < c->n_labels; i++) c->id2label[i] = NULL;
    for (ll_json m = ll_json_first(id2label); ll_json_get_type(m); m = ll_json_next(m)) LL_TRY(read_label(c, f, m));
    LL_TRY(ll_config_distinct_labels(c, f->name, log));
    if (c->head == LL_HEAD_TOKENS) return LLMCS_OK;
    LL_TRY(ll_config_rerank(c, f, log));
    return read_problem(c, f);
}
