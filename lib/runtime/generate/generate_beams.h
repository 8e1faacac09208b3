/* Beam search on a session: its sequences are the beams. */
#ifndef LL_RUNTIME_GENERATE_BEAMS_H
#define LL_RUNTIME_GENERATE_BEAMS_H

#include "runtime/generate/generation.h"
#include "runtime/session/session.h"

/* From the prompt's last logits [vocab] to finished completions. CANCELLED and DEADLINE end the search with what it
 * has; they are no error here. */
llmcs_status ll_generate_beams(ll_generation *g, llmcs_session *session, const float *logits);

#endif
