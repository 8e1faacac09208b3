/* Decoders of every family through the rest of the library: quantised files, saved sessions, cut prompts, engines,
 * memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "llmcs.h"
#include "support/fail_alloc.h"
#include "support/golden.h"
#include "support/model_fixture.h"
#include "support/suite.h"
#include "support/temp.h"

#define N_IDS 40
#define VOCAB_BYTES 100

static int32_t ids[N_IDS];

static void make_ids(void) {
    for (int i = 0; i < N_IDS; i++) ids[i] = 3 + (i * 7 + i * i) % 50;
}

static llmcs_model *open_decoder(const char *name, llmcs_weights weights, int32_t n_threads) {
    char path[128];
    snprintf(path, sizeof path, GOLDEN_FOLDER "%s", name);
    return open_model_kept(path, n_threads, weights, LLMCS_KV_AUTO);
}

/* Logits of the last of the ids, evaluated `step` at a time. */
static size_t last_logits(llmcs_model *m, size_t step, float *out) {
    llmcs_session *s;
    const float *logits;
    size_t n_rows;
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_OK);
    for (size_t i = 0; i < N_IDS; i += step) {
        const size_t n = i + step < N_IDS ? step : N_IDS - i;
        ck_assert_int_eq(llmcs_session_eval(s, ids + i, n, LLMCS_LOGITS_LAST), LLMCS_OK);
    }
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    memcpy(out, logits, (size_t)info.vocab_size * sizeof *out);
    llmcs_session_free(&s);
    return (size_t)info.vocab_size * sizeof *out;
}

START_TEST(the_same_bits_however_a_prompt_is_cut) {
    static const size_t steps[] = {1, 3, 7, 17};
    for (size_t w = 0; w < 3; w++) {
        const llmcs_weights weights[] = {LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_INT8, LLMCS_WEIGHTS_INT4};
        float whole[VOCAB_BYTES], cut[VOCAB_BYTES];
        llmcs_model *m = open_decoder(golden_decoder_names[_i], weights[w], 1), *three;
        const size_t n = last_logits(m, N_IDS, whole);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            last_logits(m, steps[i], cut);
            ck_assert_msg(memcmp(whole, cut, n) == 0, "%s by %zu", golden_decoder_names[_i], steps[i]);
        }
        three = open_decoder(golden_decoder_names[_i], weights[w], 3);
        last_logits(three, 5, cut);
        ck_assert_msg(memcmp(whole, cut, n) == 0, "%s with three threads", golden_decoder_names[_i]);
        llmcs_model_free(&three);
        llmcs_model_free(&m);
    }
}
END_TEST

/* GGUF files hold transformers: others are refused by name, and open as folders in 8 bits. */
START_TEST(lstm_folders_are_not_quantised) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    const char *path = temp_path(folder, "x.gguf");
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "lstm-torch", path, NULL), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "lstm"));
    ck_assert_ptr_null(fopen(path, "rb"));
    llmcs_model *m = open_decoder("lstm-torch", LLMCS_WEIGHTS_INT8, 1);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_str_eq(info.weights, "int8");
    ck_assert_str_eq(info.kv_type, "f32");
    llmcs_model_free(&m);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.kv_type = LLMCS_KV_F16;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "lstm-torch", &o, &m), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "kv_type"));
    temp_remove(folder);
}
END_TEST

