#!/usr/bin/env python3
"""Trains shop-reader: what a customer's message means, given the turn before it.

    python3 tools/train/train_reader.py --from examples/models/shop-encoder --shop examples/shop --out build/shop-reader
    llmcs quantize build/shop-reader shop-reader.gguf

The model is a BertForSequenceClassification that starts from the shop's encoder. Its input is the pair (message, context);
the context is the kind of the desk's last reply and the message it replied to, as the desk writes it ("entry shipping
abroad: do you ship to singapore?"), or nothing. Its labels are kinds of reply (flow:INTENT, entry:ID, abstain, smalltalk,
ask) and, as a second group with a softmax of their own, dialogue acts (act:follow, ...). A row may have several right kinds:
the loss is minus the logarithm of their summed probability.

Rows of --shop: desk-talks-train.*.jsonl turn by turn, desk-questions-tune.*.jsonl, the questions of faq.*.jsonl, intents.*.jsonl
("oos" is abstain). Rows that have no turn before them are seen half of the time with that of another row, so that a message
that stands alone keeps its meaning. desk-talks-tune.*.jsonl is scored after each epoch and gives the temperature by which
the labels' logits are divided in the end; it is not trained on."""
import argparse
import glob
import os
import random
import time

import torch
import torch.nn.functional as F

import bert
from common import adamw, copy_into, learning_rate, log, read_json, set_learning_rate, set_up, write_json
from rows import read_jsonl
from tensor_files import load_safetensors, save_safetensors
from wordpiece import WordPiece

LANGUAGES = ("en", "zh")
MOST_MESSAGE, MOST_CONTEXT = 72, 40  # tokens
ACTS = ("ask", "follow", "answer", "yes", "no", "ack", "stop", "remark", "repair")


def context_of(kind, text):
    """What the desk writes of its last turn (lib/shop/desk/reader.c)."""
    return kind.replace(":", " ").replace("-", " ").replace("_", " ") + ": " + text


class Reader(bert.Bert):
    """Bert over pairs: token type 1 from the second text on."""

    def embed_pairs(self, ids, types, drop):
        e = self.bert.embeddings
        x = e.word_embeddings(ids) + e.position_embeddings.weight[:ids.shape[1]] + e.token_type_embeddings(types)
        return drop(e.LayerNorm(x))

    def logits(self, ids, types, mask, drop=bert.no_dropout):
        self.embed_words = lambda i, d: self.embed_pairs(i, types, d)
        _, last = self.last_two(ids, mask, drop, first_only=True)
        return self.pooled_logits(last, drop)


# ---- rows

def talk_rows(paths):
    rows = []
    for path in paths:
        for talk in read_jsonl(path):
            before = None
            for turn in talk["turns"]:
                rows.append({"text": turn["text"], "right": turn["right"], "act": turn["act"],
                             "before": (before["right"], before["text"]) if before else None})
                before = turn
    return rows


def single_rows(shop):
    rows = []
    for language in LANGUAGES:
        for r in read_jsonl(os.path.join(shop, "desk-questions-tune.%s.jsonl" % language)):
            rows.append({"text": r["text"], "right": r["right"], "weight": 1.0})
        for entry in read_jsonl(os.path.join(shop, "faq.%s.jsonl" % language)):
            rows += [{"text": q, "right": ["entry:" + entry["id"]], "weight": 0.5} for q in entry["questions"]]
        for r in read_jsonl(os.path.join(shop, "intents.%s.jsonl" % language)):
            label = r["label"]
            right = ["abstain"] if label == "oos" else ["flow:" + label]
            if label in ("greeting", "thanks", "goodbye", "insult", "about_bot"):
                right.append("smalltalk")
            rows.append({"text": r["text"], "right": right, "weight": 0.3})
    return rows


