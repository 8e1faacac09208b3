"""What test_pipelines.py asks pipelines, here and in Transformers: models with random weights from this tree, each with a
tokenizer, and calls. make.py writes what Transformers answers to expected.jsonl.
"""

import json
import os
import string

DATA = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(DATA))

TEXTS = ["Anna ordered a red dress in Berlin.", "The zip broke after 2 days!", "质量很好,穿着舒服 ok"]
ASCII = ["red dress", "a zip broke", "x"]
CHAT = [{"role": "user", "content": "red dress"}]
PREFILLED = [*CHAT, {"role": "assistant", "content": "a zip"}]
TEMPLATE = "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}{% if add_generation_prompt %}bot :{% endif %}"
SHORT = {"max_new_tokens": 6}
QUESTION, CONTEXT = "Where is it?", "Anna ordered a red dress from the warehouse in Berlin. It is in Oslo, she says."


def call(*args, **kwargs):
    return {"args": list(args), "kwargs": kwargs}


def case(model, tokenizer, task, *calls, init=None, config=None):
    """tokenizer: a folder below tests/data, or "words": a WordPiece vocabulary of the model's size, made here; "chat":
    the same with a chat template. config: changes to config.json."""
    return {
        "model": model, "tokenizer": tokenizer, "task": task, "init": init or {}, "config": config or {},
        "calls": list(calls),
    }  # fmt: skip


def generation(model, tokenizer="words", task="text-generation", *more):
    return case(
        model, tokenizer, task,
        call("red dress"), call(["red dress", "a zip broke"]), call("x", max_new_tokens=3),
        call("red dress", num_beams=3, num_return_sequences=2), call(["x", "y z"], num_beams=2), *more, init=SHORT,
    )  # fmt: skip


CLASSIFY = (
    call("red dress"), call(ASCII), call(ASCII, top_k=2), call("x", top_k=None), call("x", top_k=1),
    call({"text": "red", "text_pair": "dress"}), call([{"text": "red", "text_pair": "a zip"}], top_k=None),
    call("red", function_to_apply="none"), call(["red", "zip"], function_to_apply="sigmoid", top_k=3),
    call("x", function_to_apply="softmax"),
)  # fmt: skip

CASES = [
    case("golden/bert-cls", "words", "text-classification", *CLASSIFY),
    case("golden/bert-cls", "words", "sentiment-analysis", call("x"), call("x", return_all_scores=True), init={"top_k": 2}),
    case("golden/bert-cls", "words", "text-classification", call("x"), call(ASCII), init={"return_all_scores": True}),
    case("golden/distilbert-cls", "words", "text-classification", *CLASSIFY),
    case("golden/roberta-cls", "words", "text-classification", call(ASCII, top_k=None)),
    case("golden/bert-cls", "words", "text-classification", call(ASCII, top_k=None), call("x"),
         config={"problem_type": "multi_label_classification"}),
    case("golden/bert-cls", "words", "text-classification", call(ASCII, top_k=None), call("x"),
         config={"problem_type": "regression"}),
    case("golden/bert-cls", "words", "text-classification", call("red dress " * 30, truncation=True),
         call("red dress " * 30, truncation=True, max_length=9)),
    *(
        case("spans/%s-tags" % kind, "tokenizers/" + tokenizer, task, call(TEXTS[0]), call(TEXTS), call(TEXTS[:1]),
             call(TEXTS, aggregation_strategy="simple"), call(TEXTS, aggregation_strategy="first"),
             call(TEXTS, aggregation_strategy="max"), call(TEXTS, aggregation_strategy="average"),
             call(TEXTS[0], ignore_labels=["O", "I-LOC"]), call(TEXTS[1], ignore_labels=[]),
             call(TEXTS, ignore_labels=[], aggregation_strategy="simple"),
             call(TEXTS[0] * 8, aggregation_strategy="simple", stride=8), call(TEXTS[1], grouped_entities=True))
        for kind, tokenizer, task in (
            ("bert", "tiny-bert-cased", "ner"), ("distilbert", "tiny-bert-uncased", "token-classification"),
            ("roberta", "tiny-roberta", "token-classification"),
        )
    ),
    *(
        case("spans/%s-answers" % kind, "tokenizers/" + tokenizer, "question-answering",
             call(question=QUESTION, context=CONTEXT), call({"question": QUESTION, "context": CONTEXT}, top_k=3),
             call(question=[QUESTION, "Who?"], context=CONTEXT), call(question=QUESTION, context=CONTEXT * 4, max_answer_len=5),
             call([{"question": QUESTION, "context": CONTEXT}, {"question": "谁?", "context": TEXTS[2]}], align_to_words=False),
             call(question="Who?", context=CONTEXT, handle_impossible_answer=True, top_k=4),
             call(question="Who?", context=CONTEXT * 3, max_seq_len=40, doc_stride=10, top_k=2))
        for kind, tokenizer in (("bert", "tiny-bert-uncased"), ("distilbert", "tiny-bert-cased"), ("roberta", "tiny-roberta"))
    ),
    case("golden/bert-mlm", "words", "fill-mask", call("red [MASK]"), call(["red [MASK]", "a [MASK] b"], top_k=2),
         call("red [MASK] a [MASK]", top_k=2), call("[MASK] zip", targets=["red", "dress", "a"]), call(["x [MASK]"]),
         call("red [MASK]", targets="zip", top_k=9),
         call("[MASK] " + "red " * 90, top_k=2, tokenizer_kwargs={"truncation": True})),
    case("golden/bert-embed", "words", "feature-extraction", call("red dress"), call(ASCII),
         call("red dress " * 40, truncation=True), call("red dress " * 40, tokenize_kwargs={"truncation": True, "max_length": 5})),
    case("golden/bert-cls", "words", "feature-extraction", call("red dress")),
    *(
        case("zero-shot/" + kind, "tokenizers/" + tokenizer, "zero-shot-classification",
             call(TEXTS[0], candidate_labels=["travel", "clothes", "food"]), call(TEXTS, candidate_labels="good, bad"),
             call(TEXTS[:1], ["good", "bad"], multi_label=True, hypothesis_template="It is {}!"),
             call(TEXTS[1], candidate_labels=["refund"]), call(TEXTS[0] * 9, candidate_labels=["a", "b"]))
        for kind, tokenizer in (("bart", "tiny-roberta"), ("bert", "tiny-bert-uncased"))
    ),
    generation("golden/gpt2-processors", "words", "text-generation",
               call("red dress", return_full_text=False), call("red", prefix="a zip "), call("red", return_tensors=True),
               call("red dress " * 20, max_new_tokens=20, handle_long_generation="hole"), call("red", add_special_tokens=False),
               call("red", stop_sequence="dress"), call("red", max_length=12, max_new_tokens=None),
               call("red , a zip ' s x", clean_up_tokenization_spaces=False), call("red dress " * 9, truncation=True, max_length=8),
               call("red", suppress_tokens=[5, 6, 7], repetition_penalty=1.3)),
    generation("golden/qwen2-window"),
    generation("golden/llama-biases"),
    generation("golden/mistral-window"),
    case("golden/gpt2-processors", "chat", "text-generation", call(CHAT), call(PREFILLED), call([CHAT, PREFILLED]),
         call(CHAT, return_full_text=False), call(PREFILLED, continue_final_message=False), call("red dress"), init=SHORT),
    generation("golden/t5-tied", "words", "text2text-generation", call("red", return_tensors=True)),
    generation("golden/bart-uneven", "words", "text2text-generation"),
    generation("golden/bart-uneven", "words", "summarization"),
    case("golden/t5-tied", "words", "translation_en_to_de", call("red dress"), call(ASCII), init=SHORT,
         config={"task_specific_params": {"translation_en_to_de": {"prefix": "a zip ", "max_length": 9, "num_beams": 2}}}),
    case("golden/t5-tied", "words", "summarization", call("red dress"),
         config={"task_specific_params": {"summarization": {"prefix": "dress ", "max_length": 7, "min_length": 3}}}),
    case("translation/marian", "sentencepiece/marian", "translation", call("Hello, world!"), call(["a", "Where is my order?"]),
         call("Hello, world!", num_beams=3, num_return_sequences=2)),
    case("translation/mbart", "sentencepiece/mbart", "translation", call("Hello, world!", src_lang="en_XX", tgt_lang="ro_RO"),
         call(["a", "退货退货"], src_lang="en_XX", tgt_lang="zh_CN")),
    case("translation/mbart50", "sentencepiece/mbart50", "translation", call("Hello, world!"), call(["a"]),
         init={"src_lang": "zh_CN", "tgt_lang": "en_XX", "max_new_tokens": 9}),
]  # fmt: skip


