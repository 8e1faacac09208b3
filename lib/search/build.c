/*
 * llmcs_index_build: k-means (Lloyd 1982) on a sample, then every vector to the list of its nearest centroid. With
 * COSINE centroids are normalised (spherical k-means; Dhillon and Modha 2001).
 *
 * A centroid is the mean of its vectors in the order of the sample, computed by one thread, so the lists do not depend
 * on the number of threads. A centroid without vectors takes over half of the largest list: both get its place, moved
 * apart a little.
 */
#include <math.h>
#include <string.h>

#include "base/call.h"
#include "base/options.h"
#include "search/index.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO(llmcs_index_build_params, progress_user)
#define MAX_LISTS 65536
#define MAX_ITERATIONS 1000
#define MAX_SAMPLE 65536
#define ROWS 64                /* compared with the centroids at a time */
#define APART (1.0f / 1024.0f) /* how far the halves of a list are moved apart */
#define PROBED_SHARE 32        /* by default a search reads one list in so many */
#define LEAST_PROBES 8

typedef struct build {
    llmcs_index *x;
    llmcs_index_build_params params;
    size_t n_lists, n_sample, n_slots;
    ll_centroids *centroids;
    ll_layout *layout;
    float *sample;       /* [n_sample, row] */
    uint32_t *lists;     /* [n_sample or n_slots] the list of each row */
    uint32_t *order;     /* [n_sample or n_slots] rows by list */
    size_t *begins;      /* [n_lists + 1] where each list's rows begin in order */
    ll_nearest *nearest; /* [n_threads] */
    float *rows;         /* [n_threads, ROWS, row] */
    int n_threads;
    atomic_size_t next;
} build;

