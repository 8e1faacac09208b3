/* Encoder families: what Transformers 4.51 computes (tests/data/encoders/make.py), for every head, on every kernel set
 * of this machine, with one and three threads. And the checkpoints of the shared golden folder, where it is at hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/edit.h"
#include "support/kernel_sets.h"
#include "support/model_fixture.h"
#include "support/shared.h"
#include "support/suite.h"

#define DATA "tests/data/encoders/"
#define MAX_FLOATS (200 * 128)

static float hidden[MAX_FLOATS], pooled[MAX_FLOATS], logits[MAX_FLOATS];
static char folder[TEMP_PATH_BYTES];

static void set_up(void) { temp_folder(folder); }
static void tear_down(void) { temp_remove(folder); }

/* The folder `from`, a path, with `architectures` of config.json replaced. */
static void make_folder(const char *from, const char *architecture) {
    char path[600], text[200], *absolute;
    size_t n;
    temp_remove(folder);
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/config.json", from);
    char *config = edit_read(path, &n);
    ck_assert_msg(config != NULL, "%s", path);
    snprintf(text, sizeof text, "{\"architectures\": [\"%s\"],", architecture);
    char *own = strstr(config, "\"architectures\""); /* a key that occurs twice is refused */
    if (own) memcpy(own, "\"_name_or_path\"", 15);
    ck_assert(edit_write(temp_path(folder, "config.json"), config, n, "{", text, strlen(text)));
    free(config);
    snprintf(path, sizeof path, "%s/model.safetensors", from);
    absolute = realpath(path, NULL);
    ck_assert_ptr_nonnull(absolute);
    ck_assert_int_eq(symlink(absolute, temp_path(folder, "model.safetensors")), 0);
    free(absolute);
}

enum { MAX_NAME = 100 };

static void case_architecture(ll_json c, char out[MAX_NAME]) {
    size_t n;
    const char *text = ll_json_string(ll_json_get(c, "architecture"), &n);
    ck_assert(text && n < MAX_NAME);
    snprintf(out, MAX_NAME, "%.*s", (int)n, text);
}

/* The folder of one of our families, with the architecture of its first case. */
static void make_first(const char *name, char from[300], char architecture[MAX_NAME]) {
    snprintf(from, 300, DATA "%s", name);
    golden *g = golden_open_folder(from);
    case_architecture(ll_json_first(golden_cases(g)), architecture);
    golden_close(g);
    make_folder(from, architecture);
}

/* Checks a case and returns the largest difference. */
static double check_case(const golden *g, llmcs_model *m, ll_json c) {
    int32_t ids[GOLDEN_MAX_IDS], types[GOLDEN_MAX_IDS];
    const size_t n_ids = golden_ids(c, "input_ids", ids);
    const bool typed = golden_ids(c, "token_type_ids", types) == n_ids;
    size_t n[5];
    const float *expected[5] = {golden_tensor(g, c, "hidden", &n[0]), golden_tensor(g, c, "pooled", &n[1]),
                                golden_tensor(g, c, "logits", &n[2]), golden_tensor(g, c, "start", &n[3]),
                                golden_tensor(g, c, "end", &n[4])};
    llmcs_encoder_outputs o = {.struct_size = sizeof o,
                               .hidden = hidden,
                               .pooled = expected[1] ? pooled : NULL,
                               .logits = expected[2] || expected[3] ? logits : NULL};
    ck_assert_msg(!llmcs_encoder_eval(m, ids, typed ? types : NULL, &n_ids, 1, &o), "%s", llmcs_error_message());
    const float *found[3] = {hidden, pooled, logits};
    double most = 0;
    for (size_t k = 0; k < 3; k++) {
        if (!expected[k]) continue;
        golden_assert_close(found[k], expected[k], n[k], k == 0 ? "hidden" : k == 1 ? "pooled" : "logits");
        for (size_t i = 0; i < n[k]; i++) most = fmax(most, fabs((double)found[k][i] - (double)expected[k][i]));
    }
    for (size_t i = 0; expected[3] && i < n_ids; i++) {
        golden_assert_close(logits + 2 * i, expected[3] + i, 1, "start");
        golden_assert_close(logits + 2 * i + 1, expected[4] + i, 1, "end");
    }
    return most;
}

