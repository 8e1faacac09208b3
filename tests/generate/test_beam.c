/* Beam search on a toy model: a table of logits that depends on the last two tokens and the position. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/beam.h"
#include "generate/softmax.h"
#include "generate/workspace.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

enum { MAX_VOCAB = 24, MAX_LENGTH = 12, MAX_BEAMS = 6, MAX_EOS = 3, MAX_KEEP = (1 + MAX_EOS) * MAX_BEAMS };

static unsigned model_seed;
static size_t vocab;

/* Log-probabilities after `ids` (what a model and a log-softmax would give), [vocab]. */
static void toy_model(const int32_t *ids, size_t n, float *log_probs) {
    uint32_t h = model_seed * 2654435761u + (uint32_t)n * 40503u;
    h ^= n > 0 ? (uint32_t)(ids[n - 1] + 1) * 2246822519u : 0u;
    h ^= n > 1 ? (uint32_t)(ids[n - 2] + 1) * 3266489917u : 0u;
    for (size_t i = 0; i < vocab; i++) {
        h = (h ^ (h >> 15)) * 2246822519u + (uint32_t)i;
        h ^= h >> 13;
        log_probs[i] = (float)(h % 100003u) / 100003.0f * 6.0f;
    }
    double log_sum;
    if (ll_log_normaliser(log_probs, vocab, 0, &log_sum)) ck_abort_msg("toy model");
    for (size_t i = 0; i < vocab; i++) log_probs[i] = ll_log_probability(log_probs[i], log_sum);
}

typedef struct outcome {
    int32_t ids[MAX_LENGTH];
    size_t n;
    double score;
    ll_beam_end end;
} outcome;

/* ---- the reference: fixed-size arrays with -1e9 for "not there", as the description of Transformers' refactored
 * beam search has it; everything sorted in full */

typedef struct slot {
    int32_t ids[MAX_LENGTH];
    double log_prob;
    bool finished;
    size_t n;
} slot;

static int by_log_prob(const void *x, const void *y) {
    const slot *a = x, *b = y;
    return a->log_prob > b->log_prob ? -1 : a->log_prob < b->log_prob;
}

static bool in(const int32_t *set, size_t n, int32_t id) {
    for (size_t i = 0; i < n; i++) {
        if (set[i] == id) return true;
    }
    return false;
}

static size_t reference_search(const ll_beams_config *c, slot *finished) {
    static slot all[MAX_BEAMS * MAX_VOCAB];
    slot running[MAX_BEAMS] = {0}, merged[MAX_BEAMS + MAX_KEEP];
    size_t beams = c->num_beams, keep = (c->n_eos ? 1 + c->n_eos : 2) * beams, length = 0;
    for (size_t i = 0; i < beams; i++) running[i].log_prob = i ? -1e9 : 0;
    for (size_t i = 0; i < beams; i++) finished[i] = (slot){.log_prob = -1e9};
    for (bool go_on = true; go_on;) {
        for (size_t i = 0; i < beams; i++) {
            float log_probs[MAX_VOCAB];
            toy_model(running[i].ids, length, log_probs);
            for (size_t t = 0; t < vocab; t++) {
                all[i * vocab + t] = running[i];
                all[i * vocab + t].log_prob += (double)log_probs[t];
                all[i * vocab + t].ids[length] = (int32_t)t;
            }
        }
        qsort(all, beams * vocab, sizeof *all, by_log_prob);
        length++;
        bool all_hit = true;
        size_t n_running = 0, n_merged = beams;
        memcpy(merged, finished, beams * sizeof *merged);
        for (size_t i = 0; i < keep; i++) {
            bool hit = length == c->max_new_tokens || in(c->eos, c->n_eos, all[i].ids[length - 1]);
            all_hit &= hit;
            if (!hit && n_running < beams) running[n_running++] = all[i];
            if (hit && i < beams) {
                merged[n_merged] = all[i];
                merged[n_merged].log_prob /= pow((double)length, c->length_penalty);
                merged[n_merged].finished = true;
                merged[n_merged++].n = length;
            }
        }
        qsort(merged, n_merged, sizeof *merged, by_log_prob);
        memcpy(finished, merged, beams * sizeof *merged);
        bool full = true;
        for (size_t i = 0; i < beams; i++) full &= finished[i].finished;
        double hypothetical = c->early_stopping == LLMCS_EARLY_STOPPING_NEVER && c->length_penalty > 0
                                  ? (double)c->max_new_tokens
                                  : (double)length;
        double best = running[0].log_prob / pow(hypothetical, c->length_penalty);
        double worst = full ? finished[beams - 1].log_prob : -1e9;
        go_on = best > worst && !(full && c->early_stopping == LLMCS_EARLY_STOPPING_TRUE) && !all_hit;
    }
    return beams;
}

