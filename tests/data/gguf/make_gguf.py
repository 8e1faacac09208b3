"""Writes the GGUF files of this folder with llama.cpp's own writer, in the form its converter gives them.

usage: python make_gguf.py        with gguf 0.19 (PyPI), numpy and sentencepiece installed

Weights are those of ../golden, tokenizers those of ../sentencepiece. What the converter does to them is written down here once
more, from its source (conversion/llama.py, gemma.py, bert.py): queries and keys of llama as pairs, Gemma's norms plus one, factors
of rotary frequencies.
"""

import json
import math
import os
import struct

import gguf
import numpy as np
import sentencepiece

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
LLAMA = {"post_attention_layernorm": "ffn_norm"}
GEMMA = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
         "post_feedforward_layernorm": "post_ffw_norm"}


def read_folder(name):
    folder = os.path.join(HERE, "..", "golden", name)
    config = json.load(open(os.path.join(folder, "config.json")))
    data = open(os.path.join(folder, "model.safetensors"), "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for key, t in json.loads(data[8 : 8 + n]).items():
        if key == "__metadata__":
            continue
        begin, end = (8 + n + at for at in t["data_offsets"])
        raw = np.frombuffer(data[begin:end], dtype={"F32": "<f4", "BF16": "<u2"}[t["dtype"]])
        floats = raw if t["dtype"] == "F32" else (raw.astype(np.uint32) << 16).view(np.float32)
        tensors[key] = floats.reshape(t["shape"])
    return config, tensors


def gguf_name(name, extra):
    name = name.replace("language_model.", "").replace("model.", "", 1)
    body, end = name.rsplit(".", 1)
    if body in ("embed_tokens", "norm", "lm_head"):
        return {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}[body] + "." + end
    _, number, inner = body.split(".", 2)
    return "blk.%s.%s.%s" % (number, {**NAMES, **extra}[inner], end)


def as_pairs(t, n_head):
    return t.reshape(n_head, 2, t.shape[0] // n_head // 2, *t.shape[1:]).swapaxes(1, 2).reshape(t.shape)


def begin(name, architecture, c):
    w = gguf.GGUFWriter(os.path.join(HERE, name + ".gguf"), architecture)
    w.add_context_length(c["max_position_embeddings"])
    w.add_embedding_length(c["hidden_size"])
    w.add_block_count(c["num_hidden_layers"])
    w.add_feed_forward_length(c["intermediate_size"])
    w.add_head_count(c["num_attention_heads"])
    w.add_head_count_kv(c["num_key_value_heads"])
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_key_length(c["head_dim"])
    w.add_value_length(c["head_dim"])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    return w


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def llama():
    c, tensors = read_folder("llama-parameters")
    rope = c["rope_parameters"]
    w = begin("llama", "llama", c)
    w.add_vocab_size(c["vocab_size"])
    w.add_rope_dimension_count(c["head_dim"])
    w.add_rope_freq_base(rope["rope_theta"])
    w.add_eot_token_id(5)
    w.add_tokenizer_model("none")
    longest = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    shortest = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    factors = []
    for i in range(0, c["head_dim"], 2):
        length = 2 * math.pi * rope["rope_theta"] ** (i / c["head_dim"])
        smooth = (rope["original_max_position_embeddings"] / length - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
        between = 1 / ((1 - smooth) / rope["factor"] + smooth)
        factors.append(1 if length < shortest else rope["factor"] if length > longest else between)
    w.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))
    for name, t in tensors.items():
        heads = {"q_proj": c["num_attention_heads"], "k_proj": c["num_key_value_heads"]}.get(name.split(".")[-2])
        w.add_tensor(gguf_name(name, LLAMA), np.ascontiguousarray(as_pairs(t, heads) if heads else t))
    finish(w)


def gemma3():
    c, tensors = read_folder("gemma3-nested")
    c = c["text_config"]
    w = begin("gemma3", "gemma3", c)
    w.add_rope_freq_base(c["rope_theta"])
    w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    w.add_rope_scaling_factor(8.0)
    w.add_rope_freq_base_swa(c["rope_local_base_freq"])
    w.add_sliding_window(c["sliding_window"])
    w.add_sliding_window_pattern([(i + 1) % 2 != 0 for i in range(c["num_hidden_layers"])])
    w.add_tokenizer_model("none")
    for name, t in tensors.items():
        norm = name.endswith("norm.weight")
        w.add_tensor(gguf_name(name, GEMMA), np.ascontiguousarray(t + np.float32(1) if norm else t))
    finish(w)


def tokenizer(name, folder, model, fairseq, **settings):
    sp = sentencepiece.SentencePieceProcessor(model_file=os.path.join(HERE, "..", "sentencepiece", folder))
    kinds = gguf.TokenType
    tokens, scores, types = [], [], []
    for i in range(sp.vocab_size()):
        kind = (kinds.UNKNOWN if sp.is_unknown(i) else kinds.CONTROL if sp.is_control(i) else kinds.UNUSED if sp.is_unused(i)
                else kinds.BYTE if sp.is_byte(i) else kinds.NORMAL)
        tokens.append(sp.id_to_piece(i).encode())
        scores.append(sp.get_score(i))
        types.append(kind)
    if fairseq:
        tokens = [b"<s>", b"<pad>", b"</s>", b"<unk>"] + tokens[3:] + [b"<mask>"]
        scores = [0.0, 0.0, 0.0, 0.0] + scores[3:] + [0.0]
        types = [kinds.CONTROL] * 3 + [kinds.UNKNOWN] + types[3:] + [kinds.USER_DEFINED]
    w = gguf.GGUFWriter(os.path.join(HERE, name + ".gguf"), "bert" if fairseq else "llama")
    w.add_tokenizer_model(model)
    w.add_tokenizer_pre("default")
    w.add_token_list(tokens)
    w.add_token_scores(scores)
    w.add_token_types(types)
    if fairseq:
        from sentencepiece import sentencepiece_model_pb2 as proto
        m = proto.ModelProto.FromString(open(os.path.join(HERE, "..", "sentencepiece", folder), "rb").read())
        w.add_add_space_prefix(m.normalizer_spec.add_dummy_prefix)
        w.add_remove_extra_whitespaces(m.normalizer_spec.remove_extra_whitespaces)
        if m.normalizer_spec.precompiled_charsmap:
            w.add_precompiled_charsmap(m.normalizer_spec.precompiled_charsmap)
    for key, value in settings.items():
        getattr(w, "add_" + key)(value)
    finish(w)


if __name__ == "__main__":
    llama()
    gemma3()
    tokenizer("spm", "llama/tokenizer.model", "llama", False)  # ids of bos, eos and unk are llama.cpp's
    tokenizer("unigram", "xlm-roberta/sentencepiece.bpe.model", "t5", True, bos_token_id=0, eos_token_id=2, unk_token_id=3,
              pad_token_id=1, add_bos_token=True, add_eos_token=True)