/* A GGUF file of ours answers as the folder does with the same weights. */
START_TEST(quantised_files_answer_as_the_folder) {
    static const struct {
        llmcs_gguf_type type;
        llmcs_weights weights;
    } types[] = {{LLMCS_GGUF_F32, LLMCS_WEIGHTS_F32}, {LLMCS_GGUF_F16, LLMCS_WEIGHTS_F16}};
    char folder[TEMP_PATH_BYTES], source[128];
    if (strncmp(golden_decoder_names[_i], "lstm", 4) == 0) return; /* lstm_folders_are_not_quantised */
    temp_folder(folder);
    snprintf(source, sizeof source, GOLDEN_FOLDER "%s", golden_decoder_names[_i]);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        float of_file[VOCAB_BYTES], of_folder[VOCAB_BYTES];
        llmcs_quantize_params o;
        llmcs_quantize_params_init(&o);
        o.type = types[i].type;
        const char *path = temp_path(folder, "x.gguf");
        remove(path);
        ck_assert_msg(!llmcs_quantize(source, path, &o), "%s: %s", source, llmcs_error_message());
        llmcs_model *m = open_decoder(golden_decoder_names[_i], types[i].weights, 1);
        llmcs_model *g = open_model_kept(path, 1, LLMCS_WEIGHTS_AUTO, LLMCS_KV_AUTO);
        const size_t n = last_logits(m, N_IDS, of_folder);
        last_logits(g, N_IDS, of_file);
        if (types[i].type == LLMCS_GGUF_F32) ck_assert_mem_eq(of_file, of_folder, n);
        for (size_t k = 0; k < n / sizeof(float); k++) /* a token table of its own is float16 in the file alone */
            ck_assert_float_le_tol(of_file[k] - of_folder[k], 0, 0.02f);
        llmcs_model_free(&g);
        llmcs_model_free(&m);
    }
    temp_remove(folder);
}
END_TEST

