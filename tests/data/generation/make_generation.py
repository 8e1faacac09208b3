"""Writes cases.json: what Transformers generates under each parameter that GPT-2 can have, on the weights of
tests/data/golden/gpt2-tiny. Deterministic (seed below).

    python tests/data/generation/make_generation.py     (transformers 4.51.3, torch)
"""

import json
import os
import random

import torch
from transformers import GenerationConfig, GPT2LMHeadModel

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = GPT2LMHeadModel.from_pretrained(os.path.join(HERE, "..", "golden", "gpt2-tiny")).eval().float()
RANDOM = random.Random(20261129)
VOCAB = MODEL.config.vocab_size
PAD = MODEL.config.eos_token_id


def prompt(n):
    return [RANDOM.randrange(1, VOCAB) for _ in range(n)]


def options(params):
    given = dict(params)
    negative = given.pop("negative_prompt_ids", None)
    if isinstance(given.get("forced_bos_token_id"), list):
        given["forced_bos_token_id"] = given["forced_bos_token_id"][0]
    if "exponential_decay_length_penalty" in given:
        given["exponential_decay_length_penalty"] = tuple(given["exponential_decay_length_penalty"])
    return given, negative


def generate(ids, params):
    """The new tokens of each returned sequence up to and without the first EOS, and the scores of beams."""
    given, negative = options(params)
    given.setdefault("eos_token_id", [0])
    assert given.get("encoder_repetition_penalty", 1.0) == 1.0 or given.get("num_beams", 1) == 1
    # What a folder without generation_config.json has for padding; groups that have ended take it.
    config = GenerationConfig(**given, pad_token_id=given["eos_token_id"][0])
    kwargs = {"negative_prompt_ids": torch.tensor([negative])} if negative else {}
    with torch.no_grad():
        out = MODEL.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            generation_config=config,
            return_dict_in_generate=True,
            output_scores=True,
            **kwargs,
        )
    sequences = []
    for row in out.sequences.tolist():
        new = row[len(ids) :]
        ends = [i for i, t in enumerate(new) if t in given["eos_token_id"]]
        sequences.append(new[: ends[0]] if ends else new)
    case = {"kind": "generate", "prompt": ids, "params": params, "expect_ids": sequences}
    if params.get("num_beams", 1) > 1:
        case["sequences_scores"] = out.sequences_scores.tolist()
    return case


def distribution(ids, params):
    given, _ = options(params)
    config = GenerationConfig(do_sample=True, **given, eos_token_id=given.pop("eos_token_id", [0]))
    MODEL._prepare_special_tokens(config, torch.tensor(True), device=torch.device("cpu"))
    tensor = torch.tensor([ids])
    processors = MODEL._get_logits_processor(config, len(ids), tensor, None, [], device="cpu")
    with torch.no_grad():
        scores = processors(tensor, MODEL(tensor).logits[:, -1, :])
    p = torch.softmax(scores, -1)[0].tolist()
    expect = {str(i): x for i, x in enumerate(p) if x > 0}
    return {"kind": "sample_distribution", "prompt": ids, "params": params, "expect": expect}


def greedy_tokens(ids, n):
    out = MODEL.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        generation_config=GenerationConfig(max_new_tokens=n, pad_token_id=PAD),
    )
    return out[0][len(ids) :].tolist()


def likely(ids, n):
    """The n most probable next tokens."""
    with torch.no_grad():
        return torch.topk(MODEL(torch.tensor([ids])).logits[0, -1], n).indices.tolist()


CASES = []


def add(params, lengths=(4, 9)):
    for n in lengths:
        ids = prompt(n)
        CASES.append(generate(ids, params(ids) if callable(params) else params))


