"""Writes the checkpoints of small random encoder-decoders in this folder, and what Transformers 4.51 computes on them.

usage: python make_seq2seq.py        with torch and transformers 4.51.3 installed

Encoder and decoder differ in all that their families allow: layers, heads, widths of the feed-forward blocks, and in
marian-pair the vocabularies. Every optional term has weights that are not zero. Sources cross a block of 32 tokens.
"""

import json
import os
import shutil

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def randomize(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        if "embed_positions" in name and isinstance(model, tf.MarianMTModel):
            continue  # sines
        p.data = torch.randn(p.shape, generator=g) * (0.3 if p.dim() == 2 and "relative" not in name else 0.5)
        if name.endswith("norm.weight"):
            p.data += 1
    if hasattr(model, "final_logits_bias"):
        model.final_logits_bias = torch.randn(model.final_logits_bias.shape, generator=g) * 0.5
    model.tie_weights()
    return model.eval()


def ids(g, low, high, n):
    return torch.randint(low, high, (n,), generator=g).tolist()


def move_generation_config(path):
    """As folders from before generation_config.json have it."""
    own, whole = os.path.join(path, "generation_config.json"), os.path.join(path, "config.json")
    with open(own) as f:
        generation = {k: v for k, v in json.load(f).items() if not k.startswith("_")}
    with open(whole) as f:
        config = json.load(f)
    with open(whole, "w") as f:
        json.dump({**config, **generation}, f, indent=2)
        f.write("\n")
    os.remove(own)


PARAMS = [{"max_new_tokens": 12}, {"max_new_tokens": 10, "num_beams": 3, "early_stopping": True},
          {"max_new_tokens": 10, "num_beams": 4, "num_return_sequences": 2, "length_penalty": 0.5},
          {"max_new_tokens": 10, "repetition_penalty": 1.3, "no_repeat_ngram_size": 2},
          {"max_new_tokens": 8, "encoder_no_repeat_ngram_size": 2, "encoder_repetition_penalty": 1.4},
          {"max_length": 9, "min_length": 6}, {"max_new_tokens": 9, "forced_bos_token_id": 9, "num_beams": 2}]


def write(name, model, seed, source_vocab, target_vocab, drop=()):
    model = randomize(model, seed)
    path, cases, tensors = os.path.join(HERE, name), [], {}
    shutil.rmtree(path, ignore_errors=True)
    model.save_pretrained(path)
    if name in ("bart-uneven", "marian-pair"):
        move_generation_config(path)
    stored = load_file(os.path.join(path, "model.safetensors"))
    save_file({k: v for k, v in stored.items() if not any(d in k for d in drop)}, os.path.join(path, "model.safetensors"))
    g = torch.Generator().manual_seed(seed + 1)
    eos, start = model.config.eos_token_id, model.config.decoder_start_token_id
    for n_source, n_target in ((1, 1), (7, 4), (45, 20)):
        source, target = ids(g, 3, source_vocab, n_source), [start] + ids(g, 3, target_vocab, n_target - 1)
        out = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([target]))
        case = {"kind": "seq2seq_logits", "input_ids": source, "decoder_input_ids": target,
                "logits": "logits.%d" % len(cases), "encoder": "encoder.%d" % len(cases)}
        tensors[case["logits"]] = out.logits[0].detach().contiguous().clone()
        tensors[case["encoder"]] = out.encoder_last_hidden_state[0].detach().contiguous().clone()
        cases.append(case)
    model.config.vocab_size = target_vocab  # which generate takes for the width of logits
    for params in PARAMS:
        if source_vocab != target_vocab and "encoder_repetition_penalty" in params:
            continue  # the source's ids are those of another vocabulary
        for n in (4, 37):
            source = ids(g, 3, source_vocab, n)
            out = model.generate(torch.tensor([source]), do_sample=False, return_dict_in_generate=True, output_scores=True,
                                 **params)
            case = {"kind": "generate", "prompt": source, "params": params, "expect_ids": []}
            for row in out.sequences[:, 1:].tolist():
                case["expect_ids"].append(row[:row.index(eos)] if eos in row else row)
            if params.get("num_beams", 1) > 1:
                case["sequences_scores"] = out.sequences_scores.tolist()
            cases.append(case)
    save_file(tensors, os.path.join(path, "expected.safetensors"))
    with open(os.path.join(path, "cases.json"), "w") as f:
        json.dump(cases, f, separators=(",", ":"))
        f.write("\n")


torch.manual_seed(0)
bart = dict(d_model=24, encoder_layers=1, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=3,
            encoder_ffn_dim=40, decoder_ffn_dim=56, max_position_embeddings=48, attn_implementation="eager")
with torch.no_grad():
    write("bart-uneven", tf.BartForConditionalGeneration(tf.BartConfig(
        vocab_size=97, forced_bos_token_id=0, activation_function="gelu_new", **bart)), 11, 97, 97)
    write("mbart-uneven", tf.MBartForConditionalGeneration(tf.MBartConfig(
        vocab_size=91, decoder_start_token_id=2, forced_bos_token_id=88, scale_embedding=True, **{**bart, "encoder_layers": 2,
        "decoder_layers": 1})), 12, 91, 91)
    # Transformers makes the decoder's table as long as the source's first.
    marian = tf.MarianMTModel(tf.MarianConfig(
        vocab_size=83, decoder_vocab_size=83, pad_token_id=70, decoder_start_token_id=70, bad_words_ids=[[70]],
        eos_token_id=0, forced_eos_token_id=0, scale_embedding=True, activation_function="swish",
        share_encoder_decoder_embeddings=False, **{**bart, "encoder_layers": 2, "decoder_layers": 2}))
    marian.resize_decoder_token_embeddings(71)
    write("marian-pair", marian, 13, 83, 71, drop=("embed_positions",))
    t5 = dict(d_model=24, d_kv=5, num_heads=3, d_ff=44, num_layers=1, num_decoder_layers=2, decoder_start_token_id=0,
              relative_attention_num_buckets=8, relative_attention_max_distance=20)
    write("t5-tied", tf.T5ForConditionalGeneration(tf.T5Config(vocab_size=89, feed_forward_proj="relu", **t5)), 14, 89, 89)
    write("mt5-gated", tf.MT5ForConditionalGeneration(tf.MT5Config(
        vocab_size=86, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
        **{**t5, "num_layers": 3, "num_decoder_layers": 1, "relative_attention_num_buckets": 32,
           "relative_attention_max_distance": 40})), 15, 86, 86)
