/* llmcs quantize: a folder as one GGUF file. */
#include <unistd.h>

#include "cli.h"
#include "commands.h"

typedef struct quantize_options {
    int32_t type;
} quantize_options;

static const char *const type_names[] = {"q8_0", "q4_0", "f16", "bf16", "f32", NULL}; /* by llmcs_gguf_type */
static const cli_option options[] = {
    CLI_CHOICE("type", offsetof(quantize_options, type), "how matrices are stored [q8_0]", type_names)};

static int show_progress(void *user, float done) {
    (void)user;
    fprintf(stderr, done < 1 ? "\rwriting %3.0f %%" : "\r              \r", (double)done * 100);
    return 0;
}

static void print_warning(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    if (level >= LLMCS_LOG_WARN) fprintf(stderr, "llmcs: %s\n", message);
}

static int quantize_command(int argc, char **argv) {
    cli_common common;
    quantize_options q = {0};
    llmcs_quantize_params params;
    const int code = cli_parse(&cmd_quantize, argc, argv, &common, &q);
    if (code >= 0) return code;
    llmcs_quantize_params_init(&params);
    params.type = (llmcs_gguf_type)q.type;
    params.log = print_warning;
    if (isatty(STDERR_FILENO)) params.progress = show_progress;
    const llmcs_status status = llmcs_quantize(common.folder, common.texts[0], &params);
    if (params.progress) show_progress(NULL, 1);
    return status ? cli_failed("quantize") : EXIT_DONE;
}

const cli_command cmd_quantize = {
    .name = "quantize",
    .arguments = "OUT.gguf",
    .summary = "Writes the model as one GGUF file, for this program and, where it runs the network, for llama.cpp.",
    .notes =
        "llama.cpp runs GPT-2, Llama, Mistral, SmolLM3, Qwen 2 and 3, Gemma 3, and encoders with their classifiers. "
        "What it lacks, such as a masked-LM head or a window of Qwen's, makes a file for this program alone; a warning "
        "says so.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .min_texts = 1,
    .max_texts = 1,
    .execute = quantize_command};
