/*
 * Decides whether a text may pass: searches it for listed words and control tokens, in windows, then asks the
 * classifier.
 *
 * Windows overlap, so that phrases at their borders are found. A phrase that is found twice counts once.
 */
#include "shop/guard/check.h"

#include <math.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"
#include "shop/guard/guard.h"
#include "shop/guard/letters.h"
#include "shop/guard/tokens.h"
#include "shop/guard/word_list.h"

enum { WINDOW = 65536, OVERLAP = 1024, MAX_REASONS = 64 };

struct shop_checker {
    llmcs_allocator allocator;
    shop_word_list *words;
    llmcs_shop_classifier *moderation; /* a reference, or NULL */
    int32_t safe;                      /* index of the class "safe" */
    int32_t n_labels;
    double warn_score, block_score;
};

/* ---- guard */

static llmcs_status find_safe_label(shop_checker *c) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    SHOP_TRY(llmcs_shop_classifier_get_info(c->moderation, &info));
    c->n_labels = info.n_labels;
    for (c->safe = 0; c->safe < c->n_labels; c->safe++)
        if (!strcmp(llmcs_shop_classifier_label(c->moderation, c->safe), "safe")) return LLMCS_OK;
    return shop_fail(LLMCS_ARG, "moderation: the classifier lacks a class \"safe\"");
}

static llmcs_status check_score(const char *what, double score) {
    return score >= 0 && score <= 1 ? LLMCS_OK : shop_fail(LLMCS_ARG, "%s: %g is not valid (0 to 1)", what, score);
}

llmcs_status shop_checker_create(const llmcs_shop_guard_options *o, const llmcs_allocator *a, shop_checker **checker) {
    shop_checker *c;
    *checker = NULL;
    SHOP_TRY(check_score("warn_score", o->warn_score));
    SHOP_TRY(check_score("block_score", o->block_score));
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *c, "guard", &c));
    c->allocator = *a;
    c->warn_score = o->warn_score;
    c->block_score = o->block_score;
    c->moderation = llmcs_shop_classifier_ref(o->moderation);
    llmcs_status status = c->moderation ? find_safe_label(c) : LLMCS_OK;
    if (!status)
        status =
            o->words_path ? shop_word_list_open(a, o->words_path, &c->words) : shop_word_list_built_in(a, &c->words);
    if (status)
        shop_checker_free(&c);
    else
        *checker = c;
    return status;
}

void shop_checker_free(shop_checker **checker) {
    shop_checker *c = *checker;
    if (!c) return;
    const llmcs_allocator a = c->allocator;
    *checker = NULL;
    shop_word_list_free(&c->words);
    llmcs_shop_classifier_free(&c->moderation);
    shop_free(&a, c);
}

/* ---- verdicts */

typedef struct verdict_memory {
    llmcs_shop_verdict shown; /* first member: llmcs_shop_verdict_free gets its address */
    llmcs_allocator allocator;
    llmcs_shop_reason reasons[MAX_REASONS];
    const llmcs_shop_reason *pointers[MAX_REASONS];
} verdict_memory;

void llmcs_shop_verdict_free(llmcs_shop_verdict **verdict) {
    SHOP_PUBLIC_CALL;
    if (!verdict || !*verdict) return;
    verdict_memory *v = (verdict_memory *)(void *)*verdict;
    const llmcs_allocator a = v->allocator;
    *verdict = NULL;
    shop_free(&a, v);
}

static const char *const action_names[] = {"ALLOW", "MASK", "WARN", "BLOCK", "HANDOVER"};

const char *llmcs_shop_check_action_name(llmcs_shop_check_action action) {
    return (unsigned)action < sizeof action_names / sizeof *action_names ? action_names[action] : NULL;
}

/* In the shop's own replies, anything that is not ALLOW blocks. */
static llmcs_shop_check_action action_for(llmcs_shop_check_action action, llmcs_shop_direction direction) {
    return direction == LLMCS_SHOP_OUT && action != LLMCS_SHOP_ALLOW ? LLMCS_SHOP_BLOCK : action;
}

static bool is_stronger(const llmcs_shop_reason *a, const llmcs_shop_reason *b) {
    return a->action != b->action ? a->action > b->action : a->weight > b->weight;
}

