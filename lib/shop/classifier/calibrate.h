/* Calibration on held-out predictions: temperature, out-of-scope score, threshold, measured figures. */
#ifndef SHOP_CLASSIFIER_CALIBRATE_H
#define SHOP_CLASSIFIER_CALIBRATE_H

#include "shop/classifier/crossval.h"

/* The temperature with the least log loss over the in-scope rows among `rows` (Guo et al. 2017). */
double shop_find_temperature(const shop_plan *plan, const shop_held_out *held_out, const uint32_t *rows, size_t n);

/* Sum of -log p(label) over the in-scope rows among `rows`. */
double shop_log_loss(const shop_plan *plan, const shop_held_out *held_out, const uint32_t *rows, size_t n,
                     double temperature);

/* Where out-of-scope rows come from: nowhere, rows with oos_label, rows of classes that were held out. */
typedef enum shop_oos_source { SHOP_OOS_NONE, SHOP_OOS_GIVEN, SHOP_OOS_CLASSES } shop_oos_source;

/* Sets classifier->temperature, oos and figures. unknown: only for SHOP_OOS_CLASSES, predictions of rows by models that
 * were trained without the rows' classes. keep: share of in-scope rows below the threshold. */
llmcs_status shop_calibrate(const shop_plan *plan, const shop_held_out *held_out, const shop_held_out *unknown,
                            shop_oos_source source, double keep, llmcs_shop_classifier *classifier);

#endif
