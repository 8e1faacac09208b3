"""Models: opening, what encoders do with texts, memory plans, quantizing, merging adapters."""

from __future__ import annotations

import ctypes as c
import logging
import os
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Optional,
    Tuple,
    Union,
    overload,
)

from . import _aio
from ._errors import call
from ._handles import CancelFlag, Handle, calls_in_flight, interruptible
from ._inputs import (
    Floats,
    PathInput,
    TextInput,
    Texts,
    absolute,
    c_string,
    choice,
    floats,
    integer,
    items,
    joined,
    matrix,
    number,
    path,
    token_ids,
    utf8,
)
from ._native import (
    AnswerParams,
    CallLimits,
    EncoderOutputs,
    EngineOptions,
    EnginePlanInfo,
    LogFn,
    MaskToken,
    MergeParams,
    ModelInfo,
    ModelOptions,
    PlanInfo,
    ProgressFn,
    QuantizeParams,
    SessionOptions,
    TextInfo,
    TextParams,
    fields,
    i32,
    initialised,
    lib,
    size,
    sized,
    u64,
)
from ._spans import FoundSpans, Span
from ._tokenizer import Tokenizer

if TYPE_CHECKING:
    from ._engine import Engine
    from ._session import Session

Log = Callable[[int, str], None]
Progress = Callable[[float], Any]

BACKENDS = ("auto", "native", "openblas")
WEIGHTS = ("auto", "f32", "f16", "bf16", "int8", "int4")
KV_TYPES = ("auto", "f32", "f16")
GGUF_TYPES = ("q8_0", "q4_0", "f16", "bf16", "f32")
HEADS = {
    "causal_lm": 1,
    "classification": 2,
    "masked_lm": 4,
    "embedding": 8,
    "pooler": 16,
    "token_classification": 32,
    "question_answering": 64,
}
_FLOAT_NAMES = {"float32": "f32", "fp32": "f32", "float16": "f16", "fp16": "f16", "half": "f16", "bfloat16": "bf16"}
_WEIGHTS_NAMES = {
    **_FLOAT_NAMES,
    "q8": "int8",
    "q8_0": "int8",
    "i8": "int8",
    "q4": "int4",
    "q4_0": "int4",
    "i4": "int4",
}
_GGUF_NAMES = {**_FLOAT_NAMES, "q8": "q8_0", "int8": "q8_0", "q4": "q4_0", "int4": "q4_0"}
_TEXT_CHOICES: Dict[str, Tuple[str, ...]] = {
    "overflow": ("error", "truncate", "windows"),
    "window_pooling": ("auto", "mean", "max"),
    "truncation": ("", "longest_first", "only_first", "only_second"),
    "pooling": ("auto", "mean", "cls", "pooler", "max", "mean_sqrt_len", "weighted_mean", "last_token"),
    "normalize": ("auto", "no", "l2"),
    "rerank_score": ("auto", "logit", "sigmoid"),
    "aggregation": ("none", "simple", "first", "max", "average"),
}
_INTERRUPTIBLE_BYTES = 4096  # shorter calls need not be interruptible

_logger = logging.getLogger("llmcs")
_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING)


def _log_function(log: Optional[Log]) -> Any:
    """The C callback for log(level, message), with the logging module's levels; for None its logger "llmcs"."""

    def receive(_user: Any, level: int, message: bytes) -> None:
        (log or _logger.log)(_LEVELS[min(max(level, 0), 2)], message.decode("utf-8", "replace"))

    return LogFn(receive)


class _Progress:
    """Progress of a long call: what the caller's function raises, or a true result, stops it; so does Ctrl-C."""

    def __init__(self, progress: Optional[Progress]) -> None:
        self._progress, self._stop = progress, False
        self._raised: Optional[BaseException] = None
        self.function = ProgressFn(self._receive)

    def _receive(self, _user: Any, done: float) -> int:
        try:
            if self._progress is not None and self._progress(done):
                self._stop = True
        except BaseException as e:  # must not cross the C frames below
            self._raised, self._stop = e, True
        return 1 if self._stop else 0

    def _cancel(self) -> None:
        self._stop = True

    def call(self, *arguments: Any) -> None:
        key = calls_in_flight.begin(self._cancel)
        try:
            interruptible(lambda: call(*arguments), self._cancel)
        except Exception:
            if self._raised is None:
                raise
        finally:
            calls_in_flight.end(key)
        if self._raised is not None:
            raise self._raised


