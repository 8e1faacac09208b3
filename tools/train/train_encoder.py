#!/usr/bin/env python3
"""Trains shop-encoder: a small Chinese and English BERT whose mean of token states is a sentence vector and whose [CLS]
tells the sentiment of a review. Runs on one CPU core.

Stages, in order; each leaves its result in the --work folder:

  rows       read the data sets, make up parallel texts, translate Chinese word by word
  tokenizer  learn a WordPiece vocabulary
  encode     texts to ids
  teacher    vectors of all English texts by --teacher, with this library (make it first: build/lib/libllmcs.so)
  ngrams     linear models over token runs give reviews soft labels and token weights (needs scikit-learn)
  static     fit the word embeddings alone: no layers, many texts a second
  train      train everything
  export     write the Hugging Face folder --out, calibrated on held-out reviews

    python3 tools/train/train_encoder.py --data DIR --work WORK --teacher MINILM --dictionary CEDICT.gz \
        --shop examples/shop --out MODEL
    python3 tools/train/train_encoder.py ... --resume        go on after an interruption; finished stages are left out
    python3 tools/train/train_encoder.py ... --init MODEL    go on from a trained folder, with your own rows in --data
    python3 tools/train/train_encoder.py --smoke --work WORK --out MODEL       a minute's test on made-up rows
"""
import argparse
import glob
import json
import os
import pickle
import random
import shutil
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import common
from common import log
import encoder_data
import shop_reviews
from bert import Bert, Dropout, length_batches, mask_some, mean_vector, new_config, no_dropout, pad
from wordpiece import WordPiece, learn, write_tokenizer

STAGES = ("rows", "tokenizer", "encode", "teacher", "ngrams", "static", "train", "export")
LEAVES = {"rows": "rows.pkl", "tokenizer": "vocab.txt", "encode": "ids.pkl", "teacher": "teacher.done", "ngrams": "ngram.pkl", "static": "static.done"}
TOKENIZER_FILES = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")
CHUNK = 8192        # English texts in one file of teacher vectors
# How often a row of a source is read in a whole run, when rounds x length come to about 18 million tokens.
PASSES = {"sentiment-zh": 6.0, "sentiment-en": 7.0, "sentiment-en-joined": 1.2, "reply-en": 0.3, "review-en": 0.5, "prompt-en": 1.0, "intent-en": 2.0, "oos-en": 3.0, "banking-en": 3.0,
          "moderation-en": 1.0, "moderation-zh": 0.8, "toxic": 0.5, "copy-en": 0.5, "copy-zh": 0.5, "faq-en": 3.0, "made-en": 1.0, "made-zh": 1.5, "title-en": 0.5,
          "title-zh": 1.0, "made-review-en": 0.7, "made-review-zh": 0.7, "opinion": 2.0, "review-zh": 0.25, "text-zh": 0.15, "word-zh": 1.0, "paraphrase-zh": 0.5, "question-zh": 0.5,
          "reply-zh": 0.5, "ner-zh": 1.0, "pii-en": 2.0, "intent-zh": 4.0, "demo-en": 2.0, "demo-zh": 3.0, "demo-faq-en": 4.0, "demo-faq-zh": 6.0,
          "demo-intent-en": 2.0, "demo-intent-zh": 2.0}
PAIR_PASSES = 0.2
BROKEN = ("review-zh", "text-zh", "moderation-zh", "paraphrase-zh", "question-zh", "reply-zh", "ner-zh", "copy-zh", "intent-zh")     # targets from word-by-word English
REVIEWS = ("sentiment-zh", "sentiment-en", "sentiment-en-joined")
MASKED = ("sentiment-zh", "sentiment-en", "sentiment-en-joined", "text-zh", "review-zh")


def keep(args, name, value):
    temporary = os.path.join(args.work, name + ".tmp")
    with open(temporary, "wb") as f:
        pickle.dump(value, f)
    os.replace(temporary, os.path.join(args.work, name))


def kept(args, name):
    with open(os.path.join(args.work, name), "rb") as f:
        return pickle.load(f)


# ---------------------------------------------------------------- preparation

