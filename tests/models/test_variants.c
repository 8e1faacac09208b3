/* Checkpoints as they come in the wild, made from golden ones: names, ties, activations, widths, heads, shards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/model_fixture.h"
#include "support/random.h"
#include "support/reference.h"
#include "support/suite.h"

#define N 20 /* tokens of every text here */

static float first[N * 512], second[N * 512];

/* Logits (decoders, masked LM) or classes of the checkpoint as written to a folder; returns how many floats. */
static size_t run(const checkpoint *c, size_t n_shards, float *out) {
    char folder[TEMP_PATH_BYTES];
    int32_t ids[N], types[N];
    size_t n_rows, n = N;
    temp_folder(folder);
    checkpoint_write(c, folder, n_shards);
    llmcs_model *m = open_model(folder, 2);
    temp_remove(folder);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    for (int32_t i = 0; i < N; i++) {
        ids[i] = 3 + i * 7 % (info.vocab_size - 3);
        types[i] = 0;
    }
    if (info.heads & LLMCS_HEAD_CAUSAL_LM) {
        const float *logits;
        llmcs_session *s = open_session(m);
        ck_assert_int_eq(llmcs_session_eval(s, ids, N, LLMCS_LOGITS_ALL), LLMCS_OK);
        ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
        n = n_rows * (size_t)info.vocab_size;
        memcpy(out, logits, n * sizeof *out);
        llmcs_session_free(&s);
    } else {
        llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = out};
        ck_assert_int_eq(llmcs_encoder_eval(m, ids, types, &n, 1, &o), LLMCS_OK);
        n = info.heads & LLMCS_HEAD_MASKED_LM ? N * (size_t)info.vocab_size : (size_t)info.n_labels;
    }
    llmcs_model_free(&m);
    return n;
}

static checkpoint *read_golden(const char *name) {
    char folder[128];
    snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", name);
    return checkpoint_read(folder);
}

static void assert_same(checkpoint *changed, const char *name, size_t n_shards) {
    checkpoint *original = read_golden(name);
    size_t n = run(original, 1, first);
    ck_assert_uint_eq(run(changed, n_shards, second), n);
    ck_assert_int_eq(memcmp(first, second, n * sizeof *first), 0);
    checkpoint_free(original);
    checkpoint_free(changed);
}

/* ----------------------------------------------------------------------- other ways to say the same weights */

START_TEST(gpt2_without_prefix) {
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_drop_prefix(c, "transformer.");
    checkpoint_set(c, "architectures", "[\"GPT2Model\"]");
    assert_same(c, "gpt2-tiny", 1);
}
END_TEST

START_TEST(gpt2_untied_with_the_same_head) {
    checkpoint *c = read_golden("gpt2-tiny");
    stored_tensor wte = *checkpoint_find(c, "transformer.wte.weight");
    checkpoint_add_f32(c, "lm_head.weight", 2, wte.shape, (const float *)(const void *)wte.data);
    checkpoint_set(c, "tie_word_embeddings", "false");
    assert_same(c, "gpt2-tiny", 1);
}
END_TEST

START_TEST(gpt2_tied_with_a_stale_head) {
    checkpoint *c = read_golden("gpt2-tiny");
    stored_tensor wte = *checkpoint_find(c, "transformer.wte.weight");
    stored_tensor *head = checkpoint_add_f32(c, "lm_head.weight", 2, wte.shape, (const float *)(const void *)wte.data);
    memset(head->data, 0, head->n_bytes);
    assert_same(c, "gpt2-tiny", 1);
}
END_TEST

START_TEST(integer_buffers_are_ignored) {
    checkpoint *c = read_golden("gpt2-tiny");
    uint64_t shape[2] = {2, 2};
    float zeros[4] = {0};
    strcpy(checkpoint_add_f32(c, "transformer.h.0.attn.bias", 2, shape, zeros)->dtype, "I32");
    assert_same(c, "gpt2-tiny", 1);
}
END_TEST

