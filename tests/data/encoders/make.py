"""Makes the checkpoints of this directory and what Transformers 4.51.3 computes with them.

    python3 tests/data/encoders/make.py [NAME ...]

A folder holds one network with the tensors of all its heads, so `architectures` of config.json chooses one: each case of
cases.json names its own. Weights are random, different in every row, and no optional term is zero: two halves of a gate, a
shared layer or an offset of positions that are mixed up do not go unnoticed. A tensor's numbers depend on its name alone.

gte and nomic are not among the classes of Transformers 4.51: their references are written here, in torch, from the
equations of the models' own code (Alibaba-NLP/new-impl, modeling.py; nomic-ai/nomic-bert-2048, modeling_hf_nomic_bert.py).
"""

import json
import math
import pathlib
import shutil
import sys
import zlib

import numpy
import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
VOCAB = 61
LABELS = {"id2label": {0: "a", 1: "b", 2: "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}
TWO_LABELS = {"id2label": {0: "a", 1: "b"}, "label2id": {"a": 0, "b": 1}}
SIZES = dict(vocab_size=VOCAB, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=40)


def numbers(name, shape):
    """Values of a tensor: norms around 1, the rest around 0."""
    random = numpy.random.default_rng(zlib.crc32(name.encode()))
    norm = name.endswith("weight") and "norm" in name.lower().split(".")[-2]
    fan = shape[-1] if len(shape) > 1 else 4
    values = random.normal(1 if norm else 0, 0.3 if norm else 0.9 / math.sqrt(fan), shape)
    if "bias" in name.split(".")[-1] or "embeddings" in name:
        values = random.normal(0, 0.4, shape)
    return torch.tensor(values, dtype=torch.float32)


class Folder:
    def __init__(self, name, config):
        self.name, self.config = name, config
        self.tensors, self.expected, self.cases = {}, {}, []

    def fill(self, module):
        """The tensors of a bare model get the prefix that they have in models with a head."""
        prefix = module.base_model_prefix + "."
        bare = not any(name.startswith(prefix) for name, _ in module.named_parameters())
        for name, p in module.named_parameters():
            name = prefix + name if bare else name
            p.data = numbers(name, p.shape)
            self.add_tensor(name, p.data)

    def add_tensor(self, name, value):
        known = self.tensors.setdefault(name, value.detach().clone().contiguous())
        assert known.shape == value.shape, (self.name, name, known.shape, value.shape)

    def add_case(self, architecture, ids, types, outputs):
        case = {"architecture": architecture, "input_ids": ids}
        if types:
            case["token_type_ids"] = types
        for key, value in outputs.items():
            tensor = "%d.%s" % (len(self.cases), key)
            self.expected[tensor] = value.detach().to(torch.float32).clone().contiguous()
            case[key] = tensor
        self.cases.append(case)

    def save(self):
        folder = HERE / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        text = json.dumps(self.config, indent=1, sort_keys=True)
        (folder / "config.json").write_text(text + "\n")
        save_file(self.tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
        save_file(self.expected, str(folder / "expected.safetensors"))
        rows = ",\n".join(json.dumps(case) for case in self.cases)
        (folder / "cases.json").write_text("[\n" + rows + "\n]\n")


def token_ids(name, length):
    """Ids without the padding id 0 or 1."""
    return [int(x) for x in numpy.random.default_rng(zlib.crc32(name.encode()) + length).integers(2, VOCAB, length)]


def from_transformers(name, config, classes, lengths, typed):
    """classes: each with the keys of its outputs. The first one's cases have all lengths."""
    stored = {k: v for k, v in config.to_diff_dict().items() if k not in ("transformers_version", "torch_dtype")}
    labels = LABELS if config.num_labels == 3 else TWO_LABELS
    folder = Folder(name, {**stored, **labels, "model_type": config.model_type})
    for i, kind in enumerate(classes):
        config._attn_implementation = "eager"
        config.num_labels = 2 if kind.__name__.endswith("QuestionAnswering") else len(labels["id2label"])
        model = kind(config).eval()
        folder.fill(model)
        base = getattr(model, model.base_model_prefix, model)
        for n in lengths if i == 0 else lengths[1:3]:
            ids = token_ids(name, n)
            types = [int(k >= n // 2) for k in range(n)] if typed else None
            given = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, n), **({"token_type_ids": torch.tensor([types])} if types else {})}
            with torch.no_grad():
                state, out = base(**given), model(**given)
            outputs = {"hidden": state.last_hidden_state[0]}
            if getattr(state, "pooler_output", None) is not None:
                outputs["pooled"] = state.pooler_output[0]
            if hasattr(out, "start_logits"):
                outputs["logits"] = torch.stack([out.start_logits[0], out.end_logits[0]], -1)
            elif hasattr(out, "prediction_logits"):
                outputs["logits"] = out.prediction_logits[0]
            elif hasattr(out, "logits"):
                outputs["logits"] = out.logits[0]
            folder.add_case(kind.__name__, ids, types, outputs)
    folder.save()


def classes_of(prefix, *names):
    return [getattr(transformers, prefix + name) for name in names]


HEADS = ("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMaskedLM")
LENGTHS = (1, 2, 11, 37)


def xlm_roberta():
    config = transformers.XLMRobertaConfig(
        **SIZES, max_position_embeddings=44, type_vocab_size=1, layer_norm_eps=1e-5, num_labels=3
    )
    from_transformers("xlm-roberta", config, classes_of("XLMRoberta", "Model", *HEADS), LENGTHS, False)


def electra():
    config = transformers.ElectraConfig(**SIZES, embedding_size=16, max_position_embeddings=40, num_labels=3)
    from_transformers("electra", config, classes_of("Electra", "Model", *HEADS), LENGTHS, True)


def albert():
    config = transformers.AlbertConfig(
        **{**SIZES, "num_hidden_layers": 5},
        embedding_size=16,
        num_hidden_groups=2,
        max_position_embeddings=40,
        num_labels=3,
    )
    from_transformers("albert", config, classes_of("Albert", "Model", *HEADS, "ForPreTraining"), LENGTHS, True)


def ernie():
    config = transformers.ErnieConfig(
        **SIZES, max_position_embeddings=40, use_task_id=True, task_type_vocab_size=3, num_labels=3
    )
    from_transformers("ernie", config, classes_of("Ernie", "Model", *HEADS, "ForPreTraining"), LENGTHS, True)


def mpnet():
    """Lengths beyond the 128 tokens from which on distances share a bucket."""
    config = transformers.MPNetConfig(**SIZES, max_position_embeddings=180, num_labels=3)
    from_transformers("mpnet", config, classes_of("MPNet", "Model", *HEADS), (1, 2, 21, 160), False)


def modernbert(name, **more):
    config = transformers.ModernBertConfig(
        **{**SIZES, "num_hidden_layers": 5},
        max_position_embeddings=64,
        local_attention=12,
        global_attn_every_n_layers=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        cls_token_id=1,
        sep_token_id=2,
        global_rope_theta=500.0,
        local_rope_theta=20.0,
        num_labels=2,  # its answer spans have the classifier's name
        reference_compile=False,
        **more,
    )
    classes = classes_of("ModernBert", "Model", *HEADS)
    from_transformers(name, config, classes, (1, 7, 8, 40), False)


# ---- GTE: equations of Alibaba-NLP/new-impl, modeling.py


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Gte:
    """x = emb_norm(word + type);  x = attn_ln(x + o(attention(x)));  x = mlp_ln(x + down(gelu(gate) * up)), where
    up | gate = up_gate_proj(x). Queries and keys are rotated; theta is multiplied by the factor of rope_scaling "ntk", and
    frequencies are divided by factor ** (2 / dim)."""

    def __init__(self, folder, prefix):
        self.c, self.folder, self.prefix = folder.config, folder, prefix

    def t(self, name, *shape):
        value = numbers(name.replace("_ln.", "_norm."), shape)
        self.folder.add_tensor(name, value)
        return value

    def linear(self, x, name, n_out, bias=True):
        y = x @ self.t(name + ".weight", n_out, x.shape[-1]).T
        return y + self.t(name + ".bias", n_out) if bias else y

    def norm(self, x, name):
        weight, bias = self.t(name + ".weight", x.shape[-1]), self.t(name + ".bias", x.shape[-1])
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, self.c["layer_norm_eps"])

    def rotation(self, n, dim):
        base, factor = self.c["rope_theta"], 1.0
        if self.c.get("rope_scaling"):
            factor = self.c["rope_scaling"]["factor"]
        inverse = 1.0 / ((base * factor) ** (torch.arange(0, dim, 2).float() / dim)) / factor ** (2 / dim)
        angles = torch.outer(torch.arange(n).float(), inverse)
        angles = torch.cat([angles, angles], -1)
        return angles.cos(), angles.sin()

    def layer(self, x, at):
        n, width = x.shape
        heads = self.c["num_attention_heads"]
        dim = width // heads
        q, k, v = self.linear(x, at + "attention.qkv_proj", 3 * width).split(width, -1)
        q, k, v = (y.view(n, heads, dim).transpose(0, 1) for y in (q, k, v))
        cos, sin = self.rotation(n, dim)
        scores = rotate(q, cos, sin) @ rotate(k, cos, sin).transpose(1, 2) / math.sqrt(dim)
        attended = (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, width)
        x = self.norm(x + self.linear(attended, at + "attention.o_proj", width), at + "attn_ln")
        inner = self.c["intermediate_size"]
        up, gate = self.linear(x, at + "mlp.up_gate_proj", 2 * inner, bias=False).split(inner, -1)
        return self.norm(
            x + self.linear(torch.nn.functional.gelu(gate) * up, at + "mlp.down_proj", width), at + "mlp_ln"
        )

    def hidden(self, ids, types):
        p, width = self.prefix, self.c["hidden_size"]
        x = self.t(p + "embeddings.word_embeddings.weight", VOCAB, width)[ids]
        if self.c["type_vocab_size"]:
            x = x + self.t(p + "embeddings.token_type_embeddings.weight", self.c["type_vocab_size"], width)[types]
        x = self.norm(x, p + "embeddings.LayerNorm")
        for i in range(self.c["num_hidden_layers"]):
            x = self.layer(x, "%sencoder.layer.%d." % (p, i))
        return x

    def outputs(self, architecture, ids, types):
        x = self.hidden(torch.tensor(ids), torch.tensor(types or [0] * len(ids)))
        pooled = torch.tanh(self.linear(x[:1], self.prefix + "pooler.dense", x.shape[-1]))[0]
        out = {"hidden": x, "pooled": pooled}
        if architecture == "NewForSequenceClassification":
            out["logits"] = self.linear(pooled, "classifier", 3)
        elif architecture == "NewForTokenClassification":
            out["logits"] = self.linear(x, "classifier", 3)
        elif architecture == "NewForQuestionAnswering":
            out["logits"] = self.linear(x, "qa_outputs", 2)
        elif architecture == "NewForMaskedLM":
            y = self.norm(torch.nn.functional.gelu(self.linear(x, "lm_head.dense", x.shape[-1])), "lm_head.norm")
            table = self.folder.tensors[self.prefix + "embeddings.word_embeddings.weight"]
            out["logits"] = y @ table.T + self.t("lm_head.decoder.bias", VOCAB)
        return out


def gte(name, **more):
    config = {
        "architectures": ["NewModel"],
        "attention_probs_dropout_prob": 0.0,
        "auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"},
        "classifier_dropout": 0.0,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "layer_norm_eps": 1e-12,
        "layer_norm_type": "layer_norm",
        "logn_attention_clip1": False,
        "logn_attention_scale": False,
        "max_position_embeddings": 64,
        "model_type": "new",
        "pack_qkv": True,
        "pad_token_id": 1,
        "position_embedding_type": "rope",
        "rope_scaling": {"factor": 8.0, "type": "ntk"},
        "rope_theta": 200.0,
        "type_vocab_size": 1,
        "unpad_inputs": False,
        "use_memory_efficient_attention": False,
        **SIZES,
        **LABELS,
        **more,
    }
    folder = Folder(name, config)
    typed = config["type_vocab_size"] > 1
    for i, architecture in enumerate(["NewModel", *("New" + head for head in HEADS)]):
        for n in LENGTHS if i == 0 else LENGTHS[1:3]:
            ids, types = token_ids(name, n), [int(k >= n // 2) for k in range(n)] if typed else None
            folder.add_case(architecture, ids, types, Gte(folder, "new.").outputs(architecture, ids, types))
    folder.save()


def buckets():
    """T5's buckets of all distances up to four times the largest that has one of its own."""
    from transformers.models.t5.modeling_t5 import T5Attention

    rows = []
    for n_buckets, most in ((32, 128), (8, 20), (64, 256)):
        distances = torch.arange(-4 * most, 4 * most + 1)
        for causal in (False, True):
            found = T5Attention._relative_position_bucket(distances, not causal, n_buckets, most)
            rows.append({"n_buckets": n_buckets, "max_distance": most, "causal": causal, "buckets": found.tolist()})
    (HERE / "buckets.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


class Nomic(Gte):
    """x = emb_ln(word + type);  x = norm1(x + out_proj(attention(x)));  x = norm2(x + fc2(fc11(x) * silu(fc12(x))))"""

    def layer(self, x, at):
        n, width = x.shape
        heads, inner = self.c["n_head"], self.c["n_inner"]
        dim = width // heads
        q, k, v = self.linear(x, at + "attn.Wqkv", 3 * width, bias=False).split(width, -1)
        q, k, v = (y.view(n, heads, dim).transpose(0, 1) for y in (q, k, v))
        cos, sin = self.rotation(n, dim)
        scores = rotate(q, cos, sin) @ rotate(k, cos, sin).transpose(1, 2) / math.sqrt(dim)
        attended = (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, width)
        x = self.norm(x + self.linear(attended, at + "attn.out_proj", width, bias=False), at + "norm1")
        up = self.linear(x, at + "mlp.fc11", inner, bias=False)
        gate = torch.nn.functional.silu(self.linear(x, at + "mlp.fc12", inner, bias=False))
        return self.norm(x + self.linear(up * gate, at + "mlp.fc2", width, bias=False), at + "norm2")

    def hidden(self, ids, types):
        width = self.c["n_embd"]
        x = self.t("embeddings.word_embeddings.weight", VOCAB, width)[ids]
        x = x + self.t("embeddings.token_type_embeddings.weight", 2, width)[types]
        x = self.norm(x, "emb_ln")
        for i in range(self.c["n_layer"]):
            x = self.layer(x, "encoder.layers.%d." % i)
        return x


def nomic():
    config = {
        "activation_function": "swiglu",
        "architectures": ["NomicBertModel"],
        "causal": False,
        "dense_seq_output": True,
        "fused_bias_fc": True,
        "fused_dropout_add_ln": True,
        "layer_norm_epsilon": 1e-12,
        "max_trained_positions": 48,
        "mlp_fc1_bias": False,
        "mlp_fc2_bias": False,
        "model_type": "nomic_bert",
        "n_embd": 24,
        "n_head": 3,
        "n_inner": 40,
        "n_layer": 3,
        "n_positions": 192,
        "pad_vocab_size_multiple": 64,
        "parallel_block": False,
        "prenorm": False,
        "qkv_proj_bias": False,
        "rotary_emb_base": 100,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "rotary_scaling_factor": 2,
        "scale_attn_weights": True,
        "type_vocab_size": 2,
        "use_flash_attn": True,
        "use_rms_norm": False,
        "vocab_size": VOCAB,
    }
    folder = Folder("nomic", config)
    network = Nomic(folder, "")
    network.c = {**config, "rope_theta": config["rotary_emb_base"], "layer_norm_eps": config["layer_norm_epsilon"]}
    for n in LENGTHS:
        ids, types = token_ids("nomic", n), [int(k >= n // 2) for k in range(n)]
        hidden = network.hidden(torch.tensor(ids), torch.tensor(types))
        folder.add_case("NomicBertModel", ids, types, {"hidden": hidden})
    folder.save()


MAKERS = {
    "nomic": nomic,
    "buckets": buckets,
    "xlm-roberta": xlm_roberta,
    "electra": electra,
    "albert": albert,
    "ernie": ernie,
    "mpnet": mpnet,
    "modernbert": lambda: modernbert("modernbert"),
    "modernbert-mean": lambda: modernbert(
        "modernbert-mean", classifier_pooling="mean", classifier_bias=True, attention_bias=True, mlp_bias=True
    ),
    "gte": lambda: gte("gte"),
    "gte-types": lambda: gte("gte-types", rope_scaling=None, type_vocab_size=2),
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for wanted in sys.argv[1:] or MAKERS:
        MAKERS[wanted]()
