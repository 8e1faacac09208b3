/* llmcs check: a one-page report on whether a folder works. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "report.h"
#include "watch.h"

#define TRIED_TEXT "Hello"

/* ---- one evaluation */

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static llmcs_status try_decoder(llmcs_model *model, const llmcs_model_info *info, bool text, char **said) {
    llmcs_session *session = NULL;
    llmcs_generate_params params;
    llmcs_result *result = NULL;
    const int32_t first = info->bos_token_id >= 0 ? info->bos_token_id : 0;
    llmcs_status status = llmcs_session_create(model, NULL, &session);
    if (!status) status = llmcs_generate_params_init(&params, NULL);
    params.max_new_tokens = 1;
    params.n_eos_token_id = 0;
    params.eos_token_id = &first; /* no end: exactly one token */
    if (!status)
        status = text ? llmcs_generate(session, TRIED_TEXT, LLMCS_NUL, &params, NULL, NULL, &result)
                      : llmcs_generate_ids(session, &first, 1, &params, NULL, NULL, &result);
    if (!status && asprintf(said, "generate: token %d \"%s\" after %s", result->sequences[0]->ids[0],
                            result->sequences[0]->text, text ? "\"" TRIED_TEXT "\"" : "the first token") < 0)
        *said = NULL;
    llmcs_result_free(&result);
    llmcs_session_free(&session);
    return status;
}

static llmcs_status try_texts(llmcs_model *model, const llmcs_model_info *info, char **said) {
    const llmcs_text text = {TRIED_TEXT, LLMCS_NUL, NULL, 0};
    const bool classifies = info->heads & LLMCS_HEAD_CLASSIFICATION;
    const size_t n = (size_t)(classifies ? info->n_labels : info->n_embedding);
    int32_t label = 0;
    float *values = calloc(n + 1, sizeof *values);
    if (!values) return request_error(LLMCS_NOMEM, "no memory for %zu values", n);
    const llmcs_status status = classifies ? llmcs_classify(model, &text, 1, NULL, values, &label, NULL)
                                           : llmcs_embed(model, &text, 1, NULL, values, NULL);
    int made = 0;
    if (!status && classifies)
        made = asprintf(said, "classify: \"" TRIED_TEXT "\" is %s, %.4f", llmcs_model_label(model, label),
                        (double)values[label]);
    else if (!status)
        made = asprintf(said, "embed: \"" TRIED_TEXT "\" is a vector of %zu, %.4f %.4f %.4f ...", n, (double)values[0],
                        (double)values[1], (double)values[2]);
    if (made < 0) *said = NULL;
    free(values);
    return status;
}

/* A model that finds spans, of one text or with it as question and context. */
static llmcs_status try_spans(llmcs_model *model, bool answers, char **said) {
    const llmcs_text text = {TRIED_TEXT, LLMCS_NUL, answers ? TRIED_TEXT : NULL, LLMCS_NUL};
    llmcs_span_result *found = NULL;
    const llmcs_status status = answers ? llmcs_answer_span(model, &text, 1, NULL, NULL, &found)
                                        : llmcs_tag(model, &text, 1, NULL, NULL, &found);
    int made = 0;
    if (!status && answers)
        made = asprintf(said, "span: \"" TRIED_TEXT "\" in \"" TRIED_TEXT "\", %.4f",
                        (double)found->texts[0]->spans[0]->score);
    else if (!status)
        made = asprintf(said, "tag: \"" TRIED_TEXT "\" has %zu labelled parts", found->texts[0]->n_spans);
    if (made < 0) *said = NULL;
    llmcs_span_result_free(&found);
    return status;
}

static llmcs_status try_encoder_ids(llmcs_model *model, const llmcs_model_info *info, char **said) {
    const int32_t id = 0;
    const size_t length = 1;
    float *hidden = calloc((size_t)info->n_embd, sizeof *hidden);
    llmcs_encoder_outputs out = {sizeof out, hidden, NULL, NULL};
    if (!hidden) return request_error(LLMCS_NOMEM, "no memory for the outputs");
    const llmcs_status status = llmcs_encoder_eval(model, &id, NULL, &length, 1, &out);
    if (!status && asprintf(said, "eval: hidden state of token 0, %.4f ...", (double)hidden[0]) < 0) *said = NULL;
    free(hidden);
    return status;
}

/* A model that opens may still compute NaN. */
static llmcs_status try_model(llmcs_model *model, char **said) {
    llmcs_model_info info = {.struct_size = sizeof info};
    const llmcs_status status = llmcs_model_get_info(model, &info);
    const bool text = llmcs_model_tokenizer(model);
    if (status) return status;
    if (info.heads & LLMCS_HEAD_CAUSAL_LM) return try_decoder(model, &info, text, said);
    if (!text) return try_encoder_ids(model, &info, said);
    if (info.heads & (LLMCS_HEAD_TOKEN_CLASSIFICATION | LLMCS_HEAD_QUESTION_ANSWERING))
        return try_spans(model, info.heads & LLMCS_HEAD_QUESTION_ANSWERING, said);
    return try_texts(model, &info, said);
}

