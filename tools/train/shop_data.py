"""The training documents of the demo model: shop questions with replies, and product attributes with copy.

A document is (prompt, reply):
    "User: {question}\\nBot:"      " {reply}"
    "Product: {attributes}\\nCopy:"  " {copy}"
The real questions and attribute lists of the sets are answered with our own words: the sets' replies carry masked slots
and another shop's policies, and their copy names few of the attributes, or many that were not given.
"""
import difflib
import random
import re

import shop_catalogue
import shop_copy
import shop_phrases_en as en
import shop_phrases_zh as zh
from rows import find_data, read_jsonl, split_rows


def reply_document(question, reply):
    return f"User: {question}\nBot:", " " + reply


def copy_document(attributes, text):
    return f"Product: {attributes}\nCopy:", " " + text


# ---------------------------------------------------------------- templates

def expand(rng, pattern):
    """Choose one alternative of each (a|b|c), innermost first."""
    while True:
        match = re.search(r"\(([^()]*)\)", pattern)
        if not match:
            return pattern
        pattern = pattern[:match.start()] + rng.choice(match.group(1).split("|")) + pattern[match.end():]


def order_number(rng):
    return rng.choice(["", "", "", "#", "ORD-"]) + "".join(rng.choice("0123456789") for _ in range(rng.choice([4, 5, 5, 6, 8, 10, 12])))


def amount(rng):
    return rng.choice(["$", "$", "$", "€", "£"]) + str(rng.choice([rng.randint(5, 99), rng.randint(100, 2000)])) + rng.choice(["", "", ".99", ".50"])


_PRODUCTS_EN = "|".join(re.escape(p) for p in sorted(en.PRODUCTS, key=len, reverse=True))
_ACCOUNTS_EN = "|".join(en.ACCOUNTS)


def slots_en(question):
    """What the reply may say, taken from the words of the question."""
    q = question.lower()
    order = re.search(r"\b(?:order|purchase|package|parcel|number)\s+(?:number\s+)?(?:is\s+)?((?:#|ORD-)?\d{4,})", question, re.I)
    invoice = re.search(r"\b(invoice|bill)\s+(#?\d{4,})", question, re.I)
    money = re.search(r"([$€£]\d[\d.,]*\d|[$€£]\d|\d+ ?dollars)", question)
    product = re.search(rf"\b({_PRODUCTS_EN.lower()})\b", q)
    account = re.search(rf"\b({_ACCOUNTS_EN})\b", q)
    city = next((c for c in en.CITIES if re.search(rf"\b{c}\b", question, re.I)), None)
    kind = account.group(1) + " account" if account else "account"
    return {"your_order": f"order {order.group(1)}" if order else "your order",
            "your_invoice": f"{invoice.group(1).lower()} {invoice.group(2)}" if invoice else
                            f"the invoice for order {order.group(1)}" if order else "your invoice",
            "your_refund": f"your refund of {money.group(1)}" if money else "your refund",
            "your_item": f"the {product.group(1)}" if product else "the item",
            "to_city": f" to {city}" if city else "",
            "account": kind, "an_account": shop_copy.with_article(kind)}


def slots_zh(question):
    order = re.search(r"订单(?:号|编号)?(?:是)?[：: ]?((?:#|ORD-)?\d{4,})", question)
    product = next((p for p in sorted(zh.PRODUCTS, key=len, reverse=True) if p in question), None)
    city = next((c for c in zh.CITIES if c in question), None)
    return {"your_order": f"订单{order.group(1)}" if order else "您的订单", "your_item": product or "商品",
            "to_city": f"发往{city}" if city else "发货后"}


def fill_question(rng, pattern, language):
    words = en if language == "en" else zh
    return expand(rng, pattern).format(
        order=order_number(rng), invoice="#" + str(rng.randint(10000, 99999)), amount=amount(rng), product=rng.choice(words.PRODUCTS),
        city=rng.choice(words.CITIES), color=rng.choice(words.COLORS), account=rng.choice(en.ACCOUNTS) + " account",
        height=rng.randint(150, 190), weight=rng.randint(45, 95), jin=rng.randint(85, 180), shoe=rng.randint(35, 44),
        quantity=rng.choice([2, 3, 5, 10, 20, 50, 100]))


