/* Calibration on held-out predictions: temperature, out-of-scope score and its threshold, figures. */
#ifndef SHOP_CLASSIFIER_CALIBRATE_H
#define SHOP_CLASSIFIER_CALIBRATE_H

#include "shop/classifier/crossval.h"

/* The temperature with the least log loss over the in-scope rows among `rows` (Guo et al. 2017). */
double shop_find_temperature(const shop_plan *plan, const shop_held_out *held_out, const uint32_t *rows, size_t n);

/* Sum of -log p(label) over the in-scope rows among `rows`. */
double shop_log_loss(const shop_plan *plan, const shop_held_out *held_out, const uint32_t *rows, size_t n,
                     double temperature);

/* Where out-of-scope rows come from. */
typedef enum shop_oos_source { SHOP_OOS_NONE, SHOP_OOS_GIVEN, SHOP_OOS_CLASSES } shop_oos_source;

/* Sets classifier->temperature, oos and figures. `unknown`: for SHOP_OOS_CLASSES, predictions of the same rows by
 * models without their classes. keep: the share of in-scope rows below the threshold. */
llmcs_status shop_calibrate(const shop_plan *plan, const shop_held_out *held_out, const shop_held_out *unknown,
                            shop_oos_source source, double keep, llmcs_shop_classifier *classifier);

#endif
