#!/usr/bin/env python3
"""same_turns.py: checks that two builds of the library give identical answers.

    tools/eval/same_turns.py record STORE before.jsonl --libraries OLD/build/lib
    tools/eval/same_turns.py record STORE after.jsonl
    tools/eval/same_turns.py compare before.jsonl after.jsonl

record plays the tuning halves of examples/shop/desk-{questions,dialogues} on a copy of the store: each turn of the desk,
then for each text the knowledge base with all its candidates, within a tag, by words and by vectors alone, and the
recommender. Numbers are written as they are in memory; milliseconds are left out. The order is fixed, one thread."""
import glob
import json
import os
import shutil
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(ROOT, "examples", "shop")
ASKER = {"en": "c001", "zh": "c002"}  # who asks the single questions
NOW = 1794830400  # the setting llmcs.now of the demo shop


def rows(name):
    for path in sorted(glob.glob(os.path.join(SHOP, name))):
        with open(path, encoding="utf-8") as f:
            yield from (json.loads(line) for line in f if line.strip())


def exact(value):
    """Floats as hexadecimal digits, named tuples as dictionaries, without milliseconds."""
    if isinstance(value, float):
        return value.hex()
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {k: exact(v) for k, v in value.items() if k != "ms" and not k.endswith("_ms")}
    return [exact(v) for v in value] if isinstance(value, (list, tuple)) else value


def turns(desk, say):
    for row in rows("desk-questions-tune.*.jsonl"):
        yield desk.say(row["text"], row["id"], row.get("customer", ASKER[row["id"][:2]]))
        say.append((row["id"][:2], row["text"]))
    for row in rows("desk-dialogues-tune.*.jsonl"):
        for turn in row["turns"]:
            if "text" in turn:
                yield desk.say(turn["text"], row["id"], row.get("customer"))
                say.append((row["id"][:2], turn["text"]))


def answers(shop, texts):
    from llmcs import Error  # pylint: disable=import-outside-toplevel

    for lang, text in texts:
        for how in ({"k": 20}, {"k": 20, "tags": ["account"]}, {"k": 20, "tags": ["invoice", "price"], "lang": lang},
                    {"k": 20, "search": "words"}, {"k": 20, "search": "vectors"}):
            try:
                yield shop.ask(text, now=NOW, **how)
            except Error as problem:
                yield {"refused": str(problem)}
        try:
            yield shop.recommend(text=text, lang=lang, k=5)
        except Error as problem:
            yield {"refused": str(problem)}


def record(store, out, libraries):
    os.environ["LLMCS_LIBRARY"] = os.path.join(libraries, "libllmcs.so.1")
    os.environ["LLMCS_SHOP_LIBRARY"] = os.path.join(libraries, "libllmcs_shop.so.0")
    sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
    import llmcs  # pylint: disable=import-outside-toplevel
    import llmcs_shop  # pylint: disable=import-outside-toplevel

    said = []
    with tempfile.TemporaryDirectory() as folder, open(out, "w", encoding="utf-8") as f:
        for path in glob.glob(store + "*"):
            shutil.copy(path, folder)
        copy = os.path.join(folder, os.path.basename(store))
        with llmcs_shop.Desk(copy) as desk:
            for turn in turns(desk, said):
                print(json.dumps(exact(turn), ensure_ascii=False), file=f)
        with llmcs.Model(os.path.join(ROOT, "examples", "models", "shop-encoder")) as encoder:
            with llmcs_shop.Shop(copy, encoder=encoder) as shop:
                for answer in answers(shop, said):
                    print(json.dumps(exact(answer), ensure_ascii=False), file=f)
    return 0


def compare(before, after):
    with open(before, encoding="utf-8") as a, open(after, encoding="utf-8") as b:
        old, new = a.read().splitlines(), b.read().splitlines()
    differ = [i for i, (x, y) in enumerate(zip(old, new)) if x != y]
    for i in differ[:5]:
        print("line %d\n  %s\n  %s" % (i + 1, old[i], new[i]))
    print("%d lines and %d lines, %d differ" % (len(old), len(new), len(differ)))
    return 0 if old and len(old) == len(new) and not differ else 1


def main(argv):
    if len(argv) == 4 and argv[1] == "compare":
        return compare(*argv[2:])
    if argv[1:2] == ["record"] and (len(argv) == 4 or (len(argv) == 6 and argv[4] == "--libraries")):
        return record(argv[2], argv[3], argv[5] if len(argv) == 6 else os.path.join(ROOT, "build", "lib"))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
