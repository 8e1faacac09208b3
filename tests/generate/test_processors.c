#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/processors.h"
#include "support/suite.h"

enum { VOCAB = 12 };

static llmcs_allocator allocator;
static ll_processors p;
static float scores[VOCAB];

static void setup(void) {
    allocator = ll_allocator_default();
    p = (ll_processors){.repetition_penalty = 1.0f,
                        .encoder_repetition_penalty = 1.0f,
                        .decay_factor = 1.0f,
                        .max_new_tokens = 10,
                        .vocab = VOCAB};
    ck_assert_int_eq(ll_alloc_zero(&allocator, VOCAB, sizeof *p.counts, "counts", &p.counts), LLMCS_OK);
    for (size_t i = 0; i < VOCAB; i++) scores[i] = (float)i - 5.0f;
}

static void teardown(void) {
    for (size_t i = 0; i < VOCAB; i++) ck_assert_uint_eq(p.counts[i], 0); /* the scratch is clean again */
    ll_free(&allocator, p.counts);
}

static void restart(void) {
    teardown();
    setup();
}

static void expect_only_banned(const int32_t *banned, size_t n_banned) {
    for (size_t i = 0; i < VOCAB; i++) {
        bool is_banned = false;
        for (size_t b = 0; b < n_banned; b++) is_banned |= banned[b] == (int32_t)i;
        if (is_banned)
            ck_assert_msg(scores[i] == -INFINITY, "token %zu should be forbidden", i);
        else
            ck_assert_msg(scores[i] == (float)i - 5.0f, "token %zu should be as it was", i);
    }
}

START_TEST(nothing_asked_changes_nothing) {
    ck_assert(!ll_processors_active(&p));
    const int32_t ids[] = {1, 2, 1};
    ll_processors_apply(&p, scores, ids, 3, 1);
    expect_only_banned(NULL, 0);
}
END_TEST

START_TEST(repetition_penalty_counts_a_token_once_on_both_sides_of_zero) {
    p.repetition_penalty = 2.0f;
    ck_assert(ll_processors_active(&p));
    const int32_t ids[] = {1, 9, 1, 9, 9, 5};
    ll_processors_apply(&p, scores, ids, 6, 2);
    ck_assert(scores[1] == -8.0f); /* -4 * 2 */
    ck_assert(scores[9] == 2.0f);  /* 4 / 2 */
    ck_assert(scores[5] == 0.0f);
    ck_assert(scores[2] == -3.0f);
}
END_TEST

START_TEST(presence_and_frequency_count_new_tokens_only) {
    p.presence_penalty = 0.5f;
    p.frequency_penalty = 0.25f;
    const int32_t ids[] = {3, 3, 7, /* new: */ 7, 8, 7};
    ll_processors_apply(&p, scores, ids, 6, 3);
    ck_assert(scores[3] == -2.0f);
    ck_assert(scores[7] == 2.0f - 0.5f - 2 * 0.25f);
    ck_assert(scores[8] == 3.0f - 0.5f - 0.25f);
}
END_TEST

START_TEST(ngrams_of_every_size_are_not_repeated) {
    const int32_t ids[] = {1, 2, 3, 1, 2, 4, 1, 2};
    p.no_repeat_ngram_size = 3;
    ll_processors_apply(&p, scores, ids, 8, 3);
    expect_only_banned((const int32_t[]){3, 4}, 2);
    restart();
    p.no_repeat_ngram_size = 1;
    ll_processors_apply(&p, scores, ids, 8, 3);
    expect_only_banned((const int32_t[]){1, 2, 3, 4}, 4);
    restart();
    p.no_repeat_ngram_size = 8; /* one whole 8-gram, whose first seven are not the last seven */
    ll_processors_apply(&p, scores, ids, 8, 3);
    expect_only_banned(NULL, 0);
    restart();
    p.no_repeat_ngram_size = 9;
    ll_processors_apply(&p, scores, ids, 8, 3);
    expect_only_banned(NULL, 0);
}
END_TEST

