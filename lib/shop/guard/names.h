/* Placeholders of one conversation and their values. */
#ifndef SHOP_GUARD_NAMES_H
#define SHOP_GUARD_NAMES_H

#include "shop/base/alloc.h"

/* Kinds of placeholders: those of llmcs_shop_pii, and last, text that looked like a placeholder. */
enum { SHOP_PII_KINDS = LLMCS_PII_COMPANY_ID + 1, SHOP_NAME_TEXT = SHOP_PII_KINDS, SHOP_NAME_KINDS };

/* "COMPANY_ID_" and 9 digits fit. */
enum { SHOP_NAME_BYTES = 32, SHOP_NAME_MAX_NUMBER = 999999999 };

/* "PHONE", "TEXT"; kind below SHOP_NAME_KINDS. */
const char *shop_name_kind(uint32_t kind);

/* Writes "PHONE_1" and a NUL. Returns the length without the NUL. */
size_t shop_name_print(uint32_t kind, uint32_t number, char out[SHOP_NAME_BYTES]);

/* Parses "<PHONE_1>" at the start of text. Returns its length, or 0. Numbers have 1 to 9 digits and no leading zero. */
size_t shop_name_parse(const char *text, size_t text_bytes, uint32_t *kind, uint32_t *number);

/* Finds the placeholder of the value, or adds one, and returns its number. */
llmcs_status shop_names_find_or_add(llmcs_shop_names *names, uint32_t kind, const char *value, size_t value_bytes,
                                    uint32_t *number);

/* Saves new names to the vault, if there is one. *taken: another process has used one of these placeholders; the new
 * names are then dropped and the vault's loaded, so mask the text again. */
llmcs_status shop_names_save(llmcs_shop_names *names, bool *taken);

/* The value of a placeholder, or NULL. Valid until a value is added. */
const char *shop_names_value(const llmcs_shop_names *names, uint32_t kind, uint32_t number, size_t *value_bytes);

#endif
