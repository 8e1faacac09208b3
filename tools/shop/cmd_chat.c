/* llmcs-shop chat: talks to the desk from a terminal, or by JSON Lines. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "commands.h"
#include "editor.h"
#include "import.h"

enum { MAX_PARALLEL = 64, NAME_BYTES = 64 };

typedef struct chat_job {
    const char *customer, *lang, *conversation, *wording, *flows, *now, *postgres;
    int32_t parallel, details, echo;
    const cli_common *common;
    llmcs_shop_service *service;
    llmcs_shop_desk *desk;
    int64_t clock;
} chat_job;

static const cli_option options[] = {
    CLI_PLAIN("customer", CLI_STRING, offsetof(chat_job, customer), "id of the customer who is logged in [none]"),
    CLI_PLAIN("lang", CLI_STRING, offsetof(chat_job, lang), "language of the replies, en or zh [that of each message]"),
    CLI_PLAIN("conversation", CLI_STRING, offsetof(chat_job, conversation),
              "name of the conversation, to continue it later [a new one]"),
    CLI_PLAIN("wording", CLI_STRING, offsetof(chat_job, wording),
              "folder of the model that words replies, or templates [that of the store]"),
    CLI_PLAIN("flows", CLI_STRING, offsetof(chat_job, flows), "flows.json [that of the store]"),
    CLI_PLAIN("now", CLI_STRING, offsetof(chat_job, now),
              "fixed time for the desk's clock [that of the store, or the real time]"),
    CLI_PLAIN(
        "postgres", CLI_STRING, offsetof(chat_job, postgres),
        "connection string, or file:PATH with it, of the database with conversations and orders; '' for none [that "
        "of the store]"),
    CLI_BOUNDED("parallel", offsetof(chat_job, parallel), "with --jsonl: conversations answered at the same time [4]",
                1, MAX_PARALLEL),
    CLI_PLAIN("details", CLI_SWITCH, offsetof(chat_job, details), "print how each reply was found"),
    CLI_PLAIN("echo", CLI_SWITCH, offsetof(chat_job, echo), "print each line of stdin before its reply"),
};

/* ---- JSON Lines */

static llmcs_status answer_message(void *user, const json_t *request, cli_answer *out) {
    const chat_job *j = user;
    const turn_call call = {.desk = j->desk, .customer = j->customer, .lang = j->lang};
    return call_turn(&call, request, out);
}

/* ---- a person */

/* Set while a reply is made. */
static int32_t stopped;

static void stop_reply(int number) {
    (void)number;
    __atomic_store_n(&stopped, 1, __ATOMIC_RELAXED);
}

static int print_chunk(void *user, const char *text, size_t len) {
    (void)user;
    cli_print_generated(text, len);
    return fflush(stdout) || __atomic_load_n(&stopped, __ATOMIC_RELAXED);
}

static void print_details(const llmcs_shop_turn *t) {
    printf("  [%s", llmcs_shop_desk_route_name(t->route));
    if (*t->intent) printf(", %s %.2f", t->intent, t->intent_score);
    if (*t->flow) printf(", flow %s", t->flow);
    for (size_t i = 0; i < t->n_slots; i++) {
        printf(", %s = ", t->slots[i].name);
        cli_print_escaped(stdout, t->slots[i].value, strlen(t->slots[i].value), true);
    }
    if (*t->action) {
        printf(", %s ", t->action);
        cli_print_escaped(stdout, t->action_object, strlen(t->action_object), true);
        printf(" %s", llmcs_shop_action_state_name(t->action_state));
    }
    for (size_t i = 0; i < t->n_citations; i++)
        printf(", %s version %d", t->citations[i]->id, t->citations[i]->version);
    if (*t->handover_reason) printf(", handed over: %s, priority %d", t->handover_reason, t->handover_priority);
    printf(", %.2f ms]\n", t->ms.total);
}

static bool is_command(const char *line, size_t len, const char *command) {
    return len == strlen(command) && !memcmp(line, command, len);
}

/* False: the line is a message. */
static bool apply_command(const char *line, size_t len, bool *leave) {
    if (is_command(line, len, "/exit") || is_command(line, len, "/quit"))
        *leave = true;
    else if (is_command(line, len, "/help"))
        puts(
            "/exit   ends the program, as Ctrl-D does\n/help   this text\n"
            "Ctrl-C  stops a reply, or empties the line\nAny other line is a message.");
    else
        return false;
    fflush(stdout);
    return true;
}

static int print_reply(const chat_job *j, const char *line, size_t len, size_t number) {
    llmcs_shop_message m;
    llmcs_shop_turn *turn = NULL;
    if (!cli_check_utf8(j->common, line, len, number)) return EXIT_FAILED;
    llmcs_shop_message_init(&m);
    m.conversation = j->conversation;
    m.customer = j->customer;
    m.lang = j->lang;
    m.text = line;
    m.text_bytes = len;
    m.cancel = &stopped;
    m.on_text = print_chunk;
    if (j->echo) printf("> "), cli_print_escaped(stdout, line, len, true), putchar('\n');
    __atomic_store_n(&stopped, 0, __ATOMIC_RELAXED);
    const llmcs_status status = llmcs_shop_desk_say(j->desk, &m, &turn);
    putchar('\n');
    if (!status && j->details) print_details(turn);
    fflush(stdout);
    llmcs_shop_turn_free(&turn);
    if (status == LLMCS_CANCELLED && __atomic_load_n(&stopped, __ATOMIC_RELAXED)) return EXIT_DONE;
    return status ? cli_failed("chat") : EXIT_DONE;
}

