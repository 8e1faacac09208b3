"""Checks arguments before they reach C: errors name the argument, and numbers are never truncated to fewer bits."""

from __future__ import annotations

import array
import ctypes as c
import importlib
import operator
import os
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from ._native import Text, i32

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]  # lists of floats where numpy is not installed
    Ids = npt.NDArray[np.uint64]  # lists of integers where numpy is not installed
else:
    Floats = Ids = Any

TextInput = Union[str, Tuple[str, str]]
PathInput = Union[str, bytes, "os.PathLike[str]"]

_RANGES = {
    c.c_int32: (-(2**31), 2**31 - 1),
    c.c_int: (-(2**31), 2**31 - 1),
    c.c_uint32: (0, 2**32 - 1),
    c.c_uint64: (0, 2**64 - 1),
    c.c_size_t: (0, 2**64 - 1),
}


def _got(value: Any) -> str:
    return "None" if value is None else "%s (%.40r)" % (type(value).__name__, value)


def integer(name: str, value: Any, kind: Any) -> int:
    """An int that fits the C type."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError("%s: expected an integer, got %s" % (name, _got(value))) from None
    low, high = _RANGES[kind]
    if not low <= number <= high:
        raise ValueError("%s: %d is out of range (%d to %d)" % (name, number, low, high))
    return number


def number(name: str, value: Any) -> float:
    if isinstance(value, (str, bytes, bytearray)) or value is None:
        raise TypeError("%s: expected a number, got %s" % (name, _got(value)))
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError("%s: expected a number, got %s" % (name, _got(value))) from None


def choice(name: str, value: Any, choices: Tuple[str, ...], aliases: Optional[Mapping[str, str]] = None) -> int:
    """The index of one of `choices`; case does not matter."""
    word = value.lower() if isinstance(value, str) else value
    if isinstance(word, str):
        word = (aliases or {}).get(word, word)
        if word in choices:
            return choices.index(word)
    raise ValueError("%s: %r is not one of %s" % (name, value, ", ".join(x for x in choices if x)))


def path(name: str, value: Any) -> bytes:
    try:
        encoded = os.fsencode(value)
    except TypeError:
        raise TypeError("%s: expected a path, got %s" % (name, _got(value))) from None
    if b"\0" in encoded:
        raise ValueError("%s: a path cannot hold a NUL character: %r" % (name, value))
    return encoded


def absolute(encoded: bytes) -> str:
    """The path for a process with another working directory."""
    return os.path.abspath(os.fsdecode(encoded))


def utf8(name: str, value: Any) -> bytes:
    """A text as UTF-8. NUL characters are text; its length goes with it."""
    if not isinstance(value, str):
        hint = "; decode it first" if isinstance(value, (bytes, bytearray)) else ""
        raise TypeError("%s: expected str, got %s%s" % (name, _got(value), hint))
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as e:
        raise ValueError("%s: character %d is a lone surrogate, which Unicode text cannot contain" % (name, e.start)) from None


def c_string(name: str, value: Any) -> bytes:
    """A text for a parameter that C ends at its first NUL, so it may not have one."""
    encoded = utf8(name, value)
    if b"\0" in encoded:
        raise ValueError("%s: a NUL character cannot be part of it: %r" % (name, value))
    return encoded


def data_bytes(name: str, value: Any) -> bytes:
    """All bytes of bytes, a bytearray, memoryview, array or numpy array."""
    try:
        return bytes(memoryview(value))
    except TypeError:
        raise TypeError("%s: expected bytes, got %s" % (name, type(value).__name__)) from None


def repeatable(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Keyword arguments that can be read more than once: generators become lists."""
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in given.items()}


def items(name: str, values: Any) -> List[Any]:
    """A list of what an iterable gives: list, tuple, generator, pandas Series, numpy array. No str, dict, table."""
    if isinstance(values, (str, bytes, bytearray, Mapping)) or hasattr(values, "columns"):
        raise TypeError("%s: expected a list, got %s" % (name, type(values).__name__))
    try:
        return list(values)
    except TypeError:
        raise TypeError("%s: expected a list, got %s" % (name, _got(values))) from None


def token_ids(name: str, values: Any) -> Any:
    """A C array of int32 from token ids: ids[:len(ids)], never one that was cut to 32 bits."""
    if isinstance(values, (str, bytes, bytearray)):
        raise TypeError("%s: expected token ids, got %s" % (name, type(values).__name__))
    listed = items(name, values)
    try:
        numbers = array.array("i", listed)
    except (TypeError, OverflowError):
        numbers = array.array("i")
    if len(numbers) != len(listed):  # one of them is wrong: which?
        numbers = array.array("i", [integer("%s[%d]" % (name, i), x, i32) for i, x in enumerate(listed)])
    return (i32 * len(numbers)).from_buffer(numbers) if numbers else (i32 * 0)()


class Texts:
    """An array of llmcs_text from one text, or from texts and (text, pair) tuples."""

    def __init__(self, name: str, given: Any) -> None:
        self.single = isinstance(given, str)
        listed = [given] if self.single else items(name, given)
        self.n, self.n_bytes = len(listed), 0
        self.array = (Text * max(1, self.n))()
        self.firsts: List[bytes] = []  # the texts as UTF-8, and the second texts of pairs
        self.seconds: List[bytes] = []
        for i, item in enumerate(listed):
            self._set(self.array[i], name if self.single else "%s[%d]" % (name, i), item)

    def _set(self, slot: Any, name: str, item: Any) -> None:
        second = b""
        if isinstance(item, (tuple, list)):
            if len(item) != 2:
                raise TypeError("%s: expected str or a pair (text, text), got %d items" % (name, len(item)))
            slot.pair = second = utf8(name + "[1]", item[1])
            slot.pair_bytes = len(second)
            self.n_bytes += len(second)
            name, item = name + "[0]", item[0]
        slot.text = first = utf8(name, item)
        slot.text_bytes = len(first)
        self.n_bytes += len(first)
        self.firsts.append(first)
        self.seconds.append(second)

    def result(self, values: Any) -> Any:
        """The only one for a single text, else all."""
        return values[0] if self.single else values


_NUMPY: Dict[str, Any] = {}


def numpy() -> Any:
    """The numpy module, or None where it is not installed."""
    if "module" not in _NUMPY:
        try:
            _NUMPY["module"] = importlib.import_module("numpy")
        except ImportError:
            _NUMPY["module"] = None
    return _NUMPY["module"]


def matrix(values: Any, *shape: int) -> Any:
    """A C array of floats as a float32 numpy array of that shape (no copy); without numpy as nested lists."""
    n = 1
    for length in shape:
        n *= length
    np = numpy()
    if np is not None:
        return np.frombuffer(values, dtype=np.float32, count=n).reshape(shape)
    if len(shape) == 1:
        return values[:n]
    return [values[i * shape[1] : (i + 1) * shape[1]] for i in range(shape[0])]


def floats(n: int) -> Any:
    """A zeroed C array of n floats; of one element if n is 0, because C needs an address."""
    return (c.c_float * max(1, n))()


def joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
