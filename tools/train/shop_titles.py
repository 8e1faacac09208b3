#!/usr/bin/env python3
"""Product titles and attributes in English and Chinese, made from title_words.py and the demo shop's catalogue.

    shop_titles.py --out DIR [--titles 200000] [--seed 1]

writes train.jsonl (both directions), valid.jsonl and the test files, which share no title with train.jsonl:

    test-combinations   titles whose noun and colour never stand together in train.jsonl
    test-shop           the demo shop's products: their style, noun and colour never stand together in train.jsonl
    test-attributes     lists of attributes of those products
    test-nouns          titles whose noun is in no title of train.jsonl

Rows are {"source", "target", "source_lang", "target_lang"}, in the tests with "brand" where a brand is to be kept.
Brands that are not the demo shop's stay as they are in both languages, and so do model names.
"""
import argparse
import json
import os
import random
import sys
import zlib

import shop_catalogue
import shop_copy
import title_words

sys.path.insert(0, shop_catalogue.SHOP)
import generate as shop  # noqa: E402  (the demo shop's generator: catalogue and names of attributes)
import sources  # noqa: E402

EN, ZH = "en_XX", "zh_CN"


# ---------------------------------------------------------------- amounts: (English, Chinese)

def _n(n):
    return f"{n:,}", str(n)


def amount(english, chinese, choices):
    def make(rng):
        n = rng.choice(choices) if rng.random() < 0.7 else rng.randint(1, max(9, int(max(choices))))
        if isinstance(n, float):
            return english.format(n), chinese.format(n)
        a, b = _n(n)
        return english.format(a), chinese.format(b)
    return make


def dimensions(count):
    def make(rng):
        sides = [str(rng.choice([rng.randint(3, 99), rng.randrange(10, 260, 5), rng.randrange(10, 260, 10)])) for _ in range(count)]
        return " x ".join(sides) + " cm", "×".join(sides) + "厘米"
    return make


def letters_to(rng):
    a, b = rng.choice(["XS", "S", "M"]), rng.choice(["L", "XL", "XXL", "XXXL"])
    return f"{a} to {b}", f"{a}至{b}"


def shoe_to(rng):
    a = rng.randint(24, 41)
    b = a + rng.randint(4, 9)
    return f"{a} to {b}", f"{a}至{b}"


def pack(rng):
    n = rng.randint(2, 60)
    return f"pack of {n}", f"{n}只装"


def set_of(rng):
    n = rng.randint(2, 24)
    return f"set of {n}", f"{n}件套"


def pieces(rng):
    n = rng.choice([rng.randint(2, 20), rng.randrange(20, 500, 10), 1000, 1500])
    a, b = _n(n)
    return f"{a} pieces", f"{b}件"


def letter(rng):
    size = rng.choice(["XS", "S", "M", "L", "XL", "XXL"])
    return f"size {size}", f"{size}码"


def shoe(rng):
    n = rng.randint(22, 47)
    return f"size {n}", f"{n}码"


def people(rng):
    n = rng.randint(1, 12)
    return (f"for {n} people", f"{n}人用") if n > 1 else ("for 1 person", "1人用")


def players(rng):
    a = rng.randint(1, 4)
    b = a + rng.randint(1, 6)
    return f"{a} to {b} players", f"{a}至{b}人"


def paper(rng):
    size, n = rng.choice(["A4", "A5", "A6", "B5", "A3"]), rng.choice([48, 80, 96, 120, 160, 192, 200, 240])
    return rng.choice([(size, size), (f"{size}, {n} pages", f"{size} {n}页")])