def run_rows(args):
    rows, pairs = encoder_data.load(args.data, args.dictionary, args.shop, args.seed, *args.made)
    log(f"rows: {len(rows):,} rows, {len(pairs):,} pairs")
    keep(args, "rows.pkl", (rows, pairs))


def run_tokenizer(args):
    if args.init:
        for name in TOKENIZER_FILES:
            shutil.copyfile(os.path.join(args.init, name), os.path.join(args.work, name))
        return
    rows, pairs = kept(args, "rows.pkl")
    parts = ("review-en", "review-zh")      # parts of whole reviews that are rows too
    vocab = learn([r.text for r in rows if r.source not in parts] + [b for _, b, _, _ in pairs], args.vocab_size, min_char_count=3)
    write_tokenizer(args.work, vocab, args.positions)
    log(f"tokenizer: {len(vocab):,} pieces")


def run_encode(args):
    rows, pairs = kept(args, "rows.pkl")
    tokenizer = WordPiece.from_folder(args.work)

    def encode(text, most):
        return np.array(tokenizer.encode(text, most), dtype="uint16")

    ids = [encode(r.text, args.positions if r.source.startswith("sentiment") else 96) for r in rows]
    keep(args, "ids.pkl", (ids, [(encode(a, 64), encode(b, 64), kind, same) for a, b, kind, same in pairs]))


