/* Adapters that do not fit: each fault has its status and names what is wrong. And spellings that fit all the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/adapter_case.h"
#include "support/checkpoint.h"
#include "support/edit.h"
#include "support/suite.h"
#include "support/temp.h"

static char work[TEMP_PATH_BYTES], changed[TEMP_PATH_BYTES + 16];

static void set_up(void) {
    temp_folder(work);
    snprintf(changed, sizeof changed, "%s/adapter", work);
    ck_assert_int_eq(mkdir(changed, 0700), 0);
}

static void tear_down(void) { temp_remove(work); }

/* ------------------------------------------------------------------------------------------- changed adapters */

static void copy(const char *from_folder, const char *from, const char *to) {
    char path[300];
    size_t n;
    snprintf(path, sizeof path, "%s/%s", from_folder, from);
    char *data = edit_read(path, &n);
    ck_assert_msg(data != NULL, "%s", path);
    temp_write(work, to, data, n);
    free(data);
}

/* The adapter of tests/data as a checkpoint, to be changed. */
static checkpoint *read_adapter(const char *name) {
    char folder[200];
    snprintf(folder, sizeof folder, ADAPTER_DATA "%s/adapter", name);
    copy(folder, "adapter_config.json", "config.json");
    copy(folder, "adapter_model.safetensors", "model.safetensors");
    return checkpoint_read(work);
}

static void replace_text(checkpoint *c, const char *from, const char *to) {
    char *at = strstr(c->config, from);
    ck_assert_msg(at != NULL, "%s", from);
    const size_t before = (size_t)(at - c->config), n = strlen(c->config) + strlen(to) + 1;
    char *text = temp_alloc(n);
    snprintf(text, n, "%.*s%s%s", (int)before, c->config, to, at + strlen(from));
    free(c->config);
    c->config = text;
}

static void write_adapter(checkpoint *c) {
    checkpoint_write(c, work, 1);
    copy(work, "config.json", "adapter/adapter_config.json");
    copy(work, "model.safetensors", "adapter/adapter_model.safetensors");
    checkpoint_free(c);
}

static llmcs_status open_changed(const char *base) {
    llmcs_model *m = NULL;
    const llmcs_status status = open_with_adapters(base, changed, NULL, 1, LLMCS_WEIGHTS_AUTO, NULL, &m);
    ck_assert(!status == !!m);
    llmcs_model_free(&m);
    return status;
}

static void refused(const char *base, llmcs_status status, const char *part, const char *what) {
    const llmcs_status found = open_changed(base);
    ck_assert_msg(found == status, "%s: %s: %s", what, llmcs_status_name(found), llmcs_error_message());
    ck_assert_msg(strstr(llmcs_error_message(), part) != NULL, "%s: %s", what, llmcs_error_message());
}

/* --------------------------------------------------------------------------------------- adapter_config.json */