/* ---- the report */

static const char *advice_for(llmcs_status status) {
    switch (status) {
        case LLMCS_IO:
            return "Check the path and its permissions. A folder from the Hugging Face hub needs git-lfs, or "
                   "huggingface-cli download.";
        case LLMCS_FORMAT:
        case LLMCS_JSON:
        case LLMCS_CONFIG:
        case LLMCS_TOKENIZER:
        case LLMCS_CHANGED:
            return "Get the file that is named once more (git lfs pull, huggingface-cli download). If it is as its "
                   "author made it, please report it.";
        case LLMCS_UNSUPPORTED:
            return "GPT-2, BERT, DistilBERT and RoBERTa checkpoints in safetensors or GGUF run here. Look for another "
                   "checkpoint, or convert this one as the message says.";
        case LLMCS_NOMEM:
        case LLMCS_LIMIT:
            return "Try --weights int8 or int4, or a machine with more memory.";
        case LLMCS_NUMERIC:
            return "The weights hold NaN or infinity: get the weights once more, or train again.";
        default:
            return "See the message above.";
    }
}

static void report_files(json_t *report, file_watch *w) {
    json_t *opened = json_array(), *others = json_array();
    watch_collect(w);
    for (size_t i = 0; i < w->n; i++) {
        const bool read = w->opened[i] || !strcmp(w->names[i], "prompt_template.json"); /* generate and chat read it */
        json_array_append_new(read ? opened : others, json_text(w->names[i], strlen(w->names[i])));
    }
    json_object_set_new(report, "files_read", opened);
    json_object_set_new(report, "files_not_read", others);
}

static void report_tasks(json_t *report, const llmcs_model *model) {
    static const struct {
        uint32_t head;
        const char *tasks;
    } all[] = {{LLMCS_HEAD_CAUSAL_LM, "generate chat score"}, {LLMCS_HEAD_CLASSIFICATION, "classify rerank"},
               {LLMCS_HEAD_TOKEN_CLASSIFICATION, "tag"},      {LLMCS_HEAD_QUESTION_ANSWERING, "span"},
               {LLMCS_HEAD_MASKED_LM, "fill-mask"},           {LLMCS_HEAD_EMBEDDING, "embed"}};
    llmcs_model_info info = {.struct_size = sizeof info};
    json_t *can = json_array();
    if (!llmcs_model_get_info(model, &info))
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            for (const char *task = all[i].tasks; info.heads & all[i].head && *task;) {
                const size_t n = strcspn(task, " ");
                json_array_append_new(can, json_stringn(task, n));
                task += n + (task[n] == ' ');
            }
    json_object_set_new(report, "tasks", can);
}

static void report_error(json_t *report, llmcs_status status, const char *message) {
    json_object_set_new(report, "error",
                        json_pack("{sssoss}", "status", llmcs_status_name(status), "message",
                                  json_text(message, strlen(message)), "advice", advice_for(status)));
}

/* Fills the report; true if the folder works. */
static bool check_folder(const cli_common *common, json_t *report) {
    llmcs_model *model = NULL;
    cli_log log = {0};
    file_watch watch;
    char *said = NULL;
    watch_start(&watch, common->folder);
    llmcs_status status = cli_open(common, &log, &model);
    const char *message = status ? llmcs_error_message() : NULL;
    json_object_set_new(report, "opens", json_boolean(!status));
    if (status) report_error(report, status, message);
    report_files(report, &watch);
    watch_stop(&watch);
    json_object_set_new(report, "settings", report_settings(common->folder));
    json_object_set_new(report, "not_applied", report_log(&log, LLMCS_LOG_WARN));
    json_object_set_new(report, "notes", report_log(&log, LLMCS_LOG_INFO));
    if (status) {
        cli_log_free(&log);
        return false;
    }
    report_model(report, model);
    report_memory(report, common);
    report_tasks(report, model);
    json_object_set_new(report, "generation", report_generation(model));
    const double start = now_ms();
    status = try_model(model, &said);
    json_object_set_new(report, "tried_ms", json_real(now_ms() - start));
    if (status) report_error(report, status, request_message());
    if (said) json_object_set_new(report, "tried", json_text(said, strlen(said)));
    free(said);
    llmcs_model_free(&model);
    cli_log_free(&log);
    return !status;
}

/* ---- the page */

static void print_text_line(const char *title, const char *text) {
    printf("%-*s", REPORT_COLUMN, title);
    cli_print_escaped(stdout, text, strlen(text), true);
    putchar('\n');
}

