/*
 * llmcs_shop_desk.h - the conversation desk: takes a customer's message, returns a reply and what was done. Included by
 * llmcs_shop.h, whose rules apply here too.
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
 * To open everything that a store's settings name: llmcs_shop_service_open("shop.db", NULL, &service), then
 * llmcs_shop_service_desk(service).
 *
 * Steps of a turn
 *   1. Guard: a dangerous or abusive message is refused or handed over.
 *   2. Mask: personal data is replaced by names. Only masked text is stored, logged and given to a model.
 *   3. Encode: one forward pass gives the intent, out of scope, the sentiment, and the vector for the knowledge base.
 *      With options.reader a second one reads the message together with the turn before it.
 *   4. Answer: a flow of flows.json (examples/shop/flows.md), a knowledge base entry, recommendations, small talk, a
 *      question back, or a handover to a person.
 *   5. Wording, if there is a model. A gate compares the result with the facts; then the guard checks the reply.
 *   6. One transaction stores turn, state, action and audit. The reply is then unmasked for its owner.
 *
 * Guarantees, whatever flows.json says
 *   - A statement sees the logged-in customer as :customer_id, and only the tables it declares. Another customer's
 *     order is reported exactly like one that does not exist.
 *   - A destructive action needs a clear yes to a question that names its object. Nothing else counts as yes.
 *   - An action runs at most once per key. Its state is DONE, FAILED or UNKNOWN. UNKNOWN (no answer in time, or the
 *     process died) is never retried; the conversation goes to a person.
 *   - The same message id in a conversation returns the same reply, from the store.
 *   - A wording model decides nothing. Replies that report the result of an action are never worded by it.
 *   - kill -9 loses at most the turn in progress.
 *
 * Threads: any number may call llmcs_shop_desk_say. Turns of one conversation run in the order of the calls; different
 * conversations run in parallel. Two processes may open desks on the same store.
 */
#include "llmcs_shop.h" /* includes this file at its end; either order works */

#ifndef LLMCS_SHOP_DESK_H
#define LLMCS_SHOP_DESK_H

#include "llmcs_shop_knowledge.h"

