/*
 * llmcs_shop_privacy.h - who may see what, what is kept how long, and the record of what was done.
 *
 *     llmcs_shop_forgotten *report = NULL;
 *     if (llmcs_shop_forget(shop, "c017", NULL, &report)) return 1;               everything of one customer
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
 * Names that were masked lie in the store encrypted (XChaCha20-Poly1305), each under a random key of its customer.
 * Those keys lie in the store encrypted under a key derived from the store's master key (BLAKE2b), and the audit is
 * signed (Ed25519) with another one derived from it. The master key itself is never in the store: the host gives it
 * (llmcs_shop_options.master_key, for a secret store or an HSM), or else it lies in a file next to the store,
 * STORE.key, which is made with mode 0600 when it is first needed and refused when others may read it.
 *
 * What an attacker has
 * - with the store and its WAL alone: everything that is not masked (products, orders, masked texts), which names a
 *   conversation has ("PHONE_1") and about how long their values are (padded to 32 bytes), and the audit; none of the
 *   values. A changed audit is found: its rows can be hashed anew, but not signed;
 * - with the key as well: everything. Keep STORE.key out of the backups of the store;
 * - with an old copy of the store and the key: what was forgotten since. Erasure reaches copies only once the key
 *   is changed or the copies are gone.
 * Forgetting a customer deletes the customer's key, so values are gone even where a disk keeps old blocks, as far as
 * the block with the wrapped key is overwritten: SQLite's secure_delete does so in the file, and the WAL is truncated;
 * what a flash disk keeps underneath is beyond any program.
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
    LLMCS_SHOP_MASKED_TEXTS = 0, /* conversations, with names in place of personal data */
    LLMCS_SHOP_PLAIN_TEXTS = 1,  /* the same with the values of the names */
    LLMCS_SHOP_ORDER_DATA = 2,
    LLMCS_SHOP_AUDIT_ROWS = 3,
    LLMCS_SHOP_NOISY_COUNTS = 4, /* llmcs_shop_private_count and _mean */
    LLMCS_SHOP_FORGETTING = 5    /* llmcs_shop_forget, retention */
} llmcs_shop_data;

/*
 * LLMCS_OK if the role may use the data for the purpose; else LLMCS_STATE, and the message says what may not be done.
 * A customer's own data only is the host's to check: identity comes from the login.
 *
 *                   customer            agent      supervisor          auditor  trainer
 *   masked texts    service             service    service, quality    audit    training
 *   plain texts     service             service    service             -        -
 *   orders          service             service    service, quality    audit    -
 *   audit rows      -                   -          quality             audit    -
 *   noisy counts    -                   -          statistics, quality audit, statistics  statistics
 *   forgetting      erasure             -          erasure             -        -
 *
 * Errors: ARG (a value that is none) STATE.
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_may(llmcs_shop_role role, llmcs_shop_purpose purpose, llmcs_shop_data data);

/* "customer", "agent", "supervisor", "auditor", "trainer"; NULL for another value. */
LLMCS_SHOP_API const char *llmcs_shop_role_name(llmcs_shop_role role);

/* -------------------------------------------------------------------------------------------------- audit */
/*
 * The audit is append-only. Each row holds the BLAKE2b hash of itself and the row before it, and each transaction that
 * adds rows signs the last hash (the head) with the store's key. Rows hold ids, never texts; a customer stands in them
 * under a random alias, whose meaning llmcs_shop_forget deletes.
 */

/* Adds a row: what the host itself does with the store's data. object: "order:PL26062014", "customer:c017" or "".
 * detail: a JSON object without personal data, or NULL. An actor or object "customer:ID" is stored as "customer:ALIAS".
 * Errors: those of llmcs_shop_open, ARG (empty or too long, no JSON object). */
LLMCS_SHOP_API llmcs_status llmcs_shop_audit_append(llmcs_shop *shop, llmcs_shop_role role, const char *actor,
                                                    const char *action, const char *object, const char *detail);

