"""Chat templates: conversations as the prompts that models were trained with."""

from __future__ import annotations

import ctypes as c
import json
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from ._errors import call
from ._handles import Handle
from ._inputs import PathInput, absolute, c_string, items, path, utf8
from ._native import NUL, ChatMessage, ChatOptions, ChatParams, ChatPrompt, i32, initialised, lib, size
from ._tokenizer import Tokenizer

Messages = List[Dict[str, Any]]


class Rendered(NamedTuple):
    """A rendered conversation. is_template[i] is 1 where byte i of the UTF-8 text is the template's own, 0 where it came
    from a message or another variable and can never become a control token."""

    text: str
    is_template: bytes


def _json(name: str, value: Any) -> bytes:
    try:
        return c_string(name, json.dumps(value, ensure_ascii=False))
    except (TypeError, RecursionError) as e:
        raise TypeError("%s: not JSON: %s" % (name, e)) from None


class Chat(Handle):
    """Chat(folder or GGUF file): its chat template. Any thread may use it.

    template_name chooses one of several; without it calls with tools get "tool_use", others "default"."""

    _free = lib.llmcs_chat_free
    _survives_fork = True

    def __init__(self, folder: PathInput, template_name: Optional[str] = None) -> None:
        super().__init__()
        options = initialised(ChatOptions)
        if template_name is not None:
            options.template_name = c_string("template_name", template_name)
        encoded = path("folder", folder)
        self._reopen: Tuple[Any, ...] = (type(self), (absolute(encoded), template_name))
        call(lib.llmcs_chat_open, encoded, c.byref(options), c.byref(self._pointer))

    def __reduce_ex__(self, _protocol: Any) -> Any:
        """Pickles as its folder and the template's name, or as its text."""
        return self._reopen

    @classmethod
    def from_text(cls, source: str, name: str = "chat template") -> "Chat":
        """A template from its text; name is what errors call it. Special tokens are passed as variables."""
        self = cls.__new__(cls)
        Handle.__init__(self)
        self._reopen = (cls.from_text, (source, name))
        encoded = utf8("source", source)
        call(lib.llmcs_chat_open_text, encoded, len(encoded), c_string("name", name), None, c.byref(self._pointer))
        return self

    def render(
        self,
        messages: Optional[Messages] = None,
        tools: Optional[List[Any]] = None,
        documents: Optional[List[Any]] = None,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        now: Optional[str] = None,
        **variables: Any,
    ) -> Rendered:
        """The text of Transformers' apply_chat_template(tokenize=False). now: what strftime_now calls now
        ("2026-03-05T14:07:09"); variables: what else the template reads. Without messages it gets the variables only."""
        params, _kept = _params(messages, tools, documents, add_generation_prompt, continue_final_message, now, variables)
        prompt = self._render(params)
        try:
            return _rendered(prompt)
        finally:
            lib.llmcs_chat_prompt_free(c.byref(prompt))

    def _render(self, params: Any) -> Any:
        prompt = c.POINTER(ChatPrompt)()
        with self._using() as h:
            call(lib.llmcs_chat_render, h, c.byref(params), c.byref(prompt))
        return prompt

    def encode(
        self,
        tokenizer: Tokenizer,
        messages: Optional[Messages] = None,
        tools: Optional[List[Any]] = None,
        documents: Optional[List[Any]] = None,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        now: Optional[str] = None,
        **variables: Any,
    ) -> List[int]:
        """The token ids of apply_chat_template(tokenize=True); text of messages never becomes a control token."""
        params, _kept = _params(messages, tools, documents, add_generation_prompt, continue_final_message, now, variables)
        prompt, n = self._render(params), size()
        try:
            with self._using() as h, tokenizer._using() as t:
                call(lib.llmcs_chat_encode, h, t, prompt, None, 0, c.byref(n))
                ids = (i32 * n.value)()
                call(lib.llmcs_chat_encode, h, t, prompt, ids, n.value, c.byref(n))
            return list(ids)
        finally:
            lib.llmcs_chat_prompt_free(c.byref(prompt))


def _rendered(prompt: Any) -> Rendered:
    n = prompt.contents.text_bytes
    return Rendered(
        c.string_at(prompt.contents.text, n).decode("utf-8"), c.string_at(prompt.contents.is_template, n)
    )


def _params(
    messages: Optional[Messages],
    tools: Optional[List[Any]],
    documents: Optional[List[Any]],
    add_generation_prompt: bool,
    continue_final_message: bool,
    now: Optional[str],
    variables: Dict[str, Any],
) -> Tuple[Any, Union[Any, None]]:
    """The C struct, and what it points to."""
    params, array = initialised(ChatParams), None
    if messages is not None:
        encoded = [_json("messages[%d]" % i, m) for i, m in enumerate(items("messages", messages))]
        array = (ChatMessage * max(1, len(encoded)))(*[ChatMessage(None, None, 0, m, NUL) for m in encoded])
        params.messages, params.n_messages = array, len(encoded)
    params.tools = None if tools is None else _json("tools", tools)
    params.documents = None if documents is None else _json("documents", documents)
    params.variables = _json("variables", variables) if variables else None
    params.add_generation_prompt = int(bool(add_generation_prompt) and not continue_final_message)
    params.continue_final_message = int(bool(continue_final_message))
    params.now = None if now is None else c_string("now", now)
    return params, array
