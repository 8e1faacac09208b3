/*
 * The loss of multinomial logistic regression, its gradient, and L-BFGS (Nocedal and Wright, Numerical Optimization,
 * algorithm 7.4) with a line search for the weak Wolfe conditions.
 *
 * Threads divide the rows to compute scores, and the features to compute the gradient. Each sum is computed by one
 * thread in the order of the data, so the bits do not depend on the number of threads.
 */
#include "shop/classifier/fit.h"

#include <math.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/classifier/kernels.h"

enum {
    ROWS_PER_ITEM = 32,
    FEATURES_PER_ITEM = 256,
    DENSE_PER_ITEM = 16,
    TERMS_AT_ONCE = 256,
    BLOCK = 16384,
    MEMORY = 5
};

llmcs_status shop_weights_create(const llmcs_allocator *a, const shop_matrix *m, size_t n_classes, shop_weights *w) {
    size_t n;
    *w = (shop_weights){.n_features = m->n_features, .n_dense = m->n_dense, .n_classes = n_classes};
    w->stride = (n_classes + SHOP_LANES - 1) / SHOP_LANES * SHOP_LANES;
    if (!shop_mul(m->n_features + m->n_dense + 1, w->stride, &n)) return shop_fail(LLMCS_LIMIT, "too many weights");
    return shop_alloc_zero(a, n, sizeof *w->values, "weights", &w->values);
}

void shop_weights_free(const llmcs_allocator *a, shop_weights *w) {
    shop_free(a, w->values);
    *w = (shop_weights){0};
}

/* --------------------------------------------------------------------------------------- loss and gradient */

typedef struct loss_job {
    const shop_matrix *m;
    const shop_weights *w;
    float *scores;   /* [n_rows, stride] logits, then residuals */
    double *losses;  /* [n_rows]; NULL: logits only */
    float *gradient; /* as w->values */
    double l2;
} loss_job;

/* Replaces logits by weight * (probability - target); returns weight * -log p(target). */
static double residuals(float *scores, size_t n_classes, uint32_t target, float weight) {
    float largest = scores[0];
    double sum = 0;
    for (size_t c = 1; c < n_classes; c++) largest = scores[c] > largest ? scores[c] : largest;
    const double loss = (double)largest - (double)scores[target];
    for (size_t c = 0; c < n_classes; c++) {
        scores[c] = expf(scores[c] - largest);
        sum += (double)scores[c];
    }
    const float scale = (float)((double)weight / sum);
    for (size_t c = 0; c < n_classes; c++) scores[c] *= scale;
    scores[target] -= weight;
    return (double)weight * (loss + log(sum));
}

static void score_rows(void *argument, size_t item, int32_t thread) {
    const loss_job *j = argument;
    const shop_matrix *m = j->m;
    const shop_weights *w = j->w;
    const size_t begin = item * ROWS_PER_ITEM, end = shop_min(m->n_rows, begin + ROWS_PER_ITEM), stride = w->stride;
    const float *const dense = w->values + w->n_features * stride, *const bias = dense + w->n_dense * stride;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const size_t from = m->row_start[i];
        float *scores = j->scores + i * stride;
        memcpy(scores, bias, stride * sizeof *scores);
        shop_sum_rows(w->values, stride, m->feature + from, m->value + from, m->row_start[i + 1] - from, scores);
    }
    if (m->n_dense)
        shop_product(m->dense + begin * m->n_dense, m->n_dense, end - begin, dense, m->n_dense, stride,
                     j->scores + begin * stride);
    for (size_t i = begin; j->losses && i < end; i++)
        j->losses[i] = residuals(j->scores + i * stride, w->n_classes, m->label[i], m->weight[i]);
}

