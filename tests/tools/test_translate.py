"""llmcs translate and Model.translate on tiny models (tests/data/translation): translations are Transformers', in
every form; what is missing or wrong is named.

usage: test_translate.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import GPT2, ROOT, ask, run, run_any  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import llmcs  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data")


class Translate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Folders with the model's files and the tokenizer's."""
        cls.temp = tempfile.TemporaryDirectory()
        cls.folders = {}
        for name in ("mbart", "mbart50", "marian"):
            folder = cls.folders[name] = os.path.join(cls.temp.name, name)
            os.mkdir(folder)
            for part in ("translation", "sentencepiece"):
                for file in os.listdir(os.path.join(DATA, part, name)):
                    os.symlink(os.path.join(DATA, part, name, file), os.path.join(folder, file))
        with open(os.path.join(DATA, "translation", "cases.jsonl"), encoding="utf-8") as f:
            cls.cases = [json.loads(line) for line in f]

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def cases_of(self, name):
        found = [c for c in self.cases if c["model"] == name]
        self.assertGreaterEqual(len(found), 40)
        return found

    def check_lines(self, name):
        cases = self.cases_of(name)
        requests = [dict(c["params"], text=c["text"], **{k: c[k] for k in ("from", "to") if c[k]}) for c in cases]
        for c, a in zip(cases, ask("translate", self.folders[name], requests)):
            self.assertEqual((a.get("translations"), a.get("sequences")), (c["translations"], c["sequences"]), (c, a))
        # The same through generate, where the source is the prompt.
        prompts = [dict({k: v for k, v in r.items() if k != "text"}, prompt=r["text"]) for r in requests[:8]]
        for c, a in zip(cases, ask("generate", self.folders[name], prompts)):
            self.assertEqual((a["texts"], a["sequences"]), (c["translations"], c["sequences"]), c)

    def test_mbart(self):
        self.check_lines("mbart")

    def test_mbart50(self):
        self.check_lines("mbart50")

    def test_marian(self):
        self.check_lines("marian")

    def plain_cases(self, name, source, target):
        return [c for c in self.cases_of(name) if not c["params"] and (c["from"], c["to"]) == (source, target)]

    def test_text_in_text_out(self):
        for name, source, target in (("mbart", "en_XX", "ro_RO"), ("mbart50", None, "ro_RO"), ("marian", None, "deu")):
            cases = self.plain_cases(name, source, target)
            options = [x for o, v in (("--from", source), ("--to", target)) if v for x in (o, v)]
            texts = [c["text"] for c in cases]
            expected = "".join(c["translations"][0] + "\n" for c in cases)
            command = ["translate", self.folders[name], *options]
            self.assertEqual(run("llmcs", *command, *texts), expected)
            self.assertEqual(run("llmcs", *command, text="\n".join(texts)), expected)
            path = os.path.join(self.temp.name, "lines.txt")
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n\n".join(texts) + "\n")
            doubled = expected.replace("\n", "\n\n")[:-1]  # a blank line stays one
            self.assertEqual(run("llmcs", *command, "--file", path), doubled)
            alone = "".join(run("llmcs", *command, "--max-batch", "2", t) for t in texts)
            self.assertEqual(alone, expected)

    def test_a_line_that_fails_keeps_its_place(self):
        case = self.plain_cases("marian", None, "fra")[0]
        code, out, err = run_any("translate", self.folders["marian"], "--to", "fra",
                                 text=("x " * 200 + "\n" + case["text"] + "\n").encode())
        self.assertEqual((code, out), (1, "\n" + case["translations"][0] + "\n"))
        self.assertIn("text 1: ", err)

    def test_python(self):
        for name, source, target in (("mbart", "en_XX", "ro_RO"), ("mbart50", "zh_CN", "en_XX"), ("marian", None, None)):
            model = llmcs.Model(self.folders[name])
            cases = self.plain_cases(name, source, target)
            texts, expected = [c["text"] for c in cases], [c["translations"][0] for c in cases]
            self.assertEqual(model.translate(texts, source, target), expected)
            self.assertEqual(model.translate(texts[0], source_lang=source, target_lang=target), expected[0])
            session = model.session()
            for c in cases:  # a session, with and without another text between
                out = session.generate(c["text"], source_lang=source, target_lang=target)
                self.assertEqual((out.texts, out.sequences), (c["translations"], c["sequences"]))
        self.assertEqual(model.translate([]), [])

    def errors(self, name, wrong):
        for keys, named in wrong:
            message = ask("translate", self.folders[name], [dict(keys)])[0]["error"]["message"]
            self.assertIn(named, message, keys)

    def test_what_is_missing_or_wrong_is_named(self):
        text = {"text": "a"}
        both = [(dict(text, to="xx_XX"), '"xx_XX" is not a language of this tokenizer: it knows ar_AR, cs_CZ'),
                (dict(text, **{"from": "fra", "to": "en_XX"}), 'source_lang: "fra" is not a language'), (dict(text, to=3), "to"),
                (dict(text, to="</s>"), "not a language"), ({"to": "en_XX"}, "give one of"),
                ({"input_ids": [5, 2], "from": "en_XX", "to": "en_XX"}, "source_lang is given, and the source is token ids"),
                (dict(text, prompt="x"), "prompt")]
        self.errors("mbart", both + [(text, "decoder_start_token_id"),
                                     (dict(text, to="en_XX", decoder_input_ids=[4]), "decoder_input_ids and target_lang")])
        self.errors("mbart50", both + [(text, "target_lang is not given"),
                                       (dict(text, to="en_XX", forced_bos_token_id=4), "forced_bos_token_id and target_lang"),
                                       (dict(text, to="en_XX", regex="a", forced_eos_token_id=[]), "grammar and target_lang"),
                                       (dict(text, to="en_XX", decoder_input_ids=[2, 7]), "decoder_input_ids of several")])
        self.errors("marian", [(dict(text, to="xx"), '"xx" is not a language of this tokenizer: it knows fra, deu'),
                               (dict(text, **{"from": "fra"}), "do not name their language"),
                               ({"input_ids": [5, 0], "to": "fra"}, "the first of them names the language"),
                               (dict(text, text="x " * 200), "n_ctx")])
        self.assertIn("no encoder-decoder", run("llmcs", "translate", GPT2, "a", code=1))
        error = ask("generate", GPT2, [{"prompt": "a", "to": "en_XX"}])[0]["error"]
        self.assertIn("target_lang is given, and gpt2 is no encoder-decoder", error["message"])
        self.assertIn("one of them", run("llmcs", "translate", self.folders["marian"], "--file", "x", "text", code=2))
        self.assertIn("no/such", run("llmcs", "translate", self.folders["marian"], "--file", "no/such", code=1))
        self.assertIn("--logprobs", run("llmcs", "translate", self.folders["marian"], "--logprobs", "text", code=2))
        for option in ("--system", "--template"):
            self.assertIn(option, run("llmcs", "translate", self.folders["marian"], option, "x", "text", code=2))

    def test_text_of_users_names_no_language(self):
        plain, marked = ask("translate", self.folders["marian"], [{"text": "a"}, {"text": ">>deu<< a"}])
        aimed = ask("translate", self.folders["marian"], [{"text": "a", "to": "deu"}])[0]
        self.assertNotEqual(aimed["sequences"], marked["sequences"])
        self.assertNotEqual(plain["sequences"], aimed["sequences"])


