/* The keys of a GGUF file that hold the vocabulary. */
#include <string.h>

#include "base/sort.h"
#include "families/family.h"
#include "formats/gguf_export.h"
#include "formats/gguf_tokens.h"
#include "formats/tokenizer_read.h"

/* A row of the table by token id. */
typedef struct row {
    const char *text; /* NULL: no token has this id */
    uint32_t n_bytes;
    uint8_t type; /* ll_token_type */
    bool added_only, literal;
    double score; /* of SentencePiece's kinds */
} row;

static bool is_sentencepiece(const ll_tokenizer_spec *spec) {
    return spec->model == LL_TOKEN_UNIGRAM || spec->model == LL_TOKEN_BPE_CHARS;
}

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
        const double score = spec->scores ? spec->scores[i] : 0;
        if (e->id < 0) continue;
        rows[e->id] = (row){.text = e->token, .n_bytes = e->token_bytes, .type = LL_TOKEN_NORMAL, .score = score};
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

static void put_text(ll_gguf_header *h, const char *key, const char *text) {
    ll_gguf_put_text(h, key, text, strlen(text));
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
    put_id(h, "tokenizer.ggml.seperator_token_id", special[LLMCS_SPECIAL_SEP]); /* GGUF's spelling */
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
static void put_ends(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special) {
    int32_t first = spec->n_single ? spec->single[0].id : -1;
    int32_t last = spec->n_single ? spec->single[spec->n_single - 1].id : -1;
    put_ids(h, special, first >= 0 ? first : special[LLMCS_SPECIAL_BOS], last >= 0 ? last : special[LLMCS_SPECIAL_EOS]);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_bos_token", first >= 0);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_eos_token", last >= 0);
}

static void put_bpe(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special) {
    put_ends(h, spec, special);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_space_prefix", adds_prefix(spec));
    put_merges(h, spec);
}

/* ------------------------------------------------------------------------------------------- SentencePiece's kinds */

/* Tokens <0x00> to <0xFF>. */
static bool is_byte(const row *r) { return r->n_bytes == 6 && !memcmp(r->text, "<0x", 3) && r->text[5] == '>'; }

static void set_types(const ll_tokenizer_spec *spec, row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        row *r = &rows[i];
        if (!r->text) continue;
        if (spec->byte_fallback && is_byte(r)) r->type = LL_TOKEN_BYTE;
        const bool unknown =
            spec->unk_token && r->n_bytes == spec->unk_token_bytes && !memcmp(r->text, spec->unk_token, r->n_bytes);
        if (unknown) r->type = LL_TOKEN_UNKNOWN;
    }
}

/* Compares the text of a row with the concatenation of a and b. */
static int compare_text(const row *r, const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    const size_t head = ll_min(r->n_bytes, a_bytes), tail = ll_min(r->n_bytes - head, b_bytes);
    int order = memcmp(r->text, a, head);
    if (!order && tail) order = memcmp(r->text + head, b, tail);
    if (order) return order;
    return r->n_bytes < a_bytes + b_bytes ? -1 : r->n_bytes > a_bytes + b_bytes;
}

static bool text_before(const void *rows, uint32_t a, uint32_t b) {
    const row *x = (const row *)rows + a, *y = (const row *)rows + b;
    return compare_text(x, y->text, y->n_bytes, "", 0) < 0;
}