START_TEST(shards) {
    assert_same(read_golden("gpt2-tiny"), "gpt2-tiny", 3);
    assert_same(read_golden("bert-cls"), "bert-cls", 2);
}
END_TEST

static void drop_and_check(const char *name, const char *prefix) {
    checkpoint *c = read_golden(name);
    checkpoint_drop_prefix(c, prefix);
    assert_same(c, name, 1);
}

START_TEST(encoders_without_prefix) {
    drop_and_check("bert-cls", "bert.");
    drop_and_check("bert-mlm", "bert.");
    drop_and_check("distilbert-cls", "distilbert.");
    drop_and_check("roberta-cls", "roberta.");
}
END_TEST

/* What DistributedDataParallel, torch.compile, wrappers of one's own and sentence-transformers put before names. */
START_TEST(names_with_a_prefix_of_some_program) {
    static const char *const prefixes[] = {"module.", "_orig_mod.", "model.", "module._orig_mod.", "0.auto_model."};
    static const char *const names[] = {"gpt2-tiny", "bert-cls", "bert-mlm", "distilbert-cls", "roberta-cls"};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            checkpoint *c = read_golden(names[i]);
            for (size_t t = 0; t < c->n_tensors; t++) {
                char name[sizeof c->tensors[t].name];
                snprintf(name, sizeof name, "%s%.100s", prefixes[k], c->tensors[t].name);
                strcpy(c->tensors[t].name, name);
            }
            assert_same(c, names[i], 1);
        }
}
END_TEST

/* Of the two tied matrices the file has the head only. */
START_TEST(tied_under_the_other_name) {
    static const char *const cases[][3] = {
        {"gpt2-tiny", "transformer.wte.weight", "lm_head.weight"},
        {"bert-mlm", "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"},
    };
    for (size_t i = 0; i < 2; i++) {
        checkpoint *c = read_golden(cases[i][0]);
        if (checkpoint_find(c, cases[i][2])) checkpoint_remove(c, cases[i][2]);
        strcpy(checkpoint_find(c, cases[i][1])->name, cases[i][2]);
        assert_same(c, cases[i][0], 1);
    }
}
END_TEST

/* The message names a tensor that the file lacks, with the prefix that its others have. */
START_TEST(what_is_missing_is_named) {
    static const char *const cases[][2] = {{"gpt2-tiny", "transformer.wte.weight"},
                                           {"gpt2-tiny", "transformer.h.1.ln_2.bias"},
                                           {"bert-cls", "bert.embeddings.word_embeddings.weight"},
                                           {"bert-cls", "classifier.bias"},
                                           {"roberta-cls", "roberta.encoder.layer.0.output.dense.weight"},
                                           {"distilbert-cls", "distilbert.embeddings.LayerNorm.weight"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[TEMP_PATH_BYTES], needle[160];
        checkpoint *c = read_golden(cases[i][0]);
        llmcs_model *m;
        checkpoint_remove(c, cases[i][1]);
        temp_folder(folder);
        checkpoint_write(c, folder, 1);
        ck_assert_int_eq(llmcs_model_open(folder, NULL, &m), LLMCS_FORMAT);
        snprintf(needle, sizeof needle, "tensor \"%s\" is missing", cases[i][1]);
        ck_assert_msg(strstr(llmcs_error_message(), needle) != NULL, "%s", llmcs_error_message());
        temp_remove(folder);
        checkpoint_free(c);
    }
}
END_TEST

/* float64 becomes the float32 it was made from. */
START_TEST(float64_tensors) {
    static const char *const names[] = {"gpt2-tiny", "bert-cls"};
    for (size_t i = 0; i < 2; i++) {
        checkpoint *c = read_golden(names[i]);
        for (size_t k = 0; k < c->n_tensors; k += 2) {
            stored_tensor *t = &c->tensors[k];
            if (strcmp(t->dtype, "F32") != 0) continue;
            const size_t n = t->n_bytes / sizeof(float);
            double *wide = malloc(n * sizeof *wide);
            for (size_t e = 0; e < n; e++) wide[e] = (double)((float *)(void *)t->data)[e];
            free(t->data);
            t->data = (unsigned char *)wide;
            t->n_bytes = n * sizeof *wide;
            strcpy(t->dtype, "F64");
        }
        assert_same(c, names[i], 1);
    }
}
END_TEST

static void classify_ids(const checkpoint *c, const int32_t *ids, size_t n, float *out) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint_write(c, folder, 1);
    llmcs_model *m = open_model(folder, 2);
    temp_remove(folder);
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = out};
    ck_assert_int_eq(llmcs_encoder_eval(m, ids, NULL, &n, 1, &o), LLMCS_OK);
    llmcs_model_free(&m);
}