# Single processors, each aimed at tokens that would be generated without it.
add(lambda ids: {"max_new_tokens": 12, "suppress_tokens": greedy_tokens(ids, 4)})
add(lambda ids: {"max_new_tokens": 12, "begin_suppress_tokens": likely(ids, 3)})
add(lambda ids: {"max_new_tokens": 12, "begin_suppress_tokens": likely(ids, 3), "forced_bos_token_id": [17]}, (1, 1, 5))
add(lambda ids: {"max_new_tokens": 9, "forced_eos_token_id": [23]})
add(lambda ids: {"max_new_tokens": 1, "forced_eos_token_id": [23], "forced_bos_token_id": [17]}, (1, 3))
add(lambda ids: {"max_new_tokens": 16, "exponential_decay_length_penalty": [3, 1.3]}, (3, 6, 10, 14))
add(lambda ids: {"max_new_tokens": 16, "exponential_decay_length_penalty": [0, 1.9], "eos_token_id": likely(ids, 9)[7:]})
add(lambda ids: {"max_new_tokens": 16, "exponential_decay_length_penalty": [2, 0.5], "eos_token_id": likely(ids, 2)[:1]})
add(lambda ids: {"max_new_tokens": 12, "sequence_bias": [[[likely(ids, 5)[4]], 3.5], [[11, 12], 4.0], [likely(ids, 1), -6.5]]})
add(lambda ids: {"max_new_tokens": 12, "sequence_bias": [[[ids[-1], likely(ids, 8)[7]], 9.5], [[*ids, 5], 11.0], [[1, *ids, 6], 40.0]]})
add(lambda ids: {"max_new_tokens": 12, "sequence_bias": [[greedy_tokens(ids, 2), -50.0], [greedy_tokens(ids, 3), 50.0]]})
add({"max_new_tokens": 12, "encoder_repetition_penalty": 1.6})
add({"max_new_tokens": 12, "encoder_repetition_penalty": 0.6, "repetition_penalty": 1.2})
add(lambda ids: {"max_new_tokens": 12, "encoder_no_repeat_ngram_size": 1, "sequence_bias": [[[ids[0]], 9.0]]})
add({"max_new_tokens": 12, "encoder_no_repeat_ngram_size": 2, "no_repeat_ngram_size": 3})
add({"max_new_tokens": 14, "min_new_tokens": 8, "eos_token_id": [0, 5, 9, 30, 31, 32, 33, 34, 35, 40, 41]})
add(lambda ids: {"max_length": len(ids) + 5})
add(lambda ids: {"max_length": len(ids) + 12, "min_length": len(ids) + 6, "eos_token_id": greedy_tokens(ids, 1)})
for scale in (0.0, 0.6, 1.5, 3.0):
    add(lambda ids, s=scale: {"max_new_tokens": 12, "guidance_scale": s}, (1, 7))
    add(lambda ids, s=scale: {"max_new_tokens": 12, "guidance_scale": s, "negative_prompt_ids": prompt(6)}, (1, 5, 11))
add(lambda ids: {"max_new_tokens": 12, "guidance_scale": 2.0, "negative_prompt_ids": prompt(1), "repetition_penalty": 1.3,
                 "no_repeat_ngram_size": 2})

# Everything at once: the order of processors. Not encoder_repetition_penalty with beams: Transformers 4.51 applies it to
# the first beam only (the prompt's ids have one row, the scores have num_beams).
for n_beams in (1, 4):
    add(lambda ids, b=n_beams: {
        "max_new_tokens": 12, "num_beams": b, "repetition_penalty": 1.4, "encoder_repetition_penalty": 1.2 if b == 1 else 1.0,
        "no_repeat_ngram_size": 3, "bad_words_ids": [[likely(ids, 2)[1]], greedy_tokens(ids, 2)], "min_new_tokens": 3,
        "eos_token_id": likely(ids, 6)[4:], "exponential_decay_length_penalty": [4, 1.2],
        "suppress_tokens": likely(ids, 4)[3:], "begin_suppress_tokens": likely(ids, 1), "forced_eos_token_id": [44],
        "sequence_bias": [[likely(ids, 3)[2:], 2.5], [[ids[-1], 7], 3.0]]}, (2, 4, 9, 20))

