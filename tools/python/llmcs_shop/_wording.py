"""Checks that a generated text states only known facts."""

from __future__ import annotations

import ctypes as c
from typing import Any, NamedTuple, Optional

from llmcs._errors import call
from llmcs._inputs import items, utf8

from . import _native
from ._inputs import string
from ._native import lib


class GateVerdict(NamedTuple):
    """passed: the text may be shown. Else reason says why not ("number", "promise", "language", ...), and found is
    the unsupported part."""

    passed: bool
    reason: str
    found: str


def gate(text: str, facts: Any, lang: Optional[str] = None) -> GateVerdict:
    """Compares a text with facts: a dict, or a list of sentences and (key, value) pairs. See llmcs_shop_wording.h."""
    given = list(facts.items()) if isinstance(facts, dict) else items("facts", facts)
    array = (_native.Fact * max(1, len(given)))()
    for i, fact in enumerate(given):
        key, value = (None, fact) if isinstance(fact, str) else fact
        array[i].key, array[i].value = string("facts[%d]" % i, key), string("facts[%d]" % i, value)
    encoded = utf8("text", text)
    verdict = _native.GateVerdict(c.sizeof(_native.GateVerdict))
    call(lib.llmcs_shop_gate, encoded, len(encoded), array, len(given), string("lang", lang), c.byref(verdict))
    return GateVerdict(bool(verdict.passed), verdict.reason.decode(), verdict.found.decode("utf-8", "replace"))
