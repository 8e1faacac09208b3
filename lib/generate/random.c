/* Philox4x32-10 by its authors' own header (Random123), which imports no symbol. */
#include "generate/random.h"

#include <Random123/philox.h>

double ll_uniform(uint64_t seed, uint32_t sequence, uint32_t step, uint64_t draw) {
    const philox4x32_ctr_t counter = {{step, sequence, (uint32_t)draw, (uint32_t)(draw >> 32)}};
    const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const philox4x32_ctr_t out = philox4x32_R(10, counter, key);
    const uint64_t bits = ((uint64_t)out.v[1] << 32 | out.v[0]) >> 11;
    return (double)bits * 0x1p-53;
}
