#!/usr/bin/env python3
"""Writes the demo shop's data (JSON Lines) from the texts next to it, always the same bytes.

    generate.py            write the files into this folder
    generate.py --check    list the files that are out of date; exit code 1 if there are any
    generate.py --out DIR  write them somewhere else
"""
import argparse
import json
import math
import os
import random
import re
import sys
from datetime import timedelta

import flows
import sources
from facts import (ABROAD, CARRIERS, CITIES, CURRENCY, FACTS, FAMILY_NAMES, FIRST_NAMES, GIVEN_NAMES, LAST_NAMES, NAME,
                   NOT_SHIPPED, SLOTS, STATUSES, TODAY)

SEED = "pomelo lane"
LANGUAGES = ("en", "zh")
PER_TYPE = 4              # products of a type
N_CUSTOMERS = 300
N_ORDERS = 600
N_EVENTS = 5000
ORDER_DAYS = 150          # the oldest order
PER_INTENT = {"Q": 120, "T": 20}
PER_OOS = {"Q": 1100, "T": 120}
HASTY_SHARE = 0.2         # of the messages for training
MAX_QUESTIONS = 60        # of an FAQ entry

# Attribute names in Chinese, in the order in which a product page lists them.
ATTRIBUTES = {"colour": "颜色", "material": "材质", "capacity": "容量", "size": "规格", "sizes": "尺码", "weight": "重量",
              "origin": "产地", "roast": "烘焙度", "power": "功率", "battery": "续航", "keys": "键位", "switches": "轴体",
              "light": "色温", "skin": "适合肤质", "hair": "适合发质", "protection": "防晒指数", "age": "适用年龄",
              "players": "人数", "temperature": "温标", "nib": "笔尖", "ruling": "内页", "tip": "笔尖粗细", "year": "年份"}
IN_TITLE = ("colour", "capacity", "size", "weight", "battery", "sizes")   # the colour and one of the others
TASTE_TAGS = ("tea", "coffee", "travel", "outdoor", "camping", "sport", "kids", "office", "home", "music", "winter", "summer",
              "gift", "school", "cooking", "women", "men", "family", "bedroom")


def stream(part):
    """A separate random stream for each part, so a change in one does not affect the others."""
    return random.Random(f"{SEED}: {part}")


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


# ---------------------------------------------------------------- products

def sentence(text):
    return text[0].upper() + text[1:]


def price_of(rng, bounds, picks):
    """Larger sizes cost more: the place between the bounds is the mean place of the choices, with some noise."""
    places = [i / (n - 1) for i, n in picks if n > 1]
    share = sum(places) / len(places) if places else 0.5
    share = min(1, max(0, 0.8 * share + 0.2 * rng.random()))
    price = bounds[0] + (bounds[1] - bounds[0]) * share
    return round(price / 10) * 10 - 1 if price > 60 else max(bounds[0], round(price))


def make_product(rng, category, kind, number, colour, picks):
    brand = category["brand"][number % len(category["brand"])]
    style = category["style"][number % len(category["style"])]
    options = {"colour": colour, **{name: kind["attributes"][name][i] for name, i in picks.items() if name != "colour"}}
    measured = next((options[name] for name in IN_TITLE[1:] if name in options), None)
    price = price_of(rng, kind["price"], [(i, len(kind["attributes"][name])) for name, i in picks.items()
                                          if name not in ("colour", "sizes", "origin")])
    features = rng.sample(kind["features"], rng.choice([2, 2, 3]))
    parts = [kind["opening"], *features, rng.choice(category["close"])]
    stock = 0 if rng.random() < 0.07 else rng.randint(1, 5) if rng.random() < 0.13 else rng.randint(6, 240)
    ordered = [name for name in ATTRIBUTES if name in options]
    names = {name: (name, ATTRIBUTES[name]) for name in ordered}
    if "colour" not in kind["attributes"]:
        names["colour"] = sources.INSTEAD_OF_COLOUR.get(category["id"], names["colour"])
    return {
        "title": {"en": ", ".join(filter(None, [f"{brand[0]} {style[0]} {kind['name'][0]}", colour[0], measured and measured[0]])),
                  "zh": " ".join(filter(None, [brand[1], style[1] + kind["name"][1], colour[1], measured and measured[1]]))},
        "description": {"en": " ".join(sentence(p[0]) for p in parts), "zh": "".join(p[1] for p in parts)},
        "category": category["id"], "brand": brand[0], "price": price, "currency": CURRENCY, "stock": stock,
        "attributes": {"en": {names[name][0]: options[name][0] for name in ordered},
                       "zh": {names[name][1]: options[name][1] for name in ordered}},
        "tags": [kind["name"][0].lower().replace("'s", "s").replace(" ", "-"), *kind["tags"]]}


