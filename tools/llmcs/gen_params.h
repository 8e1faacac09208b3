/* Generation parameters by their Transformers names: one table for command-line options and keys of JSON Lines. */
#ifndef TOOLS_LLMCS_GEN_PARAMS_H
#define TOOLS_LLMCS_GEN_PARAMS_H

#include "prompt_template.h"

/* Lists of ids that are parameters. */
enum { GEN_SUPPRESS, GEN_BEGIN_SUPPRESS, GEN_FORCED_BOS, GEN_FORCED_EOS, GEN_DECODER_INPUT, GEN_N_ID_LISTS };

/* llmcs_generate_params with the lists that came from the command line or a request. */
typedef struct gen_params {
    llmcs_generate_params params;
    bool parse_special, greedy;
    cli_strings stop;                   /* of the command line */
    const char *eos;                    /* of the command line: "id,id,..." */
    const char *listed[GEN_N_ID_LISTS]; /* of the command line: "id,id,..." */
    const char *decay;                  /* of the command line: "start,factor" */
    const char *negative_prompt;
    const char *schema_file, *regex; /* of the command line */
    cli_strings choices;             /* of the command line */
    const char *template;            /* --template */
    const char *system;              /* --system */
    /* Owned: */
    int32_t *eos_ids;
    llmcs_ids *bad_words;
    size_t n_bad_words;
    llmcs_logit_bias *bias;
    const char **stop_strings;
    int32_t *lookup_ids;
    int32_t *id_lists[GEN_N_ID_LISTS]; /* suppress_tokens and the like */
    int32_t *negative_ids;
    llmcs_grammar *grammar;
    llmcs_sequence_bias *sequence_bias;
    size_t n_sequence_bias;
    const char *file; /* --file of translate */
    /* Of many lines alone: */
    int32_t n_ctx;     /* also of generate and chat; 0: the library's default */
    uint64_t kv_bytes; /* 0: the engine's default */
    int32_t max_batch; /* 0: the engine's default */
} gen_params;

/* gen_options.c: [GEN_FIRST_KEY, GEN_CHAT_KEYS) and [GEN_CHAT, GEN_KEYS) are keys of a request, too. [0, GEN_CHAT) are
 * the options of a chat, [0, GEN_GENERATE) those of generate, [GEN_TRANSLATE, GEN_ALL) those of translate. */
enum {
    GEN_TRANSLATE = 2,
    GEN_FIRST_KEY = GEN_TRANSLATE,
    GEN_CHAT_KEYS = 29,
    GEN_CHAT = 41,
    GEN_KEYS = 51,
    GEN_GENERATE = 53,
    GEN_ALL = 54
};
extern const cli_option gen_options[];

/* -1, or the exit code after an error message if options contradict each other. */
int gen_check_options(const cli_command *command, const cli_common *common, const gen_params *g);
/* Sets the folder's defaults, then the command line's values. Returns EXIT_DONE, or the exit code after a message. */
int gen_read_options(const cli_command *command, const cli_common *common, const llmcs_model *model, gen_params *g);
/* Adds the template's stop strings to those there are. False: no memory. */
bool gen_add_stop_strings(gen_params *g, const prompt_template *t);
/* Sets negative_prompt_ids, which must be empty, to the text's ids. Errors: as llmcs_encode. */
llmcs_status gen_set_negative(gen_params *g, const llmcs_model *model, const char *text, size_t len);
/* "json_schema" (an object), "regex" or "choices" of a request become its grammar. */
llmcs_status gen_set_grammar(gen_params *g, const llmcs_model *model, const json_t *request);
void gen_free(gen_params *g);

/* gen_request.c. Defaults of `base`, then the keys of the request; max_tokens and stop are other names of
 * max_new_tokens and stop_strings. Keys in `also` (NULL-terminated) are the caller's; any other unknown key is an ARG,
 * and so is parse_special unless the command line allows it. Free with gen_free whatever the result. */
llmcs_status gen_from_request(gen_params *g, const gen_params *base, const json_t *request, const char *const *also);

#endif
