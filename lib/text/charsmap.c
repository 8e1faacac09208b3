/* Reading the character map: every index from the file is checked where it is used. */
#include "text/charsmap.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "formats/bytes.h"

/* A unit of darts-clone: whether a key ends here, the byte it is reached by, and the distance to its children. */
static inline uint32_t unit_at(const ll_charsmap *m, size_t i) { return ll_load_u32(m->units + 4 * i); }
static inline bool has_leaf(uint32_t unit) { return unit >> 8 & 1; }
static inline uint32_t label_of(uint32_t unit) { return unit & 0x800000ffu; }
static inline size_t offset_of(uint32_t unit) { return (size_t)(unit >> 10) << ((unit & 0x200u) >> 6); }

ll_charsmap_walk ll_charsmap_begin(const ll_charsmap *m) {
    const uint32_t unit = unit_at(m, 0);
    return (ll_charsmap_walk){offset_of(unit), unit};
}

/* No key has a NUL byte. */
bool ll_charsmap_step(const ll_charsmap *m, ll_charsmap_walk *w, unsigned char byte) {
    const size_t next = w->node ^ byte;
    if (byte == 0 || next >= m->n_units) return false;
    w->unit = unit_at(m, next);
    w->node = next ^ offset_of(w->unit);
    return label_of(w->unit) == byte;
}

bool ll_charsmap_value(const ll_charsmap *m, const ll_charsmap_walk *w, const char **value, size_t *n_value) {
    if (!has_leaf(w->unit) || w->node >= m->n_units) return false;
    const size_t at = unit_at(m, w->node) & 0x7fffffffu;
    if (at >= m->n_values) return false;
    *value = m->values + at;
    *n_value = strnlen(*value, ll_min(m->n_values - at, LL_CHARSMAP_MAX_VALUE));
    return true;
}

size_t ll_charsmap_shortest(const ll_charsmap *m, const char *text, size_t n, const char **value, size_t *n_value) {
    ll_charsmap_walk w = ll_charsmap_begin(m);
    for (size_t i = 0; i < n && ll_charsmap_step(m, &w, (unsigned char)text[i]); i++)
        if (ll_charsmap_value(m, &w, value, n_value)) return i + 1;
    return 0;
}

/* Every replacement that text can lead to ends at a NUL or at the map's end. */
static llmcs_status check_values(const ll_charsmap *m, const char *path) {
    size_t longest = 0;
    for (size_t at = 0; at < m->n_values;) {
        const size_t n = strnlen(m->values + at, m->n_values - at);
        longest = ll_max(longest, n);
        at += n + 1;
    }
    if (longest <= LL_CHARSMAP_MAX_VALUE) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%s: a replacement of the precompiled charsmap has %zu bytes, at most %d are allowed",
                   path, longest, LL_CHARSMAP_MAX_VALUE);
}

static void find_plain(ll_charsmap *m) {
    for (uint32_t cp = 1; cp < 0x10000; cp++) {
        char utf8[4];
        const char *value;
        size_t n_value;
        if (cp >= 0xd800 && cp < 0xe000) continue;
        if (utf8proc_get_property((utf8proc_int32_t)cp)->boundclass != UTF8PROC_BOUNDCLASS_OTHER) continue;
        if (ll_charsmap_shortest(m, utf8, ll_utf8_encode(cp, utf8), &value, &n_value)) continue;
        m->plain[cp / 64] |= (uint64_t)1 << cp % 64;
    }
}

llmcs_status ll_charsmap_init(ll_charsmap *m, const llmcs_allocator *a, const char *blob, size_t n, const char *path) {
    *m = (ll_charsmap){0};
    const unsigned char *b = (const unsigned char *)blob;
    const size_t trie = n < 4 ? 0 : ll_load_u32(b);
    if (n < 8 || trie < 4 || trie % 4 || trie > n - 4)
        return ll_fail(LLMCS_TOKENIZER,
                       "%s: the precompiled charsmap has %zu bytes and says that its trie has %zu: expected a multiple "
                       "of 4 that fits; the file is damaged",
                       path, n, trie);
    *m = (ll_charsmap){.units = b + 4, .n_units = trie / 4, .values = blob + 4 + trie, .n_values = n - 4 - trie};
    LL_TRY(check_values(m, path));
    LL_TRY(ll_alloc_zero(a, 0x10000 / 64, sizeof *m->plain, "charsmap", &m->plain));
    find_plain(m);
    return LLMCS_OK;
}

void ll_charsmap_free(ll_charsmap *m, const llmcs_allocator *a) {
    ll_free(a, m->plain);
    *m = (ll_charsmap){0};
}

bool ll_cluster_ends(uint32_t before, uint32_t after, int32_t *state) {
    return utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)after, state);
}
