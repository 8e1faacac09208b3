#!/usr/bin/env python3
"""Train or fine-tune a GPT-2 for shop replies and product copy, and write it as a Hugging Face folder.

    train_gpt2.py --data DIR --out DIR                      a small model from scratch, with its own tokenizer
    train_gpt2.py --data DIR --out DIR --init HF_FOLDER     fine-tune any GPT-2 folder; its tokenizer is kept
    train_gpt2.py --out DIR --evaluate --data DIR           figures and samples on the held-out tenth
    train_gpt2.py --out DIR --ask "Where is my order?"      one reply

DIR holds the sets that shop_data.py knows, and/or pairs.jsonl[.gz] with rows {"prompt": ..., "completion": ...}, which
are used as they are. An interrupted run goes on with --resume. With --init the held-out loss is printed before and after.
With --threads above 1 on a busy machine, set OMP_WAIT_POLICY=passive: waiting threads then leave the processor to others.
"""
import argparse
import math
import os
import random
import re

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import bpe
import common
import shop_data
import shop_facts
from rows import find_data, read_jsonl, split_rows


# ---------------------------------------------------------------- the model, with the names of Hugging Face checkpoints

class Conv1D(nn.Module):
    """x @ weight + bias, weight (in, out) as GPT-2 stores it."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) * 0.02)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config["n_head"]
        self.scores = None  # of the last call, (B, H, T, P + T), for guidance()
        self.c_attn = Conv1D(config["n_embd"], 3 * config["n_embd"])
        self.c_proj = Conv1D(config["n_embd"], config["n_embd"])

    def forward(self, x, masked, past):
        """x (B, T, C); masked (B or 1, 1, T, P + T), True where a position must not look; past is None or (keys, values),
        each (B, H, P, C / H). Returns (B, T, C) and the new past."""
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in self.c_attn(x).split(C, dim=2))
        if past is not None:
            k, v = torch.cat((past[0], k), dim=2), torch.cat((past[1], v), dim=2)
        scores = (q @ k.transpose(-2, -1)) * (C // self.n_head) ** -0.5
        self.scores = scores.masked_fill(masked, float("-inf"))
        y = F.softmax(self.scores, dim=-1).to(v.dtype) @ v
        return self.c_proj(y.transpose(1, 2).reshape(B, T, C)), (k, v)


class MLP(nn.Module):
    ACTIVATIONS = {"gelu_new": lambda x: F.gelu(x, approximate="tanh"), "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
                   "gelu": F.gelu, "relu": F.relu}

    def __init__(self, config):
        super().__init__()
        inner = config.get("n_inner") or 4 * config["n_embd"]
        self.c_fc = Conv1D(config["n_embd"], inner)
        self.c_proj = Conv1D(inner, config["n_embd"])
        self.activation = self.ACTIVATIONS[config["activation_function"]]

    def forward(self, x):
        return self.c_proj(self.activation(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        epsilon = config["layer_norm_epsilon"]
        self.ln_1 = nn.LayerNorm(config["n_embd"], eps=epsilon)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config["n_embd"], eps=epsilon)
        self.mlp = MLP(config)

    def forward(self, x, masked, past):
        y, past = self.attn(self.ln_1(x), masked, past)
        x = x + y
        return x + self.mlp(self.ln_2(x)), past


class GPT2(nn.Module):
    def __init__(self, config, tied=True):
        super().__init__()
        self.config = config
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(config["vocab_size"], config["n_embd"]),
            "wpe": nn.Embedding(config["n_positions"], config["n_embd"]),
            "h": nn.ModuleList(Block(config) for _ in range(config["n_layer"])),
            "ln_f": nn.LayerNorm(config["n_embd"], eps=config["layer_norm_epsilon"])})
        self.lm_head = None if tied else nn.Linear(config["n_embd"], config["vocab_size"], bias=False)

    @torch.no_grad()
    def initialize(self):
        """Weights to train from scratch. Copying words from the prompt needs a head that looks at the previous token, and
        finding one takes a small model most of a short training: so the positions start as sines and cosines, and
        the first head starts as that head. Both are free to change."""
        width, heads = self.config["n_embd"], self.config["n_head"]
        nn.init.normal_(self.transformer["wte"].weight, std=0.02)
        for block in self.transformer["h"]:
            for projection in (block.attn.c_proj, block.mlp.c_proj):
                projection.weight.mul_((2 * self.config["n_layer"]) ** -0.5)
        frequency = 2.0 * 0.01 ** (torch.arange(width // 2) / (width // 2))
        angle = torch.arange(self.config["n_positions"])[:, None] * frequency
        wpe = self.transformer["wpe"].weight
        wpe[:, 0::2], wpe[:, 1::2] = 0.04 * angle.sin(), 0.04 * angle.cos()
        # key(p) = (sin fp, cos fp) and query(p) = key(p - 1), for the highest frequencies f.
        weight = self.transformer["h"][0].attn.c_attn.weight
        for j in range(width // heads // 2):
            sin, cos = 2 * j, 2 * j + 1  # dimensions of the input
            c, s = frequency[j].cos(), frequency[j].sin()
            query, key = slice(2 * j, 2 * j + 2), slice(width + 2 * j, width + 2 * j + 2)
            weight[:, query] = weight[:, key] = 0
            weight[sin, query], weight[cos, query] = 1.5 * torch.stack((c, s)), 1.5 * torch.stack((-s, c))
            weight[sin, key], weight[cos, key] = torch.tensor([1.5, 0.0]), torch.tensor([0.0, 1.5])

    def hidden(self, ids, positions=None, masked=None, past=None):
        """ids (B, T) -> (B, T, C) after the last layer norm, and the new past. `positions` (T) or (B, T) and `masked`
        default to those of one text in each row."""
        before = past[0][0].shape[2] if past else 0
        if positions is None:
            positions = torch.arange(before, before + ids.shape[1])
        if masked is None:
            masked = torch.ones(1, 1, ids.shape[1], before + ids.shape[1], dtype=torch.bool).triu(before + 1)
        x = self.transformer["wte"](ids) + self.transformer["wpe"](positions)
        new_past = []
        for i, block in enumerate(self.transformer["h"]):
            x, layer_past = block(x, masked, past[i] if past else None)
            new_past.append(layer_past)
        return self.transformer["ln_f"](x), new_past

    def head(self):
        return self.lm_head.weight if self.lm_head is not None else self.transformer["wte"].weight

    def logits(self, hidden):
        return hidden @ self.head().t()


def new_config(args, vocab_size):
    return {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new", "n_layer": args.layers,
            "n_head": args.heads, "n_embd": args.width, "n_inner": None, "n_positions": args.positions, "n_ctx": args.positions,
            "vocab_size": vocab_size, "layer_norm_epsilon": 1e-5, "initializer_range": 0.02, "attn_pdrop": 0.0, "embd_pdrop": 0.0,
            "resid_pdrop": 0.0, "bos_token_id": vocab_size - 1, "eos_token_id": vocab_size - 1, "tie_word_embeddings": True,
            "torch_dtype": "float16", "use_cache": True}


def open_folder(folder):
    """(model, config, tokenizer) of a GPT-2 folder."""
    config, tensors = common.load_hf_folder(folder)
    if config.get("model_type") != "gpt2":
        raise ValueError(f"{folder}: model_type is {config.get('model_type')}, expected gpt2")
    config.setdefault("activation_function", "gelu_new")
    config.setdefault("layer_norm_epsilon", 1e-5)
    tensors = {name.replace("transformer.", "", 1): x for name, x in tensors.items()}
    tied = "lm_head.weight" not in tensors or np.array_equal(tensors["lm_head.weight"], tensors["wte.weight"])
    model = GPT2(config, tied)
    common.copy_into(dict(model.named_parameters()), tensors, lambda name: name.replace("transformer.", "", 1))
    return model, config, bpe.Tokenizer.load(folder)


def export(folder, model, config, tokenizer, dtype):
    os.makedirs(folder, exist_ok=True)
    common.save_safetensors(os.path.join(folder, "model.safetensors"), dict(model.named_parameters()), dtype)
    common.write_json(os.path.join(folder, "config.json"), {**config, "torch_dtype": common.TORCH_DTYPES[dtype]})
    common.write_json(os.path.join(folder, "generation_config.json"), {
        "bos_token_id": tokenizer.end_of_text, "eos_token_id": tokenizer.end_of_text, "pad_token_id": tokenizer.end_of_text,
        "do_sample": False, "repetition_penalty": 1.0, "max_new_tokens": 160})
    common.write_json(os.path.join(folder, "prompt_template.json"), {
        "turn": "User: {prompt}\nBot: {answer}\n", "system": "Facts: {system}\n", "stop_strings": ["\nUser:", "\nFacts:"]})
    tokenizer.save(folder, config["n_positions"])


# ---------------------------------------------------------------- batches

def encode_documents(tokenizer, documents, longest):
    """[(prompt ids, reply ids with end of text)] of the documents of at most `longest` tokens."""
    encoded = [(tokenizer.encode(prompt), tokenizer.encode(reply) + [tokenizer.end_of_text]) for prompt, reply in documents]
    return [(p, r) for p, r in encoded if len(p) + len(r) <= longest]


def row_tokens(config):
    return min(384, config["n_positions"])


def pack_rows(rng, encoded, tokens_per_row):
    """Rows of whole documents, in random order, nearly full. (Batches of equal length would need no packing, but documents of
    equal length often have the same reply, which makes training unstable.)"""
    rows, open_rows = [], []  # open_rows: [tokens left, documents]
    for i in rng.sample(range(len(encoded)), len(encoded)):
        size = len(encoded[i][0]) + len(encoded[i][1])
        fitting = [row for row in open_rows if row[0] >= size]
        if fitting:
            row = min(fitting, key=lambda row: row[0])
            row[0] -= size
            row[1].append(encoded[i])
        else:
            open_rows.append([tokens_per_row - size, [encoded[i]]])
            if len(open_rows) > 16:
                fullest = min(range(len(open_rows)), key=lambda j: open_rows[j][0])
                rows.append(open_rows.pop(fullest)[1])
    rows += [row[1] for row in open_rows]
    rng.shuffle(rows)
    return rows


def make_batches(rng, encoded, config, tokens_per_batch):
    rows, n = pack_rows(rng, encoded, row_tokens(config)), max(1, tokens_per_batch // row_tokens(config))
    return [rows[i:i + n] for i in range(0, len(rows), n)]


def batch_tensors(rows, n_positions, rng=None):
    """ids, targets, positions (B, T) and masked (B, 1, T, T). A target of -1 is not learned (prompts, the end of a document,
    padding). A document sees only itself, and its positions begin at 0; with `rng`, one in six begins later, so that every
    position embedding is trained."""
    length = max(sum(len(p) + len(r) for p, r in row) for row in rows)
    ids, positions = torch.zeros(len(rows), length, dtype=torch.long), torch.zeros(len(rows), length, dtype=torch.long)
    targets, owner = torch.full((len(rows), length), -1, dtype=torch.long), torch.full((len(rows), length), -1, dtype=torch.long)
    for b, row in enumerate(rows):
        begin = 0
        for number, (p, r) in enumerate(row):
            end = begin + len(p) + len(r)
            first = rng.randint(0, n_positions - (end - begin)) if rng and rng.random() < 1 / 6 else 0
            ids[b, begin:end] = torch.tensor(p + r)
            positions[b, begin:end] = torch.arange(first, first + end - begin)
            targets[b, begin + len(p) - 1:end - 1] = torch.tensor(r)
            owner[b, begin:end] = number
            begin = end
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    return ids, targets, positions, (later | (owner[:, :, None] != owner[:, None, :]))[:, None]


class HeadLoss(torch.autograd.Function):
    """Mean cross-entropy of hidden (N, C) @ weight.T against targets (N,), multiplied in `dtype`. The logits (N, V) never
    exist as a whole: blocks of rows stay in the cache, and only the gradient is kept."""

    ROWS = 256

    @staticmethod
    def forward(ctx, hidden, weight, targets, dtype):
        n = hidden.shape[0]
        hidden, weight = hidden.to(dtype), weight.to(dtype)
        gradient = torch.empty(n, weight.shape[0], dtype=dtype)  # of the logits: softmax minus one-hot
        total = 0.0
        for begin in range(0, n, HeadLoss.ROWS):
            rows = slice(begin, min(begin + HeadLoss.ROWS, n))
            wanted = targets[rows, None]
            logits = (hidden[rows] @ weight.t()).float()
            normaliser = logits.logsumexp(1, keepdim=True)
            total += (normaliser - logits.gather(1, wanted)).sum()
            softmax = logits.sub_(normaliser).exp_()
            gradient[rows] = softmax.scatter_add_(1, wanted, torch.full_like(wanted, -1.0, dtype=torch.float32))
        ctx.save_for_backward((gradient @ weight).float() / n, (gradient.t() @ hidden).float() / n)
        return total / n

    @staticmethod
    def backward(ctx, outer):
        of_hidden, of_weight = ctx.saved_tensors
        return outer * of_hidden, outer * of_weight, None, None


def guidance(model, ids, targets, masked):
    """How little the first heads of the second and third block look where a token can be copied from: the mean of minus
    the logarithm of the attention there. Of the second block's, behind an earlier occurrence of the present token (an
    induction head: Olsson et al. 2022, "In-context Learning and Induction Heads"); of the third's, at the next token
    wherever it stands in the prompt. A small model finds such heads only late if left alone."""
    before = F.pad(ids, (1, 0), value=-1)[:, :-1]
    in_prompt = F.pad(targets, (1, 0), value=-1)[:, :-1] < 0
    next_token = (targets[:, :, None] == ids[:, None, :]) & ~masked[:, 0]
    loss = 0.0
    for block, wanted in ((1, next_token & (ids[:, :, None] == before[:, None, :])), (2, next_token & in_prompt[:, None, :])):
        scores, rows = model.transformer["h"][block].attn.scores[:, 0].float(), wanted.any(2)
        if rows.any():
            scores, wanted = scores[rows], wanted[rows]
            loss = loss + (scores.logsumexp(1) - scores.masked_fill(~wanted, float("-inf")).logsumexp(1)).mean()
    return loss


def training_loss(model, batch, rng, bf16, guided=False):
    """(mean cross-entropy of the reply tokens, what to add to it, number of tokens read). The head is computed for the
    reply tokens only."""
    ids, targets, positions, masked = batch_tensors(batch, model.config["n_positions"], rng)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        hidden, _ = model.hidden(ids, positions, masked)
    learned = targets >= 0
    loss = HeadLoss.apply(hidden[learned], model.head(), targets[learned], torch.bfloat16 if bf16 else torch.float32)
    return loss, 0.25 * guidance(model, ids, targets, masked) if guided else 0.0, ids.numel()


# ---------------------------------------------------------------- training

def load_pairs(folder):
    """The rows of pairs.jsonl[.gz] as documents: (training, held out)."""
    path = find_data(folder, "pairs")
    sides = split_rows(read_jsonl(path)) if path else ([], [])
    return [[(r["prompt"], r["completion"]) for r in side] for side in sides]


def training_documents(args, data, pairs, seed):
    parts = shop_data.documents(data, seed) if data else {}
    documents = [d for part in parts.values() for d in part]
    if args.smoke:
        documents = random.Random(seed).sample(documents, min(500, len(documents)))
    return documents + pairs[0]


def epoch_batches(args, data, pairs, tokenizer, config, epoch):
    """The same batches for the same epoch, so that a resumed run goes on exactly where it stopped."""
    encoded = encode_documents(tokenizer, training_documents(args, data, pairs, args.seed + epoch), row_tokens(config))
    return make_batches(random.Random(args.seed + epoch), encoded, config, args.tokens_per_batch)


def train(args, model, tokenizer, data, pairs):
    checkpoint = os.path.join(args.work, "checkpoint.pt")
    optimizer = common.adamw(model, args.lr, args.weight_decay)
    step, epoch, done = 0, 0, 0  # `done` batches of `epoch` are done
    if args.resume and os.path.exists(checkpoint):
        step, extra = common.load_checkpoint(checkpoint, model, optimizer)
        epoch, done = extra["epoch"], extra["done"]
        common.log(f"resumed at step {step} (epoch {epoch})")
    progress = common.Progress(args.steps, every=args.log_every)
    model.train()
    last_step = min(args.steps, args.stop_at or args.steps)
    while step < last_step:
        batches = common.at_least_one(epoch_batches(args, data, pairs, tokenizer, model.config, epoch), args.data)
        common.log(f"epoch {epoch}: {len(batches)} batches")
        progress.reset()
        for index in range(done, len(batches)):
            if step >= last_step:
                break
            lr = common.learning_rate(step, args.steps, args.warmup, args.lr)
            common.set_learning_rate(optimizer, lr)
            rng = random.Random(args.seed * 1000003 + step)
            loss, extra, tokens = training_loss(model, batches[index], rng, args.bf16, step < args.guided_steps)
            optimizer.zero_grad(set_to_none=True)
            (loss + extra).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step, done = step + 1, index + 1
            progress.update(step, loss.item(), tokens, lr)
            if step % args.save_every == 0 or step == last_step:
                common.save_checkpoint(checkpoint, model, optimizer, step, epoch=epoch, done=done)
        epoch, done = epoch + 1, 0


# ---------------------------------------------------------------- generation and figures

@torch.no_grad()
def generate(model, tokenizer, prompt, max_new_tokens=160, temperature=0.0, top_k=40, repetition_penalty=1.0, rng=None):
    """The text that follows `prompt` up to the end-of-text token. Greedy at temperature 0."""
    model.eval()
    ids = tokenizer.encode(prompt)[-(model.config["n_positions"] - 8):]
    seen, out, past, position = set(ids), [], None, 0
    while len(out) < max_new_tokens and position + len(ids) <= model.config["n_positions"]:
        hidden, past = model.hidden(torch.tensor([ids]), past=past)
        position += len(ids)
        logits = model.logits(hidden[0, -1])
        index = torch.tensor(sorted(seen))
        logits[index] = torch.where(logits[index] > 0, logits[index] / repetition_penalty, logits[index] * repetition_penalty)
        if temperature > 0:
            values, candidates = torch.topk(logits / temperature, top_k)
            weights = F.softmax(values, dim=-1).tolist()
            token = rng.choices(candidates.tolist(), weights)[0]
        else:
            token = int(logits.argmax())
        if token == tokenizer.end_of_text:
            return tokenizer.decode(out), True
        out.append(token)
        seen.add(token)
        ids = [token]
    return tokenizer.decode(out), False


@torch.no_grad()
def held_out_loss(model, tokenizer, documents, tokens_per_batch):
    """(mean loss per reply token, number of those tokens)."""
    model.eval()
    encoded = encode_documents(tokenizer, documents, row_tokens(model.config))
    total, count = 0.0, 0
    for batch in make_batches(random.Random(0), encoded, model.config, tokens_per_batch):
        ids, targets, positions, masked = batch_tensors(batch, model.config["n_positions"])
        learned = targets >= 0
        logits = model.logits(model.hidden(ids, positions, masked)[0][learned])
        total += F.cross_entropy(logits, targets[learned], reduction="sum").item()
        count += int(learned.sum())
    return total / max(1, count), count


def log_held_out(args, model, tokenizer, pairs, when):
    """What fine-tuning gains: the loss on up to 100 of the pairs that it does not learn from."""
    documents = random.Random(args.seed).sample(pairs[1], min(100, len(pairs[1])))
    if args.init and documents:
        loss, _ = held_out_loss(model, tokenizer, documents, args.tokens_per_batch)
        common.log(f"{when}: held-out loss {loss:.3f} ({len(documents)} pairs)")


def naming_rate(model, tokenizer, cases):
    """Of all given attribute values, the share that occurs in the generated copy; and the share of copies that end by themselves."""
    named = given = ended = 0
    for prompt, values in cases:
        text, end = generate(model, tokenizer, prompt)
        given, named, ended = given + len(values), named + sum(v.lower() in text.lower() for v in values), ended + end
    return named / max(1, given), ended / max(1, len(cases))


def numbers(text):
    return re.findall(r"\d[\d.,:-]*\d|\d", text)


def facts_rates(model, tokenizer, documents, language):
    """Of questions that the facts answer, the share of replies that name every number of our own reply (at least one);
    of those that they do not answer, the share that says so; of all, the share with no number that the prompt lacks."""
    named = answerable = abstained = unanswerable = sound = 0
    for prompt, reply in documents:
        text = generate(model, tokenizer, prompt)[0].strip()
        sound += set(numbers(text)) <= set(numbers(prompt))
        if reply.strip() in shop_facts.NO_ANSWER[language]:
            unanswerable += 1
            abstained += text in shop_facts.NO_ANSWER[language]
        elif numbers(reply):
            answerable += 1
            named += set(numbers(reply)) <= set(numbers(text))
    return named / max(1, answerable), answerable, abstained / max(1, unanswerable), unanswerable, sound / max(1, len(documents))


SAMPLE_PROMPTS = [
    "Facts: order: PL26061908; status: on its way; carrier: Redkite; tracking: RK6601503869\nUser: where is my parcel?\nBot:",
    "Facts: order: PL26061908; status: on its way; carrier: Redkite\nUser: who brings it\nBot: The carrier is Redkite.\nUser: and what did I pay?\nBot:",
    "Facts: Returns are accepted within 30 days of delivery. Return shipping costs 12 yuan.\nUser: Can I send the shoes back?\nBot:",
    "Facts: Returns are accepted within 30 days of delivery. Return shipping costs 12 yuan.\nUser: Do you have a shop in Berlin?\nBot:",
    "Facts: 订单: PL26061908; 状态: 运输中; 快递: 赤鸢快递; 单号: RK6601503869\nUser: 我的快递到哪了\nBot:",
    "Facts: 收货后30天内可以退货，退货运费12元。\nUser: 鞋子不合适能退吗\nBot:", "Facts: 收货后30天内可以退货，退货运费12元。\nUser: 你们北京有店吗\nBot:",
    "Product: Ostra Classic Mug, moss green, 400 ml; material: bone china\nCopy:", "Product: 石野 经典马克杯 苔绿 400毫升；材质：骨瓷\nCopy:",
    "Product: red cotton dress, V-neck, short sleeves\nCopy:", "Product: name: backpack, brand: Norvik, color: grey, feature: laptop sleeve, feature: water bottle pocket\nCopy:",
    "Product: Men, slim fit jeans, blue, mid-rise, five pockets\nCopy:",
    "Product: 类型#裤*版型#宽松*风格#性感*图案#线条*裤型#阔腿裤\nCopy:", "Product: 连衣裙, 雪纺, 碎花, 收腰, 粉色\nCopy:", "Product: 类型:蓝牙耳机, 颜色:白色, 功能:降噪\nCopy:"]


def evaluate(args, model, tokenizer, data, pairs):
    parts = shop_data.documents(data, args.seed, held_out=True) if data else {}
    if pairs[1]:
        parts["pairs"] = pairs[1]
    print("| part | held-out documents | reply tokens | loss | perplexity |\n|---|---|---|---|---|")
    for name, documents in parts.items():
        documents = random.Random(args.seed).sample(documents, min(args.documents, len(documents)))
        loss, count = held_out_loss(model, tokenizer, documents, args.tokens_per_batch)
        print(f"| {name} | {len(documents)} | {count} | {loss:.3f} | {math.exp(min(50, loss)):.2f} |", flush=True)
    for name in sorted(part for part in parts if part.startswith(("facts-", "customers-"))):
        documents = random.Random(args.seed + 1).sample(parts[name], min(args.cases, len(parts[name])))
        named, n_named, abstained, n_abstained, sound = facts_rates(model, tokenizer, documents, name[-2:])
        print(f"replies from facts, {name}: needed numbers named {named:.3f} (of {n_named}), abstained rightly {abstained:.3f} (of {n_abstained}), "
              f"no number invented {sound:.3f} (of {len(documents)})", flush=True)
    if data:
        for name, cases in shop_data.naming_cases(data, args.seed).items():
            rate, ended = naming_rate(model, tokenizer, cases[:args.cases])
            print(f"attribute values named, {name}: {rate:.3f} ({min(args.cases, len(cases))} prompts; {ended:.2f} end by themselves)", flush=True)
    for prompt in SAMPLE_PROMPTS:
        text, end = generate(model, tokenizer, prompt)
        print(f"{prompt}{text}{'' if end else ' [cut]'}\n", flush=True)


# ---------------------------------------------------------------- command line

def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", help="folder of the data sets")
    p.add_argument("--out", required=True, help="the Hugging Face folder to write (or, with --evaluate or --ask, to read)")
    p.add_argument("--work", default="build/train-gpt2", help="folder for the checkpoint and the tokenizer (default: %(default)s)")
    p.add_argument("--init", help="start from this GPT-2 folder instead of from scratch; its tokenizer is kept")
    p.add_argument("--resume", action="store_true", help="go on from the checkpoint in --work")
    p.add_argument("--export-only", action="store_true", help="write --out from the checkpoint in --work, without training")
    p.add_argument("--evaluate", action="store_true", help="print figures on the held-out tenth, and samples")
    p.add_argument("--ask", help="print the reply to this question (or the text after it, where it begins with User: or Product:)")
    p.add_argument("--temperature", type=float, default=0.0, help="for --ask; 0 is greedy (default)")
    p.add_argument("--cases", type=int, default=150, help="prompts per naming rate and per subject rate (default: %(default)s)")
    p.add_argument("--documents", type=int, default=10**9, help="held-out documents per part for the loss (default: all)")
    p.add_argument("--steps", type=int, help="default: 5000; with --init 200")
    p.add_argument("--stop-at", type=int, help="stop after this step, to go on later with --resume")
    p.add_argument("--guided-steps", type=int, default=0, help="steps in which a loss guides two heads to copy from the prompt; needs three layers (default: %(default)s)")
    p.add_argument("--tokens-per-batch", type=int, help="default: 4096; with --init 1024")
    p.add_argument("--lr", type=float, help="default: 1.2e-3; with --init 4e-4")
    p.add_argument("--warmup", type=int, help="steps; default: 150, but at most a tenth of --steps")
    p.add_argument("--weight-decay", type=float, default=0.1)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--heads", type=int, default=6)
    p.add_argument("--width", type=int, default=384)
    p.add_argument("--positions", type=int, default=512)
    p.add_argument("--vocab-size", type=int, default=10240)
    p.add_argument("--dtype", choices=["F16", "BF16", "F32"], default="F16", help="of the exported weights (default: %(default)s)")
    p.add_argument("--save-every", type=int, default=200, help="steps between checkpoints")
    p.add_argument("--log-every", type=int, default=20)
    common.add_processor_options(p)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--smoke", action="store_true", help="a tiny model, for tests: runs in seconds")
    args = p.parse_args()
    args.bf16 = common.wants_bf16(args.bf16)
    defaults = {"steps": 200, "tokens_per_batch": 1024, "lr": 4e-4} if args.init else {"steps": 5000, "tokens_per_batch": 4096, "lr": 1.2e-3}
    for name, value in defaults.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.warmup is None:
        args.warmup = min(150, args.steps // 10)
    if args.smoke:
        args.layers, args.heads, args.width, args.positions, args.vocab_size = 3, 2, 32, 256, 600
        args.tokens_per_batch, args.warmup, args.save_every, args.log_every, args.cases = 1024, 5, 10, 10, 5
    if args.guided_steps and not args.init and args.layers < 3:
        p.error("--guided-steps needs three layers or more")
    if not args.data and not (args.ask or args.export_only):
        p.error("--data is needed")
    return args


def trained_tokenizer(args, data, pairs):
    """The tokenizer in --work, trained there first if need be."""
    folder = os.path.join(args.work, "tokenizer")
    if not os.path.exists(os.path.join(folder, "vocab.json")):
        texts = [prompt + reply for prompt, reply in training_documents(args, data, pairs, args.seed)]
        vocab, merges = bpe.train(texts, args.vocab_size, log=common.log)
        os.makedirs(folder, exist_ok=True)
        bpe.Tokenizer(vocab, merges).save(folder, args.positions)
    return bpe.Tokenizer.load(folder)


def main():
    args = parse_arguments()
    common.set_up(args.seed, args.threads)
    if args.ask:
        model, _, tokenizer = open_folder(args.out)
        prompt = args.ask if args.ask.startswith(("User:", "Product:")) else f"User: {args.ask}\nBot:"
        print(generate(model, tokenizer, prompt, temperature=args.temperature, rng=random.Random(args.seed))[0].strip())
        return
    data = shop_data.load(args.data) if args.data else {}
    pairs = load_pairs(args.data) if args.data else [[], []]
    if args.evaluate:
        model, _, tokenizer = open_folder(args.out)
        evaluate(args, model, tokenizer, data, pairs)
        return
    if args.init:
        model, config, tokenizer = open_folder(args.init)
    else:
        tokenizer = trained_tokenizer(args, data, pairs)
        config = new_config(args, len(tokenizer.vocab))
        model = GPT2(config)
        model.initialize()
    common.log(f"{sum(p.numel() for p in model.parameters()):,} parameters, {'bfloat16' if args.bf16 else 'float32'}, {args.threads} threads")
    if args.export_only:
        common.load_checkpoint(os.path.join(args.work, "checkpoint.pt"), model)
    else:
        log_held_out(args, model, tokenizer, pairs, "before training")
        train(args, model, tokenizer, data, pairs)
        log_held_out(args, model, tokenizer, pairs, "after training")
    export(args.out, model, config, tokenizer, args.dtype)
    common.log(f"wrote {args.out}")


if __name__ == "__main__":
    main()