/* ---- ours */

static size_t search(const ll_beams_config *config, const ll_filter *filter, outcome *out) {
    llmcs_allocator a = ll_allocator_default();
    ll_beams b;
    ll_sampler_workspace workspace;
    ck_assert_int_eq(ll_beams_init(&b, &a, config), LLMCS_OK);
    ck_assert_int_eq(ll_sampler_workspace_init(&workspace, &a, vocab, true), LLMCS_OK);
    for (;;) {
        for (size_t i = 0; i < b.n_running; i++) {
            int32_t ids[MAX_LENGTH];
            float row[MAX_VOCAB];
            size_t n = ll_beams_path(&b, b.running[i].node, ids, NULL), left;
            if (n != b.n_new) ck_abort_msg("a path of %zu tokens", n);
            toy_model(ids, n, row);
            if (filter) {
                ll_scores_scan(&workspace.scores, row);
                ck_assert_int_eq(ll_filter_scores(filter, &workspace.scores, n, &workspace.filter, &left), LLMCS_OK);
                ll_beams_offer_filtered(&b, i, workspace.filter.candidates, left, vocab, row, 0);
            } else {
                ll_scores_scan(&workspace.scores, row);
                ll_beams_offer(&b, i, &workspace.scores, row, 0);
            }
        }
        ll_beams_rank(&b);
        if (ll_beams_advance(&b)) break;
        for (size_t i = 1; i < b.n_running; i++) {
            if (b.running[i].score > b.running[i - 1].score) ck_abort_msg("running beams are not best first");
        }
    }
    size_t n_out = b.n_finished;
    for (size_t i = 0; i < n_out; i++) {
        float logprobs[MAX_LENGTH];
        out[i].n = ll_beams_path(&b, b.finished[i].node, out[i].ids, logprobs);
        out[i].score = b.finished[i].score;
        out[i].end = b.finished[i].end;
        double sum = 0; /* what the model gave for each token adds up to the score */
        for (size_t t = 0; t < out[i].n; t++) sum += (double)logprobs[t];
        if (!filter)
            ck_assert_double_lt(fabs(sum / pow((double)out[i].n, config->length_penalty) - out[i].score), 1e-5);
        if (i) ck_assert_double_le(out[i].score, out[i - 1].score);
    }
    ll_sampler_workspace_free(&workspace, &a);
    ll_beams_free(&b, &a);
    return n_out;
}

static const int32_t eos_ids[MAX_EOS] = {0, 3, 7};

static void compare_with_reference(const ll_beams_config *c) {
    slot expect[MAX_BEAMS];
    outcome got[MAX_BEAMS];
    size_t n = reference_search(c, expect);
    ck_assert_uint_eq(search(c, NULL, got), n);
    for (size_t i = 0; i < n; i++) {
        if (got[i].n != expect[i].n || memcmp(got[i].ids, expect[i].ids, got[i].n * sizeof *got[i].ids) ||
            got[i].score != expect[i].log_prob)
            ck_abort_msg("model %u: hypothesis %zu differs", model_seed, i);
    }
}

START_TEST(beam_search_agrees_with_the_reference) {
    static const double penalties[] = {1.0, 0.0, 2.0, 0.6, -0.5};
    for (model_seed = 1; model_seed <= 1500; model_seed++) {
        vocab = 12 + model_seed % 12;
        ll_beams_config c = {.num_beams = 1 + model_seed % 3,
                             .max_new_tokens = 1 + model_seed % MAX_LENGTH,
                             .early_stopping = (llmcs_early_stopping)(model_seed % 3),
                             .length_penalty = penalties[model_seed % 5],
                             .eos = eos_ids,
                             .n_eos = model_seed / 7 % (MAX_EOS + 1)};
        compare_with_reference(&c);
    }
}
END_TEST

/* early_stopping "never" looks at the longest sequence only where length is rewarded. */
START_TEST(never_stopping_early_agrees_where_length_is_punished) {
    for (model_seed = 1; model_seed <= 1500; model_seed++) {
        vocab = 12;
        ll_beams_config c = {.num_beams = 2,
                             .max_new_tokens = MAX_LENGTH,
                             .early_stopping = LLMCS_EARLY_STOPPING_NEVER,
                             .length_penalty = model_seed % 2 ? -0.1 : -0.3,
                             .eos = eos_ids,
                             .n_eos = 3};
        compare_with_reference(&c);
    }
}
END_TEST

