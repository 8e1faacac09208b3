#!/usr/bin/env python3
"""What each golden folder says on each kernel set: the cases that agree with Transformers, and the largest difference of a number.

    python3 tools/eval/golden.py [--shared ../shared] [--own] [--sets scalar,avx2,...] [--only TEXT] [--cpu neoverse-n1]

Runs `llmcs eval`, `score`, `generate`, `tokenize` and `chat-template` with LLMCS_CPU. Without --sets: every set of this processor, and
those of AArch64 under qemu's user emulation where build/arm64/bin/llmcs is (`make arm-llmcs` builds it). --own: the checkpoints of
tests/data as well. Numbers agree within 1e-4 absolute plus 1e-4 relative; token ids and texts are equal. sample_distribution cases
have no command: the suite runtime/test_generate_golden compares them. Needs numpy. Ends with 1 if a case differs.
"""
import argparse
import json
import os
import re
import subprocess
import sys

import numpy as np

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DATA = os.path.join(ROOT, "tests", "data")
NATIVE, ARM = (os.path.join(ROOT, "build", *part, "bin", "llmcs") for part in ((), ("arm64",)))
ALLOWED = 1e-4
ROUNDED_BIAS = {"mbart50": (1 / 4096, 5e-4)}  # of logits, of scores: Transformers' final_logits_bias was not rounded to the file's float16
TOKENIZERS = ("golden.jsonl", "golden-families.jsonl", "golden-marian.jsonl")
NOW = "2026-03-05T14:07:09"


def tensors(path):
    with open(path, "rb") as f:
        data = f.read()
    n = int.from_bytes(data[:8], "little")
    return {name: np.frombuffer(data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]], np.float32)
            for name, t in json.loads(data[8:8 + n]).items() if name != "__metadata__"}


class Program:
    """The command on one kernel set."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def ask(self, *arguments, requests):
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
        done = subprocess.run([*self.command, *arguments, "--jsonl"], input=text.encode(), capture_output=True,
                              env=dict(os.environ, LLMCS_CPU=self.name))
        answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
        if len(answers) != len(requests):
            sys.exit("%s %s: %s" % (self.name, " ".join(arguments), done.stderr.decode()))
        return answers


def programs(command):
    """One for each set: the command names them when it is asked for one that does not exist."""
    done = subprocess.run([*command, "info", os.path.join(DATA, "golden", "gpt2-tiny")], capture_output=True, text=True,
                          env=dict(os.environ, LLMCS_CPU="?"))
    names = re.search(r"not a kernel set of this processor \((.*)\)", done.stderr)
    return [Program(name, command) for name in reversed(names.group(1).split(", "))] if names else []


class Found:
    """What a folder's cases gave on one set."""

    def __init__(self):
        self.right = self.n = 0
        self.worst = None  # None: nothing but ids and texts was compared

    def add(self, good):
        self.n += 1
        self.right += bool(good)

    def close(self, got, expected, extra=0.0):
        got, expected = np.array(got, np.float64).ravel(), np.array(expected, np.float64).ravel()
        if got.shape != expected.shape:
            return False
        difference = np.abs(got - expected)
        self.worst = max(self.worst or 0.0, float(difference.max(initial=0)))
        return bool((difference <= ALLOWED + ALLOWED * np.abs(expected) + extra).all())

    def __str__(self):
        return "%d of %d" % (self.right, self.n) + (", %.0e" % self.worst if self.worst is not None else "")


# ------------------------------------------------------------------------------------------------ checkpoints

def unit(rows):
    return rows / np.linalg.norm(rows)


def outputs(case, answer):
    """What the case expects, by name, and what it got."""
    kind, names = case["kind"], {"logits": "expect"} if case["kind"] == "logits" else {}
    if kind == "seq2seq_logits":
        names = {"encoder_hidden": "encoder", "logits": "logits"}
    elif kind == "span":
        names = {"start_logits": "start", "end_logits": "end"}
    elif kind != "logits":
        names = {k: k for k in ("hidden", "pooled", "logits", "probabilities") if k in case}
    for ours, expected in names.items():
        if ours == "probabilities":
            e = np.exp(np.array(answer["logits"]))
            yield ours, e / e.sum(), case[expected]
        else:
            yield ours, answer[ours], case[expected]
    for name, rows in (("mean_normalized", lambda h: h.mean(axis=0)), ("cls_normalized", lambda h: h[0])):
        if name in case:
            yield name, unit(rows(np.array(answer["hidden"]))), case[name]


def evaluated(found, case, answer, expected, extra):
    if "error" in answer:
        return False
    return all([found.close(got, expected.get(e, e) if isinstance(e, str) else e, extra if name == "logits" else 0)
                for name, got, e in outputs(case, answer)])


