"""Feedback, and the versions of classifiers that are trained on it."""

from __future__ import annotations

import ctypes as c
import json
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from llmcs._errors import call
from llmcs._handles import Handle
from llmcs._inputs import Texts, c_string, choice, integer, items, number, utf8
from llmcs._model import Progress, _Progress
from llmcs._native import STATUS, P, fields, i32, size, sized, u64

from . import _inputs as rows
from ._classifier import Classifier, Prediction, _prediction
from ._inputs import Refused, Stored
from ._native import (
    Comparison,
    ContestParams,
    Deployment,
    Example,
    ExportFn,
    ExportParams,
    Feedback,
    Predictions,
    PredictParams,
    PromoteParams,
    RefusedFn,
    RetrainParams,
    Retrained,
    i64,
    initialised,
    lib,
)
from ._privacy import _PURPOSES, _ROLES

if TYPE_CHECKING:
    from ._guard import Guard  # which needs a Shop, which needs this module

_OUTCOMES = tuple(lib.llmcs_shop_outcome_name(i).decode() for i in range(5))
_MODES = ("live", "shadow", "canary")


class Contest(NamedTuple):
    """Two classifiers on the same rows: difference is b - a, with its 95 % interval and p of the paired bootstrap."""

    score_a: float
    score_b: float
    difference: float
    low: float
    high: float
    p: float


class Version(NamedTuple):
    """A new version of a classifier: what it was trained on, and how it compares with the live one (contest is None if
    nothing was compared)."""

    version: int
    n_base: int
    n_feedback: int
    n_left_out: int
    compared_to: int
    contest: Optional[Contest]


def _contest(found: Any) -> Contest:
    return Contest(found.score_a, found.score_b, found.difference, found.low, found.high, found.p)


def _examples(name: str, given: Any) -> Any:
    """Pairs of text and label as an array of structs."""
    pairs: List[Tuple[bytes, bytes]] = []
    for i, row in enumerate(items(name, given)):
        text, label = (row["text"], row["label"]) if isinstance(row, dict) else row
        pairs.append((utf8("%s[%d]" % (name, i), text), c_string("%s[%d]" % (name, i), label)))
    return (Example * max(1, len(pairs)))(*((t, len(t), x) for t, x in pairs)), len(pairs)


def _contest_params(oos_label: Optional[str], metric: str, seed: int, n_samples: int) -> Any:
    params = initialised(ContestParams)
    params.oos_label, params.metric = rows.string("oos_label", oos_label), c_string("metric", metric)
    params.seed, params.n_samples = integer("seed", seed, u64), integer("n_samples", n_samples, i32)
    return params


def compare(
    a: Classifier,
    b: Classifier,
    tests: Iterable[Any],
    oos_label: Optional[str] = None,
    metric: str = "accuracy",
    seed: int = 12345,
    n_samples: int = 1000,
) -> Contest:
    """Two classifiers on the same test rows: pairs of text and label. oos_label: rows with it are right if they are not
    accepted."""
    params, found = _contest_params(oos_label, metric, seed, n_samples), sized(Comparison)
    examples, n = _examples("tests", tests)
    with a._using() as x, b._using() as y:
        call(lib.llmcs_shop_classifier_compare, x, y, examples, n, c.byref(params), c.byref(found))
    return _contest(found)


def _feedback(name: str, given: Any) -> Any:
    optional = "customer conversation lang model label predicted reply outcome rating consent time actor"
    r = rows.row(name, given, "id text", optional)
    words = {k: rows.string("%s.%s" % (name, k), r.get(k)) for k in "customer conversation lang model label predicted reply actor".split()}
    rating = r.get("rating")
    return Feedback(
        c.sizeof(Feedback),
        c_string(name + ".id", r["id"]),
        words["customer"],
        words["conversation"],
        words["lang"],
        c_string(name + ".text", r["text"]),
        words["model"],
        words["label"],
        words["predicted"],
        words["reply"],
        choice(name + ".outcome", r.get("outcome") or "none", _OUTCOMES),
        -1.0 if rating is None else number(name + ".rating", rating),
        int(bool(r.get("consent"))),
        rows.seconds(name + ".time", r.get("time")),
        words["actor"],
    )


