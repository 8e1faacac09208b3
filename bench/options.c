/* The command line of llmcs-bench. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char usage[] =
    "usage: llmcs-bench [COMMAND] [OPTION VALUE]...\n"
    "  limits             what the machine can do: reading memory, multiply-adds of float32, dot products of int8\n"
    "  kernels            the library's kernels, every row of them that runs here, at the shapes of real models\n"
    "  e2e [PATH]         a model's folder or GGUF file, or --shape: opening, prompts, decoding, batches; or texts\n"
    "  encode [PATH]      an encoder, or --shape, and --texts: one call, batches, one text at a time, many threads\n"
    "  serve [PATH]       many conversations at once: in a closed and in an open loop, a shop's text before every\n"
    "                     question, a long prompt among streams, guessing ahead\n"
    "  tokenizer FOLDER   megabytes a second on one core\n"
    "  open PATH          one opening and first use: milliseconds and peak memory, in a process of its own\n"
    "Without a command a short set of all of them, in less than two minutes on two cores.\n"
    "  --shape NAME       a model of random weights (e2e, serve, encode, kernels): %s\n"
    "  --weights LIST     auto, f32, f16, bf16, int8, int4        --kv-type LIST   auto, f32, f16\n"
    "  --threads LIST     such as 1,2,4; 0: all that may be used  --backend NAME   auto, native, openblas\n"
    "  --prompts LIST     tokens   --contexts LIST  tokens before decoding    --batches LIST  conversations, texts\n"
    "  --lengths LIST     tokens of an encoder's text            --rows LIST       rows of a product (kernels)\n"
    "  --texts FILE       encode: a text a line, or JSON Lines with \"text\"; --count N of them (256), cut to\n"
    "  --max-length N     tokens (256); --threads-calling N with one text at a time (8); --tokenizer FOLDER for a "
    "shape\n"
    "  --scenario LIST    serve: closed, open, shop-text, long-prompt, lookup, overhead (all but the last)\n"
    "  --prompt-tokens N  --new-tokens N  of a request (64)       --distribution NAME  fixed, uniform, lognormal\n"
    "  --load LIST        customers, of the capacity (0.7)        --rate LIST    a second     --seconds N  of each "
    "(8)\n"
    "  --repeats N        medians of N turns (5)                  --json           one JSON document\n"
    "LLMCS_CPU=scalar|avx2|avx512|neon|... chooses the row of kernels.\n";

typedef struct name_list {
    const char *const *names; /* the index is the value */
    size_t n;
} name_list;

static const char *const weights_names[] = {"auto", "f32", "f16", "bf16", "int8", "int4"};
static const char *const kv_type_names[] = {"auto", "f32", "f16"};
static const char *const backend_names[] = {"auto", "native", "openblas"};
static const char *const scenario_names[] = {"closed", "open", "shop-text", "long-prompt", "lookup", "overhead"};
static const char *const distribution_names[] = {"auto", "fixed", "uniform", "lognormal"};
#define NAMES(a) \
    (name_list) { a, sizeof(a) / sizeof *(a) }

const char *bench_weights_name(int weights) { return weights_names[weights]; }
const char *bench_kv_type_name(int kv_type) { return kv_type_names[kv_type]; }

static bool add(bench_list *list, int value) {
    if (list->n == BENCH_MAX_LIST) return false;
    list->values[list->n++] = value;
    return true;
}

static bool add_number(bench_list *list, const char *text, size_t n_bytes, int least, int most) {
    char digits[8];
    if (!n_bytes || n_bytes >= sizeof digits || strspn(text, "0123456789") < n_bytes) return false;
    memcpy(digits, text, n_bytes);
    digits[n_bytes] = 0;
    const long value = strtol(digits, NULL, 10);
    return value >= least && value <= most && add(list, (int)value);
}

static bool add_name(bench_list *list, const char *text, size_t n_bytes, const name_list *names) {
    for (size_t i = 0; i < names->n; i++)
        if (strlen(names->names[i]) == n_bytes && !memcmp(names->names[i], text, n_bytes)) return add(list, (int)i);
    return false;
}

/* "1,2,4", or names when there are some; replaces the list. */
static bool read_list(bench_list *list, const char *text, const name_list *names, int least, int most) {
    list->n = 0;
    for (;;) {
        const size_t n_bytes = strcspn(text, ",");
        const bool ok = names ? add_name(list, text, n_bytes, names) : add_number(list, text, n_bytes, least, most);
        if (!ok) return false;
        if (!text[n_bytes]) return true;
        text += n_bytes + 1;
    }
}

/* "0.5,0.7": numbers above 0. */
static bool read_numbers(bench_numbers *list, const char *text, double most) {
    for (list->n = 0; list->n < BENCH_MAX_LIST; text++) {
        char *end;
        const double value = strtod(text, &end);
        if (end == text || !(value > 0 && value <= most)) return false;
        list->values[list->n++] = value;
        if (!*end) return true;
        if (*end != ',') return false;
        text = end;
    }
    return false;
}

static bool read_scenarios(unsigned *bits, const char *text, const name_list *names) {
    bench_list list;
    if (!read_list(&list, text, names, 0, 0)) return false;
    *bits = 0;
    for (int i = 0; i < list.n; i++) *bits |= 1u << list.values[i];
    return true;
}

static bool read_one(int *value, const char *text, const name_list *names, int least, int most) {
    bench_list list;
    if (!read_list(&list, text, names, least, most) || list.n != 1) return false;
    *value = list.values[0];
    return true;
}

