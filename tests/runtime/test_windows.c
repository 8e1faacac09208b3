/* Texts over the model's length: refused, cut and in windows, each against the model called by hand, window by window.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"

#define MAX_IDS 4000
#define N_CTX 64
#define LABELS 3
#define CLS 2
#define SEP 3

static char folder[TEMP_PATH_BYTES];
static llmcs_model *model;

static void set_up(void) {
    text_bert_folder("bert-cls", folder);
    model = open_model(folder, 2);
}

static void tear_down(void) {
    llmcs_model_free(&model);
    temp_remove(folder);
}

static uint64_t fresh_seed(void) {
    const uint64_t seed = (uint64_t)time(NULL);
    printf("       seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* A text of about n words; the caller frees. */
static char *words(uint64_t *random, size_t n) {
    static const char *const some[] = {"good ", "bad ", "the ", "shop ", "shopping! ", "x. ", "abc "};
    char *text = calloc(n + 1, 16);
    for (size_t i = 0; i < n; i++) strcat(text, some[random_below(random, 7)]);
    return text;
}

/* Ids of one text without special tokens. */
static size_t plain_ids(const char *text, int32_t *ids) {
    llmcs_encode_params p;
    size_t n;
    llmcs_encode_params_init(&p);
    p.flags = 0;
    ck_assert_int_eq(
        llmcs_encode(llmcs_model_tokenizer(model), text, LLMCS_NUL, NULL, 0, &p, ids, NULL, NULL, MAX_IDS, &n),
        LLMCS_OK);
    return n;
}

/* ----------------------------------------------------------------------------- the same thing done by hand */

/* What the model says of one window. */
typedef struct seen {
    size_t n_tokens;
    float logits[LABELS], pooled[64], hidden[N_CTX * 64];
} seen;

typedef struct by_hand {
    seen *windows; /* [n] */
    size_t n, n_evaluated;
    size_t n_embd;
} by_hand;

/* [CLS] a [SEP], or with b not NULL [CLS] a [SEP] b [SEP]. */
static void run_window(by_hand *h, const int32_t *a, size_t n_a, const int32_t *b, size_t n_b) {
    int32_t ids[N_CTX] = {CLS}, types[N_CTX] = {0};
    size_t n = 1;
    memcpy(ids + n, a, n_a * sizeof *a);
    n += n_a;
    ids[n++] = SEP;
    for (size_t i = 0; b && i <= n_b; i++) {
        ids[n] = i < n_b ? b[i] : SEP;
        types[n++] = 1;
    }
    h->windows = realloc(h->windows, (h->n + 1) * sizeof *h->windows);
    seen *s = &h->windows[h->n++];
    s->n_tokens = n;
    h->n_evaluated += n;
    llmcs_encoder_outputs o = {sizeof o, s->hidden, s->pooled, s->logits};
    ck_assert_msg(!llmcs_encoder_eval(model, ids, types, &n, 1, &o), "%s", llmcs_error_message());
}

/* Windows over `text`, behind (or with moving = 0 before) `other`, as Transformers cuts them. */
static by_hand windows_of(const char *text, const char *other, int moving, size_t max_length, size_t stride) {
    static int32_t ids[MAX_IDS], still[MAX_IDS];
    llmcs_model_info info = {.struct_size = sizeof info};
    by_hand h = {0};
    size_t n = plain_ids(text, ids), n_still = other ? plain_ids(other, still) : 0;
    size_t capacity = max_length - (other ? 3 : 2) - n_still;
    llmcs_model_get_info(model, &info);
    h.n_embd = (size_t)info.n_embd;
    for (size_t begin = 0;; begin += capacity - stride) {
        size_t here = n - begin < capacity ? n - begin : capacity;
        if (!other)
            run_window(&h, ids + begin, here, NULL, 0);
        else if (moving)
            run_window(&h, still, n_still, ids + begin, here);
        else
            run_window(&h, ids + begin, here, still, n_still);
        if (begin + here == n) return h;
    }
}

static void softmax(const double *x, double *p) {
    double sum = 0.0;
    for (size_t i = 0; i < LABELS; i++) sum += p[i] = exp(x[i]);
    for (size_t i = 0; i < LABELS; i++) p[i] /= sum;
}

