"""Learning and strategies from Python: feedback, export, versions that are promoted and swapped, decisions.

usage: test_shop_learn.py [-v]
"""

import os
import tempfile
import threading
import unittest

from support import llmcs
import llmcs_shop

BASE = [("where is my parcel", "track"), ("where is the kettle", "track"), ("我的包裹到哪了", "track"), ("has it been shipped", "track"),
        ("i want my money back", "refund"), ("refund the kettle", "refund"), ("我要退款", "refund"), ("pay me back", "refund")]
TESTS = [("where is my kettle", "track"), ("包裹到哪了", "track"), ("refund it", "refund"), ("退款", "refund")] * 6


def quick(**given):
    return dict(base=BASE, tests=TESTS, n_folds=2, l2=0.1, min_feedback=0, **given)


class Learning(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.shop = llmcs_shop.Shop(os.path.join(folder.name, "shop.db"), create=True)
        self.addCleanup(self.shop.close)

    def test_feedback_and_export(self):
        guard = llmcs_shop.Guard()
        stored = self.shop.put_feedback([
            {"id": "1", "text": "call 13800138000", "model": "intents", "label": "human", "consent": True, "rating": 0.5},
            {"id": "2", "text": "没有同意", "model": "intents", "label": "human"},
            {"id": "3", "text": "x", "label": "no model"}], guard)
        self.assertEqual(stored.n_stored, 2)
        self.assertEqual([(r.row, r.status) for r in stored.refused], [(2, "ARG")])
        rows = self.shop.export_feedback(guard=guard, actor="eva")
        self.assertEqual([(r["id"], r["text"], r["rating"]) for r in rows], [("1", "call <PHONE_1>", 0.5)])
        with self.assertRaises(llmcs.Error):
            self.shop.export_feedback(role="agent")
        with self.assertRaisesRegex(TypeError, "text is missing"):
            self.shop.put_feedback([{"id": "1"}])
        with self.assertRaisesRegex(ValueError, "outcome"):
            self.shop.put_feedback([{"id": "1", "text": "a", "outcome": "so so"}])
        self.assertIn("export", [row.action for row in self.shop.audit()])

    def test_versions(self):
        first = self.shop.retrain("intents", **quick())
        self.assertEqual((first.version, first.compared_to, first.contest), (1, 0, None))
        self.shop.promote("intents", 1)
        self.shop.put_feedback([{"id": str(i), "text": "my %s code does not work" % w, "model": "intents", "label": "coupon",
                                 "consent": True} for i, w in enumerate(("gift", "bonus", "promo", "voucher"))])
        second = self.shop.retrain("intents", **quick(weight=2))
        self.assertEqual((second.n_feedback, second.compared_to), (4, 1))
        self.assertLessEqual(second.contest.low, second.contest.high)
        self.assertIn("coupon", self.shop.open_model("intents", 2).labels)
        self.assertNotIn("coupon", self.shop.open_model("intents").labels)
        self.assertEqual(self.shop.compare_models("intents", 1, 1, TESTS).p, 1)
        with self.assertRaisesRegex(llmcs.Error, "test rows"):
            self.shop.compare_models("intents", 1, 2, TESTS[1:])
        self.shop.promote("intents", 2, mode="canary", share=0.5)
        self.assertEqual(self.shop.deployment("intents")["mode"], "canary")
        self.assertEqual(self.shop.rollback("intents"), 1)
        self.assertEqual(self.shop.put_model("intents", self.shop.open_model("intents")), 3)
        contest = llmcs_shop.compare(self.shop.open_model("intents", 1), self.shop.open_model("intents", 2), TESTS)
        self.assertAlmostEqual(contest.difference, contest.score_b - contest.score_a)

    def test_versions_are_swapped_while_threads_predict(self):
        for label in ("a", "b"):
            rows = [(t, label if x == "track" else x) for t, x in BASE]
            self.shop.put_model("intents", llmcs_shop.Classifier.train(*zip(*rows), n_folds=2, l2=0.1))
        self.shop.promote("intents", 1)
        rollout, failed, seen, stop = llmcs_shop.Rollout(self.shop, "intents"), [], set(), threading.Event()

        def predict():
            while not stop.is_set():
                try:
                    p, version = rollout.predict("where is my parcel", conversation="web-1")
                    seen.add((p.label, version))
                except BaseException as e:
                    failed.append(e)

        threads = [threading.Thread(target=predict) for _ in range(3)]
        for t in threads:
            t.start()
        for i in range(10):
            self.shop.promote("intents", 2 - i % 2, unproven=True)
            self.assertTrue(rollout.refresh())
        stop.set()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])
        self.assertLessEqual(seen, {("a", 1), ("b", 2)})
        self.assertFalse(rollout.refresh())
        self.assertEqual(rollout.get("x").labels, rollout.live().labels)
        rollout.close()

    def test_a_rollout_without_versions(self):
        rollout = llmcs_shop.Rollout(self.shop, "intents")
        self.assertIsNone(rollout.get())
        self.assertIsNone(rollout.live())
        with self.assertRaisesRegex(llmcs.Error, "no version is live"):
            rollout.predict("a")
        fallback = llmcs_shop.Classifier.train(*zip(*BASE), n_folds=2, l2=0.1)
        with_fallback = llmcs_shop.Rollout(self.shop, "intents", fallback)
        predictions, version = with_fallback.predict(["where is my parcel", "我要退款"])
        self.assertEqual(([p.label for p in predictions], version), (["track", "refund"], 0))

    def test_assistance(self):
        self.shop.put_entries([{"id": "lost", "lang": "en", "question": "My parcel never arrived", "answer": "We search for it for 5 days."},
                               {"id": "lost", "lang": "zh", "question": "包裹没收到", "answer": "我们会查找5天。"}])
        helper, seen = llmcs_shop.Assistant(self.shop, llmcs_shop.Guard()), []
        offered = helper.suggest("web-1", text="my parcel never arrived, call 13800138000", actor="eva", on_suggestion=seen.append)
        self.assertEqual([s.text for s in seen], [s.text for s in offered])
        self.assertEqual((len(offered), offered[0].kind, offered[0].citations[0].id), (3, "entry", "lost"))
        self.assertEqual(offered[0].verdict, "ALLOW")
        helper.decide(offered[0].id, "edited", sent="We look for it.", actor="eva")
        with self.assertRaisesRegex(llmcs.Error, "already edited"):
            helper.decide(offered[0].id, "rejected")
        again = helper.suggest("web-2", text="the parcel never arrived")
        self.assertIn(("past", "We look for it."), [(s.kind, s.text) for s in again])
        self.assertEqual(helper.suggest("web-3", text="包裹没收到")[0].text, "我们会查找5天。")
        self.assertEqual(len(helper.suggest("web-3", text="hello", on_suggestion=lambda s: True)), 1)
        with self.assertRaisesRegex(ZeroDivisionError, "zero"):
            helper.suggest("web-3", text="hello", on_suggestion=lambda s: 1 / 0)
        with self.assertRaisesRegex(llmcs.Error, "no message"):
            helper.suggest("nobody")
        self.assertIn("请您在7天内寄回", helper.rewrite("你必须在7天内寄回。"))
        self.assertEqual(llmcs_shop.Assistant().rewrite("Please note that it costs $5. Have a nice day!", "shorter"), "It costs $5.")

    def test_strategies(self):
        for i in range(40):
            made = self.shop.decide("opening", "t%d" % i, ["sorry", ("why", "explain it")], context="zh", seed=4)
            self.assertAlmostEqual(sum(made.propensities), 1)
            self.shop.reward("opening", "t%d" % i, float(made.candidate == "sorry"))
        self.assertTrue(self.shop.decide("opening", "t0", ["sorry", "why"]).repeated)
        found = self.shop.evaluate_strategy("opening", candidate="sorry")
        self.assertEqual(found.n, 40)
        self.assertAlmostEqual(found.snips.value, 1)
        self.assertGreater(self.shop.decide("opening", "next", ["sorry", "why"], context="zh").propensities[0], 0.9)
        rows = [("x", i % 2, 0.5, float(i % 2), [0, 1]) for i in range(30)]
        self.assertAlmostEqual(llmcs_shop.evaluate_policy(rows).ips.value, 1)
        with self.assertRaisesRegex(ValueError, "probabilities"):
            llmcs_shop.evaluate_policy(rows + [("x", 0, 0.5, 1.0, [1])])
        with self.assertRaisesRegex(ValueError, "policy"):
            self.shop.decide("opening", "z", ["a"], policy="unknown")


if __name__ == "__main__":
    unittest.main()
