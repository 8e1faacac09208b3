"""BERT as train_encoder.py and train_tags.py train it: the parameter tree has the names of Hugging Face checkpoints."""
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from wordpiece import SPECIAL


class Dropout:
    """Dropout that reads its mask from a fixed random pool at a random position: fresh random bits for every element cost
    more than all the layers' arithmetic on a CPU."""

    def __init__(self, rate, size=1 << 23):
        self.rate = rate
        keep = torch.rand(size, generator=torch.Generator().manual_seed(0)) >= rate
        self.pool = keep.float() / (1 - rate)

    def __call__(self, x):
        n = x.numel()
        if self.rate == 0 or n > len(self.pool):
            return x
        start = random.randrange(len(self.pool) - n + 1)
        return x * self.pool[start:start + n].view(x.shape)


def no_dropout(x):
    return x


class Module(nn.Module):
    """A node of the parameter tree."""

    def __init__(self, /, **children):
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


class Bert(nn.Module):
    """The layers, the pooler and a classifier of `n_labels`: BertForSequenceClassification. With `tags` the classifier reads
    every token and there is no pooler: BertForTokenClassification. Training heads go into `heads`, which is not exported."""

    def __init__(self, config, n_labels, tags=False):
        super().__init__()
        self.config, self.tags = config, tags
        hidden, inner = config["hidden_size"], config["intermediate_size"]

        def norm():
            return nn.LayerNorm(hidden, eps=config["layer_norm_eps"])

        def layer():
            return Module(
                attention=Module(
                    self=Module(query=nn.Linear(hidden, hidden), key=nn.Linear(hidden, hidden), value=nn.Linear(hidden, hidden)),
                    output=Module(dense=nn.Linear(hidden, hidden), LayerNorm=norm())),
                intermediate=Module(dense=nn.Linear(hidden, inner)),
                output=Module(dense=nn.Linear(inner, hidden), LayerNorm=norm()))

        self.bert = Module(
            embeddings=Module(word_embeddings=nn.Embedding(config["vocab_size"], hidden),
                              position_embeddings=nn.Embedding(config["max_position_embeddings"], hidden),
                              token_type_embeddings=nn.Embedding(config["type_vocab_size"], hidden),
                              LayerNorm=norm()),
            encoder=Module(layer=nn.ModuleList(layer() for _ in range(config["num_hidden_layers"]))))
        if not tags:
            self.bert.pooler = Module(dense=nn.Linear(hidden, hidden))
        self.classifier = nn.Linear(hidden, n_labels)
        self.heads = Module()
        self.start()

    def start(self):
        """Random weights. What the layers add to the residual stream starts small: the model starts out as the mean of its
        word embeddings, which the static stage has fitted."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                shrink = 0.3 if name.endswith("output.dense") else 1.0
                nn.init.normal_(module.weight, std=shrink / math.sqrt(module.in_features))
                nn.init.zeros_(module.bias)
        e = self.bert.embeddings
        nn.init.normal_(e.word_embeddings.weight, std=0.05)
        nn.init.zeros_(e.token_type_embeddings.weight)
        positions = torch.arange(self.config["max_position_embeddings"])[:, None]
        hidden = self.config["hidden_size"]
        angle = positions * torch.exp(torch.arange(0, hidden, 2) * (-math.log(2000.0) / hidden))
        with torch.no_grad():
            e.position_embeddings.weight[:, 0::2] = 0.02 * torch.sin(angle)
            e.position_embeddings.weight[:, 1::2] = 0.02 * torch.cos(angle)

    def exported(self):
        """The tensors of a Hugging Face checkpoint."""
        return {name: p for name, p in self.state_dict().items() if not name.startswith("heads.")}

    def embed_words(self, ids, drop=no_dropout):
        e = self.bert.embeddings
        x = e.word_embeddings(ids) + (e.position_embeddings.weight[:ids.shape[1]] + e.token_type_embeddings.weight[0])
        return drop(e.LayerNorm(x))

    def states(self, ids, mask, drop=no_dropout):
        """(B, L, H) of the last layer."""
        return self.last_two(ids, mask, drop)[1]

    def last_two(self, ids, mask, drop=no_dropout, first_only=False):
        """(B, L, H) of the layer before the last one, and of the last; with `first_only` the last has [CLS] alone: (B, 1, H)."""
        x = self.embed_words(ids, drop)
        n_heads = self.config["num_attention_heads"]
        bias = None if mask.all() else ((~mask).float() * -1e4)[:, None, None, :]

        def split(y):
            return y.view(y.shape[0], y.shape[1], n_heads, -1).transpose(1, 2)

        before = x
        for node in self.bert.encoder.layer:
            before = x
            own = getattr(node.attention, "self")
            k, v = split(own.key(x)), split(own.value(x))
            if first_only and node is self.bert.encoder.layer[-1]:
                x = x[:, :1]
            q = split(own.query(x)) / math.sqrt(x.shape[2] // n_heads)
            scores = q @ k.transpose(2, 3)
            mixed = F.softmax(scores if bias is None else scores + bias, -1) @ v
            x = node.attention.output.LayerNorm(x + drop(node.attention.output.dense(mixed.transpose(1, 2).reshape(x.shape))))
            x = node.output.LayerNorm(x + drop(node.output.dense(F.gelu(node.intermediate.dense(x)))))
        return before, x

    def pooled_logits(self, states, drop=no_dropout):
        """(B, n_labels) from [CLS]."""
        return self.classifier(drop(torch.tanh(self.bert.pooler.dense(states[:, 0]))))


def mean_vector(states, mask):
    """(B, H): the mean of the tokens' states, length 1, as sentence-transformers pools."""
    weights = mask.float()[:, :, None]
    return F.normalize((states * weights).sum(1) / weights.sum(1), dim=1)


