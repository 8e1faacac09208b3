/* llmcs-shop feedback: imports feedback on customers' texts. */
#include "calls.h"
#include "guard.h"
#include "import.h"

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
    const import_kind kind = {&cmd_feedback, feedback_keys, sizeof(llmcs_shop_feedback), read_feedback, put};
    return import_command(&kind, argc, argv);
}

const cli_command cmd_feedback = IMPORT_COMMAND(
    "feedback", "Adds feedback: right classes of texts, replies that were sent, ratings. FILE - is stdin.",
    "A row: {\"id\", \"text\", \"model\"?, \"label\"?, \"predicted\"?, \"reply\"?, \"outcome\"?: none, accepted, "
    "edited "
    "or rejected, \"rating\"?: 0 to 1, \"consent\"?: true if the text may train models, \"customer\"?, "
    "\"conversation\"?, \"lang\"?, \"actor\"?, \"time\"?}. Texts are masked before they are stored. A row with the "
    "same "
    "id is replaced. Otherwise as import-products.",
    feedback_command);