/* Made by the library only, so it may grow at its end. Valid during the callback. */
typedef struct llmcs_shop_audit_row {
    int64_t seq;  /* counted from 1 */
    int64_t time; /* seconds since 1970 */
    const char *role, *actor, *action, *object;
    const char *detail;   /* JSON or NULL */
    const char *customer; /* whose alias is the actor or object, if not forgotten; else NULL */
    const uint8_t *hash;  /* [32] */
} llmcs_shop_audit_row;

/* Returns nonzero to stop. */
typedef int32_t (*llmcs_shop_audit_fn)(void *user, const llmcs_shop_audit_row *row);

/* Calls `each` for the rows from `first` on, in order, at most `limit` (0: all). Errors: those of llmcs_shop_open, ARG
 * CANCELLED (each returned nonzero). */
LLMCS_SHOP_API llmcs_status llmcs_shop_audit_list(llmcs_shop *shop, int64_t first, uint64_t limit,
                                                  llmcs_shop_audit_fn each, void *user);

typedef struct llmcs_shop_audit_params {
    size_t struct_size;
    const char *public_key; /* [NULL: of the store's key] 64 hex digits, kept elsewhere: no key is needed then */
    const char *head;       /* [NULL] 64 hex digits of an earlier report, kept elsewhere: the audit must hold it. Finds
                               what somebody with the key, or who removes signed heads too, could hide */
    int64_t head_seq;       /* the row of `head` */
} llmcs_shop_audit_params;

LLMCS_SHOP_API void llmcs_shop_audit_params_init_sized(llmcs_shop_audit_params *params, size_t struct_size);
#define llmcs_shop_audit_params_init(params) llmcs_shop_audit_params_init_sized((params), sizeof *(params))

typedef struct llmcs_shop_audit_report {
    size_t struct_size;
    int32_t intact;      /* 1: no row was changed, removed, put in, reordered or cut off the end */
    int32_t key_checked; /* 1: signatures were checked with the store's key or params->public_key; 0: with the public
                            key that the file itself names, which proves less */
    int64_t problem_seq; /* the row where the audit is not intact */
    int64_t first_seq;   /* of the rows that are there; older ones were removed by retention, signed */
    int64_t last_seq;    /* 0: none */
    int64_t signed_seq;  /* last row that a signed head covers */
    uint64_t n_rows;
    char head[72];       /* hash of the last row, 64 hex digits: keep it elsewhere with last_seq */
    char public_key[72]; /* 64 hex digits */
    char problem[256];   /* what is wrong, or "" */
} llmcs_shop_audit_report;

/* Reads the whole audit and checks it. LLMCS_OK also if it is not intact: see the report. Set report->struct_size
 * first. params: NULL for the defaults. Errors: those of llmcs_shop_open, ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_audit_verify(llmcs_shop *shop, const llmcs_shop_audit_params *params,
                                                    llmcs_shop_audit_report *report);

/* ------------------------------------------------------------------------------- forgetting and retention */

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_forgotten_item {
    const char *table;
    const char *action; /* "deleted", "pseudonymised" or "kept" */
    uint64_t n_rows;
    const char *why; /* for what is kept or pseudonymised, else NULL */
} llmcs_shop_forgotten_item;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_forgotten {
    const llmcs_shop_forgotten_item *const *items; /* [n_items] tables with rows of the customer */
    size_t n_items;
    int32_t known;         /* 0: nothing of this customer was in the store */
    int32_t wal_truncated; /* 0: a reader of the old state kept the WAL from being truncated: close it, or wait */
} llmcs_shop_forgotten;

typedef struct llmcs_shop_forget_params {
    size_t struct_size;
    llmcs_shop_role
        role; /* [LLMCS_SHOP_SUPERVISOR] who does it, for the audit: SUPERVISOR, or CUSTOMER for himself alone */
    const char *actor; /* ["llmcs"] an id; with CUSTOMER the customer's */
} llmcs_shop_forget_params;

