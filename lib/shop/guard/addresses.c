/* Finds addresses by their parts: 浙江省杭州市西湖区文三路100号3栋502室, "12 Baker Street, Flat 3, London". */
#include "shop/guard/find.h"

static bool is_number(const shop_view_char *c) { return c->kind == SHOP_CHAR_DIGIT; }

static bool is_one_of(uint32_t c, const uint16_t *list) {
    for (; *list; list++)
        if (c == *list) return true;
    return false;
}

/* ---------------------------------------------------------------------------------------------------- Chinese */

/* 路 街 道 巷 弄 (胡)同 村 镇 乡 苑 园 庄 里 屯 城 厦 坊 区 县 市 省 州 旗 组 场 家: last characters of streets,
 * villages, estates and districts. */
static const uint16_t street_ends[] = {0x8def, 0x8857, 0x9053, 0x5df7, 0x5f04, 0x540c, 0x6751, 0x9547, 0x4e61,
                                       0x82d1, 0x56ed, 0x5e84, 0x91cc, 0x5c6f, 0x57ce, 0x53a6, 0x574a, 0x533a,
                                       0x53bf, 0x5e02, 0x7701, 0x5dde, 0x65d7, 0x7ec4, 0x573a, 0x5bb6, 0};
/* 号 栋 幢 座 楼 层 室 单(元) 户 弄 棟 號 组 */
static const uint16_t unit_ends[] = {0x53f7, 0x680b, 0x5e62, 0x5ea7, 0x697c, 0x5c42, 0x5ba4,
                                     0x5355, 0x6237, 0x5f04, 0x68df, 0x865f, 0x7ec4, 0};
/* 路 街 道 巷 弄 村 镇 乡 区 县 市 省: a part of an address even without a number */
static const uint16_t firm_ends[] = {0x8def, 0x8857, 0x9053, 0x5df7, 0x5f04, 0x6751, 0x9547,
                                     0x4e61, 0x533a, 0x53bf, 0x5e02, 0x7701, 0};
/* 在 到 是 我 你 他 她 们 的 了 住 寄 送 给 往 从 和 与 请 改 成 为 叫 这 那 有 去 来 就 把 址 至 离 发 不 过 由: not
 * in a part of an address */
static const uint16_t stops[] = {0x5728, 0x5230, 0x662f, 0x6211, 0x4f60, 0x4ed6, 0x5979, 0x4eec, 0x7684, 0x4e86,
                                 0x4f4f, 0x5bc4, 0x9001, 0x7ed9, 0x5f80, 0x4ece, 0x548c, 0x4e0e, 0x8bf7, 0x6539,
                                 0x6210, 0x4e3a, 0x53eb, 0x8fd9, 0x90a3, 0x6709, 0x53bb, 0x6765, 0x5c31, 0x628a,
                                 0x5740, 0x81f3, 0x79bb, 0x53d1, 0x4e0d, 0x8fc7, 0x7531, 0};

static size_t place_len(const shop_hits *hits, size_t i) { return shop_hit_len(hits, i, SHOP_LEX_PLACE); }

/* The end of "100号3栋502室", "-2-301" or "8楼B座" that begins at i, and its number of parts. */
static size_t units_end(const shop_text_view *view, size_t i, size_t *n_units) {
    size_t end = i;
    *n_units = 0;
    for (;;) {
        size_t k = end, n = 0;
        while (k < view->n &&
               (view->at[k].code == '-' || view->at[k].code == '#' || view->at[k].code == ' ' ||
                view->at[k].code == 0x7b2c) && /* 第 */
               k - end < 2)
            k++;
        while (k < view->n && n < 6 &&
               (is_number(&view->at[k]) || (view->at[k].code < 0x80 && view->at[k].kind == SHOP_CHAR_LETTER) ||
                view->at[k].digit != SHOP_NO_DIGIT || view->at[k].code == 0x7532 ||
                view->at[k].code == 0x4e59 || /* 甲乙 */
                view->at[k].code == 0x5341))  /* 十 */
            k++, n++;
        if (!n) return end;
        if (k < view->n && is_one_of(view->at[k].code, unit_ends)) {
            k++;
            if (view->at[k - 1].code == 0x5355 && k < view->n && view->at[k].code == 0x5143) k++; /* 单元 */
            if (k < view->n && (view->at[k].code == 0x697c || view->at[k].code == 0x9662)) k++;   /* 号楼, 号院 */
            ++*n_units;
        } else if (!*n_units || view->at[end].kind == SHOP_CHAR_SPACE || n < 2) {
            return end;
        } else {
            if (k < view->n && shop_is_word_char(&view->at[k])) return end;
            return k; /* a flat number at the end: 3栋502 */
        }
        end = k;
    }
}

/*
 * The end of a sequence of parts from i on: places of the lexicon, and runs of at most 12 Han characters that end with
 * 市, 区, 路, 村 or the like and hold no stop word. *n_firm: number of parts that end with one of firm_ends.
 */
