/* The chat templates of a model folder or GGUF file as text, and the text of its special tokens. */
#ifndef LL_FORMATS_CHAT_TEMPLATE_H
#define LL_FORMATS_CHAT_TEMPLATE_H

#include "base/arena.h"
#include "formats/source.h"

#define LL_MAX_CHAT_TEMPLATES 16
#define LL_MAX_CHAT_TEMPLATE_BYTES ((size_t)512 << 10)

typedef struct ll_chat_template {
    const char *name; /* "default", "tool_use", "rag" */
    const char *file; /* for messages */
    const char *text;
    size_t n;
} ll_chat_template;

/* The names of special tokens in templates: bos_token, eos_token, ... */
#define LL_N_CHAT_TOKENS 7
extern const char *const ll_chat_token_names[LL_N_CHAT_TOKENS];

typedef struct ll_chat_files {
    ll_arena arena; /* owns everything below */
    ll_chat_template templates[LL_MAX_CHAT_TEMPLATES];
    size_t n_templates;
    const char *tokens[LL_N_CHAT_TOKENS]; /* NULL: none */
    size_t token_bytes[LL_N_CHAT_TOKENS];
} ll_chat_files;

/* Searches as Transformers 4.51 does: chat_template.jinja takes precedence over chat_template in tokenizer_config.json,
 * which is a string or a list of {name, template}; without either, chat_template.json (written for processors) is read.
 * Later versions write named templates to chat_templates/NAME.jinja: this looks for tool_use, rag and `wanted` (or
 * NULL). A GGUF file without embedded folder files has tokenizer.chat_template, and tokenizer.chat_template.NAME for
 * each name in tokenizer.chat_templates. Finding no template is not an error. On failure there is nothing to free. */
llmcs_status ll_chat_files_read(ll_chat_files *f, const llmcs_allocator *a, const ll_source *source,
                                const char *wanted);
void ll_chat_files_free(ll_chat_files *f);

#endif
