"""Grammars from Python.

usage: test_grammar.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import gc
import json
import re
import unittest

from support import GPT2, QUESTIONS, in_threads, llmcs

SCHEMA = {
    "type": "object",
    "properties": {"size": {"enum": ["S", "M", "L"]}, "count": {"type": "integer", "minimum": 1, "maximum": 12}},
    "required": ["size", "count"],
}
CODE = r"[A-Z]{2}-[0-9]{4}"


class Grammars(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(GPT2)

    def answers(self, grammar, **params):
        return self.model.session().generate(QUESTIONS[0], grammar=grammar, max_new_tokens=80, **params).texts

    def check_form(self, text):
        form = json.loads(text)
        self.assertIn(form["size"], "SML")
        self.assertTrue(1 <= form["count"] <= 12)

    def test_choices(self):
        grammar = llmcs.Grammar.choices(self.model.tokenizer, (word for word in ("yes", "no", "以后再说")))
        for seed in range(5):
            self.assertIn(self.answers(grammar, do_sample=True, seed=seed)[0], ("yes", "no", "以后再说"))
        found = self.answers(grammar, do_sample=False, num_beams=3, num_return_sequences=3)
        self.assertEqual(len(found), 3)  # one text may come in other tokens, too
        self.assertLessEqual(set(found), {"no", "yes", "以后再说"})

    def test_regex(self):
        grammar = llmcs.Grammar.regex(self.model.tokenizer, CODE)
        for seed in range(5):
            self.assertTrue(re.fullmatch(CODE, self.answers(grammar, do_sample=True, seed=seed)[0]))

    def test_json_schema_as_an_object_or_its_text(self):
        for schema in (SCHEMA, json.dumps(SCHEMA)):
            grammar = llmcs.Grammar.json_schema(self.model.tokenizer, schema)
            for text in self.answers(grammar, do_sample=True, num_return_sequences=4, seed=1):
                self.check_form(text)

    def test_threads_and_engines_share_one(self):
        grammar = llmcs.Grammar.json_schema(self.model.tokenizer, SCHEMA)
        for text in in_threads(4, lambda i: self.answers(grammar, do_sample=True, seed=i)[0]):
            self.check_form(text)
        with self.model.engine() as engine:
            requests = [engine.submit(q, grammar=grammar, max_new_tokens=80, do_sample=True) for q in QUESTIONS]
            grammar.close()  # requests keep it until they end
            for request in requests:
                self.check_form(request.wait().text)
        with self.assertRaises(llmcs.StateError):
            self.answers(grammar)

    def test_it_keeps_its_tokenizer(self):
        model = llmcs.Model(GPT2)
        grammar = llmcs.Grammar.choices(model.tokenizer, ["kept"])
        session = model.session()
        del model
        gc.collect()
        self.assertEqual(session.generate("x", grammar=grammar).text, "kept")

    def test_what_is_wrong_is_named(self):
        t = self.model.tokenizer
        with self.assertRaisesRegex(llmcs.ArgumentError, "byte 2"):
            llmcs.Grammar.regex(t, "a)b")
        with self.assertRaisesRegex(llmcs.UnsupportedError, "#/not"):
            llmcs.Grammar.json_schema(t, {"not": {}})
        with self.assertRaisesRegex(llmcs.ArgumentError, "no choices"):
            llmcs.Grammar.choices(t, [])
        with self.assertRaisesRegex(llmcs.ArgumentError, r"choices\[1\]"):
            llmcs.Grammar.choices(t, ["a", ""])
        with self.assertRaisesRegex(TypeError, r"texts\[1\]"):
            llmcs.Grammar.choices(t, ["a", 3])
        with self.assertRaisesRegex(TypeError, "texts"):
            llmcs.Grammar.choices(t, 3)
        with self.assertRaisesRegex(TypeError, "pattern"):
            llmcs.Grammar.regex(t, None)
        with self.assertRaisesRegex(TypeError, "grammar: expected a Grammar, got str"):
            self.answers("yes|no")
        other = llmcs.Grammar.choices(llmcs.Tokenizer(GPT2), ["a"])
        with self.assertRaisesRegex(llmcs.ArgumentError, "another tokenizer"):
            self.answers(other)


if __name__ == "__main__":
    unittest.main()
