/*
 * The desk inside the library.
 *
 *   say.c        llmcs_shop_desk_say: one turn from start to end, and its result
 *   decide.c     which flow, entry or question a message means
 *   read.c       rules and classifier on a message; pending.c: answers to the desk's questions
 *   follow.c     messages that depend on the previous turn: a follow-up question, an object alone, "the second one"
 *   refer.c      which order a description means: "the one from last week", 还没发货的那个
 *   context.c    follow-ups about recent products and orders; signals.c: what such a message says
 *   browse.c     product search; products.c: questions about products that are no follow-ups by themselves, with the
 *                words and numbers that terms.c finds in products' texts
 *   machine.c    runs the program of a flow
 *   act.c        actions: keys, transactions, the host's answers
 *   total.c      what goods cost together
 *   answers.c    entries and built-in sentences; again.c: replies that were given before
 *   parts.c      several questions in one message
 *   values.c     reads slot values from a text
 *   state.c      loads and stores a conversation: row, state, turn
 *   private.c    the guard, names, audit and wording, which other parts of the library provide
 *   talk.c       small talk around a question; noise.c: letters that are no words
 *   host.c       threads for calls to the host
 *   people.c     taking over, handing back, history
 *   open.c       llmcs_shop_desk_open; service.c: opens everything that a store's settings name
 *
 * A turn holds no lock except that of its conversation. The transaction at its end checks that the conversation is
 * still as it was read; if not, the turn is repeated. Once an action has begun in a transaction, the rest of the turn
 * runs inside that transaction.
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
    DESK_MAX_FRAMES = 4, /* open flows, each interrupted by the next */
    DESK_MAX_ACTS = 8,   /* actions of one frame */
    DESK_MAX_QUEUE = DESK_MAX_PARTS,
    DESK_MAX_CHOICES = 2,
    DESK_MAX_LISTED = 5, /* products or orders that "the second one" can mean */
    DESK_MAX_CITATIONS = 16,
    DESK_MAX_PRODUCTS = 10,
    DESK_MAX_RUN = 1000 /* operations in a turn; stops an endless loop of "go" */
};

/* A call of llmcs_shop_desk_say that waits for its conversation or holds it. */
typedef struct desk_place {
    uint64_t conversation; /* hash of its id */
    struct desk_place *next;
} desk_place;

typedef struct desk_reader desk_reader; /* see reader.c */

struct llmcs_shop_desk {
    llmcs_allocator allocator;
    llmcs_shop *shop;
    desk_flows *flows;
    desk_readers *readers;
    desk_host *host;
    struct desk_private *priv; /* see private.c */
    llmcs_shop_classifier_slot *intents, *sentiment;
    desk_reader *reader;         /* or NULL */
    llmcs_shop_rollout *rollout; /* versions of the intents, opened by a service; or NULL */
    const struct llmcs_shop_guard *guard;
    bool *find_by_host, *action_by_host; /* [n_finds], [n_actions] */
    int64_t (*now)(void *user);
    void *now_user;
    double confirm_minutes, deadline_ms, call_timeout_ms;
    size_t max_text_bytes;

    pthread_mutex_t lock; /* guards `followed` and the list of places */
    double followed;      /* when the rollout was last refreshed */
    pthread_cond_t left;
    desk_place *first, *last;
};

/* ---- reader.c */

/* The label of a reader that a message most probably has. */
typedef enum desk_meaning_kind {
    DESK_MEANS_NOTHING, /* no reader, or a label that flows.json lacks */
    DESK_MEANS_INTENT,  /* a flow or an entry */
    DESK_MEANS_UNKNOWN, /* something the shop has no answer to */
    DESK_MEANS_SMALL_TALK,
    DESK_MEANS_UNCLEAR
} desk_meaning_kind;

