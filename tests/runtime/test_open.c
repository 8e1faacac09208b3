/* Opening folders: what they may be, what is told on the way, and what the model says of itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"

static char folder[TEMP_PATH_BYTES];
static fail_alloc counted;
static llmcs_allocator allocator;
static llmcs_model_options options;

static void set_up(void) {
    temp_folder(folder);
    fail_alloc_init(&counted);
    allocator = fail_alloc_get(&counted);
    llmcs_model_options_init(&options);
    options.allocator = &allocator;
    options.n_threads = 1;
}

static void tear_down(void) {
    ck_assert_int_eq(counted.live, 0);
    temp_remove(folder);
}

static void refused(const char *path, llmcs_status expected, const char *word) {
    llmcs_model *m = (llmcs_model *)(void *)folder;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_status st = llmcs_model_open(path, &options, &m);
    ck_assert_msg(st == expected, "%s: %s", llmcs_status_name(st), llmcs_error_message());
    ck_assert_msg(strstr(llmcs_error_message(), word) != NULL, "no \"%s\" in: %s", word, llmcs_error_message());
    ck_assert_ptr_null(m);
    ck_assert_int_eq(llmcs_plan(path, &options, NULL, &plan), expected);
}

static void write_golden(const char *name) {
    char from[128];
    snprintf(from, sizeof from, GOLDEN_FOLDER "%s", name);
    checkpoint *c = checkpoint_read(from);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
}

/* --------------------------------------------------------------------------------------------------- folders */

START_TEST(paths_that_are_no_model) {
    refused("tests/no-such-folder", LLMCS_IO, "no-such-folder");
    refused(folder, LLMCS_CONFIG, "config.json");
    temp_write_text(folder, "model.gguf", "GGUF\3\0\0\0");
    const char *path = temp_path(folder, "model.gguf");
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(path, &options, &m), LLMCS_FORMAT);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "model.gguf: byte 4: the version"));
}
END_TEST

START_TEST(a_folder_without_weights) {
    write_golden("gpt2-tiny");
    ck_assert_int_eq(unlink(temp_path(folder, "model.safetensors")), 0);
    refused(folder, LLMCS_IO, "model.safetensors");
    temp_write_text(folder, "pytorch_model.bin", "PK");
    llmcs_model *m;
    ck_assert_int_ne(llmcs_model_open(folder, &options, &m), LLMCS_OK);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "pytorch_model.bin"));
}
END_TEST

/* What the library says while it opens. */
static char logged[2000];

static void keep_log(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    size_t n = strlen(logged);
    snprintf(logged + n, sizeof logged - n, "%d: %s\n", (int)level, message);
}

static llmcs_model *open_logged(const char *path) {
    llmcs_model *m;
    logged[0] = '\0';
    options.log = keep_log;
    llmcs_status st = llmcs_model_open(path, &options, &m);
    ck_assert_msg(st == LLMCS_OK, "%s: %s", llmcs_status_name(st), llmcs_error_message());
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    ck_assert_int_eq(llmcs_plan(path, &options, NULL, &plan), LLMCS_OK);
    return m;
}

static void was_logged(const char *word) {
    const char *line = strstr(logged, word);
    ck_assert_msg(line != NULL, "no \"%s\" in: %s", word, logged);
    while (line > logged && line[-1] != '\n') line--;
    ck_assert_msg(line[0] == '0' + LLMCS_LOG_WARN, "%s", line);
}

static llmcs_status generate_from(llmcs_model *m, const char *prompt) {
    llmcs_session *s = open_session(m);
    llmcs_generate_params p;
    llmcs_result *result = NULL;
    ck_assert_int_eq(llmcs_generate_params_init(&p, m), LLMCS_OK);
    p.max_new_tokens = 2;
    llmcs_status st = llmcs_generate(s, prompt, LLMCS_NUL, &p, NULL, NULL, &result);
    llmcs_result_free(&result);
    llmcs_session_free(&s);
    return st;
}

