/* llmcs_shop_classifier_train: reads labels and vectors, cross-validates, fits the final model, and chooses the
 * examples to store. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"
#include "shop/classifier/calibrate.h"
#include "shop/classifier/quantize.h"

enum {
    MAX_LABELS = 65535,
    MAX_LABEL_BYTES = 255,
    MAX_ROWS = 16 << 20,
    MAX_THREADS = 512,
    MANY_ROWS = 5000,          /* from here on n-grams that occur in a single row are left out */
    FEWER_FOLDS_ROWS = 10000,  /* from here on three folds are enough for calibration */
    LARGE_PROBLEM = 8000000,   /* rows x classes above which fewer models are fitted, so that training takes minutes */
    DEFAULT_WEIGHTS = 8 << 20, /* classes x features, unless max_features is set */
    MIN_DEFAULT_FEATURES = 4096,
    EXAMPLES_PER_CLASS = 100,
    TEXTS_PER_CALL = 64
};

/* Weight of the vector relative to the three blocks of n-grams, each of length 1. */
static const float DENSE_SCALE = 2.0f;

/* Progress after the vectors, the cross-validation and the unknown classes; the final fit ends at 1. */
static const float VECTORS_DONE = 0.1f, FOLDS_DONE = 0.75f, UNKNOWN_DONE = 0.85f;

typedef struct trainer {
    llmcs_allocator a;
    const llmcs_shop_example *examples;
    size_t n;
    llmcs_shop_train_params params;
    shop_team *team;
    shop_corpus corpus;
    shop_plan plan;
    uint8_t *fold;
    shop_held_out held_out, unknown;
    shop_fitted fitted;
    uint32_t *rows; /* [n] all */
    size_t n_oos;
    bool large;
    llmcs_shop_classifier *classifier;
} trainer;

void llmcs_shop_train_params_init_sized(llmcs_shop_train_params *params, size_t struct_size) {
    const llmcs_shop_train_params defaults = {.struct_size = sizeof defaults, .max_iterations = 40, .keep = 0.97};
    shop_options_init(params, struct_size, &defaults, sizeof defaults);
}

/* -------------------------------------------------------------------------------------------------- arguments */

static llmcs_status check_range(const char *what, double value, double low, double high) {
    if (value >= low && value <= high) return LLMCS_OK;
    return shop_fail(LLMCS_ARG, "train: %s is %g, expected %g to %g", what, value, low, high);
}

static llmcs_status read_params(trainer *t, const llmcs_shop_train_params *params) {
    llmcs_shop_train_params *p = &t->params;
    llmcs_shop_train_params_init(p);
    if (params)
        SHOP_TRY(shop_options_in(p, sizeof *p, SHOP_SIZE_UP_TO(llmcs_shop_train_params, progress_user), params,
                                 "llmcs_shop_train_params"));
    SHOP_TRY(check_range("n_threads", p->n_threads, 0, MAX_THREADS));
    if (p->n_folds) SHOP_TRY(check_range("n_folds", p->n_folds, 2, 20));
    SHOP_TRY(check_range("max_iterations", p->max_iterations, 1, 100000));
    SHOP_TRY(check_range("max_features", p->max_features, 0, 1 << 28));
    SHOP_TRY(check_range("l2", p->l2, 0, 1e9));
    SHOP_TRY(check_range("accept_score", p->accept_score, 0, 1));
    SHOP_TRY(check_range("keep", p->keep, 0, 1));
    if (p->flags & ~7u) return shop_fail(LLMCS_ARG, "train: flags: 0x%x is not valid", p->flags & ~7u);
    if (p->flags & LLMCS_SHOP_TRAIN_NO_NGRAMS && !p->encoder)
        return shop_fail(LLMCS_ARG, "train: flag NO_NGRAMS needs an encoder");
    if (p->vectors && !p->encoder) return shop_fail(LLMCS_ARG, "train: vectors need the encoder that made them");
    t->a = shop_allocator_or_default(p->allocator);
    return LLMCS_OK;
}

