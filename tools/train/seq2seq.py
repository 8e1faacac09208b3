"""Encoder-decoders for training in PyTorch, with the names and the arithmetic of Hugging Face's BART, mBART, Marian and T5.

    model = build(config)                       from a config.json's values
    encoded = model.encode(ids, real)           ids (B, S), real (B, S) False at padding -> (B, S, C)
    hidden = model.decode(inputs, encoded, real)                    inputs (B, T) -> (B, T, C)
    logits = model.logits(hidden)                                   (..., V)
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

ACTIVATIONS = {"gelu": F.gelu, "relu": F.relu, "swish": F.silu, "silu": F.silu, "gelu_new": lambda x: F.gelu(x, approximate="tanh")}


def attend(q, k, v, scores_add, scale, dropout):
    """q (B, T, H, D), k and v (B, S, H, D), scores_add broadcasts to (B, H, T, S) -> (B, T, H * D)"""
    B, T, H, D = q.shape
    scores = (q * scale).transpose(1, 2) @ k.permute(0, 2, 3, 1)
    weights = F.softmax(scores.float() + scores_add, dim=-1).to(v.dtype)
    return (dropout(weights) @ v.transpose(1, 2)).transpose(1, 2).reshape(B, T, H * D)


def hide(real):
    """(B, S) -> (B, 1, 1, S): minus infinity at padding"""
    return torch.zeros(real.shape).masked_fill(~real, float("-inf"))[:, None, None]


def causal(T):
    return torch.full((T, T), float("-inf")).triu(1)


# ---------------------------------------------------------------- BART, mBART, Marian

class BartAttention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, source, scores_add):
        B, T, C = x.shape
        q, k, v = (f(y).view(B, -1, self.heads, C // self.heads) for f, y in ((self.q_proj, x), (self.k_proj, source), (self.v_proj, source)))
        return self.out_proj(attend(q, k, v, scores_add, (C // self.heads) ** -0.5, self.dropout))


class BartLayer(nn.Module):
    """A layer of either side. pre_norm: mBART's order; else the norms stand behind each sub-layer."""

    def __init__(self, config, side, pre_norm):
        super().__init__()
        width, inner, heads = config["d_model"], config[f"{side}_ffn_dim"], config[f"{side}_attention_heads"]
        self.pre_norm, self.dropout = pre_norm, nn.Dropout(config["dropout"])
        self.activation = ACTIVATIONS[config["activation_function"]]
        self.self_attn = BartAttention(width, heads, config.get("attention_dropout", 0.0))
        self.self_attn_layer_norm = nn.LayerNorm(width)
        if side == "decoder":
            self.encoder_attn = BartAttention(width, heads, config.get("attention_dropout", 0.0))
            self.encoder_attn_layer_norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def add(self, x, norm, f):
        if self.pre_norm:
            return x + self.dropout(f(norm(x)))
        return norm(x + self.dropout(f(x)))

    def forward(self, x, scores_add, encoded=None, encoded_add=None):
        x = self.add(x, self.self_attn_layer_norm, lambda y: self.self_attn(y, y, scores_add))
        if encoded is not None:
            x = self.add(x, self.encoder_attn_layer_norm, lambda y: self.encoder_attn(y, encoded, encoded_add))
        return self.add(x, self.final_layer_norm, lambda y: self.fc2(self.activation(self.fc1(y))))


