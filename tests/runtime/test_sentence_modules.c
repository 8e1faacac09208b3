/* Folders of sentence-transformers with all its pooling modes and modules: the vectors and scores that
 * sentence-transformers 5.1 gives (tests/data/sentence/make.py). */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"
#include "support/fail_alloc.h"
#include "support/kernel_sets.h"
#include "support/model_fixture.h"
#include "support/suite.h"

#define DATA "tests/data/sentence/"
enum { MAX_VECTOR = 128, MAX_PATH = 600 };

static char folder[TEMP_PATH_BYTES];
static char *expected_text;
static ll_json_doc *expected;

static void set_up(void) {
    llmcs_allocator a = ll_allocator_default();
    size_t n;
    ck_assert_int_eq(ll_file_read_all(&a, DATA "expected.json", (size_t)1 << 24, &expected_text, &n), LLMCS_OK);
    ck_assert_int_eq(ll_json_parse(&a, "expected.json", expected_text, n, 0, &expected), LLMCS_OK);
    temp_folder(folder);
}

static void tear_down(void) {
    llmcs_allocator a = ll_allocator_default();
    ll_json_free(&expected);
    ll_free(&a, expected_text);
    temp_remove(folder);
}

/* ------------------------------------------------------------------------------------------------ folders */

static bool is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Links to the files of `from` in `to`; folders in it are made, their files too. */
static void link_files(const char *from, const char *to) {
    DIR *entries = opendir(from);
    ck_assert_msg(entries != NULL, "%s", from);
    for (struct dirent *e; (e = readdir(entries));) {
        char source[MAX_PATH], target[MAX_PATH];
        if (e->d_name[0] == '.') continue;
        snprintf(source, sizeof source, "%s/%s", from, e->d_name);
        snprintf(target, sizeof target, "%s/%s", to, e->d_name);
        if (is_folder(source)) {
            ck_assert_int_eq(mkdir(target, 0700), 0);
            link_files(source, target);
        } else {
            char *absolute = realpath(source, NULL);
            ck_assert_ptr_nonnull(absolute);
            ck_assert_int_eq(symlink(absolute, target), 0);
            free(absolute);
        }
    }
    closedir(entries);
}

static void make_folder(const char *modules) {
    char path[MAX_PATH];
    temp_remove(folder);
    temp_folder(folder);
    link_files(DATA "network", folder);
    snprintf(path, sizeof path, DATA "modules/%s", modules);
    link_files(path, folder);
}

/* Replaces a linked file by one with this text. */
static void rewrite(const char *name, const char *text) {
    remove(temp_path(folder, name));
    temp_write_text(folder, name, text);
}

/* --------------------------------------------------------------------------------------------- the reference */

static const char *text_of(ll_json row, const char *key, char buffer[200]) {
    size_t n;
    const char *text = ll_json_string(ll_json_get(row, key), &n);
    if (!text) return NULL;
    ck_assert_uint_lt(n, 200);
    memcpy(buffer, text, n);
    buffer[n] = 0;
    return buffer;
}

static void check_row(llmcs_model *m, ll_json row) {
    char text[200], prompt_name[200], prompt[200];
    float vector[MAX_VECTOR];
    int64_t dim = 0;
    bool normalize = false;
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    const llmcs_text t = {text_of(row, "text", text), LLMCS_NUL, NULL, 0};
    p.prompt_name = text_of(row, "prompt_name", prompt_name);
    p.prompt = text_of(row, "prompt", prompt);
    if (ll_json_int64(ll_json_get(row, "truncate_dim"), &dim)) p.truncate_dim = (size_t)dim;
    if (ll_json_bool(ll_json_get(row, "normalize_embeddings"), &normalize)) p.normalize = LLMCS_NORMALIZE_L2;
    ck_assert_msg(!llmcs_embed(m, &t, 1, &p, vector, NULL), "%s", llmcs_error_message());
    const ll_json wanted = ll_json_get(row, "vector");
    size_t d = 0;
    for (ll_json v = ll_json_first(wanted); ll_json_get_type(v); v = ll_json_next(v), d++) {
        double x;
        ck_assert(ll_json_double(v, &x));
        ck_assert_msg(fabs((double)vector[d] - x) <= 1e-5 * fmax(1.0, fabs(x)), "\"%s\" [%zu]: %.8g, expected %.8g",
                      text, d, (double)vector[d], x);
    }
}

