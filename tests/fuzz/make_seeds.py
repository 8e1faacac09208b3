"""make_seeds.py OUT: writes seeds for the fuzz targets into OUT/TARGET, from tests/data, the demo models' tokenizers and
small checkpoints that it makes. With LLMCS=path/to/llmcs in the environment also GGUF files that the command writes.
`make fuzz` runs it; the smallest seeds are kept in tests/data/hostile."""

import base64
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

OUT = sys.argv[1]
DATA = "tests/data/"
# As fuzz_file_names in fuzz.h.
NAMES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
         "vocab.txt", "added_tokens.json", "special_tokens_map.json", "generation_config.json", "modules.json",
         "1_Pooling/config.json", "sentence_bert_config.json", "model.safetensors.index.json", "tokenizer.model",
         "spiece.model", "sentencepiece.bpe.model", "source.spm", "target.spm", "chat_template.jinja"]
random.seed(20261128)


def write(target, name, data):
    os.makedirs(f"{OUT}/{target}", exist_ok=True)
    with open(f"{OUT}/{target}/{name}", "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def pack_folder(files):
    return b"".join(bytes([NAMES.index(n)]) + len(d).to_bytes(3, "little") + d for n, d in files.items())


# ---------------------------------------------------------------------------------------------------- checkpoints

def safetensors(shapes):
    header, data = {}, b""
    for name, shape in shapes.items():
        n = 1
        for s in shape:
            n *= s
        norm = name.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight", "LayerNorm.weight"))
        values = [1.0 + random.gauss(0, 0.02) if norm else random.gauss(0, 0.1) for _ in range(n)]
        raw = struct.pack(f"<{n}e", *values)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def byte_vocabulary():
    symbols, extra = [], 256
    for b in range(256):
        plain = 33 <= b <= 126 or 161 <= b <= 172 or b >= 174
        symbols.append(chr(b if plain else extra))
        extra += not plain
    return {s: i for i, s in enumerate(symbols)} | {"he": 256, "hel": 257, "<|endoftext|>": 258}


def gpt2(e, n_layer):
    v, p = 259, 16
    shapes = {"transformer.wte.weight": (v, e), "transformer.wpe.weight": (p, e)}
    for i in range(n_layer):
        at = f"transformer.h.{i}."
        for norm in ("ln_1", "ln_2"):
            shapes |= {at + norm + ".weight": (e,), at + norm + ".bias": (e,)}
        for name, a, b in (("attn.c_attn", e, 3 * e), ("attn.c_proj", e, e), ("mlp.c_fc", e, 4 * e),
                           ("mlp.c_proj", 4 * e, e)):
            shapes |= {at + name + ".weight": (a, b), at + name + ".bias": (b,)}
    shapes |= {"transformer.ln_f.weight": (e,), "transformer.ln_f.bias": (e,)}
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": v, "n_positions": p,
              "n_embd": e, "n_layer": n_layer, "n_head": 2, "bos_token_id": 258, "eos_token_id": 258}
    return {"config.json": json.dumps(config).encode(), "model.safetensors": safetensors(shapes),
            "vocab.json": json.dumps(byte_vocabulary(), ensure_ascii=False).encode(),
            "merges.txt": b"#version: 0.2\nh e\nhe l\n",
            "generation_config.json": b'{"do_sample": true, "temperature": 0.7, "top_k": 5, "max_new_tokens": 9}'}


def bert(e, n_layer, n_labels):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdehlorw") + ["##" + c for c in "abcdehlorw"]
    p, inner = 16, 2 * e
    shapes = {"bert.embeddings.word_embeddings.weight": (len(words), e),
              "bert.embeddings.position_embeddings.weight": (p, e),
              "bert.embeddings.token_type_embeddings.weight": (2, e),
              "bert.embeddings.LayerNorm.weight": (e,), "bert.embeddings.LayerNorm.bias": (e,)}
    for i in range(n_layer):
        at = f"bert.encoder.layer.{i}."
        for name, a, b in (("attention.self.query", e, e), ("attention.self.key", e, e), ("attention.self.value", e, e),
                           ("attention.output.dense", e, e), ("intermediate.dense", inner, e),
                           ("output.dense", e, inner)):
            shapes |= {at + name + ".weight": (a, b), at + name + ".bias": (a,)}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {at + name + ".weight": (e,), at + name + ".bias": (e,)}
    shapes |= {"bert.pooler.dense.weight": (e, e), "bert.pooler.dense.bias": (e,)}
    config = {"model_type": "bert", "architectures": ["BertModel"], "vocab_size": len(words), "hidden_size": e,
              "num_hidden_layers": n_layer, "num_attention_heads": 2, "intermediate_size": inner,
              "max_position_embeddings": p, "type_vocab_size": 2, "hidden_act": "gelu", "pad_token_id": 0}
    files = {"vocab.txt": ("\n".join(words) + "\n").encode()}
    if n_labels:
        shapes |= {"classifier.weight": (n_labels, e), "classifier.bias": (n_labels,)}
        config |= {"architectures": ["BertForSequenceClassification"],
                   "id2label": {str(i): f"label {i}" for i in range(n_labels)}}
    else:
        files |= {"modules.json": b'[{"type": "sentence_transformers.models.Transformer", "path": ""}, '
                                  b'{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]',
                  "1_Pooling/config.json": b'{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}',
                  "sentence_bert_config.json": b'{"max_seq_length": 12, "do_lower_case": false}'}
    return {"config.json": json.dumps(config).encode(), "model.safetensors": safetensors(shapes)} | files


