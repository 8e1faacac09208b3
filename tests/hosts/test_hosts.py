"""What hosts do to a library that they loaded at run time: unload it, end while it computes, throw through it.

usage: test_hosts.py [-v]   from anywhere, after `make`. $LLMCS_LIBRARY names another build, $CC and $CXX compilers.
The Node test needs node and the koffi package ($NODE_PATH, as for any script of Node's) and is skipped without them.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
LIBRARY = os.path.abspath(os.environ.get("LLMCS_LIBRARY", os.path.join(ROOT, "build", "lib", "libllmcs.so")))
BERT = os.path.join(ROOT, "tests", "data", "golden", "bert-cls")
GPT2 = os.path.join(ROOT, "tests", "data", "golden", "gpt2-tiny")
SHOP = os.path.join(ROOT, "examples", "models", "shop-gpt2")
TIMES = 20 if os.environ.get("LLMCS_EMULATED") else 250


def skip(test, reason):
    print("SKIPPED %s: %s" % (test.id(), reason), flush=True)  # run-tests.sh shows this line
    test.skipTest(reason)


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=600, **more)


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def compile(self, compiler, source, *flags):
        program = os.path.join(self.folder.name, source.split(".")[0])
        done = run(
            [
                *shlex.split(compiler),
                "-O1",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-I",
                os.path.join(ROOT, "include"),
                os.path.join(HERE, source),
                *flags,
                "-o",
                program,
            ]
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return program

    def test_c_host_that_unloads_or_ends_without_freeing(self):
        program = self.compile(os.environ.get("CC", "cc"), "unload.c", "-ldl", "-lpthread")
        done = run([program, LIBRARY, BERT, GPT2, str(TIMES)])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count(": 0 of %d children crashed\n" % TIMES), 4, done.stdout)

    def test_cpp_host_whose_callbacks_throw(self):
        compiler = os.environ.get("CXX", "g++")
        if not shutil.which(shlex.split(compiler)[0]):
            skip(self, "no C++ compiler (%s)" % compiler)
        folder = os.path.dirname(LIBRARY)
        program = self.compile(
            compiler, "exceptions.cpp", "-std=c++11", "-L" + folder, "-lllmcs", "-Wl,-rpath," + folder
        )
        done = run([program, SHOP])
        self.assertEqual((done.returncode, done.stdout), (0, "ok\n"), done.stderr)

    def test_node_host_that_unloads_or_ends_without_freeing(self):
        if run(["sh", "-c", "node -e 'require(\"koffi\")'"]).returncode:
            skip(self, "node or its koffi package is not there (NODE_PATH)")
        for i in range(5 if TIMES < 100 else 30):
            for how in ("exit", "unload"):
                done = run(["node", os.path.join(HERE, "unload.js"), LIBRARY, BERT, how])
                self.assertEqual(done.returncode, 0, "%s, run %d: %s" % (how, i, done.stderr))

    def test_python_host_that_ends_during_calls(self):
        # The threads go on for a second after the interpreter has ended, as they do on a busy machine: a callback that
        # reached Python then would crash the process.
        program = """
import ctypes, sys, threading
sys.path.insert(0, %r)
import llmcs
libc = ctypes.CDLL(None)
libc.on_exit(libc.sleep, None)  # sleep(the exit status)
bert, gpt2 = llmcs.Model(%r, n_threads=2, log=lambda *_: None), llmcs.Model(%r, n_threads=2)
def classify_for_ever():
    while True: bert.classify(["fits well " * 600] * 8)  # cut, which is logged
def generate_for_ever():
    session = gpt2.session()
    while True: session.generate("User: hi", on_text=lambda text: None, max_new_tokens=500, eos_token_id=[])
threading.Thread(target=classify_for_ever, daemon=True).start()
threading.Thread(target=generate_for_ever, daemon=True).start()
engine = gpt2.engine()
requests = [engine.submit("User: hi", max_new_tokens=400, eos_token_id=[]) for _ in range(4)]
pieces = gpt2.session().stream("User: hi", max_new_tokens=500, eos_token_id=[])
next(pieces)
sys.exit(1)
""" % (os.path.join(ROOT, "tools", "python"), os.path.join(ROOT, "examples", "models", "review-bert"), SHOP)
        for i in range(3 if TIMES < 100 else 6):
            done = run([sys.executable, "-c", program], env={**os.environ, "LLMCS_LIBRARY": LIBRARY})
            self.assertEqual((done.returncode, done.stderr), (1, ""), "run %d" % i)


if __name__ == "__main__":
    unittest.main()
