"""make_sentencepiece.py: trains the small SentencePiece models of this folder on ../tokenizers/corpus.txt and writes what
Transformers makes of them: golden.jsonl, one text a line with ids, decoded text and offsets in bytes for each folder.

    python3 -m venv v && v/bin/pip install transformers==4.51.3 tokenizers==0.21.4 sentencepiece==0.2.3 protobuf
    v/bin/python tests/data/sentencepiece/make_sentencepiece.py

Training is deterministic: the same version gives the same files."""

import json
import os
import string

import sentencepiece
import tokenizers
import transformers
from tokenizers import decoders, normalizers, pre_tokenizers
from transformers.convert_slow_tokenizer import import_protobuf

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "../tokenizers/corpus.txt")
MARK = "\u2581"

# A character map of our own: small, with keys of several characters, a key that another begins with, and empty values.
RULES = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\ufb01": "fi", "\u2026": "...", "\uff21": "A",
         "e\u0301": "\u00e9", "a\u0308": "\u00e4", "\u0001": "", "\u200b": "", "\ufdfa": "abc def", "\u2460": "1",
         "\r\n": " ", "\uff76\uff9e": "\u30ac", "\uff76": "\u30ab"}

TEXTS = ["", " ", "a", "Hello, world!", "  two  spaces  ", "tab\there\nand\r\nlines\n\n", "fi\ufb01x \u2026 \uff21",
         "caf\u00e9 cafe\u0301 e\u0301\u0301 a\u0308o\u0308", "\u0001control\u200bcharacters\u0001", "\u4f60\u597d\uff0c\u4e16\u754c\u3002",
         "\u9000\u8d27\u9000\u8d27\u9000\u8d27\u9000\u8d27", "\U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2581literal \u2581\u2581 marks\u2581",
         "<0x41> <s> </s> <unk> <pad> <mask> [CLS]", "a<mask>b <mask> c", "1,234,567.89 5, 6,", "``quoted'' text",
         "\uff76\uff9e\uff76 \u2460 \ufdfa", "\u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940 \u0627\u0644\u0639\u0631\u0628\u064a\u0629", "x" * 300, "  lead", "trail  ", "\r\n", "\u0301", "a\u0301\u0302\u0303b",
         "don't I'll we've", "ORDER 4711: where is it?", "\u0130\u0131\u00df\u017f", "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab"]


def ties():
    """Runs of one character, where many ways through the text have the same score."""
    for c in string.punctuation:
        for n in (2, 3, 4, 5, 6, 7, 8, 13, 31, 200):
            yield c * n
    for c in "\u4f60\u9000":
        for n in range(2, 12):
            yield c * n


def train(name, **options):
    rules = os.path.join(HERE, "rules.tsv")
    with open(rules, "w", encoding="utf-8") as f:
        for key, value in RULES.items():
            f.write(" ".join(f"{ord(c):X}" for c in key) + "\t" + " ".join(f"{ord(c):X}" for c in value) + "\n")
    path = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    settings = {"normalization_rule_tsv": rules, "vocab_size": 500, "hard_vocab_limit": False, "minloglevel": 2,
                "num_threads": 1, "character_coverage": 0.98} | options
    if settings["normalization_rule_tsv"] is None:
        del settings["normalization_rule_tsv"]
    sentencepiece.SentencePieceTrainer.train(input=CORPUS, model_prefix=path, **settings)
    os.remove(path + ".vocab")
    os.rename(path + ".model", path)
    os.remove(rules)


