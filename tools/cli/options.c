/* Parses a command's options: getopt_long over a table, without abbreviations. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const backend_names[] = {"auto", "native", "openblas", NULL};
const char *const cli_weights_names[] = {"auto", "f32", "f16", "bf16", "int8", "int4", NULL};
const char *const cli_kv_type_names[] = {"auto", "f32", "f16", NULL};

#define AT(member) offsetof(cli_common, member)
const cli_common_option cli_common_options[] = {
    {CLI_PLAIN("jsonl", CLI_FLAG, AT(jsonl), "a JSON request a line on stdin, a JSON answer a line on stdout"),
     CLI_TAKES_JSONL},
    {CLI_PLAIN("strict_utf8", CLI_FLAG, AT(strict_utf8),
               "refuse text that is not UTF-8 instead of reading its bad bytes as U+FFFD"),
     CLI_TAKES_TEXT},
    {CLI_PLAIN("max_line_bytes", CLI_UINT64, AT(max_line_bytes), "refuse longer lines and texts on stdin [16777216]"),
     CLI_TAKES_TEXT},
    {CLI_PLAIN("adapter", CLI_STRINGS, AT(adapters),
               "a LoRA adapter, a folder that PEFT saved, to apply to the weights; may be "
               "given again"),
     CLI_TAKES_MODEL},
    {CLI_BOUNDED("threads", AT(n_threads), "threads [0: what affinity and cgroup quota allow]", 0, 512),
     CLI_TAKES_MODEL},
    {CLI_CHOICE("backend", AT(backend), "kernels for matrix products [auto]", backend_names), CLI_TAKES_MODEL},
    {CLI_CHOICE("weights", AT(weights), "how weights are stored in memory [auto: as in the file]", cli_weights_names),
     CLI_TAKES_MODEL},
    {CLI_CHOICE("kv_type", AT(kv_type), "how keys and values are stored [auto]", cli_kv_type_names), CLI_TAKES_KV},
    {CLI_PLAIN("mmap", CLI_FLAG, AT(mmap), "read the weights through a mapping"), CLI_TAKES_MODEL},
    {CLI_PLAIN("help", CLI_FLAG, AT(help), "this text; -h is the same"), 0},
};
const size_t cli_n_common_options = sizeof cli_common_options / sizeof *cli_common_options;

int cli_usage_error(const cli_command *command, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s %s: ", cli_program, command->name);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\ntry: %s %s --help\n", cli_program, command->name);
    return EXIT_USAGE;
}

bool cli_was_given(const cli_common *common, const char *name) {
    for (int i = 0; i < common->n_given; i++)
        if (!strcmp(common->given[i].option->name, name)) return true;
    return false;
}

static bool store_number(const cli_option *o, const char *text, void *at) {
    char *end = NULL;
    errno = 0;
    if (o->kind == CLI_INT) {
        const long long i = strtoll(text, &end, 10);
        const bool bounded = o->low || o->high;
        if (errno || i < (bounded ? o->low : INT32_MIN) || i > (bounded ? o->high : INT32_MAX)) return false;
        *(int32_t *)at = (int32_t)i;
    } else if (o->kind == CLI_UINT64) {
        *(uint64_t *)at = strtoull(text, &end, 10);
        if (errno || strchr(text, '-')) return false;
    } else {
        const double x = strtod(text, &end);
        if (o->kind == CLI_FLOAT)
            *(float *)at = (float)x;
        else
            *(double *)at = x;
    }
    return end != text && !*end;
}

/* Parses and stores an option's value. False: the text is not a valid value. */
static bool store(const cli_option *o, const char *text, void *base) {
    void *at = (char *)base + o->offset;
    switch (o->kind) {
        case CLI_FLAG:
            *(bool *)at = true;
            return true;
        case CLI_SWITCH:
            *(int32_t *)at = 1;
            return true;
        case CLI_STRING:
            *(const char **)at = text;
            return true;
        case CLI_STRINGS: {
            cli_strings *list = at;
            if (list->n == CLI_MAX_STRINGS) return false;
            list->items[list->n++] = text;
            return true;
        }
        case CLI_NAME:
            for (int32_t i = 0; o->names[i]; i++)
                if (!strcmp(o->names[i], text)) {
                    *(int32_t *)at = i;
                    return true;
                }
            return false;
        default:
            return store_number(o, text, at);
    }
}

void cli_apply_again(const cli_common *common, void *own) {
    for (int i = 0; i < common->n_given; i++)
        if (!common->given[i].common) store(common->given[i].option, common->given[i].value, own);
}

