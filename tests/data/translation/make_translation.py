"""Writes tiny mBART, mBART-50 and Marian models with random weights, and cases.jsonl: what Transformers translates with
them and the tokenizers of ../sentencepiece. Deterministic.

    python tests/data/translation/make_translation.py     (transformers 4.51.3, sentencepiece, torch)
"""

import json
import os

import torch
from transformers import (
    GenerationConfig,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    MBart50TokenizerFast,
    MBartConfig,
    MBartForConditionalGeneration,
    MBartTokenizerFast,
)

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZERS = os.path.join(HERE, "..", "sentencepiece")
TEXTS = ["Hello, world!", "Where is my order?", "a", "退货退货", "one two three four five six seven"]
SIZES = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 64,
    "scale_embedding": True,
}
PARAMS = [
    {},
    {"num_beams": 3, "num_return_sequences": 2},
    {"num_beams": 2, "length_penalty": 0.5, "no_repeat_ngram_size": 1},
    {"encoder_no_repeat_ngram_size": 1, "max_new_tokens": 9},
]
# (from, to); None: the folder's src_lang, or no language
LANGUAGES = {
    "mbart": [("en_XX", "ro_RO"), (None, "zh_CN")],
    "mbart50": [("zh_CN", "en_XX"), (None, "ro_RO")],
    "marian": [(None, None), (None, "fra"), (None, "deu")],
}


def randomise(model, seed):
    """Weights that float16 holds; norms around 1, small embeddings, so that the source matters."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                mean = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                p.copy_((mean + torch.randn_like(p) * (0.25 if "embed" in name or "shared" in name else 0.9)).half())
        model.final_logits_bias.copy_((torch.randn_like(model.final_logits_bias) * 0.5).half())


def make(name):
    folder = os.path.join(TOKENIZERS, name)
    if name == "marian":
        t = MarianTokenizer.from_pretrained(folder)
        pad, eos = t.pad_token_id, t.eos_token_id
        ids = {"pad_token_id": pad, "decoder_start_token_id": pad, "eos_token_id": eos, "forced_eos_token_id": eos}
        config = MarianConfig(vocab_size=len(t), activation_function="swish", **SIZES, **ids)
        model = MarianMTModel(config)
        randomise(model, 1)
        with torch.no_grad():
            model.model.shared.weight[pad] = 0
        # Transformers writes >>fra<<, a special token here, into a translation: none comes up.
        marks = [t.convert_tokens_to_ids(">>%s<<" % code) for code in ("fra", "deu")]
        defaults = {"bad_words_ids": [[pad]], "num_beams": 2, "suppress_tokens": marks}
    else:
        t = (MBartTokenizerFast if name == "mbart" else MBart50TokenizerFast).from_pretrained(folder)
        # mBART's folder names no start: a translation names its target language.
        ids = {"decoder_start_token_id": None if name == "mbart" else 2, "forced_eos_token_id": 2}
        model = MBartForConditionalGeneration(MBartConfig(vocab_size=len(t), **SIZES, **ids))
        randomise(model, len(name))
        defaults = {}
    settings = {k: v for k, v in GenerationConfig.from_model_config(model.config).to_dict().items() if v is not None}
    model.generation_config = GenerationConfig.from_dict({**settings, "max_length": 16, "no_repeat_ngram_size": 2, **defaults})
    model.half().save_pretrained(os.path.join(HERE, name), safe_serialization=True)
    # As it opens: Marian's positions are not stored, and float32.
    return t, type(model).from_pretrained(os.path.join(HERE, name), torch_dtype=torch.float32).eval()


def encode(name, t, text, source, target):
    """The source's ids, and the parameter that names the target language."""
    if name == "marian":
        mark = [] if target is None else [t.convert_tokens_to_ids(">>%s<<" % target)]
        ids = mark + t(text).input_ids
        assert target is None or t(">>%s<< %s" % (target, text)).input_ids == ids
        return ids, {}
    with open(os.path.join(TOKENIZERS, name, "tokenizer_config.json")) as f:
        t.src_lang = source or json.load(f)["src_lang"]
    key = "decoder_start_token_id" if name == "mbart" else "forced_bos_token_id"
    return t(text).input_ids, {key: t.convert_tokens_to_ids(target)}


def translate(name, t, model, text, languages, params):
    ids, named = encode(name, t, text, *languages)
    config = GenerationConfig.from_dict({**model.generation_config.to_dict(), **params, **named})
    with torch.no_grad():
        out = model.generate(torch.tensor([ids]), generation_config=config)[:, 1:].tolist()
    eos = model.config.eos_token_id
    rows = [row[: row.index(eos)] if eos in row else row for row in out]
    texts = [t.decode(row, skip_special_tokens=True, clean_up_tokenization_spaces=False) for row in rows]
    return {"translations": texts, "sequences": rows}


with open(os.path.join(HERE, "cases.jsonl"), "w", encoding="utf-8") as f:
    for name, pairs in LANGUAGES.items():
        tokenizer, model = make(name)
        for text in TEXTS:
            for languages in pairs:
                for params in PARAMS:
                    case = {"model": name, "text": text, "from": languages[0], "to": languages[1], "params": params}
                    case.update(translate(name, tokenizer, model, text, languages, params))
                    f.write(json.dumps(case, ensure_ascii=False) + "\n")