NO_TYPES = ["input_ids", "attention_mask"]


def vocabulary(n):
    """[PAD] [UNK] [CLS] [SEP] [MASK], words, and pieces: n in all."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "dress", "a", "zip", "bro", "##ke", "user", "bot"]
    words += list(":,.'!") + [c for c in string.ascii_lowercase if c not in words] + ["assistant"]
    words += ["##" + c for c in string.ascii_lowercase] + ["w%d" % i for i in range(n)]
    return words[:n]


def compose(case, folder, models=DATA):
    """The case's model with its tokenizer, in a new folder."""
    os.makedirs(folder)
    model = case["model"] if os.path.isabs(case["model"]) else os.path.join(models, case["model"])
    for name in sorted(os.listdir(model)):
        if name not in ("cases.json", "expected.safetensors"):
            os.symlink(os.path.join(model, name), os.path.join(folder, name))
    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        config = {**json.load(f), **case.get("config", {})}
    os.remove(os.path.join(folder, "config.json"))
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f)
    n_ctx = config.get("max_position_embeddings") or config.get("n_positions") or 64
    names = {} if config["model_type"] in ("bert", "electra", "albert") else {"model_input_names": NO_TYPES}
    n_ctx -= 2 if config["model_type"] == "roberta" else 0
    if case["tokenizer"] in ("words", "chat"):
        settings = {
            "tokenizer_class": "BertTokenizer", "do_lower_case": True, "clean_up_tokenization_spaces": False,
            "model_max_length": n_ctx, "padding_side": "right",
            "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
        }  # fmt: skip
        settings.update(names)
        if case["tokenizer"] == "chat":
            settings["chat_template"] = TEMPLATE
        with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as f:
            f.write("".join(word + "\n" for word in vocabulary(config["vocab_size"])))
        with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as f:
            json.dump(settings, f)
    elif case["tokenizer"]:
        tokenizer = os.path.join(DATA, case["tokenizer"])
        for name in os.listdir(tokenizer):
            os.symlink(os.path.join(tokenizer, name), os.path.join(folder, name))
        path = os.path.join(folder, "tokenizer_config.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                settings = {**json.load(f), "model_max_length": n_ctx, **names}
            os.remove(path)
            with open(path, "w", encoding="utf-8") as f:
                json.dump(settings, f)
    return folder


def plain(value):
    """As JSON can hold it."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return round(value, 7) if isinstance(value, float) else value


def of_transformers(case, folder):
    """What Transformers' pipeline answers to each call, or the error's class."""
    import copy
    import warnings

    from transformers import pipeline

    made = pipeline(case["task"], model=folder, device="cpu", **case["init"])
    found = []
    for one in copy.deepcopy(case["calls"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(plain(made(*one["args"], **one["kwargs"])))
    return found
