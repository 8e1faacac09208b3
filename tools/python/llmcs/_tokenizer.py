"""Tokenizers, of a folder or of an open model, and streaming decoders."""

from __future__ import annotations

import ctypes as c
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ._errors import call
from ._handles import Handle, _Use
from ._inputs import PathInput, absolute, c_string, choice, integer, path, token_ids, utf8
from ._native import Span, EncodeParams, i32, initialised, lib, size

SPECIAL_ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_TRUNCATIONS = ("none", "longest_first", "only_first", "only_second")


class Encoding(NamedTuple):
    """What encode_full gives; offsets are (begin, end) in bytes of the UTF-8 text, (0, 0) for added tokens."""

    ids: List[int]
    type_ids: List[int]
    offsets: List[Tuple[int, int]]


def _flags(skip_special_tokens: bool, clean_up_tokenization_spaces: bool) -> int:
    return (1 if skip_special_tokens else 0) | (2 if clean_up_tokenization_spaces else 0)


class Tokenizer(Handle):
    """Tokenizer(folder or GGUF file), or model.tokenizer, which lives as long as its model. Any thread may use it; one
    opened by itself may be used by a child of fork, too."""

    _free = lib.llmcs_tokenizer_free
    _survives_fork = True

    def __init__(self, folder: PathInput) -> None:
        super().__init__()
        self._owner: Optional[Handle] = None
        encoded = path("folder", folder)
        self._path = absolute(encoded)
        call(lib.llmcs_tokenizer_open, encoded, None, c.byref(self._pointer))

    @classmethod
    def _of(cls, owner: Handle) -> Optional["Tokenizer"]:
        """The tokenizer that belongs to a model, or None where it has none."""
        with owner._using() as model:
            pointer = lib.llmcs_model_tokenizer(model)
        if not pointer:
            return None
        self = cls.__new__(cls)
        Handle.__init__(self)
        self._owner, self._pointer = owner, c.c_void_p(pointer)
        self._path = owner._source[0]  # type: ignore[attr-defined]
        return self

    def __reduce_ex__(self, _protocol: Any) -> Any:
        """Pickles as its folder, which is opened as a tokenizer where it is unpickled."""
        return Tokenizer, (self._path,)

    def _using(self, cancel: Optional[Callable[[], Any]] = None) -> _Use:
        return _Use(self, cancel) if self._owner is None else _Borrowed(self, cancel)

    def _release(self) -> None:
        if self._owner is None:
            super()._release()

    def __len__(self) -> int:
        """One more than the largest id of a token."""
        with self._using() as h:
            return int(lib.llmcs_tokenizer_n_vocab(h))

    def describe(self) -> str:
        """What the tokenizer does, a line a stage."""
        n = size()
        with self._using() as h:
            call(lib.llmcs_tokenizer_describe, h, None, 0, c.byref(n))
            text = c.create_string_buffer(n.value + 1)
            call(lib.llmcs_tokenizer_describe, h, text, n.value, c.byref(n))
        return text.raw[: n.value].decode("utf-8", "replace")

    def encode(
        self,
        text: str,
        pair: Optional[str] = None,
        add_special_tokens: bool = True,
        parse_special: bool = False,
        offsets: bool = False,
        truncation: str = "none",
        max_length: int = 0,
        source_lang: Optional[str] = None,
        target_lang: Optional[str] = None,
        target_text: bool = False,
    ) -> Any:
        """Token ids; with offsets=True (ids, offsets). parse_special: special tokens written in the text become those
        tokens; never for text of users. The languages are for tokenizers of translation ("en_XX", "fra");
        target_text: the text is of the language that is translated into."""
        languages = (source_lang, target_lang, target_text)
        full = self.encode_full(text, pair, add_special_tokens, parse_special, truncation, max_length, *languages)
        return (full.ids, full.offsets) if offsets else full.ids

    def encode_full(
        self,
        text: str,
        pair: Optional[str] = None,
        add_special_tokens: bool = True,
        parse_special: bool = False,
        truncation: str = "none",
        max_length: int = 0,
        source_lang: Optional[str] = None,
        target_lang: Optional[str] = None,
        target_text: bool = False,
    ) -> Encoding:
        """An Encoding: ids, type ids and offsets."""
        first, second = utf8("text", text), None if pair is None else utf8("pair", pair)
        params = initialised(EncodeParams)
        params.flags = (1 if add_special_tokens else 0) | (2 if parse_special else 0)
        params.truncation = choice("truncation", truncation, _TRUNCATIONS)
        params.max_length = integer("max_length", max_length, size)
        params.source_lang = None if source_lang is None else c_string("source_lang", source_lang)
        params.target_lang = None if target_lang is None else c_string("target_lang", target_lang)
        params.flags |= 8 if target_text else 0
        n = size()
        arguments = (first, len(first), second, len(second or b""), c.byref(params))
        with self._using() as h:
            call(lib.llmcs_encode, h, *arguments, None, None, None, 0, c.byref(n))
            ids, types, spans = (i32 * n.value)(), (i32 * n.value)(), (Span * n.value)()
            call(lib.llmcs_encode, h, *arguments, ids, types, spans, n.value, c.byref(n))
        return Encoding(list(ids), list(types), [(s.begin, s.end) for s in spans])

    def decode(self, ids: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool = False) -> str:
        """The text of token ids."""
        array, n = token_ids("ids", ids), size()
        flags = _flags(skip_special_tokens, clean_up_tokenization_spaces)
        with self._using() as h:
            call(lib.llmcs_decode, h, array, len(array), flags, None, 0, c.byref(n))
            text = c.create_string_buffer(n.value + 1)
            call(lib.llmcs_decode, h, array, len(array), flags, text, n.value, c.byref(n))
        return text.raw[: n.value].decode("utf-8")

    def decoder(self, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool = False) -> "Decoder":
        """A Decoder, for ids that come one by one."""
        return Decoder(self, skip_special_tokens, clean_up_tokenization_spaces)

    def token(self, id: int) -> Optional[str]:
        """The token as the vocabulary spells it, or None."""
        n = size()
        with self._using() as h:
            at = lib.llmcs_id_to_token(h, integer("id", id, i32), c.byref(n))
            return c.string_at(at, n.value).decode("utf-8", "replace") if at else None

    def token_id(self, token: str) -> Optional[int]:
        """The id of the token that the vocabulary spells like that ("##ing", "[MASK]"), or None."""
        spelling = utf8("token", token)
        with self._using() as h:
            id = lib.llmcs_token_to_id(h, spelling, len(spelling))
        return None if id < 0 else int(id)

    def special_token_id(self, role: str) -> Optional[int]:
        """The id of a special token by its role: bos, eos, unk, sep, pad, cls or mask; None where there is none."""
        number = choice("role", role, SPECIAL_ROLES)
        with self._using() as h:
            id = lib.llmcs_special_token(h, number)
        return None if id < 0 else int(id)

    @property
    def languages(self) -> Dict[str, int]:
        """The codes that source_lang and target_lang may be, of a tokenizer for translation, and their tokens' ids."""
        n = size()
        with self._using() as h:
            call(lib.llmcs_tokenizer_languages, h, None, 0, c.byref(n))
            ids = (i32 * n.value)()
            call(lib.llmcs_tokenizer_languages, h, ids, n.value, c.byref(n))
        return {str(self.token(id)).strip("<>"): id for id in ids}

    def _describe(self) -> str:
        return " of %r" % self._owner if self._owner is not None else " with ids below %d" % len(self)


