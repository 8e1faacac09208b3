"""Programs and libraries of different versions together: no struct of a caller is written or read past its end.

llmcs-0.2.0.h is the header of the first version that promises this. caller.c is compiled with it, with the header of
today and with one of a version to come, whose structs are longer, and meets today's library and one to come. The
library to come is compiled here under AddressSanitizer (all but its kernels, which see no public struct).

usage: test_abi.py [-v]    after `make`; $LLMCS_LIBRARY names another build, $CC a compiler
"""

import concurrent.futures
import os
import re
import shlex
import subprocess
import tempfile
import unittest

import headers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
LIBRARY = os.path.abspath(os.environ.get("LLMCS_LIBRARY", os.path.join(ROOT, "build", "lib", "libllmcs.so")))
BUILD = os.path.dirname(os.path.dirname(LIBRARY))
CC = shlex.split(os.environ.get("CC", "cc"))
BERT = os.path.join(ROOT, "examples", "models", "review-bert")
GPT2 = os.path.join(ROOT, "examples", "models", "shop-gpt2")
CALLER = os.path.join(HERE, "caller.c")
ASAN = ["-fsanitize=address", "-g1", "-O0"]
LIBRARIES = ["-lutf8proc", "-lm", "-ldl", "-lpthread"]


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


FILES = headers.read(os.path.join(ROOT, "include"))
TODAY, FIRST = headers.joined(FILES), read(HERE, "llmcs-0.2.0.h")


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=600, **more)