def _adapter_paths(adapter: Any) -> Any:
    """One path or several, as an array of C strings."""
    if adapter is None:
        adapter = ()
    elif isinstance(adapter, (str, bytes, os.PathLike)):
        adapter = (adapter,)
    paths = [path("adapter", item) for item in items("adapter", adapter)]
    return (c.c_char_p * len(paths))(*paths)


def _model_options(
    n_threads: int,
    mmap: bool,
    backend: str,
    weights: str,
    kv_type: str,
    max_bytes: int,
    check_finite: bool,
    adapter: Any,
) -> Any:
    options = initialised(ModelOptions)
    options.n_threads = integer("n_threads", n_threads, i32)
    options.load_mode = 1 if mmap else 0
    options.backend = choice("backend", backend, BACKENDS)
    options.weights = choice("weights", weights, WEIGHTS, _WEIGHTS_NAMES)
    options.kv_type = choice("kv_type", kv_type, KV_TYPES, _FLOAT_NAMES)
    options.max_bytes = integer("max_bytes", max_bytes, u64)
    options.flags = 1 if check_finite else 0
    adapters = _adapter_paths(adapter)
    options.adapters, options.n_adapters = adapters, len(adapters)
    return options


def _text_params(given: Dict[str, Any], allowed: Tuple[str, ...]) -> Any:
    """llmcs_text_params from keyword arguments."""
    params = initialised(TextParams)
    for name, value in given.items():
        if name not in allowed:
            raise TypeError("no argument %r; there are %s" % (name, joined(allowed)))
        if name in _TEXT_CHOICES:
            if name == "normalize" and isinstance(value, bool):
                value = "l2" if value else "no"
            setattr(params, name, choice(name, value, _TEXT_CHOICES[name]))
        elif name == "deadline_ms":
            params.deadline_ms = number(name, value)
        elif name in ("prompt", "prompt_name"):
            setattr(params, name, c_string(name, value))
        else:
            setattr(params, name, integer(name, value, size))
    return params


def _answer_params(given: Dict[str, Any]) -> Any:
    """llmcs_answer_params from keyword arguments."""
    params = initialised(AnswerParams)
    kinds = {name: kind for name, kind in AnswerParams._fields_ if name not in ("struct_size", "flags", "cancel")}
    for name, value in given.items():
        if name not in kinds:
            raise TypeError("no argument %r; there are %s" % (name, joined(kinds)))
        is_number = name == "deadline_ms"
        setattr(params, name, number(name, value) if is_number else integer(name, value, kinds[name]))
    return params


def _opened(kind: "type[Model]", folder: str, options: Dict[str, Any]) -> "Model":
    """Opens a pickled model."""
    return kind(folder, **options)


_TEXT_ARGUMENTS = ("overflow", "truncation", "max_length", "stride", "window_pooling", "deadline_ms", "max_windows")


