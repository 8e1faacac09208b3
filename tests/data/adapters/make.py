"""Makes the checkpoints and LoRA adapters of this directory, and what PEFT computes with them.

    python3 tests/data/adapters/make.py [NAME ...]        with torch, transformers 4.51.3 and peft 0.21.2 installed

NAME/base is a checkpoint, NAME/adapter (and NAME/second) a PEFT folder as PEFT saves it, cases.json and
expected.safetensors what the network computes with the adapters: logits for token ids, and ids that it generates. The
expected values are those of the network with its adapters beside it, not merged: float32 arithmetic on the stored numbers;
"merged" are those of what PEFT's merge_and_unload makes, rounded to the type of the base.
Weights are random and no term is zero; every product changes the logits.
"""

import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers as tf
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
COMMON = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None, "attn_implementation": "eager"}


def randomize(model, seed, only=""):
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        if only not in name:
            continue
        p.data = (torch.randn(p.shape, generator=g) * (0.3 if p.dim() == 2 else 0.2)).to(p.dtype)
        if name.endswith(("norm.weight", "LayerNorm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight")):
            p.data += 1
    model.tie_weights()
    return model.eval()


def randomize_adapter(model, seed):
    """All that an adapter changes: products, whole modules, biases that are trained."""
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        if p.requires_grad:
            p.data = p.data * 0.5 + torch.randn(p.shape, generator=g).to(p.dtype) * 0.25
    return model.eval()


def merge(kind, folder, dtype, paths):
    """What merge_and_unload makes of the weights in their own type, evaluated in float32."""
    base = kind.from_pretrained(folder / "base", torch_dtype=dtype, attn_implementation="eager").eval()
    model = peft.PeftModel.from_pretrained(base, folder / paths[0], adapter_name=paths[0])
    for path in paths[1:]:
        model.load_adapter(folder / path, adapter_name=path)
        model.base_model.set_adapter(paths)
    model = model.merge_and_unload()
    loaded = kind.from_pretrained(folder / "base", torch_dtype=torch.float32, attn_implementation="eager").eval()
    for name, p in model.named_parameters():  # not model.float(): rotary frequencies must not be rounded
        parent, _, leaf = name.rpartition(".")
        setattr(loaded.get_submodule(parent), leaf, torch.nn.Parameter(p.detach().float()))
    return loaded.eval()


