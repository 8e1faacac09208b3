/*
 * llmcs_shop_learn.h - a shop that learns: feedback and new versions of classifiers. Included by llmcs_shop.h, whose
 * rules hold here.
 *
 *     llmcs_shop_feedback right = {.struct_size = sizeof right, .id = "f-1", .text = "my parcel never came",
 *                                  .model = "intents", .label = "delivery_problem", .consent = 1, .rating = -1};
 *     const llmcs_shop_feedback *rows[] = {&right};
 *     llmcs_shop_put_feedback(shop, guard, rows, 1, NULL, NULL, NULL);
 *
 *     llmcs_shop_retrain_params params;
 *     llmcs_shop_retrained made = {.struct_size = sizeof made};
 *     llmcs_shop_retrain_params_init(&params);
 *     params.model = "intents";
 *     params.base = base, params.n_base = n_base;
 *     params.tests = tests, params.n_tests = n_tests;                    rows that no version is trained on
 *     llmcs_shop_retrain(shop, &params, &made);                          made.version answers nobody yet
 *     if (made.comparison.low > 0) llmcs_shop_promote(shop, "intents", made.version, NULL);
 *
 * Each step is on record in the store: what was trained on what, how the versions compared on which rows, which one
 * answered when, and who decided it.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_LEARN_H
#define LLMCS_SHOP_LEARN_H

#include "llmcs_shop_classifier.h"
#include "llmcs_shop_metrics.h"
#include "llmcs_shop_privacy.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_shop_guard llmcs_shop_guard; /* llmcs_shop_guard.h */

/* ---------------------------------------------------------------------------------------------- feedback */

/* Outcome of a suggested reply. */
typedef enum llmcs_shop_outcome {
    LLMCS_OUTCOME_NONE = 0,     /* nothing was suggested */
    LLMCS_OUTCOME_SHOWN = 1,    /* not decided yet */
    LLMCS_OUTCOME_ACCEPTED = 2, /* sent as it was */
    LLMCS_OUTCOME_EDITED = 3,   /* sent after a change */
    LLMCS_OUTCOME_REJECTED = 4
} llmcs_shop_outcome;

/* "none", "shown", "accepted", "edited", "rejected"; NULL for other values. */
LLMCS_SHOP_API const char *llmcs_shop_outcome_name(llmcs_shop_outcome outcome);

/* Feedback on a customer's text: its right class, the reply that was sent, or a rating of the answer. */
typedef struct llmcs_shop_feedback {
    size_t struct_size;
    const char *id;           /* the host's; a row with the same id is replaced */
    const char *customer;     /* whose text it is, or NULL. llmcs_shop_forget deletes a customer's rows */
    const char *conversation; /* or NULL */
    const char *lang;         /* or NULL: "zh" if the text has Han characters, else "en" */
    const char *text;         /* the customer's, 1 to 65,536 bytes */
    const char *model;        /* the classifier that `label` is for, "intents"; or NULL */
    const char *label;        /* the right class, or NULL */
    const char *predicted;    /* what the classifier said, or NULL */
    const char *reply;        /* what was sent to the customer, or NULL */
    llmcs_shop_outcome outcome;
    double rating;     /* of the answer, 0 to 1; negative: none */
    int32_t consent;   /* 1: the customer agreed that the text may train models. Rows without consent are never exported
                          and never trained on */
    int64_t time;      /* 0: now */
    const char *actor; /* who gave it, or NULL */
} llmcs_shop_feedback;

/* Adds feedback, or replaces rows with the same ids. Texts and replies are masked by `guard` before they are stored;
 * guard NULL: they are already masked. llmcs_shop_assist suggests replies again whose outcome is ACCEPTED or EDITED.
 * Otherwise like llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_feedback(llmcs_shop *shop, const llmcs_shop_guard *guard,
                                                    const llmcs_shop_feedback *const *rows, size_t n,
                                                    llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* Receives a row as one line of JSON without the line end, NUL-terminated, valid during the call. A nonzero result
 * stops the export with LLMCS_CANCELLED. */
