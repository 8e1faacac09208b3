/* Reads ages: digits, number words, Chinese numerals, years and months. */
#include "shop/recommend/age.h"

#include <string.h>

#include "shop/base/numeral.h"
#include "shop/base/utf8.h"

enum { MONTHS = 12, HALF = 6, HAN_BYTES = 3, OLDEST = 120 };

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A text of which bytes [at, n) are left. */
typedef struct reader {
    const char *text;
    size_t at, n;
} reader;

/* Skips the word if it stands here; a Latin one must be whole. */
static bool take(reader *r, const char *word) {
    const size_t m = strlen(word);
    if (r->at + m > r->n || memcmp(r->text + r->at, word, m) != 0) return false;
    if (is_letter(word[m - 1]) && r->at + m < r->n && is_letter(r->text[r->at + m])) return false;
    r->at += m;
    return true;
}

/* Skips the first of the words that stands here. */
static bool take_one(reader *r, const char *const *words) {
    for (; *words; words++)
        if (take(r, *words)) return true;
    return false;
}

static void skip_gap(reader *r) {
    while (r->at < r->n && (r->text[r->at] == ' ' || r->text[r->at] == '-')) r->at++;
}

/* ---- numbers */

static bool take_word_number(reader *r, unsigned int *value) {
    static const char *const words[] = {"one",   "two",  "three", "four",   "five",   "six",      "seven",
                                        "eight", "nine", "ten",   "eleven", "twelve", "thirteen", NULL};
    for (unsigned int i = 0; words[i]; i++)
        if (take(r, words[i])) {
            *value = i + 1;
            return true;
        }
    return false;
}

/* True if two digits in a row stand for "three or four": 三四岁. */
static bool is_pair(const char *text, size_t bytes) {
    unsigned int first, second;
    return bytes == 2 * (size_t)HAN_BYTES && shop_read_number(text, HAN_BYTES, &first) &&
           shop_read_number(text + HAN_BYTES, HAN_BYTES, &second) && first && first < 10 && second < 10 &&
           second > first;
}

/* Reads the fraction after a number as 12ths: ".5", " 1/2", " and a half". */
static unsigned int take_fraction(reader *r) {
    static const char *const halves[] = {" 1/2", "-1/2", "½", " ½", " and a half", "-and-a-half", NULL};
    if (take_one(r, halves)) return HALF;
    if (r->at + 1 >= r->n || (r->text[r->at] != '.' && r->text[r->at] != ',') || !is_digit(r->text[r->at + 1]))
        return 0;
    const unsigned int tenths = (unsigned int)(r->text[r->at + 1] - '0');
    for (r->at++; r->at < r->n && is_digit(r->text[r->at]);) r->at++;
    return tenths * MONTHS / 10;
}

/* A number, with its fraction in 12ths. */
typedef struct amount {
    unsigned int whole, twelfths;
} amount;

static bool take_number(reader *r, amount *a) {
    *a = (amount){0, 0};
    const char *here = r->text + r->at;
    const size_t bytes = shop_read_number(here, r->n - r->at, &a->whole);
    if (!bytes && !take_word_number(r, &a->whole)) return false;
    if (is_pair(here, bytes)) (void)shop_read_number(here, HAN_BYTES, &a->whole);
    r->at += bytes;
    a->twelfths = take_fraction(r);
    return true;
}

/* ---- units */

typedef enum unit { NO_UNIT, YEARS_OLD, MONTHS_OLD, YEARS, MONTHS_ALONE, SHORT_MONTHS } unit;

/* Reads the unit after a number. YEARS and MONTHS_ALONE may be durations: "3 years of warranty". SHORT_MONTHS may be
 * metres or a date: "3 m", 6月. */
static unit take_unit(reader *r) {
    static const char *const years_old[] = {"year old", "year-old", "years old", "years-old", "year olds", "year-olds",
                                            "yr old",   "yr-old",   "yrs old",   "y/o",       "y.o",       "yo",
                                            "yos",      "周岁",     "岁",        NULL};
    static const char *const months_old[] = {"month old",  "month-old",  "months old", "months-old", "month olds",
                                             "month-olds", "mo old",     "mos old",    "m/o",        "个多月大",
                                             "个月大",     "个月的宝宝", "月龄",       NULL};
    static const char *const years[] = {"years", "year", "yrs", "yr", "y", NULL};
    static const char *const months[] = {"months", "month", "mos", "mo", "个多月", "个月", NULL};
    static const char *const short_months[] = {"m", "月", NULL};
    skip_gap(r);
    if (take_one(r, years_old)) /* "3 yo-yos" is no age */
        return r->at < r->n && r->text[r->at] == '-' ? NO_UNIT : YEARS_OLD;
    if (take_one(r, months_old)) return MONTHS_OLD;
    if (take_one(r, years)) return YEARS;
    if (take_one(r, months)) return MONTHS_ALONE;
    return take_one(r, short_months) ? SHORT_MONTHS : NO_UNIT;
}

static bool is_years(unit u) { return u == YEARS_OLD || u == YEARS; }

