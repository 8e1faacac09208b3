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

/* What became of a reply that was suggested. */
typedef enum llmcs_shop_outcome {
    LLMCS_OUTCOME_NONE = 0,     /* nothing was suggested */
    LLMCS_OUTCOME_SHOWN = 1,    /* not decided yet */
    LLMCS_OUTCOME_ACCEPTED = 2, /* sent as it was */
    LLMCS_OUTCOME_EDITED = 3,   /* sent after a change */
    LLMCS_OUTCOME_REJECTED = 4
} llmcs_shop_outcome;

/* "none", "shown", "accepted", "edited", "rejected"; NULL for other values. */
LLMCS_SHOP_API const char *llmcs_shop_outcome_name(llmcs_shop_outcome outcome);

/* One thing that was learnt of a customer's text: its right class, the reply that was sent, or how good an answer
 * was. */
typedef struct llmcs_shop_feedback {
    size_t struct_size;
    const char *id;           /* the host's; a row with the same id is replaced */
    const char *customer;     /* whose text it is, or NULL. llmcs_shop_forget deletes a customer's rows */
    const char *conversation; /* or NULL */
    const char *lang;         /* or NULL: "zh" if the text has Han characters, else "en" */
    const char *text;         /* the customer's, 1 to 65,536 bytes */
    const char *model;        /* the classifier that `label` teaches, "intents"; or NULL */
    const char *label;        /* the right class, or NULL */
    const char *predicted;    /* what the classifier said, or NULL */
    const char *reply;        /* what was sent to the customer, or NULL */
    llmcs_shop_outcome outcome;
    double rating;     /* of the answer, 0 to 1; negative: none */
    int32_t consent;   /* 1: the customer agreed that the text trains models. Without it a row is never exported and
                          never trained on */
    int64_t time;      /* 0: now */
    const char *actor; /* who gave it, or NULL */
} llmcs_shop_feedback;

/* Adds feedback, or replaces rows with the same ids. Texts and replies are masked by `guard` before they are stored;
 * guard NULL: they are masked already. Replies that were accepted or edited are what llmcs_shop_assist suggests again.
 * The rest as llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_feedback(llmcs_shop *shop, const llmcs_shop_guard *guard,
                                                    const llmcs_shop_feedback *const *rows, size_t n,
                                                    llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* A row as one line of JSON without its line end, NUL-terminated, valid during the call. A result other than 0 stops
 * the export with LLMCS_CANCELLED. */
typedef int (*llmcs_shop_export_fn)(void *user, const char *json, size_t json_bytes);

typedef struct llmcs_shop_export_params {
    size_t struct_size;
    llmcs_shop_role role; /* [TRAINER] of the one that exports: llmcs_shop_may decides, see llmcs_shop_privacy.h */
    llmcs_shop_purpose purpose;    /* [FOR_TRAINING] */
    const char *actor;             /* [NULL] who it is, for the audit */
    const char *model;             /* [NULL] only rows that teach this classifier */
    const char *lang;              /* [NULL] only in this language */
    int64_t since;                 /* [0] only from this time on */
    const llmcs_shop_guard *guard; /* [NULL] masks every text once more: rules may have improved since */
} llmcs_shop_export_params;

LLMCS_SHOP_API void llmcs_shop_export_params_init_sized(llmcs_shop_export_params *params, size_t struct_size);
#define llmcs_shop_export_params_init(params) llmcs_shop_export_params_init_sized((params), sizeof *(params))

/* Hands out feedback that customers consented to, oldest first: {"id","text","lang","model"?,"label"?,"predicted"?,
 * "reply"?,"outcome","rating"?,"time"}. Customers and conversations are left out. The audit says who exported how many
 * rows for which purpose. params: NULL for the defaults. *n_rows: may be NULL. Errors: as the store's, STATE (the role
 * may not) CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_export(llmcs_shop *shop, const llmcs_shop_export_params *params,
                                              llmcs_shop_export_fn row, void *user, size_t *n_rows);

/* ----------------------------------------------------------------------------------------------- compare */

