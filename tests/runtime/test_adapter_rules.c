/* Which modules an adapter's config means, and the ranks that it gives them: as PEFT says (tests/data/adapters/
 * make_rules.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "runtime/adapter/modules.h"
#include "support/adapter_case.h"
#include "support/edit.h"
#include "support/suite.h"
#include "support/temp.h"

#define MAX_MODULES 32

static llmcs_allocator allocator;
static char folder[TEMP_PATH_BYTES];

static void set_up(void) {
    allocator = ll_allocator_default();
    temp_folder(folder);
}

static void tear_down(void) { temp_remove(folder); }

/* The source of an object, whose brackets match; the case's config has none in its strings that do not. */
static void write_config(const char *text, ll_json config) {
    const char *begin = text + ll_json_offset(config);
    const char *end = strstr(begin, "}, \"");
    char out[2000];
    ck_assert_ptr_nonnull(end);
    snprintf(out, sizeof out, "{\"peft_type\": \"LORA\", %.*s}", (int)(end - begin - 1), begin + 1);
    temp_write_text(folder, LL_ADAPTER_CONFIG, out);
}

static void check_case(const char *text, ll_json c, const char *const *modules, size_t n) {
    ll_adapter_config config;
    ll_adapter_rules rules;
    write_config(text, ll_json_get(c, "config"));
    ck_assert_msg(!ll_adapter_config_read(&config, &allocator, folder), "%s", llmcs_error_message());
    ck_assert_msg(!ll_adapter_rules_open(&rules, &allocator, &config), "%s", llmcs_error_message());
    ll_json target = ll_json_first(ll_json_get(c, "targets")), expected_rank = ll_json_first(ll_json_get(c, "ranks"));
    ck_assert(ll_json_get_type(target) || ll_json_get_type(expected_rank));
    for (size_t i = 0; i < n; i++) {
        bool expected = false, found = false;
        int64_t rank, found_rank;
        float scale;
        const int at = (int)ll_json_offset(c);
        if (ll_json_bool(target, &expected)) {
            ck_assert(!ll_adapter_targets(&rules, modules[i], true, &found));
            ck_assert_msg(found == expected, "case at byte %d, %s: %d", at, modules[i], found);
        }
        if (ll_json_int64(expected_rank, &rank)) {
            ck_assert(!ll_adapter_scale(&rules, modules[i], &found_rank, &scale));
            ck_assert_msg(found_rank == rank, "case at byte %d, %s: %d", at, modules[i], (int)found_rank);
            ck_assert(scale == 8.0f / (float)rank);
        }
        target = ll_json_next(target);
        expected_rank = ll_json_next(expected_rank);
    }
    ll_adapter_rules_free(&rules);
    ll_adapter_config_free(&config);
}

START_TEST(as_peft_says) {
    size_t len, n_modules = 0, n_cases = 0;
    static char copies[MAX_MODULES][100];
    const char *modules[MAX_MODULES];
    ll_json_doc *doc;
    char *text = edit_read(ADAPTER_DATA "rules.json", &len);
    ck_assert_ptr_nonnull(text);
    ck_assert(!ll_json_parse(&allocator, "rules.json", text, len, 0, &doc));
    for (ll_json m = ll_json_first(ll_json_get(ll_json_root(doc), "modules")); ll_json_get_type(m);
         m = ll_json_next(m)) {
        size_t n;
        const char *name = ll_json_string(m, &n);
        ck_assert_uint_lt(n_modules, MAX_MODULES);
        snprintf(copies[n_modules], sizeof copies[n_modules], "%.*s", (int)n, name);
        modules[n_modules] = copies[n_modules];
        n_modules++;
    }
    for (ll_json c = ll_json_first(ll_json_get(ll_json_root(doc), "cases")); ll_json_get_type(c); c = ll_json_next(c)) {
        check_case(text, c, modules, n_modules);
        n_cases++;
    }
    ck_assert_uint_ge(n_cases, 60);
    ll_json_free(&doc);
    free(text);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, as_peft_says);
}

SUITE_MAIN("runtime/adapter_rules", add)
