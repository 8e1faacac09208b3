/* What decide.c shares with read.c and pending.c. */
#ifndef SHOP_DESK_DECIDE_H
#define SHOP_DESK_DECIDE_H

#include "shop/desk/desk.h"

/* A text with what the rules and the classifier say of it. */
typedef struct desk_reading {
    const char *text;
    desk_words words;
    const desk_intent *intent; /* accepted; NULL: none, or its label means nothing here */
    const desk_rule *rule;     /* of those that do not interrupt, or NULL */
    const char *label, *second;
    double score, second_score, out_of_scope;
    bool accepted, near_tie;
    bool likely; /* accepted by the classifier's own threshold, though not by the flow's, and no near tie */
    const float *vector;
} desk_reading;

/* Least score of a part of a message that is answered on its own, and of an intent that interrupts the answer to a
 * question. */
static const double desk_part_score = 0.6, desk_digression_score = 0.8;
enum { DESK_SHORT_ANSWER = 4, DESK_LONG_ANSWER = 8, DESK_MAX_UNCLEAR = 2, DESK_MAX_ORDINAL = 5 };

/* ---- read.c */

/* The first rule that fits: of those that interrupt everything (always), or of the others; or NULL. */
const desk_rule *desk_find_rule(const desk_turn *t, const desk_words *w, bool always);
/* The same for the message, as it was written first: what is misspelt on purpose is a word, too. */
const desk_rule *desk_find_rule_of_message(const desk_turn *t, bool always);
/* Reads the message (r[0]) and its parts (r[1] and on). */
llmcs_status desk_read_message(desk_turn *t, desk_reading r[DESK_MAX_PARTS + 1], size_t *n);

/* ---- pending.c */

/* The answer to what the frame asked. *given_up: the flow, for something else that the message wants. */
llmcs_status desk_answer_pending(desk_turn *t, desk_frame *frame, const desk_reading *r, bool *given_up);
/* The answer to "do you mean a or b?". */
llmcs_status desk_answer_choice(desk_turn *t, bool *handled);
/* "Oops, I meant PL26050124" after an order that was not found: the same again with the other number. */
llmcs_status desk_answer_not_found(desk_turn *t, int flow, const desk_reading *r, bool *handled);
/* Whether the message has a cue of the flow. */
bool desk_has_cue(const desk_turn *t, const desk_flow *flow);
/* "Don't return it": the flow is named to say that it is not wanted. */
bool desk_is_negated(const desk_turn *t, int flow);
/* "the first", "2": it chooses from a list, and is nothing else without one. */
bool desk_is_only_ordinal(const desk_turn *t);

/* ---- decide.c */

desk_wish desk_wish_of(const desk_reading *r);
llmcs_status desk_obey_rule(desk_turn *t, const desk_rule *rule);

#endif
