"""Constrained output from outside: --json-schema, --regex and --choices of generate and chat, and the same as keys of
JSON Lines.

usage: test_grammar.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, GPT2, ask, run  # noqa: E402

PROMPT = "User: Where is my order?\nBot:"
SCHEMA = {"type": "object", "required": ["intent", "count"],
          "properties": {"intent": {"enum": ["order", "refund", "other"]},
                         "count": {"type": "integer", "minimum": 1, "maximum": 99}, "urgent": {"type": "boolean"}}}
CODE = r"[A-C]{2}-\d{3}"


class Options(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, text):
        path = os.path.join(self.folder.name, "schema.json")
        with open(path, "w") as f:
            f.write(text)
        return path

    def check_form(self, text):
        form = json.loads(text)
        self.assertLessEqual(set(form), set(SCHEMA["properties"]))
        self.assertIn(form["intent"], SCHEMA["properties"]["intent"]["enum"])
        self.assertTrue(isinstance(form["count"], int) and 1 <= form["count"] <= 99, form)

    def test_generate(self):
        path = self.write(json.dumps(SCHEMA))
        for seed in range(10):
            how = ["--do-sample", "--seed", str(seed), "--max-new-tokens", "100", "--template", "none", PROMPT]
            self.check_form(run("llmcs", "generate", GPT2, "--json-schema", path, *how))
            self.assertRegex(run("llmcs", "generate", GPT2, "--regex", CODE, *how), "^%s\n$" % CODE)
            self.assertIn(run("llmcs", "generate", GPT2, "--choices", "yes", "--choices", "no, 谢谢", *how),
                          ("yes\n", "no, 谢谢\n"))
        beams = run("llmcs", "generate", GPT2, "--choices", "red", "--choices", "green", "--choices", "blue", "--greedy",
                    "--num-beams", "3", "--num-return-sequences", "3", "--template", "none", PROMPT)
        self.assertEqual(len(beams.splitlines()), 3)  # one text may come in other tokens, too
        self.assertLessEqual({line.split("] ")[1] for line in beams.splitlines()}, {"red", "green", "blue"})

    def test_chat(self):
        path = self.write(json.dumps(SCHEMA))
        lines = run("llmcs", "chat", GPT2, "--json-schema", path, "--max-new-tokens", "100", text="Hello\nAnd now?\n")
        for line in lines.splitlines():
            self.check_form(line)
        self.assertEqual(len(lines.splitlines()), 2)
        self.assertRegex(run("llmcs", "chat", GPT2, "--regex", CODE, text="Hello\n"), "^%s\n$" % CODE)
        self.assertEqual(run("llmcs", "chat", GPT2, "--choices", "only this", text="a\nb\n"), "only this\nonly this\n")
        for answer in ask("chat", GPT2, [{"text": "Hello"}, {"text": "Again"}], "--choices", "x", "--choices", "yz"):
            self.assertIn(answer["text"], ("x", "yz"))

    def test_what_is_wrong_is_named(self):
        bad, unknown = self.write("{"), os.path.join(self.folder.name, "none.json")
        for command in (["generate", GPT2, "x"], ["chat", GPT2]):
            for options in (["--regex", "a", "--choices", "b"], ["--json-schema", bad, "--regex", "a"],
                            ["--json-schema", bad, "--choices", "a"]):
                self.assertIn("give one of them", run("llmcs", *command, *options, code=2))
            self.assertIn("none.json", run("llmcs", *command, "--json-schema", unknown, code=1))
            self.assertIn("JSON", run("llmcs", *command, "--json-schema", bad, code=1))
            self.assertIn("byte 2", run("llmcs", *command, "--regex", "a)b", code=1))
            self.assertIn("choices[1]", run("llmcs", *command, "--choices", "a", "--choices", "", code=1))
        path = self.write(json.dumps({"properties": {"a": {"not": {}}}}))
        self.assertIn("#/properties/a/not", run("llmcs", "generate", GPT2, "--json-schema", path, "x", code=1))
        path = self.write(" " * (1 << 18) + "{} ")
        self.assertIn("262144", run("llmcs", "generate", GPT2, "--json-schema", path, "x", code=1))


class Lines(unittest.TestCase):
    def test_each_line_has_its_own(self):
        base = {"prompt": PROMPT, "do_sample": True, "max_new_tokens": 100}
        a, b, c, d = ask("generate", GPT2, [dict(base, json_schema=SCHEMA, num_return_sequences=5), dict(base, regex=CODE),
                                            dict(base, choices=["yes", "no"]), dict(base, max_new_tokens=4)])
        for text in a["texts"]:
            Options.check_form(self, text)
        self.assertTrue(re.fullmatch(CODE, b["texts"][0]))
        self.assertIn(c["texts"][0], ("yes", "no"))
        self.assertEqual(d, ask("generate", GPT2, [dict(base, max_new_tokens=4)])[0])

    def test_what_is_wrong_is_named(self):
        for wrong, named in (({"regex": "a", "choices": ["b"]}, "give one of"), ({"regex": 3}, "regex"),
                             ({"regex": "a{9,2}"}, "repetition"), ({"choices": [1]}, "choices"), ({"choices": []}, "choices"),
                             ({"choices": ["a\0b"]}, "without NUL"),
                             ({"json_schema": {"not": {}}}, "#/not"), ({"json_schema": 3}, "schema")):
            error, good = ask("generate", GPT2, [dict(wrong, prompt="x"), {"prompt": "x", "choices": ["fine"]}])
            self.assertIn(named, error["error"]["message"], wrong)
            self.assertEqual(good["texts"], ["fine"])


if __name__ == "__main__":
    unittest.main()
