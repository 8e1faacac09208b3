"""asyncio: results as from the plain calls, a loop that is never held up, tasks whose cancellation ends their work.

usage: test_asyncio.py [-v] [SEED]    ($LLMCS_LIBRARY names another build)
"""

import asyncio
import contextvars
import os
import random
import sys
import threading
import time
import unittest

from support import BERT, GPT2, QUESTIONS, ROOT, in_threads, llmcs

SEED = int(os.environ.get("LLMCS_SEED", time.time_ns() % 10**6))
TEXTS = ["good shop , but the zip broke after two days " * 4] * 400
LIMIT_S = 120.0


def run(coroutine):
    async def limited():
        return await asyncio.wait_for(coroutine, LIMIT_S)

    return asyncio.run(limited())


class Ticks:
    """async with Ticks() as ticks: counts how often the event loop gets round."""

    async def __aenter__(self):
        self.n = 0
        self._task = asyncio.ensure_future(self._tick())
        return self

    async def _tick(self):
        while True:
            await asyncio.sleep(0.001)
            self.n += 1

    async def __aexit__(self, *_):
        self._task.cancel()


class Asyncio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("seed %d" % SEED, flush=True)
        cls.bert, cls.gpt2 = llmcs.Model(BERT, n_threads=2), llmcs.Model(GPT2, n_threads=2)
        session = cls.gpt2.session()
        cls.expected = [session.generate(q, max_new_tokens=12).text for q in QUESTIONS]


