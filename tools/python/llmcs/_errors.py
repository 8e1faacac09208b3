"""Exceptions for the library's statuses: one class per group of llmcs_status, and one for each status that programs
often handle separately."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple, Type

from ._native import STATUS, lib


class Error(Exception):
    """A call failed. .status is the name of its llmcs_status ("CONFIG", "CONTEXT_FULL", ...), .message the
    library's message."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__("%s: %s" % (status, message))
        self.status = status
        self.message = message

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.status, self.message)


class RetryError(Error):
    """The call can be repeated: BUSY, QUEUE_FULL, PENDING, BUFFER, CANCELLED, DEADLINE."""


class BusyError(RetryError):
    """The session is in another call."""


class QueueFullError(RetryError):
    """The engine has max_queue requests waiting."""


class CancelledError(RetryError):
    """The call was cancelled before it had a result."""


class DeadlineError(RetryError):
    """deadline_ms passed before there was a result."""


class PendingError(RetryError, TimeoutError):
    """Not finished within the timeout."""


class ArgumentError(Error, ValueError):
    """The call has to change: ARG, STATE, NO_HEAD, UTF8, TOKEN_RANGE, CONTEXT_FULL, LIMIT, TEMPLATE."""


class StateError(ArgumentError):
    """The object is closed, or not ready for this call."""


class NoHeadError(ArgumentError):
    """The model cannot do this task."""


class TokenRangeError(ArgumentError):
    """A token id outside the vocabulary."""


class ContextFullError(ArgumentError):
    """More tokens than fit."""


class LimitError(ArgumentError):
    """Above a documented bound."""


class TemplateError(ArgumentError):
    """A chat template refuses the conversation, or fails."""


class ModelError(Error):
    """The model's files: IO, FORMAT, JSON, CONFIG, TOKENIZER, UNSUPPORTED, CHANGED, NUMERIC."""


class FileError(ModelError):
    """A file could not be opened, read or written, or changed meanwhile: IO, CHANGED."""


class UnsupportedError(ModelError):
    """Valid, but not supported by this library."""


class MachineError(Error):
    """NOMEM, NOSPACE, THREAD, FORK, INTERNAL."""


class NoMemoryError(MachineError, MemoryError):
    """The allocator returned NULL."""


class ForkError(MachineError):
    """The object belongs to the parent process; open the model again after fork."""


_CLASSES: Dict[str, Type[Error]] = {
    "BUSY": BusyError,
    "QUEUE_FULL": QueueFullError,
    "PENDING": PendingError,
    "BUFFER": RetryError,
    "CANCELLED": CancelledError,
    "DEADLINE": DeadlineError,
    "ARG": ArgumentError,
    "STATE": StateError,
    "NO_HEAD": NoHeadError,
    "UTF8": ArgumentError,
    "TOKEN_RANGE": TokenRangeError,
    "CONTEXT_FULL": ContextFullError,
    "LIMIT": LimitError,
    "TEMPLATE": TemplateError,
    "IO": FileError,
    "CHANGED": FileError,
    "FORMAT": ModelError,
    "JSON": ModelError,
    "CONFIG": ModelError,
    "TOKENIZER": ModelError,
    "UNSUPPORTED": UnsupportedError,
    "NUMERIC": ModelError,
    "NOMEM": NoMemoryError,
    "NOSPACE": MachineError,
    "THREAD": MachineError,
    "FORK": ForkError,
    "INTERNAL": MachineError,
}


def error(status: str, message: str) -> Error:
    return _CLASSES.get(status, Error)(status, message)


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function that returns llmcs_status; its failure is raised. The message belongs to the thread, so both
    happen here."""
    status = function(*arguments)
    if status:
        name = STATUS.get(status) or lib.llmcs_status_name(status).decode()
        raise error(name, lib.llmcs_error_message().decode("utf-8", "replace"))