START_TEST(saved_sessions_continue) {
    llmcs_model *m = open_decoder(golden_decoder_names[_i], LLMCS_WEIGHTS_AUTO, 2);
    llmcs_session *s, *restored;
    const float *logits;
    size_t n_bytes, n_rows;
    float expected[VOCAB_BYTES];
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_create(m, NULL, &restored), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, ids, 20, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_save(s, NULL, 0, &n_bytes), LLMCS_OK);
    void *bytes = malloc(n_bytes);
    ck_assert_int_eq(llmcs_session_save(s, bytes, n_bytes, &n_bytes), LLMCS_OK);
    ck_assert_msg(!llmcs_session_restore(restored, bytes, n_bytes), "%s", llmcs_error_message());
    free(bytes);
    ck_assert_int_eq(llmcs_session_eval(s, ids + 20, 10, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    memcpy(expected, logits, (size_t)info.vocab_size * sizeof *expected);
    ck_assert_int_eq(llmcs_session_eval(restored, ids + 20, 10, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(restored, &logits, &n_rows), LLMCS_OK);
    ck_assert_int_eq(memcmp(expected, logits, (size_t)info.vocab_size * sizeof *expected), 0);
    llmcs_session_free(&restored);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* A model of 32,768 positions: sessions and engines are as small as those of 4,096, and say so in the plan. */
START_TEST(long_contexts_cost_what_is_asked) {
    char folder[TEMP_PATH_BYTES], config[1024], path[256];
    temp_folder(folder);
    char *text;
    size_t n_bytes;
    snprintf(path, sizeof path, GOLDEN_FOLDER "qwen2-window/model.safetensors");
    llmcs_allocator a = ll_allocator_default();
    ck_assert_int_eq(ll_file_read_all(&a, path, 1 << 22, &text, &n_bytes), LLMCS_OK);
    temp_write(folder, "model.safetensors", text, n_bytes);
    ll_free(&a, text);
    uint64_t session_bytes[3], engine_bytes[3];
    const int positions[3] = {4096, 32768, 32768};
    for (size_t i = 0; i < 3; i++) {
        snprintf(config, sizeof config,
                 "{\"model_type\":\"qwen2\",\"vocab_size\":75,\"hidden_size\":28,\"intermediate_size\":40,"
                 "\"num_hidden_layers\":3,\"num_attention_heads\":7,\"num_key_value_heads\":1,"
                 "\"tie_word_embeddings\":true,\"max_position_embeddings\":%d}",
                 positions[i]);
        temp_write_text(folder, "config.json", config);
        llmcs_session_options s;
        llmcs_engine_options e;
        llmcs_session_options_init(&s);
        llmcs_engine_options_init(&e);
        s.n_ctx = e.n_ctx = i == 2 ? 32768 : 0;
        llmcs_plan_info plan = {.struct_size = sizeof plan};
        llmcs_engine_plan_info engine_plan = {.struct_size = sizeof engine_plan};
        ck_assert_msg(!llmcs_plan(folder, NULL, &s, &plan), "%s", llmcs_error_message());
        ck_assert_msg(!llmcs_engine_plan(folder, NULL, &e, 100, &engine_plan), "%s", llmcs_error_message());
        session_bytes[i] = plan.session_bytes;
        engine_bytes[i] = engine_plan.engine_bytes;
    }
    ck_assert_uint_eq(session_bytes[0], session_bytes[1]);
    ck_assert_uint_eq(engine_bytes[0], engine_bytes[1]);
    ck_assert_uint_gt(session_bytes[2], 4 * session_bytes[1]);
    ck_assert_uint_gt(engine_bytes[2], 2 * engine_bytes[1]);

    llmcs_model *m = open_model(folder, 1);
    llmcs_session *s;
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_int_eq(info.n_ctx, 32768);
    static int32_t many[LLMCS_DEFAULT_N_CTX + 1];
    for (size_t i = 0; i <= LLMCS_DEFAULT_N_CTX; i++) many[i] = 5;
    ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, many, LLMCS_DEFAULT_N_CTX + 1, LLMCS_LOGITS_NONE), LLMCS_CONTEXT_FULL);
    llmcs_session_free(&s);
    const llmcs_session_options longer = {.struct_size = sizeof longer, .n_ctx = 5000};
    ck_assert_int_eq(llmcs_session_create(m, &longer, &s), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, many, LLMCS_DEFAULT_N_CTX + 1, LLMCS_LOGITS_LAST), LLMCS_OK);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* A decoder without a head is an encoder: its workspace grows with the longest text, not with 32,768 positions. */
START_TEST(workspaces_of_long_encoders_grow_with_the_text) {
    char folder[TEMP_PATH_BYTES], *text;
    size_t n_bytes;
    llmcs_allocator a = ll_allocator_default();
    temp_folder(folder);
    ck_assert_int_eq(ll_file_read_all(&a, GOLDEN_FOLDER "qwen3-model/model.safetensors", 1 << 22, &text, &n_bytes), 0);
    temp_write(folder, "model.safetensors", text, n_bytes);
    ll_free(&a, text);
    temp_write_text(
        folder, "config.json",
        "{\"model_type\":\"qwen3\",\"architectures\":[\"Qwen3Model\"],\"vocab_size\":60,\"hidden_size\":24,"
        "\"intermediate_size\":40,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":1,"
        "\"head_dim\":8,\"max_position_embeddings\":32768}");
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator counting = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &counting;
    o.n_threads = 1;
    llmcs_model *m;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    ck_assert_msg(!llmcs_model_open(folder, &o, &m), "%s", llmcs_error_message());
    ck_assert_int_eq(llmcs_plan(folder, &o, NULL, &plan), LLMCS_OK);
    static int32_t many[1500];
    static float few_out[10 * 24], many_out[1500 * 24];
    for (size_t i = 0; i < 1500; i++) many[i] = (int32_t)(3 + i * 7 % 50);
    const uint64_t of_model = (uint64_t)f.live_bytes;
    const size_t few = 10, lengths[2] = {700, 1500};
    llmcs_encoder_outputs out = {.struct_size = sizeof out, .hidden = few_out};
    ck_assert_int_eq(llmcs_encoder_eval(m, many, NULL, &few, 1, &out), LLMCS_OK);
    const uint64_t of_few = (uint64_t)f.live_bytes - of_model;
    ck_assert_uint_lt(of_few, plan.encoder_bytes / 30);
    out.hidden = many_out;
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(llmcs_encoder_eval(m, many, NULL, &lengths[i], 1, &out), LLMCS_OK);
        ck_assert_mem_eq(few_out, many_out, sizeof few_out); /* causal: what follows changes nothing */
    }
    const uint64_t of_many = (uint64_t)f.live_bytes - of_model;
    ck_assert(of_many > of_few && of_many < plan.encoder_bytes / 8);
    ck_assert_int_eq(llmcs_encoder_eval(m, many, NULL, &few, 1, &out), LLMCS_OK);
    ck_assert_uint_eq((uint64_t)f.live_bytes - of_model, of_many);
    llmcs_model_free(&m);
    ck_assert_int_eq(f.live, 0);
    temp_remove(folder);
}
END_TEST

