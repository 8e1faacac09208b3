/* Quick check of Unicode's normal form C (UAX #15, section 9), from utf8proc's data. */
#include "text/nfc.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <utf8proc.h>

#include "text/split_char.h"
#include "text/unicode.h"

#define N_CHARS 0x30000u /* no character from here on is changed by any normal form */

static uint64_t changes[N_CHARS / 64]; /* bit c: NFC may change, move or join it */
static pthread_once_t table_is_made = PTHREAD_ONCE_INIT;

/* True if the canonical decomposition of c does not lead back to it. */
static bool decomposes(uint32_t c) {
    uint32_t parts[LL_UC_MAX_DECOMPOSED];
    utf8proc_int32_t again[LL_UC_MAX_DECOMPOSED];
    const size_t n = ll_unicode_decompose(c, false, parts);
    for (size_t i = 0; i < n; i++) again[i] = (utf8proc_int32_t)parts[i];
    if (n == 1) return parts[0] != c;
    return utf8proc_normalize_utf32(again, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE) != 1 ||
           again[0] != (utf8proc_int32_t)c;
}

static bool may_change(uint32_t c) {
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
    const bool jamo = (c >= 0x1161 && c <= 0x1175) || (c >= 0x11a8 && c <= 0x11c2); /* join by rule, not by table */
    const bool second = p->comb_index != UINT16_MAX && p->comb_index >= 0x8000;     /* joins the one before it */
    if (p->combining_class || second || jamo) return true;
    return p->decomp_type == 0 && p->decomp_seqindex != UINT16_MAX && decomposes(c);
}

static void make_table(void) {
    for (uint32_t c = 0x80; c < N_CHARS; c++)
        if (may_change(c)) changes[c / 64] |= (uint64_t)1 << c % 64;
}

/* The first character at or after `at` whose bit is `bit`, or n. *before: the character before it, if any was passed.
 */
static size_t find(const char *text, size_t n, size_t at, bool bit, size_t *before) {
    uint32_t c;
    for (size_t len; at < n; at += len) {
        len = ll_char_at(text + at, &c);
        if ((c < N_CHARS && (changes[c / 64] >> c % 64 & 1)) == bit) return at;
        *before = at;
    }
    return n;
}

ll_nfc_range ll_nfc_next(const char *text, size_t n, size_t at) {
    pthread_once(&table_is_made, make_table);
    size_t begin = at, unused;
    const size_t first = find(text, n, at, true, &begin);
    if (first == n) return (ll_nfc_range){n, n};
    return (ll_nfc_range){begin, find(text, n, first, false, &unused)};
}
