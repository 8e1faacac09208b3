"""Writes cases.jsonl: what Transformers' logits processors of encoder-decoders make of random scores, in the order in
which generate applies them. `ids` are the decoder's tokens, its start token first; null is minus infinity.

    python tests/data/processors/make_processors.py     (transformers 4.51.3, torch)
"""

import json
import os
import random

import torch
from transformers import GenerationConfig, T5Config, T5ForConditionalGeneration

HERE = os.path.dirname(os.path.abspath(__file__))
VOCAB, EOS, N_CASES = 24, 1, 80
R = random.Random(20261129)
MODEL = T5ForConditionalGeneration(
    T5Config(vocab_size=VOCAB, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
)


def ids(n):
    return [R.randrange(2, VOCAB // 2) for _ in range(n)]


def parameters(length):
    """One or two of the encoder's parameters, and some others."""
    p = {}
    kind = R.randrange(3)
    if kind != 0:
        p["encoder_repetition_penalty"] = R.choice([0.4, 0.75, 1.4, 2.5])
    if kind != 1:
        p["encoder_no_repeat_ngram_size"] = R.randrange(1, 4)
    others = {
        "repetition_penalty": R.choice([0.7, 1.3]),
        "no_repeat_ngram_size": R.randrange(1, 4),
        "bad_words_ids": [ids(1), ids(2)],
        "min_length": length + R.randrange(-1, 2),
        "forced_bos_token_id": R.randrange(2, VOCAB),
        "forced_eos_token_id": EOS,
        "suppress_tokens": ids(2),
        "begin_suppress_tokens": ids(2),
    }
    for name, value in others.items():
        if R.random() < 0.3:
            p[name] = value
    return p


def case():
    source, new = ids(R.randrange(1, 9)), ids(R.choice([0, 0, 1, 2, 4, 8]))
    row = [0] + new
    p = parameters(len(row))
    max_new = len(new) + R.randrange(1, 3)
    config = GenerationConfig(**p, max_length=1 + max_new, eos_token_id=EOS, pad_token_id=0, decoder_start_token_id=0)
    MODEL._prepare_special_tokens(config, device="cpu")
    processors = MODEL._get_logits_processor(
        generation_config=config,
        input_ids_seq_length=1,
        encoder_input_ids=torch.tensor([source]),
        prefix_allowed_tokens_fn=None,
        logits_processor=[],
        device="cpu",
    )
    scores = torch.tensor([[round(R.gauss(0, 3), 2) for _ in range(VOCAB)]])
    expect = processors(torch.tensor([row]), scores.clone())[0].tolist()
    return {
        "source": source,
        "ids": row,
        "max_new_tokens": max_new,
        "params": p,
        "scores": [round(x, 2) for x in scores[0].tolist()],
        "expect": [None if x == float("-inf") else float("%.8g" % x) for x in expect],
    }


with open(os.path.join(HERE, "cases.jsonl"), "w") as f:
    for _ in range(N_CASES):
        f.write(json.dumps(case(), separators=(",", ":")) + "\n")
