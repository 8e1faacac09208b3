/* Whole characters as the symbols that merging starts from, instead of bytes: a third of the symbols for Chinese.
 *
 * This is exact if the merges inside the character always happen before any merge across its boundary. Let m be the
 * highest rank of the merges that make the character from its bytes. The first merge across a boundary joins either a
 * token that ends with the byte before, and a proper prefix of the character; or a proper suffix of it, and a token
 * that begins with the byte after. If all such merges have ranks above m, the character is complete before any of them:
 * until then one of its own merges is available and has a lower rank. If also all merges with the whole character as a
 * side have ranks above m, starting with the whole character changes nothing: they happen after everything up to m.
 *
 * Adjacent bytes are divided into 16 classes (ll_bpe_class); a character has a bit for each class with a merge of rank
 * below m. With Qwen's vocabulary nine in ten characters of Chinese text start whole; without the classes one in four.
 */
#include <string.h>

#include "text/bpe.h"
#include "text/byte_level.h"

enum { N_CLASSES = LL_BPE_CLASSES };

/* The bytes at the ends of a token. */
typedef struct token_ends {
    uint8_t n; /* bytes of the token, or 4 for more than 3; 0: not of the alphabet of bytes */
    uint8_t byte[3];
    uint8_t last;
} token_ends;

/* Lowest ranks, by class of the byte on the other side. */
typedef struct lowest {
    uint32_t prefix1[256][N_CLASSES];    /* of merges whose right side is this first byte of a character */
    uint32_t prefix2[16][64][N_CLASSES]; /* or these two of three */
    uint32_t suffix1[64][N_CLASSES];     /* whose left side is this last byte, and whose right side begins one */
    uint32_t suffix2[64][64][N_CLASSES]; /* or the last two of three */
    uint32_t *as_side;                   /* [n_ids]: whose left or right side is this token */
} lowest;

static bool continues(uint8_t byte) { return (byte & 0xc0) == 0x80; }

static void lower(uint32_t *least, uint32_t rank) {
    if (rank < *least) *least = rank;
}

/* The last byte that a token stands for; its last character may be of two bytes. */
static int last_byte(const char *token, size_t len) {
    char byte[3];
    const size_t take = len > 1 && continues((uint8_t)token[len - 1]) ? 2 : 1;
    return ll_bytes_of_token(token + len - take, take, byte) == 1 ? (uint8_t)byte[0] : -1;
}

static void read_ends(const ll_bpe *b, token_ends *ends) {
    for (size_t id = 0; id < b->n_ids; id++) {
        size_t len, n, take = 0;
        char bytes[6];
        const char *token = ll_vocab_token(b->vocab, (int32_t)id, &len);
        for (size_t k = 0; k < 3 && take < len; k++) take += (unsigned char)token[take] < 0x80 ? 1 : 2;
        ends[id] = (token_ends){0};
        if (!len || take > len || (n = ll_bytes_of_token(token, take, bytes)) == SIZE_MAX) continue;
        const int last = last_byte(token, len);
        if (last < 0) continue;
        ends[id].n = (uint8_t)(take < len ? 4 : n);
        ends[id].last = (uint8_t)last;
        memcpy(ends[id].byte, bytes, n);
    }
}

/* A side that is not of the alphabet (n is 0) is in no text. */
static void see_merge(lowest *l, const token_ends *left, const token_ends *right, uint32_t rank) {
    const unsigned before = ll_bpe_class(left->last), after = ll_bpe_class(right->byte[0]);
    if (!left->n || !right->n) return;
    if (right->n == 1 && right->byte[0] >= 0xc2) lower(&l->prefix1[right->byte[0]][before], rank);
    if (right->n == 2 && right->byte[0] >> 4 == 0xe && continues(right->byte[1]))
        lower(&l->prefix2[right->byte[0] & 15][right->byte[1] & 63][before], rank);
    if (continues(right->byte[0])) return;
    if (left->n == 1 && continues(left->byte[0])) lower(&l->suffix1[left->byte[0] & 63][after], rank);
    if (left->n == 2 && continues(left->byte[0]) && continues(left->byte[1]))
        lower(&l->suffix2[left->byte[0] & 63][left->byte[1] & 63][after], rank);
}

static void find_lowest(const ll_bpe *b, const token_ends *ends, lowest *l) {
    for (size_t left = 0; left < b->n_ids; left++)
        for (uint32_t i = 0; i <= b->left[left].mask; i++) {
            const ll_bpe_slot *slot = &b->slot[b->left[left].first + i];
            if (slot->right < 0) continue;
            lower(&l->as_side[left], slot->rank);
            lower(&l->as_side[slot->right], slot->rank);
            see_merge(l, &ends[left], &ends[slot->right], slot->rank);
        }
}

