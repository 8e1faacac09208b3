"""Objects of the library that Python owns, and calls that Ctrl-C can end."""

from __future__ import annotations

import _thread
import atexit
import ctypes as c
import os
import queue
import sys
import threading
import time
import weakref
from typing import Any, Callable, Dict, Generic, Iterator, List, NoReturn, Optional, TypeVar

from ._errors import CancelledError, ForkError, StateError

T = TypeVar("T")
H = TypeVar("H", bound="Handle")


_relays: "weakref.WeakSet[Relay[Any]]" = weakref.WeakSet()


class CancelFlag:
    """The flag that a C call's `cancel` points to. set() ends only the call that it was passed to."""

    def __init__(self) -> None:
        self._value = c.c_int32(0)
        self.pointer = c.pointer(self._value)

    def set(self) -> None:
        self._value.value = 1


class Stopper:
    """Ends the C calls that a thread makes for an asyncio task."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._cancels: Dict[object, Callable[[], Any]] = {}
        self._started = self.stopped = False

    def start(self) -> bool:
        """Whether the thread should still make the call."""
        with self._lock:
            self._started = not self.stopped
            return self._started

    def stop(self) -> bool:
        """From any thread. Whether the call has started, and ends now."""
        with self._lock:
            self.stopped = True
            for cancel in list(self._cancels.values()):
                cancel()
            return self._started

    def add(self, key: object, cancel: Callable[[], Any]) -> None:
        with self._lock:
            self._cancels[key] = cancel
            if self.stopped:
                cancel()

    def remove(self, key: object) -> None:
        with self._lock:
            self._cancels.pop(key, None)


class CallsInFlight:
    """C calls that have begun and not ended, in all threads.

    A callback (text, token, log, progress) that reaches Python after the interpreter has ended crashes the process:
    ctypes then creates a thread state for an interpreter that is gone. So at exit, when only daemon threads are left
    and Python still works, their calls are cancelled and waited for. The callers do not see that: their threads stay
    here until the interpreter ends them, as it would have done anywhere."""

    _WAIT_SECONDS = 10.0  # for what cannot be cancelled: a callback that never returns must not keep the process

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: a signal handler may make a call at any step
        self._cancels: Dict[object, Callable[[], Any]] = {}
        self.ending = False
        self._thread = threading.local()  # n_calls of this thread, nested; is_ours: it runs a call for another one
        atexit.register(self._end_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def begin(self, cancel: Callable[[], Any]) -> object:
        """cancel(), from any thread, makes the call end soon. Returns what end() takes."""
        key, n_calls = object(), self._n_calls()
        with self._lock:
            may_begin = not self.ending or n_calls or in_main_thread()
            if may_begin:
                self._cancels[key] = cancel
                self._thread.n_calls = n_calls + 1
        while not may_begin:
            time.sleep(60)
        stopper = self._stopper()
        if stopper is not None:
            stopper.add(key, cancel)
        return key

    def end(self, key: object) -> None:
        stopper = self._stopper()
        if stopper is not None:
            stopper.remove(key)
        with self._lock:
            self._cancels.pop(key, None)
            self._thread.n_calls -= 1
            stays = self.ending and not self._n_calls() and not in_main_thread()
        while stays and not getattr(self._thread, "is_ours", False):
            time.sleep(60)

    def _n_calls(self) -> int:
        return getattr(self._thread, "n_calls", 0)

    def _stopper(self) -> Optional[Stopper]:
        return getattr(self._thread, "stopper", None)

    def with_stopper(self, stopper: Stopper, function: Callable[[], T]) -> T:
        """function(), whose calls on this thread stopper.stop() ends."""
        if not stopper.start():
            raise CancelledError("CANCELLED", "the call was cancelled before it began")
        self._thread.stopper = stopper
        try:
            return function()
        finally:
            self._thread.stopper = None

    def mark_our_thread(self) -> None:
        """This thread runs a call for another one, which may wait for it."""
        self._thread.is_ours = True

    def _forget(self) -> None:
        self._lock, self._cancels = threading.RLock(), {}  # the parent's threads are not here

    def _end_all(self) -> None:
        give_up = time.monotonic() + self._WAIT_SECONDS
        with self._lock:
            self.ending = True
        while time.monotonic() < give_up:
            for relay in list(_relays):
                relay.abandon()
            with self._lock:  # a call that is here still holds its handle, which therefore lives
                if not self._cancels:
                    return
                for cancel in list(self._cancels.values()):
                    cancel()
            time.sleep(0.001)  # the other threads need the interpreter to leave their calls


calls_in_flight = CallsInFlight()


class Handle:
    """Owns one object of the library. Any thread may close it at any time: calls that are running keep it until the
    last of them ends, later ones are refused with StateError."""

    _free: Any = None
    _survives_fork = False  # whether a child of fork may use its parent's object

    def __init__(self) -> None:
        self._pointer = c.c_void_p()
        self._lock = threading.RLock()  # re-entrant: a signal handler may call cancel() at any step
        self._n_calls = 0
        self._closed = False
        self._pid = os.getpid()
        self._kept_open: List[Handle] = []

    # ---- calls

    def __call_begins(self) -> None:
        if self._pid != os.getpid():
            self._entered_child()
        with self._lock:
            if self._closed:
                raise StateError("STATE", "this %s is closed" % type(self).__name__)
            self._n_calls += 1

    def __call_ends(self) -> None:
        with self._lock:
            self._n_calls -= 1
            last = self._closed and not self._n_calls
        if last:
            self._release()
            for other in self._kept_open:
                other.__call_ends()

    def _keep_open(self, *others: "Optional[Handle]") -> None:
        """The library's objects of these stay until that of this one is freed, whichever is closed, or collected when the
        interpreter ends, first."""
        for other in others:
            if other is not None:
                other.__call_begins()
                self._kept_open.append(other)

    def _entered_child(self) -> None:
        if not self._survives_fork:
            raise ForkError(
                "FORK",
                "this %s belongs to process %d, from which this one was forked; open the model "
                "in each process (with multiprocessing: in an initializer, or start method \"spawn\")"
                % (type(self).__name__, self._pid),
            )
        self._lock, self._n_calls, self._pid = threading.RLock(), 0, os.getpid()  # the parent's threads are not here

    def _using(self, cancel: Optional[Callable[[], Any]] = None) -> "_Use":
        """with handle._using() as pointer: the object stays while the block runs. cancel() ends the block's call."""
        return _Use(self, cancel)

    # ---- the end

    def close(self) -> None:
        """Frees it. Calls that are running in other threads end first; closing twice is harmless."""
        if self._pid != os.getpid():
            self._closed = True
            self._release()
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._n_calls += 1  # ours, so that the object outlives _end_calls
        try:
            self._end_calls()
        finally:
            self.__call_ends()

    def _end_calls(self) -> None:
        """Ends running calls early, if possible."""

    def _release(self) -> None:
        if self._pointer:
            type(self)._free(c.byref(self._pointer))

    @property
    def closed(self) -> bool:
        return self._closed

    def __enter__(self: H) -> H:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    async def __aenter__(self: H) -> H:
        return self

    async def __aexit__(self, *_: Any) -> None:
        from . import _aio

        await _aio.in_thread(self.close)  # may wait for calls that end

    def __del__(self) -> None:
        if getattr(self, "_pointer", None) or getattr(self, "_kept_open", None):
            self.close()

    # How to have it elsewhere, for the error of copy and pickle. Classes that can be opened again from a path and options
    # (Model, Tokenizer, Chat) pickle as these.
    _elsewhere = "make one in each process"

    def __copy__(self) -> NoReturn:
        raise TypeError(
            "a %s cannot be copied or pickled: it owns memory of this process; %s" % (type(self).__name__, self._elsewhere)
        )

    def __deepcopy__(self, _memo: Any) -> NoReturn:
        self.__copy__()

    def __reduce_ex__(self, _protocol: Any) -> Any:
        self.__copy__()

    def __repr__(self) -> str:
        return "<llmcs.%s%s>" % (type(self).__name__, " (closed)" if self._closed else self._describe())

    def _describe(self) -> str:
        return ""