/* Mean weighted by tokens, or the largest, of every label's logit. */
static void pooled_logits(const by_hand *h, bool max, double out[LABELS]) {
    for (size_t k = 0; k < LABELS; k++) {
        out[k] = max ? -1e30 : 0.0;
        for (size_t w = 0; w < h->n; w++) {
            const double x = (double)h->windows[w].logits[k];
            if (max)
                out[k] = fmax(out[k], x);
            else
                out[k] += x * (double)h->windows[w].n_tokens / (double)h->n_evaluated;
        }
    }
}

static llmcs_text_params params_of(llmcs_overflow overflow, size_t max_length, size_t stride) {
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.overflow = overflow;
    p.max_length = max_length;
    p.stride = stride;
    return p;
}

static void near(const double *expected, const float *found, size_t n, double within) {
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs(expected[i] - (double)found[i]) <= within, "%zu: %.9g, expected %.9g", i, (double)found[i],
                      expected[i]);
}

/* ------------------------------------------------------------------------------------------------- windows */

/* Many texts at once, of lengths from nothing to a dozen windows. */
START_TEST(classify_in_windows) {
    enum { N = 40 };
    uint64_t random = fresh_seed();
    for (int round = 0; round < 4; round++) {
        const size_t max_length = round ? 8 + random_below(&random, N_CTX - 7) : 0,
                     most = max_length ? max_length : N_CTX;
        const size_t stride = random_below(&random, most - 2) / 2;
        llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, max_length, stride);
        p.window_pooling = (llmcs_window_pooling)(round % 3);
        llmcs_text texts[N];
        llmcs_text_info infos[N] = {{.struct_size = sizeof *infos}};
        float scores[N][LABELS];
        int32_t labels[N];
        for (size_t i = 0; i < N; i++)
            texts[i] = (llmcs_text){words(&random, random_below(&random, i % 5 ? 30 : 200)), LLMCS_NUL, NULL, 0};
        ck_assert_msg(!llmcs_classify(model, texts, N, &p, &scores[0][0], labels, infos), "%s", llmcs_error_message());
        for (size_t i = 0; i < N; i++) {
            double logits[LABELS], expected[LABELS];
            by_hand h = windows_of(texts[i].text, NULL, 0, most, p.stride);
            pooled_logits(&h, p.window_pooling == LLMCS_WINDOW_MAX, logits);
            softmax(logits, expected);
            near(expected, scores[i], LABELS, 2e-6);
            for (size_t k = 0; k < LABELS; k++) ck_assert(scores[i][labels[i]] >= scores[i][k]);
            ck_assert_uint_eq(infos[i].n_windows, h.n);
            ck_assert_uint_eq(infos[i].n_evaluated, h.n_evaluated);
            ck_assert_uint_eq(infos[i].n_evaluated - 2 * h.n - (h.n - 1) * p.stride + 2, infos[i].n_tokens);
            ck_assert_int_eq(infos[i].truncated, 0);
            free(h.windows);
            free((char *)(uintptr_t)texts[i].text);
        }
    }
}
END_TEST

/* A text of several passes, and one that fits between its neighbours: the same bits as alone. */
START_TEST(a_very_long_text) {
    uint64_t random = fresh_seed();
    char *text = words(&random, 1500);
    llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 0, 13);
    llmcs_text texts[3] = {{"good", 4, NULL, 0}, {text, LLMCS_NUL, NULL, 0}, {"bad shop", 8, NULL, 0}};
    llmcs_text_info infos[3] = {{.struct_size = sizeof *infos}};
    float scores[3][LABELS], alone[LABELS], plain[LABELS];
    double logits[LABELS], expected[LABELS];
    ck_assert_int_eq(llmcs_classify(model, texts, 3, &p, &scores[0][0], NULL, infos), LLMCS_OK);
    by_hand h = windows_of(text, NULL, 0, N_CTX, 13);
    ck_assert_uint_gt(h.n_evaluated, 2048);
    pooled_logits(&h, false, logits);
    softmax(logits, expected);
    near(expected, scores[1], LABELS, 2e-6);
    ck_assert_uint_eq(infos[1].n_windows, h.n);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(llmcs_classify(model, &texts[i], 1, &p, alone, NULL, NULL), LLMCS_OK);
        ck_assert_int_eq(memcmp(alone, scores[i], sizeof alone), 0);
        if (i == 1) continue;
        ck_assert_int_eq(llmcs_classify(model, &texts[i], 1, NULL, plain, NULL, NULL), LLMCS_OK);
        ck_assert_int_eq(memcmp(alone, plain, sizeof alone), 0);
        ck_assert_uint_eq(infos[i].n_windows, 1);
        ck_assert_uint_eq(infos[i].n_evaluated, infos[i].n_tokens);
    }
    free(h.windows);
    free(text);
}
END_TEST

