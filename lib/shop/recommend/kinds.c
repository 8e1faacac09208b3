/* Names of kinds of products: learned from titles, found in texts. */
#include "shop/recommend/kinds.h"

#include <string.h>

#include "shop/base/utf8.h"

enum { LEAST_PRODUCTS = 2, MOST_CATEGORIES = 3, LEAST_LETTERS = 3, MOST_TEXT = 600 };

void shop_kinds_free(shop_kinds *k) {
    shop_free(k->allocator, k->names);
    shop_free(k->allocator, k->first);
    shop_free(k->allocator, k->categories);
}

static bool is_han_at(const char *text, size_t n, size_t i, size_t *len) {
    uint32_t c = 0;
    *len = i < n ? shop_utf8_decode((const unsigned char *)text + i, n - i, &c) : 1;
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf);
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c; }
/* True for ASCII letters, digits and apostrophes, and for every byte beyond ASCII. */
static bool is_letter(char c) {
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' || (unsigned char)c >= 0x80;
}

static bool has_han(const char *text, size_t n) {
    for (size_t i = 0, len; i < n; i += len)
        if (is_han_at(text, n, i, &len)) return true;
    return false;
}

/* ---- names from titles */

/* Splits a title at commas, and a Chinese one at spaces. Parts with digits are sizes and are left out. */
static size_t split_title(const char *title, size_t n, char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME]) {
    const bool han = has_han(title, n);
    size_t n_parts = 0, used = 0;
    bool skip = false;
    for (size_t i = 0; i <= n && n_parts < SHOP_KIND_PARTS; i++) {
        const bool wide = i + 2 < n && !memcmp(title + i, "，", 3);
        if (i == n || title[i] == ',' || wide || (han && title[i] == ' ')) {
            parts[n_parts][used] = 0;
            if (used && !skip) n_parts++;
            used = 0;
            skip = false;
            i += wide ? 2 : 0;
            continue;
        }
        if (title[i] == ' ' && !used) continue;
        if (title[i] >= '0' && title[i] <= '9') skip = true;
        if (used + 1 == SHOP_KIND_NAME) skip = true;
        if (!skip) parts[n_parts][used++] = lower(title[i]);
    }
    return n_parts;
}

/* Returns the length of the longest common ending, in whole words or Chinese characters. */
static size_t common_ending(const char *a, const char *b) {
    const size_t n = strlen(a), m = strlen(b);
    size_t same = 0, best = 0;
    while (same < n && same < m && a[n - same - 1] == b[m - same - 1]) {
        same++;
        const char *at = a + n - same;
        const bool begins = ((unsigned char)*at & 0xc0) != 0x80;
        const bool han = begins && (unsigned char)*at >= 0xe3;
        const bool word =
            begins && is_letter(*at) && (same == n || !is_letter(at[-1])) && (same == m || !is_letter(b[m - same - 1]));
        if (han || word) best = same;
    }
    return best;
}

static void shorten(shop_kind_name *k, char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME], size_t n_parts) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < k->n_parts; i++) {
        size_t best = 0;
        for (size_t p = 0; p < n_parts; p++) {
            const size_t common = common_ending(k->parts[i], parts[p]);
            if (common > best) best = common;
        }
        if (!best) continue;
        const size_t n = strlen(k->parts[i]);
        memmove(k->parts[left], k->parts[i] + n - best, best + 1);
        k->differs[left++] = k->differs[i] || best < n;
    }
    k->n_parts = left;
}

