"""The Python module among threads, signals and processes: Ctrl-C, close() during calls, pickled errors, fork.

usage: test_processes.py [-v]    ($LLMCS_LIBRARY names another build)
"""

import concurrent.futures
import faulthandler
import multiprocessing
import os
import pickle
import signal
import threading
import time
import unittest

from support import BERT, GPT2, QUESTIONS, llmcs
from llmcs import _errors

PARENTS = {}  # what children of fork find from their parent


def open_missing_folder(name):
    return llmcs.Model(name)


def use_parents(what):
    return {
        "classify": lambda: PARENTS["bert"].classify("good"),
        "tokenizer": lambda: PARENTS["bert"].tokenizer.encode("good"),
        "generate": lambda: PARENTS["session"].generate("x"),
        "submit": lambda: PARENTS["engine"].submit("x"),
        "own": lambda: llmcs.Model(BERT, n_threads=1).classify("good"),
        "own tokenizer": lambda: PARENTS["tokenizer"].encode("good"),
    }[what]()


def classify_with(model, text):
    return os.getpid(), model.classify(text)


def receive_model(model):
    PARENTS["received"] = model


def classify_with_received(text):
    return PARENTS["received"].classify(text)


def close_parents(_):
    for handle in PARENTS.values():
        handle.close()
    return [handle.closed for handle in PARENTS.values()]


class Errors(unittest.TestCase):
    def test_every_class_survives_pickling(self):
        for status, kind in _errors._CLASSES.items():
            error = _errors.error(status, "config.json: found 3")
            again = pickle.loads(pickle.dumps(error))
            for e in (error, again):
                self.assertEqual(
                    (type(e), e.status, e.message, str(e)),
                    (kind, status, "config.json: found 3", status + ": config.json: found 3"),
                )
                self.assertIsInstance(e, llmcs.Error)
        self.assertIsInstance(_errors.error("ARG", ""), ValueError)
        self.assertIsInstance(_errors.error("PENDING", ""), TimeoutError)
        self.assertIsInstance(_errors.error("NOMEM", ""), MemoryError)
        self.assertIs(type(_errors.error("NEW", "")), llmcs.Error)

    def test_a_workers_error_arrives_as_itself(self):
        for method in ("fork", "spawn"):
            with multiprocessing.get_context(method).Pool(2) as pool:
                with self.assertRaisesRegex(llmcs.FileError, "no/such/folder"):
                    pool.map_async(open_missing_folder, ["no/such/folder"]).get(timeout=120)
        with concurrent.futures.ProcessPoolExecutor(1) as executor:
            with self.assertRaisesRegex(llmcs.FileError, "no/such/folder"):
                executor.submit(open_missing_folder, "no/such/folder").result(timeout=120)


class Spawn(unittest.TestCase):
    def test_a_model_is_opened_again_in_the_other_process(self):
        model = llmcs.Model(BERT, n_threads=1, weights="int8")
        expected = model.classify("good")
        with multiprocessing.get_context("spawn").Pool(1, receive_model, (model,)) as pool:
            pid, found = pool.apply_async(classify_with, (model, "good")).get(timeout=120)
            self.assertNotEqual(pid, os.getpid())
            self.assertEqual(found, expected)
            self.assertEqual(pool.map_async(classify_with_received, ["good"]).get(timeout=120), [expected])


class Fork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        gpt2 = llmcs.Model(GPT2, n_threads=2)
        PARENTS.update(
            bert=llmcs.Model(BERT, n_threads=2),
            gpt2=gpt2,
            session=gpt2.session(),
            engine=gpt2.engine(),
            tokenizer=llmcs.Tokenizer(BERT),
        )
        PARENTS["bert"].classify("good")

    @classmethod
    def tearDownClass(cls):
        PARENTS.clear()

    def test_a_parents_model_is_refused_by_name_and_an_own_one_works(self):
        expected = PARENTS["bert"].classify("good")
        with multiprocessing.get_context("fork").Pool(2) as pool:
            for what in ("classify", "tokenizer", "generate", "submit"):
                with self.assertRaisesRegex(llmcs.ForkError, "belongs to process %d.*open the model" % os.getpid()):
                    pool.map_async(use_parents, [what]).get(timeout=120)
            self.assertEqual(pool.map_async(use_parents, ["own"]).get(timeout=120), [expected])
            self.assertEqual(
                pool.map_async(use_parents, ["own tokenizer"]).get(timeout=120), [PARENTS["tokenizer"].encode("good")]
            )
        self.assertEqual(PARENTS["bert"].classify("good"), expected)

    def test_a_child_may_close_what_its_parent_uses(self):
        stop, threads = threading.Event(), []
        for call in (
            lambda: PARENTS["bert"].classify("good"),
            lambda: PARENTS["session"].generate("x", max_new_tokens=3),
        ):

            def repeat(call=call):
                while not stop.is_set():
                    call()

            threads.append(threading.Thread(target=repeat))
            threads[-1].start()
        try:
            for _ in range(5):
                with multiprocessing.get_context("fork").Pool(1) as pool:
                    self.assertEqual(pool.map_async(close_parents, [0]).get(timeout=120), [[True] * len(PARENTS)])
        finally:
            stop.set()
            for t in threads:
                t.join()


