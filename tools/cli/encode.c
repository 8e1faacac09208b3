/* A text's tokens in fresh arrays, and back. */
#include <stdlib.h>

#include "cli.h"
#include "request.h"

void cli_encoding_free(cli_encoding *e) {
    free(e->ids);
    free(e->type_ids);
    free(e->offsets);
    *e = (cli_encoding){0};
}

static llmcs_status encode_into(const llmcs_tokenizer *tokenizer, const char *text, size_t len, const char *pair,
                                size_t pair_len, uint32_t flags, cli_encoding *e, size_t capacity) {
    llmcs_encode_params params;
    llmcs_encode_params_init(&params);
    params.flags = flags;
    e->ids = malloc(capacity * sizeof *e->ids);
    e->type_ids = malloc(capacity * sizeof *e->type_ids);
    e->offsets = malloc(capacity * sizeof *e->offsets);
    if (!e->ids || !e->type_ids || !e->offsets) return request_error(LLMCS_NOMEM, "no memory for %zu tokens", capacity);
    return llmcs_encode(tokenizer, text, len, pair, pair_len, &params, e->ids, e->type_ids, e->offsets, capacity,
                        &e->n);
}

llmcs_status cli_encode(const llmcs_tokenizer *tokenizer, const char *text, size_t len, const char *pair,
                        size_t pair_len, uint32_t flags, cli_encoding *e) {
    *e = (cli_encoding){0};
    /* Nearly all tokens have a byte or more: the first capacity suffices then, and the size that the call reports
     * always does.
     */
    llmcs_status status = encode_into(tokenizer, text, len, pair, pair_len, flags, e, len + pair_len + 16);
    if (status == LLMCS_BUFFER) {
        const size_t needed = e->n;
        cli_encoding_free(e);
        status = encode_into(tokenizer, text, len, pair, pair_len, flags, e, needed);
    }
    if (status) cli_encoding_free(e);
    return status;
}

llmcs_status cli_decode(const llmcs_tokenizer *tokenizer, const int32_t *ids, size_t n_ids, uint32_t flags, char **text,
                        size_t *len) {
    *text = NULL;
    llmcs_status status = llmcs_decode(tokenizer, ids, n_ids, flags, NULL, 0, len);
    if (status) return status;
    if (!(*text = malloc(*len + 1))) return request_error(LLMCS_NOMEM, "no memory for a text of %zu bytes", *len);
    status = llmcs_decode(tokenizer, ids, n_ids, flags, *text, *len, len);
    if (!status) {
        (*text)[*len] = 0;
        return LLMCS_OK;
    }
    free(*text);
    *text = NULL;
    return status;
}