class Demo(unittest.TestCase):
    """examples/models/shop-translate and the example program that uses it."""

    FOLDER = os.path.join(ROOT, "examples", "models", "shop-translate")
    TITLES = [("Pebblefield Harvest Teapot, moss green, 800 ml", "石野 丰收茶壶 苔绿 800毫升"),
              ("Northpine Urban Backpack, olive, 24 l", "北松 都市双肩包 橄榄绿 24升")]

    def test_both_ways(self):
        there = [{"text": e, "from": "en_XX", "to": "zh_CN"} for e, _ in self.TITLES]
        back = [{"text": z, "from": "zh_CN", "to": "en_XX"} for _, z in self.TITLES]
        found = [a["translations"][0] for a in ask("translate", self.FOLDER, there + back)]
        self.assertEqual(found, [z for _, z in self.TITLES] + [e for e, _ in self.TITLES])
        self.assertIn("it knows en_XX, zh_CN", run("llmcs", "translate", self.FOLDER, "--from", "en_XX", "--to", "fr_XX", "red mug", code=1))

    def test_titles_of_the_demo_shop(self):
        with open(os.path.join(ROOT, "examples", "shop", "products.jsonl"), encoding="utf-8") as f:
            titles = [json.loads(line)["title"] for line in f][::18]
        for a, b, source, target in (("en", "zh", "en_XX", "zh_CN"), ("zh", "en", "zh_CN", "en_XX")):
            answers = ask("translate", self.FOLDER, [{"text": t[a], "from": source, "to": target, "num_beams": 1} for t in titles])
            right = sum(x["translations"][0] == t[b] for x, t in zip(answers, titles))
            self.assertGreaterEqual(right, len(titles) * 3 // 4, (a, [x["translations"][0] for x in answers]))

    def test_the_example_marks_what_is_no_title(self):
        first, other = self.TITLES[0][0], "Where is my parcel?"
        lines = run("translate", text="%s\n%s\n" % (first, other)).splitlines()
        self.assertEqual((lines[0], lines[2]), (first, other))
        self.assertRegex(lines[1], r"^  石野 丰收茶壶 苔绿 800毫升  \(0\.9\d\)$")
        self.assertRegex(lines[3], r"\(0\.[0-8]\d, .*to be checked\)$")
        marked = run("translate", "--min-sure", "1", first).splitlines()[1]
        self.assertRegex(marked, r"to be checked\)$")


if __name__ == "__main__":
    unittest.main()
