"""Evaluates blocks, each into a file of its own, here or on workers of Dask."""

from __future__ import annotations

import datetime
import decimal
import importlib
import itertools
import json
import os
import shutil
import sys
import time
import uuid
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .. import version
from .._errors import Error, MachineError
from ._blocks import Block, Row, blocks_of, fields_of, rows_of
from ._tasks import Call, Function, Task, Values, joined_text, opened

_MANIFEST, _TEMPORARY = "job.json", ".unfinished"
_LOOK_SECONDS = 2.0


class Fields(NamedTuple):
    """Which fields of a row are what. text: several are joined with a space; keep: copied to the answer."""

    text: Tuple[str, ...] = ("text",)
    id: str = "id"
    pair: Optional[str] = None
    keep: Tuple[str, ...] = ()
    whole: bool = False  # the task gets the row itself

    def columns(self) -> Optional[List[str]]:
        """Of Parquet, what must be read."""
        if self.whole:
            return None
        return sorted({name.split(".")[0] for name in (*self.text, self.id, *self.keep, *filter(None, [self.pair]))})


class Done(NamedTuple):
    """A block that has its file."""

    number: int
    n_rows: int
    n_errors: int
    n_bytes: int


class Report(NamedTuple):
    """What a job did. parts: the files, in the order of the rows."""

    n_rows: int
    n_errors: int
    n_bytes: int
    seconds: float
    parts: List[str]


class Progress(NamedTuple):
    """How far a job is."""

    n_done: int
    n_blocks: int
    n_rows: int
    n_errors: int
    seconds: float


# ---------------------------------------------------------------- a block


def part_name(number: int) -> str:
    return "part-%08d.jsonl" % number


def run_block(task: Task, block: Block, fields: Fields, out: str, batch_rows: int) -> Done:
    """Evaluates one block. Its file appears by a rename, whole or not at all: a second run of the same block, on another
    worker or after this one died, writes the same bytes under the same name."""
    final = os.path.join(out, part_name(block.number))
    if os.path.exists(final):
        return _counted(block.number, final)
    function = opened(task)
    folder = os.path.join(out, _TEMPORARY)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, "%s.%d.%s" % (part_name(block.number), os.getpid(), uuid.uuid4().hex))
    n_rows = n_errors = n_bytes = 0
    with open(temporary, "wb") as file:
        for batch in _batches(rows_of(block, fields.columns()), batch_rows):
            for line, is_error in _answered(function, batch, fields):
                n_rows, n_errors, n_bytes = n_rows + 1, n_errors + is_error, n_bytes + len(line)
                file.write(line)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, final)
    return Done(block.number, n_rows, n_errors, n_bytes)


def _counted(number: int, path: str) -> Done:
    """A file that is there already, of an earlier run or another worker."""
    n_rows = n_errors = n_bytes = 0
    with open(path, "rb") as file:
        for line in file:
            n_rows, n_bytes = n_rows + 1, n_bytes + len(line)
            n_errors += line.startswith(b'{"error":')
    return Done(number, n_rows, n_errors, n_bytes)


