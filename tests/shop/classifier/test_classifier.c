/* Train, predict, reasons, out of scope, few examples, encoder, swap under load, failing allocations. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "llmcs_shop.h"
#include "shop_texts.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"
#include "support/temp.h"

static llmcs_shop_train_params quick_params(void) {
    llmcs_shop_train_params p;
    llmcs_shop_train_params_init(&p);
    p.n_threads = 1;
    return p;
}

static llmcs_shop_classifier *train(const shop_texts *t, const llmcs_shop_train_params *params) {
    llmcs_shop_classifier *c = NULL;
    ck_assert_msg(!llmcs_shop_classifier_train(t->items, t->n, params, &c), "%s", llmcs_error_message());
    return c;
}

static llmcs_shop_predictions *predict_text(const llmcs_shop_classifier *c, const char *text, uint32_t flags) {
    llmcs_shop_predict_params p;
    llmcs_shop_predictions *found = NULL;
    const llmcs_text t = {.text = text, .text_bytes = LLMCS_NUL};
    llmcs_shop_predict_params_init(&p);
    p.flags = flags;
    ck_assert_msg(!llmcs_shop_classifier_predict(c, &t, 1, &p, &found), "%s", llmcs_error_message());
    return found;
}

static llmcs_shop_classifier_info info_of(const llmcs_shop_classifier *c) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_shop_classifier_get_info(c, &info), LLMCS_OK);
    return info;
}

/* Share of the texts whose label is found. */
static double accuracy(const llmcs_shop_classifier *c, const shop_texts *t) {
    size_t right = 0;
    for (size_t i = 0; i < t->n; i++) {
        llmcs_shop_predictions *p = predict_text(c, t->items[i].text, 0);
        right += strcmp(p->items[0]->label, t->items[i].label) == 0;
        llmcs_shop_predictions_free(&p);
    }
    return (double)right / (double)t->n;
}

/* All bytes of the saved file. */
static char *saved_bytes(const llmcs_shop_classifier *c, const char *folder, const char *name, size_t *n) {
    ck_assert_msg(!llmcs_shop_classifier_save(c, temp_path(folder, name)), "%s", llmcs_error_message());
    FILE *f = fopen(temp_path(folder, name), "rb");
    ck_assert_ptr_nonnull(f);
    char *bytes = temp_alloc(4 << 20);
    *n = fread(bytes, 1, 4 << 20, f);
    fclose(f);
    return bytes;
}

static shop_texts seen, unseen;

START_TEST(texts_of_both_languages_find_their_class) {
    const llmcs_shop_train_params params = quick_params();
    fill_shop_texts(&seen, 0, 8);
    fill_shop_texts(&unseen, 8, 4);
    llmcs_shop_classifier *c = train(&seen, &params);
    const llmcs_shop_classifier_info info = info_of(c);
    ck_assert_int_eq(info.n_labels, TEXT_CLASSES);
    ck_assert_uint_eq(info.n_rows, seen.n);
    ck_assert_double_ge(info.accuracy, 0.95);
    ck_assert_double_le(info.ece, 0.05);
    ck_assert_str_eq(info.oos_rows, "classes");
    ck_assert_double_ge(accuracy(c, &unseen), 0.97);
    for (int32_t i = 0; i < TEXT_CLASSES; i++) ck_assert_str_eq(llmcs_shop_classifier_label(c, i), text_labels[i]);
    ck_assert_ptr_null(llmcs_shop_classifier_label(c, TEXT_CLASSES));
    ck_assert_ptr_null(llmcs_shop_classifier_label(c, -1));
    llmcs_shop_predictions *p = predict_text(c, "我的包裹到哪了", 0);
    ck_assert_str_eq(p->items[0]->label, "track_order");
    ck_assert_uint_eq(p->items[0]->n_scores, 5);
    for (size_t i = 1; i < 5; i++) ck_assert_float_ge(p->items[0]->scores[i - 1].score, p->items[0]->scores[i].score);
    ck_assert_ptr_null(p->items[0]->evidence);
    llmcs_shop_predictions_free(&p);
    llmcs_shop_classifier_free(&c);
}
END_TEST

