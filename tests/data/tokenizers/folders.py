"""Small tokenizer folders, and what Transformers 4.51 makes of each: folders.jsonl for tests/text/test_folders.c.

    python folders.py > folders.jsonl              the cases below, by name
    python folders.py --random N SEED > other      N more, made at random (LLMCS_TEST_FOLDERS=other build/tests/text/test_folders)

Needs transformers 4.51 and tokenizers 0.21; nothing else. One JSON object a line: first the files that many cases
share, {"base", "files"}, then the cases, {"name", "base", "files", "roles", "n_vocab", "texts"}. A text has its ids, those
without parsing of special tokens ("plain"), those cut to four ("cut"), and offsets in bytes; null is what a test should not compare.
"""
import json
import logging
import os
import random
import sys
import tempfile

from tokenizers import AddedToken, Tokenizer, Regex, decoders, models, normalizers, pre_tokenizers, processors

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
logging.disable(logging.CRITICAL)
from transformers import AutoTokenizer  # noqa: E402

ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]

# ------------------------------------------------------------------------------------------------ vocabularies

LETTERS = [chr(c) for c in range(ord("a"), ord("z") + 1)]
BERT = (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[END]"] + LETTERS + ["##" + c for c in LETTERS] + list("[].,!'")
        + ["hello", "world", "good", "bad", "Hello", "eos", "é", "e\u0301", "中", "文", "##中", "sep", "cls", "mask", "x"][:-1])


WORDS = ["<pad>", "<unk>", "the", "hello", "don't", "'", "été", "中文", "ⅰ", "a\u00a0b", "x\r", "12", "σ", "ß", "world"]
KERAS_FILTERS = r"[\!\"\#\$\%\&\(\)\*\+\,\-\.\/\:\;\<\=\>\?\@\[\\\]\^_\`\{\|\}\~\t\n ]+"


def byte_chars():
    shown = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in shown]
    table = {b: chr(b) for b in shown}
    table.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return [table[b] for b in range(256)]


MERGES = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "hello"), ("Ġ", "w"), ("Ġw", "o"), ("Ġwo", "r"),
          ("Ġwor", "ld"), ("l", "d"), ("w", "o"), ("wo", "r"), ("wor", "ld"), ("Ġ", "Ġ")]
MERGES.sort(key=lambda m: len(m[0]) + len(m[1]))


def bpe_vocab(first, last, without=""):
    tokens = first + [c for c in byte_chars() if c not in without]
    tokens += [a + b for a, b in MERGES if a + b not in tokens]
    return {t: i for i, t in enumerate(tokens + last)}


GPT2_VOCAB = bpe_vocab([], ["<|endoftext|>"])
ROBERTA_VOCAB = bpe_vocab(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], [])


def as_json(tokenizer, change=None):
    data = json.loads(tokenizer.to_str())
    if change:
        change(data)
    return json.dumps(data, ensure_ascii=False)


def bert_json(change=None, **normal):
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(BERT)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**normal)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.TemplateProcessing("[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
                                                     [("[CLS]", 2), ("[SEP]", 3)])
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return as_json(t, change)


def bpe_json(vocab, post, change=None, prefix=False, special=(), **model):
    merges = [m for m in MERGES if all(x in vocab for x in (m[0], m[1], m[0] + m[1]))]
    t = Tokenizer(models.BPE(vocab, merges, **model))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    t.decoder = decoders.ByteLevel()
    t.post_processor = post
    t.add_special_tokens(list(special))
    return as_json(t, change)


def gpt2_json(**more):
    return bpe_json(more.pop("vocab", GPT2_VOCAB), processors.ByteLevel(trim_offsets=more.pop("trim", False)),
                    special=["<|endoftext|>"], **more)


def roberta_json(mask=AddedToken("<mask>", lstrip=True, normalized=False), **more):
    prefix = more.get("prefix", False)
    post = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), more.pop("trim", True), prefix)
    return bpe_json(ROBERTA_VOCAB, post, special=["<s>", "<pad>", "</s>", "<unk>", mask], **more)