START_TEST(ngrams_agree_with_a_search_of_all_pairs) {
    srand(11);
    for (int round = 0; round < 300; round++) {
        restart();
        size_t n = (size_t)(rand() % 40) + 1, size = (size_t)(rand() % 4) + 1;
        int32_t ids[40];
        for (size_t i = 0; i < n; i++) ids[i] = rand() % 3;
        p.no_repeat_ngram_size = size;
        ll_processors_apply(&p, scores, ids, n, 0);
        for (int32_t next = 0; next < VOCAB; next++) { /* would appending `next` make an n-gram twice? */
            bool twice = false;
            int32_t with[41];
            memcpy(with, ids, n * sizeof *ids);
            with[n] = next;
            for (size_t i = 0; i + size < n + 1 && n + 1 >= size; i++)
                twice |= !memcmp(with + i, with + n + 1 - size, size * sizeof *with);
            ck_assert_msg(twice == (scores[next] == -INFINITY), "round %d (seed 11) token %d", round, next);
        }
    }
}
END_TEST

START_TEST(bad_words_match_the_tail) {
    const int32_t one[] = {3}, two[] = {5, 7}, three[] = {4, 5, 8}, eos_alone[] = {0}, eos_last[] = {5, 0};
    const llmcs_ids words[] = {{one, 1}, {two, 2}, {three, 3}, {eos_alone, 1}, {eos_last, 2}};
    const int32_t eos[] = {0};
    p.bad_words = words;
    p.n_bad_words = 5;
    p.eos = eos;
    p.n_eos = 1;
    ll_processors_apply(&p, scores, (const int32_t[]){1, 4, 5}, 3, 0);
    expect_only_banned((const int32_t[]){3, 7, 8, 0}, 4);
    restart();
    p.bad_words = words;
    p.n_bad_words = 5;
    p.eos = eos;
    p.n_eos = 1;
    ll_processors_apply(&p, scores, (const int32_t[]){5, 4}, 2, 0);
    expect_only_banned((const int32_t[]){3}, 1);
    restart();
    p.bad_words = words; /* Transformers: a word longer than what there is so far is not looked for */
    p.n_bad_words = 2;
    ll_processors_apply(&p, scores, (const int32_t[]){5}, 1, 0);
    expect_only_banned((const int32_t[]){3}, 1);
}
END_TEST

START_TEST(no_eos_before_min_new_tokens) {
    const int32_t eos[] = {2, 11};
    const int32_t ids[] = {1, 1, 1, 1};
    p.eos = eos;
    p.n_eos = 2;
    p.min_new_tokens = 3;
    ll_processors_apply(&p, scores, ids, 4, 2);
    expect_only_banned(eos, 2);
    restart();
    p.eos = eos;
    p.n_eos = 2;
    p.min_new_tokens = 3;
    ll_processors_apply(&p, scores, ids, 4, 3);
    expect_only_banned(NULL, 0);
}
END_TEST

/* The bias stands before the penalties, as Transformers' sequence_bias does. */
START_TEST(logit_bias_comes_first) {
    const llmcs_logit_bias bias[] = {{1, 6.0f}, {9, -INFINITY}, {8, INFINITY}, {1, 2.0f}};
    p.logit_bias = bias;
    p.n_logit_bias = 4;
    p.repetition_penalty = 2.0f;
    ll_processors_apply(&p, scores, (const int32_t[]){1, 9}, 2, 0);
    ck_assert(scores[1] == 2.0f); /* (-4 + 6 + 2) / 2, not -4 * 2 + 8 */
    ck_assert(scores[9] == -INFINITY);
    ck_assert(scores[8] == INFINITY);
}
END_TEST

