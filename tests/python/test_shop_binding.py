"""The Python module of the shop layer against its headers: structs, functions, annotations.

usage: test_shop_binding.py [-v]    ($LLMCS_LIBRARY and $LLMCS_SHOP_LIBRARY name another build)
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

from support import PACKAGE, ROOT
import llmcs_shop
from llmcs_shop import _native

sys.path.insert(0, os.path.join(ROOT, "tests", "abi"))
import headers  # noqa: E402

FOLDER = os.path.join(PACKAGE, "llmcs_shop")
HEADER = headers.without_comments(headers.joined(headers.read(os.path.join(ROOT, "include"), "llmcs_shop.h")))
STRUCTS = {
    v.__name__: v
    for v in vars(_native).values()
    if isinstance(v, type) and issubclass(v, ctypes.Structure) and v.__name__.startswith("llmcs_shop_")
}


def sources():
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith(".py"):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
                yield ast.parse(f.read())


class Header(unittest.TestCase):
    def test_every_struct_of_the_headers_is_here(self):
        declared = set(re.findall(r"^typedef struct (llmcs_\w+) \{", HEADER, re.M))
        self.assertGreater(len(declared), 20)
        self.assertEqual(declared, set(STRUCTS))

    def test_sizes_and_offsets_are_those_of_the_headers(self):
        lines = []
        for name, struct in STRUCTS.items():
            lines.append('printf("%s %%zu\\n", sizeof(%s));' % (name, name))
            for field, _ in struct._fields_:
                values = (name, field, name, field, name, field)
                lines.append('printf("%s.%s %%zu %%zu\\n", offsetof(%s, %s), sizeof ((%s *)0)->%s);' % values)
        program = "#include <llmcs_shop.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n%s\nreturn 0;\n}\n"
        with tempfile.TemporaryDirectory() as folder:
            source, out = os.path.join(folder, "sizes.c"), os.path.join(folder, "sizes")
            with open(source, "w") as f:
                f.write(program % "\n".join(lines))
            compiler = shlex.split(os.environ.get("CC", "cc"))
            subprocess.run([*compiler, "-I" + os.path.join(ROOT, "include"), source, "-o", out], check=True)
            found = dict(line.split(" ", 1) for line in subprocess.check_output([out], text=True).splitlines())
        for name, struct in STRUCTS.items():
            self.assertEqual(found[name], str(ctypes.sizeof(struct)), name)
            for field, _ in struct._fields_:
                d = getattr(struct, field)
                self.assertEqual(found["%s.%s" % (name, field)], "%d %d" % (d.offset, d.size), "%s.%s" % (name, field))

    def test_every_function_of_the_headers_is_bound(self):
        declared = set(re.findall(r"LLMCS_SHOP_API [^;(]*?(llmcs_\w+)\(", HEADER))
        self.assertGreater(len(declared), 20)
        self.assertEqual(declared, set(_native.FUNCTIONS))

    def test_every_function_takes_as_many_arguments_as_in_the_headers(self):
        for name, arguments in re.findall(r"LLMCS_SHOP_API [^;(]*?(llmcs_\w+)\(([^;]*)\);", HEADER):
            n = 0 if arguments.strip() == "void" else arguments.count(",") + 1
            self.assertEqual(len(_native.FUNCTIONS[name]) - 1, n, name)

    def test_every_function_can_be_reached(self):
        """Each bound function is called somewhere in the module; *_init_sized by initialised(struct)."""
        used = set()
        for tree in sources():
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and node.attr.startswith("llmcs_shop_"):
                    used.add(node.attr)
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "initialised":
                    struct = getattr(_native, getattr(node.args[0], "id", ""), None)
                    used.add("%s_init_sized" % struct.__name__ if struct else "")
        used |= {name[: -len("_by")] for name in used if name.endswith("_by")}  # the same call, with who makes it
        self.assertEqual(set(_native.FUNCTIONS) - used, set())


class Module(unittest.TestCase):
    def test_version(self):
        self.assertEqual(llmcs_shop.__version__, llmcs_shop.version())
        parts = [re.search(r"LLMCS_SHOP_VERSION_%s (\d+)" % part, HEADER).group(1) for part in ("MAJOR", "MINOR")]
        self.assertTrue(llmcs_shop.version().startswith(".".join(parts) + "."))

    def test_everything_public_is_annotated_and_described(self):
        self.assertTrue(os.path.exists(os.path.join(FOLDER, "py.typed")))
        names = {}
        for module in [m for name, m in sys.modules.items() if name.startswith("llmcs_shop._")]:
            names.update(vars(module))
        for name in llmcs_shop.__all__:
            thing = getattr(llmcs_shop, name)
            self.assertTrue(thing.__doc__, name)
            functions = {name: thing} if not isinstance(thing, type) else {
                "%s.%s" % (name, n): getattr(f, "fget", f)
                for n, f in vars(thing).items()
                if not n.startswith("_") and (callable(f) or isinstance(f, property))
            }
            if isinstance(thing, type) and issubclass(thing, tuple):
                continue
            for label, function in functions.items():
                function = getattr(function, "__func__", function)  # of a classmethod
                self.assertTrue(function.__doc__, label)
                self.assertIn("return", function.__annotations__, label)
                n = function.__code__.co_argcount + function.__code__.co_kwonlyargcount
                for argument in function.__code__.co_varnames[:n]:
                    if argument not in ("self", "cls"):
                        self.assertIn(argument, function.__annotations__, label)
                typing.get_type_hints(function, None, names)

    def import_with(self, **environment):
        command = [sys.executable, "-c", "import llmcs_shop"]
        done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, env={**os.environ, **environment})
        return done.stderr

    def test_a_library_that_does_not_fit_is_refused_by_name(self):
        source = 'const char *llmcs_shop_version(void) { return "%s"; }\nconst char *llmcs_version(void) { return "9"; }\n'
        with tempfile.TemporaryDirectory() as folder:
            for version, expected in (("0.0.9", "0.0.9"), ("0.1.0", "another libllmcs")):
                path, library = os.path.join(folder, "old.c"), os.path.join(folder, version + ".so")
                with open(path, "w") as f:
                    f.write(source % version)
                subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", path, "-o", library], check=True)
                error = self.import_with(LLMCS_SHOP_LIBRARY=library)
                self.assertIn("ImportError", error)
                self.assertIn(expected, error)
        self.assertIn("make", self.import_with(LLMCS_SHOP_LIBRARY="/nothing.so"))


if __name__ == "__main__":
    unittest.main()
