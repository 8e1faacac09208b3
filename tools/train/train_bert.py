#!/usr/bin/env python3
"""Trains a Chinese and English review classifier, a plain BertForSequenceClassification, on one CPU core.

Stages, in order; each leaves its result in the --work folder and can be run alone with --stage:

  tokenizer  learn a WordPiece vocabulary from the training rows
  teacher    per language, linear models over one to three pieces in a row. Every row gets a soft label and every
             piece of it a weight, both from models that did not see the row (needs scikit-learn)
  pretrain   train BERT from scratch: guess masked pieces, the teacher's piece weights, and the verdict
  finetune   train the verdict alone, at a low rate, keeping a moving average of the weights
  export     write the averaged weights as a Hugging Face folder, and score it on the held-out tenth

    python3 tools/train/train_bert.py --data DIR --work WORK --out MODEL
    python3 tools/train/train_bert.py --data DIR --work WORK --out MODEL --resume     go on after an interruption
    python3 tools/train/train_bert.py --data DIR --work WORK --out MODEL --init HF    fine-tune any BERT folder
    python3 tools/train/train_bert.py --smoke --work WORK --out MODEL                 a minute's test on made-up rows
"""
import argparse
import gzip
import json
import math
import os
import random
import re
import shutil
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import common
from tfidf_baseline import LANGUAGES, load_reviews
from wordpiece import SPECIAL, WordPiece, learn, write_tokenizer

STAGES = ("tokenizer", "teacher", "pretrain", "finetune", "export")
POSITION_DIMS = 32      # the last dimensions of the embeddings, where positions start out


def log(*parts):
    print(*parts, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- rows

def join_contractions(text):
    """The English rows are cut into words ("do n't", "it 's"); shoppers are not. This undoes it."""
    text = re.sub(r" (n't|'(?:s|m|d|ll|re|ve|t))\b", r"\1", text)
    return text.replace("`` ", '"').replace(" ''", '"')


class Reviews:
    """Encoded rows. English training rows carry a second spelling with contractions joined. Export alone needs only
    the held-out rows (`training` false)."""

    def __init__(self, args, tokenizer, training=True):
        self.spellings = []         # per training row, one or two int32 arrays of ids
        self.labels, self.languages = [], []
        self.test_ids, self.test_labels, self.test_languages = [], [], []
        for number, language in enumerate(LANGUAGES):
            train, held_out = load_reviews(args.data, language, args.limit)
            for text, label in train if training else ():
                texts = [text]
                if language == "en" and join_contractions(text) != text:
                    texts.append(join_contractions(text))
                self.spellings.append([self._encode(tokenizer, t, args) for t in texts])
                self.labels.append(label)
                self.languages.append(number)
            for text, label in held_out:
                self.test_ids.append(self._encode(tokenizer, text, args))
                self.test_labels.append(label)
                self.test_languages.append(number)
        self.labels, self.languages = np.array(self.labels), np.array(self.languages)
        self.test_labels, self.test_languages = np.array(self.test_labels), np.array(self.test_languages)
        self.lengths = np.array([len(s[0]) for s in self.spellings])

    @staticmethod
    def _encode(tokenizer, text, args):
        return np.array(tokenizer.encode(text, args.max_length), dtype="int32")


def plan(lengths, budget, seed):
    """Row numbers in batches of about `budget` pieces with little padding, in random order."""
    rng = np.random.default_rng(seed)
    order = np.argsort(lengths * rng.uniform(0.97, 1.03, len(lengths)), kind="stable")
    batches, batch, longest = [], [], 0
    for i in order:
        longest = max(longest, int(lengths[i]))
        if batch and longest * (len(batch) + 1) > budget:
            batches.append(batch)
            batch, longest = [], int(lengths[i])
        batch.append(int(i))
    batches.append(batch)
    rng.shuffle(batches)
    return batches


def windows(lengths, crop, seed):
    """(starts, lengths): three of four rows longer than `crop` are read through a random window of that length."""
    rng = np.random.default_rng(seed)
    cut = (lengths > crop) & (rng.random(len(lengths)) < 0.75)
    starts = np.where(cut, rng.integers(0, np.maximum(1, lengths - crop + 1)), 0)
    return starts, np.where(cut, crop, lengths)


def view(row, start, length, whole):
    """The window of a row that starts with [CLS] and ends with [SEP], which the window keeps."""
    if length >= whole:
        return row
    return np.concatenate([row[:1], row[1 + start:start + length - 1], row[-1:]])


def pad(rows, value, dtype):
    out = np.full((len(rows), max(len(r) for r in rows)), value, dtype=dtype)
    for i, row in enumerate(rows):
        out[i, :len(row)] = row
    return torch.from_numpy(out)


# ---------------------------------------------------------------- teacher

class Ngrams:
    """Counts of one to three neighbouring pieces as sparse rows, with TF-IDF weights.

    A run of n pieces is the number made of their ids in base `base`, so plain numpy finds the frequent ones."""

    def __init__(self, base, rows, min_count):
        self.base = base
        counted = [np.unique(keys, return_counts=True) for keys in self._keys(np.concatenate(rows))]
        self.tables = [keys[counts >= min_count] for keys, counts in counted]
        self.offsets = np.cumsum([0] + [len(table) for table in self.tables])
        document_counts = np.bincount(self._counts(rows).indices, minlength=self.offsets[-1])
        self.idf = np.log((1 + len(rows)) / (1 + document_counts)) + 1

    def _keys(self, ids):
        ids = ids.astype("int64")
        pairs = ids[:-1] * self.base + ids[1:]
        return ids, pairs, pairs[:-1] * self.base + ids[2:]

    def columns(self, ids):
        """Three arrays: for each run of one, two, three pieces its column, or -1."""
        out = []
        for table, keys, offset in zip(self.tables, self._keys(ids), self.offsets):
            if len(table) == 0:
                out.append(np.full(len(keys), -1))
                continue
            place = np.minimum(np.searchsorted(table, keys), len(table) - 1)
            out.append(np.where(table[place] == keys, place + offset, -1))
        return out

    def _counts(self, rows):
        import scipy.sparse as sparse
        columns = [np.concatenate(self.columns(ids)) for ids in rows]
        columns = [c[c >= 0] for c in columns]
        ends = np.cumsum([0] + [len(c) for c in columns])
        flat = np.concatenate(columns)
        x = sparse.csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(rows), self.offsets[-1]))
        x.sum_duplicates()
        return x

    def features(self, rows):
        from sklearn.preprocessing import normalize
        x = self._counts(rows)
        x.data = (1 + np.log(x.data)) * self.idf[x.indices]
        return normalize(x)

    def spread(self, ids, weights):
        """Per piece, the mean weight of the runs that cover it, summed over run lengths."""
        out = np.zeros(len(ids))
        for n, columns in enumerate(self.columns(ids), 1):
            w = np.where(columns >= 0, weights[columns], 0.0) / n
            for shift in range(n):
                out[shift:shift + len(w)] += w
        return out


