/* LoRA adapters: what PEFT computes with them (tests/data/adapters/make.py), for every kind of weight and number of
 * threads; what is refused; memory. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/adapter_case.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/kernel_sets.h"
#include "support/model_fixture.h"
#include "support/suite.h"

static const char *const names[] = {"gpt2", "gpt2-embedding", "bert", "qwen2", "llama", "llama-saved"};
#define N_NAMES (sizeof names / sizeof *names)

/* ------------------------------------------------------------------------------------------- what PEFT computes */

/* The stored base weights are bfloat16 or float16 in some: float32 holds them and what is added. */
static void check_case(const char *name, int32_t n_threads) {
    char folder[200];
    snprintf(folder, sizeof folder, ADAPTER_DATA "%s", name);
    golden *g = golden_open_folder(folder);
    llmcs_model *m = open_adapted(name, n_threads, LLMCS_WEIGHTS_F32);
    size_t n_logits = 0, n_generated = 0;
    for (ll_json c = ll_json_first(golden_cases(g)); ll_json_get_type(c); c = ll_json_next(c)) {
        if (golden_is(c, "logits")) {
            static float found[ADAPTER_MAX_FLOATS];
            size_t n;
            const float *expected = golden_tensor(g, c, "expect", &n);
            ck_assert_uint_eq(adapted_logits(m, c, found), n);
            golden_assert_close(found, expected, n, name);
            n_logits++;
        } else {
            check_generated(m, c);
            n_generated++;
        }
    }
    ck_assert_uint_ge(n_logits, 2);
    ck_assert(n_generated || strcmp(name, "bert") == 0);
    llmcs_model_free(&m);
    golden_close(g);
}

START_TEST(what_peft_computes) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_sets = all_kernels(sets);
    for (size_t s = 0; s < n_sets; s++) {
        setenv("LLMCS_CPU", sets[s]->name, 1);
        for (size_t i = 0; i < N_NAMES; i++) check_case(names[i], s % 2 ? 3 : 1);
    }
    unsetenv("LLMCS_CPU");
}
END_TEST

/* Without its adapter a network gives other logits: the cases above can fail. */
START_TEST(without_the_adapter_others) {
    for (size_t i = 0; i < N_NAMES; i++) {
        static float found[ADAPTER_MAX_FLOATS], plain[ADAPTER_MAX_FLOATS];
        char folder[200], base[200];
        snprintf(folder, sizeof folder, ADAPTER_DATA "%s", names[i]);
        snprintf(base, sizeof base, ADAPTER_DATA "%s/base", names[i]);
        golden *g = golden_open_folder(folder);
        ll_json c = ll_json_first(golden_cases(g));
        llmcs_model *m = open_adapted(names[i], 1, LLMCS_WEIGHTS_AUTO), *n = open_model(base, 1);
        const size_t n_floats = adapted_logits(m, c, found);
        ck_assert_uint_eq(adapted_logits(n, c, plain), n_floats);
        float most = 0;
        for (size_t k = 0; k < n_floats; k++) most = fmaxf(most, fabsf(found[k] - plain[k]));
        ck_assert_msg(most > 0.1f, "%s: %g", names[i], (double)most);
        llmcs_model_free(&m);
        llmcs_model_free(&n);
        golden_close(g);
    }
}
END_TEST

/* The same bits with any number of threads, and through a mapping; other weights are near. */
START_TEST(every_weight_type_and_any_threads) {
    static const llmcs_weights weights[] = {LLMCS_WEIGHTS_AUTO, LLMCS_WEIGHTS_F32,  LLMCS_WEIGHTS_F16,
                                            LLMCS_WEIGHTS_BF16, LLMCS_WEIGHTS_INT8, LLMCS_WEIGHTS_INT4};
    static float one[ADAPTER_MAX_FLOATS], three[ADAPTER_MAX_FLOATS], exact[ADAPTER_MAX_FLOATS];
    for (size_t i = 0; i < N_NAMES; i++) {
        char folder[200];
        snprintf(folder, sizeof folder, ADAPTER_DATA "%s", names[i]);
        golden *g = golden_open_folder(folder);
        ll_json c = ll_json_first(golden_cases(g));
        llmcs_model *m = open_adapted(names[i], 1, LLMCS_WEIGHTS_F32);
        adapted_logits(m, c, exact);
        llmcs_model_free(&m);
        for (size_t k = 0; k < sizeof weights / sizeof *weights; k++) {
            llmcs_model *a = open_adapted(names[i], 1, weights[k]), *b = open_adapted(names[i], 3, weights[k]);
            const size_t n = adapted_logits(a, c, one);
            adapted_logits(b, c, three);
            ck_assert_msg(memcmp(one, three, n * sizeof *one) == 0, "%s, weights %d", names[i], (int)weights[k]);
            double d = 0, s = 0;
            for (size_t j = 0; j < n; j++) {
                d += pow((double)one[j] - (double)exact[j], 2);
                s += pow((double)exact[j], 2);
            }
            const double bound = weights[k] == LLMCS_WEIGHTS_INT4 ? 0.7 : 0.08;
            ck_assert_msg(sqrt(d / s) < bound, "%s, weights %d: %g", names[i], (int)weights[k], sqrt(d / s));
            llmcs_model_free(&a);
            llmcs_model_free(&b);
        }
        golden_close(g);
    }
}
END_TEST

