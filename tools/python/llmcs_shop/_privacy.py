"""Who may see what, the audit, forgetting, retention, and counts with noise."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from llmcs._errors import call
from llmcs._inputs import c_string, choice, integer, items, number
from llmcs._native import fields, i32, size, sized, u64

from . import _inputs as rows
from ._native import (
    AuditFn,
    AuditParams,
    AuditReport,
    ForgetParams,
    Forgotten,
    P,
    f64,
    i64,
    initialised,
    lib,
)

_ROLES = tuple(lib.llmcs_shop_role_name(i).decode() for i in range(5))
_PURPOSES = ("service", "quality", "training", "audit", "statistics", "erasure")
_DATA = ("masked_texts", "plain_texts", "orders", "audit_rows", "noisy_counts", "forgetting")


class AuditRow(NamedTuple):
    """A row of the audit. time: seconds since 1970; detail: JSON or None; customer: the one whose alias is in actor
    or object, unless erased; hash: 64 hex digits."""

    seq: int
    time: int
    role: str
    actor: str
    action: str
    object: str
    detail: Optional[str]
    customer: Optional[str]
    hash: str


class Erased(NamedTuple):
    """What forgetting did to a table: action is "deleted", "pseudonymised" or "kept"; why is None for deleted."""

    table: str
    action: str
    n_rows: int
    why: Optional[str]


class Report(NamedTuple):
    """known: False if the store had nothing about the customer; wal_truncated: False if a reader keeps old pages in the
    write-ahead log: then call forget() again later."""

    items: List[Erased]
    known: bool
    wal_truncated: bool


def may(role: str, purpose: str, data: str) -> bool:
    """Whether a role ("customer", "agent", "supervisor", "auditor", "trainer") may use data ("masked_texts",
    "plain_texts", "orders", "audit_rows", "noisy_counts", "forgetting") for a purpose ("service", "quality",
    "training", "audit", "statistics", "erasure")."""
    values = choice("role", role, _ROLES), choice("purpose", purpose, _PURPOSES), choice("data", data, _DATA)
    return bool(lib.llmcs_shop_may(*values) == 0)


def _decoded(value: Optional[bytes]) -> Optional[str]:
    return None if value is None else value.decode("utf-8", "replace")


def _params(role: str, actor: Optional[str]) -> Any:
    params = initialised(ForgetParams)
    params.role = choice("role", role, _ROLES)
    if actor is not None:
        params.actor = c_string("actor", actor)
    return params


def _report(found: Any) -> Report:
    try:
        r = found.contents
        erased = [Erased(_decoded(i.contents.table) or "", _decoded(i.contents.action) or "", i.contents.n_rows,
                         _decoded(i.contents.why)) for i in r.items[: r.n_items]]
        return Report(erased, bool(r.known), bool(r.wal_truncated))
    finally:
        lib.llmcs_shop_forgotten_free(c.byref(found))


class Privacy:
    """The part of a Shop that keeps and erases personal data."""

    # ---- audit

    def audit(self, first: int = 1, limit: int = 0) -> List[AuditRow]:
        """The rows of the audit from `first` on, at most `limit` (0: all)."""
        found: List[AuditRow] = []

        def keep(_user: Any, row: Any) -> int:
            r = row.contents
            words = (_decoded(r.role) or "", _decoded(r.actor) or "", _decoded(r.action) or "", _decoded(r.object) or "")
            found.append(AuditRow(r.seq, r.time, *words, _decoded(r.detail), _decoded(r.customer), bytes(r.hash[:32]).hex()))
            return 0

        arguments = integer("first", first, i64), integer("limit", limit, u64), AuditFn(keep), None
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_audit_list, h, *arguments)
        return found

    def append_audit(self, role: str, actor: str, action: str, object: str = "", detail: Optional[str] = None) -> None:
        """Adds a row: ids, never texts. "customer:ID" is stored under the customer's alias."""
        words = [c_string(n, v) for n, v in (("actor", actor), ("action", action), ("object", object))]
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_audit_append, h, choice("role", role, _ROLES), *words, rows.string("detail", detail))

    def verify_audit(
        self, public_key: Optional[str] = None, head: Optional[str] = None, head_seq: int = 0
    ) -> Dict[str, Any]:
        """llmcs_shop_audit_report as a dict: intact, problem, problem_seq, head, last_seq, ..."""
        params, report = initialised(AuditParams), sized(AuditReport)
        params.public_key, params.head = rows.string("public_key", public_key), rows.string("head", head)
        params.head_seq = integer("head_seq", head_seq, i64)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_audit_verify, h, c.byref(params), c.byref(report))
        return {k: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for k, v in fields(report).items()}

    # ---- forgetting and retention

    def forget(self, customer: str, role: str = "supervisor", actor: Optional[str] = None) -> Report:
        """Erases a customer; orders stay under a random name."""
        found, params = P(Forgotten)(), _params(role, actor)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_forget, h, c_string("customer", customer), c.byref(params), c.byref(found))
        return _report(found)

    @property
    def retention(self) -> Dict[str, int]:
        """Days that rows are kept, by table; 0: for ever."""
        return dict(self._retentions())

    def _retentions(self) -> Iterator[Tuple[str, int]]:
        i, days = 0, i32()
        while True:
            table = lib.llmcs_shop_retention_table(size(i))
            if table is None:
                return
            with self._using() as h:  # type: ignore[attr-defined]
                call(lib.llmcs_shop_get_retention, h, table, c.byref(days))
            yield table.decode(), days.value
            i += 1

    def set_retention(self, table: str, days: int) -> None:
        """Sets how many days the rows of a table are kept; 0: for ever."""
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_set_retention, h, c_string("table", table), integer("days", days, i32))

    def apply_retention(self, now: int = 0, role: str = "supervisor", actor: Optional[str] = None) -> Report:
        """Removes what is older. now: seconds since 1970, 0 for the clock."""
        found, params = P(Forgotten)(), _params(role, actor)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_apply_retention, h, integer("now", now, i64), c.byref(params), c.byref(found))
        return _report(found)

    # ---- differential privacy

    def set_budget(self, budget: str, total: float) -> None:
        """Sets the privacy loss (epsilon) that may be spent under a name."""
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_set_budget, h, c_string("budget", budget), number("total", total))

    def budget(self, budget: str) -> Tuple[float, float]:
        """Total and spent."""
        total, spent = f64(), f64()
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_get_budget, h, c_string("budget", budget), c.byref(total), c.byref(spent))
        return total.value, spent.value

    def private_count(self, budget: str, epsilon: float, count: int, per_customer: int = 1) -> int:
        """The count with noise; spends epsilon, llmcs.LimitError once the budget is spent."""
        noisy = i64()
        numbers = number("epsilon", epsilon), integer("count", count, i64), integer("per_customer", per_customer, i64)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_private_count, h, c_string("budget", budget), *numbers, c.byref(noisy))
        return int(noisy.value)

    def private_mean(self, budget: str, epsilon: float, values: Any, low: float, high: float) -> float:
        """The mean of one value a customer with noise, within low..high."""
        given = [number("values[%d]" % i, x) for i, x in enumerate(items("values", values))]
        array, noisy = (f64 * max(1, len(given)))(*given), f64()
        bounds = number("low", low), number("high", high)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_private_mean, h, c_string("budget", budget), number("epsilon", epsilon), array,
                 len(given), *bounds, c.byref(noisy))
        return float(noisy.value)
