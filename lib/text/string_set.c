/* Building the set; lookups are inline in the header. */
#include "text/string_set.h"

#define LARGE ((size_t)1 << 17) /* words */

llmcs_status ll_string_set_init(ll_string_set *w, const llmcs_allocator *a, size_t n, uint64_t seed) {
    *w = (ll_string_set){.n_slots = 16, .seed = seed};
    /* At least half of them free; in large tables, which are not in the cache anyway, a quarter. */
    while (n < LARGE ? w->n_slots < 2 * n : 3 * w->n_slots < 4 * n) w->n_slots *= 2;
    return ll_alloc_zero(a, w->n_slots, sizeof *w->slot, "table of short tokens", &w->slot);
}

void ll_string_set_free(ll_string_set *w, const llmcs_allocator *a) {
    ll_free(a, w->slot);
    *w = (ll_string_set){0};
}

void ll_string_set_finish(ll_string_set *w) {
    for (size_t k = 0; k < w->n_waiting; k++) {
        size_t i = ll_word_slot(w, &w->waiting[k]);
        while (w->slot[i].n_bytes) i = (i + 1) & (w->n_slots - 1);
        w->slot[i] = w->waiting[k];
    }
    w->n_waiting = 0;
}

/* Entries wait in a small buffer while their slots are prefetched: inserted one at a time, each would wait for memory.
 */
void ll_string_set_add(ll_string_set *w, const char *word, size_t n, int32_t id) {
    ll_word packed = ll_word_pack(word, n);
    packed.id = id;
    __builtin_prefetch(&w->slot[ll_word_slot(w, &packed)], 1);
    w->waiting[w->n_waiting++] = packed;
    if (w->n_waiting == LL_WORDS_AT_ONCE) ll_string_set_finish(w);
}
