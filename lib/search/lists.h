/* Centroids of the lists, and the centroids nearest to a vector. */
#ifndef LL_SEARCH_LISTS_H
#define LL_SEARCH_LISTS_H

#include "kernels/kernels.h"
#include "search/top.h"

struct llmcs_index;

/* Absent in a flat index. Centroids are compared in 8 bits: a block of LL_SCORES of them at a time, as vectors are. */
typedef struct ll_centroids {
    size_t n, n_blocks;
    float *rows;  /* [n, row], for the file */
    char *panels; /* [n_blocks] */
    float *bias;  /* [n_blocks, LL_SCORES] -|c|^2 / 2; -infinity past n */
    size_t panel_bytes, panels_bytes;
} ll_centroids;

/* Centroids of n rows of zeros, to be filled by ll_centroids_set. */
llmcs_status ll_centroids_create(const struct llmcs_index *x, size_t n, ll_centroids **centroids);
void ll_centroids_free(const llmcs_allocator *a, ll_centroids *centroids);
/* Sets or replaces centroid i. row: [row] floats. */
void ll_centroids_set(const struct llmcs_index *x, ll_centroids *c, size_t i, const float *row);
uint64_t ll_centroids_bytes(const struct llmcs_index *x, size_t n);

/* Workspace to compare up to max_rows rows with centroids. */
typedef struct ll_nearest {
    size_t max_rows, stride;
    char *quantized; /* [max_rows] of stride bytes */
    float *scores;   /* [max_rows, LL_SCORES] */
    float *best;     /* [max_rows] */
    uint64_t *bits;  /* [max_rows] */
} ll_nearest;
llmcs_status ll_nearest_create(const struct llmcs_index *x, size_t max_rows, ll_nearest *w);
void ll_nearest_free(const struct llmcs_index *x, ll_nearest *w);

/* The list of each row: the one with the nearest centroid, on ties the first. rows: [n, row]. */
void ll_nearest_lists(const struct llmcs_index *x, const ll_centroids *c, ll_nearest *w, const float *rows, size_t n,
                      uint32_t *lists);
/* The lists that a query reads, most promising first, as many as `top` holds. */
void ll_nearest_probes(const struct llmcs_index *x, const ll_centroids *c, ll_nearest *w, const float *query,
                       ll_top *top);

#endif
