/*
 * llmcs_shop_desk.h - the dialogue desk: a customer's message in, a reply and what was done out. Included by
 * llmcs_shop.h, whose rules hold here.
 *
 *     llmcs_shop_desk_options options;
 *     llmcs_shop_message message;
 *     llmcs_shop_desk *desk = NULL;
 *     llmcs_shop_turn *turn = NULL;
 *     llmcs_shop_desk_options_init(&options);
 *     options.flows_path = "flows.json";
 *     options.intents = intents;                                         a classifier; may be NULL
 *     if (llmcs_shop_desk_open(shop, &options, &desk)) return 1;
 *     llmcs_shop_message_init(&message);
 *     message.conversation = "web-17";
 *     message.customer = "c042";                                         from your login, never from the text
 *     message.text = "Please cancel order PL26050123";
 *     if (!llmcs_shop_desk_say(desk, &message, &turn)) puts(turn->reply);
 *     llmcs_shop_turn_free(&turn);
 *     llmcs_shop_desk_free(&desk);
 *
 * Or everything from the settings of a store: llmcs_shop_service_open("shop.db", NULL, &service), then
 * llmcs_shop_service_desk(service).
 *
 * What a turn does
 *   1. check IN: what is dangerous or abusive is refused or handed over.
 *   2. mask: names for personal data. What is stored, logged and given to a model is masked.
 *   3. one forward pass of the encoder: intent, out of scope, sentiment, and the vector for the knowledge base.
 *   4. a flow of flows.json (see examples/shop/flows.md), an entry of the knowledge base, a recommendation, small talk,
 *      a question back, or handover to a person.
 *   5. wording, if there is a model; a gate compares it with the facts; check OUT.
 *   6. one transaction: turn, state, action, audit. Then the reply, unmasked for its owner.
 *
 * Rules that hold whatever flows.json says
 *   - Statements see the customer of the login as :customer_id and only tables they name. An order of somebody else is
 *     not found, in the words for one that does not exist.
 *   - A destructive action needs a clear yes to a question that names its object; anything else is no yes.
 *   - An action runs at most once for each key. Its state is DONE, FAILED or UNKNOWN; UNKNOWN (no answer in time, or
 *     the process died) is never repeated, the conversation goes to a person.
 *   - The same message id in a conversation gives the same reply, from the store.
 *   - A model words, it never decides: a reply that an action's result hangs on is not worded by one.
 *   - kill -9 loses at most the turn in hand.
 *
 * Threads: any number may call llmcs_shop_desk_say. Turns of one conversation run in the order of their calls, of
 * different conversations at the same time. Two processes may run desks on one store.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_DESK_H
#define LLMCS_SHOP_DESK_H

#include "llmcs_shop_knowledge.h"

#ifdef __cplusplus
extern "C" {
#endif

struct llmcs_shop_guard; /* llmcs_shop_guard.h */
typedef struct llmcs_shop_desk llmcs_shop_desk;

/* --------------------------------------------------------------------------------------- the host's calls */

typedef enum llmcs_shop_action_state {
    LLMCS_ACTION_NONE = 0,    /* no action in this turn */
    LLMCS_ACTION_DONE = 1,    /* it took effect */
    LLMCS_ACTION_FAILED = 2,  /* it certainly did not */
    LLMCS_ACTION_UNKNOWN = 3, /* nobody knows: a person has to look */
    LLMCS_ACTION_PENDING = 4  /* the host is still at it, or the process died within its time */
} llmcs_shop_action_state;

/* "NONE", "DONE", "FAILED", "UNKNOWN", "PENDING". */
LLMCS_SHOP_API const char *llmcs_shop_action_state_name(llmcs_shop_action_state state);

typedef struct llmcs_shop_call llmcs_shop_call;

/* What the desk wants of the host. Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_call_request {
    const char *name;     /* of the find or action in flows.json */
    int32_t is_action;    /* 0: a find, without side effects */
    const char *key;      /* of an action: the same for the same wish of the same customer. A host that gets a key
                             again must not act again. "" for a find */
    const char *customer; /* id from the login, or "" */
    const char *conversation;
    const char *lang;
    const llmcs_shop_slot *slots; /* [n_slots] the slots that are filled, not masked */
    size_t n_slots;
    double timeout_ms; /* an answer after this is too late */
} llmcs_shop_call_request;

/* The host's finds and actions, on a thread of the desk, up to n_host_threads at a time. Answer with
 * llmcs_shop_call_answer before returning; returning without it is UNKNOWN, for a find FAILED. It must not call the
 * desk. It may block: after the timeout the turn goes on without it, and llmcs_shop_desk_free waits until it returns.
 */
typedef void (*llmcs_shop_call_fn)(void *user, const llmcs_shop_call_request *request, llmcs_shop_call *call);

