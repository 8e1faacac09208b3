/* llmcs_shop_gate: the gate for programs that generate texts themselves. */
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"
#include "shop/wording/gate.h"
#include "shop/wording/prompt.h"

/* Joins the facts as "key: value; key: value"; each fact becomes a sentence. */
static llmcs_status join_facts(const llmcs_shop_fact *facts, size_t n_facts, shop_text *joined) {
    for (size_t i = 0; i < n_facts; i++) {
        if (!facts[i].value) return shop_fail(LLMCS_ARG, "facts[%lld]: value is NULL", (long long)i);
        if (i) SHOP_TRY(shop_text_add(joined, ";\n", 2));
        if (facts[i].key) {
            SHOP_TRY(shop_text_add(joined, facts[i].key, strlen(facts[i].key)));
            SHOP_TRY(shop_text_add(joined, ": ", 2));
        }
        SHOP_TRY(shop_text_add(joined, facts[i].value, strlen(facts[i].value)));
    }
    return shop_text_add(joined, "", 0);
}

llmcs_status llmcs_shop_gate(const char *text, size_t text_bytes, const llmcs_shop_fact *facts, size_t n_facts,
                             const char *lang, llmcs_shop_gate_verdict *verdict) {
    SHOP_PUBLIC_CALL;
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_text joined = {.allocator = &a};
    shop_gate_verdict found;
    if (!text || !verdict) return shop_fail(LLMCS_ARG, "text and verdict must not be NULL");
    if (n_facts && !facts) return shop_fail(LLMCS_ARG, "facts is NULL and n_facts is not 0");
    llmcs_status status = join_facts(facts, n_facts, &joined);
    const shop_gate_text known = {joined.bytes, joined.n};
    if (text_bytes == LLMCS_NUL) text_bytes = strlen(text);
    if (!status) status = shop_gate(&a, text, text_bytes, &known, 1, lang, &found);
    shop_free(&a, joined.bytes);
    if (status) return status;
    llmcs_shop_gate_verdict ours = {.struct_size = sizeof ours,
                                    .passed = found.reason == SHOP_GATE_PASSED,
                                    .reason = shop_gate_reason_name(found.reason)};
    memcpy(ours.found, found.found, sizeof ours.found);
    return shop_options_out(verdict, SHOP_SIZE_UP_TO(llmcs_shop_gate_verdict, found), &ours, sizeof ours,
                            "llmcs_shop_gate_verdict");
}
