#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const char *const cli_backend_names[] = {"auto", "native", "openblas", NULL};
const char *const cli_weights_names[] = {"auto", "f32", "f16", "bf16", "int8", "int4", NULL};
const char *const cli_kv_type_names[] = {"auto", "f32", "f16", NULL};

static const cli_option common_options[] = {
    /* The first: not for those without jsonl_help. */
    {"jsonl", CLI_FLAG, offsetof(cli_common, jsonl),
     "one JSON request a line on stdin, one JSON answer a line on stdout"},
    {"threads", CLI_INT, offsetof(cli_common, n_threads), "threads (default: what affinity and cgroup quota allow)"},
    {"backend", CLI_STRING, offsetof(cli_common, backend), "auto, native or openblas"},
    {"weights", CLI_STRING, offsetof(cli_common, weights), "auto (as stored), f32, f16, bf16, int8 or int4"},
    {"kv_type", CLI_STRING, offsetof(cli_common, kv_type), "keys and values: auto, f32 or f16"},
    {"mmap", CLI_FLAG, offsetof(cli_common, mmap), "read the weights through a mapping"},
    {"help", CLI_FLAG, offsetof(cli_common, help), "this text"},
};
enum { N_COMMON = sizeof common_options / sizeof *common_options, MAX_OPTIONS = 64 };

static const char *const kind_hint[] = {"", "", " N", " X", " X", " N", " TEXT", " TEXT", " true|false|never"};

static size_t own_options(const cli_command *command) { return command->n_options ? *command->n_options : 0; }

static void print_option(const cli_option *o, FILE *to) {
    char head[64];
    int n = snprintf(head, sizeof head, "--%s%s", o->name, kind_hint[o->kind]);
    for (int i = 0; i < n && i < (int)sizeof head; i++)
        if (head[i] == '_') head[i] = '-';
    fprintf(to, "  %-34s %s\n", head, o->help);
}

void cli_print_help(const cli_command *command, FILE *to) {
    fprintf(to, "usage: llmcs %s MODEL_FOLDER %s\n%s\n\n", command->name, command->arguments, command->summary);
    for (size_t i = 0; i < own_options(command); i++) print_option(&command->options[i], to);
    for (size_t i = command->jsonl_help ? 0 : 1; i < N_COMMON; i++) print_option(&common_options[i], to);
    if (!command->jsonl_help) return;
    fprintf(to,
            "\nWith --jsonl: %s\nA line that cannot be answered gets "
            "{\"error\":{\"line\":N,\"status\":\"...\",\"message\":\"...\"}}.\n",
            command->jsonl_help);
}

static bool parse_integer(const char *text, long long low, long long high, long long *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return !errno && end != text && !*end && *out >= low && *out <= high;
}

/* Writes the text of an option into its place. */
static bool store(const cli_option *o, const char *text, void *base) {
    char *at = (char *)base + o->offset;
    long long i;
    char *end = NULL;
    switch (o->kind) {
        case CLI_FLAG:
            *(bool *)(void *)at = true;
            return true;
        case CLI_SWITCH:
            *(int32_t *)(void *)at = 1;
            return true;
        case CLI_INT:
            if (!parse_integer(text, INT32_MIN, INT32_MAX, &i)) return false;
            *(int32_t *)(void *)at = (int32_t)i;
            return true;
        case CLI_FLOAT:
        case CLI_DOUBLE: {
            double x = strtod(text, &end);
            if (end == text || *end) return false;
            if (o->kind == CLI_FLOAT)
                *(float *)(void *)at = (float)x;
            else
                *(double *)(void *)at = x;
            return true;
        }
        case CLI_UINT64: {
            errno = 0;
            unsigned long long u = strtoull(text, &end, 10);
            if (errno || end == text || *end || strchr(text, '-')) return false;
            *(uint64_t *)(void *)at = u;
            return true;
        }
        case CLI_STRING:
            *(const char **)(void *)at = text;
            return true;
        case CLI_STRINGS: {
            cli_strings *list = (void *)at;
            if (list->n == sizeof list->items / sizeof *list->items) return false;
            list->items[list->n++] = text;
            return true;
        }
        case CLI_EARLY:
            if (!strcmp(text, "true"))
                *(llmcs_early_stopping *)(void *)at = LLMCS_EARLY_STOPPING_TRUE;
            else if (!strcmp(text, "false"))
                *(llmcs_early_stopping *)(void *)at = LLMCS_EARLY_STOPPING_FALSE;
            else if (!strcmp(text, "never"))
                *(llmcs_early_stopping *)(void *)at = LLMCS_EARLY_STOPPING_NEVER;
            else
                return false;
            return true;
    }
    return false;
}

/* --max_new_tokens and --max-new-tokens are the same option: the names given to getopt have dashes. */
static void dashes(char *text) {
    for (; *text && *text != '='; text++)
        if (*text == '_') *text = '-';
}

bool cli_is_one_of(const cli_command *command, const char *option, const char *const *names, const char *found) {
    if (!found) return true;
    for (const char *const *name = names; *name; name++)
        if (!strcmp(*name, found)) return true;
    fprintf(stderr, "llmcs %s: --%s is", command->name, option);
    for (const char *const *name = names; *name; name++)
        fprintf(stderr, "%s %s", name == names ? "" : name[1] ? "," : " or", *name);
    fprintf(stderr, ", not '%s'\n", found);
    return false;
}

int cli_position(const char *const *names, const char *found) {
    int i = 0;
    while (found && names[i] && strcmp(names[i], found)) i++;
    return i;
}

int cli_parse(const cli_command *command, int argc, char **argv, cli_common *common, void *own) {
    struct option table[MAX_OPTIONS];
    static char names[MAX_OPTIONS][32];
    int n = 0;
    memset(common, 0, sizeof *common);
    for (size_t i = 0; i < own_options(command) + N_COMMON; i++, n++) {
        const cli_option *o =
            i < own_options(command) ? &command->options[i] : &common_options[i - own_options(command)];
        snprintf(names[n], sizeof names[n], "%s", o->name);
        dashes(names[n]);
        table[n] = (struct option){names[n], o->kind <= CLI_SWITCH ? no_argument : required_argument, NULL, n};
    }
    table[n] = (struct option){0};
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strncmp(argv[i], "--", 2)) dashes(argv[i]);
    int which;
    optind = 0; /* GNU: begin anew */
    while ((which = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (which == '?') {
            fprintf(stderr, "try: llmcs %s --help\n", command->name);
            return EXIT_USAGE;
        }
        bool mine = (size_t)which < own_options(command);
        const cli_option *o = mine ? &command->options[which] : &common_options[(size_t)which - own_options(command)];
        if (!store(o, optarg, mine ? own : (void *)common)) {
            fprintf(stderr, "llmcs %s: --%s: '%s' is no value for it\n", command->name, names[which], optarg);
            return EXIT_USAGE;
        }
    }
    if (common->help) {
        cli_print_help(command, stdout);
        return EXIT_OK;
    }
    if (optind == argc) {
        fprintf(stderr, "llmcs %s: the model folder is missing\n", command->name);
        cli_print_help(command, stderr);
        return EXIT_USAGE;
    }
    common->folder = argv[optind];
    common->texts = argv + optind + 1;
    common->n_texts = argc - optind - 1;
    const bool known = cli_is_one_of(command, "backend", cli_backend_names, common->backend) &&
                       cli_is_one_of(command, "weights", cli_weights_names, common->weights) &&
                       cli_is_one_of(command, "kv-type", cli_kv_type_names, common->kv_type);
    return known ? -1 : EXIT_USAGE;
}
