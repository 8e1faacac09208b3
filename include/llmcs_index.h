/*
 * llmcs_index.h - the vector index of libllmcs: the nearest of up to millions of vectors. Included by llmcs.h, whose
 * rules hold here. With ids [n] and vectors [n, 384], of llmcs_embed for example:
 *
 *     llmcs_index *index = NULL;
 *     llmcs_index_options options;
 *     llmcs_index_options_init(&options);
 *     options.dim = 384;
 *     llmcs_index_create(&options, &index);
 *     llmcs_index_put(index, ids, vectors, NULL, n);
 *     uint64_t nearest[10];
 *     float scores[10];
 *     size_t n_found = 0;
 *     llmcs_index_search(index, query, 1, NULL, nearest, scores, &n_found);
 *     llmcs_index_save(index, "titles.index");
 *     llmcs_index_free(&index);
 *
 * Below 50,000 vectors a search reads all of them: it is exact, and takes about a millisecond. For more,
 * llmcs_index_build divides the vectors into lists around centroids (inverted file, IVF; Jegou, Douze and Schmid 2011,
 * "Product quantization for nearest neighbor search", section 4), and a search reads the nearest lists only.
 * llmcs_index_measure says what that costs in recall.
 *
 * - Order. Best score first; equal scores by id, lower first. A score depends on the query and the stored vector alone:
 *   not on the other vectors, the lists, the number of threads or of queries in a call.
 * - Filters are evaluated while vectors are scored: if k vectors pass the filter, k are returned.
 * - Threads. Any number of threads may search, put, remove and save at once. A search sees the index as it was when the
 *   search began: each put and each remove as a whole or not at all. A search waits at most while one block is written;
 *   puts, removes and builds wait for each other.
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_INDEX_H
#define LLMCS_INDEX_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_index llmcs_index;

/* How vectors are stored. */
typedef enum llmcs_vector_type {
    LLMCS_VECTOR_F32 = 0, /* 4 bytes an element */
    LLMCS_VECTOR_F16 = 1, /* 2 bytes */
    LLMCS_VECTOR_INT8 =
        2 /* 1 byte and a scale per vector for the search, and the float16 of F16 for the final scores */
} llmcs_vector_type;

typedef enum llmcs_metric {
    LLMCS_METRIC_COSINE = 0, /* score = q v / (|q| |v|), higher is better; vectors are normalised when they are put */
    LLMCS_METRIC_DOT = 1,    /* score = q v, higher is better */
    LLMCS_METRIC_L2 = 2      /* score = |q - v|^2, lower is better */
} llmcs_metric;

/* Flags of llmcs_index_options. */
#define LLMCS_INDEX_NO_F16 \
    0x1u /* INT8: keep no float16 copy. A third of the memory; final scores are those of 8 bits */

typedef struct llmcs_index_options {
    size_t struct_size;
    int32_t dim;                /* [0] elements of a vector, 1 to 65536; llmcs_index_open: 0, or the file's dim */
    llmcs_vector_type type;     /* [INT8] llmcs_index_open: as in the file */
    llmcs_metric metric;        /* [COSINE] llmcs_index_open: as in the file */
    int32_t n_threads;          /* [0] of a search or build: 1 to 512; 0: as many as affinity and cgroup quota allow */
    uint32_t flags;             /* [0] LLMCS_INDEX_*; llmcs_index_open: as in the file */
    uint64_t max_bytes;         /* [0] LLMCS_LIMIT for a put, build or open that needs more memory; 0: no bound */
    uint64_t model_fingerprint; /* [0] of the model that makes the vectors, see llmcs_model_fingerprint; saved with
                                   the index. llmcs_index_open: LLMCS_STATE if the file names another; 0: any */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
} llmcs_index_options;

LLMCS_API void llmcs_index_options_init_sized(llmcs_index_options *options, size_t struct_size);
#define llmcs_index_options_init(options) llmcs_index_options_init_sized((options), sizeof *(options))

/* Makes an empty index. Errors: ARG NOMEM LIMIT THREAD UNSUPPORTED (LLMCS_CPU). */
LLMCS_API llmcs_status llmcs_index_create(const llmcs_index_options *options, llmcs_index **index);

/* Frees the index. No call may be using it. */
LLMCS_API void llmcs_index_free(llmcs_index **index);

