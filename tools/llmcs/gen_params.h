/* Generation parameters by their Transformers names: one table for command-line options and JSON keys. */
#ifndef TOOLS_LLMCS_GEN_PARAMS_H
#define TOOLS_LLMCS_GEN_PARAMS_H

#include "cli.h"

/* llmcs_generate_params with room for the lists that came with a request. */
typedef struct gen_params {
    llmcs_generate_params params;
    bool parse_special, greedy;
    cli_strings stop; /* from the command line */
    const char *eos;  /* from the command line: "id,id,..." */
    int32_t *eos_ids; /* owned, like everything below */
    llmcs_ids *bad_words;
    size_t n_bad_words;
    llmcs_logit_bias *bias;
    const char **stop_strings;
    int32_t *lookup_ids;
    /* Of `generate --jsonl` alone: */
    uint64_t kv_bytes; /* 0: the engine's default; so below */
    int32_t max_batch;
} gen_params;

extern const cli_option gen_options[];
extern const size_t gen_n_options;      /* those that are parameters, keys of a request too */
extern const size_t gen_n_many_options; /* with those of `generate` */

/* Fills in the lists that the command line gave. Returns EXIT_OK or EXIT_USAGE. */
int gen_finish_options(gen_params *g);

/* Defaults of `base`, then the keys of the request. Keys in `also` (NULL-terminated) are the caller's; any other
 * unknown key is an ARG. Free with gen_free whatever the result. */
llmcs_status gen_from_request(gen_params *g, const llmcs_generate_params *base, const json_t *request,
                              const char *const *also);
void gen_free(gen_params *g);

#endif
