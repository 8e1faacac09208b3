"""llmcs.dask and GNU parallel: a row out for each row in, whatever the blocks, the rows and the workers' deaths.

usage: test_bulk.py [-v] [SEED]   after `make`. $LLMCS_LIBRARY names another build. What is not installed (distributed,
parallel, pyarrow) is skipped, and said.
"""

import base64
import contextlib
import importlib.util
import io
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from support import BERT, PACKAGE, ROOT, llmcs, skip
from llmcs.dask import Call, Classify, Embed, Fields, Tag, blocks_of, map_partitions
from llmcs.dask import _blocks, _tasks

SEED = int(os.environ.get("LLMCS_SEED", time.time_ns() % 10**6))
ENCODER = os.path.join(ROOT, "examples", "models", "shop-encoder")
HEADS = os.path.join(ROOT, "examples", "models", "heads")
BIN = os.environ.get("LLMCS_BIN", os.path.join(ROOT, "build", "bin"))
WORDS = "red blue dress mug zip Berlin 连衣裙 马克杯 the a broke after two days fits well".split()
LIMIT_S = 120


def texts(n, seed=1):
    rng = random.Random(seed)
    return [" ".join(rng.choice(WORDS) for _ in range(rng.randint(3, 30))) for _ in range(n)]


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def whole(report_or_folder):
    """The bytes of all parts, in order."""
    if isinstance(report_or_folder, str):
        names = sorted(n for n in os.listdir(report_or_folder) if n.startswith("part-"))
        parts = [os.path.join(report_or_folder, n) for n in names]
    else:
        parts = report_or_folder.parts
    found = b""
    for part in parts:
        with open(part, "rb") as f:
            found += f.read()
    return found


