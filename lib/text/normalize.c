/* The steps of a normalizer, each linear in the text. */
#include "text/normalize.h"

#include <string.h>

#include "base/utf8.h"
#include "text/normalize_step.h"

void ll_normalizer_scratch_free(ll_normalizer_scratch *s, const llmcs_allocator *a) {
    ll_free(a, s->text.at);
    ll_free(a, s->other.at);
    *s = (ll_normalizer_scratch){0};
}

llmcs_status ll_normalizer_workspace(ll_normalizer_scratch *s, const llmcs_allocator *a, size_t n) {
    s->text.n = 0;
    return ll_grow(a, &s->text.at, 0, &s->text.capacity, n, sizeof *s->text.at, "text of the normalizer");
}

/* BERT's clean_text: removes control characters, NUL and U+FFFD; turns white space into spaces. */
static void clean_text(const ll_unicode *u, ll_chars *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        ll_char x = c->at[i];
        unsigned f = ll_unicode_flags(u, x.cp);
        bool kept_control = x.cp == '\t' || x.cp == '\n' || x.cp == '\r';
        if (x.cp == 0xfffd || ((f & LL_UC_CONTROL) && !kept_control)) continue;
        if (f & LL_UC_SPACE) x.cp = ' ';
        c->at[n++] = x;
    }
    c->n = n;
}

static llmcs_status isolate_chinese(const ll_unicode *u, ll_normalizer_scratch *s, const llmcs_allocator *a) {
    size_t n_chinese = 0;
    for (size_t i = 0; i < s->text.n; i++) n_chinese += (ll_unicode_flags(u, s->text.at[i].cp) & LL_UC_CJK) != 0;
    if (!n_chinese) return LLMCS_OK;
    ll_chars *out = &s->other;
    out->n = 0;
    LL_TRY(ll_reserve_chars(out, a, s->text.n + 2 * n_chinese));
    for (size_t i = 0; i < s->text.n; i++) {
        ll_char x = s->text.at[i], space = {' ', x.begin, x.end};
        bool chinese = ll_unicode_flags(u, x.cp) & LL_UC_CJK;
        if (chinese) out->at[out->n++] = space;
        out->at[out->n++] = x;
        if (chinese) out->at[out->n++] = space;
    }
    ll_swap_chars(s);
    return LLMCS_OK;
}

/* Canonical ordering of the marks [begin, n): a stable counting sort by combining class, linear even for a million
 * marks on one letter. Spans are not reordered: the i-th mark keeps the i-th span. */
static llmcs_status sort_marks(ll_normalizer_scratch *s, size_t begin, const llmcs_allocator *a) {
    ll_char *mark = s->other.at + begin;
    size_t n = s->other.n - begin, count[256] = {0}, at = 0;
    bool sorted = true;
    unsigned last = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned ccc = ll_unicode_ccc(mark[i].cp);
        sorted = sorted && ccc >= last;
        last = ccc;
        count[ccc]++;
    }
    if (sorted) return LLMCS_OK;
    uint32_t *ordered;
    LL_TRY(ll_alloc(a, n, sizeof *ordered, "combining marks", &ordered));
    for (size_t c = 0; c < 256; c++) {
        size_t here = count[c];
        count[c] = at;
        at += here;
    }
    for (size_t i = 0; i < n; i++) ordered[count[ll_unicode_ccc(mark[i].cp)]++] = mark[i].cp;
    for (size_t i = 0; i < n; i++) mark[i].cp = ordered[i];
    ll_free(a, ordered);
    return LLMCS_OK;
}

/* NFD or NFKD. */
static llmcs_status decompose_chars(const ll_unicode *u, bool compatibility, ll_normalizer_scratch *s,
                                    const llmcs_allocator *a) {
    ll_chars *out = &s->other;
    size_t marks = 0; /* where the run of marks at the end of `out` begins */
    out->n = 0;
    for (size_t i = 0; i < s->text.n; i++) {
        ll_char x = s->text.at[i];
        uint32_t parts[LL_UC_MAX_DECOMPOSED] = {x.cp};
        bool plain = !(ll_unicode_flags(u, x.cp) & LL_UC_FOLDS);
        size_t n = plain ? 1 : ll_unicode_decompose(x.cp, compatibility, parts);
        LL_TRY(ll_reserve_chars(out, a, n));
        for (size_t k = 0; k < n; k++) {
            bool starter = plain || ll_unicode_ccc(parts[k]) == 0;
            if (starter && out->n - marks > 1) LL_TRY(sort_marks(s, marks, a));
            out->at[out->n++] = (ll_char){parts[k], x.begin, x.end};
            if (starter) marks = out->n;
        }
    }
    if (out->n - marks > 1) LL_TRY(sort_marks(s, marks, a));
    ll_swap_chars(s);
    return LLMCS_OK;
}

