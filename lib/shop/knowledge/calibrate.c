/*
 * Fits the weights of the features to labelled questions.
 *
 * The model is a conditional logit with an outside option: p(e) = exp(w f(e)) / (1 + sum exp(w f)). The log-likelihood
 * of a question is log p(its entry), or of "none" if its entry is not among the candidates. It is concave in w;
 * Newton's method with a small penalty on |w|^2 finds its maximum.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "shop/base/options.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/match.h"
#include "shop/store/rows.h"
#include "shop/store/vectors.h"

enum { D = SHOP_N_FEATURES, MIN_QUESTIONS = 20 };
#define DEFAULT_THRESHOLD 0.5 /* above it the answer is more likely right than wrong */

static const llmcs_shop_calibrate_params default_params = {
    .struct_size = sizeof(llmcs_shop_calibrate_params), .leave_one_out = 1, .precision = 0.95};

void llmcs_shop_calibrate_params_init_sized(llmcs_shop_calibrate_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

/* A training question: its candidates and the right one. */
typedef struct example {
    size_t first, n; /* rows of the feature matrix */
    size_t right;    /* index of the right candidate; n: none */
    bool answerable; /* the right entry is in the store */
    double weight;
} example;

typedef struct fit {
    llmcs_shop *shop;
    bool vectors;
    double (*features)[D]; /* [n_rows] */
    size_t n_rows, rows_capacity;
    example *examples;
    size_t n, capacity;
    size_t n_labelled; /* examples[0 .. n_labelled) are the caller's questions */
} fit;

/* ---- examples */

static llmcs_status add_example(fit *f, const shop_match *m, const char *id, double weight) {
    const llmcs_allocator *a = &f->shop->allocator;
    SHOP_TRY(
        shop_grow(a, &f->features, f->n_rows, &f->rows_capacity, f->n_rows + m->n, sizeof *f->features, "features"));
    SHOP_TRY(shop_grow(a, &f->examples, f->n, &f->capacity, f->n + 1, sizeof *f->examples, "examples"));
    example e = {.first = f->n_rows, .n = m->n, .right = m->n, .answerable = id != NULL, .weight = weight};
    for (size_t i = 0; i < m->n; i++) {
        memcpy(f->features[f->n_rows++], m->candidates[i].features, sizeof *f->features);
        if (id && e.right == m->n && !strcmp(m->candidates[i].id, id)) e.right = i;
    }
    f->examples[f->n++] = e;
    return LLMCS_OK;
}

/* Matches a question and adds it as an example; q->vector is the caller's. Under the current weights, the best
 * candidate of each id represents that id. */
static llmcs_status match_example(fit *f, shop_connection *c, shop_question *q, const char *id, double weight,
                                  const shop_weights *now) {
    shop_match *m;
    SHOP_TRY(shop_question_init(f->shop, c, q));
    llmcs_status status = shop_alloc_zero(&f->shop->allocator, 1, sizeof *m, "match", &m);
    if (!status) {
        status = shop_match_find(f->shop, c, q, m);
        if (!status) status = shop_match_compare(c, q, m);
        if (!status) {
            shop_match_score(m, now);
            status = add_example(f, m, id, weight);
        }
        shop_match_free(m);
        shop_free(&f->shop->allocator, m);
    }
    shop_words_free(&q->words);
    return status;
}

static llmcs_status embed(const fit *f, shop_question *q) {
    const llmcs_text text = {q->text, q->text_bytes, NULL, 0};
    q->vector = NULL;
    return f->vectors ? shop_embed(f->shop, &text, 1, &q->vector) : LLMCS_OK;
}

static llmcs_status embed_and_match(fit *f, shop_connection *c, shop_question *q, const char *id, double weight,
                                    const shop_weights *now) {
    SHOP_TRY(embed(f, q));
    const llmcs_status status = match_example(f, c, q, id, weight, now);
    shop_free(&f->shop->allocator, q->vector);
    q->vector = NULL;
    return status;
}

/* Adds up to three examples for a question of an entry: without this question in the store, with it, and without its
 * entry. The last two weigh less: customers seldom use an entry's own words, and fewer questions have no answer than
 * have one. */
static llmcs_status leave_out(fit *f, shop_connection *c, shop_question *q, int64_t row, const char *id,
                              const char *lang, bool others, const shop_weights *now) {
    *q = (shop_question){.text = q->text, .text_bytes = q->text_bytes, .now = q->now, .flags = q->flags, .lang = lang};
    SHOP_TRY(embed(f, q));
    q->without_text = row;
    llmcs_status status = others ? match_example(f, c, q, id, 1, now) : LLMCS_OK;
    q->without_text = 0;
    if (!status) status = match_example(f, c, q, id, 0.3, now);
    q->without_id = id;
    if (!status) status = match_example(f, c, q, NULL, 0.35, now);
    shop_free(&f->shop->allocator, q->vector);
    q->vector = NULL;
    return status;
}

static int report(const llmcs_shop_calibrate_params *p, double done) {
    if (!p->progress) return 0;
    shop_call *call = shop_callback_begin();
    const int stop = p->progress(p->progress_user, (float)done);
    shop_callback_end(call);
    return stop;
}

static llmcs_status add_own_questions(fit *f, shop_connection *c, shop_question *q,
                                      const llmcs_shop_calibrate_params *p, const shop_weights *now) {
    shop_query s;
    int64_t n, i = 0;
    enum { MOST = 2000 }; /* sample size for large stores */
    SHOP_TRY(shop_lookup_int(c, 0, &n, "SELECT count(*) FROM texts WHERE live AND position", ""));
    SHOP_TRY(
        shop_query_begin(c, &s,
                         "SELECT t.row, t.text, e.id, e.lang, (SELECT count(*) FROM texts o WHERE o.entry = e.row AND"
                         " o.live) FROM texts t JOIN entries e ON e.row = t.entry WHERE t.live AND t.position AND"
                         " t.row % ?1 = 0",
                         "i", n / MOST + 1));
    llmcs_status status = LLMCS_OK;
    for (; !status; i++) {
        size_t len, id_len, lang_len;
        SHOP_TRY(shop_query_next(&s));
        if (!s.has_row) break;
        q->text = shop_query_text(&s, 1, &len);
        q->text_bytes = len;
        const char *id = shop_query_text(&s, 2, &id_len), *lang = shop_query_text(&s, 3, &lang_len);
        /* leave a question out only if its entry has another one */
        status = leave_out(f, c, q, shop_query_int(&s, 0), id, lang, shop_query_int(&s, 4) > 2, now);
        if (!status && report(p, 0.9 * (double)i / (double)(shop_min((size_t)n, MOST) + 1)))
            status = shop_fail(LLMCS_CANCELLED, "calibration was cancelled");
    }
    shop_query_end(&s);
    return status;
}

static llmcs_status add_labelled(fit *f, shop_connection *c, shop_question *q, const llmcs_shop_labelled *questions,
                                 size_t n, const shop_weights *now) {
    for (size_t i = 0; i < n; i++) {
        SHOP_TRY(shop_check_text("text", questions[i].text, 1, SHOP_TEXT_BYTES));
        *q = (shop_question){.text = questions[i].text,
                             .text_bytes = strlen(questions[i].text),
                             .now = q->now,
                             .flags = q->flags,
                             .lang = questions[i].lang};
        SHOP_TRY(embed_and_match(f, c, q, questions[i].id, 1, now));
    }
    return LLMCS_OK;
}

/* ---- Newton's method */

static double score(const double *w, const double *x) {
    double s = 0;
    for (size_t i = 0; i < D; i++) s += w[i] * x[i];
    return s;
}

/* p(candidates) of one example; returns p(none). */
static double probabilities(const fit *f, const example *e, const double *w, double p[SHOP_MAX_CANDIDATES]) {
    double highest = 0, sum;
    for (size_t i = 0; i < e->n; i++) {
        p[i] = score(w, f->features[e->first + i]);
        highest = fmax(highest, p[i]);
    }
    sum = exp(-highest);
    for (size_t i = 0; i < e->n; i++) sum += p[i] = exp(p[i] - highest);
    for (size_t i = 0; i < e->n; i++) p[i] /= sum;
    return exp(-highest) / sum;
}

static double log_likelihood(const fit *f, const double *w, double penalty) {
    double sum = 0, p[SHOP_MAX_CANDIDATES];
    for (size_t i = 0; i < f->n; i++) {
        const example *e = &f->examples[i];
        const double none = probabilities(f, e, w, p);
        sum += e->weight * log(fmax(e->right < e->n ? p[e->right] : none, 1e-300));
    }
    for (size_t i = 0; i < D; i++) sum -= 0.5 * penalty * w[i] * w[i];
    return sum;
}

/* Gradient g and negative Hessian h: the sums over examples of x(right) - E[x] and of Cov[x]. The outside option has x
 * = 0. */
static void derivatives(const fit *f, const double *w, double penalty, double *g, double h[D][D]) {
    double p[SHOP_MAX_CANDIDATES];
    memset(h, 0, sizeof(double) * D * D);
    for (size_t i = 0; i < D; i++) g[i] = -penalty * w[i], h[i][i] = penalty;
    for (size_t k = 0; k < f->n; k++) {
        const example *e = &f->examples[k];
        double mean[D] = {0};
        probabilities(f, e, w, p);
        for (size_t i = 0; i < e->n; i++)
            for (size_t a = 0; a < D; a++) mean[a] += p[i] * f->features[e->first + i][a];
        for (size_t a = 0; a < D; a++)
            g[a] += e->weight * ((e->right < e->n ? f->features[e->first + e->right][a] : 0) - mean[a]);
        for (size_t i = 0; i < e->n; i++)
            for (size_t a = 0; a < D; a++)
                for (size_t b = 0; b <= a; b++)
                    h[a][b] += e->weight * p[i] * f->features[e->first + i][a] * f->features[e->first + i][b];
        for (size_t a = 0; a < D; a++)
            for (size_t b = 0; b <= a; b++) h[a][b] -= e->weight * mean[a] * mean[b];
    }
}

/* Solves h x = g by Cholesky and stores x in g. The penalty makes h positive definite. */
static void solve(double h[D][D], double *g) {
    for (size_t a = 0; a < D; a++)
        for (size_t b = 0; b <= a; b++) {
            double s = h[a][b];
            for (size_t k = 0; k < b; k++) s -= h[a][k] * h[b][k];
            h[a][b] = a == b ? sqrt(fmax(s, 1e-12)) : s / h[b][b];
        }
    for (size_t a = 0; a < D; a++) {
        for (size_t k = 0; k < a; k++) g[a] -= h[a][k] * g[k];
        g[a] /= h[a][a];
    }
    for (size_t a = D; a-- > 0;) {
        for (size_t k = a + 1; k < D; k++) g[a] -= h[k][a] * g[k];
        g[a] /= h[a][a];
    }
}

/* Pins the weight of an excluded feature to 0. */
static void leave_out_features(const bool *out, double *g, double h[D][D]) {
    for (size_t a = 0; a < D; a++)
        for (size_t b = 0; b < D; b++)
            if (out[a] || out[b]) h[a][b] = a == b;
    for (size_t a = 0; a < D; a++)
        if (out[a]) g[a] = 0;
}

static void maximise_over(const fit *f, const bool *out, double *w) {
    const double penalty = 1;
    memset(w, 0, D * sizeof *w);
    double now = log_likelihood(f, w, penalty);
    for (int iteration = 0; iteration < 50; iteration++) {
        double step[D], h[D][D], next[D], then = 0, size = 1;
        derivatives(f, w, penalty, step, h);
        leave_out_features(out, step, h);
        solve(h, step);
        for (int halving = 0; halving < 20; halving++, size /= 2) {
            for (size_t i = 0; i < D; i++) next[i] = w[i] + size * step[i];
            then = log_likelihood(f, next, penalty);
            if (then > now) break;
        }
        if (!(then > now + 1e-9)) return;
        now = then;
        memcpy(w, next, sizeof next);
    }
}

/* Every feature except the bias is evidence for an entry, so a negative weight only fits noise. Drops the most negative
 * feature and fits again until none is negative. */
static void maximise(const fit *f, double *w) {
    bool out[D] = {false};
    for (;;) {
        size_t worst = SHOP_F_BIAS;
        maximise_over(f, out, w);
        for (size_t i = 0; i < D; i++)
            if (i != SHOP_F_BIAS && w[i] < 0 && (worst == SHOP_F_BIAS || w[i] < w[worst])) worst = i;
        if (worst == SHOP_F_BIAS) return;
        out[worst] = true;
    }
}

/* ---- threshold */

/* The first candidate of an example, and whether it is right. */
typedef struct outcome {
    double probability, weight;
    bool right;
} outcome;

static void sort_outcomes(outcome *o, size_t n) { /* heap sort, largest probability first */
    for (size_t end = n, start = n / 2; end > 1;) {
        outcome x;
        if (start) {
            x = o[--start];
        } else {
            x = o[--end];
            o[end] = o[0];
        }
        size_t at = start;
        for (size_t child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && o[child + 1].probability < o[child].probability) child++;
            if (x.probability <= o[child].probability) break;
            o[at] = o[child];
        }
        o[at] = x;
    }
}