START_TEST(eight_examples_a_class_are_a_start) {
    const llmcs_shop_train_params params = quick_params();
    fill_shop_texts(&seen, 0, 1); /* 4 frames in two languages: 8 a class */
    fill_shop_texts(&unseen, 6, 6);
    llmcs_shop_classifier *c = train(&seen, &params);
    ck_assert_double_ge(accuracy(c, &unseen), 0.9);
    llmcs_shop_classifier_free(&c);
}
END_TEST

/* ---- reasons */

START_TEST(reasons_point_into_the_text) {
    static const struct {
        const char *text, *label, *word;
    } cases[] = {{"Hello, I would like my money back!", "refund", "money"},
                 {"你好，我想开一张发票。", "invoice", "发票"},
                 {"CANCEL it now", "cancel", "CANCEL"}};
    const llmcs_shop_train_params params = quick_params();
    fill_shop_texts(&seen, 0, 8);
    llmcs_shop_classifier *c = train(&seen, &params);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text, *word = strstr(text, cases[i].word);
        llmcs_shop_predictions *found = predict_text(c, text, LLMCS_SHOP_PREDICT_REASON);
        const llmcs_shop_prediction *p = found->items[0];
        bool touches = false;
        ck_assert_str_eq(p->label, cases[i].label);
        ck_assert_uint_ge(p->n_evidence, 1);
        for (size_t k = 0; k < p->n_evidence; k++) {
            const llmcs_shop_evidence *e = &p->evidence[k];
            ck_assert(e->begin < e->end && e->end <= strlen(text) && e->weight > 0);
            ck_assert(k == 0 || p->evidence[k - 1].weight >= e->weight);
            for (size_t other = 0; other < k; other++)
                ck_assert(p->evidence[other].end <= e->begin || e->end <= p->evidence[other].begin);
            touches =
                touches || (e->begin < (size_t)(word - text) + strlen(cases[i].word) && (size_t)(word - text) < e->end);
        }
        ck_assert_msg(touches, "%s: no reason is in \"%s\"", text, cases[i].word);
        ck_assert_ptr_nonnull(p->example);
        ck_assert_uint_eq(p->example_bytes, strlen(p->example));
        ck_assert(p->example_similarity > 0 && p->example_similarity <= 1.001f);
        llmcs_shop_predictions_free(&found);
    }
    llmcs_shop_predictions *exact = predict_text(c, "cancel my kettle", LLMCS_SHOP_PREDICT_REASON);
    ck_assert_str_eq(exact->items[0]->example, "cancel my kettle");
    ck_assert_float_eq_tol(exact->items[0]->example_similarity, 1, 1e-4f);
    llmcs_shop_predictions_free(&exact);
    llmcs_shop_classifier_free(&c);
}
END_TEST

START_TEST(without_examples_no_training_text_is_in_the_file) {
    char folder[TEMP_PATH_BYTES];
    llmcs_shop_train_params params = quick_params();
    size_t n;
    temp_folder(folder);
    fill_shop_texts(&seen, 0, 3);
    strcpy(seen.texts[0], "canaryword zanzibar 金丝雀金丝雀");
    for (int keep = 0; keep < 2; keep++) {
        params.flags = keep ? 0 : LLMCS_SHOP_TRAIN_NO_EXAMPLES;
        llmcs_shop_classifier *c = train(&seen, &params);
        ck_assert_int_eq(info_of(c).n_examples > 0, keep);
        char *bytes = saved_bytes(c, folder, "c", &n);
        ck_assert_int_eq(memmem(bytes, n, "zanzibar", 8) != NULL, keep);
        ck_assert_int_eq(memmem(bytes, n, "金丝雀", 9) != NULL, keep);
        free(bytes);
        llmcs_shop_predictions *p = predict_text(c, "cancel it", LLMCS_SHOP_PREDICT_REASON);
        ck_assert_int_eq(p->items[0]->example != NULL, keep);
        llmcs_shop_predictions_free(&p);
        llmcs_shop_classifier_free(&c);
    }
    temp_remove(folder);
}
END_TEST

/* ---- out of scope */

static double mean_oos(const llmcs_shop_classifier *c, const char *const *texts, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        llmcs_shop_predictions *p = predict_text(c, texts[i], 0);
        const float oos = p->items[0]->out_of_scope;
        ck_assert(oos >= 0 && oos <= 1);
        ck_assert_int_eq(p->items[0]->accepted, oos < 0.5f);
        sum += (double)oos;
        llmcs_shop_predictions_free(&p);
    }
    return sum / (double)n;
}

