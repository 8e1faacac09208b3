/*
 * Resolves which of the listed objects a message means: by status ("the one not sent yet"), goods, date,
 * price, place in the list, or "the other one". Each clue keeps the rows that match. If no row matches, all objects of
 * the customer are searched, and the flow explains why it does not apply to the one found.
 */
#include <string.h>

#include "shop/desk/desk.h"

enum {
    FEW_WORDS = 6, /* of an answer in which one weak word decides */
    LEAST_PRICE = 10,
    WEEK_SLACK_DAYS = 2, /* on a Monday, "last week" may be ten days ago */
    DAY = 86400,
    KIND_SCORE = 3 /* weight of a kind of goods; a title word counts 1 */
};

typedef enum extreme { NO_EXTREME, LATEST, OLDEST, CHEAPEST, DEAREST } extreme;

/* The clues of a message. */
typedef struct clues {
    const desk_words *w;
    bool *used; /* [w->folded_bytes] bytes that belong to a clue */
    const desk_status_words *status;
    bool dated, slack;
    int64_t from, until; /* seconds since 1970 */
    extreme extreme;
    bool other, all;
    size_t place;
    bool kind; /* names a kind of goods */
} clues;

/* Rows with their descriptive columns. */
typedef struct candidates {
    const desk_rows *rows;
    const desk_query *find;
    int status, date, price, title; /* column indices; -1: none */
    bool keep[DESK_MAX_ROWS];
    size_t n;
} candidates;

/* ---- words */

static void mark(clues *c, size_t at, size_t n) { memset(c->used + at, true, n * sizeof *c->used); }

/* Marks the longest of the phrases; false if none occurs. */
static bool take_longest(clues *c, const char *const *phrases, size_t n) {
    size_t best = 0, where = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t m = strlen(phrases[i]);
        const size_t at = m > best ? desk_find_phrase(c->w->folded, c->w->folded_bytes, phrases[i], 0) : SIZE_MAX;
        if (at == SIZE_MAX) continue;
        best = m;
        where = at;
    }
    if (best) mark(c, where, best);
    return best > 0;
}

static bool take_any(clues *c, const char *const *phrases) {
    size_t n = 0;
    while (phrases[n]) n++;
    return take_longest(c, phrases, n);
}

/* True for words that only point: "the one that", 的那个. With them, status, date and price count as clues even outside
 * an answer. */
bool desk_points(const desk_words *w) {
    static const char *const words[] = {"the one",    "that one",    "the ones",   "one from",    "one i",
                                        "order from", "orders from", "order that", "orders that", "order i got",
                                        "order of",   "one that's",  "one thats",  "one for",     "的那",
                                        "那个",       "那单",        "那件",       "那笔",        "的订单",
                                        "那双",       "的这",        "那一单",     "的单",        NULL};
    return desk_has_any(w, words);
}

/* Words that may surround a clue. */
static const char *const fill[] = {
    "the",       "one",      "ones",  "that",  "that's", "thats",     "which",   "is",     "was",     "it",     "it's",
    "its",       "my",       "a",     "an",    "for",    "from",      "of",      "and",    "what",    "about",  "how",
    "ok",        "okay",     "so",    "i",     "mean",   "meant",     "order",   "orders", "please",  "pls",    "with",
    "in",        "on",       "this",  "these", "those",  "then",      "just",    "no",     "not",     "yes",    "um",
    "uh",        "hi",       "hmm",   "well",  "got",    "bought",    "item",    "parcel", "package", "thing",  "think",
    "maybe",     "but",      "me",    "to",    "at",     "还",        "那",      "个",     "的",      "是",     "我",
    "这",        "单",       "件",    "笔",    "呢",     "吧",        "啊",      "买",     "订",      "就",     "要",
    "订单",      "一",       "双",    "条",    "只",     "款",        "种",      "了",     "也",      "和",     "有",
    "说",        "想",       "里",    "嗯",    "哦",     "好",        "应该",    "嘛",     "whats",   "what's", "up",
    "happening", "happened", "any",   "was",   "are",    "can",       "you",     "do",     "did",     "have",   "right",
    "theres",    "there's",  "there", "在吗",  "啥",     "来着",      "请问",    "里面",   "什么",    "发",     "has",
    "been",      "ever",     "sorry", "oops",  "still",  "yet",       "already", "now",    "还在",    "现在",   "they",
    "their",     "there",    "early", "mid",   "late",   "beginning", "end",     "start",  "middle",  "中旬",   "上旬",
    "下旬",      "月初",     "月底",  "月中",  "日",     "号",        "不对",    "包裹",   "东西",    "下",     "拍",
    "不是",      "套",       "台",    "把",    "本",     "盒",        "份",      "些",     NULL};

