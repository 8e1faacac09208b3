/*
 * llmcs_shop_metrics.h - metrics of texts, labels, rankings and dialogues.
 *
 *     llmcs_shop_measure *bleu = NULL;
 *     llmcs_shop_interval interval = {sizeof interval};
 *     const char *reference = "The parcel arrived on Monday.";
 *     double score;
 *     llmcs_shop_measure_create("bleu", NULL, &bleu);
 *     llmcs_shop_measure_add_text(bleu, "The parcel came on Monday.", LLMCS_NUL, &reference, NULL, 1);
 *     llmcs_shop_measure_score(bleu, &score);
 *     llmcs_shop_measure_interval(bleu, NULL, &interval);
 *     llmcs_shop_measure_free(&bleu);
 *
 * A measure is one metric over rows that are added one at a time. The same rows in the same order give the same bits.
 *
 *     name                     rows    score
 *     bleu                     text    0..100, equal to sacreBLEU 2 (smoothing "exp"); a row alone: effective order
 *     chrf, chrf++             text    0..100, equal to sacreBLEU 2 (6 characters, 0 or 2 words, beta 2)
 *     rouge1 .. rouge9, rougeL, rougeLsum
 *                              text    0..1, mean F1, equal to rouge-score 0.1; each Chinese character is a word
 *     meteor                   text    0..1, mean; words match exactly or by stem, as in NLTK (alpha 0.9, beta 3, gamma
 *                                      0.5), or as synonyms (NLTK looks these up by stem and finds fewer)
 *     accuracy, f1_micro, f1_macro     0..1
 *     mcc                      label   -1..1, Gorodkin's for more than two classes
 *     ece                      label   0..1, confidence of the prediction in equal bins (Guo et al. 2017)
 *     auroc                    label   0..1; more than two classes: mean of one against the rest
 *     recall@K, mrr, mrr@K, ndcg, ndcg@K
 *                              ranking 0..1, mean
 *     completion               value   0..1, share of tasks that were completed (values 0 or 1)
 *     mean, max, p1 .. p99     value   of response times or any other number; pN by nearest rank
 *
 * Only one thread at a time may add rows to a measure. Functions that take it as const may run on any number of threads
 * in between.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_METRICS_H
#define LLMCS_SHOP_METRICS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_shop_measure llmcs_shop_measure;

/* Kinds of rows. */
typedef enum llmcs_shop_row_kind {
    LLMCS_SHOP_ROW_TEXT = 0,
    LLMCS_SHOP_ROW_LABEL = 1,
    LLMCS_SHOP_ROW_RANKING = 2,
    LLMCS_SHOP_ROW_VALUE = 3
} llmcs_shop_row_kind;

/* How BLEU splits texts into words. */
typedef enum llmcs_shop_tokenizer {
    LLMCS_SHOP_TOKENIZER_AUTO = 0, /* ZH if a tenth of the references' characters are Chinese, else 13A */
    LLMCS_SHOP_TOKENIZER_13A = 1,  /* mteval-v13a's words and punctuation */
    LLMCS_SHOP_TOKENIZER_ZH = 2,   /* each Chinese character is a word, the rest as 13A */
    LLMCS_SHOP_TOKENIZER_CHAR = 3  /* each character is a word */
} llmcs_shop_tokenizer;

typedef struct llmcs_shop_measure_params {
    size_t struct_size;
    llmcs_shop_tokenizer tokenizer;
    int32_t lowercase;   /* [0] bleu, chrf: 1: case is ignored */
    int32_t stem;        /* [0] rouge: 1: words of more than three letters are stemmed, as in rouge-score */
    int32_t n_bins;      /* [15] ece: 1 to 1000 */
    const char *wordnet; /* [NULL] meteor: folder of WordNet's index files (Debian's wordnet-base has
                          * /usr/share/wordnet); NULL: no synonyms */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
} llmcs_shop_measure_params;

LLMCS_SHOP_API void llmcs_shop_measure_params_init_sized(llmcs_shop_measure_params *params, size_t struct_size);
#define llmcs_shop_measure_params_init(params) llmcs_shop_measure_params_init_sized((params), sizeof *(params))

