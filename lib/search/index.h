/*
 * The vector index (include/llmcs_index.h): who owns what.
 *
 * Vectors are stored in blocks of LL_BLOCK slots, packed into panels (kernels/panels.h), so that a search is a product
 * of kernels/. Blocks form lists; a flat index has one. A slot is written once and then belongs to its vector until the
 * block is emptied: a vector that is put again gets a new slot.
 *
 * Versions. Each put and each remove makes one version. A slot is visible in versions [born, died). A search works on
 * the version that was current when it began, so it needs no lock against the writer, except for the panels of a block
 * that is not full: the writer fills their free columns under the block's lock.
 *
 * An emptied block is reused when no search is left that began before it was emptied.
 */
#ifndef LL_SEARCH_INDEX_H
#define LL_SEARCH_INDEX_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "kernels/kernels.h"
#include "search/ids.h"
#include "search/lists.h"

#define LL_BLOCK LL_SCORES /* slots of a block; whole panels of every kernel set */
#define LL_FOR_EVER UINT64_MAX
#define LL_INDEX_MAX_DIM 65536
#define LL_INDEX_MAX_SLOTS ((size_t)1 << 31)
/* Largest squared norm of a vector or query: no score overflows. */
#define LL_INDEX_MAX_NORM 1e30f

/* How vectors are stored: fixed when the index is made. */
typedef struct ll_vector_format {
    llmcs_vector_type type;
    llmcs_metric metric;
    ll_weight_type panel_type;
    bool has_halves; /* float16 rows next to panels of 8 bits */
    size_t dim;
    size_t row; /* dim rounded up to LL_LANES: rows of floats and halves, padded with zeros */
    size_t nr, panel_bytes;
    size_t panels_bytes; /* of a block */
} ll_vector_format;

typedef struct ll_block {
    _Atomic uint64_t retired;   /* the version that emptied it; LL_FOR_EVER: in use */
    _Atomic uint32_t n_used;    /* slots [0, n_used) are written */
    _Atomic uint64_t last_born; /* of its slots */
    _Atomic uint64_t first_died;
    _Atomic uint64_t any_tags;       /* of its slots, dead ones included */
    _Atomic(struct ll_block *) next; /* in its list */
    pthread_mutex_t *lock;           /* of its panels and bias while n_used < LL_BLOCK */

    /* The writer's alone. */
    struct ll_block *previous, *queued; /* in its list; in a queue of the layout */
    uint64_t stamp;                     /* when it may leave the queue */
    uint32_t number, list, n_live;
    bool is_sparse; /* in the queue of sparse blocks */

    char *panels;
    float *bias;      /* [LL_BLOCK] L2: -|v|^2 / 2; else NULL */
    uint16_t *halves; /* [LL_BLOCK, row], or NULL */
    uint64_t *ids, *tags;
    double *numbers;
    uint64_t *born;
    _Atomic uint64_t *died;
} ll_block;

/* First in, first out. */
typedef struct ll_queue {
    ll_block *first, *last;
    size_t n;
} ll_queue;

/* Blocks that were allocated together. */
typedef struct ll_extent {
    ll_block *blocks;
    char *memory;
    size_t n_before; /* of the entry after a table's last; see grow_table */
} ll_extent;

#define LL_LOCKS 64

/* Blocks, and which list they are in. llmcs_index_build makes a new one. */
typedef struct ll_layout {
    size_t references; /* guarded by index->gate */
    size_t n_lists;    /* at least 1 */
    ll_centroids *centroids;
    _Atomic(ll_block *) *heads; /* [n_lists] */
    size_t n_probe;             /* lists that a search reads by default */
    size_t block_bytes;         /* of memory, everything included */
    size_t extent_blocks;       /* of the largest extents, a power of two */
    _Atomic(ll_extent *) extents;
    _Atomic size_t n_blocks;
    pthread_mutex_t locks[LL_LOCKS];
    size_t n_locks;

    /* The writer's alone. */
    ll_block **tails; /* [n_lists] */
    size_t n_extents, extent_capacity;
    /* An emptied block goes from queue to queue: sparse, its last vectors are moved; retired, older searches may still
     * need it; unlinked from its list, but older searches may still be at it; free. */
    ll_queue sparse, retired, unlinked, free;
    uint64_t n_dead;
    uint64_t bytes, outside_bytes; /* held; held by the layout that this one will replace */
} ll_layout;

/* A search that is running. */
typedef struct ll_reader {
    struct ll_reader *next, *previous;
    uint64_t version;
    uint64_t n_vectors;
    ll_layout *layout;
} ll_reader;

struct llmcs_index {
    pid_t owner;
    llmcs_allocator allocator;
    const ll_kernels *kernels;
    ll_pool *pool;
    ll_vector_format format;
    uint32_t flags;
    uint64_t max_bytes, model_fingerprint;

    pthread_mutex_t writer; /* held by put, remove, get, build */
    ll_ids ids;             /* where each id's current slot is; the writer's */
    unsigned char *attachment;
    size_t n_attachment;

