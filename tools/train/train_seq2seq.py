#!/usr/bin/env python3
"""Train or fine-tune an encoder-decoder (mBART, BART, Marian or T5) on pairs of texts, and write it as a Hugging Face folder.

    train_seq2seq.py --data pairs.jsonl --out DIR                     a small model from scratch, with its own tokenizer
    train_seq2seq.py --data pairs.jsonl --out DIR --init HF_FOLDER    fine-tune any such folder; its tokenizer is kept
    train_seq2seq.py --out DIR --evaluate test.jsonl                  loss and chrF of a folder

Rows are {"source": ..., "target": ...}, for several languages with "source_lang" and "target_lang" as the tokenizer spells them
("en_XX", for Marian "fra"). For a tokenizer without languages, --prefix names them in words. --resume continues an interrupted run.
With --threads above 1 on a busy machine, set OMP_WAIT_POLICY=passive: otherwise waiting threads use processor time, and a
step takes several times as long.
Needs build/lib/libllmcs.so, whose tokenizers read every kind of folder, PyTorch and numpy.
"""
import argparse
import math
import os
import random
import shutil
import sys
import time
from collections import Counter

import torch
import torch.nn.functional as F

import common
import seq2seq
import seq2seq_tokenizer
from common import TORCH_DTYPES, log
from rows import read_jsonl, split_rows

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import llmcs  # noqa: E402

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "source.spm", "target.spm",
                   "target_vocab.json", "spiece.model", "sentencepiece.bpe.model")
IGNORED = -100   # a label that is padding


# ---------------------------------------------------------------- texts and tokens

class Texts:
    """Turns rows into token ids with a folder's tokenizer, as llmcs translate does."""

    def __init__(self, folder, config, prefix):
        self.tokenizer, self.config, self.prefix = llmcs.Tokenizer(folder), config, prefix
        self.languages = self.tokenizer.languages

    def source(self, row):
        text, languages = row["source"], {}
        named = {key: row.get(key) for key in ("source_lang", "target_lang") if row.get(key)}
        if self.languages:  # mBART's source names its own language, Marian's the target's
            key = "source_lang" if self.config["model_type"] == "mbart" else "target_lang"
            languages = {key: named[key]} if key in named else {}
        elif named or "{" not in self.prefix:
            text = self.prefix.format(**named) + text
        return self.tokenizer.encode(text, **languages)

    def target(self, row):
        """(what the decoder starts with, the tokens it has to say)"""
        start = self.config.get("decoder_start_token_id")
        if not self.languages:
            return start, self.tokenizer.encode(row["target"])
        ids = self.tokenizer.encode(row["target"], target_lang=row.get("target_lang"), target_text=True)
        if self.config["model_type"] == "mbart" and ids[-1] in self.languages.values():  # mBART: X </s> en_XX
            return ids[-1], ids[:-1]
        return start, ids

    def encode(self, rows, longest):
        """([(source ids, start, target ids)], their rows) of the rows whose two sides have at most `longest` tokens."""
        longest = min(longest, self.config.get("max_position_embeddings", longest))
        out = [((self.source(row), *self.target(row)), row) for row in rows]
        kept = [(e, row) for e, row in out if len(e[0]) <= longest and len(e[2]) <= longest]
        return [e for e, _ in kept], [row for _, row in kept]

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True).strip()


def batches_of(examples, tokens_per_batch, rng=None):
    """Lists of examples of about the same length. With `rng` in random order, and neighbours in length vary from epoch to epoch."""
    order = list(range(len(examples)))
    if rng:
        rng.shuffle(order)
    out, window = [], 1 << 14
    for begin in range(0, len(order), window):
        some = sorted(order[begin:begin + window], key=lambda i: (len(examples[i][0]) + len(examples[i][2]), len(examples[i][0])))
        batch, widest = [], 0
        for i in some:
            size = len(examples[i][0]) + len(examples[i][2])
            if batch and max(widest, size) * (len(batch) + 1) > tokens_per_batch:
                out.append(batch)
                batch, widest = [], 0
            batch.append(examples[i])
            widest = max(widest, size)
        out.append(batch)
    if rng:
        rng.shuffle(out)
    return out


