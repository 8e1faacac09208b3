"""Safetensors files: reading, and writing as float32, float16 or bfloat16. Needs numpy; tensors to write may be torch's."""
import json
import os
import struct

import numpy as np

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


def _to_bf16_bits(x):
    """float32 array -> uint16 array of bfloat16 bits, rounded to nearest even."""
    bits = np.ascontiguousarray(x, dtype="<f4").view("<u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def _from_bf16_bits(bits):
    return (bits.astype("<u4") << 16).view("<f4")


def save_safetensors(path, tensors, dtype="F16"):
    """Write {name: array or torch tensor} as F32, F16 or BF16. Names are sorted and the header is padded with
    spaces to 8 bytes, so the same tensors always give the same file."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        x = tensors[name]
        if hasattr(x, "detach"):  # of torch
            x = x.detach().float().cpu().numpy()
        x = np.ascontiguousarray(x, dtype="<f4")
        data = (_to_bf16_bits(x) if dtype == "BF16" else x.astype(_DTYPES[dtype])).tobytes()
        header[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [offset, offset + len(data)]}
        blobs.append(data)
        offset += len(data)
    head = json.dumps(header, separators=(",", ":")).encode("utf-8")
    head += b" " * (-len(head) % 8)
    temporary = path + ".tmp"
    with open(temporary, "wb") as f:
        f.write(struct.pack("<Q", len(head)))
        f.write(head)
        for data in blobs:
            f.write(data)
    os.replace(temporary, path)


def load_safetensors(path):
    """{name: numpy array}; F16 and BF16 become float32."""
    with open(path, "rb") as f:
        data = f.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + o for o in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            x = _from_bf16_bits(np.frombuffer(data[begin:end], dtype="<u2"))
        else:
            x = np.frombuffer(data[begin:end], dtype=_DTYPES[entry["dtype"]])
            if entry["dtype"] in ("F16", "F64"):
                x = x.astype("<f4")
        tensors[name] = x.reshape(entry["shape"]).copy()
    return tensors
