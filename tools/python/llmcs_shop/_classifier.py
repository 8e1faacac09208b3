"""Classifiers of customers' texts: intents, moderation, sentiment, routing."""

from __future__ import annotations

import ctypes as c
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import llmcs
from llmcs._errors import call
from llmcs._handles import CancelFlag, Handle, interruptible
from llmcs._inputs import PathInput, Texts, c_string, floats, integer, items, matrix, number, numpy, path, utf8
from llmcs._model import _INTERRUPTIBLE_BYTES, Progress, _Progress
from llmcs._native import P, fields, i32, size, sized, u64

from ._native import (
    ClassifierInfo,
    ClassifierOptions,
    Example,
    PredictParams,
    Predictions,
    TrainParams,
    f32,
    initialised,
    lib,
)

_NO_EXAMPLES, _NO_NGRAMS, _BALANCED = 1, 2, 4
_REASON = 1


class Evidence(NamedTuple):
    """An n-gram of the text that speaks for the class; begin and end count bytes of UTF-8."""

    text: str
    weight: float
    begin: int
    end: int


class Prediction(NamedTuple):
    """The best class of a text. Act on it only where accepted is True. out_of_scope is 0 to 1, higher is further
    outside; near_tie: the second class is as likely. evidence and example are there with reason=True."""

    label: str
    score: float
    out_of_scope: float
    accepted: bool
    near_tie: bool
    scores: Dict[str, float]
    evidence: List[Evidence]
    example: Optional[str]
    example_similarity: float


def _vectors(name: str, given: Any, n: int, width: int) -> Any:
    """[n, width] floats as a C array, from a numpy array or lists."""
    np = numpy()
    if np is not None:
        array = np.ascontiguousarray(given, dtype=np.float32)
        if array.shape != (n, width):
            raise ValueError("%s: expected the shape (%d, %d), got %s" % (name, n, width, array.shape))
        return (f32 * array.size).from_buffer_copy(array.tobytes()) if array.size else floats(0)
    flat = [number("%s[%d]" % (name, i), x) for i, row in enumerate(items(name, given)) for x in items(name, row)]
    if len(flat) != n * width:
        raise ValueError("%s: expected %d rows of %d floats, got %d floats" % (name, n, width, len(flat)))
    return (f32 * max(1, len(flat)))(*flat)


def _encoder_pointer(encoder: "Optional[llmcs.Model]") -> Any:
    if encoder is not None and not isinstance(encoder, llmcs.Model):
        raise TypeError("encoder: expected a llmcs.Model, got %s" % type(encoder).__name__)
    return None if encoder is None else encoder._pointer


