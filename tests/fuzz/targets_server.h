/* Targets of what llmcs-server reads of strangers: bodies of completions, and tokens of customers. */
#ifndef TESTS_FUZZ_TARGETS_SERVER_H
#define TESTS_FUZZ_TARGETS_SERVER_H

#include "../../tools/server/gen_body.h"
#include "fuzz/fuzz.h"
#include "shop/store/name.h"

bool token_verify(const unsigned char *secret, size_t secret_bytes, const char *token, int64_t now_s,
                  char customer[SHOP_ID_BYTES + 1]);

static UNUSED bool is_between(const gen_number *number, double low, double high) {
    return !number->given || (number->value >= low && number->value <= high);
}

static UNUSED void check_body(const gen_body *b, bool chat, const gen_bounds *bounds) {
    MUST(b->model && b->n >= 1 && b->n <= bounds->max_choices && b->max_tokens >= 0);
    MUST(chat ? json_array_size(b->messages) > 0 && !b->n_prompts : !b->messages && b->n_prompts > 0);
    MUST(b->n_prompts <= bounds->max_prompts && b->n * (chat ? 1 : b->n_prompts) <= bounds->max_choices);
    for (size_t i = 0; i < b->n_prompts; i++)
        MUST(!b->prompts[i].text == (b->prompts[i].ids && b->prompts[i].n_ids > 0));
    for (size_t i = 0; i < json_array_size(b->messages); i++) {
        const json_t *m = json_array_get(b->messages, i);
        MUST(json_is_string(json_object_get(m, "role")) && json_is_string(json_object_get(m, "content")));
    }
    for (size_t i = 0; i < b->n_stop; i++) MUST(b->stop[i] && *b->stop[i]);
    for (size_t i = 0; i < b->n_bias; i++)
        MUST(b->bias[i].id >= 0 && b->bias[i].bias >= -100 && b->bias[i].bias <= 100);
    MUST(is_between(&b->temperature, 0, 100) && is_between(&b->top_p, 0, 1) && is_between(&b->min_p, 0, 1));
    MUST(b->top_logprobs >= 0 && b->top_logprobs <= 20 && (b->logprobs || !b->top_logprobs));
    MUST(b->stream || !b->include_usage);
}

static UNUSED int fuzz_server_body(const uint8_t *data, size_t size) {
    const gen_bounds bounds = {8, 16};
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    for (int chat = 0; json_is_object(json) && chat < 2; chat++) {
        gen_body b;
        gen_fault fault;
        if (gen_body_read(&b, json, chat, &bounds, &fault))
            check_body(&b, chat, &bounds);
        else
            MUST(*fault.code && *fault.message && memchr(fault.param, 0, sizeof fault.param));
        gen_body_free(&b);
    }
    json_decref(json);
    return 0;
}

/* No one signs with this secret: nothing may be accepted. */
static UNUSED int fuzz_server_token(const uint8_t *data, size_t size) {
    static const unsigned char secret[] = "a secret that no input knows";
    char customer[SHOP_ID_BYTES + 1], *token = malloc(size + 1);
    MUST(token);
    memcpy(token, data, size);
    token[size] = 0;
    MUST(!token_verify(secret, sizeof secret - 1, token, 0, customer));
    free(token);
    return 0;
}

#endif
