"""llmcs-shop assist on the demo shop's entries: suggestions, their outcomes, rewriting."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import cli  # noqa: E402

SHOP = os.path.join(cli.BIN, "llmcs-shop")
DATA = os.path.join(cli.ROOT, "examples", "shop")


def shop(*arguments, text=None, code=0):
    done = subprocess.run([SHOP, *arguments], input=text, capture_output=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() if code != 2 else done.stderr.decode()


class Assist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = os.path.join(cls.folder.name, "shop.db")
        shop("init", cls.store)
        for lang in ("en", "zh"):
            shop("import-faq", cls.store, os.path.join(DATA, "faq.%s.jsonl" % lang))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def lines(self, *requests, code=0):
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests).encode()
        return [json.loads(line) for line in shop("assist", self.store, "--jsonl", text=text, code=code).splitlines()]

    def test_suggestions_in_both_languages(self):
        for text, lang in (("How do I place an order?", "en"), ("怎么下单", "zh")):
            answer, = self.lines({"conversation": "web-" + lang, "text": text, "id": 7})
            self.assertEqual((answer["id"], answer["lang"], answer["question"]), (7, lang, text))
            offered = answer["suggestions"]
            self.assertEqual(len({s["text"] for s in offered}), 3)
            self.assertEqual((offered[0]["kind"], offered[0]["citations"][0]["id"]), ("entry", "order-place"))
            self.assertEqual(offered[0]["verdict"], "ALLOW")
            self.assertLess(offered[0]["ms"], 300)

    def test_accepted_replies_come_back(self):
        question = {"conversation": "web-1", "text": "the blue dye of my scarf washed out", "actor": "eva"}
        offered = self.lines(question)[0]["suggestions"]
        decided = [{"suggestion": offered[0]["id"], "outcome": "edited", "sent": "Sorry about the dye! Wash it cold, at 30 degrees."},
                   {"suggestion": offered[1]["id"], "outcome": "rejected"}]
        self.assertEqual([a["outcome"] for a in self.lines(*decided)], ["edited", "rejected"])
        again = self.lines(dict(question, conversation="web-2", text="my scarf's blue dye washed out!"))[0]["suggestions"]
        past = [s for s in again if s["kind"] == "past"]
        self.assertEqual([s["text"] for s in past], [decided[0]["sent"]])
        said = shop("assist", self.store, "web-3", "--text", question["text"])
        self.assertIn("past", said)
        self.assertIn("Wash it cold", said)

    def test_rewriting(self):
        polite, short = self.lines({"rewrite": "politer", "text": "你必须在7天内寄回。"},
                                   {"rewrite": "shorter", "text": "Please note that it costs $5. Have a nice day!"})
        self.assertEqual(polite["text"], "您好，请您在7天内寄回。如有其他问题，请随时告诉我们。")
        self.assertEqual((short["text"], short["changed"], short["by_model"]), ("It costs $5.", True, False))
        self.assertEqual(shop("assist", self.store, "--rewrite", "shorter", "In order to pay, really wait 3 days."), "To pay, wait 3 days.\n")

    def test_bad_requests_are_named(self):
        bad = [({}, "conversation"), ({"conversation": "nobody"}, "no message"), ({"conversation": "a", "text": "b", "k": 9}, "k"),
               ({"suggestion": "x"}, "outcome"), ({"suggestion": "x", "outcome": "lost"}, "outcome"),
               ({"suggestion": "x", "outcome": "accepted"}, "does not exist"), ({"rewrite": "ruder", "text": "a"}, "rewrite"),
               ({"rewrite": "politer"}, "text"), ({"conversation": "a", "colour": 1}, "colour")]
        for (request, word), answer in zip(bad, self.lines(*(b for b, _ in bad), code=1)):
            self.assertIn(word, answer["error"]["message"], request)
        self.assertIn("expected a conversation", shop("assist", self.store, code=2))


if __name__ == "__main__":
    unittest.main()
