"""The vector index next to faiss-cpu, usearch and hnswlib (PyPI), in turns, on the same vectors.

usage: search_peers.py FOLDER [--n 1000000] [--queries 20] [--turns 5] [--threads 2] [--graphs]

FOLDER holds base.f32 and queries.f32 (search_vectors.py). Every turn asks each library for the ten nearest of the same
queries, one at a time; a figure is the median over all turns and queries, in milliseconds of the clock and of all
threads' processor time, which other programs of the machine disturb less. Recall is against faiss' float32 scan.
--graphs builds the HNSW graphs of hnswlib and usearch too, which takes minutes.
"""

import argparse
import os
import statistics
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "python"))
import llmcs  # noqa: E402

K, DIM = 10, 384


def ours(o, base):
    index = llmcs.Index(DIM, n_threads=o.threads)
    begin = time.perf_counter(), time.process_time()
    for i in range(0, len(base), 4096):
        index.put(np.arange(i, min(i + 4096, len(base))), base[i : i + 4096])
    put = time.perf_counter() - begin[0], time.process_time() - begin[1]
    begin = time.perf_counter(), time.process_time()
    index.build()
    print("llmcs: puts %.1f s (%.1f s of processors), lists %.1f s (%.1f)" % (
        *put, time.perf_counter() - begin[0], time.process_time() - begin[1]), flush=True)
    yield "llmcs int8, exact", lambda q: index.search(q, k=K, exact=1).ids
    for n_probe in (8, 16, 32, 64, 128):
        yield "llmcs int8, %d lists" % n_probe, lambda q, n=n_probe: index.search(q, k=K, n_probe=n).ids


def faiss(o, base):
    import faiss

    faiss.omp_set_num_threads(o.threads)
    flat = faiss.IndexFlatIP(DIM)
    flat.add(base)
    yield "faiss flat f32, exact", lambda q: flat.search(q[None], K)[1][0]
    sq = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    sq.train(base[:50000])
    sq.add(base)
    yield "faiss 8 bits, exact", lambda q: sq.search(q[None], K)[1][0]
    if o.graphs:
        ivf = faiss.IndexIVFFlat(faiss.IndexFlatIP(DIM), DIM, 2048, faiss.METRIC_INNER_PRODUCT)
        begin = time.process_time()
        ivf.train(base[:131072])
        ivf.add(base)
        print("faiss IVF2048: %.1f s of processors" % (time.process_time() - begin), flush=True)
        for n_probe in (16, 64):

            def search(q, n=n_probe):
                ivf.nprobe = n
                return ivf.search(q[None], K)[1][0]

            yield "faiss IVF2048 f32, %d lists" % n_probe, search


def usearch(o, base):
    from usearch.index import Index, MetricKind, search

    i8 = np.clip(np.rint(base * 127 / np.abs(base).max(axis=1, keepdims=True)), -127, 127).astype(np.int8)

    def exact(q):
        query = np.clip(np.rint(q * 127 / np.abs(q).max()), -127, 127).astype(np.int8)
        return search(i8, query, K, MetricKind.Cos, exact=True, threads=o.threads).keys

    yield "usearch i8, exact", exact
    if o.graphs:
        index = Index(ndim=DIM, metric="cos", dtype="i8")
        begin = time.process_time()
        index.add(np.arange(len(base)), base, threads=o.threads)
        print("usearch graph: %.1f s of processors" % (time.process_time() - begin), flush=True)
        yield "usearch i8, graph", lambda q: index.search(q, K).keys


def hnswlib(o, base):
    if not o.graphs:
        return
    import hnswlib as h

    index = h.Index(space="ip", dim=DIM)
    index.init_index(max_elements=len(base), ef_construction=200, M=16)
    begin = time.process_time()
    index.add_items(base, np.arange(len(base)), num_threads=o.threads)
    print("hnswlib graph: %.1f s of processors" % (time.process_time() - begin), flush=True)
    for ef in (50, 200):

        def search(q, ef=ef):
            index.set_ef(ef)
            return index.knn_query(q, K)[0][0]

        yield "hnswlib f32, ef %d" % ef, search


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    for name, default in (("n", 1000000), ("queries", 20), ("turns", 5), ("threads", 2)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--graphs", action="store_true")
    o = parser.parse_args()
    base = np.fromfile(os.path.join(o.folder, "base.f32"), dtype=np.float32, count=o.n * DIM).reshape(-1, DIM)
    queries = np.fromfile(os.path.join(o.folder, "queries.f32"), dtype=np.float32).reshape(-1, DIM)
    searches = {}
    for library in (ours, faiss, usearch, hnswlib):
        try:
            searches.update(library(o, base))
        except ImportError as e:
            print("%s is left out: %s" % (library.__name__, e))
    truth = "faiss flat f32, exact"
    clock, processors, found = {n: [] for n in searches}, {n: [] for n in searches}, {n: {} for n in searches}
    for turn in range(o.turns):
        for name, search in searches.items():
            for i in range(turn * o.queries, (turn + 1) * o.queries):
                begin = time.perf_counter(), time.process_time()
                ids = search(queries[i])
                clock[name].append(1e3 * (time.perf_counter() - begin[0]))
                processors[name].append(1e3 * (time.process_time() - begin[1]))
                found[name][i] = set(int(x) for x in ids)
    print("%d vectors, %d threads, one query at a time: ms of the clock, ms of processors, recall@%d" % (
        len(base), o.threads, K))
    for name in searches:
        recall = statistics.mean(len(found[name][i] & found[truth][i]) / K for i in found[name]) if truth in found else 0
        print("  %-28s %9.3f %9.3f   %.4f" % (
            name, statistics.median(clock[name]), statistics.median(processors[name]), recall), flush=True)


if __name__ == "__main__":
    main()
