/* llmcs_plan and llmcs_engine_plan: the memory that a model, its sessions and an engine need. */
#include "base/call.h"
#include "base/options.h"
#include "runtime/encoder/encoder.h"
#include "runtime/engine/engine.h"
#include "runtime/model/plan_model.h"
#include "runtime/session/session_internal.h"

#define PLAN_OLDEST LL_SIZE_UP_TO(llmcs_plan_info, session_bytes)
#define ENGINE_PLAN_OLDEST LL_SIZE_UP_TO(llmcs_engine_plan_info, n_conversations)

/* Bytes of a text stream, for stop strings or llmcs_request_read. */
static llmcs_status stream_bytes(ll_model_plan *p, uint64_t *bytes) {
    const uint64_t before = p->counter.live_bytes;
    llmcs_decoder *decoder;
    *bytes = 0;
    if (!p->tokenizer) return LLMCS_OK;
    LL_TRY(llmcs_decoder_create(p->tokenizer, 0, &decoder));
    *bytes = p->counter.live_bytes - before;
    llmcs_decoder_free(&decoder);
    return LLMCS_OK;
}

static llmcs_status plan_use(const ll_model_plan *p, const llmcs_model_options *o, const llmcs_session_options *session,
                             llmcs_plan_info *plan) {
    const size_t model_n_ctx = ll_model_config_n_ctx(&p->config), n_threads = ll_model_plan_n_threads(o);
    size_t n_ctx;
    if (!p->net->generates) {
        plan->encoder_bytes = ll_encoder_workspace_bytes(p->net, model_n_ctx, n_threads);
        return LLMCS_OK;
    }
    LL_TRY(ll_session_options_read(session, model_n_ctx, &n_ctx));
    plan->sequence_bytes = ll_session_sequence_bytes(p->net, n_ctx);
    return ll_session_bytes(p->net, n_ctx, n_threads, &plan->session_bytes);
}

llmcs_status llmcs_plan(const char *path, const llmcs_model_options *model_options,
                        const llmcs_session_options *session_options, llmcs_plan_info *plan) {
    LL_PUBLIC_CALL;
    if (!plan) return ll_fail(LLMCS_ARG, "llmcs_plan: plan is NULL");
    llmcs_model_options o;
    ll_model_plan p;
    LL_TRY(ll_model_options_read(model_options, &o));
    LL_TRY(ll_model_plan_open(&p, path, &o));
    llmcs_plan_info ours = {.struct_size = sizeof ours, .model_bytes = p.model_bytes, .peak_bytes = p.peak_bytes};
    llmcs_status st = plan_use(&p, &o, session_options, &ours);
    ll_model_plan_close(&p);
    return st ? st : ll_options_out(plan, PLAN_OLDEST, &ours, sizeof ours, "llmcs_plan_info");
}

static llmcs_status plan_engine(ll_model_plan *p, const char *path, const llmcs_model_options *o,
                                const llmcs_engine_options *engine, size_t n_tokens, llmcs_engine_plan_info *plan) {
    llmcs_engine_options e;
    if (!p->net->generates) return ll_fail(LLMCS_NO_HEAD, "%s is an encoder; an engine needs a decoder", path);
    LL_TRY(ll_engine_options_read(engine, ll_model_config_n_ctx(&p->config), p->net, &e));
    LL_TRY(ll_engine_bytes(p->net, &e, ll_model_plan_n_threads(o), &plan->engine_bytes, &plan->n_blocks));
    LL_TRY(stream_bytes(p, &plan->request_bytes));
    plan->request_bytes *= 2; /* one for stop strings, one for llmcs_request_read */
    plan->request_bytes += ll_request_bytes(p->net, ll_min(n_tokens, (size_t)e.n_ctx) + 1, p->config.n_eos_token_id);
    plan->kv_block_tokens = LL_KV_BLOCK;
    plan->kv_block_bytes = ll_kv_block_bytes(&p->net->kv);
    const uint64_t of_one = ll_kv_blocks_of(n_tokens) * (uint64_t)(p->net->has_source ? 2 : 1);
    plan->n_conversations = n_tokens ? plan->n_blocks / of_one : 0;
    return LLMCS_OK;
}

llmcs_status llmcs_engine_plan(const char *path, const llmcs_model_options *model_options,
                               const llmcs_engine_options *engine_options, size_t n_tokens,
                               llmcs_engine_plan_info *plan) {
    LL_PUBLIC_CALL;
    if (!plan) return ll_fail(LLMCS_ARG, "llmcs_engine_plan: plan is NULL");
    llmcs_model_options o;
    ll_model_plan p;
    LL_TRY(ll_model_options_read(model_options, &o));
    LL_TRY(ll_model_plan_open(&p, path, &o));
    llmcs_engine_plan_info ours = {.struct_size = sizeof ours};
    llmcs_status st = plan_engine(&p, path, &o, engine_options, n_tokens, &ours);
    ll_model_plan_close(&p);
    return st ? st : ll_options_out(plan, ENGINE_PLAN_OLDEST, &ours, sizeof ours, "llmcs_engine_plan_info");
}
