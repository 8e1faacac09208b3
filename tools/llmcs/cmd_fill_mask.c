/* llmcs fill-mask: the most probable tokens for a mask. */
#include <stdlib.h>

#include "commands.h"
#include "request.h"

typedef struct fill_job {
    llmcs_model *model;
    int32_t top_k;
} fill_job;

static const cli_option options[] = {
    CLI_BOUNDED("top_k", offsetof(fill_job, top_k), "tokens for each mask [5]", 1, INT32_MAX),
};

/* Allocated; top_k tokens for each mask. */
static llmcs_status fill(const fill_job *j, const char *text, size_t len, size_t top_k, llmcs_mask_token **tokens,
                         size_t *n) {
    *tokens = NULL;
    llmcs_status status = llmcs_fill_mask(j->model, text, len, top_k, NULL, 0, n);
    if (status) return status;
    *tokens = malloc((*n + 1) * sizeof **tokens);
    if (!*tokens) return request_error(LLMCS_NOMEM, "no memory for %zu tokens", *n);
    status = llmcs_fill_mask(j->model, text, len, top_k, *tokens, *n, n);
    if (status) free(*tokens);
    return status;
}

static json_t *json_tokens(const llmcs_tokenizer *tokenizer, const llmcs_mask_token *t, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        size_t bytes;
        const char *token = llmcs_id_to_token(tokenizer, t[i].id, &bytes);
        json_array_append_new(list, json_pack("{sosiso}", "token", json_text(token ? token : "", bytes), "id", t[i].id,
                                              "probability", json_float((double)t[i].probability)));
    }
    if (json_array_size(list) == n) return list;
    json_decref(list);
    return NULL;
}

static llmcs_status fill_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", "top_k", NULL};
    const fill_job *j = user;
    const char *text;
    size_t len, n, first = 0;
    int32_t top_k = j->top_k;
    llmcs_mask_token *tokens;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)) ||
        (status = request_int(request, "top_k", 1, INT32_MAX, &top_k)) ||
        (status = fill(j, text, len, (size_t)top_k, &tokens, &n)))
        return status;
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(j->model);
    while (first < n && tokens[first].position == tokens[0].position) first++; /* tokens of the first mask */
    answer_set(answer, "tokens", json_tokens(tokenizer, tokens, first));
    if (first < n) {
        json_t *masks = json_array();
        for (size_t i = 0; i < n; i += first)
            if (json_array_append_new(masks, json_tokens(tokenizer, tokens + i, first))) answer->failed = true;
        answer_set(answer, "masks", masks);
    }
    free(tokens);
    return LLMCS_OK;
}

static int fill_text(void *user, const char *text, size_t len) {
    const fill_job *j = user;
    llmcs_mask_token *tokens;
    size_t n;
    if (fill(j, text, len, (size_t)j->top_k, &tokens, &n)) return cli_error("fill-mask: %s", request_message());
    for (size_t i = 0; i < n; i++) {
        size_t bytes;
        const char *token = llmcs_id_to_token(llmcs_model_tokenizer(j->model), tokens[i].id, &bytes);
        if (i && tokens[i].position != tokens[i - 1].position) putchar('\n');
        printf("%.4f  ", (double)tokens[i].probability);
        cli_print_escaped(stdout, token ? token : "", bytes, true);
        putchar('\n');
    }
    fflush(stdout);
    free(tokens);
    return EXIT_DONE;
}

static int fill_command(int argc, char **argv) {
    cli_common common;
    fill_job j = {.top_k = 5};
    int code = cli_parse(&cmd_fill_mask, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = common.jsonl ? cli_jsonl(&common, fill_request, &j) : cli_each_text(&common, fill_text, &j);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_fill_mask = {
    .name = "fill-mask",
    .arguments = "[text ...]",
    .summary = "The most probable tokens for the mask in a text (\"[MASK]\", \"<mask>\").",
    .notes = CLI_LINES_HELP,
    .jsonl_help =
        "{\"text\":\"...[MASK]...\", \"top_k\":5} -> "
        "{\"tokens\":[{\"token\":\"...\", \"id\":n, \"probability\":p},...]}; with several masks also \"masks\": "
        "such a list for each.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .max_texts = CLI_ANY_TEXTS,
    .execute = fill_command};
