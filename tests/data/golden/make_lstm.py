"""Writes small random LSTM language models in this folder, and what PyTorch and Transformers' generate compute on them.

usage: python make_lstm.py        with torch and transformers 4.51.3 installed

lstm-torch has PyTorch's names, computed by torch.nn.LSTM; lstm-keras Keras' kernels and its hard_sigmoid; lstm-onnx the gates in
ONNX' order, tied float16 weights without biases, a pad token that leaves the state alone, and a state before the first token.
lstm-window sees seven tokens behind padding, as Keras' models of a fixed input length.
tests/data/lstm has models that Keras itself wrote and computed.
"""

import json
import os
import shutil

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

HERE = os.path.dirname(os.path.abspath(__file__))


class Equations(torch.nn.Module):
    """The layers step by step; weights and biases in the order i, f, g, o."""

    def __init__(self, layers, sigmoid, initial, skipped):
        super().__init__()
        self.layers, self.sigmoid, self.initial, self.skipped = layers, sigmoid, initial, skipped

    def forward(self, x, ids):
        for k, (w_input, w_recurrent, bias) in enumerate(self.layers):
            h, c = (s[k].expand(x.shape[0], -1) for s in self.initial)
            rows = []
            for t in range(x.shape[1]):
                i, f, g, o = (x[:, t] @ w_input.T + h @ w_recurrent.T + bias).chunk(4, -1)
                new_c = self.sigmoid(f) * c + self.sigmoid(i) * torch.tanh(g)
                new_h = self.sigmoid(o) * torch.tanh(new_c)
                keep = (ids[:, t] == self.skipped)[:, None]
                h, c = torch.where(keep, h, new_h), torch.where(keep, c, new_c)
                rows.append(h)
            x = torch.stack(rows, 1)
        return x


class Torch(torch.nn.Module):
    def __init__(self, lstm):
        super().__init__()
        self.lstm = lstm

    def forward(self, x, ids):
        return self.lstm(x)[0]


class Model(PreTrainedModel, GenerationMixin):
    config_class = PretrainedConfig

    def __init__(self, embedding, network, head, bias):
        super().__init__(PretrainedConfig(vocab_size=len(embedding), is_encoder_decoder=False))
        self.table, self.network, self.head, self.head_bias = embedding, network, head, bias
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=2, use_cache=False)

    def forward(self, input_ids, **unused):
        return CausalLMOutput(logits=self.network(self.table[input_ids], input_ids) @ self.head.T + self.head_bias)

    def prepare_inputs_for_generation(self, input_ids, **unused):
        return {"input_ids": input_ids}


class Windows(Model):
    """Each token's logits from the last `length` tokens but `pad`, behind padding."""

    def __init__(self, length, pad, *parts):
        super().__init__(*parts)
        self.length, self.pad = length, pad

    def forward(self, input_ids, **unused):
        rows = []
        for ids in input_ids.tolist():
            for t in range(len(ids)):
                seen = [i for i in ids[:t + 1] if i != self.pad][-self.length:]
                rows.append([self.pad] * (self.length - len(seen)) + seen)
        logits = super().forward(torch.tensor(rows)).logits[:, -1]
        return CausalLMOutput(logits=logits.reshape(*input_ids.shape, -1))


def prompts(seed, vocab, lengths):
    g = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocab, (n,), generator=g).tolist() for n in lengths]


def write(name, config, tensors, model, seed, lengths):
    path, vocab, cases, expected = os.path.join(HERE, name), config["vocab_size"], [], {}
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    for ids in prompts(seed, vocab, lengths):
        key = "%d_expect" % len(cases)
        expected[key] = model(torch.tensor([ids])).logits[0].contiguous()
        cases.append({"kind": "logits", "input_ids": ids, "expect": key})
    ids = prompts(seed + 1, vocab, [9])[0]
    p = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
    cases.append({"kind": "score", "prompt": ids[:4], "continuation": ids[4:],
                  "logprob": sum(float(p[i - 1, ids[i]]) for i in range(4, 9))})
    for ids in prompts(seed + 2, vocab, [5, 14]):
        for params in ({"max_new_tokens": 12}, {"max_new_tokens": 8, "num_beams": 3}):
            out = model.generate(torch.tensor([ids]), do_sample=False, **params)[0, len(ids):].tolist()
            cases.append({"kind": "generate", "prompt": ids, "params": params,
                          "expect_ids": [out[:out.index(2)] if 2 in out else out]})
    base = {"model_type": "lstm", "architectures": ["LSTMLMHeadModel"], "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2}
    for file, value in (("config.json", dict(base, **config)), ("cases.json", cases)):
        with open(os.path.join(path, file), "w") as f:
            json.dump(value, f, indent=1 if file == "config.json" else None)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, os.path.join(path, "model.safetensors"))
    save_file(expected, os.path.join(path, "expected.safetensors"))


