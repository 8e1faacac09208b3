"""What all pipelines share: arguments, batches, lists and generators of inputs."""

from __future__ import annotations

import difflib
import json
import os
from typing import Any, ClassVar, Dict, FrozenSet, Iterable, Iterator, List, Optional, Tuple, TypeVar

from .. import _aio
from .._inputs import joined, repeatable
from .._model import Model
from .._tokenizer import Tokenizer

P = TypeVar("P", bound="Pipeline")
_LIST_BATCH = 256  # texts of a list that are evaluated together; results do not depend on it


class Pipeline:
    """One of Transformers' pipelines over a model of this library: made by llmcs.pipeline(). Any thread may call it. It
    closes its model only if pipeline() opened it."""

    arguments: ClassVar[Tuple[str, ...]] = ()  # of __init__ and __call__
    head: ClassVar[str] = ""  # what the model must have
    single_types: ClassVar[Tuple[type, ...]] = (str, dict)  # inputs that are one

    def __init__(self, model: Model, task: str, batch_size: Optional[int] = None, **defaults: Any) -> None:
        if self.head and self.head not in model.heads:
            raise ValueError(
                "%s: %s has no head for it; it can do %s"
                % (task, model, ", ".join(sorted(model.heads)) or "nothing that pipelines offer")
            )
        self.model, self.task = model, task
        self._batch_size = _batch(batch_size)
        self._owns_model = False
        self._settings: Dict[str, Dict[str, Any]] = {}  # files of the folder, each read once
        self._defaults = repeatable(self._checked(defaults))

    # ---- arguments

    def _checked(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """The arguments, each of which this pipeline has."""
        for name in given:
            if name not in self.arguments:
                self._refuse(name)
        return given

    def _refuse(self, name: str) -> None:
        close = difflib.get_close_matches(name, self.arguments, 1)
        hint = "did you mean %r?" % close[0] if close else "there are " + joined(self.arguments)
        raise TypeError("%s: no argument %r; %s" % (self.task, name, hint))

    # ---- inputs

    def __call__(self, inputs: Any, **how: Any) -> Any:
        """Results in the shape of Transformers' pipelines: of one input, a list for a list, and a generator for a
        generator or another iterable, which is read batch_size inputs at a time."""
        batch = _batch(how.pop("batch_size", None)) or self._batch_size
        how.pop("num_workers", None)  # of Transformers' data loader; the model has its own threads
        how = {**self._defaults, **repeatable(self._checked(how))}
        if self._is_single(inputs):
            return self._many([inputs], how)[0]
        if isinstance(inputs, (list, tuple)):
            return [r for part in _batches(inputs, batch or _LIST_BATCH) for r in self._many(part, how)]
        return self._generate(inputs, batch or 1, how)

    def _is_single(self, inputs: Any) -> bool:
        if isinstance(inputs, (bytes, bytearray)) or not (isinstance(inputs, self.single_types) or _iterable(inputs)):
            raise TypeError("%s: expected str or a list of str, got %s" % (self.task, type(inputs).__name__))
        return isinstance(inputs, self.single_types)

    def _generate(self, inputs: Iterable[Any], batch: int, how: Dict[str, Any]) -> Iterator[Any]:
        for part in _batches(inputs, batch):
            yield from self._many(part, how)

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        """A result for each input."""
        raise NotImplementedError

    async def acall(self, inputs: Any, **how: Any) -> Any:
        """The same for `await`; a generator becomes a list. A cancelled task cancels the work."""

        def evaluate() -> Any:
            found = self(inputs, **how)
            return list(found) if isinstance(found, Iterator) else found

        return await _aio.in_thread(evaluate)

    # ---- the model

    @property
    def tokenizer(self) -> Tokenizer:
        tokenizer = self.model.tokenizer
        if tokenizer is None:
            raise ValueError("%s: %s has no tokenizer" % (self.task, self.model))
        return tokenizer

    def _setting(self, file: str, name: str, default: Any = None) -> Any:
        """A value of config.json or tokenizer_config.json; the default for a GGUF file."""
        if file not in self._settings:
            self._settings[file] = settings(self.model._source[0], file)
        return self._settings[file].get(name, default)

    def close(self) -> None:
        if self._owns_model:
            self.model.close()

    def __enter__(self: P) -> P:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    async def __aenter__(self: P) -> P:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await _aio.in_thread(self.close)

    def __repr__(self) -> str:
        return "<llmcs.pipeline %r of %r>" % (self.task, self.model)


def settings(folder: str, file: str) -> Dict[str, Any]:
    """What is in a file of the model's folder; nothing where there is none."""
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        found = json.load(f)
    return found if isinstance(found, dict) else {}


def _batch(size: Any) -> Optional[int]:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError("batch_size: expected an integer of 1 or more, got %r" % (size,))
    return size


def _iterable(value: Any) -> bool:
    try:
        iter(value)
    except TypeError:
        return False
    return True


def _batches(inputs: Iterable[Any], size: int) -> Iterator[List[Any]]:
    part: List[Any] = []
    for item in inputs:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def characters(text: bytes, begin: int, end: int) -> Tuple[int, int]:
    """Bytes [begin, end) of UTF-8 as characters."""
    return len(text[:begin].decode("utf-8", "ignore")), len(text[:end].decode("utf-8", "ignore"))


def choose(name: str, value: Any, allowed: FrozenSet[str]) -> str:
    word = value.lower() if isinstance(value, str) else getattr(value, "value", value)
    if word not in allowed:
        raise ValueError("%s: %r is not one of %s" % (name, value, joined(allowed)))
    return str(word)


def limits(task: str, how: Dict[str, Any]) -> Dict[str, Any]:
    """truncation and max_length of a tokenizer's call as this library's arguments. Without truncation a text that is too
    long is an error (ContextFullError)."""
    truncation = how.get("truncation")
    if truncation is None and how.get("max_length") is not None:
        truncation = True  # as Transformers' tokenizers
    found: Dict[str, Any] = {}
    if truncation in (None, False, "do_not_truncate"):
        found["overflow"] = "error"
    else:
        found["overflow"] = "truncate"
        if truncation is not True:
            found["truncation"] = choose(
                task + ": truncation", truncation, frozenset(("longest_first", "only_first", "only_second"))
            )
        if how.get("max_length") is not None:
            found["max_length"] = how["max_length"]
    return found
