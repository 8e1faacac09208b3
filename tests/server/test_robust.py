"""llmcs-server under bad conditions: full queues, deadlines, clients that vanish, read slowly or send half a request,
models that are swapped and servers that end under load."""
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from server import ENCODER, GPT2, MODELS, PROGRAM, Server

NO_END = {"logit_bias": {"10239": -100}}  # of shop-gpt2: texts go on to max_tokens
SLOW = {"environment": {"LLMCS_CPU": "scalar"}}  # where a test needs a request that still runs


def gpt2(**more):
    return {"models": [dict({"name": "gpt2", "path": GPT2}, **more)]}


def body(**more):
    return dict({"model": "gpt2", "prompt": "User: hi\nBot:", "max_tokens": 400}, **dict(NO_END, **more))


def raw_request(port, value, path="/v1/completions", headers=""):
    """A socket that has sent a request."""
    data = json.dumps(value).encode()
    s = socket.create_connection(("127.0.0.1", port), 30)
    s.sendall(("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
               % (path, len(data), headers)).encode() + data)
    return s


def wait_until(condition, seconds=60):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline, "waited %d s" % seconds
        time.sleep(0.02)


def is_closed(s, seconds):
    """The server closes the socket within that time."""
    s.settimeout(seconds)
    try:
        while s.recv(65536):
            pass
        return True
    except socket.timeout:
        return False
    except OSError:
        return True