class Learner:
    """The part of a Shop that keeps feedback and versions of classifiers."""

    # ---- feedback

    def put_feedback(self, feedback: Any, guard: Optional[Guard] = None) -> Stored:
        """Adds or replaces feedback: dicts with id, text, and where known model, label, predicted, reply, outcome
        ("accepted", "edited", "rejected"), rating (0 to 1), consent, customer, conversation, lang, time, actor. guard
        masks texts and replies; None: they are masked already."""
        structs = [_feedback("feedback[%d]" % i, row) for i, row in enumerate(items("feedback", feedback))]
        refused: List[Refused] = []

        def refuse(_user: Any, row: int, status: int, reason: bytes) -> None:
            refused.append(Refused(row, STATUS.get(status, str(status)), reason.decode("utf-8", "replace")))

        n, callback, pointers = size(), RefusedFn(refuse), rows.pointers(structs)
        if structs and guard is None:
            with self._using() as h:  # type: ignore[attr-defined]
                call(lib.llmcs_shop_put_feedback, h, None, pointers, len(structs), callback, None, c.byref(n))
        elif structs and guard is not None:
            with self._using() as h, guard._using() as g:  # type: ignore[attr-defined]
                call(lib.llmcs_shop_put_feedback, h, g, pointers, len(structs), callback, None, c.byref(n))
        return Stored(n.value, refused)

    def export_feedback(
        self,
        role: str = "trainer",
        purpose: str = "training",
        actor: Optional[str] = None,
        model: Optional[str] = None,
        lang: Optional[str] = None,
        since: Any = None,
        guard: Optional[Guard] = None,
    ) -> List[Dict[str, Any]]:
        """Feedback that customers consented to, as dicts, oldest first. The audit records who exported it and the number of
        rows. guard masks it once more."""
        params = initialised(ExportParams)
        params.role, params.purpose = choice("role", role, _ROLES), choice("purpose", purpose, _PURPOSES)
        params.actor, params.model = rows.string("actor", actor), rows.string("model", model)
        params.lang, params.since = rows.string("lang", lang), integer("since", rows.seconds("since", since), i64)
        found: List[bytes] = []

        def keep(_user: Any, line: Any, n: int) -> int:
            found.append(c.string_at(line, n))
            return 0

        callback = ExportFn(keep)
        if guard is None:
            with self._using() as h:  # type: ignore[attr-defined]
                call(lib.llmcs_shop_export, h, c.byref(params), callback, None, None)
        else:
            with self._using() as h, guard._using() as g:  # type: ignore[attr-defined]
                params.guard = g
                call(lib.llmcs_shop_export, h, c.byref(params), callback, None, None)
        return [json.loads(line) for line in found]

    # ---- versions

    def put_model(self, model: str, classifier: Classifier) -> int:
        """Stores a classifier as the next version of a model, without using it. Returns the version."""
        version = i32()
        with self._using() as h, classifier._using() as k:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_put_model, h, c_string("model", model), k, c.byref(version))
        return int(version.value)

    def open_model(self, model: str, version: int = 0) -> Classifier:
        """Opens a version of a model; 0: the live one."""
        pointer = c.c_void_p()
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_open_model, h, c_string("model", model), integer("version", version, i32), c.byref(pointer))
        return Classifier._of(pointer.value or 0, self._encoder)  # type: ignore[attr-defined]

    def retrain(
        self,
        model: str,
        base: Any = (),
        tests: Any = (),
        new_tests: bool = False,
        weight: int = 1,
        min_feedback: int = 1,
        oos_label: Optional[str] = None,
        metric: str = "accuracy",
        n_threads: int = 0,
        n_folds: int = 0,
        l2: float = 0,
        actor: Optional[str] = None,
        progress: Optional[Progress] = None,
    ) -> Version:
        """Trains the next version on base rows (pairs of text and label) and the store's feedback, and compares it with
        the live one on test rows, which stay the same for all versions. It is not used until it is promoted."""
        params, made = initialised(RetrainParams), sized(Retrained)
        params.model = c_string("model", model)
        params.base, params.n_base = _examples("base", base)
        params.tests, params.n_tests = _examples("tests", tests)
        params.new_tests, params.weight = int(bool(new_tests)), integer("weight", weight, i32)
        params.min_feedback = integer("min_feedback", min_feedback, i32)
        params.oos_label, params.metric = rows.string("oos_label", oos_label), c_string("metric", metric)
        params.n_threads, params.n_folds = integer("n_threads", n_threads, i32), integer("n_folds", n_folds, i32)
        params.l2, params.actor = number("l2", l2), rows.string("actor", actor)
        watch = _Progress(progress)
        params.progress = watch.function
        with self._using() as h:  # type: ignore[attr-defined]
            watch.call(lib.llmcs_shop_retrain, h, c.byref(params), c.byref(made))
        counts = (made.version, made.n_base, made.n_feedback, made.n_left_out, made.compared_to)
        return Version(*counts, _contest(made.comparison) if made.compared_to else None)

    def compare_models(
        self,
        model: str,
        a: int,
        b: int,
        tests: Any,
        oos_label: Optional[str] = None,
        metric: str = "accuracy",
        seed: int = 12345,
        n_samples: int = 1000,
    ) -> Contest:
        """Compares two versions on the model's test rows and stores the result, which promote() requires."""
        params, found = _contest_params(oos_label, metric, seed, n_samples), sized(Comparison)
        examples, n = _examples("tests", tests)
        versions = integer("a", a, i32), integer("b", b, i32)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_compare_models, h, c_string("model", model), *versions, examples, n, c.byref(params), c.byref(found))
        return _contest(found)

    def promote(
        self,
        model: str,
        version: int,
        mode: str = "live",
        share: float = 0.1,
        unproven: bool = False,
        actor: Optional[str] = None,
    ) -> None:
        """Uses a version: "live" for everybody, "shadow" next to the live one, "canary" for a share of the
        conversations. A version that was not compared with the live one, or is worse, needs unproven=True."""
        params = initialised(PromoteParams)
        params.mode, params.share = choice("mode", mode, _MODES), number("share", share)
        params.unproven, params.actor = int(bool(unproven)), rows.string("actor", actor)
        arguments = c_string("model", model), integer("version", version, i32)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_promote, h, *arguments, c.byref(params))

    def rollback(self, model: str, actor: Optional[str] = None) -> int:
        """Undoes the last promotion. Returns the version that is live now."""
        version = i32()
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_rollback, h, c_string("model", model), rows.string("actor", actor), c.byref(version))
        return int(version.value)

    def deployment(self, model: str) -> Dict[str, Any]:
        """llmcs_shop_deployment as a dict: live, challenger, mode ("live", "shadow", "canary"), share, ..."""
        found = sized(Deployment)
        with self._using() as h:  # type: ignore[attr-defined]
            call(lib.llmcs_shop_get_deployment, h, c_string("model", model), c.byref(found))
        return dict(fields(found), mode=_MODES[found.mode])


