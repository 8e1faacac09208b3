/* Checkpoints that do not fit their config.json: refused before anything is taken, naming tensor, found, expected. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"

static checkpoint *read_golden(const char *name) {
    char folder[128];
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", name);
    return checkpoint_read(folder);
}

/* Opens what c is now; the message must hold all of the words. Frees c. */
static void refused(checkpoint *c, llmcs_status expected, uint32_t flags, const char *const words[3]) {
    char folder[TEMP_PATH_BYTES];
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &a;
    o.flags = flags;
    o.n_threads = 1;
    llmcs_model *m = (llmcs_model *)(void *)&f;
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    llmcs_status st = llmcs_model_open(folder, &o, &m);
    temp_remove(folder);
    ck_assert_msg(st == expected, "%s instead of %s: %s", llmcs_status_name(st), llmcs_status_name(expected),
                  llmcs_error_message());
    ck_assert_ptr_null(m);
    ck_assert_int_eq(f.live, 0);
    for (size_t i = 0; i < 3 && words[i]; i++)
        ck_assert_msg(strstr(llmcs_error_message(), words[i]) != NULL, "no \"%s\" in: %s", words[i],
                      llmcs_error_message());
    checkpoint_free(c);
}

#define WORDS(...) ((const char *const[3]){__VA_ARGS__})

START_TEST(every_missing_tensor_is_named) {
    static const char *const names[] = {"gpt2-tiny", "gpt2-untied", "bert-cls", "distilbert-cls", "roberta-cls"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        checkpoint *all = read_golden(names[i]);
        for (size_t t = 0; t < all->n_tensors; t++) {
            const char *name = all->tensors[t].name;
            checkpoint *c = read_golden(names[i]);
            checkpoint_remove(c, name);
            bool optional = strstr(name, "roberta.pooler.dense.weight") != NULL;
            if (optional) {
                checkpoint_free(c);
                continue;
            }
            /* Without its first table a checkpoint is taken for one without prefix. */
            const char *base = strchr(name, '.');
            bool finds_prefix = strstr(name, "wte.weight") || strstr(name, "word_embeddings");
            refused(c, LLMCS_FORMAT, 0, WORDS(finds_prefix ? "is missing" : base, "model.safetensors", "is missing"));
        }
        checkpoint_free(all);
    }
}
END_TEST

START_TEST(a_transposed_matrix_of_the_right_size) {
    checkpoint *c = read_golden("gpt2-tiny");
    stored_tensor *t = checkpoint_find(c, "transformer.h.1.attn.c_attn.weight");
    t->shape[0] = 144;
    t->shape[1] = 48;
    refused(c, LLMCS_CONFIG, 0, WORDS("h.1.attn.c_attn.weight", "[144,48]", "[48,144]"));
    c = read_golden("bert-cls");
    t = checkpoint_find(c, "bert.encoder.layer.1.intermediate.dense.weight");
    t->shape[0] = 48;
    t->shape[1] = 96;
    refused(c, LLMCS_CONFIG, 0, WORDS("layer.1.intermediate.dense.weight", "[48,96]", "[96,48]"));
}
END_TEST

START_TEST(a_vector_where_a_matrix_belongs) {
    checkpoint *c = read_golden("gpt2-tiny");
    stored_tensor *t = checkpoint_find(c, "transformer.h.0.attn.c_proj.weight");
    t->rank = 1;
    t->shape[0] = 48 * 48;
    refused(c, LLMCS_CONFIG, 0, WORDS("attn.c_proj.weight", "[2304]", "[48,48]"));
}
END_TEST

