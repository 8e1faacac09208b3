/* WordPiece tokens in GGUF's spelling: U+2581 before the first token of a word. */
#include "formats/gguf_tokens.h"

#include <string.h>

#define SPACE "\xe2\x96\x81" /* U+2581 */
#define SPACE_BYTES 3
#define PREFIX "##"
#define PREFIX_BYTES 2

static bool is_bracketed(const char *token, size_t len) { return len >= 2 && token[0] == '[' && token[len - 1] == ']'; }

static bool has_prefix(const char *token, size_t len, const char *with, size_t n) {
    return len >= n && memcmp(token, with, n) == 0;
}

void ll_token_from_phantom(const char *token, size_t len, char *buffer, ll_vocab_entry *entry) {
    if (has_prefix(token, len, SPACE, SPACE_BYTES)) {
        entry->token = token + SPACE_BYTES;
        entry->token_bytes = (uint32_t)(len - SPACE_BYTES);
    } else if (!is_bracketed(token, len)) {
        for (size_t i = 0; i < PREFIX_BYTES; i++) buffer[i] = PREFIX[i];
        if (len) memcpy(buffer + PREFIX_BYTES, token, len);
        entry->token = buffer;
        entry->token_bytes = (uint32_t)(len + PREFIX_BYTES);
    }
}

bool ll_token_to_phantom(const char *token, size_t len, const char **prefix, size_t *skip) {
    bool goes_on = has_prefix(token, len, PREFIX, PREFIX_BYTES);
    *prefix = goes_on ? "" : SPACE;
    *skip = goes_on ? PREFIX_BYTES : 0;
    const char *rest = token + *skip;
    return !goes_on || !(has_prefix(rest, len - *skip, SPACE, SPACE_BYTES) || is_bracketed(rest, len - *skip));
}
