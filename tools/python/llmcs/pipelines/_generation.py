"""Pipelines that generate texts."""

from __future__ import annotations

import functools
import threading
from typing import Any, ClassVar, Dict, List, Optional, Tuple

from .._chat import Chat
from .._engine import Engine
from .._errors import CancelledError
from .._generate import NAMES, Generated, _unknown
from .._model import Model
from ._base import Pipeline, choose, limits, settings

_NO_EFFECT = ("pad_token_id", "use_cache")  # nothing is padded, and keys and values are always kept
_SIDES = frozenset(("hole",))
ENCODER_DECODERS = ("bart", "mbart", "marian", "t5", "mt5")


class GenerationPipeline(Pipeline):
    """What text-generation and text2text-generation share: an engine, which evaluates the inputs of a list together, and
    the parameters of Session.generate by Transformers' names."""

    head = "causal_lm"
    own: ClassVar[Tuple[str, ...]] = (
        *("clean_up_tokenization_spaces", "return_tensors", "return_text", "stop_sequence", "truncation", "max_length"),
    )

    def __init__(self, model: Model, task: str, batch_size: Optional[int] = None, **defaults: Any) -> None:
        self._lock = threading.Lock()
        self._engine: Optional[Engine] = None
        specific = self._specific(model, task)
        self.prefix = str(specific.pop("prefix", None) or "")
        super().__init__(model, task, batch_size, **{**specific, **defaults})

    def _specific(self, model: Model, task: str) -> Dict[str, Any]:
        """task_specific_params of config.json, and the prefix."""
        config = settings(model._source[0], "config.json")
        found = dict((config.get("task_specific_params") or {}).get(task) or {})
        found.setdefault("prefix", config.get("prefix"))
        return {n: v for n, v in found.items() if n == "prefix" or n in NAMES or n in self.own}

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_engine": None}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def _checked(self, given: Dict[str, Any]) -> Dict[str, Any]:
        for name in given:
            if name not in self.own and name not in NAMES and name not in _NO_EFFECT:
                raise TypeError("%s: %s" % (self.task, _unknown(name)))
        return given

    def _running(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self.model.engine()
            return self._engine

    def close(self) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
        super().close()

    def _params(self, how: Dict[str, Any]) -> Dict[str, Any]:
        """The parameters of generation among the arguments."""
        params = {n: v for n, v in how.items() if n in NAMES and n not in self.own}
        if how.get("max_length") is not None:
            params["max_length"] = how["max_length"]
            params["max_new_tokens"] = params.get("max_new_tokens") or 0  # which wins, if given
        if how.get("stop_sequence") is not None:
            ids = self.tokenizer.encode(how["stop_sequence"], add_special_tokens=False)
            params["eos_token_id"] = how["eos_token_id"] = self._stop_ids(ids)
        return params

    def _stop_ids(self, ids: List[int]) -> List[int]:
        return ids

    def _generated(self, sources: List[List[int]], params: List[Dict[str, Any]]) -> List[Generated]:
        engine = self._running()
        found = engine._generate([functools.partial(engine.submit_ids, i, **p) for i, p in zip(sources, params)])
        if any("cancelled" in g.finish_reasons for g in found):  # a result of a pipeline does not say that it was cut
            raise CancelledError("CANCELLED", "%s: the pipeline was closed, or the call cancelled" % self.task)
        return found

    def _decoded(self, ids: List[int], clean: bool) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=clean)

    def _ended(self, found: Generated, i: int, how: Dict[str, Any]) -> List[int]:
        """A sequence with the EOS token that ended it, where only one can have."""
        given = how.get("eos_token_id")
        eos = self.model.info["eos_token_id"] if given is None else given
        only = eos if isinstance(eos, int) else eos[0] if len(eos) == 1 else -1
        return found.sequences[i] + ([only] if found.finish_reasons[i] == "stop" and only >= 0 else [])


