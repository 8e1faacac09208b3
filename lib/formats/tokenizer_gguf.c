/*
 * The vocabulary of a GGUF file (ggml, docs/gguf.md, "Tokenizer"; what llama.cpp's converter writes is in conversion/).
 * tokenizer.ggml.tokens lists the tokens by id; ids that no token has get "[PAD<id>]" of type UNUSED.
 *
 * WordPiece tokens have llama.cpp's form: "▁" before a token that begins a word, nothing in place of BERT's "##".
 * Control tokens ([CLS]) are literal; older converters left all tokens in brackets literal. Tokens of this library's
 * files that this form cannot represent (a "##[x]") are literal, too, and listed in llmcs.tokenizer.literal_ids.
 */
#include <string.h>

#include "base/utf8.h"
#include "formats/bytes.h"
#include "formats/gguf_names.h"
#include "formats/gguf_tokens.h"
#include "formats/tokenizer_read.h"

static bool token_equals(const char *text, size_t len, const char *other) {
    return text && len == strlen(other) && memcmp(text, other, len) == 0;
}

/* ------------------------------------------------------------------------------------------------ vocabulary */

static bool is_sentencepiece(const ll_tokenizer_spec *spec) {
    return spec->model == LL_TOKEN_UNIGRAM || spec->model == LL_TOKEN_BPE_CHARS;
}

/* The arrays that describe tokens, and the position in each. */
typedef struct token_lists {
    const ll_gguf *g;
    const ll_gguf_value *tokens, *types;       /* types may be NULL: all normal */
    const ll_gguf_value *scores;               /* NULL: none */
    const ll_gguf_value *exact_scores;         /* NULL: `scores` are */
    const ll_gguf_value *literal, *added_only; /* ids in rising order, or NULL */
    size_t at, literal_at, added_only_at;
} token_lists;

/* True if the next id of an ascending list is this one; then advances. */
static bool takes_next(const ll_gguf *g, const ll_gguf_value *ids, size_t *at, int32_t id) {
    if (!ids || *at >= ids->n || ll_gguf_i32_at(g, ids, *at) != id) return false;
    ++*at;
    return true;
}

static llmcs_status find_lists(const ll_gguf *g, token_lists *l) {
    *l = (token_lists){.g = g};
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.tokens", LL_GGUF_STRING, &l->tokens));
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.token_type", LL_GGUF_I32, &l->types));
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.scores", LL_GGUF_F32, &l->scores));
    LL_TRY(ll_gguf_array(g, LL_GGUF_EXACT_SCORES, LL_GGUF_F64, &l->exact_scores));
    LL_TRY(ll_gguf_array(g, LL_GGUF_LITERAL_IDS, LL_GGUF_I32, &l->literal));
    LL_TRY(ll_gguf_array(g, LL_GGUF_ADDED_ONLY_IDS, LL_GGUF_I32, &l->added_only));
    if (!l->tokens) return ll_gguf_missing(g, "tokenizer.ggml.tokens");
    if (l->scores && l->scores->n != l->tokens->n) return ll_gguf_bad(g, l->scores, "a score for each token");
    if (l->types && l->types->n != l->tokens->n) return ll_gguf_bad(g, l->types, "a type for each token");
    if (l->tokens->n > LL_MAX_VOCAB_SIZE)
        return ll_fail(LLMCS_LIMIT, "%s: %zu tokens, at most %d are read", g->name, l->tokens->n, LL_MAX_VOCAB_SIZE);
    l->at = l->tokens->at;
    return LLMCS_OK;
}

/* The next token in its original form, which may be written to `buffer` (len + 2 bytes). */
static llmcs_status next_token(token_lists *l, int32_t id, bool wordpiece, char *buffer, ll_vocab_entry *entry,
                               int32_t *type) {
    size_t len;
    const char *token = ll_gguf_next_string(l->g, &l->at, &len);
    *type = l->types ? ll_gguf_i32_at(l->g, l->types, (size_t)id) : LL_TOKEN_NORMAL;
    if (len > UINT32_MAX - 2 || !ll_utf8_valid(token, len))
        return ll_fail(LLMCS_TOKENIZER, "%s: token %d at byte %zu is not UTF-8", l->g->name, (int)id, l->at - len);
    bool literal = takes_next(l->g, l->literal, &l->literal_at, id);
    *entry = (ll_vocab_entry){token, (uint32_t)len, id};
    if (wordpiece && !literal && *type != LL_TOKEN_CONTROL) ll_token_from_phantom(token, len, buffer, entry);
    return LLMCS_OK;
}

