/* llmcs eval: what the network computes. */
#include <stdlib.h>

#include "commands.h"
#include "request.h"

typedef struct eval_job {
    llmcs_model *model;
    llmcs_session *session; /* decoders */
    llmcs_model_info info;
    float *hidden, *pooled, *logits, *starts; /* outputs of the last encoder evaluation; starts has the ends, too */
} eval_job;

static void add_matrix(cli_answer *a, const char *name, const float *values, size_t n_rows, size_t n_columns) {
    a->matrices[a->n_matrices++] = (cli_matrix){name, values, n_rows, n_columns};
}

static llmcs_status eval_decoder(const eval_job *j, const int32_t *ids, size_t n, cli_answer *answer) {
    const float *logits;
    size_t n_rows;
    llmcs_status status;
    if ((status = llmcs_session_rewind(j->session, 0)) ||
        (status = llmcs_session_eval(j->session, ids, n, LLMCS_LOGITS_ALL)) ||
        (status = llmcs_session_logits(j->session, &logits, &n_rows)))
        return status;
    add_matrix(answer, "logits", logits, n_rows, (size_t)j->info.vocab_size);
    return LLMCS_OK;
}

/* The encoder's output, and the logits of the decoder's tokens. */
static llmcs_status eval_seq2seq(eval_job *j, const int32_t *source, size_t n_source, const int32_t *ids, size_t n,
                                 cli_answer *answer) {
    const size_t n_embd = (size_t)j->info.n_embd;
    const float *logits;
    size_t n_rows;
    llmcs_status status;
    free(j->hidden);
    j->hidden = malloc((n_source * n_embd + 1) * sizeof *j->hidden);
    if (!j->hidden) return request_error(LLMCS_NOMEM, "no memory for the outputs");
    if ((status = llmcs_session_encode(j->session, source, n_source, j->hidden))) return status;
    add_matrix(answer, "encoder_hidden", j->hidden, n_source, n_embd);
    if (!n) return LLMCS_OK;
    if ((status = llmcs_session_eval(j->session, ids, n, LLMCS_LOGITS_ALL)) ||
        (status = llmcs_session_logits(j->session, &logits, &n_rows)))
        return status;
    add_matrix(answer, "logits", logits, n_rows, (size_t)j->info.vocab_size);
    return LLMCS_OK;
}

static void free_outputs(eval_job *j) {
    free(j->hidden);
    free(j->pooled);
    free(j->logits);
    free(j->starts);
    j->hidden = j->pooled = j->logits = j->starts = NULL;
}

/* The columns of logits [n, 2] as two rows of numbers. */
static llmcs_status add_starts_and_ends(eval_job *j, size_t n, cli_answer *answer) {
    j->starts = malloc((2 * n + 1) * sizeof *j->starts);
    if (!j->starts) return request_error(LLMCS_NOMEM, "no memory for the outputs");
    for (size_t i = 0; i < 2 * n; i++) j->starts[i % 2 * n + i / 2] = j->logits[i];
    answer_set(answer, "start_logits", json_floats(j->starts, n));
    answer_set(answer, "end_logits", json_floats(j->starts + n, n));
    return LLMCS_OK;
}

/* Rows and columns of the head's logits for n tokens. */
static size_t logit_rows(const llmcs_model_info *info, size_t n, size_t *width) {
    const bool of_tokens =
        info->heads & (LLMCS_HEAD_MASKED_LM | LLMCS_HEAD_TOKEN_CLASSIFICATION | LLMCS_HEAD_QUESTION_ANSWERING);
    *width = (size_t)info->n_labels;
    if (info->heads & LLMCS_HEAD_MASKED_LM) *width = (size_t)info->vocab_size;
    if (info->heads & LLMCS_HEAD_QUESTION_ANSWERING) *width = 2;
    return of_tokens ? n : info->heads & LLMCS_HEAD_CLASSIFICATION ? 1 : 0;
}

static llmcs_status eval_encoder(eval_job *j, const int32_t *ids, const int32_t *types, size_t n, cli_answer *answer) {
    const bool pools = j->info.heads & LLMCS_HEAD_POOLER;
    const size_t n_embd = (size_t)j->info.n_embd;
    size_t width;
    const size_t n_rows = logit_rows(&j->info, n, &width);
    free_outputs(j);
    j->hidden = malloc((n * n_embd + 1) * sizeof *j->hidden);
    j->pooled = malloc((n_embd + 1) * sizeof *j->pooled);
    j->logits = malloc((n_rows * width + 1) * sizeof *j->logits);
    if (!j->hidden || !j->pooled || !j->logits) return request_error(LLMCS_NOMEM, "no memory for the outputs");
    llmcs_encoder_outputs out = {sizeof out, j->hidden, pools ? j->pooled : NULL, n_rows ? j->logits : NULL};
    const llmcs_status status = llmcs_encoder_eval(j->model, ids, types, &n, 1, &out);
    if (status) return status;
    if (pools) answer_set(answer, "pooled", json_floats(j->pooled, n_embd));
    if (j->info.heads & LLMCS_HEAD_CLASSIFICATION) answer_set(answer, "logits", json_floats(j->logits, width));
    add_matrix(answer, "hidden", j->hidden, n, n_embd);
    if (j->info.heads & LLMCS_HEAD_QUESTION_ANSWERING) return add_starts_and_ends(j, n, answer);
    if (j->info.heads & (LLMCS_HEAD_MASKED_LM | LLMCS_HEAD_TOKEN_CLASSIFICATION))
        add_matrix(answer, "logits", j->logits, n, width);
    return LLMCS_OK;
}

