"""The Rust crate (examples/rust): formatted, clippy clean, its layout against the C headers, and its tests.

usage: test_rust.py [-v]   from anywhere, after `make`. Skipped without cargo (Debian: cargo); clippy and rustfmt are used
where they are there.
"""

import json
import os
import re
import shutil
import unittest

import support

PACKAGE = os.path.join(support.ROOT, "examples", "rust")


class Rust(unittest.TestCase):
    def cargo(self, *command, **more):
        target = os.path.join(support.BUILD, "rust")
        environment = {**os.environ, "CARGO_TARGET_DIR": target, "LLMCS_LIB": support.LIB, **more}
        done = support.run(["cargo", *command], cwd=PACKAGE, env=environment, timeout=500)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_crate(self):
        if not shutil.which("cargo"):
            support.skip(self, "cargo is not there")
        folder, path = support.prepare(type(self))
        with open(path, encoding="utf-8") as f:
            expected = json.load(f)
        classes = expected.pop("classes")
        expected["labels"], expected["scores"] = [c["label"] for c in classes], [c["score"] for c in classes]
        expected["vectors"] = [x for v in expected["vectors"] for x in v]
        for name, value in expected.items():  # a file for each: the crate has no parser of JSON
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write("\n".join(map(str, value)) if isinstance(value, list) else value)
        if support.run(["cargo", "fmt", "--version"]).returncode == 0:
            self.cargo("fmt", "--check")
        if support.run(["cargo", "clippy", "--version"]).returncode == 0:
            self.cargo("clippy", "--offline", "--all-targets", "--", "-D", "warnings")
        out = self.cargo("test", "--offline", EXPECTED=folder)
        passed = sum(int(n) for n in re.findall(r"^test result: ok\. (\d+) passed", out, re.M))
        self.assertGreaterEqual(passed, 9, out)


if __name__ == "__main__":
    unittest.main()