/* As Transformers does, a folder opens whose tokenizer has more ids than the network has rows. */
START_TEST(ids_beyond_the_network_are_refused_where_they_are_used) {
    write_golden("gpt2-tiny");     /* 257 rows */
    write_gpt2_vocabulary(folder); /* "hel" is 257 */
    llmcs_model *m = open_logged(folder);
    was_logged("ids up to 258, but config.json's vocab_size is 257");
    ck_assert_int_eq(generate_from(m, "he"), LLMCS_OK);
    ck_assert_int_eq(generate_from(m, "hel"), LLMCS_TOKEN_RANGE);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "257"));
    llmcs_model_free(&m);
}
END_TEST

START_TEST(encoders_refuse_ids_beyond_the_network) {
    write_golden("bert-mlm");
    write_bert_vocabulary(folder);
    temp_write_text(folder, "added_tokens.json", "{\"<new>\": 2000}");
    llmcs_model *m = open_logged(folder);
    was_logged("ids up to 2000");
    float vector[256];
    const llmcs_text good = {.text = "good", .text_bytes = LLMCS_NUL},
                     bad = {.text = "a <new>", .text_bytes = LLMCS_NUL};
    ck_assert_int_eq(llmcs_embed(m, &good, 1, NULL, vector, NULL), LLMCS_OK);
    ck_assert_int_eq(llmcs_embed(m, &bad, 1, NULL, vector, NULL), LLMCS_TOKEN_RANGE);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "2000"));
    llmcs_mask_token found;
    size_t n;
    ck_assert_int_eq(llmcs_fill_mask(m, "[MASK] <new>", LLMCS_NUL, 1, &found, 1, &n), LLMCS_TOKEN_RANGE);
    llmcs_model_free(&m);
}
END_TEST

/* A tokenizer of a kind that is not supported leaves token ids, and what needs a text says why. */
START_TEST(an_unsupported_tokenizer_leaves_token_ids) {
    static const struct {
        const char *file, *text, *says;
        bool warns;
    } cases[] = {{"tokenizer.json",
                  "{\"model\": {\"type\": \"CharLevel\", \"unk_token\": \"<unk>\", \"vocab\": {\"<unk>\": 0}}}",
                  "CharLevel", true},
                 {"sentencepiece.bpe.model", "\n\x0e", "sentencepiece.bpe.model", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_golden("bert-cls");
        temp_write_text(folder, cases[i].file, cases[i].text);
        llmcs_model *m = open_logged(folder);
        if (cases[i].warns) was_logged(cases[i].says);
        ck_assert_ptr_null(llmcs_model_tokenizer(m));
        float scores[8];
        int32_t label;
        const llmcs_text text = {.text = "good", .text_bytes = LLMCS_NUL};
        ck_assert_int_eq(llmcs_classify(m, &text, 1, NULL, scores, &label, NULL), LLMCS_UNSUPPORTED);
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].says) != NULL, "%s", llmcs_error_message());
        const int32_t ids[] = {2, 5, 3};
        const size_t length = 3;
        llmcs_encoder_outputs out = {.struct_size = sizeof out, .logits = scores};
        ck_assert_int_eq(llmcs_encoder_eval(m, ids, NULL, &length, 1, &out), LLMCS_OK);
        llmcs_model_free(&m);
        ck_assert_int_eq(unlink(temp_path(folder, cases[i].file)), 0);
    }
}
END_TEST

/* The vectors of the texts in the folder, with these settings of its tokenizer. */
static void embed_with_settings(const char *settings, const llmcs_text *texts, size_t n_texts, float (*vectors)[256]) {
    temp_write_text(folder, "tokenizer_config.json", settings);
    llmcs_model *m = open_logged(folder);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_int_le(info.n_embedding, 256);
    for (size_t i = 0; i < n_texts; i++) {
        memset(vectors[i], 0, sizeof vectors[i]);
        ck_assert_int_eq(embed_pooled(m, &texts[i], 1, LLMCS_POOL_MEAN, LLMCS_NORMALIZE_AUTO, NULL, vectors[i], NULL),
                         LLMCS_OK);
    }
    llmcs_model_free(&m);
}

/* Texts are cut at tokenizer_config.json's model_max_length where the folder names nothing else, and on its
 * truncation_side. */
