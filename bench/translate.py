#!/usr/bin/env python3
"""Times llmcs and CTranslate2 in turns on encoder-decoders of real shapes, int8, random weights, and prints medians and ratios.

    python3 bench/translate.py --folder DIR [--models marian-base,t5-base,mbart-large] [--turns 5] [--threads 2]

New target tokens per second, encoding included, of sources of 40 tokens with exactly 40 new tokens each (the end token is
suppressed): 1 and 4 beams, one source alone and 16 together. llmcs serves the 16 as requests of one engine, CTranslate2 as one
batch. Then source tokens per second of 128 source tokens with one new token, and of llmcs' encoder alone, which CTranslate2's
interface does not offer. Each turn is a process of its own, ours and CTranslate2's alternate; opening and a first call of
each kind are not timed. The encoder alone is held against this machine's 8-bit dot products, as llmcs-bench measures them in
the same run. DIR keeps both forms of each model: the Transformers folder in float32 and CTranslate2's, converted from
the same weights. Making them needs torch and transformers, and 10 GB of memory for mbart-large, which is left out unless it is
named. Timing needs the built library, numpy and ctranslate2.
"""
import json
import os
import statistics
import subprocess
import sys

from turns import ROOT, arguments, chosen, compared, head, in_process, median_and_range, median_seconds, tokens

