/* Multinomial logistic regression by L-BFGS. */
#ifndef SHOP_CLASSIFIER_FIT_H
#define SHOP_CLASSIFIER_FIT_H

#include "shop/classifier/corpus.h"

/* The weights: one row per feature (n-grams, then elements of the dense vector, then the bias), one column per class,
 * padded with zeros to `stride` columns. */
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

/* Calls progress, unless it is NULL, as a host callback. CANCELLED if it returns nonzero. */
llmcs_status shop_report_progress(llmcs_progress_fn progress, void *user, float done);

/* Creates weights of zero. */
llmcs_status shop_weights_create(const llmcs_allocator *a, const shop_matrix *matrix, size_t n_classes,
                                 shop_weights *weights);
void shop_weights_free(const llmcs_allocator *a, shop_weights *weights);

/* Minimises the loss, starting from the given weights. Same bits for any number of threads. CANCELLED if progress
 * returns nonzero. */
llmcs_status shop_fit(const llmcs_allocator *a, shop_team *team, const shop_matrix *matrix,
                      const shop_fit_settings *settings, shop_weights *weights);

/* Computes logits [n_rows, stride] of the matrix. */
void shop_logits(shop_team *team, const shop_matrix *matrix, const shop_weights *weights, float *logits);

/* Returns the loss at the given weights and sets its gradient, which has the size of the weights. Workspace: scores
 * [n_rows, stride], losses [n_rows]. Public for tests. */
double shop_loss(shop_team *team, const shop_matrix *matrix, const shop_weights *weights, double l2, float *scores,
                 double *losses, float *gradient);

#endif
