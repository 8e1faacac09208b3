/*
 * The words and phrases that a check looks for, all in one pass (Aho and Corasick 1975).
 *
 * A word list is a text file. The first line is its version:
 *
 *     llmcs-words 1
 *     # insults aimed at the reader
 *     [insult warn 0.6]
 *     asshole, you are an idiot
 *     f*ck
 *     buy ~ gun
 *     all <group> are
 *     [@group]
 *     muslims, chinese
 *     [except]
 *     idiot proof
 *     [built-in]
 *
 * - [category action weight]: action is allow, mask, warn, block or handover, weight 0 to 1. "rule" after the weight
 *   marks phrases that show what a text attempts. Words and phrases follow, separated by commas or line ends.
 * - In a word, * stands for one or more * of the text.
 * - ~ stands for up to 40 letters, or 12 Han characters, within a sentence.
 * - <group> stands for a member of the class that [@group] lists. Members alone are not found.
 * - [except] lists phrases in which nothing is found.
 * - [built-in] adds the built-in list, which can use the classes of this one.
 *
 * Latin words are found if no letter or digit is next to them, with or without a plural s; Han words anywhere. Words
 * are also found with letters repeated three times or more, and with all letters spaced out.
 */
#ifndef SHOP_GUARD_WORD_LIST_H
#define SHOP_GUARD_WORD_LIST_H

#include "shop/guard/letters.h"

enum { SHOP_WORD_LIST_BYTES = 16 << 20, SHOP_CATEGORY_BYTES = 32 };

typedef struct shop_word_list shop_word_list;

/* A section of a list: category, action and weight. */
typedef struct shop_word_section {
    char category[SHOP_CATEGORY_BYTES];
    int32_t action; /* llmcs_shop_check_action */
    double weight;
    bool rule; /* phrases that show what a text attempts, rather than words */
} shop_word_section;

typedef struct shop_word_hit {
    const shop_word_section *section;
    uint32_t begin, end; /* bytes of the original */
} shop_word_hit;

/* Workspace of one check. Initialise to zero. */
typedef struct shop_word_scratch {
    struct shop_phrase_state *phrases; /* [n phrases with several parts] */
    struct shop_word_match *matches;   /* parts found, sorted by their ends */
    size_t n_matches, match_capacity;
    shop_word_hit *hits;
    size_t n, capacity;
    shop_word_hit *exceptions; /* section NULL */
    size_t n_exceptions, exception_capacity;
} shop_word_scratch;

/* The built-in list, English and Chinese. */
llmcs_status shop_word_list_built_in(const llmcs_allocator *a, shop_word_list **list);
/* Reads a list from a file. FORMAT and UNSUPPORTED (another version) name the line; IO LIMIT. */
llmcs_status shop_word_list_open(const llmcs_allocator *a, const char *path, shop_word_list **list);
/* Reads a list from n texts in turn. `name` is for messages. */
llmcs_status shop_word_list_parse(const llmcs_allocator *a, const char *name, const char *const *texts, size_t n,
                                  shop_word_list **list);
void shop_word_list_free(shop_word_list **list);

/* Adds the words and phrases in the text to scratch->hits, except those inside exceptions. */
llmcs_status shop_word_list_find(const shop_word_list *list, const llmcs_allocator *a, const shop_letters *letters,
                                 shop_word_scratch *scratch);
void shop_word_scratch_free(const llmcs_allocator *a, shop_word_scratch *scratch);

/* Lines of the built-in lists; the last is NULL. */
extern const char *const *const shop_english_lines, *const *const shop_chinese_lines;

#endif
