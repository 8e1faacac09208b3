/* Decoders in GGUF files as llama.cpp has them: files of its own writer (tests/data/gguf), our files without our keys,
 * and files that lie. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/checkpoint.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

#define N_IDS 40
#define MOST_VOCAB 128
#define GGUF_FOLDER "tests/data/gguf/"

static char folder[TEMP_PATH_BYTES], file[TEMP_PATH_BYTES + 16];

static void set_up(void) {
    temp_folder(folder);
    snprintf(file, sizeof file, "%s/x.gguf", folder);
}

static void tear_down(void) { temp_remove(folder); }

/* The golden checkpoint with other settings, which llama.cpp has, too. */
typedef struct variant {
    const char *golden;
    struct {
        const char *key, *value;
    } changes[4];
} variant;

static const variant VARIANTS[] = {
    {"llama-biases", {{NULL, NULL}}},
    {"llama-yarn",
     {{"rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 16}"}}},
    {"llama-yarn",
     {{"rope_scaling",
       "{\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 16, \"attention_factor\": "
       "1.5}"}}},
    {"mistral-window", {{"sliding_window", "null"}}},
    {"mistral-window", {{"sliding_window", "80"}}}, /* as long as the context */
    {"smollm3-tiny", {{"no_rope_layers", "[1, 1, 1, 0]"}}},
    {"qwen2-window", {{"use_sliding_window", "false"}}},
    {"gemma3-nested", {{NULL, NULL}}}, /* see write_gemma */
};
#define N_VARIANTS (sizeof VARIANTS / sizeof *VARIANTS)

/* As Gemma3TextConfig, without the biases, which llama.cpp lacks. */
static void write_gemma(checkpoint *c, const char *layers) {
    char config[1000];
    for (size_t i = c->n_tensors; i-- > 0;)
        if (strstr(c->tensors[i].name, ".bias")) checkpoint_remove(c, c->tensors[i].name);
    free(c->config);
    snprintf(config, sizeof config,
             "{\"model_type\": \"gemma3_text\", \"head_dim\": 12, \"hidden_size\": 32, \"intermediate_size\": 40,"
             "\"max_position_embeddings\": 64, \"num_attention_heads\": 4, \"num_hidden_layers\": 5,"
             "\"num_key_value_heads\": 2, \"query_pre_attn_scalar\": 12, \"rope_local_base_freq\": 100.0,"
             "\"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}, \"rope_theta\": 5000.0,"
             "\"sliding_window\": 5, \"vocab_size\": 66, %s}",
             layers);
    c->config = strdup(config);
}

static void write_variant(const variant *v) {
    char path[128];
    snprintf(path, sizeof path, GOLDEN_FOLDER "%s", v->golden);
    checkpoint *c = checkpoint_read(path);
    for (size_t i = 0; i < 4 && v->changes[i].key; i++) checkpoint_set(c, v->changes[i].key, v->changes[i].value);
    if (!strcmp(v->golden, "gemma3-nested")) write_gemma(c, "\"sliding_window_pattern\": 2");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
}

static void quantize(void) {
    llmcs_quantize_params p;
    llmcs_quantize_params_init(&p);
    p.type = LLMCS_GGUF_F32;
    ck_assert_msg(!llmcs_quantize(folder, file, &p), "%s", llmcs_error_message());
}

/* Renames our own keys in place, so that nobody knows them. */
static void hide_own_keys(void) {
    size_t len;
    char *data = edit_read(file, &len);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i + 6 < len; i++)
        if (!memcmp(data + i, "llmcs.", 6)) memcpy(data + i, "other.", 6);
    temp_write(folder, "x.gguf", data, len);
    free(data);
}

static size_t logits_of(const char *path, float *out) {
    static int32_t ids[N_IDS];
    llmcs_session *s;
    const float *logits;
    size_t n_rows;
    llmcs_model *m = open_model_kept(path, 1, LLMCS_WEIGHTS_F32, LLMCS_KV_AUTO);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_int_le(info.vocab_size, MOST_VOCAB);
    for (int i = 0; i < N_IDS; i++) ids[i] = 3 + (i * 7 + i * i) % 50;
    ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, ids, N_IDS, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    const size_t n = n_rows * (size_t)info.vocab_size;
    memcpy(out, logits, n * sizeof *out);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    return n;
}

