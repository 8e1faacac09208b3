/* llmcs-shop assist: suggests replies to an agent, and rewrites texts. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "commands.h"
#include "guard.h"
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
    CLI_PLAIN("lang", CLI_STRING, AT(lang), "language of the replies [the conversation's]"),
    CLI_PLAIN("actor", CLI_STRING, AT(actor), "the agent"),
    CLI_PLAIN("deadline_ms", CLI_DOUBLE, AT(deadline_ms), "time limit of a call; a late draft is left out [3000]"),
    CLI_CHOICE("rewrite", AT(rewrite), "the arguments are texts that become politer or shorter [none]", rewrite_names),
};

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

static llmcs_status assist_request(void *user, const json_t *request, cli_answer *out) {
    const assist_job *j = user;
    const llmcs_shop_assist_params params = params_of(j);
    return call_assist(j->assistant, &params, request, out);
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

/* The wording model in the store's settings, which the caller frees; NULL: none, or no memory. */
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
        "Suggests replies to a customer's last message: entries, replies sent to similar questions and drafts of a "
        "model, each with its source. Also makes texts politer or shorter.",
    .notes = "Suggestions are masked and do nothing by themselves. Rewriting keeps numbers, links and names.",
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
