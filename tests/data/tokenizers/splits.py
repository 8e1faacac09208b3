#!/usr/bin/env python3
"""Writes splits.jsonl: texts, and the pieces that Split, Digits, Punctuation, Whitespace and WhitespaceSplit of Hugging
Face's tokenizers (0.21.4) make of them. One object a line: "regex" or "string" or "type", "behavior" (by its number in
ll_split_behavior), "invert", and "cases", a list of [text, piece, ...].

    python splits.py > splits.jsonl
"""
import json
import random

from tokenizers import Regex, pre_tokenizers

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
GPT2 = r"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORDS = [
    "'s|'t|'re|'ve|'m|'ll|'d" + GPT2,
    "'(?:[sdmt]|ll|ve|re)" + GPT2,
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES,
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES,
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + SPACES,
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES,
]
RUNS = [r"\p{N}", r"\p{N}+", r"\p{N}{1,3}", "[0-9]", "[0-9][0-9][0-9]", r"\s", r"\s+"]
SETS = [r"[\!\"\#\$\%\&\(\)\*\+\,\-\.\/\:\;\<\=\>\?\@\[\\\]\^_\`\{\|\}\~\t\n ]+", r"[aA\r1' ]+"]  # Keras' filters
STRINGS = [" ", "\n\n", "a", " a", "'", "aa", "中"]
BEHAVIORS = ["isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous"]

TEXTS = [
    " ", "  ", "a", " a", "  a", "   a", "\ta", "\n a", "\r\n\r\n", "a\r\n\r\nb", " \r\n \n  b", "a  \n  b", "\u2028a",
    "a\u2028\u2029b", "a\u0085b", " \u0085\u00a0 x", "\u3000中文", "中文's", "中文'S 's", "it's IT'S It'\u017f 'ſx",
    "we'll WE'LL we'Ll they've They'VE I'm I'M you're YOU'RE he'd 'd'D", "don't'tx 'sabc ''s", "O'Neill's d'accord",
    "1234567 12.50 1,299.00", "١٢٣٤٥ ०१२३ Ⅻ ²³¹ ½ 一二", "x1y22z333a4444", "€ 12,50!", "!!hello ?world -x --y", "/a//b\n/\n\nc",
    "a.\r\n\r\nb", "...\n", "\u0301a b\u0301c", "\u0301ABC", "ABCdEF", "ǅA ǅa ʰA Aʰ ªBªC", "HTTPServer's JSONValue",
    "日本語カタカナﾊﾝ", "한국어 텍스트", "\U0001f600\u200d\U0001f4bb x", "\U00010d50\U00010d70\U00010d40", "\U0002ebf0x", "a\u00adb\x00c\x7f",
    "<|endoftext|>", "  \u00a0x", "tab\t\tx", "trailing   ", "\n\n\n", " \n", "\n ", "x \n", "/", "'", "''", "'s", " 's", "$+<=>^~|`x",
]


def random_text(r):
    alphabet = list(" \t\n\r\x85\xa0\u2028\u3000''sStTrReEvVlLdDmMaAzZ\u017f019.,!/-_$\u0301\u0903ǅʰªß中文한ﾊ٠Ⅻ²\U0001f600\u200d")
    some = r.sample(alphabet, r.randint(2, len(alphabet)))
    return "".join(r.choice(some) for _ in range(r.randint(1, 20)))


def put(head, splitter, texts):
    cases = [[t] + [piece for piece, _ in splitter.pre_tokenize_str(t)] for t in texts]
    print(json.dumps({**head, "cases": cases}, ensure_ascii=False))


def main():
    r = random.Random(15)
    for name, pattern in [("regex", p) for p in WORDS + RUNS] + [("string", s) for s in STRINGS]:
        for b, behavior in enumerate(BEHAVIORS):
            for invert in (False, True):
                plain = b == 0 and not invert
                texts = TEXTS if plain else r.sample(TEXTS, 6)
                texts = texts + [random_text(r) for _ in range(60 if plain and name == "regex" else 6)]
                split = pre_tokenizers.Split(Regex(pattern) if name == "regex" else pattern, behavior, invert)
                put({name: pattern, "behavior": b, "invert": invert}, split, texts)
    for name, split in [
        ("digits", pre_tokenizers.Digits(False)), ("digit", pre_tokenizers.Digits(True)),
        ("whitespace", pre_tokenizers.Whitespace()), ("whitespace_split", pre_tokenizers.WhitespaceSplit()),
    ]:
        put({"type": name}, split, TEXTS + [random_text(r) for _ in range(20)])
    for b, behavior in enumerate(BEHAVIORS):
        texts = TEXTS + [random_text(r) for _ in range(20)]
        put({"type": "punctuation", "behavior": b}, pre_tokenizers.Punctuation(behavior), texts)
    for pattern in SETS:
        for b, behavior in enumerate(BEHAVIORS):
            texts = TEXTS + [random_text(r) for _ in range(20)] if b < 2 else r.sample(TEXTS, 10)
            for invert in (False, True):
                put({"regex": pattern, "behavior": b, "invert": invert},
                    pre_tokenizers.Split(Regex(pattern), behavior, invert), texts)


if __name__ == "__main__":
    main()
