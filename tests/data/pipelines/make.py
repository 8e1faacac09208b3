"""Writes expected.jsonl: what the pipelines of Transformers 4.51.3 answer in each case of cases.py.

    python tests/data/pipelines/make.py      (transformers==4.51.3, torch, sentencepiece)
"""

import json
import os
import sys
import tempfile

from cases import CASES, compose, of_transformers


def main():
    wanted = sys.argv[1:]
    lines, failed = [], False
    for i, case in enumerate(CASES):
        if wanted and str(i) not in wanted:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = compose(case, os.path.join(temporary, "model"))
            print(i, case["model"], case["task"], file=sys.stderr, flush=True)
            try:
                expected = of_transformers(case, folder)
            except Exception as e:
                failed = True
                print("   %s: %s" % (type(e).__name__, e), file=sys.stderr, flush=True)
                continue
            lines.append({"case": i, "model": case["model"], "task": case["task"], "expected": expected})
    if not wanted and not failed:
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.jsonl"), "w", encoding="utf-8") as f:
            for line in lines:
                f.write(json.dumps(line, ensure_ascii=False) + "\n")
    else:
        print(json.dumps(lines, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
