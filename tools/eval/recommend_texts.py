#!/usr/bin/env python3
"""recommend_texts.py STORE: how many of the first three products for a text are of the requested kind.

The rows of examples/shop/recommend-texts.jsonl name what is right: kinds (a product's first tag), "category:C",
"tag:T" or "not:T". STORE is the demo shop (examples/shop/import.sh). --show prints what was wrong."""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(ROOT, "examples", "shop")
sys.path.insert(0, os.path.join(ROOT, "tools", "train"))

from rows import read_jsonl  # noqa: E402


def is_right(product, right):
    """Whether a product meets one of the conditions."""
    for condition in right:
        key, _, value = condition.rpartition(":")
        if key == "not" and value not in product["tags"]:
            return True
        if key == "tag" and value in product["tags"]:
            return True
        if key == "category" and value == product["category"]:
            return True
        if not key and product["tags"][0] == value:
            return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--rows", default=os.path.join(SHOP, "recommend-texts.jsonl"))
    parser.add_argument("--command", default=os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "bin", "llmcs-shop"))
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    products = {row["id"]: row for row in read_jsonl(os.path.join(SHOP, "products.jsonl"))}
    rows = read_jsonl(args.rows)
    requests = "".join(json.dumps({"text": row["text"], "k": 3, "lang": row["lang"]}, ensure_ascii=False) + "\n" for row in rows)
    done = subprocess.run([args.command, "recommend", args.store, "--jsonl"], input=requests.encode(), capture_output=True, check=True)
    counts = {}
    for row, line in zip(rows, done.stdout.decode().splitlines()):
        items = [products[item["id"]] for item in json.loads(line)["items"]][:3]
        good = [is_right(item, row["right"]) for item in items]
        all_of = counts.setdefault(row["lang"], [0, 0, 0])
        all_of[0] += sum(good)
        all_of[1] += len(good)
        all_of[2] += bool(good) and all(good)
        if args.show and not all(good):
            print("%s: %s" % (row["text"], "; ".join(("" if ok else "! ") + item["title"][row["lang"]] for ok, item in zip(good, items))))
    for lang, (right, shown, rows_right) in counts.items():
        print("%s: %d of %d products in the first three right (%.3f); all three in %d of %d texts"
              % (lang, right, shown, right / shown if shown else 0, rows_right, sum(row["lang"] == lang for row in rows)))


if __name__ == "__main__":
    main()
