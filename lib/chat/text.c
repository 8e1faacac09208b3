/* Strings by their characters: finding, case, stripping, replacing, lines. Bytes keep their origins through all of
 * it. */
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "chat/case_table.h"
#include "chat/lexer.h"
#include "chat/machine.h"
#include "text/unicode.h"

size_t ll_count_chars(const char *text, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

size_t ll_char_offset(const char *text, size_t n, size_t i) {
    size_t at = 0;
    while (at < n && i > 0) {
        at++;
        while (at < n && ((unsigned char)text[at] & 0xc0) == 0x80) at++;
        i--;
    }
    return at;
}

size_t ll_find_text(const char *text, size_t begin, size_t end, const char *what, size_t n) {
    if (n > end - begin) return SIZE_MAX;
    if (!n) return begin;
    const char *found = memmem(text + begin, end - begin, what, n);
    return found ? (size_t)(found - text) : SIZE_MAX;
}

/* ---- case */

typedef struct changer {
    ll_machine *m;
    const ll_string *s;
    size_t at, len; /* the character being changed */
} changer;

static llmcs_status put_cp(const changer *c, uint32_t cp) {
    char utf8[4];
    const size_t n = ll_utf8_encode(cp, utf8);
    return ll_put(c->m, &c->m->scratch, utf8, n, ll_origin_at(c->s, c->at));
}

/* The characters that cp becomes, if they are several; NULL: they are not. */
static const uint16_t *find_full(uint32_t cp, bool title) {
    for (size_t i = 0; cp >= 0x80 && i < sizeof FULL_CASES / sizeof *FULL_CASES; i++) {
        if (FULL_CASES[i].cp != cp) continue;
        const uint16_t *full = title ? FULL_CASES[i].title : FULL_CASES[i].upper;
        return *full ? full : NULL;
    }
    return NULL;
}

static llmcs_status put_upper(const changer *c, uint32_t cp, bool title) {
    const uint16_t *full = find_full(cp, title);
    if (!full)
        return put_cp(
            c, (uint32_t)(title ? utf8proc_totitle((utf8proc_int32_t)cp) : utf8proc_toupper((utf8proc_int32_t)cp)));
    for (size_t i = 0; i < 3 && full[i]; i++) LL_TRY(put_cp(c, full[i]));
    return LLMCS_OK;
}

static bool is_cased(uint32_t cp) {
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

static bool is_case_ignorable(uint32_t cp) {
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK || cp == '\'' || cp == '.' ||
           cp == ':' || cp == 0xb7 || cp == 0x2018 || cp == 0x2019 || cp == 0x2024 || cp == 0x2027;
}

/* True if a sigma at c->at ends a word (Unicode, table 3-17): a letter before it and none after it. */
static bool is_final_sigma(const changer *c) {
    const ll_string *s = c->s;
    uint32_t cp = 0;
    size_t i = c->at;
    bool before = false;
    while (i > 0) {
        i--;
        while (i > 0 && ((unsigned char)s->text[i] & 0xc0) == 0x80) i--;
        (void)ll_utf8_decode(s->text + i, s->n - i, &cp);
        if (is_case_ignorable(cp)) continue;
        before = is_cased(cp);
        break;
    }
    for (i = c->at + c->len; before && i < s->n;) {
        i += ll_utf8_decode(s->text + i, s->n - i, &cp);
        if (!is_case_ignorable(cp)) return !is_cased(cp);
    }
    return before;
}

static llmcs_status put_lower(const changer *c, uint32_t cp) {
    uint32_t out[2];
    if (cp < 0x80) return put_cp(c, cp >= 'A' && cp <= 'Z' ? cp + 32 : cp);
    if (cp == 0x3a3) return put_cp(c, is_final_sigma(c) ? 0x3c2 : 0x3c3);
    const size_t n = ll_unicode_lower(cp, out);
    for (size_t i = 0; i < n; i++) LL_TRY(put_cp(c, out[i]));
    return LLMCS_OK;
}

static llmcs_status put_cased(const changer *c, uint32_t cp, ll_case how, bool in_word) {
    switch (how) {
        case LL_UPPER:
            return put_upper(c, cp, false);
        case LL_CAPITALIZE:
            return c->at ? put_lower(c, cp) : put_upper(c, cp, true);
        case LL_TITLE:
            return in_word ? put_lower(c, cp) : put_upper(c, cp, true);
        case LL_SWAP_CASE: {
            const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
            if (category == UTF8PROC_CATEGORY_LU) return put_lower(c, cp);
            return category == UTF8PROC_CATEGORY_LL ? put_upper(c, cp, false) : put_cp(c, cp);
        }
        default:
            return put_lower(c, cp);
    }
}

llmcs_status ll_change_case(ll_machine *m, const ll_string *s, ll_case how, ll_value *out) {
    const size_t begin = m->scratch.n;
    changer c = {.m = m, .s = s};
    bool in_word = false;
    LL_TRY(ll_step(m, s->n + 1));
    for (c.at = 0; c.at < s->n; c.at += c.len) {
        uint32_t cp;
        c.len = ll_utf8_decode(s->text + c.at, s->n - c.at, &cp);
        LL_TRY(put_cased(&c, cp, how, in_word));
        in_word = is_cased(cp);
    }
    LL_TRY(ll_take(m, begin, out));
    return ll_with_markup(m, *out, s->markup, out);
}

/* ---- strip */

/* Bytes of the character at `at` if it is one of `chars` (NULL: white space), else 0. */
static size_t strips(const ll_string *s, size_t at, const ll_string *chars) {
    if (!chars) return ll_space_at(s->text, s->n, at);
    uint32_t cp;
    const size_t len = ll_utf8_decode(s->text + at, s->n - at, &cp);
    for (size_t i = 0; i + len <= chars->n; i++)
        if (memcmp(chars->text + i, s->text + at, len) == 0) return len;
    return 0;
}

llmcs_status ll_strip(ll_machine *m, const ll_string *s, const ll_string *chars, int sides, ll_value *out) {
    size_t begin = 0, end = s->n, len;
    const size_t cost = chars ? chars->n + 1 : 1;
    while ((sides & 1) && begin < end && (len = strips(s, begin, chars))) {
        LL_TRY(ll_step(m, cost));
        begin += len;
    }
    while ((sides & 2) && end > begin) {
        size_t i = end - 1;
        while (i > begin && ((unsigned char)s->text[i] & 0xc0) == 0x80) i--;
        LL_TRY(ll_step(m, cost));
        if (!strips(s, i, chars)) break;
        end = i;
    }
    return ll_substring(m, s, begin, end, out);
}

/* ---- replace */

/* An empty `old` is found in front of every character and at the end. */
static llmcs_status replace_empty(ll_machine *m, const ll_string *s, const ll_string *by, int64_t count) {
    size_t at = 0;
    for (; count != 0; count--) {
        uint32_t cp;
        LL_TRY(ll_put_string(m, &m->scratch, by));
        if (at == s->n) return LLMCS_OK;
        const size_t len = ll_utf8_decode(s->text + at, s->n - at, &cp);
        LL_TRY(ll_put_part(m, &m->scratch, s, at, at + len));
        at += len;
    }
    return ll_put_part(m, &m->scratch, s, at, s->n);
}

llmcs_status ll_replace(ll_machine *m, const ll_string *s, const ll_string *old, const ll_string *by, int64_t count,
                        ll_value *out) {
    const size_t begin = m->scratch.n;
    size_t at = 0;
    LL_TRY(ll_step_bytes(m, s->n));
    if (!old->n) {
        LL_TRY(replace_empty(m, s, by, count));
        return ll_take(m, begin, out);
    }
    for (; count != 0; count--) {
        const size_t found = ll_find_text(s->text, at, s->n, old->text, old->n);
        if (found == SIZE_MAX) break;
        LL_TRY(ll_put_part(m, &m->scratch, s, at, found));
        LL_TRY(ll_put_string(m, &m->scratch, by));
        at = found + old->n;
    }
    if (!at && m->scratch.n == begin) { /* nothing was replaced */
        *out = ll_text_value(s);
        return LLMCS_OK;
    }
    LL_TRY(ll_put_part(m, &m->scratch, s, at, s->n));
    return ll_take(m, begin, out);
}

/* ---- lines */

/* Bytes of the line end at `at`, as Python's str.splitlines has them; 0: none. */
static size_t line_end(const ll_string *s, size_t at) {
    const unsigned char *t = (const unsigned char *)s->text + at;
    const size_t left = s->n - at;
    if (t[0] == '\r' && left > 1 && t[1] == '\n') return 2;
    if ((t[0] >= '\n' && t[0] <= '\r') || (t[0] >= 0x1c && t[0] <= 0x1e)) return 1;
    if (left > 1 && t[0] == 0xc2 && t[1] == 0x85) return 2;
    return left > 2 && t[0] == 0xe2 && t[1] == 0x80 && (t[2] == 0xa8 || t[2] == 0xa9) ? 3 : 0;
}

static size_t count_lines(const ll_string *s) {
    size_t n = 0, begin = 0, len;
    for (size_t i = 0; i < s->n; i += len ? len : 1) {
        len = line_end(s, i);
        if (!len) continue;
        n++;
        begin = i + len;
    }
    return n + (begin < s->n);
}

llmcs_status ll_split_lines(ll_machine *m, const ll_string *s, bool keep_ends, ll_value *out) {
    size_t n = 0, begin = 0, len;
    LL_TRY(ll_step(m, s->n + 1));
    LL_TRY(ll_new_list(m, LL_V_LIST, count_lines(s), out));
    ll_value *items = out->list->items;
    for (size_t i = 0; i < s->n; i += len ? len : 1) {
        len = line_end(s, i);
        if (!len) continue;
        LL_TRY(ll_substring(m, s, begin, keep_ends ? i + len : i, &items[n++]));
        begin = i + len;
    }
    return begin < s->n ? ll_substring(m, s, begin, s->n, &items[n]) : LLMCS_OK;
}
