/* llmcs chat: one conversation, at a terminal, from lines of text, or from JSON Lines. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat_messages.h"
#include "commands.h"
#include "editor.h"
#include "gen_params.h"

#define DEFAULT_TEMPLATE "User: {prompt}\nBot: {answer}\n"

typedef struct chat {
    const cli_common *common;
    llmcs_session *session;
    const llmcs_tokenizer *tokenizer;
    const llmcs_generate_params *params;
    size_t n_ctx;
    conversation conversation;
    llmcs_chat *template; /* the folder's chat template; NULL: the conversation's prompt template */
} chat;

/* ---- one answer */

/* Ctrl-C at a terminal; reset before each answer. */
static int32_t interrupted;

static void interrupt(int number) {
    (void)number;
    __atomic_store_n(&interrupted, 1, __ATOMIC_RELEASE);
}

typedef struct stream {
    bool skip_spaces;
} stream;

static int print_chunk(void *user, const char *text, size_t len) {
    stream *s = user; /* the template leaves a space before the answer: not worth printing */
    while (s->skip_spaces && len && *text == ' ') text++, len--;
    if (len) s->skip_spaces = false;
    cli_print_generated(text, len);
    return fflush(stdout);
}

/* 0: a folder's max_length says how long prompt and answer may be. */
static size_t tokens_for_answer(const chat *c) {
    const size_t half = c->n_ctx / 2;
    const size_t wanted = c->params->max_new_tokens > 0 ? (size_t)c->params->max_new_tokens : half;
    return wanted < half ? wanted : half;
}

static llmcs_status answer_by_template(chat *c, const char *message, size_t len, bool print, llmcs_result **result,
                                       size_t *first) {
    llmcs_chat_params params;
    llmcs_chat_message *messages;
    char now[32];
    llmcs_chat_params_init(&params);
    chat_now(now);
    params.now = now[0] ? now : NULL;
    llmcs_status status = chat_fit(&c->conversation, c->template, c->tokenizer, c->n_ctx, tokens_for_answer(c), message,
                                   len, &params, &messages, first);
    if (status) return status;
    stream s = {false};
    status = llmcs_chat_generate(c->session, c->template, &params, c->params, print ? print_chunk : NULL, &s, result);
    free(messages);
    return status;
}

static llmcs_status answer_by_prompt(chat *c, const char *message, size_t len, bool print, llmcs_result **result,
                                     size_t *first) {
    char *prompt = NULL;
    size_t prompt_len;
    llmcs_status status = conversation_fit(&c->conversation, c->tokenizer, c->params->encode_flags, c->n_ctx,
                                           tokens_for_answer(c), message, len, &prompt, &prompt_len, first);
    if (status) return status;
    stream s = {true};
    status = llmcs_generate(c->session, prompt, prompt_len, c->params, print ? print_chunk : NULL, &s, result);
    free(prompt);
    return status;
}

/* Answers a message and adds the turn to the conversation; on failure the conversation is unchanged. */
static llmcs_status answer_message(chat *c, const char *message, size_t len, bool print, llmcs_result **result) {
    size_t first = 0;
    const llmcs_status status = c->template ? answer_by_template(c, message, len, print, result, &first)
                                            : answer_by_prompt(c, message, len, print, result, &first);
    if (status) return status;
    const llmcs_sequence *s = (*result)->sequences[0];
    return conversation_add(&c->conversation, first, message, len, s->text, s->text_bytes);
}

static llmcs_status answer_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", NULL};
    chat *c = user;
    const char *text;
    size_t len;
    llmcs_result *result = NULL;
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = request_text(request, "text", true, &text, &len);
    if (!status) status = answer_message(c, text, len, false, &result);
    if (!status) {
        const llmcs_sequence *s = result->sequences[0];
        const size_t skip = !c->template && s->text_bytes && *s->text == ' ';
        answer_set(answer, "text", json_text(s->text + skip, s->text_bytes - skip));
        answer_set(answer, "finish_reason", json_string(llmcs_finish_reason_name(s->finish_reason)));
    }
    llmcs_result_free(&result);
    return status;
}

/* ---- lines of text */

static bool is_command(const char *line, size_t len, const char *command) {
    return len == strlen(command) && !memcmp(line, command, len);
}

/* False: the line is a message. */
static bool apply_command(chat *c, const char *line, size_t len, bool *leave) {
    if (is_command(line, len, "/exit") || is_command(line, len, "/quit"))
        *leave = true;
    else if (is_command(line, len, "/reset"))
        conversation_reset(&c->conversation);
    else if (is_command(line, len, "/help"))
        puts(
            "/reset  forgets the conversation\n/exit   ends the program, as Ctrl-D does\n/help   this text\n"
            "Ctrl-C  stops an answer, or empties the line\nAny other line is a message.");
    else
        return false;
    fflush(stdout);
    return true;
}

static int print_answer(chat *c, const char *line, size_t len, size_t number) {
    llmcs_result *result = NULL;
    if (!cli_check_utf8(c->common, line, len, number)) return EXIT_FAILED;
    request_begin();
    __atomic_store_n(&interrupted, 0, __ATOMIC_RELEASE);
    const llmcs_status status = answer_message(c, line, len, true, &result);
    putchar('\n');
    fflush(stdout);
    llmcs_result_free(&result);
    if (!status || status == LLMCS_CANCELLED) return EXIT_DONE;
    return cli_error("chat: %s", request_message());
}