static llmcs_status check_example(const llmcs_shop_example *e, size_t row) {
    const size_t bytes = e->label ? strnlen(e->label, MAX_LABEL_BYTES + 1) : 0;
    if (!e->text) return shop_fail(LLMCS_ARG, "train: row %lld: text is NULL", (long long)row);
    if (bytes == 0 || bytes > MAX_LABEL_BYTES)
        return shop_fail(LLMCS_ARG, "train: row %lld: label of %lld bytes, expected 1 to %d", (long long)row,
                         (long long)bytes, MAX_LABEL_BYTES);
    return LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------------------- labels */

typedef struct label_key {
    const char *label;
    uint32_t row;
} label_key;

static int compare_labels(const void *left, const void *right) {
    const label_key *l = left, *r = right;
    const int order = strcmp(l->label, r->label);
    return order ? order : l->row < r->row ? -1 : l->row > r->row;
}

static int compare_rows(const void *left, const void *right) {
    const label_key *l = left, *r = right;
    return l->row < r->row ? -1 : l->row > r->row;
}

/* Stores the labels in the order of first appearance. keys: the first row of each label, sorted by row. */
static llmcs_status write_labels(trainer *t, const label_key *keys, size_t n_labels) {
    llmcs_shop_classifier *c = t->classifier;
    c->n_labels = n_labels;
    for (size_t i = 0; i < n_labels; i++) c->label_bytes += strlen(keys[i].label) + 1;
    SHOP_TRY(shop_classifier_alloc(c, c->label_bytes, 1, "labels", &c->label_texts));
    char *at = c->label_texts;
    for (size_t i = 0; i < n_labels; i++) {
        const size_t bytes = strlen(keys[i].label) + 1;
        memcpy(at, keys[i].label, bytes);
        at += bytes;
    }
    return LLMCS_OK;
}

/* Numbers the labels and sets corpus.label. keys: all rows, sorted by label. */
static llmcs_status number_labels(trainer *t, label_key *keys, label_key *firsts, uint32_t *number) {
    size_t n_labels = 0;
    for (size_t i = 0; i < t->n; i++)
        if (i == 0 || strcmp(keys[i - 1].label, keys[i].label) != 0)
            if (!t->params.oos_label || strcmp(keys[i].label, t->params.oos_label) != 0) firsts[n_labels++] = keys[i];
    if (n_labels < 2) return shop_fail(LLMCS_ARG, "train: %lld labels, expected at least 2", (long long)n_labels);
    if (n_labels > MAX_LABELS)
        return shop_fail(LLMCS_LIMIT, "train: %lld labels, expected at most %d", (long long)n_labels, MAX_LABELS);
    qsort(firsts, n_labels, sizeof *firsts, compare_rows);
    for (size_t i = 0; i < n_labels; i++) number[firsts[i].row] = (uint32_t)i;
    SHOP_TRY(write_labels(t, firsts, n_labels));
    uint32_t current = 0;
    for (size_t i = 0; i < t->n; i++) {
        const bool outside = t->params.oos_label && strcmp(keys[i].label, t->params.oos_label) == 0;
        if (outside)
            current = (uint32_t)n_labels;
        else if (i == 0 || strcmp(keys[i - 1].label, keys[i].label) != 0)
            current = number[keys[i].row];
        t->corpus.label[keys[i].row] = current;
        t->n_oos += outside;
    }
    return LLMCS_OK;
}

static llmcs_status read_labels(trainer *t) {
    label_key *keys;
    SHOP_TRY(shop_alloc(&t->a, t->n, 2 * sizeof *keys, "labels", &keys));
    for (size_t i = 0; i < t->n; i++) keys[i] = (label_key){t->examples[i].label, (uint32_t)i};
    qsort(keys, t->n, sizeof *keys, compare_labels);
    const llmcs_status status = number_labels(t, keys, keys + t->n, t->rows);
    shop_free(&t->a, keys);
    for (size_t i = 0; i < t->n; i++) t->rows[i] = (uint32_t)i;
    return status;
}

/* Sets every weight to 1, or with BALANCED to the mean class size divided by the size of the row's class. */
static llmcs_status weigh_rows(trainer *t) {
    const size_t n_classes = t->plan.n_classes;
    size_t *counts;
    SHOP_TRY(shop_alloc_zero(&t->a, n_classes, sizeof *counts, "labels", &counts));
    for (size_t i = 0; i < t->n; i++) counts[t->corpus.label[i]]++;
    for (size_t i = 0; i < t->n; i++) {
        const double rows = (double)counts[t->corpus.label[i]];
        t->corpus.weight[i] =
            t->params.flags & LLMCS_SHOP_TRAIN_BALANCED ? (float)((double)t->n / (double)n_classes / rows) : 1.0f;
    }
    shop_free(&t->a, counts);
    return LLMCS_OK;
}

/* ---------------------------------------------------------------------------------------------------- vectors */

static llmcs_status embed_rows(trainer *t) {
    shop_corpus *c = &t->corpus;
    llmcs_text texts[TEXTS_PER_CALL];
    for (size_t i = 0; i < t->n; i += TEXTS_PER_CALL) {
        const size_t n = shop_min(t->n - i, TEXTS_PER_CALL);
        for (size_t k = 0; k < n; k++)
            texts[k] = (llmcs_text){.text = t->examples[i + k].text, .text_bytes = t->examples[i + k].text_bytes};
        SHOP_TRY(shop_encoder_embed(t->params.encoder, &t->a, texts, n, 0, NULL, c->dense + i * c->n_dense));
        SHOP_TRY(
            shop_report_progress(t->params.progress, t->params.progress_user, VECTORS_DONE * (float)i / (float)t->n));
    }
    return LLMCS_OK;
}

static llmcs_status read_vectors(trainer *t) {
    shop_corpus *c = &t->corpus;
    llmcs_shop_classifier *k = t->classifier;
    if (!t->params.encoder) return LLMCS_OK;
    SHOP_TRY(shop_encoder_examine(t->params.encoder, &k->encoder_fingerprint, &c->n_dense));
    SHOP_TRY(shop_alloc(&t->a, t->n * c->n_dense, sizeof *c->dense, "vectors", &c->dense));
    SHOP_TRY(shop_alloc_zero(&t->a, c->n_dense, sizeof *c->dense_mean, "vectors", &c->dense_mean));
    SHOP_TRY(t->params.vectors ? shop_vectors_copy(c->dense, t->params.vectors, t->n, c->n_dense) : embed_rows(t));
    for (size_t x = 0; x < c->n_dense; x++) {
        double sum = 0;
        for (size_t i = 0; i < t->n; i++) sum += (double)c->dense[i * c->n_dense + x];
        c->dense_mean[x] = (float)(sum / (double)t->n);
    }
    for (size_t i = 0; i < t->n; i++)
        for (size_t x = 0; x < c->n_dense; x++) {
            float *value = &c->dense[i * c->n_dense + x];
            *value = (*value - c->dense_mean[x]) * DENSE_SCALE;
        }
    k->encoder = t->params.encoder;
    if (!t->params.encoder_path) return LLMCS_OK;
    return shop_copy_text(&t->a, t->params.encoder_path, strlen(t->params.encoder_path), "encoder_path",
                          &k->encoder_path);
}

/* --------------------------------------------------------------------------------------------------- examples */

typedef struct example_key {
    uint64_t hash;
    uint32_t label, row;
} example_key;

static int compare_examples(const void *left, const void *right) {
    const example_key *l = left, *r = right;
    if (l->label != r->label) return l->label < r->label ? -1 : 1;
    if (l->hash != r->hash) return l->hash < r->hash ? -1 : 1;
    return l->row < r->row ? -1 : l->row > r->row;
}

/* Chooses the distinct texts with the smallest hashes of each class, so the choice does not depend on the rows' order.
 */
static size_t choose_examples(const trainer *t, example_key *keys) {
    size_t n = 0, kept = 0, of_class = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->corpus.label[i] < t->plan.n_labels)
            keys[n++] = (example_key){t->corpus.text_hash[i], t->corpus.label[i], (uint32_t)i};
    qsort(keys, n, sizeof *keys, compare_examples);
    for (size_t i = 0; i < n; i++) {
        if (i && keys[i].label != keys[i - 1].label) of_class = 0;
        if (of_class && keys[i].hash == keys[kept - 1].hash) continue;
        if (of_class++ >= EXAMPLES_PER_CLASS) continue;
        keys[kept++] = keys[i];
    }
    return kept;
}