#ifdef __cplusplus
extern "C" {
#endif

struct llmcs_shop_guard; /* llmcs_shop_guard.h */
typedef struct llmcs_shop_desk llmcs_shop_desk;

/* --------------------------------------------------------------------------------------- calls to the host */

typedef enum llmcs_shop_action_state {
    LLMCS_ACTION_NONE = 0,    /* no action in this turn */
    LLMCS_ACTION_DONE = 1,    /* it took effect */
    LLMCS_ACTION_FAILED = 2,  /* it certainly did not take effect */
    LLMCS_ACTION_UNKNOWN = 3, /* not known; a person must check */
    LLMCS_ACTION_PENDING = 4  /* still running, or the process died before the timeout */
} llmcs_shop_action_state;

/* "NONE", "DONE", "FAILED", "UNKNOWN", "PENDING". */
LLMCS_SHOP_API const char *llmcs_shop_action_state_name(llmcs_shop_action_state state);

typedef struct llmcs_shop_call llmcs_shop_call;

/* A request to the host. Only the library creates it, so it may grow at its end. */
typedef struct llmcs_shop_call_request {
    const char *name;  /* name of the find or action in flows.json */
    int32_t is_action; /* 0: a find; it must have no side effects */
    const char *key;   /* idempotency key of an action: the same for a retry of the same request. A host that receives a
                          key again must not act again. "" for a find */
    const char *customer; /* the logged-in customer's id, or "" */
    const char *conversation;
    const char *lang;
    const llmcs_shop_slot *slots; /* [n_slots] filled slots, not masked */
    size_t n_slots;
    double timeout_ms; /* a later answer is ignored */
} llmcs_shop_call_request;

/* Runs the host's finds and actions on a thread of the desk, at most n_host_threads at a time. Call
 * llmcs_shop_call_answer before returning; returning without an answer makes an action UNKNOWN and a find FAILED. Must
 * not call the desk. May block: after timeout_ms the turn continues without it, and llmcs_shop_desk_free waits until it
 * returns. request and call are valid until it returns. */
typedef void (*llmcs_shop_call_fn)(void *user, const llmcs_shop_call_request *request, llmcs_shop_call *call);

/* Answers a call, once. rows_json: for a find an array of objects, [{"id":"A1","status":"shipped"}], or "[]" if there
 * are none; for an action an object with facts for its texts, or NULL. Copied. Errors: ARG (call, state), JSON (neither
 * of these forms), LIMIT (more than 65,536 bytes), STATE (already answered, or after the timeout; a late answer to an
 * action is recorded for the person who checks it). */
LLMCS_SHOP_API llmcs_status llmcs_shop_call_answer(llmcs_shop_call *call, llmcs_shop_action_state state,
                                                   const char *rows_json);

/* ------------------------------------------------------------------------------------------- open */

typedef struct llmcs_shop_desk_options {
    size_t struct_size;
    const char *flows_path;                /* [NULL] path of flows.json; NULL: no flows, only entries */
    const char *flows_json;                /* [NULL] its text, instead of a path */
    llmcs_shop_classifier_slot *intents;   /* [NULL] classifier with labels of flows.json; may be swapped */
    llmcs_shop_classifier_slot *sentiment; /* [NULL] classifier; "negative" affects priority and tone */
    const struct llmcs_shop_guard *guard;  /* [NULL] checks and masks; NULL: texts are stored unmasked */
    const char *wording;                   /* [NULL: "templates"] folder of a model that words replies */
    llmcs_shop_call_fn call;               /* [NULL] runs finds and actions in host_calls or marked "host" */
    void *call_user;
    const char *const *host_calls; /* [NULL] [n_host_calls] names that `call` answers instead of SQL; "*": all */
    size_t n_host_calls;
    double call_timeout_ms;     /* [5000] per call, 1 to 600,000 */
    int32_t n_host_threads;     /* [8] concurrent calls, 1 to 64 */
    int64_t (*now)(void *user); /* [NULL: the clock] seconds since 1970, for :now, confirmations and dates */
    void *now_user;
    double confirm_minutes;           /* [30] after that a yes no longer counts; the question is repeated */
    double deadline_ms;               /* [0: none] for messages without a deadline */
    size_t max_text_bytes;            /* [16384] 1 to 65,536; longer messages get the reply "too long" */
    const llmcs_allocator *allocator; /* [NULL: the shop's] copied */
    llmcs_model
        *reader; /* [NULL] a sequence classifier over pairs (message, turn before it) with the labels "flow:INTENT",
                    "entry:ID", "abstain", "smalltalk", "ask" and "act:NAME"; decides before `intents` */
} llmcs_shop_desk_options;

LLMCS_SHOP_API void llmcs_shop_desk_options_init_sized(llmcs_shop_desk_options *options, size_t struct_size);
#define llmcs_shop_desk_options_init(options) llmcs_shop_desk_options_init_sized((options), sizeof *(options))

/* Opens a desk on a store; close it with llmcs_shop_desk_free. The objects in options must outlive the desk; strings
 * are copied. A message about flows.json gives the file, the path in it, what was found and what was expected. Errors:
 * as the store's, JSON, FORMAT (flows.json), CONFIG (flows.json contradicts itself or the store), THREAD, and those of
 * llmcs_model_open for `wording`. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_open(llmcs_shop *shop, const llmcs_shop_desk_options *options,
                                                 llmcs_shop_desk **desk);

/* Frees the desk and sets *desk to NULL. No other call may be using the desk. Waits for calls to the host that still
 * run. */
LLMCS_SHOP_API void llmcs_shop_desk_free(llmcs_shop_desk **desk);

/* -------------------------------------------------------------------------------------------- say */

typedef struct llmcs_shop_message {
    size_t struct_size;
    const char *conversation; /* 1 to 200 bytes, chosen by the host. Belongs to the customer of its first message */
    const char *customer;     /* [NULL: not logged in] id from the host's login */
    const char *id;           /* [NULL] message id: the same id in a conversation returns the same reply */
    const char *text;
    size_t text_bytes;  /* [LLMCS_NUL] */
    const char *lang;   /* [NULL: language of the text] language of the reply */
    double deadline_ms; /* [0: the desk's] for the whole turn. If no time is left for wording, the reply is the template
                           or entry itself */
    const int32_t *cancel; /* [NULL] as in llmcs_text_params; an action that has begun is completed */
    llmcs_text_fn on_text; /* [NULL] receives the checked reply in pieces; a value other than 0 stops them */
    void *on_text_user;
} llmcs_shop_message;

LLMCS_SHOP_API void llmcs_shop_message_init_sized(llmcs_shop_message *message, size_t struct_size);
#define llmcs_shop_message_init(message) llmcs_shop_message_init_sized((message), sizeof *(message))

typedef enum llmcs_shop_desk_route {
    LLMCS_DESK_NONE = 0,         /* no answer; the reply says so */
    LLMCS_DESK_FLOW = 1,         /* a flow answered, asked a question, or acted: see action */
    LLMCS_DESK_ENTRY = 2,        /* answer of an entry: see citations */
    LLMCS_DESK_FILLED = 3,       /* answer of an entry with slots filled in */
    LLMCS_DESK_GENERATED = 4,    /* entry worded by the model, accepted by the gate */
    LLMCS_DESK_RECOMMEND = 5,    /* products */
    LLMCS_DESK_SMALLTALK = 6,    /* thanks, greetings, insults */
    LLMCS_DESK_ASK_BACK = 7,     /* the desk asks which meaning is right */
    LLMCS_DESK_HANDOVER = 8,     /* handed over to a person: see handover_* */
    LLMCS_DESK_BLOCKED = 9,      /* refused by the guard, or the message is too long */
    LLMCS_DESK_UNAVAILABLE = 10, /* the store is not accessible, or a find got no answer; the reply says so */
    LLMCS_DESK_SILENT = 11       /* a person has taken over; reply is "" */
} llmcs_shop_desk_route;

/* Returns "none", "flow", "entry", "filled", "generated", "recommend", "smalltalk", "ask_back", "handover", "blocked",
 * "unavailable" or "silent". */
LLMCS_SHOP_API const char *llmcs_shop_desk_route_name(llmcs_shop_desk_route route);

/* What the desk expects of the next message. */
typedef enum llmcs_shop_expects {
    LLMCS_EXPECTS_ANYTHING = 0,
    LLMCS_EXPECTS_SLOT = 1,   /* a value: see expected_slot */
    LLMCS_EXPECTS_YES = 2,    /* a yes or no */
    LLMCS_EXPECTS_CHOICE = 3, /* one of the options offered */
    LLMCS_EXPECTS_PERSON = 4  /* a person's reply */
} llmcs_shop_expects;

/* Duration of each part of a turn, in milliseconds. */
typedef struct llmcs_shop_turn_ms {
    double load, check_in, mask, encode, classify, knowledge, recommend, flow, call, wording, check_out, store, total;
} llmcs_shop_turn_ms;

/* The result of a turn. Only the library creates it, so it may grow at its end. Strings are NUL-terminated, never NULL,
 * and valid until llmcs_shop_turn_free; the turn may outlive the desk. */
typedef struct llmcs_shop_turn {
    const char *reply; /* not masked: for this customer only */
    size_t reply_bytes;
    llmcs_shop_desk_route route;
    llmcs_shop_expects expects;
    const char *expected_slot; /* name of the slot in question, or "" */
    const char *lang;          /* of the reply */
    int64_t number;            /* number of the turn in the conversation, from 1; 0: it could not be stored */
    int32_t repeated;          /* 1: this message id was answered before, and this is that answer */

    const char *intent; /* label, or "" */
    double intent_score;
    double out_of_scope;
    const char *flow;             /* flow that answered, or "" */
    const llmcs_shop_slot *slots; /* [n_slots] slots of that flow, not masked */
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
    double probability; /* that the reply is right: of the entry, else of the intent; 1 for a rule or an exact match */

    const char *handover_reason;  /* "wanted", "not_understood", "angry", "danger", ...; "": none */
    int32_t handover_priority;    /* 0 normal, 1 angry, 2 danger */
    const char *handover_summary; /* masked, for the person who takes over */

    const char *sentiment; /* label, or "" */
    double sentiment_score;
    const char *verdict; /* on the message: "ALLOW", "MASK", "WARN", "BLOCK", "HANDOVER"; "": no guard */
    llmcs_shop_turn_ms ms;
} llmcs_shop_turn;

/* Answers a message; free *turn with llmcs_shop_turn_free. Temporary trouble (store locked, disk full, model missing)
 * is reported in the reply; the call fails only if there is no reply at all. Errors: ARG (message), STATE (the
 * conversation belongs to another customer), NOMEM, FORK, CANCELLED, LIMIT (text_bytes exceeds 1 GiB). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_say(llmcs_shop_desk *desk, const llmcs_shop_message *message,
                                                llmcs_shop_turn **turn);
LLMCS_SHOP_API void llmcs_shop_turn_free(llmcs_shop_turn **turn);

/* ------------------------------------------------------------------------------- people and conversations */

/* A person takes the conversation over: the desk stores further messages but does not reply. agent: the person's id.
 * Errors: as the store's, ARG (no such conversation). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_take_over(llmcs_shop_desk *desk, const char *conversation,
                                                      const char *agent);
/* Stores a person's reply in the history. Errors: as the store's, ARG (no such conversation), LIMIT (more than 65,536
 * bytes). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_reply(llmcs_shop_desk *desk, const char *conversation, const char *agent,
                                                  const char *text, size_t text_bytes);
/* Returns the conversation to the desk, which starts from a clean state. Also takes a waiting conversation out of the
 * queue. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_hand_back(llmcs_shop_desk *desk, const char *conversation);
/* Closes the conversation: drops its state, keeps its history. The next message starts over. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_close(llmcs_shop_desk *desk, const char *conversation);
/* Same as the two above, with the person's id for the audit. agent NULL: the host. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_hand_back_by(llmcs_shop_desk *desk, const char *conversation,
                                                         const char *agent);
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_close_by(llmcs_shop_desk *desk, const char *conversation,
                                                     const char *agent);
/* Records the outcome of an UNKNOWN action, DONE or FAILED, that a person has found out. Only then can the same request
 * run again. Errors: as the store's, ARG (no such key), STATE (the action is not UNKNOWN). */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_resolve(llmcs_shop_desk *desk, const char *key, const char *agent,
                                                    llmcs_shop_action_state state);

/* A stored turn. Only the library creates it, so it may grow at its end. */
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
    const char *status; /* "open", "waiting" (for a person), "person" or "closed"; "": no such conversation */
    const char *customer, *lang;
    int32_t priority;
    const char *reason, *summary; /* of the handover, masked */
    int64_t n_all;                /* number of turns in the conversation */
} llmcs_shop_history;

