"""What README.md and README.zh-CN.md show is run: their C programs are compiled and run, their Python snippets are
run, and the lines of shell that use the demo models are run.

usage: test_readme.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "server"))
from server import Server  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.dirname(os.path.abspath(os.path.join(ROOT, os.environ.get("LLMCS_BIN", "build/bin"))))
LIB = os.path.join(BUILD, "lib")
PAGES = ("README.md", "README.zh-CN.md")


def blocks(page, language):
    with open(os.path.join(ROOT, page), encoding="utf-8") as f:
        return re.findall(r"^```%s\n(.*?)^```" % language, f.read(), re.S | re.M)


class Readme(unittest.TestCase):
    def run_it(self, command, **more):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, **more)
        self.assertEqual(done.returncode, 0, "%s\n%s" % (command, done.stderr.decode("utf-8", "replace")))
        self.assertTrue(done.stdout.strip(), command)
        return done.stdout.decode("utf-8")

    def test_c_programs(self):
        for page in PAGES:
            programs = blocks(page, "c")
            self.assertTrue(programs, page)
            for source in programs:
                with self.subTest(page), tempfile.TemporaryDirectory() as folder:
                    program = os.path.join(folder, "shop")
                    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-x", "c", "-", "-Iinclude", "-L" + LIB, "-lllmcs",
                                    "-Wl,-rpath," + LIB, "-o", program], cwd=ROOT, input=source.encode(), check=True)
                    self.run_it([program])

    def test_python_snippets(self):
        for page in PAGES:
            snippets = blocks(page, "python")
            self.assertTrue(snippets, page)
            for source in snippets:
                with self.subTest(page):
                    environment = dict(os.environ, LLMCS_LIBRARY=os.path.join(LIB, "libllmcs.so"), PYTHONIOENCODING="utf-8",
                                       PYTHONPATH=os.path.join(ROOT, "tools", "python"))
                    self.run_it([sys.executable, "-c", source], env=environment)

    def test_lines_of_shell_on_the_demo_models(self):
        for page in PAGES:
            lines = [line for block in blocks(page, "sh") for line in block.splitlines() if "examples/models/" in line and "tools/train/" not in line and "llmcs-server" not in line]  # tools/train/test_train.sh trains
            with open(os.path.join(ROOT, page), encoding="utf-8") as f:
                lines += ["build/bin/" + command for row in f if row.startswith("|")
                          for command in re.findall(r"`(llmcs(?:-shop)? [^`]*examples/models/[^`]*)`", row)
                          if "<" not in command and not command.startswith("llmcs-shop init")]
            self.assertGreater(len(lines), 3, page)
            for line in lines:
                with self.subTest(line):
                    self.assertNotIn('"error"', self.run_it(line.replace("build/", BUILD + "/"), shell=True))

    def test_the_demo_shops_store(self):
        with tempfile.TemporaryDirectory() as folder:
            store = os.path.join(folder, "shop.db")
            subprocess.run(["examples/shop/import.sh", store], cwd=ROOT, check=True, capture_output=True, env=dict(os.environ, BUILD=BUILD))
            for page in PAGES:
                with open(os.path.join(ROOT, page), encoding="utf-8") as f:
                    rows = re.findall(r"\| `(llmcs-shop (?:ask|recommend|chat|audit) shop\.db [^`]*)`", f.read())
                self.assertEqual(len(rows), 4, page)
                for row in rows:
                    with self.subTest(row):
                        self.run_it(os.path.join(BUILD, "bin", "") + row.replace("shop.db", store), shell=True, input=b"hello\n")

    def test_the_server(self):
        with tempfile.TemporaryDirectory() as folder:
            store = os.path.join(folder, "shop.db")
            subprocess.run(["examples/shop/import.sh", store], cwd=ROOT, check=True, capture_output=True, env=dict(os.environ, BUILD=BUILD))
            for page in PAGES:
                lines = [line for block in blocks(page, "sh") for line in block.splitlines() if "bin/llmcs-server" in line]
                self.assertEqual(len(lines), 1, page)
                arguments = lines[0].split("#")[0].replace("shop.db", store).split()[1:]
                with Server({}, *arguments) as server:
                    self.assertEqual(len(server.get("/v1/models").json["data"]), 1)
                    reply = server.post("/shop/turn", {"conversation": page, "customer": "c001", "text": "Where is my order?"})
                    self.assertEqual((reply.status, reply.json["route"]), (200, "flow"), reply.body)

    def test_both_pages_show_the_same_commands(self):
        shown = [[line.split("#")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()
                  if line.startswith(("make", "build/bin", "git clone"))] for page in PAGES]
        self.assertEqual(*shown)


if __name__ == "__main__":
    unittest.main()
