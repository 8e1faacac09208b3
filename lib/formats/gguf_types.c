/* Types of GGUF tensors by their numbers in the file, with the sizes of their blocks (ggml, docs/gguf.md and
 * gguf-py/gguf/constants.py, GGML_QUANT_SIZES). */
#include "formats/gguf.h"

static const ll_gguf_tensor_type types[] = {
    [0] = {"F32", LL_DTYPE_F32, 1, 4},           [1] = {"F16", LL_DTYPE_F16, 1, 2},
    [2] = {"Q4_0", LL_DTYPE_Q4_0, 32, 18},       [3] = {"Q4_1", LL_DTYPE_Q4_1, 32, 20},
    [6] = {"Q5_0", LL_DTYPE_OTHER, 32, 22},      [7] = {"Q5_1", LL_DTYPE_OTHER, 32, 24},
    [8] = {"Q8_0", LL_DTYPE_Q8_0, 32, 34},       [9] = {"Q8_1", LL_DTYPE_OTHER, 32, 36},
    [10] = {"Q2_K", LL_DTYPE_OTHER, 256, 84},    [11] = {"Q3_K", LL_DTYPE_OTHER, 256, 110},
    [12] = {"Q4_K", LL_DTYPE_OTHER, 256, 144},   [13] = {"Q5_K", LL_DTYPE_OTHER, 256, 176},
    [14] = {"Q6_K", LL_DTYPE_Q6_K, 256, 210},    [15] = {"Q8_K", LL_DTYPE_OTHER, 256, 292},
    [16] = {"IQ2_XXS", LL_DTYPE_OTHER, 256, 66}, [17] = {"IQ2_XS", LL_DTYPE_OTHER, 256, 74},
    [18] = {"IQ3_XXS", LL_DTYPE_OTHER, 256, 98}, [19] = {"IQ1_S", LL_DTYPE_OTHER, 256, 50},
    [20] = {"IQ4_NL", LL_DTYPE_OTHER, 32, 18},   [21] = {"IQ3_S", LL_DTYPE_OTHER, 256, 110},
    [22] = {"IQ2_S", LL_DTYPE_OTHER, 256, 82},   [23] = {"IQ4_XS", LL_DTYPE_OTHER, 256, 136},
    [24] = {"I8", LL_DTYPE_OTHER, 1, 1},         [25] = {"I16", LL_DTYPE_OTHER, 1, 2},
    [26] = {"I32", LL_DTYPE_OTHER, 1, 4},        [27] = {"I64", LL_DTYPE_OTHER, 1, 8},
    [28] = {"F64", LL_DTYPE_F64, 1, 8},          [29] = {"IQ1_M", LL_DTYPE_OTHER, 256, 56},
    [30] = {"BF16", LL_DTYPE_BF16, 1, 2},        [34] = {"TQ1_0", LL_DTYPE_OTHER, 256, 54},
    [35] = {"TQ2_0", LL_DTYPE_OTHER, 256, 66},   [39] = {"MXFP4", LL_DTYPE_OTHER, 32, 17},
};

const ll_gguf_tensor_type *ll_gguf_tensor_type_at(uint32_t number) {
    if (number >= sizeof types / sizeof *types || !types[number].block_bytes) return NULL;
    return &types[number];
}
