#!/usr/bin/env python3
"""Accuracy of the demo models with weights other than float32: perplexity of shop-gpt2, accuracy of review-bert.

    python3 tools/eval/accuracy.py                    on texts of our own
    python3 tools/eval/accuracy.py --data DIR         and on the tenth of the data sets that training held back
    python3 tools/eval/accuracy.py --data DIR --documents 0 --reviews 0          all of it, not a sample

Texts of our own are sampled from the templates in tools/train with a fixed seed; reviews are put together from the phrases
below. Perplexity is that of the replies' tokens given their prompts. Needs the built library and Python, nothing else.
"""
import argparse
import math
import os
import random
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "tools", "python"), os.path.join(ROOT, "tools", "train")]

import llmcs  # noqa: E402
import shop_data  # noqa: E402
import shop_facts  # noqa: E402
import tfidf_baseline  # noqa: E402

GPT2 = os.path.join(ROOT, "examples", "models", "shop-gpt2")
BERT = os.path.join(ROOT, "examples", "models", "review-bert")
TYPES = ("f32", "f16", "bf16", "int8", "int4")
SEED = 20261122


# ---------------------------------------------------------------- texts

def own_documents(n):
    """{part: [(prompt, reply)]}, n each: replies from values as the model learned them, and copy with brands it never saw."""
    rng, parts = random.Random(SEED), {}
    for language in ("en", "zh"):
        parts["own-reply-" + language] = [shop_facts.from_values(rng, language) for _ in range(n)]
        parts["own-copy-" + language] = shop_data.template_copies(rng, language, n)
    return parts


def held_back_documents(folder, n):
    """The same of the rows held back, at most n a part (0: all), and with their own replies where they have some."""
    parts = shop_data.documents(shop_data.load(folder), SEED, held_out=True)
    rng = random.Random(SEED)
    return {name: rng.sample(rows, n) if 0 < n < len(rows) else rows for name, rows in parts.items()}


_THINGS = {"en": ["the jacket", "this kettle", "the novel", "this charger", "the hotel room", "these headphones", "the lamp"],
           "zh": ["这件外套", "这个水壶", "这本书", "这款手机", "酒店房间", "这副耳机", "这箱苹果"]}
_FINE = {"en": ["works very well", "is great value for the money", "arrived quickly and looks lovely", "was better than i expected", "is easy to use and i love it"],
         "zh": ["质量很好", "很喜欢，会再来买", "性价比高，值得推荐", "非常满意，物流也快", "做工精细，用起来方便"]}
_POOR = {"en": ["broke after two days", "is a waste of money", "was dirty and smelled bad", "never worked and nobody answers", "is much worse than the description"],
         "zh": ["质量太差了", "用了两天就坏了", "很失望，不会再买", "客服态度恶劣，不给退货", "和描述不符，上当了"]}
_LINKS = {"en": [", and it ", " . it ", " but it "], "zh": ["，而且", "。", "，但是"]}


def own_reviews():
    """{language: [(text, label 0 or 1)]}: one or two opinions about a thing. Of two, the last decides; those around a
    "but" are hard, which is what shows a change of weights."""
    out = {}
    for language, things in _THINGS.items():
        opinions = [(p, 0) for p in _POOR[language]] + [(p, 1) for p in _FINE[language]]
        space = " " if language == "en" else ""
        rows = [(t + space + p, label) for t in things for p, label in opinions]
        rows += [(t + space + p + link + q, label) for t in things for link in _LINKS[language]
                 for p, _ in opinions for q, label in opinions if p != q]
        out[language] = random.Random(SEED).sample(rows, 600)
    return out


def held_back_reviews(folder, n):
    rows = {language: tfidf_baseline.load_reviews(folder, language)[1] for language in tfidf_baseline.LANGUAGES}
    return {k: random.Random(SEED).sample(v, n) if 0 < n < len(v) else v for k, v in rows.items()}


# ---------------------------------------------------------------- figures

