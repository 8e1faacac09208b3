/* Reads slot values from a text: patterns, lists, numbers, dates, products. */
#include <string.h>

#include "shop/desk/desk.h"
#include "shop/recommend/recommender.h"

enum { MATCH_LIMIT = 20000, HEAP_KIB = 256, MIN_DIGITS = 3, CODE_DIGITS = 5, SEARCHED_PRODUCTS = 5, OWN_NAMES = 2 };

static llmcs_status copy_part(desk_turn *t, const char *text, size_t n, const char **out) {
    return shop_arena_copy(t->arena, text, n, out);
}

/* ---- patterns */

/* Returns the first match in upper case, as the store writes order numbers. */
static llmcs_status match_pattern(desk_turn *t, const pcre2_code *pattern, const desk_words *w, size_t from,
                                  const char **value, size_t *end) {
    *value = NULL;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    llmcs_status status = data && limits ? LLMCS_OK : shop_fail(LLMCS_NOMEM, "pattern: no memory");
    if (!status) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        pcre2_set_heap_limit(limits, HEAP_KIB);
        const int n =
            pcre2_match(pattern, (PCRE2_SPTR)w->plain, w->plain_bytes, from, PCRE2_NO_UTF_CHECK, data, limits);
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
        if (n > 0 || n == 0) {
            char *upper;
            status = shop_arena_alloc(t->arena, at[1] - at[0] + 1, 1, &upper);
            for (size_t i = at[0]; !status && i < at[1]; i++) {
                const char c = w->plain[i];
                upper[i - at[0]] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
            }
            *value = upper;
            *end = at[1];
        }
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    return status;
}

/* Returns the last match: "not PL1 but PL2", "PL1 – no, PL2". */
static llmcs_status last_match(desk_turn *t, const pcre2_code *pattern, const desk_words *w, const char **value) {
    size_t from = 0;
    const char *found;
    *value = NULL;
    for (int i = 0; i < 8; i++) {
        SHOP_TRY(match_pattern(t, pattern, w, from, &found, &from));
        if (!found) break;
        *value = found;
    }
    return LLMCS_OK;
}

/* ---- candidates */

/* Returns the only row whose value ends in the digits of the text, or NULL. */
static const char *match_digits(const desk_rows *rows, const desk_words *w) {
    const char *found = NULL;
    for (size_t i = 0; i < w->plain_bytes;) {
        size_t n = 0;
        while (i + n < w->plain_bytes && w->plain[i + n] >= '0' && w->plain[i + n] <= '9') n++;
        if (n >= MIN_DIGITS)
            for (size_t r = 0; r < rows->n; r++) {
                const char *value = rows->cells[r * rows->n_columns].text;
                const size_t len = value ? strlen(value) : 0;
                if (len < n || memcmp(value + len - n, w->plain + i, n) != 0) continue;
                if (found && strcmp(found, value) != 0) return NULL;
                found = value;
            }
        i += n ? n : 1;
    }
    return found;
}

llmcs_status desk_row_in_words(desk_turn *t, const desk_query *find, const desk_rows *rows, size_t row,
                               const char **line) {
    desk_buffer b = {.allocator = &t->desk->allocator};
    desk_values_in v = {.flows = t->flows, .lang = t->lang, .turn = 0};
    const desk_rows one = {1, rows->n_columns, rows->cells + row * rows->n_columns};
    desk_rows_say(find, &one, &v, 1, false, &b);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, line);
    desk_buffer_free(&b);
    return status;
}

