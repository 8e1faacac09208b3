/* llmcs-shop measure: measures search and answers on labelled questions. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "questions.h"
#include "store.h"

enum { K = 10 };

typedef struct measure_job {
    const char *encoder;
    int32_t puts;
} measure_job;

static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(measure_job, encoder),
              "folder of the encoder [the one of `llmcs-shop init`]"),
    CLI_BOUNDED("puts", offsetof(measure_job, puts),
                "store this many entries, ask for each at once and retire it: measures the time until it is found [0]",
                0, 10000),
};

/* The best candidate of a question. */
typedef struct outcome {
    double probability, ms;
    bool right, answerable, given;
} outcome;

typedef struct result {
    double reciprocal,
        fused_reciprocal; /* sums of 1 / rank of the right entry, of the order by score, and by fused ranks */
    size_t n_answerable, n_first;
} result;

static int rank_of(const llmcs_shop_answer *a, const char *id) {
    for (size_t i = 0; i < a->n_candidates && i < K; i++)
        if (!strcmp(a->candidates[i]->id, id)) return (int)i + 1;
    return 0;
}

/* Sorts by reciprocal rank fusion only. */
static int fused_rank_of(const llmcs_shop_answer *a, const char *id) {
    const int at = rank_of(a, id);
    int before = 0;
    for (size_t i = 0; at && i < a->n_candidates; i++) before += a->candidates[i]->fused > a->candidates[at - 1]->fused;
    return at && before < K ? before + 1 : 0;
}

static bool ask_all(llmcs_shop *shop, const questions *q, uint32_t flags, result *r, outcome *outcomes) {
    llmcs_shop_ask_params params;
    llmcs_shop_ask_params_init(&params);
    params.flags = flags;
    params.k = 20;
    *r = (result){0};
    for (size_t i = 0; i < q->n; i++) {
        llmcs_shop_answer *a = NULL;
        params.lang = q->items[i].lang;
        if (llmcs_shop_ask(shop, q->items[i].text, LLMCS_NUL, &params, &a)) return cli_failed("measure"), false;
        const char *id = q->items[i].id;
        const int rank = id ? rank_of(a, id) : 0, fused = id ? fused_rank_of(a, id) : 0;
        r->n_answerable += id != NULL;
        r->n_first += rank == 1;
        r->reciprocal += rank ? 1.0 / rank : 0;
        r->fused_reciprocal += fused ? 1.0 / fused : 0;
        outcomes[i] = (outcome){a->n_candidates ? a->candidates[0]->probability : 0, a->total_ms, rank == 1, id != NULL,
                                a->route != LLMCS_ROUTE_NONE && a->route != LLMCS_ROUTE_ASK_BACK};
        llmcs_shop_answer_free(&a);
    }
    return true;
}

static int by_probability(const void *a, const void *b) {
    const double x = ((const outcome *)a)->probability, y = ((const outcome *)b)->probability;
    return (x < y) - (x > y);
}

static int by_ms(const void *a, const void *b) {
    const double x = ((const outcome *)a)->ms, y = ((const outcome *)b)->ms;
    return (x > y) - (x < y);
}

static void print_result(const char *name, const result *r, outcome *o, size_t n) {
    const double answerable = r->n_answerable ? (double)r->n_answerable : 1;
    size_t given = 0, right = 0;
    for (size_t i = 0; i < n; i++) given += o[i].given, right += o[i].given && o[i].right;
    printf("%-8s MRR@10 %.4f by ranks, %.4f weighed  first %.4f", name, r->fused_reciprocal / answerable,
           r->reciprocal / answerable, (double)r->n_first / answerable);
    printf("  answered %zu, right %zu (%.3f)", given, right, given ? (double)right / (double)given : 0);
    qsort(o, n, sizeof *o, by_ms);
    printf("  ms p50 %.2f p99 %.2f\n", o[n / 2].ms, o[(size_t)(0.99 * (double)(n - 1) + 0.5)].ms);
}

/* Precision if the share `coverage` of the answerable questions with the highest confidence is answered: over these
 * questions, and including unanswerable ones with the same confidence. */
static void print_coverage(outcome *o, size_t n, size_t n_answerable) {
    static const double shares[] = {0.5, 0.6, 0.7, 0.8, 0.9, 1};
    qsort(o, n, sizeof *o, by_probability);
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        const size_t enough = (size_t)(shares[s] * (double)n_answerable + 0.5);
        size_t answerable = 0, right = 0, i = 0;
        for (; i < n && answerable < enough; i++) answerable += o[i].answerable, right += o[i].right;
        if (!i) continue;
        printf("coverage %.0f %%: precision %.3f of answerable questions; %.3f with the unanswerable; threshold %.3f\n",
               shares[s] * 100, (double)right / (double)answerable, (double)right / (double)i, o[i - 1].probability);
    }
}

