/*
 * Traditional Han characters as simplified ones, for comparing texts: customers write 退貨 where the shop's entries say
 * 退货. Nothing that is shown or stored passes through here.
 */
#ifndef SHOP_BASE_HAN_H
#define SHOP_BASE_HAN_H

#include <stddef.h>
#include <stdint.h>

#include "shop/base/status.h"

/* The simplified character of a traditional one, else c. */
uint32_t shop_simplified(uint32_t c);

/* In place, in UTF-8: both have three bytes, so offsets stay. Ill-formed bytes stay as they are. Returns how many
 * characters changed. */
size_t shop_simplify(char *text, size_t n);

/* llmcs_embed of the texts as simplified ones. vectors: [n_texts, n_embedding]. */
llmcs_status shop_embed_simplified(llmcs_model *encoder, const llmcs_allocator *a, const llmcs_text *texts,
                                   size_t n_texts, const llmcs_text_params *params, float *vectors);

#endif
