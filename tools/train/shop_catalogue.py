"""Product copy for every category of the demo shop: texts that name each given value, from the catalogue's own rows.

Brands are made up anew and numbers are changed for most documents, so that both have to be copied from the prompt.
Every tenth product type, by its hash, is held back.
"""
import json
import os
import re
import zlib

import shop_copy

SHOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "shop")

# Sentences for an attribute; the last of _EN_ANY and _ZH_ANY serve every other one.
_EN = {
    "colour": ["It comes in {v}.", "The colour is {v}.", "In {v}, it goes with almost everything."],
    "material": ["It is made of {v}.", "Made of {v}.", "The material is {v}."],
    "capacity": ["It holds {v}.", "The capacity is {v}.", "With room for {v}."],
    "size": ["The size is {v}.", "Size: {v}.", "It measures {v}."],
    "pack": ["It comes in a {v}.", "Packed in a {v}."],
    "weight": ["Contents: {v}.", "One pack holds {v}."],
    "origin": ["It comes from {v}.", "Grown and made in {v}."],
    "roast": ["A {v} roast.", "The roast is {v}."],
    "sizes": ["It comes in sizes {v}.", "Sizes: {v}."],
    "power": ["Power: {v}.", "It works with {v}."],
    "battery": ["Battery life: {v}.", "The battery lasts {v}."],
    "light": ["Light colour: {v}.", "The light has {v}."],
    "keys": ["Layout: {v}."],
    "switches": ["The switches are {v}.", "With {v} switches."],
    "scent": ["Scent: {v}.", "The scent: {v}."],
    "skin": ["Made for {v}.", "Suitable for {v}."],
    "hair": ["Made for {v}.", "Suitable for {v}."],
    "protection": ["Sun protection: {v}.", "With {v}."],
    "age": ["For children {v}.", "Suitable {v}."],
    "players": ["For {v}.", "A game for {v}."],
    "temperature": ["Temperature: {v}.", "Rated {v}."],
    "ruling": ["The pages are {v}.", "Pages: {v}."],
    "nib": ["The nib is {v}.", "With a {v} nib."],
    "tip": ["The tip is {v}.", "Tip: {v}."],
    "year": ["Year: {v}."],
}
_EN_ANY = ["{K}: {v}.", "The {k} is {v}."]
_ZH = {
    "颜色": ["{v}的配色，耐看又好搭。", "颜色是{v}。", "{v}，看着就舒服。"],
    "材质": ["选用{v}材质。", "材质为{v}。", "{v}材质，手感扎实。"],
    "容量": ["容量{v}。", "容量为{v}，日常够用。"],
    "规格": ["规格为{v}。", "规格{v}。"],
    "包装": ["{v}包装。", "包装为{v}。"],
    "重量": ["净含量{v}。", "一份{v}。"],
    "产地": ["产自{v}。", "来自{v}。"],
    "烘焙度": ["{v}。", "烘焙度为{v}。"],
    "尺码": ["尺码{v}。", "尺码从{v}可选。"],
    "功率": ["功率{v}。"],
    "续航": ["续航表现：{v}。", "续航：{v}。"],
    "色温": ["色温{v}。"],
    "键位": ["{v}。", "采用{v}。"],
    "轴体": ["{v}，手感顺畅。", "轴体为{v}。"],
    "香型": ["{v}，淡淡的。", "香型为{v}。"],
    "适合肤质": ["适合{v}。"],
    "适合发质": ["适合{v}。"],
    "防晒指数": ["防晒指数{v}。", "{v}防护。"],
    "适用年龄": ["适合{v}。", "适用年龄：{v}。"],
    "人数": ["{v}可玩。", "适合{v}一起玩。"],
    "温标": ["{v}。"],
    "内页": ["内页为{v}。"],
    "笔尖": ["笔尖为{v}。"],
    "笔尖粗细": ["笔尖粗细{v}。"],
    "年份": ["{v}。", "年份：{v}。"],
}
_ZH_ANY = ["{k}：{v}。", "{k}为{v}。"]
_EN_OPENINGS = ["Meet the {n}.", "Discover the {n}.", "This is the {n}.", "The {n} is made for everyday use.", "Say hello to the {n}.", "The {n} is simple and practical."]
_ZH_OPENINGS = ["这款{n}，简单又实用。", "为您推荐{n}。", "{n}，日常好物。", "这款{n}做工细致。", "{n}，用起来很顺手。"]
_EN_CLOSINGS = {
    "kitchen": ["A good companion at the table.", "Nice to cook and serve with."], "tea-coffee": ["For quiet mornings and long afternoons.", "A small pleasure for every day."],
    "clothing": ["Easy to wear and easy to combine.", "Comfortable from morning to night."], "shoes": ["Made for long days on your feet.", "Comfortable step after step."],
    "bags": ["Ready for work and school.", "Everything has its place."], "electronics": ["Simple to set up and to use.", "A useful helper on the desk and on the road."],
    "textiles": ["For a cosy home.", "Soft to the touch."], "furniture": ["It fits into almost every room.", "For a calm and tidy home."],
    "beauty": ["Gentle care for every day.", "A pleasant moment for yourself."], "toys": ["For hours of play.", "Fun for small hands and curious minds."],
    "outdoor": ["Ready for the next trip.", "Good company outdoors."], "stationery": ["For everyone who likes to write.", "It makes work at the desk a little nicer."]}
