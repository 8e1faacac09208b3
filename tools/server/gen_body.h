/* What a body of /v1/chat/completions or /v1/completions requests: a pure function of its JSON. */
#ifndef TOOLS_SERVER_GEN_BODY_H
#define TOOLS_SERVER_GEN_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "llmcs.h"

/* Most alternatives of a token, as the library's params.top_logprobs. */
enum { GEN_MAX_TOP = 20 };

typedef struct gen_prompt {
    const char *text; /* of the JSON; NULL: ids */
    size_t len;
    int32_t *ids; /* [n_ids] owned */
    size_t n_ids;
} gen_prompt;

/* Optional numbers of a request. */
typedef struct gen_number {
    bool given;
    double value;
} gen_number;

typedef struct gen_body {
    const char *model;
    json_t *messages;    /* chat: [{"role": "system", "user" or "assistant", "content": "..."}], owned */
    gen_prompt *prompts; /* [n_prompts] completions */
    size_t n_prompts;
    size_t n; /* choices of each prompt */
    bool stream, include_usage, echo;
    int32_t max_tokens; /* 0: not given */
    gen_number temperature, top_p, top_k, min_p, presence_penalty, frequency_penalty, repetition_penalty;
    bool has_seed;
    uint64_t seed;
    const char **stop; /* [n_stop] strings of the JSON */
    size_t n_stop;
    llmcs_logit_bias *bias; /* [n_bias] */
    size_t n_bias;
    bool logprobs;
    int32_t top_logprobs;
    char *schema;    /* JSON schema of the answer, owned; NULL: none */
    char *variables; /* chat_template_kwargs, owned; NULL: none */
} gen_body;

/* Why a body is refused. */
typedef struct gen_fault {
    const char *code;
    char param[80], message[240];
} gen_fault;

typedef struct gen_bounds {
    size_t max_prompts, max_choices;
} gen_bounds;

/* Numbers and lists are checked, and every key is known: what this server does not do is refused by its name. `body`
 * must outlive the result. Free with gen_body_free, also after a failure. */
bool gen_body_read(gen_body *b, const json_t *body, bool chat, const gen_bounds *bounds, gen_fault *fault);
void gen_body_free(gen_body *b);

/* "input" of embeddings, "prompt" of completions: a string, a list of strings, a list of token ids, or a list of such
 * lists. Allocated; free with gen_prompts_free, also after a failure. */
bool gen_prompts_read(const json_t *value, const char *key, size_t max, gen_prompt **prompts, size_t *n,
                      gen_fault *fault);
void gen_prompts_free(gen_prompt *prompts, size_t n);

#endif