void llmcs_index_build_params_init_sized(llmcs_index_build_params *params, size_t struct_size) {
    const llmcs_index_build_params defaults = {
        .struct_size = sizeof defaults, .min_vectors = 50000, .n_iterations = 8, .sample = 64};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

static llmcs_status read_build_params(const llmcs_index_build_params *params, llmcs_index_build_params *out) {
    llmcs_index_build_params_init(out);
    if (params) LL_TRY(ll_options_in(out, sizeof *out, PARAMS_OLDEST, params, "llmcs_index_build_params"));
    if (out->n_lists < 0 || out->n_lists > MAX_LISTS)
        return ll_fail(LLMCS_ARG, "n_lists: %d is not valid (0 to %d)", (int)out->n_lists, MAX_LISTS);
    if (out->n_iterations < 1 || out->n_iterations > MAX_ITERATIONS)
        return ll_fail(LLMCS_ARG, "n_iterations: %d is not valid (1 to %d)", (int)out->n_iterations, MAX_ITERATIONS);
    if (out->sample < 1 || out->sample > MAX_SAMPLE)
        return ll_fail(LLMCS_ARG, "sample: %d is not valid (1 to %d)", (int)out->sample, MAX_SAMPLE);
    return LLMCS_OK;
}

static llmcs_status report_progress(const build *b, float done) {
    if (!b->params.progress) return LLMCS_OK;
    ll_call *call = ll_callback_begin();
    const int stop = b->params.progress(b->params.progress_user, done);
    ll_callback_end(call);
    return stop ? ll_fail(LLMCS_CANCELLED, "index build: cancelled by the progress callback") : LLMCS_OK;
}

/* ---- workspace */

/* About 2 sqrt(n), whole blocks of centroids: reading centroids then costs about as much as reading lists. */
static size_t default_lists(size_t n) {
    const size_t lists = (size_t)(2.0 * sqrt((double)n));
    return ll_max(ll_min(ll_round_up(lists, LL_SCORES), MAX_LISTS), LL_SCORES);
}

static llmcs_status allocate_build(build *b, size_t n) {
    const llmcs_index *x = b->x;
    const llmcs_allocator *a = &x->allocator;
    const size_t row_bytes = x->format.row * sizeof(float);
    b->n_lists = ll_min(b->params.n_lists ? (size_t)b->params.n_lists : default_lists(n), n);
    b->n_sample = ll_min(n, b->n_lists * (size_t)b->params.sample);
    b->n_slots = atomic_load(&x->layout->n_blocks) * LL_BLOCK;
    b->n_threads = ll_pool_size(x->pool);
    LL_TRY(ll_index_reserve_bytes(
        x, x->layout->bytes + b->n_sample * row_bytes + b->n_slots * 8 + ll_centroids_bytes(x, b->n_lists)));
    LL_TRY(ll_alloc(a, b->n_sample, row_bytes, "index build", &b->sample));
    LL_TRY(ll_alloc(a, b->n_slots, sizeof *b->lists, "index build", &b->lists));
    LL_TRY(ll_alloc(a, b->n_slots, sizeof *b->order, "index build", &b->order));
    LL_TRY(ll_alloc(a, b->n_lists + 1, sizeof *b->begins, "index build", &b->begins));
    LL_TRY(ll_alloc(a, (size_t)b->n_threads * ROWS, row_bytes, "index build", &b->rows));
    LL_TRY(ll_alloc_zero(a, (size_t)b->n_threads, sizeof *b->nearest, "index build", &b->nearest));
    for (int i = 0; i < b->n_threads; i++) LL_TRY(ll_nearest_create(x, ROWS, &b->nearest[i]));
    return ll_centroids_create(x, b->n_lists, &b->centroids);
}

/* Frees all memory outside the new layout. */
static void free_build(build *b) {
    const llmcs_allocator *a = &b->x->allocator;
    for (int i = 0; b->nearest && i < b->n_threads; i++) ll_nearest_free(b->x, &b->nearest[i]);
    ll_free(a, b->nearest);
    ll_free(a, b->rows);
    ll_free(a, b->begins);
    ll_free(a, b->order);
    ll_free(a, b->lists);
    ll_free(a, b->sample);
    ll_centroids_free(a, b->centroids);
    ll_layout_free(b->x, b->layout);
}

static bool is_live(const ll_block *block, size_t at) {
    return at < atomic_load_explicit(&block->n_used, memory_order_relaxed) &&
           atomic_load_explicit(&block->retired, memory_order_relaxed) == LL_FOR_EVER &&
           atomic_load_explicit(&block->died[at], memory_order_relaxed) == LL_FOR_EVER;
}

/* n_sample of the n vectors, spread evenly over the slots; the seed selects the first one. */
static void take_sample(build *b, size_t n) {
    const ll_vector_format *f = &b->x->format;
    const size_t offset = (size_t)(b->params.seed % n);
    size_t rank = 0, taken = 0;
    for (size_t number = 0; number < b->n_slots; number++) {
        const ll_slot s = ll_layout_slot(b->x->layout, (uint32_t)number);
        if (!is_live(s.block, s.at)) continue;
        const size_t i = (rank++ + n - offset) % n; /* its place in the order that begins at offset */
        if (i * b->n_sample / n == (i + 1) * b->n_sample / n) continue;
        ll_row_unpack(f, s.block, s.at, b->sample + taken++ * f->row);
    }
}

/* ---- k-means */

static void assign_sample(ll_team *team, void *arg) {
    build *b = arg;
    const llmcs_index *x = b->x;
    for (size_t i; (i = atomic_fetch_add(&b->next, ROWS)) < b->n_sample;)
        ll_nearest_lists(x, b->centroids, &b->nearest[team->index], b->sample + i * x->format.row,
                         ll_min(ROWS, b->n_sample - i), b->lists + i);
}

/* Rows by list, in the order of rows: a counting sort. Rows whose list is UINT32_MAX are left out. */
static void sort_by_list(build *b, size_t n_rows) {
    memset(b->begins, 0, (b->n_lists + 1) * sizeof *b->begins);
    for (size_t i = 0; i < n_rows; i++)
        if (b->lists[i] != UINT32_MAX) b->begins[b->lists[i] + 1]++;
    for (size_t l = 0; l < b->n_lists; l++) b->begins[l + 1] += b->begins[l];
    for (size_t i = 0; i < n_rows; i++)
        if (b->lists[i] != UINT32_MAX) b->order[b->begins[b->lists[i]]++] = (uint32_t)i;
    for (size_t l = b->n_lists; l > 0; l--) b->begins[l] = b->begins[l - 1];
    b->begins[0] = 0;
}

static void set_centroid(const build *b, size_t list, float *row) {
    const llmcs_index *x = b->x;
    const size_t n = x->format.row;
    if (x->format.metric == LLMCS_METRIC_COSINE) {
        const float squares = x->kernels->dot_f32(row, row, n);
        const float inverse = squares > 0.0f ? 1.0f / sqrtf(squares) : 0.0f;
        for (size_t k = 0; k < n; k++) row[k] *= inverse;
    }
    ll_centroids_set(x, b->centroids, list, row);
}

static void average_lists(ll_team *team, void *arg) {
    build *b = arg;
    const size_t n = b->x->format.row;
    float *mean = b->rows + (size_t)team->index * ROWS * n;
    size_t begin, end;
    ll_team_share(team, b->n_lists, LL_SCORES, &begin, &end); /* centroids share panels */
    for (size_t list = begin; list < end; list++) {
        const size_t first = b->begins[list], count = b->begins[list + 1] - first;
        if (count == 0) continue;
        memset(mean, 0, n * sizeof *mean);
        for (size_t i = first; i < first + count; i++) b->x->kernels->add(mean, b->sample + b->order[i] * n, mean, n);
        for (size_t k = 0; k < n; k++) mean[k] /= (float)count;
        set_centroid(b, list, mean);
    }
}

static void split_largest_lists(build *b) {
    const size_t n = b->x->format.row;
    float *first = b->rows, *second = b->rows + n;
    size_t *counts = b->begins; /* the sums are not needed any more */
    for (size_t l = 0; l < b->n_lists; l++) counts[l] = b->begins[l + 1] - b->begins[l];
    for (size_t list = 0; list < b->n_lists; list++) {
        if (counts[list]) continue;
        size_t largest = 0;
        for (size_t l = 1; l < b->n_lists; l++)
            if (counts[l] > counts[largest]) largest = l;
        if (counts[largest] < 2) return;
        for (size_t k = 0; k < n; k++) {
            const float c = b->centroids->rows[largest * n + k], moved = k % 2 ? APART : -APART;
            first[k] = c * (1.0f + moved);
            second[k] = c * (1.0f - moved);
        }
        set_centroid(b, list, first);
        set_centroid(b, largest, second);
        counts[list] = counts[largest] / 2;
        counts[largest] -= counts[list];
    }
}

static llmcs_status train_centroids(build *b) {
    ll_pool *pool = b->x->pool;
    const size_t n = b->x->format.row;
    for (size_t l = 0; l < b->n_lists; l++) {
        memcpy(b->rows, b->sample + l * b->n_sample / b->n_lists * n, n * sizeof *b->rows);
        set_centroid(b, l, b->rows);
    }
    for (int32_t i = 0; i < b->params.n_iterations; i++) {
        LL_TRY(report_progress(b, 0.5f * (float)i / (float)b->params.n_iterations));
        atomic_store(&b->next, 0);
        LL_TRY(ll_pool_run(pool, assign_sample, b));
        sort_by_list(b, b->n_sample);
        LL_TRY(ll_pool_run(pool, average_lists, b));
        split_largest_lists(b);
    }
    return LLMCS_OK;
}

/* ---- the new layout */

/* A block's vectors at a time. */
static void assign_slots(ll_team *team, void *arg) {
    build *b = arg;
    const llmcs_index *x = b->x;
    const ll_vector_format *f = &x->format;
    float *rows = b->rows + (size_t)team->index * ROWS * f->row;
    for (size_t i; (i = atomic_fetch_add(&b->next, 1)) < b->n_slots / LL_BLOCK;) {
        const ll_block *block = ll_layout_block(x->layout, i);
        uint32_t lists[LL_BLOCK], at[LL_BLOCK];
        size_t n = 0;
        for (uint32_t j = 0; j < LL_BLOCK; j++) {
            b->lists[i * LL_BLOCK + j] = UINT32_MAX;
            if (!is_live(block, j)) continue;
            ll_row_unpack(f, block, j, rows + n * f->row);
            at[n++] = j;
        }
        if (n && b->centroids) ll_nearest_lists(x, b->centroids, &b->nearest[team->index], rows, n, lists);
        for (size_t j = 0; j < n; j++) b->lists[i * LL_BLOCK + at[j]] = lists[j];
    }
}

static llmcs_status create_layout(build *b) {
    llmcs_index *x = b->x;
    size_t n_blocks = 0;
    LL_TRY(ll_layout_create(x, b->n_lists, &b->layout));
    b->layout->outside_bytes = x->layout->bytes;
    b->layout->bytes += ll_centroids_bytes(x, b->n_lists);
    for (size_t l = 0; l < b->n_lists; l++) n_blocks += (b->begins[l + 1] - b->begins[l] + LL_BLOCK - 1) / LL_BLOCK;
    return ll_layout_reserve(x, b->layout, n_blocks);
}

/* Copies the vectors list by list, so that a list's blocks lie next to each other. */
static void fill_layout(build *b, uint64_t version) {
    llmcs_index *x = b->x;
    for (size_t l = 0; l < b->n_lists; l++) {
        for (size_t i = b->begins[l]; i < b->begins[l + 1]; i++) {
            const ll_slot from = ll_layout_slot(x->layout, b->order[i]);
            const ll_item item = {from.block->ids[from.at], {from.block->tags[from.at], from.block->numbers[from.at]}};
            const ll_slot to = ll_layout_append(b->layout, l);
            ll_row_copy(&x->format, from, to);
            ll_layout_publish(to, &item, version);
            (void)ll_ids_set(&x->ids, item.id, ll_slot_number(to));
        }
    }
}

static llmcs_status build_lists(build *b, size_t n) {
    llmcs_index *x = b->x;
    const uint64_t version = x->version + 1;
    LL_TRY(allocate_build(b, n));
    take_sample(b, n);
    LL_TRY(train_centroids(b));
    LL_TRY(report_progress(b, 0.5f));
    atomic_store(&b->next, 0);
    LL_TRY(ll_pool_run(x->pool, assign_slots, b));
    sort_by_list(b, b->n_slots);
    LL_TRY(report_progress(b, 0.75f));
    LL_TRY(create_layout(b));
    fill_layout(b, version); /* from here on nothing fails */
    b->layout->centroids = b->centroids;
    b->layout->n_probe = ll_min(ll_max(b->n_lists / PROBED_SHARE, LEAST_PROBES), b->n_lists);
    b->layout->outside_bytes = 0;
    ll_index_replace_layout(x, b->layout, version);
    b->layout = NULL;
    b->centroids = NULL;
    return LLMCS_OK;
}

llmcs_status llmcs_index_build(llmcs_index *x, const llmcs_index_build_params *params) {
    LL_PUBLIC_CALL;
    build b = {.x = x};
    llmcs_status st = LLMCS_OK;
    LL_TRY(ll_index_check(x));
    LL_TRY(read_build_params(params, &b.params));
    pthread_mutex_lock(&x->writer);
    if (x->ids.n > 0 && x->ids.n >= b.params.min_vectors) st = build_lists(&b, x->ids.n);
    free_build(&b);
    pthread_mutex_unlock(&x->writer);
    return st;
}
