/* The index as an object: options, create, free, info, attachment; and the gate through which searches and the writer
 * see each other. */
#include "search/index.h"

#include <string.h>
#include <unistd.h>

#include "base/call.h"
#include "base/cpu.h"
#include "base/options.h"

#define OPTIONS_OLDEST LL_SIZE_UP_TO_POINTER(llmcs_index_options, allocator)
#define INFO_OLDEST LL_SIZE_UP_TO(llmcs_index_info, cpu)
#define MAX_THREADS 512

/* ---- the gate */

void ll_reader_begin(llmcs_index *x, ll_reader *reader) {
    pthread_mutex_lock(&x->gate);
    *reader = (ll_reader){.previous = x->last_reader, .version = x->version, .layout = x->layout};
    reader->layout->references++;
    if (x->last_reader)
        x->last_reader->next = reader;
    else
        x->first_reader = reader;
    x->last_reader = reader;
    reader->n_vectors = x->n_vectors;
    pthread_mutex_unlock(&x->gate);
}

/* The last reference frees the layout. */
static void drop_layout(llmcs_index *x, ll_layout *layout) {
    pthread_mutex_lock(&x->gate);
    const bool last = --layout->references == 0;
    pthread_mutex_unlock(&x->gate);
    if (last) ll_layout_free(x, layout);
}

void ll_reader_end(llmcs_index *x, ll_reader *reader) {
    pthread_mutex_lock(&x->gate);
    if (reader->previous)
        reader->previous->next = reader->next;
    else
        x->first_reader = reader->next;
    if (reader->next)
        reader->next->previous = reader->previous;
    else
        x->last_reader = reader->previous;
    pthread_mutex_unlock(&x->gate);
    drop_layout(x, reader->layout);
}

void ll_index_publish(llmcs_index *x, uint64_t version, uint64_t n_vectors) {
    pthread_mutex_lock(&x->gate);
    x->version = version;
    x->n_vectors = n_vectors;
    pthread_mutex_unlock(&x->gate);
}

void ll_index_replace_layout(llmcs_index *x, ll_layout *layout, uint64_t version) {
    pthread_mutex_lock(&x->gate);
    ll_layout *old = x->layout;
    x->layout = layout;
    x->version = version;
    pthread_mutex_unlock(&x->gate);
    drop_layout(x, old);
}

uint64_t ll_index_oldest(llmcs_index *x) {
    pthread_mutex_lock(&x->gate);
    const uint64_t oldest = x->first_reader ? x->first_reader->version : x->version;
    pthread_mutex_unlock(&x->gate);
    return oldest;
}

/* ---- options */

void llmcs_index_options_init_sized(llmcs_index_options *options, size_t struct_size) {
    const llmcs_index_options defaults = {.struct_size = sizeof defaults, .type = LLMCS_VECTOR_INT8};
    ll_options_init(options, struct_size, &defaults, sizeof defaults);
}

llmcs_status ll_index_read_options(const llmcs_index_options *options, llmcs_index_options *out) {
    llmcs_index_options_init(out);
    if (options) LL_TRY(ll_options_in(out, sizeof *out, OPTIONS_OLDEST, options, "llmcs_index_options"));
    if (out->dim < 0 || out->dim > LL_INDEX_MAX_DIM)
        return ll_fail(LLMCS_ARG, "dim: %d is not valid (1 to %d)", (int)out->dim, LL_INDEX_MAX_DIM);
    if ((unsigned)out->type > LLMCS_VECTOR_INT8)
        return ll_fail(LLMCS_ARG, "type: %d is not valid (0 to %d)", (int)out->type, LLMCS_VECTOR_INT8);
    if ((unsigned)out->metric > LLMCS_METRIC_L2)
        return ll_fail(LLMCS_ARG, "metric: %d is not valid (0 to %d)", (int)out->metric, LLMCS_METRIC_L2);
    if (out->n_threads < 0 || out->n_threads > MAX_THREADS)
        return ll_fail(LLMCS_ARG, "n_threads: %d is not valid (0 to %d)", (int)out->n_threads, MAX_THREADS);
    if (out->flags & ~LLMCS_INDEX_NO_F16)
        return ll_fail(LLMCS_ARG, "flags: 0x%x is not valid (LLMCS_INDEX_NO_F16 is 0x1)", (unsigned)out->flags);
    if (out->allocator && (!out->allocator->alloc || !out->allocator->free))
        return ll_fail(LLMCS_ARG, "allocator: alloc or free is NULL");
    return LLMCS_OK;
}

