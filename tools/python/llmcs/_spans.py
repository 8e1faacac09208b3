"""Parts of texts that Model.tag and Model.answer_span find."""

from __future__ import annotations

import ctypes as c
from typing import Any, List, NamedTuple

from ._native import SpanResult, lib


class Span(NamedTuple):
    """A part of a text: bytes [begin, end) of its UTF-8 form, as in Encoding.offsets; `text` is that part."""

    label: str  # of the part; "" for an answer
    score: float
    begin: int
    end: int
    text: str


class FoundSpans:
    """Where the library puts its result, which is freed with this object."""

    def __init__(self) -> None:
        self.result = c.POINTER(SpanResult)()

    def __del__(self) -> None:
        lib.llmcs_span_result_free(c.byref(self.result))

    def of(self, i: int, text: bytes) -> List[Span]:
        """The spans of text i."""
        found = self.result.contents.texts[i].contents
        return [self._span(found.spans[k].contents, text) for k in range(found.n_spans)]

    @staticmethod
    def _span(s: Any, text: bytes) -> Span:
        part = text[s.begin : s.end].decode("utf-8", "replace")
        return Span(s.label.decode("utf-8", "replace"), s.score, s.begin, s.end, part)
