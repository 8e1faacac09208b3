"""Makes the folders of this directory and expected.json: what sentence-transformers computes with them.

    python3 tests/data/sentence/make.py        (transformers 4.51.3, sentence-transformers 5.1.2, torch)

network/: a BERT of random weights. modules/NAME/: what a folder has beside it. The test puts both into one folder.
reranker/: a cross-encoder of one label. Numbers come from a generator of our own, so that they can be made again.
"""

import json
import pathlib
import shutil
import tempfile

import numpy
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer, models
from transformers import BertConfig, BertForSequenceClassification, BertModel

HERE = pathlib.Path(__file__).parent
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "shop", "good", "bad", "query", "document", ":", "a", "b",
         "c", "d", "##s", "##ping", "price", "of", "green", "tea", "!"]
SIZES = dict(vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
             max_position_embeddings=32, pad_token_id=0)
TEXTS = ["the shop", "good bad shopping", "", "  price of green tea !  ", "a b c d a b c d the good shops"]
PROMPTS = {"query": "query: ", "document": "document: the ", "none": ""}


def fill(module, seed):
    """Random weights; norms around 1."""
    random = numpy.random.default_rng(seed)
    for name, p in module.named_parameters():
        values = random.normal(0, 0.4, p.shape)
        if "norm" in name.lower() and name.endswith("weight"):
            values = 1 + values / 2
        p.data = torch.tensor(values, dtype=torch.float32)


def save_network(network, folder):
    folder.mkdir(parents=True)
    network.save_pretrained(folder, safe_serialization=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 32}) + "\n"
    )


def pooling(**modes):
    return models.Pooling(16, **{"pooling_mode_mean_tokens": False, **modes})


def dense(n_in, n_out, activation, bias=True):
    return models.Dense(n_in, n_out, bias=bias, activation_function=activation)


ALL_BUT_CLS = {
    "pooling_mode_" + mode: True
    for mode in ("max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
}
FOLDERS = {
    "mean": dict(modules=[pooling(pooling_mode_mean_tokens=True)], prompts=PROMPTS),
    "all_modes": dict(
        modules=[
            pooling(pooling_mode_cls_token=True, **ALL_BUT_CLS),
            models.Normalize(),
        ],
        prompts=PROMPTS,
    ),
    "without_prompt": dict(
        modules=[
            pooling(include_prompt=False, **ALL_BUT_CLS),
        ],
        prompts=PROMPTS,
        default_prompt_name="document",
    ),
    "two_dense": dict(
        modules=[
            pooling(pooling_mode_mean_tokens=True),
            dense(16, 40, torch.nn.Tanh()),
            dense(40, 8, torch.nn.Identity(), bias=False),
            models.Normalize(),
        ],
        prompts=PROMPTS,
        default_prompt_name="query",
        similarity_fn_name="dot",
    ),
    "any_order": dict(
        modules=[
            pooling(pooling_mode_lasttoken=True),
            models.LayerNorm(16),
            models.Normalize(),
            dense(16, 12, torch.nn.GELU()),
            models.Normalize(),
            models.LayerNorm(12),
        ],
        prompts={},
    ),
    "activations": dict(
        modules=[
            pooling(pooling_mode_weightedmean_tokens=True),
            models.Dropout(0.3),
            dense(16, 16, torch.nn.SiLU()),
            dense(16, 16, torch.nn.ReLU()),
            dense(16, 9, torch.nn.Sigmoid()),
        ],
        prompts={},
        max_seq_length=6,
    ),
}


def make_folder(name, spec, network):
    """The folder that the test puts together, as sentence-transformers saves it."""
    whole = pathlib.Path(tempfile.mkdtemp())
    transformer = models.Transformer(str(network), max_seq_length=spec.get("max_seq_length"))
    for i, module in enumerate(spec["modules"]):
        fill(module, 100 + i)
    settings = {k: spec[k] for k in ("prompts", "default_prompt_name", "similarity_fn_name") if k in spec}
    SentenceTransformer(modules=[transformer, *spec["modules"]], device="cpu", **settings).save(
        str(whole), create_model_card=False
    )
    target = HERE / "modules" / name
    for path in sorted(whole.rglob("*")):
        inner = path.relative_to(whole)
        beside = inner.parts[0] in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")
        if path.is_file() and (beside or len(inner.parts) > 1):
            (target / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / inner)
    return whole


def calls(spec):
    yield {}
    yield {"normalize_embeddings": True}
    yield {"truncate_dim": 5}
    yield {"truncate_dim": 5, "normalize_embeddings": True}
    yield {"prompt": "a good "}
    for name in spec["prompts"]:
        yield {"prompt_name": name}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for folder in ("network", "modules", "reranker"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    bert = BertModel(BertConfig(**SIZES))
    fill(bert, 1)
    save_network(bert, HERE / "network")
    expected = {"embed": [], "rerank": []}
    for name, spec in FOLDERS.items():
        model = SentenceTransformer(str(make_folder(name, spec, HERE / "network")), device="cpu")
        for text in TEXTS:
            for how in calls(spec):
                vector = [float("%.7g" % x) for x in model.encode(text, show_progress_bar=False, **how)]
                expected["embed"].append({"folder": name, "text": text, **how, "vector": vector})
    reranker = BertForSequenceClassification(BertConfig(num_labels=1, **SIZES))
    fill(reranker, 2)
    save_network(reranker, HERE / "reranker")
    config = json.loads((HERE / "reranker" / "config.json").read_text())
    for settings in (
        {},
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "5.1.2"}},
        {"sbert_ce_default_activation_function": "torch.nn.modules.activation.Tanh"},
        {"sentence_transformers": {"version": "5.1.2"}},
    ):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(HERE / "reranker", folder, dirs_exist_ok=True)
            (pathlib.Path(folder) / "config.json").write_text(json.dumps({**config, **settings}))
            model = CrossEncoder(folder, device="cpu")
            for text in TEXTS:
                score = float(model.predict([("good shop", text)], show_progress_bar=False)[0])
                expected["rerank"].append({"settings": settings, "query": "good shop", "text": text, "score": score})
    rows = {k: "[\n" + ",\n".join(json.dumps(row) for row in v) + "\n]" for k, v in expected.items()}
    (HERE / "expected.json").write_text("{" + ",\n".join('"%s": %s' % kv for kv in rows.items()) + "}\n")


if __name__ == "__main__":
    main()
