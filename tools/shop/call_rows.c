/* Reads entries and feedback from JSON. */
#include <string.h>

#include "calls.h"

/* ---- feedback */

const char *const feedback_keys[] = {"id",     "customer", "conversation", "lang",  "text",
                                     "model",  "label",    "predicted",    "reply", "outcome",
                                     "rating", "consent",  "time",         "actor", NULL};

static llmcs_status read_outcome(const json_t *row, llmcs_shop_outcome *outcome) {
    const char *name;
    const llmcs_status status = field_string(row, "outcome", false, &name);
    *outcome = LLMCS_OUTCOME_NONE;
    if (status || !name) return status;
    for (int i = LLMCS_OUTCOME_NONE; i <= LLMCS_OUTCOME_REJECTED; i++) {
        *outcome = (llmcs_shop_outcome)i;
        if (!strcmp(name, llmcs_shop_outcome_name(*outcome))) return LLMCS_OK;
    }
    return request_error(LLMCS_ARG, "\"outcome\" must be none, shown, accepted, edited or rejected");
}

llmcs_status read_feedback(import_row *row) {
    llmcs_shop_feedback *f = row->item;
    const struct {
        const char *key;
        bool required;
        const char **value;
    } strings[] = {{"id", true, &f->id},
                   {"text", true, &f->text},
                   {"customer", false, &f->customer},
                   {"conversation", false, &f->conversation},
                   {"lang", false, &f->lang},
                   {"model", false, &f->model},
                   {"label", false, &f->label},
                   {"predicted", false, &f->predicted},
                   {"reply", false, &f->reply},
                   {"actor", false, &f->actor}};
    llmcs_status status = LLMCS_OK;
    bool consent = false;
    for (size_t i = 0; i < sizeof strings / sizeof *strings && !status; i++)
        status = field_string(row->json, strings[i].key, strings[i].required, strings[i].value);
    if (!status) status = read_outcome(row->json, &f->outcome);
    if (!status) status = field_double(row->json, "rating", false, -1, &f->rating);
    if (!status) status = request_bool(row->json, "consent", false, &consent);
    f->consent = consent;
    return status ? status : field_time(row->json, "time", false, &f->time);
}

/* ---- entries */

const char *const entry_keys[] = {"id",   "question",   "questions",   "answer", "lang",
                                  "tags", "valid_from", "valid_until", NULL};

static llmcs_status read_questions(import_row *row, llmcs_shop_entry *e) {
    const bool one = json_object_get(row->json, "question"), many = json_object_get(row->json, "questions");
    if (one == many)
        return request_error(LLMCS_ARG,
                             one ? "give only one of \"question\" and \"questions\"" : "\"question\" is missing");
    return field_strings(row, one ? "question" : "questions", &e->questions, &e->n_questions);
}

llmcs_status read_entry(import_row *row) {
    llmcs_shop_entry *e = row->item;
    llmcs_status status;
    if ((status = field_string(row->json, "id", true, &e->id)) || (status = read_questions(row, e)) ||
        (status = field_string(row->json, "answer", true, &e->answer)) ||
        (status = field_string(row->json, "lang", false, &e->lang)) ||
        (status = field_strings(row, "tags", &e->tags, &e->n_tags)) ||
        (status = field_time(row->json, "valid_from", false, &e->valid_from)))
        return status;
    if (!e->lang) e->lang = "";
    return field_time(row->json, "valid_until", false, &e->valid_until);
}
