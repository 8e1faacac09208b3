"""llmcs-server gets thousands of malformed requests, of HTTP and of JSON, made from valid ones by a seeded generator:
each is answered or its connection closed, none with a server error, memory stays flat, and valid ones still work.

usage: test_malformed.py [-v]   LLMCS_SEED=N repeats a run, LLMCS_ROUNDS=N makes it longer
"""
import json
import os
import random
import socket
import sys
import threading
import unittest

from server import ENCODER, GPT2, Server

SEED = int(os.environ.get("LLMCS_SEED", random.SystemRandom().randrange(1 << 32)))
ROUNDS = int(os.environ.get("LLMCS_ROUNDS", "1"))
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/classify", "/v1/tag")
VALID = {
    "/v1/chat/completions": {"model": "gpt2", "max_tokens": 2, "n": 1, "temperature": 1, "seed": 1, "stop": ["x"],
                             "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}],
                             "logprobs": True, "top_logprobs": 2, "response_format": {"type": "text"}},
    "/v1/completions": {"model": "gpt2", "prompt": ["a", [1, 2]], "max_tokens": 2, "logprobs": 1, "echo": False,
                        "logit_bias": {"5": 1.5}, "stream": True, "stream_options": {"include_usage": True}},
    "/v1/embeddings": {"model": "e", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 8},
    "/v1/rerank": {"model": "e", "query": "a", "documents": ["b", {"text": "c"}], "top_n": 1},
    "/v1/classify": {"model": "e", "input": "a", "overflow": "windows", "stride": 2, "max_length": 32},
    "/v1/tag": {"model": "e", "input": ["a"], "aggregation": "simple"},
}
STRANGE = (None, True, False, 0, -1, 1, 2 ** 31, 2 ** 63 - 1, -2 ** 63, 2 ** 64, 1e308, -0.0, 0.5, "", "\0", "\ud800",
           "a" * 5000, "<|endoftext|>", "😀" * 20, [], {}, [[]], [None], {"": {}}, ["a"] * 50, [[1]] * 20,
           {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}, "json_object", [5, "a"], {"a": [1]})


def mutate_json(rng, value, depth=0):
    """A value with some parts replaced, removed, renamed or nested."""
    if rng.random() < 0.12 or depth > 4:
        return rng.choice(STRANGE)
    if isinstance(value, dict):
        out = {}
        for k, v in value.items():
            if rng.random() < 0.06:
                continue
            if rng.random() < 0.04:
                k = rng.choice(("", "x", k.upper(), k + "\0", "tools", "suffix", "user", "input", "messages"))
            out[k] = mutate_json(rng, v, depth + 1) if rng.random() < 0.4 else v
        return out
    if isinstance(value, list):
        return [mutate_json(rng, v, depth + 1) for v in value] * rng.choice((1, 1, 1, 0, 3))
    return value


