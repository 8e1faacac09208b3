/* Reads "entries" of flows.json: which entry answers in place of another while an order is in focus. */
#include <string.h>

#include "shop/desk/flows.h"

enum { MAX_CHOICES = 16 };

/* All conditions are on columns of finds: the desk asks about one order, outside any flow. */
static llmcs_status check_subjects(const desk_flows *f, const desk_json *all, const desk_entry_choice *choice) {
    const desk_json *node = all->first;
    for (size_t i = 0; i < choice->n_conditions; i++, node = node->next)
        if (choice->conditions[i].subject.find < 0)
            return desk_bad(f, node, "found \"%.60s\", expected a column of a find, such as \"o.city\"", node->key);
    return LLMCS_OK;
}

static llmcs_status read_choice(desk_flows *f, const desk_json *node, desk_entry_choice *choice) {
    static const char *const keys[] = {"if", "entry", NULL};
    const desk_json *all, *entry;
    desk_flow scratch = {.name = ""};
    if (node->type != DESK_JSON_OBJECT)
        return desk_bad(f, node, "found %s, expected an object with \"if\" and \"entry\"",
                        desk_json_type_name(node->type));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(desk_need(f, node, "if", DESK_JSON_OBJECT, &all));
    SHOP_TRY(desk_need(f, node, "entry", DESK_JSON_STRING, &entry));
    choice->entry = entry->text;
    SHOP_TRY(desk_conditions_read(f, all, &scratch, &choice->conditions, &choice->n_conditions));
    return check_subjects(f, all, choice);
}

llmcs_status desk_entries_read(desk_flows *f) {
    const desk_json *list = desk_json_get(f->root, "entries");
    if (!list) return LLMCS_OK;
    if (list->type != DESK_JSON_OBJECT)
        return desk_bad(f, list, "found %s, expected an object of entries", desk_json_type_name(list->type));
    SHOP_TRY(shop_arena_alloc(&f->arena, list->n, sizeof *f->entries, &f->entries));
    for (const desk_json *one = list->first; one; one = one->next) {
        desk_entry_choice *choices;
        if (!strcmp(one->key, "note")) continue;
        if (one->type != DESK_JSON_ARRAY || !one->n || one->n > MAX_CHOICES)
            return desk_bad(f, one, "expected an array of 1 to %d objects with \"if\" and \"entry\"", MAX_CHOICES);
        SHOP_TRY(shop_arena_alloc(&f->arena, one->n, sizeof *choices, &choices));
        desk_entry_rule *rule = &f->entries[f->n_entries++];
        *rule = (desk_entry_rule){.entry = one->key, .choices = choices};
        for (const desk_json *c = one->first; c; c = c->next) SHOP_TRY(read_choice(f, c, &choices[rule->n_choices++]));
    }
    return LLMCS_OK;
}