/* Keeps the strongest MAX_REASONS reasons. Of overlapping spans of one rule, keeps the longest. */
static void add_reason(verdict_memory *v, const llmcs_shop_reason *r) {
    size_t weakest = 0;
    for (size_t i = 0; i < v->shown.n_reasons; i++) {
        llmcs_shop_reason *old = &v->reasons[i];
        if (old->begin < r->end && r->begin < old->end && !strcmp(old->rule, r->rule)) {
            if (r->end - r->begin > old->end - old->begin || is_stronger(r, old)) *old = *r;
            return;
        }
        if (is_stronger(&v->reasons[weakest], old)) weakest = i;
    }
    if (v->shown.n_reasons < MAX_REASONS)
        v->reasons[v->shown.n_reasons++] = *r;
    else if (is_stronger(r, &v->reasons[weakest]))
        v->reasons[weakest] = *r;
}

/* Sorts the reasons by position and sets action, label and score from the strongest one. */
static void decide(verdict_memory *v) {
    const size_t n = v->shown.n_reasons;
    for (size_t i = 1; i < n; i++) {
        const llmcs_shop_reason r = v->reasons[i];
        size_t k = i;
        for (; k && v->reasons[k - 1].begin > r.begin; k--) v->reasons[k] = v->reasons[k - 1];
        v->reasons[k] = r;
    }
    for (size_t i = 0; i < n; i++) {
        const llmcs_shop_reason *r = &v->reasons[i];
        v->pointers[i] = r;
        if (r->action == LLMCS_SHOP_ALLOW) continue;
        if (r->action < v->shown.action || (r->action == v->shown.action && !(r->weight > v->shown.score))) continue;
        v->shown.action = r->action;
        v->shown.label = r->rule;
        v->shown.score = r->weight;
    }
}

/* ---- words and control tokens */

typedef struct check_workspace {
    const llmcs_allocator *a;
    shop_text_view view;
    shop_letters letters;
    shop_word_scratch words;
} check_workspace;

static void free_workspace(check_workspace *w) {
    shop_text_view_free(w->a, &w->view);
    shop_letters_free(w->a, &w->letters);
    shop_word_scratch_free(w->a, &w->words);
}

static llmcs_status find_in_window(const shop_checker *c, check_workspace *w, const char *text, size_t n,
                                   bool starts_text) {
    w->words.n = 0;
    SHOP_TRY(shop_text_view_fill(w->a, text, n, &w->view));
    SHOP_TRY(shop_letters_fold(w->a, &w->view, &w->letters));
    SHOP_TRY(shop_word_list_find(c->words, w->a, &w->letters, &w->words));
    SHOP_TRY(shop_letters_fold_signs(w->a, &w->view, &w->letters));
    if (w->letters.n) SHOP_TRY(shop_word_list_find(c->words, w->a, &w->letters, &w->words));
    return shop_find_control_tokens(w->a, &w->view, starts_text, &w->words);
}

/* The last space in the 256 bytes before `at`, else the start of the character at `at`. */
static size_t find_cut(const char *text, size_t at) {
    for (size_t i = at; i > at - 256; i--)
        if (text[i] == ' ' || text[i] == '\n') return i;
    size_t i = at;
    while (i > at - 4 && ((unsigned char)text[i] & 0xc0) == 0x80) i--;
    return i;
}

static llmcs_status check_words(const shop_checker *c, const char *text, size_t n, llmcs_shop_direction direction,
                                verdict_memory *v) {
    check_workspace w = {.a = &c->allocator};
    llmcs_status status = LLMCS_OK;
    for (size_t begin = 0, end; begin < n && !status; begin = end) {
        end = n - begin > WINDOW ? find_cut(text, begin + WINDOW) : n;
        status = find_in_window(c, &w, text + begin, end - begin, !begin);
        for (size_t i = 0; i < w.words.n && !status; i++) {
            const shop_word_hit *h = &w.words.hits[i];
            const llmcs_shop_reason r = {.layer = h->section->rule ? "rules" : "words",
                                         .rule = h->section->category,
                                         .begin = begin + h->begin,
                                         .end = begin + h->end,
                                         .weight = h->section->weight,
                                         .action = action_for((llmcs_shop_check_action)h->section->action, direction)};
            add_reason(v, &r);
        }
        if (end < n) end = find_cut(text, end - OVERLAP);
    }
    free_workspace(&w);
    return status;
}

/* ---- classifier */

