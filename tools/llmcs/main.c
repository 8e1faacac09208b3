/* llmcs: finds the subcommand. */
#include <signal.h>
#include <string.h>

#include "cli.h"

static const cli_command *const commands[] = {&cmd_generate,  &cmd_chat,  &cmd_classify, &cmd_embed,
                                              &cmd_fill_mask, &cmd_score, &cmd_tokenize, &cmd_eval,
                                              &cmd_info,      &cmd_check, &cmd_quantize};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const cli_command *find_command(const char *name) {
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(name, commands[i]->name)) return commands[i];
    return NULL;
}

static void print_usage(FILE *to) {
    fprintf(to, "usage: llmcs COMMAND MODEL_FOLDER [options] [text ...]\n\n");
    for (int i = 0; i < N_COMMANDS; i++) {
        fprintf(to, "  %-10s ", commands[i]->name);
        cli_print_wrapped(to, 13, 13, commands[i]->summary);
    }
    fputc('\n', to);
    cli_print_wrapped(to, 0, 0,
                      "llmcs COMMAND --help (-h, or llmcs help COMMAND) says more; llmcs --version. MODEL_FOLDER is a "
                      "Hugging Face folder or a GGUF file. Text comes from the arguments or from stdin.\n"
                      "Environment: LLMCS_CPU names a kernel set to use instead of the best one for this processor.\n"
                      "Exit codes: 0 done, 1 failed, 2 wrong usage.");
}

/* A reader that went away must not look like success. */
static int close_output(int code) {
    if (!fflush(stdout) && !ferror(stdout)) return code;
    fprintf(stderr, "llmcs: stdout could not be written\n");
    return EXIT_FAILED;
}

static int print_help(int argc, char **argv) {
    const cli_command *command = argc > 2 ? find_command(argv[2]) : NULL;
    if (argc > 3 || (argc > 2 && !command)) {
        fprintf(stderr, "llmcs help: %s '%s'\n", command ? "one command, found also" : "no command",
                command ? argv[3] : argv[2]);
        return EXIT_USAGE;
    }
    if (command)
        cli_print_help(command, stdout);
    else
        print_usage(stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return close_output(print_help(argc, argv));
    if (!strcmp(argv[1], "--version")) {
        printf("llmcs %s\n", llmcs_version());
        return close_output(EXIT_DONE);
    }
    const cli_command *command = find_command(argv[1]);
    if (command) return close_output(command->execute(argc - 1, argv + 1));
    fprintf(stderr, "llmcs: no command '%s'\n", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
