"""Personal data: found, masked and put back."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from llmcs._errors import call
from llmcs._handles import Handle
from llmcs._inputs import PathInput, c_string, choice, integer, items, number, path, utf8
from llmcs._native import ptr, size, u64

from ._classifier import Classifier, _vectors
from ._native import (
    CheckParams,
    GuardOptions,
    MaskParams,
    Masked as _MaskedStruct,
    TaggedSpan,
    TaggedText,
    TaggerParams,
    Verdict as _VerdictStruct,
    f32,
    initialised,
    lib,
)
from ._shop import Shop

_KEEP_PLACES, _NO_TAGGER = 1, 2
_NO_WORDS, _NO_CLASSIFIER = 1, 2
_DIRECTIONS = ("in", "out")
KINDS = tuple(lib.llmcs_shop_pii_name(i).decode() for i in range(11))


class MaskedSpan(NamedTuple):
    """A part of the text that was masked. begin and end are byte offsets in its UTF-8; name: such as "PHONE_1"; rule: what
    found it."""

    kind: str
    begin: int
    end: int
    name: str
    rule: str


class Masked(NamedTuple):
    """A text with its personal data replaced, and what was replaced."""

    text: str
    spans: List[MaskedSpan]


def _action(value: int) -> str:
    return str(lib.llmcs_shop_check_action_name(value).decode())


class Reason(NamedTuple):
    """Why a text is not safe. layer: "words", "rules" or "classifier"; rule: "insult", "injection", ...; begin and end
    count bytes of its UTF-8; action "ALLOW": for information only."""

    layer: str
    rule: str
    begin: int
    end: int
    weight: float
    action: str


class Verdict(NamedTuple):
    """Whether a text may pass: action is "ALLOW", "MASK", "WARN", "BLOCK" or "HANDOVER"; label is the strongest reason's
    rule, or "safe"; unsafe is the classifier's probability, None without one."""

    action: str
    label: str
    score: float
    unsafe: Optional[float]
    reasons: List[Reason]


class Names(Handle):
    """Which placeholder stands for which value, in one conversation; one thread at a time. With a shop they are also in
    its vault, under the customer's key."""

    _free = lib.llmcs_shop_names_free

    def __init__(
        self, shop: Optional[Shop] = None, customer: Optional[str] = None, conversation: Optional[str] = None
    ) -> None:
        super().__init__()
        if shop is not None and not isinstance(shop, Shop):
            raise TypeError("shop: expected a Shop, got %s" % type(shop).__name__)
        self._keep_open(shop)
        who = None if customer is None else c_string("customer", customer)
        which = None if conversation is None else c_string("conversation", conversation)
        if shop is None:
            call(lib.llmcs_shop_names_create, None, who, which, None, c.byref(self._pointer))
        else:
            with shop._using() as h:
                call(lib.llmcs_shop_names_create, h, who, which, None, c.byref(self._pointer))

    def set(self, name: str, value: str) -> None:
        """Sets the value of a placeholder ("PHONE_1")."""
        encoded = utf8("value", value)
        with self._using() as h:
            call(lib.llmcs_shop_names_set, h, c_string("name", name), encoded, len(encoded))

    def values(self) -> Dict[str, str]:
        """{"PHONE_1": "138...", ...}."""
        out: Dict[str, str] = {}
        value, n = ptr(), size()
        with self._using() as h:
            for i in range(lib.llmcs_shop_names_count(h)):
                name = lib.llmcs_shop_names_get(h, i, c.byref(value), c.byref(n))
                out[name.decode()] = c.string_at(value.value or 0, n.value).decode("utf-8", "surrogateescape")
        return out

    def unmask(self, text: str) -> str:
        """The text with every known placeholder replaced by its value."""
        encoded, n = utf8("text", text), size()
        with self._using() as h:
            lib.llmcs_shop_unmask(h, encoded, len(encoded), None, 0, c.byref(n))
            buffer = c.create_string_buffer(n.value + 1)
            call(lib.llmcs_shop_unmask, h, encoded, len(encoded), buffer, len(buffer), c.byref(n))
        return buffer.raw[: n.value].decode("utf-8", "replace")