def new_config(vocab_size, hidden, inner, heads, layers, positions, dropout):
    return {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert",
        "attention_probs_dropout_prob": 0.0, "classifier_dropout": None, "hidden_act": "gelu",
        "hidden_dropout_prob": dropout, "hidden_size": hidden, "intermediate_size": inner,
        "initializer_range": 0.02, "layer_norm_eps": 1e-12, "max_position_embeddings": positions,
        "num_attention_heads": heads, "num_hidden_layers": layers, "pad_token_id": 0,
        "position_embedding_type": "absolute", "type_vocab_size": 2, "vocab_size": vocab_size,
    }


def pad(rows, value, dtype):
    """A (B, L) tensor of rows of different lengths."""
    out = np.full((len(rows), max(len(r) for r in rows)), value, dtype=dtype)
    for i, row in enumerate(rows):
        out[i, :len(row)] = row
    return torch.from_numpy(out)


def length_batches(lengths, members, budget, rng):
    """Row numbers in batches of about `budget` tokens with little padding, in random order."""
    order = sorted(members, key=lambda i: lengths[i] * rng.uniform(0.95, 1.05))
    batches, batch, longest = [], [], 0
    for i in order:
        longest = max(longest, lengths[i])
        if batch and longest * (len(batch) + 1) > budget:
            batches.append(batch)
            batch, longest = [], lengths[i]
        batch.append(i)
    if batch:
        batches.append(batch)
    rng.shuffle(batches)
    return batches


def mask_some(ids, share, tokenizer):
    """(ids with some tokens masked, where, the right tokens). Nine of ten become [MASK], one a random other."""
    chosen = (torch.rand(ids.shape) < share) & (ids >= len(SPECIAL))
    targets = ids[chosen]
    noise = torch.where(torch.rand(len(targets)) < 0.9, tokenizer.mask, torch.randint(len(SPECIAL), len(tokenizer.vocab), targets.shape))
    return ids.masked_scatter(chosen, noise), chosen, targets
