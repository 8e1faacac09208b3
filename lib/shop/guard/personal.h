/*
 * Which tables hold personal data, how a customer's rows are erased, and which rows get too old. A table that is not
 * listed makes llmcs_shop_forget fail: erasing in part would be worse.
 */
#ifndef SHOP_GUARD_PERSONAL_H
#define SHOP_GUARD_PERSONAL_H

#include "shop/store/connection.h"

/* What the parameters of a statement are. */
typedef enum shop_erase_by {
    SHOP_ERASE_NOTHING = 0, /* no statement */
    SHOP_ERASE_BY_ROW,      /* ?1 the customer's row in `customers` */
    SHOP_ERASE_BY_ID,       /* ?1 the customer's id */
    SHOP_ERASE_RENAME       /* ?1 the row, ?2 the random name that takes the place of the id */
} shop_erase_by;

typedef struct shop_personal_table {
    const char *table;
    const char *action; /* "deleted", "pseudonymised", "kept"; NULL: no personal data */
    const char *why;    /* or NULL */
    shop_erase_by by;
    const char *erase;   /* changes the customer's rows of the table; of "kept" it counts them: SELECT */
    const char *prune;   /* deletes the rows before ?1; NULL: the table has no retention */
    const char *days_of; /* the table whose retention holds for `prune`; NULL: this one */
} shop_personal_table;

/* Whether a server has the table, where a store has one. */
bool shop_personal_is_shared(const char *table);

/* In the order in which a customer is erased: what refers to a row goes before it. */
extern const shop_personal_table shop_personal_tables[];
extern const size_t shop_n_personal_tables;

/* Full-text indexes keep the words of deleted rows until they are merged: merges them. */
llmcs_status shop_personal_tidy(shop_connection *c);

/* INTERNAL if the store, or the server, has a table that is not listed. */
llmcs_status shop_personal_check(shop_connection *c);

#endif