_EN_BEFORE = [""] * 10 + ["Hi, ", "Hello, ", "Hello! ", "hey, ", "Hi there, ", "Excuse me, ", "Sorry, ", "Please help, "]
_EN_AFTER = [""] * 10 + [" please", ", please", " thanks", ", thank you"]
_ZH_BEFORE = [""] * 10 + ["你好，", "您好，", "请问", "请问一下，", "亲，", "你好", "客服你好，", "老板，", "想问下"]
_ZH_AFTER = ["", "", "", "？", "？", "?", "呢", "呢？", "啊", "呀", "。", "，谢谢"]
# Clauses that fit any question and do not change what it is about.
_EN_FIRST = ["I have a question. ", "I am a new customer. ", "I need some help here. ", "Quick question: ", "I bought something from you last week. ", "I shop here often. ", "I wrote to you already. "]
_EN_LAST = [" It is urgent.", " I need to know today.", " Please answer quickly.", " Thank you for your help.", " I could not find it on the website.", " Nobody answers me.",
            " I would be very grateful.", " I am not sure how it works.", " Can you explain?", " Please tell me step by step."]
_ZH_FIRST = ["我有个问题，", "打扰一下，", "我是新客户，", "昨天问过了，", "第一次在你们家买，", "我想问一下，", "急，"]
_ZH_LAST = ["，麻烦尽快回复", "，比较急", "，帮忙看一下", "，等你回复", "，没找到在哪里看", "，麻烦说详细一点"]


_EN_ASKS = re.compile(r"(hi|hello|hey|hi there|excuse me|please help|sorry)?[,! ]*(who|what|when|where|why|which|how|is|are|do|does|can|could|will|would|may|has|have)\b", re.I)


def vary_en(rng, question):
    """Any capitalisation, with or without a question mark."""
    question = re.sub(r"\s+", " ", question).strip().rstrip("?.! ")
    if rng.random() < 0.25 and len(question) > 12:
        question = rng.choice(_EN_BEFORE) + question + rng.choice(_EN_AFTER)
    asks = _EN_ASKS.match(re.split(r"[.?!] ", question)[-1])
    more = rng.choice(_EN_LAST) if len(question) > 12 and rng.random() < 0.08 else ""
    if len(question) > 12 and rng.random() < 0.05:
        question = rng.choice(_EN_FIRST) + question[0].upper() + question[1:]
    if more:
        question += rng.choice("?." if asks else ".") + more
    roll = rng.random()
    if roll < 0.35:
        question = question.lower()
    elif roll < 0.85:
        question = question[0].upper() + question[1:]
    elif roll < 0.90:
        question = question.upper()
    if more:
        return question
    return question + rng.choice(["?", "?", "", ""] if asks else ["", "", ".", "."])


def vary_zh(rng, question):
    question = question.strip().rstrip("？?。！!，, ")
    if rng.random() < 0.3:
        question = rng.choice(_ZH_BEFORE) + question
    if len(question) > 4 and rng.random() < 0.05:
        question = rng.choice(_ZH_FIRST) + question
    if len(question) > 4 and rng.random() < 0.08:
        return question + rng.choice(_ZH_LAST)
    if question[-1] in "吗呢啊呀吧了":
        return question + rng.choice(["", "", "？", "？", "?"])
    return question + rng.choice(_ZH_AFTER)


def sentence_case(text):
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------- English replies

def own_replies_en(rng, rows):
    """Real questions (fields prompt or text, and intent) answered with our own replies for that intent."""
    by_intent = {}
    for intents, _, replies in en.SUBJECTS:
        for intent in intents:
            by_intent.setdefault(intent, []).extend(replies)
    out = []
    for row in rows:
        question = row.get("prompt") or row.get("text")
        values = {"Order Number": order_number(rng), "Invoice Number": "#" + str(rng.randint(10000, 99999)), "Refund Amount": str(rng.randint(5, 2000)),
                  "Currency Symbol": rng.choice("$$$€£"), "Delivery City": rng.choice(en.CITIES[:18]), "Delivery Country": rng.choice(en.CITIES[18:]),
                  "Person Name": rng.choice(en.NAMES), "Account Type": rng.choice(en.ACCOUNTS), "Account Category": rng.choice(en.ACCOUNTS)}
        question = re.sub(r"\{\{([^{}]*)\}\}", lambda m: values.get(m.group(1), m.group(0)), question)
        if "{{" in question or row["intent"] not in by_intent:
            continue
        question = vary_en(rng, question)
        out.append(reply_document(question, sentence_case(rng.choice(by_intent[row["intent"]]).format(**slots_en(question)))))
    return out


