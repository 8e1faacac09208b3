"""llmcs-shop feedback, export, retrain, compare, promote, rollback: from a customer's text to the version that answers."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import cli  # noqa: E402

SHOP = os.path.join(cli.BIN, "llmcs-shop")
DATA = os.path.join(cli.ROOT, "examples", "shop")


def shop(*arguments, text=None, code=0, stderr=False):
    done = subprocess.run([SHOP, *arguments], input=text, capture_output=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
    return (done.stderr if stderr or code == 2 else done.stdout).decode()


def rows_of(name, labels):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return [r for r in map(json.loads, f) if r["label"] in labels]


LABELS = ("cancel_order", "track_order", "return_item", "get_invoice", "payment_problem")


class Learn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = cls.path("shop.db")
        shop("init", cls.store)
        with sqlite3.connect(cls.store) as settings:
            settings.execute("INSERT INTO settings VALUES('llmcs.order_pattern', 'PL[0-9]{8}')")
        both = [r for lang in ("en", "zh") for r in rows_of("intents.%s.jsonl" % lang, LABELS)]
        cls.tests = [r for lang in ("en", "zh") for r in rows_of("intents-test.%s.jsonl" % lang, LABELS)]
        cls.labels = sorted({r["label"] for r in both})
        # The base knows few phrasings; feedback brings the rest, in both languages.
        seen = {}
        cls.base, cls.rest = [], []
        for r in both:
            seen[r["label"]] = seen.get(r["label"], 0) + 1
            (cls.base if seen[r["label"]] <= 6 else cls.rest).append(r)
        cls.write("base.jsonl", cls.base)
        cls.write("test.jsonl", cls.tests)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def write(cls, name, rows):
        with open(cls.path(name), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)

    def test_feedback_makes_the_next_version_better(self):
        self.assertGreater(len(self.tests), 20)
        training = ("--base", self.path("base.jsonl"), "--test", self.path("test.jsonl"), "--folds", "2", "--l2", "0.1")
        self.assertIn("0 rows of feedback", shop("retrain", self.store, *training, code=1, stderr=True))
        first = shop("retrain", self.store, *training, "--min-feedback", "0", "--promote")
        self.assertIn("version 1 is live", first)
        feedback = [{"id": "f%d" % i, "text": r["text"], "model": "intents", "label": r["label"], "consent": True}
                    for i, r in enumerate(self.rest)]
        feedback.append({"id": "x", "text": "ring me: 13800138000", "model": "intents", "label": "oos"})
        feedback.append({"id": "y", "text": "bad", "label": "no model"})
        self.write("feedback.jsonl", feedback)
        said = shop("feedback", self.store, self.path("feedback.jsonl"), code=1)
        self.assertIn("%d rows stored, 1 refused" % (len(feedback) - 1), said)
        exported = [json.loads(line) for line in shop("export", self.store, "--model", "intents").splitlines()]
        self.assertEqual([(r["id"], r["label"]) for r in exported], [(r["id"], r["label"]) for r in feedback[:-2]])
        self.assertTrue(any("<ORDER_1>" in r["text"] for r in exported))
        self.assertFalse([r for r in exported if re.search(r"PL\d{8}", r["text"])])
        self.assertIn("trainer", shop("export", self.store, "--purpose", "quality", code=1, stderr=True))
        second = shop("retrain", self.store, *training, "--promote")
        self.assertIn("version 2 is live", second)
        self.assertIn("versions, live 2", shop("promote", self.store))
        versions = json.loads(shop("compare", "1", "2", self.path("test.jsonl"), "--store", self.store))
        self.assertGreater(versions["low"], 0)
        self.assertEqual(versions["n"], len(self.tests))
        self.assertIn("live 1", shop("rollback", self.store, "--actor", "eva"))
        self.assertIn("shadow 2", shop("promote", self.store, "--version", "2", "--mode", "shadow"))
        self.assertIn("canary 2 for a share of 0.25", shop("promote", self.store, "--version", "2", "--mode", "canary", "--share", "0.25"))
        self.assertIn("live 2", shop("promote", self.store, "--version", "2"))
        self.assertIn("version 9 does not exist", shop("promote", self.store, "--version", "9", code=1, stderr=True))
        audit = shop("audit", self.store, "list")
        for action in ("retrain", "promote", "rollback", "export"):
            self.assertIn(action, audit)
        self.assertNotIn("13800138000", audit)

    def test_files_are_compared_and_kept(self):
        for name, rows in (("small", self.base), ("large", self.base + self.rest)):
            self.write(name + ".jsonl", rows)
            shop("train-classifier", self.path(name + ".jsonl"), self.path(name + ".head"), "--folds", "2", "--l2", "0.1")
        found = json.loads(shop("compare", self.path("small.head"), self.path("large.head"), self.path("test.jsonl"), "--metric", "f1_macro"))
        self.assertGreater(found["b"], found["a"])
        self.assertAlmostEqual(found["difference"], found["b"] - found["a"], places=6)
        same = json.loads(shop("compare", self.path("small.head"), self.path("small.head"), self.path("test.jsonl")))
        self.assertEqual((same["difference"], same["p"]), (0, 1))
        other = self.path("other.db")
        shop("init", other)
        self.assertIn("1 versions, live 1", shop("promote", other, "--file", self.path("small.head")))
        self.assertIn("was not compared", shop("promote", other, "--file", self.path("large.head"), code=1, stderr=True))
        self.assertIn("live 2", shop("promote", other, "--version", "2", "--unproven"))

    def test_bad_files_and_usage(self):
        self.write("bad.jsonl", [{"text": "a"}])
        self.assertIn("line 1", shop("compare", "1", "2", self.path("bad.jsonl"), "--store", self.store, code=1, stderr=True))
        self.assertIn("cannot be combined", shop("promote", self.store, "--version", "1", "--file", "x", code=2))
        shop("compare", "1", code=2)


if __name__ == "__main__":
    unittest.main()
