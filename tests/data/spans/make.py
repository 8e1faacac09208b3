"""Tiny checkpoints with random weights for token classification and question answering, and what Transformers'
pipelines find with them.

usage: make.py        writes the folders and cases.jsonl next to it; needs transformers 4.51 (4.x: version 5 has no
                      question-answering pipeline) and torch

A folder is config.json and model.safetensors (float16, and the pipelines use the rounded weights); its tokenizer is the
folder of tests/data/tokenizers that "tokenizer" names in cases.jsonl. Offsets are bytes of UTF-8.
"""

import json
import os
import sys
import warnings

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForTokenClassification,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForQuestionAnswering,
    DistilBertForTokenClassification,
    DistilBertTokenizerFast,
    QuestionAnsweringPipeline,
    RobertaConfig,
    RobertaForQuestionAnswering,
    RobertaForTokenClassification,
    RobertaTokenizerFast,
    TokenClassificationPipeline,
)

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZERS = os.path.join(HERE, "..", "tokenizers")
N_CTX = 64
# "LOC" continues like "I-LOC", and a group's name is what follows the first "-".
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "LOC", "MISC-X"]
SIZES = {"bert": (32, 2), "distilbert": (48, 1), "roberta": (32, 2)}  # width, layers
MODELS = [
    # folder, tokenizer, class of the tokenizer, config, model
    ("bert-tags", "tiny-bert-cased", BertTokenizerFast, BertConfig, BertForTokenClassification),
    ("distilbert-tags", "tiny-bert-uncased", DistilBertTokenizerFast, DistilBertConfig, DistilBertForTokenClassification),
    ("roberta-tags", "tiny-roberta", RobertaTokenizerFast, RobertaConfig, RobertaForTokenClassification),
    ("bert-answers", "tiny-bert-uncased", BertTokenizerFast, BertConfig, BertForQuestionAnswering),
    ("distilbert-answers", "tiny-bert-cased", DistilBertTokenizerFast, DistilBertConfig, DistilBertForQuestionAnswering),
    ("roberta-answers", "tiny-roberta", RobertaTokenizerFast, RobertaConfig, RobertaForQuestionAnswering),
]

TEXTS = [
    "Anna ordered a red dress from the warehouse in Berlin.",
    "您好,请问我的订单什么时候发货?",
    "我上周买了一条红色的连衣裙, order #12345, 到现在还没有收到。",
    "Don't buy this phone! It's slow; the battery's gone after 2-3 days 😀👍🏽.",
    "caf\u00e9 cafe\u0301 na\u00efve \u0130stanbul stra\u00dfe \ufb01ne \u2460\u00bd",
    "  leading,\ttabs\nand   trailing spaces  ",
    "unbelievably-internationalisation 12345678901234567890",
    "x",
    "\u200b\ufeff",
    "",
    "a😊b 中文mixed文字without空格 한국어 ภาษาไทย",
]
LONG = (
    "Where is my order? I ordered a red dress last week and it has not arrived yet. Your parcel left our warehouse this "
    "morning and should arrive tomorrow before noon. 您好,请问我的订单什么时候发货?我上周买了一条红色的连衣裙。 The shoes are too "
    "small 😀, can I return them and order a larger size? Yes, within thirty days."
)
QUESTIONS = ["Where is my order 😊?", "谁买了红色的连衣裙?"]


