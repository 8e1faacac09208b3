"""Manual pages and completions: made of what the programs say, complete, and fit for man, mandoc, bash and zsh.

usage: test_man.py [-v]   after `make man`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import glob
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest

from package import BUILD, ROOT, clean_environment, main, need, run

sys.path.insert(0, os.path.join(ROOT, "tools", "package"))
import commands  # pylint: disable=wrong-import-position

PAGES = os.path.join(BUILD, "man")
BASH, ZSH = os.path.join(BUILD, "completions", "bash"), os.path.join(BUILD, "completions", "zsh")
PROGRAMS = [p for p in ("llmcs", "llmcs-shop", "llmcs-bench", "llmcs-server") if os.path.exists(os.path.join(BUILD, "bin", p))]
# Completes the words of a line as bash does, and prints what it found.
ASK_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
compopt() { echo "compopt $*" >&2; }
$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\) .*/\\1/') "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def programs():
    return [commands.Program(os.path.join(BUILD, "bin", name)) for name in PROGRAMS]


class Man(unittest.TestCase):
    def text(self, page):
        return re.sub(r"\s+", " ", run("mandoc", "-T", "utf8", "-O", "width=200", os.path.join(PAGES, page + ".1")).replace("\b", "\0"))

    def test_every_command_says_what_it_does(self):
        """Asking for help crashed where a command had no line of arguments."""
        for program in programs():
            for name in program.commands:
                with self.subTest("%s %s" % (program.name, name)):
                    self.assertEqual(commands.ask(program.binary, "help", name), commands.ask(program.binary, name, "--help"))
            for row in program.help.options + [row for c in program.commands.values() for row in c.options]:
                self.assertTrue(row.text, "%s: %s is not explained" % (program.name, row.head))

    def test_a_page_for_each_program_and_command(self):
        expected = {name for p in programs() for name in [p.name] + ["%s-%s" % (p.name, c) for c in p.commands]}
        self.assertEqual({os.path.basename(f)[:-2] for f in glob.glob(PAGES + "/*.1")}, expected)
        self.assertGreater(len(expected), 45)

    def test_lint(self):
        need(self, "mandoc")
        pages = sorted(glob.glob(PAGES + "/*.1"))
        self.assertEqual(run("mandoc", "-T", "lint", "-W", "style", *pages), "")
        if os.path.exists("/usr/bin/man"):
            for page in pages:
                done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True, text=True,
                                      env=clean_environment(MANWIDTH="80", LC_ALL="C.UTF-8", MANROFFSEQ=""), check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    def test_pages_say_what_help_says(self):
        need(self, "mandoc")
        for program in programs():
            for name, help_ in [(None, program.help)] + list(program.commands.items()):
                page = re.sub("(.)\0\\1|_\0(.)", r"\1\2", self.text(program.name + ("-" + name if name else "")))
                for row in help_.rows:
                    with self.subTest("%s %s: %s" % (program.name, name or "", row.head)):
                        self.assertIn(row.head, page)
                        self.assertIn(re.sub(r"\s+", " ", row.text), page)
                for word in re.findall(r"\S+", help_.summary):
                    self.assertIn(word, page)

    def test_text_is_never_a_request(self):
        """A line that begins with a dot or an apostrophe, or has a backslash, is text."""
        import man
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "page.1")
            text = ".so /etc/passwd\n'tis\n\\n is a line end, \\fBnot bold\\fR ~ ^ ` \"quoted\" -x"
            with open(page, "w", encoding="utf-8") as f:
                f.write(".TH X 1 2026-01-01\n.SH NAME\nx \\- y\n.SH NOTES\n" + man.paragraph(text) + "\n")
            shown = run("mandoc", "-T", "ascii", page) if need(self, "mandoc") is None else ""
            for line in text.split("\n"):
                self.assertIn(line, shown.replace("\b", ""))


class Completions(unittest.TestCase):
    def bash(self, *words):
        need(self, "bash")
        said = run("bash", "--norc", "-c", ASK_BASH, "_", os.path.join(BASH, words[0]), *words)
        return set(said.split())

    def test_bash(self):
        for name in PROGRAMS:
            run("bash", "-n", os.path.join(BASH, name))
        self.assertEqual(self.bash("llmcs", "gen"), {"generate"})
        self.assertIn("translate", self.bash("llmcs", ""))
        self.assertEqual(self.bash("llmcs", "help", "tok"), {"tokenize"})
        self.assertEqual(self.bash("llmcs", "classify", "folder", "--weights", "in"), {"int8", "int4"})
        self.assertEqual(self.bash("llmcs", "generate", "folder", "--top"), {"--top-k", "--top-p"})
        self.assertEqual(self.bash("llmcs", "index", "b"), {"build"})
        self.assertEqual(self.bash("llmcs", "index", "build", "x", "--metric", ""), {"cosine", "dot", "l2"})
        self.assertEqual(self.bash("llmcs-shop", "import-p"), {"import-products"})
        self.assertEqual(self.bash("llmcs-shop", "promote", "shop.db", "--mode", "c"), {"canary"})
        self.assertEqual(self.bash("llmcs-bench", "to"), {"tokenizer"})
        self.assertEqual(self.bash("llmcs", "classify", "fold"), set())  # bash's own file names

    def test_bash_offers_every_option(self):
        for program in programs():
            for name, help_ in program.commands.items():
                if name not in program.words:
                    found = self.bash(program.name, name, "argument", "--")
                    self.assertEqual(found, {row.option for row in help_.options}, "%s %s" % (program.name, name))

    def test_zsh_accepts_the_files(self):
        need(self, "zsh")
        for name in PROGRAMS:
            run("zsh", "-n", os.path.join(ZSH, "_" + name))

    def test_zsh_completes_at_a_terminal(self):
        need(self, "zsh")
        with tempfile.TemporaryDirectory() as home:
            with open(os.path.join(home, ".zshrc"), "w", encoding="utf-8") as f:
                f.write("PS1='READY> '\nfpath=('%s' $fpath)\nautoload -U compinit\ncompinit -u -d '%s/dump'\n" % (ZSH, home) +
                        "zstyle ':completion:*' list-prompt ''\nLISTMAX=1000\nunsetopt promptsp automenu\n")
            pid, terminal = pty.fork()
            if pid == 0:
                os.execvpe("zsh", ["zsh", "-i"], clean_environment(HOME=home, ZDOTDIR=home, TERM="dumb", COLUMNS="150", LINES="200"))
            try:
                self.wait(terminal, "READY> ")
                for i, (typed, expected) in enumerate((("llmcs gen\t", ["generate "]), ("llmcs classify x --weights \t\t", ["int8", "bf16"]),
                                        ("llmcs-shop promote shop.db --mo\t", ["--mode"]), ("llmcs-shop import-\t\t", ["import-orders"]),
                                        ("llmcs generate x --top-\t\t", ["--top-k", "sample among the k most"]),
                                        ("llmcs index \t\t", ["build", "search"]), ("llmcs-bench --dis\t", ["--distribution"]))):
                    os.write(terminal, typed.encode())
                    for text in expected:
                        self.wait(terminal, text, typed)
                    os.write(terminal, b"\x15print end $((100 + %d))\n" % i)  # the shell waits for the next line
                    self.wait(terminal, "end %d" % (100 + i))
                    self.wait(terminal, "READY> ")
            finally:
                os.write(terminal, b"\x03\x15exit\n")
                time.sleep(0.1)
                os.close(terminal)
                os.waitpid(pid, 0)

    seen = ""

    def wait(self, terminal, text, typed=""):
        """Reads until `text` came. What follows it stays for the next call."""
        end = time.monotonic() + 60
        while text not in self.seen:
            ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, "%r was not shown after %r; shown: %r" % (text, typed, self.seen))
            self.seen += os.read(terminal, 4096).decode("utf-8", "replace").replace("\a", "")
        if not typed:
            self.seen = self.seen.split(text, 1)[1]


if __name__ == "__main__":
    main()
