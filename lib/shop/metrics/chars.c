/* Texts as code points. */
#include "shop/metrics/chars.h"

#include <string.h>
#include <utf8proc.h>

#include "shop/base/utf8.h"

enum { CAPITAL_I_WITH_DOT = 0x130, COMBINING_DOT = 0x307 };

llmcs_status shop_chars_reserve(shop_chars *chars, size_t n) {
    return shop_grow(chars->allocator, &chars->at, chars->n, &chars->capacity, n, sizeof *chars->at, "text");
}

void shop_chars_free(shop_chars *chars) {
    shop_free(chars->allocator, chars->at);
    chars->at = NULL;
    chars->n = chars->capacity = 0;
}

llmcs_status shop_chars_decode(shop_chars *chars, const char *text, size_t bytes) {
    chars->n = 0;
    SHOP_TRY(shop_chars_reserve(chars, bytes));
    for (size_t i = 0; i < bytes;)
        i += shop_utf8_decode((const unsigned char *)text + i, bytes - i, &chars->at[chars->n++]);
    return LLMCS_OK;
}

llmcs_status shop_chars_copy(shop_chars *chars, const uint32_t *from, size_t n) {
    chars->n = 0;
    SHOP_TRY(shop_chars_reserve(chars, n));
    if (n) memcpy(chars->at, from, n * sizeof *from);
    chars->n = n;
    return LLMCS_OK;
}

llmcs_status shop_chars_lower(shop_chars *chars) {
    size_t n_dotted = 0;
    for (size_t i = 0; i < chars->n; i++) {
        uint32_t *c = &chars->at[i];
        if (*c < 0x80)
            *c = *c >= 'A' && *c <= 'Z' ? *c + 32 : *c;
        else if (*c == CAPITAL_I_WITH_DOT)
            n_dotted++;
        else
            *c = (uint32_t)utf8proc_tolower((utf8proc_int32_t)*c);
    }
    if (!n_dotted) return LLMCS_OK;
    /* The one letter whose lower case is two characters. */
    SHOP_TRY(shop_chars_reserve(chars, chars->n + n_dotted));
    size_t to = chars->n + n_dotted;
    chars->n = to;
    for (size_t from = to - n_dotted; from-- > 0;) {
        const uint32_t c = chars->at[from];
        if (c == CAPITAL_I_WITH_DOT) chars->at[--to] = COMBINING_DOT;
        chars->at[--to] = c == CAPITAL_I_WITH_DOT ? 'i' : c;
    }
    return LLMCS_OK;
}

bool shop_is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

typedef struct range {
    uint32_t first, last;
} range;

static bool is_in(const range *ranges, size_t n, uint32_t c) {
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last) return true;
    return false;
}

bool shop_is_sacrebleu_zh(uint32_t c) {
    static const range ranges[] = {{0x4e00, 0x9fbb}, {0x3400, 0x4db5}, {0xff00, 0xffef}, {0x2001, 0x2a6d},
                                   {0x2e80, 0x2fdf}, {0x2ff0, 0x303f}, {0x3100, 0x312f}, {0x31a0, 0x31bf},
                                   {0x31c0, 0x31ef}, {0x3200, 0x33ff}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
                                   {0xfa70, 0xfad9}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f}};
    return c >= 0x2001 && is_in(ranges, sizeof ranges / sizeof *ranges, c);
}

bool shop_is_cjk(uint32_t c) {
    static const range ranges[] = {{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x3041, 0x3096},  {0x30a1, 0x30fa},
                                   {0x3005, 0x3007}, {0xf900, 0xfaff}, {0x20000, 0x323af}};
    return c >= 0x3005 && is_in(ranges, sizeof ranges / sizeof *ranges, c);
}
