/* llmcs_quantize and the files it writes: what comes back is what the folder was, read by us or by llama.cpp; what
 * cannot be written leaves nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

static char out_folder[TEMP_PATH_BYTES], file[TEMP_PATH_BYTES + 16];

static void set_up(void) {
    temp_folder(out_folder);
    snprintf(file, sizeof file, "%s/x.gguf", out_folder);
}

static void tear_down(void) { temp_remove(out_folder); }

static llmcs_status quantize(const char *folder, llmcs_gguf_type type) {
    llmcs_quantize_params p;
    llmcs_quantize_params_init(&p);
    p.type = type;
    return llmcs_quantize(folder, file, &p);
}

static llmcs_model *open_with(const char *path, llmcs_weights weights) {
    llmcs_model_options o;
    llmcs_model *m = NULL;
    llmcs_model_options_init(&o);
    o.n_threads = 1;
    o.weights = weights;
    ck_assert_msg(!llmcs_model_open(path, &o, &m), "%s", llmcs_error_message());
    return m;
}

/* ------------------------------------------------------------------------------------- what two models compute */

#define N_IDS 11
#define MOST (N_IDS * 512)

typedef struct outputs {
    float logits[MOST], hidden[MOST], pooled[512];
    size_t n_logits;
} outputs;

static outputs first, second;

static void compute(llmcs_model *m, outputs *o) {
    llmcs_model_info info = {.struct_size = sizeof info};
    int32_t ids[N_IDS], types[N_IDS];
    memset(o, 0, sizeof *o);
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_int_le(info.vocab_size, 512);
    for (int i = 0; i < N_IDS; i++) {
        ids[i] = (i * 37 + 5) % info.vocab_size;
        types[i] = i > 6 && strcmp(info.model_type, "bert") == 0;
    }
    if (info.heads & LLMCS_HEAD_CAUSAL_LM) {
        llmcs_session *s = open_session(m);
        const float *logits;
        size_t n_rows;
        ck_assert_int_eq(llmcs_session_eval(s, ids, N_IDS, LLMCS_LOGITS_ALL), LLMCS_OK);
        ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
        o->n_logits = n_rows * (size_t)info.vocab_size;
        memcpy(o->logits, logits, o->n_logits * sizeof *logits);
        llmcs_session_free(&s);
        return;
    }
    llmcs_encoder_outputs e = {.struct_size = sizeof e, .hidden = o->hidden};
    size_t length = N_IDS;
    if (info.heads & LLMCS_HEAD_POOLER) e.pooled = o->pooled;
    if (info.heads & (LLMCS_HEAD_CLASSIFICATION | LLMCS_HEAD_MASKED_LM)) e.logits = o->logits;
    o->n_logits = info.heads & LLMCS_HEAD_MASKED_LM ? N_IDS * (size_t)info.vocab_size : (size_t)info.n_labels;
    ck_assert_msg(!llmcs_encoder_eval(m, ids, types, &length, 1, &e), "%s", llmcs_error_message());
}

static void same_info(llmcs_model *a, llmcs_model *b, bool with_sizes) {
    llmcs_model_info x = {.struct_size = sizeof x}, y = {.struct_size = sizeof y};
    ck_assert(!llmcs_model_get_info(a, &x) && !llmcs_model_get_info(b, &y));
    ck_assert_str_eq(x.model_type, y.model_type);
    ck_assert_str_eq(x.architecture, y.architecture);
    ck_assert_uint_eq(x.heads, y.heads);
    ck_assert_int_eq(x.vocab_size, y.vocab_size);
    ck_assert_int_eq(x.n_ctx, y.n_ctx);
    ck_assert_int_eq(x.n_labels, y.n_labels);
    ck_assert_int_eq(x.bos_token_id, y.bos_token_id);
    ck_assert_int_eq(x.eos_token_id, y.eos_token_id);
    ck_assert_int_eq(x.pad_token_id, y.pad_token_id);
    for (int32_t i = 0; i < x.n_labels; i++) ck_assert_str_eq(llmcs_model_label(a, i), llmcs_model_label(b, i));
    /* RoBERTa's unused positions are not in the file. */
    if (with_sizes && strcmp(x.model_type, "roberta") != 0) ck_assert_uint_eq(x.n_parameters, y.n_parameters);
}

static void same_bits(const char *folder, llmcs_weights weights, const char *what) {
    llmcs_model *a = open_with(folder, weights), *b = open_with(file, weights);
    same_info(a, b, true);
    compute(a, &first);
    compute(b, &second);
    ck_assert_msg(memcmp(&first, &second, sizeof first) == 0, "%s: other numbers", what);
    llmcs_model_free(&a);
    llmcs_model_free(&b);
}

/* ------------------------------------------------------------------------------------------------- round trips */

/* LSTMs and encoder-decoders, whatever their heads, are refused by the name of their model_type. */
static bool is_refused(const char *folder) {
    static const char *const types[] = {"lstm-", "bart-", "mbart-", "marian-", "t5-", "mt5-"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strncmp(folder, types[i], strlen(types[i]))) return true;
    return false;
}

START_TEST(every_checkpoint_as_float32) {
    for (size_t i = 0; golden_names[i]; i++) {
        char folder[128];
        snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", golden_names[i]);
        const bool refused = is_refused(golden_names[i]);
        ck_assert_msg(quantize(folder, LLMCS_GGUF_F32) == (refused ? LLMCS_UNSUPPORTED : LLMCS_OK), "%s",
                      llmcs_error_message());
        if (!refused) same_bits(folder, LLMCS_WEIGHTS_F32, golden_names[i]);
    }
}
END_TEST