def make_products(categories):
    rng = stream("products")
    products = []
    for category in categories:
        for index, kind in enumerate(category["types"]):
            colours = kind["attributes"].get("colour", category["colour"])
            names = [name for name in kind["attributes"] if name != "colour"]
            seen = set()
            while len(seen) < PER_TYPE:
                colour = rng.choice(colours)
                picks = {name: rng.randrange(len(kind["attributes"][name])) for name in names}
                key = (colour, *picks.values())
                if key in seen:
                    continue
                seen.add(key)
                product = make_product(rng, category, kind, index + len(seen), colour, picks)
                products.append({"id": f"P{1001 + len(products)}", **product})
    return products


# ---------------------------------------------------------------- customers, their tastes and their events

def make_customers():
    rng = stream("customers")
    english = [f"{a} {b}" for a in FIRST_NAMES for b in LAST_NAMES]
    chinese = [a + b for a in FAMILY_NAMES for b in GIVEN_NAMES]
    rng.shuffle(english)
    rng.shuffle(chinese)
    customers = []
    for i in range(N_CUSTOMERS):
        language = "en" if i % 5 in (0, 3) else "zh"
        since = TODAY - timedelta(days=ORDER_DAYS + rng.randint(1, 900))
        customers.append({"id": f"c{i + 1:03}", "name": (english if language == "en" else chinese).pop(), "lang": language,
                          "since": since.strftime("%Y-%m-%d")})
    return customers


def make_taste(rng, categories):
    """What a customer likes: two or three categories, four tags, a brand here and there, and a price level of 0 to 1."""
    return {"categories": rng.sample([c["id"] for c in categories], rng.choice([2, 2, 3])),
            "tags": set(rng.sample(TASTE_TAGS, 4)), "price": rng.random(),
            "brands": {rng.choice(c["brand"])[0] for c in rng.sample(categories, 5)},
            "abroad": rng.random() < 0.12, "city": rng.random()}


class Shelf:
    """Chooses products as customers do: by taste, popularity, and what they looked at just before."""

    def __init__(self, products):
        rng = stream("popularity")
        self.popularity = {p["id"]: rng.gauss(0, 0.8) for p in products}
        self.by_category = {}
        for p in products:
            self.by_category.setdefault(p["category"], []).append(p)
        self.price_rank = {}
        for members in self.by_category.values():
            for rank, p in enumerate(sorted(members, key=lambda p: (p["price"], p["id"]))):
                self.price_rank[p["id"]] = rank / len(members)

    def choose(self, rng, taste, before=None):
        roll = rng.random()
        if before and roll < 0.7:
            category = before["category"]
        elif roll < 0.93:
            category = rng.choice(taste["categories"])
        else:
            category = rng.choice(list(self.by_category))
        members = self.by_category[category]
        weights = [math.exp(self.popularity[p["id"]] + 1.2 * len(taste["tags"] & set(p["tags"])) + (p["brand"] in taste["brands"])
                            - 2.5 * abs(self.price_rank[p["id"]] - taste["price"])
                            + (1.5 if before and before["tags"][0] == p["tags"][0] else 0)) for p in members]
        return rng.choices(members, weights)[0]


def status_of(rng, age, abroad):
    """A status that is possible at this age in days; facts.py says when unpaid orders end and how long deliveries take."""
    if age < 1:
        return rng.choice(["pending_payment", "paid", "paid", "packed"])
    if age < 2:
        return rng.choice(["paid", "packed", "shipped", "shipped"])
    if age < (12 if abroad else 5):
        return rng.choice(["shipped"] * 8 + ["delivered"] * (1 if abroad else 5) + ["cancelled"])
    if age < 30:
        return rng.choice(["delivered"] * 20 + ["cancelled"] * 2 + ["return_requested"] * 2 + ["returned", "refunded", "refunded"])
    return rng.choice(["delivered"] * 20 + ["cancelled"] * 2 + ["refunded"] * 2)


