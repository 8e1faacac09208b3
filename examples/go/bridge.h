/* bridge.h - what Go cannot write itself: C callbacks, and handles of Go objects as void *. */
#ifndef LLMCS_GO_BRIDGE_H
#define LLMCS_GO_BRIDGE_H

#include <llmcs_shop.h>

/* llmcs_generate whose pieces go to llmcsGoText with the handle of a Go object; 0: no pieces. */
llmcs_status bridge_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                             const llmcs_generate_params *params, uintptr_t receiver, llmcs_result **result);

#endif
