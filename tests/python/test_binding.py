"""The Python module against the header: structs, functions, statuses.

usage: test_binding.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import ast
import ctypes
import os
import re
import shlex
import subprocess
import sys
import tempfile
import typing
import unittest

from support import PACKAGE, ROOT, llmcs
from llmcs import _errors, _native

sys.path.insert(0, os.path.join(ROOT, "tests", "abi"))
import headers  # noqa: E402

HEADER = headers.without_comments(headers.joined(headers.read(os.path.join(ROOT, "include"))))
FOR_LIBRARIES = {"llmcs_set_error"}  # for libraries on top of this one, which are not written in Python
STRUCTS = {
    v.__name__: v
    for v in vars(_native).values()
    if isinstance(v, type) and issubclass(v, ctypes.Structure) and v.__name__.startswith("llmcs_")
}


class Header(unittest.TestCase):
    def test_every_struct_of_the_header_is_here(self):
        declared = set(re.findall(r"^typedef struct (llmcs_\w+) \{", HEADER, re.M))
        self.assertGreater(len(declared), 20)
        self.assertEqual(declared, set(STRUCTS))

    def test_sizes_and_offsets_are_those_of_the_header(self):
        lines = []
        for name, struct in STRUCTS.items():
            lines.append('printf("%s %%zu\\n", sizeof(%s));' % (name, name))
            for field, _ in struct._fields_:
                lines.append(
                    'printf("%s.%s %%zu %%zu\\n", offsetof(%s, %s), sizeof ((%s *)0)->%s);'
                    % (name, field, name, field, name, field)
                )
        with tempfile.TemporaryDirectory() as folder:
            source, program = os.path.join(folder, "sizes.c"), os.path.join(folder, "sizes")
            with open(source, "w") as out:
                out.write(
                    "#include <llmcs.h>\n#include <stdio.h>\nint main(void) {\n%s\nreturn 0;\n}\n" % "\n".join(lines)
                )
            subprocess.run(
                [*shlex.split(os.environ.get("CC", "cc")), "-I" + os.path.join(ROOT, "include"), source, "-o", program],
                check=True,
            )
            found = dict(line.split(" ", 1) for line in subprocess.check_output([program], text=True).splitlines())
        for name, struct in STRUCTS.items():
            self.assertEqual(found[name], str(ctypes.sizeof(struct)), name)
            for field, _ in struct._fields_:
                d = getattr(struct, field)
                self.assertEqual(found["%s.%s" % (name, field)], "%d %d" % (d.offset, d.size), "%s.%s" % (name, field))

    def test_every_function_of_the_header_is_bound(self):
        declared = set(re.findall(r"LLMCS_API [^;(]*?(llmcs_\w+)\(", HEADER))
        self.assertGreater(len(declared), 60)
        self.assertEqual(declared - FOR_LIBRARIES, set(_native.FUNCTIONS))

    def test_every_function_takes_as_many_arguments_as_in_the_header(self):
        for name, arguments in re.findall(r"LLMCS_API [^;(]*?(llmcs_\w+)\(([^;]*)\);", HEADER):
            if name in FOR_LIBRARIES:
                continue
            n = 0 if arguments.strip() == "void" else arguments.count(",") + 1
            self.assertEqual(len(_native.FUNCTIONS[name]) - 1, n, name)

    def test_every_function_can_be_reached(self):
        """Each bound function is called somewhere in the module; *_init_sized by initialised(struct)."""
        used = set()
        for file in sorted(os.listdir(os.path.join(PACKAGE, "llmcs"))):
            if not file.endswith(".py"):
                continue
            with open(os.path.join(PACKAGE, "llmcs", file), encoding="utf-8") as source:
                tree = ast.parse(source.read())
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and node.attr.startswith("llmcs_"):
                    used.add(node.attr)
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "initialised":
                    struct = getattr(_native, node.args[0].id, None) if isinstance(node.args[0], ast.Name) else None
                    used.add("%s_init_sized" % struct.__name__ if struct else "")
        used |= {name[: -len("_within")] for name in used if name.endswith("_within")}  # the same call, with limits
        self.assertEqual(set(_native.FUNCTIONS) - used, set())

    def test_every_status_has_its_name_and_its_exception(self):
        enum = re.search(r"typedef enum llmcs_status \{(.*?)\}", HEADER, re.S).group(1)
        names = {int(n): s for s, n in re.findall(r"LLMCS_([A-Z0-9_]+) = (\d+)", enum)}
        self.assertEqual(names, _native.STATUS)
        for number, name in names.items():
            self.assertEqual(_native.lib.llmcs_status_name(number).decode(), name)
        self.assertEqual(set(names.values()) - {"OK"}, set(_errors._CLASSES))


class Module(unittest.TestCase):
    def test_version(self):
        self.assertEqual(llmcs.__version__, llmcs.version())
        major, minor = (
            int(re.search(r"LLMCS_VERSION_%s (\d+)" % part, HEADER).group(1)) for part in ("MAJOR", "MINOR")
        )
        self.assertTrue(llmcs.version().startswith("%d.%d." % (major, minor)))

    def test_everything_public_is_annotated_and_described(self):
        self.assertTrue(os.path.exists(os.path.join(PACKAGE, "llmcs", "py.typed")))
        names = {}
        for module in (llmcs._chat, llmcs._tokenizer, llmcs._session, llmcs._engine, llmcs._index, llmcs._model):
            names.update(vars(module))
        for name in llmcs.__all__:
            thing = getattr(llmcs, name)
            self.assertTrue(thing.__doc__, name)
            functions = (
                {name: thing}
                if not isinstance(thing, type)
                else {
                    "%s.%s" % (name, n): getattr(f, "fget", f)
                    for n, f in vars(thing).items()
                    if not n.startswith("_") and (callable(f) or isinstance(f, property))
                }
            )
            if isinstance(thing, type) and (issubclass(thing, tuple) or issubclass(thing, Exception)):
                continue
            for label, function in functions.items():
                self.assertIn("return", getattr(function, "__annotations__", {}), label)
                n = function.__code__.co_argcount + function.__code__.co_kwonlyargcount
                for argument in function.__code__.co_varnames[:n]:
                    if argument not in ("self", "cls"):
                        self.assertIn(argument, function.__annotations__, label)
                typing.get_type_hints(function, None, names)

    def test_an_older_library_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            source, library = os.path.join(folder, "old.c"), os.path.join(folder, "libllmcs.so")
            with open(source, "w") as out:
                out.write('const char *llmcs_version(void);\nconst char *llmcs_version(void) { return "0.1.0"; }\n')
            subprocess.run(
                [*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", source, "-o", library], check=True
            )
            for path, expected in ((library, "0.1.0"), (os.path.join(folder, "nothing.so"), "make")):
                done = subprocess.run(
                    ["python3", "-c", "import llmcs"],
                    cwd=PACKAGE,
                    capture_output=True,
                    text=True,
                    env={**os.environ, "LLMCS_LIBRARY": path},
                )
                self.assertIn("ImportError", done.stderr)
                self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
