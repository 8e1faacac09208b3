/*
 * llmcs_shop_console.h - lists for the agents' console: waiting conversations, actions with an unknown outcome,
 * entries, products, and figures for charts. Included by llmcs_shop.h, whose rules hold here.
 *
 *     static int32_t print(void *user, const llmcs_shop_conversation *c) {
 *         printf("%s: %s, priority %d\n", c->id, c->reason, c->priority);
 *         return 0;
 *     }
 *     llmcs_shop_list_conversations(shop, NULL, print, NULL);
 *
 * The list functions call `each` for one row after another, inside one snapshot of the store. A row is valid during the
 * callback, which must not call the shop; a nonzero result ends the list with LLMCS_CANCELLED. Structs of rows are made
 * by the library only, so they may grow at their ends; their strings are NUL-terminated and never NULL.
 * The host checks who may see the rows (llmcs_shop_may). Errors of every function here: those of llmcs_shop_open.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_CONSOLE_H
#define LLMCS_SHOP_CONSOLE_H

#include "llmcs_shop_desk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------ conversations */

typedef struct llmcs_shop_conversation {
    const char *id;
    const char *status; /* "open", "waiting" for a person, "person", "closed" */
    const char *customer, *agent, *lang;
    int32_t priority; /* 0 normal, 1 angry, 2 danger */
    const char *reason;
    const char *summary; /* of the handover, masked */
    int64_t since;       /* of the last handover to a person; 0: none */
    int64_t time;        /* of the last change */
    int64_t n_turns;
} llmcs_shop_conversation;

typedef int32_t (*llmcs_shop_conversation_fn)(void *user, const llmcs_shop_conversation *conversation);

typedef struct llmcs_shop_conversations_params {
    size_t struct_size;
    const char *status; /* [NULL: "waiting" and "person"] one of the four */
    size_t k;           /* [100] maximum number of rows, 1 to 1000 */
} llmcs_shop_conversations_params;

LLMCS_SHOP_API void llmcs_shop_conversations_params_init_sized(llmcs_shop_conversations_params *params,
                                                               size_t struct_size);
#define llmcs_shop_conversations_params_init(params) \
    llmcs_shop_conversations_params_init_sized((params), sizeof *(params))

/* Lists conversations: waiting ones first, then by priority, then by waiting time. params: NULL for the defaults.
 * Errors also: ARG, CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_list_conversations(llmcs_shop *shop,
                                                          const llmcs_shop_conversations_params *params,
                                                          llmcs_shop_conversation_fn each, void *user);

/* ------------------------------------------------------------------------------------------------ actions */

typedef struct llmcs_shop_action {
    const char *key; /* for llmcs_shop_desk_resolve */
    const char *name, *object;
    llmcs_shop_action_state state;
    const char *conversation, *customer;
    const char *late; /* what the host answered after the time-out, or "" */
    int64_t time;
} llmcs_shop_action;

typedef int32_t (*llmcs_shop_action_fn)(void *user, const llmcs_shop_action *action);

/* Lists at most k (1 to 1000) actions in a state (FAILED, UNKNOWN or PENDING), newest first. Errors also: ARG,
 * CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_list_actions(llmcs_shop *shop, llmcs_shop_action_state state, size_t k,
                                                    llmcs_shop_action_fn each, void *user);

/* ------------------------------------------------------------------------------------- entries and products */

typedef struct llmcs_shop_listed_entry {
    const char *id, *lang;
    int32_t version;              /* the newest */
    int32_t retired;              /* 1: it no longer answers */
    const char *const *questions; /* [n_questions] */
    size_t n_questions;
    const char *answer;
    const char *tags; /* a JSON array of strings */
    int64_t valid_from, valid_until;
} llmcs_shop_listed_entry;

typedef int32_t (*llmcs_shop_entry_fn)(void *user, const llmcs_shop_listed_entry *entry);

typedef struct llmcs_shop_entries_params {
    size_t struct_size;
    const char *id;     /* [NULL] only this entry, in all its languages */
    const char *lang;   /* [NULL] only this language */
    const char *search; /* [NULL] a substring of the id, a question or the answer; ASCII letters match in either case */
    int32_t retired;    /* [0] 1: include retired ones */
    size_t skip;        /* [0] number of rows to skip */
    size_t k;           /* [100] maximum number of rows, 1 to 1000 */
} llmcs_shop_entries_params;

