/* llmcs embed: a vector for each text. */
#include <stdlib.h>

#include "commands.h"
#include "request.h"

typedef struct embed_job {
    llmcs_model *model;
    size_t n;      /* floats in a vector */
    float *vector; /* [n] */
    int32_t pooling, normalize, truncate_dim;
    const char *prompt_name, *prompt;
    cli_texts texts;
    llmcs_text_params params;
} embed_job;

/* By llmcs_pooling and llmcs_normalize. */
static const char *const pooling_names[] = {"auto",          "mean",          "cls",        "pooler", "max",
                                            "mean_sqrt_len", "weighted_mean", "last_token", NULL};
static const char *const normalize_names[] = {"auto", "no", "l2", NULL};
static const cli_option options[] = {
    CLI_CHOICE("pooling", offsetof(embed_job, pooling), "[auto: as modules.json says, else mean]", pooling_names),
    CLI_CHOICE("normalize", offsetof(embed_job, normalize), "[auto: as modules.json says, else l2]", normalize_names),
    CLI_PLAIN("prompt_name", CLI_STRING, offsetof(embed_job, prompt_name),
              "which of the folder's prompts is prepended to each text [its default]"),
    CLI_PLAIN("prompt", CLI_STRING, offsetof(embed_job, prompt), "the prompt itself; \"\" for none"),
    CLI_BOUNDED("truncate_dim", offsetof(embed_job, truncate_dim), "only the first numbers of a vector [0: all]", 0,
                INT32_MAX),
    CLI_TEXTS_OPTIONS(embed_job),
};

static llmcs_status embed_request(void *user, const json_t *request, cli_answer *answer) {
    static const char *const keys[] = {"text", "pair", NULL};
    const embed_job *j = user;
    llmcs_text text = {0};
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) ||
        (status = request_text(request, "text", true, &text.text, &text.text_bytes)) ||
        (status = request_text(request, "pair", false, &text.pair, &text.pair_bytes)) ||
        (status = llmcs_embed(j->model, &text, 1, &j->params, j->vector, &info)))
        return status;
    answer_set(answer, "embedding", json_floats(j->vector, j->n));
    answer_add_text_info(answer, &info);
    return LLMCS_OK;
}

static int embed_text(void *user, const char *bytes, size_t len) {
    const embed_job *j = user;
    llmcs_text text = {bytes, len, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    if (llmcs_embed(j->model, &text, 1, &j->params, j->vector, &info)) return cli_failed("embed");
    cli_texts_warn(&info, bytes, len);
    for (size_t i = 0; i < j->n; i++) printf(i ? " %.9g" : "%.9g", (double)j->vector[i]);
    putchar('\n');
    fflush(stdout);
    return EXIT_DONE;
}

static int embed_all(embed_job *j, const cli_common *common) {
    llmcs_model_info info = {.struct_size = sizeof info};
    if (llmcs_model_get_info(j->model, &info)) return cli_failed("open");
    if (!(info.heads & LLMCS_HEAD_EMBEDDING))
        return cli_error("%s: %s is a decoder and has no embeddings; use generate or score", common->folder,
                         info.model_type);
    j->n = (size_t)info.n_embedding;
    if (j->params.truncate_dim && j->params.truncate_dim < j->n) j->n = j->params.truncate_dim;
    j->vector = malloc(j->n * sizeof *j->vector);
    if (!j->vector) return cli_error("no memory for a vector of %zu", j->n);
    return common->jsonl ? cli_jsonl(common, embed_request, j) : cli_each_text(common, embed_text, j);
}

static int embed_command(int argc, char **argv) {
    cli_common common;
    embed_job j = {.texts = CLI_TEXTS_DEFAULT};
    int code = cli_parse(&cmd_embed, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!cli_texts_read(&cmd_embed, &common, &j.texts, &j.params)) return EXIT_USAGE;
    j.params.pooling = (llmcs_pooling)j.pooling;
    j.params.normalize = (llmcs_normalize)j.normalize;
    j.params.prompt_name = j.prompt_name;
    j.params.prompt = j.prompt;
    j.params.truncate_dim = (size_t)j.truncate_dim;
    if (cli_open(&common, NULL, &j.model)) return cli_failed("open");
    code = embed_all(&j, &common);
    free(j.vector);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_embed = {.name = "embed",
                               .arguments = "[text ...]",
                               .summary = "A vector for each text: each argument, or each line of stdin.",
                               .notes = CLI_LINES_HELP,
                               .jsonl_help =
                                   "{\"text\":\"...\", \"pair\":\"...\"?} -> {\"embedding\":[...],"
                                   "\"tokens\":n, \"truncated\":false, \"windows\":1}",
                               .options = options,
                               .n_options = sizeof options / sizeof *options,
                               .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
                               .max_texts = CLI_ANY_TEXTS,
                               .execute = embed_command};