START_TEST(embed_in_windows) {
    uint64_t random = fresh_seed();
    static const llmcs_pooling poolings[] = {LLMCS_POOL_MEAN, LLMCS_POOL_CLS, LLMCS_POOL_POOLER};
    char *text = words(&random, 120);
    const llmcs_text t = {text, LLMCS_NUL, NULL, 0};
    const llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 40, 7);
    by_hand h = windows_of(text, NULL, 0, 40, 7);
    ck_assert_uint_gt(h.n, 2);
    for (size_t k = 0; k < 3; k++) {
        double expected[64] = {0}, unit[64], length = 0.0;
        float vector[64];
        llmcs_text_info info = {.struct_size = sizeof info};
        for (size_t w = 0; w < h.n; w++)
            for (size_t d = 0; d < h.n_embd; d++) {
                const seen *s = &h.windows[w];
                double x =
                    (double)(poolings[k] == LLMCS_POOL_POOLER ? s->pooled[d] : s->hidden[d]) * (double)s->n_tokens;
                for (size_t row = 1; poolings[k] == LLMCS_POOL_MEAN && row < s->n_tokens; row++)
                    x += (double)s->hidden[row * h.n_embd + d];
                if (poolings[k] == LLMCS_POOL_MEAN) x -= (double)s->hidden[d] * (double)(s->n_tokens - 1);
                expected[d] += x / (double)h.n_evaluated;
            }
        ck_assert_int_eq(embed_pooled(model, &t, 1, poolings[k], LLMCS_NORMALIZE_NO, &p, vector, &info), LLMCS_OK);
        near(expected, vector, h.n_embd, 2e-6);
        ck_assert_uint_eq(info.n_windows, h.n);
        for (size_t d = 0; d < h.n_embd; d++) length += expected[d] * expected[d];
        for (size_t d = 0; d < h.n_embd; d++) unit[d] = expected[d] / sqrt(length);
        ck_assert_int_eq(embed_pooled(model, &t, 1, poolings[k], LLMCS_NORMALIZE_L2, &p, vector, NULL), LLMCS_OK);
        near(unit, vector, h.n_embd, 2e-6);
    }
    free(h.windows);
    free(text);
}
END_TEST

static double last_label(const double logits[LABELS]) {
    double p[LABELS];
    softmax(logits, p);
    return p[LABELS - 1];
}

START_TEST(rerank_in_windows) {
    uint64_t random = fresh_seed();
    char *text = words(&random, 150);
    const llmcs_text docs[2] = {{"the good shop", LLMCS_NUL, NULL, 0}, {text, LLMCS_NUL, NULL, 0}};
    llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 0, 5);
    llmcs_text_info infos[2] = {{.struct_size = sizeof *infos}};
    float scores[2], plain;
    double logits[LABELS], best = 0.0;
    by_hand h = windows_of(text, "bad shopping", 1, N_CTX, 5);
    ck_assert_uint_gt(h.n, 2);
    for (size_t w = 0; w < h.n; w++) {
        for (size_t k = 0; k < LABELS; k++) logits[k] = (double)h.windows[w].logits[k];
        best = fmax(best, last_label(logits));
    }
    ck_assert_int_eq(llmcs_rerank(model, "bad shopping", LLMCS_NUL, docs, 2, &p, scores, infos), LLMCS_OK);
    ck_assert_double_le(fabs(best - (double)scores[1]), 2e-6);
    ck_assert_uint_eq(infos[1].n_windows, h.n);
    ck_assert_uint_eq(infos[0].n_windows, 1);
    ck_assert_int_eq(llmcs_rerank(model, "bad shopping", LLMCS_NUL, docs, 1, NULL, &plain, NULL), LLMCS_OK);
    ck_assert(plain == scores[0]);
    p.window_pooling = LLMCS_WINDOW_MEAN;
    pooled_logits(&h, false, logits);
    ck_assert_int_eq(llmcs_rerank(model, "bad shopping", LLMCS_NUL, docs, 2, &p, scores, NULL), LLMCS_OK);
    ck_assert_double_le(fabs(last_label(logits) - (double)scores[1]), 2e-6);
    free(h.windows);
    free(text);
}
END_TEST

