"""The Go package (examples/go): go vet, gofmt, and its tests under the race detector.

usage: test_go.py [-v]   from anywhere, after `make`. Skipped without go (Debian: golang-go).
"""

import os
import re
import shutil
import unittest

import support

PACKAGE = os.path.join(support.ROOT, "examples", "go")


class Go(unittest.TestCase):
    def go(self, *command, **more):
        flags = "-L%s -Wl,-rpath,%s" % (support.LIB, support.LIB)
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "1", "CGO_LDFLAGS": flags, **more}
        environment.setdefault("GOCACHE", os.path.join(support.BUILD, "go-cache"))
        # Go asks its C compiler whether it knows -no-pie, which it gets no answer to through ccache; then it links what
        # the race detector cannot run.
        compiler = [w for w in os.environ.get("CC", "gcc").split() if os.path.basename(w) != "ccache"]
        environment["CC"] = " ".join(compiler) or "gcc"
        done = support.run(["go", *command], cwd=PACKAGE, env=environment, timeout=500)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_package(self):
        if not shutil.which("go"):
            support.skip(self, "go is not there (golang-go)")
        if shutil.which("gofmt"):
            self.assertEqual(support.run(["gofmt", "-l", "."], cwd=PACKAGE).stdout, "")
        _, expected = support.prepare(type(self))
        self.go("vet", ".")
        out = self.go("test", "-race", "-count=1", "-v", ".", EXPECTED=expected)
        self.assertGreaterEqual(len(re.findall(r"^--- PASS", out, re.M)), 6, out)


if __name__ == "__main__":
    unittest.main()
