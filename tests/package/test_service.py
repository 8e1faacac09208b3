"""The systemd unit: it is valid, its sandbox is tight, and it permits every system call that the server makes.

usage: test_service.py [-v]   after `make`; $LLMCS_BIN names another folder of programs (default build/bin)
"""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

from package import BUILD, ROOT, clean_environment, main, make, need, run, skip

SERVER = os.path.join(BUILD, "bin", "llmcs-server")
EXPOSURE = 1.2  # of systemd-analyze security: 0 is none, 10 all


class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = folder.name
        if os.path.exists(SERVER):
            # Where it is installed, so that systemd-analyze finds the program.
            cls.prefix = os.path.join(cls.work, "prefix")
            make("install", PREFIX=cls.prefix, UNITDIR=cls.prefix + "/units", SYSCONFDIR="/etc")
            cls.unit = os.path.join(cls.prefix, "units", "llmcs-server.service")

    def setUp(self):
        if not os.path.exists(SERVER):
            skip(self, "llmcs-server is not built")

    def test_the_unit_is_valid_and_its_sandbox_tight(self):
        need(self, "systemd-analyze")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", self.unit], capture_output=True, text=True, check=False)
        # What the machine itself has is not of interest.
        said = [line for line in done.stderr.splitlines() if "llmcs-server" in line]
        self.assertEqual((done.returncode, said), (0, []))
        said = run("systemd-analyze", "security", "--offline=true", "--no-pager", self.unit)
        exposure = float(re.search(r"Overall exposure level for llmcs-server.service: ([0-9.]+)", said)[1])
        self.assertLessEqual(exposure, EXPOSURE)

    def test_the_server_needs_no_system_call_that_the_unit_refuses(self):
        need(self, "systemd-analyze", "strace", "curl")
        with open(self.unit, encoding="utf-8") as f:
            filters = re.findall(r"^SystemCallFilter=(.*)$", f.read(), re.M)
        allowed = set()
        for value in filters:
            names = self.calls(value.lstrip("~").split())
            allowed = allowed - names if value.startswith("~") else allowed | names
        made = self.calls_of_the_server()
        self.assertIn("openat", made)
        self.assertEqual(made - allowed, set())

    def calls(self, groups):
        """The system calls of groups, and of the groups within them."""
        found = set()
        for group in groups:
            if not group.startswith("@"):
                found.add(group)
                continue
            lines = [line.strip() for line in run("systemd-analyze", "syscall-filter", group).splitlines()]
            found |= self.calls([line for line in lines if line and not line.startswith("#") and line != group])
        return found

    def calls_of_the_server(self):
        trace, config = os.path.join(self.work, "trace"), os.path.join(self.work, "server.json")
        with open(config, "w", encoding="utf-8") as f:
            json.dump({"listen": {"port": 0}, "models": [{"name": "demo", "path": os.path.join(ROOT, "examples", "models", "shop-gpt2")}]}, f)
        server = subprocess.Popen(["strace", "-f", "-qq", "-e", "signal=none", "-o", trace, os.path.join(self.prefix, "bin", "llmcs-server"),
                                   "--config", config], stderr=subprocess.PIPE, text=True, env=clean_environment())
        try:
            port = None
            for line in server.stderr:
                found = json.loads(line) if line.startswith("{") else {}
                if found.get("event") == "listening":
                    port = found["port"]
                    break
            self.assertTrue(port, "the server did not start")
            url = "http://127.0.0.1:%d" % port
            run("curl", "-sSf", url + "/health")
            for path in ("/v1/completions", "/v1/embeddings"):  # the answer does not matter here
                run("curl", "-sS", url + path, "-d", json.dumps({"model": "demo", "prompt": "hi", "input": "hi", "max_tokens": 4}))
        finally:
            child = run("pgrep", "-P", str(server.pid)).split() if server.poll() is None else []
            for pid in child:
                os.kill(int(pid), signal.SIGTERM)
            end = time.monotonic() + 60
            while server.poll() is None and time.monotonic() < end:
                server.stderr.readline()
            if server.poll() is None:
                server.kill()
            server.stderr.close()
            server.wait()
        with open(trace, encoding="utf-8", errors="replace") as f:
            return set(re.findall(r"^\d+ +([a-z0-9_]+)\(", f.read(), re.M)) - {"execve"}


if __name__ == "__main__":
    main()
