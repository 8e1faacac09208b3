"""What tests of llmcs-server share: starts one on a free port of loopback, sends requests, stops it."""
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
from cli import BIN, GPT2, MODELS, ROOT, ask  # noqa: E402,F401

# LLMCS_SERVER names another program, of a build with sanitizers for example.
PROGRAM = os.environ.get("LLMCS_SERVER", os.path.join(BIN, "llmcs-server"))
ENCODER = os.path.join(MODELS, "shop-encoder")


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    def events(self):
        """The objects of a stream of server-sent events; its last line must be [DONE]."""
        blocks = [b for b in self.body.decode("utf-8").split("\n\n") if b]
        assert all(b.startswith("data: ") for b in blocks), blocks[:3]
        assert blocks[-1] == "data: [DONE]", blocks[-1]
        return [json.loads(b[6:]) for b in blocks[:-1]]


class Server:
    """with Server({"models": [...]}) as s: s.post("/v1/embeddings", {...}). The configuration is that of --config; the
    port is free unless it says one. `log` has the lines so far."""

    def __init__(self, config=None, *arguments, environment=None, program=None, start_s=120):
        self.folder = tempfile.TemporaryDirectory()
        self.log = []
        config = dict(config or {})
        config.setdefault("listen", {}).setdefault("port", 0)
        path = os.path.join(self.folder.name, "server.json")
        with open(path, "w") as out:
            json.dump(config, out)
        self.process = subprocess.Popen([program or PROGRAM, "--config", path, *arguments],
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=ROOT,
                                        env=dict(os.environ, **(environment or {})))
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        if not self.listening.wait(start_s) or not hasattr(self, "port"):
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not start: %s" % self.log[-3:])

    def read_log(self):
        for line in self.process.stderr:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "not JSON", "line": line.decode("utf-8", "replace")}
            self.log.append(event)
            if event["event"] == "listening":
                self.port = event["port"]
                self.listening.set()
        self.listening.set()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            code = self.stop()
        finally:
            self.folder.cleanup()
        if exc[0] is None:
            assert code == 0, (code, self.log[-5:])
            bad = [line for line in self.log if line["event"] == "not JSON"]
            assert not bad, bad

    def stop(self, timeout=60):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.reader.join(10)
            self.process.stderr.close()

    def connect(self, timeout=120):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, key=None, connection=None):
        """body: an object for JSON, or bytes."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if key:
            headers["Authorization"] = "Bearer " + key
        c = connection or self.connect()
        try:
            c.request(method, path, body, headers)
            r = c.getresponse()
            return Reply(r.status, r.headers, r.read())
        finally:
            if not connection:
                c.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def metric(self, name, connection=None):
        """The sum of a metric's samples; name may hold labels."""
        lines = self.get("/metrics", connection=connection).body.decode().splitlines()
        values = [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name) and not line.startswith("#")]
        return sum(values)

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def write_key(folder, name, key):
    path = os.path.join(folder, name)
    with open(path, "w") as out:
        out.write(key + "\n")
    return path