static llmcs_status find_name(shop_kinds *k, uint32_t label, const char *lang, shop_kind_name **name) {
    const size_t old = k->n_first;
    *name = NULL;
    if (label >= k->n_first) {
        SHOP_TRY(shop_grow(k->allocator, &k->first, k->n_first, &k->first_capacity, (size_t)label + 1, sizeof *k->first,
                           "kinds"));
        k->n_first = (size_t)label + 1;
        memset(k->first + old, 0, (k->n_first - old) * sizeof *k->first);
    }
    for (uint32_t i = k->first[label]; i; i = k->names[i - 1].next)
        if (!strcmp(k->names[i - 1].lang, lang)) *name = &k->names[i - 1];
    if (*name || k->n == SHOP_MOST_NAMES) return LLMCS_OK;
    SHOP_TRY(shop_grow(k->allocator, &k->names, k->n, &k->capacity, k->n + 1, sizeof *k->names, "kinds"));
    *name = &k->names[k->n];
    **name = (shop_kind_name){.label = label, .next = k->first[label]};
    k->first[label] = (uint32_t)++k->n;
    return LLMCS_OK;
}

llmcs_status shop_kinds_add(shop_kinds *k, uint32_t label, uint32_t category, const char *lang, const char *title,
                            size_t bytes) {
    char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME];
    shop_kind_name *name;
    if (strlen(lang) >= sizeof name->lang) return LLMCS_OK;
    SHOP_TRY(find_name(k, label, lang, &name));
    if (!name) return LLMCS_OK;
    if (name->n_products++ && !name->n_parts) return LLMCS_OK;
    const size_t n_parts = split_title(title, bytes, parts);
    if (name->n_products > 1) {
        shorten(name, parts, n_parts);
        if (name->category != category) name->category = UINT32_MAX;
        return LLMCS_OK;
    }
    memcpy(name->lang, lang, strlen(lang) + 1);
    memcpy(name->parts, parts, n_parts * sizeof *parts);
    name->n_parts = (uint32_t)n_parts;
    name->category = category;
    return LLMCS_OK;
}

llmcs_status shop_kinds_add_category(shop_kinds *k, uint32_t label, const char *name, size_t bytes) {
    if (bytes >= SHOP_KIND_NAME || k->n_categories == SHOP_MOST_CATEGORIES) return LLMCS_OK;
    for (size_t i = 0; i < k->n_categories; i++)
        if (k->categories[i].label == label) return LLMCS_OK;
    SHOP_TRY(shop_grow(k->allocator, &k->categories, k->n_categories, &k->categories_capacity, k->n_categories + 1,
                       sizeof *k->categories, "kinds"));
    shop_category_name *c = &k->categories[k->n_categories++];
    c->label = label;
    for (size_t i = 0; i < bytes; i++) c->name[i] = lower(name[i]);
    c->name[bytes] = 0;
    return LLMCS_OK;
}

/* ---- kinds in texts */

/* Returns the length of a word without its plural ending. */
static size_t singular(const char *word, size_t n) {
    static const char *const endings[] = {"sses", "shes", "ches", "xes"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t m = strlen(endings[i]);
        if (n > m && !memcmp(word + n - m, endings[i], m)) return n - 2;
    }
    /* Irregular plurals (shelf, shelves; knife, knives): the stem without the ending. */
    static const struct {
        const char *ending;
        size_t cut;
    } fs[] = {{"ves", 3}, {"ve", 2}, {"fe", 2}, {"f", 1}};
    for (size_t i = 0; i < sizeof fs / sizeof *fs; i++) {
        const size_t m = strlen(fs[i].ending);
        if (n > m + 1 && !memcmp(word + n - m, fs[i].ending, m)) return n - fs[i].cut;
    }
    return n > LEAST_LETTERS && word[n - 1] == 's' && word[n - 2] != 's' ? n - 1 : n;
}

static size_t word_end(const char *text, size_t n, size_t i) {
    while (i < n && is_letter(text[i])) i++;
    return i;
}

