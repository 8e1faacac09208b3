"""llmcs chat-template, and llmcs chat and info on folders with a chat template.

usage: test_chat_template.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import GPT2, LLMCS, ROOT, ask, run  # noqa: E402

TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'user' %}User: {{ m.content }}\nBot:{% elif m.role == 'system' %}"
    "Facts: {{ m.content }}\n{% else %}{{ m.content }}\n{% endif %}{% endfor %}"
)


def render(arguments, lines):
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    done = subprocess.run([LLMCS, "chat-template", *arguments, "--jsonl"], input=text, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


class Folder(unittest.TestCase):
    def folder(self, template=TEMPLATE):
        """The demo model with a chat template."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in os.listdir(GPT2):
            if name != "prompt_template.json":
                os.symlink(os.path.join(GPT2, name), os.path.join(folder.name, name))
        with open(os.path.join(folder.name, "chat_template.jinja"), "w") as out:
            out.write(template)
        return folder.name

    def test_lines(self):
        with open(os.path.join(ROOT, "tests", "data", "chat", "golden.jsonl"), encoding="utf-8") as golden:
            cases = [json.loads(line) for line in golden][:40]
        with tempfile.TemporaryDirectory() as folder:
            for case in cases:
                file = os.path.join(folder, "t.jinja")
                with open(file, "w", encoding="utf-8", newline="") as out:
                    out.write(case["template"])
                (answer, *_), code = render(
                    ["--template-file", file, "--now", "2026-03-05T14:07:09"], [json.loads(case["variables"])]
                ) if "error" not in case or "Syntax" not in case["error"] else ([{}], 1)
                self.assertEqual(code, 0 if "text" in case else 1)
                if "text" in case:
                    self.assertEqual(answer, {"text": case["text"]})
                elif answer:
                    self.assertEqual(set(answer), {"error"})

    def test_each_line_is_answered(self):
        folder = self.folder("{{ eos_token }}{{ messages[0].content }}")
        answers, code = render([folder], [{"messages": [{"content": "a"}]}, {"messages": []}, {"messages": [{"content": "\0é"}]}])
        self.assertEqual(code, 1)
        self.assertEqual(answers[0], {"text": "<|endoftext|>a"})
        self.assertEqual((answers[1]["error"]["status"], answers[1]["error"]["line"]), ("TEMPLATE", 2))
        self.assertIn("UndefinedError: list object has no element 0", answers[1]["error"]["message"])
        self.assertEqual(answers[2], {"text": "<|endoftext|>\0é"})

    def test_usage(self):
        for arguments in ([], [GPT2, "--template-file", "x"], ["--template-file", "x", "--template-name", "y"]):
            done = subprocess.run([LLMCS, "chat-template", *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
        done = subprocess.run([LLMCS, "chat-template", GPT2], input="{}", capture_output=True, text=True)
        self.assertIn("no chat template", done.stderr)
        self.assertEqual(run("llmcs", "chat-template", self.folder("a{{ b }}"), text='{\n"b": "c\\n"}\n'), "ac\n")

    def test_chat(self):
        folder, questions = self.folder(), [{"text": "Where is my order?"}, {"text": "Can I return it?"}]
        found = ask("chat", folder, questions, "--greedy", "--max-new-tokens", "30")
        first = ask("generate", GPT2, [{"prompt": "User: Where is my order?\nBot:"}], "--greedy", "--max-new-tokens", "30", "--template", "none")[0]
        self.assertEqual(found[0]["text"], first["texts"][0])
        second = "User: Where is my order?\nBot:%s\nUser: Can I return it?\nBot:" % found[0]["text"]
        self.assertEqual(
            found[1]["text"],
            ask("generate", GPT2, [{"prompt": second}], "--greedy", "--max-new-tokens", "30", "--template", "none")[0]["texts"][0],
        )
        self.assertEqual(len(ask("chat", folder, questions * 12, "--greedy", "--max-new-tokens", "60")), 24)  # beyond the context
        with_system = ask("chat", folder, questions[:1], "--greedy", "--system", "Be kind.", "--max-new-tokens", "30")[0]
        told = ask("generate", GPT2, [{"prompt": "Facts: Be kind.\nUser: Where is my order?\nBot:"}], "--greedy", "--max-new-tokens", "30", "--template", "none")
        self.assertEqual(with_system["text"], told[0]["texts"][0])

    def test_the_example(self):
        folder, questions = self.folder(), "Where is my order?\nCan I return it?\n"
        self.assertEqual(len(run("chat", folder, text=questions).splitlines()), 2)
        self.assertIn("no chat template", run("chat", GPT2, code=1))

    def test_a_broken_template_is_said(self):
        folder = self.folder("{% include 'x' %}")
        done = subprocess.run([LLMCS, "chat", folder], input="hi\n", capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("{% include %} is not supported", done.stderr)
        self.assertIn("{% include %} is not supported", run("llmcs", "info", folder))

    def test_info(self):
        self.assertIn("chat template  yes", run("llmcs", "info", self.folder()))
        self.assertIn("chat template  no", run("llmcs", "info", GPT2))
        self.assertEqual(json.loads(run("llmcs", "info", self.folder(), "--jsonl"))["chat_template"], "yes")

    def test_gguf(self):
        folder = self.folder()
        with tempfile.TemporaryDirectory() as out:
            file = os.path.join(out, "m.gguf")
            run("llmcs", "quantize", folder, file)
            lines = [{"messages": [{"role": "user", "content": "hi"}]}]
            self.assertEqual(render([file], lines), render([folder], lines))
            with open(file, "rb") as f:
                self.assertIn(b"tokenizer.chat_template", f.read(4 << 20))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[1:])
