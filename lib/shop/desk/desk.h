/*
 * The desk inside the library.
 *
 *   say.c        llmcs_shop_desk_say: one turn from end to end, and what the caller gets
 *   decide.c     which flow, entry or question a message means
 *   read.c       what rules and classifier say of it; pending.c: whether it answers what the desk asked
 *   follow.c     what hangs on the message before: a follow-up question, an object alone, "the second one"
 *   refer.c      which order a description means: "the one from last week", 还没发货的那个
 *   context.c    what goes on from the products and orders spoken of; browse.c: products that are sought
 *   machine.c    runs the program of a flow
 *   act.c        actions: keys, transactions, the host's answers
 *   answers.c    entries, the desk's own sentences
 *   values.c     slots from a text
 *   state.c      what of a conversation is stored: row, state, turn
 *   private.c    guard, names, audit, wording: what other parts of the library do for the desk
 *   host.c       threads for the host's calls
 *   people.c     taking over, handing back, history
 *   open.c       llmcs_shop_desk_open; service.c: everything from the settings of a store
 *
 * A turn is made without any lock but that of its conversation; the transaction at its end checks that the conversation
 * is as it was read, else the turn is made again. Once an action has begun in a transaction, the rest of the turn runs
 * inside it.
 */
#ifndef SHOP_DESK_DESK_H
#define SHOP_DESK_DESK_H

#include <pthread.h>

#include "shop/base/clock.h"
#include "shop/desk/host.h"
#include "shop/desk/statements.h"
#include "shop/desk/words.h"
#include "shop/recommend/recommender.h"
#include "shop/store/shared.h"

enum {
    DESK_MAX_FRAMES = 4, /* flows in the middle of others */
    DESK_MAX_ACTS = 8,   /* actions of one flow */
    DESK_MAX_QUEUE = DESK_MAX_PARTS,
    DESK_MAX_CHOICES = 2,
    DESK_MAX_LISTED = 5, /* products that "the second one" may mean */
    DESK_MAX_CITATIONS = 16,
    DESK_MAX_PRODUCTS = 10,
    DESK_MAX_RUN = 1000 /* operations in a turn: a loop of "go" ends */
};

/* One call of llmcs_shop_desk_say, while it waits for or has its conversation. */
typedef struct desk_place {
    uint64_t conversation; /* hash */
    struct desk_place *next;
} desk_place;

struct llmcs_shop_desk {
    llmcs_allocator allocator;
    llmcs_shop *shop;
    desk_flows *flows;
    desk_readers *readers;
    desk_host *host;
    struct desk_private *priv; /* of private.c */
    llmcs_shop_classifier_slot *intents, *sentiment;
    llmcs_shop_rollout *rollout; /* of a service: versions of the intents; or NULL */
    const struct llmcs_shop_guard *guard;
    bool *find_by_host, *action_by_host; /* [n_finds], [n_actions] */
    int64_t (*now)(void *user);
    void *now_user;
    double confirm_minutes, deadline_ms, call_timeout_ms;
    size_t max_text_bytes;

    pthread_mutex_t lock; /* guards the list of places, and */
    double followed;      /* when the rollout was last refreshed */
    pthread_cond_t left;
    desk_place *first, *last;
};

/* ---- state */

/* What products are sought. */
typedef struct desk_seek {
    const char *text;          /* that names their kind or for whom they are; NULL: none are sought */
    const char *without;       /* that denies kinds ("not tea"), or NULL */
    const char *colour, *size; /* or NULL */
    double least, most;        /* price; most 0: any */
} desk_seek;

typedef enum desk_spoken { DESK_SPOKEN_NONE, DESK_SPOKEN_PRODUCTS, DESK_SPOKEN_ORDERS } desk_spoken;

/* An action that a flow has tried. */
typedef struct desk_act {
    int flow, op, action;
    llmcs_shop_action_state state;
    const char *key, *object;
    const desk_json *answer; /* of the host, or NULL */
} desk_act_record;