_ZH_CLOSINGS = {
    "kitchen": ["做饭摆盘都好用。", "餐桌上的好帮手。"], "tea-coffee": ["忙里偷闲，喝上一杯。", "每天的小享受。"], "clothing": ["好穿又好搭。", "从早穿到晚都舒服。"],
    "shoes": ["走起来不累脚。", "步步舒适。"], "bags": ["上班出行都合适。", "东西放得井井有条。"], "electronics": ["上手简单，用着省心。", "桌面和路上的好帮手。"],
    "textiles": ["让家更温馨。", "触感柔软。"], "furniture": ["放在哪个房间都合适。", "让家更整洁。"], "beauty": ["每天温和呵护。", "给自己一点时间。"],
    "toys": ["陪孩子尽情玩耍。", "动手又动脑。"], "outdoor": ["说走就走的好伙伴。", "户外出行带上它。"], "stationery": ["喜欢写字的人会爱上它。", "让书桌多一份乐趣。"]}


def load_products():
    with open(os.path.join(SHOP, "products.jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def kind_of(product):
    """The product's type, whatever its brand, style, colour and size: "Mug"."""
    return " ".join(product["title"]["en"].split(",")[0].split()[-2:])


def is_held_out(product):
    return zlib.crc32(kind_of(product).encode()) % 10 == 3


def other_numbers(rng, texts):
    """The texts with their numbers changed, the same ones alike."""
    known = {}

    def change(match):
        old = match.group(0)
        if old not in known:
            digits = [rng.choice("123456789")] + [rng.choice("0123456789") for c in old[1:] if c.isdigit()]
            known[old] = "".join(c if not c.isdigit() else digits.pop(0) for c in old)
        return known[old]

    return [re.sub(r"\d[\d,.]*\d|\d", change, text) for text in texts]


def split_title(title, language):
    """(brand and name, the rest: colour, size)"""
    if language == "en":
        head, *rest = title.split(", ")
        return head, rest
    brand, name, *rest = title.split(" ")
    return brand + name, rest


def rebrand(rng, title, brand, language):
    new = shop_copy._brand(rng) if language == "en" else shop_copy._brand_zh(rng)
    return title.replace(brand, new, 1), new


def sentence(rng, key, value, language):
    table, any_ = (_EN, _EN_ANY) if language == "en" else (_ZH, _ZH_ANY)
    pattern = rng.choice(table[key] if key in table and rng.random() < 0.85 else any_)
    return pattern.format(v=value, k=key, K=key[:1].upper() + key[1:])


def copy_of(rng, name, rest, attributes, category, language):
    """A text with every value once. rest: what the title says beyond the name; a value of both is said once."""
    joint, openings, closings = (" ", _EN_OPENINGS, _EN_CLOSINGS) if language == "en" else ("", _ZH_OPENINGS, _ZH_CLOSINGS)
    values = [v for _, v in attributes]
    alone = [r for r in rest if not any(r in v for v in values)]
    parts = [rng.choice(openings).format(n=name)]
    if alone:
        if language == "en":
            parts.append(rng.choice(["It comes in {v}.", "Details: {v}.", "In short: {v}."]).format(v=", ".join(alone)))
        else:
            parts.append(rng.choice(["{v}。", "细节：{v}。", "款式为{v}。"]).format(v="、".join(alone)))
    parts += [sentence(rng, k, v, language) for k, v in attributes]
    if rng.random() < 0.5:
        parts.append(rng.choice(closings[category]))
    text = joint.join(parts)
    return plural(text) if language == "en" and name.endswith("s") and not name.endswith("ss") else text


_PLURALS = [("This is the", "These are the"), ("It is", "They are"), ("It comes", "They come"), ("It holds", "They hold"), ("It measures", "They measure"), ("It works", "They work"),
            ("It fits", "They fit"), ("It makes", "They make"), ("it goes", "they go"), (" is made for everyday", " are made for everyday"), (" is simple and", " are simple and")]


def plural(text):
    for one, many in _PLURALS:
        text = text.replace(one, many)
    return text


def prompt_of(rng, title, attributes, language):
    colon, comma = (": ", "; ") if language == "en" else (rng.choice(["：", ":"]), rng.choice(["；", "，", "; "]))
    if not attributes:
        return title
    roll = rng.random()
    listed = comma.join(f"{k}{colon}{v}" for k, v in attributes)
    if roll < 0.75:
        return title + comma + listed
    if roll < 0.9:
        return title + (", " if language == "en" else "，") + (", " if language == "en" else "、").join(v for _, v in attributes)
    return ("title" if language == "en" else "标题") + colon + title + comma + listed


def document(rng, product, language):
    title = product["title"][language]
    attributes = [(k, v) for k, v in product["attributes"][language].items() if rng.random() < 0.9]
    if rng.random() < 0.3:
        rng.shuffle(attributes)
    brand = product["brand"] if language == "en" else title.split(" ")[0]
    if rng.random() < 0.7:
        title, brand = rebrand(rng, title, brand, language)
    if rng.random() < 0.6:
        title, *values = other_numbers(rng, [title] + [v for _, v in attributes])
        attributes = [(k, v) for (k, _), v in zip(attributes, values)]
    if rng.random() < 0.15:
        attributes = []
    if rng.random() < 0.3:  # a shorter title
        title = ", ".join(title.split(", ")[:1]) if language == "en" else " ".join(title.split(" ")[:2])
    if rng.random() < 0.15:
        key, value = (("pieces", str(rng.randint(2, 60))) if language == "en" else ("件数", f"{rng.randint(2, 60)}件"))
        attributes.append((key, value))
    name, rest = split_title(title, language)
    text = copy_of(rng, name, rest, attributes, product["category"], language)
    return f"Product: {prompt_of(rng, title, attributes, language)}\nCopy:", " " + text


def documents(rng, count, language, held_out=False):
    products = [p for p in load_products() if is_held_out(p) == held_out]
    return [document(rng, rng.choice(products), language) for _ in range(count)]
