/* Feedback inside the library, shared with lib/shop/assist. */
#ifndef SHOP_LEARN_FEEDBACK_H
#define SHOP_LEARN_FEEDBACK_H

#include "shop/store/store.h"

/* Stores a row, whose texts must be masked. Must be called inside a write. ARG with a reason if it is not valid. */
llmcs_status shop_feedback_insert(llmcs_shop *shop, shop_connection *c, const llmcs_shop_feedback *row);

/* Embeds the texts whose reply was sent and that have no vector yet. Must be called outside transactions. Does nothing
 * without an encoder. */
llmcs_status shop_feedback_make_vectors(llmcs_shop *shop);

/* "zh" if the text has Han characters, else "en". */
const char *shop_lang_of(const char *text, size_t n);

#endif
