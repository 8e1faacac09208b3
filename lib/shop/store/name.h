/* What a name or an id may be. llmcs-server checks names by the same rule, so this header needs no other one of lib/.
 */
#ifndef SHOP_STORE_NAME_H
#define SHOP_STORE_NAME_H

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

enum { SHOP_ID_BYTES = 200 };

/* C0, C1, DEL, and U+2028 and U+2029, which end lines, too. */
static inline bool shop_is_control(utf8proc_int32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* The offset of the first byte of `text` that is not UTF-8 or begins a character that is_bad, or n. *why: the reason.
 */
static inline size_t shop_find_bad_byte(const char *text, size_t n, bool (*is_bad)(utf8proc_int32_t c),
                                        const char **why) {
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t c;
        const utf8proc_ssize_t len =
            utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(n - i), &c);
        *why = len <= 0 ? "is not UTF-8" : "is a control character";
        if (len <= 0 || is_bad(c)) return i;
        i += (size_t)len;
    }
    return n;
}

/* 1 to SHOP_ID_BYTES bytes of UTF-8 without control characters. */
static inline bool shop_is_name(const char *name) {
    const char *why;
    const size_t n = strnlen(name, SHOP_ID_BYTES + 1);
    return n && n <= SHOP_ID_BYTES && shop_find_bad_byte(name, n, shop_is_control, &why) == n;
}

#endif
