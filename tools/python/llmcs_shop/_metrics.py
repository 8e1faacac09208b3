"""Measures: how good answers, labels, rankings and dialogues are."""

from __future__ import annotations

import ctypes as c
from typing import Any, Dict, NamedTuple, Optional

from llmcs._errors import call
from llmcs._handles import Handle
from llmcs._inputs import PathInput, c_string, choice, integer, items, number, path, utf8
from llmcs._native import fields, i32, size, sized, u64

from ._inputs import doubles, strings
from ._native import Bootstrap, Comparison, Interval, MeasureParams, f64, initialised, lib, text

_TOKENIZERS = ("auto", "13a", "zh", "char")
_ROW_KINDS = ("text", "label", "ranking", "value")


class ScoreInterval(NamedTuple):
    """95 % of the bootstrap's scores lie between low and high; mean is their mean."""

    low: float
    high: float
    mean: float


class Measure(Handle):
    """One metric over rows that are added one at a time: "bleu", "chrf", "rougeL", "meteor", "accuracy", "f1_macro",
    "ece", "auroc", "recall@5", "mrr", "ndcg@10", "completion", "p95", ... (include/llmcs_shop_metrics.h lists all).

    One thread at a time while rows are added."""

    _free = lib.llmcs_shop_measure_free

    def __init__(
        self,
        metric: str,
        tokenizer: str = "auto",
        lowercase: bool = False,
        stem: bool = False,
        n_bins: int = 15,
        wordnet: Optional[PathInput] = None,
    ) -> None:
        super().__init__()
        params = initialised(MeasureParams)
        params.tokenizer = choice("tokenizer", tokenizer, _TOKENIZERS)
        params.lowercase, params.stem = int(bool(lowercase)), int(bool(stem))
        params.n_bins = integer("n_bins", n_bins, i32)
        params.wordnet = None if wordnet is None else path("wordnet", wordnet)
        self.metric = metric
        call(lib.llmcs_shop_measure_create, c_string("metric", metric), c.byref(params), c.byref(self._pointer))

    def _describe(self) -> str:
        return " %s of %d rows" % (self.metric, len(self))

    def __len__(self) -> int:
        with self._using() as h:
            return int(lib.llmcs_shop_measure_rows(h))

    @property
    def row_kind(self) -> str:
        """Which method adds rows: "text", "label", "ranking" or "value"."""
        with self._using() as h:
            return _ROW_KINDS[lib.llmcs_shop_measure_row_kind(h)]

    # ---- rows

    def add_text(self, hypothesis: str, references: Any) -> None:
        """A text and its reference, or several of which the best counts (BLEU uses all together)."""
        given = [references] if isinstance(references, str) else items("references", references)
        encoded = [utf8("references[%d]" % i, r) for i, r in enumerate(given)]
        n, h = len(encoded), utf8("hypothesis", hypothesis)
        array, lengths = (text * max(1, n))(*encoded), (size * max(1, n))(*(len(r) for r in encoded))
        with self._using() as m:
            call(lib.llmcs_shop_measure_add_text, m, h, len(h), array, lengths, n)

    def add_label(self, label: str, prediction: str, scores: Any = None) -> None:
        """The true label and the predicted one. scores: {label: probability}, or one number, the probability of "1" or
        "true"; needed by ece and auroc."""
        names, values = None, None
        if isinstance(scores, dict):
            names, values = strings("scores", list(scores)), doubles("scores", list(scores.values()))
        elif scores is not None:
            values = doubles("scores", [scores])
        n = 0 if values is None else len(values)
        a, b = c_string("label", label), c_string("prediction", prediction)
        with self._using() as m:
            call(lib.llmcs_shop_measure_add_label, m, a, b, names, values, n)

    def add_ranking(self, relevant: Any, ranked: Any) -> None:
        """The ids that a query should find, a list or {id: gain}, and the ids as ranked, best first."""
        gains = doubles("relevant", list(relevant.values())) if isinstance(relevant, dict) else None
        wanted, found = strings("relevant", list(relevant)), strings("ranked", ranked)
        with self._using() as m:
            call(lib.llmcs_shop_measure_add_ranking, m, wanted, gains, len(wanted), found, len(found))

    def add_value(self, value: float) -> None:
        """A number; 0 or 1 for completion."""
        with self._using() as m:
            call(lib.llmcs_shop_measure_add_value, m, number("value", value))

    # ---- results

    def score(self, row: Optional[int] = None) -> float:
        """The score of all rows, or of one."""
        out = f64()
        with self._using() as m:
            if row is None:
                call(lib.llmcs_shop_measure_score, m, c.byref(out))
            else:
                call(lib.llmcs_shop_measure_row_score, m, integer("row", row, size), c.byref(out))
        return out.value

    @property
    def signature(self) -> str:
        """How the score is computed, in sacreBLEU's form."""
        n = size()
        with self._using() as m:
            lib.llmcs_shop_measure_signature(m, None, 0, c.byref(n))
            buffer = c.create_string_buffer(max(1, n.value))
            call(lib.llmcs_shop_measure_signature, m, buffer, len(buffer), c.byref(n))
        return buffer.value.decode("utf-8")

    def interval(self, n_samples: int = 1000, seed: int = 12345) -> ScoreInterval:
        """The score's 95 % interval by bootstrap."""
        options, out = _bootstrap(n_samples, seed), sized(Interval)
        with self._using() as m:
            call(lib.llmcs_shop_measure_interval, m, c.byref(options), c.byref(out))
        return ScoreInterval(out.low, out.high, out.mean)

    def compare(self, other: "Measure", n_samples: int = 1000, seed: int = 12345) -> Dict[str, float]:
        """Compares this measure (a) with that of another system (b) on the same rows in the same order: {"score_a",
        "score_b", "difference", "low", "high", "p"}."""
        options, out = _bootstrap(n_samples, seed), sized(Comparison)
        with self._using() as a, other._using() as b:
            call(lib.llmcs_shop_measure_compare, a, b, c.byref(options), c.byref(out))
        return fields(out)


def _bootstrap(n_samples: int, seed: int) -> Any:
    options = initialised(Bootstrap)
    options.n_samples, options.seed = integer("n_samples", n_samples, i32), integer("seed", seed, u64)
    return options