def log_count_ratio(x, y):
    """How much likelier each feature is in positive than in negative rows (naive Bayes, add one), as a logarithm."""
    present = x > 0
    positive = np.asarray(present[y == 1].sum(0)).ravel() + 1.0
    negative = np.asarray(present[y == 0].sum(0)).ravel() + 1.0
    return np.log(positive / positive.sum()) - np.log(negative / negative.sum())


def linear_teacher(x, y, strengths):
    """(weights, intercept) of the mean of two logistic regressions, one plain, one on naive Bayes scaled features."""
    import scipy.sparse as sparse
    from sklearn.linear_model import LogisticRegression
    scale = np.abs(log_count_ratio(x, y))
    plain = LogisticRegression(C=strengths[0], solver="liblinear", random_state=0).fit(x, y)
    scaled = LogisticRegression(C=strengths[1], solver="liblinear", random_state=0).fit(x @ sparse.diags(scale), y)
    return (plain.coef_[0] + scaled.coef_[0] * scale) / 2, (plain.intercept_[0] + scaled.intercept_[0]) / 2


def calibrate(scores, labels):
    """The factor that makes sigmoid(factor * score) the likeliest, by bisection on the slope of the likelihood."""
    low, high = 0.01, 100.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        slope = np.sum(scores * (labels - 1 / (1 + np.exp(-middle * scores))))
        low, high = (middle, high) if slope > 0 else (low, middle)
    return low