static outcome first_of(const fit *f, const example *e, const double *w) {
    double p[SHOP_MAX_CANDIDATES];
    size_t best = 0;
    probabilities(f, e, w, p);
    for (size_t i = 1; i < e->n; i++)
        if (p[i] > p[best]) best = i;
    return (outcome){e->n ? p[best] : 0, e->weight, e->n && best == e->right};
}

/* Chooses the lowest threshold at which the share `precision` of the answers to labelled questions is right. Left-out
 * questions are harder than real ones, so they count for the weights only. */
static llmcs_status choose_threshold(const fit *f, const double *w, double precision, llmcs_shop_calibration *found) {
    outcome *o;
    double given = 0, right = 0, answerable = 0, accurate = 0, all_given = 0, all_right = 0;
    const bool own = f->n_labelled < MIN_QUESTIONS;
    const size_t n = own ? f->n : f->n_labelled;
    SHOP_TRY(shop_alloc(&f->shop->allocator, f->n, sizeof *o, "outcomes", &o));
    found->n_questions = f->n;
    for (size_t i = 0; i < f->n; i++) {
        o[i] = first_of(f, &f->examples[i], w);
        found->n_answerable += f->examples[i].answerable;
        if (!f->examples[i].answerable || i >= n) continue;
        answerable += o[i].weight;
        accurate += o[i].right ? o[i].weight : 0;
    }
    sort_outcomes(o, n);
    found->threshold = own ? DEFAULT_THRESHOLD : 1;
    for (size_t i = 0; i < n; i++) {
        all_given += o[i].weight;
        all_right += o[i].right ? o[i].weight : 0;
        const double next = i + 1 < n ? o[i + 1].probability : 0;
        const bool enough = own ? o[i].probability >= found->threshold : all_right >= precision * all_given;
        if (!enough || o[i].probability <= 0) continue;
        given = all_given;
        right = all_right;
        if (!own) found->threshold = fmax(0.02, 0.5 * (o[i].probability + next));
    }
    found->coverage = answerable > 0 ? right / answerable : 0;
    found->precision = given > 0 ? right / given : 0;
    found->accuracy = answerable > 0 ? accurate / answerable : 0;
    shop_free(&f->shop->allocator, o);
    return LLMCS_OK;
}