/* All rows of one folder. */
static size_t check_folder(const char *name) {
    size_t n = 0;
    llmcs_model *m = open_model(folder, 1 + (int32_t)(strlen(name) % 2));
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    const ll_json rows = ll_json_get(ll_json_root(expected), "embed");
    for (ll_json row = ll_json_first(rows); ll_json_get_type(row); row = ll_json_next(row)) {
        if (!ll_json_equals(ll_json_get(row, "folder"), name)) continue;
        const size_t width = ll_json_count(ll_json_get(row, "vector"));
        ck_assert(width == (size_t)info.n_embedding || width == 5);
        check_row(m, row);
        n++;
    }
    llmcs_model_free(&m);
    return n;
}

static const char *const names[] = {"mean", "all_modes", "without_prompt", "two_dense", "any_order", "activations"};

START_TEST(vectors_are_those_of_sentence_transformers) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    size_t n = 0;
    for (size_t s = 0; s < n_sets; s++) {
        setenv("LLMCS_CPU", sets[s]->name, 1);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            make_folder(names[i]);
            n += check_folder(names[i]);
        }
    }
    unsetenv("LLMCS_CPU");
    ck_assert_uint_eq(n, n_sets * ll_json_count(ll_json_get(ll_json_root(expected), "embed")));
}
END_TEST

/* The reranker's folder with `settings`, the members of a JSON object, before config.json's own. */
static llmcs_model *open_reranker(const char *settings, size_t n_settings) {
    llmcs_allocator a = ll_allocator_default();
    char *base, config[2000];
    size_t n;
    temp_remove(folder);
    temp_folder(folder);
    link_files(DATA "reranker", folder);
    ck_assert_int_eq(ll_file_read_all(&a, DATA "reranker/config.json", 2000, &base, &n), LLMCS_OK);
    snprintf(config, sizeof config, "{%.*s%s%s", (int)n_settings, settings, n_settings ? "," : "", base + 1);
    rewrite("config.json", config);
    ll_free(&a, base);
    return open_model(folder, 1);
}

static void check_score(llmcs_model *m, ll_json row) {
    char query[200], text[200];
    double wanted;
    float score, logit;
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    const llmcs_text doc = {text_of(row, "text", text), LLMCS_NUL, NULL, 0};
    ck_assert_int_eq(llmcs_rerank(m, text_of(row, "query", query), LLMCS_NUL, &doc, 1, NULL, &score, NULL), LLMCS_OK);
    ck_assert(ll_json_double(ll_json_get(row, "score"), &wanted));
    ck_assert_msg(fabs((double)score - wanted) <= 1e-5 * fmax(1.0, fabs(wanted)), "%s: %g, expected %g", text,
                  (double)score, wanted);
    p.rerank_score = LLMCS_RERANK_LOGIT;
    ck_assert_int_eq(llmcs_rerank(m, query, LLMCS_NUL, &doc, 1, &p, &logit, NULL), LLMCS_OK);
    p.rerank_score = LLMCS_RERANK_SIGMOID;
    ck_assert_int_eq(llmcs_rerank(m, query, LLMCS_NUL, &doc, 1, &p, &score, NULL), LLMCS_OK);
    ck_assert_double_le(fabs((double)score - 1.0 / (1.0 + exp(-(double)logit))), 1e-6);
    p.rerank_score = (llmcs_rerank_score)3;
    ck_assert_int_eq(llmcs_rerank(m, query, LLMCS_NUL, &doc, 1, &p, &score, NULL), LLMCS_ARG);
}

START_TEST(scores_are_those_of_a_cross_encoder) {
    size_t n = 0;
    const ll_json rows = ll_json_get(ll_json_root(expected), "rerank");
    for (ll_json row = ll_json_first(rows); ll_json_get_type(row); row = ll_json_next(row), n++) {
        const ll_json settings = ll_json_get(row, "settings");
        const char *members = expected_text + ll_json_offset(settings) + 1;
        const char *end = strstr(members, "}, \"query\"");
        ck_assert_ptr_nonnull(end);
        llmcs_model *m = open_reranker(members, (size_t)(end - members));
        check_score(m, row);
        llmcs_model_free(&m);
    }
    ck_assert_uint_eq(n, 20);
}
END_TEST

