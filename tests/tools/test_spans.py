"""llmcs tag, span, eval, check and info on the models of tests/data/spans, and on shared ones where they are at hand.

usage: test_spans.py [-v]   after `make`; $LLMCS_BIN names another folder of programs
"""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, ROOT, ask, run, run_any  # noqa: E402
from test_cli import flat, safetensors  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data")
SHARED = os.path.join(os.environ.get("LLMCS_SHARED", os.path.join(ROOT, "..", "shared")), "golden")


def cases(model):
    with open(os.path.join(DATA, "spans", "cases.jsonl"), encoding="utf-8") as f:
        return [c for c in map(json.loads, f) if c["model"] == model]


class Spans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.tags = cls.folder("bert-tags", "tiny-bert-cased")
        cls.answers = cls.folder("bert-answers", "tiny-bert-uncased")

    @classmethod
    def folder(cls, model, tokenizer):
        path = os.path.join(cls.temporary.name, model)
        os.mkdir(path)
        for source in (os.path.join(DATA, "spans", model), os.path.join(DATA, "tokenizers", tokenizer)):
            for name in os.listdir(source):
                os.symlink(os.path.join(source, name), os.path.join(path, name))
        return path

    def is_span(self, got, text, label, score, begin, end):
        self.assertEqual(got, {"label": label, "score": got["score"], "begin": begin, "end": end,
                               "text": text.encode()[begin:end].decode()})
        self.assertAlmostEqual(got["score"], score, delta=2e-5)

    def is_answer(self, got, context, score, begin, end):
        self.assertEqual(got["answer"], context.encode()[begin:end].decode())
        self.assertEqual((got["begin"], got["end"]), (begin, end))
        self.assertAlmostEqual(got["score"], score, delta=2e-5)

    def test_tag_lines(self):
        some = [c for c in cases("bert-tags") if "stride" not in c and c["aggregation"] in ("none", "simple", "average")]
        requests = [{"id": i, "text": c["text"], "aggregation": c["aggregation"]} for i, c in enumerate(some)]
        for i, (c, a) in enumerate(zip(some, ask("tag", self.tags, requests))):
            self.assertEqual((a["id"], a["windows"], len(a["spans"])), (i, 1, len(c["spans"])))
            for got, expected in zip(a["spans"], c["spans"]):
                self.is_span(got, c["text"], *expected)

    def test_tag_options_and_windows(self):
        for c in cases("bert-tags"):
            if c.get("stride") == 5:
                how = ("--aggregation", c["aggregation"], "--overflow", "windows", "--stride", "5")
                a = ask("tag", self.tags, [{"text": c["text"]}], *how)[0]
                self.assertGreater(a["windows"], 1)
                self.assertEqual([[s["label"], s["begin"], s["end"]] for s in a["spans"]],
                                 [[s[0], s[2], s[3]] for s in c["spans"]])

    def test_tag_for_people(self):
        said = run("llmcs", "tag", self.tags, "Anna ordered 您好 in Berlin.", "x")
        self.assertEqual(said.splitlines()[0], "Anna ordered 您好 in Berlin.")
        self.assertRegex(said, r"\n  [A-Z]+ +0\.\d{4}  \S")
        self.assertIn("\nx\n", said)

    def test_span_lines(self):
        some = [c for c in cases("bert-answers") if not set(c) - {"model", "tokenizer", "question", "context", "answers",
                                                                  "handle_impossible_answer"}]
        self.assertGreater(len(some), 20)
        keys = ("question", "context", "handle_impossible_answer")
        answers = ask("span", self.answers, [{k: c[k] for k in keys if k in c} for c in some])
        for c, a in zip(some, answers):
            self.is_answer(a, c["context"], *c["answers"][0])
            self.assertNotIn("answers", a)

    def test_span_options(self):
        for c in cases("bert-answers"):
            if c.get("top_k") == 3:
                how = ("--top-k", "3", "--max-answer-len", "4")
                a = ask("span", self.answers, [{"question": c["question"], "context": c["context"]}], *how)[0]
                self.assertEqual(len(a["answers"]), len(c["answers"]))
                for got, expected in zip(a["answers"], c["answers"]):
                    self.is_answer(got, c["context"], *expected)
                self.assertEqual(a["answer"], a["answers"][0]["answer"])
                break
        c = next(c for c in cases("bert-answers") if "doc_stride" in c and len(c["context"]) > 200)
        how = ("--max-seq-len", str(c["max_seq_len"]), "--doc-stride", str(c["doc_stride"]), "--top-k", str(c["top_k"]))
        a = ask("span", self.answers, [{"question": c["question"], "context": c["context"]}], *how)[0]
        self.assertEqual([[x["begin"], x["end"]] for x in a["answers"]], [x[1:] for x in c["answers"]])
        self.assertGreater(a["windows"], 3)

    def test_span_for_people(self):
        by_argument = run("llmcs", "span", self.answers, "Where is it?", "My order is", "in Berlin", "--top-k", "2")
        from_stdin = run("llmcs", "span", self.answers, "Where is it?", "--top-k", "2", text="My order is in Berlin\n")
        self.assertEqual(by_argument, from_stdin)
        self.assertRegex(by_argument, r"^0\.\d{4}  \w.*\n0\.\d{4}  \w.*\n$")
        self.assertIn("(no answer)", run("llmcs", "span", self.answers, "Where?", text=""))

    def test_bad_lines_are_answered_and_the_rest_go_on(self):
        good = {"text": "Anna"}
        bad = [{}, {"text": 1}, {"text": "a", "pair": "b"}, {"text": "a", "aggregation": "most"}, {"text": "a", "aggregation": 1}]
        answers = ask("tag", self.tags, [x for b in bad for x in (b, good)])
        self.assertEqual([a["error"]["status"] for a in answers[::2]], ["ARG"] * len(bad))
        self.assertTrue(all(a == answers[1] for a in answers[1::2]))
        good = {"question": "a", "context": "b c"}
        bad = [{"question": "a"}, {"context": "a"}, {"question": "a", "context": ["b"]}, {**good, "top_k": 0},
               {**good, "top_k": "1"}, {**good, "top_k": 5000}, {**good, "handle_impossible_answer": 3}, {**good, "k": 1}]
        answers = ask("span", self.answers, [x for b in bad for x in (b, good)])
        self.assertEqual([a["error"]["status"] for a in answers[::2]], ["ARG"] * len(bad))
        self.assertTrue(all(a == answers[1] for a in answers[1::2]))

    def test_models_without_the_head(self):
        self.assertIn("no token-classification head", run("llmcs", "tag", BERT, "x", code=1))
        self.assertIn("no question-answering head", run("llmcs", "span", self.tags, "x", "y", code=1))
        self.assertIn("no classification head", run("llmcs", "classify", self.tags, "x", code=1))
        self.assertEqual(run_any("span", self.answers)[0], 2)

    def test_check_and_info(self):
        for folder, head, task in ((self.tags, "token-classification", "tag"), (self.answers, "question-answering", "span")):
            said = json.loads(run("llmcs", "check", folder, "--jsonl"))
            self.assertTrue(said["works"])
            self.assertIn(head, said["heads"])
            self.assertEqual(said["tasks"], [task, "embed"])
            self.assertTrue(said["tried"].startswith(task + ":"), said["tried"])
            self.assertIn(head, run("llmcs", "info", folder))
        self.assertIn("B-PER", run("llmcs", "check", self.tags))

    def test_eval(self):
        request = {"input_ids": [2, 7, 9, 3], "token_type_ids": [0, 0, 1, 1]}
        a = ask("eval", self.tags, [request])[0]
        self.assertEqual([len(row) for row in a["logits"]], [7] * 4)
        a = ask("eval", self.answers, [request])[0]
        self.assertEqual((len(a["start_logits"]), len(a["end_logits"])), (4, 4))
        self.assertNotIn("logits", a)

    def shared(self, name):
        folder = os.path.join(SHARED, name)
        if not os.path.exists(folder):
            print("SKIPPED %s: the shared checkpoints are not at hand" % name, flush=True)
            return None, [], {}
        with open(os.path.join(folder, "cases.json")) as f:
            return folder, json.load(f), safetensors(os.path.join(folder, "expected.safetensors"))

    def close(self, got, expected, what):
        got = flat(got)
        self.assertEqual(len(got), len(expected), what)
        for g, e in zip(got, expected):
            self.assertLessEqual(abs(g - e), 1e-4 + 1e-4 * abs(e), what)

    def test_eval_of_shared_checkpoints(self):
        for name in ("bert-ner", "distilbert-ner", "xlm-roberta-ner", "bert-qa"):
            folder, some, tensors = self.shared(name)
            requests = [{k: c[k] for k in ("input_ids", "token_type_ids")} for c in some]
            for c, a in zip(some, ask("eval", folder, requests) if folder else ()):
                for key, answer in (("logits", "logits"), ("start", "start_logits"), ("end", "end_logits")):
                    if key in c:
                        self.close(a[answer], tensors[c[key]][1], (name, key))


if __name__ == "__main__":
    unittest.main()
