/* The most probable tokens for the masks of a text (Devlin et al. 2019, "masked LM"). */
#include <math.h>
#include <string.h>

#include "base/call.h"
#include "runtime/encoder/texts.h"
#include "runtime/numbers.h"
#include "text/tokenizer.h"

/* One call: the encoded text, its masks, and their logits. */
typedef struct mask_call {
    llmcs_model *model;
    int32_t *ids, *type_ids; /* [n_tokens] */
    size_t n_tokens;
    uint32_t *masks; /* [n_masks] positions */
    size_t n_masks;
    float *logits; /* [n_masks, vocab_size] */
    ll_limits limits;
} mask_call;

static llmcs_status write_ids(mask_call *f, const ll_tokens *tokens) {
    const llmcs_model *m = f->model;
    const llmcs_span all[2] = {{0, tokens->texts[0].n}, {0, 0}};
    f->n_tokens = tokens->texts[0].n + tokens->n_special;
    if (f->n_tokens > m->n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "the text has %zu tokens, n_ctx is %zu", f->n_tokens, m->n_ctx);
    LL_TRY(ll_alloc(&m->allocator, f->n_tokens, sizeof *f->ids, "token ids", &f->ids));
    LL_TRY(ll_alloc(&m->allocator, f->n_tokens, sizeof *f->type_ids, "token types", &f->type_ids));
    ll_tokens_out to = {.ids = f->ids, .type_ids = f->type_ids};
    ll_tokens_write(m->tokenizer, tokens, all, &to);
    return ll_encoder_check_tokens(m, f->ids, f->type_ids, f->n_tokens);
}

static llmcs_status encode_masked_text(mask_call *f, const char *text, size_t text_bytes) {
    const llmcs_text one = {.text = text, .text_bytes = text_bytes};
    ll_tokens tokens;
    /* PARSE_SPECIAL makes "[MASK]" in the text the mask token. */
    LL_TRY(ll_tokens_create(f->model->tokenizer, &one, LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL, false, &tokens));
    llmcs_status st = write_ids(f, &tokens);
    ll_tokens_free(f->model->tokenizer, &tokens);
    return st;
}

static llmcs_status find_masks(mask_call *f) {
    int32_t mask = llmcs_special_token(f->model->tokenizer, LLMCS_SPECIAL_MASK);
    LL_TRY(ll_alloc(&f->model->allocator, f->n_tokens, sizeof *f->masks, "masks", &f->masks));
    for (size_t i = 0; mask >= 0 && i < f->n_tokens; i++)
        if (f->ids[i] == mask) f->masks[f->n_masks++] = (uint32_t)i;
    if (f->n_masks) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "the text has no mask token");
}

static llmcs_status evaluate_masks(mask_call *f) {
    llmcs_model *m = f->model;
    size_t vocab = (size_t)m->config.vocab_size;
    LL_TRY(ll_alloc(&m->allocator, f->n_masks, vocab * sizeof(float), "logits", &f->logits));
    ll_encoder_request r = {.ids = f->ids,
                            .type_ids = m->config.type_vocab_size > 1 ? f->type_ids : NULL,
                            .lengths = &f->n_tokens,
                            .n = 1,
                            .n_rows = f->n_tokens,
                            .mlm_rows = f->masks,
                            .n_mlm_rows = f->n_masks,
                            .mlm_logits = f->logits,
                            .limits = f->limits};
    return ll_encoder_submit(m, &r);
}

/* The k largest of n logits, best first, on ties the lower id first. The list is kept sorted by insertion, because
 * almost no logit exceeds its last entry. */
static void find_top(const llmcs_model *m, const float *logits, size_t position, llmcs_mask_token *tokens, size_t k) {
    const size_t n = (size_t)m->config.vocab_size;
    double log_sum = 0;
    (void)ll_log_sum_of_row(m->kernels, logits, n, &log_sum); /* finite: the network's output was checked */
    size_t held = 0;
    for (size_t id = 0; id < n; id++) {
        if (held == k && logits[id] <= logits[tokens[k - 1].id]) continue;
        size_t at = held < k ? held++ : k - 1;
        for (; at > 0 && logits[id] > logits[tokens[at - 1].id]; at--) tokens[at] = tokens[at - 1];
        tokens[at] = (llmcs_mask_token){position, (int32_t)id, 0.0f};
    }
    for (size_t i = 0; i < k; i++) tokens[i].probability = (float)exp((double)logits[tokens[i].id] - log_sum);
}

static llmcs_status fill_masks(mask_call *f, const char *text, size_t text_bytes, size_t top_k,
                               llmcs_mask_token *tokens, size_t capacity, size_t *n_tokens) {
    size_t vocab = (size_t)f->model->config.vocab_size;
    LL_TRY(encode_masked_text(f, text, text_bytes));
    LL_TRY(find_masks(f));
    top_k = ll_min(top_k, vocab);
    *n_tokens = f->n_masks * top_k;
    if (!tokens) return LLMCS_OK;
    if (capacity < *n_tokens) return ll_fail(LLMCS_BUFFER, "tokens holds %zu, %zu are needed", capacity, *n_tokens);
    LL_TRY(evaluate_masks(f));
    for (size_t i = 0; i < f->n_masks; i++)
        find_top(f->model, f->logits + i * vocab, f->masks[i], tokens + i * top_k, top_k);
    return LLMCS_OK;
}

llmcs_status llmcs_fill_mask_within(llmcs_model *model, const char *text, size_t text_bytes, size_t top_k,
                                    const llmcs_call_limits *limits, llmcs_mask_token *tokens, size_t capacity,
                                    size_t *n_tokens) {
    LL_PUBLIC_CALL;
    mask_call f = {.model = model};
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_MASKED_LM, "llmcs_fill_mask"));
    LL_TRY(ll_model_check_tokenizer(model));
    if (!text || !n_tokens || top_k == 0)
        return ll_fail(LLMCS_ARG, "llmcs_fill_mask: text or n_tokens is NULL, or top_k is 0");
    LL_TRY(ll_limits_read(limits, &f.limits));
    llmcs_status st = fill_masks(&f, text, text_bytes, top_k, tokens, capacity, n_tokens);
    ll_free(&model->allocator, f.ids);
    ll_free(&model->allocator, f.type_ids);
    ll_free(&model->allocator, f.masks);
    ll_free(&model->allocator, f.logits);
    return st;
}

llmcs_status llmcs_fill_mask(llmcs_model *model, const char *text, size_t text_bytes, size_t top_k,
                             llmcs_mask_token *tokens, size_t capacity, size_t *n_tokens) {
    return llmcs_fill_mask_within(model, text, text_bytes, top_k, NULL, tokens, capacity, n_tokens);
}