class Limits(unittest.TestCase):
    def test_full_queue(self):
        with Server(gpt2(max_batch=1, max_queue=2), **SLOW) as s:
            results = []

            def client():
                results.append(s.post("/v1/completions", body(max_tokens=16)))
            threads = [threading.Thread(target=client) for _ in range(12)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            refused = [r for r in results if r.status == 429]
            self.assertEqual({r.status for r in results}, {200, 429})
            for r in refused:
                self.assertEqual((r.headers["Retry-After"], r.error["type"], r.error["code"]),
                                 ("1", "rate_limit_error", "queue_full"))
            self.assertEqual(s.metric("llmcs_engine_requests_refused_total"), len(refused))
            # A request of several choices runs whole or not at all.
            self.assertEqual(s.post("/v1/completions", body(n=5, max_tokens=4)).status, 429)
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 0)

    def test_jobs(self):
        config = {"models": [{"name": "e", "path": ENCODER}], "limits": {"worker_threads": 1, "max_jobs": 1}}
        with Server(config) as s:
            statuses = []
            many = {"model": "e", "input": ["a text of some words, number %d" % i for i in range(400)]}

            def client():
                statuses.append(s.post("/v1/embeddings", many).status)
            threads = [threading.Thread(target=client) for _ in range(6)]
            for t in threads:
                t.start()
            wait_until(lambda: 429 in statuses)
            self.assertEqual(s.get("/health").status, 200)  # which needs no worker
            for t in threads:
                t.join()
            self.assertEqual(set(statuses), {200, 429})

    def test_deadline(self):
        with Server(gpt2(), **SLOW) as s:
            r = s.post("/v1/completions", body(), headers={"X-Deadline-Ms": "150"})
            if r.status == 504:
                self.assertEqual(r.error["code"], "deadline_exceeded")
            else:
                self.assertEqual((r.status, r.json["choices"][0]["finish_reason"],
                                  r.json["choices"][0]["finish_detail"]), (200, "length", "deadline"))
            wait_until(lambda: s.metric("llmcs_engine_requests_deadline_total") == 1)
            end = s.post("/v1/completions", body(stream=True), headers={"X-Deadline-Ms": "400"}).events()[-1]
            if "error" in end:  # not one token came in time
                self.assertEqual(end["error"]["code"], "deadline_exceeded")
            else:
                self.assertEqual(end["choices"][0]["finish_detail"], "deadline")
        config = {"models": [{"name": "e", "path": ENCODER}], "limits": {"deadline_ms": 30}}
        with Server(config, **SLOW) as s:
            r = s.post("/v1/embeddings", {"model": "e", "input": ["some words " * 20] * 100})
            self.assertEqual((r.status, r.error["code"]), (504, "deadline_exceeded"))

    def test_sizes(self):
        with Server(dict(gpt2(), limits={"max_body_bytes": 1000, "max_header_bytes": 2048, "timeout_s": 5})) as s:
            self.assertEqual(s.post("/v1/completions", body(prompt="x" * 2000)).status, 413)
            c = s.connect()  # chunked: its length is not known before
            c.request("POST", "/v1/completions", iter([b"x" * 400] * 5), {"Content-Type": "application/json"},
                      encode_chunked=True)
            self.assertEqual(c.getresponse().status, 413)
            c.close()
            c = s.connect()
            with self.assertRaises((OSError, http.client.HTTPException)):
                c.request("POST", "/v1/completions", iter([b"x" * 1000] * 5000), {"Content-Type": "application/json"},
                          encode_chunked=True)
                raise OSError(c.getresponse().status) if c.getresponse().status == 413 else AssertionError
            c.close()
            for n in (2000, 3000, 4500):
                r = s.get("/health", headers={"X-Long": "y" * n})
                self.assertEqual((r.status, r.error["code"], r.headers["Connection"]), (431, "head_too_large", "close"))
            self.assertEqual(s.get("/health", headers={"X-Long": "y" * 1500}).status, 200)
            self.assertEqual(s.get("/" + "y" * 1500).status, 404)  # the path counts once
            self.assertEqual(s.get("/" + "y" * 2048).status, 431)
            r = s.get("/health", headers={"X-Long": "y" * 20000})  # libmicrohttpd's own answer
            self.assertIn(r.status, (413, 431))
            self.assertEqual(s.get("/health").status, 200)

    def test_all_bodies_together(self):
        with Server(dict(gpt2(), limits={"max_bodies_bytes": 5000}), **SLOW) as s:
            running = raw_request(s.port, body(prompt="x " * 100, user="y" * 4000))
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 1)
            r = s.post("/v1/completions", body(user="y" * 2000))
            self.assertEqual((r.status, r.error["code"], r.headers["Retry-After"]), (503, "out_of_memory", "1"))
            self.assertEqual(s.post("/v1/completions", body(max_tokens=1)).status, 200)
            running.close()
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 0)
            # The engine is done with the request a little before its body is freed.
            wait_until(lambda: s.post("/v1/completions", body(user="y" * 2000, max_tokens=1)).status == 200)

    def test_connections(self):
        with Server(dict(gpt2(), limits={"max_connections": 20, "http_threads": 1})) as s:
            held = [s.connect() for _ in range(20)]
            for c in held:
                self.assertEqual(s.get("/health", connection=c).status, 200)
            r = s.get("/health")
            self.assertEqual((r.status, r.error["code"], r.headers["Retry-After"]), (503, "too_many_connections", "1"))
            self.assertEqual(r.headers["Connection"], "close")
            idle = [s.connect() for _ in range(10)]
            for c in idle:
                c.connect()
            wait_until(lambda: s.metric("llmcs_connections", held[0]) == 30)
            for c in held:  # those that were there first are served
                self.assertEqual(s.get("/health", connection=c).status, 200)
            for c in held + idle:
                c.close()
            wait_until(lambda: s.get("/health").status == 200)
        with Server(dict(gpt2(), limits={"max_connections_per_ip": 3})) as s:
            held = [s.connect() for _ in range(3)]
            for c in held:
                self.assertEqual(s.get("/health", connection=c).status, 200)
            with self.assertRaises((OSError, http.client.HTTPException)):
                s.get("/health")
            for c in held:
                c.close()


