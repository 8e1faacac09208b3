/* Rewrites by rules: replaces phrases, drops set phrases and repetitions, adds a greeting and an offer of help. */
#include "shop/assist/rewrite.h"

#include <string.h>

#include "shop/assist/protect.h"
#include "shop/assist/rules.h"
#include "shop/base/text.h"
#include "shop/base/utf8.h"

static bool is_letter(char c) { return shop_lower(c) >= 'a' && shop_lower(c) <= 'z'; }

/* ASCII letters match in either case. */
static bool matches(const char *text, size_t n, const char *phrase, size_t m) {
    if (m > n) return false;
    for (size_t i = 0; i < m; i++)
        if (shop_lower(text[i]) != phrase[i]) return false;
    return true;
}

static bool begins_with_one(const char *text, size_t n, const char *const *phrases, size_t n_phrases) {
    for (size_t k = 0; k < n_phrases; k++) {
        const size_t m = strlen(phrases[k]);
        if (matches(text, n, phrases[k], m) && (m == n || !is_letter(phrases[k][m - 1]) || !is_letter(text[m])))
            return true;
    }
    return false;
}

static bool holds_one(const char *text, size_t n, const char *const *phrases, size_t n_phrases) {
    for (size_t i = 0; i < n; i++)
        if (begins_with_one(text + i, n - i, phrases, n_phrases)) return true;
    return false;
}

/* ---- sentences */

/* Length in bytes of the mark at text[0] that ends a sentence, or 0. A full stop must be followed by a space: 3.5 and
 * a.b do not end a sentence. */
static size_t sentence_end(const char *text, size_t n) {
    static const char *const wide[] = {"。", "！", "？"};
    if (text[0] == '\n' || text[0] == '!' || text[0] == '?') return 1;
    if (text[0] == '.' && (n == 1 || text[1] == ' ' || text[1] == '\n')) return 1;
    for (size_t k = 0; k < sizeof wide / sizeof *wide; k++)
        if (n >= 3 && !memcmp(text, wide[k], 3)) return 3;
    return 0;
}

/* Reads a text sentence by sentence. */
typedef struct sentences {
    const char *text;
    size_t n, at;      /* at: start of the next sentence */
    size_t begin, end; /* next protected part, in which no sentence ends; n: none */
} sentences;

static sentences read_sentences(const char *text, size_t n) {
    sentences s = {text, n, 0, n, n};
    shop_next_protected(text, n, 0, &s.begin, &s.end);
    return s;
}

/* Advances past the next sentence, its marks and the spaces that follow. Returns the new position. */
static size_t next_sentence(sentences *s) {
    for (size_t i = s->at; i < s->n;) {
        if (i == s->begin) {
            i = s->end;
            if (!shop_next_protected(s->text, s->n, i, &s->begin, &s->end)) s->begin = s->n;
            continue;
        }
        size_t len = sentence_end(s->text + i, s->n - i);
        if (!len) {
            i++;
            continue;
        }
        while (i < s->n && (len = sentence_end(s->text + i, s->n - i))) i += len;
        while (i < s->n && (s->text[i] == ' ' || s->text[i] == '\n')) i++;
        return s->at = i;
    }
    return s->at = s->n;
}

/* ---- phrases */

/* Length of the phrase if it applies at text[at], else 0. */
static size_t phrase_at(const shop_phrase *p, const char *text, size_t n, size_t at, bool at_start) {
    const size_t m = strlen(p->from);
    if ((p->at_start && !at_start) || !matches(text + at, n - at, p->from, m)) return 0;
    if (is_letter(p->from[0]) && at && is_letter(text[at - 1])) return 0;
    if (is_letter(p->from[m - 1]) && at + m < n && (is_letter(text[at + m]) || text[at + m] == '\'')) return 0;
    const size_t k = p->not_before ? strlen(p->not_before) : 0;
    if (k && n - at - m >= k && !memcmp(text + at + m, p->not_before, k)) return 0;
    return m;
}

