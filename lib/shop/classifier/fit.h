/* Multinomial logistic regression by L-BFGS. */
#ifndef SHOP_CLASSIFIER_FIT_H
#define SHOP_CLASSIFIER_FIT_H

#include "shop/classifier/corpus.h"

/* Weights of all features: rows of `stride` columns, one column a class, the rest zero. Rows: n-grams, then the dense
 * vector's elements, then the bias. */
typedef struct shop_weights {
    float *values; /* [n_features + n_dense + 1, stride] */
    size_t n_features, n_dense, n_classes, stride;
} shop_weights;

typedef struct shop_fit_settings {
    double l2; /* minimises sum of weight * loss + l2 / 2 * |weights|^2 */
    int32_t max_iterations;
    llmcs_progress_fn progress; /* may be NULL */
    void *progress_user;
    float done_from, done_to; /* reported progress */
} shop_fit_settings;

/* Calls progress in the host's environment, unless it is NULL; CANCELLED if it says so. */
llmcs_status shop_report_progress(llmcs_progress_fn progress, void *user, float done);

/* Zeros. */
llmcs_status shop_weights_create(const llmcs_allocator *a, const shop_matrix *matrix, size_t n_classes,
                                 shop_weights *weights);
void shop_weights_free(const llmcs_allocator *a, shop_weights *weights);

/* Minimises from the weights given. Same bits for any number of threads. CANCELLED if progress says so. */
llmcs_status shop_fit(const llmcs_allocator *a, shop_team *team, const shop_matrix *matrix,
                      const shop_fit_settings *settings, shop_weights *weights);

/* logits: [n_rows, stride] of the matrix. */
void shop_logits(shop_team *team, const shop_matrix *matrix, const shop_weights *weights, float *logits);

/* For tests: the loss and its gradient (as large as the weights) at the weights given. scores: [n_rows, stride] of
 * workspace, losses: [n_rows]. */
double shop_loss(shop_team *team, const shop_matrix *matrix, const shop_weights *weights, double l2, float *scores,
                 double *losses, float *gradient);

#endif
