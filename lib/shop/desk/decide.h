/* Shared by decide.c, read.c and pending.c. */
#ifndef SHOP_DESK_DECIDE_H
#define SHOP_DESK_DECIDE_H

#include "shop/desk/desk.h"

/* A text with the results of rules and classifier. */
typedef struct desk_reading {
    const char *text;
    desk_words words;
    const desk_intent *intent; /* accepted intent; NULL: none, or flows.json lacks its label */
    const desk_rule *rule;     /* a non-interrupting rule, or NULL */
    const char *label, *second;
    double score, second_score, out_of_scope;
    bool accepted, near_tie;
    bool likely; /* passes the classifier's threshold but not the flow's, and is no near tie */
    const float *vector;
    desk_meaning meaning;          /* of the whole message */
    const desk_intent *classified; /* what the classifier surely takes it for, if the reader says otherwise; or NULL */
    int talk;                      /* flow of small talk that the classifier or a cue finds in it, or -1 */
} desk_reading;

/* Lowest scores: desk_part_score: a part of a message that is answered on its own. desk_digression_score: an intent
 * that interrupts the answer to a question. */
static const double desk_part_score = 0.6, desk_digression_score = 0.8, desk_meaning_score = 0.35;
enum { DESK_SHORT_ANSWER = 4, DESK_LONG_ANSWER = 8, DESK_MAX_UNCLEAR = 2, DESK_MAX_ORDINAL = 5 };

/* ---- read.c */

/* Returns the first rule that matches, or NULL. always: among the rules that interrupt everything; else among the
 * others. */
const desk_rule *desk_find_rule(const desk_turn *t, const desk_words *w, bool always);
/* Same for the message; also tries the text before spelling correction, since a deliberate misspelling may be a rule's
 * word. */
const desk_rule *desk_find_rule_of_message(const desk_turn *t, bool always);
/* Reads the message into r[0] and its parts into r[1..*n). */
llmcs_status desk_read_message(desk_turn *t, desk_reading r[DESK_MAX_PARTS + 1], size_t *n);

/* ---- talk.c */

/* True for a question, with or without a question mark: "is that safe". */
bool desk_asks(const desk_words *w);
/* Finds the question or request in a message with small talk around it: "thanks. when will you ship it?". */
llmcs_status desk_find_question(desk_turn *t, const desk_reading *r, size_t n, desk_words *question, bool *found);

/* True for "is anyone there?" while the conversation waits for a person. */
bool desk_asks_who_is_there(const desk_turn *t);
/* True for "when will you get back to me?", "is it reported?" after an action or while the conversation waits. */
bool desk_asks_for_progress(const desk_turn *t);
/* True if the message is about no goods, order or matter of the shop: "tell me a joke". */
llmcs_status desk_is_off_topic(desk_turn *t, const desk_meaning *m, bool *off);

/* ---- reader.c */

/* Classifies the message together with the turn before it; kind NOTHING without a reader. */
llmcs_status desk_read_meaning(desk_turn *t, desk_meaning *m);
/* Same for n parts of the message, at most DESK_MAX_PARTS, in one pass. */
llmcs_status desk_read_meanings(desk_turn *t, const desk_span *parts, size_t n, desk_meaning *meanings);

/* ---- parts.c */

/* Reads the questions of a message that asks several. */
llmcs_status desk_read_parts(desk_turn *t);
/* Answers those of them that the reply leaves open. */
llmcs_status desk_answer_parts(desk_turn *t);

/* ---- meaning.c */

/* True if the reader's best label is probable enough to decide. */
bool desk_is_sure(const desk_meaning *m);
/* False if the reader is sure that the message is about something else than products, or orders. */
bool desk_may_mean_products(const desk_turn *t, const desk_meaning *m);
bool desk_may_mean_orders(const desk_turn *t, const desk_meaning *m);
/* Drops a meaning that the message itself contradicts. */
llmcs_status desk_check_meaning(desk_turn *t, desk_meaning *m);
/* True if the reader is sure that the message asks about a product. */
bool desk_asks_product(const desk_turn *t, const desk_meaning *m);
/* Drops a rule that the reader surely contradicts, unless it refuses or hands over. */
void desk_weigh_rule(const desk_turn *t, desk_reading *r);
/* True if the message asks something else than what the frame's question is about. */
bool desk_leaves_question(const desk_frame *frame, const desk_meaning *m);
/* True if the reader is sure that the message asks something and requests no action. */
bool desk_surely_asks(const desk_turn *t, const desk_meaning *m);
/* True if it is sure that the message does not answer the desk's question: it asks, denies or corrects. */
bool desk_is_no_answer(const desk_meaning *m);
/* False if the frame's question takes any text as an answer. */
bool desk_may_be_aside(const desk_turn *t, const desk_frame *frame);
/* True for small talk while a question waits: "phew, thanks!". agrees: the words could be a yes. */
bool desk_is_aside(const desk_meaning *m, bool agrees);
/* Acknowledges it. The confirmation stays open, but a yes has to follow the question, which the next yes repeats. */
llmcs_status desk_answer_aside(desk_turn *t, desk_frame *frame, const desk_meaning *m);
/* Returns the entry that answers, also for a flow that answers by one; or NULL. */
const char *desk_entry_of(const desk_turn *t, const desk_meaning *m);
/* Replies as the reader's label says. *handled: false if it is not sure, or the label has no reply. */
llmcs_status desk_answer_meaning(desk_turn *t, const desk_reading *r, bool *handled);

/* ---- wanted.c */

/* Says what the goods in focus cost together: "how much for two of them with shipping". */
llmcs_status desk_answer_total(desk_turn *t, bool *handled);
/* Lists the goods that the message asks to see, or corrects the list to, whatever else the reader makes of it. */
llmcs_status desk_answer_wanted(desk_turn *t, const desk_meaning *m, bool *handled);
/* "Do you sell iphones?": says so if no text of the catalogue has the word. */
llmcs_status desk_say_not_sold(desk_turn *t, const desk_meaning *m, bool *handled);

/* ---- pending.c */

/* Handles the answer to the frame's question. *given_up: the flow was dropped, because the message wants something
 * else. */
llmcs_status desk_answer_pending(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *given_up);
/* Handles the answer to "do you mean A or B?". */
llmcs_status desk_answer_choice(desk_turn *t, bool *handled);
/* "Oops, I meant PL26050124" after an order was not found: runs the flow again with the new number. */
llmcs_status desk_answer_not_found(desk_turn *t, int flow, const desk_reading *r, bool *handled);
/* True if the words have one of the flow's cues. */
bool desk_flow_cued(const desk_flow *flow, const desk_words *w);
/* True if the message has one of the flow's cues. */
bool desk_has_cue(const desk_turn *t, const desk_flow *flow);
/* True for "don't return it": a negated cue of the flow. */
bool desk_is_negated(const desk_turn *t, int flow);
/* True for "the first" or "2": it picks from a list and means nothing else. */
bool desk_is_only_ordinal(const desk_turn *t);

/* ---- decide.c */

desk_request desk_request_of(const desk_reading *r);
llmcs_status desk_apply_rule(desk_turn *t, const desk_rule *rule);
/* Returns the product slot that the flow uses, or -1. */
int desk_product_slot(const desk_turn *t, int flow);

#endif
