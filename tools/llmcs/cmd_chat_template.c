/* llmcs chat-template: renders a chat template with given variables. */
#include <stdlib.h>
#include <string.h>

#include "chat_messages.h"
#include "commands.h"

typedef struct template_job {
    const char *file, *now, *name;
    llmcs_chat *chat;
    char clock[32];
} template_job;

static const cli_option options[] = {
    CLI_PLAIN("template_file", CLI_STRING, offsetof(template_job, file), "a file with a template, in place of a model"),
    CLI_PLAIN("template_name", CLI_STRING, offsetof(template_job, name),
              "which of several templates of the model [tool_use with tools, else default]"),
    CLI_PLAIN("now", CLI_STRING, offsetof(template_job, now),
              "what strftime_now calls now: 2026-03-05T14:07:09 [the local time]"),
};

/* The whole file, NUL-terminated; NULL after an error message. */
static char *read_file(const char *path, size_t *len) {
    char *text = NULL;
    FILE *from = fopen(path, "rb"), *to = from ? open_memstream(&text, len) : NULL;
    char block[4096];
    if (!to) {
        cli_error("%s: %s", path, from ? "no memory" : "cannot be opened");
        if (from) fclose(from);
        return NULL;
    }
    for (size_t n; (n = fread(block, 1, sizeof block, from)) > 0;) fwrite(block, 1, n, to);
    const bool failed = ferror(from) != 0;
    fclose(from);
    if (!fclose(to) && !failed) return text;
    cli_error("%s: cannot be read", path);
    free(text);
    return NULL;
}

static llmcs_status open_chat(template_job *j, const char *folder, bool *said) {
    llmcs_chat_options o;
    llmcs_chat_options_init(&o);
    o.template_name = j->name;
    *said = false;
    if (!j->file) return llmcs_chat_open(folder, &o, &j->chat);
    size_t len;
    char *text = read_file(j->file, &len);
    *said = !text;
    if (!text) return LLMCS_IO;
    const char *name = strrchr(j->file, '/');
    const llmcs_status status = llmcs_chat_open_text(text, len, name ? name + 1 : j->file, &o, &j->chat);
    free(text);
    return status;
}

static llmcs_status render(const template_job *j, const char *variables, size_t len, llmcs_chat_prompt **prompt) {
    llmcs_chat_params p;
    if (memchr(variables, 0, len)) return request_error(LLMCS_JSON, "a NUL byte is not JSON");
    llmcs_chat_params_init(&p);
    p.variables = variables;
    p.now = j->now;
    return llmcs_chat_render(j->chat, &p, prompt);
}

static bool answer_line(const template_job *j, const cli_lines *lines, bool *failed) {
    llmcs_chat_prompt *prompt = NULL;
    cli_answer answer;
    request_begin();
    answer_init(&answer);
    llmcs_status status = lines->too_long ? request_too_long(lines) : render(j, lines->line, lines->len, &prompt);
    if (!status) answer_set(&answer, "text", json_text(prompt->text, prompt->text_bytes));
    if (!status && answer.failed) status = request_error(LLMCS_NOMEM, "no memory for the answer");
    const bool printed =
        status ? answer_print_error(status, request_message(), lines->number, NULL) : answer_print(&answer, NULL);
    *failed = *failed || status;
    answer_free(&answer);
    llmcs_chat_prompt_free(&prompt);
    return printed;
}

static int answer_lines(const template_job *j, const cli_common *common) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    bool failed = false, printed = true;
    while (printed && cli_next_line(&lines)) printed = answer_line(j, &lines, &failed);
    failed = failed || lines.failed || !printed;
    cli_lines_free(&lines);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

/* All of stdin is one object, whose text is printed as it is. */
static int answer_text(const template_job *j, const cli_common *common) {
    llmcs_chat_prompt *prompt = NULL;
    size_t len;
    char *variables = cli_text(common, &len);
    if (!variables) return EXIT_FAILED;
    request_begin();
    const llmcs_status status = render(j, variables, len, &prompt);
    free(variables);
    if (status) return cli_error("chat-template: %s", request_message());
    fwrite(prompt->text, 1, prompt->text_bytes, stdout);
    llmcs_chat_prompt_free(&prompt);
    return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

static int chat_template_command(int argc, char **argv) {
    cli_common common;
    template_job j = {0};
    bool said;
    int code = cli_parse(&cmd_chat_template, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!common.folder == !j.file)
        return cli_usage_error(&cmd_chat_template, common.folder ? "a model and --template-file contradict each other"
                                                                 : "a model or --template-file is needed");
    if (j.file && j.name)
        return cli_usage_error(&cmd_chat_template, "--template-name chooses among a model's templates");
    if (!j.now) {
        chat_now(j.clock);
        if (j.clock[0]) j.now = j.clock;
    }
    if (open_chat(&j, common.folder, &said)) return said ? EXIT_FAILED : cli_failed("open");
    code = common.jsonl ? answer_lines(&j, &common) : answer_text(&j, &common);
    llmcs_chat_free(&j.chat);
    return code;
}

const cli_command cmd_chat_template = {
    .name = "chat-template",
    .arguments = "",
    .summary = "Renders a chat template: what a conversation looks like to the model. It needs no weights.",
    .target = "[MODEL_FOLDER]",
    .notes =
        "The template is that of the model, or of --template-file. The variables are a JSON object on stdin: messages, "
        "tools, add_generation_prompt, and whatever else the template reads. The model's special tokens (bos_token, "
        "...) "
        "are variables, too.",
    .jsonl_help =
        "{\"messages\":[{\"role\":\"user\", \"content\":\"...\"}], \"add_generation_prompt\":true, ...} -> "
        "{\"text\":\"...\"}",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT,
    .max_texts = 0,
    .execute = chat_template_command,
    .optional_target = true};
