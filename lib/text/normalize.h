/* Normalizers of tokenizer.json as a list of steps over code points, each of which knows the bytes it came from.
 * The meaning is that of Hugging Face's tokenizers; the normal forms are Unicode's (UAX #15). */
#ifndef LL_TEXT_NORMALIZE_H
#define LL_TEXT_NORMALIZE_H

#include "formats/tokenizer_files.h"
#include "text/unicode.h"

typedef struct ll_char {
    uint32_t cp;
    uint32_t begin, end; /* bytes of the original text */
} ll_char;

typedef struct ll_chars {
    ll_char *at;
    size_t n, capacity;
} ll_chars;

/* Two buffers that the steps use in turn, kept from call to call. */
typedef struct ll_normalizer_scratch {
    ll_chars text, other;
} ll_normalizer_scratch;

void ll_normalizer_scratch_free(ll_normalizer_scratch *s, const llmcs_allocator *a);

/* Empties s->text and gives it capacity for n characters. */
llmcs_status ll_normalizer_workspace(ll_normalizer_scratch *s, const llmcs_allocator *a, size_t n);

/* Runs the steps over s->text, in place. Linear in the text. */
llmcs_status ll_normalize(const ll_unicode *u, const ll_normalizer_step *steps, size_t n_steps,
                          ll_normalizer_scratch *s, const llmcs_allocator *a);

#endif