static size_t parts_end(const shop_text_view *view, const shop_hits *hits, size_t i, size_t *n_places, size_t *n_firm) {
    enum { LONGEST = 12 };
    size_t end = i;
    *n_places = *n_firm = 0;
    while (end < view->n) {
        const size_t place = place_len(hits, end);
        if (place && shop_is_han_at(view, end)) {
            end += place;
            ++*n_places;
            if (end < view->n && is_one_of(view->at[end].code, firm_ends) &&
                (view->at[end].code == 0x5e02 || view->at[end].code == 0x53bf || view->at[end].code == 0x533a ||
                 view->at[end].code == 0x7701))
                end++;
            continue;
        }
        size_t k = end, part = 0;
        while (shop_is_han_at(view, k) && k - end < LONGEST) {
            if (is_one_of(view->at[k].code, stops)) break;
            if (k > end && is_one_of(view->at[k].code, street_ends)) {
                part = k + 1;
                if (is_one_of(view->at[k].code, firm_ends)) break;
            }
            k++;
        }
        if (!part) return end;
        *n_firm += is_one_of(view->at[part - 1].code, firm_ends);
        end = part;
    }
    return end;
}

/* The end of a building with a floor or room after a house number: 威盛大厦3楼302室 after 100号. */
static size_t building_end(const shop_text_view *view, size_t end) {
    enum { LONGEST = 12 };
    for (;;) {
        size_t k = end, n_units;
        while (shop_is_han_at(view, k) && k - end < LONGEST && !is_one_of(view->at[k].code, stops)) k++;
        if (k == end) return end;
        const size_t with_units = units_end(view, k, &n_units);
        if (!n_units) return end;
        end = with_units;
    }
}

static llmcs_status find_chinese(const shop_text_view *view, const shop_hits *hits, size_t i, bool after_cue,
                                 size_t *end, shop_findings *f) {
    size_t n_places, n_firm, n_units;
    *end = parts_end(view, hits, i, &n_places, &n_firm);
    if (*end == i) return LLMCS_OK;
    const size_t with_units = units_end(view, *end, &n_units);
    /* A single place is left to the tagger. This rule needs a number, a second part, or a street after a cue. */
    const bool found =
        n_units > 0 ? n_firm + n_places > 0 || after_cue : n_firm + n_places >= 2 || (after_cue && n_firm > 0);
    if (!found || *end - i < 2) return LLMCS_OK;
    if (n_units) *end = building_end(view, with_units);
    const bool sure = n_units > 0 || (after_cue && n_firm > 0);
    return shop_find_add(f, i, *end, LLMCS_PII_ADDRESS, sure ? SHOP_BY_CUE : SHOP_BY_GUESS, "address parts");
}

/* ------------------------------------------------------------------------------------------------------ Latin */

static bool is_latin(const shop_text_view *view, size_t i) {
    return i < view->n && view->at[i].kind == SHOP_CHAR_LETTER;
}

static bool is_capital(const shop_text_view *view, size_t i) {
    return is_latin(view, i) && (view->at[i].code >= 0x80 || (view->at[i].code >= 'A' && view->at[i].code <= 'Z'));
}

static size_t word_end(const shop_text_view *view, size_t i) {
    while (i < view->n && (shop_is_word_char(&view->at[i]) || view->at[i].code == '\'' || view->at[i].code == '-')) i++;
    return i;
}

/* The start of a house number followed by up to four capitalised words that end at `end`; `end` if there is none. */
static size_t house_begin(const shop_text_view *view, size_t end) {
    size_t i = end, n_words = 0;
    while (i && view->at[i - 1].code == ' ' && n_words <= 4) {
        size_t begin = i - 1;
        while (begin && (shop_is_word_char(&view->at[begin - 1]) || view->at[begin - 1].code == '\'' ||
                         view->at[begin - 1].code == '.' || view->at[begin - 1].code == '-'))
            begin--;
        if (begin == i - 1) return end;
        if (is_number(&view->at[begin])) {
            size_t n_digits = 0;
            for (size_t k = begin; k < i - 1; k++) n_digits += is_number(&view->at[k]);
            const bool house = n_digits > 0 && n_digits <= 5 && i - 1 - begin <= n_digits + 2;
            if (!house) return end;
            if (n_words) return begin;
            return end;
        }
        if (!is_capital(view, begin)) return end;
        i = begin;
        n_words++;
    }
    return end;
}

/* The end of "Mountain View, CA 94043" at i, or i. The city has up to three words and need not be in the lexicon. */
static size_t city_and_state_end(const shop_text_view *view, size_t i) {
    size_t k = i;
    for (size_t n = 0; n < 3 && is_capital(view, k); n++) {
        k = word_end(view, k);
        if (k + 5 < view->n && view->at[k].code == ',' && view->at[k + 1].code == ' ') {
            const size_t state = word_end(view, k + 2);
            const bool two = state == k + 4 && is_capital(view, k + 2) && is_capital(view, k + 3);
            if (two && state + 1 < view->n && view->at[state].code == ' ' && is_number(&view->at[state + 1]))
                return word_end(view, state + 1);
            return i;
        }
        if (k >= view->n || view->at[k].code != ' ') return i;
        k++;
    }
    return i;
}

