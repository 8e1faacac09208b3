"""Pipelines that find parts of texts."""

from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Tuple

from .._spans import Span
from .._tokenizer import Encoding
from ._base import Pipeline, characters, choose

_STRATEGIES = frozenset(("none", "simple", "first", "average", "max"))
_ANSWER = ("top_k", "topk", "doc_stride", "max_answer_len", "max_seq_len", "handle_impossible_answer", "align_to_words")


class TokenClassificationPipeline(Pipeline):
    """pipeline("token-classification") or "ner": for each token {"entity", "score", "index", "word", "start", "end"}, or
    with an aggregation_strategy ("simple", "first", "average", "max") for each group {"entity_group", "score", "word",
    "start", "end"}. ignore_labels (["O"]); stride: read longer texts in windows that share so many tokens."""

    arguments = ("aggregation_strategy", "ignore_labels", "stride", "grouped_entities", "ignore_subwords")
    head = "token_classification"
    single_types = (str,)

    def _strategy(self, how: Dict[str, Any]) -> str:
        given = how.get("aggregation_strategy")
        if given is not None:
            return choose("aggregation_strategy", given, _STRATEGIES)
        if how.get("grouped_entities"):
            return "first" if how.get("ignore_subwords") else "simple"
        return "none"

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        strategy, stride = self._strategy(how), how.get("stride")
        ignored = ["O"] if how.get("ignore_labels") is None else list(how["ignore_labels"])
        if stride is not None and strategy == "none":
            raise ValueError("%s: stride needs an aggregation_strategy other than none" % self.task)
        if strategy in ("none", "simple") and stride is None:
            found = self._from_logits(inputs, strategy)
        elif "O" in ignored:
            windows: Dict[str, Any] = {"overflow": "truncate"} if stride is None else {"overflow": "windows", "stride": stride}
            found = self._from_spans(inputs, self.model.tag(inputs, aggregation=strategy, **windows))
        else:
            raise ValueError(
                '%s: ignore_labels without "O" needs the aggregation_strategy none or simple, and no stride' % self.task
            )
        return [[e for e in entities if e.get("entity", e.get("entity_group")) not in ignored] for entities in found]

    def _tokens(self, text: str, max_length: int = 0) -> Tuple[Encoding, List["_Token"]]:
        """The text's tokens, without those that the tokenizer adds."""
        cut: Dict[str, Any] = {"truncation": "longest_first", "max_length": max_length} if max_length else {}
        encoded = self.tokenizer.encode_full(text, **cut)
        inner = self.tokenizer.encode(text, add_special_tokens=False)
        n_added = len(self.tokenizer.encode("")) if max_length else 0
        n = min(len(inner), max_length - n_added) if max_length else len(inner)
        first = next(i for i in range(len(encoded.ids)) if encoded.ids[i : i + n] == inner[:n]) if n else 0
        return encoded, [_Token(i, encoded.ids[i], *encoded.offsets[i]) for i in range(first, first + n)]

    def _from_logits(self, texts: List[str], strategy: str) -> List[List[Dict[str, Any]]]:
        encoded = [self._tokens(text, self.model.info["n_ctx"]) for text in texts]
        rows = self.model.encoder_eval([e.ids for e, _ in encoded], [e.type_ids for e, _ in encoded], logits=True)
        found = []
        for text, (_, tokens), logits in zip(texts, encoded, rows["logits"]):
            whole = text.encode("utf-8")
            labelled = [(token, *self._best(logits[token.at])) for token in tokens]
            found.append([
                self._entity(whole, [token], label, score, strategy) for token, label, score in labelled
            ] if strategy == "none" else [
                self._entity(whole, [t for t, _, _ in group], group[0][1].split("-", 1)[-1],
                             sum(s for _, _, s in group) / len(group), strategy)
                for group in _groups(labelled)
            ])  # fmt: skip
        return found

    def _best(self, logits: Any) -> Tuple[str, float]:
        row = [float(x) for x in logits]
        powers = [math.exp(x - max(row)) for x in row]
        best = max(range(len(row)), key=row.__getitem__)
        return self.model.labels[best], powers[best] / sum(powers)

    def _from_spans(self, texts: List[str], spans: List[List[Span]]) -> List[List[Dict[str, Any]]]:
        found = []
        for text, of_text in zip(texts, spans):
            whole, tokens, entities, at = text.encode("utf-8"), self._tokens(text)[1], [], 0
            for s in of_text:
                while at < len(tokens) and tokens[at].begin < s.begin:
                    at += 1
                first = at
                while at < len(tokens) and tokens[at].end <= s.end:
                    at += 1
                entities.append(self._entity(whole, tokens[first:at], s.label, s.score, "group", s.begin, s.end))
            found.append(entities)
        return found

    def _entity(
        self, text: bytes, tokens: List["_Token"], label: str, score: float, strategy: str, begin: int = -1, end: int = -1
    ) -> Dict[str, Any]:
        begin, end = (tokens[0].begin, tokens[-1].end) if begin < 0 else (begin, end)
        start, stop = characters(text, begin, end)
        if strategy == "none":
            word = self._unknown(text, tokens[0]) or self.tokenizer.token(tokens[0].id)
            return {"entity": label, "score": score, "index": tokens[0].at, "word": word, "start": start, "end": stop}
        word = self.tokenizer.decode([t.id for t in tokens])
        for t in tokens:
            if t.id == self._unk():
                word = word.replace(str(self.tokenizer.token(t.id)), self._unknown(text, t), 1)
        return {"entity_group": label, "score": score, "word": word, "start": start, "end": stop}

    def _unk(self) -> int:
        id = self.tokenizer.special_token_id("unk")
        return -1 if id is None else id

    def _unknown(self, text: bytes, token: "_Token") -> str:
        """What an unknown token stands for; "" for a known one."""
        return text[token.begin : token.end].decode("utf-8", "ignore") if token.id == self._unk() else ""


