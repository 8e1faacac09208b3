/* A GPT-2 that says one sentence whatever it is given: each byte of the sentence, all different, makes the next one the
 * most probable. So a test knows what the model will say. */
#ifndef TESTS_SHOP_WORDING_PARROT_H
#define TESTS_SHOP_WORDING_PARROT_H

#include <math.h>
#include <stdlib.h>

#include "shop/store/shop_case.h"
#include "support/model_fixture.h"

enum { PARROT_CONTEXT = 512, PARROT_END = 258 };

static inline void parrot_zero(checkpoint *c) {
    for (size_t i = 0; i < c->n_tensors; i++) {
        stored_tensor *t = &c->tensors[i];
        const bool scale = strstr(t->name, "ln_") && strstr(t->name, ".weight");
        float *x = (float *)(void *)t->data;
        for (size_t k = 0; k < t->n_bytes / sizeof *x; k++) x[k] = scale ? 1.0f : 0.0f;
    }
}

static inline void parrot_replace(checkpoint *c, const char *name, size_t n_rows, size_t width, const float *data) {
    const uint64_t shape[2] = {n_rows, width};
    checkpoint_remove(c, name);
    checkpoint_add_f32(c, name, 2, shape, data);
}

/* `next` follows `from`: the head's row of `next` is what the last layer norm makes of the row of `from`. */
static inline void parrot_follow(const float *tokens, float *head, size_t width, int from, int next) {
    const float *x = tokens + (size_t)from * width;
    double mean = 0, variance = 0;
    for (size_t i = 0; i < width; i++) mean += (double)x[i] / (double)width;
    for (size_t i = 0; i < width; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)width;
    for (size_t i = 0; i < width; i++) head[(size_t)next * width + i] = (float)(((double)x[i] - mean) / sqrt(variance));
}

/* After the ':' that ends a prompt the model says `text`, then the end; with `loop`, it begins again instead. */
static inline void parrot_folder(char path[TEMP_PATH_BYTES], const char *text, bool loop) {
    char number[16];
    temp_folder(path);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-untied");
    const size_t width = (size_t)checkpoint_find(c, "transformer.wte.weight")->shape[1];
    float *tokens = calloc(GPT2_VOCAB * width, sizeof *tokens), *head = calloc(GPT2_VOCAB * width, sizeof *head);
    float *positions = calloc(PARROT_CONTEXT * width, sizeof *positions);
    uint64_t seed = 5;
    ck_assert(tokens && head && positions);
    random_fill(&seed, 1.0f, tokens, GPT2_VOCAB * width);
    int from = ':';
    for (const char *s = text; *s; s++)
        parrot_follow(tokens, head, width, from, (unsigned char)*s), from = (unsigned char)*s;
    parrot_follow(tokens, head, width, from, loop ? (unsigned char)*text : PARROT_END);
    if (loop) parrot_follow(tokens, head, width, ':', (unsigned char)text[1]);
    parrot_zero(c);
    parrot_replace(c, "transformer.wte.weight", GPT2_VOCAB, width, tokens);
    parrot_replace(c, "lm_head.weight", GPT2_VOCAB, width, head);
    parrot_replace(c, "transformer.wpe.weight", PARROT_CONTEXT, width, positions);
    snprintf(number, sizeof number, "%d", PARROT_CONTEXT);
    checkpoint_set(c, "n_positions", number);
    checkpoint_set(c, "n_ctx", number);
    checkpoint_set(c, "vocab_size", "259");
    checkpoint_set(c, "bos_token_id", "258");
    checkpoint_set(c, "eos_token_id", "258");
    checkpoint_write(c, path, 1);
    checkpoint_free(c);
    write_gpt2_vocabulary(path);
    free(tokens);
    free(head);
    free(positions);
}

#endif
