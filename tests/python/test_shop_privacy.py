"""Check, audit, forgetting, retention and budgets from Python.

usage: test_shop_privacy.py [-v]    ($LLMCS_LIBRARY and $LLMCS_SHOP_LIBRARY name another build)
"""

import os
import sqlite3
import tempfile
import threading
import unittest

from support import PACKAGE  # noqa: F401: makes the modules known
import llmcs
import llmcs_shop


class Check(unittest.TestCase):
    def test_verdicts(self):
        with llmcs_shop.Guard() as guard:
            v = guard.check("Du bist nett. You are an idiot!")
            self.assertEqual((v.action, v.label, v.score, v.unsafe), ("WARN", "insult", 0.6, None))
            self.assertEqual([r.layer for r in v.reasons if r.action == "WARN"], ["words"])
            self.assertEqual(guard.check("you idiot", direction="out").action, "BLOCK")
            self.assertEqual(guard.check("you idiot", use_words=False).action, "ALLOW")
            self.assertEqual(guard.check("").reasons, [])
            with self.assertRaises(ValueError):
                guard.check("a", direction="up")
            with self.assertRaises(ValueError):
                guard.check("a", vector=[1.0])

    def test_with_a_classifier(self):
        texts = ["lovely lamp number %d" % i for i in range(30)] + ["crush their skulls %d" % i for i in range(30)]
        head = llmcs_shop.Classifier.train(texts, ["safe"] * 30 + ["cruel"] * 30)
        guard = llmcs_shop.Guard(moderation=head, warn_score=0.7, block_score=1.0)
        head.close()  # the guard has its own
        v = guard.check("crush their skulls")
        self.assertEqual(v.label, "cruel")
        self.assertIn(v.action, ("WARN", "BLOCK"))
        self.assertGreater(v.unsafe, 0.7)
        self.assertEqual(guard.check("lovely lamp").action, "ALLOW")
        guard.close()
        with self.assertRaises(TypeError):
            llmcs_shop.Guard(moderation="head")
        with self.assertRaises(llmcs.Error):
            llmcs_shop.Guard(words="nothing.words")

    def test_one_guard_many_threads(self):
        guard, wrong = llmcs_shop.Guard(), []

        def use():
            for _ in range(200):
                if guard.check("你个傻 逼").action != "WARN" or guard.check("你好").action != "ALLOW":
                    wrong.append(1)

        threads = [threading.Thread(target=use) for _ in range(4)]
        [t.start() for t in threads], [t.join() for t in threads]
        self.assertFalse(wrong)


class Privacy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "shop.db")

    def tearDown(self):
        self.folder.cleanup()

    def test_audit_and_forgetting(self):
        with llmcs_shop.Shop(self.path, create=True) as shop:
            shop.put_customers([{"id": "anna-1", "name": "Canary"}])
            shop.append_audit("agent", "agent-7", "unmask", "customer:anna-1", '{"n":1}')
            row = shop.audit()[0]
            self.assertEqual((row.seq, row.role, row.actor, row.action, row.detail, row.customer),
                             (1, "agent", "agent-7", "unmask", '{"n":1}', "anna-1"))
            self.assertNotIn("anna-1", row.object)
            report = shop.forget("anna-1", actor="anna")
            self.assertTrue(report.known and report.wal_truncated)
            self.assertIn(("customers", "deleted", 1, None), report.items)
            self.assertIsNone(shop.audit()[0].customer)
            self.assertFalse(shop.forget("anna-1").known)
            self.assertEqual([r.seq for r in shop.audit(first=2, limit=1)], [2])
            verified = shop.verify_audit()
            self.assertEqual((verified["intact"], verified["n_rows"], verified["key_checked"]), (1, 2, 1))
            with self.assertRaises(ValueError):
                shop.append_audit("king", "a", "b")
        with sqlite3.connect(self.path) as db:
            db.execute("DELETE FROM audit WHERE seq = 2")
        with llmcs_shop.Shop(self.path) as shop:
            self.assertEqual(shop.verify_audit()["problem_seq"], 2)

    def test_own_master_key(self):
        with llmcs_shop.Shop(self.path, create=True, master_key=bytes(range(32))) as shop:
            shop.append_audit("agent", "a", "b")
        self.assertFalse(os.path.exists(self.path + ".key"))
        with llmcs_shop.Shop(self.path, master_key=bytes(32)) as shop, self.assertRaises(llmcs.StateError):
            shop.append_audit("agent", "a", "b")
        with self.assertRaises(ValueError):
            llmcs_shop.Shop(self.path, master_key=b"short")

    def test_retention_and_budgets(self):
        with llmcs_shop.Shop(self.path, create=True) as shop:
            self.assertEqual(set(shop.retention.values()), {0})
            shop.set_retention("events", 30)
            self.assertEqual(shop.retention["events"], 30)
            self.assertEqual(shop.apply_retention().items, [])
            shop.set_budget("week", 1)
            self.assertLess(abs(shop.private_count("week", 0.5, 1000) - 1000), 100)
            self.assertEqual(shop.budget("week"), (1.0, 0.5))
            self.assertLess(abs(shop.private_mean("week", 0.5, [4.0] * 5000, 1, 5) - 4), 0.2)
            with self.assertRaises(llmcs.Error):
                shop.private_count("week", 0.1, 1000)

    def test_roles(self):
        self.assertTrue(llmcs_shop.may("agent", "service", "plain_texts"))
        self.assertFalse(llmcs_shop.may("trainer", "training", "plain_texts"))
        with self.assertRaises(ValueError):
            llmcs_shop.may("king", "service", "orders")


if __name__ == "__main__":
    unittest.main()
