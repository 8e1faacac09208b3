/* llmcs_merge: the folder that it writes is what the model with its adapter was, and what PEFT's merge_and_unload
 * makes; what cannot be written leaves nothing. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/tensors.h"
#include "support/adapter_case.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/suite.h"
#include "support/temp.h"

static const char *const names[] = {"gpt2", "gpt2-embedding", "bert", "qwen2", "llama", "llama-saved"};
#define N_NAMES (sizeof names / sizeof *names)

static char work[TEMP_PATH_BYTES], merged[TEMP_PATH_BYTES + 16];

static void set_up(void) {
    temp_folder(work);
    snprintf(merged, sizeof merged, "%s/merged", work);
}

static void tear_down(void) { temp_remove(work); }

static void data_path(char path[200], const char *name, const char *part) {
    snprintf(path, 200, ADAPTER_DATA "%s/%s", name, part);
}

static llmcs_status merge_to(const char *name, const char *out, const llmcs_merge_params *params) {
    char base[200], first[200], second[200];
    data_path(base, name, "base");
    data_path(first, name, "adapter");
    data_path(second, name, "second");
    const char *const adapters[] = {first, second};
    return llmcs_merge(base, adapters, access(second, R_OK) == 0 ? 2 : 1, out, params);
}

static void merge(const char *name) { ck_assert_msg(!merge_to(name, merged, NULL), "%s", llmcs_error_message()); }

static size_t count_entries(const char *folder) {
    size_t n = 0;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

/* ---------------------------------------------------------------------------------------------- what it computes */

/* Of float32, float16 and bfloat16 weights the very bits, as they are rounded once. Eight and four bits come from
 * float32 numbers there and from rounded ones here: equal where the base is float32. */
START_TEST(the_same_bits_as_with_the_adapter) {
    static const llmcs_weights weights[] = {LLMCS_WEIGHTS_AUTO, LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_INT8};
    static float with[ADAPTER_MAX_FLOATS], without[ADAPTER_MAX_FLOATS];
    for (size_t i = 0; i < N_NAMES; i++) {
        char folder[200];
        data_path(folder, names[i], "");
        golden *g = golden_open_folder(folder);
        /* Whose norms the adapter holds in float32, as they are computed with: the folder has them in float16. */
        const bool rounded_norms = strcmp(names[i], "llama-saved") == 0;
        const bool halves = strcmp(names[i], "qwen2") == 0 || strcmp(names[i], "llama-saved") == 0;
        merge(names[i]);
        for (size_t k = 0; k < (halves ? 1 : 3); k++) {
            llmcs_model *m = open_model_kept(merged, 1, weights[k], LLMCS_KV_AUTO),
                        *n = open_adapted(names[i], 3, weights[k]);
            for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c)) {
                if (!golden_is(c, "logits")) continue;
                const size_t n_floats = adapted_logits(n, c, with);
                ck_assert_uint_eq(adapted_logits(m, c, without), n_floats);
                for (size_t j = 0; j < n_floats && rounded_norms; j++) ck_assert(fabsf(with[j] - without[j]) < 2e-2f);
                ck_assert_msg(rounded_norms || memcmp(with, without, n_floats * sizeof *with) == 0, "%s, weights %d",
                              names[i], (int)weights[k]);
            }
            llmcs_model_free(&m);
            llmcs_model_free(&n);
        }
        golden_close(g);
        temp_remove(merged);
    }
}
END_TEST

/* Within the rounding of the type that the weights are stored in. */
START_TEST(what_merge_and_unload_makes) {
    static float found[ADAPTER_MAX_FLOATS];
    for (size_t i = 0; i < N_NAMES; i++) {
        char folder[200];
        data_path(folder, names[i], "");
        golden *g = golden_open_folder(folder);
        merge(names[i]);
        llmcs_model *m = open_model_kept(merged, 1, LLMCS_WEIGHTS_F32, LLMCS_KV_F32);
        for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c)) {
            size_t n;
            const float *expected = golden_tensor(g, c, "merged", &n);
            if (!expected) continue;
            ck_assert_uint_eq(adapted_logits(m, c, found), n);
            golden_assert_close(found, expected, n, names[i]);
        }
        llmcs_model_free(&m);
        golden_close(g);
        temp_remove(merged);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------ what it writes */

/* Every tensor of the base, in its type; heads that only the adapted network has. */
START_TEST(tensors_keep_their_types) {
    const llmcs_allocator a = ll_allocator_default();
    const ll_log silent = {0};
    for (size_t i = 0; i < N_NAMES; i++) {
        char base[200];
        ll_tensors *from = NULL, *to = NULL;
        data_path(base, names[i], "base");
        merge(names[i]);
        ck_assert(!ll_tensors_open(&a, &(ll_source){.path = base}, LLMCS_LOAD_COPY, &silent, &from));
        ck_assert_msg(!ll_tensors_open(&a, &(ll_source){.path = merged}, LLMCS_LOAD_COPY, &silent, &to), "%s",
                      llmcs_error_message());
        for (size_t k = 0; k < ll_tensors_count(from); k++) {
            const ll_tensor *t = ll_tensors_at(from, k), *u = ll_tensors_find(to, t->name);
            ck_assert_msg(u && u->dtype == t->dtype && u->n_elements == t->n_elements, "%s: %s", names[i], t->name);
        }
        const bool untied = strcmp(names[i], "gpt2-embedding") == 0 || strcmp(names[i], "llama-saved") == 0;
        ck_assert_uint_eq(ll_tensors_count(to), ll_tensors_count(from) + untied);
        ck_assert_int_eq(ll_tensors_find(to, "lm_head.weight") != NULL, untied || strcmp(names[i], "llama") == 0);
        ll_tensors_close(&from);
        ll_tensors_close(&to);
        temp_remove(merged);
    }
}
END_TEST

