"""Byte-level BPE as GPT-2 has it: a trainer, an encoder for any vocab.json + merges.txt, and the tokenizer files.

Pure Python. The pre-tokenisation is GPT-2's pattern

    's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+

with the letter and number classes spelled out, since Python's `re` has no \\p.
"""
import heapq
import os
import re
import sys
import unicodedata
from collections import Counter, defaultdict

from common import read_json, write_json

END_OF_TEXT = "<|endoftext|>"


def _character_class(first_letter):
    """The ranges of all code points whose general category starts with `first_letter`, for use inside [...]."""
    ranges, start = [], None
    for cp in range(sys.maxunicode + 2):
        inside = cp <= sys.maxunicode and unicodedata.category(chr(cp))[0] == first_letter
        if inside and start is None:
            start = cp
        elif not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{cp - 1:08x}")
            start = None
    return "".join(ranges)


def _compile_pattern():
    letters, numbers = _character_class("L"), _character_class("N")
    # Unicode White_Space; Python's own \s also takes U+001C..U+001F, which GPT-2's does not.
    space = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    return re.compile(f"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{space}{letters}{numbers}]+"
                      f"|[{space}]+(?![^{space}])|[{space}]+")


_PATTERN = None


def pre_tokenize(text):
    """Splits text into pieces; merges stay within a piece."""
    global _PATTERN
    if _PATTERN is None:
        _PATTERN = _compile_pattern()
    return _PATTERN.findall(text)


