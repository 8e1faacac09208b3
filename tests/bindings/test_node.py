"""The Node package (examples/node): builds the addon without a warning and runs node_cases.js with node --test.

usage: test_node.py [-v]   from anywhere, after `make`. Skipped without node or its headers (Debian: libnode-dev).
"""

import os
import re
import shutil
import subprocess
import unittest

import support

PACKAGE = os.path.join(support.ROOT, "examples", "node")


class Node(unittest.TestCase):
    def test_cases(self):
        if not shutil.which("node"):
            support.skip(self, "node is not there")
        folder, expected = support.prepare(type(self))
        addon = os.path.join(folder, "llmcs.node")
        warnings = "-Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Werror"
        environment = {**os.environ, "BUILD": support.BUILD, "CFLAGS": warnings}
        built = support.run([os.path.join(PACKAGE, "build.sh"), addon], env=environment)
        if "node_api.h was not found" in built.stderr:
            support.skip(self, "node's headers are not there (libnode-dev)")
        self.assertEqual((built.returncode, built.stderr), (0, ""))
        cases = os.path.join(support.HERE, "node_cases.js")
        environment = {**os.environ, "PACKAGE": PACKAGE, "EXPECTED": expected, "LLMCS_NODE": addon}
        done = subprocess.run(
            ["node", "--expose-gc", "--test", cases],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            env=environment,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        passed = re.search(r"^(?:# |ℹ )pass (\d+)", done.stdout, re.M)
        self.assertTrue(passed and int(passed.group(1)) >= 1, done.stdout)


if __name__ == "__main__":
    unittest.main()
