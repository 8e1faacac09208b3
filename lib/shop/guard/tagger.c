/* Labels tokens with the Viterbi algorithm, in integers, and turns the labels into names and addresses. */
#include "shop/guard/tagger.h"

#include <string.h>

/* Below every real score: a sequence has at most 512 tokens, each with 72 features of at most 127 and a transition. */
static const int32_t IMPOSSIBLE = INT32_MIN / 4;

llmcs_status shop_tagger_index(const llmcs_allocator *a, shop_tagger *tagger) {
    return shop_tag_slots_make(a, tagger->hashes, tagger->n_features, &tagger->slots, &tagger->n_slots);
}

void shop_tagger_free(const llmcs_allocator *a, shop_tagger **tagger) {
    if (!*tagger) return;
    shop_free(a, (*tagger)->hashes);
    shop_free(a, (*tagger)->weights);
    shop_free(a, (*tagger)->slots);
    shop_tag_words_free(a, &(*tagger)->words);
    shop_free(a, *tagger);
    *tagger = NULL;
}

/* Sums the weights of a token's features, [n_labels]. */
static void score_token(const shop_tagger *m, const uint32_t features[SHOP_TAG_FEATURES], int32_t *scores) {
    for (size_t i = 0; i < m->n_labels; i++) scores[i] = 0;
    for (size_t k = 0; k < SHOP_TAG_FEATURES; k++) {
        if (!features[k]) continue;
        const size_t row = shop_tag_slots_find(m->slots, m->n_slots, m->hashes, m->n_features, features[k]);
        if (row == m->n_features) continue;
        const int8_t *weights = m->weights + row * m->n_labels;
        for (size_t i = 0; i < m->n_labels; i++) scores[i] += weights[i];
    }
}

typedef struct step {
    const int32_t *before, *scores; /* of the labels of the token before and of this one */
    int32_t *best;                  /* the best score of a sequence that ends with each label */
    uint8_t *from;                  /* the label before it */
} step;

static void try_label(const shop_tagger *m, const step *x, size_t from, size_t to) {
    if (x->before[from] <= IMPOSSIBLE) return;
    const int32_t score = x->before[from] + m->transitions[from][to] + x->scores[to];
    if (score <= x->best[to]) return;
    x->best[to] = score;
    x->from[to] = (uint8_t)from;
}

/* Visits only the pairs that shop_tag_may_follow allows, a third of all: O, E or S before O, B or S; B or I before I or
 * E of the same kind. */
static void extend(const shop_tagger *m, const step *x) {
    for (size_t to = 0; to < SHOP_TAG_MAX_LABELS; to++) x->best[to] = IMPOSSIBLE;
    for (size_t from = 0; from < m->n_labels; from++) {
        if (shop_tag_may_end(from)) {
            try_label(m, x, from, 0);
            for (size_t b = 1; b < m->n_labels; b += 4) {
                try_label(m, x, from, b + SHOP_TAG_B);
                try_label(m, x, from, b + SHOP_TAG_S);
            }
        } else {
            const size_t b = from - (from - 1) % 4;
            try_label(m, x, from, b + SHOP_TAG_I);
            try_label(m, x, from, b + SHOP_TAG_E);
        }
    }
}

llmcs_status shop_tagger_label(const shop_tagger *m, const llmcs_allocator *a, const shop_text_view *view,
                               const shop_token *tokens, size_t n, uint8_t *labels) {
    int32_t before[SHOP_TAG_MAX_LABELS], best[SHOP_TAG_MAX_LABELS], scores[SHOP_TAG_MAX_LABELS];
    uint32_t features[SHOP_TAG_FEATURES];
    uint8_t *from; /* [n, n_labels] */
    if (!n) return LLMCS_OK;
    SHOP_TRY(shop_alloc_zero(a, n * m->n_labels, 1, "tagger", &from));
    for (size_t t = 0; t < n; t++) {
        shop_tag_features(view, tokens, n, t, features);
        score_token(m, features, scores);
        if (t) {
            extend(m, &(step){before, scores, best, from + t * m->n_labels});
        } else {
            for (size_t i = 0; i < m->n_labels; i++)
                best[i] = shop_tag_may_begin(i) ? scores[i] + m->transitions[m->n_labels][i] : IMPOSSIBLE;
        }
        memcpy(before, best, m->n_labels * sizeof *best);
    }
    size_t last = 0;
    for (size_t i = 1; i < m->n_labels; i++)
        if (shop_tag_may_end(i) && best[i] > best[last]) last = i;
    for (size_t t = n; t-- > 0;) {
        labels[t] = (uint8_t)last;
        last = from[t * m->n_labels + last];
    }
    shop_free(a, from);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------------ find */

/* Length of the sequence that begins at token 0 of n: all n tokens, else up to the last end of a sentence, else the
 * limit. */
static size_t sequence_end(const shop_text_view *view, const shop_token *tokens, size_t n) {
    if (n <= SHOP_TAG_MAX_TOKENS) return n;
    for (size_t i = SHOP_TAG_MAX_TOKENS; i > SHOP_TAG_MAX_TOKENS / 2; i--) {
        const uint32_t c = view->at[tokens[i - 1].begin].code;
        if (c == 0x3002 || c == '.' || c == '!' || c == '?' || c == ';') return i;
    }
    return SHOP_TAG_MAX_TOKENS;
}

/* The llmcs_shop_pii of a kind of the model, or -1. */
static int pii_of(const shop_tagger *m, size_t kind) {
    if (!strcmp(m->kinds[kind], "NAME")) return LLMCS_PII_NAME;
    if (!strcmp(m->kinds[kind], "ADDRESS")) return LLMCS_PII_ADDRESS;
    return -1;
}

static llmcs_status add_labelled(const shop_tagger *m, const shop_token *tokens, const uint8_t *labels, size_t n,
                                 shop_findings *f) {
    size_t begin = 0;
    for (size_t t = 0; t < n; t++) {
        if (!labels[t]) continue;
        const size_t position = (labels[t] - 1u) % 4, kind = (labels[t] - 1u) / 4;
        if (position == SHOP_TAG_B) begin = t;
        if (position == SHOP_TAG_S) begin = t;
        if (position != SHOP_TAG_E && position != SHOP_TAG_S) continue;
        const int pii = pii_of(m, kind);
        if (pii >= 0)
            SHOP_TRY(shop_find_add(f, tokens[begin].begin, tokens[t].end, (uint32_t)pii, SHOP_BY_TAGGER, "tagger"));
    }
    return LLMCS_OK;
}

static llmcs_status tag_all(const shop_tagger *m, const llmcs_allocator *a, const shop_text_view *view,
                            const shop_tokens *tokens, shop_findings *f) {
    uint8_t labels[SHOP_TAG_MAX_TOKENS];
    for (size_t at = 0; at < tokens->n;) {
        const size_t n = sequence_end(view, tokens->items + at, tokens->n - at);
        SHOP_TRY(shop_tagger_label(m, a, view, tokens->items + at, n, labels));
        SHOP_TRY(add_labelled(m, tokens->items + at, labels, n, f));
        at += n;
    }
    return LLMCS_OK;
}

llmcs_status shop_tagger_find(const shop_tagger *m, const llmcs_allocator *a, const shop_text_view *view,
                              const shop_hits *hits, shop_findings *f) {
    shop_tokens tokens = {0};
    llmcs_status status = shop_tokens_fill(a, view, hits, &m->words, &tokens);
    if (!status) status = tag_all(m, a, view, &tokens, f);
    shop_free(a, tokens.items);
    return status;
}
