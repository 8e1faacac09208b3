/* config.json and its neighbours: what is read, and what is refused with which message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "families/family.h"
#include "formats/config.h"
#include "support/fail_alloc.h"
#include "support/suite.h"
#include "support/temp.h"

static const ll_log silent = {NULL, NULL};
static char folder[TEMP_PATH_BYTES];

static void make_folder(void) { temp_folder(folder); }
static void remove_folder(void) { temp_remove(folder); }

/* ------------------------------------------------------------------------------- configs that are edited */

typedef struct pair {
    const char *key, *value;
} pair;

static const pair gpt2[] = {{"model_type", "\"gpt2\""},
                            {"architectures", "[\"GPT2LMHeadModel\"]"},
                            {"vocab_size", "100"},
                            {"n_positions", "32"},
                            {"n_embd", "24"},
                            {"n_layer", "2"},
                            {"n_head", "4"},
                            {"n_inner", "null"},
                            {"activation_function", "\"gelu_new\""},
                            {"layer_norm_epsilon", "1e-05"},
                            {"bos_token_id", "0"},
                            {"eos_token_id", "0"},
                            {NULL, NULL}};
static const pair bert[] = {{"model_type", "\"bert\""},
                            {"architectures", "[\"BertForSequenceClassification\"]"},
                            {"vocab_size", "100"},
                            {"max_position_embeddings", "32"},
                            {"hidden_size", "24"},
                            {"num_hidden_layers", "2"},
                            {"num_attention_heads", "4"},
                            {"intermediate_size", "48"},
                            {"hidden_act", "\"gelu\""},
                            {"layer_norm_eps", "1e-12"},
                            {"type_vocab_size", "2"},
                            {"pad_token_id", "0"},
                            {"id2label", "{\"0\":\"no\",\"1\":\"yes\"}"},
                            {NULL, NULL}};
static const pair distilbert[] = {{"model_type", "\"distilbert\""},
                                  {"architectures", "[\"DistilBertForMaskedLM\"]"},
                                  {"vocab_size", "100"},
                                  {"max_position_embeddings", "32"},
                                  {"dim", "24"},
                                  {"n_layers", "2"},
                                  {"n_heads", "4"},
                                  {"hidden_dim", "48"},
                                  {"activation", "\"gelu\""},
                                  {"sinusoidal_pos_embds", "true"},
                                  {"pad_token_id", "0"},
                                  {NULL, NULL}};
static const pair roberta[] = {{"model_type", "\"roberta\""},
                               {"architectures", "[\"RobertaModel\"]"},
                               {"vocab_size", "100"},
                               {"max_position_embeddings", "34"},
                               {"hidden_size", "24"},
                               {"num_hidden_layers", "2"},
                               {"num_attention_heads", "4"},
                               {"intermediate_size", "48"},
                               {"hidden_act", "\"gelu\""},
                               {"layer_norm_eps", "1e-05"},
                               {"type_vocab_size", "1"},
                               {"pad_token_id", "1"},
                               {NULL, NULL}};
static const pair modernbert[] = {{"model_type", "\"modernbert\""},
                                  {"architectures", "[\"ModernBertForMaskedLM\"]"},
                                  {"vocab_size", "100"},
                                  {"max_position_embeddings", "32"},
                                  {"hidden_size", "24"},
                                  {"num_hidden_layers", "2"},
                                  {"num_attention_heads", "4"},
                                  {"intermediate_size", "48"},
                                  {"norm_eps", "1e-05"},
                                  {"local_attention", "8"},
                                  {"global_attn_every_n_layers", "2"},
                                  {"global_rope_theta", "500"},
                                  {NULL, NULL}};
static const pair llama[] = {{"model_type", "\"llama\""},  {"architectures", "[\"LlamaForCausalLM\"]"},
                             {"vocab_size", "100"},        {"max_position_embeddings", "32"},
                             {"hidden_size", "24"},        {"num_hidden_layers", "2"},
                             {"num_attention_heads", "4"}, {"num_key_value_heads", "2"},
                             {"intermediate_size", "48"},  {"rms_norm_eps", "1e-05"},
                             {"rope_theta", "500000.0"},   {NULL, NULL}};
static const pair *const bases[] = {gpt2, bert, distilbert, roberta, modernbert, llama};
#define N_BASES (sizeof bases / sizeof *bases)

/* The base with one member changed, added, or (value NULL) left out; key NULL: as it is. */
static const char *edited(const pair *base, const char *key, const char *value) {
    static char text[8192];
    size_t at = 0;
    bool done = key == NULL || value == NULL;
    text[at++] = '{';
    for (const pair *p = base; p->key; p++) {
        bool here = key && strcmp(p->key, key) == 0;
        if (here && !value) continue;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\"%s\":%s", at > 1 ? "," : "", p->key,
                               here ? value : p->value);
        done |= here;
    }
    if (!done) at += (size_t)snprintf(text + at, sizeof text - at, ",\"%s\":%s", key, value);
    snprintf(text + at, sizeof text - at, "}");
    return text;
}

static llmcs_status read_text(const char *text, ll_config *c) {
    llmcs_allocator a = ll_allocator_default();
    temp_write_text(folder, "config.json", text);
    return ll_config_read(c, &a, &(ll_source){.path = folder}, &silent);
}

static void must_read(const char *text, ll_config *c) {
    ck_assert_msg(read_text(text, c) == LLMCS_OK, "%s\n%s", text, llmcs_error_message());
}

/* The message must hold `needle`. */
static void must_refuse(const char *text, llmcs_status expected, const char *needle) {
    ll_config c;
    llmcs_status st = read_text(text, &c);
    if (!st) ll_config_free(&c);
    ck_assert_msg(st == expected, "%s\n%s, expected %s: %s", text, llmcs_status_name(st), llmcs_status_name(expected),
                  st ? llmcs_error_message() : "");
    ck_assert_msg(strstr(llmcs_error_message(), needle) != NULL, "%s\n%s\nlacks %s", text, llmcs_error_message(),
                  needle);
    ck_assert_uint_lt(strlen(llmcs_error_message()), 256);
}

