"""What has to agree in a release, and the HTML reference.

usage: test_release.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from package import BUILD, ROOT, Failed, main, make, need, run

sys.path.insert(0, os.path.join(ROOT, "tools", "package"))
import doxygen_filter  # pylint: disable=wrong-import-position

CHECK = os.path.join(ROOT, "tools", "package", "release-check.sh")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


VERSION = ".".join(re.findall(r"^#define LLMCS_VERSION_\w+ (\d+)", read("include", "llmcs.h"), re.M))


class Release(unittest.TestCase):
    def check(self, changes, code, *options):
        """release-check.sh on a copy of what it reads."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("CHANGELOG.md", "include/llmcs.h", "tools/package"):
                to = os.path.join(folder, name)
                os.makedirs(os.path.dirname(to), exist_ok=True)
                (shutil.copytree if os.path.isdir(os.path.join(ROOT, name)) else shutil.copy)(os.path.join(ROOT, name), to)
            for name, old, new in changes:
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    text = f.read()
                self.assertIn(old, text)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text.replace(old, new, 1))
            environment = dict(os.environ, BUILD=BUILD, VERSION=VERSION, SONAME="libllmcs.so.1", SHOP_SONAME="libllmcs_shop.so.0")
            if "--lint" not in options:
                git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org"]
                subprocess.run([*git, "init", "-q"], check=True)
                subprocess.run([*git, "add", "-A"], check=True)
                subprocess.run([*git, "commit", "-qm", "a"], check=True)
                for option in options:
                    subprocess.run([*git, *option.split(" ")], check=True)
            arguments = [o for o in options if o == "--lint"]
            return run("sh", os.path.join(folder, "tools", "package", "release-check.sh"), VERSION, *arguments, cwd=folder, env=environment,
                       code=code)

    def test_the_changelog_begins_with_the_version_of_the_header(self):
        self.assertEqual(self.check([], 0, "--lint"), "")
        self.assertIn("expected '## " + VERSION, self.check([("CHANGELOG.md", "## " + VERSION, "## 0.0.1")], 1, "--lint"))
        self.assertIn("has no date", self.check([("CHANGELOG.md", "## %s (2" % VERSION, "## %s (x" % VERSION)], 1, "--lint"))
        self.assertIn("llmcs_version", self.check([("include/llmcs.h", 'that runs, "' + VERSION, 'that runs, "0.0.1')], 1, "--lint"))
        self.assertIn("needs another package",
                      self.check([("tools/package/debian/control", "Package: libllmcs1\n", "Package: libllmcs2\n")], 1, "--lint"))

    def test_a_tag_is_of_this_commit_and_not_of_an_older_version(self):
        need(self, "git")
        lists = {"libllmcs1": "libllmcs.so.1", "libllmcs-shop0": "libllmcs_shop.so.0"}
        for package, library in lists.items():  # functions may be newer than the list; `make release-check` says so
            listed = set(re.findall(r"^ (\w+)@", read("tools", "package", "debian", package + ".symbols"), re.M))
            exported = set(re.findall(r" [TA] (\w+)(?:@|$)", run("nm", "-D", "--defined-only", os.path.join(BUILD, "lib", library)), re.M))
            self.assertEqual(listed - exported, set(), "another soname is needed")
            if listed != exported:
                self.assertIn("make deb-symbols", self.check([], 1))
                return
        self.assertIn("can be tagged", self.check([], 0))
        self.assertIn("can be tagged", self.check([], 0, "tag v" + VERSION))
        self.assertIn("is of another commit", self.check([], 1, "tag v" + VERSION, "commit -q --allow-empty -m b"))
        self.assertIn("is older than the tag", self.check([], 1, "tag v99.0.0"))
        self.assertIn("uncommitted", self.check([], 1, "rm -q --cached CHANGELOG.md"))


class Reference(unittest.TestCase):
    def test_comments_become_documentation(self):
        source = "\n".join([
            "/*", " * a.h - <b> and \\n.", " */", "", "/* ------------------------- part one */",
            "/* Opens *x. */", "LLMCS_API int x_open(void);", "LLMCS_API int x_open_again(void);", "",
            "typedef struct s {", "    int a; /* [0] 100 % */", "} s;", "LLMCS_API void s_free(s **x);",
            "", "/* Flags. */", "#define A 1 /* one */", "#define B 2 /* two */", "#endif", ""])
        lines = doxygen_filter.document(source).split("\n")
        self.assertEqual(lines[0:2], ["/** @file", " * a.h - \\<b> and \\\\n."])
        self.assertEqual(lines[4], "/** @name Part one */ /** @{ */")
        self.assertEqual(lines[5], "/** Opens \\*x. */")
        self.assertEqual(lines[7], "/** @copydoc x_open */ LLMCS_API int x_open_again(void);")
        self.assertEqual(lines[10], "    int a; /**< [0] 100 \\% */")
        self.assertTrue(lines[12].startswith("/** Frees"))
        self.assertEqual(lines[14:17], ["/* Flags. */", "#define A 1 /**< one */", "#define B 2 /**< two */"])

    def test_every_public_function_is_in_the_reference(self):
        need(self, "doxygen")
        out = os.path.join(tempfile.mkdtemp(), "build")
        self.addCleanup(shutil.rmtree, os.path.dirname(out))
        index = run("make", "-s", "-C", ROOT, "docs", "BUILD=" + out).splitlines()[-1]
        self.assertTrue(os.path.exists(index), index)
        pages = ""
        for name in os.listdir(os.path.dirname(index)):
            if name.endswith("_8h.html"):
                with open(os.path.join(os.path.dirname(index), name), encoding="utf-8") as f:
                    pages += f.read()
        listed = set(re.findall(r'memItemRight"[^>]*><a class="el" href="[^"]*">(\w+)</a>', pages))
        for library in ("libllmcs.so", "libllmcs_shop.so"):
            functions = set(re.findall(r" T (llmcs\w+)", run("nm", "-D", os.path.join(BUILD, "lib", library))))
            self.assertGreater(len(functions), 100)
            self.assertEqual(functions - listed, set())

    def test_a_function_without_a_comment_fails(self):
        need(self, "doxygen")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("include", "tools", "Makefile", "CHANGELOG.md"):
                path = os.path.join(ROOT, name)
                (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, os.path.join(folder, name))
            for name in os.listdir(os.path.join(folder, "include")):
                if name not in ("llmcs.h", "llmcs_shop.h"):
                    os.remove(os.path.join(folder, "include", name))
            with open(os.path.join(folder, "include", "llmcs.h"), "a", encoding="utf-8") as f:
                f.write("\n\nLLMCS_API int llmcs_unexplained(int a);\n")
            with self.assertRaises(Failed) as caught:
                run("make", "-s", "-C", folder, "docs", "BUILD=" + os.path.join(folder, "build"))
            self.assertIn("llmcs_unexplained", str(caught.exception))


if __name__ == "__main__":
    main()