def sines(positions, width):
    """Marian's: all sines, then all cosines. (positions, width)"""
    angle = torch.arange(positions)[:, None] / 10000.0 ** (2 * torch.arange((width + 1) // 2) / width)
    return torch.cat((angle.sin(), angle[:, :width // 2].cos()), dim=1)


class BartSide(nn.Module):
    def __init__(self, config, side):
        super().__init__()
        width, kind = config["d_model"], config["model_type"]
        self.kind, self.scale = kind, math.sqrt(width) if config.get("scale_embedding") else 1.0
        self.dropout = nn.Dropout(config["dropout"])
        positions = config["max_position_embeddings"]
        if kind == "marian":
            self.register_buffer("sines", sines(positions, width), persistent=False)
        else:
            self.embed_positions = nn.Embedding(positions + 2, width)  # rows 0 and 1 are not used
            self.layernorm_embedding = nn.LayerNorm(width)
        self.layers = nn.ModuleList(BartLayer(config, side, kind == "mbart") for _ in range(config[f"{side}_layers"]))
        if kind == "mbart":
            self.layer_norm = nn.LayerNorm(width)

    def forward(self, shared, ids, scores_add, encoded=None, encoded_add=None):
        n = ids.shape[1]
        x = shared(ids) * self.scale
        if self.kind == "marian":
            x = x + self.sines[:n]
        else:
            x = self.layernorm_embedding(x + self.embed_positions.weight[2:n + 2])
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x, scores_add, encoded, encoded_add)
        return self.layer_norm(x) if self.kind == "mbart" else x


class Bart(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = nn.ModuleDict({"shared": nn.Embedding(config["vocab_size"], config["d_model"]),
                                    "encoder": BartSide(config, "encoder"), "decoder": BartSide(config, "decoder")})
        self.register_buffer("final_logits_bias", torch.zeros(1, config["vocab_size"]))

    @torch.no_grad()
    def initialize(self):
        width, shared = self.config["d_model"], self.model["shared"].weight
        nn.init.normal_(shared, std=width ** -0.5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for side in (self.model["encoder"], self.model["decoder"]):
            if side.kind != "marian":  # learned, but sines are a better start than noise
                side.embed_positions.weight[2:] = 0.5 * side.scale * width ** -0.5 * sines(side.embed_positions.num_embeddings - 2, width)
        shared[self.config["pad_token_id"]] = 0  # what Marian's decoder starts with

    def stored(self):
        """{name: tensor} of the file; the tied matrices once."""
        return dict(self.state_dict())

    def encode(self, ids, real):
        return self.model["encoder"](self.model["shared"], ids, hide(real))

    def decode(self, inputs, encoded, real):
        return self.model["decoder"](self.model["shared"], inputs, causal(inputs.shape[1]), encoded, hide(real))

    def logits(self, hidden):
        return F.linear(hidden, self.model["shared"].weight) + self.final_logits_bias[0]


# ---------------------------------------------------------------- T5

class RMSNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        x = x.float()
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon)


def t5_buckets(n_query, n_key, both_ways, n, most):
    """(n_query, n_key): the bucket of each distance."""
    distance = torch.arange(n_key)[None] - torch.arange(n_query)[:, None]
    base = torch.zeros_like(distance)
    if both_ways:
        n //= 2
        base, distance = (distance > 0) * n, distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = n // 2
    far = exact + (torch.log(distance.clamp(min=1).float() / exact) / math.log(most / exact) * (n - exact)).long()
    return base + torch.where(distance < exact, distance, far.clamp(max=n - 1))


class T5Attention(nn.Module):
    def __init__(self, config, with_bias):
        super().__init__()
        width, inner = config["d_model"], config["num_heads"] * config["d_kv"]
        self.heads, self.dropout = config["num_heads"], nn.Dropout(config["dropout_rate"])
        self.q, self.k, self.v = (nn.Linear(width, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, width, bias=False)
        if with_bias:
            self.relative_attention_bias = nn.Embedding(config["relative_attention_num_buckets"], config["num_heads"])

    def forward(self, x, source, scores_add):
        B = x.shape[0]
        q, k, v = (f(y).view(B, y.shape[1], self.heads, -1) for f, y in ((self.q, x), (self.k, source), (self.v, source)))
        return self.o(attend(q, k, v, scores_add, 1.0, self.dropout))


class T5FeedForward(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner, name = config["d_model"], config["d_ff"], config["feed_forward_proj"]
        self.gated = name.startswith("gated-")
        # "gated-gelu" is the tanh one, as T5 1.1 was trained.
        self.activation = ACTIVATIONS["gelu_new" if name == "gated-gelu" else name.replace("gated-", "")]
        for key in (["wi_0", "wi_1"] if self.gated else ["wi"]):
            setattr(self, key, nn.Linear(width, inner, bias=False))
        self.wo, self.dropout = nn.Linear(inner, width, bias=False), nn.Dropout(config["dropout_rate"])

    def forward(self, x):
        return self.wo(self.dropout(self.activation(self.wi_0(x)) * self.wi_1(x) if self.gated else self.activation(self.wi(x))))


class T5Block(nn.Module):
    def __init__(self, config, is_decoder, first):
        super().__init__()
        parts = [("SelfAttention", T5Attention(config, first))]
        parts += [("EncDecAttention", T5Attention(config, False))] if is_decoder else []
        parts += [("DenseReluDense", T5FeedForward(config))]
        self.names, self.dropout = [name for name, _ in parts], nn.Dropout(config["dropout_rate"])
        self.layer = nn.ModuleList(nn.ModuleDict({name: module, "layer_norm": RMSNorm(config["d_model"], config["layer_norm_epsilon"])}) for name, module in parts)

    def forward(self, x, scores_add, encoded=None, encoded_add=None):
        for name, part in zip(self.names, self.layer):
            y = part["layer_norm"](x)
            y = part[name](y, y, scores_add) if name == "SelfAttention" else part[name](y, encoded, encoded_add) if name == "EncDecAttention" else part[name](y)
            x = x + self.dropout(y)
        return x


class T5Side(nn.Module):
    def __init__(self, config, is_decoder):
        super().__init__()
        self.is_decoder = is_decoder
        self.n, self.most = config["relative_attention_num_buckets"], config["relative_attention_max_distance"]
        layers = config.get("num_decoder_layers") or config["num_layers"]
        self.block = nn.ModuleList(T5Block(config, is_decoder, i == 0) for i in range(layers if is_decoder else config["num_layers"]))
        self.final_layer_norm = RMSNorm(config["d_model"], config["layer_norm_epsilon"])
        self.dropout = nn.Dropout(config["dropout_rate"])

    def forward(self, shared, ids, scores_add, encoded=None, encoded_add=None):
        T = ids.shape[1]
        table = self.block[0].layer[0]["SelfAttention"].relative_attention_bias
        scores_add = scores_add + table(t5_buckets(T, T, not self.is_decoder, self.n, self.most)).permute(2, 0, 1)[None]
        x = self.dropout(shared(ids))
        for block in self.block:
            x = block(x, scores_add, encoded, encoded_add)
        return self.dropout(self.final_layer_norm(x))


class T5(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, self.tied = config, config.get("tie_word_embeddings", True)
        self.shared = nn.Embedding(config["vocab_size"], config["d_model"])
        self.encoder, self.decoder = T5Side(config, False), T5Side(config, True)
        if not self.tied:
            self.lm_head = nn.Linear(config["d_model"], config["vocab_size"], bias=False)

    @torch.no_grad()
    def initialize(self):
        config = self.config
        nn.init.normal_(self.shared.weight, std=1.0)
        for name, p in self.named_parameters():
            if name.endswith(".q.weight"):  # scores are not scaled
                nn.init.normal_(p, std=(config["d_model"] * config["d_kv"]) ** -0.5)
            elif name.endswith((".o.weight", ".wo.weight")):
                nn.init.normal_(p, std=p.shape[1] ** -0.5)
            elif p.dim() == 2 and name != "shared.weight":
                nn.init.normal_(p, std=config["d_model"] ** -0.5)

    def stored(self):
        return dict(self.state_dict())

    def encode(self, ids, real):
        return self.encoder(self.shared, ids, hide(real))

    def decode(self, inputs, encoded, real):
        return self.decoder(self.shared, inputs, causal(inputs.shape[1]), encoded, hide(real))

    def logits(self, hidden):
        return F.linear(hidden * self.config["d_model"] ** -0.5, self.shared.weight) if self.tied else self.lm_head(hidden)


# ---------------------------------------------------------------- either

# Names under which old checkpoints store the shared matrix.
OTHER_NAMES = {"model.shared.weight": ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"),
               "shared.weight": ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")}


def build(config):
    kind = config.get("model_type")
    if kind in ("t5", "mt5"):
        defaults = {"feed_forward_proj": "relu", "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128, "layer_norm_epsilon": 1e-6, "dropout_rate": 0.1}
        return T5({**defaults, **config})
    if kind not in ("bart", "mbart", "marian"):
        raise ValueError(f"model_type: found {kind!r}, expected bart, mbart, marian, t5 or mt5")
    if not config.get("share_encoder_decoder_embeddings", True):
        raise ValueError("share_encoder_decoder_embeddings: found false, expected true: models with two vocabularies cannot be trained here")
    return Bart({"dropout": 0.1, **config})


def load_into(model, tensors):
    """Copies a checkpoint's tensors. Raises KeyError or ValueError for a missing one or another shape."""
    with torch.no_grad():
        for name, target in model.state_dict().items():
            found = next((n for n in (name, *OTHER_NAMES.get(name, ())) if n in tensors), None)
            if found is None:
                if name == "final_logits_bias":
                    continue
                raise KeyError(f"the starting folder has no tensor {name}")
            x = torch.from_numpy(tensors[found]).float()
            if x.shape != target.shape:
                raise ValueError(f"{found}: found shape {tuple(x.shape)}, expected {tuple(target.shape)}")
            target.copy_(x)


@torch.no_grad()
def greedy(model, sources, starts, forced_first, pad, eos, max_new_tokens):
    """The likeliest next token each time. sources, starts: lists of ids for each text; forced_first: the first new token of
    each, or None. Returns the new tokens without eos."""
    model.eval()
    n = max(map(len, sources))
    ids = torch.tensor([s + [pad] * (n - len(s)) for s in sources])
    real = torch.tensor([[True] * len(s) + [False] * (n - len(s)) for s in sources])
    encoded, out, done = model.encode(ids, real), torch.tensor(starts), torch.zeros(len(sources), dtype=torch.bool)
    n_start = out.shape[1]
    for step in range(max_new_tokens):
        following = model.logits(model.decode(out, encoded, real)[:, -1]).argmax(-1)
        if step == 0 and forced_first is not None:
            following = torch.tensor(forced_first)
        following = following.masked_fill(done, eos)
        out, done = torch.cat((out, following[:, None]), dim=1), done | (following == eos)
        if done.all():
            break
    return [[i for i in row[:(row + [eos]).index(eos)]] for row in out[:, n_start:].tolist()]
