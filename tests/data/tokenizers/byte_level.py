#!/usr/bin/env python3
"""Writes byte_level.jsonl: small byte-level BPE tokenizers of the kinds that decoders have, trained from corpus.txt and
the lines below, and what Hugging Face's tokenizers (0.21.4) make of texts with them. The format is that of folders.jsonl.

    python byte_level.py > byte_level.jsonl
"""
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from splits import CONTRACTIONS, SPACES, TEXTS, WORDS, random_text

HERE = pathlib.Path(__file__).parent
CHINESE = """您好，请问我的订单什么时候发货？
快递很快，衣服质量不错，颜色和图片一样，下次还会再来购买。
客服回答很耐心，退货也很方便，给五星好评！
请问这件外套有没有大号？我想要蓝色的，谢谢您的帮助。
订单已经发货，预计明天送达，请您注意查收。
"""
CORPUS = (HERE / "corpus.txt").read_text(encoding="utf-8").split("\n") + CHINESE.split("\n") * 3
GPT2, QWEN2, LLAMA3, QWEN35, O200K = WORDS[0], WORDS[2], WORDS[3], WORDS[4], WORDS[5]


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(use_regex=False, prefix=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=use_regex)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


def make(pre, n_vocab=500, normalizer=None, added=(), post=None, change=None, alphabet=True):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    if normalizer:
        t.normalizer = normalizer
    letters = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=n_vocab, initial_alphabet=letters, show_progress=False))
    for a in added:
        (t.add_special_tokens if a.special else t.add_tokens)([a])
    if post:
        t.post_processor = post(t)
    files = json.loads(t.to_str())
    if change:
        change(files)
    return files


def token(content, special=False, **flags):
    return AddedToken(content, special=special, normalized=False, **flags)


def template(t):
    begin = t.token_to_id("<|begin|>")
    return processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", begin)])])


def ignore_merges(files):
    """Merges as strings, in an order that does not lead to all tokens, so that the setting is seen."""
    model = files["model"]
    model["ignore_merges"] = True
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    model["merges"] = merges[1::2] + merges[0::2]


CHAT = (token("<|end|>", True), token("<|im_start|>", True), token("<think>"), token("</think>"))
KINDS = {
    "qwen2": make(sequence(split(QWEN2), byte_level()), normalizer=normalizers.NFC(), added=CHAT,
                  post=lambda t: processors.ByteLevel(trim_offsets=False)),
    "qwen35": make(sequence(split(QWEN35), byte_level()), normalizer=normalizers.NFC(), added=CHAT),
    "llama3": make(sequence(split(LLAMA3), byte_level()), added=(token("<|begin|>", True), token("<|eot|>", True)),
                   post=template),
    "llama3 that ignores merges": make(sequence(split(LLAMA3), byte_level()), change=ignore_merges, post=template,
                                       added=(token("<|begin|>", True), token("<|eot|>", True))),
    "o200k": make(sequence(split(O200K, "removed", True), byte_level()), added=CHAT),
    "smollm": make(sequence(pre_tokenizers.Digits(True), byte_level(True)), added=CHAT),
    "digits and prefixes": make(sequence(pre_tokenizers.Digits(False), byte_level(True, True))),
    "punctuation": make(sequence(pre_tokenizers.Punctuation("contiguous"), byte_level(True))),
    "white space": make(sequence(pre_tokenizers.WhitespaceSplit(), byte_level())),
    "words and rest": make(sequence(pre_tokenizers.Whitespace(), byte_level())),
    "three digits, spaces with what follows": make(sequence(
        split(r"\p{N}{1,3}"), pre_tokenizers.Split(" ", "merged_with_next"), byte_level())),
    "spaces with what precedes": make(sequence(pre_tokenizers.Split(" ", "merged_with_previous"), byte_level())),
    "llama.cpp's default": make(sequence(split(GPT2), split(r"\p{N}+"), split("[0-9][0-9][0-9]"), byte_level())),
    "no cuts": make(byte_level()),
    "bytes without tokens": make(sequence(split(QWEN2), byte_level()), alphabet=False),
    "other words than the regex": make(sequence(
        split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + SPACES,
              "merged_with_previous"), byte_level())),
}
MORE = ["<think>\nWell<|im_start|>user\n</think> <|end|>", "a<think>b", "caf\u0065\u0301 na\u0069\u0308ve \u212b \u1100\u1161\u11a8", "e\u0323\u0301",
        "订单已经发货，预计明天送达。退货也很方便！", "快递很快ABC快递123", "<|begin|>text<|eot|>", "Where is my parcel? It's late."]


def byte_offsets(text, spans):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [[at[b], at[e]] for b, e in spans]


def put(name, files, texts):
    t = Tokenizer.from_str(json.dumps(files))
    # Special tokens that no text spells: their ids must stay, or the others' would change.
    plain_files = dict(files, added_tokens=[dict(a, content=chr(0x10fff0 + i)) if a["special"] else a
                                            for i, a in enumerate(files["added_tokens"])])
    plain = Tokenizer.from_str(json.dumps(plain_files))
    out = []
    for text in texts:
        e = t.encode(text)
        out.append({"text": text, "ids": e.ids, "plain": plain.encode(text).ids, "offsets": byte_offsets(text, e.offsets),
                    "skipped": t.decode(e.ids, skip_special_tokens=True)})
        if name == "bytes without tokens":  # where bytes are left out, the reference's offsets slip to the left
            del out[-1]["offsets"]
    print(json.dumps({"name": name, "base": "", "files": {"tokenizer.json": json.dumps(files, ensure_ascii=False)},
                      "n_vocab": t.get_vocab_size(), "texts": out}, ensure_ascii=False))


def main():
    r = random.Random(16)
    for name, files in KINDS.items():
        put(name, files, [t for t in TEXTS if len(t) < 60][::2] + MORE + [random_text(r) for _ in range(10)])


if __name__ == "__main__":
    main()
