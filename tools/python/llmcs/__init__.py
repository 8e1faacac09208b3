"""libllmcs from Python, through ctypes: needs only the shared library, no compiler and no other package.

    import llmcs
    model = llmcs.Model("path/to/gpt2")
    session = model.session()
    print(session.generate("Hello, I am", max_new_tokens=20).text)
    for piece in session.stream("Hello, I am", do_sample=True, seed=1): print(piece, end="")

    chat = llmcs.Chat("path/to/a chat model")               # its chat template
    print(session.chat(chat, [{"role": "user", "content": "Where is my parcel?"}]).text)

    model = llmcs.Model("path/to/bert")
    print(model.classify("What a lovely coat!"))        # {"positive": 0.99, "negative": 0.01}
    llmcs.pipeline("ner", model="path/to/ner", aggregation_strategy="simple")("Anna lives in Oslo")  # as in Transformers
    for s in ner.tag("Anna lives in Oslo"): print(s.label, s.text)                # a token-classification model
    print(qa.answer_span("Where does Anna live?", "Anna lives in Oslo")[0].text)  # a question-answering model
    vectors = model.embed(["red dress", "blue jeans"])  # a numpy array, or lists of floats without numpy

    with llmcs.Model("path/to/gpt2").engine() as engine:  # many requests at once, from any thread
        answers = engine.generate(prompts, max_new_tokens=20)

    async with model.engine() as engine:                # asyncio, also session.astream, await model.aclassify, ...
        async for piece in engine.astream("Hello, I am"): print(piece, end="")

    index = llmcs.Index(384)                            # the nearest of many vectors
    index.put(ids, vectors)
    ids, scores = index.search(model.embed("a red dress"), k=10)

Names and meanings are those of include/llmcs.h. Failures raise a subclass of llmcs.Error with the library's message and
status name; wrong types raise TypeError, wrong values ValueError, both with the argument's
name. One string is one text; several are a list, tuple, generator, numpy array or pandas Series.

For asyncio each call that computes has a version with a prefix a (aclassify, aembed, agenerate, astream, ...). It does not
block the event loop, and cancelling the task cancels the call or request.

Objects are freed with their last reference, by close() or by a with statement, after running calls of other threads
have ended. A session and a request serve one call at a time; everything else may be used from any thread (the
interpreter lock is released in calls). Ctrl-C ends a call early. After fork a child opens its own model (ForkError).

A Model, Tokenizer or Chat pickles as its path and options, and is opened again where it is unpickled.

Search order for the library: $LLMCS_LIBRARY, the wheel, build/lib of this source tree, the system's loader.
library_path() names the file in use. The library's log goes to the logging module's logger "llmcs".
"""

from ._chat import Chat, Rendered
from ._engine import Engine, Event, Request
from ._errors import (
    ArgumentError,
    BusyError,
    CancelledError,
    ContextFullError,
    DeadlineError,
    Error,
    FileError,
    ForkError,
    LimitError,
    MachineError,
    ModelError,
    NoHeadError,
    NoMemoryError,
    PendingError,
    QueueFullError,
    RetryError,
    StateError,
    TemplateError,
    TokenRangeError,
    UnsupportedError,
)
from ._generate import Generated
from ._grammar import Grammar
from ._index import Found, Index
from ._library import file_of as _file_of
from ._model import Model, merge, plan, plan_engine, quantize
from ._native import lib as _lib
from ._session import Choice, Score, Session
from ._spans import Span
from ._tokenizer import Decoder, Encoding, Tokenizer
from .pipelines import pipeline

__all__ = [
    "ArgumentError",
    "BusyError",
    "CancelledError",
    "Chat",
    "Choice",
    "ContextFullError",
    "DeadlineError",
    "Decoder",
    "Encoding",
    "Engine",
    "Error",
    "Event",
    "FileError",
    "ForkError",
    "Found",
    "Generated",
    "Grammar",
    "Index",
    "LimitError",
    "MachineError",
    "Model",
    "ModelError",
    "NoHeadError",
    "NoMemoryError",
    "PendingError",
    "QueueFullError",
    "Rendered",
    "Request",
    "RetryError",
    "Score",
    "Session",
    "Span",
    "StateError",
    "TemplateError",
    "TokenRangeError",
    "Tokenizer",
    "UnsupportedError",
    "library_path",
    "merge",
    "pipeline",
    "plan",
    "plan_engine",
    "quantize",
    "version",
]


def version() -> str:
    """The library's version."""
    return str(_lib.llmcs_version().decode())


def library_path() -> str:
    """The file of the shared library that is loaded."""
    return _file_of(_lib.llmcs_version)


__version__ = version()
