/* Reads a tagger's words for training, and finds them in texts: Chinese words by the most likely segmentation, Latin
 * words token by token. */
#include "shop/guard/tagger_words.h"

#include <string.h>

#include "shop/base/call.h"
#include "shop/base/sort.h"
#include "shop/classifier/disk.h"
#include "shop/guard/tagger.h"

/* ------------------------------------------------------------------------------------------------------ table */

void shop_tag_words_free(const llmcs_allocator *a, shop_tag_words *words) {
    shop_free(a, words->hashes);
    shop_free(a, words->kinds);
    shop_free(a, words->weights);
    shop_free(a, words->slots);
    shop_free(a, words->scores);
    memset(words, 0, sizeof *words);
}

llmcs_status shop_tag_slots_make(const llmcs_allocator *a, const uint32_t *hashes, size_t n, uint32_t **slots,
                                 size_t *n_slots) {
    for (*n_slots = 64; *n_slots < 3 * n;) *n_slots *= 2;
    SHOP_TRY(shop_alloc_zero(a, *n_slots, sizeof **slots, "tagger", slots));
    for (size_t i = 0; i < n; i++) {
        size_t slot = hashes[i] & (*n_slots - 1);
        while ((*slots)[slot]) slot = (slot + 1) & (*n_slots - 1);
        (*slots)[slot] = (uint32_t)i + 1;
    }
    return LLMCS_OK;
}

llmcs_status shop_tag_words_index(const llmcs_allocator *a, shop_tag_words *words) {
    return shop_tag_slots_make(a, words->hashes, words->n, &words->slots, &words->n_slots);
}

/* ------------------------------------------------------------------------------------------------------- file */

typedef struct word_row {
    uint32_t hash;
    uint8_t kind, weight;
} word_row;

/* Packs a row into a number that sorts by hash, then by descending weight. */
static uint64_t row_key(const word_row *row) {
    return (uint64_t)row->hash << 16 | (uint64_t)(UINT8_MAX - row->weight) << 8 | row->kind;
}
static word_row row_of(uint64_t key) {
    return (word_row){(uint32_t)(key >> 16), (uint8_t)key, (uint8_t)(UINT8_MAX - (key >> 8 & UINT8_MAX))};
}

typedef struct word_reader {
    const llmcs_allocator *a;
    const char *path;
    shop_text_view view;
    shop_tokens tokens;
    uint64_t *rows; /* [n] row_key */
    size_t n, capacity;
    int8_t *scores;
} word_reader;

static const shop_hits no_hits;

/* Reads a number up to `most` between two tabs or at the end of the line. */
static bool read_number(const char **at, const char *end, uint32_t most, uint8_t *out) {
    uint32_t value = 0;
    const char *p = *at;
    if (p >= end || *p++ != '\t' || p >= end) return false;
    for (*at = p; p < end && *p >= '0' && *p <= '9' && value <= most; p++) value = 10 * value + (uint32_t)(*p - '0');
    if (p == *at || value > most) return false;
    *out = (uint8_t)value;
    *at = p;
    return true;
}

static llmcs_status read_score(word_reader *r, const word_row *row, size_t number) {
    const uint32_t at = r->view.n == 1 ? r->view.at[0].code - SHOP_TAG_FIRST_CHARACTER : UINT32_MAX;
    if (at >= SHOP_TAG_CHARACTERS || !row->weight)
        return shop_fail(LLMCS_FORMAT, "%s: line %lld: expected one character of U+4E00 to U+9FFF and a weight above 0",
                         r->path, (long long)number);
    if (!r->scores)
        SHOP_TRY(shop_alloc_zero(r->a, SHOP_TAG_CHARACTERS * (size_t)SHOP_TAG_ROLES, 1, "scores", &r->scores));
    r->scores[at * SHOP_TAG_ROLES + row->kind - SHOP_TAG_WORD_KINDS] = (int8_t)(row->weight - 128);
    return LLMCS_OK;
}

