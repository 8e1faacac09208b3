/* llmcs-shop assist: suggestions for the person who answers a customer, and rewriting. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "guard.h"
#include "request.h"
#include "store.h"

typedef struct assist_job {
    const char *encoder, *wording, *actor, *lang, *text;
    int32_t k, rewrite;
    double deadline_ms;
    guard_choice guard_choice;
    store store;
    llmcs_shop_guard *guard;
    llmcs_shop_assistant *assistant;
} assist_job;

#define AT(member) offsetof(assist_job, member)
static const char *const rewrite_names[] = {"none", "politer", "shorter", NULL};
static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of the encoder [the one of `llmcs-shop init`]"),
    CLI_PLAIN("wording", CLI_STRING, AT(wording),
              "folder of a model that words drafts and rewrites; or templates [the one of `llmcs-shop init`]"),
    CLI_BOUNDED("k", AT(k), "suggestions [3]", 1, 5),
    CLI_PLAIN("text", CLI_STRING, AT(text), "the customer's message [the conversation's last one]"),
    CLI_PLAIN("lang", CLI_STRING, AT(lang), "of the replies [the conversation's]"),
    CLI_PLAIN("actor", CLI_STRING, AT(actor), "the agent"),
    CLI_PLAIN("deadline_ms", CLI_DOUBLE, AT(deadline_ms), "for a call; a late draft is left out [3000]"),
    CLI_CHOICE("rewrite", AT(rewrite), "the arguments are texts that become politer or shorter [none]", rewrite_names),
};

/* ---- answers */

static json_t *suggestion_json(const llmcs_shop_suggestion *s) {
    json_t *citations = json_array(), *action = s->action[0] ? json_loads(s->action, 0, NULL) : json_null();
    for (size_t i = 0; i < s->n_citations; i++) {
        const llmcs_shop_citation *c = s->citations[i];
        json_array_append_new(citations, json_pack("{sssssi}", "id", c->id, "lang", c->lang, "version", c->version));
    }
    json_t *json =
        json_pack("{sssssososososososo}", "id", s->id, "kind", llmcs_shop_suggestion_kind_name(s->kind), "text",
                  json_text(s->text, s->text_bytes), "score", json_float(s->score), "citations", citations, "source",
                  s->source[0] ? json_string(s->source) : json_null(), "verdict",
                  s->verdict[0] ? json_string(s->verdict) : json_null(), "action", action, "ms", json_float(s->ms));
    return json;
}

static void add_suggestions(cli_answer *out, const llmcs_shop_suggestions *found) {
    json_t *list = json_array();
    for (size_t i = 0; i < found->n_items; i++) json_array_append_new(list, suggestion_json(found->items[i]));
    answer_set(out, "suggestions", list);
    answer_set(out, "question", json_string(found->question));
    answer_set(out, "lang", json_string(found->lang));
    answer_set(out, "ms", json_float(found->ms));
}

/* ---- requests */

static llmcs_shop_assist_params params_of(const assist_job *j) {
    llmcs_shop_assist_params params;
    llmcs_shop_assist_params_init(&params);
    params.k = (size_t)j->k;
    params.text = j->text;
    params.lang = j->lang;
    params.actor = j->actor;
    params.deadline_ms = j->deadline_ms;
    return params;
}

static llmcs_status read_outcome(const char *name, llmcs_shop_outcome *outcome) {
    for (int i = LLMCS_OUTCOME_ACCEPTED; i <= LLMCS_OUTCOME_REJECTED; i++) {
        *outcome = (llmcs_shop_outcome)i;
        if (!strcmp(name, llmcs_shop_outcome_name(*outcome))) return LLMCS_OK;
    }
    return request_error(LLMCS_ARG, "\"outcome\" must be accepted, edited or rejected");
}

static llmcs_status decide_request(const assist_job *j, const json_t *request, const char *id, cli_answer *out) {
    const char *name, *sent, *actor;
    size_t len;
    llmcs_shop_outcome outcome;
    llmcs_status status = request_text(request, "outcome", true, &name, &len);
    if (!status) status = request_text(request, "sent", false, &sent, &len);
    if (!status) status = request_text(request, "actor", false, &actor, &len);
    if (!status) status = read_outcome(name, &outcome);
    if (!status) status = llmcs_shop_suggestion_decide(j->assistant, id, outcome, sent, actor ? actor : j->actor);
    if (!status) answer_set(out, "outcome", json_string(name));
    return status;
}

