#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen_params.h"

/* The conversation so far as one text; the session keeps what of it has been worked already. */
typedef struct chat {
    llmcs_session *session;
    const llmcs_generate_params *params;
    char *text;
    size_t len, room;
    bool quiet; /* collect instead of printing */
} chat;

static bool append(chat *c, const char *text, size_t len) {
    if (c->len + len + 1 > c->room) {
        size_t room = (c->len + len + 1) * 2;
        char *more = realloc(c->text, room);
        if (!more) return false;
        c->text = more;
        c->room = room;
    }
    if (len) memcpy(c->text + c->len, text, len);
    c->len += len;
    c->text[c->len] = 0;
    return true;
}

static int print_piece(void *user, const char *text, size_t len) {
    bool *begun = user; /* the template leaves a space before the reply: not worth printing */
    while (!*begun && len && *text == ' ') text++, len--;
    if (len) *begun = true;
    fwrite(text, 1, len, stdout);
    return fflush(stdout);
}

/* Drops the oldest exchange: what the context has no room for. */
static bool forget_oldest(chat *c) {
    const char *next = c->len > 1 ? strstr(c->text + 1, "User: ") : NULL;
    if (!next) return false;
    size_t gone = (size_t)(next - c->text);
    memmove(c->text, next, c->len - gone + 1);
    c->len -= gone;
    return true;
}

static llmcs_status ask(chat *c, const char *message, size_t len, llmcs_result **result) {
    bool begun = false;
    if (!append(c, "User: ", 6) || !append(c, message, len) || !append(c, "\nBot:", 5))
        return request_error(LLMCS_NOMEM, "no memory");
    llmcs_status status;
    do status = llmcs_generate(c->session, c->text, c->len, c->params, c->quiet ? NULL : print_piece, &begun, result);
    while (status == LLMCS_CONTEXT_FULL && forget_oldest(c));
    if (status) return status;
    const llmcs_sequence *s = (*result)->sequences[0];
    return append(c, s->text, s->text_bytes) && append(c, "\n", 1) ? LLMCS_OK : request_error(LLMCS_NOMEM, "no memory");
}

static llmcs_status answer(void *user, const json_t *request) {
    static const char *const keys[] = {"text", NULL};
    chat *c = user;
    const char *text;
    size_t len, before = c->len;
    llmcs_result *result = NULL;
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = request_text(request, "text", true, &text, &len);
    if (!status) status = ask(c, text, len, &result);
    if (status) {
        if (c->text && before < c->len) c->text[c->len = before] = 0;
    } else {
        const llmcs_sequence *s = result->sequences[0];
        size_t skip = s->text_bytes && *s->text == ' ';
        fputs("{\"text\":", stdout);
        out_string(s->text + skip, s->text_bytes - skip);
        printf(",\"finish_reason\":\"%s\"}", llmcs_finish_reason_name(s->finish_reason));
    }
    llmcs_result_free(&result);
    return status;
}

static int talk(chat *c) {
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    const bool prompt = isatty(STDIN_FILENO);
    int code = EXIT_OK;
    for (;;) {
        if (prompt) fputs("> ", stdout), fflush(stdout);
        if ((n = getline(&line, &room, stdin)) < 0) break;
        if (n && line[n - 1] == '\n') line[--n] = 0;
        if (!n) continue;
        llmcs_result *result = NULL;
        llmcs_status status = ask(c, line, (size_t)n, &result);
        putchar('\n');
        llmcs_result_free(&result);
        if (status && (code = cli_failed("chat"))) break;
    }
    free(line);
    return code;
}

static int work(chat *c, gen_params *g, const cli_common *common) {
    int code = gen_finish_options(g);
    if (code != EXIT_OK) return code;
    if (!g->params.n_stop_strings) {
        static const char *const next_turn[] = {"\nUser:"};
        g->params.stop_strings = next_turn;
        g->params.n_stop_strings = 1;
    }
    c->params = &g->params;
    c->quiet = common->jsonl;
    return common->jsonl ? cli_jsonl(answer, c) : talk(c);
}

static int run(int argc, char **argv) {
    cli_common common;
    gen_params g = {0};
    llmcs_model *model = NULL;
    chat c = {0};
    int code = cli_parse(&cmd_chat, argc, argv, &common, &g);
    if (code >= 0) return code;
    if (cli_open(&common, &model)) return cli_failed("open");
    memset(&g, 0, sizeof g);
    g.params.struct_size = sizeof g.params;
    if (llmcs_generate_params_init(&g.params, model) || llmcs_session_create(model, NULL, &c.session)) {
        code = cli_failed("open");
    } else {
        cli_parse(&cmd_chat, argc, argv, &common, &g);
        code = work(&c, &g, &common);
    }
    gen_free(&g);
    free(c.text);
    llmcs_session_free(&c.session);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_chat = {
    "chat",
    "",
    "A conversation on the terminal (\"User: ...\\nBot:\"); each line of stdin is a message.",
    "{\"text\":\"...\"} -> {\"text\":\"...\",\"finish_reason\":\"...\"}; the lines are one conversation",
    gen_options,
    &gen_n_options,
    run};