# ---------------------------------------------------------------- Chinese replies

_ZH_MASK = re.compile(r"\[[^\]]*\]|#E-s|ORDERID|http|咚咚|\d{6,}")
def clean_question_zh(text):
    text = re.sub(r"^场景分类：.*?\n用户问题：", "", text, flags=re.S)
    text = re.sub(r"#E-s\[数字x\]", "", text).replace("[数字x]", "").strip(" ,，")
    return text if 3 <= len(text) <= 60 and not _ZH_MASK.search(text) and re.search(r"[\u4e00-\u9fff]", text) else None


def subject_zh(question):
    """Index of the only subject whose pattern matches, or None."""
    found = [i for i, (pattern, _, _) in enumerate(zh.SUBJECTS) if re.search(pattern, question)]
    return found[0] if len(found) == 1 else None


def dialogue_zh(row):
    return row["messages"][0]["content"], row["messages"][1]["content"]


def dialogue_jddc(row):
    turns = [t for t in re.split(r",", row["context"]) if t.strip()]
    return (turns[-1] if turns else ""), row["reply"]


def own_replies_zh(rng, rows, dialogue):
    """Real questions answered with our own replies, where the question clearly belongs to one subject."""
    out = []
    for row in rows:
        question = clean_question_zh(dialogue(row)[0])
        subject = question and subject_zh(question)
        if subject is not None and question:
            out.append(reply_document(vary_zh(rng, question), rng.choice(zh.SUBJECTS[subject][2]).format(**slots_zh(question))))
    return out


# ---------------------------------------------------------------- product copy

def format_attributes(rng, attributes, language):
    """One of the ways in which people write attribute lists."""
    if language == "en" and rng.random() < 0.1:
        attributes = [(k, v if k == "brand" else " ".join(w[:1].upper() + w[1:] for w in v.split(" "))) for k, v in attributes]
    colon, comma = (": ", ", ") if language == "en" else (rng.choice([":", "："]), rng.choice([", ", "，", ", ", "、"]))
    roll = rng.random()
    if language == "zh" and roll < 0.35:
        return "*".join(f"{k}#{v}" for k, v in attributes)
    if roll < 0.65:
        return comma.join(v for _, v in attributes)
    if language == "en":
        names = {"feature": rng.choice(["feature", "feature", "detail", "features"]), "color": rng.choice(["color", "colour"]), "gender": rng.choice(["gender", "for"])}
        attributes = [(names.get(k, k), v) for k, v in attributes]
        if rng.random() < 0.3:
            attributes = [(k.capitalize(), v) for k, v in attributes]
        comma = rng.choice([", ", ", ", "; ", " | "])
    return comma.join(f"{k}{colon}{v}" for k, v in attributes)


_EN_SPEC = re.compile(r"Warranty|Disclaimer|stylist|model is wearing|mock-up|Comes in a signature|Special Technology|Tablet sleeve|Water-resistance: No|Lining: No|Back style|"
                      r"Feature: |What it (does|is)|Set content|Product Code|SKU", re.I)


