/* Reads vectors: the slots of a block that a search sees, and their scores. */
#ifndef LL_SEARCH_SCAN_H
#define LL_SEARCH_SCAN_H

#include "search/index.h"

/* A search's parameters, checked. */
typedef struct ll_filter {
    bool active; /* tags or numbers are conditions */
    bool has_range;
    uint64_t all, any, none;
    double min, max;
} ll_filter;

/* Shared by all threads of a search, read-only. */
typedef struct ll_scan {
    const llmcs_index *x;
    const ll_layout *layout;
    uint64_t version;
    ll_filter filter;
    const ll_ids *exclude; /* ids that are not returned */
    const uint64_t *masks; /* [blocks] ll_scan_mask of each block; NULL: not computed */

    size_t n;            /* queries */
    const float *floats; /* [n, row] prepared queries */
    const char *rows;    /* [n] rows that the panels are multiplied by, of stride bytes */
    size_t stride;
} ll_scan;

/* One thread's part. */
typedef struct ll_scanner {
    ll_top *tops;   /* [n] candidates of each query */
    float *scores;  /* [n, LL_BLOCK] */
    float *least;   /* [n] */
    uint64_t *bits; /* [n] */
    float *row;     /* [row] */
    uint64_t n_scored, n_passed, n_rescored;
} ll_scanner;

/* A bit for each slot that this version of the index has and the filter passes. */
uint64_t ll_scan_mask(const ll_scan *s, const ll_block *block);
/* Scores of the block's slots in `mask` with queries [first, first + n_queries); the best go to the scanner. next: the
 * block that is scored after it, to prefetch; or NULL. */
void ll_scan_block(const ll_scan *s, ll_scanner *t, const ll_block *block, uint64_t mask, size_t first,
                   size_t n_queries, const ll_block *next);
/* The same from the stored rows one by one, with final scores: for few slots. */
void ll_scan_rows(const ll_scan *s, ll_scanner *t, const ll_block *block, uint64_t mask, size_t first,
                  size_t n_queries);
/* What it costs to score the slots of a mask with one query, in bytes read in order; *by_rows: ll_scan_rows is cheaper
 * than ll_scan_block. */
size_t ll_scan_bytes(const ll_scan *s, uint64_t mask, bool *by_rows);
/* The final score of a slot: depends only on the query and the stored vector, both as float32. */
float ll_scan_score(const ll_scan *s, ll_scanner *t, size_t query, ll_slot slot);

#endif