START_TEST(sizes_of_config_and_tables_disagree) {
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_set(c, "vocab_size", "258");
    refused(c, LLMCS_CONFIG, 0, WORDS("wte.weight", "[257,48]", "[258,48]"));
    c = read_golden("gpt2-tiny");
    checkpoint_set(c, "n_positions", "65");
    refused(c, LLMCS_CONFIG, 0, WORDS("wpe.weight", "[64,48]", "[65,48]"));
    c = read_golden("gpt2-tiny");
    checkpoint_set(c, "n_inner", "100");
    refused(c, LLMCS_CONFIG, 0, WORDS("mlp.c_fc.weight", "[48,192]", "[48,100]"));
    c = read_golden("bert-cls");
    checkpoint_set(c, "type_vocab_size", "3");
    refused(c, LLMCS_CONFIG, 0, WORDS("token_type_embeddings.weight", "[2,48]", "[3,48]"));
    c = read_golden("bert-cls");
    checkpoint_set(c, "id2label", "{\"0\": \"a\", \"1\": \"b\", \"2\": \"c\", \"3\": \"d\"}");
    refused(c, LLMCS_CONFIG, 0, WORDS("classifier.weight", "[3,48]", "[4,48]"));
}
END_TEST

START_TEST(heads_that_do_not_divide) {
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_set(c, "n_head", "5");
    refused(c, LLMCS_CONFIG, 0, WORDS("5", "48", NULL));
}
END_TEST

START_TEST(a_thousand_million_layers) {
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_set(c, "n_layer", "1000000000");
    refused(c, LLMCS_FORMAT, 0, WORDS("h.3.", "is missing", NULL));
    c = read_golden("bert-cls");
    checkpoint_set(c, "num_hidden_layers", "1000000000");
    refused(c, LLMCS_FORMAT, 0, WORDS("layer.2.", "is missing", NULL));
}
END_TEST

START_TEST(types_that_are_not_run) {
    checkpoint *c = read_golden("gpt2-tiny");
    strcpy(checkpoint_find(c, "transformer.h.0.ln_1.weight")->dtype, "I32");
    refused(c, LLMCS_UNSUPPORTED, 0, WORDS("h.0.ln_1.weight", "I32", NULL));
    c = read_golden("gpt2-tiny");
    strcpy(checkpoint_find(c, "transformer.wte.weight")->dtype, "I32");
    refused(c, LLMCS_UNSUPPORTED, 0, WORDS("wte.weight", "I32", NULL));
}
END_TEST

START_TEST(the_config_of_another_family) {
    checkpoint *c = read_golden("gpt2-tiny"), *bert = read_golden("bert-cls");
    char *config = c->config;
    c->config = bert->config;
    bert->config = config;
    refused(c, LLMCS_FORMAT, 0, WORDS("embeddings", "is missing", NULL));
    refused(bert, LLMCS_FORMAT, 0, WORDS("ln_1", "is missing", NULL));
}
END_TEST

/* S41: such weights load unless asked to be looked at. */
static void check_not_finite(const char *tensor, size_t index, float value) {
    char number[24];
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_f32(c, tensor)[index] = value;
    snprintf(number, sizeof number, "%zu", index);
    refused(c, LLMCS_FORMAT, LLMCS_LOAD_CHECK_FINITE, WORDS(tensor, number, NULL));
}

START_TEST(weights_that_are_not_numbers_when_asked) {
    check_not_finite("transformer.h.2.ln_2.weight", 7, NAN);
    check_not_finite("transformer.h.2.mlp.c_fc.weight", 4711, INFINITY);
    check_not_finite("transformer.h.1.attn.c_attn.bias", 12, -INFINITY);
    check_not_finite("transformer.wpe.weight", 77, NAN);
    check_not_finite("transformer.wte.weight", 100, NAN);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_missing_tensor_is_named);
    tcase_add_test(t, a_transposed_matrix_of_the_right_size);
    tcase_add_test(t, a_vector_where_a_matrix_belongs);
    tcase_add_test(t, sizes_of_config_and_tables_disagree);
    tcase_add_test(t, heads_that_do_not_divide);
    tcase_add_test(t, a_thousand_million_layers);
    tcase_add_test(t, types_that_are_not_run);
    tcase_add_test(t, the_config_of_another_family);
    tcase_add_test(t, weights_that_are_not_numbers_when_asked);
}

SUITE_MAIN("models/shapes", add)
