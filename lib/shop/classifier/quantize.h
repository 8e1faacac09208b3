/* Converts a fitted float model to the 8-bit classifier used for prediction. */
#ifndef SHOP_CLASSIFIER_QUANTIZE_H
#define SHOP_CLASSIFIER_QUANTIZE_H

#include "shop/classifier/crossval.h"

/* Allocates and sets the classifier's dictionary, weights, scales, bias and class means. In training, dense vectors had
 * their mean subtracted and were multiplied by dense_scale; both are folded into the weights. */
llmcs_status shop_quantize(const shop_plan *plan, const shop_fitted *fitted, float dense_scale,
                           llmcs_shop_classifier *classifier);

/* Allocates the arrays whose sizes n_features, n_dense, n_classes and n_labels give; these must be set. LIMIT above
 * 2^28 weights. */
llmcs_status shop_classifier_alloc_weights(llmcs_shop_classifier *classifier);

#endif