def order_times(rng, customers):
    """[(time, customer, status or None)], the oldest first. The first two customers have an order of every interesting kind."""
    fixed = [(0.3, "pending_payment"), (2.6, "shipped"), (12.4, "delivered"), (41.7, "refunded")]
    out = [(TODAY - timedelta(days=age + i / 24), customers[i], status) for i in (0, 1) for age, status in fixed]
    out += [(TODAY - timedelta(days=rng.random()), rng.choice(customers), None) for _ in range(8)]
    active = [rng.paretovariate(1.6) for _ in customers]
    while len(out) < N_ORDERS:
        age = ORDER_DAYS * rng.random() ** 1.3
        out.append((TODAY - timedelta(days=age), rng.choices(customers, active)[0], None))
    return sorted(((t.replace(microsecond=0), c, s) for t, c, s in out), key=lambda row: (row[0], row[1]["id"]))


def make_order(rng, shelf, taste, time, customer, status):
    items, before = [], None
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
        product = shelf.choose(rng, taste, before)
        if all(product["id"] != item["id"] for item in items):
            quantity = 1 if product["price"] > 300 else rng.choice([1, 1, 1, 1, 2, 2, 3])
            items.append({"id": product["id"], "quantity": quantity, "price": product["price"]})
        before = product
    abroad = taste["abroad"]
    places = (ABROAD if abroad else CITIES)[customer["lang"]]
    total = sum(item["quantity"] * item["price"] for item in items)
    fee, free = (FACTS["abroad_fee"], FACTS["abroad_free"]) if abroad else (FACTS["shipping_fee"], FACTS["free_shipping"])
    status = status or status_of(rng, (TODAY - time).total_seconds() / 86400, abroad)
    carrier = "Harbour Post" if abroad else rng.choice(["Redkite"] * 5 + ["Swiftgull"])
    fee = FACTS["express_fee"] if carrier == "Swiftgull" else fee if total < free else 0
    tracking = CARRIERS[carrier]["tracking"] + "".join(rng.choice("0123456789") for _ in range(10))
    moved = status not in NOT_SHIPPED
    return {"customer": customer["id"], "status": status, "time": iso(time), "items": items, "total": total + fee,
            "currency": CURRENCY, "carrier": carrier if moved else None, "tracking": tracking if moved else None,
            "city": places[int(taste["city"] * len(places))]}


def events_of_order(rng, order, time):
    events = []
    for item in order["items"]:
        looked = time - timedelta(minutes=rng.randint(8, 90))
        events.append((looked, order["customer"], item["id"], rng.choice(["view", "view", "click"])))
        if rng.random() < 0.6 or order["status"] == "pending_payment":
            events.append((looked + timedelta(minutes=rng.randint(1, 6)), order["customer"], item["id"], "cart"))
        if order["status"] != "pending_payment":
            events.append((time, order["customer"], item["id"], "purchase"))
            liked = time + timedelta(days=rng.randint(3, 12), minutes=rng.randint(0, 600))
            if order["status"] == "delivered" and rng.random() < 0.2 and liked < TODAY:
                events.append((liked, order["customer"], item["id"], "like"))
    return events


def browse(rng, shelf, taste, customer):
    time = (TODAY - timedelta(days=ORDER_DAYS * rng.random() ** 1.3)).replace(microsecond=0)
    events, before = [], None
    for _ in range(rng.randint(1, 6)):
        before = shelf.choose(rng, taste, before)
        events.append((time, customer["id"], before["id"], "view"))
        for action, chance in (("click", 0.3), ("like", 0.1), ("cart", 0.12)):
            if rng.random() < chance:
                time += timedelta(seconds=rng.randint(5, 60))
                events.append((time, customer["id"], before["id"], action))
        time += timedelta(seconds=rng.randint(20, 400))
    return [event for event in events if event[0] < TODAY]