static double score_of(const token_lists *l, size_t i) {
    double exact;
    float score;
    if (l->exact_scores) {
        const uint64_t bits = ll_load_u64(l->g->data + l->exact_scores->at + 8 * i);
        memcpy(&exact, &bits, sizeof exact);
        return exact;
    }
    const uint32_t bits = ll_load_u32(l->g->data + l->scores->at + 4 * i);
    memcpy(&score, &bits, sizeof score);
    return (double)score;
}

static llmcs_status read_tokens(ll_tokenizer_spec *spec, const ll_gguf *g) {
    token_lists l;
    char *buffer = NULL;
    bool wordpiece = spec->model == LL_TOKEN_WORDPIECE;
    LL_TRY(find_lists(g, &l));
    size_t n = l.tokens->n;
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->vocab, "vocabulary", &spec->vocab));
    if (is_sentencepiece(spec)) {
        if (!l.scores) return ll_gguf_missing(g, "tokenizer.ggml.scores");
        LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->scores, "scores", &spec->scores));
    }
    if (l.exact_scores && l.exact_scores->n != n) return ll_gguf_bad(g, l.exact_scores, "a score for each token");
    if (wordpiece) { /* each token takes 8 bytes of length in the file, more than its "##" needs */
        size_t end = l.at, len;
        for (size_t i = 0; i < n; i++) ll_gguf_next_string(g, &end, &len);
        LL_TRY(ll_arena_alloc(&spec->arena, end - l.at, 1, "vocabulary", &buffer));
    }
    for (size_t i = 0; i < n; i++) {
        ll_vocab_entry *e = &spec->vocab[spec->n_vocab];
        int32_t type;
        LL_TRY(next_token(&l, (int32_t)i, wordpiece, buffer, e, &type));
        if (buffer) buffer += e->token_bytes;
        bool in_model = !takes_next(g, l.added_only, &l.added_only_at, (int32_t)i);
        if (spec->scores) spec->scores[spec->n_vocab] = score_of(&l, i);
        if (type != LL_TOKEN_UNUSED && in_model) spec->n_vocab++;
    }
    spec->last_of_equals = wordpiece;
    return LLMCS_OK;
}

static llmcs_status read_merges(ll_tokenizer_spec *spec, const ll_gguf *g) {
    const ll_gguf_value *merges;
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.merges", LL_GGUF_STRING, &merges));
    if (!merges) return ll_gguf_missing(g, "tokenizer.ggml.merges");
    LL_TRY(ll_arena_alloc(&spec->arena, merges->n, sizeof *spec->merges, "merges", &spec->merges));
    size_t at = merges->at, len;
    for (size_t i = 0; i < merges->n; i++) {
        const char *text = ll_gguf_next_string(g, &at, &len);
        const char *space = len ? memchr(text, ' ', len) : NULL;
        size_t left = space ? (size_t)(space - text) : 0;
        if (left == 0 || left + 1 == len || len > UINT32_MAX || memchr(space + 1, ' ', len - left - 1))
            return ll_fail(LLMCS_TOKENIZER,
                           "%s: merge %zu at byte %zu: expected two tokens with one space between them", g->name, i,
                           at - len);
        spec->merges[i] = (ll_merge){text, space + 1, (uint32_t)left, (uint32_t)(len - left - 1)};
    }
    spec->n_merges = merges->n;
    spec->merges_path = g->name;
    return LLMCS_OK;
}

/* The pre-tokenizer; files that predate the key use GPT-2's. A file that carries the folder's tokenizer.json has its
 * pre-tokenizer from there, whatever llama.cpp's name for it. */
