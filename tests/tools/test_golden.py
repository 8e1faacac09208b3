"""tools/eval/golden.py on the checkpoints of tests/data: every case agrees, and one that does not is seen."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import GOLDEN, ROOT  # noqa: E402

try:
    import numpy  # noqa: F401
except ImportError:
    numpy = None


@unittest.skipUnless(numpy, "numpy is missing")
class GoldenTable(unittest.TestCase):
    def setUp(self):
        self.shared = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.shared)
        os.mkdir(os.path.join(self.shared, "golden"))
        for name in ("bert-cls", "mt5-gated"):
            shutil.copytree(os.path.join(GOLDEN, name), os.path.join(self.shared, "golden", name))

    def table(self, *arguments):
        script = os.path.join(ROOT, "tools", "eval", "golden.py")
        done = subprocess.run([sys.executable, script, "--shared", self.shared, "--sets", "scalar", *arguments],
                              capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, {line.split(" | ")[0].strip("| "): line.split(" | ")[1].strip("| ")
                                 for line in done.stdout.splitlines()[2:]}

    def test_cases_that_agree_and_one_that_does_not(self):
        code, rows = self.table("--only", "golden/")
        self.assertEqual((code, sorted(rows)), (0, ["golden/bert-cls", "golden/mt5-gated"]))
        for name, row in rows.items():
            right, n = row.split(",")[0].split(" of ")
            self.assertEqual(right, n, name)
            self.assertGreater(int(n), 2, name)
        path = os.path.join(self.shared, "golden", "mt5-gated", "cases.json")
        with open(path) as f:
            cases = json.load(f)
        next(c for c in cases if c["kind"] == "generate")["expect_ids"][0][-1] += 1
        with open(path, "w") as f:
            json.dump(cases, f)
        code, changed = self.table("--only", "mt5")
        self.assertEqual(code, 1)
        self.assertEqual(int(changed["golden/mt5-gated"].split(" of ")[0]), int(n) - 1)


if __name__ == "__main__":
    unittest.main()
