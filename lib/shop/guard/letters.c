/* Folds the characters of a view into letters. */
#include "shop/guard/letters.h"

#include <utf8proc.h>

/* ---- folding */

/* Cyrillic and Greek letters that look like Latin ones (small; capitals are lowered first). */
static uint32_t latin_look(uint32_t c) {
    static const struct {
        uint16_t code;
        char looks;
    } looks[] = {{0x3b1, 'a'}, {0x3b5, 'e'}, {0x3b9, 'i'}, {0x3ba, 'k'}, {0x3bd, 'v'}, {0x3bf, 'o'}, {0x3c1, 'p'},
                 {0x3c4, 't'}, {0x3c5, 'u'}, {0x3c7, 'x'}, {0x430, 'a'}, {0x432, 'b'}, {0x433, 'r'}, {0x435, 'e'},
                 {0x437, '3'}, {0x43a, 'k'}, {0x43c, 'm'}, {0x43d, 'h'}, {0x43e, 'o'}, {0x440, 'p'}, {0x441, 'c'},
                 {0x442, 't'}, {0x443, 'y'}, {0x445, 'x'}, {0x455, 's'}, {0x456, 'i'}, {0x458, 'j'}, {0x475, 'v'},
                 {0x4bb, 'h'}, {0x4cf, 'l'}, {0x501, 'd'}, {0x51b, 'q'}, {0x51d, 'w'}, {0x1e9, 'k'}, {0x131, 'i'},
                 {0x251, 'a'}, {0x261, 'g'}, {0x26a, 'i'}, {0x274, 'n'}, {0x280, 'r'}, {0x29f, 'l'}};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (looks[i].code == c) return (uint32_t)looks[i].looks;
    return c;
}

/* Removes case and accents. */
static uint32_t fold_letter(uint32_t c) {
    utf8proc_int32_t parts[8];
    int boundary = 0;
    if (c < 0x80) return shop_ascii_lower(c);
    if (c >= 0x2e80) return c; /* Han and what follows */
    c = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    const utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, 8, UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK, &boundary);
    return latin_look(n >= 1 && n <= 8 ? (uint32_t)parts[0] : c);
}

static shop_gap gap_of(uint32_t mark) {
    switch (mark) {
        case '*':
        case 0x2022: /* bullet */
        case 0x25cf: /* circle */
            return SHOP_GAP_STAR;
        case '.':
        case ',':
        case '!':
        case '?':
        case ';':
        case ':':
        case '\n':
        case '\r':
        case 0x3001: /* 、 */
        case 0x3002: /* 。 */
        case 0x2026: /* ellipsis */
            return SHOP_GAP_HARD;
        default:
            return SHOP_GAP_SOFT;
    }
}

/* True for marks that end a sentence and for an empty line; a single line end may only wrap the text. */
static bool ends_sentence(const shop_text_view *view, size_t i) {
    const uint32_t mark = view->at[i].code;
    if (mark == '\n') {
        while (i && view->at[i - 1].code == '\r') i--;
        return i && view->at[i - 1].code == '\n';
    }
    return mark == '.' || mark == '!' || mark == '?' || mark == ';' || mark == 0x3002;
}

/* True if `next` repeats the last letter, so that it only adds to its count; also for single letters with spaces
 * between, as in "a s s". alone: a gap or the end of the text follows `next`. */
static bool repeats(const shop_letters *letters, const shop_letter *next, bool alone) {
    if (!letters->n || (next->code >= '0' && next->code <= '9')) return false;
    const shop_letter *last = &letters->at[letters->n - 1];
    const bool apart = next->gap != SHOP_GAP_NONE && next->gap != SHOP_GAP_HARD && last->gap && alone && !next->han;
    return last->code == next->code && (next->gap == SHOP_GAP_NONE || apart) && last->run < UINT16_MAX;
}

