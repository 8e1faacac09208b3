/* The table of known words. */
#include "shop/spelling/words.h"

#include <math.h>
#include <string.h>

#include "shop/base/hash.h"
#include "shop/spelling/english_other_words.h"
#include "shop/spelling/english_rare_words.h"
#include "shop/spelling/english_words.h"

/* Short forms, and contractions without an apostrophe, with their meanings. */
static const char *const short_forms[][2] = {{"u", "you"},
                                             {"ur", "your"},
                                             {"r", "are"},
                                             {"pls", "please"},
                                             {"plz", "please"},
                                             {"plss", "please"},
                                             {"wat", "what"},
                                             {"wot", "what"},
                                             {"wats", "what is"},
                                             {"whats", "what's"},
                                             {"wheres", "where is"},
                                             {"whens", "when is"},
                                             {"hows", "how is"},
                                             {"theres", "there is"},
                                             {"thats", "that's"},
                                             {"dont", "don't"},
                                             {"doesnt", "doesn't"},
                                             {"didnt", "didn't"},
                                             {"cant", "can't"},
                                             {"wont", "won't"},
                                             {"isnt", "isn't"},
                                             {"wasnt", "wasn't"},
                                             {"arent", "aren't"},
                                             {"havent", "haven't"},
                                             {"hasnt", "hasn't"},
                                             {"couldnt", "couldn't"},
                                             {"wouldnt", "wouldn't"},
                                             {"shouldnt", "shouldn't"},
                                             {"im", "i'm"},
                                             {"ive", "i've"},
                                             {"youre", "you're"},
                                             {"youve", "you've"},
                                             {"weve", "we've"},
                                             {"theyve", "they've"},
                                             {"youll", "you'll"},
                                             {"itll", "it'll"},
                                             {"aint", "ain't"},
                                             {"theyre", "they're"},
                                             {"smth", "something"},
                                             {"sth", "something"},
                                             {"gf", "girlfriend"},
                                             {"bf", "boyfriend"},
                                             {"tmrw", "tomorrow"},
                                             {"tmr", "tomorrow"},
                                             {"cuz", "because"},
                                             {"coz", "because"},
                                             {"thx", "thanks"},
                                             {"tnx", "thanks"},
                                             {"msg", "message"},
                                             {"ppl", "people"},
                                             {"abt", "about"},
                                             {"gonna", "going to"},
                                             {"wanna", "want to"},
                                             {"gimme", "give me"},
                                             {"lemme", "let me"},
                                             {"dunno", "don't know"},
                                             {"til", "until"},
                                             {"coulda", "could have"},
                                             {"shoulda", "should have"},
                                             {"cannae", "cannot"},
                                             {"dinnae", "don't"},
                                             {"didnae", "didn't"},
                                             {"youse", "you"},
                                             {"summat", "something"},
                                             {"nowt", "nothing"},
                                             {"addy", "address"},
                                             {"acct", "account"},
                                             {"deliv", "delivery"},
                                             {"recd", "received"},
                                             {"finna", "going to"},
                                             {"gotta", "have to"},
                                             {"outta", "out of"},
                                             {"kinda", "kind of"},
                                             {"prolly", "probably"},
                                             {"tryna", "trying to"},
                                             {"pkg", "package"},
                                             {"qty", "quantity"},
                                             {"nuthin", "nothing"},
                                             {"sumthin", "something"},
                                             {"idk", "I don't know"}};
/* Known words that are never corrected. */
static const char *const slang[] = {"lol", "omg", "wtf", "tbh",  "ngl", "imo", "btw",  "asap",  "eta",
                                    "faq", "diy", "rip", "yo",   "nah", "yep", "nope", "hmm",   "ugh",
                                    "hi",  "hey", "bro", "bruv", "oi",  "mum", "nan",  "innit", "aye",
                                    "cod", "vat", "pin", "sms",  "sim", "vpn", "gps",  "cvv"};

static const char *text_of(const spell_words *w, const spell_word *word) { return w->letters + word->text; }

uint32_t spell_mask(const char *word, size_t len) {
    uint32_t mask = 0;
    for (size_t i = 0; i < len; i++) mask |= (uint32_t)1 << ((uint32_t)(word[i] - 'a') % 32);
    return mask;
}

/* The slot of the word, or the empty slot for it. */
static size_t slot_of(const spell_words *w, const char *word, size_t len) {
    size_t slot = shop_xxh64(word, len) & (w->n_slots - 1);
    for (; w->table[slot]; slot = (slot + 1) & (w->n_slots - 1)) {
        const spell_word *known = &w->items[w->table[slot] - 1];
        if (known->len == len && !memcmp(text_of(w, known), word, len)) break;
    }
    return slot;
}

const spell_word *spell_words_find(const spell_words *w, const char *word, size_t len) {
    if (!len || len > SPELL_MAX_LETTERS || !w->n_slots) return NULL;
    const uint32_t found = w->table[slot_of(w, word, len)];
    return found ? &w->items[found - 1] : NULL;
}

