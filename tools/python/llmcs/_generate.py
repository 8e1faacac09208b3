"""Parameters and results of generation, for sessions and engines."""

from __future__ import annotations

import contextlib
import ctypes as c
import difflib
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from ._errors import call
from ._grammar import Grammar
from ._inputs import c_string, integer, items, joined, number, token_ids
from ._native import GenerateParams, Ids, LogitBias, SequenceBias, i32, lib, text

FINISH_REASONS = tuple(lib.llmcs_finish_reason_name(i).decode() for i in range(6))
PARSE_SPECIAL = 2

_LISTS = ("eos_token_id", "bad_words_ids", "logit_bias", "stop_strings", "prompt_lookup_ids", "sequence_bias")
_IDS = (
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "negative_prompt_ids",
    "decoder_input_ids",
)
_LANGUAGES = ("source_lang", "target_lang")
_DECAY = ("exponential_decay_start", "exponential_decay_factor")
_NUMBERS = {
    name: kind
    for name, kind in GenerateParams._fields_
    if name not in ("struct_size", "early_stopping", "encode_flags", "grammar", "cancel", *_IDS, *_LANGUAGES, *_DECAY)
    and name not in _LISTS
    and not (name.startswith("n_") and name[2:] in _LISTS)
}
_OTHERS = ("early_stopping", "exponential_decay_length_penalty", "grammar", "parse_special")
NAMES = (*_NUMBERS, *_LISTS, *_IDS, *_LANGUAGES, *_OTHERS)
_OTHER_NAMES = {
    "max_tokens": "max_new_tokens",
    "n_predict": "max_new_tokens",
    "stop": "stop_strings",
    "n": "num_return_sequences",
    "repeat_penalty": "repetition_penalty",
}


def _top_logprobs(s: Any) -> Optional[List[List[Tuple[int, float]]]]:
    n = s.n_top_logprobs
    rows = [s.top_logprobs[i * n : (i + 1) * n] for i in range(s.n_ids)] if s.top_logprobs else None
    return rows and [[(t.id, t.logprob) for t in row if t.id >= 0] for row in rows]


class Generated:
    """What a generation gave. texts, sequences (token ids), finish_reasons, scores and logprobs have an entry for each
    sequence; text is the first text.

    logprobs are None without logprobs=True, and so are scores, except for beam search. top_logprobs=5 with it gives
    top_logprobs: for each token the five most probable ones, best first, as (id, logprob)."""

    def __init__(self, result: Any) -> None:
        found = [result.sequences[i].contents for i in range(result.n_sequences)]
        self.texts: List[str] = [c.string_at(s.text, s.text_bytes).decode("utf-8") for s in found]
        self.sequences: List[List[int]] = [s.ids[: s.n_ids] for s in found]
        self.finish_reasons: List[str] = [FINISH_REASONS[s.finish_reason] for s in found]
        self.scores: List[Optional[float]] = [None if s.score != s.score else s.score for s in found]
        self.logprobs: List[Optional[List[float]]] = [s.logprobs[: s.n_ids] if s.logprobs else None for s in found]
        self.top_logprobs: List[Optional[List[List[Tuple[int, float]]]]] = [_top_logprobs(s) for s in found]
        self.n_prompt_tokens: int = result.n_prompt_tokens
        self.n_new_tokens: int = result.n_new_tokens
        self.n_cached_tokens: int = result.n_cached_tokens
        self.n_draft_tokens: int = result.n_draft_tokens
        self.n_accepted_tokens: int = result.n_accepted_tokens
        self.prompt_ms: float = result.prompt_ms
        self.decode_ms: float = result.decode_ms

    @property
    def text(self) -> str:
        return self.texts[0]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return "<llmcs.Generated %r (%s), %d tokens>" % (self.text, self.finish_reasons[0], self.n_new_tokens)


def received(result: Any) -> Generated:
    """A Generated from a pointer to the library's result, which is freed."""
    try:
        return Generated(result.contents)
    finally:
        lib.llmcs_result_free(c.byref(result))


def defaults(model: Any) -> Any:
    """The folder's own parameters. Their lists belong to the model: keep it as long as these."""
    params = GenerateParams()
    call(lib.llmcs_generate_params_init_sized, c.byref(params), c.sizeof(params), model)
    return params


