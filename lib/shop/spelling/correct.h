/* Corrects one word. */
#ifndef SHOP_SPELLING_CORRECT_H
#define SHOP_SPELLING_CORRECT_H

#include "shop/spelling/words.h"

typedef struct spell_correction {
    char text[96]; /* NUL-terminated */
    size_t n;
    bool known; /* the word is known as typed */
} spell_correction;

/* Corrects a word of letters a to z. True if there is a correction, in c->text. */
bool spell_correct_word(const spell_words *w, const char *typed, size_t n, spell_correction *c);

#endif
