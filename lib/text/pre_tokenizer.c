/* Runs the steps of a pre-tokenizer depth first, so that a piece reaches the model as soon as it is split off. */
#include "text/pre_tokenizer.h"

#include <string.h>

#include "text/byte_level.h"

void ll_pre_scratch_free(ll_pre_scratch *s, const llmcs_allocator *a) {
    for (size_t i = 0; i < LL_MAX_SPLIT_STEPS; i++) {
        ll_free(a, s->level[i].text);
        ll_free(a, s->level[i].origin);
    }
}

/* --------------------------------------------------------------------------------------------- changing text */

/* A copy of the view with `n` bytes prepended, which get the span of the first character. */
static llmcs_status put_in_front(ll_pre_level *l, const llmcs_allocator *a, const char *front, size_t n,
                                 const ll_view *in, bool want_origins, ll_view *out) {
    LL_TRY(ll_grow(a, &l->text, 0, &l->text_capacity, in->n + n, 1, "text with prefix space"));
    memcpy(l->text, front, n);
    memcpy(l->text + n, in->text, in->n);
    *out = (ll_view){l->text, in->n + n, NULL, 0};
    if (!want_origins) return LLMCS_OK;
    LL_TRY(ll_grow(a, &l->origin, 0, &l->origin_capacity, in->n + n, sizeof(ll_origin),
                   "offsets of text with prefix space"));
    for (size_t i = 0; i < in->n; i++) {
        llmcs_span s = ll_view_span(in, i, i + 1);
        l->origin[n + i] = (ll_origin){(uint32_t)s.begin, (uint32_t)s.end};
    }
    for (size_t i = 0; i < n; i++) l->origin[i] = l->origin[n];
    out->origin = l->origin;
    return LLMCS_OK;
}

llmcs_status ll_pre_prefix_space(ll_pre_scratch *s, const llmcs_allocator *a, const ll_view *view, bool want_origins,
                                 ll_view *out) {
    return put_in_front(&s->level[0], a, " ", 1, view, want_origins, out);
}

static bool begins_with(const ll_view *v, const ll_step_text *text) {
    return v->n >= text->n && !memcmp(v->text, text->at, text->n);
}

/* Metaspace's character for every space, and in front as the step says. */
static llmcs_status replace_spaces(const ll_split_step *step, ll_pre_level *l, const llmcs_allocator *a,
                                   const ll_view *in, bool want_origins) {
    const char *mark = step->text.at;
    const size_t n_mark = step->text.n;
    size_t n_spaces = 0, n = 0;
    for (size_t i = 0; i < in->n; i++) n_spaces += in->text[i] == ' ';
    const bool marked = in->text[0] == ' ' || begins_with(in, &step->text);
    const bool wanted =
        step->prepend == LL_PREPEND_ALWAYS || (step->prepend == LL_PREPEND_FIRST && ll_view_span(in, 0, 1).begin == 0);
    const bool front = wanted && !marked;
    if (!n_spaces) return front ? put_in_front(l, a, mark, n_mark, in, want_origins, &l->view) : LLMCS_OK;
    const size_t size = in->n + n_spaces * (n_mark - 1) + (front ? n_mark : 0);
    LL_TRY(ll_grow(a, &l->text, 0, &l->text_capacity, size, 1, "text of Metaspace"));
    if (want_origins)
        LL_TRY(ll_grow(a, &l->origin, 0, &l->origin_capacity, size, sizeof(ll_origin), "offsets of Metaspace"));
    for (size_t i = front ? SIZE_MAX : 0; i == SIZE_MAX || i < in->n; i++) { /* SIZE_MAX + 1 is 0 */
        const size_t from = i == SIZE_MAX ? 0 : i;
        const bool is_mark = i == SIZE_MAX || in->text[i] == ' ';
        const size_t k = is_mark ? n_mark : 1;
        memcpy(l->text + n, is_mark ? mark : in->text + i, k);
        if (want_origins) {
            const llmcs_span s = ll_view_span(in, from, from + 1);
            for (size_t b = 0; b < k; b++) l->origin[n + b] = (ll_origin){(uint32_t)s.begin, (uint32_t)s.end};
        }
        n += k;
    }
    l->view = (ll_view){l->text, n, want_origins ? l->origin : NULL, 0};
    return LLMCS_OK;
}