typedef int (*llmcs_shop_export_fn)(void *user, const char *json, size_t json_bytes);

typedef struct llmcs_shop_export_params {
    size_t struct_size;
    llmcs_shop_role role;          /* [TRAINER] of the actor; must be allowed by llmcs_shop_may */
    llmcs_shop_purpose purpose;    /* [FOR_TRAINING] */
    const char *actor;             /* [NULL] for the audit */
    const char *model;             /* [NULL] only rows for this classifier */
    const char *lang;              /* [NULL] only in this language */
    int64_t since;                 /* [0] only from this time on */
    const llmcs_shop_guard *guard; /* [NULL] masks every text again, since the rules may have improved */
} llmcs_shop_export_params;

LLMCS_SHOP_API void llmcs_shop_export_params_init_sized(llmcs_shop_export_params *params, size_t struct_size);
#define llmcs_shop_export_params_init(params) llmcs_shop_export_params_init_sized((params), sizeof *(params))

/* Exports the feedback that has consent, oldest first: {"id","text","lang","model"?,"label"?,"predicted"?,"reply"?,
 * "outcome","rating"?,"time"}. Customers and conversations are left out. The audit records actor, purpose and number of
 * rows before the first row is passed on. params: NULL for the defaults. *n_rows: may be NULL. Errors: those of the
 * store, STATE (the role is not allowed) CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_export(llmcs_shop *shop, const llmcs_shop_export_params *params,
                                              llmcs_shop_export_fn row, void *user, size_t *n_rows);

/* ----------------------------------------------------------------------------------------------- compare */

typedef struct llmcs_shop_contest_params {
    size_t struct_size;
    const char *oos_label; /* [NULL] rows with this label belong to no class and should not be accepted: a prediction
                              that is not accepted counts as this label. NULL: the best class always counts */
    const char *metric;    /* ["accuracy"] or f1_macro, f1_micro, mcc */
    uint64_t seed;         /* [12345] of the bootstrap */
    int32_t n_samples;     /* [1000] */
} llmcs_shop_contest_params;

LLMCS_SHOP_API void llmcs_shop_contest_params_init_sized(llmcs_shop_contest_params *params, size_t struct_size);
#define llmcs_shop_contest_params_init(params) llmcs_shop_contest_params_init_sized((params), sizeof *(params))

/* Two classifiers on the same test rows, [n]: the score of each, the difference b - a with its 95 % interval and p by
 * paired bootstrap. comparison: set its struct_size first. params: NULL for the defaults. Errors: as
 * llmcs_shop_classifier_predict and llmcs_shop_measure_compare. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_compare(const llmcs_shop_classifier *a,
                                                          const llmcs_shop_classifier *b,
                                                          const llmcs_shop_example *tests, size_t n,
                                                          const llmcs_shop_contest_params *params,
                                                          llmcs_shop_comparison *comparison);

/* ------------------------------------------------------------------------------------- versions of models */

/* Stores a classifier as the next version of `model` (a name such as "intents") without using it. Errors: those of the
 * store, LIMIT (more than 60 MiB). */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_model(llmcs_shop *shop, const char *model,
                                                 const llmcs_shop_classifier *classifier, int32_t *version);

/* Opens a version of a model with the store's encoder; 0: the live one. Errors: those of the store and of
 * llmcs_shop_classifier_open, ARG (no such version). */
LLMCS_SHOP_API llmcs_status llmcs_shop_open_model(llmcs_shop *shop, const char *model, int32_t version,
                                                  llmcs_shop_classifier **classifier);

/* Compares two versions of a model like llmcs_shop_classifier_compare, and stores the result for llmcs_shop_promote. A
 * model keeps its first test rows: other rows are ARG, see llmcs_shop_retrain_params. Errors: as llmcs_shop_open_model
 * and llmcs_shop_classifier_compare. */
