/* Builds a view from a text: decodes, normalises (NFKC), sets kinds and digits. ASCII, Han and fullwidth characters
 * have a fast path. */
#include "shop/guard/view.h"

#include <string.h>
#include <utf8proc.h>

#include "shop/base/utf8.h"

enum { MAX_PARTS = 32 };

/* ----------------------------------------------------------------------------------------------- characters */

typedef struct range {
    uint32_t first, last;
} range;

/* Scripts without spaces between words: Thai to Lao, Myanmar, Hangul, Khmer, kana, Han. */
static const range unspaced[] = {{0x0e00, 0x0eff},  {0x1000, 0x109f}, {0x1100, 0x11ff}, {0x1780, 0x17ff},
                                 {0x3005, 0x3007},  {0x3041, 0x30ff}, {0x3130, 0x318f}, {0x31f0, 0x31ff},
                                 {0x3400, 0x4dbf},  {0x4e00, 0x9fff}, {0xac00, 0xd7af}, {0xf900, 0xfaff},
                                 {0x20000, 0x3fffd}};

static bool is_unspaced(uint32_t c) {
    if (c < 0x0e00) return false;
    for (size_t i = 0; i < sizeof unspaced / sizeof *unspaced; i++)
        if (c <= unspaced[i].last) return c >= unspaced[i].first;
    return false;
}

/* Zero-width and other invisible characters, which can be used to split words. */
static bool is_dropped(uint32_t c, utf8proc_category_t category) {
    if (c == '\t' || c == '\n' || c == '\r') return false;
    if (category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF) return true;
    if (c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0) return true; /* Hangul fillers */
    return c == 0x34f || (c >= 0x180b && c <= 0x180f); /* combining grapheme joiner, Mongolian selectors */
}

/* Keycaps and variation selectors: they change the look of the preceding character and belong to it. */
static bool is_selector(uint32_t c) {
    return c == 0x20e3 || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
}

static shop_char_kind kind_of(uint32_t c, utf8proc_category_t category) {
    switch (category) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
            return is_unspaced(c) ? SHOP_CHAR_HAN : SHOP_CHAR_LETTER;
        case UTF8PROC_CATEGORY_ND:
            return SHOP_CHAR_DIGIT;
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_CC:
            return SHOP_CHAR_SPACE;
        default:
            return SHOP_CHAR_MARK;
    }
}

/* Decimal digits come in runs of ten. These are the zeros of scripts in daily use (Unicode 15, category Nd). */
static uint8_t digit_of(uint32_t c) {
    static const uint32_t zeros[] = {0x30,   0x660,  0x6f0,  0x7c0,  0x966,  0x9e6,  0xa66, 0xae6,  0xb66,
                                     0xbe6,  0xc66,  0xce6,  0xd66,  0xe50,  0xed0,  0xf20, 0x1040, 0x17e0,
                                     0x1810, 0x1946, 0x19d0, 0x1a80, 0x1b50, 0xa620, 0xa8d0};
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros && c >= zeros[i]; i++)
        if (c - zeros[i] < 10) return (uint8_t)(c - zeros[i]);
    return SHOP_NO_DIGIT;
}

static uint8_t han_digit(uint32_t c) {
    switch (c) {
        case 0x3007: /* 〇 */
        case 0x96f6: /* 零 */
            return 0;
        case 0x4e00: /* 一 */
        case 0x58f9: /* 壹 */
        case 0x5e7a: /* 幺, spoken for 一 on the telephone */
            return 1;
        case 0x4e8c: /* 二 */
        case 0x8d30: /* 贰 */
        case 0x8cb3: /* 貳 */
            return 2;
        case 0x4e09: /* 三 */
        case 0x53c1: /* 叁 */
        case 0x53c3: /* 參 */
            return 3;
        case 0x56db: /* 四 */
        case 0x8086: /* 肆 */
            return 4;
        case 0x4e94: /* 五 */
        case 0x4f0d: /* 伍 */
            return 5;
        case 0x516d: /* 六 */
        case 0x9646: /* 陆 */
        case 0x9678: /* 陸 */
            return 6;
        case 0x4e03: /* 七 */
        case 0x67d2: /* 柒 */
            return 7;
        case 0x516b: /* 八 */
        case 0x634c: /* 捌 */
            return 8;
        case 0x4e5d: /* 九 */
        case 0x7396: /* 玖 */
            return 9;
        default:
            return SHOP_NO_DIGIT;
    }
}

/* ------------------------------------------------------------------------------------------------ the view */

static shop_view_char ascii_char(uint32_t c, size_t begin) {
    shop_view_char v = {c, (uint32_t)begin, (uint32_t)begin + 1, SHOP_CHAR_MARK, SHOP_NO_DIGIT};
    if (c >= '0' && c <= '9') {
        v.kind = SHOP_CHAR_DIGIT;
        v.digit = (uint8_t)(c - '0');
    } else if ((c | 32) >= 'a' && (c | 32) <= 'z') {
        v.kind = SHOP_CHAR_LETTER;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        v.kind = SHOP_CHAR_SPACE;
    }
    return v;
}