def words_json(unk="<unk>", change=None):
    """As tools/convert/lstm.py makes it of Keras' word_index."""
    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token=unk))
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Split(Regex(KERAS_FILTERS), "removed")
    t.add_special_tokens(["<pad>", "<unk>"])
    return as_json(t, change)


def merges_txt(vocab):
    merges = [m for m in MERGES if all(x in vocab for x in (m[0], m[1], m[0] + m[1]))]
    return "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)


BASES = {
    "bert": {"config.json": '{"model_type": "bert"}', "vocab.txt": "".join(w + "\n" for w in BERT)},
    "bert-json": {"config.json": '{"model_type": "bert"}', "tokenizer.json": bert_json()},
    "bert-json-cased": {"config.json": '{"model_type": "bert"}', "tokenizer.json": bert_json(lowercase=False)},
    "gpt2": {"config.json": '{"model_type": "gpt2"}', "vocab.json": json.dumps(GPT2_VOCAB),
             "merges.txt": merges_txt(GPT2_VOCAB)},
    "gpt2-json": {"config.json": '{"model_type": "gpt2"}', "tokenizer.json": gpt2_json()},
    "gpt2-json-prefix": {"config.json": '{"model_type": "gpt2"}', "tokenizer.json": gpt2_json(prefix=True, trim=True)},
    "roberta": {"config.json": '{"model_type": "roberta"}', "vocab.json": json.dumps(ROBERTA_VOCAB),
                "merges.txt": merges_txt(ROBERTA_VOCAB)},
    "roberta-json": {"config.json": '{"model_type": "roberta"}', "tokenizer.json": roberta_json()},
    "words": {"config.json": '{"model_type": "gpt2"}', "tokenizer.json": words_json()},
}

# ------------------------------------------------------------------------------------------------------- texts

TEXTS = {
    "bert": ["Hello hello", "Héllo wörld, e\u0301", "a中文b", "good [SEP] bad", "good [sep] bad", "x[CLS]y [MASK] z",
             "[END] [end] hello  [END]", "<a> hello <b>bad <A>", "good <s>  [PAD]"],
    "gpt2": ["hello world", " hello  world ", "<|endoftext|>hello<|EOS|>", "a <|BOS|> b  <|EOS|> <|PAD|>c", "中\n\nx!",
             "<a> hello  <b>\t<b> x", "hello <mask> world  <mask>", "<a>  \n<b>"],
}
TEXTS["words"] = ["Hello, the WORLD!", " hello  hello\n\nhello\t", "don't 'Don't' '", "ÉTÉ été e\u0301té", "中文 中", "Ⅰ ⅰ Ⅱ",
                  "a\u00a0b a b", "x\r\nx", "12 1 2 12.12", "ς σ Σ ΑΣ ẞ ß SS", "<pad> hello <unk>", "<PAD>hello<unk>the", "", "...",
                  "hello<unk>", "$the^the`the{the}", "the\u3000the", "the\u200bthe"]
TEXTS["roberta"] = TEXTS["gpt2"] + ["<s>hello</s> <pad>x<unk>", " <mask>hello", "\n <mask> <mask>  x"]


def byte_offsets(text, spans):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [[at[a], at[b]] for a, b in spans]


CUT = 4  # max_length of "cut"


