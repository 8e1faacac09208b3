/* A folder that holds SentencePiece's file and no tokenizer.json: vocabulary, steps and template as Transformers 4.51
 * converts them (convert_slow_tokenizer.py), class by class. The result equals that of the converted tokenizer.json. */
#include <string.h>

#include "formats/sentencepiece.h"
#include "formats/tokenizer_read.h"

#define LOWER_BLOCK "\xe2\x96\x81" /* U+2581, which stands for a space */

static const char *const MBART_LANGUAGES[] = {
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN", "hi_IN", "it_IT",
    "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU", "si_LK",
    "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ", "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE",
    "km_KH", "mk_MK", "ml_IN", "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN",
    "te_IN", "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"};
#define N_MBART_LANGUAGES 25 /* of the first mBART; all are mBART-50's */

size_t ll_mbart_languages(ll_token_family family, const char *const **codes) {
    *codes = MBART_LANGUAGES;
    if (family == LL_TOKENS_OF_MBART) return N_MBART_LANGUAGES;
    return family == LL_TOKENS_OF_MBART50 ? sizeof MBART_LANGUAGES / sizeof *MBART_LANGUAGES : 0;
}

typedef enum normalizer_kind { NORMALIZE_USUAL, NORMALIZE_ALBERT, NORMALIZE_LLAMA, NORMALIZE_GEMMA } normalizer_kind;

/* Differences between the classes for the same file. */
typedef struct spm_class {
    ll_token_family family;
    const char *head[5]; /* tokens before the file's pieces, of which the first n_skipped are left out */
    size_t n_skipped;
    int32_t unk_id;   /* -1: the file's */
    const char *last; /* a token after all others; NULL: none */
    normalizer_kind normalizer;
    bool byte_fallback;
} spm_class;

static const spm_class CLASSES[] = {
    {LL_TOKENS_OF_XLM_ROBERTA, {"<s>", "<pad>", "</s>", "<unk>"}, 3, 3, "<mask>", NORMALIZE_USUAL, false},
    {LL_TOKENS_OF_MBART, {"<s>", "<pad>", "</s>", "<unk>"}, 3, 3, "<mask>", NORMALIZE_USUAL, false},
    {LL_TOKENS_OF_MBART50, {"<s>", "<pad>", "</s>", "<unk>"}, 3, 3, "<mask>", NORMALIZE_USUAL, false},
    {LL_TOKENS_OF_CAMEMBERT,
     {"<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"},
     1,
     3,
     "<mask>",
     NORMALIZE_USUAL,
     false},
    {LL_TOKENS_OF_T5, {NULL}, 0, -1, NULL, NORMALIZE_USUAL, false},
    {LL_TOKENS_OF_ALBERT, {NULL}, 0, -1, NULL, NORMALIZE_ALBERT, false},
    {LL_TOKENS_OF_LLAMA, {NULL}, 0, 0, NULL, NORMALIZE_LLAMA, true},
    {LL_TOKENS_OF_GEMMA, {NULL}, 0, 3, NULL, NORMALIZE_GEMMA, true},
};

static const spm_class *find_class(ll_token_family family) {
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++)
        if (CLASSES[i].family == family) return &CLASSES[i];
    return NULL;
}

/* ---------------------------------------------------------------------------------------------- vocabulary */

static void put_token(ll_tokenizer_spec *spec, const char *token, size_t n, double score) {
    spec->scores[spec->n_vocab] = score;
    spec->vocab[spec->n_vocab] = (ll_vocab_entry){token, (uint32_t)n, (int32_t)spec->n_vocab};
    spec->n_vocab++;
}

static llmcs_status read_extra_ids(const ll_token_settings *s, size_t *n) {
    int64_t count = 100;
    ll_json v = ll_token_setting(s, "extra_ids");
    if (!ll_spec_absent(v) && (!ll_json_int64(v, &count) || count < 0 || count > 100000))
        return ll_spec_fail(v, "extra_ids", "an integer from 0 to 100000 is expected");
    *n = (size_t)count;
    return LLMCS_OK;
}