static llmcs_status check_pre_tokenizer(const ll_gguf *g) {
    const char *pre;
    size_t len, carried;
    LL_TRY(ll_gguf_text(g, "tokenizer.ggml.pre", &pre, &len));
    if (!pre || ll_gguf_pre_known(pre, len) || ll_gguf_carried(g, "tokenizer.json", &carried)) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED, "%s: tokenizer.ggml.pre \"%.*s\" is not supported", g->name, (int)ll_min(len, 40),
                   pre);
}

/* ------------------------------------------------------------------------------------------- SentencePiece */

#define LOWER_BLOCK "\xe2\x96\x81"

/* "llama": SentencePiece's BPE with byte fallback, as llama.cpp has it: nothing is normalized, spaces are U+2581. */
static llmcs_status llama_steps(ll_tokenizer_spec *spec, const ll_gguf *g) {
    bool prefix = true;
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.add_space_prefix", &prefix));
    if (prefix) ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_PREPEND, .to = {LOWER_BLOCK, 3}});
    ll_add_normalizer(spec,
                      (ll_normalizer_step){.kind = LL_NORMALIZE_REPLACE, .from = {" ", 1}, .to = {LOWER_BLOCK, 3}});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_REPLACE, .from = {LOWER_BLOCK, 3}, .to = {" ", 1}});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_BYTE_FALLBACK});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_FUSE});
    if (prefix) ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_STRIP, .from = {" ", 1}, .n_left = 1});
    spec->byte_fallback = spec->fuse_unk = spec->merges_from_scores = true;
    return LLMCS_OK;
}

/* "t5": Unigram (T5, XLM-R) with the character map and the settings of SentencePiece's normalizer. */
static llmcs_status t5_steps(ll_tokenizer_spec *spec, const ll_gguf *g) {
    bool prefix = true, remove_extra = true;
    const ll_gguf_value *map = ll_gguf_find(g, "tokenizer.ggml.precompiled_charsmap");
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.add_space_prefix", &prefix));
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &remove_extra));
    if (map && (!map->is_array || (map->type != LL_GGUF_U8 && map->type != LL_GGUF_I8) || map->n > INT32_MAX))
        return ll_gguf_bad(g, map, "an array of bytes");
    if (map && map->n) {
        const ll_step_text bytes = {(const char *)g->data + map->at, (uint32_t)map->n};
        ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_CHARSMAP, .map = bytes});
    }
    if (remove_extra) ll_add_split(spec, (ll_split_step){.kind = LL_SPLIT_WHITE_SPACE});
    const ll_prepend prepend = prefix ? LL_PREPEND_ALWAYS : LL_PREPEND_NEVER;
    ll_add_split(
        spec, (ll_split_step){.kind = LL_SPLIT_METASPACE, .text = {LOWER_BLOCK, 3}, .prepend = prepend, .split = true});
    ll_add_decoder(spec, (ll_decoder_step){.kind = LL_DECODE_METASPACE, .from = {LOWER_BLOCK, 3}, .prepend = prepend});
    return LLMCS_OK;
}

/* The unknown token: by its id, else by its type. */
static llmcs_status find_unknown(ll_tokenizer_spec *spec, const ll_gguf *g) {
    const ll_gguf_value *types;
    int64_t id = -1;
    LL_TRY(ll_gguf_int(g, "tokenizer.ggml.unknown_token_id", -1, UINT32_MAX, &id));
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.token_type", LL_GGUF_I32, &types));
    for (size_t i = 0; i < spec->n_vocab && !spec->unk_token; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        const bool typed = types && ll_gguf_i32_at(g, types, (size_t)e->id) == LL_TOKEN_UNKNOWN;
        if (id >= 0 ? e->id != id : !typed) continue;
        spec->unk_token = e->token;
        spec->unk_token_bytes = e->token_bytes;
    }
    return LLMCS_OK;
}