LLMCS_SHOP_API void llmcs_shop_entries_params_init_sized(llmcs_shop_entries_params *params, size_t struct_size);
#define llmcs_shop_entries_params_init(params) llmcs_shop_entries_params_init_sized((params), sizeof *(params))

/* Lists entries by id and language. *n_found (may be NULL): number of matching entries, regardless of skip and k.
 * Errors also: ARG, CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_list_entries(llmcs_shop *shop, const llmcs_shop_entries_params *params,
                                                    llmcs_shop_entry_fn each, void *user, size_t *n_found);

typedef struct llmcs_shop_listed_product {
    const char *id, *title, *description;
    const char *lang; /* of title and description */
    const char *category, *brand, *currency;
    double price;
    int64_t stock;    /* negative: not known */
    const char *tags; /* a JSON array of strings */
} llmcs_shop_listed_product;

typedef int32_t (*llmcs_shop_product_fn)(void *user, const llmcs_shop_listed_product *product);

/* Lists the products with these ids, [n], in the order given; ids that are not in the store are skipped. lang: of the
 * texts, NULL for "en"; a product without it is listed in another of its languages. Errors also: ARG, CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_list_products(llmcs_shop *shop, const char *const *ids, size_t n,
                                                     const char *lang, llmcs_shop_product_fn each, void *user);

/* ---------------------------------------------------------------------------------------------- dashboard */

typedef struct llmcs_shop_dashboard_params {
    size_t struct_size;
    int32_t days;         /* [7] number of days, 1 to 366; the last one contains `now` */
    int32_t utc_offset_s; /* [0] seconds east of UTC, which set midnight: 28800 in China */
    int64_t now;          /* [0: the clock] */
    int32_t per_customer; /* [0: all] maximum number of turns of one customer (or of one conversation without a
                             customer) that each figure counts: the per_customer of llmcs_shop_private_count */
} llmcs_shop_dashboard_params;

LLMCS_SHOP_API void llmcs_shop_dashboard_params_init_sized(llmcs_shop_dashboard_params *params, size_t struct_size);
#define llmcs_shop_dashboard_params_init(params) llmcs_shop_dashboard_params_init_sized((params), sizeof *(params))

/* One day's turns. Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_day {
    int64_t begin;        /* its first second */
    int64_t n_turns;      /* customers' messages */
    int64_t n_answered;   /* by a flow, an entry, products, small talk */
    int64_t n_asked_back; /* the desk asked a clarifying question, or said that it does not know */
    int64_t n_handed_over;
    int64_t n_refused;       /* blocked, or the store was not available */
    int64_t n_conversations; /* with a turn on this day */
    double p50_ms, p95_ms;   /* response times of the desk, by nearest rank; NaN without a reply */
} llmcs_shop_day;

/* A count. Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_figure {
    const char *group; /* "route", "intent", "sentiment", "language", "handover" (reasons), "action" (states) or
                          "suggestion" (outcomes of what agents were offered) */
    const char *name;
    int64_t n;
} llmcs_shop_figure;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_dashboard {
    const llmcs_shop_day *const *days; /* [n_days] the oldest first */
    size_t n_days;
    const llmcs_shop_figure *const *figures; /* [n_figures] by group, the largest first, at most 50 a group */
    size_t n_figures;
    int64_t n_turns;
    int64_t n_conversations; /* with a turn in these days */
    int64_t n_waiting;       /* for a person, now */
    double p50_ms, p95_ms;   /* over all days; NaN without a reply */
} llmcs_shop_dashboard;

/* Counts the turns of the last days; agents' replies are not counted. The figures are exact, for people who may read
 * the conversations; for others add noise with llmcs_shop_private_count. params: NULL for the defaults. Errors also:
 * ARG. */
LLMCS_SHOP_API llmcs_status llmcs_shop_get_dashboard(llmcs_shop *shop, const llmcs_shop_dashboard_params *params,
                                                     llmcs_shop_dashboard **dashboard);
LLMCS_SHOP_API void llmcs_shop_dashboard_free(llmcs_shop_dashboard **dashboard);

#ifdef __cplusplus
}
#endif
#endif