/* Keeps at most half of the slots in use. */
static llmcs_status grow_table(spell_words *w) {
    const size_t n_slots = w->n_slots ? 2 * w->n_slots : 32768;
    uint32_t *old = w->table;
    if (2 * (w->n + 1) <= w->n_slots) return LLMCS_OK;
    SHOP_TRY(shop_alloc_zero(w->allocator, n_slots, sizeof *w->table, "words", &w->table));
    w->n_slots = n_slots;
    for (size_t i = 0; i < w->n; i++) w->table[slot_of(w, text_of(w, &w->items[i]), w->items[i].len)] = (uint32_t)i + 1;
    shop_free(w->allocator, old);
    return LLMCS_OK;
}

static llmcs_status reserve(spell_words *w, size_t len) {
    uint32_t *old = w->table;
    SHOP_TRY(shop_grow(w->allocator, &w->items, w->n, &w->capacity, w->n + 1, sizeof *w->items, "words"));
    SHOP_TRY(shop_grow(w->allocator, &w->letters, w->n_letters, &w->letters_capacity, w->n_letters + len, 1, "words"));
    const llmcs_status status = grow_table(w);
    if (status) w->table = old;
    return status;
}

llmcs_status spell_words_add(spell_words *w, const char *word, size_t len, double frequency, spell_trust trust) {
    spell_word *known = (spell_word *)(uintptr_t)spell_words_find(w, word, len);
    if (known) {
        known->frequency += (float)frequency;
        known->trusted = known->trusted || trust;
        return LLMCS_OK;
    }
    if (len > SPELL_MAX_LETTERS || w->n == SPELL_MAX_WORDS) return LLMCS_OK;
    SHOP_TRY(reserve(w, len));
    memcpy(w->letters + w->n_letters, word, len);
    w->items[w->n] = (spell_word){.text = (uint32_t)w->n_letters,
                                  .mask = spell_mask(word, len),
                                  .next = w->first[len],
                                  .frequency = (float)frequency,
                                  .len = (uint8_t)len,
                                  .trusted = trust};
    w->n_letters += len;
    w->first[len] = (uint32_t)++w->n;
    w->table[slot_of(w, word, len)] = (uint32_t)w->n;
    return LLMCS_OK;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

llmcs_status spell_words_add_text(spell_words *w, const char *text, size_t n, double frequency, spell_trust trust) {
    for (size_t i = 0, end; i < n; i = end + 1) {
        char word[SPELL_MAX_LETTERS];
        size_t len = 0;
        for (end = i; end < n && is_letter(text[end]); end++)
            if (end - i < sizeof word) word[len++] = (char)(text[end] | 0x20);
        /* Skips parts of words that contain other letters or an apostrophe, or continue with a digit. */
        const bool inside = (i && ((unsigned char)text[i - 1] >= 0x80 || text[i - 1] == '\'')) ||
                            (end < n && ((unsigned char)text[end] >= 0x80 || text[end] == '\'' ||
                                         (text[end] >= '0' && text[end] <= '9')));
        if (len > 2 && end - i <= sizeof word && !inside) SHOP_TRY(spell_words_add(w, word, len, frequency, trust));
    }
    return LLMCS_OK;
}

/* Sets frequencies by Zipf's law: the lines list words by rank. */
static llmcs_status add_lines(spell_words *w, const char *const *lines, size_t n, size_t *rank) {
    for (size_t line = 0; line < n; line++) {
        const char *at = lines[line];
        while (*at) {
            const size_t len = strcspn(at, " ");
            SHOP_TRY(spell_words_add(w, at, len, 1e5 / ((double)(*rank)++ + 20), SPELL_TRUSTED));
            at += len + (at[len] == ' ');
        }
    }
    return LLMCS_OK;
}

static llmcs_status add_english(spell_words *w) {
    size_t rank = 0;
    SHOP_TRY(add_lines(w, english_words, sizeof english_words / sizeof *english_words, &rank));
    SHOP_TRY(add_lines(w, english_rare_words, sizeof english_rare_words / sizeof *english_rare_words, &rank));
    return add_lines(w, english_other_words, sizeof english_other_words / sizeof *english_other_words, &rank);
}

static llmcs_status add_short_forms(spell_words *w) {
    for (size_t i = 0; i < sizeof short_forms / sizeof *short_forms; i++) {
        const size_t len = strlen(short_forms[i][0]);
        SHOP_TRY(spell_words_add(w, short_forms[i][0], len, 100, SPELL_TRUSTED));
        spell_word *word = (spell_word *)(uintptr_t)spell_words_find(w, short_forms[i][0], len);
        word->meaning = short_forms[i][1];
    }
    for (size_t i = 0; i < sizeof slang / sizeof *slang; i++)
        SHOP_TRY(spell_words_add(w, slang[i], strlen(slang[i]), 5, SPELL_TRUSTED));
    return LLMCS_OK;
}

llmcs_status spell_words_init(const llmcs_allocator *a, spell_words *w) {
    *w = (spell_words){.allocator = a};
    llmcs_status status = add_english(w);
    if (!status) status = add_short_forms(w);
    if (status) spell_words_free(w);
    return status;
}

void spell_words_free(spell_words *w) {
    if (!w->allocator) return;
    shop_free(w->allocator, w->letters);
    shop_free(w->allocator, w->items);
    shop_free(w->allocator, w->table);
    *w = (spell_words){0};
}