/* Reads up to k turns (1 to 1000) after number `after`; after < 0: the last k. unmask: 0: as stored; 1: with personal
 * data, for authorised staff. Free *history with llmcs_shop_history_free. Errors: as the store's. */
LLMCS_SHOP_API llmcs_status llmcs_shop_desk_history(llmcs_shop_desk *desk, const char *conversation, int64_t after,
                                                    size_t k, int32_t unmask, llmcs_shop_history **history);
LLMCS_SHOP_API void llmcs_shop_history_free(llmcs_shop_history **history);

/* --------------------------------------------------------------------------------------------- service */
/*
 * A service opens a store with everything that its settings name: "llmcs.encoder", "llmcs.intents", "llmcs.moderation",
 * "llmcs.sentiment", "llmcs.reader", "llmcs.flows", "llmcs.wording", "llmcs.tagger", "llmcs.postgres". Settings that
 * are not set are skipped. If one cannot be opened, the call fails and the message names the setting.
 */
typedef struct llmcs_shop_service llmcs_shop_service;

typedef struct llmcs_shop_service_options {
    size_t struct_size;
    const llmcs_model_options *model;    /* [NULL] options of the encoder; LLMCS_WEIGHTS_AUTO means INT8 here */
    const llmcs_shop_desk_options *desk; /* [NULL] members that are not NULL replace settings */
    const llmcs_allocator *allocator;    /* [NULL: malloc] */
    llmcs_log_fn log;                    /* [NULL] */
    void *log_user;
    int32_t lenient;      /* [0] 1: skips and logs what cannot be opened */
    int32_t busy_ms;      /* [5000] as in llmcs_shop_options */
    int32_t n_readers;    /* [8] as in llmcs_shop_options */
    const char *postgres; /* [NULL: the setting llmcs.postgres] as in llmcs_shop_options */
} llmcs_shop_service_options;