/* The second half of NFC and NFKC: canonical composition of decomposed text, in place (UAX #15, D117). */
static void compose_chars(ll_chars *c) {
    size_t n = 0, starter = SIZE_MAX;
    unsigned last = 0; /* class of the character before, 0 directly after the starter */
    for (size_t i = 0; i < c->n; i++) {
        ll_char x = c->at[i];
        unsigned ccc = ll_unicode_ccc(x.cp);
        bool blocked = starter == SIZE_MAX || (n > starter + 1 && (last == 0 || last >= ccc));
        uint32_t whole = blocked || (x.cp < 0x300) ? 0 : ll_unicode_compose(c->at[starter].cp, x.cp);
        if (whole) {
            c->at[starter].cp = whole;
            continue;
        }
        if (ccc == 0) starter = n;
        last = ccc;
        c->at[n++] = x;
    }
    c->n = n;
}

static void strip_marks(ll_chars *c, const ll_unicode *u, bool (*unwanted)(uint32_t cp)) {
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool ascii = c->at[i].cp < 0x80;
        bool letter = ascii || (ll_unicode_flags(u, c->at[i].cp) & LL_UC_LETTER);
        if (letter || !unwanted(c->at[i].cp)) c->at[n++] = c->at[i];
    }
    c->n = n;
}

static llmcs_status lowercase_chars(const ll_unicode *u, ll_normalizer_scratch *s, const llmcs_allocator *a) {
    ll_chars *out = &s->other;
    out->n = 0;
    LL_TRY(ll_reserve_chars(out, a, s->text.n));
    for (size_t i = 0; i < s->text.n; i++) {
        ll_char x = s->text.at[i];
        uint32_t lower[2] = {x.cp};
        size_t n = ll_unicode_flags(u, x.cp) & LL_UC_FOLDS ? ll_unicode_lower(x.cp, lower) : 1;
        LL_TRY(ll_reserve_chars(out, a, n));
        for (size_t k = 0; k < n; k++) out->at[out->n++] = (ll_char){lower[k], x.begin, x.end};
    }
    ll_swap_chars(s);
    return LLMCS_OK;
}

/* Characters at i that the step replaces; 0: none. */
static size_t match_at(const ll_unicode *u, const ll_normalizer_step *step, const ll_chars *c, size_t i) {
    size_t k = i;
    if (step->replaced == LL_REPLACE_TEXT) {
        for (size_t b = 0; b < step->from.n; k++) {
            uint32_t cp;
            b += ll_utf8_decode(step->from.at + b, step->from.n - b, &cp);
            if (k == c->n || c->at[k].cp != cp) return 0;
        }
        return k - i;
    }
    if (step->replaced == LL_REPLACE_SPACES) {
        while (k < c->n && c->at[k].cp == ' ') k++;
        return k - i >= 2 ? k - i : 0;
    }
    while (k < c->n && (ll_unicode_flags(u, c->at[k].cp) & LL_UC_SPACE)) k++;
    return k - i;
}

static llmcs_status append_text(ll_chars *out, const llmcs_allocator *a, const ll_step_text *text, uint32_t begin,
                                uint32_t end) {
    LL_TRY(ll_reserve_chars(out, a, text->n));
    for (size_t i = 0; i < text->n;) {
        ll_char x = {0, begin, end};
        i += ll_utf8_decode(text->at + i, text->n - i, &x.cp);
        out->at[out->n++] = x;
    }
    return LLMCS_OK;
}

static llmcs_status replace_matches(const ll_unicode *u, const ll_normalizer_step *step, ll_normalizer_scratch *s,
                                    const llmcs_allocator *a) {
    const ll_chars *in = &s->text;
    ll_chars *out = &s->other;
    size_t first = 0, n;
    while (first < in->n && !match_at(u, step, in, first)) first++;
    if (first == in->n) return LLMCS_OK;
    out->n = 0;
    LL_TRY(ll_reserve_chars(out, a, in->n));
    memcpy(out->at, in->at, first * sizeof *in->at);
    out->n = first;
    for (size_t i = first; i < in->n; i += n) {
        n = match_at(u, step, in, i);
        if (n) {
            const ll_char *last =
                &in->at[i + n - 1]; /* whose span Hugging Face's tokenizers give to what replaces it */
            LL_TRY(append_text(out, a, &step->to, last->begin, last->end));
            continue;
        }
        n = 1;
        LL_TRY(ll_reserve_chars(out, a, 1));
        out->at[out->n++] = in->at[i];
    }
    ll_swap_chars(s);
    return LLMCS_OK;
}

