/*
 * Runs calls to the host on threads of the desk, so that a call that blocks costs its caller no more than the timeout.
 * A call that runs longer is abandoned: its thread still waits for it, and a late answer is only recorded.
 */
#ifndef SHOP_DESK_HOST_H
#define SHOP_DESK_HOST_H

#include "shop/desk/text.h"
#include "shop/store/store.h"

typedef struct desk_host desk_host;

llmcs_status desk_host_create(llmcs_shop *shop, llmcs_shop_call_fn call, void *user, int32_t n_threads,
                              double timeout_ms, desk_host **host);
/* Waits until every call has returned. */
void desk_host_free(desk_host **host);

typedef enum desk_host_outcome {
    DESK_HOST_ANSWERED,
    DESK_HOST_SILENT,   /* returned without an answer */
    DESK_HOST_LATE,     /* no answer within the timeout */
    DESK_HOST_NOT_BEGUN /* all threads were busy; the host was never called */
} desk_host_outcome;

/* Calls the host with a copy of the request. *state and *rows_json (in the arena, or NULL) receive its answer. */
llmcs_status desk_host_call(desk_host *host, const llmcs_shop_call_request *request, shop_arena *arena,
                            desk_host_outcome *outcome, llmcs_shop_action_state *state, const char **rows_json);

#endif