class Abi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = cls.temporary.name
        cls.include = {
            name: cls.header_folder(name, files)
            for name, files in (
                ("today", FILES),
                ("first", {"llmcs.h": FIRST}),
                ("newer", {file: headers.newer(text) for file, text in FILES.items()}),
            )
        }

    @classmethod
    def header_folder(cls, name, files):
        folder = os.path.join(cls.folder, name)
        os.mkdir(folder)
        for file, text in files.items():
            with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
                f.write(text)
        return folder

    def compile(self, *arguments):
        done = run(*CC, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def values(self, header, expressions):
        """What each C expression is with a header."""
        lines = "".join('printf("%%lld\\n", (long long)(%s));\n' % e for e in expressions)
        source, program = os.path.join(self.folder, "values.c"), os.path.join(self.folder, "values")
        with open(source, "w") as f:
            f.write("#include <llmcs.h>\n#include <stdio.h>\nint main(void) {\n%sreturn 0;\n}\n" % lines)
        self.compile("-w", "-I" + self.include[header], source, "-o", program)
        return dict(zip(expressions, map(int, run(program).stdout.split())))


class Meetings(Abi):
    def caller(self, header, *arguments):
        program = os.path.join(self.folder, "caller-" + header)
        self.compile(
            "-Wall", "-Wextra", "-Werror", "-g", "-I" + self.include[header], CALLER, "-o", program, *arguments
        )
        return program

    def works(self, program):
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        done = run(program, BERT, GPT2, os.path.join(self.folder, "out.gguf"), env=environment)
        self.assertEqual((done.returncode, done.stdout), (0, "ok\n"), done.stderr)
        lie = run(program, "--lie", GPT2, env=environment)
        self.assertNotEqual(lie.returncode, 0, "the fence behind a struct does not hold")

    def test_programs_old_and_new_with_todays_library(self):
        folder = os.path.dirname(LIBRARY)
        for header in ("first", "today", "newer"):
            with self.subTest(header):
                self.works(self.caller(header, "-L" + folder, "-lllmcs", "-Wl,-rpath," + folder))

    def test_programs_old_and_new_with_a_library_to_come(self):
        objects = self.library_to_come()
        for header in ("first", "today", "newer"):
            with self.subTest(header):
                self.works(self.caller(header, *ASAN, *objects, *LIBRARIES))

    def library_to_come(self):
        """The objects of a library with the newer header."""
        flags = [
            "-std=c11",
            "-D_GNU_SOURCE",
            "-DLLMCS_BUILD",
            "-include",
            os.path.join(self.include["newer"], "llmcs.h"),
            "-I" + os.path.join(ROOT, "include"),
            "-I" + os.path.join(ROOT, "lib"),
            "-ffp-contract=off",
            "-fwrapv",
            "-fno-strict-aliasing",
            "-fexceptions",
            "-w",
            *ASAN,
        ]
        sources, objects = [], []
        for folder, _, files in os.walk(os.path.join(ROOT, "lib")):
            for file in sorted(f for f in files if f.endswith(".c")):
                name = os.path.relpath(os.path.join(folder, file), ROOT)
                built = os.path.join(BUILD, "obj", name[:-2] + ".o")
                if name.startswith("lib/shop/"):  # a library of its own
                    continue
                if not name.startswith("lib/kernels/"):
                    sources.append(name)
                elif not name.startswith("lib/kernels/openblas/plugin/") and os.path.exists(built):
                    objects.append(built)
        compiled = [os.path.join(self.folder, s.replace("/", "-")[:-2] + ".o") for s in sources]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            done = list(
                pool.map(lambda s, o: run(*CC, *flags, "-c", os.path.join(ROOT, s), "-o", o), sources, compiled)
            )
        for d in done:
            self.assertEqual(d.returncode, 0, d.stderr)
        return compiled + objects


class Promises(Abi):
    def test_structs_only_grow_and_only_at_their_ends(self):
        names = headers.growing(FIRST) + headers.frozen(FIRST)
        self.assertGreater(len(headers.growing(FIRST)), 15)
        self.assertEqual({n for n in headers.growing(TODAY) if n in names}, set(headers.growing(FIRST)))
        self.assertEqual({n for n in headers.frozen(TODAY) if n in names}, set(headers.frozen(FIRST)))
        wanted = []
        for name in names:
            wanted.append("sizeof(%s)" % name)
            for field in headers.fields(FIRST, name):
                wanted += ["offsetof(%s, %s)" % (name, field), "sizeof(((%s *)0)->%s)" % (name, field)]
        first, today = self.values("first", wanted), self.values("today", wanted)
        for expression in wanted:
            if not expression.startswith("sizeof(llmcs_"):
                self.assertEqual(today[expression], first[expression], expression)
        for name in names:
            old, new = headers.fields(FIRST, name), headers.fields(TODAY, name)
            self.assertEqual(new[: len(old)], old, name)
            size = first["sizeof(%s)" % name]
            if name in headers.frozen(FIRST):
                self.assertEqual((new, today["sizeof(%s)" % name]), (old, size), "%s is frozen" % name)
            for field, offset in self.values(
                "today", ["offsetof(%s, %s)" % (name, f) for f in new[len(old) :]]
            ).items():
                self.assertGreaterEqual(offset, size, "%s lies in the padding of older callers" % field)

    def test_constants_keep_their_values(self):
        pattern = r"^ +(LLMCS_\w+) = |^#define (LLMCS_(?!API\b|H\b|VERSION_)\w+) \S"
        names = [a or b for a, b in re.findall(pattern, headers.without_comments(FIRST), re.M)]
        self.assertGreater(len(names), 80)
        self.assertEqual(self.values("today", names), self.values("first", names))

    def test_no_function_has_left(self):
        def functions(text):
            return set(re.findall(r"LLMCS_API [^;(]*?(llmcs_\w+)\(", headers.without_comments(text)))

        self.assertGreater(len(functions(FIRST)), 60)
        self.assertEqual(functions(FIRST) - functions(TODAY), set())

    def test_a_program_of_0_1_neither_links_nor_starts(self):
        """Its *_init functions and its soname are gone: it is refused before it can overrun anything."""
        source, program = os.path.join(self.folder, "old.c"), os.path.join(self.folder, "old")
        with open(source, "w") as f:
            f.write(
                "#include <llmcs.h>\nint main(void) {\nllmcs_model_options o;\nllmcs_model_options_init(&o);\n"
                "llmcs_model *m = 0;\nreturn llmcs_model_open(\"x\", &o, &m);\n}\n"
            )
        folder = os.path.dirname(LIBRARY)
        for old in sorted(f for f in os.listdir(HERE) if f.startswith("llmcs-0.1")):
            include = self.header_folder(old[:-2], {"llmcs.h": read(HERE, old)})
            done = run(*CC, "-I" + include, source, "-L" + folder, "-lllmcs", "-o", program)
            self.assertNotEqual(done.returncode, 0, old)
            self.assertIn("llmcs_model_options_init", done.stderr)
        stub, library = os.path.join(self.folder, "stub.c"), os.path.join(self.folder, "libllmcs.so.0")
        with open(stub, "w") as f:
            f.write("int llmcs_model_options_init(void *o) { return !o; }\nint llmcs_model_open(void) { return 0; }\n")
        self.compile("-w", "-shared", "-fPIC", stub, "-Wl,-soname,libllmcs.so.0", "-o", library)
        self.compile("-I" + include, source, library, "-o", program)
        environment = {**os.environ, "LD_LIBRARY_PATH": self.folder}
        self.assertEqual(run(program, env=environment).returncode, 0)
        os.remove(library)
        os.symlink(LIBRARY, os.path.join(self.folder, "libllmcs.so.1"))  # alone: build folders may hold old ones
        done = run(program, env=environment)
        self.assertEqual(done.returncode, 127)
        self.assertIn("libllmcs.so.0", done.stderr)


if __name__ == "__main__":
    unittest.main()
