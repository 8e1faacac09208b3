/* Target of llmcs_tag and llmcs_answer_span: any texts, with any parameters, on models of both kinds of tokenizer. */
#ifndef TESTS_FUZZ_TARGETS_SPANS_H
#define TESTS_FUZZ_TARGETS_SPANS_H

#include <math.h>

#include "fuzz/fuzz.h"

static UNUSED llmcs_model *open_spans_model(const char *name, const char *tokenizer) {
    static const char *const files[] = {"vocab.txt", "vocab.json", "merges.txt", "tokenizer.json",
                                        "tokenizer_config.json"};
    char path[200];
    llmcs_model *model = NULL;
    llmcs_model_options options;
    clear_fuzz_folder();
    snprintf(path, sizeof path, "tests/data/spans/%s/config.json", name);
    fuzz_copy(path, "config.json");
    snprintf(path, sizeof path, "tests/data/spans/%s/model.safetensors", name);
    fuzz_copy(path, "model.safetensors");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "tests/data/tokenizers/%s/%s", tokenizer, files[i]);
        if (access(path, R_OK) == 0) fuzz_copy(path, files[i]);
    }
    llmcs_model_options_init(&options);
    options.n_threads = 1;
    MUST(!llmcs_model_open(fuzz_folder, &options, &model));
    return model;
}

static UNUSED bool may_refuse_spans(llmcs_status st) {
    return st == LLMCS_OK || st == LLMCS_ARG || st == LLMCS_CONTEXT_FULL || st == LLMCS_UTF8;
}

/* True if a character of the text, or an ill-formed part of it, begins at byte `at`, or if it is the end. */
static UNUSED bool begins_character(const char *text, size_t n, size_t at) {
    size_t i = 0;
    uint32_t cp;
    while (i < at) i += ll_utf8_decode(text + i, n - i, &cp);
    return i == at;
}

static UNUSED void check_text_span(const llmcs_text_span *s, const char *text, size_t n) {
    MUST(s->begin <= s->end && s->end <= n);
    MUST(s->score >= 0 && s->score <= 1.0001f);
    MUST(begins_character(text, n, s->begin) && begins_character(text, n, s->end));
}

static UNUSED void check_tags(const llmcs_text_spans *found, const llmcs_model *model, const char *text, size_t n) {
    for (size_t i = 0; i < found->n_spans; i++) {
        const llmcs_text_span *s = found->spans[i];
        check_text_span(s, text, n);
        const char *name = llmcs_model_label(model, s->label_id);
        const size_t n_name = name ? strlen(name) : 0, n_label = strlen(s->label);
        MUST(n_label && n_label <= n_name && strcmp(name + n_name - n_label, s->label) == 0 && strcmp(s->label, "O"));
        MUST(!i || s->begin >= found->spans[i - 1]->begin);
    }
}

static UNUSED void check_answers(const llmcs_text_spans *found, const llmcs_answer_params *params, const char *context,
                                 size_t n) {
    MUST(found->n_spans >= 1 && found->n_spans <= (size_t)params->top_k);
    for (size_t i = 0; i < found->n_spans; i++) {
        check_text_span(found->spans[i], context, n);
        MUST(!i || found->spans[i]->score <= found->spans[i - 1]->score);
        MUST(found->spans[i]->label_id == -1 && !found->spans[i]->label[0]);
    }
}

static UNUSED void fuzz_tags(llmcs_model *model, const llmcs_text *texts, reader *in) {
    llmcs_text_params params;
    llmcs_span_result *found = NULL, *alone = NULL;
    llmcs_text_params_init(&params);
    params.aggregation = (llmcs_aggregation)(read_u8(in) % 6);
    params.overflow = (llmcs_overflow)(read_u8(in) % 3);
    params.max_length = read_u8(in) % 70u;
    params.stride = params.overflow == LLMCS_OVERFLOW_WINDOWS ? read_u8(in) % 70u : 0;
    const llmcs_status st = llmcs_tag(model, texts, 2, &params, NULL, &found);
    MUST(may_refuse_spans(st) && !st == !!found);
    if (st) return;
    for (size_t i = 0; i < 2; i++) check_tags(found->texts[i], model, texts[i].text, texts[i].text_bytes);
    MUST(!llmcs_tag(model, texts + 1, 1, &params, NULL, &alone));
    MUST(alone->texts[0]->n_spans == found->texts[1]->n_spans);
    llmcs_span_result_free(&found);
    llmcs_span_result_free(&alone);
}

static UNUSED void fuzz_answers(llmcs_model *model, const llmcs_text *texts, reader *in) {
    const llmcs_text question = {texts[0].text, texts[0].text_bytes, texts[1].text, texts[1].text_bytes};
    llmcs_answer_params params;
    llmcs_span_result *found = NULL;
    llmcs_answer_params_init(&params);
    params.top_k = read_u8(in) % 20;
    params.max_answer_len = read_u8(in) % 80;
    params.max_seq_len = read_u8(in) % 70u;
    params.doc_stride = read_u8(in) % 70 - 1;
    params.handle_impossible_answer = read_u8(in) & 1;
    params.align_to_words = read_u8(in) & 1;
    const llmcs_status st = llmcs_answer_span(model, &question, 1, &params, NULL, &found);
    MUST(may_refuse_spans(st) && !st == !!found);
    if (!st) check_answers(found->texts[0], &params, question.pair, question.pair_bytes);
    llmcs_span_result_free(&found);
}

/* A byte that selects the model, one of a length; six of parameters; a text of that length and another one. */
static UNUSED int fuzz_spans(const uint8_t *data, size_t size) {
    static llmcs_model *models[4];
    static const char *const names[4][2] = {{"bert-tags", "tiny-bert-cased"},
                                            {"roberta-tags", "tiny-roberta"},
                                            {"bert-answers", "tiny-bert-uncased"},
                                            {"roberta-answers", "tiny-roberta"}};
    reader in = {data, size};
    const size_t which = read_u8(&in) % 4, split = read_u8(&in);
    size_t n_params, n_first, n_second;
    const uint8_t *bytes = read_bytes(&in, 6, &n_params);
    reader params = {bytes, n_params};
    const char *first = (const char *)read_bytes(&in, split, &n_first);
    const char *second = (const char *)read_bytes(&in, 4096, &n_second);
    const llmcs_text texts[] = {{first, n_first, NULL, 0}, {second, n_second, NULL, 0}};
    if (!models[which]) models[which] = open_spans_model(names[which][0], names[which][1]);
    if (which < 2)
        fuzz_tags(models[which], texts, &params);
    else
        fuzz_answers(models[which], texts, &params);
    return 0;
}

#endif