START_TEST(an_activation_we_lack_is_refused_by_rerank_alone) {
    static const char mish[] = "\"sentence_transformers\":{\"activation_fn\":\"torch.nn.Mish\"}";
    float score;
    int32_t label;
    const llmcs_text doc = {"tea", 3, NULL, 0};
    llmcs_model *m = open_reranker(mish, sizeof mish - 1);
    ck_assert_int_eq(llmcs_rerank(m, "a", 1, &doc, 1, NULL, &score, NULL), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "activation_fn: \"torch.nn.Mish\""));
    ck_assert_int_eq(llmcs_classify(m, &doc, 1, NULL, NULL, &label, NULL), LLMCS_OK);
    llmcs_model_free(&m);
    rewrite("config.json",
            "{\"model_type\":\"bert\",\"architectures\":[\"BertForSequenceClassification\"],"
            "\"vocab_size\":23,\"hidden_size\":16,\"num_hidden_layers\":2,\"num_attention_heads\":2,"
            "\"intermediate_size\":24,\"max_position_embeddings\":32,"
            "\"sentence_transformers\":{\"activation_fn\":[1]}}");
    ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), LLMCS_CONFIG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "activation_fn"));
}
END_TEST

/* ------------------------------------------------------------------------------------------------ the calls */

START_TEST(prompts_are_named) {
    float a[MAX_VECTOR], b[MAX_VECTOR];
    const llmcs_text t = {"tea", 3, NULL, 0};
    llmcs_text_params p;
    make_folder("two_dense");
    llmcs_model *m = open_model(folder, 1);
    ck_assert_str_eq(llmcs_model_prompt_name(m, 0), "query");
    ck_assert_str_eq(llmcs_model_prompt_name(m, 1), "document");
    ck_assert_str_eq(llmcs_model_prompt_name(m, 2), "none");
    ck_assert_ptr_null(llmcs_model_prompt_name(m, 3));
    ck_assert_ptr_null(llmcs_model_prompt_name(m, -1));
    ck_assert_str_eq(llmcs_model_prompt_text(m, "document"), "document: the ");
    ck_assert_ptr_null(llmcs_model_prompt_text(m, "passage"));
    ck_assert_ptr_null(llmcs_model_prompt_text(m, NULL));
    llmcs_text_params_init(&p);
    p.prompt_name = "passage";
    ck_assert_int_eq(llmcs_embed(m, &t, 1, &p, a, NULL), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "prompt_name: \"passage\""));
    p.prompt = ""; /* comes before the name */
    ck_assert_int_eq(llmcs_embed(m, &t, 1, &p, a, NULL), LLMCS_OK);
    p.prompt = NULL;
    p.prompt_name = "none";
    ck_assert_int_eq(llmcs_embed(m, &t, 1, &p, b, NULL), LLMCS_OK);
    ck_assert_int_eq(memcmp(a, b, 8 * sizeof *a), 0);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_str_eq(info.similarity, "dot");
    ck_assert_int_eq(info.n_embedding, 8);
    llmcs_model_free(&m);
}
END_TEST

/* The caller's memory is for n_embedding numbers a text: no other pooling may give more. */
START_TEST(a_pooling_of_another_width_is_refused) {
    float vector[MAX_VECTOR];
    const llmcs_text t = {"tea", 3, NULL, 0};
    make_folder("all_modes");
    llmcs_model *m = open_model(folder, 1);
    ck_assert_int_eq(embed_pooled(m, &t, 1, LLMCS_POOL_MEAN, LLMCS_NORMALIZE_AUTO, NULL, vector, NULL), LLMCS_ARG);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "gives 16 numbers, the folder's own gives 96"));
    llmcs_model_free(&m);
    make_folder("two_dense");
    m = open_model(folder, 1);
    ck_assert_int_eq(embed_pooled(m, &t, 1, LLMCS_POOL_MAX, LLMCS_NORMALIZE_AUTO, NULL, vector, NULL), LLMCS_OK);
    llmcs_model_free(&m);
}
END_TEST