/* Adapters of a GGUF file, whose matrices of GPT-2 are stored the other way round. */
START_TEST(a_gguf_file_is_a_base_too) {
    static const char *const bases[] = {"gpt2", "gpt2-embedding", "bert"};
    static float of_folder[ADAPTER_MAX_FLOATS], of_file[ADAPTER_MAX_FLOATS];
    char out[TEMP_PATH_BYTES];
    temp_folder(out);
    for (size_t i = 0; i < 3; i++) {
        char folder[200], path[300];
        snprintf(folder, sizeof folder, ADAPTER_DATA "%s", bases[i]);
        snprintf(path, sizeof path, "%s/base", folder);
        llmcs_quantize_params p;
        llmcs_quantize_params_init(&p);
        p.type = LLMCS_GGUF_F32;
        const char *file = temp_path(out, "base.gguf");
        ck_assert_msg(!llmcs_quantize(path, file, &p), "%s", llmcs_error_message());
        golden *g = golden_open_folder(folder);
        ll_json c = ll_json_first(golden_cases(g));
        llmcs_model *a = open_adapted(bases[i], 1, LLMCS_WEIGHTS_F32);
        const size_t n = adapted_logits(a, c, of_folder);
        llmcs_model *b = NULL;
        snprintf(path, sizeof path, "%s/adapter", folder);
        ck_assert_msg(!open_with_adapters(file, path, NULL, 1, LLMCS_WEIGHTS_F32, NULL, &b), "%s",
                      llmcs_error_message());
        adapted_logits(b, c, of_file);
        ck_assert_msg(memcmp(of_folder, of_file, n * sizeof *of_file) == 0, "%s", bases[i]);
        llmcs_model_free(&a);
        llmcs_model_free(&b);
        golden_close(g);
    }
    temp_remove(out);
}
END_TEST

/* llama.cpp stores rows of Llama's queries and keys in pairs, which an adapter's are not; Qwen2's as they are. */
START_TEST(rows_in_pairs_are_refused) {
    static float of_folder[ADAPTER_MAX_FLOATS], of_file[ADAPTER_MAX_FLOATS];
    char out[TEMP_PATH_BYTES];
    llmcs_quantize_params p;
    llmcs_model *m = NULL, *n = NULL;
    temp_folder(out);
    llmcs_quantize_params_init(&p);
    p.type = LLMCS_GGUF_F32;
    const char *file = temp_path(out, "base.gguf");
    ck_assert_msg(!llmcs_quantize(ADAPTER_DATA "llama/base", file, &p), "%s", llmcs_error_message());
    ck_assert_int_eq(open_with_adapters(file, ADAPTER_DATA "llama/adapter", NULL, 1, LLMCS_WEIGHTS_F32, NULL, &m),
                     LLMCS_UNSUPPORTED);
    ck_assert_msg(strstr(llmcs_error_message(), "paired order") != NULL, "%s", llmcs_error_message());
    file = temp_path(out, "qwen2.gguf");
    ck_assert_msg(!llmcs_quantize(ADAPTER_DATA "qwen2/base", file, &p), "%s", llmcs_error_message());
    golden *g = golden_open_folder(ADAPTER_DATA "qwen2");
    ll_json c = ll_json_first(golden_cases(g));
    ck_assert_msg(!open_with_adapters(file, ADAPTER_DATA "qwen2/adapter", NULL, 1, LLMCS_WEIGHTS_F32, NULL, &m), "%s",
                  llmcs_error_message());
    n = open_adapted("qwen2", 1, LLMCS_WEIGHTS_F32);
    const size_t n_floats = adapted_logits(m, c, of_file);
    adapted_logits(n, c, of_folder);
    for (size_t i = 0; i < n_floats; i++) ck_assert(fabsf(of_file[i] - of_folder[i]) < 1e-4f);
    llmcs_model_free(&m);
    llmcs_model_free(&n);
    golden_close(g);
    temp_remove(out);
}
END_TEST