static void push(shop_letters *letters, const shop_letter *next, bool alone) {
    if (repeats(letters, next, alone)) {
        shop_letter *last = &letters->at[letters->n - 1];
        last->run++;
        last->end = next->end;
    } else {
        letters->at[letters->n++] = *next;
    }
}

llmcs_status shop_letters_fold(const llmcs_allocator *a, const shop_text_view *view, shop_letters *letters) {
    uint8_t gap = SHOP_GAP_SOFT;
    uint32_t sentence = 0;
    letters->n = 0;
    SHOP_TRY(shop_grow(a, &letters->at, 0, &letters->capacity, view->n, sizeof *letters->at, "letters of a text"));
    for (size_t i = 0; i < view->n; i++) {
        const shop_view_char *c = &view->at[i];
        if (c->kind == SHOP_CHAR_SPACE || c->kind == SHOP_CHAR_MARK) {
            const uint8_t found = (uint8_t)gap_of(c->code);
            if (found > gap) gap = found;
            sentence += ends_sentence(view, i);
            continue;
        }
        const shop_letter next = {.code = fold_letter(c->code),
                                  .begin = c->begin,
                                  .end = c->end,
                                  .sentence = sentence,
                                  .run = 1,
                                  .gap = gap,
                                  .han = c->kind == SHOP_CHAR_HAN};
        push(letters, &next, i + 1 == view->n || view->at[i + 1].kind <= SHOP_CHAR_MARK);
        gap = SHOP_GAP_NONE;
    }
    return LLMCS_OK;
}

/* ---- signs that look like letters */

static uint32_t sign_look(uint32_t c) {
    static const char signs[] = "013457$@!|", looks[] = "oieastsaii";
    for (size_t i = 0; signs[i]; i++)
        if (c == (uint32_t)signs[i]) return (uint32_t)looks[i];
    return 0;
}

static bool is_latin(const shop_view_char *c) { return c->kind == SHOP_CHAR_LETTER; }

/* The end of the token of letters and signs at `i`. *mixed: it has both, not counting final exclamation marks. */
static size_t token_end(const shop_text_view *view, size_t i, bool *mixed) {
    size_t end = i, n_letters = 0, n_signs = 0;
    for (; end < view->n; end++) {
        if (is_latin(&view->at[end]))
            n_letters++;
        else if (sign_look(view->at[end].code))
            n_signs++;
        else
            break;
    }
    size_t last = end;
    for (; last > i && (view->at[last - 1].code == '!' || view->at[last - 1].code == '|'); last--) n_signs--;
    *mixed = n_letters && n_signs && last - i <= 30;
    return end;
}

llmcs_status shop_letters_fold_signs(const llmcs_allocator *a, const shop_text_view *view, shop_letters *letters) {
    uint32_t sentence = 0;
    letters->n = 0;
    for (size_t i = 0, end; i < view->n; i = end) {
        bool mixed = false;
        end = i + 1;
        if (!is_latin(&view->at[i]) && !sign_look(view->at[i].code)) continue;
        end = token_end(view, i, &mixed);
        if (!mixed) continue;
        SHOP_TRY(shop_grow(a, &letters->at, letters->n, &letters->capacity, letters->n + (end - i), sizeof *letters->at,
                           "letters of a text"));
        sentence++; /* phrases must not span tokens */
        for (size_t k = i; k < end; k++) {
            const shop_view_char *c = &view->at[k];
            const uint32_t sign = sign_look(c->code);
            if (k + 1 == end && c->code == '!') break;
            const shop_letter next = {.code = sign ? sign : fold_letter(c->code),
                                      .begin = c->begin,
                                      .end = c->end,
                                      .sentence = sentence,
                                      .run = 1,
                                      .gap = k == i ? SHOP_GAP_HARD : SHOP_GAP_NONE};
            push(letters, &next, false);
        }
    }
    return LLMCS_OK;
}

void shop_letters_free(const llmcs_allocator *a, shop_letters *letters) {
    shop_free(a, letters->at);
    *letters = (shop_letters){0};
}