/* True if the text has the words of `name` at byte i; *end: where they end. */
static bool words_at(const char *text, size_t n, size_t i, const char *name, size_t *end) {
    const size_t m = strlen(name);
    for (size_t p = 0;;) {
        const size_t e = word_end(text, n, i), f = word_end(name, m, p);
        const size_t a = singular(text + i, e - i), b = singular(name + p, f - p);
        if (e == i || a != b || memcmp(text + i, name + p, a) != 0) return false;
        *end = e;
        for (p = f; p < m && !is_letter(name[p]);) p++;
        if (p == m) return true;
        for (i = e; i < n && (text[i] == ' ' || text[i] == '-');) i++;
    }
}

static bool one_of(const char *text, size_t n, const char *const *list) {
    for (; *list; list++)
        if (strlen(*list) <= n && !memcmp(text, *list, strlen(*list))) return true;
    return false;
}

static bool ends_with_one_of(const char *text, size_t n, const char *const *list) {
    for (; *list; list++)
        if (strlen(*list) <= n && !memcmp(text + n - strlen(*list), *list, strlen(*list))) return true;
    return false;
}

/* True if a single Chinese character is a noun here, which needs a particle or verb around it: 一个包, 喝茶的, but not
 * 包邮. */
static bool stands_alone(const char *text, size_t n, size_t begin, size_t end) {
    static const char *const before[] = {"个", "款", "双", "件", "只", "条", "套", "些", "种", "把", "盒",
                                         "的", "买", "要", "找", "送", "喝", "穿", "用", "戴", "背", "色",
                                         "男", "女", "童", "看", "有", "卖", "棉", "皮", "布", "好", NULL};
    static const char *const after[] = {"吗", "呢", "么", "吧", "啊", "有", "的", "多", "哪", "和", "给", "，",
                                        "。", "？", "、", "子", "叶", "推", "可", "怎", "要", "配", "用", NULL};
    size_t len;
    if (begin && !ends_with_one_of(text, begin, before)) {
        size_t at = begin - 1;
        while (at && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
        if (is_han_at(text, n, at, &len)) return false;
    }
    return end == n || !is_han_at(text, n, end, &len) || one_of(text + end, n - end, after);
}

/* Words that exclude the noun after them: "not tea", 不要茶. */
static const char *const denials[] = {"not",  "not a",  "not any", "except", "other than", "instead of", "no more",
                                      "不要", "不想要", "不是",    "除了",   "别要",       "不喝",       NULL};

static bool is_denied(const char *text, size_t begin) {
    while (begin && text[begin - 1] == ' ') begin--;
    return ends_with_one_of(text, begin, denials);
}

static bool denies(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (one_of(text + i, n - i, denials)) return true;
    return false;
}

/* A noun in the text. The last one is the head; of nouns with the same end, the longest. */
typedef struct hit {
    size_t begin, end;
} hit;

static bool is_better(const hit *a, const hit *b) {
    if (a->end != b->end) return a->end > b->end;
    return a->begin < b->begin;
}

/* Returns the end of the head: what follows "for", "with" etc. only describes it ("a bag for the office"). */
static size_t head_end(const char *text, size_t n, size_t from) {
    static const char *const words[] = {" for ",   " with ",  " that ", " which ", " who ",  " to ",
                                        " under ", " below ", " from ", " made ",  " like ", NULL};
    for (size_t i = from; i < n; i++)
        if (text[i] == ' ' && one_of(text + i, n - i, words)) return i;
    return n;
}

/* Suffixes that make a noun of a character: 鞋子, 茶叶. */
static const char *const suffixes[] = {"子", "叶", NULL};

/* Finds the last occurrence of `name` as a noun. */
static bool find_hit(const char *text, size_t n, const char *name, hit *out, bool denied) {
    const bool han = (unsigned char)*name >= 0xe3;
    const size_t m = strlen(name);
    bool any = false;
    for (size_t i = 0, end = 0; i < n; i++) {
        if (han) {
            if (i + m > n || memcmp(text + i, name, m) != 0) continue;
            end = i + m;
            if (m <= 3 && !stands_alone(text, n, i, end)) continue;
            if (m <= 3 && one_of(text + end, n - end, suffixes)) end += 3;
        } else {
            if (!is_letter(text[i]) || (i && is_letter(text[i - 1]) && (unsigned char)text[i - 1] < 0x80)) continue;
            if (!words_at(text, n, i, name, &end)) continue;
        }
        if (is_denied(text, i) != denied) continue;
        *out = (hit){i, end};
        any = true;
    }
    return any;
}

/* Endings that are no noun of their own: "Bath Towel Set". */
static const char *const packs[] = {" set", " kit", "套装", "四件套", NULL};

/* Returns the next shorter ending of a name, or NULL. */
static const char *next_ending(const char *name) {
    const bool han = (unsigned char)*name >= 0xe3;
    if (han) {
        do name++;
        while (((unsigned char)*name & 0xc0) == 0x80);
        return *name ? name : NULL;
    }
    while (*name && is_letter(*name)) name++;
    while (*name && !is_letter(*name)) name++;
    return *name ? name : NULL;
}

/* First letters of the text's words (and Chinese characters) as a hashed bit set: a quick test that rules out most
 * names. */
typedef struct beginnings {
    uint64_t bits[8];
} beginnings;

static uint32_t beginning(const char *word, size_t n) {
    const unsigned char *w = (const unsigned char *)word;
    const bool han = *w >= 0xe3;
    const uint32_t key = han && n >= 3                  ? (uint32_t)w[1] << 8 | w[2]
                         : n >= 2 && is_letter(word[1]) ? (uint32_t)w[0] << 8 | w[1]
                                                        : w[0];
    return key * UINT32_C(2654435761) >> 23; /* Fibonacci hashing, Knuth, vol. 3, 6.4 */
}

static void find_beginnings(const char *text, size_t n, beginnings *b) {
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        const bool inside =
            c < 0x80 ? !is_letter(text[i]) || (i && is_letter(text[i - 1]) && (unsigned char)text[i - 1] < 0x80)
                     : (c & 0xc0) == 0x80;
        const uint32_t at = inside ? 0 : beginning(text + i, n - i);
        if (!inside) b->bits[at >> 6] |= (uint64_t)1 << (at & 63);
    }
}

