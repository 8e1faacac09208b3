/* The answer and its memory, for reply.c and write.c. */
#ifndef SHOP_KNOWLEDGE_REPLY_MEMORY_H
#define SHOP_KNOWLEDGE_REPLY_MEMORY_H

#include "shop/base/arena.h"
#include "shop/knowledge/reply.h"

struct shop_reply {
    llmcs_shop_answer answer; /* first: the caller's pointer is to it */
    shop_arena memory;
    llmcs_shop_candidate *candidates; /* what answer.candidates point to */
    size_t question_index[SHOP_MAX_CANDIDATES];
    size_t first; /* the candidate that answers */
};

/* Replaces the reply by one that stands on the answer of candidate `first`. */
llmcs_status shop_reply_set_generated(shop_reply *reply, size_t first, const char *text, size_t n);

#endif