SIZES = {
    "ml": amount("{} ml", "{}毫升", [30, 50, 75, 100, 150, 200, 250, 300, 320, 350, 400, 450, 480, 500, 600, 750, 800]),
    "litres": amount("{} l", "{}升", [1, 1.1, 1.2, 1.4, 1.5, 1.7, 1.8, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 18, 20, 24, 30, 35, 40, 45]),
    "centimetres": amount("{} cm", "{}厘米", [8, 10, 12, 15, 18, 20, 22, 24, 25, 26, 28, 30, 32, 35, 40, 45, 50, 60, 75, 80, 100, 120, 150, 180]),
    "millimetres": amount("{} mm", "{}毫米", [0.38, 0.5, 0.7, 1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 38, 40, 42, 44, 46]),
    "metres": amount("{} m", "{}米", [1, 1.2, 1.5, 1.8, 2, 2.1, 3, 3.6, 5, 7.5, 10, 15, 20, 50]),
    "area": dimensions(2), "volume": dimensions(3),
    "inches": amount("{} inches", "{}寸", [5.5, 6.1, 6.7, 10, 11, 12, 13, 14, 15.6, 16, 20, 24, 27, 28, 32, 43, 55, 65]),
    "grams": amount("{} g", "{}克", [4, 5, 10, 20, 50, 80, 95, 100, 125, 150, 200, 250, 300, 380, 400, 500, 750]),
    "kilograms": amount("{} kg", "{}公斤", [1, 1.2, 1.5, 1.9, 2, 2.5, 2.8, 3, 4.5, 5, 6, 8, 10, 15, 20]),
    "watts": amount("{} W", "{}瓦", [5, 8, 10, 12, 18, 20, 28, 30, 45, 60, 65, 100, 120, 300, 500, 800, 1000, 1200, 1500, 1800, 2000, 2200]),
    "hours": amount("{} hours", "续航{}小时", [6, 8, 10, 12, 15, 20, 24, 30, 40, 45, 48, 60]),
    "mah": amount("{} mAh", "{}毫安时", [800, 1200, 2000, 3000, 4000, 5000, 10000, 20000, 26800, 30000]),
    "volts": amount("{} V", "{}伏", [5, 12, 18, 20, 24, 36, 48, 110, 220, 230]),
    "gigabytes": amount("{} GB", "{}GB", [4, 8, 16, 32, 64, 128, 256, 512]),
    "lumens": amount("{} lumens", "{}流明", [100, 200, 350, 400, 600, 800, 1000, 1500, 2000]),
    "bags": amount("{} bags", "{}包", [10, 12, 15, 20, 25, 30, 50, 100]),
    "pages": amount("{} pages", "{}页", [48, 64, 80, 96, 120, 160, 192, 200, 240, 320]),
    "colours": amount("{} colours", "{}色", [6, 12, 18, 24, 36, 48, 72]),
    "ages": amount("from {} years", "{}岁以上", [2, 3, 4, 5, 6, 8, 10, 12, 14]),
    "months": amount("from {} months", "{}个月以上", [3, 6, 9, 12, 18]),
    "letters": letter, "size_letter": letter, "letters_to": letters_to, "shoe": shoe, "shoe_to": shoe_to, "pack": pack, "set": set_of, "pieces": pieces,
    "people": people, "players": players, "paper": paper,
}


def size_of(rng, names):
    return SIZES[rng.choice(names.split())](rng)


# ---------------------------------------------------------------- brands

def model_name(rng):
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTVXZ") for _ in range(rng.choice([1, 1, 2, 3])))
    digits = "".join(rng.choice("0123456789") for _ in range(rng.choice([1, 2, 3, 4])))
    return letters + rng.choice(["", "", "-"]) + digits + rng.choice(["", "", "", rng.choice("ABSX")])


def brand(rng, shop_brands):
    """(English, Chinese): the demo shop's, which has both, or a name that stays as it is."""
    roll = rng.random()
    if roll < 0.3:
        return rng.choice(shop_brands)
    if roll < 0.8:
        name = shop_copy._brand(rng)
        if rng.random() < 0.1:
            name += " & " + shop_copy._brand(rng)
    else:
        name = shop_copy._brand_zh(rng)
    return name, name


# ---------------------------------------------------------------- titles

def held_out(*words):
    """One in fourteen, by hash: of nouns, and of pairs of noun and colour."""
    return zlib.crc32("|".join(words).encode()) % 14 == 5


def lower(words):
    """A title's word inside a phrase: "Cotton" is "cotton", "EVA" and "T-shirt" stay."""
    return " ".join(w if (len(w) > 1 and w[1:] != w[1:].lower()) or w[1:2] == "-" else w.lower() for w in words.split(" "))