/* RoBERTa's positions leave padding out, which has the position before the first: an ordinary token with the padding's
 * embedding gives the same in a checkpoint whose positions are rearranged. */
START_TEST(roberta_padding_among_the_tokens) {
    enum { PAD = 1, OTHER = 9 };
    const int32_t padded[6] = {0, 5, PAD, 7, 8, 2}, plain[6] = {0, 5, OTHER, 7, 8, 2};
    static const size_t from[6] = {2, 3, 1, 4, 5, 6};
    checkpoint *c = read_golden("roberta-cls");
    const size_t n = (size_t)checkpoint_find(c, "roberta.embeddings.word_embeddings.weight")->shape[1];
    float *words = checkpoint_f32(c, "roberta.embeddings.word_embeddings.weight");
    float *positions = checkpoint_f32(c, "roberta.embeddings.position_embeddings.weight");
    float *old = temp_alloc(8 * n * sizeof *old);
    for (size_t i = 0; i < n; i++) positions[n + i] = 0.25f; /* that row is read, too */
    classify_ids(c, padded, 6, first);
    memcpy(old, positions, 8 * n * sizeof *old);
    memcpy(words + OTHER * n, words + PAD * n, n * sizeof *words);
    for (size_t i = 0; i < 6; i++) memcpy(positions + (2 + i) * n, old + from[i] * n, n * sizeof *old);
    classify_ids(c, plain, 6, second);
    ck_assert_int_eq(memcmp(first, second, 2 * sizeof *first), 0);
    classify_ids(c, padded, 6, second);
    ck_assert_int_ne(memcmp(first, second, 2 * sizeof *first), 0);
    free(old);
    checkpoint_free(c);
}
END_TEST

START_TEST(gamma_and_beta) {
    checkpoint *c = read_golden("bert-mlm");
    for (size_t i = 0; i < c->n_tensors; i++) {
        char *norm = strstr(c->tensors[i].name, "LayerNorm.");
        if (norm) strcpy(norm, strcmp(norm, "LayerNorm.weight") == 0 ? "LayerNorm.gamma" : "LayerNorm.beta");
    }
    assert_same(c, "bert-mlm", 1);
}
END_TEST

START_TEST(masked_lm_bias_by_either_name_and_decoder_tied_or_not) {
    checkpoint *c = read_golden("bert-mlm");
    checkpoint_remove(c, "cls.predictions.bias");
    assert_same(c, "bert-mlm", 1);
    c = read_golden("bert-mlm");
    checkpoint_remove(c, "cls.predictions.decoder.bias");
    checkpoint_remove(c, "cls.predictions.decoder.weight");
    assert_same(c, "bert-mlm", 1);
    c = read_golden("bert-mlm");
    checkpoint_set(c, "tie_word_embeddings", "false");
    assert_same(c, "bert-mlm", 1);
}
END_TEST

/* ------------------------------------------------------------------------------------ held against formulas */