def run_teacher(args, reviews, tokenizer):
    """teacher.npz: for every training row the soft label, and for every piece of every spelling its weight."""
    soft = np.zeros(len(reviews.labels))
    weights = [[None] * len(s) for s in reviews.spellings]
    for number, language in enumerate(LANGUAGES):
        members = np.flatnonzero(reviews.languages == number)
        rows = [reviews.spellings[i][0][1:-1] for i in members]
        labels = reviews.labels[members]
        ngrams = Ngrams(len(tokenizer.vocab), rows, min_count=2)
        x = ngrams.features(rows)
        test = [ids[1:-1] for ids, n in zip(reviews.test_ids, reviews.test_languages) if n == number]
        coefficients, intercept = linear_teacher(x, labels, args.teacher_strength)
        right = (ngrams.features(test) @ coefficients + intercept > 0) == reviews.test_labels[reviews.test_languages == number]
        log(f"teacher {language}: {x.shape[1]:,} features, held-out accuracy {right.mean():.4f}")
        folds = np.random.default_rng(args.seed).permutation(len(members)) % args.folds
        scores, unit = np.zeros(len(members)), []
        for fold in range(args.folds):
            inside = folds == fold
            coefficients, intercept = linear_teacher(x[~inside], labels[~inside], args.teacher_strength)
            scores[inside] = x[inside] @ coefficients + intercept
            for i in np.flatnonzero(inside):
                for j, ids in enumerate(reviews.spellings[members[i]]):
                    w = ngrams.spread(ids[1:-1], coefficients * ngrams.idf)
                    weights[members[i]][j] = np.concatenate([[0], w, [0]])
                    unit.append(w)
        scale = np.concatenate(unit).std() + 1e-9
        for i in members:
            weights[i] = [np.clip(w / scale, -8, 8).astype("float16") for w in weights[i]]
        factor = calibrate(scores, labels)
        soft[members] = 1 / (1 + np.exp(-factor * scores))
        log(f"teacher {language}: accuracy on rows it did not see {np.mean((scores > 0) == labels):.4f}, "
            f"score factor {factor:.2f}")
    flat = [w for row in weights for w in row]
    np.savez(os.path.join(args.work, "teacher.npz"), soft=soft.astype("float32"), weights=np.concatenate(flat),
             lengths=np.array([len(w) for w in flat]))


def load_teacher(args, reviews):
    """(soft labels, weights per row and spelling), or None without a teacher."""
    path = os.path.join(args.work, "teacher.npz")
    if not os.path.exists(path):
        return None
    saved = np.load(path)
    parts = iter(np.split(saved["weights"], np.cumsum(saved["lengths"])[:-1]))
    weights = [[next(parts) for _ in spellings] for spellings in reviews.spellings]
    if any(len(w) != len(s) for ws, ss in zip(weights, reviews.spellings) for w, s in zip(ws, ss)):
        sys.exit(f"{path} belongs to other rows or another vocabulary; delete it and run the teacher stage again")
    return saved["soft"], weights


# ---------------------------------------------------------------- model

class Dropout:
    """Dropout that reads its mask from a fixed random pool at a random place: drawing fresh bits for every element
    costs more than all the layers' arithmetic on a CPU with matrix units."""

    def __init__(self, rate, size=1 << 23):
        self.rate = rate
        keep = torch.rand(size, generator=torch.Generator().manual_seed(0)) >= rate
        self.pool = keep.to(torch.bfloat16) / (1 - rate)

    def __call__(self, x):
        n = x.numel()
        if self.rate == 0 or n > len(self.pool):
            return x
        start = random.randrange(len(self.pool) - n + 1)
        return x * self.pool[start:start + n].view(x.shape)


def no_dropout(x):
    return x


class Linear(nn.Linear):
    """nn.Linear that computes in the type of its input (bfloat16 inputs give bfloat16 matrix products)."""

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class Module(nn.Module):
    """A node of the parameter tree; names are those of Hugging Face checkpoints."""

    def __init__(self, /, **children):
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


