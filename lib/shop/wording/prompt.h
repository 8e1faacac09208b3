/* The form in which a decoder gets facts and conversation: shop-gpt2's, or that of a folder's prompt_template.json. */
#ifndef SHOP_WORDING_PROMPT_H
#define SHOP_WORDING_PROMPT_H

#include "shop/base/text.h"
#include "shop/wording/wording.h"

enum { SHOP_PROMPT_STOPS = 8 };

typedef struct shop_prompt_form {
    char *system_before, *system_after;    /* around the facts: "Facts: ", "\n" */
    char *before, *between, *after;        /* around message and reply: "User: ", "\nBot: ", "\n" */
    char *stop_strings[SHOP_PROMPT_STOPS]; /* [n_stop_strings] */
    size_t n_stop_strings;
} shop_prompt_form;

/* Reads folder/prompt_template.json; without the file, or with folder NULL, the form of shop-gpt2. Errors: NOMEM IO
 * FORMAT LIMIT. shop_prompt_form_free frees it, after a failure, too. */
llmcs_status shop_prompt_form_read(const llmcs_allocator *a, const char *folder, shop_prompt_form *form);
void shop_prompt_form_free(const llmcs_allocator *a, shop_prompt_form *form);

/* Adds a text of others: line ends, control characters and runs of spaces become one space, bytes that are not UTF-8
 * U+FFFD, and "Bot:", "User:", "Facts:" and their like lose the colon. */
llmcs_status shop_text_add_clean(shop_text *t, const char *bytes, size_t n);

/* "key: value; key: value. entry" */
llmcs_status shop_prompt_facts(const shop_wording_request *r, shop_text *facts);

/* The whole prompt, with the last `n_turns` turns of the history. */
llmcs_status shop_prompt_make(const shop_prompt_form *form, const shop_wording_request *r, const shop_text *facts,
                              size_t n_turns, shop_text *prompt);

#endif
