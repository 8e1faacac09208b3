"""What users write, for test_package.py: mypy --strict has nothing to say, and the types are those that assert_type names.
main() runs it all on the demo models.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import llmcs
from llmcs.dask import Embed, Progress, Report, map_partitions

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value: Any, _kind: Any) -> Any:
        return value


def encoders(folder: str) -> None:
    with llmcs.Model(folder, n_threads=1, weights="int8") as model:
        assert_type(model.classify("good"), Dict[str, float])
        assert_type(model.classify(["good", "bad"]), List[Dict[str, float]])
        assert_type(model.labels, List[str])
        best: List[str] = [max(scores, key=lambda label: scores[label]) for scores in model.classify(["good", ("a", "b")])]
        print(best, len(model.embed("red dress", pooling="mean")), model.info["vocab_size"])
        tokenizer: Optional[llmcs.Tokenizer] = model.tokenizer
        if tokenizer is not None:
            print(tokenizer.encode_full("good", max_length=8, truncation="longest_first").ids)


def decoders(folder: str) -> None:
    model = llmcs.Model(folder, n_threads=1)
    with model, model.session(n_ctx=128) as session, model.engine(max_batch=4) as engine:
        found = session.generate("User: hi\nBot:", max_new_tokens=3)
        assert_type(found, llmcs.Generated)
        assert_type(found.sequences, List[List[int]])
        pieces: List[str] = list(session.stream("User: hi\nBot:", max_new_tokens=3))
        with engine.submit("User: hi\nBot:", priority=1, max_new_tokens=3) as request:
            assert_type(request.wait(timeout=60.0), llmcs.Generated)
        texts = [g.text for g in engine.generate(["User: hi\nBot:"] * 2, max_new_tokens=3)]
        print(pieces, texts, engine.stats()["n_steps"])
        try:
            session.generate("x", max_new_tokens=10**9)
        except llmcs.ContextFullError as e:
            assert_type(e.status, str)


def vectors(model: llmcs.Model) -> Tuple[List[int], List[float]]:
    index = llmcs.Index(model.info["n_embedding"], type="int8", metric="cosine")
    index.put([1, 2], model.embed(["red dress", "blue jeans"]))
    found = index.search(model.embed("a red dress"), k=2)
    return [int(i) for i in found.ids], [float(s) for s in found.scores]


def spans(tagger: llmcs.Model, answerer: llmcs.Model) -> List[Tuple[str, str, float]]:
    answers = answerer.answer_spans([("Who?", "Anna")], top_k=2)
    assert_type(answers, List[List[llmcs.Span]])
    return [(s.label, s.text, s.score) for s in tagger.tag("Anna lives in Oslo", aggregation="simple")]


def pipelines(classifier: str, generator: str) -> List[str]:
    with llmcs.pipeline("sentiment-analysis", model=classifier, batch_size=8) as classify:
        labels: List[str] = [found["label"] for found in classify(["good", "bad"])]
    with llmcs.pipeline(model=generator, model_kwargs={"n_threads": 1}, max_new_tokens=3) as write:
        return labels + [write("User: hi\nBot:")[0]["generated_text"]]


def bulk(encoder: str, rows: str, out: str) -> int:
    def shown(progress: Progress) -> None:
        print(progress.n_done, progress.n_blocks)

    report = map_partitions(Embed(encoder, {"n_threads": 1}, truncate_dim=8), [rows], out, progress=shown)
    assert_type(report, Report)
    return report.n_rows - report.n_errors


async def tasks(classifier: str, generator: str) -> List[str]:
    async with await llmcs.Model.aopen(classifier, n_threads=1) as model:
        scores = await model.aclassify("good")
        assert_type(scores, Dict[str, float])
        both = await asyncio.gather(model.aclassify(["good", "bad"]), model.aembed("good"))
        assert_type(both[0], List[Dict[str, float]])
    pieces: List[str] = []
    gpt2 = llmcs.Model(generator, n_threads=1)
    async with gpt2.session() as session, gpt2.engine() as engine:
        async for piece in session.astream("User: hi\nBot:", max_new_tokens=3):
            pieces.append(piece)
        async for piece in engine.astream("User: hi\nBot:", priority=1, max_new_tokens=3):
            pieces.append(piece)
        assert_type(await engine.agenerate("User: hi\nBot:", max_new_tokens=3), llmcs.Generated)
        assert_type(await engine.agenerate(["User: hi\nBot:"], max_new_tokens=3), List[llmcs.Generated])
        async with engine.submit("User: hi\nBot:", max_new_tokens=3) as request:
            answer = await request
            assert_type(answer, llmcs.Generated)
            pieces.append(answer.text)
    return pieces


def main(classifier: str, generator: str, encoder: str) -> None:
    encoders(classifier)
    decoders(generator)
    print(pipelines(classifier, generator))
    print(asyncio.run(tasks(classifier, generator)))
    print(vectors(llmcs.Model(encoder, n_threads=1)))
    with tempfile.TemporaryDirectory() as folder:
        rows = os.path.join(folder, "rows.jsonl")
        with open(rows, "w", encoding="utf-8") as f:
            f.write('{"id": 1, "text": "red dress"}\n')
        print(bulk(encoder, rows, os.path.join(folder, "out")))


if __name__ == "__main__":
    main(*sys.argv[1:])
