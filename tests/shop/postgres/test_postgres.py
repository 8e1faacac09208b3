"""Several nodes on one database: the same answers as from a file, one conversation on two nodes, the same message
twice, the same wish twice, people, masks, forgetting, and what is refused.

usage: test_postgres.py [-v]   run from anywhere, after `make`; needs PostgreSQL's server (package postgresql)
"""
import json
import os
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nodes  # noqa: E402
import servers  # noqa: E402

sys.path.insert(0, os.path.join(servers.ROOT, "tools", "python"))
PG = SHOP = WHY = None


def setUpModule():
    global PG, SHOP, WHY
    why = servers.missing()
    if why:
        WHY = why
        print("SKIPPED shop/postgres/test_postgres: %s" % why, flush=True)
        return
    PG = servers.Postgres()
    unittest.addModuleCleanup(PG.close)
    SHOP = nodes.Shop(PG)
    unittest.addModuleCleanup(SHOP.close)


def in_threads(*functions):
    results = [None] * len(functions)

    def call(i):
        results[i] = functions[i]()

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(functions))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


class Case(unittest.TestCase):
    def setUp(self):
        if WHY:
            self.skipTest(WHY)
        self.db = SHOP.database("t_" + self._testMethodName[5:50])
        self.conninfo = PG.conninfo(self.db)

    def node(self, *options, store=None, conninfo=None):
        node = nodes.Node(store or SHOP.store(), conninfo or self.conninfo, *options)
        self.addCleanup(node.close)
        self.assertIsNotNone(node.ready, "the node does not start")
        return node

    def open(self, **more):
        import llmcs_shop
        shop = llmcs_shop.Shop(more.pop("store", None) or SHOP.store(), **{"postgres": self.conninfo, **more})
        self.addCleanup(shop.close)
        return shop

    def one(self, statement):
        return PG.one(statement, self.db)


class Dialogues(Case):
    def test_answers_are_those_of_a_file(self):
        requests, keep = [], []
        for lang in "en", "zh":
            with open(os.path.join(nodes.DATA, "desk-dialogues-tune.%s.jsonl" % lang), encoding="utf-8") as f:
                for dialogue in map(json.loads, f):
                    for i, turn in enumerate(t for t in dialogue["turns"] if "text" in t):
                        requests.append({"conversation": dialogue["id"], "customer": dialogue["customer"], "text": turn["text"],
                                         "id": "%s-%d" % (dialogue["id"], i)})
        store, alone = SHOP.store(), os.path.join(SHOP.folder, "alone.db")
        shutil.copy(SHOP.in_file, alone)
        shared, own = in_threads(lambda: SHOP.chat(store, requests, "--parallel", "1", "--postgres", self.conninfo),
                                 lambda: SHOP.chat(alone, requests, "--parallel", "1", "--postgres", ""))
        self.assertEqual((len(shared), len(own)), (len(requests), len(requests)))
        self.assertGreater(len(requests), 80)
        for r, a, b in zip(requests, shared, own):
            for x in a, b:
                x.pop("ms")
            if "recommend" in (a["route"], b["route"]):  # what was bought is learned from the node's file alone
                a, b = ({k: x[k] for k in ("route", "flow", "lang", "expects")} for x in (a, b))
            self.assertEqual(a, b, r)
            keep.append(a.get("action", {}).get("state"))
        self.assertGreater(keep.count("DONE"), 5)
        self.maxDiff = None
        self.assertEqual(self.one("SELECT count(*) FROM turns WHERE message_id LIKE '%-tune-%'"), str(len(requests)))
        import sqlite3
        db = sqlite3.connect(store)
        self.addCleanup(db.close)
        for table in "turns", "conversations", "actions", "orders", "names", "audit":
            self.assertEqual(db.execute("SELECT count(*) FROM " + table).fetchone()[0], 0, table)
        # What a console shows is the same, too.
        with_server, with_file = self.open(store=store), self.open(store=alone, postgres="")
        PG.sql("DELETE FROM turns t USING conversations v WHERE v.row = t.conversation AND v.id = 'first'", self.db)
        for per_customer in 0, 3:
            boards = [x.dashboard(now=1794830400, per_customer=per_customer) for x in (with_server, with_file)]
            for board in boards:
                for name in "p50_ms", "p95_ms":
                    self.assertGreater(board.pop(name), 0)
                    self.assertGreater(board["days"][-1][name], 0)
                    for day in board["days"]:
                        day.pop(name)
                board["figures"].pop("intent"), board["figures"].pop("route")  # recommendations, as above
            self.assertEqual(*boards)
            self.assertGreater(boards[0]["n_turns"], 20)
        for shown in (lambda x: x.conversations(k=1000), lambda x: x.conversations("open", 1000), lambda x: x.actions("FAILED")):
            a, b = ([{k: v for k, v in row.items() if k not in ("key", "n_turns")} for row in shown(x) if row.get("id") != "first"]
                    for x in (with_server, with_file))
            self.assertEqual(a, b)
        self.assertGreater(len(with_server.conversations(k=1000)), 2)
        # The same changes of orders in both.
        there = PG.sql("SELECT id, status FROM orders ORDER BY id", self.db)
        db = sqlite3.connect(alone)
        self.addCleanup(db.close)
        self.assertEqual(there, [list(row) for row in db.execute("SELECT id, status FROM orders ORDER BY id")])

    def test_personal_data_is_masked(self):
        node = self.node()
        node.say("my phone is 13912345678 and my mail is anna.berg@example.com")
        stored = str(PG.sql("SELECT * FROM turns", self.db)) + str(PG.sql("SELECT * FROM conversations", self.db))
        self.assertNotIn("13912345678", stored)
        self.assertNotIn("anna.berg", stored)
        self.assertIn("<PHONE_1>", stored)
        other = self.node()
        past = other.ask(do="history", conversation="c", unmask=True)["done"]
        self.assertIn("13912345678", str(past))