LLMCS_SHOP_API llmcs_status llmcs_shop_compare_models(llmcs_shop *shop, const char *model, int32_t a, int32_t b,
                                                      const llmcs_shop_example *tests, size_t n,
                                                      const llmcs_shop_contest_params *params,
                                                      llmcs_shop_comparison *comparison);

typedef struct llmcs_shop_retrain_params {
    size_t struct_size;
    const char *model;              /* its name, required */
    const llmcs_shop_example *base; /* [NULL] [n_base] rows that every version is trained on */
    size_t n_base;
    const llmcs_shop_example *tests; /* [NULL] [n_tests] rows for comparisons; their texts are never trained on. A model
                                        keeps its first test rows: other rows are ARG unless new_tests is 1 */
    size_t n_tests;
    int32_t new_tests;     /* [0] 1: replaces the model's test rows by these */
    int32_t weight;        /* [1] weight of a feedback row relative to a base row, 1 to 100 */
    int32_t min_feedback;  /* [1] LLMCS_STATE if there are fewer usable rows of feedback */
    const char *oos_label; /* [NULL] as in llmcs_shop_train_params */
    uint32_t train_flags;  /* [0] LLMCS_SHOP_TRAIN_*; NO_EXAMPLES is always set, so that no version holds customers'
                              texts */
    int32_t n_threads;     /* [0] as in llmcs_shop_train_params */
    int32_t n_folds;       /* [0] as in llmcs_shop_train_params */
    double l2;             /* [0] as in llmcs_shop_train_params */
    const char *metric;    /* ["accuracy"] of the comparison */
    const char *actor;     /* [NULL] for the audit */
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_shop_retrain_params;

LLMCS_SHOP_API void llmcs_shop_retrain_params_init_sized(llmcs_shop_retrain_params *params, size_t struct_size);
#define llmcs_shop_retrain_params_init(params) llmcs_shop_retrain_params_init_sized((params), sizeof *(params))

/* Set struct_size before the call. */
typedef struct llmcs_shop_retrained {
    size_t struct_size;
    int32_t version;                  /* the new one */
    int32_t compared_to;              /* the live version; 0: nothing was compared */
    uint64_t n_base;                  /* base rows trained on */
    uint64_t n_feedback;              /* feedback rows trained on, each counted once */
    uint64_t n_left_out;              /* rows left out because their text is in a test row */
    llmcs_shop_comparison comparison; /* a: the live version, b: the new one */
} llmcs_shop_retrained;

/* Trains the next version of a classifier on base rows and on the labels of feedback with consent (the last label of a
 * text counts), compares it with the live version, and stores version and comparison. The live version stays in use.
 * Errors: those of the store, llmcs_shop_classifier_train and llmcs_shop_classifier_compare. */
LLMCS_SHOP_API llmcs_status llmcs_shop_retrain(llmcs_shop *shop, const llmcs_shop_retrain_params *params,
                                               llmcs_shop_retrained *retrained);

/* ------------------------------------------------------------------------------------- promote, roll back */

/* How a version is used. */
typedef enum llmcs_shop_mode {
    LLMCS_MODE_LIVE = 0,   /* it answers everybody */
    LLMCS_MODE_SHADOW = 1, /* the live one answers; this one is evaluated too, and where they differ is counted */
    LLMCS_MODE_CANARY = 2  /* it answers a share of the conversations, the same ones each time */
} llmcs_shop_mode;

typedef struct llmcs_shop_promote_params {
    size_t struct_size;
    llmcs_shop_mode mode; /* [LIVE] */
    double share;         /* [0.1] CANARY: of the conversations, 0 to 1 */
    int32_t unproven;     /* [0] LIVE: 1: also if it was not compared with the live version, or is worse with 95 %
                             confidence */
    const char *actor;    /* [NULL] for the audit */
} llmcs_shop_promote_params;

LLMCS_SHOP_API void llmcs_shop_promote_params_init_sized(llmcs_shop_promote_params *params, size_t struct_size);
#define llmcs_shop_promote_params_init(params) llmcs_shop_promote_params_init_sized((params), sizeof *(params))

/* Makes every process use a version from its next llmcs_shop_rollout_refresh on. SHADOW and CANARY run next to the live
 * version, which must exist; LIVE ends them. params: NULL for the defaults. Errors: those of the store, ARG (no such
 * version) STATE (unproven, no live version). */
LLMCS_SHOP_API llmcs_status llmcs_shop_promote(llmcs_shop *shop, const char *model, int32_t version,
                                               const llmcs_shop_promote_params *params);

/* Undoes the last promotion: ends a shadow or canary, else makes the previous live version live again. Repeated calls
 * go further back. *version (may be NULL): the version that is live now. Errors: those of the store, STATE (nothing to
 * undo). */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollback(llmcs_shop *shop, const char *model, const char *actor,
                                                int32_t *version);

/* Set struct_size before the call. */
typedef struct llmcs_shop_deployment {
    size_t struct_size;
    int32_t live;       /* version; 0: none */
    int32_t challenger; /* version in shadow or canary; 0: none */
    llmcs_shop_mode mode;
    double share;
    int32_t n_versions;  /* in the store */
    uint64_t n_compared; /* texts that both versions classified in shadow */
    uint64_t n_differ;   /* of these, texts with a different class or acceptance */
} llmcs_shop_deployment;

/* Errors: those of the store. For an unknown model all members are zero. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_deployment(llmcs_shop *shop, const char *model,
                                                      llmcs_shop_deployment *deployment);

/* The versions of a model that a process uses. Any number of threads can predict while versions are swapped. */
typedef struct llmcs_shop_rollout llmcs_shop_rollout;

/* Opens the live version and the challenger. fallback: used while no version is live (NULL: predictions then return
 * LLMCS_STATE); the rollout keeps a reference. The shop must outlive the rollout. Errors: as llmcs_shop_open_model. */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollout_create(llmcs_shop *shop, const char *model,
                                                      const llmcs_shop_classifier *fallback,
                                                      llmcs_shop_rollout **rollout);
LLMCS_SHOP_API void llmcs_shop_rollout_free(llmcs_shop_rollout **rollout);

/* Opens and swaps in versions that were promoted since the last call. Predictions in progress finish on the old
 * versions. Also writes the shadow's counts to the store. Costs one look-up if nothing has changed. *changed: may be
 * NULL. On failure nothing changes. Errors: as llmcs_shop_open_model. */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollout_refresh(llmcs_shop_rollout *rollout, int32_t *changed);

/* A new reference to the classifier for a conversation: the challenger if the conversation is in a canary's share, else
 * the live version. Free it after the request. NULL if there is none. *version: 0 for the fallback; may be NULL. */
LLMCS_SHOP_API llmcs_shop_classifier *llmcs_shop_rollout_get(llmcs_shop_rollout *rollout, const char *conversation,
                                                             int32_t *version);

/* The slot with the live version, for llmcs_shop_desk_options.intents. It belongs to the rollout. */
LLMCS_SHOP_API llmcs_shop_classifier_slot *llmcs_shop_rollout_slot(llmcs_shop_rollout *rollout);

/* llmcs_shop_classifier_predict with the version for the conversation; in shadow mode also with the challenger, whose
 * failures are ignored. *used: a reference to the classifier, which the caller frees; labels of the predictions live
 * that long. Errors: as llmcs_shop_classifier_predict, STATE (no version). */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollout_predict(llmcs_shop_rollout *rollout, const char *conversation,
                                                       const llmcs_text *texts, size_t n_texts,
                                                       const llmcs_shop_predict_params *params,
                                                       llmcs_shop_predictions **predictions,
                                                       llmcs_shop_classifier **used, int32_t *version);

#ifdef __cplusplus
}
#endif
#endif