static llmcs_status rewrite_request(const assist_job *j, const json_t *request, const char *name, cli_answer *out) {
    const char *text, *lang;
    size_t n, len;
    llmcs_shop_rewritten *r = NULL;
    llmcs_status status = request_text(request, "text", true, &text, &n);
    if (!status) status = request_text(request, "lang", false, &lang, &len);
    if (status) return status;
    if (strcmp(name, "politer") != 0 && strcmp(name, "shorter") != 0)
        return request_error(LLMCS_ARG, "\"rewrite\" must be politer or shorter");
    const llmcs_shop_style style = name[0] == 'p' ? LLMCS_STYLE_POLITER : LLMCS_STYLE_SHORTER;
    if ((status = llmcs_shop_rewrite(j->assistant, text, n, style, lang ? lang : j->lang, &r))) return status;
    answer_set(out, "text", json_text(r->text, r->text_bytes));
    answer_set(out, "changed", json_boolean(r->changed));
    answer_set(out, "by_model", json_boolean(r->by_model));
    llmcs_shop_rewritten_free(&r);
    return LLMCS_OK;
}

static llmcs_status assist_request(void *user, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"conversation", "text",    "lang", "k",       "actor",
                                       "suggestion",   "outcome", "sent", "rewrite", NULL};
    const assist_job *j = user;
    llmcs_shop_assist_params params = params_of(j);
    llmcs_shop_suggestions *found = NULL;
    const char *conversation, *suggestion, *style, *text, *lang, *actor;
    const json_t *k = json_object_get(request, "k");
    size_t len;
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = request_text(request, "suggestion", false, &suggestion, &len);
    if (!status) status = request_text(request, "rewrite", false, &style, &len);
    if (status) return status;
    if (suggestion) return decide_request(j, request, suggestion, out);
    if (style) return rewrite_request(j, request, style, out);
    status = request_text(request, "conversation", true, &conversation, &len);
    if (!status) status = request_text(request, "text", false, &text, &len);
    if (!status) status = request_text(request, "lang", false, &lang, &len);
    if (!status) status = request_text(request, "actor", false, &actor, &len);
    if (status) return status;
    if (k && (!json_is_integer(k) || json_integer_value(k) < 1 || json_integer_value(k) > 5))
        return request_error(LLMCS_ARG, "\"k\" must be an integer, 1 to 5");
    if (k) params.k = (size_t)json_integer_value(k);
    if (text) params.text = text;
    if (lang) params.lang = lang;
    if (actor) params.actor = actor;
    if ((status = llmcs_shop_assist(j->assistant, conversation, &params, &found))) return status;
    add_suggestions(out, found);
    llmcs_shop_suggestions_free(&found);
    return LLMCS_OK;
}

/* ---- arguments */

static int rewrite_text(void *user, const char *text, size_t n) {
    const assist_job *j = user;
    llmcs_shop_rewritten *r = NULL;
    const llmcs_shop_style style = j->rewrite == 1 ? LLMCS_STYLE_POLITER : LLMCS_STYLE_SHORTER;
    if (llmcs_shop_rewrite(j->assistant, text, n, style, j->lang, &r)) return cli_failed("rewrite");
    cli_print_escaped(stdout, r->text, r->text_bytes, false);
    putchar('\n');
    llmcs_shop_rewritten_free(&r);
    return EXIT_DONE;
}

