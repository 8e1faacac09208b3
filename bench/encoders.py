#!/usr/bin/env python3
"""Times llmcs and ONNX Runtime in turns on encoders of real shapes with random weights, and prints medians and ratios.

    python3 bench/encoders.py --folder DIR [--models xlm-r-base,bert-base,minilm-l6] [--types int8,float32] [--turns 5] [--threads 2]

Tokens per second of one text of 128 tokens, and of 16 such texts together. ONNX Runtime gets the graph that its own optimizer for
transformers fuses; int8 is its dynamic quantisation, weights by channel. llmcs packs the same weights at open. Each turn is a
process of its own, ours and ONNX Runtime's alternate; opening and the first call of each kind are not timed. DIR keeps the models
for the next run. Making them needs torch, transformers and onnx; timing needs the built library, numpy and onnxruntime.
"""
import json
import os

from turns import arguments, chosen, compared, head, in_process, median_seconds, tokens

TEXT, BATCH, REPEATS = 128, 16, 5
SHAPES = {  # class, heads, width, settings
    "xlm-r-base": ("XLMRoberta", 12, 768, {"vocab_size": 250002, "max_position_embeddings": 514, "type_vocab_size": 1,
                                           "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "layer_norm_eps": 1e-5}),
    "bert-base": ("Bert", 12, 768, {"vocab_size": 30522}),
    "minilm-l6": ("Bert", 12, 384, {"vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}),
}
TYPES = {"int8": "int8", "float32": "f32"}  # ours: Model(weights=...)


def make(folder, name):
    """The Transformers folder and ONNX Runtime's two files, made from the same weights if they are missing."""
    path = os.path.join(folder, name)
    if os.path.exists(os.path.join(path, "made")):
        return path
    import onnx
    import torch
    import transformers
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    kind, heads, width, settings = SHAPES[name]
    torch.manual_seed(1)
    config = getattr(transformers, kind + "Config")(**settings, attn_implementation="eager")
    model = getattr(transformers, kind + "Model")(config).eval()
    model.save_pretrained(path)
    with open(os.path.join(path, "vocab.txt"), "w") as f:  # only ids are used; a folder needs some vocabulary
        f.write("".join("%s\n" % t for t in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] +
                        ["t%d" % i for i in range(5, config.vocab_size)]))

    class States(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids, mask):
            return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    plain = os.path.join(path, "plain.onnx")
    example = torch.full((1, TEXT), 7, dtype=torch.int64)
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(States(), (example, torch.ones_like(example)), plain, input_names=["ids", "mask"], output_names=["states"],
                      dynamic_axes={"ids": axes, "mask": axes, "states": axes}, opset_version=17, dynamo=False)
    fused = optimizer.optimize_model(plain, model_type="bert", num_heads=heads, hidden_size=width)
    fused.save_model_to_file(os.path.join(path, "float32.onnx"))
    quantize_dynamic(os.path.join(path, "float32.onnx"), os.path.join(path, "int8.onnx"), per_channel=True,
                     weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    os.remove(plain)
    open(os.path.join(path, "made"), "w").close()  # last: an interrupted run makes all again
    return path


def llmcs_encode(path, kind, threads):
    import llmcs

    model = llmcs.Model(path, n_threads=threads, weights=TYPES[kind])
    return lambda texts: model.encoder_eval(texts, hidden=True)


def onnx_encode(path, kind, threads):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(os.path.join(path, kind + ".onnx"), options, providers=["CPUExecutionProvider"])

    def encode(texts):
        ids = np.array(texts, np.int64)
        return session.run(None, {"ids": ids, "mask": np.ones_like(ids)})

    return encode


def turn(engine, path, kind, threads):
    encode, rates = {"llmcs": llmcs_encode, "onnxruntime": onnx_encode}[engine](path, kind, threads), {}
    for n in (1, BATCH):
        texts = [[tokens(TEXT, i * n + k) for k in range(n)] for i in range(1 + REPEATS)]
        rates["%d of %d" % (n, TEXT)] = n * TEXT / median_seconds(encode, texts)
    return rates


def main():
    parser = arguments(__doc__, SHAPES, n_turn=3)
    parser.add_argument("--types", default=",".join(TYPES), help="of the weights [%(default)s]")
    parser.add_argument("--make-only", action="store_true", help="make the models and time nothing")
    args = parser.parse_args()
    if args.turn:
        print(json.dumps(turn(*args.turn, args.threads)))
        return
    names, kinds = chosen(parser, "--models", args.models, SHAPES), chosen(parser, "--types", args.types, TYPES)
    if not args.folder:
        parser.error("--folder is needed")
    paths = [make(args.folder, name) for name in names]
    if args.make_only:
        return
    print(head("%-12s %-8s %-10s %9s %12s" % ("shape", "weights", "texts", "llmcs", "ONNX Runtime"), args.turns, args.threads))
    for name, path in zip(names, paths):
        for kind in kinds:
            pairs = [[in_process("--threads", args.threads, "--turn", engine, path, kind) for engine in ("llmcs", "onnxruntime")]
                     for _ in range(args.turns)]
            for row in pairs[0][0]:
                figures = compared([a[row] for a, _ in pairs], [b[row] for _, b in pairs], 12)
                print("%-12s %-8s %-10s %s" % (name, kind, row, figures), flush=True)


if __name__ == "__main__":
    main()