/* Counts the words that are no clue, no filler and no cue of the flow. */
static size_t words_left(clues *c, const desk_flow *flow) {
    size_t left = 0;
    const char *t = c->w->folded;
    const size_t n = c->w->folded_bytes;
    for (size_t k = 0; k < flow->n_cues; k++) (void)take_longest(c, flow->cues + k, 1);
    for (size_t k = 0; fill[k]; k++)
        for (size_t at = desk_find_phrase(t, n, fill[k], 0); at != SIZE_MAX;
             at = desk_find_phrase(t, n, fill[k], at + 1))
            mark(c, at, strlen(fill[k]));
    for (size_t i = 0, len; i < n; i += len) {
        const int32_t one = desk_char_at(t, n, i, &len);
        if (!desk_is_letter(one) || c->used[i]) continue;
        left++;
        for (size_t step; !desk_is_han(one) && i + len < n; len += step) {
            const int32_t next = desk_char_at(t, n, i + len, &step);
            if (!(desk_is_letter(next) && !desk_is_han(next)) && next != '\'') break;
        }
    }
    return left;
}

size_t desk_words_beside(const desk_turn *t, const desk_words *w, const desk_flow *flow) {
    clues c = {.w = w};
    if (shop_arena_alloc(t->arena, w->folded_bytes + 1, sizeof *c.used, &c.used)) return SIZE_MAX;
    return words_left(&c, flow);
}

/* ---- dates */

static const char *const months[12][4] = {{"january", "jan"},
                                          {"february", "feb"},
                                          {"march", "mar"},
                                          {"april", "apr"},
                                          {"in may", "from may", "of may", "may order"},
                                          {"june", "jun"},
                                          {"july", "jul"},
                                          {"august", "aug"},
                                          {"september", "sept", "sep"},
                                          {"october", "oct"},
                                          {"november", "nov"},
                                          {"december", "dec"}};
static const char *const han_months[12][3] = {
    {"1月", "一月"},    {"2月", "二月"},   {"3月", "三月"}, {"4月", "四月"}, {"5月", "五月"},
    {"6月", "六月"},    {"7月", "七月"},   {"8月", "八月"}, {"9月", "九月"}, {"10月", "十月", "10月份"},
    {"11月", "十一月"}, {"12月", "十二月"}};

/* Days since 1970 of a Gregorian date (Fliegel and Van Flandern), and back. */
static int64_t day_of(int64_t year, int64_t month, int64_t day) {
    const int64_t a = (month - 14) / 12;
    return (1461 * (year + 4800 + a)) / 4 + (367 * (month - 2 - 12 * a)) / 12 - (3 * ((year + 4900 + a) / 100)) / 4 +
           day - 32075 - 2440588;
}

static void month_of(int64_t seconds, int64_t *year, int64_t *month) {
    char text[16];
    desk_date_say(seconds, text);
    *year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    *month = (text[5] - '0') * 10 + (text[6] - '0');
}

static void set_days(clues *c, int64_t first, int64_t days) {
    c->dated = true;
    c->from = first * DAY;
    c->until = (first + days) * DAY;
}

static void set_month(clues *c, int64_t year, int64_t month) {
    const int64_t first = day_of(year, month, 1);
    set_days(c, first, (month == 12 ? day_of(year + 1, 1, 1) : day_of(year, month + 1, 1)) - first);
}

/* Reads and marks a number of at most two digits at byte i. */
static int64_t take_number(clues *c, size_t i) {
    const char *t = c->w->folded;
    int64_t number = 0;
    size_t n = 0;
    while (i + n < c->w->folded_bytes && n < 3 && t[i + n] >= '0' && t[i + n] <= '9')
        number = number * 10 + (t[i + n++] - '0');
    if (!n || n > 2) return 0;
    const bool ending =
        i + n + 2 <= c->w->folded_bytes && (!memcmp(t + i + n, "st", 2) || !memcmp(t + i + n, "nd", 2) ||
                                            !memcmp(t + i + n, "rd", 2) || !memcmp(t + i + n, "th", 2));
    mark(c, i, n + (ending ? 2 : 0));
    return number;
}

/* Returns the day next to a month: "2 november", "november 2nd", 11月2日; 0 if there is none. */
static int64_t day_beside(clues *c, size_t month, size_t n_month) {
    const char *t = c->w->folded;
    size_t i = month + n_month;
    while (i < c->w->folded_bytes && t[i] == ' ') i++;
    const int64_t after = take_number(c, i);
    if (after) return after;
    i = month;
    while (i && t[i - 1] == ' ') i--;
    if (i >= 3 && !memcmp(t + i - 3, " of", 3)) i -= 3;
    if (i >= 3 && t[i - 1] >= 'a' && t[i - 1] <= 'z' && t[i - 3] >= '0' && t[i - 3] <= '9') i -= 2;
    while (i && t[i - 1] >= '0' && t[i - 1] <= '9') i--;
    return take_number(c, i);
}

