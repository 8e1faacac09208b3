/* Placeholders of one conversation and their values. */
#ifndef SHOP_GUARD_NAMES_H
#define SHOP_GUARD_NAMES_H

#include "shop/base/alloc.h"

/* Kinds as placeholders name them: those of llmcs_shop_pii and, last, text that looked like a placeholder. */
enum { SHOP_PII_KINDS = LLMCS_PII_COMPANY_ID + 1, SHOP_NAME_TEXT = SHOP_PII_KINDS, SHOP_NAME_KINDS };

/* "COMPANY_ID_" and 9 digits fit. */
enum { SHOP_NAME_BYTES = 32, SHOP_NAME_MAX_NUMBER = 999999999 };

/* "PHONE", "TEXT"; kind below SHOP_NAME_KINDS. */
const char *shop_name_kind(uint32_t kind);

/* Writes "PHONE_1" with its NUL and returns its bytes without it. */
size_t shop_name_print(uint32_t kind, uint32_t number, char out[SHOP_NAME_BYTES]);

/* Reads "<PHONE_1>" at the start of text: its bytes, or 0. Numbers are 1 to 9 digits without a leading zero. */
size_t shop_name_parse(const char *text, size_t text_bytes, uint32_t *kind, uint32_t *number);

/* The number of the placeholder that stands for the value; a new one if there is none yet. */
llmcs_status shop_names_find_or_add(llmcs_shop_names *names, uint32_t kind, const char *value, size_t value_bytes,
                                    uint32_t *number);

/* Writes what is new into the vault, if the names have one. *taken: another process took one of these placeholders
 * meanwhile; the new ones are then forgotten and the vault's loaded, so mask again. */
llmcs_status shop_names_save(llmcs_shop_names *names, bool *taken);

/* The value of a placeholder, or NULL. Valid until a value is added. */
const char *shop_names_value(const llmcs_shop_names *names, uint32_t kind, uint32_t number, size_t *value_bytes);

#endif
