/* Dates: strftime_now formats the time that the caller gave, as Python's datetime.strftime does in the C locale.
 * Written by hand because strftime reads the locale, and localtime the environment. */
#include <string.h>

#include "chat/machine.h"

static const char *const DAYS[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_of(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* The first of January is 0. */
static int day_of_year(const ll_time *t) {
    int n = t->day - 1;
    for (int month = 1; month < t->month; month++) n += days_of(t->year, month);
    return n;
}

/* Sunday is 0. Sakamoto's method. */
static int day_of_week(int year, int month, int day) {
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    if (month < 3) year--;
    return (year + year / 4 - year / 100 + year / 400 + shift[month - 1] + day) % 7;
}

/* ISO 8601: weeks begin on Monday, and the first week contains the year's first Thursday. */
static int iso_week(const ll_time *t, int *year) {
    const int weekday = (day_of_week(t->year, t->month, t->day) + 6) % 7;
    const int week = (day_of_year(t) - weekday + 10) / 7;
    *year = t->year;
    if (week < 1) {
        const ll_time last = {.year = t->year - 1, .month = 12, .day = 31};
        return iso_week(&last, year);
    }
    const int thursday = day_of_year(t) - weekday + 3;
    if (thursday < 365 + is_leap(t->year)) return week;
    ++*year;
    return 1;
}

typedef struct number {
    int value, width;
    char pad;
} number;

/* Directives that print a number. */
static bool find_number(const ll_time *t, char c, number *out) {
    const int weekday = day_of_week(t->year, t->month, t->day), yday = day_of_year(t), hour12 = (t->hour + 11) % 12 + 1;
    int iso_year;
    const int week = iso_week(t, &iso_year);
    const struct {
        char directive;
        number n;
    } all[] = {{'d', {t->day, 2, '0'}},
               {'e', {t->day, 2, ' '}},
               {'m', {t->month, 2, '0'}},
               {'y', {t->year % 100, 2, '0'}},
               {'Y', {t->year, 1, '0'}},
               {'C', {t->year / 100, 2, '0'}},
               {'H', {t->hour, 2, '0'}},
               {'k', {t->hour, 2, ' '}},
               {'I', {hour12, 2, '0'}},
               {'l', {hour12, 2, ' '}},
               {'M', {t->minute, 2, '0'}},
               {'S', {t->second, 2, '0'}},
               {'j', {yday + 1, 3, '0'}},
               {'w', {weekday, 1, '0'}},
               {'u', {(weekday + 6) % 7 + 1, 1, '0'}},
               {'U', {(yday + 7 - weekday) / 7, 2, '0'}},
               {'W', {(yday + 7 - (weekday + 6) % 7) / 7, 2, '0'}},
               {'V', {week, 2, '0'}},
               {'G', {iso_year, 1, '0'}},
               {'g', {iso_year % 100, 2, '0'}},
               {'f', {0, 6, '0'}}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].directive != c) continue;
        *out = all[i].n;
        return true;
    }
    return false;
}

/* Directives that print text; NULL: not one of them. n: the most bytes of it to print. */
static const char *find_text(const ll_time *t, char c, int *n) {
    const char *text = NULL;
    *n = 100;
    switch (c) {
        case 'a':
            *n = 3;
            /* fall through */
        case 'A':
            text = DAYS[day_of_week(t->year, t->month, t->day)];
            break;
        case 'b':
        case 'h':
            *n = 3;
            /* fall through */
        case 'B':
            text = MONTHS[t->month - 1];
            break;
        case 'p':
            text = t->hour < 12 ? "AM" : "PM";
            break;
        case 'P':
            text = t->hour < 12 ? "am" : "pm";
            break;
        case 'n':
            text = "\n";
            break;
        case 't':
            text = "\t";
            break;
        case '%':
            text = "%";
            break;
        case 'z': /* a time without a zone */
        case 'Z':
            text = "";
            break;
        default:
            break;
    }
    return text;
}

/* Directives that abbreviate a format; NULL: not one of them. */
static const char *find_composed(char c) {
    switch (c) {
        case 'D':
        case 'x':
            return "%m/%d/%y";
        case 'F':
            return "%Y-%m-%d";
        case 'T':
        case 'X':
            return "%H:%M:%S";
        case 'R':
            return "%H:%M";
        case 'r':
            return "%I:%M:%S %p";
        case 'c':
            return "%a %b %e %H:%M:%S %Y";
        default:
            return NULL;
    }
}