/* Which text of a pair moves, and pairs whose other text is too long. */
START_TEST(pairs_in_windows) {
    uint64_t random = fresh_seed();
    char *text = words(&random, 90), *longer = words(&random, 130);
    float scores[LABELS];
    double logits[LABELS], expected[LABELS];
    static const struct {
        llmcs_truncation truncation;
        bool long_first;
    } cases[] = {{LLMCS_TRUNCATE_LONGEST_FIRST, false},
                 {LLMCS_TRUNCATE_LONGEST_FIRST, true},
                 {LLMCS_TRUNCATE_ONLY_SECOND, false},
                 {LLMCS_TRUNCATE_ONLY_FIRST, true}};
    for (size_t i = 0; i < 4; i++) {
        llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 50, 4);
        llmcs_text t = {"good bad", LLMCS_NUL, text, LLMCS_NUL};
        p.truncation = cases[i].truncation;
        if (cases[i].long_first) t = (llmcs_text){text, LLMCS_NUL, "good bad", LLMCS_NUL};
        ck_assert_int_eq(llmcs_classify(model, &t, 1, &p, scores, NULL, NULL), LLMCS_OK);
        by_hand h = windows_of(text, "good bad", !cases[i].long_first, 50, 4);
        pooled_logits(&h, false, logits);
        softmax(logits, expected);
        near(expected, scores, LABELS, 2e-6);
        free(h.windows);
    }
    llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 50, 0);
    const llmcs_text both[2] = {{"good", 4, NULL, 0}, {text, LLMCS_NUL, longer, LLMCS_NUL}};
    ck_assert_int_eq(llmcs_classify(model, both, 2, &p, NULL, NULL, NULL), LLMCS_CONTEXT_FULL);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "text 1"));
    p.truncation = LLMCS_TRUNCATE_ONLY_FIRST;
    const llmcs_text wrong_way = {"good", 4, text, LLMCS_NUL};
    ck_assert_int_eq(llmcs_classify(model, &wrong_way, 1, &p, NULL, NULL, NULL), LLMCS_CONTEXT_FULL);
    free(text);
    free(longer);
}
END_TEST

/* --------------------------------------------------------------------------------------- refused, and cut */

START_TEST(a_text_of_more_windows_than_max_windows_is_refused) {
    uint64_t random = 9;
    char *written = words(&random, 60);
    const llmcs_text text = {written, LLMCS_NUL, NULL, 0};
    float out[64];
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 16, 3);
    ck_assert_int_eq(llmcs_classify(model, &text, 1, &p, out, NULL, &info), LLMCS_OK);
    ck_assert_uint_gt(info.n_windows, 3);
    p.max_windows = info.n_windows;
    ck_assert_int_eq(llmcs_classify(model, &text, 1, &p, out, NULL, &info), LLMCS_OK);
    p.max_windows = info.n_windows - 1;
    ck_assert_int_eq(llmcs_classify(model, &text, 1, &p, out, NULL, NULL), LLMCS_CONTEXT_FULL);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "max_windows"));
    free(written);
}
END_TEST

START_TEST(too_long_is_an_error_with_overflow_error) {
    uint64_t random = 7;
    char *text = words(&random, 60), message[64];
    static int32_t ids[MAX_IDS];
    const llmcs_text texts[3] = {{"good", 4, NULL, 0}, {"bad", 3, NULL, 0}, {text, LLMCS_NUL, NULL, 0}};
    float out[3 * 64];
    llmcs_text_params p = params_of(LLMCS_OVERFLOW_ERROR, 0, 0);
    snprintf(message, sizeof message, "text 2 has %zu tokens, max_length is 64", plain_ids(text, ids) + 2);
    ck_assert_int_eq(llmcs_classify(model, texts, 3, &p, out, NULL, NULL), LLMCS_CONTEXT_FULL);
    ck_assert_msg(strstr(llmcs_error_message(), message) != NULL, "%s", llmcs_error_message());
    ck_assert_int_eq(embed_pooled(model, texts, 3, 0, 0, &p, out, NULL), LLMCS_CONTEXT_FULL);
    ck_assert_int_eq(llmcs_rerank(model, "a", 1, texts, 3, &p, out, NULL), LLMCS_CONTEXT_FULL);
    ck_assert_int_eq(llmcs_classify(model, texts, 2, &p, out, NULL, NULL), LLMCS_OK);
    /* A text of just as many tokens as there may be is not too long. */
    p.max_length = 3;
    ck_assert_int_eq(llmcs_classify(model, texts, 2, &p, out, NULL, NULL), LLMCS_OK);
    const llmcs_text two = {"good bad", 8, NULL, 0};
    ck_assert_int_eq(llmcs_classify(model, &two, 1, &p, out, NULL, NULL), LLMCS_CONTEXT_FULL);
    free(text);
}
END_TEST

