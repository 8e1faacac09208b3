"""Files as blocks: byte ranges of JSON Lines that begin and end with whole lines, row groups of Parquet.

A block is found without reading what comes before it: a line belongs to the block that its first byte lies in. So a
file of any size is divided at once, and no row is in two blocks or in none.
"""

from __future__ import annotations

import importlib
import json
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

MAX_LINE_BYTES = 16 << 20  # a longer line becomes an error row
_READ_BYTES = 1 << 20


class Block(NamedTuple):
    """Rows of one file: bytes [begin, end) of JSON Lines, or row group `begin` of Parquet."""

    number: int
    path: str
    begin: int
    end: int

    @property
    def is_parquet(self) -> bool:
        return is_parquet(self.path)


class Row(NamedTuple):
    """A row as it was read. at: "FILE:OFFSET" (Parquet: "FILE:GROUP:ROW"), which names it where it has no id; problem:
    why there is no value."""

    at: str
    value: Any
    problem: Optional[Tuple[str, str]]  # status, message


def is_parquet(path: str) -> bool:
    return path.endswith((".parquet", ".pq"))


def blocks_of(paths: Sequence[str], block_bytes: int) -> List[Block]:
    """All blocks of the files, in order."""
    if block_bytes < 1:
        raise ValueError("block_bytes: %d is not positive" % block_bytes)
    found: List[Block] = []
    for path in paths:
        if path.endswith((".gz", ".bz2", ".xz", ".zst")):
            raise ValueError("%s: compressed files cannot be divided; unpack it first" % path)
        if is_parquet(path):
            ranges = [(i, i + 1) for i in range(_parquet(path).num_row_groups)]
        else:
            size = os.path.getsize(path)
            ranges = [(b, min(size, b + block_bytes)) for b in range(0, size, block_bytes)]
        found += [Block(len(found) + i, path, begin, end) for i, (begin, end) in enumerate(ranges)]
    return found


def _parquet(path: str) -> Any:
    try:
        return importlib.import_module("pyarrow.parquet").ParquetFile(path)
    except ImportError:
        raise ImportError("%s: Parquet needs pyarrow (pip install pyarrow), or give JSON Lines" % path) from None


def rows_of(block: Block, columns: Optional[Sequence[str]] = None) -> Iterator[Row]:
    """The block's rows in order, each once."""
    return _parquet_rows(block, columns) if block.is_parquet else _json_rows(block)


def _parquet_rows(block: Block, columns: Optional[Sequence[str]]) -> Iterator[Row]:
    file = _parquet(block.path)
    known = set(file.schema_arrow.names)
    wanted = None if columns is None else [name for name in columns if name in known]
    n = 0
    for batch in file.iter_batches(batch_size=1024, row_groups=[block.begin], columns=wanted):
        for value in batch.to_pylist():
            yield Row("%s:%d:%d" % (os.path.basename(block.path), block.begin, n), value, None)
            n += 1


def _json_rows(block: Block) -> Iterator[Row]:
    name = os.path.basename(block.path)
    for offset, line in _lines(block):
        at = "%s:%d" % (name, offset)
        if line is None:
            yield Row(at, None, ("LIMIT", "the line has more than %d bytes" % MAX_LINE_BYTES))
            continue
        try:
            yield Row(at, json.loads(line.decode("utf-8-sig" if offset == 0 else "utf-8")), None)
        except UnicodeDecodeError as e:
            yield Row(at, None, ("UTF8", "byte %d of the line is not UTF-8" % e.start))
        except (ValueError, RecursionError) as e:
            yield Row(at, None, ("JSON", str(e) if line.strip() else "the line is empty"))


def _lines(block: Block) -> Iterator[Tuple[int, Optional[bytes]]]:
    """(offset, line without its end) for each line that begins in the block; None for one that is too long."""
    with open(block.path, "rb") as file:
        at = block.begin
        if at > 0:  # the line that begins before the block is the block before's
            file.seek(at - 1)
            at += _skip_line(file) - 1
        while at < block.end:
            line = file.readline(MAX_LINE_BYTES + 2)
            if not line:
                return
            n = len(line)
            if not line.endswith(b"\n") and n > MAX_LINE_BYTES:
                n += _skip_line(file)
                yield at, None
            else:
                yield at, line.rstrip(b"\r\n")
            at += n


def _skip_line(file: Any) -> int:
    """How many bytes were left of the line."""
    n = 0
    while True:
        part = file.readline(_READ_BYTES)
        n += len(part)
        if not part or part.endswith(b"\n"):
            return n


def fields_of(row: Row, names: Sequence[str]) -> Dict[str, Any]:
    """Fields of a row by their names, "title.en" inside "title"; what it does not have is left out."""
    found: Dict[str, Any] = {}
    for name in names:
        value = row.value
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[name] = value
    return found
