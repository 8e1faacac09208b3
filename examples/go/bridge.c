/* bridge.c - see bridge.h. */
#include "bridge.h"

#include "_cgo_export.h"

static int on_text(void *user, const char *text, size_t text_bytes) {
    return llmcsGoText((uintptr_t)user, (char *)text, text_bytes);
}

llmcs_status bridge_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                             const llmcs_generate_params *params, uintptr_t receiver, llmcs_result **result) {
    return llmcs_generate(session, prompt, prompt_bytes, params, receiver ? on_text : NULL, (void *)receiver, result);
}
