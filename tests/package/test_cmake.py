"""Small projects in C and C++, from an empty folder: find_package, add_subdirectory, pkg_check_modules.

usage: test_cmake.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import os
import shutil
import tempfile
import unittest

from package import BUILD, ROOT, Failed, clean_environment, main, make, need, run

CORE = """
#include <llmcs.h>
#include <stdio.h>
int main(int argc, char **argv) {
    llmcs_model *model = NULL;
    if (argc != 2 || llmcs_model_open(argv[1], NULL, &model)) { puts(llmcs_error_message()); return 1; }
    printf("core %s\\n", llmcs_version());
    llmcs_model_free(&model);
    return 0;
}
"""
SHOP = """
#include <cstdio>
#include <llmcs_shop.h>
int main(int, char **argv) {
    llmcs_shop *shop = nullptr;
    llmcs_shop_options options;
    llmcs_shop_options_init(&options);
    options.flags = LLMCS_SHOP_CREATE;
    if (llmcs_shop_open(argv[1], &options, &shop)) { std::puts(llmcs_error_message()); return 1; }
    llmcs_shop_free(&shop);
    std::printf("shop %s on %s\\n", llmcs_shop_version(), llmcs_version());
}
"""
LISTS = """
cmake_minimum_required(VERSION 3.18)
project(host C CXX)
%s
add_executable(core core.c)
target_link_libraries(core PRIVATE %s)
add_executable(shop shop.cpp)
target_link_libraries(shop PRIVATE %s)
"""
MODEL = os.path.join(ROOT, "tests", "data", "golden", "bert-cls")


def macro(header, prefix):
    with open(os.path.join(ROOT, "include", header), encoding="utf-8") as f:
        return ".".join(line.split()[2] for line in f if line.startswith("#define %s_VERSION_" % prefix))


VERSION, SHOP_VERSION = macro("llmcs.h", "LLMCS"), macro("llmcs_shop.h", "LLMCS_SHOP")


class CMake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = folder.name
        make("install", DESTDIR=os.path.join(cls.work, "root"), PREFIX="/usr", LIBDIR="/usr/lib/x86_64-linux-gnu")
        # Not where it was installed for: a moved tree.
        cls.prefix = os.path.join(cls.work, "a prefix")
        shutil.move(os.path.join(cls.work, "root", "usr"), cls.prefix)
        cls.libdir = os.path.join(cls.prefix, "lib", "x86_64-linux-gnu")

    def setUp(self):
        need(self, "cmake")

    def project(self, find, core, shop):
        source = tempfile.mkdtemp(dir=self.work)
        for name, text in (("core.c", CORE), ("shop.cpp", SHOP), ("CMakeLists.txt", LISTS % (find, core, shop))):
            with open(os.path.join(source, name), "w", encoding="utf-8") as f:
                f.write(text)
        return source

    def configure(self, source, *arguments, code=0, build="build"):
        return run("cmake", "-S", source, "-B", os.path.join(source, build), "-DCMAKE_PREFIX_PATH=" + self.prefix, *arguments,
                   env=clean_environment(), code=code)

    def build(self, source, build="build"):
        return run("cmake", "--build", os.path.join(source, build), "-j2", env=clean_environment(), timeout=600)

    def programs_work(self, source, version=VERSION, build="build"):
        self.assertEqual(run(os.path.join(source, build, "core"), MODEL, cwd="/"), "core %s\n" % version)
        self.assertEqual(run(os.path.join(source, build, "shop"), os.path.join(source, "shop.db"), cwd="/"), "shop %s on %s\n" % (SHOP_VERSION, version))

    def test_find_package_shared(self):
        source = self.project("find_package(llmcs 0.5 REQUIRED COMPONENTS shop)", "llmcs::llmcs", "llmcs::shop")
        self.configure(source)
        self.build(source)
        self.programs_work(source)
        self.assertIn("libllmcs.so.1", run("readelf", "-d", os.path.join(source, "build", "core")))

    def test_find_package_static_with_ninja(self):
        need(self, "ninja")
        source = self.project("find_package(llmcs REQUIRED COMPONENTS static shop)", "llmcs::llmcs_static", "llmcs::shop_static")
        self.configure(source, "-G", "Ninja")
        self.build(source)
        self.programs_work(source)
        for program in ("core", "shop"):
            self.assertNotIn("libllmcs", run("readelf", "-d", os.path.join(source, "build", program)))

    def test_versions_and_components_that_are_not_there(self):
        for find, expected in (("find_package(llmcs 0.99 REQUIRED)", "version: %s" % VERSION), ("find_package(llmcs 1.0 REQUIRED)", VERSION),
                               ("find_package(llmcs REQUIRED COMPONENTS gpu)", "component gpu is not in")):
            self.assertIn(expected, self.configure(self.project(find, "llmcs::llmcs", "llmcs::shop"), code=1), find)
        # A tree without the shop layer.
        bare = os.path.join(self.work, "bare")
        shutil.copytree(self.prefix, bare, symlinks=True, ignore=shutil.ignore_patterns("libllmcs_shop*", "share", "bin"))
        source = self.project("find_package(llmcs REQUIRED COMPONENTS shop)", "llmcs::llmcs", "llmcs::shop")
        self.assertIn("component shop is not in", self.configure(source, "-DCMAKE_PREFIX_PATH=" + bare, code=1))

    def test_pkg_check_modules(self):
        need(self, "pkg-config")
        source = self.project("find_package(PkgConfig REQUIRED)\npkg_check_modules(CORE REQUIRED IMPORTED_TARGET llmcs)\n"
                              "pkg_check_modules(SHOP REQUIRED IMPORTED_TARGET llmcs_shop>=0.1)", "PkgConfig::CORE", "PkgConfig::SHOP")
        # Where it was installed for, by a prefix without a space: pkg-config escapes it, FindPkgConfig splits it.
        prefix = os.path.join(self.work, "plain")
        os.symlink(self.prefix, prefix)
        make("install", PREFIX=prefix, LIBDIR=prefix + "/lib")
        environment = clean_environment(PKG_CONFIG_PATH=prefix + "/lib/pkgconfig")
        run("cmake", "-S", source, "-B", source + "/build", env=environment)
        self.build(source)
        self.programs_work(source)

    def test_add_subdirectory(self):
        """The library is built with the project, again after a change, and programs are linked anew."""
        copy = os.path.join(self.work, "libllmcs")
        os.mkdir(copy)
        for name in ("lib", "include", "tools", "Makefile", "CHANGELOG.md"):
            path = os.path.join(ROOT, name)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(copy, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(path, copy)
        source = self.project("add_subdirectory(%s/tools/package/cmake llmcs)" % copy, "llmcs::llmcs", "llmcs::shop_static")
        fast = "-DLLMCS_MAKE_VARIABLES=OPT=-O0;HARDEN=;OPENBLAS_A="  # a fifth of the time
        self.configure(source, fast)
        self.build(source)
        self.programs_work(source)
        self.assertNotIn("CC ", self.build(source), "nothing changed, and something was compiled")

        changed = os.path.join(copy, "lib", "base", "status.c")
        with open(changed, encoding="utf-8") as f:
            text = f.read()
        with open(changed, "w", encoding="utf-8") as f:
            f.write(text.replace("STR(LLMCS_VERSION_PATCH);", '"99";'))
        compiled = self.build(source)
        self.assertEqual(compiled.count("CC "), 1, compiled)
        version = VERSION.rsplit(".", 1)[0] + ".99"
        self.programs_work(source, version)

        if shutil.which("ninja"):
            self.configure(source, fast, "-G", "Ninja", build="ninja")
            shutil.copytree(os.path.join(source, "build", "llmcs", "make"), os.path.join(source, "ninja", "llmcs", "make"), symlinks=True)
            self.build(source, build="ninja")
            self.programs_work(source, version, build="ninja")


if __name__ == "__main__":
    main()