/* -------------------------------------------------------------------------------------------- good configs */

START_TEST(golden_configs_read) {
    static const struct {
        const char *folder;
        const ll_family *family;
        ll_head head;
        int32_t vocab_size, n_positions, n_embd, n_layer, n_head, n_inner, types, offset, labels;
    } cases[] = {
        {"bert-cls", &ll_family_bert, LL_HEAD_CLASSIFICATION, 211, 64, 48, 2, 4, 96, 2, 0, 3},
        {"bert-embed", &ll_family_bert, LL_HEAD_NONE, 190, 64, 64, 3, 2, 128, 2, 0, 0},
        {"bert-mlm", &ll_family_bert, LL_HEAD_MASKED_LM, 173, 64, 40, 2, 5, 72, 2, 0, 0},
        {"distilbert-cls", &ll_family_distilbert, LL_HEAD_CLASSIFICATION, 199, 64, 48, 2, 4, 96, 0, 0, 2},
        {"gpt2-bf16", &ll_family_gpt2, LL_HEAD_CAUSAL_LM, 150, 48, 64, 2, 4, 256, 0, 0, 0},
        {"gpt2-f16", &ll_family_gpt2, LL_HEAD_CAUSAL_LM, 150, 48, 64, 2, 2, 256, 0, 0, 0},
        {"gpt2-odd-head", &ll_family_gpt2, LL_HEAD_CAUSAL_LM, 131, 40, 60, 2, 5, 240, 0, 0, 0},
        {"gpt2-tiny", &ll_family_gpt2, LL_HEAD_CAUSAL_LM, 257, 64, 48, 3, 4, 192, 0, 0, 0},
        {"gpt2-untied", &ll_family_gpt2, LL_HEAD_CAUSAL_LM, 97, 32, 48, 2, 3, 192, 0, 0, 0},
        {"roberta-cls", &ll_family_roberta, LL_HEAD_CLASSIFICATION, 205, 66, 48, 2, 4, 96, 1, 2, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        llmcs_allocator a = ll_allocator_default();
        char path[256];
        ll_config c;
        snprintf(path, sizeof path, "tests/data/golden/%s", cases[i].folder);
        ck_assert_msg(ll_config_read(&c, &a, &(ll_source){.path = path}, &silent) == LLMCS_OK, "%s",
                      llmcs_error_message());
        ck_assert_ptr_eq(c.family, cases[i].family);
        ck_assert_int_eq(c.head, cases[i].head);
        ck_assert_int_eq(c.vocab_size, cases[i].vocab_size);
        ck_assert_int_eq(c.n_positions, cases[i].n_positions);
        ck_assert_int_eq(c.n_embd, cases[i].n_embd);
        ck_assert_int_eq(c.n_layer, cases[i].n_layer);
        ck_assert_int_eq(c.n_head, cases[i].n_head);
        ck_assert_int_eq(c.n_inner, cases[i].n_inner);
        ck_assert_int_eq(c.type_vocab_size, cases[i].types);
        ck_assert_int_eq(c.position_offset, cases[i].offset);
        ck_assert_int_eq(c.n_labels, cases[i].labels);
        ck_assert_int_eq(c.tie_word_embeddings, strcmp(cases[i].folder, "gpt2-untied") != 0);
        if (c.n_labels == 3) ck_assert_str_eq(c.id2label[2], "positive");
        ck_assert_int_eq(c.problem, LL_PROBLEM_SINGLE_LABEL);
        ll_config_free(&c);
    }
}
END_TEST

START_TEST(defaults_are_those_of_transformers) {
    ll_config c;
    must_read("{\"model_type\":\"gpt2\",\"vocab_size\":50257,\"n_ctx\":7,\"n_embd\":8,\"n_layer\":1,\"n_head\":2}", &c);
    ck_assert_int_eq(c.n_positions, 7);
    ck_assert_int_eq(c.n_inner, 32);
    ck_assert(c.layer_norm_eps == 1e-5f && c.activation == LL_ACT_GELU_NEW);
    ck_assert(c.tie_word_embeddings && c.scale_attn_weights && c.head == LL_HEAD_CAUSAL_LM);
    ck_assert_str_eq(c.architecture, "");
    ck_assert_int_eq(c.bos_token_id, 50256);
    ck_assert_uint_eq(c.n_eos_token_id, 1);
    ck_assert_int_eq(c.eos_token_id[0], 50256);
    ck_assert_int_eq(c.pad_token_id, -1);
    ck_assert(!c.generation.do_sample && c.generation.temperature == 1);
    ck_assert(c.generation.top_k == 50 && c.generation.top_p == 1 && c.generation.min_p == 0);
    ck_assert(c.generation.repetition_penalty == 1 && c.generation.length_penalty == 1);
    ck_assert(c.generation.num_beams == 1 && c.generation.num_return_sequences == 1);
    ck_assert(c.generation.early_stopping == LLMCS_EARLY_STOPPING_FALSE && c.generation.max_new_tokens == 0);
    ck_assert(!c.sentence.present);
    ll_config_free(&c);
    must_read(
        "{\"model_type\":\"bert\",\"vocab_size\":9,\"max_position_embeddings\":7,\"hidden_size\":8,"
        "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":5}",
        &c);
    ck_assert(c.layer_norm_eps == 1e-12f && c.activation == LL_ACT_GELU && c.head == LL_HEAD_NONE);
    ck_assert_int_eq(c.type_vocab_size, 2);
    ck_assert_int_eq(c.pad_token_id, 0);
    ck_assert_int_eq(c.bos_token_id, -1);
    ck_assert_uint_eq(c.n_eos_token_id, 0);
    ll_config_free(&c);
    must_read(
        "{\"model_type\":\"xlm-roberta\",\"vocab_size\":9,\"max_position_embeddings\":7,\"hidden_size\":8,"
        "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"intermediate_size\":5}",
        &c);
    ck_assert(c.family == &ll_family_roberta && c.position_offset == 2 && c.pad_token_id == 1);
    ck_assert(c.bos_token_id == 0 && c.n_eos_token_id == 1 && c.eos_token_id[0] == 2);
    ck_assert_str_eq(c.model_type, "xlm-roberta");
    ll_config_free(&c);
    must_read(edited(distilbert, "activation", NULL), &c);
    ck_assert(c.layer_norm_eps == 1e-12f && c.type_vocab_size == 0 && c.head == LL_HEAD_MASKED_LM);
    ll_config_free(&c);
}
END_TEST

