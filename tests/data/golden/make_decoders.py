"""Writes the checkpoints of small random decoders in this folder, and what Transformers 4.51 computes on them.

usage: python make_decoders.py        with torch and transformers 4.51.3 installed

Every optional term has weights that are not zero, gate and up differ, n_head * head_dim is not n_embd in most of them. Prompts
cross windows and the original lengths of scaled rotary embeddings. Values are float32 arithmetic on the stored weights.
"""

import json
import os
import shutil

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 16}
common = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None, "attn_implementation": "eager"}


def randomize(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        scale = 0.3 if p.dim() == 2 and "embed" not in name else 0.5
        p.data = torch.randn(p.shape, generator=g) * scale
        if name.endswith("norm.weight") and "Gemma" not in type(model).__name__:
            p.data += 1
    model.tie_weights()
    return model.eval()


def prompts(seed, vocab, lengths):
    g = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocab, (n,), generator=g).tolist() for n in lengths]


class Folder:
    def __init__(self, name, model, dtype, seed):
        self.path, self.cases, self.tensors = os.path.join(HERE, name), [], {}
        shutil.rmtree(self.path, ignore_errors=True)
        self.model = randomize(model, seed).to(dtype)
        self.model.save_pretrained(self.path, max_shard_size="12KB" if name == "qwen3-shards" else "1GB")
        if dtype != torch.float32:  # opened again: rotary frequencies must not be rounded, too
            self.model = type(model).from_pretrained(self.path, torch_dtype=torch.float32, attn_implementation="eager").eval()
        for extra in ("generation_config.json",):
            if os.path.exists(os.path.join(self.path, extra)):
                os.remove(os.path.join(self.path, extra))

    def add(self, case, **tensors):
        for key, value in tensors.items():
            case[key] = "%d_%s" % (len(self.cases), key)
            self.tensors[case[key]] = value.detach().float().contiguous().clone()
        self.cases.append(case)

    def language_model(self, seed, lengths, vocab):
        for ids in prompts(seed, vocab, lengths):
            self.add({"kind": "logits", "input_ids": ids}, expect=self.model(torch.tensor([ids])).logits[0])
        ids = prompts(seed + 1, vocab, [9])[0]
        p = torch.log_softmax(self.model(torch.tensor([ids])).logits[0].double(), -1)
        self.add({"kind": "score", "prompt": ids[:4], "continuation": ids[4:],
                  "logprob": sum(float(p[i - 1, ids[i]]) for i in range(4, 9))})
        for ids in prompts(seed + 2, vocab, [5, 14]):
            for params in ({"max_new_tokens": 12}, {"max_new_tokens": 8, "num_beams": 3}):
                if "Gemma" in type(self.model).__name__:  # whose cache does not fit eager attention in this version
                    if "num_beams" in params:
                        continue
                    out = self.greedy(ids, 12)
                else:
                    out = self.generated(ids, params)
                self.add({"kind": "generate", "prompt": ids, "params": params,
                          "expect_ids": [out[:out.index(2)] if 2 in out else out]})

    def generated(self, ids, params):
        return self.model.generate(torch.tensor([ids]), do_sample=False, pad_token_id=2, **params)[0, len(ids):].tolist()

    def greedy(self, ids, n):
        ids, begin = list(ids), len(ids)
        while len(ids) < begin + n and 2 not in ids[begin:]:
            ids.append(int(self.model(torch.tensor([ids])).logits[0, -1].argmax()))
        return ids[begin:]

    def edit_config(self, edit):
        path = os.path.join(self.path, "config.json")
        with open(path) as f:
            config = json.load(f)
        config = edit(config)
        with open(path, "w") as f:
            json.dump(config, f, indent=1)

    def close(self):
        self.edit_config(lambda c: {k: v for k, v in c.items() if k not in ("transformers_version", "id2label", "label2id") or
                                    (k == "id2label" and len(v) > 2)})
        with open(os.path.join(self.path, "cases.json"), "w") as f:
            json.dump(self.cases, f)
        save_file(self.tensors, os.path.join(self.path, "expected.safetensors"))


def rename(folder, prefix):
    path = os.path.join(folder.path, "model.safetensors")
    save_file({prefix + k: v for k, v in load_file(path).items()}, path)


def biases():
    f = Folder("llama-biases", tf.LlamaForCausalLM(tf.LlamaConfig(
        vocab_size=90, hidden_size=40, intermediate_size=52, num_hidden_layers=2, num_attention_heads=9, num_key_value_heads=3,
        head_dim=6, max_position_embeddings=64, attention_bias=True, mlp_bias=True, tie_word_embeddings=False,
        rope_scaling={"type": "linear", "factor": 4.0}, **common)), torch.bfloat16, 1)
    f.language_model(10, [1, 7, 40, 64], 90)
    f.close()


def yarn():
    f = Folder("llama-yarn", tf.LlamaForCausalLM(tf.LlamaConfig(
        vocab_size=80, hidden_size=24, intermediate_size=44, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, max_position_embeddings=64, tie_word_embeddings=True,
        rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 16.0},
        **common)), torch.float16, 2)
    f.language_model(20, [3, 15, 17, 64], 80)
    f.close()