START_TEST(halves_as_they_were_stored) {
    ck_assert_int_eq(quantize(GOLDEN_FOLDER "gpt2-bf16", LLMCS_GGUF_BF16), LLMCS_OK);
    same_bits(GOLDEN_FOLDER "gpt2-bf16", LLMCS_WEIGHTS_AUTO, "bf16");
    ck_assert_int_eq(quantize(GOLDEN_FOLDER "gpt2-f16", LLMCS_GGUF_F16), LLMCS_OK);
    same_bits(GOLDEN_FOLDER "gpt2-f16", LLMCS_WEIGHTS_AUTO, "f16");
}
END_TEST

/* Root of the mean square of the difference, as a share of the numbers' own. */
static double distance(const float *a, const float *b, size_t n) {
    double d = 0, s = 1e-30;
    for (size_t i = 0; i < n; i++) {
        d += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        s += (double)a[i] * (double)a[i];
    }
    return sqrt(d / s);
}

START_TEST(eight_and_four_bits_are_near) {
    static const char *const names[] = {"gpt2-tiny", "gpt2-untied", "bert-cls", "bert-embed", "roberta-cls"};
    static const struct {
        llmcs_gguf_type type;
        double bound;
    } types[] = {{LLMCS_GGUF_F16, 2e-3}, {LLMCS_GGUF_BF16, 1.5e-2}, {LLMCS_GGUF_Q8_0, 2e-2}, {LLMCS_GGUF_Q4_0, 0.5}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            char folder[128];
            snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", names[i]);
            ck_assert_int_eq(quantize(folder, types[k].type), LLMCS_OK);
            llmcs_model *a = open_with(folder, LLMCS_WEIGHTS_F32), *b = open_with(file, LLMCS_WEIGHTS_F32);
            compute(a, &first);
            compute(b, &second);
            bool decoder = first.n_logits > 50;
            double d = decoder ? distance(first.logits, second.logits, first.n_logits)
                               : distance(first.hidden, second.hidden, MOST);
            ck_assert_msg(d < types[k].bound, "%s, type %d: %g", names[i], (int)types[k].type, d);
            ck_assert_msg(d > 0, "%s, type %d: nothing was rounded", names[i], (int)types[k].type);
            llmcs_model_free(&a);
            llmcs_model_free(&b);
        }
}
END_TEST

START_TEST(sizes_of_the_types) {
    static const llmcs_gguf_type types[] = {LLMCS_GGUF_F32, LLMCS_GGUF_F16, LLMCS_GGUF_Q8_0, LLMCS_GGUF_Q4_0};
    off_t last = INT32_MAX;
    for (size_t i = 0; i < 4; i++) {
        struct stat st;
        ck_assert_int_eq(quantize(GOLDEN_FOLDER "bert-embed", types[i]), LLMCS_OK);
        ck_assert_int_eq(stat(file, &st), 0);
        ck_assert_int_lt(st.st_size, last);
        last = st.st_size;
    }
}
END_TEST

typedef struct told {
    char lines[2000];
} told;

static void remember(void *user, llmcs_log_level level, const char *message) {
    told *t = user;
    if (level < LLMCS_LOG_WARN) return;
    strncat(t->lines, message, sizeof t->lines - strlen(t->lines) - 2);
    strcat(t->lines, "\n");
}

static const char *log_of(const char *folder, llmcs_gguf_type type) {
    static told t;
    llmcs_quantize_params p;
    t.lines[0] = 0;
    llmcs_quantize_params_init(&p);
    p.type = type;
    p.log = remember;
    p.log_user = &t;
    ck_assert_int_eq(llmcs_quantize(folder, file, &p), LLMCS_OK);
    return t.lines;
}

