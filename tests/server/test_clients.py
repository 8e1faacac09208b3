"""llmcs-server with the clients that people have, each where it is installed: curl, wrk, of PyPI OpenAI's package and
LangChain's OpenAI classes, of npm OpenAI's package and the AI SDK's @ai-sdk/openai-compatible. LLMCS_PYTHON names a Python that
has the packages, NODE_PATH a folder node_modules.
"""
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from server import ENCODER, GPT2, Server, ask, write_key

FACTS = "Standard delivery takes 2 to 4 working days."
ASKED = "How long does delivery take?"
KEY = "a key for the clients of this test"

OPENAI = r'''
import base64, json, struct, sys
import openai
url, key, facts, asked = sys.argv[1:5]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
messages = [{"role": "system", "content": facts}, {"role": "user", "content": asked}]
out = {"version": openai.__version__}
out["models"] = [m.id for m in client.models.list()]
chat = client.chat.completions.create(model="gpt2", messages=messages, logprobs=True, top_logprobs=2)
out["chat"], out["reason"] = chat.choices[0].message.content, chat.choices[0].finish_reason
out["usage"] = [chat.usage.prompt_tokens, chat.usage.completion_tokens, chat.usage.total_tokens]
out["logprobs"] = len(chat.choices[0].logprobs.content)
stream = client.chat.completions.create(model="gpt2", messages=messages, stream=True,
                                        stream_options={"include_usage": True})
out["stream"] = ""
for chunk in stream:
    if chunk.choices:
        out["stream"] += chunk.choices[0].delta.content or ""
    if chunk.usage:
        out["stream_usage"] = chunk.usage.total_tokens
text = client.completions.create(model="gpt2", prompt=["User: hi\nBot:"] * 2, max_tokens=5, n=2, seed=1, temperature=1)
out["texts"] = len(text.choices)
out["text_stream"] = "".join(c.choices[0].text for c in client.completions.create(
    model="gpt2", prompt="User: hi\nBot:", max_tokens=5, stream=True))
schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"],
          "additionalProperties": False}
form = {"type": "json_schema", "json_schema": {"name": "days", "schema": schema, "strict": True}}
out["json"] = json.loads(client.chat.completions.create(model="gpt2", messages=messages,
                                                        response_format=form).choices[0].message.content)
out["vector"] = client.embeddings.create(model="e", input=["red dress"]).data[0].embedding  # base64 on the wire
out["floats"] = client.embeddings.create(model="e", input="red dress", encoding_format="float").data[0].embedding
for name, call in (("tools", lambda: client.chat.completions.create(model="gpt2", messages=messages, tools=[
                       {"type": "function", "function": {"name": "f"}}])),
                   ("model", lambda: client.chat.completions.create(model="none", messages=messages)),
                   ("key", lambda: openai.OpenAI(base_url=url, api_key="no", max_retries=0).models.list())):
    try:
        call()
    except openai.APIStatusError as e:
        out["refused_" + name] = [type(e).__name__, e.status_code, e.param]
print(json.dumps(out))
'''

LANGCHAIN = r'''
import asyncio, json, sys
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
url, key, facts, asked = sys.argv[1:5]
messages = [("system", facts), ("human", asked)]
out = {}
chat = ChatOpenAI(model="gpt2", base_url=url, api_key=key, max_retries=0)
answer = chat.invoke(messages)
out["chat"], out["tokens"] = answer.content, answer.usage_metadata["total_tokens"]
out["stream"] = "".join(c.content for c in chat.stream(messages))
async def all_of():
    return [r.content for r in await chat.abatch([messages] * 3)]
out["batch"] = asyncio.run(all_of())
out["text"] = OpenAI(model="gpt2", base_url=url, api_key=key, max_tokens=5, temperature=0).invoke("User: hi\nBot:")
vectors = OpenAIEmbeddings(model="e", base_url=url, api_key=key, check_embedding_ctx_length=False)
out["vectors"] = vectors.embed_documents(["red dress", "blue"])
print(json.dumps(out))
'''

