/* An allocator that counts, checks that everything is freed, and can fail the n-th allocation. */
#ifndef TESTS_SUPPORT_FAIL_ALLOC_H
#define TESTS_SUPPORT_FAIL_ALLOC_H

#include <stdatomic.h>
#include <stdbool.h>

#include "llmcs.h"

typedef struct fail_alloc {
    atomic_long calls;                   /* allocations so far */
    atomic_long live;                    /* allocations not freed yet */
    atomic_llong bytes;                  /* of all allocations */
    atomic_llong live_bytes, peak_bytes; /* held now, and the most ever held */
    long fail_at;                        /* this call (0, 1, ...) fails; -1: none */
    bool fail_after;                     /* and every one after it */
} fail_alloc;

/* Fresh counters; nothing fails until fail_at is set. */
void fail_alloc_init(fail_alloc *f);
llmcs_allocator fail_alloc_get(fail_alloc *f);

#endif