class Rollout(Handle):
    """The versions of a model in use: Rollout(shop, "intents"). Any thread may predict while refresh() swaps versions.

    fallback: a Classifier that answers while no version is live."""

    _free = lib.llmcs_shop_rollout_free

    def __init__(self, shop: Any, model: str, fallback: Optional[Classifier] = None) -> None:
        super().__init__()
        self._shop, self._fallback = shop, fallback
        self._keep_open(shop, fallback)
        name = c_string("model", model)
        if fallback is None:
            with shop._using() as h:
                call(lib.llmcs_shop_rollout_create, h, name, None, c.byref(self._pointer))
        else:
            with shop._using() as h, fallback._using() as k:
                call(lib.llmcs_shop_rollout_create, h, name, k, c.byref(self._pointer))

    def refresh(self) -> bool:
        """Loads versions that any process has promoted since. Returns whether something changed."""
        changed = i32()
        with self._shop._using(), self._using() as h:
            call(lib.llmcs_shop_rollout_refresh, h, c.byref(changed))
        return bool(changed.value)

    def get(self, conversation: str = "") -> Optional[Classifier]:
        """The classifier that answers a conversation; None if no version is live."""
        with self._using() as h:
            pointer = lib.llmcs_shop_rollout_get(h, c_string("conversation", conversation), None)
        return Classifier._of(pointer, self._shop._encoder) if pointer else None

    def live(self) -> Optional[Classifier]:
        """The classifier that is live."""
        with self._using() as h:
            pointer = lib.llmcs_shop_classifier_slot_get(lib.llmcs_shop_rollout_slot(h))
        return Classifier._of(pointer, self._shop._encoder) if pointer else None

    def predict(self, texts: Any, conversation: str = "") -> Tuple[Any, int]:
        """Predictions of the version that answers the conversation (one, or a list for several texts), and its number;
        0 for the fallback."""
        listed, params = Texts("texts", texts), initialised(PredictParams)
        found, used, version = P(Predictions)(), c.c_void_p(), i32()
        try:
            with self._using() as h:
                name = c_string("conversation", conversation)
                outputs = c.byref(params), c.byref(found), c.byref(used), c.byref(version)
                call(lib.llmcs_shop_rollout_predict, h, name, listed.array, listed.n, *outputs)
            out: List[Prediction] = [
                _prediction(p.contents, listed, i) for i, p in enumerate(found.contents.items[: found.contents.n])
            ]
        finally:
            lib.llmcs_shop_predictions_free(c.byref(found))
            lib.llmcs_shop_classifier_free(c.byref(used))
        return listed.result(out), int(version.value)
