"""Model.tag, answer_span and answer_spans against what Transformers finds (tests/data/spans).

usage: test_spans.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import gc
import json
import os
import tempfile
import unittest

from support import ROOT, in_threads, llmcs

DATA = os.path.join(ROOT, "tests", "data")
ANSWER_ARGUMENTS = ("top_k", "max_answer_len", "align_to_words", "handle_impossible_answer", "max_seq_len", "doc_stride")


def cases(model):
    with open(os.path.join(DATA, "spans", "cases.jsonl"), encoding="utf-8") as f:
        return [c for c in map(json.loads, f) if c["model"] == model]


class Spans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.tagger = cls.open("distilbert-tags", "tiny-bert-uncased")
        cls.answerer = cls.open("distilbert-answers", "tiny-bert-cased")

    @classmethod
    def open(cls, model, tokenizer):
        folder = os.path.join(cls.temporary.name, model)
        os.mkdir(folder)
        for source in (os.path.join(DATA, "spans", model), os.path.join(DATA, "tokenizers", tokenizer)):
            for name in os.listdir(source):
                os.symlink(os.path.join(source, name), os.path.join(folder, name))
        return llmcs.Model(folder, n_threads=2)

    def same(self, found, text, expected):
        """expected: [label, score, begin, end] each."""
        self.assertEqual(len(found), len(expected))
        for span, (label, score, begin, end) in zip(found, expected):
            self.assertIsInstance(span, llmcs.Span)
            self.assertEqual(span, (label, span.score, begin, end, text.encode()[begin:end].decode()))
            self.assertAlmostEqual(span.score, score, delta=2e-5)

    def test_tags_are_those_of_transformers(self):
        for c in cases("distilbert-tags"):
            how = {"overflow": "windows", "stride": c["stride"]} if "stride" in c else {}
            self.same(self.tagger.tag(c["text"], aggregation=c["aggregation"], **how), c["text"], c["spans"])

    def test_answers_are_those_of_transformers(self):
        for c in cases("distilbert-answers"):
            how = {k: c[k] for k in ANSWER_ARGUMENTS if k in c}
            expected = [["", *a] for a in c["answers"]]
            self.same(self.answerer.answer_span(c["question"], c["context"], **how), c["context"], expected)

    def test_several_texts(self):
        texts = ["Anna ordered 您好", "", "the\0 red 😀 dress"]
        infos = []
        together = self.tagger.tag(texts, infos)
        self.assertEqual(together, [self.tagger.tag(t) for t in texts])
        self.assertEqual([i["n_windows"] for i in infos], [1, 1, 1])
        self.assertEqual(self.tagger.tag([]), [])
        pairs = [("Where?", "in Berlin 您好"), ("谁?", "Anna"), ("Where?", "")]
        infos = []
        together = self.answerer.answer_spans(pairs, infos, top_k=2)
        self.assertEqual(together, [self.answerer.answer_span(*p, top_k=2) for p in pairs])
        self.assertEqual(together[2], [llmcs.Span("", 0.0, 0, 0, "")])
        self.assertEqual(len(infos), 3)

    def test_threads(self):
        alone = self.tagger.tag("Anna ordered a red dress")
        self.assertEqual(in_threads(8, lambda i: self.tagger.tag("Anna ordered a red dress")), [alone] * 8)

    def test_wrong_arguments(self):
        for wrong in (
            lambda: self.tagger.tag("x", aggregation="most"),
            lambda: self.answerer.answer_span("a", "b", top_k=-(2**40)),
        ):
            self.assertRaises(ValueError, wrong)
        for wrong in (
            lambda: self.tagger.tag(7),
            lambda: self.tagger.tag("x", top_k=1),
            lambda: self.tagger.tag("x", pooling="cls"),
            lambda: self.answerer.answer_span("a", None),
            lambda: self.answerer.answer_span("a", "b", stride=1),
            lambda: self.answerer.answer_span("a", "b", deadline_ms="soon"),
        ):
            self.assertRaises(TypeError, wrong)
        for wrong in (
            lambda: self.tagger.tag([("a", "b")]),
            lambda: self.answerer.answer_spans(["a"]),
            lambda: self.answerer.answer_span("a", "b", top_k=0),
        ):
            self.assertRaises(llmcs.ArgumentError, wrong)
        self.assertRaises(llmcs.NoHeadError, self.answerer.tag, "x")
        self.assertRaises(llmcs.NoHeadError, self.tagger.answer_span, "a", "b")
        self.assertRaises(llmcs.DeadlineError, self.tagger.tag, ["x"] * 9, deadline_ms=1e-6)
        self.assertRaises(llmcs.ContextFullError, self.tagger.tag, "a " * 100, overflow="error")
        gc.collect()

    def test_deadlines_of_ids(self):
        self.assertRaises(llmcs.DeadlineError, self.tagger.encoder_eval, [[2, 3]] * 9, hidden=True, deadline_ms=1e-6)
        out = self.tagger.encoder_eval([[2, 3]] * 9, hidden=True, deadline_ms=1e9)
        self.assertEqual(len(out["hidden"]), 9)
        self.assertEqual(len(self.tagger.encoder_eval([[2] * 60] * 100, hidden=True)["hidden"]), 100)

    def test_heads_labels_and_logits(self):
        self.assertIn("token_classification", self.tagger.heads)
        self.assertIn("question_answering", self.answerer.heads)
        self.assertEqual(self.tagger.labels[:2], ["O", "B-PER"])
        self.assertEqual(self.answerer.labels, [])
        ids = [[2, 7, 3], [2, 8, 9, 3]]
        for model, width in ((self.tagger, 7), (self.answerer, 2)):
            out = model.encoder_eval(ids, logits=True, hidden=True)
            self.assertEqual([[len(row) for row in rows] for rows in out["logits"]], [[width] * 3, [width] * 4])
            alone = model.encoder_eval(ids[1:], logits=True)["logits"][0]
            self.assertEqual([list(r) for r in alone], [list(r) for r in out["logits"][1]])


if __name__ == "__main__":
    unittest.main()
