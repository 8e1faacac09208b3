/* Shared by the put functions: rows are checked one by one, and refused ones are reported after the transaction. */
#ifndef SHOP_STORE_ROWS_H
#define SHOP_STORE_ROWS_H

#include "shop/store/name.h"
#include "shop/store/store.h"

enum { SHOP_WORD_BYTES = 1000, SHOP_TEXT_BYTES = 65536 };

/* ARG with "what ..." unless `text` is NUL-terminated UTF-8 of `least` to `most` bytes without control characters other
 * than line ends and tabs. NULL is valid if `least` is 0. */
llmcs_status shop_check_text(const char *what, const char *text, size_t least, size_t most);
/* The same of a name or id, at most SHOP_ID_BYTES: no control character at all, line ends and tabs included, which
 * would forge lines of logs, audits and lists. */
llmcs_status shop_check_name(const char *what, const char *name, size_t least);
llmcs_status shop_check_id(const char *what, const char *id); /* a name that is there */
/* "", or a language tag: letters, digits and dashes, at most 35 bytes, beginning with a letter. */
llmcs_status shop_check_lang(const char *lang);

/* ARG with "what ..." and the text unless `json` is NULL or a JSON object. */
llmcs_status shop_check_json_object(shop_connection *c, const char *what, const char *json);

/* A JSON array of strings, allocated; checks the strings. */
llmcs_status shop_tags_json(const llmcs_allocator *a, const char *const *tags, size_t n, char **json);

/* The rows that a put function refuses. */
typedef struct shop_refusal {
    size_t row;
    llmcs_status status;
    char *reason;
} shop_refusal;

typedef struct shop_refusals {
    const llmcs_allocator *allocator;
    shop_refusal *items;
    size_t n, capacity;
} shop_refusals;

/* True if the row itself is at fault, so the other rows can still be stored. */
bool shop_is_refusal(llmcs_status status);
/* Adds `row` with this thread's error message as the reason. */
llmcs_status shop_refuse(shop_refusals *refusals, size_t row, llmcs_status status);
/* Calls `refused`, unless it is NULL, for each refused row, and frees them all. */
void shop_refusals_report(shop_refusals *refusals, llmcs_shop_refused_fn refused, void *user);

/* Stores items[0..n) in one transaction; put_row checks and stores one of them. */
typedef llmcs_status (*shop_put_row)(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change);
llmcs_status shop_put_rows(llmcs_shop *shop, const char *what, const void *const *items, size_t n, shop_put_row put_row,
                           llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* The same for tables that may be on a server: see shared.h. */
llmcs_status shop_put_shared_rows(llmcs_shop *shop, const char *what, const void *const *items, size_t n,
                                  shop_put_row put_row, llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* The row of customer `id`, added if new. On a server the caller must hold the lock of the customer or the store, so
 * that no other node adds the same customer. */
llmcs_status shop_customer_row(shop_connection *c, const char *id, int64_t *row);

#endif