/* What was not announced must not change: blocks that nobody touched are not copied. */
START_TEST(prompt_penalty_favours_the_prompt) {
    p.encoder_repetition_penalty = 2.0f; /* the other way round: a penalty of 1/2 */
    ck_assert(ll_processors_active(&p));
    const int32_t ids[] = {1, 9, 1, 5, 2};
    p.source = (llmcs_ids){ids, 4};
    ll_processors_apply(&p, scores, ids, 5, 1);
    ck_assert(scores[1] == -2.0f && scores[9] == 8.0f && scores[5] == 0.0f);
    ck_assert(scores[2] == -3.0f); /* a new token */
    restart();
    const int32_t source[] = {1, 9}, decoder[] = {4}; /* an encoder's source is not among the decoder's tokens */
    p.encoder_repetition_penalty = 2.0f;
    p.source = (llmcs_ids){source, 2};
    ll_processors_apply(&p, scores, decoder, 1, 0);
    ck_assert(scores[1] == -2.0f && scores[9] == 8.0f && scores[4] == -1.0f);
}
END_TEST

START_TEST(ngrams_of_the_prompt_are_not_repeated) {
    p.encoder_no_repeat_ngram_size = 2;
    ck_assert(ll_processors_active(&p));
    const int32_t ids[] = {1, 2, 3, 2, 7, 8, 7};
    p.source = (llmcs_ids){ids, 3};
    ll_processors_apply(&p, scores, ids, 4, 1); /* prompt 1 2 3, then 2: 3 would repeat "2 3" */
    expect_only_banned((const int32_t[]){3}, 1);
    restart();
    p.encoder_no_repeat_ngram_size = 2;
    p.source = (llmcs_ids){ids, 3};
    ll_processors_apply(&p, scores, ids, 7, 4); /* "7 8" is in the answer only */
    expect_only_banned(NULL, 0);
}
END_TEST

START_TEST(sequences_are_biased_where_they_may_complete) {
    const int32_t one[] = {3}, two[] = {5, 7}, three[] = {4, 5, 8}, longer[] = {1, 4, 5, 9};
    const llmcs_sequence_bias biases[] = {{{one, 1}, 1.5f}, {{two, 2}, 2.0f}, {{three, 3}, -4.0f}, {{longer, 4}, 9.0f}};
    p.sequence_bias = biases;
    p.n_sequence_bias = 4;
    ck_assert(ll_processors_active(&p));
    ll_processors_apply(&p, scores, (const int32_t[]){1, 4, 5}, 3, 0);
    ck_assert(scores[3] == -0.5f && scores[7] == 4.0f && scores[8] == -1.0f);
    ck_assert(scores[9] == 4.0f); /* as in Transformers: more tokens than there are */
    restart();
    p.sequence_bias = biases;
    p.n_sequence_bias = 4;
    ll_processors_apply(&p, scores, (const int32_t[]){5, 4}, 2, 0);
    ck_assert(scores[3] == -0.5f && scores[7] == 2.0f && scores[8] == 3.0f);
}
END_TEST

START_TEST(tokens_of_earlier_groups_cost) {
    const int32_t taken[] = {6, 2, 6};
    p.diversity_penalty = 1.25f;
    p.taken = (llmcs_ids){taken, 3};
    ck_assert(ll_processors_active(&p));
    ll_processors_apply(&p, scores, (const int32_t[]){1}, 1, 0);
    ck_assert(scores[6] == 1.0f - 2.5f && scores[2] == -3.0f - 1.25f && scores[3] == -2.0f);
}
END_TEST

START_TEST(eos_gains_from_the_start_on) {
    const int32_t eos[] = {2, 11, -1, VOCAB}, ids[] = {1, 1, 1, 1, 1, 1, 1};
    for (int round = 0; round < 4; round++) {
        restart();
        p.eos = eos;
        p.n_eos = 4;
        p.decay_start = 2;
        p.decay_factor = 2.0f;
        ck_assert(ll_processors_active(&p));
        if (round == 0) {
            ll_processors_apply(&p, scores, ids, 5, 2); /* two new tokens: not yet */
            expect_only_banned(NULL, 0);
        } else if (round == 1) { /* |-3| * (2^3 - 1) */
            ll_processors_apply(&p, scores, ids, 7, 5);
            ck_assert(scores[2] == -3.0f + 21.0f && scores[11] == 6.0f + 42.0f && scores[10] == 5.0f);
        } else if (round == 2) { /* forbidden stays forbidden */
            p.min_new_tokens = 9;
            ll_processors_apply(&p, scores, ids, 7, 5);
            expect_only_banned(eos, 2);
        } else { /* no infinity */
            p.decay_factor = 3e38f;
            ll_processors_apply(&p, scores, ids, 7, 5);
            ck_assert(scores[2] < INFINITY && scores[2] > 1e38f);
        }
    }
}
END_TEST