void shop_logits(shop_team *team, const shop_matrix *m, const shop_weights *w, float *logits) {
    loss_job j = {.m = m, .w = w, .scores = logits};
    shop_team_each(team, score_rows, &j, (m->n_rows + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM);
}

/* Sets the gradient to that of the penalty. Sums over rows are added later. */
static void start_gradient(const loss_job *j, size_t begin, size_t n) {
    const float l2 = (float)j->l2;
    for (size_t i = begin; i < begin + n; i++) j->gradient[i] = l2 * j->w->values[i];
}

static void sum_gradient_of_grams(void *argument, size_t item, int32_t thread) {
    const loss_job *j = argument;
    const shop_matrix *m = j->m;
    const size_t stride = j->w->stride, end = shop_min(m->n_features, (item + 1) * FEATURES_PER_ITEM);
    (void)thread;
    for (size_t f = item * FEATURES_PER_ITEM; f < end; f++) {
        const size_t from = m->column_start[f];
        start_gradient(j, f * stride, stride);
        shop_sum_rows(j->scores, stride, m->column_row + from, m->column_value + from, m->column_start[f + 1] - from,
                      j->gradient + f * stride);
    }
}

static void sum_gradient_of_dense(void *argument, size_t item, int32_t thread) {
    const loss_job *j = argument;
    const shop_matrix *m = j->m;
    const size_t stride = j->w->stride, begin = item * DENSE_PER_ITEM, n = shop_min(m->n_dense - begin, DENSE_PER_ITEM);
    float *gradient = j->gradient + (m->n_features + begin) * stride;
    (void)thread;
    start_gradient(j, (m->n_features + begin) * stride, n * stride);
    for (size_t k = 0; k < m->n_rows; k += TERMS_AT_ONCE)
        shop_product(m->dense_transposed + begin * m->n_rows + k, m->n_rows, n, j->scores + k * stride,
                     shop_min(TERMS_AT_ONCE, m->n_rows - k), stride, gradient);
}

static double squared_length(const float *values, size_t n) {
    double sum = 0;
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        double part = 0;
        for (size_t i = begin; i < shop_min(n, begin + BLOCK); i++) part += (double)values[i] * (double)values[i];
        sum += part;
    }
    return sum;
}

