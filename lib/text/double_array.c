/* Builds the double array. Keys are sorted byte by byte from the root down, one range of keys with a common prefix at a
 * time. Children of one node are in one block of 256 units, because base ^ byte changes the low byte only; a bitmap
 * gives the possible bases of a block for all 256 at once. */
#include "text/double_array.h"

#include <string.h>

#define BLOCK 256u
#define N_OPEN 6 /* blocks to try for a node with several children */

/* Keys [begin, end) share their first `depth` bytes, which lead to `node`. */
typedef struct range {
    size_t begin, end;
    uint32_t depth, node;
} range;

typedef struct free_bits {
    uint64_t word[4]; /* bit i: unit i of the block is free */
} free_bits;

typedef struct builder {
    ll_double_array *d;
    const llmcs_allocator *a;
    ll_double_array_key *keys, *sorted; /* sorted: a buffer for one range */
    free_bits *block;                   /* [d->n_units / BLOCK] */
    size_t block_capacity;
    uint32_t open[N_OPEN];
    size_t n_open;
    size_t first_free; /* no block before it has a free unit */
    range *stack;
    size_t n_stack;
} builder;

void ll_double_array_free(ll_double_array *d, const llmcs_allocator *a) {
    ll_free(a, d->unit);
    *d = (ll_double_array){0};
}

/* ---------------------------------------------------------------------------------------------- free units */

static llmcs_status add_block(builder *b, uint32_t *number) {
    ll_double_array *d = b->d;
    const size_t n_blocks = d->n_units / BLOCK;
    LL_TRY(ll_grow(b->a, &d->unit, d->n_units, &d->capacity, d->n_units + BLOCK, sizeof *d->unit, "token trie"));
    LL_TRY(ll_grow(b->a, &b->block, n_blocks, &b->block_capacity, n_blocks + 1, sizeof *b->block, "token trie"));
    for (size_t i = 0; i < BLOCK; i++) d->unit[d->n_units + i] = (ll_double_array_unit){0, LL_DOUBLE_ARRAY_NONE, -1};
    memset(&b->block[n_blocks], 0xff, sizeof *b->block);
    d->n_units += BLOCK;
    *number = (uint32_t)n_blocks;
    return LLMCS_OK;
}

/* Bit i of the result is bit i ^ c of the bits. */
static free_bits flip_index(const free_bits *bits, unsigned c) {
    static const uint64_t low[6] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu,
                                    0x00ff00ff00ff00ffu, 0x0000ffff0000ffffu, 0x00000000ffffffffu};
    free_bits out;
    for (unsigned w = 0; w < 4; w++) {
        uint64_t x = bits->word[w ^ c >> 6];
        for (unsigned k = 0; k < 6; k++)
            if (c >> k & 1) x = (x >> (1u << k) & low[k]) | (x & low[k]) << (1u << k);
        out.word[w] = x;
    }
    return out;
}

static bool is_full(const free_bits *bits) { return !(bits->word[0] | bits->word[1] | bits->word[2] | bits->word[3]); }

/* The low byte of a base at which all these children are free; BLOCK: there is none. */
static unsigned find_base(const free_bits *bits, const unsigned char *child, size_t n) {
    free_bits fits = flip_index(bits, child[0]);
    for (size_t i = 1; i < n && !is_full(&fits); i++) {
        const free_bits next = flip_index(bits, child[i]);
        for (unsigned w = 0; w < 4; w++) fits.word[w] &= next.word[w];
    }
    for (unsigned w = 0; w < 4; w++)
        if (fits.word[w]) return w * 64 + (unsigned)__builtin_ctzll(fits.word[w]);
    return BLOCK;
}

/* A block for one child: the first that has a free unit. */
static llmcs_status place_one(builder *b, unsigned char child, uint32_t *base) {
    uint32_t number;
    while (b->first_free < b->d->n_units / BLOCK && is_full(&b->block[b->first_free])) b->first_free++;
    number = (uint32_t)b->first_free;
    if (b->first_free == b->d->n_units / BLOCK) LL_TRY(add_block(b, &number));
    *base = number * BLOCK + find_base(&b->block[number], &child, 1);
    return LLMCS_OK;
}

