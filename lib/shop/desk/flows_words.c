/*
 * Words of a shop in flows.json: how customers describe an object, what a free text must contain or may start with,
 * which words name a flow, and the names of kinds of goods.
 */
#include <string.h>

#include "shop/desk/flows.h"

#define MAKE(f, array, n) shop_arena_alloc(&(f)->arena, (n), sizeof *(array), &(array))

enum { MAX_KINDS = 500 };

static bool has_column(const desk_query *find, const char *name) {
    for (size_t i = 0; i < find->n_columns; i++)
        if (!strcmp(find->columns[i], name)) return true;
    return false;
}

/* Reads a key that names a column of the slot's own find. */
static llmcs_status read_column(const desk_flows *f, const desk_json *node, const char *key, const desk_query *find,
                                const char **column) {
    const desk_json *name;
    if (!desk_json_get(node, key)) return LLMCS_OK;
    SHOP_TRY(desk_need(f, node, key, DESK_JSON_STRING, &name));
    if (!has_column(find, name->text))
        return desk_bad(f, name, "find %s has no column \"%.60s\"", find->name, name->text);
    *column = name->text;
    return LLMCS_OK;
}

static llmcs_status read_strings(desk_flows *f, const desk_json *list, const char *const **out, size_t *n) {
    const char **values;
    SHOP_TRY(MAKE(f, values, list->n));
    *out = values;
    for (const desk_json *one = list->first; one; one = one->next) {
        if (one->type != DESK_JSON_STRING || !*one->text) return desk_bad(f, one, "expected a string");
        values[(*n)++] = one->text;
    }
    return LLMCS_OK;
}

static llmcs_status read_status_words(desk_flows *f, const desk_json *node, desk_status_words *status) {
    static const char *const keys[] = {"is", "words", NULL};
    const desk_json *is, *words;
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected {\"is\": [...], \"words\": {...}}",
                        desk_json_type_name(node->type));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(desk_need(f, node, "is", DESK_JSON_ARRAY, &is));
    SHOP_TRY(desk_need(f, node, "words", DESK_JSON_OBJECT, &words));
    SHOP_TRY(read_strings(f, is, &status->values, &status->n_values));
    return desk_phrases_read(f, words, &status->words, &status->n_words);
}

static llmcs_status read_statuses(desk_flows *f, const desk_json *node, desk_described *d) {
    const desk_json *list;
    desk_status_words *statuses;
    if (!desk_json_get(node, "statuses")) return LLMCS_OK;
    SHOP_TRY(desk_need(f, node, "statuses", DESK_JSON_ARRAY, &list));
    if (!d->status) return desk_bad(f, list, "\"status\" is missing: the column that has these values");
    SHOP_TRY(MAKE(f, statuses, list->n));
    d->statuses = statuses;
    for (const desk_json *one = list->first; one; one = one->next)
        SHOP_TRY(read_status_words(f, one, &statuses[d->n_statuses++]));
    return LLMCS_OK;
}

static llmcs_status read_all(desk_flows *f, const desk_json *node, desk_described *d) {
    const desk_json *all;
    d->all = -1;
    if (!desk_json_get(node, "all")) return LLMCS_OK;
    SHOP_TRY(desk_need(f, node, "all", DESK_JSON_STRING, &all));
    for (size_t i = 0; i < f->n_finds; i++)
        if (!strcmp(f->finds[i].name, all->text)) d->all = (int)i;
    if (d->all < 0) return desk_bad(f, all, "no find named \"%.60s\"; add it to \"finds\"", all->text);
    return desk_check_from(f, all, &f->finds[d->all]);
}

static llmcs_status read_described(desk_flows *f, const desk_json *node, desk_slot *slot) {
    static const char *const keys[] = {"status", "statuses", "date", "price", "title", "all", NULL};
    desk_described *d;
    if (slot->type != DESK_SLOT_ORDER || slot->from < 0)
        return desk_bad(f, node, "\"described\" needs a slot of type order with \"from\", whose find has the columns");
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected an object", desk_json_type_name(node->type));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(MAKE(f, d, 1));
    const desk_query *find = &f->finds[slot->from];
    SHOP_TRY(read_column(f, node, "status", find, &d->status));
    SHOP_TRY(read_column(f, node, "date", find, &d->date));
    SHOP_TRY(read_column(f, node, "price", find, &d->price));
    SHOP_TRY(read_column(f, node, "title", find, &d->title));
    SHOP_TRY(read_statuses(f, node, d));
    SHOP_TRY(read_all(f, node, d));
    slot->described = d;
    return LLMCS_OK;
}

llmcs_status desk_slot_words_read(desk_flows *f, const desk_json *node, desk_slot *slot) {
    const desk_json *described = desk_json_get(node, "described"), *like = desk_json_get(node, "like");
    const desk_json *lead = desk_json_get(node, "lead");
    if (described) SHOP_TRY(read_described(f, described, slot));
    if ((like || lead) && slot->type < DESK_SLOT_ADDRESS)
        return desk_bad(f, like ? like : lead,
                        "\"like\" and \"lead\" are only for slots of type address, name or text");
    if (like) SHOP_TRY(desk_pattern_read(f, like, &slot->like));
    return lead ? desk_phrases_read(f, lead, &slot->lead, &slot->n_lead) : LLMCS_OK;
}

llmcs_status desk_cues_read(desk_flows *f, const desk_json *node, desk_flow *flow) {
    const desk_json *cues = desk_json_get(node, "cues");
    return cues ? desk_phrases_read(f, cues, &flow->cues, &flow->n_cues) : LLMCS_OK;
}

static llmcs_status read_kind(desk_flows *f, const desk_json *node, desk_kind *kind) {
    static const char *const keys[] = {"words", "titles", "note", NULL};
    const desk_json *words, *titles;
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected {\"words\": {...}}", desk_json_type_name(node->type));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(desk_need(f, node, "words", DESK_JSON_OBJECT, &words));
    SHOP_TRY(desk_phrases_read(f, words, &kind->words, &kind->n_words));
    titles = desk_json_get(node, "titles");
    return desk_phrases_read(f, titles ? titles : words, &kind->titles, &kind->n_titles);
}

llmcs_status desk_kinds_read(desk_flows *f) {
    const desk_json *list;
    if (!desk_json_get(f->root, "kinds")) return LLMCS_OK;
    SHOP_TRY(desk_need(f, f->root, "kinds", DESK_JSON_ARRAY, &list));
    if (list->n > MAX_KINDS) return desk_bad(f, list, "%d kinds, expected at most %d", (int)list->n, MAX_KINDS);
    SHOP_TRY(MAKE(f, f->kinds, list->n));
    for (const desk_json *one = list->first; one; one = one->next) SHOP_TRY(read_kind(f, one, &f->kinds[f->n_kinds++]));
    return LLMCS_OK;
}
