/* Stores findings, and finds the words of the lexicon in a view. */
#include "shop/guard/find.h"

llmcs_status shop_find_add(shop_findings *f, size_t begin, size_t end, uint32_t kind, shop_priority priority,
                           const char *rule) {
    SHOP_TRY(shop_grow(f->a, &f->items, f->n, &f->capacity, f->n + 1, sizeof *f->items, "findings"));
    f->items[f->n++] = (shop_finding){(uint32_t)begin, (uint32_t)end, (uint8_t)kind, (uint8_t)priority, rule};
    return LLMCS_OK;
}

/* A Latin word must not touch other letters or digits; a Han word may. */
static bool ends_word(const shop_text_view *view, size_t last) {
    return view->at[last].kind != SHOP_CHAR_LETTER || last + 1 >= view->n || !shop_is_word_char(&view->at[last + 1]);
}

static bool begins_word(const shop_text_view *view, size_t first) {
    return view->at[first].kind != SHOP_CHAR_LETTER || !first || !shop_is_word_char(&view->at[first - 1]);
}

llmcs_status shop_find_hits(const llmcs_allocator *a, const shop_lexicon *lexicon, const shop_text_view *view,
                            shop_hits *hits) {
    hits->n = 0;
    for (size_t i = 0; i < view->n; i++) {
        uint32_t node = shop_lexicon_child(lexicon, 0, shop_ascii_lower(view->at[i].code));
        if (!node || !begins_word(view, i)) continue;
        for (size_t k = i;;) {
            const uint32_t tags = shop_lexicon_tags(lexicon, node);
            if (tags && ends_word(view, k)) {
                SHOP_TRY(shop_grow(a, &hits->items, hits->n, &hits->capacity, hits->n + 1, sizeof *hits->items,
                                   "words of a text"));
                hits->items[hits->n++] = (shop_hit){(uint32_t)i, (uint32_t)k + 1, tags};
            }
            if (++k >= view->n) break;
            uint32_t code = shop_ascii_lower(view->at[k].code);
            if (view->at[k].kind == SHOP_CHAR_SPACE) { /* a run of spaces matches one space */
                code = ' ';
                while (k + 1 < view->n && view->at[k + 1].kind == SHOP_CHAR_SPACE) k++;
            }
            if (!(node = shop_lexicon_child(lexicon, node, code))) break;
        }
    }
    return LLMCS_OK;
}

/* The first hit that begins at i or later. */
static size_t first_hit(const shop_hits *hits, size_t i) {
    size_t low = 0, high = hits->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (hits->items[middle].begin < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t shop_hit_len(const shop_hits *hits, size_t i, uint32_t tags) {
    size_t longest = 0;
    for (size_t h = first_hit(hits, i); h < hits->n && hits->items[h].begin == i; h++)
        if (hits->items[h].tags & tags && hits->items[h].end - i > longest) longest = hits->items[h].end - i;
    return longest;
}

bool shop_has_hit(const shop_hits *hits, size_t from, size_t to, uint32_t tags) {
    for (size_t h = first_hit(hits, from); h < hits->n && hits->items[h].begin < to; h++)
        if (hits->items[h].tags & tags) return true;
    return false;
}
