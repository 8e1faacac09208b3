"""llmcs-shop evaluate against sacreBLEU, rouge-score, NLTK and scikit-learn: tests/data/metrics, made by its script."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import cli  # noqa: E402

DATA = os.path.join(cli.ROOT, "tests", "data", "metrics")
SHOP = os.path.join(cli.BIN, "llmcs-shop")
with open(os.path.join(DATA, "expected.json"), encoding="utf-8") as f:
    EXPECTED = json.load(f)


def evaluate(*arguments, text=None, code=0):
    done = subprocess.run([SHOP, "evaluate", "--wordnet", "", *arguments], input=text, capture_output=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stderr.decode())
    return json.loads(done.stdout) if done.stdout else done.stderr.decode()


def metric_and_options(name):
    parts = name.split()
    return parts[0], parts[1:]


def jsonl(rows):
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()


class Expected(unittest.TestCase):
    def check_texts(self, language):
        for name, expected in EXPECTED[language].items():
            metric, options = metric_and_options(name)
            found = evaluate("--metric", metric, *options, "--rows", "--samples", "2",
                             os.path.join(DATA, language + ".jsonl"))[metric]
            with self.subTest(name):
                self.assertAlmostEqual(found["score"], expected["score"], delta=1e-9)
                self.assertEqual(len(found["rows"]), len(expected["rows"]))
                for i, (x, y) in enumerate(zip(found["rows"], expected["rows"])):
                    self.assertAlmostEqual(x, y, delta=1e-9, msg="row %d" % i)

    def test_english(self):
        self.check_texts("en")

    def test_chinese(self):
        self.check_texts("zh")

    def test_labels_and_rankings(self):
        for kind in ("labels", "binary", "rankings"):
            for name, expected in EXPECTED[kind].items():
                metric, options = metric_and_options(name)
                found = evaluate("--metric", metric, *options, "--samples", "50", os.path.join(DATA, kind + ".jsonl"))
                with self.subTest(name):
                    self.assertAlmostEqual(found[metric]["score"], expected, delta=1e-12)
                    self.assertLessEqual(found[metric]["low"], found[metric]["score"] + 0.05)
                    self.assertGreaterEqual(found[metric]["high"], found[metric]["score"] - 0.05)

    def test_paired(self):
        n = EXPECTED["compare"]["n_samples"]
        for name, expected in EXPECTED["compare"]["metrics"].items():
            metric, options = metric_and_options(name)
            found = evaluate("--metric", metric, *options, "--samples", str(n), "--compare",
                             os.path.join(DATA, "en.jsonl"), os.path.join(DATA, "en_other.jsonl"))[metric]
            with self.subTest(name):
                self.assertEqual(found["p"], expected["p"])
                for side in "ab":
                    self.assertAlmostEqual(found[side]["score"], expected[side], delta=1e-9)
                    half = (found[side]["high"] - found[side]["low"]) / 2
                    self.assertAlmostEqual(half, expected[side + "_half"], delta=1e-4)  # sacreBLEU adds float32
                self.assertAlmostEqual(found["difference"], expected["b"] - expected["a"], delta=1e-9)


class Command(unittest.TestCase):
    def test_auto_goes_by_the_references(self):
        for language, tokenizer in (("en", "13a"), ("zh", "zh")):
            found = evaluate("--metric", "bleu", "--samples", "2", os.path.join(DATA, language + ".jsonl"))["bleu"]
            self.assertIn("tok:" + tokenizer, found["signature"])
            expected = EXPECTED[language]["bleu --tokenize " + tokenizer]["score"]
            self.assertAlmostEqual(found["score"], expected, delta=1e-9)

    def test_identical_chinese_is_perfect(self):
        rows = [{"hypothesis": "支持七天无理由退货。", "references": "支持七天无理由退货。"}]
        found = evaluate("--metric", "bleu,chrf,rouge1,rouge2,rougeL,rougeLsum", "--jsonl", text=jsonl(rows))
        for metric in ("bleu", "chrf"):
            self.assertAlmostEqual(found[metric]["score"], 100)
        for metric in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
            self.assertEqual(found[metric]["score"], 1)
        self.assertEqual(found["n"], 1)

    def test_times_and_tasks(self):
        rows = [{"ms": i + 1, "completed": i % 4 != 0} for i in range(200)]
        found = evaluate("--metric", "mean,p50,p95,p99,max,completion", "--jsonl", text=jsonl(rows))
        scores = {k: found[k]["score"] for k in found if k != "n"}
        self.assertEqual(scores, {"mean": 100.5, "p50": 100, "p95": 190, "p99": 198, "max": 200, "completion": 0.75})
        for metric in ("mean", "p50", "completion"):
            self.assertTrue(found[metric]["low"] < scores[metric] < found[metric]["high"])
        seconds = [{"s": 0.5}, {"s": 1.5}]
        self.assertEqual(evaluate("--metric", "mean", "--value-key", "s", "--jsonl", text=jsonl(seconds))["mean"]["score"], 1)

    def test_intervals_repeat_and_follow_the_seed(self):
        path = os.path.join(DATA, "en.jsonl")
        one = evaluate("--metric", "chrf", path)
        self.assertEqual(one, evaluate("--metric", "chrf", path))
        other = evaluate("--metric", "chrf", "--seed", "7", path)
        self.assertNotEqual(one["chrf"]["low"], other["chrf"]["low"])
        self.assertEqual(one["chrf"]["score"], other["chrf"]["score"])
        self.assertIn("bs:1000|seed:12345", one["chrf"]["signature"])

    def test_bad_lines_are_named(self):
        cases = [("bleu", b'{"hypothesis":"a"}\n', "references"), ("bleu", b'{"references":["a"]}\n', "hypothesis"),
                 ("bleu", b'{"hypothesis":"a","references":[]}\n', "references"), ("bleu", b"{\n", "line 1"),
                 ("bleu", b'{"hypothesis":"a","references":["b"]}\n[]\n', "line 2"), ("bleu", b"", "no lines"),
                 ("accuracy", b'{"label":"a"}\n', "prediction"), ("ece", b'{"label":"a","prediction":"a"}\n', "ece"),
                 ("auroc", b'{"label":"a","prediction":"a","scores":{"a":"x"}}\n', "scores"),
                 ("auroc", b'{"label":true,"prediction":true,"scores":0.3}\n', "one class"),
                 ("recall@5", b'{"relevant":[],"ranked":["a"]}\n', "relevant"), ("mrr", b'{"ranked":[1.5]}\n', "relevant"),
                 ("p95", b'{"ms":"fast"}\n', "ms"), ("completion", b'{"completed":2}\n', "completion")]
        for metric, text, part in cases:
            with self.subTest(text):
                done = subprocess.run([SHOP, "evaluate", "--metric", metric, "--jsonl"], input=text, capture_output=True)
                self.assertEqual(done.returncode, 1)
                self.assertIn(part, done.stderr.decode())
        for arguments in (["--metric", "bleu"], ["--jsonl"], ["--metric", "bleu", "--compare", "a"],
                          ["--metric", "bleu", "--jsonl", "file"]):
            self.assertIn("try:", evaluate(*arguments, text=b"", code=2))
        self.assertIn("rouge1 to rouge9", evaluate("--metric", "rouge", "--jsonl", text=b"", code=1))
        self.assertIn("cannot be opened", evaluate("--metric", "bleu", "/nonexistent", code=1))

    def test_wordnet_synonyms(self):
        with tempfile.TemporaryDirectory() as folder:
            for pos in ("noun", "verb", "adj", "adv"):
                for name in ("index." + pos, pos + ".exc"):
                    with open(os.path.join(folder, name), "w") as f:
                        f.write("  1 licence text\n" if name[0] == "i" else "")
            with open(os.path.join(folder, "index.noun"), "a") as f:
                f.write("parcel n 2 2 @ ~ 2 1 03890093 00012345  \npackage n 1 1 @ 1 1 03890093  \nbox n 1 0 1 0 00000001  \n")
            rows = jsonl([{"hypothesis": "my parcels came", "references": ["my package came"]}])
            with_synonyms = evaluate("--metric", "meteor", "--wordnet", folder, "--jsonl", text=rows)["meteor"]
            without = evaluate("--metric", "meteor", "--jsonl", text=rows)["meteor"]
            self.assertGreater(with_synonyms["score"], 0.9)
            self.assertLess(without["score"], 0.7)
            self.assertIn("synonym", with_synonyms["signature"])
            with open(os.path.join(folder, "index.verb"), "a") as f:
                f.write("broken\n")
            self.assertIn("line 2", evaluate("--metric", "meteor", "--wordnet", folder, "--jsonl", text=rows, code=1))


if __name__ == "__main__":
    unittest.main()
