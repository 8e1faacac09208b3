/* From a fitted model in floats to the classifier that predicts. */
#ifndef SHOP_CLASSIFIER_QUANTIZE_H
#define SHOP_CLASSIFIER_QUANTIZE_H

#include "shop/classifier/crossval.h"

/* The dense vector's elements were multiplied by dense_scale after their mean was subtracted; both go into the weights.
 * Sets the classifier's dictionary, weights, scales, bias and class means. Allocates them. */
llmcs_status shop_quantize(const shop_plan *plan, const shop_fitted *fitted, float dense_scale,
                           llmcs_shop_classifier *classifier);

/* Allocates what has n_features, n_dense, n_classes and n_labels elements, which are set. LIMIT above 2^28 weights. */
llmcs_status shop_classifier_alloc_weights(llmcs_shop_classifier *classifier);

#endif
