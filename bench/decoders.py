#!/usr/bin/env python3
"""Times llmcs and llama.cpp in turns on one Q8_0 file each of Qwen2.5-0.5B's, Llama-3.2-1B's and SmolLM2-135M's shape, whose weights
are random and which `llmcs quantize` writes, and prints medians and their ratios.

    python3 bench/decoders.py [--models qwen2.5-0.5b,...] [--turns 5] [--threads 2] [--cpu-time] [--folder DIR]

A prompt of 512 tokens, decoding one conversation after 10, and new tokens of 16 conversations that decode together. Each turn is a
process of its own, ours and llama.cpp's by turns. llama.cpp is given fixed tokens, so choosing the next one costs it nothing; our
engine samples. Then the times to open Qwen2.5-0.5B's shape: a folder in bfloat16, and the Q8_0 file, with memory at its highest.
Needs the built library, numpy and llama-cpp-python (tools/eval/llama_cpp_peer.py). --folder keeps the models for the next run.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path[:0] = [os.path.join(ROOT, "tools", "python"), os.path.join(ROOT, "tools", "eval")]

PROMPT, CONTEXT, NEW, CONVERSATIONS, THEIR_PROMPT, THEIR_NEW = 512, 10, 24, 16, 64, 24
COMMON = {"rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": True}
SHAPES = {
    "qwen2.5-0.5b": {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936, "hidden_size": 896,
                     "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
                     "max_position_embeddings": 32768, "rope_theta": 1e6},
    "llama-3.2-1b": {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 128256, "hidden_size": 2048,
                     "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
                     "max_position_embeddings": 131072, "rope_theta": 5e5},
    "smollm2-135m": {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 49152, "hidden_size": 576,
                     "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
                     "max_position_embeddings": 8192, "rope_theta": 1e5},
}


def token(i):
    return 1000 + i * 7919 % 20000


def ours(path, threads, now):
    import llmcs

    model = llmcs.Model(path, n_threads=threads)

    def one(n, n_new):
        with model.session(n_ctx=1024) as s:
            start = now()
            s.eval([token(i) for i in range(n)])
            prompt = now() - start
            start = now()
            for i in range(n_new):
                s.eval([token(n + i)])
            return n / prompt, n_new / (now() - start) if n_new else 0

    def together():
        with model.engine(n_ctx=256, prefix_cache=False) as engine:
            prompts = [[token(i + 64 * c) for i in range(THEIR_PROMPT)] for c in range(CONVERSATIONS)]
            start = now()
            requests = [engine.submit_ids(p, max_new_tokens=1, do_sample=False, eos_token_id=[]) for p in prompts]
            for r in requests:
                r.wait()
            first = now() - start  # the prompts, and a token each
            start = now()
            requests = [engine.submit_ids(p, max_new_tokens=1 + THEIR_NEW, do_sample=False, eos_token_id=[]) for p in prompts]
            for r in requests:
                r.wait()
            return CONVERSATIONS * THEIR_NEW / (now() - start - first)

    return one, together


def llama_cpp(path, threads, now):
    import llama_cpp_peer

    llama_cpp_peer.start()
    single = llama_cpp_peer.Model(path, n_ctx=1024, n_threads=threads, exact=False)

    def one(n, n_new):
        single.clear()
        start = now()
        single.decode([(token(i), i, 0, i == n - 1) for i in range(n)])
        prompt = now() - start
        start = now()
        for i in range(n_new):
            single.decode([(token(n + i), n + i, 0, 1)])
        return n / prompt, n_new / (now() - start) if n_new else 0

    many = llama_cpp_peer.Model(path, n_ctx=256, n_threads=threads, n_seq=CONVERSATIONS, exact=False)

    def together():
        many.clear()
        for c in range(CONVERSATIONS):
            many.decode([(token(i + 64 * c), i, c, i == THEIR_PROMPT - 1) for i in range(THEIR_PROMPT)])
        start = now()
        for i in range(THEIR_NEW):
            many.decode([(token(i + c), THEIR_PROMPT + i, c, 1) for c in range(CONVERSATIONS)])
        return CONVERSATIONS * THEIR_NEW / (now() - start)

    return one, together


def turn(engine, path, threads, cpu_time):
    now = time.process_time if cpu_time else time.perf_counter
    one, together = {"ours": ours, "llama": llama_cpp}[engine](path, threads, now)
    one(PROMPT, 2)  # warm up
    return {"prompt 512": statistics.median(one(PROMPT, 0)[0] for _ in range(3)),
            "decode": statistics.median(one(CONTEXT, NEW)[1] for _ in range(3)),
            "16 conversations": statistics.median(together() for _ in range(2))}


def open_turn(path):
    import llmcs

    start = time.perf_counter()
    model = llmcs.Model(path)
    seconds = time.perf_counter() - start
    with open("/proc/self/status") as f:
        peak = next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) * 1024
    model.close()
    return {"seconds": seconds, "peak_bytes": peak}


def in_process(*arguments):
    done = subprocess.run([sys.executable, os.path.abspath(__file__), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s: exit %d\n%s" % (" ".join(map(str, arguments)), done.returncode, done.stderr))
    return json.loads(done.stdout.strip().split("\n")[-1])


def make(folder, name):
    import llmcs
    import random_decoders

    source, gguf = os.path.join(folder, name), os.path.join(folder, name + "-q8_0.gguf")
    if not os.path.exists(os.path.join(source, "model.safetensors")):
        random_decoders.write(source, dict(COMMON, **SHAPES[name]), "BF16", 1)
    if not os.path.exists(gguf):
        llmcs.quantize(source, gguf, type="q8_0")
    return source, gguf


def compare(name, gguf, turns, how):
    rows = {}
    for _ in range(turns):
        a, b = in_process("--turn", "ours", gguf, *how), in_process("--turn", "llama", gguf, *how)
        for work in a:
            rows.setdefault(work, []).append((a[work], b[work]))
    for work, pairs in rows.items():
        ratios = [x / y for x, y in pairs]
        print("%-14s %-17s %9.1f %9.1f   %5.2f (%.2f to %.2f)" % (
            name, work, statistics.median(x for x, _ in pairs), statistics.median(y for _, y in pairs), statistics.median(ratios),
            min(ratios), max(ratios)), flush=True)


def open_times(source, gguf, turns):
    for path, weights in ((source, os.path.join(source, "model.safetensors")), (gguf, gguf)):
        size = os.path.getsize(weights)
        in_process("--turn", "open", path)  # into the page cache
        found = [in_process("--turn", "open", path) for _ in range(turns)]
        print("open %-28s %6.2f s, %.2f x its %d MB" % (
            os.path.basename(path), statistics.median(t["seconds"] for t in found),
            statistics.median(t["peak_bytes"] for t in found) / size, size // 1000000), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=",".join(SHAPES))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true", help="rates by processor time, where others use the machine; with --threads 1")
    parser.add_argument("--folder", help="where the models are, or are put")
    parser.add_argument("--turn", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.turn:
        engine, path = args.turn
        print(json.dumps(open_turn(path) if engine == "open" else turn(engine, path, args.threads, args.cpu_time)))
        return
    if args.cpu_time and args.threads != 1:
        parser.error("--cpu-time: with --threads 1 only, as threads that wait take processor time, too")
    how = ["--threads", args.threads] + ["--cpu-time"] * args.cpu_time
    print("%-14s %-17s %9s %9s   ratio, median (least to most) of %d turns; tokens/s, %d threads" % (
        "shape", "work", "llmcs", "llama.cpp", args.turns, args.threads))
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        for name in args.models.split(","):
            compare(name, make(folder, name)[1], args.turns, how)
        if "qwen2.5-0.5b" in args.models:
            open_times(*make(folder, "qwen2.5-0.5b"), args.turns)


if __name__ == "__main__":
    main()