/* "October": the most recent one that has begun. */
static void find_month(clues *c, int64_t now) {
    int64_t year, month;
    month_of(now, &year, &month);
    for (int64_t m = 12; m >= 1; m--) { /* 十二月 before 二月 */
        const char *const *words[] = {han_months[m - 1], months[m - 1]};
        const size_t counts[] = {sizeof han_months[0] / sizeof *han_months[0], sizeof months[0] / sizeof *months[0]};
        for (size_t k = 0; k < 2; k++)
            for (size_t i = 0; i < counts[k] && words[k][i]; i++) {
                const size_t n = strlen(words[k][i]);
                const size_t at = desk_find_phrase(c->w->folded, c->w->folded_bytes, words[k][i], 0);
                if (at == SIZE_MAX ||
                    (at && c->w->folded[at] <= '9' && c->w->folded[at - 1] >= '0' && c->w->folded[at - 1] <= '9'))
                    continue;
                mark(c, at, n);
                set_month(c, m > month ? year - 1 : year, m);
                const int64_t day = day_beside(c, at, n);
                if (day >= 1 && day <= 31) set_days(c, c->from / DAY + day - 1, 1);
                return;
            }
    }
}

/* "The one from the 14th", 14号那个: the most recent such day. */
static void find_day(clues *c, int64_t now) {
    static const char *const before[] = {"the ", "from ", "on "};
    const char *t = c->w->folded;
    int64_t year, month;
    month_of(now, &year, &month);
    for (size_t i = 0; i + 2 < c->w->folded_bytes; i++) {
        if (t[i] < '0' || t[i] > '9' || (i && t[i - 1] >= '0' && t[i - 1] <= '9')) continue;
        size_t n = 1;
        while (i + n < c->w->folded_bytes && t[i + n] >= '0' && t[i + n] <= '9') n++;
        const char *end = t + i + n;
        const bool han = i + n + 3 <= c->w->folded_bytes && (!memcmp(end, "号", 3) || !memcmp(end, "日", 3));
        bool named = false;
        for (size_t k = 0; k < 3; k++) {
            const size_t m = strlen(before[k]);
            named =
                named ||
                (i >= m && !memcmp(t + i - m, before[k], m) && i + n + 2 <= c->w->folded_bytes &&
                 (!memcmp(end, "th", 2) || !memcmp(end, "st", 2) || !memcmp(end, "nd", 2) || !memcmp(end, "rd", 2)));
        }
        const int64_t day = han || named ? take_number(c, i) : 0;
        if (day < 1 || day > 31) continue;
        int64_t first = day_of(year, month, 1) + day - 1;
        if (first > now / DAY) first = day_of(month == 1 ? year - 1 : year, month == 1 ? 12 : month - 1, 1) + day - 1;
        set_days(c, first, 1);
        return;
    }
}

static void find_dates(clues *c, int64_t now) {
    static const char *const last_week[] = {"last week", "last week's", "a week ago", "上周", "上个星期",
                                            "上星期",    "上礼拜",      "上个礼拜",   NULL};
    static const char *const this_week[] = {"this week", "this week's", "这周",   "本周",
                                            "这个星期",  "这星期",      "这礼拜", NULL};
    static const char *const last_month[] = {"last month", "last month's", "上个月", "上月", NULL};
    static const char *const this_month[] = {"this month", "this month's", "这个月", "本月", NULL};
    static const char *const near[][5] = {{"today's", "today", "今天", "今儿", NULL},
                                          {"yesterday's", "yesterday", "昨天", "昨儿", NULL},
                                          {"the day before yesterday", "前天", NULL}};
    const int64_t today = now / DAY, monday = today - (today + 3) % 7; /* 1970-01-01 was a Thursday */
    int64_t year, month;
    month_of(now, &year, &month);
    if (take_any(c, last_week)) {
        set_days(c, monday - 7, 7);
        c->slack = true;
    } else if (take_any(c, this_week)) {
        set_days(c, monday, 7);
        c->slack = true;
    } else if (take_any(c, last_month)) {
        set_month(c, month == 1 ? year - 1 : year, month == 1 ? 12 : month - 1);
    } else if (take_any(c, this_month)) {
        set_month(c, year, month);
    } else {
        for (size_t i = 3; i-- > 0 && !c->dated;)
            if (take_any(c, near[i])) set_days(c, today - (int64_t)i, 1);
        if (!c->dated) find_month(c, now);
        if (!c->dated) find_day(c, now);
    }
}