/* Merges the 2 or 3 bytes of a character by themselves: the token, and the highest rank of the merges; -1: no token. */
static int32_t merge_char(const ll_bpe *b, const uint8_t *byte, size_t n, uint32_t *highest) {
    const uint32_t first = b->byte_rank[(size_t)byte[0] << 8 | byte[1]];
    if (n == 2) {
        *highest = first;
        return first == LL_BPE_NO_RANK ? -1 : b->result[first];
    }
    const uint32_t second = b->byte_rank[(size_t)byte[1] << 8 | byte[2]], best = first <= second ? first : second;
    if (best == LL_BPE_NO_RANK) return -1;
    const int32_t two = b->result[best];
    const uint32_t last =
        first <= second ? ll_bpe_rank(b, two, b->byte_id[byte[2]]) : ll_bpe_rank(b, b->byte_id[byte[0]], two);
    if (last == LL_BPE_NO_RANK) return -1;
    *highest = best > last ? best : last;
    return b->result[last];
}

static void set_classes(const lowest *l, const uint8_t *byte, size_t n, uint32_t highest, ll_bpe_char *c) {
    for (unsigned k = 0; k < N_CLASSES; k++) {
        bool before = l->prefix1[byte[0]][k] < highest, after = l->suffix1[byte[n - 1] & 63][k] < highest;
        if (n == 3) before = before || l->prefix2[byte[0] & 15][byte[1] & 63][k] < highest;
        if (n == 3) after = after || l->suffix2[byte[1] & 63][byte[2] & 63][k] < highest;
        c->not_after |= (uint16_t)(before << k);
        c->not_before |= (uint16_t)(after << k);
    }
}

static void find_char(ll_bpe *b, const token_ends *ends, const lowest *l, size_t id) {
    const uint8_t *byte = ends[id].byte;
    const size_t n = ends[id].n;
    uint32_t highest = 0, cp;
    if (n == 2 && byte[0] >= 0xc2 && byte[0] < 0xe0 && continues(byte[1]))
        cp = (byte[0] & 0x1fu) << 6 | (byte[1] & 63u);
    else if (n == 3 && byte[0] >> 4 == 0xe && continues(byte[1]) && continues(byte[2]))
        cp = (byte[0] & 0xfu) << 12 | (byte[1] & 63u) << 6 | (byte[2] & 63u);
    else
        return;
    if (merge_char(b, byte, n, &highest) != (int32_t)id) return;
    if (l->as_side[id] <= highest) return;
    b->whole_chars[cp] = (ll_bpe_char){.id = (int32_t)id};
    set_classes(l, byte, n, highest, &b->whole_chars[cp]);
}

/* Looks for whole characters at a first byte only if at least one in 128 characters with that byte is known. GPT-2 has
 * a few dozen Chinese ones: looking for them takes longer than merging the bytes of all. */
static void find_first_bytes(ll_bpe *b) {
    size_t n_known[256] = {0};
    for (unsigned cp = 0x80; cp < 65536; cp++)
        n_known[cp < 0x800 ? 0xc0 | cp >> 6 : 0xe0 | cp >> 12] += b->whole_chars[cp].id >= 0;
    for (unsigned byte = 0xc2; byte < 0xf0; byte++)
        b->begins_char[byte] = 128 * n_known[byte] >= (byte < 0xe0 ? 64u : 4096u);
}

llmcs_status ll_bpe_find_chars(ll_bpe *b, const llmcs_allocator *a) {
    token_ends *ends = NULL;
    lowest *l = NULL;
    uint32_t *as_side = NULL;
    llmcs_status st;
    if (b->n_missing || b->chars) return LLMCS_OK; /* words may lack bytes, and are then not UTF-8 */
    LL_TRY_GOTO(st, ll_alloc(a, b->n_ids, sizeof *ends, "ends of tokens", &ends), done);
    LL_TRY_GOTO(st, ll_alloc(a, b->n_ids, sizeof *as_side, "ranks of tokens", &as_side), done);
    LL_TRY_GOTO(st, ll_alloc(a, 1, sizeof *l, "ranks of tokens", &l), done);
    LL_TRY_GOTO(st, ll_alloc(a, 65536, sizeof *b->whole_chars, "characters", &b->whole_chars), done);
    memset(l, 0xff, sizeof *l);
    memset(as_side, 0xff, b->n_ids * sizeof *as_side);
    for (size_t i = 0; i < 65536; i++) b->whole_chars[i] = (ll_bpe_char){.id = -1};
    l->as_side = as_side;
    read_ends(b, ends);
    find_lowest(b, ends, l);
    for (size_t id = 0; id < b->n_ids; id++) find_char(b, ends, l, id);
    find_first_bytes(b);
done:
    ll_free(a, ends);
    ll_free(a, as_side);
    ll_free(a, l);
    return st;
}