START_TEST(settings_are_read) {
    ll_config c;
    static const struct {
        const char *name;
        ll_activation activation;
    } activations[] = {
        {"gelu", LL_ACT_GELU},          {"gelu_new", LL_ACT_GELU_NEW}, {"gelu_pytorch_tanh", LL_ACT_GELU_NEW},
        {"gelu_fast", LL_ACT_GELU_NEW}, {"relu", LL_ACT_RELU},         {"tanh", LL_ACT_TANH}};
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        char quoted[40];
        snprintf(quoted, sizeof quoted, "\"%s\"", activations[i].name);
        must_read(edited(gpt2, "activation_function", quoted), &c);
        ck_assert_int_eq(c.activation, activations[i].activation);
        ll_config_free(&c);
    }
    must_read(edited(gpt2, "n_inner", "99"), &c);
    ck_assert_int_eq(c.n_inner, 99);
    ll_config_free(&c);
    must_read(edited(gpt2, "scale_attn_weights", "false"), &c);
    ck_assert(!c.scale_attn_weights);
    ll_config_free(&c);
    must_read(edited(gpt2, "tie_word_embeddings", "false"), &c);
    ck_assert(!c.tie_word_embeddings);
    ll_config_free(&c);
    must_read(edited(gpt2, "reorder_and_upcast_attn", "true"), &c);
    ll_config_free(&c);
    must_read(edited(gpt2, "layer_norm_epsilon", "0.25"), &c);
    ck_assert(c.layer_norm_eps == 0.25f);
    ll_config_free(&c);
    must_read(edited(roberta, "pad_token_id", "5"), &c);
    ck_assert_int_eq(c.position_offset, 6);
    ll_config_free(&c);
    /* harmless values of settings that must be off, and keys nobody knows */
    must_read(edited(bert, "is_decoder", "false"), &c);
    ll_config_free(&c);
    must_read(edited(bert, "pruned_heads", "{}"), &c);
    ll_config_free(&c);
    must_read(edited(bert, "quantization_config", "null"), &c);
    ll_config_free(&c);
    must_read(edited(bert, "position_embedding_type", "\"absolute\""), &c);
    ll_config_free(&c);
    must_read(edited(bert, "no_such_key", "{\"a\":[1,2,{\"b\":null}]}"), &c);
    ll_config_free(&c);
}
END_TEST

START_TEST(token_ids_outside_the_vocabulary_are_none) {
    static const struct {
        const char *value;
        int32_t id;
    } good[] = {{"0", 0}, {"99", 99}, {"100", -1}, {"50256", -1}, {"2147483647", -1}, {"-1", -1}, {"null", -1}};
    static const char *const keys[] = {"bos_token_id", "pad_token_id", "sep_token_id", "eos_token_id"};
    ll_config c;
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            must_read(edited(gpt2, keys[k], good[i].value), &c);
            if (k == 3)
                ck_assert(good[i].id < 0 ? c.n_eos_token_id == 0 : c.eos_token_id[0] == good[i].id);
            else
                ck_assert_int_eq((&c.bos_token_id)[k], good[i].id);
            ll_config_free(&c);
        }
    must_read(edited(gpt2, "eos_token_id", "[3,50256,7,-1]"), &c);
    ck_assert_uint_eq(c.n_eos_token_id, 2);
    ck_assert(c.eos_token_id[0] == 3 && c.eos_token_id[1] == 7);
    ll_config_free(&c);
    for (size_t k = 0; k < 4; k++) {
        static const char *const bad[] = {"-2", "1.0", "1e3", "\"0\"", "true", "2147483648", "9223372036854775808",
                                          "{}"};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            must_refuse(edited(gpt2, keys[k], bad[i]), LLMCS_CONFIG, keys[k]);
    }
    must_refuse(edited(gpt2, "bos_token_id", "[0]"), LLMCS_CONFIG, "bos_token_id");
    must_refuse(edited(gpt2, "eos_token_id", "[0,\"1\"]"), LLMCS_CONFIG, "eos_token_id");
    char many[400] = "[0";
    for (int i = 0; i < 64; i++) strcat(many, ",0");
    strcat(many, "]");
    must_refuse(edited(gpt2, "eos_token_id", many), LLMCS_LIMIT, "eos_token_id");
}
END_TEST

/* --------------------------------------------------------------------------------------------- bad configs */