    pthread_mutex_t gate; /* guards the rest */
    uint64_t version;
    ll_layout *layout;
    ll_reader *first_reader, *last_reader; /* in the order of their versions */
    uint64_t n_vectors;
};

/* ---- index.c */
llmcs_status ll_index_check(const llmcs_index *x);
/* Registers a search of the current version. */
void ll_reader_begin(llmcs_index *x, ll_reader *reader);
void ll_reader_end(llmcs_index *x, ll_reader *reader);
/* Publishes the writer's changes. n_vectors: the number of vectors now. */
void ll_index_publish(llmcs_index *x, uint64_t version, uint64_t n_vectors);
/* The same with a new layout; the old one is freed after its last search. */
void ll_index_replace_layout(llmcs_index *x, ll_layout *layout, uint64_t version);
/* The version of the oldest running search, or the current version. */
uint64_t ll_index_oldest(llmcs_index *x);
/* LIMIT if the index would hold more than max_bytes when its layouts hold layout_bytes. */
llmcs_status ll_index_reserve_bytes(const llmcs_index *x, uint64_t layout_bytes);
/* An empty index. options: checked. */
llmcs_status ll_index_create(const llmcs_index_options *options, llmcs_index **index);
llmcs_status ll_index_read_options(const llmcs_index_options *options, llmcs_index_options *out);

/* ---- search.c */
/* Defaults filled in, everything checked. params may be NULL. */
llmcs_status ll_search_read_params(const llmcs_search_params *params, llmcs_search_params *out);
/* llmcs_index_search with checked arguments. by_rows: score every vector that passes as float32 or float16, which is
 * what the other ways approximate. */
llmcs_status ll_index_search(llmcs_index *x, const float *queries, size_t n, const llmcs_search_params *params,
                             bool by_rows, uint64_t *ids, float *scores, size_t *n_found);

/* ---- layout.c */
llmcs_status ll_layout_create(const llmcs_index *x, size_t n_lists, ll_layout **layout);
void ll_layout_free(const llmcs_index *x, ll_layout *layout);
/* Block `number`, below n_blocks. */
ll_block *ll_layout_block(const ll_layout *layout, size_t number);

typedef struct ll_slot {
    ll_block *block;
    size_t at;
} ll_slot;
static inline uint32_t ll_slot_number(ll_slot s) { return s.block->number * LL_BLOCK + (uint32_t)s.at; }
ll_slot ll_layout_slot(const ll_layout *layout, uint32_t number);

/* Makes at least n blocks free. On NOMEM or LIMIT there may be more free blocks; nothing else changes. */
llmcs_status ll_layout_reserve(const llmcs_index *x, ll_layout *layout, size_t n);
/* Frees emptied blocks that no search needs any more. oldest: the version of the oldest search, version: the next one
 * to be published. */
void ll_layout_reclaim(ll_layout *layout, uint64_t oldest, uint64_t version);

/* An item of llmcs_index_put. */
typedef struct ll_item {
    uint64_t id;
    llmcs_item_tags tags;
} ll_item;
/* A new slot at the end of a list, for the writer to fill; its block is locked. */
ll_slot ll_layout_append(ll_layout *layout, size_t list);
/* Unlocks the block; the slot is visible once `version` is published. */
void ll_layout_publish(ll_slot s, const ll_item *item, uint64_t version);
/* The slot is not visible from `version` on. */
void ll_layout_kill(ll_layout *layout, ll_slot s, uint64_t version);
/* Moves the last vectors out of sparse blocks, tells ids, and retires the blocks. */
void ll_layout_compact(const llmcs_index *x, ll_layout *layout, uint64_t version, ll_ids *ids);

/* ---- rows.c */
/* x: [row] floats, padded with zeros; for types of 16 and 8 bits already rounded to float16. */
void ll_row_pack(const ll_vector_format *f, ll_block *block, size_t at, const float *x, const uint16_t *halves);
/* The stored row as floats [row]; of 8 bits without float16, scale times value. */
void ll_row_unpack(const ll_vector_format *f, const ll_block *block, size_t at, float *x);
/* A row of 8 bits as stored: its scale, then dim values. */
void ll_row_get_q8(const ll_vector_format *f, ll_slot s, float *scale, int8_t *values);
void ll_row_set_q8(const ll_vector_format *f, ll_slot s, float scale, const int8_t *values);
/* Copies a slot's panel column and halves; `to` may be in another block. */
void ll_row_copy(const ll_vector_format *f, ll_slot from, ll_slot to);
/* Checks and prepares a vector or query for the format's metric: normalised if COSINE, padded with zeros. halves may
 * be NULL; else the row is rounded to float16. what: "vectors" or "queries", for the message. */
llmcs_status ll_row_prepare(const llmcs_index *x, const char *what, size_t i, const float *from, float *row,
                            uint16_t *halves);
/* The same without rounding: checks that a vector can be stored. */
llmcs_status ll_row_check(const llmcs_index *x, const char *what, size_t i, const float *from, float *row);
void ll_panel_put_q8(char *panel, size_t nr, size_t j, size_t dim, const float *x);

#endif
