"""The desk: dialogues with customers."""

from __future__ import annotations

import ctypes as c
import json
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

import llmcs
from llmcs._errors import call
from llmcs._handles import CancelFlag, Handle, interruptible
from llmcs._inputs import PathInput, c_string, integer, number, path, utf8
from llmcs._model import _log_function
from llmcs._native import P, fields, size, sized

from . import _inputs as rows
from ._classifier import Classifier, ClassifierSlot
from ._knowledge import Citation, _plain
from ._native import (
    CallFn,
    DeskOptions,
    History,
    Info,
    Message,
    NowFn,
    ServiceOptions,
    TextFn,
    Turn,
    i64,
    initialised,
    lib,
)
from ._shop import Shop

_STATES = ("NONE", "DONE", "FAILED", "UNKNOWN", "PENDING")
_EXPECTS = ("anything", "slot", "yes", "choice", "person")


class Action(NamedTuple):
    """An action of a turn; state: "DONE", "FAILED", "UNKNOWN" or "PENDING"."""

    name: str
    object: str
    key: str
    state: str


class Handover(NamedTuple):
    """Why a person has to answer. priority: 0 normal, 1 angry, 2 danger. summary is masked."""

    reason: str
    priority: int
    summary: str


class DeskTurn(NamedTuple):
    """A reply and what was done. route is "flow", "entry", "filled", "generated", "recommend", "smalltalk", "ask_back",
    "handover", "blocked", "unavailable", "silent" or "none"; expects: "anything", "slot", "yes", "choice" or "person".
    action, handover and sentiment are None where there is none. ms: milliseconds by step."""

    reply: str
    route: str
    expects: str
    expected_slot: str
    lang: str
    number: int
    repeated: bool
    intent: str
    intent_score: float
    out_of_scope: float
    flow: str
    slots: Dict[str, str]
    action: Optional[Action]
    citations: List[Citation]
    products: List[str]
    probability: float
    handover: Optional[Handover]
    sentiment: Optional[Tuple[str, float]]
    verdict: str
    ms: Dict[str, float]


class PastTurn(NamedTuple):
    """A turn as it was stored. detail: slots, action, citations and so on."""

    number: int
    time: int
    message_id: str
    text: str
    reply: str
    lang: str
    route: str
    intent: str
    agent: str
    detail: Dict[str, Any]


class Conversation(NamedTuple):
    """Turns of a conversation, oldest first. status: "open", "waiting", "person", "closed", or "" if there is none;
    reason and summary are of the handover; n_all counts all turns."""

    turns: List[PastTurn]
    status: str
    customer: str
    lang: str
    priority: int
    reason: str
    summary: str
    n_all: int


class HostCall(NamedTuple):
    """A call of the host: a find (is_action False) or an action of flows.json. key: the same for the same request of the
    same customer; never run an action twice for one key."""

    name: str
    is_action: bool
    key: str
    customer: str
    conversation: str
    lang: str
    slots: Dict[str, str]
    timeout_ms: float


HostFunction = Callable[[HostCall], Any]


def _decoded(value: Any) -> str:
    return str(value.decode("utf-8", "replace")) if value else ""


def _slots(array: Any, n: int) -> Dict[str, str]:
    return {_decoded(s.name): _decoded(s.value) for s in array[:n]}


def _turn(t: Any) -> DeskTurn:
    action = Action(_decoded(t.action), _decoded(t.action_object), _decoded(t.action_key), _state(t.action_state))
    handover = Handover(_decoded(t.handover_reason), t.handover_priority, _decoded(t.handover_summary))
    return DeskTurn(
        reply=c.string_at(t.reply, t.reply_bytes).decode("utf-8", "replace"),
        route=_decoded(lib.llmcs_shop_desk_route_name(t.route)),
        expects=_EXPECTS[t.expects],
        expected_slot=_decoded(t.expected_slot),
        lang=_decoded(t.lang),
        number=t.number,
        repeated=bool(t.repeated),
        intent=_decoded(t.intent),
        intent_score=t.intent_score,
        out_of_scope=t.out_of_scope,
        flow=_decoded(t.flow),
        slots=_slots(t.slots, t.n_slots),
        action=action if action.name else None,
        citations=[_plain(Citation, p.contents) for p in t.citations[: t.n_citations]],
        products=[_decoded(p) for p in t.products[: t.n_products]],
        probability=t.probability,
        handover=handover if handover.reason else None,
        sentiment=(_decoded(t.sentiment), t.sentiment_score) if t.sentiment else None,
        verdict=_decoded(t.verdict),
        ms=fields(t.ms),
    )


def _state(value: int) -> str:
    return _decoded(lib.llmcs_shop_action_state_name(value))


def _past(t: Any) -> PastTurn:
    found = fields(t)
    detail = json.loads(found.pop("detail_json") or "{}")
    return PastTurn(detail=detail, **{name: found[name] for name in PastTurn._fields if name != "detail"})