class Model(Handle):
    """Model(folder or GGUF file). Any thread may use it; several at once share forward passes.

    weights: how they are kept: auto (as stored), f32, f16, bf16, int8, int4. kv_type: auto, f32, f16. adapter: the path
    of a LoRA adapter that PEFT saved, or several, applied to the weights. log(level, message) receives what the library
    logs, on any thread; by default the logging module's logger "llmcs" receives it. progress(share done) is called while
    the model loads, from another thread; a true result stops it."""

    _free = lib.llmcs_model_free

    def __init__(
        self,
        folder: PathInput,
        n_threads: int = 0,
        mmap: bool = False,
        backend: str = "auto",
        weights: str = "auto",
        kv_type: str = "auto",
        max_bytes: int = 0,
        check_finite: bool = False,
        log: Optional[Log] = None,
        progress: Optional[Progress] = None,
        adapter: Union[None, PathInput, Iterable[PathInput]] = None,
    ) -> None:
        super().__init__()
        self._path = path("folder", folder)
        options = _model_options(n_threads, mmap, backend, weights, kv_type, max_bytes, check_finite, adapter)
        given = dict(n_threads=n_threads, mmap=mmap, backend=backend, weights=weights, kv_type=kv_type)
        given.update(max_bytes=max_bytes, check_finite=check_finite, log=log)
        given["adapter"] = [absolute(options.adapters[i]) for i in range(options.n_adapters)]
        self._source = (absolute(self._path), given)  # for pickle
        options.log = self._log = _log_function(log)  # kept: sessions and engines may call it, too
        watch = _Progress(progress)
        options.progress = watch.function
        watch.call(lib.llmcs_model_open, self._path, c.byref(options), c.byref(self._pointer))
        info = sized(ModelInfo)
        call(lib.llmcs_model_get_info, self._pointer, c.byref(info))
        self._info = fields(info)
        self._labels = [
            lib.llmcs_model_label(self._pointer, i).decode("utf-8", "replace") for i in range(self._info["n_labels"])
        ]

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return _opened, (type(self), *self._source)

    def _describe(self) -> str:
        i = self._info
        return " %s: %s, %.1f M parameters, %s, %d threads" % (
            os.fsdecode(self._path),
            i["model_type"],
            i["n_parameters"] / 1e6,
            i["weights"],
            i["n_threads"],
        )

    @property
    def info(self) -> Dict[str, Any]:
        """The fields of llmcs_model_info."""
        return dict(self._info)

    @property
    def heads(self) -> FrozenSet[str]:
        """The model's tasks: causal_lm, classification, masked_lm, embedding, pooler, token_classification,
        question_answering."""
        return frozenset(name for name, bit in HEADS.items() if self._info["heads"] & bit)

    @property
    def labels(self) -> List[str]:
        return list(self._labels)

    @property
    def prompts(self) -> Dict[str, str]:
        """The prompts of a sentence-transformers folder by their names, for embed(prompt_name=...)."""
        found: Dict[str, str] = {}
        with self._using() as h:
            while (name := lib.llmcs_model_prompt_name(h, len(found))) is not None:
                found[name.decode()] = lib.llmcs_model_prompt_text(h, name).decode()
        return found

    @property
    def tokenizer(self) -> Optional[Tokenizer]:
        """None where the folder has no tokenizer files."""
        return Tokenizer._of(self)

    def session(self, n_ctx: int = 0) -> "Session":
        """A conversation of at most n_ctx tokens (0: as many as the model takes)."""
        from ._session import Session

        return Session(self, n_ctx)

    def engine(self, **options: Any) -> "Engine":
        """Many requests at once; options as for Engine."""
        from ._engine import Engine

        return Engine(self, **options)

    @overload
    def translate(  # type: ignore[misc,unused-ignore]
        self, texts: str, source_lang: Optional[str] = ..., target_lang: Optional[str] = ..., **params: Any
    ) -> str: ...
    @overload
    def translate(
        self, texts: Iterable[str], source_lang: Optional[str] = ..., target_lang: Optional[str] = ..., **params: Any
    ) -> List[str]: ...
    def translate(
        self, texts: Any, source_lang: Optional[str] = None, target_lang: Optional[str] = None, **params: Any
    ) -> Any:
        """The translation of one text, or a list of those of several, which are evaluated together. The languages are
        the tokenizer's (tokenizer.languages); None: the folder's. params as for Session.generate."""
        one = isinstance(texts, str)
        given = [texts] if one else items("texts", texts)
        with self.engine() as engine:
            found = engine.generate(given, source_lang=source_lang, target_lang=target_lang, **params)
        return found[0].text if one else [g.text for g in found]

    # ---- asyncio: in a thread, while the event loop goes on. A cancelled task cancels the call. Calls of several tasks at
    # once share forward passes, as those of several threads.

    @classmethod
    async def aopen(cls, folder: PathInput, **options: Any) -> "Model":
        """Model(folder, **options) for `await`."""
        return await _aio.in_thread(lambda: cls(folder, **options))

    @overload
    async def aclassify(self, texts: str, *more: Any, **how: Any) -> Dict[str, float]: ...  # type: ignore[misc,unused-ignore]
    @overload
    async def aclassify(self, texts: Iterable[TextInput], *more: Any, **how: Any) -> List[Dict[str, float]]: ...
    async def aclassify(self, texts: Any, *more: Any, **how: Any) -> Any:
        """classify() for `await`."""
        return await _aio.in_thread(lambda: self.classify(texts, *more, **how))

    @overload
    async def azero_shot(self, texts: str, *more: Any, **how: Any) -> Dict[str, float]: ...  # type: ignore[misc,unused-ignore]
    @overload
    async def azero_shot(self, texts: Iterable[TextInput], *more: Any, **how: Any) -> List[Dict[str, float]]: ...
    async def azero_shot(self, texts: Any, *more: Any, **how: Any) -> Any:
        """zero_shot() for `await`."""
        return await _aio.in_thread(lambda: self.zero_shot(texts, *more, **how))

    async def aembed(self, texts: Union[str, Iterable[TextInput]], *more: Any, **how: Any) -> Floats:
        """embed() for `await`."""
        return await _aio.in_thread(lambda: self.embed(texts, *more, **how))

    async def arerank(self, query: str, docs: Any, *more: Any, **how: Any) -> Any:
        """rerank() for `await`."""
        return await _aio.in_thread(lambda: self.rerank(query, docs, *more, **how))

    @overload
    async def atag(self, texts: str, *more: Any, **how: Any) -> List[Span]: ...  # type: ignore[misc,unused-ignore]
    @overload
    async def atag(self, texts: Iterable[TextInput], *more: Any, **how: Any) -> List[List[Span]]: ...
    async def atag(self, texts: Any, *more: Any, **how: Any) -> Any:
        """tag() for `await`."""
        return await _aio.in_thread(lambda: self.tag(texts, *more, **how))

    async def aanswer_spans(
        self, questions: Iterable[Tuple[str, str]], infos: Optional[List[Dict[str, Any]]] = None, **how: Any
    ) -> List[List[Span]]:
        """answer_spans() for `await`."""
        return await _aio.in_thread(lambda: self.answer_spans(questions, infos, **how))

    async def afill_mask(
        self, text: str, top_k: int = 5, deadline_ms: float = 0.0
    ) -> List[List[Tuple[Optional[str], float]]]:
        """fill_mask() for `await`."""
        return await _aio.in_thread(lambda: self.fill_mask(text, top_k, deadline_ms))

    async def atranslate(
        self, texts: Any, source_lang: Optional[str] = None, target_lang: Optional[str] = None, **params: Any
    ) -> Any:
        """translate() for `await`."""
        async with self.engine() as engine:
            found = await engine.agenerate(texts, source_lang=source_lang, target_lang=target_lang, **params)
        return found.text if isinstance(texts, str) else [g.text for g in found]

    # ---- encoders

    def _evaluate(
        self,
        texts: Texts,
        params: Any,
        infos: Optional[List[Dict[str, Any]]],
        function: Any,
        before: Tuple[Any, ...],
        after: Callable[[Any], Tuple[Any, ...]],
        between: Tuple[Any, ...] = (),
    ) -> None:
        """Calls classify, zero_shot, embed or rerank; long calls so that Ctrl-C ends them."""
        done = None
        if infos is not None:
            done = (TextInfo * max(1, texts.n))()
            done[0].struct_size = c.sizeof(TextInfo)
        flag = CancelFlag()
        params.cancel = flag.pointer

        def evaluate() -> None:
            with self._using(flag.set) as h:
                call(function, h, *before, texts.array, texts.n, *between, c.byref(params), *after(done))

        if texts.n_bytes < _INTERRUPTIBLE_BYTES:
            evaluate()
        else:
            interruptible(evaluate, flag.set)
        if infos is not None and done is not None:
            infos.extend({**fields(info), "truncated": bool(info.truncated)} for info in done[: texts.n])

    def classify_scores(
        self, texts: Union[str, Iterable[TextInput]], infos: Optional[List[Dict[str, Any]]] = None, **how: Any
    ) -> Floats:
        """The probabilities alone, [n_texts, n_labels] in the order of model.labels; of a single text [n_labels]."""
        given, width = Texts("texts", texts), len(self._labels)
        scores = floats(given.n * width)
        self._evaluate(
            given, _text_params(how, _TEXT_ARGUMENTS), infos, lib.llmcs_classify, (), lambda done: (scores, None, done)
        )
        found: Floats = given.result(matrix(scores, given.n, width))
        return found

    @overload
    def classify(  # type: ignore[misc,unused-ignore]
        self, texts: str, infos: Optional[List[Dict[str, Any]]] = ..., **how: Any
    ) -> Dict[str, float]: ...
    @overload
    def classify(
        self, texts: Iterable[TextInput], infos: Optional[List[Dict[str, Any]]] = ..., **how: Any
    ) -> List[Dict[str, float]]: ...
    def classify(self, texts: Any, infos: Optional[List[Dict[str, Any]]] = None, **how: Any) -> Any:
        """{label: probability} for a text, a list of these for several: a list, tuple, generator, pandas Series of
        texts or of (text, pair) tuples.

        overflow says what becomes of a text with more tokens than the model takes: "truncate", "windows" or "error"
        (ContextFullError); with it max_length, stride, truncation ("longest_first", "only_first", "only_second"),
        window_pooling ("auto", "mean", "max"), max_windows, deadline_ms. infos: a list to which a dict for each text
        is added: n_tokens, n_evaluated, n_windows, truncated."""
        single = isinstance(texts, str)
        rows = self.classify_scores([texts] if single else texts, infos, **how)
        answers = [dict(zip(self._labels, (float(x) for x in row))) for row in rows]
        return answers[0] if single else answers

    @overload
    def zero_shot(  # type: ignore[misc,unused-ignore]
        self, texts: str, labels: Iterable[str], hypothesis: Optional[str] = ..., multi_label: bool = ..., **how: Any
    ) -> Dict[str, float]: ...
    @overload
    def zero_shot(
        self,
        texts: Iterable[TextInput],
        labels: Iterable[str],
        hypothesis: Optional[str] = ...,
        multi_label: bool = ...,
        **how: Any,
    ) -> List[Dict[str, float]]: ...
    def zero_shot(
        self,
        texts: Any,
        labels: Iterable[str],
        hypothesis: Optional[str] = None,
        multi_label: bool = False,
        **how: Any,
    ) -> Any:
        """{label: probability} of labels that the model, one of natural language inference, was not trained for; for
        several texts a list of these. hypothesis: the NLI hypothesis, whose "{}" is the label, by default
        "This example is {}."; multi_label: each label's own probability. The rest as in classify."""
        names, given = items("labels", labels), Texts("texts", texts)
        encoded = [c_string("labels[%d]" % i, name) for i, name in enumerate(names)]
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is not None:
            raise ValueError("labels: %r is given twice, and a dict has one probability for it" % twice)
        params = _text_params(how, _TEXT_ARGUMENTS)
        params.hypothesis = None if hypothesis is None else c_string("hypothesis", hypothesis)
        params.multi_label = bool(multi_label)
        scores = floats(given.n * len(names))
        between = ((c.c_char_p * max(1, len(names)))(*encoded), len(names))
        self._evaluate(given, params, None, lib.llmcs_zero_shot, (), lambda done: (scores, done), between)
        rows = matrix(scores, given.n, len(names))
        return given.result([dict(zip(names, (float(x) for x in row))) for row in rows])

    def embed(
        self, texts: Union[str, Iterable[TextInput]], infos: Optional[List[Dict[str, Any]]] = None, **how: Any
    ) -> Floats:
        """A vector for a text, [n_texts, n_embedding] for several: a float32 numpy array, lists of floats without
        numpy. pooling: "auto", "mean", "cls", "pooler", "max", "mean_sqrt_len", "weighted_mean", "last_token";
        normalize: True, False or "auto" ("l2" and "no"); prompt_name: one of self.prompts, which is prepended to each
        text; prompt: the prompt itself, "" for none; truncate_dim: only so many numbers of a vector; infos and the
        rest as in classify."""
        given, width = Texts("texts", texts), self._info["n_embedding"]
        params = _text_params(
            how, (*_TEXT_ARGUMENTS, "pooling", "normalize", "prompt_name", "prompt", "truncate_dim")
        )
        if params.truncate_dim:
            width = min(width, params.truncate_dim)
        vectors = floats(given.n * width)
        self._evaluate(given, params, infos, lib.llmcs_embed, (), lambda done: (vectors, done))
        found: Floats = given.result(matrix(vectors, given.n, width))
        return found

    @property
    def fingerprint(self) -> int:
        """64 bits that tell encoders apart, for Index(model_fingerprint=...); the same however weights are stored."""
        value = u64()
        with self._using() as h:
            call(lib.llmcs_model_fingerprint, h, c.byref(value))
        return int(value.value)

    @overload
    def rerank(  # type: ignore[misc,unused-ignore]
        self, query: str, docs: str, infos: Optional[List[Dict[str, Any]]] = ..., **how: Any
    ) -> float: ...
    @overload
    def rerank(
        self, query: str, docs: Iterable[TextInput], infos: Optional[List[Dict[str, Any]]] = ..., **how: Any
    ) -> Floats: ...
    def rerank(self, query: str, docs: Any, infos: Optional[List[Dict[str, Any]]] = None, **how: Any) -> Any:
        """A score for each document, how well it answers the query. rerank_score: "auto" (as the folder says, else a
        probability), "logit", "sigmoid"; prompt: the task of a language model (Qwen3-Reranker); infos and the rest as
        in classify."""
        given, q = Texts("docs", docs), utf8("query", query)
        scores = floats(given.n)
        self._evaluate(
            given,
            _text_params(how, (*_TEXT_ARGUMENTS, "rerank_score", "prompt")),
            infos,
            lib.llmcs_rerank,
            (q, len(q)),
            lambda done: (scores, done),
        )
        return given.result(matrix(scores, given.n))

    @overload
    def tag(  # type: ignore[misc,unused-ignore]
        self, texts: str, infos: Optional[List[Dict[str, Any]]] = ..., **how: Any
    ) -> List[Span]: ...
    @overload
    def tag(
        self, texts: Iterable[TextInput], infos: Optional[List[Dict[str, Any]]] = ..., **how: Any
    ) -> List[List[Span]]: ...
    def tag(self, texts: Any, infos: Optional[List[Dict[str, Any]]] = None, **how: Any) -> Any:
        """The parts of a text that have a label, a list of Span(label, score, begin, end, text) in the order of the
        text; of several texts a list of such lists. begin and end count bytes of UTF-8.

            for span in model.tag("Anna lives in Oslo"):
                print(span.label, span.text, span.score)  # PER Anna 0.998, LOC Oslo 0.999

        aggregation: how tokens become spans, as in Transformers' pipeline: "none" (each token is one), "simple" (the
        default), "first", "max", "average" (all tokens of a word have one label). infos and the rest as in classify."""
        given = Texts("texts", texts)
        params = _text_params(how, (*_TEXT_ARGUMENTS, "aggregation"))
        found = FoundSpans()
        self._evaluate(given, params, infos, lib.llmcs_tag, (), lambda done: (done, c.byref(found.result)))
        return given.result([found.of(i, given.firsts[i]) for i in range(given.n)])

    def answer_span(
        self,
        question: str,
        context: str,
        infos: Optional[List[Dict[str, Any]]] = None,
        **how: Any,
    ) -> List[Span]:
        """The parts of the context that answer the question, a list of Span with label "", best first; by default of
        one. begin and end count bytes of the context's UTF-8 form.

            best = model.answer_span("Where does Anna live?", "Anna lives in Oslo")[0]
            print(best.text, best.score)  # Oslo 0.97

        how, as in Transformers' pipeline: top_k (1), max_answer_len (15 tokens), handle_impossible_answer (True: the
        empty text competes with the answers), align_to_words (True), max_seq_len and doc_stride (the windows in which a
        long context is read), also max_windows and deadline_ms. infos as in classify."""
        return self.answer_spans([(question, context)], infos, **how)[0]

    def answer_spans(
        self, questions: Iterable[Tuple[str, str]], infos: Optional[List[Dict[str, Any]]] = None, **how: Any
    ) -> List[List[Span]]:
        """The same for (question, context) tuples, evaluated together: a list of answers for each."""
        given, found = Texts("questions", questions), FoundSpans()
        self._evaluate(
            given, _answer_params(how), infos, lib.llmcs_answer_span, (), lambda done: (done, c.byref(found.result))
        )
        return [found.of(i, given.seconds[i]) for i in range(given.n)]

    def fill_mask(
        self, text: str, top_k: int = 5, deadline_ms: float = 0.0
    ) -> List[List[Tuple[Optional[str], float]]]:
        """For each mask of the text a list of (token, probability), best first."""
        tokenizer = self.tokenizer
        return [
            [(tokenizer.token(id) if tokenizer is not None else None, p) for id, p in found]
            for _, found in self._mask_tokens(text, top_k, deadline_ms)
        ]

    def _mask_tokens(
        self, text: str, top_k: int, deadline_ms: float = 0.0
    ) -> List[Tuple[int, List[Tuple[int, float]]]]:
        """(position, [(id, probability), ...]) for each mask."""
        t, n, k = utf8("text", text), size(), integer("top_k", top_k, size)
        limits = sized(CallLimits)
        limits.deadline_ms = number("deadline_ms", deadline_ms)
        with self._using() as h:
            call(lib.llmcs_fill_mask, h, t, len(t), k, None, 0, c.byref(n))
            tokens = (MaskToken * n.value)()
            call(lib.llmcs_fill_mask_within, h, t, len(t), k, c.byref(limits), tokens, n.value, c.byref(n))
        masks: Dict[int, List[Tuple[int, float]]] = {}
        for m in tokens:
            masks.setdefault(m.position, []).append((m.id, m.probability))
        return list(masks.items())

    def encoder_eval(
        self,
        ids: Iterable[Iterable[int]],
        type_ids: Optional[Iterable[Iterable[int]]] = None,
        hidden: bool = False,
        pooled: bool = False,
        logits: bool = False,
        deadline_ms: float = 0.0,
    ) -> Dict[str, Any]:
        """Outputs for texts of token ids, a list of lists: "hidden" and the "logits" of a head for tokens are a
        [n_tokens, n_embd] and [n_tokens, vocab_size, n_labels or 2] array for each text, "pooled" and a classifier's
        "logits" one array. The 2 logits of question answering are those of start and end."""
        rows = [token_ids("ids[%d]" % i, row) for i, row in enumerate(items("ids", ids))]
        lengths, flat = [len(row) for row in rows], token_ids("ids", [x for row in rows for x in row])
        types = None
        if type_ids is not None:
            type_rows = [token_ids("type_ids[%d]" % i, row) for i, row in enumerate(items("type_ids", type_ids))]
            if len(type_rows) != len(rows):
                raise ValueError("type_ids: %d rows for %d of ids" % (len(type_rows), len(rows)))
            for i, row in enumerate(type_rows):
                if len(row) != lengths[i]:
                    raise ValueError("type_ids[%d]: %d for %d ids" % (i, len(row), lengths[i]))
            types = token_ids("type_ids", [x for row in type_rows for x in row])
        n, n_tokens, embd = len(rows), sum(lengths), self._info["n_embd"]
        of_texts = "classification" in self.heads
        answers = "question_answering" in self.heads
        width = 2 if answers else self._info["n_labels"] or self._info["vocab_size"]
        shapes = {"hidden": (n_tokens, embd), "pooled": (n, embd), "logits": (n if of_texts else n_tokens, width)}
        wanted = {name for name, want in (("hidden", hidden), ("pooled", pooled), ("logits", logits)) if want}
        buffers = {name: floats(shapes[name][0] * shapes[name][1]) for name in wanted}
        outputs = sized(EncoderOutputs)
        for name, buffer in buffers.items():
            setattr(outputs, name, c.cast(buffer, c.POINTER(c.c_float)))
        self._eval_ids(flat, types, (size * max(1, n))(*lengths), n, outputs, number("deadline_ms", deadline_ms))
        found = {name: matrix(buffer, *shapes[name]) for name, buffer in buffers.items()}
        return {
            name: _split(rows, lengths) if name == "hidden" or name == "logits" and not of_texts else rows
            for name, rows in found.items()
        }

    def _eval_ids(self, ids: Any, types: Any, lengths: Any, n: int, outputs: Any, deadline_ms: float) -> None:
        """llmcs_encoder_eval; long calls so that Ctrl-C ends them."""
        if len(ids) < _INTERRUPTIBLE_BYTES and not deadline_ms:
            with self._using() as h:
                call(lib.llmcs_encoder_eval, h, ids, types, lengths, n, c.byref(outputs))
            return
        limits, flag = sized(CallLimits), CancelFlag()
        limits.deadline_ms, limits.cancel = deadline_ms, flag.pointer

        def evaluate() -> None:
            with self._using(flag.set) as h:
                call(lib.llmcs_encoder_eval_within, h, ids, types, lengths, n, c.byref(limits), c.byref(outputs))

        interruptible(evaluate, flag.set)


