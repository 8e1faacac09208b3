"""llmcs-shop init and the import commands: formats, refused rows, kill -9.

usage: test_shop_import.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BIN  # noqa: E402

SHOP = os.path.join(BIN, "llmcs-shop")


def shop(*arguments, text=b""):
    done = subprocess.run([SHOP, *arguments], input=text, capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Store(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.store = os.path.join(self.folder, "shop.db")
        self.assertEqual(shop("init", self.store)[0], 0)

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        rows = content if isinstance(content, str) else "".join(
            (r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)) + "\n" for r in content)
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(rows)
        return path

    def rows(self, sql):
        connection = sqlite3.connect(self.store)
        found = connection.execute(sql).fetchall()
        connection.close()
        return found

    def import_all(self, command, content, name="rows.jsonl"):
        code, out, err = shop(command, self.store, self.file(name, content))
        self.assertEqual((code, err), (0, ""), out)
        return out


class Import(Store):
    def products(self):
        self.import_all("import-products", [
            {"id": "p1", "title": {"en": "Rain jacket", "zh": "雨衣"}, "description": {"en": "Dry."}, "category": "clothes",
             "price": 129.9, "currency": "CNY", "stock": 7, "tags": ["new"],
             "attributes": {"en": {"colour": "black"}, "zh": {"颜色": "黑色"}}},
            {"id": "p2", "title": "Mug", "lang": "en", "price": 9, "attributes": {"size": "350 ml"}}])

    def test_products(self):
        self.products()
        self.assertEqual(self.rows("SELECT id, category, price, stock, tags FROM products"),
                         [("p1", "clothes", 129.9, 7, '["new"]'), ("p2", None, 9.0, None, "[]")])
        self.assertEqual(self.rows("SELECT lang, title, description, attributes FROM product_texts"), [
            ("en", "Rain jacket", "Dry.", '{"colour":"black"}'), ("zh", "雨衣", None, '{"颜色":"黑色"}'),
            ("en", "Mug", None, '{"size":"350 ml"}')])

    def test_events_orders_and_times(self):
        self.products()
        self.import_all("import-customers", [{"id": "c1", "name": "李雷", "lang": "zh", "since": "2025-01-01"}])
        times = ["2026-11-28T20:15:00Z", "2026-11-29 04:15:00.5+08:00", 1795896900, "1795896901", "2026-11-28"]
        self.import_all("import-events", [{"customer": "c1", "item": "p1", "type": str(i), "time": t}
                                          for i, t in enumerate(times)])
        self.assertEqual([t for t, in self.rows("SELECT time FROM events ORDER BY type")],
                         [1795896900, 1795896900, 1795896900, 1795896901, 1795824000])
        self.import_all("import-orders", [{"id": "o1", "customer": "c2", "status": "paid", "time": 5, "city": "上海",
                                           "items": [{"id": "p1", "quantity": 2, "price": 129.9}, {"id": "x", "price": 1}]}])
        self.assertEqual(self.rows("SELECT id, total, city FROM orders"), [("o1", 260.8, "上海")])

    def test_csv(self):
        self.import_all("import-products", "\ufeffid,title.en,title.zh,price,stock,attributes,tags\r\n"
                        'p1,"Rain ""storm"" jacket,\nblack",雨衣,129.9,7,"{""colour"":""black""}","[""new""]"\r\n'
                        "p2,Mug,,9,,,\r\n", "rows.csv")
        self.assertEqual(self.rows("SELECT title, attributes FROM product_texts ORDER BY lang, title"), [
            ("Mug", None), ('Rain "storm" jacket,\nblack', '{"colour":"black"}'),
            ("雨衣", '{"colour":"black"}')])
        self.import_all("import-events", "customer,item,type,time\nc1,p1,view,2026-11-28\n", "events.csv")
        code, _, err = shop("import-events", self.store,
                            self.file("bad.csv", 'customer,item,type,time\nc1,p1\nc1,"p\n1",view,1\nc1,p1,view,"1'))
        self.assertEqual(code, 1)
        self.assertIn("line 2: the row and the header row have different numbers of cells", err)
        self.assertIn("line 3: ", err)
        self.assertIn("line 5: a quote is not closed", err)

    def test_refused_rows_are_named_and_the_rest_goes_in(self):
        path = self.file("rows.jsonl", [
            {"id": "p1", "title": "Lamp", "price": 1}, "{broken", "[1]", {"title": "no id", "price": 1}, "",
            {"id": "p2", "title": "Lamp", "price": "cheap"}, {"id": "p3", "title": "Lamp", "price": 1, "colour": "red"},
            {"id": "p4", "title": "a\x00b", "price": 1}, {"id": "p5", "title": "灯", "price": -1},
            {"id": "p6", "title": {"en": 5}, "price": 1}, {"id": "p7", "title": "Lamp", "price": 1}])
        code, out, err = shop("import-products", self.store, path)
        self.assertEqual(code, 1)
        self.assertEqual(out, "2 rows stored, 8 refused\n")
        for line, reason in [(2, ""), (3, "a row is a JSON object"), (4, '"id" is missing'), (6, '"price" must be a number'),
                             (7, 'unknown key "colour"'), (8, '"title" or "description" holds a NUL'), (9, "price: -1 is not valid"), (10, '"title" must be')]:
            self.assertIn("rows.jsonl: line %d: %s" % (line, reason), err)
        self.assertEqual(self.rows("SELECT group_concat(id) FROM products"), [("p1,p7",)])

    def test_stores_that_cannot_be_opened(self):
        rows = self.file("rows.jsonl", [])
        self.assertEqual(shop("import-products", self.store + ".none", rows)[0], 1)
        code, _, err = shop("import-products", rows, rows)
        self.assertEqual(code, 1)
        self.assertIn("empty", err)
        code, _, err = shop("import-products", self.store, "/nowhere/rows.jsonl")
        self.assertEqual(code, 1)
        self.assertIn("/nowhere/rows.jsonl", err)
        self.assertEqual(shop("import-products", self.store)[0], 2)


class Killed(Store):
    def test_what_was_acknowledged_is_there(self):
        seed = random.randrange(1 << 30)
        print("seed", seed)
        rng = random.Random(seed)
        rows = self.file("rows.jsonl", [{"id": "c%d" % i, "name": "李雷 %d" % i} for i in range(20000)])
        caught = 0
        for _ in range(12):
            import_ = subprocess.Popen([SHOP, "import-customers", self.store, rows, "--batch", "50", "--progress"],
                                       stdout=subprocess.PIPE)
            time.sleep(rng.uniform(0.005, 0.25))
            import_.kill()
            out = import_.stdout.read().decode().splitlines()
            import_.stdout.close()
            caught += import_.wait() == -9
            acknowledged = max((int(line.split()[0]) for line in out if line.endswith("rows stored")), default=0)
            self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])
            there = {i for i, in self.rows("SELECT id FROM customers")}
            self.assertEqual({"c%d" % i for i in range(acknowledged)} - there, set())
            self.assertEqual(self.rows("SELECT count(*) FROM customers")[0][0] % 50, 0)
            self.assertEqual(shop("import-customers", self.store, self.file("none.jsonl", []))[0], 0)
        self.assertGreater(caught, 3)


if __name__ == "__main__":
    unittest.main()
