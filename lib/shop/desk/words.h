/*
 * Reads a text without a model: language, phrases, a clear yes, a clear no, parts of a message.
 *
 * A text has two forms: `plain` (NFKC, no invisible characters, line ends and other controls replaced by spaces) and
 * `folded` (the same in lower case, with ' for typographic apostrophes). Both are valid UTF-8 for any input.
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

/* Returns the first position of `phrase` (folded) from byte `from` on, or SIZE_MAX. Where the phrase begins or ends
 * with a letter or digit that is not Han, no such character may be next to it. */
size_t desk_find_phrase(const char *folded, size_t n, const char *phrase, size_t from);
bool desk_has_phrase(const desk_words *w, const char *phrase);
/* True if the text has one of the phrases; the list ends with NULL. */
bool desk_has_any(const desk_words *w, const char *const *phrases);
/* Same, for n phrases. */
bool desk_has_one(const desk_words *w, const char *const *phrases, size_t n);
/* True if a text begins with one of the strings, at any kind of character; the list ends with NULL. */
bool desk_begins_with(const char *text, const char *const *strings);
/* Returns the length of the longest of the phrases at byte i, or 0. */
size_t desk_phrase_at(const desk_words *w, size_t i, const char *const *phrases);

/* True if the text is one of the phrases, apart from polite words, punctuation and emoji. */
bool desk_is_only(const desk_words *w, const char *const *phrases, size_t n);

/* Returns "zh" if the text has Han characters, "en" if it has other words, else NULL. International words ("ok"),
 * sizes, words with digits and letters that are no words do not count. */
const char *desk_language(const desk_words *w);

/* True for a clear yes: it begins with one, and does not deny, ask, doubt, name something else or go on at length. */
bool desk_is_yes(const desk_words *w);
/* True if it only agrees: "cancel it then", 那就退吧. The caller compares the action it names. */
bool desk_agrees(const desk_words *w);
/* True if it ends in a request to act: "ok do that", 就这样吧. */
bool desk_consents(const desk_words *w);
/* True for "ok", 好的 alone: it may only mean "I have read it". */
bool desk_is_acknowledgement(const desk_words *w);
/* True if it has a verb for an action on an order: "return", 换. */
bool desk_names_action(const desk_words *w);
/* True if it begins with a no, or gives up ("never mind", 算了), and is not a yes. */
bool desk_is_no(const desk_words *w);
/* True if it drops the current request, or is only a no. */
bool desk_gives_up(const desk_words *w);
/* True if it ends with a question mark or has a question word at its start or end. */
bool desk_is_question(const desk_words *w);
/* True if it looks like a postal address: a number next to other words, or a word such as "street" or 路. */
bool desk_is_address(const desk_words *w);
/* True for an address that is complete: with a number, and long enough. */
bool desk_is_whole_address(const desk_words *w);
/* Returns where the answer begins after words such as "great. ", "no, ", 不是，, in bytes of the folded text. */
size_t desk_skip_preamble(const desk_words *w);
/* Returns the words between a yes and a yes: 就退加湿器 of 行 就退加湿器 确认. Empty if the text begins with no yes, or
 * has nothing else. */
llmcs_status desk_beside_yes(shop_arena *a, const desk_words *w, desk_words *rest);
/* True if something in the text makes a yes unclear: a question, a denial, a condition, a farewell. */
bool desk_has_doubt(const desk_words *w);
/* True for "actually", "wait", 还是: the customer wants something else. */
bool desk_changes_mind(const desk_words *w);
/* True for "it", "that order", 这单. */
bool desk_refers_back(const desk_words *w);
/* Returns the place of a list item: 1 for "1", "the first", 第一个; n for "the last"; 0: the text is none of these. */
size_t desk_ordinal(const desk_words *w, size_t n);

/* Returns a place named anywhere in the text: "is the second one in stock?"; n for "the last one"; 0: none. */
size_t desk_place_named(const desk_words *w, size_t n);
/* True if the text names place i, from 0. */
bool desk_names_place(const desk_words *w, size_t i);
/* True if it names no subject: a code, a colour or a day alone, or function words only ("can I have it?", 可以吗). */
bool desk_names_nothing(const desk_words *w);
/* True if it is only a code of letters and digits: "SAVE10". */
bool desk_is_code(const desk_words *w);

/* Counts words: a run of letters that are not Han is one word, each Han character is one. */
size_t desk_count_words(const char *folded, size_t n);

/* Returns the share of `line`'s significant words (3 or more letters; Han: pairs) that the text contains. *n_common:
 * their number. */
double desk_overlap(shop_arena *a, const desk_words *text, const char *line, size_t *n_common);
/* Same for words already made; also marks the bytes of the common words in the folded text. marks: or NULL. */
double desk_overlap_marked(const desk_words *text, const desk_words *line, size_t *n_common, bool *marks);

/* ---- noise.c */

/* True if the word (folded) is no word but keys pressed at random: "asdfghjkl", "qqq". */
bool desk_is_mashed(const char *word, size_t n);
/* True if the text has nothing else, or only cries: 啊啊啊啊. */
bool desk_is_noise(const desk_words *w);

/* ---- parts */

enum { DESK_MAX_PARTS = 6 };
typedef struct desk_span {
    size_t begin, end;
} desk_span;

/* Splits `plain` into sentences and clauses, at most DESK_MAX_PARTS. A part shorter than two words (Han: three) joins
 * the next one. */
size_t desk_split(const desk_words *w, desk_span parts[DESK_MAX_PARTS]);

/* Returns the character at byte i of valid UTF-8, and its length. */
int32_t desk_char_at(const char *text, size_t n, size_t i, size_t *len);
bool desk_is_han(int32_t c);
bool desk_is_letter(int32_t c); /* or digit; includes Han */

#endif