/* ---- clues */

static void find_status(clues *c, const desk_described *d) {
    size_t best = 0, where = 0;
    for (size_t i = 0; i < d->n_statuses; i++)
        for (size_t k = 0; k < d->statuses[i].n_words; k++) {
            const char *word = d->statuses[i].words[k];
            const size_t n = strlen(word);
            const size_t at = n > best ? desk_find_phrase(c->w->folded, c->w->folded_bytes, word, 0) : SIZE_MAX;
            if (at == SIZE_MAX) continue;
            best = n;
            where = at;
            c->status = &d->statuses[i];
        }
    if (best) mark(c, where, best);
}

static void find_extreme(clues *c, bool answers) {
    static const char *const latest[] = {
        "latest order", "latest one", "newest order", "newest one", "most recent order", "most recent one",
        "last order",   "最新的",     "最近的",       "最近那",     "最近一单",          "刚下的",
        "刚买的",       "最后下的",   "最新那",       NULL};
    static const char *const latest_alone[] = {"latest", "newest", "most recent", "最新", "最近", NULL};
    static const char *const oldest[] = {"oldest", "earliest", "最早", "最老", "最旧", NULL};
    static const char *const cheapest[] = {"cheapest", "cheaper one", "least expensive", "最便宜", "便宜的那", NULL};
    static const char *const dearest[] = {"most expensive", "dearest", "priciest", "more expensive one",
                                          "最贵",           "贵的那",  NULL};
    if (take_any(c, latest) || (answers && take_any(c, latest_alone)))
        c->extreme = LATEST;
    else if (take_any(c, oldest))
        c->extreme = OLDEST;
    else if (take_any(c, cheapest))
        c->extreme = CHEAPEST;
    else if (take_any(c, dearest))
        c->extreme = DEAREST;
}

static bool find_other(clues *c) {
    static const char *const words[] = {"the other one", "the other order", "the other", "other one", "other order",
                                        "另一个",        "另外一个",        "另外那个",  "另一单",    "另外一单",
                                        "另一双",        "另一件",          NULL};
    return take_any(c, words);
}

static bool find_all(clues *c, bool answers) {
    static const char *const words[] = {
        "both of them", "both orders", "both of these", "all of them", "all orders", "two of them",
        "两个都",       "两单都",      "两个一起",      "两件都",      NULL};
    static const char *const alone[] = {"both", "都要", "都退", "都取消", "全部", NULL};
    return take_any(c, words) || (answers && take_any(c, alone));
}

static void find_kinds(clues *c, const desk_flows *f) {
    for (size_t i = 0; i < f->n_kinds; i++)
        c->kind = take_longest(c, f->kinds[i].words, f->kinds[i].n_words) || c->kind;
}

const desk_kind *desk_named_kind(const desk_turn *t, const desk_words *w, const char **word) {
    const desk_kind *found = NULL;
    size_t best = 0;
    for (size_t i = 0; i < t->flows->n_kinds; i++)
        for (size_t k = 0; k < t->flows->kinds[i].n_words; k++) {
            const size_t n = strlen(t->flows->kinds[i].words[k]);
            if (n <= best || !desk_has_phrase(w, t->flows->kinds[i].words[k])) continue;
            best = n;
            found = &t->flows->kinds[i];
            if (word) *word = t->flows->kinds[i].words[k];
        }
    return found;
}

/* ---- rows */

static int column_of(const desk_query *find, const char *name) {
    for (size_t i = 0; name && i < find->n_columns; i++)
        if (!strcmp(find->columns[i], name)) return (int)i;
    return -1;
}

static void take_rows(candidates *c, const desk_described *d, const desk_query *find, const desk_rows *rows) {
    *c = (candidates){.rows = rows, .find = find, .status = -1, .date = -1, .price = -1, .title = -1, .n = rows->n};
    if (d) {
        c->status = column_of(find, d->status);
        c->date = column_of(find, d->date);
        c->price = column_of(find, d->price);
        c->title = column_of(find, d->title);
    }
    for (size_t i = 0; i < rows->n; i++) c->keep[i] = true;
}

static const desk_cell *cell_at(const candidates *c, size_t row, int column) {
    return &c->rows->cells[row * c->rows->n_columns + (size_t)column];
}

static const char *id_at(const candidates *c, size_t row) { return cell_at(c, row, 0)->text; }

static void drop(candidates *c, size_t row) {
    if (c->keep[row]) c->n--;
    c->keep[row] = false;
}

static void keep_status(candidates *c, const desk_status_words *s) {
    for (size_t r = 0; c->status >= 0 && r < c->rows->n; r++) {
        const char *text = cell_at(c, r, c->status)->text;
        bool is = false;
        for (size_t i = 0; text && i < s->n_values; i++) is = is || !strcmp(text, s->values[i]);
        if (!is) drop(c, r);
    }
}

