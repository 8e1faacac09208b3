#!/usr/bin/env python3
"""Checks GGUF files between this library and llama.cpp, both ways: logits, hidden states, tokens and
continuations of small random models.

    python3 tools/eval/gguf_llama_cpp.py                               with the tokenizers of tests/data
    python3 tools/eval/gguf_llama_cpp.py --tokenizers DIR              and real vocabularies in DIR/<name>
    python3 tools/eval/gguf_llama_cpp.py --converter convert_hf_to_gguf.py    and files that llama.cpp's converter writes

Each model is written in float32, float16, Q8_0 and Q4_0. llama.cpp's logits are compared with ours on the same file, as a share
of their root mean square (its GELU is a table of float16); of float32 the most probable 24 tokens must be the same, too, and of every text the same ids.
Needs the built library, numpy and llama-cpp-python (see llama_cpp_peer.py); the converter also torch and transformers.
Ends with 1 if anything differs by more than its bound.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "tools", "python")]

import llama_cpp.llama_cpp as api  # noqa: E402
import llama_cpp_peer  # noqa: E402
import llmcs  # noqa: E402
import random_models  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data")
GELU = 3e-3  # llama.cpp's is a table of float16
BOUNDS = {"f32": 3e-4, "f16": 5e-3, "q8_0": 6e-2, "q4_0": 8e-2}
TEXTS = ["Hello, world!", "The price is 12345.67 dollars -- isn't it?", "  two  spaces and\ttabs \n\n new lines\r\n", "",
         "\u4f60\u597d\uff0c\u4e16\u754c\uff01 2024\u5e747\u6708", "na\u00efve caf\u00e9 \u00dcber \u0153uvre", "\U0001f600 emoji \U0001f468\u200d\U0001f469\u200d\U0001f467",
         "def f(x):\n    return x ** 2  # comment", "!!!!!! ?????? ......", "\u0420\u0443\u0441\u0441\u043a\u0438\u0439 \u0442\u0435\u043a\u0441\u0442", "a" * 50,
         "It's we'LL they'd I'M you've"]

BASE = {"vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 8,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": False}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LLAMA, QWEN2, QWEN3, GEMMA3 = "LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "Gemma3ForCausalLM"
# name, class, what differs from BASE, tokenizer: a folder of --tokenizers, or one of tests/data
CASES = [
    ("llama", LLAMA, {"model_type": "llama"}, None),
    ("smollm2-heads", LLAMA, {"model_type": "llama", "hidden_size": 288, "num_attention_heads": 9, "num_key_value_heads": 3,
                              "tie_word_embeddings": True}, None),
    ("llama3-rope", LLAMA, {"model_type": "llama", "rope_scaling": LLAMA3, "head_dim": 16}, None),
    ("llama-biases", LLAMA, {"model_type": "llama", "attention_bias": True, "mlp_bias": True}, None),
    ("llama-yarn", LLAMA, {"model_type": "llama", "rope_scaling": YARN}, None),
    ("llama-yarn-factor", LLAMA, {"model_type": "llama", "rope_scaling": dict(YARN, attention_factor=1.3)}, None),
    ("llama-linear", LLAMA, {"model_type": "llama", "rope_scaling": {"rope_type": "linear", "factor": 4.0}}, None),
    ("mistral", "MistralForCausalLM", {"model_type": "mistral", "sliding_window": None}, None),
    ("smollm3", "SmolLM3ForCausalLM", {"model_type": "smollm3", "num_hidden_layers": 5, "no_rope_layer_interval": 4,
                                       "use_sliding_window": False, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}, None),
    ("qwen2", QWEN2, {"model_type": "qwen2", "tie_word_embeddings": True}, None),
    ("qwen3", QWEN3, {"model_type": "qwen3", "head_dim": 16}, None),
    ("gemma3", GEMMA3, {"model_type": "gemma3_text", "num_hidden_layers": 7, "head_dim": 16, "query_pre_attn_scalar": 16,
                        "sliding_window": 8, "sliding_window_pattern": 6, "hidden_activation": "gelu_pytorch_tanh",
                        "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "tie_word_embeddings": True,
                        "rope_scaling": {"rope_type": "linear", "factor": 8.0}}, None),
    ("llama-spm", LLAMA, {"model_type": "llama"}, os.path.join(DATA, "sentencepiece", "llama")),
    ("llama3-tokens", LLAMA, {"model_type": "llama", "rope_scaling": LLAMA3, "vocab_size": 128256, "tie_word_embeddings": True}, "llama3_1"),
    ("qwen-tokens", QWEN2, {"model_type": "qwen2", "vocab_size": 151936, "tie_word_embeddings": True}, "qwen3"),
    ("qwen3-tokens", QWEN3, {"model_type": "qwen3", "vocab_size": 151936, "head_dim": 16, "tie_word_embeddings": True}, "qwen3"),
    ("llama2-tokens", LLAMA, {"model_type": "llama", "vocab_size": 32000}, "llama2"),
    ("gemma-tokens", GEMMA3, {"model_type": "gemma3_text", "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 8,
                              "sliding_window_pattern": 6, "hidden_activation": "gelu_pytorch_tanh", "vocab_size": 262208,
                              "rope_local_base_freq": 10000.0, "tie_word_embeddings": True}, "gemma3"),
]
ENCODER = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 130,
           "vocab_size": 0, "hidden_act": "gelu"}
BERT = dict(ENCODER, model_type="bert", type_vocab_size=2, layer_norm_eps=1e-12)
XLM_R = dict(ENCODER, model_type="xlm-roberta", type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5)
UNIGRAM = os.path.join(DATA, "sentencepiece", "xlm-roberta")
# name, class, its settings, tokenizer
ENCODERS = [
    ("bert", "BertModel", dict(BERT, num_labels=0), os.path.join(DATA, "tokenizers", "tiny-bert-uncased")),
    ("bert-classes", "BertForSequenceClassification", dict(BERT, num_labels=3),
     os.path.join(DATA, "tokenizers", "tiny-bert-cased")),
    ("xlm-roberta", "XLMRobertaModel", dict(XLM_R, num_labels=0), UNIGRAM),
    ("xlm-roberta-rerank", "XLMRobertaForSequenceClassification", dict(XLM_R, num_labels=1), UNIGRAM),
    ("xlm-roberta-tokens", "XLMRobertaModel", dict(XLM_R, num_labels=0), "xlm-roberta-50k"),
]


def write_folder(path, name, architecture, changes, tokenizer):
    config = dict(changes if "num_labels" in changes else dict(BASE, **changes), architectures=[architecture])
    if tokenizer:
        shutil.copytree(tokenizer, path)
        config["vocab_size"] = max(config["vocab_size"], len(llmcs.Tokenizer(tokenizer)))
    random_models.write(path, config, "F32", sum(name.encode()))
    return config


# ------------------------------------------------------------------------------------------------ comparisons

def our_logits(model, ids):
    with model.session() as s:
        s.eval(ids, "all")
        return np.array([list(row) for row in s.logits()])


def distance(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2)))


class Report:
    failed = False

    def row(self, name, what, value, good):
        self.failed |= not good
        print("%-18s %-34s %-12s %s" % (name, what, value, "" if good else "DIFFERS"), flush=True)


def same_ids(report, name, what, ours, theirs, texts=TEXTS):
    different = [t for t in texts if ours(t) != theirs(t)]
    report.row(name, what, "%d of %d" % (len(texts) - len(different), len(texts)), not different)
    for text in different[:3]:
        print("    %r: %s, %s" % (text, ours(text), theirs(text)))


def written_by_us(report, name, folder, gguf, ids):
    for kind, bound in BOUNDS.items():
        llmcs.quantize(folder, gguf, type=kind, log=lambda level, text: print("    " + text) if level in ("warn", 1) else None)
        try:
            peer = llama_cpp_peer.Model(gguf, n_threads=1)
        except ValueError as error:
            report.row(name, kind, str(error)[:40], False)
            continue
        with llmcs.Model(gguf, n_threads=1) as ours:
            d = distance(np.array(peer.logits(ids)), our_logits(ours, ids))
            report.row(name, "%s by llama.cpp" % kind, "%.1e" % d, d < bound)
            if kind == "f32":
                with ours.session() as s:
                    mine = s.generate_ids(ids[:9], max_new_tokens=24, do_sample=False, eos_token_id=[]).sequences[0]
                theirs = peer.greedy(ids[:9], 24)
                report.row(name, "continuations", "%d tokens" % sum(a == b for a, b in zip(mine[-24:], theirs)), mine[-24:] == theirs)
                if ours.tokenizer:
                    same_ids(report, name, "tokens in llama.cpp", lambda t: list(ours.tokenizer.encode(t)), peer.encode)
        peer.close()


def converted(report, name, folder, gguf, converter, python):
    run = subprocess.run([python, converter, folder, "--outfile", gguf, "--outtype", "f32"], capture_output=True, text=True)
    if run.returncode:
        report.row(name, "converter", run.stderr.strip().split("\n")[-1][:60], False)
    return run.returncode == 0


def hidden(model, ids):
    return np.array(model.encoder_eval([ids], hidden=True)["hidden"][0]).reshape(len(ids), -1)


def encoder(report, name, folder, gguf, n_labels, converter, python):
    """Hidden states, logits and tokens of our file in llama.cpp; hidden states of its converter's file by us."""
    with llmcs.Model(folder, n_threads=1) as model:
        ids = list(model.tokenizer.encode(TEXTS[1]))
        states, width = hidden(model, ids), model.info["n_embd"]
        classes = model.encoder_eval([ids], logits=True)["logits"][0] if n_labels else []
    for kind, bound in BOUNDS.items():
        llmcs.quantize(folder, gguf, type=kind)
        try:
            peer = llama_cpp_peer.Model(gguf, n_threads=1, pooling=api.LLAMA_POOLING_TYPE_NONE)
        except ValueError as error:
            report.row(name, kind, str(error)[:40], False)
            continue
        with llmcs.Model(gguf, n_threads=1) as ours:
            d = distance(np.array(peer.encoded(ids, width)), hidden(ours, ids))
            report.row(name, "%s by llama.cpp" % kind, "%.1e" % d, d < max(bound, GELU))
            if kind == "f32":
                same_ids(report, name, "tokens in llama.cpp", lambda t: list(ours.tokenizer.encode(t)), peer.encode)
        if kind == "f32" and n_labels:
            ranking = llama_cpp_peer.Model(gguf, n_threads=1, pooling=api.LLAMA_POOLING_TYPE_RANK)
            d = distance(np.array(ranking.encoded(ids, n_labels)), np.array(list(classes)))
            report.row(name, "classes by llama.cpp", "%.1e" % d, d < GELU)
            ranking.close()
        peer.close()
    if not converter or not name.endswith("-tokens"):  # of the others it knows neither the words nor the special tokens
        return
    if not converted(report, name, folder, gguf, converter, python):
        return
    with llmcs.Model(gguf, n_threads=1) as theirs:
        d = distance(hidden(theirs, ids), states)
        report.row(name, "the converter's file by us", "%.1e" % d, d < BOUNDS["f32"])
        peer = llama_cpp_peer.Model(gguf, n_threads=1, pooling=api.LLAMA_POOLING_TYPE_NONE)
        # Hugging Face's map of characters makes one space of "\r\n", llama.cpp's two.
        same_ids(report, name, "its tokens by us and llama.cpp", lambda t: list(theirs.tokenizer.encode(t)), peer.encode,
                 [t for t in TEXTS if "\r" not in t])
        peer.close()