/* 150 texts are three batches of the modules; each vector is the one it has alone, bit for bit. */
START_TEST(batches_do_not_matter) {
    enum { N_TEXTS = 150, N = 8 };
    static const char *const words[] = {"tea", "the shop", "good bad shopping", "", "price of green tea"};
    static float all[N_TEXTS * N];
    float one[N];
    llmcs_text texts[N_TEXTS];
    make_folder("two_dense");
    llmcs_model *m = open_model(folder, 2);
    for (size_t i = 0; i < N_TEXTS; i++) texts[i] = (llmcs_text){words[i * 7 % 5], LLMCS_NUL, NULL, 0};
    ck_assert_int_eq(llmcs_embed(m, texts, N_TEXTS, NULL, all, NULL), LLMCS_OK);
    for (size_t i = 0; i < N_TEXTS; i++) {
        ck_assert_int_eq(llmcs_embed(m, &texts[i], 1, NULL, one, NULL), LLMCS_OK);
        ck_assert_msg(!memcmp(one, all + i * N, sizeof one), "text %zu", i);
    }
    llmcs_model_free(&m);
}
END_TEST

/* Memory is planned, every failing allocation leaves nothing, and another module is another fingerprint. */
START_TEST(modules_are_counted) {
    uint64_t with, other;
    make_folder("two_dense");
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.n_threads = 1;
    ck_assert_int_eq(llmcs_plan(folder, &o, NULL, &plan), LLMCS_OK);
    llmcs_model *m = NULL;
    for (long i = 0;; i++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = i;
        llmcs_allocator a = fail_alloc_get(&f);
        o.allocator = &a;
        const llmcs_status status = llmcs_model_open(folder, &o, &m);
        ck_assert_int_eq(status, f.calls > i ? LLMCS_NOMEM : LLMCS_OK);
        if (!status) {
            llmcs_text t = {"tea", 3, NULL, 0};
            float vector[MAX_VECTOR];
            llmcs_model_info info = {.struct_size = sizeof info};
            f.fail_at = -1;
            ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
            ck_assert_uint_ge(info.n_parameters, 16 * 40 + 40 + 40 * 8);
            ck_assert_int_eq(llmcs_embed(m, &t, 1, NULL, vector, NULL), LLMCS_OK);
            ck_assert_int_eq(llmcs_model_fingerprint(m, &with), LLMCS_OK);
            llmcs_model_free(&m);
        }
        ck_assert_int_eq(f.live, 0);
        if (!status) break;
    }
    rewrite("2_Dense/config.json",
            "{\"in_features\":16,\"out_features\":40,\"bias\":true,\"activation_function\":\"torch.nn.ReLU\"}");
    m = open_model(folder, 1);
    ck_assert_int_eq(llmcs_model_fingerprint(m, &other), LLMCS_OK);
    ck_assert_uint_ne(with, other);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(bad_modules_are_named) {
    static const struct {
        const char *file, *text;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"2_Dense/config.json", NULL, LLMCS_CONFIG, "2_Dense: config.json of the Dense module is missing"},
        {"2_Dense/model.safetensors", NULL, LLMCS_IO, "2_Dense: no weights"},
        {"2_Dense/config.json", "{\"out_features\":40}", LLMCS_CONFIG, "in_features is missing"},
        {"2_Dense/config.json", "{\"in_features\":16}", LLMCS_CONFIG, "out_features is missing"},
        {"2_Dense/config.json", "{\"in_features\":17,\"out_features\":40}", LLMCS_CONFIG, "in_features: 17"},
        {"3_Dense/config.json", "{\"in_features\":40,\"out_features\":9,\"bias\":false}", LLMCS_CONFIG,
         "linear.weight"},
        {"2_Dense/config.json", "{\"in_features\":16,\"out_features\":2000000}", LLMCS_LIMIT, "out_features"},
        {"2_Dense/config.json", "{\"in_features\":16,\"out_features\":40,\"activation_function\":\"torch.nn.Mish\"}",
         LLMCS_UNSUPPORTED, "torch.nn.Mish"},
        {"2_Dense/config.json", "{\"in_features\":16,\"out_features\":40,\"activation_function\":\"os.Tanh\"}",
         LLMCS_UNSUPPORTED, "os.Tanh"},
        {"2_Dense/config.json", "{\"in_features\":16,\"out_features\":40,\"activation_function\":3}", LLMCS_CONFIG,
         "activation_function"},
        {"2_Dense/config.json", "{\"in_features\":16,\"out_features\":40,\"module_input_name\":\"token_embeddings\"}",
         LLMCS_UNSUPPORTED, "token_embeddings"},
        {"2_Dense/config.json", "{\"in_features\":16,\"out_features\":40,\"bias\":\"yes\"}", LLMCS_CONFIG, "bias"},
        {"3_Dense/config.json", "{\"in_features\":40,\"out_features\":8,\"bias\":true}", LLMCS_FORMAT, "linear.bias"},
        {"2_Dense/model.safetensors", "rubbish", LLMCS_FORMAT, "2_Dense/model.safetensors"},
        {"config_sentence_transformers.json", "{\"similarity_fn_name\":\"jaccard\"}", LLMCS_UNSUPPORTED, "jaccard"},
        {"config_sentence_transformers.json", "{\"prompts\":{\"a\":\"x\",\"a\":\"y\"}}", LLMCS_CONFIG, "occurs twice"},
        {"config_sentence_transformers.json", "{\"prompts\":{\"a\\u0000b\":\"x\"}}", LLMCS_CONFIG, "prompts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        llmcs_model *m = NULL;
        make_folder("two_dense");
        remove(temp_path(folder, cases[i].file));
        if (cases[i].text) temp_write_text(folder, cases[i].file, cases[i].text);
        ck_assert_msg(llmcs_model_open(folder, NULL, &m) == cases[i].status, "%zu: %s", i, llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].needle) != NULL, "%zu: %s", i, llmcs_error_message());
    }
}
END_TEST