START_TEST(what_the_log_says) {
    ck_assert_str_eq(log_of(GOLDEN_FOLDER "gpt2-tiny", LLMCS_GGUF_F16), "");
    ck_assert_ptr_nonnull(strstr(log_of(GOLDEN_FOLDER "gpt2-odd-head", LLMCS_GGUF_Q8_0), "float16")); /* 60 wide */
    ck_assert_ptr_nonnull(strstr(log_of(GOLDEN_FOLDER "bert-mlm", LLMCS_GGUF_F32), "llama.cpp"));
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint_set(c, "activation_function", "\"relu\"");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    ck_assert_ptr_nonnull(strstr(log_of(folder, LLMCS_GGUF_F32), "activation"));
    same_bits(folder, LLMCS_WEIGHTS_F32, "relu");
    temp_remove(folder);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- tokenizers */

/* Both must make the same of a text, with offsets, and back. */
static void same_tokens(const llmcs_tokenizer *a, const llmcs_tokenizer *b, const char *text, size_t len) {
    enum { N = 4096 };
    static int32_t x[N], y[N];
    static llmcs_span sx[N], sy[N];
    static char tx[8 * N], ty[8 * N];
    size_t nx, ny;
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    for (uint32_t flags = 0; flags < 4; flags++) {
        p.flags = flags;
        ck_assert_int_eq(llmcs_encode(a, text, len, NULL, 0, &p, x, NULL, sx, N, &nx), LLMCS_OK);
        ck_assert_int_eq(llmcs_encode(b, text, len, NULL, 0, &p, y, NULL, sy, N, &ny), LLMCS_OK);
        ck_assert_msg(nx == ny && !memcmp(x, y, nx * sizeof *x), "\"%.*s\"", (int)len, text);
        ck_assert(!memcmp(sx, sy, nx * sizeof *sx));
        for (uint32_t skip = 0; skip < 2; skip++) {
            size_t n, k;
            ck_assert_int_eq(llmcs_decode(a, x, nx, skip, tx, sizeof tx, &n), LLMCS_OK);
            ck_assert_int_eq(llmcs_decode(b, x, nx, skip, ty, sizeof ty, &k), LLMCS_OK);
            ck_assert(n == k && !memcmp(tx, ty, n));
        }
    }
    ck_assert_int_eq(llmcs_encode(a, text, len, text, len, NULL, x, NULL, NULL, N, &nx), LLMCS_OK);
    ck_assert_int_eq(llmcs_encode(b, text, len, text, len, NULL, y, NULL, NULL, N, &ny), LLMCS_OK);
    ck_assert(nx == ny && !memcmp(x, y, nx * sizeof *x));
}

static void same_tokenizers(const llmcs_tokenizer *a, const llmcs_tokenizer *b) {
    static const char *const texts[] = {"",
                                        " ",
                                        "Hello, World! don't  stop\n\n",
                                        "shopping the BAD good.",
                                        "caf\xc3\xa9 \xe4\xbd\xa0\xe5\xa5\xbd",
                                        "<|endoftext|>[CLS] [MASK]<mask> [NEW] [x] a[x]b",
                                        "hehelhel 12345 \xf0\x9f\x98\x80"};
    ck_assert_uint_eq(llmcs_tokenizer_n_vocab(a), llmcs_tokenizer_n_vocab(b));
    for (size_t id = 0; id < llmcs_tokenizer_n_vocab(a); id++) {
        size_t n, k;
        const char *x = llmcs_id_to_token(a, (int32_t)id, &n), *y = llmcs_id_to_token(b, (int32_t)id, &k);
        ck_assert_msg(!x == !y && n == k && (!x || !memcmp(x, y, n)), "token %zu: \"%.*s\" and \"%.*s\"", id, (int)n,
                      x ? x : "", (int)k, y ? y : "");
    }
    for (int role = 0; role <= (int)LLMCS_SPECIAL_MASK; role++)
        ck_assert_int_eq(llmcs_special_token(a, (llmcs_special)role), llmcs_special_token(b, (llmcs_special)role));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) same_tokens(a, b, texts[i], strlen(texts[i]));
    size_t len;
    char *corpus = edit_read("tests/data/tokenizers/corpus.txt", &len);
    ck_assert_ptr_nonnull(corpus);
    for (size_t at = 0; at < len && at < 20000; at += 700)
        same_tokens(a, b, corpus + at, len - at < 700 ? len - at : 700);
    free(corpus);
}

/* The model of the folder and of its file have the same tokenizer, and so has the file opened for that alone. */
static void same_text(const char *folder) {
    ck_assert_msg(!quantize(folder, LLMCS_GGUF_Q8_0), "%s", llmcs_error_message());
    llmcs_model *a = open_with(folder, LLMCS_WEIGHTS_F32), *b = open_with(file, LLMCS_WEIGHTS_F32);
    llmcs_tokenizer *alone;
    same_info(a, b, true);
    same_tokenizers(llmcs_model_tokenizer(a), llmcs_model_tokenizer(b));
    ck_assert_int_eq(llmcs_tokenizer_open(file, NULL, &alone), LLMCS_OK);
    same_tokenizers(llmcs_model_tokenizer(a), alone);
    llmcs_tokenizer_free(&alone);
    llmcs_model_free(&a);
    llmcs_model_free(&b);
}

START_TEST(tokenizer_json) {
    same_text("examples/models/shop-gpt2");
    same_text("examples/models/review-bert");
}
END_TEST

START_TEST(older_files) {
    char folder[TEMP_PATH_BYTES];
    text_gpt2_folder(folder);
    same_text(folder);
    temp_remove(folder);
    text_bert_folder("bert-cls", folder);
    same_text(folder);
    /* A token that llama.cpp's form cannot hold, one that occurs twice, and tokens that are only added. */
    FILE *f = fopen(temp_path(folder, "vocab.txt"), "a");
    ck_assert_ptr_nonnull(f);
    fputs("##[x]\nshop\n##\xe2\x96\x81z\n", f);
    fclose(f);
    temp_write_text(folder, "added_tokens.json", "{\"[NEW]\": 70, \"word\": 75}");
    temp_write_text(folder, "tokenizer_config.json", "{\"do_lower_case\": false, \"model_max_length\": 33}");
    same_text(folder);
    temp_remove(folder);
}
END_TEST

/* Tokens whose ids the network has no rows for: added ones come back from the folder's files, others cannot. */
START_TEST(ids_beyond_the_rows) {
    char folder[TEMP_PATH_BYTES];
    text_bert_folder("bert-cls", folder); /* 211 rows */
    temp_write_text(folder, "added_tokens.json", "{\"<far>\": 300, \"<farther>\": 301}");
    temp_write_text(folder, "special_tokens_map.json", "{\"pad_token\": \"<far>\"}");
    same_text(folder);
    temp_remove(folder);
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny"); /* 257 rows */
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_gpt2_vocabulary(folder); /* ids to 258 */
    ck_assert_int_eq(quantize(folder, LLMCS_GGUF_F32), LLMCS_UNSUPPORTED);
    ck_assert_msg(strstr(llmcs_error_message(), "257") != NULL, "%s", llmcs_error_message());
    temp_remove(folder);
}
END_TEST