def tensors_of(batch, pad):
    """(source ids, real, decoder inputs, labels) of a batch."""
    n_source, n_target = max(len(s) for s, _, _ in batch), max(len(t) for _, _, t in batch)
    ids = torch.tensor([s + [pad] * (n_source - len(s)) for s, _, _ in batch])
    real = torch.tensor([[True] * len(s) + [False] * (n_source - len(s)) for s, _, _ in batch])
    inputs = torch.tensor([[start] + t[:-1] + [pad] * (n_target - len(t)) for _, start, t in batch])
    labels = torch.tensor([t + [IGNORED] * (n_target - len(t)) for _, _, t in batch])
    return ids, real, inputs, labels


def loss_of(model, batch, label_smoothing=0.0, reduction="mean"):
    ids, real, inputs, labels = tensors_of(batch, model.config["pad_token_id"])
    hidden = model.decode(inputs, model.encode(ids, real), real)
    said = labels != IGNORED
    return F.cross_entropy(model.logits(hidden[said]).float(), labels[said], label_smoothing=label_smoothing, reduction=reduction)


# ---------------------------------------------------------------- figures

def chrf(hypotheses, references, order=6, beta=2.0):
    """chrF of a corpus (Popovic 2015), 0 to 100: the mean F of character n-grams, spaces left out."""
    scores = []
    for n in range(1, order + 1):
        same = said = wanted = 0
        for h, r in zip(hypotheses, references):
            h, r = "".join(h.split()), "".join(r.split())
            a, b = (Counter(x[i:i + n] for i in range(len(x) - n + 1)) for x in (h, r))
            same, said, wanted = same + sum((a & b).values()), said + sum(a.values()), wanted + sum(b.values())
        if said and wanted:
            p, r = same / said, same / wanted
            scores.append((1 + beta ** 2) * p * r / (beta ** 2 * p + r) if p + r else 0.0)
    return 100 * sum(scores) / len(scores) if scores else 0.0


@torch.no_grad()
def held_out_loss(model, examples, tokens_per_batch):
    model.eval()
    total = sum(loss_of(model, batch, reduction="sum").item() for batch in batches_of(examples, tokens_per_batch))
    return total / max(1, sum(len(t) for _, _, t in examples))


def translate(model, texts, rows, longest, batch=64):
    """Greedy translations."""
    config, out = model.config, []
    for begin in range(0, len(rows), batch):
        sources, starts, firsts = [], [], []
        for row in rows[begin:begin + batch]:
            start, said = texts.target(row)
            sources.append(texts.source(row))
            starts.append([start])
            firsts.append(said[0])
        # mBART-50 and BART have a forced first token.
        forced = firsts if (texts.languages and config["model_type"] == "mbart" and firsts[0] in texts.languages.values()) or config.get("forced_bos_token_id") is not None else None
        found = seq2seq.greedy(model, sources, starts, forced, config["pad_token_id"], config["eos_token_id"], longest)
        out += [texts.decode(ids) for ids in found]
    return out


def judge(args, model, texts, rows, examples):
    """(the figure that early stopping looks at, lower is better; its words)"""
    loss = held_out_loss(model, examples, args.tokens_per_batch)
    if args.metric == "loss":
        return loss, f"loss {loss:.4f}"
    rows = rows[:args.chrf_rows]
    score = chrf(translate(model, texts, rows, args.max_tokens), [r["target"] for r in rows])
    return -score, f"loss {loss:.4f}, chrF {score:.2f}"


# ---------------------------------------------------------------- folders

def new_config(args, n_vocab):
    common_keys = {"model_type": args.shape, "is_encoder_decoder": True, "vocab_size": n_vocab, "d_model": args.width, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
                   "tie_word_embeddings": True}
    if args.shape == "t5":
        return {**common_keys, "architectures": ["T5ForConditionalGeneration"], "decoder_start_token_id": 1, "d_kv": args.width // args.heads, "d_ff": args.inner,
                "num_layers": args.encoder_layers, "num_decoder_layers": args.decoder_layers, "num_heads": args.heads, "relative_attention_num_buckets": 32,
                "relative_attention_max_distance": 128, "feed_forward_proj": "relu", "layer_norm_epsilon": 1e-6, "dropout_rate": args.dropout, "n_positions": args.positions}
    names = {"mbart": "MBartForConditionalGeneration", "bart": "BartForConditionalGeneration", "marian": "MarianMTModel"}
    config = {**common_keys, "architectures": [names[args.shape]], "decoder_start_token_id": 1 if args.shape == "marian" else 2, "forced_eos_token_id": 2,
              "encoder_layers": args.encoder_layers, "decoder_layers": args.decoder_layers, "encoder_attention_heads": args.heads, "decoder_attention_heads": args.heads,
              "encoder_ffn_dim": args.inner, "decoder_ffn_dim": args.inner, "activation_function": "relu" if args.shape == "mbart" else "swish" if args.shape == "marian" else "gelu",
              "max_position_embeddings": args.positions, "scale_embedding": args.shape != "bart", "dropout": args.dropout, "attention_dropout": 0.0, "activation_dropout": 0.0}
    if args.shape == "bart":
        config["forced_bos_token_id"] = 0
    if args.shape == "marian":
        config.update({"decoder_vocab_size": n_vocab, "share_encoder_decoder_embeddings": True})
    return config


