"""llmcs_shop.Desk: dialogues over the demo shop's flows, the host's own actions, people, errors.

usage: test_shop_desk.py [-v]
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

from support import ROOT, llmcs
import llmcs_shop

DATA = os.path.join(ROOT, "examples", "shop")
NOW = 1794830400  # 2026-11-16, the demo shop's today
UNPAID, SHIPPED = "PL26111614", "PL26111334"

FLOWS = {
    "format": 1,
    "languages": ["en", "zh"],
    "slots": {"order": {"type": "order", "pattern": "A[0-9]{3}", "ask": {"en": "Which order?", "zh": "哪个订单？"}}},
    "finds": {"o": {"host": True, "columns": ["id", "status"]}},
    "actions": {"cancel": {"host": True, "object": "order", "destructive": True}},
    "flows": {
        "cancel": {
            "steps": [
                {"slot": "order"},
                {"find": "o"},
                {"confirm": {"en": "Cancel {order}, which is {o.status}?", "zh": "取消{order}（{o.status}）吗？"}},
                {"do": "cancel", "done": [{"say": {"en": "{order} is cancelled.", "zh": "{order}已取消。"}}]},
            ]
        }
    },
    "rules": [{"words": {"en": ["cancel"], "zh": ["取消"]}, "flow": "cancel"}],
}


def rows(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Dialogues(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.path = folder.name, os.path.join(folder.name, "shop.db")

    def demo_shop(self):
        shop = llmcs_shop.Shop(self.path, create=True)
        self.addCleanup(shop.close)
        for name in "products", "customers", "orders":
            getattr(shop, "put_" + name)(rows(name + ".jsonl"))
        shop.put_entries(rows("faq.en.jsonl") + rows("faq.zh.jsonl"))
        return shop

    def desk(self, *arguments, **more):
        desk = llmcs_shop.Desk(*arguments, **more)
        self.addCleanup(desk.close)
        return desk

    def test_an_order_is_cancelled_after_a_yes(self):
        desk = self.desk(self.demo_shop(), flows=os.path.join(DATA, "flows.json"), now=lambda: NOW)
        pieces = []
        asked = desk.say("I don't want order %s any more" % UNPAID, "c", customer="c001", on_text=pieces.append)
        self.assertEqual((asked.route, asked.expects, asked.lang, asked.number), ("flow", "yes", "en", 1))
        self.assertEqual("".join(pieces), asked.reply)
        self.assertEqual(asked.slots["order"], UNPAID)
        self.assertIsNone(asked.action)
        done = desk.say("yes", "c", customer="c001", id="m2")
        self.assertEqual((done.action.name, done.action.object, done.action.state), ("cancel_order", UNPAID, "DONE"))
        self.assertGreater(done.ms["total"], 0)
        again = desk.say("yes", "c", customer="c001", id="m2")
        self.assertEqual((again.reply, again.repeated), (done.reply, True))
        past = desk.history("c")
        self.assertEqual(([t.number for t in past.turns], past.status, past.customer, past.n_all), ([1, 2], "open", "c001", 2))
        self.assertEqual(past.turns[1].detail["action"]["name"], "cancel_order")
        with self.assertRaises(llmcs.StateError):
            desk.say("hello", "c", customer="c002")  # the conversation is another customer's

    def test_chinese_and_a_store_with_settings(self):
        shop = self.demo_shop()
        shop.set_setting("llmcs.flows", os.path.join(DATA, "flows.json"))
        shop.close()
        desk = self.desk(self.path, now=lambda: NOW)
        self.assertEqual(desk.info["n_orders"], 600)
        turn = desk.say("查一下PL26111330", "z", customer="c002")
        self.assertEqual((turn.lang, turn.flow), ("zh", "order_status"))
        self.assertIn("RK0311503407", turn.reply)
        turn = desk.say("转人工", "z", customer="c002")
        self.assertEqual((turn.route, turn.handover.reason), ("handover", "wanted"))

    def test_people(self):
        desk = self.desk(self.demo_shop(), flows=os.path.join(DATA, "flows.json"), now=lambda: NOW)
        desk.say("agent", "p", customer="c001")
        self.assertEqual(desk.history("p").status, "waiting")
        desk.take_over("p", "kim")
        self.assertEqual(desk.say("are you there?", "p", customer="c001").route, "silent")
        desk.reply("p", "kim", "Yes, what is it?")
        self.assertEqual(desk.history("p", k=1).turns[0].reply, "Yes, what is it?")
        desk.hand_back("p", "kim")
        self.assertEqual(desk.history("p").status, "open")
        desk.end("p", agent="li")
        desk.end("p")
        self.assertEqual(desk.history("p").status, "closed")
        with self.assertRaises(llmcs.ArgumentError):
            desk.take_over("nothing", "kim")

    def test_the_host_answers(self):
        flows = os.path.join(self.folder, "flows.json")
        with open(flows, "w", encoding="utf-8") as f:
            json.dump(FLOWS, f)
        shop = llmcs_shop.Shop(self.path, create=True)
        self.addCleanup(shop.close)
        orders, calls = {"A101": "paid", "A102": "paid"}, []

        def answer(call):
            calls.append((call.name, call.is_action, call.customer, call.slots["order"]))
            if call.is_action:
                orders[call.slots["order"]] = "cancelled"
                return True
            return [{"id": k, "status": v} for k, v in orders.items() if k == call.slots["order"]]

        desk = self.desk(shop, flows=flows, call=answer)
        self.assertEqual(desk.say("cancel A101", "h", customer="x").reply, "Cancel A101, which is paid?")
        self.assertEqual(desk.say("yes", "h", customer="x").action.state, "DONE")
        self.assertEqual(orders, {"A101": "cancelled", "A102": "paid"})
        self.assertEqual([c for c in calls if c[1]], [("cancel", True, "x", "A101")])

        def fail(_call):
            raise RuntimeError("the warehouse is closed")

        broken = self.desk(shop, flows=flows, call=fail)
        self.assertEqual(broken.say("cancel A102", "i", customer="x").route, "unavailable")
        self.assertEqual(orders["A102"], "paid")

    def test_many_threads(self):
        desk = self.desk(self.demo_shop(), flows=os.path.join(DATA, "flows.json"), now=lambda: NOW)
        wrong = []

        def talk(i):
            for k in range(5):
                turn = desk.say("where is my order " + SHIPPED, "t%d" % i, customer="c001")
                if SHIPPED not in turn.reply or turn.number != k + 1:
                    wrong.append(turn)

        threads = [threading.Thread(target=talk, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def test_faults_are_named(self):
        shop = self.demo_shop()
        flows = os.path.join(self.folder, "flows.json")
        with open(flows, "w", encoding="utf-8") as f:
            f.write('{"format": 1, "languages": ["en"], "flows": {"a": {"steps": [{"go": "b"}]}}}')
        with self.assertRaisesRegex(llmcs.Error, "flows.*no flow"):
            llmcs_shop.Desk(shop, flows=flows)
        with self.assertRaises(TypeError):
            llmcs_shop.Desk(shop, intents="intent.head")
        with self.assertRaisesRegex(TypeError, "reader: expected a llmcs.Model, got str"):
            llmcs_shop.Desk(shop, reader="shop-reader.gguf")
        with llmcs.Model(os.path.join(ROOT, "examples", "models", "review-bert")) as reviews:
            with self.assertRaisesRegex(llmcs.Error, "none of its 2 labels"):
                llmcs_shop.Desk(shop, flows=os.path.join(DATA, "flows.json"), reader=reviews)
        desk = self.desk(shop)
        for bad in (dict(text=1, conversation="a"), dict(text="a", conversation=None)):
            with self.assertRaises(TypeError):
                desk.say(**bad)
        with self.assertRaises(ValueError):
            desk.say("hi", "a\0b")
        desk.close()
        with self.assertRaises(llmcs.StateError):
            desk.say("hi", "a")


class Order(unittest.TestCase):
    """What a desk stands on is freed after it, in whatever order both are closed."""

    BEGIN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import llmcs_shop
shop = llmcs_shop.Shop(sys.argv[2], create=True)
desk, names = llmcs_shop.Desk(shop), llmcs_shop.Names(shop, customer="c001")
assistant, rollout = llmcs_shop.Assistant(shop), llmcs_shop.Rollout(shop, "intents")
desk.say("hello", "a")
"""

    def run_program(self, end):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", self.BEGIN + end, os.path.join(ROOT, "tools", "python"), os.path.join(folder, "shop.db")]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ, MALLOC_PERTURB_="85"))
            self.assertEqual((done.returncode, done.stderr), (0, ""), end)

    def test_nothing_is_closed(self):
        self.run_program("")

    def test_the_shop_is_closed_first(self):
        self.run_program("shop.close()\ndesk.say('hello', 'b')\nfor x in assistant, rollout, names, desk: x.close()\n")

    def test_an_object_that_could_not_be_made_keeps_nothing(self):
        self.run_program("""
for x in assistant, rollout, names, desk: x.close()
try: llmcs_shop.Desk(shop, flows="nothing.json")
except Exception as e: assert "nothing.json" in str(e)
else: raise AssertionError("a desk without its flows")
assert not shop._n_calls, shop._n_calls
""")


if __name__ == "__main__":
    unittest.main()