class Bert(nn.Module):
    """BertForSequenceClassification, with the two training heads of the pretrain stage beside it."""

    def __init__(self, config, matmul_type):
        super().__init__()
        self.config, self.matmul_type = config, matmul_type
        hidden, inner = config["hidden_size"], config["intermediate_size"]

        def norm():
            return nn.LayerNorm(hidden, eps=config["layer_norm_eps"])

        def layer():
            return Module(
                attention=Module(
                    self=Module(query=Linear(hidden, hidden), key=Linear(hidden, hidden), value=Linear(hidden, hidden)),
                    output=Module(dense=Linear(hidden, hidden), LayerNorm=norm())),
                intermediate=Module(dense=Linear(hidden, inner)),
                output=Module(dense=Linear(inner, hidden), LayerNorm=norm()))

        self.bert = Module(
            embeddings=Module(word_embeddings=nn.Embedding(config["vocab_size"], hidden),
                              position_embeddings=nn.Embedding(config["max_position_embeddings"], hidden),
                              token_type_embeddings=nn.Embedding(config["type_vocab_size"], hidden),
                              LayerNorm=norm()),
            encoder=Module(layer=nn.ModuleList(layer() for _ in range(config["num_hidden_layers"]))),
            pooler=Module(dense=Linear(hidden, hidden)))
        self.classifier = Linear(hidden, 2)
        self.heads = Module(mask_dense=Linear(hidden, hidden), mask_norm=norm(),
                            mask_bias=nn.Embedding(config["vocab_size"], 1), piece=Linear(hidden, 1))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=config["initializer_range"])
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.heads.mask_bias.weight)

    def exported(self):
        """What a Hugging Face checkpoint holds."""
        return {name: p for name, p in self.state_dict().items() if not name.startswith("heads.")}

    def _attention(self, node, queries, x, bias):
        """Attention of `queries` (B, Q, H) to `x` (B, L, H), both in the matmul type."""
        heads = self.config["num_attention_heads"]

        def split(y):
            return y.view(y.shape[0], y.shape[1], heads, -1).transpose(1, 2)

        q = split(getattr(node, "self").query(queries)) / math.sqrt(x.shape[2] // heads)
        k, v = split(getattr(node, "self").key(x)), split(getattr(node, "self").value(x))
        scores = q @ k.transpose(2, 3)
        mixed = F.softmax(scores if bias is None else scores + bias, -1) @ v
        return node.output.dense(mixed.transpose(1, 2).reshape(queries.shape))

    def _layer(self, node, x, bias, drop, first_only=False):
        low = x.to(self.matmul_type)
        if first_only:
            x = x[:, :1]
        mixed = self._attention(node.attention, low[:, :1] if first_only else low, low, bias)
        x = node.attention.output.LayerNorm(x + drop(mixed))
        inner = F.gelu(node.intermediate.dense(x.to(self.matmul_type)))
        return node.output.LayerNorm(x + drop(node.output.dense(inner)))

    def forward(self, ids, mask, drop=no_dropout):
        """(states before the last layer, logits). The last layer only works on [CLS]: nothing else is read from it."""
        e = self.bert.embeddings
        x = (e.word_embeddings(ids) + e.position_embeddings.weight[:ids.shape[1]] + e.token_type_embeddings.weight[0])
        x = drop(e.LayerNorm(x))
        bias = None if mask.all() else ((~mask).to(self.matmul_type) * -1e4)[:, None, None, :]
        *layers, last = self.bert.encoder.layer
        for node in layers:
            x = self._layer(node, x, bias, drop)
        first = self._layer(last, x, bias, drop, first_only=True)[:, 0]
        pooled = torch.tanh(self.bert.pooler.dense(first.to(self.matmul_type)))
        return x, self.classifier(drop(pooled)).float()

    def mask_loss(self, states, targets, samples):
        """Cross entropy of the right pieces among themselves and `samples` random others, which stand for the rest."""
        vocab_size = self.config["vocab_size"]
        right, where = torch.unique(targets, return_inverse=True)
        others = torch.from_numpy(np.setdiff1d(np.random.randint(len(SPECIAL), vocab_size, samples), right.numpy()))
        pieces = torch.cat([right, others])
        x = F.gelu(self.heads.mask_dense(states.to(self.matmul_type)))
        x = self.heads.mask_norm(x.float()).to(self.matmul_type)
        logits = x @ self.bert.embeddings.word_embeddings.weight[pieces].to(x.dtype).t()
        bias = self.heads.mask_bias(pieces)[:, 0]
        weight = math.log(max(1, vocab_size - len(right)) / max(1, len(others)))
        bias = bias + torch.cat([torch.zeros(len(right)), torch.full((len(others),), weight)])
        return F.cross_entropy(logits.float() + bias, where)


def new_config(args, vocab_size):
    return {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert",
        "attention_probs_dropout_prob": 0.0, "classifier_dropout": None, "hidden_act": "gelu",
        "hidden_dropout_prob": args.dropout, "hidden_size": args.hidden, "intermediate_size": args.inner,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "max_position_embeddings": args.positions,
        "num_attention_heads": args.heads, "num_hidden_layers": args.layers, "pad_token_id": 0,
        "position_embedding_type": "absolute", "type_vocab_size": 2, "vocab_size": vocab_size,
    }


def piece_vectors(reviews, vocab_size, dims, window=4):
    """Vectors of the pieces: the leading directions of their positive pointwise mutual information with the pieces
    around them (per distance side), and in the last dimension the naive Bayes log count ratio. Rows have length 1."""
    import scipy.sparse as sparse
    from scipy.sparse.linalg import svds
    flat = np.concatenate([s[0] for s in reviews.spellings]).astype("int64")
    counts = sparse.csr_matrix((vocab_size, vocab_size))
    for distance in range(1, window + 1):
        a, b = flat[:-distance], flat[distance:]
        ok = (a >= len(SPECIAL)) & (b >= len(SPECIAL))
        pair = sparse.coo_matrix((np.full(ok.sum(), 1 / distance), (a[ok], b[ok])), shape=counts.shape).tocsr()
        counts = counts + pair + pair.T
    total = np.asarray(counts.sum(1)).ravel()
    smooth = total ** 0.75
    counts = counts.tocoo()
    value = np.log(counts.data * smooth.sum() / (total[counts.row] * smooth[counts.col]))
    keep = value > 0
    ppmi = sparse.csr_matrix((value[keep], (counts.row[keep], counts.col[keep])), shape=counts.shape)
    k = min(dims - 1, vocab_size - 2)
    left, strength, _ = svds(ppmi, k=k, random_state=0)
    vectors = np.zeros((vocab_size, dims))
    vectors[:, :k] = left * np.sqrt(strength)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    rows = sparse.csr_matrix((np.ones(len(flat)), flat, np.cumsum([0] + [len(s[0]) for s in reviews.spellings])),
                             shape=(len(reviews.spellings), vocab_size))
    ratio = np.zeros(vocab_size)
    for number in range(len(LANGUAGES)):
        one = reviews.languages == number
        seen = np.asarray(rows[one].sum(0)).ravel() > 0
        r = log_count_ratio(rows[one], reviews.labels[one])
        ratio[seen] += (r - np.median(r))[seen]
    vectors[:, -1] = np.clip(ratio, -2, 2) * 0.3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    return vectors


def informed_start(model, reviews):
    """Start from what counting already tells, so that little training goes far.

    Piece embeddings hold co-occurrence vectors, positions are sinusoids in dimensions of their own, and in the first
    layer one head looks at the piece before and one at the piece after: pairs are visible from the first step."""
    hidden = model.config["hidden_size"]
    free = hidden - POSITION_DIMS
    frequencies = np.geomspace(2.2, 0.01, POSITION_DIMS // 2)
    embeddings = model.bert.embeddings
    attention = model.bert.encoder.layer[0].attention
    size = hidden // model.config["num_attention_heads"]
    with torch.no_grad():
        vectors = piece_vectors(reviews, model.config["vocab_size"], free)
        embeddings.word_embeddings.weight[:, :free] = torch.from_numpy(vectors).float() * 0.75
        embeddings.word_embeddings.weight[:len(SPECIAL), :free].normal_(std=0.05)
        embeddings.word_embeddings.weight[:, free:] = 0
        angles = np.arange(model.config["max_position_embeddings"])[:, None] * frequencies
        waves = np.concatenate([np.sin(angles), np.cos(angles)], 1) * 0.13
        embeddings.position_embeddings.weight.zero_()
        embeddings.position_embeddings.weight[:, free:] = torch.from_numpy(waves).float()
        embeddings.token_type_embeddings.weight.zero_()
        if size < POSITION_DIMS or model.config["num_attention_heads"] < 2:
            return
        half = POSITION_DIMS // 2
        for head, shift in ((0, -1), (1, 1)):
            rows = slice(head * size, head * size + POSITION_DIMS)
            cos, sin = np.diag(np.cos(shift * frequencies)), np.diag(np.sin(shift * frequencies))
            turn = torch.from_numpy(np.block([[cos, sin], [-sin, cos]])).float()
            node = getattr(attention, "self")
            node.query.weight[rows, free:] = turn
            node.key.weight[rows, free:] = torch.eye(2 * half)
            whole = slice(head * size, (head + 1) * size)
            node.value.weight[whole, :free].normal_(std=1 / math.sqrt(hidden))
            attention.output.dense.weight[:, whole].normal_(std=0.06)


# ---------------------------------------------------------------- training

def score(model, reviews):
    """{language: held-out accuracy}, and the verdicts."""
    verdicts = np.zeros(len(reviews.test_ids), dtype=int)
    with torch.no_grad():
        for batch in plan(np.array([len(ids) for ids in reviews.test_ids]), 16384, 0):
            ids = pad([reviews.test_ids[i] for i in batch], 0, "int64")
            mask = pad([np.ones(len(reviews.test_ids[i]), dtype=bool) for i in batch], False, "bool")
            verdicts[batch] = model(ids, mask)[1].argmax(1).numpy()
    right = verdicts == reviews.test_labels
    return {language: round(float(right[reviews.test_languages == n].mean()), 4) for n, language in enumerate(LANGUAGES)}


def train(args, stage, model, reviews, tokenizer, epochs, peak, mask_rate):
    """One training stage, from its checkpoint if --resume and there is one. Returns the averaged weights."""
    pretrain = stage == "pretrain"
    teacher = load_teacher(args, reviews)
    drop = Dropout(args.dropout)
    optimizer = common.adamw(model, peak, args.weight_decay)
    average = {name: p.clone() for name, p in model.exported().items()}
    checkpoint = os.path.join(args.work, stage + ".checkpoint")
    budget = args.batch_pieces

    def epoch_plan(epoch):
        starts, lengths = windows(reviews.lengths, args.crop if pretrain else args.max_length, args.seed + epoch)
        return starts, lengths, plan(lengths, budget, args.seed + epoch)

    sizes = [len(epoch_plan(epoch)[2]) for epoch in range(epochs)]
    total = min(sum(sizes), (args.steps if pretrain else args.finetune_steps) or sum(sizes))
    done = 0
    if args.resume and os.path.exists(checkpoint):
        done, extra = common.load_checkpoint(checkpoint, model, optimizer)
        average = extra["average"]
        log(f"{stage}: going on after step {done}")
        if done >= total:
            return average
    progress = common.Progress(total, every=args.every, unit="pieces")
    step = 0
    for epoch, size in enumerate(sizes):
        if step + size <= done:
            step += size
            continue
        if step >= total:
            break
        starts, lengths, batches = epoch_plan(epoch)
        for batch in batches:
            step += 1
            if step <= done:
                continue
            spelling = [int(len(reviews.spellings[i]) > 1 and random.random() < args.joined) for i in batch]
            parts = [(starts[i], lengths[i], reviews.lengths[i]) for i in batch]
            rows = [view(reviews.spellings[i][j], *part) for i, j, part in zip(batch, spelling, parts)]
            ids = pad(rows, tokenizer.pad, "int64")
            mask = ids != tokenizer.pad
            labels = torch.from_numpy(reviews.labels[batch]).float()
            # Nine of ten chosen pieces are masked, one becomes a random other.
            chosen = (torch.rand(ids.shape) < mask_rate) & (ids >= len(SPECIAL))
            targets = ids[chosen]
            noise = torch.where(torch.rand(len(targets)) < 0.9, tokenizer.mask,
                                torch.randint(len(SPECIAL), len(tokenizer.vocab), targets.shape))
            ids = ids.masked_scatter(chosen, noise)

            states, logits = model(ids, mask, drop)
            wanted = labels
            if teacher is not None:
                share = args.soft_pretrain if pretrain else args.soft_finetune
                wanted = (1 - share) * labels + share * torch.from_numpy(teacher[0][batch])
            elif args.smoothing:
                wanted = labels * (1 - args.smoothing) + 0.5 * args.smoothing
            loss = F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], wanted)
            if pretrain:
                if args.mask_weight and len(targets):
                    loss = loss + args.mask_weight * model.mask_loss(states[chosen], targets, args.samples)
                if teacher is not None:
                    weights = pad([view(teacher[1][i][j], *part) for i, j, part in zip(batch, spelling, parts)], 0, "float32")
                    guess = model.heads.piece(states.to(model.matmul_type))[..., 0].float()
                    loss = loss + args.piece_weight * F.smooth_l1_loss(guess[mask], weights[mask])
            lr = common.learning_rate(step - 1, total, max(1, int(total * args.warmup)), peak, floor=0.02)
            common.set_learning_rate(optimizer, lr)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if step % 4 == 0:
                keep = min(args.average, 1 - 1 / (1 + step / 4))
                for name, p in model.exported().items():
                    average[name].mul_(keep).add_(p, alpha=1 - keep)
            progress.update(step, float(loss.detach()), int(mask.sum()), lr)
            if step % args.checkpoint_every == 0 or step == args.stop_at:
                common.save_checkpoint(checkpoint, model, optimizer, step, average=average)
            if step == args.stop_at:
                sys.exit(f"{stage}: stopped after step {step}; --resume goes on from here")
            if step == total:
                break
        log(f"{stage}: epoch {epoch + 1} of {epochs}, step {step}, held-out accuracy {score(model, reviews)}")
    common.save_checkpoint(checkpoint, model, optimizer, total, average=average)
    return average