/* Dialogue acts. */
typedef enum desk_act_kind {
    DESK_ACT_ASK,    /* a question or request that stands alone */
    DESK_ACT_FOLLOW, /* one that needs the turn before */
    DESK_ACT_ANSWER, /* answers the desk's question */
    DESK_ACT_YES,
    DESK_ACT_NO,
    DESK_ACT_ACK,    /* "ok, thanks" */
    DESK_ACT_STOP,   /* gives up, changes their mind */
    DESK_ACT_REMARK, /* tells, asks nothing */
    DESK_ACT_REPAIR, /* "no, I meant ..." */
    DESK_N_ACTS
} desk_act_kind;

typedef struct desk_meaning {
    desk_meaning_kind kind;
    const desk_intent *intent, *second, *entry; /* the two best labels, and the best entry; or NULL */
    double score, second_score, entry_score;    /* probabilities */
    const desk_intent *next;                    /* the best entry besides the one given last, or NULL */
    double next_score;
    double unknown;           /* probability that the shop has no answer */
    double acts[DESK_N_ACTS]; /* probabilities */
} desk_meaning;

/* model: must outlive the reader. Errors: NO_HEAD, CONFIG (no label of flows.json), NOMEM. */
llmcs_status desk_reader_create(const llmcs_allocator *a, llmcs_model *model, const desk_flows *flows,
                                desk_reader **reader);
void desk_reader_free(const llmcs_allocator *a, desk_reader **reader);

/* ---- state */

/* The filters of a product search. */
typedef struct desk_search {
    const char *text;          /* names the kind or audience; NULL: no search */
    const char *without;       /* text that excludes kinds ("not tea"), or NULL */
    const char *colour, *size; /* NULL: any */
    double least, most;        /* price range; most 0: no limit */
} desk_search;

typedef enum desk_spoken { DESK_SPOKEN_NONE, DESK_SPOKEN_PRODUCTS, DESK_SPOKEN_ORDERS } desk_spoken;

/* An action that a flow has attempted. */
typedef struct desk_act {
    int flow, op, action;
    llmcs_shop_action_state state;
    const char *key, *object;
    const desk_json *answer; /* the host's, or NULL */
} desk_act_record;

/* The frame of an open flow. Each turn runs the flow from its start with this state. */
typedef struct desk_frame {
    int flow;
    int64_t serial; /* number within the conversation; part of the action keys */
    const char *slots[DESK_MAX_SLOTS];
    unsigned char said[DESK_MAX_OPS / 8];
    int origin;       /* the flow that was started, before any "go" */
    int asked;        /* the operation that waits for the customer; -1: none */
    int tries;        /* answers so far that did not fit */
    int64_t asked_at; /* when the confirmation was asked */
    uint64_t yes;     /* hash of the slots that the customer confirmed; 0: none */
    int refused;      /* the confirmation that was declined; -1: none */
    desk_act_record acts[DESK_MAX_ACTS];
    size_t n_acts;
    const char *narrowed[DESK_MAX_LISTED]; /* ids of the objects that fit an ambiguous description */
    size_t n_narrowed;
    int shown;                              /* the question already asked in full, with its list; -1: none */
    const char *part;                       /* first part of a free-text answer that is not complete; or NULL */
    bool missed;                            /* the last message did not answer the question */
    bool answered;                          /* this turn answered its question which order */
    bool by_label;                          /* started by the classifier alone, and not answered yet */
    bool unfit;                             /* the message describes an object that does not exist */
    const desk_rows *finds[DESK_MAX_FINDS]; /* results of this turn */
    const desk_rows *all;                   /* all objects of the customer, if read in this turn; see desk_refer */
    int all_find;                           /* the find that gave `all` */
} desk_frame;

/* A request: a part of a message with its meaning. */
typedef struct desk_request {
    const char *text;
    const char *label; /* or "" */
    double score, out_of_scope;
    int flow;          /* that `label` or a choice starts; -1: none */
    const char *entry; /* or NULL */
    const float *vector;
    bool by_reader; /* the reader knows entries too, so the knowledge base is not asked first */
} desk_request;