static void keep_dates(candidates *c, const clues *clue) {
    const int64_t slack[] = {0, WEEK_SLACK_DAYS * DAY};
    const candidates before = *c;
    for (size_t k = 0; k < (clue->slack ? 2u : 1u); k++) {
        *c = before;
        for (size_t r = 0; c->date >= 0 && r < c->rows->n; r++) {
            const double at = cell_at(c, r, c->date)->number;
            if (at < (double)(clue->from - slack[k]) || at >= (double)(clue->until + slack[k])) drop(c, r);
        }
        if (c->n) return;
    }
}

static void keep_extreme(candidates *c, extreme e) {
    const int column = e == LATEST || e == OLDEST ? c->date : c->price;
    const double sign = e == LATEST || e == DEAREST ? 1 : -1;
    size_t best = SIZE_MAX;
    for (size_t r = 0; column >= 0 && r < c->rows->n; r++)
        if (c->keep[r] &&
            (best == SIZE_MAX || sign * cell_at(c, r, column)->number > sign * cell_at(c, best, column)->number))
            best = r;
    for (size_t r = 0; best != SIZE_MAX && r < c->rows->n; r++)
        if (r != best) drop(c, r);
}

/* Keeps the rows whose price occurs in the text. */
static bool keep_price(candidates *c, clues *clue) {
    bool found = false;
    const char *t = clue->w->folded;
    for (size_t i = 0; c->price >= 0 && i < clue->w->folded_bytes;) {
        size_t n = 0;
        double number = 0;
        while (i + n < clue->w->folded_bytes && n < 9 && t[i + n] >= '0' && t[i + n] <= '9')
            number = number * 10 + (t[i + n++] - '0');
        const bool alone = n && (!i || !((t[i - 1] >= 'a' && t[i - 1] <= 'z') || t[i - 1] == '-'));
        for (size_t r = 0; alone && number >= LEAST_PRICE && r < c->rows->n && !found; r++)
            found = c->keep[r] && (int64_t)cell_at(c, r, c->price)->number == (int64_t)number;
        if (found) {
            mark(clue, i, n);
            for (size_t r = 0; r < c->rows->n; r++)
                if ((int64_t)cell_at(c, r, c->price)->number != (int64_t)number) drop(c, r);
            return true;
        }
        i += n ? n : 1;
    }
    return false;
}

/* Counts the marked words; each Han character counts 1, any other word 2. */
static size_t count_marked(const desk_words *w, const bool *marks) {
    size_t n = 0;
    bool inside = false;
    for (size_t i = 0, len; i < w->folded_bytes; i += len) {
        const int32_t c = desk_char_at(w->folded, w->folded_bytes, i, &len);
        const bool han = desk_is_han(c), word = !han && desk_is_letter(c);
        if (marks[i] && (han || (word && !inside))) n += han ? 1 : 2;
        inside = word;
    }
    return n;
}

/* Returns the titles of the rows as words, which title_of fills. */
static llmcs_status titles_of(desk_turn *t, const candidates *c, desk_words **words) {
    desk_titles *set = &t->titles[t->n_titles % 2];
    for (size_t i = 0; i < 2; i++)
        if (t->titles[i].rows == c->rows && t->titles[i].column == c->title) {
            *words = t->titles[i].words;
            return LLMCS_OK;
        }
    *set = (desk_titles){.rows = NULL};
    SHOP_TRY(shop_arena_alloc(t->arena, c->rows->n + 1, sizeof *set->words, &set->words));
    set->rows = c->rows;
    set->column = c->title;
    t->n_titles++;
    *words = set->words;
    return LLMCS_OK;
}

/* Reads the title of a row, or the row's line if it has no such column. *title: NULL if it is empty. */
static llmcs_status title_of(desk_turn *t, const candidates *c, size_t row, const desk_words **title) {
    desk_words *words;
    const char *text;
    SHOP_TRY(titles_of(t, c, &words));
    *title = &words[row];
    if (words[row].folded) return LLMCS_OK;
    if (c->title >= 0)
        text = cell_at(c, row, c->title)->text;
    else
        SHOP_TRY(desk_row_in_words(t, c->find, c->rows, row, &text));
    if (text) return desk_words_make(t->arena, text, strlen(text), &words[row]);
    *title = NULL;
    return LLMCS_OK;
}

/* Scores a row by its goods in the text: each title word once, plus kinds of goods. said: [n_said] kinds that the text
 * names. own: [clue->w->folded_bytes] scratch memory. */