def set_exported(model, tensors):
    with torch.no_grad():
        for name, p in model.exported().items():
            p.copy_(tensors[name])


# ---------------------------------------------------------------- stages

def load_tokenizer(args):
    return WordPiece.from_folder(args.init or args.work)


def build_model(args, tokenizer):
    matmul_type = torch.bfloat16 if args.precision == "bfloat16" else torch.float32
    if not args.init:
        return Bert(new_config(args, len(tokenizer.vocab)), matmul_type)
    config, tensors = common.load_hf_folder(args.init)
    if not any(name.startswith("bert.") for name in tensors):      # a bare BertModel
        tensors = {"bert." + name: x for name, x in tensors.items()}
    tensors = {name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): x
               for name, x in tensors.items()}
    config.setdefault("initializer_range", 0.02)
    config.setdefault("layer_norm_eps", 1e-12)
    config["architectures"] = ["BertForSequenceClassification"]
    model = Bert(config, matmul_type)
    if "classifier.weight" in tensors and tensors["classifier.weight"].shape[0] != 2:
        tensors = {name: x for name, x in tensors.items() if not name.startswith("classifier.")}
    fresh = common.copy_into(model.exported(), tensors, optional=("bert.pooler.", "classifier."))
    if fresh:
        log("new, not in the starting folder:", ", ".join(fresh))
    return model


