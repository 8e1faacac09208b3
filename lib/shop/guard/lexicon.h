/* The words that a guard's recognisers look for, in one trie, so that a text is searched once for all of them. */
#ifndef SHOP_GUARD_LEXICON_H
#define SHOP_GUARD_LEXICON_H

#include "shop/base/alloc.h"

/* Tags of words. A word may have several. */
#define SHOP_LEX_PHONE 0x1u        /* phone, call, 电话: a number nearby is a phone */
#define SHOP_LEX_ORDER 0x2u        /* order number, 订单号: the code that follows */
#define SHOP_LEX_DOCUMENT 0x4u     /* passport, 护照 */
#define SHOP_LEX_PLATE 0x8u        /* license plate, 车牌 */
#define SHOP_LEX_SURNAME 0x10u     /* 王, 欧阳 */
#define SHOP_LEX_NAME_AFTER 0x20u  /* 我叫, my name is: a name follows */
#define SHOP_LEX_TITLE_AFTER 0x40u /* Mr., Dr.: a name follows */
#define SHOP_LEX_TITLE 0x80u       /* 先生, 女士: a name precedes */
#define SHOP_LEX_COUNTRY 0x100u    /* countries and other large regions */
#define SHOP_LEX_REGION 0x200u     /* provinces, states */
#define SHOP_LEX_CITY 0x400u
#define SHOP_LEX_DISTRICT 0x800u
#define SHOP_LEX_STREET 0x1000u        /* Street, Road, Straße */
#define SHOP_LEX_ADDRESS_AFTER 0x2000u /* 地址, 住在, address: an address follows */
#define SHOP_LEX_UNIT 0x4000u          /* Apt., Suite, P.O. Box: a number follows */
#define SHOP_LEX_FORENAME 0x8000u      /* common English given names */
#define SHOP_LEX_STOP 0x10000u         /* words that end a Chinese name: 电话, 地址 */
#define SHOP_LEX_FAMILY 0x20000u       /* common English family names */
#define SHOP_LEX_FOREIGN 0x40000u      /* characters used in foreign names: 斯, 尔, 克 */
#define SHOP_LEX_JOB 0x80000u          /* 经理, 老师: a surname may precede */
#define SHOP_LEX_PLACE (SHOP_LEX_COUNTRY | SHOP_LEX_REGION | SHOP_LEX_CITY | SHOP_LEX_DISTRICT)

typedef struct shop_lexicon shop_lexicon;

llmcs_status shop_lexicon_create(const llmcs_allocator *a, shop_lexicon **lexicon);
void shop_lexicon_free(const llmcs_allocator *a, shop_lexicon **lexicon);

/* The child of a node by a character (lower case), or 0. Node 0 is the root. */
uint32_t shop_lexicon_child(const shop_lexicon *lexicon, uint32_t node, uint32_t code);
/* Tags of the word that ends at a node, or 0. */
uint32_t shop_lexicon_tags(const shop_lexicon *lexicon, uint32_t node);

/* Words of one tag set, separated by commas. The last table has words NULL. */
typedef struct shop_word_table {
    uint32_t tags;
    const char *words;
} shop_word_table;

extern const shop_word_table shop_cue_words[], shop_person_words[], shop_place_words[];

#endif