START_TEST(a_config_that_does_not_fit) {
    static const struct {
        const char *from, *to;
        llmcs_status status;
        const char *part;
    } cases[] = {
        {"\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", LLMCS_UNSUPPORTED, "peft_type: \"IA3\""},
        {"\"peft_type\": \"LORA\"", "\"peft_type\": null", LLMCS_UNSUPPORTED, "peft_type"},
        {"\"use_dora\": false", "\"use_dora\": true", LLMCS_UNSUPPORTED, "use_dora"},
        {"\"lora_bias\": false", "\"lora_bias\": true", LLMCS_UNSUPPORTED, "lora_bias"},
        {"\"layer_replication\": null", "\"layer_replication\": [[0, 1]]", LLMCS_UNSUPPORTED, "layer_replication"},
        {"\"alora_invocation_tokens\": null", "\"alora_invocation_tokens\": [1]", LLMCS_UNSUPPORTED, "alora"},
        {"\"trainable_token_indices\": null", "\"trainable_token_indices\": [3]", LLMCS_UNSUPPORTED, "trainable_token"},
        {"\"target_parameters\": null", "\"target_parameters\": [\"x\"]", LLMCS_UNSUPPORTED, "target_parameters"},
        {"\"use_qalora\": false", "\"use_qalora\": true", LLMCS_UNSUPPORTED, "use_qalora"},
        {"\"ensure_weight_tying\": false", "\"ensure_weight_tying\": true", LLMCS_UNSUPPORTED, "ensure_weight_tying"},
        {"\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", LLMCS_UNSUPPORTED, "init_lora_weights"},
        {"\"revision\": null", "\"revision\": null, \"new_thing\": 3", LLMCS_UNSUPPORTED, "new_thing: 3"},
        {"\"r\": 3", "\"r\": 0", LLMCS_CONFIG, "r: expected an integer from 1"},
        {"\"r\": 3", "\"r\": -1", LLMCS_CONFIG, "r: expected an integer from 1"},
        {"\"r\": 3", "\"r\": 1000000000", LLMCS_CONFIG, "r: expected an integer from 1"},
        {"\"r\": 3", "\"r\": \"3\"", LLMCS_CONFIG, "r: expected an integer"},
        {"\"r\": 3", "\"r\": 3, \"r\": 3", LLMCS_CONFIG, "a second time"},
        {"\"r\": 3", "\"r\": 4", LLMCS_CONFIG, "c_proj.lora_A.weight\" is [3,24], expected [4,24]"},
        {"\"lora_alpha\": 5", "\"lora_alpha\": \"5\"", LLMCS_CONFIG, "lora_alpha"},
        {"\"use_rslora\": false", "\"use_rslora\": 1", LLMCS_CONFIG, "use_rslora"},
        {"\"mlp.c_fc\": 4", "\"mlp.c_fc\": 0", LLMCS_CONFIG, "rank_pattern"},
        {"\"mlp.c_fc\": 4", "\"mlp.(c_fc\": 4", LLMCS_CONFIG, "rank_pattern: \"mlp.(c_fc\""},
        {"\"mlp.c_fc\": 4", "\"(?=mlp).c_fc\": 4", LLMCS_UNSUPPORTED, "rank_pattern: \"(?=mlp)"},
        {"\"mlp.c_fc\": 4", "\"((m{60000}){9}){9}\": 4", LLMCS_LIMIT, "rank_pattern"},
        {"\"mlp.c_fc\": 4", "\"\": 4", LLMCS_CONFIG, "rank_pattern"},
        {"\"h.0.attn.c_attn\": 5", "\"h.0.attn.c_attn\": 2", LLMCS_CONFIG, "expected [2,24]"},
        {"\"transformer.h.1.mlp.c_fc\": 11", "\"transformer.h.1.mlp.c_fc\": \"x\"", LLMCS_CONFIG, "alpha_pattern"},
        {"\"alpha_pattern\": {", "\"alpha_pattern\": [], \"auto_mapping\": {", LLMCS_CONFIG, "alpha_pattern"},
        {"\"bias\": \"lora_only\"", "\"bias\": \"some\"", LLMCS_UNSUPPORTED, "bias: \"some\""},
        {"\"bias\": \"lora_only\"", "\"bias\": \"none\"", LLMCS_CONFIG, "neither bias nor modules_to_save"},
        {"\"bias\": \"lora_only\"", "\"bias\": \"all\"", LLMCS_CONFIG, "bias selects \"transformer."},
        {"  \"c_attn\",\n", "  \"c_attn\", \"q_proj\",\n", LLMCS_CONFIG, "target_modules: the model has no \"q_proj\""},
        {"  \"c_attn\",\n", "  \"c_attn\", \"mlp.c_proj\",\n", LLMCS_CONFIG,
         "target_modules selects \"transformer.h.0.mlp.c_proj\""},
        {"  \"c_attn\",\n", "", LLMCS_CONFIG, "c_attn.lora_A.weight\" belongs to a module that target_modules"},
        {"  \"c_attn\",\n", "  7,\n", LLMCS_CONFIG, "target_modules: expected a name"},
        {"\"target_modules\": [", "\"auto_mapping\": [", LLMCS_CONFIG, "target_modules: expected"},
        {"\"modules_to_save\": null", "\"modules_to_save\": [\"nothing\"]", LLMCS_CONFIG, "no \"nothing\""},
        {"\"modules_to_save\": null", "\"modules_to_save\": [\"ln_f\"]", LLMCS_CONFIG,
         "modules_to_save selects \"transformer.ln_f\""},
        {"\"modules_to_save\": null", "\"modules_to_save\": \"ln_f\"", LLMCS_CONFIG,
         "modules_to_save: expected a list"},
        {"\"layers_to_transform\": null", "\"layers_to_transform\": [0]", LLMCS_CONFIG, "transformer.h.1."},
        {"\"layers_to_transform\": null", "\"layers_to_transform\": [-1]", LLMCS_CONFIG, "layers_to_transform"},
        {"\"exclude_modules\": null", "\"exclude_modules\": [\"h.0.attn.c_attn\"]", LLMCS_CONFIG, "h.0.attn.c_attn"},
        {"\"exclude_modules\": null", "\"exclude_modules\": \".*[01].attn.c_attn\"", LLMCS_CONFIG, "h.0.attn.c_attn"},
        {"\"alora_invocation_tokens\"", "alora", LLMCS_JSON, "adapter_config.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        checkpoint *c = read_adapter("gpt2");
        replace_text(c, cases[i].from, cases[i].to);
        write_adapter(c);
        refused(ADAPTER_DATA "gpt2/base", cases[i].status, cases[i].part, cases[i].to);
    }
}
END_TEST

/* --------------------------------------------------------------------------------- adapter_model.safetensors */

#define C_FC "base_model.model.transformer.h.0.mlp.c_fc."
static const uint64_t two_by_two[2] = {2, 2};
static const float four[4] = {1, 2, 3, 4};

static void without_b(checkpoint *c) { checkpoint_remove(c, C_FC "lora_B.weight"); }
static void without_a(checkpoint *c) { checkpoint_remove(c, C_FC "lora_A.weight"); }
static void without_module(checkpoint *c) {
    without_a(c);
    without_b(c);
}
static void without_bias(checkpoint *c) { checkpoint_remove(c, C_FC "base_layer.bias"); }
static void nan_in_a(checkpoint *c) { checkpoint_f32(c, C_FC "lora_A.weight")[7] = NAN; }
static void infinity_in_b(checkpoint *c) { checkpoint_f32(c, C_FC "lora_B.weight")[3] = INFINITY; }
static void nan_in_bias(checkpoint *c) { checkpoint_f32(c, C_FC "base_layer.bias")[1] = NAN; }
static void unknown_tensor(checkpoint *c) {
    checkpoint_add_f32(c, "base_model.model.transformer.h.0.mlp.router.weight", 2, two_by_two, four);
}
static void unknown_layer(checkpoint *c) {
    checkpoint_add_f32(c, "base_model.model.transformer.h.2.mlp.c_fc.lora_A.weight", 2, two_by_two, four);
}
static void of_a_tower(checkpoint *c) {
    checkpoint_add_f32(c, "base_model.model.vision.h.0.mlp.c_fc.lora_A.weight", 2, two_by_two, four);
}
static void other_prefix(checkpoint *c) {
    checkpoint_add_f32(c, "base_model.model.h.0.mlp.c_proj.lora_A.weight", 2, two_by_two, four);
}
static void whole_matrix(checkpoint *c) {
    checkpoint_add_f32(c, "base_model.model.transformer.h.0.mlp.c_proj.weight", 2, two_by_two, four);
}
static void of_dora(checkpoint *c) { checkpoint_add_f32(c, C_FC "lora_magnitude_vector", 1, two_by_two, four); }
static void of_lora_bias(checkpoint *c) { checkpoint_add_f32(c, C_FC "lora_B.bias", 1, two_by_two, four); }
static void twice(checkpoint *c) { checkpoint_add_f32(c, C_FC "lora_A.default.weight", 2, two_by_two, four); }
static void embedding_of_linear(checkpoint *c) {
    strcpy(checkpoint_find(c, C_FC "lora_A.weight")->name, C_FC "lora_embedding_A");
    strcpy(checkpoint_find(c, C_FC "lora_B.weight")->name, C_FC "lora_embedding_B");
}
static void a_of_other_width(checkpoint *c) {
    without_a(c);
    static const uint64_t shape[2] = {4, 1};
    checkpoint_add_f32(c, C_FC "lora_A.weight", 2, shape, four);
}
static void a_is_a_vector(checkpoint *c) {
    without_a(c);
    static const uint64_t shape[1] = {4};
    checkpoint_add_f32(c, C_FC "lora_A.weight", 1, shape, four);
}
static void bias_of_other_size(checkpoint *c) {
    without_bias(c);
    static const uint64_t shape[1] = {4};
    checkpoint_add_f32(c, C_FC "base_layer.bias", 1, shape, four);
}

START_TEST(tensors_that_do_not_fit) {
    static const struct {
        void (*change)(checkpoint *c);
        llmcs_status status;
        const char *part;
    } cases[] = {
        {without_b, LLMCS_CONFIG, "module \"transformer.h.0.mlp.c_fc\" has lora_A but no lora_B"},
        {without_a, LLMCS_CONFIG, "has lora_B but no lora_A"},
        {without_module, LLMCS_CONFIG, "target_modules selects \"transformer.h.0.mlp.c_fc\""},
        {without_bias, LLMCS_CONFIG, "bias selects \"transformer.h.0.mlp.c_fc\""},
        {nan_in_a, LLMCS_FORMAT, "lora_A.weight\": element 7 is NaN"},
        {infinity_in_b, LLMCS_FORMAT, "lora_B.weight\": element 3 is infinite"},
        {nan_in_bias, LLMCS_FORMAT, "c_fc.base_layer.bias\": element 1 is not a finite number"},
        {unknown_tensor, LLMCS_CONFIG, "mlp.router.weight\" has no place in this GPT2LMHeadModel"},
        {unknown_layer, LLMCS_CONFIG, "h.2.mlp.c_fc.lora_A.weight\" has no place"},
        {of_a_tower, LLMCS_CONFIG, "vision.h.0.mlp.c_fc.lora_A.weight\" has no place"},
        {other_prefix, LLMCS_CONFIG, "has no place"},
        {whole_matrix, LLMCS_CONFIG, "neither bias nor modules_to_save"},
        {of_dora, LLMCS_UNSUPPORTED, "DoRA"},
        {of_lora_bias, LLMCS_UNSUPPORTED, "lora_bias"},
        {twice, LLMCS_FORMAT, "belong to the same module"},
        {embedding_of_linear, LLMCS_CONFIG, "is not an embedding"},
        {a_of_other_width, LLMCS_CONFIG, "lora_A.weight\" is [4,1], expected [4,24]"},
        {a_is_a_vector, LLMCS_CONFIG, "lora_A.weight\" is [4], expected [4,24]"},
        {bias_of_other_size, LLMCS_CONFIG, "base_layer.bias\" is [4], expected [96]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        checkpoint *c = read_adapter("gpt2");
        cases[i].change(c);
        write_adapter(c);
        refused(ADAPTER_DATA "gpt2/base", cases[i].status, cases[i].part, cases[i].part);
    }
}
END_TEST

START_TEST(a_resized_vocabulary) {
    checkpoint *c = read_adapter("llama-saved");
    static const float rows[70 * 24];
    static const uint64_t shape[2] = {70, 24};
    checkpoint_remove(c, "base_model.model.lm_head.weight");
    checkpoint_add_f32(c, "base_model.model.lm_head.weight", 2, shape, rows);
    write_adapter(c);
    refused(ADAPTER_DATA "llama-saved/base", LLMCS_CONFIG, "lm_head.weight\" is [70,24], expected [68,24]", "lm_head");
}
END_TEST

START_TEST(one_parameter_with_two_values) {
    checkpoint *c = read_adapter("bert");
    checkpoint_f32(c, "base_model.model.classifier.modules_to_save.bias")[0] += 1;
    write_adapter(c);
    refused(ADAPTER_DATA "bert/base", LLMCS_FORMAT, "are the same parameter but differ", "classifier.bias");
}
END_TEST

/* ------------------------------------------------------------------------------------------------ other models */

START_TEST(adapters_of_another_model) {
    static const struct {
        const char *base, *adapter;
        const char *part;
    } cases[] = {
        {ADAPTER_DATA "llama/base", ADAPTER_DATA "gpt2/adapter", "has no place in this LlamaForCausalLM"},
        {ADAPTER_DATA "gpt2/base", ADAPTER_DATA "qwen2/adapter", "has no place in this GPT2LMHeadModel"},
        {GOLDEN_FOLDER "gpt2-tiny", ADAPTER_DATA "gpt2/adapter", "target_modules selects"},
        {GOLDEN_FOLDER "bert-mlm", ADAPTER_DATA "bert/adapter", "has no place in this BertForMaskedLM"},
        {GOLDEN_FOLDER "bert-embed", ADAPTER_DATA "bert/adapter", "has no place"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        llmcs_model *m = NULL;
        ck_assert_int_eq(open_with_adapters(cases[i].base, cases[i].adapter, NULL, 1, LLMCS_WEIGHTS_AUTO, NULL, &m),
                         LLMCS_CONFIG);
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].part) != NULL, "%s: %s", cases[i].adapter,
                      llmcs_error_message());
    }
}
END_TEST