def run_tokenizer(args):
    if args.init:
        for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
            path = os.path.join(args.init, name)
            if os.path.exists(path):
                shutil.copyfile(path, os.path.join(args.work, name))
        return
    texts = []
    for language in LANGUAGES:
        for text, _ in load_reviews(args.data, language, args.limit)[0]:
            texts.append(text)
            if language == "en":
                texts.append(join_contractions(text))
    vocab = learn(texts, args.vocab_size, min_char_count=3)
    write_tokenizer(args.work, vocab, args.positions)
    log(f"tokenizer: {len(vocab):,} pieces")


def run_export(args, model, tokenizer, reviews):
    """Write --out and score what was written, that is, after rounding to 16 bits."""
    os.makedirs(args.out, exist_ok=True)
    average = torch.load(os.path.join(args.work, args.export_from + ".checkpoint"), map_location="cpu")["extra"]["average"]
    set_exported(model, average)
    log("held-out accuracy before rounding", score(model, reviews))
    path = os.path.join(args.out, "model.safetensors")
    common.save_safetensors(path, average, args.dtype)
    config = dict(model.config, torch_dtype={"F16": "float16", "BF16": "bfloat16", "F32": "float32"}[args.dtype],
                  id2label={"0": "negative", "1": "positive"}, label2id={"negative": 0, "positive": 1})
    common.write_json(os.path.join(args.out, "config.json"), config)
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        if os.path.exists(os.path.join(args.work, name)):
            shutil.copyfile(os.path.join(args.work, name), os.path.join(args.out, name))
    set_exported(model, {name: torch.from_numpy(x) for name, x in common.load_safetensors(path).items()})
    model.matmul_type = torch.float32
    figures = score(model, reviews)
    log(f"held-out accuracy of {path} in float32", figures)
    common.write_json(os.path.join(args.work, "figures.json"), figures)


