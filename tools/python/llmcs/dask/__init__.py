"""Rows of files of any size, evaluated by workers of Dask on one machine or many:

    from distributed import Client
    from llmcs.dask import Embed, map_partitions
    report = map_partitions(Embed("path/to/encoder"), ["products.jsonl"], "vectors", client=Client("tcp://10.0.0.1:8786"))

or from a shell, python3 -m llmcs.dask --help. Input is JSON Lines, or Parquet where pyarrow is installed; output are JSON
Lines, exactly one line for each row, in their order and with their ids, byte for byte what one process writes
(client=None). Models are opened once in each worker. A block whose worker dies is evaluated by another; its file appears
by a rename, so nothing is lost and nothing is double. tools/python/README.md has the rest: costs, other machines, GNU
parallel.

Tasks: Embed, Classify, Tag, Call (any function); of llmcs_shop.bulk: Mask, Moderate. Dask itself is needed only with a
client: Debian's python3-distributed, or PyPI's distributed.
"""

from ._blocks import Block, blocks_of
from ._run import Fields, Progress, Report, map_partitions, printed_progress
from ._tasks import Call, Classify, Embed, ModelTask, Tag, Task

__all__ = [
    "Block",
    "Call",
    "Classify",
    "Embed",
    "Fields",
    "ModelTask",
    "Progress",
    "Report",
    "Tag",
    "Task",
    "blocks_of",
    "map_partitions",
    "printed_progress",
]
