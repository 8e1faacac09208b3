/* The gate of generated texts: whatever the bytes, a text says nothing that it does not say itself. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const char *text, size_t n, const char *known, llmcs_shop_gate_verdict *verdict) {
    const llmcs_shop_fact fact = {NULL, known};
    *verdict = (llmcs_shop_gate_verdict){.struct_size = sizeof *verdict};
    MUST(!llmcs_shop_gate(text, n, &fact, 1, NULL, verdict));
    MUST(verdict->passed == !strcmp(verdict->reason, "passed") && strlen(verdict->found) < sizeof verdict->found);
}

/* The first line is the fact, the rest the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    llmcs_shop_gate_verdict verdict;
    char *copy = malloc(size + 1);
    MUST(copy);
    if (size) memcpy(copy, data, size);
    copy[size] = 0;
    judge(copy, strlen(copy), copy, &verdict);
    MUST(strcmp(verdict.reason, "number") != 0 && strcmp(verdict.reason, "link") != 0 &&
         strcmp(verdict.reason, "name") != 0 && strcmp(verdict.reason, "promise") != 0);
    char *line = strchr(copy, '\n');
    if (line) {
        *line = 0;
        judge(line + 1, size - (size_t)(line + 1 - copy), copy, &verdict);
    }
    free(copy);
    return 0;
}
