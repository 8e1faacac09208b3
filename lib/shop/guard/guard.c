/* Creates and frees a guard. */
#include "shop/guard/guard.h"

#include "shop/base/call.h"
#include "shop/base/options.h"

void llmcs_shop_guard_options_init_sized(llmcs_shop_guard_options *options, size_t struct_size) {
    const llmcs_shop_guard_options defaults = {.struct_size = sizeof defaults, .warn_score = 0.9, .block_score = 0.99};
    shop_options_init(options, struct_size, &defaults, sizeof defaults);
}

static llmcs_status fill(llmcs_shop_guard *guard, const llmcs_shop_guard_options *options) {
    const llmcs_allocator *a = &guard->allocator;
    SHOP_TRY(shop_lexicon_create(a, &guard->lexicon));
    if (options->order_pattern)
        SHOP_TRY(shop_pattern_create(a, "order_pattern", options->order_pattern, &guard->orders));
    if (options->tagger_path) SHOP_TRY(shop_tagger_open(a, options->tagger_path, &guard->tagger));
    return shop_checker_create(options, a, &guard->checker);
}

llmcs_status llmcs_shop_guard_create(const llmcs_shop_guard_options *options, llmcs_shop_guard **guard) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_guard_options own;
    llmcs_shop_guard *g;
    llmcs_shop_guard_options_init(&own);
    if (!guard) return shop_fail(LLMCS_ARG, "guard_create: guard is NULL");
    *guard = NULL;
    if (options)
        SHOP_TRY(shop_options_in(&own, sizeof own, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_guard_options, allocator),
                                 options, "llmcs_shop_guard_options"));
    const llmcs_allocator a = shop_allocator_or_default(own.allocator);
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *g, "guard", &g));
    g->allocator = a;
    const llmcs_status status = fill(g, &own);
    if (status)
        llmcs_shop_guard_free(&g);
    else
        *guard = g;
    return status;
}

void llmcs_shop_guard_free(llmcs_shop_guard **guard) {
    if (!guard || !*guard) return;
    llmcs_shop_guard *g = *guard;
    const llmcs_allocator a = g->allocator;
    *guard = NULL;
    shop_checker_free(&g->checker);
    shop_tagger_free(&a, &g->tagger);
    shop_pattern_free(&g->orders);
    shop_lexicon_free(&a, &g->lexicon);
    shop_free(&a, g);
}
