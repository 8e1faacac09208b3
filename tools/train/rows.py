"""Rows for training and evaluation: JSON Lines files, and the tenth of them that is held out.

Needs nothing but Python.
"""
import gzip
import hashlib
import json
import os


def find_data(folder, name):
    """Path of the data set `name` in `folder`: NAME.jsonl.gz, NAME.train.jsonl.gz or the same without .gz; None if absent."""
    for suffix in (".train.jsonl.gz", ".jsonl.gz", ".train.jsonl", ".jsonl"):
        path = os.path.join(folder, name + suffix)
        if os.path.exists(path):
            return path
    return None


def read_jsonl(path):
    """All rows of a JSON Lines file, gzip or plain, as a list of dicts."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def is_held_out(row):
    """True for about one row in ten, by the hash of the row itself: the same rows whatever their order, and
    two equal rows always fall on the same side."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=False)
    return hashlib.sha1(text.encode("utf-8")).digest()[0] % 10 == 0


def split_rows(rows):
    """(training rows, held-out rows)."""
    return [r for r in rows if not is_held_out(r)], [r for r in rows if is_held_out(r)]