class Clients(unittest.TestCase):
    def test_a_client_that_leaves_cancels_its_request(self):
        with Server(gpt2(max_batch=2), **SLOW) as s:
            for n, stream in enumerate((False, True, False, True)):
                sock = raw_request(s.port, body(stream=stream))
                wait_until(lambda: s.metric("llmcs_engine_requests_running") == 1)
                sock.close()
                wait_until(lambda: s.metric("llmcs_engine_requests_running") == 0)
                self.assertEqual(s.metric("llmcs_engine_requests_cancelled_total"), n + 1)
            wait_until(lambda: s.metric("llmcs_requests_active") == 1)  # that of /metrics itself
            self.assertEqual(s.metric('llmcs_http_requests_total{route="/v1/completions",method="POST",status="499"}'),
                             4)

    def test_many_clients_that_vanish(self):
        seed = int(os.environ.get("LLMCS_SEED", random.SystemRandom().randrange(1 << 32)))
        print("seed %d" % seed, file=sys.stderr)
        with Server({"models": [{"name": "gpt2", "path": GPT2}, {"name": "e", "path": ENCODER}],
                     "log_requests": False}) as s:
            sizes, problems = [], []

            def work(i):
                rng = random.Random("%d %d" % (seed, i))
                for k in range(60):
                    try:
                        more = {"n": rng.choice((1, 1, 3)), "max_tokens": rng.randrange(1, 60), "stream": k % 2 == 0,
                                "logprobs": rng.choice((None, None, 2))}
                        sock = (raw_request(s.port, {"model": "e", "input": ["a text"] * rng.randrange(1, 50)},
                                            "/v1/embeddings") if k % 7 == 0 else raw_request(s.port, body(**more)))
                        sock.settimeout(rng.choice((0.001, 0.01, 0.05)))
                        try:
                            sock.recv(rng.randrange(1, 3000))
                        except OSError:
                            pass
                        sock.close()
                    except OSError as e:
                        problems.append(repr(e))
                    if i == 0 and k == 20:
                        sizes.append(s.resident_bytes())
            threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(problems[:3], [], seed)
            wait_until(lambda: s.metric("llmcs_requests_active") == 1, 60)
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 0)
            sizes.append(s.resident_bytes())
            if "LLMCS_SERVER" not in os.environ:  # a sanitizer keeps what is freed
                self.assertLess(sizes[1] - sizes[0], 16 << 20, seed)

    def test_a_client_that_leaves_frees_a_worker(self):
        config = {"models": [{"name": "e", "path": ENCODER}], "limits": {"worker_threads": 1}}
        with Server(config, **SLOW) as s:
            many = {"model": "e", "input": ["some words of a long text " * 20] * 2000}
            sock = raw_request(s.port, many, "/v1/embeddings")
            wait_until(lambda: s.metric("llmcs_jobs_running") >= 2)  # and /metrics
            sock.close()
            begin = time.time()
            self.assertEqual(s.post("/v1/embeddings", {"model": "e", "input": "a"}).status, 200)
            self.assertLess(time.time() - begin, 10)

    def test_half_open_and_slow_senders_are_closed(self):
        with Server(dict(gpt2(), limits={"timeout_s": 1})) as s:
            halves = [b"", b"GET", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Le",
                      b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 100\r\n\r\n{\"model\":"]
            socks = []
            for half in halves * 8:
                sock = socket.create_connection(("127.0.0.1", s.port), 10)
                sock.sendall(half)
                socks.append(sock)
            self.assertEqual(s.get("/health").status, 200)
            for sock in socks:
                self.assertTrue(is_closed(sock, 8))
                sock.close()
            # One byte now and then does not keep a connection.
            drip = socket.create_connection(("127.0.0.1", s.port), 10)
            begin, closed = time.time(), False
            try:
                while time.time() - begin < 10 and not closed:
                    drip.sendall(b"x")
                    drip.settimeout(0.3)
                    try:
                        closed = drip.recv(100) == b""
                    except socket.timeout:
                        pass
            except OSError:
                closed = True
            drip.close()
            self.assertTrue(closed)

    def test_slow_readers(self):
        config = {"models": [{"name": "e", "path": ENCODER}, {"name": "gpt2", "path": GPT2}],
                  "limits": {"timeout_s": 1}}
        with Server(config) as s:
            many = {"model": "e", "input": ["a"] * 2000}  # an answer of megabytes
            readers = []
            for _ in range(2):
                sock = raw_request(s.port, many, "/v1/embeddings")
                readers.append(sock)
            streams = [raw_request(s.port, body(stream=True)) for _ in range(8)]
            begin = time.time()
            self.assertEqual(s.post("/v1/completions", body(max_tokens=20)).status, 200)
            self.assertLess(time.time() - begin, 10)
            # Who reads late gets all, if not too late.
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 0)
            for sock in streams:
                sock.settimeout(10)
                data = b""
                while b"[DONE]" not in data:
                    block = sock.recv(65536)
                    self.assertTrue(block)
                    data += block
                sock.close()
            wait_until(lambda: s.metric('llmcs_http_requests_total{route="/v1/embeddings",method="POST",status="499"}')
                       == 2, 30)
            for sock in readers:
                sock.close()


