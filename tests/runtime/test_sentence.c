/* Folders of sentence-transformers: prompts, white space, and the mean without the prompt. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/encoder/sentence_text.h"
#include "support/model_fixture.h"
#include "support/suite.h"

enum { N = 64, MAX_TOKENS = 64 };

static char folder[TEMP_PATH_BYTES];

/* The golden encoder as a folder of sentence-transformers with mean pooling. */
static void make_folder(void) {
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-embed");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    temp_write_text(folder, "modules.json",
                    "[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
                    "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]");
    ck_assert_int_eq(mkdir(temp_path(folder, "1_Pooling"), 0700), 0);
    temp_write_text(folder, "1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true}");
}

static void remove_folder(void) { temp_remove(folder); }

static void set_prompt(const char *prompt, const char *pooling) {
    char text[200];
    snprintf(text, sizeof text, "{\"prompts\":{\"q\":\"%s\"},\"default_prompt_name\":\"q\"}", prompt);
    temp_write_text(folder, "config_sentence_transformers.json", text);
    temp_write_text(folder, "1_Pooling/config.json", pooling);
}

static void embed(llmcs_model *m, const char *text, float *vector) {
    const llmcs_text t = {text, LLMCS_NUL, NULL, 0};
    ck_assert_msg(llmcs_embed(m, &t, 1, NULL, vector, NULL) == LLMCS_OK, "%s", llmcs_error_message());
}

/* The mean of the tokens from the first-th on, of at most max_length. */
static void mean_from(llmcs_model *m, const char *text, size_t first, size_t max_length, float *vector) {
    int32_t ids[MAX_TOKENS], types[MAX_TOKENS];
    float hidden[MAX_TOKENS * N];
    size_t n;
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    p.truncation = LLMCS_TRUNCATE_LONGEST_FIRST;
    p.max_length = max_length;
    ck_assert_int_eq(
        llmcs_encode(llmcs_model_tokenizer(m), text, LLMCS_NUL, NULL, 0, &p, ids, types, NULL, MAX_TOKENS, &n),
        LLMCS_OK);
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = hidden};
    ck_assert_int_eq(llmcs_encoder_eval(m, ids, types, &n, 1, &o), LLMCS_OK);
    for (size_t d = 0; d < N; d++) {
        double sum = 0;
        for (size_t t = first; t < n; t++) sum += (double)hidden[t * N + d];
        vector[d] = (float)(sum / (double)(n - first));
    }
}

static void assert_near(const float *a, const float *b) {
    for (size_t d = 0; d < N; d++) ck_assert_msg(fabsf(a[d] - b[d]) < 1e-5f, "%zu: %g, expected %g", d, a[d], b[d]);
}

START_TEST(default_prompt_stands_before_the_text) {
    float with[N], written[N], bare[N];
    llmcs_model *m = open_model(folder, 1);
    embed(m, "good the shop", written);
    embed(m, "shop", bare);
    llmcs_model_free(&m);
    set_prompt("good the ", "{\"pooling_mode_mean_tokens\":true}");
    m = open_model(folder, 1);
    embed(m, "shop", with);
    ck_assert_int_eq(memcmp(with, written, sizeof with), 0);
    ck_assert_int_ne(memcmp(with, bare, sizeof with), 0);
    llmcs_model_free(&m);
}
END_TEST

/* include_prompt false: [CLS] and the prompt's tokens leave the mean. */
START_TEST(mean_without_the_prompt) {
    float vector[N], expected[N];
    set_prompt("good bad: ", "{\"pooling_mode_mean_tokens\":true,\"include_prompt\":false}");
    llmcs_model *m = open_model(folder, 1);
    embed(m, "the shop", vector);
    mean_from(m, "good bad: the shop", 4, MAX_TOKENS, expected);
    assert_near(vector, expected);
    embed(m, "", vector); /* [SEP] is left */
    mean_from(m, "good bad:", 4, MAX_TOKENS, expected);
    assert_near(vector, expected);
    llmcs_model_free(&m);
    /* cut inside the prompt: its last token is [SEP] all the same */
    temp_write_text(folder, "sentence_bert_config.json", "{\"max_seq_length\":4}");
    m = open_model(folder, 1);
    embed(m, "the shop", vector);
    mean_from(m, "good bad: the shop", 3, 4, expected);
    assert_near(vector, expected);
    llmcs_model_free(&m);
}
END_TEST