/* A tokenizer.json of each kind over weights that fit it. */
START_TEST(tiny_tokenizers) {
    static const struct {
        const char *tokenizer, *checkpoint, *table;
    } cases[] = {{"tiny-gpt2", "gpt2-tiny", "transformer.wte.weight"},
                 {"tiny-roberta", "roberta-cls", "roberta.embeddings.word_embeddings.weight"},
                 {"tiny-bert-cased", "bert-cls", "bert.embeddings.word_embeddings.weight"},
                 {"tiny-bert-uncased", "distilbert-cls", "distilbert.embeddings.word_embeddings.weight"}};
    static const char *const files[] = {"tokenizer.json", "tokenizer_config.json"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[TEMP_PATH_BYTES], path[200];
        temp_folder(folder);
        snprintf(path, sizeof path, GOLDEN_FOLDER "%s", cases[i].checkpoint);
        checkpoint *c = checkpoint_read(path);
        uint64_t shape[2] = {4000, checkpoint_find(c, cases[i].table)->shape[1]}, seed = 3;
        float *table = temp_alloc(shape[0] * shape[1] * sizeof *table);
        random_fill(&seed, 0.1f, table, shape[0] * shape[1]);
        checkpoint_remove(c, cases[i].table);
        checkpoint_add_f32(c, cases[i].table, 2, shape, table);
        checkpoint_set(c, "vocab_size", "4000");
        checkpoint_write(c, folder, 1);
        checkpoint_free(c);
        free(table);
        for (size_t k = 0; k < 2; k++) {
            size_t len = 0;
            snprintf(path, sizeof path, "tests/data/tokenizers/%s/%s", cases[i].tokenizer, files[k]);
            char *text = edit_read(path, &len);
            temp_write(folder, files[k], text, len);
            free(text);
        }
        same_text(folder);
        temp_remove(folder);
    }
}
END_TEST

/* ------------------------------------------------------------------ as llama.cpp's converter writes: no keys of ours
 */

/* Renames our own keys in place, so that nobody knows them. */
static void hide_own_keys(void) {
    size_t len;
    char *data = edit_read(file, &len);
    ck_assert_ptr_nonnull(data);
    size_t n = 0;
    for (size_t i = 0; i + 6 < len; i++)
        if (!memcmp(data + i, "llmcs.", 6)) n++, memcpy(data + i, "other.", 6);
    ck_assert_uint_ge(n, 3);
    temp_write(out_folder, "x.gguf", data, len);
    free(data);
}

static void standard_keys_alone(const char *folder, bool labels) {
    ck_assert_msg(!quantize(folder, LLMCS_GGUF_F32), "%s", llmcs_error_message());
    hide_own_keys();
    llmcs_model *a = open_with(folder, LLMCS_WEIGHTS_F32), *b = open_with(file, LLMCS_WEIGHTS_F32);
    llmcs_model_info x = {.struct_size = sizeof x}, y = {.struct_size = sizeof y};
    ck_assert(!llmcs_model_get_info(a, &x) && !llmcs_model_get_info(b, &y));
    ck_assert_uint_eq(x.heads, y.heads);
    ck_assert_int_eq(x.n_ctx, y.n_ctx);
    if (labels)
        for (int32_t i = 0; i < x.n_labels; i++) ck_assert_str_eq(llmcs_model_label(a, i), llmcs_model_label(b, i));
    if (x.vocab_size <= 512) {
        compute(a, &first);
        compute(b, &second);
        ck_assert_msg(memcmp(&first, &second, sizeof first) == 0, "%s: other numbers", folder);
    }
    if (llmcs_model_tokenizer(a)) same_tokenizers(llmcs_model_tokenizer(a), llmcs_model_tokenizer(b));
    llmcs_model_free(&a);
    llmcs_model_free(&b);
}

START_TEST(without_keys_of_our_own) {
    standard_keys_alone(GOLDEN_FOLDER "gpt2-tiny", false);
    standard_keys_alone(GOLDEN_FOLDER "gpt2-untied", false);
    standard_keys_alone(GOLDEN_FOLDER "bert-embed", false);
    standard_keys_alone(GOLDEN_FOLDER "bert-cls", true);
    standard_keys_alone("examples/models/shop-gpt2", false);
    standard_keys_alone("examples/models/review-bert", true);
}
END_TEST

/* --------------------------------------------------------------------------------------- sentence-transformers */