typedef struct llmcs_shop_contest_params {
    size_t struct_size;
    const char *oos_label; /* [NULL] rows with this label belong to no class: right is not to accept them. Then a row
                              that is not accepted counts as this label, else the best class counts always */
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

/* Keeps a classifier in the store as the next version of `model` (a name such as "intents") without using it. Errors:
 * as the store's, LIMIT (more than 60 MB). */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_model(llmcs_shop *shop, const char *model,
                                                 const llmcs_shop_classifier *classifier, int32_t *version);

/* Opens a version of a model with the store's encoder; 0: the live one. Errors: as the store's and
 * llmcs_shop_classifier_open, ARG (no such version). */
LLMCS_SHOP_API llmcs_status llmcs_shop_open_model(llmcs_shop *shop, const char *model, int32_t version,
                                                  llmcs_shop_classifier **classifier);

/* llmcs_shop_classifier_compare of two versions of a model, kept in the store: llmcs_shop_promote looks for it. The
 * test rows must be the model's own, see llmcs_shop_retrain_params; the first that it is compared on become that.
 * Errors: as llmcs_shop_open_model and llmcs_shop_classifier_compare. */
LLMCS_SHOP_API llmcs_status llmcs_shop_compare_models(llmcs_shop *shop, const char *model, int32_t a, int32_t b,
                                                      const llmcs_shop_example *tests, size_t n,
                                                      const llmcs_shop_contest_params *params,
                                                      llmcs_shop_comparison *comparison);

typedef struct llmcs_shop_retrain_params {
    size_t struct_size;
    const char *model;              /* its name; must be given */
    const llmcs_shop_example *base; /* [NULL] [n_base] rows that every version is trained on */
    size_t n_base;
    const llmcs_shop_example
        *tests; /* [NULL] [n_tests] rows for comparing; none of their texts is trained on. The first
                   set of a model stays its only one: another is ARG, unless new_tests is 1 */
    size_t n_tests;
    int32_t new_tests;          /* [0] 1: these test rows replace those before */
    int32_t weight;             /* [1] how often a row of feedback counts next to a base row, 1 to 100 */
    int32_t min_feedback;       /* [1] fewer usable rows of feedback are LLMCS_STATE */
    const char *oos_label;      /* [NULL] as in llmcs_shop_train_params */
    uint32_t train_flags;       /* [0] LLMCS_SHOP_TRAIN_*; NO_EXAMPLES always: customers' texts are not in a version */
    int32_t n_threads;          /* [0] as in llmcs_shop_train_params, and so are the next two */
    int32_t n_folds;            /* [0] */
    double l2;                  /* [0] */
    const char *metric;         /* ["accuracy"] of the comparison */
    const char *actor;          /* [NULL] for the audit */
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_shop_retrain_params;

LLMCS_SHOP_API void llmcs_shop_retrain_params_init_sized(llmcs_shop_retrain_params *params, size_t struct_size);
#define llmcs_shop_retrain_params_init(params) llmcs_shop_retrain_params_init_sized((params), sizeof *(params))

/* Set struct_size before the call. */
typedef struct llmcs_shop_retrained {
    size_t struct_size;
    int32_t version;                  /* the new one */
    int32_t compared_to;              /* the live version; 0: there is none, and nothing was compared */
    uint64_t n_base;                  /* rows that were trained on */
    uint64_t n_feedback;              /* and those of feedback, each counted once */
    uint64_t n_left_out;              /* rows whose text is a test row's */
    llmcs_shop_comparison comparison; /* a: the live version, b: the new one */
} llmcs_shop_retrained;

/* Trains the next version of a classifier on base rows and on the labels of the store's feedback (with consent; the
 * last label of a text counts), compares it with the live version and keeps both version and comparison. The live
 * version goes on answering. Errors: as the store's, llmcs_shop_classifier_train and llmcs_shop_classifier_compare. */
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
    int32_t unproven;     /* [0] LIVE: 1 also a version that was never compared, or that is worse with 95 % certainty */
    const char *actor;    /* [NULL] for the audit */
} llmcs_shop_promote_params;

LLMCS_SHOP_API void llmcs_shop_promote_params_init_sized(llmcs_shop_promote_params *params, size_t struct_size);
#define llmcs_shop_promote_params_init(params) llmcs_shop_promote_params_init_sized((params), sizeof *(params))

/* Uses a version from the next llmcs_shop_rollout_refresh on, in every process. SHADOW and CANARY leave the live one
 * live, and need one; LIVE ends them. params: NULL for the defaults. Errors: as the store's, ARG (no such version)
 * STATE (unproven, no live version). */
LLMCS_SHOP_API llmcs_status llmcs_shop_promote(llmcs_shop *shop, const char *model, int32_t version,
                                               const llmcs_shop_promote_params *params);

/* Undoes the last promotion: a shadow or canary ends, else the version that was live before is live again; called
 * again, the one before that. *version (may be NULL): the one that is live now. Errors: as the store's, STATE (there is
 * nothing before). */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollback(llmcs_shop *shop, const char *model, const char *actor,
                                                int32_t *version);

/* Set struct_size before the call. */
typedef struct llmcs_shop_deployment {
    size_t struct_size;
    int32_t live;       /* version; 0: none */
    int32_t challenger; /* version in shadow or canary; 0: none */
    llmcs_shop_mode mode;
    double share;
    int32_t n_versions;  /* kept in the store */
    uint64_t n_compared; /* texts that both versions classified in shadow */
    uint64_t n_differ;   /* of them, those with another class or acceptance */
} llmcs_shop_deployment;

/* Errors: as the store's. A model that the store does not know has zeros. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_deployment(llmcs_shop *shop, const char *model,
                                                      llmcs_shop_deployment *deployment);

/* The versions of a model in use, inside one process. Any number of threads predict while versions are swapped. */
typedef struct llmcs_shop_rollout llmcs_shop_rollout;

/* Opens the live version and the challenger. fallback: answers while no version is live, NULL: then predictions are
 * LLMCS_STATE; the rollout keeps a reference. The shop must outlive the rollout. Errors: as llmcs_shop_open_model. */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollout_create(llmcs_shop *shop, const char *model,
                                                      const llmcs_shop_classifier *fallback,
                                                      llmcs_shop_rollout **rollout);
LLMCS_SHOP_API void llmcs_shop_rollout_free(llmcs_shop_rollout **rollout);

/* Follows the store: opens versions that were promoted since and swaps them; predictions that are running end on the
 * old ones, none fails. Writes what the shadow has counted to the store. Costs one look-up where nothing changed.
 * *changed: may be NULL. On failure everything stays as it was. Errors: as llmcs_shop_open_model. */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollout_refresh(llmcs_shop_rollout *rollout, int32_t *changed);

/* The classifier that answers a conversation: the challenger of a canary if the conversation is in its share, else the
 * live one. A new reference; free it after the request. *version: 0 for the fallback; may be NULL. NULL if there is
 * none. */
LLMCS_SHOP_API llmcs_shop_classifier *llmcs_shop_rollout_get(llmcs_shop_rollout *rollout, const char *conversation,
                                                             int32_t *version);

/* The slot with the live version, for a desk (llmcs_shop_desk_options.intents); belongs to the rollout. */
LLMCS_SHOP_API llmcs_shop_classifier_slot *llmcs_shop_rollout_slot(llmcs_shop_rollout *rollout);

/* llmcs_shop_classifier_predict by the version that answers the conversation; in shadow also by the challenger, whose
 * failures change nothing. Labels of the predictions live until llmcs_shop_classifier_free of *used, a reference the
 * caller gets. Errors: as llmcs_shop_classifier_predict, STATE (no version). */
LLMCS_SHOP_API llmcs_status llmcs_shop_rollout_predict(llmcs_shop_rollout *rollout, const char *conversation,
                                                       const llmcs_text *texts, size_t n_texts,
                                                       const llmcs_shop_predict_params *params,
                                                       llmcs_shop_predictions **predictions,
                                                       llmcs_shop_classifier **used, int32_t *version);

#ifdef __cplusplus
}
#endif
#endif
