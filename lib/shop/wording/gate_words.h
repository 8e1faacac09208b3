/* The gate's words: units, months, promises, names, and common English words, which may be capitalised. */
#ifndef SHOP_WORDING_GATE_WORDS_H
#define SHOP_WORDING_GATE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Units of numbers. "day" and 天 are one unit, "day" and "working day" two. */
enum { GATE_UNIT_NONE = 0, GATE_UNIT_DATE = 1, GATE_UNIT_MONTH_OF_YEAR, GATE_UNIT_TIME, GATE_UNIT_TABLE };

/* The unit of a word in lower case, or GATE_UNIT_NONE. */
uint32_t gate_unit_of_word(const char *word, size_t n);
/* The longest unit at the start of Han characters [0, n). *used: its length. */
uint32_t gate_unit_of_han(const int32_t *c, size_t n, size_t *used);
/* The unit of a currency sign. */
uint32_t gate_unit_of_sign(int32_t c);
/* True for units with which even "one" is a fact ("one year"): time, money, percentages. */
bool gate_unit_counts_one(uint32_t unit);

/* 1 to 12, or 0. `word` is in lower case; "may" and "march" are months only if `capital`. */
uint32_t gate_month(const char *word, size_t n, bool capital);

/* Phrases that promise something or claim that something was done. A row has words in lower case, the last of which may
 * end in '*' (any ending), or Han characters. '!' at the start: the phrase may be used only with the number or
 * condition that the fact has. */
extern const char *const gate_promises_en[];
extern const size_t gate_n_promises_en;
extern const char *const gate_promises_zh[];
extern const size_t gate_n_promises_zh;

/* Names without capitals: carriers, payment services, shops, cities. */
extern const char *const gate_names_zh[];
extern const size_t gate_n_names_zh;

/* True for English words that are not names even if capitalised. */
bool gate_is_common_word(const char *word, size_t n);

/* True for words that make an amount a limit: "from 99 yuan", "99 yuan or more", 满99元. */
bool gate_is_limit_before(const char *word, size_t n);
bool gate_is_limit_after(const char *word, size_t n);
bool gate_is_han_limit(int32_t c);
bool gate_unit_is_money(uint32_t unit);

/* Topics of clauses with numbers: "returns", "delivery", ... A row is a phrase as in gate_promises, and its topic,
 * below 32. */
typedef struct gate_topic {
    const char *phrase;
    uint32_t topic;
} gate_topic;
extern const gate_topic gate_topics[];
extern const size_t gate_n_topics;
/* True for words that make a topic a point in time: "after delivery", 发货后. */
bool gate_is_reference_before(const char *word, size_t n);
bool gate_is_han_reference_after(int32_t c);
/* True for "and", "but": a new clause begins. */
bool gate_joins_clauses(const char *word, size_t n);

/* "not", "never", "without", "n't". */
bool gate_is_negation(const char *word, size_t n);
bool gate_is_han_negation(int32_t c);
/* "if", "only", "unless". */
bool gate_is_condition(const char *word, size_t n);
extern const char *const gate_conditions_zh[];
extern const size_t gate_n_conditions_zh;

#endif