START_TEST(sentence_transformers) {
    static const char *const modules[] = {"", "0_Transformer"};
    for (size_t i = 0; i < 2; i++) {
        char folder[TEMP_PATH_BYTES], path[2 * TEMP_PATH_BYTES], text[400];
        float x[64], y[64];
        llmcs_text t = {.text = "good shopping", .text_bytes = LLMCS_NUL};
        text_bert_folder("bert-embed", folder);
        if (i) { /* network and tokenizer into a folder of their own */
            static const char *const files[] = {"config.json", "model.safetensors", "vocab.txt"};
            ck_assert_int_eq(mkdir(temp_path(folder, modules[i]), 0700), 0);
            for (size_t k = 0; k < 3; k++) {
                snprintf(path, sizeof path, "%s/%s/%s", folder, modules[i], files[k]);
                ck_assert_int_eq(rename(temp_path(folder, files[k]), path), 0);
            }
        }
        snprintf(text, sizeof text,
                 "[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"%s\"},{\"type\":\"sentence_"
                 "transformers.models.Pooling\",\"path\":\"1_Pooling\"}]",
                 modules[i]);
        temp_write_text(folder, "modules.json", text);
        ck_assert_int_eq(mkdir(temp_path(folder, "1_Pooling"), 0700), 0);
        snprintf(path, sizeof path, "%s/1_Pooling", folder);
        temp_write_text(path, "config.json", "{\"pooling_mode\": \"cls\"}");
        ck_assert_msg(!quantize(folder, LLMCS_GGUF_F32), "%s", llmcs_error_message());
        llmcs_model *a = open_with(folder, LLMCS_WEIGHTS_F32), *b = open_with(file, LLMCS_WEIGHTS_F32);
        ck_assert_int_eq(llmcs_embed(a, &t, 1, NULL, x, NULL), LLMCS_OK);
        ck_assert_int_eq(llmcs_embed(b, &t, 1, NULL, y, NULL), LLMCS_OK);
        ck_assert(memcmp(x, y, sizeof x) == 0);
        llmcs_model_free(&b);
        hide_own_keys(); /* bert.pooling_type says it, too; normalised, as llama.cpp does */
        b = open_with(file, LLMCS_WEIGHTS_F32);
        ck_assert_int_eq(embed_pooled(a, &t, 1, LLMCS_POOL_CLS, LLMCS_NORMALIZE_L2, NULL, x, NULL), LLMCS_OK);
        ck_assert_int_eq(llmcs_embed(b, &t, 1, NULL, y, NULL), LLMCS_OK);
        ck_assert(memcmp(x, y, sizeof x) == 0);
        llmcs_model_free(&a);
        llmcs_model_free(&b);
        temp_remove(folder);
    }
}
END_TEST

/* A RoBERTa encoder with the pooler that it was trained with, as bge-m3 and multilingual-e5 have it; with or without
 * modules.json. */
static void pooler_folder(char folder[TEMP_PATH_BYTES], bool modules) {
    char path[2 * TEMP_PATH_BYTES];
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "roberta-cls");
    temp_folder(folder);
    for (size_t i = c->n_tensors; i-- > 0;)
        if (!strncmp(c->tensors[i].name, "classifier", 10)) checkpoint_remove(c, c->tensors[i].name);
    checkpoint_set(c, "architectures", "[\"RobertaModel\"]");
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    if (!modules) return;
    temp_write_text(folder, "modules.json",
                    "[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"\"},"
                    "{\"type\":\"sentence_transformers.models.Pooling\",\"path\":\"1_Pooling\"}]");
    ck_assert_int_eq(mkdir(temp_path(folder, "1_Pooling"), 0700), 0);
    snprintf(path, sizeof path, "%s/1_Pooling", folder);
    temp_write_text(path, "config.json", "{\"pooling_mode\": \"mean\"}");
}

