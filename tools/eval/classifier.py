#!/usr/bin/env python3
"""classifier.py --data FOLDER [--encoder FOLDER ...]: what the classifier reaches on unseen rows, by n-grams alone, each
encoder alone and both.

FOLDER holds NAME.train.jsonl.gz. A tenth of the texts, by their hash, is held back. --parts 3 trains three times, each
with another tenth held back, and counts all their rows: small classes need it. A text's vector is computed once for all
views. Prints one line a task and view, training and texts/s by processor time, texts/s with the encoder's pass.
Needs the built library and numpy."""
import argparse
import gzip
import hashlib
import json
import os
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "tools", "python")]

import llmcs  # noqa: E402
import llmcs_shop  # noqa: E402

# name: (label field, out-of-scope label, more parameters, figure to reach)
TASKS = {
    "intent-en": ("intent", None, {}, "accuracy >= 0.990"),
    "oos-en": ("intent", "oos", {}, "in scope >= 0.93 with out of scope found >= 0.86, AUROC >= 0.96"),
    "banking-en": ("intent", None, {}, "accuracy >= 0.92"),
    "moderation-zh": ("label", None, {}, "accuracy >= 0.81"),
    "moderation-en": ("label", None, {"balanced": True}, "macro-F1 >= 0.75"),
    "sentiment-zh": ("label", None, {}, ""),
    "sentiment-en": ("label", None, {}, ""),
    "intent-zh": ("intent", None, {}, ""),
}


