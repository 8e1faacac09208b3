/*
 * The format of a saved session. All numbers are little endian; the parts follow each other without gaps:
 *
 *   offset  bytes
 *        0      8  "llmcs-kv"
 *        8      4  version: 1
 *       12      4  flags: 1: has logits; 2: has a source (of an encoder-decoder)
 *       16      8  total length in bytes
 *       24      8  the model's fingerprint (weights/fingerprint.h)
 *       32      4  vocab_size
 *       36      4  n_layer
 *       40      4  n_head
 *       44      4  head_dim
 *       48      4  bytes of an element of keys and values: 2 (binary16) or 4 (float32)
 *       52      4  tokens of a block: 32
 *       56      8  n_tokens
 *       64         with flag 2: n_source (8 bytes) and the source's tokens [n_source] int32
 *                  tokens [n_tokens] int32
 *                  with flag 1: logits [vocab_size] float32 of the last token
 *                  for each block, layer and head, with n tokens in the block (32, in the last one the rest):
 *                      keys [head_dim][n], values [n][head_dim]
 *                  with flag 2: the same for the source
 *      end-8    8  XXH64 with seed 0 of all bytes before
 *
 * Unused parts of a block are not stored, so equal sessions give equal bytes, and no unrelated memory leaks out.
 */
#include <string.h>

#include "base/call.h"
#include "base/xxh64.h"
#include "runtime/session/session_internal.h"

#define VERSION 1u
#define HAS_LOGITS 1u
#define HAS_SOURCE 2u
#define HEADER_BYTES 64u
#define CHECKSUM_BYTES 8u
static const char magic[8] = {'l', 'l', 'm', 'c', 's', '-', 'k', 'v'};

enum {
    AT_VERSION = 8,
    AT_FLAGS = 12,
    AT_LENGTH = 16,
    AT_FINGERPRINT = 24,
    AT_VOCAB_SIZE = 32,
    AT_N_LAYER = 36,
    AT_N_HEAD = 40,
    AT_HEAD_DIM = 44,
    AT_NUMBER_BYTES = 48,
    AT_BLOCK_TOKENS = 52,
    AT_N_TOKENS = 56,
    AT_N_SOURCE = HEADER_BYTES
};
#define N_SOURCE_BYTES 8u

typedef struct header {
    uint32_t version, flags, vocab_size, n_layer, n_head, head_dim, number_bytes, block_tokens;
    uint64_t length, fingerprint, n_tokens, n_source;
} header;

/* ------------------------------------------------------------------------------------------------- numbers */

static void write_uint(unsigned char *at, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++) at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t read_uint(const unsigned char *at, size_t n_bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint32_t read_uint32(const unsigned char *at) { return (uint32_t)read_uint(at, 4); }

/* Tokens, logits, keys and values are copied without conversion, so the host must be little endian. */
static llmcs_status check_byte_order(void) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return LLMCS_OK;
#else
    return ll_fail(LLMCS_UNSUPPORTED, "saved sessions are little endian; this machine is big endian");
#endif
}

/* -------------------------------------------------------------------------------------------------- header */

static void write_header(const header *h, unsigned char *bytes) {
    memcpy(bytes, magic, sizeof magic);
    write_uint(bytes + AT_VERSION, h->version, 4);
    write_uint(bytes + AT_FLAGS, h->flags, 4);
    write_uint(bytes + AT_LENGTH, h->length, 8);
    write_uint(bytes + AT_FINGERPRINT, h->fingerprint, 8);
    write_uint(bytes + AT_VOCAB_SIZE, h->vocab_size, 4);
    write_uint(bytes + AT_N_LAYER, h->n_layer, 4);
    write_uint(bytes + AT_N_HEAD, h->n_head, 4);
    write_uint(bytes + AT_HEAD_DIM, h->head_dim, 4);
    write_uint(bytes + AT_NUMBER_BYTES, h->number_bytes, 4);
    write_uint(bytes + AT_BLOCK_TOKENS, h->block_tokens, 4);
    write_uint(bytes + AT_N_TOKENS, h->n_tokens, 8);
    if (h->flags & HAS_SOURCE) write_uint(bytes + AT_N_SOURCE, h->n_source, N_SOURCE_BYTES);
}

/* The offset of the first tokens, the source's or else the sequence's. */
static size_t after_header(const header *h) { return HEADER_BYTES + (h->flags & HAS_SOURCE ? N_SOURCE_BYTES : 0); }

