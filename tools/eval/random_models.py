"""Folders of decoders of Llama's kind, and of encoders of BERT's, with random weights, in Hugging Face's layout."""
import json
import math
import os

import numpy as np


def encoder_shapes(c):
    """BERT's names; of XLM-R's classifiers the two layers of theirs."""
    n, inner, labels = c["hidden_size"], c["intermediate_size"], c["num_labels"]
    prefix = "bert." if c["model_type"] == "bert" else "roberta."
    linears = {"attention.self.query": (n, n), "attention.self.key": (n, n), "attention.self.value": (n, n),
               "attention.output.dense": (n, n), "intermediate.dense": (inner, n), "output.dense": (n, inner)}
    out = {}
    for name, rows in (("word", c["vocab_size"]), ("position", c["max_position_embeddings"]), ("token_type", c["type_vocab_size"])):
        out[prefix + "embeddings.%s_embeddings.weight" % name] = (rows, n)
    norms = ["embeddings.LayerNorm"]
    for i in range(c["num_hidden_layers"]):
        p = "encoder.layer.%d." % i
        norms += [p + "attention.output.LayerNorm", p + "output.LayerNorm"]
        for name, shape in linears.items():
            out[prefix + p + name + ".weight"], out[prefix + p + name + ".bias"] = shape, shape[:1]
    for name in norms:
        out[prefix + name + ".weight"] = out[prefix + name + ".bias"] = (n,)
    heads = {"classifier.dense": (n, n), "classifier.out_proj": (labels, n)}
    if prefix == "bert.":
        heads = {"bert.pooler.dense": (n, n), "classifier": (labels, n)}
    for name, shape in heads.items() if labels else ():
        out[name + ".weight"], out[name + ".bias"] = shape, shape[:1]
    return out


def shapes(c):
    """Names and shapes of the tensors that a network of this config.json has."""
    if "num_labels" in c:
        return encoder_shapes(c)
    n, inner, heads, kv = c["hidden_size"], c["intermediate_size"], c["num_attention_heads"], c["num_key_value_heads"]
    dim, kind = c.get("head_dim") or n // heads, c["model_type"]
    out = {"model.embed_tokens.weight": (c["vocab_size"], n), "model.norm.weight": (n,)}
    if not c["tie_word_embeddings"]:
        out["lm_head.weight"] = (c["vocab_size"], n)
    for i in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % i
        linears = {"self_attn.q_proj": (heads * dim, n), "self_attn.k_proj": (kv * dim, n), "self_attn.v_proj": (kv * dim, n),
                   "self_attn.o_proj": (n, heads * dim), "mlp.gate_proj": (inner, n), "mlp.up_proj": (inner, n), "mlp.down_proj": (n, inner)}
        norms = ["input_layernorm", "post_attention_layernorm"]
        if kind == "gemma3_text":
            norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
        for name, shape in linears.items():
            out[p + name + ".weight"] = shape
            biased = c.get("attention_bias") if "attn" in name else c.get("mlp_bias")
            if biased or (kind == "qwen2" and name[10] in "qkv"):
                out[p + name + ".bias"] = shape[:1]
        for name in norms:
            out[p + name + ".weight"] = (n,)
        if kind in ("qwen3", "gemma3_text"):
            out[p + "self_attn.q_norm.weight"] = out[p + "self_attn.k_norm.weight"] = (dim,)
    return out


def _numbers(random, name, shape, kind):
    scale = 0.3 if len(shape) == 1 else 1.2 / math.sqrt(shape[1]) if "embed" not in name else 1.0
    t = random.standard_normal(shape, dtype=np.float32) * np.float32(scale)
    return t + np.float32(1) if name.lower().endswith("norm.weight") and kind != "gemma3_text" else t


def write(path, config, dtype, seed):
    """config.json and model.safetensors; dtype: "F32" or "BF16"."""
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    random, width, at = np.random.default_rng(seed), {"F32": 4, "BF16": 2}[dtype], 0
    header = {"__metadata__": {"format": "pt"}}
    for name, shape in shapes(config).items():
        end = at + width * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(path, "model.safetensors"), "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes(config).items():
            t = _numbers(random, name, shape, config["model_type"])
            f.write(t.tobytes() if dtype == "F32" else (t.view(np.uint32) >> 16).astype(np.uint16).tobytes())