/* All cases of a folder of ours. */
static void check_family(const char *name, int32_t n_threads) {
    char from[300], architecture[MAX_NAME], last[MAX_NAME] = "";
    snprintf(from, sizeof from, DATA "%s", name);
    golden *g = golden_open_folder(from);
    llmcs_model *m = NULL;
    size_t n_cases = 0, n_architectures = 0;
    double most = 0;
    for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c), n_cases++) {
        case_architecture(c, architecture);
        if (strcmp(architecture, last) != 0) {
            llmcs_model_free(&m);
            make_folder(from, architecture);
            m = open_model(folder, n_threads);
            strcpy(last, architecture);
            n_architectures++;
        }
        most = fmax(most, check_case(g, m, c));
    }
    llmcs_model_free(&m);
    golden_close(g);
    ck_assert(n_architectures >= 5 || strcmp(name, "nomic") == 0);
    ck_assert_uint_ge(n_cases, 4);
    if (getenv("SHOW_DIFFERENCES")) printf("%s: %zu cases, largest difference %.2g\n", name, n_cases, most);
}

static const char *const names[] = {"xlm-roberta", "electra",         "albert", "ernie",     "mpnet",
                                    "modernbert",  "modernbert-mean", "gte",    "gte-types", "nomic"};
#define N_NAMES (sizeof names / sizeof *names)

START_TEST(what_transformers_computes) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    for (size_t s = 0; s < n_sets; s++) {
        setenv("LLMCS_CPU", sets[s]->name, 1);
        if (getenv("SHOW_DIFFERENCES")) printf("%s\n", sets[s]->name);
        for (size_t i = 0; i < N_NAMES; i++) check_family(names[i], s % 2 ? 3 : 1);
    }
    unsetenv("LLMCS_CPU");
}
END_TEST

/* The same bits with any number of threads and in any batch. */
START_TEST(batches_and_threads_do_not_matter) {
    enum { N_IDS = 64, N_TEXTS = 5 };
    static const size_t lengths[N_TEXTS] = {3, 17, 1, 31, 12};
    static float all[2][N_IDS * 64], one[N_IDS * 64];
    int32_t ids[N_IDS];
    for (size_t i = 0; i < N_IDS; i++) ids[i] = 2 + (int32_t)(i * 13 % 59);
    for (size_t k = 0; k < N_NAMES; k++) {
        char from[300], architecture[MAX_NAME];
        size_t at = 0;
        make_first(names[k], from, architecture);
        for (int32_t t = 0; t < 2; t++) {
            llmcs_model *m = open_model(folder, 1 + 2 * t);
            llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = all[t]};
            ck_assert_int_eq(llmcs_encoder_eval(m, ids, NULL, lengths, N_TEXTS, &o), LLMCS_OK);
            o.hidden = one;
            for (size_t i = at = 0; i < N_TEXTS; at += lengths[i++]) {
                ck_assert_int_eq(llmcs_encoder_eval(m, ids + at, NULL, &lengths[i], 1, &o), LLMCS_OK);
                ck_assert_msg(!memcmp(one, all[t] + at * 24, lengths[i] * 24 * sizeof *one), "%s, text %zu", names[k],
                              i);
            }
            llmcs_model_free(&m);
        }
        ck_assert_msg(!memcmp(all[0], all[1], N_IDS * 24 * sizeof *one), "%s", names[k]);
    }
}
END_TEST