/* Passes a piece to a step, which may change it as a whole before splitting it. */
static llmcs_status enter_step(const ll_split_step *step, const ll_unicode *u, ll_pre_level *l,
                               const llmcs_allocator *a, const ll_view *piece, bool want_origins) {
    l->at = 0;
    l->view = *piece;
    if (step->kind == LL_SPLIT_PATTERN) ll_split_begin(&l->cursor, step, u, piece->text, piece->n);
    if (step->kind == LL_SPLIT_METASPACE) return replace_spaces(step, l, a, piece, want_origins);
    const bool prefix = step->kind == LL_SPLIT_BYTE_LEVEL && step->add_prefix_space && piece->text[0] != ' ';
    return prefix ? put_in_front(l, a, " ", 1, piece, want_origins, &l->view) : LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- splitting */

/* BertPreTokenizer: a run of white space, one punctuation character, or a run of others. */
static size_t cut_bert(const ll_unicode *u, const char *text, size_t n, bool *kept) {
    size_t len;
    const unsigned first = ll_unicode_flags_at(u, text, n, &len);
    *kept = !(first & LL_UC_SPACE);
    if (*kept && (first & LL_UC_PUNCT)) return len;
    size_t end = len;
    while (end < n) {
        const unsigned f = ll_unicode_flags_at(u, text + end, n - end, &len);
        if (*kept ? (f & (LL_UC_SPACE | LL_UC_PUNCT)) : !(f & LL_UC_SPACE)) break;
        end += len;
    }
    return end;
}

/* WhitespaceSplit: a run of white space, or of anything else. */
static size_t cut_white_space(const ll_unicode *u, const char *text, size_t n, bool *kept) {
    size_t len, end = 0;
    *kept = !(ll_unicode_flags_at(u, text, n, &len) & LL_UC_SPACE);
    for (; end < n; end += len) {
        const unsigned char c = (unsigned char)text[end];
        const bool graphic = c > ' ' && c < 0x7f;
        if (graphic)
            len = 1;
        else if (*kept == !!(ll_unicode_flags_at(u, text + end, n - end, &len) & LL_UC_SPACE))
            break;
        if (graphic && !*kept) break;
    }
    return end;
}

/* Metaspace's character begins a piece; before another such character it is a piece by itself. */
static size_t cut_metaspace(const ll_step_text *mark, const char *text, size_t n) {
    size_t i = n >= mark->n && !memcmp(text, mark->at, mark->n) ? mark->n : 1;
    for (; i < n; i++) {
        const char *next = memchr(text + i, mark->at[0], n - i);
        if (!next) return n;
        i = (size_t)(next - text);
        if (n - i >= mark->n && !memcmp(next, mark->at, mark->n)) return i;
    }
    return n;
}

/* The length of the first piece of text (n >= 1 bytes); *kept false: it is dropped. */
static size_t cut(const ll_split_step *step, const ll_unicode *u, const char *text, size_t n, bool *kept) {
    *kept = true;
    switch (step->kind) {
        case LL_SPLIT_BYTE_LEVEL:
            return step->use_regex ? ll_byte_level_word(u, text, n) : n;
        case LL_SPLIT_BERT:
            return cut_bert(u, text, n, kept);
        case LL_SPLIT_WHITE_SPACE:
            return cut_white_space(u, text, n, kept);
        case LL_SPLIT_METASPACE:
            return step->split ? cut_metaspace(&step->text, text, n) : n;
        case LL_SPLIT_PATTERN: /* next_part has a cursor for it */
            break;
    }
    return n;
}

/* The step's next piece of the level's view; false: there is none. */
static bool next_part(const ll_split_step *step, const ll_unicode *u, ll_pre_level *l, ll_view *part) {
    size_t begin, end;
    if (step->kind == LL_SPLIT_PATTERN) {
        if (!ll_split_next(&l->cursor, &begin, &end)) return false;
        *part = ll_view_part(&l->view, begin, end);
        return true;
    }
    for (bool kept = false; !kept; l->at = end) {
        begin = l->at;
        if (begin == l->view.n) return false;
        end = begin + cut(step, u, l->view.text + begin, l->view.n - begin, &kept);
    }
    *part = ll_view_part(&l->view, begin, end);
    return true;
}

llmcs_status ll_pre_tokenize(const ll_split_step *steps, size_t n_steps, const ll_unicode *u, ll_pre_scratch *s,
                             const llmcs_allocator *a, const ll_view *view, bool want_origins, ll_piece_fn piece,
                             void *context) {
    if (n_steps == 0) return view->n ? piece(context, view) : LLMCS_OK;
    size_t depth = 0;
    ll_view part;
    LL_TRY(enter_step(&steps[0], u, &s->level[0], a, view, want_origins));
    for (;;) {
        if (!next_part(&steps[depth], u, &s->level[depth], &part)) {
            if (depth == 0) return LLMCS_OK;
            depth--;
            continue;
        }
        if (depth + 1 == n_steps) {
            LL_TRY(piece(context, &part));
            continue;
        }
        depth++;
        LL_TRY(enter_step(&steps[depth], u, &s->level[depth], a, &part, want_origins));
    }
}