/* 64 bits that tell encoders apart: the same for a model however its weights are stored. Two models that make different
 * vectors differ; an index that knows its model's fingerprint refuses another's. Errors: ARG STATE NO_HEAD (a decoder)
 * FORK. */
LLMCS_API llmcs_status llmcs_model_fingerprint(llmcs_model *model, uint64_t *fingerprint);

/* What a search can filter by. Frozen. */
typedef struct llmcs_item_tags {
    uint64_t tags; /* 64 tags, one a bit: category, language, in stock ... */
    double number; /* a price, a time ...; NaN: none, which is outside every range */
} llmcs_item_tags;

/* No item has this id. */
#define LLMCS_NO_ITEM UINT64_MAX

/* Puts n vectors: vectors is [n, dim]. A vector whose id is known replaces the old one, its tags included. tags: [n],
 * or NULL for no tags and no numbers. If an id occurs twice, its last vector counts. All n become visible to searches
 * at once. On failure nothing changes. Errors: ARG (the id LLMCS_NO_ITEM) NOMEM LIMIT NUMERIC (NaN,
 * infinity, or a norm above 1e15 or, with F16 and INT8, an element beyond float16; the message names the row) FORK. */
LLMCS_API llmcs_status llmcs_index_put(llmcs_index *index, const uint64_t *ids, const float *vectors,
                                       const llmcs_item_tags *tags, size_t n);

/* Removes the vectors with these ids. *n_removed (may be NULL): how many there were. Errors: ARG NOMEM FORK. */
LLMCS_API llmcs_status llmcs_index_remove(llmcs_index *index, const uint64_t *ids, size_t n, size_t *n_removed);

/* The vector of an id as it is stored, [dim], and its tags; either may be NULL. *found is 0 if there is none. Errors:
 * ARG FORK. */
LLMCS_API llmcs_status llmcs_index_get(llmcs_index *index, uint64_t id, float *vector, llmcs_item_tags *tags,
                                       int *found);

/* What a search did. Counts are of all its queries together. */
typedef struct llmcs_search_stats {
    size_t struct_size;
    uint64_t n_scored;   /* vectors whose score was computed */
    uint64_t n_passed;   /* of these, vectors that passed the filter */
    uint64_t n_lists;    /* lists read; 0: no lists were used, and the result is exact */
    uint64_t n_rescored; /* scores computed again from float16 or float32 */
    uint64_t ns;         /* time */
} llmcs_search_stats;

typedef struct llmcs_search_params {
    size_t struct_size;
    size_t k;                /* [10] results of a query, 1 to 10000 */
    int32_t exact;           /* [0] 1: read all vectors even if there are lists */
    int32_t n_probe;         /* [0] lists to read; 0: what llmcs_index_info.n_probe says. With a filter more, until k
                                vectors have passed or all lists are read */
    int32_t rescore;         /* [4] INT8: rescore * k candidates of the 8-bit search get their final scores; 1 to 64 */
    uint64_t tags_all;       /* [0] the filter: an item passes if it has all of these tags, */
    uint64_t tags_any;       /* [0] at least one of these (0: no condition), */
    uint64_t tags_none;      /* [0] none of these, */
    double number_min;       /* [-infinity] */
    double number_max;       /* [infinity] and its number is in this range, both ends included */
    const uint64_t *exclude; /* [NULL] ids that are not returned */
    size_t n_exclude;
    llmcs_search_stats *stats; /* [NULL] set stats->struct_size first */
} llmcs_search_params;

LLMCS_API void llmcs_search_params_init_sized(llmcs_search_params *params, size_t struct_size);
#define llmcs_search_params_init(params) llmcs_search_params_init_sized((params), sizeof *(params))

/* The k nearest vectors of each of n queries: queries is [n, dim]. ids and scores: [n, k], best first, padded with
 * LLMCS_NO_ITEM and the worst score (-infinity; L2: infinity) where fewer exist. n_found: [n], or NULL. params: NULL
 * for the defaults, k = 10. Queries of one call share the reading of vectors: 32 of them take about as long as two.
 * Errors: ARG NOMEM NUMERIC (a query is not finite or its norm is above 1e15) FORK. */
LLMCS_API llmcs_status llmcs_index_search(llmcs_index *index, const float *queries, size_t n,
                                          const llmcs_search_params *params, uint64_t *ids, float *scores,
                                          size_t *n_found);