static row *find_row(row *rows, const uint32_t *sorted, size_t n, const ll_merge *m) {
    for (size_t low = 0, high = n; low < high;) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_text(&rows[sorted[middle]], m->left, m->left_bytes, m->right, m->right_bytes);
        if (order == 0) return &rows[sorted[middle]];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* llama.cpp merges the pair whose token has the highest score, so a token's score follows from its first merge. */
static llmcs_status score_merges(const llmcs_allocator *a, const ll_tokenizer_spec *spec, row *rows, size_t n) {
    const double never = -1e9;
    uint32_t *sorted;
    size_t n_sorted = 0;
    LL_TRY(ll_alloc(a, n, sizeof *sorted, "tokens in order", &sorted));
    for (size_t i = 0; i < n; i++) {
        rows[i].score = never;
        if (rows[i].text) sorted[n_sorted++] = (uint32_t)i;
    }
    ll_sort_u32(sorted, n_sorted, text_before, rows);
    for (size_t i = 0; i < spec->n_merges; i++) {
        row *r = find_row(rows, sorted, n_sorted, &spec->merges[i]);
        if (r && r->score <= never) r->score = -(double)i;
    }
    ll_free(a, sorted);
    return LLMCS_OK;
}

static void put_f64(ll_gguf_header *h, double d) {
    uint64_t bits;
    unsigned char raw[8];
    memcpy(&bits, &d, sizeof bits);
    for (size_t i = 0; i < sizeof raw; i++) raw[i] = (unsigned char)(bits >> (8 * i));
    ll_gguf_add_bytes(h, raw, sizeof raw);
}

static void put_scores(ll_gguf_header *h, const row *rows, size_t n) {
    bool exact = true;
    ll_gguf_begin_array(h, "tokenizer.ggml.scores", LL_GGUF_F32, n);
    for (size_t i = 0; i < n; i++) {
        const float score = (float)rows[i].score;
        int32_t bits;
        memcpy(&bits, &score, sizeof bits);
        ll_gguf_add_i32(h, bits);
        exact &= (double)score == rows[i].score;
    }
    if (exact) return;
    ll_gguf_begin_array(h, LL_GGUF_EXACT_SCORES, LL_GGUF_F64, n);
    for (size_t i = 0; i < n; i++) put_f64(h, rows[i].score);
}

static void put_charsmap(ll_gguf_header *h, const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_normalizer; i++) {
        const ll_normalizer_step *s = &spec->normalizer[i];
        if (s->kind != LL_NORMALIZE_CHARSMAP || !s->map.n) continue;
        ll_gguf_begin_array(h, "tokenizer.ggml.precompiled_charsmap", LL_GGUF_U8, s->map.n);
        ll_gguf_add_bytes(h, s->map.at, s->map.n);
        return;
    }
}

/* True for a step that llama.cpp does always or by a key; it ignores all others. */
static bool is_usual_normalizer(const ll_tokenizer_spec *spec, const ll_normalizer_step *s) {
    if (spec->model == LL_TOKEN_UNIGRAM)
        return s->kind == LL_NORMALIZE_CHARSMAP || s->kind == LL_NORMALIZE_STRIP ||
               (s->kind == LL_NORMALIZE_REPLACE && s->replaced == LL_REPLACE_SPACES);
    return s->kind == LL_NORMALIZE_PREPEND || (s->kind == LL_NORMALIZE_REPLACE && s->replaced == LL_REPLACE_TEXT &&
                                               s->from.n == 1 && s->from.at[0] == ' ');
}

static bool is_usual_split(const ll_tokenizer_spec *spec, const ll_split_step *s) {
    if (s->kind == LL_SPLIT_METASPACE || (spec->model == LL_TOKEN_UNIGRAM && s->kind == LL_SPLIT_WHITE_SPACE))
        return true;
    return s->kind == LL_SPLIT_PATTERN && s->pattern == LL_PATTERN_STRING && s->text.n == 1 && s->text.at[0] == ' ';
}

static void log_lost_steps(const ll_tokenizer_spec *spec, const ll_log *log) {
    bool usual = true;
    for (size_t i = 0; i < spec->n_normalizer; i++) usual &= is_usual_normalizer(spec, &spec->normalizer[i]);
    for (size_t i = 0; i < spec->n_split; i++) usual &= is_usual_split(spec, &spec->split[i]);
    if (!usual)
        ll_log_say(log, LLMCS_LOG_WARN, "%s: llama.cpp lacks a step of this tokenizer and may tokenize differently",
                   spec->path);
}

static bool prepends(const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_split; i++)
        if (spec->split[i].kind == LL_SPLIT_METASPACE && spec->split[i].prepend != LL_PREPEND_NEVER) return true;
    return has_step(spec, LL_NORMALIZE_PREPEND);
}

