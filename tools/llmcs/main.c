#include <signal.h>
#include <string.h>

#include "cli.h"

static const cli_command *const commands[] = {&cmd_generate, &cmd_chat,     &cmd_classify, &cmd_embed, &cmd_fill_mask,
                                              &cmd_score,    &cmd_tokenize, &cmd_eval,     &cmd_info,  &cmd_quantize};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *to) {
    fprintf(to, "usage: llmcs COMMAND MODEL_FOLDER [options] [text ...]\n\n");
    for (int i = 0; i < N_COMMANDS; i++) fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(to,
            "\nllmcs COMMAND --help says more. MODEL_FOLDER may be a GGUF file, too. Text comes from the arguments or "
            "from stdin.\n"
            "Exit codes: 0 done, 1 failed, 2 wrong usage.\n");
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("llmcs %s\n", llmcs_version());
        return EXIT_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(argv[1], commands[i]->name)) {
            int code = commands[i]->run(argc - 1, argv + 1);
            if (fflush(stdout) || ferror(stdout)) {
                fprintf(stderr, "llmcs: stdout could not be written\n");
                return EXIT_FAILED;
            }
            return code;
        }
    fprintf(stderr, "llmcs: no command '%s'\n", argv[1]);
    usage(stderr);
    return EXIT_USAGE;
}