/* With as many beams as there are prefixes nothing is ever dropped: the result is the best of all sequences. */
START_TEST(enough_beams_find_the_best_of_all_sequences) {
    enum { LENGTH = 3 };
    vocab = 5;
    for (model_seed = 1; model_seed <= 50; model_seed++) {
        double best = -1e9;
        int32_t best_ids[LENGTH] = {0}, ids[LENGTH];
        float first[MAX_VOCAB], second[MAX_VOCAB], third[MAX_VOCAB];
        toy_model(ids, 0, first);
        for (ids[0] = 0; ids[0] < 5; ids[0]++) {
            toy_model(ids, 1, second);
            for (ids[1] = 0; ids[1] < 5; ids[1]++) {
                toy_model(ids, 2, third);
                for (ids[2] = 0; ids[2] < 5; ids[2]++) {
                    double score = (double)first[ids[0]] + (double)second[ids[1]] + (double)third[ids[2]];
                    if (score > best) {
                        best = score;
                        memcpy(best_ids, ids, sizeof ids);
                    }
                }
            }
        }
        outcome got[25];
        ll_beams_config c = {.num_beams = 25, .max_new_tokens = LENGTH, .length_penalty = 0};
        search(&c, NULL, got);
        ck_assert_mem_eq(got[0].ids, best_ids, sizeof best_ids);
        ck_assert_double_lt(fabs(got[0].score - best), 1e-12);
        ck_assert_int_eq(got[0].end, LL_BEAM_LENGTH);
    }
}
END_TEST

/* Fewer tokens than beams: what exists is used, and nothing else is made up. */
START_TEST(a_tiny_vocabulary_gives_what_there_is) {
    vocab = 2;
    model_seed = 9;
    outcome got[MAX_BEAMS];
    ll_beams_config c = {.num_beams = 5, .max_new_tokens = 1, .length_penalty = 1};
    ck_assert_uint_eq(search(&c, NULL, got), 2);
    ck_assert_int_ne(got[0].ids[0], got[1].ids[0]);
    c.max_new_tokens = 4;
    ck_assert_uint_eq(search(&c, NULL, got), 5);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++) ck_assert_int_ne(memcmp(got[i].ids, got[j].ids, 4 * sizeof(int32_t)), 0);
    }
}
END_TEST

/* One step of beam sampling from the prompt: candidates are sampled without replacement, so the first follows the
 * distribution itself, and the second the distribution without the first. */
START_TEST(beam_sampling_draws_without_replacement) {
    enum { N = 60000 };
    vocab = 6;
    model_seed = 3;
    llmcs_allocator a = ll_allocator_default();
    const ll_filter filter = {.temperature = 1, .top_p = 1, .min_keep = 2};
    float row[MAX_VOCAB];
    toy_model(NULL, 0, row);
    double p[6], expect[6][6], chi2 = 0;
    static int count[6][6];
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < vocab; i++) p[i] = exp((double)row[i]);
    for (uint64_t seed = 0; seed < N; seed++) {
        ll_beams b;
        ll_sampler_workspace workspace;
        size_t left;
        ll_beams_config c = {.num_beams = 1, .max_new_tokens = 2, .length_penalty = 1, .do_sample = true, .seed = seed};
        ck_assert_int_eq(ll_beams_init(&b, &a, &c), LLMCS_OK);
        ck_assert_int_eq(ll_sampler_workspace_init(&workspace, &a, vocab, true), LLMCS_OK);
        ll_scores_scan(&workspace.scores, row);
        ck_assert_int_eq(ll_filter_scores(&filter, &workspace.scores, 0, &workspace.filter, &left), LLMCS_OK);
        ll_beams_offer_filtered(&b, 0, workspace.filter.candidates, left, vocab, row, 0);
        ll_beams_rank(&b);
        ck_assert_uint_eq(b.n_candidates, 2);
        count[b.candidates[0].id][b.candidates[1].id]++;
        ll_sampler_workspace_free(&workspace, &a);
        ll_beams_free(&b, &a);
    }
    for (size_t i = 0; i < vocab; i++) {
        ck_assert_int_eq(count[i][i], 0);
        for (size_t j = 0; j < vocab; j++) {
            if (i == j) continue;
            expect[i][j] = N * p[i] * p[j] / (1 - p[i]);
            double d = count[i][j] - expect[i][j];
            chi2 += d * d / expect[i][j];
        }
    }
    printf("generate/beam: seeds 0 to %d, chi-square %.1f with 29 degrees of freedom\n", N - 1, chi2);
    ck_assert_double_lt(chi2, 29 + 4 * sqrt(2.0 * 29));
}
END_TEST