/* ---- all */

static llmcs_status collect(fit *f, shop_connection *c, shop_question *q, const llmcs_shop_labelled *questions,
                            size_t n, const llmcs_shop_calibrate_params *p) {
    shop_weights now;
    SHOP_TRY(shop_follow(f->shop, c));
    SHOP_TRY(shop_weights_load(f->shop, c, f->vectors, &now));
    q->flags = f->vectors ? 0 : LLMCS_ASK_WORDS_ONLY;
    SHOP_TRY(add_labelled(f, c, q, questions, n, &now));
    f->n_labelled = f->n;
    return p->leave_one_out ? add_own_questions(f, c, q, p, &now) : LLMCS_OK;
}

static llmcs_status save(fit *f, const shop_weights *weights) {
    shop_connection *c;
    SHOP_TRY(shop_write_begin(f->shop, &c));
    return shop_write_end(f->shop, c, shop_weights_save(f->shop, c, f->vectors, weights));
}

static llmcs_status fit_weights(fit *f, const llmcs_shop_labelled *questions, size_t n,
                                const llmcs_shop_calibrate_params *p, int64_t now, llmcs_shop_calibration *found) {
    shop_connection *c;
    shop_question *q;
    shop_weights weights;
    SHOP_TRY(shop_alloc_zero(&f->shop->allocator, 1, sizeof *q, "question", &q));
    q->now = now;
    llmcs_status status = shop_read_begin(f->shop, &c);
    if (!status) {
        status = collect(f, c, q, questions, n, p);
        shop_read_end(f->shop, c);
    }
    shop_free(&f->shop->allocator, q);
    if (status) return status;
    if (f->n < MIN_QUESTIONS)
        return shop_fail(LLMCS_ARG, "%lld questions to learn from, expected at least %d", (long long)f->n,
                         MIN_QUESTIONS);
    maximise(f, weights.w);
    SHOP_TRY(choose_threshold(f, weights.w, p->precision, found));
    weights.threshold = found->threshold;
    if (!found->n_answerable) return shop_fail(LLMCS_ARG, "none of the questions has an entry in the store");
    return save(f, &weights);
}