static void print_wrapped_line(const char *title, const char *text) {
    printf("%-*s", REPORT_COLUMN, title);
    cli_print_wrapped(stdout, REPORT_COLUMN, REPORT_COLUMN, text);
}

static void print_names(const char *title, const json_t *list, const char *empty) {
    char *names = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&names, &len);
    if (!to) return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        if (i) fputs(", ", to);
        cli_print_escaped(to, json_string_value(name), json_string_length(name), true);
    }
    if (!json_array_size(list)) fputs(empty, to);
    fclose(to);
    print_wrapped_line(title, names);
    free(names);
}

static double million(const json_t *r, const char *key) {
    return (double)json_integer_value(json_object_get(r, key)) / 1e6;
}

static const char *text_of(const json_t *r, const char *key) {
    const char *text = json_string_value(json_object_get(r, key));
    return text ? text : "";
}

static void print_model(const json_t *r) {
    char line[512];
    const json_t *tokens = json_object_get(r, "tokenizer_tokens"), *labels = json_object_get(r, "labels");
    snprintf(line, sizeof line, "%s (%s): %.1f million parameters as %s, at most %lld tokens", text_of(r, "model_type"),
             text_of(r, "architecture"), million(r, "n_parameters"), text_of(r, "weights"),
             (long long)json_integer_value(json_object_get(r, "n_ctx")));
    print_text_line("model", line);
    print_names("tasks", json_object_get(r, "tasks"), "none");
    if (json_array_size(labels)) print_names("labels", labels, "");
    if (json_is_null(tokens))
        print_text_line("tokenizer", "none: token ids only");
    else
        printf("%-*s%lld tokens\n", REPORT_COLUMN, "tokenizer", (long long)json_integer_value(tokens));
}

static void print_page(const json_t *r, const char *folder, bool works) {
    const json_t *error = json_object_get(r, "error"), *generation = json_object_get(r, "generation");
    const bool opens = json_is_true(json_object_get(r, "opens"));
    const size_t n = json_array_size(json_object_get(r, "not_applied"));
    cli_print_escaped(stdout, folder, strlen(folder), true);
    if (works && n)
        printf(": works, %zu setting%s of the folder not applied\n\n", n, n == 1 ? "" : "s");
    else
        puts(works ? ": works\n" : opens ? ": opens, but does not work\n" : ": does not open\n");
    if (error) {
        print_wrapped_line("why", text_of(error, "message"));
        print_wrapped_line("what to do", text_of(error, "advice"));
    }
    if (opens) print_model(r);
    print_names("read", json_object_get(r, "files_read"), "nothing");
    print_names("not read", json_object_get(r, "files_not_read"), "nothing");
    report_print_settings("settings", json_object_get(r, "settings"), "nothing");
    if (!opens) return;
    report_print_list("not applied", json_object_get(r, "not_applied"), "nothing: all of it holds");
    report_print_list("notes", json_object_get(r, "notes"), NULL);
    if (json_object_size(generation)) {
        json_t *defaults = json_pack("{sO}", "generate", generation);
        report_print_settings("defaults", defaults, "");
        json_decref(defaults);
    }
    printf("%-*smodel %.1f MB (%.1f MB while it opens)", REPORT_COLUMN, "memory", million(r, "model_bytes"),
           million(r, "peak_bytes"));
    if (million(r, "session_bytes") > 0) printf(", one session %.1f MB", million(r, "session_bytes"));
    putchar('\n');
    if (!works) return;
    char *tried = NULL;
    if (asprintf(&tried, "%s (%.1f ms)", text_of(r, "tried"), json_real_value(json_object_get(r, "tried_ms"))) < 0)
        return;
    print_text_line("tried", tried);
    free(tried);
}

static int check_command(int argc, char **argv) {
    cli_common common;
    int code = cli_parse(&cmd_check, argc, argv, &common, NULL);
    if (code >= 0) return code;
    json_t *report = json_object();
    if (!report) return cli_error("no memory for the report");
    const bool works = check_folder(&common, report);
    json_object_set_new(report, "works", json_boolean(works));
    if (!common.jsonl)
        print_page(report, common.folder, works);
    else if (json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) || putchar('\n') == EOF)
        cli_error("stdout could not be written");
    json_decref(report);
    return works ? EXIT_DONE : EXIT_FAILED;
}

const cli_command cmd_check = {
    .name = "check",
    .arguments = "",
    .summary = "Whether a folder will work: its tasks, files, memory, and the settings that are not applied.",
    .notes =
        "Ends with 1 if the folder does not open or a first evaluation fails. With --jsonl: one line of JSON; "
        "nothing is read from stdin.",
    .takes = CLI_TAKES_JSONL | CLI_TAKES_MODEL | CLI_TAKES_KV,
    .max_texts = 0,
    .execute = check_command};