SOURCE, NEW, BATCH, LONG_SOURCE, BEAMS = 40, 40, 16, 128, (1, 4)
KV_BYTES = 1 << 29  # enough for 16 requests of 4 beams of every shape at once
BART = {"scale_embedding": True, "forced_eos_token_id": None}
SHAPES = {  # class, its settings, and the ids of the special tokens
    "marian-base": ("Marian", dict(
        BART, vocab_size=58101, d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8,
        decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048, max_position_embeddings=512,
        activation_function="swish", pad_token_id=58100, eos_token_id=0, bos_token_id=0, decoder_start_token_id=58100),
        {"</s>": 0, "<unk>": 1, "<pad>": 58100}),
    "mbart-large": ("MBart", dict(
        BART, vocab_size=250027, d_model=1024, encoder_layers=12, decoder_layers=12, encoder_attention_heads=16,
        decoder_attention_heads=16, encoder_ffn_dim=4096, decoder_ffn_dim=4096, max_position_embeddings=1024,
        activation_function="gelu", normalize_before=True, pad_token_id=1, eos_token_id=2, bos_token_id=0, decoder_start_token_id=2,
        tokenizer_class="MBart50Tokenizer"), {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}),
    "t5-base": ("T5", {
        "vocab_size": 32128, "d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_decoder_layers": 12, "num_heads": 12,
        "feed_forward_proj": "relu", "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0},
        {"<pad>": 0, "</s>": 1, "<unk>": 2}),
}


class Names:
    """What CTranslate2's converter reads of a tokenizer: token id n is "w<n>", except the special tokens."""

    def __init__(self, n, special):
        self._names = ["w%d" % i for i in range(n)]
        for name, i in special.items():
            self._names[i] = name
        self.bos_token = "<s>" if "<s>" in special else "</s>"
        self.eos_token, self.unk_token, self.pad_token = "</s>", "<unk>", "<pad>"

    def get_vocab(self):
        return {name: i for i, name in enumerate(self._names)}

    def convert_ids_to_tokens(self, i):
        return self._names[i]


def make(folder, name):
    """The Transformers folder and CTranslate2's, made from the same weights if they are missing."""
    ours, theirs = os.path.join(folder, name), os.path.join(folder, name + "-ct2-int8")
    if os.path.exists(os.path.join(ours, "made")):
        return ours, theirs
    import torch
    import transformers
    from ctranslate2.converters.converter import Converter
    from ctranslate2.converters.transformers import _MODEL_LOADERS

    kind, settings, special = SHAPES[name]
    config = getattr(transformers, kind + "Config")(**settings)
    torch.manual_seed(1)
    model_class = transformers.MarianMTModel if kind == "Marian" else getattr(transformers, kind + "ForConditionalGeneration")
    model = model_class(config).eval()
    model.save_pretrained(ours)

    class InMemory(Converter):
        def _load(self):
            with torch.no_grad():
                return _MODEL_LOADERS[kind + "Config"](model, Names(config.vocab_size, special))

    InMemory().convert(theirs, quantization="int8", force=True)
    open(os.path.join(ours, "made"), "w").close()  # last: an interrupted run makes both again
    return ours, theirs


def work(beams, n_sources):
    return "%d beam%s, batch %d" % (beams, "s" * (beams > 1), n_sources)


def checked(sequences, n_sources, n_new):
    counts = [len(s) for s in sequences]
    if counts != [n_new] * n_sources:
        sys.exit("expected %d sequences of %d new tokens, found lengths %s" % (n_sources, n_new, counts))


def llmcs_translate(path, threads):
    import llmcs

    model = llmcs.Model(path, n_threads=threads, weights="int8")
    session = model.session(n_ctx=256)
    engine = model.engine(n_ctx=256, kv_bytes=KV_BYTES, prefix_cache=False)

    def translate(sources, n_new, beams):
        params = {"max_new_tokens": n_new, "min_new_tokens": n_new, "num_beams": beams, "do_sample": False}
        if len(sources) == 1:
            return [session.generate_ids(sources[0], **params).sequences[0]]
        requests = [engine.submit_ids(s, **params) for s in sources]
        return [r.wait().sequences[0] for r in requests]

    return translate, session.encode


def ctranslate2_translate(path, threads):
    import ctranslate2

    translator = ctranslate2.Translator(path, device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads)

    def translate(sources, n_new, beams):
        words = [["w%d" % i for i in s] for s in sources]
        found = translator.translate_batch(words, beam_size=beams, min_decoding_length=n_new, max_decoding_length=n_new)
        return [f.hypotheses[0] for f in found]

    return translate, None


def turn(engine, path, threads):
    translate, encode = {"llmcs": llmcs_translate, "ctranslate2": ctranslate2_translate}[engine](path, threads)

    def seconds(n, n_new, beams, n_sources, repeats):
        batches = [[tokens(n, i * n_sources + k) for k in range(n_sources)] for i in range(1 + repeats)]
        return median_seconds(lambda batch: checked(translate(batch, n_new, beams), n_sources, n_new), batches)

    rates = {}
    for beams in BEAMS:
        for n_sources, repeats in ((1, 3), (BATCH, 1)):
            rates[work(beams, n_sources)] = n_sources * NEW / seconds(SOURCE, NEW, beams, n_sources, repeats)
    rates["source of %d" % LONG_SOURCE] = LONG_SOURCE / seconds(LONG_SOURCE, 1, 1, 1, 5)
    if encode:
        rates["encoder, %d" % LONG_SOURCE] = LONG_SOURCE / median_seconds(encode, [tokens(LONG_SOURCE, i) for i in range(6)])
    return rates


def encoder_operations(name):
    """8-bit operations a token of the encoder's matrix products: two for each weight."""
    c = SHAPES[name][1]
    inner, width = c.get("d_ff") or c["encoder_ffn_dim"], c["d_model"]
    return 2 * (c.get("num_layers") or c["encoder_layers"]) * (4 * width * width + 2 * width * inner)


def int8_limit(threads):
    """8-bit operations a second that the fastest loop of this machine reaches, from llmcs-bench."""
    bench = os.path.join(ROOT, "build", "bin", "llmcs-bench")
    done = subprocess.run([bench, "limits", "--threads", str(threads), "--json"], capture_output=True, text=True, check=True)
    return 1e9 * max(f["value"] for f in json.loads(done.stdout)["figures"] if f["unit"] == "GOP/s" and f["threads"] == threads)


def compare(name, paths, turns, threads):
    pairs = [[in_process("--threads", threads, "--turn", engine, path) for engine, path in zip(("llmcs", "ctranslate2"), paths)]
             for _ in range(turns)]
    for row in pairs[0][0]:
        ours = [a[row] for a, _ in pairs]
        if row in pairs[0][1]:
            figures = compared(ours, [b[row] for _, b in pairs], 11)
        else:
            share = encoder_operations(name) * statistics.median(ours) / int8_limit(threads)
            figures = "%9.1f %11s %6.0f %% of 8-bit dot products" % (statistics.median(ours), "", 100 * share)
        print("%-12s %-18s %s" % (name, row, figures), flush=True)
    for beams in BEAMS:
        one, many = work(beams, 1), work(beams, BATCH)
        for i, engine in enumerate(("llmcs", "CTranslate2")):
            print("%-12s %d together against one alone, beams %d, %-11s %s" % (
                name, BATCH, beams, engine, median_and_range([p[i][many] / p[i][one] for p in pairs])), flush=True)


def main():
    parser = arguments(__doc__, ("marian-base", "t5-base"), n_turn=2)
    parser.add_argument("--make-only", action="store_true", help="make the models and time nothing")
    args = parser.parse_args()
    if args.turn:
        print(json.dumps(turn(*args.turn, args.threads)))
        return
    names = chosen(parser, "--models", args.models, SHAPES)
    if not args.folder:
        parser.error("--folder is needed")
    paths = {name: make(args.folder, name) for name in names}
    if args.make_only:
        return
    print(head("%-12s %-18s %9s %11s" % ("shape", "work", "llmcs", "CTranslate2"), args.turns, args.threads))
    for name in names:
        compare(name, paths[name], args.turns, args.threads)


if __name__ == "__main__":
    main()
