#!/usr/bin/env python3
"""Fine-tunes any Hugging Face BERT folder on your own rows: classes of texts, or tags of tokens.

    python3 tools/train/train_bert.py --data ROWS.jsonl --init examples/models/shop-encoder --work W --out MY-MODEL
        rows {"text": "...", "label": "..."}: a BertForSequenceClassification for llmcs_classify
    python3 tools/train/train_bert.py --data ROWS.jsonl --init examples/models/shop-encoder --work W --out MY-TAGS --tags
        rows {"text": "...", "spans": [{"kind": "name", "begin": 3, "end": 8}]}, offsets in characters:
        a BertForTokenClassification with the labels O, B-kind, I-kind for llmcs_tag

A tenth of the rows, chosen by the hash of their text, is held out and scored. --data may be given several times. --resume
goes on after an interruption. The folder gets a card (README.md) with the figures. Needs numpy and PyTorch.
"""
import argparse
import os
import random
import shutil
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import common
from common import log
from bert import Bert, Dropout, length_batches, no_dropout, pad
from rows import is_held_out, read_jsonl
from wordpiece import WordPiece

TOKENIZER_FILES = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")


def data_files(paths):
    """The files named, and of a folder every JSON Lines file in it."""
    out = []
    for path in paths:
        inside = sorted(n for n in os.listdir(path) if n.endswith((".jsonl", ".jsonl.gz"))) if os.path.isdir(path) else None
        out += [path] if inside is None else [os.path.join(path, n) for n in inside]
    return out


class Rows:
    """Encoded rows: ids, and per row a class, or per token one. `labels` are the classes' names."""

    def __init__(self, args, tokenizer):
        read = [r for path in data_files(args.data) for r in read_jsonl(path)]
        rows, seen = [], set()
        for r in read:
            if r[args.text_field] not in seen:
                seen.add(r[args.text_field])
                rows.append(r)
        if args.tags:
            kinds = sorted({s["kind"] for r in rows for s in r["spans"]})
            self.labels = ["O"] + [f"{mark}-{kind}" for kind in kinds for mark in "BI"]
        else:
            self.labels = sorted({str(r[args.label_field]) for r in rows})
        number = {label: i for i, label in enumerate(self.labels)}
        self.ids, self.wanted = [], []
        for r in rows:
            text = r[args.text_field]
            ids = np.array(tokenizer.encode(text, args.max_length), dtype="int64")
            self.ids.append(ids)
            self.wanted.append(self._tags(tokenizer, text, r["spans"], len(ids), number) if args.tags else number[str(r[args.label_field])])
        held = [is_held_out({"text": r[args.text_field]}) for r in rows]
        self.train = [i for i, h in enumerate(held) if not h]
        self.held_out = [i for i, h in enumerate(held) if h]
        self.lengths = [len(x) for x in self.ids]

    @staticmethod
    def _tags(tokenizer, text, spans, n_ids, number):
        out = np.zeros(n_ids, dtype="int64")
        offsets = tokenizer.offsets(text, n_ids)
        for span in spans:
            mark = "B-"
            for t, (begin, end) in enumerate(offsets):
                if begin < span["end"] and end > span["begin"]:
                    out[t] = number[mark + span["kind"]]
                    mark = "I-"
        out[0] = out[-1] = -100
        return out


def new_model(args, n_labels):
    config, tensors = common.load_hf_folder(args.init)
    if not any(name.startswith("bert.") for name in tensors):      # a bare BertModel
        tensors = {"bert." + name: x for name, x in tensors.items()}
    tensors = {name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): x for name, x in tensors.items()}
    config.setdefault("layer_norm_eps", 1e-12)
    config["architectures"] = ["BertForTokenClassification" if args.tags else "BertForSequenceClassification"]
    model = Bert(config, n_labels, tags=args.tags)
    if "classifier.weight" in tensors and tensors["classifier.weight"].shape[0] != n_labels or args.tags:
        tensors = {name: x for name, x in tensors.items() if not name.startswith("classifier.")}
    fresh = common.copy_into(model.exported(), tensors, optional=("bert.pooler.", "classifier."))
    if fresh:
        log("new, not in the starting folder:", ", ".join(fresh))
    return model


