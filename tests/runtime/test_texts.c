/* What is done with texts: each call against the same thing done by hand from token ids. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/model_fixture.h"
#include "support/suite.h"

#define MAX_IDS 256
#define N_TEXTS 90 /* more than a pass takes */

static llmcs_text text_of(const char *text) { return (llmcs_text){text, LLMCS_NUL, NULL, 0}; }

/* Ids as classify and embed cut them. */
static size_t encode(llmcs_model *m, const llmcs_text *t, size_t max_length, uint32_t flags, int32_t *ids,
                     int32_t *types) {
    size_t n;
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    p.flags = flags;
    p.truncation = max_length ? LLMCS_TRUNCATE_LONGEST_FIRST : LLMCS_TRUNCATE_NONE;
    p.max_length = max_length;
    ck_assert_msg(!llmcs_encode(llmcs_model_tokenizer(m), t->text, t->text_bytes, t->pair, t->pair_bytes, &p, ids,
                                types, NULL, MAX_IDS, &n),
                  "%s", llmcs_error_message());
    return n;
}

typedef struct outputs {
    float hidden[64 * 64], pooled[64], logits[64 * 256];
    size_t n_tokens;
} outputs;

static outputs *run_text(llmcs_model *m, const llmcs_text *t, size_t max_length, bool pooled, bool logits) {
    static outputs out;
    int32_t ids[MAX_IDS], types[MAX_IDS];
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    out.n_tokens = encode(m, t, max_length, LLMCS_ADD_SPECIAL_TOKENS, ids, types);
    bool typed = strcmp(info.model_type, "bert") == 0;
    llmcs_encoder_outputs o = {.struct_size = sizeof o,
                               .hidden = out.hidden,
                               .pooled = pooled ? out.pooled : NULL,
                               .logits = logits ? out.logits : NULL};
    ck_assert_msg(!llmcs_encoder_eval(m, ids, typed ? types : NULL, &out.n_tokens, 1, &o), "%s", llmcs_error_message());
    return &out;
}

/* Some texts: short, long, pairs. The strings live as long as the program. */
static llmcs_text *make_texts(void) {
    static llmcs_text texts[N_TEXTS];
    static char strings[N_TEXTS][2][400];
    for (size_t i = 0; i < N_TEXTS; i++) {
        strings[i][0][0] = strings[i][1][0] = 0;
        for (size_t k = 0; k < i % 23; k++) strcat(strings[i][0], k % 3 ? "good shop " : "bad, abc ");
        for (size_t k = 0; k < i % 7; k++) strcat(strings[i][1], "the shopping! ");
        texts[i] = text_of(strings[i][0]);
        if (i % 4 == 3) {
            texts[i].pair = strings[i][1];
            texts[i].pair_bytes = strlen(strings[i][1]);
        }
    }
    return texts;
}

/* ------------------------------------------------------------------------------------------------- classify */

static void softmax(const float *x, size_t n, double *p) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += p[i] = exp((double)x[i]);
    for (size_t i = 0; i < n; i++) p[i] /= sum;
}

