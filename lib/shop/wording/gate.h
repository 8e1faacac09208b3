/*
 * The gate between a generative model and the customer: what a text says must stand in the texts it was made from.
 *
 * Compared are numbers (with their units: "3 days" is not "3 hours"; also 三天 and "three days"; spans of time and sums
 * also with what they are said of: "delivery in 30 days" is not known from "returns: 30 days"), prices and per cents,
 * dates, times, order numbers and other words with digits, links and e-mail addresses, names (capitalised words of
 * English, Latin words in Chinese, quoted titles, names of carriers and payment services), and promise words ("free",
 * "guarantee", "refund", "cancelled", 免费, 保证, 已取消, ...) with whether they are denied: "not free" does not allow
 * "free". Refused are also texts that are empty, cut off, in the wrong language, that repeat themselves or that hold
 * another speaker's line. No gate can prove that a text is right; this one refuses what it cannot trace.
 */
#ifndef SHOP_WORDING_GATE_H
#define SHOP_WORDING_GATE_H

#include <stdbool.h>

#include "shop/base/alloc.h"

typedef enum shop_gate_reason {
    SHOP_GATE_PASSED = 0,
    SHOP_GATE_EMPTY,
    SHOP_GATE_CUT,      /* it does not end like a sentence */
    SHOP_GATE_SPEAKER,  /* "User:", "Bot:", a control character, or bytes that are not UTF-8 */
    SHOP_GATE_LOOP,     /* it repeats itself */
    SHOP_GATE_LANGUAGE, /* most of it is in another language */
    SHOP_GATE_NUMBER,   /* a number, or this number of this unit, is in no known text, or of another topic there */
    SHOP_GATE_LINK,
    SHOP_GATE_NAME,
    SHOP_GATE_PROMISE,
    SHOP_GATE_MISSING /* it leaves out what it was to say, see shop_gate_covers */
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
    char found[64]; /* what was refused, normalised and cut, as UTF-8; "" for reasons of the whole text */
} shop_gate_verdict;

/* Compares `text` with the known ones. lang: "zh..." or another; NULL: any language. Errors: NOMEM LIMIT. */
llmcs_status shop_gate(const llmcs_allocator *a, const char *text, size_t text_bytes, const shop_gate_text *known,
                       size_t n_known, const char *lang, shop_gate_verdict *verdict);

/* Whether `text` says what matters of `needed`: each number, date, order number, link and name, each denied or bound
 * promise ("not free", "refund"), and half of its other words. Sets the verdict to MISSING if not. Errors: NOMEM LIMIT.
 */
llmcs_status shop_gate_covers(const llmcs_allocator *a, const char *text, size_t text_bytes, const char *needed,
                              size_t needed_bytes, shop_gate_verdict *verdict);

#endif