static float ours[N_IDS * MOST_VOCAB], theirs[N_IDS * MOST_VOCAB];

static void near(size_t n, float bound, const char *what) {
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabsf(ours[i] - theirs[i]) <= bound, "%s: logit %zu is %g, expected %g", what, i,
                      (double)theirs[i], (double)ours[i]);
}

/* ------------------------------------------------------------------------------------------------------- reading */

START_TEST(files_of_llama_cpps_writer) {
    llmcs_model_info info = {.struct_size = sizeof info};
    size_t n = logits_of(GOLDEN_FOLDER "llama-parameters", ours);
    ck_assert_uint_eq(logits_of(GGUF_FOLDER "llama.gguf", theirs), n);
    near(n, 2e-5f, "llama.gguf");
    llmcs_model *m = open_model_kept(GGUF_FOLDER "llama.gguf", 1, LLMCS_WEIGHTS_F32, LLMCS_KV_AUTO);
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_str_eq(info.architecture, "LlamaForCausalLM");
    ck_assert_int_eq(info.n_ctx, 128);
    llmcs_model_free(&m);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gemma3-nested");
    char *at = strstr(c->config, "\"query_pre_attn_scalar\": 20");
    ck_assert_ptr_nonnull(at);
    memcpy(at + strlen("\"query_pre_attn_scalar\": "), "12", 2);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    n = logits_of(folder, ours);
    ck_assert_uint_eq(logits_of(GGUF_FOLDER "gemma3.gguf", theirs), n);
    near(n, 2e-5f, "gemma3.gguf");
}
END_TEST

static void same_tokens(const char *gguf, const char *spm) {
    static const char *const texts[] = {"",
                                        " ",
                                        "hello world",
                                        "  two  spaces ",
                                        "The price is 12345.67!",
                                        "na\xc3\xafve caf\xc3\xa9 \xef\xac\x81",
                                        "\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80",
                                        "a\nb\tc ab",
                                        "!!!!!! ??????"};
    llmcs_tokenizer *a, *b;
    ck_assert_msg(!llmcs_tokenizer_open(gguf, NULL, &a), "%s", llmcs_error_message());
    ck_assert_msg(!llmcs_tokenizer_open(spm, NULL, &b), "%s", llmcs_error_message());
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int32_t x[200], y[200];
        size_t n_x, n_y;
        const size_t n = strlen(texts[i]);
        ck_assert_int_eq(llmcs_encode(a, texts[i], n, NULL, 0, NULL, x, NULL, NULL, 200, &n_x), LLMCS_OK);
        ck_assert_int_eq(llmcs_encode(b, texts[i], n, NULL, 0, NULL, y, NULL, NULL, 200, &n_y), LLMCS_OK);
        ck_assert_msg(n_x == n_y && !memcmp(x, y, n_x * sizeof *x), "%s: \"%s\": %zu tokens, expected %zu", gguf,
                      texts[i], n_x, n_y);
    }
    llmcs_tokenizer_free(&a);
    llmcs_tokenizer_free(&b);
}

START_TEST(tokenizers_of_llama_cpps_writer) {
    same_tokens(GGUF_FOLDER "spm.gguf", "tests/data/sentencepiece/llama");
    same_tokens(GGUF_FOLDER "unigram.gguf", "tests/data/sentencepiece/xlm-roberta");
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- writing */

/* llama.cpp's keys alone describe the network: the same bits without ours. */
START_TEST(the_same_bits_with_and_without_our_keys) {
    write_variant(&VARIANTS[_i]);
    quantize();
    const size_t n = logits_of(folder, ours);
    ck_assert_uint_eq(logits_of(file, theirs), n);
    ck_assert_mem_eq(ours, theirs, n * sizeof *ours);
    hide_own_keys();
    ck_assert_uint_eq(logits_of(file, theirs), n);
    if (strcmp(VARIANTS[_i].golden, "llama-yarn") != 0) /* f32 rounds its attention factor */
        ck_assert_mem_eq(ours, theirs, n * sizeof *ours);
    near(n, 1e-4f, VARIANTS[_i].golden);
}
END_TEST

START_TEST(llama3_scaling_is_a_tensor) {
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "llama-parameters");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    quantize();
    const size_t n = logits_of(folder, ours);
    ck_assert_uint_eq(logits_of(file, theirs), n);
    ck_assert_mem_eq(ours, theirs, n * sizeof *ours);
    hide_own_keys();
    logits_of(file, theirs);
    near(n, 2e-5f, "without our keys");
}
END_TEST