static llmcs_status copy_examples(trainer *t, const example_key *keys, size_t n) {
    llmcs_shop_classifier *c = t->classifier;
    const size_t n_dense = t->corpus.n_dense;
    c->n_examples = n;
    for (size_t i = 0; i < n; i++) {
        const llmcs_shop_example *e = &t->examples[keys[i].row];
        c->example_bytes += shop_text_bytes(e->text, e->text_bytes) + 1;
    }
    SHOP_TRY(shop_classifier_alloc(c, n, sizeof *c->examples, "examples", &c->examples));
    SHOP_TRY(shop_classifier_alloc(c, c->example_bytes, 1, "examples", &c->example_texts));
    if (n_dense) SHOP_TRY(shop_classifier_alloc(c, n * n_dense, 1, "examples", &c->example_vectors));
    char *at = c->example_texts;
    for (size_t i = 0; i < n; i++) {
        const llmcs_shop_example *e = &t->examples[keys[i].row];
        const size_t bytes = shop_text_bytes(e->text, e->text_bytes);
        c->examples[i] = (shop_kept_example){.bytes = (uint32_t)bytes, .label = keys[i].label};
        if (bytes) memcpy(at, e->text, bytes);
        at += bytes + 1;
        if (n_dense)
            shop_vector_to_int8(t->corpus.dense + keys[i].row * n_dense, n_dense, c->example_vectors + i * n_dense);
    }
    return LLMCS_OK;
}

