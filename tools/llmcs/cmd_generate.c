/* llmcs generate: continues a prompt. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "conversation.h"
#include "generate_many.h"

typedef struct printer {
    bool skip_spaces; /* a template leaves a space before the answer: not worth printing */
} printer;

static int print_chunk(void *user, const char *text, size_t len) {
    printer *p = user;
    while (p->skip_spaces && len && *text == ' ') text++, len--;
    if (len) p->skip_spaces = false;
    cli_print_generated(text, len);
    return fflush(stdout);
}

static void print_sequence(const llmcs_result *result, size_t i, bool skip_spaces) {
    printer p = {skip_spaces};
    if (result->n_sequences > 1) printf("[%zu] ", i + 1);
    print_chunk(&p, result->sequences[i]->text, result->sequences[i]->text_bytes);
}

static void print_logprobs(const llmcs_sequence *s) {
    json_t *list = json_floats(s->logprobs, s->n_ids);
    if (list) json_dumpf(list, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(list);
    putchar('\n');
}

static int print_text(llmcs_session *session, const gen_params *g, const char *prompt, size_t len, bool templated) {
    llmcs_result *result = NULL;
    printer p = {templated};
    const bool stream = g->params.num_beams == 1 && g->params.num_return_sequences == 1;
    if (llmcs_generate(session, prompt, len, &g->params, stream ? print_chunk : NULL, &p, &result))
        return cli_failed("generate");
    for (size_t i = 0; i < result->n_sequences; i++) {
        if (!stream) print_sequence(result, i, templated);
        putchar('\n');
        if (g->params.logprobs && result->sequences[i]->logprobs) print_logprobs(result->sequences[i]);
    }
    fflush(stdout);
    if (g->params.prompt_lookup_num_tokens)
        fprintf(stderr, "llmcs: prompt lookup: %zu of %zu draft tokens were accepted, %zu tokens in all\n",
                result->n_accepted_tokens, result->n_draft_tokens, result->n_new_tokens);
    llmcs_result_free(&result);
    return EXIT_DONE;
}

/* Allocated: the text in its template. */
static char *wrap_text(const prompt_template *t, const char *system, const char *text, size_t *len) {
    conversation c = {.template = t};
    char *prompt = NULL;
    llmcs_status status = LLMCS_OK;
    if (system) status = conversation_set_system(&c, system, strlen(system));
    if (!status) status = conversation_prompt(&c, 0, text, *len, &prompt, len);
    if (status) cli_error("%s", request_message());
    conversation_free(&c);
    return prompt;
}

static int generate_one(llmcs_model *model, gen_params *g, const cli_common *common, const prompt_template *t) {
    llmcs_session *session = NULL;
    size_t len;
    llmcs_session_options options;
    llmcs_session_options_init(&options);
    options.n_ctx = g->n_ctx;
    if (llmcs_session_create(model, &options, &session)) return cli_failed("open");
    char *text = cli_text(common, &len), *prompt = text;
    bool ready = text;
    if (text && t) {
        prompt = wrap_text(t, g->system, text, &len);
        free(text);
        ready = prompt && gen_add_stop_strings(g, t);
        if (prompt && !ready) cli_error("no memory for the stop strings");
    }
    const int code = ready ? print_text(session, g, prompt, len, t) : EXIT_FAILED;
    free(prompt);
    llmcs_session_free(&session);
    return code;
}

static int generate_with_template(llmcs_model *model, gen_params *g, const cli_common *common) {
    prompt_template t;
    const int found = template_find(&t, common->folder, g->template, NULL);
    if (found < 0) return EXIT_FAILED;
    if (g->system && (!found || (common->jsonl && !g->template))) {
        template_free(&t);
        return cli_usage_error(&cmd_generate, "--system needs a prompt template%s",
                               common->jsonl ? ": give --template, too" : "");
    }
    const many_options how = {.template = found ? &t : NULL, .wrap_prompts = found && g->template};
    const int code =
        common->jsonl ? generate_many(common, model, g, &how) : generate_one(model, g, common, found ? &t : NULL);
    template_free(&t);
    return code;
}

static int generate_command(int argc, char **argv) {
    cli_common common;
    gen_params g = {0};
    llmcs_model *model = NULL;
    int code = cli_parse(&cmd_generate, argc, argv, &common, &g);
    if (code < 0) code = gen_check_options(&cmd_generate, &common, &g);
    if (code < 0 && !common.jsonl && (cli_was_given(&common, "max_batch") || cli_was_given(&common, "kv_bytes")))
        code = cli_usage_error(&cmd_generate, "--max-batch and --kv-bytes need --jsonl");
    if (code >= 0) return code;
    if (cli_open(&common, NULL, &model)) return cli_failed("open");
    code = gen_read_options(&cmd_generate, &common, model, &g);
    if (code == EXIT_DONE) code = generate_with_template(model, &g, &common);
    gen_free(&g);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_generate = {
    .name = "generate",
    .arguments = "[prompt]",
    .summary = "Continues a prompt and prints the text as it is generated. Defaults are those of the folder.",
    .notes = TEMPLATE_HELP,
    .jsonl_help =
        "{\"prompt\":\"...\"}, {\"input_ids\":[...]} or {\"messages\":[{\"role\":\"user\", \"content\":\"...\"}]}, and "
        "any parameter above by its name with underscores -> {\"sequences\":[[ids]], \"texts\":[\"...\"],"
        "\"finish_reasons\":[\"...\"]}. Of an encoder-decoder it is the source; the ids are those after the decoder's "
        "start.\n"
        "Lists: eos_token_id, suppress_tokens, begin_suppress_tokens, forced_bos_token_id and forced_eos_token_id as "
        "an id or "
        "a list, bad_words_ids as lists of ids, sequence_bias as [[[ids], x], ...], negative_prompt_ids, "
        "decoder_input_ids, "
        "exponential_decay_length_penalty as [start, factor], stop_strings as a string or a list, "
        "logit_bias as {\"id\":x} with \"-inf\" to forbid a token. seed may be a string of digits. max_tokens and stop "
        "are other names of max_new_tokens and stop_strings.\n"
        "from and to: languages of a translation. json_schema (an object), regex (a string) or choices (a list of "
        "strings) say what the answer must be.\n"
        "A prompt is taken as it is unless --template is given; messages (system, user, assistant, ..., user) always "
        "go "
        "through the template. parse_special is accepted only with --parse-special.\n"
        "Many lines are evaluated together and answered in order, each as it would be alone; deadline_ms counts from "
        "when a line is read.",
    .options = gen_options,
    .n_options = GEN_GENERATE,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL | CLI_TAKES_KV,
    .max_texts = CLI_ANY_TEXTS,
    .execute = generate_command};