START_TEST(layers_with_a_window_by_a_list) {
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gemma3-nested");
    write_gemma(
        c,
        "\"layer_types\": [\"full_attention\", \"sliding_attention\", \"sliding_attention\", \"full_attention\","
        "\"sliding_attention\"]");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    quantize();
    const size_t n = logits_of(folder, ours);
    hide_own_keys();
    logits_of(file, theirs);
    ck_assert_mem_eq(ours, theirs, n * sizeof *ours);
}
END_TEST

/* What llama.cpp would run wrongly has an architecture that it refuses, and the checkpoint's own form of tensors. */
START_TEST(networks_that_llama_cpp_lacks) {
    static const char *const names[] = {"llama-yarn",     "llama-tags",    "qwen2-window", "qwen2-cls",
                                        "mistral-window", "gemma3-nested", "smollm3-tiny", "qwen3-shards"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        size_t len = 0;
        llmcs_model *m;
        snprintf(path, sizeof path, GOLDEN_FOLDER "%s", names[i]);
        llmcs_quantize_params p;
        llmcs_quantize_params_init(&p);
        ck_assert_int_eq(llmcs_quantize(path, file, &p), LLMCS_OK);
        char *data = edit_read(file, &len);
        static const char architecture[] = "general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0llmcs";
        bool found = false;
        for (size_t k = 0; k + sizeof architecture < len && !found; k++)
            found = !memcmp(data + k, architecture, sizeof architecture - 1);
        free(data);
        ck_assert_msg(found, "%s", names[i]);
        hide_own_keys(); /* and without our keys nobody opens it */
        ck_assert_int_eq(llmcs_model_open(file, NULL, &m), LLMCS_UNSUPPORTED);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------- tokenizers of SentencePiece's
 * kinds */

/* A folder of Llama's with `vocab` rows. */
static void write_rows(uint64_t vocab) {
    static const char *const tables[] = {"model.embed_tokens.weight", "lm_head.weight"};
    char text[32];
    uint64_t seed = 5, shape[2] = {vocab, 28};
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "llama-parameters");
    float *table = temp_alloc(vocab * 28 * sizeof *table);
    for (size_t i = 0; i < 2; i++) {
        random_fill(&seed, 0.1f, table, vocab * 28);
        checkpoint_remove(c, tables[i]);
        checkpoint_add_f32(c, tables[i], 2, shape, table);
    }
    free(table);
    snprintf(text, sizeof text, "%llu", (unsigned long long)vocab);
    checkpoint_set(c, "vocab_size", text);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
}

static void copy_files(const char *from) {
    static const char *const names[] = {"tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "tokenizer.json",
                                        "tokenizer_config.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[200];
        size_t len = 0;
        snprintf(path, sizeof path, "tests/data/sentencepiece/%s/%s", from, names[i]);
        char *data = edit_read(path, &len);
        if (data) temp_write(folder, names[i], data, len);
        free(data);
    }
}

static void with_tokenizer(void) {
    write_rows(4000);
    quantize();
    same_tokens(file, folder);
    llmcs_model *m = open_model_kept(file, 1, LLMCS_WEIGHTS_F32, LLMCS_KV_AUTO);
    ck_assert_ptr_nonnull(llmcs_model_tokenizer(m));
    llmcs_model_free(&m);
}

static const char *const SENTENCEPIECE[] = {"llama",  "llama-first", "gemma",    "xlm-roberta",   "t5",
                                            "albert", "camembert",   "t5-first", "unigram-bytes", "mbart50"};

START_TEST(tokenizers_of_folders_are_written) {
    copy_files(SENTENCEPIECE[_i]);
    with_tokenizer();
}
END_TEST

/* BPE over characters: the merges come back, and as scores for llama.cpp they give the same tokens. */
START_TEST(merges_over_characters_are_written) {
    temp_write_text(
        folder, "tokenizer.json",
        "{\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true}],"
        "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]},"
        "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":"
        "\"\xe2\x96\x81\"},"
        "\"content\":\" \"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"
        "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"vocab\":{\"<unk>\":0,\"<s>\":1,"
        "\"\xe2\x96\x81\":2,\"h\":3,\"e\":4,\"l\":5,\"o\":6,\"he\":7,\"ll\":8,\"hell\":9,\"\xe2\x96\x81hell\":10,\"!\":"
        "11,"
        "\"lo\":12,\"!!\":13},\"merges\":[\"l o\",\"h e\",\"l l\",\"he ll\",\"\xe2\x96\x81 hell\",\"! !\"]}}");
    with_tokenizer();
    hide_own_keys();
    same_tokens(file, folder);
}
END_TEST

/* Scores that float32 would round come back as they are. */
START_TEST(scores_keep_their_bits) {
    temp_write_text(
        folder, "tokenizer.json",
        "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"always\"},"
        "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"\xe2\x96\x81\",-1],[\"a\",-1."
        "0000000001],"
        "[\"b\",-1],[\"ab\",-2.00000000005],[\"!\",-3],[\"!!\",-6.0000000001],[\"!!!\",-9]]}}");
    with_tokenizer();
}
END_TEST

/* --------------------------------------------------------------------------------------------------- hostile files */

/* Where the value of a key begins in the file. */
static char *value_of(char *data, size_t len, const char *key) {
    const size_t n = strlen(key);
    for (size_t i = 0; i + n < len; i++)
        if (!memcmp(data + i, key, n)) return data + i + n + 4;
    ck_abort_msg("no key %s", key);
    return NULL;
}

static void refused(const char *what, llmcs_status expected, const char *needle) {
    fail_alloc f;
    llmcs_model_options o;
    llmcs_model *m = NULL;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_model_options_init(&o);
    o.allocator = &a;
    o.n_threads = 1;
    const llmcs_status st = llmcs_model_open(file, &o, &m);
    ck_assert_msg(st == expected, "%s: %s (%s), expected %s", what, llmcs_status_name(st),
                  st ? llmcs_error_message() : "", llmcs_status_name(expected));
    ck_assert_msg(strstr(llmcs_error_message(), needle) != NULL, "%s: %s", what, llmcs_error_message());
    ck_assert_int_eq(f.live, 0);
}

typedef union number {
    uint32_t u;
    float f;
} number;

START_TEST(keys_that_lie) {
    static const struct {
        const char *key;
        number value;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"llama.attention.head_count", {.u = 3}, LLMCS_CONFIG, "is not a multiple of attention.head_count_kv"},
        {"llama.attention.head_count", {.u = 4}, LLMCS_CONFIG, "q_proj.weight"},
        {"llama.attention.head_count", {.u = 0}, LLMCS_CONFIG, "llama.attention.head_count"},
        {"llama.attention.head_count_kv", {.u = 0}, LLMCS_CONFIG, "llama.attention.head_count_kv"},
        {"llama.attention.head_count_kv", {.u = 4}, LLMCS_CONFIG, "is not a multiple of attention.head_count_kv"},
        {"llama.attention.key_length", {.u = 9}, LLMCS_UNSUPPORTED, "llama.attention.value_length"},
        {"llama.attention.value_length", {.u = 12}, LLMCS_UNSUPPORTED, "llama.attention.value_length"},
        {"llama.attention.key_length", {.u = 1u << 31}, LLMCS_CONFIG, "llama.attention.key_length"},
        {"llama.rope.dimension_count", {.u = 8}, LLMCS_UNSUPPORTED, "rotated whole"},
        {"llama.rope.dimension_count", {.u = 0}, LLMCS_CONFIG, "llama.rope.dimension_count"},
        {"llama.rope.freq_base", {.f = 0}, LLMCS_CONFIG, "llama.rope.freq_base"},
        {"llama.rope.freq_base", {.f = -10000}, LLMCS_CONFIG, "llama.rope.freq_base"},
        {"llama.rope.freq_base", {.f = NAN}, LLMCS_CONFIG, "llama.rope.freq_base"},
        {"llama.rope.freq_base", {.f = INFINITY}, LLMCS_CONFIG, "llama.rope.freq_base"},
        {"llama.attention.layer_norm_rms_epsilon", {.f = 0}, LLMCS_CONFIG, "layer_norm_rms_epsilon"},
        {"llama.attention.layer_norm_rms_epsilon", {.f = NAN}, LLMCS_CONFIG, "layer_norm_rms_epsilon"},
        {"llama.context_length", {.u = 0}, LLMCS_CONFIG, "llama.context_length"},
        {"llama.block_count", {.u = 3}, LLMCS_FORMAT, "layers.2."},
    };
    size_t len;
    char *good = edit_read(GGUF_FOLDER "llama.gguf", &len);
    ck_assert_ptr_nonnull(good);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *data = temp_alloc(len);
        memcpy(data, good, len);
        memcpy(value_of(data, len, cases[i].key), &cases[i].value, 4);
        temp_write(folder, "x.gguf", data, len);
        refused(cases[i].key, cases[i].status, cases[i].needle);
        free(data);
    }
    /* heads of odd width: all three keys say so */
    static const char *const widths[] = {"llama.attention.key_length", "llama.attention.value_length",
                                         "llama.rope.dimension_count"};
    const uint32_t odd = 9;
    for (size_t k = 0; k < 3; k++) memcpy(value_of(good, len, widths[k]), &odd, 4);
    temp_write(folder, "x.gguf", good, len);
    refused("odd heads", LLMCS_CONFIG, "odd");
    free(good);
}
END_TEST