static bool read_encode_option(bench_options *o, const char *name, const char *value) {
    if (!strcmp(name, "--max-length")) return read_one(&o->max_length, value, NULL, 3, 65536);
    if (!strcmp(name, "--threads-calling")) return read_one(&o->callers, value, NULL, 1, BENCH_MAX_CALLERS);
    if (!strcmp(name, "--count")) return read_one(&o->count, value, NULL, 1, 1000000);
    const bool texts = !strcmp(name, "--texts"), tokenizer = !strcmp(name, "--tokenizer");
    if (texts) o->texts = value;
    if (tokenizer) o->tokenizer = value;
    return texts || tokenizer;
}

static bool read_serve_option(struct bench_serve_options *o, const char *name, const char *value) {
    const name_list scenarios = NAMES(scenario_names), distributions = NAMES(distribution_names);
    if (!strcmp(name, "--scenario")) return read_scenarios(&o->scenarios, value, &scenarios);
    if (!strcmp(name, "--prompt-tokens")) return read_one(&o->prompt_tokens, value, NULL, 1, 65536);
    if (!strcmp(name, "--new-tokens")) return read_one(&o->new_tokens, value, NULL, 2, 65536);
    if (!strcmp(name, "--distribution")) return read_one(&o->distribution, value, &distributions, 0, 0);
    if (!strcmp(name, "--seconds")) return read_one(&o->seconds, value, NULL, 1, 3600);
    if (!strcmp(name, "--load")) return read_numbers(&o->loads, value, 10);
    return !strcmp(name, "--rate") && read_numbers(&o->rates, value, 1e6);
}

/* One option and its value; false: no such option, or not such a value. */
static bool read_option(bench_options *o, const char *name, const char *value) {
    const name_list weights = NAMES(weights_names), kv_types = NAMES(kv_type_names), backends = NAMES(backend_names);
    int backend = 0;
    bool ok = false;
    if (!strcmp(name, "--shape")) {
        o->shape = bench_shape_find(value);
        ok = o->shape;
    } else if (!strcmp(name, "--weights")) {
        ok = read_list(&o->weights, value, &weights, 0, 0);
    } else if (!strcmp(name, "--kv-type")) {
        ok = read_list(&o->kv_types, value, &kv_types, 0, 0);
    } else if (!strcmp(name, "--backend")) {
        ok = read_one(&backend, value, &backends, 0, 0);
        o->backend = (llmcs_backend)backend;
    } else if (!strcmp(name, "--threads")) {
        ok = read_list(&o->threads, value, NULL, 0, 512);
    } else if (!strcmp(name, "--prompts")) {
        ok = read_list(&o->prompts, value, NULL, 1, 65536);
    } else if (!strcmp(name, "--contexts")) {
        ok = read_list(&o->contexts, value, NULL, 1, 65536);
    } else if (!strcmp(name, "--batches")) {
        ok = read_list(&o->batches, value, NULL, 1, 256);
    } else if (!strcmp(name, "--lengths")) {
        ok = read_list(&o->lengths, value, NULL, 1, 65536);
    } else if (!strcmp(name, "--rows")) {
        ok = read_list(&o->rows, value, NULL, 1, 512);
    } else if (!strcmp(name, "--repeats")) {
        ok = read_one(&o->repeats, value, NULL, 1, BENCH_MAX_REPEATS);
    } else {
        ok = read_encode_option(o, name, value) || read_serve_option(&o->serve, name, value);
    }
    return ok;
}

/* Commands and whether a path comes after them: 0 no, 1 unless there is a shape, 2 yes. */
static const struct {
    const char *name;
    int path;
} commands[] = {{"limits", 0}, {"kernels", 0}, {"e2e", 1}, {"serve", 1}, {"encode", 1}, {"open", 2}, {"tokenizer", 2}};

static bool wrong(const char *what, const char *value) {
    fprintf(stderr, "llmcs-bench: %s: %s\n", what, value);
    fprintf(stderr, usage, bench_shape_names());
    return false;
}

bool bench_options_read(bench_options *o, int argc, char **argv) {
    *o = (bench_options){.command = "",
                         .repeats = 5,
                         .max_length = 256,
                         .callers = 8,
                         .count = 256,
                         .threads = {1, {0}},
                         .weights = {1, {LLMCS_WEIGHTS_AUTO}},
                         .kv_types = {1, {LLMCS_KV_AUTO}},
                         .serve = {.scenarios = (1u << BENCH_OVERHEAD) - 1,
                                   .prompt_tokens = 64,
                                   .new_tokens = 64,
                                   .seconds = 8,
                                   .loads = {1, {0.7}}}};
    int path = 0, at = 1;
    if (argc > 1 && argv[1][0] != '-') {
        o->command = NULL;
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            if (strcmp(commands[i].name, argv[1])) continue;
            o->command = commands[i].name;
            path = commands[i].path;
        }
        if (!o->command) return wrong("no such command", argv[1]);
        at = 2;
    }
    if (path && argc > at && argv[at][0] != '-') o->path = argv[at++];
    while (at < argc) {
        if (!strcmp(argv[at], "--json")) {
            o->json = true;
            at++;
        } else if (at + 1 < argc && read_option(o, argv[at], argv[at + 1])) {
            at += 2;
        } else {
            return wrong("no such option, or not such a value", argv[at]);
        }
    }
    if (path == 2 && !o->path) return wrong("which folder", o->command);
    if (path == 1 && !o->path == !o->shape) return wrong("a path or a --shape, one of them", o->command);
    if (!strcmp(o->command, "encode") && !o->texts) return wrong("which --texts", o->command);
    if (o->shape && path != 1 && strcmp(o->command, "kernels"))
        return wrong("--shape is for e2e, serve, encode and kernels", *o->command ? o->command : "the short set");
    return true;
}
