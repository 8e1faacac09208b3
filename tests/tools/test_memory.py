"""Models with long contexts in small processes: the shape of Qwen2.5-0.5B, with 32,768 positions, of which the default options use few.

usage: test_memory.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import math
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import LLMCS  # noqa: E402

LIMIT = 2000000 * 1024  # of the address space, as of `ulimit -v 2000000`
CONFIG = {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864,
          "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "max_position_embeddings": 32768,
          "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": True, "hidden_act": "silu"}


def shapes():
    n, inner, kv = CONFIG["hidden_size"], CONFIG["intermediate_size"], 128
    yield "model.embed_tokens.weight", (CONFIG["vocab_size"], n)
    for i in range(CONFIG["num_hidden_layers"]):
        for name, shape in (("self_attn.q_proj", (n, n)), ("self_attn.k_proj", (kv, n)), ("self_attn.v_proj", (kv, n)),
                            ("self_attn.o_proj", (n, n)), ("mlp.gate_proj", (inner, n)), ("mlp.up_proj", (inner, n)),
                            ("mlp.down_proj", (n, inner)), ("input_layernorm", (n,)), ("post_attention_layernorm", (n,))):
            yield "model.layers.%d.%s.weight" % (i, name), shape
            if name[10:] in ("q_proj", "k_proj", "v_proj"):
                yield "model.layers.%d.%s.bias" % (i, name), shape[:1]
    yield "model.norm.weight", (n,)


def write_folder(folder):
    """988 MB of bfloat16, of which few are on the disk: matrices are zeros but for some rows each."""
    header, at = {}, 0
    for name, shape in shapes():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    numbers = random.Random(7)
    rows = b"".join(struct.pack("<f", numbers.gauss(0, 0.05))[2:] for _ in range(1 << 15))
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in header.values():
            begin, end = t["data_offsets"]
            f.seek(8 + len(text) + begin)
            f.write(rows[: end - begin] if len(t["shape"]) == 2 else b"\x80\x3f" * ((end - begin) // 2))
        f.truncate(8 + len(text) + at)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(CONFIG, f)


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def generate(folder, before):
    lines = json.dumps({"input_ids": [3, 1, 4, 15, 9], "max_new_tokens": 12}) + "\n"
    done = subprocess.run([LLMCS, "generate", folder, "--weights", "int8", "--jsonl"], input=lines.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, preexec_fn=before, timeout=600)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Memory(unittest.TestCase):
    def test_32768_positions_in_two_gigabytes(self):
        with tempfile.TemporaryDirectory() as folder:
            write_folder(folder)
            code, out, told = generate(folder, limit)
            self.assertEqual(code, 0, told)
            self.assertEqual(len(json.loads(out)["sequences"][0]), 12)
            self.assertEqual(json.loads(out)["sequences"], json.loads(generate(folder, None)[1])["sequences"])


if __name__ == "__main__":
    unittest.main()