class Params:
    """A llmcs_generate_params over the folder's defaults, and the arrays that it points to."""

    def __init__(self, base: Any, given: Mapping[str, Any]) -> None:
        self.struct = GenerateParams.from_buffer_copy(base)
        self._kept: List[Any] = []
        self._grammar: Optional[Grammar] = None
        for name, value in given.items():
            if value is not None or name not in NAMES:  # None: the default
                self._set(name, value)
        if given.get("max_length") and given.get("max_new_tokens") is None:
            self.struct.max_new_tokens = 0  # else the default number of new tokens would go before

    @contextlib.contextmanager
    def ready(self) -> Iterator[Any]:
        """with params.ready() as pointer: the parameters stay in memory while the block runs."""
        if self._grammar is None:
            yield c.byref(self.struct)
            return
        with self._grammar._using() as grammar:
            self.struct.grammar = grammar
            yield c.byref(self.struct)

    def _set(self, name: str, value: Any) -> None:
        if name in _NUMBERS:
            kind = _NUMBERS[name]
            of_int = issubclass(kind, (c.c_int32, c.c_uint32, c.c_uint64))
            setattr(self.struct, name, integer(name, value, kind) if of_int else number(name, value))
        elif name in _LISTS:
            getattr(self, "_set_" + name)(name, value)
        elif name in _IDS:
            ids = token_ids(name, value if hasattr(value, "__iter__") else [value])
            self._kept.append(ids)
            setattr(self.struct, name, Ids(c.cast(ids, c.POINTER(i32)), len(ids)))
        elif name in _LANGUAGES:
            setattr(self.struct, name, c_string(name, value))
        elif name == "early_stopping":
            self.struct.early_stopping = 2 if value == "never" else int(bool(value))
        elif name == "exponential_decay_length_penalty":
            start, factor = _pair(name, value)
            self.struct.exponential_decay_start = integer(name + "[0]", start, i32)
            self.struct.exponential_decay_factor = number(name + "[1]", factor)
        elif name == "grammar":
            if not isinstance(value, Grammar):
                raise TypeError("grammar: expected a Grammar, got %s" % type(value).__name__)
            self._grammar = value
        elif name == "parse_special":
            self.struct.encode_flags |= PARSE_SPECIAL if value else 0
        else:
            raise TypeError(_unknown(name))

    def _point(self, name: str, array: Any, n: int) -> None:
        if not n:  # an address all the same: NULL would mean the default
            array = (array._type_ * 1)()
        self._kept.append(array)
        setattr(self.struct, name, array)
        setattr(self.struct, "n_" + name, n)

    def _set_eos_token_id(self, name: str, value: Any) -> None:
        ids = token_ids(name, value if hasattr(value, "__iter__") else [value])
        self._point(name, ids, len(ids))

    def _set_prompt_lookup_ids(self, name: str, value: Any) -> None:
        ids = token_ids(name, value)
        self._point(name, ids, len(ids))

    def _set_stop_strings(self, name: str, value: Any) -> None:
        strings = [value] if isinstance(value, str) else items(name, value)
        encoded = [c_string("%s[%d]" % (name, i), s) for i, s in enumerate(strings)]
        self._point(name, (text * len(encoded))(*encoded), len(encoded))

    def _set_logit_bias(self, name: str, value: Any) -> None:
        pairs = list(value.items()) if isinstance(value, Mapping) else items(name, value)
        biases = [LogitBias(integer(name + " id", id, i32), number("%s[%r]" % (name, id), bias)) for id, bias in pairs]
        self._point(name, (LogitBias * len(biases))(*biases), len(biases))

    def _set_sequence_bias(self, name: str, value: Any) -> None:
        """{(id, id): bias} or [[[id, id], bias], ...], as Transformers takes them."""
        given = value.items() if isinstance(value, Mapping) else items(name, value)
        pairs = [_pair(name, pair) for pair in given]
        biases = []
        for i, (ids, bias) in enumerate(pairs):
            array = token_ids("%s[%d]" % (name, i), ids)
            self._kept.append(array)
            pointer = Ids(c.cast(array, c.POINTER(i32)), len(array))
            biases.append(SequenceBias(pointer, number("%s[%d]" % (name, i), bias)))
        self._point(name, (SequenceBias * len(biases))(*biases), len(biases))

    def _set_bad_words_ids(self, name: str, value: Any) -> None:
        words = [token_ids("%s[%d]" % (name, i), word) for i, word in enumerate(items(name, value))]
        self._kept.append(words)
        self._point(name, (Ids * len(words))(*[Ids(c.cast(w, c.POINTER(i32)), len(w)) for w in words]), len(words))


def _pair(name: str, value: Any) -> List[Any]:
    pair = items(name, value)
    if len(pair) != 2:
        raise ValueError("%s: expected two values, got %d" % (name, len(pair)))
    return pair


def _unknown(name: str) -> str:
    close = _OTHER_NAMES.get(name) or next(iter(difflib.get_close_matches(name, NAMES, 1)), None)
    hint = "did you mean %r?" % close if close else "there are " + joined(NAMES)
    return "no generation parameter %r; %s" % (name, hint)
