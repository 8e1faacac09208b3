"""Engines: many requests at once over one model."""

from __future__ import annotations

import ctypes as c
import functools
import itertools
import time
import weakref
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Dict,
    Generator,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Tuple,
    overload,
)

from . import _aio
from ._errors import PendingError, QueueFullError, StateError, call
from ._generate import Generated, Params, defaults, received
from ._handles import Handle
from ._inputs import integer, items, joined, number, repeatable, token_ids, utf8
from ._native import (
    EngineEvent,
    EngineOptions,
    EngineStats,
    Histogram,
    Result,
    SubmitOptions,
    fields,
    i32,
    initialised,
    lib,
    size,
    sized,
)

if TYPE_CHECKING:
    from ._model import Model

_NO_THREAD, _NO_PREFIX_CACHE = 1, 2
_SLICE_MS = 50.0  # waits are cut into slices, so that Ctrl-C and close() are noticed
_OPTIONS = {name: kind for name, kind in EngineOptions._fields_ if name not in ("struct_size", "flags")}


def engine_options(given: Dict[str, Any]) -> Any:
    """llmcs_engine_options from keyword arguments."""
    options = initialised(EngineOptions)
    for name, value in given.items():
        if name == "prefix_cache":
            options.flags |= 0 if value else _NO_PREFIX_CACHE
        elif name == "thread":
            options.flags |= 0 if value else _NO_THREAD
        elif name not in _OPTIONS:
            raise TypeError("no engine option %r; there are %s" % (name, joined((*_OPTIONS, "prefix_cache", "thread"))))
        elif name == "step_ms":
            options.step_ms = number(name, value)
        else:
            setattr(options, name, integer(name, value, _OPTIONS[name]))
    return options


class Event(NamedTuple):
    """Something happened to a request: tokens came, or it finished."""

    request: "Request"
    finished: bool


