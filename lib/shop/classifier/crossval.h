/* Cross-validation: predicts every row by a model that was not trained on it, to choose the penalty and to calibrate.
 */
#ifndef SHOP_CLASSIFIER_CROSSVAL_H
#define SHOP_CLASSIFIER_CROSSVAL_H

#include "shop/classifier/classifier.h"
#include "shop/classifier/fit.h"

/* Settings common to all fits of one training call. */
typedef struct shop_plan {
    const llmcs_allocator *a;
    shop_team *team;
    const shop_corpus *corpus;
    size_t n_labels, n_classes; /* one class more than labels if there are out-of-scope rows */
    size_t min_rows, most_features;
    double l2; /* 0: not chosen yet */
    int32_t max_iterations;
    size_t n_hidden_groups; /* number of class groups that shop_predict_unknown_classes leaves out in turn */
    llmcs_progress_fn progress;
    void *progress_user;
    float done_from, done_to; /* of the next fit */
} shop_plan;

/* A model fitted to some rows. */
typedef struct shop_fitted {
    shop_dictionary dictionary;
    shop_weights weights;
    float *means; /* [n_labels, n_dense] mean vector of each class, length 1; NULL without an encoder */
} shop_fitted;

/* Fits a model to n rows. */
llmcs_status shop_plan_fit(const shop_plan *plan, const uint32_t *rows, size_t n, shop_fitted *fitted);
void shop_fitted_free(const llmcs_allocator *a, shop_fitted *fitted);

/* Predictions of rows by models that were not trained on them. */
typedef struct shop_held_out {
    float *logits;                 /* [n_rows, n_classes] */
    float (*features)[SHOP_OOS_N]; /* [n_rows] those that do not depend on logits */
} shop_held_out;

llmcs_status shop_held_out_create(const shop_plan *plan, shop_held_out *held_out);
void shop_held_out_free(const llmcs_allocator *a, shop_held_out *held_out);

/* Predicts n rows of the corpus and stores the results in the same rows of `held_out`. */
llmcs_status shop_plan_predict(const shop_plan *plan, const shop_fitted *fitted, const uint32_t *rows, size_t n,
                               shop_held_out *held_out);

/* Assigns every row to a fold: fold [n_rows], 0..n_folds-1. Spreads each class evenly; equal texts of a class share a
 * fold. */
llmcs_status shop_folds_assign(const shop_plan *plan, uint32_t n_folds, uint64_t seed, uint8_t *fold);

/* Chooses plan->l2 unless it is set, then predicts every row. Reports progress from done_from to done_to. */
llmcs_status shop_cross_validate(shop_plan *plan, const uint8_t *fold, uint32_t n_folds, shop_held_out *held_out);

/* Imitates texts of unknown classes. The group of a class is label % SHOP_CLASS_GROUPS. For each of the first
 * plan->n_hidden_groups groups, fits a model without the group's classes and predicts their rows. */
enum { SHOP_CLASS_GROUPS = 3 };
llmcs_status shop_predict_unknown_classes(const shop_plan *plan, shop_held_out *held_out);

#endif