static size_t title_score(const desk_words *title, clues *clue, const desk_kind *const *said, size_t n_said,
                          bool *own) {
    size_t common, score = 0;
    memset(own, 0, clue->w->folded_bytes * sizeof *own);
    (void)desk_overlap_marked(clue->w, title, &common, own);
    for (size_t i = 0; i < n_said; i++)
        if (desk_has_one(title, said[i]->titles, said[i]->n_titles)) score += KIND_SCORE;
    score += count_marked(clue->w, own);
    for (size_t i = 0; i < clue->w->folded_bytes; i++) clue->used[i] = clue->used[i] || own[i];
    return score;
}

/* Keeps the rows whose goods match best. *named: the text names goods. */
static llmcs_status keep_titles(desk_turn *t, candidates *c, clues *clue, bool *named) {
    size_t scores[DESK_MAX_ROWS] = {0}, best = 0, n_said = 0;
    const desk_kind **said;
    bool *own;
    SHOP_TRY(shop_arena_alloc(t->arena, t->flows->n_kinds + 1, sizeof(void *), &said));
    SHOP_TRY(shop_arena_alloc(t->arena, clue->w->folded_bytes + 1, sizeof *own, &own));
    for (size_t i = 0; i < t->flows->n_kinds; i++) {
        const desk_kind *kind = &t->flows->kinds[i];
        if (desk_has_one(clue->w, kind->words, kind->n_words)) said[n_said++] = kind;
    }
    for (size_t r = 0; r < c->rows->n; r++) {
        const desk_words *title;
        if (!c->keep[r]) continue;
        SHOP_TRY(title_of(t, c, r, &title));
        if (title) scores[r] = title_score(title, clue, said, n_said, own);
        if (scores[r] > best) best = scores[r];
    }
    *named = best > 0;
    if (clue->kind && best < KIND_SCORE) best = KIND_SCORE; /* "shoes" does not match the title "shoe cabinet, black" */
    for (size_t r = 0; (*named || clue->kind) && r < c->rows->n; r++)
        if (scores[r] < best) drop(c, r);
    return LLMCS_OK;
}

static void keep_other(const desk_turn *t, const desk_frame *frame, int slot, candidates *c) {
    const char *known = frame->slots[slot] ? frame->slots[slot] : t->c->mentioned[slot];
    for (size_t r = 0; r < c->rows->n; r++) {
        bool offered = !t->c->n_offered;
        for (size_t k = 0; k < t->c->n_offered; k++) offered = offered || !strcmp(t->c->offered[k], id_at(c, r));
        if (!offered || (known && !strcmp(known, id_at(c, r)))) drop(c, r);
    }
}

/* True if both titles name goods of the same kind. */
static bool same_kind(const desk_flows *f, const desk_words *one, const desk_words *other) {
    for (size_t i = 0; i < f->n_kinds; i++) {
        const desk_kind *kind = &f->kinds[i];
        if (desk_has_one(one, kind->titles, kind->n_titles) && desk_has_one(other, kind->titles, kind->n_titles))
            return true;
    }
    return false;
}

/* "The navy one" with several matches: prefers the kind of the known order. */
static llmcs_status prefer_kind(desk_turn *t, const char *known, candidates *c) {
    const desk_words *title = NULL, *other;
    candidates of_kind = *c;
    for (size_t r = 0; known && c->title >= 0 && r < c->rows->n; r++)
        if (id_at(c, r) && !strcmp(id_at(c, r), known)) SHOP_TRY(title_of(t, c, r, &title));
    for (size_t r = 0; title && r < c->rows->n; r++) {
        if (!c->keep[r]) continue;
        SHOP_TRY(title_of(t, c, r, &other));
        if (other && !same_kind(t->flows, title, other)) drop(&of_kind, r);
    }
    if (title && of_kind.n) *c = of_kind;
    return LLMCS_OK;
}

static void take_ids(const candidates *c, desk_reference *ref) {
    ref->n = 0;
    for (size_t r = 0; r < c->rows->n && ref->n < DESK_MAX_LISTED; r++)
        if (c->keep[r] && id_at(c, r)) ref->ids[ref->n++] = id_at(c, r);
}

/* ---- a reference */

static llmcs_status read_clues(desk_turn *t, const desk_slot *s, const desk_words *w, bool answers, clues *c) {
    *c = (clues){.w = w};
    SHOP_TRY(shop_arena_alloc(t->arena, w->folded_bytes + 1, sizeof *c->used, &c->used));
    find_kinds(c, t->flows);
    if (!s->described) return LLMCS_OK;
    c->other = (answers || desk_count_words(w->folded, w->folded_bytes) <= FEW_WORDS) && find_other(c);
    c->all = find_all(c, answers);
    find_extreme(c, answers);
    find_status(c, s->described);
    if (answers || desk_points(w))
        find_dates(c, t->now);
    else
        c->status = NULL; /* "has it been sent" asks about the status */
    return LLMCS_OK;
}

