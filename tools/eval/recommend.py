#!/usr/bin/env python3
"""How good recommendations are, and how fast: leave one out on two event logs, new products, a large store.

    python3 tools/eval/recommend.py [--encoder FOLDER] [--items 1000000]

For every customer with at least three products, all events and orders of the product met last are held out (with
--holdout previous: of the one before, for choosing weights); all methods rank every product the customer has no other
event of. NDCG@10 and recall@10 of the product held out, with 95 % intervals by llmcs-shop evaluate:

    popularity   customers' strongest events, summed
    item-kNN     implicit cosine over customers, the best of binary and weighted, with and without shrinkage
    ours         llmcs-shop recommend

The logs: the demo shop's (examples/shop), and a synthetic one whose customers follow known topics. The share of products
without any event that somebody is recommended shows whether a new product can be found. --items N measures the time of a
recommendation with filters in a store of N products.
"""
import argparse
import collections
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tools", "train"))

from rows import read_jsonl  # noqa: E402

SHOP = os.path.join(os.environ.get("LLMCS_BIN", os.path.join(ROOT, "build", "bin")), "llmcs-shop")
WEIGHTS = {"view": 1, "click": 1.5, "cart": 3, "like": 3, "buy": 5, "purchase": 5, "return": 0}
K = 10


def shop(*arguments, rows=None):
    text = None if rows is None else "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()
    done = subprocess.run([SHOP, *arguments], input=text, capture_output=True)
    if done.returncode:
        raise SystemExit("%s: %s" % (arguments, done.stderr.decode()))
    return [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]


def read_rows(name):
    return read_jsonl(os.path.join(ROOT, "examples", "shop", name))


# ---- logs

def demo_log():
    return {"name": "demo shop", "products": read_rows("products.jsonl"), "customers": read_rows("customers.jsonl"),
            "events": read_rows("events.jsonl"), "orders": read_rows("orders.jsonl")}