static int value_error(const cli_command *command, const cli_option *o, const char *name, const char *value) {
    char expected[160] = "";
    size_t n = 0;
    if (o->kind == CLI_INT && (o->low || o->high)) snprintf(expected, sizeof expected, " (%d to %d)", o->low, o->high);
    for (size_t i = 0; o->kind == CLI_NAME && o->names[i] && n < sizeof expected; i++)
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%s", i ? ", " : " (one of ", o->names[i]);
    if (o->kind == CLI_NAME && n < sizeof expected - 1) strcat(expected, ")");
    return cli_usage_error(command, "--%s: '%s' is not valid%s", name, value, expected);
}

/* The options of a command for getopt_long: each name with dashes and with underscores. */
typedef struct option_table {
    struct option entries[2 * CLI_MAX_OPTIONS + 1];
    char names[CLI_MAX_OPTIONS][32]; /* with dashes */
    const cli_option *options[CLI_MAX_OPTIONS];
    bool common[CLI_MAX_OPTIONS];
    int n;
} option_table;

static void add_option(option_table *t, const cli_option *o, bool common) {
    const int has_value = o->kind <= CLI_SWITCH ? no_argument : required_argument;
    snprintf(t->names[t->n], sizeof t->names[t->n], "%s", o->name);
    for (char *c = t->names[t->n]; *c; c++)
        if (*c == '_') *c = '-';
    t->entries[2 * t->n] = (struct option){t->names[t->n], has_value, NULL, 1000 + t->n};
    t->entries[2 * t->n + 1] = (struct option){o->name, has_value, NULL, 1000 + t->n};
    t->options[t->n] = o;
    t->common[t->n++] = common;
}

static void make_table(option_table *t, const cli_command *command) {
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < command->n_options; i++) add_option(t, &command->options[i], false);
    for (size_t i = 0; i < cli_n_common_options; i++) {
        const cli_common_option *o = &cli_common_options[i];
        if (!o->group || command->takes & o->group) add_option(t, &o->option, true);
    }
}

/* True if the option is written in full: getopt_long also accepts unique abbreviations, which are refused. */
static bool is_whole_name(const option_table *t, int which, const char *argument) {
    const size_t len = strcspn(argument + 2, "=");
    const char *const names[] = {t->names[which], t->options[which]->name};
    for (int i = 0; i < 2; i++)
        if (strlen(names[i]) == len && !memcmp(names[i], argument + 2, len)) return true;
    return false;
}

/* The argument with an unknown short option: optind advances only after the last letter of an argument. */
static const char *short_argument(char **argv) {
    const char *before = argv[optind - 1];
    return before[0] == '-' && strchr(before, optopt) ? before : argv[optind];
}

static int read_options(const cli_command *command, const option_table *t, int argc, char **argv, cli_common *common,
                        void *own) {
    optind = 0; /* GNU: start again */
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", t->entries, NULL)) != -1;) {
        const char *argument = argv[optind - 1];
        if (c == 'h') {
            common->help = true;
            continue;
        }
        if (c == ':') return cli_usage_error(command, "%s needs a value", argument);
        const int which = c - 1000;
        if (c != '?' && optarg == argument) argument = argv[optind - 2]; /* the value is a separate argument */
        if (c == '?' && optopt >= 1000) return cli_usage_error(command, "%s takes no value", argument);
        if (c == '?' && optopt) argument = short_argument(argv);
        if (c == '?' || !is_whole_name(t, which, argument))
            return cli_usage_error(command, "no option '%s' (put -- before a text that starts with -)", argument);
        if (!store(t->options[which], optarg, t->common[which] ? (void *)common : own))
            return value_error(command, t->options[which], t->names[which], optarg);
        if (common->n_given == CLI_MAX_GIVEN) return cli_usage_error(command, "too many options");
        common->given[common->n_given++] = (cli_given){t->options[which], optarg, t->common[which]};
    }
    return -1;
}

/* Checks the number of arguments after the folder. */
static int check_arguments(const cli_command *command, const cli_common *common) {
    if (common->jsonl && common->n_texts)
        return cli_usage_error(command, "'%s': with --jsonl requests come from stdin alone", common->texts[0]);
    if (common->n_texts > command->max_texts)
        return cli_usage_error(command, "'%s' is one argument too many", common->texts[command->max_texts]);
    if (!common->jsonl && common->n_texts < command->min_texts)
        return cli_usage_error(command, "expected: %s %s %s %s", cli_program, command->name,
                               command->target ? command->target : "MODEL_FOLDER", command->arguments);
    if (common->jsonl && cli_was_given(common, "strict_utf8"))
        return cli_usage_error(command, "--strict-utf8: JSON is always UTF-8; leave it out with --jsonl");
    return -1;
}

int cli_parse(const cli_command *command, int argc, char **argv, cli_common *common, void *own) {
    option_table table;
    memset(common, 0, sizeof *common);
    common->max_line_bytes = 16 << 20;
    make_table(&table, command);
    const int code = read_options(command, &table, argc, argv, common, own);
    if (code >= 0) return code;
    if (common->help) {
        cli_print_help(command, stdout);
        return EXIT_DONE;
    }
    const bool has_target = !command->target || *command->target;
    if (has_target && optind == argc && !command->optional_target)
        return command->target ? cli_usage_error(command, "%s is missing", command->target)
                               : cli_usage_error(command, "the model folder is missing");
    if (!common->max_line_bytes || common->max_line_bytes > SIZE_MAX / 4)
        return cli_usage_error(command, "--max-line-bytes: %llu is not valid",
                               (unsigned long long)common->max_line_bytes);
    common->folder = has_target && optind < argc ? argv[optind++] : NULL;
    common->texts = argv + optind;
    common->n_texts = argc - optind;
    return check_arguments(command, common);
}
