#!/usr/bin/env python3
"""wording.py: scores the wording model and its gate on facts of the demo shop and on attribute lists.

    wording.py [--model FOLDER] [--cases N] [--show]         replies from facts, product copy
    wording.py --generated STORE                             numbers in replies of `llmcs-shop ask --generate`

Replies: entries with test questions of examples/shop/faq-test.*.jsonl (entries held back from training are counted
apart), questions that no entry answers with an entry beside the point, and orders and products of the demo shop with
questions that are not in the training templates. Copy: ten lists a language in build/bin/product_copy, which tries up to
six texts; none of these products is in the demo shop."""
import argparse
import json
import os
import random
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SHOP = os.path.join(ROOT, "examples", "shop")
sys.path[:0] = [os.path.join(ROOT, "tools", "python"), os.path.join(ROOT, "tools", "train")]
os.environ.setdefault("LLMCS_LIBRARY", os.path.join(BUILD, "lib", "libllmcs.so"))

ABSTAINS = {"en": "don't have that information", "zh": "没有查到"}
ORDER_QUESTIONS = {
    "en": {"status": ["hello, could you look up how far my order has got", "what's up with my purchase", "did it leave yet?"],
           "carrier": ["with whom did you ship it", "name of the delivery firm?"], "tracking": ["i need the number to trace the package", "give me the consignment number"],
           "total": ["what sum was charged", "what did the whole order come to"], "city": ["to what town are you delivering"]},
    "zh": {"状态": ["帮忙看看订单进行到哪一步了", "东西寄出来没有"], "快递": ["请问走的是哪个快递公司", "谁家送的呀"], "单号": ["想自己查物流，单号给我一下", "麻烦发下运单号码"],
           "金额": ["这笔一共扣了多少", "总价是多少来着"], "城市": ["货是往哪个城市送的"]}}
PRODUCT_QUESTIONS = {
    "en": {"price": ["what would I have to pay for it", "tell me what it costs"], "material": ["what stuff is it made from"], "colour": ["is it red or which colour"], "stock": ["are there any left"]},
    "zh": {"价格": ["这个卖多少", "请问价位"], "材质": ["用什么材料做的"], "颜色": ["啥颜色的呀"], "库存": ["现在还有没有"]}}
LISTS = {
    "en": ["Tallow Creek Enamel Coffee Pot, cornflower blue, 1.3 l; material: enamelled steel", "Nimbus Loft Goose Feather Duvet, white, 155 x 220 cm; weight: 940 g",
           "Arkwell Trail Running Vest, black and lime, S to L; capacity: 8 l", "Peddlar Canvas Weekend Bag, sand, 42 l; material: waxed canvas",
           "Ohmic Desk Fan, graphite; power: 35 W; size: 30 cm", "Fernbank Oak Shoe Rack, natural; material: oak; size: 80 x 30 x 45 cm",
           "Lumen & Lye Oat Hand Soap, unscented, 250 ml; skin: sensitive skin", "Zubari Wooden Train Set, 64 pieces; age: from 4 years; material: beech",
           "Coldharbour Camping Stove; power: 2,800 W; weight: 390 g", "Inkerman Dot Grid Journal, forest green, A5, 192 pages"],
    "zh": ["炊烟里 珐琅咖啡壶 矢车菊蓝 1.3升；材质：珐琅钢", "云上棉 鹅绒被 白色 155×220厘米；重量：940克", "山行者 越野背心 黑绿 S至L；容量：8升", "帆布匠 周末旅行袋 沙色 42升；材质：蜡染帆布",
           "微风 桌面风扇 石墨灰；功率：35瓦；规格：30厘米", "木石间 橡木鞋架 原木色；材质：橡木；规格：80×30×45厘米", "燕麦铺 洗手液 无香 250毫升；适合肤质：敏感肌",
           "小火车 木质轨道套装 64件；适用年龄：4岁以上；材质：榉木", "冷港 露营炉；功率：2800瓦；重量：390克", "墨野 点阵手账本 森林绿 A5 192页"]}