typedef struct desk_conversation {
    int64_t row; /* 0: not stored yet */
    int64_t n_turns;
    int64_t customer;        /* row of the logged-in customer, or -1 */
    const char *customer_id; /* or NULL */
    const char *status;      /* "open", "waiting", "person", "closed" */
    const char *stored;      /* the status when it was loaded */
    const char *lang;
    int priority;
    const char *reason, *summary, *acting;
    desk_frame *frames[DESK_MAX_FRAMES]; /* the last one is active */
    size_t n_frames;
    int unknown; /* consecutive messages that were not understood */
    bool sorry;  /* the desk has apologised */
    int repeats; /* times that the last reply has been given again in a row */
    int64_t serial;
    const char *mentioned[DESK_MAX_SLOTS]; /* slot values of earlier flows */
    desk_request queue[DESK_MAX_QUEUE];
    size_t n_queue;
    struct {
        int flow;
        const char *entry;
    } choices[DESK_MAX_CHOICES];
    size_t n_choices;
    int retry;  /* flow whose order was not found, + 1: the next message may correct the number; 0: none */
    int resume; /* flow that ended last and takes an object, + 1: the next message may name only the object; 0: none */
    bool lacks_object;                   /* `resume` has no object yet */
    const char *listed[DESK_MAX_LISTED]; /* ids of the products listed last: "the second one" */
    size_t n_listed;
    const char *offered[DESK_MAX_LISTED]; /* ids of the orders listed last */
    size_t n_offered;
    const char *did;    /* what the reply said of the last action that is done; or NULL */
    int done;           /* flow that opened a ticket in the previous turn, + 1; 0: none */
    bool kept;          /* `resume` was set one turn earlier */
    bool acted;         /* `resume` has acted on one object; only another object may follow */
    int64_t focus;      /* the last turn about the order in `mentioned` */
    const char *about;  /* the product that "it" means; or NULL */
    desk_search search; /* the search behind the list */
    const char *topic;  /* the kind of product that the customer named last, or NULL */
    int64_t topic_at;   /* the turn that named it */
    const char *thread; /* the question answered last, with the questions it followed up */
    int64_t thread_at;
    const char *entry;                    /* the entry that the last turn quoted last, or NULL */
    const char *given;                    /* the entry that was quoted last of all, or NULL */
    int64_t given_at;                     /* the turn that quoted it */
    desk_spoken spoken;                   /* what the last turn was about */
    int64_t products_at, orders_at;       /* the last turns about products and orders; 0: none */
    const char *last_route, *last_intent; /* of the last turn */
    const char *choice_text;              /* the unclear message */
    const char *last_user, *last_reply;   /* of the last turn, masked, for the wording */
} desk_conversation;

/* ---- a turn */

/* The titles of rows as words. refer.c reads each title once per turn. */
typedef struct desk_titles {
    const desk_rows *rows; /* NULL: unused */
    int column;
    desk_words *words; /* [rows->n] folded NULL: not read yet */
} desk_titles;

typedef struct desk_turn {
    llmcs_shop_desk *desk;
    const desk_flows *flows;
    const llmcs_shop_message *message;
    shop_arena *arena;
    double begin, deadline; /* milliseconds, monotonic; deadline 0: none */
    int64_t now;
    int lang;
    const char *text; /* valid UTF-8 */
    size_t text_bytes;
    const char *masked;
    desk_words words;
    desk_words read; /* the text after spelling correction: for understanding, never stored */
    desk_conversation *c;
    void *names; /* see private.c */
    const float *vector;
    shop_connection *link;   /* to the server; NULL if the store has none */
    shop_connection *writer; /* transaction of an action; NULL before one begins */
    bool keep_state;         /* leaves the stored state unchanged */
    size_t n_run;

    int done_before; /* `done` of the previous turn */
    desk_buffer reply;
    bool wordable;                   /* the reply depends on no action and no question */
    const char *entry_text;          /* the entry quoted in the reply */
    const char *not_entry;           /* an entry that must not answer this message, or NULL */
    const char *next_entry;          /* what the reader would answer besides the entry given last, or NULL */
    double next_score;               /* its probability */
    desk_span parts[DESK_MAX_PARTS]; /* of a message that asks several things; see parts.c */
    desk_meaning meanings[DESK_MAX_PARTS];
    size_t n_parts;
    bool excluded;            /* the knowledge base found that entry */
    desk_request request;     /* the request being answered */
    desk_words request_words; /* words of its text, for recommendations */
    desk_titles titles[2];    /* of the rows that refer.c compared last: those that a flow offers, and all */
    size_t n_titles;          /* sets read so far; a new one replaces the older of the two */
    const char *kind_text;    /* text that `kind` was read from, or NULL */
    shop_wish kind;
    bool handed_over, route_set;
    bool asks_product; /* the reader is sure that the message asks about a product */
    bool no_entry;     /* and that no entry answers it */
    bool danger;       /* the guard hands the message to a person */
    bool worded;       /* the model worded the reply */
    const char *verdict_label;
    bool foreign; /* the conversation belongs to another customer */

    llmcs_shop_turn out;
    const llmcs_shop_citation *citations[DESK_MAX_CITATIONS];
    const char *products[DESK_MAX_PRODUCTS];
    desk_act_record act; /* the latest action; action -1: none */
    bool host_acted;     /* its row is PENDING until the turn is stored */
    bool doubtful;       /* the server gave no answer, so the turn may or may not be stored */
} desk_turn;