START_TEST(beam_sampling_is_repeatable_and_depends_on_the_seed) {
    vocab = 20;
    const ll_filter filter = {.temperature = 1.5f, .top_k = 10, .top_p = 0.95f, .min_keep = 2};
    int differ = 0;
    for (model_seed = 1; model_seed <= 40; model_seed++) {
        outcome x[MAX_BEAMS], y[MAX_BEAMS], z[MAX_BEAMS];
        ll_beams_config c = {.num_beams = 3,
                             .max_new_tokens = 8,
                             .length_penalty = 1,
                             .eos = eos_ids,
                             .n_eos = 1,
                             .do_sample = true,
                             .seed = 5};
        size_t n = search(&c, &filter, x);
        ck_assert_uint_eq(n, 3);
        ck_assert_uint_eq(search(&c, &filter, y), n);
        c.seed = 6;
        ck_assert_uint_eq(search(&c, &filter, z), n);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(x[i].n, y[i].n);
            ck_assert_mem_eq(x[i].ids, y[i].ids, x[i].n * sizeof(int32_t));
            ck_assert_double_eq(x[i].score, y[i].score);
        }
        differ += x[0].n != z[0].n || memcmp(x[0].ids, z[0].ids, x[0].n * sizeof(int32_t));
    }
    ck_assert_int_gt(differ, 20);
}
END_TEST

START_TEST(breaking_off_keeps_the_best_so_far) {
    vocab = 12;
    model_seed = 4;
    llmcs_allocator a = ll_allocator_default();
    ll_beams b;
    ll_scores scores;
    ll_beams_config c = {.num_beams = 3, .max_new_tokens = 10, .length_penalty = 1};
    ck_assert_int_eq(ll_beams_init(&b, &a, &c), LLMCS_OK);
    ck_assert_int_eq(ll_scores_init(&scores, &a, vocab), LLMCS_OK);
    for (int step = 0; step < 2; step++) {
        for (size_t i = 0; i < b.n_running; i++) {
            int32_t ids[MAX_LENGTH];
            float row[MAX_VOCAB];
            toy_model(ids, ll_beams_path(&b, b.running[i].node, ids, NULL), row);
            ll_scores_scan(&scores, row);
            ll_beams_offer(&b, i, &scores, row, 0);
        }
        ll_beams_rank(&b);
        ck_assert(!ll_beams_advance(&b));
    }
    ll_beams_interrupt(&b);
    ck_assert_uint_eq(b.n_finished, 3);
    for (size_t i = 0; i < 3; i++) {
        int32_t ids[MAX_LENGTH];
        ck_assert_int_eq(b.finished[i].end, LL_BEAM_INTERRUPTED);
        ck_assert_uint_eq(ll_beams_path(&b, b.finished[i].node, ids, NULL), 2);
    }
    ll_scores_free(&scores, &a);
    ll_beams_free(&b, &a);
}
END_TEST

#define WIDE 333 /* tokens: eleven blocks, the last one cut */

/* One beam's logits, in few different values, so that many tokens tie, and what processors made of some blocks. */
static void random_row(uint64_t *seed, float *logits, float *processed, bool *changed, double *log_sum) {
    const size_t n_values = 1 + random_below(seed, 40);
    for (size_t i = 0; i < WIDE; i++) logits[i] = (float)random_below(seed, n_values) * 0.37f - 5.0f;
    ck_assert_int_eq(ll_log_normaliser(logits, WIDE, 0, log_sum), LLMCS_OK);
    ll_log_probabilities(logits, WIDE, *log_sum, processed);
    for (size_t block = 0; block < ll_row_blocks(WIDE); block++) changed[block] = random_below(seed, 4) == 0;
    for (size_t k = 0; k < 60; k++) {
        const size_t i = random_below(seed, WIDE);
        if (changed[i / LL_ROW_BLOCK]) processed[i] = k % 3 ? -INFINITY : processed[i] + random_float(seed, 2.0f);
    }
}

