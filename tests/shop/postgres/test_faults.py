"""A node that is killed, a connection that is lost, a server that restarts or hangs: at every message of an action's
turn. Nothing is done twice, nothing is lost, nothing is said that is not so.

A proxy between node and server counts the node's messages. At message N it kills the node with -9 before the server sees
it, or after; or it loses the connection before, or between message and answer (which is how a COMMIT's answer is lost).

A few messages, chosen by $SEED; EVERY_STEP=1: all of them, which takes three minutes.

usage: test_faults.py [-v]   run from anywhere, after `make`; needs PostgreSQL's server (package postgresql)
"""
import os
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nodes  # noqa: E402
import servers  # noqa: E402

sys.path.insert(0, os.path.join(servers.ROOT, "tools", "python"))
PG = SHOP = WHY = None
SEED = int(os.environ.get("SEED", str(int(time.time()))))
DONE, NOTHING_DONE, NOT_KNOWN = "is cancelled", "Shall I cancel", "cannot tell"


def setUpModule():
    global PG, SHOP, WHY
    why = servers.missing()
    if why:
        WHY = why
        print("SKIPPED shop/postgres/test_faults: %s" % why, flush=True)
        return
    print("seed %d" % SEED, flush=True)
    PG = servers.Postgres()
    unittest.addModuleCleanup(PG.close)
    SHOP = nodes.Shop(PG)
    unittest.addModuleCleanup(SHOP.close)


class Case(unittest.TestCase):
    def setUp(self):
        if WHY:
            self.skipTest(WHY)
        self.db = SHOP.database("f_" + self._testMethodName[5:50])
        self.fault, self.at, self.armed, self.victim = None, 0, False, None
        self.proxy = servers.Proxy(PG.port, self.on_message)
        self.addCleanup(self.proxy.close)
        self.effects = os.path.join(SHOP.folder, self._testMethodName + ".effects")
        open(self.effects, "w").close()

    def on_message(self, number):
        if not self.armed or number < self.at:
            return None
        self.armed = False
        if self.fault == "freeze":
            self.proxy.frozen.set()
            return None
        if self.fault == "kill after":  # the server has the message when the node dies, and answers nobody
            threading.Timer(0.02, self.victim.kill).start()
            return "deaf"
        if self.fault == "kill":
            self.victim.kill()
            self.victim.process.wait()
            return "drop"
        return self.fault

    def node(self, *options, proxied=False, store=None):
        node = nodes.Node(store or SHOP.store(), PG.conninfo(self.db, self.proxy.port if proxied else None), *options)
        self.assertIsNotNone(node.ready, "the node does not start")
        return node

    def one(self, statement):
        return PG.one(statement, self.db)

    def count_effects(self, key=None):
        with open(self.effects) as f:
            keys = f.read().split()
        return len([k for k in keys if key in (None, k)])

    def messages_of_the_turn(self, *options):
        """How many messages the turn with the yes sends when nothing happens."""
        node = self.node(*options, proxied=True)
        node.say("please cancel " + nodes.UNPAID, "measured", id="1")
        before = self.proxy.number
        self.assertEqual(node.say("yes", "measured", id="yes")["action"]["state"], "DONE")
        n = self.proxy.number - before
        node.close()
        PG.sql("UPDATE orders SET status = 'pending_payment' WHERE id = '%s'" % nodes.UNPAID, self.db)
        self.assertGreater(n, 15)
        return n

    def check(self, conversation, reply, by_host, where):
        """What was said is so; and the message, sent again to another node, gets to one truth."""
        state = self.one("SELECT string_agg(a.state, ',') FROM actions a JOIN conversations v ON v.row = a.conversation WHERE v.id = '%s'" % conversation)
        if reply and DONE in reply["reply"]:
            self.assertEqual(state, "DONE", where)
        key = self.one("SELECT min(a.key) FROM actions a JOIN conversations v ON v.row = a.conversation WHERE v.id = '%s'" % conversation)
        for _ in range(4):
            again = self.other.say("yes", conversation, id="yes")
            if again["route"] != "unavailable":
                break
            # The host's action may still be going on: its time is over now. That answer is stored under the message's id.
            PG.sql("UPDATE actions SET deadline = 1 WHERE state = 'PENDING'; DELETE FROM turns t USING conversations v WHERE v.row ="
                   " t.conversation AND v.id = '%s' AND message_id = 'yes'; UPDATE conversations v SET turns = (SELECT coalesce(max(number), 0)"
                   " FROM turns t WHERE t.conversation = v.row)" % conversation, self.db)
        state = self.one("SELECT string_agg(a.state, ',') FROM actions a JOIN conversations v ON v.row = a.conversation WHERE v.id = '%s'" % conversation)
        said = [text for text in (DONE, NOT_KNOWN) if text in again["reply"]]
        self.assertEqual(len(said), 1, (where, again))
        self.assertEqual(state, "DONE" if said == [DONE] else "UNKNOWN", (where, again))
        if by_host:
            key = key or self.one("SELECT min(a.key) FROM actions a JOIN conversations v ON v.row = a.conversation WHERE v.id = '%s'" % conversation)
            self.assertLessEqual(self.count_effects(key), 1, where)
            if said == [DONE]:
                self.assertEqual(self.count_effects(key), 1, where)
        else:
            self.assertEqual(said, [DONE], where)
            self.assertEqual(self.one("SELECT status FROM orders WHERE id = '%s'" % nodes.UNPAID), "cancelled", where)
            PG.sql("UPDATE orders SET status = 'pending_payment' WHERE id = '%s'" % nodes.UNPAID, self.db)
        # Not twice, whatever is tried again.
        self.assertTrue(self.other.say("yes", conversation, id="yes")["repeated"])
        if state == "UNKNOWN":
            PG.sql("UPDATE actions SET state = 'FAILED' WHERE state = 'UNKNOWN'", self.db)

    def every_message(self, fault, by_host, steps):
        options = ("--host", self.effects) if by_host else ()
        self.other = self.node(*options)
        self.addCleanup(self.other.close)
        n = self.messages_of_the_turn(*options)
        # The last messages are the transaction that stores the turn, and its COMMIT.
        chosen = list(range(1, n + 1))
        if not os.environ.get("EVERY_STEP"):
            chosen = sorted(random.Random(SEED).sample(chosen[:-5], steps) + random.Random(SEED).sample(chosen[-5:], 2))
        node, store, seen = None, SHOP.store(), 0
        for step in chosen:
            c = "%s %d" % (fault, step)
            if node is None:
                node = self.node(*options, proxied=True, store=store)
            self.assertEqual(node.say("please cancel " + nodes.UNPAID, c, id="ask")["expects"], "yes")
            self.fault, self.victim = fault, node
            self.at, self.armed = self.proxy.number + step, True
            reply = node.say("yes", c, id="yes")
            seen += not self.armed
            self.armed = False
            if fault.startswith("kill"):
                node.close()
                node = None
            self.check(c, reply, by_host, (fault, step, reply, "seed", SEED))
        if node:
            node.close()
        self.assertGreaterEqual(seen, len(chosen) - 2)  # a turn may have a message less than the one that was measured
        self.assertEqual(self.one("SELECT count(*) FROM actions WHERE state = 'PENDING'"), "0")