/* Seconds since 1970, by the host's clock if it provides one. */
int64_t desk_time(const llmcs_shop_desk *desk);

/* ---- values.c */

/* Returns the slot's value in these words, or NULL. answers: the message answers the slot's question, so a bare value
 * is enough. */
llmcs_status desk_value_find(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value);
/* Finds the one product that the text names by its title, in stock or not: most words of the title's name and two of
 * them besides the kind. *product is NULL if none or several fit. */
llmcs_status desk_named_product(desk_turn *t, const desk_words *w, const char **product);
/* True if the text names goods or how many: "one of the mugs". */
bool desk_says_part(const desk_turn *t, const desk_words *w);
/* True if the text has what `like` requires of the slot's values, outside codes such as order numbers. */
bool desk_is_like(const desk_slot *s, const desk_words *w);
/* Formats a row by the `line` of its find. */
llmcs_status desk_row_in_words(desk_turn *t, const desk_query *find, const desk_rows *rows, size_t row,
                               const char **line);
/* Returns the value as the customer sees it: the label of a choice, the title of a product. */
llmcs_status desk_value_show(desk_turn *t, int slot, const char *value, const char **shown);
/* Returns the find that lists the slot's candidates in the frame's flow, or -1. */
int desk_from(const desk_turn *t, const desk_frame *frame, int slot);
llmcs_status desk_choices(desk_turn *t, const desk_frame *frame, int slot, const desk_rows **rows);

/* ---- refer.c */

/* What a message says about an object of a slot. */
typedef struct desk_reference {
    bool describes; /* it describes an object */
    bool pure;      /* and says little else */
    bool goods;     /* it names a kind of goods */
    bool strong;    /* more than a title word: goods, status, date, price or place, or it points ("that one") */
    bool all;       /* "both": all of `ids` are meant */
    const char *ids[DESK_MAX_LISTED]; /* the objects that match */
    size_t n;
} desk_reference;

/* Returns the kind of goods that the words name, by the longest word of flows.json's "kinds", or NULL. *word: that
 * word; word may be NULL. */
const desk_kind *desk_named_kind(const desk_turn *t, const desk_words *w, const char **word);
/* Matches the words with the candidates of the top frame's flow, then with all objects of the customer. answers: the
 * message answers which object is meant. */
llmcs_status desk_refer(desk_turn *t, int slot, const desk_words *w, bool answers, desk_reference *ref);
/* Returns the object that the words describe, or NULL. For an empty slot, several matches or none are kept for the
 * question, which lists them or says that none fits. */
