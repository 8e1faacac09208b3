/* Looks up simplified forms by binary search in a table of Unihan's pairs. */
#include "shop/base/han.h"

#include <stdbool.h>
#include <string.h>

#include "shop/base/alloc.h"
#include "shop/base/han_table.h"

enum { FIRST = 0x4e00, LAST = 0x9fff };

uint32_t shop_simplified(uint32_t c) {
    if (c < FIRST || c > LAST) return c;
    const size_t page = (c - FIRST) >> 8;
    size_t low = first_of_page[page], high = first_of_page[page + 1];
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (pairs[middle][0] < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < first_of_page[page + 1] && pairs[low][0] == c ? pairs[low][1] : c;
}

/* The three-byte character at `text`, or 0 if there is none. */
static uint32_t decode_three(const unsigned char *text, size_t n) {
    if (n < 3 || (text[0] & 0xf0) != 0xe0 || (text[1] & 0xc0) != 0x80 || (text[2] & 0xc0) != 0x80) return 0;
    return (uint32_t)(text[0] & 15) << 12 | (uint32_t)(text[1] & 63) << 6 | (text[2] & 63u);
}

/* Offset of the first traditional character from `begin` on, n if there is none. */
static size_t find_traditional(const char *text, size_t n, size_t begin) {
    for (size_t i = begin; i < n; i++) {
        const uint32_t c = decode_three((const unsigned char *)text + i, n - i);
        if (c && shop_simplified(c) != c) return i;
    }
    return n;
}

size_t shop_simplify(char *text, size_t n) {
    size_t changed = 0;
    for (size_t i = find_traditional(text, n, 0); i < n; i = find_traditional(text, n, i + 3), changed++) {
        const uint32_t c = shop_simplified(decode_three((const unsigned char *)text + i, n - i));
        text[i] = (char)(0xe0 | c >> 12);
        text[i + 1] = (char)(0x80 | (c >> 6 & 63));
        text[i + 2] = (char)(0x80 | (c & 63));
    }
    return changed;
}

/* copies [n]: simplified copies, in *bytes, of texts with traditional characters; the others point to the caller's. */
static llmcs_status copy_traditional(const llmcs_allocator *a, const llmcs_text *texts, size_t n, llmcs_text *copies,
                                     char **bytes) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        copies[i] = texts[i];
        if (texts[i].text && texts[i].text_bytes == LLMCS_NUL) copies[i].text_bytes = strlen(texts[i].text);
        const size_t size = copies[i].text_bytes;
        if (texts[i].text && find_traditional(texts[i].text, size, 0) < size && !shop_add(total, size, &total))
            return shop_fail(LLMCS_NOMEM, "texts: their bytes exceed the address space");
    }
    if (!total) return LLMCS_OK;
    SHOP_TRY(shop_alloc(a, total, 1, "simplified texts", bytes));
    for (size_t i = 0, used = 0; i < n; i++) {
        const size_t size = copies[i].text_bytes;
        if (!texts[i].text || find_traditional(texts[i].text, size, 0) == size) continue;
        memcpy(*bytes + used, texts[i].text, size);
        shop_simplify(*bytes + used, size);
        copies[i].text = *bytes + used;
        used += size;
    }
    return LLMCS_OK;
}

llmcs_status shop_embed_simplified(llmcs_model *encoder, const llmcs_allocator *a, const llmcs_text *texts,
                                   size_t n_texts, const llmcs_text_params *params, float *vectors) {
    llmcs_text *copies = NULL;
    char *bytes = NULL;
    llmcs_status status = shop_alloc(a, n_texts, sizeof *copies, "texts", &copies);
    if (!status) status = copy_traditional(a, texts, n_texts, copies, &bytes);
    if (!status) status = llmcs_embed(encoder, copies, n_texts, params, vectors, NULL);
    shop_free(a, bytes);
    shop_free(a, copies);
    return status;
}