def run_teacher(args):
    """tNNN.npy: vectors of CHUNK texts of english.pkl each. Existing chunks are kept."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
    import llmcs
    texts = sorted({r.english for r in kept(args, "rows.pkl")[0] if r.english}) if not os.path.exists(os.path.join(args.work, "english.pkl")) else kept(args, "english.pkl")
    keep(args, "english.pkl", texts)
    with llmcs.Model(args.teacher, weights="int8", n_threads=args.threads) as model:
        for k in range(-(-len(texts) // CHUNK)):
            path = os.path.join(args.work, f"t{k:03}.npy")
            if os.path.exists(path):
                continue
            begun = time.monotonic()
            part = [" ".join(t.split()[:60]) for t in texts[k * CHUNK:(k + 1) * CHUNK]]
            np.save(path + ".tmp.npy", np.asarray(model.embed(part), dtype="float16"))
            os.replace(path + ".tmp.npy", path)
            log(f"teacher: chunk {k + 1} of {-(-len(texts) // CHUNK)}, {len(part) / (time.monotonic() - begun):,.0f} texts/s")
    keep(args, "teacher.done", True)


def load_teacher(args):
    """({English text: row}, vectors) of the chunks that are there."""
    texts, index, vectors, n = kept(args, "english.pkl"), {}, [], 0
    for path in sorted(glob.glob(os.path.join(args.work, "t[0-9][0-9][0-9].npy"))):
        chunk, k = np.load(path), int(os.path.basename(path)[1:4])
        for i, text in enumerate(texts[k * CHUNK:(k + 1) * CHUNK]):
            index[text] = n + i
        vectors.append(chunk)
        n += len(chunk)
    return index, np.concatenate(vectors)


def run_ngrams(args):
    import ngram_teacher
    rows, (ids, _) = kept(args, "rows.pkl")[0], kept(args, "ids.pkl")
    base, out = len(WordPiece.from_folder(args.work).vocab), {}
    for source in ("sentiment-en", "sentiment-en-joined", "sentiment-zh"):
        members = [i for i, r in enumerate(rows) if r.source == source]
        if len(members) < 100:
            continue
        soft, weights = ngram_teacher.teach([ids[i].astype("int32") for i in members], np.array([int(rows[i].sentiment) for i in members]), base, args.folds, args.seed)
        out.update({i: (s, w) for i, s, w in zip(members, soft, weights)})
    keep(args, "ngram.pkl", out)


# ---------------------------------------------------------------- rows in memory

class Data:
    def __init__(self, args):
        self.tokenizer = WordPiece.from_folder(args.work)
        self.rows = kept(args, "rows.pkl")[0]
        self.ids, self.pairs = kept(args, "ids.pkl")
        self.ngrams = kept(args, "ngram.pkl") if os.path.exists(os.path.join(args.work, "ngram.pkl")) else {}
        index, self.vectors = load_teacher(args) if os.path.exists(os.path.join(args.work, "english.pkl")) else ({}, np.zeros((1, args.hidden), "float16"))
        self.target = np.array([index.get(r.english, -1) if r.english else -1 for r in self.rows])
        # In a vector of another width the teacher is seen through its leading directions.
        if self.vectors.shape[1] > args.hidden:
            sample = self.vectors[np.random.default_rng(0).choice(len(self.vectors), min(50000, len(self.vectors)), replace=False)].astype("float32")
            self.vectors = self.vectors.astype("float32") @ np.linalg.svd(sample, full_matrices=False)[2][:args.hidden].T
        self.crop = args.crop
        self.lengths = np.array([len(x) for x in self.ids])
        self.classes = {}
        for r in self.rows:
            if r.head:
                self.classes.setdefault(r.head, set()).add(r.label)
        self.classes = {head: {label: i for i, label in enumerate(sorted(labels))} for head, labels in sorted(self.classes.items())}
        self.kinds = sorted(set(encoder_data.KINDS.values()))
        self.by_source = {}
        for i, r in enumerate(self.rows):
            self.by_source.setdefault(r.source, []).append(i)
        log(f"{len(self.rows):,} rows, {int(self.lengths.sum()):,} tokens, {int((self.target >= 0).sum()):,} with a teacher's vector, classes {[(h, len(c)) for h, c in self.classes.items()]}")

    def round(self, number, rounds, scale, seed, only=None):
        """Batches of one round: (kind, members). Every source gives its share of rows, without repetition until all were read."""
        rng = random.Random(seed * 1000 + number)
        members = []
        for source, all_of_it in sorted(self.by_source.items()):
            order = all_of_it[:]
            wanted = PASSES.get(source, 1.0) * scale * len(order) / rounds
            begin = int(wanted * number)
            for i in range(begin, int(wanted * (number + 1))):
                if i % len(order) == 0 or i == begin:
                    random.Random(f"{seed}{source}{i // len(order)}").shuffle(order)
                members.append(order[i % len(order)])
        if only:
            members = [i for i in members if only(self.rows[i])]
        lengths = np.minimum(self.lengths, self.crop)
        return members, lengths, rng

    def window(self, i):
        """(ids, start) of a row: a long one is read through a random window that keeps [CLS] and [SEP], mostly."""
        row = self.ids[i].astype("int64")
        if len(row) <= self.crop:
            return row, 0
        start = random.randrange(len(row) - self.crop + 1) if random.random() < 0.7 else 0
        return np.concatenate([row[:1], row[1 + start:start + self.crop - 1], row[-1:]]), start

    def spans(self, i):
        """Class of every token of a row with spans: 0 outside, 1 + 2k at a span's begin, 2 + 2k inside."""
        from_char = self.tokenizer.offsets(self.rows[i].text, len(self.ids[i]))
        out = np.zeros(len(self.ids[i]), dtype="int64")
        for begin, end, kind in self.rows[i].spans:
            k, first = self.kinds.index(kind), True
            for t, (b, e) in enumerate(from_char):
                if b < end and e > begin:
                    out[t] = 1 + 2 * k + (not first)
                    first = False
        return out


# ---------------------------------------------------------------- losses

