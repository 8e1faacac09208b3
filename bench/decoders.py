#!/usr/bin/env python3
"""Times llmcs and llama.cpp in turns on a Q8_0 and a Q4_0 file each of Qwen2.5-0.5B's, Llama-3.2-1B's and SmolLM2-135M's shape, whose
weights are random and which `llmcs quantize` writes, and prints medians and their ratios.

    python3 bench/decoders.py [--models qwen2.5-0.5b,...] [--types q8_0,q4_0] [--turns 5] [--threads 2] [--cpu-time] [--folder DIR]

A prompt of 512 tokens, decoding one conversation after 10, and new tokens of 16 conversations that decode together. Each turn is a
process of its own, ours and llama.cpp's alternate. llama.cpp is given fixed tokens, so choosing the next one costs it nothing; our
engine samples. Then the shares of this machine's limits (reading memory, 8-bit dot products of the kernel set that is used) that the
same works reach, from `llmcs-bench e2e`, which measures limit and work in turns. Last the times to open Qwen2.5-0.5B's shape: a folder
in bfloat16, and the Q8_0 file, with memory at its highest.
Needs the built library, numpy and llama-cpp-python (tools/eval/llama_cpp_peer.py). --folder keeps the models for the next run.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from turns import ROOT, arguments, chosen, compared, head, in_process, tokens

sys.path.insert(0, os.path.join(ROOT, "tools", "eval"))

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
TYPES = {"q8_0": "int8", "q4_0": "int4"}  # of the file, and as llmcs-bench calls them
TOKENS = tokens(PROMPT + CONTEXT + NEW + 64 * CONVERSATIONS)


def ours(path, threads, now):
    import llmcs

    model = llmcs.Model(path, n_threads=threads)

    def one(n, n_new):
        with model.session(n_ctx=1024) as s:
            start = now()
            s.eval(TOKENS[:n])
            prompt = now() - start
            start = now()
            for i in range(n_new):
                s.eval(TOKENS[n + i : n + i + 1])
            return n / prompt, n_new / (now() - start) if n_new else 0

    def together():
        with model.engine(n_ctx=256, prefix_cache=False) as engine:
            prompts = [tokens(THEIR_PROMPT, c) for c in range(CONVERSATIONS)]
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
        single.decode([(TOKENS[i], i, 0, i == n - 1) for i in range(n)])
        prompt = now() - start
        start = now()
        for i in range(n_new):
            single.decode([(TOKENS[n + i], n + i, 0, 1)])
        return n / prompt, n_new / (now() - start) if n_new else 0

    many = llama_cpp_peer.Model(path, n_ctx=256, n_threads=threads, n_seq=CONVERSATIONS, exact=False)

    def together():
        many.clear()
        for c in range(CONVERSATIONS):
            many.decode([(TOKENS[i + 64 * c], i, c, i == THEIR_PROMPT - 1) for i in range(THEIR_PROMPT)])
        start = now()
        for i in range(THEIR_NEW):
            many.decode([(TOKENS[i + c], THEIR_PROMPT + i, c, 1) for c in range(CONVERSATIONS)])
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


def make(folder, name, kind="q8_0"):
    import llmcs
    import random_models

    source, gguf = os.path.join(folder, name), os.path.join(folder, "%s-%s.gguf" % (name, kind))
    if not os.path.exists(os.path.join(source, "model.safetensors")):
        random_models.write(source, dict(COMMON, **SHAPES[name]), "BF16", 1)
    if not os.path.exists(gguf):
        llmcs.quantize(source, gguf, type=kind)
    return source, gguf


def compare(name, kind, gguf, turns, how):
    pairs = [[in_process("--turn", engine, gguf, *how) for engine in ("ours", "llama")] for _ in range(turns)]
    for work in pairs[0][0]:
        figures = compared([a[work] for a, _ in pairs], [b[work] for _, b in pairs], 9)
        print("%-14s %-5s %-17s %s" % (name, kind, work, figures), flush=True)


def shares(name, kind, turns, threads):
    bench = os.path.join(ROOT, "build", "bin", "llmcs-bench")
    done = subprocess.run([bench, "e2e", "--shape", name, "--weights", TYPES[kind], "--threads", str(threads), "--repeats", str(turns),
                           "--prompts", str(PROMPT), "--contexts", str(CONTEXT), "--batches", str(CONVERSATIONS), "--json"],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit("llmcs-bench: exit %d\n%s" % (done.returncode, done.stderr))
    for f in json.loads(done.stdout)["figures"]:
        if "share" in f:
            print("%-14s %-5s %-26s %9.1f tokens/s: %3.0f %% of %s, %s" % (
                name, kind, f["label"].strip(), f["value"], 100 * f["share"], f["limit_of"], f["cpu"]), flush=True)


def open_times(source, gguf, turns):
    for path, weights in ((source, os.path.join(source, "model.safetensors")), (gguf, gguf)):
        size = os.path.getsize(weights)
        in_process("--turn", "open", path)  # into the page cache
        found = [in_process("--turn", "open", path) for _ in range(turns)]
        print("open %-28s %6.2f s, %.2f x its %d MB" % (
            os.path.basename(path), statistics.median(t["seconds"] for t in found),
            statistics.median(t["peak_bytes"] for t in found) / size, size // 1000000), flush=True)


def main():
    parser = arguments(__doc__, SHAPES, n_turn=2)
    parser.add_argument("--types", default=",".join(TYPES), help="of the files [%(default)s]")
    parser.add_argument("--cpu-time", action="store_true", help="rates by processor time, where others use the machine; with --threads 1")
    args = parser.parse_args()
    if args.turn:
        engine, path = args.turn
        print(json.dumps(open_turn(path) if engine == "open" else turn(engine, path, args.threads, args.cpu_time)))
        return
    if args.cpu_time and args.threads != 1:
        parser.error("--cpu-time: with --threads 1 only, as threads that wait take processor time, too")
    how = ["--threads", args.threads] + ["--cpu-time"] * args.cpu_time
    names, kinds = chosen(parser, "--models", args.models, SHAPES), chosen(parser, "--types", args.types, TYPES)
    print(head("%-14s %-5s %-17s %9s %9s" % ("shape", "file", "work", "llmcs", "llama.cpp"), args.turns, args.threads))
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        pairs = [(name, kind) for name in names for kind in kinds]
        for name, kind in pairs:
            compare(name, kind, make(folder, name, kind)[1], args.turns, how)
        for name, kind in pairs:
            shares(name, kind, args.turns, args.threads)
        if "qwen2.5-0.5b" in names:
            open_times(*make(folder, "qwen2.5-0.5b"), args.turns)


if __name__ == "__main__":
    main()
