/*
 * sentiment - the verdict on a review, with its probability.
 *
 *     sentiment "The zip broke after two days." "质量很好，穿着舒服"
 *     sentiment --model path/to/any/bert-folder < reviews.txt
 *
 * Reviews go to the model in batches of whatever lengths they have: no padding, and no answer depends on its
 * neighbours.
 */
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MODEL "examples/models/review-bert"
#define BATCH 16

static int failed(const char *doing) {
    fprintf(stderr, "sentiment: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

static int judge(llmcs_model *model, int n_labels, const llmcs_text *reviews, size_t n) {
    int32_t labels[BATCH];
    float *scores = malloc((size_t)n_labels * BATCH * sizeof *scores);
    if (!scores) return failed("memory");
    llmcs_status status = llmcs_classify(model, reviews, n, NULL, scores, labels, NULL);
    for (size_t i = 0; !status && i < n; i++)
        printf("%-10s %5.1f %%  %s\n", llmcs_model_label(model, labels[i]),
               100 * (double)scores[i * (size_t)n_labels + (size_t)labels[i]], reviews[i].text);
    free(scores);
    return status ? failed("classify") : 0;
}

/* The lines of stdin, in batches. */
static int judge_lines(llmcs_model *model, int n_labels) {
    static char lines[BATCH][8192];
    llmcs_text reviews[BATCH];
    size_t n = 0;
    int code = 0;
    while (!code && fgets(lines[n], sizeof lines[n], stdin)) {
        lines[n][strcspn(lines[n], "\n")] = 0;
        if (!lines[n][0]) continue;
        reviews[n] = (llmcs_text){lines[n], LLMCS_NUL, NULL, 0};
        if (++n == BATCH) {
            code = judge(model, n_labels, reviews, n);
            n = 0;
        }
    }
    return code || !n ? code : judge(model, n_labels, reviews, n);
}

static int judge_arguments(llmcs_model *model, int n_labels, char **texts, int n_texts) {
    int code = 0;
    for (int i = 0; i < n_texts && !code; i++) {
        llmcs_text review = {texts[i], LLMCS_NUL, NULL, 0};
        code = judge(model, n_labels, &review, 1);
    }
    return code;
}

int main(int argc, char **argv) {
    const char *folder = DEFAULT_MODEL;
    int first = 1;
    if (argc > 2 && !strcmp(argv[1], "--model")) {
        folder = argv[2];
        first = 3;
    }

    llmcs_model *model = NULL;
    if (llmcs_model_open(folder, NULL, &model)) return failed("open");
    llmcs_model_info info = {.struct_size = sizeof info};
    if (llmcs_model_get_info(model, &info)) return failed("open");
    if (!(info.heads & LLMCS_HEAD_CLASSIFICATION)) {
        fprintf(stderr, "sentiment: %s has no classification head\n", folder);
        llmcs_model_free(&model);
        return 1;
    }

    int code = first < argc ? judge_arguments(model, info.n_labels, argv + first, argc - first)
                            : judge_lines(model, info.n_labels);
    llmcs_model_free(&model);
    return code;
}