/* The factors are the first tensor of llama.gguf: 5 numbers, in 32 bytes. */
START_TEST(factors_that_lie) {
    static const float bad[] = {0, -1, 1e-9f, 1e9f};
    size_t len;
    char *good = edit_read(GGUF_FOLDER "llama.gguf", &len);
    ck_assert_ptr_nonnull(good);
    char *dims = value_of(good, len, "rope_freqs.weight"); /* behind the number of dimensions */
    uint64_t n;
    memcpy(&n, dims, 8);
    ck_assert_uint_eq(n, 5);
    for (n = 4; n < 9; n++) {
        memcpy(dims, &n, 8);
        temp_write(folder, "x.gguf", good, len);
        if (n != 5) refused("length", LLMCS_CONFIG, "rope_freqs.weight");
    }
    n = 5;
    memcpy(dims, &n, 8);
    size_t data = len;
    for (size_t i = 0; i + 20 < len && data == len; i += 4) { /* more than 1, then 8 to the end */
        float f[5];
        memcpy(f, good + i, sizeof f);
        if (f[0] > 1 && f[0] < 8 && f[3] >= 8 && f[3] <= 8 && f[4] >= 8 && f[4] <= 8) data = i;
    }
    ck_assert_uint_lt(data, len);
    for (size_t i = 0; i < sizeof bad / sizeof *bad + 2; i++) {
        const float f = i < sizeof bad / sizeof *bad ? bad[i] : i % 2 ? NAN : INFINITY;
        memcpy(good + data + 8, &f, sizeof f);
        temp_write(folder, "x.gguf", good, len);
        refused("factor", LLMCS_FORMAT, "rope_freqs.weight");
        if (i < 4) ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "element 2"));
    }
    free(good);
}
END_TEST