class TextGenerationPipeline(GenerationPipeline):
    """pipeline("text-generation"): [{"generated_text"}], one for each of num_return_sequences; of a prompt (str) or a
    conversation ([{"role", "content"}, ...], rendered by the folder's chat template, whose generated_text is the
    conversation with the answer). return_full_text (True), return_tensors (token ids instead), prefix,
    clean_up_tokenization_spaces, stop_sequence, truncation, handle_long_generation="hole", continue_final_message, and
    parameters of generation. Sampled texts are those of `seed`, not of torch's generator."""

    own = (
        *GenerationPipeline.own,
        *("return_full_text", "return_type", "prefix", "handle_long_generation", "continue_final_message"),
        *("add_special_tokens", "padding"),
    )

    def __init__(self, model: Model, task: str, batch_size: Optional[int] = None, **defaults: Any) -> None:
        super().__init__(model, task, batch_size, **defaults)
        self._chat: Optional[Chat] = None

    def _is_single(self, inputs: Any) -> bool:
        if isinstance(inputs, (list, tuple)) and inputs and isinstance(inputs[0], dict):
            return True  # a conversation
        return super()._is_single(inputs)

    def _checked(self, given: Dict[str, Any]) -> Dict[str, Any]:
        for a, b in (("return_text", "return_full_text"), ("return_full_text", "return_tensors"),
                     ("return_text", "return_tensors")):  # fmt: skip
            if given.get(a) is not None and given.get(b) is not None:
                raise ValueError("%s: %s and %s exclude each other" % (self.task, a, b))
        if given.get("handle_long_generation") is not None:
            choose("handle_long_generation", given["handle_long_generation"], _SIDES)
        return super()._checked(given)

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        params = self._params(how)
        prompts = [self._prompt(item, how, params) for item in inputs]
        found = self._generated(prompts, [params] * len(prompts))
        return [self._records(*one, how) for one in zip(inputs, prompts, found)]

    def _prompt(self, item: Any, how: Dict[str, Any], params: Dict[str, Any]) -> List[int]:
        if isinstance(item, str):
            cut = limits(self.task, how)
            rules: Dict[str, Any] = {}
            if cut["overflow"] == "truncate":
                longest = cut.get("max_length") or self._longest()
                rules.update(truncation="longest_first", max_length=longest)
            ids = self.tokenizer.encode(
                (how.get("prefix") or self.prefix) + item,
                add_special_tokens=how.get("add_special_tokens", True),
                **rules,
            )
        else:
            ids = self._conversation(item, how)
        if how.get("handle_long_generation") == "hole":
            n_new = params.get("max_new_tokens") or params.get("max_length", 0) - len(ids)
            if n_new <= 0:
                raise ValueError("%s: handle_long_generation needs max_new_tokens" % self.task)
            kept = self._longest() - n_new
            if kept <= 0:
                raise ValueError("%s: max_new_tokens: %d new tokens leave nothing of the prompt" % (self.task, n_new))
            ids = ids[-kept:]
        return list(ids)

    def _longest(self) -> int:
        limit = self._setting("tokenizer_config.json", "model_max_length", self.model.info["n_ctx"])
        return int(min(limit, self.model.info["n_ctx"]))

    def _continues(self, messages: Any, how: Dict[str, Any]) -> bool:
        given = how.get("continue_final_message")
        return bool(messages[-1]["role"] == "assistant" if given is None else given)

    def _conversation(self, messages: Any, how: Dict[str, Any]) -> List[int]:
        if not isinstance(messages, (list, tuple)) or not messages:
            raise TypeError("%s: expected str or a conversation, got %.60r" % (self.task, messages))
        for m in messages:
            if not isinstance(m, dict) or "role" not in m or "content" not in m:
                raise ValueError("%s: a message needs role and content, got %.60r" % (self.task, m))
        with self._lock:
            if self._chat is None:
                self._chat = Chat(self.model._source[0])
        continues = self._continues(messages, how)
        return self._chat.encode(
            self.tokenizer, list(messages), add_generation_prompt=not continues, continue_final_message=continues
        )

    def _records(self, item: Any, prompt: List[int], found: Generated, how: Dict[str, Any]) -> List[Dict[str, Any]]:
        records: List[Dict[str, Any]] = []
        clean = bool(how.get("clean_up_tokenization_spaces", True))
        n = len(self._decoded(prompt, clean))
        for i, ids in enumerate(found.sequences):
            if how.get("return_tensors") is not None or how.get("return_type") == 0:
                records.append({"generated_token_ids": prompt + self._ended(found, i, how)})
                continue
            text: Any = self._decoded(prompt + ids, clean)[n:]
            if how.get("return_full_text") is not False and how.get("return_type") != 1:
                if isinstance(item, str):
                    text = item + text
                elif self._continues(item, how):
                    text = [*item[:-1], {"role": item[-1]["role"], "content": item[-1]["content"] + text}]
                else:
                    text = [*item, {"role": "assistant", "content": text}]
            records.append({"generated_text": text})
        return records


