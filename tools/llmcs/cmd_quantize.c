#include <string.h>
#include <unistd.h>

#include "cli.h"

typedef struct settings {
    const char *type;
} settings;

static const char *const type_names[] = {"q8_0", "q4_0", "f16", "bf16", "f32", NULL}; /* by llmcs_gguf_type */
static const cli_option options[] = {{"type", CLI_STRING, offsetof(settings, type), "q8_0, q4_0, f16, bf16 or f32"}};
static const size_t n_options = sizeof options / sizeof *options;

static int show_progress(void *user, float done) {
    (void)user;
    fprintf(stderr, done < 1 ? "\rwriting %3.0f %%" : "\r              \r", (double)done * 100);
    return 0;
}

static void show_log(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level >= LLMCS_LOG_WARN) fprintf(stderr, "llmcs: %s\n", message);
}

static int run(int argc, char **argv) {
    cli_common common;
    settings s = {.type = type_names[0]};
    llmcs_quantize_params params;
    int code = cli_parse(&cmd_quantize, argc, argv, &common, &s);
    if (code >= 0) return code;
    if (!cli_is_one_of(&cmd_quantize, "type", type_names, s.type)) return EXIT_USAGE;
    if (common.n_texts != 1 || common.jsonl) {
        fprintf(stderr, common.jsonl ? "llmcs quantize: takes no --jsonl\n"
                                     : "llmcs quantize: give one file to write, after the folder\n");
        return EXIT_USAGE;
    }
    llmcs_quantize_params_init(&params);
    params.type = (llmcs_gguf_type)cli_position(type_names, s.type);
    params.log = show_log;
    if (isatty(STDERR_FILENO)) params.progress = show_progress;
    llmcs_status status = llmcs_quantize(common.folder, common.texts[0], &params);
    if (params.progress) show_progress(NULL, 1);
    return status ? cli_failed("quantize") : EXIT_OK;
}

const cli_command cmd_quantize = {
    "quantize",
    "OUT.gguf",
    "The model as one GGUF file, for this program and, where llama.cpp runs the network, for llama.cpp: GPT-2 and\n"
    "encoders with their classifiers. A masked-LM head is for this program alone (it says so).",
    NULL,
    options,
    &n_options,
    run};
