/* Names of keys, agents, customers and models, as the shop library's store takes them. */
#ifndef TOOLS_SERVER_NAME_H
#define TOOLS_SERVER_NAME_H

#include <stdbool.h>

/* UTF-8 without control characters: C0, DEL, C1, U+2028 and U+2029, which end lines too. */
static inline bool name_is_plain(const char *name) {
    for (const unsigned char *s = (const unsigned char *)name; *s; s++) {
        if (*s < 0x20 || *s == 0x7f) return false;
        if (*s == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0) return false;
        if (*s == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) return false;
    }
    return true;
}

#endif
