/* llmcs-shop import-faq. */
#include "import.h"
#include "request.h"

static const char *const keys[] = {"id",   "question",   "questions",   "answer", "lang",
                                   "tags", "valid_from", "valid_until", NULL};

static llmcs_status read_questions(import_row *row, llmcs_shop_entry *e) {
    const bool one = json_object_get(row->json, "question"), many = json_object_get(row->json, "questions");
    if (one == many)
        return request_error(LLMCS_ARG,
                             one ? "\"question\" and \"questions\" exclude each other" : "\"question\" is missing");
    return field_strings(row, one ? "question" : "questions", &e->questions, &e->n_questions);
}

static llmcs_status read_entry(import_row *row) {
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

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    return llmcs_shop_put_entries(shop, (const llmcs_shop_entry *const *)items, n, refused, user, n_stored);
}

static int import_faq(int argc, char **argv) {
    const import_kind kind = {&cmd_import_faq, keys, sizeof(llmcs_shop_entry), read_entry, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_import_faq = IMPORT_COMMAND(
    "import-faq", "Adds knowledge entries, or new versions of those with the same id and language.",
    "A row: {\"id\", \"question\" or \"questions\": [...], \"answer\", \"lang\"?, \"tags\"? [...], "
    "\"valid_from\"?, \"valid_until\"?}. {name} in an answer is a slot, see `llmcs-shop ask --slot`. The rest "
    "as for import-products.",
    import_faq);