def environment():
    paths = [PACKAGE, os.path.dirname(os.path.abspath(__file__)), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LLMCS_LIBRARY": llmcs.library_path()}


class InFolder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def path(self, *names):
        return os.path.join(self.folder, *names)


class Blocks(InFolder):
    def test_each_line_is_in_one_block_whatever_the_blocks(self):
        print("seed %d" % SEED, flush=True)
        rng = random.Random(SEED)
        for round in range(30):
            pieces = [rng.choice((b"{}", b'"x"', b"", b"not json", b"\xff\xfe", b"[1, 2]", b'{"id": %d}' % i, b"y" * 70))
                      + rng.choice((b"\n", b"\r\n")) for i in range(rng.randint(0, 12))]  # fmt: skip
            data = b"".join(pieces) + rng.choice((b"", b"the last line", b"7"))
            with open(self.path("rows"), "wb") as f:
                f.write(data)
            expected, at = [], 0
            for line in data.split(b"\n")[: None if data and not data.endswith(b"\n") else -1]:
                expected.append((at, line.rstrip(b"\r")))
                at += len(line) + 1
            for size in (1, 2, 3, 7, 64, 10**6, rng.randint(1, 99)):
                found = [pair for block in blocks_of([self.path("rows")], size) for pair in _blocks._lines(block)]
                self.assertEqual(found, expected, (round, size, data))

    def test_lines_without_end_are_rows_too(self):
        self.addCleanup(setattr, _blocks, "MAX_LINE_BYTES", _blocks.MAX_LINE_BYTES)
        _blocks.MAX_LINE_BYTES = 50
        with open(self.path("rows"), "wb") as f:
            f.write(b'"a"\n' + b"x" * 500 + b"\n" + b'"' + b"y" * 48 + b'"\n"b"')
        for size in (1, 10, 100, 1000):
            rows = [r for block in blocks_of([self.path("rows")], size) for r in _blocks.rows_of(block)]
            self.assertEqual([r.value for r in rows], ["a", None, "y" * 48, "b"])
            self.assertEqual([r.problem and r.problem[0] for r in rows], [None, "LIMIT", None, None])

    def test_what_cannot_be_divided_is_refused(self):
        with self.assertRaisesRegex(ValueError, "unpack it first"):
            blocks_of(["rows.jsonl.gz"], 10)
        with self.assertRaises(FileNotFoundError):
            blocks_of([self.path("nothing")], 10)


def shout(values):
    """A function of users, which fails on some rows."""
    for v in values:
        if v.get("n", 0) % 10 == 3:
            raise ValueError("three")
    return [{"loud": v["text"].upper(), "id": "not this one"} for v in values]


INTERRUPTED = {}


def interrupted(values):
    INTERRUPTED["seen"].extend(v["id"] for v in values)
    if len(INTERRUPTED["seen"]) > INTERRUPTED["limit"]:
        raise MemoryError("this machine")
    return [{"n": len(v["text"])} for v in values]


class Answer:
    """A function that is an object."""

    def __init__(self, n):
        self.n = n

    def __call__(self, values):
        return [{"n": self.n} for _ in values]


def counted(values):
    return [{"pid": os.getpid()} for _ in values]


class OneProcess(InFolder):
    def answers(self, task, rows, **how):
        if not isinstance(rows, str):
            rows = write_rows(self.path("rows.jsonl"), rows)
        return [json.loads(line) for line in whole(map_partitions(task, [rows], self.path("out"), **how)).splitlines()]

    def test_embed_classify_and_tag(self):
        given = [{"id": i, "text": t, "title": {"en": "mug"}} for i, t in enumerate(texts(40))]
        model = llmcs.Model(ENCODER, n_threads=1)
        found = self.answers(Embed(ENCODER, {"n_threads": 1}, truncate_dim=8), given, block_bytes=700, batch_rows=7)
        self.assertEqual([f["id"] for f in found], list(range(40)))
        expected = model.embed([r["text"] for r in given], truncate_dim=8)
        self.assertEqual([f["embedding"] for f in found], [[float(x) for x in v] for v in expected])
        shutil.rmtree(self.path("out"))
        packed = self.answers(Embed(ENCODER, vectors="base64", truncate_dim=8), given)
        self.assertEqual([list(struct.unpack("<8f", base64.b64decode(f["embedding"]))) for f in packed],
                         [f["embedding"] for f in found])  # fmt: skip
        shutil.rmtree(self.path("out"))
        found = self.answers(Classify(BERT), given, fields=Fields(text=("title.en", "text"), keep=("title",)))
        scores = llmcs.Model(BERT).classify(["mug " + r["text"] for r in given])
        self.assertEqual([f["scores"] for f in found], scores)
        self.assertEqual(found[0]["title"], {"en": "mug"})
        shutil.rmtree(self.path("out"))
        sys.path.insert(0, os.path.join(ROOT, "tests", "data", "pipelines"))
        import cases

        folder = cases.compose(
            {"model": "spans/bert-tags", "tokenizer": "tokenizers/tiny-bert-cased"}, self.path("tagger")
        )
        found = self.answers(Tag(folder, aggregation="simple"), given[:5])
        spans = llmcs.Model(folder).tag([r["text"] for r in given[:5]], aggregation="simple")
        self.assertEqual([[s["text"] for s in f["spans"]] for f in found], [[s.text for s in row] for row in spans])

    def test_bad_rows_become_error_rows(self):
        lines = [b'{"id": "a", "text": "red mug"}', b"", b"{not json", b'{"id": "b"}', b'{"id": "c", "text": 7}', b"[1]",
                 b'"only a text"', b'{"text": "no id"}', b"\xff", b'{"id": "d", "text": "\\ud800"}',
                 b'{"id": "e", "text": "' + b"zip " * 3000 + b'"}', b'{"id": "f", "text": "last"}']  # fmt: skip
        with open(self.path("rows.jsonl"), "wb") as f:
            f.write(b"\n".join(lines) + b"\n")
        task = Embed(ENCODER, {"n_threads": 1}, overflow="error", truncate_dim=2)
        found = self.answers(task, self.path("rows.jsonl"))
        self.assertEqual(len(found), len(lines))
        status = [f["error"]["status"] if "error" in f else None for f in found]
        self.assertEqual(
            status,
            [None, "JSON", "JSON", "ARG", "ARG", "ARG", None, None, "UTF8", "ValueError", "CONTEXT_FULL", None],
        )
        ids = [f["id"] for f in found]
        self.assertEqual([ids[i] for i in (0, 3, 4, 9, 10, 11)], list("abcdef"))
        offset = sum(len(line) + 1 for line in lines[:7])
        self.assertEqual(ids[7], "rows.jsonl:%d" % offset)
        again = map_partitions(task, [self.path("rows.jsonl")], self.path("again"), block_bytes=900, batch_rows=2)
        self.assertEqual(whole(again), whole(self.path("out")))
        self.assertEqual((again.n_rows, again.n_errors), (12, 8))
        self.assertEqual(again.n_errors, map_partitions(task, [self.path("rows.jsonl")], self.path("out")).n_errors)

    def test_a_row_whose_id_is_no_json_is_one_error_row(self):
        with open(self.path("rows.jsonl"), "w") as f:
            f.write('{"id": NaN, "text": "a"}\n{"id": 1e999}\n{"id": 3, "text": "b"}\n{"id": 4, "text": "c", "k": NaN}\n')
        found = self.answers(Embed(ENCODER, truncate_dim=2), self.path("rows.jsonl"), fields=Fields(keep=("k",)))
        self.assertEqual([f.get("error", {}).get("status") for f in found], ["JSON", "ARG", None, "JSON"])
        self.assertEqual([f["id"] for f in found], ["rows.jsonl:0", "rows.jsonl:25", 3, 4])

    def test_functions_of_one_name_are_not_one_function(self):
        def default(k):
            def answer(values, k=k):
                return [{"n": k} for _ in values]

            return answer

        two = Call(lambda values: [(lambda _: {"n": 2})(v) for v in values])
        three = Call(lambda values: [(lambda _: {"n": 3})(v) for v in values])
        for a, b in ((Call(Answer(2)), Call(Answer(3))), (Call(default(2)), Call(default(3))), (two, three)):
            found = []
            for task in (a, b, a):
                found += self.answers(task, [{"id": 1, "text": "x"}])
                shutil.rmtree(self.path("out"))
            self.assertEqual([f["n"] for f in found], [2, 3, 2])
            self.assertNotEqual(a.describe(), b.describe())

    def test_a_job_is_the_same_in_each_process(self):
        code = ("import sys, json; sys.path.insert(0, %r); from llmcs.dask import Call\n"
                "print(Call(lambda values: values in {'a', 'b', 'c', 'd'}).describe())" % PACKAGE)  # fmt: skip
        described = {
            subprocess.check_output([sys.executable, "-c", code], env={**environment(), "PYTHONHASHSEED": str(seed)})
            for seed in range(2)
        }
        self.assertEqual(len(described), 1)

    def test_threads_and_a_crash_at_the_start_change_no_job(self):
        rows = write_rows(self.path("rows.jsonl"), [{"id": 1, "text": "x"}])
        os.makedirs(self.path("out", ".unfinished"))
        with open(self.path("out", ".unfinished", "job.json.half"), "w") as f:
            f.write("{")
        for options in ({"n_threads": 1}, {"n_threads": 2}, {}):
            self.assertEqual(map_partitions(Embed(ENCODER, options), [rows], self.path("out")).n_rows, 1)
        with self.assertRaisesRegex(ValueError, "another job"):
            map_partitions(Embed(ENCODER, {"weights": "int8"}), [rows], self.path("out"))
        with self.assertRaisesRegex(ValueError, "batch_rows"):
            map_partitions(Embed(ENCODER), [rows], self.path("b"), batch_rows=0)

    def test_workers_have_one_thread_unless_told(self):
        from llmcs_shop.bulk import Mask, Moderate

        self.assertEqual(Embed(ENCODER).for_workers().options["model_options"], {"n_threads": 1})
        self.assertEqual(Embed(ENCODER, {"n_threads": 3}).for_workers().options["model_options"], {"n_threads": 3})
        self.assertEqual([m.for_workers().options["n_threads"] for m in (Moderate(), Moderate(n_threads=3))], [1, 3])
        for task in (Embed(ENCODER), Moderate(), Mask(), Call(shout)):
            self.assertEqual(task.describe(), task.for_workers().describe())

    def test_few_models_stay_open(self):
        tasks = [Call(shout) for _ in range(3 * _tasks._MAX_OPEN)]
        for task in tasks:
            _tasks.opened(task)
        self.assertEqual(len(_tasks._opened), _tasks._MAX_OPEN)
        self.assertIn(tasks[-1].key(), _tasks._opened)

    def test_any_function(self):
        rows = [{"id": i, "n": i, "text": "abc"} for i in range(25)]
        found = self.answers(Call(shout), rows, block_bytes=100)
        self.assertEqual([f["id"] for f in found], list(range(25)))
        self.assertEqual([i for i, f in enumerate(found) if "error" in f], [3, 13, 23])
        self.assertEqual((found[3]["error"]["status"], found[3]["error"]["message"]), ("ValueError", "three"))
        self.assertEqual(found[4]["loud"], "ABC")
        shutil.rmtree(self.path("out"))
        found = self.answers(Call("test_bulk:counted"), rows)
        self.assertEqual({f["pid"] for f in found}, {os.getpid()})
        shutil.rmtree(self.path("out"))
        with self.assertRaises(ModuleNotFoundError):
            self.answers(Call("no_such_module:f"), rows)
        shutil.rmtree(self.path("out"))
        found = self.answers(Call(lambda values: values[1:]), rows[:2])
        self.assertIn("a dict for each of 1 rows", found[0]["error"]["message"])

    def test_an_interrupted_job_is_continued_and_another_refused(self):
        rows = write_rows(self.path("rows.jsonl"), [{"id": i, "text": t} for i, t in enumerate(texts(30))])
        INTERRUPTED.update(limit=15, seen=[])
        with self.assertRaisesRegex(MemoryError, "this machine"):
            map_partitions(Call(interrupted), [rows], self.path("out"), block_bytes=300)
        n_parts = len([n for n in os.listdir(self.path("out")) if n.startswith("part-")])
        self.assertGreater(n_parts, 0)
        before = len(INTERRUPTED["seen"])
        INTERRUPTED.update(limit=10**9, seen=[])
        report = map_partitions(Call(interrupted), [rows], self.path("out"), block_bytes=300)
        self.assertEqual([json.loads(line)["id"] for line in whole(report).splitlines()], list(range(30)))
        self.assertLess(len(INTERRUPTED["seen"]), 30)  # finished blocks are not evaluated again
        self.assertGreaterEqual(len(INTERRUPTED["seen"]) + before, 30)
        self.assertNotIn(".unfinished", os.listdir(self.path("out")))
        with self.assertRaisesRegex(ValueError, "another job"):
            map_partitions(Call(shout), [rows], self.path("out"))
        with self.assertRaisesRegex(ValueError, "not empty"):
            map_partitions(Call(shout), [rows], self.folder)

    def test_masking_and_moderation(self):
        from llmcs_shop.bulk import Mask, Moderate

        rows = [{"id": 1, "text": "call 415-555-2671"}, {"id": 2, "text": "我的电话是13812345678"}, {"id": 3, "text": "hello"}]
        found = self.answers(Mask(tagger=os.path.join(HEADS, "names.tagger")), rows)
        self.assertEqual(found[0]["masked"], "call <PHONE_1>")
        self.assertEqual([s["kind"] for s in found[1]["spans"]], ["PHONE"])
        self.assertEqual(found[2]["masked"], "hello")
        shutil.rmtree(self.path("out"))
        task = Moderate(moderation=os.path.join(HEADS, "moderation.head"), encoder=ENCODER)
        found = self.answers(task, [{"text": "you idiot"}, {"text": "where is my parcel?"}])
        self.assertNotEqual(found[0]["action"], "ALLOW")
        self.assertEqual(found[1]["action"], "ALLOW")

    def test_parquet(self):
        if not importlib.util.find_spec("pyarrow"):
            skip(self, "no pyarrow")
        import pyarrow
        import pyarrow.parquet

        rows = [{"id": i, "text": t, "other": i * i} for i, t in enumerate(texts(50))]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), self.path("rows.parquet"), row_group_size=20)
        self.assertEqual(len(blocks_of([self.path("rows.parquet")], 1)), 3)
        task = Embed(ENCODER, {"n_threads": 1}, truncate_dim=4)
        found = map_partitions(task, [self.path("rows.parquet")], self.path("a"), fields=Fields(keep=("other",)))
        write_rows(self.path("rows.jsonl"), rows)
        expected = map_partitions(task, [self.path("rows.jsonl")], self.path("b"), fields=Fields(keep=("other",)))
        self.assertEqual(whole(found), whole(expected))

    def test_values_of_parquet_that_json_does_not_have(self):
        if not importlib.util.find_spec("pyarrow"):
            skip(self, "no pyarrow")
        import datetime
        import decimal

        import pyarrow
        import pyarrow.parquet

        day, price = datetime.datetime(2026, 3, 5, 14, 7, 9), decimal.Decimal("19.90")
        for i, (id, at, expected) in enumerate(
            ((price, day, ["19.90", "2026-03-05T14:07:09"]), (day.date(), price, ["2026-03-05", "19.90"]),
             (b"\xff", 1, ["0.parquet:0:0", None]))):  # fmt: skip
            path = self.path("%d.parquet" % (i % 2))
            pyarrow.parquet.write_table(pyarrow.table({"id": [id], "at": [at], "text": ["x"]}), path)
            report = map_partitions(Embed(ENCODER, truncate_dim=1), [path], self.path("o%d" % i), fields=Fields(keep=("at",)))
            row = json.loads(whole(report))
            self.assertEqual([row["id"], row.get("at")], expected)
            self.assertEqual(report.n_errors, int(isinstance(id, bytes)))


