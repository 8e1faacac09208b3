#include "formats/gguf_tokens.h"

#include <string.h>

#define SPACE "\xe2\x96\x81" /* U+2581 */
#define SPACE_BYTES 3
#define PREFIX "##"
#define PREFIX_BYTES 2

static bool is_bracketed(const char *token, size_t len) { return len >= 2 && token[0] == '[' && token[len - 1] == ']'; }

static bool begins(const char *token, size_t len, const char *with, size_t n) {
    return len >= n && memcmp(token, with, n) == 0;
}

void ll_token_from_phantom(const char *token, size_t len, char *room, ll_vocab_entry *entry) {
    if (begins(token, len, SPACE, SPACE_BYTES)) {
        entry->token = token + SPACE_BYTES;
        entry->token_bytes = (uint32_t)(len - SPACE_BYTES);
    } else if (!is_bracketed(token, len)) {
        memcpy(room, PREFIX, PREFIX_BYTES);
        if (len) memcpy(room + PREFIX_BYTES, token, len);
        entry->token = room;
        entry->token_bytes = (uint32_t)(len + PREFIX_BYTES);
    }
}

void ll_token_to_phantom(const char *token, size_t len, char *room, const char **out, size_t *out_bytes) {
    if (begins(token, len, PREFIX, PREFIX_BYTES)) {
        *out = token + PREFIX_BYTES;
        *out_bytes = len - PREFIX_BYTES;
        return;
    }
    memcpy(room, SPACE, SPACE_BYTES);
    if (len) memcpy(room + SPACE_BYTES, token, len);
    *out = room;
    *out_bytes = len + SPACE_BYTES;
}
