"""Converts an LSTM language model of Keras or PyTorch to a folder that libllmcs opens (lib/families/lstm.c has the format).

    python3 tools/convert/lstm.py model.keras --tokenizer tokenizer.json --out my-lstm
    python3 tools/convert/lstm.py model.h5 --tokenizer tokenizer.json --window 19 --out my-lstm
    python3 tools/convert/lstm.py model.pt --words words.json --unk "<unk>" --out my-lstm

model: .keras or .h5 of a Keras model Embedding, LSTM (one or more), Dense; or a PyTorch state dict (.pt, .pth, .bin,
.safetensors) of nn.Embedding, nn.LSTM, nn.Linear. Dropout layers are passed over. Refused by name: other layers (GRU,
Bidirectional, ...), stateful or reversed layers, activations other than tanh and (hard) sigmoid, projections.

--tokenizer  what Keras' Tokenizer.to_json() returned. Without oov_token Keras drops unknown words, and so does the folder.
--words      {"word": id, ...} or ["word", ...]: words between white space; --unk names the one for unknown words, --lowercase
             changes the text first.
--window N   the model sees N words, with zeros in front of fewer (pad_sequences(maxlen=N)), and begins anew for each word. The
             input length, if the model has a fixed one. Without it the state goes on from word to word.

Needs numpy; h5py for Keras' files, torch for .pt.
"""
import argparse
import io
import json
import os
import sys
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train"))
from tensor_files import load_safetensors, save_safetensors  # noqa: E402


class Refused(Exception):
    """What the file has and this script cannot convert."""


def need(condition, message, *args):
    if not condition:
        raise Refused(message % args)


class Model:
    """The weights of a folder and the settings that follow from them; kernels are Keras', [n_in, 4 n]."""

    def __init__(self, embedding, layers, head, head_bias, **config):
        self.embedding, self.layers, self.head, self.head_bias, self.config = embedding, layers, head, head_bias, config
        vocab, n_in = embedding.shape
        need(head.shape[1] == vocab, "the embedding has %d words, the last layer %d: not a language model", vocab, head.shape[1])
        need(head.shape[0] == len(layers[-1][1]), "the last layer has %d inputs, the LSTM %d units", head.shape[0],
             len(layers[-1][1]))
        self.widen(max(len(recurrent) for _, recurrent, _ in layers))
        biased = layers[0][2] is not None
        need(all((bias is not None) == biased for _, _, bias in layers), "some LSTM layers have biases, others lack them")
        config.update(vocab_size=vocab, embedding_size=n_in, hidden_size=self.n, num_layers=len(layers), use_bias=biased,
                      head_bias=head_bias is not None)

    def widen(self, n):
        """Layers of fewer units get units without weights, whose state stays 0."""
        self.n, wide, n_before = n, [], None
        for kernel, recurrent, bias in self.layers:
            u = len(recurrent)
            if n_before:
                kernel = np.pad(kernel, ((0, n - n_before), (0, 0)))
            gates = lambda x: np.concatenate([np.pad(g, [(0, 0)] * (x.ndim - 1) + [(0, n - u)]) for g in np.split(x, 4, -1)], -1)
            wide.append((gates(kernel), np.pad(gates(recurrent), ((0, n - u), (0, 0))), None if bias is None else gates(bias)))
            n_before = u
        self.layers, self.head = wide, np.pad(self.head, ((0, n - n_before), (0, 0)))

    def tensors(self):
        out = {"embedding.embeddings": self.embedding, "lm_head.kernel": self.head, "lm_head.bias": self.head_bias}
        for k, (kernel, recurrent, bias) in enumerate(self.layers):
            out.update({"lstm.%d.kernel" % k: kernel, "lstm.%d.recurrent_kernel" % k: recurrent, "lstm.%d.bias" % k: bias})
        return {k: v for k, v in out.items() if v is not None}


# ---------------------------------------------------------------------------------------------------- Keras

PASSED_OVER = ("InputLayer", "Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise")
VARIABLES = {"LSTM": ("kernel", "recurrent_kernel", "bias"), "Embedding": ("embeddings",), "Dense": ("kernel", "bias")}
KERAS_1 = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}


def as_text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def activation(value):
    """The name of an activation, which Keras 3 may write as an object."""
    if isinstance(value, dict):
        value = value["config"] if isinstance(value.get("config"), str) else value.get("class_name")
    return value or "linear"


