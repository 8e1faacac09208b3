#!/usr/bin/env python3
"""moderation.py --data FOLDER: what `check` finds, through the Python module.

    reviews   share of 5,000 ordinary shop reviews (half Chinese, half English) that do not pass: false alarms. Goal:
              <= 0.01. By layer and category; --show prints those that were flagged.
    cases     functional cases in the manner of HateCheck (Roettger et al. 2021), written for this project:
              moderation-cases.*.txt next to this file. Share right by function.
    held back a tenth of the labelled moderation texts, by their hash: recall and precision of words, and of words with
              the classifier
    spans     of toxic-spans-en: character F1 of the reasons' spans, the mean over texts (SemEval-2021 task 5)
    speed     MB/s of the first two layers on one thread. Goal: 20.

FOLDER holds NAME.train.jsonl.gz; without it cases and speed alone. --moderation FILE --encoder FOLDER: with a classifier."""
import argparse
import gzip
import hashlib
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
os.environ.setdefault("LLMCS_LIBRARY", os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "lib", "libllmcs.so"))
import llmcs  # noqa: E402
import llmcs_shop  # noqa: E402


def read(folder, name):
    with gzip.open(os.path.join(folder, name + ".train.jsonl.gz"), "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def by_hash(rows):
    return sorted(rows, key=lambda r: hashlib.sha256(r["text"].encode()).digest())


def tally(counts, key):
    counts[key] = counts.get(key, 0) + 1


def reviews(guard, folder, n, show):
    for lang in ("zh", "en"):
        rows, by = by_hash(read(folder, "sentiment-" + lang))[: n // 2], {}
        flagged = 0
        for row in rows:
            v = guard.check(row["text"])
            if v.action == "ALLOW":
                continue
            flagged += 1
            layer = next(r.layer for r in v.reasons if r.rule == v.label and r.action == v.action)
            tally(by, "%s %s" % (layer, v.label))
            if show:
                data = row["text"].encode()
                spans = [data[max(0, r.begin - 30): r.end + 30].decode("utf-8", "ignore") for r in v.reasons if r.action != "ALLOW"]
                print("   ", v.action, v.label, "|", " | ".join(spans[:4]).replace("\n", " "))
        print("reviews %s: %d of %d flagged, false alarms %.4f (to reach <= 0.01): %s" % (
            lang, flagged, len(rows), flagged / len(rows), ", ".join("%s %d" % x for x in sorted(by.items()))))


def cases(guard, show):
    """A file has sections "## FUNCTION flag|pass" and one text a line."""
    for lang in ("en", "zh"):
        function, expected, right, n = None, None, {}, {}
        with open(os.path.join(HERE, "moderation-cases.%s.txt" % lang), encoding="utf-8") as f:
            for line in f.read().splitlines():
                if line.startswith("## "):
                    function, expected = line[3:].rsplit(" ", 1)
                elif line and not line.startswith("#"):
                    text = line.replace("\\n", "\n")
                    v = guard.check(text)
                    ok = (v.action != "ALLOW") == (expected == "flag")
                    n[function] = n.get(function, 0) + 1
                    right[function] = right.get(function, 0) + ok
                    if not ok and show:
                        print("    %s: %s %s | %s" % (function, v.action, v.label, text.replace("\n", "\\n")))
        for function in n:
            print("cases %s: %-40s %3d of %3d" % (lang, function, right[function], n[function]))
        print("cases %s: all %d of %d, %.3f" % (lang, sum(right.values()), sum(n.values()), sum(right.values()) / sum(n.values())))


def held_back(guard, folder):
    for lang in ("zh", "en"):
        rows = [r for r in read(folder, "moderation-" + lang) if hashlib.sha256(r["text"].encode()).digest()[0] * 10 // 256 == 0]
        hit = wrong = unsafe = 0
        for row in rows:
            flagged = guard.check(row["text"]).action != "ALLOW"
            is_unsafe = row["label"] != "safe"
            unsafe += is_unsafe
            hit += flagged and is_unsafe
            wrong += flagged and not is_unsafe
        print("held back %s: %d texts, recall %.3f, precision %.3f" % (lang, len(rows), hit / unsafe, hit / max(1, hit + wrong)))


def characters(text, begin, end):
    """Byte offsets as characters."""
    data = text.encode()
    return len(data[:begin].decode("utf-8", "ignore")), len(data[:end].decode("utf-8", "ignore"))


def spans(guard, folder):
    for name, least in (("all reasons", 0.0), ("without mentions", 0.3)):
        total = n = 0
        for row in by_hash(read(folder, "toxic-spans-en"))[:2000]:
            truth, found = set(row["spans"]), set()
            for r in guard.check(row["text"]).reasons:
                if r.weight >= least and r.rule != "injection":
                    found.update(range(*characters(row["text"], r.begin, r.end)))
            n += 1
            both = len(truth & found)
            total += 1 if not truth and not found else 2 * both / (len(truth) + len(found)) if truth or found else 0
        print("spans en, %s: character F1 %.3f over %d texts" % (name, total / n, n))


def speed(guard, folder):
    texts = {"ASCII": "The lamp came on Monday and works well, but the box was damaged and the bulb is missing. " * 60000,
             "Han": "灯周一到了，很好用，不过包装破了，灯泡也少了一个，请问可以补发吗？" * 50000}
    if folder:
        for lang in ("zh", "en"):
            texts["reviews " + lang] = "\n".join(r["text"] for r in read(folder, "sentiment-" + lang))[:4000000]
    for name, text in texts.items():
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            guard.check(text, use_classifier=False)
            best = min(best, time.process_time() - start)
        print("speed %s: %.0f MB/s (to reach 20)" % (name, len(text.encode()) / 1e6 / best))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--moderation")
    parser.add_argument("--encoder")
    parser.add_argument("--only", default="reviews,cases,held,spans,speed")
    parser.add_argument("--n", type=int, default=5000, help="reviews")
    parser.add_argument("--warn-score", type=float)
    parser.add_argument("--show", action="store_true", help="texts that are flagged or wrong")
    a = parser.parse_args()
    encoder = llmcs.Model(a.encoder) if a.encoder else None
    head = llmcs_shop.Classifier(a.moderation, encoder) if a.moderation else None
    guard = llmcs_shop.Guard(moderation=head, warn_score=a.warn_score)
    print("layers: words, rules%s" % (", classifier" if head else ""))
    for part in a.only.split(","):
        if part in ("reviews", "held", "spans") and not a.data:
            print("%s: skipped: no --data" % part)
        elif part == "reviews":
            reviews(guard, a.data, a.n, a.show)
        elif part == "cases":
            cases(guard, a.show)
        elif part == "held":
            held_back(guard, a.data)
        elif part == "spans":
            spans(guard, a.data)
        elif part == "speed":
            speed(guard, a.data)
        sys.stdout.flush()


main()