def made_up_data(folder, rows=300):
    """A few hundred reviews from word lists, for --smoke."""
    lists = {"zh": (["质量很好", "非常满意", "物流很快", "喜欢"], ["太差了", "很失望", "退货", "坏了"], ["这个手机", "衣服", "酒店", "苹果"], "，"),
             "en": (["great", "works well", "i love it", "excellent"], ["awful", "does n't work", "broken", "waste"],
                    ["this phone", "the shirt", "it 's", "the book"], " ")}
    rng = random.Random(0)
    for language, (good, bad, neutral, joint) in lists.items():
        with gzip.open(os.path.join(folder, f"sentiment-{language}.train.jsonl.gz"), "wt", encoding="utf-8") as f:
            for i in range(rows):
                parts = [rng.choice(bad if i % 2 else good), *rng.choices(neutral, k=rng.randrange(1, 5)), str(i)]
                rng.shuffle(parts)
                f.write(json.dumps({"text": joint.join(parts), "label": "negative" if i % 2 else "positive"}) + "\n")


SMOKE = {"vocab_size": 400, "hidden": 64, "inner": 128, "heads": 2, "layers": 2, "positions": 64, "max_length": 64, "epochs": 6,
         "finetune_epochs": 3, "batch_pieces": 512, "checkpoint_every": 20, "samples": 64, "every": 10}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a = parser.add_argument
    a("--data", help="folder with sentiment-zh.train.jsonl.gz and sentiment-en.train.jsonl.gz")
    a("--work", required=True, help="folder for checkpoints and what passes from stage to stage")
    a("--out", required=True, help="Hugging Face folder to write")
    a("--init", help="Hugging Face BERT folder to fine-tune; its vocabulary is kept and pretrain is left out")
    a("--stage", choices=("all",) + STAGES, default="all", help="run one stage only (default: all)")
    a("--resume", action="store_true", help="go on from the checkpoints in --work; finished stages are left out")
    a("--smoke", action="store_true", help="tiny model, few steps, made-up rows: shows that everything runs")
    a("--no-teacher", action="store_true", help="train on the labels alone (no need for scikit-learn)")
    a("--export-from", choices=("pretrain", "finetune"), default="finetune", help="which checkpoint export writes")
    a("--limit", type=int, help="read only the first so many rows of each file")
    a("--threads", type=int, default=1)
    a("--seed", type=int, default=1)
    a("--precision", choices=("bfloat16", "float32"), default="bfloat16", help="type of the matrix products")
    a("--dtype", choices=("F16", "BF16", "F32"), default="F16", help="type of the written weights")
    g = parser.add_argument_group("model").add_argument
    g("--vocab-size", type=int, default=14000)
    g("--hidden", type=int, default=256)
    g("--inner", type=int, default=768, help="intermediate size")
    g("--heads", type=int, default=4)
    g("--layers", type=int, default=3)
    g("--positions", type=int, default=512, help="longest input the model will take")
    g("--max-length", type=int, default=512, help="pieces read of a row")
    g = parser.add_argument_group("training").add_argument
    g("--epochs", type=int, default=12, help="passes over the rows in pretrain")
    g("--finetune-epochs", type=int, default=3)
    g("--steps", type=int, help="most steps of pretrain; its schedule ends there (default: all epochs)")
    g("--finetune-steps", type=int, help="the same for finetune")
    g("--stop-at", type=int, help="leave after this step of the first stage that trains, as if interrupted")
    g("--batch-pieces", type=int, default=5120, help="pieces in a batch, padding included")
    g("--lr", type=float, default=7e-4, help="peak rate of pretrain")
    g("--finetune-lr", type=float, default=1e-4)
    g("--warmup", type=float, default=0.06, help="share of the steps")
    g("--weight-decay", type=float, default=0.05)
    g("--dropout", type=float, default=0.1)
    g("--crop", type=int, default=160, help="pretrain reads most longer rows through a random window of so many pieces")
    g("--mask", type=float, default=0.15, help="share of the pieces masked in pretrain")
    g("--finetune-mask", type=float, default=0.05, help="the same in finetune, as noise only")
    g("--samples", type=int, default=2048, help="random pieces that stand for the vocabulary in the masked-piece loss")
    g("--mask-weight", type=float, default=0.1, help="weight of the masked-piece loss")
    g("--piece-weight", type=float, default=1.0, help="weight of the teacher's piece weights")
    g("--soft-pretrain", type=float, default=0.7, help="share of the teacher's soft label beside the label")
    g("--soft-finetune", type=float, default=0.5)
    g("--smoothing", type=float, default=0.1, help="label smoothing without a teacher")
    g("--joined", type=float, default=0.3, help="share of English rows read with contractions joined")
    g("--folds", type=int, default=6, help="parts of the teacher's cross fitting")
    g("--teacher-strength", type=float, nargs=2, default=(10.0, 3.0), help="inverse L2 penalties of the teacher")
    g("--average", type=float, default=0.98, help="memory of the moving average, updated every fourth step")
    g("--every", type=int, default=50, help="steps between two lines of progress")
    g("--checkpoint-every", type=int, default=300, help="steps between two checkpoints")
    args = parser.parse_args()
    if args.smoke:
        for name, value in SMOKE.items():
            setattr(args, name, value)
        args.no_teacher = True
        args.data = os.path.join(args.work, "made-up")
        os.makedirs(args.data, exist_ok=True)
        made_up_data(args.data)
    elif not args.data:
        parser.error("--data is needed, except with --smoke")
    return args


