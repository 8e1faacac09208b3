/*
 * llmcs_shop_privacy.h - roles, audit, erasure, retention, and noisy statistics.
 *
 *     llmcs_shop_forgotten *report = NULL;
 *     if (llmcs_shop_forget(shop, "c017", NULL, &report)) return 1;               erases a customer's data
 *     for (size_t i = 0; i < report->n_items; i++)
 *         printf("%s: %llu rows %s\n", report->items[i]->table, (unsigned long long)report->items[i]->n_rows,
 *                report->items[i]->action);
 *     llmcs_shop_forgotten_free(&report);
 *
 *     llmcs_shop_audit_report audit = {.struct_size = sizeof audit};
 *     if (!llmcs_shop_audit_verify(shop, NULL, &audit) && !audit.intact) fputs(audit.problem, stderr);
 *
 * The master key of a store
 *
 * Masked values are stored encrypted (XChaCha20-Poly1305), each with a random key of its customer. These keys are
 * stored encrypted with a key derived from the store's master key (BLAKE2b); another derived key signs the audit
 * (Ed25519). The master key itself is never in the store: the host passes it (llmcs_shop_options.master_key, from a
 * secret store or an HSM), or it is in a file next to the store, STORE.key, which is created with mode 0600 on first
 * use and rejected if others may read it.
 *
 * What an attacker can read
 * - with the store and its WAL: everything that is not masked (products, orders, masked texts), the placeholders of a
 *   conversation ("PHONE_1"), the approximate lengths of their values (padded to 32 bytes), and the audit, but none of
 *   the values. Changes to the audit are detected: rows can be rehashed, but not signed;
 * - with the key as well: everything. Keep STORE.key out of the store's backups;
 * - with an old copy of the store and the key: also what was erased since. Copies are erased only when they are deleted
 *   or the key is changed.
 * Forgetting a customer deletes the customer's key. SQLite's secure_delete overwrites it in the file, and the WAL is
 * truncated, so old blocks of a disk that still hold encrypted values are useless. Copies that a flash disk keeps
 * internally cannot be erased by any program.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_PRIVACY_H
#define LLMCS_SHOP_PRIVACY_H

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------------------------------------- roles */

typedef enum llmcs_shop_role {
    LLMCS_SHOP_CUSTOMER = 0, /* the person whose data it is */
    LLMCS_SHOP_AGENT = 1,    /* answers customers */
    LLMCS_SHOP_SUPERVISOR = 2,
    LLMCS_SHOP_AUDITOR = 3,
    LLMCS_SHOP_TRAINER = 4 /* a person or a job that trains models */
} llmcs_shop_role;

typedef enum llmcs_shop_purpose {
    LLMCS_SHOP_FOR_SERVICE = 0, /* answer this customer */
    LLMCS_SHOP_FOR_QUALITY = 1, /* review how customers were answered */
    LLMCS_SHOP_FOR_TRAINING = 2,
    LLMCS_SHOP_FOR_AUDIT = 3,
    LLMCS_SHOP_FOR_STATISTICS = 4,
    LLMCS_SHOP_FOR_ERASURE = 5
} llmcs_shop_purpose;

typedef enum llmcs_shop_data {
    LLMCS_SHOP_MASKED_TEXTS = 0, /* conversations, with placeholders for personal data */
    LLMCS_SHOP_PLAIN_TEXTS = 1,  /* the same, unmasked */
    LLMCS_SHOP_ORDER_DATA = 2,
    LLMCS_SHOP_AUDIT_ROWS = 3,
    LLMCS_SHOP_NOISY_COUNTS = 4, /* llmcs_shop_private_count and _mean */
    LLMCS_SHOP_FORGETTING = 5    /* llmcs_shop_forget, retention */
} llmcs_shop_data;

/*
 * LLMCS_OK if the role may use the data for the purpose; else LLMCS_STATE, with a message. The host must check that
 * customers see only their own data: identity comes from the login.
 *
 *                   customer            agent      supervisor          auditor  trainer
 *   masked texts    service             service    service, quality    audit    training
 *   plain texts     service             service    service             -        -
 *   orders          service             service    service, quality    audit    -
 *   audit rows      -                   -          quality             audit    -
 *   noisy counts    -                   -          statistics, quality audit, statistics  statistics
 *   forgetting      erasure             -          erasure             -        -
 *
 * Errors: ARG (an invalid value) STATE.
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_may(llmcs_shop_role role, llmcs_shop_purpose purpose, llmcs_shop_data data);

/* "customer", "agent", "supervisor", "auditor", "trainer"; NULL for another value. */
LLMCS_SHOP_API const char *llmcs_shop_role_name(llmcs_shop_role role);

