"""llmcs index: build, search, add, remove, measure from outside; names, tags, filters; broken rows; another model.

usage: test_index.py [-v]   after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, GOLDEN, run_any  # noqa: E402

OTHER = os.path.join(GOLDEN, "bert-embed")
TEXTS = ["Fits well and looks great.", "The zip broke after a day.", "质量很好，颜色漂亮。", "物流太慢了，等了两周。",
         "Soft fabric, warm colours.", "Delivery took three weeks."]


def lines(rows):
    return "".join((r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)) + "\n" for r in rows).encode()


class Command(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.index = os.path.join(self.temporary.name, "items.index")

    def run_index(self, command, *arguments, rows=(), code=0):
        got, out, err = run_any("index", command, self.index, *arguments, text=lines(rows))
        self.assertEqual(got, code, (out, err))
        return [json.loads(line) for line in out.splitlines()] if command != "text" else out, err

    def search(self, *requests, code=0):
        return self.run_index("search", "--jsonl", rows=requests, code=code)[0]

    def vectors(self, n=200, dim=12, extra=()):
        pick = random.Random(4)
        rows = [{"id": "item-%d" % i if i % 2 else i, "vector": [pick.gauss(0, 1) for _ in range(dim)],
                 "tags": ["even" if i % 2 == 0 else "odd"] + (["third"] if i % 3 == 0 else []), "number": i}
                for i in range(n)]
        out, err = self.run_index("build", rows=[*rows, *extra], code=1 if extra else 0)
        self.assertEqual(out[0], {"vectors": n, "dim": dim, "lists": 0, "refused": len(extra)})
        return rows, err

    def test_texts_find_themselves(self):
        rows = [{"id": "t%d" % i, "text": t} for i, t in enumerate(TEXTS)]
        self.run_index("build", "--model", BERT, rows=rows)
        for i, a in enumerate(self.search(*[{"text": t, "k": 2} for t in TEXTS])):
            self.assertEqual((a["ids"][0], len(a["ids"])), ("t%d" % i, 2))
            self.assertAlmostEqual(a["scores"][0], 1, delta=2e-3)
        got, out, err = run_any("index", "search", self.index, "--k", "1", TEXTS[2])
        self.assertEqual((got, out.split("\t")[1]), (0, '"t2"\n'), err)

    def test_names_tags_and_numbers(self):
        rows, _ = self.vectors()
        v = rows[6]["vector"]
        a = self.search({"vector": v, "k": 3}, {"id": 1, "vector": v, "k": 200, "filter": {"all": ["even", "third"]}},
                        {"vector": v, "k": 200, "filter": {"any": ["third"], "none": ["even"]}},
                        {"vector": v, "k": 5, "filter": {"min": 10, "max": 12}},
                        {"vector": v, "k": 1, "filter": {"exclude": [6]}},
                        {"vector": v, "filter": {"all": ["even", "no such tag"]}},
                        {"vector": v, "filter": {"any": ["no such tag"]}})
        self.assertEqual(a[0]["ids"][0], 6)
        self.assertEqual(a[1]["id"], 1)
        self.assertEqual(sorted(a[1]["ids"]), list(range(0, 200, 6)))
        self.assertEqual(set(a[2]["ids"]), {"item-%d" % i for i in range(3, 200, 6)})
        self.assertEqual(sorted(map(str, a[3]["ids"])), ["10", "12", "item-11"])
        self.assertNotEqual(a[4]["ids"], [6])
        self.assertEqual((a[5]["ids"], a[6]["ids"]), ([], []))
        self.assertEqual(a[0]["scores"], sorted(a[0]["scores"], reverse=True))

    def test_add_replaces_and_remove_removes(self):
        rows, _ = self.vectors()
        out, _ = self.run_index("add", rows=[{"id": "item-1", "vector": rows[6]["vector"]},
                                             {"id": "new", "vector": rows[6]["vector"]}])
        self.assertEqual(out[0]["vectors"], 201)
        self.assertEqual(self.search({"vector": rows[6]["vector"], "k": 3})[0]["ids"], ["item-1", 6, "new"])
        out, _ = self.run_index("remove", "6", "item-1")
        self.assertEqual(out[0]["vectors"], 199)
        self.assertEqual(self.search({"vector": rows[6]["vector"], "k": 1})[0]["ids"], ["new"])
        _, err = self.run_index("remove", "6", "3", code=1)
        self.assertIn("no item has the id 6", err)
        self.assertIn("no item has the id 3", err)  # "item-3" has another name

    def test_broken_rows_are_named_and_the_rest_goes_in(self):
        rows, err = self.vectors(extra=["{", {"id": 1}, {"id": 2, "vector": [1]}, {"vector": [0] * 12},
                                        {"id": 3, "vector": ["x"] * 12}, {"id": [], "vector": [0] * 12},
                                        {"id": 4, "vector": [0] * 12, "tags": "red"}, {"id": 5, "text": "no model"},
                                        {"id": 7, "vector": [1e300] * 12}, {"id": 8, "vector": [0] * 12, "colour": 1}])
        for number, part in ((201, "JSON"), (202, "text"), (203, "expected 12"), (204, "id"), (205, "vector[0]"),
                             (206, "id"), (207, "tags"), (208, "--model"), (209, "vector[0]"), (210, "colour")):
            self.assertRegex(err, r"(?m)^llmcs: line %d: .*%s" % (number, part.replace("[", r"\[")))
        a = self.search({"vector": [1]}, {"vector": rows[0]["vector"], "k": 0}, {"vector": rows[0]["vector"]}, code=1)
        self.assertEqual([("error" in x) for x in a], [True, True, False])

    def test_too_many_tags_are_refused_by_row(self):
        rows = [{"id": i, "vector": [1, i], "tags": ["t%d" % i]} for i in range(70)]
        out, err = self.run_index("build", rows=rows, code=1)
        self.assertEqual((out[0]["vectors"], out[0]["refused"]), (64, 6))
        self.assertIn("line 65: tags: more than 64", err)

    def test_another_model_is_refused(self):
        self.run_index("build", "--model", BERT, rows=[{"id": 1, "text": "a"}])
        a = run_any("index", "search", self.index, "--model", OTHER, "--jsonl", text=lines([{"text": "b"}]))
        self.assertEqual(a[0], 1)
        self.assertIn("not the model", a[1])

    def test_quantised_weights_are_the_same_model(self):
        self.run_index("build", "--model", BERT, "--weights", "f32", rows=[{"id": 1, "text": TEXTS[0]}])
        got, out, err = run_any("index", "search", self.index, "--weights", "int8", "--jsonl",
                                text=lines([{"text": TEXTS[0]}]))
        self.assertEqual((got, json.loads(out)["ids"]), (0, [1]), err)

    def test_measure(self):
        rows, _ = self.vectors(500)
        out, _ = self.run_index("measure", "--k", "5", rows=[{"vector": r["vector"]} for r in rows[:20]])
        self.assertEqual((out[0]["queries"], out[0]["k"], out[0]["recall"]), (20, 5, 1.0))
        self.run_index("build", "--lists", "16", rows=rows)
        out, _ = self.run_index("measure", "--n-probe", "16", rows=[{"vector": r["vector"]} for r in rows[:20]])
        self.assertEqual((out[0]["lists_probed"], out[0]["recall"]), (16, 1.0))
        out, _ = self.run_index("measure", "--n-probe", "1", rows=[{"vector": r["vector"]} for r in rows[:20]])
        self.assertLess(out[0]["vectors_scored"], 400)
        _, err = self.run_index("measure", code=1)
        self.assertIn("stdin has no query", err)

    def test_damaged_files_and_wrong_usage(self):
        rows, _ = self.vectors(20)
        with open(self.index, "r+b") as f:
            f.seek(300)
            f.write(b"\xff")
        got, _, err = run_any("index", "search", self.index, "--jsonl", text=b"")
        self.assertEqual(got, 1)
        self.assertIn("checksum", err)
        self.assertEqual(run_any("index", "search", self.index + "no", "--jsonl")[0], 1)
        self.assertEqual(run_any("index", "build", self.index, text=b"")[0], 1)
        for arguments in (("index", "make", "x"), ("index", "build"), ("index", "search", "x", "--k", "0"),
                          ("index", "remove", "x")):
            self.assertEqual(run_any(*arguments)[0], 2, arguments)
        self.assertEqual(run_any("index", "--help")[0], 0)
        self.assertEqual(run_any("index", "build", "--help")[0], 0)


if __name__ == "__main__":
    unittest.main()