static header read_header(const unsigned char *bytes) {
    return (header){.version = read_uint32(bytes + AT_VERSION),
                    .flags = read_uint32(bytes + AT_FLAGS),
                    .length = read_uint(bytes + AT_LENGTH, 8),
                    .fingerprint = read_uint(bytes + AT_FINGERPRINT, 8),
                    .vocab_size = read_uint32(bytes + AT_VOCAB_SIZE),
                    .n_layer = read_uint32(bytes + AT_N_LAYER),
                    .n_head = read_uint32(bytes + AT_N_HEAD),
                    .head_dim = read_uint32(bytes + AT_HEAD_DIM),
                    .number_bytes = read_uint32(bytes + AT_NUMBER_BYTES),
                    .block_tokens = read_uint32(bytes + AT_BLOCK_TOKENS),
                    .n_tokens = read_uint(bytes + AT_N_TOKENS, 8)};
}

/* The length that the other fields imply; false if it does not fit 64 bits. */
static bool length_of(const header *h, uint64_t *length) {
    uint64_t kv = 2 * (uint64_t)h->n_layer, n_tokens, of_tokens;
    if (!ll_mul_u64(kv, h->n_head, &kv) || !ll_mul_u64(kv, h->head_dim, &kv) || !ll_mul_u64(kv, h->number_bytes, &kv))
        return false;
    if (!ll_add_u64(h->n_tokens, h->n_source, &n_tokens)) return false;
    if (!ll_add_u64(kv, sizeof(int32_t), &kv) || !ll_mul_u64(kv, n_tokens, &of_tokens)) return false;
    uint64_t rest = after_header(h) + CHECKSUM_BYTES;
    if (h->flags & HAS_LOGITS) rest += (uint64_t)h->vocab_size * sizeof(float);
    return ll_add_u64(of_tokens, rest, length);
}

/* The header for this session, without the fingerprint, whose first computation is slow. */
static header header_of(const llmcs_session *s) {
    const ll_kv_layout *kv = &s->model->net->kv;
    header h = {.version = VERSION,
                .flags = (s->n_last_rows ? HAS_LOGITS : 0) | (s->source.n_tokens ? HAS_SOURCE : 0),
                .vocab_size = (uint32_t)s->model->config.vocab_size,
                .n_layer = (uint32_t)kv->n_layer,
                .n_head = (uint32_t)kv->n_kv_head,
                .head_dim = (uint32_t)kv->head_dim,
                .number_bytes = (uint32_t)ll_kv_element_bytes(kv->type),
                .block_tokens = LL_KV_BLOCK,
                .n_tokens = s->first.n_tokens,
                .n_source = s->source.n_tokens};
    (void)length_of(&h, &h.length); /* all of it is in memory */
    return h;
}

/* ------------------------------------------------------------------------------------------ keys and values */

/* The layout of one head of one layer, in a block and in the saved bytes. */
typedef struct head_shape {
    size_t number_bytes, head_dim, value_step /* bytes from one value to the next */, head_bytes;
} head_shape;

static head_shape shape_of(const ll_kv_layout *kv) {
    const size_t number_bytes = ll_kv_element_bytes(kv->type);
    return (head_shape){.number_bytes = number_bytes,
                        .head_dim = kv->head_dim,
                        .value_step = ll_kv_value_stride(kv->head_dim) * number_bytes,
                        .head_bytes = ll_kv_head_bytes(kv->type, kv->head_dim)};
}

/* Copies n_rows rows of row_bytes each, with the given distances between rows. */
static void copy_rows(unsigned char *to, size_t to_step, const unsigned char *from, size_t from_step, size_t n_rows,
                      size_t row_bytes) {
    if (to_step == row_bytes && from_step == row_bytes) {
        memcpy(to, from, n_rows * row_bytes);
        return;
    }
    for (size_t i = 0; i < n_rows; i++) memcpy(to + i * to_step, from + i * from_step, row_bytes);
}

/* Writes n tokens of a head; returns the end of the written bytes. */
static unsigned char *save_head(const head_shape *h, const unsigned char *head, size_t n, unsigned char *bytes) {
    const size_t key_row = n * h->number_bytes, key_step = LL_KV_BLOCK * h->number_bytes;
    const size_t value_row = h->head_dim * h->number_bytes;
    copy_rows(bytes, key_row, head, key_step, h->head_dim, key_row);
    copy_rows(bytes + h->head_dim * key_row, value_row, head + h->head_dim * key_step, h->value_step, n, value_row);
    return bytes + h->head_dim * key_row + n * value_row;
}

