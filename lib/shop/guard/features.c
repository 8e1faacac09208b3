/* Splits a view into tokens and computes their features. Existing tagger files depend on both: raise FEATURES_VERSION
 * in tagger_file.c with every change. */
#include "shop/guard/tagger.h"

/* ----------------------------------------------------------------------------------------------------- tokens */

/* One step of a multiplicative hash (the constant is 2^64 divided by the golden ratio). */
static uint64_t mix(uint64_t h, uint64_t value) {
    h = (h ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

enum { SHAPE_HAN = 1, SHAPE_MARK, SHAPE_LOWER, SHAPE_CAPITAL, SHAPE_UPPER, SHAPE_INITIAL, SHAPE_MIXED, SHAPE_NUMBER };
enum { SHAPE_LENGTHS = 8, SHAPE_SPACE = 32, SHAPE_NEWLINE = 64 };

static bool is_upper(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z';
    if (c < 0x100) return c >= 0xc0 && c <= 0xde;
    if (c < 0x180) return c % 2 == 0; /* most pairs of Latin Extended-A */
    return (c >= 0x391 && c <= 0x3a9) || (c >= 0x400 && c <= 0x42f);
}

/* Lower case of the letters that is_upper knows. */
static uint32_t lower(uint32_t c) {
    if (!is_upper(c)) return c;
    if (c < 0x100) return c + 32;
    if (c < 0x180) return c + 1;
    return c >= 0x400 && c < 0x410 ? c + 80 : c + 32;
}

static uint32_t word_shape(const shop_text_view *view, size_t begin, size_t end) {
    size_t n_upper = 0;
    for (size_t i = begin; i < end; i++) n_upper += is_upper(view->at[i].code);
    if (!n_upper) return SHAPE_LOWER;
    if (n_upper == end - begin) return end - begin == 1 ? SHAPE_INITIAL : SHAPE_UPPER;
    return n_upper == 1 && is_upper(view->at[begin].code) ? SHAPE_CAPITAL : SHAPE_MIXED;
}

/* Reads the token at i, which must not be a space. */
static shop_token read_token(const shop_text_view *view, size_t i) {
    const shop_view_char *at = view->at;
    shop_token t = {.begin = (uint32_t)i, .end = (uint32_t)i + 1};
    size_t end = i;
    switch (at[i].kind) {
        case SHOP_CHAR_HAN:
            t.id = at[i].code;
            t.shape = SHAPE_HAN;
            break;
        case SHOP_CHAR_LETTER:
            t.id = 7;
            while (end < view->n && (at[end].kind == SHOP_CHAR_LETTER || (at[end].code == '\'' && end + 1 < view->n &&
                                                                          at[end + 1].kind == SHOP_CHAR_LETTER)))
                t.id = mix(t.id, lower(at[end++].code));
            t.end = (uint32_t)end;
            t.shape = word_shape(view, i, end);
            break;
        case SHOP_CHAR_DIGIT:
            while (end < view->n && at[end].kind == SHOP_CHAR_DIGIT) end++;
            t.end = (uint32_t)end;
            t.shape = SHAPE_NUMBER + (uint32_t)shop_min(end - i, SHAPE_LENGTHS);
            t.id = 0x200000 + t.shape;
            break;
        default:
            t.id = at[i].code;
            t.shape = SHAPE_MARK;
            break;
    }
    return t;
}

/* Marks the tokens at which words of the lexicon begin, and those inside such words. */
static void add_words(const shop_hits *hits, shop_tokens *tokens) {
    size_t t = 0;
    for (size_t h = 0; h < hits->n; h++) {
        const shop_hit *hit = &hits->items[h];
        while (t < tokens->n && tokens->items[t].begin < hit->begin) t++;
        if (t >= tokens->n) return;
        if (tokens->items[t].begin != hit->begin) continue;
        tokens->items[t].lex_begin |= hit->tags;
        for (size_t k = t + 1; k < tokens->n && tokens->items[k].begin < hit->end; k++)
            tokens->items[k].lex_inside |= hit->tags;
    }
}

/* Sets the kind of the line's first character and the distance to it: the lines of an address differ from sentences. */
static void add_lines(const shop_text_view *view, shop_tokens *tokens) {
    enum { FAR = 6 };
    uint32_t first = 0, n = 0;
    for (size_t i = 0; i < tokens->n; i++, n++) {
        shop_token *t = &tokens->items[i];
        if (!i || t->shape & SHAPE_NEWLINE) {
            first = view->at[t->begin].kind;
            n = 0;
        }
        t->line = first * 8 + (n < FAR ? n : FAR);
    }
}

llmcs_status shop_tokens_fill(const llmcs_allocator *a, const shop_text_view *view, const shop_hits *hits,
                              const shop_tag_words *words, shop_tokens *tokens) {
    uint32_t before = SHAPE_NEWLINE;
    tokens->n = 0;
    for (size_t i = 0; i < view->n;) {
        if (view->at[i].kind == SHOP_CHAR_SPACE) {
            before = view->at[i].code == '\n' ? SHAPE_NEWLINE : before ? before : SHAPE_SPACE;
            i++;
            continue;
        }
        SHOP_TRY(
            shop_grow(a, &tokens->items, tokens->n, &tokens->capacity, tokens->n + 1, sizeof *tokens->items, "tokens"));
        shop_token token = read_token(view, i);
        token.shape |= before;
        i = token.end;
        tokens->items[tokens->n++] = token;
        before = 0;
    }
    add_words(hits, tokens);
    add_lines(view, tokens);
    if (words && words->n) shop_tag_words_mark(words, view, tokens);
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------------- features */

typedef struct writer {
    uint32_t *out;
    uint32_t at; /* the number of the feature, part of its hash */
} writer;

/* The hash of a feature; never 0, which means that a token lacks the feature. */
static uint32_t finish(uint64_t h) {
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    const uint32_t hash = (uint32_t)(h >> 32);
    return hash ? hash : 1;
}

static void add1(writer *w, uint64_t a) {
    w->out[w->at] = finish(mix(mix(11, w->at), a));
    w->at++;
}
static void add2(writer *w, uint64_t a, uint64_t b) { add1(w, mix(mix(3, a), b)); }
static void add3(writer *w, uint64_t a, uint64_t b, uint64_t c) { add1(w, mix(mix(mix(5, a), b), c)); }
static void skip(writer *w) { w->out[w->at++] = 0; }

/* Tags that are useful for names and places. */
static const uint32_t TAGS = SHOP_LEX_SURNAME | SHOP_LEX_NAME_AFTER | SHOP_LEX_TITLE_AFTER | SHOP_LEX_TITLE |
                             SHOP_LEX_JOB | SHOP_LEX_PLACE | SHOP_LEX_STREET | SHOP_LEX_ADDRESS_AFTER | SHOP_LEX_UNIT |
                             SHOP_LEX_FORENAME | SHOP_LEX_FAMILY | SHOP_LEX_FOREIGN;

static uint64_t words_of(const shop_token *t) {
    return (uint64_t)(t->lex_begin & TAGS) << 32 | (t->lex_inside & TAGS & ~(uint32_t)SHOP_LEX_SURNAME);
}

/* Hash of n characters from i on, without case. */
static uint64_t letters(const shop_text_view *view, size_t i, size_t n) {
    uint64_t h = 13;
    for (size_t k = 0; k < n; k++) h = mix(h, lower(view->at[i + k].code));
    return h;
}

/* Beginnings and ends of a Latin word. */
static void add_affixes(writer *w, const shop_text_view *view, const shop_token *t) {
    const size_t n = t->end - t->begin;
    const bool word = view->at[t->begin].kind == SHOP_CHAR_LETTER;
    for (size_t k = 2; k <= 4; k++) {
        if (word && n > k) {
            add1(w, letters(view, t->begin, k));
            add2(w, letters(view, t->end - k, k), t->shape);
        } else {
            skip(w);
            skip(w);
        }
    }
}

/* Features of the tagger's words around token x[3] = items[t]: their kinds and hashes. */
static void add_word_features(writer *w, const shop_token *const x[7], const shop_token *items, size_t n, size_t t) {
    const shop_token *me = x[3];
    const bool has_before = me->word && t > me->word_begin, has_after = me->word && t + me->word_end < n;
    const shop_token *before = has_before ? &items[t - me->word_begin - 1] : x[2],
                     *after = has_after ? &items[t + me->word_end] : x[4];
    const uint64_t position = me->segment % 4;
    add1(w, me->segment);
    add2(w, x[2]->segment, me->segment);
    add2(w, me->segment, x[4]->segment);
    add3(w, x[2]->segment, me->segment, x[4]->segment);
    add3(w, before->segment, me->segment, after->segment);
    add2(w, me->segment, me->id);
    add2(w, me->segment, x[2]->id);
    add2(w, me->segment, x[4]->id);
    add2(w, mix(x[1]->segment, x[2]->segment), position);
    add2(w, mix(x[4]->segment, x[5]->segment), position);
    add2(w, me->word, position);
    add2(w, before->word ? before->word : before->id, position);
    add2(w, after->word ? after->word : after->id, position);
    add3(w, before->word ? before->word : before->id, me->segment, 0);
    add3(w, after->word ? after->word : after->id, me->segment, 0);
    for (uint32_t kind = 0; kind < 6; kind++) {
        const uint32_t marks = kind < 5 ? me->named >> 3 * kind & 7 : me->named >> 15;
        if (marks)
            add2(w, marks, kind);
        else
            skip(w);
    }
    add2(w, x[2]->named, me->named);
    add2(w, me->named, x[4]->named);
    add3(w, x[2]->named, me->named, x[4]->named);
    add2(w, me->named, me->shape);
    add2(w, me->line, me->shape);
    add3(w, me->line, x[2]->shape, me->shape);
}

/* Quantises a score (16 per factor of e) to whole factors of e, shifted to 0 and above. */
static uint32_t step_of(int32_t score) {
    enum { MOST = 7 };
    const int32_t step = score / 16;
    return (uint32_t)((step < -MOST ? -MOST : step > MOST ? MOST : step) + MOST);
}

/* Scores of a Chinese or foreign name that begins at, contains or ends with token x[3]. */
static void add_name_features(writer *w, const shop_token *const x[7]) {
    const bool han = (x[3]->shape & 31) == SHAPE_HAN;
    if (!han) {
        for (size_t i = 0; i < 9; i++) skip(w);
        return;
    }
    add1(w, step_of(x[3]->name_of_three));
    add1(w, step_of(x[2]->name_of_three));
    add1(w, step_of(x[1]->name_of_three));
    add1(w, step_of(x[3]->name_of_two));
    add1(w, step_of(x[2]->name_of_two));
    add3(w, step_of(x[3]->name_of_three), step_of(x[3]->name_of_two), x[3]->segment);
    add2(w, step_of(x[2]->foreign + x[3]->foreign), step_of(x[3]->foreign + x[4]->foreign));
    add1(w, step_of(x[2]->foreign + x[3]->foreign + x[4]->foreign));
    add3(w, step_of(x[2]->foreign), step_of(x[3]->foreign), step_of(x[4]->foreign));
}

void shop_tag_features(const shop_text_view *view, const shop_token *items, size_t n, size_t t,
                       uint32_t out[SHOP_TAG_FEATURES]) {
    static const shop_token none = {.id = 1, .shape = 0};
    const shop_token *x[7];
    uint64_t id[7], lex[7];
    uint32_t shape[7];
    for (size_t k = 0; k < 7; k++) {
        const size_t at = t + k;
        x[k] = at >= 3 && at - 3 < n ? &items[at - 3] : &none;
        id[k] = x[k]->id;
        lex[k] = words_of(x[k]);
        shape[k] = x[k]->shape;
    }
    writer w = {out, 0};
    add1(&w, id[3]);
    add1(&w, id[1]);
    add1(&w, id[2]);
    add1(&w, id[4]);
    add1(&w, id[5]);
    add2(&w, id[1], id[2]);
    add2(&w, id[2], id[3]);
    add2(&w, id[3], id[4]);
    add2(&w, id[4], id[5]);
    add2(&w, id[2], id[4]);
    add3(&w, id[1], id[2], id[3]);
    add3(&w, id[2], id[3], id[4]);
    add3(&w, id[3], id[4], id[5]);
    add1(&w, shape[3]);
    add2(&w, shape[2], shape[3]);
    add2(&w, shape[3], shape[4]);
    add3(&w, shape[2], shape[3], shape[4]);
    add3(&w, mix(shape[1], shape[2]), shape[3], mix(shape[4], shape[5]));
    add2(&w, id[2], shape[3]);
    add2(&w, shape[3], id[4]);
    add1(&w, lex[3]);
    add2(&w, lex[2], lex[3]);
    add2(&w, lex[3], lex[4]);
    add3(&w, lex[2], lex[3], lex[4]);
    add2(&w, lex[3], id[4]);
    add2(&w, lex[3], id[2]);
    add3(&w, lex[3], lex[4], lex[5]);
    add3(&w, lex[1], lex[2], lex[3]);
    add2(&w, id[0], id[1]);
    add2(&w, id[5], id[6]);
    add_affixes(&w, view, x[3]);
    add_word_features(&w, x, items, n, t);
    add_name_features(&w, x);
}