class Losses:
    def __init__(self, args, model, data):
        self.args, self.model, self.data = args, model, data
        hidden = args.hidden
        model.heads.piece = nn.Linear(hidden, 1)
        model.heads.sentiment = nn.Linear(hidden, 1)
        model.heads.tags = nn.Linear(hidden, 1 + 2 * len(data.kinds))
        model.heads.mask_dense, model.heads.mask_norm = nn.Linear(hidden, hidden), nn.LayerNorm(hidden)
        model.heads.judge = nn.Linear(1, 1)
        model.heads.classes = nn.ModuleDict({head.replace(".", "_"): nn.Linear(hidden, len(labels)) for head, labels in data.classes.items()})
        for head in [model.heads.piece, model.heads.sentiment, model.heads.tags, *model.heads.classes.values()]:
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        with torch.no_grad():
            model.heads.judge.weight.fill_(10.0)
            model.heads.judge.bias.fill_(-7.0)

    def states(self, ids, mask, static, drop):
        """States of the layer before the last one and of the last; the static stage has no layers."""
        return (self.model.embed_words(ids, drop),) * 2 if static else self.model.last_two(ids, mask, drop)

    def masked(self, states, targets):
        """Cross entropy of the right tokens among themselves and random others, which stand for the vocabulary."""
        vocab_size = self.model.config["vocab_size"]
        right, where = torch.unique(targets, return_inverse=True)
        pieces = torch.cat([right, torch.from_numpy(np.setdiff1d(np.random.randint(5, vocab_size, self.args.samples), right.numpy()))])
        x = self.model.heads.mask_norm(F.gelu(self.model.heads.mask_dense(states)))
        return F.cross_entropy(x @ self.model.bert.embeddings.word_embeddings.weight[pieces].t(), where)

    def of_rows(self, members, static, drop):
        """(loss, tokens) of a batch of rows, by whatever each row has."""
        data, heads = self.data, self.model.heads
        windows = [data.window(i) for i in members]
        ids = pad([w for w, _ in windows], data.tokenizer.pad, "int64")
        mask = ids != data.tokenizer.pad
        rows = [data.rows[i] for i in members]
        chosen = None
        if not static:
            share = torch.tensor([self.args.mask if r.source in MASKED else 0.02 for r in rows])[:, None]
            ids, chosen, right = mask_some(ids, share, data.tokenizer)
        if not static and all(r.source in REVIEWS for r in rows):
            return self.of_reviews(members, windows, ids, mask, drop), int(mask.sum())
        before, states = self.states(ids, mask, static, drop)
        vectors = mean_vector(states, mask)
        wide = drop(vectors * vectors.shape[1] ** 0.5)
        loss = 0.0
        with_target = np.flatnonzero(data.target[members] >= 0)
        if len(with_target):
            wanted = F.normalize(torch.from_numpy(data.vectors[data.target[members][with_target]].astype("float32")), dim=1)
            own = vectors[with_target]
            trust = torch.tensor([0.4 if rows[j].source in BROKEN else 1.0 for j in with_target])
            loss = loss + self.args.distill * ((1 - (own * wanted).sum(1)) * trust).mean() * (len(with_target) / len(rows))
            if len(with_target) > 8:
                same = wanted @ wanted.t() > 0.92
                same.fill_diagonal_(False)
                logits = (own @ wanted.t() * 20).masked_fill(same, -1e4)
                loss = loss + self.args.contrast * (F.cross_entropy(logits, torch.arange(len(own)), reduction="none") * trust).mean() * (len(with_target) / len(rows))
        for head, labels in data.classes.items():
            those = [j for j, r in enumerate(rows) if r.head == head]
            if those:
                wanted = torch.tensor([labels[rows[j].label] for j in those])
                loss = loss + self.args.classes * F.cross_entropy(heads.classes[head.replace(".", "_")](wide[those]), wanted, label_smoothing=0.05) * (len(those) / len(rows))
        those = [j for j, r in enumerate(rows) if r.sentiment is not None]
        if those:
            wanted = torch.tensor([self.sentiment(members[j], static) for j in those])
            weight = len(those) / len(rows)
            loss = loss + 0.5 * weight * F.binary_cross_entropy_with_logits(heads.sentiment(wide[those])[:, 0], wanted)
            if not static:
                logits = self.model.pooled_logits(states[those], drop)
                loss = loss + self.args.verdict * weight * F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], wanted)
            loss = loss + self.of_token_weights(members, windows, before, mask)
        those = [j for j, r in enumerate(rows) if r.spans is not None]
        if those and not static:
            wanted = pad([data.spans(members[j])[:len(windows[j][0])] for j in those], -100, "int64")
            guess = heads.tags(states[those][:, :wanted.shape[1]])
            loss = loss + 0.5 * F.cross_entropy(guess.transpose(1, 2), wanted) * (len(those) / len(rows))
        if chosen is not None and self.args.masked and len(right) > 20:
            loss = loss + self.args.masked * self.masked(states[chosen], right)
        return loss, int(mask.sum())

    def of_reviews(self, members, windows, ids, mask, drop):
        """Batches of whole reviews teach the verdict alone, so the last layer is computed for [CLS] only."""
        before, states = self.model.last_two(ids, mask, drop, first_only=True)
        wanted = torch.tensor([self.sentiment(i, False) for i in members])
        logits = self.model.pooled_logits(states, drop)
        loss = self.args.verdict * F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], wanted)
        return loss + self.of_token_weights(members, windows, before, mask)

    def of_token_weights(self, members, windows, before, mask):
        """The n-gram models' weights, read before the last layer, so that [CLS] can add them up in the last."""
        known = [j for j, i in enumerate(members) if i in self.data.ngrams]
        if not known:
            return 0.0
        weights = pad([self.piece_weights(members[j], windows[j]) for j in known], 0, "float32")
        inside = mask[known][:, :weights.shape[1]]
        guess = self.model.heads.piece(before[known])[..., 0][:, :weights.shape[1]]
        return self.args.piece * (len(known) / len(members)) * F.smooth_l1_loss(guess[inside], weights[inside])

    def sentiment(self, i, static):
        label = self.data.rows[i].sentiment
        if i in self.data.ngrams:
            label = (1 - self.args.soft) * label + self.args.soft * float(self.data.ngrams[i][0])
        return min(0.98, max(0.02, label))

    def piece_weights(self, i, window):
        row, start = window
        weights = self.data.ngrams[i][1].astype("float32")
        return weights if len(weights) == len(row) else np.concatenate([weights[:1], weights[1 + start:start + len(row) - 1], weights[-1:]])

    def of_pairs(self, members, static, drop):
        """Matching pairs are told from the other pairs of the batch; judged pairs by their verdict."""
        pairs = [self.data.pairs[i] for i in members]
        vectors, tokens = [], 0
        for side in (0, 1):
            ids = pad([p[side] for p in pairs], self.data.tokenizer.pad, "int64")
            mask = ids != self.data.tokenizer.pad
            vectors.append(mean_vector(self.states(ids, mask, static, drop)[1], mask))
            tokens += int(mask.sum())
        a, b = vectors
        match = torch.tensor([p[2] == "match" for p in pairs])
        loss = 0.0
        if match.sum() > 4:
            x, y = a[match], b[match]
            logits = x @ y.t() * 20
            right = torch.arange(len(x))
            loss = loss + self.args.pairs * (F.cross_entropy(logits, right) + F.cross_entropy(logits.t(), right)) / 2
        if (~match).sum() > 4:
            verdict = torch.tensor([float(p[3]) for p in pairs if p[2] == "judge"])
            score = self.model.heads.judge((a[~match] * b[~match]).sum(1, keepdim=True))[:, 0]
            loss = loss + 0.5 * F.binary_cross_entropy_with_logits(score, verdict)
        return loss, tokens