/* ---- create, free */

static ll_vector_format format_of(const llmcs_index_options *o, const ll_kernels *kernels) {
    const ll_weight_type panel_types[] = {LL_F32, LL_F16, LL_Q8}; /* by llmcs_vector_type */
    ll_vector_format f = {.type = o->type, .metric = o->metric, .dim = (size_t)o->dim, .nr = kernels->nr};
    f.panel_type = panel_types[o->type];
    f.has_halves = o->type == LLMCS_VECTOR_INT8 && !(o->flags & LLMCS_INDEX_NO_F16);
    f.row = ll_round_up(f.dim, LL_LANES);
    f.panel_bytes = f.nr * ll_output_bytes(f.panel_type, f.dim);
    f.panels_bytes = LL_BLOCK / f.nr * f.panel_bytes;
    return f;
}

static bool init_index_locks(llmcs_index *x) {
    if (pthread_mutex_init(&x->writer, NULL)) return false;
    if (pthread_mutex_init(&x->gate, NULL) == 0) return true;
    pthread_mutex_destroy(&x->writer);
    return false;
}

static llmcs_status fill_index(llmcs_index *x, const llmcs_index_options *o) {
    const ll_cpu cpu = ll_cpu_detect();
    const ll_log log = {0};
    LL_TRY(ll_kernels_pick(&cpu, &x->kernels));
    x->format = format_of(o, x->kernels);
    if (x->kernels->prepare) x->kernels->prepare(x->format.panel_type);
    LL_TRY(ll_pool_create(&x->allocator, o->n_threads, &log, &x->pool));
    LL_TRY(ll_index_reserve_bytes(x, sizeof *x + sizeof(ll_layout)));
    return ll_layout_create(x, 1, &x->layout);
}

static void free_index(llmcs_index *x) {
    const llmcs_allocator a = x->allocator;
    ll_layout_free(x, x->layout);
    ll_pool_free(&x->pool);
    ll_ids_free(&x->ids, &a);
    ll_free(&a, x->attachment);
    pthread_mutex_destroy(&x->gate);
    pthread_mutex_destroy(&x->writer);
    ll_free(&a, x);
}

llmcs_status ll_index_create(const llmcs_index_options *options, llmcs_index **index) {
    const llmcs_allocator a = ll_allocator_or_default(options->allocator);
    llmcs_index *x;
    LL_TRY(ll_alloc_zero(&a, 1, sizeof *x, "index", &x));
    x->allocator = a;
    x->owner = getpid();
    x->flags = options->flags;
    x->max_bytes = options->max_bytes;
    x->model_fingerprint = options->model_fingerprint;
    if (!init_index_locks(x)) {
        ll_free(&a, x);
        return ll_fail(LLMCS_THREAD, "index: a lock could not be created");
    }
    const llmcs_status st = fill_index(x, options);
    if (st)
        free_index(x);
    else
        *index = x;
    return st;
}

llmcs_status llmcs_index_create(const llmcs_index_options *options, llmcs_index **index) {
    LL_PUBLIC_CALL;
    llmcs_index_options o;
    if (!index) return ll_fail(LLMCS_ARG, "index: is NULL");
    *index = NULL;
    LL_TRY(ll_index_read_options(options, &o));
    if (o.dim == 0) return ll_fail(LLMCS_ARG, "dim: 0 is not valid (1 to %d)", LL_INDEX_MAX_DIM);
    return ll_index_create(&o, index);
}