static llmcs_status eval_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"input_ids", "token_type_ids", NULL};
    static const char *const seq2seq_keys[] = {"input_ids", "decoder_input_ids", NULL};
    eval_job *j = user;
    const bool seq2seq = j->info.heads & LLMCS_HEAD_SEQ2SEQ_LM;
    int32_t *ids = NULL, *types = NULL, *answer_ids = NULL;
    size_t n, n_types, n_answer = 0;
    llmcs_status status = request_check_keys(request, seq2seq ? seq2seq_keys : keys);
    if (!status) status = request_ids(request, "input_ids", true, &ids, &n);
    if (!status) status = request_ids(request, "token_type_ids", false, &types, &n_types);
    if (!status && types && n_types != n)
        status = request_error(LLMCS_ARG, "%zu token_type_ids for %zu input_ids", n_types, n);
    if (!status && seq2seq) status = request_ids(request, "decoder_input_ids", true, &answer_ids, &n_answer);
    if (!status && seq2seq)
        status = eval_seq2seq(j, ids, n, answer_ids, n_answer, answer);
    else if (!status)
        status = j->session ? eval_decoder(j, ids, n, answer) : eval_encoder(j, ids, types, n, answer);
    free(answer_ids);
    free(ids);
    free(types);
    return status;
}

/* Text is encoded and answered as one line of JSON. */
static int eval_text(eval_job *j, const char *text, size_t len) {
    const llmcs_tokenizer *tokenizer = cli_tokenizer(j->model);
    cli_encoding e;
    cli_answer answer;
    if (!tokenizer) return EXIT_FAILED;
    if (cli_encode(tokenizer, text, len, NULL, 0, LLMCS_ADD_SPECIAL_TOKENS, &e)) return cli_failed("tokenize");
    answer_init(&answer);
    const llmcs_status status = j->info.heads & LLMCS_HEAD_SEQ2SEQ_LM ? eval_seq2seq(j, e.ids, e.n, NULL, 0, &answer)
                                : j->session                          ? eval_decoder(j, e.ids, e.n, &answer)
                                             : eval_encoder(j, e.ids, e.type_ids, e.n, &answer);
    int code = EXIT_FAILED;
    if (status)
        cli_error("eval: %s", request_message());
    else if (answer_print(&answer, NULL))
        code = EXIT_DONE;
    answer_free(&answer);
    cli_encoding_free(&e);
    return code;
}

static int eval_all(eval_job *j, const cli_common *common) {
    j->info.struct_size = sizeof j->info;
    if (llmcs_model_get_info(j->model, &j->info)) return cli_failed("open");
    if ((j->info.heads & LLMCS_HEAD_CAUSAL_LM) && llmcs_session_create(j->model, NULL, &j->session))
        return cli_failed("open");
    if (common->jsonl) return cli_jsonl(common, eval_request, j);
    size_t len;
    char *text = cli_text(common, &len);
    const int code = text ? eval_text(j, text, len) : EXIT_FAILED;
    free(text);
    return code;
}

static int eval_command(int argc, char **argv) {
    cli_common common;
    eval_job j = {0};
    int code = cli_parse(&cmd_eval, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = eval_all(&j, &common);
    free_outputs(&j);
    llmcs_session_free(&j.session);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_eval = {
    .name = "eval",
    .arguments = "[text]",
    .summary = "What the network computes, as JSON: logits of a decoder, hidden states and heads of an encoder.",
    .jsonl_help =
        "{\"input_ids\":[...], \"token_type_ids\":[...]?} -> GPT-2: {\"logits\":[[...],...]}; BERT family: "
        "{\"hidden\":[[...],...], \"pooled\":[...], \"logits\":...} as the folder's heads give; question answering: "
        "\"start_logits\":[...], \"end_logits\":[...]. Encoder-decoders: {\"input_ids\":[...], "
        "\"decoder_input_ids\":[...]} -> {\"encoder_hidden\":[[...],...], \"logits\":[[...],...]}.",
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL | CLI_TAKES_KV,
    .max_texts = CLI_ANY_TEXTS,
    .execute = eval_command};
