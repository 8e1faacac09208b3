"""The Dockerfile: its image has the libraries that the programs need. Whether it builds and answers, `docker build` shows, or
tools/package/docker/chroot.py where there is no Docker; both take minutes.

usage: test_docker.py [-v]   after `make`, on Debian 12; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import glob
import os
import re
import unittest

from package import BUILD, ROOT, main, need, run, skip

DOCKERFILE = os.path.join(ROOT, "tools", "package", "docker", "Dockerfile")
IN_EVERY_IMAGE = {"libc6", "libgcc-s1", "libstdc++6"}


class Docker(unittest.TestCase):
    def test_the_image_has_the_libraries_that_the_programs_need(self):
        need(self, "readelf", "ldconfig", "dpkg-query")
        files = glob.glob(os.path.join(BUILD, "bin", "llmcs*")) + glob.glob(os.path.join(BUILD, "lib", "*.so"))
        if not any(f.endswith("llmcs-server") for f in files):
            skip(self, "llmcs-server is not built")
        if "VERSION_CODENAME=bookworm" not in run("cat", "/etc/os-release"):
            skip(self, "names of packages are those of Debian 12")
        wanted = set(re.findall(r"\(NEEDED\) +Shared library: \[([^]]+)\]", run("readelf", "-dW", *files)))
        paths = dict(re.findall(r"^\s+(\S+) \(libc6,.*?x86-64.*?\) => (\S+)$", run("ldconfig", "-p"), re.M))
        packages = set()
        for name in wanted:
            if name.startswith(("libllmcs", "ld-linux", "libasan", "libubsan", "libtsan")):
                continue
            self.assertIn(name, paths)
            # By folder and name: the path may begin with /usr or not.
            folder, file = os.path.realpath(paths[name]).rsplit("/", 2)[1:]
            packages.add(run("dpkg-query", "-S", "*/%s/%s" % (folder, file)).split(":")[0])
        self.assertIn("libmicrohttpd12", packages)
        with open(DOCKERFILE, encoding="utf-8") as f:
            last = f.read().rsplit("\nFROM ", 1)[1]
        installed = set(re.search(r"--no-install-recommends ([^&]*)&&", last.replace("\\\n", " "))[1].split())
        self.assertEqual(packages - installed - IN_EVERY_IMAGE, set())
        self.assertEqual(installed - packages, set())  # nor anything else


if __name__ == "__main__":
    main()