def make_history(customers, products, categories):
    """(orders, events)"""
    rng = stream("history")
    shelf = Shelf(products)
    tastes = {c["id"]: make_taste(rng, categories) for c in customers}
    orders, events, days = [], [], {}
    for time, customer, status in order_times(rng, customers):
        order = make_order(rng, shelf, tastes[customer["id"]], time, customer, status)
        day = time.strftime("%y%m%d")
        days[day] = days.get(day, rng.randint(1, 9)) + rng.randint(1, 7)
        orders.append({"id": f"PL{day}{days[day]:02}", **order})
        events += events_of_order(rng, order, time)
    # Each customer visits at least once; the remaining visits are by frequent ones.
    visitors = list(customers) + rng.choices(customers, [rng.paretovariate(1.5) for _ in customers], k=N_EVENTS)
    for customer in visitors:
        if len(events) >= N_EVENTS:
            break
        events += browse(rng, shelf, tastes[customer["id"]], customer)[:N_EVENTS - len(events)]
    events.sort()
    return orders, [{"customer": c, "item": i, "type": kind, "time": iso(t)} for t, c, i, kind in events]


# ---------------------------------------------------------------- FAQ

def bare(text):
    """The letters and digits of a message, for comparison."""
    return "".join(c for c in text.lower() if c.isalnum())


def add_phrasings(entries, language):
    """The phrasings behind the entries' own questions, each text once; a phrasing that is kept apart for figures is left out."""
    by_id = {entry["id"]: entry for entry in entries}
    taken = {bare(text) for entry in entries for text in entry["questions"] + entry["tests"]}
    taken |= {bare(text) for _, text in sources.lines(f"unanswerable.{language}.txt")}
    for name, texts in sources.more(f"phrasings.{language}.txt").items():
        if name not in by_id:
            raise ValueError(f"phrasings.{language}.txt: {name!r} is not an entry of faq.{language}.txt")
        for text in texts:
            if bare(text) not in taken and len(by_id[name]["questions"]) < MAX_QUESTIONS:
                taken.add(bare(text))
                by_id[name]["questions"].append(text)


def faq_files(language):
    facts = {name: value[language] if isinstance(value, dict) else value for name, value in FACTS.items()}
    entries, tests = [], []
    read = sources.faq_entries(language)
    add_phrasings(read, language)
    for entry in read:
        entries.append({"id": entry["id"], "questions": entry["questions"], "answer": entry["answer"].format(**facts),
                        "lang": language, "tags": entry["tags"]})
        tests += [{"text": text, "id": entry["id"]} for text in entry["tests"]]
    tests += [{"text": text, "id": None} for _, text in sources.lines(f"unanswerable.{language}.txt")]
    return {f"faq.{language}.jsonl": entries, f"faq-test.{language}.jsonl": tests}


# ---------------------------------------------------------------- customers' messages by intent

def fill(rng, text, language, nouns):
    """Fills the slots in braces; a noun is [name, plural, whether it is worn]."""
    order = f"PL26{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(1, 99):02}"
    order = rng.choice([order, order, order, str(rng.randint(10000, 99999999)), f"#{rng.randint(1000, 99999)}"])
    amount = rng.choice([rng.randint(2, 30) * 10, rng.randint(15, 1500)])
    product, other = rng.sample(nouns, 2)
    wear = rng.choice([noun for noun in nouns if noun[2]])
    slots = SLOTS[language]
    return text.format(
        order=order, amount=f"¥{amount}" if language == "en" else amount, product=product[0], products=product[1],
        product2=other[0], wear=wear[0],
        city=rng.choice(CITIES[language] + ABROAD[language]), size=rng.choice(["S", "M", "L", "XL", "38", "42"]),
        height=rng.randint(152, 190), weight=rng.randint(45, 95), quantity=rng.randint(2, 6), many=rng.choice([20, 30, 50, 100, 200]),
        points=rng.randint(3, 90) * 50, **{name: rng.choice(values) for name, values in slots.items()})


def lower(name):
    return name.lower().replace("tv ", "TV ")


