#include <stdlib.h>
#include <string.h>

#include "generate_many.h"

answer_parts answer_parts_of(const llmcs_generate_params *p) {
    return (answer_parts){p->num_beams > 1, p->logprobs != 0, p->prompt_lookup_num_tokens > 0};
}

void out_answer(const llmcs_result *r, const answer_parts *parts) {
    fputs("{\"sequences\":[", stdout);
    for (size_t i = 0; i < r->n_sequences; i++) {
        if (i) putchar(',');
        out_ids(r->sequences[i]->ids, r->sequences[i]->n_ids);
    }
    fputs("],\"texts\":[", stdout);
    for (size_t i = 0; i < r->n_sequences; i++) {
        if (i) putchar(',');
        out_string(r->sequences[i]->text, r->sequences[i]->text_bytes);
    }
    fputs("],\"finish_reasons\":[", stdout);
    for (size_t i = 0; i < r->n_sequences; i++)
        printf(i ? ",\"%s\"" : "\"%s\"", llmcs_finish_reason_name(r->sequences[i]->finish_reason));
    putchar(']');
    if (parts->scores) {
        fputs(",\"sequences_scores\":[", stdout);
        for (size_t i = 0; i < r->n_sequences; i++) {
            if (i) putchar(',');
            out_float((double)r->sequences[i]->score);
        }
        putchar(']');
    }
    if (parts->logprobs) {
        fputs(",\"logprobs\":[", stdout);
        for (size_t i = 0; i < r->n_sequences; i++) {
            if (i) putchar(',');
            out_floats(r->sequences[i]->logprobs, r->sequences[i]->logprobs ? r->sequences[i]->n_ids : 0);
        }
        putchar(']');
    }
    if (parts->lookup)
        printf(",\"n_draft_tokens\":%zu,\"n_accepted_tokens\":%zu", r->n_draft_tokens, r->n_accepted_tokens);
    putchar('}');
}

/* ---- one prompt */

static int print_piece(void *user, const char *text, size_t len) {
    (void)user;
    fwrite(text, 1, len, stdout);
    return fflush(stdout);
}

static int print_text(llmcs_session *session, const gen_params *g, const char *prompt, size_t len) {
    llmcs_result *result = NULL;
    bool stream = g->params.num_beams == 1 && g->params.num_return_sequences == 1;
    if (llmcs_generate(session, prompt, len, &g->params, stream ? print_piece : NULL, NULL, &result))
        return cli_failed("generate");
    for (size_t i = 0; i < result->n_sequences; i++) {
        const llmcs_sequence *s = result->sequences[i];
        if (!stream && result->n_sequences > 1) printf("[%zu] ", i + 1);
        if (!stream) fwrite(s->text, 1, s->text_bytes, stdout);
        putchar('\n');
        if (g->params.logprobs && s->logprobs) {
            out_floats(s->logprobs, s->n_ids);
            putchar('\n');
        }
    }
    if (g->params.prompt_lookup_num_tokens) {
        fflush(stdout);
        fprintf(stderr, "llmcs: prompt lookup: %zu of %zu guessed tokens were right, %zu tokens in all\n",
                result->n_accepted_tokens, result->n_draft_tokens, result->n_new_tokens);
    }
    llmcs_result_free(&result);
    return EXIT_OK;
}

static int generate_one(llmcs_model *model, const gen_params *g, const cli_common *common) {
    llmcs_session *session = NULL;
    size_t len;
    if (llmcs_session_create(model, NULL, &session)) return cli_failed("open");
    char *prompt = cli_text(common, &len);
    const int code = prompt ? print_text(session, g, prompt, len) : EXIT_FAILED;
    free(prompt);
    llmcs_session_free(&session);
    return code;
}

/* ---- both */

/* Options are read twice: once to know the folder, once over the folder's own defaults. */
static int work(llmcs_model *model, int argc, char **argv, cli_common *common, gen_params *g) {
    memset(g, 0, sizeof *g);
    g->params.struct_size = sizeof g->params;
    if (llmcs_generate_params_init(&g->params, model)) return cli_failed("open");
    cli_parse(&cmd_generate, argc, argv, common, g);
    const int code = gen_finish_options(g);
    if (code != EXIT_OK) return code;
    return common->jsonl ? generate_many(model, g) : generate_one(model, g, common);
}

static int run(int argc, char **argv) {
    cli_common common;
    gen_params g = {0};
    llmcs_model *model = NULL;
    int code = cli_parse(&cmd_generate, argc, argv, &common, &g);
    if (code >= 0) return code;
    if (cli_open(&common, &model)) return cli_failed("open");
    code = work(model, argc, argv, &common, &g);
    gen_free(&g);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_generate = {
    "generate",
    "[prompt]",
    "Continues a prompt, streamed as it comes. Defaults are the folder's generation_config.json.",
    "{\"prompt\":\"...\"} or {\"input_ids\":[...]} and any parameter above by its name with underscores, "
    "early_stopping as true, false or \"never\", eos_token_id as an id or a list, bad_words_ids as lists of ids, "
    "logit_bias as {\"id\":x}, stop_strings as a string or a list -> {\"sequences\":[[ids]],\"texts\":[...],"
    "\"finish_reasons\":[...]}; many lines are answered together, in order, each as it would be alone; deadline_ms "
    "counts from when its line is read",
    gen_options,
    &gen_n_many_options,
    run};