/* Appends the replacement, with a capital if the phrase had one. If the replacement is empty, the next letter gets the
 * capital. */
static llmcs_status append_phrase(shop_text *b, const shop_phrase *p, bool capital, bool *capital_next) {
    const size_t at = b->n;
    SHOP_TRY(shop_text_add(b, p->to, strlen(p->to)));
    *capital_next = capital && !p->to[0];
    if (capital && p->to[0] >= 'a' && p->to[0] <= 'z') b->bytes[at] = (char)(b->bytes[at] - 32);
    return LLMCS_OK;
}

/* Replaces one phrase in the whole text. */
static llmcs_status apply_phrase(const shop_phrase *p, const char *text, size_t n, shop_text *out) {
    size_t begin = n, end = n, sentence = 0;
    bool capital_next = false;
    bool found = shop_next_protected(text, n, 0, &begin, &end);
    out->n = 0;
    SHOP_TRY(shop_text_add(out, "", 0));
    for (size_t i = 0; i < n;) {
        if (found && i == begin) {
            SHOP_TRY(shop_text_add(out, text + i, end - i));
            i = end;
            found = shop_next_protected(text, n, i, &begin, &end);
            capital_next = false;
            continue;
        }
        const size_t mark = sentence_end(text + i, n - i);
        const size_t len = mark ? 0 : phrase_at(p, text, n, i, i == sentence);
        if (len && i + len <= (found ? begin : n)) {
            SHOP_TRY(append_phrase(out, p, text[i] >= 'A' && text[i] <= 'Z', &capital_next));
            i += len;
            if (i - len == sentence && !p->to[0]) sentence = i;
            continue;
        }
        char c = text[i];
        if (capital_next && is_letter(c)) c = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
        if (c != ' ') capital_next = false;
        SHOP_TRY(shop_text_add(out, &c, 1));
        i++;
        if (mark) {
            SHOP_TRY(shop_text_add(out, text + i, mark - 1));
            i += mark - 1;
            sentence = i;
        } else if (c == ' ' && sentence == i - 1) {
            sentence = i; /* spaces before the first word */
        }
    }
    return LLMCS_OK;
}

/* ---- whole sentences */

static bool same_sentence(const char *a, size_t n, const char *b, size_t m) {
    while (n && (a[n - 1] == ' ' || a[n - 1] == '\n')) n--;
    while (m && (b[m - 1] == ' ' || b[m - 1] == '\n')) m--;
    if (n != m || !n) return false;
    for (size_t i = 0; i < n; i++)
        if (shop_lower(a[i]) != shop_lower(b[i])) return false;
    return true;
}

static bool said_before(const char *text, size_t n, size_t begin, size_t end) {
    sentences s = read_sentences(text, n);
    while (s.at < begin) {
        const size_t at = s.at, next = next_sentence(&s);
        if (next <= begin && same_sentence(text + at, next - at, text + begin, end - begin)) return true;
    }
    return false;
}

/* Copies all sentences except set phrases and repetitions. Keeps sentences with a number, link or name, and a sentence
 * that is the only one. */
static llmcs_status leave_out_formulas(const shop_rules *rules, const char *text, size_t n, shop_text *out) {
    enum { MOST_COMPARED = 64 }; /* sentences that are compared with those before them */
    sentences s = read_sentences(text, n);
    size_t n_compared = 0;
    out->n = 0;
    SHOP_TRY(shop_text_add(out, "", 0));
    while (s.at < n) {
        const size_t at = s.at, end = next_sentence(&s);
        const bool formula = begins_with_one(text + at, end - at, rules->formulas, rules->n_formulas);
        const bool repeated = n_compared++ < MOST_COMPARED && said_before(text, n, at, end);
        if ((formula || repeated) && !shop_has_protected(text + at, end - at)) continue;
        SHOP_TRY(shop_text_add(out, text + at, end - at));
    }
    while (out->n && (out->bytes[out->n - 1] == ' ' || out->bytes[out->n - 1] == '\n')) out->bytes[--out->n] = 0;
    if (out->n) return LLMCS_OK;
    return shop_text_add(out, text, n);
}