/* Answers a call, once: the second answer returns LLMCS_STATE and changes nothing. rows_json: for a find an array of
 * objects, [{"id":"A1","status":"shipped"}], or "[]" if there is none; for an action one object of facts for its
 * texts, or NULL. Errors: ARG, JSON (it is not that), LIMIT (more than 65,536 bytes), STATE (answered before, or too
 * late; the answer to an action is then recorded for the person who looks). */
LLMCS_SHOP_API llmcs_status llmcs_shop_call_answer(llmcs_shop_call *call, llmcs_shop_action_state state,
                                                   const char *rows_json);

/* ------------------------------------------------------------------------------------------- open */

typedef struct llmcs_shop_desk_options {
    size_t struct_size;
    const char *flows_path;                /* [NULL] flows.json; NULL: no flows, entries alone */
    const char *flows_json;                /* [NULL] its text instead of a path */
    llmcs_shop_classifier_slot *intents;   /* [NULL] labels are those of flows.json. Swapped at any time */
    llmcs_shop_classifier_slot *sentiment; /* [NULL] "negative" steers priority and tone */
    const struct llmcs_shop_guard *guard;  /* [NULL] check and mask; without it texts are stored as they came */
    const char *wording;                   /* [NULL: "templates"] folder of a model that words replies */
    llmcs_shop_call_fn call; /* [NULL] answers the finds and actions in host_calls, and those without SQL */
    void *call_user;
    const char *const *host_calls; /* [NULL] [n_host_calls] names of finds and actions; "*": all */
    size_t n_host_calls;
    double call_timeout_ms;     /* [5000] 1 to 600000; for each call */
    int32_t n_host_threads;     /* [8] calls at the same time, 1 to 64 */
    int64_t (*now)(void *user); /* [NULL: the clock] seconds since 1970, for :now, confirmations and dates */
    void *now_user;
    double confirm_minutes;           /* [30] a yes after that is repeated, not acted on */
    double deadline_ms;               /* [0: none] of messages that name none */
    size_t max_text_bytes;            /* [16384] a longer message is refused, in words; 1 to 65536 */
    const llmcs_allocator *allocator; /* [NULL: the shop's] copied */
} llmcs_shop_desk_options;

LLMCS_SHOP_API void llmcs_shop_desk_options_init_sized(llmcs_shop_desk_options *options, size_t struct_size);
#define llmcs_shop_desk_options_init(options) llmcs_shop_desk_options_init_sized((options), sizeof *(options))

/* Opens a desk on a store. What options point to must outlive it, strings excepted. Every fault of flows.json is named
 * here: file, path in it, what was found and expected. Errors: as the store's, JSON, FORMAT (flows.json), CONFIG (it
 * contradicts itself or the store), THREAD, and those of llmcs_model_open for `wording`. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_open(llmcs_shop *shop, const llmcs_shop_desk_options *options,
                                                 llmcs_shop_desk **desk);

/* Sets *desk to NULL. No call may be running or begin. Waits for host calls that are still running. */
LLMCS_SHOP_API void llmcs_shop_desk_free(llmcs_shop_desk **desk);

/* -------------------------------------------------------------------------------------------- say */

typedef struct llmcs_shop_message {
    size_t struct_size;
    const char
        *conversation;    /* an id of the host's choice, 1 to 200 bytes. Belongs to the customer of its first message */
    const char *customer; /* [NULL: not logged in] id, from the host's login */
    const char *id;       /* [NULL] of the message: the same id in a conversation gives the same reply */
    const char *text;
    size_t text_bytes;     /* [LLMCS_NUL] */
    const char *lang;      /* [NULL: that of the text] of the reply */
    double deadline_ms;    /* [0: the desk's] for the whole turn: without time for wording the reply is the template or
                              the entry itself */
    const int32_t *cancel; /* [NULL] as in llmcs_text_params; an action that began is finished */
    llmcs_text_fn on_text; /* [NULL] gets the reply in pieces, after the gate; its return value stops further pieces */
    void *on_text_user;
} llmcs_shop_message;

LLMCS_SHOP_API void llmcs_shop_message_init_sized(llmcs_shop_message *message, size_t struct_size);
#define llmcs_shop_message_init(message) llmcs_shop_message_init_sized((message), sizeof *(message))