class TwoNodes(Case):
    def test_a_conversation_goes_on_at_another_node(self):
        a, b = self.node(), self.node()
        self.assertEqual(a.say("please cancel " + nodes.UNPAID)["expects"], "yes")
        done = b.say("yes")
        self.assertEqual(done["action"]["state"], "DONE", done)
        self.assertEqual(self.one("SELECT status FROM orders WHERE id = '%s'" % nodes.UNPAID), "cancelled")
        self.assertEqual([a.say("thanks")["number"], b.say("thanks")["number"]], [3, 4])

    def test_turns_of_one_conversation_come_one_after_the_other(self):
        a, b = self.node(), self.node()
        per_node = 15
        answers = in_threads(*([lambda n=n: [n.say("hello") for _ in range(per_node)] for n in (a, b)]))
        numbers = sorted(t["number"] for part in answers for t in part)
        self.assertEqual(numbers, list(range(1, 2 * per_node + 1)))
        self.assertEqual(self.one("SELECT count(*) || ' ' || max(number) FROM turns t JOIN conversations v ON v.row = t.conversation"
                                  " WHERE v.id = 'c'"), "%d %d" % (2 * per_node, 2 * per_node))

    def test_the_same_message_at_both_nodes_acts_once_and_has_one_reply(self):
        effects = os.path.join(SHOP.folder, "effects-same")
        a, b = self.node("--host", effects), self.node("--host", effects)
        for i in range(8):
            c = "again-%d" % i
            self.assertEqual(a.say("please cancel " + nodes.UNPAID, c)["expects"], "yes")
            x, y = in_threads(*(lambda n=n: n.say("yes", c, id="the-yes") for n in (a, b)))
            self.assertEqual(x["reply"], y["reply"])
            self.assertEqual(sorted([x["repeated"], y["repeated"]]), [False, True])
            self.assertEqual([x["action"]["state"], y["action"]["state"]], ["DONE", "DONE"])
        with open(effects) as f:
            keys = f.read().split()
        self.assertEqual((len(keys), len(set(keys))), (8, 8))
        self.assertEqual(self.one("SELECT string_agg(DISTINCT state, ',') FROM actions"), "DONE")

    def test_the_same_wish_in_two_conversations_is_done_once(self):
        a, b = self.node(), self.node()
        for node, c in ((a, "left"), (b, "right")):
            self.assertEqual(node.say("please cancel " + nodes.UNPAID, c)["expects"], "yes")
        states = sorted(t["action"]["state"] for t in in_threads(lambda: a.say("yes", "left"), lambda: b.say("yes", "right")) if t["action"])
        self.assertIn(states, (["DONE"], ["DONE", "FAILED"]))
        self.assertEqual(self.one("SELECT count(*) FROM actions WHERE state = 'DONE'"), "1")

    def test_many_conversations_on_two_nodes_leave_an_intact_audit(self):
        pair = self.node(), self.node()

        def run(node, part):
            for i in range(12):
                node.say("I want to talk to a person", "%s-%d" % (part, i), "c%03d" % (i + 1))

        in_threads(lambda: run(pair[0], "a"), lambda: run(pair[1], "b"))
        shop = self.open()
        report = shop.verify_audit()
        self.assertEqual((report["intact"], report["key_checked"]), (1, 1), report)
        self.assertEqual(len([r for r in shop.audit() if r.action == "handover"]), 24)

    def test_a_person_at_one_node_silences_the_other(self):
        a, b = self.node(), self.node()
        self.assertEqual(a.say("I want to talk to a person")["route"], "handover")
        b.ask(do="take_over", conversation="c", agent="mia")
        self.assertEqual(a.say("hello?")["route"], "silent")
        b.ask(do="reply", conversation="c", agent="mia", text="I am here.")
        past = a.ask(do="history", conversation="c")["done"]
        self.assertIn("I am here.", str(past))
        b.ask(do="hand_back", conversation="c")
        self.assertNotEqual(a.say("hello")["route"], "silent")

    def test_the_conversation_of_another_customer_is_refused(self):
        a, b = self.node(), self.node()
        a.say("hello", "mine", "c001")
        self.assertIn("another customer", b.say("hello", "mine", "c002")["error"])


