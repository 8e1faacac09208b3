/* llmcs score: how probable continuations are. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"

typedef struct score_job {
    llmcs_session *session;
} score_job;

static llmcs_status score_ids(const score_job *j, const json_t *request, llmcs_score_result *result) {
    int32_t *prompt = NULL, *continuation = NULL;
    size_t n, m;
    llmcs_status status = request_ids(request, "prompt", true, &prompt, &n);
    if (!status) status = request_ids(request, "continuation", true, &continuation, &m);
    if (!status) status = llmcs_score_ids(j->session, prompt, n, continuation, m, result);
    free(prompt);
    free(continuation);
    return status;
}

static llmcs_status score_texts(const score_job *j, const json_t *request, llmcs_score_result *result) {
    const char *prompt, *continuation;
    size_t n, m;
    llmcs_status status = request_text(request, "prompt", true, &prompt, &n);
    if (!status) status = request_text(request, "continuation", true, &continuation, &m);
    if (!status) status = llmcs_score(j->session, prompt, n, continuation, m, result);
    return status;
}

static llmcs_status score_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"prompt", "continuation", NULL};
    const score_job *j = user;
    llmcs_score_result result;
    llmcs_status status = request_check_keys(request, keys);
    if (!status)
        status = json_is_array(json_object_get(request, "continuation")) ? score_ids(j, request, &result)
                                                                         : score_texts(j, request, &result);
    if (status) return status;
    answer->digits = 17; /* a double */
    answer_set(answer, "logprob", json_float(result.logprob));
    answer_set(answer, "tokens", json_integer((json_int_t)result.n_tokens));
    return LLMCS_OK;
}

static int print_scores(const score_job *j, const cli_common *common) {
    const size_t n = (size_t)common->n_texts - 1;
    size_t best;
    for (int i = 0; i < common->n_texts; i++)
        if (!cli_check_utf8(common, common->texts[i], strlen(common->texts[i]), 0)) return EXIT_FAILED;
    llmcs_score_result *results = malloc(n * sizeof *results);
    if (!results) return cli_error("no memory for %zu results", n);
    const llmcs_status status = llmcs_choose(j->session, common->texts[0], LLMCS_NUL,
                                             (const char *const *)(common->texts + 1), n, 0, results, &best);
    for (size_t i = 0; !status && i < n; i++)
        printf("%c %12.6f  %4zu tokens  %s\n", i == best ? '*' : ' ', results[i].logprob, results[i].n_tokens,
               common->texts[i + 1]);
    free(results);
    return status ? cli_failed("score") : EXIT_DONE;
}

static int score_command(int argc, char **argv) {
    cli_common common;
    score_job j = {0};
    llmcs_model *model = NULL;
    int code = cli_parse(&cmd_score, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (cli_open(&common, NULL, &model)) return cli_failed("open");
    if (llmcs_session_create(model, NULL, &j.session))
        code = cli_failed("open");
    else
        code = common.jsonl ? cli_jsonl(&common, score_request, &j) : print_scores(&j, &common);
    llmcs_session_free(&j.session);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_score = {.name = "score",
                               .arguments = "PROMPT CONTINUATION ...",
                               .summary = "Log-probability of each continuation after the prompt; * marks the best.",
                               .jsonl_help =
                                   "{\"prompt\":\"...\", \"continuation\":\"...\"}, or both as lists of ids -> "
                                   "{\"logprob\":x, \"tokens\":n}; logprob is null where the probability is 0.",
                               .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL | CLI_TAKES_KV,
                               .min_texts = 2,
                               .max_texts = CLI_ANY_TEXTS,
                               .execute = score_command};