llmcs_status desk_refer_value(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value);
/* True if the words point at something: "the one that", 的那个. */
bool desk_points(const desk_words *w);
/* Returns the order slot that the flow uses, or -1. */
int desk_order_slot(const desk_turn *t, int flow);
/* Counts the words that are neither cues of the flow nor function words; SIZE_MAX: out of memory. */
size_t desk_words_beside(const desk_turn *t, const desk_words *w, const desk_flow *flow);
/* Returns the rows that the slot's question lists: all candidates, or those that fit the answers so far. */
llmcs_status desk_offers(desk_turn *t, const desk_frame *frame, int slot, const desk_rows **rows);
/* Copies the ids of the first rows, at most DESK_MAX_LISTED. */
llmcs_status desk_copy_ids(desk_turn *t, const desk_rows *rows, const char *ids[DESK_MAX_LISTED], size_t *n);
/* Remembers the orders listed in a question or by the flow. */
llmcs_status desk_keep_offered(desk_turn *t, const desk_rows *rows);

/* ---- machine.c */

llmcs_status desk_start_flow(desk_turn *t, int flow, const desk_words *w);
/* Runs the top flow until it waits, ends or hands over. The caller resumes the flow below. */
llmcs_status desk_run(desk_turn *t);
/* Same for a flow just started. done: the flow that opened a ticket in the previous turn, + 1; it is not repeated for
 * the same order. */
llmcs_status desk_run_new(desk_turn *t, int done);
/* Fills the frame's empty slots from the words. */
llmcs_status desk_fill_slots(desk_turn *t, desk_frame *frame, const desk_words *w, bool refers_back);
/* Sets a slot. Sentences and confirmations based on the old value no longer count. */
void desk_set_slot(desk_frame *frame, int slot, const char *value);
/* True if the condition holds for the frame's slots and finds. */
bool desk_holds(const desk_turn *t, const desk_frame *frame, const desk_condition *c);
uint64_t desk_slots_hash(const desk_turn *t, const desk_frame *frame);
llmcs_status desk_values_of(desk_turn *t, const desk_frame *frame, desk_values_in *v);
/* Repeats the top frame's question. missed: the message did not answer it. */
llmcs_status desk_ask_again(desk_turn *t, desk_frame *frame, bool missed);
desk_frame *desk_top(const desk_turn *t); /* or NULL */
void desk_pop(desk_turn *t);

/* ---- answers.c */

llmcs_status desk_say_sentence(desk_turn *t, desk_sentence sentence);
llmcs_status desk_say_text(desk_turn *t, const desk_text *text, const desk_values_in *v);
/* Starts a new line, unless the reply is empty. */
void desk_new_line(desk_turn *t);
/* Answers from the knowledge base. *found: it gave an answer or asked back. at_least: required probability; < 0: the
 * calibrated threshold. */
llmcs_status desk_say_knowledge(desk_turn *t, const desk_request *request, double at_least, bool *found);
/* Same, limited to entries with one of the tags. accept: required probability; < 0: the calibrated threshold. */
llmcs_status desk_say_tagged(desk_turn *t, const desk_request *request, const char *const *tags, size_t n_tags,
                             double accept, bool *found);
llmcs_status desk_say_entry(desk_turn *t, const char *id, bool *found);
/* Says the entry if it shares a word with the message or is one of the nearest entries. */
llmcs_status desk_say_entry_if_meant(desk_turn *t, const char *id, bool *found);
llmcs_status desk_hand_over(desk_turn *t, const char *reason, int priority, const desk_text *text,
                            const desk_values_in *v);
/* Sets the route, unless a more specific one is already set. */
void desk_set_route(desk_turn *t, llmcs_shop_desk_route route);

/* ---- again.c */

/* Replaces a reply that was given just before: by the next likely entry, or by a person if the customer says that it
 * did not help. */
llmcs_status desk_avoid_repetition(desk_turn *t);
/* A customer who insists and gets the same reply hears that there is no more to it, and the next time is offered a
 * person. */
llmcs_status desk_mark_repetition(desk_turn *t);

/* ---- act.c */

/* Attempts action `op->index` of the frame. *record receives the outcome. */
llmcs_status desk_do(desk_turn *t, desk_frame *frame, const desk_op *op, int at, desk_act_record **record);
/* Checks a host action that an earlier turn left open. *busy: it may still be running. *lost: its timeout has
 * passed. */