class Engine(Handle):
    """model.engine(): many requests at once, from any thread. Options are those of llmcs_engine_options: kv_bytes,
    n_ctx, max_batch, max_queue, max_chunk, step_ms; prefix_cache=False shares nothing between requests; thread=False
    starts no thread: steps are made by step() and by threads that wait. Closing it ends the unfinished requests.

    With asyncio: `await engine.agenerate(prompt)`, `async for piece in engine.astream(prompt)`, or submit(), and then
    `await request` or `async for piece in request`. The event loop watches the engine's descriptor; no thread is needed.
    A cancelled task cancels its request."""

    _free = lib.llmcs_engine_free
    _elsewhere = "pickle the model, and make an engine of it there"

    def __init__(self, model: "Model", **options: Any) -> None:
        super().__init__()
        self._model = model
        self._requests: "weakref.WeakValueDictionary[int, Request]" = weakref.WeakValueDictionary()
        self._keys = itertools.count(1)  # of requests: an event may come before submit has returned
        self._watch = _aio.Watch()
        self._unread: "weakref.WeakKeyDictionary[Request, bool]" = weakref.WeakKeyDictionary()
        struct = engine_options(options)
        self._has_thread = not struct.flags & _NO_THREAD
        with model._using() as h:
            self._defaults = defaults(h)
            call(lib.llmcs_engine_create, h, c.byref(struct), c.byref(self._pointer))

    def _describe(self) -> str:
        return " of %r" % self._model

    def submit(self, prompt: str, priority: int = 0, **params: Any) -> "Request":
        """A Request, at once; params as for Session.generate. QueueFullError: try again later."""
        text = utf8("prompt", prompt)
        return self._submit(lib.llmcs_engine_submit, text, len(text), priority, params)

    def submit_ids(self, ids: Any, priority: int = 0, **params: Any) -> "Request":
        """The same from token ids."""
        array = token_ids("ids", ids)
        return self._submit(lib.llmcs_engine_submit_ids, array, len(array), priority, params)

    def _submit(self, function: Any, prompt: Any, n: int, priority: int, given: Dict[str, Any]) -> "Request":
        params = Params(self._defaults, given)  # the library copies what it needs
        options = initialised(SubmitOptions)
        options.priority = integer("priority", priority, i32)
        request = Request(self, next(self._keys))
        options.user = request._key
        self._requests[request._key] = request
        with self._using() as h, params.ready() as pointer:
            call(function, h, prompt, n, pointer, c.byref(options), c.byref(request._pointer))
        return request

    def generate(self, prompts: Iterable[str], **params: Any) -> List[Generated]:
        """A Generated for each prompt; as many as fit the engine's queue are submitted at a time."""
        params = repeatable(params)
        return self._generate([functools.partial(self.submit, p, **params) for p in items("prompts", prompts)])

    def _generate(self, submits: "List[functools.partial[Request]]") -> List[Generated]:
        answers: List[Generated] = []
        waiting: List[Request] = []
        try:
            for submit in submits:
                while True:
                    try:
                        waiting.append(submit())
                        break
                    except QueueFullError:
                        if not waiting:
                            time.sleep(_SLICE_MS / 1e3)  # others fill the queue
                        else:
                            answers.append(_finish(waiting.pop(0)))
            return answers + [_finish(request) for request in waiting]
        finally:
            for request in waiting:
                request.close()  # after an error or Ctrl-C the others are not needed

    def next(self, timeout: Optional[float] = None) -> Event:
        """The next request with an event, (request, finished); PendingError, a TimeoutError, after `timeout` seconds.
        Coroutines that wait for a request receive its events, not this."""
        until = None if timeout is None else time.monotonic() + max(0.0, number("timeout", timeout))
        while True:
            found = self._next_unread() or self._next_event(until)
            if found is not None and not self._watch.wake(found.request._key):
                return found

    def _next_unread(self) -> Optional[Event]:
        """The next event that an event loop received but no coroutine waits for."""
        for request in list(self._unread):
            finished = self._unread.pop(request, None)
            if finished is not None and not request.closed:
                return Event(request, finished)
        return None

    def _next_event(self, until: Optional[float]) -> Optional[Event]:
        """None if there was none for a moment, or its request is closed."""
        event = sized(EngineEvent)
        left = _SLICE_MS / 1e3 if until is None else until - time.monotonic()
        try:
            _wait(self, lib.llmcs_engine_next, event, min(_SLICE_MS / 1e3, left))
        except PendingError:
            if until is not None and time.monotonic() >= until:
                raise
            return None
        request = self._requests.get(event.user or 0)
        return None if request is None else Event(request, bool(event.finished))

    def _drain(self) -> None:
        """Called by the event loop when the descriptor is readable: passes the events to the waiting coroutines."""
        try:
            while True:
                found = self._next_event(0.0)
                if found is not None and not self._watch.wake(found.request._key):
                    self._unread[found.request] = found.finished
        except PendingError:
            pass
        except StateError:  # stopped or closed
            self._watch.wake_all()

    def _watch_begins(self, waiter: "_aio.Waiter") -> None:
        _aio.check_thread(self._has_thread)
        self._watch.begin(self, waiter)

    # ---- asyncio

    @overload
    async def agenerate(  # type: ignore[misc,unused-ignore]
        self, prompts: str, priority: int = ..., **params: Any
    ) -> Generated: ...
    @overload
    async def agenerate(self, prompts: Iterable[str], priority: int = ..., **params: Any) -> List[Generated]: ...
    async def agenerate(self, prompts: Any, priority: int = 0, **params: Any) -> Any:
        """A Generated for one prompt, a list for several, which are evaluated together; waits while the queue is
        full. A cancelled task cancels its requests."""
        _aio.check_thread(self._has_thread)
        return await _aio.generate(self, prompts, priority, repeatable(params))

    def astream(self, prompt: str, priority: int = 0, **params: Any) -> AsyncIterator[str]:
        """async for piece in engine.astream(prompt): pieces of text as they come; leaving the loop cancels the rest."""
        _aio.check_thread(self._has_thread)
        return _aio.stream(self, prompt, priority, repeatable(params))

    def close(self) -> None:
        """Ends the unfinished requests and frees it. Calls that are running in other threads end first."""
        super().close()
        self._watch.wake_all()

    def fileno(self) -> int:
        """A descriptor for select, poll, epoll or asyncio that is readable while next() has an event."""
        with self._using() as h:
            return int(lib.llmcs_engine_fd(h))

    def step(self) -> bool:
        """Makes a step on this thread, with thread=False. False if there was nothing to do."""
        progressed = c.c_int()
        with self._using() as h:
            call(lib.llmcs_engine_step, h, c.byref(progressed))
        return bool(progressed.value)

    def stop(self) -> None:
        """Ends the unfinished requests with what they have. next() gives the events that are left and then raises
        StateError, in every thread, so threads that loop over it end; then close(). Not from a callback."""
        with self._using() as h:
            call(lib.llmcs_engine_stop, h)
        self._watch.wake_all()

    def stats(self) -> Dict[str, Any]:
        """llmcs_engine_stats; each histogram as {"n", "mean", "p50", "p95", "p99", "max"} in milliseconds."""
        s = sized(EngineStats)
        with self._using() as h:
            call(lib.llmcs_engine_get_stats, h, c.byref(s))
        return {n: _histogram(v) if isinstance(v, Histogram) else v for n, v in fields(s).items()}