/* A flow that runs. Each turn runs it from its start with what is known here. */
typedef struct desk_frame {
    int flow;
    int64_t serial; /* of the conversation's frames: part of the keys of its actions */
    const char *slots[DESK_MAX_SLOTS];
    unsigned char said[DESK_MAX_OPS / 8];
    int origin;       /* the flow that it began as, before any "go" */
    int asked;        /* the operation that waits for the customer; -1 */
    int tries;        /* answers to it that did not fit */
    int64_t asked_at; /* when the confirmation was asked */
    uint64_t yes;     /* hash of the slots that a clear yes was given to; 0: none */
    int refused;      /* the confirmation that was declined; -1 */
    desk_act_record acts[DESK_MAX_ACTS];
    size_t n_acts;
    const char *narrowed[DESK_MAX_LISTED]; /* objects that a description fits, when it fits several */
    size_t n_narrowed;
    int shown;                              /* the question that was put in full, with its list; -1 */
    const char *part;                       /* what was said towards a free text that is not whole yet; or NULL */
    bool missed;                            /* the last message did not answer its question */
    bool unfit;                             /* it describes an object that there is none of */
    const desk_rows *finds[DESK_MAX_FINDS]; /* of this turn */
} desk_frame;

/* Something to do: a part of a message and what it means. */
typedef struct desk_wish {
    const char *text;
    const char *label; /* or "" */
    double score, out_of_scope;
    int flow;          /* what `label` starts, or a choice; -1 */
    const char *entry; /* or NULL */
    const float *vector;
} desk_wish;

typedef struct desk_conversation {
    int64_t row; /* 0: new */
    int64_t n_turns;
    int64_t customer;        /* row of the login, or -1 */
    const char *customer_id; /* or NULL */
    const char *status;      /* "open", "waiting", "person", "closed" */
    const char *stored;      /* the status as it was loaded */
    const char *lang;
    int priority;
    const char *reason, *summary, *acting;
    desk_frame *frames[DESK_MAX_FRAMES]; /* the last one runs */
    size_t n_frames;
    int unknown; /* messages in a row that nothing fitted */
    bool sorry;  /* was said */
    int64_t serial;
    const char *mentioned[DESK_MAX_SLOTS]; /* values that flows ended with */
    desk_wish queue[DESK_MAX_QUEUE];
    size_t n_queue;
    struct {
        int flow;
        const char *entry;
    } choices[DESK_MAX_CHOICES];
    size_t n_choices;
    int retry;  /* a flow that did not find its object, + 1: the next message may correct the number; 0: none */
    int resume; /* the flow that ended last and would take an object, + 1: the next message may be nothing else */
    bool lacks_object;                   /* and it is not known which */
    const char *listed[DESK_MAX_LISTED]; /* ids of the products listed last: "the second one" */
    size_t n_listed;
    const char *offered[DESK_MAX_LISTED]; /* orders listed last */
    size_t n_offered;
    int done;           /* the flow that the turn before has done, + 1; 0: none */
    bool kept;          /* `resume` is of the turn before the last */
    bool acted;         /* what `resume` names has been done for one object: another one must be described */
    int64_t focus;      /* the turn that last spoke of the order in `mentioned` */
    const char *about;  /* the product that was spoken of last: "it"; or NULL */
    desk_seek seek;     /* what the list was an answer to */
    const char *thread; /* the question that the last turn answered, with those before that it went on from */
    int64_t thread_at;
    desk_spoken spoken;                 /* of products or orders last */
    int64_t products_at, orders_at;     /* turns in which they were spoken of; 0: never */
    const char *last_route;             /* of the last turn */
    const char *choice_text;            /* the message that was not clear */
    const char *last_user, *last_reply; /* of the last turn, masked, for the wording's history */
} desk_conversation;

/* ---- a turn */