CARD = """# {name}: {kind}, {parameters:,} parameters

Trained with `tools/train/train_seq2seq.py` on {rows:,} pairs of `{data}`{init}, {steps:,} steps, seed {seed}.
Held-out rows: {figures}.

Write here, before anybody uses it: what the texts are and whose; what it translates well and badly, with figures on texts that it
has not seen; what it does with texts of another kind; who should not use it.
"""


def export(args, folder, model, config, tokenizer_folder, card):
    os.makedirs(folder, exist_ok=True)
    common.save_safetensors(os.path.join(folder, "model.safetensors"), model.stored(), args.dtype)
    common.write_json(os.path.join(folder, "config.json"), {**config, "torch_dtype": TORCH_DTYPES[args.dtype]})
    for file in TOKENIZER_FILES:
        path = os.path.join(tokenizer_folder, file)
        if os.path.exists(path) and os.path.abspath(tokenizer_folder) != os.path.abspath(folder):
            shutil.copyfile(path, os.path.join(folder, file))
    generation = os.path.join(args.init or "", "generation_config.json")
    if args.init and os.path.exists(generation):
        shutil.copyfile(generation, os.path.join(folder, "generation_config.json"))
    elif not args.init:
        keys = ("bos_token_id", "pad_token_id", "eos_token_id", "decoder_start_token_id", "forced_eos_token_id", "forced_bos_token_id")
        common.write_json(os.path.join(folder, "generation_config.json"), {**{k: config[k] for k in keys if k in config}, "max_length": min(args.positions, 128), "num_beams": args.beams})
    path = os.path.join(folder, "README.md")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(card)


def open_folder(folder, dropout=None):
    config, tensors = common.load_hf_folder(folder)
    model = seq2seq.build({**config, **({"dropout": dropout, "dropout_rate": dropout} if dropout is not None else {})})
    seq2seq.load_into(model, tensors)
    return model, config


# ---------------------------------------------------------------- training

