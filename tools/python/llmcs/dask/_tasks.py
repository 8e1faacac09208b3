"""What is done with rows: embed, classify, tag, or any function. A task is small and pickles; open() makes the function of
a worker, once for each process."""

from __future__ import annotations

import base64
import collections
import copy
import hashlib
import importlib
import json
import re
import struct
import threading
import types
import uuid
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, Union

from .._inputs import numpy
from .._model import Model

Values = List[Dict[str, Any]]  # fields of rows in, fields of their answers out
Function = Callable[[Values], Values]


class Task:
    """Base of tasks: options as given, compared and pickled as such."""

    text_fields: Tuple[str, ...] = ("text",)

    def __init__(self, **options: Any) -> None:
        self.options = options

    def open(self) -> Function:
        """The function that answers rows, each as {"text": ..., "pair": ...?}; several threads may call it."""
        raise NotImplementedError

    def describe(self) -> Dict[str, Any]:
        """What the answers depend on, as JSON."""
        return {"task": type(self).__name__, **{k: v for k, v in sorted(self.options.items())}}

    def key(self) -> str:
        """What tells the open tasks of a process apart."""
        kind = "%s.%s" % (type(self).__module__, type(self).__qualname__)
        return json.dumps([kind, self.describe(), self.options], sort_keys=True, default=repr)

    def for_workers(self) -> "Task":
        """The task as workers get it, of which a machine has one for each core."""
        return self


class ModelTask(Task):
    """A task with a model. model_options: those of Model (n_threads, weights, ...); how: those of the call."""

    def __init__(self, model: str, model_options: Optional[Dict[str, Any]] = None, **how: Any) -> None:
        super().__init__(model=model, model_options=model_options or {}, how=how)
        self.model, self.how = model, how

    def describe(self) -> Dict[str, Any]:
        """No answer depends on the number of threads."""
        options = {k: v for k, v in self.options["model_options"].items() if k != "n_threads"}
        return {**super().describe(), "model_options": options}

    def for_workers(self) -> Task:
        """With one thread, unless a number was given."""
        task = copy.copy(self)
        task.options = {**self.options, "model_options": {"n_threads": 1, **self.options["model_options"]}}
        return task

    def open(self) -> Function:
        model = Model(self.model, **self.options["model_options"])
        return lambda values: self.answer(model, [_text(v) for v in values])

    def answer(self, model: Model, texts: List[Any]) -> Values:
        raise NotImplementedError


def _text(value: Dict[str, Any]) -> Union[str, Tuple[str, str]]:
    return (value["text"], value["pair"]) if "pair" in value else value["text"]


class Embed(ModelTask):
    """{"embedding": [...]}: Embed("path/to/encoder", prompt_name="document", truncate_dim=256). vectors="base64" writes
    each as little-endian float32 in base64, a fifth of the bytes and of the time."""

    def __init__(
        self, model: str, model_options: Optional[Dict[str, Any]] = None, vectors: str = "floats", **how: Any
    ) -> None:
        if vectors not in ("floats", "base64"):
            raise ValueError("vectors: %r is not one of base64, floats" % (vectors,))
        super().__init__(model, model_options, **how)
        self.options["vectors"], self.vectors = vectors, vectors

    def answer(self, model: Model, texts: List[Any]) -> Values:
        found = model.embed(texts, **self.how)
        if self.vectors == "base64":
            return [{"embedding": base64.b64encode(_bytes(v)).decode()} for v in found]
        return [{"embedding": v.tolist() if hasattr(v, "tolist") else list(v)} for v in found]


def _bytes(vector: Any) -> bytes:
    np = numpy()
    if np is not None:
        return bytes(np.asarray(vector, dtype="<f4").tobytes())
    return struct.pack("<%df" % len(vector), *vector)