static llmcs_status check_with_classifier(const shop_checker *c, const char *text, size_t n,
                                          const llmcs_shop_check_params *params, verdict_memory *v) {
    const llmcs_text one = {.text = text, .text_bytes = n};
    llmcs_shop_predictions *found = NULL;
    llmcs_shop_predict_params p;
    llmcs_shop_predict_params_init(&p);
    p.flags = LLMCS_SHOP_PREDICT_REASON;
    p.n_scores = c->n_labels;
    p.vectors = params->vector;
    SHOP_TRY(llmcs_shop_classifier_predict(c->moderation, &one, 1, &p, &found));
    const llmcs_shop_prediction *best = found->items[0];
    double unsafe = 1;
    const char *label = NULL;
    for (size_t i = 0; i < best->n_scores; i++) {
        if (best->scores[i].index == c->safe)
            unsafe = 1 - (double)best->scores[i].score;
        else if (!label)
            label = best->scores[i].label;
    }
    v->shown.unsafe = unsafe;
    if (unsafe >= c->warn_score && label) {
        const llmcs_shop_check_action action = unsafe >= c->block_score ? LLMCS_SHOP_BLOCK : LLMCS_SHOP_WARN;
        llmcs_shop_reason r = {.layer = "classifier",
                               .rule = label,
                               .begin = 0,
                               .end = n,
                               .weight = unsafe,
                               .action = action_for(action, params->direction)};
        /* The reason's spans are the n-grams that speak for the class, or the whole text if there are none. */
        for (size_t i = 0; i < best->n_evidence; i++) {
            r.begin = best->evidence[i].begin;
            r.end = best->evidence[i].end;
            add_reason(v, &r);
        }
        if (!best->n_evidence) add_reason(v, &r);
    }
    llmcs_shop_predictions_free(&found);
    return LLMCS_OK;
}

/* ---- check */

static const llmcs_shop_check_params default_params = {.struct_size = sizeof(llmcs_shop_check_params)};

void llmcs_shop_check_params_init_sized(llmcs_shop_check_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

static llmcs_status read_params(const llmcs_shop_check_params *given, llmcs_shop_check_params *params) {
    const uint32_t known = LLMCS_SHOP_CHECK_NO_WORDS | LLMCS_SHOP_CHECK_NO_CLASSIFIER;
    *params = default_params;
    if (given)
        SHOP_TRY(shop_options_in(params, sizeof *params, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_check_params, vector),
                                 given, "llmcs_shop_check_params"));
    if (params->direction != LLMCS_SHOP_IN && params->direction != LLMCS_SHOP_OUT)
        return shop_fail(LLMCS_ARG, "direction: %d is not valid (0, 1)", (int)params->direction);
    if (params->flags & ~known) return shop_fail(LLMCS_ARG, "flags: 0x%x is not valid", params->flags & ~known);
    return LLMCS_OK;
}

llmcs_status shop_check_text_with(const shop_checker *c, const char *text, size_t text_bytes,
                                  const llmcs_shop_check_params *given, llmcs_shop_verdict **verdict) {
    llmcs_shop_check_params params;
    verdict_memory *v;
    SHOP_TRY(read_params(given, &params));
    const size_t n = text_bytes == LLMCS_NUL ? strlen(text) : text_bytes;
    SHOP_TRY(shop_alloc(&c->allocator, 1, sizeof *v, "verdict", &v));
    v->shown = (llmcs_shop_verdict){.action = LLMCS_SHOP_ALLOW, .label = "safe", .unsafe = NAN, .reasons = v->pointers};
    v->allocator = c->allocator;
    llmcs_status status = LLMCS_OK;
    if (!(params.flags & LLMCS_SHOP_CHECK_NO_WORDS)) status = check_words(c, text, n, params.direction, v);
    if (!status && c->moderation && n && !(params.flags & LLMCS_SHOP_CHECK_NO_CLASSIFIER))
        status = check_with_classifier(c, text, n, &params, v);
    if (status) {
        shop_free(&c->allocator, v);
        return status;
    }
    decide(v);
    if (v->shown.action == LLMCS_SHOP_ALLOW) v->shown.score = isnan(v->shown.unsafe) ? 1 : 1 - v->shown.unsafe;
    *verdict = &v->shown;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_check(const llmcs_shop_guard *guard, const char *text, size_t text_bytes,
                              const llmcs_shop_check_params *params, llmcs_shop_verdict **verdict) {
    SHOP_PUBLIC_CALL;
    if (!verdict) return shop_fail(LLMCS_ARG, "verdict is NULL");
    *verdict = NULL;
    if (!guard) return shop_fail(LLMCS_ARG, "guard is NULL");
    if (!text && text_bytes) return shop_fail(LLMCS_ARG, "text is NULL");
    return shop_check_text_with(guard->checker, text ? text : "", text_bytes, params, verdict);
}
