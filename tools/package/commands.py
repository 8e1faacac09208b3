"""What the programs say about themselves: `PROGRAM help` and `PROGRAM help COMMAND`, read into plain structures.

man.py and completions.py have no other source, so that neither can differ from --help. The form is that of
tools/cli/help.c: usage lines, a summary, rows of two columns (commands or options), paragraphs.
"""
import os
import re
import subprocess

WIDTH = 92  # CLI_WIDTH of tools/cli/cli.h
ROW = re.compile(r"^  (\S.*?)(?:  +(\S.*))?$")
OPTION = re.compile(r"^(--[a-z0-9][a-z0-9-]*)(?:[ =](\S+))?$")
CHOICES = re.compile(r": ([a-z0-9_.-]+(?:, [a-z0-9_.-]+)+)$")


class HelpError(Exception):
    pass


class Row:
    """A command or an option: its left column, and the text to its right."""

    def __init__(self, head, text, column):
        self.head, self.lines, self.column = head, [text] if text else [], column
        found = OPTION.match(head)
        self.option, self.hint = (found[1], found[2]) if found else (None, None)

    @property
    def text(self):
        return unwrap(self.lines, self.column)

    @property
    def choices(self):
        """The values of an option that takes one of a list."""
        found = CHOICES.search(self.text) if self.hint in ("NAME", "LIST") else None
        return found[1].split(", ") if found else []


class Help:
    """program, command (None: of the program), usage, summary, rows (options and entries), paragraphs after them."""

    def __init__(self, program, command, text):
        self.program, self.command = program, command
        self.usage, self.summary, self.rows, self.paragraphs = [], "", [], []
        lines = text.rstrip("\n").split("\n")
        while lines and (lines[0].startswith("usage: ") or self.usage and lines[0].startswith("       ")):
            self.usage.append(lines.pop(0)[len("usage: "):])
        if not self.usage:
            raise HelpError("%s help %s: found no usage line" % (program, command or ""))
        if lines and lines[0]:
            block = []
            while lines and lines[0] and not lines[0].startswith("  "):
                block.append(lines.pop(0))
            self.summary = unwrap(block)
        self._body(lines)

    def _body(self, lines):
        block, in_row = [], False
        for line in lines + [""]:
            row = ROW.match(line)
            if in_row and line.startswith(" " * 6):
                self.rows[-1].lines.append(line.strip())
                self.rows[-1].column = self.rows[-1].column or len(line) - len(line.lstrip())
                continue
            in_row = row is not None
            if line and not row:
                block.append(line)
                continue
            if block:
                self.paragraphs.append(unwrap(block))
                block = []
            if row:
                self.rows.append(Row(row[1], row[2], len(line) - len(row[2]) if row[2] else 0))

    @property
    def options(self):
        return [row for row in self.rows if row.option]

    @property
    def entries(self):
        return [row for row in self.rows if not row.option]


def unwrap(lines, column=0):
    """Joins what was wrapped: a line was broken where its next word would have passed WIDTH; other line ends stay."""
    text = lines[0] if lines else ""
    width = column + len(text)
    for line in lines[1:]:
        wrapped = column or width + 1 + len(line.split(" ", 1)[0]) > WIDTH - 2  # rows have no line ends of their own
        text += (" " if wrapped else "\n") + line
        width = column + len(line)
    return text


def ask(binary, *arguments):
    # The library that was built with the program, also where the program does not look there by itself (RPATH=0).
    library = os.path.join(os.path.dirname(os.path.abspath(binary)), "..", "lib")
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": library}
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise HelpError("%s %s: exit code %d, expected 0\n%s" % (binary, " ".join(arguments), done.returncode, done.stderr))
    return done.stdout


class Program:
    """A program, its help and that of its commands. Commands whose first argument is again a word have `words`."""

    def __init__(self, binary):
        self.binary, self.name = binary, os.path.basename(binary)
        self.help = Help(self.name, None, ask(binary, "--help"))
        self.commands, self.words = {}, {}
        if not self.help.usage[0].startswith(self.name + " COMMAND"):
            return
        for row in self.help.entries:
            command = Help(self.name, row.head, ask(binary, "help", row.head))
            self.commands[row.head] = command
            found = re.match(r"%s %s ([a-z]+(?:\|[a-z]+)+) " % (self.name, row.head), command.usage[0])
            if found:
                self.words[row.head] = {
                    word: Help(self.name, "%s %s" % (row.head, word), ask(binary, row.head, word, "--help"))
                    for word in found[1].split("|")
                }
