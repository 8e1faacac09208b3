/* The versions of a model that a process uses; they can be swapped while threads predict. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "shop/base/options.h"
#include "shop/learn/models.h"
#include "shop/store/rows.h"

struct llmcs_shop_rollout {
    llmcs_shop *shop;
    char *model;
    llmcs_shop_classifier *fallback;
    llmcs_shop_classifier_slot *slot; /* the live version, or the fallback */
    pthread_mutex_t refreshing;       /* held by the thread that refreshes */
    pthread_mutex_t lock;             /* guards the next two; held only to copy or change them */
    shop_deployment deployment;
    llmcs_shop_classifier *live, *challenger;
    atomic_llong n_compared, n_differ; /* not yet written to the store */
};

/* ---- follow the store */

/* A reference to a version, which is opened unless it is already in use. */
static llmcs_status get_version(llmcs_shop_rollout *r, shop_connection *c, int32_t version,
                                llmcs_shop_classifier **classifier) {
    *classifier = NULL;
    if (!version) return LLMCS_OK;
    if (version == r->deployment.live) *classifier = llmcs_shop_classifier_ref(r->live);
    if (version == r->deployment.challenger) *classifier = llmcs_shop_classifier_ref(r->challenger);
    return *classifier ? LLMCS_OK : shop_model_open(r->shop, c, r->model, version, classifier);
}

static void swap_versions(llmcs_shop_rollout *r, const shop_deployment *d, llmcs_shop_classifier *live,
                          llmcs_shop_classifier *challenger) {
    pthread_mutex_lock(&r->lock);
    llmcs_shop_classifier *old_live = r->live, *old_challenger = r->challenger;
    r->live = live;
    r->challenger = challenger;
    r->deployment = *d;
    pthread_mutex_unlock(&r->lock);
    llmcs_shop_classifier_slot_swap(r->slot, live ? live : r->fallback);
    llmcs_shop_classifier_free(&old_live); /* outside the lock: they may be the last references */
    llmcs_shop_classifier_free(&old_challenger);
}

/* Only the refreshing thread writes r->deployment, so this thread may read it without the lock. */
static llmcs_status follow(llmcs_shop_rollout *r, shop_connection *c, bool *changed) {
    shop_deployment d;
    llmcs_shop_classifier *live = NULL, *challenger = NULL;
    SHOP_TRY(shop_deployment_read(c, r->model, &d));
    *changed = d.row != r->deployment.row;
    if (!*changed) return LLMCS_OK;
    llmcs_status status = get_version(r, c, d.live, &live);
    if (!status) status = get_version(r, c, d.challenger, &challenger);
    if (status) {
        llmcs_shop_classifier_free(&live);
        return status;
    }
    swap_versions(r, &d, live, challenger);
    return LLMCS_OK;
}

/* Adds the counts to the deployment that was in use while they were made. */
static llmcs_status write_counts(llmcs_shop_rollout *r) {
    shop_connection *c;
    const long long n = atomic_load(&r->n_compared), n_differ = atomic_load(&r->n_differ);
    if (!n || r->shop->read_only) return LLMCS_OK;
    SHOP_TRY(shop_write_begin(r->shop, &c));
    SHOP_TRY(shop_write_end(r->shop, c,
                            shop_change(c,
                                        "UPDATE deployments SET n_compared = n_compared + ?2, n_differ = n_differ + ?3"
                                        " WHERE row = ?1",
                                        "iii", r->deployment.row, (int64_t)n, (int64_t)n_differ)));
    atomic_fetch_sub(&r->n_compared, n);
    atomic_fetch_sub(&r->n_differ, n_differ);
    return LLMCS_OK;
}

static llmcs_status refresh(llmcs_shop_rollout *r, bool *changed) {
    shop_connection *c;
    SHOP_TRY(write_counts(r));
    SHOP_TRY(shop_read_begin(r->shop, &c));
    const llmcs_status status = follow(r, c, changed);
    shop_read_end(r->shop, c);
    return status;
}

llmcs_status llmcs_shop_rollout_refresh(llmcs_shop_rollout *rollout, int32_t *changed) {
    SHOP_PUBLIC_CALL;
    bool found = false;
    if (!rollout) return shop_fail(LLMCS_ARG, "rollout is NULL");
    SHOP_TRY(shop_check(rollout->shop));
    pthread_mutex_lock(&rollout->refreshing);
    const llmcs_status status = refresh(rollout, &found);
    pthread_mutex_unlock(&rollout->refreshing);
    if (changed) *changed = found;
    return status;
}

/* ---- create */

static llmcs_status init_locks(llmcs_shop_rollout *r) {
    if (pthread_mutex_init(&r->refreshing, NULL)) return shop_fail(LLMCS_THREAD, "a lock could not be created");
    if (!pthread_mutex_init(&r->lock, NULL)) return LLMCS_OK;
    pthread_mutex_destroy(&r->refreshing);
    return shop_fail(LLMCS_THREAD, "a lock could not be created");
}