static bool may_have(const beginnings *b, const char *name) {
    const uint32_t at = beginning(name, strlen(name));
    return b->bits[at >> 6] >> (at & 63) & 1;
}

static void longest_hit(const char *text, size_t n, const beginnings *b, const char *name, hit *best, bool *any,
                        bool denied) {
    char whole[SHOP_KIND_NAME];
    size_t m = strlen(name);
    memcpy(whole, name, m + 1);
    for (bool again = true; again;) {
        again = false;
        for (const char *at = whole; at; at = next_ending(at)) {
            hit h;
            if (!may_have(b, at)) continue;
            const bool pack = one_of(at, strlen(at), packs + 2) || !strcmp(at, "set") || !strcmp(at, "kit");
            if (pack || !find_hit(text, n, at, &h, denied)) continue;
            if (!*any || is_better(&h, best)) *best = h;
            *any = true;
            break;
        }
        for (size_t p = 0; packs[p]; p++) { /* "Bath Towel Set" counts as towels */
            const size_t k = strlen(packs[p]);
            if (m > k && !strcmp(whole + m - k, packs[p])) whole[m -= k] = 0, again = true;
        }
    }
}

typedef struct collected {
    hit best;
    bool any;
    uint32_t labels[SHOP_MOST_KINDS], categories[SHOP_MOST_KINDS];
    size_t n;
    bool too_many;
} collected;

static void collect(collected *c, const hit *h, const shop_kind_name *name) {
    if (!c->any || is_better(h, &c->best)) {
        c->best = *h;
        c->n = 0;
        c->any = true;
        c->too_many = false;
    } else if (h->begin != c->best.begin || h->end != c->best.end) {
        return;
    }
    for (size_t i = 0; i < c->n; i++)
        if (c->labels[i] == name->label) return;
    c->too_many = c->too_many || c->n == SHOP_MOST_KINDS;
    if (c->too_many) return;
    c->labels[c->n] = name->label;
    c->categories[c->n++] = name->category;
}