/* C02, C03, C04: each size of each family, missing and with everything that is no size. */
START_TEST(sizes_are_integers_in_range) {
    static const char *const sizes[N_BASES][7] = {
        {"vocab_size", "n_positions", "n_embd", "n_layer", "n_head"},
        {"vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
         "intermediate_size"},
        {"vocab_size", "max_position_embeddings", "dim", "n_layers", "n_heads", "hidden_dim"},
        {"vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
         "intermediate_size"},
        {"vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
         "intermediate_size"},
        {"vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers", "num_attention_heads",
         "intermediate_size"},
    };
    static const char *const bad[] = {"\"12\"",
                                      "true",
                                      "null",
                                      "1.5",
                                      "12.0",
                                      "[12]",
                                      "{}",
                                      "-1",
                                      "0",
                                      "-0",
                                      "1e3",
                                      "2147483648",
                                      "4294967297",
                                      "9223372036854775808",
                                      "-9223372036854775808",
                                      "18446744073709551616",
                                      "1e308",
                                      "123456789012345678901234567890"};
    for (size_t f = 0; f < N_BASES; f++)
        for (size_t k = 0; sizes[f][k]; k++) {
            must_refuse(edited(bases[f], sizes[f][k], NULL), LLMCS_CONFIG, sizes[f][k]);
            for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                must_refuse(edited(bases[f], sizes[f][k], bad[i]), LLMCS_CONFIG, sizes[f][k]);
                if (bad[i][0] != '[' && bad[i][0] != '{') ck_assert_ptr_nonnull(strstr(llmcs_error_message(), bad[i]));
            }
            must_refuse(edited(bases[f], sizes[f][k], "1e400"), LLMCS_LIMIT, "byte");
            must_refuse(edited(bases[f], sizes[f][k], "007"), LLMCS_JSON, "byte");
            if (!strstr(sizes[f][k], "layer"))
                must_refuse(edited(bases[f], sizes[f][k], "2147483647"), LLMCS_LIMIT, sizes[f][k]);
        }
    ll_config c; /* a layer takes nothing here: a billion of them fails at the first tensor that is not there */
    must_read(edited(gpt2, "n_layer", "1000000000"), &c);
    ck_assert_int_eq(c.n_layer, 1000000000);
    ll_config_free(&c);
    must_refuse(edited(gpt2, "n_head", "5"), LLMCS_CONFIG, "n_embd: 24 is not a multiple of n_head: 5");
    must_refuse(edited(bert, "num_attention_heads", "48"), LLMCS_CONFIG, "multiple");
    must_refuse(edited(gpt2, "n_inner", "0"), LLMCS_CONFIG, "n_inner");
    must_refuse(edited(gpt2, "n_inner", "\"9\""), LLMCS_CONFIG, "n_inner");
    must_refuse(edited(bert, "type_vocab_size", "0"), LLMCS_CONFIG, "type_vocab_size");
    must_refuse(edited(bert, "type_vocab_size", "null"), LLMCS_CONFIG, "type_vocab_size");
    must_refuse(edited(roberta, "pad_token_id", "33"), LLMCS_CONFIG, "pad_token_id");
    must_refuse(edited(roberta, "pad_token_id", "100"), LLMCS_CONFIG, "pad_token_id");
}
END_TEST

/* C08 */
START_TEST(epsilon_is_a_small_positive_number) {
    static const char *const bad[] = {"0",    "0.0",  "-1e-5", "1e-400", "1e-46", "\"1e-5\"",
                                      "null", "true", "1",     "1e30",   "[]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        must_refuse(edited(gpt2, "layer_norm_epsilon", bad[i]), LLMCS_CONFIG, "layer_norm_epsilon");
        must_refuse(edited(bert, "layer_norm_eps", bad[i]), LLMCS_CONFIG, "layer_norm_eps");
        must_refuse(edited(modernbert, "norm_eps", bad[i]), LLMCS_CONFIG, "norm_eps");
        must_refuse(edited(llama, "rms_norm_eps", bad[i]), LLMCS_CONFIG, "rms_norm_eps");
    }
    must_refuse(edited(gpt2, "layer_norm_epsilon", "NaN"), LLMCS_JSON, "byte");
    must_refuse(edited(gpt2, "layer_norm_epsilon", "Infinity"), LLMCS_JSON, "byte");
}
END_TEST

