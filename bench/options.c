/* The command line of llmcs-bench, by getopt_long. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char usage[] =
    "usage: llmcs-bench [COMMAND] [options]\n"
    "Measures what this machine and the library do. Without a command a short set of all of them, in\n"
    "less than two minutes on two cores.\n"
    "\n"
    "  limits                reading memory, multiply-adds of float32, dot products of int8\n"
    "  kernels               every kernel set that runs here, at the shapes of real models\n"
    "  e2e [PATH]            a model, or --shape: opening, prompts, decoding, batches; or texts\n"
    "  encode [PATH]         an encoder, or --shape, and --texts: one call, batches, one text at a\n"
    "                        time, many threads\n"
    "  serve [PATH]          many conversations at once: in a closed and in an open loop, a shop's text\n"
    "                        before every question, a long prompt among streams, prompt lookup\n"
    "  tokenizer FOLDER      megabytes a second on one core\n"
    "  search [FOLDER]       the vector index: exact, by lists, with a filter, next to puts; FOLDER of\n"
    "                        search_vectors.py\n"
    "  open PATH             one opening and first use: milliseconds and peak memory, in a process of\n"
    "                        its own\n"
    "\n"
    "  --shape NAME          a model of random weights (e2e, serve, encode, kernels), of these:\n"
    "                        %s\n"
    "  --weights LIST        how weights are stored: auto, f32, f16, bf16, int8, int4\n"
    "  --kv-type LIST        how keys and values are stored: auto, f32, f16\n"
    "  --threads LIST        such as 1,2,4; 0: all that are allowed\n"
    "  --backend NAME        kernels for matrix products: auto, native, openblas\n"
    "  --prompts LIST        tokens of a prompt\n"
    "  --contexts LIST       tokens before decoding\n"
    "  --batches LIST        conversations or texts that are evaluated together\n"
    "  --lengths LIST        tokens of an encoder's text\n"
    "  --rows LIST           rows of a product (kernels)\n"
    "  --texts FILE          encode: a text a line, or JSON Lines with \"text\"\n"
    "  --count N             encode: this many of the texts [256]\n"
    "  --max-length N        encode: texts are cut to this many tokens [256]\n"
    "  --threads-calling N   encode: threads that call with one text at a time [8]\n"
    "  --tokenizer FOLDER    encode: the tokenizer for a shape\n"
    "  --scenario LIST       serve [all but the last]: closed, open, shop-text, long-prompt, lookup,\n"
    "                        overhead\n"
    "  --prompt-tokens N     serve: tokens of a request's prompt [64]\n"
    "  --new-tokens N        serve: tokens that a request generates [64]\n"
    "  --distribution NAME   serve: how these vary: fixed, uniform, lognormal\n"
    "  --load LIST           serve: customers that arrive, of the capacity [0.7]\n"
    "  --rate LIST           serve: or customers a second\n"
    "  --seconds N           serve: of each scenario [8]\n"
    "  --repeats N           medians of this many turns [5]\n"
    "  --json                one JSON document\n"
    "  --help                this text; -h is the same\n"
    "\n"
    "PATH is a Hugging Face folder or a GGUF file.\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage.\n"
    "Environment: LLMCS_CPU names a kernel set (scalar, avx2, avx512, neon, ...) to use instead\n"
    "of the best one for this processor.\n";

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

static bool read_text(const char **out, const char *value) {
    *out = value;
    return true;
}

/* Long options: getopt_long's `val`. */
enum {
    OPT_SHAPE = 256,
    OPT_WEIGHTS,
    OPT_KV_TYPE,
    OPT_BACKEND,
    OPT_THREADS,
    OPT_PROMPTS,
    OPT_CONTEXTS,
    OPT_BATCHES,
    OPT_LENGTHS,
    OPT_ROWS,
    OPT_REPEATS,
    OPT_JSON,
    OPT_TEXTS,
    OPT_TOKENIZER,
    OPT_MAX_LENGTH,
    OPT_CALLERS,
    OPT_COUNT,
    OPT_SCENARIO,
    OPT_PROMPT_TOKENS,
    OPT_NEW_TOKENS,
    OPT_DISTRIBUTION,
    OPT_SECONDS,
    OPT_LOAD,
    OPT_RATE
};

static const struct option long_options[] = {{"help", no_argument, NULL, 'h'},
                                             {"json", no_argument, NULL, OPT_JSON},
                                             {"shape", required_argument, NULL, OPT_SHAPE},
                                             {"weights", required_argument, NULL, OPT_WEIGHTS},
                                             {"kv-type", required_argument, NULL, OPT_KV_TYPE},
                                             {"backend", required_argument, NULL, OPT_BACKEND},
                                             {"threads", required_argument, NULL, OPT_THREADS},
                                             {"prompts", required_argument, NULL, OPT_PROMPTS},
                                             {"contexts", required_argument, NULL, OPT_CONTEXTS},
                                             {"batches", required_argument, NULL, OPT_BATCHES},
                                             {"lengths", required_argument, NULL, OPT_LENGTHS},
                                             {"rows", required_argument, NULL, OPT_ROWS},
                                             {"repeats", required_argument, NULL, OPT_REPEATS},
                                             {"texts", required_argument, NULL, OPT_TEXTS},
                                             {"tokenizer", required_argument, NULL, OPT_TOKENIZER},
                                             {"max-length", required_argument, NULL, OPT_MAX_LENGTH},
                                             {"threads-calling", required_argument, NULL, OPT_CALLERS},
                                             {"count", required_argument, NULL, OPT_COUNT},
                                             {"scenario", required_argument, NULL, OPT_SCENARIO},
                                             {"prompt-tokens", required_argument, NULL, OPT_PROMPT_TOKENS},
                                             {"new-tokens", required_argument, NULL, OPT_NEW_TOKENS},
                                             {"distribution", required_argument, NULL, OPT_DISTRIBUTION},
                                             {"seconds", required_argument, NULL, OPT_SECONDS},
                                             {"load", required_argument, NULL, OPT_LOAD},
                                             {"rate", required_argument, NULL, OPT_RATE},
                                             {NULL, 0, NULL, 0}};

