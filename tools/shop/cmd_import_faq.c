/* llmcs-shop import-faq. */
#include "calls.h"

static llmcs_status put(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored) {
    return llmcs_shop_put_entries(shop, (const llmcs_shop_entry *const *)items, n, refused, user, n_stored);
}

static int import_faq(int argc, char **argv) {
    const import_kind kind = {&cmd_import_faq, entry_keys, sizeof(llmcs_shop_entry), read_entry, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_import_faq =
    IMPORT_COMMAND("import-faq", "Adds knowledge entries, or new versions of those with the same id and language.",
                   "A row: {\"id\", \"question\" or \"questions\": [...], \"answer\", \"lang\"?, \"tags\"? [...], "
                   "\"valid_from\"?, \"valid_until\"?}. {name} in an answer is a slot, see `llmcs-shop ask --slot`. "
                   "Otherwise as import-products.",
                   import_faq);