llmcs_status desk_settle_acting(desk_turn *t, bool *busy, bool *lost);
/* Returns the state with this name (see llmcs_shop_action_state_name); UNKNOWN for any other name. */
llmcs_shop_action_state desk_action_state(const char *name);
/* Returns the rows of a find, from the store or the host. */
llmcs_status desk_find(desk_turn *t, const desk_frame *frame, int find, const desk_rows **rows);
void desk_bind(const desk_turn *t, const desk_frame *frame, const char *key, desk_binding *b);

/* ---- decide.c, read.c (what they share with pending.c: decide.h) */

llmcs_status desk_decide(desk_turn *t);
/* True if an interrupting rule matches the message. */
bool desk_is_interrupted(const desk_turn *t);
/* Computes the message's vector, if there is an encoder. */
llmcs_status desk_embed(desk_turn *t);
/* Answers one request. *understood: false if nothing matched; the reply is then unchanged. */
llmcs_status desk_answer_request(desk_turn *t, const desk_request *request, bool *understood);
llmcs_status desk_not_understood(desk_turn *t);

/* ---- follow.c */

/* Call when a flow has ended, or an entry answered in its place: the next message may name only its object. */
void desk_await_object(desk_turn *t, int flow, const desk_frame *frame);
/* Remembers the products that this turn lists. */
llmcs_status desk_keep_listed(desk_turn *t, const desk_frame *frame);
/* Returns the listed product that the message names by place ("the second one") or as "it", or NULL. */
const char *desk_listed_product(const desk_turn *t, const desk_words *w);
/* Starts the flow `resume` if the message is little more than an order number or, if may_describe, a description.
 * acted: the flow has acted, so only another object starts it again. kept: one message came in between, so a bare
 * number does not start it. */
llmcs_status desk_answer_object(desk_turn *t, int resume, bool may_describe, bool acted, bool kept, bool *handled);
/* "What's up with the one that's on its way": a description of an order alone starts the flow with "objects". */
llmcs_status desk_answer_described(desk_turn *t, bool *handled);
/* Starts the flow if the message names goods of one of the customer's orders: "my boots from October, can I return
 * these?". */
llmcs_status desk_answer_owned(desk_turn *t, int flow, bool *handled);
/* Returns "previous question, message" if the message follows up an entry, else NULL. *refers: it refers to the answer
 * ("there", "that") and means little alone. */
llmcs_status desk_follow_up_text(desk_turn *t, const char **text, bool *refers);
/* Corrects an address slot. A complete address replaces the value; "wait, flat 4" clears it, so that the flow asks
 * again. */
llmcs_status desk_correct_address(desk_turn *t, desk_frame *frame, bool *corrected);
/* True for "any other colours?" after a product. */
bool desk_asks_attribute(const desk_words *w);
/* *names: the message names the object of the frame and is no question. */
llmcs_status desk_names_object(desk_turn *t, const desk_frame *frame, bool *names);
/* *yes: a yes that repeats what is being confirmed, or names its only piece: 好 换, "yes, in red". */
llmcs_status desk_repeats_with_yes(desk_turn *t, desk_frame *frame, bool *yes);
/* True if the message goes on with another object: "and the lunch boxes?", "I meant the sneakers". */
bool desk_goes_on(const desk_words *w);

/* Returns which of n listed things the message names by place, from 1; 0: none. */
size_t desk_which_place(const desk_words *w, size_t n);

/* ---- browse.c */

/* True if the flow lists products. */
bool desk_lists_products(const desk_flow *flow);
/* Reads the kind of product and the audience that a text names. */
llmcs_status desk_read_kind(desk_turn *t, const char *text, size_t n, shop_wish *wish);

/* Recommends k products. have: the message asks whether such a product exists, so only matches count. */
llmcs_status desk_say_products(desk_turn *t, desk_recommend_by by, const char *product, size_t k, bool have,
                               bool *found);

/* ---- products.c */

/* Answers a question that the reader takes for one about products. of_kind: also if the message names a kind of
 * product. *handled: false if nothing fits. */
