"""Builds the package; what can be said as data is in pyproject.toml.

    pip install --no-build-isolation tools/python                        # finds the library of the system
    LLMCS_BUNDLE=build/lib pip wheel --no-build-isolation --no-deps -w dist tools/python   # with the libraries inside

LLMCS_BUNDLE: a folder with libllmcs.so.1 and libllmcs_shop.so.0, which the wheel then contains; its tag names this platform.
"""

import atexit
import os
import re
import shutil
import subprocess
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution
from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIBRARIES = ("libllmcs.so.1", "libllmcs_shop.so.0")
OPTIONAL = ("libllmcs_openblas.so",)


def bundle():
    """$LLMCS_BUNDLE; a relative path from where pip was started (it builds here), or from the top of the source tree."""
    given = os.environ.get("LLMCS_BUNDLE", "")
    places = [os.path.join(start, given) for start in (os.environ.get("PWD", ROOT), ROOT)] if given else [""]
    return next((p for p in places if os.path.exists(os.path.join(p, LIBRARIES[0]))), places[0])


BUNDLE = bundle()


def version():
    """The library's, from its header; in a source distribution the one that was written into it."""
    header = os.path.join(ROOT, "include", "llmcs.h")
    if os.path.exists(header):
        with open(header, encoding="utf-8") as f:
            return ".".join(re.findall(r"^#define LLMCS_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", f.read(), re.M))
    with open(os.path.join(HERE, "PKG-INFO"), encoding="utf-8") as f:
        return re.search(r"^Version: (.+)", f.read(), re.M).group(1)


class BuildWithLibraries(build_py):
    def run(self):
        super().run()
        licence = os.path.join(ROOT, "LICENSE")
        if os.path.exists(licence):
            self.add(licence, "LICENSE")
        if BUNDLE:
            for name in LIBRARIES:
                path = os.path.join(BUNDLE, name)
                if not os.path.exists(path):
                    raise SystemExit("LLMCS_BUNDLE: %s does not exist; build the libraries first: make" % path)
            for name in (*LIBRARIES, *OPTIONAL):
                if os.path.exists(os.path.join(BUNDLE, name)):
                    self.add(os.path.join(BUNDLE, name), os.path.join("lib", name))

    def add(self, source, target):
        target = os.path.join(self.build_lib, "llmcs", target)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)  # a link's file, whole
        strip = shutil.which("strip")
        if strip and os.path.basename(target) in (*LIBRARIES, *OPTIONAL):
            subprocess.run([strip, "--strip-unneeded", target], check=True)  # debug information is most of it


class Wheel(bdist_wheel):
    """Any Python 3 and, with libraries inside, this platform."""

    def get_tag(self):
        if not BUNDLE:
            return "py3", "none", "any"
        return "py3", "none", super().get_tag()[2]


class WithLibraries(Distribution):
    def has_ext_modules(self):
        return bool(BUNDLE)


# Built elsewhere: the source tree stays as it is, and nothing of an earlier build gets into a wheel.
work = tempfile.mkdtemp(prefix="llmcs-build-")
atexit.register(shutil.rmtree, work, ignore_errors=True)
setup(
    version=version(),
    packages=["llmcs", "llmcs.dask", "llmcs.pipelines", "llmcs_shop"],
    package_data={"llmcs": ["py.typed"], "llmcs_shop": ["py.typed"]},
    distclass=WithLibraries,
    cmdclass={"build_py": BuildWithLibraries, "bdist_wheel": Wheel},
    options={"build": {"build_base": work}, "egg_info": {"egg_base": work}},
)
