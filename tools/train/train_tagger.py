#!/usr/bin/env python3
"""Trains the tagger of names and addresses: examples/models/heads/names.tagger.

    python3 tools/train/train_tagger.py --data DIR --out examples/models/heads/names.tagger --epochs 24 --l2 0.005 \\
        --max-features 66000 [--checkpoint FILE]

Learns from CLUENER2020 (ner-zh) and the synthetic rows of presidio-research (pii-en) in DIR, from sentences that
tagger_rows.py makes, and from product names and texts (copy-en, copy-zh) and the demo shop's questions, which hold no names. One row in ten of the data sets is held back;
tools/eval/personal_data.py judges on those. `llmcs-shop train-tagger` does the work, on one thread, in a few minutes; with
--checkpoint it goes on where it was stopped. The same rows give the same bytes on one machine. Needs nothing but Python.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import rows
import tagger_rows

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "bin", "llmcs-shop")

# Labels beyond NAME and ADDRESS keep the tagger from taking companies, places on screen and job titles for them.
KINDS_ZH = {"name": "NAME", "address": "ADDRESS", "scene": "PLACE", "organization": "ORG", "company": "ORG",
            "government": "ORG", "position": "TITLE", "game": "WORK", "book": "WORK", "movie": "WORK"}
KINDS_EN = {"PERSON": "NAME", "STREET_ADDRESS": "ADDRESS", "GPE": "PLACE", "ORGANIZATION": "ORG", "TITLE": "TITLE"}


def in_bytes(text, spans):
    """Spans (begin, end, label) in characters, as a row of train-tagger. Where two overlap, the longer stays."""
    kept = []
    for begin, end, label in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
        if begin < end and all(end <= b or begin >= e for b, e, _ in kept):
            kept.append((begin, end, label))
    size = lambda n: len(text[:n].encode("utf-8"))
    return {"text": text, "spans": [{"begin": size(b), "end": size(e), "label": l} for b, e, l in sorted(kept)]}


def labelled(row, kinds):
    return in_bytes(row["text"], [(s["begin"], s["end"], kinds[s["kind"]]) for s in row["spans"] if s["kind"] in kinds])


def data_rows(folder, name, kinds):
    """(training rows, held-out rows), as the data set has them."""
    train, test = rows.split_rows(rows.read_jsonl(rows.find_data(folder, name)))
    return [labelled(r, kinds) for r in train], test


def shop_rows():
    """The demo shop's texts without names: all of their tokens are O."""
    out = []
    for lang in ("en", "zh"):
        for row in rows.read_jsonl(os.path.join(ROOT, "examples", "shop", "intents.%s.jsonl" % lang))[::3]:
            out.append({"text": row["text"], "spans": []})
        for row in rows.read_jsonl(os.path.join(ROOT, "examples", "shop", "faq.%s.jsonl" % lang)):
            out += [{"text": t, "spans": []} for t in row["questions"]]
    return out


def product_rows(folder):
    """Product names of the demo shop and of Myntra, alone and in sentences, and product texts: none is a person or a place."""
    names = {"zh": [], "en": []}
    for row in rows.read_jsonl(os.path.join(ROOT, "examples", "shop", "products.jsonl")):
        for lang in names:
            names[lang].append(row["title"][lang])
    out = [{"text": n, "spans": []} for lang in names for n in names[lang]]
    names["en"] += [r["name"] for r in rows.read_jsonl(rows.find_data(folder, "copy-en"))][::9]
    out += [{"text": n, "spans": []} for n in names["en"][432:]]
    out += [{"text": r["summary"][:60], "spans": []} for r in rows.read_jsonl(rows.find_data(folder, "copy-zh"))[::4]]
    return out + tagger_rows.make_products(20261130, 1500, names)


def all_rows(folder):
    chinese, _ = data_rows(folder, "ner-zh", KINDS_ZH)
    english, _ = data_rows(folder, "pii-en", KINDS_EN)
    return chinese + english * 3 + tagger_rows.make(20261129, 2500) + shop_rows() + product_rows(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of ner-zh.train.jsonl.gz and pii-en.train.jsonl.gz")
    parser.add_argument("--out", required=True)
    parser.add_argument("--checkpoint")
    options, more = parser.parse_known_args()  # the rest goes to train-tagger: --epochs, --l2, ...
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            for row in all_rows(options.data):
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
        command = [SHOP, "train-tagger", path, options.out, *more]
        if options.checkpoint:
            command += ["--checkpoint", options.checkpoint]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