START_TEST(texts_are_cut_at_the_tokenizers_length) {
    const llmcs_text texts[] = {{.text = "good bad good bad good bad the the the", .text_bytes = LLMCS_NUL},
                                {.text = "good bad good bad good bad", .text_bytes = LLMCS_NUL},
                                {.text = "bad good bad the the the", .text_bytes = LLMCS_NUL}};
    float uncut[3][256], right[3][256], left[3][256];
    const size_t size = sizeof uncut[0];
    write_golden("bert-embed");
    write_bert_vocabulary(folder);
    embed_with_settings("{}", texts, 3, uncut);
    embed_with_settings("{\"model_max_length\": 8}", texts, 3, right); /* 6 words, [CLS] and [SEP] */
    embed_with_settings("{\"model_max_length\": 8, \"truncation_side\": \"left\"}", texts, 3, left);
    for (size_t i = 1; i < 3; i++) {
        ck_assert_mem_eq(right[i], uncut[i], size);
        ck_assert_mem_eq(left[i], uncut[i], size);
    }
    ck_assert_mem_ne(right[0], uncut[0], size);
    ck_assert_mem_eq(right[0], uncut[1], size);
    ck_assert_mem_eq(left[0], uncut[2], size);
}
END_TEST

START_TEST(settings_of_a_tokenizer_without_effect_are_logged) {
    write_golden("bert-cls");
    write_bert_vocabulary(folder);
    temp_write_text(folder, "tokenizer_config.json",
                    "{\"auto_map\": {\"AutoTokenizer\": [\"x.Y\", null]}, \"do_basic_tokenize\": false}");
    llmcs_model *m = open_logged(folder);
    was_logged("auto_map");
    was_logged("do_basic_tokenize");
    llmcs_model_free(&m);
}
END_TEST

START_TEST(rows_without_a_token_are_fine) {
    write_golden("bert-cls");      /* 211 rows */
    write_bert_vocabulary(folder); /* 64 tokens */
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(folder, &options, &m), LLMCS_OK);
    ck_assert_uint_eq(llmcs_tokenizer_n_vocab(llmcs_model_tokenizer(m)), 64);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(a_broken_tokenizer_is_told) {
    write_golden("bert-cls");
    temp_write_text(folder, "tokenizer.json", "{\"model\": {");
    refused(folder, LLMCS_JSON, "tokenizer.json");
}
END_TEST

START_TEST(a_folder_without_a_tokenizer) {
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    ck_assert_ptr_null(llmcs_model_tokenizer(m));
    llmcs_session *s = open_session(m);
    llmcs_score_result r;
    ck_assert_int_eq(llmcs_score(s, "a", 1, "b", 1, &r), LLMCS_TOKENIZER);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* --------------------------------------------------------------------------------------------- on the way */

typedef struct seen {
    int n_calls, stop_at;
    float last;
} seen;

static int watch(void *user, float done) {
    seen *s = user;
    ck_assert(done >= s->last && done <= 1.0f);
    s->last = done;
    return ++s->n_calls == s->stop_at;
}

START_TEST(progress_goes_from_nothing_to_all) {
    seen s = {0};
    llmcs_model *m;
    options.progress = watch;
    options.progress_user = &s;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    ck_assert_int_gt(s.n_calls, 10);
    ck_assert(s.last == 1.0f);
    llmcs_model_free(&m);
    for (int stop_at = 1; stop_at <= s.n_calls; stop_at++) {
        seen again = {.stop_at = stop_at};
        options.progress_user = &again;
        ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_CANCELLED);
        ck_assert_ptr_null(m);
        ck_assert_int_eq(again.n_calls, stop_at);
        ck_assert_int_eq(counted.live, 0);
    }
}
END_TEST

START_TEST(a_bound_is_kept) {
    options.max_bytes = 1000;
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_LIMIT);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "1000"));
    ck_assert_int_lt(counted.peak_bytes, 200000); /* headers only */
}
END_TEST

/* ------------------------------------------------------------------------------------------------------ info */

