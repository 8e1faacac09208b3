/*
 * sentiment - classifies reviews, with the probability of the label, or "unsure".
 *
 *     sentiment "The zip broke after two days." "质量很好，穿着舒服"
 *     sentiment --model path/to/any/bert-folder --sure 0.9 < reviews.txt
 *
 * The probabilities of the demo model are calibrated on reviews it was not trained on: of labels given with 90 %, about
 * 90 % are right. Below --sure the answer is "unsure", with the probability of the likelier label: for a mixed or
 * lukewarm review, or a text that is not a review.
 *
 * Reviews are classified in batches without padding; a result does not depend on the other texts. At a terminal each
 * line is answered at once.
 */
#include <llmcs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

#define BATCH 16

static int failed(const char *doing) {
    fprintf(stderr, "sentiment: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* Settings that are the same for all batches. */
typedef struct judging {
    llmcs_model *model;
    size_t n_labels;
    float sure; /* verdicts with a smaller probability are "unsure" */
} judging;

static int judge(const judging *j, char **reviews, size_t n) {
    llmcs_text texts[BATCH] = {{0}};
    int32_t labels[BATCH];
    float *scores = malloc(j->n_labels * n * sizeof *scores);
    if (!scores) {
        fprintf(stderr, "sentiment: no memory for %zu reviews\n", n);
        return 1;
    }
    for (size_t i = 0; i < n; i++) texts[i] = (llmcs_text){reviews[i], LLMCS_NUL, NULL, 0};
    /* params NULL: a review that exceeds the model's context is truncated. */
    const llmcs_status status = llmcs_classify(j->model, texts, n, NULL, scores, labels, NULL);
    for (size_t i = 0; !status && i < n; i++) {
        const float score = scores[i * j->n_labels + (size_t)labels[i]];
        printf("%-10s %5.1f %%  %s\n", score < j->sure ? "unsure" : llmcs_model_label(j->model, labels[i]),
               100 * (double)score, reviews[i]);
    }
    fflush(stdout);
    free(scores);
    return status ? failed("classify") : 0;
}

/* The lines of stdin that are not empty. */
static int judge_lines(const judging *j) {
    const size_t batch = isatty(STDIN_FILENO) ? 1 : BATCH;
    char *lines[BATCH] = {NULL};
    size_t capacities[BATCH] = {0}, n = 0;
    int code = 0;
    while (getline(&lines[n], &capacities[n], stdin) >= 0) {
        lines[n][strcspn(lines[n], "\r\n")] = 0;
        if (!lines[n][0] || ++n < batch) continue;
        code |= judge(j, lines, n);
        n = 0;
    }
    if (n) code |= judge(j, lines, n);
    for (size_t i = 0; i < BATCH; i++) free(lines[i]);
    return code;
}

static int judge_all(const char *folder, float sure, char **reviews, size_t n) {
    llmcs_model *model = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    int code = 0;
    if (llmcs_model_open(folder, NULL, &model) || llmcs_model_get_info(model, &info)) {
        code = failed("open");
    } else if (!(info.heads & LLMCS_HEAD_CLASSIFICATION)) {
        fprintf(stderr, "sentiment: %s has no classification head\n", folder);
        code = 1;
    } else {
        const judging j = {model, (size_t)info.n_labels, sure};
        for (size_t i = 0; i < n; i += BATCH) code |= judge(&j, reviews + i, n - i < BATCH ? n - i : BATCH);
        if (!n) code = judge_lines(&j);
    }
    llmcs_model_free(&model);
    return code;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"sure", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/review-bert";
    float sure = 0.75f; /* chosen on held-out reviews */
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') {
            folder = optarg;
            continue;
        }
        if (c == 's') {
            char *end;
            sure = strtof(optarg, &end);
            if (end != optarg && !*end && sure >= 0 && sure <= 1) continue;
            fprintf(stderr, "sentiment: --sure: \"%s\" is not a probability (0 to 1)\n", optarg);
            return 2;
        }
        fprintf(
            c == 'h' ? stdout : stderr,
            "usage: sentiment [--model FOLDER] [--sure PROBABILITY] [review ...]    (or a review a line on stdin)\n");
        return c == 'h' ? 0 : 2;
    }
    return judge_all(folder, sure, argv + optind, (size_t)(argc - optind));
}