static unsigned int to_months(const amount *a, unit u) {
    return a->whole > OLDEST ? UINT32_MAX : is_years(u) ? a->whole * MONTHS + a->twelfths : a->whole;
}

/* Skips what joins the ends of a range, or two ages: "3 to 5 years", "a 2 and a 4 year old". */
static bool take_joiner(reader *r) {
    static const char *const joiners[] = {" or a ", " or ", " to ", " and a ", " and ", "-",  "–",  "~",
                                          "/",      "～",   "、",   "到",      "至",    "或", "和", NULL};
    return take_one(r, joiners);
}

/* Reads "3 years" or the lower end of "3 to 5 years". */
static bool take_age(reader *r, amount *a, unit *u) {
    if (!take_number(r, a)) return false;
    const reader after = *r;
    *u = take_unit(r);
    if (*u) return true;
    amount second;
    *r = after;
    if (take_joiner(r) && take_number(r, &second) && (*u = take_unit(r)) != NO_UNIT) {
        if (second.whole < a->whole) *a = second;
        return true;
    }
    *r = after;
    return true;
}

/* ---- requests */

static bool ends_with_one(const char *text, size_t n, const char *const *words) {
    for (; *words; words++) {
        const size_t m = strlen(*words);
        if (n >= m && !memcmp(text + n - m, *words, m) &&
            (n == m || !is_letter(**words) || !is_letter(text[n - m - 1])))
            return true;
    }
    return false;
}

/* True for a bare number that is an age: "is 3", "aged 4", "turning 5 next week". */
static bool is_bare_age(const reader *r, size_t begin, bool child) {
    static const char *const aged[] = {"aged ", "age ", "ages ", "age of ", "turns ", "turning ", NULL};
    static const char *const is[] = {"is ",        "'s ",        "is only ",  "is just ",
                                     "is almost ", "is nearly ", "is about ", NULL};
    static const char *const after[] = {"and", "now", "next", "so", "but", "in", "today", "soon", "this", "who", NULL};
    if (ends_with_one(r->text, begin, aged)) return true;
    if (!child || !ends_with_one(r->text, begin, is)) return false;
    reader rest = *r;
    while (rest.at < rest.n && rest.text[rest.at] == ' ') rest.at++;
    return rest.at == rest.n || strchr(",.;!?", rest.text[rest.at]) || take_one(&rest, after);
}

static bool is_age(reader *r, size_t begin, unit u, bool child) {
    static const char *const no_age[] = {" ago", " warranty", " of", "前", "保修", "质保", "内", "后", NULL};
    if (u == YEARS_OLD || u == MONTHS_OLD) return true;
    if (!u) return is_bare_age(r, begin, child);
    reader rest = *r;
    return child && u != SHORT_MONTHS && !take_one(&rest, no_age);
}

/* Adds 半 after 岁, and takes "under 5" and 5岁以下 for less than 5. */
static unsigned int finish(reader *r, size_t begin, unsigned int months) {
    static const char *const under[] = {"under ", "below ", "younger than ", "不到", "不满", "未满", NULL};
    static const char *const below[] = {"以下", "以内", NULL};
    if (take(r, "半")) months += HALF;
    const bool less = ends_with_one(r->text, begin, under) || take_one(r, below);
    return less && months ? months - 1 : months;
}

static size_t step_at(const reader *r) {
    uint32_t code;
    return shop_utf8_decode((const unsigned char *)r->text + r->at, r->n - r->at, &code);
}

static bool begins_number(const reader *r) {
    return !r->at || (unsigned char)r->text[r->at] >= 0x80 || !is_letter(r->text[r->at - 1]);
}

bool shop_read_age(const char *text, size_t n, bool child, unsigned int *months) {
    static const char half_year[] = "半岁";
    bool any = false;
    for (reader r = {text, 0, n}; r.at < n;) {
        const size_t begin = r.at;
        amount a;
        unit u = NO_UNIT;
        unsigned int age;
        if (take(&r, half_year)) {
            age = HALF;
        } else if (!begins_number(&r) || !take_age(&r, &a, &u)) {
            r.at = begin + step_at(&r);
            continue;
        } else if (!is_age(&r, begin, u, child) || !(a.whole || a.twelfths)) {
            continue;
        } else {
            age = finish(&r, begin, to_months(&a, u ? u : YEARS));
        }
        if (!any || age < *months) *months = age;
        any = true;
    }
    return any;
}

/* ---- attributes */

unsigned int shop_read_least_age(const char *text, size_t n) {
    static const char *const most[] = {"up to ", "under ", "below ", "max ", "until ", NULL};
    static const char *const below[] = {"以下", "以内", NULL};
    for (reader r = {text, 0, n}; r.at < n;) {
        const size_t begin = r.at;
        amount a;
        unit u = NO_UNIT;
        if (!take_age(&r, &a, &u)) {
            r.at = begin + step_at(&r);
            continue;
        }
        if (ends_with_one(text, begin, most) || take_one(&r, below) || a.whole > OLDEST) return 0;
        return to_months(&a, u ? u : YEARS);
    }
    return 0;
}