START_TEST(too_many_prompts_are_refused) {
    enum { N = 1025 };
    char text[20 * N] = "{\"prompts\":{";
    llmcs_model *m = NULL;
    size_t n = strlen(text);
    for (int i = 0; i < N; i++) n += (size_t)snprintf(text + n, sizeof text - n, "%s\"%d\":\"x\"", i ? "," : "", i);
    snprintf(text + n, sizeof text - n, "}}");
    make_folder("mean");
    rewrite("config_sentence_transformers.json", text);
    ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), LLMCS_LIMIT);
    ck_assert_msg(strstr(llmcs_error_message(), "1025 texts") != NULL, "%s", llmcs_error_message());
}
END_TEST

START_TEST(modules_with_weights_do_not_fit_a_gguf_file) {
    char file[TEMP_PATH_BYTES + 16];
    make_folder("two_dense");
    snprintf(file, sizeof file, "%s/x.gguf", folder);
    ck_assert_int_eq(llmcs_quantize(folder, file, NULL), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "2_Dense"));
}
END_TEST

/* ------------------------------------------------------------------------------- language models (make_qwen3.py) */

static ll_json qwen3(llmcs_allocator *a, const char *key, char **text, ll_json_doc **doc) {
    size_t n;
    ck_assert_int_eq(ll_file_read_all(a, DATA "qwen3.json", (size_t)1 << 24, text, &n), LLMCS_OK);
    ck_assert_int_eq(ll_json_parse(a, "qwen3.json", *text, n, 0, doc), LLMCS_OK);
    return ll_json_get(ll_json_root(*doc), key);
}

START_TEST(vectors_of_a_decoder) {
    llmcs_allocator a = ll_allocator_default();
    char *text;
    ll_json_doc *doc;
    size_t n = 0;
    const ll_json rows = qwen3(&a, "embed", &text, &doc);
    llmcs_model *m = open_model(DATA "qwen3-embedding", 2);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_uint_eq(info.heads, LLMCS_HEAD_EMBEDDING);
    for (ll_json row = ll_json_first(rows); ll_json_get_type(row); row = ll_json_next(row), n++) check_row(m, row);
    ck_assert_uint_eq(n, 20);
    llmcs_model_free(&m);
    ll_json_free(&doc);
    ll_free(&a, text);
}
END_TEST

