"""Writes small random BART, mBART, T5 and mT5 classifiers in this folder, what Transformers 4.51 computes on them, and zero-shot
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
        p.data = torch.randn(p.shape, generator=g) * (spread if p.dim() == 2 and "relative" not in name else 0.5)
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
        if model.base_model_prefix == "transformer":  # T5Model does not make its decoder's ids itself
            ids = torch.tensor([row])
            inner = model.transformer(input_ids=ids, decoder_input_ids=model._shift_right(ids))
        else:
            inner = model.model(input_ids=torch.tensor([row]))
        tensors[case["hidden"]] = inner.last_hidden_state[0].contiguous().clone()
        cases.append(case)
    save_file(tensors, os.path.join(path, "expected.safetensors"))
    with open(os.path.join(path, "cases.json"), "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


def sources(vocab, seed, ends, start=(0,), eos=2, pad=1):
    """Sources that cross a block of 32 tokens; with one eos, two, none at the end."""
    g = torch.Generator().manual_seed(seed)
    start = list(start)

    def some(n):
        return torch.randint(4, vocab - 1, (n,), generator=g).tolist()

    return [start + some(5) + ends, start + some(40) + [eos, eos] + some(9) + ends, start + some(6) + [eos] + some(30),
            [eos] + ends, start + some(3) + ends + [pad, pad]]


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
    t5 = dict(d_model=24, d_kv=7, d_ff=40, num_layers=3, num_decoder_layers=2, num_heads=4,
              relative_attention_num_buckets=8, relative_attention_max_distance=20, decoder_start_token_id=0)
    write_logits("t5-cls", randomize(tf.T5ForSequenceClassification(tf.T5Config(
        vocab_size=89, **LABELS, feed_forward_proj="relu", **t5)), 27), sources(89, 29, [1], (), 1, 0))
    write_logits("mt5-cls", randomize(tf.MT5ForSequenceClassification(tf.MT5Config(
        vocab_size=83, **LABELS, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
        **{**t5, "num_layers": 1, "num_decoder_layers": 3, "decoder_start_token_id": 3})), 28),
        sources(83, 30, [1], (), 1, 0))
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
    n_t5 = len(tf.AutoTokenizer.from_pretrained(os.path.join(DATA, "sentencepiece", "t5")))
    t5 = randomize(tf.T5ForSequenceClassification(tf.T5Config(
        vocab_size=n_t5, **LABELS, feed_forward_proj="gated-gelu", **{**t5, "d_model": 12})), 31, 0.6)
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        for name, tokenizer, model in (("bart", "tiny-roberta", bart), ("bert", "tiny-bert-uncased", bert),
                                       ("t5", "../sentencepiece/t5", t5)):
            for case in write_zero_shot(folder, name, tokenizer, model):
                f.write(json.dumps(case, ensure_ascii=False) + "\n")