typedef enum llmcs_shop_desk_route {
    LLMCS_DESK_NONE = 0,      /* nothing fits; the reply says so */
    LLMCS_DESK_FLOW = 1,      /* a flow answered, asked its customer for a slot or a yes, or acted: see action */
    LLMCS_DESK_ENTRY = 2,     /* an entry's answer, see citations */
    LLMCS_DESK_FILLED = 3,    /* an entry's answer with slots */
    LLMCS_DESK_GENERATED = 4, /* an entry worded by the model, through the gate */
    LLMCS_DESK_RECOMMEND = 5, /* products */
    LLMCS_DESK_SMALLTALK = 6, /* thanks, greeting, insult */
    LLMCS_DESK_ASK_BACK = 7,  /* the desk asks what is meant */
    LLMCS_DESK_HANDOVER = 8,  /* to a person, see handover */
    LLMCS_DESK_BLOCKED = 9,   /* refused by the guard, or too long */
    LLMCS_DESK_UNAVAILABLE =
        10,                /* the store cannot be read or written now, or a find has no answer; the reply says so */
    LLMCS_DESK_SILENT = 11 /* a person has taken over: reply is "" */
} llmcs_shop_desk_route;

/* "none", "flow", "entry", "filled", "generated", "recommend", "smalltalk", "ask_back", "handover", "blocked",
 * "unavailable", "silent". */
LLMCS_SHOP_API const char *llmcs_shop_desk_route_name(llmcs_shop_desk_route route);

/* What the conversation waits for after a turn. */
typedef enum llmcs_shop_expects {
    LLMCS_EXPECTS_ANYTHING = 0,
    LLMCS_EXPECTS_SLOT = 1,   /* a value: see slot */
    LLMCS_EXPECTS_YES = 2,    /* a yes or no */
    LLMCS_EXPECTS_CHOICE = 3, /* one of the things offered */
    LLMCS_EXPECTS_PERSON = 4  /* a person's reply */
} llmcs_shop_expects;

/* Times of a turn in milliseconds. */
typedef struct llmcs_shop_turn_ms {
    double load, check_in, mask, encode, classify, knowledge, recommend, flow, call, wording, check_out, store, total;
} llmcs_shop_turn_ms;

/* Made by the library only, so it may grow at its end. Strings are NUL-terminated and never NULL. */
typedef struct llmcs_shop_turn {
    const char *reply; /* not masked: for its owner's eyes */
    size_t reply_bytes;
    llmcs_shop_desk_route route;
    llmcs_shop_expects expects;
    const char *expected_slot; /* its name, or "" */
    const char *lang;          /* of the reply */
    int64_t number;            /* of the turn in the conversation, from 1; 0 if it could not be stored */
    int32_t repeated;          /* 1: this message id was answered before; this is that answer */

    const char *intent; /* label, or "" */
    double intent_score;
    double out_of_scope;
    const char *flow;             /* that answered, or "" */
    const llmcs_shop_slot *slots; /* [n_slots] of that flow; not masked */
    size_t n_slots;

    /* The last action of the turn. */
    const char *action; /* name, or "" */
    const char *action_object;
    const char *action_key;
    llmcs_shop_action_state action_state;

    const llmcs_shop_citation *const *citations; /* [n_citations] */
    size_t n_citations;
    const char *const *products; /* [n_products] ids of recommended products */
    size_t n_products;
    double probability; /* that the reply is what was wanted: of the entry, else of the intent; 1 for what is
                           certain */

    const char *handover_reason;  /* "" if not handed over: "wanted", "not_understood", "angry", "danger",
                                     "action_unknown", ... */
    int32_t handover_priority;    /* 0 normal, 1 angry, 2 danger */
    const char *handover_summary; /* masked; for the person who takes over */

    const char *sentiment; /* label, or "" */
    double sentiment_score;
    const char *verdict; /* of check IN: "ALLOW", "MASK", "WARN", "BLOCK", "HANDOVER", or "" without a guard */
    llmcs_shop_turn_ms ms;
} llmcs_shop_turn;

/* Answers a message. What cannot be done now (store locked, disk full, model missing) is said in the reply; the call
 * fails only if there is no reply to give. Errors: ARG, STATE (the conversation is another customer's), NOMEM, FORK,
 * CANCELLED, LIMIT (text_bytes is more than 1 GiB). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_say(llmcs_shop_desk *desk, const llmcs_shop_message *message,
                                                llmcs_shop_turn **turn);
LLMCS_SHOP_API void llmcs_shop_turn_free(llmcs_shop_turn **turn);

/* ------------------------------------------------------------------------------- people and conversations */

