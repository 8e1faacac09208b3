"""The C++ headers: compiled by g++ and clang++ as C++17 and C++20 without a warning, and run.

usage: test_cpp.py [-v]   from anywhere, after `make`. Compilers that are missing are skipped. $LLMCS_LIBRARY names
another build.
"""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
LIBRARY = os.path.abspath(os.environ.get("LLMCS_LIBRARY", os.path.join(ROOT, "build", "lib", "libllmcs.so")))
LIB = os.path.dirname(LIBRARY)
BUILD = os.path.dirname(LIB)
INCLUDE = os.path.join(ROOT, "include")
WARN = "-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion".split()
COMPILERS = [c for c in ("g++", "clang++") if shutil.which(c)]
LINK = ["-L" + LIB, "-lllmcs_shop", "-lllmcs", "-lpthread", "-Wl,-rpath," + LIB]


def skip(test, reason):
    print("SKIPPED %s: %s" % (test.id(), reason), flush=True)  # run-tests.sh shows this line
    test.skipTest(reason)


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **more)


def examples(header):
    """The code of a header's first comment, in its paragraphs of four more spaces."""
    with open(header, encoding="utf-8") as f:
        comment = f.read().split("*/")[0]
    blocks = re.findall(r"(?:^ \*     .*\n|^ \*\n(?= \*     ))+", comment, re.M)
    return ["\n".join(line[6:] for line in b.splitlines()) for b in blocks]


# What the examples take for granted.
PRELUDE = """
#include <llmcs_shop.hpp>
#include <iostream>
struct knows {
    llmcs::model &model; llmcs::session &session; llmcs::engine &engine; llmcs::generate_params &params;
    const std::string &prompt; const std::vector<std::uint64_t> &ids; const std::vector<std::string> &texts;
    const llmcs::chat &chat; llmcs::shop::store &store; llmcs::shop::guard &guard; bool (*send)(const std::string &);
};
"""
EXAMPLE = """
void example_%d(const knows &given) {
    [[maybe_unused]] const auto &[model, session, engine, params, prompt, ids, texts, chat, store, guard, send] = given;
    {
%s
    }
}
"""


class Cpp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def setUp(self):
        if not COMPILERS:
            skip(self, "no C++ compiler")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def succeed(self, command):
        done = run(command)
        self.assertEqual(done.returncode, 0, " ".join(command) + "\n" + done.stdout + done.stderr)
        return done.stdout

    def test_every_compiler_and_standard(self):
        """What the tests below do not compile anyway, and the headers in the other order."""
        headers = [os.path.basename(h) for h in sorted(glob.glob(os.path.join(INCLUDE, "*.hpp")), reverse=True)]
        alone = self.write("alone.cpp", "".join("#include <%s>\n" % h for h in headers) + "int main() {}\n")
        commands = [
            [compiler, "-std=" + standard, "-fsyntax-only", *WARN, "-I", INCLUDE, source]
            for compiler in COMPILERS
            for standard in ("c++17", "c++20")
            for source in (os.path.join(HERE, "core.cpp"), os.path.join(HERE, "shop.cpp"))
            if (compiler, standard) != (COMPILERS[0], "c++17")
        ]
        commands.append([COMPILERS[0], "-std=c++17", "-fsyntax-only", *WARN, "-I", INCLUDE, alone])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(self.succeed, commands))

    def test_the_examples_of_the_headers_compile(self):
        code = [block for h in sorted(glob.glob(os.path.join(INCLUDE, "*.hpp"))) for block in examples(h)]
        self.assertGreaterEqual(len(code), 6)
        source = PRELUDE + "".join(EXAMPLE % (i, block) for i, block in enumerate(code))
        self.succeed(
            [COMPILERS[0], "-std=c++17", "-fsyntax-only", "-Wall", "-Werror", "-I", INCLUDE]
            + [self.write("examples.cpp", source)]
        )

    def build_and_run(self, compiler, standard, source, *flags, arguments=()):
        program = self.path("%s-%s-%s" % (source, compiler, standard))
        self.succeed(
            [compiler, "-std=" + standard, *WARN, "-g1", *flags, "-I", INCLUDE]
            + [os.path.join(HERE, source + ".cpp"), "-o", program, *LINK]
        )
        done = run([program, ROOT, *arguments])
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"%s: [0-9]+ passed, 0 failed" % source)

    SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

    def store(self):
        store = self.path("shop.db")
        if not os.path.exists(store):
            script = os.path.join(ROOT, "examples", "shop", "import.sh")
            done = run(["sh", script, store], env={**os.environ, "BUILD": BUILD}, cwd=ROOT)
            self.assertEqual(done.returncode, 0, done.stderr)
        return store

    def test_core_under_sanitizers(self):
        self.build_and_run(COMPILERS[0], "c++17", "core", *self.SANITIZE)

    def test_core_as_another_compiler_and_standard_make_it(self):
        self.build_and_run(COMPILERS[-1], "c++20", "core")

    def test_shop_under_sanitizers(self):
        self.build_and_run(COMPILERS[0], "c++17", "shop", *self.SANITIZE, arguments=[self.store()])

    def test_objects_of_two_standards_do_not_mix(self):
        one = self.write("one.cpp", "#include <llmcs.hpp>\nint n(const llmcs::model &m) { return m.info().n_layer; }\n")
        two = self.write(
            "two.cpp",
            "#include <llmcs.hpp>\nint n(const llmcs::model &);\n"
            "int main(int, char **argv) { return n(llmcs::model(argv[1])); }\n",
        )
        for source, standard in ((one, "c++17"), (two, "c++20")):
            self.succeed(
                [COMPILERS[0], "-std=" + standard, "-I", INCLUDE, "-c", source, "-o", source.replace(".cpp", ".o")]
            )
        done = run([COMPILERS[0], self.path("one.o"), self.path("two.o"), *LINK, "-o", self.path("mixed")])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cpp20", done.stderr)

    def test_example_service(self):
        program = os.path.join(BUILD, "bin", "service")
        if not os.path.exists(program):
            skip(self, "%s is not built (no C++ compiler while make ran?)" % program)
        lines = ["web-1 c001 Where is PL26111334?", "web-2 - What does shipping cost?", "web-1 c002 Hello", "broken"]
        done = run([program, self.store()], input="\n".join(lines))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"web-1 > .*PL26111334")
        self.assertRegex(done.stdout, r"\[entry, entry ")
        self.assertIn("service: STATE: ", done.stdout)  # another customer's conversation
        self.assertIn("service: ARG: a line is", done.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