def write_config(folder, **config):
    with open(os.path.join(HERE, folder, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")


def make_models():
    train("xlm-roberta/sentencepiece.bpe.model", model_type="unigram")
    write_config("xlm-roberta", tokenizer_class="XLMRobertaTokenizer", model_max_length=128)
    train("mbart50/sentencepiece.bpe.model", model_type="unigram")
    write_config("mbart50", tokenizer_class="MBart50Tokenizer", src_lang="de_DE", tgt_lang="en_XX")
    train("mbart/sentencepiece.bpe.model", model_type="unigram")
    write_config("mbart", tokenizer_class="MBartTokenizer", src_lang="en_XX", tgt_lang="ro_RO")
    train("camembert/sentencepiece.bpe.model", model_type="unigram")
    write_config("camembert", tokenizer_class="CamembertTokenizer")
    train("t5/spiece.model", model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    write_config("t5", tokenizer_class="T5Tokenizer", extra_ids=10)
    train("t5-first/spiece.model", model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    write_config("t5-first", tokenizer_class="T5Tokenizer", legacy=False, extra_ids=10)
    train("albert/spiece.model", model_type="unigram", pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
          control_symbols=["[CLS]", "[SEP]"], user_defined_symbols=["[MASK]", "(", ")"])
    write_config("albert", tokenizer_class="AlbertTokenizer", do_lower_case=True)
    bpe = {"model_type": "bpe", "byte_fallback": True, "normalization_rule_tsv": None, "vocab_size": 700,
           "normalization_rule_name": "identity", "remove_extra_whitespaces": False, "split_digits": True}
    train("llama/tokenizer.model", **bpe)
    write_config("llama", tokenizer_class="LlamaTokenizer")
    train("llama-first/tokenizer.model", **bpe)
    write_config("llama-first", tokenizer_class="LlamaTokenizer", legacy=False, add_eos_token=True)
    train("gemma/tokenizer.model", **bpe, add_dummy_prefix=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
          bos_piece="<bos>", eos_piece="<eos>", pad_piece="<pad>",
          user_defined_symbols=["<start_of_turn>", "<end_of_turn>", "\n\n"])
    write_config("gemma", tokenizer_class="GemmaTokenizer")
    train("marian/source.spm", model_type="unigram")
    train("marian/target.spm", model_type="unigram", vocab_size=400)
    pieces = ["</s>", "<unk>", ">>fra<<", ">>deu<<"]
    for side in ("source", "target"):
        sp = sentencepiece.SentencePieceProcessor(os.path.join(HERE, f"marian/{side}.spm"))
        pieces += [p for i in range(3, sp.get_piece_size()) if (p := sp.id_to_piece(i)) not in pieces]
    with open(os.path.join(HERE, "marian/vocab.json"), "w", encoding="utf-8") as f:
        json.dump({p: i for i, p in enumerate(pieces + ["deu", "<pad>"])}, f, ensure_ascii=False, indent=0)
    write_config("marian", tokenizer_class="MarianTokenizer", source_lang="en", target_lang="fr")


def make_tokenizer_json():
    """Steps that only a tokenizer.json has: byte fallback, charsmap, Prepend, Strip, Metaspace `first`."""
    sp = sentencepiece.SentencePieceProcessor(os.path.join(HERE, "xlm-roberta/sentencepiece.bpe.model"))
    vocab = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)] + [(f"<0x{b:02X}>", 0.0) for b in range(256)]
    vocab += [(sp.id_to_piece(i), sp.get_score(i)) for i in range(3, sp.get_piece_size())]
    t = tokenizers.Tokenizer(tokenizers.models.Unigram(vocab, unk_id=0, byte_fallback=True))
    model = import_protobuf().ModelProto()
    with open(os.path.join(HERE, "xlm-roberta/sentencepiece.bpe.model"), "rb") as f:
        model.ParseFromString(f.read())
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap),
                                         normalizers.Replace(tokenizers.Regex(r"\s+"), " "), normalizers.NFKC(),
                                         normalizers.Strip(left=True, right=True)])
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    t.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])
    t.add_special_tokens([tokenizers.AddedToken(x, normalized=False) for x in ("<unk>", "<s>", "</s>")])
    os.makedirs(os.path.join(HERE, "unigram-bytes"), exist_ok=True)
    t.save(os.path.join(HERE, "unigram-bytes/tokenizer.json"))


def byte_offsets(text, spans):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode("utf-8")))
    return [[at[b], at[e]] for b, e in spans]


def golden(folder, name, text):
    if name == "marian":
        ids = folder(text)["input_ids"]
        return {"ids": ids, "decoded": folder.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)}
    if name == "unigram-bytes":
        e = folder.encode(text)
        return {"ids": e.ids, "decoded": folder.decode(e.ids), "offsets": byte_offsets(text, e.offsets)}
    e = folder(text, return_offsets_mapping=True)
    decoded = folder.decode(e["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return {"ids": e["input_ids"], "decoded": decoded, "offsets": byte_offsets(text, e["offset_mapping"])}


CLASSES = {"xlm-roberta": transformers.XLMRobertaTokenizerFast, "mbart50": transformers.MBart50TokenizerFast,
           "mbart": transformers.MBartTokenizerFast, "camembert": transformers.CamembertTokenizerFast,
           "t5": transformers.T5TokenizerFast, "t5-first": transformers.T5TokenizerFast,
           "albert": transformers.AlbertTokenizerFast, "llama": transformers.LlamaTokenizerFast,
           "llama-first": transformers.LlamaTokenizerFast, "gemma": transformers.GemmaTokenizerFast,
           "marian": transformers.MarianTokenizer}
TIES = ("xlm-roberta", "t5", "llama", "marian", "unigram-bytes")


def main():
    transformers.logging.set_verbosity_error()
    make_models()
    make_tokenizer_json()
    folders = {n: c.from_pretrained(os.path.join(HERE, n)) for n, c in CLASSES.items()}
    folders["unigram-bytes"] = tokenizers.Tokenizer.from_file(os.path.join(HERE, "unigram-bytes/tokenizer.json"))
    special = ["<s>", "</s>", "<unk>", "<pad>", "<mask>", "[CLS]", "[SEP]", "[MASK]"]
    with open(os.path.join(HERE, "golden.jsonl"), "w", encoding="utf-8") as out:
        for text in TEXTS + list(ties()):
            line = {"text": text}
            for name, folder in folders.items():
                # Here special tokens in a text stay text, there they do not.
                if any(s in text for s in special) or (text not in TEXTS and name not in TIES):
                    continue
                line[name] = golden(folder, name, text)
                # Where the map removes a first character, Hugging Face's offsets lie one character too early from there on.
                if text not in TEXTS or text.startswith("\u0001"):
                    line[name] = {"ids": line[name]["ids"], "decoded": line[name]["decoded"]}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