def written_by_llama_cpp(report, name, folder, gguf, ids, converter, python):
    if not converted(report, name, folder, gguf, converter, python):
        return
    with llmcs.Model(gguf, n_threads=1) as theirs, llmcs.Model(folder, n_threads=1) as ours:
        ids = [t % theirs.info["vocab_size"] for t in ids]
        a, b = our_logits(theirs, ids), our_logits(ours, ids)
        d = distance(a, b[:, : a.shape[1]])
        report.row(name, "the converter's file by us", "%.1e" % d, d < BOUNDS["f32"])
        if not theirs.tokenizer:
            report.row(name, "its tokens by us", "refused", False)
            return
        same_ids(report, name, "its tokens by us", lambda t: list(theirs.tokenizer.encode(t)), lambda t: list(ours.tokenizer.encode(t)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokenizers", default="", help="a folder with the folders llama3_1, qwen3, llama2, gemma3, as far as there")
    parser.add_argument("--converter", help="llama.cpp's convert_hf_to_gguf.py")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs it")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    args = parser.parse_args()
    print(llama_cpp_peer.start())
    report = Report()
    for name, architecture, changes, tokenizer in CASES + ENCODERS:
        if args.only not in name:
            continue
        if tokenizer and not os.path.isabs(tokenizer):
            tokenizer = os.path.join(args.tokenizers, tokenizer)
        if tokenizer and not os.path.isdir(tokenizer):
            print("%-18s skipped: no folder %s" % (name, os.path.basename(tokenizer)))
            continue
        with tempfile.TemporaryDirectory() as top:
            folder, gguf = os.path.join(top, "folder"), os.path.join(top, "model.gguf")
            config = write_folder(folder, name, architecture, changes, tokenizer)
            if "num_labels" in config:
                encoder(report, name, folder, gguf, config["num_labels"], args.converter, args.python)
                continue
            ids = [3 + (i * 7 + i * i) % (config["vocab_size"] - 3) for i in range(40)]
            written_by_us(report, name, folder, gguf, ids)
            if args.converter and tokenizer:
                os.remove(gguf)
                written_by_llama_cpp(report, name, folder, gguf, ids, args.converter, args.python)
    return int(report.failed)


if __name__ == "__main__":
    sys.exit(main())