/* C09, and types of what is read. */
START_TEST(what_is_not_run_is_refused_by_name) {
    static const struct {
        const pair *base;
        const char *key, *value;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {gpt2, "activation_function", "\"mish\"", LLMCS_UNSUPPORTED, "\"mish\""},
        {gpt2, "activation_function", "\"mish\"", LLMCS_UNSUPPORTED, "gelu_new"},
        {gpt2, "activation_function", "7", LLMCS_CONFIG, "activation_function"},
        {gpt2, "activation_function", "null", LLMCS_CONFIG, "activation_function"},
        {bert, "hidden_act", "\"laplace\"", LLMCS_UNSUPPORTED, "hidden_act"},
        {distilbert, "activation", "\"mish\"", LLMCS_UNSUPPORTED, "activation"},
        {gpt2, "model_type", "\"mamba\"", LLMCS_UNSUPPORTED, "\"mamba\""},
        {gpt2, "model_type", "\"opt\"", LLMCS_UNSUPPORTED, "gpt2, bert"},
        {gpt2, "model_type", "\"\"", LLMCS_UNSUPPORTED, "model_type"},
        {gpt2, "model_type", "\"gpt2\\u0000\"", LLMCS_CONFIG, "model_type"},
        {gpt2, "model_type", "null", LLMCS_CONFIG, "model_type"},
        {gpt2, "model_type", "3", LLMCS_CONFIG, "model_type"},
        {gpt2, "model_type", "\"bert\"", LLMCS_CONFIG, "GPT2LMHeadModel"},
        {gpt2, "architectures", "[\"GPT2ForSequenceClassification\"]", LLMCS_UNSUPPORTED, "GPT2ForSequence"},
        {gpt2, "architectures", "[\"MambaForCausalLM\"]", LLMCS_UNSUPPORTED, "Mamba"},
        {gpt2, "architectures", "[\"BertModel\"]", LLMCS_CONFIG, "BertModel"},
        {gpt2, "architectures", "\"GPT2LMHeadModel\"", LLMCS_CONFIG, "architectures"},
        {gpt2, "architectures", "[3]", LLMCS_CONFIG, "architectures"},
        {bert, "architectures", "[\"BertForMultipleChoice\"]", LLMCS_UNSUPPORTED, "MultipleChoice"},
        {bert, "architectures", "[\"BertForNextSentencePrediction\"]", LLMCS_UNSUPPORTED, "NextSentence"},
        {gpt2, "architectures", "[\"GPT2ForTokenClassification\"]", LLMCS_UNSUPPORTED, "GPT2LMHeadModel"},
        {gpt2, "architectures", "[\"GPT2ForQuestionAnswering\"]", LLMCS_UNSUPPORTED, "GPT2LMHeadModel"},
        {bert, "architectures", "[\"BertLMHeadModel\"]", LLMCS_UNSUPPORTED, "BertLMHeadModel"},
        {bert, "architectures", "[\"RobertaModel\"]", LLMCS_CONFIG, "RobertaModel"},
        {roberta, "architectures", "[\"RobertaPreLayerNormModel\"]", LLMCS_UNSUPPORTED, "PreLayerNorm"},
        {bert, "position_embedding_type", "\"relative_key\"", LLMCS_UNSUPPORTED, "relative_key"},
        {bert, "position_embedding_type", "\"relative_key_query\"", LLMCS_UNSUPPORTED, "relative_key_query"},
        {bert, "position_embedding_type", "1", LLMCS_CONFIG, "position_embedding_type"},
        {bert, "is_decoder", "true", LLMCS_UNSUPPORTED, "is_decoder: true"},
        {bert, "is_decoder", "1", LLMCS_CONFIG, "is_decoder"},
        {gpt2, "add_cross_attention", "true", LLMCS_UNSUPPORTED, "add_cross_attention"},
        {bert, "add_cross_attention", "true", LLMCS_UNSUPPORTED, "add_cross_attention"},
        {gpt2, "scale_attn_by_inverse_layer_idx", "true", LLMCS_UNSUPPORTED, "scale_attn_by_inverse_layer_idx"},
        {gpt2, "quantization_config", "{\"quant_method\":\"gptq\"}", LLMCS_UNSUPPORTED, "quantization_config"},
        {bert, "pruned_heads", "{\"0\":[1]}", LLMCS_UNSUPPORTED, "pruned_heads"},
        {bert, "is_encoder_decoder", "true", LLMCS_UNSUPPORTED, "is_encoder_decoder"},
        {gpt2, "scale_attn_weights", "1", LLMCS_CONFIG, "scale_attn_weights"},
        {gpt2, "tie_word_embeddings", "\"yes\"", LLMCS_CONFIG, "tie_word_embeddings"},
        {bert, "problem_type", "\"ranking\"", LLMCS_UNSUPPORTED, "\"ranking\""},
        {bert, "problem_type", "1", LLMCS_CONFIG, "problem_type"},
        {bert, "id2label", "[\"no\",\"yes\"]", LLMCS_CONFIG, "id2label"},
        {bert, "id2label", "\"no\"", LLMCS_CONFIG, "id2label"},
        {bert, "id2label", "{\"1\":\"a\",\"2\":\"b\"}", LLMCS_CONFIG, "\"2\""},
        {bert, "id2label", "{\"0\":\"a\",\"00\":\"b\"}", LLMCS_CONFIG, "\"00\""},
        {bert, "id2label", "{\"0\":\"a\",\"-1\":\"b\"}", LLMCS_CONFIG, "\"-1\""},
        {bert, "id2label", "{\"0\":\"a\",\"\":\"b\"}", LLMCS_CONFIG, "id2label"},
        {bert, "id2label", "{\"0\":\"a\",\"x\":\"b\"}", LLMCS_CONFIG, "\"x\""},
        {bert, "id2label", "{\"0\":\"a\",\"4294967297\":\"b\"}", LLMCS_CONFIG, "4294967297"},
        {bert, "id2label", "{\"0\":\"a\",\"0\":\"b\"}", LLMCS_CONFIG, "twice"},
        {bert, "id2label", "{\"0\":\"a\",\"1\":null}", LLMCS_CONFIG, "id2label"},
        {bert, "id2label", "{\"0\":\"a\",\"1\":\"b\\u0000c\"}", LLMCS_CONFIG, "NUL"},
        {bert, "num_labels", "0", LLMCS_CONFIG, "num_labels"},
        {bert, "num_labels", "\"2\"", LLMCS_CONFIG, "num_labels"},
        {bert, "num_labels", "65537", LLMCS_CONFIG, "num_labels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_refuse(edited(cases[i].base, cases[i].key, cases[i].value), cases[i].status, cases[i].needle);
}
END_TEST

START_TEST(labels_and_problems) {
    ll_config c;
    must_read(edited(bert, "id2label", NULL), &c);
    ck_assert_int_eq(c.n_labels, 2);
    ck_assert_ptr_null(c.id2label[0]);
    ck_assert_ptr_null(c.id2label[1]);
    ll_config_free(&c);
    must_read(edited(bert, "id2label", "null"), &c);
    ck_assert_int_eq(c.n_labels, 2);
    ll_config_free(&c);
    must_read(edited(bert, "id2label", "{\"1\":\"\xe5\xa5\xbd\",\"0\":5}"), &c);
    ck_assert_str_eq(c.id2label[0], "5");
    ck_assert_str_eq(c.id2label[1], "\xe5\xa5\xbd");
    ll_config_free(&c);
    must_read(edited(bert, "num_labels", "7"), &c); /* id2label wins, as in Transformers */
    ck_assert_int_eq(c.n_labels, 2);
    ll_config_free(&c);
    must_read(edited(bert, "id2label", "{\"0\":\"LABEL_0\"}"), &c);
    ck_assert(c.n_labels == 1 && c.problem == LL_PROBLEM_MULTI_LABEL);
    ll_config_free(&c);
    must_read(edited(bert, "problem_type", "\"regression\""), &c);
    ck_assert_int_eq(c.problem, LL_PROBLEM_REGRESSION);
    ll_config_free(&c);
    must_read(edited(bert, "problem_type", "\"multi_label_classification\""), &c);
    ck_assert_int_eq(c.problem, LL_PROBLEM_MULTI_LABEL);
    ll_config_free(&c);
    must_read(edited(bert, "architectures", "[\"BertForPreTraining\"]"), &c);
    ck_assert(c.head == LL_HEAD_MASKED_LM && c.n_labels == 0);
    ll_config_free(&c);
    must_read(edited(bert, "architectures", "[\"BertForTokenClassification\"]"), &c);
    ck_assert(c.head == LL_HEAD_TOKENS && c.n_labels == 2 && ll_config_n_logits(&c) == 2);
    ck_assert_str_eq(c.id2label[1], "yes");
    ll_config_free(&c);
    must_read(edited(bert, "architectures", "[\"BertForQuestionAnswering\"]"), &c); /* its labels mean nothing */
    ck_assert(c.head == LL_HEAD_SPAN && c.n_labels == 0 && ll_config_n_logits(&c) == 2);
    ll_config_free(&c);
    must_read(edited(bert, "model_type", NULL), &c); /* from the architecture */
    ck_assert_ptr_eq(c.family, &ll_family_bert);
    ck_assert_str_eq(c.model_type, "bert");
    ll_config_free(&c);
    must_read(edited(gpt2, "architectures", "[]"), &c);
    ck_assert_int_eq(c.head, LL_HEAD_CAUSAL_LM);
    ll_config_free(&c);
    must_refuse("{\"vocab_size\":9}", LLMCS_CONFIG, "model_type");
}
END_TEST

/* C10: any key that is read, and only those. */
START_TEST(keys_that_stand_twice_are_refused) {
    for (size_t f = 0; f < N_BASES; f++)
        for (const pair *p = bases[f]; p->key; p++) {
            char text[9000];
            if (strcmp(p->key, "sinusoidal_pos_embds") == 0) continue;
            snprintf(text, sizeof text, "{\"%s\":%s,%s", p->key, p->value, edited(bases[f], NULL, NULL) + 1);
            must_refuse(text, LLMCS_CONFIG, p->key);
            ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "second time"));
        }
    ll_config c;
    must_read(edited(gpt2, "x\":1,\"x", "2"), &c);
    ll_config_free(&c);
    must_refuse(edited(gpt2, "n_\\u0065mbd", "24"), LLMCS_CONFIG, "n_embd");
}
END_TEST