static char said[512];
static int n_said;

static void listen(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level != LLMCS_LOG_WARN) return;
    n_said++;
    snprintf(said, sizeof said, "%s", message);
}

START_TEST(cut_and_said) {
    uint64_t random = 9;
    char *text = words(&random, 60), message[96];
    static int32_t ids[MAX_IDS];
    const size_t n = plain_ids(text, ids) + 2;
    const llmcs_text texts[3] = {{"good", 4, NULL, 0}, {text, LLMCS_NUL, NULL, 0}, {text, LLMCS_NUL, NULL, 0}};
    const llmcs_text_params p = params_of(LLMCS_OVERFLOW_TRUNCATE, 20, 0);
    float scores[3][LABELS];
    double logits[LABELS], expected[LABELS];
    llmcs_text_info infos[3] = {{.struct_size = sizeof *infos}};
    ck_assert_int_eq(llmcs_classify(model, texts, 3, &p, &scores[0][0], NULL, infos), LLMCS_OK);
    by_hand h = windows_of(text, NULL, 0, 20, 0);
    for (size_t k = 0; k < LABELS; k++) logits[k] = (double)h.windows[0].logits[k];
    softmax(logits, expected);
    near(expected, scores[1], LABELS, 2e-6);
    ck_assert(!infos[0].truncated && infos[0].n_tokens == 3 && infos[0].n_evaluated == 3);
    ck_assert(infos[1].truncated == 1 && infos[1].n_tokens == n && infos[1].n_evaluated == 20 &&
              infos[1].n_windows == 1);
    /* The calls that always cut say so in the log, once a call. */
    llmcs_model_options o;
    llmcs_model *m;
    llmcs_model_options_init(&o);
    o.log = listen;
    ck_assert_int_eq(llmcs_model_open(folder, &o, &m), LLMCS_OK);
    n_said = 0;
    ck_assert_int_eq(llmcs_classify(m, texts, 3, NULL, &scores[0][0], NULL, NULL), LLMCS_OK);
    snprintf(message, sizeof message, "2 of 3 texts were cut to 64 tokens; text 1 had %zu", n);
    ck_assert_str_eq(said, message);
    ck_assert_int_eq(llmcs_embed(m, texts, 1, NULL, (float[64]){0}, NULL), LLMCS_OK);
    ck_assert_int_eq(llmcs_classify(m, texts, 3, &p, NULL, NULL, infos), LLMCS_OK);
    ck_assert_int_eq(n_said, 1);
    llmcs_model_free(&m);
    free(h.windows);
    free(text);
}
END_TEST

/* --------------------------------------------------------------------------------------- hostile parameters */