def _split(rows: Any, lengths: List[int]) -> List[Any]:
    """Rows of all texts, text by text."""
    out, begin = [], 0
    for length in lengths:
        out.append(rows[begin : begin + length])
        begin += length
    return out


def _planned_options(options: Dict[str, Any]) -> Any:
    names = ("n_threads", "mmap", "backend", "weights", "kv_type", "max_bytes", "check_finite", "adapter")
    for name in options:
        if name not in names:
            raise TypeError("no option %r; there are %s" % (name, joined(names)))
    defaults: Dict[str, Any] = dict(
        n_threads=0,
        mmap=False,
        backend="auto",
        weights="auto",
        kv_type="auto",
        max_bytes=0,
        check_finite=False,
        adapter=None,
    )
    return _model_options(**{**defaults, **options})


def plan(folder: PathInput, n_ctx: int = 0, **options: Any) -> Dict[str, int]:
    """How much memory Model(folder, **options) and a session of n_ctx tokens need, from the file headers alone:
    model_bytes, peak_bytes, session_bytes, sequence_bytes, encoder_bytes."""
    session, out = initialised(SessionOptions), sized(PlanInfo)
    session.n_ctx = integer("n_ctx", n_ctx, i32)
    call(lib.llmcs_plan, path("folder", folder), c.byref(_planned_options(options)), c.byref(session), c.byref(out))
    return fields(out)