static llmcs_status keep_examples(trainer *t) {
    example_key *keys;
    if (t->params.flags & LLMCS_SHOP_TRAIN_NO_EXAMPLES) return LLMCS_OK;
    SHOP_TRY(shop_alloc(&t->a, t->n, sizeof *keys, "examples", &keys));
    const llmcs_status status = copy_examples(t, keys, choose_examples(t, keys));
    shop_free(&t->a, keys);
    return status;
}

/* ------------------------------------------------------------------------------------------------------- train */

static void make_plan(trainer *t) {
    const llmcs_shop_train_params *p = &t->params;
    const size_t n_labels = t->classifier->n_labels, n_classes = n_labels + (t->n_oos > 0);
    t->plan = (shop_plan){
        .a = &t->a,
        .team = t->team,
        .corpus = &t->corpus,
        .n_labels = n_labels,
        .n_classes = n_classes,
        .min_rows = t->n >= MANY_ROWS ? 2 : 1,
        .most_features =
            p->max_features > 0 ? (size_t)p->max_features : shop_max(DEFAULT_WEIGHTS / n_classes, MIN_DEFAULT_FEATURES),
        .l2 = p->l2,
        .max_iterations = p->max_iterations,
        .progress = p->progress,
        .progress_user = p->progress_user,
        .done_from = VECTORS_DONE,
        .done_to = FOLDS_DONE,
    };
    t->corpus.n_labels = n_labels;
    t->large = t->n * n_classes > LARGE_PROBLEM;
    t->plan.n_hidden_groups = t->large ? 1 : SHOP_CLASS_GROUPS;
    if (t->large && !(p->l2 > 0)) t->plan.l2 = 0.1;
}

static uint32_t choose_folds(const trainer *t) {
    if (t->params.n_folds) return (uint32_t)t->params.n_folds;
    return t->large ? 2 : t->n >= FEWER_FOLDS_ROWS ? 3 : 5;
}

enum { MIN_LABELS_TO_HIDE = 6 }; /* with fewer labels, too few classes remain when a third is hidden */