static llmcs_status add_politeness(const shop_rules *rules, bool chinese, const char *text, size_t n, shop_text *out) {
    size_t lead = 0;
    while (lead < n && (text[lead] == ' ' || text[lead] == '\n')) lead++;
    out->n = 0;
    if (!begins_with_one(text + lead, n - lead, rules->greetings, rules->n_greetings))
        SHOP_TRY(shop_text_add(out, rules->greeting, strlen(rules->greeting)));
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\n')) n--;
    SHOP_TRY(shop_text_add(out, text, n));
    if (holds_one(text, n, rules->offers, rules->n_offers)) return LLMCS_OK;
    const bool ended = n && (strchr(".!?", text[n - 1]) || (n >= 3 && sentence_end(text + n - 3, 3) == 3));
    if (!ended) SHOP_TRY(shop_text_add(out, chinese ? "。" : ".", chinese ? 3 : 1));
    if (!chinese) SHOP_TRY(shop_text_add(out, " ", 1));
    return shop_text_add(out, rules->offer, strlen(rules->offer));
}

/* ---- all */

static void swap(shop_text *a, shop_text *b) {
    const shop_text old = *a;
    *a = *b;
    *b = old;
}

/* True if the phrase occurs in the text. */
static bool occurs(const shop_phrase *p, const char *text, size_t n) {
    const size_t m = strlen(p->from);
    for (size_t i = 0; i + m <= n; i++)
        if (shop_lower(text[i]) == p->from[0] && matches(text + i, n - i, p->from, m)) return true;
    return false;
}

static llmcs_status apply(const shop_rules *rules, bool chinese, shop_text *text, shop_text *other) {
    for (size_t k = 0; k < rules->n_phrases; k++) {
        if (!occurs(&rules->phrases[k], text->bytes, text->n)) continue;
        SHOP_TRY(apply_phrase(&rules->phrases[k], text->bytes, text->n, other));
        swap(text, other);
    }
    if (rules->n_formulas) {
        SHOP_TRY(leave_out_formulas(rules, text->bytes, text->n, other));
        swap(text, other);
    }
    if (rules->greeting) {
        SHOP_TRY(add_politeness(rules, chinese, text->bytes, text->n, other));
        swap(text, other);
    }
    return LLMCS_OK;
}

static const shop_rules *rules_of(llmcs_shop_style style, bool chinese) {
    if (style == LLMCS_STYLE_POLITER) return chinese ? &shop_rules_politer_zh : &shop_rules_politer_en;
    return chinese ? &shop_rules_shorter_zh : &shop_rules_shorter_en;
}

static bool is_blank(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t') return false;
    return true;
}

llmcs_status shop_rewrite_by_rules(const llmcs_allocator *a, const char *text, size_t n, llmcs_shop_style style,
                                   bool chinese, char **out, size_t *n_out) {
    enum { MOST_PASSES = 4 }; /* removing a phrase can create another one */
    shop_text now = {.allocator = a}, other = {.allocator = a}, before = {.allocator = a};
    llmcs_status status = shop_text_add(&now, text, n);
    for (int pass = 0; pass < MOST_PASSES && !status && !is_blank(text, n); pass++) {
        before.n = 0;
        status = shop_text_add(&before, now.bytes, now.n);
        if (!status) status = apply(rules_of(style, chinese), chinese, &now, &other);
        if (!status && before.n == now.n && !memcmp(before.bytes, now.bytes, now.n)) break;
    }
    /* No rule should change a protected part; if one does, the original is returned. */
    if (!status && !shop_keeps_protected(text, n, now.bytes, now.n)) {
        now.n = 0;
        status = shop_text_add(&now, text, n);
    }
    shop_free(a, other.bytes);
    shop_free(a, before.bytes);
    if (status) {
        shop_free(a, now.bytes);
        return status;
    }
    *out = now.bytes;
    *n_out = now.n;
    return LLMCS_OK;
}
