"""Sessions and engines from Python.

usage: test_generate.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import asyncio
import math
import select
import threading
import time
import unittest

from support import BERT, GPT2, QUESTIONS, in_threads, llmcs


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(GPT2)

    def test_streamed_pieces_are_the_text(self):
        session, pieces = self.model.session(), []
        out = session.generate(QUESTIONS[0], on_text=pieces.append, max_new_tokens=24, seed=3)
        self.assertEqual("".join(pieces), out.text)
        self.assertEqual((str(out), out.texts), (out.text, [out.text]))
        self.assertTrue(out.text)
        self.assertEqual(list(session.stream(QUESTIONS[0], max_new_tokens=24, seed=3)), pieces)

    def test_max_length_counts_the_prompt(self):
        session, more = self.model.session(), {"do_sample": False, "eos_token_id": []}
        ids = self.model.tokenizer.encode(QUESTIONS[0])
        for given, n in (({"max_length": len(ids) + 5}, 5), ({"max_length": len(ids) + 5, "max_new_tokens": 3}, 3),
                         ({"max_length": len(ids) + 5, "max_new_tokens": 0}, 5)):
            self.assertEqual(len(session.generate_ids(ids, **given, **more).sequences[0]), n, given)

    def test_a_stream_that_is_left_early_leaves_the_session_usable(self):
        session = self.model.session()
        expected = session.generate(QUESTIONS[0], max_new_tokens=8).text
        for _ in range(20):
            for _piece in session.stream(QUESTIONS[0], max_new_tokens=200, eos_token_id=[]):
                break
            session.stream(QUESTIONS[0]).close()  # before it began
            self.assertEqual(session.generate(QUESTIONS[0], max_new_tokens=8).text, expected)
        with self.assertRaisesRegex(TypeError, "max_tokens"):
            list(session.stream(QUESTIONS[0], max_tokens=3))

    def test_streams_left_at_any_time_cost_the_session_nothing(self):
        session, more = self.model.session(), {"max_new_tokens": 2, "eos_token_id": []}
        expected = session.generate(QUESTIONS[0], **more).text
        held = session.tokens
        for i in range(60):
            stream = session.stream(QUESTIONS[0], **more)
            for _ in range(i % 4):
                next(stream, None)
            time.sleep(i % 7 * 1e-3)
            stream.close()
            if i % 4 == 3:  # the call had ended: what cancels it now has no other call to end
                self.assertEqual(session.tokens, held)
            self.assertEqual(session.generate(QUESTIONS[0], **more).text, expected)

    def test_calls_by_ids_and_scores_have_deadlines(self):
        ids, session = self.model.tokenizer.encode(QUESTIONS[0]), self.model.session()
        calls = (
            lambda **how: (session.rewind(0), session.eval(ids, **how)),
            lambda **how: session.score("a", " good shop", **how),
            lambda **how: session.score_ids(ids, ids[:3], **how),
            lambda **how: session.choose("a", [" b", " c"], **how),
        )
        for call in calls:
            with self.assertRaises(llmcs.DeadlineError):
                call(deadline_ms=1e-6)
            call(deadline_ms=1e6)
            with self.assertRaisesRegex(llmcs.Error, "deadline_ms"):
                call(deadline_ms=-1)
        with self.assertRaisesRegex(TypeError, "cancel"):
            session.generate("a", cancel=1)  # not a parameter of Python's: Ctrl-C, asyncio and streams set it

    def test_ids_in_and_out(self):
        ids, seen = self.model.tokenizer.encode(QUESTIONS[0]), []
        session = self.model.session()
        out = session.generate_ids(ids, on_token=seen.append, max_new_tokens=12)
        self.assertEqual(out.sequences, session.generate(QUESTIONS[0], max_new_tokens=12).sequences)
        self.assertEqual(seen, out.sequences[0])
        stopped = session.generate_ids(ids, on_token=lambda id: True, max_new_tokens=12, eos_token_id=[])
        self.assertEqual((len(stopped.sequences[0]), stopped.finish_reasons), (1, ["callback"]))

    def test_the_same_seed_gives_the_same_text(self):
        a, b = (
            self.model.session().generate("Product: coat\nCopy:", do_sample=True, seed=7, max_new_tokens=24).texts
            for _ in range(2)
        )
        self.assertEqual(a, b)

    def test_lists_of_parameters_reach_the_library(self):
        session = self.model.session()
        plain = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=4, logprobs=True)
        self.assertEqual(len(plain.logprobs[0]), len(plain.sequences[0]))
        self.assertLess(plain.scores[0], 0)
        unasked = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=4)
        self.assertEqual((unasked.scores, unasked.logprobs), ([None], [None]))
        first = plain.sequences[0][0]
        for ban in (
            {"bad_words_ids": ((i,) for i in [first])},
            {"logit_bias": {first: -math.inf}},
            {"logit_bias": [(first, -math.inf)]},
            {"eos_token_id": [first, 1]},
            {"eos_token_id": first},
        ):
            other = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=4, **ban)
            self.assertNotEqual(other.sequences[0][:1], [first], ban)
        stop = session.generate("User: hi\nBot:", do_sample=False, max_new_tokens=6).texts[0][-4:]
        self.assertEqual(
            session.generate(
                "User: hi\nBot:",
                do_sample=False,
                max_new_tokens=30,
                eos_token_id=[],
                stop_strings=(s for s in [stop]),
            ).finish_reasons,
            ["stop_string"],
        )
        beams = session.generate(
            "User: hi\nBot:",
            do_sample=False,
            num_beams=3,
            num_return_sequences=2,
            early_stopping="never",
            max_new_tokens=4,
        )
        self.assertEqual(len(beams.texts), 2)
        self.assertGreaterEqual(beams.scores[0], beams.scores[1])

    def test_what_a_callback_raises_is_raised(self):
        def bad(piece):
            raise KeyError(piece)

        session = self.model.session()
        with self.assertRaises(KeyError):
            session.generate("User: hi\nBot:", on_text=bad)
        self.assertTrue(session.generate("User: hi\nBot:", max_new_tokens=3, min_new_tokens=3).sequences[0])

    def test_a_session_comes_back_from_bytes(self):
        a, b = self.model.session(), self.model.session(n_ctx=64)
        said = QUESTIONS[0] + a.generate(QUESTIONS[0], max_new_tokens=12, min_new_tokens=12, do_sample=False).text
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
            with self.assertRaises(llmcs.ModelError) as raised:
                b.restore(bad)
            self.assertEqual(raised.exception.status, "FORMAT")
        for bad in (None, "text", 3):
            with self.assertRaisesRegex(TypeError, "data: expected bytes"):
                b.restore(bad)
        self.assertEqual(b.save(), data)
        with llmcs.Model(GPT2, n_threads=1, weights="int8") as other, self.assertRaises(llmcs.StateError):
            other.session().restore(data)

    def test_tokens_by_hand(self):
        ids = self.model.tokenizer.encode(QUESTIONS[0])
        session = self.model.session()
        session.eval(ids[:-1], logits="none")
        with self.assertRaises(llmcs.StateError):
            session.logits()
        session.eval(ids[-1:])
        self.assertEqual(session.tokens, ids)
        logits = [list(row) for row in session.logits()]
        self.assertEqual((len(logits), len(logits[0])), (1, self.model.info["vocab_size"]))
        expected = self.model.session().generate(QUESTIONS[0], max_new_tokens=1, do_sample=False).sequences[0][0]
        self.assertEqual(max(range(len(logits[0])), key=logits[0].__getitem__), expected)
        probabilities = [float(x) for x in session.next_distribution(do_sample=True, top_k=5)]
        self.assertEqual((sum(p > 0 for p in probabilities), probabilities.index(max(probabilities))), (5, expected))
        self.assertAlmostEqual(sum(probabilities), 1, places=5)
        other = session.fork()
        other.eval([expected], logits="all")
        self.assertEqual((other.tokens, session.tokens), (ids + [expected], ids))
        other.rewind(3)
        self.assertEqual(other.tokens, ids[:3])
        other.eval(ids[3:], logits="all")
        self.assertEqual([list(row) for row in other.logits()][-1], logits[0])
        with self.assertRaises(llmcs.TokenRangeError):
            session.eval([self.model.info["vocab_size"]])
        with self.assertRaises(llmcs.ContextFullError):
            session.eval([1] * self.model.info["n_ctx"])
        with self.assertRaises(llmcs.ArgumentError):
            session.rewind(1000)

    def test_scores_choose(self):
        session = self.model.session()
        best, scores = session.choose("User: hi\nBot:", (c for c in [" Hello!", " zqxj"]))
        self.assertEqual(best, 0)
        score = session.score("User: hi\nBot:", " Hello!")
        self.assertAlmostEqual(score.logprob, scores[0], places=4)
        encode = self.model.tokenizer.encode
        self.assertEqual(session.score_ids(encode("User: hi\nBot:"), encode(" Hello!")), score)
        self.assertEqual(score.n_tokens, len(encode(" Hello!")))

    def test_one_call_at_a_time(self):
        session, inside = self.model.session(), []

        def call_again(_piece):
            try:
                session.generate("x")
            except llmcs.BusyError as e:
                inside.append(e.status)
            return True

        session.generate(QUESTIONS[0], on_text=call_again)
        self.assertEqual(inside, ["BUSY"])

    def test_sessions_outlive_a_closed_model_as_in_c(self):
        with llmcs.Model(GPT2) as model:
            session = model.session()
            expected = session.generate(QUESTIONS[0], max_new_tokens=5).text
        self.assertTrue(model.closed)
        self.assertEqual(session.generate(QUESTIONS[0], max_new_tokens=5, stop_strings=["\n"]).text, expected)

    def test_every_type_of_weights(self):
        scores, sizes = {}, []
        for weights in ("auto", "f32", "f16", "bf16", "int8", "int4"):
            with llmcs.Model(GPT2, n_threads=1, weights=weights) as model:
                self.assertEqual(model.info["weights"], "f16" if weights == "auto" else weights)
                self.assertEqual(model.info["kv_type"], "f16" if weights.startswith("int") else "f32")
                sizes.append(model.info["weights_bytes"])
                scores[weights] = model.session().score("User: hi\nBot:", " Hello!").logprob
        self.assertEqual(scores["auto"], scores["f32"])
        self.assertEqual(scores["f16"], scores["f32"])
        self.assertEqual(len({scores[w] for w in ("f32", "bf16", "int8", "int4")}), 4)
        for weights in ("bf16", "int8", "int4"):
            self.assertLess(abs(scores[weights] - scores["f32"]), 0.5)
        self.assertTrue(sizes[1] > sizes[2] >= sizes[3] > sizes[4] > sizes[5], sizes)
        for kv_type in ("f32", "f16"):
            with llmcs.Model(GPT2, n_threads=1, weights="int8", kv_type=kv_type) as model:
                self.assertEqual(model.info["kv_type"], kv_type)


class Engines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = llmcs.Model(GPT2)

    def test_many_at_once_get_what_each_gets_alone(self):
        session = self.model.session()
        expected = [
            session.generate(p, max_new_tokens=24, seed=i, do_sample=True).sequences[0] for i, p in enumerate(QUESTIONS)
        ]
        with self.model.engine(max_batch=3, step_ms=0) as engine:
            requests = [engine.submit(p, max_new_tokens=24, seed=i, do_sample=True) for i, p in enumerate(QUESTIONS)]
            ids = [self.model.tokenizer.encode(p, add_special_tokens=False) for p in QUESTIONS]
            requests += [engine.submit_ids(p, max_new_tokens=24, seed=i, do_sample=True) for i, p in enumerate(ids)]
            self.assertEqual([r.wait().sequences[0] for r in requests], 2 * expected)
            stats = engine.stats()
        self.assertEqual((stats["n_submitted"], stats["n_finished"], stats["n_failed"]), (10, 10, 0))
        self.assertEqual(stats["first_token_ms"]["n"], 10)
        self.assertGreaterEqual(stats["per_token_ms"]["p99"], stats["per_token_ms"]["p50"])
        self.assertGreater(stats["per_token_ms"]["p50"], 0)
        self.assertGreater(stats["n_cached_tokens"], 0)  # the second time the prompts were known

    def test_a_list_of_prompts(self):
        expected = [self.model.session().generate(p, max_new_tokens=16).text for p in QUESTIONS]
        with self.model.engine(max_batch=2, max_queue=2) as engine:
            self.assertEqual([g.text for g in engine.generate(iter(QUESTIONS), max_new_tokens=16)], expected)
            with self.assertRaisesRegex(TypeError, "prompts: expected a list, got str"):
                engine.generate(QUESTIONS[0])

    def test_generators_as_parameters_serve_every_prompt(self):
        expected = self.model.session().generate(QUESTIONS[0], max_new_tokens=30, stop_strings=[" ", "o"]).text
        with self.model.engine() as engine:
            found = engine.generate([QUESTIONS[0]] * 3, max_new_tokens=30, stop_strings=(s for s in (" ", "o")))
            self.assertEqual([g.text for g in found], [expected] * 3)

            async def main():
                stops = (s for s in (" ", "o"))
                several = await engine.agenerate([QUESTIONS[0]] * 3, max_new_tokens=30, stop_strings=stops)
                session = self.model.session()
                return [*several, await session.agenerate(QUESTIONS[0], max_new_tokens=30, stop_strings=iter([" ", "o"]))]

            self.assertEqual([g.text for g in asyncio.run(main())], [expected] * 4)

    def test_a_list_that_fails_leaves_no_request_running(self):
        with self.model.engine() as engine:
            kept = None
            try:
                engine.generate([*QUESTIONS, 7], max_new_tokens=400, eos_token_id=[])
            except TypeError as e:
                kept = e  # its traceback keeps the frames, as an interactive interpreter does
            self.assertIn("prompt", str(kept))
            until = time.monotonic() + 60
            while engine.stats()["n_running"] + engine.stats()["n_waiting"] and time.monotonic() < until:
                time.sleep(0.01)
            stats = engine.stats()
            self.assertEqual((stats["n_cancelled"], stats["n_finished"]), (len(QUESTIONS), 0))

    def test_text_comes_in_pieces(self):
        with self.model.engine() as engine, engine.submit(QUESTIONS[1], max_new_tokens=40) as request:
            pieces = list(request)
            self.assertEqual("".join(pieces), request.wait().text)
            self.assertTrue(pieces)
            self.assertEqual(request.read(), ("", True))

    def test_tokens_and_log_probabilities_of_a_request(self):
        options = {"max_new_tokens": 300, "eos_token_id": [], "logprobs": True, "top_logprobs": 3}
        with self.model.engine() as engine, engine.submit(QUESTIONS[1], **options) as request:
            ids, values = [], []
            while len(ids) < 300:
                ids += request.tokens(len(ids))
                values += request.logprobs(len(values))
            answer = request.wait()
            self.assertEqual(ids, answer.sequences[0])
            self.assertEqual(values + request.logprobs(len(values)), answer.logprobs[0])
            self.assertEqual(request.tokens(298), ids[298:])
            self.assertEqual(request.tokens(300), [])
            for token, value, top in zip(ids, values, answer.top_logprobs[0]):
                self.assertEqual(len(top), 3)
                self.assertEqual(top[0], (token, value))  # greedy: the most probable
                self.assertEqual([p for _, p in top], sorted((p for _, p in top), reverse=True))
        with self.model.engine() as engine, engine.submit(QUESTIONS[1], max_new_tokens=4) as request:
            self.assertEqual(request.wait().top_logprobs, [None])
            with self.assertRaisesRegex(ValueError, "params.logprobs"):
                request.logprobs()
            self.assertEqual(len(request.tokens()), 4)

    def test_threads(self):
        expected = self.model.session().generate(QUESTIONS[0], max_new_tokens=16).text
        with self.model.engine() as engine:
            got = in_threads(8, lambda i: engine.submit(QUESTIONS[0], priority=i % 3, max_new_tokens=16).wait().text)
        self.assertEqual(got, [expected] * 8)

    def test_events(self):
        with self.model.engine() as engine:
            requests = [engine.submit(p, max_new_tokens=8) for p in QUESTIONS]
            unfinished, text = set(map(id, requests)), {id(r): "" for r in requests}
            while unfinished:
                self.assertTrue(select.select([engine], [], [], 60)[0])
                request, finished = engine.next(0)
                text[id(request)] += request.read()[0]
                if finished:
                    unfinished.remove(id(request))
            self.assertEqual([text[id(r)] for r in requests], [r.wait().text for r in requests])
            with self.assertRaises(TimeoutError):
                engine.next(0.05)

    def test_an_event_that_comes_before_submit_returns_is_not_lost(self):
        with self.model.engine() as engine:
            events, seen = [], threading.Event()

            def collect():
                try:
                    while not (events and events[-1].finished):
                        events.append(engine.next(timeout=5))
                except TimeoutError:
                    pass
                seen.set()

            def submit_slowly(*arguments):
                status = llmcs._native.lib.llmcs_engine_submit(*arguments)
                seen.wait(10)  # returns once the other thread has the event of the finished request
                return status

            collector = threading.Thread(target=collect)
            collector.start()
            request = engine._submit(submit_slowly, b"x", 1, 0, {"max_new_tokens": 1})
            collector.join()
            self.assertEqual([e.request for e in events if e.finished], [request])

    def test_steps_by_hand(self):
        expected = self.model.session().generate(QUESTIONS[0], max_new_tokens=8).text
        with self.model.engine(thread=False, prefix_cache=False) as engine:
            request, steps = engine.submit(QUESTIONS[0], max_new_tokens=8), 0
            while engine.step():
                steps += 1
            self.assertEqual(request.wait(0).text, expected)
            self.assertGreaterEqual(steps, 8)
            self.assertEqual(engine.submit(QUESTIONS[0], max_new_tokens=8).wait().text, expected)
            self.assertEqual(engine.stats()["n_cached_tokens"], 0)
        with self.model.engine() as engine, self.assertRaises(llmcs.StateError):
            engine.step()

    def test_waiting_can_end_before_the_request(self):
        with self.model.engine() as engine:
            request = engine.submit(QUESTIONS[0], max_new_tokens=200, eos_token_id=[])
            for error in (TimeoutError, llmcs.PendingError):
                with self.assertRaises(error):
                    request.wait(0)
            request.cancel()
            try:
                self.assertEqual(request.wait().finish_reasons, ["cancelled"])
            except llmcs.CancelledError:  # before its first token
                pass
            request.close()
            request.cancel()
            with self.assertRaisesRegex(llmcs.StateError, "this Request is closed"):
                request.wait()

    def test_a_full_queue_and_an_engine_that_ends(self):
        with self.model.engine(max_batch=1, max_queue=1) as engine:
            requests = []
            with self.assertRaises(llmcs.QueueFullError) as e:
                for _ in range(20):
                    requests.append(engine.submit(QUESTIONS[0], max_new_tokens=200, eos_token_id=[]))
            self.assertEqual(e.exception.status, "QUEUE_FULL")
        for r in requests:
            try:
                self.assertEqual(r.wait().finish_reasons, ["cancelled"])
            except llmcs.CancelledError:
                pass
        with self.assertRaisesRegex(llmcs.StateError, "this Engine is closed"):
            engine.submit(QUESTIONS[0])

    def test_stopping_ends_loops_over_events(self):
        def loop(engine):
            n_finished = 0
            try:
                while True:
                    n_finished += engine.next().finished
            except llmcs.StateError as e:
                self.assertIn("stopped", str(e))
                return n_finished

        for pause in (0, 0.05):
            with self.model.engine() as engine:
                requests = [engine.submit(q, max_new_tokens=200, eos_token_id=[]) for q in QUESTIONS]
                stop = threading.Timer(pause, engine.stop)
                stop.start()
                self.assertEqual(sum(in_threads(4, lambda i: loop(engine))), len(requests))
                stop.join()
                with self.assertRaisesRegex(llmcs.StateError, "stopped"):
                    engine.submit(QUESTIONS[0])
                self.assertEqual(engine.stats()["n_running"], 0)

    def test_an_engine_lives_as_long_as_its_requests(self):
        expected = self.model.session().generate(QUESTIONS[0], max_new_tokens=16).text
        self.assertEqual(self.model.engine().submit(QUESTIONS[0], max_new_tokens=16).wait().text, expected)

    def test_draft_tokens(self):
        plain = self.model.session().generate(QUESTIONS[0], max_new_tokens=48)
        faq = self.model.tokenizer.encode(plain.text, add_special_tokens=False)
        with self.model.engine() as engine:
            out = engine.submit(
                QUESTIONS[0], max_new_tokens=48, prompt_lookup_num_tokens=6, prompt_lookup_ids=faq
            ).wait()
        self.assertEqual(out.texts, plain.texts)
        self.assertGreater(out.n_accepted_tokens, 0)

    def test_what_cannot_be_is_refused(self):
        with self.assertRaises(llmcs.ArgumentError) as e:
            self.model.engine(max_batch=-1)
        self.assertEqual(e.exception.status, "ARG")
        with self.assertRaises(llmcs.NoHeadError):
            llmcs.Model(BERT, n_threads=1).engine()


if __name__ == "__main__":
    unittest.main()