static int measure_all(const store *s, const questions *q) {
    static const struct {
        const char *name;
        uint32_t flags;
    } legs[] = {{"words", LLMCS_ASK_WORDS_ONLY}, {"vectors", LLMCS_ASK_VECTORS_ONLY}, {"both", 0}};
    result r = {0};
    outcome *outcomes = calloc(q->n + 1, sizeof *outcomes);
    if (!outcomes || !q->n) return free(outcomes), cli_error("no questions");
    bool good = true;
    for (size_t i = 0; i < 3 && good; i++) {
        if (legs[i].flags == LLMCS_ASK_VECTORS_ONLY && !s->encoder) continue;
        good = ask_all(s->shop, q, legs[i].flags, &r, outcomes);
        if (good) print_result(legs[i].name, &r, outcomes, q->n);
    }
    if (good && r.n_answerable) {
        printf("%zu questions, %zu of them answerable\n", q->n, r.n_answerable);
        print_coverage(outcomes, q->n, r.n_answerable);
    }
    free(outcomes);
    return good ? EXIT_DONE : EXIT_FAILED;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Puts one entry and searches for it. Returns the time of both in milliseconds; *put_ms: that of the put. Negative:
 * failed. */
static double put_and_find(llmcs_shop *shop, int number, double *put_ms) {
    char id[40], question[80];
    const char *const texts[] = {question};
    const llmcs_shop_entry e = {.struct_size = sizeof e,
                                .id = id,
                                .lang = "en",
                                .questions = texts,
                                .n_questions = 1,
                                .answer = "This entry measures how soon an entry is found."};
    const llmcs_shop_entry *list[] = {&e};
    llmcs_shop_answer *a = NULL;
    snprintf(id, sizeof id, "llmcs-measure-%d", number);
    snprintf(question, sizeof question, "How soon is entry number %d found?", number);
    const double begin = now_ms();
    if (llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL)) return cli_failed("put"), -1;
    *put_ms = now_ms() - begin;
    if (llmcs_shop_ask(shop, question, LLMCS_NUL, NULL, &a)) return cli_failed("ask"), -1;
    const double ms = now_ms() - begin;
    const bool found = rank_of(a, id) == 1;
    llmcs_shop_answer_free(&a);
    if (llmcs_shop_retire_entry(shop, id, NULL, NULL)) return cli_failed("retire"), -1;
    return found ? ms : (cli_error("%s was stored, but is not the first result of a search for its question", id), -1);
}

static int measure_puts(const store *s, int n) {
    outcome *outcomes = calloc((size_t)n, 2 * sizeof *outcomes);
    int code = outcomes ? EXIT_DONE : cli_error("no memory");
    for (int i = 0; i < n && code == EXIT_DONE; i++) {
        outcomes[i].ms = put_and_find(s->shop, i, &outcomes[n + i].ms);
        if (outcomes[i].ms < 0) code = EXIT_FAILED;
    }
    if (code == EXIT_DONE) {
        qsort(outcomes, (size_t)n, sizeof *outcomes, by_ms);
        qsort(outcomes + n, (size_t)n, sizeof *outcomes, by_ms);
        printf("put %.2f ms, put to found %.2f ms (medians of %d; 90 %%: %.2f, %.2f)\n", outcomes[n + n / 2].ms,
               outcomes[n / 2].ms, n, outcomes[n + n * 9 / 10].ms, outcomes[n * 9 / 10].ms);
    }
    free(outcomes);
    return code;
}

static int measure_command(int argc, char **argv) {
    cli_common common;
    measure_job j = {0};
    store s;
    questions q = {0};
    int code = cli_parse(&cmd_measure, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!common.n_texts && !j.puts) return cli_usage_error(&cmd_measure, "expected: FILE, or --puts N");
    if (!store_open(&s, &common, STORE_ENCODER, j.encoder, j.puts ? 0 : LLMCS_SHOP_READ_ONLY)) return EXIT_FAILED;
    code = EXIT_DONE;
    for (int i = 0; i < common.n_texts && code == EXIT_DONE; i++)
        if (!questions_read(&q, &common, common.texts[i])) code = EXIT_FAILED;
    if (code == EXIT_DONE && q.n) code = measure_all(&s, &q);
    if (code == EXIT_DONE && j.puts) code = measure_puts(&s, j.puts);
    questions_free(&q);
    store_close(&s);
    return code;
}

const cli_command cmd_measure = {
    .name = "measure",
    .target = "STORE",
    .arguments = "FILE ...",
    .summary = "Measures answers to labelled questions: MRR@10 by words, vectors and both, precision by coverage.",
    .notes = "A row: {\"text\", \"id\" of the entry that answers it or null, \"lang\"?}.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = measure_command};