/* A person takes the conversation: the desk stores further messages and keeps silent. Errors: as the store's, ARG (no
 * such conversation). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_take_over(llmcs_shop_desk *desk, const char *conversation,
                                                      const char *agent);
/* A person's reply, which is stored in the history. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_reply(llmcs_shop_desk *desk, const char *conversation, const char *agent,
                                                  const char *text, size_t text_bytes);
/* The desk answers again, from a clean state. Also ends the wait of a conversation that nobody took. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_hand_back(llmcs_shop_desk *desk, const char *conversation);
/* Ends the conversation: its state is forgotten, its history stays. The next message begins a new dialogue in it. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_close(llmcs_shop_desk *desk, const char *conversation);
/* The same by a person, whose name the audit then has. agent: NULL for the host, which the functions above name. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_hand_back_by(llmcs_shop_desk *desk, const char *conversation,
                                                         const char *agent);
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_close_by(llmcs_shop_desk *desk, const char *conversation,
                                                     const char *agent);
/* A person has found out what became of an action that is UNKNOWN: DONE or FAILED. Only then may the same wish be
 * carried out again. Errors: as the store's, ARG (no such key), STATE (it is not UNKNOWN). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_resolve(llmcs_shop_desk *desk, const char *key, const char *agent,
                                                    llmcs_shop_action_state state);

/* One turn as it was stored. Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_history_turn {
    int64_t number;
    int64_t time;
    const char *message_id;
    const char *text;  /* masked; "" for a person's reply */
    const char *reply; /* masked */
    const char *lang, *route, *intent, *agent;
    const char *detail_json; /* {"slots":{},"action":{},"citations":[],"probability":..,"handover":{},"sentiment":..} */
} llmcs_shop_history_turn;

typedef struct llmcs_shop_history {
    const llmcs_shop_history_turn *const *turns; /* [n_turns] oldest first */
    size_t n_turns;
    const char *status; /* "open", "waiting" for a person, "person", "closed"; "" if there is no such conversation */
    const char *customer, *lang;
    int32_t priority;
    const char *reason, *summary; /* of the handover, masked */
    int64_t n_all;                /* turns in the conversation */
} llmcs_shop_history;

/* The turns after number `after`, at most k (1 to 1000); after < 0: the last k. unmask: 1: texts as their owner sees
 * them, for a person who may; 0: as stored. Errors: as the store's. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_history(llmcs_shop_desk *desk, const char *conversation, int64_t after,
                                                    size_t k, int32_t unmask, llmcs_shop_history **history);
LLMCS_SHOP_API void llmcs_shop_history_free(llmcs_shop_history **history);

/* --------------------------------------------------------------------------------------------- service */
/*
 * A store with everything its settings name: "llmcs.encoder", "llmcs.intents", "llmcs.moderation", "llmcs.sentiment",
 * "llmcs.flows", "llmcs.wording", "llmcs.tagger", "llmcs.postgres". What is not set is left out; what is set and cannot
 * be opened fails, with its setting in the message.
 */
typedef struct llmcs_shop_service llmcs_shop_service;

typedef struct llmcs_shop_service_options {
    size_t struct_size;
    const llmcs_model_options *model;    /* [NULL] of the encoder; LLMCS_WEIGHTS_AUTO is INT8 here */
    const llmcs_shop_desk_options *desk; /* [NULL] where its paths, classifiers and guard are not NULL they replace the
                                            settings */
    const llmcs_allocator *allocator;    /* [NULL: malloc] */
    llmcs_log_fn log;                    /* [NULL] */
    void *log_user;
    int32_t lenient;      /* [0] 1: what cannot be opened is logged and left out */
    int32_t busy_ms;      /* [5000] as in llmcs_shop_options */
    int32_t n_readers;    /* [8] */
    const char *postgres; /* [NULL: the setting llmcs.postgres] as in llmcs_shop_options */
} llmcs_shop_service_options;

LLMCS_SHOP_API void llmcs_shop_service_options_init_sized(llmcs_shop_service_options *options, size_t struct_size);
#define llmcs_shop_service_options_init(options) llmcs_shop_service_options_init_sized((options), sizeof *(options))

/* Opens the store and what its settings name. options: NULL for the defaults. Errors: as llmcs_shop_open,
 * llmcs_model_open, llmcs_shop_classifier_open, llmcs_shop_guard_create and llmcs_shop_desk_open. */
LLMCS_SHOP_API llmcs_status llmcs_shop_service_open(const char *store_path, const llmcs_shop_service_options *options,
                                                    llmcs_shop_service **service);
LLMCS_SHOP_API void llmcs_shop_service_free(llmcs_shop_service **service);

/* Parts, which live as long as the service. NULL where there is none. */
LLMCS_SHOP_API llmcs_shop *llmcs_shop_service_shop(llmcs_shop_service *service);
LLMCS_SHOP_API llmcs_shop_desk *llmcs_shop_service_desk(llmcs_shop_service *service);
LLMCS_SHOP_API const struct llmcs_shop_guard *llmcs_shop_service_guard(llmcs_shop_service *service);
LLMCS_SHOP_API llmcs_shop_classifier_slot *llmcs_shop_service_intents(llmcs_shop_service *service);

#ifdef __cplusplus
}
#endif
#endif
