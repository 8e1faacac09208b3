"""llmcs classify --labels and Model.zero_shot on tiny models (tests/data/zero-shot): scores are those of Transformers'
ZeroShotClassificationPipeline; what is wrong is named.

usage: test_zero_shot.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, ROOT, ask, run, run_any  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import llmcs  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data")


class ZeroShot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Folders with the model's files and the tokenizer's, which cuts at 80 tokens."""
        cls.temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temp.cleanup)
        with open(os.path.join(DATA, "zero-shot", "cases.jsonl"), encoding="utf-8") as f:
            cls.cases = [json.loads(line) for line in f]
        cls.folders = {}
        for name, tokenizer in sorted({(c["model"], c["tokenizer"]) for c in cls.cases}):
            folder = cls.folders[name] = os.path.join(cls.temp.name, name)
            os.mkdir(folder)
            for source in (os.path.join(DATA, "zero-shot", name), os.path.join(DATA, "tokenizers", tokenizer)):
                for file in os.listdir(source):
                    os.symlink(os.path.join(source, file), os.path.join(folder, file))

    def cases_of(self, name):
        found = [c for c in self.cases if c["model"] == name]
        self.assertEqual(len(found), 16)
        return found

    def close(self, got, case):
        self.assertEqual(list(got), case["labels"])
        for label, score in zip(case["labels"], case["scores"]):
            self.assertAlmostEqual(got[label], score, delta=1e-4, msg=str(case))

    def test_lines(self):
        for name, folder in self.folders.items():
            cases = self.cases_of(name)
            requests = [{k: c[k] for k in ("text", "labels", "hypothesis", "multi_label")} for c in cases]
            for c, a in zip(cases, ask("classify", folder, requests, "--max-length", "80")):
                self.close(a["scores"], c)
                best = max(zip(c["scores"], c["labels"]))[1]
                self.assertEqual((a["label"], a["score"], "label_id" in a), (best, a["scores"][best], False))
                self.assertEqual(a["truncated"], len(c["text"]) > 200)

    def test_options(self):
        for name, folder in self.folders.items():
            for c in self.cases_of(name)[:4]:
                how = ["--labels", " , ".join(c["labels"]) + ",", "--hypothesis", c["hypothesis"], *["--multi-label"] * c["multi_label"]]
                self.close(ask("classify", folder, [{"text": c["text"]}], *how)[0]["scores"], c)
                best, score = max(zip(c["labels"], c["scores"]), key=lambda x: x[1])
                words = run("llmcs", "classify", folder, c["text"], *how).split(maxsplit=2)
                self.assertEqual((words[0], words[2]), (best, c["text"] + "\n"))
                self.assertAlmostEqual(float(words[1]), score, delta=2e-4)

    def test_python(self):
        for name, folder in self.folders.items():
            model = llmcs.Model(folder)
            for c in self.cases_of(name):
                got = model.zero_shot(c["text"], c["labels"], c["hypothesis"], c["multi_label"], max_length=80)
                self.close(got, c)
            two = model.zero_shot(["a", "b c"], ["x", "y"])
            self.assertEqual(two, [model.zero_shot(t, ["x", "y"]) for t in ("a", "b c")])
            with self.assertRaisesRegex(llmcs.Error, "no labels"):
                model.zero_shot("a", [])
            with self.assertRaisesRegex(llmcs.Error, 'must contain "{}" once'):
                model.zero_shot("a", ["x"], "{} and {}")
            with self.assertRaisesRegex(llmcs.Error, "no pair"):
                model.zero_shot([("a", "b")], ["x"])

    def test_what_is_wrong_is_named(self):
        folder = self.folders["bart"]
        wrong = [({"text": "a", "labels": []}, "labels: expected one or more names"),
                 ({"text": "a", "labels": ["x", "x"]}, '"x" occurs twice'),
                 ({"text": "a", "labels": "x"}, "list of strings"), ({"text": "a", "labels": ["x", 3]}, "labels[1]"),
                 ({"text": "a", "labels": [""]}, "empty"), ({"text": "a", "labels": ["x"], "hypothesis": "no"}, 'contain "{}" once'),
                 ({"text": "a", "labels": ["x"], "pair": "b"}, "pair"), ({"text": "a", "hypothesis": "{}"}, "hypothesis"),
                 ({"labels": ["x"]}, "text")]
        for request, named in wrong:
            self.assertIn(named, ask("classify", folder, [request])[0]["error"]["message"], request)
        self.assertIn("--labels", run("llmcs", "classify", folder, "--labels", " ,", "a", code=2))
        self.assertIn("needs --labels", run("llmcs", "classify", folder, "--multi-label", "a", code=2))
        self.assertIn("no label begins with", run_any("classify", BERT, "--labels", "x,y", "a")[2])

    def test_an_encoder_decoder_classifies_texts_and_pairs(self):
        folder = self.folders["bart"]
        pair = ask("classify", folder, [{"text": "a b", "pair": "This example is x."}])[0]["scores"]
        alone = ask("classify", folder, [{"text": "a b", "labels": ["x"]}])[0]["scores"]["x"]
        self.assertAlmostEqual(alone, pair["entailment"] / (pair["entailment"] + pair["contradiction"]), delta=1e-5)
        self.assertAlmostEqual(sum(pair.values()), 1, delta=1e-5)
        text = ask("classify", folder, [{"text": "a b"}])[0]
        self.assertEqual(sorted(text["scores"]), ["contradiction", "entailment", "neutral"])
        vectors = ask("embed", folder, [{"text": "a b"}])[0]
        self.assertNotIn("error", vectors)


if __name__ == "__main__":
    unittest.main()