static int assist_conversation(const assist_job *j, const char *conversation) {
    const llmcs_shop_assist_params params = params_of(j);
    llmcs_shop_suggestions *found = NULL;
    if (llmcs_shop_assist(j->assistant, conversation, &params, &found)) return cli_failed("assist");
    fputs("> ", stdout);
    cli_print_escaped(stdout, found->question, strlen(found->question), false);
    for (size_t i = 0; i < found->n_items; i++) {
        const llmcs_shop_suggestion *s = found->items[i];
        printf("\n%zu. ", i + 1);
        cli_print_escaped(stdout, s->text, s->text_bytes, false);
        printf("\n   %s, %s, %.2f", s->id, llmcs_shop_suggestion_kind_name(s->kind), s->score);
        for (size_t c = 0; c < s->n_citations; c++)
            printf(", %s (%s, version %d)", s->citations[c]->id, s->citations[c]->lang, s->citations[c]->version);
        printf("%s%s%s%s; %.1f ms", s->source[0] ? ", from " : "", s->source, s->verdict[0] ? ", " : "", s->verdict,
               s->ms);
    }
    if (found->n_items && found->items[0]->action[0]) printf("\nproposed: %s", found->items[0]->action);
    putchar('\n');
    fflush(stdout);
    llmcs_shop_suggestions_free(&found);
    return EXIT_DONE;
}

/* ---- command */

/* The model that the store names; NULL: none, or no memory. The caller frees. */
static char *remembered_wording(llmcs_shop *shop) {
    enum { PATH_BYTES = 65537 };
    size_t n = 0;
    char *folder = malloc(PATH_BYTES);
    if (folder && !llmcs_shop_get_setting(shop, "llmcs.wording", folder, PATH_BYTES, &n) && n) return folder;
    free(folder);
    return NULL;
}

static bool open_all(assist_job *j, const cli_common *common) {
    llmcs_shop_assistant_options o;
    if (!store_open(&j->store, common, STORE_ENCODER, j->encoder, 0)) return false;
    if (!guard_open(&j->guard_choice, j->store.shop, &j->guard)) return false;
    llmcs_shop_assistant_options_init(&o);
    char *wording = j->wording ? NULL : remembered_wording(j->store.shop);
    o.guard = j->guard;
    o.wording = j->wording ? j->wording : wording;
    const llmcs_status status = llmcs_shop_assistant_create(j->store.shop, &o, &j->assistant);
    free(wording);
    if (status) cli_failed("open");
    return !status;
}

static int assist_command(int argc, char **argv) {
    cli_common common;
    assist_job j = {.k = 3, .deadline_ms = 3000};
    int code = cli_parse(&cmd_assist, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!common.jsonl && !j.rewrite && common.n_texts != 1)
        return cli_usage_error(&cmd_assist, "expected a conversation, --rewrite STYLE, or --jsonl");
    code = EXIT_FAILED;
    if (open_all(&j, &common))
        code = common.jsonl ? cli_jsonl(&common, assist_request, &j)
               : j.rewrite  ? cli_each_text(&common, rewrite_text, &j)
                            : assist_conversation(&j, common.texts[0]);
    llmcs_shop_assistant_free(&j.assistant);
    llmcs_shop_guard_free(&j.guard);
    store_close(&j.store);
    return code;
}

const cli_command cmd_assist = {
    .name = "assist",
    .target = "STORE",
    .arguments = "(CONVERSATION | --rewrite STYLE [text ...] | --jsonl)",
    .summary =
        "Suggests replies to a customer's last message: an entry, a reply that was sent to a similar question, a "
        "model's draft, each with where it comes from; or makes texts politer or shorter.",
    .notes = "Suggestions are masked and do nothing by themselves. Numbers, links and names survive a rewriting.",
    .jsonl_help =
        "{\"conversation\":\"...\", \"text\"?, \"lang\"?, \"k\"?, \"actor\"?} -> {\"suggestions\":[{\"id\", "
        "\"kind\":entry, "
        "past, draft or template, \"text\", \"score\", \"citations\":[{\"id\",\"lang\",\"version\"}], \"source\", "
        "\"verdict\", \"action\", \"ms\"}], \"question\", \"lang\", \"ms\"}; {\"suggestion\":\"id\", "
        "\"outcome\":accepted, "
        "edited or rejected, \"sent\"?, \"actor\"?} -> {\"outcome\"}; {\"rewrite\":politer or shorter, \"text\", "
        "\"lang\"?} "
        "-> {\"text\", \"changed\", \"by_model\"}",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = assist_command};
