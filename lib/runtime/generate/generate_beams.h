/* Beam search on a session: its sequences are the beams. */
#ifndef LL_RUNTIME_GENERATE_BEAMS_H
#define LL_RUNTIME_GENERATE_BEAMS_H

#include "runtime/generate/generation.h"
#include "runtime/session/session.h"

/* Searches from the prompt's last logits [vocab] until the completions are finished. CANCELLED and DEADLINE are not
 * errors here: they end the search with the hypotheses so far. */
llmcs_status ll_generate_beams(ll_generation *g, llmcs_session *session, const float *logits);

#endif
