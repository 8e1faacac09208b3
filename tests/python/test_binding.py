"""The ctypes binding against the header: run from the repository root after the library is built.

usage: test_binding.py [-v]    ($LLMCS_LIBRARY names another build)
"""
import ctypes
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import llmcs  # noqa: E402

GPT2 = os.path.join(ROOT, "examples", "models", "shop-gpt2")
BERT = os.path.join(ROOT, "examples", "models", "review-bert")


class Structs(unittest.TestCase):
    def test_sizes_and_offsets_are_those_of_the_header(self):
        structs = [v for v in vars(llmcs).values()
                   if isinstance(v, type) and issubclass(v, ctypes.Structure) and v.__name__.startswith("llmcs_")]
        self.assertGreater(len(structs), 10)
        lines = []
        for s in structs:
            lines.append('printf("%s %%zu\\n", sizeof(%s));' % (s.__name__, s.__name__))
            for name, _ in s._fields_:
                lines.append('printf("%s.%s %%zu\\n", offsetof(%s, %s));' % (s.__name__, name, s.__name__, name))
        with tempfile.TemporaryDirectory() as folder:
            source, program = os.path.join(folder, "sizes.c"), os.path.join(folder, "sizes")
            with open(source, "w") as f:
                f.write("#include <llmcs.h>\n#include <stdio.h>\nint main(void) {\n%s\nreturn 0;\n}\n" % "\n".join(lines))
            subprocess.run(["cc", "-I" + os.path.join(ROOT, "include"), source, "-o", program], check=True)
            found = dict(line.rsplit(" ", 1) for line in subprocess.check_output([program], text=True).splitlines())
        for s in structs:
            self.assertEqual(int(found[s.__name__]), ctypes.sizeof(s), s.__name__)
            for name, _ in s._fields_:
                self.assertEqual(int(found["%s.%s" % (s.__name__, name)]), getattr(s, name).offset, name)

    def test_every_status_has_its_name(self):
        with open(os.path.join(ROOT, "include", "llmcs.h")) as f:
            enum = re.search(r"typedef enum llmcs_status \{(.*?)\}", f.read(), re.S).group(1)
        names = {int(n): s for s, n in re.findall(r"LLMCS_([A-Z0-9_]+) = (\d+)", enum)}
        self.assertEqual(len(names), len(llmcs.STATUS))
        for number, name in enumerate(llmcs.STATUS):
            self.assertEqual(names.get(number), name)


class Errors(unittest.TestCase):
    def test_a_missing_folder_is_an_exception_with_its_path(self):
        with self.assertRaises(llmcs.Error) as e:
            llmcs.Model("no/such/folder")
        self.assertEqual(e.exception.status, "IO")
        self.assertIn("no/such/folder", str(e.exception))


class Generate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(GPT2)

    def test_streamed_pieces_are_the_text(self):
        session, pieces = self.model.session(), []
        out = session.generate("User: Where is my order?\nBot:", on_text=pieces.append, max_new_tokens=24, seed=3)
        self.assertEqual("".join(pieces), out.texts[0])
        self.assertTrue(out.texts[0])
        self.assertEqual(list(session.stream("User: Where is my order?\nBot:", max_new_tokens=24, seed=3)), pieces)

    def test_the_same_seed_gives_the_same_text(self):
        a, b = (self.model.session().generate("Product: coat\nCopy:", do_sample=True, seed=7, max_new_tokens=24).texts
                for _ in range(2))
        self.assertEqual(a, b)

    def test_lists_of_parameters_reach_the_library(self):
        session = self.model.session()
        plain = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=4, logprobs=True)
        self.assertEqual(len(plain.logprobs[0]), len(plain.sequences[0]))
        self.assertLess(plain.scores[0], 0)
        unasked = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=4)
        self.assertEqual((unasked.scores, unasked.logprobs), ([None], [None]))
        first = plain.sequences[0][0]
        for ban in ({"bad_words_ids": [[first]]}, {"logit_bias": {first: -math.inf}}, {"eos_token_id": [first, 1]}):
            other = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=4, **ban)
            self.assertNotEqual(other.sequences[0][:1], [first], ban)
        beams = session.generate("User: hi\nBot:", do_sample=False, num_beams=3, num_return_sequences=2,
                                 early_stopping="never", max_new_tokens=4)
        self.assertEqual(len(beams.texts), 2)
        self.assertGreaterEqual(beams.scores[0], beams.scores[1])

    def test_what_a_callback_raises_is_raised(self):
        def bad(piece):
            raise KeyboardInterrupt

        session = self.model.session()
        with self.assertRaises(KeyboardInterrupt):
            session.generate("User: hi\nBot:", on_text=bad)
        self.assertTrue(session.generate("User: hi\nBot:", max_new_tokens=3, min_new_tokens=3).sequences[0])

    def test_an_unknown_parameter_is_refused(self):
        with self.assertRaises(TypeError):
            self.model.session().generate("x", max_tokens=3)

    def test_a_session_comes_back_from_bytes(self):
        a, b = self.model.session(), self.model.session(n_ctx=64)
        first = "User: Where is my order?\nBot:"
        said = first + a.generate(first, max_new_tokens=12, min_new_tokens=12, do_sample=False).texts[0]
        data = a.save()
        self.assertIs(type(data), bytes)
        self.assertEqual(a.save(), data)
        b.restore(data)
        self.assertEqual(b.save(), data)
        goes_on = [s.generate(said, do_sample=True, seed=4, max_new_tokens=12, logprobs=True) for s in (a, b)]
        self.assertEqual(goes_on[0].sequences, goes_on[1].sequences)
        self.assertEqual(goes_on[0].logprobs, goes_on[1].logprobs)
        b.restore(memoryview(data))
        for bad in (b"", data[:-1], data[:80] + bytes([data[80] ^ 1]) + data[81:]):
            with self.assertRaises(llmcs.Error) as raised:
                b.restore(bad)
            self.assertEqual(raised.exception.status, "FORMAT")
        self.assertEqual(b.save(), data)
        with llmcs.Model(GPT2, n_threads=1, weights="int8") as other, self.assertRaises(llmcs.Error) as raised:
            other.session().restore(data)
        self.assertEqual(raised.exception.status, "STATE")

    def test_scores_choose(self):
        session = self.model.session()
        best, scores = session.choose("User: hi\nBot:", [" Hello!", " zqxj"])
        self.assertEqual(best, 0)
        self.assertAlmostEqual(session.score("User: hi\nBot:", " Hello!")[0], scores[0], places=4)

    def test_text_with_nul_and_emoji_round_trips(self):
        text = "a\0b 你好 \U0001f600"
        ids, spans = self.model.tokenizer.encode(text, offsets=True)
        self.assertEqual(self.model.tokenizer.decode(ids), text)
        self.assertEqual(spans[-1][1], len(text.encode()))


