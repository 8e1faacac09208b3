/* One call of /v1/chat/completions or /v1/completions: what generation.c submits and generation_answer.c answers. */
#ifndef TOOLS_SERVER_GENERATION_H
#define TOOLS_SERVER_GENERATION_H

#include "gen_body.h"
#include "generate.h"

typedef struct generation generation;

/* One completion of one prompt: a request of the engine. */
typedef struct choice {
    listener listener;
    generation *generation;
    llmcs_request *request;
    size_t prompt; /* of generation.inputs */
    /* Of the thread that answers: */
    llmcs_status status;  /* with message, once done */
    llmcs_result *result; /* NULL: failed */
    llmcs_top_token *top; /* [n_ids, top_logprobs] of top_logprobs.c, or NULL: the result's own */
    char message[256];
    bool done, skip_spaces, begun;
    size_t sent;            /* bytes of the text of a stream that is sent whole */
    size_t characters;      /* of the text that is sent, of a stream with log-probabilities */
    buffer text;            /* of such a stream: what has been read and is not sent */
    size_t n_tokens;        /* of it: tokens that are sent */
    int32_t before;         /* the last one of them */
    llmcs_decoder *decoder; /* of it; its piece is the next token's, once has_piece */
    bool has_piece;
    const char *piece;
    size_t piece_bytes;
} choice;

/* A prompt as it is submitted. */
typedef struct gen_input {
    const char *text; /* NULL: ids */
    size_t len;
    char *owned;
    const int32_t *ids;
    int32_t *owned_ids;
    size_t n_ids;
} gen_input;

struct generation {
    exchange *exchange; /* which owns the generation */
    served *model;
    gen_body body;
    bool chat, templated; /* templated: the prompt template leaves a space before the answer */
    bool whole;           /* a stream whose text is sent when it is complete: of beams */
    char id[40];
    int64_t created;
    llmcs_generate_params params;
    llmcs_grammar *grammar;
    const char **stop;
    gen_input *inputs; /* [n_inputs] */
    size_t n_inputs;
    choice *choices; /* [n_choices] input by input */
    size_t n_choices;
    char *chunk_head; /* of a stream: the members that all its chunks share */
    size_t chunk_head_bytes;
    uint64_t sent_ns; /* when the last pieces went out */

    pthread_mutex_t lock;
    size_t n_submitted, n_finished; /* under the lock */
    bool all_submitted, failed;     /* likewise; failed: answered with an error, what runs is cancelled */
    bool complete;                  /* atomically: results and top tokens are there */
};

/* generation_answer.c. On an HTTP thread, for exchange.on_pull. */
void generation_pull(exchange *x);
/* Called when all choices are finished: answers, or ends the stream. */
void generation_complete(generation *g);
/* Writes "chatcmpl-..." and the other members that all chunks share. False: no memory. */
bool generation_prepare_stream(generation *g);

/* top_logprobs.c. Fills choice.top of all choices. */
llmcs_status top_logprobs_compute(generation *g);

#endif