class Classifier(Handle):
    """Classifier(file, encoder), or Classifier.train(texts, labels). Any thread may use it; it never changes."""

    _free = lib.llmcs_shop_classifier_free

    def __init__(self, file: PathInput, encoder: "Optional[llmcs.Model]" = None, max_bytes: int = 0) -> None:
        super().__init__()
        options = initialised(ClassifierOptions)
        options.encoder, self._encoder = _encoder_pointer(encoder), encoder
        options.max_bytes = integer("max_bytes", max_bytes, u64)
        call(lib.llmcs_shop_classifier_open, path("file", file), c.byref(options), c.byref(self._pointer))
        self._read_info()

    @classmethod
    def train(
        cls,
        texts: Any,
        labels: Any,
        encoder: "Optional[llmcs.Model]" = None,
        oos_label: Optional[str] = None,
        vectors: Any = None,
        encoder_path: Optional[str] = None,
        balanced: bool = False,
        ngrams: bool = True,
        keep_examples: bool = True,
        n_threads: int = 0,
        progress: Optional[Progress] = None,
        **params: Any,
    ) -> "Classifier":
        """Trains on texts and their labels, in seconds; the same rows give the same bits. encoder: a model that embeds,
        or None for n-grams alone; vectors: its vectors of the texts, if already computed. oos_label: its rows belong to no
        class. balanced: rare classes count as much as frequent ones. params: n_folds, max_iterations, max_features,
        l2, accept_score, keep, seed as in llmcs_shop_train_params. progress(share done): a true result stops it."""
        encoded = [utf8("texts[%d]" % i, t) for i, t in enumerate(items("texts", texts))]
        names = [c_string("labels[%d]" % i, x) for i, x in enumerate(items("labels", labels))]
        if len(encoded) != len(names):
            raise ValueError("labels: expected %d, one for each text, got %d" % (len(encoded), len(names)))
        examples = (Example * max(1, len(names)))(*((t, len(t), x) for t, x in zip(encoded, names)))
        options = initialised(TrainParams)
        options.encoder = _encoder_pointer(encoder)
        options.oos_label = None if oos_label is None else c_string("oos_label", oos_label)
        options.encoder_path = None if encoder_path is None else c_string("encoder_path", encoder_path)
        options.flags = (_BALANCED if balanced else 0) | (0 if ngrams else _NO_NGRAMS)
        options.flags |= 0 if keep_examples else _NO_EXAMPLES
        options.n_threads = integer("n_threads", n_threads, i32)
        if vectors is not None:
            if encoder is None:
                raise ValueError("vectors: the encoder that made them must be given, too")
            options.vectors = c.cast(_vectors("vectors", vectors, len(names), encoder.info["n_embedding"]), P(f32))
        _set_params(options, params)
        watch = _Progress(progress)
        options.progress = watch.function
        self = cls.__new__(cls)
        Handle.__init__(self)
        self._encoder = encoder
        arguments = (examples, len(names), c.byref(options), c.byref(self._pointer))
        if encoder is None:
            watch.call(lib.llmcs_shop_classifier_train, *arguments)
        else:
            with encoder._using():  # it stays while its vectors are made
                watch.call(lib.llmcs_shop_classifier_train, *arguments)
        self._read_info()
        return self

    @classmethod
    def _of(cls, pointer: int, encoder: "Optional[llmcs.Model]") -> "Classifier":
        """Owns a reference returned by the library."""
        self = cls.__new__(cls)
        Handle.__init__(self)
        self._pointer, self._encoder = c.c_void_p(pointer), encoder
        self._read_info()
        return self

    def copy_reference(self) -> "Classifier":
        """A second handle for the same classifier; closing one leaves the other open."""
        with self._using() as h:
            return Classifier._of(lib.llmcs_shop_classifier_ref(h), self._encoder)

    def _read_info(self) -> None:
        info = sized(ClassifierInfo)
        call(lib.llmcs_shop_classifier_get_info, self._pointer, c.byref(info))
        self._info = fields(info)
        self._labels = [
            lib.llmcs_shop_classifier_label(self._pointer, i).decode("utf-8", "replace")
            for i in range(self._info["n_labels"])
        ]

    def _describe(self) -> str:
        return " of %d labels" % len(self._labels)

    @property
    def info(self) -> Dict[str, Any]:
        """llmcs_shop_classifier_info as a dict: accuracy, ece, oos_auroc and so on are of the cross-validation."""
        return dict(self._info)

    @property
    def labels(self) -> List[str]:
        """The classes, in the order of predict_scores."""
        return list(self._labels)

    def save(self, file: PathInput) -> None:
        """Writes one file atomically."""
        with self._using() as h:
            call(lib.llmcs_shop_classifier_save, h, path("file", file))

    # ---- predictions

    def predict(self, texts: Any, reason: bool = False, vectors: Any = None, **params: Any) -> Any:
        """A Prediction for a text, a list of them for several. reason: also the n-grams that speak for the class and
        the nearest example. vectors: from the same encoder, if already computed. params: n_scores, near_tie, accept_score,
        max_oos, deadline_ms as in llmcs_shop_predict_params."""
        given, options = self._request(texts, reason, vectors, params)
        found = c.POINTER(Predictions)()
        try:
            self._call_predict(given, options, found)
            out = [_prediction(p.contents, given, i) for i, p in enumerate(found.contents.items[: found.contents.n])]
        finally:
            lib.llmcs_shop_predictions_free(c.byref(found))
        return given.result(out)

    def predict_scores(self, texts: Any, vectors: Any = None, **params: Any) -> Any:
        """The probability of every class, [n_texts, n_labels] in the order of labels; of a single text [n_labels]."""
        given, options = self._request(texts, False, vectors, params)
        scores = floats(given.n * len(self._labels))
        options.all_scores = c.cast(scores, P(f32))
        found = c.POINTER(Predictions)()
        try:
            self._call_predict(given, options, found)
        finally:
            lib.llmcs_shop_predictions_free(c.byref(found))
        return given.result(matrix(scores, given.n, len(self._labels)))

    def _request(self, texts: Any, reason: bool, vectors: Any, given: Dict[str, Any]) -> Tuple[Texts, Any]:
        listed = Texts("texts", texts)
        options = initialised(PredictParams)
        options.flags = _REASON if reason else 0
        if vectors is not None:
            rows = [vectors] if listed.single else vectors
            options.vectors = c.cast(_vectors("vectors", rows, listed.n, self._info["n_embedding"]), P(f32))
        _set_params(options, given)
        return listed, options

    def _call_predict(self, given: Texts, options: Any, found: Any) -> None:
        flag = CancelFlag()
        options.cancel = flag.pointer

        def predict() -> None:
            with self._using(flag.set) as h:
                call(lib.llmcs_shop_classifier_predict, h, given.array, given.n, c.byref(options), c.byref(found))

        if given.n_bytes < _INTERRUPTIBLE_BYTES:
            predict()
        else:
            interruptible(predict, flag.set)