class Engine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(GPT2)
        cls.prompts = ["User: %s\nBot:" % q for q in ("Where is my order?", "什么时候发货？", "Can I return the shoes?",
                                                       "Do you ship to Spain?", "这个可以退货吗？")]

    def test_many_at_once_get_what_each_gets_alone(self):
        session = self.model.session()
        expected = [session.generate(p, max_new_tokens=24, seed=i, do_sample=True).sequences[0]
                    for i, p in enumerate(self.prompts)]
        with self.model.engine(max_batch=3, step_ms=0) as engine:
            requests = [engine.submit(p, max_new_tokens=24, seed=i, do_sample=True) for i, p in enumerate(self.prompts)]
            ids = [self.model.tokenizer.encode(p, add_special_tokens=False) for p in self.prompts]
            requests += [engine.submit_ids(p, max_new_tokens=24, seed=i, do_sample=True) for i, p in enumerate(ids)]
            self.assertEqual([r.wait().sequences[0] for r in requests], 2 * expected)
            stats = engine.stats()
        self.assertEqual((stats["n_submitted"], stats["n_finished"], stats["n_failed"]), (10, 10, 0))
        self.assertEqual(stats["first_token_ms"]["n"], 10)
        self.assertGreaterEqual(stats["per_token_ms"]["p99"], stats["per_token_ms"]["p50"])
        self.assertGreater(stats["per_token_ms"]["p50"], 0)
        self.assertGreater(stats["n_cached_tokens"], 0)  # the second time the prompts were known

    def test_text_comes_in_pieces(self):
        with self.model.engine() as engine, engine.submit(self.prompts[1], max_new_tokens=40) as request:
            pieces = list(request)
            self.assertEqual("".join(pieces), request.wait().texts[0])
            self.assertTrue(pieces)
            self.assertEqual(request.read(), ("", True))

    def test_threads(self):
        expected, got = self.model.session().generate(self.prompts[0], max_new_tokens=16).texts, [None] * 8
        with self.model.engine() as engine:
            def work(i):
                got[i] = engine.submit(self.prompts[0], priority=i % 3, max_new_tokens=16).wait().texts

            threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
            [t.start() for t in threads]
            [t.join() for t in threads]
        self.assertEqual(got, [expected] * 8)

    def test_waiting_can_end_before_the_request(self):
        with self.model.engine() as engine:
            request = engine.submit(self.prompts[0], max_new_tokens=200, eos_token_id=[])
            with self.assertRaises(TimeoutError):
                request.wait(0)
            request.cancel()
            try:
                self.assertEqual(request.wait().finish_reasons, ["cancelled"])
            except llmcs.Error as e:  # before its first token
                self.assertEqual(e.status, "CANCELLED")
            request.close()

    def test_a_full_queue_and_an_engine_that_ends(self):
        with self.model.engine(max_batch=1, max_queue=1) as engine:
            requests = []
            with self.assertRaises(llmcs.Error) as e:
                for _ in range(20):
                    requests.append(engine.submit(self.prompts[0], max_new_tokens=200, eos_token_id=[]))
            self.assertEqual(e.exception.status, "QUEUE_FULL")
        for r in requests:
            try:
                self.assertEqual(r.wait().finish_reasons, ["cancelled"])
            except llmcs.Error as error:
                self.assertEqual(error.status, "CANCELLED")

    def test_guesses(self):
        plain = self.model.session().generate(self.prompts[0], max_new_tokens=48)
        faq = self.model.tokenizer.encode(plain.texts[0], add_special_tokens=False)
        with self.model.engine() as engine:
            out = engine.submit(self.prompts[0], max_new_tokens=48, prompt_lookup_num_tokens=6,
                                prompt_lookup_ids=faq).wait()
        self.assertEqual(out.texts, plain.texts)
        self.assertGreater(out.n_accepted_tokens, 0)

    def test_wrong_words_are_refused(self):
        with self.assertRaises(TypeError):
            self.model.engine(max_batches=3)
        with self.assertRaises(llmcs.Error) as e:
            self.model.engine(max_batch=-1)
        self.assertEqual(e.exception.status, "ARG")
        with self.assertRaises(llmcs.Error):
            llmcs.Model(BERT, n_threads=1).engine()


