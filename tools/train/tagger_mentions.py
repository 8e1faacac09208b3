"""More rows for the tagger from those of a data set: the same sentences with other people, places and streets in them, so that the
tagger learns what surrounds a name rather than the names of a few rows. Names are the data set's own and those of tagger_words.py."""
import random
import re

import tagger_rows
import tagger_words

HAN = re.compile("[\u4e00-\u9fff]+")


def shape_zh(mention):
    """A Chinese name of two or three characters, a foreign one, or something else."""
    if not HAN.fullmatch(mention):
        return "mixed"
    if mention[0] in tagger_rows.SURNAMES_ZH and len(mention) in (2, 3):
        return "name%d" % len(mention)
    return "foreign" if len(mention) > 2 else "short"


def shape_en(mention, label):
    if label == "NAME":
        return "%d %s" % (min(3, len(mention.split())), "lower" if mention.islower() else "any")
    if label != "ADDRESS":
        return "any"
    if mention.isdigit():
        return "digits"
    for prefix in ("PSC", "USNS", "USCGC", "Unit", "P.O.", "the corner", "Apt", "Suite"):
        if mention.lower().startswith(prefix.lower()):
            return prefix
    return "block" if "\n" in mention or mention.count(" ") > 4 else "street" if any(c.isdigit() for c in mention) else "other"


def pools(rows, shape):
    out = {}
    for text, spans in rows:
        for begin, end, label in spans:
            mention = text[begin:end]
            out.setdefault((label, shape(mention, label)), []).append(mention)
    return out


def chinese_names():
    out = {}
    for word, kind, weight in tagger_words.chinese():
        if kind == tagger_words.PERSON and shape_zh(word).startswith("name"):
            out.setdefault(("NAME", shape_zh(word)), []).append(word)
        elif kind == tagger_words.FOREIGN and len(word) > 2:
            out.setdefault(("NAME", "foreign"), []).append(word)
    return out


def latin_names(r, n):
    forenames = sorted({t for _, t in tagger_words.faker_lists("person", "first_name") if tagger_words.is_word(t)})
    families = sorted({t for _, t in tagger_words.faker_lists("person", "last_name") if tagger_words.is_word(t)})
    out = {("NAME", "1 any"): [], ("NAME", "2 any"): [], ("NAME", "3 any"): [], ("NAME", "1 lower"): [], ("NAME", "2 lower"): []}
    for _ in range(n):
        first, last = r.choice(forenames), r.choice(families)
        out["NAME", "1 any"].append(first if r.random() < 0.7 else last)
        out["NAME", "2 any"].append(first + " " + last)
        out["NAME", "3 any"].append("%s %s. %s" % (first, r.choice("ABCDEFGHJKLMNPRSTVW"), last))
        out["NAME", "1 lower"].append(first.lower())
        out["NAME", "2 lower"].append((first + " " + last).lower())
    return out


def vary(r, text, spans, shape, own, more, labels):
    """The text with some of its mentions replaced by others of their kind and shape."""
    out, kept, at = "", [], 0
    for begin, end, label in sorted(spans):
        if begin < at:
            continue
        out += text[at:begin]
        mention = text[begin:end]
        key = (label, shape(mention, label))
        if label in labels and r.random() < labels[label]:
            pool = more.get(key) if more.get(key) and r.random() < 0.7 else own.get(key)
            mention = r.choice(pool) if pool else mention
        kept.append((len(out), len(out) + len(mention), label))
        out, at = out + mention, end
    return out + text[at:], kept


def more_rows(rows, lang, seed, copies):
    """rows: (text, [(begin, end, label)]) in characters. As many again, `copies` times, of those that have a NAME or ADDRESS."""
    r = random.Random(seed)
    shape = shape_en if lang == "en" else lambda mention, label: shape_zh(mention) if label == "NAME" else str(min(4, len(mention)))
    own = pools(rows, shape)
    more = latin_names(r, 6000) if lang == "en" else chinese_names()
    labels = {"NAME": 1.0, "ADDRESS": 1.0, "PLACE": 0.7, "ORG": 0.7} if lang == "en" else {"NAME": 0.8, "ADDRESS": 0.3}
    out = []
    for _ in range(copies):
        for text, spans in rows:
            if any(s[2] in ("NAME", "ADDRESS") for s in spans):
                out.append(vary(r, text, spans, shape, own, more, labels))
    return out
