"""Pipelines that classify texts, fill masks or give vectors."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Tuple

from .._inputs import joined, numpy
from ._base import Pipeline, choose, limits

_FUNCTIONS = frozenset(("default", "sigmoid", "softmax", "none"))
_TOKENIZER = ("truncation", "max_length", "padding")  # padding changes no result: nothing is padded here


def _pair(task: str, item: Any) -> Any:
    """A text, or (text, pair) from {"text": ..., "text_pair": ...}."""
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        for name in item:
            if name not in ("text", "text_pair"):
                raise TypeError("%s: no key %r in an input; there are text, text_pair" % (task, name))
        if "text" in item:
            return (item["text"], item["text_pair"]) if item.get("text_pair") is not None else item["text"]
    if isinstance(item, (list, tuple)) and len(item) == 1 and isinstance(item[0], (list, tuple)) and len(item[0]) == 2:
        return tuple(item[0])
    raise ValueError('%s: for a pair of texts give {"text": ..., "text_pair": ...}, got %.60r' % (task, item))


def _score(found: Dict[str, Any]) -> float:
    return float(found["score"])


def _softmax(row: List[float]) -> List[float]:
    best = max(row)
    powers = [math.exp(x - best) for x in row]
    return [p / sum(powers) for p in powers]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


class TextClassificationPipeline(Pipeline):
    """pipeline("text-classification") or "sentiment-analysis": [{"label", "score"}] of a text. top_k: how many labels
    (None: all); function_to_apply: "sigmoid", "softmax", "none" or "default", as the folder says."""

    arguments = ("top_k", "function_to_apply", "return_all_scores", *_TOKENIZER)
    head = "classification"

    def __call__(self, inputs: Any, **how: Any) -> Any:
        found = super().__call__(inputs, **how)
        return [found] if isinstance(inputs, str) and "top_k" not in how else found

    def _checked(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """return_all_scores, the older argument, as top_k; its scores are in the order of the model's labels."""
        given = dict(super()._checked(given))
        all_scores = given.pop("return_all_scores", None)
        if "top_k" in given:
            given["_sorted"] = True
        elif all_scores is not None:
            given["top_k"] = None if all_scores else 1
        return given

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        texts, labels = [_pair(self.task, item) for item in inputs], self.model.labels
        function = choose("function_to_apply", how.get("function_to_apply") or "default", _FUNCTIONS)
        if function == "default":
            rows: Any = self.model.classify_scores(texts, **limits(self.task, how))
        else:
            rows = [_applied(function, row) for row in self._logits(texts, how)]
        return [self._shaped(how, [{"label": n, "score": float(s)} for n, s in zip(labels, row)]) for row in rows]

    @staticmethod
    def _shaped(how: Dict[str, Any], scores: List[Dict[str, Any]]) -> Any:
        if how.get("_sorted"):
            return sorted(scores, key=_score, reverse=True)[: how["top_k"]]
        return max(scores, key=_score) if how.get("top_k", 1) == 1 else scores

    def _logits(self, texts: List[Any], how: Dict[str, Any]) -> List[List[float]]:
        how = limits(self.task, how)
        longest = min(how.get("max_length") or self.model.info["n_ctx"], self.model.info["n_ctx"])
        cut = how["overflow"] == "truncate"
        encoded = [
            self.tokenizer.encode_full(
                text if isinstance(text, str) else text[0],
                None if isinstance(text, str) else text[1],
                truncation=how.get("truncation", "longest_first") if cut else "none",
                max_length=longest if cut else 0,
            )
            for text in texts
        ]
        found = self.model.encoder_eval([e.ids for e in encoded], [e.type_ids for e in encoded], logits=True)["logits"]
        return [[float(x) for x in row] for row in found]


def _applied(function: str, logits: List[float]) -> List[float]:
    if function == "none":
        return logits
    return _softmax(logits) if function == "softmax" else [_sigmoid(x) for x in logits]


class ZeroShotClassificationPipeline(Pipeline):
    """pipeline("zero-shot-classification") with a classifier of natural language inference: {"sequence", "labels",
    "scores"}, best first, of candidate_labels (a list, or "a, b, c"). hypothesis_template: what a text says if a label
    stands for its {}; multi_label: each label's own probability."""

    arguments = ("candidate_labels", "hypothesis_template", "multi_label", "multi_class")
    head = "classification"

    def __call__(self, inputs: Any, candidate_labels: Any = None, **how: Any) -> Any:
        if candidate_labels is not None:
            how["candidate_labels"] = candidate_labels
        return super().__call__(inputs, **how)

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        given = how.get("candidate_labels")
        labels = [s.strip() for s in given.split(",") if s.strip()] if isinstance(given, str) else list(given or ())
        if not labels:
            raise ValueError("%s: candidate_labels: at least one label is needed" % self.task)
        template = how.get("hypothesis_template", "This example is {}.")
        if template.format(labels[0]) == template:
            raise ValueError("%s: hypothesis_template: %r has no {} for the label" % (self.task, template))
        multi = bool(how.get("multi_label", how.get("multi_class", False)))
        found = self.model.zero_shot(
            inputs, labels, hypothesis=template, multi_label=multi, overflow="truncate", truncation="only_first"
        )
        answers = []
        for text, scores in zip(inputs, found):
            order = sorted(range(len(labels)), key=lambda i: (-scores[labels[i]], -i))
            names = [labels[i] for i in order]
            answers.append({"sequence": text, "labels": names, "scores": [scores[name] for name in names]})
        return answers


