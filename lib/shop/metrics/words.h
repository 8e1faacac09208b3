/* Splits texts into words as sacreBLEU and rouge-score do. */
#ifndef SHOP_METRICS_WORDS_H
#define SHOP_METRICS_WORDS_H

#include "shop/metrics/chars.h"

/* Words are ranges of `text`. */
typedef struct shop_metric_word {
    size_t begin, n;
} shop_metric_word;

typedef struct shop_metric_words {
    shop_chars text, spare; /* the rewritten text, and its workspace */
    shop_metric_word *at;
    size_t n, capacity;
} shop_metric_words;

void shop_metric_words_init(shop_metric_words *words, const llmcs_allocator *a);
void shop_metric_words_free(shop_metric_words *words);

/* sacreBLEU's tokenizers of these names. For BLEU, remove the spaces at the end of `text` first. */
llmcs_status shop_metric_words_13a(shop_metric_words *words, const uint32_t *text, size_t n);
llmcs_status shop_metric_words_zh(shop_metric_words *words, const uint32_t *text, size_t n);
llmcs_status shop_metric_words_char(shop_metric_words *words, const uint32_t *text, size_t n);
/* 13a, and each Chinese character a word. */
llmcs_status shop_metric_words_13a_cjk(shop_metric_words *words, const uint32_t *text, size_t n);

/* rouge-score's words, [a-z0-9]+ of the text in lower case, and each Chinese character and kana. With `stem` words of
 * more than three letters are stemmed. `text` is in lower case. */
llmcs_status shop_metric_words_rouge(shop_metric_words *words, const uint32_t *text, size_t n, bool stem);

/* chrF++'s words: split at spaces; one punctuation mark at either end is separated. */
llmcs_status shop_metric_words_chrf(shop_metric_words *words, const uint32_t *text, size_t n);

/* Porter's stemmer with NLTK's changes (its default mode), as rouge-score and NLTK's METEOR use it; libstemmer has only
 * the original. Stems a lower-case word in place and returns its new length, at most n. */
size_t shop_porter_stem(uint32_t *word, size_t n);

#endif