# ---------------------------------------------------------------- training

def held_out_reviews(args, tokenizer):
    """{language: ([ids], [label])}"""
    out = {}
    for language in ("zh", "en"):
        rows = encoder_data.held_out_rows(args.data, "sentiment-" + language)
        out[language] = ([np.array(tokenizer.encode(r["text"], args.positions), dtype="int64") for r in rows], np.array([int(r["label"] == "positive") for r in rows]))
    return out


@torch.no_grad()
def review_scores(model, rows, pad_id, budget=16384):
    """Logit of "positive" over "negative" of every row of ids."""
    out = np.zeros(len(rows))
    for batch in length_batches([len(r) for r in rows], range(len(rows)), budget, random.Random(0)):
        ids = pad([rows[i] for i in batch], pad_id, "int64")
        logits = model.pooled_logits(model.states(ids, ids != pad_id))
        out[batch] = (logits[:, 1] - logits[:, 0]).numpy()
    return out


def accuracy(model, reviews, pad_id, most=None):
    out = {}
    for language, (rows, labels) in reviews.items():
        if len(labels):
            scores = review_scores(model, rows[:most], pad_id)
            out[language] = round(float(np.mean((scores > 0) == (labels[:most] == 1))), 4)
    return out


def run_training(args, model, losses, data, static):
    """The static and the train stage. The learning rate follows the clock with --minutes, else the number of rounds."""
    name = "static" if static else "train"
    path = os.path.join(args.work, name + ".checkpoint")
    peak, budget = (args.static_lr, 32768) if static else (args.lr, args.batch_tokens)
    rounds = args.static_rounds if static else args.rounds
    optimizer = common.adamw(model, peak, args.weight_decay)
    average = {n: p.detach().clone() for n, p in model.exported().items()}
    done, step, spent = 0, 0, 0.0
    if args.resume and os.path.exists(path):
        step, extra = common.load_checkpoint(path, model, optimizer)
        done, spent, average = extra["round"], extra["spent"], extra["average"]
        log(f"{name}: going on after round {done}, step {step}")
        if args.again:
            done, spent = 0, 0.0
    drop = no_dropout if static else Dropout(args.dropout)
    reviews = None if static else held_out_reviews(args, data.tokenizer)
    begun = time.monotonic() - spent
    minutes = args.static_minutes if static else args.minutes
    for number in range(done, rounds):
        members, lengths, rng = data.round(number, rounds, args.static_scale if static else args.scale, args.seed + 7 * static)
        reviews_alone = [i for i in members if data.rows[i].source in REVIEWS]
        others = [i for i in members if data.rows[i].source not in REVIEWS]
        batches = [(False, b) for some in (reviews_alone, others) for b in length_batches(lengths, some, budget, rng)]
        some = rng.sample(range(len(data.pairs)), min(len(data.pairs), int(len(data.pairs) * PAIR_PASSES * (args.static_scale if static else args.scale) / rounds)))
        batches += [(True, b) for b in length_batches([max(len(p[0]), len(p[1])) for p in data.pairs], some, budget // 2, rng) if len(b) > 8]
        rng.shuffle(batches)
        progress = common.Progress(len(batches), every=args.every)
        for k, (paired, batch) in enumerate(batches):
            at = (number + k / len(batches)) / rounds
            if minutes:
                at = max(at, (time.monotonic() - begun) / (60 * minutes))
            if at >= 1:
                break
            loss, tokens = (losses.of_pairs if paired else losses.of_rows)(batch, static, drop)
            lr = common.learning_rate(int(at * 10000), 10000, 300, peak, floor=0.02)
            common.set_learning_rate(optimizer, lr)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            if step % 4 == 0:
                memory = min(args.average, 1 - 1 / (1 + step / 4))
                with torch.no_grad():
                    for n, p in model.exported().items():
                        average[n].mul_(memory).add_(p, alpha=1 - memory)
            progress.update(k + 1, float(loss.detach()), tokens, lr)
        spent = time.monotonic() - begun
        common.save_checkpoint(path, model, optimizer, step, round=number + 1, spent=spent, average=average)
        if not static and (number % args.score_every == args.score_every - 1 or number == rounds - 1):
            log(f"{name}: round {number + 1} of {rounds}, {spent / 60:.1f} minutes, held-out reviews {accuracy(model, reviews, data.tokenizer.pad, 1500)}")
        if number + 1 == args.stop_at:
            sys.exit(f"{name}: stopped after round {number + 1}; --resume goes on from here")
        if minutes and spent > 60 * minutes:
            break
    if static:
        keep(args, "static.done", True)
    return average


def set_exported(model, tensors):
    with torch.no_grad():
        for name, p in model.exported().items():
            p.copy_(tensors[name])


# ---------------------------------------------------------------- export

def temperature(scores, labels):
    """The temperature of the logits that maximises the likelihood."""
    import ngram_teacher
    return 1 / ngram_teacher.calibrate(scores, labels)


def run_export(args, model, tokenizer):
    """Writes the average weights; the classifier is scaled by the temperature of the held-out reviews."""
    os.makedirs(os.path.join(args.out, "1_Pooling"), exist_ok=True)
    average = torch.load(os.path.join(args.work, "train.checkpoint"), map_location="cpu", weights_only=False)["extra"]["average"]
    set_exported(model, average)
    reviews = held_out_reviews(args, tokenizer)
    found = {language: (review_scores(model, rows, tokenizer.pad), labels) for language, (rows, labels) in reviews.items() if len(labels)}
    divisor = temperature(np.concatenate([s / 1.0 for s, _ in found.values()]), np.concatenate([y for _, y in found.values()])) if found else 1.0
    with torch.no_grad():
        model.classifier.weight.div_(divisor)
        model.classifier.bias.div_(divisor)
    log(f"export: temperature {divisor:.3f}, held-out accuracy", {k: round(float(np.mean((s > 0) == (y == 1))), 4) for k, (s, y) in found.items()})
    common.save_safetensors(os.path.join(args.out, "model.safetensors"), model.exported(), args.dtype)
    config = dict(model.config, torch_dtype=common.TORCH_DTYPES[args.dtype],
                  id2label={"0": "negative", "1": "positive"}, label2id={"negative": 0, "positive": 1})
    common.write_json(os.path.join(args.out, "config.json"), config)
    for name in TOKENIZER_FILES:
        shutil.copyfile(os.path.join(args.work, name), os.path.join(args.out, name))
    write_sentence_files(args.out, model.config)


def write_sentence_files(folder, config):
    """What sentence-transformers reads: mean of the tokens, then length 1."""
    os.makedirs(os.path.join(folder, "1_Pooling"), exist_ok=True)
    common.write_json(os.path.join(folder, "modules.json"), [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])
    common.write_json(os.path.join(folder, "sentence_bert_config.json"), {"max_seq_length": config["max_position_embeddings"], "do_lower_case": False})
    common.write_json(os.path.join(folder, "1_Pooling", "config.json"), {
        "word_embedding_dimension": config["hidden_size"], "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False})


# ---------------------------------------------------------------- command line

SMOKE = {"vocab_size": 600, "hidden": 64, "inner": 96, "heads": 2, "layers": 2, "positions": 64, "batch_tokens": 2048, "rounds": 4, "static_rounds": 2,
         "every": 10, "made": (60, 30, 300), "scale": 8.0, "static_scale": 4.0, "lr": 4e-3, "samples": 64, "crop": 48, "score_every": 2}


def made_up_data(folder, seed, count=500):
    """A few hundred labelled reviews, for --smoke."""
    os.makedirs(folder, exist_ok=True)
    for language, side in (("en", 0), ("zh", 1)):
        with open(os.path.join(folder, f"sentiment-{language}.train.jsonl"), "w", encoding="utf-8") as f:
            for row in shop_reviews.reviews(count, seed):
                if row[2] != shop_reviews.MIXED:
                    f.write(json.dumps({"text": row[side], "label": row[2]}, ensure_ascii=False) + "\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a = parser.add_argument
    a("--data", help="folder of data sets (NAME.train.jsonl.gz or NAME.jsonl)")
    a("--work", required=True, help="folder for checkpoints and intermediate files")
    a("--out", required=True, help="Hugging Face folder to write")
    a("--teacher", help="sentence encoder folder whose vectors English texts get (all-MiniLM-L6-v2)")
    a("--dictionary", help="Chinese-English dictionary in CC-CEDICT's format, gzip")
    a("--shop", help="folder like examples/shop: products, FAQ and intents in both languages")
    a("--init", help="trained folder to start from; its vocabulary is kept and the static stage is left out")
    a("--stage", choices=("all",) + STAGES, default="all", help="run one stage only (default: all)")
    a("--resume", action="store_true", help="go on from what is in --work; finished stages are left out")
    a("--again", action="store_true", help="with --resume: a new schedule from the weights of the checkpoint")
    a("--smoke", action="store_true", help="tiny model, made-up rows: shows that everything runs")
    a("--threads", type=int, default=1)
    a("--seed", type=int, default=1)
    a("--dtype", choices=("F16", "BF16", "F32"), default="F16", help="type of the written weights")
    a("--made", type=int, nargs=3, default=(30000, 20000, 24000), help="made-up questions, titles, reviews")
    g = parser.add_argument_group("model").add_argument
    g("--vocab-size", type=int, default=16000)
    g("--hidden", type=int, default=384)
    g("--inner", type=int, default=768, help="intermediate size")
    g("--heads", type=int, default=6)
    g("--layers", type=int, default=3)
    g("--positions", type=int, default=512, help="longest input the model will take")
    g = parser.add_argument_group("training").add_argument
    g("--rounds", type=int, default=30, help="rounds: parts of the run, each checkpointed and scored")
    g("--scale", type=float, default=1.0, help="multiplies how often every row is read")
    g("--minutes", type=float, help="stop after this many minutes; the learning rate follows the clock")
    g("--static-rounds", type=int, default=6)
    g("--static-scale", type=float, default=3.0)
    g("--static-minutes", type=float)
    g("--stop-at", type=int, help="stop after this round, as if interrupted")
    g("--batch-tokens", type=int, default=4096)
    g("--lr", type=float, default=8e-4)
    g("--static-lr", type=float, default=3e-3)
    g("--weight-decay", type=float, default=0.01)
    g("--dropout", type=float, default=0.08)
    g("--crop", type=int, default=128, help="longer rows are mostly read through a random window of this many tokens")
    g("--mask", type=float, default=0.08, help="share of masked tokens in running text")
    g("--samples", type=int, default=2048, help="random tokens that stand for the vocabulary in the masked-token loss")
    g("--distill", type=float, default=6.0, help="weights of the losses: distance to the teacher's vector")
    g("--contrast", type=float, default=0.5, help="the teacher's vector of the row among those of the batch")
    g("--pairs", type=float, default=0.5, help="matching pairs")
    g("--classes", type=float, default=0.5, help="classes told from the vector")
    g("--piece", type=float, default=1.0, help="token weights of the n-gram models")
    g("--masked", type=float, default=0.1, help="masked tokens")
    g("--verdict", type=float, default=2.5, help="the verdict on a review")
    g("--soft", type=float, default=0.6, help="share of the n-gram models' soft label beside the label")
    g("--folds", type=int, default=4)
    g("--average", type=float, default=0.99, help="memory of the moving average, updated every fourth step")
    g("--every", type=int, default=50, help="steps between two lines of progress")
    g("--score-every", type=int, default=2, help="rounds between two scores on held-out reviews")
    args = parser.parse_args()
    if args.smoke:
        for name, value in SMOKE.items():
            setattr(args, name, value)
        args.teacher, args.data = None, os.path.join(args.work, "made-up")
        made_up_data(args.data, args.seed)
    elif not args.data:
        parser.error("--data is needed, except with --smoke")
    return args


def build_model(args, data):
    vocab_size = len(data.tokenizer.vocab)
    if not args.init:
        return Bert(new_config(vocab_size, args.hidden, args.inner, args.heads, args.layers, args.positions, args.dropout), 2)
    config, tensors = common.load_hf_folder(args.init)
    args.hidden, args.positions = config["hidden_size"], config["max_position_embeddings"]
    model = Bert(config, 2)
    common.copy_into(model.exported(), tensors)
    return model


def main():
    args = parse_arguments()
    os.makedirs(args.work, exist_ok=True)
    common.set_up(args.seed, args.threads)
    stages = [s for s in STAGES if args.stage in ("all", s)]
    if args.init:
        stages = [s for s in stages if s != "static"]
    if not args.teacher:
        stages = [s for s in stages if s != "teacher"]
    if args.resume:
        stages = [s for s in stages if s not in LEAVES or not os.path.exists(os.path.join(args.work, LEAVES[s]))]
    for stage, prepare in (("rows", run_rows), ("tokenizer", run_tokenizer), ("encode", run_encode), ("teacher", run_teacher), ("ngrams", run_ngrams)):
        if stage in stages:
            prepare(args)
    if not set(stages) & {"static", "train", "export"}:
        return
    data = Data(args)
    model = build_model(args, data)
    losses = Losses(args, model, data)
    log(f"{sum(p.numel() for p in model.exported().values()):,} parameters")
    if "static" in stages:
        run_training(args, model, losses, data, static=True)
    elif "train" in stages and not args.init and os.path.exists(os.path.join(args.work, "static.checkpoint")):
        common.load_checkpoint(os.path.join(args.work, "static.checkpoint"), model)
    if "train" in stages:
        run_training(args, model, losses, data, static=False)
    if "export" in stages:
        run_export(args, model, data.tokenizer)


if __name__ == "__main__":
    main()
