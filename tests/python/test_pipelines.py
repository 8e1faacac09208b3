"""llmcs.pipeline: results next to those of Transformers' pipelines, fixed ones (tests/data/pipelines) and, where
transformers is installed, its own of now; arguments, generators, asyncio.

usage: test_pipelines.py [-v]    ($LLMCS_LIBRARY names another build; $LLMCS_GOLDEN a folder of more models to compare)
"""

import asyncio
import importlib.util
import json
import os
import pickle
import re
import sys
import tempfile
import threading
import time
import unittest

from support import BERT, GPT2, QUESTIONS, ROOT, llmcs

DATA = os.path.join(ROOT, "tests", "data", "pipelines")
sys.path.insert(0, DATA)
import cases  # noqa: E402

SCORE_DELTA = 3e-5


class Compared(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.n = 0

    def compose(self, case, models=cases.DATA):
        self.n += 1
        return cases.compose(case, os.path.join(self.temporary.name, str(self.n)), models)

    def answers(self, case, folder):
        with llmcs.pipeline(case["task"], model=folder, model_kwargs={"n_threads": 1}, **case["init"]) as made:
            return [cases.plain(made(*c["args"], **c["kwargs"])) for c in case["calls"]]

    def same(self, found, expected, where):
        if isinstance(expected, float):
            self.assertIsInstance(found, (float, int), where)
            self.assertLess(abs(found - expected), SCORE_DELTA * max(1.0, abs(expected)), where)
        elif isinstance(expected, dict):
            self.assertEqual(list(found), list(expected), where)
            for key in expected:
                self.same(found[key], expected[key], where + (key,))
        elif isinstance(expected, list):
            self.assertIsInstance(found, list, where)
            self.assertEqual(len(found), len(expected), where)
            for i, (f, e) in enumerate(zip(found, expected)):
                self.same(f, e, where + (i,))
        else:
            self.assertEqual(found, expected, where)


class Fixed(Compared):
    def test_results_are_those_of_transformers(self):
        with open(os.path.join(DATA, "expected.jsonl"), encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual(len(lines), len(cases.CASES))
        n_calls = 0
        for line, case in zip(lines, cases.CASES):
            with self.subTest(i=line["case"], model=case["model"], task=case["task"]):
                self.assertEqual((line["model"], line["task"]), (case["model"], case["task"]))
                for i, (f, e) in enumerate(zip(self.answers(case, self.compose(case)), line["expected"])):
                    self.same(f, e, (case["model"], case["task"], case["calls"][i]))
                    n_calls += 1
        self.assertGreater(n_calls, 140)


class Live(Compared):
    """Transformers as it is installed, on the demo models and on every golden folder that it opens."""

    @classmethod
    def setUpClass(cls):
        if not importlib.util.find_spec("transformers") or not importlib.util.find_spec("torch"):
            print("SKIPPED test_pipelines.Live: no transformers", flush=True)
            raise unittest.SkipTest("no transformers")
        from importlib.metadata import version

        if not version("transformers").startswith("4."):
            print("SKIPPED test_pipelines.Live: transformers %s" % version("transformers"), flush=True)
            raise unittest.SkipTest("compares with transformers 4")

    def compare(self, case, folder):
        expected = cases.of_transformers(case, folder)
        for i, (f, e) in enumerate(zip(self.answers(case, folder), expected)):
            self.same(f, e, (case["model"], case["task"], case["calls"][i]))

    def test_demo_models(self):
        reviews = ["质量很好，穿着舒服", "The zip broke after two days.", "ok"]
        call = cases.call
        for model, task, init, calls in (
            (BERT, "sentiment-analysis", {}, [call(reviews), call(reviews[0], top_k=2)]),
            (GPT2, "text-generation", {"max_new_tokens": 20}, [call(QUESTIONS), call(QUESTIONS[0], return_full_text=False),
                                                               call(QUESTIONS[1], num_beams=3)]),
            (os.path.join(ROOT, "examples", "models", "shop-encoder"), "feature-extraction", {}, [call(reviews)]),
        ):  # fmt: skip
            with self.subTest(model=model):
                case = {"model": model, "tokenizer": None, "task": task, "init": init, "calls": calls}
                self.compare(case, self.compose(case))

    def test_golden_models(self):
        tasks = {
            "ForSequenceClassification": ("text-classification", [cases.call(cases.ASCII, top_k=None)]),
            "ForTokenClassification": ("ner", [cases.call(cases.ASCII, aggregation_strategy="simple")]),
            "ForQuestionAnswering": ("question-answering", [cases.call(question="red?", context="a red dress . a zip")]),
            "ForMaskedLM": ("fill-mask", [cases.call("red [MASK]")]),
            "ForCausalLM|GPT2LMHeadModel": ("text-generation", [cases.call(["red dress", "x"], max_new_tokens=5)]),
            "^(T5|MT5|Bart|MBart).*ConditionalGeneration": (
                "text2text-generation", [cases.call(["red dress", "x"], max_new_tokens=5)]),
            "^(Bert|Albert|ModernBert)Model": ("feature-extraction", [cases.call("red dress")]),
        }  # fmt: skip
        folders = [os.path.join(cases.DATA, "golden"), *filter(None, [os.environ.get("LLMCS_GOLDEN")])]
        compared = []
        for parent in folders:
            for name in sorted(os.listdir(parent)):
                path = os.path.join(parent, name, "config.json")
                if not os.path.exists(path):
                    continue
                with open(path, encoding="utf-8") as f:
                    architecture = (json.load(f).get("architectures") or [""])[0]
                for pattern, (task, calls) in tasks.items():
                    if re.search(pattern, architecture) and name not in DIFFERENT:
                        case = {"model": os.path.join(parent, name), "tokenizer": "words", "task": task, "init": {}, "calls": calls}
                        with self.subTest(model=name, task=task):
                            self.compare(case, self.compose(case))
                            compared.append(name)
        self.assertGreater(len(compared), 12)


DIFFERENT = (
    "llama-parameters",  # its generation_config.json samples
    "smollm3-tiny",  # newer than Transformers 4.51
)


class Arguments(Compared):
    def test_unknown_ones_are_refused_by_name(self):
        for task, model, call in (
            ("text-classification", BERT, {"topk": 3}),
            ("text-generation", GPT2, {"max_new_token": 3}),
            ("feature-extraction", BERT, {"pooling": "mean"}),
        ):
            name = next(iter(call))
            with self.assertRaisesRegex(TypeError, "'%s'" % name):
                llmcs.pipeline(task, model=model, **call)
            with llmcs.pipeline(task, model=model) as made:
                with self.assertRaisesRegex(TypeError, "'%s'" % name):
                    made("x", **call)
        with self.assertRaisesRegex(TypeError, "did you mean 'top_k'"):
            llmcs.pipeline("text-classification", model=BERT, topk=3)
        for how, expected in (
            ({"device": 0}, "device: 0"),
            ({"tokenizer": GPT2}, "tokenizer"),
            ({"batch_size": 0}, "batch_size"),
            ({"task": "text-generation"}, "no head"),
            ({"task": "summarization", "model": GPT2}, "no encoder-decoder"),
            ({"model": None}, "nothing is downloaded"),
        ):
            with self.assertRaisesRegex(ValueError, expected):
                llmcs.pipeline(**{"task": "text-classification", "model": BERT, **how})
        with self.assertRaisesRegex(KeyError, "translation_xx_to_yy"):
            llmcs.pipeline("translation_en", model=BERT)

    def test_the_task_is_the_heads(self):
        for model, task in ((BERT, "text-classification"), (GPT2, "text-generation")):
            with llmcs.pipeline(model=model) as made:
                self.assertEqual(made.task, task)

    def test_an_open_model_stays_open(self):
        model = llmcs.Model(BERT, n_threads=1)
        with llmcs.pipeline("sentiment-analysis", model=model, device="cpu", num_workers=2) as made:
            made("x")
        self.assertFalse(model.closed)
        with llmcs.pipeline("sentiment-analysis", model=BERT) as made:
            pass
        self.assertTrue(made.model.closed)

    def test_too_long_texts(self):
        with llmcs.pipeline("sentiment-analysis", model=BERT) as made:
            with self.assertRaises(llmcs.ContextFullError):
                made("good shop " * 600)
            self.assertEqual(len(made("good shop " * 600, truncation=True)), 1)
            with self.assertRaisesRegex(ValueError, "text_pair"):
                made([["a", "b"], ["c", "d"]])

    def test_generators_are_read_as_results_are(self):
        read = []

        def texts():
            for i in range(7):
                read.append(i)
                yield "text %d" % i

        with llmcs.pipeline("sentiment-analysis", model=BERT) as made:
            found = made(texts(), batch_size=3)
            self.assertEqual(read, [])
            first = next(found)
            self.assertEqual(read, [0, 1, 2])
            whole = [first, *found]
            self.assertEqual(whole, made(["text %d" % i for i in range(7)]))
            self.assertEqual(whole, made(["text %d" % i for i in range(7)], batch_size=2))
            self.assertEqual(made([]), [])

    def test_pickled_and_awaited(self):
        with llmcs.pipeline("text-generation", model=GPT2, max_new_tokens=8) as made:
            expected = made(QUESTIONS)
            with pickle.loads(pickle.dumps(made)) as again:
                self.assertEqual(again(QUESTIONS), expected)

            async def main():
                return await asyncio.gather(made.acall(QUESTIONS), made.acall(iter(QUESTIONS)))

            self.assertEqual(asyncio.run(main()), [expected] * 2)

    def test_arguments_may_be_generators(self):
        with llmcs.pipeline("text-generation", model=GPT2, max_new_tokens=30, stop_strings=iter([" ", "o"])) as made:
            expected = made(QUESTIONS[0])
            self.assertEqual(made(QUESTIONS[0]), expected)
            self.assertEqual(made(QUESTIONS[0], stop_strings=[" ", "o"]), expected)
            found = made([QUESTIONS[0]] * 4, batch_size=1, stop_strings=(s for s in (" ", "o")))
            self.assertEqual(found, [expected] * 4)

    def test_closed_in_the_middle_gives_no_text_that_was_cut(self):
        made = llmcs.pipeline("text-generation", model=GPT2, max_new_tokens=400, eos_token_id=[], model_kwargs={"n_threads": 1})
        made(QUESTIONS[0], max_new_tokens=12)
        outcomes = []

        def call():
            try:
                outcomes.append(made(QUESTIONS[0]))
            except llmcs.Error as e:
                outcomes.append(type(e))

        thread = threading.Thread(target=call)
        thread.start()
        until = time.monotonic() + 60
        while made._engine.stats()["n_new_tokens"] < 20 and time.monotonic() < until:
            time.sleep(0.001)
        made.close()
        thread.join(60)
        self.assertIn(outcomes, ([llmcs.CancelledError], [llmcs.StateError]))

    def test_token_ids_end_with_the_token_that_ended_them(self):
        with llmcs.pipeline("text-generation", model=GPT2, max_new_tokens=30, return_tensors=True) as made:
            prompt = made.tokenizer.encode(QUESTIONS[0])
            whole = made(QUESTIONS[0], eos_token_id=None)[0]["generated_token_ids"]
            stop = whole[len(prompt) + 3]
            expected = whole[: whole.index(stop, len(prompt)) + 1]
            found = made(QUESTIONS[0], stop_sequence=made.tokenizer.decode([stop]))[0]["generated_token_ids"]
            self.assertEqual(found, expected)

    def test_the_folders_settings_are_those_at_its_opening(self):
        """Whatever the working directory becomes."""
        folder = self.compose({"model": "golden/bert-mlm", "tokenizer": "words"})
        self.addCleanup(os.chdir, os.getcwd())
        with open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8") as f:
            config = json.load(f)
        with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as f:
            json.dump({**config, "clean_up_tokenization_spaces": True}, f)
        with llmcs.pipeline("fill-mask", model=folder) as made:
            expected = made("red dress , [MASK] zip .")
        self.assertIn("dress,", expected[0]["sequence"])
        os.chdir(os.path.dirname(folder))
        with llmcs.pipeline("fill-mask", model=os.path.basename(folder)) as made:
            tokenizer = made.tokenizer
            os.chdir("/")
            self.assertEqual(made("red dress , [MASK] zip ."), expected)
            self.assertEqual(pickle.loads(pickle.dumps(made.tokenizer)).encode("red"), tokenizer.encode("red"))

    def test_targets_and_masks_that_are_not_there(self):
        case = {"model": "golden/bert-mlm", "tokenizer": "words"}
        with llmcs.pipeline("fill-mask", model=self.compose(case)) as made:
            with self.assertRaises(llmcs.ArgumentError):
                made("red dress")
            with self.assertRaisesRegex(TypeError, "'stride' in tokenizer_kwargs"):
                made("red [MASK]", tokenizer_kwargs={"stride": 3})


if __name__ == "__main__":
    unittest.main()
