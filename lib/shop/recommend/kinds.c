/* Names of kinds of products: learned from titles, found in texts. */
#include "shop/recommend/kinds.h"

#include <string.h>

#include "shop/base/noun.h"
#include "shop/base/utf8.h"

enum {
    MOST_CATEGORIES = 3,
    MOST_PARTS = 8, /* of a text; the last one takes the rest */
    HAN_BYTES = 3   /* of a Chinese character in UTF-8 */
};

void shop_kinds_free(shop_kinds *k) {
    shop_free(k->allocator, k->names);
    shop_free(k->allocator, k->first);
    shop_free(k->allocator, k->categories);
}

static bool is_han_at(const char *text, size_t n, size_t i) {
    uint32_t c = 0;
    if (i < n) (void)shop_utf8_decode((const unsigned char *)text + i, n - i, &c);
    return shop_is_han(c);
}

/* True if a name begins with a Chinese character. */
static bool is_han_name(const char *name) { return (unsigned char)*name >= 0xe3; }

/* True for ASCII letters, digits and apostrophes, and for every byte beyond ASCII. */
static bool is_letter(char c) {
    c = shop_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' || (unsigned char)c >= 0x80;
}

static bool is_ascii_letter(char c) { return is_letter(c) && (unsigned char)c < 0x80; }

/* True if a Latin word may begin at byte i: no letter precedes it. */
static bool begins_word(const char *text, size_t i) {
    return is_letter(text[i]) && !(i && is_ascii_letter(text[i - 1]));
}

/* ---- names from titles */

/* Splits a title at commas, and a Chinese one at spaces. Parts with digits are sizes and are left out. */
static size_t split_title(const char *title, size_t n, char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME]) {
    const bool han = shop_has_han(title, n);
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
        if (!skip) parts[n_parts][used++] = shop_lower(title[i]);
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

/* Finds the name of a tag in a language; adds an empty one if there is none. NULL: there are too many. */
static llmcs_status find_name(shop_kinds *k, uint32_t label, const char *lang, uint32_t item, shop_kind_name **name) {
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
    **name = (shop_kind_name){.label = label, .item = item, .next = k->first[label]};
    memcpy((*name)->lang, lang, strlen(lang) + 1);
    k->first[label] = (uint32_t)++k->n;
    return LLMCS_OK;
}

static void learn_title(shop_kind_name *name, const shop_kinds_product *product,
                        char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME], size_t n_parts) {
    name->shared = name->shared || name->item != product->item;
    if (name->shared) {
        shorten(name, parts, n_parts);
        if (name->category != product->category) name->category = UINT32_MAX;
        return;
    }
    /* The only product so far: read again, its title replaces the earlier one. */
    memcpy(name->parts, parts, n_parts * sizeof *parts);
    name->n_parts = (uint32_t)n_parts;
    name->category = product->category;
}

llmcs_status shop_kinds_add(shop_kinds *k, const shop_kinds_product *product, const char *lang, const char *title,
                            size_t bytes) {
    char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME];
    shop_kind_name *name;
    if (!product->n_tags || strlen(lang) >= sizeof name->lang) return LLMCS_OK;
    const size_t n_parts = split_title(title, bytes, parts);
    for (size_t t = 0; t < product->n_tags; t++) {
        SHOP_TRY(find_name(k, product->tags[t], lang, product->item, &name));
        if (name) learn_title(name, product, parts, n_parts);
    }
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
    for (size_t i = 0; i < bytes; i++) c->name[i] = shop_lower(name[i]);
    c->name[bytes] = 0;
    return LLMCS_OK;
}

/* ---- kinds in texts */

static size_t word_end(const char *text, size_t n, size_t i) {
    while (i < n && is_letter(text[i])) i++;
    return i;
}