def _finish(request: "Request") -> Generated:
    with request:
        return request.wait()


def _histogram(h: Any) -> Dict[str, Any]:
    out = {"n": h.n, "mean": h.sum_ms / h.n if h.n else 0.0, "max": h.max_ms}
    for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        out[name] = lib.llmcs_histogram_quantile(c.byref(h), q)
    return out


def _wait(handle: Handle, function: Any, out: Any, timeout: Optional[float]) -> None:
    """function(handle, milliseconds, out) until it is no longer PENDING, or the time is over."""
    until = None if timeout is None else time.monotonic() + max(0.0, number("timeout", timeout))
    while True:
        left = _SLICE_MS if until is None else min(_SLICE_MS, 1e3 * max(0.0, until - time.monotonic()))
        try:
            with handle._using() as h:
                return call(function, h, left, c.byref(out))
        except PendingError:
            if until is not None and time.monotonic() >= until:
                raise


class Request(Handle):
    """engine.submit(...). Iterating over it, with `for` or `async for`, yields pieces of text as they come; wait() or
    `await request` gives the whole as a Generated; closing it cancels the rest. One thread at a time, but for cancel()
    and close()."""

    _free = lib.llmcs_request_free

    def __init__(self, engine: Engine, key: int) -> None:
        super().__init__()
        self._key = key
        self._engine = engine  # closing the engine would cancel the request

    def _end_calls(self) -> None:
        lib.llmcs_request_cancel(self._pointer)

    def wait(self, timeout: Optional[float] = None) -> Generated:
        """A Generated; PendingError, a TimeoutError, if it is not finished after `timeout` seconds (None: as long as it
        takes)."""
        result = c.POINTER(Result)()
        _wait(self, lib.llmcs_request_wait, result, timeout)
        return received(result)

    def read(self) -> Tuple[str, bool]:
        """(the text that came since the last call, whether nothing more will come). Never waits."""
        pieces: List[bytes] = []
        buffer, n, finished = c.create_string_buffer(4096), size(), c.c_int()
        with self._using() as h:
            while True:
                call(lib.llmcs_request_read, h, buffer, len(buffer), c.byref(n), c.byref(finished))
                if not n.value:
                    return b"".join(pieces).decode("utf-8"), bool(finished.value)
                pieces.append(buffer.raw[: n.value])

    def tokens(self, first: int = 0) -> List[int]:
        """The ids of the new tokens that are there, from number `first` on. Never waits."""
        return self._tokens(first, c.c_int32, lambda ids: (ids, None))

    def logprobs(self, first: int = 0) -> List[float]:
        """The log-probabilities of the same tokens; needs logprobs=True. Never waits."""
        return self._tokens(first, c.c_float, lambda values: (None, values))

    def _tokens(self, first: int, kind: Any, arrays: Any) -> List[Any]:
        values, n = (kind * 256)(), size()
        found: List[Any] = []
        with self._using() as h:
            while True:
                call(lib.llmcs_request_tokens, h, first + len(found), 256, *arrays(values), None, c.byref(n))
                if not n.value:
                    return found
                found += values[: n.value]

    def __iter__(self) -> Iterator[str]:
        finished = False
        while not finished:
            text, finished = self.read()
            if text:
                yield text
            elif not finished:
                self._nap()

    def __await__(self) -> Generator[Any, None, Generated]:
        return _aio.wait(self).__await__()

    def __aiter__(self) -> AsyncIterator[str]:
        return _aio.read(self)

    def _nap(self) -> None:
        """Waits for a little of what is to come; there is nothing to wait on for a part of one request."""
        try:
            self.wait(0.005)
        except TimeoutError:
            pass

    def cancel(self) -> None:
        """From any thread: the request ends with its text so far."""
        try:
            with self._using() as h:
                lib.llmcs_request_cancel(h)
        except StateError:
            pass  # closed: nothing runs
