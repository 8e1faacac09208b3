/* Control tokens and forged speaker lines, which an attacker uses to speak as the model or the system. */
#ifndef SHOP_GUARD_TOKENS_H
#define SHOP_GUARD_TOKENS_H

#include "shop/guard/word_list.h"

/* Adds hits for <|im_start|>, [INST], <<SYS>>, ### Instruction and the like, and for lines such as "Bot: ..." after a
 * line end. starts_text: the view begins where the text does. */
llmcs_status shop_find_control_tokens(const llmcs_allocator *a, const shop_text_view *view, bool starts_text,
                                      shop_word_scratch *scratch);

#endif