/* -------------------------------------------------------------------------------------------------- audit */
/*
 * The audit is append-only. Each row holds the BLAKE2b hash of itself and the previous row, and each transaction that
 * adds rows signs the last hash (the head) with the store's key. Rows hold ids, never texts; a customer appears under a
 * random alias, and llmcs_shop_forget deletes the link from the alias to the customer.
 */

/* Adds a row for an action of the host itself. object: "order:PL26062014", "customer:c017" or "". detail: a JSON object
 * without personal data, or NULL. An actor or object "customer:ID" is stored as "customer:ALIAS". Errors: those of
 * llmcs_shop_open, ARG (empty, too long, or not a JSON object). */
LLMCS_SHOP_API llmcs_status llmcs_shop_audit_append(llmcs_shop *shop, llmcs_shop_role role, const char *actor,
                                                    const char *action, const char *object, const char *detail);

/* Made by the library only, so it may grow at its end. Valid during the callback. */
typedef struct llmcs_shop_audit_row {
    int64_t seq;  /* counted from 1 */
    int64_t time; /* seconds since 1970 */
    const char *role, *actor, *action, *object;
    const char *detail; /* JSON or NULL */
    const char
        *customer;       /* id of the customer whose alias is the actor or object; NULL if there is none or forgotten */
    const uint8_t *hash; /* [32] */
} llmcs_shop_audit_row;

/* Returns nonzero to stop. */
typedef int32_t (*llmcs_shop_audit_fn)(void *user, const llmcs_shop_audit_row *row);

/* Calls `each` for the rows from `first` on, in order, at most `limit` (0: all). Errors: those of llmcs_shop_open, ARG
 * CANCELLED (each returned nonzero). */
LLMCS_SHOP_API llmcs_status llmcs_shop_audit_list(llmcs_shop *shop, int64_t first, uint64_t limit,
                                                  llmcs_shop_audit_fn each, void *user);

typedef struct llmcs_shop_audit_params {
    size_t struct_size;
    const char *public_key; /* [NULL: that of the store's key] 64 hex digits, stored elsewhere: the store's key is then
                               not needed */
    const char *head;       /* [NULL] 64 hex digits of an earlier report, stored elsewhere. The audit must contain this
                               head. Detects changes by somebody who has the key or removes signed heads */
    int64_t head_seq;       /* row number of `head` */
} llmcs_shop_audit_params;

LLMCS_SHOP_API void llmcs_shop_audit_params_init_sized(llmcs_shop_audit_params *params, size_t struct_size);
#define llmcs_shop_audit_params_init(params) llmcs_shop_audit_params_init_sized((params), sizeof *(params))

typedef struct llmcs_shop_audit_report {
    size_t struct_size;
    int32_t intact;      /* 1: no row was changed, removed, put in, reordered or cut off the end */
    int32_t key_checked; /* 1: signatures were checked with the store's key or params->public_key; 0: only with the
                            public key stored in the file, which proves less */
    int64_t problem_seq; /* first row with a problem */
    int64_t first_seq;   /* first row; retention removed older ones and signed that */
    int64_t last_seq;    /* 0: no rows */
    int64_t signed_seq;  /* last row covered by a signed head */
    uint64_t n_rows;
    char head[72];       /* hash of the last row, 64 hex digits: store it elsewhere with last_seq */
    char public_key[72]; /* 64 hex digits */
    char problem[256];   /* what is wrong, or "" */
} llmcs_shop_audit_report;

/* Verifies the whole audit. Returns LLMCS_OK even if it is not intact: see the report. Set report->struct_size first.
 * params: NULL for the defaults. Errors: those of llmcs_shop_open, ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_audit_verify(llmcs_shop *shop, const llmcs_shop_audit_params *params,
                                                    llmcs_shop_audit_report *report);

/* ------------------------------------------------------------------------------- forgetting and retention */

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_forgotten_item {
    const char *table;
    const char *action; /* "deleted", "pseudonymised" or "kept" */
    uint64_t n_rows;
    const char *why; /* reason for "kept" or "pseudonymised"; else NULL */
} llmcs_shop_forgotten_item;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_forgotten {
    const llmcs_shop_forgotten_item *const *items; /* [n_items] tables with rows of the customer */
    size_t n_items;
    int32_t known;         /* 0: the store had no data of this customer */
    int32_t wal_truncated; /* 0: a reader of an old snapshot prevented it: close the reader or wait, then call again */
} llmcs_shop_forgotten;