class Workers(InFolder):
    """A scheduler and three workers on loopback, each a process."""

    def start(self, *command):
        log = open(self.path("log-%d" % len(os.listdir(self.folder))), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([sys.executable, "-m", *command], env=environment(), cwd=self.folder, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def cluster(self, n):
        if not importlib.util.find_spec("distributed"):
            skip(self, "no distributed (Debian: python3-distributed)")
        file = self.path("scheduler.json")
        self.start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                   "--scheduler-file", file)  # fmt: skip
        self.until(lambda: os.path.exists(file) and os.path.getsize(file), "scheduler")
        with open(file) as f:
            address = json.load(f)["address"]
        workers = [self.start("distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard",
                              "--local-directory", self.path("local-%d" % i)) for i in range(n)]  # fmt: skip
        return address, workers

    def until(self, condition, what):
        end = time.monotonic() + LIMIT_S
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.005)

    def test_a_worker_killed_in_the_middle_of_a_block(self):
        rows = [{"id": "p%d" % i, "text": t} for i, t in enumerate(texts(1500))]
        rows[700] = {"id": "p700"}  # an error row
        file = write_rows(self.path("rows.jsonl"), rows)
        address, workers = self.cluster(3)
        out = self.path("out")
        job = self.start("llmcs.dask", "embed", ENCODER, file, "--out", out, "--scheduler", address, "--block-bytes", "4k",
                         "--batch-rows", "8", "--weights", "int8", "--set", "vectors=base64")  # fmt: skip
        victim = workers[0]

        def stopped_in_a_block():
            if job.poll() is not None:
                self.fail("the job ended (%s) before a worker was killed" % job.returncode)
            os.kill(victim.pid, signal.SIGSTOP)
            try:
                names = os.listdir(os.path.join(out, ".unfinished"))
            except FileNotFoundError:
                names = []
            in_block = any(".%d." % victim.pid in name for name in names)
            if not in_block or len(os.listdir(out)) < 6:
                os.kill(victim.pid, signal.SIGCONT)
                return False
            return True

        self.until(stopped_in_a_block, "a block of the victim")
        n_before = len([n for n in os.listdir(out) if n.startswith("part-")])
        os.kill(victim.pid, signal.SIGKILL)
        self.assertEqual(job.wait(LIMIT_S), 1)  # for the error row
        n_blocks = len(blocks_of([file], 4096))
        self.assertLess(n_before, n_blocks)
        print("killed a worker in a block, after %d of %d parts" % (n_before, n_blocks), flush=True)
        task = Embed(ENCODER, {"n_threads": 1, "weights": "int8"}, vectors="base64")
        alone = map_partitions(task, [file], self.path("alone"), block_bytes=4096)
        self.assertEqual(whole(out), whole(alone))
        ids = [json.loads(line)["id"] for line in whole(out).splitlines()]
        self.assertEqual(ids, ["p%d" % i for i in range(1500)])
        self.assertEqual(sorted(os.listdir(out)), sorted(["job.json", *map(os.path.basename, alone.parts)]))
        self.assertEqual(alone.n_errors, 1)

    def test_processes_of_this_machine_open_the_model_once(self):
        if not importlib.util.find_spec("distributed"):
            skip(self, "no distributed (Debian: python3-distributed)")
        file = write_rows(self.path("rows.jsonl"), [{"id": i, "text": "x"} for i in range(60)])
        command = [sys.executable, "-m", "llmcs.dask", "call", "test_bulk:opens_once", "--opens", file, "--out",
                   self.path("out"), "--workers", "2", "--block-bytes", "100"]  # fmt: skip
        done = subprocess.run(command, env=environment(), cwd=self.folder, capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], 60)
        self.assertIn("60 rows, 0 errors", done.stderr)
        found = [json.loads(line) for line in whole(self.path("out")).splitlines()]
        self.assertEqual([f["id"] for f in found], list(range(60)))
        self.assertLessEqual(len({f["opening"] for f in found}), 2)
        self.assertNotIn(os.getpid(), {f["pid"] for f in found})


