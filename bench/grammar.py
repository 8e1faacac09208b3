#!/usr/bin/env python3
"""What an answer that fits a JSON schema costs: time per token with and without the grammar, in turns, on one model.

    python3 bench/grammar.py --tokenizer FOLDER [--turns 5] [--threads 1] [--wall] [--folder DIR]

FOLDER has GPT-2's tokenizer.json, of which the first 32,000 tokens are kept. The model has SmolLM2-135M's layers with random weights,
int8; the schema has 20 fields: texts with a pattern or a longest length, choices, numbers, booleans, dates, lists. Each answer has to
parse and to have all fields; without the grammar as many tokens are generated. Processor time, unless --wall. Needs the built library
and numpy.
"""
import argparse
import json
import os
import sys
import tempfile
import time

from turns import ROOT, median_and_range

sys.path.insert(0, os.path.join(ROOT, "tools", "eval"))
N_VOCAB, MOST = 32000, 900
SHAPE = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": N_VOCAB, "hidden_size": 576,
         "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 2048, "rope_theta": 1e5,
         "rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": True}
KINDS = [{"type": "string", "pattern": "^P-[0-9]{4}$"}, {"enum": ["order_status", "return", "refund", "cancel", "address"]},
         {"type": "string", "maxLength": 24}, {"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": 9999},
         {"type": "string", "format": "date"}, {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "minItems": 1, "maxItems": 3},
         {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"], "additionalProperties": False},
         {"type": "string", "pattern": "^[A-Z][a-z]{2,10} [A-Z][a-z]{2,12}$"}, {"enum": ["en", "zh"]}]
FIELDS = {"field_%d" % i: KINDS[i % len(KINDS)] for i in range(20)}
SCHEMA = {"type": "object", "properties": FIELDS, "required": list(FIELDS), "additionalProperties": False}


def make(path, tokenizer):
    import random_models

    random_models.write(path, SHAPE, "BF16", 1)
    with open(os.path.join(tokenizer, "tokenizer.json"), encoding="utf-8") as f:
        t = json.load(f)
    model = t["model"]
    model["vocab"] = {token: i for token, i in model["vocab"].items() if i < N_VOCAB}
    pairs = [m if isinstance(m, list) else m.split(" ") for m in model["merges"]]
    model["merges"] = [" ".join(m) for m in pairs if "".join(m) in model["vocab"]]
    t["added_tokens"], t["post_processor"] = [], None
    with open(os.path.join(path, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(t, f)
    if len(model["vocab"]) != N_VOCAB:
        sys.exit("%s: %d tokens, expected at least %d" % (tokenizer, len(model["vocab"]), N_VOCAB))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--folder", help="where the model is, or is put")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--wall", action="store_true", help="time on the wall, for an idle machine")
    args = parser.parse_args()
    import llmcs

    now = time.perf_counter if args.wall else time.process_time
    with tempfile.TemporaryDirectory() as temporary:
        path = os.path.join(args.folder or temporary, "grammar-32k")
        if not os.path.exists(os.path.join(path, "tokenizer.json")):
            make(path, args.tokenizer)
        model = llmcs.Model(path, n_threads=args.threads, weights="int8")
        start = now()
        grammar = llmcs.Grammar.json_schema(model.tokenizer, SCHEMA)
        print("the grammar is made in %.1f ms" % (1e3 * (now() - start)))
        session, ratios, parsed = model.session(n_ctx=1024), [], 0

        def per_token(ids, n, **more):
            start = now()
            found = session.generate_ids(ids, max_new_tokens=n, do_sample=True, eos_token_id=[], **more)
            seconds = now() - start
            session.rewind(0)
            return seconds / found.n_new_tokens, found

        for turn in range(1 + args.turns):
            ids = model.tokenizer.encode("Customer %d wrote: where is my order?" % turn)
            constrained, found = per_token(ids, MOST, grammar=grammar, seed=turn)
            plain, _ = per_token(ids, found.n_new_tokens, seed=turn)
            answer = json.loads(found.text)
            parsed += answer.keys() == FIELDS.keys()
            if turn:  # the first one warms up
                ratios.append(100 * (constrained / plain - 1))
            print("%4d tokens, %.2f and %.2f ms each" % (found.n_new_tokens, 1e3 * constrained, 1e3 * plain), flush=True)
    print("%d of %d answers have all fields; the grammar costs %s %% of a step" % (parsed, 1 + args.turns, median_and_range(ratios)))
    return int(parsed < 1 + args.turns)


if __name__ == "__main__":
    sys.exit(main())
