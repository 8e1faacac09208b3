/*
 * llmcs-bench: measures the library relative to the machine's limits. Work and limit are measured in alternation, and
 * the reported share is the median over the turns: on shared machines with changing clocks a share is more reliable
 * than a time.
 *
 * The limit of a piece of work is the roofline's (Williams, Waterman and Patterson 2009): it must read some bytes and
 * do some operations, and takes at least as long as the longer of the two takes on this machine.
 */
#ifndef LLMCS_BENCH_H
#define LLMCS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "kernels/kernels.h"
#include "llmcs.h"

#define BENCH_MAX_REPEATS 99
#define BENCH_MAX_LIST 64
#define BENCH_MAX_CALLERS 256

/* ---- options.c: what the command line requested; lists are what the option said, or the default */
typedef struct bench_list {
    int n;
    int values[BENCH_MAX_LIST];
} bench_list;

typedef struct bench_numbers {
    int n;
    double values[BENCH_MAX_LIST];
} bench_numbers;

/* What `serve` does, in this order. */
typedef enum bench_scenario {
    BENCH_CLOSED,
    BENCH_OPEN,
    BENCH_SHOP_TEXT,
    BENCH_LONG_PROMPT,
    BENCH_LOOKUP,
    BENCH_OVERHEAD
} bench_scenario;

/* How long prompts and answers are: all the same, 1/2 to 3/2 of it, or with logarithms that are normal. */
typedef enum bench_distribution { BENCH_AUTO, BENCH_FIXED, BENCH_UNIFORM, BENCH_LOGNORMAL } bench_distribution;

typedef struct bench_options {
    const char *command;                                  /* "" for the short set */
    const char *path;                                     /* folder or file; NULL: none */
    const struct bench_shape *shape;                      /* NULL: none */
    bench_list threads;                                   /* 0: as many as may be used */
    bench_list weights, kv_types;                         /* llmcs_weights, llmcs_kv_type */
    bench_list prompts, contexts, batches, lengths, rows; /* empty: the command's default */
    llmcs_backend backend;
    int repeats;
    bool json;
    /* encode */
    const char *texts, *tokenizer; /* files; tokenizer: NULL, or where a shape's vocabulary comes from */
    int max_length, callers, count;
    struct bench_serve_options { /* serve */
        unsigned scenarios;      /* bits, by bench_scenario */
        int prompt_tokens, new_tokens, distribution, seconds;
        bench_numbers loads, rates; /* shares of the capacity; requests a second */
    } serve;
} bench_options;

/* False after saying what is wrong. */
bool bench_options_read(bench_options *o, int argc, char **argv);
const char *bench_weights_name(int weights); /* "f32" */
const char *bench_kv_type_name(int kv_type);

/* ---- what every measurement is done with */
typedef struct bench {
    const bench_options *options;
    int repeats;
    ll_pool *pool;
    int n_threads;
    const ll_kernels *kernels;
    const char *section; /* the subcommand, for the report */
    bool is_short;       /* only the most telling figures */
} bench;

/* ---- support.c */
/* Prints the library's last message after "llmcs-bench: doing: ". Returns 1. */
int bench_failed(const char *doing);
/* n floats in [-scale, scale), the same each time. Ends the program if there is no memory. */
float *bench_floats(size_t n, float scale);
void *bench_memory(size_t n_bytes);

/* ---- limits.c: the machine's limits, for the threads of the pool and the instructions of the kernel set */
typedef enum bench_arithmetic {
    BENCH_F32 = 1,
    BENCH_INT8 = 2,
    BENCH_INT4 = 4 /* bytes, too, but not all that is there for bytes works on blocks of 32 */
} bench_arithmetic;

/* Which arithmetic products by weights stored as "f32", ..., "int4" take, and what it is called. */
bench_arithmetic bench_arithmetic_of(const char *weights);
const char *bench_arithmetic_name(bench_arithmetic arithmetic);