class Guard(Handle):
    """Finds personal data and checks texts. Any thread may use it. tagger: a file that finds names and addresses in
    running text; order_pattern: what the shop's order numbers look like, in PCRE2 syntax; words: a word list in place of
    the built-in one; moderation: a Classifier with a class "safe"; warn_score, block_score: the probabilities of not being
    safe from which it warns and blocks."""

    _free = lib.llmcs_shop_guard_free

    def __init__(
        self,
        tagger: Optional[PathInput] = None,
        order_pattern: Optional[str] = None,
        words: Optional[PathInput] = None,
        moderation: Optional[Classifier] = None,
        warn_score: Optional[float] = None,
        block_score: Optional[float] = None,
    ) -> None:
        super().__init__()
        options = initialised(GuardOptions)
        options.words_path = None if words is None else path("words", words)
        if warn_score is not None:
            options.warn_score = number("warn_score", warn_score)
        if block_score is not None:
            options.block_score = number("block_score", block_score)
        if moderation is not None and not isinstance(moderation, Classifier):
            raise TypeError("moderation: expected a Classifier, got %s" % type(moderation).__name__)
        # A handle of our own: the classifier's encoder lives as long as the guard.
        self._moderation = None if moderation is None else moderation.copy_reference()
        options.tagger_path = None if tagger is None else path("tagger", tagger)
        options.order_pattern = None if order_pattern is None else c_string("order_pattern", order_pattern)
        if self._moderation is None:
            call(lib.llmcs_shop_guard_create, c.byref(options), c.byref(self._pointer))
        else:
            with self._moderation._using() as m:
                options.moderation = m
                call(lib.llmcs_shop_guard_create, c.byref(options), c.byref(self._pointer))

    def check(
        self,
        text: str,
        direction: str = "in",
        use_words: bool = True,
        use_classifier: bool = True,
        vector: Any = None,
    ) -> Verdict:
        """Whether a text may pass, and why not. direction: "in" for a customer's or product's text, "out" for a reply of
        the shop, which anything found blocks. vector: from the classifier's encoder, if already computed."""
        params = initialised(CheckParams)
        params.direction = choice("direction", direction, _DIRECTIONS)
        params.flags = (0 if use_words else _NO_WORDS) | (0 if use_classifier else _NO_CLASSIFIER)
        if vector is not None:
            if self._moderation is None:
                raise ValueError("vector: the guard has no classifier")
            params.vector = c.cast(_vectors("vector", [vector], 1, self._moderation.info["n_embedding"]), c.POINTER(f32))
        encoded, found = utf8("text", text), c.POINTER(_VerdictStruct)()
        with self._using() as h:
            try:
                call(lib.llmcs_shop_check, h, encoded, len(encoded), c.byref(params), c.byref(found))
                v = found.contents
                reasons = [
                    Reason(r.layer.decode(), r.rule.decode("utf-8", "replace"), r.begin, r.end, r.weight, _action(r.action))
                    for r in (p.contents for p in v.reasons[: v.n_reasons])
                ]
                unsafe = None if v.unsafe != v.unsafe else v.unsafe
                return Verdict(_action(v.action), v.label.decode("utf-8", "replace"), v.score, unsafe, reasons)
            finally:
                lib.llmcs_shop_verdict_free(c.byref(found))

    def mask(
        self,
        text: str,
        names: Optional[Names] = None,
        kinds: Optional[Iterable[str]] = None,
        keep_places: bool = False,
        use_tagger: bool = True,
    ) -> Masked:
        """Masks a text. names: the conversation's; None to search alone. kinds: "PHONE", "NAME", ...; None for all.
        keep_places leaves a country, province or city that stands without a finer part."""
        if names is not None and not isinstance(names, Names):
            raise TypeError("names: expected Names, got %s" % type(names).__name__)
        params = initialised(MaskParams)
        params.flags = (_KEEP_PLACES if keep_places else 0) | (0 if use_tagger else _NO_TAGGER)
        if kinds is not None:
            params.kinds = 0
            for kind in kinds:
                if kind not in KINDS:
                    raise ValueError("kinds: %r is not one of %s" % (kind, ", ".join(KINDS)))
                params.kinds |= 1 << KINDS.index(kind)
        encoded, found = utf8("text", text), c.POINTER(_MaskedStruct)()
        with self._using() as h:
            try:
                if names is None:
                    call(lib.llmcs_shop_mask, h, None, encoded, len(encoded), c.byref(params), c.byref(found))
                else:
                    with names._using() as n:
                        call(lib.llmcs_shop_mask, h, n, encoded, len(encoded), c.byref(params), c.byref(found))
                m = found.contents
                spans = [
                    MaskedSpan(KINDS[s.contents.kind], s.contents.begin, s.contents.end, s.contents.name.decode(),
                               s.contents.rule.decode())
                    for s in m.spans[: m.n_spans]
                ]  # fmt: skip
                return Masked(c.string_at(m.text, m.text_bytes).decode("utf-8", "replace"), spans)
            finally:
                lib.llmcs_shop_masked_free(c.byref(found))


def train_tagger(
    file: PathInput,
    texts: Any,
    spans: Any,
    checkpoint: Optional[PathInput] = None,
    l2: Optional[float] = None,
    seed: int = 0,
    words: Optional[PathInput] = None,
    **params: int,
) -> None:
    """Trains a tagger and writes its file. spans: for each text a list of (begin, end, label), in characters of the str.
    words: a file of words that it knows, see llmcs_shop_tagger_params.words_path.
    params: n_epochs, max_features, min_count as in llmcs_shop_tagger_params."""
    rows, kept = [], []
    for i, (given, labelled) in enumerate(zip(items("texts", texts), items("spans", spans))):
        encoded = utf8("texts[%d]" % i, given)
        own = [
            TaggedSpan(len(given[:b].encode("utf-8")), len(given[:e].encode("utf-8")), c_string("spans[%d]" % i, label))
            for b, e, label in labelled
        ]
        array = (TaggedSpan * max(1, len(own)))(*own)
        kept.append((encoded, array))
        rows.append(TaggedText(encoded, len(encoded), array, len(own)))
    options = initialised(TaggerParams)
    options.checkpoint_path = None if checkpoint is None else path("checkpoint", checkpoint)
    options.words_path = None if words is None else path("words", words)
    if l2 is not None:
        options.l2 = number("l2", l2)
    options.seed = integer("seed", seed, u64)
    for name, value in params.items():
        if name not in ("n_epochs", "max_features", "min_count"):
            raise TypeError("no argument %r; there are n_epochs, max_features, min_count" % name)
        setattr(options, name, integer(name, value, c.c_int32))
    call(lib.llmcs_shop_tagger_train, (TaggedText * max(1, len(rows)))(*rows), len(rows), c.byref(options), path("file", file))