def clean_description(text):
    """The sentences of a catalogue description that describe the product."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\.(?=[A-Z][a-z])", ". ", text)
    text = re.sub(r"([a-z])(\d )", r"\1, \2", text)
    text = " ".join(s for s in re.split(r"(?<=[.!?])\s+", text) if not _EN_SPEC.search(s))
    return text if text.isascii() else None


def _contains(text, value):
    return re.search(rf"(?<![A-Za-z]){re.escape(value)}(?![A-Za-z])", text, re.I) is not None


def attributes_en(rng, row):
    """([(key, value)], our own copy) for a catalogue row: its type, colour, brand and audience, and pieces of the
    description as features; None if the description does not tell the type."""
    body = clean_description(row["description"])
    words = row["name"].split()
    kind = body and next((" ".join(words[-n:]) for n in (3, 2, 1) if len(words) > n and _contains(body, " ".join(words[-n:]))), None)
    if not kind or re.search(r"\d", kind):
        return None
    color = row["color"].strip().lower()
    pieces = re.split(r",|\.|;|:|\band\b|\bhas\b|\bwith\b|\bin\b|\bfor\b", body)
    pieces = [re.sub(r"^(a|an|the|one|pair of|comes) ", "", p.strip(), flags=re.I).lower() for p in pieces]
    pieces = [p for p in dict.fromkeys(pieces) if 1 <= len(p.split()) <= 4 and len(p) > 3 and kind.lower() not in p and p != color]
    return shop_copy.english_clothes(rng, " ".join(words) if row["name"].isascii() and len(words) <= 8 else None, kind.lower(), row["brand"].strip(), row["gender"].strip(),
                                     color, rng.sample(pieces, min(len(pieces), rng.choice([1, 2, 3, 3, 4]))))


def attributes_zh(rng, row):
    """([(key, value)], our own copy) for an AdvertiseGen row: all its attributes or some, in their order or another."""
    values = {}
    for item in row["content"].split("*"):
        key, _, value = item.partition("#")
        if value:
            values.setdefault(value, key)
    attributes = [(key, value) for value, key in values.items()]
    if len(attributes) < 2:
        return None
    roll = rng.random()
    if roll < 0.4:
        kept = sorted(rng.sample(range(1, len(attributes)), rng.randint(1, min(6, len(attributes) - 1))))
        attributes = attributes[:1] + [attributes[i] for i in kept]
    elif roll < 0.55:
        rng.shuffle(attributes)
    return attributes, shop_copy.chinese_clothes_text(rng, attributes)


def copies(rng, rows, make, language):
    made = (make(rng, row) for row in rows)
    return [copy_document(format_attributes(rng, m[0], language), m[1]) for m in made if m]


def template_copies(rng, language, count):
    make = shop_copy.english if language == "en" else shop_copy.chinese
    return [copy_document(format_attributes(rng, attributes, language), text) for attributes, text in (make(rng) for _ in range(count))]


# ---------------------------------------------------------------- the mix

SETS = ("reply-en", "intent-en", "faq-en", "reply-zh", "reply-zh-jddc", "copy-en", "copy-zh")


def load(folder):
    """{set name: (training rows, held-out rows)} of the sets that `folder` has."""
    paths = {name: find_data(folder, name) for name in SETS}
    return {name: split_rows(read_jsonl(path)) for name, path in paths.items() if path}


def naming_cases(data, seed):
    """{part: [(prompt, attribute values)]}: held-out rows, and template attributes (made-up brands) never seen in training."""
    rng = random.Random(seed + 1000000)
    makers = [("copy-en", attributes_en, "en"), ("copy-zh", attributes_zh, "zh")]
    cases = {}
    for name, make, language in makers:
        own = shop_copy.english if language == "en" else shop_copy.chinese
        made = [m for m in (make(rng, row) for row in data.get(name, ([], []))[1]) if m]
        for part, rows in ((name, made), ("own-" + name, [own(rng) for _ in range(len(made))])):
            prompts = [(copy_document(format_attributes(rng, attributes, language), text)[0], [v for _, v in attributes]) for attributes, text in rows]
            rng.shuffle(prompts)
            cases[part] = prompts
    return cases


def documents(data, seed, held_out=False):
    """{part: [(prompt, reply)]}. With another seed, slots, facts, attribute lists and wording are drawn anew. For the
    held-out side there are no repeats and no templates of the other parts."""
    import shop_facts
    rng = random.Random(seed)
    rows = {name: sides[1 if held_out else 0] for name, sides in data.items()}

    def take(name, share=1.0):
        chosen = rows.get(name, [])
        return chosen if share >= 1 or held_out else rng.sample(chosen, int(len(chosen) * share))

    own = {"en": own_replies_en(rng, take("reply-en", 0.015) + take("intent-en", 0.03)),
           "zh": [d for name, dialogue in (("reply-zh", dialogue_zh), ("reply-zh-jddc", dialogue_jddc)) for d in own_replies_zh(rng, take(name, 0.12), dialogue)]}
    parts = {"copy-en": copies(rng, take("copy-en", 0.05), attributes_en, "en"), "copy-zh": copies(rng, take("copy-zh", 0.12), attributes_zh, "zh")}
    for language in ("en", "zh"):
        parts[f"facts-{language}"] = shop_facts.documents(rng, data, 300 if held_out else 4000, language, held_out)
        parts[f"customers-{language}"] = shop_facts.from_customers(rng, own[language], language)
        parts[f"catalogue-{language}"] = shop_catalogue.documents(rng, 300 if held_out else 2500, language, held_out)
        if not held_out:
            parts[f"own-copy-{language}"] = template_copies(rng, language, 300)
    if not held_out:
        parts["lists"] = [shop_copy.list_twice(rng) for _ in range(300)]
    return parts