/* Runs twice: for words alone and with vectors. */
static llmcs_status fit_kind(llmcs_shop *shop, bool vectors, const llmcs_shop_labelled *questions, size_t n,
                             const llmcs_shop_calibrate_params *p, llmcs_shop_calibration *found) {
    fit f = {.shop = shop, .vectors = vectors};
    *found = (llmcs_shop_calibration){.struct_size = sizeof *found};
    const llmcs_status status = fit_weights(&f, questions, n, p, (int64_t)time(NULL), found);
    shop_free(&shop->allocator, f.features);
    shop_free(&shop->allocator, f.examples);
    return status;
}

llmcs_status llmcs_shop_calibrate(llmcs_shop *shop, const llmcs_shop_labelled *questions, size_t n,
                                  const llmcs_shop_calibrate_params *params, llmcs_shop_calibration *calibration) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_calibrate_params p = default_params;
    llmcs_shop_calibration found;
    SHOP_TRY(shop_check(shop));
    if (n && !questions) return shop_fail(LLMCS_ARG, "questions is NULL");
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_calibrate_params, progress_user), params,
                                 "llmcs_shop_calibrate_params"));
    if (!(p.precision > 0 && p.precision <= 1))
        return shop_fail(LLMCS_ARG, "precision: %g is not valid (above 0, to 1)", p.precision);
    SHOP_TRY(fit_kind(shop, false, questions, n, &p, &found));
    if (shop->encoder) SHOP_TRY(fit_kind(shop, true, questions, n, &p, &found));
    if (!calibration) return LLMCS_OK;
    return shop_options_out(calibration, SHOP_SIZE_UP_TO(llmcs_shop_calibration, precision), &found, sizeof found,
                            "llmcs_shop_calibration");
}
