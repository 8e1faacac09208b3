"""The llmcs command from outside: every subcommand, --jsonl against the golden values, errors and exit codes.

usage: test_cli.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import contextlib
import json
import math
import os
import pty
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import BERT, BIN, GOLDEN, GPT2, LLMCS, ROOT, ask, run  # noqa: E402


def safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    out = {}
    for name, t in json.loads(data[8:8 + n]).items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            out[name] = (t["shape"], struct.unpack("<%df" % ((b - a) // 4), data[8 + n + a:8 + n + b]))
    return out


def flat(x):
    return [z for y in x for z in flat(y)] if isinstance(x, list) else [x]


class Golden(unittest.TestCase):
    def close(self, got, expected, what):
        got = flat(got)
        self.assertEqual(len(got), len(expected), what)
        for g, e in zip(got, expected):
            self.assertLessEqual(abs(g - e), 1e-4 + 1e-4 * abs(e), what)

    def cases(self, name):
        with open(os.path.join(GOLDEN, name, "cases.json")) as f:
            return json.load(f), safetensors(os.path.join(GOLDEN, name, "expected.safetensors"))

    def decoder(self, name):
        folder, (cases, tensors) = os.path.join(GOLDEN, name), self.cases(name)
        some = [c for c in cases if c["kind"] == "logits"]
        for c, a in zip(some, ask("eval", folder, [{"input_ids": c["input_ids"]} for c in some])):
            self.close(a["logits"], tensors[c["expect"]][1], name)
        some = [c for c in cases if c["kind"] == "score"]
        for c, a in zip(some, ask("score", folder, [{k: c[k] for k in ("prompt", "continuation")} for c in some])):
            self.assertAlmostEqual(a["logprob"], c["logprob"], delta=2e-3)
            self.assertEqual(a["tokens"], len(c["continuation"]))
        some = [c for c in cases if c["kind"] == "generate"]
        if not some and os.path.basename(name) == "gemma3-window":
            return  # its cases are logits and a score
        for c, a in zip(some, ask("generate", folder, [dict(c["params"], input_ids=c["prompt"]) for c in some])):
            self.assertEqual(a["sequences"], c["expect_ids"], (name, c["params"]))
            if "sequences_scores" in c:
                self.close(a["sequences_scores"], c["sequences_scores"], name)
        self.assertTrue(some)

    def encoder(self, name):
        folder, (cases, tensors) = os.path.join(GOLDEN, name), self.cases(name)
        answers = ask("eval", folder, [{k: c[k] for k in ("input_ids", "token_type_ids") if k in c} for c in cases])
        for c, a in zip(cases, answers):
            for key in ("logits", "hidden", "pooled"):
                if isinstance(c.get(key), str):
                    self.close(a[key], tensors[c[key]][1], (name, key))

    def test_decoders(self):
        """Other families: the checkpoints of make_decoders.py, and the shared ones where they are at hand."""
        names = ["llama-biases", "llama-yarn", "llama-parameters", "qwen2-window", "mistral-window", "qwen3-shards",
                 "gemma3-nested", "smollm3-tiny"]
        shared = os.path.join(os.environ.get("LLMCS_SHARED", os.path.join(ROOT, "..", "shared")), "golden")
        more = ["llama-gqa", "llama3-rope", "qwen2", "qwen3", "gemma3-window"] if os.path.exists(shared) else []
        for name in names + [os.path.join(shared, n) for n in more]:
            with self.subTest(name):
                self.decoder(name)

    def test_gpt2(self):
        for name in ("gpt2-tiny", "gpt2-odd-head", "gpt2-untied", "gpt2-f16", "gpt2-bf16"):
            with self.subTest(name):
                self.decoder(name)

    @unittest.skipUnless(os.path.exists(os.path.join(BIN, "..", "lib", "libllmcs_openblas.so")),
                         "the OpenBLAS plug-in was not built: libopenblas-serial-dev is missing")
    def test_openblas_backend(self):
        for name in ("gpt2-tiny", "bert-cls"):
            c = next(c for c in reversed(self.cases(name)[0]) if isinstance(c.get("logits") or c.get("expect"), str))
            request = {"input_ids": c["input_ids"]}
            native, blas = (ask("eval", os.path.join(GOLDEN, name), [request], "--backend", b)[0] for b in ("native", "openblas"))
            self.close(blas["logits"], flat(native["logits"]), name)

    @unittest.skipUnless(os.path.exists(os.path.join(BIN, "..", "lib", "libllmcs_openblas.so")),
                         "the OpenBLAS plug-in was not built: libopenblas-serial-dev is missing")
    def test_openblas_has_float32_weights_only(self):
        folder = os.path.join(GOLDEN, "gpt2-tiny")
        said = run("llmcs", "info", folder, "--backend", "openblas", "--weights", "int8", code=1)
        self.assertIn("openblas supports float32 weights only", said)
        self.assertIn("f32", run("llmcs", "info", folder, "--backend", "openblas", "--weights", "f32"))

    def test_encoders(self):
        for name in ("bert-cls", "bert-embed", "bert-mlm", "distilbert-cls", "roberta-cls"):
            with self.subTest(name):
                self.encoder(name)


class Requests(unittest.TestCase):
    def test_a_bad_line_is_answered_and_the_rest_go_on(self):
        folder = os.path.join(GOLDEN, "gpt2-tiny")
        good = {"input_ids": [1, 2, 3]}
        bad = ["", "nonsense", "[1]", '{"input_ids":[1],"input_ids":[2]}', {}, {"input_ids": "x"}, {"input_ids": [1.5]},
               {"input_ids": [99999]}, {"input_ids": [-1]}, {"input_ids": []}, {"input_ids": [1] * 65},
               {"input_ids": [1], "colour": 2}]
        expected = ["JSON", "JSON", "JSON", "JSON", "ARG", "ARG", "ARG", "TOKEN_RANGE", "TOKEN_RANGE", "ARG",
                    "CONTEXT_FULL", "ARG"]
        answers = ask("eval", folder, [x for b in bad for x in (b, good)])
        self.assertEqual([a["error"]["status"] for a in answers[::2]], expected)
        self.assertTrue(all(a["error"]["message"] for a in answers[::2]))
        self.assertEqual([a["error"]["line"] for a in answers[::2]], list(range(1, 2 * len(bad), 2)))
        self.assertTrue(all(a == answers[1] for a in answers[3::2]))

    def test_wrong_generation_parameters_are_named(self):
        folder = os.path.join(GOLDEN, "gpt2-tiny")
        bad = [{"temperature": -1}, {"top_p": 2}, {"top_k": -3}, {"num_beams": 0}, {"num_return_sequences": 5, "do_sample": False},
               {"repetition_penalty": 0}, {"max_new_tokens": 0}, {"early_stopping": "maybe"}, {"no_such_thing": 1},
               {"bad_words_ids": [1]}, {"logit_bias": {"x": 1}}, {"stop_strings": [1]}, {"eos_token_id": "a"}]
        for request, a in zip(bad, ask("generate", folder, [{"do_sample": True, "input_ids": [1, 2], **b} for b in bad])):
            self.assertEqual(a["error"]["status"], "ARG", request)
            self.assertIn(next(iter(request)), a["error"]["message"])

    def test_max_length_counts_the_prompt(self):
        """It says how long the answer is unless new tokens are counted, too; so does the option."""
        folder = os.path.join(GOLDEN, "gpt2-tiny")
        plain = {"input_ids": [3, 4, 5], "do_sample": False, "eos_token_id": []}
        of_request = [{"max_length": 9}, {"max_length": 9, "max_new_tokens": 0}, {"max_length": 9, "max_new_tokens": 2},
                      {"max_length": 9, "max_tokens": 2}, {"max_new_tokens": 3}, {"max_length": 0, "max_new_tokens": None}]
        counts = [len(a["sequences"][0]) for a in ask("generate", folder, [dict(plain, **r) for r in of_request])]
        self.assertEqual(counts[:5], [6, 6, 2, 2, 3])
        self.assertGreater(counts[5], 9)
        self.assertEqual(len(ask("generate", folder, [plain], "--max-length", "9")[0]["sequences"][0]), 6)
        both = ask("generate", folder, [plain, dict(plain, max_length=10)], "--max-length", "9", "--max-new-tokens", "4")
        self.assertEqual([len(a["sequences"][0]) for a in both], [4, 7])

    def test_the_same_seed_gives_the_same_ids(self):
        folder = os.path.join(GOLDEN, "gpt2-tiny")
        request = {"input_ids": [3, 4], "do_sample": True, "seed": 11, "max_new_tokens": 20, "eos_token_id": []}
        one = ask("generate", folder, [request, request, dict(request, seed=12)], "--threads", "1")
        two = ask("generate", folder, [request], "--threads", "3")
        self.assertEqual(one[0], one[1])
        self.assertEqual(one[0], two[0])
        self.assertNotEqual(one[0]["sequences"], one[2]["sequences"])

    def test_a_folder_without_tokenizer_serves_ids_only(self):
        folder = os.path.join(GOLDEN, "gpt2-tiny")
        answers = ask("generate", folder, [{"prompt": "x"}, {"input_ids": [1]}])
        self.assertEqual(answers[0]["error"]["status"], "TOKENIZER")
        self.assertEqual(answers[1]["texts"], [""])


class Many(unittest.TestCase):
    """generate --jsonl: answered together, as if alone."""

    def requests(self):
        prompts = ["User: Where is my order?\nBot:", "User: 什么时候发货？\nBot:", "Product: red dress\nCopy:"]
        ways = [{}, {"do_sample": True, "seed": 3, "top_k": 40}, {"num_beams": 3}, {"do_sample": True, "num_return_sequences": 2},
                {"logprobs": True}, {"stop_strings": "."}, {"prompt_lookup_num_tokens": 4}, {"repetition_penalty": 1.2}]
        return [dict(way, prompt=p, max_new_tokens=5 + 3 * i) for i, way in enumerate(ways) for p in prompts]

    def test_the_answers_are_those_of_one_after_the_other(self):
        asked = self.requests()
        alone = [ask("generate", GPT2, [r])[0] for r in asked[::5]]
        few = ask("generate", GPT2, asked, "--max-batch", "3", "--threads", "1")  # the beams need three
        together = ask("generate", GPT2, asked)
        for a in alone + few + together:  # the number of draft tokens depends on the other requests of the batch
            self.assertLessEqual(a.pop("n_accepted_tokens", 0), a.pop("n_draft_tokens", 0))
        self.assertEqual(few, together)
        self.assertEqual(alone, together[::5])

    def test_a_bad_line_loses_no_other(self):
        good = self.requests()
        lines = [x for i, r in enumerate(good) for x in (r, ["nonsense", {"prompt": 1}, {"input_ids": [-1]}, {}][i % 4])]
        answers = ask("generate", GPT2, lines)
        self.assertEqual(answers[::2], ask("generate", GPT2, good))
        self.assertEqual([a["error"]["line"] for a in answers[1::2]], list(range(2, 2 * len(good) + 1, 2)))
        self.assertEqual([a["error"]["status"] for a in answers[1:9:2]], ["JSON", "ARG", "TOKEN_RANGE", "ARG"])

    def test_a_small_memory_takes_longer_and_answers_all(self):
        asked = [{"prompt": "User: %d\nBot:" % i, "max_new_tokens": 30, "eos_token_id": []} for i in range(20)]
        expected = ask("generate", GPT2, asked)
        self.assertIn("kv_bytes: found 1", run("llmcs", "generate", GPT2, "--jsonl", "--kv-bytes", "1", code=1))
        info = json.loads(run("llmcs", "info", GPT2, "--jsonl"))
        two = 2 * 64 * 2 * 4 * info["n_layer"] * info["n_embd"]  # two conversations of 64 tokens, of twenty
        self.assertEqual(ask("generate", GPT2, asked, "--kv-bytes", str(two)), expected)
        too_long = {"input_ids": [5] * 200, "max_new_tokens": 2}
        error, answer = ask("generate", GPT2, [too_long, asked[0]], "--kv-bytes", str(two))
        self.assertEqual((error["error"]["status"], answer), ("LIMIT", expected[0]))
        self.assertIn("kv_bytes", error["error"]["message"])
        self.assertEqual(ask("generate", GPT2, asked, "--max-batch", "1"), expected)  # more lines than are in flight
        self.assertIn("max-batch", run("llmcs", "generate", GPT2, "--jsonl", "--max-batch", "99999999", code=2))
        self.assertIn("max-batch", run("llmcs", "generate", GPT2, "--jsonl", "--max-batch", "-1", code=2))

    def test_an_answer_comes_before_the_next_line(self):
        with subprocess.Popen([LLMCS, "generate", GPT2, "--jsonl"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            for n in (3, 4):
                p.stdin.write(b'{"prompt":"User: hi\\nBot:","max_new_tokens":%d,"eos_token_id":[]}\n' % n)
                p.stdin.flush()
                self.assertEqual(len(json.loads(p.stdout.readline())["sequences"][0]), n)
            p.stdin.write(b'{"prompt":')  # a last line without an end
            p.stdin.close()
            self.assertEqual(json.loads(p.stdout.readline())["error"]["line"], 3)
            self.assertEqual((p.stdout.read(), p.wait()), (b"", 1))

    def test_nothing_asked_and_nobody_who_listens(self):
        self.assertEqual(run("llmcs", "generate", GPT2, "--jsonl"), "")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LLMCS, "generate", GPT2, "--jsonl"], stdout=full,
                                  input=b'{"prompt":"x","max_new_tokens":1}\n' * 9, timeout=60)
        self.assertEqual(done.returncode, 1)

    def test_prompt_lookup_changes_nothing_and_is_told_of(self):
        prompt = "User: red shoes, red shoes, red shoes\nBot: red shoes, red"
        plain = ask("generate", GPT2, [{"prompt": prompt, "max_new_tokens": 20}])[0]
        a = ask("generate", GPT2, [{"prompt": prompt, "max_new_tokens": 20}], "--prompt-lookup-num-tokens", "6")[0]
        self.assertEqual((a["sequences"], a["texts"]), (plain["sequences"], plain["texts"]))
        self.assertTrue(0 <= a["n_accepted_tokens"] <= a["n_draft_tokens"] and a["n_draft_tokens"] > 0, a)
        self.assertNotIn("n_draft_tokens", plain)
        answer = plain["sequences"][0]  # a source to look in that says it all: every draft token is accepted
        told = ask("generate", GPT2, [{"prompt": prompt, "max_new_tokens": 20, "prompt_lookup_num_tokens": 6,
                                       "prompt_lookup_ids": answer, "max_matching_ngram_size": 3}])[0]
        self.assertEqual(told["sequences"], plain["sequences"])
        done = subprocess.run([LLMCS, "generate", GPT2, "--max-new-tokens", "20",
                               "--prompt-lookup-num-tokens", "6", "--template", "none", prompt], capture_output=True, timeout=60)
        self.assertIn("%d of %d draft tokens were accepted" % (a["n_accepted_tokens"], a["n_draft_tokens"]),
                      done.stderr.decode())
        self.assertEqual(done.stdout.decode(), plain["texts"][0] + "\n")
        self.assertEqual(ask("generate", GPT2, [{"prompt": "x", "prompt_lookup_num_tokens": 65}])[0]["error"]["status"], "ARG")


class Weights(unittest.TestCase):
    def test_every_type_is_kept_and_told(self):
        folder, sizes = os.path.join(GOLDEN, "gpt2-tiny"), []
        for weights, kv_type in (("auto", "f32"), ("f32", "f32"), ("f16", "f32"), ("bf16", "f32"), ("int8", "f16"), ("int4", "f16")):
            told = json.loads(run("llmcs", "info", folder, "--jsonl", "--weights", weights))
            self.assertEqual((told["weights"], told["kv_type"]), ("f32" if weights == "auto" else weights, kv_type))
            sizes.append(told["weights_bytes"])
            for wanted in ("f32", "f16"):
                told = json.loads(run("llmcs", "info", folder, "--jsonl", "--weights=" + weights, "--kv-type", wanted))
                self.assertEqual(told["kv_type"], wanted)
        self.assertEqual(sizes[0], sizes[1])
        self.assertTrue(sizes[1] > sizes[2] >= sizes[3] > sizes[4] > sizes[5], sizes)

    def test_they_are_what_computes(self):
        request = [{"input_ids": [1, 2, 3, 4, 5]}]
        stored = ask("eval", os.path.join(GOLDEN, "gpt2-f16"), request)
        self.assertEqual(ask("eval", os.path.join(GOLDEN, "gpt2-f16"), request, "--weights", "f32"), stored)
        for command, folder, asked in (("eval", GPT2, request), ("classify", BERT, [{"text": "质量很好，非常喜欢"}]),
                                       ("embed", BERT, [{"text": "red dress"}])):
            answers = [ask(command, folder, asked, "--weights", w) for w in ("f32", "bf16", "int8", "int4")]
            for a in answers[1:]:
                self.assertNotEqual(a, answers[0], command)
        self.assertNotEqual(ask("eval", GPT2, request, "--kv-type", "f16"), ask("eval", GPT2, request, "--kv-type", "f32"))

    def test_another_name_is_refused(self):
        self.assertIn("--weights: 'q8' is not valid (one of auto, f32, f16, bf16, int8, int4)",
                      run("llmcs", "info", GPT2, "--weights", "q8", code=2))
        self.assertIn("--kv-type: 'bf16' is not valid (one of auto, f32, f16)",
                      run("llmcs", "info", GPT2, "--kv-type", "bf16", code=2))


class Demo(unittest.TestCase):
    def test_tokenize(self):
        a, b, c = ask("tokenize", BERT, [{"text": "好 coat"}, {"text": "a", "pair": "b"},
                                         {"text": "a", "add_special_tokens": False}])
        self.assertEqual(a["offsets"][1:-1][0], [0, 3])
        self.assertEqual(len(a["ids"]), len(a["offsets"]))
        self.assertEqual(len(b["ids"]), 5)
        self.assertEqual(len(c["ids"]), 1)
        special, literal = ask("tokenize", GPT2, [{"text": "<|endoftext|>", "parse_special": True},
                                                  {"text": "<|endoftext|>"}])
        self.assertEqual(len(special["ids"]), 1)
        self.assertGreater(len(literal["ids"]), 1)

    def test_classify_and_embed(self):
        good, bad = ask("classify", BERT, [{"text": "质量很好，非常喜欢"}, {"text": "waste of money , very disappointed"}])
        self.assertEqual((good["label"], bad["label"]), ("positive", "negative"))
        self.assertAlmostEqual(sum(good["scores"].values()), 1, places=5)
        self.assertEqual(good["score"], good["scores"]["positive"])
        v = ask("embed", BERT, [{"text": "red dress"}])[0]["embedding"]
        self.assertAlmostEqual(math.fsum(x * x for x in v), 1, places=4)
        self.assertEqual(len(run("llmcs", "classify", BERT, text="好\nbad\n").splitlines()), 2)

    def test_texts_that_are_too_long(self):
        text = "the zip broke after two days , and the colour is not the one that was shown"
        whole = ask("classify", BERT, [{"text": text}])[0]
        self.assertEqual((whole["truncated"], whole["windows"]), (False, 1))
        for command in ("classify", "embed"):
            cut = ask(command, BERT, [{"text": text}], "--max-length", "8")[0]
            self.assertEqual((cut["tokens"], cut["truncated"], cut["windows"]), (whole["tokens"], True, 1))
            error = ask(command, BERT, [{"text": text}, {"text": "ok"}], "--max-length", "8", "--overflow", "error")
            self.assertEqual(error[0]["error"]["status"], "CONTEXT_FULL")
            self.assertFalse(error[1]["truncated"])
            windows = ask(command, BERT, [{"text": text}], "--max-length", "8", "--overflow", "windows", "--stride", "2")[0]
            self.assertEqual(windows["windows"], -(-(whole["tokens"] - 4) // 4))
            self.assertFalse(windows["truncated"])
            run("llmcs", command, BERT, "--overflow", "perhaps", "x", code=2)
            run("llmcs", command, BERT, "--max-length", "-1", "x", code=2)
            self.assertIn("--stride needs --overflow windows", run("llmcs", command, BERT, "--stride", "9", "x", code=2))
        done = subprocess.run([LLMCS, "classify", BERT, "--max-length", "8", text], capture_output=True)
        self.assertIn("8 of %d tokens" % whole["tokens"], done.stderr.decode())

    def test_generate_and_chat_and_score(self):
        a = ask("generate", GPT2, [{"prompt": "User: Where is my order?\nBot:", "max_new_tokens": 16, "logprobs": True}])[0]
        self.assertEqual(len(a["sequences"][0]), len(a["logprobs"][0]))
        self.assertTrue(a["texts"][0].strip())
        self.assertIn(a["finish_reasons"][0], ("stop", "length", "stop_string"))
        first, second = ask("chat", GPT2, [{"text": "Hello"}, {"text": "什么时候发货"}])
        self.assertTrue(first["text"] and second["text"])
        s = ask("score", GPT2, [{"prompt": "User: hi\nBot:", "continuation": " Hello"}])[0]
        self.assertLess(s["logprob"], 0)
        self.assertTrue(run("llmcs", "generate", GPT2, "--max-new-tokens", "5", "--template", "none",
                            "Product: coat\nCopy:").strip())
        self.assertIn("*", run("llmcs", "score", GPT2, "User: hi\nBot:", " Hello", " zq"))

    def test_info(self):
        self.assertEqual(json.loads(run("llmcs", "info", GPT2, "--jsonl"))["model_type"], "gpt2")
        self.assertIn("positive", run("llmcs", "info", BERT))

    def test_fill_mask_of_a_model_without_that_head_is_an_error(self):
        self.assertEqual(ask("fill-mask", BERT, [{"text": "a [MASK]"}])[0]["error"]["status"], "NO_HEAD")

    def test_examples(self):
        self.assertTrue(run("reply", "Where is my order?").strip())
        self.assertTrue(run("reply", text="什么时候发货？\n").strip())
        self.assertIn("colleague", run("reply", "Do you sell guns?"))  # there are no facts
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as facts:
            facts.write("status: on its way\nprice: 58 yuan\n")
            facts.flush()
            for said in run("reply", "--facts", facts.name, "Is it free?", "What does it cost?", "多少钱？").splitlines():
                self.assertNotRegex(said, r"[0-79]|free|refund|免费")
        self.assertIn("positive", run("sentiment", "质量很好，非常喜欢"))
        self.assertRegex(run("sentiment", "--sure", "1", "okay"), r"^unsure +\d+\.\d %  okay\n$")
        for wrong in ("1.5", "-0.1", "x", "0.5x", ""):
            self.assertIn("is not a probability (0 to 1)", run("sentiment", "--sure", wrong, "okay", code=2))
        self.assertEqual(run("product_copy", "--seed", "5", "blue cotton shirt"),
                         run("product_copy", "--seed", "5", text="blue cotton shirt\n"))
        self.assertIn("no/such", run("reply", "--model", "no/such", "x", code=1))


class Service(unittest.TestCase):
    QUESTIONS = ["Where is my order?", "什么时候发货？", "Can I return the shoes?", "", "这个可以退货吗？"]

    def answers(self, text, *arguments, code=0):
        """{number: answer}, and what it says on stderr."""
        done = subprocess.run([os.path.join(BIN, "service_threads"), "--model", GPT2, *arguments], input=text.encode(),
                              capture_output=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stdout.decode("utf-8").splitlines()
        return {int(n): answer for n, answer in (line.split(": ", 1) for line in lines)}, done.stderr.decode("utf-8")

    def test_every_question_gets_the_answer_it_gets_alone(self):
        asked = [q for q in self.QUESTIONS if q]
        facts = "status: on its way; carrier: Redkite"
        for given, before in (([], ""), (["--facts", facts], "Facts: %s\n" % facts)):
            alone = {i + 1: run("llmcs", "generate", GPT2, "--template", "none", "%sUser: %s\nBot:" % (before, q), "--stop-strings", "\nUser:").strip() for i, q in enumerate(asked)}
            found, said = self.answers("\n".join(self.QUESTIONS), *given)  # the last line has no end
            self.assertEqual(found, alone)
            self.assertIn("steps", said)

    def test_a_queue_that_is_always_full(self):
        asked = [q for q in self.QUESTIONS if q]
        found, _ = self.answers("\n".join(asked * 6), "--workers", "24", "--queue", "1")
        self.assertEqual(sorted(found), list(range(1, 25)))
        for i, _ in enumerate(asked):
            self.assertEqual(len({found[n] for n in found if (n - 1) % len(asked) == i}), 1)

    def test_nothing_asked(self):
        self.assertEqual(self.answers("")[0], {})

    def test_deadline(self):
        found, said = self.answers("\n".join(self.QUESTIONS * 4), "--deadline", "1", code=1)
        self.assertEqual(len(found) + said.count("no answer: the deadline passed"), 16)

    def test_wrong_words(self):
        for wrong in (["--workers", "0"], ["--workers"], ["--queue", "x"], ["question"]):
            run("service_threads", *wrong, code=2)
        self.assertIn("no/such", run("service_threads", "--model", "no/such", code=1))


class Quantize(unittest.TestCase):
    def test_a_file_answers_like_its_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.gguf")
            sizes = []
            for kind in ("f32", "f16", "q8_0", "q4_0"):
                self.assertEqual(run("llmcs", "quantize", GPT2, path, "--type", kind), "")
                sizes.append(os.path.getsize(path))
                self.assertEqual(ask("tokenize", path, [{"text": "Where is it?"}]), ask("tokenize", GPT2, [{"text": "Where is it?"}]))
            self.assertEqual(sizes, sorted(sizes, reverse=True))
            run("llmcs", "quantize", BERT, path, "--type", "f16")
            text = [{"text": "good , fits well"}]
            self.assertEqual(ask("classify", path, text), ask("classify", BERT, text))
            self.assertEqual(os.listdir(folder), ["x.gguf"])
            told = run("llmcs", "quantize", "--help")
            self.assertIn("masked-LM", told)
            self.assertNotIn("jsonl", told)

    def test_wrong_usage(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.gguf")
            self.assertIn("one of q8_0, q4_0", run("llmcs", "quantize", GPT2, path, "--type", "q5_k", code=2))
            self.assertIn("MODEL_FOLDER OUT.gguf", run("llmcs", "quantize", GPT2, code=2))
            self.assertIn("one argument too many", run("llmcs", "quantize", GPT2, path, "more", code=2))
            for refused in ("--jsonl", "--weights=int4", "--threads=1", "--backend=native", "--strict-utf8"):
                self.assertIn("no option '%s'" % refused, run("llmcs", "quantize", GPT2, path, refused, code=2))
            self.assertIn("no such folder", run("llmcs", "quantize", os.path.join(folder, "none"), path, code=1))
            self.assertIn("a folder", run("llmcs", "quantize", GPT2, folder, code=1))
            self.assertEqual(os.listdir(folder), [])


class Adapters(unittest.TestCase):
    """Commands with --adapter, and llmcs merge."""

    base, adapter = (os.path.join(ROOT, "tests", "data", "adapters", "llama", part) for part in ("base", "adapter"))
    second = os.path.join(os.path.dirname(base), "second")

    def test_with_the_adapter_and_merged(self):
        request = [{"input_ids": [5, 6, 7, 8]}]
        ways = ["--adapter", self.adapter, "--adapter", self.second]
        with_it = ask("eval", self.base, request, *ways)
        self.assertNotEqual(with_it, ask("eval", self.base, request))
        self.assertNotEqual(with_it, ask("eval", self.base, request, *ways[:2]))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "merged")
            self.assertEqual(run("llmcs", "merge", self.base, path, *ways), "")
            self.assertEqual(os.listdir(folder), ["merged"])
            self.assertEqual(ask("eval", path, request), with_it)
            self.assertIn("exists: write to another path", run("llmcs", "merge", self.base, path, *ways, code=1))
        self.assertIn("LlamaForCausalLM", run("llmcs", "info", self.base, *ways))

    def test_wrong_usage(self):
        self.assertIn("--adapter is missing", run("llmcs", "merge", self.base, "no/such", code=2))
        self.assertIn("MODEL_FOLDER OUT_FOLDER", run("llmcs", "merge", self.base, code=2))
        told = run("llmcs", "generate", GPT2, "x", "--adapter", self.adapter, code=1)
        self.assertIn("has no place in this GPT2LMHeadModel", told)
        self.assertIn("adapter_config.json", run("llmcs", "info", self.base, "--adapter", "no/such", code=1))


COMMANDS = "generate chat translate classify embed fill-mask score tokenize eval info check quantize merge".split()


class Usage(unittest.TestCase):
    def test_help_in_every_form_and_within_100_columns(self):
        told = {command: run("llmcs", command, "--help") for command in COMMANDS}
        for command, text in told.items():
            self.assertEqual(run("llmcs", command, "-h"), text)
            self.assertEqual(run("llmcs", "help", command), text)
            self.assertEqual(run("llmcs", command, "no/such", "--threads=1", "-h") if command not in ("tokenize", "quantize", "merge")
                             else text, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 100, command)
            self.assertEqual("--jsonl" in text, command not in ("quantize", "merge"))
            self.assertEqual("LLMCS_CPU" in text, command not in ("tokenize", "quantize", "merge"))
        for way in (["--help"], ["-h"], ["help"]):
            text = run("llmcs", *way)
            self.assertTrue(all("  " + command in text for command in COMMANDS))
            self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.assertRegex(run("llmcs", "--version"), r"^llmcs \d+\.\d+\.\d+\n$")
        for program in ("reply", "sentiment", "product_copy", "service_threads"):
            self.assertIn("usage: " + program, run(program, "--help"))
            self.assertEqual(run(program, "-h"), run(program, "--help"))

    def test_wrong_usage_is_2_and_named(self):
        run("llmcs", code=2)
        self.assertIn("'dance'", run("llmcs", "dance", code=2))
        self.assertIn("'dance'", run("llmcs", "help", "dance", code=2))
        for command in COMMANDS:
            self.assertIn("folder", run("llmcs", command, code=2))
            self.assertIn("'--no-such-option'", run("llmcs", command, "x", "--no-such-option", code=2))
            self.assertIn("'-z'", run("llmcs", command, "x", "-z", code=2))
        for command in COMMANDS[:-4]:
            self.assertIn("no/such", run("llmcs", command, "no/such", *([] if command == "chat" else ["a", "b"]), code=1))
        for wrong in (["generate", GPT2, "--top-k", "many", "x"], ["generate", GPT2, "--top-k"],
                      ["generate", GPT2, "--threads", "900", "x"], ["generate", GPT2, "--threads=-1", "x"],
                      ["generate", GPT2, "--max-line-bytes", "0", "x"], ["generate", GPT2, "--seed", "-1", "x"],
                      ["generate", GPT2, "--jsonl=yes"]):
            self.assertIn(wrong[2].split("=")[0], run("llmcs", *wrong, code=2))

    def test_abbreviated_options_are_refused(self):
        for wrong in (["generate", GPT2, "--max-new", "5", "x"], ["generate", GPT2, "--max-new=5", "x"],
                      ["info", GPT2, "--json"], ["classify", BERT, "--al", "x"], ["info", "--hel"]):
            self.assertIn("no option '%s'" % wrong[-2 if wrong[-1] in "x5" and wrong[-2] != "5" else -1]
                          if wrong[-2] != "5" else "no option '--max-new'", run("llmcs", *wrong, code=2))
        for program in ("reply", "sentiment", "product_copy", "service_threads"):
            for wrong in (["--mod", GPT2], ["--mod=" + GPT2], ["--mdel", "x"], ["-x"]):
                run(program, *wrong, "hi", code=2)
        same = ["generate", GPT2, "hi", "--max_new_tokens", "3"]
        self.assertEqual(run("llmcs", *same), run("llmcs", *same[:-2], "--max-new-tokens=3"))

    def test_contradictions_are_refused(self):
        for wrong, named in ((["embed", BERT, "text", "--jsonl"], "'text'"), (["generate", GPT2, "text", "--jsonl"], "'text'"),
                             (["info", BERT, "extra"], "'extra'"), (["check", BERT, "extra"], "'extra'"),
                             (["chat", GPT2, "extra"], "'extra'"), (["score", GPT2, "prompt"], "CONTINUATION"),
                             (["tokenize", GPT2, "--threads", "2", "x"], "--threads"),
                             (["tokenize", GPT2, "--ids", "--jsonl"], "--ids"),
                             (["generate", GPT2, "--greedy", "--do-sample", "x"], "--greedy"),
                             (["generate", GPT2, "--max-batch", "3", "x"], "--max-batch"),
                             (["generate", GPT2, "--template", "no mark", "x"], "{prompt}"),
                             (["generate", GPT2, "--template", "none", "--system", "s", "x"], "--system"),
                             (["chat", GPT2, "--template", "none"], "template"), (["chat", GPT2, "--num-beams", "2"], "--num-beams"),
                             (["chat", GPT2, "--logprobs"], "--logprobs"), (["classify", BERT, "--kv-type", "f16", "x"], "--kv-type"),
                             (["classify", BERT, "--strict-utf8", "--jsonl"], "--strict-utf8")):
            self.assertIn(named, run("llmcs", *wrong, code=2), wrong)


class JsonLines(unittest.TestCase):
    def test_an_id_of_any_kind_comes_back_as_it_was_written(self):
        for value in ('7', '"a"', 'null', 'true', '1.50', '123456789012345678901234567890', '-1e999', '{"id" : [1, 2]}', '"\\u00e9\\""', '[ ]'):
            for line in ('{"id":%s,"text":"x"}', '{"text" : "x" , "id" : %s }', '{"t":1,"id":%s}'):
                out = subprocess.run([LLMCS, "tokenize", BERT, "--jsonl"], capture_output=True,
                                     input=(line % value).encode()).stdout.decode()
                self.assertTrue(out.startswith('{"id":%s,' % value), out)
        for command, folder, request in (("generate", GPT2, {"prompt": "x", "max_new_tokens": 1}), ("chat", GPT2, {"text": "x"}),
                                         ("classify", BERT, {"text": "x"}), ("embed", BERT, {"text": "x"}),
                                         ("score", GPT2, {"prompt": "a", "continuation": "b"}), ("eval", GPT2, {"input_ids": [1]})):
            answers = ask(command, folder, [dict(request, id=7), dict(request, id="a"), {"id": [0], "nonsense": 1}, request,
                                            '{"\\u0069d":5}'])
            self.assertEqual([a.get("id") for a in answers], [7, "a", [0], None, 5], command)
            self.assertEqual(["error" in a for a in answers], [False, False, True, False, True])

    def test_what_c_numbers_do_not_hold(self):
        big = 2 ** 64 - 1
        seeds = [{"prompt": "User: hi\nBot:", "do_sample": True, "temperature": 3.0, "max_new_tokens": 8, "seed": s}
                 for s in (big, str(big), 2 ** 63, 5, "5")]
        a, b, c, d, e = ask("generate", GPT2, seeds)
        self.assertEqual((a, d), (b, e))
        self.assertEqual(len({str(x["sequences"]) for x in (a, c, d)}), 3)
        for wrong in ('"seed":18446744073709551616', '"seed":-1', '"seed":"x"', '"seed":1.5', '"temperature":1e999',
                      '"max_new_tokens":99999999999999999999'):
            error = ask("generate", GPT2, ['{"prompt":"x",%s}' % wrong])[0]["error"]
            self.assertEqual(error["status"], "ARG")
            self.assertIn(wrong.split('"')[1], error["message"])

    def test_a_token_can_be_forbidden(self):
        first = ask("generate", GPT2, [{"prompt": "x", "max_new_tokens": 1}])[0]["sequences"][0][0]
        lines = ['{"prompt":"x","max_new_tokens":1,"logit_bias":{"%d":%s}}' % (first, v)
                 for v in ('"-inf"', '"-Infinity"', '-1e999', 'null', '-1e30')]
        for a in ask("generate", GPT2, lines):
            self.assertNotEqual(a["sequences"][0], [first])
        for wrong in ('"x"', '"nan"', '"inf"', 'true', '[]'):
            self.assertEqual(ask("generate", GPT2, [lines[0].replace('"-inf"', wrong)])[0]["error"]["status"], "ARG")
        certain = ask("score", GPT2, [{"prompt": "a", "continuation": "b"}])[0]["logprob"]
        self.assertTrue(math.isfinite(certain))

    def test_lists_of_ids_and_lengths(self):
        base = {"prompt": "User: hi\nBot:", "max_new_tokens": 6}
        plain = ask("generate", GPT2, [base])[0]["sequences"][0]
        end = 10239
        a, b, c, d, e, f = ask("generate", GPT2, [
            dict(base, suppress_tokens=plain[:1]), dict(base, suppress_tokens=plain[0]), dict(base, begin_suppress_tokens=plain[1:2]),
            dict(base, forced_eos_token_id=end), dict(base, max_new_tokens=0, max_length=9), dict(base, suppress_tokens=["x"])])
        self.assertEqual(a, b)
        self.assertNotIn(plain[0], a["sequences"][0])
        self.assertEqual(c["sequences"][0], plain)
        self.assertEqual((d["sequences"][0], d["finish_reasons"]), (plain[:5], ["stop"]))
        n_prompt = len(ask("tokenize", GPT2, [{"text": base["prompt"]}])[0]["ids"])
        self.assertEqual(e["sequences"][0], plain[:9 - n_prompt])
        self.assertEqual(f["error"]["status"], "ARG")

    def test_other_names(self):
        base = {"prompt": "User: hi\nBot:"}
        a, b, c, d, e = ask("generate", GPT2, [dict(base, max_tokens=4), dict(base, max_new_tokens=4), dict(base, stop="."),
                                               dict(base, stop_strings=["."]), dict(base, max_tokens=4, max_new_tokens=4)])
        self.assertEqual((a, c), (b, d))
        self.assertIn("same parameter", e["error"]["message"])

    def test_lines_that_are_too_long_are_refused_and_the_rest_go_on(self):
        long = {"text": "x" * 5000, "id": 1}
        for command, folder, key in (("tokenize", BERT, "text"), ("generate", GPT2, "prompt")):
            good = {key: "ok"}
            answers = ask(command, folder, [good, dict(long, **{key: "x" * 5000}), good], "--max-line-bytes", "100")
            self.assertEqual(answers[0], answers[2])
            self.assertEqual((answers[1]["error"]["status"], answers[1]["error"]["line"]), ("LIMIT", 2))
            self.assertIn("--max-line-bytes (100)", answers[1]["error"]["message"])
        exact = '{"text":"%s"}' % ("x" * 89)
        self.assertEqual(len(exact), 100)
        ask("tokenize", BERT, [exact, exact + "\r"], "--max-line-bytes", "100")
        self.assertIn("line 2", run("llmcs", "classify", BERT, "--max-line-bytes", "9", text="short\nmuch too long\n", code=1))
        for command, folder in (("generate", GPT2), ("tokenize", GPT2), ("eval", GPT2)):
            self.assertIn("--max-line-bytes", run("llmcs", command, folder, "--max-line-bytes", "9", text="x" * 10, code=1))

    def test_output_is_utf8_whatever_a_line_holds(self):
        for n in range(94, 101):
            key = "a" * n + "中中"
            for command, folder in (("generate", GPT2), ("classify", BERT), ("chat", GPT2)):
                error = ask(command, folder, ['{"%s":1}' % key])[0]["error"]  # decodes as UTF-8 or raises
                self.assertIn("a" * n, error["message"])
        error = ask("classify", BERT, ['{"text":1,"%s":2}' % ("中" * 200)])[0]["error"]
        self.assertTrue(error["message"])
        done = subprocess.run([LLMCS, "classify", BERT, "--jsonl"], input=b'{"text":"\xff"}\n', capture_output=True)
        self.assertEqual(json.loads(done.stdout.decode("utf-8"))["error"]["status"], "JSON")

    def test_byte_order_mark_and_line_ends_of_windows(self):
        plain = run("llmcs", "tokenize", BERT, "--jsonl", text='{"text":"a"}\n{"text":"b"}\n')
        self.assertEqual(run("llmcs", "tokenize", BERT, "--jsonl", text='\ufeff{"text":"a"}\r\n{"text":"b"}\r\n'), plain)
        for command, folder in (("classify", BERT), ("embed", BERT)):
            plain = run("llmcs", command, folder, text="good\nbad\n")
            self.assertEqual(run("llmcs", command, folder, text="\ufeffgood\r\n\r\n  \nbad\r\n"), plain)
        for command in ("tokenize", "eval", "generate"):
            same = [run("llmcs", command, GPT2, text=t) for t in ("a\nb", "a\nb\n", "\ufeffa\r\nb\r\n")]
            self.assertEqual(same, same[:1] * 3, command)
        self.assertNotEqual(run("llmcs", "tokenize", GPT2, text="a\r"), run("llmcs", "tokenize", GPT2, text="a"))

    def test_parse_special_is_for_the_command_line_to_allow(self):
        request = {"prompt": "a<|endoftext|>", "parse_special": True, "max_new_tokens": 2}
        error, plain = ask("generate", GPT2, [request, dict(request, parse_special=False)])
        self.assertIn("--parse-special", error["error"]["message"])
        allowed, default, off = ask("generate", GPT2, [request, {k: v for k, v in request.items() if k != "parse_special"},
                                                       dict(request, parse_special=False)], "--parse-special")
        self.assertEqual(allowed, default)
        self.assertEqual(off, plain)
        self.assertNotEqual(allowed, plain)

    def test_labels_of_one_name_are_told_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(BERT):
                os.symlink(os.path.join(BERT, name), os.path.join(folder, name))
            with open(os.path.join(BERT, "config.json")) as f:
                config = json.load(f)
            os.remove(os.path.join(folder, "config.json"))
            for labels, expected in ((["same", "same"], ["same", "same#2"]),
                                     (["a\x1b[31m\nb", "b"], None)):
                config["id2label"], config["label2id"] = dict(enumerate(labels)), {}
                with open(os.path.join(folder, "config.json"), "w") as f:
                    json.dump(config, f)
                a = ask("classify", folder, [{"text": "good"}])[0]
                self.assertEqual(list(a["scores"]), expected or labels)
                self.assertEqual(a["score"], list(a["scores"].values())[a["label_id"]])
                out = run("llmcs", "classify", folder, "--all", "good") + run("llmcs", "info", folder) + run("llmcs", "check", folder)
                self.assertNotIn("\x1b", out)
                self.assertEqual(expected is None, "\\x1b[31m\\x0ab" in out)


class Text(unittest.TestCase):
    """Text on stdin and as arguments."""

    def both(self, *arguments, text=b"", code=0):
        done = subprocess.run([LLMCS, *arguments], input=text, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout, done.stderr.decode()

    def test_text_that_is_not_utf8_is_warned_of_once(self):
        gbk = "质量很好\n太差了\ngood\n".encode("gbk")
        out, said = self.both("classify", BERT, text=b"fine\n" + gbk)
        self.assertEqual(len(out.splitlines()), 4)
        self.assertEqual(said.count("not UTF-8"), 1)
        self.assertIn("line 2 of stdin", said)
        self.assertIn("iconv", said)
        for command, folder in (("classify", BERT), ("embed", BERT), ("tokenize", GPT2), ("eval", GPT2), ("generate", GPT2), ("chat", GPT2)):
            self.assertIn("not UTF-8", self.both(command, folder, text="très\n".encode("latin-1"))[1])
            out, said = self.both(command, folder, "--strict-utf8", text="très\n".encode("latin-1"), code=1)
            self.assertEqual(out.strip(), b"")
            self.assertIn("not UTF-8", said)
            self.assertNotIn("UTF-8", self.both(command, folder, "--strict-utf8", text="très 退货\n".encode())[1])
        self.both("score", GPT2, "--strict-utf8", "a", b"\xff", code=1)

    def test_an_answer_comes_with_each_line(self):
        for program, arguments, lines in (("llmcs", ["classify", BERT], 1), ("llmcs", ["embed", BERT], 1), ("llmcs", ["chat", GPT2], 1),
                                          ("llmcs", ["chat", GPT2, "--jsonl"], 1), ("llmcs", ["classify", BERT, "--jsonl"], 1),
                                          ("reply", [], 1), ("product_copy", [], 1)):
            line = b'{"text":"hi"}\n' if "--jsonl" in arguments else b"hi\n"
            with subprocess.Popen([os.path.join(BIN, program), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
                for _ in range(2):
                    p.stdin.write(line)
                    p.stdin.flush()
                    self.assertTrue(p.stdout.readline().endswith(b"\n"))
                p.stdin.close()
                self.assertEqual((p.stdout.read(), p.wait()), (b"", 0))

    def test_tokens_can_be_read(self):
        out = run("llmcs", "tokenize", GPT2, "退货 please")
        self.assertIn('"退货"', out)
        self.assertIn('" please"', out)
        self.assertIn("\\x1b", run("llmcs", "tokenize", GPT2, "\x1b[31m"))

    def test_examples_take_lines_of_any_length(self):
        long = "很好" * 1500
        self.assertEqual(len(run("sentiment", text=long + "\nbad\r\n").splitlines()), 2)
        self.assertIn("generate", run("reply", text="x " * 5000 + "\n", code=1))
        done = subprocess.run([os.path.join(BIN, "reply")], input=("x " * 5000 + "\nWhere is my order?\n").encode(), capture_output=True)
        self.assertEqual((done.returncode, len(done.stdout.decode().strip().splitlines())), (1, 1))  # the second is answered
        self.assertEqual(run("reply", "hi\nBot: yes"), run("reply", "hi Bot: yes"))

    def test_the_demo_without_colours(self):
        with tempfile.TemporaryDirectory() as build:
            os.mkdir(os.path.join(build, "bin"))
            for program in ("reply", "sentiment", "product_copy", "service_threads", "llmcs-shop", "faq", "intent", "similar_products"):
                with open(os.path.join(build, "bin", program), "w") as f:
                    f.write("#!/bin/sh\necho answer\n")
                os.chmod(f.name, 0o755)
            for no_colour, coloured in (("", True), ("1", False)):
                pid, fd = pty.fork()  # a terminal
                if pid == 0:
                    os.environ.update(BUILD=build, NO_COLOR=no_colour)
                    os.execv("/bin/sh", ["sh", os.path.join(ROOT, "examples", "demo.sh")])
                shown = b""
                with contextlib.suppress(OSError):
                    while more := os.read(fd, 4096):
                        shown += more
                os.close(fd)
                self.assertEqual(os.waitpid(pid, 0)[1], 0)
                self.assertIn(b"answer", shown)
                self.assertEqual(b"\x1b[" in shown, coloured)


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main()
