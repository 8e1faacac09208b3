/* llmcs-shop feedback: what was learnt of customers' texts. */
#include <string.h>

#include "guard.h"
#include "import.h"
#include "request.h"

static const char *const keys[] = {"id",     "customer", "conversation", "lang",  "text",
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

static llmcs_status read_feedback(import_row *row) {
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

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    const guard_choice settings = {0};
    llmcs_shop_guard *guard = NULL;
    if (!guard_open(&settings, shop, &guard)) return LLMCS_STATE;
    const llmcs_status status =
        llmcs_shop_put_feedback(shop, guard, (const llmcs_shop_feedback *const *)items, n, refused, user, n_stored);
    llmcs_shop_guard_free(&guard);
    return status;
}

static int feedback_command(int argc, char **argv) {
    const import_kind kind = {&cmd_feedback, keys, sizeof(llmcs_shop_feedback), read_feedback, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_feedback = IMPORT_COMMAND(
    "feedback", "Adds feedback: right classes of texts, replies that were sent, ratings. FILE - is stdin.",
    "A row: {\"id\", \"text\", \"model\"?, \"label\"?, \"predicted\"?, \"reply\"?, \"outcome\"?: none, accepted, "
    "edited "
    "or rejected, \"rating\"?: 0 to 1, \"consent\"?: true if the text may train models, \"customer\"?, "
    "\"conversation\"?, \"lang\"?, \"actor\"?, \"time\"?}. Texts are masked before they are stored. A row with the "
    "same "
    "id is replaced. The rest as for import-products.",
    feedback_command);