void llmcs_index_free(llmcs_index **index) {
    LL_PUBLIC_CALL;
    if (!index || !*index) return;
    llmcs_index *x = *index;
    *index = NULL;
    free_index(x);
}

/* ---- checks of every call */

llmcs_status ll_index_check(const llmcs_index *x) {
    if (!x) return ll_fail(LLMCS_ARG, "index: is NULL");
    if (x->owner != getpid())
        return ll_fail(LLMCS_FORK, "this index was made before fork(): make or open it again in the child process");
    return LLMCS_OK;
}

static uint64_t other_bytes(const llmcs_index *x) { return sizeof *x + ll_ids_bytes(&x->ids, 0) + x->n_attachment; }

llmcs_status ll_index_reserve_bytes(const llmcs_index *x, uint64_t layout_bytes) {
    const uint64_t bytes = other_bytes(x) + layout_bytes;
    if (x->max_bytes == 0 || bytes <= x->max_bytes) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "index: needs %llu bytes, but max_bytes is %llu", (unsigned long long)bytes,
                   (unsigned long long)x->max_bytes);
}

/* ---- info, attachment */

llmcs_status llmcs_index_get_info(llmcs_index *x, llmcs_index_info *info) {
    LL_PUBLIC_CALL;
    LL_TRY(ll_index_check(x));
    if (!info) return ll_fail(LLMCS_ARG, "info: is NULL");
    pthread_mutex_lock(&x->writer);
    const ll_layout *layout = x->layout;
    const llmcs_index_info ours = {.struct_size = sizeof ours,
                                   .n_vectors = x->n_vectors,
                                   .dim = (int32_t)x->format.dim,
                                   .type = x->format.type,
                                   .metric = x->format.metric,
                                   .flags = x->flags,
                                   .n_lists = layout->centroids ? (int32_t)layout->n_lists : 0,
                                   .n_probe = layout->centroids ? (int32_t)layout->n_probe : 0,
                                   .n_threads = ll_pool_size(x->pool),
                                   .n_removed = layout->n_dead,
                                   .bytes = other_bytes(x) + layout->bytes,
                                   .model_fingerprint = x->model_fingerprint,
                                   .cpu = x->kernels->name};
    pthread_mutex_unlock(&x->writer);
    return ll_options_out(info, INFO_OLDEST, &ours, sizeof ours, "llmcs_index_info");
}

llmcs_status llmcs_index_set_attachment(llmcs_index *x, const void *bytes, size_t n_bytes) {
    LL_PUBLIC_CALL;
    unsigned char *copy = NULL;
    LL_TRY(ll_index_check(x));
    if (!bytes && n_bytes) return ll_fail(LLMCS_ARG, "bytes: is NULL");
    if (n_bytes > UINT32_MAX) return ll_fail(LLMCS_LIMIT, "n_bytes: %zu is more than 2^32 - 1", n_bytes);
    if (n_bytes) {
        LL_TRY(ll_alloc(&x->allocator, n_bytes, 1, "attachment", &copy));
        memcpy(copy, bytes, n_bytes);
    }
    pthread_mutex_lock(&x->writer);
    ll_free(&x->allocator, x->attachment);
    x->attachment = copy;
    x->n_attachment = n_bytes;
    pthread_mutex_unlock(&x->writer);
    return LLMCS_OK;
}

llmcs_status llmcs_index_get_attachment(llmcs_index *x, void *bytes, size_t capacity, size_t *n_bytes) {
    LL_PUBLIC_CALL;
    llmcs_status st = LLMCS_OK;
    LL_TRY(ll_index_check(x));
    if (!n_bytes) return ll_fail(LLMCS_ARG, "n_bytes: is NULL");
    pthread_mutex_lock(&x->writer);
    *n_bytes = x->n_attachment;
    if (bytes && capacity < x->n_attachment)
        st = ll_fail(LLMCS_BUFFER, "bytes: capacity %zu, needed %zu", capacity, x->n_attachment);
    else if (bytes && x->n_attachment)
        memcpy(bytes, x->attachment, x->n_attachment);
    pthread_mutex_unlock(&x->writer);
    return st;
}
