/*
 * Lists the tables with personal data, how a customer's rows are erased, and how old rows are removed. If a table is
 * not listed, llmcs_shop_forget fails rather than erase only a part.
 */
#ifndef SHOP_GUARD_PERSONAL_H
#define SHOP_GUARD_PERSONAL_H

#include "shop/store/connection.h"

/* Parameters of a table's `erase` statement. */
typedef enum shop_erase_by {
    SHOP_ERASE_NOTHING = 0, /* no statement */
    SHOP_ERASE_BY_ROW,      /* ?1 the customer's row in `customers` */
    SHOP_ERASE_BY_ID,       /* ?1 the customer's id */
    SHOP_ERASE_RENAME       /* ?1 the row, ?2 the random name that replaces the id */
} shop_erase_by;

typedef struct shop_personal_table {
    const char *table;
    const char *action; /* "deleted", "pseudonymised", "kept"; NULL: no personal data */
    const char *why;    /* or NULL */
    shop_erase_by by;
    const char *erase;   /* changes the customer's rows; for "kept", a SELECT that counts them */
    const char *prune;   /* deletes rows older than ?1; NULL: the table has no retention */
    const char *days_of; /* table whose retention applies to `prune`; NULL: this one */
} shop_personal_table;

/* True if the table is on the server when a store uses one. */
bool shop_personal_is_shared(const char *table);

/* In the order of erasure: rows that refer to another row come before it. */
extern const shop_personal_table shop_personal_tables[];
extern const size_t shop_n_personal_tables;

/* Merges the full-text indexes, which keep the words of deleted rows until then. */
llmcs_status shop_personal_tidy(shop_connection *c);

/* INTERNAL if the store, or the server, has a table that is not listed. */
llmcs_status shop_personal_check(shop_connection *c);

#endif
