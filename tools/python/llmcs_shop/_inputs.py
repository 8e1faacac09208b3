"""Converts rows (dicts, as in JSON Lines) to structs of the library."""

from __future__ import annotations

import ctypes as c
import datetime
import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from llmcs._inputs import _got, _RANGES, c_string, integer, items, number

from ._native import (
    Customer,
    Entry,
    Event,
    Order,
    OrderItem,
    P,
    Product,
    ProductText,
    f64,
    i64,
    text,
)

_RANGES[i64] = (-(2**63), 2**63 - 1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Refused(NamedTuple):
    """A row that was not stored: its index in the list, the status's name and why."""

    row: int
    status: str
    reason: str


class Stored(NamedTuple):
    """What a put method did: rows stored, and those refused."""

    n_stored: int
    refused: List[Refused]


def row(name: str, given: Any, required: str, optional: str) -> Dict[str, Any]:
    """A dict that has the required keys and no others than those."""
    if not isinstance(given, Mapping):
        raise TypeError("%s: expected a dict, got %s" % (name, _got(given)))
    known = required.split() + optional.split()
    for key in given:
        if key not in known:
            raise TypeError("%s: no key %r; there are %s" % (name, key, ", ".join(known)))
    for key in required.split():
        if given.get(key) is None:
            raise TypeError("%s: %s is missing" % (name, key))
    return dict(given)


def string(name: str, value: Any) -> Optional[bytes]:
    """A C string, or None."""
    return None if value is None else c_string(name, value)


def strings(name: str, values: Any) -> Any:
    """An array of C strings."""
    encoded = [c_string("%s[%d]" % (name, i), v) for i, v in enumerate(items(name, values))]
    return (text * len(encoded))(*encoded)


def doubles(name: str, values: Any) -> Any:
    listed = [number("%s[%d]" % (name, i), v) for i, v in enumerate(items(name, values))]
    return (f64 * len(listed))(*listed)


def seconds(name: str, value: Any) -> int:
    """Seconds since 1970 from a number, a datetime with a time zone, a date, or ISO 8601 text ("...Z")."""
    if value is None:
        return 0
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value[:-1] + "+00:00" if value[-1:] in "Zz" else value)
        except ValueError:
            raise ValueError("%s: %r is not an ISO 8601 time such as 2026-11-16T12:00:00Z" % (name, value)) from None
        if value.tzinfo is None and value == datetime.datetime.combine(value, datetime.time()):
            value = value.date()
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError("%s: %s lacks a time zone; add Z, or tzinfo" % (name, value.isoformat()))
        return (value - _EPOCH) // datetime.timedelta(seconds=1)
    if isinstance(value, datetime.date):
        return (value - _EPOCH.date()).days * 86400
    return integer(name, value, i64)


def pointers(structs: List[Any]) -> Any:
    """An array of pointers to structs, which it keeps."""
    kind: Any = P(type(structs[0])) if structs else c.c_void_p
    return (kind * len(structs))(*(c.pointer(s) for s in structs))


# ---- one function for each kind of row


def _by_language(name: str, given: Any, languages: List[str]) -> Dict[str, Any]:
    """{"en": ..., "zh": ...} stays as it is; anything else belongs to the only language."""
    if isinstance(given, Mapping) and given and set(given) <= set(languages):
        return dict(given)
    if given is not None and len(languages) > 1:
        raise TypeError("%s: expected a dict of the title's languages (%s)" % (name, ", ".join(languages)))
    return {languages[0]: given}


def product(name: str, given: Any) -> Any:
    r = row(name, given, "id title price", "description category brand currency stock attributes tags")
    titles = r["title"] if isinstance(r["title"], Mapping) else {"": r["title"]}
    languages = list(titles)
    descriptions = _by_language(name + ".description", r.get("description"), languages)
    attributes = _by_language(name + ".attributes", r.get("attributes"), languages)
    texts = (ProductText * len(languages))()
    for slot, language in zip(texts, languages):
        slot.lang = c_string(name + ".title", language)
        slot.title = string(name + ".title", titles[language])
        slot.description = string(name + ".description", descriptions.get(language))
        found = attributes.get(language)
        slot.attributes = None if found is None else json.dumps(found, ensure_ascii=False).encode("utf-8")
    tags = strings(name + ".tags", r.get("tags") or [])
    stock = r.get("stock")
    return Product(
        c.sizeof(Product),
        c_string(name + ".id", r["id"]),
        texts,
        len(texts),
        string(name + ".category", r.get("category")),
        string(name + ".brand", r.get("brand")),
        number(name + ".price", r["price"]),
        string(name + ".currency", r.get("currency")),
        -1 if stock is None else integer(name + ".stock", stock, i64),
        tags,
        len(tags),
    )


def customer(name: str, given: Any) -> Any:
    r = row(name, given, "id", "name lang since")
    return Customer(
        c.sizeof(Customer),
        c_string(name + ".id", r["id"]),
        string(name + ".name", r.get("name")),
        string(name + ".lang", r.get("lang")),
        seconds(name + ".since", r.get("since")),
    )


def event(name: str, given: Any) -> Any:
    r = row(name, given, "customer item type time", "")
    words = [c_string("%s.%s" % (name, key), r[key]) for key in ("customer", "item", "type")]
    return Event(c.sizeof(Event), *words, seconds(name + ".time", r["time"]))


def order(name: str, given: Any) -> Any:
    r = row(name, given, "id customer status time items", "total currency carrier tracking city")
    lines = items(name + ".items", r["items"])
    array = (OrderItem * max(1, len(lines)))()
    for i, (slot, line) in enumerate(zip(array, lines)):
        at = "%s.items[%d]" % (name, i)
        x = row(at, line, "id price", "quantity")
        slot.item = c_string(at + ".id", x["id"])
        slot.quantity = integer(at + ".quantity", x.get("quantity", 1), i64)
        slot.price = number(at + ".price", x["price"])
    words = [c_string("%s.%s" % (name, key), r[key]) for key in ("id", "customer", "status")]
    total = r.get("total")
    ends = [string("%s.%s" % (name, key), r.get(key)) for key in ("currency", "carrier", "tracking", "city")]
    return Order(
        c.sizeof(Order),
        *words,
        seconds(name + ".time", r["time"]),
        array,
        len(lines),
        -1.0 if total is None else number(name + ".total", total),
        *ends,
    )


def entry(name: str, given: Any) -> Any:
    r = row(name, given, "id answer", "question questions lang tags valid_from valid_until")
    if (r.get("question") is None) == (r.get("questions") is None):
        raise TypeError("%s: expected question or questions, and not both" % name)
    questions = strings(name + ".questions", [r["question"]] if r.get("questions") is None else r["questions"])
    tags = strings(name + ".tags", r.get("tags") or [])
    return Entry(
        c.sizeof(Entry),
        c_string(name + ".id", r["id"]),
        c_string(name + ".lang", r.get("lang") or ""),
        questions,
        len(questions),
        c_string(name + ".answer", r["answer"]),
        tags,
        len(tags),
        seconds(name + ".valid_from", r.get("valid_from")),
        seconds(name + ".valid_until", r.get("valid_until")),
    )