def generated(found, case, answer, extra):
    scores = case.get("sequences_scores")
    return answer.get("sequences") == case["expect_ids"] and (
        not scores or found.close(answer["sequences_scores"], scores, extra))


def checkpoint(program, folder):
    found = Found()
    with open(os.path.join(folder, "cases.json")) as f:
        cases = json.load(f)
    expected = tensors(os.path.join(folder, "expected.safetensors"))
    logits_extra, scores_extra = ROUNDED_BIAS.get(os.path.basename(folder), (0.0, 0.0))

    def each(chosen, command, request):
        some = [c for c in cases if chosen(c["kind"])]
        return zip(some, program.ask(command, folder, requests=[request(c) for c in some])) if some else ()

    inputs = ("input_ids", "token_type_ids", "decoder_input_ids")
    for c, a in each(lambda kind: kind not in ("score", "generate", "sample_distribution"), "eval",
                     lambda c: {k: c[k] for k in inputs if k in c}):
        found.add(evaluated(found, c, a, expected, logits_extra))
    for c, a in each("score".__eq__, "score", lambda c: {k: c[k] for k in ("prompt", "continuation")}):
        found.add("logprob" in a and found.close(a["logprob"], c["logprob"]))
    for c, a in each("generate".__eq__, "generate", lambda c: dict(c["params"], input_ids=c["prompt"])):
        found.add(generated(found, c, a, scores_extra))
    return found


# ------------------------------------------------------------------------------------------------ tokenizers, templates

def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f.read().split("\n") if line]


def tokenizer(program, path, folder, name):
    found = Found()
    some = [x for x in lines(path) if name in x]
    special = name != "gpt2"
    for x, a in zip(some, program.ask("tokenize", folder, requests=[{"text": x["text"], "add_special_tokens": special} for x in some])):
        found.add(a.get("ids") == (x[name]["ids"] if isinstance(x[name], dict) else x[name]))
    return found


def templates(program, folder):
    found = Found()
    cases = lines(os.path.join(folder, "golden.jsonl"))
    for name in sorted({c["template"] for c in cases}):
        some = [c for c in cases if c["template"] == name]
        answers = program.ask("chat-template", "--template-file", os.path.join(folder, name), "--now", NOW,
                              requests=[c["kwargs"] for c in some])
        for c, a in zip(some, answers):
            found.add(a.get("text") == c["text"] if "text" in c else "error" in a)
    return found


def rows(shared, own):
    """Names, and what to do with a program for each."""
    folders = [os.path.join(shared, "golden")] + [os.path.join(DATA, n) for n in ("golden", "encoders") if own]
    for top in folders:
        for name in sorted(os.listdir(top)):
            folder = os.path.join(top, name)
            if os.path.exists(os.path.join(folder, "expected.safetensors")):
                yield os.path.relpath(folder, shared if top == folders[0] else ROOT), lambda p, f=folder: checkpoint(p, f)
    top = os.path.join(shared, "tokenizers")
    for file in TOKENIZERS if os.path.isdir(top) else ():
        path = os.path.join(top, file)
        for name in sorted(k for k in set().union(*lines(path)) if k != "text"):
            folder = os.path.join(top, name)
            yield "tokenizers/" + name, lambda p, a=(path, folder, name): tokenizer(p, *a)
    if os.path.isdir(os.path.join(shared, "chat")):
        yield "chat", lambda p: templates(p, os.path.join(shared, "chat"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", default=os.environ.get("LLMCS_SHARED", os.path.join(ROOT, "..", "shared")))
    parser.add_argument("--own", action="store_true", help="the checkpoints of tests/data, too")
    parser.add_argument("--sets", help="some kernel sets, separated by commas")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--cpu", default="max", help="the processor that qemu emulates [%(default)s]")
    args = parser.parse_args()
    known = programs([NATIVE])
    if os.path.exists(ARM):
        known += [p for p in programs(["qemu-aarch64", "-cpu", args.cpu, "-L", "/usr/aarch64-linux-gnu", ARM])
                  if p.name != "scalar"]  # the same C
    chosen = args.sets.split(",") if args.sets else [p.name for p in known]
    unknown = set(chosen) - {p.name for p in known}
    if unknown:
        parser.error("--sets: %s: there are %s" % (", ".join(unknown), ", ".join(p.name for p in known)))
    known, failed = [p for p in known if p.name in chosen], False
    print("| golden | %s |\n|%s" % (" | ".join(p.name for p in known), "---|" * (1 + len(known))))
    for name, row in rows(args.shared, args.own):
        if args.only not in name:
            continue
        found = [row(p) for p in known]
        failed |= any(f.right < f.n or not f.n for f in found)
        print("| %s | %s |" % (name, " | ".join(map(str, found))), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