/* Normalises "pl 2611-1334" to PL26111334. */
static llmcs_status plain_order(desk_turn *t, const char **value) {
    char *copy;
    size_t n = 0;
    SHOP_TRY(shop_arena_alloc(t->arena, strlen(*value) + 1, 1, &copy));
    for (const char *p = *value; *p; p++)
        if (*p != ' ' && *p != '-') copy[n++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    *value = copy;
    return LLMCS_OK;
}

static llmcs_status find_order(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value) {
    const desk_slot *s = &t->flows->slots[slot];
    if (s->pattern) SHOP_TRY(last_match(t, s->pattern, w, value));
    if (*value) SHOP_TRY(plain_order(t, value));
    if (*value || desk_from(t, desk_top(t), slot) < 0) return LLMCS_OK;
    const desk_rows *rows;
    SHOP_TRY(desk_choices(t, desk_top(t), slot, &rows));
    if (rows && rows->n) *value = match_digits(rows, w);
    return *value ? LLMCS_OK : desk_refer_value(t, slot, w, answers, value);
}

/* ---- choices, numbers */

static void find_option(const desk_slot *s, const desk_words *w, bool answers, const char **value) {
    size_t best = 0;
    for (size_t i = 0; i < s->n_options; i++)
        for (size_t k = 0; k < s->options[i].n_words; k++) {
            const size_t n = strlen(s->options[i].words[k]);
            if (n <= best || !desk_has_phrase(w, s->options[i].words[k])) continue;
            best = n;
            *value = s->options[i].value;
        }
    const size_t ordinal = answers && !*value ? desk_ordinal(w, s->n_options) : 0;
    if (ordinal && ordinal <= s->n_options) *value = s->options[ordinal - 1].value;
}

/* Reads 一 to 九十九 at byte i, *n bytes long; 0: no number. */
static int han_number(const char *text, size_t left, size_t *n) {
    static const char *const digits[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
    int tens = -1, ones = -1;
    *n = 0;
    for (int part = 0; part < 3 && *n + 3 <= left; part++) {
        const char *p = text + *n;
        int digit = -1;
        if (!memcmp(p, "两", 3)) digit = 2;
        for (int d = 1; d < 10; d++)
            if (!memcmp(p, digits[d], 3)) digit = d;
        const bool ten = !memcmp(p, "十", 3);
        if (ten && tens < 0) {
            tens = ones > 0 ? ones : 1;
            ones = -1;
        } else if (digit > 0 && ones < 0) {
            ones = digit;
        } else {
            break;
        }
        *n += 3;
    }
    if (tens < 0 && ones < 0) return 0;
    return (tens < 0 ? 0 : tens * 10) + (ones < 0 ? 0 : ones);
}

bool desk_says_part(const desk_turn *t, const desk_words *w) {
    static const char *const counts[] = {"one of", "two of", "three of", "only", "just", "one",  "two",  "three", "a",
                                         "an",     "一",     "两",       "三",   "只",   "那个", "这个", "其中",  NULL};
    size_t digits = 0;
    for (size_t i = 0; i < w->folded_bytes; i++) digits += w->folded[i] >= '0' && w->folded[i] <= '9';
    if (digits >= MIN_DIGITS) return false; /* an order by its number */
    if (desk_has_any(w, counts)) return true;
    for (size_t i = 0; i < t->flows->n_kinds; i++)
        if (desk_has_one(w, t->flows->kinds[i].words, t->flows->kinds[i].n_words)) return true;
    return false;
}

static bool counts_things(const desk_words *w, size_t i) {
    static const char *const units[] = {"个",   "件",      "双",    "条",    "只",     "套",    "盒",
                                        "瓶",   "份",      "本",    "pcs",   "pieces", "piece", "pairs",
                                        "pair", "of them", "items", "units", NULL};
    while (i < w->folded_bytes && w->folded[i] == ' ') i++;
    return desk_begins_with(w->folded + i, units);
}

/* Finds a number on its own. Outside an answer it must count something. */
static llmcs_status find_number(desk_turn *t, const desk_slot *s, const desk_words *w, bool answers,
                                const char **value) {
    size_t len;
    for (size_t i = 0, step; i < w->folded_bytes; i += step) {
        const int32_t c = desk_char_at(w->folded, w->folded_bytes, i, &step);
        int64_t number = 0;
        size_t n = 0;
        while (n < 9 && i + n < w->folded_bytes && w->folded[i + n] >= '0' && w->folded[i + n] <= '9')
            number = number * 10 + (w->folded[i + n++] - '0');
        if (n) {
            const bool letter_next = i + n < w->folded_bytes &&
                                     desk_is_letter(desk_char_at(w->folded, w->folded_bytes, i + n, &len)) &&
                                     !desk_is_han(desk_char_at(w->folded, w->folded_bytes, i + n, &len));
            const bool letter_before =
                i && (desk_is_letter((unsigned char)w->folded[i - 1] < 0x80 ? w->folded[i - 1] : ' '));
            if (letter_next || letter_before) {
                step = n;
                continue;
            }
        } else if (desk_is_han(c)) {
            number = han_number(w->folded + i, w->folded_bytes - i, &n);
        }
        if (!n) continue;
        step = n;
        if (!answers && !counts_things(w, i + n)) continue;
        if ((double)number < s->min || (double)number > s->max) continue;
        char text[24];
        sqlite3_snprintf(sizeof text, text, "%lld", (long long)number);
        return copy_part(t, text, strlen(text), value);
    }
    return LLMCS_OK;
}

/* ---- dates */

static bool two_digits(const char *p, const char *end, int *value, size_t *n) {
    *n = 0;
    *value = 0;
    while (*n < 2 && p + *n < end && p[*n] >= '0' && p[*n] <= '9') *value = *value * 10 + (p[(*n)++] - '0');
    return *n > 0;
}

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};

/* Reads a month and day without a year. */
static bool find_month_day(const desk_words *w, int *month, int *day) {
    const char *t = w->folded, *end = t + w->folded_bytes;
    size_t n, m;
    for (const char *p = t; p < end; p++) {
        if (two_digits(p, end, month, &n) && p + n + 3 <= end && !memcmp(p + n, "月", 3) &&
            two_digits(p + n + 3, end, day, &m))
            return true;
        for (int i = 0; i < 12; i++)
            if (end - p >= 3 && !memcmp(p, months[i], 3) && (p == t || p[-1] == ' ')) {
                const char *q = p + 3;
                while (q < end && ((*q >= 'a' && *q <= 'z') || *q == ' ' || *q == '.')) q++;
                *month = i + 1;
                if (two_digits(q, end, day, &n)) return true;
            }
    }
    return false;
}

static llmcs_status find_date(desk_turn *t, const desk_words *w, const char **value) {
    static const struct {
        const char *word;
        int days;
    } near[] = {{"day after tomorrow", 2},
                {"tomorrow", 1},
                {"yesterday", -1},
                {"today", 0},
                {"后天", 2},
                {"明天", 1},
                {"昨天", -1},
                {"前天", -2},
                {"今天", 0},
                {NULL, 0}};
    char date[16];
    int month = 0, day = 0;
    for (const char *p = w->plain; p + 10 <= w->plain + w->plain_bytes; p++)
        if (p[4] == '-' && p[7] == '-' && strspn(p, "0123456789-") == 10 &&
            (p == w->plain || p[-1] < '0' || p[-1] > '9'))
            return copy_part(t, p, 10, value);
    for (size_t i = 0; near[i].word; i++)
        if (desk_has_phrase(w, near[i].word)) {
            desk_date_say(t->now + near[i].days * 86400, date);
            return copy_part(t, date, strlen(date), value);
        }
    if (!find_month_day(w, &month, &day) || month < 1 || month > 12 || day < 1 || day > 31) return LLMCS_OK;
    char today[16];
    desk_date_say(t->now, today);
    sqlite3_snprintf(sizeof date, date, "%.4s-%02d-%02d", today, month, day);
    return copy_part(t, date, strlen(date), value);
}

/* ---- phone, e-mail, free text */

static llmcs_status find_phone(desk_turn *t, const desk_words *w, const char **value) {
    for (size_t i = 0; i < w->plain_bytes;) {
        size_t n = i + (w->plain[i] == '+'), digits = 0;
        while (n < w->plain_bytes && ((w->plain[n] >= '0' && w->plain[n] <= '9') ||
                                      (digits && strchr(" -()", w->plain[n]) && n + 1 < w->plain_bytes &&
                                       strchr("0123456789-( ", w->plain[n + 1])))) {
            digits += w->plain[n] >= '0' && w->plain[n] <= '9';
            n++;
        }
        const bool letter_before = i && desk_is_letter((unsigned char)w->plain[i - 1] < 0x80 ? w->plain[i - 1] : ' ');
        if (digits >= 7 && digits <= 15 && !letter_before) return copy_part(t, w->plain + i, n - i, value);
        i = n > i ? n : i + 1;
    }
    return LLMCS_OK;
}

static bool in_email(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._%+-", c));
}

static llmcs_status find_email(desk_turn *t, const desk_words *w, const char **value) {
    const char *begin = w->plain, *end = begin + w->plain_bytes, *at = memchr(begin, '@', w->plain_bytes);
    if (!at) return LLMCS_OK;
    const char *from = at, *to = at + 1;
    while (from > begin && in_email(from[-1])) from--;
    while (to < end && in_email(*to)) to++;
    while (to > at && to[-1] == '.') to--;
    const bool dotted = memchr(at, '.', (size_t)(to - at)) != NULL;
    return from < at && dotted && to - from <= 254 ? copy_part(t, from, (size_t)(to - from), value) : LLMCS_OK;
}

/* Skips words in front of the value: "change it to", 改成. */
static size_t skip_lead(const desk_slot *s, const desk_words *w, size_t begin) {
    for (size_t i = begin;;) {
        size_t step = 0;
        while (i < w->plain_bytes && strchr(" ,:;-.", w->plain[i])) i++;
        for (size_t k = 0; k < s->n_lead; k++) {
            const size_t n = strlen(s->lead[k]);
            if (n > step && desk_find_phrase(w->folded, w->folded_bytes, s->lead[k], i) == i) step = n;
        }
        if (!step) return i;
        i += step;
    }
}

/* Finds the place where such words precede an address in a longer message. */
static size_t find_lead(const desk_slot *s, const desk_words *w) {
    size_t last = SIZE_MAX;
    for (size_t k = 0; k < s->n_lead; k++)
        for (size_t at = desk_find_phrase(w->folded, w->folded_bytes, s->lead[k], 0); at != SIZE_MAX;
             at = desk_find_phrase(w->folded, w->folded_bytes, s->lead[k], at + 1))
            if (last == SIZE_MAX || at > last) last = at;
    return last;
}

/* Returns the length of a code of 5 or more letters and digits at byte i, or 0. */
static size_t code_at(const desk_words *w, size_t i) {
    size_t n = i, digits = 0;
    for (; n < w->folded_bytes &&
           ((w->folded[n] >= '0' && w->folded[n] <= '9') || (w->folded[n] >= 'a' && w->folded[n] <= 'z'));
         n++)
        digits += w->folded[n] <= '9';
    return digits >= CODE_DIGITS ? n - i : 0;
}

/* Tries the pattern between codes. */
static bool is_like_at(const desk_slot *s, const desk_words *w, size_t from, size_t to, pcre2_match_data *data,
                       pcre2_match_context *limits) {
    return pcre2_match(s->like, (PCRE2_SPTR)w->folded + from, to - from, 0, PCRE2_NO_UTF_CHECK, data, limits) >= 0;
}

bool desk_is_like(const desk_slot *s, const desk_words *w) {
    if (!s->like) return true;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    bool is = false;
    if (data && limits) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        pcre2_set_heap_limit(limits, HEAP_KIB);
        size_t from = 0;
        for (size_t i = 0, n; i < w->folded_bytes && !is; i += n ? n : 1) {
            n = code_at(w, i);
            if (n) is = is_like_at(s, w, from, i, data, limits), from = i + n;
        }
        is = is || is_like_at(s, w, from, w->folded_bytes, data, limits);
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    return is;
}

static llmcs_status find_text(desk_turn *t, const desk_slot *s, const desk_words *w, const char **value) {
    const bool same = w->plain_bytes == w->folded_bytes;      /* then offsets in both agree */
    const bool cut = s->type == DESK_SLOT_ADDRESS || s->like; /* a complaint keeps its "no, ..." */
    const char *begin = w->plain + (same ? skip_lead(s, w, cut ? desk_skip_preamble(w) : 0) : 0),
               *end = w->plain + w->plain_bytes;
    while (begin < end && *begin == ' ') begin++;
    while (end > begin && end[-1] == ' ') end--;
    const double n = (double)(end - begin);
    if (!desk_is_like(s, w)) return LLMCS_OK;
    return n >= s->min && n <= s->max ? copy_part(t, begin, (size_t)(end - begin), value) : LLMCS_OK;
}

/* Finds the address of "please send it to 14 Rosewood Lane" among other requests. */
static llmcs_status find_address(desk_turn *t, const desk_slot *s, const desk_words *w, const char **value) {
    const size_t at = w->plain_bytes == w->folded_bytes ? find_lead(s, w) : SIZE_MAX;
    desk_words rest;
    if (at == SIZE_MAX) return LLMCS_OK;
    const size_t begin = skip_lead(s, w, at);
    SHOP_TRY(desk_words_make(t->arena, w->plain + begin, w->plain_bytes - begin, &rest));
    return desk_is_whole_address(&rest) ? find_text(t, s, &rest, value) : LLMCS_OK;
}

/* "No, leave out the name. The address is 12 Rose Lane": what such words introduce. */
static llmcs_status answered_address(desk_turn *t, const desk_slot *s, const desk_words *w, const char **value) {
    if (desk_skip_preamble(w)) SHOP_TRY(find_address(t, s, w, value));
    return *value ? LLMCS_OK : find_text(t, s, w, value);
}

/* ---- products */

/* Returns the part of a title that tells products of a kind apart: up to the comma, in Chinese up to the second
 * space. */
static llmcs_status name_of(desk_turn *t, const char *title, const char **name) {
    size_t n = 0, spaces = 0;
    const bool han = (unsigned char)*title >= 0xe3;
    while (title[n] && title[n] != ',' && !(title[n] == ' ' && ++spaces == 2 && han)) n++;
    return shop_arena_copy(t->arena, title, n, name);
}

/* Returns the words without those of the kind. */
static llmcs_status without_kind(desk_turn *t, const desk_words *w, const shop_wish *wish, desk_words *rest) {
    char *text;
    SHOP_TRY(shop_arena_alloc(t->arena, w->plain_bytes + 1, 1, &text));
    memcpy(text, w->plain, w->plain_bytes);
    for (size_t i = wish->begin; wish->kind && i < wish->end && i < w->plain_bytes; i++) text[i] = ' ';
    return desk_words_make(t->arena, text, w->plain_bytes, rest);
}

/* Finds the products nearest to the text, of the kind that it names, whether in stock or not. */
static llmcs_status find_nearest(desk_turn *t, const desk_words *w, llmcs_shop_recommendations **found) {
    llmcs_shop_recommend_params params;
    llmcs_shop_recommend_params_init(&params);
    params.text = w->plain;
    params.text_bytes = w->plain_bytes;
    params.k = SEARCHED_PRODUCTS;
    params.lang = t->flows->langs[t->lang];
    params.out_of_stock = 1;
    params.seen = LLMCS_SHOP_SEEN_INCLUDE;
    params.diversity = 0;
    params.weight_popular = 0;
    return shop_recommend_named(t->desk->shop, &params, found);
}

/*
 * Finds the product whose title shares most words with the text, among the nearest recommendations. If the store knows
 * kinds, the text must name more than kind and colour: "the Harvest Mug" is one product, "a red mug" may be several.
 */
static llmcs_status find_product(desk_turn *t, const desk_words *w, const char **value) {
    llmcs_shop_recommendations *found = NULL;
    double best = 0;
    size_t most = 0;
    shop_wish wish;
    desk_words rest;
    if (!w->plain_bytes) return LLMCS_OK;
    SHOP_TRY(desk_read_kind(t, w->plain, w->plain_bytes, &wish));
    SHOP_TRY(without_kind(t, w, &wish, &rest));
    SHOP_TRY(find_nearest(t, w, &found));
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < found->n_items && !status; i++) {
        size_t common;
        const double share = desk_overlap(t->arena, w, found->items[i]->title, &common);
        if (!common || common < most || (common == most && share <= best)) continue;
        if (wish.knows_kinds) {
            const char *name;
            size_t named;
            if ((status = name_of(t, found->items[i]->title, &name))) break;
            (void)desk_overlap(t->arena, &rest, name, &named);
            if (!named || (!wish.kind && common < 2)) continue;
        }
        best = share;
        most = common;
        status = shop_arena_copy(t->arena, found->items[i]->item, strlen(found->items[i]->item), value);
    }
    llmcs_shop_recommendations_free(&found);
    return status;
}