class _Token(NamedTuple):
    at: int
    id: int
    begin: int
    end: int


_Labelled = Tuple[_Token, str, float]


def _tag(label: str) -> Tuple[bool, str]:
    """Whether a group begins with the label, and whose."""
    return label.startswith("B-"), label[2:] if label[:2] in ("B-", "I-") else label


def _groups(labelled: List[_Labelled]) -> List[List[_Labelled]]:
    groups: List[List[_Labelled]] = []
    for item in labelled:
        begins, tag = _tag(item[1])
        if groups and not begins and tag == _tag(groups[-1][-1][1])[1]:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


class QuestionAnsweringPipeline(Pipeline):
    """pipeline("question-answering"): {"score", "start", "end", "answer"}, a list of these if there are several.
    Called with question= and context= (each a str or a list), a dict of both, or a list of such dicts. top_k, doc_stride,
    max_answer_len, max_seq_len, handle_impossible_answer, align_to_words."""

    # max_question_len and padding change nothing in Transformers' fast tokenizers, and nothing here.
    arguments = (*_ANSWER, "max_question_len", "padding")
    head = "question_answering"
    single_types = (dict,)

    def __call__(self, *inputs: Any, question: Any = None, context: Any = None, **how: Any) -> Any:
        if question is not None or context is not None:
            if inputs or question is None or context is None:
                raise ValueError("%s: give question= and context=, both and nothing else" % self.task)
            given: Any = _paired(self.task, question, context)
        elif len(inputs) == 2 and all(isinstance(i, str) for i in inputs):
            given = {"question": inputs[0], "context": inputs[1]}
        elif len(inputs) == 1:
            given = inputs[0]
        else:
            given = list(inputs)
        if isinstance(given, list) and len(given) == 1:
            given = given[0]
        return super().__call__(given, **how)

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        pairs = [self._pair(item) for item in inputs]
        rules = {("top_k" if n == "topk" else n): how[n] for n in _ANSWER if how.get(n) is not None}
        found = self.model.answer_spans(pairs, **rules)
        return [self._answers(context, spans) for (_, context), spans in zip(pairs, found)]

    def _pair(self, item: Any) -> Tuple[str, str]:
        if not isinstance(item, dict):
            raise ValueError("%s: expected {'question': ..., 'context': ...}, got %.60r" % (self.task, item))
        for name in item:
            if name not in ("question", "context"):
                raise TypeError("%s: no key %r in an input; there are question, context" % (self.task, name))
        for name in ("question", "context"):
            if name not in item:
                raise KeyError("%s: an input has no %s" % (self.task, name))
            if not item[name]:
                raise ValueError("%s: %s is empty" % (self.task, name))
        return item["question"], item["context"]

    @staticmethod
    def _answers(context: str, spans: List[Span]) -> Any:
        whole, answers = context.encode("utf-8"), []
        for s in spans:
            start, end = characters(whole, s.begin, s.end)
            answers.append({"score": s.score, "start": start, "end": end, "answer": context[start:end]})
        return answers[0] if len(answers) == 1 else answers


def _paired(task: str, question: Any, context: Any) -> Any:
    if isinstance(question, str) and isinstance(context, str):
        return {"question": question, "context": context}
    questions = list(question) if isinstance(question, (list, tuple)) else None
    if questions is None:
        raise ValueError("%s: a list of contexts needs a list of questions" % task)
    contexts = [context] * len(questions) if isinstance(context, str) else list(context)
    if len(questions) != len(contexts):
        raise ValueError("%s: %d questions and %d contexts" % (task, len(questions), len(contexts)))
    return [{"question": q, "context": x} for q, x in zip(questions, contexts)]