START_TEST(info_of_a_decoder) {
    llmcs_model *m;
    llmcs_model_info i = {.struct_size = sizeof i};
    options.n_threads = 2;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    ck_assert_int_eq(llmcs_model_get_info(m, &i), LLMCS_OK);
    ck_assert_str_eq(i.model_type, "gpt2");
    ck_assert_str_eq(i.architecture, "GPT2LMHeadModel");
    ck_assert_uint_eq(i.heads, LLMCS_HEAD_CAUSAL_LM);
    ck_assert_int_eq(i.vocab_size, 257);
    ck_assert_int_eq(i.n_ctx, 64);
    ck_assert_int_eq(i.n_embd, 48);
    ck_assert_int_eq(i.n_layer, 3);
    ck_assert_int_eq(i.n_head, 4);
    ck_assert_int_eq(i.n_inner, 192);
    ck_assert_int_eq(i.n_labels, 0);
    ck_assert_int_eq(i.n_embedding, 0);
    ck_assert_int_eq(i.bos_token_id, 0);
    ck_assert_int_eq(i.eos_token_id, 0);
    ck_assert_int_eq(i.pad_token_id, -1);
    ck_assert_int_eq(i.n_threads, 2);
    ck_assert_str_eq(i.backend, "native");
    /* wte, wpe, then each block: two norms, attention, and a feed-forward of 192. */
    uint64_t block = 4 * 48 + 48 * 144 + 144 + 48 * 48 + 48 + 48 * 192 + 192 + 192 * 48 + 48;
    ck_assert_uint_eq(i.n_parameters, 257 * 48 + 64 * 48 + 3 * block + 2 * 48);
    ck_assert_uint_ge(i.weights_bytes, 4 * i.n_parameters);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(info_of_encoders) {
    static const struct {
        const char *name, *type;
        uint32_t heads;
        int32_t n_ctx, n_labels;
    } known[] = {
        {"bert-cls", "bert", LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_EMBEDDING | LLMCS_HEAD_POOLER, 64, 3},
        {"bert-embed", "bert", LLMCS_HEAD_EMBEDDING | LLMCS_HEAD_POOLER, 64, 0},
        {"bert-mlm", "bert", LLMCS_HEAD_MASKED_LM | LLMCS_HEAD_EMBEDDING | LLMCS_HEAD_POOLER, 64, 0},
        {"distilbert-cls", "distilbert", LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_EMBEDDING, 64, 2},
        {"roberta-cls", "roberta", LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_EMBEDDING | LLMCS_HEAD_POOLER, 64, 3}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        llmcs_model *m = open_golden(known[k].name, 1);
        llmcs_model_info i = {.struct_size = sizeof i};
        ck_assert_int_eq(llmcs_model_get_info(m, &i), LLMCS_OK);
        ck_assert_str_eq(i.model_type, known[k].type);
        ck_assert_uint_eq(i.heads, known[k].heads);
        ck_assert_int_eq(i.n_ctx, known[k].n_ctx); /* RoBERTa's 66 positions less the two it skips */
        ck_assert_int_eq(i.n_labels, known[k].n_labels);
        ck_assert_int_eq(i.n_embedding, i.n_embd);
        llmcs_model_free(&m);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------- ways to load and run */

static void logits_of(llmcs_model *m, float *out) {
    static const int32_t ids[7] = {1, 20, 3, 40, 5, 60, 7};
    const float *logits;
    size_t n;
    llmcs_session *s = open_session(m);
    ck_assert_int_eq(llmcs_session_eval(s, ids, 7, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n), LLMCS_OK);
    memcpy(out, logits, 7 * 257 * sizeof *out);
    llmcs_session_free(&s);
}

START_TEST(mapped_and_copied_are_the_same) {
    static float copied[7 * 257], mapped[7 * 257];
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    logits_of(m, copied);
    llmcs_model_free(&m);
    options.load_mode = LLMCS_LOAD_MMAP;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    logits_of(m, mapped);
    llmcs_model_free(&m);
    ck_assert_int_eq(memcmp(copied, mapped, sizeof copied), 0);
}
END_TEST

START_TEST(an_open_model_does_not_need_its_files) {
    static float before[7 * 257], after[7 * 257];
    write_golden("gpt2-tiny");
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(folder, &options, &m), LLMCS_OK);
    logits_of(m, before);
    temp_write_text(folder, "model.safetensors", "gone");
    logits_of(m, after);
    ck_assert_int_eq(memcmp(before, after, sizeof before), 0);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(openblas_gives_the_same_numbers_nearly) {
    static float native[7 * 257], other[7 * 257];
    llmcs_model *m;
    options.backend = LLMCS_BACKEND_OPENBLAS;
    options.n_threads = 2;
    llmcs_status st = llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m);
    if (st == LLMCS_UNSUPPORTED) {
        suite_skip("OpenBLAS backend", llmcs_error_message());
        return;
    }
    llmcs_model_info i = {.struct_size = sizeof i};
    ck_assert_int_eq(llmcs_model_get_info(m, &i), LLMCS_OK);
    ck_assert_str_eq(i.backend, "openblas");
    logits_of(m, other);
    llmcs_model_free(&m);
    options.backend = LLMCS_BACKEND_NATIVE;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    logits_of(m, native);
    llmcs_model_free(&m);
    golden_assert_close(other, native, 7 * 257, "logits");
}
END_TEST

/* Its buffers come from the caller's allocator, and the plan counts them. */
START_TEST(openblas_buffers_are_planned) {
    llmcs_plan_info plan = {.struct_size = sizeof plan}, native = plan;
    llmcs_model *m;
    options.n_threads = 3;
    ck_assert_int_eq(llmcs_plan(GOLDEN_FOLDER "gpt2-tiny", &options, NULL, &native), LLMCS_OK);
    options.backend = LLMCS_BACKEND_OPENBLAS;
    if (llmcs_plan(GOLDEN_FOLDER "gpt2-tiny", &options, NULL, &plan) == LLMCS_UNSUPPORTED) {
        suite_skip("openblas_buffers_are_planned", llmcs_error_message());
        return;
    }
    ck_assert_uint_gt(plan.model_bytes, native.model_bytes + 3 * 256 * 1024);
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    ck_assert_int_le(counted.live_bytes, (long long)plan.model_bytes);
    ck_assert_int_ge(counted.live_bytes, (long long)(plan.model_bytes * 97 / 100));
    llmcs_model_free(&m);
    options.max_bytes = plan.peak_bytes - 1;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_LIMIT);
}
END_TEST

/* Only a caller that names it gets it, on any processor. */
START_TEST(openblas_is_never_the_default) {
    llmcs_model *m;
    ck_assert_int_eq(setenv("LLMCS_CPU", "scalar", 1), 0);
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &m), LLMCS_OK);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_str_eq(info.backend, "native");
    llmcs_model_free(&m);
    unsetenv("LLMCS_CPU");
}
END_TEST

