/* What the put functions share: rows are checked one by one, refused ones are reported after the transaction. */
#ifndef SHOP_STORE_ROWS_H
#define SHOP_STORE_ROWS_H

#include "shop/store/store.h"

enum { SHOP_ID_BYTES = 200, SHOP_WORD_BYTES = 1000, SHOP_TEXT_BYTES = 65536 };

/* ARG with "what ..." unless `text` is NUL-terminated UTF-8 of `least` to `most` bytes without control characters other
 * than line ends and tabs. NULL is valid if `least` is 0. */
llmcs_status shop_check_text(const char *what, const char *text, size_t least, size_t most);
llmcs_status shop_check_id(const char *what, const char *id);
/* "", or a language tag: letters, digits and dashes, at most 35 bytes, beginning with a letter. */
llmcs_status shop_check_lang(const char *lang);

/* ARG with "what ..." and the text unless `json` is NULL or a JSON object. */
llmcs_status shop_check_json_object(shop_connection *c, const char *what, const char *json);

/* A JSON array of strings, allocated; checks the strings. */
llmcs_status shop_tags_json(const llmcs_allocator *a, const char *const *tags, size_t n, char **json);

/* One put: the rows that were refused. */
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

/* True if a row failed by itself, and the others can go on: not for want of memory, disk or a sound file. */
bool shop_is_refusal(llmcs_status status);
/* Keeps this thread's message as the reason for `row`. */
llmcs_status shop_refuse(shop_refusals *refusals, size_t row, llmcs_status status);
/* Calls `refused` for each, and frees all. refused: NULL only frees. */
void shop_refusals_report(shop_refusals *refusals, llmcs_shop_refused_fn refused, void *user);

/* A put function is this loop over `put_row`, which checks and stores items[row]. */
typedef llmcs_status (*shop_put_row)(llmcs_shop *shop, shop_connection *c, const void *item, int64_t change);
llmcs_status shop_put_rows(llmcs_shop *shop, const char *what, const void *const *items, size_t n, shop_put_row put_row,
                           llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* The same for customers and orders, which may be on a server: see shared.h. */
llmcs_status shop_put_shared_rows(llmcs_shop *shop, const char *what, const void *const *items, size_t n,
                                  shop_put_row put_row, llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* The row of customer `id`, which is added if it is new. On a server the caller has locked the customer or the store,
 * so that no other node adds the same. */
llmcs_status shop_customer_row(shop_connection *c, const char *id, int64_t *row);

#endif