def _byte_alphabet():
    """GPT-2's printable stand-in for each byte value: printable Latin-1 stays itself, the rest is moved to U+0100 on."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, moved = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + moved)
            moved += 1
    return table


BYTE_TO_CHAR = _byte_alphabet()
CHAR_TO_BYTE = {c: b for b, c in BYTE_TO_CHAR.items()}


def to_alphabet(data):
    return "".join(BYTE_TO_CHAR[b] for b in data)


def from_alphabet(token):
    return bytes(CHAR_TO_BYTE[c] for c in token)


# ---------------------------------------------------------------- trainer

def _merge_allowed(data):
    """Whether a token of these bytes may exist. Digits stay single, so that order numbers can be copied digit by digit.
    Outside ASCII a token is whole characters (at most three), or the beginning of one character."""
    if len(data) > 1 and any(48 <= b <= 57 for b in data):
        return False
    if data.isascii():
        return len(data) <= 20
    try:
        return len(data.decode("utf-8")) <= 3
    except UnicodeDecodeError as error:
        return error.start == 0 and error.reason == "unexpected end of data"


def _merge_word(word, pair, new):
    """`word` (a list of ids) with every `pair` replaced by the id `new`."""
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and word[i] == pair[0] and word[i + 1] == pair[1]:
            out.append(new)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def train(texts, vocab_size, min_char_count=2, log=None):
    """Learn merges from an iterable of texts. Returns (vocab, merges): vocab {token: id} with <|endoftext|> last,
    merges a list of token pairs. Every character seen `min_char_count` times or more becomes a token first
    (so that common Chinese never falls apart into bytes); the rest goes by frequency of pairs."""
    words, characters = Counter(), Counter()
    for text in texts:
        for piece in pre_tokenize(text):
            words[piece] += 1
    for piece, n in words.items():
        for c in piece:
            if ord(c) > 127:
                characters[c] += n

    tokens = [bytes([b]) for b in sorted(range(256), key=lambda b: BYTE_TO_CHAR[b])]
    ids = {t: i for i, t in enumerate(tokens)}
    merges = []
    budget = vocab_size - 1

    def add_merge(a, b):
        merged = tokens[a] + tokens[b]
        if merged not in ids:
            ids[merged] = len(tokens)
            tokens.append(merged)
        merges.append((a, b))
        return ids[merged]

    for c, n in sorted(characters.items(), key=lambda item: (-item[1], item[0])):
        if n < min_char_count:
            break
        data = c.encode("utf-8")
        for end in range(2, len(data) + 1):
            if data[:end] not in ids and len(tokens) < budget:
                add_merge(ids[data[:end - 1]], ids[data[end - 1:end]])

    counts, sequences = [], []
    for piece, n in sorted(words.items()):
        word = []
        for c in piece:
            data = c.encode("utf-8")
            word += [ids[data]] if data in ids else [ids[bytes([b])] for b in data]
        if len(word) > 1:
            sequences.append(word)
            counts.append(n)

    pair_counts, where = Counter(), defaultdict(set)
    for w, word in enumerate(sequences):
        for pair in zip(word, word[1:]):
            pair_counts[pair] += counts[w]
            where[pair].add(w)
    # Ties go to the lower ids, so that the result does not depend on hashing.
    heap = [(-n, pair) for pair, n in pair_counts.items()]
    heapq.heapify(heap)
    while len(tokens) < budget and heap:
        n, pair = heapq.heappop(heap)
        if -n != pair_counts[pair]:
            if pair_counts[pair] > 0:
                heapq.heappush(heap, (-pair_counts[pair], pair))
            continue
        if -n < 2:
            break
        if not _merge_allowed(tokens[pair[0]] + tokens[pair[1]]):
            continue
        new = add_merge(*pair)
        changed = set()
        for w in where.pop(pair):
            word = sequences[w]
            merged = _merge_word(word, pair, new)
            if len(merged) == len(word):
                continue
            for p in zip(word, word[1:]):
                pair_counts[p] -= counts[w]
            for p in zip(merged, merged[1:]):
                pair_counts[p] += counts[w]
                where[p].add(w)
                changed.add(p)
            sequences[w] = merged
        for p in changed:
            heapq.heappush(heap, (-pair_counts[p], p))
        if log and len(tokens) % 1000 == 0:
            log(f"bpe: {len(tokens)} tokens")

    vocab = {to_alphabet(t): i for i, t in enumerate(tokens)}
    vocab[END_OF_TEXT] = len(vocab)
    return vocab, [(to_alphabet(tokens[a]), to_alphabet(tokens[b])) for a, b in merges]


# ---------------------------------------------------------------- encoder and decoder

class Tokenizer:
    """Encodes and decodes with any GPT-2 style vocabulary. Text is never read as a control token."""

    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.merges = merges
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.tokens = {i: t for t, i in vocab.items()}
        self.end_of_text = vocab[END_OF_TEXT]
        self.cache = {}

    @classmethod
    def load(cls, folder):
        """From vocab.json + merges.txt, or from tokenizer.json where those are absent."""
        vocab_path = os.path.join(folder, "vocab.json")
        if os.path.exists(vocab_path):
            vocab = read_json(vocab_path)
            with open(os.path.join(folder, "merges.txt"), encoding="utf-8") as f:
                lines = [line.rstrip("\n") for line in f]
            pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        else:
            data = read_json(os.path.join(folder, "tokenizer.json"))
            if data["model"]["type"] != "BPE":
                raise ValueError(f"{folder}: the tokenizer is {data['model']['type']}, expected byte-level BPE")
            vocab = data["model"]["vocab"]
            pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in data["model"]["merges"]]
            for added in data.get("added_tokens", []):
                vocab.setdefault(added["content"], added["id"])
        return cls(vocab, pairs)

    def _encode_piece(self, piece):
        cached = self.cache.get(piece)
        if cached is not None:
            return cached
        parts = [BYTE_TO_CHAR[b] for b in piece.encode("utf-8")]
        while len(parts) > 1:
            rank, i = min((self.ranks.get(pair, len(self.ranks)), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == len(self.ranks):
                break
            pair = (parts[i], parts[i + 1])
            parts = _merge_word(parts, pair, pair[0] + pair[1])
        ids = [self.vocab[p] for p in parts]
        if len(self.cache) < 500000:
            self.cache[piece] = ids
        return ids

    def encode(self, text):
        return [i for piece in pre_tokenize(text) for i in self._encode_piece(piece)]

    def decode(self, ids, errors="replace"):
        """The text of `ids`; the end-of-text token is left out."""
        data = b"".join(from_alphabet(self.tokens[i]) for i in ids if i != self.end_of_text)
        return data.decode("utf-8", errors)

    def save(self, folder, n_positions):
        """vocab.json, merges.txt, tokenizer.json and tokenizer_config.json, as Hugging Face reads them."""
        end = {"id": self.end_of_text, "content": END_OF_TEXT, "single_word": False, "lstrip": False, "rstrip": False,
               "normalized": False, "special": True}
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        merges = [f"{a} {b}" for a, b in self.merges]
        write_json(os.path.join(folder, "vocab.json"), self.vocab)
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
            f.write("#version: 0.2\n" + "".join(m + "\n" for m in merges))
        write_json(os.path.join(folder, "tokenizer.json"), {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [end], "normalizer": None,
            "pre_tokenizer": byte_level, "post_processor": {**byte_level, "trim_offsets": False}, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                      "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": self.vocab,
                      "merges": merges}})
        write_json(os.path.join(folder, "tokenizer_config.json"), {
            "add_prefix_space": False, "bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT, "unk_token": END_OF_TEXT,
            "model_max_length": n_positions, "tokenizer_class": "GPT2Tokenizer"})