def answers(folder, texts):
    t = AutoTokenizer.from_pretrained(folder)
    split = AutoTokenizer.from_pretrained(folder, split_special_tokens=True)
    roles = [getattr(t, r + "_id") for r in ROLES]
    out = []
    for text in texts:
        e = t(text, return_offsets_mapping=True)
        cut = t(text, truncation=True, max_length=CUT)["input_ids"]
        out.append({"text": text, "ids": e["input_ids"], "cut": cut, "plain": split(text)["input_ids"],
                    "offsets": byte_offsets(text, e["offset_mapping"]),
                    "skipped": t.decode(e["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False)})
    return [-1 if r is None else r for r in roles], len(t), out


def put_case(name, base, files, texts=None, skip=()):
    """skip: keys of texts, or "roles" and "n_vocab", that are not to be compared."""
    files = {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in files.items()}
    family = next(f for f in TEXTS if base.startswith(f))
    with tempfile.TemporaryDirectory() as folder:
        for k, v in {**BASES[base], **files}.items():
            if v != "-":  # not there
                with open(os.path.join(folder, k), "w", encoding="utf-8", newline="") as f:
                    f.write(v)
        roles, n_vocab, out = answers(folder, TEXTS[family] if texts is None else texts)
    for t in out:
        for k in skip:
            t.pop(k, None)
    case = {"name": name, "base": base, "files": files, "roles": None if "roles" in skip else roles,
            "n_vocab": None if "n_vocab" in skip else n_vocab, "texts": out}
    print(json.dumps(case, ensure_ascii=False))


# ------------------------------------------------------------------------------------------------------- cases

def token(content, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
            "special": True, **flags}


BERT_DECODER = {str(i): token(w) for i, w in enumerate(BERT[:5])}
BERT_MAP = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
GPT2_MAP = {"bos_token": "<|BOS|>", "eos_token": "<|EOS|>", "unk_token": "<|endoftext|>"}
N_BERT, N_GPT2, N_ROBERTA = len(BERT), len(GPT2_VOCAB), len(ROBERTA_VOCAB)


def put_cases():
    C, M, A = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
    bert, gpt2, roberta = [{"tokenizer_class": c + "Tokenizer"} for c in ("Bert", "GPT2", "Roberta")]

    # Control tokens from text of users: added_tokens.json beside added_tokens_decoder, and without it.
    listed = {w: i for i, w in enumerate(BERT[:5])}
    put_case("decoder and added_tokens.json", "bert",
             {C: {**bert, "added_tokens_decoder": BERT_DECODER}, M: BERT_MAP, A: listed})
    put_case("added_tokens.json of named roles", "bert", {C: bert, M: BERT_MAP, A: listed})
    put_case("added_tokens.json of roles by default", "bert", {C: bert, A: listed})
    put_case("added_tokens.json of additional tokens", "bert",
             {C: bert, M: {**BERT_MAP, "additional_special_tokens": ["<a>", "[END]"]},
              A: {"<a>": N_BERT, "[END]": 5, "<b>": N_BERT + 1}})
    put_case("added_tokens.json of gpt2", "gpt2",
             {C: {**gpt2, "bos_token": "<|endoftext|>"}, M: GPT2_MAP, A: {"<|BOS|>": N_GPT2, "<|EOS|>": N_GPT2 + 1}})
    put_case("tokens of added_tokens.json that are not special", "gpt2", {C: gpt2, A: {"<a>": N_GPT2, "<b>": N_GPT2 + 1}})

    # special_tokens_map.json goes before tokenizer_config.json, but for folders with added_tokens_decoder.
    other = {"cls_token": "[END]", "sep_token": "[MASK]", "mask_token": "[SEP]"}
    put_case("map before config", "bert", {C: {**bert, **BERT_MAP}, M: other})
    put_case("map before config, tokenizer.json", "bert-json", {C: {**bert, **BERT_MAP}, M: other})
    put_case("config before map", "bert", {C: {**bert, **BERT_MAP, "added_tokens_decoder": BERT_DECODER}, M: other})
    put_case("config before map, tokenizer.json", "bert-json",
             {C: {**bert, **BERT_MAP, "added_tokens_decoder": BERT_DECODER}, M: other})
    put_case("map before config, gpt2 with tokenizer.json", "gpt2-json",
             {C: {**gpt2, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}, M: GPT2_MAP})
    put_case("a role that is null", "gpt2-json", {C: {**gpt2, "bos_token": None, "unk_token": None}})

    # Settings that outrank tokenizer.json, explicit and by default.
    for name, config in [("cased", {"do_lower_case": False}), ("uncased", {"do_lower_case": True}), ("silent", {}),
                         ("cased without accents", {"do_lower_case": False, "strip_accents": True}),
                         ("uncased with accents", {"do_lower_case": True, "strip_accents": False}),
                         ("chinese together", {"tokenize_chinese_chars": False})]:
        for base in ("bert-json", "bert-json-cased", "bert"):
            put_case(f"{name}, {base}", base, {C: {**bert, **config}})
    put_case("no tokenizer_config.json, cased tokenizer.json", "bert-json-cased", {})
    put_case("PreTrainedTokenizerFast keeps tokenizer.json", "bert-json-cased",
             {C: {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True, **BERT_MAP}})
    put_case("class of distilbert", "bert-json-cased", {C: {"tokenizer_class": "DistilBertTokenizerFast"}})
    put_case("clean_text stays", "bert-json", {"tokenizer.json": bert_json(clean_text=False), C: {**bert, "do_lower_case": False}},
             ["Hello\thello", "a\u200db"])
    put_case("a sequence of normalizers stays", "bert-json",
             {"tokenizer.json": bert_json(lambda d: d.update(normalizer={"type": "Sequence", "normalizers": [
                 {"type": "NFD"}, {"type": "StripAccents"}]})), C: {**bert, "do_lower_case": True}})
    for prefix in ({}, {"add_prefix_space": True}, {"add_prefix_space": False}):
        for base in ("gpt2", "gpt2-json", "gpt2-json-prefix", "roberta", "roberta-json"):
            cls = gpt2 if base.startswith("gpt2") else roberta
            put_case(f"{prefix or 'no prefix'}, {base}", base, {C: {**cls, **prefix}})
    put_case("trim_offsets false", "roberta-json", {C: {**roberta, "trim_offsets": False}})
    put_case("trim_offsets true", "roberta-json", {"tokenizer.json": roberta_json(trim=False), C: roberta})
    put_case("add_bos_token", "gpt2", {C: {**gpt2, "add_bos_token": True}})
    put_case("add_bos_token, tokenizer.json", "gpt2-json", {C: {**gpt2, "add_bos_token": True}})
    put_case("do_basic_tokenize false and never_split", "bert",
             {C: {**bert, "do_basic_tokenize": False, "never_split": ["hello"]}})

    put_case("truncation_side left", "bert", {C: {**bert, "truncation_side": "left"}})
    put_case("truncation_side left, tokenizer.json", "roberta-json", {C: {**roberta, "truncation_side": "left"}})
    left = {"direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    put_case("truncation of tokenizer.json", "bert-json", {"tokenizer.json": bert_json(lambda d: d.update(truncation=left)),
                                                          C: bert})
    put_case("truncation of tokenizer.json, other side", "bert-json",
             {"tokenizer.json": bert_json(lambda d: d.update(truncation=left)), C: {**bert, "truncation_side": "right"}})

    # Added tokens in several places.
    put_case("pad that is not resized", "gpt2", {C: gpt2, M: {**GPT2_MAP, "pad_token": "<|PAD|>"}})
    put_case("pad that is not resized, tokenizer.json", "gpt2-json", {C: {**gpt2, "pad_token": "<|PAD|>"}})
    put_case("decoder outranks tokenizer.json", "gpt2-json",
             {C: {**gpt2, "added_tokens_decoder": {str(N_GPT2 - 1): token("<|endoftext|>", lstrip=True, normalized=True),
                                                   str(N_GPT2): token("<a>", special=False, lstrip=True, normalized=True),
                                                   str(N_GPT2 + 1): token("<b>", rstrip=True)}}})
    put_case("map of objects", "roberta", {C: roberta, M: {"mask_token": token("<mask>", rstrip=True)}})
    put_case("mask as text", "roberta", {C: roberta, M: {"mask_token": "<mask>"}})
    put_case("mask as text, tokenizer.json", "roberta-json",
             {"tokenizer.json": roberta_json(mask="<mask>"), C: {**roberta, "mask_token": "<mask>"}})
    put_case("mask by default, tokenizer.json", "roberta-json", {"tokenizer.json": roberta_json(mask="<mask>"), C: roberta})
    put_case("extra_special_tokens as an object", "gpt2", {C: {**gpt2, "extra_special_tokens": {"a_token": "<a>"}}},
             skip=())

    # Offsets of tokens with lstrip and rstrip; white space between them.
    mask_prefix = roberta_json(prefix=True)
    put_case("offsets of <mask> with prefix space", "roberta-json",
             {"tokenizer.json": mask_prefix, C: {**roberta, "add_prefix_space": True}})
    spaces = {str(N_GPT2): token("<a>", rstrip=True, special=False), str(N_GPT2 + 1): token("<b>", lstrip=True, special=False),
              str(N_GPT2 + 2): token("  ", special=False), str(N_GPT2 + 3): token("\n", special=False)}
    put_case("white space between stripping tokens", "gpt2-json-prefix",
             {C: {**gpt2, "added_tokens_decoder": spaces}},
             ["<a>  x", "<a>   <b>", "<a> \n <b>  x", "  <b><a>\n", "x  \n  <a>    x", "\n\n<a>\n"], skip=())

    # A special token of letters. Without parsing it is no control token here, but its letters: not compared.
    put_case("a special token of letters", "bert", {C: {**bert, "eos_token": "eos", "bos_token": "!"}},
             ["hello eos", "eos!", "xeosx hello! "], skip=("plain",))

    # Bytes without tokens: left out, or the unknown token.
    few = bpe_vocab([], ["<unk>", "<|endoftext|>"], without=byte_chars()[0xc3] + byte_chars()[0xa9] + "xy")
    missing = ["hello", "héllo world", "xhexllxo", "yxyx", "xhello x", "é", "axyxb\n\n x", "hexxllo"]
    put_case("bytes left out", "gpt2-json", {"tokenizer.json": gpt2_json(vocab=few)}, missing, skip=("offsets",))
    put_case("bytes as <unk>", "gpt2-json", {"tokenizer.json": gpt2_json(vocab=few, unk_token="<unk>")}, missing)
    put_case("bytes as one <unk>", "gpt2-json", {"tokenizer.json": gpt2_json(vocab=few, unk_token="<unk>", fuse_unk=True)},
             missing)
    put_case("bytes left out, older files", "gpt2", {"vocab.json": json.dumps(few), "merges.txt": merges_txt(few)}, missing,
             skip=("offsets",))

    few = bpe_vocab([], ["<unk>", "<|endoftext|>"], without="!")
    put_case("a byte that only an added token is written like", "gpt2-json",
             {"tokenizer.json": gpt2_json(vocab=few, unk_token="<unk>"), C: {**gpt2, "cls_token": "!"}}, ["hello! <a>!"])

    # Whole words. A special token that is a word by itself is none where special tokens are not parsed: not compared.
    words = {C: {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>", "pad_token": "<pad>"}}
    put_case("word level", "words", words)
    put_case("word level, the unknown token is a word", "words",
             {"tokenizer.json": words_json("the"), C: {**words[C], "unk_token": "the"}}, skip=("plain",))
    put_case("word level by white space", "words", {"tokenizer.json": words_json(
        change=lambda d: d.update(pre_tokenizer={"type": "WhitespaceSplit"})), **words}, skip=("plain",))
    put_case("word level by words", "words", {"tokenizer.json": words_json(
        change=lambda d: d.update(pre_tokenizer={"type": "Whitespace"}, normalizer=None)), **words})
    put_case("word level without a pre-tokenizer", "words", {"tokenizer.json": words_json(
        change=lambda d: d.update(pre_tokenizer=None)), **words}, skip=("plain",))

    # Files of Windows.
    crlf = BASES["bert"]["vocab.txt"].replace("\n", "\r\n")
    put_case("vocab.txt with CR LF", "bert", {"vocab.txt": crlf, C: bert})
    put_case("merges.txt with CR LF", "gpt2", {"merges.txt": merges_txt(GPT2_VOCAB).replace("\n", "\r\n"), C: gpt2})


# ------------------------------------------------------------------------------------------------------ at random

def random_case(r, n):
    family = r.choice(["bert", "gpt2", "roberta"])
    has_json = r.random() < 0.5
    base = family + ("-json" if has_json else "")
    size = {"bert": N_BERT, "gpt2": N_GPT2, "roberta": N_ROBERTA}[family]
    known = {"bert": BERT[:6], "gpt2": ["<|endoftext|>", "hello", "!"],
             "roberta": ["<s>", "</s>", "<unk>", "<pad>", "<mask>", "hello"]}[family]
    vocab = {"bert": {w: i for i, w in enumerate(BERT)}, "gpt2": GPT2_VOCAB, "roberta": ROBERTA_VOCAB}[family]
    new = ["<a>", "<b>", "<A>", "<|EOS|>", "<|BOS|>", "<|PAD|>", "[end]", "\n"]
    # Tokens that are normalized, where a setting changes tokenizer.json's normalizer: version 4.51 looks for them as the
    # normalizer before the change would show them, which is not done here.
    keys = ("lstrip", "rstrip", "single_word", "special", "normalized")[:4 if base == "bert-json" else 5]
    flags = lambda: {"normalized": False, **{k: r.random() < 0.3 for k in keys}}

    def some_role(text_only=False):
        content = r.choice(known + new)
        if text_only or r.random() < 0.7:
            return content
        f = flags()
        f.pop("special")
        return {"content": content, **f}

    files = {}
    # Roles around every text must be in the vocabulary.
    free = [k for k in ROLES if not (k in ("cls_token", "sep_token") and family != "gpt2")]
    if r.random() < 0.9:
        config = {}
        if r.random() < 0.8:
            config["tokenizer_class"] = {"bert": "Bert", "gpt2": "GPT2", "roberta": "Roberta"}[family] + r.choice(
                ["Tokenizer", "TokenizerFast"])
        for key in ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "add_prefix_space", "trim_offsets"):
            if r.random() < 0.2:
                config[key] = r.random() < 0.5
        for key in free:
            if r.random() < 0.25:
                config[key] = some_role(True)
        if r.random() < 0.4:
            picked = [w for w in known if r.random() < 0.5]
            decoder = {vocab[w]: {"content": w, **flags()} for w in picked}
            for i, w in enumerate(w for w in new if r.random() < 0.3):
                decoder[size + i] = {"content": w, **flags()}
            config["added_tokens_decoder"] = {str(k): v for k, v in sorted(decoder.items())}
        if r.random() < 0.2:
            config["additional_special_tokens"] = [r.choice(known + new) for _ in range(2)]
        files["tokenizer_config.json"] = config
    if r.random() < 0.5:
        m = {k: some_role() for k in free if r.random() < 0.3}
        if r.random() < 0.3:
            m["additional_special_tokens"] = [some_role() for _ in range(2)]
        files["special_tokens_map.json"] = m
    if r.random() < 0.4 and not has_json:
        listed = {w: vocab[w] for w in known if r.random() < 0.3}
        for i, w in enumerate(w for w in new if r.random() < 0.3):
            listed[w] = size + i
        files["added_tokens.json"] = listed
    skip = ()
    if base == "gpt2-json" and r.random() < 0.5:  # bytes without tokens, and the other settings of tokenizer.json
        few = bpe_vocab([], ["<unk>", "<|endoftext|>"], without=r.sample(byte_chars()[32:256], r.randint(1, 120)) + ["é"])
        how = {"unk_token": "<unk>", "fuse_unk": r.random() < 0.5} if r.random() < 0.5 else {}
        skip = () if how else ("offsets",)
        files["tokenizer.json"] = gpt2_json(vocab=few, prefix=r.random() < 0.5, trim=r.random() < 0.5, **how)
        files.get("tokenizer_config.json", {}).pop("added_tokens_decoder", None)
    words = known + new + ["hello", " ", "  ", "world", "\n", "Hello", "x", "中", "[SEP]", "[sep]", "é", "!"]
    texts = ["".join(r.choice(words) for _ in range(r.randint(1, 8))) for _ in range(5)]
    put_case(f"random {n}", base, files, texts, skip)


def main():
    for name, files in BASES.items():
        print(json.dumps({"base": name, "files": files}, ensure_ascii=False))
    if len(sys.argv) == 1:
        return put_cases()
    n, seed = int(sys.argv[2]), int(sys.argv[3])
    for i in range(n):
        try:
            random_case(random.Random(f"{seed} {i}"), i)
        except BaseException as e:  # Transformers refuses the folder, or its Rust code panics
            print(f"random {i}: {type(e).__name__} {str(e)[:100]}", file=sys.stderr)


main()