class Statements(Case):
    """flows.json names tables; what is on the server is seen one customer at a time, whatever the statement says."""

    def desk(self, finds=None, actions=None):
        import llmcs_shop
        flows = {"format": 1, "languages": ["en"],
                 "slots": {"order": {"type": "order", "pattern": "PL[0-9]{8}", "ask": {"en": "Which?"}}},
                 "finds": finds or {}, "actions": actions or {}, "flows": {}, "rules": []}
        steps = [{"slot": "order"}]
        for name in finds or {}:
            flows["finds"][name].setdefault("line", {"en": "{id}"})
            steps += [{"find": name}, {"say": {"en": name + ": {" + name + ".list}; {" + name + ".n}"}}]
        for name in actions or {}:
            steps += [{"confirm": {"en": "Do it to {order}?"}}, {"do": name, "done": [{"say": {"en": "Done."}}],
                                                               "failed": [{"say": {"en": "Not done."}}]}]
        flows["flows"]["f"] = {"steps": steps}
        flows["rules"] = [{"words": {"en": ["go"]}, "flow": "f"}]
        path = os.path.join(SHOP.folder, self._testMethodName + ".json")
        with open(path, "w") as f:
            json.dump(flows, f)
        desk = llmcs_shop.Desk(self.open(), flows=path, now=lambda: 1794830400)
        self.addCleanup(desk.close)
        return desk

    def test_a_statement_that_does_not_ask_for_the_customer_sees_no_other(self):
        desk = self.desk({"all": {"sql": "SELECT id FROM orders WHERE :customer IS NOT NULL OR id = :order", "tables": ["orders"]}})
        own = set(PG.one("SELECT string_agg(o.id, ' ') FROM orders o JOIN customers u ON u.row = o.customer WHERE u.id = 'c001'", self.db).split())
        reply = desk.say("go " + nodes.OF_ANOTHER, "s", "c001").reply
        self.assertIn(nodes.UNPAID, reply)
        import re
        self.assertEqual(set(re.findall("PL[0-9]{8}", reply)) - own, set(), reply)
        self.assertNotIn(nodes.OF_ANOTHER, reply)
        self.assertIn("find", desk.say("go " + nodes.OF_ANOTHER, "t", "nobody-here").reply)

    def test_quotes_in_ids_and_texts_are_values(self):
        shop = self.open()
        shop.put_orders([{"id": "PL00000001", "customer": "o'x\"; DROP TABLE orders; --", "status": "it's", "time": 1,
                          "items": [{"id": "a", "quantity": 1, "price": 1}], "city": "$1 ?1 \\ ' \" ;"}])
        desk = self.desk({"one": {"sql": "SELECT id, status, city FROM orders WHERE customer = :customer AND id = :order",
                                  "tables": ["orders"], "line": {"en": "{status} {city}"}}})
        reply = desk.say("go PL00000001", "'; DELETE FROM turns; --", "o'x\"; DROP TABLE orders; --").reply
        self.assertIn("it's $1 ?1 \\ ' \" ;", reply)

    def test_actions_change_rows_of_orders_and_items(self):
        set_city = {"sql": "UPDATE orders SET city = 'Ulm', tracking = NULL WHERE customer = :customer AND id = :order", "tables": ["orders"],
                    "object": "order", "destructive": True}
        desk = self.desk(actions={"move": set_city})
        desk.say("go " + nodes.SHIPPED, "a", "c001")
        self.assertEqual(desk.say("yes", "a", "c001").reply, "Done.")
        self.assertEqual(PG.sql("SELECT city, tracking IS NULL, carrier FROM orders WHERE id = '%s'" % nodes.SHIPPED, self.db), [["Ulm", "t", "Redkite"]])

    def test_items_of_the_customers_order_alone(self):
        double = {"sql": "UPDATE order_items SET quantity = quantity * 2 WHERE order_row = (SELECT row FROM orders WHERE id = :order"
                         " AND customer = :customer)", "tables": ["orders", "order_items"], "object": "order", "destructive": True, "rows": 20}
        desk = self.desk(actions={"double": double})
        before = PG.sql("SELECT sum(quantity), count(*) FROM order_items", self.db)
        of_order = int(self.one("SELECT sum(quantity) FROM order_items i JOIN orders o ON o.row = i.order_row WHERE o.id = '%s'" % nodes.UNPAID))
        desk.say("go " + nodes.OF_ANOTHER, "a", "c001")
        self.assertEqual(desk.say("yes", "a", "c001").reply, "Not done.")
        self.assertEqual(PG.sql("SELECT sum(quantity), count(*) FROM order_items", self.db), before)
        desk.say("go " + nodes.UNPAID, "b", "c001")
        self.assertEqual(desk.say("yes", "b", "c001").reply, "Done.")
        self.assertEqual(int(self.one("SELECT sum(quantity) FROM order_items")), int(before[0][0]) + of_order)

    def test_more_rows_than_allowed_are_not_changed(self):
        every = {"sql": "UPDATE orders SET city = 'X' WHERE customer = :customer AND :order = :order", "tables": ["orders"], "object": "order",
                 "destructive": True}
        desk = self.desk(actions={"all": every})
        desk.say("go " + nodes.UNPAID, "a", "c001")
        self.assertEqual(desk.say("yes", "a", "c001").reply, "Not done.")
        self.assertEqual(self.one("SELECT count(*) FROM orders WHERE city = 'X'"), "0")

    def test_an_inserted_order_is_the_customers(self):
        give = {"sql": "INSERT INTO orders(id, customer, status, time, total) VALUES('PL99999999', :customer, :order, 1, 1)",
                "tables": ["orders"], "object": "order", "destructive": True}
        take = {"sql": "INSERT INTO orders(id, customer, status, time, total) VALUES('PL99999998', :customer + 1, :order, 1, 1)",
                "tables": ["orders"], "object": "order", "destructive": True}
        for action, said in ((give, "Done."), (take, "Not done.")):
            desk = self.desk(actions={"make": action})
            desk.say("go " + nodes.UNPAID, said, "c001")
            self.assertEqual(desk.say("yes", said, "c001").reply, said)
        self.assertEqual(PG.sql("SELECT o.id, u.id FROM orders o JOIN customers u ON u.row = o.customer WHERE o.id LIKE 'PL9999999%'", self.db),
                         [["PL99999999", "c001"]])

    def test_what_statements_may_not(self):
        for sql, tables, why in (
                ("SELECT id FROM main.orders WHERE customer = :customer", ["orders"], "schema"),
                ("SELECT seq AS id FROM audit WHERE :customer > 0", ["orders"], "reading table"),
                ("SELECT pg_sleep(9) AS id FROM orders WHERE customer = :customer", ["orders"], "function"),
                ("SELECT type AS id FROM events WHERE customer = :customer", ["events"], "events")):
            if why == "schema":
                # Prepared on the file when the desk opens, and again where the server's rows are.
                desk = self.desk({"x": {"sql": sql, "tables": tables}})
                self.assertEqual(desk.say("go " + nodes.UNPAID, "x", "c001").route, "unavailable")
                continue
            with self.assertRaisesRegex(Exception, why):
                self.desk({"x": {"sql": sql, "tables": tables}})


