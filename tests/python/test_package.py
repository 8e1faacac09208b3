"""The package as pip installs it, from an empty folder and without a network: alone and with the libraries inside; what
is said where no library loads; types, as mypy --strict sees them.

usage: test_package.py [-v]   after `make`. $LLMCS_LIBRARY names another build.
"""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

from support import BERT, GPT2, PACKAGE, ROOT, llmcs, skip

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = os.path.dirname(llmcs.library_path())
ENCODER = os.path.join(ROOT, "examples", "models", "shop-encoder")
NEEDED = ("pip", "setuptools", "wheel", "venv")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # with Debian's packages


def header_version():
    with open(os.path.join(ROOT, "include", "llmcs.h"), encoding="utf-8") as f:
        return ".".join(re.findall(r"^#define LLMCS_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", f.read(), re.M))


def environment(**more):
    """Without what points at this build or this source tree."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LLMCS_", "PYTHON", "PIP_", "LD_"))}
    return {**kept, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", **more}


def run(*command, cwd=None, check=True, **env):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, env=environment(**env))
    if check and done.returncode:
        raise AssertionError("%s\n%s\n%s" % (" ".join(command), done.stdout, done.stderr))
    return done


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        missing = [n for n in NEEDED if subprocess.run([PYTHON, "-c", "import " + n], capture_output=True).returncode]
        if missing:
            print("SKIPPED test_package: %s has no %s (make deps-dev)" % (PYTHON, ", ".join(missing)), flush=True)
            raise unittest.SkipTest("needs " + ", ".join(missing))
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = os.path.join(temporary.name, "with spaces")
        cls.empty = os.path.join(cls.folder, "empty")
        os.makedirs(cls.empty)
        before = cls.tree()
        cls.alone = cls.environment("alone")
        run(cls.alone, "-m", "pip", "install", "-q", "--no-build-isolation", PACKAGE, cwd=cls.empty)
        cls.dist = os.path.join(cls.folder, "dist")
        run(PYTHON, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", cls.dist, PACKAGE,
            LLMCS_BUNDLE=os.path.relpath(LIBRARIES, cls.empty), PWD=cls.empty, cwd=cls.empty)  # fmt: skip
        cls.wheel = os.path.join(cls.dist, os.listdir(cls.dist)[0])
        cls.whole = cls.environment("whole")
        run(cls.whole, "-m", "pip", "install", "-q", cls.wheel, cwd=cls.empty)
        cls.untouched = before == cls.tree()

    @staticmethod
    def tree():
        return sorted(os.path.join(d, f) for d, _, files in os.walk(PACKAGE) for f in files if "__pycache__" not in d)

    @classmethod
    def environment(cls, name):
        path = os.path.join(cls.folder, name)
        run(PYTHON, "-m", "venv", "--system-site-packages", "--without-pip", path)
        return os.path.join(path, "bin", "python")

    def test_the_source_tree_stays_as_it_was(self):
        self.assertTrue(self.untouched)

    def test_version_and_tags(self):
        version = header_version()
        ask = "import importlib.metadata as m, llmcs; print(m.version('llmcs'), llmcs.version())"
        self.assertEqual(run(self.whole, "-c", ask, cwd=self.empty).stdout.split(), [version] * 2)
        machine = os.uname().machine
        self.assertEqual(os.path.basename(self.wheel), "llmcs-%s-py3-none-linux_%s.whl" % (version, machine))
        with zipfile.ZipFile(self.wheel) as z:
            names = set(z.namelist())
            self.assertIn("Tag: py3-none-linux_" + machine, z.read("llmcs-%s.dist-info/WHEEL" % version).decode())
        for name in ("lib/libllmcs.so.1", "lib/libllmcs_shop.so.0", "LICENSE", "py.typed"):
            self.assertIn("llmcs/" + name, names)
        for package in ("llmcs", "llmcs_shop"):  # no module is forgotten
            for folder, _, files in os.walk(os.path.join(PACKAGE, package)):
                for f in (f for f in files if f.endswith((".py", ".typed"))):
                    self.assertIn(os.path.relpath(os.path.join(folder, f), PACKAGE), names)

    def test_the_wheel_needs_nothing_of_the_source_tree(self):
        site = os.path.realpath(os.path.join(self.folder, "whole"))
        for line in run(self.whole, "-m", "llmcs", cwd=self.empty).stdout.splitlines():
            self.assertTrue(line.split(": ")[1].startswith(site), line)
        examples = os.path.join(self.empty, "examples.py")
        shutil.copy(os.path.join(HERE, "typed_examples.py"), examples)
        done = run(self.whole, examples, BERT, GPT2, ENCODER, cwd=self.empty)
        self.assertIn("[1, 2]", done.stdout)

    def test_the_tests_pass_installed(self):
        for name in ("test_inputs.py", "test_spans.py"):
            done = run(self.whole, os.path.join(HERE, name), cwd=self.empty, check=False, LLMCS_INSTALLED="1")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stderr, r"Ran \d+ tests[^\0]*OK")

    def test_alone_it_finds_the_systems_library(self):
        found = run(self.alone, "-m", "llmcs", cwd=self.empty, LD_LIBRARY_PATH=LIBRARIES).stdout
        self.assertEqual(found.count(os.path.realpath(LIBRARIES)), 2, found)
        error = run(self.alone, "-c", "import llmcs", cwd=self.empty, check=False).stderr
        if "ImportError" in error:  # no library is installed on this machine
            for part in ("libllmcs.so.1 (the wheel's own): no such file", "(the system's loader)", "make install"):
                self.assertIn(part, error)

    def test_a_library_inside_that_does_not_load_is_named_with_the_reason(self):
        copy = os.path.join(self.folder, "broken")
        os.makedirs(os.path.join(copy, "llmcs", "lib"))
        for f in os.listdir(os.path.join(PACKAGE, "llmcs")):
            if f.endswith(".py"):
                shutil.copy(os.path.join(PACKAGE, "llmcs", f), os.path.join(copy, "llmcs"))
        library = os.path.join(copy, "llmcs", "lib", "libllmcs.so.1")
        with open(library, "wb") as f:
            f.write(b"\x7fELF of another machine" * 10)
        for expected in (library + " (the wheel's own)", "another kind of machine"):
            self.assertIn(expected, run(PYTHON, "-c", "import llmcs", cwd=copy, check=False).stderr)
        source, needed = os.path.join(copy, "e.c"), os.path.join(copy, "libneeded.so")
        with open(source, "w") as f:
            f.write("int llmcs_nothing;\n")
        cc = shlex.split(os.environ.get("CC", "cc"))
        run(*cc, "-shared", "-fPIC", source, "-o", needed)
        run(*cc, "-shared", "-fPIC", source, "-o", library, "-Wl,--no-as-needed", "-L" + copy, "-lneeded")
        os.remove(needed)
        error = run(PYTHON, "-c", "import llmcs", cwd=copy, check=False).stderr
        self.assertIn("it needs libneeded.so, which is not installed", error)
        run(*cc, "-shared", "-fPIC", source, "-o", library)
        error = run(PYTHON, "-c", "import llmcs", cwd=copy, check=False).stderr
        self.assertIn("is not libllmcs: it lacks llmcs_version", error)

    def test_a_wheel_of_nothing_is_refused(self):
        done = run(PYTHON, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", self.dist, PACKAGE,
                   check=False, cwd=self.empty, LLMCS_BUNDLE=self.empty)  # fmt: skip
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("libllmcs.so.1 does not exist; build the libraries first: make", done.stdout + done.stderr)


class Typed(unittest.TestCase):
    def test_mypy_strict(self):
        if importlib.util.find_spec("mypy"):
            mypy = [sys.executable, "-m", "mypy"]
        elif shutil.which("mypy"):
            mypy = [shutil.which("mypy")]
        else:
            skip(self, "no mypy (Debian: mypy)")
        version = re.search(r"(\d+)\.(\d+)", subprocess.check_output([*mypy, "--version"], text=True))
        older = (int(version.group(1)), int(version.group(2))) < (1, 4)  # which ignores were needed is judged since
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [*mypy, "--strict", "--cache-dir", cache, *(["--no-warn-unused-ignores"] if older else []),
                 "-p", "llmcs", "-p", "llmcs_shop", "-m", "typed_examples"],
                cwd=PACKAGE, capture_output=True, text=True,
                env={**os.environ, "MYPYPATH": PACKAGE + os.pathsep + HERE},
            )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
