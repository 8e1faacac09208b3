/* llmcs-shop mask, unmask: replaces personal data by placeholders, and restores it. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "guard.h"
#include "request.h"

typedef struct mask_job {
    guard_choice guard;
    bool keep_places, explain, names;
    store store;
    llmcs_shop_guard *opened;
    llmcs_shop_mask_params params;
    json_t *conversations; /* without a store: {conversation: {placeholder: value}} */
} mask_job;

static const cli_option options[] = {
    GUARD_OPTIONS(mask_job),
    CLI_PLAIN("keep_places", CLI_FLAG, offsetof(mask_job, keep_places),
              "leave countries, provinces and cities without a more precise part"),
    CLI_PLAIN("explain", CLI_FLAG, offsetof(mask_job, explain), "with --jsonl, \"name\" and \"rule\" of each span"),
    CLI_PLAIN("names", CLI_FLAG, offsetof(mask_job, names),
              "with --jsonl, \"names\": the value of each placeholder of the conversation"),
};

/* ---- names: of the store, of earlier lines, or of the line alone */

static json_t *names_json(llmcs_shop_names *names) {
    json_t *json = json_object();
    const char *value;
    size_t bytes;
    for (size_t i = 0; i < llmcs_shop_names_count(names); i++) {
        const char *name = llmcs_shop_names_get(names, i, &value, &bytes);
        json_object_set_new(json, name, json_text(value, bytes));
    }
    return json;
}

static llmcs_status set_names(llmcs_shop_names *names, json_t *values) {
    const char *name;
    json_t *value;
    json_object_foreach(values, name, value) {
        if (!json_is_string(value)) return request_error(LLMCS_ARG, "\"names\": %s is not a string", name);
        const llmcs_status status =
            llmcs_shop_names_set(names, name, json_string_value(value), json_string_length(value));
        if (status) return status;
    }
    return LLMCS_OK;
}

static llmcs_status open_names(const mask_job *j, const json_t *request, const char **conversation,
                               llmcs_shop_names **names) {
    const char *customer;
    size_t len;
    llmcs_status status = request_text(request, "customer", false, &customer, &len);
    if (!status) status = request_text(request, "conversation", false, conversation, &len);
    if (!status) status = llmcs_shop_names_create(j->store.shop, customer, *conversation, NULL, names);
    if (!status && !j->store.shop && *conversation)
        status = set_names(*names, json_object_get(j->conversations, *conversation));
    if (status) llmcs_shop_names_free(names);
    return status;
}

/* ---- mask */

static json_t *spans_json(const mask_job *j, const llmcs_shop_masked *m) {
    json_t *spans = json_array();
    for (size_t i = 0; i < m->n_spans; i++) {
        const llmcs_shop_masked_span *s = m->spans[i];
        json_t *span = json_pack("{sssIsI}", "kind", llmcs_shop_pii_name(s->kind), "begin", (json_int_t)s->begin, "end",
                                 (json_int_t)s->end);
        if (j->explain) {
            json_object_set_new(span, "name", json_string(s->name));
            json_object_set_new(span, "rule", json_string(s->rule));
        }
        json_array_append_new(spans, span);
    }
    return spans;
}

static llmcs_status mask_request(void *user, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"text", "lang", "customer", "conversation", NULL};
    const mask_job *j = user;
    llmcs_shop_masked *masked = NULL;
    llmcs_shop_names *names = NULL;
    const char *text, *conversation, *lang;
    size_t len, lang_len;
    llmcs_status status;
    /* "lang" is allowed for compatibility with other services and ignored. */
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)) ||
        (status = request_text(request, "lang", false, &lang, &lang_len)) ||
        (status = open_names(j, request, &conversation, &names)))
        return status;
    status = llmcs_shop_mask(j->opened, names, text, len, &j->params, &masked);
    if (!status) {
        answer_set(out, "masked", json_text(masked->text, masked->text_bytes));
        answer_set(out, "spans", spans_json(j, masked));
        json_t *values = j->names || (conversation && !j->store.shop) ? names_json(names) : NULL;
        if (conversation && !j->store.shop) json_object_set(j->conversations, conversation, values);
        if (j->names) answer_set(out, "names", json_incref(values));
        json_decref(values);
    }
    llmcs_shop_masked_free(&masked);
    llmcs_shop_names_free(&names);
    return status;
}

/* All lines of stdin are one conversation. */
static int mask_lines(const mask_job *j, const cli_common *common) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    llmcs_shop_names *names = NULL;
    int code = EXIT_DONE;
    if (llmcs_shop_names_create(j->store.shop, NULL, NULL, NULL, &names)) return cli_failed("mask");
    while (code == EXIT_DONE && cli_next_line(&lines)) {
        llmcs_shop_masked *masked = NULL;
        if (lines.too_long) {
            code = cli_error("line %zu has more than --max-line-bytes", lines.number);
        } else if (!cli_check_utf8(common, lines.line, lines.len, lines.number)) {
            code = EXIT_FAILED;
        } else if (llmcs_shop_mask(j->opened, names, lines.line, lines.len, &j->params, &masked)) {
            code = cli_failed("mask");
        } else {
            fwrite(masked->text, 1, masked->text_bytes, stdout);
            putchar('\n');
            fflush(stdout);
        }
        llmcs_shop_masked_free(&masked);
    }
    if (lines.failed) code = EXIT_FAILED;
    cli_lines_free(&lines);
    llmcs_shop_names_free(&names);
    return code;
}

