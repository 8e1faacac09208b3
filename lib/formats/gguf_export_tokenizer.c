/* The keys of a GGUF file that hold the vocabulary. */
#include <string.h>

#include "families/family.h"
#include "formats/gguf_export.h"
#include "formats/gguf_tokens.h"
#include "formats/tokenizer_read.h"

/* A row of the table by ids. */
typedef struct row {
    const char *text; /* NULL: no token has this id */
    uint32_t n_bytes;
    uint8_t type; /* ll_token_type */
    bool added_only, literal;
} row;

/* The file has a token for each of the network's n rows. Added tokens beyond them are kept in the embedded files of the
 * folder; tokens of the vocabulary are stored nowhere else. */
static llmcs_status check_ids(const ll_tokenizer_spec *spec, size_t n) {
    for (size_t i = 0; i < spec->n_vocab; i++)
        if (spec->vocab[i].id >= 0 && (size_t)spec->vocab[i].id >= n)
            return ll_fail(LLMCS_UNSUPPORTED,
                           "%s: the vocabulary has id %d, config.json's vocab_size is %zu: a GGUF file cannot hold it",
                           spec->path, (int)spec->vocab[i].id, n);
    return LLMCS_OK;
}

static void fill_rows(const ll_tokenizer_spec *spec, row *rows, size_t n) {
    bool wordpiece = spec->model == LL_TOKEN_WORDPIECE;
    const char *prefix;
    size_t skip;
    for (size_t i = 0; i < spec->n_vocab; i++) {
        const ll_vocab_entry *e = &spec->vocab[i];
        if (e->id >= 0) rows[e->id] = (row){.text = e->token, .n_bytes = e->token_bytes, .type = LL_TOKEN_NORMAL};
    }
    for (size_t i = 0; i < spec->n_added; i++) {
        const ll_added_token *e = &spec->added[i];
        if (e->id < 0 || (size_t)e->id >= n) continue;
        row *r = &rows[e->id];
        if (!r->text) *r = (row){.text = e->content, .n_bytes = e->content_bytes, .added_only = true};
        r->type = e->special ? LL_TOKEN_CONTROL : LL_TOKEN_USER_DEFINED;
    }
    for (size_t i = 0; i < spec->n_vocab + spec->n_added && wordpiece; i++) {
        int32_t id = i < spec->n_vocab ? spec->vocab[i].id : spec->added[i - spec->n_vocab].id;
        if (id < 0 || (size_t)id >= n || rows[id].type == LL_TOKEN_CONTROL) continue;
        rows[id].literal = !ll_token_to_phantom(rows[id].text, rows[id].n_bytes, &prefix, &skip);
    }
}

static void put_rows(ll_gguf_header *h, const row *rows, size_t n, bool wordpiece) {
    ll_gguf_begin_array(h, "tokenizer.ggml.tokens", LL_GGUF_STRING, n);
    for (size_t i = 0; i < n; i++) {
        const row *r = &rows[i];
        const char *prefix = "";
        size_t skip = 0;
        char unused[24];
        if (!r->text) {
            int len = ll_format(unused, sizeof unused, "[PAD%zu]", i);
            ll_gguf_add_text(h, unused, (size_t)len);
            continue;
        }
        if (wordpiece && r->type != LL_TOKEN_CONTROL && !r->literal)
            ll_token_to_phantom(r->text, r->n_bytes, &prefix, &skip);
        ll_gguf_begin_text(h, strlen(prefix) + r->n_bytes - skip);
        ll_gguf_add_bytes(h, prefix, strlen(prefix));
        ll_gguf_add_bytes(h, r->text + skip, r->n_bytes - skip);
    }
    ll_gguf_begin_array(h, "tokenizer.ggml.token_type", LL_GGUF_I32, n);
    for (size_t i = 0; i < n; i++) ll_gguf_add_i32(h, rows[i].text ? rows[i].type : LL_TOKEN_UNUSED);
}

/* Writes the ids of marked rows, if there are any. */
static void put_marked(ll_gguf_header *h, const char *key, const row *rows, size_t n, bool added_only) {
    size_t n_marked = 0;
    for (size_t i = 0; i < n; i++) n_marked += added_only ? rows[i].added_only : rows[i].literal;
    if (!n_marked) return;
    ll_gguf_begin_array(h, key, LL_GGUF_I32, n_marked);
    for (size_t i = 0; i < n; i++)
        if (added_only ? rows[i].added_only : rows[i].literal) ll_gguf_add_i32(h, (int32_t)i);
}

static void put_merges(ll_gguf_header *h, const ll_tokenizer_spec *spec) {
    ll_gguf_begin_array(h, "tokenizer.ggml.merges", LL_GGUF_STRING, spec->n_merges);
    for (size_t i = 0; i < spec->n_merges; i++) {
        const ll_merge *m = &spec->merges[i];
        ll_gguf_begin_text(h, (size_t)m->left_bytes + 1 + m->right_bytes);
        ll_gguf_add_bytes(h, m->left, m->left_bytes);
        ll_gguf_add_bytes(h, " ", 1);
        ll_gguf_add_bytes(h, m->right, m->right_bytes);
    }
}