llmcs_status ll_read_gguf_vocab(ll_tokenizer_spec *spec, const ll_gguf *g) {
    static const struct {
        const char *name;
        ll_token_model model;
    } models[] = {
        {"gpt2", LL_TOKEN_BPE}, {"bert", LL_TOKEN_WORDPIECE}, {"llama", LL_TOKEN_BPE_CHARS}, {"t5", LL_TOKEN_UNIGRAM}};
    const char *model;
    size_t len, i = 0;
    LL_TRY(ll_gguf_text(g, "tokenizer.ggml.model", &model, &len));
    if (!model) return ll_gguf_missing(g, "tokenizer.ggml.model");
    while (i < 4 && !token_equals(model, len, models[i].name)) i++;
    if (i == 4)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: tokenizer.ggml.model \"%.*s\" is not supported, only gpt2, bert, llama and t5", g->name,
                       (int)ll_min(len, 40), model);
    spec->model = models[i].model;
    spec->path = spec->merges_path = g->name;
    LL_TRY(read_tokens(spec, g));
    const bool has_json = ll_gguf_carried(g, "tokenizer.json", &len) != NULL; /* which has all but the lists */
    if (is_sentencepiece(spec) && !has_json) {
        LL_TRY(find_unknown(spec, g));
        ll_template_plain(spec, 1);
        return spec->model == LL_TOKEN_UNIGRAM ? t5_steps(spec, g) : llama_steps(spec, g);
    }
    if (spec->model == LL_TOKEN_BPE) LL_TRY(check_pre_tokenizer(g));
    return spec->model == LL_TOKEN_BPE || spec->model == LL_TOKEN_BPE_CHARS ? read_merges(spec, g) : LLMCS_OK;
}

/* ------------------------------------------------------------------------------------- a file without the folder's */

/* Vocabularies of uncased models have no capital letters outside their special tokens. */
static bool is_uncased(const ll_tokenizer_spec *spec, const ll_gguf *g, const ll_gguf_value *types) {
    for (size_t i = 0; i < spec->n_vocab; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        if (types && ll_gguf_i32_at(g, types, (size_t)e->id) != LL_TOKEN_NORMAL) continue;
        if (e->token_bytes && e->token[0] == '[') continue; /* [unused7] */
        for (size_t k = 0; k < e->token_bytes; k++)
            if (e->token[k] >= 'A' && e->token[k] <= 'Z') return false;
    }
    return true;
}

static llmcs_status read_normalizer(ll_tokenizer_spec *spec, const ll_gguf *g, const ll_gguf_value *types) {
    bool lowercase = is_uncased(spec, g, types);
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.normalizer.lowercase", &lowercase));
    bool strip_accents = lowercase;
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.normalizer.strip_accents", &strip_accents));
    spec->n_normalizer = 0;
    ll_bert_steps(spec, true, true, strip_accents, lowercase);
    return LLMCS_OK;
}

/* Adds tokens of type CONTROL and USER_DEFINED after the class's defaults, which take precedence. */
static llmcs_status read_added(ll_tokenizer_spec *spec, const ll_gguf *g, const ll_gguf_value *types) {
    const ll_added_token *old = spec->added;
    size_t n = spec->n_added;
    if (!types) return LLMCS_OK;
    for (size_t i = 0; i < spec->n_vocab; i++) {
        int32_t type = ll_gguf_i32_at(g, types, (size_t)spec->vocab[i].id);
        n += type == LL_TOKEN_CONTROL || type == LL_TOKEN_USER_DEFINED;
    }
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->added, "added tokens", &spec->added));
    n = spec->n_added;
    if (n) memcpy(spec->added, old, n * sizeof *old);
    for (size_t i = 0; i < spec->n_vocab; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        int32_t type = ll_gguf_i32_at(g, types, (size_t)e->id);
        if ((type != LL_TOKEN_CONTROL && type != LL_TOKEN_USER_DEFINED) || !e->token_bytes) continue;
        spec->added[n++] = (ll_added_token){.content = e->token,
                                            .content_bytes = e->token_bytes,
                                            .id = e->id,
                                            .special = type == LL_TOKEN_CONTROL,
                                            .lstrip = token_equals(e->token, e->token_bytes, "<mask>")};
    }
    spec->n_added = n;
    return LLMCS_OK;
}

