/* Feedback inside the library: what an accepted suggestion leaves behind. */
#ifndef SHOP_LEARN_FEEDBACK_H
#define SHOP_LEARN_FEEDBACK_H

#include "shop/store/store.h"

/* Inside a write: stores a row. Texts must be masked. ARG with a reason if it is not valid. */
llmcs_status shop_feedback_insert(llmcs_shop *shop, shop_connection *c, const llmcs_shop_feedback *row);

/* Makes the vectors of texts whose reply was sent and that have none. Not inside a transaction; nothing without an
 * encoder. */
llmcs_status shop_feedback_make_vectors(llmcs_shop *shop);

/* "zh" if the text has Han characters, else "en". */
const char *shop_lang_of(const char *text, size_t n);

#endif