/* How well a text names a title: by words of its name, by those that are not the kind's, and by words of all of it. */
typedef struct naming {
    double share; /* of the words of the name */
    size_t name, own, title;
} naming;

static llmcs_status read_naming(desk_turn *t, const desk_words *w, const desk_words *rest, const char *title,
                                naming *n) {
    const char *name;
    SHOP_TRY(name_of(t, title, &name));
    n->share = desk_overlap(t->arena, w, name, &n->name);
    (void)desk_overlap(t->arena, rest, name, &n->own);
    (void)desk_overlap(t->arena, w, title, &n->title);
    return LLMCS_OK;
}

llmcs_status desk_named_product(desk_turn *t, const desk_words *w, const char **product) {
    static const double most_of_name = 0.5;
    llmcs_shop_recommendations *found = NULL;
    naming best = {.name = 0};
    bool tie = false;
    shop_wish wish;
    desk_words rest;
    *product = NULL;
    SHOP_TRY(desk_read_kind(t, w->plain, w->plain_bytes, &wish));
    if (!wish.kind) return LLMCS_OK;
    SHOP_TRY(without_kind(t, w, &wish, &rest));
    SHOP_TRY(find_nearest(t, w, &found));
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < found->n_items && !status; i++) {
        naming n;
        if ((status = read_naming(t, w, &rest, found->items[i]->title, &n))) break;
        if (n.own < OWN_NAMES || !(n.share > most_of_name)) continue;
        if (n.name < best.name || (n.name == best.name && n.title < best.title)) continue;
        tie = n.name == best.name && n.title == best.title;
        best = n;
        status = shop_arena_copy(t->arena, found->items[i]->item, strlen(found->items[i]->item), product);
    }
    llmcs_shop_recommendations_free(&found);
    if (tie) *product = NULL;
    return status;
}

