"""Writes schemas.jsonl: 1,000 random JSON schemas of what llmcs_grammar_json_schema supports. Deterministic.

    python tests/data/grammar/make_schemas.py
"""

import json
import os
import random

R = random.Random(20261129)
SCALARS = ["integer", "number", "string", "enum", "boolean"]
KINDS = SCALARS + ["const", "null", "object", "array", "any", "pattern", "format", "types", "map", "allOf", "anyOf"]
VALUES = [1, 2.5, "x", 'é\n"\\', "", None, True, [1, {"a": "b"}], {}, [], {"q": []}]
PATTERNS = ["^[a-z]+$", "^(foo|bar)?[0-9]{2,4}$", "ab+c", "^\\w+@\\w+\\.[a-z]{2,3}$", "^.{3}$", '^"\\\\n$']


def bounds(kinds, most):
    low, high = sorted([R.randrange(-most, most), R.randrange(-most, most)])
    found = {}
    if R.random() < 0.6:
        found[R.choice(kinds)[0]] = low - 1
    if R.random() < 0.6:
        found[R.choice(kinds)[1]] = high + 1
    return found


def schema(depth):
    kind = R.choice(KINDS if depth else SCALARS)
    if kind == "integer":
        pairs = [("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum")]
        return {"type": kind, **bounds(pairs, R.choice([3, 2000, 10**15]))}
    if kind == "number":
        return {"type": kind, **bounds([("minimum", "maximum")], 300)}
    if kind == "string":
        s = {"type": kind}
        if R.random() < 0.4:
            s["minLength"] = R.randrange(4)
        if R.random() < 0.4:
            s["maxLength"] = R.randrange(4, 9)
        return s
    if kind == "enum":
        return {"enum": R.sample(VALUES, R.randrange(1, 5))}
    if kind == "const":
        return {"const": R.choice(VALUES)}
    if kind in ("boolean", "null"):
        return {"type": kind}
    if kind == "object":
        names = R.sample(["a", "b c", 'd"e', "漢", "f/g", "h~", "i"], R.randrange(1, 6))
        s = {"type": kind, "properties": {n: schema(depth - 1) for n in names}}
        s["required"] = [n for n in names if R.random() < 0.5]
        if R.random() < 0.5:
            s["additionalProperties"] = False
        return s
    if kind == "array":
        s = {"type": kind, "items": schema(depth - 1)}
        if R.random() < 0.5:
            s["minItems"] = R.randrange(3)
        if R.random() < 0.5:
            s["maxItems"] = R.randrange(3, 6)
        return s
    if kind == "pattern":
        return {"type": "string", "pattern": R.choice(PATTERNS)}
    if kind == "format":
        return {"type": "string", "format": R.choice(["date", "time", "date-time", "email", "uuid"])}
    if kind == "types":
        return {"type": R.sample(["string", "integer", "null", "boolean", "array"], 2)}
    if kind == "map":
        return {"type": "object", "additionalProperties": schema(depth - 1)}
    if kind == "allOf":
        first = {"type": "object", "properties": {"m": schema(depth - 1)}, "required": ["m"]}
        return {"allOf": [first, {"properties": {"n": schema(depth - 1)}}]}
    if kind == "anyOf":
        return {"anyOf": [schema(depth - 1), schema(depth - 1)]}
    return {}


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas.jsonl"), "w", encoding="utf-8") as f:
    for _ in range(1000):
        f.write(json.dumps(schema(3), ensure_ascii=R.random() < 0.5) + "\n")
