/* The character map of SentencePiece models as a normalizer, with both meanings it has: that of Hugging Face's
 * tokenizers 0.20 to 0.22 (normalizers/precompiled.rs, crate spm_precompiled 0.1.4), and that of SentencePiece's own
 * library (src/normalizer.cc). */
#include <string.h>

#include "base/utf8.h"
#include "text/charsmap.h"
#include "text/normalize_step.h"
#include "text/trie.h"

/* Appends the characters of a replacement. The i-th of them stands for the i-th of the n_old that it replaces, further
 * ones for the last, as in Hugging Face's tokenizers. */
static llmcs_status append_value(ll_chars *out, const llmcs_allocator *a, const char *value, size_t n,
                                 const ll_char *old, size_t n_old) {
    LL_TRY(ll_reserve_chars(out, a, n));
    for (size_t i = 0, k = 0; i < n; k++) {
        uint32_t cp;
        const ll_char *from = &old[ll_min(k, n_old - 1)];
        i += ll_utf8_decode(value + i, n - i, &cp);
        out->at[out->n++] = (ll_char){cp == LL_UTF8_BAD ? 0xfffd : cp, from->begin, from->end};
    }
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------- as Hugging Face's tokenizers have it */

#define MAX_CLUSTER_BYTES 5 /* longer ones are replaced character by character */

/* Replaces characters [begin, end) as one; false: no key begins them. */
static llmcs_status replace_part(const ll_charsmap *m, const ll_chars *in, size_t begin, size_t end, ll_chars *out,
                                 const llmcs_allocator *a, bool *done) {
    char utf8[MAX_CLUSTER_BYTES + 4];
    size_t n = 0, n_value;
    const char *value;
    *done = false;
    for (size_t i = begin; i < end; i++) {
        n += ll_utf8_encode(in->at[i].cp, utf8 + n);
        if (n > MAX_CLUSTER_BYTES) return LLMCS_OK;
    }
    if (!ll_charsmap_shortest(m, utf8, n, &value, &n_value)) return LLMCS_OK;
    *done = true;
    return append_value(out, a, value, n_value, in->at + begin, end - begin);
}

/* Looks up a whole cluster first, then each of its characters. The part of a cluster after the key is dropped. */
static llmcs_status replace_cluster(const ll_charsmap *m, const ll_chars *in, size_t begin, size_t end, ll_chars *out,
                                    const llmcs_allocator *a) {
    bool done;
    LL_TRY(replace_part(m, in, begin, end, out, a, &done));
    for (size_t i = begin; i < end && !done; i++) {
        bool replaced = false;
        if (end - begin > 1) LL_TRY(replace_part(m, in, i, i + 1, out, a, &replaced));
        if (replaced) continue;
        LL_TRY(ll_reserve_chars(out, a, 1));
        out->at[out->n++] = in->at[i];
    }
    return LLMCS_OK;
}

static size_t cluster_end(const ll_chars *c, size_t begin) {
    int32_t state = 0;
    size_t i = begin + 1;
    while (i < c->n && !ll_cluster_ends(c->at[i - 1].cp, c->at[i].cp, &state)) i++;
    return i;
}

/* If the replacement at the beginning of the text is empty, the next character takes over its span. */
static void keep_beginning(const ll_chars *in, ll_chars *out) {
    if (in->n && out->n) out->at[0].begin = in->at[0].begin;
}

llmcs_status ll_apply_charsmap(const ll_normalizer_step *step, ll_normalizer_scratch *s, const llmcs_allocator *a) {
    const ll_charsmap *m = step->charsmap;
    const ll_chars *in = &s->text;
    ll_chars *out = &s->other;
    out->n = 0;
    LL_TRY(ll_reserve_chars(out, a, in->n));
    for (size_t i = 0, end; i < in->n; i = end) {
        end = i + 1;
        if (ll_charsmap_is_plain(m, in->at[i].cp) && (end == in->n || ll_charsmap_is_plain(m, in->at[end].cp))) {
            LL_TRY(ll_reserve_chars(out, a, 1));
            out->at[out->n++] = in->at[i];
            continue;
        }
        end = cluster_end(in, i);
        LL_TRY(replace_cluster(m, in, i, end, out, a));
    }
    keep_beginning(in, out);
    ll_swap_chars(s);
    return LLMCS_OK;
}

/* ---------------------------------------------------------------------------------- as SentencePiece's library does */

/* The output for the text at `i`: a replacement, or the text itself. */
typedef struct prefix {
    const char *value; /* NULL: the characters themselves */
    size_t n_value;
    size_t n_chars; /* of the text */
} prefix;

/* The longest user-defined token at i, in characters. */
static size_t kept_prefix(const ll_trie *kept, const ll_chars *c, size_t i) {
    size_t longest = 0;
    uint32_t node = 0;
    for (size_t k = i; k < c->n; k++) {
        char utf8[4];
        const size_t n = ll_utf8_encode(c->at[k].cp, utf8);
        for (size_t b = 0; b < n && node != LL_TRIE_NONE; b++) node = ll_trie_step(kept, node, (unsigned char)utf8[b]);
        if (node == LL_TRIE_NONE) break;
        if (kept->value[node] >= 0) longest = k + 1 - i;
    }
    return longest;
}

static prefix find_prefix(const ll_normalizer_step *step, const ll_chars *c, size_t i) {
    prefix p = {.n_chars = 1};
    if (step->kept) {
        const size_t n = kept_prefix(step->kept, c, i);
        if (n) return (prefix){.n_chars = n};
    }
    if (!step->charsmap) return p;
    ll_charsmap_walk w = ll_charsmap_begin(step->charsmap);
    const size_t end = ll_min(c->n, i + LL_CHARSMAP_MAX_KEY);
    for (size_t k = i; k < end; k++) {
        char utf8[4];
        const size_t n = ll_utf8_encode(c->at[k].cp, utf8);
        for (size_t b = 0; b < n; b++)
            if (!ll_charsmap_step(step->charsmap, &w, (unsigned char)utf8[b])) return p;
        if (ll_charsmap_value(step->charsmap, &w, &p.value, &p.n_value)) p.n_chars = k + 1 - i;
    }
    return p;
}

#define LOWER_BLOCK 0x2581u /* the character that stands for a space */

/* Appends what a prefix of the text becomes, without the spaces it begins with if `after_space`; says whether it is
 * then after a space. */
static llmcs_status append_prefix(const ll_normalizer_step *step, const ll_chars *in, size_t i, const prefix *p,
                                  ll_chars *out, const llmcs_allocator *a, bool *after_space) {
    const size_t first = out->n;
    size_t skip = 0;
    if (p->value) {
        LL_TRY(append_value(out, a, p->value, p->n_value, in->at + i, p->n_chars));
    } else {
        LL_TRY(ll_reserve_chars(out, a, p->n_chars));
        memcpy(out->at + out->n, in->at + i, p->n_chars * sizeof *out->at);
        out->n += p->n_chars;
    }
    while (*after_space && first + skip < out->n && out->at[first + skip].cp == ' ') skip++;
    memmove(out->at + first, out->at + first + skip, (out->n - first - skip) * sizeof *out->at);
    out->n -= skip;
    if (out->n > first) *after_space = out->at[out->n - 1].cp == ' ';
    for (size_t k = first; k < out->n && step->escape; k++)
        if (out->at[k].cp == ' ') out->at[k].cp = LOWER_BLOCK;
    if (!step->remove_extra) *after_space = false;
    return LLMCS_OK;
}

static bool is_space(const prefix *p, const ll_chars *c, size_t i) {
    return p->value ? p->n_value == 1 && p->value[0] == ' ' : p->n_chars == 1 && c->at[i].cp == ' ';
}

llmcs_status ll_apply_sentencepiece(const ll_normalizer_step *step, ll_normalizer_scratch *s,
                                    const llmcs_allocator *a) {
    const ll_chars *in = &s->text;
    ll_chars *out = &s->other;
    const uint32_t space = step->escape ? LOWER_BLOCK : ' ';
    size_t i = 0;
    bool after_space = step->remove_extra;
    out->n = 0;
    for (prefix p; step->remove_extra && i < in->n; i += p.n_chars) {
        p = find_prefix(step, in, i);
        if (!is_space(&p, in, i)) break;
    }
    if (i < in->n) {
        LL_TRY(ll_reserve_chars(out, a, in->n - i + 1));
        if (step->dummy_prefix && !step->as_suffix)
            out->at[out->n++] = (ll_char){space, in->at[i].begin, in->at[i].end};
        for (prefix p; i < in->n; i += p.n_chars) {
            p = find_prefix(step, in, i);
            LL_TRY(append_prefix(step, in, i, &p, out, a, &after_space));
        }
        while (step->remove_extra && out->n && out->at[out->n - 1].cp == space) out->n--;
        if (step->dummy_prefix && step->as_suffix) {
            LL_TRY(ll_reserve_chars(out, a, 1));
            out->at[out->n++] = (ll_char){space, in->at[in->n - 1].begin, in->at[in->n - 1].end};
        }
    }
    ll_swap_chars(s);
    return LLMCS_OK;
}