LLMCS_SHOP_API void llmcs_shop_forget_params_init_sized(llmcs_shop_forget_params *params, size_t struct_size);
#define llmcs_shop_forget_params_init(params) llmcs_shop_forget_params_init_sized((params), sizeof *(params))

/* Erases a customer in one transaction: the key and all values under it, conversations, events, vectors and what else
 * is the customer's. Orders, which tax law makes a shop keep, stay under a random name without address and tracking
 * number. SQLite overwrites what is deleted, and the write-ahead log is truncated. Errors: those of llmcs_shop_open,
 * ARG, STATE (the role may not, or a customer is not the one to be forgotten). */
LLMCS_SHOP_API llmcs_status llmcs_shop_forget(llmcs_shop *shop, const char *customer,
                                              const llmcs_shop_forget_params *params, llmcs_shop_forgotten **report);

/* Sets *report to NULL. */
LLMCS_SHOP_API void llmcs_shop_forgotten_free(llmcs_shop_forgotten **report);

/* Sets how many days the rows of a table are kept; 0: for ever, which is the default. Errors: those of llmcs_shop_open,
 * ARG (no table with a time; the message lists them). */
LLMCS_SHOP_API llmcs_status llmcs_shop_set_retention(llmcs_shop *shop, const char *table, int32_t days);

/* *days: 0 for ever. Errors as above. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_retention(llmcs_shop *shop, const char *table, int32_t *days);

/* Name of the i-th table that can have a retention, or NULL. */
LLMCS_SHOP_API const char *llmcs_shop_retention_table(size_t i);

/* Removes rows that are older than their table's retention at `now` (seconds; 0: the clock). Of the audit, rows up to
 * the last one that is too old go, and a signed anchor takes their place, from which the rest is verified. Errors: as
 * llmcs_shop_forget. */
LLMCS_SHOP_API llmcs_status llmcs_shop_apply_retention(llmcs_shop *shop, int64_t now,
                                                       const llmcs_shop_forget_params *params,
                                                       llmcs_shop_forgotten **report);

/* ------------------------------------------------------------------------------------ differential privacy */
/*
 * Counts and means for dashboards, with noise that hides whether any one customer is in them: discrete Laplace noise,
 * sampled exactly with integers (Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", 2020,
 * algorithm 2). A count that is shown with privacy loss epsilon tells at most a factor exp(epsilon) about one customer.
 * Losses add up, so each dashboard has a budget in the store, and a call that would spend more than is left is refused.
 * epsilon is a multiple of 1e-6.
 */

/* Sets the total of a budget, which is made if it is new; what was spent stays spent. total: 0 to 1000. Errors: those
 * of llmcs_shop_open, ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_set_budget(llmcs_shop *shop, const char *budget, double total);

/* Errors: as above; ARG if there is no such budget. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_budget(llmcs_shop *shop, const char *budget, double *total, double *spent);

/* Spends epsilon and sets *noisy to the count with noise: it can be negative. per_customer: by how much one customer
 * can change the count, 1 to 1,000,000. epsilon: 1e-6 to 10. What is spent is on disk before the result is known.
 * Errors: as above, LIMIT (the budget is spent: *noisy is not set). */
LLMCS_SHOP_API llmcs_status llmcs_shop_private_count(llmcs_shop *shop, const char *budget, double epsilon,
                                                     int64_t count, int64_t per_customer, int64_t *noisy);

/* The mean of one value a customer, [n], each first clamped to low..high and rounded to 1/1000 of the range. Half of
 * epsilon goes to the sum and half to the number; the result lies in low..high. Errors: as llmcs_shop_private_count,
 * ARG (low >= high, not finite). */
LLMCS_SHOP_API llmcs_status llmcs_shop_private_mean(llmcs_shop *shop, const char *budget, double epsilon,
                                                    const double *values, size_t n, double low, double high,
                                                    double *noisy);

#ifdef __cplusplus
}
#endif

#endif
