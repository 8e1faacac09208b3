/* Folders that appear whole or not at all. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output_folder.h"
#include "support/fail_alloc.h"
#include "support/suite.h"
#include "support/temp.h"

static char work[TEMP_PATH_BYTES], target[TEMP_PATH_BYTES + 16];
static llmcs_allocator allocator;

static void set_up(void) {
    allocator = ll_allocator_default();
    temp_folder(work);
    snprintf(target, sizeof target, "%s/target", work);
}

static void tear_down(void) { temp_remove(work); }

static bool is_there(const char *name) {
    struct stat st;
    return lstat(temp_path(work, name), &st) == 0;
}

static llmcs_status write_file(ll_output_folder *f, const char *name, const char *text) {
    ll_output out;
    LL_TRY(ll_output_folder_file(f, name, &out));
    const llmcs_status status = ll_output_write(&out, text, strlen(text));
    if (!status) return ll_output_finish(&out);
    ll_output_abandon(&out);
    return status;
}

START_TEST(it_appears_when_it_is_finished) {
    ll_output_folder f;
    char slash[TEMP_PATH_BYTES + 32];
    snprintf(slash, sizeof slash, "%s//", target);
    ck_assert(!ll_output_folder_begin(&f, &allocator, slash));
    ck_assert(!write_file(&f, "a", "one") && !write_file(&f, "b", "two"));
    ck_assert(!is_there("target"));
    ck_assert(!ll_output_folder_finish(&f));
    ck_assert(is_there("target/a") && is_there("target/b"));
    ll_output_folder_abandon(&f); /* no effect */
    ck_assert(is_there("target/a"));
}
END_TEST

START_TEST(an_abandoned_one_leaves_nothing) {
    ll_output_folder f;
    ll_output begun;
    ck_assert(!ll_output_folder_begin(&f, &allocator, target));
    ck_assert(!write_file(&f, "a", "one"));
    ck_assert(!ll_output_folder_file(&f, "b", &begun));
    ll_output_abandon(&begun);
    ll_output_folder_abandon(&f);
    ck_assert_int_eq(rmdir(work), 0); /* it is empty */
    ck_assert_int_eq(mkdir(work, 0700), 0);
}
END_TEST

START_TEST(what_exists_is_not_replaced) {
    ll_output_folder f;
    temp_write_text(work, "file", "x");
    ck_assert_int_eq(symlink("nowhere", temp_path(work, "link")), 0);
    ck_assert_int_eq(ll_output_folder_begin(&f, &allocator, work), LLMCS_ARG);
    ck_assert_int_eq(ll_output_folder_begin(&f, &allocator, temp_path(work, "file")), LLMCS_ARG);
    ck_assert_int_eq(ll_output_folder_begin(&f, &allocator, temp_path(work, "link")), LLMCS_ARG);
    ck_assert_int_eq(ll_output_folder_begin(&f, &allocator, temp_path(work, "no/folder")), LLMCS_IO);
}
END_TEST

/* Another program was faster. */
START_TEST(a_target_that_came_meanwhile_stays) {
    ll_output_folder f;
    ck_assert(!ll_output_folder_begin(&f, &allocator, target));
    ck_assert(!write_file(&f, "a", "one"));
    ck_assert_int_eq(mkdir(target, 0700), 0);
    temp_write_text(target, "other", "x");
    ck_assert_int_eq(ll_output_folder_finish(&f), LLMCS_IO);
    ck_assert(is_there("target/other") && !is_there("target/a"));
}
END_TEST

START_TEST(names_and_their_number_are_bounded) {
    ll_output_folder f;
    ll_output out;
    char name[80];
    memset(name, 'n', sizeof name);
    name[65] = 0;
    ck_assert(!ll_output_folder_begin(&f, &allocator, target));
    ck_assert_int_eq(ll_output_folder_file(&f, name, &out), LLMCS_LIMIT);
    for (int i = 0; i < LL_OUTPUT_FOLDER_FILES; i++) ck_assert(!write_file(&f, "a", "one"));
    ck_assert_int_eq(ll_output_folder_file(&f, "a", &out), LLMCS_LIMIT);
    ll_output_folder_abandon(&f);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    llmcs_status status = LLMCS_NOMEM;
    for (long n = 0; status; n++) {
        fail_alloc counter;
        fail_alloc_init(&counter);
        counter.fail_at = n;
        const llmcs_allocator a = fail_alloc_get(&counter);
        ll_output_folder f;
        status = ll_output_folder_begin(&f, &a, target);
        if (!status) status = write_file(&f, "a", "one");
        if (status) ll_output_folder_abandon(&f);
        if (!status) status = ll_output_folder_finish(&f);
        ck_assert(!status || status == LLMCS_NOMEM);
        ck_assert_int_eq(counter.live, 0);
        ck_assert_int_eq(is_there("target"), !status);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, it_appears_when_it_is_finished);
    tcase_add_test(t, an_abandoned_one_leaves_nothing);
    tcase_add_test(t, what_exists_is_not_replaced);
    tcase_add_test(t, a_target_that_came_meanwhile_stays);
    tcase_add_test(t, names_and_their_number_are_bounded);
    tcase_add_test(t, every_allocation_may_fail);
}

SUITE_MAIN("base/output_folder", add)
