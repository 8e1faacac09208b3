/*
 * The list of words and phrases that a check looks for, all at once (Aho and Corasick 1975).
 *
 * A list is text, version in the first line:
 *
 *     llmcs-words 1
 *     # insults that are aimed at the reader
 *     [insult warn 0.6]              category, action (allow mask warn block handover), weight 0 to 1, "rule" or
 * nothing asshole, you are an idiot      words and phrases, separated by commas or line ends f*ck * stands for one or
 * more * buy ~ gun                      ~ stands for up to 40 letters, or 12 Han characters, within a sentence all
 * <group> are                a word of the class "group"
 *     [@group]                       members of a class; never found by themselves
 *     muslims, chinese
 *     [except]                       words that are found nowhere in these
 *     idiot proof
 *     [built-in]                     the words of the built-in list, too; they can use classes of this one
 *
 * Latin words are found where no letter or digit is next to them, with or without a plural s; Han words anywhere. Words
 * are found with their letters repeated three times or more, and with every letter spaced out.
 */
#ifndef SHOP_GUARD_WORD_LIST_H
#define SHOP_GUARD_WORD_LIST_H

#include "shop/guard/letters.h"

enum { SHOP_WORD_LIST_BYTES = 16 << 20, SHOP_CATEGORY_BYTES = 32 };

typedef struct shop_word_list shop_word_list;

/* A category of a list with what to do. */
typedef struct shop_word_section {
    char category[SHOP_CATEGORY_BYTES];
    int32_t action; /* llmcs_shop_check_action */
    double weight;
    bool rule; /* phrases that say what a text tries, rather than words */
} shop_word_section;

typedef struct shop_word_hit {
    const shop_word_section *section;
    uint32_t begin, end; /* bytes of the original */
} shop_word_hit;

/* Workspace of one check; starts as zeros. */
typedef struct shop_word_scratch {
    struct shop_phrase_state *phrases; /* [n phrases with several parts] */
    struct shop_word_match *matches;   /* parts that were found, in the order of their ends */
    size_t n_matches, match_capacity;
    shop_word_hit *hits;
    size_t n, capacity;
    shop_word_hit *exceptions; /* section NULL */
    size_t n_exceptions, exception_capacity;
} shop_word_scratch;

/* The built-in list, English and Chinese. */
llmcs_status shop_word_list_built_in(const llmcs_allocator *a, shop_word_list **list);
/* A list of a file. FORMAT, UNSUPPORTED (another version) name the line; IO LIMIT. */
llmcs_status shop_word_list_open(const llmcs_allocator *a, const char *path, shop_word_list **list);
/* Of n texts, one after the other; `name` is for messages. */
llmcs_status shop_word_list_parse(const llmcs_allocator *a, const char *name, const char *const *texts, size_t n,
                                  shop_word_list **list);
void shop_word_list_free(shop_word_list **list);

/* Adds what is found to scratch->hits; words in exceptions are not found. */
llmcs_status shop_word_list_find(const shop_word_list *list, const llmcs_allocator *a, const shop_letters *letters,
                                 shop_word_scratch *scratch);
void shop_word_scratch_free(const llmcs_allocator *a, shop_word_scratch *scratch);

/* Texts of the built-in list; the last is NULL. */
extern const char *const *const shop_english_lines, *const *const shop_chinese_lines;

#endif