static int talk_at_terminal(const chat_job *j, editor *e) {
    const struct sigaction stop = {.sa_handler = stop_reply, .sa_flags = SA_RESTART};
    struct sigaction before;
    size_t len;
    bool leave = false;
    const char *line;
    sigaction(SIGINT, &stop, &before);
    puts("Ctrl-D ends, Ctrl-C stops a reply, /help says more.");
    while (!leave && (line = editor_read(e, &len)))
        if (!cli_is_blank(line, len) && !apply_command(line, len, &leave)) print_reply(j, line, len, 0);
    sigaction(SIGINT, &before, NULL);
    if (!leave) putchar('\n');
    return EXIT_DONE;
}

static int talk_in_lines(const chat_job *j) {
    cli_lines lines = {.max_bytes = (size_t)j->common->max_line_bytes};
    bool leave = false, failed = false;
    while (!leave && cli_next_line(&lines)) {
        if (lines.too_long)
            cli_error("line %zu of stdin is longer than --max-line-bytes (%zu)", lines.number, lines.max_bytes);
        else if (cli_is_blank(lines.line, lines.len) || apply_command(lines.line, lines.len, &leave))
            continue;
        else if (print_reply(j, lines.line, lines.len, lines.number) == EXIT_DONE)
            continue;
        failed = true;
    }
    failed = failed || lines.failed;
    cli_lines_free(&lines);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

static int talk(chat_job *j) {
    char name[NAME_BYTES];
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(name, sizeof name, "terminal-%lld-%ld-%ld", (long long)t.tv_sec, t.tv_nsec, (long)getpid());
    if (!j->conversation) j->conversation = name;
    editor *e = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? editor_open("> ") : NULL;
    if (!e) return talk_in_lines(j);
    const int code = talk_at_terminal(j, e);
    editor_close(e);
    return code;
}

/* ---- command */

static int64_t fixed_clock(void *user) { return *(const int64_t *)user; }

static bool open_desk(chat_job *j, const cli_common *common) {
    llmcs_shop_service_options o;
    llmcs_shop_desk_options desk;
    llmcs_model_options model;
    llmcs_shop_service_options_init(&o);
    llmcs_shop_desk_options_init(&desk);
    cli_model_options(common, &model);
    model.progress = NULL; /* the models are small */
    o.model = &model;
    o.desk = &desk;
    o.log = cli_print_warning;
    o.postgres = j->postgres;
    desk.wording = j->wording;
    desk.flows_path = j->flows;
    if (j->now) {
        if (!parse_time(j->now, &j->clock))
            return cli_error("--now: '%s' is not a time such as 2026-11-16T12:00:00Z", j->now), false;
        desk.now = fixed_clock;
        desk.now_user = &j->clock;
    }
    if (llmcs_shop_service_open(common->folder, &o, &j->service)) return cli_failed("open"), false;
    j->desk = llmcs_shop_service_desk(j->service);
    return true;
}

static int chat_command(int argc, char **argv) {
    cli_common common;
    chat_job j = {.parallel = 4, .common = &common};
    int code = cli_parse(&cmd_chat, argc, argv, &common, &j);
    if (code >= 0) return code;
    code = EXIT_FAILED;
    if (open_desk(&j, &common))
        code = common.jsonl ? cli_jsonl_threads(&common, "conversation", j.parallel, answer_message, &j) : talk(&j);
    llmcs_shop_service_free(&j.service);
    return code;
}

const cli_command cmd_chat = {
    .name = "chat",
    .target = "STORE",
    .arguments = "",
    .summary = "Talks to the desk: at a terminal with editing and history, else each line of stdin is a message.",
    .notes =
        "Models and flows are those of `llmcs-shop init`. Without a customer, personal data is not looked up. Blank "
        "lines are skipped; /exit and Ctrl-D end the program, Ctrl-C stops a reply. With --jsonl several conversations "
        "are answered at the same time, the messages of one after another; the answers come in the order of the lines.",
    .jsonl_help =
        "{\"id\":any?, \"conversation\":\"...\", \"customer\":\"...\"?, \"text\":\"...\", \"lang\":\"en\"?, "
        "\"deadline_ms\":500?} -> {\"reply\":\"...\", \"route\":\"flow\", \"intent\":\"track_order\", "
        "\"flow\":\"...\", \"slots\":{}, \"action\":{\"name\",\"object\",\"state\",\"key\"} or {}, "
        "\"expects\":\"anything\", \"citations\":[...], \"products\":[...], \"probability\":0.98, "
        "\"out_of_scope\":0.01, \"handover\":{\"reason\",\"priority\",\"summary\"} or null, "
        "\"sentiment\":{\"label\",\"score\"} or null, \"lang\":\"en\", \"ms\":{...}}; the same id in a conversation "
        "gives the same reply. route is flow, entry, filled, generated, recommend, smalltalk, ask_back, handover, "
        "blocked, unavailable, silent or none",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = 0,
    .execute = chat_command};