/* Every weight type works, and stays near float32. */
START_TEST(weight_types) {
    static const llmcs_weights types[] = {LLMCS_WEIGHTS_F16, LLMCS_WEIGHTS_BF16, LLMCS_WEIGHTS_INT8};
    static const double allowed[] = {0.02, 0.1, 0.2};
    static float exact[40 * 24];
    int32_t ids[40];
    const size_t n = 33;
    for (size_t i = 0; i < n; i++) ids[i] = 2 + (int32_t)(i * 7 % 59);
    for (size_t k = 0; k < N_NAMES; k++) {
        char from[300], architecture[MAX_NAME];
        make_first(names[k], from, architecture);
        llmcs_model *m = open_model(folder, 1);
        llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = exact};
        ck_assert_int_eq(llmcs_encoder_eval(m, ids, NULL, &n, 1, &o), LLMCS_OK);
        llmcs_model_free(&m);
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            double sum = 0;
            m = open_model_kept(folder, 1, types[t], LLMCS_KV_AUTO);
            o.hidden = hidden;
            ck_assert_int_eq(llmcs_encoder_eval(m, ids, NULL, &n, 1, &o), LLMCS_OK);
            for (size_t i = 0; i < n * 24; i++) sum += fabs((double)hidden[i] - (double)exact[i]);
            ck_assert_msg(sum / (double)(n * 24) < allowed[t], "%s, weights %d: %g", names[k], (int)types[t],
                          sum / (double)(n * 24));
            llmcs_model_free(&m);
        }
    }
}
END_TEST

/* A GGUF file of any head gives the same bits as its folder. */
START_TEST(gguf_files) {
    static float from_folder[40 * 61], from_file[40 * 61];
    char file[TEMP_PATH_BYTES + 16], from[300], architecture[MAX_NAME], last[MAX_NAME] = "";
    const size_t n = 19;
    int32_t ids[19];
    for (size_t i = 0; i < n; i++) ids[i] = 2 + (int32_t)(i * 11 % 59);
    for (size_t k = 0; k < N_NAMES; k++) {
        snprintf(from, sizeof from, DATA "%s", names[k]);
        golden *g = golden_open_folder(from);
        for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c)) {
            case_architecture(c, architecture);
            if (strcmp(architecture, last) == 0) continue;
            strcpy(last, architecture);
            make_folder(from, architecture);
            llmcs_quantize_params p;
            llmcs_quantize_params_init(&p);
            p.type = LLMCS_GGUF_F32;
            snprintf(file, sizeof file, "%s/x.gguf", folder);
            ck_assert_msg(!llmcs_quantize(folder, file, &p), "%s: %s", architecture, llmcs_error_message());
            const bool has_logits = strstr(architecture, "For") != NULL;
            llmcs_encoder_outputs o = {.struct_size = sizeof o};
            memset(from_folder, 0, sizeof from_folder);
            memset(from_file, 0, sizeof from_file);
            for (int of_file = 0; of_file < 2; of_file++) {
                float *out = of_file ? from_file : from_folder;
                llmcs_model *m = open_model(of_file ? file : folder, 1);
                o.hidden = has_logits ? NULL : out;
                o.logits = has_logits ? out : NULL;
                ck_assert_msg(!llmcs_encoder_eval(m, ids, NULL, &n, 1, &o), "%s: %s", architecture,
                              llmcs_error_message());
                llmcs_model_free(&m);
            }
            ck_assert_msg(!memcmp(from_folder, from_file, sizeof from_file), "%s", architecture);
            ck_assert_msg(from_file[0] < 0 || from_file[0] > 0, "%s", architecture);
        }
        golden_close(g);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------ bad input */