START_TEST(foreign_texts_are_further_out_with_and_without_examples_of_them) {
    static const char *const inside[] = {"where is my coat", "refund the bike", "取消键盘的订单", "玩具的发票怎么开"};
    static const char *const outside[] = {"how do volcanoes erupt", "sing me a lullaby", "宇宙有多大", "背一首古诗"};
    llmcs_shop_train_params params = quick_params();
    fill_shop_texts(&seen, 0, 8);
    for (int given = 0; given < 2; given++) {
        if (given) {
            for (size_t i = 0; i < N_OUTSIDE; i++)
                seen.items[seen.n++] = (llmcs_shop_example){outside_texts[i], LLMCS_NUL, "oos"};
            params.oos_label = "oos";
        }
        llmcs_shop_classifier *c = train(&seen, &params);
        const llmcs_shop_classifier_info info = info_of(c);
        ck_assert_int_eq(info.n_labels, TEXT_CLASSES); /* oos is none */
        ck_assert_str_eq(info.oos_rows, given ? "given" : "classes");
        ck_assert_uint_eq(info.n_oos_rows, given ? N_OUTSIDE : 0);
        ck_assert_double_ge(info.oos_auroc, 0.85);
        ck_assert_double_ge(info.in_scope_kept, 0.96);
        ck_assert_double_gt(mean_oos(c, outside, 4), mean_oos(c, inside, 4) + 0.3);
        llmcs_shop_classifier_free(&c);
    }
}
END_TEST

START_TEST(two_classes_and_near_ties) {
    static const llmcs_shop_example rows[] = {
        {"good, works well", LLMCS_NUL, "positive"},   {"很好用", LLMCS_NUL, "positive"},
        {"good value", LLMCS_NUL, "positive"},         {"质量很好", LLMCS_NUL, "positive"},
        {"bad, broke at once", LLMCS_NUL, "negative"}, {"太差了", LLMCS_NUL, "negative"},
        {"bad value", LLMCS_NUL, "negative"},          {"质量太差", LLMCS_NUL, "negative"}};
    llmcs_shop_train_params params = quick_params();
    llmcs_shop_classifier *c = NULL;
    params.n_folds = 2;
    ck_assert_msg(!llmcs_shop_classifier_train(rows, 8, &params, &c), "%s", llmcs_error_message());
    ck_assert_str_eq(info_of(c).oos_rows, "none");
    ck_assert(isnan(info_of(c).oos_auroc));
    llmcs_shop_predictions *p = predict_text(c, "good", 0);
    ck_assert_str_eq(p->items[0]->label, "positive");
    ck_assert_uint_eq(p->items[0]->n_scores, 2);
    ck_assert_float_eq_tol(p->items[0]->scores[0].score + p->items[0]->scores[1].score, 1, 1e-5f);
    llmcs_shop_predictions_free(&p);
    p = predict_text(c, "", 0);
    ck_assert_int_eq(p->items[0]->near_tie, 1);
    llmcs_shop_predictions_free(&p);
    llmcs_shop_classifier_free(&c);
}
END_TEST

/* ---- bits */

START_TEST(same_bits_for_any_threads_and_batch_and_after_opening) {
    char folder[TEMP_PATH_BYTES];
    llmcs_shop_train_params params = quick_params();
    char *first = NULL;
    size_t n, n_first = 0;
    llmcs_shop_classifier *opened;
    temp_folder(folder);
    fill_shop_texts(&seen, 0, 8);
    for (int32_t threads = 1; threads <= 4; threads *= 2) {
        params.n_threads = threads;
        llmcs_shop_classifier *c = train(&seen, &params);
        char *bytes = saved_bytes(c, folder, "c", &n);
        if (first) {
            ck_assert_uint_eq(n, n_first);
            ck_assert_mem_eq(bytes, first, n);
            free(bytes);
        } else {
            first = bytes;
            n_first = n;
        }
        llmcs_shop_classifier_free(&c);
    }
    ck_assert_msg(!llmcs_shop_classifier_open(temp_path(folder, "c"), NULL, &opened), "%s", llmcs_error_message());
    char *again = saved_bytes(opened, folder, "again", &n);
    ck_assert_uint_eq(n, n_first);
    ck_assert_mem_eq(again, first, n);
    llmcs_text texts[8];
    float together[8 * TEXT_CLASSES], alone[TEXT_CLASSES];
    llmcs_shop_predict_params p;
    llmcs_shop_predictions *found = NULL;
    for (size_t i = 0; i < 8; i++) texts[i] = (llmcs_text){.text = seen.items[i * 40].text, .text_bytes = LLMCS_NUL};
    llmcs_shop_predict_params_init(&p);
    p.all_scores = together;
    ck_assert_int_eq(llmcs_shop_classifier_predict(opened, texts, 8, &p, &found), LLMCS_OK);
    ck_assert_uint_eq(found->n, 8);
    llmcs_shop_predictions_free(&found);
    p.all_scores = alone;
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(llmcs_shop_classifier_predict(opened, &texts[i], 1, &p, &found), LLMCS_OK);
        ck_assert_mem_eq(alone, together + i * TEXT_CLASSES, sizeof alone);
        llmcs_shop_predictions_free(&found);
    }
    llmcs_shop_classifier_free(&opened);
    free(first);
    free(again);
    temp_remove(folder);
}
END_TEST

