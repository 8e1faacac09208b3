/*
 * translate - translates product titles and attributes between English and Chinese, with the model's confidence.
 *
 *     translate "Ostra Classic Mug, moss green, 400 ml" "石野 经典茶壶 陶土红 600毫升"
 *     translate --min-sure 0.95 < titles.txt
 *
 * A text with a Chinese character is translated into English, any other text into Chinese. The first of four candidates
 * that has all numbers of the title is used. If there is none, or the confidence (the geometric mean of the tokens'
 * probabilities) is below --min-sure, the line is marked, so that a person can check it.
 */
#include <llmcs.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define N_CANDIDATES 4

static int failed(const char *doing) {
    fprintf(stderr, "translate: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

/* U+4E00 to U+9FFF: UTF-8 of three bytes, the first of them E4 to E9. */
static bool has_chinese(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text >= 0xE4 && (unsigned char)*text <= 0xE9) return true;
    return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Copies the next number without its thousands separators, and returns what follows it; NULL: there is none. */
static const char *next_number(const char *text, char *number, size_t size) {
    size_t n = 0;
    while (*text && !is_digit(*text)) text++;
    if (!*text) return NULL;
    for (; is_digit(*text) || ((*text == '.' || *text == ',') && is_digit(text[1])); text++)
        if (*text != ',' && n + 1 < size) number[n++] = *text;
    number[n] = 0;
    return text;
}

/* The same numbers in the same order. */
static bool keeps_numbers(const char *title, const char *translation) {
    char a[32], b[32];
    do {
        title = next_number(title, a, sizeof a);
        translation = next_number(translation, b, sizeof b);
    } while (title && translation && !strcmp(a, b));
    return !title && !translation;
}

static double sureness(const llmcs_sequence *s) {
    double sum = 0;
    for (size_t i = 0; i < s->n_ids; i++) sum += (double)s->logprobs[i];
    return s->n_ids ? exp(sum / (double)s->n_ids) : 0;
}

static int translate(const llmcs_model *model, llmcs_session *session, const char *title, double min_sure) {
    const bool chinese = has_chinese(title);
    llmcs_generate_params params;
    llmcs_result *result = NULL;
    if (llmcs_generate_params_init(&params, model)) return failed("parameters");
    params.source_lang = chinese ? "zh_CN" : "en_XX";
    params.target_lang = chinese ? "en_XX" : "zh_CN";
    params.num_beams = params.num_return_sequences = N_CANDIDATES;
    params.logprobs = 1;
    if (llmcs_generate(session, title, LLMCS_NUL, &params, NULL, NULL, &result)) return failed(title);
    size_t best = 0;
    while (best < result->n_sequences && !keeps_numbers(title, result->sequences[best]->text)) best++;
    const bool kept = best < result->n_sequences;
    const llmcs_sequence *s = result->sequences[kept ? best : 0];
    const double sure = sureness(s);
    printf("%s\n  %s  (%.2f%s)\n", title, s->text, sure,
           !kept             ? ", other numbers, to be checked"
           : sure < min_sure ? ", to be checked"
                             : "");
    fflush(stdout);
    llmcs_result_free(&result);
    return 0;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"min-sure", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "examples/models/shop-translate";
    double min_sure = 0.9;
    for (int c; (c = next_option(argc, argv, options)) != -1;) {
        if (c == 'm') folder = optarg;
        if (c == 's') min_sure = strtod(optarg, NULL);
        if (c == 'm' || c == 's') continue;
        fprintf(c == 'h' ? stdout : stderr, "usage: translate [--model FOLDER] [--min-sure P] [TITLE ...]\n");
        return c == 'h' ? 0 : 2;
    }
    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    if (llmcs_model_open(folder, NULL, &model)) return failed("open");
    int code = llmcs_session_create(model, NULL, &session) ? failed("session") : 0;
    for (int i = optind; i < argc && !code; i++) code = translate(model, session, argv[i], min_sure);
    for (char line[1024]; optind == argc && !code && fgets(line, sizeof line, stdin);) {
        line[strcspn(line, "\r\n")] = 0;
        if (*line) code = translate(model, session, line, min_sure);
    }
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    return code;
}
