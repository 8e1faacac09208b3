/* The table of flags, built from utf8proc's data, and rarer properties, read from utf8proc directly. */
#include "text/unicode.h"

#include <pthread.h>
#include <string.h>
#include <utf8proc.h>

#define N_CODE_POINTS 0x110000u
#define BLOCK 256u

/* The ranges that BERT's own tokenization.py isolates as Chinese, with the start of the last plane-2 block as
 * Hugging Face's Rust source has it (2B920). */
static bool is_bert_chinese(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) ||
           (c >= 0x2b920 && c <= 0x2ceaf) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* Other_Alphabetic outside the marks (PropList.txt): circled, parenthesised and squared Latin letters. */
static bool is_enclosed_letter(uint32_t c) {
    return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
           (c >= 0x1f170 && c <= 0x1f189);
}

static unsigned category_flags(utf8proc_category_t category) {
    switch (category) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return LL_UC_LETTER | LL_UC_WORD;
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
            return LL_UC_WORD;
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
            return LL_UC_NUMBER | LL_UC_WORD;
        case UTF8PROC_CATEGORY_NO:
            return LL_UC_NUMBER;
        case UTF8PROC_CATEGORY_PC:
            return LL_UC_PUNCT | LL_UC_WORD;
        case UTF8PROC_CATEGORY_PD:
        case UTF8PROC_CATEGORY_PS:
        case UTF8PROC_CATEGORY_PE:
        case UTF8PROC_CATEGORY_PI:
        case UTF8PROC_CATEGORY_PF:
        case UTF8PROC_CATEGORY_PO:
            return LL_UC_PUNCT;
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return LL_UC_SPACE;
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CO:
            return LL_UC_CONTROL;
        default:
            return 0;
    }
}

/* Flags from a character's utf8proc property. */
static unsigned property_flags(const utf8proc_property_t *p) {
    const bool folds =
        p->decomp_seqindex != UINT16_MAX || p->combining_class > 0 || p->lowercase_seqindex != UINT16_MAX;
    return category_flags((utf8proc_category_t)p->category) | (folds ? LL_UC_FOLDS : 0);
}

/* Flags from the range that a character is in. */
static unsigned place_flags(uint32_t c) {
    if (c >= 0x3400) {
        const bool hangul = c >= 0xac00 && c < 0xd7a4; /* decomposes by rule, not by table */
        return (is_bert_chinese(c) ? LL_UC_CJK : 0) | (is_enclosed_letter(c) ? LL_UC_WORD : 0) |
               (hangul ? LL_UC_FOLDS : 0);
    }
    const bool ascii_punct =
        (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    const bool joins = c == 0x200c || c == 0x200d, control_space = (c >= 9 && c <= 13) || c == 0x85;
    return (ascii_punct ? LL_UC_PUNCT : 0) | (control_space ? LL_UC_SPACE : 0) |
           (joins || is_enclosed_letter(c) ? LL_UC_WORD : 0);
}

/* Planes 4 to 13 are unassigned, and 15 and 16 private except their last two code points: filled without a lookup for
 * each. */
static bool fill_uniform(uint32_t first, uint8_t *flags) {
    uint32_t plane = first >> 16;
    bool last = (first & 0xffff) == 0xff00;
    bool unassigned = plane >= 4 && plane <= 13;
    bool private_use = plane >= 15 && !last;
    if (!unassigned && !private_use) return false;
    memset(flags, private_use ? (int)LL_UC_CONTROL : 0, BLOCK);
    return true;
}

/* Adjacent characters often share one property. */
static void fill_block(uint32_t first, uint8_t *flags) {
    if (fill_uniform(first, flags)) return;
    const utf8proc_property_t *last = NULL;
    unsigned from_property = 0;
    for (uint32_t i = 0; i < BLOCK; i++) {
        const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)(first + i));
        if (p != last) from_property = property_flags(p);
        last = p;
        flags[i] = (uint8_t)(from_property | place_flags(first + i));
    }
}

/* Letters, marks and decimal digits of Unicode 15.1 and 16 (DerivedGeneralCategory.txt), which utf8proc 2.8 does not
 * know and Oniguruma does. */
enum { UPPER_CASE, LOWER_CASE, NO_CASE, MARK, DIGIT };
static const struct {
    uint32_t first, last;
    uint8_t what;
} NEWER[] = {{0x897, 0x897, MARK},         {0x1c89, 0x1c89, UPPER_CASE}, {0x1c8a, 0x1c8a, LOWER_CASE},
             {0xa7cb, 0xa7cc, UPPER_CASE}, {0xa7cd, 0xa7cd, LOWER_CASE}, {0xa7da, 0xa7da, UPPER_CASE},
             {0xa7db, 0xa7db, LOWER_CASE}, {0xa7dc, 0xa7dc, UPPER_CASE}, {0x105c0, 0x105f3, NO_CASE},
             {0x10d40, 0x10d49, DIGIT},    {0x10d4a, 0x10d4f, NO_CASE},  {0x10d50, 0x10d65, UPPER_CASE},
             {0x10d69, 0x10d6d, MARK},     {0x10d6f, 0x10d6f, NO_CASE},  {0x10d70, 0x10d85, LOWER_CASE},
             {0x10ec2, 0x10ec4, NO_CASE},  {0x10efc, 0x10efc, MARK},     {0x11380, 0x11389, NO_CASE},
             {0x1138b, 0x1138b, NO_CASE},  {0x1138e, 0x1138e, NO_CASE},  {0x11390, 0x113b5, NO_CASE},
             {0x113b7, 0x113b7, NO_CASE},  {0x113b8, 0x113c0, MARK},     {0x113c2, 0x113c2, MARK},
             {0x113c5, 0x113c5, MARK},     {0x113c7, 0x113ca, MARK},     {0x113cc, 0x113d0, MARK},
             {0x113d1, 0x113d1, NO_CASE},  {0x113d2, 0x113d2, MARK},     {0x113d3, 0x113d3, NO_CASE},
             {0x113e1, 0x113e2, MARK},     {0x116d0, 0x116e3, DIGIT},    {0x11bc0, 0x11be0, NO_CASE},
             {0x11bf0, 0x11bf9, DIGIT},    {0x11f5a, 0x11f5a, MARK},     {0x13460, 0x143fa, NO_CASE},
             {0x16100, 0x1611d, NO_CASE},  {0x1611e, 0x1612f, MARK},     {0x16130, 0x16139, DIGIT},
             {0x16d40, 0x16d6c, NO_CASE},  {0x16d70, 0x16d79, DIGIT},    {0x18cff, 0x18cff, NO_CASE},
             {0x1ccf0, 0x1ccf9, DIGIT},    {0x1e5d0, 0x1e5ed, NO_CASE},  {0x1e5ee, 0x1e5ef, MARK},
             {0x1e5f0, 0x1e5f0, NO_CASE},  {0x1e5f1, 0x1e5fa, DIGIT},    {0x2ebf0, 0x2ee5d, NO_CASE}};
