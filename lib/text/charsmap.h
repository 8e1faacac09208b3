/* The character map of a SentencePiece model (normalizer_spec.precompiled_charsmap): keys of UTF-8 and what replaces
 * them, looked up in the file's own double array (sentencepiece, src/normalizer.cc; darts-clone's units). */
#ifndef LL_TEXT_CHARSMAP_H
#define LL_TEXT_CHARSMAP_H

#include "base/alloc.h"

typedef struct ll_charsmap {
    const unsigned char *units; /* [n_units] of 4 bytes, little-endian; not aligned */
    size_t n_units;
    const char *values; /* NUL-terminated, one after the other */
    size_t n_values;    /* bytes */
    uint64_t *plain;    /* bit c: the character c below 0x10000 is a grapheme cluster by itself before another such
                           one, and no key begins with it alone */
} ll_charsmap;

/* Longest replacement; the longest of Unicode's has 33 bytes. */
#define LL_CHARSMAP_MAX_VALUE 255
/* Most characters of a key: a damaged map may have cycles. */
#define LL_CHARSMAP_MAX_KEY 255

/* blob must outlive the map. TOKENIZER, naming `path`, for a map whose sizes do not fit. */
llmcs_status ll_charsmap_init(ll_charsmap *m, const llmcs_allocator *a, const char *blob, size_t n, const char *path);
void ll_charsmap_free(ll_charsmap *m, const llmcs_allocator *a);

/* A walk through the keys, byte by byte. */
typedef struct ll_charsmap_walk {
    size_t node;
    uint32_t unit;
} ll_charsmap_walk;

ll_charsmap_walk ll_charsmap_begin(const ll_charsmap *m);
/* Advances by one byte; false: no key continues with it. */
bool ll_charsmap_step(const ll_charsmap *m, ll_charsmap_walk *w, unsigned char byte);
/* True if a key ends here; sets *value. */
bool ll_charsmap_value(const ll_charsmap *m, const ll_charsmap_walk *w, const char **value, size_t *n_value);

/* The shortest key that text begins with: its length, or 0 if there is none; sets *value. */
size_t ll_charsmap_shortest(const ll_charsmap *m, const char *text, size_t n, const char **value, size_t *n_value);

static inline bool ll_charsmap_is_plain(const ll_charsmap *m, uint32_t cp) {
    return cp < 0x10000 && (m->plain[cp / 64] >> cp % 64 & 1);
}

/* True if a grapheme cluster (UAX #29) ends between two characters; *state is 0 at the beginning of a text. */
bool ll_cluster_ends(uint32_t before, uint32_t after, int32_t *state);

#endif