START_TEST(scores_of_a_language_model) {
    llmcs_allocator a = ll_allocator_default();
    char *text, query[200], doc_text[600], prompt[200];
    ll_json_doc *doc;
    size_t n = 0;
    const ll_json rows = qwen3(&a, "rerank", &text, &doc);
    llmcs_model *m = open_model(DATA "qwen3-reranker", 2);
    for (ll_json row = ll_json_first(rows); ll_json_get_type(row); row = ll_json_next(row), n++) {
        size_t n_doc;
        int64_t most;
        double score, logit;
        float found[2];
        llmcs_text_info infos[2] = {{.struct_size = sizeof *infos}};
        llmcs_text_params p;
        llmcs_text_params_init(&p);
        const char *of_doc = ll_json_string(ll_json_get(row, "doc"), &n_doc);
        ck_assert_uint_lt(n_doc, sizeof doc_text);
        memcpy(doc_text, of_doc, n_doc);
        const llmcs_text docs[2] = {{"tea", 3, NULL, 0}, {doc_text, n_doc, NULL, 0}}; /* after another document */
        p.prompt = text_of(row, "prompt", prompt);
        ck_assert(ll_json_int64(ll_json_get(row, "max_length"), &most));
        ck_assert(ll_json_double(ll_json_get(row, "score"), &score));
        ck_assert(ll_json_double(ll_json_get(row, "logit"), &logit));
        p.max_length = (size_t)most;
        text_of(row, "query", query);
        ck_assert_msg(!llmcs_rerank(m, query, LLMCS_NUL, docs, 2, &p, found, infos), "%s", llmcs_error_message());
        ck_assert_msg(fabs((double)found[1] - score) < 1e-5, "%s: %g, expected %g", doc_text, (double)found[1], score);
        ck_assert_uint_le(infos[1].n_evaluated, p.max_length);
        ck_assert_int_eq(infos[1].truncated, infos[1].n_tokens > p.max_length);
        p.rerank_score = LLMCS_RERANK_LOGIT;
        ck_assert_int_eq(llmcs_rerank(m, query, LLMCS_NUL, docs, 2, &p, found, NULL), LLMCS_OK);
        ck_assert_double_le(fabs((double)found[1] - logit), 1e-4);
    }
    ck_assert_uint_ge(n, 28);
    const llmcs_text one = {"tea", 3, NULL, 0};
    float score;
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    ck_assert_int_eq(llmcs_rerank(m, "a", 1, NULL, 0, NULL, NULL, NULL), LLMCS_OK);
    p.overflow = LLMCS_OVERFLOW_WINDOWS;
    ck_assert_int_eq(llmcs_rerank(m, "a", 1, &one, 1, &p, &score, NULL), LLMCS_ARG);
    p.overflow = LLMCS_OVERFLOW_ERROR;
    p.max_length = 100;
    ck_assert_int_eq(llmcs_rerank(m, "a", 1, &one, 1, &p, &score, NULL), LLMCS_CONTEXT_FULL);
    p.overflow = LLMCS_OVERFLOW_TRUNCATE;
    ck_assert_int_eq(llmcs_rerank(m, "a", 1, &one, 1, &p, &score, NULL), LLMCS_ARG);
    const int32_t cancel = 1;
    p.max_length = 0;
    p.cancel = &cancel;
    ck_assert_int_eq(llmcs_rerank(m, "a", 1, &one, 1, &p, &score, NULL), LLMCS_CANCELLED);
    llmcs_model_free(&m);
    ll_json_free(&doc);
    ll_free(&a, text);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, vectors_are_those_of_sentence_transformers);
    tcase_add_test(t, scores_are_those_of_a_cross_encoder);
    tcase_add_test(t, an_activation_we_lack_is_refused_by_rerank_alone);
    tcase_add_test(t, prompts_are_named);
    tcase_add_test(t, a_pooling_of_another_width_is_refused);
    tcase_add_test(t, batches_do_not_matter);
    tcase_add_test(t, modules_are_counted);
    tcase_add_test(t, bad_modules_are_named);
    tcase_add_test(t, too_many_prompts_are_refused);
    tcase_add_test(t, modules_with_weights_do_not_fit_a_gguf_file);
    tcase_add_test(t, vectors_of_a_decoder);
    tcase_add_test(t, scores_of_a_language_model);
}

SUITE_MAIN("runtime/sentence_modules", add)
