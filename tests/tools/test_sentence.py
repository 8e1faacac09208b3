"""llmcs embed, rerank and info on the sentence-transformers folders of tests/data/sentence.

usage: test_sentence.py [-v]   after `make`; $LLMCS_BIN names another folder of programs
"""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import ROOT, ask, run, run_any  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data", "sentence")


def link(source, target):
    for name in os.listdir(source):
        there = os.path.join(source, name)
        if os.path.isdir(there):
            os.mkdir(os.path.join(target, name))
            link(there, os.path.join(target, name))
        else:
            os.symlink(there, os.path.join(target, name))


class Sentence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = os.path.join(cls.temporary.name, "two_dense")
        os.mkdir(cls.folder)
        link(os.path.join(DATA, "network"), cls.folder)
        link(os.path.join(DATA, "modules", "two_dense"), cls.folder)
        cls.reranker = os.path.join(DATA, "reranker")
        with open(os.path.join(DATA, "expected.json"), encoding="utf-8") as f:
            cls.expected = json.load(f)

    def vector(self, **how):
        return next(
            row["vector"]
            for row in self.expected["embed"]
            if row["folder"] == "two_dense" and {k: row[k] for k in row if k not in ("folder", "vector")} == how
        )

    def near(self, got, expected):
        self.assertEqual(len(got), len(expected))
        for x, y in zip(got, expected):
            self.assertAlmostEqual(x, y, delta=1e-5)

    def test_embed_options(self):
        for options, how in (
            ([], {}),
            (["--prompt-name", "document"], {"prompt_name": "document"}),
            (["--prompt", "a good "], {"prompt": "a good "}),
            (["--truncate-dim", "5"], {"truncate_dim": 5}),
            (["--truncate-dim", "5", "--normalize", "l2"], {"truncate_dim": 5, "normalize_embeddings": True}),
        ):
            out = run("llmcs", "embed", self.folder, "the shop", *options)
            self.near([float(x) for x in out.split()], self.vector(text="the shop", **how))
        answers = ask("embed", self.folder, [{"text": "the shop"}], "--prompt-name", "query")
        self.near(answers[0]["embedding"], self.vector(text="the shop", prompt_name="query"))
        code, _, message = run_any("embed", self.folder, "the shop", "--prompt-name", "passage")
        self.assertEqual(code, 1)
        self.assertIn('prompt_name: "passage"', message)

    def test_info_names_prompts(self):
        report = json.loads(run("llmcs", "info", self.folder, "--jsonl"))
        self.assertEqual(report["prompts"], {"query": "query: ", "document": "document: the ", "none": ""})
        self.assertEqual((report["similarity"], report["n_embedding"]), ("dot", 8))
        table = run("llmcs", "info", self.folder)
        self.assertIn("8 numbers, compared by dot", table)
        self.assertIn('document: "document: the "', table)

    def test_rerank(self):
        rows = [r for r in self.expected["rerank"] if r["settings"] == {}]
        docs = [r["text"] for r in rows]
        answer = ask("rerank", self.reranker, [{"query": "good shop", "docs": docs}])[0]
        self.near(answer["scores"], [r["score"] for r in rows])
        self.assertEqual(answer["truncated"], [])
        lines = run("llmcs", "rerank", self.reranker, "good shop", *docs[:2]).splitlines()
        best_first = sorted(rows[:2], key=lambda r: -r["score"])
        self.assertEqual(lines, ["%.4f  %s" % (r["score"], r["text"]) for r in best_first])
        self.assertEqual(run("llmcs", "rerank", self.reranker, "good shop", *docs[:2], "--top-n", "1").splitlines(), lines[:1])
        bad = ask("rerank", self.reranker, [{"query": "a", "docs": "b"}, {"query": "a", "docs": [1]}])
        self.assertIn("docs: expected an array", bad[0]["error"]["message"])
        self.assertIn("element 0", bad[1]["error"]["message"])
        self.assertIn("no classification head", run_any("rerank", self.folder, "a", "b")[2])


if __name__ == "__main__":
    unittest.main()