def _batches(rows: Iterator[Row], size: int) -> Iterator[List[Row]]:
    batch: List[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _answered(function: Function, batch: List[Row], fields: Fields) -> Iterator[Tuple[bytes, bool]]:
    """A line for each row: its answer, or its error."""
    inputs: List[Any] = [None] * len(batch)
    problems: List[Optional[Tuple[str, str]]] = [row.problem for row in batch]
    for i, row in enumerate(batch):
        if problems[i] is None:
            try:
                inputs[i] = _input(row, fields)
            except (KeyError, TypeError) as e:
                problems[i] = ("ARG", str(e.args[0]))
    good = [i for i in range(len(batch)) if problems[i] is None]
    answers = _evaluated(function, [inputs[i] for i in good])
    by_row = dict(zip(good, answers))
    for i, row in enumerate(batch):
        found = by_row.get(i)
        if isinstance(found, BaseException):
            problems[i] = _problem(found)
        yield _line(row, fields, None if problems[i] else found, problems[i])


def _input(row: Row, fields: Fields) -> Dict[str, Any]:
    if fields.whole:
        if not isinstance(row.value, dict):
            raise TypeError("expected a JSON object, found %s" % type(row.value).__name__)
        return dict(row.value)
    if isinstance(row.value, str):
        return {"text": row.value}
    if not isinstance(row.value, dict):
        raise TypeError("expected a JSON object or string, found %s" % type(row.value).__name__)
    value = {"text": joined_text(fields_of(row, fields.text), fields.text)}
    if fields.pair is not None:
        value["pair"] = joined_text(fields_of(row, [fields.pair]), [fields.pair])
    return value


def _evaluated(function: Function, values: Values) -> List[Any]:
    """An answer or an exception for each. Rows that fail together are tried in halves, so that a bad one spoils no other.
    What is the machine's fault (memory, threads) fails the block, which is then tried again."""
    if not values:
        return []
    try:
        return _same_number(function([dict(v) for v in values]), len(values))
    except (MachineError, MemoryError):
        raise
    except Exception as e:
        if len(values) == 1:
            return [e]
        half = len(values) // 2
        return _evaluated(function, values[:half]) + _evaluated(function, values[half:])


def _same_number(answers: Any, n: int) -> List[Any]:
    found: List[Any] = list(answers)
    if len(found) != n or not all(isinstance(a, dict) for a in found):
        raise TypeError("the function must return a dict for each of %d rows, it returned %d answers" % (n, len(found)))
    return found


def _problem(e: BaseException) -> Tuple[str, str]:
    return (e.status, e.message) if isinstance(e, Error) else (type(e).__name__, str(e))


def _line(row: Row, fields: Fields, answer: Any, problem: Optional[Tuple[str, str]]) -> Tuple[bytes, bool]:
    is_object = isinstance(row.value, dict)
    id = fields_of(row, [fields.id]).get(fields.id) if is_object else None
    kept = fields_of(row, fields.keep) if is_object and fields.keep else {}
    id = row.at if id is None else id
    if problem is None:
        try:
            return _json({"id": id, **kept, **{k: v for k, v in answer.items() if k != "id"}}), False
        except (TypeError, ValueError, RecursionError) as e:
            problem = ("JSON", "the answer is not JSON: %s" % e)
    error = {"status": problem[0], "message": problem[1], "at": row.at}
    try:
        return _json({"error": error, "id": id}), True
    except (TypeError, ValueError, RecursionError):  # NaN, bytes of Parquet
        return _json({"error": error, "id": row.at}), True


def _plain(value: Any) -> str:
    """Values of Parquet that JSON does not have."""
    if isinstance(value, (datetime.date, datetime.time)):  # datetime is a date
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    raise TypeError("a value is %s" % type(value).__name__)


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8", "backslashreplace") + b"\n"


# ---------------------------------------------------------------- a job


def map_partitions(
    task: Task,
    inputs: Sequence[str],
    out: str,
    client: Any = None,
    fields: Optional[Fields] = None,
    block_bytes: int = 16 << 20,
    batch_rows: int = 256,
    retries: int = 3,
    progress: Optional[Callable[[Progress], Any]] = None,
) -> Report:
    """Evaluates every row of the files: out/part-00000000.jsonl, ..., one for each block of about block_bytes (a row group
    of Parquet), with exactly one line for each row, in their order. A row that cannot be evaluated has a line {"error":
    {"status", "message", "at"}, "id"}. A row without an id is named by its file and offset.

    client: a distributed.Client, whose workers see the files and `out` under the same paths; None: this process. A block
    whose worker dies is evaluated by another one; one that fails is tried `retries` times. An `out` of the same job that
    was interrupted is continued; that of another job is refused. progress(Progress) is called after each block."""
    if batch_rows < 1:
        raise ValueError("batch_rows: %d is not positive" % batch_rows)
    fields = fields or (Fields(whole=True) if isinstance(task, Call) else Fields())
    paths = [os.path.abspath(path) for path in ([inputs] if isinstance(inputs, str) else inputs)]
    blocks = blocks_of(paths, block_bytes)
    out = os.path.abspath(out)
    _begin(out, {**_signature(task, paths, fields), "block_bytes": block_bytes})
    start = time.monotonic()
    done: Dict[int, Done] = {}
    n_errors = n_rows = 0
    for one in _all_done(client, task, blocks, fields, out, batch_rows, retries):
        done[one.number] = one
        n_rows, n_errors = n_rows + one.n_rows, n_errors + one.n_errors
        if progress is not None:
            progress(Progress(len(done), len(blocks), n_rows, n_errors, time.monotonic() - start))
    shutil.rmtree(os.path.join(out, _TEMPORARY), ignore_errors=True)  # what dead workers left
    parts = [os.path.join(out, part_name(b.number)) for b in blocks]
    return Report(n_rows, n_errors, sum(d.n_bytes for d in done.values()), time.monotonic() - start, parts)


def _all_done(
    client: Any, task: Task, blocks: List[Block], fields: Fields, out: str, batch_rows: int, retries: int
) -> Iterator[Done]:
    if client is None:
        for block in blocks:
            yield run_block(task, block, fields, out, batch_rows)
        return
    task = task.for_workers()
    as_completed = importlib.import_module("distributed").as_completed

    def submit(block: Block) -> Any:
        return client.submit(run_block, task, block, fields, out, batch_rows, retries=retries, pure=False)

    # Some blocks for each thread are with the scheduler at a time: it need not hold a job of a million blocks.
    waiting, window, looked = iter(blocks), 0, 0.0
    futures = as_completed()
    n_submitted = n_done = 0
    try:
        while n_done < len(blocks):
            if time.monotonic() - looked > _LOOK_SECONDS or not window:
                window, looked = 4 * max(1, sum(client.nthreads().values())), time.monotonic()  # workers come and go
            for block in itertools.islice(waiting, max(0, window - (n_submitted - n_done))):
                futures.add(submit(block))
                n_submitted += 1
            found = Done(*next(futures).result())
            n_done += 1
            yield found
    except BaseException:
        client.cancel(list(futures.futures), force=True)
        raise


def _signature(task: Task, paths: List[str], fields: Fields) -> Dict[str, Any]:
    """What the bytes of the answers depend on."""
    files = [[path, os.path.getsize(path)] for path in paths]
    described = json.loads(json.dumps(task.describe(), default=repr))
    return {"task": described, "files": files, "fields": fields._asdict(), "version": version()}


def _begin(out: str, signature: Dict[str, Any]) -> None:
    """Makes the folder, or finds that it is of the same job."""
    folder = os.path.join(out, _TEMPORARY)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(out, _MANIFEST)
    text = json.dumps(signature, ensure_ascii=False, indent=1, sort_keys=True)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() != text:
                raise ValueError("%s: holds the answers of another job (%s says which); give another folder" % (out, path))
        return
    others = [name for name in os.listdir(out) if name != _TEMPORARY]
    if others:
        raise ValueError("%s: is not empty (%s); give another folder" % (out, others[0]))
    temporary = os.path.join(folder, "%s.%s" % (_MANIFEST, uuid.uuid4().hex))
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def printed_progress(found: Progress) -> None:
    """A line on stderr, overwritten on a terminal; else about one in ten seconds."""
    rate = found.n_rows / max(found.seconds, 1e-9)
    left = found.seconds / found.n_done * (found.n_blocks - found.n_done)
    line = "%d of %d blocks, %d rows, %d errors, %.0f rows/s, %d s left" % (
        found.n_done, found.n_blocks, found.n_rows, found.n_errors, rate, left)  # fmt: skip
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K%s%s" % (line, "\n" if found.n_done == found.n_blocks else ""))
    elif found.n_done == found.n_blocks or int(found.seconds / 10) != _printed[0]:
        _printed[0] = int(found.seconds / 10)
        sys.stderr.write(line + "\n")
    sys.stderr.flush()


_printed = [-1]