def lstm(n, window):
    words = ["<pad>", "<unk>"] + list("abcdehlorw")
    shapes = {"embedding.weight": (len(words), n), "lm_head.weight": (len(words), n), "lm_head.bias": (len(words),)}
    for k in range(2):
        shapes |= {f"lstm.{k}.kernel": (n, 4 * n), f"lstm.{k}.recurrent_kernel": (n, 4 * n), f"lstm.{k}.bias": (4 * n,)}
    config = {"model_type": "lstm", "architectures": ["LSTMLMHeadModel"], "vocab_size": len(words), "hidden_size": n, "num_layers": 2,
              "gate_order": "iofc", "recurrent_activation": "hard_sigmoid", "pad_token_id": 0, "skip_pad_token": True}
    if window:
        config |= {"window": window, "window_padding": True}
    tokenizer = {"model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(words)}, "unk_token": "<unk>"},
                 "normalizer": {"type": "Lowercase"},
                 "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[ \\,\\t]+"}, "behavior": "Removed", "invert": False}}
    return {"config.json": json.dumps(config).encode(), "model.safetensors": safetensors(shapes),
            "tokenizer.json": json.dumps(tokenizer).encode()}


def quantized(files, kind):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/1_Pooling")
        for name, data in files.items():
            with open(f"{folder}/{name}", "wb") as f:
                f.write(data)
        subprocess.run([os.environ["LLMCS"], "quantize", folder, folder + "/x.gguf", "--type", kind], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return read(folder + "/x.gguf")


def model_seeds():
    models = {"gpt2": gpt2(8, 1), "gpt2-wide": gpt2(32, 1), "bert-cls": bert(8, 1, 2), "bert-embed": bert(32, 1, 0),
              "lstm": lstm(6, 0), "lstm-window": lstm(6, 5)}
    beyond = dict(models["gpt2"])
    beyond["vocab.json"] = json.dumps(byte_vocabulary() | {"beyond": 5000}, ensure_ascii=False).encode()
    write("quantize", "id-beyond-the-rows", b"\0" + pack_folder(beyond))
    for name, files in models.items():
        folder = pack_folder(files)
        write("folder", name, b"\0" + folder)
        write("folder", name + "-int8", bytes([4 * 4 + 1]) + folder)
        write("quantize", name, b"\0" + folder)
        write("quantize", name + "-f16", b"\2" + folder)
        write("oom", name, bytes([1, 0, 20, 0]) + folder)
        write("oom", name + "-quantize", bytes([3, 1, 9, 0]) + folder)
        if "LLMCS" not in os.environ or name.startswith("lstm"):
            continue
        for kind in ("q8_0", "q4_0", "f16", "f32"):
            gguf = quantized(files, kind)
            write("open", f"{name}-{kind}", gguf)
            write("gguf", f"{name}-{kind}", gguf)
        write("oom", name + "-gguf", bytes([2, 0, 30, 0]) + gguf)


# ------------------------------------------------------------------------------------------------ tokenizers, texts

# The file that a first byte stands for, as tokenizer_layouts in targets_text.h.
LAYOUTS = {"tokenizer.json": [0], "vocab.json": [1], "merges.txt": [2], "vocab.txt": [3],
           "tokenizer_config.json": [4, 5, 9], "special_tokens_map.json": [6], "added_tokens.json": [7, 8]}
SPECIAL_TOKENS_MAP = {"unk_token": "[UNK]", "mask_token": {"content": "[MASK]", "lstrip": True, "normalized": False,
                                                           "rstrip": False, "single_word": False}}


def tokenizer_seeds():
    folders = [DATA + "tokenizers/" + n for n in sorted(os.listdir(DATA + "tokenizers")) if n.startswith("tiny-")]
    for folder in folders + ["examples/models/shop-gpt2", "examples/models/review-bert"]:
        for name, layouts in LAYOUTS.items():
            if not os.path.exists(f"{folder}/{name}"):
                continue
            for layout in layouts:
                seed = f"{os.path.basename(folder)}-{layout}"
                write("tokenizer", seed, bytes([layout]) + read(f"{folder}/{name}"))
                write("oom", "tokenizer-" + seed, bytes([0, 0, 40, 0, layout]) + read(f"{folder}/{name}"))
    for line in read(DATA + "tokenizers/byte_level.jsonl").decode().rstrip("\n").split("\n"):
        case = json.loads(line)
        write("tokenizer", case["name"].replace(" ", "-"), b"\0" + case["files"]["tokenizer.json"].encode())
    write("tokenizer", "special-tokens-map", b"\6" + json.dumps(SPECIAL_TOKENS_MAP).encode())
    for layout in (7, 8):
        write("tokenizer", f"added-tokens-{layout}", bytes([layout]) + b'{"<new>": 700, "new": 701, "[X]": 702}')


def sentencepiece_seeds():
    """As sentencepiece_layouts in targets_sentencepiece.h."""
    files = ["unigram-bytes/tokenizer.json", "t5/spiece.model", "mbart/sentencepiece.bpe.model", "llama/tokenizer.model",
             "marian/source.spm"]
    for layout, name in enumerate(files):
        data = read(DATA + "sentencepiece/" + name)
        write("sentencepiece", name.replace("/", "-"), bytes([layout]) + data)
        write("sentencepiece", "short-" + name.replace("/", "-"), bytes([layout]) + data[:len(data) // 2])
    text = json.loads(read(DATA + "sentencepiece/unigram-bytes/tokenizer.json"))
    charsmap = base64.b64decode(text["normalizer"]["normalizers"][0]["precompiled_charsmap"])
    write("sentencepiece", "charsmap", bytes([5]) + charsmap)


def text_seeds():
    texts = json.loads(read(DATA + "tokenizers/texts.json")) + json.loads(read(DATA + "tokenizers/special_texts.json"))
    lines = read(DATA + "tokenizers/corpus.txt").decode().rstrip("\n").split("\n")
    for which in range(6):
        write("text", f"corpus-{which}", bytes([which]) + "\n".join(lines).encode())
        write("text", f"texts-{which}", bytes([which]) + " ".join(texts).encode())
    for i, text in enumerate(texts + lines):
        write("text", f"text-{i}", bytes([i % 6]) + text.encode())
        write("spans", f"text-{i}", bytes([i % 4, i % 60, i % 5, 2, i % 3 * 30, i % 9, i, i]) + text.encode())
    for i, text in enumerate(lines):
        letters = "".join(c for c in text.lower() if c.isalpha() or c == " ")[:120].encode()
        write("windows", f"{i}", bytes([2, i % 4, 8 + i, i % 7, i % 3, 0, i % 2, len(letters) // 32]) + letters)


def split_seeds():
    lines = read(DATA + "tokenizers/corpus.txt").decode().rstrip("\n").split("\n")
    for pattern in range(16):
        text = "\n".join(lines[pattern::16]) + " it's 12345 \u4e2d\u6587'S e\u0301 \u01c5a \r\n\r\n  x"
        for behavior in range(5):
            write("split", f"{pattern}-{behavior}", bytes([pattern, behavior + pattern % 2 * 128, 0]) + b"a" + text.encode())


def matcher_seeds():
    for i, patterns in enumerate([["he", "she", "his", "hers"], ["a", "aa", "aaa", "aaaa"], ["<|endoftext|>", "<|", "|>"],
                                  ["ab", "bc", "abc", "bca", "cab"]]):
        packed = b"".join(bytes([len(p) - 1]) + p.encode() for p in patterns)
        text = b"ushers aaaaaaabcabca <|endoftext|<|endoftext|> his"
        write("matcher", str(i), bytes([len(patterns)]) + packed + text)
        write("matcher", f"letters-{i}", bytes([128 + len(patterns)]) + packed + text * 4)


def call_seeds():
    for i in range(24):
        write("calls", f"random-{i}", random.randbytes(200))
        write("calls", f"each-{i}", b"".join(bytes([i, k % 3]) + random.randbytes(12) for k in range(8)))


def chat_seeds():
    for i, line in enumerate(read(DATA + "chat/golden.jsonl").decode().rstrip("\n").split("\n")):
        case = json.loads(line)
        write("chat", str(i), case["template"].encode() + b"\0" + case["variables"].encode())


def adapter_seeds():
    for i, name in enumerate(["gpt2", "gpt2-embedding", "bert", "llama", "llama-saved", "qwen2"]):
        config = read(DATA + f"adapters/{name}/adapter/adapter_config.json")
        tensors = read(DATA + f"adapters/{name}/adapter/adapter_model.safetensors")
        write("adapter", name, bytes([i]) + len(config).to_bytes(3, "little") + config + tensors)


model_seeds()
adapter_seeds()
chat_seeds()
tokenizer_seeds()
sentencepiece_seeds()
text_seeds()
split_seeds()
matcher_seeds()
call_seeds()