/* llama.cpp knows no pooler of RoBERTa: a file with one cannot be opened there. */
START_TEST(a_pooler_is_written_where_it_is_used) {
    for (int i = 0; i < 2; i++) {
        const bool modules = i == 1;
        char folder[TEMP_PATH_BYTES];
        const int32_t ids[] = {0, 7, 9, 11, 2};
        const size_t n = 5;
        static float x[5 * 512], y[5 * 512];
        llmcs_encoder_outputs o = {.struct_size = sizeof o};
        llmcs_model_info info = {.struct_size = sizeof info};
        pooler_folder(folder, modules);
        const char *said = log_of(folder, LLMCS_GGUF_F32);
        ck_assert_msg((strstr(said, "llama.cpp will not open") == NULL) == modules, "%s", said);
        llmcs_model *a = open_with(folder, LLMCS_WEIGHTS_F32), *b = open_with(file, LLMCS_WEIGHTS_F32);
        ck_assert_int_eq(llmcs_model_get_info(b, &info), LLMCS_OK);
        ck_assert_int_eq((info.heads & LLMCS_HEAD_POOLER) == 0, modules);
        ck_assert_int_le(info.n_embd, 512);
        o.hidden = x;
        ck_assert_int_eq(llmcs_encoder_eval(a, ids, NULL, &n, 1, &o), LLMCS_OK);
        o.hidden = y;
        ck_assert_int_eq(llmcs_encoder_eval(b, ids, NULL, &n, 1, &o), LLMCS_OK);
        ck_assert(memcmp(x, y, n * (size_t)info.n_embd * sizeof *x) == 0);
        llmcs_model_free(&a);
        llmcs_model_free(&b);
        temp_remove(folder);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- failures */

static size_t entries(void) {
    char command[400];
    size_t n = 0;
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", out_folder);
    FILE *f = popen(command, "r");
    ck_assert(f && fscanf(f, "%zu", &n) == 1);
    pclose(f);
    return n;
}

static void old_file_stands(void) {
    size_t len;
    char *text = edit_read(file, &len);
    ck_assert(text && len == 3 && !memcmp(text, "old", 3));
    free(text);
    ck_assert_uint_eq(entries(), 1);
}

START_TEST(arguments) {
    llmcs_quantize_params p;
    llmcs_quantize_params_init(&p);
    ck_assert_int_eq(p.type, LLMCS_GGUF_Q8_0);
    llmcs_quantize_params_init_sized(NULL, sizeof(llmcs_quantize_params));
    ck_assert_int_eq(llmcs_quantize(NULL, file, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_quantize("", file, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", "", NULL), LLMCS_ARG);
    p.type = (llmcs_gguf_type)5;
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", file, &p), LLMCS_ARG);
    llmcs_quantize_params_init(&p);
    p.struct_size = 3;
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", file, &p), LLMCS_ARG);
    llmcs_allocator half = {0};
    llmcs_quantize_params_init(&p);
    p.allocator = &half;
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", file, &p), LLMCS_ARG);
    ck_assert_int_eq(llmcs_quantize("tests/no-such-folder", file, NULL), LLMCS_IO);
    ck_assert_uint_eq(entries(), 0);
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", file, NULL), LLMCS_OK); /* the defaults */
    char again[300];
    snprintf(again, sizeof again, "%s/y.gguf", out_folder);
    ck_assert_int_eq(llmcs_quantize(file, again, NULL), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "GGUF file already"));
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(places_that_cannot_be_written) {
    char path[400];
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", out_folder, NULL), LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "a folder"));
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", "/dev/null", NULL), LLMCS_IO);
    snprintf(path, sizeof path, "%s/nowhere/x.gguf", out_folder);
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", path, NULL), LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "no such file or folder"));
    ck_assert_uint_eq(entries(), 0);
}
END_TEST

/* A limit of the process stands for a full disk: write gives EFBIG, and SIGXFSZ ends nobody. */
START_TEST(no_space) {
    temp_write_text(out_folder, "x.gguf", "old");
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {50000, 50000};
        bool right = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                     quantize(GOLDEN_FOLDER "gpt2-tiny", LLMCS_GGUF_F32) == LLMCS_NOSPACE;
        _exit(right ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    old_file_stands();
}
END_TEST

static int stop_in_the_middle(void *user, float done) {
    *(float *)user = done;
    return done > 0.5f;
}

static int go_on(void *user, float done) {
    float *last = user;
    ck_assert(done >= *last && done <= 1.0f);
    *last = done;
    return 0;
}

START_TEST(stopped_by_progress) {
    float done = 0;
    llmcs_quantize_params p;
    temp_write_text(out_folder, "x.gguf", "old");
    llmcs_quantize_params_init(&p);
    p.progress = stop_in_the_middle;
    p.progress_user = &done;
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", file, &p), LLMCS_CANCELLED);
    ck_assert(done > 0.5f && done < 1.0f);
    old_file_stands();
    done = 0;
    p.progress = go_on;
    ck_assert_int_eq(llmcs_quantize(GOLDEN_FOLDER "gpt2-tiny", file, &p), LLMCS_OK);
    ck_assert(done >= 1.0f);
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(weights_that_do_not_fit) {
    static const struct {
        llmcs_gguf_type type;
        float value;
        llmcs_status expected;
    } cases[] = {{LLMCS_GGUF_F16, 70000, LLMCS_NUMERIC},     {LLMCS_GGUF_F16, NAN, LLMCS_NUMERIC},
                 {LLMCS_GGUF_BF16, INFINITY, LLMCS_NUMERIC}, {LLMCS_GGUF_Q8_0, 1e8f, LLMCS_NUMERIC},
                 {LLMCS_GGUF_Q4_0, NAN, LLMCS_NUMERIC},      {LLMCS_GGUF_F32, NAN, LLMCS_NUMERIC},
                 {LLMCS_GGUF_F32, -INFINITY, LLMCS_NUMERIC}, {LLMCS_GGUF_F32, 1e30f, LLMCS_OK},
                 {LLMCS_GGUF_Q8_0, 70000, LLMCS_OK}};
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    temp_write_text(out_folder, "x.gguf", "old");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-embed");
        checkpoint_f32(c, "encoder.layer.1.intermediate.dense.weight")[64 * 5 + 7] = cases[i].value;
        checkpoint_write(c, folder, 1);
        checkpoint_free(c);
        ck_assert_int_eq(quantize(folder, cases[i].type), cases[i].expected);
        if (!cases[i].expected) continue;
        ck_assert_msg(strstr(llmcs_error_message(), "layer.1.intermediate.dense.weight\": element 327"), "%s",
                      llmcs_error_message());
        old_file_stands();
    }
    temp_remove(folder);
}
END_TEST

/* What stays float32 whatever the type: norms, biases, positions. */
START_TEST(no_nan_in_what_stays_float32) {
    static const char *const names[] = {"transformer.ln_f.weight", "transformer.h.1.attn.c_attn.bias",
                                        "transformer.wpe.weight"};
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    temp_write_text(out_folder, "x.gguf", "old");
    for (int type = LLMCS_GGUF_Q8_0; type <= LLMCS_GGUF_F32; type++)
        for (size_t i = 0; i < 3; i++) {
            checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
            checkpoint_f32(c, names[i])[5] = i ? NAN : INFINITY;
            checkpoint_write(c, folder, 1);
            checkpoint_free(c);
            ck_assert_int_eq(quantize(folder, (llmcs_gguf_type)type), LLMCS_NUMERIC);
            ck_assert_ptr_nonnull(strstr(llmcs_error_message(), names[i]));
            ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "element 5"));
            old_file_stands();
        }
    temp_remove(folder);
}
END_TEST

/* A target that is one of the files that are read, by whatever path, is refused before anything is written. */
START_TEST(target_that_is_an_input) {
    static const char *const names[] = {"model.safetensors", "config.json", "tokenizer_config.json",
                                        "vocab.json",        "merges.txt",  "link.gguf",
                                        "hard.gguf"};
    char folder[TEMP_PATH_BYTES], target[400], copy[400];
    llmcs_model *m;
    text_gpt2_folder(folder);
    temp_write_text(folder, "tokenizer_config.json", "{}");
    ck_assert_int_eq(link(temp_path(folder, "model.safetensors"), temp_path(folder, "hard.gguf")), 0);
    snprintf(copy, sizeof copy, "%s/elsewhere", folder); /* as in Hugging Face's cache: the folder holds links */
    ck_assert_int_eq(rename(temp_path(folder, "config.json"), copy), 0);
    ck_assert_int_eq(symlink("elsewhere", temp_path(folder, "config.json")), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], "link.gguf") == 0) continue;
        snprintf(target, sizeof target, "%s/./%s", folder, names[i]);
        ck_assert_int_eq(llmcs_quantize(folder, target, NULL), LLMCS_ARG);
        ck_assert_msg(strstr(llmcs_error_message(), "write to another path") != NULL, "%s", llmcs_error_message());
    }
    ck_assert_int_eq(llmcs_quantize(folder, copy, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), LLMCS_OK);
    llmcs_model_free(&m);
    /* A symbolic link of its own is replaced; what it leads to stays. */
    ck_assert_int_eq(symlink("model.safetensors", temp_path(folder, "link.gguf")), 0);
    ck_assert_int_eq(llmcs_quantize(folder, temp_path(folder, "link.gguf"), NULL), LLMCS_OK);
    ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), LLMCS_OK);
    llmcs_model_free(&m);
    ck_assert_int_eq(llmcs_model_open(temp_path(folder, "link.gguf"), NULL, &m), LLMCS_OK);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* Names with a program's prefix, and a tied pair of which the head is there, make the file that the plain ones make. */
