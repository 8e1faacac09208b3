#!/usr/bin/env python3
"""Figures of an encoder on the rows that training held back: how its vectors agree with the teacher's, how well a Chinese
question finds its English twin, what a logistic regression reads from the vector, and the verdicts on reviews.

    python3 tools/train/encoder_figures.py --data DIR --model examples/models/shop-encoder [--teacher MINILM] [--weights int8]

Needs the built library, scikit-learn and the data sets of train_encoder.py.
"""
import argparse
import json
import os
import random
import sys

import numpy as np

import encoder_data
import shop_reviews
from review_cases import CASES

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import llmcs  # noqa: E402

figures = {}


def show(name, **values):
    figures[name] = {k: round(float(v), 4) for k, v in values.items()}
    print(f"{name}: " + "  ".join(f"{k} {v:,.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items()), flush=True)


def ranks(x):
    out = np.empty(len(x))
    out[np.argsort(x)] = np.arange(len(x))
    return out


def area_under_roc(scores, positive):
    order = ranks(scores)
    n = positive.sum()
    return (order[positive].sum() - n * (n - 1) / 2) / (n * (len(scores) - n))


def against_teacher(data, model, teacher):
    """Spearman's correlation of cosines over random pairs of held-out English texts, per data set and over all."""
    rng, everything = random.Random(0), []
    for name, field in (("intent-en", "text"), ("oos-en", "text"), ("banking-en", "text"), ("copy-en", "name"), ("sentiment-en", "text")):
        texts = [encoder_data.chunks_en(encoder_data.join_contractions(r[field]))[0] for r in encoder_data.held_out_rows(data, name, field) if len(r[field]) > 8]
        everything.append(rng.sample(texts, min(400, len(texts))))
    everything.append([t for texts in everything for t in texts])
    for name, texts in zip(("intent-en", "oos-en", "banking-en", "copy-en", "review-en", "all"), everything):
        a, b = np.asarray(model.embed(texts)), np.asarray(teacher.embed(texts))
        above = np.triu_indices(len(texts), 1)
        show(f"spearman with the teacher, {name}", texts=len(texts), rho=np.corrcoef(ranks((a @ a.T)[above]), ranks((b @ b.T)[above]))[0, 1])


def retrieval(model):
    """Chinese text to its English twin among all English texts of the kind, and back."""
    for name, made in (("questions", encoder_data.parallel_questions(30000, 1)), ("titles", encoder_data.parallel_products(20000, 2)), ("reviews", shop_reviews.reviews(24000, 3))):
        held = encoder_data.held_out_questions(made)[1]
        random.Random(0).shuffle(held)
        seen, pairs = set(), []
        for p in held:
            if p[0].lower() not in seen and p[1] not in seen and len(pairs) < 1000:
                seen.update((p[0].lower(), p[1]))
                pairs.append(p)
        a, b = np.asarray(model.embed([p[0] for p in pairs])), np.asarray(model.embed([p[1] for p in pairs]))
        s = b @ a.T
        own = s.diagonal()
        show(f"zh-en retrieval, held-out {name}", pairs=len(pairs), zh_to_en=float(np.mean(s.argmax(1) == np.arange(len(pairs)))), en_to_zh=float(np.mean(s.argmax(0) == np.arange(len(pairs)))),
             mrr=float(np.mean(1 / (1 + (s > own[:, None]).sum(1)))))


def head(name, model, train, test, strength=10.0):
    """Accuracy on `test` of a logistic regression on the vectors of `train`; both [(text, label)]. Returns (probabilities, model)."""
    from sklearn.linear_model import LogisticRegression
    x, y = np.asarray(model.embed([t for t, _ in train])), [label for _, label in train]
    fitted = LogisticRegression(C=strength, max_iter=400).fit(x * x.shape[1] ** 0.5 / 4, y)
    p = fitted.predict_proba(np.asarray(model.embed([t for t, _ in test])) * x.shape[1] ** 0.5 / 4)
    right = fitted.classes_[p.argmax(1)] == np.array([label for _, label in test])
    show(f"logistic head, {name}", train=len(train), test=len(test), accuracy=float(right.mean()))
    return p, right


def heads(data, model, most):
    def rows(name, label, keep=lambda r: True):
        train, test = encoder_data.training_rows(data, name), encoder_data.held_out_rows(data, name)
        random.Random(0).shuffle(train)
        return [(r["text"], r[label]) for r in train if keep(r)][:most], [(r["text"], r[label]) for r in test if keep(r)]

    head("intent-en (27)", model, *rows("intent-en", "intent"))
    head("banking-en (77)", model, *rows("banking-en", "intent"))
    train, test = rows("oos-en", "intent")
    inside = [t for t in train if t[1] != "oos"]
    p, right = head("oos-en (150, in scope)", model, inside, [t for t in test if t[1] != "oos"])
    out_of_scope = [t for t in rows("oos-en", "intent")[1] if t[1] == "oos"]
    train_p, _ = head("oos-en with its out-of-scope rows", model, inside, [t for t in test if t[1] != "oos"] + out_of_scope)
    n = len(test) - len(out_of_scope)
    show("oos-en, out of scope by the largest probability", rows=len(out_of_scope), auroc=area_under_roc(-train_p.max(1), np.arange(len(train_p)) >= n))
    for name in ("moderation-zh", "moderation-en"):
        train, test = rows(name, "label")
        p, right = head(name, model, train, test)
        if name.endswith("en"):
            labels, guess = sorted({y for _, y in train}), p.argmax(1)
            truth = np.array([labels.index(y) for _, y in test])
            show("macro-F1, moderation-en", f1=float(np.mean([2 * np.sum((guess == k) & (truth == k)) / (np.sum(guess == k) + np.sum(truth == k)) for k in range(len(labels))])))
    for name in ("sentiment-zh", "sentiment-en"):
        head(name, model, *rows(name, "label"))


def verdicts(data, model):
    """The sentiment head on whole held-out reviews, and on the cases written by hand."""
    labels = model.labels

    def positive(texts):
        return np.asarray(model.classify_scores(texts))[:, labels.index("positive")]

    for name in ("sentiment-zh", "sentiment-en"):
        rows = encoder_data.held_out_rows(data, name)
        p, y = positive([r["text"] for r in rows]), np.array([r["label"] == "positive" for r in rows])
        sure = np.abs(p - 0.5) > 0.3
        bins = np.minimum((np.maximum(p, 1 - p) * 20).astype(int), 19)
        right = (p > 0.5) == y
        ece = sum(abs(right[bins == b].mean() - np.maximum(p, 1 - p)[bins == b].mean()) * np.mean(bins == b) for b in set(bins))
        show(f"verdicts, {name}", rows=len(rows), accuracy=float(right.mean()), ece=float(ece), sure=float(sure.mean()), accuracy_when_sure=float(right[sure].mean()))
    for language, cases in CASES.items():
        texts = [t for label in cases for t in cases[label]]
        p = dict(zip(texts, positive(texts)))
        good, bad, mixed = cases["positive"], cases["negative"], cases["mixed"]
        show(f"verdicts, written by hand, {language}", clear=len(good) + len(bad), right=float(np.mean([p[t] > 0.5 for t in good] + [p[t] < 0.5 for t in bad])),
             surely_wrong=float(np.mean([p[t] < 0.2 for t in good] + [p[t] > 0.8 for t in bad])), unsure=float(np.mean([0.2 <= p[t] <= 0.8 for t in good + bad])),
             mixed=len(mixed), mixed_unsure=float(np.mean([0.2 <= p[t] <= 0.8 for t in mixed])))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--teacher", help="all-MiniLM-L6-v2; without it, that comparison is skipped")
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=int, default=20000, help="rows a logistic head is trained on at most")
    parser.add_argument("--only", help="spearman, retrieval, heads, verdicts")
    parser.add_argument("--out", help="also write the figures to this JSON file")
    args = parser.parse_args()
    model = llmcs.Model(args.model, weights=args.weights, n_threads=args.threads)
    wanted = args.only.split(",") if args.only else ["verdicts", "retrieval", "spearman", "heads"]
    if "verdicts" in wanted and "classification" in model.heads:
        verdicts(args.data, model)
    if "retrieval" in wanted:
        retrieval(model)
    if "spearman" in wanted and args.teacher:
        against_teacher(args.data, model, llmcs.Model(args.teacher, n_threads=args.threads))
    if "heads" in wanted:
        heads(args.data, model, args.most)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            json.dump(figures, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()
