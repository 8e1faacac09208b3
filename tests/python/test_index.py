"""llmcs.Index: against numpy, or plain Python where it is not installed; files, errors, threads.

usage: test_index.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import array
import os
import random
import tempfile
import unittest

from support import BERT, GPT2, in_threads, llmcs, skip
from llmcs import _inputs

np = _inputs.numpy()
NO_ITEM = 2**64 - 1


def vectors(n, dim, seed=1):
    pick = random.Random(seed)
    return [[pick.gauss(0, 1) for _ in range(dim)] for _ in range(n)]


def cosine(a, b):
    def dot(x, y):
        return sum(float(p) * float(q) for p, q in zip(x, y))

    return dot(a, b) / (dot(a, a) * dot(b, b)) ** 0.5


class Index(unittest.TestCase):
    def setUp(self):
        self.rows = vectors(300, 20)
        self.index = llmcs.Index(20)
        self.index.put(range(300), self.rows, tags=[i % 4 for i in range(300)], numbers=[i / 10 for i in range(300)])

    def best(self, query, allowed, k):
        return sorted(allowed, key=lambda i: -cosine(query, self.rows[i]))[:k]

    def test_search_is_that_of_plain_python(self):
        for q in vectors(5, 20, seed=2):
            found = self.index.search(q, k=7)
            self.assertEqual([int(i) for i in found.ids], self.best(q, range(300), 7))
            for i, score in zip(found.ids, found.scores):
                self.assertAlmostEqual(float(score), cosine(q, self.rows[int(i)]), delta=2e-3)

    def test_several_queries_and_filters(self):
        queries, stats = vectors(3, 20, seed=3), {}
        ids, scores = self.index.search(
            queries, k=4, tags_all=1, tags_none=2, number_max=20.0, exclude=[1, 5], stats=stats
        )
        allowed = [i for i in range(201) if i % 4 == 1 and i not in (1, 5)]
        for q, got in zip(queries, ids):
            self.assertEqual([int(i) for i in got], self.best(q, allowed, 4))
        self.assertGreater(stats["n_scored"], 0)
        few = self.index.search(queries, k=4, number_min=29.9)
        self.assertEqual([int(i) for i in few.ids[0]][1:], [NO_ITEM] * 3)
        self.assertEqual(len(self.index.search(queries[0], k=4, number_min=29.9).ids), 1)

    def test_put_remove_get(self):
        self.assertEqual(len(self.index), 300)
        self.assertEqual(self.index.remove([0, 1, 1000]), 2)
        self.assertIsNone(self.index.get(1))
        vector, tags, number = self.index.get(7)
        self.assertEqual((tags, number), (3, 0.7))
        self.assertAlmostEqual(cosine(vector, self.rows[7]), 1, delta=1e-3)
        self.index.put([7], [self.rows[8]])
        self.assertEqual([int(i) for i in self.index.search(self.rows[8], k=2).ids], [7, 8])

    def test_numpy_in_and_out(self):
        if np is None:
            self.skipTest("numpy is not installed")
        index = llmcs.Index(20, type="f32", metric="l2")
        rows = np.asarray(self.rows, dtype=np.float32)
        index.put(np.arange(300), rows)
        found = index.search(rows[:9], k=3)
        self.assertEqual((found.ids.shape, found.ids.dtype, found.scores.dtype), ((9, 3), np.uint64, np.float32))
        distances = ((rows[:9, None, :] - rows[None]) ** 2).sum(-1)
        self.assertTrue((np.argsort(distances, axis=1)[:, :3] == found.ids).all())
        self.assertTrue(np.allclose(np.sort(distances, axis=1)[:, :3], found.scores, atol=1e-4))
        index.put(np.arange(5, dtype=np.int32), np.asfortranarray(rows[:5].astype(np.float64)))
        with self.assertRaises(ValueError):
            index.put(np.array([-1]), rows[:1])

    def test_files_attachment_and_models(self):
        with tempfile.TemporaryDirectory() as folder, llmcs.Model(BERT, n_threads=1) as model:
            path = os.path.join(folder, "a.index")
            index = llmcs.Index(model.info["n_embedding"], model_fingerprint=model.fingerprint)
            texts = ["red dress", "blue jeans", "a warm coat"]
            index.put([10, 11, 12], model.embed(texts))
            index.attachment = b"names\0"
            index.save(path)
            opened = llmcs.Index.open(path, model_fingerprint=model.fingerprint)
            self.assertEqual(opened.attachment, b"names\0")
            self.assertEqual(int(opened.search(model.embed("blue jeans"), k=1).ids[0]), 11)
            with self.assertRaises(llmcs.StateError):
                llmcs.Index.open(path, model_fingerprint=model.fingerprint ^ 1)
            with open(path, "r+b") as f:
                f.seek(100)
                f.write(b"\xff\xff")
            with self.assertRaises(llmcs.Error) as caught:
                llmcs.Index.open(path)
            self.assertEqual(caught.exception.status, "FORMAT")

    def test_decoders_have_no_fingerprint(self):
        with llmcs.Model(GPT2, n_threads=1) as model:
            with self.assertRaises(llmcs.NoHeadError):
                model.fingerprint

    def test_build_and_measure(self):
        self.index.build(min_vectors=1, n_lists=8)
        info = self.index.info()
        self.assertEqual((info["n_lists"], info["type"], info["metric"], info["n_vectors"]), (8, "int8", "cosine", 300))
        self.assertEqual(self.index.measure(self.rows[:10], k=5, n_probe=8)["recall"], 1.0)
        self.assertLess(self.index.measure(self.rows[:10], k=5, n_probe=1)["vectors_scored"], 200)

    def test_errors_name_the_argument(self):
        for function, part in (
            (lambda: llmcs.Index(0), "dim"),
            (lambda: llmcs.Index(4, type="int4"), "type"),
            (lambda: self.index.search([1.0] * 19), "20"),
            (lambda: self.index.search(self.rows[0], k=0), "k"),
            (lambda: self.index.search(self.rows[0], best=3), "best"),
            (lambda: self.index.put([1], self.rows[:2]), "ids"),
            (lambda: self.index.put([1], self.rows[:1], tags=[1, 2]), "tags"),
            (lambda: self.index.put([1], [[float("nan")] * 20]), "row 0"),
            (lambda: self.index.put([2**64], self.rows[:1]), "ids"),
        ):
            with self.assertRaises((ValueError, TypeError, llmcs.Error)) as caught:
                function()
            self.assertIn(part, str(caught.exception))
        self.index.close()
        with self.assertRaises(llmcs.StateError):
            self.index.search(self.rows[0])

    def test_empty_arrays_and_what_is_no_number(self):
        """Rows without elements are not read as if they had them."""
        self.assertEqual(len(self.index.search([]).ids), 0)
        self.index.put([], [])
        for shape in ((3, 0), (1, 0)):
            rows = [[] for _ in range(shape[0])]
            with self.assertRaises(ValueError):
                self.index.search(rows)
            with self.assertRaises(ValueError):
                self.index.put(range(900, 900 + shape[0]), rows)
        with self.assertRaises((TypeError, ValueError)):
            self.index.search([self.rows[0], [1.0]])
        self.assertEqual(len(self.index), 300)
        try:
            import numpy as np
        except ImportError:
            skip(self, "no numpy: arrays")
        with self.assertRaisesRegex(ValueError, r"shape \[3, 0\]"):
            self.index.search(np.zeros((3, 0), np.float32))
        self.assertEqual(self.index.search(np.zeros((0, 20))).ids.shape, (0, 10))
        for bad in (np.array(self.rows[0]) * 1j, np.array(["1"] * 20), np.array([b"1"] * 20)):
            with self.assertRaisesRegex(TypeError, "queries: expected numbers, got"):
                self.index.search(bad)
        wide = np.zeros((2, 40))
        wide[:, ::2] = self.rows[:2]
        for given in (wide[:, ::2], np.array(self.rows[:2]).astype(">f8"), np.asfortranarray(self.rows[:2], np.float32)):
            self.assertEqual(self.index.search(given, k=1).ids.tolist(), self.index.search(self.rows[:2], k=1).ids.tolist())

    def test_ids_may_come_from_a_generator(self):
        self.index.put((i for i in (900, 901)), self.rows[:2])
        self.assertEqual(len(self.index), 302)
        found = self.index.search(self.rows[0], k=5, exclude=(i for i in (900,))).ids
        self.assertNotIn(900, [int(i) for i in found])
        self.assertEqual(self.index.remove(i for i in (900, 901)), 2)

    def test_an_attachment_is_all_bytes_of_its_buffer(self):
        data = array.array("i", [1, 2, 3])
        self.index.attachment = data
        self.assertEqual(self.index.attachment, data.tobytes())
        with self.assertRaisesRegex(TypeError, "attachment"):
            self.index.attachment = 5

    def test_threads_search_and_put(self):
        def work(i):
            for j in range(40):
                self.index.put([1000 + i], [self.rows[j]])
                self.assertEqual(len(self.index.search(self.rows[j], k=3).ids), 3)
            return True

        self.assertEqual(in_threads(4, work), [True] * 4)
        self.assertEqual(len(self.index), 304)


if __name__ == "__main__":
    unittest.main()
