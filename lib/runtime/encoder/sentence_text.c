/* Prepares texts for the tokenizer as sentence-transformers does: prompt and white space. */
#include "runtime/encoder/sentence_text.h"

#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer.h"

/* Python's str.isspace. */
static bool is_space(uint32_t cp) {
    if (cp < 0x80) return cp == ' ' || (cp >= 0x09 && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x1f);
    return cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* The offset of the last character of text [n], n at least 1. */
static size_t last_character(const char *text, size_t n) {
    size_t at = n - 1;
    while (at > 0 && n - at < 4 && ((unsigned char)text[at] & 0xc0u) == 0x80u) at--;
    return at;
}

static void strip_white_space(const char **text, size_t *n_bytes) {
    uint32_t cp;
    size_t n = *n_bytes;
    while (n) {
        const size_t step = ll_utf8_decode(*text, n, &cp);
        if (!is_space(cp)) break;
        *text += step;
        n -= step;
    }
    while (n) {
        const size_t at = last_character(*text, n);
        if (ll_utf8_decode(*text + at, n - at, &cp) != n - at || !is_space(cp)) break;
        n = at;
    }
    *n_bytes = n;
}

static llmcs_status put_prompt_before(const llmcs_model *m, const char *prompt, const char **text, size_t *n_bytes,
                                      char **owned) {
    const size_t n_prompt = strlen(prompt);
    size_t n;
    if (!n_prompt) return LLMCS_OK;
    if (!ll_add(n_prompt, *n_bytes, &n)) return ll_fail(LLMCS_LIMIT, "a text is too long");
    LL_TRY(ll_alloc(&m->allocator, n, 1, "text with its prompt", owned));
    memcpy(*owned, prompt, n_prompt);
    if (*n_bytes) memcpy(*owned + n_prompt, *text, *n_bytes);
    *text = *owned;
    *n_bytes = n;
    return LLMCS_OK;
}

llmcs_status ll_sentence_text(const llmcs_model *m, const char *prompt, const llmcs_text *text, llmcs_text *out,
                              char **owned) {
    *out = *text;
    *owned = NULL;
    if (!text->text) return LLMCS_OK;
    if (out->text_bytes == LLMCS_NUL) out->text_bytes = strlen(out->text);
    LL_TRY(put_prompt_before(m, prompt, &out->text, &out->text_bytes, owned));
    if (!m->config.sentence.strip) return LLMCS_OK;
    strip_white_space(&out->text, &out->text_bytes);
    if (!out->pair) return LLMCS_OK;
    if (out->pair_bytes == LLMCS_NUL) out->pair_bytes = strlen(out->pair);
    strip_white_space(&out->pair, &out->pair_bytes);
    return LLMCS_OK;
}

/* True if the last of the n tokens is one that the template adds. */
static llmcs_status ends_with_special(const llmcs_model *m, const ll_tokens *tokens, size_t n, bool *special) {
    const llmcs_span whole[2] = {{0, tokens->texts[0].n}, {0, 0}};
    uint8_t *marks;
    *special = false;
    if (!n) return LLMCS_OK;
    LL_TRY(ll_alloc(&m->allocator, n, sizeof *marks, "marks of tokens", &marks));
    ll_tokens_write(m->tokenizer, tokens, whole, &(ll_tokens_out){.marks = marks});
    *special = (marks[n - 1] & LL_MARK_SPECIAL) != 0;
    ll_free(&m->allocator, marks);
    return LLMCS_OK;
}

llmcs_status ll_sentence_prompt_tokens(const llmcs_model *m, const char *prompt, size_t max_length, size_t *n_tokens) {
    size_t n_bytes = strlen(prompt);
    bool special;
    ll_tokens tokens;
    *n_tokens = 0;
    if (!n_bytes) return LLMCS_OK;
    if (m->config.sentence.strip) strip_white_space(&prompt, &n_bytes);
    const llmcs_text text = {prompt, n_bytes, NULL, 0};
    LL_TRY(ll_tokens_create(m->tokenizer, &text, LLMCS_ADD_SPECIAL_TOKENS, true, &tokens));
    const size_t n = tokens.texts[0].n + tokens.n_special;
    llmcs_status status = ends_with_special(m, &tokens, n, &special);
    ll_tokens_free(m->tokenizer, &tokens);
    LL_TRY(status);
    *n_tokens = ll_min(n, max_length);
    if (special && *n_tokens) --*n_tokens;
    return LLMCS_OK;
}