/* A GGUF file of the folder carries its settings along. */
START_TEST(settings_go_into_a_gguf_file) {
    float before[N], after[N];
    char file[TEMP_PATH_BYTES + 16];
    llmcs_quantize_params p;
    set_prompt("good bad: ", "{\"pooling_mode_mean_tokens\":true,\"include_prompt\":false}");
    temp_write_text(folder, "sentence_roberta_config.json", "{\"max_seq_length\":6}");
    llmcs_model *m = open_model(folder, 1);
    embed(m, "the shop good bad", before);
    llmcs_model_free(&m);
    llmcs_quantize_params_init(&p);
    p.type = LLMCS_GGUF_F32;
    snprintf(file, sizeof file, "%s/x.gguf", folder);
    ck_assert_int_eq(llmcs_quantize(folder, file, &p), LLMCS_OK);
    m = open_model(file, 1);
    embed(m, "the shop good bad", after);
    ck_assert_int_eq(memcmp(before, after, sizeof before), 0);
    llmcs_model_free(&m);
}
END_TEST

/* What the tokenizer sees, with "|" for the ends. */
static void check_text(bool strip, const char *prompt, const char *text, const char *pair, const char *expected) {
    llmcs_model m = {.allocator = ll_allocator_default(), .config.sentence = {.strip = strip, .present = true}};
    const llmcs_text in = {text, LLMCS_NUL, pair, pair ? strlen(pair) : 0};
    llmcs_text out;
    char *owned, seen[200];
    ck_assert_int_eq(ll_sentence_text(&m, prompt, &in, &out, &owned), LLMCS_OK);
    const size_t n = out.text_bytes == LLMCS_NUL ? strlen(out.text) : out.text_bytes;
    snprintf(seen, sizeof seen, "%.*s|%.*s", (int)n, out.text, out.pair ? (int)out.pair_bytes : 0,
             out.pair ? out.pair : "");
    ck_assert_str_eq(seen, expected);
    ll_free(&m.allocator, owned);
}

START_TEST(white_space_around_texts) {
    check_text(true, "", "  hello world \n", NULL, "hello world|");
    check_text(true, "", "hello", " a b\t", "hello|a b");
    check_text(true, "", "", "", "|");
    check_text(true, "", " \n\t ", NULL, "|");
    check_text(true, "", "\xc2\xa0\xe3\x80\x80x\xe2\x80\xa8\xe2\x80\x8a\xc2\x85", NULL, "x|");
    check_text(true, "", "\x1c\x1fx\x1e", NULL, "x|");
    check_text(true, "", "\xe2\x80\x8bx\xe2\x80\x8b", NULL, "\xe2\x80\x8bx\xe2\x80\x8b|"); /* U+200B is none */
    check_text(true, "", "x\xa0", NULL, "x\xa0|"); /* nor are bytes that are no UTF-8 */
    check_text(true, "", "\x80\x80\x80\x80\x80 ", NULL, "\x80\x80\x80\x80\x80|");
    check_text(true, " query: ", " x ", " y ", "query:  x|y");
    check_text(true, "query: ", "", NULL, "query:|");
    check_text(false, "", "  x ", NULL, "  x |");
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, default_prompt_stands_before_the_text);
    tcase_add_test(t, mean_without_the_prompt);
    tcase_add_test(t, settings_go_into_a_gguf_file);
    tcase_add_test(t, white_space_around_texts);
}

SUITE_MAIN("runtime/sentence", add)