def main():
    args = parse_arguments()
    os.makedirs(args.work, exist_ok=True)
    common.set_up(args.seed, args.threads)
    stages = list(STAGES) if args.stage == "all" else [args.stage]
    if args.init:
        stages = [s for s in stages if s != "pretrain"]
    if args.no_teacher:
        stages = [s for s in stages if s != "teacher"]
    leaves = {"tokenizer": "vocab.txt", "teacher": "teacher.npz"}
    if args.resume:
        stages = [s for s in stages if s not in leaves or not os.path.exists(os.path.join(args.work, leaves[s]))]
    if "tokenizer" in stages:
        run_tokenizer(args)
    if all(s == "tokenizer" for s in stages):
        return
    tokenizer = load_tokenizer(args)
    model = build_model(args, tokenizer)
    args.max_length = min(args.max_length, model.config["max_position_embeddings"])
    reviews = Reviews(args, tokenizer, training=stages != ["export"])
    log(f"{len(reviews.labels):,} training rows, {int(reviews.lengths.sum()):,} pieces, {len(reviews.test_ids):,} rows held out, "
        f"{sum(p.numel() for p in model.exported().values()):,} parameters")
    if "teacher" in stages:
        run_teacher(args, reviews, tokenizer)
    if "pretrain" in stages:
        if not (args.resume and os.path.exists(os.path.join(args.work, "pretrain.checkpoint"))):
            informed_start(model, reviews)
        train(args, "pretrain", model, reviews, tokenizer, args.epochs, args.lr, args.mask)
    elif "finetune" in stages and not args.init:
        common.load_checkpoint(os.path.join(args.work, "pretrain.checkpoint"), model)
    if "finetune" in stages:
        train(args, "finetune", model, reviews, tokenizer, args.finetune_epochs, args.finetune_lr, args.finetune_mask)
    if "export" in stages:
        run_export(args, model, tokenizer, reviews)


if __name__ == "__main__":
    main()
