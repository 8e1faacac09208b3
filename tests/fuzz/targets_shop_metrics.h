/* Texts, labels and rankings of an input's bytes through every metric; WordNet files that are anything. */
#ifndef TESTS_FUZZ_TARGETS_SHOP_METRICS_H
#define TESTS_FUZZ_TARGETS_SHOP_METRICS_H

#include <math.h>

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"

static const char *const fuzz_metrics[] = {"bleu",      "chrf",     "chrf++",   "rouge1",   "rouge2", "rougeL",
                                           "rougeLsum", "meteor",   "accuracy", "f1_macro", "mcc",    "ece",
                                           "auroc",     "recall@3", "mrr",      "ndcg@5"};
enum { FUZZ_STRINGS = 6 };

/* NUL-terminated strings of the input. */
typedef struct fuzz_strings {
    char *items[FUZZ_STRINGS];
    size_t bytes[FUZZ_STRINGS];
} fuzz_strings;

static void read_strings(reader *in, fuzz_strings *s) {
    for (size_t i = 0; i < FUZZ_STRINGS; i++) {
        const uint8_t *bytes = read_bytes(in, i + 1 == FUZZ_STRINGS ? in->left : read_u8(in), &s->bytes[i]);
        s->items[i] = exact_alloc(s->bytes[i] + 1);
        if (s->bytes[i]) memcpy(s->items[i], bytes, s->bytes[i]);
        s->items[i][s->bytes[i]] = 0;
    }
}

static llmcs_status add_fuzz_row(llmcs_shop_measure *m, const fuzz_strings *s, uint8_t how) {
    const double scores[] = {how / 255.0, 0.25, (double)(how & 7)};
    const char *const *names = (const char *const *)s->items;
    switch (llmcs_shop_measure_row_kind(m)) {
        case LLMCS_SHOP_ROW_TEXT:
            return llmcs_shop_measure_add_text(m, s->items[0], s->bytes[0], names + 1, s->bytes + 1, 1 + how % 5u);
        case LLMCS_SHOP_ROW_LABEL:
            return llmcs_shop_measure_add_label(m, names[0], names[how % 3], how & 8 ? names : NULL, scores,
                                                how & 8 ? 3 : how & 1);
        default:
            return llmcs_shop_measure_add_ranking(m, names, how & 1 ? scores : NULL, 1 + how % 3u, names + 2, 4);
    }
}

/* All memory is freed, scores stay in their range, and a bootstrap of two samples has a score that is one, too. */
static void check_measure(llmcs_shop_measure *m, const char *metric) {
    const double least = strcmp(metric, "mcc") == 0 ? -1 : 0,
                 most = strncmp(metric, "ble", 3) && *metric != 'c' ? 1 : 100;
    llmcs_shop_interval interval = {.struct_size = sizeof interval};
    llmcs_shop_bootstrap b;
    double score;
    llmcs_shop_bootstrap_init(&b);
    b.n_samples = 2;
    const llmcs_status status = llmcs_shop_measure_score(m, &score);
    MUST(status == LLMCS_OK || status == LLMCS_STATE || status == LLMCS_NUMERIC);
    if (status) return;
    MUST(score >= least - 1e-9 && score <= most + 1e-9);
    const llmcs_status sampled = llmcs_shop_measure_interval(m, &b, &interval);
    MUST(sampled == LLMCS_OK || sampled == LLMCS_NUMERIC);
    if (!sampled) MUST(interval.low <= interval.high && interval.high <= most + 1e-9);
}

/* The first byte: which metric; its high bits, lower case and stems. 0xff: what follows is WordNet's index of nouns. */
static UNUSED int fuzz_shop_metrics(const uint8_t *data, size_t size) {
    reader in = {data, size};
    counter c = {0};
    const llmcs_allocator a = counting(&c);
    llmcs_shop_measure_params p;
    llmcs_shop_measure *m = NULL;
    const uint8_t first = read_u8(&in), how = read_u8(&in);
    const char *metric = first == 0xff ? "meteor" : fuzz_metrics[first % (sizeof fuzz_metrics / sizeof *fuzz_metrics)];
    llmcs_shop_measure_params_init(&p);
    p.allocator = &a;
    p.tokenizer = (llmcs_shop_tokenizer)(first >> 4 & 3);
    p.lowercase = first >> 6 & 1;
    p.stem = first >> 7;
    if (first == 0xff) {
        static const char *const files[] = {"index.verb", "index.adj", "index.adv", "noun.exc",
                                            "verb.exc",   "adj.exc",   "adv.exc"};
        if (make_fuzz_folder())
            for (size_t i = 0; i < sizeof files / sizeof *files; i++) fuzz_write_text(files[i], "");
        fuzz_write("index.noun", in.at, in.left);
        p.wordnet = fuzz_folder;
    }
    const llmcs_status status = llmcs_shop_measure_create(metric, &p, &m);
    MUST(status == LLMCS_OK || (first == 0xff && status == LLMCS_FORMAT));
    if (!status) {
        fuzz_strings s;
        read_strings(&in, &s);
        for (int row = 0; row < 2; row++) {
            const llmcs_status added = add_fuzz_row(m, &s, (uint8_t)(how + 85 * row));
            MUST(added == LLMCS_OK || added == LLMCS_ARG || added == LLMCS_NUMERIC || added == LLMCS_LIMIT);
        }
        check_measure(m, metric);
        for (size_t i = 0; i < FUZZ_STRINGS; i++) free(s.items[i]);
    }
    llmcs_shop_measure_free(&m);
    MUST(c.live == 0);
    MUST(c.peak < 400 * size + (1 << 20));
    return 0;
}

#endif
