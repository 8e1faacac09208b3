#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct job {
    llmcs_model *model;
    size_t n;      /* floats of a vector */
    float *vector; /* [n] */
    const char *pooling_name, *normalize_name;
    cli_texts texts;
    llmcs_text_params params;
} job;

static const cli_option options[] = {
    {"pooling", CLI_STRING, offsetof(job, pooling_name),
     "auto, mean, cls or pooler (auto: as modules.json says, else mean)"},
    {"normalize", CLI_STRING, offsetof(job, normalize_name), "auto, no or l2 (auto: as modules.json says, else l2)"},
    CLI_TEXTS_OPTIONS(job),
};
static const size_t n_options = sizeof options / sizeof *options;

static llmcs_status answer(void *user, const json_t *request) {
    static const char *const keys[] = {"text", "pair", NULL};
    const job *j = user;
    llmcs_text text = {0};
    llmcs_text_info info = {.struct_size = sizeof info};
    llmcs_status status;
    if ((status = request_check_keys(request, keys)) ||
        (status = request_text(request, "text", true, &text.text, &text.text_bytes)) ||
        (status = request_text(request, "pair", false, &text.pair, &text.pair_bytes)) ||
        (status = llmcs_embed(j->model, &text, 1, &j->params, j->vector, &info)))
        return status;
    fputs("{\"embedding\":", stdout);
    out_floats(j->vector, j->n);
    out_text_info(&info);
    putchar('}');
    return LLMCS_OK;
}

static int print_text(void *user, const char *bytes, size_t len) {
    const job *j = user;
    llmcs_text text = {bytes, len, NULL, 0};
    llmcs_text_info info = {.struct_size = sizeof info};
    if (llmcs_embed(j->model, &text, 1, &j->params, j->vector, &info)) return cli_failed("embed");
    cli_texts_warn(&info, bytes, len);
    for (size_t i = 0; i < j->n; i++) printf(i ? " %.9g" : "%.9g", (double)j->vector[i]);
    putchar('\n');
    fflush(stdout);
    return EXIT_OK;
}

static int pick(const char *option, const char *name, const char *const *names) {
    for (int i = 0; name && names[i]; i++)
        if (!strcmp(name, names[i])) return i;
    if (!name) return 0;
    fprintf(stderr, "llmcs embed: --%s: '%s' is no value for it\n", option, name);
    return -1;
}

static int work(job *j, const cli_common *common) {
    llmcs_model_info info = {.struct_size = sizeof info};
    if (llmcs_model_get_info(j->model, &info)) return cli_failed("open");
    if (!(info.heads & LLMCS_HEAD_EMBEDDING)) {
        fprintf(stderr, "llmcs: %s: %s is no encoder\n", common->folder, info.model_type);
        return EXIT_FAILED;
    }
    j->n = (size_t)info.n_embedding;
    j->vector = malloc(j->n * sizeof *j->vector);
    if (!j->vector) return cli_failed("no memory");
    return common->jsonl ? cli_jsonl(answer, j) : cli_each_text(common, print_text, j);
}

static int run(int argc, char **argv) {
    static const char *const poolings[] = {"auto", "mean", "cls", "pooler", NULL};
    static const char *const normalizes[] = {"auto", "no", "l2", NULL};
    cli_common common;
    job j = {0};
    int code = cli_parse(&cmd_embed, argc, argv, &common, &j);
    if (code >= 0) return code;
    int pooling = pick("pooling", j.pooling_name, poolings), norm = pick("normalize", j.normalize_name, normalizes);
    if (pooling < 0 || norm < 0 || !cli_texts_read(&cmd_embed, &j.texts, &j.params)) return EXIT_USAGE;
    j.params.pooling = (llmcs_pooling)pooling;
    j.params.normalize = (llmcs_normalize)norm;
    if (cli_open(&common, &j.model)) return cli_failed("open");
    code = work(&j, &common);
    free(j.vector);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_embed = {"embed",
                               "[text ...]",
                               "A vector for each text: each argument, or each line of stdin.",
                               "{\"text\":\"...\",\"pair\":\"...\"?} -> {\"embedding\":[...],"
                               "\"tokens\":n,\"truncated\":false,\"windows\":1}",
                               options,
                               &n_options,
                               run};
