"""Masking and moderation of files of any size, as tasks of llmcs.dask:

    map_partitions(Mask(tagger="names.tagger"), ["messages.jsonl"], "masked", client=client)
"""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional

from llmcs import Model
from llmcs.dask import Task
from llmcs.dask._tasks import Function

from ._classifier import Classifier
from ._guard import Guard

__all__ = ["Mask", "Moderate"]


class Mask(Task):
    """{"masked", "spans": [{"kind", "begin", "end"}]}: each row is a conversation of its own. kinds: those to mask."""

    def __init__(
        self,
        tagger: Optional[str] = None,
        order_pattern: Optional[str] = None,
        kinds: Optional[List[str]] = None,
        keep_places: bool = False,
    ) -> None:
        super().__init__(tagger=tagger, order_pattern=order_pattern, kinds=kinds, keep_places=keep_places)

    def open(self) -> Function:
        o = self.options
        guard = Guard(tagger=o["tagger"], order_pattern=o["order_pattern"])

        def answer(values: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
            answers = []
            for value in values:
                found = guard.mask(value["text"], kinds=o["kinds"], keep_places=o["keep_places"])
                spans = [{"kind": s.kind, "begin": s.begin, "end": s.end} for s in found.spans]
                answers.append({"masked": found.text, "spans": spans})
            return answers

        return answer


class Moderate(Task):
    """{"action", "label", "score", "reasons"}. moderation: a classifier's file; encoder: the folder of its encoder;
    direction: "in" for customers' and products' texts, "out" for replies."""

    def __init__(
        self,
        moderation: Optional[str] = None,
        encoder: Optional[str] = None,
        direction: str = "in",
        words: Optional[str] = None,
        warn_score: Optional[float] = None,
        block_score: Optional[float] = None,
        n_threads: Optional[int] = None,
    ) -> None:
        super().__init__(
            moderation=moderation, encoder=encoder, direction=direction, words=words, warn_score=warn_score,
            block_score=block_score, n_threads=n_threads,
        )  # fmt: skip

    def describe(self) -> Dict[str, Any]:
        """No answer depends on the number of threads."""
        return {k: v for k, v in super().describe().items() if k != "n_threads"}

    def for_workers(self) -> Task:
        """With one thread of the encoder, unless a number was given."""
        task = copy.copy(self)
        task.options = {**self.options, "n_threads": 1 if self.options["n_threads"] is None else self.options["n_threads"]}
        return task

    def open(self) -> Function:
        o = self.options
        classifier = None
        if o["moderation"] is not None:
            encoder = None if o["encoder"] is None else Model(o["encoder"], n_threads=o["n_threads"] or 0)
            classifier = Classifier(o["moderation"], encoder=encoder)
        guard = Guard(moderation=classifier, words=o["words"], warn_score=o["warn_score"], block_score=o["block_score"])

        def answer(values: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
            answers = []
            for value in values:
                v = guard.check(value["text"], direction=o["direction"])
                reasons = [r._asdict() for r in v.reasons]
                answers.append({"action": v.action, "label": v.label, "score": v.score, "reasons": reasons})
            return answers

        return answer