/* ---- any slot */

llmcs_status desk_value_find(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value) {
    const desk_slot *s = &t->flows->slots[slot];
    *value = NULL;
    switch (s->type) {
        case DESK_SLOT_ORDER:
            return find_order(t, slot, w, answers, value);
        case DESK_SLOT_CODE:
            return last_match(t, s->pattern, w, value);
        case DESK_SLOT_CHOICE:
            find_option(s, w, answers, value);
            return LLMCS_OK;
        case DESK_SLOT_PRODUCT:
            return find_product(t, w, value);
        case DESK_SLOT_YES_NO:
            if (answers) *value = desk_is_yes(w) ? "yes" : desk_is_no(w) ? "no" : NULL;
            return LLMCS_OK;
        case DESK_SLOT_NUMBER:
        case DESK_SLOT_QUANTITY:
            return find_number(t, s, w, answers, value);
        case DESK_SLOT_DATE:
            return find_date(t, w, value);
        case DESK_SLOT_PHONE:
            return find_phone(t, w, value);
        case DESK_SLOT_EMAIL:
            return find_email(t, w, value);
        case DESK_SLOT_ADDRESS:
            return answers ? answered_address(t, s, w, value) : find_address(t, s, w, value);
        default:
            return answers ? find_text(t, s, w, value) : LLMCS_OK;
    }
}