static llmcs_status read_line(word_reader *r, const char *line, size_t n, size_t number) {
    const char *at = memchr(line, '\t', n), *end = line + n;
    word_row row = {0};
    if (!n) return LLMCS_OK;
    const bool good = at && at > line;
    const size_t bytes = good ? (size_t)(at - line) : 0;
    if (!good || !read_number(&at, end, SHOP_TAG_WORD_KINDS + SHOP_TAG_ROLES - 1, &row.kind) ||
        !read_number(&at, end, SHOP_TAG_WORD_WEIGHTS - 1, &row.weight) || at != end)
        return shop_fail(LLMCS_FORMAT, "%s: line %lld: expected word, kind (0 to %d) and weight (0 to %d) between tabs",
                         r->path, (long long)number, SHOP_TAG_WORD_KINDS + SHOP_TAG_ROLES - 1,
                         SHOP_TAG_WORD_WEIGHTS - 1);
    SHOP_TRY(shop_text_view_fill(r->a, line, bytes, &r->view));
    SHOP_TRY(shop_tokens_fill(r->a, &r->view, &no_hits, NULL, &r->tokens));
    if (row.kind >= SHOP_TAG_WORD_KINDS) return read_score(r, &row, number);
    uint64_t h = shop_tag_word_begin();
    bool han = r->tokens.n > 0 && r->tokens.n <= SHOP_TAG_WORD_TOKENS;
    for (size_t i = 0; i < r->tokens.n && han; i++) {
        h = shop_tag_word_add(h, r->tokens.items[i].id);
        han = r->view.at[r->tokens.items[i].begin].kind == SHOP_CHAR_HAN && (!i || !(r->tokens.items[i].shape >> 5));
    }
    if (!han && r->tokens.n != 1)
        return shop_fail(LLMCS_FORMAT, "%s: line %lld: expected one word, or 1 to %d Chinese characters", r->path,
                         (long long)number, SHOP_TAG_WORD_TOKENS);
    row.hash = shop_tag_word_end(han ? h : shop_tag_word_add(shop_tag_word_begin(), r->tokens.items[0].id));
    SHOP_TRY(shop_grow(r->a, &r->rows, r->n, &r->capacity, r->n + 1, sizeof *r->rows, "words"));
    r->rows[r->n++] = row_key(&row);
    return LLMCS_OK;
}

static llmcs_status keep_rows(word_reader *r, shop_tag_words *words) {
    const llmcs_allocator *a = r->a;
    shop_sort_u64(r->rows, r->n);
    SHOP_TRY(shop_alloc(a, r->n, sizeof *words->hashes, "words", &words->hashes));
    SHOP_TRY(shop_alloc(a, r->n, 1, "words", &words->kinds));
    SHOP_TRY(shop_alloc(a, r->n, 1, "words", &words->weights));
    for (size_t i = 0; i < r->n; i++) {
        const word_row row = row_of(r->rows[i]);
        if (words->n && row.hash == words->hashes[words->n - 1]) continue;
        words->hashes[words->n] = row.hash;
        words->kinds[words->n] = row.kind;
        words->weights[words->n++] = row.weight;
    }
    return shop_tag_words_index(a, words);
}

static llmcs_status read_lines(word_reader *r, const char *file, size_t bytes, shop_tag_words *words) {
    size_t number = 1;
    for (size_t at = 0; at < bytes; number++) {
        const char *end = memchr(file + at, '\n', bytes - at);
        const size_t n = end ? (size_t)(end - file) - at : bytes - at;
        SHOP_TRY(read_line(r, file + at, n, number));
        at += n + 1;
    }
    return r->n ? keep_rows(r, words) : LLMCS_OK;
}

llmcs_status shop_tag_words_read(const llmcs_allocator *a, const char *path, shop_tag_words *words) {
    word_reader r = {.a = a, .path = path};
    unsigned char *file = NULL;
    size_t bytes = 0;
    SHOP_TRY(shop_file_read(a, path, (uint64_t)1 << 28, &file, &bytes));
    const llmcs_status status = read_lines(&r, (const char *)file, bytes, words);
    words->scores = r.scores;
    shop_free(a, file);
    shop_free(a, r.rows);
    shop_text_view_free(a, &r.view);
    shop_free(a, r.tokens.items);
    return status;
}

/* ------------------------------------------------------------------------------------------------------- find */

enum { RUN = 256 }; /* number of Chinese characters segmented together */

/* Costs in units of weight (8 ln): the frequencies of all words sum to about e^18. */
enum { WORD_COST = 18 * 8, UNKNOWN_COST = 16 * 8 };

static void mark(shop_token *t, size_t n, uint8_t kind) {
    for (size_t k = 0; k < n; k++) {
        const uint32_t position = n == 1 ? SHOP_TAG_S : !k ? SHOP_TAG_B : k + 1 == n ? SHOP_TAG_E : SHOP_TAG_I;
        if (kind < SHOP_TAG_NAMED_KINDS) t[k].named |= 1u << (3 * kind + (position == SHOP_TAG_S ? 0 : position));
    }
}

