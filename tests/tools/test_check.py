"""llmcs check and llmcs info: whether a folder will work, and what it needs.

usage: test_check.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, GPT2, ROOT, run, run_any  # noqa: E402


class Check(unittest.TestCase):
    def test_the_demo_models_work(self):
        for folder, tasks, read in ((GPT2, ["generate", "chat", "score"], "merges.txt"), (BERT, ["classify", "rerank", "embed"], "vocab.txt")):
            page = run("llmcs", "check", folder)
            self.assertTrue(page.startswith(folder + ": works"), page)
            self.assertIn(", ".join(tasks), page)
            self.assertLess(len(page.splitlines()), 40)
            report = json.loads(run("llmcs", "check", folder, "--jsonl"))
            self.assertEqual((report["works"], report["tasks"], report["not_applied"]), (True, tasks, []))
            self.assertIn("model.safetensors", report["files_read"])
            self.assertIn("tokenizer.json", report["files_read"])
            self.assertIn(read, report["files_not_read"])  # tokenizer.json is read instead
            self.assertTrue(report["tried"] and report["peak_bytes"] >= report["model_bytes"] > 0)

    def test_what_does_not_work_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            run("llmcs", "check", folder, code=1)
            with open(os.path.join(folder, "config.json"), "w") as f:
                f.write("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
            for name in ("model.safetensors", "pytorch_model.bin"):
                open(os.path.join(folder, name), "w").close()
            code, page, _ = run_any("check", folder)
            self.assertEqual(code, 1)
            for said in (": does not open", "why ", "git-lfs pointer", "what to do", "read "):
                self.assertIn(said, page)
            report = json.loads(run_any("check", folder, "--jsonl")[1])
            self.assertEqual((report["works"], report["opens"]), (False, False))
            self.assertEqual(report["files_read"], ["config.json"])
        self.assertIn("no/such", run_any("check", "no/such")[1])
        report = json.loads(run_any("check", b"no\xffsuch\xe4\xb8\xad", "--jsonl")[1])
        self.assertRegex(report["error"]["message"], r"no(\?|\ufffd|\\xff)such中")

    def test_settings_are_listed(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(GPT2):
                os.symlink(os.path.join(GPT2, name), os.path.join(folder, name))
            os.remove(os.path.join(folder, "generation_config.json"))
            with open(os.path.join(folder, "generation_config.json"), "w") as f:
                json.dump({"top_k": 7, "penalty_alpha": 0.6, "max_new_tokens": 33}, f)
            report = json.loads(run("llmcs", "info", folder, "--jsonl"))
            self.assertEqual(report["settings"]["generation_config.json"], {"top_k": 7, "penalty_alpha": 0.6, "max_new_tokens": 33})
            self.assertEqual(report["generation"], {"top_k": 7, "max_new_tokens": 33})
            self.assertTrue([line for line in report["not_applied"] if "penalty_alpha" in line])
            self.assertIn("penalty_alpha", run("llmcs", "info", folder).split("not applied")[1])
            self.assertIn("1 setting of the folder not applied", run("llmcs", "check", folder))


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main()