typedef struct llmcs_shop_forget_params {
    size_t struct_size;
    llmcs_shop_role role; /* [LLMCS_SHOP_SUPERVISOR] of the actor: SUPERVISOR, or CUSTOMER for their own data */
    const char *actor;    /* ["llmcs"] an id; with CUSTOMER the customer's */
} llmcs_shop_forget_params;

LLMCS_SHOP_API void llmcs_shop_forget_params_init_sized(llmcs_shop_forget_params *params, size_t struct_size);
#define llmcs_shop_forget_params_init(params) llmcs_shop_forget_params_init_sized((params), sizeof *(params))

/* Erases a customer's data in one transaction: the key with all values, conversations, events, vectors and all other
 * rows. Orders, which a shop must keep for tax law, are kept under a random name without city and tracking number.
 * SQLite overwrites deleted rows, and the write-ahead log is truncated. Errors: those of llmcs_shop_open, ARG, STATE
 * (the role is not allowed, or a customer tries to erase another one). */
LLMCS_SHOP_API llmcs_status llmcs_shop_forget(llmcs_shop *shop, const char *customer,
                                              const llmcs_shop_forget_params *params, llmcs_shop_forgotten **report);

/* Sets *report to NULL. */
LLMCS_SHOP_API void llmcs_shop_forgotten_free(llmcs_shop_forgotten **report);

/* Sets how many days the rows of a table are kept; 0: forever, the default. Errors: those of llmcs_shop_open, ARG (not
 * a table with a time; the message lists these). */
LLMCS_SHOP_API llmcs_status llmcs_shop_set_retention(llmcs_shop *shop, const char *table, int32_t days);

/* *days: 0: forever. Errors as above. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_retention(llmcs_shop *shop, const char *table, int32_t *days);

/* Name of the i-th table that can have a retention, or NULL. */
LLMCS_SHOP_API const char *llmcs_shop_retention_table(size_t i);

/* Removes rows that are older than their table's retention at `now` (seconds; 0: the clock). In the audit, a signed
 * anchor replaces the removed rows, and verification of the rest starts from it. Errors: as llmcs_shop_forget. */
LLMCS_SHOP_API llmcs_status llmcs_shop_apply_retention(llmcs_shop *shop, int64_t now,
                                                       const llmcs_shop_forget_params *params,
                                                       llmcs_shop_forgotten **report);

/* ------------------------------------------------------------------------------------ differential privacy */
/*
 * Counts and means for dashboards, with noise that hides whether a customer is included: discrete Laplace noise,
 * sampled exactly with integers (Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", 2020,
 * algorithm 2). A customer changes the probability of a published count by at most a factor exp(epsilon). Privacy
 * losses add up, so each dashboard has a budget in the store, and a call that would exceed it is refused. epsilon is a
 * multiple of 1e-6.
 */

/* Sets the total of a budget, and creates it if it is new. The amount spent does not change. total: 0 to 1000. Errors:
 * those of llmcs_shop_open, ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_set_budget(llmcs_shop *shop, const char *budget, double total);

/* Errors: as above, ARG (no such budget). */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_budget(llmcs_shop *shop, const char *budget, double *total, double *spent);

/* Spends epsilon and sets *noisy to the count plus noise; it can be negative. per_customer: the most that one customer
 * can change the count, 1 to 1,000,000. epsilon: 1e-6 to 10. The cost is on disk before the result is computed. Errors:
 * as above, LIMIT (not enough budget left; *noisy is not set). */
LLMCS_SHOP_API llmcs_status llmcs_shop_private_count(llmcs_shop *shop, const char *budget, double epsilon,
                                                     int64_t count, int64_t per_customer, int64_t *noisy);

/* The noisy mean of values [n], one per customer, each clamped to low..high and rounded to 1/1000 of the range. Half of
 * epsilon is spent on the sum and half on the count; the result is in low..high. Errors: as llmcs_shop_private_count,
 * ARG (low >= high, not finite). */
LLMCS_SHOP_API llmcs_status llmcs_shop_private_mean(llmcs_shop *shop, const char *budget, double epsilon,
                                                    const double *values, size_t n, double low, double high,
                                                    double *noisy);

#ifdef __cplusplus
}
#endif

#endif
