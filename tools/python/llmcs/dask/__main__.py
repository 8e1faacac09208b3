"""python3 -m llmcs.dask: rows of files of any size, evaluated by one process, by several here, or by workers of Dask."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
import tempfile
from typing import Any, Dict, Iterator, List, Optional

from .._errors import Error
from . import Call, Classify, Embed, Fields, Tag, Task, map_partitions, printed_progress
from ._rates import print_rates

_SHOP = {"mask": "Mask", "moderate": "Moderate"}  # of llmcs_shop.bulk
_UNITS = {"k": 10, "m": 20, "g": 30}


def _bytes(text: str) -> int:
    unit = _UNITS.get(text[-1:].lower())
    try:
        value = int(text if unit is None else text[:-1]) << (unit or 0)
    except ValueError:
        raise argparse.ArgumentTypeError("%r is not a number of bytes such as 65536, 512k or 16m" % text) from None
    if value < 1:
        raise argparse.ArgumentTypeError("%r is not positive" % text)
    return value


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("%r is not a number of 1 or more" % text)
    return int(text)


def _names(text: str) -> List[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _setting(text: str) -> Any:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("%r is not NAME=VALUE" % text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m llmcs.dask", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in (
        ("embed", "a vector for each row"),
        ("classify", "label, score and scores"),
        ("tag", "names, places, products: spans"),
        ("mask", "personal data replaced (libllmcs_shop)"),
        ("moderate", "whether a text may pass, and why not (libllmcs_shop)"),
        ("call", "any function: MODULE:FUNCTION gets a list of rows and returns as many dicts"),
    ):
        p = commands.add_parser(name, help=what, description=what)
        if name == "call":
            p.add_argument("function", metavar="MODULE:FUNCTION")
            p.add_argument("--opens", action="store_true", help="it makes the function, once in each worker")
        elif name not in _SHOP:
            p.add_argument("model", metavar="MODEL", help="a folder or GGUF file, under this path on each worker")
            p.add_argument("--weights", default="auto", help="how weights are kept: auto, f32, f16, bf16, int8, int4")
        if name not in ("call", "mask"):
            p.add_argument("--threads", type=int, help="of the model in each worker [1; without workers all]")
        p.add_argument("inputs", nargs="+", metavar="IN", help="JSON Lines, or Parquet (*.parquet; needs pyarrow)")
        p.add_argument("--out", required=True, metavar="DIR", help="part-*.jsonl, to which an interrupted job returns")
        where = p.add_mutually_exclusive_group()
        where.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask, such as tcp://10.0.0.1:8786")
        where.add_argument("--workers", type=_positive, metavar="N", help="processes on this machine, by Dask [this process]")
        p.add_argument("--text-field", default="text", metavar="NAMES", help="such as title.en,description.en [text]")
        p.add_argument("--pair-field", metavar="NAME", help="the second text of a pair")
        p.add_argument("--id-field", default="id", metavar="NAME", help="kept as id [id]")
        p.add_argument("--keep", default="", metavar="NAMES", help="fields to copy to the answers")
        p.add_argument("--block-bytes", type=_bytes, default=16 << 20, metavar="N", help="of a part of a file [16m]")
        p.add_argument("--batch-rows", type=_positive, default=256, metavar="N", help="evaluated together [256]")
        p.add_argument("--retries", type=int, default=3, metavar="N", help="of a block that fails [3]")
        p.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="an argument of the "
                       "task: prompt_name=query, truncate_dim=128, vectors=base64, aggregation=simple, tagger=FILE, ...")  # fmt: skip
        p.add_argument("--quiet", action="store_true", help="no progress on stderr")
    p = commands.add_parser("rates", help="what an encoder costs here, and sizes and hours for many rows")
    p.add_argument("model", metavar="MODEL")
    p.add_argument("--texts", metavar="FILE", help="JSON Lines with a sample of the texts [sentences of this command]")
    p.add_argument("--text-field", default="text", metavar="NAMES")
    p.add_argument("--weights", default="int8")
    p.add_argument("--rows", default="10000000,1000000000", metavar="NUMBERS")
    p.add_argument("--cores", type=int, default=16, metavar="N", help="of a machine on paper [16]")
    p.add_argument("--hours", type=float, default=8.0, metavar="X", help="in which it shall be done [8]")
    p.add_argument("--seconds", type=float, default=5.0, metavar="X", help="to measure for [5]")
    return parser


def _task(options: argparse.Namespace) -> Task:
    settings: Dict[str, Any] = dict(options.set)
    if options.command == "call":
        return Call(options.function, opens=options.opens)
    threads = {} if getattr(options, "threads", None) is None else {"n_threads": options.threads}
    if options.command in _SHOP:
        settings.update(threads)
        made: Task = getattr(importlib.import_module("llmcs_shop.bulk"), _SHOP[options.command])(**settings)
        return made
    kind: Any = {"embed": Embed, "classify": Classify, "tag": Tag}[options.command]
    of_model: Task = kind(os.path.abspath(options.model), {"weights": options.weights, **threads}, **settings)
    return of_model


@contextlib.contextmanager
def _client(options: argparse.Namespace) -> Iterator[Optional[Any]]:
    if options.scheduler is None and not options.workers:
        yield None
        return
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise SystemExit("llmcs.dask: Dask is missing: apt install python3-distributed, or pip install distributed") from None
    if options.scheduler is not None:
        with distributed.Client(options.scheduler) as client:
            client.wait_for_workers(1, timeout=60)
            yield client
        return
    with tempfile.TemporaryDirectory() as folder, distributed.LocalCluster(
        n_workers=options.workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, local_directory=folder
    ) as cluster, distributed.Client(cluster) as client:
        yield client


def main(arguments: Optional[List[str]] = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _rates(options) if options.command == "rates" else _evaluate(options)
    except (Error, OSError, ValueError, TypeError) as e:
        print("llmcs.dask: %s" % e, file=sys.stderr)
    except Exception as e:  # a worker's, or Dask's own: KilledWorker
        where = "; workers need it installed, too" if isinstance(e, ImportError) and options.scheduler else ""
        print("llmcs.dask: %s: %s%s" % (type(e).__name__, e, where), file=sys.stderr)
    return 1


def _rates(options: argparse.Namespace) -> int:
    rows = [int(float(n)) for n in _names(options.rows)]
    print_rates(options.model, options.weights, options.texts, _names(options.text_field), rows, options.cores,
                options.hours, options.seconds)  # fmt: skip
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    fields = Fields(
        text=tuple(_names(options.text_field)),
        id=options.id_field,
        pair=options.pair_field,
        keep=tuple(_names(options.keep)),
        whole=options.command == "call",
    )
    task = _task(options)
    with _client(options) as client:
        found = map_partitions(
            task,
            options.inputs,
            options.out,
            client,
            fields,
            options.block_bytes,
            options.batch_rows,
            options.retries,
            None if options.quiet else printed_progress,
        )
    print(json.dumps({"rows": found.n_rows, "errors": found.n_errors, "bytes": found.n_bytes, "parts": len(found.parts),
                      "seconds": round(found.seconds, 3)}))  # fmt: skip
    return 1 if found.n_errors else 0


if __name__ == "__main__":
    sys.exit(main())