static bool removes_extra(const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_split; i++)
        if (spec->split[i].kind == LL_SPLIT_WHITE_SPACE) return true;
    for (size_t i = 0; i < spec->n_normalizer; i++)
        if (spec->normalizer[i].kind == LL_NORMALIZE_REPLACE && spec->normalizer[i].replaced == LL_REPLACE_SPACES)
            return true;
    return false;
}

static void put_sentencepiece(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special, const row *rows,
                              size_t n) {
    put_scores(h, rows, n);
    put_ends(h, spec, special);
    ll_gguf_put_bool(h, "tokenizer.ggml.add_space_prefix", prepends(spec));
    if (spec->model == LL_TOKEN_BPE_CHARS) {
        put_merges(h, spec); /* llama.cpp has the scores instead */
        return;
    }
    ll_gguf_put_bool(h, "tokenizer.ggml.remove_extra_whitespaces", removes_extra(spec));
    put_charsmap(h, spec);
}

/* -------------------------------------------------------------------------------------------------- the whole */

static llmcs_status complete_rows(const llmcs_allocator *a, const ll_tokenizer_spec *spec, row *rows, size_t n) {
    fill_rows(spec, rows, n);
    if (!is_sentencepiece(spec)) return LLMCS_OK;
    set_types(spec, rows, n);
    return spec->scores ? LLMCS_OK : score_merges(a, spec, rows, n);
}

/* llama.cpp refuses an unknown name; "default" would split words differently from the model's training. */
static void put_pre_tokenizer(ll_gguf_header *h, const ll_tokenizer_spec *spec, const char *preferred,
                              const ll_log *log) {
    const char *pre = spec->model == LL_TOKEN_BPE ? ll_gguf_pre_name(spec, preferred) : "default";
    put_text(h, "tokenizer.ggml.pre", pre ? pre : "llmcs");
    if (is_sentencepiece(spec)) log_lost_steps(spec, log);
    if (!pre)
        ll_log_say(log, LLMCS_LOG_WARN, "llama.cpp will not open this file: it has no pre-tokenizer like that of %s",
                   spec->path);
}

llmcs_status ll_gguf_export_tokenizer(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special,
                                      const ll_config *c, const ll_log *log) {
    static const char *const models[] = {[LL_TOKEN_BPE] = "gpt2",
                                         [LL_TOKEN_BPE_CHARS] = "llama",
                                         [LL_TOKEN_WORDPIECE] = "bert",
                                         [LL_TOKEN_UNIGRAM] = "t5"};
    row *rows;
    size_t n = (size_t)c->vocab_size;
    if (!spec) { /* llama.cpp requires this key */
        put_text(h, "tokenizer.ggml.model", "no_vocab");
        return h->status;
    }
    if (spec->n_pieces || spec->sentencepiece || spec->model == LL_TOKEN_WORDLEVEL)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: GGUF files cannot hold this tokenizer: use the folder itself",
                       spec->path);
    bool wordpiece = spec->model == LL_TOKEN_WORDPIECE;
    int32_t roles[LL_N_SPECIAL];
    for (size_t i = 0; i < LL_N_SPECIAL; i++) roles[i] = special[i] >= 0 && (size_t)special[i] < n ? special[i] : -1;
    LL_TRY(check_merges(spec));
    LL_TRY(check_ids(spec, n));
    LL_TRY(ll_alloc_zero(&h->allocator, n, sizeof *rows, "vocabulary", &rows));
    const llmcs_status status = complete_rows(&h->allocator, spec, rows, n);
    put_text(h, "tokenizer.ggml.model", models[spec->model]);
    put_pre_tokenizer(h, spec, c->family->gguf_pre, log);
    put_rows(h, rows, n, wordpiece);
    put_marked(h, LL_GGUF_LITERAL_IDS, rows, n, false);
    put_marked(h, LL_GGUF_ADDED_ONLY_IDS, rows, n, true);
    if (wordpiece)
        put_wordpiece(h, spec, roles);
    else if (is_sentencepiece(spec))
        put_sentencepiece(h, spec, roles, rows, n);
    else
        put_bpe(h, spec, roles);
    ll_free(&h->allocator, rows);
    return status ? status : h->status;
}