/* A role whose token the file names by its id; of "llama" without one the token that llama.cpp takes. */
static llmcs_status read_role(ll_tokenizer_spec *spec, const ll_gguf *g, size_t role, const char *key, int32_t *id) {
    static const int32_t llama[LL_N_SPECIAL] = {
        LL_GGUF_LLAMA_BOS, LL_GGUF_LLAMA_EOS, LL_GGUF_LLAMA_UNK, -1, -1, -1, -1};
    int64_t n = spec->model == LL_TOKEN_BPE_CHARS ? llama[role] : -1;
    *id = -1;
    LL_TRY(ll_gguf_int(g, key, -1, UINT32_MAX, &n));
    for (size_t i = 0; i < spec->n_vocab && n >= 0; i++)
        if (spec->vocab[i].id == n) {
            spec->special[role] = spec->vocab[i].token;
            spec->special_bytes[role] = spec->vocab[i].token_bytes;
            *id = (int32_t)n;
        }
    return LLMCS_OK;
}

/* BPE and Unigram: the byte level's pre-tokenizer, and with add_bos_token or add_eos_token a template with these tokens
 * around the text; what a file does not say of them is as llama.cpp has it. */
static llmcs_status read_ends(ll_tokenizer_spec *spec, const ll_gguf *g, int32_t bos, int32_t eos) {
    const char *pre;
    size_t len;
    LL_TRY(ll_gguf_text(g, "tokenizer.ggml.pre", &pre, &len));
    if (spec->model != LL_TOKEN_BPE) pre = NULL;
    bool add_bos = spec->model == LL_TOKEN_BPE_CHARS || (pre && ll_gguf_pre_adds_bos(pre, len));
    bool add_eos = spec->model == LL_TOKEN_UNIGRAM;
    if (pre) ll_gguf_pre_apply(pre, len, spec);
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.add_bos_token", &add_bos));
    LL_TRY(ll_gguf_bool(g, "tokenizer.ggml.add_eos_token", &add_eos));
    if (spec->n_single > 1) return LLMCS_OK; /* RoBERTa's <s> ... </s> */
    spec->n_single = spec->n_pair = 0;
    if (add_bos && bos >= 0) {
        ll_template_add(spec->single, &spec->n_single, bos, 0, 0);
        ll_template_add(spec->pair, &spec->n_pair, bos, 0, 0);
    }
    ll_template_add(spec->single, &spec->n_single, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 0, 0);
    ll_template_add(spec->pair, &spec->n_pair, -1, 1, 1);
    if (add_eos && eos >= 0) {
        ll_template_add(spec->single, &spec->n_single, eos, 0, 0);
        ll_template_add(spec->pair, &spec->n_pair, eos, 0, 0);
    }
    return LLMCS_OK;
}

llmcs_status ll_read_gguf_settings(ll_tokenizer_spec *spec, const ll_gguf *g) {
    static const char *const keys[LL_N_SPECIAL] = {
        "tokenizer.ggml.bos_token_id",       "tokenizer.ggml.eos_token_id",     "tokenizer.ggml.unknown_token_id",
        "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.padding_token_id", "tokenizer.ggml.cls_token_id",
        "tokenizer.ggml.mask_token_id"}; /* by llmcs_special; "seperator" is GGUF's spelling */
    const ll_gguf_value *types;
    int32_t ids[LL_N_SPECIAL];
    LL_TRY(ll_gguf_array(g, "tokenizer.ggml.token_type", LL_GGUF_I32, &types));
    if (spec->model == LL_TOKEN_WORDPIECE) LL_TRY(read_normalizer(spec, g, types));
    LL_TRY(read_added(spec, g, types));
    /* WordPiece has neither BOS nor EOS: llama.cpp calls [CLS] so. */
    bool wordpiece = spec->model == LL_TOKEN_WORDPIECE;
    for (size_t role = wordpiece ? LLMCS_SPECIAL_UNK : 0; role < LL_N_SPECIAL; role++)
        LL_TRY(read_role(spec, g, role, keys[role], &ids[role]));
    if (wordpiece) return LLMCS_OK;
    return read_ends(spec, g, ids[LLMCS_SPECIAL_BOS], ids[LLMCS_SPECIAL_EOS]);
}
