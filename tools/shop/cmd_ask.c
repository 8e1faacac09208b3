/* llmcs-shop ask: answers from the knowledge entries. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "commands.h"
#include "store.h"

typedef struct ask_job {
    const char *encoder, *lang, *writer, *reranker;
    cli_strings tags, slots;
    int32_t k, legs, choose, generate;
    double threshold;
    store store;
    llmcs_model *writer_model, *reranker_model;
    llmcs_session *session;
    llmcs_shop_slot slot_values[CLI_MAX_STRINGS];
    llmcs_shop_ask_params params;
} ask_job;

static const char *const leg_names[] = {"both", "words", "vectors", NULL};
static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(ask_job, encoder),
              "folder of the encoder [the one of `llmcs-shop init`]"),
    CLI_PLAIN("lang", CLI_STRING, offsetof(ask_job, lang), "language of the question [zh if it has Han characters]"),
    CLI_BOUNDED("k", offsetof(ask_job, k), "candidates to report [5]", 1, CALL_MAX_ASK),
    CLI_PLAIN("tag", CLI_STRINGS, offsetof(ask_job, tags),
              "only entries with this tag; several times: with one of them"),
    CLI_PLAIN("slot", CLI_STRINGS, offsetof(ask_job, slots), "name=value for {name} in answers; several times"),
    CLI_PLAIN("threshold", CLI_DOUBLE, offsetof(ask_job, threshold), "least probability of an answer [as calibrated]"),
    CLI_CHOICE("legs", offsetof(ask_job, legs), "search by words, by vectors or by both [both]", leg_names),
    CLI_PLAIN("reranker", CLI_STRING, offsetof(ask_job, reranker), "folder of a cross-encoder"),
    CLI_PLAIN("writer", CLI_STRING, offsetof(ask_job, writer), "folder of a decoder: log p(answer | question)"),
    CLI_PLAIN("choose", CLI_SWITCH, offsetof(ask_job, choose), "with --writer: the writer chooses the answer"),
    CLI_PLAIN("generate", CLI_SWITCH, offsetof(ask_job, generate), "with --writer: the writer words the answer"),
};

/* ---- requests */

static llmcs_status ask_request(void *user, const json_t *request, cli_answer *out) {
    const ask_job *j = user;
    return call_ask(j->store.shop, &j->params, request, out);
}

static int ask_text(void *user, const char *text, size_t len) {
    const ask_job *j = user;
    llmcs_shop_answer *a = NULL;
    if (llmcs_shop_ask(j->store.shop, text, len, &j->params, &a)) return cli_failed("ask");
    if (a->text_bytes) cli_print_escaped(stdout, a->text, a->text_bytes, false), putchar('\n');
    printf("  %s, probability %.3f", llmcs_shop_route_name(a->route), a->probability);
    for (size_t i = 0; i < a->n_citations; i++) {
        const llmcs_shop_citation *c = a->citations[i];
        printf("; %s (%s, version %d) [%zu, %zu)", c->id, c->lang, c->version, c->entry_begin, c->entry_end);
    }
    for (size_t i = 0; a->route == LLMCS_ROUTE_NONE && i < a->n_candidates && i < 3; i++)
        printf("%s %s (%.3f)", i ? "," : "; closest:", a->candidates[i]->id, a->candidates[i]->probability);
    printf("\n  %.2f ms: embed %.2f, words %.2f, vectors %.2f, rank %.2f, write %.2f\n", a->total_ms, a->embed_ms,
           a->words_ms, a->vectors_ms, a->rank_ms, a->write_ms);
    fflush(stdout);
    llmcs_shop_answer_free(&a);
    return EXIT_DONE;
}

/* ---- command */

/* Splits "name=value"; copies the name. */
static bool read_slots(ask_job *j) {
    for (size_t i = 0; i < j->slots.n; i++) {
        const char *equals = strchr(j->slots.items[i], '=');
        char *name = equals ? strndup(j->slots.items[i], (size_t)(equals - j->slots.items[i])) : NULL;
        if (!name) return cli_error("--slot: '%s' is not name=value", j->slots.items[i]), false;
        j->slot_values[i] = (llmcs_shop_slot){name, equals + 1};
        j->params.n_slots = i + 1;
    }
    j->params.slots = j->slot_values;
    return true;
}

static bool open_model(const cli_common *common, const char *folder, llmcs_model **model) {
    cli_common of_folder = *common;
    of_folder.folder = folder;
    if (!folder || !cli_open(&of_folder, NULL, model)) return true;
    cli_failed("open");
    return false;
}

static bool open_all(ask_job *j, const cli_common *common) {
    if (!open_model(common, j->reranker, &j->reranker_model) || !open_model(common, j->writer, &j->writer_model))
        return false;
    if (j->writer_model && llmcs_session_create(j->writer_model, NULL, &j->session)) return cli_failed("open"), false;
    return store_open(&j->store, common, j->legs == 1 ? STORE_NO_ENCODER : STORE_ENCODER, j->encoder,
                      LLMCS_SHOP_READ_ONLY);
}

static int ask_command(int argc, char **argv) {
    cli_common common;
    static ask_job j = {.k = 5, .threshold = -1};
    int code = cli_parse(&cmd_ask, argc, argv, &common, &j);
    if (code >= 0) return code;
    llmcs_shop_ask_params_init(&j.params);
    code = EXIT_FAILED;
    if (read_slots(&j) && open_all(&j, &common)) {
        j.params.lang = j.lang;
        j.params.k = (size_t)j.k;
        j.params.tags = j.tags.items;
        j.params.n_tags = j.tags.n;
        j.params.threshold = j.threshold;
        j.params.reranker = j.reranker_model;
        j.params.writer = j.session;
        j.params.flags = (j.legs == 1   ? LLMCS_ASK_WORDS_ONLY
                          : j.legs == 2 ? LLMCS_ASK_VECTORS_ONLY
                                        : 0) |
                         (j.choose ? LLMCS_ASK_CHOOSE : 0) | (j.generate ? LLMCS_ASK_GENERATE : 0);
        code = common.jsonl ? cli_jsonl(&common, ask_request, &j) : cli_each_text(&common, ask_text, &j);
    }
    for (size_t i = 0; i < j.params.n_slots; i++) free((char *)j.slot_values[i].name);
    llmcs_session_free(&j.session);
    llmcs_model_free(&j.writer_model);
    llmcs_model_free(&j.reranker_model);
    store_close(&j.store);
    return code;
}

const cli_command cmd_ask = {
    .name = "ask",
    .target = "STORE",
    .arguments = "[question ...]",
    .summary = "Answers questions from the knowledge entries: each argument, or each line of stdin.",
    .notes = CLI_LINES_HELP,
    .jsonl_help =
        "{\"text\":\"...\", \"lang\":\"en\"?, \"k\":5?} -> {\"route\":\"ENTRY\", "
        "\"answer\":\"...\", \"probability\":0.98, \"citations\":[{\"id\",\"lang\","
        "\"version\",\"text\",\"entry\":[begin,end],\"reply\":[begin,end]}], "
        "\"candidates\":[{\"id\",\"score\",...}], \"ms\":{...}}; route is ENTRY, FILLED, "
        "GENERATED, ASK_BACK or NONE, score the candidate's probability",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = ask_command};