def opens_once():
    opening = "%d %d" % (os.getpid(), time.time_ns())
    return lambda values: [{"opening": opening, "pid": os.getpid()} for _ in values]


class Parallel(InFolder):
    """README's line for GNU parallel, for those without Dask."""

    def test_the_bytes_of_one_process(self):
        if not shutil.which("parallel"):
            skip(self, "no GNU parallel (Debian: parallel)")
        file = write_rows(self.path("rows.jsonl"), [{"id": i, "text": t} for i, t in enumerate(texts(300))])
        embed = [os.path.join(BIN, "llmcs"), "embed", ENCODER, "--weights", "int8", "--threads", "1", "--jsonl"]
        with open(file, "rb") as f:
            alone = subprocess.run(embed, stdin=f, capture_output=True, check=True, timeout=LIMIT_S).stdout
        for how in (["--pipepart", "-a", file], ["--pipe"]):
            command = ["parallel", *how, "--block", "16k", "--keep-order", "-j", "2", *embed]
            with open(file, "rb") as f:
                done = subprocess.run(
                    command, stdin=f, capture_output=True, timeout=LIMIT_S, env={**os.environ, "HOME": self.folder}
                )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout, alone)
        self.assertEqual([json.loads(line)["id"] for line in alone.splitlines()], list(range(300)))


