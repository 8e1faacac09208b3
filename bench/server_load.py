"""Load on llmcs-server: latencies at a share of its capacity, many connections, memory, and what HTTP costs.

usage: server_load.py MODEL_FOLDER [--requests N] [--connections N] [--streams N] [--tokens N] [--seconds N] [--wrk]
       server_load.py MODEL_FOLDER --only trace [--requests N] [--turns N] [--arrivals even|poisson] [--share 0.7] [--threads N]
           [--max-batch N] [--trace FILE]
       server_load.py MODEL_FOLDER --peer MODEL.gguf [--turns N]

Starts build/bin/llmcs-server ($LLMCS_BIN names another folder) on a free port of loopback and prints a table. The load
comes from this machine, so it takes processor time from the server: figures are of both together. Processor times are
those of the server's process alone. --wrk adds wrk's own figures where wrk is installed.

--only trace follows each request of the open load: when it was due, when this program sent it, when its first and its last
piece came, the longest gap between two pieces, how many others ran. From the kernel (schedstat) come how long the threads
that make the server's steps, and this program, were ready and had no processor meanwhile. The table has the median requests
and the slowest ones of each, so that a tail is the server's, this program's or the machine's. FILE gets a JSON line a request.

Each turn measures the capacity and then, at a share of it, the latencies, because the speed of a shared machine changes within
seconds; the ratio that counts is the median of the turns. At 70 % of capacity a stall of 50 ms grows to three times as much
work behind it, so each turn says what other programs and the machine's host took meanwhile. --threads gives the model fewer
threads than cores, so that this program and the server's HTTP threads have one of their own; with fewer requests at a time
(--max-batch) the others wait their turn, which shortens the tail where a batch of that size already uses the processor well.

--peer runs llama-cpp-python's server on the same model, which `llmcs quantize` wrote, in turns with ours instead, and prints
medians: completions of one client after another, and of 16 clients at a time. It needs llama-cpp-python[server].
"""
import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("LLMCS_BIN", os.path.join(ROOT, "build", "bin"))
PROMPT = "User: where is my order?\nBot:"


