/* Open addressing with linear probing; at most three quarters full. Removing closes the gap, so there are no marks of
 * removed entries, and a table that stays the same size is never copied. */
#include "search/ids.h"

#include <string.h>

#include "base/clock.h"
#include "base/xxh64.h"

static size_t first_place(const ll_ids *t, uint64_t id) {
    return (size_t)ll_xxh64(&id, sizeof id, t->key) & (t->capacity - 1);
}

/* The entry of the id, or the empty entry to insert it. */
static size_t find_place(const ll_ids *t, uint64_t id) {
    size_t i = first_place(t, id);
    while (t->slots[i] != LL_NO_SLOT && t->ids[i] != id) i = (i + 1) & (t->capacity - 1);
    return i;
}

static size_t capacity_for(const ll_ids *t, size_t n_more) {
    const size_t need = t->n + n_more;
    size_t capacity = t->capacity ? t->capacity : 64;
    while (capacity / 4 * 3 < need) capacity *= 2;
    return capacity;
}

uint64_t ll_ids_bytes(const ll_ids *t, size_t n_more) {
    return (uint64_t)capacity_for(t, n_more) * (sizeof *t->ids + sizeof *t->slots);
}

llmcs_status ll_ids_reserve(ll_ids *t, const llmcs_allocator *a, size_t n) {
    ll_ids fresh = {.capacity = capacity_for(t, n), .n = t->n, .key = t->key};
    if (fresh.capacity == t->capacity) return LLMCS_OK;
    if (!fresh.key) fresh.key = ll_now_ns() ^ (uint64_t)(uintptr_t)t;
    LL_TRY(ll_alloc(a, fresh.capacity, sizeof *fresh.ids, "index ids", &fresh.ids));
    llmcs_status st = ll_alloc(a, fresh.capacity, sizeof *fresh.slots, "index ids", &fresh.slots);
    if (st) {
        ll_free(a, fresh.ids);
        return st;
    }
    memset(fresh.slots, 0xff, fresh.capacity * sizeof *fresh.slots);
    for (size_t i = 0; i < t->capacity; i++) {
        if (t->slots[i] == LL_NO_SLOT) continue;
        const size_t at = find_place(&fresh, t->ids[i]);
        fresh.ids[at] = t->ids[i];
        fresh.slots[at] = t->slots[i];
    }
    ll_ids_free(t, a);
    *t = fresh;
    return LLMCS_OK;
}

void ll_ids_free(ll_ids *t, const llmcs_allocator *a) {
    ll_free(a, t->ids);
    ll_free(a, t->slots);
    *t = (ll_ids){.key = t->key};
}

uint32_t ll_ids_find(const ll_ids *t, uint64_t id) { return t->n ? t->slots[find_place(t, id)] : LL_NO_SLOT; }

uint32_t ll_ids_set(ll_ids *t, uint64_t id, uint32_t slot) {
    const size_t at = find_place(t, id);
    const uint32_t before = t->slots[at];
    if (before == LL_NO_SLOT) t->n++;
    t->ids[at] = id;
    t->slots[at] = slot;
    return before;
}

void ll_ids_remove(ll_ids *t, uint64_t id) {
    if (!t->n) return;
    size_t gap = find_place(t, id);
    if (t->slots[gap] == LL_NO_SLOT) return;
    t->n--;
    for (size_t i = gap;;) {
        i = (i + 1) & (t->capacity - 1);
        if (t->slots[i] == LL_NO_SLOT) break;
        /* The entry may move to the gap unless its home is after the gap. */
        const size_t from_first = (i - first_place(t, t->ids[i])) & (t->capacity - 1);
        if (from_first < ((i - gap) & (t->capacity - 1))) continue;
        t->ids[gap] = t->ids[i];
        t->slots[gap] = t->slots[i];
        gap = i;
    }
    t->slots[gap] = LL_NO_SLOT;
}
