"""Inverse frequencies and scales of rotary position embeddings, computed by Transformers 4.51.3.

    python tests/data/rope/make_frequencies.py > tests/data/rope/frequencies.h      (needs torch, transformers==4.51.3)
"""
import sys

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

CASES = [
    ("{.n_dims = 64, .theta = 1e6}", 64, 1e6, 8192, None),
    ("{.n_dims = 128, .theta = 5e5}", 128, 5e5, 8192, None),
    ("{.n_dims = 80, .theta = 10000, .scaling = LL_ROPE_LINEAR, .factor = 8}", 80, 1e4, 8192,
     {"rope_type": "linear", "factor": 8.0}),
    ("{.n_dims = 64, .theta = 5e5, .scaling = LL_ROPE_LLAMA3, .factor = 32, .low_factor = 1, .high_factor = 4,\n"
     "      .original_positions = 8192}", 64, 5e5, 131072,
     {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 8192}),
    ("{.n_dims = 128, .theta = 1e6, .scaling = LL_ROPE_YARN, .factor = 4, .original_positions = 32768}", 128, 1e6,
     32768, {"rope_type": "yarn", "factor": 4.0}),
    ("{.n_dims = 64, .theta = 1e4, .scaling = LL_ROPE_YARN, .factor = 2.5, .original_positions = 4096,\n"
     "      .beta_fast = 24, .beta_slow = 2, .attention_factor = 1.25}", 64, 1e4, 4096,
     {"rope_type": "yarn", "factor": 2.5, "beta_fast": 24, "beta_slow": 2, "attention_factor": 1.25}),
]

print("/* Made by make_frequencies.py beside this file: Transformers' own inverse frequencies. */")
print('#include "nn/nn.h"\n')
print("static const struct {\n    ll_rope_spec spec;\n    float scale, inverse[64];\n} frequencies[] = {")
for spec, n_dims, theta, positions, scaling in CASES:
    config = LlamaConfig(hidden_size=4 * n_dims, num_attention_heads=4, rope_theta=theta,
                         max_position_embeddings=positions, rope_scaling=scaling)
    inverse, scale = ROPE_INIT_FUNCTIONS[scaling["rope_type"] if scaling else "default"](config, "cpu")
    print(f"    {{{spec},\n     {float(scale).hex()}f,\n     {{" +
          ", ".join(float(x).hex() + "f" for x in inverse) + "}},")
print("};")
print(f"{len(CASES)} cases", file=sys.stderr)