/* Splits n Chinese characters, n at most RUN, into the words with the largest product of frequencies. */
static void segment(const shop_tag_words *words, shop_token *t, size_t n) {
    int32_t best[RUN + 1];
    uint8_t length[RUN], kind[RUN];
    uint32_t hash[RUN];
    best[n] = 0;
    for (size_t i = n; i-- > 0;) {
        uint64_t h = shop_tag_word_begin();
        best[i] = best[i + 1] - UNKNOWN_COST;
        length[i] = 1;
        kind[i] = SHOP_TAG_WORD_KINDS;
        hash[i] = shop_tag_word_end(shop_tag_word_add(h, t[i].id));
        for (size_t k = 0; k < SHOP_TAG_WORD_TOKENS && i + k < n; k++) {
            h = shop_tag_word_add(h, t[i + k].id);
            const uint32_t end = shop_tag_word_end(h);
            const size_t found = shop_tag_word_find(words, end);
            if (found == words->n) continue;
            const int32_t score = best[i + k + 1] + words->weights[found] - WORD_COST;
            if (k) mark(t + i, k + 1, words->kinds[found]);
            if (score <= best[i]) continue;
            best[i] = score;
            length[i] = (uint8_t)(k + 1);
            kind[i] = words->kinds[found];
            hash[i] = end;
        }
    }
    for (size_t i = 0; i < n; i += length[i])
        for (size_t k = 0; k < length[i]; k++) {
            const uint32_t position = length[i] == 1       ? SHOP_TAG_S
                                      : !k                 ? SHOP_TAG_B
                                      : k + 1 == length[i] ? SHOP_TAG_E
                                                           : SHOP_TAG_I;
            t[i + k].word = hash[i];
            t[i + k].segment = 1u + 4u * kind[i] + position;
            t[i + k].word_begin = (uint8_t)k;
            t[i + k].word_end = (uint8_t)(length[i] - k);
        }
}

static int32_t score_of(const shop_tag_words *words, const shop_text_view *view, const shop_tokens *tokens, size_t t,
                        size_t role) {
    enum { NO_NAME = -64 };
    const uint32_t at = t < tokens->n ? view->at[tokens->items[t].begin].code - SHOP_TAG_FIRST_CHARACTER : UINT32_MAX;
    return at < SHOP_TAG_CHARACTERS ? words->scores[at * SHOP_TAG_ROLES + role] : NO_NAME;
}

/* Sets, for each character, the log-likelihood ratios of a name of three or two characters that begins there. */
static void score_names(const shop_tag_words *words, const shop_text_view *view, shop_tokens *tokens) {
    for (size_t i = 0; i < tokens->n; i++) {
        shop_token *t = &tokens->items[i];
        if (view->at[t->begin].kind != SHOP_CHAR_HAN) continue;
        const int32_t surname = score_of(words, view, tokens, i, SHOP_TAG_SURNAME);
        t->name_of_two = (int16_t)(surname + score_of(words, view, tokens, i + 1, SHOP_TAG_LAST_OF_TWO));
        t->name_of_three = (int16_t)(surname + score_of(words, view, tokens, i + 1, SHOP_TAG_SECOND) +
                                     score_of(words, view, tokens, i + 2, SHOP_TAG_LAST));
        t->foreign = (int16_t)score_of(words, view, tokens, i, SHOP_TAG_FOREIGN);
    }
}

void shop_tag_words_mark(const shop_tag_words *words, const shop_text_view *view, shop_tokens *tokens) {
    shop_token *t = tokens->items;
    if (words->scores) score_names(words, view, tokens);
    for (size_t i = 0; i < tokens->n;) {
        size_t n = 1;
        if (view->at[t[i].begin].kind == SHOP_CHAR_HAN) {
            while (i + n < tokens->n && n < RUN && t[i + n].begin == t[i + n - 1].end &&
                   view->at[t[i + n].begin].kind == SHOP_CHAR_HAN)
                n++;
            segment(words, t + i, n);
        } else if (view->at[t[i].begin].kind == SHOP_CHAR_LETTER) {
            const size_t found =
                shop_tag_word_find(words, shop_tag_word_end(shop_tag_word_add(shop_tag_word_begin(), t[i].id)));
            const uint8_t kind = found < words->n ? words->kinds[found] : SHOP_TAG_WORD_KINDS;
            if (found < words->n) mark(t + i, 1, kind);
            t[i].segment = 1u + 4u * kind + SHOP_TAG_S;
        }
        i += n;
    }
}