def synthetic_log(seed=7, n_products=1500, n_customers=600, n_topics=24, n_events=9000):
    """Each topic has words; products have a topic, customers two or three and a price they like. A tenth of the products
    is new: no customer has an event of them."""
    rng = random.Random(seed)
    syllables = ["ba", "ke", "lo", "mi", "nu", "ra", "sa", "te", "vo", "zi", "gra", "sto", "pli", "dun"]
    words = [["".join(rng.choice(syllables) for _ in range(3)) for _ in range(12)] for _ in range(n_topics)]
    products, popularity, topics, prices = [], [], [], []
    for i in range(n_products):
        topic = rng.randrange(n_topics)
        title = " ".join(rng.sample(words[topic], 4) + [rng.choice(rng.choice(words))])
        price = round(math.exp(rng.gauss(4, 0.9)), 2)
        products.append({"id": "s%05d" % i, "title": title, "category": "c%02d" % (topic // 2), "price": price,
                         "currency": "USD", "stock": 10, "tags": rng.sample(words[topic], 2)})
        popularity.append(0 if i % 10 == 0 else math.exp(rng.gauss(0, 1.1)))
        topics.append(topic)
        prices.append(math.log(price))
    by_topic = collections.defaultdict(list)
    for i, topic in enumerate(topics):
        by_topic[topic].append(i)
    customers, events = [], []
    tastes = [(rng.sample(range(n_topics), rng.randrange(2, 4)), rng.gauss(4, 0.7)) for _ in range(n_customers)]
    for c in range(n_customers):
        customers.append({"id": "u%04d" % c, "lang": "en"})
    for e in range(n_events):
        c = min(int(rng.expovariate(3) * n_customers), n_customers - 1)
        liked, price = tastes[c]
        pool = by_topic[rng.choice(liked)] if rng.random() < 0.85 else range(n_products)
        weights = [popularity[i] * math.exp(-abs(prices[i] - price)) for i in pool]
        item = rng.choices(list(pool), weights)[0]
        kind = rng.choices(["view", "cart", "purchase"], [6, 2, 2])[0]
        events.append({"customer": customers[c]["id"], "item": products[item]["id"], "type": kind,
                       "time": 1700000000 + e * 600})
    return {"name": "synthetic", "products": products, "customers": customers, "events": events, "orders": []}


def hold_out(log, which):
    """(log without what is held out, {customer: item})"""
    first = collections.defaultdict(dict)
    for e in sorted(log["events"], key=lambda e: str(e["time"])):
        first[e["customer"]].setdefault(e["item"], e["time"])
    held = {c: list(items)[-1 if which == "last" else -2] for c, items in first.items() if len(items) >= 3}
    left = [e for e in log["events"] if held.get(e["customer"]) != e["item"]]
    orders = []
    for o in log["orders"]:
        items = [i for i in o["items"] if i["id"] != held.get(o["customer"])]
        if items:
            orders.append(dict(o, items=items))
    return dict(log, events=left, orders=orders), held


# ---- methods

def strongest(events):
    best = collections.defaultdict(dict)
    for e in events:
        w = WEIGHTS.get(e["type"], 1)
        best[e["customer"]][e["item"]] = max(w, best[e["customer"]].get(e["item"], 0))
    return best


def popularity(log, held):
    baskets = strongest(log["events"])
    weight = collections.Counter()
    for items in baskets.values():
        weight.update(items)
    order = sorted((p["id"] for p in log["products"]), key=lambda i: (-weight[i], i))
    out = {}
    for c in held:
        mine = baskets.get(c, {})
        out[c] = [i for i in order if i not in mine][:K]
    return out


def item_knn(log, held, weighted, shrink):
    baskets = {c: {i: math.sqrt(w) if weighted else 1 for i, w in items.items() if w > 0}
               for c, items in strongest(log["events"]).items()}
    squares, pairs = collections.Counter(), collections.defaultdict(collections.Counter)
    for items in baskets.values():
        for i, w in items.items():
            squares[i] += w * w
            for j, v in items.items():
                if i != j:
                    pairs[i][j] += w * v
    out = {}
    for c in held:
        scores = collections.Counter()
        for i, w in baskets.get(c, {}).items():
            for j, s in pairs[i].items():
                scores[j] += w * s / (math.sqrt(squares[i] * squares[j]) + shrink)
        out[c] = [i for i, _ in sorted(scores.items(), key=lambda x: (-x[1], x[0])) if i not in baskets.get(c, {})][:K]
    return out


def make_store(folder, log, encoder):
    path = os.path.join(folder, "store.db")
    for f in os.listdir(folder):
        if f.startswith("store.db"):
            os.unlink(os.path.join(folder, f))
    shop("init", path, *(["--encoder", encoder] if encoder else []))
    for kind in ("products", "customers", "events", "orders"):
        if log[kind]:
            name = os.path.join(folder, kind + ".jsonl")
            with open(name, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in log[kind])
            shop("import-" + kind, path, name)
    return path


def ours(store, held, *options):
    requests = [{"customer": c, "filter": {"out_of_stock": True}} for c in held]
    answers = shop("recommend", store, "--jsonl", *options, rows=requests)
    return {c: [i["id"] for i in a["items"]] for c, a in zip(held, answers)}


# ---- figures

def figures(held, lists):
    rows = [{"relevant": [held[c]], "ranked": lists[c]} for c in held]
    found, = shop("evaluate", "--metric", "ndcg@10,recall@10", "--jsonl", rows=rows)
    return found


def print_line(name, held, lists, new):
    f = figures(held, lists)
    shown = {i for items in lists.values() for i in items}
    share = "%5.1f %%" % (100 * len(new & shown) / len(new)) if new else "    - "
    print("  %-34s %.4f (%.4f to %.4f)   %.4f   %s" % (name, f["ndcg@10"]["score"], f["ndcg@10"]["low"],
                                                       f["ndcg@10"]["high"], f["recall@10"]["score"], share), flush=True)
    return f["ndcg@10"]["score"]


def evaluate(log, folder, encoder, which):
    log, held = hold_out(log, which)
    met = {e["item"] for e in log["events"]} | {i["id"] for o in log["orders"] for i in o["items"]}
    new = {p["id"] for p in log["products"]} - met
    print("%s: %d products (%d without events), %d customers held out of, %d events" %
          (log["name"], len(log["products"]), len(new), len(held), len(log["events"])))
    print("  %-34s NDCG@10 (95 %%)                recall@10  new ones shown" % "")
    print_line("popularity", held, popularity(log, held), new)
    knn = max(print_line("item-kNN, %s%s" % ("weighted" if w else "binary", ", shrink 2" if s else ""), held,
                         item_knn(log, held, w, s), new) for w in (False, True) for s in (0, 2))
    store = make_store(folder, log, encoder)
    only = {"content alone": (1, 0, 0), "together alone": (0, 1, 0), "popular alone": (0, 0, 1)}
    for name, weights in only.items():
        print_line("ours: " + name, held, ours(store, held, "--diversity", "0", *weight_options(weights)), new)
    best = print_line("ours, without diversity", held, ours(store, held, "--diversity", "0"), new)
    print_line("ours", held, ours(store, held), new)
    print("  ours / best item-kNN: %.2f" % (best / knn if knn else math.inf))


def weight_options(weights):
    names = ("--weight-content", "--weight-together", "--weight-popular")
    return [str(x) for pair in zip(names, weights) for x in pair]


def tune(logs, folder, encoder):
    """NDCG@10 of a grid of weights on the products before the last."""
    for log in logs:
        log, held = hold_out(log, "previous")
        store = make_store(folder, log, encoder)
        for content in (0.3, 0.4, 0.5, 0.6, 0.7):
            line = []
            for together in (0.1, 0.2, 0.3, 0.4):
                popular = round(1 - content - together, 2)
                if popular >= 0:
                    lists = ours(store, held, "--diversity", "0", *weight_options((content, together, popular)))
                    line.append("%.1f/%.1f/%.1f %.4f" % (content, together, popular, figures(held, lists)["ndcg@10"]["score"]))
            print(log["name"], "  ".join(line), flush=True)


FILTERS = [{}, {"price_min": 100, "price_max": 200}, {"category": "c07"}, {"category": ["c01", "c30"], "price_max": 20},
           {"tags": "%s"}, {"tags": "%s", "price_min": 500.5, "price_max": 503.5}, {"out_of_stock": True}]


def make_large(folder, path, n, topics, encoder):
    """A store of n products in 400 topics, 40 categories and 400 tags."""
    rng = random.Random(4)
    name = os.path.join(folder, "large.jsonl")
    with open(name, "w") as f:
        for i in range(n):
            topic = rng.randrange(400)
            f.write(json.dumps({"id": "L%07d" % i, "title": " ".join(rng.sample(topics[topic], 5)), "price": rng.randrange(1, 1000),
                                "category": "c%02d" % (topic % 40), "tags": rng.sample(topics[topic][:3], 1), "stock": i % 5}) + "\n")
    events = [{"customer": "u%03d" % (i % 200), "item": "L%07d" % rng.randrange(n), "type": rng.choice(["view", "purchase"]),
               "time": 1700000000 + i} for i in range(20000)]
    start = os.times()
    shop("init", path, *(["--encoder", encoder] if encoder else []))
    shop("import-products", path, *(["--weights", "int8"] if encoder else []), name)
    shop("import-events", path, write(folder, events))
    end = os.times()
    used = end.children_user + end.children_system - start.children_user - start.children_system
    print("%d products imported in %.0f s, %.0f s of processor time" % (n, end.elapsed - start.elapsed, used), flush=True)


def processor_ms(process):
    """All threads of a process."""
    total = 0
    for task in os.listdir("/proc/%d/task" % process.pid):
        with open("/proc/%d/task/%s/schedstat" % (process.pid, task)) as f:
            total += int(f.read().split()[0])
    return total / 1e6


def ask(process, request):
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if "items" not in answer:
        raise SystemExit("%s: %s" % (request, answer))
    return answer


def measure_large(folder, n, encoder, n_requests):
    """Time of a recommendation with filters in a store of n products; kept in `folder` for the next run."""
    rng = random.Random(3)
    words = ["".join(rng.choice("abcdefghijklmnoprstuvw") for _ in range(rng.randrange(4, 9))) for _ in range(20000)]
    topics = [rng.sample(words, 40) for _ in range(400)]
    path = os.path.join(folder, "large-%d%s.db" % (n, "-encoder" if encoder else ""))
    if not os.path.exists(path + ".done"):
        make_large(folder, path, n, topics, encoder)
        open(path + ".done", "w").close()
    process = subprocess.Popen([SHOP, "recommend", path, "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    start = time.time()
    ask(process, {"customer": "u000"})
    print("store read in %.0f s, %.0f s of processor time" % (time.time() - start, processor_ms(process) / 1000), flush=True)
    filters = [json.loads(json.dumps(f).replace("%s", topics[5][0])) for f in FILTERS]
    subjects = [("customer", lambda i: "u%03d" % (i % 200)), ("customer without events", lambda i: "nobody"),
                ("item", lambda i: "L%07d" % (7919 * i % n)), ("text", lambda i: " ".join(topics[i % 400][:3]))]
    for subject, value in subjects:
        for f in filters:
            used, ms, least = [], [], 10
            for i in range(n_requests):
                before = processor_ms(process)
                answer = ask(process, {subject.split()[0]: value(i), "filter": f})
                used.append(processor_ms(process) - before)
                ms.append(answer["ms"])
                least = min(least, len(answer["items"]))
            used.sort(), ms.sort()
            print("  %-24s filter %-62s median %6.2f ms, p99 %6.2f; processor time %6.2f, p99 %6.2f; at least %d products" %
                  (subject, json.dumps(f), statistics.median(ms), ms[-1 - n_requests // 100], statistics.median(used), used[-1 - n_requests // 100], least), flush=True)
    process.stdin.close()
    process.wait()


def write(folder, rows):
    name = os.path.join(folder, "rows.jsonl")
    with open(name, "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", help="folder of an encoder for the products' texts [none: hashed words]")
    parser.add_argument("--items", type=int, default=0, help="measure a store of so many products [0: not]")
    parser.add_argument("--requests", type=int, default=200, help="of each kind in the store of --items")
    parser.add_argument("--folder", help="where the store of --items is kept and found again [a temporary folder]")
    parser.add_argument("--holdout", choices=("last", "previous"), default="last")
    parser.add_argument("--tune", action="store_true", help="print a grid of weights instead")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if a.items:
            measure_large(a.folder or folder, a.items, a.encoder, a.requests)
        elif a.tune:
            tune([demo_log(), synthetic_log()], folder, a.encoder)
        else:
            for log in (demo_log(), synthetic_log()):
                evaluate(log, folder, a.encoder, a.holdout)


if __name__ == "__main__":
    main()