/* C01, C11, C12: what is no object of JSON at all. */
START_TEST(files_that_are_no_config) {
    static const struct {
        const char *text;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"", LLMCS_JSON, "config.json: byte 0"},
        {"null", LLMCS_CONFIG, "object"},
        {"[]", LLMCS_CONFIG, "object"},
        {"\"gpt2\"", LLMCS_CONFIG, "object"},
        {"{}", LLMCS_CONFIG, "model_type"},
        {"{", LLMCS_JSON, "byte 1"},
        {"\xef\xbb\xbf{}", LLMCS_JSON, "byte order mark"},
        {"{} x", LLMCS_JSON, "byte 3"},
        {"{\"a\":\"\\ud800\"}", LLMCS_JSON, "byte 8"},
        {"{'a':1}", LLMCS_JSON, "byte 1"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 665\n", LLMCS_FORMAT, "git lfs pull"},
        {"<!DOCTYPE html><html>", LLMCS_FORMAT, "web page"},
        {"GGUF\3", LLMCS_FORMAT, "GGUF"},
        {"\n\n<html>", LLMCS_FORMAT, "web page"},
        {"Entry not found", LLMCS_FORMAT, "the download failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_refuse(cases[i].text, cases[i].status, cases[i].needle);
    size_t n = 5000000;
    char *big = temp_alloc(n + 1);
    big[n] = 0;
    memset(big, '[', n);
    must_refuse(big, LLMCS_LIMIT, "config.json");
    memset(big, '[', 1000000);
    big[1000000] = 0;
    must_refuse(big, LLMCS_LIMIT, "64 levels");
    size_t at = 1;
    big[0] = '{';
    for (int i = 0; i < 65537; i++) at += (size_t)sprintf(big + at, "%s\"k%d\":1", i ? "," : "", i);
    strcpy(big + at, "}");
    must_refuse(big, LLMCS_LIMIT, "65537 members");
    free(big);
    remove(temp_path(folder, "config.json"));
    llmcs_allocator a = ll_allocator_default();
    ll_config c;
    ck_assert_int_eq(ll_config_read(&c, &a, &(ll_source){.path = folder}, &silent), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "config.json is missing"));
    mkdir(temp_path(folder, "config.json"), 0700);
    ck_assert_int_eq(ll_config_read(&c, &a, &(ll_source){.path = folder}, &silent), LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "a folder"));
}
END_TEST

/* Cut after any byte, a config is refused. */
START_TEST(truncated_configs_are_refused) {
    for (size_t f = 0; f < N_BASES; f++) {
        char text[8192];
        strcpy(text, edited(bases[f], NULL, NULL));
        for (size_t n = 0, len = strlen(text); n < len; n++) {
            char cut[8192];
            memcpy(cut, text, n);
            cut[n] = 0;
            must_refuse(cut, LLMCS_JSON, "byte");
        }
    }
}
END_TEST

/* ------------------------------------------------------------------------------------- generation_config.json */

START_TEST(generation_config_is_read) {
    ll_config c;
    temp_write_text(
        folder, "generation_config.json",
        "{\"do_sample\":true,\"temperature\":0.5,\"top_p\":0.9,\"min_p\":0.25,\"repetition_penalty\":1.5,"
        "\"length_penalty\":-2,\"top_k\":7,\"max_new_tokens\":9,\"min_new_tokens\":2,"
        "\"no_repeat_ngram_size\":3,\"num_beams\":4,\"num_return_sequences\":2,\"early_stopping\":\"never\","
        "\"eos_token_id\":[1,2],\"transformers_version\":\"4.50.0\",\"_from_model_config\":true}");
    must_read(edited(gpt2, NULL, NULL), &c);
    ck_assert(c.generation.do_sample && c.generation.temperature == 0.5);
    ck_assert(c.generation.top_p == 0.9 && c.generation.min_p == 0.25 && c.generation.repetition_penalty == 1.5);
    ck_assert(c.generation.length_penalty == -2 && c.generation.top_k == 7 && c.generation.max_new_tokens == 9);
    ck_assert(c.generation.min_new_tokens == 2 && c.generation.no_repeat_ngram_size == 3);
    ck_assert(c.generation.num_beams == 4 && c.generation.num_return_sequences == 2);
    ck_assert_int_eq(c.generation.early_stopping, LLMCS_EARLY_STOPPING_NEVER);
    ck_assert(c.n_eos_token_id == 2 && c.eos_token_id[0] == 1 && c.eos_token_id[1] == 2);
    ll_config_free(&c);
    temp_write_text(folder, "generation_config.json",
                    "{\"early_stopping\":true,\"temperature\":null,\"top_k\":null,\"do_sample\":null,\"min_p\":null}");
    must_read(edited(gpt2, NULL, NULL), &c);
    ck_assert(c.generation.early_stopping == LLMCS_EARLY_STOPPING_TRUE && c.generation.top_k == 50);
    ck_assert(c.n_eos_token_id == 1 && c.eos_token_id[0] == 0); /* config.json's */
    ll_config_free(&c);
}
END_TEST