_NOT_SETTABLE = (
    *("struct_size", "encoder", "encoder_path", "vectors", "oos_label", "flags", "n_threads", "allocator"),
    *("progress", "progress_user", "all_scores", "cancel"),
)


def _set_params(options: Any, given: Dict[str, Any]) -> None:
    kinds = {name: kind for name, kind in options._fields_ if name not in _NOT_SETTABLE}
    for name, value in given.items():
        if name not in kinds:
            raise TypeError("no argument %r; there are %s" % (name, ", ".join(kinds)))
        is_number = kinds[name] in (c.c_double, c.c_float)
        setattr(options, name, number(name, value) if is_number else integer(name, value, kinds[name]))


def _prediction(p: Any, given: Texts, i: int) -> Prediction:
    text = given.array[i].text
    evidence = [
        Evidence(text[e.begin : e.end].decode("utf-8", "replace"), e.weight, e.begin, e.end)
        for e in p.evidence[: p.n_evidence]
    ]
    return Prediction(
        label=p.label.decode("utf-8", "replace"),
        score=p.score,
        out_of_scope=p.out_of_scope,
        accepted=bool(p.accepted),
        near_tie=bool(p.near_tie),
        scores={s.label.decode("utf-8", "replace"): s.score for s in p.scores[: p.n_scores]},
        evidence=evidence,
        example=p.example.decode("utf-8", "replace") if p.example else None,
        example_similarity=p.example_similarity,
    )


class ClassifierSlot(Handle):
    """The classifier in use. Requests get() it, a trainer swap()s it, in any thread at any time."""

    _free = lib.llmcs_shop_classifier_slot_free

    def __init__(self, classifier: Optional[Classifier] = None) -> None:
        super().__init__()
        self._swapping = threading.Lock()  # the encoder, which the library does not own, belongs to its classifier
        self._encoder: "Optional[llmcs.Model]" = None
        self._change(lambda h: call(lib.llmcs_shop_classifier_slot_create, h, c.byref(self._pointer)), classifier)

    def get(self) -> Optional[Classifier]:
        """The classifier in use, or None. It stays alive while you hold a reference to it."""
        with self._using() as slot, self._swapping:
            pointer, encoder = lib.llmcs_shop_classifier_slot_get(slot), self._encoder
        return Classifier._of(pointer, encoder) if pointer else None

    def swap(self, classifier: Optional[Classifier]) -> None:
        """Replaces the classifier. Requests that already got the old one finish with it."""
        with self._using() as slot:
            self._change(lambda h: call(lib.llmcs_shop_classifier_slot_swap, slot, h), classifier)

    def _change(self, put: Any, classifier: Optional[Classifier]) -> None:
        if classifier is not None and not isinstance(classifier, Classifier):
            raise TypeError("classifier: expected a Classifier, got %s" % type(classifier).__name__)
        with self._swapping:
            if classifier is None:
                put(None)
            else:
                with classifier._using() as h:
                    put(h)
            self._encoder = None if classifier is None else classifier._encoder
