#!/usr/bin/env python3
"""Writes bench/RESULTS.md from what was measured.

usage: results.py --machine TEXT --peers PEERS.json [--before BEFORE.json] LLMCS-BENCH.json ... > bench/RESULTS.md

PEERS.json is the output of peers.mjs; the other files are outputs of `llmcs-bench ... --json`. BEFORE.json holds rows
{"work", "before", "now", "unit", "ratio"} of an older version and this one in turns. Only the standard library is needed.
"""
import argparse
import json
import os


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def number(x):
    return "%.0f" % x if x >= 100 else "%.1f" % x if x >= 10 else "%.2f" % x


def figures(report):
    rows = []
    for f in report["figures"]:
        what = " ".join(os.path.basename(str(f[key])) for key in ("model", "weights", "kv_type") if f.get(key))
        share = "%.0f %% of %s" % (100 * f["share"], f["limit_of"]) if "share" in f else ""
        rows.append((what, f["label"].strip(), number(f["value"]), f["unit"], share, f["cpu"], f["threads"]))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", required=True, help="processor, cores, system, compiler, date")
    parser.add_argument("--peers", required=True)
    parser.add_argument("--before")
    parser.add_argument("reports", nargs="+")
    args = parser.parse_args()

    print("# Results\n\nWritten by `bench/results.py`; numbers in both languages' READMEs come from here.\n\n" + args.machine)
    with open(args.peers, encoding="utf-8") as f:
        peers = json.load(f)
    print("\n## Peers\n\nIn turns, each in a process of its own, %d threads; medians of %d turns, ratio with its minimum and"
          " maximum. Random\nweights of the real shapes (speed does not depend on the values). `node bench/peers.mjs` repeats it.\n"
          % (peers["threads"], peers["turns"]))
    print(table(("model", "work", "tokens", "llmcs, tokens/s", "peer", "peer, tokens/s", "ratio"),
                [(r["model"], r["work"], r["tokens"], r["llmcs"], r["peer"], r["peer_value"],
                  "**%.2f** (%.2f to %.2f)" % (r["ratio"], r["least"], r["most"])) for r in peers["rows"]]))
    if args.before:
        with open(args.before, encoding="utf-8") as f:
            before = json.load(f)
        print("\n## Against version 0.1.0\n\nOld and new in turns.\n")
        print(table(("work", "0.1.0", "now", "unit", "now / 0.1.0"),
                    [(r["work"], number(r["before"]), number(r["now"]), r["unit"], "%.2f" % r["ratio"]) for r in before]))
    print("\n## Figures\n\nThe share is of the machine's limit measured in the same run: FMAs or 8-bit dot products on registers, or"
          " reading\nmemory, whichever takes longer for the work (the roofline).\n")
    rows, stolen = [], []
    for path in args.reports:
        with open(path, encoding="utf-8") as f:
            report = json.load(f)
        rows += figures(report)
        stolen.append(report.get("stolen_percent", 0))
    print(table(("model", "work", "median", "unit", "share of the limit", "kernels", "threads"), rows))
    print("\nThe virtual machine's host took %.1f %% of the processors' time or less during these runs." % max(stolen))


if __name__ == "__main__":
    main()
