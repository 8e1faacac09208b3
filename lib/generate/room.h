/*
 * What a token is chosen in. Nothing of it outlives the choice, so that one for each thread that chooses is enough,
 * whatever the number of sequences, and stays in that thread's cache.
 */
#ifndef LL_GENERATE_ROOM_H
#define LL_GENERATE_ROOM_H

#include "generate/filter.h"

typedef struct ll_choosing_room {
    ll_scores scores;
    uint32_t *counts; /* [vocab] of tokens, for processors; all zero between calls */
    ll_filter_room filter;
} ll_choosing_room;

/* drawn: tokens will be drawn, too, not only the most probable taken. */
llmcs_status ll_choosing_room_init(ll_choosing_room *room, const llmcs_allocator *a, size_t vocab, bool drawn);
void ll_choosing_room_free(ll_choosing_room *room, const llmcs_allocator *a);

/* Of one for drawn tokens. */
uint64_t ll_choosing_room_bytes(size_t vocab);

#endif