/* A block for several: one of the last that were begun, else a new one. */
static llmcs_status place_many(builder *b, const unsigned char *child, size_t n, uint32_t *base) {
    uint32_t number;
    for (size_t i = 0; i < b->n_open; i++) {
        const unsigned low = find_base(&b->block[b->open[i]], child, n);
        if (low == BLOCK) continue;
        *base = b->open[i] * BLOCK + low;
        return LLMCS_OK;
    }
    LL_TRY(add_block(b, &number));
    if (b->n_open == N_OPEN) memmove(b->open, b->open + 1, --b->n_open * sizeof *b->open);
    b->open[b->n_open++] = number;
    *base = number * BLOCK + find_base(&b->block[number], child, n);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ the ranges */

#define SMALL_RANGE 16

/* Sorts the keys of a range by their byte at its depth, all of which have one. */
static void sort_range(builder *b, const range *r) {
    ll_double_array_key *key = b->keys + r->begin;
    const size_t n = r->end - r->begin;
    if (n <= SMALL_RANGE) {
        for (size_t i = 1; i < n; i++) {
            const ll_double_array_key moved = key[i];
            const unsigned char byte = (unsigned char)moved.bytes[r->depth];
            size_t k = i;
            for (; k > 0 && (unsigned char)key[k - 1].bytes[r->depth] > byte; k--) key[k] = key[k - 1];
            key[k] = moved;
        }
        return;
    }
    uint32_t at[257] = {0}; /* n_keys is at most LL_DOUBLE_ARRAY_MAX_BYTES */
    for (size_t i = 0; i < n; i++) at[(unsigned char)key[i].bytes[r->depth] + 1]++;
    for (size_t c = 1; c < 257; c++) at[c] += at[c - 1];
    for (size_t i = 0; i < n; i++) b->sorted[at[(unsigned char)key[i].bytes[r->depth]]++] = key[i];
    memcpy(key, b->sorted, n * sizeof *key);
}

/* Keys that end at the range's node give it their value and leave the range. */
static void take_ended(builder *b, range *r) {
    for (size_t i = r->begin; i < r->end; i++) {
        if (b->keys[i].n > r->depth) continue;
        b->d->unit[r->node].value = b->keys[i].value;
        b->keys[i] = b->keys[r->begin++];
    }
}

/* Gives the range's node its children, whose ranges go to the stack. */
static llmcs_status add_children(builder *b, range r) {
    unsigned char child[BLOCK];
    uint32_t first[BLOCK + 1], base = 0;
    size_t n = 0;
    take_ended(b, &r);
    if (r.begin == r.end) return LLMCS_OK;
    sort_range(b, &r);
    for (size_t i = r.begin; i < r.end; i++) {
        const unsigned char byte = (unsigned char)b->keys[i].bytes[r.depth];
        if (n && child[n - 1] == byte) continue;
        first[n] = (uint32_t)i;
        child[n++] = byte;
    }
    first[n] = (uint32_t)r.end;
    LL_TRY(n == 1 ? place_one(b, child[0], &base) : place_many(b, child, n, &base));
    b->d->unit[r.node].base = base;
    for (size_t i = 0; i < n; i++) {
        const uint32_t node = base ^ child[i];
        b->d->unit[node].parent = r.node;
        b->block[node / BLOCK].word[node % BLOCK / 64] &= ~((uint64_t)1 << node % 64);
        b->stack[b->n_stack++] = (range){first[i], first[i + 1], r.depth + 1, node};
    }
    return LLMCS_OK;
}

static llmcs_status build_ranges(builder *b, size_t n_keys) {
    uint32_t root;
    LL_TRY(add_block(b, &root));
    b->block[0].word[0] &= ~(uint64_t)1; /* the root's own unit */
    b->open[b->n_open++] = 0;
    b->stack[b->n_stack++] = (range){0, n_keys, 0, 0};
    while (b->n_stack) LL_TRY(add_children(b, b->stack[--b->n_stack]));
    return LLMCS_OK;
}

llmcs_status ll_double_array_build(ll_double_array *d, const llmcs_allocator *a, ll_double_array_key *keys,
                                   size_t n_keys) {
    *d = (ll_double_array){0};
    builder b = {.d = d, .a = a, .keys = keys};
    size_t n_bytes = 0;
    for (size_t i = 0; i < n_keys; i++) n_bytes += keys[i].n;
    if (n_bytes > LL_DOUBLE_ARRAY_MAX_BYTES)
        return ll_fail(LLMCS_LIMIT, "tokens of %zu bytes in all, at most %zu are supported", n_bytes,
                       LL_DOUBLE_ARRAY_MAX_BYTES);
    llmcs_status st;
    /* The ranges on the stack do not overlap, and each holds a key. */
    LL_TRY_GOTO(st, ll_alloc(a, n_keys + 1, sizeof *b.stack, "token trie", &b.stack), done);
    LL_TRY_GOTO(st, ll_alloc(a, n_keys, sizeof *b.sorted, "token trie", &b.sorted), done);
    st = build_ranges(&b, n_keys);
done:
    ll_free(a, b.stack);
    ll_free(a, b.sorted);
    ll_free(a, b.block);
    if (st) ll_double_array_free(d, a);
    return st;
}
