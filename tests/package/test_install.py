"""make install, uninstall and dist: what is installed works, wherever it lies, and nothing of it is left.

usage: test_install.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from package import BUILD, CC, ROOT, Failed, clean_environment, main, make, need, run, skip, tree

MULTIARCH = "usr/lib/x86_64-linux-gnu"
PROGRAMS = [p for p in ("llmcs", "llmcs-shop", "llmcs-bench", "llmcs-server") if os.path.exists(os.path.join(BUILD, "bin", p))]


def content(path):
    with open(path, "rb") as f:
        return f.read()


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = folder.name
        # What cargo and build.sh leave in the examples.
        cls.left = tempfile.TemporaryDirectory(dir=os.path.join(ROOT, "examples", "rust"), prefix="left")
        cls.addClassCleanup(cls.left.cleanup)
        os.mkdir(os.path.join(cls.left.name, "target"))
        for name in ("target/libllmcs.rlib", "llmcs.node", "Cargo.lock"):
            with open(os.path.join(cls.left.name, name), "w", encoding="utf-8"):
                pass
        cls.root = os.path.join(cls.work, "multiarch")
        make("install", DESTDIR=cls.root, PREFIX="/usr", LIBDIR="/" + MULTIARCH)
        # Installed for one prefix, then moved to another.
        make("install", DESTDIR=os.path.join(cls.work, "first"), PREFIX="/opt/llmcs")
        cls.moved = os.path.join(cls.work, "moved")
        shutil.move(os.path.join(cls.work, "first", "opt", "llmcs"), cls.moved)

    def test_everything_is_there(self):
        found = tree(self.root)
        expected = ["usr/bin/" + p for p in PROGRAMS]
        expected += ["usr/share/man/man1/%s.1" % p for p in PROGRAMS + ["llmcs-generate", "llmcs-shop-ask"]]
        expected += ["usr/share/bash-completion/completions/" + p for p in PROGRAMS]
        expected += ["usr/share/zsh/site-functions/_" + p for p in PROGRAMS]
        expected += [MULTIARCH + "/" + f for f in ("libllmcs.so", "libllmcs.so.1", "libllmcs.a", "libllmcs_shop.so", "libllmcs_shop.a",
                                                   "pkgconfig/llmcs.pc", "pkgconfig/llmcs_shop.pc", "cmake/llmcs/llmcsConfig.cmake",
                                                   "cmake/llmcs/llmcsConfigVersion.cmake")]
        expected += ["usr/include/" + f for f in os.listdir(os.path.join(ROOT, "include"))]
        expected += ["usr/share/doc/llmcs/" + f for f in ("README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "examples/chat.c",
                                                          "examples/options.h", "examples/recommend.py")]
        expected += ["usr/share/llmcs/" + f for f in ("names.tagger", "models/shop-gpt2/config.json", "models/heads/intent.head",
                                                      "shop/flows.json", "shop/import.sh")]
        if "llmcs-server" in PROGRAMS:
            with open(os.path.join(self.root, "usr/share/doc/llmcs/examples/server.json"), encoding="utf-8") as f:
                models = [model["path"] for model in json.load(f)["models"]]
            self.assertTrue(models and all(os.path.exists(self.root + path) for path in models), models)
            expected.append("usr/lib/systemd/system/llmcs-server.service")
        self.assertEqual([f for f in expected if f not in found], [])
        self.assertFalse([f for f in found if "__pycache__" in f or "/left" in f or f.endswith(".o")])

    def test_modes_do_not_depend_on_the_umask(self):
        root = os.path.join(self.work, "umask")
        subprocess.run("umask 077; make -s -C %s install BUILD=%s DESTDIR=%s PREFIX=/usr LIBDIR=/%s" % (ROOT, BUILD, root, MULTIARCH),
                       shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertEqual(tree(root), tree(self.root))
        for name in sorted(tree(root)):
            ours, theirs = os.path.join(root, name), os.path.join(self.root, name)
            if os.path.isfile(ours):
                mode = os.stat(ours).st_mode & 0o777
                self.assertIn(mode, (0o644, 0o755), name)
                self.assertEqual(mode, os.stat(theirs).st_mode & 0o777, name)
                self.assertEqual(content(ours), content(theirs), name)

    def test_commands_run_where_the_tree_was_moved_to(self):
        environment = clean_environment(PATH=os.path.join(self.moved, "bin") + ":" + os.environ["PATH"])
        for program in ("llmcs", "llmcs-shop"):
            self.assertRegex(run(program, "--version", env=environment), r"^%s \d+\.\d+\.\d+\n$" % program)
        models = os.path.join(self.moved, "share", "llmcs", "models")
        said = run("llmcs", "generate", os.path.join(models, "shop-gpt2"), "--max-new-tokens", "5", "User: hi\nBot:", env=environment, cwd="/")
        self.assertTrue(said.strip())
        self.assertIn("gpt2-124m", run("llmcs-bench", "--help", env=environment))
        # The demo shop, from another folder and with the commands of the PATH.
        store = os.path.join(self.work, "shop.db")
        run("sh", os.path.join(self.moved, "share", "llmcs", "shop", "import.sh"), store, env=environment, cwd=self.work)
        self.assertTrue(run("llmcs-shop", "ask", store, "What does shipping cost?", env=environment, cwd="/").strip())
        # Without the installed tagger of names this one would pass.
        masked = run("sh", "-c", "echo 'please call Priya about it' | llmcs-shop mask", env=environment, cwd="/")
        self.assertEqual(masked, "please call <NAME_1> about it\n")

    def test_commands_run_from_a_multiarch_folder(self):
        environment = clean_environment(LD_LIBRARY_PATH=os.path.join(self.root, MULTIARCH))
        said = run(os.path.join(self.root, "usr", "bin", "llmcs"), "classify", os.path.join(self.root, "usr/share/llmcs/models/review-bert"),
                   "The zip broke after two days.", env=environment, cwd="/")
        self.assertIn("negative", said)

    def test_stripped_unless_asked_otherwise(self):
        need(self, "readelf")
        names = [MULTIARCH + "/libllmcs.so.1", MULTIARCH + "/libllmcs_shop.so.0", MULTIARCH + "/libllmcs.a", "usr/bin/llmcs"]
        for name in names:
            self.assertNotIn(".debug_info", run("readelf", "-WS", os.path.join(self.root, name)), name)
        whole = os.path.join(self.work, "whole")
        make("install", DESTDIR=whole, PREFIX="/usr", LIBDIR="/" + MULTIARCH, INSTALL_STRIP="0")
        for name in names:
            self.assertIn(".debug_info", run("readelf", "-WS", os.path.join(whole, name)), name)
        # The symbols that programs link with are the same.
        for name in names[:2]:
            symbols = [run("nm", "-D", "--defined-only", os.path.join(r, name)) for r in (self.root, whole)]
            self.assertEqual(symbols[0], symbols[1])

    def test_examples_compile_with_pkg_config_shared_and_static(self):
        need(self, "pkg-config", CC)
        config = clean_environment(PKG_CONFIG_PATH=os.path.join(self.moved, "lib", "pkgconfig"))
        prefix = ["--define-variable=prefix=" + self.moved]
        folder = os.path.join(self.moved, "share", "doc", "llmcs", "examples")
        for source, package in (("sentiment.c", "llmcs"), ("faq.c", "llmcs_shop")):
            for kind in ("shared", "static"):
                flags = run("pkg-config", *prefix, "--cflags", "--libs", *(["--static"] if kind == "static" else []), package, env=config).split()
                if kind == "static":
                    flags = [{"-lllmcs": "-l:libllmcs.a", "-lllmcs_shop": "-l:libllmcs_shop.a"}.get(f, f) for f in flags]
                program = os.path.join(self.work, source[:-2] + "-" + kind)
                run(CC, os.path.join(folder, source), "-o", program, *flags, "-lm", "-Wl,-rpath," + os.path.join(self.moved, "lib"))
                needed = run("readelf", "-d", program)
                self.assertEqual("libllmcs.so.1" in needed, kind == "shared", needed)
                usage = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, cwd="/", check=False)
                self.assertIn("usage", (usage.stdout + usage.stderr).lower())

    def test_uninstall_removes_what_install_put_there_and_nothing_else(self):
        root = os.path.join(self.work, "uninstall")
        for prefix, libdir in (("/usr", "/" + MULTIARCH), ("/opt/a shop", "/opt/a shop/lib")):
            foreign = [prefix.lstrip("/") + f for f in ("/share/llmcs/models/own/model.safetensors", "/bin/other", "/share/man/man1/other.1",
                                                         "/share/man/man1/llmcs-own.1", "/include/other.h")]
            for name in foreign:
                os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                with open(os.path.join(root, name), "w", encoding="utf-8") as f:
                    f.write("not ours\n")
            before = tree(root)
            make("install", DESTDIR=root, PREFIX=prefix, LIBDIR=libdir)
            self.assertGreater(len(tree(root)), len(before) + 200)
            make("uninstall", DESTDIR=root, PREFIX=prefix, LIBDIR=libdir)
            self.assertEqual(tree(root), before, prefix)
            shutil.rmtree(root)
        # And nothing at all where there was nothing.
        make("install", DESTDIR=root, PREFIX="/usr/local")
        make("uninstall", DESTDIR=root, PREFIX="/usr/local")
        self.assertEqual(tree(root), set())

    def test_an_installation_that_cannot_be_written_fails(self):
        blocked = os.path.join(self.work, "blocked")
        with open(blocked, "w", encoding="utf-8"):
            pass
        with self.assertRaises(Failed):
            make("install", DESTDIR=blocked, PREFIX="/usr")

    def test_dist_has_the_same_bytes_twice(self):
        need(self, "git")
        if subprocess.run(["git", "-C", ROOT, "rev-parse", "--git-dir"], capture_output=True, check=False).returncode:
            skip(self, "this folder is no git repository")
        archives = []
        for i, (zone, umask) in enumerate((("UTC", "022"), ("Asia/Shanghai", "077"))):
            out = os.path.join(self.work, "dist%d" % i)
            run("sh", "-c", "umask %s && TZ=%s make -s -C '%s' dist DIST='%s/llmcs.tar.gz'" % (umask, zone, ROOT, out))
            archives.append(content(os.path.join(out, "llmcs.tar.gz")))
        self.assertEqual(archives[0], archives[1])
        listed = run("tar", "-tzf", os.path.join(out, "llmcs.tar.gz")).splitlines()
        files = {name.split("/", 1)[1] for name in listed if not name.endswith("/")}
        committed = set(run("git", "-C", ROOT, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "HEAD").splitlines())
        self.assertEqual(files, committed)
        self.assertEqual(len({name.split("/")[0] for name in listed}), 1)


if __name__ == "__main__":
    main()
