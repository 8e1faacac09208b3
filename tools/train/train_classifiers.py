#!/usr/bin/env python3
"""Trains the shop's classifier heads over an encoder with `llmcs-shop train-classifier`, one for each data set that is there,
and scores them on the rows that are held out by the hash of their text.

    python3 tools/train/train_classifiers.py --data DIR --encoder examples/models/shop-encoder --out HEADS
    python3 tools/train/train_classifiers.py --rows MY.jsonl --label-field intent --encoder FOLDER --out HEADS

Existing heads are kept, so an interrupted run can be resumed; --again trains all.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import encoder_data
from rows import is_held_out, read_jsonl

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SETS = (("intent-en", "intent", None), ("oos-en", "intent", "oos"), ("banking-en", "intent", None), ("intent-zh", "domain", None),
        ("moderation-zh", "label", None), ("moderation-en", "label", None), ("sentiment-zh", "label", None), ("sentiment-en", "label", None))


def write_rows(folder, name, rows):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    return path


def train_head(args, name, rows, test, field, oos):
    """One head; prints its figure on `test`."""
    out = os.path.join(args.out, name + ".classifier")
    with tempfile.TemporaryDirectory() as folder:
        if args.again or not os.path.exists(out):
            command = [args.command, "train-classifier", write_rows(folder, "train.jsonl", rows), out, "--label-field", field, "--encoder", args.encoder]
            subprocess.run(command + (["--oos-label", oos] if oos else []), check=True)
        answers = subprocess.run([args.command, "classify", out, "--jsonl"], input="".join(json.dumps({"text": r["text"]}, ensure_ascii=False) + "\n" for r in test),
                                 stdout=subprocess.PIPE, check=True, universal_newlines=True, encoding="utf-8").stdout.splitlines()
    inside = [(json.loads(a), r) for a, r in zip(answers, test) if r[field] != oos]
    right = sum(a["label"] == r[field] for a, r in inside)
    print(f"{name}: {len(rows)} rows to train on, {len(inside)} held out, accuracy {right / max(1, len(inside)):.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of data sets")
    parser.add_argument("--rows", help="your own rows instead: JSON Lines with \"text\" and the label field")
    parser.add_argument("--label-field", default="label", help="of --rows")
    parser.add_argument("--oos-label", help="of --rows: the label of texts that belong to no class")
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--out", required=True, help="folder for the heads")
    parser.add_argument("--command", default=os.path.join(ROOT, "build", "bin", "llmcs-shop"))
    parser.add_argument("--again", action="store_true", help="also retrain existing heads")
    args = parser.parse_args()
    if not args.data and not args.rows:
        parser.error("--data or --rows is needed")
    if not os.path.exists(args.command):
        sys.exit(f"{args.command}: not found; run make, or name it with --command")
    os.makedirs(args.out, exist_ok=True)
    if args.rows:
        rows = read_jsonl(args.rows)
        train_head(args, os.path.basename(args.rows).split(".")[0], [r for r in rows if not is_held_out({"text": r["text"]})],
                   [r for r in rows if is_held_out({"text": r["text"]})], args.label_field, args.oos_label)
        return
    for name, field, oos in SETS:
        rows = encoder_data.training_rows(args.data, name)
        if rows:
            train_head(args, name, rows, encoder_data.held_out_rows(args.data, name), field, oos)


if __name__ == "__main__":
    main()
