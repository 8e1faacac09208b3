/* A model's chat templates, compiled. */
#ifndef LL_CHAT_CHAT_H
#define LL_CHAT_CHAT_H

#include "chat/program.h"
#include "formats/chat_template.h"

#define LL_CHAT_MAGIC 0x6c6c6374u           /* "llct" */
#define LL_CHAT_MAX_JSON ((size_t)64 << 20) /* bytes of one JSON text */

struct llmcs_chat {
    uint32_t magic;
    llmcs_allocator allocator;
    ll_program programs[LL_MAX_CHAT_TEMPLATES];
    const char *names[LL_MAX_CHAT_TEMPLATES]; /* in `files` */
    size_t n_programs;
    bool chosen;         /* the caller selected one by name; it is the only one */
    ll_chat_files files; /* its tokens */
};

/* ARG for NULL, STATE for an object that was freed. */
llmcs_status ll_chat_check(const llmcs_chat *chat);

/* All tokens of a prompt; free them with ll_encode_mixed_free. */
llmcs_status ll_chat_encode(const llmcs_chat *chat, const llmcs_tokenizer *tokenizer, const llmcs_chat_prompt *prompt,
                            int32_t **ids, size_t *n_ids);

#endif
