/* The processors of encoder-decoders against Transformers' (tests/data/processors): scores, a source and the decoder's
 * tokens in, scores out. */
#include <math.h>

#include "generate/processors.h"
#include "support/json_lines.h"

enum { VOCAB = 24, MAX_IDS = 16, MAX_LISTS = 4 };

static int32_t storage[2 * MAX_LISTS + 8][MAX_IDS];
static size_t n_used;

/* A list of ids, or one of them. */
static llmcs_ids read_ids(ll_json v) {
    int32_t *ids = storage[n_used++];
    llmcs_ids out = {ids, 0};
    int64_t id;
    if (ll_json_int64(v, &id)) ids[out.n_ids++] = (int32_t)id;
    for (ll_json e = ll_json_first(v); ll_json_get_type(e); e = ll_json_next(e)) {
        ck_assert(out.n_ids < MAX_IDS && ll_json_int64(e, &id));
        ids[out.n_ids++] = (int32_t)id;
    }
    return out;
}

static size_t read_size(ll_json object, const char *key) {
    uint64_t n = 0;
    ll_json_uint64(ll_json_get(object, key), &n);
    return (size_t)n;
}

static float read_float(ll_json object, const char *key) {
    double x = 1;
    ll_json_double(ll_json_get(object, key), &x);
    return (float)x;
}

static void read_scores(ll_json v, float *scores) {
    size_t n = 0;
    for (ll_json e = ll_json_first(v); ll_json_get_type(e); e = ll_json_next(e)) {
        double x = -INFINITY;
        ll_json_double(e, &x);
        ck_assert_uint_lt(n, VOCAB);
        scores[n++] = (float)x;
    }
    ck_assert_uint_eq(n, VOCAB);
}

static ll_processors read_params(ll_json golden_case, ll_json params, llmcs_ids *bad_words) {
    static const int32_t eos[] = {1};
    const size_t min_length = read_size(params, "min_length");
    ll_processors p = {.repetition_penalty = read_float(params, "repetition_penalty"),
                       .no_repeat_ngram_size = read_size(params, "no_repeat_ngram_size"),
                       .source = read_ids(ll_json_get(golden_case, "source")),
                       .encoder_repetition_penalty = read_float(params, "encoder_repetition_penalty"),
                       .encoder_no_repeat_ngram_size = read_size(params, "encoder_no_repeat_ngram_size"),
                       .min_new_tokens = min_length ? min_length - 1 : 0, /* it counts the start token */
                       .max_new_tokens = read_size(golden_case, "max_new_tokens"),
                       .eos = eos,
                       .n_eos = 1,
                       .bad_words = bad_words,
                       .suppress = read_ids(ll_json_get(params, "suppress_tokens")),
                       .begin_suppress = read_ids(ll_json_get(params, "begin_suppress_tokens")),
                       .forced_bos = read_ids(ll_json_get(params, "forced_bos_token_id")),
                       .forced_eos = read_ids(ll_json_get(params, "forced_eos_token_id")),
                       .decay_factor = 1.0f,
                       .vocab = VOCAB};
    const ll_json words = ll_json_get(params, "bad_words_ids");
    for (ll_json e = ll_json_first(words); ll_json_get_type(e); e = ll_json_next(e))
        bad_words[p.n_bad_words++] = read_ids(e);
    return p;
}

static void check_case(void *user, size_t line, ll_json golden_case) {
    float scores[VOCAB], expect[VOCAB];
    uint32_t counts[VOCAB] = {0};
    llmcs_ids bad_words[MAX_LISTS];
    const ll_json params = ll_json_get(golden_case, "params");
    n_used = 0;
    ll_processors p = read_params(golden_case, params, bad_words);
    const llmcs_ids ids = read_ids(ll_json_get(golden_case, "ids"));
    size_t *n_changed = user;
    read_scores(ll_json_get(golden_case, "scores"), scores);
    read_scores(ll_json_get(golden_case, "expect"), expect);
    p.counts = counts;
    *n_changed += memcmp(scores, expect, sizeof scores) != 0;
    ll_processors_apply(&p, scores, ids.ids, ids.n_ids, ids.n_ids - 1);
    for (size_t i = 0; i < VOCAB; i++)
        ck_assert_msg(scores[i] == expect[i] || fabsf(scores[i] - expect[i]) <= 1e-6f * fabsf(expect[i]),
                      "line %zu, token %zu: %g, expected %g", line, i, (double)scores[i], (double)expect[i]);
}

START_TEST(scores_are_those_of_transformers) {
    size_t n_changed = 0;
    ck_assert_uint_eq(golden_each("tests/data/processors/cases.jsonl", check_case, &n_changed), 80);
    ck_assert_uint_gt(n_changed, 70);
}
END_TEST

static void add(TCase *t) { tcase_add_test(t, scores_are_those_of_transformers); }

SUITE_MAIN("generate/processors_golden", add)