class Swap(unittest.TestCase):
    def test_swap_under_load(self):
        config = {"models": [{"name": "gpt2", "path": GPT2},
                             {"name": "bert", "path": os.path.join(MODELS, "review-bert")}]}
        with Server(config) as s:
            stop, failures, n = threading.Event(), [], [0]
            expected = s.post("/v1/completions", body(max_tokens=24)).json["choices"][0]["text"]

            def generate(stream):
                c = s.connect()
                while not stop.is_set():
                    r = s.post("/v1/completions", body(max_tokens=24, stream=stream), connection=c)
                    text = ("".join(e["choices"][0]["text"] for e in r.events()) if stream
                            else r.json["choices"][0]["text"]) if r.status == 200 else r.body
                    if text != expected:
                        failures.append(text)
                    n[0] += 1
                c.close()

            def classify():
                c = s.connect()
                while not stop.is_set():
                    r = s.post("/v1/classify", {"model": "bert", "input": ["good", "bad"]}, connection=c)
                    if r.status != 200:
                        failures.append(r.body)
                    n[0] += 1
                c.close()
            threads = [threading.Thread(target=generate, args=(i % 2 == 1,)) for i in range(6)]
            threads += [threading.Thread(target=classify) for _ in range(2)]
            for t in threads:
                t.start()
            sizes = []
            for i in range(6):
                model = ("gpt2", "bert")[i % 2]
                self.assertEqual(s.request("POST", "/admin/models/%s/reload" % model).json["version"], i // 2 + 2)
                sizes.append(s.resident_bytes())
            stop.set()
            for t in threads:
                t.join()
            self.assertEqual(failures, [])
            self.assertGreater(n[0], 20)
            self.assertLess(max(sizes[2:]), 3 * sizes[0])  # old versions are freed

    def test_a_folder_that_does_not_open_leaves_the_old_version(self):
        import shutil
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "m")
            shutil.copytree(GPT2, path)
            with Server({"models": [{"name": "gpt2", "path": path}]}) as s:
                os.rename(path, path + "2")
                r = s.request("POST", "/admin/models/gpt2/reload")
                self.assertEqual((r.status, r.error["code"]), (500, "reload_failed"))
                self.assertEqual(s.post("/v1/completions", body(max_tokens=4)).status, 200)