START_TEST(what_does_not_fit_is_named) {
    static const struct {
        const char *name, *architecture, *from, *to;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"electra", "ElectraModel", "\"embedding_size\": 16", "\"embedding_size\": 17", LLMCS_CONFIG, "embeddings"},
        {"electra", "ElectraModel", "\"embedding_size\": 16", "\"embedding_size\": 0", LLMCS_CONFIG, "embedding_size"},
        {"electra", "ElectraForCausalLM", "\"vocab", "\"vocab", LLMCS_UNSUPPORTED, "ElectraForCausalLM"},
        {"electra", "AlbertModel", "\"vocab", "\"vocab", LLMCS_CONFIG, "AlbertModel is not of model_type electra"},
        {"albert", "AlbertModel", "\"inner_group_num\": 1", "\"inner_group_num\": 2", LLMCS_UNSUPPORTED,
         "inner_group_num"},
        {"albert", "AlbertModel", "\"num_hidden_groups\": 2", "\"num_hidden_groups\": 3", LLMCS_FORMAT,
         "albert_layer_groups.2"},
        {"albert", "AlbertModel", "\"num_hidden_groups\": 2", "\"num_hidden_groups\": 0", LLMCS_CONFIG,
         "num_hidden_groups"},
        {"ernie", "ErnieModel", "\"task_type_vocab_size\": 3", "\"task_type_vocab_size\": 4", LLMCS_CONFIG,
         "task_type_embeddings"},
        {"ernie", "ErnieModel", "\"use_task_id\": true", "\"use_task_id\": 1", LLMCS_CONFIG, "use_task_id"},
        {"mpnet", "MPNetModel", "num_buckets\": 32", "num_buckets\": 16", LLMCS_CONFIG, "relative_attention_bias"},
        {"mpnet", "MPNetModel", "num_buckets\": 32", "num_buckets\": 3", LLMCS_CONFIG, "num_buckets"},
        {"mpnet", "MPNetModel", "num_buckets\": 32", "num_buckets\": 1000000000", LLMCS_CONFIG, "num_buckets"},
        {"modernbert", "ModernBertModel", "\"local_attention\": 12", "\"local_attention\": 1", LLMCS_CONFIG,
         "local_attention"},
        {"modernbert", "ModernBertModel", "\"norm_bias\": false", "\"norm_bias\": true", LLMCS_UNSUPPORTED,
         "norm_bias"},
        {"modernbert", "ModernBertModel", "_rope_theta\": 500.0", "_rope_theta\": 0.0", LLMCS_CONFIG,
         "global_rope_theta"},
        {"modernbert", "ModernBertModel", "attention_heads\": 3", "attention_heads\": 5", LLMCS_CONFIG,
         "num_attention_heads"},
        {"modernbert", "ModernBertModel", "\"attention_bias\": false", "\"attention_bias\": true", LLMCS_FORMAT,
         "Wqkv.bias"},
        {"modernbert-mean", "ModernBertModel", "\"mlp_bias\": true", "\"mlp_bias\": false", LLMCS_CONFIG, "Wi.bias"},
        {"modernbert", "ModernBertForSequenceClassification", "\"classifier_bias\": false", "\"classifier_bias\": true",
         LLMCS_FORMAT, "head.dense.bias"},
        {"modernbert", "ModernBertForSequenceClassification", "\"cls\"", "\"max\"", LLMCS_UNSUPPORTED,
         "classifier_pooling: \"max\" is not supported, only cls, mean"},
        {"modernbert", "ModernBertModel", "\"norm_eps\"", "\"layer_types\": [\"full_attention\"], \"norm_eps\"",
         LLMCS_CONFIG, "layer_types"},
        {"modernbert", "ModernBertModel", "\"norm_eps\"",
         "\"layer_types\": [\"full_attention\", \"full_attention\", \"full_attention\", \"sliding_attention\", "
         "\"full_attention\"], \"norm_eps\"",
         LLMCS_CONFIG, "disagree"},
        {"gte", "NewModel", "\"logn_attention_scale\": false", "\"logn_attention_scale\": true", LLMCS_UNSUPPORTED,
         "logn_attention_scale"},
        {"gte", "NewModel", "\"pack_qkv\": true", "\"pack_qkv\": false", LLMCS_UNSUPPORTED, "pack_qkv"},
        {"gte", "NewModel", "\"rope\"", "\"absolute\"", LLMCS_UNSUPPORTED, "position_embedding_type"},
        {"gte", "NewModel", "\"factor\": 8.0", "\"factor\": 0.5", LLMCS_CONFIG, "factor"},
        {"gte", "NewModel", "\"factor\": 8.0", "\"mixed_b\": 0.5, \"factor\": 8.0", LLMCS_UNSUPPORTED, "mixed_b"},
        {"gte", "NewModel", "\"ntk\"", "\"dynamic\"", LLMCS_UNSUPPORTED, "dynamic"},
        {"gte", "NewModel", "\"intermediate_size\": 40", "\"intermediate_size\": 80", LLMCS_CONFIG, "up_gate_proj"},
        {"nomic", "NomicBertModel", "\"prenorm\": false", "\"prenorm\": true", LLMCS_UNSUPPORTED, "prenorm"},
        {"nomic", "NomicBertModel", "\"swiglu\"", "\"gelu\"", LLMCS_UNSUPPORTED, "activation_function"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char from[300];
        size_t n = 0;
        llmcs_model *m = NULL;
        snprintf(from, sizeof from, DATA "%s", cases[i].name);
        make_folder(from, cases[i].architecture);
        char *config = edit_read(temp_path(folder, "config.json"), &n);
        ck_assert_msg(
            edit_write(temp_path(folder, "config.json"), config, n, cases[i].from, cases[i].to, strlen(cases[i].to)),
            "%s", cases[i].from);
        free(config);
        ck_assert_msg(llmcs_model_open(folder, NULL, &m) == cases[i].status, "%s to %s: %s", cases[i].from, cases[i].to,
                      llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), cases[i].needle) != NULL, "%s: %s", cases[i].to,
                      llmcs_error_message());
    }
}
END_TEST

