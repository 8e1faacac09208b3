"""llmcs-server: embeddings, rerank, classify and tag give what the commands give; what is refused."""
import base64
import json
import math
import os
import struct
import tempfile
import unittest

from server import ENCODER, MODELS, ROOT, Server, ask

DATA = os.path.join(ROOT, "tests", "data")
BERT = os.path.join(MODELS, "review-bert")
TEXTS = ["A red dress for the summer.", "质量很好，穿着舒服", "", "The zip broke after two days. " * 90]


def joined(parent, name, *sources):
    """A model's files and those of a tokenizer in one folder."""
    folder = os.path.join(parent, name)
    os.mkdir(folder)
    for source in sources:
        for file in os.listdir(os.path.join(DATA, source)):
            os.symlink(os.path.join(DATA, source, file), os.path.join(folder, file))
    return folder


class Encoders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        with open(os.path.join(DATA, "zero-shot", "cases.jsonl"), encoding="utf-8") as f:
            case = json.loads(f.readline())
        cls.tags = joined(cls.folder.name, "tags", "spans/bert-tags", "tokenizers/tiny-bert-cased")
        cls.nli = joined(cls.folder.name, "nli", "zero-shot/" + case["model"], "tokenizers/" + case["tokenizer"])
        cls.server = Server({"models": [{"name": "encoder", "path": ENCODER}, {"name": "bert", "path": BERT},
                                        {"name": "tags", "path": cls.tags}, {"name": "nli", "path": cls.nli},
                                        {"name": "gpt2", "path": os.path.join(MODELS, "shop-gpt2")}],
                             "limits": {"max_texts": 32}})

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        cls.folder.cleanup()
        assert code == 0, (code, cls.server.log[-5:])
        assert "red dress" not in json.dumps(cls.server.log)

    def call(self, path, status=200, **body):
        r = self.server.post(path, body)
        self.assertEqual(r.status, status, r.body)
        return r.json

    def test_embeddings(self):
        expected = ask("embed", ENCODER, [{"text": t} for t in TEXTS])
        got = self.call("/v1/embeddings", model="encoder", input=TEXTS)
        self.assertEqual([d["index"] for d in got["data"]], [0, 1, 2, 3])
        for d, e in zip(got["data"], expected):
            self.assertEqual(d["embedding"], e["embedding"])
        n = [e["tokens"] for e in expected]
        self.assertEqual(got["usage"]["prompt_tokens"], sum(n[:3]) + min(n[3], 512))  # what was evaluated
        one = self.call("/v1/embeddings", model="encoder", input=TEXTS[0], encoding_format="base64")
        vector = struct.unpack("<%df" % len(expected[0]["embedding"]), base64.b64decode(one["data"][0]["embedding"]))
        self.assertEqual([float("%.9g" % v) for v in vector], expected[0]["embedding"])
        cut = self.call("/v1/embeddings", model="encoder", input=TEXTS[0], dimensions=8)["data"][0]["embedding"]
        reference = ask("embed", ENCODER, [{"text": TEXTS[0]}], "--truncate-dim", "8", "--normalize", "l2")
        self.assertEqual(cut, reference[0]["embedding"])
        self.assertAlmostEqual(math.fsum(v * v for v in cut), 1, 5)

    def test_embeddings_of_ids(self):
        plain, special = (ask("tokenize", ENCODER, [{"text": TEXTS[0]}], *how)[0]["ids"]
                          for how in (("--no-special-tokens",), ()))
        text = self.call("/v1/embeddings", model="encoder", input=TEXTS[0])["data"][0]["embedding"]
        for ids in (plain, special, [plain], [special]):
            got = self.call("/v1/embeddings", model="encoder", input=ids)
            self.assertEqual(got["data"][0]["embedding"], text)
        # Ids that no text has would get the vector of another text.
        self.assertEqual(self.call("/v1/embeddings", 400, model="encoder", input=[plain[0]] * 2 + [1])["error"]["param"],
                         "input")

    def test_classify(self):
        expected = ask("classify", BERT, [{"text": t} for t in TEXTS])
        got = self.call("/v1/classify", model="bert", input=TEXTS)
        for d, e in zip(got["data"], expected):
            self.assertEqual(dict(e, index=d["index"]), d)  # TEXTS[3] is truncated
        windows = ask("classify", BERT, [{"text": TEXTS[3]}], "--overflow", "windows", "--stride", "16", "--max-length",
                      "64")[0]
        got = self.call("/v1/classify", model="bert", input=TEXTS[3], overflow="windows", stride=16, max_length=64)
        self.assertEqual((got["data"][0]["score"], got["data"][0]["windows"]), (windows["score"], windows["windows"]))
        self.assertGreater(windows["windows"], 1)

    def test_zero_shot(self):
        labels = ["refund", "delivery"]
        for more in ({}, {"multi_label": True}, {"hypothesis": "It is about {}."}):
            expected = ask("classify", self.nli, [dict({"text": "where is it", "labels": labels}, **more)])[0]
            got = self.call("/v1/classify", model="nli", input="where is it", labels=labels, **more)["data"][0]
            self.assertEqual(got, dict(expected, index=0))
        self.assertEqual(self.call("/v1/classify", 400, model="nli", input="a", labels=["a", "a"])["error"]["param"],
                         "labels")
        self.assertEqual(self.call("/v1/classify", 400, model="nli", input="a", hypothesis="{}")["error"]["param"],
                         "labels")

    def test_rerank(self):
        documents = ["good fabric", "bad zip", "红色连衣裙"]
        expected = ask("rerank", BERT, [{"query": "is it good?", "docs": documents}])[0]["scores"]
        got = self.call("/v1/rerank", model="bert", query="is it good?", documents=documents, return_documents=True)
        order = sorted(range(3), key=lambda i: -expected[i])
        self.assertEqual([(r["index"], r["relevance_score"], r["document"]["text"]) for r in got["results"]],
                         [(i, expected[i], documents[i]) for i in order])
        best = self.call("/v1/rerank", model="bert", query="is it good?", documents=[{"text": d} for d in documents],
                         top_n=1, score="logit")["results"]
        logits = ask("rerank", BERT, [{"query": "is it good?", "docs": documents}], "--rerank-score", "logit")[0]
        self.assertEqual(best, [{"index": order[0], "relevance_score": logits["scores"][order[0]]}])

    def test_tag(self):
        texts = ["Anna ordered 您好 in Berlin.", "x"]
        for aggregation in ("none", "simple", "average"):
            expected = ask("tag", self.tags, [{"text": t, "aggregation": aggregation} for t in texts])
            got = self.call("/v1/tag", model="tags", input=texts, aggregation=aggregation)["data"]
            self.assertEqual(got, [dict(e, index=i) for i, e in enumerate(expected)])

    def test_what_is_refused_names_the_parameter(self):
        for path, body, param in (
                ("/v1/embeddings", {"input": "a", "dimensions": 0}, "dimensions"),
                ("/v1/embeddings", {"input": "a", "dimensions": 100000}, "dimensions"),
                ("/v1/embeddings", {"input": "a", "encoding_format": "hex"}, "encoding_format"),
                ("/v1/embeddings", {"input": "a", "whatever": 1}, "whatever"),
                ("/v1/embeddings", {"input": []}, "input"), ("/v1/embeddings", {"input": [1.5]}, "input"),
                ("/v1/embeddings", {"input": ["a"] * 33}, "input"), ("/v1/embeddings", {}, "input"),
                ("/v1/rerank", {"query": "a"}, "documents"), ("/v1/rerank", {"query": "a", "documents": [5]}, "documents"),
                ("/v1/rerank", {"documents": ["a"]}, "query"),
                ("/v1/rerank", {"query": "a", "documents": ["a"], "top_n": 0}, "top_n"),
                ("/v1/classify", {"input": [[1]]}, "input"), ("/v1/classify", {"input": "a", "overflow": "x"}, "overflow"),
                ("/v1/classify", {"input": "a", "max_length": -1}, "max_length")):
            model = "encoder" if path == "/v1/embeddings" else "bert"
            self.assertEqual(self.call(path, 400, model=model, **body)["error"]["param"], param, body)
        for path, model, body in (("/v1/embeddings", "gpt2", {"input": "a"}), ("/v1/tag", "bert", {"input": "a"}),
                                  ("/v1/classify", "tags", {"input": "a"})):
            self.assertEqual(self.call(path, 400, model=model, **body)["error"]["param"], "model")
        self.assertEqual(self.call("/v1/classify", 400, model="bert", input=TEXTS[3] * 9, overflow="error")["error"]["code"],
                         "context_length_exceeded")
        self.assertEqual(self.call("/v1/embeddings", 400, model="encoder", input="a", prompt_name="x")["error"]["code"],
                         "invalid_value")


if __name__ == "__main__":
    unittest.main()
