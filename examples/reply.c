/*
 * reply - answers a customer from given facts, or says that they do not contain the answer.
 *
 *     reply --facts order.txt "Where is my parcel?" "And what did I pay?"
 *     reply --store shop.db "Can I return the shoes?" "你们北京有店吗？"
 *
 * order.txt has one fact per line ("status: on its way"); with --store the facts are the entry of the knowledge base
 * that answers the question. Questions are the turns of one conversation, as arguments or as lines of stdin.
 *
 * A language model words each reply, in the form that examples/models/shop-gpt2 was trained on:
 *     Facts: ...\nUser: ...\nBot:
 * and llmcs_shop_gate compares the wording with the facts. If it rejects the wording, the reply is the entry itself, or
 * that there is no information.
 */
#include <llmcs_shop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { MAX_FACTS = 64, TURNS = 2 };

typedef struct reply {
    llmcs_model *model, *encoder;
    llmcs_session *session;
    llmcs_generate_params params;
    llmcs_shop *shop;
    llmcs_shop_fact facts[MAX_FACTS]; /* of --facts: one value per line */
    size_t n_facts;
    char *said[TURNS]; /* "User: ...\nBot: ...\n", oldest first; or NULL */
    int explain;
} reply;

static int failed(const char *doing) {
    fprintf(stderr, "reply: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* Keeps each speaker on one line: with "\nBot:" in a question, a customer could otherwise write the bot's lines. */
static void write_line(FILE *to, const char *before, const char *text) {
    fputs(before, to);
    for (const char *c = text; *c; c++) fputc(*c == '\n' || *c == '\r' ? ' ' : *c, to);
}

static int is_chinese(const char *text) { return text[strcspn(text, "\xe4\xe5\xe6\xe7\xe8\xe9")] != 0; }

static const char *no_answer(const char *question) {
    return is_chinese(question) ? "我这边没有查到相关信息，需要为您转接人工客服吗？"
                                : "I don't have that information. Shall I pass you to a colleague?";
}

static char *make_prompt(const reply *r, const llmcs_shop_fact *facts, size_t n_facts, const char *question) {
    char *prompt = NULL;
    size_t n;
    FILE *to = open_memstream(&prompt, &n);
    if (!to) return NULL;
    for (size_t i = 0; i < n_facts; i++) write_line(to, i ? "; " : "Facts: ", facts[i].value);
    if (n_facts) fputc('\n', to);
    for (int i = 0; i < TURNS; i++) fputs(r->said[i] ? r->said[i] : "", to);
    write_line(to, "User: ", question);
    fputs("\nBot:", to);
    return fclose(to) ? NULL : prompt;
}

static void remember(reply *r, const char *question, const char *answer) {
    char *turn = NULL;
    size_t n;
    FILE *to = open_memstream(&turn, &n);
    if (!to) return;
    write_line(to, "User: ", question);
    write_line(to, "\nBot: ", answer);
    fputc('\n', to);
    if (fclose(to)) return;
    free(r->said[0]);
    memmove(r->said, r->said + 1, sizeof r->said - sizeof *r->said);
    r->said[TURNS - 1] = turn;
}

/* The model found no answer in the facts; `otherwise` says so, too, or is the entry that was found. */
static int abstains(const char *text) {
    return strstr(text, "don't have that information") || strstr(text, "没有查到");
}

/* Drops the first turn that is remembered; 0: there is none. */
static int forget(reply *r) {
    int i = 0;
    while (i < TURNS && !r->said[i]) i++;
    if (i == TURNS) return 0;
    free(r->said[i]);
    r->said[i] = NULL;
    return 1;
}

/* Words a reply from facts and prints it, or `otherwise` where the gate refuses the wording. */
static int word(reply *r, const llmcs_shop_fact *facts, size_t n_facts, const char *question, const char *otherwise) {
    llmcs_result *result = NULL;
    llmcs_shop_gate_verdict verdict = {.struct_size = sizeof verdict};
    char *prompt = make_prompt(r, facts, n_facts, question);
    const char *text = "";
    int code = 0;
    llmcs_status status = LLMCS_CONTEXT_FULL;
    while (prompt && status == LLMCS_CONTEXT_FULL) {
        status = llmcs_generate(r->session, prompt, LLMCS_NUL, &r->params, NULL, NULL, &result);
        if (status != LLMCS_CONTEXT_FULL || !forget(r)) break; /* too long a conversation loses its first turns */
        free(prompt);
        prompt = make_prompt(r, facts, n_facts, question);
    }
    if (!prompt) return fprintf(stderr, "reply: no memory for the question\n"), 1;
    if (!status) {
        text = result->sequences[0]->text + strspn(result->sequences[0]->text, " ");
        status = llmcs_shop_gate(text, LLMCS_NUL, facts, n_facts, is_chinese(question) ? "zh" : "en", &verdict);
    }
    if (status) code = failed("generate");
    if (!code && r->explain && !verdict.passed)
        fprintf(stderr, "reply: refused (%s %s): %s\n", verdict.reason, verdict.found, text);
    const char *said = verdict.passed && !abstains(text) ? text : otherwise;
    if (!code) puts(said), fflush(stdout), remember(r, question, said);
    llmcs_result_free(&result);
    free(prompt);
    return code;
}

/* The entry of the knowledge base that answers is the only fact. */
static int answer_from_store(reply *r, const char *question) {
    llmcs_shop_answer *answer = NULL;
    if (llmcs_shop_ask(r->shop, question, LLMCS_NUL, NULL, &answer)) return failed("ask");
    const llmcs_shop_fact entry = {NULL, answer->text};
    const int found = answer->route == LLMCS_ROUTE_ENTRY || answer->route == LLMCS_ROUTE_FILLED;
    int code = 0;
    if (found)
        code = word(r, &entry, 1, question, answer->text);
    else
        puts(no_answer(question)), fflush(stdout);
    llmcs_shop_answer_free(&answer);
    return code;
}

static int answer(reply *r, const char *question) {
    return r->shop ? answer_from_store(r, question) : word(r, r->facts, r->n_facts, question, no_answer(question));
}

/* Each argument, or each line of stdin that is not empty. */
static int answer_all(reply *r, char **questions) {
    int code = 0;
    char *line = NULL;
    size_t capacity = 0;
    for (int i = 0; questions[i]; i++) code |= answer(r, questions[i]);
    while (!*questions && getline(&line, &capacity, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) code |= answer(r, line);
    }
    free(line);
    return code;
}

static int read_facts(reply *r, const char *path) {
    FILE *from = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    if (!from) return perror(path), 1;
    while (r->n_facts < MAX_FACTS && getline(&line, &capacity, from) >= 0) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0]) r->facts[r->n_facts++].value = line, line = NULL, capacity = 0;
    }
    free(line);
    return fclose(from);
}