def train(args, model, texts, examples, held_out_rows, held_out):
    """Returns (steps made, the model's figures). The model has the best weights then, where there is early stopping."""
    checkpoint, best_path = os.path.join(args.work, "checkpoint.pt"), os.path.join(args.work, "best.pt")
    optimizer = common.adamw(model, args.lr, args.weight_decay)
    step, epoch, done, best, misses, figures, best_figures = 0, 0, 0, math.inf, 0, "none", "none"
    if args.resume and os.path.exists(checkpoint):
        step, extra = common.load_checkpoint(checkpoint, model, optimizer)
        epoch, done, best, misses = extra["epoch"], extra["done"], extra["best"], extra["misses"]
        best_figures = extra["best_figures"]
        log(f"resumed at step {step} (epoch {epoch})")
    progress = common.Progress(args.steps, every=args.log_every)
    last_step, stopped = min(args.steps, args.stop_at or args.steps), False
    first_step, begun = step, time.monotonic()
    while step < last_step and not stopped:
        batches = common.at_least_one(batches_of(examples, args.tokens_per_batch, random.Random(args.seed + epoch)), args.data)
        log(f"epoch {epoch}: {len(batches)} batches")
        progress.reset()
        for index in range(done, len(batches)):
            spent = (time.monotonic() - begun) / (60 * args.minutes) if args.minutes else 0.0
            lr = common.learning_rate(max(step, first_step + spent * (args.steps - first_step)), args.steps, args.warmup, args.lr)
            common.set_learning_rate(optimizer, lr)
            model.train()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
                loss = loss_of(model, batches[index], args.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step, done = step + 1, index + 1
            progress.update(step, loss.item(), sum(len(s) + len(t) for s, _, t in batches[index]), lr)
            if held_out and args.valid_every and step % args.valid_every == 0:
                figure, figures = judge(args, model, texts, held_out_rows, held_out)
                misses = 0 if figure < best else misses + 1
                log(f"step {step}: held-out {figures}{'' if figure < best else f', no better for {misses}'}")
                if figure < best:
                    best, best_figures = figure, figures
                    torch.save(model.state_dict(), best_path)
                stopped = bool(args.patience) and misses >= args.patience
                progress.reset()
            stopped = stopped or spent >= 1
            if step % args.save_every == 0 or step == last_step or stopped:
                common.save_checkpoint(checkpoint, model, optimizer, step, epoch=epoch, done=done, best=best, misses=misses, best_figures=best_figures)
            if step == last_step or stopped:
                break
        else:
            epoch, done = epoch + 1, 0
    if stopped:
        log(f"stopped {'at the end of the time' if args.minutes else 'early'} at step {step}")
    if args.patience and os.path.exists(best_path) and best < math.inf:
        model.load_state_dict(torch.load(best_path))
        figures = best_figures
    return step, figures


# ---------------------------------------------------------------- command line

def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", help="JSON Lines file of pairs, gzip or plain")
    p.add_argument("--valid", help="held-out pairs (default: a tenth of --data)")
    p.add_argument("--out", required=True, help="the Hugging Face folder to write (or, with --evaluate, to read)")
    p.add_argument("--work", default="build/train-seq2seq", help="folder for the checkpoint and the tokenizer (default: %(default)s)")
    p.add_argument("--init", help="start from this folder instead of from scratch; its tokenizer is kept")
    p.add_argument("--resume", action="store_true", help="go on from the checkpoint in --work")
    p.add_argument("--export-only", action="store_true", help="write --out from the checkpoint in --work, without training")
    p.add_argument("--evaluate", metavar="FILE", help="print loss and chrF of --out on these pairs")
    p.add_argument("--prefix", help='goes before each source if the tokenizer knows no languages (default: "translate {source_lang} to {target_lang}: " where rows name them)')
    p.add_argument("--shape", choices=["mbart", "bart", "marian", "t5"], default="mbart", help="of a model from scratch (default: %(default)s)")
    p.add_argument("--encoder-layers", type=int, default=3)
    p.add_argument("--decoder-layers", type=int, default=2)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--width", type=int, default=256)
    p.add_argument("--inner", type=int, default=512)
    p.add_argument("--positions", type=int, default=160)
    p.add_argument("--vocab-size", type=int, default=4096)
    p.add_argument("--steps", type=int, default=5000)
    p.add_argument("--stop-at", type=int, help="stop after this step, to go on later with --resume")
    p.add_argument("--minutes", type=float, help="stop after this many minutes even if --steps are not done; the learning rate schedule adapts")
    p.add_argument("--tokens-per-batch", type=int, default=4096, help="of sources and targets together")
    p.add_argument("--max-tokens", type=int, default=128, help="longer sources or targets are left out (default: %(default)s)")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--warmup", type=int, default=200)
    p.add_argument("--weight-decay", type=float, default=0.01)
    p.add_argument("--dropout", type=float, default=0.1)
    p.add_argument("--label-smoothing", type=float, default=0.0)
    p.add_argument("--valid-every", type=int, default=0, help="steps between evaluations on the held-out pairs (default: none)")
    p.add_argument("--patience", type=int, default=0, help="stop after this many evaluations without improvement, and write the best weights (default: never)")
    p.add_argument("--metric", choices=["loss", "chrf"], default="loss", help="metric for early stopping (default: %(default)s)")
    p.add_argument("--chrf-rows", type=int, default=200, help="held-out pairs translated for chrF (default: %(default)s)")
    p.add_argument("--beams", type=int, default=1, help="num_beams of the new generation_config.json (default: %(default)s)")
    p.add_argument("--dtype", choices=list(TORCH_DTYPES), default="F16", help="of the exported weights (default: %(default)s)")
    common.add_processor_options(p)
    p.add_argument("--save-every", type=int, default=200, help="steps between checkpoints")
    p.add_argument("--log-every", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    args.bf16 = common.wants_bf16(args.bf16)
    if not args.data and not args.evaluate:
        p.error("--data is needed")
    if args.patience and not args.valid_every:
        p.error("--patience needs --valid-every")
    return args


def languages_of(rows):
    return {row[key] for row in rows for key in ("source_lang", "target_lang") if row.get(key)}


def checked(rows, path):
    for number, row in enumerate(rows, 1):
        for key in ("source", "target"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise SystemExit(f"{path}, row {number}: {key}: found {row.get(key)!r}, expected text")
    return rows


def check_languages(texts, rows, path):
    """Where the tokenizer has languages, each row names those that it needs."""
    known = texts.languages
    keys = ("source_lang", "target_lang") if texts.config["model_type"] == "mbart" else ("target_lang",)
    for number, row in enumerate(rows if known else (), 1):
        for key in keys:
            if row.get(key) not in known:
                raise SystemExit(f"{path}, row {number}: {key}: found {row.get(key)!r}, expected one of {', '.join(sorted(known)[:8])}")


def prefix_of(args, rows):
    if args.prefix is not None:
        return args.prefix
    return "translate {source_lang} to {target_lang}: " if languages_of(rows) else ""


def evaluate(args):
    model, config = open_folder(args.out, dropout=0.0)
    rows = checked(read_jsonl(args.evaluate), args.evaluate)
    texts = Texts(args.out, config, prefix_of(args, rows))
    examples, fitting = texts.encode(rows, args.max_tokens)
    score = chrf(translate(model, texts, fitting, args.max_tokens), [r["target"] for r in fitting])
    print(f"{len(examples)} pairs ({len(rows) - len(examples)} too long), loss {held_out_loss(model, examples, args.tokens_per_batch):.4f}, chrF {score:.2f}")


def start(args, rows):
    """(model, config, folder of the tokenizer)"""
    if args.init:
        return (*open_folder(args.init, args.dropout), args.init)
    folder = os.path.join(args.work, "tokenizer")
    if not os.path.exists(os.path.join(folder, "tokenizer.json")):
        sample = random.Random(args.seed).sample(rows, min(len(rows), 60000))
        seq2seq_tokenizer.learn(folder, args.shape, (row[side] for row in sample for side in ("source", "target")), args.vocab_size, languages_of(rows), args.positions, log)
    config = new_config(args, len(common.read_json(os.path.join(folder, "tokenizer.json"))["model"]["vocab"]))
    model = seq2seq.build(config)
    model.initialize()
    return model, config, folder


def main():
    args = parse_arguments()
    common.set_up(args.seed, args.threads)
    if args.evaluate:
        evaluate(args)
        return
    os.makedirs(args.work, exist_ok=True)
    rows = checked(read_jsonl(args.data), args.data)
    rows, held_out_rows = (rows, checked(read_jsonl(args.valid), args.valid)) if args.valid else split_rows(rows)
    model, config, folder = start(args, rows)
    texts = Texts(folder, config, prefix_of(args, rows))
    check_languages(texts, rows, args.data)
    parameters = sum(p.numel() for p in model.parameters())
    log(f"{parameters:,} parameters, {config['vocab_size']} tokens in the vocabulary, {'bfloat16' if args.bf16 else 'float32'}")
    step, figures = args.steps, "not measured"
    if args.export_only:
        step, _ = common.load_checkpoint(os.path.join(args.work, "checkpoint.pt"), model)
    else:
        log(f"{len(rows):,} pairs are encoded")
        examples = texts.encode(rows, args.max_tokens)[0]
        held_out, held_out_rows = texts.encode(held_out_rows, args.max_tokens)
        log(f"{len(examples):,} pairs ({len(rows) - len(examples)} too long), {len(held_out):,} held out")
        step, figures = train(args, model, texts, examples, held_out_rows, held_out)
        if figures == "none" and held_out:
            figures = judge(args, model, texts, held_out_rows, held_out)[1]
            log(f"held-out {figures}")
    card = CARD.format(name=os.path.basename(os.path.normpath(args.out)), kind=config["model_type"], parameters=parameters, rows=len(rows), data=os.path.basename(args.data),
                       init=f", from `{os.path.basename(os.path.normpath(args.init))}`" if args.init else "", steps=step, seed=args.seed, figures=figures)
    export(args, args.out, model, config, folder, card)
    log(f"wrote {args.out}")


if __name__ == "__main__":
    main()