class Opening(Case):
    def test_the_password_is_in_no_message(self):
        log = nodes.shop("chat", SHOP.store(), "--jsonl", "--postgres", PG.conninfo(self.db, password="wrong-9921"), code=1)
        self.assertIn("password authentication failed", log)
        self.assertNotIn("wrong-9921", log)
        log = nodes.shop("chat", SHOP.store(), "--jsonl", "--postgres", "host=127.0.0.1 password 'wrong-9921", code=1)
        self.assertIn("conninfo is not valid", log)
        self.assertNotIn("wrong-9921", log)

    def test_a_file_with_the_connection_string_is_its_owners(self):
        path = os.path.join(SHOP.folder, "conninfo")
        with open(path, "w") as f:
            f.write(self.conninfo + "\n")
        os.chmod(path, 0o644)
        with self.assertRaisesRegex(Exception, "lets other users access it"):
            self.open(postgres="file:" + path)
        os.chmod(path, 0o600)
        self.assertEqual(self.open(postgres="file:" + path).verify_audit()["intact"], 1)

    def test_a_node_with_another_key_is_refused(self):
        store = SHOP.store()
        os.unlink(store + ".key")
        with self.assertRaisesRegex(Exception, "not found"):
            self.open(store=store)
        with open(store + ".key", "w") as f:
            f.write("llmcs-shop key 1\n" + "ab" * 32 + "\n")
        os.chmod(store + ".key", 0o600)
        with self.assertRaisesRegex(Exception, "not the key"):
            self.open(store=store)

    def test_of_several_servers_the_one_that_answers_is_taken(self):
        two = self.conninfo.replace("host=127.0.0.1", "host=127.0.0.1,127.0.0.1").replace("port=", "port=%d," % servers.free_port())
        self.assertEqual(self.open(postgres=two).verify_audit()["intact"], 1)

    def test_sessions_have_limits(self):
        node = self.node()
        node.say("hello")
        asked = PG.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND application_name = 'llmcs'" % self.db)
        self.assertGreater(int(asked[0][0]), 0)
        # A lock that is never given: the session's own limit ends the wait, and the desk says so.
        import subprocess
        holder = subprocess.Popen([os.path.join(PG.bin, "psql"), "-Xq", PG.conninfo(self.db), "-c",
                                   "BEGIN; LOCK TABLE llmcs.turns IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)"], stdout=subprocess.DEVNULL)
        try:
            while PG.sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'llmcs.turns'::regclass", self.db) == [["0"]]:
                pass
            self.assertEqual(node.say("hello")["route"], "unavailable")
        finally:
            holder.kill()
            holder.wait()
        PG.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()", self.db)
        self.assertEqual(node.say("hello")["number"], 2)

    def test_tables_of_a_newer_version_are_refused(self):
        PG.sql("INSERT INTO migrations VALUES(99, 'later')", self.db)
        with self.assertRaisesRegex(Exception, "version 99"):
            self.open()

    def test_two_nodes_make_the_tables_at_the_same_time(self):
        PG.create(self.db)

        def open_one():
            try:
                return self.open()
            except Exception as e:
                return e

        opened = in_threads(*[open_one] * 4)
        self.assertEqual([type(o).__name__ for o in opened], ["Shop"] * 4, opened)
        self.assertEqual(self.one("SELECT count(*) FROM migrations"), "1")

    def test_a_role_without_rights_is_told(self):
        PG.sql("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD '%s'" % servers.PASSWORD, self.db)
        with self.assertRaisesRegex(Exception, "permission denied"):
            self.open(postgres=PG.conninfo(self.db, user="guest"))
        PG.sql("GRANT USAGE ON SCHEMA llmcs TO guest; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA llmcs TO guest", self.db)
        self.assertEqual(self.open(postgres=PG.conninfo(self.db, user="guest")).verify_audit()["intact"], 1)
        PG.create("fresh")
        with self.assertRaisesRegex(Exception, "open the store once"):
            self.open(postgres=PG.conninfo("fresh", user="guest"))


