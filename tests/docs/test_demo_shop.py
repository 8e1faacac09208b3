"""The demo shop's data in examples/shop: it is what its script writes, its counts, and that everything fits together.

usage: test_demo_shop.py [-v]
"""
import collections
import json
import os
import re
import subprocess
import sys
import unittest
from datetime import datetime, timedelta

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(ROOT, "examples", "shop")
LANGUAGES = ("en", "zh")
HAN = re.compile("[\u4e00-\u9fff]")


def rows(name):
    with open(os.path.join(SHOP, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def time_of(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def bare(text):
    return "".join(c for c in text.lower() if c.isalnum())


class DemoShop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(SHOP, "shop.json"), encoding="utf-8") as f:
            cls.shop = json.load(f)
        cls.today = time_of(cls.shop["today"])
        cls.products = {p["id"]: p for p in rows("products.jsonl")}
        cls.customers = {c["id"]: c for c in rows("customers.jsonl")}

    def test_files_are_those_of_the_script(self):
        done = subprocess.run([sys.executable, os.path.join(SHOP, "generate.py"), "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_readme_counts_right(self):
        with open(os.path.join(SHOP, "README.md"), encoding="utf-8") as f:
            table = re.findall(r"^\| (`[^|]*) \| ([\d, ]+)(?: each)? \|", f.read(), re.M)
        self.assertGreaterEqual(len(table), 8)
        for names, counts in table:
            files = re.findall(r"`([^`]+)`", names)
            numbers = [int(n.replace(",", "")) for n in re.findall(r"\d+(?:,\d{3})?", counts)]
            self.assertEqual([len(rows(name)) for name in files], numbers if len(numbers) == len(files) else numbers * len(files))

    def test_colours_of_the_catalogue_can_be_wished_for(self):
        with open(os.path.join(SHOP, "flows.json"), encoding="utf-8") as f:
            like = re.compile(json.load(f)["slots"]["wish"]["like"])
        sys.path.insert(0, SHOP)
        import sources
        self.assertIn("charcoal", sources.colours())
        self.assertEqual([name for name in sources.colours() if not like.fullmatch(name.lower())], [])

    def test_size(self):
        total = sum(os.path.getsize(os.path.join(SHOP, name)) for name in os.listdir(SHOP) if ".json" in name)
        self.assertLess(total, 10 << 20)  # three fifths are the conversations that train the reader

    def test_products(self):
        self.assertGreaterEqual(len(self.products), 400)
        self.assertEqual(len(self.products), len(rows("products.jsonl")))
        counts = collections.Counter(p["category"] for p in self.products.values())
        self.assertEqual(set(counts), set(self.shop["categories"]))
        self.assertEqual(len(counts), 12)
        for language in LANGUAGES:
            self.assertEqual(len({p["title"][language] for p in self.products.values()}), len(self.products), language)
        for p in self.products.values():
            self.assertGreater(p["price"], 0, p)
            self.assertGreaterEqual(p["stock"], 0, p)
            self.assertEqual(len(p["attributes"]["en"]), len(p["attributes"]["zh"]), p)
            self.assertTrue(p["attributes"]["en"] and p["tags"], p)
            self.assertIn(p["brand"], self.shop["brands"])
            self.assertFalse(HAN.search(p["title"]["en"] + p["description"]["en"] + str(p["attributes"]["en"])), p)
            self.assertTrue(HAN.search(p["title"]["zh"]) and HAN.search(p["description"]["zh"]), p)

    def test_faq(self):
        ids = {language: [e["id"] for e in rows(f"faq.{language}.jsonl")] for language in LANGUAGES}
        self.assertEqual(ids["en"], ids["zh"])
        self.assertGreaterEqual(len(set(ids["en"])), 80)
        self.assertEqual(len(set(ids["en"])), len(ids["en"]))
        for language in LANGUAGES:
            entries, tests = rows(f"faq.{language}.jsonl"), rows(f"faq-test.{language}.jsonl")
            questions = [bare(q) for e in entries for q in e["questions"]]
            self.assertEqual(len(set(questions)), len(questions), language)
            for e in entries:
                self.assertGreaterEqual(len(e["questions"]), 3, e["id"])
                self.assertLessEqual(len(e["questions"]), 60, e["id"])
                self.assertEqual(e["lang"], language)
                self.assertNotRegex(e["answer"], "[{}]", e["id"])
            # The phrasings for figures are no question of the import, and none is there twice.
            texts = [bare(t["text"]) for t in tests]
            self.assertEqual(len(set(texts)), len(texts), language)
            self.assertFalse(set(texts) & set(questions), language)
            counts = collections.Counter(t["id"] for t in tests)
            self.assertGreaterEqual(counts.pop(None), 60, language)
            self.assertEqual(set(counts), set(ids[language]))
            self.assertGreaterEqual(min(counts.values()), 2)

    def test_numbers_of_the_answers_are_the_same_in_both_languages(self):
        english = {e["id"]: e["answer"] for e in rows("faq.en.jsonl")}
        for e in rows("faq.zh.jsonl"):
            for fact in re.findall(r"\d+(?=元)", e["answer"]):
                self.assertIn(fact, english[e["id"]].replace(",", ""), e["id"])

    def test_customers_and_events(self):
        self.assertEqual(len(self.customers), 300)
        self.assertEqual(len({c["name"] for c in self.customers.values()}), 300)
        events = rows("events.jsonl")
        self.assertEqual(len(events), 5000)
        self.assertEqual(set(e["type"] for e in events), {"view", "click", "cart", "purchase", "like"})
        self.assertEqual([e["time"] for e in events], sorted(e["time"] for e in events))
        for e in events:
            self.assertIn(e["item"], self.products)
            self.assertLess(time_of(e["time"]), self.today)
            self.assertLess(self.customers[e["customer"]]["since"], e["time"][:10])
        # Products that nobody has seen yet are there too: a shop has new ones.
        self.assertLess(len({e["item"] for e in events}), len(self.products))

    def test_orders(self):
        orders = rows("orders.jsonl")
        self.assertEqual(len(orders), 600)
        self.assertEqual(len({o["id"] for o in orders}), 600)
        self.assertEqual({o["status"] for o in orders}, set(self.shop["statuses"]))
        bought = {(e["customer"], e["item"], e["time"]) for e in rows("events.jsonl") if e["type"] == "purchase"}
        facts = self.shop["facts"]
        for o in orders:
            self.assertIn(o["customer"], self.customers)
            self.assertRegex(o["id"], r"^PL\d{8}$")
            goods = sum(i["quantity"] * i["price"] for i in o["items"])
            self.assertIn(o["total"] - goods, (0, facts["shipping_fee"], facts["abroad_fee"], facts["express_fee"]), o)
            for item in o["items"]:
                self.assertEqual(item["price"], self.products[item["id"]]["price"])
                if o["status"] != "pending_payment":
                    self.assertIn((o["customer"], item["id"], o["time"]), bought)
            age = self.today - time_of(o["time"])
            if o["status"] == "pending_payment":
                self.assertLess(age, timedelta(hours=facts["unpaid_hours"]))
            if o["status"] == "return_requested":
                self.assertLess(age, timedelta(days=facts["return_days"]))
            self.assertEqual(o["carrier"] is None, o["status"] in ("pending_payment", "paid", "packed", "cancelled"))
            self.assertEqual(o["tracking"] is None, o["carrier"] is None)
            if o["carrier"]:
                self.assertIn(o["carrier"], self.shop["carriers"])

    def test_intents(self):
        labels = {}
        for language in LANGUAGES:
            train, test = rows(f"intents.{language}.jsonl"), rows(f"intents-test.{language}.jsonl")
            counts = collections.Counter(r["label"] for r in train)
            labels[language] = set(counts)
            self.assertGreaterEqual(len(counts), 28)
            self.assertIn("oos", counts)
            self.assertGreaterEqual(min(counts.values()), 40, counts.most_common()[-3:])
            self.assertEqual({r["label"] for r in test}, set(counts))
            self.assertFalse({bare(r["text"]) for r in train} & {bare(r["text"]) for r in test}, language)
        self.assertEqual(labels["en"], labels["zh"])


if __name__ == "__main__":
    unittest.main()
