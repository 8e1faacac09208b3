/* Creates and frees a classifier, builds its lookup tables, and binds its encoder. */
#include "shop/classifier/classifier.h"

#include <math.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/han.h"
#include "shop/base/options.h"

llmcs_status shop_classifier_create(const llmcs_allocator *a, llmcs_shop_classifier **classifier) {
    llmcs_shop_classifier *c;
    *classifier = NULL;
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *c, "classifier", &c));
    c->a = *a;
    c->bytes = sizeof *c;
    atomic_init(&c->n_references, 1);
    atomic_init(&c->spare, NULL);
    *classifier = c;
    return LLMCS_OK;
}

llmcs_status shop_classifier_alloc(llmcs_shop_classifier *c, size_t count, size_t size, const char *what, void *out) {
    SHOP_TRY(shop_alloc_zero(&c->a, count, size, what, out));
    c->bytes += count * size;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ references */

llmcs_shop_classifier *llmcs_shop_classifier_ref(const llmcs_shop_classifier *classifier) {
    /* Only the atomic counter changes, so the object stays const for callers. */
    llmcs_shop_classifier *c = (llmcs_shop_classifier *)(uintptr_t)classifier;
    if (c) atomic_fetch_add_explicit(&c->n_references, 1, memory_order_relaxed);
    return c;
}

void llmcs_shop_classifier_free(llmcs_shop_classifier **classifier) {
    if (!classifier || !*classifier) return;
    llmcs_shop_classifier *c = *classifier;
    *classifier = NULL;
    if (atomic_fetch_sub_explicit(&c->n_references, 1, memory_order_acq_rel) != 1) return;
    const llmcs_allocator a = c->a;
    void *const owned[] = {c->encoder_path,  c->labels,         c->label_texts, c->hashes,       c->idf,
                           c->weights,       c->scales,         c->dense,       c->dense_scales, c->bias,
                           c->center,        c->means,          c->slots,       c->examples,     c->example_start,
                           c->example_texts, c->example_vectors};
    shop_scratch_free(&a, atomic_load(&c->spare));
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) shop_free(&a, owned[i]);
    shop_free(&a, c);
}

/* ---------------------------------------------------------------------------------------------------- tables */

static llmcs_status index_grams(llmcs_shop_classifier *c, const char *path) {
    c->n_slots = 64;
    while (c->n_slots < 2 * c->n_features) c->n_slots *= 2;
    SHOP_TRY(shop_classifier_alloc(c, c->n_slots, sizeof *c->slots, "dictionary", &c->slots));
    for (size_t i = 0; i < c->n_slots; i++) c->slots[i].feature = UINT32_MAX;
    for (size_t f = 0; f < c->n_features; f++) {
        if (f && c->hashes[f] <= c->hashes[f - 1])
            return shop_fail(LLMCS_FORMAT, "%s: n-gram %lld: the hashes are not ascending", path, (long long)f);
        size_t slot = c->hashes[f] & (c->n_slots - 1);
        while (c->slots[slot].feature != UINT32_MAX) slot = (slot + 1) & (c->n_slots - 1);
        c->slots[slot] = (shop_gram_slot){c->hashes[f], (uint32_t)f};
    }
    return LLMCS_OK;
}

static llmcs_status index_labels(llmcs_shop_classifier *c, const char *path) {
    size_t at = 0;
    SHOP_TRY(shop_classifier_alloc(c, c->n_labels, sizeof *c->labels, "labels", &c->labels));
    for (size_t i = 0; i < c->n_labels; i++) {
        const char *end = at < c->label_bytes ? memchr(c->label_texts + at, 0, c->label_bytes - at) : NULL;
        if (!end || end == c->label_texts + at)
            return shop_fail(LLMCS_FORMAT, "%s: labels: found %lld, expected %lld", path, (long long)i,
                             (long long)c->n_labels);
        c->labels[i] = c->label_texts + at;
        at = (size_t)(end - c->label_texts) + 1;
    }
    if (at != c->label_bytes) return shop_fail(LLMCS_FORMAT, "%s: labels: bytes after the last one", path);
    return LLMCS_OK;
}