START_TEST(two_adapters_of_one_module) {
    llmcs_model *m = NULL;
    const char *adapter = ADAPTER_DATA "bert/adapter";
    ck_assert_int_eq(open_with_adapters(ADAPTER_DATA "bert/base", adapter, adapter, 1, LLMCS_WEIGHTS_AUTO, NULL, &m),
                     LLMCS_CONFIG);
    ck_assert(strstr(llmcs_error_message(), "an earlier adapter also changes this module") != NULL);
}
END_TEST

START_TEST(folders_that_are_no_adapters) {
    refused(ADAPTER_DATA "gpt2/base", LLMCS_IO, "adapter_config.json", "an empty folder");
    copy(ADAPTER_DATA "gpt2/adapter", "adapter_config.json", "adapter/adapter_config.json");
    refused(ADAPTER_DATA "gpt2/base", LLMCS_IO, "adapter_model.safetensors is missing", "no tensors");
    temp_write_text(work, "adapter/adapter_model.bin", "PK");
    refused(ADAPTER_DATA "gpt2/base", LLMCS_IO, "found adapter_model.bin: save the adapter again", "a pickle");
    temp_write_text(work, "adapter/adapter_model.safetensors", "version https://git-lfs.github.com/spec/v1\n");
    refused(ADAPTER_DATA "gpt2/base", LLMCS_FORMAT, "git-lfs", "a pointer");
    llmcs_model *m = NULL;
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.n_adapters = 1;
    ck_assert_int_eq(llmcs_model_open(ADAPTER_DATA "gpt2/base", &o, &m), LLMCS_ARG);
    o.adapters = (const char *const[]){""};
    ck_assert_int_eq(llmcs_model_open(ADAPTER_DATA "gpt2/base", &o, &m), LLMCS_ARG);
    o.adapters = (const char *const[]){NULL};
    ck_assert_int_eq(llmcs_model_open(ADAPTER_DATA "gpt2/base", &o, &m), LLMCS_ARG);
    o.n_adapters = 65;
    ck_assert_int_eq(llmcs_model_open(ADAPTER_DATA "gpt2/base", &o, &m), LLMCS_LIMIT);
}
END_TEST