static const unsigned char *restore_head(const head_shape *h, unsigned char *head, size_t n,
                                         const unsigned char *bytes) {
    const size_t key_row = n * h->number_bytes, key_step = LL_KV_BLOCK * h->number_bytes;
    const size_t value_row = h->head_dim * h->number_bytes;
    if (n < LL_KV_BLOCK || h->value_step != value_row) memset(head, 0, h->head_bytes);
    copy_rows(head, key_step, bytes, key_row, h->head_dim, key_row);
    copy_rows(head + h->head_dim * key_step, h->value_step, bytes + h->head_dim * key_row, value_row, n, value_row);
    return bytes + h->head_dim * key_row + n * value_row;
}

/* Number of tokens in block `i` of a sequence of n_tokens. */
static size_t tokens_of_block(size_t n_tokens, size_t i) { return ll_min(LL_KV_BLOCK, n_tokens - i * LL_KV_BLOCK); }

static unsigned char *save_blocks(const llmcs_session *s, const ll_sequence *q, unsigned char *bytes) {
    const ll_kv_layout *kv = &s->model->net->kv;
    const head_shape h = shape_of(kv);
    for (size_t i = 0; i < ll_kv_blocks_of(q->n_tokens); i++)
        for (size_t j = 0; j < kv->n_layer * kv->n_kv_head; j++)
            bytes = save_head(&h, (const unsigned char *)q->blocks[i] + j * h.head_bytes,
                              tokens_of_block(q->n_tokens, i), bytes);
    return bytes;
}

static const unsigned char *restore_blocks(const llmcs_session *s, const ll_sequence *q, const unsigned char *bytes) {
    const ll_kv_layout *kv = &s->model->net->kv;
    const head_shape h = shape_of(kv);
    for (size_t i = 0; i < ll_kv_blocks_of(q->n_tokens); i++)
        for (size_t j = 0; j < kv->n_layer * kv->n_kv_head; j++)
            bytes = restore_head(&h, (unsigned char *)q->blocks[i] + j * h.head_bytes, tokens_of_block(q->n_tokens, i),
                                 bytes);
    return bytes;
}

/* ---------------------------------------------------------------------------------------------------- save */

static unsigned char *save_tokens(const ll_sequence *q, unsigned char *bytes) {
    const size_t n_bytes = q->n_tokens * sizeof *q->tokens;
    if (n_bytes) memcpy(bytes, q->tokens, n_bytes);
    return bytes + n_bytes;
}

static void write_session(const llmcs_session *s, const header *h, unsigned char *bytes) {
    const size_t vocab = h->vocab_size;
    unsigned char *at = bytes + after_header(h);
    write_header(h, bytes);
    at = save_tokens(&s->first, save_tokens(&s->source, at));
    if (h->flags & HAS_LOGITS) {
        memcpy(at, s->last_logits + (s->n_last_rows - 1) * vocab, vocab * sizeof(float));
        at += vocab * sizeof(float);
    }
    at = save_blocks(s, &s->source, save_blocks(s, &s->first, at));
    write_uint(at, ll_xxh64(bytes, (size_t)(at - bytes), 0), CHECKSUM_BYTES);
}

static llmcs_status save_checked(llmcs_session *s, void *bytes, size_t capacity, size_t *n_bytes) {
    header h = header_of(s);
    LL_TRY(check_byte_order());
    *n_bytes = (size_t)h.length;
    if (!bytes) return LLMCS_OK;
    if (capacity < *n_bytes)
        return ll_fail(LLMCS_BUFFER, "the session takes %zu bytes, the buffer has %zu", *n_bytes, capacity);
    h.fingerprint = ll_model_fingerprint_of(s->model);
    write_session(s, &h, bytes);
    return LLMCS_OK;
}

llmcs_status llmcs_session_save(llmcs_session *session, void *bytes, size_t capacity, size_t *n_bytes) {
    LL_PUBLIC_CALL;
    if (!n_bytes) return ll_fail(LLMCS_ARG, "llmcs_session_save: n_bytes is NULL");
    *n_bytes = 0;
    LL_TRY(ll_session_enter(session));
    llmcs_status st = save_checked(session, bytes, capacity, n_bytes);
    ll_session_leave(session);
    return st;
}

/* ------------------------------------------------------------------------------------------------- restore */

static llmcs_status fail_header_value(int offset, const char *what, uint64_t found, uint64_t expected) {
    return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %d: %s is %llu, expected %llu", offset, what,
                   (unsigned long long)found, (unsigned long long)expected);
}

