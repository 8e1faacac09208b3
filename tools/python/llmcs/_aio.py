"""asyncio: calls of the library in threads of the event loop's executor, and requests of engines by their descriptor.

A call that computes for long (classify, embed, generate of a session, open) runs in a thread of the loop's default
executor, as with asyncio.to_thread: ctypes releases the interpreter lock meanwhile. Cancelling the task cancels the call and
waits for its end before CancelledError is raised, so the session is free for the next call.

Requests of an engine need no thread: the engine computes on its own, and its descriptor (llmcs_engine_fd) wakes the loop
when a request has new text or is finished. A cancelled task cancels its request.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, List, Optional, Tuple, TypeVar

from ._errors import PendingError, QueueFullError, StateError
from ._handles import Stopper, calls_in_flight
from ._inputs import items

if TYPE_CHECKING:
    from ._engine import Engine, Request
    from ._generate import Generated

T = TypeVar("T")
Receive = Callable[[str], bool]
_QUEUE_FULL_SECONDS = 0.01
_LONG_PROMPT = 4096  # characters; tokenizing more would hold the event loop up


# ---------------------------------------------------------------- calls in threads


async def in_thread(function: Callable[[], T]) -> T:
    """function() in a thread of the loop's executor; a cancelled task ends its calls of the library."""
    return await _in_thread(function, Stopper())


async def _in_thread(function: Callable[[], T], stopper: Stopper) -> T:
    loop = asyncio.get_running_loop()

    def call() -> T:
        return calls_in_flight.with_stopper(stopper, function)

    future: "asyncio.Future[T]" = loop.run_in_executor(None, contextvars.copy_context().run, call)
    try:
        found: T = await asyncio.shield(future)
        return found
    except asyncio.CancelledError:
        if stopper.stop():
            await _ended(future)
        else:
            future.cancel()  # it waits for a thread, and never begins
        raise


async def _ended(future: "asyncio.Future[Any]") -> None:
    """Waits for a call that was cancelled. The layer that is being computed is completed first; a task that is
    cancelled again meanwhile goes on waiting, or its session would still be in that call."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            pass
    if not future.cancelled():
        future.exception()  # marks it as seen


class Streams:
    """The streams of one session. Where a loop over one is left, asyncio closes the stream a little later; the session's
    next call waits for that."""

    def __init__(self) -> None:
        self._streams: "List[Tuple[weakref.ref[Any], List[asyncio.Future[Any]]]]" = []  # the calls of those that have begun

    def begin(self, generate: Callable[[Receive], T]) -> AsyncIterator[str]:
        calls: "List[asyncio.Future[Any]]" = []
        stream = _stream_in_thread(generate, self, calls)
        self._streams.append((weakref.ref(stream), calls))
        return stream

    async def left_ones(self) -> None:
        """Waits for the calls of abandoned streams."""
        self._streams = [(s, calls) for s, calls in self._streams if s() or any(not call.done() for call in calls)]
        loop = asyncio.get_running_loop()
        left = [call for s, calls in self._streams if not s() for call in calls if call.get_loop() is loop]
        if left:
            await asyncio.wait(left)


async def _stream_in_thread(
    generate: Callable[[Receive], T], streams: Streams, calls: "List[asyncio.Future[Any]]"
) -> AsyncIterator[str]:
    """What generate(receive) hands to receive, as it comes. Leaving the loop early ends the call."""
    await streams.left_ones()
    loop = asyncio.get_running_loop()
    arrived: "asyncio.Queue[Optional[str]]" = asyncio.Queue()
    stopper = Stopper()

    def receive(piece: str) -> bool:
        if not stopper.stopped:
            loop.call_soon_threadsafe(arrived.put_nowait, piece)
        return stopper.stopped

    call = asyncio.ensure_future(_in_thread(lambda: generate(receive), stopper))
    calls.append(call)
    call.add_done_callback(lambda _: arrived.put_nowait(None))
    try:
        while (piece := await arrived.get()) is not None:
            yield piece
        await call  # raises its exception
    finally:
        if not call.done():
            call.cancel()
            await _ended(call)


# ---------------------------------------------------------------- requests of engines


class Watch:
    """Wakes the coroutines that wait for requests of one engine, in any number of event loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: Dict[asyncio.AbstractEventLoop, List[int]] = {}  # how many wait there, and the descriptor
        self._waiting: Dict[int, List["Waiter"]] = {}  # by the request's key
        self._is_over = False

    def begin(self, engine: "Engine", waiter: "Waiter") -> None:
        with self._lock:
            for loop in [loop for loop in self._readers if loop.is_closed()]:
                self._forget(loop)
            if not self._is_over:
                reader = self._readers.get(waiter.loop)
                if reader is None:
                    # A copy of the descriptor: it stays ours when the engine closes its own.
                    reader = self._readers[waiter.loop] = [0, os.dup(engine.fileno())]
                    waiter.loop.add_reader(reader[1], engine._drain)
                reader[0] += 1
            else:
                self._readers.setdefault(waiter.loop, [0, -1])[0] += 1
                waiter.wake()
            self._waiting.setdefault(waiter.key, []).append(waiter)

    def end(self, waiter: "Waiter") -> None:
        with self._lock:
            if waiter not in self._waiting.get(waiter.key, ()):
                return  # its loop was closed meanwhile
            self._waiting[waiter.key].remove(waiter)
            if not self._waiting[waiter.key]:
                del self._waiting[waiter.key]
            reader = self._readers[waiter.loop]
            reader[0] -= 1
            if not reader[0]:  # else events that nobody here waits for would keep the loop busy
                self._forget(waiter.loop)

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nobody waits there any more, also where the loop was closed under those who did."""
        _, reader = self._readers.pop(loop)
        if reader >= 0:
            if not loop.is_closed():
                loop.remove_reader(reader)
            os.close(reader)
        for key, waiters in list(self._waiting.items()):
            left = [w for w in waiters if w.loop is not loop]
            if left:
                self._waiting[key] = left
            else:
                del self._waiting[key]

    def wake(self, key: int) -> bool:
        """Whether a coroutine waits for that request."""
        with self._lock:
            waiters = list(self._waiting.get(key, ()))
        for waiter in waiters:
            waiter.wake()
        return bool(waiters)

    def wake_all(self) -> None:
        """The engine was stopped or closed and sends no more events: wakes each waiter to check its request."""
        with self._lock:
            self._is_over = True
            waiters = [w for group in self._waiting.values() for w in group]
            for loop in list(self._readers):
                _on(loop, self._stop_reading, loop)  # the descriptor of a stopped engine stays readable
        for waiter in waiters:
            waiter.wake()

    def _stop_reading(self, loop: asyncio.AbstractEventLoop) -> None:
        reader = self._readers.get(loop)
        if reader is not None and reader[1] >= 0:
            loop.remove_reader(reader[1])


def _on(loop: asyncio.AbstractEventLoop, function: Callable[..., Any], *arguments: Any) -> None:
    """Runs a call in the loop's thread, as asyncio requires."""
    if asyncio._get_running_loop() is loop:
        function(*arguments)
    elif not loop.is_closed():
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            pass  # the loop was closed meanwhile: no coroutine waits there


