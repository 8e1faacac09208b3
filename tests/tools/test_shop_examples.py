"""The example programs of the shop layer: similar_products, intent, faq, recommend.py, shop_desk,
order_callback.

usage: test_shop_examples.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BIN = os.path.abspath(os.path.join(ROOT, os.environ.get("LLMCS_BIN", "build/bin")))
SHOP = os.path.join(ROOT, "examples", "shop")
ENCODER = os.path.join(ROOT, "examples", "models", "shop-encoder")


def run(*command, **more):
    return subprocess.run(list(command), cwd=ROOT, capture_output=True, text=True, timeout=300, **more)


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def said(self, *command, **more):
        done = run(*command, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def program(self, name, *arguments, **more):
        return self.said(os.path.join(BIN, name), *arguments, **more)

    def test_similar_products(self):
        titles = ["Wool Scarf, grey", "Desk Lamp, black", "羊毛围巾 灰色", "Frying Pan, 24 cm", "Mug", "Teapot, 1 l"]
        found = self.program("similar_products", "--model", ENCODER, "Desk Lamp, black", "羊毛围巾 灰色", input="\n".join(titles) + "\n")
        blocks = found.splitlines()
        self.assertEqual(len(blocks), 12)
        self.assertEqual(blocks[1], "  1.00  Desk Lamp, black")  # nothing is nearer than the text itself
        self.assertEqual(blocks[7], "  1.00  羊毛围巾 灰色")

    def test_intent(self):
        head = os.path.join(self.folder, "intents.classifier")
        rows = os.path.join(self.folder, "rows.jsonl")
        with open(os.path.join(SHOP, "intents.en.jsonl"), encoding="utf-8") as f, open(rows, "w", encoding="utf-8") as out:
            out.writelines(line for line in f if any('"%s"' % label in line for label in ("track_order", "damaged_item", "oos")))
        self.program("llmcs-shop", "train-classifier", rows, head, "--label-field", "label", "--oos-label", "oos")
        found = self.program("intent", "--encoder", ENCODER, "--head", head, "Where is my parcel", "who won the football match?")
        lines = found.splitlines()
        self.assertTrue(lines[1].startswith("  track_order, "), found)
        self.assertTrue(lines[3].startswith("  not sure"), found)

    def test_intent_of_the_shipped_head(self):
        lines = self.program("intent", "where is my parcel", "我要退货", "who won the football match?").splitlines()
        self.assertTrue(lines[1].startswith("  track_order, "), lines)
        self.assertTrue(lines[3].startswith("  return_item, "), lines)
        self.assertTrue(lines[5].startswith("  not sure"), lines)

    def test_faq(self):
        store = os.path.join(self.folder, "shop.db")
        self.program("llmcs-shop", "init", store)
        self.program("llmcs-shop", "import-faq", store, os.path.join(SHOP, "faq.en.jsonl"))
        self.program("llmcs-shop", "init", store, "--encoder", ENCODER)
        self.program("llmcs-shop", "update-vectors", store)
        found = self.program("faq", "--encoder", ENCODER, store, "How do I reset my password?", "zzzz qqqq")
        self.assertIn("password version 1", found)
        self.assertIn("zzzz qqqq\n  (no answer)\n  NONE", found)

    def test_recommend(self):
        found = self.said(sys.executable, os.path.join(ROOT, "examples", "recommend.py"), "--encoder", ENCODER, "-k", "2",
                          "--customer", "c001", "--item", "P1009", env={**os.environ, "BUILD": os.path.dirname(BIN)})
        lines = found.splitlines()
        self.assertEqual((len(lines), lines[0], lines[5]), (10, "customer c001", "item P1009"))

    def test_order_callback(self):
        store = os.path.join(self.folder, "orders.db")
        found = self.program("order_callback", store)
        said = [x[6:] for x in found.splitlines() if x.startswith("desk: ")]
        self.assertEqual(len(said), 10, found)
        self.assertIn("shipped", said[0])
        self.assertIn("cannot be cancelled", said[1])
        self.assertIn("[cancel A2: DONE]", found)
        self.assertIn("cancelled", said[4])
        self.assertIn("[cancel A3: FAILED]", found)
        self.assertIn("was not cancelled", said[6])
        self.assertIn("[cancel A4: UNKNOWN]", found)
        self.assertNotIn("A4 is cancelled", said[8])
        self.assertNotIn("paid", said[9])  # somebody else's order

    def test_wrong_usage(self):
        for name in ("similar_products", "intent", "faq"):
            program = os.path.join(BIN, name)
            self.assertIn("usage: " + name, self.program(name, "--help"))
            wrong = run(program, "--no-such-option", stdin=subprocess.DEVNULL)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("--no-such-option", wrong.stderr)
            option = "--model" if name == "similar_products" else "--encoder"
            missing = run(program, option, "no-such-folder", "a", stdin=subprocess.DEVNULL)
            self.assertEqual(missing.returncode, 1)
            self.assertIn("no-such-folder", missing.stderr)


if __name__ == "__main__":
    unittest.main()
