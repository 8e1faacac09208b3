/* Reads "totals" of flows.json: the words of a question about a sum, and what is added to the price of the goods. */
#include <string.h>

#include "shop/desk/flows.h"

enum { MAX_EXTRAS = 16 };
static const double most_money = 1e12;

/* Reads a key that names a number of "facts". */
static llmcs_status read_amount(const desk_flows *f, const desk_json *node, const char *key, double *amount) {
    const desk_json *name, *fact;
    SHOP_TRY(desk_need(f, node, key, DESK_JSON_STRING, &name));
    fact = desk_json_get(f->facts, name->text);
    if (!fact || fact->type != DESK_JSON_NUMBER)
        return desk_bad(f, name, "\"%.60s\": no such number in \"facts\"", name->text);
    if (!(fact->number >= 0 && fact->number <= most_money))
        return desk_bad(f, fact, "%.40s is not valid (0 to %g)", fact->text, most_money);
    *amount = fact->number;
    return LLMCS_OK;
}

static llmcs_status read_words(desk_flows *f, const desk_json *node, const char *const **words, size_t *n) {
    const desk_json *found;
    SHOP_TRY(desk_need(f, node, "words", DESK_JSON_OBJECT, &found));
    return desk_phrases_read(f, found, words, n);
}

static llmcs_status read_title(desk_flows *f, const desk_json *node, const desk_text **title) {
    const desk_scope scope = {.own_find = -1};
    const desk_json *found = desk_json_get(node, "title");
    if (!found) return desk_bad(f, node, "\"title\" is missing: what the line of the sum says");
    return desk_text_read(f, found, &scope, title);
}

static llmcs_status read_extra(desk_flows *f, const desk_json *node, desk_extra *extra) {
    static const char *const keys[] = {"fact", "words", "title", NULL};
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected an object with \"fact\", \"words\" and \"title\"",
                        desk_json_type_name(node->type));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(read_amount(f, node, "fact", &extra->fee));
    SHOP_TRY(read_words(f, node, &extra->words, &extra->n_words));
    return read_title(f, node, &extra->title);
}

static llmcs_status read_shipping(desk_flows *f, const desk_json *node, desk_totals *totals) {
    static const char *const keys[] = {"fee", "free_from", "not", "title", NULL};
    const desk_json *except;
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(read_amount(f, node, "fee", &totals->shipping));
    totals->free_from = most_money;
    if (desk_json_get(node, "free_from")) SHOP_TRY(read_amount(f, node, "free_from", &totals->free_from));
    if (desk_json_get(node, "not")) {
        SHOP_TRY(desk_need(f, node, "not", DESK_JSON_OBJECT, &except));
        SHOP_TRY(desk_phrases_read(f, except, &totals->elsewhere, &totals->n_elsewhere));
    }
    return read_title(f, node, &totals->shipping_title);
}

llmcs_status desk_totals_read(desk_flows *f) {
    static const char *const keys[] = {"words", "shipping", "extras", NULL};
    const desk_json *node = desk_json_get(f->root, "totals"), *part;
    desk_extra *extras;
    if (!node) return LLMCS_OK;
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected an object", desk_json_type_name(node->type));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(read_words(f, node, &f->totals.words, &f->totals.n_words));
    if (desk_json_get(node, "shipping")) {
        SHOP_TRY(desk_need(f, node, "shipping", DESK_JSON_OBJECT, &part));
        SHOP_TRY(read_shipping(f, part, &f->totals));
    }
    if (!desk_json_get(node, "extras")) return LLMCS_OK;
    SHOP_TRY(desk_need(f, node, "extras", DESK_JSON_ARRAY, &part));
    if (part->n > MAX_EXTRAS) return desk_bad(f, part, "%zu extras, at most %d", part->n, MAX_EXTRAS);
    SHOP_TRY(shop_arena_alloc(&f->arena, part->n, sizeof *extras, &extras));
    f->totals.extras = extras;
    for (const desk_json *one = part->first; one; one = one->next)
        SHOP_TRY(read_extra(f, one, &extras[f->totals.n_extras++]));
    return LLMCS_OK;
}
