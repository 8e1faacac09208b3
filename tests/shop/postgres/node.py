"""One node: a desk on its own copy of the store and the shared database. JSON Lines in and out, in the order they come.

usage: node.py STORE CONNINFO [--host EFFECTS] [--deadline MS]
--host: cancel_order is the host's, which adds a line with the key to the file EFFECTS.
"""
import argparse
import json
import os
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
import llmcs_shop  # noqa: E402

p = argparse.ArgumentParser()
p.add_argument("store")
p.add_argument("conninfo")
p.add_argument("--host")
p.add_argument("--deadline", type=float, default=0)
arguments = p.parse_args()


def act(call):
    if not call.is_action:
        return []
    with open(arguments.host, "a", encoding="utf-8") as f:
        f.write(call.key + "\n")
    return {}


def answer(desk, r):
    name = r.pop("do", "say")
    if name == "say":
        t = desk.say(r["text"], r["conversation"], r.get("customer"), r.get("id"))
        a = t.action
        return {"reply": t.reply, "route": t.route, "repeated": bool(t.repeated), "expects": t.expects, "lang": t.lang, "number": t.number,
                "action": None if a is None else {"name": a.name, "object": a.object, "state": a.state, "key": a.key}}
    return {"done": getattr(desk, name)(**r)}


host = {"call": act, "host_calls": ["cancel_order"]} if arguments.host else {}
desk = llmcs_shop.Desk(arguments.store, postgres=arguments.conninfo, deadline_ms=arguments.deadline, **host)
print(json.dumps({"ready": os.getpid()}), flush=True)
for line in sys.stdin:
    try:
        out = answer(desk, json.loads(line))
    except Exception as e:
        out = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(out, ensure_ascii=False, default=str), flush=True)
desk.close()
