/*
 * A metric over rows. Each row is reduced once to a few numbers (its statistics). A score is a function of the rows'
 * statistics and weights (how often each row counts), so a bootstrap sample is only an array of weights.
 */
#ifndef SHOP_METRICS_MEASURE_H
#define SHOP_METRICS_MEASURE_H

#include "shop/metrics/grams.h"

enum {
    SHOP_MAX_COLUMNS = 24,    /* statistics of a row: chrF++ has 3 for each of 8 orders */
    SHOP_MAX_TEXT = 16 << 20, /* bytes of a text */
    SHOP_SIGNATURE_BYTES = 256
};

/* A decoded text row. */
typedef struct shop_text_row {
    const shop_chars *hypothesis, *references; /* [n_references] */
    size_t n_references;
} shop_text_row;

typedef struct shop_label_score {
    uint32_t row, class;
    double score;
} shop_label_score;

/* Rows of the label metrics. */
typedef struct shop_labels {
    uint32_t *truth, *prediction; /* [n_rows], classes */
    size_t truth_capacity, prediction_capacity;
    double *confidence; /* [n_rows], the prediction's score; below 0: none */
    size_t confidence_capacity;
    shop_label_score *scores; /* in a view: sorted */
    size_t n_scores, scores_capacity;
    uint32_t n_classes;
    uint32_t positive; /* class of a yes-or-no task with one score a row; UINT32_MAX: none yet */
} shop_labels;

typedef struct shop_metric shop_metric;
struct shop_wordnet;

struct llmcs_shop_measure {
    const shop_metric *metric;
    char name[24]; /* as given: "recall@5" */
    llmcs_allocator allocator;
    llmcs_shop_measure_params params;
    int32_t order; /* rougeN's N, @K's K, pN's N; chrF's words; 0: none */
    size_t n_rows;
    double *columns; /* [n_rows, n_columns] */
    size_t columns_capacity;
    size_t n_references;         /* references per row; 0: no row yet, SIZE_MAX: rows differ */
    size_t n_chinese, n_letters; /* of all references, for TOKENIZER_AUTO */
    shop_labels labels;
    struct shop_wordnet *wordnet;
    /* workspace of a row */
    shop_chars hypothesis, *references;
    size_t n_reference_texts;
    shop_metric_words words;
    shop_grams grams;
    uint32_t *ids, *more_ids;
    size_t ids_capacity, more_ids_capacity;
    uint64_t *bits; /* ROUGE-L's table, METEOR's matches */
    size_t bits_capacity;
};

struct shop_metric {
    const char *name; /* without its number */
    llmcs_shop_row_kind kind;
    int32_t low, high;  /* of the number in the name; both 0: none */
    char number_sign;   /* between name and number: '@', or 0 */
    bool number_needed; /* false: the number is optional */
    size_t n_columns;
    /* Statistics of a row. */
    llmcs_status (*text_row)(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
    /* Score from summed statistics; total: the sum of the weights. `alone`: for a single row. NULL: the metric needs
     * the rows themselves. */
    double (*finish)(const llmcs_shop_measure *m, const double *sums, double total, bool alone);
    /* Score from the rows of a view; NaN: not defined. weights [n_rows]; NULL: 1 each. */
    llmcs_status (*weighted)(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
    /* The middle of the signature: "case:mixed|..." */
    void (*describe)(const llmcs_shop_measure *m, char *out, size_t capacity);
};

/* A view is a shallow copy of a measure with sorted scores, made once for many samples. m is not changed. */
llmcs_status shop_view_make(llmcs_shop_measure *view, const llmcs_shop_measure *m);
void shop_view_free(llmcs_shop_measure *view);
/* Score of a view's rows. weights: may be NULL, for 1 each. */
llmcs_status shop_view_score(const llmcs_shop_measure *view, const uint32_t *weights, double *score);

static inline uint32_t shop_weight(const uint32_t *weights, size_t row) { return weights ? weights[row] : 1; }

/* ---- bleu.c, chrf.c, rouge.c, meteor.c */
llmcs_status shop_bleu_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
double shop_bleu_finish(const llmcs_shop_measure *m, const double *sums, double total, bool alone);
void shop_bleu_describe(const llmcs_shop_measure *m, char *out, size_t capacity);
llmcs_status shop_chrf_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
double shop_chrf_finish(const llmcs_shop_measure *m, const double *sums, double total, bool alone);
void shop_chrf_describe(const llmcs_shop_measure *m, char *out, size_t capacity);
llmcs_status shop_rouge_n_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
llmcs_status shop_rouge_l_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
llmcs_status shop_rouge_lsum_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
void shop_rouge_describe(const llmcs_shop_measure *m, char *out, size_t capacity);
llmcs_status shop_meteor_row(llmcs_shop_measure *m, const shop_text_row *row, double *columns);
void shop_meteor_describe(const llmcs_shop_measure *m, char *out, size_t capacity);

/* ---- labels.c */
llmcs_status shop_labels_add(llmcs_shop_measure *m, const char *label, const char *prediction, const char *const *names,
                             const double *scores, size_t n_scores);
/* By class, then score, then row. */
llmcs_status shop_sort_scores(const llmcs_allocator *a, shop_label_score **scores, size_t n);
void shop_labels_free(llmcs_shop_measure *m);
llmcs_status shop_accuracy(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
llmcs_status shop_f1_micro(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
llmcs_status shop_f1_macro(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
llmcs_status shop_mcc(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
llmcs_status shop_ece(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
llmcs_status shop_auroc(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
void shop_ece_describe(const llmcs_shop_measure *m, char *out, size_t capacity);
void shop_auroc_describe(const llmcs_shop_measure *m, char *out, size_t capacity);

/* ---- rankings.c */
/* Gains of the ranked ids, in order: recall, reciprocal rank or discounted gain of one query. */
llmcs_status shop_ranking_row(llmcs_shop_measure *m, const char *const *relevant, const double *gains,
                              size_t n_relevant, const char *const *ranked, size_t n_ranked, double *score);

/* ---- values.c */
llmcs_status shop_percentile(const llmcs_shop_measure *m, const uint32_t *weights, double *score);
llmcs_status shop_maximum(const llmcs_shop_measure *m, const uint32_t *weights, double *score);

/* ---- wordnet.c */
llmcs_status shop_wordnet_open(const llmcs_allocator *a, const char *folder, struct shop_wordnet **wordnet);
void shop_wordnet_free(const llmcs_allocator *a, struct shop_wordnet **wordnet);
/* True if the words, or their base forms, share a meaning. */
bool shop_wordnet_synonyms(const struct shop_wordnet *wordnet, const uint32_t *word, size_t word_n,
                           const uint32_t *other, size_t other_n);

#endif