static void refused(const llmcs_text_params *p) {
    const llmcs_text t = {"good", 4, NULL, 0};
    float out[64];
    ck_assert_int_eq(llmcs_classify(model, &t, 1, p, out, NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(embed_pooled(model, &t, 1, 0, 0, p, out, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_rerank(model, "a", 1, &t, 1, p, out, NULL), LLMCS_ARG);
}

START_TEST(parameters_that_cannot_be) {
    llmcs_text_params p;
    const llmcs_text t = {"good", 4, NULL, 0};
    float out[64];
    llmcs_text_params_init_sized(NULL, sizeof(llmcs_text_params));
#define REFUSED(field, value)       \
    do {                            \
        llmcs_text_params_init(&p); \
        p.field = value;            \
        refused(&p);                \
    } while (0)
    REFUSED(struct_size, 0);
    REFUSED(struct_size, 8);
    REFUSED(struct_size, (size_t)-1);
    REFUSED(overflow, (llmcs_overflow)3);
    REFUSED(overflow, (llmcs_overflow)-1);
    REFUSED(truncation, LLMCS_TRUNCATE_NONE);
    REFUSED(truncation, (llmcs_truncation)4);
    REFUSED(window_pooling, (llmcs_window_pooling)3);
    REFUSED(window_pooling, (llmcs_window_pooling)-1);
    REFUSED(flags, LLMCS_PARSE_SPECIAL);
    REFUSED(flags, 0x80000000u);
    REFUSED(max_length, 1);
    REFUSED(max_length, 2);
    REFUSED(max_length, N_CTX + 1);
    REFUSED(max_length, (size_t)-1);
    REFUSED(stride, 1); /* without windows */
#undef REFUSED
    p = params_of(LLMCS_OVERFLOW_WINDOWS, 10, 8);
    refused(&p);
    p.stride = (size_t)-1;
    refused(&p);
    p = params_of(LLMCS_OVERFLOW_WINDOWS, 10, 7);
    ck_assert_int_eq(llmcs_classify(model, &t, 1, &p, out, NULL, NULL), LLMCS_OK);
    p.window_pooling = LLMCS_WINDOW_MAX;
    ck_assert_int_eq(embed_pooled(model, &t, 1, 0, 0, &p, out, NULL), LLMCS_ARG);
    llmcs_text_params_init(&p);
    p.flags = LLMCS_STRICT_UTF8;
    const llmcs_text bad = {"\xff", 1, NULL, 0};
    ck_assert_int_eq(llmcs_classify(model, &bad, 1, &p, out, NULL, NULL), LLMCS_UTF8);
    ck_assert_int_eq(llmcs_classify(model, &bad, 1, NULL, out, NULL, NULL), LLMCS_OK);
    ck_assert_int_eq(llmcs_classify(NULL, &t, 1, NULL, out, NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_classify(model, NULL, 1, NULL, out, NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_classify(model, NULL, 0, NULL, NULL, NULL, NULL), LLMCS_OK);
    ck_assert_int_eq(embed_pooled(model, &t, 1, 0, 0, NULL, NULL, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_rerank(model, NULL, 0, &t, 1, NULL, out, NULL), LLMCS_ARG);
}
END_TEST

/* ------------------------------------------------------------------------------------------ failing memory */

START_TEST(every_allocation_fails_once) {
    fail_alloc faults;
    fail_alloc_init(&faults);
    llmcs_allocator failing = fail_alloc_get(&faults);
    llmcs_model_options o;
    llmcs_model *m;
    uint64_t random = 11;
    char *text = words(&random, 100);
    const llmcs_text texts[2] = {{"bad", 3, NULL, 0}, {text, LLMCS_NUL, NULL, 0}};
    const llmcs_text_params p = params_of(LLMCS_OVERFLOW_WINDOWS, 0, 3);
    float scores[2][LABELS], again[2][LABELS], vectors[2][64];
    llmcs_model_options_init(&o);
    o.allocator = &failing;
    o.n_threads = 2;
    ck_assert_int_eq(llmcs_model_open(folder, &o, &m), LLMCS_OK);
    ck_assert_int_eq(llmcs_classify(m, texts, 2, &p, &scores[0][0], NULL, NULL), LLMCS_OK);
    const long live = faults.live;
    llmcs_status st = LLMCS_NOMEM;
    for (long n = 0; st; n++) {
        ck_assert_int_lt(n, 500);
        faults.fail_at = faults.calls + n;
        st = n % 2 ? embed_pooled(m, texts, 2, 0, 0, &p, &vectors[0][0], NULL)
                   : llmcs_classify(m, texts, 2, &p, &again[0][0], NULL, NULL);
        const bool reached = faults.calls > faults.fail_at;
        faults.fail_at = -1;
        ck_assert_int_eq(st, reached ? LLMCS_NOMEM : LLMCS_OK);
        ck_assert_int_eq(faults.live, live);
    }
    ck_assert_int_eq(llmcs_classify(m, texts, 2, &p, &again[0][0], NULL, NULL), LLMCS_OK);
    ck_assert_int_eq(memcmp(again, scores, sizeof scores), 0);
    llmcs_model_free(&m);
    ck_assert_int_eq(faults.live, 0);
    free(text);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, classify_in_windows);
    tcase_add_test(t, a_very_long_text);
    tcase_add_test(t, embed_in_windows);
    tcase_add_test(t, rerank_in_windows);
    tcase_add_test(t, pairs_in_windows);
    tcase_add_test(t, a_text_of_more_windows_than_max_windows_is_refused);
    tcase_add_test(t, too_long_is_an_error_with_overflow_error);
    tcase_add_test(t, cut_and_said);
    tcase_add_test(t, parameters_that_cannot_be);
    tcase_add_test(t, every_allocation_fails_once);
}

SUITE_MAIN("runtime/windows", add)
