/* llmcs-shop check: checks whether texts may pass, with reasons. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "request.h"
#include "store.h"

enum { SETTING_BYTES = 65537 };

typedef struct check_job {
    const char *moderation, *words, *encoder;
    double warn_score, block_score;
    int32_t direction;
    llmcs_shop_classifier *classifier;
    llmcs_model *model;
    llmcs_shop_guard *guard;
} check_job;

static const char *const directions[] = {"in", "out", NULL};

#define AT(member) offsetof(check_job, member)
static const cli_option options[] = {
    CLI_CHOICE("direction", AT(direction), "in: a customer's or product's text; out: a reply of the shop [in]",
               directions),
    CLI_PLAIN(
        "moderation", CLI_STRING, AT(moderation),
        "classifier with a class \"safe\"; none: only words and rules [the store's \"llmcs.moderation\", else none]"),
    CLI_PLAIN("encoder", CLI_STRING, AT(encoder), "folder of the classifier's encoder [the one used in training]"),
    CLI_PLAIN("words", CLI_STRING, AT(words), "word list [the store's \"llmcs.words\", else the built-in one]"),
    CLI_PLAIN("warn_score", CLI_DOUBLE, AT(warn_score), "probability from which the classifier warns [0.9]"),
    CLI_PLAIN("block_score", CLI_DOUBLE, AT(block_score), "probability from which it blocks [0.99]"),
};

/* ---- answers */

static json_t *reasons_json(const llmcs_shop_verdict *v) {
    json_t *reasons = json_array();
    for (size_t i = 0; i < v->n_reasons; i++) {
        const llmcs_shop_reason *r = v->reasons[i];
        json_t *reason = json_pack("{sssssIsI}", "layer", r->layer, "rule", r->rule, "begin", (json_int_t)r->begin,
                                   "end", (json_int_t)r->end);
        json_object_set_new(reason, "weight", json_float(r->weight));
        json_object_set_new(reason, "action", json_string(llmcs_shop_check_action_name(r->action)));
        json_array_append_new(reasons, reason);
    }
    return reasons;
}

static llmcs_status read_direction(const json_t *request, llmcs_shop_direction *direction) {
    const char *word;
    size_t n;
    const llmcs_status status = request_text(request, "direction", false, &word, &n);
    if (status || !word) return status;
    for (int i = 0; directions[i]; i++)
        if (strlen(directions[i]) == n && !strcasecmp(directions[i], word)) {
            *direction = (llmcs_shop_direction)i;
            return LLMCS_OK;
        }
    return request_error(LLMCS_ARG, "\"direction\" must be \"in\" or \"out\"");
}

static llmcs_status check_request(void *user, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"text", "direction", NULL};
    const check_job *j = user;
    llmcs_shop_check_params params;
    llmcs_shop_verdict *v = NULL;
    const char *text;
    size_t len;
    llmcs_status status;
    llmcs_shop_check_params_init(&params);
    params.direction = (llmcs_shop_direction)j->direction;
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)) ||
        (status = read_direction(request, &params.direction)) ||
        (status = llmcs_shop_check(j->guard, text, len, &params, &v)))
        return status;
    answer_set(out, "action", json_string(llmcs_shop_check_action_name(v->action)));
    answer_set(out, "label", json_string(v->label));
    answer_set(out, "score", json_float(v->score));
    if (j->classifier) answer_set(out, "unsafe", json_float(v->unsafe));
    answer_set(out, "reasons", reasons_json(v));
    llmcs_shop_verdict_free(&v);
    return LLMCS_OK;
}

static int check_line(void *user, const char *text, size_t len) {
    const check_job *j = user;
    llmcs_shop_check_params params;
    llmcs_shop_verdict *v = NULL;
    llmcs_shop_check_params_init(&params);
    params.direction = (llmcs_shop_direction)j->direction;
    if (llmcs_shop_check(j->guard, text, len, &params, &v)) return cli_failed("check");
    printf("%-8s %-12s %.2f ", llmcs_shop_check_action_name(v->action), v->label, v->score);
    for (size_t i = 0; i < v->n_reasons; i++) {
        const llmcs_shop_reason *r = v->reasons[i];
        printf("%s%s: ", i ? "; " : " ", r->rule);
        cli_print_escaped(stdout, text + r->begin, r->end - r->begin, true);
    }
    putchar('\n');
    fflush(stdout);
    llmcs_shop_verdict_free(&v);
    return EXIT_DONE;
}