static void strip_ends(const ll_unicode *u, const ll_normalizer_step *step, ll_chars *c) {
    size_t begin = 0;
    while (step->right && c->n && (ll_unicode_flags(u, c->at[c->n - 1].cp) & LL_UC_SPACE)) c->n--;
    while (step->left && begin < c->n && (ll_unicode_flags(u, c->at[begin].cp) & LL_UC_SPACE)) begin++;
    if (!begin) return;
    memmove(c->at, c->at + begin, (c->n - begin) * sizeof *c->at);
    c->n -= begin;
}

/* The prepended text gets the span of the first character. */
static llmcs_status prepend_text(const ll_normalizer_step *step, ll_normalizer_scratch *s, const llmcs_allocator *a) {
    const ll_chars *in = &s->text;
    ll_chars *out = &s->other;
    if (!in->n) return LLMCS_OK;
    out->n = 0;
    LL_TRY(append_text(out, a, &step->to, in->at[0].begin, in->at[0].end));
    LL_TRY(ll_reserve_chars(out, a, in->n));
    memcpy(out->at + out->n, in->at, in->n * sizeof *in->at);
    out->n += in->n;
    ll_swap_chars(s);
    return LLMCS_OK;
}

static bool all_ascii(const ll_chars *c) {
    uint32_t any = 0;
    for (size_t i = 0; i < c->n; i++) any |= c->at[i].cp;
    return any < 0x80;
}

static llmcs_status run_step(const ll_unicode *u, const ll_normalizer_step *step, ll_normalizer_scratch *s,
                             const llmcs_allocator *a) {
    const ll_normalizer_kind kind = step->kind;
    bool compatibility = kind == LL_NORMALIZE_NFKC || kind == LL_NORMALIZE_NFKD;
    switch (kind) {
        case LL_NORMALIZE_CLEAN_TEXT:
            clean_text(u, &s->text);
            return LLMCS_OK;
        case LL_NORMALIZE_CHINESE:
            return isolate_chinese(u, s, a);
        case LL_NORMALIZE_LOWERCASE:
            return lowercase_chars(u, s, a);
        case LL_NORMALIZE_STRIP_MARKS:
            strip_marks(&s->text, u, ll_unicode_is_mark);
            return LLMCS_OK;
        case LL_NORMALIZE_STRIP_NONSPACING:
            strip_marks(&s->text, u, ll_unicode_is_nonspacing_mark);
            return LLMCS_OK;
        case LL_NORMALIZE_NFD:
        case LL_NORMALIZE_NFKD:
        case LL_NORMALIZE_NFC:
        case LL_NORMALIZE_NFKC:
            if (all_ascii(&s->text)) return LLMCS_OK;
            LL_TRY(decompose_chars(u, compatibility, s, a));
            if (kind == LL_NORMALIZE_NFC || kind == LL_NORMALIZE_NFKC) compose_chars(&s->text);
            return LLMCS_OK;
        case LL_NORMALIZE_REPLACE:
            return replace_matches(u, step, s, a);
        case LL_NORMALIZE_STRIP:
            strip_ends(u, step, &s->text);
            return LLMCS_OK;
        case LL_NORMALIZE_PREPEND:
            return prepend_text(step, s, a);
        case LL_NORMALIZE_CHARSMAP:
            return ll_apply_charsmap(step, s, a);
        case LL_NORMALIZE_SENTENCEPIECE:
            return ll_apply_sentencepiece(step, s, a);
    }
    return ll_fail(LLMCS_INTERNAL, "normalizer step %d", (int)kind);
}

llmcs_status ll_normalize(const ll_unicode *u, const ll_normalizer_step *steps, size_t n_steps,
                          ll_normalizer_scratch *s, const llmcs_allocator *a) {
    for (size_t i = 0; i < n_steps; i++) LL_TRY(run_step(u, &steps[i], s, a));
    return LLMCS_OK;
}
