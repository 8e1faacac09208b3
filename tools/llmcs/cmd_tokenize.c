/* llmcs tokenize: text to token ids. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"

typedef struct tokenize_job {
    const llmcs_tokenizer *tokenizer;
    bool no_special, parse_special, ids_only;
} tokenize_job;

static const cli_option options[] = {
    CLI_PLAIN("no_special_tokens", CLI_FLAG, offsetof(tokenize_job, no_special), "do not add [CLS], [SEP], <s>, ..."),
    CLI_PLAIN("parse_special", CLI_FLAG, offsetof(tokenize_job, parse_special),
              "special tokens written in the text become those tokens; never for text of users"),
    CLI_PLAIN("ids", CLI_FLAG, offsetof(tokenize_job, ids_only), "print ids on one line instead of a table"),
};

static uint32_t flags_of(bool add, bool parse) {
    return (add ? LLMCS_ADD_SPECIAL_TOKENS : 0) | (parse ? LLMCS_PARSE_SPECIAL : 0);
}

static json_t *json_spans(const llmcs_span *spans, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("[II]", (json_int_t)spans[i].begin, (json_int_t)spans[i].end));
    if (json_array_size(list) == n) return list;
    json_decref(list);
    return NULL;
}

static llmcs_status tokenize_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", "pair", "add_special_tokens", "parse_special", NULL};
    const tokenize_job *j = user;
    const char *text, *pair;
    size_t len, pair_len;
    bool add, parse;
    cli_encoding e;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) || (status = request_text(request, "text", true, &text, &len)) ||
        (status = request_text(request, "pair", false, &pair, &pair_len)) ||
        (status = request_bool(request, "add_special_tokens", !j->no_special, &add)) ||
        (status = request_bool(request, "parse_special", j->parse_special, &parse)) ||
        (status = cli_encode(j->tokenizer, text, len, pair, pair_len, flags_of(add, parse), &e)))
        return status;
    answer_set(answer, "ids", json_ids(e.ids, e.n));
    answer_set(answer, "offsets", json_spans(e.offsets, e.n));
    if (pair) answer_set(answer, "token_type_ids", json_ids(e.type_ids, e.n));
    cli_encoding_free(&e);
    return LLMCS_OK;
}

/* What a token says, "退货", and where that is not how the vocabulary writes it, that: éĢĢè´§. A token that is a part
 * of a character has its bytes in the vocabulary's way only. */
static void print_token(const tokenize_job *j, int32_t id) {
    char text[256];
    size_t n = 0, bytes;
    const char *token = llmcs_id_to_token(j->tokenizer, id, &bytes);
    const bool decoded =
        !llmcs_decode(j->tokenizer, &id, 1, 0, text, sizeof text, &n) && n && !memmem(text, n, "\xEF\xBF\xBD", 3);
    if (decoded) {
        putchar('"');
        cli_print_escaped(stdout, text, n, true);
        putchar('"');
    }
    if (token && (!decoded || bytes != n || memcmp(token, text, n) != 0)) {
        if (decoded) fputs("  ", stdout);
        cli_print_escaped(stdout, token, bytes, true);
    }
    putchar('\n');
}

static int tokenize_text(const tokenize_job *j, const char *text, size_t len) {
    cli_encoding e;
    const uint32_t flags = flags_of(!j->no_special, j->parse_special);
    if (cli_encode(j->tokenizer, text, len, NULL, 0, flags, &e)) return cli_error("tokenize: %s", request_message());
    for (size_t i = 0; i < e.n; i++) {
        if (j->ids_only) {
            printf(i ? " %d" : "%d", e.ids[i]);
        } else {
            printf("%8d  %6zu..%-6zu  ", e.ids[i], e.offsets[i].begin, e.offsets[i].end);
            print_token(j, e.ids[i]);
        }
    }
    if (j->ids_only) putchar('\n');
    cli_encoding_free(&e);
    return EXIT_DONE;
}

static int tokenize_command(int argc, char **argv) {
    cli_common common;
    tokenize_job j = {0};
    llmcs_tokenizer *tokenizer = NULL;
    int code = cli_parse(&cmd_tokenize, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (common.jsonl && j.ids_only) return cli_usage_error(&cmd_tokenize, "--ids and --jsonl contradict each other");
    if (llmcs_tokenizer_open(common.folder, NULL, &tokenizer)) return cli_failed("open");
    j.tokenizer = tokenizer;
    if (common.jsonl) {
        code = cli_jsonl(&common, tokenize_request, &j);
    } else {
        size_t len;
        char *text = cli_text(&common, &len);
        code = text ? tokenize_text(&j, text, len) : EXIT_FAILED;
        free(text);
    }
    llmcs_tokenizer_free(&tokenizer);
    return code;
}

const cli_command cmd_tokenize = {
    .name = "tokenize",
    .arguments = "[text]",
    .summary = "Text to token ids, with the bytes each token came from. It needs only the tokenizer's files.",
    .jsonl_help =
        "{\"text\":\"...\", \"pair\":\"...\"?, \"add_special_tokens\":true, \"parse_special\":false} -> "
        "{\"ids\":[...], \"offsets\":[[begin,end],...]}",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT,
    .max_texts = CLI_ANY_TEXTS,
    .execute = tokenize_command};