llmcs_status desk_answer_product_question(desk_turn *t, bool of_kind, bool *handled);
/* Same, only if words or numbers of the message occur in the products' texts: 三个人睡的帐篷. */
llmcs_status desk_answer_matching_products(desk_turn *t, bool *handled);
/* *other: the message names a kind of goods that the product is not. */
llmcs_status desk_names_other_kind(desk_turn *t, const char *product, bool *other);
/* True for "the difference between the two", 跟它比. */
bool desk_asks_difference(const desk_words *w);
/* Remembers the kind of product that the message names. */
llmcs_status desk_keep_topic(desk_turn *t);
/* After an entry has answered: keeps the one product that the message names in focus. */
llmcs_status desk_keep_named(desk_turn *t);

/* ---- focus.c */

/* Answers about the product in focus if its texts state what the message asks: 脏了能丢洗衣机洗吗. */
llmcs_status desk_answer_stated(desk_turn *t, bool *handled);
/* A further question about a product that the reply before has described gets one sentence. */
llmcs_status desk_answer_further(desk_turn *t, const char *product, bool *handled);

/* ---- context.c */

/* Handles a follow-up about recent products or orders. */
llmcs_status desk_answer_in_context(desk_turn *t, const desk_rule *rule, bool *handled);
/* True for a rule that refuses or hands over: it applies whatever the focus and the reader say. */
bool desk_refuses(const desk_turn *t, const desk_rule *rule);
/* Handles a message that is a kind of product and at most most_left unknown words. */
llmcs_status desk_answer_bare_kind(desk_turn *t, const desk_rule *rule, size_t most_left, bool *handled);
/* True if recent turns listed or looked up products. */
bool desk_products_are_near(const desk_turn *t);
/* Records that this turn lists or looks up orders. */
void desk_keep_orders(desk_turn *t, const desk_frame *frame);

/* ---- state.c */

/* Loads the conversation. *answered: this message id already has a turn; it is in t->out. */
llmcs_status desk_load(desk_turn *t, bool *answered);
/* Begins a write transaction and checks that the conversation is as loaded; CHANGED if not. No effect if one has
 * begun. */
llmcs_status desk_write_begin(desk_turn *t);
/* Finds and locks the row of the conversation inside a write; `none` if there is none. */
llmcs_status desk_find_conversation(shop_connection *c, const char *conversation, int64_t none, int64_t *row);
/* Writes the conversation and the turn and commits. Nothing is written on failure. */
llmcs_status desk_store(desk_turn *t);
/* Returns the conversation's row inside a write; inserts it if it is new. */
llmcs_status desk_conversation_row(desk_turn *t, shop_connection *c);
/* ---- private.c */

struct desk_private;
llmcs_status desk_private_create(llmcs_shop_desk *desk, const char *wording);
void desk_private_free(llmcs_shop_desk *desk);
/* Checks and masks the message. Sets t->masked and t->out.verdict. *stop: the turn is refused or handed over. */
llmcs_status desk_guard_in(desk_turn *t, bool *stop);
/* Checks the reply. *stop: it must not be sent. */
llmcs_status desk_guard_out(desk_turn *t, bool *stop);
llmcs_status desk_names_open(desk_turn *t);
void desk_names_close(desk_turn *t);
/* desk_names_load reads the conversation's names from the vault, inside a read; desk_names_store adds new ones, inside
 * a write. */
llmcs_status desk_names_load(desk_turn *t, shop_connection *c);
llmcs_status desk_names_store(desk_turn *t, shop_connection *c);
llmcs_status desk_mask(desk_turn *t, const char *text, const char **masked);
/* Masks a slot value. The slot's type decides: an address is masked even if the guard does not recognise it. */
llmcs_status desk_mask_slot(desk_turn *t, int slot, const char *value, const char **masked);
/* Masks all values known so far in a masked text. */
llmcs_status desk_mask_values(desk_turn *t, const char *text, const char **masked);
llmcs_status desk_unmask(desk_turn *t, const char *masked, const char **text);
/* Lets the model word the reply, where that is allowed. */
llmcs_status desk_word(desk_turn *t);
/* Writes an audit record. Call inside a write transaction. */
llmcs_status desk_audit(shop_connection *c, const char *role, const char *actor, const char *action, const char *object,
                        const char *detail_json);

#endif
