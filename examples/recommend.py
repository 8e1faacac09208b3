#!/usr/bin/env python3
"""Recommends products for a customer, a product or a text, with reasons in words.

    recommend.py --customer c001
    recommend.py --item P1009 --text "a gift for somebody who likes tea" --text "送给爱喝茶的爸爸"

Without --store, uses a temporary store with the demo shop's products and events.
"""
import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools", "python"))
import llmcs  # noqa: E402
import llmcs_shop  # noqa: E402


def demo_rows(name):
    with open(os.path.join(HERE, "shop", name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def fill(shop):
    for put, name in ((shop.put_products, "products"), (shop.put_customers, "customers"), (shop.put_events, "events")):
        stored = put(demo_rows(name + ".jsonl"))
        for row, _, reason in stored.refused:
            print("recommend.py: %s: row %d: %s" % (name, row, reason), file=sys.stderr)


def show(shop, k, **asked):
    print("%s %s" % next(iter(asked.items())))
    for r in shop.recommend(k=k, **asked):
        print("  %.3f  %s  %s" % (r.score, r.id, r.title))
        print("         %s" % r.reason)


def main():
    parser = argparse.ArgumentParser(description="recommend products of the demo shop")
    parser.add_argument("--store", help="an existing store (default: the demo shop's data)")
    parser.add_argument("--encoder", default=os.path.join(HERE, "models", "shop-encoder"), help="the store's model")
    parser.add_argument("--customer", action="append", default=[], help="a customer's id")
    parser.add_argument("--item", action="append", default=[], help="a product's id")
    parser.add_argument("--text", action="append", default=[], help="what a customer looks for")
    parser.add_argument("-k", type=int, default=5, help="products in a list (default 5)")
    options = parser.parse_args()
    encoder = llmcs.Model(options.encoder)
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or os.path.join(folder, "shop.db")
        with llmcs_shop.Shop(store, encoder=encoder, create=not options.store) as shop:
            if not options.store:
                fill(shop)
            for kind in ("customer", "item", "text"):
                for value in getattr(options, kind):
                    show(shop, options.k, **{kind: value})


if __name__ == "__main__":
    main()
