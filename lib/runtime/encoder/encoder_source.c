/*
 * Classifiers that are encoder-decoders (BartForSequenceClassification, T5ForSequenceClassification): the decoder reads
 * the source shifted by one token, and the head reads the row of the source's last eos_token_id.
 */
#include <string.h>

#include "families/family.h"
#include "runtime/encoder/encoder.h"

static bool is_eos(const ll_config *c, int32_t id) {
    for (size_t i = 0; i < c->n_eos_token_id; i++)
        if (c->eos_token_id[i] == id) return true;
    return false;
}

/* The position of the last eos_token_id; n if there is none. */
static size_t last_eos(const ll_config *c, const int32_t *ids, size_t n) {
    for (size_t i = n; i-- > 0;)
        if (is_eos(c, ids[i])) return i;
    return n;
}

/* shift_tokens_right of modeling_bart.py and modeling_mbart.py. For mBART: the last token before padding. */
static int32_t first_decoder_id(const ll_config *c, const int32_t *ids, size_t n) {
    size_t n_tokens = 0;
    if (!c->family->tokens.starts_with_last) return c->decoder_start_token_id;
    for (size_t i = 0; i < n; i++) n_tokens += ids[i] != c->pad_token_id;
    return ids[n_tokens ? n_tokens - 1 : 0];
}

void ll_encoder_shift(const llmcs_model *m, ll_encoder_workspace *workspace) {
    for (size_t i = 0; i < workspace->n_segments; i++) {
        const ll_segment *s = &workspace->segments[i];
        const int32_t *ids = workspace->ids + s->first_row;
        int32_t *shifted = workspace->decoder_ids + s->first_row;
        const size_t eos = last_eos(&m->config, ids, s->n_rows);
        shifted[0] = first_decoder_id(&m->config, ids, s->n_rows);
        memcpy(shifted + 1, ids, (s->n_rows - 1) * sizeof *ids);
        /* If there is none, no logits are requested: ll_encoder_check_source checks that. */
        workspace->eos_rows[i] = (uint32_t)(s->first_row + (eos < s->n_rows ? eos : 0));
    }
}

llmcs_status ll_encoder_check_source(const llmcs_model *m, const ll_encoder_request *r) {
    const ll_config *c = &m->config;
    if (!c->family->tokens.starts_with_last && c->decoder_start_token_id < 0)
        return ll_fail(LLMCS_CONFIG,
                       "config.json: decoder_start_token_id is missing: the decoder of a %s "
                       "classifier starts with it; add the id",
                       c->model_type);
    if (!(r->want & LL_WANT_LOGITS)) return LLMCS_OK;
    for (size_t i = 0, row = 0; i < r->n; row += r->lengths[i++])
        if (last_eos(c, r->ids + row, r->lengths[i]) == r->lengths[i])
            return ll_fail(LLMCS_ARG,
                           "text %zu has no eos_token_id (%d) among its %zu tokens, and a %s classifier reads the row "
                           "of the last one; end the text with it",
                           r->text_of ? r->text_of[i] : r->first_text + i,
                           c->n_eos_token_id ? (int)c->eos_token_id[0] : -1, r->lengths[i], c->model_type);
    return LLMCS_OK;
}