/* --------------------------------------------------------------------------------------------------- spellings */

static void rename_all(checkpoint *c, const char *from, const char *to) {
    for (size_t i = 0; i < c->n_tensors; i++) {
        char name[sizeof c->tensors[i].name], *at = strstr(c->tensors[i].name, from);
        if (!at) continue;
        const int n = snprintf(name, sizeof name, "%.*s%s%s", (int)(at - c->tensors[i].name), c->tensors[i].name, to,
                               at + strlen(from));
        ck_assert(n > 0 && (size_t)n < sizeof name);
        strcpy(c->tensors[i].name, name);
    }
}

/* The name that the adapter had in training, no prefix, the names of a model without head. */
START_TEST(other_spellings_of_names) {
    static const struct {
        const char *from, *to;
    } cases[] = {{".weight", ".default.weight"}, {"base_model.model.", ""}, {"transformer.", ""}};
    static float expected[ADAPTER_MAX_FLOATS], found[ADAPTER_MAX_FLOATS];
    golden *g = golden_open_folder(ADAPTER_DATA "qwen2");
    ll_json c = ll_json_first(golden_cases(g));
    llmcs_model *m = open_adapted("qwen2", 1, LLMCS_WEIGHTS_AUTO);
    const size_t n = adapted_logits(m, c, expected);
    llmcs_model_free(&m);
    for (size_t i = 0; i < 2; i++) {
        checkpoint *adapter = read_adapter("qwen2");
        rename_all(adapter, cases[i].from, cases[i].to);
        write_adapter(adapter);
        ck_assert_msg(!open_with_adapters(ADAPTER_DATA "qwen2/base", changed, NULL, 1, LLMCS_WEIGHTS_AUTO, NULL, &m),
                      "%s", llmcs_error_message());
        adapted_logits(m, c, found);
        ck_assert(memcmp(found, expected, n * sizeof *found) == 0);
        llmcs_model_free(&m);
    }
    golden_close(g);
    checkpoint *bare = read_adapter("gpt2");
    rename_all(bare, cases[2].from, cases[2].to);
    replace_text(bare, "\"transformer.h.1.mlp.c_fc\"", "\"^h.1.mlp.c_fc$\"");
    write_adapter(bare);
    ck_assert_msg(!open_changed(ADAPTER_DATA "gpt2/base"), "%s", llmcs_error_message());
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_config_that_does_not_fit);
    tcase_add_test(t, tensors_that_do_not_fit);
    tcase_add_test(t, a_resized_vocabulary);
    tcase_add_test(t, one_parameter_with_two_values);
    tcase_add_test(t, adapters_of_another_model);
    tcase_add_test(t, two_adapters_of_one_module);
    tcase_add_test(t, folders_that_are_no_adapters);
    tcase_add_test(t, other_spellings_of_names);
}

SUITE_MAIN("runtime/adapter_faults", add)
