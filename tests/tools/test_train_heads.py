"""tools/train/train_shop_heads.py: a head remembers its encoder by a path that holds wherever both are moved, or nothing is written.

usage: test_train_heads.py [-v]   after `make`; $LLMCS_BIN names another folder of programs
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import ROOT  # noqa: E402

SCRIPT = os.path.join(ROOT, "tools", "train", "train_shop_heads.py")
ENCODER = os.path.join(ROOT, "examples", "models", "shop-encoder")
sys.path.insert(0, os.path.dirname(SCRIPT))
import train_shop_heads  # noqa: E402


class Heads(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.path.join(ROOT, "build"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_paths_within_one_tree(self):
        encoder = os.path.join(self.folder, "models", "encoder")
        os.makedirs(encoder)
        open(os.path.join(encoder, "config.json"), "w").close()
        for heads in ("heads", "models/heads", "a/b/c"):
            path = train_shop_heads.remembered(encoder, os.path.join(self.folder, heads))
            self.assertFalse(os.path.isabs(path))
            self.assertEqual(os.path.realpath(os.path.join(self.folder, heads, path)), os.path.realpath(encoder))

    def refused(self, words, *arguments):
        done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_folder_in_no_common_tree_is_refused(self):
        out = os.path.join(os.sep, "no-such-tree-%d" % os.getpid(), "heads")
        self.refused(["--out", "shares no folder", "copy the encoder"], "--encoder", ENCODER, "--out", out)
        self.assertFalse(os.path.exists(os.path.dirname(out)))

    def test_an_encoder_that_is_none_is_refused(self):
        out = os.path.join(self.folder, "heads")
        self.refused(["config.json"], "--encoder", os.path.join(self.folder, "nothing"), "--out", out)
        self.assertFalse(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
