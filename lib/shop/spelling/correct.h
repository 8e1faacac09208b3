/* Corrects one word. */
#ifndef SHOP_SPELLING_CORRECT_H
#define SHOP_SPELLING_CORRECT_H

#include "shop/spelling/words.h"

typedef struct spell_correction {
    char text[96]; /* NUL-terminated */
    size_t n;
    bool known; /* the word as it was typed is known */
} spell_correction;

/* True if c->text is what the word, of letters a to z, was meant to be. */
bool spell_correct_word(const spell_words *w, const char *typed, size_t n, spell_correction *c);

#endif
