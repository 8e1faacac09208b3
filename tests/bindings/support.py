"""What the tests of the Node, Go and Rust packages share: tools that may be missing, a store, and what calls must give.

What they must give comes from the Python module, whose own tests compare it with Transformers and with the C calls.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
LIBRARY = os.path.abspath(os.environ.get("LLMCS_LIBRARY", os.path.join(ROOT, "build", "lib", "libllmcs.so")))
LIB = os.path.dirname(LIBRARY)
BUILD = os.path.dirname(LIB)
os.environ["LLMCS_LIBRARY"] = LIBRARY
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import llmcs  # noqa: E402

PROMPT = "User: Where is my order?\nBot:"
REVIEWS = ["质量很好，穿着舒服", "The zip broke after two days.", "ok"]


def skip(test, reason):
    print("SKIPPED %s: %s" % (test.id(), reason), flush=True)  # run-tests.sh shows this line
    test.skipTest(reason)


def run(command, timeout=300, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **more)


def prepare(test_class):
    """A temporary folder for the class with a store, shop.db, and expected.json, which names what tests need."""
    folder = tempfile.TemporaryDirectory()
    test_class.addClassCleanup(folder.cleanup)
    store = os.path.join(folder.name, "shop.db")
    script = os.path.join(ROOT, "examples", "shop", "import.sh")
    done = run(["sh", script, store], env={**os.environ, "BUILD": BUILD}, cwd=ROOT)
    if done.returncode:
        raise RuntimeError("import.sh: " + done.stderr)
    gpt2, bert, encoder = (os.path.join(ROOT, "examples", "models", n) for n in ("shop-gpt2", "review-bert", "shop-encoder"))
    with llmcs.Model(gpt2) as model, model.session() as session:
        text = session.generate(PROMPT, max_new_tokens=24, eos_token_id=[]).text
        ids = [int(i) for i in model.tokenizer.encode(PROMPT)]
    with llmcs.Model(bert) as model:
        best = [max(found.items(), key=lambda pair: pair[1]) for found in model.classify(REVIEWS)]
        classes = [{"label": label, "score": score} for label, score in best]
        ranks = [float(s) for s in model.rerank("good?", REVIEWS)]
    with llmcs.Model(encoder) as model:
        vectors = [[float(x) for x in v] for v in model.embed(["red dress", "红色连衣裙"])]
    expected = {
        "gpt2": gpt2,
        "bert": bert,
        "encoder": encoder,
        "tiny": os.path.join(ROOT, "tests", "data", "golden", "bert-cls"),
        "store": store,
        "prompt": PROMPT,
        "text": text,
        "ids": ids,
        "reviews": REVIEWS,
        "classes": classes,
        "ranks": ranks,
        "vectors": vectors,
    }
    path = os.path.join(folder.name, "expected.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(expected, f)
    return folder.name, path
