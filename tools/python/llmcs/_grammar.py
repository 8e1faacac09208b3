"""Grammars: constraints on generated texts."""

from __future__ import annotations

import ctypes as c
import json
from typing import Any, Iterable

from ._errors import call
from ._handles import Handle
from ._inputs import c_string, items, utf8
from ._native import lib, text
from ._tokenizer import Tokenizer


class Grammar(Handle):
    """A set of texts, for the parameter `grammar` of generate: made once for a tokenizer by one of

        Grammar.json_schema(model.tokenizer, {"type": "object", "properties": {...}})
        Grammar.regex(model.tokenizer, r"[A-Z]{2}-[0-9]{4}")
        Grammar.choices(model.tokenizer, ["yes", "no"])

    and then used by any number of calls and threads at once."""

    _free = lib.llmcs_grammar_free
    _survives_fork = True

    def __init__(self, tokenizer: Tokenizer, function: Any, *arguments: Any) -> None:
        super().__init__()
        self._tokenizer = tokenizer  # the grammar reads it
        with tokenizer._using() as h:
            call(function, h, *arguments, c.byref(self._pointer))

    @classmethod
    def choices(cls, tokenizer: Tokenizer, texts: Iterable[str]) -> "Grammar":
        encoded = [c_string("texts[%d]" % i, s) for i, s in enumerate(items("texts", texts))]
        return cls(tokenizer, lib.llmcs_grammar_choices, (text * len(encoded))(*encoded), len(encoded))

    @classmethod
    def regex(cls, tokenizer: Tokenizer, pattern: str) -> "Grammar":
        encoded = utf8("pattern", pattern)
        return cls(tokenizer, lib.llmcs_grammar_regex, encoded, len(encoded))

    @classmethod
    def json_schema(cls, tokenizer: Tokenizer, schema: Any) -> "Grammar":
        """schema: its JSON text, or what json.loads would make of it."""
        encoded = utf8("schema", schema if isinstance(schema, str) else json.dumps(schema))
        return cls(tokenizer, lib.llmcs_grammar_json_schema, encoded, len(encoded))