/* Reads n_source, which follows the header of a session with a source. */
static llmcs_status read_source_length(const unsigned char *bytes, size_t n_bytes, header *h) {
    if (!(h->flags & HAS_SOURCE)) return LLMCS_OK;
    if (n_bytes < HEADER_BYTES + N_SOURCE_BYTES + CHECKSUM_BYTES)
        return ll_fail(LLMCS_FORMAT, "bytes of a session: %zu bytes, expected %u and more", n_bytes,
                       HEADER_BYTES + N_SOURCE_BYTES + CHECKSUM_BYTES);
    h->n_source = read_uint(bytes + AT_N_SOURCE, N_SOURCE_BYTES);
    if (h->n_source) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %d: there is a source without tokens", AT_N_SOURCE);
}

/* Checks magic, version and length of the header. */
static llmcs_status check_header(const unsigned char *bytes, size_t n_bytes, header *h) {
    uint64_t length;
    if (n_bytes < HEADER_BYTES + CHECKSUM_BYTES)
        return ll_fail(LLMCS_FORMAT, "bytes of a session: %zu bytes, expected %u and more", n_bytes,
                       HEADER_BYTES + CHECKSUM_BYTES);
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return ll_fail(LLMCS_FORMAT, "bytes of a session, offset 0: found \"%.8s\", expected \"llmcs-kv\"",
                       (const char *)bytes);
    *h = read_header(bytes);
    if (h->version != VERSION) return fail_header_value(AT_VERSION, "the version", h->version, VERSION);
    if (h->flags & ~(HAS_LOGITS | HAS_SOURCE))
        return fail_header_value(AT_FLAGS, "flags", h->flags, h->flags & (HAS_LOGITS | HAS_SOURCE));
    if (h->number_bytes != 2 && h->number_bytes != 4)
        return fail_header_value(AT_NUMBER_BYTES, "the bytes of an element", h->number_bytes, 4);
    if (h->block_tokens != LL_KV_BLOCK)
        return fail_header_value(AT_BLOCK_TOKENS, "the tokens of a block", h->block_tokens, LL_KV_BLOCK);
    LL_TRY(read_source_length(bytes, n_bytes, h));
    if (!h->n_tokens && (h->flags & HAS_LOGITS))
        return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %d: there are logits but no token", AT_FLAGS);
    if (!length_of(h, &length))
        return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %d: %llu tokens are more than can be addressed",
                       AT_N_TOKENS, (unsigned long long)h->n_tokens);
    if (h->length != length) return fail_header_value(AT_LENGTH, "the length", h->length, length);
    if (n_bytes == length) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "bytes of a session: %zu bytes, expected the %llu that offset %d says", n_bytes,
                   (unsigned long long)length, AT_LENGTH);
}

static llmcs_status check_sum(const unsigned char *bytes, size_t n_bytes) {
    const size_t at = n_bytes - CHECKSUM_BYTES;
    const uint64_t found = read_uint(bytes + at, CHECKSUM_BYTES), expected = ll_xxh64(bytes, at, 0);
    if (found == expected) return LLMCS_OK;
    return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %zu: the checksum is %016llx, expected %016llx: damaged",
                   at, (unsigned long long)found, (unsigned long long)expected);
}

static const char *name_of(uint32_t number_bytes) { return number_bytes == 2 ? "f16" : "f32"; }

static llmcs_status check_model(const llmcs_session *s, const header *h) {
    const header ours = header_of(s);
    if (h->n_layer != ours.n_layer || h->n_head != ours.n_head || h->head_dim != ours.head_dim ||
        h->vocab_size != ours.vocab_size)
        return ll_fail(LLMCS_STATE,
                       "the session was saved with another model: found n_layer %u, n_head %u, head_dim %u, vocab_size "
                       "%u, expected %u, %u, %u, %u",
                       h->n_layer, h->n_head, h->head_dim, h->vocab_size, ours.n_layer, ours.n_head, ours.head_dim,
                       ours.vocab_size);
    const uint64_t fingerprint = ll_model_fingerprint_of(s->model);
    if (h->fingerprint != fingerprint)
        return ll_fail(LLMCS_STATE,
                       "the session was saved with another model, or with weights kept as another type: fingerprint "
                       "%016llx, expected %016llx",
                       (unsigned long long)h->fingerprint, (unsigned long long)fingerprint);
    if (h->number_bytes != ours.number_bytes)
        return ll_fail(LLMCS_STATE, "the session was saved with kv_type %s, expected %s", name_of(h->number_bytes),
                       name_of(ours.number_bytes));
    if (h->n_source && !s->model->net->has_source)
        return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %d: there is a source, and %s has none", AT_FLAGS,
                       s->model->config.model_type);
    if (h->n_source > s->n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "a source of %llu tokens was saved, the session holds at most n_ctx %zu",
                       (unsigned long long)h->n_source, s->n_ctx);
    if (h->n_tokens > s->n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "%llu tokens were saved, the session holds at most n_ctx %zu",
                       (unsigned long long)h->n_tokens, s->n_ctx);
    return LLMCS_OK;
}

