/* The chat templates of a model folder or GGUF file as text, and what its special tokens are called. */
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

/* By the names that templates know them by: bos_token, eos_token, ... */
#define LL_N_CHAT_TOKENS 7
extern const char *const ll_chat_token_names[LL_N_CHAT_TOKENS];

typedef struct ll_chat_files {
    ll_arena arena; /* holds all of it */
    ll_chat_template templates[LL_MAX_CHAT_TEMPLATES];
    size_t n_templates;
    const char *tokens[LL_N_CHAT_TOKENS]; /* NULL: none */
    size_t token_bytes[LL_N_CHAT_TOKENS];
} ll_chat_files;

/* As Transformers 4.51 finds them: chat_template.jinja outranks tokenizer_config.json's chat_template, a string or a
 * list of {name, template}. Where neither is, chat_template.json (of processors). chat_templates/NAME.jinja, which
 * later versions write, are named ones: tool_use, rag, and `wanted` (or NULL) are looked for. A GGUF file that carries
 * none of the folder's: tokenizer.chat_template, and by the names in tokenizer.chat_templates
 * tokenizer.chat_template.NAME. No template is no error. On failure there is nothing to free. */
llmcs_status ll_chat_files_read(ll_chat_files *f, const llmcs_allocator *a, const ll_source *source,
                                const char *wanted);
void ll_chat_files_free(ll_chat_files *f);

#endif
