/*
 * llmcs_shop_classifier.h - sorts customers' texts into classes: intents, moderation, sentiment, routing.
 *
 * Multinomial logistic regression over two views of a text: hashed n-grams of words and characters (Chinese: of
 * characters), weighted by tf-idf, and the text's vector from an encoder. Either view works alone. Training runs inside
 * the process, in seconds, from 8 examples a class up to tens of thousands of rows and thousands of classes:
 *
 *     llmcs_shop_example examples[] = {{"Where is my parcel?", LLMCS_NUL, "order_status"},
 *                                      {"我的包裹到哪了", LLMCS_NUL, "order_status"},
 *                                      {"I want my money back", LLMCS_NUL, "refund"}, ...};
 *     llmcs_shop_classifier *classifier = NULL;
 *     llmcs_shop_predictions *found = NULL;
 *     llmcs_text text = {.text = "has my package been shipped", .text_bytes = LLMCS_NUL};
 *     if (llmcs_shop_classifier_train(examples, n_examples, NULL, &classifier)) return 1;
 *     llmcs_shop_classifier_save(classifier, "intent.head");
 *     if (!llmcs_shop_classifier_predict(classifier, &text, 1, NULL, &found))
 *         printf("%s %.2f%s\n", found->items[0]->label, found->items[0]->score,
 *                found->items[0]->accepted ? "" : " (not sure)");
 *     llmcs_shop_predictions_free(&found);
 *     llmcs_shop_classifier_free(&classifier);
 *
 * Every prediction carries a calibrated probability (`score`), how far the text lies outside the training data
 * (`out_of_scope`), and whether both are good enough to act on (`accepted`). Where `accepted` is 0, ask the customer to
 * clarify or hand over; a service that can do neither should not act.
 *
 * A classifier is immutable, so any number of threads may use it at once. It is reference-counted: retrain, then call
 * llmcs_shop_classifier_slot_swap; requests in progress finish on the old classifier.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_CLASSIFIER_H
#define LLMCS_SHOP_CLASSIFIER_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_shop_classifier llmcs_shop_classifier;

/* ------------------------------------------------------------------------------------------------- train */

/* A text and its class. Frozen. */
typedef struct llmcs_shop_example {
    const char *text;
    size_t text_bytes; /* or LLMCS_NUL */
    const char *label; /* NUL-terminated, 1 to 255 bytes */
} llmcs_shop_example;

/* Flags of llmcs_shop_train_params. */
#define LLMCS_SHOP_TRAIN_NO_EXAMPLES 0x1u /* keep no training text: reasons name n-grams only */
#define LLMCS_SHOP_TRAIN_NO_NGRAMS 0x2u   /* the encoder's vector alone */
#define LLMCS_SHOP_TRAIN_BALANCED 0x4u    /* rare classes count as much as frequent ones */

typedef struct llmcs_shop_train_params {
    size_t struct_size;
    llmcs_model *encoder;     /* [NULL: n-grams alone] any model with LLMCS_HEAD_EMBEDDING; used by the classifier until
                                 its last reference is freed */
    const char *encoder_path; /* [NULL] saved in the file, for programs that open it */
    const float *vectors; /* [NULL] [n_examples, n_embedding]: the texts' vectors from that encoder, if already known */
    const char *oos_label;  /* [NULL] rows with this label belong to no class: examples of out-of-scope texts */
    uint32_t flags;         /* [0] LLMCS_SHOP_TRAIN_* */
    int32_t n_threads;      /* [0] 1 to 512; 0: as many as the process may use. Never changes the result */
    int32_t n_folds;        /* [0] of the cross-validation that chooses l2, temperature and thresholds; 2 to 20; 0: 5,
                               or 3 from 10,000 rows on, or 2 if rows x classes exceed 8 million */
    int32_t max_iterations; /* [40] of L-BFGS */
    int32_t
        max_features;    /* [0] number of n-grams to keep, the most frequent first; 0: about 8 million weights in all */
    double l2;           /* [0] weight of the penalty on squared weights; 0: chosen by cross-validation, or 0.1 if
                            rows x classes exceed 8 million */
    double accept_score; /* [0] minimum score of an accepted prediction, 0 to 1 */
    double keep;         /* [0.97] the share of in-scope texts that the out-of-scope threshold accepts */
    uint64_t seed;       /* [0] of the folds */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
    llmcs_progress_fn progress;       /* [NULL] on the calling thread */
    void *progress_user;
} llmcs_shop_train_params;

LLMCS_SHOP_API void llmcs_shop_train_params_init_sized(llmcs_shop_train_params *params, size_t struct_size);
#define llmcs_shop_train_params_init(params) llmcs_shop_train_params_init_sized((params), sizeof *(params))

