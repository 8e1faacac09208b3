/*
 * Maps traditional Han characters to simplified ones for comparing texts: customers write 退貨 where the shop's entries
 * say 退货. Used for matching only; texts are shown and stored unchanged.
 */
#ifndef SHOP_BASE_HAN_H
#define SHOP_BASE_HAN_H

#include <stddef.h>
#include <stdint.h>

#include "shop/base/status.h"

/* The simplified form of a traditional character; c itself for all others. */
uint32_t shop_simplified(uint32_t c);

/* Converts UTF-8 in place. Both forms have three bytes, so offsets stay the same; ill-formed bytes are left alone.
 * Returns the number of characters changed. */
size_t shop_simplify(char *text, size_t n);

/* llmcs_embed of the simplified texts. vectors: [n_texts, n_embedding]. */
llmcs_status shop_embed_simplified(llmcs_model *encoder, const llmcs_allocator *a, const llmcs_text *texts,
                                   size_t n_texts, const llmcs_text_params *params, float *vectors);

#endif
