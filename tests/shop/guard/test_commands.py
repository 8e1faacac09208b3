"""llmcs-shop check, audit, forget, retention; the functional cases of tools/eval/moderation.py."""
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


def shop(*arguments, text="", code=0):
    done = subprocess.run([SHOP, *arguments], input=text.encode(), capture_output=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() + done.stderr.decode()


def check(*requests, options=(), code=0):
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
    return [json.loads(line) for line in shop("check", "--jsonl", *options, text=lines, code=code).splitlines()]


class Check(unittest.TestCase):
    def test_lines_of_json(self):
        fine, insult, reply, danger = check(
            {"text": "Where is my parcel?"}, {"text": "好的，你是白痴吗"}, {"text": "you idiot", "direction": "OUT"},
            {"id": 7, "text": "我不想活了"})
        self.assertEqual(fine, {"action": "ALLOW", "label": "safe", "score": 1.0, "reasons": []})
        self.assertEqual((insult["action"], insult["label"], insult["score"]), ("WARN", "insult", 0.6))
        reason = insult["reasons"][0]
        self.assertEqual("好的，你是白痴吗".encode()[reason["begin"]:reason["end"]].decode(), "白痴")
        self.assertEqual((reason["layer"], reason["rule"], reason["action"]), ("words", "insult", "WARN"))
        self.assertEqual(reply["action"], "BLOCK")
        self.assertEqual((danger["id"], danger["action"], danger["label"]), (7, "HANDOVER", "self-harm"))

    def test_wrong_lines_are_named(self):
        answers = check({"text": "a", "direction": "up"}, {"txt": "a"}, {"text": 5}, {"text": "ok"}, code=1)
        self.assertIn("direction", answers[0]["error"]["message"])
        self.assertIn("txt", answers[1]["error"]["message"])
        self.assertIn("error", answers[2])
        self.assertEqual(answers[3]["action"], "ALLOW")

    def test_an_own_list_and_an_own_classifier(self):
        with tempfile.TemporaryDirectory() as folder:
            words, rows, head = (os.path.join(folder, n) for n in ("words", "rows.jsonl", "head"))
            with open(words, "w") as f:
                f.write("llmcs-words 1\n[rival warn 0.3]\nHarbour Mart\n")
            self.assertEqual(check({"text": "harbour mart is cheaper, shit"}, options=["--words", words])[0]["label"], "rival")
            demo = os.path.join(cli.ROOT, "examples", "shop", "words.txt")
            answers = check({"text": "a lifetime guarantee"}, {"text": "shit"}, options=["--words", demo])
            self.assertEqual([a["label"] for a in answers], ["promise", "profanity"])
            with open(rows, "w") as f:
                for i in range(40):
                    f.write(json.dumps({"text": "lovely lamp number %d" % i, "label": "safe"}) + "\n")
                    f.write(json.dumps({"text": "crush their skulls %d" % i, "label": "cruel"}) + "\n")
            shop("train-classifier", rows, head)
            answer = check({"text": "crush their skulls"}, options=["--moderation", head, "--warn-score", "0.7"])[0]
            self.assertEqual(answer["label"], "cruel")
            self.assertEqual(answer["reasons"][0]["layer"], "classifier")
            self.assertGreater(answer["unsafe"], 0.7)
        self.assertIn("nothing.words", shop("check", "--words", "nothing.words", text="a\n", code=1))

    def test_lines_for_a_person(self):
        out = shop("check", text="hello\nyou are an idiot\n")
        self.assertRegex(out, r"ALLOW +safe")
        self.assertRegex(out, r"WARN +insult +0.60 +insult: you are an idiot")

    def test_functional_cases(self):
        """Every function of both languages has at least half of its cases right, all together 95 %."""
        done = subprocess.run([sys.executable, os.path.join(cli.ROOT, "tools", "eval", "moderation.py"), "--only", "cases"],
                              capture_output=True, text=True, timeout=300,
                              env={**os.environ, "LLMCS_LIBRARY": os.path.join(os.path.dirname(cli.BIN), "lib", "libllmcs.so")})
        self.assertEqual(done.returncode, 0, done.stderr)
        functions = re.findall(r"^cases (..): (.*?) +(\d+) of +(\d+)$", done.stdout, re.M)
        self.assertGreater(len(functions), 45)
        for lang, name, right, n in functions:
            self.assertGreaterEqual(int(right) * 2, int(n), (lang, name))
        for lang in ("en", "zh"):
            self.assertGreaterEqual(float(re.search(r"cases %s: all .*, (\S+)" % lang, done.stdout).group(1)), 0.95)


class Records(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = os.path.join(self.folder.name, "shop.db")
        shop("init", self.store)
        rows = os.path.join(self.folder.name, "customers.jsonl")
        with open(rows, "w") as f:
            for i in range(3):
                f.write('{"id":"c%d","name":"Canary %d"}\n' % (i, i))
        shop("import-customers", self.store, rows)
        os.remove(rows)

    def tearDown(self):
        self.folder.cleanup()

    def test_forget_is_in_the_audit_which_finds_tampering(self):
        out = shop("forget", self.store, "c0", "c1", "nobody", "--actor", "anna")
        self.assertIn("c0: customers: 1 deleted", out)
        self.assertIn("nobody: nothing was in the store", out)
        for name in os.listdir(self.folder.name):
            with open(os.path.join(self.folder.name, name), "rb") as f:
                data = f.read()
            self.assertNotIn(b"Canary 0", data)
        rows = shop("audit", self.store, "list").splitlines()
        self.assertEqual(len(rows), 2)
        fields = rows[0].split("\t")
        self.assertEqual((fields[0], fields[2], fields[3], fields[4]), ("1", "supervisor", "anna", "forget"))
        self.assertTrue(fields[5].startswith("forgotten:"))
        self.assertEqual(json.loads(fields[6]), {"customers deleted": 1})
        out = shop("audit", self.store)
        self.assertIn("intact", out)
        head = re.search(r"head (\S+)", out).group(1)
        key = re.search(r"public key (\S+)", out).group(1)
        self.assertIn("intact", shop("audit", self.store, "verify", "--head", head, "--public-key", key))
        self.assertIn("expected ROW:HASH", shop("audit", self.store, "verify", "--head", "x", code=1))
        self.assertIn("expected list or verify", shop("audit", self.store, "both", code=2))
        with sqlite3.connect(self.store) as db:
            db.execute("UPDATE audit SET actor = 'bob' WHERE seq = 1")
        self.assertIn("NOT INTACT: row 1 or one before it was changed", shop("audit", self.store, "verify", code=1))

    def test_the_key_file_is_private_and_needed(self):
        shop("forget", self.store, "c2")
        key = self.store + ".key"
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        os.rename(key, key + ".away")
        self.assertIn("proves less", shop("audit", self.store))
        self.assertIn("restore it from a backup", shop("forget", self.store, "c1", code=1))

    def test_retention(self):
        self.assertRegex(shop("retention", self.store), r"events +for ever")
        shop("retention", self.store, "--set", "events=30", "--set", "audit=365")
        out = shop("retention", self.store)
        self.assertRegex(out, r"events +30 days")
        self.assertRegex(out, r"audit +365 days")
        self.assertIn("nothing was in the store", shop("retention", self.store, "--apply"))
        self.assertIn("cannot have a retention", shop("retention", self.store, "--set", "products=3", code=1))
        self.assertIn("TABLE=DAYS", shop("retention", self.store, "--set", "events", code=1))


if __name__ == "__main__":
    unittest.main()
