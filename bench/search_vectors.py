"""Vectors of product titles to measure an index with: base.f32 and queries.f32, raw float32 [n, dim].

usage: search_vectors.py MODEL CATALOGUE.jsonl[.gz] OUT [--n 1000000] [--queries 2000] [--embedded 75000]

CATALOGUE: lines with "name", "brand" and "color", as of a shop. Titles are the names, and names in which another
brand of the catalogue stands for their own, and another colour for theirs: all of these are embedded by MODEL. What is
missing to n are vectors v + a (u - w), normalised, of embedded titles u, v, w and 0.2 <= a <= 0.5: near v (cosine 0.9 to
0.98), and moved as titles differ. Queries are embedded titles, kept out of the base. The seed is 1.
"""

import argparse
import gzip
import json
import os
import random
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "python"))
import llmcs  # noqa: E402


def titles(path, n):
    """n different titles: the catalogue's names first."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as f:
        rows = [json.loads(line) for line in f]
    pick = random.Random(1)
    brands, colors = sorted({r["brand"] for r in rows if r["brand"]}), sorted({r["color"] for r in rows if r["color"]})
    seen = dict.fromkeys(r["name"] for r in rows)
    while len(seen) < n:
        row = pick.choice(rows)
        name = row["name"]
        if row["brand"]:
            name = name.replace(row["brand"], pick.choice(brands))
        if row["color"]:
            name = name.replace(row["color"], pick.choice(colors))
        seen.setdefault(name)
    return list(seen)[:n]


def embed(model, texts):
    out = []
    for i in range(0, len(texts), 256):
        out.append(np.array(model.embed(texts[i : i + 256])))
        print("\rembedded %d of %d" % (i + len(out[-1]), len(texts)), end="", file=sys.stderr)
    print(file=sys.stderr)
    return np.concatenate(out)


def moved(vectors, n, pick):
    """n vectors near those of titles, see above."""
    out = np.empty((n, vectors.shape[1]), np.float32)
    for i in range(0, n, 65536):
        m = min(65536, n - i)
        u, v, w = (vectors[pick.integers(0, len(vectors), m)] for _ in range(3))
        near = v + pick.uniform(0.2, 0.5, (m, 1)).astype(np.float32) * (u - w)
        out[i : i + m] = near / np.linalg.norm(near, axis=1, keepdims=True)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("catalogue")
    parser.add_argument("out")
    parser.add_argument("--n", type=int, default=1000000)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--embedded", type=int, default=75000)
    o = parser.parse_args()
    texts = titles(o.catalogue, min(o.embedded, o.n) + o.queries)
    with llmcs.Model(o.model, weights="int8") as model:
        vectors = embed(model, texts)
    pick = np.random.default_rng(1)
    order = pick.permutation(len(vectors))
    queries, base = vectors[order[: o.queries]], vectors[order[o.queries :]]
    base = np.concatenate([base, moved(base, o.n - len(base), pick)])
    pick.shuffle(base)
    os.makedirs(o.out, exist_ok=True)
    base.tofile(os.path.join(o.out, "base.f32"))
    queries.tofile(os.path.join(o.out, "queries.f32"))
    print("%d vectors of %d elements, %d queries" % (len(base), base.shape[1], len(queries)))


if __name__ == "__main__":
    main()
