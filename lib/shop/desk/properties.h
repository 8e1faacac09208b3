/*
 * Properties of products that customers ask for in other words than descriptions state them: "machine washable" of
 * "wipe with water after use", 吵不吵 of 低于32分贝.
 */
#ifndef SHOP_DESK_PROPERTIES_H
#define SHOP_DESK_PROPERTIES_H

#include "shop/desk/terms.h"

/* Returns the properties that the words ask for, a bit each. Bytes [begin, end) are a kind's name: 登机箱 asks nothing.
 */
uint64_t desk_properties_asked(const desk_words *w, size_t begin, size_t end);
/* True if the texts state one of the properties. */
bool desk_states_property(const desk_product_texts *texts, uint64_t properties);
/* Finds the sentence of the description that states one of the properties. *end is 0 if there is none. */
void desk_find_statement(const desk_product_texts *texts, uint64_t properties, size_t *begin, size_t *end);
/* Finds the sentence around byte `at` of the text. */
void desk_sentence_around(const desk_words *text, size_t at, size_t *begin, size_t *end);

#endif