/* Trains a classifier and returns it with one reference. The same examples in the same order give the same bits for any
 * n_threads. Needs at least two labels besides oos_label, and for a sensible result two examples of each; a repeated
 * text counts each time, and all its copies are in one fold. params: NULL for the defaults. Memory: about 64 bytes for
 * each n-gram of each text and 64 for each weight (classes x features). Errors: ARG (no text, empty label, fewer than
 * two labels) LIMIT (more than 65,535 labels, 16 million rows or 2^28 weights) NOMEM THREAD CANCELLED, and with an
 * encoder those of llmcs_embed. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_train(const llmcs_shop_example *examples, size_t n_examples,
                                                        const llmcs_shop_train_params *params,
                                                        llmcs_shop_classifier **classifier);

/* ------------------------------------------------------------------------------------------ open and save */

typedef struct llmcs_shop_classifier_options {
    size_t struct_size;
    llmcs_model *encoder;             /* [NULL] must be the one it was trained with, else LLMCS_STATE */
    uint64_t max_bytes;               /* [0] LLMCS_LIMIT for a larger file; 0: 1 GiB */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
} llmcs_shop_classifier_options;

LLMCS_SHOP_API void llmcs_shop_classifier_options_init_sized(llmcs_shop_classifier_options *options,
                                                             size_t struct_size);
#define llmcs_shop_classifier_options_init(options) \
    llmcs_shop_classifier_options_init_sized((options), sizeof *(options))

/* Opens a file written by llmcs_shop_classifier_save. A classifier that was trained with an encoder can be opened
 * without it; its predictions then need params.vectors. Errors: ARG IO FORMAT JSON (damaged; the message gives offset
 * and reason) UNSUPPORTED (written by a newer version) LIMIT CHANGED STATE (another encoder) NOMEM. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_open(const char *path, const llmcs_shop_classifier_options *options,
                                                       llmcs_shop_classifier **classifier);

/* Writes one file: safetensors with a JSON header (labels, calibration, the encoder's folder and fingerprint), INT8
 * weights and a checksum. The file is replaced atomically once the new one is on disk; a failed call leaves the old one
 * unchanged. The same classifier gives the same bytes. Errors: ARG IO NOSPACE NOMEM. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_save(const llmcs_shop_classifier *classifier, const char *path);

/* Adds a reference, for another thread or object. NULL gives NULL. Never fails. */
LLMCS_SHOP_API llmcs_shop_classifier *llmcs_shop_classifier_ref(const llmcs_shop_classifier *classifier);

/* Drops a reference and sets *classifier to NULL. The last one frees it. */
LLMCS_SHOP_API void llmcs_shop_classifier_free(llmcs_shop_classifier **classifier);

/* Scores come from the cross-validation: each row is predicted by a model that was not trained on it. NaN if there are
 * no rows to compute them from. */
typedef struct llmcs_shop_classifier_info {
    size_t struct_size;
    int32_t n_labels;
    int32_t n_features;           /* n-grams in the dictionary */
    int32_t n_embedding;          /* floats of the encoder's vector; 0: n-grams alone */
    int32_t has_encoder;          /* 1: an encoder is bound, or none is needed */
    uint64_t encoder_fingerprint; /* 0: none */
    const char *encoder_path;     /* as given in training, or "" */
    uint64_t n_rows, n_oos_rows;  /* training rows, and how many of them are out of scope */
    uint64_t n_examples;          /* stored in the file */
    double l2, temperature;
    double accept_score;  /* minimum score of an accepted prediction */
    double accuracy;      /* of the in-scope rows */
    double macro_f1;      /* mean of the classes' F1 */
    double ece;           /* expected calibration error of `score`, 15 bins */
    double oos_auroc;     /* of `out_of_scope`, in-scope against out-of-scope rows */
    double in_scope_kept; /* share of in-scope rows that `out_of_scope` accepts */
    double oos_found;     /* share of out-of-scope rows that it rejects */
    const char *oos_rows; /* "given": rows with oos_label; "classes": rows of classes held out in training; "none" */
    uint64_t bytes;       /* memory used */
} llmcs_shop_classifier_info;

/* Fills *info; its strings live as long as the classifier. Set info->struct_size = sizeof *info first. Errors: ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_get_info(const llmcs_shop_classifier *classifier,
                                                           llmcs_shop_classifier_info *info);

/* Name of class `label`, 0 to n_labels - 1 in the order of first appearance; NULL outside. */
LLMCS_SHOP_API const char *llmcs_shop_classifier_label(const llmcs_shop_classifier *classifier, int32_t label);

/* ----------------------------------------------------------------------------------------------- predict */

/* Flags of llmcs_shop_predict_params. */
#define LLMCS_SHOP_PREDICT_REASON 0x1u /* fill the heaviest n-grams and the nearest example */

