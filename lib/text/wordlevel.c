/* WordLevel: one lookup per word. */
#include "text/wordlevel.h"

#include "base/utf8.h"

llmcs_status ll_wordlevel_unk(const ll_tokenizer_spec *spec, const ll_vocab *vocab, int32_t *unk_id) {
    *unk_id = ll_vocab_find(vocab, spec->unk_token, spec->unk_token_bytes);
    if (*unk_id >= 0) return LLMCS_OK;
    return ll_fail(LLMCS_TOKENIZER, "%s: the unknown token \"%.*s\" is not in the vocabulary", spec->path,
                   (int)ll_min(spec->unk_token_bytes, 60), spec->unk_token);
}

llmcs_status ll_wordlevel_encode(const ll_vocab *vocab, const uint8_t *flags, uint8_t special, int32_t unk_id,
                                 const llmcs_allocator *a, const ll_view *word, ll_encoding *out) {
    uint32_t cp;
    int32_t id = ll_vocab_find(vocab, word->text, word->n);
    if (id < 0 || ((flags[id] & special) && ll_utf8_decode(word->text, word->n, &cp) < word->n)) id = unk_id;
    LL_TRY(ll_encoding_reserve(out, a, 1));
    out->ids[out->n] = id;
    if (out->want_spans) out->spans[out->n] = ll_view_span(word, 0, word->n);
    out->n++;
    return LLMCS_OK;
}
