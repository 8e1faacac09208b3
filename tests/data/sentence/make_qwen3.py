"""Makes qwen3-embedding/ and qwen3-reranker/ with qwen3.json: what sentence-transformers and the reranker's own recipe
compute with them.

    python3 tests/data/sentence/make_qwen3.py    (transformers 4.51.3, sentence-transformers 5.1.2, torch, tokenizers 0.21)

The folders have the files of Qwen/Qwen3-Embedding-0.6B and Qwen/Qwen3-Reranker-0.6B with a tiny network of random weights
and a vocabulary of bytes, some merges and Qwen's control tokens. The recipe is the one of the reranker's model card.
"""

import json
import pathlib
import shutil
import tempfile

import numpy
import torch
from sentence_transformers import SentenceTransformer, models
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

HERE = pathlib.Path(__file__).parent
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MERGES = ["y e", "ye s", "n o", "t h", "th e", "Ġ the", "s h", "sh o", "sho p", "Ġ t", "Ġt e", "Ġte a", "i n"]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
THINK = ["<think>", "</think>"]
TASK = "Given a web search query, retrieve relevant passages that answer the query"
TEXTS = ["the shop", "green tea, two boxes", "", "  Wo ist mein Paket?\n", "茶叶怎么退？ yes or no"]
DOCS = TEXTS + ["<|im_end|> is text", "Tea may be returned within fourteen days. " * 8]


def tokenizer(append):
    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for merge in MERGES:
        vocab.setdefault(merge.replace(" ", ""), len(vocab))
    merges = [tuple(merge.split(" ")) for merge in MERGES]
    t = Tokenizer(BPE(vocab=vocab, merges=merges))
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(x, special=True, normalized=False) for x in CONTROL])
    t.add_tokens([AddedToken(x, special=False, normalized=False) for x in THINK])
    byte_level = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    end = (CONTROL[0], t.token_to_id(CONTROL[0]))
    if append:
        template = processors.TemplateProcessing("$A " + CONTROL[0], "$A $B:1 " + CONTROL[0], [end])
        t.post_processor = processors.Sequence([byte_level, template])
    else:
        t.post_processor = byte_level
    return t


def write_tokenizer(folder, append):
    t = tokenizer(append)
    t.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "add_prefix_space": False,
                "additional_special_tokens": CONTROL[1:],
                "bos_token": None,
                "clean_up_tokenization_spaces": False,
                "eos_token": CONTROL[2],
                "model_max_length": 512,
                "pad_token": CONTROL[0],
                "tokenizer_class": "Qwen2Tokenizer",
                "unk_token": None,
            }
        )
        + "\n"
    )
    return t.get_vocab_size()


def network(vocab, seed):
    config = Qwen3Config(
        vocab_size=vocab + 7,  # as Qwen's, more rows than tokens
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=512,
        rope_theta=1000000.0,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        max_window_layers=2,
    )
    model = Qwen3ForCausalLM(config).eval()
    random = numpy.random.default_rng(seed)
    for name, p in model.named_parameters():
        norm = "norm" in name
        p.data = torch.tensor(random.normal(1 if norm else 0, 0.3, p.shape), dtype=torch.float32)
    return model


def embedding(expected):
    folder = HERE / "qwen3-embedding"
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as path:
        work = pathlib.Path(path)
        model = network(write_tokenizer(work, True), 5)
        model.model.save_pretrained(work)
        transformer = models.Transformer(path)
        modules = [
            transformer,
            models.Pooling(24, pooling_mode_mean_tokens=False, pooling_mode_lasttoken=True),
            models.Normalize(),
        ]
        prompts = {"query": "Instruct: %s\nQuery:" % TASK, "document": ""}
        st = SentenceTransformer(modules=modules, device="cpu", prompts=prompts, similarity_fn_name="cosine")
        st.tokenizer.padding_side = "left"
        st.save(str(folder), create_model_card=False)
        for name in folder.glob("*"):
            if name.name in ("vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json"):
                name.unlink()
        shutil.copy(work / "tokenizer.json", folder)
        shutil.copy(work / "tokenizer_config.json", folder)
        config = json.loads((folder / "config.json").read_text())
        config["architectures"] = ["Qwen3ForCausalLM"]  # as in Qwen's folder, whose tensors have no prefix
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        for text in TEXTS:
            for how in ({}, {"prompt_name": "query"}, {"prompt": "Instruct: find\nQuery:"}, {"truncate_dim": 8}):
                vector = [float("%.7g" % x) for x in st.encode(text, show_progress_bar=False, **how)]
                expected["embed"].append({"text": text, **how, "vector": vector})


def reranker(expected):
    """The model card's format_instruction and compute_logits."""
    folder = HERE / "qwen3-reranker"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model = network(write_tokenizer(folder, False), 6)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    t = AutoTokenizer.from_pretrained(folder, padding_side="left")
    prefix = (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
        'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    )
    suffix = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    before, after = (t.encode(x, add_special_tokens=False) for x in (prefix, suffix))
    yes, no = t.convert_tokens_to_ids("yes"), t.convert_tokens_to_ids("no")
    for task in (None, "Find the sentence of the same meaning"):
        for doc in DOCS:
            text = "<Instruct>: %s\n<Query>: %s\n<Document>: %s" % (task or TASK, "the tea shop", doc)
            for most in (512, 400):
                ids = tokenizer(False).encode(text, add_special_tokens=False).ids
                if "<|im_end|>" in doc:  # here a user's text never becomes a control token
                    ids = plain_ids(text)
                ids = before + ids[: most - len(before) - len(after)] + after
                with torch.no_grad():
                    logits = model(torch.tensor([ids])).logits[0, -1]
                pair = torch.stack([logits[no], logits[yes]]).log_softmax(0)
                row = {"query": "the tea shop", "doc": doc, "score": float(pair[1].exp()), "max_length": most}
                row["logit"] = float(logits[yes] - logits[no])
                expected["rerank"].append({**row, **({"prompt": task} if task else {})})


def plain_ids(text):
    """Ids of a text in which control tokens are text: they are cut where a plain tokenizer has no such tokens."""
    t = json.loads(tokenizer(False).to_str())
    t["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(t)).encode(text, add_special_tokens=False).ids


def main():
    torch.set_num_threads(1)
    expected = {"embed": [], "rerank": []}
    embedding(expected)
    reranker(expected)
    rows = {k: "[\n" + ",\n".join(json.dumps(row) for row in v) + "\n]" for k, v in expected.items()}
    (HERE / "qwen3.json").write_text("{" + ",\n".join('"%s": %s' % kv for kv in rows.items()) + "}\n")


if __name__ == "__main__":
    main()
