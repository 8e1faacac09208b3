/* Generations that run on a session: its sequences are their completions or beams. */
#ifndef LL_RUNTIME_GENERATE_SESSION_H
#define LL_RUNTIME_GENERATE_SESSION_H

#include "runtime/generate/generation.h"
#include "runtime/session/session.h"

/* From the prompt's last logits [vocab] to finished completions. CANCELLED and DEADLINE end completions; they are no
 * error here. */
llmcs_status ll_generate_sampled(ll_generation *g, llmcs_session *session, const float *logits);
llmcs_status ll_generate_beams(ll_generation *g, llmcs_session *session, const float *logits);

#endif