class Server:
    def __init__(self, folder, limits, max_batch, n_threads=0):
        self.temporary = tempfile.TemporaryDirectory()
        path = os.path.join(self.temporary.name, "server.json")
        with open(path, "w") as out:
            json.dump({"listen": {"port": 0}, "log_requests": False, "limits": limits,
                       "models": [{"name": "m", "path": folder, "max_batch": max_batch, "max_queue": 4096,
                                   "threads": n_threads}]}, out)
        self.process = subprocess.Popen([os.path.join(BIN, "llmcs-server"), "--config", path], stderr=subprocess.PIPE)
        for line in self.process.stderr:
            event = json.loads(line)
            if event["event"] == "listening":
                self.port = event["port"]
                return
        raise SystemExit("the server did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        self.temporary.cleanup()

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def threads_cpu(self):
        """Processor seconds by the name of the thread's function group: HTTP and other threads of this program."""
        total = {}
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            with open("/proc/%d/task/%s/stat" % (self.process.pid, task)) as f:
                text = f.read()
            name = text[text.index("(") + 1:text.rindex(")")]
            fields = text.rsplit(")", 1)[1].split()
            total[name] = total.get(name, 0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total

    def step_threads(self):
        """Those that make steps: the pool's and the engines', by what they are not. Of one model."""
        found = []
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            with open("/proc/%d/task/%s/comm" % (self.process.pid, task)) as f:
                name = f.read().strip()
            if not name.startswith(("MHD", "events", "prepare", "worker", "watch", "models")) and int(task) != self.process.pid:
                found.append("/proc/%d/task/%s/schedstat" % (self.process.pid, task))
        return found

    def memory_mb(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2 ** 20


class Peer(Server):
    """llama-cpp-python's server, which answers one request at a time."""

    def __init__(self, path):
        self.temporary = tempfile.TemporaryDirectory()
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        code = ("import sys; sys.path.append(%r); import llama_cpp_peer; llama_cpp_peer.start(); "
                "from llama_cpp.server.__main__ import main; main()" % os.path.join(ROOT, "tools", "eval"))
        self.process = subprocess.Popen([sys.executable, "-c", code, "--model", path, "--model_alias", "m", "--port", str(self.port),
                                         "--host", "127.0.0.1", "--n_ctx", "1024", "--n_threads", str(os.cpu_count()),
                                         "--interrupt_requests", "False"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("llama-cpp-python's server did not start: is llama-cpp-python[server] installed?")


def request_bytes(body, path="/v1/completions"):
    data = json.dumps(body).encode()
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (
        path.encode(), len(data)) + data


async def read_answer(reader):
    """Status and body; of a stream all of it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
    status = int(head.split(" ", 2)[1])
    lower = head.lower()
    if "transfer-encoding: chunked" not in lower:
        length = int(lower.split("content-length:", 1)[1].split("\r\n", 1)[0])
        return status, await reader.readexactly(length)
    body = b""
    while True:
        size = int(await reader.readline(), 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if not size:
            return status, body


def waited_ms(paths):
    """How long the threads were ready and had no processor: the one that waited longest, as a step waits for all."""
    waited = []
    for path in paths:
        with open(path) as f:
            waited.append(int(f.read().split()[1]) * 1e-6)
    return waited


def longest_wait(before, after):
    return max((b - a for a, b in zip(before, after)), default=0.0)


class Client:
    """One connection, opened again when the server closes it."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def send(self, data):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(data)
        try:
            return await read_answer(self.reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.close()
            return 0, b""

    async def pieces(self, data):
        """Sends a request for a stream: the times at which its pieces came."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(data)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit(head)
        times = []
        while True:
            size = int(await self.reader.readline(), 16)
            await self.reader.readexactly(size + 2)
            if not size:
                return times
            times.append(time.perf_counter())

    def close(self):
        if self.writer:
            self.writer.close()
        self.writer = None


async def closed_loop(port, data, n_clients, n_requests, at_quarter=lambda: None):
    """Each client sends its next request when the last one is answered. Statuses with their counts, seconds."""
    left, statuses = [n_requests], {}

    async def run():
        client = Client(port)
        while left[0] > 0:
            left[0] -= 1
            if left[0] == n_requests * 3 // 4:
                at_quarter()
            status, _ = await client.send(data)
            statuses[status] = statuses.get(status, 0) + 1
        client.close()
    begin = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(n_clients)))
    return statuses, time.perf_counter() - begin


async def open_loop(port, data, rate, seconds):
    """Requests arrive at a rate, whatever the answers do. Latencies in ms, and statuses."""
    idle, latencies, statuses = [], [], {}

    async def one():
        client = idle.pop() if idle else Client(port)
        begin = time.perf_counter()
        status, _ = await client.send(data)
        latencies.append((time.perf_counter() - begin) * 1000)
        statuses[status] = statuses.get(status, 0) + 1
        idle.append(client)
    tasks, begin = [], time.perf_counter()
    for i in range(int(rate * seconds)):
        delay = begin + i / rate - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one()))
    await asyncio.gather(*tasks)
    for client in idle:
        client.close()
    return sorted(latencies), statuses


def due_times(arrivals, rate, n):
    """Seconds from the beginning."""
    if arrivals == "even":
        return [i / rate for i in range(n)]
    generator, at, due = random.Random(1), 0.0, []
    for _ in range(n):
        at += generator.expovariate(rate)
        due.append(at)
    return due


async def traced_loop(server, data, due):
    """A row for each request, in ms."""
    idle, rows, n_running = [], [], [0]
    threads, own = server.step_threads(), ["/proc/self/schedstat"]

    async def one(due_at):
        client = idle.pop() if idle else Client(server.port)
        n_running[0] += 1
        others, sent = n_running[0] - 1, time.perf_counter()
        before, before_own = waited_ms(threads), waited_ms(own)
        times = await client.pieces(data)
        seconds = {"late": sent - due_at, "first": times[0] - sent, "rest": times[-1] - times[0],
                   "total": times[-1] - due_at, "longest_gap": max((b - a for a, b in zip(times, times[1:])), default=0.0)}
        rows.append(dict({name: 1000 * s for name, s in seconds.items()}, running=others,
                         steps_wait=longest_wait(before, waited_ms(threads)),
                         client_wait=longest_wait(before_own, waited_ms(own))))
        n_running[0] -= 1
        idle.append(client)
    tasks, begin = [], time.perf_counter()
    for at in due:
        delay = begin + at - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one(begin + at)))
    await asyncio.gather(*tasks)
    for client in idle:
        client.close()
    return rows


def print_rows(rows):
    """Means of the requests around the median and of the slowest hundredth, by their totals."""
    rows.sort(key=lambda r: r["total"])
    n = max(len(rows) // 100, 1)
    middle, slow = rows[len(rows) // 2 - n // 2:][:n], rows[-n:]
    print("    %-46s %9s %9s" % ("ms, means of a hundredth of the requests", "median", "slowest"))
    for name, what in (("total", "from when it was due to the last piece"), ("late", "this program sent it late"),
                       ("first", "until the first piece"), ("rest", "from the first to the last piece"),
                       ("longest_gap", "longest gap between two pieces"),
                       ("steps_wait", "a thread of the steps had no processor"),
                       ("client_wait", "this program had no processor"), ("running", "others running when it came")):
        print("    %-46s %9.2f %9.2f" % (what, *(statistics.mean(r[name] for r in part) for part in (middle, slow))))


def machine_ms():
    """Processor time of all programs, and what the host of a virtual machine took."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, stolen = (int(v) for v in f.readline().split()[1:9])
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) * tick, stolen * tick


def trace_turn(server, data, a, n):
    """Rows of n requests, their p99 / p50; prints what else happened."""
    _, seconds = asyncio.run(closed_loop(server.port, data, a.connections, n))
    rate, threads = a.share * n / seconds, server.step_threads()
    own, (busy, stolen), waited, begin = server.cpu_seconds() + time.process_time(), machine_ms(), waited_ms(threads), time.perf_counter()
    rows = asyncio.run(traced_loop(server, data, due_times(a.arrivals, rate, n)))
    wall = 10 * os.cpu_count() * (time.perf_counter() - begin)
    others = machine_ms()[0] - busy - 1000 * (server.cpu_seconds() + time.process_time() - own)
    totals = sorted(r["total"] for r in rows)
    p50, p99 = quantile(totals, 0.5), quantile(totals, 0.99)
    print("    at %.0f of %.0f a second: p50 %.2f ms, p99 %.2f ms, p99/p50 %.2f; of the processors other programs had %.0f %%, the "
          "host took %.1f %%; the steps waited %.0f ms for one" % (
              rate, rate / a.share, p50, p99, p99 / p50, max(others, 0) / wall, (machine_ms()[1] - stolen) / wall,
              longest_wait(waited, waited_ms(threads))), flush=True)
    return rows, p99 / p50


def trace(server, a):
    data = completion(a, a.tokens, stream=True)
    n_pieces = json.loads(asyncio.run(stream_all(server.port, completion(a, a.tokens), 1))[0][1])["usage"]["completion_tokens"]
    asyncio.run(stream_all(server.port, data, 16))
    print("%d turns of %d streams of %d tokens, %s arrivals at %.0f %% of capacity" % (
        a.turns, a.requests // a.turns, n_pieces, a.arrivals, 100 * a.share))
    turns = [trace_turn(server, data, a, a.requests // a.turns) for _ in range(a.turns)]
    rows = [row for turn_rows, _ in turns for row in turn_rows]
    print("    median of %d turns: p99/p50 %.2f" % (a.turns, statistics.median(ratio for _, ratio in turns)))
    print_rows(rows)
    if a.trace:
        with open(a.trace, "w") as out:
            out.writelines(json.dumps(r) + "\n" for r in rows)


def quantile(sorted_values, q):
    return sorted_values[min(int(q * len(sorted_values)), len(sorted_values) - 1)] if sorted_values else float("nan")


def completion(a, n_tokens, **more):
    return request_bytes(dict({"model": "m", "prompt": PROMPT, "max_tokens": n_tokens,
                               "logit_bias": json.loads(a.no_end)}, **more))


def many_connections(server, a):
    data = completion(a, a.tokens)
    asyncio.run(closed_loop(server.port, data, 16, 500))  # what is allocated once
    memory = [server.memory_mb()]
    cpu = server.cpu_seconds()
    statuses, seconds = asyncio.run(closed_loop(server.port, data, a.connections, a.requests,
                                                lambda: memory.append(server.memory_mb())))
    cpu = server.cpu_seconds() - cpu
    print("%d requests over %d connections, %d tokens each: %s in %.1f s, %.0f a second; server %.3f ms of processor "
          "time a request; memory %.1f MiB, after a quarter %.1f, at the end %.1f" % (a.requests, a.connections, a.tokens,
                                                    ", ".join("%d x %d" % (n, s) for s, n in sorted(statuses.items())),
                                                    seconds, a.requests / seconds, cpu * 1000 / a.requests, *memory,
                                                    server.memory_mb()))
    return a.requests / seconds


def latencies(server, a, capacity):
    for share in (0.3, 0.7):
        values, statuses = asyncio.run(open_loop(server.port, completion(a, a.tokens), share * capacity, a.seconds))
        p50, p99 = quantile(values, 0.5), quantile(values, 0.99)
        print("at %.0f %% of capacity (%.0f a second): p50 %.2f ms, p99 %.2f ms, p99/p50 %.2f; statuses %s" % (
            share * 100, share * capacity, p50, p99, p99 / p50, statuses))


async def stream_all(port, data, n):
    clients = [Client(port) for _ in range(n)]
    return await asyncio.gather(*(c.send(data) for c in clients))


def http_overhead(server, a):
    """Processor time of the HTTP threads next to that of steps, with n streams at a time."""
    data = completion(a, a.stream_tokens, stream=True)
    asyncio.run(stream_all(server.port, data, a.streams))
    before, n_tokens = server.threads_cpu(), 0
    for _ in range(a.rounds):
        answers = asyncio.run(stream_all(server.port, data, a.streams))
        n_tokens += sum(body.count(b"data: {") - 1 for _, body in answers)
    after = server.threads_cpu()
    spent = {name: after[name] - before.get(name, 0) for name in after}
    http = sum(v for k, v in spent.items() if k.startswith(("MHD", "events", "prepare")))
    rest = sum(spent.values()) - http
    print("%d streams, %d chunks: HTTP, event and prepare threads %.3f s of processor time, the rest (steps) %.3f s: "
          "%.1f %%, %.1f us a chunk; by thread: %s" % (a.streams, n_tokens, http, rest, 100 * http / max(rest, 1e-9),
                                                    http * 1e6 / max(n_tokens, 1),
                                                    {k: round(v, 3) for k, v in spent.items() if v}))


def tokens_per_second(server, n_clients, n_requests):
    """Of greedy completions that end where the model ends them."""
    data = request_bytes({"model": "m", "prompt": PROMPT, "max_tokens": 64, "temperature": 0})

    async def timed():
        client = Client(server.port)
        status, body = await client.send(data)
        client.close()
        if status != 200:
            raise SystemExit("status %d: %s" % (status, body[:200]))
        return json.loads(body), await closed_loop(server.port, data, n_clients, n_requests)
    answer, (statuses, seconds) = asyncio.run(timed())
    if set(statuses) != {200}:
        raise SystemExit("not all were answered: %s" % statuses)
    return answer, answer["usage"]["completion_tokens"] * n_requests / seconds


def next_to_peer(server, a):
    peer = Peer(a.peer)
    try:
        for n_clients, n_requests in ((1, 50), (16, 320)):
            ours, theirs = [], []
            for _ in range(a.turns):
                answer, rate = tokens_per_second(server, n_clients, n_requests)
                ours.append(rate)
                other, rate = tokens_per_second(peer, n_clients, max(n_requests // 4, 1))
                theirs.append(rate)
            print("%d clients: ours %.0f tokens/s, llama-cpp-python's server %.0f, median of %d ratios %.2f; texts %s" % (
                n_clients, statistics.median(ours), statistics.median(theirs), a.turns,
                statistics.median(o / t for o, t in zip(ours, theirs)),
                "equal" if answer["choices"][0]["text"] == other["choices"][0]["text"] else "differ"))
    finally:
        peer.stop()


def run_wrk(server, a):
    if not shutil.which("wrk"):
        print("wrk is not installed")
        return
    script = os.path.join(server.temporary.name, "post.lua")
    body = json.dumps({"model": "m", "prompt": PROMPT, "max_tokens": a.tokens})
    with open(script, "w") as out:
        out.write("wrk.method = 'POST'\nwrk.body = %s\nwrk.headers['Content-Type'] = 'application/json'\n"
                  % json.dumps(body))
    for path, more in (("/health", []), ("/v1/completions", ["-s", script])):
        done = subprocess.run(["wrk", "-t2", "-c%d" % a.connections, "-d%ds" % a.seconds, "--latency", "--timeout", "60",
                               *more, "http://127.0.0.1:%d%s" % (server.port, path)], capture_output=True, text=True)
        print("wrk %s:\n%s" % (path, "".join("    %s\n" % line for line in done.stdout.splitlines())))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("folder")
    p.add_argument("--requests", type=int, default=100000)
    p.add_argument("--connections", type=int, default=1000)
    p.add_argument("--tokens", type=int, default=2)
    p.add_argument("--streams", type=int, default=16)
    p.add_argument("--stream-tokens", type=int, default=256)
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--stream-ms", type=int, default=None, help="limits.stream_ms of the server")
    p.add_argument("--no-end", default="{}", help="logit_bias that forbids the end of a text, as JSON")
    p.add_argument("--wrk", action="store_true")
    p.add_argument("--only", choices=("load", "streams", "trace"))
    p.add_argument("--arrivals", choices=("even", "poisson"), default="even")
    p.add_argument("--share", type=float, default=0.7, help="of the capacity, for --only trace")
    p.add_argument("--threads", type=int, default=0, help="of the model; 0: one for each core")
    p.add_argument("--max-batch", type=int, default=64, help="of the model: how many requests run at a time")
    p.add_argument("--trace", metavar="FILE")
    p.add_argument("--peer", metavar="MODEL.gguf")
    p.add_argument("--turns", type=int, default=5)
    a = p.parse_args()
    limits = {"max_connections": 4096, "max_jobs": 8192, "deadline_ms": 0}
    if a.stream_ms is not None:
        limits["stream_ms"] = a.stream_ms
    server = Server(a.folder, limits, a.max_batch, a.threads)
    try:
        if a.peer:
            next_to_peer(server, a)
            return
        if a.only == "trace":
            trace(server, a)
            return
        if a.only != "load":
            http_overhead(server, a)
        if a.only != "streams":
            capacity = many_connections(server, a)
            latencies(server, a, capacity)
        if a.wrk:
            run_wrk(server, a)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