/* True if the text has the words of `name` at byte i; *end: where they end. */
static bool words_at(const char *text, size_t n, size_t i, const char *name, size_t m, size_t *end) {
    for (size_t p = 0;;) {
        const size_t e = word_end(text, n, i), f = word_end(name, m, p);
        if (e == i || !shop_same_noun(text + i, e - i, name + p, f - p)) return false;
        *end = e;
        for (p = f; p < m && !is_letter(name[p]);) p++;
        if (p == m) return true;
        for (i = e; i < n && text[i] == ' ';) i++;
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
    static const char *const before[] = {"个", "款", "双", "件", "只", "条", "套", "些", "种", "把", "盒", "的",
                                         "买", "要", "找", "送", "喝", "穿", "用", "戴", "背", "色", "男", "女",
                                         "童", "看", "有", "卖", "棉", "皮", "布", "好", "是", "了", NULL};
    static const char *const after[] = {"吗", "呢", "么", "吧", "啊", "有", "的", "多", "哪", "和",
                                        "给", "，", "。", "？", "、", "子", "叶", "推", "可", "怎",
                                        "要", "配", "用", "还", "以", "之", "都", NULL};
    if (begin && !ends_with_one_of(text, begin, before)) {
        size_t at = begin - 1;
        while (at && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
        if (is_han_at(text, n, at)) return false;
    }
    return end == n || !is_han_at(text, n, end) || one_of(text + end, n - end, after);
}

/* Words that exclude the noun after them: "not tea", 不要茶. */
static const char *const denials[] = {"not",        "not a",       "not any", "not the",    "except", "other than",
                                      "no more",    "instead of",  "no",      "enough",     "forget", "forget the",
                                      "dont want",  "rather than", "no to",   "don't want", "不要",   "不想要",
                                      "don't need", "dont need",   "不是",    "除了",       "别要",   "不喝",
                                      "不爱喝",     "不喜欢",      "不想看",  "不看",       "不想喝", NULL};

/* True for a "no" at byte i that refuses: "no tea", "I said no tea", but not "is there no tea". */
static bool refuses(const char *text, size_t i) {
    static const char *const before[] = {"said", "want", "please", "but", "and", "so", "well", NULL};
    while (i && text[i - 1] == ' ') i--;
    return !i || !is_letter(text[i - 1]) || ends_with_one_of(text, i, before);
}

/* True if a denial, whole and no question, ends at byte `end`. 是不是, 要不要 and 喝不喝 ask. */
static bool denial_ends(const char *text, size_t end, const char *denial) {
    static const char no[] = "不";
    const size_t m = strlen(denial);
    if (m > end || memcmp(text + end - m, denial, m) != 0) return false;
    const size_t begin = end - m;
    if (!strcmp(denial, "no")) return begins_word(text, begin) && refuses(text, begin);
    if (!is_han_name(denial)) return begins_word(text, begin);
    if (begin < HAN_BYTES || memcmp(denial, no, HAN_BYTES) != 0) return true;
    return memcmp(text + begin - HAN_BYTES, denial + HAN_BYTES, HAN_BYTES) != 0;
}

static bool denies_at(const char *text, size_t end) {
    for (const char *const *d = denials; *d; d++)
        if (denial_ends(text, end, *d)) return true;
    return false;
}

static bool is_denied(const char *text, size_t begin) {
    while (begin && text[begin - 1] == ' ') begin--;
    return denies_at(text, begin);
}

/* A quick test: most texts exclude nothing. */
static bool denies(const char *text, size_t n) {
    for (size_t i = 1; i <= n; i++)
        if (denies_at(text, i)) return true;
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

/* Returns the end of the head: what follows "for", "with" etc. only describes it ("a bag for the office"), and so does
 * what it holds: 双肩包能装下笔记本吗. */
static size_t head_end(const char *text, size_t n, size_t from) {
    static const char *const words[] = {" for ",   " with ",  " that ", " which ", " who ",   " to ",
                                        " fit ",   " fits ",  " hold ", " holds ", " carry ", " carries ",
                                        " under ", " below ", " from ", " made ",  " like ",  NULL};
    static const char *const holds[] = {"能装", "装下", "装得下", "装进", "放得下", "放进", "放下", "塞进", NULL};
    for (size_t i = from; i < n; i++)
        if (one_of(text + i, n - i, text[i] == ' ' ? words : holds)) return i;
    return n;
}

/* First letters of the words (and Chinese characters) of a text as a hashed bit set: a quick test that rules out most
 * names. */
typedef struct beginnings {
    uint64_t bits[8];
} beginnings;

/* The bytes [from, n) of a text, in which nouns are searched. The bytes before them are context. */
typedef struct passage {
    const char *text;
    size_t from, n;
    bool denied; /* finds the nouns after a denial; otherwise the others */
    hit without; /* finds nothing inside: in "not green tea", no "tea" */
    beginnings words;
} passage;

static uint32_t beginning(const char *word, size_t n) {
    const unsigned char *w = (const unsigned char *)word;
    const uint32_t key = is_han_name(word) && n >= HAN_BYTES ? (uint32_t)w[1] << 8 | w[2]
                         : n >= 2 && is_letter(word[1])      ? (uint32_t)w[0] << 8 | w[1]
                                                             : w[0];
    return key * UINT32_C(2654435761) >> 23; /* Fibonacci hashing, Knuth, vol. 3, 6.4 */
}

static passage make_passage(const char *text, size_t from, size_t n) {
    passage p = {.text = text, .from = from, .n = n};
    for (size_t i = from; i < n; i++) {
        const bool begins =
            (unsigned char)text[i] < 0x80 ? begins_word(text, i) : ((unsigned char)text[i] & 0xc0) != 0x80;
        if (!begins) continue;
        const uint32_t at = beginning(text + i, n - i);
        p.words.bits[at >> 6] |= (uint64_t)1 << (at & 63);
    }
    return p;
}

static bool may_have(const passage *p, const char *name, size_t m) {
    const uint32_t at = beginning(name, m);
    return p->words.bits[at >> 6] >> (at & 63) & 1;
}

/* Suffixes that make a noun of a character: 鞋子, 茶叶. */
static const char *const suffixes[] = {"子", "叶", NULL};

/* True if the text has the Chinese `name` at byte i as a noun; *end: where it ends. */
static bool han_at(const passage *p, size_t i, const char *name, size_t m, size_t *end) {
    if (i + m > p->n || memcmp(p->text + i, name, m) != 0) return false;
    *end = i + m;
    if (m > HAN_BYTES) return true;
    if (!stands_alone(p->text, p->n, i, *end)) return false;
    if (one_of(p->text + *end, p->n - *end, suffixes)) *end += HAN_BYTES;
    return true;
}

/* Finds the last occurrence of a name as a noun. */
static bool find_hit(const passage *p, const char *name, size_t m, hit *out) {
    const bool han = is_han_name(name);
    bool any = false;
    if (!may_have(p, name, m)) return false;
    for (size_t i = p->from, end = 0; i < p->n; i++) {
        const bool here =
            han ? han_at(p, i, name, m, &end) : begins_word(p->text, i) && words_at(p->text, p->n, i, name, m, &end);
        if (!here || is_denied(p->text, i) != p->denied) continue;
        if (i >= p->without.begin && end <= p->without.end) continue;
        *out = (hit){i, end};
        any = true;
    }
    return any;
}

/* Endings of names that may be left out: "Bath Towel Set" counts as towels. */
static const struct {
    const char *word;
    bool is_noun;
} packs[] = {{"set", false}, {"kit", false}, {"套装", false}, {"四件套", true}};

static bool is_pack(const char *ending, size_t m) {
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++)
        if (!packs[i].is_noun && m == strlen(packs[i].word) && !memcmp(ending, packs[i].word, m)) return true;
    return false;
}

/* Returns the length of a name without the pack at its end, or 0 if it has none. */
static size_t without_pack(const char *name, size_t m) {
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) {
        const size_t k = strlen(packs[i].word), gap = is_han_name(packs[i].word) ? 0 : 1;
        if (m <= k + gap || memcmp(name + m - k, packs[i].word, k) != 0) continue;
        if (!gap || name[m - k - 1] == ' ') return m - k - gap;
    }
    return 0;
}

/* Returns where the next shorter ending of a name begins; m if there is none. */
static size_t next_ending(const char *name, size_t m, size_t at) {
    if (is_han_name(name + at)) {
        do at++;
        while (at < m && ((unsigned char)name[at] & 0xc0) == 0x80);
        return at;
    }
    while (at < m && is_letter(name[at])) at++;
    while (at < m && !is_letter(name[at])) at++;
    return at;
}

/* Finds the longest ending of a name that the passage has. */
static bool find_ending(const passage *p, const char *name, size_t m, hit *out) {
    for (size_t at = 0; at < m && !is_pack(name + at, m - at); at = next_ending(name, m, at))
        if (find_hit(p, name + at, m - at, out)) return true;
    return false;
}

/* Finds a name, with or without its packs. */
static bool find_kind(const passage *p, const char *name, hit *best) {
    bool any = false;
    for (size_t m = strlen(name); m; m = without_pack(name, m)) {
        hit h;
        if (!find_ending(p, name, m, &h)) continue;
        if (!any || is_better(&h, best)) *best = h;
        any = true;
    }
    return any;
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

static void find_all(const shop_kinds *k, const passage *p, collected *c) {
    const bool han = shop_has_han(p->text + p->from, p->n - p->from);
    *c = (collected){.n = 0};
    for (size_t i = 0; i < k->n; i++) {
        const shop_kind_name *name = &k->names[i];
        const char *noun = name->shared ? noun_of(name) : NULL;
        hit h;
        if (!noun || (!han && is_han_name(noun))) continue;
        if (find_kind(p, noun, &h)) collect(c, &h, name);
    }
    if (is_vague(c)) c->n = 0;
}

/* Finds a category by its label, unless the text names a more specific kind. */
static void find_category(const shop_kinds *k, const passage *p, const collected *c, shop_kinds_found *found) {
    for (size_t i = 0; i < k->n_categories; i++) {
        const char *name = k->categories[i].name;
        hit h;
        if (!find_hit(p, name, strlen(name), &h) || (c->n && is_better(&c->best, &h))) continue;
        found->has_category = true;
        found->category = k->categories[i].label;
        found->begin = h.begin;
        found->end = h.end;
    }
}

/* Searches the part before the first "for" or "with" first, then the parts after it. */
static void find_wanted(const shop_kinds *k, const char *text, size_t n, hit without, shop_kinds_found *found) {
    size_t from = 0;
    for (size_t part = 1; from < n && !found->n && !found->has_category; part++) {
        const size_t end = part < MOST_PARTS ? head_end(text, n, from) : n;
        passage p = make_passage(text, from, end);
        collected c;
        p.without = without;
        find_all(k, &p, &c);
        find_category(k, &p, &c, found);
        from = end + 1;
        if (found->has_category || !c.n) continue;
        memcpy(found->labels, c.labels, c.n * sizeof *c.labels);
        found->n = c.n;
        found->begin = c.best.begin;
        found->end = c.best.end;
    }
}

static void find_excluded(const shop_kinds *k, const char *text, size_t n, shop_kinds_found *found) {
    collected c;
    if (!denies(text, n)) return;
    passage p = make_passage(text, 0, n);
    p.denied = true;
    find_all(k, &p, &c);
    memcpy(found->excluded, c.labels, c.n * sizeof *c.labels);
    found->n_excluded = c.n;
    found->excluded_begin = c.best.begin;
    found->excluded_end = c.best.end;
}

static void drop_excluded(shop_kinds_found *found) {
    for (size_t i = 0; i < found->n_excluded; i++)
        for (size_t k = 0; k < found->n; k++)
            if (found->labels[k] == found->excluded[i]) found->labels[k--] = found->labels[--found->n];
}

static size_t fold(const char *text, size_t bytes, char *folded) {
    const size_t n = bytes < SHOP_KIND_TEXT ? bytes : SHOP_KIND_TEXT;
    for (size_t i = 0; i < n; i++) folded[i] = text[i] == '-' ? ' ' : shop_lower(text[i]);
    return n;
}

bool shop_kinds_any(const shop_kinds *k) {
    for (size_t i = 0; i < k->n; i++)
        if (k->names[i].n_parts && k->names[i].shared) return true;
    return false;
}

void shop_kinds_find(const shop_kinds *k, const char *text, size_t bytes, const char *without,
                     shop_kinds_found *found) {
    char folded[SHOP_KIND_TEXT];
    memset(found, 0, sizeof *found);
    if (without) find_excluded(k, folded, fold(without, strlen(without), folded), found);
    const size_t n = fold(text, bytes, folded);
    if (!without) find_excluded(k, folded, n, found);
    const hit here = {found->excluded_begin, found->excluded_end};
    find_wanted(k, folded, n, without ? (hit){0, 0} : here, found);
    if (without) drop_excluded(found);
}