class Rows:
    def __init__(self, rows, labels, tokenizer, positions):
        self.rows, self.labels = rows, {label: i for i, label in enumerate(labels)}
        self.tokenizer, self.positions = tokenizer, positions
        self.before = [r["before"] for r in rows if r.get("before")]
        for r in rows:
            r["ids"] = tokenizer.encode(r["text"], min(MOST_MESSAGE, positions))
            r["targets"] = [self.labels[k] for k in r["right"] if k in self.labels]
            r["act_target"] = self.labels.get("act:" + r.get("act", ""), -1)
        self.lengths = [len(r["ids"]) + 12 for r in rows]

    def context(self, r, rng, training):
        """The turn before. In training the desk may have replied with any right kind, with a wrong one, or with none that
        the reader knows, and a row that stands alone may follow the turn of another."""
        before = r.get("before")
        if training and not before and self.before and "act" not in r and rng.random() < 0.5:
            before = rng.choice(self.before)
        if not before:
            return ""
        if not training:
            return context_of(before[0][0], before[1])
        chance = rng.random()
        kind = "" if chance < 0.2 else rng.choice(rng.choice(self.before)[0] if chance < 0.3 else before[0])
        return context_of(kind, before[1])

    def encode(self, r, rng, training):
        context = self.context(r, rng, training)
        if not context:
            return r["ids"], [0] * len(r["ids"])
        second = self.tokenizer.encode(context, MOST_CONTEXT)[1:self.positions - len(r["ids"]) + 1]
        ids = r["ids"] + second
        if training and rng.random() < 0.3:  # misspelt, unknown: some tokens are hidden
            ids = [self.tokenizer.mask if i and rng.random() < 0.1 and t != self.tokenizer.sep else t for i, t in enumerate(ids)]
        return ids, [0] * len(r["ids"]) + [1] * len(second)

    def batch(self, members, rng, training):
        pairs = [self.encode(self.rows[i], rng, training) for i in members]
        ids = bert.pad([p[0] for p in pairs], self.tokenizer.pad, "int64")
        types = bert.pad([p[1] for p in pairs], 0, "int64")
        right = torch.zeros(len(members), len(self.labels), dtype=torch.bool)
        for n, i in enumerate(members):
            right[n, self.rows[i]["targets"]] = True
        acts = torch.tensor([self.rows[i]["act_target"] for i in members])
        weights = torch.tensor([self.rows[i].get("weight", 1.0) for i in members])
        return ids, types, ids != self.tokenizer.pad, right, acts, weights


def loss_of(logits, right, acts, weights, n_kinds):
    kinds = F.log_softmax(logits[:, :n_kinds], 1)
    known = right[:, :n_kinds].any(1)
    own = torch.where(right[:, :n_kinds], kinds, torch.full_like(kinds, -1e9)).logsumexp(1)
    smooth = 0.05
    loss = -((1 - smooth) * own + smooth * kinds.mean(1))[known] @ weights[known]
    has_act = acts >= 0
    if has_act.any():
        loss = loss + 0.5 * F.cross_entropy(logits[has_act, n_kinds:], acts[has_act] - n_kinds, reduction="sum")
    return loss / len(right)


# ---- scores

def predict(model, rows, budget=4096):
    rng = random.Random(0)
    out = [None] * len(rows.rows)
    model.eval()
    with torch.no_grad():
        for members in bert.length_batches(rows.lengths, range(len(rows.rows)), budget, rng):
            ids, types, mask, *_ = rows.batch(members, rng, False)
            for i, logits in zip(members, model.logits(ids, types, mask)):
                out[i] = logits
    model.train()
    return torch.stack(out)


def score(name, model, rows, n_kinds):
    logits = predict(model, rows)
    p = F.softmax(logits[:, :n_kinds], 1)
    best, at = p.max(1)
    ok = torch.tensor([at[i].item() in rows.rows[i]["targets"] for i in range(len(at))])
    text = "%s: %d rows, right %.3f" % (name, len(ok), ok.float().mean())
    for threshold in (0.5, 0.7, 0.9):
        sure = best >= threshold
        text += "; at %.1f %.3f of %.2f" % (threshold, ok[sure].float().mean() if sure.any() else 0, sure.float().mean())
    acts = torch.tensor([r["act_target"] for r in rows.rows])
    if (acts >= 0).any():
        text += "; acts %.3f" % (logits[acts >= 0][:, n_kinds:].argmax(1) + n_kinds == acts[acts >= 0]).float().mean()
    log(text)
    return logits, ok


def fit_temperature(logits, rows, n_kinds):
    """The temperature with the best likelihood of the right kinds."""
    def nll(t):
        kinds = F.log_softmax(logits[:, :n_kinds] / t, 1)
        return -sum(kinds[i, r["targets"]].logsumexp(0).item() for i, r in enumerate(rows) if r["targets"])
    return min((0.5 + 0.05 * k for k in range(60)), key=nll)