START_TEST(names_of_other_programs) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    strcpy(checkpoint_find(c, "transformer.wte.weight")->name, "lm_head.weight");
    for (size_t i = 0; i < c->n_tensors; i++) {
        char name[sizeof c->tensors[i].name];
        snprintf(name, sizeof name, "module.%.100s", c->tensors[i].name);
        strcpy(c->tensors[i].name, name);
    }
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    ck_assert_int_eq(quantize(folder, LLMCS_GGUF_F32), LLMCS_OK);
    same_bits(folder, LLMCS_WEIGHTS_F32, "prefixed");
    standard_keys_alone(folder, false); /* the names are llama.cpp's */
    temp_remove(folder);
}
END_TEST

/* Conv1D is transposed on its way: the message still says where the value stands in the folder's file. */
START_TEST(a_weight_of_a_turned_matrix) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    checkpoint_f32(c, "transformer.h.1.mlp.c_fc.weight")[1234] = NAN;
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    ck_assert_int_eq(quantize(folder, LLMCS_GGUF_F16), LLMCS_NUMERIC);
    ck_assert_msg(strstr(llmcs_error_message(), "h.1.mlp.c_fc.weight\": element 1234 "), "%s", llmcs_error_message());
    temp_remove(folder);
}
END_TEST

/* Every allocation of writing fails once, then every allocation of opening, planning, and of a tokenizer. */
static llmcs_status with_faults(int which, const char *folder, const llmcs_allocator *a) {
    llmcs_quantize_params p;
    llmcs_model_options o;
    llmcs_model *m = NULL;
    llmcs_tokenizer *t = NULL;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_quantize_params_init(&p);
    llmcs_model_options_init(&o);
    o.n_threads = 1;
    p.allocator = o.allocator = a;
    if (which == 0) return llmcs_quantize(folder, file, &p);
    llmcs_status st = which == 1   ? llmcs_model_open(file, &o, &m)
                      : which == 2 ? llmcs_plan(file, &o, NULL, &plan)
                                   : llmcs_tokenizer_open(file, a, &t);
    llmcs_model_free(&m);
    llmcs_tokenizer_free(&t);
    return st;
}

START_TEST(no_memory) {
    char folder[TEMP_PATH_BYTES];
    for (int kind = 0; kind < 2; kind++) {
        if (kind)
            text_bert_folder("bert-cls", folder);
        else
            text_gpt2_folder(folder);
        for (int which = 0; which < 4; which++)
            for (long n = 0;; n++) {
                fail_alloc f;
                fail_alloc_init(&f);
                f.fail_at = n;
                llmcs_allocator a = fail_alloc_get(&f);
                llmcs_status st = with_faults(which, folder, &a);
                ck_assert_int_eq(f.live, 0);
                if (f.calls <= n) {
                    ck_assert_int_eq(st, LLMCS_OK);
                    ck_assert_int_gt(n, 20);
                    break;
                }
                ck_assert_int_eq(st, LLMCS_NOMEM);
                if (which == 0) ck_assert_uint_eq(entries(), 0);
            }
        ck_assert_uint_eq(entries(), 1);
        ck_assert_int_eq(unlink(file), 0);
        temp_remove(folder);
    }
}
END_TEST