/* Checks that tokens are in the vocabulary and logits are finite, because the library relies on it. Keys and values are
 * not checked: a forward pass that gives NaN fails with NUMERIC. */
static llmcs_status check_tokens(const unsigned char *bytes, size_t at, uint64_t n, uint32_t vocab_size) {
    for (uint64_t i = 0; i < n; i++, at += sizeof(int32_t))
        if (read_uint32(bytes + at) >= vocab_size)
            return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %zu: token %d, expected 0 to %lld", at,
                           (int)(int32_t)read_uint32(bytes + at), (long long)vocab_size - 1);
    return LLMCS_OK;
}

static llmcs_status check_contents(const llmcs_session *s, const unsigned char *bytes, const header *h) {
    const size_t of_source = after_header(h), of_tokens = of_source + (size_t)h->n_source * sizeof(int32_t);
    size_t at = of_tokens + (size_t)h->n_tokens * sizeof(int32_t);
    LL_TRY(check_tokens(bytes, of_source, h->n_source, (uint32_t)s->model->config.encoder.vocab_size));
    LL_TRY(check_tokens(bytes, of_tokens, h->n_tokens, h->vocab_size));
    for (uint32_t i = 0; (h->flags & HAS_LOGITS) && i < h->vocab_size; i++, at += sizeof(float))
        if ((read_uint32(bytes + at) & 0x7f800000u) == 0x7f800000u)
            return ll_fail(LLMCS_FORMAT, "bytes of a session, offset %zu: logit %u is NaN or infinite", at, i);
    return LLMCS_OK;
}

/* Sets the tokens of an empty sequence and allocates its blocks, which are filled later. */
static llmcs_status restore_tokens(llmcs_session *s, ll_sequence *q, size_t n_tokens, const unsigned char **bytes) {
    LL_TRY(ll_sequence_extend(&s->kv, q, n_tokens));
    if (n_tokens) memcpy(q->tokens, *bytes, n_tokens * sizeof *q->tokens);
    q->n_tokens = n_tokens;
    *bytes += n_tokens * sizeof *q->tokens;
    return LLMCS_OK;
}

/* Cannot fail: everything was checked, and there are blocks for n_ctx tokens and for a source of n_ctx tokens. */
static llmcs_status replace_contents(llmcs_session *s, const header *h, const unsigned char *bytes) {
    const size_t vocab = h->vocab_size;
    ll_session_forget_logits(s);
    ll_sequence_truncate(&s->kv, &s->first, 0);
    ll_sequence_truncate(&s->kv, &s->source, 0);
    ll_session_release(s);
    bytes += after_header(h);
    LL_TRY(restore_tokens(s, &s->source, (size_t)h->n_source, &bytes));
    LL_TRY(restore_tokens(s, &s->first, (size_t)h->n_tokens, &bytes));
    if (h->flags & HAS_LOGITS) {
        memcpy(s->logits, bytes, vocab * sizeof(float));
        s->last_logits = s->logits;
        s->n_last_rows = 1;
        bytes += vocab * sizeof(float);
    }
    (void)restore_blocks(s, &s->source, restore_blocks(s, &s->first, bytes));
    return LLMCS_OK;
}

static llmcs_status restore_session(llmcs_session *s, const unsigned char *bytes, size_t n_bytes) {
    header h;
    LL_TRY(check_byte_order());
    LL_TRY(check_header(bytes, n_bytes, &h));
    LL_TRY(check_sum(bytes, n_bytes));
    LL_TRY(check_model(s, &h));
    LL_TRY(check_contents(s, bytes, &h));
    return replace_contents(s, &h, bytes);
}

llmcs_status llmcs_session_restore(llmcs_session *session, const void *bytes, size_t n_bytes) {
    LL_PUBLIC_CALL;
    if (!bytes) return ll_fail(LLMCS_ARG, "llmcs_session_restore: bytes is NULL");
    LL_TRY(ll_session_enter(session));
    llmcs_status st = restore_session(session, bytes, n_bytes);
    ll_session_leave(session);
    return st;
}