/* Tokenizer and settings go along; weights of other programs, and what is no file, do not. */
START_TEST(the_small_files_are_copied) {
    char base[TEMP_PATH_BYTES + 16], path[TEMP_PATH_BYTES + 64];
    const char *const adapters[] = {ADAPTER_DATA "gpt2/adapter"};
    size_t n;
    snprintf(base, sizeof base, "%s/base", work);
    ck_assert_int_eq(mkdir(base, 0700), 0);
    static const char *const copied[] = {"config.json", "model.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, ADAPTER_DATA "gpt2/base/%s", copied[i]);
        char *data = edit_read(path, &n);
        ck_assert_ptr_nonnull(data);
        temp_write(base, copied[i], data, n);
        free(data);
    }
    temp_write_text(base, "tokenizer.json", "{}");
    temp_write_text(base, "merges.txt", "#version: 0.2\n");
    temp_write_text(base, "chat_template.jinja", "{{ messages }}");
    temp_write_text(base, "pytorch_model.bin", "PK");
    temp_write_text(base, "pytorch_model.bin.index.json", "{}");
    snprintf(path, sizeof path, "%s/onnx.json", base);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_msg(!llmcs_merge(base, adapters, 1, merged, NULL), "%s", llmcs_error_message());
    ck_assert_uint_eq(count_entries(merged), 5);
    char *text = edit_read(temp_path(merged, "chat_template.jinja"), &n);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "{{ messages }}");
    free(text);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- refusals */

static void nothing_written(llmcs_status status, llmcs_status expected, const char *part) {
    ck_assert_msg(status == expected, "%s: %s", llmcs_status_name(status), llmcs_error_message());
    ck_assert_msg(strstr(llmcs_error_message(), part) != NULL, "%s", llmcs_error_message());
}

START_TEST(nothing_is_replaced) {
    const char *const adapters[] = {ADAPTER_DATA "gpt2/adapter"};
    merge("gpt2");
    nothing_written(merge_to("gpt2", merged, NULL), LLMCS_ARG, "exists");
    nothing_written(merge_to("gpt2", ADAPTER_DATA "gpt2/base/", NULL), LLMCS_ARG, "exists");
    temp_write_text(work, "file", "x");
    nothing_written(merge_to("gpt2", temp_path(work, "file"), NULL), LLMCS_ARG, "exists");
    nothing_written(merge_to("gpt2", temp_path(work, "no/merged"), NULL), LLMCS_IO, "cannot be created");
    nothing_written(merge_to("gpt2", "", NULL), LLMCS_ARG, "empty");
    nothing_written(merge_to("gpt2", NULL, NULL), LLMCS_ARG, "empty");
    nothing_written(llmcs_merge(ADAPTER_DATA "gpt2/base", NULL, 0, temp_path(work, "x"), NULL), LLMCS_ARG,
                    "no adapter");
    nothing_written(llmcs_merge(ADAPTER_DATA "llama/base", adapters, 1, temp_path(work, "x"), NULL), LLMCS_CONFIG,
                    "has no place");
    nothing_written(llmcs_merge("tests/data/sentence/qwen3-embedding", adapters, 1, temp_path(work, "x"), NULL),
                    LLMCS_UNSUPPORTED, "modules.json");
    llmcs_quantize_params q;
    llmcs_quantize_params_init(&q);
    const char *gguf = temp_path(work, "base.gguf");
    ck_assert(!llmcs_quantize(ADAPTER_DATA "gpt2/base", gguf, &q));
    nothing_written(llmcs_merge(gguf, adapters, 1, temp_path(work, "x"), NULL), LLMCS_UNSUPPORTED, "GGUF");
    ck_assert_uint_eq(count_entries(work), 3); /* merged, file, base.gguf */
}
END_TEST

static int stop_at_half(void *user, float done) {
    float *last = user;
    ck_assert(done >= *last && done <= 1.0f);
    *last = done;
    return done > 0.5f;
}

START_TEST(progress_may_stop_it) {
    llmcs_merge_params p;
    float last = 0;
    llmcs_merge_params_init(&p);
    p.progress = stop_at_half;
    p.progress_user = &last;
    nothing_written(merge_to("gpt2", merged, &p), LLMCS_CANCELLED, "progress callback stopped");
    ck_assert_uint_eq(count_entries(work), 0);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    for (size_t i = 0; i < N_NAMES; i++) {
        llmcs_status status = LLMCS_NOMEM;
        long n = 0;
        for (; status; n++) {
            fail_alloc f;
            fail_alloc_init(&f);
            f.fail_at = n;
            llmcs_allocator a = fail_alloc_get(&f);
            llmcs_merge_params p;
            llmcs_merge_params_init(&p);
            p.allocator = &a;
            status = merge_to(names[i], merged, &p);
            ck_assert_msg(!status || status == LLMCS_NOMEM, "%s, allocation %ld: %s", names[i], n,
                          llmcs_error_message());
            ck_assert_int_eq(f.live, 0);
            ck_assert_uint_eq(count_entries(work), !status);
        }
        ck_assert_int_ge(n, 40);
        temp_remove(merged);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, the_same_bits_as_with_the_adapter);
    tcase_add_test(t, what_merge_and_unload_makes);
    tcase_add_test(t, tensors_keep_their_types);
    tcase_add_test(t, the_small_files_are_copied);
    tcase_add_test(t, nothing_is_replaced);
    tcase_add_test(t, progress_may_stop_it);
    tcase_add_test(t, every_allocation_may_fail);
}

SUITE_MAIN("runtime/adapter_merge", add)
