/*
 * What the desk reads in a text without a model: language, phrases, a clear yes, a clear no, parts of a message.
 *
 * Two forms of a text: `plain` (NFKC, no invisible characters, line ends and other controls are spaces) and `folded`
 * (the same in lower case, with ' for typographic apostrophes). Both are valid UTF-8 whatever the customer sent.
 */
#ifndef SHOP_DESK_WORDS_H
#define SHOP_DESK_WORDS_H

#include "shop/desk/text.h"

typedef struct desk_words {
    const char *plain;
    size_t plain_bytes;
    const char *folded;
    size_t folded_bytes;
} desk_words;

llmcs_status desk_words_make(shop_arena *a, const char *text, size_t n, desk_words *words);

/* The first place of `phrase` (folded) at or after byte `from`, or SIZE_MAX. Where the phrase begins or ends with a
 * letter or digit that is not Han, no such character may stand next to it. */
size_t desk_find_phrase(const char *folded, size_t n, const char *phrase, size_t from);
bool desk_has_phrase(const desk_words *w, const char *phrase);
/* The length of the longest of the phrases at byte i, 0 if there is none. */
size_t desk_phrase_at(const desk_words *w, size_t i, const char *const *phrases);

/* True if nothing but one of the phrases, politeness, punctuation and emoji is in the text. */
bool desk_is_only(const desk_words *w, const char *const *phrases, size_t n);

/* "zh" if it has Han characters; "en" if it has other letters, words that mean the same everywhere ("ok") and words
 * with digits aside; else NULL: nothing in it tells. */
const char *desk_language(const desk_words *w);

/* A clear yes: it begins with one, and neither denies, asks, doubts, names something else nor goes on at length. */
bool desk_is_yes(const desk_words *w);
/* It says nothing but to go ahead with what was asked: "cancel it then", 那就退吧. Which action it names is for the
 * caller to compare. */
bool desk_agrees(const desk_words *w);
/* It has a verb of something that is done to an order: "return", 换. */
bool desk_names_action(const desk_words *w);
/* It begins with a no, or gives up ("never mind", 算了), and is not a yes. */
bool desk_is_no(const desk_words *w);
/* It gives up what was begun, or is nothing but a no. */
bool desk_gives_up(const desk_words *w);
/* Looks like a question: ends with a question mark, or has one of the words questions begin or end with. */
bool desk_is_question(const desk_words *w);
/* Looks like a postal address: a number next to other words, or a word such as "street" or 路. */
bool desk_is_address(const desk_words *w);
/* And one that can stand alone: with a number, and long enough. */
bool desk_is_whole_address(const desk_words *w);
/* "actually", "wait", 还是: something else is wanted now. */
bool desk_changes_mind(const desk_words *w);
/* "it", "that order", 这单: refers to what was mentioned. */
bool desk_refers_back(const desk_words *w);
/* Which of a list: 1 for "1", "the first", 第一个; n for "the last"; 0 if it is none of these. */
size_t desk_ordinal(const desk_words *w, size_t n);

/* A place in a list anywhere in a message: "is the second one in stock?"; n for "the last one"; 0: none. */
size_t desk_place_named(const desk_words *w, size_t n);
/* The words name the place i, from 0 on. */
bool desk_names_place(const desk_words *w, size_t i);
/* Nothing in it names a subject: a code, a colour or a day alone, or small words only ("can I have it?", 可以吗). */
bool desk_names_nothing(const desk_words *w);
/* Nothing but letters and digits mixed: "SAVE10". */
bool desk_is_code(const desk_words *w);

/* Words: a run of letters that are not Han is one, a Han character is one. */
size_t desk_count_words(const char *folded, size_t n);

/* The share of the words of `line` that matter (letters: 3 or more; Han: pairs) and also stand in the text, and how
 * many do. */
double desk_overlap(shop_arena *a, const desk_words *text, const char *line, size_t *n_common);
/* The same; marks the bytes of the folded text that are these words. */
double desk_overlap_marked(shop_arena *a, const desk_words *text, const char *line, size_t *n_common, bool *marks);

enum { DESK_MAX_PARTS = 6 };
typedef struct desk_span {
    size_t begin, end;
} desk_span;

/* The sentences and clauses of `plain`, at most DESK_MAX_PARTS; what is shorter than two words (Han: three) joins the
 * next.
 */
size_t desk_split(const desk_words *w, desk_span parts[DESK_MAX_PARTS]);

/* The character at byte i of valid UTF-8, and its length. */
int32_t desk_char_at(const char *text, size_t n, size_t i, size_t *len);
bool desk_is_han(int32_t c);
bool desk_is_letter(int32_t c); /* or digit, Han included */

#endif