class Titles:
    def __init__(self):
        self.categories = sources.catalogue()
        self.products = shop_catalogue.load_products()
        self.shop_brands = [b for c in self.categories for b in c["brand"]]
        kinds = {kind["name"][0] for c in self.categories for kind in c["types"]}
        self.unseen = {noun[0] for group in title_words.GROUPS for noun in group["nouns"] if held_out(noun[0]) and noun[0] not in kinds}
        # Style, noun and colour of the demo shop's products: their titles without the brand and the size.
        self.taken = {" ".join(self.core(p)) for p in self.products}

    @staticmethod
    def core(product):
        name, *rest = product["title"]["zh"].split(" ")[1:]
        return [name] + rest[:1]

    # -- of the demo shop's kinds

    def shop_title(self, rng):
        """(English, Chinese, attributes) like the demo shop's, and none of its own."""
        while True:
            category = rng.choice(self.categories)
            kind = rng.choice(category["types"])
            colour = rng.choice(kind["attributes"].get("colour", category["colour"]) if rng.random() < 0.7 else title_words.COLOURS)
            style = rng.choice(category["style"] if rng.random() < 0.6 else title_words.STYLES)
            name = style[1] + kind["name"][1]
            if f"{name} {colour[1]}" in self.taken or held_out(kind["name"][0], colour[0]):
                continue
            options = {key: rng.choice(values) for key, values in kind["attributes"].items() if key != "colour"}
            measured = next((options[key] for key in shop.IN_TITLE[1:] if key in options), None)
            if measured and rng.random() < 0.35:
                measured = size_of(rng, rng.choice(title_words.GROUPS)["sizes"])
            make = rng.choice(category["brand"]) if rng.random() < 0.5 else brand(rng, self.shop_brands)
            english = ", ".join(filter(None, [f"{make[0]} {style[0]} {kind['name'][0]}", colour[0], measured and measured[0]]))
            chinese = " ".join(filter(None, [make[1], name, colour[1], measured and measured[1]]))
            names = {"colour": shop.sources.INSTEAD_OF_COLOUR.get(category["id"], ("colour", "颜色")) if "colour" not in kind["attributes"] else ("colour", "颜色")}
            attributes = [(names.get(key, (key, shop.ATTRIBUTES[key])), value) for key, value in {"colour": colour, **options}.items()]
            return english, chinese, attributes, make

    # -- of the wider vocabulary

    def wide_title(self, rng, test=None):
        """The same of title_words' nouns. test: None, "combinations" or "nouns"."""
        while True:
            group = rng.choice(title_words.GROUPS)
            noun, colour = rng.choice(group["nouns"]), rng.choice(title_words.COLOURS)
            kind = "nouns" if noun[0] in self.unseen else "combinations" if held_out(noun[0], colour[0]) else None
            if kind == test:
                break
        material = rng.choice(group["materials"]) if rng.random() < 0.6 else None
        style = rng.choice(title_words.STYLES) if rng.random() < 0.5 else None
        if style and f"{style[1]}{noun[1]} {colour[1]}" in self.taken:
            style = None
        audience = rng.choice(title_words.AUDIENCES) if rng.random() < 0.2 else None
        features = rng.sample(group["features"], rng.choice([0, 0, 1, 1, 2]))
        size = size_of(rng, group["sizes"]) if rng.random() < 0.7 else None
        make = brand(rng, self.shop_brands) if rng.random() < 0.65 else None
        model = model_name(rng) if rng.random() < 0.12 else None
        if not make and rng.random() < 0.5:  # a phrase: "red cotton dress, V-neck"
            words = [x for x in (style and lower(style[0]), colour[0], material and lower(material[0]), lower(noun[0]), audience and lower(audience[0])) if x]
            english = ", ".join([" ".join(words)] + [f[0] for f in features] + [x[0] for x in (size,) if x])
            chinese = "".join(x[1] for x in (audience, style, colour, material, noun) if x)
            chinese = " ".join([chinese] + [f[1] for f in features] + [x[1] for x in (size,) if x])
        else:
            head = [x for x in (make and make[0], model, style and style[0], material and material[0], noun[0], audience and audience[0]) if x]
            joined = " ".join(head) + (" with " + " and ".join(f[0] for f in features) if features else "")
            english = ", ".join([joined, colour[0]] + [x[0] for x in (size,) if x])
            parts = [make and make[1], model, "".join(x[1] for x in (audience, style, material, noun) if x), *(f[1] for f in features), colour[1], size and size[1]]
            chinese = " ".join(x for x in parts if x)
        attributes = [(("colour", "颜色"), colour)] + ([(("material", "材质"), (lower(material[0]), material[1]))] if material else [])
        return english, chinese, attributes, make

    def attribute(self, rng):
        if rng.random() < 0.5:
            key = rng.choice(list(title_words.MEASURES))
            return key, size_of(rng, title_words.MEASURES[key])
        key = rng.choice(list(title_words.ATTRIBUTES))
        return key, rng.choice(title_words.ATTRIBUTES[key])

    def pair(self, rng):
        """(English, Chinese) of one row for training."""
        roll = rng.random()
        if roll < 0.06:  # a word alone
            group = rng.choice(title_words.GROUPS)
            a, b = rng.choice(rng.choice([group["nouns"], group["materials"], group["features"], title_words.COLOURS, title_words.STYLES]))
            return self.pair(rng) if a in self.unseen else (lower(a) if rng.random() < 0.5 else a, b)
        english, chinese, attributes, make = self.shop_title(rng) if rng.random() < 0.45 else self.wide_title(rng)
        if roll < 0.7:
            return english, chinese
        attributes = attributes + [self.attribute(rng) for _ in range(rng.choice([0, 0, 1, 2]))]
        if make and rng.random() < 0.15:
            attributes.append((("brand", "品牌"), make))
        if rng.random() < 0.4:
            rng.shuffle(attributes)
        listed = listing(attributes)
        return (f"{english}; {listed[0]}", f"{chinese}；{listed[1]}") if roll < 0.8 else listed


