"""Three llmcs-server nodes behind HAProxy with the shipped configuration, one PostgreSQL. A node is killed with -9 in the
middle of conversations with actions, another one is stopped: nothing is lost, nothing is done twice.

usage: test_haproxy.py [-v]   run from anywhere, after `make`; needs haproxy and PostgreSQL's server
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nodes  # noqa: E402
import servers  # noqa: E402

sys.path.insert(0, os.path.join(servers.ROOT, "tests", "server"))
sys.path.insert(0, os.path.join(servers.ROOT, "tools", "python"))
CONFIGURATION = os.path.join(servers.ROOT, "tools", "package", "haproxy", "llmcs.cfg")
KEY = "the-key-of-the-web-shop"
N_CONVERSATIONS = 24
PG = SHOP = Server = WHY = None


def setUpModule():
    global PG, SHOP, Server, WHY
    haproxy = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    why = servers.missing() or (None if haproxy else "no haproxy (package haproxy)")
    if not why and not os.path.exists(os.path.join(nodes.cli.BIN, "llmcs-server")):
        why = "llmcs-server is not built"
    if why:
        WHY = why
        print("SKIPPED shop/postgres/test_haproxy: %s" % why, flush=True)
        return
    from server import Server as server_class
    Server = server_class
    PG = servers.Postgres()
    unittest.addModuleCleanup(PG.close)
    SHOP = nodes.Shop(PG)
    unittest.addModuleCleanup(SHOP.close)


class Proxy:
    """HAProxy with the shipped file; what differs here is in its environment."""

    def __init__(self, ports):
        self.port = servers.free_port()
        self.socket = os.path.join(SHOP.folder, "haproxy-%d.sock" % self.port)
        environment = dict(os.environ, LLMCS_BIND="127.0.0.1:%d" % self.port, LLMCS_SOCKET=self.socket, LLMCS_LOG="stdout")
        for i, port in enumerate(ports):
            environment["LLMCS_NODE%d" % (i + 1)] = "127.0.0.1:%d" % port
        self.log = open(os.path.join(SHOP.folder, "haproxy-%d.log" % self.port), "w+")
        self.process = subprocess.Popen(["haproxy", "-db", "-f", CONFIGURATION], env=dict(environment, PATH=environment["PATH"] + ":/usr/sbin"),
                                        stdout=self.log, stderr=subprocess.STDOUT)

    def request(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, object)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request(method, path, None if body is None else json.dumps(body, ensure_ascii=False).encode(),
                      {"Authorization": "Bearer " + KEY, "Content-Type": "application/json", **(headers or {})})
            r = c.getresponse()
            text = r.read().decode("utf-8", "replace")
            return r.status, r.headers, json.loads(text) if text.startswith("{") else text
        finally:
            c.close()

    def wait_until_ready(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.request("GET", "/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.log.seek(0)
        raise AssertionError("HAProxy has no node: " + self.log.read()[-2000:])

    def state(self):
        """{node: "UP", "DOWN", "DRAIN"} as HAProxy says it."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.socket)
            s.sendall(b"show stat\n")
            lines = b"".join(iter(lambda: s.recv(65536), b"")).decode().splitlines()
        rows = [line.split(",") for line in lines if line.startswith("llmcs,node")]
        return {row[1]: row[17] for row in rows}

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Replicas(unittest.TestCase):
    def start_node(self, **limits):
        store = SHOP.store()
        nodes.shop("init", store, "--postgres", PG.conninfo(self.db))
        key = os.path.join(SHOP.folder, "web.key")
        with open(key, "w") as f:
            f.write(KEY + "\n")
        server = Server({"shop": {"store": store}, "open_metrics": True, "keys": [{"name": "web", "roles": ["shop", "agent", "admin"], "key_file": key}],
                         "limits": {"drain_delay_ms": 3000, **limits}})
        self.addCleanup(self.stop_node, server)
        return server

    def stop_node(self, server):
        server.stop()
        server.folder.cleanup()

    def setUp(self):
        if WHY:
            self.skipTest(WHY)
        self.db = SHOP.database("h_" + self._testMethodName[5:50])

    def start(self):
        self.nodes = [self.start_node() for _ in range(3)]
        self.proxy = Proxy([n.port for n in self.nodes])
        self.addCleanup(self.proxy.close)
        self.proxy.wait_until_ready()

    def say(self, conversation, customer, text, id):
        """As a client does it: the same message with the same id, until there is an answer. (answer, attempts)"""
        for attempt in range(1, 60):
            try:
                status, _, answer = self.proxy.request("POST", "/shop/turn", {"conversation": conversation, "customer": customer, "text": text, "id": id})
            except (OSError, http.client.HTTPException):
                status, answer = 0, None
            if status == 200:
                return answer, attempt
            self.assertIn(status, (0, 429, 502, 503, 504), answer)
            time.sleep(0.1)
        raise AssertionError("no answer to %s of %s: %s %s" % (id, conversation, status, answer))

    def pairs(self):
        """Customers with an order that can be cancelled, one order each."""
        rows = PG.sql("SELECT DISTINCT ON (u.id) u.id, o.id FROM orders o JOIN customers u ON u.row = o.customer WHERE o.status IN"
                      " ('pending_payment', 'paid', 'packed') ORDER BY u.id, o.id", self.db)
        self.assertGreaterEqual(len(rows), N_CONVERSATIONS)
        return rows[:N_CONVERSATIONS]

    def turns_of(self, node):
        return node.metric("llmcs_http_requests_total")

    def test_a_node_is_killed_in_the_middle(self):
        self.start()
        pairs, answers, errors = self.pairs(), {}, []
        lock, said = threading.Lock(), [0]
        script = ("hello", "please cancel %s", "yes", "where is my order %s", "thanks")
        middle = threading.Event()

        def converse(part):
            for customer, order in part:
                for i, text in enumerate(script):
                    try:
                        answer, attempts = self.say("chat-" + customer, customer, text % order if "%s" in text else text, "%d" % i)
                    except Exception as e:  # seen by the test's own thread
                        errors.append(e)
                        return
                    with lock:
                        answers[customer, i] = answer, attempts
                        said[0] += 1
                        if said[0] == N_CONVERSATIONS * len(script) // 3:
                            middle.set()

        threads = [threading.Thread(target=converse, args=(pairs[i::10],)) for i in range(10)]
        for t in threads:
            t.start()
        self.assertTrue(middle.wait(60))
        victim = max(self.nodes, key=self.turns_of)
        victim.process.send_signal(signal.SIGKILL)
        for t in threads:
            t.join(120)
        self.assertEqual(errors, [])
        n = N_CONVERSATIONS * len(script)
        self.assertEqual(len(answers), n)
        # Nothing is lost: each message has one turn, in order, and its reply is the stored one.
        self.assertEqual(PG.one("SELECT count(*) FROM turns t JOIN conversations v ON v.row = t.conversation WHERE v.id LIKE 'chat-%'", self.db), str(n))
        self.assertEqual(PG.sql("SELECT DISTINCT string_agg(message_id, ' ' ORDER BY number) FROM turns t JOIN conversations v ON v.row ="
                                " t.conversation WHERE v.id LIKE 'chat-%' GROUP BY v.id", self.db), [["0 1 2 3 4"]])
        # Nothing is double: each order was cancelled by one action, and every customer was told so.
        self.assertEqual(PG.sql("SELECT count(*), count(DISTINCT object), string_agg(DISTINCT state, ',') FROM actions", self.db),
                         [[str(N_CONVERSATIONS), str(N_CONVERSATIONS), "DONE"]])
        for customer, order in pairs:
            self.assertEqual(PG.one("SELECT status FROM orders WHERE id = '%s'" % order, self.db), "cancelled")
            self.assertIn("is cancelled", answers[customer, 2][0]["reply"])
        import llmcs_shop
        with llmcs_shop.Shop(SHOP.store(), postgres=PG.conninfo(self.db)) as shop:
            self.assertEqual(shop.verify_audit()["intact"], 1)
        again = sum(1 for _, attempts in answers.values() if attempts > 1)
        repeated = sum(1 for a, _ in answers.values() if a.get("repeated"))
        print("killed after %d of %d messages: %d were sent again by the client, %d replies came from the store" %
              (n // 3, n, again, repeated), flush=True)

    def test_one_conversation_stays_at_one_node_and_a_stopped_node_costs_nothing(self):
        self.start()
        before = [self.turns_of(n) for n in self.nodes]
        for i in range(12):
            self.assertEqual(self.say("stays", "c001", "hello", str(i))[1], 1)
        counts = [n.metric('llmcs_http_requests_total{route="/shop/turn"') for n in self.nodes]
        self.assertEqual(sorted(counts), [0, 0, 12], before)
        # The header says the same as the body; both lead to that node.
        mine = counts.index(12)
        status, _, _ = self.proxy.request("POST", "/shop/turn", {"conversation": "stays", "customer": "c001", "text": "hello"}, {"X-Conversation": "stays"})
        self.assertEqual(status, 200)
        self.assertEqual(self.nodes[mine].metric('llmcs_http_requests_total{route="/shop/turn"'), 13)
        # What is for operators stays inside.
        for path in "/metrics", "/admin/models/x/reload":
            self.assertEqual(self.proxy.request("GET", path)[0], 403)
        # The node is stopped: it says so in /ready, answers what it has, and HAProxy sends the rest elsewhere.
        self.nodes[mine].process.send_signal(signal.SIGTERM)
        end, n = time.monotonic() + 4, 0
        while time.monotonic() < end:
            answer, attempts = self.say("stays", "c001", "hello", "drained %d" % n)
            self.assertEqual(attempts, 1)
            n += 1
            time.sleep(0.05)
        self.assertIn("DOWN", self.proxy.state()["node%d" % (mine + 1)])
        status, _, queue = self.proxy.request("GET", "/shop/conversations/stays?k=1000")
        self.assertEqual((status, queue["all"]), (200, 13 + n))
        self.assertEqual(self.proxy.request("GET", "/shop/queue")[0], 200)
        status, _, board = self.proxy.request("GET", "/shop/dashboard?days=1")
        self.assertEqual(status, 200, board)

    def test_too_many_requests_pass_as_they_are(self):
        node = self.start_node(worker_threads=1, max_jobs=1)
        proxy = Proxy([node.port] * 3)
        self.addCleanup(proxy.close)
        proxy.wait_until_ready()
        found = [None] * 24

        def call(i):
            found[i] = proxy.request("POST", "/shop/turn", {"conversation": "c%d" % i, "text": "hello there", "id": "1"})

        threads = [threading.Thread(target=call, args=(i,)) for i in range(len(found))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        statuses = {status for status, _, _ in found}
        self.assertEqual(statuses, {200, 429}, [f for f in found if f[0] not in (200, 429)][:2])
        self.assertTrue(all(headers.get("Retry-After") for status, headers, _ in found if status == 429))


if __name__ == "__main__":
    unittest.main()