class Models(Asyncio):
    def test_results_are_those_of_the_plain_calls(self):
        async def main():
            model = await llmcs.Model.aopen(BERT, n_threads=1)
            async with model:
                one, two, vector = await asyncio.gather(
                    model.aclassify("good"), model.aclassify(["good", "bad"]), model.aembed("good", pooling="mean")
                )
            self.assertTrue(model.closed)
            return one, two, list(vector)

        one, two, vector = run(main())
        self.assertEqual((one, two), (self.bert.classify("good"), self.bert.classify(["good", "bad"])))
        self.assertEqual(vector, list(self.bert.embed("good", pooling="mean")))

    def test_spans_masks_labels_and_ranks(self):
        data = os.path.join(ROOT, "tests", "data")
        cross = llmcs.Model(os.path.join(data, "sentence", "reranker"), n_threads=1)

        async def main():
            self.assertEqual(
                float(await cross.arerank("good", "the shop")), float(cross.rerank("good", "the shop"))
            )
            for call in (self.bert.atag("x"), self.bert.aanswer_spans([("a", "b")]), self.bert.afill_mask("x [MASK]"),
                         self.bert.atranslate("x")):  # fmt: skip
                with self.assertRaises(llmcs.NoHeadError):
                    await call
            self.assertEqual(
                await self.bert.azero_shot(["x"], ["a", "b"], multi_label=True),
                self.bert.zero_shot(["x"], ["a", "b"], multi_label=True),
            )

        run(main())

    def test_the_loop_goes_on_and_a_cancelled_task_ends_its_call(self):
        async def main():
            async with Ticks() as ticks:
                await self.bert.aclassify(TEXTS[:100])
                self.assertGreater(ticks.n, 3)
            start, cpu = time.monotonic(), time.process_time()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(self.bert.aclassify(TEXTS * 50), 0.05)
            self.assertLess(time.process_time() - cpu, 20)  # the whole would take minutes
            self.assertLess(time.monotonic() - start, 60)
            self.assertEqual(await self.bert.aclassify("good"), self.bert.classify("good"))

        run(main())

    def test_calls_that_wait_for_a_thread_never_begin(self):
        async def main():
            tasks = [asyncio.ensure_future(self.bert.aclassify(TEXTS * 50)) for _ in range(100)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                self.assertIsInstance(outcome, asyncio.CancelledError)

        run(main())

    def test_callbacks_see_the_tasks_context(self):
        """As with asyncio.to_thread."""
        request_id, seen = contextvars.ContextVar("request_id", default="none"), set()

        async def main():
            request_id.set("r1")
            await llmcs.Model.aopen(BERT, n_threads=1, progress=lambda _done: seen.add(request_id.get()))

        run(main())
        self.assertEqual(seen, {"r1"})

    def test_errors_are_those_of_the_plain_calls(self):
        async def main():
            with self.assertRaisesRegex(llmcs.FileError, "no/such"):
                await llmcs.Model.aopen("no/such")
            with self.assertRaisesRegex(TypeError, "texts"):
                await self.bert.aclassify(7)
            with self.assertRaisesRegex(TypeError, "did you mean 'top_k'"):
                await self.gpt2.session().agenerate("x", topk=3)

        run(main())


class Sessions(Asyncio):
    def test_generation(self):
        async def main():
            async with self.gpt2.session() as session, Ticks() as ticks:
                for question, expected in zip(QUESTIONS, self.expected):
                    self.assertEqual((await session.agenerate(question, max_new_tokens=12)).text, expected)
                    pieces = [p async for p in session.astream(question, max_new_tokens=12)]
                    self.assertEqual("".join(pieces), expected)
                beams = await session.agenerate(QUESTIONS[0], max_new_tokens=8, num_beams=3)
                self.assertEqual(beams.text, self.gpt2.session().generate(QUESTIONS[0], max_new_tokens=8, num_beams=3).text)
                self.assertGreater(ticks.n, 3)
            self.assertTrue(session.closed)

        run(main())

    def test_cancelled_at_any_moment_the_next_call_is_not(self):
        rng = random.Random(SEED)

        async def main():
            session = self.gpt2.session()
            n_cancelled = 0
            for i in range(60):
                how = {"num_beams": 4} if i % 7 == 6 else {}
                call = session.agenerate(QUESTIONS[i % 5] * rng.choice((1, 10)), max_new_tokens=100, eos_token_id=[], **how)
                try:
                    await asyncio.wait_for(call, rng.random() * 0.05)
                except asyncio.TimeoutError:
                    n_cancelled += 1
                found = await session.agenerate(QUESTIONS[0], max_new_tokens=12)
                self.assertEqual(found.text, self.expected[0], i)
            self.assertGreater(n_cancelled, 10)

        run(main())

    def test_the_next_call_waits_for_a_stream_whose_loop_was_left(self):
        async def main():
            session, long = self.gpt2.session(), {"max_new_tokens": 400, "eos_token_id": []}
            for _ in range(3):
                async for _ in session.astream(QUESTIONS[1], **long):
                    break
                async for _ in session.astream(QUESTIONS[2], **long):
                    break
                self.assertEqual((await session.agenerate(QUESTIONS[0], max_new_tokens=12)).text, self.expected[0])
            stream = session.astream(QUESTIONS[1], **long)
            await stream.__anext__()
            with self.assertRaises(llmcs.BusyError):  # somebody still reads that one
                await session.agenerate(QUESTIONS[0], max_new_tokens=12)
            await stream.aclose()
            self.assertEqual((await session.agenerate(QUESTIONS[0], max_new_tokens=12)).text, self.expected[0])

        run(main())

    def test_leaving_a_stream_ends_it(self):
        async def main():
            session = self.gpt2.session()
            for i in range(10):
                stream = session.astream(QUESTIONS[1], max_new_tokens=400, eos_token_id=[])
                async for _ in stream:
                    break
                await stream.aclose()
                self.assertEqual((await session.agenerate(QUESTIONS[0], max_new_tokens=12)).text, self.expected[0])
            with self.assertRaises(llmcs.ContextFullError):
                async for _ in session.astream("x " * 5000):
                    pass

        run(main())

    def test_chat(self):
        source = "{% for m in messages %}User: {{ m.content }}\nBot:{% endfor %}"
        chat = llmcs.Chat.from_text(source)
        messages = [{"role": "user", "content": "Where is my order?"}]

        async def main():
            return await self.gpt2.session().achat(chat, messages, max_new_tokens=12)

        self.assertEqual(run(main()).text, self.gpt2.session().chat(chat, messages, max_new_tokens=12).text)


class Engines(Asyncio):
    def test_many_requests_at_once(self):
        async def stream(engine, question):
            return "".join([p async for p in engine.astream(question, max_new_tokens=12)])

        async def request(engine, question):
            async with engine.submit(question, max_new_tokens=12) as r:
                return (await r).text

        async def both(engine, question):
            r = engine.submit(question, max_new_tokens=12)
            text = "".join([p async for p in r])
            self.assertEqual((await r).text, text)
            return text

        async def main():
            async with self.gpt2.engine(max_batch=8) as engine, Ticks() as ticks:
                calls = [f(engine, q) for f in (stream, request, both) for q in QUESTIONS]
                self.assertEqual(await asyncio.gather(*calls), self.expected * 3)
                found = await engine.agenerate(QUESTIONS * 4, max_new_tokens=12)
                self.assertEqual([g.text for g in found], self.expected * 4)
                self.assertEqual((await engine.agenerate(QUESTIONS[0], max_new_tokens=12)).text, self.expected[0])
                self.assertGreater(ticks.n, 3)
                self.assertFalse(engine._watch._readers or engine._watch._waiting)

        run(main())

    def test_a_cancelled_task_cancels_its_requests(self):
        async def main():
            async with self.gpt2.engine() as engine:
                long = dict(max_new_tokens=400, eos_token_id=[])

                async def read():
                    async for _ in engine.astream(QUESTIONS[0], **long):
                        pass

                tasks = [asyncio.ensure_future(t) for t in (engine.agenerate(QUESTIONS, **long), read())]
                request = engine.submit(QUESTIONS[1], **long)

                async def whole():
                    await request

                tasks.append(asyncio.ensure_future(whole()))
                await asyncio.sleep(0.03)
                for task in tasks:
                    task.cancel()
                for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                    self.assertIsInstance(outcome, asyncio.CancelledError)
                stats = engine.stats()
                while stats["n_running"] + stats["n_waiting"]:
                    await asyncio.sleep(0.01)
                    stats = engine.stats()
                self.assertEqual((stats["n_cancelled"], stats["n_finished"]), (7, 0))
                self.assertEqual((await engine.agenerate(QUESTIONS[0], max_new_tokens=12)).text, self.expected[0])

        run(main())

    def test_loops_that_were_closed_under_their_tasks_leave_no_descriptor(self):
        with self.gpt2.engine() as engine:
            n_before = len(os.listdir("/proc/self/fd"))
            for _ in range(5):
                loop = asyncio.new_event_loop()
                loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending!"
                waiting = loop.create_task(_awaited(engine.submit(QUESTIONS[0], max_new_tokens=400, eos_token_id=[])))
                waiting._log_destroy_pending = False
                loop.run_until_complete(asyncio.sleep(0.01))
                loop.close()
            self.assertEqual(run(engine.agenerate(QUESTIONS[0], max_new_tokens=12)).text, self.expected[0])
            self.assertLessEqual(len(os.listdir("/proc/self/fd")), n_before)

    def test_stopped_and_closed_while_tasks_wait(self):
        async def main(end):
            engine = self.gpt2.engine()
            requests = [engine.submit(q, max_new_tokens=400, eos_token_id=[]) for q in QUESTIONS]

            async def read(request):
                return [p async for p in request]

            tasks = [asyncio.ensure_future(read(r)) for r in requests[:2]]
            tasks += [asyncio.ensure_future(asyncio.wait_for(_awaited(r), LIMIT_S)) for r in requests[2:]]
            await asyncio.sleep(0.02)
            await asyncio.get_running_loop().run_in_executor(None, getattr(engine, end))
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, llmcs.Generated):
                    self.assertEqual(outcome.finish_reasons, ["cancelled"])
                elif not isinstance(outcome, list):
                    self.assertIsInstance(outcome, (llmcs.CancelledError, llmcs.StateError))
            for r in requests[2:]:  # and those that begin to wait afterwards
                try:
                    self.assertEqual((await r).finish_reasons, ["cancelled"])
                except llmcs.CancelledError:
                    pass

        run(main("stop"))
        run(main("close"))

    def test_a_full_queue_is_waited_for(self):
        async def main():
            async with self.gpt2.engine(max_queue=1, max_batch=1) as engine:
                found = await engine.agenerate(QUESTIONS * 2, max_new_tokens=12)
                self.assertEqual([g.text for g in found], self.expected * 2)

        run(main())

    def test_loops_of_several_threads_share_an_engine(self):
        with self.gpt2.engine() as engine:

            async def main():
                return [g.text for g in await engine.agenerate(QUESTIONS * 3, max_new_tokens=12)]

            for texts in in_threads(3, lambda _: run(main())):
                self.assertEqual(texts, self.expected * 3)

    def test_an_engine_without_a_thread_is_refused(self):
        with self.gpt2.engine(thread=False) as engine:
            with self.assertRaisesRegex(llmcs.StateError, "thread=False"):
                run(engine.agenerate("x"))

    def test_no_event_is_lost(self):
        """An event may come before submit() has returned, and to a loop while next() is called as well."""
        with self.gpt2.engine(max_batch=16) as engine:
            requests, finished = [], set()
            submitted = threading.Event()

            def submit(_):
                requests.extend([engine.submit("x", max_new_tokens=1) for _ in range(100)])

            def collect():
                while not (submitted.is_set() and finished >= set(requests)):
                    try:
                        event = engine.next(timeout=5)
                    except TimeoutError:
                        if submitted.is_set():
                            return
                    else:
                        finished.update([event.request] if event.finished else [])

            async def others():
                return [await engine.agenerate("y", max_new_tokens=1) for _ in range(50)]

            threads = [threading.Thread(target=collect), threading.Thread(target=lambda: run(others()))]
            for t in threads:
                t.start()
            in_threads(3, submit)
            submitted.set()
            for t in threads:
                t.join(60)
            self.assertEqual(len(requests), 300)
            self.assertEqual(set(requests) - finished, set())


async def _awaited(request):
    return await request


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[-1].isdigit():
        SEED = int(sys.argv.pop())
    unittest.main()