/* <extra_id_99> to <extra_id_0>. */
static llmcs_status put_extra_ids(ll_tokenizer_spec *spec, size_t n) {
    for (size_t i = n; i-- > 0;) {
        char text[32];
        const char *kept;
        const int len = ll_format(text, sizeof text, "<extra_id_%zu>", i);
        LL_TRY(ll_arena_copy_text(&spec->arena, text, (size_t)len, "token", &kept));
        put_token(spec, kept, (size_t)len, 0);
    }
    return LLMCS_OK;
}

/* True for pieces such as "5,": the conversion of ALBERT lowers their scores by 100. */
static bool ends_number(const ll_step_text *text) {
    return text->n >= 2 && text->at[text->n - 1] == ',' && text->at[text->n - 2] >= '0' && text->at[text->n - 2] <= '9';
}

static bool same_text(const ll_vocab_entry *e, const char *text) {
    return e->token_bytes == strlen(text) && !memcmp(e->token, text, e->token_bytes);
}

/* Old files of Gemma have no tab: the token of its byte becomes the tab. */
static void mend_gemma_tab(ll_tokenizer_spec *spec) {
    ll_vocab_entry *byte = NULL;
    for (size_t i = 0; i < spec->n_vocab; i++) {
        if (same_text(&spec->vocab[i], "\t")) return;
        if (!byte && same_text(&spec->vocab[i], "<0x09>")) byte = &spec->vocab[i];
    }
    if (!byte) return;
    byte->token = "\t";
    byte->token_bytes = 1;
    spec->scores[byte - spec->vocab] = 0;
}

static llmcs_status fill_vocab(ll_tokenizer_spec *spec, const ll_sentencepiece *m, const spm_class *c,
                               const ll_token_settings *s) {
    const char *const *languages;
    size_t n_extra = 0;
    const size_t n_languages = ll_mbart_languages(c->family, &languages);
    if (c->family == LL_TOKENS_OF_T5) LL_TRY(read_extra_ids(s, &n_extra));
    const size_t most = m->n + sizeof c->head / sizeof *c->head + n_languages + n_extra + 1;
    LL_TRY(ll_arena_alloc(&spec->arena, most, sizeof *spec->vocab, "vocabulary", &spec->vocab));
    LL_TRY(ll_arena_alloc(&spec->arena, most, sizeof *spec->scores, "scores", &spec->scores));
    for (size_t i = 0; i < sizeof c->head / sizeof *c->head && c->head[i]; i++)
        put_token(spec, c->head[i], strlen(c->head[i]), i == 4 ? -100 : 0);
    for (size_t i = c->n_skipped; i < m->n; i++) {
        const ll_step_text text = {m->pieces[i].token, m->pieces[i].token_bytes};
        const bool penalty = c->family == LL_TOKENS_OF_ALBERT && ends_number(&text);
        put_token(spec, text.at, text.n, m->scores[i] - (penalty ? 100 : 0));
    }
    for (size_t i = 0; i < n_languages; i++) put_token(spec, languages[i], strlen(languages[i]), 0);
    LL_TRY(put_extra_ids(spec, n_extra));
    if (c->last) put_token(spec, c->last, strlen(c->last), 0);
    if (c->family == LL_TOKENS_OF_GEMMA) mend_gemma_tab(spec);
    const int32_t unk_id = c->unk_id >= 0 ? c->unk_id : m->unk_id;
    if ((size_t)unk_id >= spec->n_vocab)
        return ll_fail(LLMCS_TOKENIZER, "%s: %zu pieces are too few for this class of tokenizer", m->path, m->n);
    spec->unk_token = spec->vocab[unk_id].token;
    spec->unk_token_bytes = spec->vocab[unk_id].token_bytes;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ added tokens */

static bool is_special_text(const spm_class *c, const ll_vocab_entry *e) {
    if (c->family == LL_TOKENS_OF_GEMMA) return same_text(e, "<start_of_turn>") || same_text(e, "<end_of_turn>");
    return false;
}

/* Control pieces are special, user-defined ones only found in text; T5's extra ids and languages are special, too. */
static llmcs_status fill_added(ll_tokenizer_spec *spec, const ll_sentencepiece *m, const spm_class *c) {
    const size_t n_tail = spec->n_vocab - ll_min(spec->n_vocab, m->n);
    LL_TRY(ll_arena_alloc(&spec->arena, m->n + n_tail, sizeof *spec->added, "added tokens", &spec->added));
    for (size_t i = 0; i < m->n; i++) {
        const ll_vocab_entry *e = &m->pieces[i];
        const bool control = m->types[i] == LL_PIECE_CONTROL;
        if (!control && m->types[i] != LL_PIECE_USER_DEFINED) continue;
        spec->added[spec->n_added++] = (ll_added_token){.content = e->token,
                                                        .content_bytes = e->token_bytes,
                                                        .id = LL_ID_FIND,
                                                        .special = control || is_special_text(c, e)};
    }
    for (size_t i = spec->n_vocab - n_tail; i < spec->n_vocab && c->family == LL_TOKENS_OF_T5; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        spec->added[spec->n_added++] =
            (ll_added_token){.content = e->token, .content_bytes = e->token_bytes, .id = LL_ID_FIND, .special = true};
    }
    return LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------------------- steps */

static void add_replace(ll_tokenizer_spec *spec, const char *from, const char *to) {
    ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_REPLACE,
                                                 .from = {from, (uint32_t)strlen(from)},
                                                 .to = {to, (uint32_t)strlen(to)}});
}