class Classify(ModelTask):
    """{"label", "score", "scores"}. labels=[...]: labels of its own for a model of natural language inference, with
    hypothesis and multi_label."""

    def answer(self, model: Model, texts: List[Any]) -> Values:
        how = dict(self.how)
        labels = how.pop("labels", None)
        found = model.classify(texts, **how) if labels is None else model.zero_shot(texts, labels, **how)
        answers: Values = []
        for scores in found:
            best = max(scores, key=lambda label: float(scores[label]))
            answers.append({"label": best, "score": scores[best], "scores": scores})
        return answers


class Tag(ModelTask):
    """{"spans": [{"label", "score", "begin", "end", "text"}]}; begin and end count bytes of UTF-8."""

    def answer(self, model: Model, texts: List[Any]) -> Values:
        return [{"spans": [s._asdict() for s in spans]} for spans in model.tag(texts, **self.how)]


class Call(Task):
    """Any function of yours: Call("package.module:function") or Call(function). It gets the fields of some rows, a list
    of dicts, and returns as many dicts. With opens=True it is called once without arguments in each worker instead, and
    returns that function. text_fields=None: it gets whole rows."""

    def __init__(self, function: Union[str, Callable[..., Any]], opens: bool = False) -> None:
        super().__init__(function=function if isinstance(function, str) else _name(function), opens=opens)
        self.function, self.opens = function, opens
        self._own = "" if isinstance(function, str) else uuid.uuid4().hex

    def key(self) -> str:
        """Functions may differ in what _name() does not see."""
        return super().key() + self._own

    def open(self) -> Function:
        function = self.function
        if isinstance(function, str):
            module, _, name = function.partition(":")
            if not name:
                raise ValueError("function: %r is not module:function" % function)
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            function = found
        found_function: Any = function
        opened: Function = found_function() if self.opens else found_function
        return opened


def _name(function: Callable[..., Any]) -> str:
    """A function's name and what tells it from others of that name (lambdas, objects): its code, defaults and what it
    encloses; the fields of an object."""
    if isinstance(function, types.FunctionType):
        cells = [_steady(cell.cell_contents) for cell in function.__closure__ or ()]
        parts = repr((_code(function.__code__), function.__defaults__, function.__kwdefaults__, cells))
    else:
        parts = repr((function, {name: _steady(x) for name, x in sorted(getattr(function, "__dict__", {}).items())}))
    return "%s:%s:%s" % (
        getattr(function, "__module__", ""),
        getattr(function, "__qualname__", type(function).__name__),
        hashlib.sha1(re.sub(r" at 0x[0-9a-f]+", "", parts).encode("utf-8", "replace")).hexdigest(),
    )


def _code(code: types.CodeType) -> Tuple[Any, ...]:
    constants = [_code(x) if isinstance(x, types.CodeType) else _steady(x) for x in code.co_consts]
    return code.co_code, code.co_names, constants


def _steady(value: Any) -> str:
    """The same in each process: sets have an order of their own in each."""
    return repr(sorted(map(repr, value)) if isinstance(value, (set, frozenset)) else value)


_MAX_OPEN = 4  # models of earlier jobs that a worker keeps
_opened: "collections.OrderedDict[str, Function]" = collections.OrderedDict()
_lock = threading.Lock()


def opened(task: Task) -> Function:
    """The task's function in this process, opened by the first block that needs it."""
    key = task.key()
    with _lock:  # the other threads of the worker wait for the model, which is opened once
        function = _opened.pop(key, None) or task.open()
        _opened[key] = function  # the newest
        while len(_opened) > _MAX_OPEN:
            _opened.popitem(last=False)
        return function


def joined_text(found: Dict[str, Any], names: Iterable[str]) -> str:
    """The text of a row from its fields, in their order."""
    parts = []
    for name in names:
        if name in found:
            if not isinstance(found[name], str):
                raise TypeError("%s: expected a string, found %s" % (name, type(found[name]).__name__))
            parts.append(found[name])
    if not parts:
        raise KeyError("no field %s" % ", ".join(names))
    return " ".join(parts)
