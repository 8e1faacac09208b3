/*
 * llmcs_shop.h - the public interface of libllmcs_shop: what an online shop needs on top of libllmcs.
 *
 * libllmcs.so runs models; libllmcs_shop.so finds and decides with them: classify customers' texts, answer from a
 * knowledge base, recommend products, measure answers. This header includes the others, in the order most programs need
 * them.
 *
 * Rules
 *
 * - All rules of llmcs.h hold here too: statuses and llmcs_error_message(), UTF-8 with a length in bytes (LLMCS_NUL),
 *   ownership, sized structs, threads, callbacks. The library never prints, aborts, exits or installs a handler.
 * - Text that is not valid UTF-8 is read as in the core: each maximal ill-formed part becomes one U+FFFD.
 * - Everything abstains: each answer has a calibrated probability of being right and a threshold.
 * - A model passed to an object must stay open until the object is freed.
 */
#ifndef LLMCS_SHOP_H
#define LLMCS_SHOP_H

#include "llmcs.h"

#if defined(LLMCS_SHOP_BUILD) && defined(__GNUC__)
#define LLMCS_SHOP_API __attribute__((visibility("default")))
#else
#define LLMCS_SHOP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LLMCS_SHOP_VERSION_MAJOR 0
#define LLMCS_SHOP_VERSION_MINOR 4
#define LLMCS_SHOP_VERSION_PATCH 0

/* Version of the library that runs, "0.4.0". Never fails. */
LLMCS_SHOP_API const char *llmcs_shop_version(void);

/* ------------------------------------------------------------------------------------------------- store */
/*
 * A store is one SQLite file that holds what a shop knows: knowledge entries, products, customers, events, orders,
 * settings, and the vectors that an encoder made of them.
 *
 *     llmcs_shop *shop = NULL;
 *     llmcs_shop_options options;
 *     llmcs_shop_options_init(&options);
 *     options.encoder = encoder;                                        opened by llmcs_model_open; may be NULL
 *     options.flags = LLMCS_SHOP_CREATE;
 *     if (llmcs_shop_open("shop.db", &options, &shop)) { fputs(llmcs_error_message(), stderr); return 1; }
 *     ...
 *     llmcs_shop_free(&shop);
 *
 * - Any sqlite3 can read the file. Only this library should write it: a file with tables, views or triggers that this
 *   version did not make is refused, and so is a file of a newer version. Files of older versions are migrated when
 *   they are opened for writing, in one transaction.
 * - A put function writes all its rows in one transaction. Once it has returned LLMCS_OK they are on disk and survive
 *   a crash, kill -9 or a power cut; if it is interrupted earlier, none of them are stored. Invalid rows are refused
 *   one by one, each with a reason, and the others are stored.
 * - Within and across processes one call writes at a time, and any number of calls read, each from a consistent
 *   snapshot. A call that waits longer than busy_ms for another writer returns LLMCS_BUSY.
 * - Strings of items are NUL-terminated UTF-8 without control characters other than line ends and tabs; NULL where a
 *   comment says "or NULL". Ids are 1 to 200 bytes, other short strings up to 1,000, texts up to 65,536. Times are
 *   seconds since 1970-01-01 UTC.
 * - After fork(), calls in the child with the parent's handle return LLMCS_FORK, and so does opening the same store:
 *   SQLite cannot use a file that was open across fork(). Fork before you open the store, or exec. llmcs_shop_free in
 *   the child frees memory and does not touch the parent's connections.
 * - Errors of every function here: ARG NOMEM BUSY STATE FORK IO NOSPACE, FORMAT (the file is damaged or not a store),
 *   UNSUPPORTED (written by a newer version). Functions list the errors they add.
 */
typedef struct llmcs_shop llmcs_shop;

/* Flags of llmcs_shop_options. */
#define LLMCS_SHOP_CREATE 0x1u    /* creates the file if it does not exist */
#define LLMCS_SHOP_READ_ONLY 0x2u /* put functions return LLMCS_STATE; older versions are not migrated but refused */
#define LLMCS_SHOP_CHECK 0x4u     /* checks every page and index of the file first, which takes as long as reading it */

typedef struct llmcs_shop_options {
    size_t struct_size;
    llmcs_model *encoder; /* [NULL] embeds entries and products; must outlive the shop. NULL: no vectors are stored,
                             and search uses words only */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied; SQLite allocates its memory itself */
    llmcs_log_fn log;                 /* [NULL] */
    void *log_user;
    uint32_t flags;            /* [0] LLMCS_SHOP_* */
    int32_t busy_ms;           /* [5000] longest wait for another thread's or process's write; 0 to 3600000 */
    int32_t n_readers;         /* [8] concurrent read calls, 1 to 64; further ones wait */
    const uint8_t *master_key; /* [NULL: in key_file] [32] copied; see llmcs_shop_privacy.h */
    const char *key_file;      /* [NULL: STORE.key] created with mode 0600 on first use */
    const char *postgres;      /* [NULL: the setting llmcs.postgres] see below; "": SQLite only */
} llmcs_shop_options;