class Kills(Case):
    def test_killed_at_every_message_of_a_statement(self):
        self.every_message("kill", False, 2)

    def test_killed_after_every_message_of_a_statement(self):
        self.every_message("kill after", False, 2)

    def test_killed_at_every_message_of_a_host_call(self):
        self.every_message("kill", True, 2)

    def test_killed_after_every_message_of_a_host_call(self):
        self.every_message("kill after", True, 2)


class Lost(Case):
    def test_lost_before_every_message_of_a_statement(self):
        self.every_message("drop", False, 4)

    def test_lost_after_every_message_of_a_statement(self):
        self.every_message("deaf", False, 4)

    def test_lost_before_every_message_of_a_host_call(self):
        self.every_message("drop", True, 4)

    def test_lost_after_every_message_of_a_host_call(self):
        self.every_message("deaf", True, 4)


class Servers(Case):
    def test_a_restart_costs_no_message_and_a_stop_is_said(self):
        node = self.node()
        self.addCleanup(node.close)
        import llmcs_shop
        shop = llmcs_shop.Shop(SHOP.store(), postgres=PG.conninfo(self.db))
        self.addCleanup(shop.close)
        self.assertEqual(node.say("hello")["number"], 1)
        PG.stop()
        PG.start()
        self.assertEqual(node.say("hello")["number"], 2)  # the idle connection is made anew
        PG.stop(signal.SIGKILL)
        try:
            begin = time.monotonic()
            for text, lang in (("where is my order " + nodes.SHIPPED, "en"), ("取消订单" + nodes.UNPAID, "zh")):
                said = node.say(text)
                self.assertEqual((said["route"], said["lang"], said["number"]), ("unavailable", lang, 0), said)
            self.assertLess(time.monotonic() - begin, 5)
            # Attempts have pauses between them, in which calls fail at once.
            with self.assertRaisesRegex(Exception, "refused"):
                shop.verify_audit()
            with self.assertRaisesRegex(Exception, "refused.*next attempt in [0-9]+ ms"):
                shop.verify_audit()
        finally:
            PG.start()
        deadline = time.monotonic() + 15
        while (said := node.say("where is my order " + nodes.SHIPPED))["route"] == "unavailable" and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertIn("on its way", said["reply"])
        self.assertEqual(said["number"], 3)
        self.assertEqual(self.one("SELECT count(*) FROM turns t JOIN conversations v ON v.row = t.conversation WHERE v.id = 'c'"), "3")

    def test_a_server_that_hangs_does_not_hang_the_node(self):
        node = self.node("--deadline", "1000", proxied=True)
        self.addCleanup(node.close)
        node.say("hello")
        self.proxy.frozen.set()
        begin = time.monotonic()
        said = node.say("where is my order " + nodes.SHIPPED)
        took = time.monotonic() - begin
        self.proxy.frozen.clear()
        self.assertEqual(said["route"], "unavailable")
        self.assertLess(took, 6)
        self.proxy.drop()
        deadline = time.monotonic() + 15
        while (said := node.say("hello"))["route"] == "unavailable" and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(said["number"], 2)

    def test_a_server_that_takes_connections_and_is_silent_costs_the_deadline_and_not_connect_timeout(self):
        node = self.node("--deadline", "800", proxied=True)
        self.addCleanup(node.close)
        node.say("hello")
        self.proxy.frozen.set()  # connections are accepted, and nothing comes of them
        self.proxy.drop()
        for _ in range(2):
            begin = time.monotonic()
            said = node.say("where is my order " + nodes.SHIPPED)
            took = time.monotonic() - begin
            self.assertEqual(said["route"], "unavailable")
            self.assertLess(took, 2.5)  # connect_timeout is 5 s
        self.assertIn("did not answer before the time-out to connect", node.log())
        self.proxy.frozen.clear()
        self.assertEqual(self.after_a_while(node)["number"], 2)

    def test_a_connect_timeout_that_is_not_an_integer_is_refused(self):
        import llmcs
        import llmcs_shop
        for text in ("soon", "5s", "1e3", "9999999999"):
            with self.assertRaisesRegex(llmcs.Error, "connect_timeout is not an integer"):
                llmcs_shop.Shop(SHOP.store(), postgres=PG.conninfo(self.db, connect_timeout=text)).close()
        llmcs_shop.Shop(SHOP.store(), postgres=PG.conninfo(self.db, connect_timeout="' +7 '")).close()

    def test_of_two_hosts_a_silent_one_leaves_the_other_its_time(self):
        silent = servers.Proxy(PG.port)
        self.addCleanup(silent.close)
        silent.frozen.set()
        hosts = PG.conninfo(self.db, "%d,%d" % (silent.port, PG.port), host="127.0.0.1,127.0.0.1", connect_timeout=3)
        begin = time.monotonic()
        node = nodes.Node(SHOP.store(), hosts, "--deadline", "3000")
        self.addCleanup(node.close)
        self.assertIsNotNone(node.ready)
        self.assertGreater(time.monotonic() - begin, 2.5)  # opening has no deadline: it waits as long as conninfo says
        PG.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()" % self.db)
        begin = time.monotonic()
        self.assertEqual(node.say("hello")["number"], 1)
        self.assertLess(time.monotonic() - begin, 3)

    def test_a_lost_session_that_holds_the_conversation_is_not_waited_for_beyond_the_deadline(self):
        node = self.node("--deadline", "1000", proxied=True)
        self.addCleanup(node.close)
        self.addCleanup(self.proxy.let_go)
        steps = iter(range(2, 40))
        while "the lost session, which locks the conversation" not in (log := node.log()):
            step = next(steps, None)  # the turn has its lock from message 2 on; it connects again for a new transaction
            self.assertIsNotNone(step, log)
            c = "c%d" % step
            self.assertEqual(self.after_a_while(node, c)["number"], 1)
            self.fault, self.at, self.armed = "half", self.proxy.number + step, True
            begin = time.monotonic()
            node.say("hello", c)
            self.assertLess(time.monotonic() - begin, 3, step)  # busy_ms is 5 s
            self.armed = False
            self.assertEqual(node.say("hello", "elsewhere %d" % step)["number"], 1)  # other conversations do not wait
            self.proxy.let_go()
            self.assertNotEqual(self.after_a_while(node, c)["route"], "unavailable")

    def after_a_while(self, node, conversation="c"):
        """The first answer that is one: attempts to connect have pauses between them."""
        deadline = time.monotonic() + 15
        while (said := node.say("hello", conversation))["route"] == "unavailable" and time.monotonic() < deadline:
            time.sleep(0.1)
        return said

    def test_a_conversation_that_another_node_has_is_waited_for_until_the_deadline(self):
        slow, node = self.node(proxied=True), self.node("--deadline", "500")
        for n in slow, node:
            self.addCleanup(n.close)
        self.assertEqual(slow.say("hello")["number"], 1)
        # The other node's turn has begun, and stands still at its third message.
        self.fault, self.at, self.armed = "freeze", self.proxy.number + 3, True
        answers = []
        thread = threading.Thread(target=lambda: answers.append(slow.say("hello")))
        thread.start()
        while self.armed:
            time.sleep(0.01)
        begin = time.monotonic()
        said = node.say("hello")
        self.assertEqual(said["route"], "unavailable", said)
        self.assertLess(time.monotonic() - begin, 3)
        self.assertEqual(node.say("hello", "elsewhere")["number"], 1)
        self.proxy.frozen.clear()
        thread.join()
        self.assertEqual(answers[0]["number"], 2)
        self.assertEqual(node.say("hello")["number"], 3)


if __name__ == "__main__":
    unittest.main()