class _Use:
    """One call in flight."""

    __slots__ = ("_cancel", "_handle", "_key")

    def __init__(self, handle: Handle, cancel: Optional[Callable[[], Any]] = None) -> None:
        self._handle, self._cancel = handle, cancel or handle._end_calls

    def __enter__(self) -> c.c_void_p:
        self._handle._Handle__call_begins()  # type: ignore[attr-defined]
        self._key = calls_in_flight.begin(self._cancel)
        return self._handle._pointer

    def __exit__(self, *_: Any) -> None:
        calls_in_flight.end(self._key)
        self._handle._Handle__call_ends()  # type: ignore[attr-defined]


def interruptible(function: Callable[[], T], cancel: Callable[[], None]) -> T:
    """function(), so that Ctrl-C ends it. Python handles signals between the steps of its main thread only, and a C
    call is one step: the main thread leaves it to another one, waits, and on KeyboardInterrupt calls cancel()."""
    if not in_main_thread() or calls_in_flight.ending:
        return function()
    results: List[T] = []
    errors: List[BaseException] = []
    ended = threading.Semaphore(0)

    def run_call() -> None:
        calls_in_flight.mark_our_thread()
        try:
            results.append(function())
        except BaseException as e:  # raised in the main thread below
            errors.append(e)
        ended.release()

    try:
        _thread.start_new_thread(run_call, ())
    except RuntimeError:  # no more threads
        return function()
    interrupt = None
    while not results and not errors:
        try:
            ended.acquire()
        except BaseException as e:  # what a signal's handler raised
            interrupt = interrupt or e
            if not results and not errors:
                cancel()
    if interrupt is not None:
        raise interrupt
    if errors:
        raise errors[0]
    return results[0]


