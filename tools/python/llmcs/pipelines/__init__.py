"""Transformers' pipelines, by their names, with their arguments and the shapes of their results (version 4.51):

    classify = llmcs.pipeline("sentiment-analysis", model="path/to/review-bert")
    classify(["What a lovely coat!", "It broke."])              # [{"label": "positive", "score": 0.99}, ...]
    write = llmcs.pipeline("text-generation", model="path/to/qwen", max_new_tokens=80)
    write([{"role": "user", "content": "Where is my parcel?"}])  # a conversation; or a str, or a list of either
    for found in llmcs.pipeline("ner", model="path/to/ner", aggregation_strategy="simple")(texts()): ...

Arguments of a task go to pipeline() or to the call, which has the last word. A list is evaluated together; a generator is
read as its results are. Unknown arguments are refused by name. There is no device: all of it computes on the CPU, with
the model's threads (model_kwargs={"n_threads": 4, "weights": "int8"}).
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Type, Union

from .._inputs import PathInput, joined
from .._model import Model
from ._base import Pipeline, settings
from ._generation import (
    ENCODER_DECODERS,
    SummarizationPipeline,
    Text2TextGenerationPipeline,
    TextGenerationPipeline,
    TranslationPipeline,
)
from ._spans import QuestionAnsweringPipeline, TokenClassificationPipeline
from ._texts import (
    FeatureExtractionPipeline,
    FillMaskPipeline,
    TextClassificationPipeline,
    ZeroShotClassificationPipeline,
)

__all__ = [
    "FeatureExtractionPipeline",
    "FillMaskPipeline",
    "Pipeline",
    "QuestionAnsweringPipeline",
    "SummarizationPipeline",
    "Text2TextGenerationPipeline",
    "TextClassificationPipeline",
    "TextGenerationPipeline",
    "TokenClassificationPipeline",
    "TranslationPipeline",
    "ZeroShotClassificationPipeline",
    "pipeline",
]

TASKS: Dict[str, Type[Pipeline]] = {
    "feature-extraction": FeatureExtractionPipeline,
    "fill-mask": FillMaskPipeline,
    "question-answering": QuestionAnsweringPipeline,
    "summarization": SummarizationPipeline,
    "text-classification": TextClassificationPipeline,
    "text-generation": TextGenerationPipeline,
    "text2text-generation": Text2TextGenerationPipeline,
    "token-classification": TokenClassificationPipeline,
    "translation": TranslationPipeline,
    "zero-shot-classification": ZeroShotClassificationPipeline,
}
ALIASES = {"sentiment-analysis": "text-classification", "ner": "token-classification"}
_CPU = (None, -1, "cpu")


def pipeline(
    task: Optional[str] = None,
    model: Union[None, PathInput, Model] = None,
    tokenizer: Optional[PathInput] = None,
    device: Any = None,
    batch_size: Optional[int] = None,
    num_workers: Optional[int] = None,
    model_kwargs: Optional[Dict[str, Any]] = None,
    **arguments: Any,
) -> Pipeline:
    """A Pipeline for a task, or without one for what the model's head is for. model: a folder, a GGUF file or an open
    Model; model_kwargs: options for Model (n_threads, weights, ...); tokenizer: only the model's own folder; num_workers
    has no effect; device: None, -1 or "cpu"; the rest are the task's own arguments."""
    if model is None:
        raise ValueError("model: a folder or an open llmcs.Model is needed; nothing is downloaded")
    if getattr(device, "type", device) not in _CPU:
        raise ValueError("device: %r: this library computes on the CPU; leave it out" % (device,))
    if task is not None:
        kind = _kind(task)
    opened = not isinstance(model, Model)
    instance = Model(model, **(model_kwargs or {})) if not isinstance(model, Model) else model
    try:
        if not opened and model_kwargs:
            raise ValueError("model_kwargs: the model is open already")
        if tokenizer is not None and not _same(tokenizer, instance):
            raise ValueError("tokenizer: it comes from the model's own folder; leave it out")
        if task is None:
            task = _task_of(instance)
            kind = _kind(task)
        if task == "translation":
            task = _translation(instance)
        made = kind(instance, task, batch_size, **arguments)
    except BaseException:
        if opened:
            instance.close()
        raise
    made._owns_model = opened
    return made


def _same(tokenizer: Any, model: Model) -> bool:
    return isinstance(tokenizer, (str, bytes, os.PathLike)) and os.path.abspath(os.fsdecode(tokenizer)) == model._source[0]


def _kind(task: Any) -> Type[Pipeline]:
    parts = task.split("_") if isinstance(task, str) else []
    if len(parts) == 4 and parts[0] == "translation" and parts[2] == "to":
        return TranslationPipeline
    name = ALIASES.get(task, task)
    if name not in TASKS:
        raise KeyError("unknown task %r; there are %s" % (task, joined((*TASKS, *ALIASES, "translation_xx_to_yy"))))
    return TASKS[name]


def _translation(model: Model) -> str:
    """The folder's own translation task, where config.json names one (T5)."""
    specific = settings(model._source[0], "config.json").get("task_specific_params") or {}
    return next((str(name) for name in specific if name.startswith("translation")), "translation")


def _task_of(model: Model) -> str:
    heads = model.heads
    for head, task in (
        ("classification", "text-classification"),
        ("token_classification", "token-classification"),
        ("question_answering", "question-answering"),
        ("masked_lm", "fill-mask"),
        ("causal_lm", "text2text-generation" if model.info["model_type"] in ENCODER_DECODERS else "text-generation"),
        ("embedding", "feature-extraction"),
    ):
        if head in heads:
            return task
    raise ValueError("task: %s has no head that a pipeline needs" % model)
