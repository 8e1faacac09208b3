/* The prompt template for facts and conversation: that of shop-gpt2, or of a folder's prompt_template.json. */
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

/* Reads folder/prompt_template.json; uses the template of shop-gpt2 if there is no such file or folder is NULL. Errors:
 * NOMEM IO FORMAT LIMIT. Call shop_prompt_form_free even after a failure. */
llmcs_status shop_prompt_form_read(const llmcs_allocator *a, const char *folder, shop_prompt_form *form);
void shop_prompt_form_free(const llmcs_allocator *a, shop_prompt_form *form);

/* Appends an untrusted text: line ends, control characters and runs of spaces become one space, invalid UTF-8 becomes
 * U+FFFD, and "Bot:", "User:", "Facts:" and the like lose their colon. */
llmcs_status shop_text_add_clean(shop_text *t, const char *bytes, size_t n);

/* "key: value; key: value. entry" */
llmcs_status shop_prompt_facts(const shop_wording_request *r, shop_text *facts);

/* The whole prompt, with the last `n_turns` turns of the history. */
llmcs_status shop_prompt_make(const shop_prompt_form *form, const shop_wording_request *r, const shop_text *facts,
                              size_t n_turns, shop_text *prompt);

#endif