static int open_store(reply *r, const char *path, const char *encoder) {
    llmcs_shop_options options;
    if (llmcs_model_open(encoder, NULL, &r->encoder)) return failed("open the encoder");
    llmcs_shop_options_init(&options);
    options.encoder = r->encoder;
    return llmcs_shop_open(path, &options, &r->shop) ? failed("open the store") : 0;
}

static int open_model(reply *r, const char *folder) {
    static const char *const stop[] = {"\nUser:", "\nFacts:"}; /* never speak for the customer */
    if (llmcs_model_open(folder, NULL, &r->model) || llmcs_session_create(r->model, NULL, &r->session) ||
        llmcs_generate_params_init(&r->params, r->model)) /* what the folder's generation_config.json says */
        return failed("open");
    r->params.stop_strings = stop;
    r->params.n_stop_strings = 2;
    r->params.max_new_tokens = 160;
    return 0;
}

static void close_all(reply *r) {
    llmcs_session_free(&r->session);
    llmcs_model_free(&r->model);
    llmcs_shop_free(&r->shop);
    llmcs_model_free(&r->encoder);
    for (size_t i = 0; i < r->n_facts; i++) free((char *)r->facts[i].value);
    for (int i = 0; i < TURNS; i++) free(r->said[i]);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"facts", required_argument, NULL, 'f'},
                                            {"store", required_argument, NULL, 's'},
                                            {"encoder", required_argument, NULL, 'e'},
                                            {"explain", no_argument, NULL, 'x'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/shop-gpt2", *facts = NULL, *store = NULL,
               *encoder = "examples/models/shop-encoder";
    static reply r;
    for (int c; (c = next_option(argc, argv, options)) != -1;) switch (c) {
            case 'm':
                folder = optarg;
                break;
            case 'f':
                facts = optarg;
                break;
            case 's':
                store = optarg;
                break;
            case 'e':
                encoder = optarg;
                break;
            case 'x':
                r.explain = 1;
                break;
            default:
                fprintf(c == 'h' ? stdout : stderr,
                        "usage: reply [--model FOLDER] [--facts FILE | --store STORE [--encoder FOLDER]] [--explain]\n"
                        "             [question ...]    (or questions on stdin)\n");
                return c == 'h' ? 0 : 2;
        }
    const int code = (facts && read_facts(&r, facts)) || (store && open_store(&r, store, encoder)) ||
                     open_model(&r, folder) || answer_all(&r, argv + optind);
    close_all(&r);
    return code;
}
