#!/usr/bin/env python3
"""WordPiece for BERT: learns a vocabulary, writes Hugging Face tokenizer files, and encodes text.

Encoding follows Hugging Face's BertNormalizer, BertPreTokenizer and WordPiece: clean the text, isolate CJK
characters, strip accents, lower-case one character at a time, split at white space and punctuation, then take
the longest matching pieces. Special tokens written in a text ("[SEP]") are read as plain text here.

    python3 tools/train/wordpiece.py --vocab examples/models/shop-encoder "Great phone, 质量很好"
"""
import argparse
import collections
import heapq
import json
import os
import unicodedata

from common import read_json, write_json

PAD, UNK, CLS, SEP, MASK = SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PREFIX = "##"
MAX_WORD = 100

_CJK = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
        (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
_WHITE_SPACE = frozenset([0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
                          *range(0x09, 0x0E), *range(0x2000, 0x200B)])


def is_cjk(char):
    code = ord(char)
    return any(first <= code <= last for first, last in _CJK)


def is_punctuation(char):
    """ASCII punctuation and symbols, and everything Unicode calls punctuation."""
    return char in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" or unicodedata.category(char).startswith("P")


def _clean(char):
    """clean_text for one character: removes control characters, replaces white space by a space."""
    if char in "\t\n\r":
        return " "
    if char in "\0\ufffd" or unicodedata.category(char) in ("Cc", "Cf", "Co"):
        return ""
    return " " if ord(char) in _WHITE_SPACE else char


class Normalizer:
    """BertNormalizer and BertPreTokenizer: text -> list of words."""

    def __init__(self, lowercase=True, strip_accents=None, clean_text=True, handle_chinese_chars=True):
        self.lowercase, self.clean_text, self.handle_chinese_chars = lowercase, clean_text, handle_chinese_chars
        self.strip_accents = lowercase if strip_accents is None else strip_accents
        self._before, self._after = {}, {}

    def _before_nfd(self, char):
        out = _clean(char) if self.clean_text else char
        return f" {out} " if out and self.handle_chinese_chars and is_cjk(out) else out

    def _after_nfd(self, char):
        if self.strip_accents and unicodedata.category(char) == "Mn":
            return ""
        return char.lower() if self.lowercase else char

    def normalize(self, text):
        text = "".join([self._lookup(self._before, self._before_nfd, c) for c in text])
        if self.strip_accents:
            text = unicodedata.normalize("NFD", text)
        return "".join([self._lookup(self._after, self._after_nfd, c) for c in text])

    @staticmethod
    def _lookup(table, function, char):
        if char not in table:
            table[char] = function(char)
        return table[char]

    def words(self, text):
        out, word = [], []
        for char in self.normalize(text):
            white = ord(char) in _WHITE_SPACE
            if not white and not is_punctuation(char):
                word.append(char)
                continue
            if word:
                out.append("".join(word))
                word = []
            if not white:
                out.append(char)
        if word:
            out.append("".join(word))
        return out


class WordPiece:
    """Text -> ids. `vocab` is the list of pieces in id order."""

    def __init__(self, vocab, normalizer=None):
        self.vocab = vocab
        self.ids = {piece: i for i, piece in enumerate(vocab)}
        self.normalizer = normalizer or Normalizer()
        self.pad, self.unk, self.cls, self.sep, self.mask = (self.ids[token] for token in SPECIAL)
        self._cache = {}

    @classmethod
    def from_folder(cls, folder):
        """Reads vocab.txt and the flags of tokenizer_config.json, as any Hugging Face BERT folder has them."""
        with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as f:
            vocab = f.read().split("\n")
        if vocab[-1] == "":
            vocab.pop()
        path = os.path.join(folder, "tokenizer_config.json")
        config = read_json(path) if os.path.exists(path) else {}
        return cls(vocab, Normalizer(lowercase=config.get("do_lower_case", True),
                                     strip_accents=config.get("strip_accents"),
                                     handle_chinese_chars=config.get("tokenize_chinese_chars", True)))

    def _pieces(self, word):
        if len(word) > MAX_WORD:
            return [self.unk]
        out, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self.ids.get((PREFIX if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return [self.unk]
            out.append(piece)
            start = end
        return out

    def encode(self, text, max_length=None):
        """[CLS] ... [SEP], cut to `max_length` ids in all."""
        out = [self.cls]
        for word in self.normalizer.words(text):
            if word not in self._cache:
                self._cache[word] = self._pieces(word)
            out += self._cache[word]
            if max_length and len(out) >= max_length:
                out = out[:max_length - 1]
                break
        out.append(self.sep)
        return out

    def offsets(self, text, n_ids):
        """[(begin, end)] in characters of `text` for the first `n_ids` tokens of encode(); (0, 0) for [CLS] and [SEP].

        Normalises one character at a time, which differs from encode() only for combining marks out of order."""
        words, word = [], []
        for at, char in enumerate(text):
            spaced = self.normalizer.normalize(char)
            for out in spaced:
                white = ord(out) in _WHITE_SPACE
                if word and (white or is_punctuation(out)):
                    words.append(word)
                    word = []
                if not white:
                    word.append((out, at))
                    if is_punctuation(out):
                        words.append(word)
                        word = []
        if word:
            words.append(word)
        found = [(0, 0)]
        for word in words:
            at = 0
            for piece in self._pieces("".join(c for c, _ in word)):
                size = len(word) if piece == self.unk else len(self.vocab[piece]) - (len(PREFIX) if at else 0)
                found.append((word[at][1], word[min(at + size, len(word)) - 1][1] + 1))
                at += size
        return (found[:n_ids - 1] + [(0, 0)])[:n_ids]


def learn(texts, size, min_char_count=2, min_piece_count=3):
    """A vocabulary of at most `size` pieces: the special tokens, the characters, then pair merges by frequency.

    ASCII letters and digits are always in, alone and with the ## prefix, so plain ASCII words never become [UNK]."""
    normalizer = Normalizer()
    counts = collections.Counter()
    for text in texts:
        counts.update(normalizer.words(text))
    letters = collections.Counter()
    for word, count in counts.items():
        for i, char in enumerate(word):
            letters[PREFIX + char if i else char] += count
    ascii_chars = [chr(c) for c in range(33, 127) if not "A" <= chr(c) <= "Z"]
    always = ascii_chars + [PREFIX + c for c in ascii_chars if c.isalnum()]
    alphabet = sorted(set(always) | {c for c, n in letters.items() if n >= min_char_count})
    vocab = SPECIAL + alphabet

    # Pair merges, as in byte pair encoding but with the ## marks kept. `where` says which words hold a pair; the
    # heap may hold stale counts, which are noticed when they come out.
    known = set(alphabet)
    words, weights = [], []
    for word, count in sorted(counts.items()):
        symbols = [PREFIX + c if i else c for i, c in enumerate(word)]
        if 1 < len(symbols) <= MAX_WORD and known.issuperset(symbols):
            words.append(symbols)
            weights.append(count)
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, symbols in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += weights[i]
            where[pair].add(i)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    while heap and len(vocab) < size:
        count, pair = heapq.heappop(heap)
        if -count != pairs[pair]:
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
            continue
        if -count < min_piece_count:
            break
        merged = pair[0] + pair[1][len(PREFIX):]
        if merged not in known:
            known.add(merged)
            vocab.append(merged)
        changed = set()
        for i in sorted(where.pop(pair)):
            old = words[i]
            new, j = [], 0
            while j < len(old):
                if j + 1 < len(old) and (old[j], old[j + 1]) == pair:
                    new.append(merged)
                    j += 2
                else:
                    new.append(old[j])
                    j += 1
            for p in zip(old, old[1:]):
                pairs[p] -= weights[i]
            for p in zip(new, new[1:]):
                pairs[p] += weights[i]
                where[p].add(i)
                changed.add(p)
            words[i] = new
        for p in sorted(changed):
            heapq.heappush(heap, (-pairs[p], p))
    return vocab


def write_tokenizer(folder, vocab, max_length):
    """tokenizer.json, vocab.txt and tokenizer_config.json for an uncased BERT with this vocabulary."""
    ids = {piece: i for i, piece in enumerate(vocab)}
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}

    def special(token, type_id):
        return {"SpecialToken": {"id": token, "type_id": type_id}}

    single = [special(CLS, 0), {"Sequence": {"id": "A", "type_id": 0}}, special(SEP, 0)]
    pair = single + [{"Sequence": {"id": "B", "type_id": 1}}, special(SEP, 1)]
    write_json(os.path.join(folder, "tokenizer.json"), {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": ids[token], "content": token, **flags} for token in SPECIAL],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": True, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": single, "pair": pair,
            "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (CLS, SEP)}},
        "decoder": {"type": "WordPiece", "prefix": PREFIX, "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": UNK, "continuing_subword_prefix": PREFIX,
                  "max_input_chars_per_word": MAX_WORD, "vocab": ids},
    })
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8", newline="\n") as f:
        f.writelines(piece + "\n" for piece in vocab)
    write_json(os.path.join(folder, "tokenizer_config.json"), {
        "added_tokens_decoder": {str(ids[token]): {"content": token, **flags} for token in SPECIAL},
        "clean_up_tokenization_spaces": False,
        "cls_token": CLS, "do_lower_case": True, "mask_token": MASK, "model_max_length": max_length,
        "pad_token": PAD, "sep_token": SEP, "strip_accents": True, "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer", "unk_token": UNK,
    })


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocab", required=True, metavar="FOLDER", help="folder with vocab.txt")
    parser.add_argument("text", nargs="+", help="text to encode")
    args = parser.parse_args()
    tokenizer = WordPiece.from_folder(args.vocab)
    for text in args.text:
        ids = tokenizer.encode(text)
        tokens = [tokenizer.vocab[i] for i in ids]
        print(json.dumps({"ids": ids, "tokens": tokens, "offsets": tokenizer.offsets(text, len(ids))}, ensure_ascii=False))


if __name__ == "__main__":
    main()
