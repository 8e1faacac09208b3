"""llmcs-shop train-classifier and classify: both languages, out of scope, refused rows, JSON Lines, an encoder's folder.

usage: test_shop_classifier.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BIN, GOLDEN, MODELS  # noqa: E402

SHOP = os.path.join(BIN, "llmcs-shop")
FRAMES = {
    "track_order": ["where is my %s", "when will the %s arrive", "我的%s到哪了", "%s发货了吗"],
    "refund": ["refund the %s", "i want my money back for the %s", "%s我要退款", "把%s的钱退给我"],
    "invoice": ["send the invoice of the %s", "i need an invoice for the %s", "%s的发票怎么开", "开%s的发票"],
}
THINGS = ["kettle", "lamp", "coat", "水壶", "台灯", "外套"]
OUTSIDE = ["what is the capital of france", "sing a song", "今天天气怎么样", "讲个笑话", "who won the game", "谁写了红楼梦"]
ROWS = [{"message": frame % thing, "intent": label, "id": 7} for label, frames in FRAMES.items() for frame in frames
        for thing in THINGS]
OOS_ROWS = [{"message": text, "intent": "oos"} for text in OUTSIDE]
FIELDS = ("--text-field", "message", "--label-field", "intent", "--threads", "1")


def shop(*arguments, text=""):
    done = subprocess.run([SHOP, *arguments], input=text.encode(), capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Classifier(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.head = os.path.join(self.folder, "intent.head")

    def train(self, rows, *options, code=0):
        path = os.path.join(self.folder, "train.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            for row in rows:
                f.write((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n")
        found, out, err = shop("train-classifier", path, self.head, *FIELDS, *options)
        self.assertEqual(found, code, err)
        return out, err

    def classify(self, lines, *options, code=0):
        text = "".join((x if isinstance(x, str) else json.dumps(x, ensure_ascii=False)) + "\n" for x in lines)
        found, out, err = shop("classify", self.head, "--jsonl", "--threads", "1", *options, text=text)
        self.assertEqual(found, code, err)
        return [json.loads(line) for line in out.splitlines()]

    def test_answers_have_the_fields_that_scripts_read(self):
        out, _ = self.train(ROWS + OOS_ROWS, "--oos-label", "oos")
        for figure in ("accuracy", "macro-F1", "calibration error", "AUROC"):
            self.assertIn(figure, out)
        english, chinese, outside = self.classify(
            [{"text": "Refund the coat!", "id": 1}, {"text": "请问自行车的发票怎么开"}, {"text": "唱首歌 sing a song"}])
        self.assertEqual((english["label"], english["id"]), ("refund", 1))
        self.assertEqual(chinese["label"], "invoice")
        self.assertEqual(list(english["scores"])[0], "refund")
        self.assertAlmostEqual(sum(english["scores"].values()), 1, places=5)
        self.assertEqual(english["score"], english["scores"]["refund"])
        self.assertIs(english["accepted"], True)
        self.assertLess(english["out_of_scope"], 0.5)
        self.assertGreater(outside["out_of_scope"], 0.5)
        self.assertIs(outside["accepted"], False)
        for text, answer in (("Refund the coat!", english), ("请问自行车的发票怎么开", chinese)):
            self.assertTrue(answer["reason"]["ngrams"])
            for ngram in answer["reason"]["ngrams"]:
                self.assertEqual(text.encode()[ngram["begin"]:ngram["end"]].decode(), ngram["text"])
            self.assertIn(answer["reason"]["example"], [r["message"] for r in ROWS])

    def test_batches_and_bad_lines(self):
        self.train(ROWS)
        lines = [{"text": r["message"]} for r in ROWS[:9]] + ["{", {"text": 5}, {"txt": "a"}, {"text": ""}]
        one = self.classify(lines, code=1)
        many = self.classify(lines, "--batch", "5", code=1)
        self.assertEqual(one, many)
        self.assertEqual([("error" in a) for a in one], [False] * 9 + [True] * 3 + [False])
        self.assertEqual(one[9]["error"]["line"], 10)

    def test_same_rows_same_bytes_and_no_examples(self):
        self.train(ROWS, "--no-examples")
        with open(self.head, "rb") as f:
            first = f.read()
        self.train(ROWS, "--no-examples", "--threads", "3")
        with open(self.head, "rb") as f:
            self.assertEqual(f.read(), first)
        self.assertNotIn("send the invoice of the kettle".encode(), first)
        self.assertNotIn("example", self.classify([{"text": "refund"}])[0]["reason"])

    def test_bad_rows_are_named_and_the_rest_is_used(self):
        bad = ["{not json", {"message": "no label"}, {"intent": "refund"}, {"message": 3, "intent": "refund"}, "[1]"]
        _, err = self.train(ROWS[:10] + bad + ROWS[10:], code=1)
        for line in range(11, 16):
            self.assertIn("line %d:" % line, err)
        self.assertIn("5 rows were left out", err)
        self.assertEqual(self.classify([{"text": "refund the lamp"}])[0]["label"], "refund")

    def test_failures_leave_the_last_good_file(self):
        self.train(ROWS)
        with open(self.head, "rb") as f:
            good = f.read()
        self.train(["nothing"], code=1)
        self.train(ROWS[:24], code=1)  # one class
        with open(self.head, "rb") as f:
            self.assertEqual(f.read(), good)
        with open(self.head, "wb") as f:
            f.write(good[:-100])
        code, _, err = shop("classify", self.head, "hello")
        self.assertEqual(code, 1)
        self.assertIn("damaged", err)

    def test_texts_for_people(self):
        self.train(ROWS)
        code, out, _ = shop("classify", self.head, "where is my coat", "开灯的发票")
        self.assertEqual(code, 0)
        self.assertRegex(out.splitlines()[0], r"^track_order .*accepted  because of")
        self.assertRegex(out.splitlines()[1], r"^invoice ")

    def test_the_encoders_folder_is_remembered_and_another_is_refused(self):
        encoder = os.path.join(self.folder, "encoder")
        shutil.copytree(os.path.join(MODELS, "review-bert"), encoder) if os.path.isdir(
            os.path.join(MODELS, "review-bert")) else shutil.copytree(os.path.join(MODELS, "shop-encoder"), encoder)
        self.train(ROWS[::3], "--encoder", encoder, "--l2", "0.1", "--folds", "2")
        here = self.classify([{"text": "refund the lamp"}])
        named = self.classify([{"text": "refund the lamp"}], "--encoder", encoder)
        self.assertEqual(here, named)
        self.assertEqual(here[0]["label"], "refund")
        code, _, err = shop("classify", self.head, "--encoder", os.path.join(GOLDEN, "bert-embed"), "hello")
        self.assertEqual(code, 1)
        self.assertIn("not the one used in training", err)
        self.train(ROWS[::3], "--encoder", encoder, "--l2", "0.1", "--folds", "2", "--remember", "encoder")
        self.assertEqual(self.classify([{"text": "refund the lamp"}]), here)  # next to the head
        with open(self.head, "rb") as f:
            self.assertNotIn(self.folder.encode(), f.read())
        os.rename(encoder, encoder + "-gone")
        code, _, err = shop("classify", self.head, "hello")
        self.assertEqual(code, 1)
        self.assertIn(encoder, err)


if __name__ == "__main__":
    unittest.main()