LLMCS_SHOP_API void llmcs_shop_service_options_init_sized(llmcs_shop_service_options *options, size_t struct_size);
#define llmcs_shop_service_options_init(options) llmcs_shop_service_options_init_sized((options), sizeof *(options))

/* Opens a store and what its settings name; close with llmcs_shop_service_free. options: NULL for the defaults.
 * Errors: as llmcs_shop_open, llmcs_model_open, llmcs_shop_classifier_open, llmcs_shop_guard_create and
 * llmcs_shop_desk_open. */
LLMCS_SHOP_API llmcs_status llmcs_shop_service_open(const char *store_path, const llmcs_shop_service_options *options,
                                                    llmcs_shop_service **service);
LLMCS_SHOP_API void llmcs_shop_service_free(llmcs_shop_service **service);

/* The parts of a service, owned by it; NULL if not configured. */
LLMCS_SHOP_API llmcs_shop *llmcs_shop_service_shop(llmcs_shop_service *service);
LLMCS_SHOP_API llmcs_shop_desk *llmcs_shop_service_desk(llmcs_shop_service *service);
LLMCS_SHOP_API const struct llmcs_shop_guard *llmcs_shop_service_guard(llmcs_shop_service *service);
LLMCS_SHOP_API llmcs_shop_classifier_slot *llmcs_shop_service_intents(llmcs_shop_service *service);

#ifdef __cplusplus
}
#endif
#endif
