/* A program with subcommands: finds and runs the subcommand, prints help and the version. */
#include <signal.h>
#include <string.h>

#include "cli.h"

typedef struct program {
    const cli_command *const *commands;
    size_t n;
    const char *notes;
} program;

static const cli_command *find_command(const program *p, const char *name) {
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(name, p->commands[i]->name)) return p->commands[i];
    return NULL;
}

static void print_usage(const program *p, FILE *to) {
    size_t width = 10;
    for (size_t i = 0; i < p->n; i++)
        if (strlen(p->commands[i]->name) > width) width = strlen(p->commands[i]->name);
    const int indent = (int)width + 4;
    fprintf(to, "usage: %s COMMAND %s [options] [argument ...]\n\n", cli_program,
            p->commands[0]->target ? p->commands[0]->target : "MODEL_FOLDER");
    for (size_t i = 0; i < p->n; i++) {
        fprintf(to, "  %-*s  ", (int)width, p->commands[i]->name);
        cli_print_wrapped(to, indent, indent, p->commands[i]->summary);
    }
    fputc('\n', to);
    cli_print_wrapped(to, 0, 0, p->notes);
}

/* A closed stdout must not look like success. */
static int close_output(int code) {
    if (!fflush(stdout) && !ferror(stdout)) return code;
    fprintf(stderr, "%s: stdout could not be written\n", cli_program);
    return EXIT_FAILED;
}

static int print_help(const program *p, int argc, char **argv) {
    const cli_command *command = argc > 2 ? find_command(p, argv[2]) : NULL;
    if (argc > 3 || (argc > 2 && !command)) {
        fprintf(stderr, "%s help: %s '%s'\n", cli_program, command ? "one command, found also" : "no command",
                command ? argv[3] : argv[2]);
        return EXIT_USAGE;
    }
    if (command)
        cli_print_help(command, stdout);
    else
        print_usage(p, stdout);
    return EXIT_DONE;
}

int cli_main(int argc, char **argv, const cli_command *const *commands, size_t n, const char *notes) {
    const program p = {commands, n, notes};
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        print_usage(&p, stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return close_output(print_help(&p, argc, argv));
    if (!strcmp(argv[1], "--version")) {
        printf("%s %s\n", cli_program, llmcs_version());
        return close_output(EXIT_DONE);
    }
    const cli_command *command = find_command(&p, argv[1]);
    if (command) return close_output(command->execute(argc - 1, argv + 1));
    fprintf(stderr, "%s: no command '%s'\n", cli_program, argv[1]);
    print_usage(&p, stderr);
    return EXIT_USAGE;
}
