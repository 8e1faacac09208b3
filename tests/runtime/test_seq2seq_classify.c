/* Encoder-decoders that classify: a sequence's logits do not depend on its neighbours, the plan counts their memory,
 * and what they cannot classify is named. test_golden compares them with Transformers. */
#include <stdio.h>
#include <string.h>

#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"

#define N_SEQUENCES 70 /* more than one forward pass takes */
#define MAX_LENGTH 90
#define N_EMBD 24
#define N_LABELS 3
#define EOS 2
#define N_NAMES 4

static const char *const names[N_NAMES] = {"bart-cls", "mbart-cls", "t5-cls", "mt5-cls"};
static const int32_t eos_of[N_NAMES] = {EOS, EOS, 1, 1};

static llmcs_status evaluate(llmcs_model *m, const int32_t *ids, const size_t *lengths, size_t n, float *hidden,
                             float *logits) {
    const llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = hidden, .logits = logits};
    return llmcs_encoder_eval(m, ids, NULL, lengths, n, &o);
}

START_TEST(neighbours_change_nothing) {
    static int32_t ids[N_SEQUENCES * MAX_LENGTH];
    static float hidden[N_SEQUENCES * MAX_LENGTH * N_EMBD], alone_hidden[MAX_LENGTH * N_EMBD];
    static float logits[N_SEQUENCES * N_LABELS];
    float alone[N_LABELS];
    size_t lengths[N_SEQUENCES], n_rows = 0;
    uint64_t seed = 20261129;
    printf("seed %llu\n", (unsigned long long)seed);
    llmcs_model *m = open_golden(names[_i], 3);
    for (size_t i = 0; i < N_SEQUENCES; n_rows += lengths[i++]) {
        lengths[i] = 1 + random_below(&seed, MAX_LENGTH);
        for (size_t k = 0; k < lengths[i]; k++) ids[n_rows + k] = (int32_t)(3 + random_below(&seed, 60));
        ids[n_rows + random_below(&seed, lengths[i])] = eos_of[_i];
    }
    ck_assert_msg(!evaluate(m, ids, lengths, N_SEQUENCES, hidden, logits), "%s", llmcs_error_message());
    for (size_t i = 0, row = 0; i < N_SEQUENCES; row += lengths[i++]) {
        ck_assert_int_eq(evaluate(m, ids + row, &lengths[i], 1, alone_hidden, alone), LLMCS_OK);
        ck_assert_int_eq(memcmp(alone, logits + i * N_LABELS, sizeof alone), 0);
        ck_assert_int_eq(memcmp(alone_hidden, hidden + row * N_EMBD, lengths[i] * N_EMBD * sizeof *hidden), 0);
    }
    llmcs_model_free(&m);
}
END_TEST

START_TEST(without_eos_there_are_no_logits) {
    const int32_t ids[] = {0, 5, eos_of[_i], 6, 7};
    static const size_t lengths[] = {3, 2};
    float logits[2 * N_LABELS], hidden[5 * N_EMBD];
    char expected[80];
    llmcs_model *m = open_golden(names[_i], 1);
    ck_assert_int_eq(evaluate(m, ids, lengths, 2, NULL, logits), LLMCS_ARG);
    snprintf(expected, sizeof expected, "text 1 has no eos_token_id (%d) among its 2 tokens", (int)eos_of[_i]);
    ck_assert_msg(strstr(llmcs_error_message(), expected) != NULL, "%s", llmcs_error_message());
    ck_assert_int_eq(evaluate(m, ids, lengths, 2, hidden, NULL), LLMCS_OK);
    ck_assert_int_eq(evaluate(m, ids, lengths, 1, NULL, logits), LLMCS_OK);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(such_a_model_does_not_generate) {
    llmcs_model *m = open_golden(names[_i], 1);
    llmcs_session *s = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_uint_eq(info.heads, LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_EMBEDDING);
    ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_NO_HEAD);
    llmcs_model_free(&m);
}
END_TEST

/* mBART's has its first token from the source. */
START_TEST(a_decoder_needs_its_first_token) {
    static const char *const folders[] = {GOLDEN_FOLDER "bart-cls", GOLDEN_FOLDER "t5-cls"};
    const int32_t ids[] = {5, _i ? 1 : EOS};
    static const size_t length = 2;
    float logits[N_LABELS];
    char folder[TEMP_PATH_BYTES];
    checkpoint *c = checkpoint_read(folders[_i]);
    checkpoint_set(c, "decoder_start_token_id", _i ? "null" : "-1");
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_model *m = open_model(folder, 1);
    ck_assert_int_eq(evaluate(m, ids, &length, 1, NULL, logits), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "decoder_start_token_id is missing"));
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

static void opens_with(const checkpoint *c, llmcs_status expected, const char *named) {
    char folder[TEMP_PATH_BYTES];
    llmcs_model *m = NULL;
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), expected);
    if (expected) ck_assert_msg(strstr(llmcs_error_message(), named) != NULL, "%s", llmcs_error_message());
    llmcs_model_free(&m);
    temp_remove(folder);
}