static int talk_at_terminal(chat *c, editor *e) {
    const struct sigaction stop_answer = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    struct sigaction before;
    size_t len;
    bool leave = false;
    const char *line;
    sigaction(SIGINT, &stop_answer, &before); /* libedit prints its prompt before it reads keys */
    puts("Ctrl-D ends, Ctrl-C stops an answer, /help says more.");
    while (!leave && (line = editor_read(e, &len))) {
        if (cli_is_blank(line, len) || apply_command(c, line, len, &leave)) continue;
        print_answer(c, line, len, 0);
    }
    sigaction(SIGINT, &before, NULL);
    if (!leave) putchar('\n');
    return EXIT_DONE;
}

static int talk_in_lines(chat *c) {
    cli_lines lines = {.max_bytes = (size_t)c->common->max_line_bytes};
    bool leave = false, failed = false;
    while (!leave && cli_next_line(&lines)) {
        if (lines.too_long)
            cli_error("line %zu of stdin is longer than --max-line-bytes (%zu)", lines.number, lines.max_bytes);
        else if (cli_is_blank(lines.line, lines.len) || apply_command(c, lines.line, lines.len, &leave))
            continue;
        else if (print_answer(c, lines.line, lines.len, lines.number) == EXIT_DONE)
            continue;
        failed = true;
    }
    failed = failed || lines.failed;
    cli_lines_free(&lines);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

static int talk(chat *c) {
    if (c->common->jsonl) return cli_jsonl(c->common, answer_request, c);
    editor *e = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? editor_open("> ") : NULL;
    if (!e) return talk_in_lines(c);
    const int code = talk_at_terminal(c, e);
    editor_close(e);
    return code;
}

/* ---- */

static int start_chat(llmcs_model *model, gen_params *g, const cli_common *common, const prompt_template *t,
                      llmcs_chat *template) {
    llmcs_model_info info = {.struct_size = sizeof info};
    chat c = {.common = common, .params = &g->params, .conversation = {.template = t}, .template = template};
    if (!(c.tokenizer = cli_tokenizer(model))) return EXIT_FAILED;
    llmcs_session_options options;
    llmcs_session_options_init(&options);
    options.n_ctx = g->n_ctx;
    if (llmcs_model_get_info(model, &info) || llmcs_session_create(model, &options, &c.session))
        return cli_failed("open");
    c.n_ctx = (size_t)(g->n_ctx ? g->n_ctx : info.n_ctx < LLMCS_DEFAULT_N_CTX ? info.n_ctx : LLMCS_DEFAULT_N_CTX);
    int code = EXIT_FAILED;
    if (!gen_add_stop_strings(g, t) ||
        (g->system && conversation_set_system(&c.conversation, g->system, strlen(g->system))))
        cli_error("no memory for the conversation");
    else
        code = talk(&c);
    conversation_free(&c.conversation);
    llmcs_session_free(&c.session);
    return code;
}

static int chat_command(int argc, char **argv) {
    cli_common common;
    gen_params g = {0};
    llmcs_model *model = NULL;
    prompt_template t;
    int code = cli_parse(&cmd_chat, argc, argv, &common, &g);
    if (code < 0) code = gen_check_options(&cmd_chat, &common, &g);
    if (code >= 0) return code;
    if (g.template && !strcmp(g.template, "none")) return cli_usage_error(&cmd_chat, "a chat needs a prompt template");
    if (cli_open(&common, NULL, &model)) return cli_failed("open");
    code = gen_read_options(&cmd_chat, &common, model, &g);
    g.params.num_beams = g.params.num_return_sequences = 1; /* a folder's beams cannot be printed as they grow */
    g.params.cancel = &interrupted;
    llmcs_chat *template = NULL; /* --template replaces the folder's */
    if (code == EXIT_DONE && !g.template && !chat_find(common.folder, &template)) code = EXIT_FAILED;
    if (code == EXIT_DONE &&
        template_find(&t, common.folder, template ? DEFAULT_TEMPLATE : g.template, DEFAULT_TEMPLATE) < 0)
        code = EXIT_FAILED;
    if (code == EXIT_DONE) {
        code = start_chat(model, &g, &common, &t, template);
        template_free(&t);
    }
    llmcs_chat_free(&template);
    gen_free(&g);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_chat = {
    .name = "chat",
    .arguments = "",
    .summary = "A conversation: at a terminal with editing and history, else each line of stdin is a message.",
    .notes =
        "A model folder's chat template (tokenizer_config.json, chat_template.jinja, GGUF) says what a conversation "
        "looks like to the model; what users write never becomes a control token. "
        "llmcs chat-template shows it. Without one, or with --template, a prompt template does.\n" TEMPLATE_HELP
        " Without either it is \"User: {prompt}\\nBot: {answer}\\n\".\n"
        "When the context is full, the oldest whole turns are forgotten, so that an answer of --max-new-tokens (at "
        "most half of the context) still fits. A message that cannot be answered changes nothing. Blank lines are "
        "skipped. /reset forgets the conversation, /exit ends it, /help says more; Ctrl-C stops an answer, Ctrl-D "
        "leaves.",
    .jsonl_help =
        "{\"text\":\"...\"} -> {\"text\":\"...\", \"finish_reason\":\"...\"}; the lines are one conversation.",
    .options = gen_options,
    .n_options = GEN_CHAT,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL | CLI_TAKES_KV,
    .max_texts = 0,
    .execute = chat_command};