/* A merge is written as its two sides with a space between, so neither side may contain a space. */
static llmcs_status check_merges(const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_merges; i++) {
        const ll_merge *m = &spec->merges[i];
        if (!memchr(m->left, ' ', m->left_bytes) && !memchr(m->right, ' ', m->right_bytes)) continue;
        return ll_fail(LLMCS_UNSUPPORTED, "%s: merge %zu has a space in a token, which GGUF cannot hold", spec->path,
                       i);
    }
    return LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------------- special tokens */

static void put_id(ll_gguf_header *h, const char *key, int32_t id) {
    if (id >= 0) ll_gguf_put_u32(h, key, (uint32_t)id);
}

static void put_ids(ll_gguf_header *h, const int32_t *special, int32_t bos, int32_t eos) {
    put_id(h, "tokenizer.ggml.bos_token_id", bos);
    put_id(h, "tokenizer.ggml.eos_token_id", eos);
    put_id(h, "tokenizer.ggml.unknown_token_id", special[LLMCS_SPECIAL_UNK]);
    put_id(h, "tokenizer.ggml.seperator_token_id", special[LLMCS_SPECIAL_SEP]); /* spelt so */
    put_id(h, "tokenizer.ggml.padding_token_id", special[LLMCS_SPECIAL_PAD]);
    put_id(h, "tokenizer.ggml.cls_token_id", special[LLMCS_SPECIAL_CLS]);
    put_id(h, "tokenizer.ggml.mask_token_id", special[LLMCS_SPECIAL_MASK]);
}

static bool has_step(const ll_tokenizer_spec *spec, ll_normalizer_kind kind) {
    for (size_t i = 0; i < spec->n_normalizer; i++)
        if (spec->normalizer[i].kind == kind) return true;
    return false;
}

/* llama.cpp puts BOS before a WordPiece text and SEP after it, so BOS is [CLS]. */
static void put_wordpiece(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special) {
    int32_t bos = special[LLMCS_SPECIAL_BOS];
    put_ids(h, special, bos >= 0 ? bos : special[LLMCS_SPECIAL_CLS], special[LLMCS_SPECIAL_EOS]);
    ll_gguf_put_bool(h, "tokenizer.ggml.normalizer.lowercase", has_step(spec, LL_NORMALIZE_LOWERCASE));
    ll_gguf_put_bool(h, "tokenizer.ggml.normalizer.strip_accents",
                     has_step(spec, LL_NORMALIZE_STRIP_NONSPACING) || has_step(spec, LL_NORMALIZE_STRIP_MARKS));
}

static bool adds_prefix(const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_split; i++)
        if (spec->split[i].kind == LL_SPLIT_BYTE_LEVEL && spec->split[i].add_prefix_space) return true;
    return false;
}

/* The tokens that the template puts around a text are BOS and EOS: RoBERTa's <s> and </s>. */
static void put_bpe(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special) {
    int32_t first = spec->n_single ? spec->single[0].id : -1;
    int32_t last = spec->n_single ? spec->single[spec->n_single - 1].id : -1;
    put_ids(h, special, first >= 0 ? first : special[LLMCS_SPECIAL_BOS], last >= 0 ? last : special[LLMCS_SPECIAL_EOS]);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_bos_token", first >= 0);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_eos_token", last >= 0);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_space_prefix", adds_prefix(spec));
    put_merges(h, spec);
}

static void put_text(ll_gguf_header *h, const char *key, const char *text) {
    ll_gguf_put_text(h, key, text, strlen(text));
}

llmcs_status ll_gguf_export_tokenizer(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special,
                                      const ll_config *c) {
    row *rows;
    size_t n = (size_t)c->vocab_size;
    if (!spec) { /* llama.cpp requires this key */
        put_text(h, "tokenizer.ggml.model", "no_vocab");
        return h->status;
    }
    if (spec->model == LL_TOKEN_UNIGRAM || spec->model == LL_TOKEN_BPE_CHARS || spec->model == LL_TOKEN_WORDLEVEL)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: a tokenizer of SentencePiece or of whole words is not written to GGUF files: use the "
                       "folder itself",
                       spec->path);
    bool wordpiece = spec->model == LL_TOKEN_WORDPIECE;
    int32_t roles[LL_N_SPECIAL];
    for (size_t i = 0; i < LL_N_SPECIAL; i++) roles[i] = special[i] >= 0 && (size_t)special[i] < n ? special[i] : -1;
    LL_TRY(check_merges(spec));
    LL_TRY(check_ids(spec, n));
    LL_TRY(ll_alloc_zero(&h->allocator, n, sizeof *rows, "vocabulary", &rows));
    fill_rows(spec, rows, n);
    put_text(h, "tokenizer.ggml.model", wordpiece ? "bert" : "gpt2");
    /* llama.cpp refuses a name it does not know; "default" would be other words than the model was trained with. */
    const char *pre = wordpiece ? "default" : ll_gguf_pre_name(spec, c->family->gguf_pre);
    put_text(h, "tokenizer.ggml.pre", pre ? pre : "llmcs");
    put_rows(h, rows, n, wordpiece);
    put_marked(h, LL_GGUF_LITERAL_IDS, rows, n, false);
    put_marked(h, LL_GGUF_ADDED_ONLY_IDS, rows, n, true);
    ll_free(&h->allocator, rows);
    if (wordpiece)
        put_wordpiece(h, spec, roles);
    else
        put_bpe(h, spec, roles);
    return h->status;
}
