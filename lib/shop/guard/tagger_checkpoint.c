/* Lets an interrupted training continue after its last complete pass. The file is in the byte order of the machine that
 * wrote it; a file that does not match or is damaged is ignored. */
#include <string.h>
#include <unistd.h>

#include "shop/base/hash.h"
#include "shop/classifier/disk.h"
#include "shop/guard/tagger_train.h"

typedef struct checkpoint_head {
    char magic[8];
    uint64_t checksum; /* of all that follows it */
    uint64_t rows_hash, seed, n_features, n_labels;
    uint64_t l2; /* the bits of the double */
    int32_t n_epochs, max_features, min_count, next;
} checkpoint_head;

static const char MAGIC[8] = {'L', 'L', 'T', 'A', 'G', 'C', 'P', '2'};
enum { CHECKED_FROM = offsetof(checkpoint_head, rows_hash) };

static checkpoint_head head_of(const tag_trainer *t, int32_t next) {
    checkpoint_head h = {.rows_hash = t->rows_hash,
                         .seed = t->params.seed,
                         .n_features = t->n_features,
                         .n_labels = t->n_labels,
                         .n_epochs = t->params.n_epochs,
                         .max_features = t->params.max_features,
                         .min_count = t->params.min_count,
                         .next = next};
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    memcpy(&h.l2, &t->params.l2, sizeof h.l2);
    return h;
}

/* Copies an array from or to the file and moves on. */
static unsigned char *copy(unsigned char *at, void *array, size_t bytes, bool to_file) {
    memcpy(to_file ? (void *)at : array, to_file ? array : (void *)at, bytes);
    return at + bytes;
}

static void copy_arrays(const tag_trainer *t, unsigned char *at, bool to_file) {
    const size_t n = t->n_features * t->n_labels * sizeof(float), m = (t->n_labels + 1) * t->n_labels * sizeof(float);
    at = copy(at, t->hashes, t->n_features * sizeof *t->hashes, to_file);
    at = copy(at, t->weights, n, to_file);
    at = copy(at, t->squares, n, to_file);
    at = copy(at, t->sums, n, to_file);
    at = copy(at, t->transitions, m, to_file);
    at = copy(at, t->transition_sums, m, to_file);
    copy(at, t->transition_squares, m, to_file);
}

static size_t arrays_bytes(size_t n_features, size_t n_labels) {
    return n_features * sizeof(uint32_t) + 3 * n_features * n_labels * sizeof(float) +
           3 * (n_labels + 1) * n_labels * sizeof(float);
}

llmcs_status tag_save_checkpoint(const tag_trainer *t, int32_t next) {
    const size_t bytes = sizeof(checkpoint_head) + arrays_bytes(t->n_features, t->n_labels);
    checkpoint_head h = head_of(t, next);
    unsigned char *file;
    SHOP_TRY(shop_alloc(&t->allocator, bytes, 1, "checkpoint", &file));
    copy_arrays(t, file + sizeof h, true);
    memcpy(file, &h, sizeof h);
    h.checksum = shop_xxh64(file + CHECKED_FROM, bytes - CHECKED_FROM);
    memcpy(file, &h, sizeof h);
    const llmcs_status status = shop_file_write(&t->allocator, t->params.checkpoint_path, file, bytes);
    shop_free(&t->allocator, file);
    return status;
}

static bool is_ours(const tag_trainer *t, const unsigned char *file, size_t bytes, checkpoint_head *h) {
    if (bytes < sizeof *h) return false;
    memcpy(h, file, sizeof *h);
    checkpoint_head wanted = head_of(t, h->next);
    wanted.checksum = h->checksum;
    wanted.n_features = h->n_features;
    return memcmp(&wanted, h, sizeof *h) == 0 && h->next > 0 && h->next <= t->params.n_epochs && h->n_features > 0 &&
           h->n_features < UINT32_MAX && bytes == sizeof *h + arrays_bytes((size_t)h->n_features, t->n_labels) &&
           shop_xxh64(file + CHECKED_FROM, bytes - CHECKED_FROM) == h->checksum;
}

static llmcs_status use(tag_trainer *t, unsigned char *file, const checkpoint_head *h) {
    t->n_features = (size_t)h->n_features;
    SHOP_TRY(shop_alloc(&t->allocator, t->n_features, sizeof *t->hashes, "features", &t->hashes));
    SHOP_TRY(tag_allocate_weights(t));
    copy_arrays(t, file + sizeof *h, false);
    SHOP_TRY(tag_index_features(t));
    t->first_pass = h->next;
    return LLMCS_OK;
}

llmcs_status tag_load_checkpoint(tag_trainer *t) {
    unsigned char *file = NULL;
    size_t bytes = 0;
    checkpoint_head h;
    if (!t->params.checkpoint_path || access(t->params.checkpoint_path, R_OK)) return LLMCS_OK;
    SHOP_TRY(shop_file_read(&t->allocator, t->params.checkpoint_path, UINT64_C(1) << 40, &file, &bytes));
    const llmcs_status status = is_ours(t, file, bytes, &h) ? use(t, file, &h) : LLMCS_OK;
    shop_free(&t->allocator, file);
    return status;
}

void tag_remove_checkpoint(const tag_trainer *t) {
    if (t->params.checkpoint_path) unlink(t->params.checkpoint_path);
}