class KerasFile:
    """The layers of a .keras file (a zip) or an .h5 file of Keras 1, 2 or 3."""

    def __init__(self, path):
        import h5py

        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as z:
                self.config = json.loads(z.read("config.json"))
                self.version = json.loads(z.read("metadata.json")).get("keras_version", "3")
                self.file, self.legacy = h5py.File(io.BytesIO(z.read("model.weights.h5")), "r"), False
        else:
            self.file, self.legacy = h5py.File(path, "r"), True
            need("model_config" in self.file.attrs, "%s holds weights only: save the whole model", path)
            self.config = json.loads(as_text(self.file.attrs["model_config"]))
            self.file = self.file["model_weights"]
            self.version = as_text(self.file.attrs.get("keras_version", "1"))
        self.counts = {}

    def layers(self):
        kind, config = self.config["class_name"], self.config["config"]
        need(kind in ("Sequential", "Functional", "Model"), "a model of class %s is not converted", kind)
        layers = config if isinstance(config, list) else config["layers"]
        if kind != "Sequential":
            need(len(config["input_layers"]) == 1 or isinstance(config["input_layers"][0], str), "a model of several inputs")
        return [(layer["class_name"], layer["config"]) for layer in layers]

    def arrays(self, kind, name):
        found = self.legacy_arrays(kind, name) if self.legacy else self.zip_arrays(kind, name)
        found = {k: np.asarray(v, np.float32) for k, v in found.items()}
        missing = [n for n in VARIABLES[kind][:2 if kind == "LSTM" else 1] if n not in found]
        need(not missing, "layer %s: no weights named %s, only %s", name, ", ".join(missing), ", ".join(found) or "none")
        return [found.get(n) for n in VARIABLES[kind]]

    def legacy_arrays(self, kind, name):
        group = self.file[name]
        found = {as_text(n).split("/")[-1].split(":")[0]: group[as_text(n)][()] for n in group.attrs["weight_names"]}
        if any(n.endswith("_W_i") for n in found):  # Keras 1: a matrix a gate
            gates = {n[-3:]: v for n, v in found.items()}
            return {KERAS_1[w]: np.concatenate([gates["%s_%s" % (w, g)] for g in "ifco"], -1) for w in "WUb"}
        old = {n[-1]: v for n, v in found.items() if n[-2:] in ("_W", "_U", "_b")}
        return {"embeddings" if kind == "Embedding" else KERAS_1[k]: v for k, v in old.items()} or found

    def zip_arrays(self, kind, name):
        number = self.counts[kind] = self.counts.get(kind, -1) + 1
        by_number = kind.lower() + ("_%d" % number if number else "")
        root = next(self.file[k] for k in ("layers", "_layer_checkpoint_dependencies") if k in self.file)
        group = next((root[k] for k in (name, by_number) if k in root), None)
        need(group is not None, "the weights of layer %s are not in the file", name)
        group = group["cell/vars"] if "cell" in group else group["vars"]
        return {n: group[str(i)][()] for i, n in enumerate(VARIABLES[kind]) if str(i) in group}


def check_lstm(c, is_last):
    name = c["name"]
    need(not c.get("stateful"), "layer %s is stateful: build the model again with stateful=False and set_weights; sessions of "
         "libllmcs keep the state", name)
    for key in ("go_backwards", "time_major"):
        need(not c.get(key), "layer %s: %s is not converted", name, key)
    need(is_last or c.get("return_sequences"), "layer %s: return_sequences must be true of an LSTM before another one", name)
    need(activation(c.get("activation", "tanh")) == "tanh", "layer %s: activation %s, only tanh is converted", name,
         activation(c.get("activation")))
    gates = activation(c.get("recurrent_activation", c.get("inner_activation", "hard_sigmoid")))
    need(gates in ("sigmoid", "hard_sigmoid"), "layer %s: recurrent_activation %s, only sigmoid and hard_sigmoid are converted",
         name, gates)
    return gates


