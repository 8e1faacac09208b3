#include <string.h>

#include "base/slab.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

#define PIECES 300

static size_t size_of_piece(size_t i) { return i % 50 == 49 ? 90000 : i % 131; }

/* What was counted before is enough to the last byte; any overlap shows. */
START_TEST(pieces_fill_it_and_are_apart) {
    static unsigned char *pieces[PIECES];
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    ll_slab slab;
    uint64_t capacity = 0;
    for (size_t i = 0; i < PIECES; i++) capacity += ll_slab_capacity(size_of_piece(i));
    ck_assert_int_eq(ll_slab_create(&slab, &a, capacity, "slab"), LLMCS_OK);
    const llmcs_allocator inside = ll_slab_allocator(&slab);
    for (size_t i = 0; i < PIECES; i++) {
        ck_assert_int_eq(ll_alloc(&inside, size_of_piece(i), 1, "piece", &pieces[i]), LLMCS_OK);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 64, 0);
        memset(pieces[i], (int)(i & 0xff), size_of_piece(i));
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < size_of_piece(i); k++)
            if (pieces[i][k] != (i & 0xff)) ck_abort_msg("piece %zu was overwritten", i);
    void *more;
    ck_assert_int_eq(ll_alloc(&inside, 0, 1, "one more", &more), LLMCS_NOMEM);
    ck_assert_ptr_null(more);
    ll_free(&inside, pieces[7]);  /* is only freed with the slab */
    ck_assert_int_eq(f.calls, 1); /* however many pieces */
    ll_slab_free(&slab);
    ck_assert_int_eq(f.live, 0);
    ll_slab_free(&slab);
}
END_TEST

START_TEST(what_does_not_fit_is_refused) {
    const llmcs_allocator a = ll_allocator_default();
    ll_slab slab = {0};
    void *p;
    ck_assert_uint_eq(ll_slab_capacity(0), 64);
    ck_assert_uint_eq(ll_slab_capacity(64), 64);
    ck_assert_uint_eq(ll_slab_capacity(65), 128);
    ck_assert_uint_eq(ll_slab_capacity(UINT64_MAX), UINT64_MAX);
    ll_slab_free(&slab);
    ck_assert_int_eq(ll_slab_create(&slab, &a, UINT64_MAX, "slab"), LLMCS_NOMEM);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "slab"));
    ll_slab_free(&slab);
    ck_assert_int_eq(ll_slab_create(&slab, &a, 128, "slab"), LLMCS_OK);
    const llmcs_allocator inside = ll_slab_allocator(&slab);
    ck_assert_int_eq(ll_alloc(&inside, 129, 1, "p", &p), LLMCS_NOMEM);
    ck_assert_int_eq(ll_alloc(&inside, PTRDIFF_MAX, 1, "p", &p), LLMCS_NOMEM);
    ck_assert_ptr_null(inside.alloc(inside.user, 1, 4096));
    ck_assert_int_eq(ll_alloc(&inside, 65, 1, "p", &p), LLMCS_OK);
    ck_assert_int_eq(ll_alloc(&inside, 1, 1, "p", &p), LLMCS_NOMEM);
    ll_slab_free(&slab);
}
END_TEST

START_TEST(no_memory_leaves_nothing) {
    fail_alloc f;
    fail_alloc_init(&f);
    f.fail_at = 0;
    const llmcs_allocator a = fail_alloc_get(&f);
    ll_slab slab;
    ck_assert_int_eq(ll_slab_create(&slab, &a, 100, "slab"), LLMCS_NOMEM);
    ck_assert_ptr_null(slab.memory);
    ll_slab_free(&slab);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, pieces_fill_it_and_are_apart);
    tcase_add_test(t, what_does_not_fit_is_refused);
    tcase_add_test(t, no_memory_leaves_nothing);
}

SUITE_MAIN("base/slab", add)