/* A missing tensor is named, whichever it is. */
START_TEST(every_missing_tensor_is_named) {
    for (size_t k = 0; k < N_NAMES; k++) {
        char from[300], architecture[MAX_NAME];
        size_t n_optional = 0;
        make_first(names[k], from, architecture);
        checkpoint *all = checkpoint_read(from);
        const size_t n = all->n_tensors;
        checkpoint_free(all);
        for (size_t t = 0; t < n; t++) {
            char name[128];
            llmcs_model *m = NULL;
            checkpoint *c = checkpoint_read(from);
            snprintf(name, sizeof name, "%s", c->tensors[t].name);
            checkpoint_remove(c, name);
            make_folder(from, architecture);
            char config[4000];
            size_t n_config;
            char *read = edit_read(temp_path(folder, "config.json"), &n_config);
            snprintf(config, sizeof config, "%s", read);
            free(read);
            remove(temp_path(folder, "model.safetensors"));
            checkpoint_write(c, folder, 1);
            temp_write_text(folder, "config.json", config);
            const llmcs_status status = llmcs_model_open(folder, NULL, &m);
            ck_assert_msg(status == LLMCS_OK || status == LLMCS_FORMAT || status == LLMCS_CONFIG, "%s: %s", name,
                          llmcs_error_message());
            if (!status) n_optional++; /* of another head */
            llmcs_model_free(&m);
            checkpoint_free(c);
        }
        ck_assert_msg(n_optional < n / 2, "%s: %zu of %zu tensors are not missed", names[k], n_optional, n);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------- shared golden */

START_TEST(shared_checkpoints) {
    static const char *const shared[] = {"xlm-roberta-ner", "xlm-roberta-rerank", "electra-cls", "albert-embed",
                                         "modernbert-embed"};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    char from[512], name[64];
    size_t n_found = 0;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        snprintf(name, sizeof name, "golden/%s", shared[i]);
        if (!shared_path(from, sizeof from, name)) continue;
        n_found++;
        golden *g = golden_open_folder(from);
        for (size_t s = 0; s < n_sets; s++) {
            setenv("LLMCS_CPU", sets[s]->name, 1);
            llmcs_model *m = open_model(from, s % 2 ? 3 : 1);
            double most = 0;
            size_t n = 0;
            for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c), n++)
                most = fmax(most, check_case(g, m, c));
            llmcs_model_free(&m);
            if (getenv("SHOW_DIFFERENCES"))
                printf("%s, %s: %zu cases, largest difference %.2g\n", shared[i], sets[s]->name, n, most);
        }
        golden_close(g);
    }
    unsetenv("LLMCS_CPU");
    if (!n_found) suite_skip("golden checkpoints", "the shared ones are not at hand");
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_transformers_computes);
    tcase_add_test(t, batches_and_threads_do_not_matter);
    tcase_add_test(t, weight_types);
    tcase_add_test(t, gguf_files);
    tcase_add_test(t, what_does_not_fit_is_named);
    tcase_add_test(t, every_missing_tensor_is_named);
    tcase_add_test(t, shared_checkpoints);
}

SUITE_MAIN("families/encoders", add)
