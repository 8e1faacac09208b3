/* float32 to small whole numbers: values of 8 bits, and the blocks of GGUF's Q4_0. */
#ifndef LL_FORMATS_NARROW_H
#define LL_FORMATS_NARROW_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = x[i] * inverse rounded to the nearest whole number, ties to even, plus `zero`; within -127..127 before. NaN
 * and infinity give any of these. */
void ll_narrow_q8(const float *x, size_t n, float inverse, int zero, uint8_t *out);
/* The same with an inverse for each. */
void ll_narrow_q8_each(const float *x, size_t n, const float *inverse, int zero, uint8_t *out);

/* 32 numbers as x = d (q - 8), q of 4 bits: d is the number of the largest size over -8 (ggml, quantize_row_q4_0). Byte
 * i holds number i in its lower and number i + 16 in its upper half. Returns d as binary16. */
uint16_t ll_narrow_q4_block(const float x[32], uint8_t out[16]);

#endif