def make(name, kind, config, dtype, adapters, lengths, seed, typed=False):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    randomize(kind(config), seed).to(dtype).save_pretrained(folder / "base")
    (folder / "base" / "generation_config.json").unlink(missing_ok=True)
    config_path = folder / "base" / "config.json"
    stored = json.loads(config_path.read_text())
    stored.pop("transformers_version", None)
    config_path.write_text(json.dumps(stored, indent=1) + "\n")
    base = kind.from_pretrained(folder / "base", torch_dtype=torch.float32, attn_implementation="eager").eval()
    paths = ["adapter", "second"][:len(adapters)]
    for i, (path, lora) in enumerate(zip(paths, adapters)):
        trained = kind.from_pretrained(folder / "base", torch_dtype=torch.float32, attn_implementation="eager").eval()
        trained = randomize_adapter(peft.get_peft_model(trained, lora), seed + 100 + i)
        trained.save_pretrained(folder / path)
        (folder / path / "README.md").unlink()
        config_path = folder / path / "adapter_config.json"
        stored = json.loads(config_path.read_text())
        stored["base_model_name_or_path"] = None
        if isinstance(stored["target_modules"], list):  # a set in PEFT: any order
            stored["target_modules"].sort()
        config_path.write_text(json.dumps(stored, indent=1) + "\n")
    model = peft.PeftModel.from_pretrained(base, folder / paths[0], adapter_name=paths[0]).eval()
    for path in paths[1:]:
        model.load_adapter(folder / path, adapter_name=path)
        model.base_model.set_adapter(paths)
    merged = merge(kind, folder, dtype, paths)
    cases, tensors = [], {}
    g = torch.Generator().manual_seed(seed + 200)
    for n in lengths:
        ids = torch.randint(3, config.vocab_size, (1, n), generator=g)
        types = {"token_type_ids": (torch.arange(n) >= n // 2).long()[None]} if typed else {}
        with torch.no_grad():
            out = model(input_ids=ids, **types).logits[0]
        key = "%d_logits" % len(cases)
        tensors[key] = out.float().contiguous().clone()
        case = {"kind": "logits", "input_ids": ids[0].tolist(), "expect": key}
        if name != "gpt2-embedding":  # whose head PEFT changes with the embedding when it merges
            case["merged"] = "%d_merged" % len(cases)
            with torch.no_grad():
                tensors[case["merged"]] = merged(input_ids=ids, **types).logits[0].contiguous().clone()
        if typed:
            case["token_type_ids"] = types["token_type_ids"][0].tolist()
        cases.append(case)
        if hasattr(model, "generate") and hasattr(base, "lm_head") and n < 10:
            with torch.no_grad():
                found = model.generate(input_ids=ids, do_sample=False, pad_token_id=2, max_new_tokens=8)[0, n:].tolist()
            cases.append({"kind": "generate", "prompt": ids[0].tolist(), "expect_ids": found})
    (folder / "cases.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    save_file(tensors, str(folder / "expected.safetensors"))


def gpt2_config(**more):
    return tf.GPT2Config(vocab_size=70, n_positions=32, n_embd=24, n_layer=2, n_head=3, **{**COMMON, **more})


def gpt2():
    make("gpt2", tf.GPT2LMHeadModel, gpt2_config(), torch.float32, [peft.LoraConfig(
        r=3, lora_alpha=5, target_modules=["attn.c_proj", "c_attn", "c_fc"], fan_in_fan_out=True, bias="lora_only",
        rank_pattern={"h.0.attn.c_attn": 5, "h.[01].attn.c_attn": 2, "mlp.c_fc": 4},
        alpha_pattern={"transformer.h.1.mlp.c_fc": 11, r"h\.[01]\.attn\.c_proj": 2}, task_type="CAUSAL_LM")], [1, 7, 30], 1)


def gpt2_embedding():
    make("gpt2-embedding", tf.GPT2LMHeadModel, gpt2_config(), torch.float32, [peft.LoraConfig(
        r=2, lora_alpha=3, target_modules=["wte", "mlp.c_proj"], fan_in_fan_out=True, task_type="CAUSAL_LM")], [6, 20], 2)


def bert():
    config = tf.BertConfig(vocab_size=64, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
                           max_position_embeddings=40, num_labels=3, attn_implementation="eager")
    make("bert", tf.BertForSequenceClassification, config, torch.float32, [peft.LoraConfig(
        r=4, lora_alpha=3, use_rslora=True, bias="all", target_modules=["query", "value", "dense", "word_embeddings"],
        task_type="SEQ_CLS")], [4, 21], 3, typed=True)


def qwen2():
    config = tf.Qwen2Config(vocab_size=66, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                            num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True, **COMMON)
    make("qwen2", tf.Qwen2ForCausalLM, config, torch.bfloat16, [peft.LoraConfig(
        r=4, lora_alpha=8, use_rslora=True, target_modules="all-linear", rank_pattern={"down_proj": 1},
        task_type="CAUSAL_LM")], [5, 33], 4)


def llama_config(tied):
    return tf.LlamaConfig(vocab_size=68, hidden_size=24, intermediate_size=36, num_hidden_layers=3, num_attention_heads=4,
                          num_key_value_heads=2, head_dim=8, max_position_embeddings=64, attention_bias=True,
                          tie_word_embeddings=tied, **COMMON)


def llama():
    """Two adapters: a head and embeddings by a pattern; some layers alone."""
    make("llama", tf.LlamaForCausalLM, llama_config(False), torch.float32, [
        peft.LoraConfig(r=2, lora_alpha=4, target_modules=r".*\.(q_proj|o_proj)|lm_head|model\.embed_tokens",
                        task_type="CAUSAL_LM"),
        peft.LoraConfig(r=3, lora_alpha=2, target_modules=["up_proj", "k_proj"], layers_to_transform=[0, 2],
                        exclude_modules=["layers.2.self_attn.k_proj"], task_type="CAUSAL_LM")], [4, 40], 5)


def llama_saved():
    """A tied network whose embeddings and head are whole modules of the adapter, each trained by itself."""
    make("llama-saved", tf.LlamaForCausalLM, llama_config(True), torch.float16, [peft.LoraConfig(
        r=2, lora_alpha=4, target_modules=["gate_proj", "v_proj"], modules_to_save=["embed_tokens", "lm_head", "norm"],
        task_type="CAUSAL_LM")], [5, 17], 6)


ALL = {"gpt2": gpt2, "gpt2-embedding": gpt2_embedding, "bert": bert, "qwen2": qwen2, "llama": llama,
       "llama-saved": llama_saved}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or ALL:
        ALL[chosen]()