def mutate_bytes(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
        elif kind == 1:
            del data[at:at + rng.randrange(1, 20)]
        elif kind == 2 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 3:
            data[at:at] = rng.choice((b"\r\n", b"\0", b"\n", b"%", b"{", b"[" * 3000, b'"', b"\\u", b"\xff\xfe", b" " * 500,
                                      b"HTTP/1.1", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n"))
        elif kind == 4:
            end = at + rng.randrange(1, 40)
            data[at:at] = data[at:end] * rng.randrange(1, 4)
        else:
            data = data[:at]
    return bytes(data)


def text_of(value):
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value).encode()


def head(path, length, more=b""):
    return (b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
            % (path.encode(), length, more))


def http_request(rng):
    """Bytes that are nearly an HTTP request."""
    path = rng.choice(PATHS)
    body = text_of(VALID[path])
    kind = rng.randrange(8)
    if kind == 0:  # lengths
        length = rng.choice((b"-1", b"99999999999999999999", b"0x10", b"5, 6", b"", b"1e3", b"5\r\nContent-Length: 6"))
        return head(path, 0).replace(b"Content-Length: 0", b"Content-Length: " + length) + body
    if kind == 1:  # chunks
        chunk = rng.choice((b"zz\r\n", b"ffffffffffffffff\r\n", b"5;a=b\r\nabcde\r\n0\r\n\r\n", b"-1\r\n", b"0\r\n\r\n",
                            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), b"5\r\nabc"))
        return (b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" % path.encode()) + chunk
    if kind == 2:  # heads
        return head(path, len(body), b"X-%s: %s\r\n" % (b"a" * rng.randrange(30000), b"b" * rng.randrange(30000))) + body
    if kind == 3:  # paths
        p = rng.choice(("/%00", "/v1/models/%2e%2e%2f", "//", "/" + "a" * rng.randrange(20000), "/v1/models/%zz", "*",
                        "/v1/../etc", "http://x/health", "/health?" + "&a=%" * 50, "/admin/models//reload", "\x7f"))
        return ("%s %s HTTP/%s\r\nHost: localhost\r\n\r\n" % (rng.choice(("GET", "POST", "PUT", "OPTIONS", "BREW", "")), p,
                                                           rng.choice(("1.1", "1.0", "2.0", "9", "x")))).encode()
    return mutate_bytes(rng, head(path, len(body)) + body)


class Malformed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("seed %d" % SEED, file=sys.stderr)
        cls.server = Server({"models": [{"name": "gpt2", "path": GPT2, "n_ctx": 64}, {"name": "e", "path": ENCODER}],
                             "log_requests": False, "limits": {"timeout_s": 1, "max_body_bytes": 200000}})

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        assert code == 0, (SEED, code, cls.server.log[-5:])
        failed = [e for e in cls.server.log if e["event"] == "failed"]
        assert not failed, (SEED, failed)

    def run_all(self, one, n, n_threads=4):
        """Calls one(random numbers) n times on each thread; the memory after a quarter and at the end."""
        problems, sizes = [], []

        def work(i):
            rng = random.Random("%d %s %d" % (SEED, one.__name__, i))
            for k in range(n):
                try:
                    said = one(rng)
                except Exception as e:  # pylint: disable=broad-except
                    said = repr(e)
                if said:
                    problems.append((i, k, said))
                if i == 0 and k == n // 4:
                    sizes.append(self.server.resident_bytes())
        threads = [threading.Thread(target=work, args=(i,)) for i in range(n_threads)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        sizes.append(self.server.resident_bytes())
        self.assertEqual(problems[:3], [], "seed %d" % SEED)
        if "LLMCS_SERVER" not in os.environ:  # a sanitizer keeps what is freed
            self.assertLess(sizes[1] - sizes[0], 16 << 20, "seed %d" % SEED)
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(self.server.post("/v1/embeddings", VALID["/v1/embeddings"]).status, 200)
        self.assertEqual(self.server.post("/v1/chat/completions", VALID["/v1/chat/completions"]).status, 200)

    def test_json(self):
        local = threading.local()

        def one(rng):
            path = rng.choice(PATHS)
            data = text_of(mutate_json(rng, VALID[path]))
            if rng.random() < 0.25:
                data = mutate_bytes(rng, data)
            if not hasattr(local, "c"):
                local.c = self.server.connect(60)
            try:
                r = self.server.post(path, data, connection=local.c)
            except Exception:
                del local.c
                raise
            if r.status == 200:
                return None
            if r.status >= 500 or r.error["message"] == "" or "type" not in r.error:
                return "%s %d %s: %s" % (path, r.status, r.body[:300], data[:300])
            return None
        self.run_all(one, 700 * ROUNDS)

    def test_http(self):
        def one(rng):
            data = http_request(rng)
            with socket.create_connection(("127.0.0.1", self.server.port), 20) as s:
                answer = b""
                try:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    while True:
                        block = s.recv(65536)
                        if not block:
                            break
                        answer += block
                except OSError:  # closed by the server
                    return None
            # An unknown version of HTTP is libmicrohttpd's own 505; a client that has left may get 503.
            if answer and not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4", b"HTTP/1.1 505", b"HTTP/1.0 ",
                                                 b"HTTP/1.1 503")):
                return "%r: %r" % (data[:300], answer[:200])
            return None
        self.run_all(one, 50 * ROUNDS, 40)  # many at a time: some end by a timeout only


if __name__ == "__main__":
    unittest.main()
