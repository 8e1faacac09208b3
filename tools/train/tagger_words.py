#!/usr/bin/env python3
"""Writes the words that the tagger of names and addresses knows: lines of word, kind and weight, as train-tagger reads them.

    tools/train/tagger_words.py OUT

Chinese words, their parts of speech and frequencies are those of jieba's dictionary (Debian's python3-jieba, MIT). Names and places of
many countries are those of Faker's lists (Debian's python3-fake-factory, MIT), common English words those of lib/shop/spelling.
The tagger keeps hashes, kinds and weights, no word."""
import ast
import collections
import math
import os
import re
import sys

import tagger_rows

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PACKAGES = "/usr/lib/python3/dist-packages"
JIEBA = os.path.join(PACKAGES, "jieba", "dict.txt")
FAKER = os.path.join(PACKAGES, "faker", "providers")

# Kinds 0 to 9 are names: they are marked wherever they stand. The rest tell segments apart.
PERSON, FOREIGN, PLACE, ORGANISATION, OTHER_NAME, FORENAME, FAMILY, EITHER, LATIN_PLACE = range(9)
NOUN, VERB, ADJECTIVE, TIME, NUMBER, ADVERB, IDIOM, PHRASE, SHORT, VERBAL_NOUN, POSITION, PRONOUN, MEASURE, OTHER, COMMON, RARE = range(10, 26)
PARTS = {"nr": PERSON, "nrfg": PERSON, "nrt": FOREIGN, "ns": PLACE, "nt": ORGANISATION, "nz": OTHER_NAME, "n": NOUN, "v": VERB, "a": ADJECTIVE,
         "t": TIME, "m": NUMBER, "d": ADVERB, "i": IDIOM, "l": PHRASE, "j": SHORT, "vn": VERBAL_NOUN, "s": POSITION, "f": POSITION,
         "r": PRONOUN, "q": MEASURE}
# Least frequency of a word that is kept: names more easily, phrases hardly.
LEAST = {PERSON: 15, FOREIGN: 3, PLACE: 3, ORGANISATION: 20, OTHER_NAME: 20, NOUN: 60, VERB: 80, IDIOM: 400, PHRASE: 400}


def weight(frequency):
    return max(0, min(255, round(8 * math.log(max(1, frequency)))))


def chinese():
    with open(JIEBA, encoding="utf-8") as f:
        for line in f:
            word, frequency, part = line.split()
            kind = PARTS.get(part, OTHER)
            least = LEAST.get(kind, 60)
            if re.fullmatch("[\u4e00-\u9fff]{1,6}", word) and int(frequency) >= least:
                yield word, kind, weight(int(frequency))


def character_scores():
    """How much likelier a character is in a role of names than in text: lines of character, 32 + role, 128 + 16 ln(ratio)."""
    text, roles = collections.Counter(), [collections.Counter() for _ in range(5)]
    known = tagger_rows.SURNAMES_ZH
    with open(JIEBA, encoding="utf-8") as f:
        for line in f:
            word, frequency, part = line.split()
            if not re.fullmatch("[\u4e00-\u9fff]+", word):
                continue
            for c in word:
                text[c] += int(frequency)
            if part in ("nr", "nrfg") and word[0] in known and len(word) in (2, 3):
                for c, role in zip(word, (0, 1, 2) if len(word) == 3 else (0, 3)):
                    roles[role][c] += 1
            if part == "nrt" and len(word) > 2:
                for c in word:
                    roles[4][c] += 1
    everything, seen = sum(text.values()), sorted(text)
    for role, counts in enumerate(roles):
        n = sum(counts.values())
        for c in seen:
            likely, usual = (counts[c] + 0.02) / (n + 0.02 * len(seen)), (text[c] + 100) / (everything + 100 * len(seen))
            yield c, 32 + role, 128 + max(-127, min(127, round(16 * math.log(likely / usual))))


def strings(path, names):
    """All strings of the assignments to `names` (a regular expression) in a Python file."""
    with open(path, encoding="utf-8") as f:
        tree = ast.parse(f.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and re.search(names, t.id) for t in node.targets):
            for leaf in ast.walk(node.value):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    yield leaf.value


def faker_lists(provider, names):
    folder = os.path.join(FAKER, provider)
    for locale in sorted(os.listdir(folder)):
        path = os.path.join(folder, locale, "__init__.py")
        if os.path.exists(path):
            for text in strings(path, names):
                yield locale, text


def is_word(text):
    """In Latin, Greek or Cyrillic letters."""
    return re.fullmatch("[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]{2,}", text.lower()) is not None


def latin():
    forenames = {t.lower() for _, t in faker_lists("person", "^first_names?|^.*first_name") if is_word(t)}
    families = {t.lower() for _, t in faker_lists("person", "last_name") if is_word(t)}
    places = {w.lower() for _, t in faker_lists("address", "^(cities|countries|states|city_names|provinces|regions|communities)") for w in t.split() if is_word(w)}
    common = [w for name in ("english_words.h", "english_rare_words.h", "english_other_words.h") for w in spelling(name)]
    rank = {w: i for i, w in reversed(list(enumerate(common)))}
    for word in sorted(forenames | families):
        # A name that is a common word, too, is left to the context.
        if rank.get(word, 1 << 30) >= 3000:
            yield word, EITHER if word in forenames and word in families else FORENAME if word in forenames else FAMILY, 250
    for word in sorted(places - forenames - families):
        if rank.get(word, 1 << 30) >= 3000:
            yield word, LATIN_PLACE, 249
    for word, i in sorted(rank.items()):
        yield word, COMMON if i < 6000 else RARE, 100


def spelling(name):
    with open(os.path.join(ROOT, "lib", "shop", "spelling", name), encoding="utf-8") as f:
        return re.findall("[a-z]+", " ".join(re.findall('"([^"]*)"', f.read())))


def write(path):
    """Writes the file; the number of its lines."""
    for package, of in (("python3-jieba", JIEBA), ("python3-fake-factory", FAKER)):
        if not os.path.exists(of):
            sys.exit("tagger_words.py: %s: not found; install Debian's %s" % (of, package))
    n = 0
    with open(path, "w", encoding="utf-8") as f:
        for word, kind, of in (*chinese(), *latin(), *character_scores()):
            f.write("%s\t%d\t%d\n" % (word, kind, of))
            n += 1
    return n


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("%s: %d lines" % (sys.argv[1], write(sys.argv[1])))


if __name__ == "__main__":
    main()
