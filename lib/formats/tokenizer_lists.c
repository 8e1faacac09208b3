/* The long lists of tokenizer.json and vocab.json: vocabularies and merges. They are read from the JSON text directly,
 * without a node for every string. */
#include <string.h>

#include "formats/json_stream.h"
#include "formats/tokenizer_read.h"

static llmcs_status fail_token(const ll_json_stream *s, const ll_json_token *token, const char *where,
                               const char *problem) {
    return ll_fail(LLMCS_TOKENIZER, "%s: %s, at byte %llu: %s", ll_json_name(s->doc), where,
                   (unsigned long long)ll_json_token_offset(s, token), problem);
}

/* A string without escapes stays where it is in the file. */
static llmcs_status string_of(ll_tokenizer_spec *spec, const ll_json_token *token, const char **out, uint32_t *len) {
    char *text;
    *out = token->text;
    *len = (uint32_t)token->n;
    if (!token->escaped) return LLMCS_OK;
    LL_TRY(ll_arena_alloc(&spec->arena, token->n, 1, "vocabulary", &text));
    *len = (uint32_t)ll_json_unescape(token, text);
    *out = text;
    return LLMCS_OK;
}

/* {"token": id, ...} */
llmcs_status ll_read_vocab_object(ll_tokenizer_spec *spec, ll_json vocab, const char *where) {
    if (ll_json_get_type(vocab) != LL_JSON_OBJECT) return ll_spec_fail(vocab, where, "an object is expected");
    ll_json_stream s;
    spec->path = ll_json_name(vocab.doc);
    LL_TRY(ll_arena_alloc(&spec->arena, ll_json_count(vocab), sizeof *spec->vocab, "vocabulary", &spec->vocab));
    ll_json_stream_begin(&s, vocab);
    for (ll_json_token key = ll_json_stream_next(&s); key.kind; key = ll_json_stream_next(&s)) {
        const ll_json_token value = ll_json_stream_next(&s);
        ll_vocab_entry *e = &spec->vocab[spec->n_vocab++];
        int64_t id;
        if (!ll_json_token_int64(&value, &id) || id < 0 || id >= INT32_MAX)
            return fail_token(&s, &value, where, "a token's id is an integer from 0 to 2147483646");
        e->id = (int32_t)id;
        LL_TRY(string_of(spec, &key, &e->token, &e->token_bytes));
    }
    return LLMCS_OK;
}

/* [["<unk>", 0.0], ...]: tokens by id with their scores. */
llmcs_status ll_read_scored_vocab(ll_tokenizer_spec *spec, ll_json vocab) {
    if (ll_json_get_type(vocab) != LL_JSON_ARRAY) return ll_spec_fail(vocab, "model.vocab", "an array is expected");
    const size_t n = ll_json_count(vocab);
    ll_json_stream s;
    if (n >= INT32_MAX) return ll_fail(LLMCS_LIMIT, "%s: %zu tokens", spec->path, n);
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->vocab, "vocabulary", &spec->vocab));
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->scores, "scores", &spec->scores));
    ll_json_stream_begin(&s, vocab);
    for (ll_json_token open = ll_json_stream_next(&s); open.kind; open = ll_json_stream_next(&s)) {
        ll_json_token part[3] = {{0}};
        for (size_t i = 0; i < 3 && open.kind == '['; i++) {
            part[i] = ll_json_stream_next(&s);
            if (part[i].kind == ']') break;
        }
        ll_vocab_entry *e = &spec->vocab[spec->n_vocab];
        if (part[0].kind != '"' || !ll_json_token_double(&part[1], &spec->scores[spec->n_vocab]) || part[2].kind != ']')
            return fail_token(&s, &open, "model.vocab", "a token and its score are expected");
        LL_TRY(string_of(spec, &part[0], &e->token, &e->token_bytes));
        e->id = (int32_t)spec->n_vocab++;
    }
    return LLMCS_OK;
}

/* "a b" */
static llmcs_status split_merge(const ll_json_stream *s, const ll_json_token *token, const char *text, size_t len,
                                ll_merge *out) {
    const char *space = memchr(text, ' ', len);
    const size_t n = space ? (size_t)(space - text) : 0;
    if (n == 0 || n + 1 == len || memchr(space + 1, ' ', len - n - 1))
        return fail_token(s, token, "model.merges", "two tokens with one space between them are expected");
    *out = (ll_merge){text, space + 1, (uint32_t)n, (uint32_t)(len - n - 1)};
    return LLMCS_OK;
}

/* ["a b", ...], or in newer files [["a", "b"], ...]. */
llmcs_status ll_read_merge_list(ll_tokenizer_spec *spec, ll_json merges) {
    ll_json_stream s;
    spec->merges_path = spec->path;
    LL_TRY(ll_arena_alloc(&spec->arena, ll_json_count(merges), sizeof *spec->merges, "merges", &spec->merges));
    ll_json_stream_begin(&s, merges);
    for (ll_json_token first = ll_json_stream_next(&s); first.kind; first = ll_json_stream_next(&s)) {
        ll_merge *m = &spec->merges[spec->n_merges++];
        if (first.kind == '"') {
            const char *text;
            uint32_t len;
            LL_TRY(string_of(spec, &first, &text, &len));
            LL_TRY(split_merge(&s, &first, text, len, m));
            continue;
        }
        ll_json_token left = {0}, right = {0}, close = {0};
        if (first.kind == '[') left = ll_json_stream_next(&s);
        if (left.kind == '"') right = ll_json_stream_next(&s);
        if (right.kind == '"') close = ll_json_stream_next(&s);
        if (close.kind != ']')
            return fail_token(&s, &first, "model.merges", "a string or a pair of strings is expected");
        LL_TRY(string_of(spec, &left, &m->left, &m->left_bytes));
        LL_TRY(string_of(spec, &right, &m->right, &m->right_bytes));
    }
    return LLMCS_OK;
}