START_TEST(generation_config_of_wrong_types_is_refused) {
    static const char *const cases[][2] = {
        {"do_sample", "1"},
        {"do_sample", "\"true\""},
        {"temperature", "-0.5"},
        {"temperature", "\"1\""},
        {"temperature", "1e300"},
        {"top_p", "1.5"},
        {"top_p", "-0.1"},
        {"min_p", "2"},
        {"repetition_penalty", "0"},
        {"repetition_penalty", "-1"},
        {"length_penalty", "[]"},
        {"top_k", "-1"},
        {"top_k", "1.5"},
        {"max_new_tokens", "0"},
        {"max_new_tokens", "1e2"},
        {"min_new_tokens", "-1"},
        {"no_repeat_ngram_size", "true"},
        {"num_beams", "0"},
        {"num_beams", "2147483648"},
        {"num_return_sequences", "0"},
        {"early_stopping", "\"always\""},
        {"early_stopping", "1"},
        {"eos_token_id", "\"0\""},
        {"eos_token_id", "[0.5]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"%s\":%s}", cases[i][0], cases[i][1]);
        temp_write_text(folder, "generation_config.json", text);
        must_refuse(edited(gpt2, NULL, NULL), LLMCS_CONFIG, cases[i][0]);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "generation_config.json"));
    }
    temp_write_text(folder, "generation_config.json", "[]");
    must_refuse(edited(gpt2, NULL, NULL), LLMCS_CONFIG, "generation_config.json");
    temp_write_text(folder, "generation_config.json", "{\"top_k\":1,}");
    must_refuse(edited(gpt2, NULL, NULL), LLMCS_JSON, "generation_config.json: byte 11");
}
END_TEST

/* --------------------------------------------------------------------------------------- sentence-transformers */

#define MODULE(name, path) \
    "{\"idx\":0,\"name\":\"0\",\"path\":\"" path "\",\"type\":\"sentence_transformers.models." name "\"}"
#define TWO MODULE("Transformer", "") "," MODULE("Pooling", "1_Pooling")
#define THREE TWO "," MODULE("Normalize", "2_Normalize")

static void write_pooling(const char *text) {
    mkdir(temp_path(folder, "1_Pooling"), 0700);
    temp_write_text(folder, "1_Pooling/config.json", text);
}

START_TEST(sentence_folders_are_read) {
    ll_config c;
    const char *config = edited(roberta, NULL, NULL);
    temp_write_text(folder, "modules.json", "[" THREE "]");
    temp_write_text(folder, "sentence_bert_config.json", "{\"max_seq_length\":256,\"do_lower_case\":false}");
    write_pooling(
        "{\"word_embedding_dimension\":24,\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true,"
        "\"pooling_mode_max_tokens\":false,\"pooling_mode_mean_sqrt_len_tokens\":false}");
    must_read(config, &c);
    ck_assert(c.sentence.present && c.sentence.normalize && c.sentence.pooling == LL_POOL_MEAN);
    ck_assert_int_eq(c.sentence.max_seq_length, 256);
    ck_assert_str_eq(c.sentence.transformer_path, "");
    ll_config_free(&c);
    temp_write_text(folder, "modules.json", "[" TWO "]");
    write_pooling("{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false}");
    must_read(config, &c);
    ck_assert(!c.sentence.normalize && c.sentence.pooling == LL_POOL_CLS);
    ll_config_free(&c);
    write_pooling("{\"pooling_mode\":\"cls\",\"embedding_dimension\":24}");
    must_read(config, &c);
    ck_assert_int_eq(c.sentence.pooling, LL_POOL_CLS);
    ll_config_free(&c);
    write_pooling("{}"); /* mean is Pooling's default */
    must_read(config, &c);
    ck_assert_int_eq(c.sentence.pooling, LL_POOL_MEAN);
    ll_config_free(&c);
    /* the older layout: the network in a folder of its own */
    temp_write_text(folder, "modules.json",
                    "[" MODULE("Transformer", "0_Transformer") "," MODULE("Pooling", "1_Pooling") "," MODULE(
                        "Dropout", "2_Dropout") "]");
    remove(temp_path(folder, "config.json"));
    mkdir(temp_path(folder, "0_Transformer"), 0700);
    temp_write_text(folder, "0_Transformer/config.json", config);
    llmcs_allocator a = ll_allocator_default();
    ck_assert_msg(ll_config_read(&c, &a, &(ll_source){.path = folder}, &silent) == LLMCS_OK, "%s",
                  llmcs_error_message());
    ck_assert_str_eq(c.sentence.transformer_path, "0_Transformer");
    ck_assert_int_eq(c.n_embd, 24);
    ck_assert_int_eq(c.sentence.max_seq_length, 0);
    ll_config_free(&c);
}
END_TEST