/* Examples are sorted by label; each text ends with a NUL byte. */
static llmcs_status index_examples(llmcs_shop_classifier *c, const char *path) {
    size_t at = 0, label = 0;
    SHOP_TRY(shop_classifier_alloc(c, c->n_labels + 1, sizeof *c->example_start, "examples", &c->example_start));
    for (size_t i = 0; i < c->n_examples; i++) {
        shop_kept_example *e = &c->examples[i];
        if (e->label >= c->n_labels || e->label < label)
            return shop_fail(LLMCS_FORMAT, "%s: example %lld: label %lld is out of range or not ascending", path,
                             (long long)i, (long long)e->label);
        if (c->example_bytes - at <= e->bytes || c->example_texts[at + e->bytes])
            return shop_fail(LLMCS_FORMAT, "%s: example %lld: its text does not end after %lld bytes", path,
                             (long long)i, (long long)e->bytes);
        while (label < e->label) c->example_start[++label] = i;
        e->text = c->example_texts + at;
        at += (size_t)e->bytes + 1;
    }
    while (label < c->n_labels) c->example_start[++label] = c->n_examples;
    if (at != c->example_bytes) return shop_fail(LLMCS_FORMAT, "%s: examples: bytes after the last one", path);
    return LLMCS_OK;
}

llmcs_status shop_classifier_index(llmcs_shop_classifier *c, const char *path) {
    SHOP_TRY(index_labels(c, path));
    SHOP_TRY(index_grams(c, path));
    return index_examples(c, path);
}

/* --------------------------------------------------------------------------------------------------- encoder */

llmcs_status shop_encoder_examine(llmcs_model *encoder, uint64_t *fingerprint, size_t *n_dense) {
    llmcs_model_info info = {.struct_size = sizeof info};
    SHOP_TRY(llmcs_model_get_info(encoder, &info));
    if (!(info.heads & LLMCS_HEAD_EMBEDDING) || info.n_embedding <= 0)
        return shop_fail(LLMCS_NO_HEAD, "encoder: %s has no embeddings: use an encoder such as bert", info.model_type);
    *n_dense = (size_t)info.n_embedding;
    return llmcs_model_fingerprint(encoder, fingerprint);
}

llmcs_status shop_classifier_bind(llmcs_shop_classifier *c, llmcs_model *encoder) {
    uint64_t fingerprint;
    size_t n_dense;
    if (!encoder || !c->n_dense) return LLMCS_OK; /* n-grams need no encoder */
    SHOP_TRY(shop_encoder_examine(encoder, &fingerprint, &n_dense));
    if (n_dense != c->n_dense || fingerprint != c->encoder_fingerprint)
        return shop_fail(
            LLMCS_STATE,
            "encoder: not the one used in training (%lld floats, fingerprint %016llx; expected %lld, %016llx): open"
            " that encoder or train again",
            (long long)n_dense, (unsigned long long)fingerprint, (long long)c->n_dense,
            (unsigned long long)c->encoder_fingerprint);
    c->encoder = encoder;
    return LLMCS_OK;
}

llmcs_status shop_encoder_embed(llmcs_model *encoder, const llmcs_allocator *a, const llmcs_text *texts, size_t n,
                                double deadline_ms, const int32_t *cancel, float *vectors) {
    llmcs_text_params params;
    llmcs_text_params_init(&params);
    params.normalize = LLMCS_NORMALIZE_L2;
    params.deadline_ms = deadline_ms;
    params.cancel = cancel;
    return shop_embed_simplified(encoder, a, texts, n, &params, vectors);
}

/* ------------------------------------------------------------------------------------------------------ info */

llmcs_status llmcs_shop_classifier_get_info(const llmcs_shop_classifier *c, llmcs_shop_classifier_info *info) {
    SHOP_PUBLIC_CALL;
    if (!c || !info) return shop_fail(LLMCS_ARG, "classifier_get_info: classifier or info is NULL");
    const llmcs_shop_classifier_info found = {
        .struct_size = sizeof found,
        .n_labels = (int32_t)c->n_labels,
        .n_features = (int32_t)c->n_features,
        .n_embedding = (int32_t)c->n_dense,
        .has_encoder = !c->n_dense || c->encoder,
        .encoder_fingerprint = c->encoder_fingerprint,
        .encoder_path = c->encoder_path ? c->encoder_path : "",
        .n_rows = c->n_rows,
        .n_oos_rows = c->n_oos_rows,
        .n_examples = c->n_examples,
        .l2 = c->l2,
        .temperature = (double)c->temperature,
        .accept_score = (double)c->accept_score,
        .accuracy = c->figures.accuracy,
        .macro_f1 = c->figures.macro_f1,
        .ece = c->figures.ece,
        .oos_auroc = c->figures.oos_auroc,
        .in_scope_kept = c->figures.in_scope_kept,
        .oos_found = c->figures.oos_found,
        .oos_rows = c->oos_rows,
        .bytes = c->bytes,
    };
    return shop_options_out(info, SHOP_SIZE_UP_TO(llmcs_shop_classifier_info, bytes), &found, sizeof found,
                            "llmcs_shop_classifier_info");
}

const char *llmcs_shop_classifier_label(const llmcs_shop_classifier *c, int32_t label) {
    return c && label >= 0 && (size_t)label < c->n_labels ? c->labels[label] : NULL;
}