/* Composes a combining mark with the preceding letter, if Unicode has the composed character. */
static void add_mark(shop_text_view *view, uint32_t mark, size_t end) {
    if (!view->n) return;
    shop_view_char *last = &view->at[view->n - 1];
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)last->code, (utf8proc_int32_t)mark};
    if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) == 1) last->code = (uint32_t)pair[0];
    last->end = (uint32_t)end;
}

/* Signs that NFKC decomposes into letters: ℀ to ℡ of the letterlike symbols, and ㏇. */
static bool is_sign_of_letters(uint32_t c) {
    return c == 0x2100 || c == 0x2101 || c == 0x2105 || c == 0x2106 || c == 0x2116 || c == 0x2121 || c == 0x213b ||
           c == 0x33c7;
}

static llmcs_status add_decomposed(const llmcs_allocator *a, shop_text_view *view, uint32_t code, size_t begin,
                                   size_t end) {
    utf8proc_int32_t parts[MAX_PARTS] = {0};
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, parts, MAX_PARTS,
                                                 UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &boundary);
    if (n < 1 || n > MAX_PARTS) {
        parts[0] = (utf8proc_int32_t)code;
        n = 1;
    }
    if (code >= 0xac00 && code <= 0xd7a3) { /* a Hangul syllable stays one character */
        parts[0] = (utf8proc_int32_t)code;
        n = 1;
    }
    SHOP_TRY(shop_grow(a, &view->at, view->n, &view->capacity, view->n + (size_t)n + 1, sizeof *view->at, "text"));
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        const uint32_t c = (uint32_t)parts[i];
        const utf8proc_property_t *p = utf8proc_get_property(parts[i]);
        const utf8proc_category_t category = (utf8proc_category_t)p->category;
        if (c < 0x80) {
            shop_view_char v = ascii_char(c, begin);
            v.end = (uint32_t)end;
            view->at[view->n++] = v;
        } else if (is_selector(c)) {
            if (view->n) view->at[view->n - 1].end = (uint32_t)end;
        } else if (p->combining_class) {
            add_mark(view, c, end);
        } else if (!is_dropped(c, category)) {
            const shop_char_kind kind = kind_of(c, category);
            view->at[view->n++] = (shop_view_char){c, (uint32_t)begin, (uint32_t)end, (uint8_t)kind,
                                                   kind == SHOP_CHAR_HAN ? han_digit(c) : digit_of(c)};
        }
    }
    /* The letters of "№" and "℡" do not belong to the number that follows. */
    if (is_sign_of_letters(code)) {
        shop_view_char space = ascii_char(' ', begin);
        space.end = (uint32_t)end;
        view->at[view->n++] = space;
    }
    return LLMCS_OK;
}

llmcs_status shop_text_view_fill(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_text_view *view) {
    const unsigned char *s = (const unsigned char *)text;
    view->n = 0;
    if (text_bytes >= UINT32_MAX)
        return shop_fail(LLMCS_LIMIT, "text: %lld bytes, expected less than 4 GiB", (long long)text_bytes);
    for (size_t i = 0; i < text_bytes;) {
        /* Never grows beyond one character for each remaining byte. */
        if (view->n == view->capacity)
            SHOP_TRY(shop_grow(a, &view->at, view->n, &view->capacity,
                               view->n + shop_min(text_bytes - i, shop_max(view->n, 256)), sizeof *view->at, "text"));
        if (s[i] < 0x80) {
            if (s[i] >= ' ' ? s[i] != 0x7f : s[i] == '\t' || s[i] == '\n' || s[i] == '\r')
                view->at[view->n++] = ascii_char(s[i], i);
            i++;
            continue;
        }
        const size_t begin = i;
        uint32_t code;
        i += shop_utf8_decode(s + i, text_bytes - i, &code);
        if (code >= 0x4e00 && code <= 0x9fff) {
            view->at[view->n++] = (shop_view_char){code, (uint32_t)begin, (uint32_t)i, SHOP_CHAR_HAN, han_digit(code)};
        } else if (code >= 0xff01 && code <= 0xff5e) { /* fullwidth ASCII */
            shop_view_char v = ascii_char(code - 0xfee0, begin);
            v.end = (uint32_t)i;
            view->at[view->n++] = v;
        } else if (code == 0x3001 || code == 0x3002) { /* 、。 */
            view->at[view->n++] = (shop_view_char){code, (uint32_t)begin, (uint32_t)i, SHOP_CHAR_MARK, SHOP_NO_DIGIT};
        } else {
            SHOP_TRY(add_decomposed(a, view, code, begin, i));
        }
    }
    return LLMCS_OK;
}

void shop_text_view_free(const llmcs_allocator *a, shop_text_view *view) {
    shop_free(a, view->at);
    *view = (shop_text_view){0};
}