def read(name):
    with open(os.path.join(SHOP, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def numbers(text):
    return set(re.findall(r"\d+(?:[.,:]\d+)*", text))


def pieces(text):
    """English words and pairs of Chinese characters."""
    han = "".join(re.findall(r"[\u4e00-\u9fff]", text))
    return set(re.findall(r"[a-z]{3,}", text.lower())) | {han[i:i + 2] for i in range(len(han) - 1)}


def holds(text, needed):
    """The text says what was asked for: the value, or of an entry a number, or half of its first sentence."""
    if len(needed) < 40 and "。" not in needed and ". " not in needed:
        return needed in text
    if numbers(needed):
        return bool(numbers(needed) & numbers(text))
    first = pieces(re.split(r"[.。!！?？]", needed)[0])
    return len(first & pieces(text)) * 2 >= len(first)


def entry_cases(rng, language, count):
    """[(part, facts, question, needed or None)]"""
    import shop_facts
    entries = {row["id"]: row["answer"] for row in read(f"faq.{language}.jsonl")}
    tests = read(f"faq-test.{language}.jsonl")
    known = [t for t in tests if t["id"]]
    off = [t for t in tests if not t["id"]]
    cases = []
    for t in known:
        part = "entries held back" if shop_facts.is_held_out(t["id"]) else "entries trained on"
        cases.append((part, [entries[t["id"]]], t["text"], entries[t["id"]]))
    cases = [c for part in ("entries held back", "entries trained on") for c in pick(rng, [c for c in cases if c[0] == part], count)]
    cases += [("no entry answers", [rng.choice(list(entries.values()))], t["text"], None) for t in pick(rng, off, count)]
    for t in pick(rng, known, count):
        cases.append(("another entry", [entries[rng.choice([i for i in entries if i.split("-")[0] != t["id"].split("-")[0]])]], t["text"], None))
    return cases


def pick(rng, rows, count):
    return rng.sample(rows, min(count, len(rows)))


def value_cases(rng, language, count):
    shop = json.load(open(os.path.join(SHOP, "shop.json"), encoding="utf-8"))
    products = {p["id"]: p for p in read("products.jsonl")}
    cases = []
    for order in pick(rng, [o for o in read("orders.jsonl") if o.get("carrier")], count):
        status = shop["statuses"][order["status"]][language]
        carrier = order["carrier"] if language == "en" else shop["carriers"][order["carrier"]]
        values = ({"order": order["id"], "status": status, "carrier": carrier, "tracking": order["tracking"], "total": f"{order['total']} yuan", "city": order["city"]} if language == "en" else
                  {"订单": order["id"], "状态": status, "快递": carrier, "单号": order["tracking"], "金额": f"{order['total']}元", "城市": order["city"]})
        cases += ask_values(rng, "orders", values, ORDER_QUESTIONS[language])
    for product in pick(rng, list(products.values()), count):
        attributes = product["attributes"][language]
        values = {("product" if language == "en" else "商品"): product["title"][language], ("price" if language == "en" else "价格"): f"{product['price']} yuan" if language == "en" else f"{product['price']}元",
                  ("stock" if language == "en" else "库存"): str(product["stock"]) if language == "en" else f"{product['stock']}件", **attributes}
        cases += ask_values(rng, "products", values, PRODUCT_QUESTIONS[language])
    return cases


def ask_values(rng, part, values, questions):
    """One question that the values answer and one about a value that is taken out."""
    known = [k for k in questions if k in values]
    asked, missing = rng.sample(known, 2)
    without = {k: v for k, v in values.items() if k != missing}
    return [(part, list(values.items()), rng.choice(questions[asked]), values[asked]),
            (part + ", value missing", list(without.items()), rng.choice(questions[missing]), None)]


def prompt_of(facts, question):
    text = "; ".join(f if isinstance(f, str) else f"{f[0]}: {f[1]}" for f in facts)
    return f"Facts: {text}\nUser: {question}\nBot:"


def replies(args, llmcs, llmcs_shop):
    model = llmcs.Model(args.model)
    engine = llmcs.Engine(model)
    print("| language | kind | questions | let through | right | abstained |\n|---|---|---|---|---|---|")
    for language in ("en", "zh"):
        rng = random.Random(args.seed)
        cases = entry_cases(rng, language, args.cases) + value_cases(rng, language, args.cases)
        made = []
        for i in range(0, len(cases), 64):
            made += engine.generate([prompt_of(f, q) for _, f, q, _ in cases[i:i + 64]], max_new_tokens=160, stop_strings=["\nUser:", "\nFacts:"])
        judged = {}
        for (part, facts, question, needed), said in zip(cases, made):
            text = said.text.strip()
            verdict = llmcs_shop.gate(text, facts, language)
            passed = verdict.passed and said.finish_reasons[0] in ("stop", "stop_string")
            abstained = ABSTAINS[language] in text
            right = abstained if needed is None else passed and not abstained and holds(text, needed)
            judged.setdefault(part, []).append((passed, right, abstained))
            if args.show:
                print(f"{'ok   ' if right else 'WRONG'} {part}: {prompt_of(facts, question)!r} -> {text!r} {verdict.reason} {verdict.found}", file=sys.stderr)
        for part, rows in judged.items():
            n = len(rows)
            print(f"| {language} | {part} | {n} | " + " | ".join(f"{sum(r[k] for r in rows) / n:.3f}" for k in range(3)) + " |", flush=True)


def copies(args):
    """usable: the model's own sentences, which passed, name the product and at least half of the values; the program adds
    the others. Whether they read well is for the reader."""
    for language in ("en", "zh"):
        done = subprocess.run([os.path.join(BUILD, "bin", "product_copy"), "--model", args.model, "--explain", *LISTS[language]], capture_output=True, check=True, cwd=ROOT)
        texts, said = done.stdout.decode().splitlines(), done.stderr.decode()
        named = [(int(a), int(b)) for a, b in re.findall(r"the model names (\d+) of (\d+) values", said)]
        usable = [2 * a >= b for a, b in named]
        kept = sum(numbers(given) <= numbers(text) for text, given in zip(texts, LISTS[language]))
        print(f"product copy, {language}: usable {sum(usable)} of {len(usable)}, all numbers kept in {kept}, values named by the model itself "
              f"{sum(a for a, _ in named) / sum(b for _, b in named):.2f}, sentences dropped {said.count('dropped')}")
        for text, good in zip(texts, usable):
            print(f"  {'' if good else '(not usable) '}{text}")


def generated(args):
    """Every number of 1,000 replies stands in the entry that is cited."""
    total = routed = invented = 0
    for language in ("en", "zh"):
        answers = {row["id"]: row["answer"] for row in read(f"faq.{language}.jsonl")}
        questions = [q for row in read(f"faq.{language}.jsonl") for q in row["questions"]] + [row["text"] for row in read(f"faq-test.{language}.jsonl")]
        lines = "".join(json.dumps({"text": q, "lang": language}, ensure_ascii=False) + "\n" for q in questions)
        done = subprocess.run([os.path.join(BUILD, "bin", "llmcs-shop"), "ask", args.generated, "--jsonl", "--writer", args.model, "--generate", "--threshold", "0"], input=lines.encode(), capture_output=True, check=True, cwd=ROOT)
        for line in done.stdout.decode().splitlines():
            row = json.loads(line)
            total += 1
            routed += row["route"] == "GENERATED"
            known = " ".join(answers.get(c["id"], "") for c in row["citations"])
            bad = row["route"] == "GENERATED" and not numbers(row["answer"]) <= numbers(known)
            invented += bad
            if bad:
                print(f"invented: {row['answer']} from {known}")
    print(f"{total} questions, {routed} replies worded by the model, {invented} with a number that the cited entry does not hold")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default=os.path.join(ROOT, "examples", "models", "shop-gpt2"))
    p.add_argument("--cases", type=int, default=60, help="of each kind (default: %(default)s)")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--show", action="store_true", help="every reply on stderr")
    p.add_argument("--generated", metavar="STORE", help="count numbers of replies that this store's entries do not hold")
    args = p.parse_args()
    if args.generated:
        generated(args)
        return
    import llmcs
    import llmcs_shop
    replies(args, llmcs, llmcs_shop)
    copies(args)


if __name__ == "__main__":
    main()