static llmcs_status read_title(desk_turn *t, const char *id, const char **title) {
    shop_connection *own = t->writer && !t->writer->driver ? t->writer : NULL, *c = own;
    shop_query q;
    size_t n;
    if (!c) SHOP_TRY(shop_read_begin(t->desk->shop, &c));
    llmcs_status status = shop_query_begin(c, &q,
                                           "SELECT t.title FROM products p JOIN product_texts t ON t.product = p.row"
                                           " WHERE p.id = ?1 ORDER BY t.lang = ?2 DESC, t.row LIMIT 1",
                                           "ss", id, t->flows->langs[t->lang]);
    if (!status) status = shop_query_next(&q);
    if (!status) {
        const char *text = q.has_row ? shop_query_text(&q, 0, &n) : (n = strlen(id), id);
        status = shop_arena_copy(t->arena, text, n, title);
        shop_query_end(&q);
    }
    if (!own) shop_read_end(t->desk->shop, c);
    return status;
}

llmcs_status desk_value_show(desk_turn *t, int slot, const char *value, const char **shown) {
    const desk_slot *s = &t->flows->slots[slot];
    *shown = value;
    if (!value) return LLMCS_OK;
    if (s->type == DESK_SLOT_PRODUCT) return read_title(t, value, shown);
    for (const char *next = value; s->remark && (next = strstr(next, "; "));) *shown = next += 2; /* the last remark */
    for (size_t i = 0; i < s->n_options; i++) {
        if (strcmp(s->options[i].value, value) != 0 || !s->options[i].label) continue;
        desk_buffer b = {.allocator = &t->desk->allocator};
        const desk_values_in v = {.flows = t->flows, .lang = t->lang};
        desk_text_say(s->options[i].label, &v, &b, NULL);
        llmcs_status status = b.status;
        if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, shown);
        desk_buffer_free(&b);
        return status;
    }
    return LLMCS_OK;
}

int desk_from(const desk_turn *t, const desk_frame *frame, int slot) {
    return frame ? t->flows->flows[frame->flow].from[slot] : -1;
}

llmcs_status desk_choices(desk_turn *t, const desk_frame *frame, int slot, const desk_rows **rows) {
    const int from = desk_from(t, frame, slot);
    *rows = NULL;
    if (from < 0) return LLMCS_OK;
    if (t->flows->finds[from].personal && !t->c->customer_id) return LLMCS_OK;
    if (frame->finds[from]) {
        *rows = frame->finds[from];
        return LLMCS_OK;
    }
    SHOP_TRY(desk_find(t, frame, from, rows));
    ((desk_frame *)frame)->finds[from] = *rows;
    return LLMCS_OK;
}