typedef struct desk_turn {
    llmcs_shop_desk *desk;
    const desk_flows *flows;
    const llmcs_shop_message *message;
    shop_arena *arena;
    double begin, deadline; /* monotonic milliseconds; deadline 0: none */
    int64_t now;
    int lang;
    const char *text; /* clean */
    size_t text_bytes;
    const char *masked;
    desk_words words;
    desk_words read; /* the same with the spelling corrected: what is understood, not what is stored */
    desk_conversation *c;
    void *names; /* of private.c */
    const float *vector;
    shop_connection *link;   /* to the server of several nodes; NULL in a store without one */
    shop_connection *writer; /* once an action has begun */
    bool keep_state;         /* the state stays as it is stored */
    size_t n_run;

    int done_before; /* `done` of the turn before */
    desk_buffer reply;
    bool wordable;          /* nothing in the reply hangs on an action or a question */
    const char *entry_text; /* the entry that was said, for the wording */
    desk_wish wish;         /* what is being answered */
    desk_words wish_words;  /* of its text, for recommendations */
    const char *kind_text;  /* whose `kind` was read last, or NULL */
    shop_wish kind;
    bool handed_over, route_set;
    bool danger; /* the guard wants a person to see the message */
    bool worded; /* by the model */
    const char *verdict_label;
    bool foreign; /* the conversation is another customer's */

    llmcs_shop_turn out;
    const llmcs_shop_citation *citations[DESK_MAX_CITATIONS];
    const char *products[DESK_MAX_PRODUCTS];
    desk_act_record act; /* the last one; action -1: none */
    bool host_acted;     /* its row is PENDING until the turn is stored */
    bool doubtful;       /* perhaps stored: the server gave no answer */
} desk_turn;

/* Seconds since 1970, of the host's clock if it has one. */
int64_t desk_time(const llmcs_shop_desk *desk);

/* ---- words.c's counterpart for slots: values.c */

/* The slot's value in these words, or NULL. `answers`: the message answers the slot's question, so that less must be
 * said. */
llmcs_status desk_value_find(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value);
/* Whether a text has what the slot's values have: `like`. */
bool desk_is_like(const desk_slot *s, const desk_words *w);
/* A row of a find as its line says it. */
llmcs_status desk_row_in_words(desk_turn *t, const desk_query *find, const desk_rows *rows, size_t row,
                               const char **line);
/* As the customer sees it: a choice's label, a product's title. */
llmcs_status desk_value_show(desk_turn *t, int slot, const char *value, const char **shown);
/* The rows of the slot's `from`; NULL without one or without a login. */
/* The find that lists the candidates of a slot in the frame's flow, or -1. */
int desk_from(const desk_turn *t, const desk_frame *frame, int slot);
llmcs_status desk_choices(desk_turn *t, const desk_frame *frame, int slot, const desk_rows **rows);

/* ---- refer.c */

/* What a message says of an object that a slot lists. */
typedef struct desk_reference {
    bool describes; /* it says which it means */
    bool pure;      /* and hardly anything else */
    bool goods;     /* it names a kind of goods */
    bool strong;    /* more than a word of a title: goods, status, date, price, place; or it points at one */
    bool all;       /* "both": every one of `ids` is meant */
    const char *ids[DESK_MAX_LISTED]; /* what it fits */
    size_t n;
} desk_reference;

/* Among what the top frame's flow offers, else among all objects of the customer. answers: the message answers the
 * question which one. */
llmcs_status desk_refer(desk_turn *t, int slot, const desk_words *w, bool answers, desk_reference *ref);
/* The object that the words describe, or NULL. If the slot is empty, the question lists the several that fit, or says
 * that none does. */
llmcs_status desk_refer_value(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value);
/* "The one that", 的那个: the words point at something. */
bool desk_points(const desk_words *w);
/* The slot of an order that the flow uses, or -1. */
int desk_order_slot(const desk_turn *t, int flow);
/* Words of a message that are neither the flow's nor function words; SIZE_MAX if memory ran out. */
size_t desk_words_beside(const desk_turn *t, const desk_words *w, const desk_flow *flow);
/* The rows that the slot's question lists: all candidates, or those that fit the answers so far. */
llmcs_status desk_offers(desk_turn *t, const desk_frame *frame, int slot, const desk_rows **rows);
/* Keeps which orders were listed, in a question or by the flow. */
llmcs_status desk_keep_offered(desk_turn *t, const desk_rows *rows);

/* ---- machine.c */

llmcs_status desk_start_flow(desk_turn *t, int flow, const desk_words *w);
/* Runs the flow on top of the stack until it waits, ends or hands over; goes on with what waited below it. */
llmcs_status desk_run(desk_turn *t);
/* The same for a flow that begins. done: what the turn before has done, + 1: it is not done again for the same order.
 */
