/* `llmcs COMMAND --help`: the options of a command, its notes, what its JSON Lines are. */
#include <string.h>

#include "options.h"

enum { HELP_COLUMN = 34 };

void cli_print_wrapped(FILE *to, int column, int indent, const char *text) {
    while (*text) {
        const size_t word = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)word > CLI_WIDTH) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", (int)word, text);
        column += (int)word;
        text += word;
        for (; *text == ' ' || *text == '\n'; text++)
            if (*text == '\n') {
                fprintf(to, "\n%*s", indent, "");
                column = indent;
            }
    }
    fputc('\n', to);
}

static const char *value_hint(cli_kind kind) {
    switch (kind) {
        case CLI_INT:
        case CLI_UINT64:
            return " N";
        case CLI_FLOAT:
        case CLI_DOUBLE:
            return " X";
        case CLI_NAME:
            return " NAME";
        case CLI_STRING:
        case CLI_STRINGS:
            return " TEXT";
        default:
            return "";
    }
}

static void print_option(const cli_option *o, FILE *to) {
    char head[64], help[512];
    int n = snprintf(head, sizeof head, "  --%s%s", o->name, value_hint(o->kind));
    for (int i = 0; i < n; i++)
        if (head[i] == '_') head[i] = '-';
    size_t used = (size_t)snprintf(help, sizeof help, "%s", o->help);
    for (size_t i = 0; o->kind == CLI_NAME && o->names[i]; i++)
        used += (size_t)snprintf(help + used, sizeof help - used, "%s%s", i ? ", " : ": ", o->names[i]);
    fprintf(to, "%-*s", HELP_COLUMN, head);
    if (n >= HELP_COLUMN) fprintf(to, "\n%*s", HELP_COLUMN, "");
    cli_print_wrapped(to, HELP_COLUMN, HELP_COLUMN, help);
}

void cli_print_help(const cli_command *command, FILE *to) {
    const char *target = command->target ? command->target : "MODEL_FOLDER";
    fprintf(to, "usage: %s%s%s%s%s [options]%s%s\n", cli_program, *command->name ? " " : "", command->name,
            *target ? " " : "", target, *command->arguments ? " " : "", command->arguments);
    cli_print_wrapped(to, 0, 0, command->summary);
    fputc('\n', to);
    for (size_t i = 0; i < command->n_options; i++) print_option(&command->options[i], to);
    for (size_t i = 0; i < cli_n_common_options; i++) {
        const cli_common_option *o = &cli_common_options[i];
        if (!o->group || command->takes & o->group) print_option(&o->option, to);
    }
    if (command->notes) {
        fputc('\n', to);
        cli_print_wrapped(to, 0, 0, command->notes);
    }
    if (command->takes & CLI_TAKES_JSONL && command->jsonl_help) {
        fputs("\nWith --jsonl:\n", to);
        cli_print_wrapped(to, 0, 0, command->jsonl_help);
        cli_print_wrapped(
            to, 0, 0,
            "A line may have an \"id\", any JSON value, which its answer carries. A line that cannot be "
            "answered gets {\"error\":{\"line\":N,\"status\":\"...\",\"message\":\"...\"}}; the others go "
            "on, and the command ends with 1. null is the same as no key.");
    }
    fputs("\nExit codes: 0 done, 1 failed, 2 wrong usage.\n", to);
    if (command->takes & CLI_TAKES_MODEL)
        cli_print_wrapped(
            to, 0, 0,
            "Environment: LLMCS_CPU names a kernel set (scalar, avx2, avx512, neon, ...) to use instead of "
            "the best one for this processor.");
}