class CtrlC(unittest.TestCase):
    """SIGINT at a call that would take a minute or so: it ends within seconds on any machine."""

    @classmethod
    def setUpClass(cls):
        cls.gpt2, cls.bert = llmcs.Model(GPT2, n_threads=1), llmcs.Model(BERT, n_threads=1)

    def setUp(self):
        faulthandler.dump_traceback_later(120, exit=True)  # a lost signal would leave a call running for ever
        self.addCleanup(faulthandler.cancel_dump_traceback_later)

    def interrupted(self, call):
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        try:
            with self.assertRaises(KeyboardInterrupt):
                call()
        finally:
            timer.cancel()
        self.assertLess(time.monotonic() - start, 20)

    def test_generation(self):
        session, n = self.gpt2.session(), self.gpt2.info["n_ctx"] - 40
        expected = session.generate(QUESTIONS[0], max_new_tokens=5).text
        for how in ({"num_beams": 256}, {"num_return_sequences": 256, "do_sample": True}):
            self.interrupted(lambda: session.generate(QUESTIONS[0], max_new_tokens=n, eos_token_id=[], **how))
            self.assertEqual(session.generate(QUESTIONS[0], max_new_tokens=5).text, expected)

        def endless(callback):
            while True:
                session.generate(QUESTIONS[0], max_new_tokens=n, eos_token_id=[], **callback)

        self.interrupted(lambda: endless({}))
        self.interrupted(lambda: endless({"on_text": lambda piece: None}))
        self.interrupted(lambda: [list(session.stream(QUESTIONS[0], eos_token_id=[])) for _ in range(10**6)])
        self.interrupted(lambda: [session.eval([1]) or session.rewind(0) for _ in range(10**7)])

    def test_requests(self):
        with self.gpt2.engine() as engine:

            def wait_for_many():
                requests = [engine.submit(p, max_new_tokens=400, eos_token_id=[]) for p in QUESTIONS * 100]
                for request in requests:
                    request.wait()

            self.interrupted(wait_for_many)
            self.interrupted(lambda: engine.next() and engine.next())

    def test_many_texts(self):
        texts = ["good shop , but the zip broke after two days " * 20] * 20000
        self.interrupted(lambda: self.bert.classify(texts))
        self.interrupted(lambda: self.bert.embed([" ".join(texts[:100])], overflow="windows"))
        self.assertTrue(self.bert.classify("good"))

    def test_a_handler_may_cancel_the_session_it_interrupts(self):
        session = self.gpt2.session()
        previous = signal.signal(signal.SIGALRM, lambda *_: session.cancel())
        signal.setitimer(signal.ITIMER_REAL, 0.2, 0.01)
        try:
            out = session.generate(QUESTIONS[0], max_new_tokens=400, num_beams=256, eos_token_id=[])
            self.assertEqual(out.finish_reasons, ["cancelled"])
        except llmcs.CancelledError:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


class Close(unittest.TestCase):
    def test_while_other_threads_are_in_calls(self):
        for i in range(60):
            model, ended = llmcs.Model(BERT, n_threads=2), []

            def repeat(model=model, ended=ended):
                try:
                    while True:
                        model.classify(["good product, fits well"] * 8)
                except llmcs.StateError as e:
                    ended.append(str(e))

            threads = [threading.Thread(target=repeat) for _ in range(3)]
            for t in threads:
                t.start()
            time.sleep(0.001 * (i % 10))
            model.close()
            for t in threads:
                t.join()
            self.assertEqual(ended, ["STATE: this Model is closed"] * 3)

    def test_sessions_requests_and_engines_end_their_calls(self):
        model = llmcs.Model(GPT2, n_threads=2)
        for i in range(20):
            session, engine = model.session(), model.engine()
            request, outcomes = engine.submit(QUESTIONS[0], max_new_tokens=400, eos_token_id=[]), []

            def attempt(call, outcomes=outcomes):
                try:
                    outcomes.append(call().finish_reasons[0])
                except (llmcs.StateError, llmcs.CancelledError) as e:
                    outcomes.append(e.status)

            calls = [
                lambda s=session: s.generate(QUESTIONS[0], max_new_tokens=400, num_beams=64, eos_token_id=[]),
                lambda r=request: r.wait(),
                lambda e=engine: e.next() and e.next(timeout=60),
            ]
            threads = [threading.Thread(target=attempt, args=(c,)) for c in calls]
            for t in threads[:2] if i % 2 else threads[:1]:
                t.start()
            time.sleep(0.002 * (i % 5))
            for handle in (session, request, engine) if i % 3 else (engine, request, session):
                handle.close()
            for t in threads:
                if t.ident:
                    t.join(60)
                    self.assertFalse(t.is_alive())
            self.assertTrue(set(outcomes) <= {"cancelled", "CANCELLED", "STATE"}, outcomes)
            self.assertEqual(len(outcomes), 2 if i % 2 else 1)


if __name__ == "__main__":
    unittest.main()