class Weights(unittest.TestCase):
    def test_every_type(self):
        scores, sizes = {}, []
        for weights in ("auto", "f32", "f16", "bf16", "int8", "int4"):
            with llmcs.Model(GPT2, n_threads=1, weights=weights) as model:
                self.assertEqual(model.info["weights"], "f16" if weights == "auto" else weights)
                self.assertEqual(model.info["kv_type"], "f16" if weights.startswith("int") else "f32")
                sizes.append(model.info["weights_bytes"])
                scores[weights] = model.session().score("User: hi\nBot:", " Hello!")[0]
        self.assertEqual(scores["auto"], scores["f32"])
        self.assertEqual(scores["f16"], scores["f32"])
        self.assertEqual(len({scores[w] for w in ("f32", "bf16", "int8", "int4")}), 4)
        for weights in ("bf16", "int8", "int4"):
            self.assertLess(abs(scores[weights] - scores["f32"]), 0.5)
        self.assertTrue(sizes[1] > sizes[2] >= sizes[3] > sizes[4] > sizes[5], sizes)

    def test_keys_and_values(self):
        for kv_type in ("f32", "f16"):
            with llmcs.Model(GPT2, n_threads=1, weights="int8", kv_type=kv_type) as model:
                self.assertEqual(model.info["kv_type"], kv_type)

    def test_another_name_is_refused(self):
        for wrong in ({"weights": "q8"}, {"kv_type": "bf16"}):
            with self.assertRaises(ValueError):
                llmcs.Model(GPT2, **wrong)


class Quantize(unittest.TestCase):
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
            with self.assertRaises(ValueError):
                llmcs.quantize(BERT, path, "q5_0")
            with self.assertRaises(llmcs.Error) as raised:
                llmcs.quantize(BERT, folder)
            self.assertEqual(raised.exception.status, "IO")


class Encode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(BERT, n_threads=2)

    def test_classify(self):
        good, bad = self.model.classify(["质量很好，很喜欢！", "terrible , broken after a day , want my money back"])
        self.assertAlmostEqual(sum(good.values()), 1, places=5)
        self.assertGreater(good["positive"], 0.5)
        self.assertGreater(bad["negative"], 0.5)

    def test_vectors_have_length_one(self):
        for v in self.model.embed(["red dress", "蓝色牛仔裤"], pooling="mean", normalize="l2"):
            self.assertEqual(len(v), self.model.info["n_embedding"])
            self.assertAlmostEqual(sum(x * x for x in v), 1, places=4)

    def test_texts_that_are_too_long(self):
        long = "good shop , but the zip broke after two days " * 60
        for call in (self.model.classify, self.model.embed, lambda texts, **how: self.model.rerank("good", texts, **how)):
            infos = []
            with self.assertRaises(llmcs.Error) as failed:
                call(["good", long])
            self.assertEqual(failed.exception.status, "CONTEXT_FULL")
            self.assertIn("text 1", str(failed.exception))
            self.assertEqual(len(call(["good", long], infos=infos, overflow="truncate")), 2)
            self.assertEqual([i["truncated"] for i in infos], [False, True])
            infos = []
            answers = call(["good", long], infos=infos, overflow="windows", stride=16)
            self.assertEqual(answers[0], call(["good"])[0])
            self.assertGreater(infos[1]["n_windows"], 1)
            self.assertGreater(infos[1]["n_evaluated"], infos[1]["n_tokens"])
            with self.assertRaises(TypeError):
                call(["good"], no_such_thing=1)

    def test_many_threads_share_a_model(self):
        expected, got = self.model.classify(["good"]), [None] * 8

        def work(i):
            got[i] = self.model.classify(["good"])

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        self.assertTrue(all(g == expected for g in got))


if __name__ == "__main__":
    unittest.main()
