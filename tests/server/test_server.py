"""llmcs-server: starting, configuration, keys and roles, routes, limits, drain."""
import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from server import BIN, MODELS, ROOT, Server, write_key

BERT = os.path.join(MODELS, "review-bert")
ONE = {"models": [{"name": "bert", "path": BERT, "aliases": ["reviews"]}]}


def refuse(config, *arguments):
    """stderr of a start that must fail."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "c.json")
        with open(path, "w") as out:
            out.write(config if isinstance(config, str) else json.dumps(config))
        done = subprocess.run([os.path.join(BIN, "llmcs-server"), "--config", path, "--port", "0", *arguments],
                              capture_output=True, timeout=60)
    assert done.returncode in (1, 2), (done.returncode, done.stderr)
    return done.stderr.decode()


class Configuration(unittest.TestCase):
    def test_what_is_refused(self):
        key = {"name": "a", "key_sha256": "0" * 64, "roles": ["inference"]}
        for config, says in (
                ({}, "nothing to serve"),
                ("{", "line 1"),
                (dict(ONE, typo=1), 'unknown key \\"typo\\"'),
                (dict(ONE, shop={"store": "a.db", "typo": 1}), 'shop: unknown key \\"typo\\"'),
                (dict(ONE, limits={"max_bodybytes": 1}), "max_bodybytes"),
                (dict(ONE, limits={"timeout_s": 0}), "timeout_s"),
                (dict(ONE, listen={"address": "0.0.0.0"}), "without keys"),
                (dict(ONE, listen={"address": "::"}), "without keys"),
                (dict(ONE, listen={"address": "nowhere.example"}), "without keys"),
                (dict(ONE, keys=[key], listen={"address": "nowhere.example"}), "expected an IPv4"),
                (dict(ONE, keys=[dict(key, roles=["boss"])]), "boss"),
                (dict(ONE, keys=[dict(key, roles=["customer"])]), "customer"),
                (dict(ONE, keys=[dict(key, key_sha256="00")]), "64 hexadecimal"),
                (dict(ONE, keys=[dict(key, name="mia\nboss")]), 'keys[0]: \\"name\\": a name has 1 to 200 bytes'),
                (dict(ONE, keys=[dict(key, name="mia\u2028")]), 'keys[0]: \\"name\\": a name has 1 to 200 bytes'),
                (dict(ONE, keys=[dict(key, roles=["customer"], customer="c\t1")]), '\\"customer\\": a name has 1 to 200'),
                (dict(ONE, keys=[dict(key, name="n" * 201)]), 'keys[0]: \\"name\\": a name has 1 to 200 bytes'),
                (dict(ONE, keys=[dict(key, roles=["customer"], customer="店" * 67)]), '\\"customer\\": a name has 1'),
                ({"models": [{"name": "a\u0085", "path": BERT}]}, 'models[0]: \\"name\\": a name has 1 to 200 bytes'),
                ({"models": [{"name": "a", "aliases": ["b", "c\x7f"], "path": BERT}]}, '\\"aliases\\"[1]: a name has 1 to 200'),
                (dict(ONE, keys=[dict(key, key_file="/nonexistent")]), "give one of"),
                ({"models": [{"name": "a", "path": "/nonexistent"}]}, "/nonexistent"),
                ({"models": ONE["models"] + [{"name": "reviews", "path": BERT}]}, "occurs 2 times"),
                ({"models": [{"name": "a", "path": BERT, "threads": -1}]}, "threads"),
                ({"models": ONE["models"] + [{"name": "a", "path": BERT, "adapters": ["b"], "n_ctx": 0}]}, "n_ctx"),
        ):
            with self.subTest(says=says):
                self.assertIn(says, refuse(config))
        self.assertIn("/nonexistent", refuse(ONE, "--adapter", "/nonexistent"))  # of the models of the file, too

    def test_example(self):
        with open(os.path.join(ROOT, "examples", "server.json")) as f:
            config = json.load(f)
        config["listen"]["port"] = 0
        with Server(config) as s:
            ids = [m["id"] for m in s.get("/v1/models").json["data"]]
            self.assertEqual(ids, ["shop-gpt2", "shop-encoder", "reviews", "review-bert"])

    def test_command_line(self):
        with Server(None, "--model", "a=" + BERT, BERT + "/") as s:
            self.assertEqual([m["id"] for m in s.get("/v1/models").json["data"]], ["review-bert", "a"])
        for name in (b"a\xff", b"n" * 201, b"a\n"):
            self.assertIn("--model: a name has 1 to 200 bytes", refuse({}, "--model", os.fsdecode(name + b"=") + BERT))


        with tempfile.TemporaryDirectory() as folder:
            key = write_key(folder, "key", "a key of sixteen bytes")
            with Server(None, BERT, "--key-file", key, "--listen", "0.0.0.0") as s:
                self.assertEqual(s.get("/v1/models", key="a key of sixteen bytes").status, 200)
                self.assertEqual(s.get("/v1/models").status, 401)
            write_key(folder, "key", "short")
            self.assertIn("expected a key of 16", refuse({}, BERT, "--key-file", key))


class Routes(unittest.TestCase):
    def test_routes(self):
        with Server(ONE) as s:
            self.assertEqual(s.get("/health").json, {"status": "ok"})
            self.assertEqual(s.get("/ready").status, 200)
            self.assertEqual([m["id"] for m in s.get("/v1/models").json["data"]], ["bert", "reviews"])
            self.assertEqual(s.get("/v1/models/reviews").json["root"], "bert")
            self.assertEqual(s.get("/v1/models/nope").status, 404)
            self.assertEqual(s.get("/v1/models/").status, 404)
            self.assertEqual(s.get("/health/").status, 404)
            r = s.request("POST", "/health")
            self.assertEqual((r.status, r.headers["Allow"]), (405, "GET"))
            self.assertEqual(s.request("HEAD", "/health").body, b"")
            self.assertIn('llmcs_http_requests_total{route="/health",method="GET",status="200"} 2',
                          s.get("/metrics").body.decode())
            self.assertEqual(s.get("/health", headers={"Host": "evil.example"}).status, 200)
            self.assertEqual(s.get("/v1/models", headers={"Host": "evil.example"}).status, 403)
            self.assertEqual(s.get("/v1/models", headers={"Host": "localhost.evil.example"}).status, 403)
            self.assertEqual(s.get("/health", headers={"X-Deadline-Ms": "soon"}).status, 400)
            self.assertIsNone(s.get("/health", headers={"Origin": "https://a.example"}).headers
                              .get("Access-Control-Allow-Origin"))

    def test_names_with_slashes(self):
        with Server({"models": [dict(ONE["models"][0], name="org/a b%")]}) as s:
            self.assertEqual(s.get("/v1/models/org%2Fa%20b%25").json["id"], "org/a b%")
            self.assertEqual(s.request("POST", "/admin/models/org%2fa%20b%25/reload").json,
                             {"model": "org/a b%", "version": 2})
            self.assertEqual(s.get("/v1/models/org/a%20b%25").status, 404)
            self.assertEqual(s.get("/v1/models/reviews%00x").status, 404)
            self.assertEqual(s.get("/v1/models%00").status, 404)
            self.assertEqual(s.get("/health?a=b/c").status, 200)

    def test_two_lengths(self):
        """A proxy that reads the other one would take the rest for another request."""
        rest = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with Server(ONE) as s:
            for first, second in (("Content-Length: 2", "Content-Length: 50"), ("Content-Length: 2", "Content-Length: 2"),
                                  ("Transfer-Encoding: chunked", "Content-Length: 7"),
                                  ("Content-Length: 7", "transfer-encoding: chunked")):
                sock = socket.create_connection(("127.0.0.1", s.port), 10)
                sock.sendall(("POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n"
                              "%s\r\n\r\n" % (first, second)).encode() + b"2\r\n{}\r\n0\r\n\r\n" + rest)
                answer = b""
                while block := sock.recv(65536):
                    answer += block
                sock.close()
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
                self.assertIn(b"HTTP/1.1 400 ", answer)
                self.assertIn(b"invalid_length", answer)

    def test_pages_of_others(self):
        """A browser lets any page send a POST without JSON."""
        with Server(dict(ONE, cors={"origins": ["https://shop.example"]})) as s:
            for origin, status in (("https://evil.example", 403), ("null", 403), ("http://localhost.evil.example", 403),
                                   ("https://shop.example", 200), ("http://127.0.0.1:%d" % s.port, 200)):
                r = s.request("POST", "/admin/models/bert/reload", headers={"Origin": origin})
                self.assertEqual(r.status, status, origin)

    def test_metrics_are_well_formed(self):
        config = {"models": ONE["models"] + [{"name": 'a "quoted\\" name', "path": os.path.join(MODELS, "shop-gpt2")}]}
        with Server(config) as s:
            r = s.post("/v1/completions", {"model": config["models"][1]["name"], "prompt": "User: hi\nBot:"})
            self.assertEqual(r.status, 200)
            types, samples, last = {}, {}, None
            for line in s.get("/metrics").body.decode().splitlines():
                if line.startswith("# TYPE "):
                    name, last = line.split(" ")[2:4]
                    self.assertNotIn(name, types)
                    types[name] = last
                elif not line.startswith("#"):
                    m = re.fullmatch(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})? (\S+)', line)
                    self.assertIsNotNone(m, line)
                    base = re.sub("_(bucket|sum|count)$", "", m[1]) if last == "histogram" else m[1]
                    self.assertIn(base, types, line)
                    samples.setdefault((m[1], re.sub(r',?le="[^"]*"', "", m[2] or "")), []).append(float(m[3]))
            for (name, labels), values in samples.items():
                if name.endswith("_bucket"):
                    self.assertEqual(values, sorted(values))
                    self.assertEqual(values[-1], samples[name[:-7] + "_count", labels][0], name)
                else:
                    self.assertEqual(len(values), 1, name)
            label = '{model="a \\"quoted\\\\\\" name"}'
            self.assertEqual(samples["llmcs_engine_requests_finished_total", label], [1])
            self.assertEqual(samples["llmcs_first_token_seconds_count", label], [1])
            self.assertGreater(samples["llmcs_per_token_seconds_count", label][0], 3)

    def test_one_connection(self):
        with Server(ONE) as s:
            c = s.connect()
            for path, status in (("/health", 200), ("/nope", 404), ("/v1/models/x", 404), ("/ready", 200)) * 3:
                self.assertEqual(s.get(path, connection=c).status, status)
            c.close()

    def test_cors(self):
        with Server(dict(ONE, cors={"origins": ["https://shop.example"]})) as s:
            r = s.get("/health", headers={"Origin": "https://shop.example"})
            self.assertEqual(r.headers["Access-Control-Allow-Origin"], "https://shop.example")
            r = s.request("OPTIONS", "/v1/models", headers={"Origin": "https://shop.example"})
            self.assertEqual(r.status, 204)
            r = s.request("OPTIONS", "/v1/models", headers={"Origin": "https://evil.example"})
            self.assertNotEqual(r.status, 204)
            self.assertIsNone(r.headers.get("Access-Control-Allow-Origin"))


def sign(secret, claims, header=None):
    def encode(value):
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=")
    signed = encode(header or {"alg": "HS256", "typ": "JWT"}) + b"." + encode(claims)
    return (signed + b"." + encode(hmac.new(secret, signed, hashlib.sha256).digest())).decode()


class Keys(unittest.TestCase):
    def test_roles(self):
        roles = ["inference", "customer", "shop", "agent", "metrics", "admin"]
        with tempfile.TemporaryDirectory() as folder:
            keys = []
            for role in roles:
                key = {"name": role, "roles": [role], "key_file": write_key(folder, role, "key-of-the-role-" + role)}
                keys.append(dict(key, customer="c001") if role == "customer" else key)
            hashed = hashlib.sha256(b"a key given by its hash").hexdigest()
            keys.append({"name": "hashed", "roles": ["inference"], "key_sha256": hashed})
            secret = b"0123456789abcdef-secret"
            config = dict(ONE, keys=keys, token_secret_file=write_key(folder, "secret", secret.decode()))
            with Server(config) as s:
                allowed = {("GET", "/v1/models"): {"inference", "admin"},
                           ("GET", "/metrics"): {"metrics", "admin"},
                           ("POST", "/admin/models/bert/reload"): {"admin"},
                           ("GET", "/health"): set(roles), ("GET", "/ready"): set(roles)}
                for (method, path), who in allowed.items():
                    for role in roles:
                        status = s.request(method, path, key="key-of-the-role-" + role).status
                        self.assertEqual(status, 200 if role in who else 403, (method, path, role))
                    expected = 200 if path in ("/health", "/ready") else 401
                    for key in (None, "wrong", "key-of-the-role-admin ", "", hashed):
                        self.assertEqual(s.request(method, path, key=key).status, expected, (path, key))
                self.assertEqual(s.get("/v1/models", key="a key given by its hash").status, 200)
                r = s.get("/v1/models")
                self.assertEqual((r.headers["WWW-Authenticate"], r.error["code"]), ("Bearer", "invalid_api_key"))
                self.assertEqual(s.get("/v1/models", headers={"Authorization": "Basic a2V5"}).status, 401)
                # A customer's token is known (403), anything else is not (401).
                now = int(time.time())
                good = {"sub": "c001", "exp": now + 60}
                for token, status in ((sign(secret, good), 403), (sign(secret, dict(good, exp=now - 1)), 401),
                                      (sign(b"another secret of 16", good), 401), (sign(secret, {"sub": "c001"}), 401),
                                      (sign(secret, {"exp": now + 60}), 401), (sign(secret, dict(good, sub="")), 401),
                                      (sign(secret, good, {"alg": "none"}), 401),
                                      (sign(secret, good, {"alg": "HS512"}), 401), (sign(secret, b"[]"), 401),
                                      (sign(secret, dict(good, nbf=now + 60)), 401),
                                      (sign(secret, good)[:-1], 401), (sign(secret, good) + ".", 401), ("..", 401)):
                    self.assertEqual(s.get("/v1/models", key=token).status, status, token)
            text = json.dumps(s.log)
            for role in roles:
                self.assertNotIn("key-of-the-role-" + role, text)


class Signals(unittest.TestCase):
    def test_drain(self):
        with Server(dict(ONE, limits={"drain_delay_ms": 1500})) as s:
            s.process.send_signal(signal.SIGTERM)
            deadline = time.time() + 5
            while s.get("/ready").status != 503:
                self.assertLess(time.time(), deadline)
            r = s.get("/v1/models")  # it still answers, and says that the connection ends
            self.assertEqual((r.status, r.headers["Connection"]), (200, "close"))
            self.assertEqual(s.process.wait(10), 0)
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", s.port), 1)

    def test_a_reload_does_not_shorten_the_delay(self):
        with Server(dict(ONE, limits={"drain_delay_ms": 3000})) as s:
            s.process.send_signal(signal.SIGTERM)
            begin = time.time()
            while s.get("/ready").status != 503:
                self.assertLess(time.time(), begin + 2)
            s.process.send_signal(signal.SIGHUP)
            self.assertEqual(s.process.wait(30), 0)
            self.assertGreater(time.time() - begin, 2.9)

    def test_reload_and_end(self):
        for _ in range(6):
            with Server(ONE) as s:
                for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM):
                    s.process.send_signal(number)
                self.assertEqual(s.process.wait(30), 0, s.log[-3:])

    def test_reload(self):
        with Server(ONE) as s:
            self.assertEqual(s.request("POST", "/admin/models/reviews/reload").json,
                             {"model": "reviews", "version": 2})
            self.assertEqual(s.request("POST", "/admin/models/x/reload").status, 404)
            s.process.send_signal(signal.SIGHUP)
            deadline = time.time() + 30
            while s.metric('llmcs_model_version{model="bert"}') != 3:
                self.assertLess(time.time(), deadline)


if __name__ == "__main__":
    unittest.main()