static void add_charsmap(ll_tokenizer_spec *spec, const ll_sentencepiece *m) {
    if (m->charsmap.n) ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_CHARSMAP, .map = m->charsmap});
}

static void add_collapse(ll_tokenizer_spec *spec, const char *to) {
    ll_add_normalizer(
        spec, (ll_normalizer_step){
                  .kind = LL_NORMALIZE_REPLACE, .replaced = LL_REPLACE_SPACES, .to = {to, (uint32_t)strlen(to)}});
}

static llmcs_status add_albert_normalizer(ll_tokenizer_spec *spec, const ll_sentencepiece *m,
                                          const ll_token_settings *s) {
    bool keep_accents = false, lowercase = true;
    LL_TRY(ll_token_setting_bool(s, "keep_accents", &keep_accents));
    LL_TRY(ll_token_setting_bool(s, "do_lower_case", &lowercase));
    add_replace(spec, "``", "\"");
    add_replace(spec, "''", "\"");
    if (!keep_accents) ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_NFKD});
    if (!keep_accents) ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_STRIP_MARKS});
    if (lowercase) ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_LOWERCASE});
    add_charsmap(spec, m);
    add_collapse(spec, " ");
    return LLMCS_OK;
}

/* legacy and add_prefix_space, of classes that have them. */
typedef struct prefix_settings {
    bool legacy, add_prefix_space;
} prefix_settings;

static llmcs_status read_prefix(const spm_class *c, const ll_token_settings *s, prefix_settings *p) {
    *p = (prefix_settings){true, true};
    if (c->family != LL_TOKENS_OF_T5 && c->family != LL_TOKENS_OF_LLAMA) return LLMCS_OK;
    LL_TRY(ll_token_setting_bool(s, "legacy", &p->legacy));
    return ll_token_setting_bool(s, "add_prefix_space", &p->add_prefix_space);
}

static ll_prepend prepend_of(const prefix_settings *p) {
    if (!p->add_prefix_space) return LL_PREPEND_NEVER;
    return p->legacy ? LL_PREPEND_ALWAYS : LL_PREPEND_FIRST;
}

