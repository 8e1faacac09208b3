"""What tests of the packaging share: an installation into an empty folder, and commands with their output."""
import os
import shutil
import subprocess
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.dirname(os.path.abspath(os.path.join(ROOT, os.environ.get("LLMCS_BIN", "build/bin"))))
CC, CXX = "cc", "c++"


def skip(test, reason):
    print("SKIPPED %s: %s" % (test.id(), reason), flush=True)  # run-tests.sh shows this line
    test.skipTest(reason)


def need(test, *programs):
    for program in programs:
        if not shutil.which(program):
            skip(test, "%s is missing (make deps-dev)" % program)


class Failed(AssertionError):
    pass


def run(*command, code=0, **more):
    """stdout of a command that must end with `code`; stderr follows where that is not 0."""
    more.setdefault("timeout", 300)
    done = subprocess.run(command, stdin=more.pop("stdin", subprocess.DEVNULL), capture_output=True, text=True, check=False, **more)
    if done.returncode != code:
        raise Failed("%s\nexit code %d, expected %d\n%s%s" % (" ".join(command), done.returncode, code, done.stdout, done.stderr))
    return done.stdout if code == 0 else done.stdout + done.stderr


def make(target, **variables):
    return run("make", "-s", "-C", ROOT, target, "BUILD=" + BUILD, *("%s=%s" % v for v in variables.items()))


def tree(folder):
    """Each file, link and folder below `folder`, as a path relative to it."""
    found = set()
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            found.add(os.path.relpath(os.path.join(at, name), folder))
    return found


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR", "CCACHE_DIR")}
    return {**kept, **more}


main = unittest.main