START_TEST(suppressed_tokens) {
    const int32_t always[] = {3, 5}, at_first[] = {7}, ids[] = {1, 2, 4};
    p.suppress = (llmcs_ids){always, 2};
    p.begin_suppress = (llmcs_ids){at_first, 1};
    ck_assert(ll_processors_active(&p));
    ll_processors_apply(&p, scores, ids, 2, 0);
    expect_only_banned((const int32_t[]){3, 5, 7}, 3);
    restart();
    p.suppress = (llmcs_ids){always, 2};
    p.begin_suppress = (llmcs_ids){at_first, 1};
    ll_processors_apply(&p, scores, ids, 3, 1);
    expect_only_banned((const int32_t[]){3, 5}, 2);
}
END_TEST

static void expect_only(int32_t id) {
    for (size_t i = 0; i < VOCAB; i++) ck_assert(scores[i] == ((int32_t)i == id ? 0.0f : -INFINITY));
}

START_TEST(forced_tokens) {
    const int32_t bos[] = {4}, eos[] = {6}, at_first[] = {7}, ids[] = {1, 4, 9};
    for (int round = 0; round < 5; round++) {
        restart();
        p.forced_bos = (llmcs_ids){bos, 1};
        p.forced_eos = (llmcs_ids){eos, 1};
        p.begin_suppress = (llmcs_ids){at_first, 1};
        p.max_new_tokens = 3;
        ck_assert(ll_processors_active(&p));
        if (round == 0) { /* a prompt of one token: BOS comes, and begins again behind it */
            ll_processors_apply(&p, scores, ids, 1, 0);
            expect_only(4);
        } else if (round == 1) {
            ll_processors_apply(&p, scores, ids, 2, 1);
            expect_only_banned(at_first, 1);
        } else if (round == 2) { /* the last of three */
            ll_processors_apply(&p, scores, ids, 3, 2);
            expect_only(6);
        } else if (round == 3) { /* a longer prompt has its BOS */
            ll_processors_apply(&p, scores, ids, 2, 0);
            expect_only_banned(at_first, 1);
        } else { /* one new token of a prompt of one: EOS */
            p.max_new_tokens = 1;
            ll_processors_apply(&p, scores, ids, 1, 0);
            expect_only(6);
        }
    }
}
END_TEST