/* Biases, heads and windows that the tensors do not have, or have and config.json denies. */
START_TEST(tensors_that_contradict_the_config_are_named) {
    static const struct {
        const char *name, *from, *to, *needle;
    } cases[] = {
        {"llama-biases", "\"attention_bias\": true", "\"attention_bias\": false", "q_proj.bias"},
        {"llama-biases", "\"mlp_bias\": true", "\"mlp_bias\": false", "gate_proj.bias"},
        {"llama-yarn", "\"attention_bias\": false", "\"attention_bias\": true", "q_proj.bias"},
        {"llama-yarn", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 1", "k_proj.weight"},
        {"llama-yarn", "\"head_dim\": 8", "\"head_dim\": 6", "q_proj.weight"},
        {"llama-yarn", "\"num_attention_heads\": 4", "\"num_attention_heads\": 6", "q_proj.weight"},
        {"llama-yarn", "\"intermediate_size\": 44", "\"intermediate_size\": 45", "mlp."},
        {"llama-yarn", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", "lm_head.weight"},
        {"qwen2-window", "\"model_type\": \"qwen2\"", "\"model_type\": \"qwen3\"", "is not of model_type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[TEMP_PATH_BYTES], path[256], *text, *at, edited[4096];
        size_t n_bytes;
        llmcs_model *m = NULL;
        llmcs_allocator a = ll_allocator_default();
        temp_folder(folder);
        snprintf(path, sizeof path, GOLDEN_FOLDER "%s/model.safetensors", cases[i].name);
        ck_assert_int_eq(ll_file_read_all(&a, path, 1 << 22, &text, &n_bytes), LLMCS_OK);
        temp_write(folder, "model.safetensors", text, n_bytes);
        ll_free(&a, text);
        snprintf(path, sizeof path, GOLDEN_FOLDER "%s/config.json", cases[i].name);
        ck_assert_int_eq(ll_file_read_all(&a, path, sizeof edited / 2, &text, &n_bytes), LLMCS_OK);
        ck_assert_msg((at = strstr(text, cases[i].from)) != NULL, "%s", cases[i].from);
        snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from));
        ll_free(&a, text);
        temp_write_text(folder, "config.json", edited);
        ck_assert_int_ne(llmcs_model_open(folder, NULL, &m), LLMCS_OK);
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].needle) != NULL, "%s: %s", cases[i].to,
                      llmcs_error_message());
        temp_remove(folder);
    }
}
END_TEST

static void add(TCase *t) {
    int n = 0;
    while (golden_decoder_names[n]) n++;
    tcase_add_checked_fixture(t, make_ids, NULL);
    tcase_add_loop_test(t, the_same_bits_however_a_prompt_is_cut, 0, n);
    tcase_add_loop_test(t, quantised_files_answer_as_the_folder, 0, n);
    tcase_add_test(t, lstm_folders_are_not_quantised);
    tcase_add_loop_test(t, saved_sessions_continue, 0, n);
    tcase_add_test(t, long_contexts_cost_what_is_asked);
    tcase_add_test(t, workspaces_of_long_encoders_grow_with_the_text);
    tcase_add_test(t, tensors_that_contradict_the_config_are_named);
}

SUITE_MAIN("runtime/decoders", add)