/* ---- arguments */

START_TEST(wrong_calls_are_refused) {
    static const llmcs_shop_example one_label[] = {{"a", LLMCS_NUL, "x"}, {"b", LLMCS_NUL, "x"}};
    static const llmcs_shop_example no_label[] = {{"a", LLMCS_NUL, "x"}, {"b", LLMCS_NUL, ""}};
    static const llmcs_shop_example no_text[] = {{"a", LLMCS_NUL, "x"}, {NULL, 0, "y"}};
    llmcs_shop_classifier *c = (llmcs_shop_classifier *)1;
    llmcs_shop_train_params params = quick_params();
    ck_assert_int_eq(llmcs_shop_classifier_train(one_label, 2, &params, &c), LLMCS_ARG);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(llmcs_shop_classifier_train(one_label, 0, &params, &c), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_classifier_train(no_label, 2, &params, &c), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "row 1"));
    ck_assert_int_eq(llmcs_shop_classifier_train(no_text, 2, &params, &c), LLMCS_ARG);
    params.oos_label = "x"; /* leaves none */
    ck_assert_int_eq(llmcs_shop_classifier_train(one_label, 2, &params, &c), LLMCS_ARG);
    params = quick_params();
    params.n_folds = 1;
    ck_assert_int_eq(llmcs_shop_classifier_train(one_label, 2, &params, &c), LLMCS_ARG);
    params = quick_params();
    params.keep = 2;
    ck_assert_int_eq(llmcs_shop_classifier_train(one_label, 2, &params, &c), LLMCS_ARG);
    params = quick_params();
    params.flags = LLMCS_SHOP_TRAIN_NO_NGRAMS;
    ck_assert_int_eq(llmcs_shop_classifier_train(one_label, 2, &params, &c), LLMCS_ARG);
    llmcs_shop_predictions *p;
    ck_assert_int_eq(llmcs_shop_classifier_predict(NULL, NULL, 0, NULL, &p), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_classifier_open("/nowhere/at/all", NULL, &c), LLMCS_IO);
    llmcs_shop_classifier_free(&c);
    llmcs_shop_classifier_free(NULL);
    llmcs_shop_predictions_free(NULL);
}
END_TEST

static int stop_at_half(void *user, float done) {
    float *last = user;
    ck_assert_float_ge(done, *last);
    *last = done;
    return done > 0.5f;
}

START_TEST(training_can_be_cancelled) {
    llmcs_shop_train_params params = quick_params();
    llmcs_shop_classifier *c;
    float last = 0;
    params.progress = stop_at_half;
    params.progress_user = &last;
    fill_shop_texts(&seen, 0, 4);
    ck_assert_int_eq(llmcs_shop_classifier_train(seen.items, seen.n, &params, &c), LLMCS_CANCELLED);
    ck_assert_float_gt(last, 0.5f);
    ck_assert_ptr_null(c);
}
END_TEST

/* ---- encoder */

