"""What the tests of the Python module share: the module itself, and the demo models."""

import os
import sys
import threading

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PACKAGE = os.path.join(ROOT, "tools", "python")
if not os.environ.get("LLMCS_INSTALLED"):  # test_package.py runs tests with the package that pip installed
    sys.path.insert(0, PACKAGE)
import llmcs  # noqa: E402,F401

GPT2 = os.path.join(ROOT, "examples", "models", "shop-gpt2")
BERT = os.path.join(ROOT, "examples", "models", "review-bert")
QUESTIONS = [
    "User: %s\nBot:" % q
    for q in (
        "Where is my order?",
        "什么时候发货？",
        "Can I return the shoes?",
        "Do you ship to Spain?",
        "这个可以退货吗？",
    )
]


def skip(test, reason):
    print("SKIPPED %s: %s" % (test.id(), reason), flush=True)  # run-tests.sh shows this line
    test.skipTest(reason)


def in_threads(n, function):
    """Calls function(i) in n threads at once and gives the results."""
    results = [None] * n

    def call(i):
        results[i] = function(i)

    threads = [threading.Thread(target=call, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results