LLMCS_SHOP_API void llmcs_shop_options_init_sized(llmcs_shop_options *options, size_t struct_size);
#define llmcs_shop_options_init(options) llmcs_shop_options_init_sized((options), sizeof *(options))

/*
 * Several nodes on one PostgreSQL database
 *
 * `postgres`, or the setting "llmcs.postgres", is a libpq connection string ("host=db1,db2 dbname=shop user=llmcs", or
 * postgresql://...), or "file:PATH" of a file whose first line is one. Customers, orders, conversations, actions, the
 * vault and the audit are then kept in that database's schema llmcs, which the first node to open it creates.
 * Products, entries, events and everything learned stay in each node's SQLite file. The plug-in
 * libllmcs_shop_postgres.so is loaded from this library's folder.
 *
 * - All nodes must have the same STORE.key; a node with a different key is refused.
 * - Turns of one conversation run one after another, whichever nodes receive them. An action with the same key runs at
 *   most once across all nodes.
 * - Statements of flows.json are not sent to the server. The desk reads the rows of the logged-in customer and runs the
 *   statement on them and the node's products, under the same authorizer. Rows that an action changed are written back
 *   in the turn's transaction, which holds locks on them. More than 10,000 orders of one customer: LIMIT. No statement
 *   may name `events`.
 * - Opening fails with IO while the server is unreachable. A connection that is lost later is re-established, with
 *   pauses of 0.1 to 5 s between attempts; until then calls fail with IO, and the desk replies that it cannot look
 *   anything up at the moment.
 * - Within a turn, reconnecting takes at most the time left to the turn's deadline, or connect_timeout (5 s) per host
 *   if it has none; slow name resolution is not bounded. The same limit applies to waiting for the lock of the lost
 *   session, which the server releases when it notices the loss (tcp_keepalives_idle, tcp_user_timeout).
 * - libpq takes settings that are missing from the string from its environment variables and its password file. A
 *   password in the string is never logged.
 * - Calls on the file (suggestions, training, export) are audited in the file's own chain; open the store with postgres
 *   "" to list and verify it. Retention is recorded in both audits.
 * - busy_ms bounds the wait for another node's lock. The nodes' clocks must agree within a second.
 * - llmcs_shop_forget and retention cover the database and this node's file; run them on every node.
 */

/* Opens a store. options: NULL for the defaults. Errors: as above, LIMIT, NO_HEAD (the encoder has no embeddings). */
LLMCS_SHOP_API llmcs_status llmcs_shop_open(const char *path, const llmcs_shop_options *options, llmcs_shop **shop);

/* Closes the store and sets *shop to NULL. No other call may be using it. */
LLMCS_SHOP_API void llmcs_shop_free(llmcs_shop **shop);

typedef struct llmcs_shop_info {
    size_t struct_size;
    int32_t schema_version; /* of the file */
    int32_t n_embedding;    /* floats in one vector of the encoder; 0 without one */
    uint64_t fingerprint;   /* of the encoder; 0 without one */
    uint64_t n_entries;     /* not retired, in all languages */
    uint64_t n_questions;   /* of these entries */
    uint64_t n_products;
    uint64_t n_customers;
    uint64_t n_events;
    uint64_t n_orders;
    uint64_t n_vectors; /* of this encoder */
} llmcs_shop_info;

/* Counts what is stored. Set info->struct_size = sizeof *info first. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_info(llmcs_shop *shop, llmcs_shop_info *info);

/* Called after a put function's transaction, once for each refused row: its index, counted from 0, and why. `reason` is
 * NUL-terminated and valid during the call. */
typedef void (*llmcs_shop_refused_fn)(void *user, size_t row, llmcs_status status, const char *reason);

/* Title, description and attributes in one language. Frozen. */
typedef struct llmcs_shop_product_text {
    const char *lang;        /* "en", "zh", "pt-BR"; "" if unknown. Each at most once in a product */
    const char *title;       /* not empty */
    const char *description; /* or NULL */
    const char *attributes;  /* a JSON object, {"colour":"black","size":"M"}, or NULL */
} llmcs_shop_product_text;