# Beams.
for early in (True, False, "never"):
    for penalty in (0.0, 1.0, 2.0, -1.0):
        add(lambda ids, e=early, p=penalty: {
            "max_new_tokens": 10, "num_beams": 4, "early_stopping": e, "length_penalty": p, "num_return_sequences": 3,
            "eos_token_id": likely(ids, 12)[4:]}, (3,))
add({"max_new_tokens": 10, "num_beams": 3, "renormalize_logits": True, "repetition_penalty": 1.7,
     "num_return_sequences": 3})
add(lambda ids: {"max_new_tokens": 10, "num_beams": 3, "renormalize_logits": True, "suppress_tokens": likely(ids, 30)})
add(lambda ids: {"max_new_tokens": 10, "num_beams": 4, "forced_bos_token_id": [19], "forced_eos_token_id": [3],
                 "min_new_tokens": 4}, (1, 1, 4))

# Groups of beams, with EOS among the likely tokens so that groups end at different times.
for groups, beams, returned in ((2, 4, 4), (3, 6, 5), (4, 4, 4), (5, 5, 1), (2, 8, 8)):
    for diversity in (0.3, 1.5, 20.0):
        for early, penalty in ((True, 1.0), (False, 0.0), (False, 1.5), ("never", 2.0), ("never", -1.0)):
            add(lambda ids, g=groups, b=beams, r=returned, d=diversity, e=early, p=penalty: {
                "max_new_tokens": 9, "num_beams": b, "num_beam_groups": g, "diversity_penalty": d,
                "num_return_sequences": r, "early_stopping": e, "length_penalty": p,
                "eos_token_id": [t for t in likely(ids, 30)[RANDOM.randrange(12):][: RANDOM.randrange(1, 9)]]},
                (RANDOM.randrange(2, 9),))
add(lambda ids: {"max_new_tokens": 8, "num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 2.0,
                 "repetition_penalty": 1.5, "sequence_bias": [[likely(ids, 1), 2.0]], "no_repeat_ngram_size": 2,
                 "num_return_sequences": 4, "renormalize_logits": True, "min_new_tokens": 3,
                 "forced_eos_token_id": [9]}, (3, 8))

# Filters, alone and together.
for params in (
    {"top_k": 0, "typical_p": 0.05}, {"top_k": 0, "typical_p": 0.5}, {"top_k": 0, "typical_p": 0.95},
    {"top_k": 12, "typical_p": 0.6}, {"top_k": 0, "epsilon_cutoff": 0.002}, {"top_k": 0, "epsilon_cutoff": 0.006},
    {"top_k": 0, "epsilon_cutoff": 0.4}, {"top_k": 0, "eta_cutoff": 0.001}, {"top_k": 0, "eta_cutoff": 0.02},
    {"top_k": 0, "eta_cutoff": 0.6}, {"top_k": 20, "eta_cutoff": 0.05}, {"temperature": 0.3, "top_k": 0, "eta_cutoff": 0.05},
    {"temperature": 0.5, "top_k": 60, "top_p": 0.9, "min_p": 0.02, "typical_p": 0.8, "epsilon_cutoff": 0.01,
     "eta_cutoff": 0.01},
    {"temperature": 1.7, "top_k": 0, "typical_p": 0.4, "epsilon_cutoff": 0.004},
    {"temperature": 0.4, "top_k": 0, "typical_p": 0.2, "epsilon_cutoff": 0.03},
    {"top_k": 0, "typical_p": 0.3, "encoder_repetition_penalty": 1.5, "renormalize_logits": True},
    {"top_k": 9, "suppress_tokens": [3, 5, 8], "sequence_bias": [[[4], 3.0]], "epsilon_cutoff": 0.05},
):
    for n in (2, 7):
        CASES.append(distribution(prompt(n), params))

with open(os.path.join(HERE, "cases.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
print(len(CASES), "cases,", sum(c["kind"] == "generate" for c in CASES), "of generate")
