/*
 * llmcs_shop_wording.h - whether a generated text says only what is known. Included by llmcs_shop.h, whose rules hold
 * here.
 *
 *     llmcs_shop_fact facts[] = {{"status", "on its way"}, {"carrier", "Redkite"}};
 *     llmcs_shop_gate_verdict verdict = {.struct_size = sizeof verdict};
 *     if (!llmcs_shop_gate(text, LLMCS_NUL, facts, 2, "en", &verdict) && verdict.passed) puts(text);
 *
 * What a language model writes about a shop's facts may be fluent and wrong. The gate compares with the facts
 *   - numbers, each with its unit: "3 days" is not "3 hours"; also 三天 and "three days"; prices, per cents, times,
 *   - dates: 2026-11-20, 20 November and 11月20日 are one,
 *   - order numbers and other words with digits, addresses of the web and of mail,
 *   - names: English words with a capital that are no common ones, Latin words in Chinese, what stands in 《》 or
 *     quotation marks, firms and places, 王先生,
 *   - promises and claims: "free", "guarantee", "refund", "cancelled", "tomorrow", 免费, 保证, 已取消 and some two
 * hundred more. "Not free" does not allow "free", and where the facts name a number or a condition with it ("free
 * from 99 yuan"), the text must, too, and refuses texts that are empty, cut off, in the wrong language, repeat
 * themselves, or hold another speaker's line. It does not understand: a text that passes may still answer another
 * question or leave out what matters. What it refuses may be right; then the caller says the facts themselves.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_WORDING_H
#define LLMCS_SHOP_WORDING_H

#ifdef __cplusplus
extern "C" {
#endif

/* What may be said. Frozen. */
typedef struct llmcs_shop_fact {
    const char *key;   /* "status"; NULL: the value stands alone, a sentence or the text of an entry */
    const char *value; /* not NULL */
} llmcs_shop_fact;

typedef struct llmcs_shop_gate_verdict {
    size_t struct_size;
    int32_t passed; /* 1, or 0: do not show the text */
    const char
        *reason;    /* "passed", "empty", "cut", "speaker", "loop", "language", "number", "link", "name", "promise" */
    char found[64]; /* what no fact says, normalised and cut; "" for reasons that concern the whole text */
} llmcs_shop_gate_verdict;

/* Compares a text with facts: [n_facts]. lang: the language it should be in, "zh..." or another; NULL: any. Set
 * verdict->struct_size = sizeof *verdict first. Takes some microseconds; holds no lock. Errors: ARG NOMEM LIMIT. */
LLMCS_SHOP_API llmcs_status llmcs_shop_gate(const char *text, size_t text_bytes, const llmcs_shop_fact *facts,
                                            size_t n_facts, const char *lang, llmcs_shop_gate_verdict *verdict);

#ifdef __cplusplus
}
#endif
#endif
