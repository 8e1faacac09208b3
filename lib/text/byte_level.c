/* The byte level of GPT-2: bytes as characters, and words by its regular expression, written out. */
#include "text/byte_level.h"

#include "base/utf8.h"

/* Bytes that are not visible characters of Latin-1 take U+0100, U+0101, ... in the order of their values:
 * 00-20 first, then 7F-A0, then AD. */
uint32_t ll_byte_to_char(unsigned char byte) {
    if (byte <= 0x20) return 0x100u + byte;
    if (byte >= 0x7f && byte <= 0xa0) return 0x121u + (byte - 0x7fu);
    if (byte == 0xad) return 0x143;
    return byte;
}

int ll_char_to_byte(uint32_t cp) {
    if (cp >= 0x100 && cp <= 0x120) return (int)(cp - 0x100);
    if (cp >= 0x121 && cp <= 0x142) return (int)(cp - 0x121 + 0x7f);
    if (cp == 0x143) return 0xad;
    bool visible = (cp >= 0x21 && cp <= 0x7e) || (cp >= 0xa1 && cp <= 0xff && cp != 0xad);
    return visible ? (int)cp : -1;
}

size_t ll_bytes_of_token(const char *token, size_t len, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp = (unsigned char)token[i];
        if (cp > 0x20 && cp < 0x7f) {
            if (out) out[n] = token[i];
            n++;
            i++;
            continue;
        }
        i += ll_utf8_decode(token + i, len - i, &cp);
        int byte = cp == LL_UTF8_BAD ? -1 : ll_char_to_byte(cp);
        if (byte < 0) return SIZE_MAX;
        if (out) out[n] = (char)byte;
        n++;
    }
    return n;
}

#define KIND (LL_UC_LETTER | LL_UC_NUMBER | LL_UC_SPACE)

/* Letter, number, white space or none of them, and the length of the character at text. */
static inline unsigned kind_at(const ll_unicode *u, const char *text, size_t n, size_t *len) {
    return ll_unicode_flags_at(u, text, n, len) & KIND;
}

/* The end of the run of characters of one kind that includes text[i]. */
static size_t run_end(const ll_unicode *u, const char *text, size_t n, size_t i, unsigned kind) {
    size_t len;
    while (i < n && kind_at(u, text + i, n - i, &len) == kind) i += len;
    return i;
}

/* Length of 's 't 'm 'd 're 've 'll at text, which begins with an apostrophe; 0: none of them. */
static size_t contraction_length(const char *text, size_t n) {
    if (n < 2) return 0;
    char a = text[1], b = n > 2 ? text[2] : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    bool two = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return two ? 3 : 0;
}

/* \s+(?!\S)|\s+ : a run of white space without its last character, which belongs to the next word, if there is one. */
static size_t white_space(const ll_unicode *u, const char *text, size_t n) {
    size_t i = 0, last = 0, len;
    while (i < n && kind_at(u, text + i, n - i, &len) == LL_UC_SPACE) {
        last = i;
        i += len;
    }
    return i == n || last == 0 ? i : last;
}

size_t ll_byte_level_word(const ll_unicode *u, const char *text, size_t n) {
    size_t len, skip = 0;
    if (text[0] == '\'') {
        len = contraction_length(text, n);
        if (len) return len;
    }
    unsigned kind = kind_at(u, text, n, &len);
    if (text[0] == ' ' && n > 1) {
        size_t next;
        unsigned after = kind_at(u, text + 1, n - 1, &next);
        if (after != LL_UC_SPACE) {
            kind = after;
            len = next;
            skip = 1;
        }
    }
    if (kind == LL_UC_SPACE) return white_space(u, text, n);
    return run_end(u, text, n, skip + len, kind);
}