START_TEST(sentence_modules_that_are_not_run_are_refused) {
    static const struct {
        const char *modules;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"[]", LLMCS_UNSUPPORTED, "Transformer"},
        {"{}", LLMCS_CONFIG, "modules.json"},
        {"[3]", LLMCS_CONFIG, "modules.json"},
        {"[{}]", LLMCS_CONFIG, "type"},
        {"[{\"type\":\"a.Transformer\"}]", LLMCS_CONFIG, "path"},
        {"[{\"type\":7,\"path\":\"\"}]", LLMCS_CONFIG, "type"},
        {"[{\"type\":\"a.Transformer\",\"type\":\"b\",\"path\":\"\"}]", LLMCS_CONFIG, "type"},
        {"[" MODULE("Transformer", "") "]", LLMCS_UNSUPPORTED, "Pooling"},
        {"[" MODULE("Pooling", "1_Pooling") "," MODULE("Transformer", "") "]", LLMCS_UNSUPPORTED, "Pooling"},
        {"[" TWO "," MODULE("Dense", "2_Dense") "]", LLMCS_CONFIG, "2_Dense: config.json of the Dense module"},
        {"[" TWO "," MODULE("LayerNorm", "2") "]", LLMCS_CONFIG, "2: config.json of the LayerNorm module"},
        {"[" TWO "," MODULE("WordWeights", "2") "]", LLMCS_UNSUPPORTED, "models.WordWeights"},
        {"[" TWO "," MODULE("Pooling", "1_Pooling") "]", LLMCS_UNSUPPORTED, "Pooling"},
        {"[" MODULE("WordEmbeddings", "0") "]", LLMCS_UNSUPPORTED, "WordEmbeddings"},
        {"[" MODULE("Transformer", "..") "]", LLMCS_CONFIG, "\"..\""},
        {"[" MODULE("Transformer", "../x") "]", LLMCS_CONFIG, "../x"},
        {"[" MODULE("Transformer", "/etc") "]", LLMCS_CONFIG, "/etc"},
        {"[" MODULE("Transformer", "a/../b") "]", LLMCS_CONFIG, "a/../b"},
        {"[" MODULE("Transformer", "a\\u0000") "]", LLMCS_CONFIG, "NUL"},
        {"[" MODULE("Transformer", "") "," MODULE("Pooling", "../1_Pooling") "]", LLMCS_CONFIG, "../1_Pooling"},
        {"[" MODULE("Transformer", "") "," MODULE("Pooling", "no") "]", LLMCS_CONFIG, "no"},
        {"[" MODULE("Transformer", "no") "," MODULE("Pooling", "1_Pooling") "]", LLMCS_CONFIG,
         "config.json is missing"},
    };
    write_pooling("{}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        temp_write_text(folder, "modules.json", cases[i].modules);
        must_refuse(edited(bert, NULL, NULL), cases[i].status, cases[i].needle);
    }
}
END_TEST

START_TEST(pooling_that_is_not_run_is_refused) {
    static const struct {
        const char *text;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"{\"pooling_mode_mean_tokens\":false}", LLMCS_CONFIG, "no pooling mode"},
        {"{\"pooling_mode_mean_tokens\":1}", LLMCS_CONFIG, "pooling_mode_mean_tokens"},
        {"{\"pooling_mode\":\"min\"}", LLMCS_UNSUPPORTED, "\"min\""},
        {"{\"pooling_mode\":[\"mean\",\"max\"]}", LLMCS_UNSUPPORTED, "pooling_mode"},
        {"{\"pooling_mode\":7}", LLMCS_CONFIG, "pooling_mode"},
        {"{\"word_embedding_dimension\":25}", LLMCS_CONFIG, "25"},
        {"{\"word_embedding_dimension\":\"24\"}", LLMCS_CONFIG, "word_embedding_dimension"},
        {"[]", LLMCS_CONFIG, "1_Pooling/config.json"},
        {"{", LLMCS_JSON, "1_Pooling/config.json: byte 1"},
    };
    temp_write_text(folder, "modules.json", "[" TWO "]");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_pooling(cases[i].text);
        must_refuse(edited(bert, NULL, NULL), cases[i].status, cases[i].needle);
    }
    write_pooling("{}");
    temp_write_text(folder, "sentence_bert_config.json", "{\"max_seq_length\":0}");
    must_refuse(edited(bert, NULL, NULL), LLMCS_CONFIG, "max_seq_length");
    temp_write_text(folder, "sentence_bert_config.json", "{\"do_lower_case\":\"no\"}");
    must_refuse(edited(bert, NULL, NULL), LLMCS_CONFIG, "do_lower_case");
}
END_TEST

/* ------------------------------------------------------------------------------------------------- memory */

START_TEST(every_failing_allocation_leaves_nothing) {
    temp_write_text(folder, "config.json", edited(bert, NULL, NULL));
    temp_write_text(folder, "modules.json", "[" THREE "]");
    temp_write_text(folder, "sentence_bert_config.json", "{}");
    write_pooling("{\"pooling_mode\":\"mean\"}");
    const char *const folders[] = {folder, "tests/data/golden/gpt2-tiny"};
    for (size_t i = 0; i < 2; i++)
        for (long n = 0;; n++) {
            fail_alloc f;
            fail_alloc_init(&f);
            f.fail_at = n;
            llmcs_allocator a = fail_alloc_get(&f);
            ll_config c;
            llmcs_status st = ll_config_read(&c, &a, &(ll_source){.path = folders[i]}, &silent);
            bool reached = f.calls > n;
            ck_assert_msg(st == (reached ? LLMCS_NOMEM : LLMCS_OK), "%ld: %s", n, llmcs_error_message());
            if (!st) ll_config_free(&c);
            ck_assert_int_eq(f.live, 0);
            if (!reached) break;
        }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, golden_configs_read);
    tcase_add_test(t, defaults_are_those_of_transformers);
    tcase_add_test(t, settings_are_read);
    tcase_add_test(t, token_ids_outside_the_vocabulary_are_none);
    tcase_add_test(t, sizes_are_integers_in_range);
    tcase_add_test(t, epsilon_is_a_small_positive_number);
    tcase_add_test(t, what_is_not_run_is_refused_by_name);
    tcase_add_test(t, labels_and_problems);
    tcase_add_test(t, keys_that_stand_twice_are_refused);
    tcase_add_test(t, files_that_are_no_config);
    tcase_add_test(t, truncated_configs_are_refused);
    tcase_add_test(t, generation_config_is_read);
    tcase_add_test(t, generation_config_of_wrong_types_is_refused);
    tcase_add_test(t, sentence_folders_are_read);
    tcase_add_test(t, sentence_modules_that_are_not_run_are_refused);
    tcase_add_test(t, pooling_that_is_not_run_is_refused);
    tcase_add_test(t, every_failing_allocation_leaves_nothing);
}

SUITE_MAIN("formats/config", add)