/* Prints one directive that is no abbreviation. flag: '-', '_', '0' or 0. */
static llmcs_status put_directive(ll_machine *m, char flag, char c) {
    char text[32];
    number n;
    int len;
    const char *found = find_text(&m->now, c, &len);
    if (found) return ll_put(m, &m->scratch, found, ll_min(strlen(found), (size_t)len), LL_ORIGIN_DATA);
    if (!find_number(&m->now, c, &n)) return ll_unsupported(m, "the date format %%%c is not supported", c);
    const char pad = flag == '_' ? ' ' : flag == '0' ? '0' : n.pad;
    len = ll_format(text, sizeof text, "%d", n.value);
    for (int i = len; flag != '-' && i < n.width; i++) LL_TRY(ll_put_c(m, &m->scratch, pad));
    return ll_put(m, &m->scratch, text, (size_t)len, LL_ORIGIN_DATA);
}

static llmcs_status put_composed(ll_machine *m, const char *format) {
    for (; *format; format++) {
        if (*format != '%')
            LL_TRY(ll_put_c(m, &m->scratch, *format));
        else
            LL_TRY(put_directive(m, 0, *++format));
    }
    return LLMCS_OK;
}

llmcs_status ll_strftime(ll_machine *m, const ll_string *format, ll_value *out) {
    const size_t begin = m->scratch.n;
    for (size_t i = 0; i < format->n; i++) {
        if (format->text[i] != '%' || i + 1 == format->n) {
            LL_TRY(ll_put_part(m, &m->scratch, format, i, i + 1));
            continue;
        }
        char c = format->text[++i], flag = 0;
        if ((c == '-' || c == '_' || c == '0') && i + 1 < format->n) {
            flag = c;
            c = format->text[++i];
        }
        const char *composed = find_composed(c);
        LL_TRY(composed ? put_composed(m, composed) : put_directive(m, flag, c));
    }
    return ll_take(m, begin, out);
}

/* ---- reading */

static bool read_digits(const char **text, const char *end, int n, int *out) {
    *out = 0;
    for (int i = 0; i < n; i++, ++*text) {
        if (*text == end || **text < '0' || **text > '9') return false;
        *out = *out * 10 + (**text - '0');
    }
    return true;
}

static bool skip(const char **text, const char *end, char c) {
    return *text < end && **text == c ? ++*text, true : false;
}

bool ll_parse_time(const char *text, size_t n, ll_time *t) {
    const char *end = text + n;
    *t = (ll_time){0};
    if (!read_digits(&text, end, 4, &t->year) || !skip(&text, end, '-') || !read_digits(&text, end, 2, &t->month) ||
        !skip(&text, end, '-') || !read_digits(&text, end, 2, &t->day))
        return false;
    if (t->year < 1 || t->month < 1 || t->month > 12 || t->day < 1 || t->day > days_of(t->year, t->month)) return false;
    if (text == end) return true;
    if (!skip(&text, end, 'T') && !skip(&text, end, ' ')) return false;
    if (!read_digits(&text, end, 2, &t->hour) || !skip(&text, end, ':') || !read_digits(&text, end, 2, &t->minute))
        return false;
    if (text < end && (!skip(&text, end, ':') || !read_digits(&text, end, 2, &t->second))) return false;
    return text == end && t->hour < 24 && t->minute < 60 && t->second < 60;
}

/* Turns days since 1970 into a date: the proleptic Gregorian calendar by eras of 400 years (H. Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms"). */
ll_time ll_time_of_unix(int64_t seconds) {
    const int64_t rest = (seconds % 86400 + 86400) % 86400;
    const int64_t days = (seconds - rest) / 86400 + 719468; /* since 0000-03-01 */
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    ll_time t = {.hour = (int)(rest / 3600), .minute = (int)(rest / 60 % 60), .second = (int)(rest % 60)};
    t.day = (int)(of_year - (153 * month + 2) / 5 + 1);
    t.month = (int)(month < 10 ? month + 3 : month - 9);
    t.year = (int)(year + era * 400 + (t.month <= 2));
    return t;
}
