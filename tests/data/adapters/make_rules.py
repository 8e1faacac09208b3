"""Writes rules.json: which modules PEFT 0.21.2 means by an adapter's config, and the numbers that it gives them.

    python3 tests/data/adapters/make_rules.py        with peft installed
"""

import itertools
import json
import pathlib

from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.other import get_pattern_key

MODULES = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj", "model.layers.11.mlp.up_proj",
           "transformer.h.1.attn.c_attn", "h.1.attn.c_attn", "h.0.attn.c_attn", "lm_head", "classifier", "classifier.dense",
           "model.blocks.3.experts.1.up_proj", "q_proj", "model.xq_proj", "score.q_proj"]
TARGETS = [["q_proj"], ["self_attn.q_proj", "up_proj"], ["lm_head", "c_attn", "classifier", "dense"],
           ["model.layers.1.self_attn.q_proj", "h.1.attn.c_attn"], r".*q_proj", r"model\.layers\.\d+\.(self_attn|mlp)\.\w+",
           r"(?:.*\.)?h\.[01]\.attn\.c_attn", r"^h\.1.*$", r"lm_head|.*\.(up|q)_proj"]
MORE = [{}, {"layers_to_transform": [1]}, {"layers_to_transform": 3}, {"layers_to_transform": [1, 11], "layers_pattern": "layers"},
        {"layers_to_transform": [1], "layers_pattern": ["experts", "h"]}, {"exclude_modules": ["layers.1.self_attn.q_proj", "lm_head"]},
        {"exclude_modules": r".*\.1\..*"}, {"modules_to_save": ["classifier", "score"]}]
PATTERNS = [{}, {"q_proj": 3}, {"layers.1.self_attn.q_proj": 5, "self_attn.q_proj": 6}, {"h.1.attn.c_attn": 7, "lm_head": 2},
            {r"layers\.[0-9]+\..*": 4, "^lm_head$": 9, r"^h\..*": 8}, {r".*\.(up|q)_proj": 11, "proj": 12}, {"h.c_attn": 13},
            {"model.layers": 14, r"\d+\.mlp\.\w{2}_proj": 15}, {"q.proj": 16}]


def main():
    cases = []
    for targets, more in itertools.product(TARGETS, MORE):
        if isinstance(targets, str) and "layers_to_transform" in more:  # which PEFT refuses together
            continue
        config = LoraConfig(target_modules=targets, **more)
        cases.append({"config": {"target_modules": targets, **more},
                      "targets": [bool(check_target_module_exists(config, m)) for m in MODULES]})
    for pattern in PATTERNS:
        cases.append({"config": {"target_modules": ["x"], "rank_pattern": pattern},
                      "ranks": [pattern.get(get_pattern_key(pattern.keys(), m), 8) for m in MODULES]})
    rows = ",\n".join(json.dumps(case) for case in cases)
    path = pathlib.Path(__file__).parent / "rules.json"
    path.write_text('{"modules": ' + json.dumps(MODULES) + ',\n"cases": [\n' + rows + "\n]}\n")


main()