START_TEST(a_kernel_set_that_is_not_there) {
    setenv("LLMCS_CPU", "z80", 1);
    refused(GOLDEN_FOLDER "gpt2-tiny", LLMCS_UNSUPPORTED, "z80");
    unsetenv("LLMCS_CPU");
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, paths_that_are_no_model);
    tcase_add_test(t, a_folder_without_weights);
    tcase_add_test(t, ids_beyond_the_network_are_refused_where_they_are_used);
    tcase_add_test(t, encoders_refuse_ids_beyond_the_network);
    tcase_add_test(t, an_unsupported_tokenizer_leaves_token_ids);
    tcase_add_test(t, texts_are_cut_at_the_tokenizers_length);
    tcase_add_test(t, settings_of_a_tokenizer_without_effect_are_logged);
    tcase_add_test(t, rows_without_a_token_are_fine);
    tcase_add_test(t, a_broken_tokenizer_is_told);
    tcase_add_test(t, a_folder_without_a_tokenizer);
    tcase_add_test(t, progress_goes_from_nothing_to_all);
    tcase_add_test(t, a_bound_is_kept);
    tcase_add_test(t, info_of_a_decoder);
    tcase_add_test(t, info_of_encoders);
    tcase_add_test(t, mapped_and_copied_are_the_same);
    tcase_add_test(t, an_open_model_does_not_need_its_files);
    tcase_add_test(t, openblas_gives_the_same_numbers_nearly);
    tcase_add_test(t, openblas_buffers_are_planned);
    tcase_add_test(t, openblas_is_never_the_default);
    tcase_add_test(t, a_kernel_set_that_is_not_there);
}

SUITE_MAIN("runtime/open", add)
