"""The Debian packages that `make deb` made: what they hold works together, is hardened, and has the bytes of `make`.

usage: test_deb.py [-v]   after `make` and `make deb`; skipped if the packages are not of this commit
"""
import glob
import os
import re
import subprocess
import tempfile
import unittest

from package import BUILD, CC, ROOT, clean_environment, main, need, run, skip

DEB = os.path.join(BUILD, "deb")
PACKAGES = ["libllmcs-dev", "libllmcs-shop0", "libllmcs1", "llmcs", "llmcs-models", "python3-llmcs"]


class Maintainer(unittest.TestCase):
    def test_any_name(self):
        with open(os.path.join(ROOT, "tools", "package", "deb.sh"), encoding="utf-8") as f:
            lines = [line for line in f if line.startswith(("escaped=", "sed -i "))]
        self.assertEqual(len(lines), 2)
        for maintainer in ("A & B/C <a@example.org>", "back\\slash \\1 <b@example.org>", "陈 <c@example.org>"):
            with tempfile.TemporaryDirectory() as source:
                os.mkdir(source + "/debian")
                with open(source + "/debian/control", "w", encoding="utf-8") as out:
                    out.write("Source: llmcs\nMaintainer: nobody\nPriority: optional\n")
                subprocess.run(["sh", "-ec", "".join(lines)], check=True,
                               env=dict(os.environ, maintainer=maintainer, source=source))
                with open(source + "/debian/control", encoding="utf-8") as f:
                    self.assertEqual(f.read(), "Source: llmcs\nMaintainer: %s\nPriority: optional\n" % maintainer)


class Deb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work, cls.root = folder.name, os.path.join(folder.name, "root")
        cls.files = {os.path.basename(f).split("_")[0]: f for f in glob.glob(DEB + "/*.deb") if "-dbgsym_" not in f}
        cls.unpacked = False

    def setUp(self):
        need(self, "dpkg-deb", "git")
        commit = os.path.join(DEB, "commit")
        head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
        if not os.path.exists(commit):
            skip(self, "there are no packages: make deb")
        with open(commit, encoding="utf-8") as f:
            if f.read().strip() != head:
                skip(self, "the packages are of another commit: make deb")
        if not Deb.unpacked:
            for path in self.files.values():
                run("dpkg-deb", "-x", path, self.root)
            Deb.unpacked = True
        self.libraries = glob.glob(self.root + "/usr/lib/*/libllmcs.so.1")
        self.environment = clean_environment(PATH=self.root + "/usr/bin:" + os.environ["PATH"],
                                             LD_LIBRARY_PATH=os.path.dirname(self.libraries[0]))

    def test_packages(self):
        self.assertEqual(sorted(self.files), PACKAGES)
        for name, depends in (("libllmcs-shop0", "libllmcs1 (= "), ("libllmcs-dev", "libllmcs1 (= "), ("llmcs", "libllmcs1 (>= "),
                              ("llmcs", "libmicrohttpd12"), ("python3-llmcs", "libllmcs1 (>= ")):
            self.assertIn(depends, run("dpkg-deb", "-f", self.files[name], "Depends"), name)
        for name in ("libllmcs1", "libllmcs-shop0"):
            listed = run("dpkg-deb", "-c", self.files[name])
            self.assertNotRegex(listed, r"\.so -> ")  # that is the development package's
        self.assertIn("libllmcs 1 libllmcs1", run("dpkg-deb", "-I", self.files["libllmcs1"], "shlibs"))

    def test_programs_and_models(self):
        models = self.root + "/usr/share/llmcs/models"
        self.assertIn("negative", run("llmcs", "classify", models + "/review-bert", "The zip broke after two days.", env=self.environment))
        for program in ("llmcs", "llmcs-shop", "llmcs-bench", "llmcs-server"):
            run(program, "--help", env=self.environment)
            self.assertTrue(os.path.exists("%s/usr/share/man/man1/%s.1.gz" % (self.root, program)))
            self.assertTrue(os.path.exists("%s/usr/share/bash-completion/completions/%s" % (self.root, program)))
        self.assertTrue(os.path.exists(self.root + "/lib/systemd/system/llmcs-server.service"))

    def test_python(self):
        program = ("import llmcs, llmcs_shop; print(llmcs.Model(%r).classify('The zip broke after two days.'))"
                   % (self.root + "/usr/share/llmcs/models/review-bert"))
        said = run("/usr/bin/python3", "-c", program, cwd="/",
                   env=dict(self.environment, PYTHONPATH=self.root + "/usr/lib/python3/dist-packages", PYTHONNOUSERSITE="1"))
        self.assertIn("negative", said)

    def test_development(self):
        need(self, "pkg-config", CC)
        environment = dict(self.environment, PKG_CONFIG_SYSROOT_DIR=self.root,
                           PKG_CONFIG_PATH=glob.glob(self.root + "/usr/lib/*/pkgconfig")[0])
        program = os.path.join(self.work, "faq")
        flags = run("pkg-config", "--cflags", "--libs", "llmcs_shop", env=environment).split()
        run(CC, glob.glob(self.root + "/usr/share/doc/libllmcs-dev/examples/faq.c")[0], "-o", program, *flags, "-lm")
        self.assertIn("libllmcs_shop.so.0", run("readelf", "-d", program))
        for header in ("llmcs.h", "llmcs.hpp", "llmcs_shop.h"):
            self.assertTrue(os.path.exists(self.root + "/usr/include/" + header))

    def test_hardening(self):
        for path in self.libraries + glob.glob(self.root + "/usr/lib/*/libllmcs_shop.so.0") + glob.glob(self.root + "/usr/bin/*"):
            said = run("readelf", "-Wdlh", path)
            self.assertNotRegex(said, "R(UN)?PATH", path)
            self.assertIn("GNU_RELRO", said, path)
            self.assertRegex(said, r"BIND_NOW|FLAGS_1.* NOW", path)
            self.assertRegex(said, r"GNU_STACK .* RW ", path)
            self.assertIn("DYN", said, path)
            self.assertIn("__stack_chk_fail", run("readelf", "-Ws", "--dyn-syms", path), path)

    def test_the_library_has_the_same_bytes_wherever_it_is_built(self):
        """make compiled it in this folder, dpkg-buildpackage in another one."""
        built = glob.glob(DEB + "/llmcs-*/build/lib/libllmcs.so.1")
        flags = []
        for folder in (BUILD, os.path.dirname(os.path.dirname(built[0]))):
            with open(os.path.join(folder, "flags"), encoding="utf-8") as f:
                kept = [w for w in f.read().split() if not re.match(r"-W|-ffile-prefix-map=|RPATH=|.*gcc$|ccache$", w)]
            flags.append(kept)
        if flags[0] != flags[1]:
            skip(self, "this library was built with other flags: %s, not %s" % (" ".join(flags[0]), " ".join(flags[1])))
        with open(built[0], "rb") as f, open(os.path.join(BUILD, "lib", "libllmcs.so.1"), "rb") as g:
            theirs, ours = f.read(), g.read()
        self.assertNotIn(ROOT.encode(), ours)
        self.assertTrue(theirs == ours, "libllmcs.so.1 differs: diffoscope %s/lib/libllmcs.so.1 %s" % (BUILD, built[0]))


if __name__ == "__main__":
    main()
