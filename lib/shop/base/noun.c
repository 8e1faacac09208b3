/* Compares English nouns by the rules of their plural endings. */
#include "shop/base/noun.h"

#include <string.h>

enum { LEAST_LETTERS = 3 };

/* How an ending changes in the plural. */
static const struct {
    const char *one, *more;
} plurals[] = {{"", "s"},    {"s", "ses"},   {"x", "xes"},   {"z", "zes"}, {"o", "oes"},
               {"y", "ies"}, {"sh", "shes"}, {"ch", "ches"}, {"f", "ves"}, {"fe", "ves"}};

static bool ends_with(const char *word, size_t n, const char *ending, size_t bytes) {
    return bytes <= n && !memcmp(word + n - bytes, ending, bytes);
}

static bool is_plural(const char *more, size_t m, const char *one, size_t n) {
    if (n < LEAST_LETTERS || m <= n) return false;
    for (size_t i = 0; i < sizeof plurals / sizeof *plurals; i++) {
        const size_t cut = strlen(plurals[i].one), put = strlen(plurals[i].more);
        if (m - n != put - cut || !ends_with(one, n, plurals[i].one, cut)) continue;
        if (!cut && one[n - 1] == 's') continue; /* "bras" and "brass" */
        if (ends_with(more, m, plurals[i].more, put) && !memcmp(one, more, n - cut)) return true;
    }
    return false;
}

bool shop_same_noun(const char *a, size_t n, const char *b, size_t m) {
    if (n == m) return !memcmp(a, b, n);
    return n < m ? is_plural(b, m, a, n) : is_plural(a, n, b, m);
}