/* ---- the guard */

static bool open_classifier(check_job *j, const cli_common *common, const char *file) {
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    llmcs_shop_classifier_options o;
    llmcs_shop_classifier_options_init(&o);
    if (llmcs_shop_classifier_open(file, &o, &j->classifier) || llmcs_shop_classifier_get_info(j->classifier, &info))
        return cli_failed("open the classifier"), false;
    if (!info.n_embedding) return true;
    if (!j->encoder && !info.encoder_path[0])
        return cli_error("%s was trained with an encoder; name its folder by --encoder", file), false;
    char *folder = j->encoder ? strdup(j->encoder) : path_from_file(file, info.encoder_path);
    cli_common with_folder = *common;
    with_folder.folder = folder;
    const bool opened = folder && !cli_open(&with_folder, NULL, &j->model);
    if (!opened) cli_failed("open the encoder");
    free(folder);
    o.encoder = j->model;
    llmcs_shop_classifier_free(&j->classifier);
    if (!opened) return false;
    if (!llmcs_shop_classifier_open(file, &o, &j->classifier)) return true;
    return cli_failed("open the classifier"), false;
}

/* A setting of the store in fresh memory, or NULL. */
static char *setting(llmcs_shop *shop, const char *key) {
    size_t n = 0;
    char *value = shop ? malloc(SETTING_BYTES) : NULL;
    if (value && !llmcs_shop_get_setting(shop, key, value, SETTING_BYTES, &n) && n) return value;
    free(value);
    return NULL;
}

static bool open_guard(check_job *j, const cli_common *common, llmcs_shop *shop) {
    llmcs_shop_guard_options o;
    char *moderation = j->moderation ? NULL : setting(shop, "llmcs.moderation");
    char *words = j->words ? NULL : setting(shop, "llmcs.words");
    const char *file = j->moderation ? j->moderation : moderation;
    bool opened = !file || !strcmp(file, "none") || open_classifier(j, common, file);
    llmcs_shop_guard_options_init(&o);
    o.words_path = j->words ? j->words : words;
    o.moderation = j->classifier;
    o.warn_score = j->warn_score;
    o.block_score = j->block_score;
    if (opened && llmcs_shop_guard_create(&o, &j->guard)) {
        cli_failed("open the guard");
        opened = false;
    }
    free(moderation);
    free(words);
    return opened;
}

static int check_command(int argc, char **argv) {
    cli_common common;
    store s = {0};
    check_job j = {.warn_score = 0.9, .block_score = 0.99};
    int code = cli_parse(&cmd_check, argc, argv, &common, &j);
    if (code >= 0) return code;
    code = EXIT_FAILED;
    if ((!common.folder || store_open(&s, &common, STORE_NO_ENCODER, NULL, LLMCS_SHOP_READ_ONLY)) &&
        open_guard(&j, &common, s.shop))
        code = common.jsonl ? cli_jsonl(&common, check_request, &j) : cli_each_text(&common, check_line, &j);
    llmcs_shop_guard_free(&j.guard);
    llmcs_shop_classifier_free(&j.classifier);
    llmcs_model_free(&j.model);
    store_close(&s);
    return code;
}

const cli_command cmd_check = {
    .name = "check",
    .target = "[STORE]",
    .optional_target = true,
    .arguments = "",
    .summary = "Checks whether each line of stdin may pass: ALLOW, MASK, WARN, BLOCK or HANDOVER, with reasons.",
    .notes =
        "Layers: words (swearing, insults, hate), rules (prompt injection, danger, other people's data), and with "
        "--moderation a classifier.",
    .jsonl_help =
        "{\"text\":\"...\", \"direction\":\"in\"|\"out\"?} -> {\"action\":\"WARN\", \"label\":\"insult\", "
        "\"score\":0.6, \"reasons\":[{\"layer\", \"rule\", \"begin\", \"end\", \"weight\", \"action\"}]}. begin "
        "and end are bytes of the text; \"unsafe\" is the classifier's probability.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .execute = check_command};
