/* Finds codes of letters and digits: IBAN, unified social credit codes, Hong Kong identity cards, number plates, and
 * any code right after a label such as "order number" or 护照. */
#include <string.h>

#include "shop/guard/find.h"

static bool is_code_char(const shop_view_char *c) {
    return c->code < 0x80 && (c->kind == SHOP_CHAR_DIGIT || c->kind == SHOP_CHAR_LETTER);
}

static bool is_free(const shop_text_view *view, size_t begin, size_t end) {
    return (!begin || !shop_is_word_char(&view->at[begin - 1])) &&
           (end >= view->n || !shop_is_word_char(&view->at[end]));
}

/* '0' to '9' is 0 to 9, 'A' to 'Z' in any case 10 to 35. */
static uint32_t base36(const shop_view_char *c) {
    return c->kind == SHOP_CHAR_DIGIT ? c->digit : (c->code | 32) - 'a' + 10;
}

/* ------------------------------------------------------------------------------------------------------- IBAN */

/* Length of an IBAN by country (ISO 13616 registry). */
static size_t iban_length(uint32_t a, uint32_t b) {
    static const char lengths[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
        "GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19"
        "MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23"
        "TN24TR26UA29VA22VG24XK20";
    for (size_t i = 0; i + 3 < sizeof lengths; i += 4)
        if (a == (uint32_t)lengths[i] && b == (uint32_t)lengths[i + 1])
            return (size_t)(lengths[i + 2] - '0') * 10 + (size_t)(lengths[i + 3] - '0');
    return 0;
}

/* ISO 7064 MOD 97-10 with the first four characters moved to the end; skips spaces and dashes. */
static uint32_t iban_remainder(const shop_text_view *view, size_t begin, size_t end) {
    uint32_t remainder = 0, head[4] = {0};
    size_t n = 0;
    for (size_t i = begin; i < end; i++) {
        if (!is_code_char(&view->at[i])) continue;
        const uint32_t value = base36(&view->at[i]);
        if (n < 4)
            head[n] = value;
        else
            remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
        n++;
    }
    for (size_t i = 0; i < 4; i++) remainder = (remainder * (head[i] > 9 ? 100 : 10) + head[i]) % 97;
    return remainder;
}

/* The end of the IBAN that begins at i, or i. */
static size_t iban_end(const shop_text_view *view, size_t i) {
    const shop_view_char *at = view->at;
    if (i + 4 >= view->n || at[i + 1].kind != SHOP_CHAR_LETTER || at[i + 2].kind != SHOP_CHAR_DIGIT ||
        at[i + 3].kind != SHOP_CHAR_DIGIT)
        return i;
    const size_t length = iban_length(shop_ascii_lower(at[i].code) - 32, shop_ascii_lower(at[i + 1].code) - 32);
    size_t end = i;
    for (size_t n = 0; n < length; end++) {
        if (end >= view->n) return i;
        if (is_code_char(&at[end]))
            n++;
        else if ((at[end].code != ' ' && at[end].code != '-') || !is_code_char(&at[end - 1]))
            return i;
    }
    return length && is_free(view, i, end) && iban_remainder(view, i, end) == 1 ? end : i;
}

/* ------------------------------------------------------------------------------------------------ company ids */

/* The value of a character of a unified social credit code, 0 to 30, or 31: I, O, S, V and Z are not used. */
static uint32_t company_id_value(const shop_view_char *c) {
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    if (c->kind == SHOP_CHAR_DIGIT) return c->digit;
    const char *at = strchr(alphabet, (int)shop_ascii_lower(c->code) - 32);
    return at ? (uint32_t)(at - alphabet) : 31;
}

/* GB 32100: registering authority, 6 digits of a region; the sum of the characters weighted by 3^i mod 31, plus the
 * check character, is 0 mod 31. A code of digits only must start with 91 to 93: others are mostly identity numbers. */
static bool is_company_id(const shop_text_view *view, size_t i) {
    uint32_t sum = 0, weight = 1;
    size_t n_letters = 0;
    for (size_t k = 0; k < 18; k++) {
        const uint32_t value = company_id_value(&view->at[i + k]);
        n_letters += value > 9;
        if (value > 30 || (k == 0 && !value) || (k >= 2 && k < 8 && value > 9)) return false;
        sum += (k < 17 ? weight : 1) * value;
        weight = weight * 3 % 31;
    }
    const uint32_t first = company_id_value(&view->at[i]), second = company_id_value(&view->at[i + 1]);
    return sum % 31 == 0 && (n_letters || (first == 9 && second >= 1 && second <= 3));
}

/* ----------------------------------------------------------------------------------------- Hong Kong identity */

/* A123456(3): letters count as 10 to 35, a missing first letter as 36; weights 9 to 1, the check digit A is 10. */
static size_t hong_kong_id_end(const shop_text_view *view, size_t i) {
    const shop_view_char *at = view->at;
    size_t n_letters = 0, k = i;
    while (k < view->n && at[k].kind == SHOP_CHAR_LETTER && n_letters < 3) k++, n_letters++;
    if (n_letters < 1 || n_letters > 2 || k + 9 > view->n) return i;
    uint32_t sum = n_letters == 1 ? 9 * 36 + 8 * base36(&at[i]) : 9 * base36(&at[i]) + 8 * base36(&at[i + 1]);
    for (size_t d = 0; d < 6; d++, k++) {
        if (at[k].kind != SHOP_CHAR_DIGIT) return i;
        sum += (uint32_t)(7 - d) * at[k].digit;
    }
    if (at[k].code != '(' || at[k + 2].code != ')' || !is_code_char(&at[k + 1])) return i;
    const uint32_t check = base36(&at[k + 1]);
    return check <= 10 && (sum + check) % 11 == 0 && is_free(view, i, k + 3) ? k + 3 : i;
}

/* ----------------------------------------------------------------------------------------------------- plates */

/* 京 津 沪 ...: the character of a province, or 使 for embassies. */
static bool is_plate_province(uint32_t c) {
    static const uint16_t provinces[] = {0x4eac, 0x6d25, 0x6caa, 0x6e1d, 0x5180, 0x8c6b, 0x4e91, 0x8fbd,
                                         0x9ed1, 0x6e58, 0x7696, 0x9c81, 0x65b0, 0x82cf, 0x6d59, 0x8d63,
                                         0x9102, 0x6842, 0x7518, 0x664b, 0x8499, 0x9655, 0x5409, 0x95fd,
                                         0x8d35, 0x7ca4, 0x9752, 0x85cf, 0x5ddd, 0x5b81, 0x743c, 0x4f7f};
    for (size_t i = 0; i < sizeof provinces / sizeof *provinces; i++)
        if (c == provinces[i]) return true;
    return false;
}

/* 京A·12345, 沪AD12345 (six for electric cars), 粤Z1234港: no I or O, at most two letters among the last five. */
static size_t plate_end(const shop_text_view *view, size_t i) {
    const shop_view_char *at = view->at;
    size_t k = i + 2, n = 0, n_digits = 0;
    if (k >= view->n || at[i + 1].kind != SHOP_CHAR_LETTER || at[i + 1].code >= 0x80) return i;
    if (at[k].code == 0xb7 || at[k].code == 0x2022 || at[k].code == '-' || at[k].code == ' ' || at[k].code == 0x30fb)
        k++;
    for (; k < view->n && is_code_char(&at[k]) && n < 7; k++, n++) {
        const uint32_t c = shop_ascii_lower(at[k].code);
        if (c == 'i' || c == 'o') return i;
        n_digits += at[k].kind == SHOP_CHAR_DIGIT;
    }
    const bool has_suffix = k < view->n && (at[k].code == 0x6e2f || at[k].code == 0x6fb3 || at[k].code == 0x5b66 ||
                                            at[k].code == 0x8b66 || at[k].code == 0x6302 || at[k].code == 0x9886);
    if (n == 4 && has_suffix && n_digits >= 3) return k + 1;
    if ((n != 5 && n != 6) || n_digits + 2 < n - (n == 6)) return i;
    return k < view->n && shop_is_word_char(&at[k]) ? i : k;
}

/* ---------------------------------------------------------------------------------------------------- search */

llmcs_status shop_find_codes(const shop_text_view *view, shop_findings *f) {
    for (size_t i = 0; i < view->n;) {
        const shop_view_char *c = &view->at[i];
        if (c->kind == SHOP_CHAR_HAN && is_plate_province(c->code)) {
            const size_t end = plate_end(view, i);
            if (end > i) SHOP_TRY(shop_find_add(f, i, end, LLMCS_PII_PLATE, SHOP_BY_CHECK, "plate"));
        }
        if (!is_code_char(c)) {
            i++;
            continue;
        }
        size_t end = i;
        while (end < view->n && is_code_char(&view->at[end])) end++;
        if (is_free(view, i, end)) {
            const bool letter = c->kind == SHOP_CHAR_LETTER;
            const size_t iban = letter ? iban_end(view, i) : i, id = letter ? hong_kong_id_end(view, i) : i;
            if (end - i == 18 && is_company_id(view, i))
                SHOP_TRY(shop_find_add(f, i, end, LLMCS_PII_COMPANY_ID, SHOP_BY_CHECK, "gb32100"));
            else if (iban > i)
                SHOP_TRY(shop_find_add(f, i, iban, LLMCS_PII_IBAN, SHOP_BY_CHECK, "mod97"));
            else if (id > i)
                SHOP_TRY(shop_find_add(f, i, id, LLMCS_PII_ID, SHOP_BY_ID, "hkid"));
        }
        i = end;
    }
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ after labels */

/* Skips what stands between a label and its code: spaces, marks, "is", "no.", "number", 是, 为, 号码. */
static size_t skip_filler(const shop_text_view *view, size_t i) {
    static const char *const words[] = {"number", "numbers", "num", "no", "id", "code", "is", "was", "its", NULL};
    enum { MOST = 16 };
    for (const size_t from = i; i < view->n && i - from < MOST;) {
        const shop_view_char *c = &view->at[i];
        if (c->code == '\n') break;
        if (c->kind == SHOP_CHAR_SPACE || (c->kind == SHOP_CHAR_MARK && c->code != '<')) {
            i++;
            continue;
        }
        /* 是 为 号 码 编 的 */
        if (c->code == 0x662f || c->code == 0x4e3a || c->code == 0x53f7 || c->code == 0x7801 || c->code == 0x7f16 ||
            c->code == 0x7684) {
            i++;
            continue;
        }
        size_t n = 0;
        for (const char *const *w = words; *w && !n; w++) {
            while ((*w)[n] && i + n < view->n && shop_ascii_lower(view->at[i + n].code) == (uint32_t)(*w)[n]) n++;
            if ((*w)[n] || (i + n < view->n && shop_is_word_char(&view->at[i + n]))) n = 0;
        }
        if (!n) break;
        i += n;
    }
    return i;
}

/* The end of a code at i: letters, digits and single dashes, at least `least` digits; else i. */
static size_t code_end(const shop_text_view *view, size_t i, size_t least) {
    enum { LONGEST = 40 };
    size_t end = i, n_digits = 0;
    while (end < view->n && end - i <= LONGEST) {
        const shop_view_char *c = &view->at[end];
        const bool dash = (c->code == '-' || c->code == '_') && end > i && end + 1 < view->n &&
                          is_code_char(&view->at[end - 1]) && is_code_char(&view->at[end + 1]);
        if (!is_code_char(c) && !dash) break;
        n_digits += c->kind == SHOP_CHAR_DIGIT;
        end++;
    }
    if (end - i > LONGEST || n_digits < least || !is_free(view, i, end)) return i;
    return end;
}

typedef struct label {
    uint32_t tag;
    uint8_t kind;
    size_t least; /* digits */
    const char *rule;
} label;

llmcs_status shop_find_labelled(const shop_text_view *view, const shop_hits *hits, shop_findings *f) {
    static const label labels[] = {{SHOP_LEX_ORDER, LLMCS_PII_ORDER, 4, "order word"},
                                   {SHOP_LEX_DOCUMENT, LLMCS_PII_ID, 5, "document word"},
                                   {SHOP_LEX_PLATE, LLMCS_PII_PLATE, 2, "plate word"}};
    for (size_t h = 0; h < hits->n; h++) {
        const shop_hit *hit = &hits->items[h];
        for (size_t k = 0; k < sizeof labels / sizeof *labels; k++) {
            if (!(hit->tags & labels[k].tag)) continue;
            const size_t begin = skip_filler(view, hit->end), end = code_end(view, begin, labels[k].least);
            if (end > begin && (labels[k].tag != SHOP_LEX_PLATE || (end - begin >= 5 && end - begin <= 9)))
                SHOP_TRY(shop_find_add(f, begin, end, labels[k].kind, SHOP_BY_LABEL, labels[k].rule));
        }
    }
    return LLMCS_OK;
}