/* Texts of the same length in the place of others. */
START_TEST(scalings_that_are_not_known) {
    static const struct {
        const char *from, *to, *needle;
        llmcs_status status;
    } cases[] = {{"linear", "linaer", "only none, linear and yarn", LLMCS_UNSUPPORTED},
                 {"gemma3.rope.freq_base\x06", "gemma3.expert_count_\x06", "", LLMCS_OK},
                 {"gemma3.attention.head_count\x04", "gemma3.attention.head_cuont\x04", "head_count\" is missing",
                  LLMCS_CONFIG}};
    size_t len;
    char *good = edit_read(GGUF_FOLDER "gemma3.gguf", &len);
    ck_assert_ptr_nonnull(good);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *data = temp_alloc(len);
        memcpy(data, good, len);
        memcpy(value_of(data, len, cases[i].from) - 4 - strlen(cases[i].from), cases[i].to, strlen(cases[i].to));
        temp_write(folder, "x.gguf", data, len);
        free(data);
        if (cases[i].status) refused(cases[i].to, cases[i].status, cases[i].needle);
    }
    const number many = {.u = 7}, half = {.f = 0.5f};
    char *data = temp_alloc(len);
    memcpy(data, good, len);
    memcpy(value_of(data, len, "gemma3.rope.scaling.factor"), &half, 4);
    temp_write(folder, "x.gguf", data, len);
    refused("factor", LLMCS_CONFIG, "gemma3.rope.scaling.factor");
    memcpy(data, good, len);
    memcpy(value_of(data, len, "gemma3.attention.sliding_window_pattern") + 4, &many, 4); /* the length of the list */
    temp_write(folder, "x.gguf", data, len);
    ck_assert_int_ne(llmcs_model_open(file, NULL, &(llmcs_model *){NULL}), LLMCS_OK);
    free(data);
    free(good);
}
END_TEST