static int by_rank(const void *x, const void *y) {
    const ll_beam_candidate *a = x, *b = y;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    if (a->beam != b->beam) return a->beam < b->beam ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* Blocks are skipped by their largest logit: the candidates are those of reading every token. */
START_TEST(blocks_without_a_candidate_are_skipped) {
    static ll_beam_candidate all[MAX_BEAMS * WIDE];
    static float logits[WIDE], processed[WIDE];
    uint64_t seed = 20261130;
    printf("seed %llu\n", (unsigned long long)seed);
    llmcs_allocator a = ll_allocator_default();
    ll_scores scores;
    ck_assert_int_eq(ll_scores_init(&scores, &a, WIDE), LLMCS_OK);
    for (int round = 0; round < 300; round++) {
        ll_beams b;
        ll_beams_config c = {.num_beams = 1 + random_below(&seed, MAX_BEAMS), .max_new_tokens = 3, .length_penalty = 1};
        size_t n_all = 0;
        ck_assert_int_eq(ll_beams_init(&b, &a, &c), LLMCS_OK);
        b.n_running = c.num_beams;
        for (size_t beam = 0; beam < c.num_beams; beam++) {
            bool changed[(WIDE + LL_ROW_BLOCK - 1) / LL_ROW_BLOCK];
            double log_sum;
            b.running[beam] = (ll_running_beam){.node = LL_BEAM_ROOT, .score = -0.25 * (double)random_below(&seed, 3)};
            random_row(&seed, logits, processed, changed, &log_sum);
            ll_scores_scan(&scores, logits);
            for (size_t block = 0; block < scores.n_blocks; block++)
                if (changed[block]) ll_scores_touch(&scores, (int32_t)(block * LL_ROW_BLOCK));
            for (size_t i = 0; i < WIDE; i++)
                if (changed[i / LL_ROW_BLOCK]) scores.copy[i] = processed[i];
            ll_scores_finalize(&scores);
            ll_beams_offer(&b, beam, &scores, logits, log_sum);
            for (size_t i = 0; i < WIDE; i++) {
                if (processed[i] < -1e30f) continue;
                const double score = b.running[beam].score + (double)processed[i];
                all[n_all++] = (ll_beam_candidate){.key = score,
                                                   .score = score,
                                                   .beam = (uint32_t)beam,
                                                   .id = (int32_t)i,
                                                   .logprob = ll_log_probability(logits[i], log_sum)};
            }
        }
        ll_beams_rank(&b);
        qsort(all, n_all, sizeof *all, by_rank);
        ck_assert_uint_eq(b.n_candidates, ll_min(n_all, b.max_candidates));
        for (size_t i = 0; i < b.n_candidates; i++) {
            ck_assert_int_eq(by_rank(&all[i], &b.candidates[i]), 0);
            ck_assert_float_eq(all[i].logprob, b.candidates[i].logprob);
        }
        ll_beams_free(&b, &a);
    }
    ll_scores_free(&scores, &a);
}
END_TEST

START_TEST(nothing_leaks_and_absurd_sizes_are_refused) {
    ll_beams_config c = {.num_beams = 4, .max_new_tokens = 5};
    for (long n = 0; n < 5; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ll_beams b;
        ck_assert_int_eq(ll_beams_init(&b, &a, &c), n < 4 ? LLMCS_NOMEM : LLMCS_OK);
        ll_beams_free(&b, &a);
        ck_assert_int_eq(f.live, 0);
    }
    llmcs_allocator a = ll_allocator_default();
    ll_beams b;
    c.num_beams = INT32_MAX;
    c.max_new_tokens = INT32_MAX;
    ck_assert_int_eq(ll_beams_init(&b, &a, &c), LLMCS_NOMEM);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, beam_search_agrees_with_the_reference);
    tcase_add_test(t, never_stopping_early_agrees_where_length_is_punished);
    tcase_add_test(t, enough_beams_find_the_best_of_all_sequences);
    tcase_add_test(t, a_tiny_vocabulary_gives_what_there_is);
    tcase_add_test(t, beam_sampling_draws_without_replacement);
    tcase_add_test(t, beam_sampling_is_repeatable_and_depends_on_the_seed);
    tcase_add_test(t, breaking_off_keeps_the_best_so_far);
    tcase_add_test(t, blocks_without_a_candidate_are_skipped);
    tcase_add_test(t, nothing_leaks_and_absurd_sizes_are_refused);
}

SUITE_MAIN("generate/beam", add)
