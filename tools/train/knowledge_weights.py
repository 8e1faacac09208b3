#!/usr/bin/env python3
"""Fits the weights that a store without calibration uses: default_weights of lib/shop/knowledge/score.c.

    python3 tools/train/knowledge_weights.py [--check lib/shop/knowledge/score.c]

Imports the demo shop into a fresh store and runs `llmcs-shop calibrate` on it: the FAQ's own questions, left out one by one, and
ORDINARY messages a language that the shop has no answer to (label "oos" of examples/shop/intents.*.jsonl, those with the
smallest hashes), for words alone and for words with the vectors of examples/models/shop-encoder. Prints the two rows
of weights as C; --check compares them with those of the file. The weights of one fit choose the candidates of the next, so the fit is
repeated on the same store until the weights no longer change. On another processor the last printed digit may differ, which
--check allows."""
import argparse
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(ROOT, "examples", "shop")
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
ORDINARY = 500
MOST_FITS = 30
STABLE = 0.001
TOLERANCE = 0.011  # one unit of the last printed digit


def feature_names():
    """Names of the features, in the order of match.h."""
    with open(os.path.join(ROOT, "lib", "shop", "knowledge", "match.h"), encoding="utf-8") as f:
        body = re.search(r"typedef enum shop_feature \{(.*?)\} shop_feature;", f.read(), re.S).group(1)
    return [n for n in re.findall(r"\bSHOP_F_\w+|\bSHOP_N_FEATURES", re.sub(r"/\*.*?\*/", "", body, flags=re.S)) if n != "SHOP_N_FEATURES"]


def ordinary_messages():
    rows = []
    for language in ("en", "zh"):
        with open(os.path.join(SHOP, "intents.%s.jsonl" % language), encoding="utf-8") as f:
            texts = {r["text"] for r in map(json.loads, f) if r["label"] == "oos"}
        chosen = sorted(texts, key=lambda t: hashlib.sha256(t.encode()).digest())[:ORDINARY]
        rows += [{"text": t, "id": None, "lang": language} for t in chosen]
    return rows


def fit(folder):
    """{"words" or the encoder's fingerprint: weights} as calibrate wrote them into the store, words first."""
    store, questions = os.path.join(folder, "shop.db"), os.path.join(folder, "ordinary.jsonl")
    environment = {**os.environ, "BUILD": BUILD}
    subprocess.run(["sh", os.path.join(SHOP, "import.sh"), store], check=True, env=environment, stdout=subprocess.DEVNULL)
    with open(questions, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in ordinary_messages())
    before = None
    for n in range(1, MOST_FITS + 1):
        subprocess.run([os.path.join(BUILD, "bin", "llmcs-shop"), "calibrate", store, questions], check=True, stdout=sys.stderr)
        db = sqlite3.connect(store)
        found = db.execute("SELECT key, value FROM settings WHERE key LIKE 'llmcs.calibration.%'").fetchall()
        db.close()
        now = [json.loads(value)[1:] for key, value in sorted(found, key=lambda row: not row[0].endswith(".words"))]
        moved = max((abs(x - y) for new, old in zip(now, before or []) for x, y in zip(new, old)), default=None)
        print("fit %d: %s" % (n, "first" if moved is None else "moved by %.4f" % moved), file=sys.stderr)
        if moved is not None and moved < STABLE:
            return now
        before = now
    sys.exit("knowledge_weights.py: the weights still move after %d fits" % MOST_FITS)


def in_file(path, names):
    with open(path, encoding="utf-8") as f:
        table = re.search(r"default_weights\[2\] = \{(.*?)\n\};", f.read(), re.S).group(1)
    rows = [dict(re.findall(r"\[(SHOP_F_\w+)\] = (-?[\d.]+)", row)) for row in table.split(".threshold")[:2]]
    return [[float(row.get(name, 0)) for name in names] for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="FILE", help="exit code 1 if the weights of FILE differ")
    options = parser.parse_args()
    names = feature_names()
    with tempfile.TemporaryDirectory() as folder:
        fitted = fit(folder)
    for weights in fitted:
        print("    {.w = {%s}," % ",\n           ".join("[%s] = %.4g" % (n, w) for n, w in zip(names, weights) if abs(w) >= 0.005))
        print("     .threshold = 0.5},")
    if not options.check:
        return 0
    differing = [(kind, n, a, b) for kind, new, old in zip(("words", "vectors"), fitted, in_file(options.check, names))
                 for n, a, b in zip(names, new, old) if abs(a - b) > TOLERANCE]
    for kind, name, new, old in differing:
        print("%s: %s (%s): found %g, fitted %.4g" % (options.check, name, kind, old, new), file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
