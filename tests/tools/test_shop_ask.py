"""llmcs-shop import-faq, ask, calibrate, measure, retire, update-vectors: on the demo shop's entries, by words and with
an encoder.

usage: test_shop_ask.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, BIN, GPT2, ROOT  # noqa: E402

SHOP = os.path.join(BIN, "llmcs-shop")
DEMO = os.path.join(ROOT, "examples", "shop")


def shop(*arguments, text="", code=0):
    done = subprocess.run([SHOP, *arguments], input=text.encode(), capture_output=True, timeout=300)
    if done.returncode != code:
        raise AssertionError("%s: exit %d\n%s" % (arguments, done.returncode, done.stderr.decode()))
    return done.stdout.decode() if code == 0 else done.stderr.decode()


class Ask(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = os.path.join(cls.folder.name, "shop.db")
        shop("init", cls.store)
        for lang in "en", "zh":
            shop("import-faq", cls.store, os.path.join(DEMO, "faq.%s.jsonl" % lang))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def ask(self, *questions, arguments=(), code=0):
        lines = "".join(json.dumps(q if isinstance(q, dict) else {"text": q}, ensure_ascii=False) + "\n" for q in questions)
        done = subprocess.run([SHOP, "ask", self.store, "--jsonl", *arguments], input=lines.encode(), capture_output=True,
                              timeout=300)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def test_every_stored_question_finds_its_entry(self):
        for lang in "en", "zh":
            with open(os.path.join(DEMO, "faq.%s.jsonl" % lang), encoding="utf-8") as f:
                entries = [json.loads(line) for line in f]
            questions = [(q, e) for e in entries for q in e["questions"]][::4]  # all of them take a minute
            answers = self.ask(*[q for q, _ in questions])
            right = sum(a["candidates"][0]["id"] == e["id"] for a, (_, e) in zip(answers, questions))
            self.assertGreaterEqual(right, 0.98 * len(questions), lang)
            for a, (_, e) in zip(answers, questions):
                if a["route"] != "ENTRY" or a["candidates"][0]["id"] != e["id"]:
                    continue
                self.assertEqual(a["answer"], e["answer"])
                (c,) = a["citations"]
                self.assertEqual((c["id"], c["lang"], c["text"]), (e["id"], lang, 0))
                self.assertEqual(c["entry"], [0, len(e["answer"].encode())])
                self.assertEqual(c["reply"], c["entry"])

    def test_requests(self):
        a, b, c, d = self.ask({"text": "How do I place an order?", "k": 2, "id": 7}, {"text": "怎么下单？", "lang": "zh"},
                              {"text": "x", "k": 0}, {"words": "x"}, code=1)
        self.assertEqual((a["id"], len(a["candidates"])), (7, 2))
        self.assertEqual(set(a["ms"]), {"embed", "words", "vectors", "rank", "write", "total"})
        self.assertGreaterEqual(a["candidates"][0]["score"], a["candidates"][1]["score"])
        self.assertEqual(b["candidates"][0]["lang"], "zh")
        self.assertIn("1 to 20", c["error"]["message"])
        self.assertIn("words", d["error"]["message"])

    def test_text(self):
        out = shop("ask", self.store, "How do I place an order?")
        self.assertIn("ENTRY, probability", out)
        self.assertIn("order-place (en, version 1)", out)
        self.assertIn("NONE", shop("ask", self.store, "zzz qqq"))
        self.assertIn("name=value", shop("ask", self.store, "--slot", "x", "hi", code=1))

    def test_calibrate_measure_retire(self):
        store = os.path.join(self.folder.name, "other.db")
        shop("init", store)
        # Calibration asks every question three times: three of each entry's are enough here.
        with open(os.path.join(DEMO, "faq.en.jsonl"), encoding="utf-8") as f:
            entries = [json.loads(line) for line in f]
        shop("import-faq", store, "-", text="".join(json.dumps({**e, "questions": e["questions"][:3]}) + "\n" for e in entries))
        test = os.path.join(DEMO, "faq-test.en.jsonl")
        before = shop("measure", store, test)
        self.assertIn("MRR@10", before)
        self.assertIn("coverage 80 %", before)
        self.assertIn("threshold 0.500", shop("calibrate", store))
        self.assertIn("expected {", shop("measure", store, os.path.join(DEMO, "faq.en.jsonl"), code=1))
        self.assertIn("1 retired", shop("retire", store, "order-place"))
        self.assertIn("no entry", shop("retire", store, "order-place", code=1))
        self.assertNotIn("order-place", shop("ask", store, "How do I place an order?"))

    def test_vectors(self):
        store = os.path.join(self.folder.name, "vectors.db")
        rows = "".join(json.dumps({"id": i, "question": q, "answer": "yes", "lang": "en"}) + "\n"
                       for i, q in [("hat", "do you sell a hat"), ("shoe", "do you sell shoes")])
        shop("init", store)
        self.assertIn("opened without an encoder", shop("update-vectors", store, code=1))
        shop("import-faq", store, "-", text=rows)
        shop("init", store, "--encoder", BERT)
        self.assertEqual(shop("update-vectors", store), "4 vectors\n")
        self.assertIn("hat (en, version 1)", shop("ask", store, "--legs", "vectors", "--threshold", "0", "do you sell a hat"))

    def test_a_writer_scores_the_candidates(self):
        (a,) = self.ask("How do I place an order?", arguments=["--writer", GPT2, "--k", "3", "--choose"])
        for c in a["candidates"]:
            self.assertLess(c["logprob"], 0)
            self.assertIn("information", c)
        if a["route"] == "ENTRY":
            best = max(a["candidates"], key=lambda c: c["information"])
            self.assertEqual(a["citations"][0]["id"], best["id"])


if __name__ == "__main__":
    unittest.main()
