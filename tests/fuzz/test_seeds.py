"""Seeds of the fuzz targets: make_seeds.py makes some for each target below.

usage: test_seeds.py [-v]   after `make`; $LLMCS_BIN names another folder of programs
"""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGETS = ("adapter", "calls", "chat", "folder", "gguf", "matcher", "oom", "open", "quantize", "sentencepiece", "spans",
           "split", "text", "tokenizer", "windows")


class Seeds(unittest.TestCase):
    def test_each_target_has_seeds(self):
        programs = os.environ.get("LLMCS_BIN", os.path.join(ROOT, "build", "bin"))
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, os.path.join(ROOT, "tests", "fuzz", "make_seeds.py"), folder],
                check=True, cwd=ROOT, env={**os.environ, "LLMCS": os.path.join(programs, "llmcs")},
            )
            self.assertEqual(sorted(os.listdir(folder)), sorted(TARGETS))
            for target in TARGETS:
                self.assertTrue(os.path.exists(os.path.join(ROOT, "tests", "fuzz", "fuzz_%s.c" % target)), target)
                with self.subTest(target=target):
                    seeds = os.listdir(os.path.join(folder, target))
                    self.assertGreater(len(seeds), 2)
                    self.assertTrue(all(os.path.getsize(os.path.join(folder, target, name)) for name in seeds))


if __name__ == "__main__":
    unittest.main()