def read_keras(path):
    file = KerasFile(path)
    parts, length = {"Embedding": [], "LSTM": [], "Dense": []}, None
    for kind, c in file.layers():
        shape = c.get("batch_shape") or c.get("batch_input_shape") or [None, c.get("input_length")]
        length = length or (shape[1] if len(shape) == 2 else None)
        if kind == "TimeDistributed":
            kind, c = c["layer"]["class_name"], dict(c["layer"]["config"], name=c["name"])
            need(kind == "Dense" and file.legacy, "layer %s: TimeDistributed %s is not converted", c["name"], kind)
        if kind == "Activation" and activation(c["activation"]) == "softmax" or kind in PASSED_OVER + ("Softmax",):
            continue
        need(kind in parts, "layer %s: %s is not converted, only Embedding, LSTM, Dense and dropout", c.get("name"), kind)
        need(not parts["Dense"], "layer %s behind a Dense is not converted", c["name"])
        need(parts["Embedding"] or kind == "Embedding", "layer %s: an Embedding must be the first layer", c["name"])
        need(parts["LSTM"] or kind != "Dense", "layer %s: Dense before an LSTM is not converted", c["name"])
        parts[kind].append((c, file.arrays(kind, c["name"])))
    need(len(parts["Embedding"]) == 1 and parts["LSTM"] and parts["Dense"], "expected Embedding, LSTM and Dense layers")
    (embedding_config, (embedding,)), (dense_config, (head, head_bias)) = parts["Embedding"][0], parts["Dense"][0]
    need(activation(dense_config.get("activation")) in ("softmax", "linear"), "layer %s: activation %s, only softmax",
         dense_config["name"], activation(dense_config.get("activation")))
    gates = {check_lstm(c, i + 1 == len(parts["LSTM"])) for i, (c, _) in enumerate(parts["LSTM"])}
    need(len(gates) == 1, "the LSTM layers have different recurrent_activation: %s", ", ".join(sorted(gates)))
    hard = "hard_sigmoid" if file.version.split(".")[0] in ("1", "2") else "hard_sigmoid_6"
    model = Model(embedding, [arrays for _, arrays in parts["LSTM"]], head, head_bias, gate_order="ifco",
                  recurrent_activation="sigmoid" if gates == {"sigmoid"} else hard)
    model.masked, model.length = bool(embedding_config.get("mask_zero")), length
    return model


# -------------------------------------------------------------------------------------------------- PyTorch

def state_dict(path):
    if path.endswith(".safetensors"):
        return load_safetensors(path)
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError):
        state = None
    need(isinstance(state, dict), "not a state dict: write it by torch.save(model.state_dict(), path)")
    state = state.get("state_dict", state)
    return {k: v.float().numpy() for k, v in state.items()}


def read_torch(path):
    state = state_dict(path)
    first = [k for k in state if k.endswith("weight_ih_l0")]
    need(len(first) == 1, "%s: expected one nn.LSTM, found %d (weight_ih_l0)", path, len(first))
    prefix = first[0][:-len("weight_ih_l0")]
    inside = {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix + "weight_") or k.startswith(prefix + "bias_")}
    need(not any(k.endswith("_reverse") for k in inside), "%s is bidirectional, which is not converted", prefix or path)
    need(not any(k.startswith("weight_hr") for k in inside), "%s has projections (proj_size), which are not converted", prefix or path)
    n = inside["weight_hh_l0"].shape[1]
    need(len(inside["weight_hh_l0"]) == 4 * n, "%s is %s, not an LSTM", prefix or path,
         {3 * n: "a GRU", n: "an RNN"}.get(len(inside["weight_hh_l0"]), "something else"))
    layers = []
    while "weight_ih_l%d" % len(layers) in inside:
        k = len(layers)
        bias = inside["bias_ih_l%d" % k] + inside["bias_hh_l%d" % k] if "bias_ih_l%d" % k in inside else None
        layers.append((inside["weight_ih_l%d" % k].T, inside["weight_hh_l%d" % k].T, bias))
    others = {k: v for k, v in state.items() if k[len(prefix):] not in inside or not k.startswith(prefix)}
    matrices = [k for k, v in others.items() if v.ndim == 2]
    tables = [k for k in matrices if others[k].shape[1] == len(layers[0][0])]
    heads = [k for k in matrices if others[k].shape[1] == n]
    if len(tables) > 1:  # as wide as the LSTM: by name, else the first in the file
        tables = [k for k in tables if "emb" in k.lower()] or tables[:1]
    heads = [k for k in heads if k not in tables] or tables
    need(len(tables) == 1 and len(heads) == 1 and len(others) <= 3, "expected nn.Embedding, nn.LSTM and one nn.Linear, found %s",
         ", ".join(sorted(state)))
    bias = [v for v in others.values() if v.ndim == 1]
    model = Model(others[tables[0]], layers, others[heads[0]].T, bias[0] if bias else None, gate_order="ifgo",
                  recurrent_activation="sigmoid")
    model.masked, model.length = False, None
    return model


# --------------------------------------------------------------------------------------------------- tokenizer

def pattern_of(characters):
    """[...]+ with these ASCII characters."""
    names = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
    need(all(c in names or " " <= c <= "~" for c in characters), "filters and split of the tokenizer: only ASCII is converted")
    escaped = [names.get(c) or (c if c.isalnum() or c == " " else "\\" + c) for c in dict.fromkeys(characters)]
    return "[%s]+" % "".join(escaped)


