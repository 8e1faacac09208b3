"""Data for the staff console: waiting conversations, unsettled actions, entries, products, figures."""

from __future__ import annotations

import ctypes as c
from typing import Any, Callable, Dict, Iterable, List, Optional

from llmcs._errors import call
from llmcs._inputs import integer
from llmcs._native import fields, i32, size

from . import _inputs as rows
from ._native import (
    ActionFn,
    ConversationFn,
    ConversationsParams,
    Dashboard,
    DashboardParams,
    EntriesParams,
    EntryFn,
    P,
    ProductFn,
    i64,
    initialised,
    lib,
)

_STATES = tuple(lib.llmcs_shop_action_state_name(i).decode() for i in range(5))


def _dict(struct: Any) -> Dict[str, Any]:
    """The numbers and texts of a struct."""
    return {name: value for name, value in fields(struct).items() if isinstance(value, (str, int, float))}


class Console:
    """The part of a Shop that the staff console uses."""

    def _listed(
        self, callback: Any, convert: Callable[[Any], Dict[str, Any]], function: Any, before: Any, after: Any = ()
    ) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = []

        def keep(_user: Any, row: Any) -> int:
            found.append(convert(row.contents))
            return 0

        with self._using() as h:  # type: ignore[attr-defined]
            call(function, h, *before, callback(keep), None, *after)
        return found

    def conversations(self, status: Optional[str] = None, k: int = 100) -> List[Dict[str, Any]]:
        """Conversations with this status ("open", "waiting", "person", "closed"); None: those that wait for a person, the
        most urgent first, and those that a person has."""
        params = initialised(ConversationsParams)
        params.status, params.k = rows.string("status", status), integer("k", k, size)
        return self._listed(ConversationFn, _dict, lib.llmcs_shop_list_conversations, (c.byref(params),))

    def actions(self, state: str = "UNKNOWN", k: int = 100) -> List[Dict[str, Any]]:
        """Actions that are "UNKNOWN", "PENDING" or "FAILED", newest first."""
        if state not in _STATES:
            raise ValueError("state: %r is not one of %s" % (state, ", ".join(_STATES)))

        def convert(row: Any) -> Dict[str, Any]:
            return {**_dict(row), "state": _STATES[row.state]}

        arguments = _STATES.index(state), integer("k", k, size)
        return self._listed(ActionFn, convert, lib.llmcs_shop_list_actions, arguments)

    def entries(
        self, id: Optional[str] = None, lang: Optional[str] = None, search: Optional[str] = None, retired: bool = False,
        skip: int = 0, k: int = 100,
    ) -> List[Dict[str, Any]]:
        """Entries by id and language, each in its newest version."""
        params = initialised(EntriesParams)
        params.id, params.lang = rows.string("id", id), rows.string("lang", lang)
        params.search, params.retired = rows.string("search", search), int(bool(retired))
        params.skip, params.k = integer("skip", skip, size), integer("k", k, size)

        def convert(row: Any) -> Dict[str, Any]:
            questions = [q.decode("utf-8", "replace") for q in row.questions[: row.n_questions]]
            return {**_dict(row), "questions": questions}

        return self._listed(EntryFn, convert, lib.llmcs_shop_list_entries, (c.byref(params),), (None,))

    def products(self, ids: Iterable[str], lang: Optional[str] = None) -> List[Dict[str, Any]]:
        """The products of these ids, in their order; unknown ones are left out."""
        array = rows.strings("ids", ids)
        arguments = array, size(len(array)), rows.string("lang", lang)
        return self._listed(ProductFn, _dict, lib.llmcs_shop_list_products, arguments)

    def dashboard(
        self, days: int = 7, now: int = 0, utc_offset_s: int = 0, per_customer: int = 0
    ) -> Dict[str, Any]:
        """Turns of the last days: totals, "days" (a dict each) and "figures" (by group, by name)."""
        params, found = initialised(DashboardParams), P(Dashboard)()
        params.days, params.now = integer("days", days, i32), integer("now", now, i64)
        params.utc_offset_s = integer("utc_offset_s", utc_offset_s, i32)
        params.per_customer = integer("per_customer", per_customer, i32)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_get_dashboard, h, c.byref(params), c.byref(found))
        try:
            d = found.contents
            figures: Dict[str, Dict[str, int]] = {}
            for f in d.figures[: d.n_figures]:
                figures.setdefault(f.contents.group.decode(), {})[f.contents.name.decode("utf-8", "replace")] = f.contents.n
            return {**_dict(d), "days": [_dict(day.contents) for day in d.days[: d.n_days]], "figures": figures}
        finally:
            lib.llmcs_shop_dashboard_free(c.byref(found))
