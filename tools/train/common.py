"""Shared by the training scripts: Hugging Face folders, checkpoints, schedule, progress.

Needs numpy and PyTorch (1.13 or newer), nothing else.
"""
import ctypes
import json
import math
import os
import random
import sys
import time

import numpy as np
import torch

from tensor_files import load_safetensors, save_safetensors  # noqa: F401

TORCH_DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}  # of safetensors, and as config.json spells them


def log(*parts):
    print(*parts, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- Hugging Face folders

def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, indent=2)
        f.write("\n")


def load_hf_folder(folder):
    """(config dict, {name: float32 array}) of any Hugging Face folder: model.safetensors, its shards with
    model.safetensors.index.json, or pytorch_model.bin."""
    config = read_json(os.path.join(folder, "config.json"))
    single = os.path.join(folder, "model.safetensors")
    index = single + ".index.json"
    legacy = os.path.join(folder, "pytorch_model.bin")
    tensors = {}
    if os.path.exists(single):
        tensors = load_safetensors(single)
    elif os.path.exists(index):
        for shard in sorted(set(read_json(index)["weight_map"].values())):
            tensors.update(load_safetensors(os.path.join(folder, shard)))
    elif os.path.exists(legacy):
        state = torch.load(legacy, map_location="cpu", weights_only=True)
        tensors = {k: v.float().numpy() for k, v in state.items()}
    else:
        raise FileNotFoundError(f"{folder}: no model.safetensors, shards or pytorch_model.bin")
    return config, tensors


def copy_into(module_tensors, loaded, rename=lambda name: name, optional=()):
    """Copy loaded arrays into {name: torch tensor}. `rename` maps our name to the checkpoint's. A name that is
    missing is an error unless it starts with one of `optional`; a wrong shape always is. Returns the names left as they were."""
    left = []
    with torch.no_grad():
        for name, target in module_tensors.items():
            source = rename(name)
            if source not in loaded:
                if name.startswith(tuple(optional)):
                    left.append(name)
                    continue
                raise KeyError(f"the starting folder has no tensor {source}")
            x = torch.from_numpy(np.array(loaded[source], dtype="float32"))
            if x.shape != target.shape:
                raise ValueError(f"{source}: found shape {tuple(x.shape)}, expected {tuple(target.shape)}")
            target.copy_(x)
    return left


# ---------------------------------------------------------------- the processor

def has_bf16():
    """Whether this processor multiplies bfloat16 itself. One that does not takes ten times as long as for float32."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            flags = set(f.read().split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def add_processor_options(parser):
    parser.add_argument("--bf16", choices=["auto", "on", "off"], default="auto", help="multiply in bfloat16 (default: where the processor can)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: one for each processor (here %(default)s)")


def wants_bf16(choice):
    """What --bf16 comes to on this processor."""
    return has_bf16() if choice == "auto" else choice == "on"


# ---------------------------------------------------------------- training

def set_up(seed, threads):
    """Seed everything, set the number of threads, and let the C allocator keep what training frees at each step
    (giving large blocks back to the system and fetching them again costs a tenth of the time)."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(-4, 0)        # M_MMAP_MAX
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass  # not glibc: nothing to tune
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)


def learning_rate(step, total_steps, warmup_steps, peak, floor=0.1):
    """Linear warmup to `peak`, then a cosine down to floor * peak."""
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    t = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * t)))


def adamw(model, lr, weight_decay, betas=(0.9, 0.98)):
    """AdamW with weight decay on matrices only (not on biases and layer norms)."""
    params = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in params if p.dim() >= 2], "weight_decay": weight_decay},
              {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=1e-8)


def set_learning_rate(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr


def save_checkpoint(path, model, optimizer, step, **extra):
    """Writes everything needed to resume, atomically. `extra` must be plain values or tensors."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
             "torch_rng": torch.get_rng_state(), "numpy_rng": np.random.get_state(), "python_rng": random.getstate(),
             "extra": extra}
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = path + ".tmp"
    torch.save(state, temporary)
    os.replace(temporary, path)


def load_checkpoint(path, model, optimizer=None):
    """Restore what save_checkpoint wrote. Returns (step, extra). Checkpoints are trusted files: they are pickles."""
    state = torch.load(path, map_location="cpu", weights_only=False)
    model.load_state_dict(state["model"])
    if optimizer is not None:
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["torch_rng"])
        np.random.set_state(state["numpy_rng"])
        random.setstate(state["python_rng"])
    return state["step"], state["extra"]


def at_least_one(batches, data):
    """The batches of an epoch; exits if there are none, since training would then never end."""
    if not batches:
        raise SystemExit(f"{data}: expected at least one row to train on, found none (or all are too long for the model)")
    return batches


class Progress:
    """One line per `every` steps: step, mean loss since the last line, learning rate, tokens per second, time left."""

    def __init__(self, total_steps, every=20, unit="tok"):
        self.total_steps, self.every, self.unit = total_steps, every, unit
        self.reset()

    def reset(self):
        self.started, self.loss, self.steps, self.tokens = time.monotonic(), 0.0, 0, 0

    def update(self, step, loss, tokens, lr):
        """`step` counts from 1. `loss` is a number, `tokens` how many this step read."""
        self.loss, self.steps, self.tokens = self.loss + loss, self.steps + 1, self.tokens + tokens
        if step % self.every and step != self.total_steps:
            return
        seconds = max(1e-9, time.monotonic() - self.started)
        left = (self.total_steps - step) * seconds / self.steps
        print(f"step {step}/{self.total_steps}  loss {self.loss / self.steps:.4f}  lr {lr:.2e}  "
              f"{self.tokens / seconds:,.0f} {self.unit}/s  left {int(left) // 60}m{int(left) % 60:02d}s",
              file=sys.stderr, flush=True)
        self.reset()