/* A T5 classifier's tensors begin with "transformer.", those of its head do not. */
START_TEST(a_wrong_t5_folder_is_named) {
    static const char *const missing[] = {"classification_head.dense.weight", "classification_head.out_proj.bias",
                                          "transformer.decoder.final_layer_norm.weight",
                                          "transformer.encoder.block.2.layer.1.DenseReluDense.wo.weight"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        checkpoint *c = checkpoint_read(GOLDEN_FOLDER "t5-cls");
        ck_assert_ptr_nonnull(checkpoint_find(c, missing[i]));
        checkpoint_remove(c, missing[i]);
        opens_with(c, LLMCS_FORMAT, missing[i]);
        checkpoint_free(c);
    }
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "t5-cls");
    checkpoint_set(c, "id2label", "{\"0\": \"a\", \"1\": \"b\"}");
    opens_with(c, LLMCS_CONFIG, "classification_head.out_proj.weight");
    checkpoint_free(c);
    c = checkpoint_read(GOLDEN_FOLDER "t5-tied"); /* a language model under the classifier's name */
    checkpoint_set(c, "architectures", "[\"T5ForSequenceClassification\"]");
    opens_with(c, LLMCS_FORMAT, "classification_head.dense.weight");
    checkpoint_free(c);
}
END_TEST

/* Transformers loads the stack's tensors with and without their prefix. */
START_TEST(names_of_t5_without_prefix) {
    static const int32_t ids[] = {5, 7, 1};
    static const size_t length = 3;
    float logits[N_LABELS], expected[N_LABELS];
    char folder[TEMP_PATH_BYTES];
    llmcs_model *m = open_golden("t5-cls", 1);
    ck_assert_int_eq(evaluate(m, ids, &length, 1, NULL, expected), LLMCS_OK);
    llmcs_model_free(&m);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "t5-cls");
    checkpoint_drop_prefix(c, "transformer.");
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    m = open_model(folder, 1);
    ck_assert_int_eq(evaluate(m, ids, &length, 1, NULL, logits), LLMCS_OK);
    ck_assert_int_eq(memcmp(logits, expected, sizeof logits), 0);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* Transformers reads no generation_config.json for a classifier: its tokens must not move the pooled row. */
START_TEST(settings_of_generation_change_nothing) {
    static const int32_t ids[] = {0, 5, EOS, 6, 7};
    static const size_t length = 5;
    float logits[N_LABELS], expected[N_LABELS];
    char folder[TEMP_PATH_BYTES];
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bart-cls");
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_model *m = open_model(folder, 1);
    ck_assert_int_eq(evaluate(m, ids, &length, 1, NULL, expected), LLMCS_OK);
    llmcs_model_free(&m);
    temp_write_text(folder, "generation_config.json", "{\"eos_token_id\": 6, \"decoder_start_token_id\": 7}");
    m = open_model(folder, 1);
    ck_assert_int_eq(evaluate(m, ids, &length, 1, NULL, logits), LLMCS_OK);
    ck_assert_int_eq(memcmp(logits, expected, sizeof logits), 0);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(the_plan_counts_the_sources) {
    const int32_t ids[] = {0, 5, eos_of[_i]};
    static const size_t length = 3;
    float logits[N_LABELS];
    char folder[128];
    fail_alloc count;
    fail_alloc_init(&count);
    const llmcs_allocator counting = fail_alloc_get(&count);
    llmcs_plan_info p = {.struct_size = sizeof p};
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.n_threads = 2;
    o.allocator = &counting;
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", names[_i]);
    ck_assert_int_eq(llmcs_plan(folder, &o, NULL, &p), LLMCS_OK);
    fail_alloc_init(&count);
    llmcs_model *m = NULL;
    ck_assert_int_eq(llmcs_model_open(folder, &o, &m), LLMCS_OK);
    const uint64_t of_model = (uint64_t)count.live_bytes;
    ck_assert_uint_le(of_model, p.model_bytes);
    ck_assert_int_eq(evaluate(m, ids, &length, 1, NULL, logits), LLMCS_OK);
    const uint64_t of_encoder = (uint64_t)count.live_bytes - of_model;
    ck_assert_uint_le(of_encoder, p.encoder_bytes);
    /* The plan is for the longest text, this text needs less where that is more than 512 tokens (T5). */
    if (_i < 2) ck_assert_uint_ge(of_encoder * 51 / 50, p.encoder_bytes);
    llmcs_model_free(&m);
    ck_assert_int_eq(count.live, 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, neighbours_change_nothing, 0, N_NAMES);
    tcase_add_loop_test(t, without_eos_there_are_no_logits, 0, N_NAMES);
    tcase_add_loop_test(t, such_a_model_does_not_generate, 0, N_NAMES);
    tcase_add_loop_test(t, a_decoder_needs_its_first_token, 0, 2);
    tcase_add_test(t, a_wrong_t5_folder_is_named);
    tcase_add_test(t, names_of_t5_without_prefix);
    tcase_add_test(t, settings_of_generation_change_nothing);
    tcase_add_loop_test(t, the_plan_counts_the_sources, 0, N_NAMES);
}

SUITE_MAIN("runtime/seq2seq_classify", add)
