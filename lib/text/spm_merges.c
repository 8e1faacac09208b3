/* Two passes over the tokens: how many merges there are, then which. */
#include "text/spm_merges.h"

#include <string.h>

#include "base/sort.h"

/* Bytes of a token: the work grows with the square of its length. */
#define MAX_TOKEN 256

typedef struct candidate {
    uint32_t token; /* entry of the vocabulary */
    uint32_t left_bytes;
    uint32_t left_chars, right_chars;
    int32_t left, right;
} candidate;

typedef struct candidates {
    const ll_tokenizer_spec *spec;
    candidate *at;
} candidates;

static bool starts_char(const char *text, size_t i) { return ((unsigned char)text[i] & 0xc0) != 0x80; }

static uint32_t count_chars(const char *text, size_t begin, size_t end) {
    uint32_t n = 0;
    for (size_t i = begin; i < end; i++) n += starts_char(text, i);
    return n;
}

/* Writes the merges whose result is one token to `out` (or NULL); returns their number. */
static size_t cut_token(const ll_tokenizer_spec *spec, const ll_vocab *vocab, size_t i, candidate *out) {
    const ll_vocab_entry *e = &spec->vocab[i];
    size_t n = 0;
    if (e->id < 0) return 0;
    for (size_t cut = 1; cut < e->token_bytes; cut++) {
        if (!starts_char(e->token, cut)) continue;
        const int32_t left = ll_vocab_find(vocab, e->token, cut);
        if (left < 0) continue;
        const int32_t right = ll_vocab_find(vocab, e->token + cut, e->token_bytes - cut);
        if (right < 0) continue;
        if (out)
            out[n] = (candidate){
                (uint32_t)i, (uint32_t)cut, count_chars(e->token, 0, cut), count_chars(e->token, cut, e->token_bytes),
                left,        right};
        n++;
    }
    return n;
}

static bool goes_before(const void *context, uint32_t a, uint32_t b) {
    const candidates *c = context;
    const candidate *x = &c->at[a], *y = &c->at[b];
    const double score_x = c->spec->scores[x->token], score_y = c->spec->scores[y->token];
    if (score_x > score_y || score_x < score_y) return score_x > score_y;
    if (x->left_chars != y->left_chars) return x->left_chars > y->left_chars;
    if (x->right_chars != y->right_chars) return x->right_chars > y->right_chars;
    if (x->token != y->token) return x->token < y->token;
    if (x->left != y->left) return x->left < y->left;
    return x->right < y->right;
}

static llmcs_status order_merges(ll_tokenizer_spec *spec, const candidates *c, size_t n, uint32_t *order) {
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    ll_sort_u32(order, n, goes_before, c);
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->merges, "merges", &spec->merges));
    for (size_t i = 0; i < n; i++) {
        const candidate *m = &c->at[order[i]];
        const ll_vocab_entry *e = &spec->vocab[m->token];
        spec->merges[i] = (ll_merge){e->token, e->token + m->left_bytes, m->left_bytes, e->token_bytes - m->left_bytes};
    }
    spec->n_merges = n;
    return LLMCS_OK;
}

static llmcs_status check_lengths(const ll_tokenizer_spec *spec) {
    for (size_t i = 0; i < spec->n_vocab; i++)
        if (spec->vocab[i].token_bytes > MAX_TOKEN)
            return ll_fail(LLMCS_LIMIT, "%s: token %d has %u bytes, at most %d are allowed", spec->path,
                           (int)spec->vocab[i].id, spec->vocab[i].token_bytes, MAX_TOKEN);
    return LLMCS_OK;
}

llmcs_status ll_spm_merges(ll_tokenizer_spec *spec, const ll_vocab *vocab) {
    const llmcs_allocator *a = &spec->arena.allocator;
    candidates c = {.spec = spec};
    uint32_t *order = NULL;
    size_t n = 0, at = 0;
    LL_TRY(check_lengths(spec));
    for (size_t i = 0; i < spec->n_vocab; i++) n += cut_token(spec, vocab, i, NULL);
    if (n >= UINT32_MAX) return ll_fail(LLMCS_LIMIT, "%s: %zu merges", spec->path, n);
    LL_TRY(ll_alloc(a, n, sizeof *c.at, "merges", &c.at));
    for (size_t i = 0; i < spec->n_vocab; i++) at += cut_token(spec, vocab, i, c.at + at);
    llmcs_status st = ll_alloc(a, n, sizeof *order, "merges", &order);
    if (!st) st = order_merges(spec, &c, n, order);
    ll_free(a, order);
    ll_free(a, c.at);
    return st;
}