class _Borrowed(_Use):
    """A call with a tokenizer that belongs to a model: the model stays meanwhile."""

    __slots__ = ("_model",)

    def __enter__(self) -> c.c_void_p:
        self._model = _Use(self._handle._owner)  # type: ignore[attr-defined]
        self._model.__enter__()
        try:
            return super().__enter__()
        except BaseException:
            self._model.__exit__()
            raise

    def __exit__(self, *_: Any) -> None:
        super().__exit__()
        self._model.__exit__()


class Decoder(Handle):
    """tokenizer.decoder(): push(id) gives the text that the token completes, finish() what is left. One thread at a
    time."""

    _free = lib.llmcs_decoder_free
    _survives_fork = True

    def __init__(
        self, tokenizer: Tokenizer, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool = False
    ) -> None:
        super().__init__()
        self._tokenizer = tokenizer  # the decoder reads it
        with tokenizer._using() as h:
            call(
                lib.llmcs_decoder_create,
                h,
                _flags(skip_special_tokens, clean_up_tokenization_spaces),
                c.byref(self._pointer),
            )

    def push(self, id: int) -> str:
        return self._piece(lib.llmcs_decoder_push, integer("id", id, i32))

    def finish(self) -> str:
        return self._piece(lib.llmcs_decoder_finish)

    def _piece(self, function: Any, *arguments: int) -> str:
        at, n = c.c_void_p(), size()
        with self._tokenizer._using(), self._using() as h:
            call(function, h, *arguments, c.byref(at), c.byref(n))
            return c.string_at(at, n.value).decode("utf-8") if n.value else ""