START_TEST(vectors_of_an_encoder_are_used_and_another_one_is_refused) {
    char folder[TEMP_PATH_BYTES], other_folder[TEMP_PATH_BYTES];
    llmcs_shop_train_params params = quick_params();
    llmcs_shop_classifier_options options;
    llmcs_shop_classifier *c, *opened = NULL;
    llmcs_shop_predictions *found = NULL;
    text_bert_folder("bert-embed", folder);
    text_bert_folder("bert-mlm", other_folder);
    llmcs_model *encoder = open_model(folder, 1), *other = open_model(other_folder, 1);
    fill_shop_texts(&seen, 0, 4);
    params.encoder = encoder;
    params.encoder_path = folder;
    for (int ngrams = 0; ngrams < 2; ngrams++) {
        params.flags = ngrams ? 0 : LLMCS_SHOP_TRAIN_NO_NGRAMS;
        c = train(&seen, &params);
        ck_assert_int_gt(info_of(c).n_embedding, 0);
        ck_assert_int_eq(info_of(c).n_features > 0, ngrams);
        ck_assert_str_eq(info_of(c).encoder_path, folder);
        ck_assert_int_eq(info_of(c).has_encoder, 1);
        llmcs_shop_predictions *p = predict_text(c, "cancel my kettle", LLMCS_SHOP_PREDICT_REASON);
        ck_assert_ptr_nonnull(p->items[0]->example);
        llmcs_shop_predictions_free(&p);
        if (ngrams) break;
        llmcs_shop_classifier_free(&c);
    }
    ck_assert_int_eq(llmcs_shop_classifier_save(c, temp_path(folder, "head")), LLMCS_OK);
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(folder, "head"), NULL, &opened), LLMCS_OK);
    ck_assert_int_eq(info_of(opened).has_encoder, 0);
    const llmcs_text text = {.text = "refund the mug", .text_bytes = LLMCS_NUL};
    ck_assert_int_eq(llmcs_shop_classifier_predict(opened, &text, 1, NULL, &found), LLMCS_STATE);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), folder));
    float *vector = temp_alloc((size_t)info_of(c).n_embedding * sizeof *vector);
    ck_assert_int_eq(llmcs_embed(encoder, &text, 1, NULL, vector, NULL), LLMCS_OK);
    llmcs_shop_predict_params p;
    float by_vector[TEXT_CLASSES], by_encoder[TEXT_CLASSES];
    llmcs_shop_predict_params_init(&p);
    p.vectors = vector;
    p.all_scores = by_vector;
    ck_assert_int_eq(llmcs_shop_classifier_predict(opened, &text, 1, &p, &found), LLMCS_OK);
    llmcs_shop_predictions_free(&found);
    p.vectors = NULL;
    p.all_scores = by_encoder;
    ck_assert_int_eq(llmcs_shop_classifier_predict(c, &text, 1, &p, &found), LLMCS_OK);
    for (size_t i = 0; i < TEXT_CLASSES; i++) ck_assert_float_eq_tol(by_vector[i], by_encoder[i], 1e-4f);
    llmcs_shop_predictions_free(&found);
    vector[0] = NAN;
    p.vectors = vector;
    ck_assert_int_eq(llmcs_shop_classifier_predict(c, &text, 1, &p, &found), LLMCS_NUMERIC);
    llmcs_shop_classifier_free(&opened);
    llmcs_shop_classifier_options_init(&options);
    options.encoder = other;
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(folder, "head"), &options, &opened), LLMCS_STATE);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "not the one used in training"));
    options.encoder = encoder;
    ck_assert_int_eq(llmcs_shop_classifier_open(temp_path(folder, "head"), &options, &opened), LLMCS_OK);
    llmcs_shop_classifier_free(&opened);
    llmcs_shop_classifier_free(&c);
    free(vector);
    llmcs_model_free(&encoder);
    llmcs_model_free(&other);
    temp_remove(folder);
    temp_remove(other_folder);
}
END_TEST

/* ---- swap */

typedef struct swapper {
    llmcs_shop_classifier_slot *slot;
    atomic_bool stop;
    atomic_int predictions, wrong;
} swapper;

static void *keep_predicting(void *argument) {
    swapper *s = argument;
    while (!atomic_load(&s->stop)) {
        llmcs_shop_classifier *c = llmcs_shop_classifier_slot_get(s->slot);
        const llmcs_text text = {.text = "cancel my kettle", .text_bytes = LLMCS_NUL};
        llmcs_shop_predictions *p = NULL;
        if (llmcs_shop_classifier_predict(c, &text, 1, NULL, &p) || strcmp(p->items[0]->label, "cancel") != 0)
            atomic_fetch_add(&s->wrong, 1);
        llmcs_shop_predictions_free(&p);
        llmcs_shop_classifier_free(&c);
        atomic_fetch_add(&s->predictions, 1);
    }
    return NULL;
}