class Privacy(Case):
    def test_forgetting_covers_database_and_file(self):
        shop = self.open()
        node = self.node(store=shop._store)
        node.say("my phone is 13912345678", "one", "c001")
        node.say("I want to talk to a person, call 13912345678", "one", "c001")
        node.say("hello", "other", "c002")
        import llmcs_shop
        assistant = llmcs_shop.Assistant(shop)
        self.addCleanup(assistant.close)
        assistant.suggest("one")
        self.assertEqual(self.count(shop, "suggestions") > 0, True)
        report = shop.forget("c001")
        self.assertIn("'turns', action='deleted'", str(report).replace("table=", ""))
        for table in "turns", "conversations", "names":
            self.assertEqual(self.count(shop, table), 0, table)
        self.assertEqual(self.count(shop, "suggestions"), 0)
        left = PG.sql("SELECT v.id, count(*) FROM conversations v JOIN turns t ON t.conversation = v.row GROUP BY v.id ORDER BY v.id", self.db)
        self.assertEqual(left, [["first", "1"], ["other", "1"]])
        self.assertEqual(self.one("SELECT count(*) FROM names WHERE conversation = 'one'"), "0")
        self.assertEqual(self.one("SELECT count(*) FROM customers WHERE id = 'c001'"), "0")
        self.assertEqual(self.one("SELECT count(*) FROM orders o JOIN customers u ON u.row = o.customer WHERE u.id LIKE 'forgotten-%'"
                                  " AND o.city IS NULL") > "0", True)
        self.assertEqual([r.action for r in shop.audit()][-1], "forget")
        self.assertEqual(shop.verify_audit()["intact"], 1)
        self.assertIn("known=0", str(shop.forget("nobody-at-all")).replace("False", "0"))

    def count(self, shop, table):
        import sqlite3
        db = sqlite3.connect(shop._store)
        try:
            return db.execute("SELECT count(*) FROM " + table).fetchone()[0]
        finally:
            db.close()

    def test_retention_covers_the_database(self):
        shop = self.open()
        node = self.node()
        node.say("hello", "old", "c001")
        PG.sql("UPDATE turns SET time = 1000; UPDATE conversations SET time = 1000; UPDATE audit SET time = time", self.db)
        node.say("hello", "new", "c001")
        shop.set_retention("turns", 30)
        shop.set_retention("conversations", 30)
        shop.apply_retention(now=1794830400)
        self.assertEqual(PG.sql("SELECT id FROM conversations", self.db), [["new"]])
        self.assertEqual(self.one("SELECT count(*) FROM turns"), "1")
        # The server's audit lists it, also where only rows of the node's file were too old; so does the file's own chain.
        self.assertEqual([(r.action, r.detail) for r in shop.audit()][-1],
                         ("retention", '{"turns deleted":2,"conversations deleted":2}'))
        self.change_file(shop, "INSERT INTO events(customer, product, type, time) VALUES (1, 1, 'view', 1000)")
        shop.set_retention("events", 30)
        shop.apply_retention(now=1794830400)
        self.assertEqual([(r.action, r.detail) for r in shop.audit()][-1], ("retention", '{"events deleted":1}'))
        shop.set_retention("audit", 1)
        shop.apply_retention(now=int(time.time()) + 5 * 86400)
        rows, report = list(shop.audit()), shop.verify_audit()
        self.assertEqual([r.action for r in rows], ["retention"])
        self.assertRegex(rows[0].detail, '"audit deleted":[0-9]+')
        self.assertEqual((report["intact"], report["first_seq"]), (1, rows[0].seq))
        import llmcs_shop
        alone = llmcs_shop.Shop(shop._store, postgres="")
        self.addCleanup(alone.close)
        self.assertEqual([r.action for r in alone.audit()], ["retention"])

    def change_file(self, shop, statement):
        import sqlite3
        db = sqlite3.connect(shop._store)
        try:
            with db:
                db.execute(statement)
        finally:
            db.close()

    def test_the_audit_names_who_handed_back_and_closed(self):
        node = self.node()
        node.say("hello")
        node.ask(do="take_over", conversation="c", agent="mia")
        node.ask(do="hand_back", conversation="c", agent="mia")
        node.ask(do="end", conversation="c", agent="li")
        node.ask(do="end", conversation="c")
        shop = self.open()
        self.assertEqual([(r.actor, r.action) for r in shop.audit() if r.action in ("hand back", "close")],
                         [("mia", "hand back"), ("li", "close"), ("host", "close")])


if __name__ == "__main__":
    unittest.main()