/* params: NULL for the defaults. Errors: ARG (no such metric, a parameter out of range) IO FORMAT (wordnet) NOMEM. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_create(const char *metric, const llmcs_shop_measure_params *params,
                                                      llmcs_shop_measure **measure);
LLMCS_SHOP_API void llmcs_shop_measure_free(llmcs_shop_measure **measure);

/* A text and its references [n_references], at least one; reference_bytes [n_references], or NULL if all end with NUL.
 * The best reference counts (BLEU: all together). Errors: ARG (also: the metric has another kind of rows) LIMIT (a text
 * above 16 MiB; ROUGE-L of more than 2^30 pairs of words) NOMEM. After an error the row is not added. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_add_text(llmcs_shop_measure *measure, const char *hypothesis,
                                                        size_t hypothesis_bytes, const char *const *references,
                                                        const size_t *reference_bytes, size_t n_references);

/* The true and the predicted label of a text. names and scores [n_scores]: probabilities of labels in any order;
 * missing ones are 0. Required by ece (the prediction's) and auroc, else n_scores may be 0. In a yes-or-no task, names
 * is NULL and the one score is the probability of "1" or "true". Errors: ARG NOMEM LIMIT. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_add_label(llmcs_shop_measure *measure, const char *label,
                                                         const char *prediction, const char *const *names,
                                                         const double *scores, size_t n_scores);

/* A query with its relevant ids [n_relevant], at least one, and the ranked ids [n_ranked], best first. gains
 * [n_relevant]: weights of relevant ids in ndcg (the sum of gain / log2(rank + 1)); NULL: 1 each. Only the first
 * occurrence of a ranked id counts. Errors: ARG NOMEM LIMIT. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_add_ranking(llmcs_shop_measure *measure, const char *const *relevant,
                                                           const double *gains, size_t n_relevant,
                                                           const char *const *ranked, size_t n_ranked);

/* A finite number; 0 or 1 for completion. Errors: ARG NOMEM LIMIT. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_add_value(llmcs_shop_measure *measure, double value);

/* The kind of rows that the measure needs. */
LLMCS_SHOP_API llmcs_shop_row_kind llmcs_shop_measure_row_kind(const llmcs_shop_measure *measure);

/* Number of rows added so far. */
LLMCS_SHOP_API size_t llmcs_shop_measure_rows(const llmcs_shop_measure *measure);

/* The score of all rows. Errors: ARG, STATE (no rows) NUMERIC (not defined for these rows, such as auroc of one class).
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_score(const llmcs_shop_measure *measure, double *score);

/* The score of one row. Errors: ARG (no such row) UNSUPPORTED (f1, mcc, ece, auroc and percentiles need many rows). */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_row_score(const llmcs_shop_measure *measure, size_t row, double *score);

/* The settings of the metric in sacreBLEU's form: "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:...". *needed:
 * bytes including the NUL. Errors: ARG BUFFER. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_signature(const llmcs_shop_measure *measure, char *buffer,
                                                         size_t capacity, size_t *needed);

/* Bootstrap (Koehn 2004): samples rows with replacement. Sample i of a seed is always the same (Philox4x32-10 with
 * counter (draw / 4, i, 0, 0); draw x picks row x * n / 2^32). */
typedef struct llmcs_shop_bootstrap {
    size_t struct_size;
    uint64_t seed;     /* [12345] */
    int32_t n_samples; /* [1000] 1 to 1000000 */
} llmcs_shop_bootstrap;

LLMCS_SHOP_API void llmcs_shop_bootstrap_init_sized(llmcs_shop_bootstrap *bootstrap, size_t struct_size);
#define llmcs_shop_bootstrap_init(bootstrap) llmcs_shop_bootstrap_init_sized((bootstrap), sizeof *(bootstrap))

/* Set struct_size before the call. */
typedef struct llmcs_shop_interval {
    size_t struct_size;
    double low, high; /* 95 % of the samples' scores are between; 2.5 % are left out at each end */
    double mean;      /* of the samples' scores */
} llmcs_shop_interval;

/* bootstrap: NULL for the defaults. Samples whose score is not defined are left out. Errors: as
 * llmcs_shop_measure_score, NOMEM. */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_interval(const llmcs_shop_measure *measure,
                                                        const llmcs_shop_bootstrap *bootstrap,
                                                        llmcs_shop_interval *interval);

/* Set struct_size before the call. */
typedef struct llmcs_shop_comparison {
    size_t struct_size;
    double score_a, score_b;
    double difference; /* score_b - score_a */
    double low, high;  /* 95 % interval of the difference, over the same samples of rows for both */
    double p;          /* paired bootstrap, as sacreBLEU's --paired-bs: the share of samples whose absolute difference
                        * exceeds its own mean by more than the difference; at least 1 / (n_samples + 1), and 1
                        * for equal scores */
} llmcs_shop_comparison;

/* Compares two systems on the same rows in the same order. Errors: as llmcs_shop_measure_interval, ARG (different
 * metrics or numbers of rows). */
LLMCS_SHOP_API llmcs_status llmcs_shop_measure_compare(const llmcs_shop_measure *a, const llmcs_shop_measure *b,
                                                       const llmcs_shop_bootstrap *bootstrap,
                                                       llmcs_shop_comparison *comparison);

#ifdef __cplusplus
}
#endif
#endif