static bool has_clue(const clues *c) { return c->status || c->dated || c->extreme || c->other || c->all || c->kind; }

/* Keeps the rows that match every clue. *describes: there was a clue. */
static llmcs_status fit(desk_turn *t, int slot, bool answers, clues *clue, candidates *c, bool *describes) {
    bool named;
    *describes = has_clue(clue);
    if (clue->other) keep_other(t, desk_top(t), slot, c);
    if (clue->status) keep_status(c, clue->status);
    if (clue->dated) keep_dates(c, clue);
    if ((answers || desk_points(clue->w)) && keep_price(c, clue)) *describes = true;
    SHOP_TRY(keep_titles(t, c, clue, &named));
    *describes = *describes || named;
    if (clue->extreme) keep_extreme(c, clue->extreme);
    return LLMCS_OK;
}

/* Resolves a place in the list shown last: "the second one". */
static bool place_in_list(desk_turn *t, int slot, const desk_rows *rows, const desk_words *w, bool answers,
                          desk_reference *ref) {
    const bool asked = answers && !desk_top(t)->slots[slot];
    const size_t n = t->c->n_offered ? t->c->n_offered : asked ? shop_min(rows->n, DESK_MAX_LISTED) : 0;
    size_t place = n ? desk_ordinal(w, n) : 0;
    if (!place && t->c->n_offered) place = desk_place_named(w, n);
    if (!place || place > n) return false;
    const char *id = t->c->n_offered ? t->c->offered[place - 1] : rows->cells[(place - 1) * rows->n_columns].text;
    if (!id) return false;
    ref->describes = ref->strong = true;
    ref->ids[0] = id;
    ref->n = 1;
    return true;
}

/* Returns all objects of the customer, read once per frame and turn. */
static llmcs_status all_objects(desk_turn *t, desk_frame *frame, int find, const desk_rows **rows) {
    if (!frame->all || frame->all_find != find) {
        SHOP_TRY(desk_find(t, frame, find, &frame->all));
        frame->all_find = find;
    }
    *rows = frame->all;
    return LLMCS_OK;
}

/* Tries the clues on all objects of the customer, for one that the flow does not offer. */
static llmcs_status fit_all(desk_turn *t, int slot, const desk_words *w, bool answers, desk_reference *ref) {
    const desk_slot *s = &t->flows->slots[slot];
    const desk_rows *rows;
    clues clue;
    candidates c;
    bool describes;
    if (!s->described || s->described->all < 0 || !t->c->customer_id) return LLMCS_OK;
    SHOP_TRY(all_objects(t, desk_top(t), s->described->all, &rows));
    SHOP_TRY(read_clues(t, s, w, answers, &clue));
    if (!rows->n) return LLMCS_OK;
    take_rows(&c, s->described, &t->flows->finds[s->described->all], rows);
    SHOP_TRY(fit(t, slot, answers, &clue, &c, &describes));
    if (!describes || !c.n || c.n == rows->n) return LLMCS_OK;
    const char *known = desk_top(t)->slots[slot] ? desk_top(t)->slots[slot] : t->c->mentioned[slot];
    if (!clue.kind && c.n > 1) SHOP_TRY(prefer_kind(t, known, &c));
    if (!answers) keep_extreme(&c, LATEST); /* the flow offers none of them and explains why for the latest */
    /* A single title word inside a sentence is no description. */
    const size_t left = words_left(&clue, &t->flows->flows[desk_top(t)->flow]);
    const bool strong = clue.kind || clue.status || clue.dated || clue.extreme;
    if (!strong && left && !(answers && desk_count_words(w->folded, w->folded_bytes) <= FEW_WORDS)) return LLMCS_OK;
    ref->describes = true;
    ref->pure = !left;
    ref->goods = clue.kind;
    ref->strong = strong || desk_points(w);
    take_ids(&c, ref);
    return LLMCS_OK;
}

