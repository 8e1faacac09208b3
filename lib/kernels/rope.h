/* RoPE scaling: rotary position embeddings for contexts longer than in pre-training (Transformers,
 * modeling_rope_utils.py). */
#ifndef LL_KERNELS_ROPE_H
#define LL_KERNELS_ROPE_H

typedef enum ll_rope_scaling {
    LL_ROPE_PLAIN,
    LL_ROPE_LINEAR, /* frequencies / factor */
    LL_ROPE_NTK,    /* GTE: theta * factor, frequencies / factor^(2 / n_dims) */
    LL_ROPE_LLAMA3, /* frequencies / factor for wavelengths beyond original / low_factor, smooth up to original /
                       high_factor */
    LL_ROPE_YARN,   /* Peng et al. 2023 */
    LL_ROPE_FACTORS /* each frequency divided by its own factor (GGUF's rope_freqs) */
} ll_rope_scaling;

#endif
