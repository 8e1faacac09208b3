/* llmcs info: a folder's model, its files and its memory needs. */
#include <string.h>

#include "commands.h"
#include "report.h"
#include "request.h"

static double megabytes(const json_t *report, const char *key) {
    return (double)json_integer_value(json_object_get(report, key)) / 1e6;
}

static void print_prompts(json_t *prompts) {
    const char *name;
    json_t *text;
    json_object_foreach(prompts, name, text) {
        printf("%-15s", "prompt");
        cli_print_escaped(stdout, name, strlen(name), true);
        printf(": \"");
        cli_print_escaped(stdout, json_string_value(text), json_string_length(text), true);
        printf("\"\n");
    }
}

/* Its lines below "tokenizer", the stages' names in their column. */
static void print_tokenizer(const char *text) {
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        const char *colon = memchr(text, ':', (size_t)(end - text));
        const size_t name = colon ? (size_t)(colon - text) : 0;
        printf("  %-12.*s ", (int)name, text);
        if (colon) cli_print_escaped(stdout, colon + 2, (size_t)(end - colon - 2), true);
        putchar('\n');
    }
}

static void print_table(const json_t *r) {
    static const char *const sizes[] = {"vocab_size", "n_ctx", "n_embd", "n_layer", "n_head", "n_inner"};
    const json_t *labels = json_object_get(r, "labels"), *heads = json_object_get(r, "heads");
    const json_t *tokens = json_object_get(r, "tokenizer_tokens");
    const char *kernels = json_string_value(json_object_get(r, "cpu"));
    printf("%-15s", "model_type");
    const char *type = json_string_value(json_object_get(r, "model_type"));
    cli_print_escaped(stdout, type, strlen(type), true);
    printf("\n%-15s", "architecture");
    const char *architecture = json_string_value(json_object_get(r, "architecture"));
    cli_print_escaped(stdout, architecture, strlen(architecture), true);
    printf("\nheads         ");
    for (size_t i = 0; i < json_array_size(heads); i++) printf(" %s", json_string_value(json_array_get(heads, i)));
    putchar('\n');
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        printf("%-15s%lld\n", sizes[i], (long long)json_integer_value(json_object_get(r, sizes[i])));
    printf("parameters     %.1f million\nweights        %.1f MB\none session    %.1f MB\n",
           megabytes(r, "n_parameters"), megabytes(r, "weights_bytes"), megabytes(r, "session_bytes"));
    if (json_is_null(tokens))
        printf("tokenizer      none (token ids only)\n");
    else
        printf("tokenizer      %lld tokens\n", (long long)json_integer_value(tokens));
    if (json_is_string(json_object_get(r, "tokenizer")))
        print_tokenizer(json_string_value(json_object_get(r, "tokenizer")));
    printf("chat template  %s\n", json_string_value(json_object_get(r, "chat_template")));
    if (!json_is_null(json_object_get(r, "eos_token_id")))
        printf("eos_token_id   %lld\n", (long long)json_integer_value(json_object_get(r, "eos_token_id")));
    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *label = json_array_get(labels, i);
        printf("label %-8zu ", i);
        cli_print_escaped(stdout, json_string_value(label), json_string_length(label), true);
        putchar('\n');
    }
    const char *similarity = json_string_value(json_object_get(r, "similarity"));
    if (*similarity)
        printf("vectors        %lld numbers, compared by %s\n",
               (long long)json_integer_value(json_object_get(r, "n_embedding")), similarity);
    print_prompts(json_object_get(r, "prompts"));
    const int n_threads = (int)json_integer_value(json_object_get(r, "n_threads"));
    printf("stored as      %s, keys and values %s\n", json_string_value(json_object_get(r, "weights")),
           json_string_value(json_object_get(r, "kv_type")));
    printf("kernels        %s, %s, %d thread%s\n", kernels, json_string_value(json_object_get(r, "backend")), n_threads,
           n_threads == 1 ? "" : "s");
    report_print_settings("settings", json_object_get(r, "settings"), "nothing");
    report_print_list("not applied", json_object_get(r, "not_applied"), "none of it");
    report_print_list("notes", json_object_get(r, "notes"), NULL);
}

/* "yes", "no", or why it cannot be used. */
static json_t *chat_template_of(const char *folder) {
    llmcs_chat *chat = NULL;
    const llmcs_status status = llmcs_chat_open(folder, NULL, &chat);
    llmcs_chat_free(&chat);
    if (!status || status == LLMCS_TEMPLATE) return json_string(status ? "no" : "yes");
    return json_text(llmcs_error_message(), strlen(llmcs_error_message()));
}

static int info_command(int argc, char **argv) {
    cli_common common;
    cli_log log = {0};
    llmcs_model *model = NULL;
    int code = cli_parse(&cmd_info, argc, argv, &common, NULL);
    if (code >= 0) return code;
    json_t *report = json_object();
    if (cli_open(&common, &log, &model) || !report_model(report, model) || !report_memory(report, &common)) {
        code = cli_failed("open");
    } else {
        code = EXIT_DONE;
        json_object_set_new(report, "chat_template", chat_template_of(common.folder));
        json_object_set_new(report, "settings", report_settings(common.folder));
        json_object_set_new(report, "generation", report_generation(model));
        json_object_set_new(report, "not_applied", report_log(&log, LLMCS_LOG_WARN));
        json_object_set_new(report, "notes", report_log(&log, LLMCS_LOG_INFO));
        if (!common.jsonl)
            print_table(report);
        else if (json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) || putchar('\n') == EOF)
            code = EXIT_FAILED;
    }
    json_decref(report);
    llmcs_model_free(&model);
    cli_log_free(&log);
    return code;
}

const cli_command cmd_info = {.name = "info",
                              .arguments = "",
                              .summary = "What a folder holds, how much memory it needs, and which settings it has.",
                              .notes = "With --jsonl: one line of JSON; nothing is read from stdin.",
                              .takes = CLI_TAKES_JSONL | CLI_TAKES_MODEL | CLI_TAKES_KV,
                              .max_texts = 0,
                              .execute = info_command};
