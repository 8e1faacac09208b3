/* tokenizer.json: model, added tokens, and the settings that only this file has. The format is Hugging Face's
 * tokenizers' own serialisation; there is no specification but its source. */
#include <string.h>

#include "formats/tokenizer_read.h"

static llmcs_status fail_unsupported(ll_json v, const char *field, const char *value) {
    return ll_fail(LLMCS_UNSUPPORTED, "%s: %s is %s, at byte %llu, which is not supported", ll_json_name(v.doc), field,
                   value, (unsigned long long)ll_json_offset(v));
}

/* --------------------------------------------------------------------------------------------------- model */

/* A field that changes results and is supported only with its neutral value. */
static llmcs_status check_empty(ll_json model, const char *key, const char *field) {
    const char *text = "";
    uint32_t len = 0;
    LL_TRY(ll_spec_string(model, "model", key, &text, &len));
    return len ? fail_unsupported(model, field, "not empty") : LLMCS_OK;
}

static llmcs_status check_dropout(ll_json model) {
    ll_json v;
    double dropout = 0;
    LL_TRY(ll_spec_member(model, "model", "dropout", &v));
    if (ll_spec_absent(v)) return LLMCS_OK;
    if (!ll_json_double(v, &dropout)) return ll_spec_fail(v, "model.dropout", "a number is expected");
    return dropout > 0 || dropout < 0 ? fail_unsupported(v, "model.dropout", "not 0") : LLMCS_OK;
}

static llmcs_status read_merges(ll_tokenizer_spec *spec, ll_json model) {
    ll_json merges;
    if (spec->merges) return LLMCS_OK; /* of a GGUF file */
    LL_TRY(ll_spec_member(model, "model", "merges", &merges));
    if (ll_json_get_type(merges) != LL_JSON_ARRAY) return ll_spec_fail(model, "model.merges", "an array is expected");
    return ll_read_merge_list(spec, merges);
}

/* The token of this id; from a file that has its tokens in the order of ids it is the id-th at most. */
static const ll_vocab_entry *find_id(const ll_tokenizer_spec *spec, int64_t id) {
    if (id < 0 || spec->n_vocab == 0) return NULL;
    for (size_t i = (size_t)ll_min((uint64_t)id, spec->n_vocab - 1) + 1; i-- > 0;)
        if (spec->vocab[i].id == id) return &spec->vocab[i];
    return NULL;
}

static llmcs_status read_unigram(ll_tokenizer_spec *spec, ll_json model, ll_json vocab) {
    ll_json unk;
    int64_t id = -1;
    if (!spec->vocab) LL_TRY(ll_read_scored_vocab(spec, vocab)); /* else of a GGUF file */
    spec->model = LL_TOKEN_UNIGRAM;
    LL_TRY(ll_spec_bool(model, "model", "byte_fallback", &spec->byte_fallback));
    LL_TRY(ll_spec_member(model, "model", "unk_id", &unk));
    const ll_vocab_entry *e = ll_json_int64(unk, &id) ? find_id(spec, id) : NULL;
    if (!e) return ll_spec_fail(ll_spec_absent(unk) ? model : unk, "model.unk_id", "the id of a token is expected");
    spec->unk_token = e->token;
    spec->unk_token_bytes = e->token_bytes;
    return LLMCS_OK;
}

/* Without ByteLevel a BPE works on characters; the pre-tokenizer, which is read later, says which. */
static llmcs_status read_bpe(ll_tokenizer_spec *spec, ll_json model) {
    spec->model = LL_TOKEN_BPE;
    LL_TRY(check_dropout(model));
    LL_TRY(ll_spec_bool(model, "model", "fuse_unk", &spec->fuse_unk));
    LL_TRY(ll_spec_string(model, "model", "unk_token", &spec->unk_token, &spec->unk_token_bytes));
    LL_TRY(ll_spec_bool(model, "model", "byte_fallback", &spec->byte_fallback));
    LL_TRY(ll_spec_bool(model, "model", "ignore_merges", &spec->ignore_merges));
    LL_TRY(check_empty(model, "continuing_subword_prefix", "model.continuing_subword_prefix"));
    LL_TRY(check_empty(model, "end_of_word_suffix", "model.end_of_word_suffix"));
    return read_merges(spec, model);
}