def logits_of(args, model, ids, pad_id, drop=no_dropout):
    states = model.states(ids, ids != pad_id, drop)
    return model.classifier(drop(states)) if args.tags else model.pooled_logits(states, drop)


def loss_of(args, model, rows, batch, pad_id, drop):
    logits = logits_of(args, model, pad([rows.ids[i] for i in batch], pad_id, "int64"), pad_id, drop)
    if args.tags:
        return F.cross_entropy(logits.transpose(1, 2), pad([rows.wanted[i] for i in batch], -100, "int64"))
    return F.cross_entropy(logits, torch.tensor([rows.wanted[i] for i in batch]), label_smoothing=args.smoothing)


def spans_of(tags, labels):
    """{(begin, end, kind)} in tokens. A new kind or a B- begins a new span."""
    out, begin, kind = set(), 0, None
    for t, tag in enumerate(list(tags) + [0]):
        name = labels[tag] if tag > 0 else "O"
        if kind and (name == "O" or name[:2] == "B-" or name[2:] != kind):
            out.add((begin, t, kind))
            kind = None
        if name != "O" and kind is None:
            begin, kind = t, name[2:]
    return out


@torch.no_grad()
def score(args, model, rows, pad_id):
    """{"rows", "accuracy"} of the held-out rows, or {"rows", "precision", "recall", "f1"} of whole spans."""
    right = found = true = 0
    for batch in length_batches(rows.lengths, rows.held_out, 16384, random.Random(0)):
        best = logits_of(args, model, pad([rows.ids[i] for i in batch], pad_id, "int64"), pad_id).argmax(-1).numpy()
        for guess, i in zip(best, batch):
            if args.tags:
                a, b = spans_of(guess[1:rows.lengths[i] - 1], rows.labels), spans_of(rows.wanted[i][1:-1], rows.labels)
                right, found, true = right + len(a & b), found + len(a), true + len(b)
            else:
                right += int(guess == rows.wanted[i])
    n = max(1, len(rows.held_out))
    if not args.tags:
        return {"rows": len(rows.held_out), "accuracy": round(right / n, 4)}
    precision, recall = right / max(1, found), right / max(1, true)
    return {"rows": len(rows.held_out), "precision": round(precision, 4), "recall": round(recall, 4), "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4)}


def train(args, model, rows, pad_id):
    optimizer = common.adamw(model, args.lr, args.weight_decay)
    checkpoint = os.path.join(args.work, "finetune.checkpoint")
    average = {name: p.detach().clone() for name, p in model.exported().items()}

    def plan(epoch):
        return length_batches(rows.lengths, rows.train, args.batch_tokens, random.Random(args.seed * 1000 + epoch))

    sizes = [len(plan(epoch)) for epoch in range(args.epochs)]
    total, done, step = sum(sizes), 0, 0
    if args.resume and os.path.exists(checkpoint):
        done, extra = common.load_checkpoint(checkpoint, model, optimizer)
        average = extra["average"]
        log(f"going on after step {done}")
    progress, drop = common.Progress(total, every=args.every), Dropout(args.dropout)
    for epoch in range(args.epochs):
        for batch in plan(epoch):
            step += 1
            if step <= done:
                continue
            loss = loss_of(args, model, rows, batch, pad_id, drop)
            lr = common.learning_rate(step - 1, total, max(1, int(total * 0.06)), args.lr, floor=0.02)
            common.set_learning_rate(optimizer, lr)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if step % 4 == 0:
                memory = min(args.average, 1 - 1 / (1 + step / 4))
                with torch.no_grad():
                    for name, p in model.exported().items():
                        average[name].mul_(memory).add_(p, alpha=1 - memory)
            progress.update(step, float(loss.detach()), sum(rows.lengths[i] for i in batch), lr)
            if step % args.checkpoint_every == 0 or step in (args.stop_at, total):
                common.save_checkpoint(checkpoint, model, optimizer, step, average=average)
            if step == args.stop_at:
                sys.exit(f"stopped after step {step}; --resume goes on from here")
        if step > done:
            log(f"epoch {epoch + 1} of {args.epochs}, held out {score(args, model, rows, pad_id)}")
    return average


def export(args, model, rows, average, pad_id):
    """The averaged weights, the tokenizer and a card; scored as written, that is, after rounding to 16 bits."""
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "model.safetensors")
    common.save_safetensors(path, average, args.dtype)
    config = dict(model.config, torch_dtype=common.TORCH_DTYPES[args.dtype],
                  id2label={str(i): label for i, label in enumerate(rows.labels)}, label2id={label: i for i, label in enumerate(rows.labels)})
    common.write_json(os.path.join(args.out, "config.json"), config)
    for name in TOKENIZER_FILES:
        if os.path.exists(os.path.join(args.init, name)):
            shutil.copyfile(os.path.join(args.init, name), os.path.join(args.out, name))
    common.copy_into(model.exported(), common.load_safetensors(path))
    figures = score(args, model, rows, pad_id)
    log("held out, as written:", figures)
    common.write_json(os.path.join(args.work, "figures.json"), figures)
    with open(os.path.join(args.out, "README.md"), "w", encoding="utf-8") as f:
        f.write(f"# {os.path.basename(os.path.abspath(args.out))}\n\n{config['architectures'][0]}, fine-tuned by tools/train/train_bert.py from "
                f"{os.path.basename(os.path.abspath(args.init))}.\n\n* Rows: {len(rows.train)} to train on, {len(rows.held_out)} held out by the hash of their text.\n"
                f"* Labels: {', '.join(rows.labels)}.\n* Held out: " + ", ".join(f"{k} {v}" for k, v in figures.items()) + ".\n"
                f"* {args.epochs} epochs, peak rate {args.lr}, seed {args.seed}.\n\nAdd here: where the rows come from, their licence, and what the model must not be used for.\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a = parser.add_argument
    a("--data", required=True, action="append", help="JSON Lines file, gzip or plain, or a folder of them; may be given several times")
    a("--init", required=True, help="Hugging Face BERT folder to start from; its vocabulary is kept")
    a("--work", required=True, help="folder for checkpoints")
    a("--out", required=True, help="Hugging Face folder to write")
    a("--tags", action="store_true", help="tag tokens from the rows' spans")
    a("--text-field", default="text")
    a("--label-field", default="label")
    a("--resume", action="store_true", help="go on from the checkpoint in --work")
    a("--epochs", type=int, default=4)
    a("--lr", type=float, default=2e-4)
    a("--batch-tokens", type=int, default=2048)
    a("--max-length", type=int, default=256, help="maximum tokens per row")
    a("--dropout", type=float, default=0.1)
    a("--smoothing", type=float, default=0.05, help="label smoothing of classes")
    a("--weight-decay", type=float, default=0.01)
    a("--average", type=float, default=0.98, help="memory of the moving average, updated every fourth step")
    a("--checkpoint-every", type=int, default=200)
    a("--stop-at", type=int, help="stop after this step, as if interrupted")
    a("--every", type=int, default=50, help="steps between two lines of progress")
    a("--dtype", choices=("F16", "BF16", "F32"), default="F16")
    a("--threads", type=int, default=len(os.sched_getaffinity(0)))
    a("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    args = parse_arguments()
    os.makedirs(args.work, exist_ok=True)
    common.set_up(args.seed, args.threads)
    tokenizer = WordPiece.from_folder(args.init)
    rows = Rows(args, tokenizer)
    model = new_model(args, len(rows.labels))
    log(f"{len(rows.train):,} rows to train on, {len(rows.held_out):,} held out, {len(rows.labels)} labels, {sum(p.numel() for p in model.exported().values()):,} parameters")
    average = train(args, model, rows, tokenizer.pad)
    export(args, model, rows, average, tokenizer.pad)


if __name__ == "__main__":
    main()
