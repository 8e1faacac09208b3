"""Encoders, tokenizers, plans and files from Python.

usage: test_models.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import copy
import logging
import math
import os
import pickle
import shutil
import tempfile
import unittest

from support import BERT, GPT2, ROOT, in_threads, llmcs

ADAPTERS = os.path.join(ROOT, "tests", "data", "adapters")
MLM = os.path.join(ROOT, "tests", "data", "golden", "bert-mlm")


def logits_of(model, ids):
    return plain_lists(model.encoder_eval(ids, logits=True)["logits"])


def plain_lists(found):
    """Lists of floats, with numpy and without."""
    if hasattr(found, "tolist"):
        return found.tolist()
    return [plain_lists(row) for row in found] if isinstance(found, (list, tuple)) else float(found)


class Encoders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(BERT, n_threads=2)

    def test_classify(self):
        good, bad = self.model.classify(["质量很好，很喜欢！", "terrible , broken after a day , want my money back"])
        self.assertAlmostEqual(sum(good.values()), 1, places=5)
        self.assertGreater(good["positive"], 0.5)
        self.assertGreater(bad["negative"], 0.5)

    def test_vectors_have_length_one(self):
        for v in self.model.embed(["red dress", "蓝色牛仔裤"], pooling="mean", normalize=True):
            self.assertEqual(len(v), self.model.info["n_embedding"])
            self.assertAlmostEqual(sum(float(x) ** 2 for x in v), 1, places=4)
        v = self.model.embed("red dress", pooling="mean", normalize=False)
        self.assertNotAlmostEqual(sum(float(x) ** 2 for x in v), 1, places=2)

    def test_prompts_cuts_and_scores(self):
        data = os.path.join(ROOT, "tests", "data", "sentence")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.join(data, "network"), folder, dirs_exist_ok=True)
            shutil.copytree(os.path.join(data, "modules", "two_dense"), folder, dirs_exist_ok=True)
            model = llmcs.Model(folder)
        self.assertEqual(model.prompts, {"query": "query: ", "document": "document: the ", "none": ""})
        self.assertEqual((model.info["similarity"], model.info["n_embedding"]), ("dot", 8))
        named = model.embed("the shop", prompt_name="document")
        self.assertEqual(list(named), list(model.embed("the shop", prompt="document: the ")))
        self.assertNotEqual(list(named), list(model.embed("the shop")))
        self.assertEqual(list(model.embed("the shop", truncate_dim=5)), list(model.embed("the shop"))[:5])
        with self.assertRaisesRegex(llmcs.ArgumentError, "passage"):
            model.embed("the shop", prompt_name="passage")
        with self.assertRaisesRegex(ValueError, "NUL"):
            model.embed("the shop", prompt="a\0")
        reranker = llmcs.Model(os.path.join(data, "reranker"))
        logit = float(reranker.rerank("good", "the shop", rerank_score="logit"))
        self.assertAlmostEqual(float(reranker.rerank("good", "the shop")), 1 / (1 + math.exp(-logit)), places=6)

    def test_texts_that_are_too_long(self):
        long = "good shop , but the zip broke after two days " * 60

        def rerank(texts, infos=None, **how):
            return self.model.rerank("good", texts, infos, **how)

        for call in (self.model.classify_scores, self.model.embed, rerank):
            infos = []
            with self.assertRaisesRegex(llmcs.ContextFullError, "text 1"):
                call(["good", long], overflow="error")
            self.assertEqual(len(call(["good", long], infos=infos)), 2)
            self.assertEqual([i["truncated"] for i in infos], [False, True])
            infos = []
            answers = call(["good", long], infos=infos, overflow="windows", stride=16)
            self.assertEqual(str(answers[0]), str(call("good")))
            self.assertGreater(infos[1]["n_windows"], 1)
            self.assertGreater(infos[1]["n_evaluated"], infos[1]["n_tokens"])
            with self.assertRaisesRegex(llmcs.ArgumentError, "windows"):
                call([long], overflow="windows", max_windows=1)

    def test_by_token_ids(self):
        ids = [self.model.tokenizer.encode(t) for t in ("good", "broken after a day")]
        out = self.model.encoder_eval(ids, hidden=True, pooled=True, logits=True)
        self.assertEqual([len(h) for h in out["hidden"]], [len(i) for i in ids])
        self.assertEqual((len(out["pooled"]), len(out["logits"]), len(out["logits"][0])), (2, 2, 2))
        scores = [max(r, key=r.get) for r in self.model.classify(["good", "broken after a day"])]
        self.assertEqual([self.model.labels[int(row[1] > row[0])] for row in out["logits"]], scores)
        for type_ids, message in (([[0]], "type_ids: 1 rows for 2"), ([[0], [0]], r"type_ids\[0\]: 1 for"),
                                  ([[0] * (len(ids[0]) + 1), [0] * (len(ids[1]) - 1)], r"type_ids\[0\]")):  # fmt: skip
            with self.assertRaisesRegex(ValueError, message):  # the last: as many in all
                self.model.encoder_eval(ids, type_ids=type_ids, logits=True)
        with self.assertRaisesRegex(ValueError, "labels: 'a' is given twice"):
            self.model.zero_shot("x", ["a", "b", "a"])
        with self.assertRaisesRegex(TypeError, r"ids\[0\]: expected a list"):
            self.model.encoder_eval([1, 2], logits=True)
        with llmcs.Model(MLM) as mlm:
            logits = mlm.encoder_eval([[5, 6, 7], [8]], logits=True)["logits"]
            self.assertEqual([len(x) for x in logits], [3, 1])
            self.assertEqual(mlm.heads & {"masked_lm", "classification"}, {"masked_lm"})

    def test_masks_are_filled(self):
        with tempfile.TemporaryDirectory() as folder:
            for file in ("config.json", "model.safetensors"):
                shutil.copy(os.path.join(MLM, file), folder)
            words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            with open(os.path.join(folder, "vocab.txt"), "w") as f, llmcs.Model(MLM) as mlm:
                words += ["w%d" % i for i in range(mlm.info["vocab_size"] - len(words))]
                f.write("\n".join(words) + "\n")
            with llmcs.Model(folder) as mlm:
                masks = mlm.fill_mask("w1 [MASK] w2 [MASK]", top_k=3)
                self.assertEqual([len(m) for m in masks], [3, 3])
                for tokens in masks:
                    self.assertTrue({token for token, _ in tokens} <= set(words))
                    self.assertEqual(tokens, sorted(tokens, key=lambda t: -t[1]))
                self.assertNotEqual(masks[0], masks[1])
                with self.assertRaisesRegex(llmcs.ArgumentError, "mask"):
                    mlm.fill_mask("w1")

    def test_what_the_model_cannot_do(self):
        with llmcs.Model(GPT2, n_threads=1) as decoder:
            for call in (decoder.classify, decoder.embed, decoder.fill_mask):
                with self.assertRaises(llmcs.NoHeadError):
                    call("a")
        with self.assertRaises(llmcs.NoHeadError):
            self.model.session()
        with self.assertRaises(llmcs.NoHeadError):
            self.model.fill_mask("a [MASK]")

    def test_many_threads_share_a_model(self):
        expected = self.model.classify(["good"])
        self.assertEqual(in_threads(8, lambda i: self.model.classify(["good"])), [expected] * 8)

    def test_objects_say_what_they_are(self):
        self.assertRegex(repr(self.model), r"^<llmcs.Model .*review-bert: bert, 5.8 M parameters, f16, 2 threads>$")
        with llmcs.Model(GPT2, n_threads=1) as other, other.session() as session, other.engine() as engine:
            self.assertRegex(repr(session), "^<llmcs.Session of <llmcs.Model .*shop-gpt2")
            self.assertRegex(repr(engine), "^<llmcs.Engine of")
            self.assertRegex(repr(session.generate("User: hi", max_new_tokens=2)), r"^<llmcs.Generated '.*\(length\)")
        self.assertEqual((repr(other), repr(session)), ("<llmcs.Model (closed)>", "<llmcs.Session (closed)>"))

    def test_a_handle_has_one_owner(self):
        for thing in (self.model, self.model.tokenizer):
            for attempt in (copy.copy, copy.deepcopy):
                with self.assertRaisesRegex(TypeError, "cannot be copied or pickled"):
                    attempt(thing)
        self.assertTrue(self.model.classify("good"))

    def test_a_model_pickles_as_its_path_and_options(self):
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(os.path.dirname(BERT))
        model = llmcs.Model(os.path.basename(BERT), n_threads=1, weights="int8", check_finite=True)
        data = pickle.dumps([model, model.tokenizer])
        os.chdir(here)  # a relative path is that of the process that pickled
        self.assertLess(len(data), 2000)
        again, tokenizer = pickle.loads(data)
        self.assertIsInstance(again, llmcs.Model)
        self.assertEqual((again.info["weights"], again.info["n_threads"]), ("int8", 1))
        self.assertEqual(again.classify("good"), model.classify("good"))
        self.assertEqual(tokenizer.encode("good"), model.tokenizer.encode("good"))
        model.close()
        self.assertTrue(again.classify("good"))
        base, adapter = (os.path.join(ADAPTERS, "gpt2", part) for part in ("base", "adapter"))
        found = []
        for adapted in (llmcs.Model(base, n_threads=1), llmcs.Model(base, n_threads=1, adapter=adapter)):
            for m in (adapted, pickle.loads(pickle.dumps(adapted))):
                session = m.session()
                session.eval([1, 2])
                found.append(plain_lists(session.logits()))
        self.assertEqual(found[::2], found[1::2])
        self.assertNotEqual(found[0], found[2])
        with self.assertRaisesRegex(AttributeError, "lambda"):
            pickle.dumps(llmcs.Model(BERT, n_threads=1, log=lambda level, text: None))

    def test_what_cannot_be_pickled_says_what_to_do(self):
        gpt2 = llmcs.Model(GPT2, n_threads=1)
        session, engine, index = gpt2.session(), gpt2.engine(), llmcs.Index(4)
        request, grammar = engine.submit("x"), llmcs.Grammar.choices(gpt2.tokenizer, ["yes"])
        for thing, hint in (
            (session, r"save\(\)"),
            (engine, "pickle the model"),
            (request, "make one in each process"),
            (index, "save\\(\\) it to a file"),
            (grammar, "make one in each process"),
            (gpt2.tokenizer.decoder(), "make one in each process"),
        ):
            with self.assertRaisesRegex(TypeError, "%s cannot be copied or pickled.*%s" % (type(thing).__name__, hint)):
                pickle.dumps(thing)


class Closed(unittest.TestCase):
    def test_a_closed_model_says_so(self):
        model = llmcs.Model(BERT, n_threads=1)
        tokenizer, labels = model.tokenizer, model.labels
        model.close()
        model.close()
        for call in (
            lambda: model.classify(["a"]),
            lambda: model.embed("a"),
            lambda: model.session(),
            lambda: model.engine(),
            lambda: model.tokenizer,
            lambda: tokenizer.encode("good"),
            lambda: len(tokenizer),
        ):
            with self.assertRaisesRegex(llmcs.StateError, "this Model is closed"):
                call()
        self.assertEqual((model.labels, model.info["model_type"]), (labels, "bert"))
        with llmcs.Tokenizer(BERT) as own:
            decoder = own.decoder()
        for call in (lambda: own.encode("a"), lambda: decoder.push(3)):
            with self.assertRaisesRegex(llmcs.StateError, "this Tokenizer is closed"):
                call()

    def test_a_borrowed_tokenizer_keeps_its_model(self):
        tokenizer = llmcs.Model(BERT, n_threads=1).tokenizer
        self.assertEqual(tokenizer.encode("good"), llmcs.Tokenizer(BERT).encode("good"))
        tokenizer.close()
        with self.assertRaisesRegex(llmcs.StateError, "this Tokenizer is closed"):
            tokenizer.encode("good")


class Tokenizers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gpt2, cls.bert = llmcs.Tokenizer(GPT2), llmcs.Tokenizer(BERT)

    def test_text_with_nul_and_emoji_round_trips(self):
        text = "a\0b 你好 \U0001f600"
        ids, spans = self.gpt2.encode(text, offsets=True)
        self.assertEqual(self.gpt2.decode(ids), text)
        self.assertEqual(spans[-1][1], len(text.encode()))

    def test_languages_of_translation(self):
        data = os.path.join(ROOT, "tests", "data", "sentencepiece")
        mbart, marian = (llmcs.Tokenizer(os.path.join(data, name)) for name in ("mbart", "marian"))
        self.assertEqual((len(mbart.languages), list(marian.languages), self.gpt2.languages), (25, ["fra", "deu"], {}))
        self.assertEqual(mbart.encode("a", source_lang="zh_CN")[-1], mbart.languages["zh_CN"])
        self.assertEqual(marian.encode("a", target_lang="deu")[0], marian.languages["deu"])
        with self.assertRaisesRegex(llmcs.ArgumentError, '"xx" is not a language of this tokenizer: it knows ar_AR, cs_CZ'):
            mbart.encode("a", source_lang="xx")

    def test_pairs_and_truncation(self):
        full = self.bert.encode_full("good", "bad bad bad bad")
        self.assertEqual((full.type_ids[0], full.type_ids[-1], len(full.offsets)), (0, 1, len(full.ids)))
        short = self.bert.encode("good", "bad bad bad bad", truncation="only_second", max_length=5)
        self.assertEqual(len(short), 5)
        self.assertEqual(self.bert.encode("good", add_special_tokens=False), self.bert.encode("good")[1:-1])
        with self.assertRaisesRegex(ValueError, "truncation: 'left' is not one of"):
            self.bert.encode("good", truncation="left", max_length=3)

    def test_a_decoder_gives_the_text_in_pieces(self):
        text = "你好 \U0001f600!"
        decoder = self.gpt2.decoder()
        ids = self.gpt2.encode(text)
        self.assertEqual("".join([decoder.push(i) for i in ids] + [decoder.finish()]), text)
        self.assertEqual(decoder.push(ids[0]) + decoder.finish(), self.gpt2.decode(ids[:1]))

    def test_languages_of_a_translation(self):
        data = os.path.join(ROOT, "tests", "data", "sentencepiece")
        mbart, marian = (llmcs.Tokenizer(os.path.join(data, name)) for name in ("mbart50", "marian"))
        self.assertEqual(mbart.encode("a")[0], mbart.token_id("de_DE"))  # the folder's
        languages = {"source_lang": "zh_CN", "target_lang": "ro_RO"}
        self.assertEqual(mbart.encode("a", **languages)[0], mbart.token_id("zh_CN"))
        self.assertEqual(mbart.encode("a", **languages, target_text=True)[0], mbart.token_id("ro_RO"))
        self.assertEqual(marian.encode("a", target_lang="fra")[0], marian.token_id(">>fra<<"))
        with self.assertRaisesRegex(llmcs.ArgumentError, "xx_XX"):
            mbart.encode("a", source_lang="xx_XX")
        with self.assertRaisesRegex(ValueError, "source_lang: a NUL"):
            mbart.encode("a", source_lang="de_DE\0")
        self.assertIn("model: Unigram", mbart.describe())

    def test_the_vocabulary(self):
        id = self.bert.token_id("[MASK]")
        self.assertEqual((self.bert.token(id), self.bert.special_token_id("mask")), ("[MASK]", id))
        self.assertLess(id, len(self.bert))
        self.assertIsNone(self.bert.token_id("no such token"))
        self.assertIsNone(self.bert.token(len(self.bert) + 5))
        self.assertIsNone(self.gpt2.special_token_id("MASK"))
        with self.assertRaisesRegex(ValueError, "role: 'end' is not one of bos, eos"):
            self.gpt2.special_token_id("end")


class Files(unittest.TestCase):
    def test_a_missing_folder_is_an_exception_with_its_path(self):
        with self.assertRaises(llmcs.FileError) as e:
            llmcs.Model("no/such/folder")
        self.assertEqual(e.exception.status, "IO")
        self.assertIsInstance(e.exception, llmcs.ModelError)
        self.assertIn("no/such/folder", str(e.exception))

    def test_a_file_answers_like_its_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bert.gguf")
            llmcs.quantize(BERT, path, "f32")
            texts = ["good , fits well", "broken"]
            with llmcs.Model(BERT, weights="f32") as a, llmcs.Model(path, weights="f32") as b:
                self.assertEqual(a.classify(texts), b.classify(texts))
            self.assertEqual(llmcs.Tokenizer(path).encode("good"), llmcs.Tokenizer(BERT).encode("good"))
            llmcs.quantize(BERT, path, "q4_0")
            self.assertEqual(os.listdir(folder), ["bert.gguf"])
            with self.assertRaises(llmcs.FileError):
                llmcs.quantize(BERT, folder)

    def test_adapters_change_the_weights(self):
        base, adapter = (os.path.join(ADAPTERS, "bert", part) for part in ("base", "adapter"))
        ids = [[5, 6, 7], [8, 9]]
        with llmcs.Model(base) as plain, llmcs.Model(base, adapter=adapter) as adapted:
            logits = logits_of(adapted, ids)
            self.assertNotEqual(logits, logits_of(plain, ids))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "merged")
            llmcs.merge(base, [adapter], path)
            with llmcs.Model(path) as merged:
                self.assertEqual(logits_of(merged, ids), logits)
            with self.assertRaisesRegex(ValueError, "exists: write to another path"):
                llmcs.merge(base, adapter, path)
            with self.assertRaises(ZeroDivisionError):
                llmcs.merge(base, adapter, path + "2", progress=lambda done: 1 // 0)
            self.assertEqual(os.listdir(folder), ["merged"])
        plan = llmcs.plan(base, adapter=adapter, n_threads=1)
        self.assertGreater(plan["peak_bytes"], llmcs.plan(base, n_threads=1)["peak_bytes"])
        with self.assertRaisesRegex(llmcs.ModelError, "has no place"):
            llmcs.Model(base, adapter=os.path.join(ADAPTERS, "gpt2", "adapter"))
        with self.assertRaisesRegex(TypeError, "adapter: expected a path"):
            llmcs.Model(base, adapter=[7])

    def test_plans(self):
        plan = llmcs.plan(GPT2, n_ctx=100, n_threads=1)
        self.assertGreater(plan["peak_bytes"], plan["model_bytes"])
        self.assertGreater(llmcs.plan(GPT2, n_threads=1)["session_bytes"], plan["session_bytes"])
        self.assertLess(llmcs.plan(GPT2, weights="int8")["model_bytes"], plan["model_bytes"])
        with self.assertRaises(llmcs.LimitError):
            llmcs.Model(GPT2, n_threads=1, max_bytes=plan["model_bytes"] // 2)
        small, large = (llmcs.plan_engine(GPT2, n, {"kv_bytes": 64 << 20}, n_threads=1) for n in (64, 256))
        self.assertGreater(small["n_conversations"], large["n_conversations"])
        with self.assertRaises(llmcs.NoHeadError):
            llmcs.plan_engine(BERT, 64)
        with self.assertRaisesRegex(TypeError, "no option 'log'"):
            llmcs.plan(GPT2, log=print)

    def test_progress_can_stop_a_call_or_raise(self):
        seen = []
        llmcs.Model(GPT2, progress=seen.append).close()
        self.assertTrue(seen and all(0 <= x <= 1 for x in seen), seen)
        with self.assertRaises(llmcs.CancelledError):
            llmcs.Model(GPT2, progress=lambda done: True)
        with self.assertRaises(ZeroDivisionError):
            llmcs.Model(GPT2, progress=lambda done: 1 // 0)
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(ZeroDivisionError):
                llmcs.quantize(GPT2, os.path.join(folder, "x.gguf"), progress=lambda done: 1 // 0)
            self.assertEqual(os.listdir(folder), [])

    def test_the_log_reaches_a_function_or_the_logging_module(self):
        long, seen = "good " * 2000, []
        with llmcs.Model(BERT, n_threads=1, log=lambda level, message: seen.append((level, message))) as model:
            model.classify([long])
        self.assertTrue(seen and all(isinstance(m, str) for _, m in seen), seen)
        with self.assertLogs("llmcs", logging.DEBUG) as logged, llmcs.Model(BERT, n_threads=1) as model:
            model.classify([long])
        self.assertEqual([r.getMessage() for r in logged.records], [m for _, m in seen])
        self.assertEqual([r.levelno for r in logged.records], [level for level, _ in seen])


if __name__ == "__main__":
    unittest.main()