class Commands(InFolder):
    def run_command(self, *arguments):
        command = [sys.executable, "-m", "llmcs.dask", *arguments]
        return subprocess.run(command, env=environment(), cwd=self.folder, capture_output=True, text=True, timeout=LIMIT_S)

    def test_rates(self):
        done = self.run_command("rates", ENCODER, "--rows", "1000,1e6", "--seconds", "0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\d+ texts a second of one core")
        self.assertRegex(done.stdout, r"\| 1,000,000 \| \d+\.\d \| 1 \| \d+\.\d GB")

    def test_wrong_usage(self):
        self.assertEqual(self.run_command("embed", ENCODER).returncode, 2)
        from llmcs.dask.__main__ import main

        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            for option in ("--workers", "--batch-rows"):
                with self.assertRaises(SystemExit):
                    main(["embed", ENCODER, "x.jsonl", "--out", "o", option, "0"])
                self.assertIn("'0' is not a number of 1 or more", errors.getvalue())
            for command in (["no-model"], [ENCODER, "--rows", "many"], [ENCODER, "--texts", "no.jsonl"]):
                errors.truncate(errors.seek(0))
                self.assertEqual(main(["rates", *command]), 1)
                self.assertRegex(errors.getvalue(), r"\Allmcs\.dask: .*\n\Z")
        self.assertEqual(self.run_command("embed", ENCODER, "x.jsonl", "--out", "o", "--block-bytes", "1q").returncode, 2)
        done = self.run_command("embed", ENCODER, "no.jsonl", "--out", "o")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no.jsonl", done.stderr)
        write_rows(self.path("x.jsonl"), [{"id": 1, "text": "x"}])
        done = self.run_command("call", "no_module:f", "x.jsonl", "--out", "o2")
        self.assertIn("no_module", done.stderr)
        done = self.run_command("embed", "no-model", "x.jsonl", "--out", "o")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no-model", done.stderr)


DEBIAN = "/usr/bin/python3"  # Debian's packages are its

if __name__ == "__main__":
    if not importlib.util.find_spec("distributed") and os.path.exists(DEBIAN) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
        if not subprocess.run([DEBIAN, "-c", "import distributed"], capture_output=True).returncode:
            os.execv(DEBIAN, [DEBIAN, *sys.argv])
    if len(sys.argv) > 1 and sys.argv[-1].isdigit():
        SEED = int(sys.argv.pop())
    unittest.main()