class Drain(unittest.TestCase):
    def test_running_requests_finish(self):
        with Server(gpt2(), **SLOW) as s:
            streams = [raw_request(s.port, body(stream=True, max_tokens=20)) for _ in range(3)]
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 3)
            s.process.send_signal(signal.SIGTERM)
            for sock in streams:
                sock.settimeout(60)
                data = b""
                while True:
                    block = sock.recv(65536)
                    if not block:
                        break
                    data += block
                self.assertIn(b"[DONE]", data)
                self.assertIn(b'"finish_reason":"length"', data)
                sock.close()
            self.assertEqual(s.process.wait(30), 0)

    def test_connections_that_go_on_sending(self):
        for _ in range(3):
            with Server(gpt2()) as s:
                bad, n = [], [0]

                def client():
                    c = s.connect()
                    while True:
                        try:
                            r = s.post("/v1/completions", body(max_tokens=3), connection=c)
                        except (OSError, http.client.HTTPException):
                            return  # between two requests the server may close a connection
                        n[0] += 1
                        if r.status != 200:
                            bad.append((r.status, r.body))
                        if r.headers.get("Connection") == "close":
                            return
                threads = [threading.Thread(target=client) for _ in range(8)]
                for t in threads:
                    t.start()
                wait_until(lambda: n[0] > 20)
                s.process.send_signal(signal.SIGTERM)
                for t in threads:
                    t.join()
                self.assertEqual(bad, [])
                self.assertEqual(s.process.wait(30), 0)

    def test_the_limit_of_a_drain(self):
        with Server(dict(gpt2(), limits={"drain_ms": 200}), **SLOW) as s:
            whole, stream = raw_request(s.port, body()), raw_request(s.port, body(stream=True))
            wait_until(lambda: s.metric("llmcs_engine_requests_running") == 2)
            s.process.send_signal(signal.SIGTERM)
            for sock in (whole, stream):
                self.assertTrue(is_closed(sock, 30))
                sock.close()
            self.assertEqual(s.process.wait(30), 0)
            stopped = [e for e in s.log if e["event"] == "stopped"]
            self.assertGreaterEqual(stopped[0]["cancelled"], 1)

    def test_a_signal_while_models_open_ends_at_once(self):
        names = [{"name": "m%d" % i, "path": GPT2} for i in range(400)]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
            json.dump({"listen": {"port": 0}, "models": names}, config)
            config.flush()
            for number in (signal.SIGTERM, signal.SIGINT):
                process = subprocess.Popen([PROGRAM, "--config", config.name], stderr=subprocess.PIPE)
                first = json.loads(process.stderr.readline())
                process.send_signal(signal.SIGUSR1)  # which means nothing
                time.sleep(0.01)
                process.send_signal(number)
                rest = [json.loads(line) for line in process.communicate(timeout=60)[1].splitlines()]
                self.assertEqual((process.returncode, first["event"]), (0, "open"), rest)
                self.assertEqual((rest[-1]["event"], rest[-1]["while"]), ("stopped", "opening"))
                self.assertLess(len(rest), 200)  # not after all of them

    def test_a_reload_does_not_hold_up_the_end(self):
        n = 100
        with Server({"models": [{"name": "m%d" % i, "path": GPT2} for i in range(n)]}) as s:
            s.process.send_signal(signal.SIGHUP)  # one reload of each model
            wait_until(lambda: any(e["event"] == "reload" for e in s.log))
            s.process.send_signal(signal.SIGTERM)
            self.assertEqual(s.process.wait(60), 0)
            s.reader.join(10)
            reloads = [e for e in s.log if e["event"] == "reload"]
            self.assertLess(len(reloads), n // 2)
            self.assertEqual([e for e in s.log if e["level"] == "error"], [])  # an end is none

    def test_half_a_request_does_not_hold_up_the_end(self):
        with Server(dict(gpt2(), limits={"drain_ms": 200})) as s:
            half = socket.create_connection(("127.0.0.1", s.port), 30)
            half.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 100\r\n\r\n{")
            wait_until(lambda: s.metric("llmcs_requests_active") == 2)  # with that of /metrics itself
            s.process.send_signal(signal.SIGTERM)
            begin = time.time()
            self.assertTrue(is_closed(half, 30))
            self.assertLess(time.time() - begin, 6.5)
            self.assertEqual(s.process.wait(30), 0)
            half.close()


if __name__ == "__main__":
    unittest.main()
