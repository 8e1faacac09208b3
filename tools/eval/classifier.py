#!/usr/bin/env python3
"""classifier.py --data FOLDER: what the classifier reaches on unseen rows, by n-grams alone, an encoder alone and
both, through `llmcs-shop train-classifier` and `classify`.

FOLDER holds NAME.train.jsonl.gz. A tenth of the texts, by their hash, is held back. --parts 3 trains three times, each
with another tenth held back, and counts all their rows: small classes need it. Prints one line a task and view."""
import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "bin", "llmcs-shop")

# name: (label field, out-of-scope label, more options, figure to reach)
TASKS = {
    "intent-en": ("intent", None, [], "accuracy >= 0.990"),
    "oos-en": ("intent", "oos", [], "in scope >= 0.93 with out of scope found >= 0.86, AUROC >= 0.96"),
    "banking-en": ("intent", None, [], "accuracy >= 0.92"),
    "moderation-zh": ("label", None, [], "accuracy >= 0.81"),
    "moderation-en": ("label", None, ["--balanced"], "macro-F1 >= 0.75"),
    "sentiment-zh": ("label", None, [], ""),
    "sentiment-en": ("label", None, [], ""),
    "intent-zh": ("intent", None, [], ""),
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


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def train(rows, field, oos, options, folder):
    write(os.path.join(folder, "train.jsonl"), rows)
    out = os.path.join(folder, "head")
    start = time.time()
    command = [SHOP, "train-classifier", os.path.join(folder, "train.jsonl"), out, "--label-field", field, *options]
    done = subprocess.run(command + (["--oos-label", oos] if oos else []), capture_output=True, text=True)
    if done.returncode:
        sys.exit("train-classifier: " + done.stderr)
    return out, time.time() - start


def classify(head, rows, options):
    lines = "".join(json.dumps({"text": r["text"]}, ensure_ascii=False) + "\n" for r in rows)
    start = time.time()
    done = subprocess.run([SHOP, "classify", head, "--jsonl", "--no-reason", "--batch", "64", *options],
                          input=lines.encode(), capture_output=True)
    if done.returncode:
        sys.exit("classify: " + done.stderr.decode())
    return [json.loads(line) for line in done.stdout.splitlines()], time.time() - start


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
    right = [label == a["label"] for label, a in inside]
    labels = sorted({label for label, _ in inside})
    f1 = 0.0
    for label in labels:
        hit = sum(1 for truth, a in inside if truth == label and a["label"] == label)
        wrong = sum(1 for truth, a in inside if truth != label and a["label"] == label)
        missed = sum(1 for truth, a in inside if truth == label and a["label"] != label)
        f1 += 2 * hit / (2 * hit + wrong + missed)
    bins = [[0.0, 0.0] for _ in range(15)]
    for ok, (_, a) in zip(right, inside):
        b = bins[min(14, int(a["score"] * 15))]
        b[0] += ok
        b[1] += a["score"]
    found = {"rows": len(pairs), "accuracy": sum(right) / len(right), "macro-F1": f1 / len(labels),
             "ECE": sum(abs(hit - score) for hit, score in bins) / len(right)}
    if outside:
        scores = sorted(a["out_of_scope"] for _, a in inside)
        limit = scores[min(len(scores) - 1, int(0.93 * len(scores)))]
        found["AUROC"] = auroc(scores, [a["out_of_scope"] for a in outside])
        found["in scope accepted and right"] = sum(
            ok and a["accepted"] for ok, (_, a) in zip(right, inside)) / len(right)
        found["out of scope refused"] = sum(not a["accepted"] for a in outside) / len(outside)
        found["found where 0.93 are kept"] = sum(a["out_of_scope"] > limit for a in outside) / len(outside)
        found["out-of-scope rows"] = len(outside)
    return found


def measure(task, data, view, encoder, parts, shots, threads):
    field, oos, options, _ = TASKS[task]
    options = options + ["--threads", threads]
    if view != "n-grams":
        options = options + ["--encoder", encoder]
    if view == "encoder":
        options = options + ["--no-ngrams"]
    pairs, seconds, reading = [], 0.0, 0.0
    for part in range(parts):
        train_rows = [r for r in data if tenth(r) != part]
        test_rows = [r for r in data if tenth(r) == part]
        if shots:
            train_rows = few(train_rows, field, oos, shots)
        with tempfile.TemporaryDirectory() as folder:
            head, trained = train(train_rows, field, oos, options + ["--no-examples"], folder)
            answers, classified = classify(head, test_rows, ["--threads", threads])
            size = os.path.getsize(head)
        pairs += list(zip(test_rows, answers))
        seconds += trained
        reading += classified
    found = figures(pairs, field, oos)
    found.update({"train s": seconds / parts, "KB": size // 1000, "texts/s": len(pairs) / reading})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--tasks", default="intent-en,oos-en,banking-en,moderation-zh,moderation-en")
    parser.add_argument("--encoder", help="folder: also `encoder` and `both`")
    parser.add_argument("--views", default="n-grams,encoder,both")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--shots", type=int, default=0, help="train on that many rows a class")
    parser.add_argument("--threads", default="0")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.data):
        sys.exit("classifier.py: skipped: there is no folder " + arguments.data)
    for task in arguments.tasks.split(","):
        data = read(arguments.data, task)
        if task == "intent-zh":
            data = [dict(r, intent="%s.%s" % (r["domain"], r["intent"])) for r in data]
        if TASKS[task][3]:
            print("%s: to reach %s" % (task, TASKS[task][3]))
        for view in arguments.views.split(","):
            if view != "n-grams" and not arguments.encoder:
                continue
            found = measure(task, data, view, arguments.encoder, arguments.parts, arguments.shots, arguments.threads)
            print("%-13s %-8s %s" % (task, view, ", ".join(
                "%s %s" % (k, "%.4f" % v if isinstance(v, float) and v < 10 else "%.0f" % v) for k, v in found.items())))
            sys.stdout.flush()


main()