def plan_engine(
    folder: PathInput, n_tokens: int, engine: Optional[Dict[str, Any]] = None, **options: Any
) -> Dict[str, int]:
    """How many conversations of n_tokens tokens an engine with these options (a dict) will hold: engine_bytes,
    kv_block_tokens, kv_block_bytes, n_blocks, n_conversations, request_bytes."""
    from ._engine import engine_options

    out = sized(EnginePlanInfo)
    engine_struct: EngineOptions = engine_options(engine or {})
    call(
        lib.llmcs_engine_plan,
        path("folder", folder),
        c.byref(_planned_options(options)),
        c.byref(engine_struct),
        integer("n_tokens", n_tokens, size),
        c.byref(out),
    )
    return fields(out)


def merge(
    folder: PathInput,
    adapter: Union[PathInput, Iterable[PathInput]],
    out_folder: PathInput,
    log: Optional[Log] = None,
    progress: Optional[Progress] = None,
) -> None:
    """Writes a model's folder with LoRA adapters applied as another Hugging Face folder, which must not exist yet."""
    adapters = _adapter_paths(adapter)
    params = initialised(MergeParams)
    params.log = log_function = _log_function(log)
    watch = _Progress(progress)
    params.progress = watch.function
    watch.call(
        lib.llmcs_merge,
        path("folder", folder),
        adapters,
        len(adapters),
        path("out_folder", out_folder),
        c.byref(params),
    )
    del log_function


def quantize(
    folder: PathInput,
    out_path: PathInput,
    type: str = "q8_0",
    log: Optional[Log] = None,
    progress: Optional[Progress] = None,
) -> None:
    """Writes a model's folder as one GGUF file, which Model and Tokenizer open like the folder: q8_0, q4_0, f16, bf16
    or f32."""
    params = initialised(QuantizeParams)
    params.type = choice("type", type, GGUF_TYPES, _GGUF_NAMES)
    params.log = log_function = _log_function(log)
    watch = _Progress(progress)
    params.progress = watch.function
    watch.call(lib.llmcs_quantize, path("folder", folder), path("out_path", out_path), c.byref(params))
    del log_function
