"""Writes the seeds of fuzz_vectors into vectors/ beside this file: index files, put together from the format's
description in lib/search/file.h. The byte in front says what the fuzz target puts right: 1: the file's length and the
head's checksum, 2: the sections' checksums.

usage: make_vectors.py
"""
import os
import random
import struct

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors")
F32, F16, INT8, COSINE, DOT, L2, NO_F16 = 0, 1, 2, 0, 1, 2, 1


def index(type, metric=COSINE, flags=0, dim=5, lists=(), n=None, ids=None, value=None, attachment=b"", repair=3,
          n_lists=None, n_probe=None, n_vectors=None, version=1, more=b""):
    n = sum(lists) if lists else 3 if n is None else n
    draw = random.Random(n)
    numbers = [draw.gauss(0, 1) if value is None else value for _ in range(n * dim)]
    if type == INT8 and flags:
        row = b"".join(struct.pack("<f%db" % dim, 0.01, *(draw.randrange(-127, 128) for _ in range(dim))) for _ in range(n))
    else:
        row = struct.pack("<%d%s" % (n * dim, "f" if type == F32 else "e"), *numbers)
    sections = [struct.pack("<%dQ" % n, *(ids or range(10, 10 + n))), struct.pack("<%dQ" % n, *range(n)),
                struct.pack("<%dd" % n, *range(n)), struct.pack("<%dQ" % len(lists), *lists),
                struct.pack("<%df" % (len(lists) * dim), *(draw.gauss(0, 1) for _ in range(len(lists) * dim))), row,
                attachment]
    head = b"LLMCSIDX" + struct.pack("<8I4Q", version, type, metric, flags, dim, len(lists) if n_lists is None else n_lists,
                                     (1 if lists else 0) if n_probe is None else n_probe, 0,
                                     n if n_vectors is None else n_vectors, 77, len(attachment), 0)
    return bytes([repair]) + head + bytes(8) + b"".join(s + bytes(8) for s in sections) + more


SEEDS = {
    "empty": index(INT8, n=0),
    "f32": index(F32, DOT),
    "f16-l2": index(F16, L2, attachment=b"names"),
    "int8-lists": index(INT8, lists=(2, 0, 70, 1)),
    "no-f16": index(INT8, L2, NO_F16, lists=(3, 4)),
    "not-repaired": index(INT8, repair=0),
    "head-only": index(INT8, repair=1),
    "same-id": index(F16, ids=[4, 5, 4]),
    "no-item": index(F16, ids=[4, 2**64 - 1, 5]),
    "nan": index(F32, value=float("nan")),
    "huge": index(F32, value=3e38),
    "infinite-half": index(F16, value=float("inf")),
    "trailing": index(INT8, more=b"more"),
    "version": index(INT8, version=2),
    "many": index(INT8, n_vectors=2**63),
    "many-lists": index(INT8, n_lists=2**32 - 1),
    "no-probe": index(INT8, lists=(2, 1), n_probe=0),
    "lists-too-long": index(INT8, lists=(2, 2), n_vectors=3),
}

if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for name, data in SEEDS.items():
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(data)
