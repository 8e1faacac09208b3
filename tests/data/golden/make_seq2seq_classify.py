"""Writes small random BART and mBART classifiers in this folder, what Transformers 4.51 computes on them, and zero-shot
scores of ZeroShotClassificationPipeline in ../zero-shot. Deterministic.

usage: python make_seq2seq_classify.py        with torch and transformers 4.51.3 installed
"""

import json
import os
import shutil

import torch
import transformers as tf
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.dirname(HERE)
LABELS = {"id2label": {0: "contradiction", 1: "neutral", 2: "entailment"},
          "label2id": {"contradiction": 0, "neutral": 1, "entailment": 2}}
SIZES = dict(d_model=24, encoder_layers=1, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=3,
             encoder_ffn_dim=40, decoder_ffn_dim=56, max_position_embeddings=96, attn_implementation="eager")


def randomize(model, seed, spread=0.3):
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        p.data = torch.randn(p.shape, generator=g) * (spread if p.dim() == 2 else 0.5)
        if name.endswith("norm.weight") or name.endswith("LayerNorm.weight"):
            p.data += 1
    return model.eval()


def write_logits(name, model, rows):
    """rows: token ids of sources, each with an eos."""
    path, cases, tensors = os.path.join(HERE, name), [], {}
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path)
    for row in rows:
        out = model(input_ids=torch.tensor([row]), output_hidden_states=True)
        case = {"kind": "classify", "input_ids": row, "logits": "logits.%d" % len(cases), "hidden": "hidden.%d" % len(cases)}
        case["probabilities"] = out.logits[0].softmax(0).tolist()
        tensors[case["logits"]] = out.logits[0].contiguous().clone()
        tensors[case["hidden"]] = model.model(input_ids=torch.tensor([row])).last_hidden_state[0].contiguous().clone()
        cases.append(case)
    save_file(tensors, os.path.join(path, "expected.safetensors"))
    with open(os.path.join(path, "cases.json"), "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


def sources(vocab, seed, ends):
    """Sources that cross a block of 32 tokens; with one eos, two, none at the end."""
    g = torch.Generator().manual_seed(seed)

    def some(n):
        return torch.randint(4, vocab - 1, (n,), generator=g).tolist()

    return [[0] + some(5) + ends, [0] + some(40) + [2, 2] + some(9) + ends, [0] + some(6) + [2] + some(30), [2] + ends,
            [0] + some(3) + ends + [1, 1]]


TEXTS = ["The zip broke after two days.", "质量很好，穿着舒服", "When does the next train to Berlin leave?", "x " * 150]
CASES = [(["travel", "cooking", "quality"], "This example is {}.", False), (["good", "bad"], "It is {}!", True),
         (["refund"], "This example is {}.", False), (["a", "b", "c", "d", "e"], "{}", False)]


def write_zero_shot(folder, name, tokenizer, model):
    path = os.path.join(folder, name)
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path)
    t = tf.AutoTokenizer.from_pretrained(os.path.join(DATA, "tokenizers", tokenizer), model_max_length=80)
    pipe = tf.ZeroShotClassificationPipeline(model=model, tokenizer=t)
    for text in TEXTS:
        for labels, hypothesis, multi in CASES:
            out = pipe(text, candidate_labels=labels, hypothesis_template=hypothesis, multi_label=multi)
            scores = [out["scores"][out["labels"].index(label)] for label in labels]
            yield {"model": name, "tokenizer": tokenizer, "text": text, "labels": labels, "hypothesis": hypothesis,
                   "multi_label": multi, "scores": scores}


torch.manual_seed(0)
with torch.no_grad():
    write_logits("bart-cls", randomize(tf.BartForSequenceClassification(tf.BartConfig(
        vocab_size=97, **LABELS, activation_function="gelu_new", **SIZES)), 21), sources(97, 23, [2]))
    write_logits("mbart-cls", randomize(tf.MBartForSequenceClassification(tf.MBartConfig(
        vocab_size=91, **LABELS, scale_embedding=True,
        **{**SIZES, "encoder_layers": 2, "decoder_layers": 1})), 22), sources(91, 24, [2, 88]))
    folder = os.path.join(DATA, "zero-shot")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(DATA, "tokenizers", "tiny-roberta", "vocab.json"), encoding="utf-8") as f:
        n_roberta = len(json.load(f))
    with open(os.path.join(DATA, "tokenizers", "tiny-bert-uncased", "vocab.txt"), encoding="utf-8") as f:
        n_bert = sum(1 for line in f)
    bart = randomize(tf.BartForSequenceClassification(tf.BartConfig(
        vocab_size=n_roberta, **LABELS, **{**SIZES, "d_model": 12})), 25, 0.9)
    bert = randomize(tf.BertForSequenceClassification(tf.BertConfig(
        vocab_size=n_bert, hidden_size=12, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
        max_position_embeddings=96, id2label={0: "ENTAILMENT", 1: "not_entailment"},
        label2id={"ENTAILMENT": 0, "not_entailment": 1})), 26, 0.9)
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        for name, tokenizer, model in (("bart", "tiny-roberta", bart), ("bert", "tiny-bert-uncased", bert)):
            for case in write_zero_shot(folder, name, tokenizer, model):
                f.write(json.dumps(case, ensure_ascii=False) + "\n")