# ---- main

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", required=True, metavar="FOLDER", help="the encoder to start from")
    parser.add_argument("--shop", required=True, metavar="DIR", help="examples/shop or files of that form")
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", type=float, default=5, help="passes over the conversations")
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--most", type=int, default=1 << 30, help="rows of each kind, for a quick try")
    parser.add_argument("--singles", type=float, default=1, help="single rows for each row of a conversation and epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    set_up(args.seed, args.threads)
    rng = random.Random(args.seed)
    tokenizer = WordPiece.from_folder(args.start)
    files = {half: sorted(glob.glob(os.path.join(args.shop, "desk-talks-%s.*.jsonl" % half))) for half in ("train", "tune")}
    config = read_json(os.path.join(args.start, "config.json"))
    positions = config["max_position_embeddings"]
    talks = talk_rows(files["train"])[:args.most]
    singles = single_rows(args.shop)
    rng.shuffle(singles)
    del singles[args.most:]
    kinds = sorted({k for r in talks + singles for k in r["right"]} - {"handover"})
    labels = kinds + ["act:" + a for a in ACTS]
    train, other = Rows(talks, labels, tokenizer, positions), Rows(singles, labels, tokenizer, positions)
    other.before = train.before
    tests = [(os.path.basename(p), Rows(talk_rows([p])[:args.most], labels, tokenizer, positions)) for p in files["tune"]]
    log("%d turns, %d single rows, %d kinds" % (len(talks), len(singles), len(kinds)))
    model = Reader(config, len(labels))
    copy_into({n: p for n, p in model.state_dict().items() if not n.startswith(("classifier", "heads"))},
              load_safetensors(os.path.join(args.start, "model.safetensors")), optional=("bert.pooler",))
    model.bert.embeddings.word_embeddings.weight.requires_grad = True
    optimizer = adamw(model, args.lr, 0.05)
    drop = bert.Dropout(0.1)
    batches_of = lambda rows, members: [(rows, b) for b in bert.length_batches(rows.lengths, members, args.batch_tokens, rng)]
    per_epoch = int(args.singles * len(talks))
    n_tokens = sum(train.lengths) + per_epoch * sum(other.lengths) / len(other.lengths)
    total = int(args.epochs * n_tokens / args.batch_tokens * 1.15)
    step, begin = 0, time.time()
    while step < total:
        chosen = [rng.randrange(len(singles)) for _ in range(per_epoch)]
        batches = batches_of(train, range(len(talks))) + batches_of(other, chosen)
        rng.shuffle(batches)
        sum_loss = 0.0
        for rows, members in batches:
            ids, types, mask, right, acts, weights = rows.batch(members, rng, True)
            set_learning_rate(optimizer, learning_rate(step, total, total // 10, args.lr, 0.02))
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model.logits(ids, types, mask, drop), right, acts, weights, len(kinds))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            sum_loss += loss.item()
            step += 1
            if step >= total:
                break
        log("step %d of %d, loss %.3f, %.0f s" % (step, total, sum_loss / len(batches), time.time() - begin))
        for name, rows in tests:
            score(name, model, rows, len(kinds))
    if tests:
        logits = torch.cat([predict(model, rows) for _, rows in tests])
        temperature = fit_temperature(logits, [r for _, rows in tests for r in rows.rows], len(kinds))
        log("temperature %.2f" % temperature)
        with torch.no_grad():
            model.classifier.weight /= temperature
            model.classifier.bias /= temperature
        for name, rows in tests:
            score(name, model, rows, len(kinds))
    os.makedirs(args.out, exist_ok=True)
    config = {**config, "id2label": {str(i): l for i, l in enumerate(labels)}, "label2id": {l: i for i, l in enumerate(labels)}}
    write_json(os.path.join(args.out, "config.json"), config)
    save_safetensors(os.path.join(args.out, "model.safetensors"), model.exported())
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        with open(os.path.join(args.start, name), "rb") as source, open(os.path.join(args.out, name), "wb") as target:
            target.write(source.read())


if __name__ == "__main__":
    main()
