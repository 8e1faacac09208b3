"""Personal data: found, masked and put back."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from llmcs._errors import call
from llmcs._handles import Handle
from llmcs._inputs import PathInput, c_string, integer, items, number, path, utf8
from llmcs._native import ptr, size, u64

from ._native import GuardOptions, MaskParams, Masked as _MaskedStruct, TaggedSpan, TaggedText, TaggerParams, initialised, lib
from ._shop import Shop

_KEEP_PLACES, _NO_TAGGER = 1, 2
KINDS = tuple(lib.llmcs_shop_pii_name(i).decode() for i in range(11))


class MaskedSpan(NamedTuple):
    """A part of the text that was masked. begin and end count bytes of its UTF-8; name is "PHONE_1"; rule says what
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
        self._shop = shop
        who = None if customer is None else c_string("customer", customer)
        which = None if conversation is None else c_string("conversation", conversation)
        if shop is None:
            call(lib.llmcs_shop_names_create, None, who, which, None, c.byref(self._pointer))
        else:
            with shop._using() as h:
                call(lib.llmcs_shop_names_create, h, who, which, None, c.byref(self._pointer))

    def set(self, name: str, value: str) -> None:
        """Says what a placeholder ("PHONE_1") stands for."""
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
    """Finds personal data. Any thread may use it. tagger: a file that finds names and addresses in running text;
    order_pattern: what the shop's order numbers look like, in PCRE2 syntax."""

    _free = lib.llmcs_shop_guard_free

    def __init__(self, tagger: Optional[PathInput] = None, order_pattern: Optional[str] = None) -> None:
        super().__init__()
        options = initialised(GuardOptions)
        options.tagger_path = None if tagger is None else path("tagger", tagger)
        options.order_pattern = None if order_pattern is None else c_string("order_pattern", order_pattern)
        call(lib.llmcs_shop_guard_create, c.byref(options), c.byref(self._pointer))

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
    **params: int,
) -> None:
    """Trains a tagger and writes its file. spans: for each text a list of (begin, end, label), in characters of the str.
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
    if l2 is not None:
        options.l2 = number("l2", l2)
    options.seed = integer("seed", seed, u64)
    for name, value in params.items():
        if name not in ("n_epochs", "max_features", "min_count"):
            raise TypeError("no argument %r; there are n_epochs, max_features, min_count" % name)
        setattr(options, name, integer(name, value, c.c_int32))
    call(lib.llmcs_shop_tagger_train, (TaggedText * max(1, len(rows)))(*rows), len(rows), c.byref(options), path("file", file))
