/* llmcs_chat_generate: generates the answer to a conversation. */
#include "base/call.h"
#include "chat/chat.h"
#include "runtime/generate/generation.h"
#include "runtime/session/session.h"
#include "text/tokenizer.h"

/* Resources of one call; freed also when a callback throws. */
typedef struct chat_call {
    const llmcs_tokenizer *tokenizer;
    llmcs_chat_prompt *prompt;
    int32_t *ids;
    size_t n_ids;
} chat_call;

static void end_chat_call(chat_call *c) {
    if (c->ids) ll_encode_mixed_free(c->tokenizer, c->ids);
    llmcs_chat_prompt_free(&c->prompt);
}

/* The session's tokenizer. */
static llmcs_status find_tokenizer(llmcs_session *session, const llmcs_tokenizer **tokenizer) {
    LL_TRY(ll_session_enter(session));
    llmcs_model *model = ll_session_model(session);
    const llmcs_status status = ll_model_check_tokenizer(model);
    *tokenizer = model->tokenizer;
    ll_session_leave(session);
    return status;
}

llmcs_status llmcs_chat_generate(llmcs_session *session, const llmcs_chat *chat, const llmcs_chat_params *params,
                                 const llmcs_generate_params *generate_params, llmcs_text_fn on_text, void *user,
                                 llmcs_result **result) {
    LL_PUBLIC_CALL;
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_chat_generate: result is NULL");
    *result = NULL;
    chat_call c LL_CLEANUP(end_chat_call) = {0};
    LL_TRY(find_tokenizer(session, &c.tokenizer));
    LL_TRY(llmcs_chat_render(chat, params, &c.prompt));
    LL_TRY(ll_chat_encode(chat, c.tokenizer, c.prompt, &c.ids, &c.n_ids));
    if (!c.n_ids) return ll_fail(LLMCS_ARG, "llmcs_chat_generate: the template makes an empty prompt");
    return ll_generate_text(session, c.ids, c.n_ids, generate_params, on_text, user, result);
}
