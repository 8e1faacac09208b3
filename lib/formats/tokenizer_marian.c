/* Marian's tokenizer (OPUS-MT): source.spm cuts what is translated and target.spm translations, both with the meaning
 * of SentencePiece's C++ library, since Transformers has no fast tokenizer for them; ids are those of the piece's text
 * in vocab.json (or, with separate_vocabs, target_vocab.json). A token >>fra<< before a text names the language to
 * translate into. Facts: Transformers 4.51, models/marian/tokenization_marian.py. */
#include <string.h>

#include "formats/sentencepiece.h"
#include "formats/tokenizer_read.h"

#define LOWER_BLOCK "\xe2\x96\x81"

static bool is_language(const ll_vocab_entry *e) {
    return e->token_bytes > 4 && !memcmp(e->token, ">>", 2) && !memcmp(e->token + e->token_bytes - 2, "<<", 2);
}

/* Languages are special tokens: text of users does not choose one. */
static llmcs_status add_languages(ll_tokenizer_spec *spec) {
    size_t n = 0;
    for (size_t i = 0; i < spec->n_vocab; i++) n += is_language(&spec->vocab[i]);
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->added, "added tokens", &spec->added));
    for (size_t i = 0; i < spec->n_vocab; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        if (!is_language(e)) continue;
        spec->added[spec->n_added++] =
            (ll_added_token){.content = e->token, .content_bytes = e->token_bytes, .id = e->id, .special = true};
    }
    return LLMCS_OK;
}

static void add_steps(ll_tokenizer_spec *spec, const ll_sentencepiece *m) {
    ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_SENTENCEPIECE,
                                                 .map = m->charsmap,
                                                 .escape = m->escape,
                                                 .remove_extra = m->remove_extra,
                                                 .dummy_prefix = m->dummy_prefix,
                                                 .as_suffix = m->as_suffix});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_SENTENCEPIECE, .from = {LOWER_BLOCK, 3}});
}

static llmcs_status read_vocab(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s) {
    bool separate = false;
    ll_json vocab;
    LL_TRY(ll_token_setting_bool(s, "separate_vocabs", &separate));
    const char *name = separate && spec->target_side ? "target_vocab.json" : "vocab.json";
    LL_TRY(ll_spec_read_json(spec, source, name, &vocab));
    if (!vocab.doc) return ll_fail(LLMCS_TOKENIZER, "%s: no %s in this folder", source->path, name);
    return ll_read_vocab_object(spec, vocab, name);
}

llmcs_status ll_read_marian_files(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s) {
    const ll_spec_file *file;
    ll_sentencepiece m;
    const char *name = spec->target_side ? "target.spm" : "source.spm";
    LL_TRY(ll_spec_read_file(spec, source, name, &file));
    if (!file) return ll_fail(LLMCS_TOKENIZER, "%s: no %s in this folder", source->path, name);
    LL_TRY(ll_sentencepiece_read(&m, &spec->arena, file));
    if (m.model != LL_SENTENCEPIECE_UNIGRAM)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: a BPE model is not supported for Marian, only unigram", file->path);
    if (m.byte_fallback) return ll_fail(LLMCS_UNSUPPORTED, "%s: byte_fallback is not supported for Marian", file->path);
    LL_TRY(read_vocab(spec, source, s));
    spec->model = LL_TOKEN_UNIGRAM;
    spec->sentencepiece = true;
    ll_json v;
    size_t len;
    spec->unk_token = ll_token_role(spec, s, LLMCS_SPECIAL_UNK, &v, &len);
    spec->unk_token_bytes = (uint32_t)len;
    spec->has_target = !spec->target_side;
    spec->pieces = m.pieces;
    spec->n_pieces = m.n;
    spec->scores = m.scores;
    spec->types = m.types;
    add_steps(spec, &m);
    return add_languages(spec);
}

/* >>fra<< A </s>, where a call names the language; A B </s> for a pair. */
llmcs_status ll_marian_template(ll_tokenizer_spec *spec, int32_t eos) {
    const ll_template_item language = {.id = -1, .slot = LL_SLOT_TARGET};
    spec->n_single = spec->n_pair = 0;
    if (!spec->target_side) spec->single[spec->n_single++] = spec->pair[spec->n_pair++] = language;
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, 0);
    ll_template_add(spec->single, &spec->n_single, eos, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, eos, 0, 0);
    return LLMCS_OK;
}