/* Bytes a second of reading the same n_bytes over and over (0: more than any cache holds). */
double bench_limit_read(const bench *b, double n_bytes);
/* Multiplications and additions a second on registers; 0 where the row has no instructions of its own for it. */
double bench_limit_arithmetic(const bench *b, bench_arithmetic kind);
void bench_limits_free(void);

/* ---- measure.c: one figure */
/* One pass of the work; its seconds, or a negative number: it failed, and the library's message says why. */
typedef double (*bench_pass)(const bench *b, void *arg);

/* What one pass takes of the machine: each of its steps reads the same bytes again and does so many operations. 0 for
 * what it does not; both 0 for work without a limit. */
typedef struct bench_cost {
    double steps;
    double read_bytes;
    double operations;
    bench_arithmetic arithmetic;
} bench_cost;

/* What a figure is of. The strings may be NULL and the numbers 0 where they say nothing. */
typedef struct bench_row {
    const char *label; /* for people */
    const char *name;  /* for machines, with `model` and the numbers below */
    const char *model, *weights, *kv_type, *backend, *cpu;
    size_t tokens; /* of a prompt, a context or a text */
    size_t batch;  /* sequences, or rows of a product */
    double amount; /* one pass does that many `unit`s */
    const char *unit;
    double unit_scale; /* 1e9 for G...; 0 means 1 */
    double load;       /* share of the capacity that arrives */
} bench_row;

/* Takes turns of limit and work, and reports. 0, or 1 after saying what failed. */
int bench_measure(const bench *b, const bench_row *row, bench_pass pass, void *arg, const bench_cost *cost);
/* The seconds of one run of fn on all threads of the pool. */
double bench_run(const bench *b, ll_team_fn fn, void *arg);
double bench_median(double *values, size_t n); /* sorts */
/* The most memory this process ever had, in kB; 0: unknown. */
double bench_peak_kb(void);

/* ---- report.c: a table for people, or with --json one document for machines */
typedef struct bench_figure {
    double value, least, most; /* median, minimum and maximum */
    double limit;              /* in the same unit; 0: none */
    double share;              /* median of the turns' value / limit */
    const char *limit_of;      /* what the limit is made of */
    double p95, p99;           /* where the value is a median of many times; else 0 */
} bench_figure;

void bench_report_begin(const bench_options *o);
void bench_report_heading(const bench_options *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_report_row(const bench *b, const bench_row *row, const bench_figure *f);
void bench_report_end(const bench_options *o);

/* ---- shapes.c: checkpoints of well-known shapes with random weights, in a temporary folder until the program ends */
typedef struct bench_shape {
    const char *name, *model_type;
    bool encoder;
    int width, layers, heads, inner, vocabulary, positions;
    int kv_heads, head_dim; /* 0: as many as heads; width / heads */
    double theta;           /* of rotary positions, whose models have gates, too; 0: a table of positions */
} bench_shape;
static inline int bench_query_width(const bench_shape *s) { return s->head_dim ? s->head_dim * s->heads : s->width; }
static inline int bench_key_width(const bench_shape *s) {
    return s->kv_heads ? bench_query_width(s) / s->heads * s->kv_heads : bench_query_width(s);
}
/* NULL: no such shape. */
const bench_shape *bench_shape_find(const char *name);
/* NULL after saying what is wrong. Made at the first call for a shape. tokenizer: NULL, or a folder whose vocab.txt an
 * encoder gets instead of one that is made up. */
const char *bench_shape_folder(const bench_shape *shape, const char *tokenizer);
/* "gpt2-124m, ..." */
const char *bench_shape_names(void); /* for the help: six a line */

/* ---- subcommands; 0 or an exit code */
int bench_limits_main(const bench *b);
int bench_kernels_main(const bench *b); /* kernels.c, with: */
int bench_kernels_parts(const bench *b);
int bench_e2e_main(const bench *b);
int bench_open_main(const bench_options *o);
int bench_tokenizer_main(const bench *b);
int bench_encode_main(const bench *b);
int bench_serve_main(const bench *b);
int bench_search_main(const bench *b);

#endif