def listing(attributes):
    return "; ".join(f"{k[0]}: {v[0]}" for k, v in attributes), "；".join(f"{k[1]}：{v[1]}" for k, v in attributes)


def looser(rng, text, source_lang):
    """Variants as shops write them: other capitals, other punctuation. For sources only."""
    roll = rng.random()
    if source_lang == EN:
        return text.lower() if roll < 0.08 else text.upper() if roll < 0.1 else text.replace(", ", " ") if roll < 0.15 else text
    return text.replace("；", "; ").replace("：", ": ") if roll < 0.1 else text.replace(" ", "") if roll < 0.15 else text.replace(" ", "，") if roll < 0.2 else text


def row(english, chinese, to_english, **more):
    source, target = (chinese, english) if to_english else (english, chinese)
    return {"source": source, "target": target, "source_lang": ZH if to_english else EN, "target_lang": EN if to_english else ZH, **more}


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for r in rows:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")


def both_ways(pairs):
    return [row(e, z, to_english, **({"brand": list(b)} if b else {})) for to_english in (False, True) for e, z, b in pairs]


def make_files(out, n, seed):
    titles, rng = Titles(), random.Random(seed)
    os.makedirs(out, exist_ok=True)
    pairs = list({titles.pair(rng) for _ in range(n)})
    pairs.sort()
    rng.shuffle(pairs)
    valid, rest = pairs[:400], pairs[400:]
    train = []
    for english, chinese in rest:
        for to_english in (False, True):
            r = row(english, chinese, to_english)
            r["source"] = looser(rng, r["source"], r["source_lang"])
            train.append(r)
    rng.shuffle(train)
    write(os.path.join(out, "train.jsonl"), train)
    write(os.path.join(out, "valid.jsonl"), both_ways([(e, z, None) for e, z in valid]))
    rng = random.Random(seed + 1)
    for kind in ("combinations", "nouns"):
        made = [titles.wide_title(rng, kind) for _ in range(400)]
        write(os.path.join(out, f"test-{kind}.jsonl"), both_ways([(e, z, b) for e, z, _, b in made]))
    shop_pairs = [(p["title"]["en"], p["title"]["zh"], (p["brand"], p["title"]["zh"].split(" ")[0])) for p in titles.products]
    write(os.path.join(out, "test-shop.jsonl"), both_ways(shop_pairs))
    lists = [listing([((a, c), (b, d)) for (a, b), (c, d) in zip(p["attributes"]["en"].items(), p["attributes"]["zh"].items())]) for p in titles.products]
    write(os.path.join(out, "test-attributes.jsonl"), both_ways([(e, z, None) for e, z in dict.fromkeys(lists)]))
    return len(train)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True, help="folder of the files to write")
    p.add_argument("--titles", type=int, default=200000, help="pairs to make; fewer are written, since some are made twice (default: %(default)s)")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    print(f"{make_files(args.out, args.titles, args.seed):,} rows in {os.path.join(args.out, 'train.jsonl')}", file=sys.stderr)


if __name__ == "__main__":
    main()