typedef struct llmcs_index_info {
    size_t struct_size;
    uint64_t n_vectors;
    int32_t dim;
    llmcs_vector_type type;
    llmcs_metric metric;
    uint32_t flags;
    int32_t n_lists; /* 0: not built */
    int32_t n_probe; /* lists that a search reads by default */
    int32_t n_threads;
    uint64_t n_removed;         /* slots of vectors that were removed or replaced and are not reused yet */
    uint64_t bytes;             /* memory held */
    uint64_t model_fingerprint; /* 0: not known */
    const char *cpu;            /* kernel set in use: "scalar", "avx2", "neon", ... */
} llmcs_index_info;

/* Fills *info. Set info->struct_size = sizeof *info first. Errors: ARG FORK. */
LLMCS_API llmcs_status llmcs_index_get_info(llmcs_index *index, llmcs_index_info *info);

typedef struct llmcs_index_build_params {
    size_t struct_size;
    size_t min_vectors;         /* [50000] with fewer, nothing is built: reading all is fast enough */
    int32_t n_lists;            /* [0] 1 to 65536; 0: about two times the square root of the number of vectors */
    int32_t n_iterations;       /* [8] of k-means */
    int32_t sample;             /* [64] vectors of a list that k-means is trained on */
    uint64_t seed;              /* [0] same vectors, same seed: same lists */
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_index_build_params;

LLMCS_API void llmcs_index_build_params_init_sized(llmcs_index_build_params *params, size_t struct_size);
#define llmcs_index_build_params_init(params) llmcs_index_build_params_init_sized((params), sizeof *(params))

/* Divides the vectors into lists by k-means. Vectors that are put later go to the nearest list; build again when the
 * index has grown several times. Searches continue meanwhile with the old lists; puts and removes wait. While it
 * runs, the index needs twice its memory. On failure nothing changes. params: NULL for the defaults. The progress
 * callback must not put, remove or build. Errors: ARG NOMEM LIMIT CANCELLED FORK. */
LLMCS_API llmcs_status llmcs_index_build(llmcs_index *index, const llmcs_index_build_params *params);

typedef struct llmcs_index_measurement {
    size_t struct_size;
    double recall;         /* at k: share of the exact k nearest that the search returned, mean over the queries */
    double worst_recall;   /* of a query */
    double ms;             /* one query alone: median */
    double p99_ms;         /* and 99th percentile */
    double exact_ms;       /* the same with params->exact */
    double vectors_scored; /* of a query, mean */
    double lists_probed;
} llmcs_index_measurement;

/* Compares the search that params describes with the exact scan of float32 or float16 vectors, query by query. Queries:
 * [n, dim], at best real ones. Set measurement->struct_size first. Errors: as llmcs_index_search. */
LLMCS_API llmcs_status llmcs_index_measure(llmcs_index *index, const float *queries, size_t n,
                                           const llmcs_search_params *params, llmcs_index_measurement *measurement);

/* Sets the bytes of yours that are saved with the index: a table of names, for example. Copied; at most 2^32 - 1.
 * Errors: ARG NOMEM LIMIT FORK. */
LLMCS_API llmcs_status llmcs_index_set_attachment(llmcs_index *index, const void *bytes, size_t n_bytes);

/* Copies the attachment into `bytes` [capacity]; with bytes NULL, *n_bytes is its size. Errors: ARG BUFFER FORK. */
LLMCS_API llmcs_status llmcs_index_get_attachment(llmcs_index *index, void *bytes, size_t capacity, size_t *n_bytes);

/* Writes the index as it is now to one file. The file appears only when it is complete and on disk; until then, and
 * after a failure, an old one stays. Puts and removes continue meanwhile. Errors: ARG NOMEM IO NOSPACE FORK. */
LLMCS_API llmcs_status llmcs_index_save(llmcs_index *index, const char *path);

/* Opens a file of llmcs_index_save. Sizes are checked before memory is allocated, and every section has a checksum. The
 * file is not needed afterwards. options: NULL for the defaults. Errors: ARG (dim) NOMEM LIMIT IO FORMAT (names offset,
 * found and expected) CHANGED STATE (vectors of another model) THREAD UNSUPPORTED (a later version's file). */
LLMCS_API llmcs_status llmcs_index_open(const char *path, const llmcs_index_options *options, llmcs_index **index);

#ifdef __cplusplus
}
#endif
#endif