/* -------------------------------------------------------------------------------------------- plan, bad files */

START_TEST(planned_memory) {
    static const char *const folders[] = {"examples/models/shop-gpt2", GOLDEN_FOLDER "bert-cls"};
    for (size_t i = 0; i < 2; i++) {
        llmcs_model_options o;
        llmcs_model *m;
        fail_alloc f;
        fail_alloc_init(&f);
        llmcs_allocator a = fail_alloc_get(&f);
        llmcs_plan_info plan = {.struct_size = sizeof plan};
        ck_assert_int_eq(quantize(folders[i], LLMCS_GGUF_Q8_0), LLMCS_OK);
        llmcs_model_options_init(&o);
        o.n_threads = 1;
        o.allocator = &a;
        ck_assert_int_eq(llmcs_plan(file, &o, NULL, &plan), LLMCS_OK);
        fail_alloc_init(&f);
        ck_assert_int_eq(llmcs_model_open(file, &o, &m), LLMCS_OK);
        ck_assert_msg((uint64_t)f.peak_bytes * 50 <= plan.peak_bytes * 51, "%lld, planned %llu",
                      (long long)f.peak_bytes, (unsigned long long)plan.peak_bytes);
        ck_assert_msg((uint64_t)f.live_bytes * 20 <= plan.model_bytes * 21, "%lld, planned %llu",
                      (long long)f.live_bytes, (unsigned long long)plan.model_bytes);
        ck_assert_msg((uint64_t)f.live_bytes * 10 >= plan.model_bytes * 9, "%lld, planned %llu",
                      (long long)f.live_bytes, (unsigned long long)plan.model_bytes);
        llmcs_model_free(&m);
        o.max_bytes = plan.peak_bytes - 1;
        ck_assert_int_eq(llmcs_model_open(file, &o, &m), LLMCS_LIMIT);
        o.max_bytes = plan.peak_bytes;
        ck_assert_int_eq(llmcs_model_open(file, &o, &m), LLMCS_OK);
        llmcs_model_free(&m);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

/* Bytes of the header changed: another model, or a status and a message; nothing left in either case. */
START_TEST(damaged_headers) {
    uint64_t seed = 77;
    char folder[TEMP_PATH_BYTES];
    printf("runtime/quantize: seed 77\n");
    for (int kind = 0; kind < 2; kind++) {
        size_t len;
        if (kind)
            text_bert_folder("bert-cls", folder);
        else
            text_gpt2_folder(folder);
        ck_assert_int_eq(quantize(folder, LLMCS_GGUF_Q8_0), LLMCS_OK);
        if (kind) hide_own_keys();
        char *good = edit_read(file, &len);
        ck_assert(good && len > 3000);
        for (int i = 0; i < 150; i++) {
            char *bad = temp_alloc(len);
            memcpy(bad, good, len);
            for (size_t k = random_below(&seed, 4) + 1; k > 0; k--)
                bad[random_below(&seed, i % 2 ? 3000 : len)] = (char)random_next(&seed);
            temp_write(out_folder, "x.gguf", bad, i % 7 ? len : random_below(&seed, len));
            free(bad);
            llmcs_model_options o;
            llmcs_model *m;
            fail_alloc f;
            fail_alloc_init(&f);
            llmcs_allocator a = fail_alloc_get(&f);
            llmcs_model_options_init(&o);
            o.n_threads = 1;
            o.allocator = &a;
            o.load_mode = (llmcs_load_mode)(i & 1);
            llmcs_status st = llmcs_model_open(file, &o, &m);
            ck_assert_msg(st != LLMCS_INTERNAL && st != LLMCS_ARG && (!st || llmcs_error_message()[0]), "%s",
                          llmcs_status_name(st));
            llmcs_model_free(&m);
            ck_assert_int_eq(f.live, 0);
        }
        free(good);
        temp_remove(folder);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 240);
    tcase_add_test(t, every_checkpoint_as_float32);
    tcase_add_test(t, halves_as_they_were_stored);
    tcase_add_test(t, eight_and_four_bits_are_near);
    tcase_add_test(t, sizes_of_the_types);
    tcase_add_test(t, what_the_log_says);
    tcase_add_test(t, tokenizer_json);
    tcase_add_test(t, older_files);
    tcase_add_test(t, ids_beyond_the_rows);
    tcase_add_test(t, tiny_tokenizers);
    tcase_add_test(t, without_keys_of_our_own);
    tcase_add_test(t, sentence_transformers);
    tcase_add_test(t, a_pooler_is_written_where_it_is_used);
    tcase_add_test(t, arguments);
    tcase_add_test(t, places_that_cannot_be_written);
    tcase_add_test(t, no_space);
    tcase_add_test(t, stopped_by_progress);
    tcase_add_test(t, weights_that_do_not_fit);
    tcase_add_test(t, no_nan_in_what_stays_float32);
    tcase_add_test(t, target_that_is_an_input);
    tcase_add_test(t, names_of_other_programs);
    tcase_add_test(t, a_weight_of_a_turned_matrix);
    tcase_add_test(t, no_memory);
    tcase_add_test(t, planned_memory);
    tcase_add_test(t, damaged_headers);
}

SUITE_MAIN("runtime/quantize", add)