llmcs_status desk_run_new(desk_turn *t, int done);
/* Fills empty slots of the frame from the words. */
llmcs_status desk_fill_slots(desk_turn *t, desk_frame *frame, const desk_words *w, bool refers_back);
/* Sets a slot: what was said and confirmed with the old value no longer counts. */
void desk_set_slot(desk_frame *frame, int slot, const char *value);
uint64_t desk_slots_hash(const desk_turn *t, const desk_frame *frame);
llmcs_status desk_values_of(desk_turn *t, const desk_frame *frame, desk_values_in *v);
/* The question that the top frame waits with, once more. missed: the message did not answer it. */
llmcs_status desk_ask_again(desk_turn *t, desk_frame *frame, bool missed);
desk_frame *desk_top(const desk_turn *t); /* or NULL */
void desk_pop(desk_turn *t);

/* ---- answers.c */

llmcs_status desk_say_sentence(desk_turn *t, desk_sentence sentence);
llmcs_status desk_say_text(desk_turn *t, const desk_text *text, const desk_values_in *v);
/* A new line, unless the reply is empty. */
void desk_new_line(desk_turn *t);
/* *found: whether the knowledge base had an answer (or a question back). at_least: probability that is needed; < 0: its
 * own threshold. */
llmcs_status desk_say_knowledge(desk_turn *t, const desk_wish *wish, double at_least, bool *found);
/* The same among entries with one of the tags; accept < 0: as calibrated. */
llmcs_status desk_say_tagged(desk_turn *t, const desk_wish *wish, const char *const *tags, size_t n_tags, double accept,
                             bool *found);
llmcs_status desk_say_entry(desk_turn *t, const char *id, bool *found);
llmcs_status desk_hand_over(desk_turn *t, const char *reason, int priority, const desk_text *text,
                            const desk_values_in *v);
/* Sets the route unless one is set that says more. */
void desk_set_route(desk_turn *t, llmcs_shop_desk_route route);

/* ---- act.c */

/* Tries action `op->index` of the frame: *record says what became of it. */
llmcs_status desk_do(desk_turn *t, desk_frame *frame, const desk_op *op, int at, desk_act_record **record);
/* What became of an action of the host that an earlier turn began and never settled. *busy: it may still be at it.
 * *lost: its time is over. */
llmcs_status desk_settle_acting(desk_turn *t, bool *busy, bool *lost);
/* By the name that llmcs_shop_action_state_name gives; UNKNOWN: there is no such state. */
llmcs_shop_action_state desk_action_state(const char *name);
/* The rows of a find, from the store or the host. */
llmcs_status desk_find(desk_turn *t, const desk_frame *frame, int find, const desk_rows **rows);
void desk_bind(const desk_turn *t, const desk_frame *frame, const char *key, desk_binding *b);

/* ---- decide.c, read.c (what they share with pending.c: decide.h) */

llmcs_status desk_decide(desk_turn *t);
/* A rule of flows.json that interrupts everything fits the message. */
bool desk_is_interrupted(const desk_turn *t);
/* The vector of the message, if there is an encoder. */
llmcs_status desk_embed(desk_turn *t);
/* Answers one wish. *understood: false if nothing fitted (then nothing was said). */
llmcs_status desk_answer_wish(desk_turn *t, const desk_wish *wish, bool *understood);
llmcs_status desk_not_understood(desk_turn *t);

/* ---- follow.c */

/* A flow has ended, or an entry answered in its stead: whether the next message may name just its object. */
void desk_await_object(desk_turn *t, int flow, const desk_frame *frame);
/* Keeps the products that this turn lists. */
llmcs_status desk_keep_listed(desk_turn *t, const desk_frame *frame);
/* The product listed last that the message names by its place, or the one that "it" is; or NULL. */
const char *desk_listed_product(const desk_turn *t, const desk_words *w);
/* Starts the flow `resume` if the message is the number of its object and hardly more, or, if it may, words for it.
 * acted: what that flow does is done; it goes on only with another object. kept: a remark came between; a number alone
 * is none for it. */
llmcs_status desk_answer_object(desk_turn *t, int resume, bool may_describe, bool acted, bool kept, bool *handled);
/* "What's up with the one that's on its way": an order described and nothing else starts the flow for it. */
llmcs_status desk_answer_described(desk_turn *t, bool *handled);
/* Starts the flow if the message names goods of one order of the customer's: "my boots from October, can I return
 * these?". */
