#!/usr/bin/env python3
"""The figures of a model of product titles, on the test files of shop_titles.py, as rows of its card's table.

    title_figures.py MODEL DIR [--bin build/bin]

Exact: the translation is the reference. Numbers: those of the source, no other. Brands: the reference's, letter by letter.
Then, for lowest mean probabilities of a token (the geometric mean) below which a person looks at the translation: how many titles
pass, how many of those are exact, and how many questions of customers, which are no titles, pass.
"""
import argparse
import json
import math
import os
import re
import subprocess
import sys

from rows import read_jsonl

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = ("shop", "attributes", "combinations", "nouns")
LEAST = (0.8, 0.9, 0.95, 0.98)


def lines(program, *arguments, requests):
    done = subprocess.run([*program, *arguments], input="".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(program)}: {done.stderr or done.stdout}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def numbers(text):
    return re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", text))


def translate(args, rows):
    """[(translation, geometric mean of its tokens' probabilities)]: of --beams candidates the first with the source's numbers."""
    requests = [{"text": r["source"], "from": r["source_lang"], "to": r["target_lang"], "num_beams": args.beams, "num_return_sequences": args.beams} for r in rows]
    answers = lines([os.path.join(args.bin, "llmcs"), "translate", args.model], "--jsonl", "--logprobs", requests=requests)
    out = []
    for a, r in zip(answers, rows):
        i = next((i for i, t in enumerate(a["translations"]) if numbers(t) == numbers(r["source"])), 0)
        out.append((a["translations"][i], math.exp(sum(a["logprobs"][i]) / max(1, len(a["logprobs"][i])))))
    return out


def share(flags):
    flags = list(flags)
    return f"{sum(flags) / len(flags):.3f}" if flags else "-"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("data", help="folder that shop_titles.py wrote")
    p.add_argument("--bin", default=os.path.join(HERE, "..", "..", "build", "bin"))
    p.add_argument("--beams", type=int, default=4, help="candidates for each text; the first with the source's numbers counts (default: %(default)s)")
    p.add_argument("--rows", type=int, default=10**9, help="texts of each test and direction (default: all)")
    args = p.parse_args()
    sure, exact = [], []
    print("| test | direction | texts | chrF | BLEU | exact | numbers | brands |\n|---|---|---|---|---|---|---|---|")
    for test in TESTS:
        rows = read_jsonl(os.path.join(args.data, f"test-{test}.jsonl"))
        for source, direction in (("en_XX", "English to Chinese"), ("zh_CN", "Chinese to English")):
            some = [r for r in rows if r["source_lang"] == source][:args.rows]
            found = translate(args, some)
            judged = [{"hypothesis": t, "references": [r["target"]]} for (t, _), r in zip(found, some)]
            figures = lines([os.path.join(args.bin, "llmcs-shop"), "evaluate"], "--metric", "bleu,chrf", "--jsonl", requests=judged)[0]
            right = [t == r["target"] for (t, _), r in zip(found, some)]
            brands = [r["brand"][source == "en_XX"] in t for (t, _), r in zip(found, some) if "brand" in r]
            print(f"| {test} | {direction} | {len(some)} | {figures['chrf']['score']:.1f} | {figures['bleu']['score']:.1f} | {share(right)} | "
                  f"{share(numbers(t) == numbers(r['source']) for (t, _), r in zip(found, some))} | {share(brands)} |", flush=True)
            if test != "nouns":
                sure += [s for _, s in found]
                exact += right
    questions = []
    for source, target in (("en", "zh_CN"), ("zh", "en_XX")):
        texts = [r["text"] for r in read_jsonl(os.path.join(HERE, "..", "..", "examples", "shop", f"faq-test.{source}.jsonl"))][:150]
        questions += translate(args, [{"source": t, "source_lang": "en_XX" if source == "en" else "zh_CN", "target_lang": target} for t in texts])
    print(f"\n| least mean probability | titles that pass (of {len(sure)}) | of those exact | customers' questions that pass (of {len(questions)}) |\n|---|---|---|---|")
    for least in LEAST:
        print(f"| {least} | {share(s >= least for s in sure)} | {share(e for s, e in zip(sure, exact) if s >= least)} | {share(s >= least for _, s in questions)} |")


if __name__ == "__main__":
    sys.exit(main())