/* The end of what follows a street: ", Flat 3", "\n Suite 413", ", London", ", NY 10011", ", SW1A 1AA". */
static size_t tail_end(const shop_text_view *view, const shop_hits *hits, size_t end) {
    for (size_t n = 0; n < 5; n++) {
        size_t i = end;
        while (i < view->n && i - end < 3 &&
               (view->at[i].kind == SHOP_CHAR_SPACE || view->at[i].code == ',' || view->at[i].code == '#'))
            i++;
        if (i == end || i >= view->n) return end;
        const size_t unit = shop_hit_len(hits, i, SHOP_LEX_UNIT), place = shop_hit_len(hits, i, SHOP_LEX_PLACE);
        if (unit) {
            size_t k = i + unit;
            while (k < view->n && (view->at[k].code == ' ' || view->at[k].code == '#')) k++;
            if (k >= view->n || !(is_number(&view->at[k]) || (is_capital(view, k) && word_end(view, k) == k + 1)))
                return end;
            end = word_end(view, k);
        } else if (city_and_state_end(view, i) > i) {
            end = city_and_state_end(view, i);
        } else if (place) {
            end = i + place;
        } else if (is_number(&view->at[i]) && n && word_end(view, i) - i >= 4 && word_end(view, i) - i <= 10) {
            end = word_end(view, i); /* a postal code */
        } else if (is_capital(view, i) && word_end(view, i) - i == 2) {
            const size_t k = word_end(view, i); /* a state: NY 10011 */
            if (k + 1 >= view->n || view->at[k].code != ' ' || !is_number(&view->at[k + 1])) return end;
            end = word_end(view, k + 1);
        } else {
            return end;
        }
    }
    return end;
}

static llmcs_status find_street(const shop_text_view *view, const shop_hits *hits, const shop_hit *street,
                                shop_findings *f) {
    const size_t begin = house_begin(view, street->begin);
    if (begin == street->begin) return LLMCS_OK;
    return shop_find_add(f, begin, tail_end(view, hits, street->end), LLMCS_PII_ADDRESS, SHOP_BY_CUE, "street");
}

/* "P.O. Box 149". */
static llmcs_status find_post_box(const shop_text_view *view, const shop_hits *hits, const shop_hit *unit,
                                  shop_findings *f) {
    if (shop_ascii_lower(view->at[unit->begin].code) != 'p' || unit->end + 1 >= view->n ||
        view->at[unit->end].code != ' ' || !is_number(&view->at[unit->end + 1]))
        return LLMCS_OK;
    return shop_find_add(f, unit->begin, tail_end(view, hits, word_end(view, unit->end + 1)), LLMCS_PII_ADDRESS,
                         SHOP_BY_CUE, "post box");
}

/* ----------------------------------------------------------------------------------------------------- search */

/* True if a Chinese address can begin at i: at a place of the lexicon, or after a stop word or anything that is not
 * Han.
 */
static bool may_begin(const shop_text_view *view, const shop_hits *hits, size_t i) {
    if (!shop_is_han_at(view, i) || is_one_of(view->at[i].code, stops)) return false;
    if (place_len(hits, i)) return true;
    return !i || !shop_is_han_at(view, i - 1) || is_one_of(view->at[i - 1].code, stops);
}

llmcs_status shop_find_addresses(const shop_text_view *view, const shop_hits *hits, shop_findings *f) {
    size_t taken = 0;
    for (size_t h = 0; h < hits->n; h++) {
        const shop_hit *hit = &hits->items[h];
        if (hit->tags & SHOP_LEX_STREET) SHOP_TRY(find_street(view, hits, hit, f));
        if (hit->tags & SHOP_LEX_UNIT) SHOP_TRY(find_post_box(view, hits, hit, f));
        if (hit->tags & SHOP_LEX_ADDRESS_AFTER && shop_is_han_at(view, hit->begin) && hit->end >= taken) {
            size_t i = hit->end, end;
            while (i < view->n && i - hit->end < 3 && !shop_is_han_at(view, i) && !is_number(&view->at[i])) i++;
            if (i < view->n && (view->at[i].code == 0x662f || view->at[i].code == 0x4e3a)) i++; /* 是 为 */
            SHOP_TRY(find_chinese(view, hits, i, true, &end, f));
            if (end > taken) taken = end;
        }
    }
    for (size_t i = 0; i < view->n;) {
        size_t end = i;
        if (i >= taken && may_begin(view, hits, i)) SHOP_TRY(find_chinese(view, hits, i, false, &end, f));
        i = end > i ? end : i + 1;
    }
    return LLMCS_OK;
}
