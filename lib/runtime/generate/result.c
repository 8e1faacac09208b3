/* Results of generation: one object that owns all its memory. */
#include <string.h>

#include "base/arena.h"
#include "runtime/generate/generation.h"

typedef struct owned_result {
    llmcs_result result; /* first: what the caller holds is its address */
    ll_arena arena;      /* everything it points to */
    llmcs_allocator allocator;
} owned_result;

static llmcs_status copy_text(const ll_generation *g, const ll_completion *completion, ll_arena *arena,
                              llmcs_sequence *out) {
    const int32_t *ids = completion->ids + g->n_prompt;
    size_t n_bytes = 0, capacity;
    char *text;
    if (g->model->tokenizer)
        LL_TRY(llmcs_decode(g->model->tokenizer, ids, out->n_ids, LLMCS_SKIP_SPECIAL, NULL, 0, &n_bytes));
    if (!ll_add(n_bytes, 1, &capacity)) return ll_fail(LLMCS_NOMEM, "text of %zu bytes", n_bytes);
    LL_TRY(ll_arena_alloc(arena, capacity, 1, "text of a sequence", &text));
    if (n_bytes)
        LL_TRY(llmcs_decode(g->model->tokenizer, ids, out->n_ids, LLMCS_SKIP_SPECIAL, text, n_bytes, &n_bytes));
    out->text_bytes = ll_min(n_bytes, completion->text_bytes);
    text[out->text_bytes] = 0;
    out->text = text;
    return LLMCS_OK;
}

static llmcs_status copy_sequence(const ll_generation *g, const ll_completion *completion, ll_arena *arena,
                                  llmcs_sequence *out) {
    int32_t *ids;
    /* Callers do not see the EOS that ended the sequence. */
    size_t n = completion->n_new - (completion->reason == LLMCS_FINISH_EOS && completion->n_new > 0);
    LL_TRY(ll_arena_alloc(arena, n, sizeof *ids, "ids of a sequence", &ids));
    memcpy(ids, completion->ids + g->n_prompt, n * sizeof *ids);
    *out = (llmcs_sequence){
        .ids = ids, .n_ids = n, .finish_reason = completion->reason, .score = (float)completion->score};
    if (g->params.logprobs) {
        float *logprobs;
        LL_TRY(ll_arena_alloc(arena, n, sizeof *logprobs, "log-probabilities", &logprobs));
        memcpy(logprobs, completion->logprobs, n * sizeof *logprobs);
        out->logprobs = logprobs;
    }
    if (completion->top) {
        const size_t n_top = n * (size_t)g->params.top_logprobs;
        llmcs_top_token *top;
        LL_TRY(ll_arena_alloc(arena, n_top, sizeof *top, "most probable tokens", &top));
        memcpy(top, completion->top, n_top * sizeof *top);
        out->top_logprobs = top;
        out->n_top_logprobs = (size_t)g->params.top_logprobs;
    }
    return copy_text(g, completion, arena, out);
}

static llmcs_status fill_result(const ll_generation *g, owned_result *r) {
    /* Pointers: a program built with an older header may know a shorter llmcs_sequence. */
    const llmcs_sequence **sequences;
    LL_TRY(ll_arena_alloc(&r->arena, g->n_completions, sizeof(void *), "sequences", &sequences));
    for (size_t i = 0; i < g->n_completions; i++) {
        llmcs_sequence *sequence;
        LL_TRY(ll_arena_alloc(&r->arena, 1, sizeof *sequence, "sequence", &sequence));
        LL_TRY(copy_sequence(g, &g->completions[i], &r->arena, sequence));
        sequences[i] = sequence;
        r->result.n_new_tokens += g->completions[i].n_new;
    }
    r->result.sequences = sequences;
    r->result.n_sequences = g->n_completions;
    r->result.n_prompt_tokens = ll_generation_n_prompt_tokens(g);
    r->result.n_cached_tokens = g->n_cached;
    r->result.n_draft_tokens = g->n_draft;
    r->result.n_accepted_tokens = g->n_accepted;
    r->result.prompt_ms = (double)(g->prompt_end_ns - g->start_ns) * 1e-6;
    return LLMCS_OK;
}

llmcs_status ll_result_create(const ll_generation *g, llmcs_result **result) {
    owned_result *r;
    LL_TRY(ll_alloc_zero(g->allocator, 1, sizeof *r, "result", &r));
    r->allocator = *g->allocator;
    ll_arena_init(&r->arena, &r->allocator);
    llmcs_result *handle = &r->result;
    llmcs_status status = fill_result(g, r);
    if (status)
        llmcs_result_free(&handle);
    else
        *result = handle;
    return status;
}

void llmcs_result_free(llmcs_result **result) {
    if (!result || !*result) return;
    owned_result *r = (owned_result *)*result;
    *result = NULL;
    llmcs_allocator allocator = r->allocator;
    ll_arena_free(&r->arena);
    ll_free(&allocator, r);
}

const char *llmcs_finish_reason_name(llmcs_finish_reason reason) {
    static const char *const names[] = {"stop", "length", "stop_string", "callback", "cancelled", "deadline"};
    size_t i = (size_t)reason;
    return i < sizeof names / sizeof *names ? names[i] : "unknown";
}