class Waiter:
    """with Waiter(request) as changed: `await changed.next()` returns once something happened to the request."""

    def __init__(self, request: "Request") -> None:
        self._request = request
        self.key: int = request._key
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        _on(self.loop, self._changed.set)

    async def next(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def __enter__(self) -> "Waiter":
        self._request._engine._watch_begins(self)
        return self

    def __exit__(self, *_: Any) -> None:
        self._request._engine._watch.end(self)


async def wait(request: "Request") -> "Generated":
    """The request's result."""
    try:
        return request.wait(0)
    except PendingError:
        pass
    with Waiter(request) as changed:
        while True:
            try:
                return request.wait(0)
            except PendingError:
                pass
            try:
                await changed.next()
            except asyncio.CancelledError:
                request.cancel()
                raise


async def read(request: "Request") -> AsyncIterator[str]:
    """Pieces of text as they come. Raises an error that occurred before any text."""
    with Waiter(request) as changed:
        while True:
            try:
                text, finished = request.read()
                if text:
                    yield text
                if finished:
                    break
                await changed.next()
            except (asyncio.CancelledError, GeneratorExit):
                request.cancel()
                raise
    request.wait(0)


async def submit(engine: "Engine", prompt: str, priority: int, params: Dict[str, Any]) -> "Request":
    """A request, once the engine's queue has a slot for it."""
    while True:
        try:
            if isinstance(prompt, str) and len(prompt) > _LONG_PROMPT:
                return await in_thread(lambda: engine.submit(prompt, priority, **params))
            return engine.submit(prompt, priority, **params)
        except QueueFullError:
            await asyncio.sleep(_QUEUE_FULL_SECONDS)


async def generate(engine: "Engine", prompts: Any, priority: int, params: Dict[str, Any]) -> Any:
    """A Generated for one prompt, a list for several, evaluated together."""
    one = isinstance(prompts, str)
    requests: List["Request"] = []
    try:
        for prompt in [prompts] if one else items("prompts", prompts):
            requests.append(await submit(engine, prompt, priority, params))
        found = [await wait(request) for request in requests]
    finally:
        for request in requests:
            request.close()  # cancels what is not finished
    return found[0] if one else found


async def stream(engine: "Engine", prompt: str, priority: int, params: Dict[str, Any]) -> AsyncIterator[str]:
    request = await submit(engine, prompt, priority, params)
    try:
        async for piece in read(request):
            yield piece
    finally:
        request.close()


def check_thread(engine_has_thread: bool) -> None:
    if not engine_has_thread:
        raise StateError("STATE", "an engine with thread=False computes only in step(); asyncio needs one with a thread")