class FillMaskPipeline(Pipeline):
    """pipeline("fill-mask"): for the mask of a text a list of {"score", "token", "token_str", "sequence"}, best first;
    for several masks a list of such lists. targets: only these tokens. Special tokens that the text spells become
    tokens, as the mask must: do not put users' text around it unchecked."""

    arguments = ("top_k", "targets", "tokenizer_kwargs")
    head = "masked_lm"

    def __call__(self, inputs: Any, **how: Any) -> Any:
        found = super().__call__(inputs, **how)
        return found[0] if isinstance(inputs, list) and len(inputs) == 1 else found

    def _targets(self, given: Any) -> Optional[List[int]]:
        if given is None:
            return None
        ids: List[int] = []
        for target in [given] if isinstance(given, str) else given:
            id = self.tokenizer.token_id(target)
            pieces = [id] if id is not None else self.tokenizer.encode(target, add_special_tokens=False)
            ids += pieces[:1]
        if not ids:
            raise ValueError("%s: targets: none of them is in the vocabulary" % self.task)
        return ids

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        extra = how.get("tokenizer_kwargs") or {}
        for name in extra:
            if name not in _TOKENIZER:
                raise TypeError("%s: no argument %r in tokenizer_kwargs; there are %s" % (self.task, name, joined(_TOKENIZER)))
        targets = self._targets(how.get("targets"))
        top_k = 5 if how.get("top_k") is None else how["top_k"]
        return [self._one(text, top_k, targets, limits(self.task, extra)) for text in inputs]

    def _one(self, text: str, top_k: int, targets: Optional[List[int]], how: Dict[str, Any]) -> Any:
        tokenizer, n_ctx = self.tokenizer, self.model.info["n_ctx"]
        mask, pad = tokenizer.special_token_id("mask"), tokenizer.special_token_id("pad")
        ids = tokenizer.encode(text, parse_special=True)
        longest = min(how.get("max_length", n_ctx), n_ctx)
        wanted = self.model.info["vocab_size"] if targets else top_k
        if len(ids) > longest and how["overflow"] == "truncate":
            ids = tokenizer.encode(text, parse_special=True, truncation="longest_first", max_length=longest)
            masks = self._evaluated(ids, wanted)
        else:
            masks = self.model._mask_tokens(text, wanted)
        single = len(masks) == 1
        rows = []
        for position, found in masks:
            kept = [(id, p) for id, p in found if targets is None or id in targets][:top_k]
            rows.append([self._proposed(ids, position, id, p, single, pad) for id, p in kept])
        if not rows:
            raise ValueError("%s: no mask (%s) in the text" % (self.task, tokenizer.token(mask) if mask is not None else ""))
        return rows[0] if single else rows

    def _evaluated(self, ids: List[int], top_k: int) -> List[Tuple[int, List[Tuple[int, float]]]]:
        """As Model._mask_tokens, of token ids."""
        mask = self.tokenizer.special_token_id("mask")
        logits = self.model.encoder_eval([ids], logits=True)["logits"][0]
        found = []
        for position in (i for i, id in enumerate(ids) if id == mask):
            scores = _softmax([float(x) for x in logits[position]])
            best = sorted(range(len(scores)), key=lambda i: -scores[i])[:top_k]
            found.append((position, [(i, scores[i]) for i in best]))
        return found

    def _proposed(
        self, ids: List[int], position: int, id: int, score: float, single: bool, pad: Optional[int]
    ) -> Dict[str, Any]:
        clean = bool(self._setting("tokenizer_config.json", "clean_up_tokenization_spaces", False))
        filled = [t for t in (*ids[:position], id, *ids[position + 1 :]) if t != pad]
        return {
            "score": score,
            "token": id,
            "token_str": self.tokenizer.decode([id], clean_up_tokenization_spaces=clean),
            "sequence": self.tokenizer.decode(filled, skip_special_tokens=single, clean_up_tokenization_spaces=clean),
        }


class FeatureExtractionPipeline(Pipeline):
    """pipeline("feature-extraction"): the last layer's output of each token, lists [1][n_tokens][n_embd]; with
    return_tensors=True a numpy array. Sentence vectors are what Model.embed gives."""

    arguments = ("truncation", "tokenize_kwargs", "return_tensors")
    head = "embedding"

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        extra = dict(how.get("tokenize_kwargs") or {})
        for name in extra:
            if name not in (*_TOKENIZER, "add_special_tokens"):
                known = joined((*_TOKENIZER, "add_special_tokens"))
                raise TypeError("%s: no argument %r in tokenize_kwargs; there are %s" % (self.task, name, known))
        if how.get("truncation") is not None:
            if "truncation" in extra:
                raise ValueError("%s: truncation is given twice, also in tokenize_kwargs" % self.task)
            extra["truncation"] = how["truncation"]
        cut, n_ctx = limits(self.task, extra), self.model.info["n_ctx"]
        rules: Dict[str, Any] = {"add_special_tokens": extra.get("add_special_tokens", True)}
        if cut["overflow"] == "truncate":
            rules.update(truncation="longest_first", max_length=min(cut.get("max_length", n_ctx), n_ctx))
        encoded = [self.tokenizer.encode_full(text, **rules) for text in inputs]
        found = self.model.encoder_eval([e.ids for e in encoded], [e.type_ids for e in encoded], hidden=True)["hidden"]
        np = numpy()
        if how.get("return_tensors"):
            if np is None:
                raise ValueError("%s: return_tensors: numpy is not installed" % self.task)
            return [rows[None] for rows in found]
        return [[rows.tolist() if np is not None else rows] for rows in found]
