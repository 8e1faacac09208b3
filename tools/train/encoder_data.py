"""The rows that train_encoder.py learns from: texts with an English text whose vector is their target, labels, pairs.

Reads every data set that the folder has; missing ones are skipped. Texts held out by their hash (rows.is_held_out) are in
no row here.
"""
import os
import random
import re
import unicodedata

from pseudo_translate import Translator, load_dictionary
from rows import find_data, is_held_out, read_jsonl
import shop_data
import shop_parallel
from shop_opinions import opinions
from shop_reviews import reviews

# Kinds of spans that several data sets share under different names.
KINDS = {"name": "name", "PERSON": "name", "address": "address", "STREET_ADDRESS": "address", "GPE": "address", "company": "organization",
         "organization": "organization", "ORGANIZATION": "organization", "government": "organization", "position": "position", "TITLE": "position",
         "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "CREDIT_CARD": "card", "DATE_TIME": "date"}
# Intents of examples/shop under the names that shop_parallel.py gives them.
SAME_INTENT = {"recommend": "recommendation", "coupon": "discount", "warranty_repair": "warranty", "membership_points": "loyalty_points", "gift": "gift_wrap",
               "opening_hours": "contact_customer_service", "missing_parcel": "missing_item"}
SOFT = {"positive": 1.0, "negative": 0.0, "mixed": 0.5}


class Row:
    """One text. `english`: the text whose teacher vector is the target, or None. `head`, `label`: a class to tell from the
    vector. `sentiment`: 0 to 1 or None. `spans`: None or [(begin, end, kind)]."""
    __slots__ = ("source", "text", "english", "head", "label", "sentiment", "spans")

    def __init__(self, source, text, english=None, head=None, label=None, sentiment=None, spans=None):
        self.source, self.text, self.english, self.head, self.label, self.sentiment, self.spans = source, text, english, head, label, sentiment, spans


def training_rows(folder, name, field="text"):
    """Rows of a data set whose text is not held out, each text once."""
    path = find_data(folder, name)
    seen, out = set(), []
    for row in read_jsonl(path) if path else ():
        if row[field] and row[field] not in seen and not is_held_out({"text": row[field]}):
            seen.add(row[field])
            out.append(row)
    return out


def held_out_rows(folder, name, field="text"):
    path = find_data(folder, name)
    seen, out = set(), []
    for row in read_jsonl(path) if path else ():
        if row[field] not in seen and is_held_out({"text": row[field]}):
            seen.add(row[field])
            out.append(row)
    return out


def join_contractions(text):
    """Some English rows are split into tokens ("do n't", "it 's"), unlike real messages. This joins them."""
    text = re.sub(r" (n't|'(?:s|m|d|ll|re|ve|t))\b", r"\1", text)
    return text.replace("`` ", '"').replace(" ''", '"').replace(" .", ".").replace(" ,", ",").replace(" !", "!").replace(" ?", "?")


def chunks_en(text, words=36):
    """Sentences, short neighbours joined, at most `words` long."""
    out, held = [], []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        parts = sentence.split()
        while parts:
            if held and len(held) + len(parts) > words // 2:
                out.append(" ".join(held))
                held = []
            held += parts[:words]
            parts = parts[words:]
    if held:
        out.append(" ".join(held))
    return [c for c in out if len(c) > 3]


def chunks_zh(text, chars=48):
    out, held = [], ""
    for clause in re.findall(r"[^。！？!?；;\n]+[。！？!?；;\n]*", text):
        if held and len(held) + len(clause) > chars:
            out.append(held)
            held = ""
        held += clause[:chars]
    return [c.strip() for c in out + [held] if len(c.strip()) > 1]


# ---------------------------------------------------------------- parallel texts

def fill_pair(rng, english, chinese):
    """One English and one Chinese text of a pair of patterns."""
    product, food, city, color = (rng.choice(x) for x in (shop_parallel.PRODUCTS, shop_parallel.FOODS, shop_parallel.CITIES, shop_parallel.COLORS))
    number = str(rng.randint(10000, 99999999))
    amount = str(rng.randint(5, 900))
    same = {"order": number, "quantity": str(rng.choice([2, 3, 4, 5, 6, 10])), "days": str(rng.choice([2, 3, 5, 7, 10, 15])), "size": rng.choice(["S", "M", "L", "XL", "36", "38", "40", "42"]),
            "height": str(rng.randint(150, 190)), "weight": str(rng.randint(42, 95))}
    return (shop_data.expand(rng, english).format(product=product[0], food=food[0], city=city[0], color=color[0], amount="$" + amount, **same),
            shop_data.expand(rng, chinese).format(product=product[1], food=food[1], city=city[1], color=color[1], amount=amount + "元", **same))


def parallel_questions(count, seed):
    """[(English, Chinese, intent)]: every intent about equally often, then by its number of patterns."""
    rng, out, seen = random.Random(seed), [], set()
    patterns = [(intent, pair) for intent, pairs in shop_parallel.INTENTS.items() for pair in pairs]
    for attempt in range(count * 3):
        intent, (english, chinese) = rng.choice(patterns)
        english, chinese = fill_pair(rng, english, chinese)
        if (english, chinese) in seen or len(out) >= count:
            continue
        seen.add((english, chinese))
        out.append((shop_data.vary_en(rng, english), shop_data.vary_zh(rng, chinese), intent))
    return out


def parallel_products(count, seed):
    """[(English, Chinese)]: product titles of colour, material, features."""
    rng, out = random.Random(seed), set()
    while len(out) < count:
        product = rng.choice(shop_parallel.PRODUCTS + shop_parallel.FOODS)
        parts = [rng.choice(shop_parallel.FEATURES) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        before = [rng.choice(x) for x in (shop_parallel.COLORS, shop_parallel.MATERIALS) if rng.random() < 0.5]
        rng.shuffle(before)
        after = [p[0] for p in parts if p[0].startswith("for ")]
        english = " ".join([p[0] for p in before] + [p[0] for p in parts if not p[0].startswith("for ")] + [product[0]] + after)
        out.add((english, "".join(p[1] for p in parts + before) + product[1]))
    return sorted(out)


def held_out_questions(pairs):
    """Splits parallel pairs by the hash of the English text: (training, held out)."""
    return [p for p in pairs if not is_held_out({"text": p[0]})], [p for p in pairs if is_held_out({"text": p[0]})]


# ---------------------------------------------------------------- Chinese dialogues

def dialogue_pairs(folder):
    """[(customer, shop)] of the Chinese customer service data, masks and greetings taken out."""
    out = []

    def clean(text):
        text = re.sub(r"#E-s\[[^\]]*\]|\[[^\]]*\]|https?://\S+", "", text)
        return unicodedata.normalize("NFKC", text).strip(" ,.:：。，~")

    for row in training_rows(folder, "reply-zh-jddc", "context"):
        turns = [clean(t) for t in row["context"].split(",")]
        question = ",".join([t for t in turns if len(t) > 3][-2:])[-60:]
        reply = clean(row["reply"])[:60]
        if len(question) > 5 and len(reply) > 7:
            out.append((question, reply))
    for row in read_jsonl(find_data(folder, "reply-zh")) if find_data(folder, "reply-zh") else ():
        texts = [re.sub(r"^场景分类：.*\n用户问题：", "", m["content"]).strip() for m in row["messages"]]
        if is_held_out({"text": texts[0]}):
            continue
        for question, reply in zip(texts[::2], texts[1::2]):
            if len(question) > 3 and len(reply) > 7:
                out.append((question[:60], reply[:60]))
    return out


# ---------------------------------------------------------------- all rows

def english_rows(folder, rng):
    rows = []
    for r in training_rows(folder, "intent-en"):
        rows.append(Row("intent-en", r["text"], r["text"], "shop", r["intent"]))
    prompts = training_rows(folder, "reply-en", "prompt")
    for r in prompts:
        rows.append(Row("prompt-en", r["prompt"], r["prompt"], "shop", r["intent"]))
    replies = sorted({c for r in prompts for c in chunks_en(r["reply"])})
    rows += [Row("reply-en", c, c) for c in rng.sample(replies, min(20000, len(replies)))]
    for name, head in (("oos-en", "oos"), ("banking-en", "banking")):
        rows += [Row(name, r["text"], r["text"], head, r["intent"]) for r in training_rows(folder, name)]
    rows += [Row("moderation-en", r["text"][:240], r["text"][:240], "moderation-en", r["label"]) for r in training_rows(folder, "moderation-en")]
    rows += [Row("toxic", c, c) for r in training_rows(folder, "toxic-spans-en") for c in chunks_en(r["text"])[:1]]
    for r in training_rows(folder, "copy-en", "name"):
        rows += [Row("copy-en", c, c) for c in [r["name"]] + chunks_en(r["description"])[:1]]
    for r in training_rows(folder, "faq-en", "question"):
        rows += [Row("faq-en", c, c) for c in [r["question"]] + chunks_en(r["answer"])]
    for r in training_rows(folder, "pii-en"):
        spans = [(s["begin"], s["end"], KINDS[s["kind"]]) for s in r["spans"] if s["kind"] in KINDS]
        rows.append(Row("pii-en", r["text"], r["text"], spans=spans))
    pieces = sorted({c for r in training_rows(folder, "sentiment-en") for c in chunks_en(join_contractions(r["text"]))})
    rows += [Row("review-en", c, c) for c in rng.sample(pieces, min(55000, len(pieces)))]
    return rows


def chinese_rows(folder, rng, translate):
    """Chinese texts with word-by-word English as their target."""
    rows = []
    for r in training_rows(folder, "sentiment-zh"):
        chunk = rng.choice(chunks_zh(r["text"]) or [r["text"][:48]])
        rows.append(Row("review-zh", chunk, translate(chunk)))
    for r in training_rows(folder, "moderation-zh"):
        text = r["text"][:80]
        rows.append(Row("moderation-zh", text, translate(text), "moderation-zh", r["label"]))
    for r in training_rows(folder, "text-zh"):
        chunk = rng.choice(chunks_zh(r["text"]) or [r["text"][:48]])
        rows.append(Row("text-zh", chunk, translate(chunk)))
    for r in training_rows(folder, "intent-zh"):
        rows.append(Row("intent-zh", r["text"], translate(r["text"]), "domain-zh", r["domain"]))
    for name in ("paraphrase-zh-lcqmc", "paraphrase-zh-bq"):
        for r in training_rows(folder, name, "a"):
            rows += [Row("paraphrase-zh", r[k], translate(r[k])) for k in "ab"]
    for question, reply in dialogue_pairs(folder):
        rows.append(Row("question-zh", question, translate(question)))
        rows.append(Row("reply-zh", reply, translate(reply)))
    for r in training_rows(folder, "ner-zh"):
        spans = [(s["begin"], s["end"], KINDS[s["kind"]]) for s in r["spans"] if s["kind"] in KINDS]
        rows.append(Row("ner-zh", r["text"], translate(r["text"]), spans=spans))
    for r in training_rows(folder, "copy-zh", "content"):
        rows.append(Row("copy-zh", r["summary"][:60], translate(r["summary"][:60])))
    common = [w for w, n in translate.counts.items() if n >= 4 and translate.words[w] and w in translate.words]
    rows += [Row("word-zh", w, translate.words[w]) for w in sorted(common)]
    return rows


def made_rows(args_seed, questions, products, made_reviews):
    """Rows written in both languages; both have the English text's vector as their target."""
    rows = []
    for english, chinese, intent in held_out_questions(parallel_questions(questions, args_seed))[0]:
        rows += [Row("made-en", english, english, "shop", intent), Row("made-zh", chinese, english, "shop", intent)]
    for english, chinese in held_out_questions(parallel_products(products, args_seed + 1))[0]:
        rows += [Row("title-en", english, english), Row("title-zh", chinese, english)]
    for english, chinese, label in held_out_questions(reviews(made_reviews, args_seed + 2))[0]:
        rows += [Row("made-review-en", english, english, sentiment=SOFT[label]), Row("made-review-zh", chinese, english, sentiment=SOFT[label])]
    rows += [Row("opinion", text, sentiment=SOFT[label]) for _, text, label in opinions(made_reviews, args_seed + 3)]
    return rows


def review_rows(folder):
    """Whole reviews with their label; English ones as they are stored and, where that differs, with contractions joined."""
    rows = []
    for r in training_rows(folder, "sentiment-zh") + training_rows(folder, "reviews-zh-small"):
        rows.append(Row("sentiment-zh", r["text"], sentiment=SOFT[r["label"]]))
    for r in training_rows(folder, "sentiment-en"):
        rows.append(Row("sentiment-en", r["text"], sentiment=SOFT[r["label"]]))
        if "n't" in r["text"] or " '" in r["text"]:
            rows.append(Row("sentiment-en-joined", join_contractions(r["text"]), sentiment=SOFT[r["label"]]))
    return rows


def pairs(folder, rows):
    """[(a, b, kind, same)]: kind "match" is contrasted within its batch, kind "judge" has a verdict."""
    out = [(q, a, "match", True) for q, a in dialogue_pairs(folder)]
    for r in training_rows(folder, "copy-zh", "content"):
        out.append((re.sub(r"[#*]", " ", r["content"]), r["summary"][:80], "match", True))
    for r in training_rows(folder, "copy-en", "name"):
        out.append((r["name"], r["description"][:200], "match", True))
    for name in ("paraphrase-zh-lcqmc", "paraphrase-zh-bq"):
        out += [(r["a"], r["b"], "judge", bool(r["same"])) for r in training_rows(folder, name, "a") if not is_held_out({"text": r["b"]})]
    made = [r for r in rows if r.source in ("made-en", "made-zh", "title-en", "title-zh", "made-review-en", "made-review-zh")]
    out += [(a.text, b.text, "match", True) for a, b in zip(made[::2], made[1::2])]
    return out


def demo_shop_rows(folder):
    """Rows of examples/shop: titles, descriptions and questions of both languages, what customers say by intent. The phrasings
    that are kept apart for figures (the -test files) are not read."""
    rows = []

    def read(name):
        path = os.path.join(folder, name)
        return read_jsonl(path) if os.path.exists(path) else []

    def both(source, english, chinese):
        if not is_held_out({"text": english}):
            rows.extend([Row(source + "-en", english, english), Row(source + "-zh", chinese, english)])

    for product in read("products.jsonl"):
        both("demo", product["title"]["en"], product["title"]["zh"])
        sentences = [re.split(r"(?<=[.。])\s*", product["description"][language].strip()) for language in ("en", "zh")]
        if len(sentences[0]) == len(sentences[1]):
            for english, chinese in zip(*sentences):
                if english and chinese:
                    both("demo", english, chinese)
    chinese = {entry["id"]: entry for entry in read("faq.zh.jsonl")}
    for entry in read("faq.en.jsonl"):
        other = chinese.get(entry["id"])
        if other:
            for a, b in zip(entry["questions"] + [entry["answer"]], other["questions"] + [other["answer"]]):
                both("demo-faq", a, b)
    for row in read("intents.en.jsonl"):
        rows.append(Row("demo-intent-en", row["text"], row["text"], "shop", SAME_INTENT.get(row["label"], row["label"])))
    for row in read("intents.zh.jsonl"):
        rows.append(Row("demo-intent-zh", row["text"], None, "shop", SAME_INTENT.get(row["label"], row["label"])))
    seen = set()
    return [r for r in rows if not ((r.text, r.english) in seen or seen.add((r.text, r.english)))]


def demo_shop_pairs(folder):
    """[(question, answer, "match", True)] of the demo shop's FAQ, and the same question in both languages."""
    out, english = [], {}
    for language in ("en", "zh"):
        path = os.path.join(folder, f"faq.{language}.jsonl")
        for entry in read_jsonl(path) if os.path.exists(path) else ():
            out += [(q, entry["answer"], "match", True) for q in entry["questions"]]
            if language == "en":
                english[entry["id"]] = entry["questions"]
            else:
                out += [(b, a, "match", True) for a, b in zip(english.get(entry["id"], []), entry["questions"])]
    return out


def load(folder, dictionary, shop, seed, questions=30000, products=20000, made_reviews=24000):
    """(rows, pairs). Without a dictionary Chinese texts have no English and no target; `shop` is examples/shop or None."""
    rng = random.Random(seed)
    rows = english_rows(folder, rng) + made_rows(seed, questions, products, made_reviews) + review_rows(folder)
    rows += demo_shop_rows(shop) if shop else []
    if dictionary:
        texts = [r.text for r in review_rows(folder) if r.source == "sentiment-zh"] + [r["text"] for n in ("text-zh", "intent-zh", "ner-zh") for r in training_rows(folder, n)]
        texts += [t for pair in dialogue_pairs(folder) for t in pair] + [r[k] for n in ("paraphrase-zh-lcqmc", "paraphrase-zh-bq") for r in training_rows(folder, n, "a") for k in "ab"]
        translate = Translator(load_dictionary(dictionary), texts)
        rows += chinese_rows(folder, rng, translate)
    return [r for r in rows if r.text.strip()], pairs(folder, rows) + (demo_shop_pairs(shop) if shop else [])
