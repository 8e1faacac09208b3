/* config.json of decoders with rotary embeddings: both spellings, the kinds of layers, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "families/family.h"
#include "formats/config.h"
#include "support/suite.h"
#include "support/temp.h"

static const ll_log silent = {0};
static char folder[TEMP_PATH_BYTES];

#define SIZES                                                                                                          \
    "\"vocab_size\":50,\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":4,\"num_attention_heads\":4," \
    "\"max_position_embeddings\":64"
#define LLAMA "\"model_type\":\"llama\"," SIZES
#define QWEN2 "\"model_type\":\"qwen2\"," SIZES
#define QWEN3 "\"model_type\":\"qwen3\"," SIZES
#define MISTRAL "\"model_type\":\"mistral\"," SIZES
#define SMOLLM3 "\"model_type\":\"smollm3\"," SIZES
#define GEMMA3 "\"model_type\":\"gemma3_text\"," SIZES

static llmcs_status read_text(const char *members, ll_config *c) {
    char text[2048];
    llmcs_allocator a = ll_allocator_default();
    snprintf(text, sizeof text, "{%s}", members);
    temp_write_text(folder, "config.json", text);
    return ll_config_read(c, &a, &(ll_source){.path = folder}, &silent);
}

static void must_read(const char *members, ll_config *c) {
    ck_assert_msg(read_text(members, c) == LLMCS_OK, "%s\n%s", members, llmcs_error_message());
}

START_TEST(defaults_are_those_of_transformers) {
    ll_config c;
    must_read(LLAMA, &c);
    ck_assert_ptr_eq(c.family, &ll_family_llama);
    ck_assert(c.head == LL_HEAD_CAUSAL_LM && !c.tie_word_embeddings && !c.attention_bias && !c.mlp_bias);
    ck_assert(c.n_kv_head == 4 && c.head_dim == 8 && c.activation == LL_ACT_SILU && c.layer_norm_eps == 1e-6f);
    ck_assert(c.rope.theta == 10000 && c.rope.scaling == LL_ROPE_PLAIN && !ll_config_is_local(&c, 0));
    ck_assert(c.bos_token_id == 1 && c.n_eos_token_id == 1 && c.eos_token_id[0] == 2);
    ll_config_free(&c);
    must_read(QWEN3 ",\"num_key_value_heads\":2", &c);
    ck_assert(c.head_dim == 128 && c.n_kv_head == 2 && c.n_eos_token_id == 0);
    ll_config_free(&c);
    must_read(GEMMA3, &c);
    ck_assert(c.tie_word_embeddings && c.head_dim == 256 && c.n_kv_head == 4 && c.query_scalar == 256);
    ck_assert(c.rope.theta == 1e6 && c.rope.local_theta == 1e4 && c.activation == LL_ACT_GELU_NEW);
    ck_assert(c.layers.window == 4096 && ll_config_is_local(&c, 0) && ll_config_is_local(&c, 3));
    ll_config_free(&c);
}
END_TEST

START_TEST(windows_and_rotations_by_layer) {
    static const struct {
        const char *members, *local, *rotates; /* a digit for each of four layers */
        int32_t window;
    } cases[] = {
        {MISTRAL, "1111", "1111", 4096},
        {MISTRAL ",\"sliding_window\":null", "0000", "1111", 0},
        {MISTRAL ",\"sliding_window\":7", "1111", "1111", 7},
        {QWEN2 ",\"sliding_window\":7,\"max_window_layers\":1", "0000", "1111", 0},
        {QWEN2 ",\"sliding_window\":7,\"max_window_layers\":1,\"use_sliding_window\":true", "0111", "1111", 7},
        {QWEN2 ",\"sliding_window\":null,\"max_window_layers\":1,\"use_sliding_window\":true", "0000", "1111", 0},
        {QWEN2 ",\"sliding_window\":7,\"use_sliding_window\":true,\"layer_types\":[\"sliding_attention\","
               "\"full_attention\",\"full_attention\",\"sliding_attention\"]",
         "1001", "1111", 7},
        {GEMMA3 ",\"sliding_window\":5,\"sliding_window_pattern\":2", "1010", "1111", 5},
        {GEMMA3 ",\"sliding_window\":5,\"sliding_window_pattern\":2,\"layer_types\":[\"sliding_attention\","
                "\"full_attention\",\"sliding_attention\",\"full_attention\"]",
         "1010", "1111", 5},
        {SMOLLM3, "0000", "1110", 0},
        {SMOLLM3 ",\"no_rope_layer_interval\":2", "0000", "1010", 0},
        {SMOLLM3 ",\"no_rope_layers\":[1,0,0,1]", "0000", "1001", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ll_config c;
        must_read(cases[i].members, &c);
        ck_assert_msg(c.layers.window == cases[i].window, "%s: %d", cases[i].members, (int)c.layers.window);
        for (size_t k = 0; k < 4; k++) {
            ck_assert_msg(ll_config_is_local(&c, k) == (cases[i].local[k] == '1'), "%s: layer %zu", cases[i].members,
                          k);
            ck_assert_msg(ll_config_rotates(&c, k) == (cases[i].rotates[k] == '1'), "%s: layer %zu", cases[i].members,
                          k);
        }
        ll_config_free(&c);
    }
}
END_TEST

