"""Reads the text files in texts/: FAQ entries, the catalogue, and patterns of customers' messages."""
import os
import re

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "texts")


def lines(name):
    """The lines that are not blank or comments, with their numbers for messages."""
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                yield f"{name}:{number}", line.strip()


def faq_entries(language):
    """[{"id", "tags", "questions", "answer", "tests"}]"""
    entries = []
    for where, line in lines(f"faq.{language}.txt"):
        mark, rest = line[0], line[2:].strip()
        if mark == "@":
            name, tags = rest.split(":")
            entries.append({"id": name, "tags": tags.split(), "questions": [], "answer": None, "tests": []})
        elif mark == "Q":
            entries[-1]["questions"].append(rest)
        elif mark == "T":
            entries[-1]["tests"].append(rest)
        elif mark == "A":
            entries[-1]["answer"] = rest
        else:
            raise ValueError(f"{where}: line starts with {mark!r}, expected @, Q, A or T")
    return entries


def more(name):
    """{id: [text]} of a file of `@ id` and `Q text` lines, to be taken as they stand; {} where there is no such file."""
    texts = {}
    if os.path.exists(os.path.join(HERE, name)):
        label = None
        for where, line in lines(name):
            if line[:2] == "@ ":
                label = line[2:]
            elif line[:2] == "Q " and label:
                texts.setdefault(label, []).append(line[2:].strip())
            else:
                raise ValueError(f"{where}: line starts with {line[:2]!r}, expected '@ ' or (after the first of them) 'Q '")
    return texts


def pair(text):
    en, zh = text.split(" | ")
    return en.strip(), zh.strip()


def choices(text):
    return [pair(part) for part in text.split(" ; ")]


def catalogue():
    """[category], each with "types": a type's attributes are lists of (English, Chinese)."""
    categories = []
    for name in ("catalogue.1.txt", "catalogue.2.txt"):
        for where, line in lines(name):
            word, _, rest = line.partition(" ")
            if word == "@":
                slug, en, zh = rest.split(" | ")
                categories.append({"id": slug, "name": (en, zh), "types": []})
            elif word in ("brand", "style", "colour", "close"):
                categories[-1][word] = choices(rest)
            elif word == "+":
                en, zh, price, tags = rest.split(" | ")
                categories[-1]["types"].append({"name": (en, zh), "price": [int(p) for p in price.split()],
                                                "tags": tags.split(), "attributes": {}, "features": []})
            elif word == ">":
                categories[-1]["types"][-1]["opening"] = pair(rest)
            elif word == "-":
                categories[-1]["types"][-1]["features"].append(pair(rest))
            elif word.endswith(":"):
                categories[-1]["types"][-1]["attributes"][word[:-1]] = choices(rest)
            else:
                raise ValueError(f"{where}: {word!r} is not valid; the head of catalogue.1.txt lists the marks")
    return categories


# What the choices of a category without colours are.
INSTEAD_OF_COLOUR = {"beauty": ("scent", "香型"), "tea-coffee": ("pack", "包装")}


def colours():
    """The English names of the catalogue's colours: those of the categories, and those of types that share one with them (a type's
    choices may be boxes or inks)."""
    categories = catalogue()
    found = {en for category in categories if category["id"] not in INSTEAD_OF_COLOUR for en, _ in category["colour"]}
    own = [{en for en, _ in kind["attributes"].get("colour", [])} for category in categories for kind in category["types"]]
    return found.union(*(names for names in own if names & found))


def patterns(kind, language):
    """{intent: {"Q": [pattern], "T": [pattern]}}"""
    intents, label = {}, kind
    for _, line in lines(f"{kind}.{language}.txt"):
        if line[0] == "@":
            label = line[2:]
        else:
            intents.setdefault(label, {"Q": [], "T": []})[line[0]].append(line[2:])
    return intents


def expand(rng, pattern):
    """Chooses one alternative of each (a|b|c), the innermost first."""
    while match := re.search(r"\(([^()]*)\)", pattern):
        pattern = pattern[:match.start()] + rng.choice(match[1].split("|")) + pattern[match.end():]
    return re.sub(r"\s+", " ", pattern).strip()