def perplexity(model, parts):
    """{part: (perplexity, tokens)}, and "all" for every token of every part."""
    session, out, all_nats, all_tokens = model.session(), {}, 0.0, 0
    for name, documents in parts.items():
        nats, tokens = 0.0, 0
        for prompt, reply in documents:
            if len(model.tokenizer.encode(prompt + reply)) > model.info["n_ctx"]:
                continue
            logprob, n = session.score(prompt, reply)
            nats, tokens = nats - logprob, tokens + n
        out[name] = (math.exp(nats / max(1, tokens)), tokens)
        all_nats, all_tokens = all_nats + nats, all_tokens + tokens
    out["all"] = (math.exp(all_nats / max(1, all_tokens)), all_tokens)
    session.close()
    return out


def probabilities(model, rows):
    """Of the positive class, for [(text, label)]."""
    out = []
    for i in range(0, len(rows), 32):
        texts = [text for text, _ in rows[i:i + 32]]
        out += [scores["positive"] for scores in model.classify(texts, overflow="truncate")]
    return out


def accuracy(rows, chances):
    return sum((p > 0.5) == bool(label) for (_, label), p in zip(rows, chances)) / max(1, len(rows))


def perplexities(parts, types, folder=GPT2, n_threads=0):
    """{type: perplexity(...)}"""
    out = {}
    for t in types:
        with llmcs.Model(folder, n_threads=n_threads, weights=t) as model:
            out[t] = perplexity(model, parts)
    return out


def all_chances(reviews, types, folder=BERT, n_threads=0):
    """{type: {language: [probability]}}"""
    out = {}
    for t in types:
        with llmcs.Model(folder, n_threads=n_threads, weights=t) as model:
            out[t] = {language: probabilities(model, rows) for language, rows in reviews.items()}
    return out


# ---------------------------------------------------------------- tables

def print_perplexities(title, found):
    types = list(found)
    print("\n### Perplexity of shop-gpt2, %s\n" % title)
    print("| part | tokens | %s |\n|---|---|%s" % (" | ".join(types), "---|" * len(types)))
    for part, (first, tokens) in found[types[0]].items():
        figures = ["%.4f" % first] + ["%.4f (%+.2f %%)" % (found[t][part][0], 100 * (found[t][part][0] / first - 1)) for t in types[1:]]
        print("| %s | %d | %s |" % (part, tokens, " | ".join(figures)))


def print_accuracies(title, reviews, found):
    types = list(found)
    print("\n### Accuracy of review-bert, %s\n" % title)
    print("In brackets: points of difference; verdicts that changed; the largest change of a probability.\n")
    print("| language | reviews | %s |\n|---|---|%s" % (" | ".join(types), "---|" * len(types)))
    for language, rows in reviews.items():
        first = found[types[0]][language]
        figures = ["%.4f" % accuracy(rows, first)]
        for t in types[1:]:
            chances = found[t][language]
            changed = sum((p > 0.5) != (q > 0.5) for p, q in zip(first, chances))
            figures.append("%.4f (%+.2f; %d; %.4f)" % (accuracy(rows, chances), 100 * (accuracy(rows, chances) - accuracy(rows, first)),
                                                      changed, max(abs(p - q) for p, q in zip(first, chances))))
        print("| %s | %d | %s |" % (language, len(rows), " | ".join(figures)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", help="the folder of data sets, as for training")
    p.add_argument("--documents", type=int, default=100, help="held-back documents a part (0: all; default 100)")
    p.add_argument("--reviews", type=int, default=2000, help="held-back reviews a language (0: all; default 2000)")
    p.add_argument("--types", default=",".join(TYPES), help="weights to measure, the first is what others are compared with")
    p.add_argument("--gpt2", default=GPT2, help="another folder than examples/models/shop-gpt2")
    p.add_argument("--bert", default=BERT, help="another folder than examples/models/review-bert")
    p.add_argument("--threads", type=int, default=0)
    args = p.parse_args()
    types = args.types.split(",")
    texts = [("texts of our own", own_documents(60), own_reviews())]
    if args.data:
        texts.append(("the held-back tenth", held_back_documents(args.data, args.documents), held_back_reviews(args.data, args.reviews)))
    for title, documents, reviews in texts:
        print_perplexities(title, perplexities(documents, types, args.gpt2, args.threads))
        print_accuracies(title, reviews, all_chances(reviews, types, args.bert, args.threads))


if __name__ == "__main__":
    main()