START_TEST(both_spellings_of_rotary_keys_mean_the_same) {
    static const char *const same[] = {
        LLAMA ",\"rope_theta\":5e5,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}",
        LLAMA ",\"rope_theta\":5e5,\"rope_scaling\":{\"rope_type\":\"linear\",\"type\":\"linear\",\"factor\":4.0}",
        LLAMA ",\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":4,\"rope_theta\":500000.0}",
        LLAMA
        ",\"rope_theta\":5e5,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4},"
        "\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":4,\"rope_theta\":5e5}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        ll_config c;
        must_read(same[i], &c);
        ck_assert_msg(c.rope.scaling == LL_ROPE_LINEAR && c.rope.factor == 4 && c.rope.theta == 5e5, "%s", same[i]);
        ll_config_free(&c);
    }
    ll_config c;
    must_read(GEMMA3
              ",\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8,\"rope_theta\":1e6},"
              "\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":77}}",
              &c);
    ck_assert(c.rope.scaling == LL_ROPE_LINEAR && c.rope.factor == 8 && c.rope.local_theta == 77);
    ll_config_free(&c);
    must_read(LLAMA ",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"truncate\":false}", &c);
    ck_assert(c.rope.scaling == LL_ROPE_YARN && c.rope.original_positions == 64 && c.rope.keep_fractions);
    ll_config_free(&c);
}
END_TEST

#define SCALED(x) LLAMA ",\"rope_scaling\":{" x "}"
#define LLAMA3 "\"rope_type\":\"llama3\",\"factor\":8,\"original_max_position_embeddings\":32"