static llmcs_status read_wordlevel(ll_tokenizer_spec *spec, ll_json model) {
    spec->model = LL_TOKEN_WORDLEVEL;
    spec->unk_token = "<unk>";
    spec->unk_token_bytes = 5;
    return ll_spec_string(model, "model", "unk_token", &spec->unk_token, &spec->unk_token_bytes);
}

#define MAX_WORD_CHARS 1000000

static llmcs_status read_wordpiece(ll_tokenizer_spec *spec, ll_json model) {
    ll_json v;
    int64_t n;
    spec->model = LL_TOKEN_WORDPIECE;
    spec->unk_token = "[UNK]";
    spec->unk_token_bytes = 5;
    spec->continuing_prefix = "##";
    spec->continuing_prefix_bytes = 2;
    LL_TRY(ll_spec_string(model, "model", "unk_token", &spec->unk_token, &spec->unk_token_bytes));
    LL_TRY(ll_spec_string(model, "model", "continuing_subword_prefix", &spec->continuing_prefix,
                          &spec->continuing_prefix_bytes));
    LL_TRY(ll_spec_member(model, "model", "max_input_chars_per_word", &v));
    if (ll_spec_absent(v)) return LLMCS_OK;
    if (!ll_json_int64(v, &n)) return ll_spec_fail(v, "model.max_input_chars_per_word", "an integer is expected");
    if (n < 1 || n > MAX_WORD_CHARS)
        return ll_fail(LLMCS_LIMIT, "%s: model.max_input_chars_per_word is %lld, 1 to %d are allowed", spec->path,
                       (long long)n, MAX_WORD_CHARS);
    spec->max_input_chars_per_word = (size_t)n;
    return LLMCS_OK;
}

/* Older files have no "type" in the model; its other members tell the types apart. */
static llmcs_status read_token_model(ll_tokenizer_spec *spec, ll_json model) {
    static const char other_kind[] = "the vocabulary of this GGUF file is of another kind";
    ll_json type, vocab;
    if (ll_json_get_type(model) != LL_JSON_OBJECT)
        return ll_fail(LLMCS_TOKENIZER, "%s: no object \"model\"", spec->path);
    LL_TRY(ll_spec_member(model, "model", "type", &type));
    LL_TRY(ll_spec_member(model, "model", "vocab", &vocab));
    bool untyped = ll_spec_absent(type);
    bool has_merges = ll_json_get_type(ll_json_get(model, "merges")) != LL_JSON_MISSING;
    bool has_limit = ll_json_get_type(ll_json_get(model, "max_input_chars_per_word")) != LL_JSON_MISSING;
    bool bpe = ll_json_equals(type, "BPE") || (untyped && has_merges);
    bool wordpiece = ll_json_equals(type, "WordPiece") || (untyped && !has_merges && has_limit);
    bool unigram = ll_json_equals(type, "Unigram") || (untyped && ll_json_get_type(vocab) == LL_JSON_ARRAY);
    const bool wordlevel = ll_json_equals(type, "WordLevel") && !spec->vocab;
    if (spec->vocab && (spec->model == LL_TOKEN_UNIGRAM) != unigram)
        return ll_spec_fail(type, "model.type", other_kind);
    if (unigram) return read_unigram(spec, model, vocab);
    if (!bpe && !wordpiece && !wordlevel) {
        size_t len = 0;
        const char *name = ll_json_string(type, &len);
        char shown[40];
        ll_format(shown, sizeof shown, "\"%.*s\"", (int)(len < 30 ? len : 30), name ? name : "");
        return fail_unsupported(model, "model.type", shown);
    }
    if (spec->vocab && (spec->model == LL_TOKEN_WORDPIECE) != wordpiece)
        return ll_spec_fail(type, "model.type", other_kind);
    if (!spec->vocab) LL_TRY(ll_read_vocab_object(spec, vocab, "model.vocab"));
    if (wordlevel) return read_wordlevel(spec, model);
    return bpe ? read_bpe(spec, model) : read_wordpiece(spec, model);
}

/* -------------------------------------------------------------------------------------------- added tokens */

