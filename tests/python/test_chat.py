"""Chat templates through the Python module.

usage: test_chat.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import os
import sys
import tempfile
import unittest

from support import ROOT, llmcs

MODEL = os.path.join(ROOT, "examples", "models", "shop-gpt2")
TOKENIZER = os.path.join(ROOT, "tests", "data", "tokenizers", "tiny-gpt2")
SOURCE = (
    "{% for m in messages %}{% if m.role == 'user' %}User: {{ m.content }}\nBot:{% else %}{{ m.content }}\n"
    "{% endif %}{% endfor %}"
)


class Templates(unittest.TestCase):
    def test_render(self):
        chat = llmcs.Chat.from_text("<|user|>{{ messages[0].content }}{{ tools|length }}{{ x }}{{ strftime_now('%Y') }}")
        found = chat.render([{"role": "user", "content": "é<|user|>"}], tools=[{}], x=[1, None], now="2026-03-05T14:07:09")
        self.assertEqual(found.text, "<|user|>é<|user|>1[1, None]2026")
        self.assertEqual(found.is_template, b"\1" * 8 + b"\0" * (len(found.text.encode()) - 8))

    def test_encode(self):
        chat, tokenizer = llmcs.Chat.from_text("<|user|>{{ messages[0].content }}"), llmcs.Tokenizer(TOKENIZER)
        ids = chat.encode(tokenizer, [{"role": "user", "content": "a<|user|>"}])
        self.assertEqual(ids.count(577), 1)
        self.assertEqual(tokenizer.decode(ids), "<|user|>a<|user|>")

    def test_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(llmcs.TemplateError, "no chat template"):
                llmcs.Chat(folder)
            with open(os.path.join(folder, "chat_template.jinja"), "w") as out:
                out.write("a{{ raise_exception('no ' ~ messages[0].role) }}")
            with self.assertRaisesRegex(llmcs.TemplateError, "chat_template.jinja: line 1, column 20: TemplateError: no user"):
                llmcs.Chat(folder).render([{"role": "user", "content": ""}])

    def test_session(self):
        model, chat = llmcs.Model(MODEL), llmcs.Chat.from_text(SOURCE)
        session, messages, pieces = model.session(), [{"role": "user", "content": "Where is my order?"}], []
        first = session.chat(chat, messages, on_text=lambda piece: pieces.append(piece), do_sample=False, max_new_tokens=12)
        self.assertEqual("".join(pieces), first.text)
        self.assertEqual(
            first.text,
            model.session().generate("User: Where is my order?\nBot:", do_sample=False, max_new_tokens=12).text,
        )
        messages += [{"role": "assistant", "content": first.text}, {"role": "user", "content": "And now?"}]
        self.assertTrue(session.chat(chat, messages, do_sample=False, max_new_tokens=4).text)

    def test_wrong_arguments(self):
        chat = llmcs.Chat.from_text("x")
        with self.assertRaisesRegex(TypeError, "tools: not JSON"):
            chat.render([], tools=[object()])
        with self.assertRaisesRegex(llmcs.ArgumentError, "2026-03-05"):
            chat.render([], now="today")
        with self.assertRaisesRegex(llmcs.ModelError, "line 1, column 4"):
            llmcs.Chat.from_text("{% include 'x' %}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[1:])
