"""The knowledge base: entries, questions, answers with citations."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, NamedTuple, Optional

import llmcs
from llmcs._errors import call
from llmcs._inputs import c_string, integer, items, number, utf8
from llmcs._model import Progress, _Progress
from llmcs._native import fields, i32, size, sized

from . import _inputs as rows
from ._native import Answer, AskParams, CalibrateParams, Calibration, Labelled, P, Slot, i64, initialised, lib, text

_WORDS_ONLY, _VECTORS_ONLY, _CHOOSE, _GENERATE = 1, 2, 4, 8
_SEARCHES = ("both", "words", "vectors")


class Citation(NamedTuple):
    """Bytes [reply_begin, reply_end) of the reply are, or stand on, bytes [entry_begin, entry_end) of a text of an
    entry: its answer (text_index 0) or one of its questions (1, ...)."""

    id: str
    lang: str
    version: int
    text_index: int
    entry_begin: int
    entry_end: int
    reply_begin: int
    reply_end: int


class Candidate(NamedTuple):
    """An entry that may answer the question. probability: that it does; logprob and information are nan without a
    writer."""

    id: str
    lang: str
    version: int
    question: str
    answer: str
    score: float
    probability: float
    cosine: float
    answer_cosine: float
    bm25: float
    fused: float
    rerank: float
    logprob: float
    information: float


class Reply(NamedTuple):
    """What the shop says: route is ENTRY, FILLED, GENERATED, ASK_BACK or NONE (text is ""). probability: that it is
    right. ms: {"embed", "words", "vectors", "rank", "write", "total"}."""

    route: str
    text: str
    probability: float
    citations: List[Citation]
    candidates: List[Candidate]
    missing_slot: Optional[str]
    threshold: float
    ms: Dict[str, float]


def _plain(kind: Any, struct: Any) -> Any:
    """A struct of the library as the named tuple with its fields."""
    found = fields(struct)
    return kind(**{name: found[name] for name in kind._fields})


def _reply(a: Any) -> Reply:
    return Reply(
        route=lib.llmcs_shop_route_name(a.route).decode(),
        text=c.string_at(a.text, a.text_bytes).decode("utf-8", "replace"),
        probability=a.probability,
        citations=[_plain(Citation, p.contents) for p in a.citations[: a.n_citations]],
        candidates=[_plain(Candidate, p.contents) for p in a.candidates[: a.n_candidates]],
        missing_slot=a.missing_slot.decode("utf-8", "replace") if a.missing_slot else None,
        threshold=a.threshold,
        ms={name[:-3]: getattr(a, name) for name, _ in a._fields_ if name.endswith("_ms")},
    )


class Knowledge:
    """The part of a Shop that answers questions."""

    def put_entries(self, entries: Any) -> rows.Stored:
        """Adds entries, or new versions of those with the same id and language: dicts with id, question or questions,
        answer, and where known lang, tags, valid_from, valid_until. {name} in an answer is a slot."""
        put: rows.Stored = self._put(lib.llmcs_shop_put_entries, "entries", entries, rows.entry)  # type: ignore[attr-defined]
        return put

    def retire_entry(self, id: str, lang: Optional[str] = None) -> int:
        """Retires an entry, in one language or all; how many were not retired before. Citations of it still resolve."""
        n = size()
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_retire_entry, h, c_string("id", id), rows.string("lang", lang), c.byref(n))
        return n.value

    def entry_text(self, id: str, lang: str = "", version: int = 0, text_index: int = 0) -> str:
        """The text that a citation names; version 0: the current one."""
        n, buffer = size(), c.create_string_buffer(65537)  # the longest with its NUL
        where = (c_string("id", id), c_string("lang", lang), integer("version", version, i32))
        index = integer("text_index", text_index, size)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_entry_text, h, *where, index, buffer, len(buffer), c.byref(n))
        return buffer.raw[: n.value].decode("utf-8")

    def ask(
        self,
        question: str,
        lang: Optional[str] = None,
        k: int = 5,
        tags: Any = (),
        slots: Optional[Dict[str, str]] = None,
        threshold: Optional[float] = None,
        now: Any = None,
        search: str = "both",
        reranker: "Optional[llmcs.Model]" = None,
        writer: "Optional[llmcs.Session]" = None,
        choose: bool = False,
        generate: bool = False,
    ) -> Reply:
        """A Reply to a question. slots: {name: value} for answers. threshold: the least probability of an answer, None:
        as calibrated. search: "both", "words" or "vectors". reranker: a cross-encoder. writer: a decoder's session;
        with choose=True the candidate with the highest log p(a|q) - log p(a) per token answers, with generate=True the
        writer words the reply."""
        asked = utf8("question", question)
        params = initialised(AskParams)
        params.lang = rows.string("lang", lang)
        params.k = integer("k", k, size)
        words = rows.strings("tags", tags)
        params.tags, params.n_tags = words, len(words)
        pairs = [(c_string("slots", name), c_string("slots[%r]" % name, v)) for name, v in (slots or {}).items()]
        array = (Slot * max(1, len(pairs)))(*pairs)
        params.slots, params.n_slots = array, len(pairs)
        params.threshold = -1.0 if threshold is None else number("threshold", threshold)
        params.now = rows.seconds("now", now)
        params.flags = (0, _WORDS_ONLY, _VECTORS_ONLY)[llmcs._inputs.choice("search", search, _SEARCHES)]
        params.flags |= (_CHOOSE if choose else 0) | (_GENERATE if generate else 0)
        found = P(Answer)()
        with self._using() as h, _held("reranker", reranker, llmcs.Model) as a, _held("writer", writer, llmcs.Session) as b:  # type: ignore[attr-defined]
            params.reranker, params.writer = a, b
            call(lib.llmcs_shop_ask, h, asked, len(asked), c.byref(params), c.byref(found))
        try:
            return _reply(found.contents)
        finally:
            lib.llmcs_shop_answer_free(c.byref(found))

    def calibrate(
        self,
        questions: Any,
        leave_one_out: bool = True,
        precision: float = 0.95,
        progress: Optional[Progress] = None,
    ) -> Dict[str, Any]:
        """Fits weights and threshold to labelled questions: dicts with text, id (None: no entry answers it), and where
        known lang. The store keeps them; what they reach comes back as a dict."""
        listed = [
            rows.row("questions[%d]" % i, {"id": None, **q}, "text", "id lang")
            for i, q in enumerate(items("questions", questions))
        ]
        array = (Labelled * max(1, len(listed)))()
        for i, (slot, q) in enumerate(zip(array, listed)):
            for name in ("text", "lang", "id"):
                setattr(slot, name, rows.string("questions[%d].%s" % (i, name), q.get(name)))
        params, out = initialised(CalibrateParams), sized(Calibration)
        params.leave_one_out, params.precision = int(bool(leave_one_out)), number("precision", precision)
        watch = _Progress(progress)
        params.progress = watch.function
        with self._using() as h:  # type: ignore[attr-defined]
            watch.call(lib.llmcs_shop_calibrate, h, array, len(listed), c.byref(params), c.byref(out))
        return fields(out)


class _held:
    """The native pointer of an object, which stays open meanwhile; None: NULL."""

    def __init__(self, name: str, thing: Any, kind: Any) -> None:
        if thing is not None and not isinstance(thing, kind):
            raise TypeError("%s: expected a llmcs.%s, got %s" % (name, kind.__name__, type(thing).__name__))
        self._use = None if thing is None else thing._using()

    def __enter__(self) -> Any:
        return None if self._use is None else self._use.__enter__()

    def __exit__(self, *_: Any) -> None:
        if self._use is not None:
            self._use.__exit__()