static llmcs_status calibrate(trainer *t) {
    const uint32_t n_folds = choose_folds(t);
    shop_oos_source source = t->n_oos ? SHOP_OOS_GIVEN : SHOP_OOS_NONE;
    SHOP_TRY(shop_alloc_zero(&t->a, t->n, 1, "folds", &t->fold));
    SHOP_TRY(shop_folds_assign(&t->plan, n_folds, t->params.seed, t->fold));
    SHOP_TRY(shop_held_out_create(&t->plan, &t->held_out));
    SHOP_TRY(shop_cross_validate(&t->plan, t->fold, n_folds, &t->held_out));
    t->plan.done_from = FOLDS_DONE;
    t->plan.done_to = UNKNOWN_DONE;
    if (source == SHOP_OOS_NONE && t->plan.n_labels >= MIN_LABELS_TO_HIDE) {
        source = SHOP_OOS_CLASSES;
        SHOP_TRY(shop_held_out_create(&t->plan, &t->unknown));
        SHOP_TRY(shop_predict_unknown_classes(&t->plan, &t->unknown));
    }
    t->classifier->oos_rows = source == SHOP_OOS_GIVEN ? "given" : source == SHOP_OOS_CLASSES ? "classes" : "none";
    return shop_calibrate(&t->plan, &t->held_out, &t->unknown, source, t->params.keep, t->classifier);
}

static llmcs_status fit_all(trainer *t) {
    llmcs_shop_classifier *c = t->classifier;
    t->plan.done_from = UNKNOWN_DONE;
    t->plan.done_to = 1;
    SHOP_TRY(shop_plan_fit(&t->plan, t->rows, t->n, &t->fitted));
    SHOP_TRY(shop_quantize(&t->plan, &t->fitted, DENSE_SCALE, c));
    SHOP_TRY(keep_examples(t));
    c->l2 = t->plan.l2;
    c->accept_score = (float)t->params.accept_score;
    c->n_oos_rows = t->n_oos;
    c->n_rows = t->n;
    return shop_classifier_index(c, "training");
}

static llmcs_status train(trainer *t) {
    for (size_t i = 0; i < t->n; i++) SHOP_TRY(check_example(&t->examples[i], i));
    SHOP_TRY(shop_classifier_create(&t->a, &t->classifier));
    SHOP_TRY(shop_team_create(&t->a, t->params.n_threads, &t->team));
    SHOP_TRY(shop_alloc(&t->a, t->n, sizeof *t->rows, "rows", &t->rows));
    SHOP_TRY(shop_corpus_read(&t->a, t->team, t->examples, t->n, !(t->params.flags & LLMCS_SHOP_TRAIN_NO_NGRAMS),
                              &t->corpus));
    SHOP_TRY(read_labels(t));
    make_plan(t);
    SHOP_TRY(weigh_rows(t));
    SHOP_TRY(read_vectors(t));
    SHOP_TRY(calibrate(t));
    return fit_all(t);
}

static void end_training(trainer *t) {
    shop_fitted_free(&t->a, &t->fitted);
    shop_held_out_free(&t->a, &t->held_out);
    shop_held_out_free(&t->a, &t->unknown);
    shop_free(&t->a, t->fold);
    shop_free(&t->a, t->rows);
    shop_corpus_free(&t->a, &t->corpus);
    shop_team_free(&t->a, &t->team);
    llmcs_shop_classifier_free(&t->classifier);
}

llmcs_status llmcs_shop_classifier_train(const llmcs_shop_example *examples, size_t n_examples,
                                         const llmcs_shop_train_params *params, llmcs_shop_classifier **classifier) {
    SHOP_PUBLIC_CALL;
    trainer t = {.examples = examples, .n = n_examples};
    if (!classifier) return shop_fail(LLMCS_ARG, "train: classifier is NULL");
    *classifier = NULL;
    if (!examples || n_examples == 0) return shop_fail(LLMCS_ARG, "train: no examples");
    if (n_examples > MAX_ROWS)
        return shop_fail(LLMCS_LIMIT, "train: %lld rows, expected at most %d", (long long)n_examples, MAX_ROWS);
    SHOP_TRY(read_params(&t, params));
    const llmcs_status status = train(&t);
    if (!status) {
        *classifier = t.classifier;
        t.classifier = NULL;
    }
    end_training(&t);
    return status;
}
