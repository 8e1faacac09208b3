"""Recommendations: products for a customer, next to a product, or for a text."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from llmcs._errors import call
from llmcs._inputs import c_string, choice, integer, items, number, utf8
from llmcs._native import size

from . import _inputs as rows
from ._native import Boost, EventWeight, P, RecommendParams, Recommendations, initialised, lib

_SEEN = ("exclude", "exclude_bought", "include")
_LISTS = ("categories", "tags_all", "tags_any", "tags_none", "exclude")
_NUMBERS = ("price_min", "price_max", "weight_content", "weight_together", "weight_popular", "half_life_days", "diversity")


class Recommended(NamedTuple):
    """A product and why: title in the language of the reason, reason in words, parts as (item, event, share of the score) of the customer's behaviours.
    content, together and popular are the parts of the score before they are weighted."""

    id: str
    title: str
    score: float
    reason: str
    parts: List[Tuple[str, str, float]]
    content: float
    together: float
    popular: float


def _decoded(value: Optional[bytes]) -> str:
    return (value or b"").decode("utf-8", "replace")


def _recommended(r: Any) -> Recommended:
    parts = [(_decoded(p.contents.item), _decoded(p.contents.event), p.contents.share) for p in r.parts[: r.n_parts]]
    words = _decoded(r.item), _decoded(r.title), r.score, _decoded(r.reason)
    return Recommended(*words, parts, r.content, r.together, r.popular)


class Recommender:
    """The part of a Shop that recommends products."""

    def recommend(
        self,
        customer: Optional[str] = None,
        item: Optional[str] = None,
        text: Optional[str] = None,
        k: int = 10,
        lang: Optional[str] = None,
        out_of_stock: bool = False,
        seen: str = "exclude",
        event_weights: Optional[Dict[str, float]] = None,
        boosts: Any = (),
        **how: Any,
    ) -> List[Recommended]:
        """The k best products, best first, for exactly one of customer, item and text.

        Filters: categories, tags_all, tags_any, tags_none, exclude (lists), price_min, price_max, out_of_stock=True to
        include products without stock, seen: how to treat the customer's own items ("exclude", "exclude_bought",
        "include"). Score: weight_content, weight_together, weight_popular, half_life_days, diversity; event_weights
        {type: weight}; boosts: dicts with add and any of item, category, brand, tag. lang: of the reasons."""
        params = initialised(RecommendParams)
        params.customer, params.item = rows.string("customer", customer), rows.string("item", item)
        asked = None if text is None else utf8("text", text)
        params.text, params.text_bytes = asked, len(asked or b"")
        params.k, params.lang = integer("k", k, size), rows.string("lang", lang)
        params.out_of_stock, params.seen = int(bool(out_of_stock)), choice("seen", seen, _SEEN)
        for name, value in how.items():
            if name in _LISTS:
                array = rows.strings(name, value)
                setattr(params, name, array)
                setattr(params, "n_" + name, len(array))
            elif name in _NUMBERS:
                setattr(params, name, number(name, value))
            else:
                raise TypeError("no argument %r; there are %s" % (name, ", ".join(_LISTS + _NUMBERS)))
        if event_weights is not None:
            weights = [(c_string("event_weights", n), number("event_weights[%r]" % n, w)) for n, w in event_weights.items()]
            params.event_weights = (EventWeight * max(1, len(weights)))(*weights)
            params.n_event_weights = len(weights)
        listed = [rows.row("boosts[%d]" % i, b, "add", "item category brand tag") for i, b in enumerate(items("boosts", boosts))]
        array = (Boost * max(1, len(listed)))()
        for i, (slot, boost) in enumerate(zip(array, listed)):
            for name in ("item", "category", "brand", "tag"):
                setattr(slot, name, rows.string("boosts[%d].%s" % (i, name), boost.get(name)))
            slot.add = number("boosts[%d].add" % i, boost["add"])
        params.boosts, params.n_boosts = array, len(listed)
        found = P(Recommendations)()
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_recommend, h, c.byref(params), c.byref(found))
        try:
            return [_recommended(p.contents) for p in found.contents.items[: found.contents.n_items]]
        finally:
            lib.llmcs_shop_recommendations_free(c.byref(found))
