"""Lists and figures for a console, from Python.

usage: test_shop_console.py [-v]    ($LLMCS_LIBRARY and $LLMCS_SHOP_LIBRARY name another build)
"""

import json
import os
import tempfile
import unittest

from support import PACKAGE  # noqa: F401: makes the modules known
import llmcs
import llmcs_shop

FLOWS = {
    "format": 1,
    "languages": ["en"],
    "actions": {"cancel": {"host": True, "object": "order", "destructive": True}},
    "slots": {"order": {"type": "order", "pattern": "PL[0-9]{4}", "ask": {"en": "Which one?"}}},
    "flows": {
        "human": {"steps": [{"hand_over": "wanted"}]},
        "cancel": {
            "steps": [
                {"slot": "order"},
                {"confirm": {"en": "Cancel {order}?"}},
                {"do": "cancel", "done": [{"say": {"en": "Done."}}]},
            ]
        },
    },
    "rules": [
        {"words": {"en": ["a person"]}, "flow": "human", "always": True},
        {"words": {"en": ["cancel"]}, "flow": "cancel"},
    ],
}


def no_answer(_request):
    raise TimeoutError("nobody knows")


class Console(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.flows = os.path.join(folder.name, "flows.json")
        with open(self.flows, "w", encoding="utf-8") as f:
            json.dump(FLOWS, f)
        self.shop = llmcs_shop.Shop(os.path.join(folder.name, "shop.db"), create=True)
        self.addCleanup(self.shop.close)
        self.shop.put_products([{"id": "p1", "title": {"en": "Mug", "zh": "马克杯"}, "price": 9.5, "currency": "CNY"}])
        self.shop.put_entries([{"id": "ship", "lang": "en", "questions": ["Shipping?"], "answer": "It costs 10 CNY."}])

    def test_lists(self):
        self.assertEqual([p["title"] for p in self.shop.products(["p1", "none"], "zh")], ["马克杯"])
        self.assertEqual([p["id"] for p in self.shop.products(i for i in ("none", "p1"))], ["p1"])
        self.assertEqual(self.shop.products([]), [])
        with self.assertRaisesRegex(TypeError, "ids: expected a list, got str"):
            self.shop.products("p1")
        (entry,) = self.shop.entries(search="COSTS")
        self.assertEqual((entry["id"], entry["questions"], entry["version"], entry["retired"]), ("ship", ["Shipping?"], 1, 0))
        self.assertEqual(self.shop.entries(search="nothing"), [])
        self.assertEqual(self.shop.conversations(), [])
        with self.assertRaises(llmcs.Error):
            self.shop.conversations("gone")
        with self.assertRaises(ValueError):
            self.shop.actions("GONE")

    def test_conversations_actions_and_figures(self):
        with llmcs_shop.Desk(self.shop, flows=self.flows, call=no_answer, host_calls=["*"]) as desk:
            desk.say("cancel PL1001", "c1", customer="anna")
            desk.say("yes", "c1", customer="anna")
            desk.say("let me talk to a person", "c2")
        waiting = [(c["id"], c["customer"]) for c in self.shop.conversations("waiting")]
        self.assertEqual(waiting, [("c1", "anna"), ("c2", "")])
        (action,) = self.shop.actions()
        self.assertEqual((action["name"], action["state"], action["conversation"]), ("cancel", "UNKNOWN", "c1"))
        self.assertEqual(self.shop.actions("FAILED"), [])
        board = self.shop.dashboard(days=2)
        self.assertEqual(board["n_turns"], 3)
        self.assertEqual(sum(day["n_turns"] for day in board["days"]), 3)
        self.assertEqual(board["figures"]["action"], {"UNKNOWN": 1})
        self.assertGreater(board["p95_ms"], 0)


if __name__ == "__main__":
    unittest.main()