def parameters():
    """rope_parameters as Transformers 5 writes them."""
    f = Folder("llama-parameters", tf.LlamaForCausalLM(tf.LlamaConfig(
        vocab_size=70, hidden_size=28, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        head_dim=10, max_position_embeddings=128, rope_theta=3000.0, rope_scaling=dict(LLAMA3), tie_word_embeddings=False,
        **common)), torch.float32, 3)
    f.language_model(30, [2, 16, 33, 128], 70)
    f.edit_config(lambda c: dict({k: v for k, v in c.items() if k not in ("rope_theta", "rope_scaling", "torch_dtype")},
                                 dtype="float32", rope_parameters=dict(LLAMA3, rope_theta=3000.0)))
    f.close()


def windows():
    f = Folder("qwen2-window", tf.Qwen2ForCausalLM(tf.Qwen2Config(
        vocab_size=75, hidden_size=28, intermediate_size=40, num_hidden_layers=3, num_attention_heads=7, num_key_value_heads=1,
        max_position_embeddings=80, use_sliding_window=True, sliding_window=5, max_window_layers=0, tie_word_embeddings=True,
        **common)), torch.float32, 4)
    f.language_model(40, [4, 5, 6, 70], 75)
    f.close()
    f = Folder("mistral-window", tf.MistralForCausalLM(tf.MistralConfig(
        vocab_size=75, hidden_size=30, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=12, max_position_embeddings=80, sliding_window=6, **common)), torch.bfloat16, 5)
    f.language_model(50, [5, 6, 7, 70], 75)
    f.close()


def shards():
    f = Folder("qwen3-shards", tf.Qwen3ForCausalLM(tf.Qwen3Config(
        vocab_size=72, hidden_size=24, intermediate_size=44, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
        head_dim=10, max_position_embeddings=64, attention_bias=True, tie_word_embeddings=False, **common)), torch.float16, 6)
    f.language_model(60, [1, 8, 41], 72)
    f.close()


def gemma():
    """The text model inside a config of a larger one; a scaled theta for global layers only."""
    f = Folder("gemma3-nested", tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(
        vocab_size=66, hidden_size=32, intermediate_size=40, num_hidden_layers=5, num_attention_heads=4, num_key_value_heads=2,
        head_dim=12, max_position_embeddings=64, query_pre_attn_scalar=20, sliding_window=5, sliding_window_pattern=2,
        rope_scaling={"rope_type": "linear", "factor": 8.0}, rope_theta=5000.0, rope_local_base_freq=100.0,
        attention_bias=True, bos_token_id=1, eos_token_id=2, pad_token_id=0, attn_implementation="eager",
        cache_implementation=None)), torch.bfloat16, 7)
    f.language_model(70, [4, 5, 6, 60], 66)
    rename(f, "language_model.")
    f.edit_config(lambda c: {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"], "eos_token_id": [2],
                             "text_config": dict({k: v for k, v in c.items() if k not in ("architectures", "eos_token_id")},
                                                 cache_implementation="hybrid"),
                             "vision_config": {"hidden_size": 8}})
    f.close()


def smollm3():
    """Not in Transformers 4.51: Llama, two of whose layers do not rotate."""
    model = tf.LlamaForCausalLM(tf.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=40, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=64, rope_theta=50000.0, tie_word_embeddings=True, **common))
    for layer in (model.model.layers[0], model.model.layers[2]):
        def forward(hidden_states, position_embeddings, attention_mask, *a, plain=layer.self_attn.forward, **k):
            cos, sin = position_embeddings
            return plain(hidden_states, (torch.ones_like(cos), torch.zeros_like(sin)), attention_mask, *a, **k)
        layer.self_attn.forward = forward
    f = Folder("smollm3-tiny", model, torch.float32, 8)
    f.language_model(80, [2, 20, 50], 64)
    f.edit_config(lambda c: dict(c, model_type="smollm3", architectures=["SmolLM3ForCausalLM"], no_rope_layers=[0, 1, 0, 1]))
    f.close()


def heads():
    f = Folder("qwen2-cls", tf.Qwen2ForSequenceClassification(tf.Qwen2Config(
        vocab_size=60, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=48, num_labels=3, **common)), torch.float32, 9)
    f.model.config.pad_token_id = 0
    for ids in prompts(90, 60, [1, 9, 47]):
        logits = f.model(torch.tensor([ids])).logits[0]
        f.add({"kind": "classify", "input_ids": ids, "probabilities": torch.softmax(logits.double(), -1).tolist()}, logits=logits)
    f.close()
    f = Folder("llama-tags", tf.LlamaForTokenClassification(tf.LlamaConfig(
        vocab_size=60, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=48, num_labels=4, **common)), torch.float32, 10)
    for ids in prompts(100, 60, [1, 9, 47]):
        f.add({"kind": "token_classify", "input_ids": ids}, logits=f.model(torch.tensor([ids])).logits[0])
    f.close()
    f = Folder("qwen3-model", tf.Qwen3Model(tf.Qwen3Config(
        vocab_size=60, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1,
        head_dim=8, max_position_embeddings=48, **common)), torch.float32, 11)
    for ids in prompts(110, 60, [1, 9, 47]):
        f.add({"kind": "hidden", "input_ids": ids}, hidden=f.model(torch.tensor([ids])).last_hidden_state[0])
    f.close()


with torch.no_grad():
    for make in (biases, yarn, parameters, windows, shards, gemma, smollm3, heads):
        make()