static int mask_command(int argc, char **argv) {
    cli_common common;
    mask_job j = {.conversations = json_object()};
    int code = cli_parse(&cmd_mask, argc, argv, &common, &j);
    if (code < 0) {
        code = EXIT_FAILED;
        llmcs_shop_mask_params_init(&j.params);
        j.params.flags = j.keep_places ? LLMCS_SHOP_MASK_KEEP_PLACES : 0;
        if ((!common.folder || store_open(&j.store, &common, STORE_NO_ENCODER, NULL, 0)) &&
            guard_open(&j.guard, j.store.shop, &j.opened))
            code = common.jsonl ? cli_jsonl(&common, mask_request, &j) : mask_lines(&j, &common);
    }
    llmcs_shop_guard_free(&j.opened);
    store_close(&j.store);
    json_decref(j.conversations);
    return code;
}

const cli_command cmd_mask = {
    .name = "mask",
    .target = "[STORE]",
    .optional_target = true,
    .arguments = "",
    .summary = "Replaces phones, addresses, names, cards and other personal data by placeholders: each line of stdin.",
    .notes =
        "With a STORE the placeholders and their values are kept there, encrypted, and unmask finds them. Without "
        "--jsonl "
        "all lines are one conversation.",
    .jsonl_help =
        "{\"text\":\"...\", \"lang\"?, \"conversation\"?, \"customer\"?} -> {\"masked\":\"...<PHONE_1>...\", "
        "\"spans\":[{\"kind\":\"PHONE\", \"begin\", \"end\"}]}; begin and end are bytes of the text. kind is "
        "NAME, ADDRESS, PHONE, EMAIL, ID, CARD, IBAN, ORDER, PLATE, LINK or COMPANY_ID. Lines of one "
        "conversation share their placeholders; without \"conversation\" and a STORE each line is its own "
        "conversation.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT,
    .execute = mask_command};

/* ---- unmask */

/* The unmasked text, allocated. */
static llmcs_status unmask_text(llmcs_shop_names *names, const char *text, size_t len, char **out, size_t *n) {
    llmcs_status status = llmcs_shop_unmask(names, text, len, NULL, 0, n);
    if (status != LLMCS_BUFFER) return status ? status : LLMCS_INTERNAL;
    *out = malloc(*n + 1);
    if (!*out) return request_error(LLMCS_NOMEM, "no memory for %zu bytes", *n + 1);
    return llmcs_shop_unmask(names, text, len, *out, *n + 1, n);
}

static llmcs_status unmask_request(void *user, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"text", "names", "customer", "conversation", NULL};
    const mask_job *j = user;
    llmcs_shop_names *names = NULL;
    const char *text, *conversation;
    char *unmasked = NULL;
    size_t len, n = 0;
    json_t *values = json_object_get(request, "names");
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)))
        return status;
    if (values && !json_is_object(values)) return request_error(LLMCS_ARG, "\"names\" must be an object");
    if (!values && !j->store.shop)
        return request_error(LLMCS_ARG, "\"names\" is missing: give them, or name the STORE that has them");
    if ((status = open_names(j, request, &conversation, &names))) return status;
    if (values) status = set_names(names, values);
    if (!status) status = unmask_text(names, text, len, &unmasked, &n);
    if (!status) answer_set(out, "unmasked", json_text(unmasked, n));
    free(unmasked);
    llmcs_shop_names_free(&names);
    return status;
}

static int unmask_lines(const mask_job *j, const cli_common *common) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    llmcs_shop_names *names = NULL;
    int code = EXIT_DONE;
    if (llmcs_shop_names_create(j->store.shop, NULL, NULL, NULL, &names)) return cli_failed("unmask");
    while (code == EXIT_DONE && cli_next_line(&lines)) {
        char *text = NULL;
        size_t n = 0;
        if (lines.too_long)
            code = cli_error("line %zu has more than --max-line-bytes", lines.number);
        else if (unmask_text(names, lines.line, lines.len, &text, &n))
            code = cli_failed("unmask");
        else
            cli_print_generated(text, n), putchar('\n'), fflush(stdout);
        free(text);
    }
    if (lines.failed) code = EXIT_FAILED;
    cli_lines_free(&lines);
    llmcs_shop_names_free(&names);
    return code;
}

static int unmask_command(int argc, char **argv) {
    cli_common common;
    mask_job j = {.conversations = json_object()};
    int code = cli_parse(&cmd_unmask, argc, argv, &common, &j);
    if (code < 0 && !common.jsonl && !common.folder)
        code = cli_usage_error(&cmd_unmask, "name the STORE that has the names, or use --jsonl with \"names\"");
    if (code < 0) {
        code = EXIT_FAILED;
        if (!common.folder || store_open(&j.store, &common, STORE_NO_ENCODER, NULL, 0))
            code = common.jsonl ? cli_jsonl(&common, unmask_request, &j) : unmask_lines(&j, &common);
    }
    store_close(&j.store);
    json_decref(j.conversations);
    return code;
}

const cli_command cmd_unmask = {
    .name = "unmask",
    .target = "[STORE]",
    .optional_target = true,
    .arguments = "",
    .summary = "Replaces placeholders by their values, in each line of stdin.",
    .jsonl_help =
        "{\"text\":\"...<PHONE_1>...\", \"names\":{\"PHONE_1\":\"...\"}?, \"conversation\"?, \"customer\"?} -> "
        "{\"unmasked\":\"...\"}; without a STORE, pass the \"names\" that mask --names printed.",
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT,
    .execute = unmask_command};
