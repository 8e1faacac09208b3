/* Languages of tokenizers for translation. Each is a special token, spelled as its code (mBART's "en_XX", NLLB's
 * "eng_Latn") or as >>code<< (Marian). Its slot in the template determines how the model gets the target language:
 * Transformers 4.51, tokenization_mbart.py, tokenization_mbart50.py, tokenization_marian.py. */
#include <string.h>

#include "text/tokenizer_impl.h"

#define MAX_SHOWN 6 /* languages that an error names */

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/* "en_XX", "eng_Latn": two or three lower-case letters, a region of two capitals or a script of four letters. */
static bool is_code(const char *token, size_t n) {
    size_t i = 0;
    while (i < n && is_lower(token[i])) i++;
    if (i < 2 || i > 3 || i + 1 >= n || token[i] != '_' || !is_upper(token[i + 1])) return false;
    const char *rest = token + i + 1;
    n -= i + 1;
    return (n == 2 && is_upper(rest[1])) || (n == 4 && is_lower(rest[1]) && is_lower(rest[2]) && is_lower(rest[3]));
}

/* The code of the language that the token names; NULL: none. */
static const char *code_of(const llmcs_tokenizer *t, int32_t id, size_t *n) {
    if (!(t->decode_flags[id] & LL_DECODE_SPECIAL)) return NULL;
    const char *token = ll_vocab_token(&t->vocab, id, n);
    if (!token || *n < 4) return NULL;
    if (is_code(token, *n)) return token;
    if (*n == 4 || memcmp(token, ">>", 2) != 0 || memcmp(token + *n - 2, "<<", 2) != 0) return NULL;
    *n -= 4;
    return token + 2;
}

/* ": it knows aa_AA, bb_BB and 3 more", or that it knows none. */
static void list_known(const llmcs_tokenizer *t, char *out, size_t size) {
    size_t n_known = 0, used = 0;
    *out = 0;
    for (size_t id = 0; id < t->vocab.n_ids; id++) {
        size_t n;
        const char *code = code_of(t, (int32_t)id, &n);
        if (!code || n_known++ >= MAX_SHOWN) continue;
        used +=
            (size_t)ll_format(out + used, size - used, "%s%.*s", used ? ", " : ": it knows ", (int)ll_min(n, 12), code);
    }
    if (n_known > MAX_SHOWN) ll_format(out + used, size - used, " and %zu more", n_known - MAX_SHOWN);
    if (!n_known) ll_format(out, size, ", which knows none: leave it out");
}

llmcs_status ll_tokenizer_language(const llmcs_tokenizer *t, const char *key, const char *code, int32_t *id) {
    char marked[72], known[MAX_SHOWN * 14 + 64];
    const size_t n = strlen(code);
    size_t n_code;
    *id = ll_vocab_find(&t->vocab, code, n);
    if (*id >= 0 && code_of(t, *id, &n_code)) return LLMCS_OK;
    const int len = ll_format(marked, sizeof marked, ">>%.60s<<", code);
    *id = ll_vocab_find(&t->vocab, marked, (size_t)len);
    if (*id >= 0 && code_of(t, *id, &n_code)) return LLMCS_OK;
    *id = -1;
    list_known(t, known, sizeof known);
    return ll_fail(LLMCS_ARG, "%s: \"%.*s\" is not a language of this tokenizer%s", key, (int)ll_min(n, 40), code,
                   known);
}

ll_target_place ll_tokenizer_target_place(const llmcs_tokenizer *t) {
    for (size_t i = 0; i < t->n_single; i++) {
        if (t->single[i].slot == LL_SLOT_TARGET) return LL_TARGET_IN_SOURCE;
        if (t->single[i].slot == LL_SLOT_LANGUAGE) return i ? LL_TARGET_STARTS : LL_TARGET_IS_FORCED;
    }
    return LL_TARGET_NOWHERE;
}

llmcs_status llmcs_tokenizer_languages(const llmcs_tokenizer *tokenizer, int32_t *ids, size_t capacity, size_t *n) {
    if (!n) return ll_fail(LLMCS_ARG, "llmcs_tokenizer_languages: n is NULL");
    *n = 0;
    LL_TRY(ll_tokenizer_check(tokenizer));
    for (size_t id = 0; id < tokenizer->vocab.n_ids; id++) {
        size_t n_code;
        if (!code_of(tokenizer, (int32_t)id, &n_code)) continue;
        if (ids && *n < capacity) ids[*n] = (int32_t)id;
        ++*n;
    }
    if (!ids || *n <= capacity) return LLMCS_OK;
    return ll_fail(LLMCS_BUFFER, "%zu languages, but the buffer holds %zu", *n, capacity);
}
