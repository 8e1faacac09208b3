"""What callers of the Python module may give: several kinds of lists, and clear errors for all else.

usage: test_inputs.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import math
import os
import unittest

from support import BERT, GPT2, llmcs, skip
from llmcs import _inputs


class Series:
    """What the module needs to know of a pandas Series, for where pandas is not installed: iteration gives values."""

    def __init__(self, values):
        self._values = values

    def __len__(self):
        return len(self._values)

    def __getitem__(self, key):
        raise KeyError(key)  # labels, not positions

    def __iter__(self):
        return iter(self._values)


class Texts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(BERT, n_threads=1)
        cls.texts = ["fits well", "broken after a day", ("good", "pair")]

    def same(self, a, b):
        self.assertEqual([list(x) for x in a], [list(x) for x in b])

    def test_one_string_is_one_text(self):
        one, many = self.model.classify("fits well"), self.model.classify(["fits well"])
        self.assertEqual([one], many)
        self.assertEqual(set(one), {"positive", "negative"})
        self.same([self.model.embed("fits well")], self.model.embed(["fits well"]))
        self.same([self.model.classify_scores("fits well")], self.model.classify_scores(["fits well"]))
        self.assertEqual(
            float(self.model.rerank("good", "fits well")), float(self.model.rerank("good", ["fits well"])[0])
        )

    def test_several_come_in_any_iterable(self):
        expected = self.model.classify(self.texts)
        self.assertEqual(len(expected), 3)
        for given in (
            tuple(self.texts),
            iter(self.texts),
            (t for t in self.texts),
            Series(self.texts),
            dict.fromkeys(self.texts).keys(),
        ):
            self.assertEqual(self.model.classify(given), expected, given)
        self.assertEqual(self.model.classify(["good", ["good", "pair"]])[1], expected[2])

    def test_none_at_all_are_no_error(self):
        self.assertEqual(self.model.classify([]), [])
        self.assertEqual(len(self.model.embed(iter(()))), 0)
        self.assertEqual(len(self.model.rerank("good", [])), 0)

    def test_what_is_no_text_is_named(self):
        for given, message in (
            (None, "texts: .*None"),
            (7, "texts: .*int"),
            (b"good", "texts: .*bytes"),
            (["good", None], r"texts\[1\]: .*None"),
            (["good", math.nan], r"texts\[1\]: .*float.*nan"),
            ([b"good"], r"texts\[0\]: .*bytes.*decode"),
            ([3], r"texts\[0\]: .*int"),
            ([("a", "b", "c")], r"texts\[0\]: .*3 items"),
            ([("a", None)], r"texts\[0\]\[1\]: .*None"),
            ({"a": 1}, "texts: .*dict"),
        ):
            for call in (self.model.classify, self.model.embed):
                with self.assertRaisesRegex(TypeError, message):
                    call(given)
        with self.assertRaisesRegex(TypeError, "query: .*None"):
            self.model.rerank(None, ["good"])
        with self.assertRaisesRegex(ValueError, r"texts\[1\]: character 1 is a lone surrogate"):
            self.model.classify(["good", "a\ud800"])

    def test_arguments_are_checked(self):
        for how, message in (
            ({"overflow": "cut"}, "overflow: 'cut' is not one of error, truncate, windows"),
            ({"pooling": "sum"}, "pooling: 'sum' is not one of auto, mean, cls, pooler"),
            ({"normalize": "l1"}, "normalize: 'l1' is not one of"),
            ({"max_length": 2**64}, "max_length: .*out of range"),
            ({"stride": -1}, "stride: -1 is out of"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                self.model.embed(["a"], **how)
        with self.assertRaisesRegex(TypeError, "max_length: expected an integer, got str"):
            self.model.classify(["a"], max_length="16")
        with self.assertRaisesRegex(TypeError, "no argument 'pooling'"):
            self.model.classify(["a"], pooling="mean")
        with self.assertRaisesRegex(TypeError, "max_tokens"):
            self.model.classify(["a"], max_tokens=3)

    def test_numpy_arrays_come_out_where_numpy_is(self):
        if _inputs.numpy() is None:
            skip(self, "no numpy")
        np = _inputs.numpy()
        vectors = self.model.embed(self.texts)
        self.assertEqual((type(vectors), vectors.dtype, vectors.shape), (np.ndarray, np.float32, (3, vectors.shape[1])))
        self.assertEqual(self.model.embed("one").shape, vectors[0].shape)
        self.assertEqual(self.model.classify_scores(self.texts).shape, (3, 2))
        self.assertEqual(self.model.rerank("good", self.texts[:2]).shape, (2,))
        vectors += 1  # it is the caller's own
        self.assertEqual(self.model.classify(np.array(self.texts[:2])), self.model.classify(self.texts[:2]))

    def test_lists_come_out_where_it_is_not(self):
        known = dict(_inputs._NUMPY)
        _inputs._NUMPY["module"] = None
        try:
            vectors, single = self.model.embed(self.texts), self.model.embed("fits well")
        finally:
            _inputs._NUMPY.clear()
            _inputs._NUMPY.update(known)
        self.assertEqual((type(vectors), type(vectors[0]), type(vectors[0][0])), (list, list, float))
        self.assertEqual(single, vectors[0])
        self.same(vectors, self.model.embed(self.texts))

    def test_a_pandas_series(self):
        try:
            import pandas
        except ImportError:
            skip(self, "no pandas")
        series = pandas.Series(["good", "bad", "fine"], index=[7, 8, 9])
        self.assertEqual(self.model.classify(series[1:]), self.model.classify(["bad", "fine"]))
        for missing in (None, math.nan, pandas.NA):
            with self.assertRaisesRegex(TypeError, r"texts\[1\]: expected str"):
                self.model.classify(pandas.Series(["good", missing, "fine"]))
        with self.assertRaisesRegex(TypeError, "texts: expected a list, got DataFrame"):
            self.model.classify(pandas.DataFrame({"text": ["good"]}))


class Numbers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(GPT2, n_threads=1)
        cls.session = cls.model.session()

    def test_integers_are_refused_rather_than_wrapped(self):
        wide = 2**32
        for name, value in (
            ("max_new_tokens", wide + 3),
            ("top_k", 2**40),
            ("do_sample", wide),
            ("num_beams", wide + 2),
            ("seed", -1),
            ("seed", 2**64),
            ("eos_token_id", wide + 87),
            ("eos_token_id", [3, wide + 87]),
            ("logit_bias", {wide + 1: 1.0}),
            ("bad_words_ids", [[wide + 87]]),
            ("prompt_lookup_ids", [wide]),
        ):
            with self.assertRaisesRegex(ValueError, name + ".*out of range", msg=(name, value)):
                self.session.generate("x", **{name: value})
        for call in (
            self.model.tokenizer.decode,
            self.session.generate_ids,
            self.session.eval,
            lambda ids: self.session.score_ids([1], ids),
        ):
            with self.assertRaisesRegex(ValueError, r"\[1\]: 4294967361 is out of range"):
                call([65, wide + 65])
        with self.model.engine() as engine, self.assertRaisesRegex(ValueError, r"ids\[0\]"):
            engine.submit_ids([wide + 87])
        for call in (
            lambda: self.model.session(n_ctx=wide + 8),
            lambda: self.session.rewind(-1),
            lambda: self.model.engine(max_batch=wide + 1),
            lambda: llmcs.Model(GPT2, n_threads=wide + 1),
            lambda: self.model.tokenizer.token(wide + 65),
        ):
            with self.assertRaisesRegex(ValueError, "out of range"):
                call()

    def test_other_types_are_named(self):
        for name, value in (
            ("max_new_tokens", "3"),
            ("max_new_tokens", 3.0),
            ("temperature", "1"),
            ("seed", None),
            ("stop_strings", [None]),
            ("stop_strings", 3),
            ("eos_token_id", "x"),
            ("bad_words_ids", ["ab"]),
        ):
            if value is None:  # the default
                self.session.generate("x", max_new_tokens=1, **{name: value})
                continue
            with self.assertRaisesRegex(TypeError, name, msg=(name, value)):
                self.session.generate("x", **{name: value})
        for ids in ("abc", b"abc", None, [1.5], [None]):
            with self.assertRaisesRegex(TypeError, "ids"):
                self.model.tokenizer.decode(ids)
        for prompt in (None, b"x", 3, ["x"]):
            with self.assertRaisesRegex(TypeError, "prompt: expected str"):
                self.session.generate(prompt)

    def test_ids_come_in_any_iterable(self):
        tokenizer = self.model.tokenizer
        ids = tokenizer.encode("Where is it?")
        for given in (tuple(ids), iter(ids), range(40, 44)):
            self.assertEqual(
                tokenizer.decode(given), tokenizer.decode(list(ids if not isinstance(given, range) else given))
            )
        np = _inputs.numpy()
        if np is not None:
            for dtype in (np.int32, np.int64, np.uint16):
                self.assertEqual(tokenizer.decode(np.array(ids, dtype)), "Where is it?")
            with self.assertRaises(TypeError):
                tokenizer.decode(np.array([[1, 2]]))

    def test_a_nul_character_is_never_an_end(self):
        a = self.session.score("x", "b")
        self.assertNotEqual(a, self.session.score("x", "b\0zzz"))
        self.assertNotEqual(
            self.session.generate("b\0zzz", max_new_tokens=1).n_prompt_tokens,
            self.session.generate("b", max_new_tokens=1).n_prompt_tokens,
        )
        with self.assertRaisesRegex(ValueError, r"candidates\[1\]: a NUL"):
            self.session.choose("a", ["b", "b\0zzz"])
        with self.assertRaisesRegex(ValueError, r"stop_strings\[0\]: a NUL"):
            self.session.generate("x", stop_strings="a\0b")
        for call in (llmcs.Model, llmcs.Tokenizer, llmcs.plan, lambda p: llmcs.quantize(GPT2, p)):
            with self.assertRaisesRegex(ValueError, "NUL"):
                call(GPT2 + "\0x")

    def test_paths(self):
        class Path:
            def __fspath__(self):
                return BERT

        self.assertEqual(llmcs.Tokenizer(Path()).encode("good"), llmcs.Tokenizer(os.fsencode(BERT)).encode("good"))
        with self.assertRaisesRegex(TypeError, "folder: expected a path, got None"):
            llmcs.Model(None)

    def test_a_wrong_parameter_is_told_the_right_one(self):
        for wrong, right in (
            ("max_tokens", "max_new_tokens"),
            ("stop", "stop_strings"),
            ("temprature", "temperature"),
            ("zzz", "top_k"),
        ):
            with self.assertRaisesRegex(TypeError, "%r.*%s" % (wrong, right)):
                self.session.generate("x", **{wrong: 1})
        with self.assertRaisesRegex(TypeError, "max_batches.*max_batch"):
            self.model.engine(max_batches=3)


class Choices(unittest.TestCase):
    def test_the_error_lists_them(self):
        for how, message in (
            ({"weights": "q5"}, "weights: 'q5' is not one of auto, f32, f16, bf16, int8, int4"),
            ({"weights": None}, "weights: None is not one of"),
            ({"kv_type": "bf16"}, "kv_type: 'bf16'"),
            ({"backend": "cuda"}, "backend: 'cuda' is not one of auto, native, openblas"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                llmcs.Model(GPT2, **how)
        with self.assertRaisesRegex(ValueError, "type: 'q5_0' is not one of q8_0, q4_0, f16, bf16, f32"):
            llmcs.quantize(BERT, "unused.gguf", "q5_0")

    def test_usual_names_mean_the_same(self):
        for name, expected in (("fp32", "f32"), ("float16", "f16"), ("FP16", "f16"), ("q8", "int8"), ("q4_0", "int4")):
            with llmcs.Model(GPT2, n_threads=1, weights=name) as model:
                self.assertEqual(model.info["weights"], expected)


if __name__ == "__main__":
    unittest.main()