NPM_OPENAI = r'''
const OpenAI = require("openai");
const [baseURL, apiKey, facts, asked] = process.argv.slice(1);
async function main() {
    const client = new OpenAI({baseURL, apiKey, maxRetries: 0}), out = {};
    const messages = [{role: "system", content: facts}, {role: "user", content: asked}];
    out.models = (await client.models.list()).data.map((m) => m.id);
    const chat = await client.chat.completions.create({model: "gpt2", messages, logprobs: true});
    out.chat = chat.choices[0].message.content;
    out.logprobs = chat.choices[0].logprobs.content.length - chat.usage.completion_tokens;
    out.stream = "";
    for await (const chunk of await client.chat.completions.create({model: "gpt2", messages, stream: true}))
        out.stream += chunk.choices[0].delta.content || "";
    out.final = await client.chat.completions.stream({model: "gpt2", messages}).finalContent();
    out.left = 0; // a stream that is left before its end
    for await (const chunk of await client.completions.create({model: "gpt2", prompt: asked, max_tokens: 200, stream: true})) {
        out.left++;
        break;
    }
    out.text = (await client.completions.create({model: "gpt2", prompt: "User: hi\nBot:", max_tokens: 5})).choices[0].text;
    out.vector = (await client.embeddings.create({model: "e", input: "red dress"})).data[0].embedding; // base64 on the wire
    out.floats = (await client.embeddings.create({model: "e", input: "red dress", encoding_format: "float"})).data[0].embedding;
    out.refused = await client.chat.completions.create({model: "none", messages}).catch((e) => [e.constructor.name, e.status, e.param]);
    console.log(JSON.stringify(out));
}
main();
'''

AI_SDK = r'''
const {createOpenAICompatible} = require("@ai-sdk/openai-compatible");
const {embed, generateText, jsonSchema, streamText, ...ai} = require("ai");
const [baseURL, apiKey, system, prompt] = process.argv.slice(1);
async function main() {
    const shop = createOpenAICompatible({name: "shop", baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true});
    const common = {model: shop("gpt2"), system, prompt, maxRetries: 0}, out = {};
    const whole = await generateText(common);
    out.chat = whole.text;
    out.reason = whole.finishReason;
    const streamed = streamText(common);
    out.stream = "";
    for await (const piece of streamed.textStream) out.stream += piece;
    out.usage = [(await streamed.usage).outputTokens, whole.usage.outputTokens];
    const schema = jsonSchema({type: "object", properties: {days: {type: "integer"}}, required: ["days"], additionalProperties: false});
    out.json = (await ai.generateObject({...common, schema})).object;
    out.vector = (await embed({model: shop.textEmbeddingModel("e"), value: "red dress", maxRetries: 0})).embedding;
    out.refused = await generateText({...common, model: shop("none")}).catch((e) => [e.name, e.statusCode]);
    console.log(JSON.stringify(out));
}
main();
'''