/* Bytes of the headers of llama.cpp's files changed: another model, or a status and a message, and nothing left. */
START_TEST(damaged_headers) {
    static const char *const names[] = {"llama.gguf", "gemma3.gguf"};
    uint64_t seed = 20261129;
    printf("runtime/gguf_decoders: seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 200; i++) {
        char path[64];
        size_t len;
        snprintf(path, sizeof path, GGUF_FOLDER "%s", names[i % 2]);
        char *data = edit_read(path, &len);
        ck_assert_ptr_nonnull(data);
        for (size_t k = random_below(&seed, 4) + 1; k > 0; k--)
            data[random_below(&seed, 4500)] = (char)random_next(&seed);
        temp_write(folder, "x.gguf", data, len);
        free(data);
        fail_alloc f;
        llmcs_model_options o;
        llmcs_model *m;
        fail_alloc_init(&f);
        llmcs_allocator a = fail_alloc_get(&f);
        llmcs_model_options_init(&o);
        o.allocator = &a;
        o.n_threads = 1;
        const llmcs_status st = llmcs_model_open(file, &o, &m);
        ck_assert_msg(st != LLMCS_INTERNAL && st != LLMCS_ARG && (!st || llmcs_error_message()[0]), "%s",
                      llmcs_status_name(st));
        llmcs_model_free(&m);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

/* Every allocation of writing and of opening fails once. */
START_TEST(no_memory) {
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "llama-parameters");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    for (int which = 0; which < 2; which++)
        for (long n = 0;; n++) {
            fail_alloc f;
            llmcs_quantize_params p;
            llmcs_model_options o;
            llmcs_model *m = NULL;
            fail_alloc_init(&f);
            f.fail_at = n;
            llmcs_allocator a = fail_alloc_get(&f);
            llmcs_quantize_params_init(&p);
            llmcs_model_options_init(&o);
            o.n_threads = 1;
            p.allocator = o.allocator = &a;
            const llmcs_status st =
                which ? llmcs_model_open(GGUF_FOLDER "llama.gguf", &o, &m) : llmcs_quantize(folder, file, &p);
            llmcs_model_free(&m);
            ck_assert_int_eq(f.live, 0);
            if (f.calls <= n) {
                ck_assert_int_eq(st, LLMCS_OK);
                ck_assert_int_gt(n, 20);
                break;
            }
            ck_assert_int_eq(st, LLMCS_NOMEM);
        }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, files_of_llama_cpps_writer);
    tcase_add_test(t, tokenizers_of_llama_cpps_writer);
    tcase_add_loop_test(t, the_same_bits_with_and_without_our_keys, 0, N_VARIANTS);
    tcase_add_test(t, llama3_scaling_is_a_tensor);
    tcase_add_test(t, layers_with_a_window_by_a_list);
    tcase_add_test(t, networks_that_llama_cpp_lacks);
    tcase_add_loop_test(t, tokenizers_of_folders_are_written, 0, sizeof SENTENCEPIECE / sizeof *SENTENCEPIECE);
    tcase_add_test(t, merges_over_characters_are_written);
    tcase_add_test(t, scores_keep_their_bits);
    tcase_add_test(t, keys_that_lie);
    tcase_add_test(t, factors_that_lie);
    tcase_add_test(t, scalings_that_are_not_known);
    tcase_add_test(t, damaged_headers);
    tcase_add_test(t, no_memory);
}

SUITE_MAIN("runtime/gguf_decoders", add)