def plural(noun):
    if noun.endswith(("x", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"


# How words are typed in a hurry.
HASTY = {"en": {"you": ["u", "yuo", "ya"], "your": ["ur", "yuor"], "are": ["r"], "the": ["teh", "th", ""], "what": ["wat", "wot", "whats"],
                "please": ["pls", "plz"], "because": ["cos", "cuz"], "is": ["iz", ""], "my": ["me", "mi"], "to": ["2", "too"],
                "for": ["4", "fr"], "and": ["n", "&"], "how": ["hw", "hwo"], "with": ["w/", "wiht"], "received": ["recieved", "got"],
                "address": ["adress", "addres"], "delivery": ["delivry", "delievry"], "order": ["oder", "ordr"], "refund": ["refnd", "refud"],
                "return": ["retrun", "retun"], "cancel": ["cancle", "cancell"], "parcel": ["parcle", "parsel"], "invoice": ["invoise"],
                "does not": ["doesnt", "dont"], "do not": ["dont"], "cannot": ["cant"], "want to": ["wanna"], "going to": ["gonna"]},
         "zh": {"快递": ["块递", "快弟"], "退货": ["腿货", "退或"], "发货": ["法货", "发火"], "订单": ["定单", "订丹"], "地址": ["地止", "地趾"],
                "邮费": ["邮废"], "运费": ["运废", "云费"], "优惠": ["优会"], "密码": ["密马"], "多久": ["多旧", "多就"], "怎么": ["咋", "怎莫", "怎嘛"],
                "什么": ["啥", "神马", "什莫"], "收到": ["收倒"], "付款": ["付宽", "负款"], "包装": ["包庄"], "可以": ["口以", "阔以"], "吗": ["嘛", "不", "么"],
                "没有": ["木有", "没"], "取消": ["取肖"], "退款": ["退宽"], "发票": ["法票", "发飘"], "客服": ["客福"], "积分": ["几分"], "尺码": ["尺马"],
                "时候": ["时后"], "知道": ["造"], "我": ["俺", "偶"], "你们": ["恁们", "泥萌"]}}


def type_hastily(rng, text, language):
    """One or two words as they are typed in a hurry; in English also a letter that is lost, doubled or out of place."""
    words = [word for word in HASTY[language] if (re.search(rf"\b{word}\b", text) if language == "en" else word in text)]
    for word in rng.sample(words, min(len(words), rng.choice([1, 1, 2]))):
        text = re.sub(rf"\b{word}\b" if language == "en" else word, rng.choice(HASTY[language][word]), text, count=1)
    places = [m.start() for m in re.finditer(r"(?<=[a-z])[a-z](?=[a-z])", text)]
    if language == "en" and len(places) > 4 and rng.random() < 0.6:
        at = rng.choice(places)
        text = rng.choice([text[:at] + text[at + 1:], text[:at] + text[at] + text[at:], text[:at] + text[at + 1] + text[at] + text[at + 2:]])
    return re.sub(r" +", " ", text).strip()


def vary(rng, text, language, greets):
    """Typing habits: capitals or none, a greeting, end marks, one slip of the finger in twenty."""
    if language == "en":
        text = text.replace(" a a", " a").rstrip("?.")
        if greets and rng.random() < 0.12:
            text = rng.choice(["hi, ", "hello, ", "hey ", "good morning, ", "excuse me, "]) + text
        written = re.sub(r"\bi\b", "I", sentence(text))
        text = rng.choice([text, written, written, text.upper() if rng.random() < 0.1 else text])
        text += rng.choice(["", "", "?" if text.split(" ")[0].lower() in ASKING else ".", ""])
    else:
        if text.endswith("吗") and text.startswith(("帮我", "请", "麻烦", "我", "怎么", "如何")) and not re.search("可以|能", text):
            text = text[:-1]
        if greets and rng.random() < 0.15:
            text = rng.choice(["你好，", "您好，", "亲，", "客服你好，", "请问" if text[-1] in "吗么呢少样" else "哈喽，"]) + text
        text += rng.choice(["", "", "？" if text[-1] in "吗么呢少样" else "", "。" if text[-1] not in "吗么？！" else ""])
    if len(text) > 12 and language == "en" and rng.random() < 0.05:
        at = rng.randrange(1, len(text) - 2)
        if text[at:at + 2].isalpha():
            text = text[:at] + text[at + 1] + text[at] + text[at + 2:]
    return text


SHORT_TALK = ("greeting", "thanks", "goodbye", "insult")   # no greeting before these
ASKING = {"is", "are", "do", "does", "can", "could", "may", "how", "what", "where", "when", "which", "who", "why", "will", "was", "has"}


def messages(rng, patterns, n, language, nouns, taken, greets, hasty):
    """Up to n different messages of these patterns, the patterns in turns; none of `taken`, compared without marks and case.
    hasty: the share that is typed in a hurry."""
    out = []
    for attempt in range(60 * n):
        if len(out) == n:
            break
        text = fill(rng, sources.expand(rng, patterns[attempt % len(patterns)]), language, nouns)
        key = bare(text)
        if key not in taken:
            taken.add(key)
            if rng.random() < hasty:
                text = type_hastily(rng, text, language)
            out.append(vary(rng, text, language, greets))
    return out


def intent_files(language, categories):
    rng = stream(f"intents {language}")
    which = LANGUAGES.index(language)
    nouns = [(name, plural(name) if language == "en" else name, category["id"] in ("clothing", "shoes"))
             for category in categories for kind in category["types"] if not kind["name"][0].endswith(("s", "Set"))
             for name in [kind["name"][1] if which else lower(kind["name"][0])]]
    files = {"Q": [], "T": []}
    taken = set()
    for source, counts in (("intents", PER_INTENT), ("oos", PER_OOS)):
        for label, by_use in sources.patterns(source, language).items():
            for use, rows in files.items():
                rows += [{"text": text, "label": label, "lang": language}
                         for text in messages(rng, by_use[use], counts[use], language, nouns, taken,
                                              label not in SHORT_TALK, HASTY_SHARE if use == "Q" else 0)]
    labels = {row["label"] for row in files["Q"]}
    taken |= {bare(row["text"]) for rows in files.values() for row in rows}
    for label, texts in sources.more(f"intents-more.{language}.txt").items():
        if label not in labels:
            raise ValueError(f"intents-more.{language}.txt: {label!r} is not an intent of intents.{language}.txt")
        for text in texts:
            if bare(text) not in taken:
                taken.add(bare(text))
                files["Q"].append({"text": text, "label": label, "lang": language})
    return {f"intents.{language}.jsonl": files["Q"], f"intents-test.{language}.jsonl": files["T"]}


# ---------------------------------------------------------------- files

def shop_facts(categories):
    names = {c["id"]: {"en": c["name"][0], "zh": c["name"][1]} for c in categories}
    brands = {en: zh for c in categories for en, zh in c["brand"]}
    return {"name": NAME, "today": iso(TODAY), "currency": CURRENCY, "facts": FACTS, "categories": names, "brands": brands,
            "carriers": {en: c["zh"] for en, c in CARRIERS.items()}, "statuses": STATUSES}


def all_files():
    """{file name: bytes}"""
    categories = sources.catalogue()
    products = make_products(categories)
    customers = make_customers()
    orders, events = make_history(customers, products, categories)
    files = {"products.jsonl": products, "customers.jsonl": customers, "orders.jsonl": orders, "events.jsonl": events}
    for language in LANGUAGES:
        files |= faq_files(language) | intent_files(language, categories)
    texts = {name: "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
             for name, rows in files.items()}
    texts["flows.json"] = json.dumps(flows.flows_file(), ensure_ascii=False, indent=1) + "\n"
    texts["shop.json"] = json.dumps(shop_facts(categories), ensure_ascii=False, indent=1) + "\n"
    return {name: text.encode() for name, text in texts.items()}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="write the demo shop's data")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file differs")
    parser.add_argument("--out", default=here, help="folder to write to (default: this one)")
    options = parser.parse_args()
    differ = []
    for name, data in all_files().items():
        path = os.path.join(options.out, name)
        if not options.check:
            with open(path, "wb") as f:
                f.write(data)
        else:
            found = open(path, "rb").read() if os.path.exists(path) else None
            if found != data:
                differ.append(path)
    for path in differ:
        print(f"generate.py: {path} is not what this script writes; run it without --check", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
