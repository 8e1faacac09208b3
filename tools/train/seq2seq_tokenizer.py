"""A byte-level BPE tokenizer for encoder-decoders: learned from texts, written as a Hugging Face folder's files.

Ids: <s> 0, <pad> 1, </s> 2, <unk> 3, the bytes, the merges, the languages ("en_XX"), <mask>.
"""
import os

import bpe
from common import write_json

HEAD = ["<s>", "<pad>", "</s>", "<unk>"]


def _template(before, after, ids):
    """Transformers' TemplateProcessing for `before A after`, and for a pair with both texts in between."""
    def special(token):
        return {"SpecialToken": {"id": token, "type_id": 0}}

    def text(name):
        return {"Sequence": {"id": name, "type_id": 0}}
    front, back = [special(t) for t in before], [special(t) for t in after]
    return {"type": "TemplateProcessing", "single": front + [text("A")] + back, "pair": front + [text("A"), text("B")] + back,
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in dict.fromkeys(before + after)}}


def learn(folder, shape, texts, vocab_size, languages, positions, log=None):
    """Writes tokenizer.json and tokenizer_config.json. languages: codes such as en_XX, which mBART's shape has as tokens."""
    languages = sorted(languages) if shape == "mbart" else []
    tail = languages + ["<mask>"]
    learned, merges = bpe.train(texts, vocab_size - len(HEAD) - len(tail) + 1, log=log)
    del learned[bpe.END_OF_TEXT]
    vocab = {t: i for i, t in enumerate(HEAD)}
    for token in learned:
        vocab[token] = len(vocab)
    for token in tail:
        vocab[token] = len(vocab)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    if shape == "mbart" and languages:
        template = _template(languages[:1], ["</s>"], vocab)
    else:
        template = _template(["<s>"] if shape in ("bart", "mbart") else [], ["</s>"], vocab)
    added = [{"id": vocab[t], "content": t, "single_word": False, "lstrip": t == "<mask>", "rstrip": False, "normalized": False, "special": True}
             for t in HEAD + tail]
    os.makedirs(folder, exist_ok=True)
    write_json(os.path.join(folder, "tokenizer.json"), {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None, "pre_tokenizer": byte_level,
        "post_processor": template, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "byte_fallback": False, "vocab": vocab, "merges": [f"{a} {b}" for a, b in merges]}})
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
              "model_max_length": positions, "clean_up_tokenization_spaces": False}
    if shape == "mbart" and languages:
        config.update({"tokenizer_class": "MBart50Tokenizer", "sep_token": "</s>", "cls_token": "<s>", "src_lang": languages[0], "tgt_lang": languages[-1]})
    write_json(os.path.join(folder, "tokenizer_config.json"), config)
    return len(vocab)