static void check_gpt2(checkpoint *c, size_t n_inner, ll_activation act, bool scaled) {
    reference r = {c, "transformer.", 48, 3, 4, n_inner, act, scaled, 1e-5};
    int32_t ids[N];
    double hidden[N * 48];
    const float *wte = checkpoint_f32(c, "transformer.wte.weight");
    for (int32_t i = 0; i < N; i++) ids[i] = 3 + i * 7 % 254;
    reference_gpt2(&r, ids, N, hidden);
    ck_assert_uint_eq(run(c, 1, first), N * 257);
    for (size_t i = 0; i < N; i++)
        for (size_t w = 0; w < 257; w++) {
            double logit = 0.0;
            for (size_t d = 0; d < 48; d++) logit += hidden[i * 48 + d] * (double)wte[w * 48 + d];
            second[i * 257 + w] = (float)logit;
        }
    golden_assert_close(first, second, N * 257, "logits");
    checkpoint_free(c);
}

START_TEST(gpt2_activations) {
    static const struct {
        const char *name;
        ll_activation act;
    } known[] = {{"\"gelu_new\"", LL_ACT_GELU_NEW}, {"\"gelu\"", LL_ACT_GELU}, {"\"relu\"", LL_ACT_RELU}};
    for (size_t i = 0; i < 3; i++) {
        checkpoint *c = read_golden("gpt2-tiny");
        checkpoint_set(c, "activation_function", known[i].name);
        check_gpt2(c, 192, known[i].act, true);
    }
}
END_TEST

START_TEST(gpt2_with_unscaled_attention) {
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_set(c, "scale_attn_weights", "false");
    check_gpt2(c, 192, LL_ACT_GELU_NEW, false);
}
END_TEST

static void replace(checkpoint *c, const char *name, int rank, uint64_t rows, uint64_t columns, uint64_t *seed) {
    uint64_t shape[2] = {rows, columns};
    float data[200 * 48];
    size_t n = (size_t)(rows * (rank == 2 ? columns : 1));
    ck_assert_uint_le(n, sizeof data / sizeof *data);
    random_fill(seed, 0.3f, data, n);
    if (checkpoint_find(c, name)) checkpoint_remove(c, name);
    checkpoint_add_f32(c, name, rank, shape, data);
}

START_TEST(gpt2_with_n_inner) {
    uint64_t seed = 5;
    checkpoint *c = read_golden("gpt2-tiny");
    checkpoint_set(c, "n_inner", "100");
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "transformer.h.%d.mlp.c_fc.weight", i);
        replace(c, name, 2, 48, 100, &seed);
        snprintf(name, sizeof name, "transformer.h.%d.mlp.c_fc.bias", i);
        replace(c, name, 1, 100, 0, &seed);
        snprintf(name, sizeof name, "transformer.h.%d.mlp.c_proj.weight", i);
        replace(c, name, 2, 100, 48, &seed);
    }
    check_gpt2(c, 100, LL_ACT_GELU_NEW, true);
}
END_TEST

/* The masked-LM head of `c`: transform, norm, words. Expected logits go to `second`. */
static void words(reference *r, const char *transform, const char *norm, const char *bias, const char *word,
                  ll_activation act, const double *hidden, size_t vocab) {
    double mapped[N * 48];
    r->prefix = "";
    reference_linear(r, transform, hidden, N, 48, 48, mapped);
    reference_activate(act, mapped, N * 48);
    reference_norm(r, norm, mapped, N, 48);
    const float *w = checkpoint_f32(r->checkpoint, word), *b = checkpoint_f32(r->checkpoint, bias);
    for (size_t i = 0; i < N; i++)
        for (size_t v = 0; v < vocab; v++) {
            double logit = (double)b[v];
            for (size_t d = 0; d < 48; d++) logit += mapped[i * 48 + d] * (double)w[v * 48 + d];
            second[i * vocab + v] = (float)logit;
        }
}