typedef struct llmcs_shop_predict_params {
    size_t struct_size;
    uint32_t flags;        /* [0] LLMCS_SHOP_PREDICT_* */
    int32_t n_scores;      /* [5] number of best classes to report per prediction; at least 1, capped at n_labels */
    float near_tie;        /* [0.10] a second class whose score is at most this much lower is a near tie */
    double accept_score;   /* [-1: the classifier's] minimum score of an accepted prediction */
    double max_oos;        /* [0.5] an accepted prediction has a lower out_of_scope */
    const float *vectors;  /* [NULL] [n_texts, n_embedding] from the same encoder, if already known */
    float *all_scores;     /* [NULL] [n_texts, n_labels] receives the calibrated probability of every class */
    double deadline_ms;    /* [0: none] as in llmcs_text_params */
    const int32_t *cancel; /* [NULL] as in llmcs_text_params */
} llmcs_shop_predict_params;

LLMCS_SHOP_API void llmcs_shop_predict_params_init_sized(llmcs_shop_predict_params *params, size_t struct_size);
#define llmcs_shop_predict_params_init(params) llmcs_shop_predict_params_init_sized((params), sizeof *(params))

/* One class and its probability. Frozen. */
typedef struct llmcs_shop_score {
    const char *label; /* lives as long as the classifier */
    int32_t index;     /* of the class */
    float score;       /* calibrated: of 100 texts with 0.8, about 80 belong to the class */
} llmcs_shop_score;

/* An n-gram of the text that speaks for the class. Frozen. */
typedef struct llmcs_shop_evidence {
    size_t begin, end; /* bytes of the text */
    float weight;      /* its contribution to the class's logit, less the mean over all classes; > 0 */
} llmcs_shop_evidence;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_prediction {
    const char *label;              /* the best class; its text lives as long as the classifier */
    int32_t index;                  /* of that class */
    float score;                    /* its calibrated probability among the classes */
    float out_of_scope;             /* 0 to 1, higher is further outside; 0.5 is the threshold chosen in training */
    int32_t accepted;               /* 1: score >= accept_score and out_of_scope < max_oos */
    int32_t near_tie;               /* 1: the second class is about as likely (params.near_tie): ask the customer */
    const llmcs_shop_score *scores; /* [n_scores] best first */
    size_t n_scores;
    const llmcs_shop_evidence *evidence; /* [n_evidence] heaviest first, at most 5, without overlap; with REASON */
    size_t n_evidence;
    const char *example; /* with REASON: the nearest stored training text of the class, NUL-terminated, or NULL */
    size_t example_bytes;
    float example_similarity; /* cosine of the vectors, or of the n-grams without an encoder */
} llmcs_shop_prediction;

/* Made by the library only, so it may grow at its end. One allocation for all texts of a call. */
typedef struct llmcs_shop_predictions {
    const llmcs_shop_prediction *const *items; /* [n] in the order of the texts */
    size_t n;
} llmcs_shop_predictions;

/* Classifies n_texts texts. With an encoder they share forward passes, but each prediction has the same bits whatever
 * the other texts are. `pair` of a text must be NULL. Texts may have any length: the encoder reads as much as fits its
 * context, and n-grams are taken from the first 64 KiB. params: NULL for the defaults. Errors: ARG NOMEM STATE (trained
 * with an encoder, opened without it, and no vectors given), those of llmcs_embed. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_predict(const llmcs_shop_classifier *classifier,
                                                          const llmcs_text *texts, size_t n_texts,
                                                          const llmcs_shop_predict_params *params,
                                                          llmcs_shop_predictions **predictions);

/* Frees the predictions and sets *predictions to NULL. The classifier may already be freed. */
LLMCS_SHOP_API void llmcs_shop_predictions_free(llmcs_shop_predictions **predictions);

/* ------------------------------------------------------------------------------------------------- swap */

/* Holds the classifier in use. Requests get it, a trainer swaps it, in any thread at any time. */
typedef struct llmcs_shop_classifier_slot llmcs_shop_classifier_slot;

/* classifier: NULL or the first one; the slot adds its own reference. Errors: ARG NOMEM THREAD. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_slot_create(const llmcs_shop_classifier *classifier,
                                                              llmcs_shop_classifier_slot **slot);

/* A new reference to the classifier in use, or NULL if there is none. Free it after the request. Does not wait for
 * predictions in progress. */
LLMCS_SHOP_API llmcs_shop_classifier *llmcs_shop_classifier_slot_get(llmcs_shop_classifier_slot *slot);

/* Replaces the classifier (NULL: by none) and drops the slot's reference to the old one, which lives until the requests
 * that use it have freed theirs. Errors: ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_classifier_slot_swap(llmcs_shop_classifier_slot *slot,
                                                            const llmcs_shop_classifier *classifier);

/* Frees the slot and sets *slot to NULL. No other call may be using it. */
LLMCS_SHOP_API void llmcs_shop_classifier_slot_free(llmcs_shop_classifier_slot **slot);

#ifdef __cplusplus
}
#endif
#endif