class Text2TextGenerationPipeline(GenerationPipeline):
    """pipeline("text2text-generation") with an encoder-decoder: [{"generated_text"}] of a source; of a list of sources
    one dict each, if each has one. return_tensors, clean_up_tokenization_spaces, truncation, stop_sequence, and
    parameters of generation."""

    name = "generated"

    def __init__(self, model: Model, task: str, batch_size: Optional[int] = None, **defaults: Any) -> None:
        if model.info["model_type"] not in ENCODER_DECODERS:
            raise ValueError("%s: %s is no encoder-decoder; use text-generation" % (task, model))
        super().__init__(model, task, batch_size, **defaults)

    def __call__(self, inputs: Any, **how: Any) -> Any:
        found = super().__call__(inputs, **how)
        if isinstance(inputs, (list, tuple)) and all(len(records) == 1 for records in found):
            return [records[0] for records in found]
        return found

    def _stop_ids(self, ids: List[int]) -> List[int]:
        return ids[:1]

    def _languages(self, how: Dict[str, Any], params: Dict[str, Any]) -> Dict[str, Any]:
        """What encode() needs of them."""
        return {}

    def _many(self, inputs: List[Any], how: Dict[str, Any]) -> List[Any]:
        params, cut = self._params(how), limits(self.task, how)
        rules = self._languages(how, params)
        if cut["overflow"] == "truncate":
            limit = self._setting("tokenizer_config.json", "model_max_length", self.model.info["n_ctx"])
            rules.update(truncation="longest_first", max_length=int(min(limit, self.model.info["n_ctx"])))
        sources = [self.tokenizer.encode(self.prefix + self._text(item), **rules) for item in inputs]
        found = self._generated(sources, [params] * len(sources))
        return [self._records(g, how) for g in found]

    def _text(self, item: Any) -> str:
        if not isinstance(item, str):
            raise TypeError("%s: expected str, got %s" % (self.task, type(item).__name__))
        return item

    def _start(self) -> List[int]:
        """The decoder's first token."""
        for file in ("generation_config.json", "config.json"):
            for name in ("decoder_start_token_id", "bos_token_id"):
                if self._setting(file, name) is not None:
                    return [int(self._setting(file, name))]
        return []

    def _records(self, found: Generated, how: Dict[str, Any]) -> List[Dict[str, Any]]:
        clean = bool(how.get("clean_up_tokenization_spaces", False))
        start = self._start()
        if how.get("return_tensors"):
            return [{self.name + "_token_ids": start + self._ended(found, i, how)} for i in range(len(found.sequences))]
        return [{self.name + "_text": self._decoded(start + ids, clean)} for ids in found.sequences]


class SummarizationPipeline(Text2TextGenerationPipeline):
    """pipeline("summarization"): the same with the key "summary_text"."""

    name = "summary"


class TranslationPipeline(Text2TextGenerationPipeline):
    """pipeline("translation") or "translation_xx_to_yy": the same with the key "translation_text". src_lang and
    tgt_lang: the tokenizer's codes ("en_XX"), which mBART needs; models of one pair ignore them."""

    name = "translation"
    own = (*GenerationPipeline.own, "src_lang", "tgt_lang")

    def _specific(self, model: Model, task: str) -> Dict[str, Any]:
        found = super()._specific(model, task)
        parts = task.split("_")
        if len(parts) == 4:
            found.update(src_lang=parts[1], tgt_lang=parts[3])
        return found

    def _languages(self, how: Dict[str, Any], params: Dict[str, Any]) -> Dict[str, Any]:
        if self.model.info["model_type"] != "mbart":
            return {}
        source, target = how.get("src_lang"), how.get("tgt_lang")
        if source is None or target is None:
            raise ValueError("%s: this model needs src_lang and tgt_lang, for example %s" % (self.task, self._some()))
        known = self.tokenizer.languages
        for name, code in (("src_lang", source), ("tgt_lang", target)):
            if code not in known:
                raise ValueError("%s: %s: %r is not a language of the model; there are %s" % (self.task, name, code, self._some()))
        params["forced_bos_token_id"] = [known[target]]
        if "decoder_input_ids" not in params:
            params["decoder_input_ids"] = self._start()  # which mBART-25 leaves to the caller
        return {"source_lang": source}

    def _some(self) -> str:
        return ", ".join(sorted(self.tokenizer.languages)[:8])
