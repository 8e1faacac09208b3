/* llmcs span: the part of a text that answers a question. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"

typedef struct span_job {
    llmcs_model *model;
    int32_t max_seq_len, doc_stride, max_answer_len, top_k, align_to_words;
    bool impossible;
    llmcs_answer_params params;
} span_job;

static const char *const yes_no_names[] = {"no", "yes", NULL};
static const cli_option options[] = {
    CLI_BOUNDED("top_k", offsetof(span_job, top_k), "answers to each question [1]", 1, INT32_MAX),
    CLI_PLAIN("handle_impossible_answer", CLI_FLAG, offsetof(span_job, impossible),
              "\"no answer\" is one of the candidates"),
    CLI_BOUNDED("max_answer_len", offsetof(span_job, max_answer_len), "most tokens of an answer [15]", 1, INT32_MAX),
    CLI_BOUNDED("max_seq_len", offsetof(span_job, max_seq_len), "most tokens of a window [384, or the model's]", 0,
                INT32_MAX),
    CLI_BOUNDED("doc_stride", offsetof(span_job, doc_stride),
                "context tokens that windows share [128, or half a window]", 0, INT32_MAX),
    CLI_CHOICE("align_to_words", offsetof(span_job, align_to_words), "answers are whole words [yes]", yes_no_names),
};

static json_t *json_answer(const llmcs_text_span *s, const char *context) {
    return json_pack("{sososIsI}", "answer", json_text(context + s->begin, s->end - s->begin), "score",
                     json_float((double)s->score), "begin", (json_int_t)s->begin, "end", (json_int_t)s->end);
}

/* The best answer's members, and with several the list of all. */
static void add_answers(cli_answer *answer, const llmcs_text_spans *found, const char *context, bool several) {
    json_t *best = json_answer(found->spans[0], context), *list = several ? json_array() : NULL;
    if (!best || json_object_update(answer->json, best)) answer->failed = true;
    json_decref(best);
    for (size_t i = 0; several && i < found->n_spans; i++)
        if (json_array_append_new(list, json_answer(found->spans[i], context))) answer->failed = true;
    if (several) answer_set(answer, "answers", list);
}

static llmcs_status span_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"question", "context", "top_k", "handle_impossible_answer", NULL};
    const span_job *j = user;
    llmcs_text question = {0};
    llmcs_answer_params params = j->params;
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_span_result *found = NULL;
    bool impossible = j->impossible;
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) ||
        (status = request_text(request, "question", true, &question.text, &question.text_bytes)) ||
        (status = request_text(request, "context", true, &question.pair, &question.pair_bytes)) ||
        (status = request_int(request, "top_k", 1, INT32_MAX, &params.top_k)) ||
        (status = request_bool(request, "handle_impossible_answer", impossible, &impossible)))
        return status;
    params.handle_impossible_answer = impossible;
    if ((status = llmcs_answer_span(j->model, &question, 1, &params, &info, &found))) return status;
    add_answers(answer, found->texts[0], question.pair, params.top_k > 1);
    answer_add_text_info(answer, &info);
    llmcs_span_result_free(&found);
    return LLMCS_OK;
}

static int print_answers(const span_job *j, const llmcs_text *question) {
    llmcs_span_result *found = NULL;
    if (llmcs_answer_span(j->model, question, 1, &j->params, NULL, &found)) return cli_failed("span");
    for (size_t i = 0; i < found->texts[0]->n_spans; i++) {
        const llmcs_text_span *s = found->texts[0]->spans[i];
        printf("%.4f  ", (double)s->score);
        if (s->begin < s->end)
            cli_print_escaped(stdout, question->pair + s->begin, s->end - s->begin, true);
        else
            fputs("(no answer)", stdout);
        putchar('\n');
    }
    llmcs_span_result_free(&found);
    return EXIT_DONE;
}

/* The question is the first argument, the context the second one or stdin. */
static int answer_question(const span_job *j, const cli_common *common) {
    llmcs_text question = {common->texts[0], strlen(common->texts[0]), NULL, 0};
    cli_common rest = *common;
    rest.texts++;
    rest.n_texts--;
    if (!cli_check_utf8(common, question.text, question.text_bytes, 0)) return EXIT_FAILED;
    char *context = cli_text(&rest, &question.pair_bytes);
    if (!context) return EXIT_FAILED;
    question.pair = context;
    const int code = print_answers(j, &question);
    free(context);
    return code;
}

static int span_all(span_job *j, const cli_common *common) {
    llmcs_model_info info;
    const int code = cli_need_head(common, j->model, LLMCS_HEAD_QUESTION_ANSWERING, "question-answering", &info);
    if (code != EXIT_DONE) return code;
    return common->jsonl ? cli_jsonl(common, span_request, j) : answer_question(j, common);
}

static int span_command(int argc, char **argv) {
    cli_common common;
    span_job j = {.doc_stride = -1, .max_answer_len = 15, .top_k = 1, .align_to_words = 1};
    int code = cli_parse(&cmd_span, argc, argv, &common, &j);
    if (code >= 0) return code;
    llmcs_answer_params_init(&j.params);
    j.params.max_seq_len = (size_t)j.max_seq_len;
    j.params.doc_stride = j.doc_stride;
    j.params.max_answer_len = j.max_answer_len;
    j.params.top_k = j.top_k;
    j.params.align_to_words = j.align_to_words;
    j.params.handle_impossible_answer = j.impossible;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = span_all(&j, &common);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_span = {
    .name = "span",
    .arguments = "question [context ...]",
    .summary = "The part of a text that answers a question; the text is the context given, or stdin.",
    .jsonl_help =
        "{\"question\":\"...\", \"context\":\"...\", \"top_k\":1?, \"handle_impossible_answer\":false?} -> "
        "{\"answer\":\"...\", \"score\":p, \"begin\":n, \"end\":n, \"tokens\":n, \"truncated\":false, \"windows\":1}; "
        "with top_k above 1 also \"answers\": such objects, best first. begin and end count bytes of UTF-8; \"\" is no "
        "answer.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .min_texts = 1,
    .max_texts = CLI_ANY_TEXTS,
    .execute = span_command};