START_TEST(swapped_while_requests_run) {
    enum { THREADS = 3, SWAPS = 200 };
    llmcs_shop_train_params params = quick_params();
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    pthread_t threads[THREADS];
    swapper s = {.slot = NULL};
    params.allocator = &a;
    fill_shop_texts(&seen, 0, 3);
    llmcs_shop_classifier *first = train(&seen, &params);
    fill_shop_texts(&seen, 0, 4);
    llmcs_shop_classifier *second = train(&seen, &params);
    ck_assert_int_eq(llmcs_shop_classifier_slot_create(first, &s.slot), LLMCS_OK);
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, keep_predicting, &s);
    for (int i = 0; i < SWAPS || atomic_load(&s.predictions) < SWAPS; i++)
        ck_assert_int_eq(llmcs_shop_classifier_slot_swap(s.slot, i % 2 ? first : second), LLMCS_OK);
    llmcs_shop_classifier_free(&first);
    llmcs_shop_classifier_free(&second);
    atomic_store(&s.stop, true);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(s.wrong, 0);
    ck_assert_int_eq(llmcs_shop_classifier_slot_swap(s.slot, NULL), LLMCS_OK);
    ck_assert_ptr_null(llmcs_shop_classifier_slot_get(s.slot));
    ck_assert_int_eq(counter.live, 0);
    llmcs_shop_classifier_slot_free(&s.slot);
    ck_assert_ptr_null(s.slot);
}
END_TEST

/* ---- memory */

START_TEST(every_allocation_may_fail) {
    char folder[TEMP_PATH_BYTES];
    llmcs_shop_train_params params = quick_params();
    fail_alloc counter;
    long n_calls = 0;
    temp_folder(folder);
    fill_shop_texts(&seen, 0, 1);
    params.n_folds = 2;
    params.max_iterations = 2;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    params.allocator = &a;
    for (long i = -1; i < n_calls; i += 1 + i / 60) { /* every one at first, then some */
        llmcs_shop_classifier *c = NULL, *opened = NULL;
        llmcs_shop_classifier_options options;
        llmcs_shop_predictions *p = NULL;
        const llmcs_text text = {.text = "cancel it", .text_bytes = LLMCS_NUL};
        llmcs_shop_predict_params predict;
        llmcs_shop_classifier_options_init(&options);
        llmcs_shop_predict_params_init(&predict);
        predict.flags = LLMCS_SHOP_PREDICT_REASON;
        options.allocator = &a;
        atomic_store(&counter.calls, 0);
        counter.fail_at = i;
        llmcs_status status = llmcs_shop_classifier_train(seen.items, seen.n, &params, &c);
        if (!status) status = llmcs_shop_classifier_predict(c, &text, 1, &predict, &p);
        if (!status) status = llmcs_shop_classifier_save(c, temp_path(folder, "c"));
        if (!status) status = llmcs_shop_classifier_open(temp_path(folder, "c"), &options, &opened);
        ck_assert_int_eq(status, i < 0 ? LLMCS_OK : LLMCS_NOMEM);
        if (i < 0) n_calls = counter.calls;
        llmcs_shop_predictions_free(&p);
        llmcs_shop_classifier_free(&c);
        llmcs_shop_classifier_free(&opened);
        ck_assert_int_eq(counter.live, 0);
    }
    ck_assert_int_gt(n_calls, 100);
    temp_remove(folder);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, texts_of_both_languages_find_their_class);
    tcase_add_test(tests, eight_examples_a_class_are_a_start);
    tcase_add_test(tests, reasons_point_into_the_text);
    tcase_add_test(tests, without_examples_no_training_text_is_in_the_file);
    tcase_add_test(tests, foreign_texts_are_further_out_with_and_without_examples_of_them);
    tcase_add_test(tests, two_classes_and_near_ties);
    tcase_add_test(tests, same_bits_for_any_threads_and_batch_and_after_opening);
    tcase_add_test(tests, wrong_calls_are_refused);
    tcase_add_test(tests, training_can_be_cancelled);
    tcase_add_test(tests, vectors_of_an_encoder_are_used_and_another_one_is_refused);
    tcase_add_test(tests, swapped_while_requests_run);
    tcase_add_test(tests, every_allocation_may_fail);
}

SUITE_MAIN("shop/classifier", add_tests)