def randn(g, *shape):
    return torch.randn(shape, generator=g) * 0.6


def of_torch():
    g, vocab, n_in, n = torch.Generator().manual_seed(1), 70, 20, 24
    lstm = torch.nn.LSTM(n_in, n, 3, batch_first=True)
    for _, p in sorted(lstm.named_parameters()):
        p.data = randn(g, *p.shape)
    table, head, bias = randn(g, vocab, n_in), randn(g, vocab, n) * 2, randn(g, vocab)
    tensors = {"embedding.weight": table, "lm_head.weight": head, "lm_head.bias": bias}
    tensors.update({"lstm." + k: v for k, v in lstm.state_dict().items()})
    write("lstm-torch", {"vocab_size": vocab, "hidden_size": n, "embedding_size": n_in, "num_layers": 3, "gate_order": "ifgo"},
          tensors, Model(table, Torch(lstm), head, bias), 10, [1, 7, 40, 64])


def of_keras():
    g, vocab, n_in, n = torch.Generator().manual_seed(2), 65, 11, 37
    layers = [(randn(g, 4 * n, k), randn(g, 4 * n, n), randn(g, 4 * n)) for k in (n_in, n)]
    table, head, bias = randn(g, vocab, n_in), randn(g, vocab, n) * 2, randn(g, vocab)
    tensors = {"embedding.embeddings": table, "lm_head.kernel": head.T, "lm_head.bias": bias}
    for k, (w_input, w_recurrent, b) in enumerate(layers):
        tensors.update({"lstm.%d.kernel" % k: w_input.T, "lstm.%d.recurrent_kernel" % k: w_recurrent.T, "lstm.%d.bias" % k: b})
    zeros = torch.zeros(2, n)
    network = Equations(layers, lambda x: torch.clamp(0.2 * x + 0.5, 0, 1), (zeros, zeros), -1)
    write("lstm-keras", {"vocab_size": vocab, "hidden_size": n, "embedding_size": n_in, "num_layers": 2, "gate_order": "ifco",
                         "recurrent_activation": "hard_sigmoid", "activation": "tanh"},
          tensors, Model(table, network, head, bias), 20, [1, 8, 33, 64])


def of_onnx():
    g, vocab, n = torch.Generator().manual_seed(3), 60, 32
    layers = [[randn(g, 4 * n, n).half(), randn(g, 4 * n, n).half()] for _ in range(2)]
    table, initial = randn(g, vocab, n).half() * 2, (randn(g, 2, n), randn(g, 2, n))
    tensors = {"embedding.weight": table, "initial.hidden": initial[0], "initial.cell": initial[1]}
    for k, matrices in enumerate(layers):
        for name, w in zip(("weight_ih_l%d", "weight_hh_l%d"), matrices):
            i, f, c, o = w.chunk(4)
            tensors["lstm." + name % k] = torch.cat([i, o, f, c])
    network = Equations([(a.float(), b.float(), torch.zeros(4 * n)) for a, b in layers], torch.sigmoid, initial, 5)
    write("lstm-onnx", {"vocab_size": vocab, "hidden_size": n, "num_layers": 2, "gate_order": "iofc", "use_bias": False,
                        "head_bias": False, "tie_word_embeddings": True, "pad_token_id": 5, "skip_pad_token": True},
          tensors, Model(table.float(), network, table.float(), torch.zeros(vocab)), 30, [2, 17, 64])


def of_window():
    g, vocab, n_in, n = torch.Generator().manual_seed(4), 61, 9, 19
    layers = [(randn(g, 4 * n, k), randn(g, 4 * n, n), randn(g, 4 * n)) for k in (n_in, n)]
    table, head, bias = randn(g, vocab, n_in), randn(g, vocab, n) * 2, randn(g, vocab)
    tensors = {"embedding.embeddings": table, "lm_head.kernel": head.T, "lm_head.bias": bias}
    for k, (w_input, w_recurrent, b) in enumerate(layers):
        tensors.update({"lstm.%d.kernel" % k: w_input.T, "lstm.%d.recurrent_kernel" % k: w_recurrent.T, "lstm.%d.bias" % k: b})
    zeros = torch.zeros(2, n)
    network = Equations(layers, lambda x: torch.clamp(x / 6 + 0.5, 0, 1), (zeros, zeros), -1)
    write("lstm-window", {"vocab_size": vocab, "hidden_size": n, "embedding_size": n_in, "num_layers": 2, "gate_order": "ifco",
                          "recurrent_activation": "hard_sigmoid_6", "pad_token_id": 12, "skip_pad_token": True, "window": 7,
                          "window_padding": True},
          tensors, Windows(7, 12, table, network, head, bias), 40, [1, 6, 7, 8, 40, 64])


with torch.no_grad():
    for make in (of_torch, of_keras, of_onnx, of_window):
        make()