START_TEST(every_id_that_changes_was_touched) {
    enum { MANY = 1000, N = 60 };
    const unsigned seed = 5;
    srand(seed);
    ll_scores view;
    teardown();
    ck_assert_int_eq(ll_scores_init(&view, &allocator, MANY), LLMCS_OK);
    for (int round = 0; round < 1000; round++) {
        const size_t n_new = (size_t)rand() % 3 ? 10 : 0, n_ids = rand() % 8 ? N : 1 + n_new;
        static float row[MANY], whole[MANY], before[MANY];
        int32_t ids[N], word[3];
        const int32_t eos[] = {rand() % MANY, MANY + 3, -1};
        for (size_t i = 0; i < MANY; i++) row[i] = before[i] = whole[i] = (float)(rand() % 100) - 50;
        for (size_t i = 0; i < N; i++) ids[i] = rand() % MANY;
        for (size_t i = 0; i < 3; i++) word[i] = rand() % 2 ? ids[N - 3 + i] : rand() % MANY;
        const llmcs_ids words[] = {{word, 3}, {word, 1}};
        const llmcs_sequence_bias biases[] = {{{word, 3}, 0.5f}, {{word + 1, 1}, -1.0f}};
        const llmcs_logit_bias bias[] = {{rand() % MANY, 1.5f}, {rand() % MANY, -INFINITY}};
        p = (ll_processors){.repetition_penalty = rand() % 2 ? 1.3f : 1.0f,
                            .presence_penalty = rand() % 2 ? 0.5f : 0.0f,
                            .frequency_penalty = rand() % 2 ? 0.5f : 0.0f,
                            .no_repeat_ngram_size = (size_t)rand() % 3,
                            .min_new_tokens = (size_t)rand() % 20,
                            .eos = eos,
                            .n_eos = 3,
                            .bad_words = words,
                            .n_bad_words = (size_t)rand() % 3,
                            .logit_bias = bias,
                            .n_logit_bias = (size_t)rand() % 3,
                            .sequence_bias = biases,
                            .n_sequence_bias = (size_t)rand() % 3,
                            .decay_start = (size_t)rand() % 20,
                            .decay_factor = rand() % 2 ? 1.3f : 1.0f,
                            .diversity_penalty = 0.5f,
                            .taken = {ids, (size_t)rand() % 5},
                            .source = {ids, (size_t)rand() % 2 ? n_ids - n_new : N},
                            .encoder_repetition_penalty = rand() % 2 ? 1.3f : 1.0f,
                            .encoder_no_repeat_ngram_size = (size_t)rand() % 3,
                            .suppress = {ids, (size_t)rand() % 3},
                            .begin_suppress = {ids + 5, (size_t)rand() % 3},
                            .forced_bos = {word, (size_t)rand() % 2},
                            .forced_eos = {word, (size_t)rand() % 2},
                            .max_new_tokens = n_new + (size_t)rand() % 3,
                            .vocab = MANY};
        ck_assert_int_eq(ll_alloc_zero(&allocator, MANY, sizeof *p.counts, "counts", &p.counts), LLMCS_OK);
        ll_processors_apply(&p, whole, ids, n_ids, n_new);
        ll_scores_scan(&view, row);
        ll_processors_touch(&p, &view, ids, n_ids, n_new);
        ll_processors_apply(&p, view.copy, ids, n_ids, n_new);
        ll_scores_finalize(&view);
        for (size_t b = 0, n; b < view.n_blocks; b++) {
            const float *x = ll_scores_block(&view, b, &n), *expected = whole + b * LL_ROW_BLOCK;
            float largest = -INFINITY;
            for (size_t i = 0; i < n; i++) largest = fmaxf(largest, expected[i]);
            ck_assert_msg(!memcmp(x, expected, n * sizeof *x) && view.block_max[b] == largest,
                          "seed %u round %d block %zu", seed, round, b);
        }
        ck_assert(!memcmp(row, before, sizeof row)); /* the network's row is as it was */
        ll_free(&allocator, p.counts);
    }
    ll_scores_free(&view, &allocator);
    setup();
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_asked_changes_nothing);
    tcase_add_test(t, repetition_penalty_counts_a_token_once_on_both_sides_of_zero);
    tcase_add_test(t, presence_and_frequency_count_new_tokens_only);
    tcase_add_test(t, ngrams_of_every_size_are_not_repeated);
    tcase_add_test(t, ngrams_agree_with_a_search_of_all_pairs);
    tcase_add_test(t, bad_words_match_the_tail);
    tcase_add_test(t, no_eos_before_min_new_tokens);
    tcase_add_test(t, logit_bias_comes_first);
    tcase_add_test(t, prompt_penalty_favours_the_prompt);
    tcase_add_test(t, ngrams_of_the_prompt_are_not_repeated);
    tcase_add_test(t, sequences_are_biased_where_they_may_complete);
    tcase_add_test(t, tokens_of_earlier_groups_cost);
    tcase_add_test(t, eos_gains_from_the_start_on);
    tcase_add_test(t, suppressed_tokens);
    tcase_add_test(t, forced_tokens);
    tcase_add_test(t, every_id_that_changes_was_touched);
}

SUITE_MAIN("generate/processors", add)