static void check_classify(const char *name, size_t n_labels) {
    char folder[TEMP_PATH_BYTES];
    text_bert_folder(name, folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_text *texts = make_texts();
    float scores[N_TEXTS * 3], one[3];
    int32_t labels[N_TEXTS], label;
    ck_assert_msg(!llmcs_classify(m, texts, N_TEXTS, NULL, scores, labels, NULL), "%s", llmcs_error_message());
    for (size_t i = 0; i < N_TEXTS; i++) {
        double p[3];
        outputs *o = run_text(m, &texts[i], 64, false, true);
        softmax(o->logits, n_labels, p);
        for (size_t k = 0; k < n_labels; k++) {
            ck_assert_double_le(fabs(p[k] - (double)scores[i * n_labels + k]), 1e-6);
            ck_assert(scores[i * n_labels + (size_t)labels[i]] >= scores[i * n_labels + k]);
        }
        ck_assert_int_eq(llmcs_classify(m, &texts[i], 1, NULL, one, &label, NULL), LLMCS_OK);
        ck_assert_int_eq(memcmp(one, scores + i * n_labels, n_labels * sizeof *one), 0);
        ck_assert_int_eq(label, labels[i]);
    }
    ck_assert_int_eq(llmcs_classify(m, NULL, 0, NULL, NULL, NULL, NULL), LLMCS_OK);
    ck_assert_int_eq(llmcs_classify(m, texts, 1, NULL, NULL, NULL, NULL), LLMCS_OK);
    llmcs_model_free(&m);
    temp_remove(folder);
}

START_TEST(classify_is_softmax_of_the_logits) {
    check_classify("bert-cls", 3);
    check_classify("distilbert-cls", 2);
    check_classify("roberta-cls", 3);
}
END_TEST

/* Scores of "bad shop" under a problem_type. */
static void classify_as(const char *problem, float *scores, float *logits) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-cls");
    checkpoint_set(c, "problem_type", problem);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    llmcs_model *m = open_model(folder, 1);
    llmcs_text t = text_of("bad shop");
    ck_assert_int_eq(llmcs_classify(m, &t, 1, NULL, scores, NULL, NULL), LLMCS_OK);
    memcpy(logits, run_text(m, &t, 64, false, true)->logits, 3 * sizeof *logits);
    llmcs_model_free(&m);
    temp_remove(folder);
}

START_TEST(problem_types) {
    float scores[3], logits[3];
    classify_as("\"multi_label_classification\"", scores, logits);
    for (size_t i = 0; i < 3; i++)
        ck_assert_double_le(fabs((double)scores[i] - 1.0 / (1.0 + exp(-(double)logits[i]))), 1e-7);
    classify_as("\"regression\"", scores, logits);
    ck_assert_int_eq(memcmp(scores, logits, sizeof scores), 0);
}
END_TEST

