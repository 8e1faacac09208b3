"""Writes the seeds of fuzz_session into session/ beside this file: the bytes of saved sessions of golden/gpt2-tiny, put
together from the format's description at the head of lib/runtime/session_bytes.c. The byte in front says what the fuzz
target puts right: 1: keys and values are float16 (nothing to put right), 2: length, 4: fingerprint, 8: checksum.

usage: make_session.py
"""
import os
import random
import struct

VOCAB, LAYERS, HEADS, HEAD_DIM = 257, 3, 4, 12
ALL = 2 | 4 | 8
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "session")


def session(tokens, half, logits=None, repair=ALL, magic=b"llmcs-kv", version=1, layers=LAYERS, vocab=VOCAB, block=32,
            n_tokens=None, kv=None, more=b""):
    number, draw = (2, "e") if half else (4, "f"), random.Random(len(tokens))
    count = 2 * layers * HEADS * HEAD_DIM * len(tokens) if layers < 99 else 0
    values = [draw.gauss(0, 1) if kv is None else kv for _ in range(count)]
    header = magic + struct.pack("<IIQQIIIIIIQ", version, 1 if logits else 0, 0, 0, vocab, layers, HEADS, HEAD_DIM, number[0],
                                 block, len(tokens) if n_tokens is None else n_tokens)
    assert len(header) == 64
    body = struct.pack("<%di" % len(tokens), *tokens) + struct.pack("<%df" % len(logits or []), *(logits or []))
    return bytes([repair | half]) + header + body + struct.pack("<%d%s" % (count, number[1]), *values) + bytes(8) + more


NAN, ROW = float("nan"), [0.25 * i for i in range(VOCAB)]
SEEDS = {
    "empty": session([], 0),
    "one-half": session([5], 1),
    "three-half": session([1, 2, 3], 1),
    "two": session([7, 256], 0, ROW),
    "five-half-logits": session([9, 8, 7, 6, 5], 1, ROW),
    "not-repaired": session([1], 1, repair=0),
    "other-model": session([1], 1, repair=2 | 8),
    "damaged": session([1], 1, repair=2 | 4),
    "length": session([1], 1, repair=4 | 8),
    "trailing": session([1], 1, more=b"more"),
    "magic": session([1], 1, magic=b"LLMCS-KV"),
    "version": session([1], 1, version=2),
    "block": session([1], 1, block=16),
    "token": session([257], 1),
    "negative-token": session([-1], 1),
    "nan-logit": session([1], 1, ROW[:-1] + [NAN]),
    "nan-values": session([1, 2], 1, kv=NAN),
    "infinite-values": session([1, 2], 1, kv=float("inf")),
    "logits-of-nothing": session([], 0, ROW),
    "no-layers": session([1], 1, layers=0),
    "wraps": session([1], 1, layers=0xffffffff, n_tokens=0xffffffffffffffff),
}

if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for name, data in SEEDS.items():
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(data)
