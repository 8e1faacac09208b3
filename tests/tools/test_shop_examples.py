"""The example programs of the shop layer: similar_products, intent, faq, recommend.py, shop_desk,
order_callback, assist.py.

usage: test_shop_examples.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import os
import shutil
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

    made = None  # the demo shop's store: made once, each test has a copy

    def demo_store(self):
        if not Examples.made:
            Examples.made = tempfile.TemporaryDirectory()
            self.said("sh", os.path.join(SHOP, "import.sh"), os.path.join(Examples.made.name, "shop.db"),
                      env={**os.environ, "BUILD": os.path.dirname(BIN)})
        shutil.copytree(Examples.made.name, self.folder, dirs_exist_ok=True)
        return os.path.join(self.folder, "shop.db")

    @classmethod
    def tearDownClass(cls):
        if cls.made:
            cls.made.cleanup()

    def test_shop_desk(self):
        store = self.demo_store()
        lines = ["web-1 c001 Where is PL26111334?", "web-2 c002 取消PL26111606", "web-3 - How much is shipping?", "web-2 c002 是的",
                 "web-1 c001 Status of PL26061908?"]
        found = self.program("shop_desk", "--threads", "2", store, input="\n".join(lines) + "\n")
        said = {n: [x for x in found.splitlines() if x.startswith("web-%d > " % n)] for n in (1, 2, 3)}
        self.assertEqual([len(said[n]) for n in (1, 2, 3)], [2, 2, 1], found)
        self.assertIn("on its way", said[1][0])
        self.assertNotIn("delivered", said[1][1])  # somebody else's order
        self.assertIn("PL26111606", said[2][0])
        self.assertIn("cancel_order PL26111606 DONE", found)
        self.assertIn("entry shipping-fee", found)
        wrong = run(os.path.join(BIN, "shop_desk"), store, input="one-word\n")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("CONVERSATION CUSTOMER TEXT", wrong.stderr)

    def test_assist(self):
        found = self.said(sys.executable, os.path.join(ROOT, "examples", "assist.py"), self.demo_store(), env={**os.environ, "BUILD": os.path.dirname(BIN)})
        first, second = found.split("web-2, suggestions:")
        self.assertIn("waits for a person: wanted", first)
        self.assertIn("1. entry", first)
        self.assertIn("repair version 1", first)
        self.assertNotIn(" past ", first)  # nobody has answered anything yet
        self.assertIn(" past ", second)
        self.assertIn("sent: ", second)
        self.assertIn("web-1 2  agent-7:", second)

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
