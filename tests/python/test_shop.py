"""The Python module of the shop layer: the store on the demo shop's data, classifiers, answers, measures.

usage: test_shop.py [-v]
"""

import datetime
import json
import os
import sqlite3
import tempfile
import unittest

from support import BERT, ROOT, llmcs
import llmcs_shop

DATA = os.path.join(ROOT, "examples", "shop")
PRODUCT = {"id": "P1", "title": "Mug", "price": 29}


def rows(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Store(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "shop.db")

    def open(self, **options):
        shop = llmcs_shop.Shop(self.path, **options)
        self.addCleanup(shop.close)
        return shop

    def query(self, sql):
        connection = sqlite3.connect(self.path)
        self.addCleanup(connection.close)
        return connection.execute(sql).fetchall()

    def test_the_demo_shop_goes_in(self):
        shop = self.open(create=True)
        for put, name, n in (
            (shop.put_products, "products.jsonl", 432),
            (shop.put_customers, "customers.jsonl", 300),
            (shop.put_events, "events.jsonl", 5000),
            (shop.put_orders, "orders.jsonl", 600),
        ):
            self.assertEqual(put(rows(name)), llmcs_shop.Stored(n, []), name)
            put(rows(name))  # again: nothing is there twice
        info = shop.info
        self.assertEqual([info["n_" + k] for k in ("products", "customers", "events", "orders")], [432, 300, 5000, 600])
        shop.close()
        self.assertTrue(shop.closed)
        self.assertEqual(self.open(read_only=True).info["n_products"], 432)

    def test_refused_rows_are_named_and_the_others_stored(self):
        shop = self.open(create=True)
        stored = shop.put_products([PRODUCT, {"id": "P2", "title": "", "price": 1}, {"id": "P3", "title": "Tea", "price": -1}])
        self.assertEqual(stored.n_stored, 1)
        self.assertEqual([r.row for r in stored.refused], [1, 2])
        for r in stored.refused:
            self.assertEqual(r.status, "ARG")
            self.assertTrue(r.reason)

    def test_titles_by_language_or_in_one(self):
        shop = self.open(create=True)
        both = {"en": "Mug", "zh": "马克杯"}
        attributes = {"en": {"colour": "blue"}, "zh": {"颜色": "蓝色"}}
        self.assertEqual(shop.put_products([PRODUCT, {**PRODUCT, "id": "P2", "title": both, "attributes": attributes}]).n_stored, 2)
        with self.assertRaisesRegex(TypeError, r"products\[0\]\.attributes.*en, zh"):
            shop.put_products([{**PRODUCT, "title": both, "attributes": {"colour": "blue"}}])

    def test_times(self):
        shop = self.open(create=True)
        shop.put_products([PRODUCT])
        zone = datetime.timezone(datetime.timedelta(hours=8))
        noon = 1794830400
        times = ["2026-11-16T12:00:00Z", "2026-11-16T20:00:00+08:00", noon, datetime.datetime(2026, 11, 16, 20, tzinfo=zone)]
        events = [{"customer": "c%d" % i, "item": "P1", "type": "view", "time": t} for i, t in enumerate(times)]
        self.assertEqual(shop.put_events(events), llmcs_shop.Stored(4, []))
        self.assertEqual({t for (t,) in self.query("select time from events")}, {noon})
        for wrong, message in (("yesterday", "ISO 8601"), ("2026-11-16T12:00:00", "time zone")):
            with self.assertRaisesRegex(ValueError, r"events\[0\]\.time.*" + message):
                shop.put_events([{**events[0], "time": wrong}])

    def test_wrong_rows_name_the_argument(self):
        shop = self.open(create=True)
        for put, given, message in (
            (shop.put_products, "abc", "products: expected a list"),
            (shop.put_products, [1], r"products\[0\]: expected a dict"),
            (shop.put_products, [{"title": "x", "price": 1}], r"products\[0\]: id is missing"),
            (shop.put_products, [{**PRODUCT, "colour": 1}], r"products\[0\]: no key 'colour'"),
            (shop.put_products, [{**PRODUCT, "tags": "a"}], r"products\[0\]\.tags: expected a list"),
            (shop.put_products, [{**PRODUCT, "stock": 1.5}], r"products\[0\]\.stock: expected an integer"),
            (shop.put_orders, [{"id": "1", "customer": "c", "status": "paid", "time": 1, "items": [{}]}], r"items\[0\]: id"),
        ):
            with self.assertRaisesRegex(TypeError, message):
                put(given)
        self.assertEqual(shop.put_products([]), llmcs_shop.Stored(0, []))

    def test_settings(self):
        shop = self.open(create=True)
        self.assertEqual(shop.get_setting("city"), "")
        shop.set_setting("city", "杭州")
        self.assertEqual(shop.get_setting("city"), "杭州")
        shop.set_setting("city", None)
        self.assertEqual(shop.get_setting("city"), "")

    def test_errors_are_those_of_the_library(self):
        with self.assertRaises(llmcs.FileError):
            self.open()
        with open(self.path, "wb") as f:
            f.write(b"no database" * 100)
        with self.assertRaises(llmcs.ModelError) as caught:
            self.open()
        self.assertEqual(caught.exception.status, "FORMAT")
        os.remove(self.path)
        self.open(create=True).close()
        with self.assertRaises(llmcs.StateError):
            self.open(read_only=True).put_products([PRODUCT])
        with self.assertRaisesRegex(TypeError, "encoder"):
            self.open(encoder="bert")
        shop = self.open()
        shop.close()
        with self.assertRaises(llmcs.StateError):
            shop.put_products([PRODUCT])


def intents(*labels, n=20):
    """Texts and labels of some intents of the demo shop, both languages."""
    found = [(r["text"], r["label"]) for language in ("en", "zh") for r in rows("intents.%s.jsonl" % language)]
    kept = [row for label in labels for row in [r for r in found if r[1] == label][:n] + [r for r in found if r[1] == label][-n:]]
    return [text for text, _ in kept], [label for _, label in kept]


class Classifiers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.texts, cls.labels = intents("cancel_order", "track_order", "recover_password", "oos")
        cls.classifier = llmcs_shop.Classifier.train(cls.texts, cls.labels, oos_label="oos", n_folds=3)

    def test_it_learns(self):
        found = self.classifier
        self.assertEqual(found.labels, ["cancel_order", "track_order", "recover_password"])
        self.assertEqual(found.info["n_rows"], 160)
        self.assertEqual(found.info["n_oos_rows"], 40)
        for text, label in (("please cancel my order", "cancel_order"), ("我忘记密码了", "recover_password")):
            prediction = found.predict(text)
            self.assertEqual(prediction.label, label)
            self.assertAlmostEqual(sum(prediction.scores.values()), 1, places=4)
        self.assertEqual([p.label for p in found.predict(["track my parcel", "取消订单"])], ["track_order", "cancel_order"])
        self.assertEqual(found.predict([]), [])

    def test_reasons(self):
        text = "请帮我 cancel the order 😀"
        p = self.classifier.predict(text, reason=True, n_scores=2)
        self.assertEqual(len(p.scores), 2)
        self.assertTrue(p.evidence)
        for e in p.evidence:
            self.assertEqual(text.encode()[e.begin : e.end].decode("utf-8", "replace"), e.text)
        self.assertIn(p.example, self.texts)

    def test_scores_of_all_classes(self):
        scores = self.classifier.predict_scores(["取消订单", "where is my parcel"])
        self.assertEqual((len(scores), len(scores[0])), (2, 3))
        self.assertAlmostEqual(float(sum(scores[0])), 1, places=4)

    def test_saved_and_opened(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "intents.head")
            self.classifier.save(path)
            opened = llmcs_shop.Classifier(path)
            for text in self.texts[:20]:
                self.assertEqual(opened.predict(text)[:5], self.classifier.predict(text)[:5])
            with open(path, "r+b") as f:
                f.truncate(os.path.getsize(path) - 5)
            with self.assertRaises(llmcs.ModelError):
                llmcs_shop.Classifier(path)
        with self.assertRaises(llmcs.FileError):
            llmcs_shop.Classifier("nothing.head")

    def test_with_an_encoder(self):
        texts, labels = intents("cancel_order", "track_order", n=10)
        with llmcs.Model(BERT, n_threads=1) as encoder:
            width = encoder.info["n_embedding"]
            vectors = encoder.embed(texts)
            found = llmcs_shop.Classifier.train(texts, labels, encoder=encoder, vectors=vectors, n_folds=2)
            self.assertEqual(found.info["n_embedding"], width)
            given = found.predict(texts[:3], vectors=vectors[:3])
            self.assertEqual([p.label for p in given], [p.label for p in found.predict(texts[:3])])
            with self.assertRaisesRegex(ValueError, "vectors"):
                found.predict(texts[:3], vectors=vectors[:2])
            found.close()

    def test_it_is_swapped_while_it_is_used(self):
        texts, labels = intents("thanks", "insult")
        other = llmcs_shop.Classifier.train(texts, labels, n_folds=2)
        slot = llmcs_shop.ClassifierSlot(self.classifier)
        using = slot.get()
        slot.swap(other)
        self.assertEqual(using.labels, self.classifier.labels)
        self.assertEqual(slot.get().labels, ["thanks", "insult"])
        copy = other.copy_reference()
        other.close()
        self.assertEqual(copy.predict("thank you").label, "thanks")
        slot.swap(None)
        self.assertIsNone(slot.get())
        with self.assertRaisesRegex(TypeError, "classifier"):
            slot.swap("head")

    def test_errors(self):
        train = llmcs_shop.Classifier.train
        for arguments, message in (
            ((["a"], []), "labels: expected 1"),
            ((["a", "b"], ["x", "x"]), "ARG"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                train(*arguments)
        with self.assertRaisesRegex(TypeError, r"texts\[1\]"):
            train(["a", None], ["x", "y"])
        with self.assertRaisesRegex(TypeError, "no argument 'l3'"):
            train(["a", "b"], ["x", "y"], l3=1)
        with self.assertRaises(llmcs.CancelledError):
            train(self.texts, self.labels, progress=lambda done: True)
        with self.assertRaises(KeyError):
            train(self.texts, self.labels, progress=lambda done: {}["no"])
        with self.assertRaisesRegex(TypeError, "encoder"):
            train(["a", "b"], ["x", "y"], encoder="bert")


class Answers(unittest.TestCase):
    """Questions and recommendations, on words alone."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.shop = llmcs_shop.Shop(os.path.join(cls.folder.name, "shop.db"), create=True)
        for language in ("en", "zh"):
            cls.shop.put_entries(rows("faq.%s.jsonl" % language))
        for put, name in ((cls.shop.put_products, "products"), (cls.shop.put_customers, "customers"), (cls.shop.put_events, "events")):
            put(rows(name + ".jsonl"))

    @classmethod
    def tearDownClass(cls):
        cls.shop.close()
        cls.folder.cleanup()

    def test_an_answer_with_its_entry(self):
        for question, lang in (("How do I reset my password?", "en"), ("怎么重置密码？", "zh")):
            reply = self.shop.ask(question)
            self.assertEqual(reply.route, "ENTRY")
            self.assertEqual(reply.candidates[0].id, "password")
            c = reply.citations[0]
            self.assertEqual((c.id, c.lang), ("password", lang))
            cited = self.shop.entry_text(c.id, c.lang, c.version, c.text_index).encode()[c.entry_begin : c.entry_end]
            self.assertEqual(cited, reply.text.encode()[c.reply_begin : c.reply_end])
            self.assertGreater(reply.probability, reply.threshold)
            self.assertIn("total", reply.ms)

    def test_no_answer(self):
        reply = self.shop.ask("qwertz uiop?", k=3)
        self.assertEqual((reply.route, reply.text, reply.citations), ("NONE", "", []))
        self.assertLessEqual(len(reply.candidates), 3)

    def test_slots_versions_and_tags(self):
        entry = {"id": "points-of", "question": "How many points do I have?", "answer": "You have {points} points.", "lang": "en"}
        self.assertEqual(self.shop.put_entries([{**entry, "tags": ["only-here"]}]).n_stored, 1)
        asked = {"question": entry["question"], "tags": ["only-here"], "threshold": 0.0}
        self.assertEqual(self.shop.ask(**asked).missing_slot, "points")
        reply = self.shop.ask(slots={"points": "12"}, **asked)
        self.assertEqual((reply.route, reply.text), ("FILLED", "You have 12 points."))
        self.shop.put_entries([{**entry, "answer": "See My Account."}])
        self.assertEqual(self.shop.entry_text("points-of", "en"), "See My Account.")
        self.assertEqual(self.shop.entry_text("points-of", "en", version=1), "You have {points} points.")
        self.assertEqual(self.shop.retire_entry("points-of"), 1)
        self.assertEqual(self.shop.retire_entry("points-of"), 0)
        self.assertNotIn("points-of", [c.id for c in self.shop.ask(entry["question"]).candidates])

    def test_calibration(self):
        with tempfile.TemporaryDirectory() as folder, llmcs_shop.Shop(os.path.join(folder, "s.db"), create=True) as shop:
            shop.put_entries([{**entry, "questions": entry["questions"][:3]} for entry in rows("faq.en.jsonl")])
            questions = rows("faq-test.en.jsonl")[::8]
            found = shop.calibrate(questions, leave_one_out=False)
            self.assertEqual(found["n_questions"], len(questions))
            self.assertTrue(0 <= found["threshold"] <= 1)
            with self.assertRaises(llmcs.CancelledError):
                shop.calibrate(questions, progress=lambda done: True)

    def test_recommendations(self):
        found = self.shop.recommend(customer="c003", k=5)
        self.assertEqual(len(found), 5)
        seen = {e["item"] for e in rows("events.jsonl") if e["customer"] == "c003"}
        products = {p["id"]: p for p in rows("products.jsonl")}
        for r in found:
            self.assertNotIn(r.id, seen)
            self.assertGreater(products[r.id]["stock"], 0)
            self.assertTrue(r.title and r.reason)
        tea = self.shop.recommend(text="喝茶", k=3, lang="zh", categories=["tea-coffee"], price_max=100)
        self.assertTrue(tea)
        for r in tea:
            self.assertEqual(products[r.id]["category"], "tea-coffee")
            self.assertLessEqual(products[r.id]["price"], 100)
        first = self.shop.recommend(item="P1001", k=20)
        pushed = self.shop.recommend(item="P1001", k=20, boosts=[{"item": first[-1].id, "add": 5}])
        self.assertEqual(pushed[0].id, first[-1].id)
        self.assertNotIn(first[0].id, [r.id for r in self.shop.recommend(item="P1001", exclude=[first[0].id])])

    def test_wrong_arguments(self):
        with self.assertRaisesRegex(TypeError, "no argument 'price'"):
            self.shop.recommend(customer="c001", price=5)
        with self.assertRaises(llmcs.ArgumentError):
            self.shop.recommend()
        with self.assertRaises(llmcs.ArgumentError):
            self.shop.recommend(item="no such product")
        with self.assertRaisesRegex(ValueError, "search"):
            self.shop.ask("a", search="magic")
        with self.assertRaisesRegex(TypeError, "writer"):
            self.shop.ask("a", writer="gpt2")
        with self.assertRaisesRegex(TypeError, "question or questions"):
            self.shop.put_entries([{"id": "a", "answer": "b"}])

    def test_vectors_of_another_encoder(self):
        with self.assertRaises(llmcs.StateError):
            self.shop.update_vectors()
        with tempfile.TemporaryDirectory() as folder, llmcs.Model(BERT, n_threads=1) as encoder:
            path = os.path.join(folder, "s.db")
            with llmcs_shop.Shop(path, create=True) as shop:
                shop.put_products(rows("products.jsonl")[:5])
                self.assertEqual(shop.info["n_vectors"], 0)
            with llmcs_shop.Shop(path, encoder=encoder) as shop:
                shop.update_vectors()
                self.assertGreaterEqual(shop.info["n_vectors"], 5)


class Measures(unittest.TestCase):
    def test_texts(self):
        bleu = llmcs_shop.Measure("bleu")
        bleu.add_text("the cat sat on the mat today", "the cat sat on the mat today")
        self.assertAlmostEqual(bleu.score(), 100)
        bleu.add_text("我的包裹到了", ["你的包裹到了", "包裹已经到了"])
        self.assertLess(bleu.score(), 100)
        self.assertEqual((len(bleu), bleu.row_kind), (2, "text"))
        self.assertIn("tok:", bleu.signature)
        interval = bleu.interval(n_samples=200)
        self.assertLessEqual(interval.low, interval.high)

    def test_labels(self):
        accuracy, auroc = llmcs_shop.Measure("accuracy"), llmcs_shop.Measure("auroc")
        for i in range(10):
            accuracy.add_label("refund", "refund" if i < 8 else "order")
            auroc.add_label(str(i % 2), str(i % 2), i % 2 * 0.5 + 0.2)
        self.assertAlmostEqual(accuracy.score(), 0.8)
        self.assertEqual(accuracy.score(row=9), 0)
        self.assertAlmostEqual(auroc.score(), 1)
        ece = llmcs_shop.Measure("ece", n_bins=10)
        ece.add_label("a", "a", {"a": 0.75, "b": 0.25})
        self.assertAlmostEqual(ece.score(), 0.25)

    def test_rankings_and_values(self):
        mrr, ndcg = llmcs_shop.Measure("mrr"), llmcs_shop.Measure("ndcg@2")
        mrr.add_ranking(["b"], ["a", "b"])
        self.assertAlmostEqual(mrr.score(), 0.5)
        ndcg.add_ranking({"a": 1.0, "b": 3.0}, ["b", "a"])
        self.assertAlmostEqual(ndcg.score(), 1)
        p95 = llmcs_shop.Measure("p95")
        for i in range(100):
            p95.add_value(i)
        self.assertIn(p95.score(), (94, 95))

    def test_two_systems(self):
        a, b = llmcs_shop.Measure("accuracy"), llmcs_shop.Measure("accuracy")
        for i in range(200):
            a.add_label("x", "x" if i % 2 else "y")
            b.add_label("x", "x" if i % 10 else "y")
        found = a.compare(b)
        self.assertAlmostEqual(found["difference"], 0.4)
        self.assertLess(found["p"], 0.01)

    def test_errors(self):
        with self.assertRaises(llmcs.ArgumentError):
            llmcs_shop.Measure("blue")
        with self.assertRaisesRegex(ValueError, "tokenizer"):
            llmcs_shop.Measure("bleu", tokenizer="jieba")
        empty = llmcs_shop.Measure("bleu")
        with self.assertRaises(llmcs.StateError):
            empty.score()
        with self.assertRaises(llmcs.ArgumentError):
            empty.add_value(1)
        with self.assertRaises(TypeError):
            empty.add_text("a", 5)


class Gate(unittest.TestCase):
    FACTS = {"status": "on its way", "returns": "within 30 days"}

    def test_says_only_what_is_known(self):
        self.assertEqual(llmcs_shop.gate("It is on its way.", self.FACTS, "en"), (True, "passed", ""))
        self.assertEqual(llmcs_shop.gate("It takes 31 days.", self.FACTS), (False, "number", "31"))
        self.assertEqual(llmcs_shop.gate("我们保证。", ["运费10元"], lang="zh")[:2], (False, "promise"))
        self.assertTrue(llmcs_shop.gate("运费10元。", ["运费10元", ("状态", "运输中")], lang="zh").passed)

    def test_errors(self):
        for facts in (5, [5], [("a",)], "text"):
            with self.assertRaises((TypeError, ValueError)):
                llmcs_shop.gate("x", facts)
        with self.assertRaises(TypeError):
            llmcs_shop.gate(5, {})


if __name__ == "__main__":
    unittest.main()
