/* Generation: what models.c, grammars.c and the api_generate files share. */
#ifndef TOOLS_SERVER_GENERATE_H
#define TOOLS_SERVER_GENERATE_H

#include "server.h"

/* llmcs_submit_options.user of a request: called on the model's event thread when the request has news, and once with
 * finished, after which the listener may be freed. */
typedef struct listener {
    void (*on_event)(struct listener *l, bool finished);
} listener;

/* events.c. The thread of a served model with an engine: calls listeners until the engine stops. */
void *events_follow(void *served_model);

/* grammars.c. Grammars of JSON schemas, which requests of one model repeat: the last ones are kept. */
typedef struct grammars grammars;
grammars *grammars_create(void);
void grammars_free(grammars *g);
/* Stays valid until grammars_release. */
llmcs_status grammars_get(grammars *g, const llmcs_tokenizer *tokenizer, const char *schema, llmcs_grammar **grammar);
void grammars_release(grammars *g, llmcs_grammar *grammar);

#endif
