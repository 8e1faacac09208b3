"""What embedding costs on this machine, and on paper for many rows: python3 -m llmcs.dask rates MODEL."""

from __future__ import annotations

import itertools
import math
import os
import tempfile
import time
from typing import List, Optional, Sequence

from .._index import Index
from .._model import Model
from ._blocks import blocks_of, fields_of, rows_of
from ._tasks import joined_text

_SAMPLE = (  # titles and short descriptions, in both languages
    "Classic mug, terracotta, 400 ml. The handle has space for four fingers; dishwasher and microwave safe.",
    "Linen summer dress with pockets, dark red, sizes XS to XXL",
    "经典马克杯 陶土红 400毫升，把手宽大，可放入洗碗机和微波炉",
    "Wireless earbuds, 30 hours with the case, noise cancelling, black",
    "女士亚麻连衣裙 夏季新款 宽松透气 深红色",
    "Children's rain jacket, waterproof, reflective strips, yellow, age 6 to 8",
)
_BATCH = 256
_INDEX_ROWS = 4096


class Rates:
    """Measured in processor time, which the load of other processes does not change."""

    def __init__(self, model: Model, texts: Sequence[str], seconds: float) -> None:
        batches = [list(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
        model.embed(batches[0])  # packs weights, touches memory
        n, start = 0, time.process_time()
        for batch in itertools.cycle(batches):
            model.embed(batch)
            n += len(batch)
            if time.process_time() - start >= seconds:
                break
        self.texts_per_second = n / (time.process_time() - start)
        tokenizer = model.tokenizer
        self.tokens_per_text = sum(len(tokenizer.encode(t)) for t in texts) / len(texts) if tokenizer else 0.0
        self.dim = int(model.info["n_embedding"])
        vector = [float(x) for x in model.embed(texts[0])]
        self.index_bytes = {
            name: _index_bytes(self.dim, vector, type, f16) for name, type, f16 in (
                ("int8 with float16", "int8", True), ("int8 alone", "int8", False), ("float16", "f16", False))
        }  # fmt: skip


def _index_bytes(dim: int, vector: List[float], type: str, f16: bool) -> float:
    """Bytes of memory for a vector in an opened index, its id and tags included; a growing one reserves more."""
    with tempfile.TemporaryDirectory() as folder, Index(dim, type=type, f16=f16) as index:
        index.put(range(_INDEX_ROWS), [vector] * _INDEX_ROWS)
        path = os.path.join(folder, "index")
        index.save(path)
        with Index.open(path) as opened:
            return float(opened.info()["bytes"]) / _INDEX_ROWS


def _texts(path: Optional[str], fields: Sequence[str]) -> List[str]:
    if path is None:
        return list(_SAMPLE) * (_BATCH // len(_SAMPLE))
    rows = itertools.islice((r for b in blocks_of([path], 16 << 20) for r in rows_of(b)), 2048)
    found = [
        row.value if isinstance(row.value, str) else joined_text(fields_of(row, fields), fields)
        for row in rows
        if row.problem is None
    ]
    if not found:
        raise ValueError("%s: no texts" % path)
    return found


def print_rates(
    folder: str, weights: str, path: Optional[str], fields: Sequence[str], rows: Sequence[int], cores: int, hours: float,
    seconds: float,
) -> None:  # fmt: skip
    with Model(folder, n_threads=1, weights=weights) as model:
        rates = Rates(model, _texts(path, fields), seconds)
        print("%s, %s, kernels %s" % (folder, model.info["weights"], model.info["cpu"]))
    print("%.0f texts a second of one core's processor time, %.1f tokens a text" % (
        rates.texts_per_second, rates.tokens_per_text))  # fmt: skip
    for name, n_bytes in rates.index_bytes.items():
        print("%.0f bytes a vector of %d numbers in the index (%s)" % (n_bytes, rates.dim, name))
    print("| rows | core hours | machines of %d cores for %g hours | index, int8 with float16 | int8 alone | base64 parts |"
          % (cores, hours))  # fmt: skip
    print("|---|---|---|---|---|---|")
    for n in rows:
        core_hours = n / rates.texts_per_second / 3600
        with_f16, alone = rates.index_bytes["int8 with float16"], rates.index_bytes["int8 alone"]
        base64_bytes = 4 * math.ceil(rates.dim * 4 / 3) + 40  # and the id, keys and braces
        machines, sizes = math.ceil(core_hours / cores / hours), [_size(n * b) for b in (with_f16, alone, base64_bytes)]
        print("| %s | %.1f | %d | %s |" % (format(n, ","), core_hours, machines, " | ".join(sizes)))


def _size(n: float) -> str:
    return "%.1f GB" % (n / 1e9) if n < 1e12 else "%.2f TB" % (n / 1e12)
