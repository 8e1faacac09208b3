"""The vector index: the nearest of many vectors."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ._errors import call
from ._handles import Handle, interruptible
from ._inputs import choice, data_bytes, integer, items, joined, matrix, number, numpy, path
from ._native import (
    IndexBuildParams,
    IndexInfo,
    IndexMeasurement,
    IndexOptions,
    ItemTags,
    P,
    SearchParams,
    SearchStats,
    f32,
    f64,
    fields,
    i32,
    initialised,
    lib,
    size,
    sized,
    u64,
)

NO_ITEM = 2**64 - 1
_TYPES, _METRICS = ("f32", "f16", "int8"), ("cosine", "dot", "l2")
_NO_F16 = 1
_SEARCH = {
    "k": size,
    "exact": i32,
    "n_probe": i32,
    "rescore": i32,
    "tags_all": u64,
    "tags_any": u64,
    "tags_none": u64,
    "number_min": f64,
    "number_max": f64,
}
_BUILD = {"min_vectors": size, "n_lists": i32, "n_iterations": i32, "sample": i32, "seed": u64}


class Found(NamedTuple):
    """Results of a search: ids and scores, best first. For one query at most k; for several queries [n, k], padded with
    id 2**64 - 1."""

    ids: Any
    scores: Any


def _vectors(name: str, given: Any, dim: int) -> Tuple[Any, int, bool]:
    """A C array of float32 from one vector or several, how many, and whether it was one. A contiguous float32 numpy
    array is not copied."""
    np = numpy()
    if np is not None:
        array = _array(np, name, given)
        if array.shape == (0,):  # an empty list: no vectors
            array = array.reshape(0, dim)
        if array.ndim not in (1, 2) or (array.shape[-1] != dim and array.shape[0]):
            raise ValueError("%s: shape %s, expected [n, %d] or [%d]" % (name, list(array.shape), dim, dim))
        return np.ascontiguousarray(array, dtype=np.float32), (1 if array.ndim == 1 else array.shape[0]), array.ndim == 1
    listed = items(name, given)
    single = bool(listed) and isinstance(listed[0], (int, float))
    rows = [listed] if single else [items(name, row) for row in listed]
    for i, row in enumerate(rows):
        if len(row) != dim:
            raise ValueError("%s[%d]: %d elements, expected %d" % (name, i, len(row), dim))
    flat = [number(name, x) for row in rows for x in row]
    return (f32 * max(1, len(flat)))(*flat), len(rows), single


def _array(np: Any, name: str, given: Any) -> Any:
    """A numpy array of real numbers."""
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":
            array = array.astype(np.float32)
    except (TypeError, ValueError) as e:
        raise TypeError("%s: expected numbers, rows of one length: %s" % (name, e)) from None
    if array.dtype.kind not in "biuf":
        raise TypeError("%s: expected numbers, got %s" % (name, array.dtype))
    return array


def _address(array: Any, kind: Any) -> Any:
    return array.ctypes.data_as(P(kind)) if hasattr(array, "ctypes") else array


def _ids(name: str, given: Any) -> Tuple[Any, int]:
    """A C array of 64 bits from ids, and how many."""
    np = numpy()
    if np is not None and isinstance(given, np.ndarray) and given.dtype.kind in "iu" and given.ndim == 1:
        if given.dtype.kind == "i" and given.size and int(given.min()) < 0:
            raise ValueError("%s: %d is out of range (0 to %d)" % (name, int(given.min()), NO_ITEM))
        return np.ascontiguousarray(given, dtype=np.uint64), len(given)
    listed = [integer("%s[%d]" % (name, i), x, u64) for i, x in enumerate(items(name, given))]
    return (u64 * max(1, len(listed)))(*listed), len(listed)


def _set(struct: Any, kinds: Dict[str, Any], given: Dict[str, Any]) -> Any:
    for name, value in given.items():
        if name not in kinds:
            raise TypeError("no parameter %r; there are %s" % (name, joined(kinds)))
        setattr(struct, name, number(name, value) if kinds[name] is f64 else integer(name, value, kinds[name]))
    return struct


class Index(Handle):
    """llmcs.Index(384): vectors by integer ids. type "int8" (with a float16 copy for final scores; f16=False keeps
    none), "f16" or "f32"; metric "cosine", "dot" or "l2"; n_threads; max_bytes; model_fingerprint from
    Model.fingerprint. Any thread may search, put and remove at the same time."""

    _free = lib.llmcs_index_free
    _elsewhere = "save() it to a file, and Index.open() that file there"

    def __init__(
        self,
        dim: int,
        type: str = "int8",
        metric: str = "cosine",
        f16: bool = True,
        n_threads: int = 0,
        max_bytes: int = 0,
        model_fingerprint: int = 0,
    ) -> None:
        super().__init__()
        options = _options(dim, n_threads, max_bytes, model_fingerprint)
        options.type, options.metric = choice("type", type, _TYPES), choice("metric", metric, _METRICS)
        options.flags = 0 if f16 else _NO_F16
        call(lib.llmcs_index_create, c.byref(options), c.byref(self._pointer))
        self._dim = integer("dim", dim, i32)

    @classmethod
    def open(
        cls, file: Any, dim: int = 0, n_threads: int = 0, max_bytes: int = 0, model_fingerprint: int = 0
    ) -> "Index":
        """An index that was saved; StateError if it names another model than model_fingerprint."""
        options = _options(dim, n_threads, max_bytes, model_fingerprint)
        index = cls.__new__(cls)
        Handle.__init__(index)
        call(lib.llmcs_index_open, path("file", file), c.byref(options), c.byref(index._pointer))
        index._dim = index.info()["dim"]
        return index

    def save(self, file: Any) -> None:
        """Writes it to a file atomically."""
        with self._using() as h:
            call(lib.llmcs_index_save, h, path("file", file))

    def __len__(self) -> int:
        return int(self.info()["n_vectors"])

    def info(self) -> Dict[str, Any]:
        """llmcs_index_info, with the names of type and metric."""
        struct = sized(IndexInfo)
        with self._using() as h:
            call(lib.llmcs_index_get_info, h, c.byref(struct))
        return {**fields(struct), "type": _TYPES[struct.type], "metric": _METRICS[struct.metric]}

    def put(self, ids: Any, vectors: Any, tags: Any = None, numbers: Any = None) -> None:
        """Puts a vector for each id, or replaces it. tags: an integer of 64 bits each; numbers: a number each."""
        array, n, _ = _vectors("vectors", vectors, self._dim)
        given, n_ids = _ids("ids", ids)
        if n_ids != n:
            raise ValueError("ids: %d for %d vectors" % (n_ids, n))
        extra = None
        if tags is not None or numbers is not None:
            extra = (ItemTags * max(1, n))()
            for name, values in (("tags", tags), ("numbers", numbers)):
                listed = [0 if name == "tags" else float("nan")] * n if values is None else items(name, values)
                if len(listed) != n:
                    raise ValueError("%s: %d for %d vectors" % (name, len(listed), n))
                for i, value in enumerate(listed):
                    if name == "tags":
                        extra[i].tags = integer("tags[%d]" % i, value, u64)
                    else:
                        extra[i].number = number("numbers[%d]" % i, value)
        with self._using() as h:
            call(lib.llmcs_index_put, h, _address(given, u64), _address(array, f32), extra, n)

    def remove(self, ids: Any) -> int:
        """Removes the vectors of these ids; returns how many there were."""
        (given, n), n_removed = _ids("ids", ids), size()
        with self._using() as h:
            call(lib.llmcs_index_remove, h, _address(given, u64), n, c.byref(n_removed))
        return int(n_removed.value)

    def get(self, id: int) -> Optional[Tuple[Any, int, float]]:
        """The stored vector of an id, its tags and its number; None if there is none."""
        vector, tags, found = (f32 * self._dim)(), ItemTags(), c.c_int()
        with self._using() as h:
            call(lib.llmcs_index_get, h, integer("id", id, u64), vector, c.byref(tags), c.byref(found))
        return (matrix(vector, self._dim), int(tags.tags), float(tags.number)) if found.value else None

    def _params(self, how: Dict[str, Any]) -> Tuple[Any, Any]:
        exclude = how.pop("exclude", None)
        params = _set(initialised(SearchParams), _SEARCH, how)
        kept = None
        if exclude is not None:
            kept, params.n_exclude = _ids("exclude", exclude)
            params.exclude = c.cast(_address(kept, u64), P(u64))
        return params, kept

    def search(self, queries: Any, stats: Optional[Dict[str, Any]] = None, **how: Any) -> Found:
        """The nearest vectors of one query or several. how: k, exact, n_probe, rescore, tags_all, tags_any, tags_none,
        number_min, number_max, exclude (ids). stats: a dict that gets llmcs_search_stats."""
        array, n, single = _vectors("queries", queries, self._dim)
        params, _kept = self._params(how)
        k = params.k
        ids, scores, n_found = (u64 * max(1, n * k))(), (f32 * max(1, n * k))(), (size * max(1, n))()
        counts = sized(SearchStats)
        params.stats = c.pointer(counts)
        with self._using() as h:
            call(lib.llmcs_index_search, h, _address(array, f32), n, c.byref(params), ids, scores, n_found)
        if stats is not None:
            stats.update(fields(counts))
        shape = (n_found[0],) if single else (n, k)
        np = numpy()
        if np is None:
            rows = [ids[: n_found[0]]] if single else [ids[i * k : (i + 1) * k] for i in range(n)]
            return Found(rows[0] if single else rows, matrix(scores, *shape))
        count = n_found[0] if single else n * k
        return Found(np.frombuffer(ids, dtype=np.uint64, count=count).reshape(shape), matrix(scores, *shape))

    def build(self, **how: Any) -> None:
        """Divides the vectors into lists, from 50,000 on: min_vectors, n_lists, n_iterations, sample, seed."""
        params = _set(initialised(IndexBuildParams), _BUILD, how)
        with self._using() as h:
            interruptible(lambda: call(lib.llmcs_index_build, h, c.byref(params)), lambda: None)

    def measure(self, queries: Any, **how: Any) -> Dict[str, float]:
        """Recall and time of a search as `how` describes it, against the exact one: llmcs_index_measurement."""
        array, n, _ = _vectors("queries", queries, self._dim)
        params, _kept = self._params(how)
        result = sized(IndexMeasurement)
        with self._using() as h:
            call(lib.llmcs_index_measure, h, _address(array, f32), n, c.byref(params), c.byref(result))
        return fields(result)

    @property
    def attachment(self) -> bytes:
        """Bytes that are saved with the index."""
        n = size()
        with self._using() as h:
            call(lib.llmcs_index_get_attachment, h, None, 0, c.byref(n))
            buffer = c.create_string_buffer(max(1, n.value))
            call(lib.llmcs_index_get_attachment, h, buffer, n.value, c.byref(n))
        return buffer.raw[: n.value]

    @attachment.setter
    def attachment(self, data: Any) -> None:
        given = data_bytes("attachment", data)
        with self._using() as h:
            call(lib.llmcs_index_set_attachment, h, given, len(given))


def _options(dim: int, n_threads: int, max_bytes: int, model_fingerprint: int) -> Any:
    options = initialised(IndexOptions)
    options.dim, options.n_threads = integer("dim", dim, i32), integer("n_threads", n_threads, i32)
    options.max_bytes = integer("max_bytes", max_bytes, u64)
    options.model_fingerprint = integer("model_fingerprint", model_fingerprint, u64)
    return options
