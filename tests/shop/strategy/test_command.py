"""llmcs-shop strategy: decisions and rewards by JSON Lines, evaluation of a store's log and of a file."""
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import cli  # noqa: E402

SHOP = os.path.join(cli.BIN, "llmcs-shop")


def shop(*arguments, text=None, code=0):
    done = subprocess.run([SHOP, *arguments], input=text, capture_output=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() if code != 2 else done.stderr.decode()


class Strategy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = os.path.join(cls.folder.name, "shop.db")
        shop("init", cls.store)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def lines(self, *requests, code=0, options=()):
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests).encode()
        return [json.loads(line) for line in shop("strategy", self.store, "--jsonl", *options, text=text, code=code).splitlines()]

    def test_decide_reward_evaluate(self):
        decisions = [{"strategy": "开场白", "decision": "t%d" % i, "candidates": ["道歉", {"id": "explain", "text": "explain"}],
                      "context": "zh", "id": i} for i in range(40)]
        first = self.lines(*decisions)
        for i, answer in enumerate(first):
            self.assertEqual(answer["id"], i)
            self.assertIn(answer["candidate"], ("道歉", "explain"))
            self.assertAlmostEqual(sum(answer["propensities"].values()), 1, places=6)
            self.assertAlmostEqual(answer["propensities"][answer["candidate"]], answer["propensity"], places=9)
        again = self.lines(*decisions)
        self.assertEqual([a["candidate"] for a in again], [a["candidate"] for a in first])
        self.assertTrue(all(a["repeated"] for a in again))
        self.lines(*({"strategy": "开场白", "decision": "t%d" % i, "reward": float(a["candidate"] == "道歉")}
                     for i, a in enumerate(first)))
        result = json.loads(shop("strategy", self.store, "--evaluate", "开场白", "--candidate", "道歉"))
        self.assertEqual(result["n"], 40)
        self.assertGreater(result["snips"]["value"], 0.99)
        self.assertLess(result["log"]["value"], 0.9)
        learnt = self.lines({"strategy": "开场白", "decision": "later", "candidates": ["道歉", "explain"], "context": "zh"})
        self.assertGreater(learnt[0]["propensities"]["道歉"], 0.9)

    def test_a_log_file(self):
        seed = random.Random(3)
        with open(os.path.join(self.folder.name, "log.jsonl"), "w") as f:
            for _ in range(500):
                action = int(seed.random() < 0.3)
                f.write(json.dumps({"context": "x", "action": action, "propensity": 0.3 if action else 0.7,
                                    "reward": float(seed.random() < (0.8 if action else 0.2)), "target": [0, 1]}) + "\n")
        result = json.loads(shop("strategy", f.name, "--log"))
        self.assertEqual(result["n"], 500)
        for name in ("ips", "snips", "dr"):
            self.assertLess(result[name]["low"], 0.8)
            self.assertGreater(result[name]["high"], 0.75)
            self.assertGreater(result[name]["low"], result["log"]["high"])

    def test_bad_requests_are_named(self):
        bad = [({}, "strategy"), ({"strategy": "s"}, "decision"), ({"strategy": "s", "decision": "d"}, "candidates"),
               ({"strategy": "s", "decision": "d", "candidates": []}, "candidates"),
               ({"strategy": "s", "decision": "d", "candidates": [1]}, "candidates"),
               ({"strategy": "s", "decision": "d", "candidates": ["a", "a"]}, "twice"),
               ({"strategy": "s", "decision": "d", "reward": "x"}, "reward"),
               ({"strategy": "s", "decision": "d", "reward": 1}, "no decision"),
               ({"strategy": "s", "decision": "d", "candidates": ["a"], "colour": 1}, "colour")]
        for (request, word), answer in zip(bad, self.lines(*(b for b, _ in bad), code=1)):
            self.assertIn(word, answer["error"]["message"], request)

    def test_bad_logs_are_named(self):
        rows = [('{"action":0}', "target"), ('{"target":[1],"action":"x"}', "action"), ("[]", "JSON object"),
                ('{"target":[1],"action":0,"propensity":1}', "reward"), ('{"target":["a"],"action":0,"propensity":1,"reward":1}', "target")]
        for row, word in rows:
            path = os.path.join(self.folder.name, "bad.jsonl")
            with open(path, "w") as f:
                f.write(row + "\n")
            done = subprocess.run([SHOP, "strategy", path, "--log"], capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("line 1", done.stderr.decode())
            self.assertIn(word, done.stderr.decode())
        self.assertIn("expected one of", shop("strategy", self.store, code=2))


if __name__ == "__main__":
    unittest.main()
