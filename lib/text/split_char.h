/* Characters of text that is known to be UTF-8, for the scanners of pre-tokenizers. */
#ifndef LL_TEXT_SPLIT_CHAR_H
#define LL_TEXT_SPLIT_CHAR_H

#include <stddef.h>
#include <stdint.h>

/* The character at text and its length in bytes. Reads that many bytes. */
static inline size_t ll_char_at(const char *text, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    if (p[0] < 0xe0) {
        *cp = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
        return 2;
    }
    if (p[0] < 0xf0) {
        *cp = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
        return 3;
    }
    *cp = (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    return 4;
}

#endif
