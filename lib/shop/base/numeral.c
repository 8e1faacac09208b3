/* Reads numbers in digits, and Chinese numerals with spoken short forms. */
#include "shop/base/numeral.h"

#include <limits.h>

#include "shop/base/utf8.h"

static int digit_of(int32_t c) {
    static const int32_t digits[] = {0x96f6, 0x4e00, 0x4e8c, 0x4e09, 0x56db, 0x4e94, 0x516d, 0x4e03, 0x516b, 0x4e5d};
    if (c == 0x4e24) return 2; /* 两 */
    if (c == 0x3007) return 0;
    for (int i = 0; i < 10; i++)
        if (digits[i] == c) return i;
    return -1;
}

static unsigned int power_of(int32_t c) {
    return c == 0x5341 ? 10 : c == 0x767e ? 100 : c == 0x5343 ? 1000 : c == 0x4e07 ? 10000 : 0; /* 十百千万 */
}

bool shop_is_numeral(int32_t c) { return digit_of(c) >= 0 || power_of(c); }

size_t shop_read_numeral(const int32_t *c, size_t n, unsigned int *value) {
    uint64_t total = 0;
    unsigned int digit = 0, last = 1; /* last: the power before `digit`: 三百五 ends in 5 tens, not 5 */
    size_t i = 0, n_digits = 0;
    for (; i < n && i < SHOP_NUMERAL_CHARS && shop_is_numeral(c[i]); i++) {
        const unsigned int power = power_of(c[i]);
        if (!power) {
            digit = digit * 10 + (unsigned int)digit_of(c[i]);
            n_digits++;
            continue;
        }
        if (power == 10000)
            total = (total + digit) * power;
        else
            total += (uint64_t)(digit ? digit : 1) * power;
        if (total > UINT_MAX) total = UINT_MAX;
        digit = 0;
        n_digits = 0;
        last = power;
    }
    total += n_digits == 1 && last >= 100 ? digit * (last / 10) : digit;
    *value = total > UINT_MAX ? UINT_MAX : (unsigned int)total;
    return i;
}

size_t shop_read_number(const char *text, size_t n, unsigned int *value) {
    int32_t c[SHOP_NUMERAL_CHARS];
    size_t ends[SHOP_NUMERAL_CHARS + 1] = {0}, n_chars = 0, bytes = 0;
    uint64_t number = 0;
    for (; bytes < n && text[bytes] >= '0' && text[bytes] <= '9'; bytes++)
        if (number <= UINT_MAX) number = number * 10 + (uint64_t)(text[bytes] - '0');
    if (bytes) {
        *value = number > UINT_MAX ? UINT_MAX : (unsigned int)number;
        return bytes;
    }
    for (uint32_t code; n_chars < SHOP_NUMERAL_CHARS && bytes < n; ends[++n_chars] = bytes) {
        bytes += shop_utf8_decode((const unsigned char *)text + bytes, n - bytes, &code);
        c[n_chars] = (int32_t)code;
    }
    return ends[shop_read_numeral(c, n_chars, value)];
}