def read(folder, name):
    with gzip.open(os.path.join(folder, name + ".train.jsonl.gz"), "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def tenth(row):
    return hashlib.sha256(row["text"].encode()).digest()[0] * 10 // 256


def few(rows, field, oos, shots):
    """The first `shots` rows a class in the order of their hashes, and as many out-of-scope rows as there are."""
    taken, count = [], {}
    for row in sorted(rows, key=lambda r: hashlib.sha256(r["text"].encode()).hexdigest()):
        label = row[field]
        count[label] = count.get(label, 0) + 1
        if count[label] <= shots or label == oos:
            taken.append(row)
    return taken


class Encoder:
    """An encoder and the vectors of the texts it has seen."""

    def __init__(self, folder, threads):
        self.name = os.path.basename(os.path.normpath(folder))
        self.model = llmcs.Model(folder, n_threads=threads, weights="int8")
        self.vectors = {}

    def of(self, texts):
        new = sorted({t for t in texts if t not in self.vectors}, key=lambda t: (len(t), t))
        for i in range(0, len(new), 64):
            self.vectors.update(zip(new[i:i + 64], self.model.embed(new[i:i + 64])))
        return np.array([self.vectors[t] for t in texts])


def cpu(function):
    start = time.process_time()
    return function(), time.process_time() - start


def texts_per_s(classifier, rows):
    """As a service classifies them, in batches of 64, the encoder included."""
    texts = [r["text"] for r in rows[:512]]
    _, seconds = cpu(lambda: [classifier.predict(texts[i:i + 64]) for i in range(0, len(texts), 64)])
    return len(texts) / seconds


def auroc(inside, outside):
    both = sorted([(x, 0) for x in inside] + [(x, 1) for x in outside])
    below, pairs, i = 0, 0.0, 0
    while i < len(both):
        j = i
        while j < len(both) and both[j][0] == both[i][0]:
            j += 1
        zeros = sum(1 for x in both[i:j] if not x[1])
        pairs += (j - i - zeros) * (below + zeros / 2)
        below += zeros
        i = j
    return pairs / (len(inside) * len(outside))


def figures(pairs, field, oos):
    """Of (row, answer)."""
    inside = [(r[field], a) for r, a in pairs if r[field] != oos]
    outside = [a for r, a in pairs if r[field] == oos]
    right = [label == a.label for label, a in inside]
    labels = sorted({label for label, _ in inside})
    f1 = 0.0
    for label in labels:
        hit = sum(1 for truth, a in inside if truth == label and a.label == label)
        wrong = sum(1 for truth, a in inside if truth != label and a.label == label)
        missed = sum(1 for truth, a in inside if truth == label and a.label != label)
        f1 += 2 * hit / (2 * hit + wrong + missed)
    bins = [[0.0, 0.0] for _ in range(15)]
    for ok, (_, a) in zip(right, inside):
        b = bins[min(14, int(a.score * 15))]
        b[0] += ok
        b[1] += a.score
    found = {"rows": len(pairs), "accuracy": sum(right) / len(right), "macro-F1": f1 / len(labels),
             "ECE": sum(abs(hit - score) for hit, score in bins) / len(right)}
    if outside:
        scores = sorted(a.out_of_scope for _, a in inside)
        limit = scores[min(len(scores) - 1, int(0.93 * len(scores)))]
        found["AUROC"] = auroc(scores, [a.out_of_scope for a in outside])
        found["in scope accepted and right"] = sum(
            ok and a.accepted for ok, (_, a) in zip(right, inside)) / len(right)
        found["out of scope refused"] = sum(not a.accepted for a in outside) / len(outside)
        found["found where 0.93 are kept"] = sum(a.out_of_scope > limit for a in outside) / len(outside)
        found["out-of-scope rows"] = len(outside)
    return found


def measure(task, data, encoder, ngrams, a):
    """One line of figures. encoder: None for n-grams alone."""
    field, oos, options, _ = TASKS[task]
    pairs, seconds, size = [], 0.0, 0
    for part in range(a.parts):
        train_rows = [r for r in data if tenth(r) != part]
        test_rows = [r for r in data if tenth(r) == part]
        if a.shots:
            train_rows = few(train_rows, field, oos, a.shots)
        texts = [r["text"] for r in train_rows]
        how = dict(options, **{k: v for k, v in (("l2", a.l2), ("max_features", a.max_features)) if v})
        if encoder:
            how.update(encoder=encoder.model, vectors=encoder.of(texts), ngrams=ngrams)
        classifier, trained = cpu(lambda: llmcs_shop.Classifier.train(
            texts, [r[field] for r in train_rows], oos_label=oos, keep_examples=False, n_threads=a.threads, **how))
        held = [r["text"] for r in test_rows]
        pairs += list(zip(test_rows, classifier.predict(held, vectors=encoder.of(held) if encoder else None)))
        seconds += trained
        with tempfile.TemporaryDirectory() as folder:
            classifier.save(os.path.join(folder, "head"))
            size = os.path.getsize(os.path.join(folder, "head"))
    found = figures(pairs, field, oos)
    found.update({"train s": seconds / a.parts, "l2": classifier.info["l2"], "KB": size // 1000,
                  "texts/s": texts_per_s(classifier, test_rows)})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--tasks", default="intent-en,oos-en,banking-en,moderation-zh,moderation-en")
    parser.add_argument("--encoder", action="append", default=[], help="folder: also `encoder` and `both`; may be given again")
    parser.add_argument("--views", default="n-grams,encoder,both")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--shots", type=int, default=0, help="train on that many rows a class")
    parser.add_argument("--l2", type=float, default=0, help="penalty [by cross-validation]")
    parser.add_argument("--max-features", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    if not os.path.isdir(a.data):
        sys.exit("classifier.py: skipped: there is no folder " + a.data)
    encoders = [Encoder(folder, a.threads) for folder in a.encoder]
    views = [(None, "n-grams", True)] + [(e, "%s %s" % (e.name, v), v == "both") for e in encoders for v in ("encoder", "both")]
    for task in a.tasks.split(","):
        data = read(a.data, task)
        if task == "intent-zh":
            data = [dict(r, intent="%s.%s" % (r["domain"], r["intent"])) for r in data]
        if TASKS[task][3]:
            print("%s: to reach %s" % (task, TASKS[task][3]))
        for encoder, view, ngrams in views:
            if view.split()[-1] not in a.views.split(","):
                continue
            found = measure(task, data, encoder, ngrams, a)
            print("%-13s %-20s %s" % (task, view, ", ".join(
                "%s %s" % (k, "%.4f" % v if isinstance(v, float) and v < 10 else "%.0f" % v) for k, v in found.items())),
                flush=True)


main()