llmcs_status desk_refer(desk_turn *t, int slot, const desk_words *w, bool answers, desk_reference *ref) {
    const desk_frame *frame = desk_top(t);
    const desk_slot *s = &t->flows->slots[slot];
    const desk_rows *rows;
    clues clue;
    candidates c;
    *ref = (desk_reference){.n = 0};
    SHOP_TRY(desk_offers(t, frame, slot, &rows));
    if (!rows || !w->folded_bytes) return LLMCS_OK;
    if (place_in_list(t, slot, rows, w, answers, ref)) {
        ref->pure = desk_count_words(w->folded, w->folded_bytes) <= FEW_WORDS;
        return LLMCS_OK;
    }
    SHOP_TRY(read_clues(t, s, w, answers, &clue));
    if (rows->n) {
        take_rows(&c, s->described, &t->flows->finds[desk_from(t, frame, slot)], rows);
        SHOP_TRY(fit(t, slot, answers, &clue, &c, &ref->describes));
        if (ref->describes) take_ids(&c, ref);
        ref->pure = ref->describes && !words_left(&clue, &t->flows->flows[desk_top(t)->flow]);
        ref->all = clue.all;
        ref->goods = clue.kind && ref->n;
        ref->strong = has_clue(&clue) || desk_points(w);
        if (ref->describes && c.n == rows->n && rows->n > 1 && !clue.all) { /* matches every row: no clue */
            *ref = (desk_reference){.n = 0};
            return LLMCS_OK;
        }
        if (ref->n) return LLMCS_OK;
    }
    const bool described = ref->describes || has_clue(&clue);
    SHOP_TRY(fit_all(t, slot, w, answers, ref));
    if (described && !ref->n) ref->describes = true;
    return LLMCS_OK;
}

/* "Both": queues the flow for the other objects. */
static void queue_others(desk_turn *t, int flow, const desk_reference *ref) {
    for (size_t i = 1; i < ref->n && t->c->n_queue < DESK_MAX_QUEUE; i++)
        t->c->queue[t->c->n_queue++] = (desk_request){.text = ref->ids[i], .label = "", .score = 1, .flow = flow};
}

/* If the description fits several objects or none, the next question lists them or says so. */
llmcs_status desk_refer_value(desk_turn *t, int slot, const desk_words *w, bool answers, const char **value) {
    desk_frame *frame = desk_top(t);
    desk_reference ref;
    *value = NULL;
    SHOP_TRY(desk_refer(t, slot, w, answers, &ref));
    if (!ref.describes) return LLMCS_OK;
    if (frame->slots[slot]) { /* a correction must name another object and little else */
        if (ref.pure && ref.strong && ref.n == 1) *value = ref.ids[0];
        return LLMCS_OK;
    }
    frame->unfit = !ref.n;
    if (ref.n == 1 || ref.all) *value = ref.ids[0];
    if (ref.all) queue_others(t, frame->flow, &ref);
    if (ref.n < 2 || ref.all) return LLMCS_OK;
    memcpy(frame->narrowed, ref.ids, sizeof frame->narrowed);
    frame->n_narrowed = ref.n;
    frame->shown = -1;
    return LLMCS_OK;
}

/* ---- candidates */

llmcs_status desk_offers(desk_turn *t, const desk_frame *frame, int slot, const desk_rows **rows) {
    const desk_slot *s = &t->flows->slots[slot];
    const desk_rows *all;
    desk_rows *some;
    desk_cell *cells;
    SHOP_TRY(desk_choices(t, frame, slot, rows));
    if (!*rows || !frame->n_narrowed) return LLMCS_OK;
    all = *rows;
    const int whole = s->described ? s->described->all : -1;
    if (whole >= 0 && t->flows->finds[whole].n_columns == t->flows->finds[desk_from(t, frame, slot)].n_columns)
        SHOP_TRY(desk_find(t, frame, whole, &all));
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *some, &some));
    SHOP_TRY(shop_arena_alloc(t->arena, frame->n_narrowed * all->n_columns, sizeof *cells, &cells));
    for (size_t i = 0; i < frame->n_narrowed; i++)
        for (size_t r = 0; r < all->n; r++) {
            const desk_cell *row = all->cells + r * all->n_columns;
            if (!row->text || strcmp(row->text, frame->narrowed[i]) != 0) continue;
            memcpy(cells + some->n++ * all->n_columns, row, all->n_columns * sizeof *cells);
            break;
        }
    some->n_columns = all->n_columns;
    some->cells = cells;
    if (some->n > 1) *rows = some; /* if only one is left, offer all */
    return LLMCS_OK;
}

llmcs_status desk_copy_ids(desk_turn *t, const desk_rows *rows, const char *ids[DESK_MAX_LISTED], size_t *n) {
    *n = 0;
    for (size_t r = 0; r < rows->n && *n < DESK_MAX_LISTED; r++) {
        const char *id = rows->cells[r * rows->n_columns].text;
        if (!id) continue;
        SHOP_TRY(shop_arena_copy(t->arena, id, strlen(id), &ids[*n]));
        ++*n;
    }
    return LLMCS_OK;
}

llmcs_status desk_keep_offered(desk_turn *t, const desk_rows *rows) {
    t->c->n_listed = 0;
    return desk_copy_ids(t, rows, t->c->offered, &t->c->n_offered);
}