/* True if a word occurs in too many categories to name a kind. */
static bool is_vague(const collected *c) {
    size_t different = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool known = false;
        for (size_t j = 0; j < i; j++) known = known || c->categories[j] == c->categories[i];
        different += !known;
    }
    return c->too_many || different > MOST_CATEGORIES;
}

/* Returns the part of the titles that is the noun, or NULL. */
static const char *noun_of(const shop_kind_name *k) {
    for (uint32_t i = 0; i < k->n_parts; i++)
        if (k->differs[i]) return k->parts[i];
    return k->n_parts ? k->parts[0] : NULL;
}

static void find_all(const shop_kinds *k, const char *text, size_t n, bool denied, collected *c) {
    const bool han = has_han(text, n);
    beginnings words;
    *c = (collected){.n = 0};
    find_beginnings(text, n, &words);
    for (size_t i = 0; i < k->n; i++) {
        const shop_kind_name *name = &k->names[i];
        hit h = {0, 0};
        bool any = false;
        if (name->n_products < LEAST_PRODUCTS) continue;
        const char *noun = noun_of(name);
        if (!noun || (!han && (unsigned char)*noun >= 0xe3)) continue;
        longest_hit(text, n, &words, noun, &h, &any, denied);
        if (any) collect(c, &h, name);
    }
    if (is_vague(c)) c->n = 0;
}

/* Finds a category by its label, unless the text names a more specific kind. */
static void find_category(const shop_kinds *k, const char *text, size_t n, size_t from, const collected *c,
                          shop_kinds_found *found) {
    for (size_t i = 0; i < k->n_categories; i++) {
        hit h;
        if (!find_hit(text, n, k->categories[i].name, &h, false) || h.begin < from) continue;
        if (c->n && is_better(&c->best, &h)) continue;
        found->has_category = true;
        found->category = k->categories[i].label;
        found->begin = h.begin;
        found->end = h.end;
    }
}

static size_t fold(const char *text, size_t bytes, char *folded) {
    const size_t n = bytes < MOST_TEXT ? bytes : MOST_TEXT;
    for (size_t i = 0; i < n; i++) folded[i] = text[i] == '-' ? ' ' : lower(text[i]);
    return n;
}

bool shop_kinds_any(const shop_kinds *k) {
    for (size_t i = 0; i < k->n; i++)
        if (k->names[i].n_parts && k->names[i].n_products >= LEAST_PRODUCTS) return true;
    return false;
}

void shop_kinds_find(const shop_kinds *k, const char *text, size_t bytes, shop_kinds_found *found) {
    char folded[MOST_TEXT];
    const size_t n = fold(text, bytes, folded);
    collected c;
    memset(found, 0, sizeof *found);
    /* Search the part before the first "for" or "with" first, then the parts after it. */
    for (size_t from = 0, end = 0; end < n && !found->n && !found->has_category; from = end + 1) {
        end = head_end(folded, n, from);
        find_all(k, folded, end, false, &c);
        if (c.n && c.best.begin < from) c.n = 0;
        find_category(k, folded, end, from, &c, found);
        if (found->has_category || !c.n) continue;
        memcpy(found->labels, c.labels, c.n * sizeof *c.labels);
        found->n = c.n;
        found->begin = c.best.begin;
        found->end = c.best.end;
    }
    if (!denies(folded, n)) return;
    find_all(k, folded, n, true, &c);
    memcpy(found->excluded, c.labels, c.n * sizeof *c.labels);
    found->n_excluded = c.n;
    found->excluded_begin = c.best.begin;
    found->excluded_end = c.best.end;
}