llmcs_status llmcs_shop_rollout_create(llmcs_shop *shop, const char *model, const llmcs_shop_classifier *fallback,
                                       llmcs_shop_rollout **rollout) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_rollout *r;
    bool changed;
    if (!rollout) return shop_fail(LLMCS_ARG, "rollout is NULL");
    *rollout = NULL;
    SHOP_TRY(shop_check(shop));
    SHOP_TRY(shop_check_id("model", model));
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *r, "rollout", &r));
    llmcs_status status = init_locks(r);
    if (status) {
        shop_free(&shop->allocator, r);
        return status;
    }
    r->shop = shop;
    r->fallback = llmcs_shop_classifier_ref(fallback);
    status = shop_copy_text(&shop->allocator, model, strlen(model), "model", &r->model);
    if (!status) status = llmcs_shop_classifier_slot_create(fallback, &r->slot);
    if (!status) status = refresh(r, &changed);
    if (status)
        llmcs_shop_rollout_free(&r);
    else
        *rollout = r;
    return status;
}

void llmcs_shop_rollout_free(llmcs_shop_rollout **rollout) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_rollout *r = rollout ? *rollout : NULL;
    if (!r) return;
    *rollout = NULL;
    if (r->model && !shop_check(r->shop)) (void)write_counts(r); /* losing the counts is harmless */
    const llmcs_allocator a = r->shop->allocator;
    llmcs_shop_classifier_free(&r->live);
    llmcs_shop_classifier_free(&r->challenger);
    llmcs_shop_classifier_free(&r->fallback);
    llmcs_shop_classifier_slot_free(&r->slot);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->refreshing);
    shop_free(&a, r->model);
    shop_free(&a, r);
}

/* ---- use */

/* References to the classifiers for a conversation. */
typedef struct chosen {
    llmcs_shop_classifier *answers;
    llmcs_shop_classifier *shadow; /* or NULL */
    int32_t version;
} chosen;

static chosen choose(llmcs_shop_rollout *r, const char *conversation) {
    chosen x = {NULL, NULL, 0};
    pthread_mutex_lock(&r->lock);
    const shop_deployment *d = &r->deployment;
    if (r->challenger && d->mode == LLMCS_MODE_CANARY &&
        shop_in_canary(r->model, d->challenger, d->share, conversation ? conversation : "")) {
        x.answers = llmcs_shop_classifier_ref(r->challenger);
        x.version = d->challenger;
    } else {
        x.answers = llmcs_shop_classifier_ref(r->live ? r->live : r->fallback);
        x.version = r->live ? d->live : 0;
    }
    if (d->mode == LLMCS_MODE_SHADOW) x.shadow = llmcs_shop_classifier_ref(r->challenger);
    pthread_mutex_unlock(&r->lock);
    return x;
}

llmcs_shop_classifier_slot *llmcs_shop_rollout_slot(llmcs_shop_rollout *rollout) {
    return rollout ? rollout->slot : NULL;
}

llmcs_shop_classifier *llmcs_shop_rollout_get(llmcs_shop_rollout *rollout, const char *conversation, int32_t *version) {
    if (version) *version = 0;
    if (!rollout) return NULL;
    chosen x = choose(rollout, conversation);
    llmcs_shop_classifier_free(&x.shadow);
    if (version) *version = x.version;
    return x.answers;
}

/* Counts how often the shadow differs from the answers. Its failures are ignored. */
static void count_shadow(llmcs_shop_rollout *r, const llmcs_shop_classifier *shadow, const llmcs_text *texts, size_t n,
                         const llmcs_shop_predict_params *params, const llmcs_shop_predictions *answers) {
    llmcs_shop_predict_params p;
    llmcs_shop_predictions *found = NULL;
    long long n_differ = 0;
    llmcs_shop_predict_params_init(&p);
    if (params && shop_options_in(&p, sizeof p, sizeof(size_t), params, "llmcs_shop_predict_params")) return;
    p.all_scores = NULL;
    p.flags = 0;
    p.n_scores = 1;
    if (llmcs_shop_classifier_predict(shadow, texts, n, &p, &found)) return;
    for (size_t i = 0; i < n; i++)
        n_differ += strcmp(answers->items[i]->label, found->items[i]->label) != 0 ||
                    answers->items[i]->accepted != found->items[i]->accepted;
    atomic_fetch_add(&r->n_compared, (long long)n);
    atomic_fetch_add(&r->n_differ, n_differ);
    llmcs_shop_predictions_free(&found);
}

llmcs_status llmcs_shop_rollout_predict(llmcs_shop_rollout *rollout, const char *conversation, const llmcs_text *texts,
                                        size_t n_texts, const llmcs_shop_predict_params *params,
                                        llmcs_shop_predictions **predictions, llmcs_shop_classifier **used,
                                        int32_t *version) {
    SHOP_PUBLIC_CALL;
    if (!rollout || !predictions || !used) return shop_fail(LLMCS_ARG, "rollout, predictions, used: NULL is not valid");
    *predictions = NULL;
    *used = NULL;
    chosen x = choose(rollout, conversation);
    llmcs_status status =
        x.answers ? llmcs_shop_classifier_predict(x.answers, texts, n_texts, params, predictions)
                  : shop_fail(LLMCS_STATE, "%s: no version is live, and there is no fallback", rollout->model);
    if (!status && x.shadow) count_shadow(rollout, x.shadow, texts, n_texts, params, *predictions);
    llmcs_shop_classifier_free(&x.shadow);
    if (status) {
        llmcs_shop_classifier_free(&x.answers);
        return status;
    }
    *used = x.answers;
    if (version) *version = x.version;
    return LLMCS_OK;
}
