"""Finds and loads the shared libraries, and says which file was loaded or why none could be."""

from __future__ import annotations

import ctypes as c
import os
import sys
from typing import Any, Dict, List, NamedTuple, Tuple

_HERE = os.path.dirname(os.path.abspath(__file__))


class Place(NamedTuple):
    """A file that may be the library, and why it is a candidate."""

    path: str
    why: str


class _DlInfo(c.Structure):
    _fields_ = [("fname", c.c_char_p), ("fbase", c.c_void_p), ("sname", c.c_char_p), ("saddr", c.c_void_p)]


def _build() -> str:
    """build/lib of the source tree that this package lies in; "" for an installed package."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(_HERE)))
    return os.path.join(root, "build", "lib") if os.path.exists(os.path.join(root, "include", "llmcs.h")) else ""


def places(variable: str, name: str, soname: str, next_to: str = "") -> List[Place]:
    """Where the library may be, in order: $variable, and nothing else where that is set; the file of the wheel; the
    build of the source tree; next to another library; the system's loader."""
    named = os.environ.get(variable)
    if named:
        return [Place(named, "$" + variable)]
    found = [Place(os.path.join(_HERE, "lib", soname), "the wheel's own")]
    if _build():
        found.append(Place(os.path.join(_build(), name), "the source tree's build"))
    if next_to:
        found.append(Place(os.path.join(next_to, name), "next to libllmcs"))
        found.append(Place(os.path.join(next_to, soname), "next to libllmcs"))
    return [*found, Place(soname, "the system's loader")]


def load(variable: str, name: str, soname: str, next_to: str = "") -> c.CDLL:
    """Loads the first of places() that exists; ImportError names each place and what was wrong with it. A file that
    exists but does not load ends the search, since another copy of the library would hide the problem."""
    tried: List[str] = []
    for place in places(variable, name, soname, next_to):
        is_file = os.sep in place.path
        if is_file and place.why != "$" + variable and not os.path.exists(place.path):
            tried.append("%s (%s): no such file" % (place.path, place.why))
            continue
        try:
            return c.CDLL(place.path)
        except OSError as e:
            tried.append("%s (%s): %s" % (place.path, place.why, _reason(str(e), place.path)))
            if is_file:
                break
    raise ImportError(
        "cannot load %s:\n  %s\nbuild it with make, install it (make install, then ldconfig; or Debian's packages), or set "
        "%s to its path" % (name, "\n  ".join(tried), variable)
    )


def _reason(message: str, path: str) -> str:
    """The loader's message, and what to do if a dependency is missing or the file is for another machine."""
    missing = message.split(":")[0]
    if "cannot open shared object file" in message and missing != path and ".so" in missing:
        return "%s; it needs %s, which is not installed on this machine" % (message, missing)
    if "wrong ELF class" in message or "invalid ELF header" in message:
        return "%s; it was built for another kind of machine than this %s" % (message, os.uname().machine)
    return message


def file_of(function: Any) -> str:
    """The file that contains a loaded function."""
    info = _DlInfo()
    dladdr = c.CDLL(None).dladdr
    dladdr.argtypes, dladdr.restype = [c.c_void_p, c.POINTER(_DlInfo)], c.c_int
    if not dladdr(c.cast(function, c.c_void_p), c.byref(info)) or not info.fname:
        return ""
    return os.path.realpath(os.fsdecode(info.fname))


def version_of(function: Any) -> str:
    function.restype = c.c_char_p
    return str(function().decode())


def require(lib: c.CDLL, version: str, minimum: Tuple[int, int], lacks: str = "") -> None:
    """ImportError if the library is older than `minimum`, or lacks a function."""
    if lacks or tuple(int(n) for n in version.split(".")[:2]) < minimum:
        raise ImportError(
            "%s is version %s%s; this package needs %d.%d or newer. Build and install the library and the package from "
            "the same sources" % (lib._name, version, " and lacks " + lacks if lacks else "", *minimum)
        )


def bind(lib: c.CDLL, version: str, functions: Dict[str, Tuple[Any, ...]], minimum: Tuple[int, int]) -> None:
    """Declares the types of the functions, each of which the library must have."""
    require(lib, version, minimum)
    for name, (result, *arguments) in functions.items():
        if not hasattr(lib, name):
            require(lib, version, minimum, lacks=name)
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments


if sys.platform == "win32":
    raise ImportError("llmcs: Windows is not supported; use Linux, or WSL")