START_TEST(distilbert_masked_lm) {
    uint64_t seed = 8;
    checkpoint *c = read_golden("distilbert-cls");
    checkpoint_set(c, "architectures", "[\"DistilBertForMaskedLM\"]");
    checkpoint_set(c, "activation", "\"relu\"");
    replace(c, "vocab_transform.weight", 2, 48, 48, &seed);
    replace(c, "vocab_transform.bias", 1, 48, 0, &seed);
    replace(c, "vocab_layer_norm.weight", 1, 48, 0, &seed);
    replace(c, "vocab_layer_norm.bias", 1, 48, 0, &seed);
    replace(c, "vocab_projector.bias", 1, 199, 0, &seed);
    reference r = {c, "distilbert.", 48, 2, 4, 96, LL_ACT_RELU, true, 1e-12};
    int32_t ids[N];
    double hidden[N * 48];
    for (int32_t i = 0; i < N; i++) ids[i] = 3 + i * 7 % 196;
    reference_bert(&r, true, ids, NULL, N, 0, hidden);
    words(&r, "vocab_transform", "vocab_layer_norm", "vocab_projector.bias",
          "distilbert.embeddings.word_embeddings.weight", LL_ACT_RELU, hidden, 199);
    ck_assert_uint_eq(run(c, 1, first), N * 199);
    golden_assert_close(first, second, N * 199, "logits");
    checkpoint_free(c);
}
END_TEST

START_TEST(roberta_masked_lm) {
    uint64_t seed = 9;
    checkpoint *c = read_golden("roberta-cls");
    checkpoint_set(c, "architectures", "[\"RobertaForMaskedLM\"]");
    checkpoint_set(c, "hidden_act", "\"relu\""); /* of the encoder; the head's is GELU all the same */
    replace(c, "lm_head.dense.weight", 2, 48, 48, &seed);
    replace(c, "lm_head.dense.bias", 1, 48, 0, &seed);
    replace(c, "lm_head.layer_norm.weight", 1, 48, 0, &seed);
    replace(c, "lm_head.layer_norm.bias", 1, 48, 0, &seed);
    replace(c, "lm_head.bias", 1, 205, 0, &seed);
    reference r = {c, "roberta.", 48, 2, 4, 96, LL_ACT_RELU, true, 1e-5};
    int32_t ids[N];
    double hidden[N * 48];
    for (int32_t i = 0; i < N; i++) ids[i] = 3 + i * 7 % 202;
    reference_bert(&r, false, ids, NULL, N, 2, hidden);
    words(&r, "lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "roberta.embeddings.word_embeddings.weight",
          LL_ACT_GELU, hidden, 205);
    ck_assert_uint_eq(run(c, 1, first), N * 205);
    golden_assert_close(first, second, N * 205, "logits");
    checkpoint_free(c);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, gpt2_without_prefix);
    tcase_add_test(t, gpt2_untied_with_the_same_head);
    tcase_add_test(t, gpt2_tied_with_a_stale_head);
    tcase_add_test(t, integer_buffers_are_ignored);
    tcase_add_test(t, shards);
    tcase_add_test(t, encoders_without_prefix);
    tcase_add_test(t, names_with_a_prefix_of_some_program);
    tcase_add_test(t, tied_under_the_other_name);
    tcase_add_test(t, what_is_missing_is_named);
    tcase_add_test(t, float64_tensors);
    tcase_add_test(t, roberta_padding_among_the_tokens);
    tcase_add_test(t, gamma_and_beta);
    tcase_add_test(t, masked_lm_bias_by_either_name_and_decoder_tied_or_not);
    tcase_add_test(t, gpt2_activations);
    tcase_add_test(t, gpt2_with_unscaled_attention);
    tcase_add_test(t, gpt2_with_n_inner);
    tcase_add_test(t, distilbert_masked_lm);
    tcase_add_test(t, roberta_masked_lm);
}

SUITE_MAIN("models/variants", add)
