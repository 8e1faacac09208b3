/* The answer and its memory, for reply.c and write.c. */
#ifndef SHOP_KNOWLEDGE_REPLY_MEMORY_H
#define SHOP_KNOWLEDGE_REPLY_MEMORY_H

#include "shop/knowledge/reply.h"

struct shop_reply {
    llmcs_shop_answer answer; /* first: the caller's pointer is to it */
    llmcs_allocator allocator;
    void *blocks;                     /* freed with it */
    llmcs_shop_candidate *candidates; /* what answer.candidates point to */
    size_t question_index[SHOP_MAX_CANDIDATES];
    size_t first; /* the candidate that answers */
};

/* Zeroed memory that lives as long as the answer. */
llmcs_status shop_reply_alloc(shop_reply *reply, size_t count, size_t size, void *out);
llmcs_status shop_reply_copy(shop_reply *reply, const char *text, size_t n, const char **out);

/* Replaces the reply by one that stands on the answer of candidate `first`. */
llmcs_status shop_reply_set_generated(shop_reply *reply, size_t first, const char *text, size_t n);

#endif
