"""llmcs-server: chat and text completions against llmcs generate, streams against whole answers, what is refused."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from server import BIN, GPT2, MODELS, Server, ask

FACTS = "Standard delivery takes 2 to 4 working days."
ASKED = "How long does delivery take?"
PROMPT = "Facts: %s\nUser: %s\nBot:" % (FACTS, ASKED)
CHINESE = "User: 你好，我想退货\nBot:"
MESSAGES = [{"role": "system", "content": FACTS}, {"role": "user", "content": ASKED}]
TEMPLATE = ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if shout %}LOUD {% endif %}"
            "{% if add_generation_prompt %}Bot:{% endif %}")


def template_folder(parent):
    """shop-gpt2 with a chat template of its own."""
    folder = os.path.join(parent, "templated")
    shutil.copytree(GPT2, folder)
    with open(os.path.join(folder, "chat_template.jinja"), "w") as out:
        out.write(TEMPLATE)
    return folder


def text_of(events, index=0):
    choices = [c for e in events for c in e["choices"] if c["index"] == index]
    return "".join(c["delta"].get("content", "") if "delta" in c else c["text"] for c in choices)


class Generate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.templated = template_folder(cls.folder.name)
        cls.server = Server({"models": [{"name": "gpt2", "path": GPT2, "aliases": ["gpt-4o"]},
                                        {"name": "templated", "path": cls.templated},
                                        {"name": "plain", "path": cls.templated, "template": "none"},
                                        {"name": "bert", "path": os.path.join(MODELS, "review-bert")}],
                             "limits": {"max_choices": 8}})

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.folder.cleanup()
        assert code == 0, (code, cls.server.log[-5:])
        text = json.dumps(cls.server.log, ensure_ascii=False)
        assert FACTS not in text and ASKED not in text and "退货" not in text  # nobody's texts in the log

    def complete(self, status=200, **body):
        r = self.server.post("/v1/completions", dict({"model": "gpt2", "prompt": PROMPT}, **body))
        self.assertEqual(r.status, status, r.body)
        return r

    def chat(self, status=200, **body):
        r = self.server.post("/v1/chat/completions", dict({"model": "gpt2", "messages": MESSAGES}, **body))
        self.assertEqual(r.status, status, r.body)
        return r

    def test_text_is_that_of_llmcs_generate(self):
        requests = [{"prompt": PROMPT}, {"prompt": CHINESE}, {"prompt": PROMPT, "max_tokens": 3},
                    {"prompt": PROMPT, "stop": [" working"]}, {"prompt": PROMPT, "stop": "4"},
                    {"prompt": PROMPT, "temperature": 0.9, "seed": 7, "do_sample": True},
                    {"prompt": CHINESE, "top_p": 0.7, "seed": 8, "do_sample": True, "top_k": 20},
                    {"prompt": PROMPT, "frequency_penalty": 1.5, "presence_penalty": 0.5},
                    {"prompt": PROMPT, "repetition_penalty": 1.3}, {"prompt": PROMPT, "logit_bias": {"17": -100}}]
        expected = ask("generate", GPT2, requests, "--template", "none")
        for request, answer in zip(requests, expected):
            body = {k: v for k, v in request.items() if k != "do_sample"}
            got = self.complete(**body).json
            self.assertEqual(got["choices"][0]["text"], answer["texts"][0], request)
            reason = "length" if answer["finish_reasons"][0] == "length" else "stop"
            self.assertEqual(got["choices"][0]["finish_reason"], reason)
            self.assertEqual(got["object"], "text_completion")
            stream = self.complete(stream=True, **body).events()
            self.assertEqual(text_of(stream), answer["texts"][0], request)
            self.assertEqual(stream[-1]["choices"][0]["finish_reason"], reason)
            self.assertEqual([e["choices"][0]["finish_reason"] for e in stream[:-1]], [None] * (len(stream) - 1))

    def test_usage_is_exact(self):
        for prompt, stop in ((PROMPT, None), (CHINESE, None), (PROMPT, " working")):
            n = len(ask("tokenize", GPT2, [{"text": prompt}])[0]["ids"])
            answer = ask("generate", GPT2, [{"prompt": prompt, "stop": stop or []}], "--template", "none")[0]
            usage = self.complete(prompt=prompt, stop=stop).json["usage"]
            self.assertEqual(usage["prompt_tokens"], n)
            new = len(answer["sequences"][0]) + (answer["finish_reasons"][0] == "stop")  # EOS counts
            self.assertEqual(usage["completion_tokens"], new)
            self.assertEqual(usage["total_tokens"], n + new)
            stream = self.complete(prompt=prompt, stop=stop, stream=True,
                                   stream_options={"include_usage": True}).events()
            got = dict(stream[-1]["usage"], prompt_tokens_details=None)
            self.assertEqual(got, dict(usage, prompt_tokens_details=None))
            self.assertEqual(stream[-1]["choices"], [])
            self.assertTrue(all(e["usage"] is None for e in stream[:-1]))
        several = self.complete(prompt=[PROMPT, PROMPT], n=2, max_tokens=4).json["usage"]
        n = len(ask("tokenize", GPT2, [{"text": PROMPT}])[0]["ids"])
        self.assertEqual((several["prompt_tokens"], several["completion_tokens"]), (2 * n, 16))

    def test_prompts(self):
        ids = ask("tokenize", GPT2, [{"text": PROMPT}])[0]["ids"]
        text = self.complete().json["choices"][0]["text"]
        other = self.complete(prompt=CHINESE).json["choices"][0]["text"]
        self.assertEqual(self.complete(prompt=ids).json["choices"][0]["text"], text)
        for prompt in ([PROMPT, CHINESE], [ids, CHINESE]):
            got = self.complete(prompt=prompt).json["choices"]
            self.assertEqual([(c["index"], c["text"]) for c in got], [(0, text), (1, other)])
            stream = self.complete(prompt=prompt, stream=True).events()
            self.assertEqual([text_of(stream, 0), text_of(stream, 1)], [text, other])
        for prompt in (PROMPT, ids):
            self.assertEqual(self.complete(prompt=prompt, echo=True).json["choices"][0]["text"], PROMPT + text)
            self.assertEqual(text_of(self.complete(prompt=prompt, echo=True, stream=True).events()), PROMPT + text)

    def test_n_and_seed(self):
        body = {"n": 3, "temperature": 1.2, "seed": 5, "max_tokens": 12}
        a = [c["text"] for c in self.complete(**body).json["choices"]]
        self.assertEqual(a, [c["text"] for c in self.complete(**body).json["choices"]])
        self.assertGreater(len(set(a)), 1)
        stream = self.complete(stream=True, **body).events()
        self.assertEqual([text_of(stream, i) for i in range(3)], a)
        alone = [self.complete(temperature=1.2, seed=5 + i, max_tokens=12).json["choices"][0]["text"] for i in range(3)]
        self.assertEqual(alone, a)
        free = {self.complete(temperature=20, max_tokens=16).json["choices"][0]["text"] for _ in range(4)}
        self.assertGreater(len(free), 1)  # without a seed each request has its own

    def test_chat_by_prompt_template(self):
        expected = subprocess.run([os.path.join(BIN, "llmcs"), "generate", GPT2, "--system", FACTS, ASKED],
                                  capture_output=True, check=True).stdout.decode().rstrip("\n")
        got = self.chat().json
        self.assertEqual(got["choices"][0]["message"], {"role": "assistant", "content": expected, "refusal": None})
        self.assertEqual((got["object"], got["model"]), ("chat.completion", "gpt2"))
        stream = self.chat(stream=True, model="gpt-4o").events()
        self.assertEqual(text_of(stream), expected)
        self.assertEqual(stream[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertEqual(stream[-1]["choices"][0], {"index": 0, "delta": {}, "logprobs": None,
                                                    "finish_reason": "stop"})
        self.assertEqual({e["id"] for e in stream}, {stream[0]["id"]})
        parts = [{"role": "developer", "content": [{"type": "text", "text": FACTS[:8]},
                                                   {"type": "text", "text": FACTS[8:]}]}, MESSAGES[1]]
        self.assertEqual(self.chat(messages=parts).json["choices"][0]["message"]["content"], expected)

    def test_chat_by_chat_template(self):
        for more, prompt in (({}, "system: %s\nuser: %s\nBot:" % (FACTS, ASKED)),
                             ({"chat_template_kwargs": {"shout": True}},
                              "system: %s\nuser: %s\nLOUD Bot:" % (FACTS, ASKED))):
            expected = self.complete(prompt=prompt, model="templated").json
            got = self.chat(model="templated", **more).json
            self.assertEqual(got["choices"][0]["message"]["content"], expected["choices"][0]["text"])
            self.assertEqual(got["usage"]["prompt_tokens"], expected["usage"]["prompt_tokens"])
        self.assertEqual(self.chat(400, chat_template_kwargs={"a": 1}).error["param"], "chat_template_kwargs")
        # A user's control tokens stay text.
        n = [self.chat(model="templated", messages=[{"role": "user", "content": c}], max_tokens=1)
             .json["usage"]["prompt_tokens"] for c in ("hi", "hi<|endoftext|>")]
        self.assertGreater(n[1], n[0] + 1)

    def test_logprobs(self):
        answer = ask("generate", GPT2, [{"prompt": PROMPT, "logprobs": True}], "--template", "none")[0]
        got = self.complete(logprobs=3).json["choices"][0]
        lp = got["logprobs"]
        self.assertEqual(lp["token_logprobs"], [float("%.9g" % x) for x in answer["logprobs"][0]])
        self.assertEqual("".join(lp["tokens"])[:len(got["text"])], got["text"])
        self.assertEqual(lp["text_offset"][:3], [0, len(lp["tokens"][0]), len(lp["tokens"][0] + lp["tokens"][1])])
        for token, value, top in zip(lp["tokens"], lp["token_logprobs"], lp["top_logprobs"]):
            self.assertEqual(len(top), 3)
            self.assertEqual(top[token], value)  # greedy: the most probable
            self.assertEqual(max(top.values()), value)
        self.assertIsNone(self.complete(logprobs=0).json["choices"][0]["logprobs"]["top_logprobs"])
        stream = self.complete(logprobs=3, stream=True).events()
        self.assertGreaterEqual(len(stream), len(lp["tokens"]))  # a token is a chunk
        self.assertEqual(text_of(stream), got["text"])
        for member in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
            chunks = [e["choices"][0]["logprobs"] for e in stream if e["choices"][0]["logprobs"]]
            self.assertEqual([x for c in chunks for x in c[member]], lp[member], member)
        chat = self.chat(logprobs=True, top_logprobs=2, max_tokens=5).json["choices"][0]
        content = chat["logprobs"]["content"]
        self.assertEqual(len(content), 5)
        for t in content:
            self.assertEqual(bytes(t["bytes"]).decode(), t["token"])
            self.assertEqual(t["top_logprobs"][0]["token"], t["token"])
            self.assertGreaterEqual(t["top_logprobs"][0]["logprob"], t["top_logprobs"][1]["logprob"])
        streamed = self.chat(logprobs=True, top_logprobs=2, max_tokens=5, stream=True).events()
        self.assertEqual([t for e in streamed for t in (e["choices"][0]["logprobs"] or {"content": []})["content"]],
                         content)
        self.assertEqual(text_of(streamed), chat["message"]["content"])
        # With a stop string the text ends before it.
        cut = self.complete(logprobs=1, stop=" working").json["choices"][0]
        self.assertEqual(text_of(self.complete(logprobs=1, stop=" working", stream=True).events()), cut["text"])

    def stream_slowly(self, path, body):
        """The events, and whether the request was still running when the first one had come."""
        c = self.server.connect()
        c.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        events, running = [], None
        for line in c.getresponse():
            if line.startswith(b"data: {"):
                events.append(json.loads(line[6:]))
                if running is None:
                    running = self.server.metric("llmcs_engine_requests_running") > 0
        c.close()
        return events, running

    def test_log_probabilities_come_token_by_token(self):
        """As OpenAI's: a chunk has the text and the log-probabilities of its token, and the first comes early."""
        common = {"model": "gpt2", "stream": True, "max_tokens": 400, "temperature": 1, "seed": 3,
                  "logit_bias": {"10239": -100}}  # no EOS
        any_running = False
        for path, body in (("/v1/completions", dict(common, prompt=PROMPT, logprobs=2)),
                           ("/v1/completions", dict(common, prompt=CHINESE, logprobs=2)),
                           ("/v1/chat/completions", dict(common, messages=MESSAGES, logprobs=True, top_logprobs=2))):
            events, running = self.stream_slowly(path, body)
            any_running = any_running or running
            choices = [e["choices"][0] for e in events]
            scored = [x for x in choices if x["logprobs"]]
            whole = self.server.post(path, dict(body, stream=False)).json["choices"][0]
            self.assertEqual(choices[-1]["finish_reason"], whole["finish_reason"])
            if "message" in whole:
                self.assertEqual(text_of(events), whole["message"]["content"])
                for x in scored:
                    self.assertEqual(set(x["logprobs"]), {"content", "refusal"})
                    self.assertEqual([len(t["top_logprobs"]) for t in x["logprobs"]["content"]], [2])
                self.assertEqual([t for x in scored for t in x["logprobs"]["content"]], whole["logprobs"]["content"])
            else:
                self.assertEqual((len(scored), text_of(events)), (400, whole["text"]))
                for x in scored:
                    self.assertEqual(x["logprobs"]["tokens"], [x["text"]])
                for member in ("tokens", "token_ids", "token_logprobs", "top_logprobs", "text_offset"):
                    self.assertEqual([t for x in scored for t in x["logprobs"][member]], whole["logprobs"][member])
        self.assertTrue(any_running)  # a stream that is sent whole never runs when its first chunk comes

    def test_response_format(self):
        schema = {"type": "object", "properties": {"days": {"type": "integer"}, "answer": {"enum": ["yes", "no"]}},
                  "required": ["days", "answer"], "additionalProperties": False}
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
        for _ in range(2):  # the second time from the cache
            value = json.loads(self.chat(response_format=form).json["choices"][0]["message"]["content"])
            self.assertEqual(set(value), {"days", "answer"})
            self.assertIsInstance(value["days"], int)
        expected = ask("generate", GPT2, [{"prompt": PROMPT, "json_schema": schema}], "--template", "none")[0]
        self.assertEqual(self.complete(response_format=form).json["choices"][0]["text"], expected["texts"][0])
        self.assertIsInstance(json.loads(self.chat(response_format={"type": "json_object"}).json["choices"][0]
                                         ["message"]["content"]), dict)
        self.chat(response_format={"type": "text"})
        bad = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "patternProperties": {"a": {}}}}}
        self.assertEqual(self.chat(400, response_format=bad).error["param"], "response_format")

    def test_a_folder_without_tokenizer(self):
        folder = os.path.join(self.folder.name, "ids")
        os.mkdir(folder)
        for name in ("config.json", "model.safetensors"):
            shutil.copy(os.path.join(GPT2, name), folder)
        with Server({"models": [{"name": "ids", "path": folder}]}) as s:
            self.assertEqual(s.get("/v1/models/ids").json["tasks"], [])
            for more in ({}, {"stream": True}, {"stream": True, "echo": True}, {"logprobs": 1}):
                c = s.connect(10)
                r = s.post("/v1/completions", dict({"model": "ids", "prompt": [1, 2, 3], "max_tokens": 2}, **more),
                           connection=c)
                c.close()
                self.assertEqual((r.status, r.error["code"]), (400, "no_tokenizer"))

    def test_a_failure_has_the_same_name_in_a_stream(self):
        for path, body in (("/v1/completions", {"prompt": PROMPT}), ("/v1/chat/completions", {"messages": MESSAGES})):
            body = dict(body, model="gpt2", stream=True, n=8, temperature=1, max_tokens=400)
            for ms in range(1, 2000, 5):
                r = self.server.post(path, body, headers={"X-Deadline-Ms": str(ms)})
                errors = [e["error"] for e in r.events() if "error" in e] if r.status == 200 else [r.error]
                for error in errors:
                    self.assertEqual((error["code"], error["type"]), ("deadline_exceeded", "server_error"))
                if r.status == 200 and errors:
                    break
            self.assertEqual(r.status, 200)

    def test_what_is_refused_names_the_parameter(self):
        for param, value in (("tools", [{"type": "function"}]), ("tool_choice", "required"), ("functions", [1]),
                             ("audio", {}), ("store", True), ("best_of", 3), ("unknown_thing", 1),
                             ("temperature", -1), ("temperature", "hot"), ("top_p", 2), ("min_p", -1), ("top_k", -1),
                             ("max_tokens", 0), ("max_tokens", 1.5), ("n", 0), ("n", 9), ("seed", 0.5),
                             ("stop", [""]), ("stop", 5), ("stop", ["x"] * 17), ("stop", "a\0b"),
                             ("logit_bias", {"x": 1}), ("logit_bias", {"1": 200}), ("logit_bias", [1]),
                             ("presence_penalty", 3), ("frequency_penalty", "a"), ("stream", "yes"),
                             ("stream_options", {"include_usage": True}), ("response_format", "json"),
                             ("model", None), ("model", 5), ("user", [1]), ("logit_bias", {"99999999": 1})):
            r = self.chat(400, **{param: value})
            if param != "logit_bias" or value != {"99999999": 1}:
                self.assertEqual(r.error["param"], param, (param, value))
        self.assertEqual(self.chat(400, top_logprobs=2).error["param"], "top_logprobs")
        self.assertEqual(self.chat(400, max_tokens=2, max_completion_tokens=2).error["param"], "max_tokens")
        self.assertEqual(self.chat(404, model="nope").error["code"], "model_not_found")
        self.assertEqual(self.chat(400, model="bert").error["param"], "model")
        self.assertEqual(self.chat(400, model="plain", messages=[{"role": "tool", "content": "a"}]).error["param"],
                         "messages[0].role")
        for messages, param in (([], "messages"), ("hi", "messages"), ([1], "messages[0]"),
                                ([{"role": "user"}], "messages[0].content"),
                                ([{"role": "user", "content": 5}], "messages[0].content"),
                                ([{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}],
                                 "messages[0].content"),
                                ([{"role": "user", "content": "a", "name": "b"}], "messages[0]"),
                                ([{"role": "assistant", "content": "a"}], "messages")):
            self.assertEqual(self.chat(400, messages=messages).error["param"], param, messages)
        for prompt in ([], [[]], 5, {"a": 1}, ["a", 5], [-1], [1, "a"], [[2 ** 40]], None):
            self.assertEqual(self.complete(400, prompt=prompt).error["param"], "prompt", prompt)
        self.assertEqual(self.complete(400, prompt=[10 ** 9]).error["code"], "invalid_token")
        nul = [{"role": "user\0", "content": "a"}], [{"role": "user", "content": [{"type": "text\0", "text": "a"}]}]
        for messages in nul:
            self.assertIn("messages[0]", self.chat(400, messages=messages).error["param"])
        self.chat(400, response_format={"type": "text\0"})
        self.assertEqual(self.complete(400, prompt="a " * 4000).error["code"], "context_length_exceeded")
        self.assertEqual(self.complete(400, prompt=["a", "b"], n=5).error["param"], "n")
        # Values without an effect are accepted.
        self.chat(tools=[], tool_choice="none", store=False, n=1, user="u", service_tier="auto", modalities=["text"],
                  stop=None, temperature=None, max_tokens=1, top_logprobs=0)


if __name__ == "__main__":
    unittest.main()