#define N_NEWER (sizeof NEWER / sizeof *NEWER)

static unsigned newer_flags(unsigned what) {
    if (what == MARK) return LL_UC_WORD;
    return LL_UC_WORD | (what == DIGIT ? LL_UC_NUMBER : LL_UC_LETTER);
}

/* Of the block that begins at `first`. A newer utf8proc knows them, and its flags stay. */
static void add_newer(uint32_t first, uint8_t *flags) {
    for (size_t i = 0; i < N_NEWER; i++) {
        const uint32_t end = NEWER[i].last < first + BLOCK ? NEWER[i].last + 1 : first + BLOCK;
        for (uint32_t c = NEWER[i].first > first ? NEWER[i].first : first; c < end; c++)
            if (flags[c - first] == 0) flags[c - first] = (uint8_t)newer_flags(NEWER[i].what);
    }
}

static ll_unicode table;
static pthread_once_t table_is_made = PTHREAD_ONCE_INIT;

/* Most blocks have a single value (unassigned, private use, ideographs) and are stored once; hardly any two of the
 * others are equal. */
static void make_table(void) {
    size_t n = 0;
    uint16_t uniform[256]; /* by value: the block of it, plus 1 */
    memset(uniform, 0, sizeof uniform);
    for (uint32_t first = 0; first < N_CODE_POINTS; first += BLOCK) {
        uint8_t *flags = table.flags + n * BLOCK;
        fill_block(first, flags);
        add_newer(first, flags);
        const bool one_value = memcmp(flags, flags + 1, BLOCK - 1) == 0;
        if (one_value && uniform[flags[0]]) {
            table.block[first / BLOCK] = (uint16_t)(uniform[flags[0]] - 1);
            continue;
        }
        table.block[first / BLOCK] = (uint16_t)n++;
        if (one_value) uniform[flags[0]] = (uint16_t)n;
    }
}

const ll_unicode *ll_unicode_table(void) {
    pthread_once(&table_is_made, make_table);
    return &table;
}

unsigned ll_unicode_ccc(uint32_t cp) { return (unsigned)utf8proc_get_property((utf8proc_int32_t)cp)->combining_class; }

bool ll_unicode_is_nonspacing_mark(uint32_t cp) {
    return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_MN;
}

bool ll_unicode_is_mark(uint32_t cp) {
    utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_MC || c == UTF8PROC_CATEGORY_ME;
}

unsigned ll_unicode_case(uint32_t cp) {
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LT:
            return LL_UC_UPPER;
        case UTF8PROC_CATEGORY_LL:
            return LL_UC_LOWER;
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC:
        case UTF8PROC_CATEGORY_ME:
            return LL_UC_UPPER | LL_UC_LOWER;
        case UTF8PROC_CATEGORY_CN:
            break;
        default:
            return 0;
    }
    for (size_t i = 0; i < N_NEWER; i++) {
        if (cp < NEWER[i].first || cp > NEWER[i].last) continue;
        if (NEWER[i].what == UPPER_CASE) return LL_UC_UPPER;
        if (NEWER[i].what == LOWER_CASE) return LL_UC_LOWER;
        return NEWER[i].what == DIGIT ? 0 : LL_UC_UPPER | LL_UC_LOWER;
    }
    return 0;
}

size_t ll_unicode_lower(uint32_t cp, uint32_t out[2]) {
    if (cp == 0x130) { /* the only character whose lower case is two (SpecialCasing.txt, unconditional) */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
    return 1;
}

size_t ll_unicode_decompose(uint32_t cp, bool compatibility, uint32_t out[LL_UC_MAX_DECOMPOSED]) {
    utf8proc_int32_t buffer[LL_UC_MAX_DECOMPOSED];
    int boundclass = 0;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE;
    if (compatibility) options |= UTF8PROC_COMPAT;
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)cp, buffer, LL_UC_MAX_DECOMPOSED, options, &boundclass);
    if (n < 1 || n > LL_UC_MAX_DECOMPOSED) {
        out[0] = cp;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) out[i] = (uint32_t)buffer[i];
    return (size_t)n;
}

uint32_t ll_unicode_compose(uint32_t first, uint32_t second) {
    utf8proc_int32_t pair[3] = {(utf8proc_int32_t)first, (utf8proc_int32_t)second, 0};
    utf8proc_ssize_t n = utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return n == 1 ? (uint32_t)pair[0] : 0;
}