typedef struct llmcs_shop_product {
    size_t struct_size; /* sizeof(llmcs_shop_product) */
    const char *id;
    const llmcs_shop_product_text *texts; /* [n_texts] */
    size_t n_texts;                       /* 1 to 64 */
    const char *category;                 /* or NULL */
    const char *brand;                    /* or NULL */
    double price;                         /* in units of the currency: 19.9; not negative */
    const char *currency;                 /* ISO 4217, "CNY"; or NULL */
    int64_t stock;                        /* negative: not known */
    const char *const *tags;              /* [n_tags], or NULL */
    size_t n_tags;
} llmcs_shop_product;

/* Adds products, or replaces those with the same ids. products: [n] pointers. refused: may be NULL. *n_stored: number
 * of rows stored; may be NULL. Returns LLMCS_OK even if rows were refused. With an encoder, titles and descriptions are
 * embedded and their vectors stored in a second transaction. Errors: as above, those of llmcs_embed. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_products(llmcs_shop *shop, const llmcs_shop_product *const *products,
                                                    size_t n, llmcs_shop_refused_fn refused, void *user,
                                                    size_t *n_stored);

typedef struct llmcs_shop_customer {
    size_t struct_size;
    const char *id;
    const char *name; /* or NULL */
    const char *lang; /* or NULL */
    int64_t since;    /* 0: not known */
} llmcs_shop_customer;

/* Adds or replaces customers. Otherwise like llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_customers(llmcs_shop *shop, const llmcs_shop_customer *const *customers,
                                                     size_t n, llmcs_shop_refused_fn refused, void *user,
                                                     size_t *n_stored);

typedef struct llmcs_shop_event {
    size_t struct_size;
    const char *customer; /* an id; a new customer is added */
    const char *item;     /* id of a product in the store */
    const char *type;     /* "view", "click", "cart", "purchase", "return", any other word */
    int64_t time;
} llmcs_shop_event;

/* Adds events. An event equal to a stored one in customer, item, type and time is not stored again, so an import can be
 * repeated. Otherwise like llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_events(llmcs_shop *shop, const llmcs_shop_event *const *events, size_t n,
                                                  llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* Frozen. */
typedef struct llmcs_shop_order_item {
    const char *item; /* id of a product, which need not be in the store */
    int64_t quantity; /* at least 1 */
    double price;     /* per unit, in the order's currency; not negative */
} llmcs_shop_order_item;

typedef struct llmcs_shop_order {
    size_t struct_size;
    const char *id;
    const char *customer; /* an id; a new customer is added */
    const char *status;   /* "paid", "shipped", ... */
    int64_t time;
    const llmcs_shop_order_item *items; /* [n_items] */
    size_t n_items;                     /* 1 to 1000 */
    double total;                       /* negative: the sum of the items */
    const char *currency;               /* or NULL */
    const char *carrier;                /* or NULL */
    const char *tracking;               /* or NULL */
    const char *city;                   /* or NULL */
} llmcs_shop_order;

/* Adds or replaces orders. Otherwise like llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_orders(llmcs_shop *shop, const llmcs_shop_order *const *orders, size_t n,
                                                  llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* Stores a value of up to 65,536 bytes under a key of the host's choice; NULL removes it. Keys that begin with "llmcs."
 * are reserved for this library and its command: "llmcs.encoder" is the encoder folder that llmcs-shop opens. */
LLMCS_SHOP_API llmcs_status llmcs_shop_set_setting(llmcs_shop *shop, const char *key, const char *value);

/* Copies a value with its NUL into value, [capacity] bytes. *value_bytes: its length without the NUL, 0 and "" if there
 * is none. Errors: as above, BUFFER (capacity <= *value_bytes; value may then be NULL). */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_setting(llmcs_shop *shop, const char *key, char *value, size_t capacity,
                                                   size_t *value_bytes);

/* Embeds the rows that have no vector of this encoder and deletes the vectors of other encoders. progress: may be NULL.
 * If it cancels the call, the vectors stored so far are kept. Errors: as above, those of llmcs_embed, STATE (no
 * encoder) CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_update_vectors(llmcs_shop *shop, llmcs_progress_fn progress, void *user);

#ifdef __cplusplus
}
#endif

#include "llmcs_shop_assist.h"
#include "llmcs_shop_classifier.h"
#include "llmcs_shop_console.h"
#include "llmcs_shop_desk.h"
#include "llmcs_shop_guard.h"
#include "llmcs_shop_knowledge.h"
#include "llmcs_shop_learn.h"
#include "llmcs_shop_metrics.h"
#include "llmcs_shop_privacy.h"
#include "llmcs_shop_recommend.h"
#include "llmcs_shop_strategy.h"
#include "llmcs_shop_wording.h"

#endif