def fill(model, seed):
    """Random weights that float16 holds, large enough for answers that differ."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "LayerNorm.weight" in name or "layer_norm.weight" in name:
                p.copy_(1 + 0.2 * noise)
            elif p.dim() == 1:
                p.copy_(0.2 * noise)
            elif "embeddings" in name:
                p.copy_(noise)
            elif name.startswith(("classifier", "qa_outputs")):
                p.copy_(0.6 * noise)
            else:
                p.copy_(noise * 1.5 / p.shape[1] ** 0.5)
            p.copy_(p.half().float())


def make_model(folder, tokenizer, config_class, model_class, seed):
    family = folder.split("-")[0]
    width, layers = SIZES[family]
    labels = {"id2label": dict(enumerate(LABELS)), "label2id": {l: i for i, l in enumerate(LABELS)}}
    labels = labels if folder.endswith("tags") else {}
    if family == "distilbert":
        config = config_class(vocab_size=len(tokenizer), max_position_embeddings=N_CTX, dim=width, n_layers=layers,
                              n_heads=4, hidden_dim=2 * width, **labels)
    else:
        pad = tokenizer.pad_token_id
        config = config_class(vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=layers,
                              num_attention_heads=4, intermediate_size=2 * width, pad_token_id=pad,
                              max_position_embeddings=N_CTX + (pad + 1 if family == "roberta" else 0),
                              type_vocab_size=1 if family == "roberta" else 2, **labels)
    model = model_class(config).eval()
    fill(model, seed)
    if labels:
        balance(model, tokenizer)
    config.architectures = [model_class.__name__]
    path = os.path.join(HERE, folder)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "config.json"), "w") as f:
        f.write(json.dumps(json.loads(config.to_json_string()), indent=1, ensure_ascii=False) + "\n")
    save_file({n: p.detach().half().contiguous() for n, p in model.named_parameters()},
              os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    return model


def balance(model, tokenizer):
    """Sets the biases of a tagger so that no label is more frequent than others."""
    with torch.no_grad():
        model.classifier.bias.zero_()
        logits = torch.cat([model(**tokenizer(t, return_tensors="pt")).logits[0] for t in TEXTS])
        model.classifier.bias.copy_((-logits.mean(dim=0)).half().float())


def byte_at(text, character):
    return len(text[:character].encode())


def spans_of(text, found):
    return [
        [e.get("entity_group", e.get("entity")), round(float(e["score"]), 7), byte_at(text, e["start"]), byte_at(text, e["end"])]
        for e in found
    ]


def tag_cases(model, tokenizer):
    pipe = TokenClassificationPipeline(model=model, tokenizer=tokenizer, framework="pt", device=-1)
    for aggregation in ("none", "simple", "first", "max", "average"):
        for text in TEXTS:
            found = pipe(text, aggregation_strategy=aggregation)
            yield {"text": text, "aggregation": aggregation, "spans": spans_of(text, found)}
        for stride in (0, 5, 30) if aggregation != "none" else ():
            found = pipe(LONG, aggregation_strategy=aggregation, stride=stride)
            yield {"text": LONG, "aggregation": aggregation, "stride": stride, "spans": spans_of(LONG, found)}
        yield {"text": LONG, "aggregation": aggregation, "spans": spans_of(LONG, pipe(LONG, aggregation_strategy=aggregation))}


def answer_cases(model, tokenizer):
    pipe = QuestionAnsweringPipeline(model=model, tokenizer=tokenizer, framework="pt", device=-1)
    settings = [
        {},
        {"handle_impossible_answer": True},
        {"top_k": 3, "max_answer_len": 4},
        {"top_k": 5, "align_to_words": False, "handle_impossible_answer": True},
        {"max_answer_len": 1},
        {"max_seq_len": 48, "doc_stride": 7, "top_k": 4},
        {"max_seq_len": 56, "doc_stride": 0},
    ]
    for question in QUESTIONS:
        for context in [t for t in TEXTS if t] + [LONG]:
            for s in settings:
                found = pipe(question=question, context=context, **s)
                found = found if isinstance(found, list) else [found]
                # Where there are not top_k spans, the pipeline fills up with impossible ones of probability 0.
                found = [a for i, a in enumerate(found) if i == 0 or a["score"] > 0]
                answers = [[round(float(a["score"]), 7), byte_at(context, a["start"]), byte_at(context, a["end"])] for a in found]
                yield {"question": question, "context": context, **s, "answers": answers}


def main():
    warnings.filterwarnings("ignore")
    with open(os.path.join(HERE, "cases.jsonl"), "w") as out:
        for seed, (folder, base, tokenizer_class, config_class, model_class) in enumerate(MODELS):
            tokenizer = tokenizer_class.from_pretrained(os.path.join(TOKENIZERS, base), model_max_length=N_CTX)
            model = make_model(folder, tokenizer, config_class, model_class, seed + 1)
            cases = tag_cases if folder.endswith("tags") else answer_cases
            n = 0
            for case in cases(model, tokenizer):
                out.write(json.dumps({"model": folder, "tokenizer": base, **case}, ensure_ascii=False) + "\n")
                n += 1
            print("%s: %d cases" % (folder, n), file=sys.stderr)


if __name__ == "__main__":
    main()