def python_with(package):
    """A Python that has it, or None."""
    other = os.environ.get("LLMCS_PYTHON")
    if other:
        done = subprocess.run([other, "-c", "import " + package], capture_output=True)
        return other if done.returncode == 0 else None
    return sys.executable if importlib.util.find_spec(package) else None


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        key = {"name": "clients", "roles": ["inference"], "key_file": write_key(cls.folder.name, "key", KEY)}
        cls.server = Server({"models": [{"name": "gpt2", "path": GPT2}, {"name": "e", "path": ENCODER}], "keys": [key]})
        cls.url = "http://127.0.0.1:%d/v1" % cls.server.port
        answer = ask("generate", GPT2, [{"messages": [{"role": "system", "content": FACTS},
                                                      {"role": "user", "content": ASKED}]}])[0]
        cls.expected = answer["texts"][0].strip()
        cls.vector = ask("embed", ENCODER, [{"text": "red dress"}])[0]["embedding"]

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.folder.cleanup()
        assert code == 0, (code, cls.server.log[-5:])
        assert not any(e.get("status", 200) >= 500 for e in cls.server.log)

    def skip(self, reason):
        print("SKIPPED test_clients: " + reason)
        self.skipTest(reason)

    def output_of(self, command):
        done = subprocess.run([*command, self.url, KEY, FACTS, ASKED], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        return json.loads(done.stdout.decode().splitlines()[-1])

    def run_script(self, package, script):
        python = python_with(package)
        if not python:
            self.skip("%s is not installed (PyPI; LLMCS_PYTHON)" % package)
        return self.output_of([python, "-c", script])

    def run_node(self, package, script):
        if not shutil.which("node") or subprocess.run(["node", "-e", "require(%r)" % package], capture_output=True).returncode:
            self.skip("%s is not installed (npm; NODE_PATH)" % package)
        return self.output_of(["node", "-e", script, "--"])

    def test_openai(self):
        out = self.run_script("openai", OPENAI)
        self.assertEqual(out["models"], ["gpt2", "e"])
        self.assertEqual((out["chat"], out["stream"], out["reason"]), (self.expected, self.expected, "stop"))
        self.assertEqual(out["usage"][0] + out["usage"][1], out["usage"][2])
        self.assertEqual(out["stream_usage"], out["usage"][2])
        self.assertEqual(out["logprobs"], out["usage"][1] - 1)  # EOS has none
        self.assertEqual(out["texts"], 4)
        self.assertEqual(list(out["json"]), ["days"])
        self.assertEqual([float("%.9g" % v) for v in out["vector"]], self.vector)
        self.assertEqual(out["floats"], self.vector)
        self.assertEqual(out["refused_tools"], ["BadRequestError", 400, "tools"])
        self.assertEqual(out["refused_model"], ["NotFoundError", 404, "model"])
        self.assertEqual(out["refused_key"][:2], ["AuthenticationError", 401])

    def test_langchain(self):
        out = self.run_script("langchain_openai", LANGCHAIN)
        self.assertEqual((out["chat"], out["stream"], out["batch"]), (self.expected, self.expected, [self.expected] * 3))
        self.assertEqual([float("%.9g" % v) for v in out["vectors"][0]], self.vector)
        self.assertTrue(out["text"])

    def test_openai_of_npm(self):
        out = self.run_node("openai", NPM_OPENAI)
        self.assertEqual(out["models"], ["gpt2", "e"])
        self.assertEqual((out["chat"], out["stream"], out["final"]), (self.expected,) * 3)
        self.assertEqual((out["logprobs"], out["left"]), (-1, 1))  # EOS has none
        self.assertTrue(out["text"])
        self.assertEqual([float("%.9g" % v) for v in out["vector"]], self.vector)
        self.assertEqual(out["floats"], self.vector)
        self.assertEqual(out["refused"], ["NotFoundError", 404, "model"])

    def test_ai_sdk(self):
        out = self.run_node("@ai-sdk/openai-compatible", AI_SDK)
        self.assertEqual((out["chat"], out["stream"], out["reason"]), (self.expected, self.expected, "stop"))
        self.assertEqual(out["usage"][0], out["usage"][1])
        self.assertEqual(list(out["json"]), ["days"])
        self.assertEqual(out["vector"], self.vector)
        self.assertEqual(out["refused"], ["AI_APICallError", 404])

    def test_wrk(self):
        if not shutil.which("wrk"):
            self.skip("wrk is not installed")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n"
                         "wrk.headers['Authorization'] = 'Bearer %s'\nwrk.body = '%s'\n" % (
                             KEY, json.dumps({"model": "gpt2", "prompt": "hi", "max_tokens": 2})))
            script.flush()
            done = subprocess.run(["wrk", "-t1", "-c8", "-d1s", "--timeout", "30", "-s", script.name, self.url + "/completions"],
                                  capture_output=True, timeout=60, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("Non-2xx", done.stdout)
        self.assertNotIn("Socket errors", done.stdout)
        self.assertGreater(int(re.search(r"(\d+) requests in", done.stdout)[1]), 0, done.stdout)

    def test_curl(self):
        if not shutil.which("curl"):
            self.skip("curl is not installed")
        body = json.dumps({"model": "gpt2", "stream": True, "messages": [{"role": "system", "content": FACTS},
                                                                         {"role": "user", "content": ASKED}]})
        done = subprocess.run(["curl", "-sS", "-N", "--fail", "-H", "Authorization: Bearer " + KEY, "--json", body,
                               self.url + "/chat/completions"], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        chunks = [json.loads(b[6:]) for b in done.stdout.decode().split("\n\n") if b and b != "data: [DONE]"]
        self.assertEqual("".join(c["choices"][0]["delta"].get("content", "") for c in chunks), self.expected)


if __name__ == "__main__":
    unittest.main()
