"""Suggested replies for agents, and rewriting."""

from __future__ import annotations

import ctypes as c
import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import llmcs
from llmcs._errors import call
from llmcs._handles import Handle
from llmcs._inputs import PathInput, c_string, choice, integer, number, path, utf8
from llmcs._native import P, size

from . import _inputs as rows
from ._guard import Guard
from ._learn import _OUTCOMES
from ._native import AssistantOptions, AssistParams, OnSuggestion, Rewritten, Suggestions, initialised, lib

_KINDS = tuple(lib.llmcs_shop_suggestion_kind_name(i).decode() for i in range(4))
_STYLES = ("politer", "shorter")


class Source(NamedTuple):
    """An entry that a suggestion cites."""

    id: str
    lang: str
    version: int


class Suggestion(NamedTuple):
    """A reply for the agent. kind: "entry", "past", "draft" or "template". text is masked. source: of "past", the id of
    the feedback. verdict: the guard's, or "". action: the action that waits for the customer's approval, or None. ms: from
    the start of the call until the suggestion was ready."""

    id: str
    kind: str
    text: str
    score: float
    citations: List[Source]
    source: str
    verdict: str
    verdict_label: str
    action: Optional[Dict[str, Any]]
    ms: float


def _decoded(value: Optional[bytes]) -> str:
    return (value or b"").decode("utf-8", "replace")


def _suggestion(s: Any) -> Suggestion:
    cited = [Source(_decoded(p.contents.id), _decoded(p.contents.lang), p.contents.version) for p in s.citations[: s.n_citations]]
    words = c.string_at(s.text, s.text_bytes).decode("utf-8", "replace")
    action = json.loads(s.action) if s.action else None
    verdict = (_decoded(s.source), _decoded(s.verdict), _decoded(s.verdict_label))
    return Suggestion(_decoded(s.id), _KINDS[s.kind], words, s.score, cited, *verdict, action, s.ms)


class Assistant(Handle):
    """Assistant(shop, guard): suggests replies in conversations. shop None: only rewrite() works. guard checks
    suggestions and masks edited ones. wording: folder of a decoder that words drafts and rewrites. Any thread may use
    it."""

    _free = lib.llmcs_shop_assistant_free

    def __init__(
        self,
        shop: Any = None,
        guard: Optional[Guard] = None,
        wording: Optional[PathInput] = None,
        wording_model: "Optional[llmcs.Model]" = None,
    ) -> None:
        super().__init__()
        options = initialised(AssistantOptions)
        options.wording = None if wording is None else path("wording", wording)
        if wording_model is not None and not isinstance(wording_model, llmcs.Model):
            raise TypeError("wording_model: expected a llmcs.Model, got %s" % type(wording_model).__name__)
        self._keep_open(shop, guard, wording_model)
        options.guard = None if guard is None else guard._pointer
        options.wording_model = None if wording_model is None else wording_model._pointer
        call(lib.llmcs_shop_assistant_create, None if shop is None else shop._pointer, c.byref(options), c.byref(self._pointer))

    def suggest(
        self,
        conversation: str,
        text: Optional[str] = None,
        k: int = 3,
        lang: Optional[str] = None,
        actor: Optional[str] = None,
        deadline_ms: float = 3000,
        on_suggestion: Optional[Callable[[Suggestion], Any]] = None,
    ) -> List[Suggestion]:
        """Suggestions for a conversation's last message, or for `text`, and keeps them as shown. on_suggestion is called
        with each one as soon as it is made; a true result stops there."""
        params, found = initialised(AssistParams), P(Suggestions)()
        params.k, params.text = integer("k", k, size), rows.string("text", text)
        params.lang, params.actor = rows.string("lang", lang), rows.string("actor", actor)
        params.deadline_ms = number("deadline_ms", deadline_ms)
        raised: List[BaseException] = []

        def receive(_user: Any, suggestion: Any) -> int:
            try:
                return int(bool(on_suggestion and on_suggestion(_suggestion(suggestion.contents))))
            except BaseException as e:  # must not cross the C frames below
                raised.append(e)
                return 1

        callback = OnSuggestion(receive)
        if on_suggestion is not None:
            params.on_suggestion = callback
        with self._using() as h:
            call(lib.llmcs_shop_assist, h, c_string("conversation", conversation), c.byref(params), c.byref(found))
        try:
            if raised:
                raise raised[0]
            return [_suggestion(p.contents) for p in found.contents.items[: found.contents.n_items]]
        finally:
            lib.llmcs_shop_suggestions_free(c.byref(found))

    def decide(self, suggestion: str, outcome: str, sent: Optional[str] = None, actor: Optional[str] = None) -> None:
        """Stores the outcome of a suggestion: "accepted", "edited" (sent: the text that was sent) or "rejected"."""
        arguments = c_string("suggestion", suggestion), choice("outcome", outcome, _OUTCOMES)
        with self._using() as h:
            call(lib.llmcs_shop_suggestion_decide, h, *arguments, rows.string("sent", sent), rows.string("actor", actor))

    def rewrite(self, text: str, style: str = "politer", lang: Optional[str] = None) -> str:
        """The text "politer" or "shorter". Numbers, links, codes, quoted text and placeholders stay as they are."""
        encoded, found = utf8("text", text), P(Rewritten)()
        arguments = choice("style", style, _STYLES), rows.string("lang", lang)
        with self._using() as h:
            call(lib.llmcs_shop_rewrite, h, encoded, len(encoded), *arguments, c.byref(found))
        try:
            return c.string_at(found.contents.text, found.contents.text_bytes).decode("utf-8", "replace")
        finally:
            lib.llmcs_shop_rewritten_free(c.byref(found))