/* Saved sessions and vectors are of one network: see llmcs_model_fingerprint. */
START_TEST(fingerprints_differ) {
    uint64_t with = 0, without = 0, again = 0;
    llmcs_model *m = open_adapted("bert", 1, LLMCS_WEIGHTS_AUTO), *n = open_model(ADAPTER_DATA "bert/base", 1),
                *o = open_adapted("bert", 3, LLMCS_WEIGHTS_AUTO);
    ck_assert(!llmcs_model_fingerprint(m, &with) && !llmcs_model_fingerprint(n, &without));
    ck_assert(!llmcs_model_fingerprint(o, &again));
    ck_assert_uint_ne(with, without);
    ck_assert_uint_eq(with, again);
    llmcs_model_free(&m);
    llmcs_model_free(&n);
    llmcs_model_free(&o);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------- memory */

/* The plan's peak bounds what opening takes. */
START_TEST(the_plan_counts_the_adapter) {
    for (size_t i = 0; i < N_NAMES; i++) {
        char base[200], adapter[200];
        const char *const adapters[] = {adapter};
        snprintf(base, sizeof base, ADAPTER_DATA "%s/base", names[i]);
        snprintf(adapter, sizeof adapter, ADAPTER_DATA "%s/adapter", names[i]);
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = -1;
        llmcs_allocator a = fail_alloc_get(&f);
        llmcs_model_options o;
        llmcs_model_options_init(&o);
        o.n_threads = 1;
        o.adapters = adapters;
        o.n_adapters = 1;
        llmcs_plan_info plan = {.struct_size = sizeof plan};
        ck_assert_msg(!llmcs_plan(base, &o, NULL, &plan), "%s", llmcs_error_message());
        o.allocator = &a;
        llmcs_model *m = NULL;
        ck_assert_msg(!llmcs_model_open(base, &o, &m), "%s", llmcs_error_message());
        ck_assert_uint_ge(plan.peak_bytes, (uint64_t)f.peak_bytes);
        ck_assert_uint_le(plan.peak_bytes, (uint64_t)f.peak_bytes + (uint64_t)f.peak_bytes / 8);
        llmcs_model_free(&m);
        ck_assert_int_eq(f.live, 0);
        o.allocator = NULL;
        o.max_bytes = plan.peak_bytes - 1;
        ck_assert_int_eq(llmcs_model_open(base, &o, &m), LLMCS_LIMIT);
    }
}
END_TEST

/* The n-th allocation fails, for every n. */
START_TEST(every_allocation_may_fail) {
    for (size_t i = 0; i < N_NAMES; i++) {
        char base[200], adapter[200];
        snprintf(base, sizeof base, ADAPTER_DATA "%s/base", names[i]);
        snprintf(adapter, sizeof adapter, ADAPTER_DATA "%s/adapter", names[i]);
        llmcs_status status = LLMCS_NOMEM;
        long n = 0;
        for (; status; n++) {
            fail_alloc f;
            fail_alloc_init(&f);
            f.fail_at = n;
            llmcs_allocator a = fail_alloc_get(&f);
            llmcs_model *m = NULL;
            status = open_with_adapters(base, adapter, NULL, 1, LLMCS_WEIGHTS_AUTO, &a, &m);
            ck_assert_msg(!status || (status == LLMCS_NOMEM && !m), "%s, allocation %ld: %s", names[i], n,
                          llmcs_error_message());
            llmcs_model_free(&m);
            ck_assert_int_eq(f.live, 0);
        }
        ck_assert_int_ge(n, 40);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, what_peft_computes);
    tcase_add_test(t, without_the_adapter_others);
    tcase_add_test(t, every_weight_type_and_any_threads);
    tcase_add_test(t, a_gguf_file_is_a_base_too);
    tcase_add_test(t, rows_in_pairs_are_refused);
    tcase_add_test(t, fingerprints_differ);
    tcase_add_test(t, the_plan_counts_the_adapter);
    tcase_add_test(t, every_allocation_may_fail);
}

SUITE_MAIN("runtime/adapter", add)