def tokenizer_json(words, unk, special, lowercase, pre_tokenizer):
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": words[w], "content": w, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for w in sorted(special, key=words.get)],
            "normalizer": {"type": "Lowercase"} if lowercase else None, "pre_tokenizer": pre_tokenizer,
            "post_processor": None, "decoder": None, "model": {"type": "WordLevel", "vocab": words, "unk_token": unk}}


def keras_tokenizer(path, vocab_size):
    """(tokenizer.json, the pad token, whether unknown words are dropped)"""
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    data = json.loads(data) if isinstance(data, str) else data
    need(data.get("class_name") == "Tokenizer", "%s is not of Tokenizer.to_json()", path)
    c = data["config"]
    need(not c.get("char_level"), "%s: char_level is not converted", path)
    need(len(c["split"]) == 1, "%s: split is \"%s\", only one character is converted", path, c["split"])
    index = json.loads(c["word_index"]) if isinstance(c["word_index"], str) else c["word_index"]
    end = min(vocab_size, c["num_words"] or vocab_size)
    pad = next(w for w in ["<pad>"] + ["<pad_%d>" % i for i in range(len(index) + 1)] if w not in index)
    words = {pad: 0, **{w: i for w, i in sorted(index.items(), key=lambda x: x[1]) if i < end}}
    oov = c.get("oov_token") if c.get("oov_token") in words else None
    split = {"type": "Split", "pattern": {"Regex": pattern_of(c["split"] + c["filters"])}, "behavior": "Removed", "invert": False}
    return tokenizer_json(words, oov or pad, {pad, oov or pad}, c["lower"], split), pad, not oov


def words_tokenizer(path, unk, lowercase):
    with open(path, encoding="utf-8") as f:
        words = json.load(f)
    words = {w: i for i, w in enumerate(words)} if isinstance(words, list) else words
    need(unk in words, "--unk: the words of %s lack \"%s\", for words they lack", path, unk)
    return tokenizer_json(words, unk, {unk}, lowercase, {"type": "WhitespaceSplit"})


# ------------------------------------------------------------------------------------------------------- folder

def write(out, model, args):
    files = {}
    config = {"model_type": "lstm", "architectures": ["LSTMLMHeadModel"], "tie_word_embeddings": False, **model.config}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
    skips = model.masked
    if args.tokenizer:
        files["tokenizer.json"], pad, drops = keras_tokenizer(args.tokenizer, config["vocab_size"])
        settings["pad_token"], skips = pad, skips or drops
    elif args.words:
        files["tokenizer.json"] = words_tokenizer(args.words, args.unk, args.lowercase)
    if args.tokenizer or skips:  # 0 is no word: it is not generated
        config.update(pad_token_id=0, skip_pad_token=skips)
        files["generation_config.json"] = {"pad_token_id": 0, "suppress_tokens": [0]}
    if "tokenizer.json" in files:
        files["tokenizer_config.json"] = dict(settings, unk_token=files["tokenizer.json"]["model"]["unk_token"])
    window = args.window or model.length
    if window:
        config.update(window=window, window_padding=not model.masked, pad_token_id=0)
    files["config.json"] = config
    os.makedirs(out, exist_ok=True)
    save_safetensors(os.path.join(out, "model.safetensors"), model.tensors(), args.dtype)
    for name, value in files.items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, indent=1)
    print("%s: %d words, %d layers of %d units" % (out, config["vocab_size"], config["num_layers"], config["hidden_size"]))
    if window:
        print("%d words are seen, %s" % (window, "without padding (mask_zero)" if model.masked else "zeros in front of fewer"))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("--out", required=True, help="the folder to write")
    p.add_argument("--tokenizer", help="Keras' Tokenizer.to_json()")
    p.add_argument("--words", help="words and ids, JSON")
    p.add_argument("--unk", default="<unk>", help="with --words: the word for unknown words")
    p.add_argument("--lowercase", action="store_true", help="with --words: texts in lower case")
    p.add_argument("--dtype", choices=("F32", "F16", "BF16"), default="F32", help="how weights are stored [F32]")
    p.add_argument("--window", type=int, help="words that the model sees, with zeros in front of fewer")
    args = p.parse_args()
    try:
        need(not (args.tokenizer and args.words), "--tokenizer and --words: one of them")
        is_keras = args.model.endswith((".keras", ".h5", ".hdf5"))
        write(args.out, read_keras(args.model) if is_keras else read_torch(args.model), args)
    except (Refused, OSError, KeyError) as e:
        print("lstm.py: %s: %s" % (args.model, e if not isinstance(e, KeyError) else "%s is missing" % e), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
