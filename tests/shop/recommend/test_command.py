"""llmcs-shop recommend on the demo shop's data: the table, JSON Lines, filters, bad requests."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import cli  # noqa: E402

SHOP = os.path.join(cli.BIN, "llmcs-shop")
DATA = os.path.join(cli.ROOT, "examples", "shop")


def shop(*arguments, text=None, code=0):
    done = subprocess.run([SHOP, *arguments], input=text, capture_output=True, timeout=300)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() if code != 2 else done.stderr.decode()


class Recommend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = os.path.join(cls.folder.name, "shop.db")
        shop("init", cls.store)
        for kind in ("products", "customers", "events", "orders"):
            shop("import-" + kind, cls.store, os.path.join(DATA, kind + ".jsonl"))
        with open(os.path.join(DATA, "products.jsonl"), encoding="utf-8") as f:
            cls.products = {p["id"]: p for p in map(json.loads, f)}
        with open(os.path.join(DATA, "events.jsonl"), encoding="utf-8") as f:
            cls.events = [json.loads(line) for line in f]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def ask(self, *requests, code=0):
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
        return [json.loads(line) for line in shop("recommend", self.store, "--jsonl", text=lines.encode(), code=code).splitlines()]

    def test_customers_get_what_they_have_not_seen(self):
        customers = ["c%03d" % i for i in range(1, 41)]
        for customer, answer in zip(customers, self.ask(*({"customer": c} for c in customers))):
            seen = {e["item"] for e in self.events if e["customer"] == customer}
            ids = [i["id"] for i in answer["items"]]
            self.assertEqual(len(set(ids)), 10)
            self.assertFalse(seen & set(ids))
            for item in answer["items"]:
                product = self.products[item["id"]]
                self.assertGreater(product["stock"], 0)
                self.assertIn(item["title"], product["title"].values())
                self.assertTrue({b["item"] for b in item["because"]} <= seen)
                self.assertTrue(item["reason"])
                self.assertLessEqual(sum(b["share"] for b in item["because"]), 1 + 1e-9)

    def test_filters(self):
        checks = [({"category": "kitchen"}, lambda p: p["category"] == "kitchen"),
                  ({"category": ["kitchen", "books"]}, lambda p: p["category"] in ("kitchen", "books")),
                  ({"price_min": 50, "price_max": 80}, lambda p: 50 <= p["price"] <= 80),
                  ({"tags": ["gift"]}, lambda p: "gift" in p["tags"]), ({"tags_none": ["gift"]}, lambda p: "gift" not in p["tags"]),
                  ({"tags_any": ["tea", "coffee"]}, lambda p: {"tea", "coffee"} & set(p["tags"]))]
        for wanted, holds in checks:
            filters = dict(wanted, out_of_stock=True, seen="include")
            answer, = self.ask({"customer": "c001", "k": 1000, "filter": filters})
            expected = {i for i, p in self.products.items() if holds(p)}
            self.assertEqual({i["id"] for i in answer["items"]}, expected, wanted)

    def test_items_and_texts(self):
        answer, = self.ask({"item": "P1001", "k": 3, "lang": "zh", "id": [1]})
        self.assertEqual(answer["id"], [1])
        self.assertNotIn("P1001", [i["id"] for i in answer["items"]])
        self.assertEqual(self.products[answer["items"][0]["id"]]["category"], self.products["P1001"]["category"])
        for text, word in (("yoga mat", "yoga"), ("瑜伽垫", "瑜伽")):
            answer, = self.ask({"text": text, "k": 5, "lang": "zh"})
            titles = [json.dumps(self.products[i["id"]]["title"], ensure_ascii=False).lower() for i in answer["items"]]
            self.assertTrue(all(word in t for t in titles[:3]), titles)

    def test_same_answer_each_time(self):
        requests = [{"customer": "c%03d" % i} for i in range(1, 30)]
        first, again = (([a["items"] for a in self.ask(*requests)]) for _ in range(2))
        self.assertEqual(first, again)

    def test_table_and_usage(self):
        table = shop("recommend", self.store, "--customer", "c002", "--k", "3").splitlines()
        self.assertEqual(len(table), 6)
        self.assertIn("因为您", table[1])
        self.assertIn("expected one of", shop("recommend", self.store, code=2))
        self.assertIn("expected one of", shop("recommend", self.store, "--customer", "a", "--text", "b", code=2))
        shop("recommend", self.store, "--item", "nothing", code=1)

    def test_bad_requests_are_named(self):
        bad = [({}, "exactly one"), ({"customer": "a", "item": "b"}, "exactly one"), ({"customer": 1}, "customer"),
               ({"customer": "a", "k": 0}, "k"), ({"customer": "a", "filter": {"price": 1}}, "price"),
               ({"customer": "a", "filter": []}, "filter"), ({"customer": "a", "filter": {"tags": [1]}}, "tags"),
               ({"customer": "a", "filter": {"seen": "no"}}, "seen"), ({"item": "P0"}, "P0"), ({"text": ""}, "text")]
        answers = self.ask(*(b for b, _ in bad), code=1)
        for (request, word), answer in zip(bad, answers):
            self.assertIn(word, answer["error"]["message"], request)


if __name__ == "__main__":
    unittest.main()
