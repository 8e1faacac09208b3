"""The store, and the functions on it."""

from __future__ import annotations

import ctypes as c
import os
from typing import Any, Callable, Dict, List, Optional

import llmcs
from llmcs._errors import call
from llmcs._handles import Handle
from llmcs._inputs import PathInput, c_string, integer, items, path
from llmcs._model import Progress, _log_function, _Progress
from llmcs._native import STATUS, fields, i32, size, sized

from . import _inputs as rows
from ._console import Console
from ._inputs import Refused, Stored
from ._knowledge import Knowledge
from ._learn import Learner
from ._native import Info, Options, RefusedFn, initialised, lib
from ._privacy import Privacy
from ._recommend import Recommender
from ._strategy import Strategist

_CREATE, _READ_ONLY, _CHECK = 1, 2, 4


class Shop(Handle, Knowledge, Recommender, Privacy, Learner, Strategist, Console):
    """A shop's store, one SQLite file.

    encoder: a llmcs.Model that embeds texts, or None to search by words alone. create=True makes the file if there is
    none; read_only=True stores nothing; check=True reads every page of the file first. master_key: 32 bytes, from which
    the keys of the vault and the audit are derived [in key_file, STORE.key]. postgres: where several nodes keep
    conversations and orders [the setting llmcs.postgres; "": the file alone]."""

    _free = lib.llmcs_shop_free

    def __init__(
        self,
        store: PathInput,
        encoder: "Optional[llmcs.Model]" = None,
        create: bool = False,
        read_only: bool = False,
        check: bool = False,
        busy_ms: Optional[int] = None,
        n_readers: Optional[int] = None,
        master_key: Optional[bytes] = None,
        key_file: Optional[PathInput] = None,
        postgres: Optional[str] = None,
    ) -> None:
        super().__init__()
        options = initialised(Options)
        options.flags = (_CREATE if create else 0) | (_READ_ONLY if read_only else 0) | (_CHECK if check else 0)
        for name, value in (("busy_ms", busy_ms), ("n_readers", n_readers)):
            if value is not None:
                setattr(options, name, integer(name, value, i32))
        if master_key is not None:
            if not isinstance(master_key, bytes) or len(master_key) != 32:
                raise ValueError("master_key: expected 32 bytes")
            options.master_key = (c.c_uint8 * 32)(*master_key)
        options.key_file = None if key_file is None else path("key_file", key_file)
        options.postgres = rows.string("postgres", postgres)
        options.log = self._log = _log_function(None)
        self._store, self._encoder = os.fsdecode(store), encoder
        if encoder is None:
            call(lib.llmcs_shop_open, path("store", store), c.byref(options), c.byref(self._pointer))
            return
        if not isinstance(encoder, llmcs.Model):
            raise TypeError("encoder: expected a llmcs.Model, got %s" % type(encoder).__name__)
        with encoder._using() as h:
            options.encoder = h
            call(lib.llmcs_shop_open, path("store", store), c.byref(options), c.byref(self._pointer))

    def _describe(self) -> str:
        return " %r" % self._store

    @property
    def info(self) -> Dict[str, Any]:
        """llmcs_shop_info as a dict: n_products, n_customers, ..."""
        info = sized(Info)
        with self._using() as h:
            call(lib.llmcs_shop_get_info, h, c.byref(info))
        return fields(info)

    # ---- what the shop knows

    def put_products(self, products: Any) -> Stored:
        """Adds or replaces products: dicts with id, title, price, and where known description, category, brand,
        currency, stock, attributes, tags. Title, description and attributes may be dicts by language."""
        return self._put(lib.llmcs_shop_put_products, "products", products, rows.product)

    def put_customers(self, customers: Any) -> Stored:
        """Adds or replaces customers: dicts with id, and where known name, lang, since."""
        return self._put(lib.llmcs_shop_put_customers, "customers", customers, rows.customer)

    def put_events(self, events: Any) -> Stored:
        """Adds events: dicts with customer, item, type ("view", "cart", ...) and time. The same one again is stored
        once."""
        return self._put(lib.llmcs_shop_put_events, "events", events, rows.event)

    def put_orders(self, orders: Any) -> Stored:
        """Adds or replaces orders: dicts with id, customer, status, time, items ({"id", "quantity", "price"}), and
        where known total, currency, carrier, tracking, city."""
        return self._put(lib.llmcs_shop_put_orders, "orders", orders, rows.order)

    def _put(self, function: Any, name: str, given: Any, convert: Callable[[str, Any], Any]) -> Stored:
        structs = [convert("%s[%d]" % (name, i), row) for i, row in enumerate(items(name, given))]
        refused: List[Refused] = []

        def refuse(_user: Any, row: int, status: int, reason: bytes) -> None:
            refused.append(Refused(row, STATUS.get(status, str(status)), reason.decode("utf-8", "replace")))

        n_stored, callback = size(), RefusedFn(refuse)
        if structs:
            with self._using() as h:
                call(function, h, rows.pointers(structs), len(structs), callback, None, c.byref(n_stored))
        return Stored(n_stored.value, refused)

    def update_vectors(self, progress: Optional[Progress] = None) -> None:
        """Computes missing vectors, such as after a change of the encoder, and deletes those of other encoders.
        progress(share done): a true result stops it and keeps the vectors computed so far."""
        watch = _Progress(progress)
        with self._using() as h:
            watch.call(lib.llmcs_shop_update_vectors, h, watch.function, None)

    # ---- settings

    def set_setting(self, key: str, value: Optional[str]) -> None:
        """Stores a text under a key; None removes it."""
        with self._using() as h:
            call(lib.llmcs_shop_set_setting, h, c_string("key", key), rows.string("value", value))

    def get_setting(self, key: str) -> str:
        """The text stored under a key, or ""."""
        name, n, capacity = c_string("key", key), size(), 65537  # the longest with its NUL
        buffer = c.create_string_buffer(capacity)
        with self._using() as h:
            call(lib.llmcs_shop_get_setting, h, name, buffer, capacity, c.byref(n))
        return buffer.raw[: n.value].decode("utf-8")