START_TEST(labels_have_names) {
    char folder[TEMP_PATH_BYTES];
    llmcs_model *m = open_golden("bert-cls", 1);
    ck_assert_str_eq(llmcs_model_label(m, 0), "negative");
    ck_assert_str_eq(llmcs_model_label(m, 2), "positive");
    ck_assert_ptr_null(llmcs_model_label(m, 3));
    ck_assert_ptr_null(llmcs_model_label(m, -1));
    llmcs_model_free(&m);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-cls");
    checkpoint_set(c, "id2label", "null");
    checkpoint_set(c, "num_labels", "3");
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    m = open_model(folder, 1);
    ck_assert_str_eq(llmcs_model_label(m, 1), "LABEL_1");
    llmcs_model_free(&m);
    temp_remove(folder);
    m = open_golden("gpt2-tiny", 1);
    ck_assert_ptr_null(llmcs_model_label(m, 0));
    llmcs_model_free(&m);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- rerank */

START_TEST(rerank_is_the_last_label_of_pairs) {
    char folder[TEMP_PATH_BYTES];
    text_bert_folder("bert-cls", folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_text docs[3] = {text_of("good shop"), text_of(""), text_of("the bad shopping abc")};
    float scores[3];
    ck_assert_int_eq(llmcs_rerank(m, "the shop", LLMCS_NUL, docs, 3, NULL, scores, NULL), LLMCS_OK);
    for (size_t i = 0; i < 3; i++) {
        double p[3];
        llmcs_text pair = {"the shop", LLMCS_NUL, docs[i].text, LLMCS_NUL};
        softmax(run_text(m, &pair, 64, false, true)->logits, 3, p);
        ck_assert_double_le(fabs(p[2] - (double)scores[i]), 1e-6);
    }
    docs[1].pair = "no";
    ck_assert_int_eq(llmcs_rerank(m, "the shop", LLMCS_NUL, docs, 3, NULL, scores, NULL), LLMCS_ARG);
    ck_assert_int_eq(llmcs_rerank(m, NULL, 0, docs, 1, NULL, scores, NULL), LLMCS_ARG);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(rerank_with_one_label_is_its_sigmoid) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-cls");
    checkpoint_set(c, "id2label", "{\"0\": \"LABEL_0\"}");
    checkpoint_set(c, "label2id", "{\"LABEL_0\": 0}");
    checkpoint_find(c, "classifier.weight")->shape[0] = 1;
    checkpoint_find(c, "classifier.weight")->n_bytes = 48 * sizeof(float);
    checkpoint_find(c, "classifier.bias")->shape[0] = 1;
    checkpoint_find(c, "classifier.bias")->n_bytes = sizeof(float);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    llmcs_model *m = open_model(folder, 1);
    llmcs_text doc = text_of("good shop"), pair = {"the shop", LLMCS_NUL, "good shop", LLMCS_NUL};
    float score, sigmoid;
    int32_t label;
    ck_assert_int_eq(llmcs_rerank(m, "the shop", LLMCS_NUL, &doc, 1, NULL, &score, NULL), LLMCS_OK);
    ck_assert_int_eq(llmcs_classify(m, &pair, 1, NULL, &sigmoid, &label, NULL), LLMCS_OK);
    ck_assert(score == sigmoid);
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.rerank_score = LLMCS_RERANK_LOGIT;
    ck_assert_int_eq(llmcs_rerank(m, "the shop", LLMCS_NUL, &doc, 1, &p, &score, NULL), LLMCS_OK);
    ck_assert(score == run_text(m, &pair, 64, false, true)->logits[0]);
    ck_assert_double_le(fabs((double)sigmoid - 1.0 / (1.0 + exp(-(double)score))), 1e-7);
    ck_assert_int_eq(label, 0);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* --------------------------------------------------------------------------------------------------- embed */

static void check_vector(const outputs *o, llmcs_pooling pooling, bool unit, const float *vector, size_t n) {
    double expected[64] = {0}, sum = 0.0;
    for (size_t d = 0; d < n; d++) {
        if (pooling == LLMCS_POOL_MEAN)
            for (size_t t = 0; t < o->n_tokens; t++) expected[d] += (double)o->hidden[t * n + d] / (double)o->n_tokens;
        else
            expected[d] = (double)(pooling == LLMCS_POOL_CLS ? o->hidden[d] : o->pooled[d]);
        sum += expected[d] * expected[d];
    }
    for (size_t d = 0; d < n; d++)
        ck_assert_double_le(fabs(expected[d] / (unit ? sqrt(sum) : 1.0) - (double)vector[d]), 1e-5);
}

START_TEST(embed_every_way) {
    static const llmcs_pooling poolings[] = {LLMCS_POOL_AUTO, LLMCS_POOL_MEAN, LLMCS_POOL_CLS, LLMCS_POOL_POOLER};
    char folder[TEMP_PATH_BYTES];
    text_bert_folder("bert-embed", folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_text *texts = make_texts();
    float *vectors = malloc(N_TEXTS * 64 * sizeof *vectors);
    for (size_t p = 0; p < 4; p++)
        for (int norm = LLMCS_NORMALIZE_AUTO; norm <= LLMCS_NORMALIZE_L2; norm++) {
            ck_assert_int_eq(embed_pooled(m, texts, N_TEXTS, poolings[p], (llmcs_normalize)norm, NULL, vectors, NULL),
                             LLMCS_OK);
            for (size_t i = 0; i < N_TEXTS; i += 13)
                check_vector(run_text(m, &texts[i], 64, true, false), p ? poolings[p] : LLMCS_POOL_MEAN,
                             norm != LLMCS_NORMALIZE_NO, vectors + i * 64, 64);
        }
    free(vectors);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(embed_without_a_pooler) {
    char folder[TEMP_PATH_BYTES];
    float vector[48];
    llmcs_text t = text_of("good");
    text_bert_folder("distilbert-cls", folder);
    llmcs_model *m = open_model(folder, 1);
    ck_assert_int_eq(embed_pooled(m, &t, 1, LLMCS_POOL_POOLER, LLMCS_NORMALIZE_AUTO, NULL, vector, NULL),
                     LLMCS_NO_HEAD);
    ck_assert_int_eq(llmcs_embed(m, &t, 1, NULL, vector, NULL), LLMCS_OK);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* A sentence-transformers folder, with its Transformer in `module` ("" or "0_Transformer"). */
static void sentence_folder(const char *module, char folder[TEMP_PATH_BYTES]) {
    char inner[128], text[512];
    temp_folder(folder);
    snprintf(inner, sizeof inner, "%s/%s", folder, module);
    if (*module) ck_assert_int_eq(mkdir(inner, 0700), 0);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-embed");
    checkpoint_write(c, inner, 1);
    checkpoint_free(c);
    write_bert_vocabulary(inner);
    temp_write_text(inner, "sentence_bert_config.json", "{\"max_seq_length\": 12, \"do_lower_case\": false}");
    snprintf(text, sizeof text,
             "[{\"idx\":0,\"name\":\"0\",\"path\":\"%s\",\"type\":\"sentence_transformers.models.Transformer\"},"
             "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]",
             module);
    temp_write_text(folder, "modules.json", text);
    snprintf(inner, sizeof inner, "%s/1_Pooling", folder);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    temp_write_text(
        inner, "config.json",
        "{\"word_embedding_dimension\":64,\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false}");
}

START_TEST(embed_as_modules_json_says) {
    static const char *const modules[] = {"", "0_Transformer"};
    for (size_t i = 0; i < 2; i++) {
        char folder[TEMP_PATH_BYTES];
        float vector[64];
        sentence_folder(modules[i], folder);
        llmcs_model *m = open_model(folder, 1);
        llmcs_text t = text_of("good bad good bad good bad good bad good bad good bad good");
        ck_assert_int_eq(llmcs_embed(m, &t, 1, NULL, vector, NULL), LLMCS_OK);
        outputs *o = run_text(m, &t, 12, true, false);
        ck_assert_uint_eq(o->n_tokens, 12);
        check_vector(o, LLMCS_POOL_CLS, false, vector, 64);
        llmcs_model_free(&m);
        temp_remove(folder);
    }
}
END_TEST

/* Lowercasing that the tokenizer would not do is refused, not left out. */
START_TEST(do_lower_case_needs_a_tokenizer_that_does) {
    char folder[TEMP_PATH_BYTES];
    sentence_folder("", folder);
    temp_write_text(folder, "sentence_bert_config.json", "{\"max_seq_length\": 12, \"do_lower_case\": true}");
    llmcs_model *m = open_model(folder, 1); /* vocab.txt alone lowercases */
    llmcs_model_free(&m);
    temp_write_text(folder, "tokenizer_config.json", "{\"do_lower_case\": false}");
    ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "do_lower_case"));
    temp_remove(folder);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- fill_mask */

START_TEST(fill_mask_gives_the_most_probable_words) {
    char folder[TEMP_PATH_BYTES];
    const char *text = "good [MASK] the bad [MASK]!";
    text_bert_folder("bert-mlm", folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_mask_token tokens[2 * 173 + 1];
    int32_t ids[MAX_IDS], types[MAX_IDS];
    size_t n = 0;
    ck_assert_int_eq(llmcs_fill_mask(m, text, LLMCS_NUL, 7, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, 14);
    ck_assert_int_eq(llmcs_fill_mask(m, text, LLMCS_NUL, 7, tokens, 13, &n), LLMCS_BUFFER);
    ck_assert_uint_eq(n, 14);
    tokens[14].id = -77;
    ck_assert_msg(!llmcs_fill_mask(m, text, LLMCS_NUL, 7, tokens, 14, &n), "%s", llmcs_error_message());
    ck_assert_int_eq(tokens[14].id, -77);
    llmcs_text t = text_of(text);
    size_t n_tokens = encode(m, &t, 0, LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL, ids, types);
    static float logits[64 * 173];
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = logits};
    ck_assert_int_eq(llmcs_encoder_eval(m, ids, types, &n_tokens, 1, &o), LLMCS_OK);
    for (size_t i = 0; i < 14; i++) {
        double p[173];
        size_t position = tokens[i].position, better = 0;
        ck_assert_int_eq(ids[position], 4);
        ck_assert_uint_eq(position, tokens[i / 7 * 7].position);
        softmax(logits + position * 173, 173, p);
        ck_assert_double_le(fabs(p[tokens[i].id] - (double)tokens[i].probability), 1e-6);
        for (int32_t k = 0; k < 173; k++) better += p[k] > p[tokens[i].id];
        ck_assert_uint_eq(better, i % 7);
    }
    ck_assert_uint_lt(tokens[0].position, tokens[7].position);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(fill_mask_at_its_edges) {
    char folder[TEMP_PATH_BYTES], text[1024] = "[MASK]";
    text_bert_folder("bert-mlm", folder);
    llmcs_model *m = open_model(folder, 1);
    static llmcs_mask_token tokens[200];
    size_t n;
    ck_assert_int_eq(llmcs_fill_mask(m, "[MASK]", LLMCS_NUL, 100000, tokens, 200, &n), LLMCS_OK);
    ck_assert_uint_eq(n, 173);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (double)tokens[i].probability;
    ck_assert_double_le(fabs(sum - 1.0), 1e-5);
    ck_assert_int_eq(llmcs_fill_mask(m, "no such token", LLMCS_NUL, 5, tokens, 200, &n), LLMCS_ARG);
    ck_assert_int_eq(llmcs_fill_mask(m, "[MASK]", LLMCS_NUL, 0, tokens, 200, &n), LLMCS_ARG);
    for (int i = 0; i < 70; i++) strcat(text, " good");
    ck_assert_int_eq(llmcs_fill_mask(m, text, LLMCS_NUL, 5, tokens, 200, &n), LLMCS_CONTEXT_FULL);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* --------------------------------------------------------------------------------------------- score, choose */

START_TEST(score_of_texts_is_score_of_their_ids) {
    char folder[TEMP_PATH_BYTES];
    text_gpt2_folder(folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_session *s = open_session(m);
    llmcs_text prompt = text_of("hello <|endoftext|> "), rest = text_of("he shops");
    int32_t a[MAX_IDS], b[MAX_IDS];
    size_t n_a = encode(m, &prompt, 0, 0, a, NULL), n_b = encode(m, &rest, 0, 0, b, NULL), n;
    ck_assert_uint_gt(n_a, 15); /* text of users is text */
    llmcs_score_result by_text, by_ids;
    ck_assert_msg(!llmcs_score(s, prompt.text, LLMCS_NUL, rest.text, LLMCS_NUL, &by_text), "%s", llmcs_error_message());
    ck_assert_int_eq(llmcs_score_ids(s, a, n_a, b, n_b, &by_ids), LLMCS_OK);
    ck_assert(by_text.logprob == by_ids.logprob && by_text.n_tokens == n_b && by_ids.n_tokens == n_b);
    ck_assert_int_eq(llmcs_session_tokens(s, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, n_a);
    /* An empty prompt is BOS. */
    int32_t bos = 258;
    ck_assert_int_eq(llmcs_score(s, "", 0, rest.text, LLMCS_NUL, &by_text), LLMCS_OK);
    ck_assert_int_eq(llmcs_score_ids(s, &bos, 1, b, n_b, &by_ids), LLMCS_OK);
    ck_assert(by_text.logprob == by_ids.logprob);
    ck_assert_int_eq(llmcs_score_ids(s, NULL, 0, b, n_b, &by_ids), LLMCS_OK);
    ck_assert(by_text.logprob == by_ids.logprob);
    ck_assert_int_eq(llmcs_score_ids(s, &bos, 1, NULL, 0, &by_ids), LLMCS_OK);
    ck_assert(by_ids.logprob == 0.0 && by_ids.n_tokens == 0);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(score_is_the_sum_of_log_softmax) {
    llmcs_model *m = open_golden("gpt2-tiny", 1);
    llmcs_session *s = open_session(m);
    int32_t ids[60];
    const float *logits;
    size_t n_rows;
    llmcs_score_result r;
    double sum = 0.0;
    for (int32_t i = 0; i < 60; i++) ids[i] = i * 31 % 257;
    ck_assert_int_eq(llmcs_session_eval(s, ids, 60, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    for (size_t i = 9; i < 59; i++) {
        double p[257];
        softmax(logits + i * 257, 257, p);
        sum += log(p[ids[i + 1]]);
    }
    ck_assert_int_eq(llmcs_score_ids(s, ids, 10, ids + 10, 50, &r), LLMCS_OK);
    ck_assert_double_le(fabs(r.logprob - sum), 1e-5);
    /* Held tokens that differ are forgotten, equal ones are not evaluated again; the answer is the same. */
    ck_assert_int_eq(llmcs_session_rewind(s, 4), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, ids + 20, 9, LLMCS_LOGITS_NONE), LLMCS_OK);
    llmcs_score_result again;
    ck_assert_int_eq(llmcs_score_ids(s, ids, 10, ids + 10, 50, &again), LLMCS_OK);
    ck_assert(again.logprob == r.logprob);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(choose_ranks_as_score_does) {
    static const char *const candidates[] = {"he", "shopping is good", "zzz", "h"};
    char folder[TEMP_PATH_BYTES];
    text_gpt2_folder(folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_session *s = open_session(m);
    for (int per_token = 0; per_token < 2; per_token++) {
        llmcs_score_result all[4], one;
        size_t best, expected = 0;
        double top = -1e300;
        ck_assert_msg(!llmcs_choose(s, "the shop ", LLMCS_NUL, candidates, 4, per_token, all, &best), "%s",
                      llmcs_error_message());
        for (size_t i = 0; i < 4; i++) {
            ck_assert_int_eq(llmcs_score(s, "the shop ", LLMCS_NUL, candidates[i], LLMCS_NUL, &one), LLMCS_OK);
            ck_assert(one.logprob == all[i].logprob && one.n_tokens == all[i].n_tokens);
            double value = per_token ? one.logprob / (double)one.n_tokens : one.logprob;
            if (value > top) {
                top = value;
                expected = i;
            }
        }
        ck_assert_uint_eq(best, expected);
    }
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, classify_is_softmax_of_the_logits);
    tcase_add_test(t, problem_types);
    tcase_add_test(t, labels_have_names);
    tcase_add_test(t, rerank_is_the_last_label_of_pairs);
    tcase_add_test(t, rerank_with_one_label_is_its_sigmoid);
    tcase_add_test(t, embed_every_way);
    tcase_add_test(t, embed_without_a_pooler);
    tcase_add_test(t, embed_as_modules_json_says);
    tcase_add_test(t, do_lower_case_needs_a_tokenizer_that_does);
    tcase_add_test(t, fill_mask_gives_the_most_probable_words);
    tcase_add_test(t, fill_mask_at_its_edges);
    tcase_add_test(t, score_of_texts_is_score_of_their_ids);
    tcase_add_test(t, score_is_the_sum_of_log_softmax);
    tcase_add_test(t, choose_ranks_as_score_does);
}

SUITE_MAIN("runtime/texts", add)
