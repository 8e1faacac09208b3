"""llmcs-shop mask, unmask and train-tagger: JSON Lines, plain lines, a store, bad requests; Guard and Names of Python."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools", "python"))
import cli  # noqa: E402

SHOP = os.path.join(cli.BIN, "llmcs-shop")


def shop(*arguments, text="", code=0):
    done = subprocess.run([SHOP, *arguments], input=text.encode(), capture_output=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() if code != 2 else done.stderr.decode()


def ask(*arguments, requests, code=0):
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
    return [json.loads(line) for line in shop(*arguments, "--jsonl", text=lines, code=code).splitlines()]


class Mask(unittest.TestCase):
    def test_lines_of_json(self):
        text = "我叫王小明，电话138-0013-8000"
        answer, = ask("mask", "--tagger", "none", requests=[{"text": text, "lang": "zh", "id": 7}])
        self.assertEqual(answer, {"id": 7, "masked": "我叫<NAME_1>，电话<PHONE_1>", "spans": [
            {"kind": "NAME", "begin": 6, "end": 15}, {"kind": "PHONE", "begin": 24, "end": 37}]})
        for span, value in zip(answer["spans"], ("王小明", "138-0013-8000")):
            self.assertEqual(text.encode()[span["begin"]:span["end"]].decode(), value)

    def test_conversations_share_names(self):
        a, b, c, d = ask("mask", "--names", "--explain", "--tagger", "none", requests=[
            {"text": "13800138000", "conversation": "x"}, {"text": "13900139000 13800138000", "conversation": "x"},
            {"text": "13900139000", "conversation": "y"}, {"text": "13900139000"}])
        self.assertEqual(b["masked"], "<PHONE_2> <PHONE_1>")
        self.assertEqual(b["names"], {"PHONE_1": "13800138000", "PHONE_2": "13900139000"})
        self.assertEqual([c["masked"], d["masked"]], ["<PHONE_1>"] * 2)
        self.assertEqual(a["spans"][0]["rule"], "mobile")
        back, = ask("unmask", requests=[{"text": "call <PHONE_2> or <PHONE_3>", "names": b["names"]}])
        self.assertEqual(back["unmasked"], "call 13900139000 or <PHONE_3>")

    def test_a_store_keeps_names(self):
        with tempfile.TemporaryDirectory() as folder:
            store = os.path.join(folder, "s.db")
            shop("init", store, "--order-pattern", "PL[0-9]{8}")
            self.assertEqual(shop("mask", store, text="PL26061908 13800138000\n你好\n"), "<ORDER_1> <PHONE_1>\n你好\n")
            self.assertEqual(shop("unmask", store, text="<PHONE_1>, <ORDER_1> <NAME_1>\n"), "13800138000, PL26061908 <NAME_1>\n")
            request = {"text": "15900159000", "customer": "c9", "conversation": "t"}
            self.assertEqual(ask("mask", store, requests=[request])[0]["masked"], "<PHONE_1>")
            mine, other = ask("unmask", store, requests=[dict(request, text="<PHONE_1>"), {"text": "<PHONE_1>"}])
            self.assertEqual((mine["unmasked"], other["unmasked"]), ("15900159000", "13800138000"))
            with open(store, "rb") as f:
                self.assertNotIn(b"13800138000", f.read())
            self.assertIn("order_pattern", subprocess.run([SHOP, "init", store, "--order-pattern", "PL["], capture_output=True).stderr.decode())

    def test_bad_requests(self):
        bad = [{}, {"text": 5}, {"text": "x", "name": "y"}, {"text": "x", "conversation": 3}]
        for answer in ask("mask", requests=bad, code=1):
            self.assertEqual(answer["error"]["status"], "ARG")
        bad = [{"text": "x"}, {"text": "x", "names": []}, {"text": "x", "names": {"PHONE": "1"}}, {"text": "x", "names": {"PHONE_1": 1}}]
        for answer in ask("unmask", requests=bad, code=1):
            self.assertEqual(answer["error"]["status"], "ARG")
        self.assertIn("STORE", shop("unmask", code=2))
        shop("mask", "--order-pattern", "(", code=1)
        shop("mask", "--tagger", "/nonexistent", code=1)

    def test_a_tagger_is_trained(self):
        with tempfile.TemporaryDirectory() as folder:
            rows, out = os.path.join(folder, "rows"), os.path.join(folder, "t")
            with open(rows, "w", encoding="utf-8") as f:
                for name in ("王小明", "李大伟", "张雅琴", "刘强东") * 8:
                    f.write(json.dumps({"text": "昨天%s去玩" % name, "spans": [{"begin": 6, "end": 15, "label": "NAME"}]}) + "\n")
            self.assertIn("32 rows", shop("train-tagger", rows, out, "--epochs", "6"))
            answer, = ask("mask", "--tagger", out, requests=[{"text": "昨天陈大明去玩"}])
            self.assertEqual(answer["masked"], "昨天<NAME_1>去玩")
            with open(rows, "a", encoding="utf-8") as f:
                f.write('{"text":"abc","spans":[{"begin":0,"end":9,"label":"NAME"}]}\n')
            shop("train-tagger", rows, out, code=1)

    def test_python(self):
        import llmcs_shop

        guard, names = llmcs_shop.Guard(order_pattern="PL[0-9]{8}"), llmcs_shop.Names()
        masked = guard.mask("PL26061908 给13800138000，<PHONE_1>", names)
        self.assertEqual(masked.text, "<ORDER_1> 给<PHONE_1>，<TEXT_1>")
        self.assertEqual([(s.kind, s.begin, s.end) for s in masked.spans], [("ORDER", 0, 10), ("PHONE", 14, 25)])
        self.assertEqual(names.unmask(masked.text), "PL26061908 给13800138000，<PHONE_1>")
        self.assertEqual(names.values()["TEXT_1"], "<PHONE_1>")
        self.assertEqual(guard.mask("PL26061908 13800138000", kinds=["PHONE"]).text, "PL26061908 <PHONE_1>")
        with self.assertRaises(ValueError):
            guard.mask("x", kinds=["FOO"])
        with tempfile.TemporaryDirectory() as folder:
            with llmcs_shop.Shop(os.path.join(folder, "s.db"), create=True) as store:
                kept = llmcs_shop.Names(store, "c1", "t")
                guard.mask("13800138000", kept)
                kept.close()
                self.assertEqual(llmcs_shop.Names(store, "c1", "t").values(), {"PHONE_1": "13800138000"})
            out = os.path.join(folder, "t")
            llmcs_shop.train_tagger(out, ["昨天王小明去玩"] * 20, [[(2, 5, "NAME")]] * 20, n_epochs=4)
            self.assertEqual(llmcs_shop.Guard(tagger=out).mask("昨天王小明去玩").text, "昨天<NAME_1>去玩")


if __name__ == "__main__":
    unittest.main()
