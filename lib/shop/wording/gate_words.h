/* The words that the gate knows: units, names of months, promises, names, and English words that may begin a sentence.
 */
#ifndef SHOP_WORDING_GATE_WORDS_H
#define SHOP_WORDING_GATE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Units of numbers. "day" and 天 are one unit, "day" and "working day" two. */
enum { GATE_UNIT_NONE = 0, GATE_UNIT_DATE = 1, GATE_UNIT_MONTH_OF_YEAR, GATE_UNIT_TIME, GATE_UNIT_TABLE };

/* The unit of a word in lower case, or GATE_UNIT_NONE. */
uint32_t gate_unit_of_word(const char *word, size_t n);
/* The unit that Han characters [0, n) begin with, the longest one, and how many they are. */
uint32_t gate_unit_of_han(const int32_t *c, size_t n, size_t *used);
/* "$" and its like, before a number. */
uint32_t gate_unit_of_sign(int32_t c);
/* Units of which even "one" is a fact ("one year"): time, money, per cents. */
bool gate_unit_counts_one(uint32_t unit);

/* 1 to 12, or 0. `word` is in lower case; "may" and "march" are months only if `capital`. */
uint32_t gate_month(const char *word, size_t n, bool capital);

/* Words whose saying is a promise or a claim of what was done. A row has one or more words in lower case, the last of
 * which may end in '*' (any ending), or Han characters. A row that begins with '!' must not be said without the number
 * or the condition that a fact names with it. */
extern const char *const gate_promises_en[];
extern const size_t gate_n_promises_en;
extern const char *const gate_promises_zh[];
extern const size_t gate_n_promises_zh;

/* Names without capitals: carriers, payment services, shops, cities. */
extern const char *const gate_names_zh[];
extern const size_t gate_n_names_zh;

/* English words that are no names, whatever their case. */
bool gate_is_common_word(const char *word, size_t n);

/* Words that make a sum a limit: "from 99 yuan", "99 yuan or more", 满99元. */
bool gate_is_limit_before(const char *word, size_t n);
bool gate_is_limit_after(const char *word, size_t n);
bool gate_is_han_limit(int32_t c);
bool gate_unit_is_money(uint32_t unit);

/* What the number of a clause is said of: "returns", "delivery", ... A row is a phrase as in gate_promises, of a topic
 * below 32. */
typedef struct gate_topic {
    const char *phrase;
    uint32_t topic;
} gate_topic;
extern const gate_topic gate_topics[];
extern const size_t gate_n_topics;
/* "after delivery", "30 days of delivery", 发货后: when, not of what. */
bool gate_is_reference_before(const char *word, size_t n);
bool gate_is_han_reference_after(int32_t c);
/* "and", "but": a clause of its own begins. */
bool gate_joins_clauses(const char *word, size_t n);

/* "not", "never", "without", "n't". */
bool gate_is_negation(const char *word, size_t n);
bool gate_is_han_negation(int32_t c);
/* "if", "only", "unless". */
bool gate_is_condition(const char *word, size_t n);
extern const char *const gate_conditions_zh[];
extern const size_t gate_n_conditions_zh;

#endif