static void add_metaspace(ll_tokenizer_spec *spec, const prefix_settings *p, bool split) {
    ll_add_split(spec,
                 (ll_split_step){
                     .kind = LL_SPLIT_METASPACE, .text = {LOWER_BLOCK, 3}, .prepend = prepend_of(p), .split = split});
}

static void add_llama_steps(ll_tokenizer_spec *spec, const prefix_settings *p) {
    if (!p->legacy) {
        add_metaspace(spec, p, false);
        return;
    }
    if (p->add_prefix_space)
        ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_PREPEND, .to = {LOWER_BLOCK, 3}});
    add_replace(spec, " ", LOWER_BLOCK);
}

static void add_usual_normalizer(ll_tokenizer_spec *spec, const ll_sentencepiece *m) {
    add_charsmap(spec, m);
    ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_STRIP, .right = true});
    add_collapse(spec, LOWER_BLOCK);
}

static void add_byte_decoder(ll_tokenizer_spec *spec, bool strip) {
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_REPLACE, .from = {LOWER_BLOCK, 3}, .to = {" ", 1}});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_BYTE_FALLBACK});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_FUSE});
    if (strip) ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_STRIP, .from = {" ", 1}, .n_left = 1});
}

static llmcs_status fill_steps(ll_tokenizer_spec *spec, const ll_sentencepiece *m, const spm_class *c,
                               const ll_token_settings *s) {
    prefix_settings p;
    LL_TRY(read_prefix(c, s, &p));
    switch (c->normalizer) {
        case NORMALIZE_LLAMA:
            add_llama_steps(spec, &p);
            add_byte_decoder(spec, p.add_prefix_space);
            return LLMCS_OK;
        case NORMALIZE_GEMMA:
            /* The class's Split at spaces finds none: they have all become U+2581. */
            add_replace(spec, " ", LOWER_BLOCK);
            add_byte_decoder(spec, false);
            return LLMCS_OK;
        case NORMALIZE_ALBERT:
            LL_TRY(add_albert_normalizer(spec, m, s));
            break;
        case NORMALIZE_USUAL:
            add_usual_normalizer(spec, m);
            break;
    }
    add_metaspace(spec, &p, true);
    ll_add_decoder(spec,
                   (ll_decoder_step){.kind = LL_DECODE_METASPACE, .from = {LOWER_BLOCK, 3}, .prepend = prepend_of(&p)});
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- the whole */

llmcs_status ll_read_sentencepiece_files(ll_tokenizer_spec *spec, const ll_source *source, const ll_token_settings *s,
                                         bool *found) {
    const spm_class *c = find_class(s->family);
    const ll_spec_file *file = NULL;
    const char *name;
    ll_sentencepiece m;
    LL_TRY(ll_sentencepiece_name(&spec->arena.allocator, source, &name));
    if (name) LL_TRY(ll_spec_read_file(spec, source, name, &file));
    *found = file != NULL;
    if (!file) return LLMCS_OK;
    spec->path = spec->merges_path = file->path;
    LL_TRY(ll_sentencepiece_read(&m, &spec->arena, file));
    if (!c)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: tokenizer_class \"%.*s\" with this file is not supported: convert it to a tokenizer.json",
                       file->path, (int)ll_min(s->class_bytes, 60), s->class_name ? s->class_name : "");
    spec->model = m.model == LL_SENTENCEPIECE_BPE ? LL_TOKEN_BPE_CHARS : LL_TOKEN_UNIGRAM;
    spec->byte_fallback = c->byte_fallback;
    spec->fuse_unk = spec->merges_from_scores = m.model == LL_SENTENCEPIECE_BPE;
    LL_TRY(fill_vocab(spec, &m, c, s));
    LL_TRY(fill_added(spec, &m, c));
    return fill_steps(spec, &m, c, s);
}
