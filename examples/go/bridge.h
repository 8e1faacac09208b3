/* bridge.h - C callbacks, and handles of Go objects as void *, which Go cannot express. */
#ifndef LLMCS_GO_BRIDGE_H
#define LLMCS_GO_BRIDGE_H

#include <llmcs_shop.h>

/* Calls llmcs_generate and passes each piece to llmcsGoText with the handle of a Go object; 0: no pieces. */
llmcs_status bridge_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                             const llmcs_generate_params *params, uintptr_t receiver, llmcs_result **result);

#endif
