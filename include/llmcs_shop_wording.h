/*
 * llmcs_shop_wording.h - checks that a generated text states only given facts. Included by llmcs_shop.h, whose rules
 * hold here.
 *
 *     llmcs_shop_fact facts[] = {{"status", "on its way"}, {"carrier", "Redkite"}};
 *     llmcs_shop_gate_verdict verdict = {.struct_size = sizeof verdict};
 *     if (!llmcs_shop_gate(text, LLMCS_NUL, facts, 2, "en", &verdict) && verdict.passed) puts(text);
 *
 * A language model may write fluent but wrong sentences about a shop's facts. The gate compares with the facts:
 *   - numbers with their units: "3 days" is not "3 hours", 三天 and "three days" are equal; prices, percentages, times,
 *   - dates: 2026-11-20, 20 November and 11月20日 are equal,
 *   - order numbers and other words with digits, links and e-mail addresses,
 *   - names: capitalised English words except common ones, Latin words in Chinese, text in 《》 or quotation marks,
 *     firms and places, 王先生,
 *   - promises and claims: "free", "guarantee", "refund", "cancelled", "tomorrow", 免费, 保证, 已取消 and some two
 *     hundred more. "Not free" does not allow "free". If the facts have a number or condition with a promise
 *     ("free from 99 yuan"), the text must have it too.
 *
 * It also rejects texts that are empty, cut off, repetitive, in the wrong language, or that contain another speaker's
 * line. The gate does not understand texts: one that passes may still answer another question or omit something
 * important, and one that is rejected may be right. Then use the facts themselves as the reply.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_WORDING_H
#define LLMCS_SHOP_WORDING_H

#ifdef __cplusplus
extern "C" {
#endif

/* A fact that the text may state. Frozen. */
typedef struct llmcs_shop_fact {
    const char *key;   /* "status"; NULL: the value is a sentence or the text of an entry */
    const char *value; /* not NULL */
} llmcs_shop_fact;

typedef struct llmcs_shop_gate_verdict {
    size_t struct_size;
    int32_t passed; /* 1, or 0: do not show the text */
    const char
        *reason;    /* "passed", "empty", "cut", "speaker", "loop", "language", "number", "link", "name", "promise" */
    char found[64]; /* the rejected part, normalised and truncated; "" if the reason concerns the whole text */
} llmcs_shop_gate_verdict;

/* Compares a text with facts [n_facts]. lang: the expected language, "zh..." or another; NULL: any. Set
 * verdict->struct_size = sizeof *verdict first. Takes microseconds and holds no lock. Errors: ARG NOMEM LIMIT. */
LLMCS_SHOP_API llmcs_status llmcs_shop_gate(const char *text, size_t text_bytes, const llmcs_shop_fact *facts,
                                            size_t n_facts, const char *lang, llmcs_shop_gate_verdict *verdict);

#ifdef __cplusplus
}
#endif
#endif