/* False: the value is not valid, or the option is not one of `serve`. */
static bool read_serve_option(struct bench_serve_options *serve, int option, const char *value) {
    const name_list scenarios = NAMES(scenario_names), distributions = NAMES(distribution_names);
    switch (option) {
        case OPT_SCENARIO:
            return read_scenarios(&serve->scenarios, value, &scenarios);
        case OPT_PROMPT_TOKENS:
            return read_one(&serve->prompt_tokens, value, NULL, 1, 65536);
        case OPT_NEW_TOKENS:
            return read_one(&serve->new_tokens, value, NULL, 2, 65536);
        case OPT_DISTRIBUTION:
            return read_one(&serve->distribution, value, &distributions, 0, 0);
        case OPT_SECONDS:
            return read_one(&serve->seconds, value, NULL, 1, 3600);
        case OPT_LOAD:
            return read_numbers(&serve->loads, value, 10);
        case OPT_RATE:
            return read_numbers(&serve->rates, value, 1e6);
        default:
            return false;
    }
}

/* False: the value is not valid for the option. */
static bool read_option(bench_options *o, int option, const char *value) {
    const name_list weights = NAMES(weights_names), kv_types = NAMES(kv_type_names), backends = NAMES(backend_names);
    int backend = 0;
    switch (option) {
        case OPT_SHAPE:
            o->shape = bench_shape_find(value);
            return o->shape != NULL;
        case OPT_WEIGHTS:
            return read_list(&o->weights, value, &weights, 0, 0);
        case OPT_KV_TYPE:
            return read_list(&o->kv_types, value, &kv_types, 0, 0);
        case OPT_BACKEND:
            if (!read_one(&backend, value, &backends, 0, 0)) return false;
            o->backend = (llmcs_backend)backend;
            return true;
        case OPT_THREADS:
            return read_list(&o->threads, value, NULL, 0, 512);
        case OPT_PROMPTS:
            return read_list(&o->prompts, value, NULL, 1, 65536);
        case OPT_CONTEXTS:
            return read_list(&o->contexts, value, NULL, 1, 65536);
        case OPT_BATCHES:
            return read_list(&o->batches, value, NULL, 1, 256);
        case OPT_LENGTHS:
            return read_list(&o->lengths, value, NULL, 1, 65536);
        case OPT_ROWS:
            return read_list(&o->rows, value, NULL, 1, 512);
        case OPT_REPEATS:
            return read_one(&o->repeats, value, NULL, 1, BENCH_MAX_REPEATS);
        case OPT_JSON:
            o->json = true;
            return true;
        case OPT_TEXTS:
            return read_text(&o->texts, value);
        case OPT_TOKENIZER:
            return read_text(&o->tokenizer, value);
        case OPT_MAX_LENGTH:
            return read_one(&o->max_length, value, NULL, 3, 65536);
        case OPT_CALLERS:
            return read_one(&o->callers, value, NULL, 1, BENCH_MAX_CALLERS);
        case OPT_COUNT:
            return read_one(&o->count, value, NULL, 1, 1000000);
        default:
            return read_serve_option(&o->serve, option, value);
    }
}

/* Commands and whether a path comes after them: 0 no, 1 unless there is a shape, 2 yes, 3 perhaps. */
static const struct {
    const char *name;
    int path;
} commands[] = {{"limits", 0}, {"kernels", 0}, {"e2e", 1},       {"serve", 1},
                {"encode", 1}, {"open", 2},    {"tokenizer", 2}, {"search", 3}};

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
    int path = 0, option, index = -1;
    if (argc == 2 && !strcmp(argv[1], "help")) argv[1] = "--help";
    if (argc > 1 && argv[1][0] != '-') {
        o->command = NULL;
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            if (strcmp(commands[i].name, argv[1])) continue;
            o->command = commands[i].name;
            path = commands[i].path;
        }
        if (!o->command) return wrong("no such command", argv[1]);
        optind = 2;
    }
    while ((option = getopt_long(argc, argv, "h", long_options, &index)) != -1) {
        if (option == 'h') {
            printf(usage, bench_shape_names());
            exit(0);
        }
        if (option == '?') return wrong("wrong usage", argv[optind - 1]);
        if (!read_option(o, option, optarg)) return wrong("not a valid value", optarg);
    }
    if (path && optind < argc) o->path = argv[optind++];
    if (optind < argc) return wrong("unexpected argument", argv[optind]);
    if (path == 2 && !o->path) return wrong("a folder is required", o->command);
    if (path == 1 && !o->path == !o->shape) return wrong("either a path or --shape is required", o->command);
    if (!strcmp(o->command, "encode") && !o->texts) return wrong("--texts is required", o->command);
    if (o->shape && path != 1 && strcmp(o->command, "kernels"))
        return wrong("--shape is for e2e, serve, encode and kernels", *o->command ? o->command : "the short set");
    return true;
}
