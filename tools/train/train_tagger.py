#!/usr/bin/env python3
"""Trains the tagger of names and addresses: examples/models/heads/names.tagger.

    python3 tools/train/train_tagger.py --data DIR --out examples/models/heads/names.tagger --epochs 24 --l2 0.005 \\
        --max-features 70000 [--checkpoint FILE]

Learns from CLUENER2020 (ner-zh) and the synthetic rows of presidio-research (pii-en) in DIR, from the same sentences with other names
in them (tagger_mentions.py), from sentences that tagger_rows.py makes, and from product names and texts (copy-en, copy-zh) and the demo
shop's questions and sentences of a shop's dialogues (reply-zh-jddc), which hold no names. It knows the words of tagger_words.py. One row in ten of the data sets is held back;
tools/eval/personal_data.py judges on those. `llmcs-shop train-tagger` does the work, on one thread, in a few minutes; with
--checkpoint it goes on where it was stopped. The same rows give the same bytes on one machine. Needs Python and Debian's packages
python3-jieba and python3-fake-factory, for their lists.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import rows
import tagger_mentions
import tagger_rows
import tagger_words

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


def data_rows(folder, name, kinds, copies):
    """Training rows, and `copies` of them with other names in them."""
    train, _ = rows.split_rows(rows.read_jsonl(rows.find_data(folder, name)))
    own = [(r["text"], [(s["begin"], s["end"], kinds[s["kind"]]) for s in r["spans"] if s["kind"] in kinds]) for r in train]
    more = tagger_mentions.more_rows(own, name[-2:], 20261131, copies)
    return [in_bytes(text, spans) for text, spans in own + more]


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


def chat_rows(folder):
    """What customers and staff of a shop wrote (JDDC), one sentence a row, where no word is a name or place: all of it is O."""
    names = {word for word, kind, _ in tagger_words.chinese() if kind <= tagger_words.OTHER_NAME and len(word) > 1}
    sentences = {s.strip() for row in rows.read_jsonl(rows.find_data(folder, "reply-zh-jddc")) for s in row["context"].split(",")}
    kept = []
    for s in sorted(sentences, key=lambda s: hashlib.sha1(s.encode()).digest()):
        known = any(s[i:i + n] in names for i in range(len(s)) for n in (2, 3, 4))
        if 6 <= len(s) <= 60 and "[" not in s and not known:
            kept.append({"text": s, "spans": []})
    return kept[:2500]


def all_rows(folder):
    chinese = data_rows(folder, "ner-zh", KINDS_ZH, 2)
    english = data_rows(folder, "pii-en", KINDS_EN, 5)
    return chinese + english + tagger_rows.make(20261129, 2500) + shop_rows() + product_rows(folder) + chat_rows(folder)


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
        words = os.path.join(folder, "words.tsv")
        tagger_words.write(words)
        command = [SHOP, "train-tagger", path, options.out, "--words", words, *more]
        if options.checkpoint:
            command += ["--checkpoint", options.checkpoint]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