static llmcs_status read_added(ll_tokenizer_spec *spec, ll_json list) {
    if (ll_spec_absent(list)) return LLMCS_OK;
    if (ll_json_get_type(list) != LL_JSON_ARRAY) return ll_spec_fail(list, "added_tokens", "an array is expected");
    LL_TRY(ll_arena_alloc(&spec->arena, ll_json_count(list), sizeof *spec->added, "added tokens", &spec->added));
    for (ll_json m = ll_json_first(list); ll_json_get_type(m) != LL_JSON_MISSING; m = ll_json_next(m)) {
        ll_added_token token = {.normalized = true};
        ll_json id;
        if (ll_json_get_type(m) != LL_JSON_OBJECT) return ll_spec_fail(m, "added_tokens", "an object is expected");
        LL_TRY(ll_spec_member(m, "added_tokens", "id", &id));
        if (ll_spec_absent(id)) return ll_spec_fail(m, "added_tokens", "\"id\" is missing");
        LL_TRY(ll_spec_id(id, "added_tokens", &token.id));
        LL_TRY(ll_spec_string(m, "added_tokens", "content", &token.content, &token.content_bytes));
        LL_TRY(ll_spec_bool(m, "added_tokens", "special", &token.special));
        LL_TRY(ll_spec_bool(m, "added_tokens", "single_word", &token.single_word));
        LL_TRY(ll_spec_bool(m, "added_tokens", "lstrip", &token.lstrip));
        LL_TRY(ll_spec_bool(m, "added_tokens", "rstrip", &token.rstrip));
        LL_TRY(ll_spec_bool(m, "added_tokens", "normalized", &token.normalized));
        if (!token.content) return ll_spec_fail(m, "added_tokens", "\"content\" is missing");
        if (token.content_bytes) spec->added[spec->n_added++] = token; /* Hugging Face leaves empty ones out, too */
    }
    return LLMCS_OK;
}

/* --------------------------------------- truncation and padding: checked; only the side is used, callers say when */

static llmcs_status check_count(ll_json object, const char *where, const char *key) {
    ll_json v;
    int64_t n;
    LL_TRY(ll_spec_member(object, where, key, &v));
    if (ll_spec_absent(v)) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_NUMBER) return ll_spec_fail(v, where, "an integer is expected");
    if (ll_json_int64(v, &n) && n >= 0 && n <= INT32_MAX) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%s: %s.%s, at byte %llu, is not an integer from 0 to 2147483647", ll_json_name(v.doc),
                   where, key, (unsigned long long)ll_json_offset(v));
}

static llmcs_status check_lengths(ll_tokenizer_spec *spec, ll_json root) {
    ll_json truncation, padding, strategy;
    LL_TRY(ll_spec_member(root, "tokenizer.json", "truncation", &truncation));
    LL_TRY(check_count(truncation, "truncation", "max_length"));
    LL_TRY(check_count(truncation, "truncation", "stride"));
    ll_json direction;
    LL_TRY(ll_spec_member(truncation, "truncation", "direction", &direction));
    spec->cut_left = ll_json_equals(direction, "Left");
    LL_TRY(ll_spec_member(root, "tokenizer.json", "padding", &padding));
    LL_TRY(check_count(padding, "padding", "pad_id"));
    LL_TRY(check_count(padding, "padding", "pad_type_id"));
    LL_TRY(check_count(padding, "padding", "pad_to_multiple_of"));
    LL_TRY(ll_spec_member(padding, "padding", "strategy", &strategy));
    return check_count(strategy, "padding.strategy", "Fixed");
}

llmcs_status ll_read_tokenizer_json(ll_tokenizer_spec *spec, ll_json root) {
    ll_json part;
    spec->path = ll_json_name(root.doc);
    LL_TRY(ll_spec_member(root, "tokenizer.json", "model", &part));
    LL_TRY(read_token_model(spec, part));
    LL_TRY(ll_spec_member(root, "tokenizer.json", "added_tokens", &part));
    LL_TRY(read_added(spec, part));
    LL_TRY(ll_spec_member(root, "tokenizer.json", "normalizer", &part));
    LL_TRY(ll_read_normalizer(spec, part));
    LL_TRY(ll_spec_member(root, "tokenizer.json", "pre_tokenizer", &part));
    LL_TRY(ll_read_pre_tokenizer(spec, part));
    LL_TRY(ll_spec_member(root, "tokenizer.json", "post_processor", &part));
    LL_TRY(ll_read_post_processor(spec, part));
    LL_TRY(ll_spec_member(root, "tokenizer.json", "decoder", &part));
    LL_TRY(ll_read_decoder(spec, part));
    return check_lengths(spec, root);
}