llmcs_status desk_answer_owned(desk_turn *t, int flow, bool *handled);
/* "the text before, the text now", if the message asks on after an entry; else NULL. *refers: it refers to what was
 * answered ("there", "that"), so that alone it means little. */
llmcs_status desk_follow_up_text(desk_turn *t, const char **text, bool *refers);
/* An address again or as wrong: a whole one replaces it, "wait, flat 4" empties it, so that the flow asks again. */
llmcs_status desk_correct_address(desk_turn *t, desk_frame *frame, bool *corrected);
/* "Any other colours?" after a product. */
bool desk_asks_attribute(const desk_words *w);
/* Whether the message names what the frame is about, and asks nothing. */
llmcs_status desk_names_object(desk_turn *t, const desk_frame *frame, bool *names);

/* Which of n things the message means by its place, from 1 on; 0: it names none. */
size_t desk_which_place(const desk_words *w, size_t n);

/* ---- browse.c */

/* What kind of product a text names, and for whom. */
llmcs_status desk_read_kind(desk_turn *t, const char *text, size_t n, shop_wish *wish);

/* Recommends k products. have: only what the message names, as an answer to whether there is any. */
llmcs_status desk_say_products(desk_turn *t, desk_recommend_by by, const char *product, size_t k, bool have,
                               bool *found);

/* ---- context.c */

/* A message that goes on from the products or orders spoken of. */
llmcs_status desk_answer_in_context(desk_turn *t, const desk_rule *rule, bool *handled);
/* A message that is a kind of product and at most so many words that say something else. */
llmcs_status desk_answer_bare_kind(desk_turn *t, const desk_rule *rule, size_t most_left, bool *handled);
/* Products were listed or looked up in the last turns. */
bool desk_products_are_near(const desk_turn *t);
/* Notes that this turn lists or looks up orders. */
void desk_keep_orders(desk_turn *t, const desk_frame *frame);

/* ---- state.c */

/* Reads the conversation. *answered: this message id has a turn, which is in t->out. */
llmcs_status desk_load(desk_turn *t, bool *answered);
/* Begins a write that finds the conversation as it was loaded. CHANGED if it is not. Does nothing if one has begun. */
llmcs_status desk_write_begin(desk_turn *t);
/* Inside a write: the row of the conversation, which stays as it is until the write ends; or `none`. */
llmcs_status desk_find_conversation(shop_connection *c, const char *conversation, int64_t none, int64_t *row);
/* Writes conversation and turn and commits; nothing is written on failure. */
llmcs_status desk_store(desk_turn *t);
/* The row of the conversation inside a write; adds it if it is new. */
llmcs_status desk_conversation_row(desk_turn *t, shop_connection *c);
/* ---- private.c */

struct desk_private;
llmcs_status desk_private_create(llmcs_shop_desk *desk, const char *wording);
void desk_private_free(llmcs_shop_desk *desk);
/* check IN and mask: fills t->masked, t->out.verdict. *stop: the turn is refused or handed over. */
llmcs_status desk_guard_in(desk_turn *t, bool *stop);
/* check OUT. *stop: the reply must not be said. */
llmcs_status desk_guard_out(desk_turn *t, bool *stop);
llmcs_status desk_names_open(desk_turn *t);
void desk_names_close(desk_turn *t);
/* The names of the conversation from the vault, inside a read; new ones into it, inside a write. */
llmcs_status desk_names_load(desk_turn *t, shop_connection *c);
llmcs_status desk_names_store(desk_turn *t, shop_connection *c);
llmcs_status desk_mask(desk_turn *t, const char *text, const char **masked);
/* The value of a slot: an address is one even if nothing in it looks like it. */
llmcs_status desk_mask_slot(desk_turn *t, int slot, const char *value, const char **masked);
/* Masks what is known by now in a masked text. */
llmcs_status desk_mask_values(desk_turn *t, const char *text, const char **masked);
llmcs_status desk_unmask(desk_turn *t, const char *masked, const char **text);
/* Words the reply by the model, where it may. */
llmcs_status desk_word(desk_turn *t);
/* Inside a write. */
llmcs_status desk_audit(shop_connection *c, const char *role, const char *actor, const char *action, const char *object,
                        const char *detail_json);

#endif
