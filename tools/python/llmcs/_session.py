"""Sessions: one conversation each."""

from __future__ import annotations

import ctypes as c
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Dict, Iterator, List, NamedTuple, Optional

from . import _aio
from ._chat import Chat, Messages, _params
from ._errors import StateError, call
from ._generate import Generated, Params, defaults, received
from ._handles import CancelFlag, Handle, Relay, in_main_thread, interruptible
from ._inputs import c_string, choice, data_bytes, floats, integer, items, matrix, number, token_ids, utf8
from ._native import CallLimits, Result, ScoreResult, SessionOptions, TextFn, TokenFn, f32, i32, initialised, lib
from ._native import size, sized, text

if TYPE_CHECKING:
    from ._model import Model

_WANT_LOGITS = ("none", "last", "all")


class Score(NamedTuple):
    """log p(continuation | prompt), and how many tokens the continuation has."""

    logprob: float
    n_tokens: int


class Choice(NamedTuple):
    """The index of the most probable candidate, and every candidate's log-probability."""

    best: int
    logprobs: List[float]


class Session(Handle):
    """model.session(): the tokens of one conversation with their keys and values. One call at a time (BusyError); only
    cancel() and close() may come from other threads meanwhile."""

    _free = lib.llmcs_session_free
    _elsewhere = "save() gives its content as bytes, which restore() of a session there continues from; fork() copies it"

    def __init__(self, model: "Model", n_ctx: int = 0) -> None:
        super().__init__()
        self._model, self._streams = model, _aio.Streams()
        options = initialised(SessionOptions)
        options.n_ctx = integer("n_ctx", n_ctx, i32)
        with model._using() as h:
            self._defaults = defaults(h)
            call(lib.llmcs_session_create, h, c.byref(options), c.byref(self._pointer))

    def _end_calls(self) -> None:
        lib.llmcs_session_cancel(self._pointer)

    def _describe(self) -> str:
        return " of %r" % self._model

    # ---- generation

    def generate(self, prompt: str, on_text: Optional[Callable[[str], Any]] = None, **params: Any) -> Generated:
        """Continues the prompt. params: Transformers' names (max_new_tokens, do_sample, top_p, num_beams, ...), and
        the folder's for what is not given.

        on_text(piece) is called with each new piece of text; a true result stops. What it raises is raised here."""
        encoded = utf8("prompt", prompt)
        return self._generate(lib.llmcs_generate, encoded, len(encoded), on_text, params)

    def generate_ids(self, ids: Any, on_token: Optional[Callable[[int], Any]] = None, **params: Any) -> Generated:
        """The same from token ids; on_token(id) is called with each new one."""
        array = token_ids("ids", ids)
        return self._generate(lib.llmcs_generate_ids, array, len(array), on_token, params)

    def chat(
        self,
        chat: Chat,
        messages: Messages,
        on_text: Optional[Callable[[str], Any]] = None,
        tools: Optional[List[Any]] = None,
        documents: Optional[List[Any]] = None,
        now: Optional[str] = None,
        variables: Optional[Dict[str, Any]] = None,
        continue_final_message: bool = False,
        **params: Any,
    ) -> Generated:
        """Answers a conversation: renders it with the chat template, and generates. Append the answer and the next
        message, and call again: only what is new is evaluated. params as for generate."""
        c_params, _kept = _params(messages, tools, documents, True, continue_final_message, now, variables or {})
        with chat._using() as h:
            return self._generate(lib.llmcs_chat_generate, h, c.byref(c_params), on_text, params)

    def _generate(
        self, function: Any, prompt: Any, n: Any, callback: Optional[Callable[[Any], Any]], given: Any
    ) -> Generated:
        flag = CancelFlag()

        def generate(receive: Optional[Callable[[Any], Any]]) -> Generated:
            return self._call(function, prompt, n, receive, given, flag)

        if callback is None:
            return interruptible(lambda: generate(None), flag.set)
        if not in_main_thread():
            return generate(callback)
        relay = Relay(generate, flag.set, lockstep=True)
        try:
            for item in relay:
                relay.reply(bool(callback(item)))
        finally:
            relay.stop()
        return relay.result()

    def _call(
        self, function: Any, prompt: Any, n: Any, receive: Optional[Callable[[Any], Any]], given: Any, flag: CancelFlag
    ) -> Generated:
        """The C call. receive gets a text or a token id, as the function gives."""
        params, result = Params(self._defaults, given), c.POINTER(Result)()
        params.struct.cancel = flag.pointer
        raised: List[BaseException] = []

        def guarded(_user: Any, *arguments: Any) -> int:
            try:
                item = arguments[0] if len(arguments) == 1 else c.string_at(*arguments).decode("utf-8")
                return 1 if receive(item) else 0  # type: ignore[misc]
            except BaseException as e:  # must not cross the C frames below
                raised.append(e)
                return 1

        kind = TokenFn if function is lib.llmcs_generate_ids else TextFn
        c_callback = kind(guarded) if receive else None
        with self._using(flag.set) as h, params.ready() as pointer:
            call(
                function,
                h,
                prompt,
                n,
                pointer,
                c_callback and c.cast(c_callback, c.c_void_p),
                None,
                c.byref(result),
            )
        answer = received(result)
        if raised:
            raise raised[0]
        return answer

    def stream(self, prompt: str, **params: Any) -> Iterator[str]:
        """Yields pieces of text as they come; leaving the loop early cancels the rest."""
        encoded, flag = utf8("prompt", prompt), CancelFlag()

        def generate(receive: Callable[[Any], bool]) -> Generated:
            return self._call(lib.llmcs_generate, encoded, len(encoded), receive, params, flag)

        relay = Relay(generate, flag.set, lockstep=False)
        try:
            yield from relay
        finally:
            relay.stop()
        relay.result()  # raises what went wrong

    # ---- asyncio: in a thread, while the event loop goes on; a cancelled task cancels the call and waits for its end

    async def agenerate(self, prompt: str, **params: Any) -> Generated:
        """generate() for `await`."""
        encoded = utf8("prompt", prompt)
        return await self._agenerate(lib.llmcs_generate, encoded, len(encoded), params)

    async def achat(
        self,
        chat: Chat,
        messages: Messages,
        tools: Optional[List[Any]] = None,
        documents: Optional[List[Any]] = None,
        now: Optional[str] = None,
        variables: Optional[Dict[str, Any]] = None,
        continue_final_message: bool = False,
        **params: Any,
    ) -> Generated:
        """chat() for `await`."""
        c_params, _kept = _params(messages, tools, documents, True, continue_final_message, now, variables or {})
        with chat._using() as h:
            return await self._agenerate(lib.llmcs_chat_generate, h, c.byref(c_params), params)

    async def _agenerate(self, function: Any, prompt: Any, n: Any, given: Any) -> Generated:
        await self._streams.left_ones()
        return await _aio.in_thread(lambda: self._call(function, prompt, n, None, given, CancelFlag()))

    def astream(self, prompt: str, **params: Any) -> AsyncIterator[str]:
        """async for piece in session.astream(prompt): pieces of text as they come; leaving the loop cancels the rest."""
        encoded = utf8("prompt", prompt)
        return self._streams.begin(
            lambda receive: self._call(lib.llmcs_generate, encoded, len(encoded), receive, params, CancelFlag())
        )

    def cancel(self) -> None:
        """From any thread: the running call, or else the next one, ends with what it has."""
        try:
            with self._using() as h:
                lib.llmcs_session_cancel(h)
        except StateError:
            pass  # closed: nothing runs

    def next_distribution(self, **params: Any) -> Any:
        """The probabilities from which the next token would be sampled, [vocab_size]; eval() comes first."""
        n = self._model.info["vocab_size"]
        probabilities, p = floats(n), Params(self._defaults, params)
        with self._using() as h, p.ready() as pointer:
            call(lib.llmcs_next_distribution, h, pointer, probabilities)
        return matrix(probabilities, n)

    # ---- scoring

    def score(self, prompt: str, continuation: str, deadline_ms: float = 0) -> Score:
        """log p(continuation | prompt)."""
        a, b = utf8("prompt", prompt), utf8("continuation", continuation)
        return self._score(lib.llmcs_score_within, a, b, deadline_ms)

    def score_ids(self, prompt: Any, continuation: Any, deadline_ms: float = 0) -> Score:
        """The same from token ids."""
        a, b = token_ids("prompt", prompt), token_ids("continuation", continuation)
        return self._score(lib.llmcs_score_ids_within, a, b, deadline_ms)

    def _score(self, function: Any, prompt: Any, continuation: Any, deadline_ms: float) -> Score:
        result, n, m = ScoreResult(), len(prompt), len(continuation)
        self._within(deadline_ms, lambda h, limits: call(function, h, prompt, n, continuation, m, limits, c.byref(result)))
        return Score(result.logprob, result.n_tokens)

    def _within(self, deadline_ms: float, make_call: Callable[[Any, Any], Any]) -> None:
        """make_call(pointer, limits), which Ctrl-C ends, and a cancelled task."""
        limits, flag = sized(CallLimits), CancelFlag()
        limits.deadline_ms, limits.cancel = number("deadline_ms", deadline_ms), flag.pointer

        def run() -> None:
            with self._using(flag.set) as h:
                make_call(h, c.byref(limits))

        interruptible(run, flag.set)

    def choose(self, prompt: str, candidates: Any, per_token: bool = False, deadline_ms: float = 0) -> Choice:
        """The most probable of several continuations, or with per_token the one most probable per token."""
        a, best = utf8("prompt", prompt), size()
        encoded = [c_string("candidates[%d]" % i, x) for i, x in enumerate(items("candidates", candidates))]
        n = len(encoded)
        array, results = (text * max(1, n))(*encoded), (ScoreResult * max(1, n))()
        rest = (a, len(a), array, n, int(bool(per_token)))
        self._within(
            deadline_ms,
            lambda h, limits: call(lib.llmcs_choose_within, h, *rest, limits, results, c.byref(best)),
        )
        return Choice(best.value, [r.logprob for r in results[:n]])

    # ---- tokens

    def encode(self, ids: Any, deadline_ms: float = 0) -> Any:
        """Makes token ids the source of an encoder-decoder's session: the encoder's output [n, n_embd]. eval() then takes
        the decoder's tokens, the first of which is the folder's decoder_start_token_id."""
        array, width = token_ids("ids", ids), self._model.info["n_embd"]
        hidden, n = floats(len(array) * width), len(array)
        self._within(
            deadline_ms, lambda h, limits: call(lib.llmcs_session_encode_within, h, array, n, limits, hidden)
        )
        return matrix(hidden, len(array), width)

    def eval(self, ids: Any, logits: str = "last", deadline_ms: float = 0) -> None:
        """Appends token ids and evaluates them; logits: "none", "last" or "all", which logits() then gives."""
        array, want = token_ids("ids", ids), choice("logits", logits, _WANT_LOGITS)
        n = len(array)
        self._within(
            deadline_ms, lambda h, limits: call(lib.llmcs_session_eval_within, h, array, n, want, limits)
        )

    def logits(self) -> Any:
        """[n_rows, vocab_size] of the last eval, a copy."""
        at, n, width = c.POINTER(f32)(), size(), self._model.info["vocab_size"]
        with self._using() as h:
            call(lib.llmcs_session_logits, h, c.byref(at), c.byref(n))
            copied = floats(n.value * width)
            c.memmove(copied, at, n.value * width * c.sizeof(f32))
        return matrix(copied, n.value, width)

    @property
    def tokens(self) -> List[int]:
        """The token ids that the session holds."""
        n = size()
        with self._using() as h:
            call(lib.llmcs_session_tokens, h, None, 0, c.byref(n))
            ids = (i32 * n.value)()
            call(lib.llmcs_session_tokens, h, ids, n.value, c.byref(n))
        return list(ids[: n.value])

    def rewind(self, n_tokens: int) -> None:
        """Drops all but the first n_tokens."""
        with self._using() as h:
            call(lib.llmcs_session_rewind, h, integer("n_tokens", n_tokens, size))

    def fork(self) -> "Session":
        """A second session that continues from here on its own."""
        other = type(self).__new__(type(self))
        Handle.__init__(other)
        other._model, other._defaults, other._streams = self._model, self._defaults, _aio.Streams()
        with self._using() as h:
            call(lib.llmcs_session_fork, h, c.byref(other._pointer))
        return other

    def save(self) -> bytes:
        """What the session holds as bytes, for a session of the same model to be restored from, in any process."""
        n = size()
        with self._using() as h:
            call(lib.llmcs_session_save, h, None, 0, c.byref(n))
            data = bytearray(n.value)
            call(lib.llmcs_session_save, h, (c.c_char * len(data)).from_buffer(data), len(data), c.byref(n))
        return bytes(data)

    def restore(self, data: Any) -> None:
        """Becomes the session that was saved; on an Error it is as before."""
        saved = data_bytes("data", data)
        with self._using() as h:
            call(lib.llmcs_session_restore, h, saved, len(saved))