double shop_loss(shop_team *team, const shop_matrix *m, const shop_weights *w, double l2, float *scores, double *losses,
                 float *gradient) {
    loss_job j = {.m = m, .w = w, .scores = scores, .losses = losses, .gradient = gradient, .l2 = l2};
    const size_t n_penalised = (m->n_features + m->n_dense) * w->stride;
    float *bias = gradient + n_penalised;
    double loss = 0;
    shop_team_each(team, score_rows, &j, (m->n_rows + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM);
    for (size_t i = 0; i < m->n_rows; i++) loss += losses[i];
    shop_team_each(team, sum_gradient_of_grams, &j, (m->n_features + FEATURES_PER_ITEM - 1) / FEATURES_PER_ITEM);
    shop_team_each(team, sum_gradient_of_dense, &j, (m->n_dense + DENSE_PER_ITEM - 1) / DENSE_PER_ITEM);
    memset(bias, 0, w->stride * sizeof *bias);
    for (size_t i = 0; i < m->n_rows; i++)
        for (size_t c = 0; c < w->stride; c++) bias[c] += scores[i * w->stride + c];
    return loss + l2 / 2 * squared_length(w->values, n_penalised);
}

/* --------------------------------------------------------------------------------------------------- L-BFGS */

typedef struct vectors_job {
    const float *x, *y;
    float *out;
    float factor;
    double *sums; /* [blocks] */
    size_t n;
} vectors_job;

typedef struct search {
    shop_team *team;
    const shop_matrix *m;
    const shop_fit_settings *settings;
    shop_weights *w;
    size_t n, n_blocks;
    float *scores, *gradient, *direction, *start, *start_gradient;
    float *steps[MEMORY], *changes[MEMORY]; /* of weights and gradients in the last iterations */
    double curvature[MEMORY];               /* their dot products */
    double *losses, *sums;
    size_t n_kept, newest;
} search;

static void dot_block(void *argument, size_t item, int32_t thread) {
    const vectors_job *j = argument;
    double parts[4] = {0}; /* four independent sums hide the latency of additions */
    const size_t end = shop_min(j->n, (item + 1) * BLOCK);
    (void)thread;
    for (size_t i = item * BLOCK; i < end; i += 4)
        for (size_t k = 0; k < 4; k++) parts[k] += (double)j->x[i + k] * (double)j->y[i + k];
    j->sums[item] = (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

/* With few blocks the calling thread is faster alone than with threads that it has to wake. */
static void share_blocks(const search *s, shop_item_fn function, vectors_job *job) {
    enum { FEW = 32 };
    if (s->n_blocks > FEW)
        shop_team_each(s->team, function, job, s->n_blocks);
    else
        for (size_t i = 0; i < s->n_blocks; i++) function(job, i, 0);
}

static double dot(const search *s, const float *x, const float *y) {
    vectors_job j = {.x = x, .y = y, .sums = s->sums, .n = s->n};
    double sum = 0;
    share_blocks(s, dot_block, &j);
    for (size_t i = 0; i < s->n_blocks; i++) sum += s->sums[i];
    return sum;
}

static void add_block(void *argument, size_t item, int32_t thread) {
    const vectors_job *j = argument;
    const size_t end = shop_min(j->n, (item + 1) * BLOCK);
    (void)thread;
    for (size_t i = item * BLOCK; i < end; i++) j->out[i] = j->x[i] + j->factor * j->y[i];
}

/* out = x + factor * y; out may be x. */
static void add(const search *s, float *out, const float *x, double factor, const float *y) {
    vectors_job j = {.x = x, .y = y, .out = out, .factor = (float)factor, .n = s->n};
    share_blocks(s, add_block, &j);
}

static void scale(const search *s, float *x, double factor) { add(s, x, x, factor - 1, x); }

/* direction = -H gradient, H being the approximate inverse Hessian: the two-loop recursion. */
static void choose_direction(search *s) {
    double alpha[MEMORY];
    memcpy(s->direction, s->gradient, s->n * sizeof *s->direction);
    for (size_t age = 0; age < s->n_kept; age++) {
        const size_t k = (s->newest + MEMORY - age) % MEMORY;
        alpha[k] = dot(s, s->steps[k], s->direction) / s->curvature[k];
        add(s, s->direction, s->direction, -alpha[k], s->changes[k]);
    }
    if (s->n_kept) {
        const size_t k = s->newest;
        scale(s, s->direction, s->curvature[k] / dot(s, s->changes[k], s->changes[k]));
    }
    for (size_t age = s->n_kept; age-- > 0;) {
        const size_t k = (s->newest + MEMORY - age) % MEMORY;
        const double beta = dot(s, s->changes[k], s->direction) / s->curvature[k];
        add(s, s->direction, s->direction, alpha[k] - beta, s->steps[k]);
    }
    scale(s, s->direction, -1);
}

static double loss_at(search *s, double step) {
    add(s, s->w->values, s->start, step, s->direction);
    return shop_loss(s->team, s->m, s->w, s->settings->l2, s->scores, s->losses, s->gradient);
}

/* Moves along the direction until the loss has fallen and the slope has flattened enough (weak Wolfe conditions, by
 * bisection). Returns the new loss, or the old one if no step lowers it. */
static double line_search(search *s, double loss, double slope, double step) {
    enum { MOST_TRIES = 20 };
    double low = 0, high = 0;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        const double found = loss_at(s, step);
        if (!(found <= loss + 1e-4 * step * slope)) {
            high = step;
        } else if (dot(s, s->gradient, s->direction) < 0.9 * slope) {
            low = step;
        } else {
            return found;
        }
        step = high > 0 ? (low + high) / 2 : 2 * low;
    }
    return low > 0 ? loss_at(s, low) : loss;
}

/* Adds the last step to the history unless its curvature is not positive. */
static void add_step(search *s) {
    const size_t k = s->n_kept ? (s->newest + 1) % MEMORY : 0;
    add(s, s->steps[k], s->w->values, -1, s->start);
    add(s, s->changes[k], s->gradient, -1, s->start_gradient);
    s->curvature[k] = dot(s, s->steps[k], s->changes[k]);
    if (!(s->curvature[k] > 1e-20)) return;
    s->newest = k;
    if (s->n_kept < MEMORY) s->n_kept++;
}

llmcs_status shop_report_progress(llmcs_progress_fn progress, void *user, float done) {
    if (!progress) return LLMCS_OK;
    shop_call *call = shop_callback_begin();
    const int stop = progress(user, done);
    shop_callback_end(call);
    return stop ? shop_fail(LLMCS_CANCELLED, "training was cancelled") : LLMCS_OK;
}

static llmcs_status minimise(search *s) {
    const shop_fit_settings *settings = s->settings;
    double loss = shop_loss(s->team, s->m, s->w, settings->l2, s->scores, s->losses, s->gradient);
    for (int32_t i = 0; i < settings->max_iterations; i++) {
        const float done = settings->done_from +
                           (settings->done_to - settings->done_from) * (float)i / (float)settings->max_iterations;
        SHOP_TRY(shop_report_progress(settings->progress, settings->progress_user, done));
        choose_direction(s);
        double slope = dot(s, s->gradient, s->direction);
        if (!(slope < 0)) break;
        memcpy(s->start, s->w->values, s->n * sizeof *s->start);
        memcpy(s->start_gradient, s->gradient, s->n * sizeof *s->start_gradient);
        const double step = s->n_kept ? 1 : 1 / sqrt(-slope);
        const double next = line_search(s, loss, slope, step);
        if (!(next < loss)) {
            memcpy(s->w->values, s->start, s->n * sizeof *s->start);
            break;
        }
        add_step(s);
        const bool converged = loss - next < 1e-4 * next;
        loss = next;
        if (converged) break;
    }
    return LLMCS_OK;
}

llmcs_status shop_fit(const llmcs_allocator *a, shop_team *team, const shop_matrix *m,
                      const shop_fit_settings *settings, shop_weights *w) {
    search s = {.team = team, .m = m, .settings = settings, .w = w};
    float **const vectors[] = {&s.gradient, &s.direction, &s.start, &s.start_gradient};
    llmcs_status status;
    s.n = (w->n_features + w->n_dense + 1) * w->stride;
    s.n_blocks = (s.n + BLOCK - 1) / BLOCK;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        SHOP_TRY_GOTO(status, shop_alloc(a, s.n, sizeof(float), "training", vectors[i]), done);
    for (size_t i = 0; i < MEMORY; i++) {
        SHOP_TRY_GOTO(status, shop_alloc(a, s.n, sizeof(float), "training", &s.steps[i]), done);
        SHOP_TRY_GOTO(status, shop_alloc(a, s.n, sizeof(float), "training", &s.changes[i]), done);
    }
    SHOP_TRY_GOTO(status, shop_alloc_zero(a, m->n_rows * w->stride, sizeof(float), "training", &s.scores), done);
    SHOP_TRY_GOTO(status, shop_alloc(a, m->n_rows, sizeof(double), "training", &s.losses), done);
    SHOP_TRY_GOTO(status, shop_alloc(a, s.n_blocks, sizeof(double), "training", &s.sums), done);
    status = minimise(&s);
done:
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) shop_free(a, *vectors[i]);
    for (size_t i = 0; i < MEMORY; i++) {
        shop_free(a, s.steps[i]);
        shop_free(a, s.changes[i]);
    }
    shop_free(a, s.scores);
    shop_free(a, s.losses);
    shop_free(a, s.sums);
    return status;
}