def _host_function(function: HostFunction) -> Any:
    """Answers for C. The result of a find: a list of dicts; of an action: None, True or a dict (done), False (certainly
    not done). An exception is no answer: UNKNOWN for an action."""

    def receive(_user: Any, request: Any, pending: Any) -> None:
        r = request.contents
        given = HostCall(
            _decoded(r.name),
            bool(r.is_action),
            _decoded(r.key),
            _decoded(r.customer),
            _decoded(r.conversation),
            _decoded(r.lang),
            _slots(r.slots, r.n_slots),
            r.timeout_ms,
        )
        result = function(given)
        failed = result is False
        body = None if result in (None, True, False) else json.dumps(result, ensure_ascii=False).encode("utf-8")
        if body is None and not given.is_action:
            body = b"[]"
        lib.llmcs_shop_call_answer(pending, _STATES.index("FAILED" if failed else "DONE"), body)

    return CallFn(receive)


class Desk(Handle):
    """Desk("shop.db") opens a store with all that its settings name (`llmcs-shop init`), Desk(shop, flows=...) a desk on
    an open Shop. Any thread may use it.

    flows: path of flows.json. intents, sentiment: Classifiers (or ClassifierSlots, to swap them later). wording: folder
    of the model that words replies, or "templates". reader: a llmcs.Model, a sequence classifier that reads a message
    together with the turn before it. call(HostCall): answers finds and actions, those named in
    host_calls and those without SQL. now: a function that gives seconds since 1970. lenient=True: what the settings
    name and cannot be opened is left out. postgres: of llmcs_shop_service_options; that of an open Shop is its own."""

    def __init__(
        self,
        store: "Union[PathInput, Shop]",
        flows: Optional[PathInput] = None,
        intents: "Union[None, Classifier, ClassifierSlot]" = None,
        sentiment: "Union[None, Classifier, ClassifierSlot]" = None,
        wording: Optional[PathInput] = None,
        call: Optional[HostFunction] = None,
        host_calls: Any = (),
        call_timeout_ms: Optional[float] = None,
        now: Optional[Callable[[], int]] = None,
        confirm_minutes: Optional[float] = None,
        deadline_ms: float = 0,
        lenient: bool = False,
        postgres: Optional[str] = None,
        reader: "Optional[llmcs.Model]" = None,
    ) -> None:
        super().__init__()
        self._shop: Optional[Shop] = store if isinstance(store, Shop) else None
        desk, options = initialised(DeskOptions), initialised(ServiceOptions)
        options.desk = c.pointer(desk)
        desk.flows_path = None if flows is None else path("flows", flows)
        desk.wording = None if wording is None else path("wording", wording)
        desk.deadline_ms = number("deadline_ms", deadline_ms)
        for name, value in (("call_timeout_ms", call_timeout_ms), ("confirm_minutes", confirm_minutes)):
            if value is not None:
                setattr(desk, name, number(name, value))
        # C keeps pointers to these for the life of this object.
        self._slots = [_as_slot("intents", intents), _as_slot("sentiment", sentiment)]
        if reader is not None and not isinstance(reader, llmcs.Model):
            raise TypeError("reader: expected a llmcs.Model, got %s" % type(reader).__name__)
        self._keep_open(self._shop, reader, *self._slots)
        desk.reader = None if reader is None else reader._pointer
        desk.intents, desk.sentiment = (None if s is None else s._pointer for s in self._slots)
        if call is not None:
            desk.call = self._call = _host_function(call)
        names = rows.strings("host_calls", host_calls)
        desk.host_calls, desk.n_host_calls = names, len(names)
        if now is not None:
            clock = now
            desk.now = self._now = NowFn(lambda _user: integer("now", clock(), i64))
        if self._shop is None:
            self._name = os.fsdecode(store)  # type: ignore[arg-type]
            options.log, options.lenient = _log_function(None), int(bool(lenient))
            options.postgres = rows.string("postgres", postgres)
            self._log = options.log
            _call(lib.llmcs_shop_service_open, path("store", store), c.byref(options), c.byref(self._pointer))
        else:
            self._name = self._shop._store
            with self._shop._using() as h:
                _call(lib.llmcs_shop_desk_open, h, c.byref(desk), c.byref(self._pointer))

    def _release(self) -> None:
        if self._pointer:
            free = lib.llmcs_shop_service_free if self._shop is None else lib.llmcs_shop_desk_free
            free(c.byref(self._pointer))

    def _describe(self) -> str:
        return " %r" % (self._name,)

    def _desk(self, h: Any) -> Any:
        return lib.llmcs_shop_service_desk(h) if self._shop is None else h

    def say(
        self,
        text: str,
        conversation: str,
        customer: Optional[str] = None,
        id: Optional[str] = None,
        lang: Optional[str] = None,
        deadline_ms: float = 0,
        on_text: Optional[Callable[[str], Any]] = None,
    ) -> DeskTurn:
        """Answers a message. customer: from your login, never from the text. The same id in a conversation gives the
        same reply. on_text(piece): gets the reply as it is ready; a true result stops further pieces."""
        message, found, flag = initialised(Message), P(Turn)(), CancelFlag()
        encoded = utf8("text", text)
        message.conversation = c_string("conversation", conversation)
        for name, value in (("customer", customer), ("id", id), ("lang", lang)):
            setattr(message, name, rows.string(name, value))
        message.text, message.text_bytes = encoded, len(encoded)
        message.deadline_ms = number("deadline_ms", deadline_ms)
        message.cancel = flag.pointer
        errors: List[BaseException] = []
        if on_text is not None:
            message.on_text = _text_function(on_text, errors)

        def say() -> None:
            with self._using(flag.set) as h:
                _call(lib.llmcs_shop_desk_say, self._desk(h), c.byref(message), c.byref(found))

        try:
            interruptible(say, flag.set)
            if errors:
                raise errors[0]
            return _turn(found.contents)
        finally:
            lib.llmcs_shop_turn_free(c.byref(found))

    # ---- people

    def take_over(self, conversation: str, agent: str) -> None:
        """A person takes the conversation: the desk keeps silent."""
        self._on(lib.llmcs_shop_desk_take_over, conversation, c_string("agent", agent))

    def reply(self, conversation: str, agent: str, text: str) -> None:
        """A person's reply, which is stored in the history."""
        encoded = utf8("text", text)
        self._on(lib.llmcs_shop_desk_reply, conversation, c_string("agent", agent), encoded, len(encoded))

    def hand_back(self, conversation: str, agent: Optional[str] = None) -> None:
        """The desk answers again, from a clean state. agent: who does it, for the audit; None: the host."""
        self._on(lib.llmcs_shop_desk_hand_back_by, conversation, rows.string("agent", agent))

    def end(self, conversation: str, agent: Optional[str] = None) -> None:
        """Ends the conversation: its state is forgotten, its history stays. agent: as in hand_back."""
        self._on(lib.llmcs_shop_desk_close_by, conversation, rows.string("agent", agent))

    def resolve(self, key: str, agent: str, done: bool) -> None:
        """Stores the outcome of an UNKNOWN action, once a person has found it out."""
        state = _STATES.index("DONE" if done else "FAILED")
        with self._using() as h:
            _call(lib.llmcs_shop_desk_resolve, self._desk(h), c_string("key", key), c_string("agent", agent), state)

    def history(self, conversation: str, after: int = -1, k: int = 100, unmask: bool = False) -> Conversation:
        """The turns after number `after`, at most k; after < 0: the last k. unmask: as their owner sees them."""
        found = P(History)()
        where = (integer("after", after, i64), integer("k", k, size), int(bool(unmask)))
        try:
            self._on(lib.llmcs_shop_desk_history, conversation, *where, c.byref(found))
            h = found.contents
            found_fields: Dict[str, Any] = {n: value for n, value in fields(h).items() if n in Conversation._fields}
            found_fields["turns"] = [_past(p.contents) for p in h.turns[: h.n_turns]]
            return Conversation(**found_fields)
        finally:
            lib.llmcs_shop_history_free(c.byref(found))

    def _on(self, function: Any, conversation: str, *arguments: Any) -> None:
        name = c_string("conversation", conversation)
        with self._using() as h:
            _call(function, self._desk(h), name, *arguments)

    # ---- parts of a store with settings

    @property
    def info(self) -> Dict[str, Any]:
        """Counts of the store (llmcs_shop_info), and whether texts are checked and masked."""
        if self._shop is not None:
            return {**self._shop.info, "guarded": False}
        info = sized(Info)
        with self._using() as h:
            _call(lib.llmcs_shop_get_info, lib.llmcs_shop_service_shop(h), c.byref(info))
            return {**fields(info), "guarded": bool(lib.llmcs_shop_service_guard(h))}

    def swap_intents(self, classifier: Classifier) -> None:
        """Puts another classifier of intents in; turns that run end on the old one."""
        if not isinstance(classifier, Classifier):
            raise TypeError("classifier: expected a Classifier, got %s" % type(classifier).__name__)
        own = self._slots[0]
        if own is not None:
            own.swap(classifier)
            return
        with self._using() as h, classifier._using() as new:
            slot = None if self._shop is not None else lib.llmcs_shop_service_intents(h)
            if not slot:
                raise ValueError("swap_intents: this desk has no classifier of intents")
            _call(lib.llmcs_shop_classifier_slot_swap, slot, new)
            self._kept = classifier  # its encoder, which the library does not own


_call = call


def _as_slot(name: str, given: Any) -> Optional[ClassifierSlot]:
    if given is None or isinstance(given, ClassifierSlot):
        return given
    if isinstance(given, Classifier):
        return ClassifierSlot(given)
    raise TypeError("%s: expected a Classifier or ClassifierSlot, got %s" % (name, type(given).__name__))


def _text_function(on_text: Callable[[str], Any], errors: List[BaseException]) -> Any:
    def receive(_user: Any, text: Any, n: int) -> int:
        try:
            return 1 if on_text(c.string_at(text, n).decode("utf-8", "replace")) else 0
        except BaseException as e:  # raised by say()
            errors.append(e)
            return 1

    return TextFn(receive)
