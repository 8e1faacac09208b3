/*
 * The gate between a generative model and the customer: every fact in a generated text must occur in its source texts.
 *
 * The gate compares
 * - numbers with their units: "3 days" is not "3 hours"; 三天 and "three days" are equal. Durations and amounts also
 *   with their topic: "returns: 30 days" does not allow "delivery in 30 days",
 * - prices, percentages, dates, times, order numbers and other words with digits, links and e-mail addresses,
 * - names: capitalised English words, Latin words in Chinese, quoted titles, carriers and payment services,
 * - promise words ("free", "guarantee", "refund", "cancelled", 免费, 保证, 已取消, ...) with their polarity: "not free"
 *   does not allow "free".
 *
 * It also rejects texts that are empty, cut off, repetitive, in the wrong language, or that contain another speaker's
 * line. It cannot prove that a text is right; it rejects what it cannot find in the sources.
 */
#ifndef SHOP_WORDING_GATE_H
#define SHOP_WORDING_GATE_H

#include <stdbool.h>

#include "shop/base/alloc.h"

typedef enum shop_gate_reason {
    SHOP_GATE_PASSED = 0,
    SHOP_GATE_EMPTY,
    SHOP_GATE_CUT,      /* the text does not end like a sentence */
    SHOP_GATE_SPEAKER,  /* "User:", "Bot:", a control character, or bytes that are not UTF-8 */
    SHOP_GATE_LOOP,     /* the text repeats itself */
    SHOP_GATE_LANGUAGE, /* most of it is in another language */
    SHOP_GATE_NUMBER,   /* no known text has this number with this unit and topic */
    SHOP_GATE_LINK,
    SHOP_GATE_NAME,
    SHOP_GATE_PROMISE,
    SHOP_GATE_MISSING /* the text omits something, see shop_gate_covers */
} shop_gate_reason;

/* "passed", "empty", "cut", "speaker", "loop", "language", "number", "link", "name", "promise",
 * "missing". */
const char *shop_gate_reason_name(shop_gate_reason reason);

typedef struct shop_gate_text {
    const char *text;
    size_t text_bytes;
} shop_gate_text;

typedef struct shop_gate_verdict {
    shop_gate_reason reason;
    char found[64]; /* the rejected part, normalised and truncated, UTF-8; "" if the reason concerns the whole text */
} shop_gate_verdict;

/* Compares `text` with the known ones. lang: "zh..." or another; NULL: any language. Errors: NOMEM LIMIT. */
llmcs_status shop_gate(const llmcs_allocator *a, const char *text, size_t text_bytes, const shop_gate_text *known,
                       size_t n_known, const char *lang, shop_gate_verdict *verdict);

/* Checks that `text` covers `needed`: every number, date, order number, link and name, every negated or bound promise
 * ("not free", "refund"), and half of its other words. Else sets the verdict to MISSING. Errors: NOMEM LIMIT. */
llmcs_status shop_gate_covers(const llmcs_allocator *a, const char *text, size_t text_bytes, const char *needed,
                              size_t needed_bytes, shop_gate_verdict *verdict);

#endif