START_TEST(what_does_not_fit_is_named) {
    static const struct {
        const char *members;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {LLAMA ",\"num_key_value_heads\":3", LLMCS_CONFIG,
         "num_attention_heads: 4 is not a multiple of num_key_value_heads: 3"},
        {LLAMA ",\"num_key_value_heads\":0", LLMCS_CONFIG, "num_key_value_heads"},
        {LLAMA ",\"num_key_value_heads\":8", LLMCS_CONFIG, "num_key_value_heads: 8"},
        {LLAMA ",\"head_dim\":7", LLMCS_CONFIG, "head_dim 7 is odd"},
        {LLAMA ",\"head_dim\":-2", LLMCS_CONFIG, "head_dim"},
        {LLAMA ",\"rope_theta\":0", LLMCS_CONFIG, "rope_theta"},
        {LLAMA ",\"rope_theta\":\"x\"", LLMCS_CONFIG, "rope_theta"},
        {LLAMA ",\"rope_scaling\":\"linear\"", LLMCS_CONFIG, "rope_scaling"},
        {SCALED("\"type\":\"dynamic\",\"factor\":2"), LLMCS_UNSUPPORTED, "\"dynamic\""},
        {SCALED("\"rope_type\":\"longrope\",\"factor\":2"), LLMCS_UNSUPPORTED, "\"longrope\""},
        {SCALED("\"rope_type\":7"), LLMCS_CONFIG, "rope_scaling.rope_type"},
        {SCALED("\"rope_type\":\"linear\",\"type\":\"yarn\",\"factor\":2"), LLMCS_CONFIG, "must be the same"},
        {SCALED("\"rope_type\":\"linear\""), LLMCS_CONFIG, "rope_scaling.factor is missing"},
        {SCALED("\"rope_type\":\"linear\",\"factor\":0.5"), LLMCS_CONFIG, "rope_scaling.factor"},
        {SCALED("\"rope_type\":\"linear\",\"factor\":1e999"), LLMCS_LIMIT, "too large"},
        {SCALED("\"rope_type\":\"linear\",\"factor\":2,\"partial_rotary_factor\":0.5"), LLMCS_UNSUPPORTED,
         "partial_rotary_factor"},
        {SCALED(LLAMA3 ",\"low_freq_factor\":1"), LLMCS_CONFIG, "high_freq_factor is missing"},
        {SCALED(LLAMA3 ",\"low_freq_factor\":4,\"high_freq_factor\":4"), LLMCS_CONFIG, "must be larger"},
        {SCALED("\"rope_type\":\"llama3\",\"factor\":8"), LLMCS_CONFIG, "original_max_position_embeddings is missing"},
        {SCALED("\"rope_type\":\"yarn\",\"factor\":8,\"truncate\":3"), LLMCS_CONFIG, "truncate"},
        {LLAMA ",\"rope_theta\":7,\"rope_parameters\":{\"rope_theta\":8}", LLMCS_CONFIG, "disagree"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":4},\"rope_parameters\":{\"rope_type\":\"default\"}",
         LLMCS_CONFIG, "rope_scaling and rope_parameters disagree"},
        {LLAMA ",\"partial_rotary_factor\":0.25", LLMCS_UNSUPPORTED, "partial_rotary_factor"},
        {LLAMA ",\"rope_interleaved\":true", LLMCS_UNSUPPORTED, "rope_interleaved"},
        {LLAMA ",\"quantization_config\":{\"bits\":4}", LLMCS_UNSUPPORTED, "quantization_config"},
        {MISTRAL ",\"sliding_window\":0", LLMCS_CONFIG, "sliding_window"},
        {QWEN2 ",\"use_sliding_window\":1", LLMCS_CONFIG, "use_sliding_window"},
        {QWEN2 ",\"layer_types\":[\"full_attention\"]", LLMCS_CONFIG,
         "layer_types: has 1 entries, but there are 4 layers"},
        {QWEN2 ",\"layer_types\":[\"full_attention\",\"sliding_attention\",\"full_attention\",\"full_attention\"]",
         LLMCS_CONFIG, "no sliding_window"},
        {QWEN2 ",\"layer_types\":[\"full_attention\",\"linear_attention\",\"full_attention\",\"full_attention\"]",
         LLMCS_UNSUPPORTED, "linear_attention"},
        {GEMMA3
         ",\"sliding_window_pattern\":2,\"layer_types\":[\"full_attention\",\"full_attention\",\"full_attention\","
         "\"full_attention\"]",
         LLMCS_CONFIG, "layer_types and "},
        {GEMMA3 ",\"final_logit_softcapping\":30.0", LLMCS_UNSUPPORTED,
         "final_logit_softcapping: 30.0 is not supported, only null"},
        {GEMMA3 ",\"use_bidirectional_attention\":true", LLMCS_UNSUPPORTED, "use_bidirectional_attention"},
        {GEMMA3 ",\"query_pre_attn_scalar\":0", LLMCS_CONFIG, "query_pre_attn_scalar"},
        {GEMMA3 ",\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":\"linear\",\"factor\":2}}",
         LLMCS_UNSUPPORTED, "sliding_attention"},
        {"\"model_type\":\"gemma3\"", LLMCS_CONFIG, "text_config"},
        {"\"model_type\":\"gemma3\",\"text_config\":[]", LLMCS_CONFIG, "text_config"},
        {SMOLLM3 ",\"no_rope_layers\":[1,2,1,1]", LLMCS_CONFIG, "no_rope_layers"},
        {SMOLLM3 ",\"no_rope_layers\":[1,1]", LLMCS_CONFIG, "no_rope_layers: has 2 entries"},
        {SMOLLM3 ",\"use_sliding_window\":true,\"sliding_window\":9", LLMCS_UNSUPPORTED, "layer_types"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ll_config c;
        const llmcs_status st = read_text(cases[i].members, &c);
        if (!st) ll_config_free(&c);
        ck_assert_msg(st == cases[i].status, "%s\n%s: %s", cases[i].members, llmcs_status_name(st),
                      st ? llmcs_error_message() : "");
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].needle) != NULL, "%s\n%s", cases[i].members,
                      llmcs_error_message());
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "config.json"));
    }
}
END_TEST

/* A number of layers that no file could have must not cost memory: lists are compared before they are copied. */
START_TEST(two_thousand_million_layers_cost_nothing) {
    ll_config c;
    must_read(
        "\"model_type\":\"llama\",\"vocab_size\":50,\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":"
        "2147483647,\"num_attention_heads\":4,\"max_position_embeddings\":64",
        &c);
    ck_assert_int_eq(c.n_layer, 2147483647);
    ll_config_free(&c);
}
END_TEST

static void make_folder(void) { temp_folder(folder); }
static void remove_folder(void) { temp_remove(folder); }

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, defaults_are_those_of_transformers);
    tcase_add_test(t, windows_and_rotations_by_layer);
    tcase_add_test(t, both_spellings_of_rotary_keys_mean_the_same);
    tcase_add_test(t, what_does_not_fit_is_named);
    tcase_add_test(t, two_thousand_million_layers_cost_nothing);
}

SUITE_MAIN("formats/config_decoders", add)