class Relay(Generic[T]):
    """Runs generate(receive) in another thread and hands what its callback receives to the thread that iterates over
    the relay. In lockstep, generate goes on with what reply() says; else it runs ahead.

    Ctrl-C is raised in the reader, never inside the callback, where C could not pass it on."""

    def __init__(
        self, generate: Callable[[Callable[[Any], bool]], T], cancel: Callable[[], None], lockstep: bool
    ) -> None:
        self._generate, self._cancel, self._lockstep = generate, cancel, lockstep
        self._items: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self._replies: "queue.SimpleQueue[bool]" = queue.SimpleQueue()
        self._stopped = False
        self._outcome: List[Callable[[], T]] = []  # one, when it has ended
        _relays.add(self)
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        calls_in_flight.mark_our_thread()
        try:
            result = self._generate(self._receive)
            self._outcome.append(lambda: result)
        except BaseException as e:  # raised by result()
            error = e
            self._outcome.append(lambda: _raise(error))
        self._items.put(None)  # wakes the reader

    def _receive(self, item: Any) -> bool:
        if self._stopped:
            return True
        self._items.put((item,))
        return self._replies.get() if self._lockstep else False

    def __iter__(self) -> Iterator[Any]:
        while True:
            item = self._items.get()
            if item is None:
                return
            yield item[0]

    def reply(self, stop: bool) -> None:
        self._replies.put(stop)

    def abandon(self) -> None:
        """Makes the callback, and so the call, end, since the reader has gone."""
        self._stopped = True
        self._replies.put(True)

    def stop(self) -> None:
        """Ends it early, and waits for that; nothing if it has ended."""
        self.abandon()
        while not self._outcome:
            self._cancel()
            if sys.is_finalizing():  # the interpreter ends, and the other thread with it: it will not answer
                return
            try:
                self._items.get()
            except KeyboardInterrupt:
                pass  # it is on its way

    def result(self) -> T:
        return self._outcome[0]()


def _raise(error: BaseException) -> NoReturn:
    raise error


def in_main_thread() -> bool:
    """Whether this is the thread in which signals' handlers run."""
    return threading.current_thread() is threading.main_thread()
