/* The answer and its memory, shared by reply.c and write.c. */
#ifndef SHOP_KNOWLEDGE_REPLY_MEMORY_H
#define SHOP_KNOWLEDGE_REPLY_MEMORY_H

#include "shop/base/arena.h"
#include "shop/knowledge/reply.h"

struct shop_reply {
    llmcs_shop_answer answer; /* first member, so the caller's pointer is the block's */
    shop_arena memory;
    llmcs_shop_candidate *candidates; /* targets of answer.candidates */
    size_t question_index[SHOP_MAX_CANDIDATES];
    size_t first; /* index of the candidate that answers */
};

/* Replaces the reply's text by one based on the answer of candidate `first`. */
llmcs_status shop_reply_set_generated(shop_reply *reply, size_t first, const char *text, size_t n);

#endif
