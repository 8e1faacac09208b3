#!/usr/bin/env python3
"""The plain baseline for the review classifier: TF-IDF and logistic regression, one model per language.

Chinese is cut into single characters and character pairs, English into words and word pairs. Trained on the
same rows and scored on the same held-out tenth as train_encoder.py. Needs scikit-learn.

    python3 tools/train/tfidf_baseline.py --data DIR
"""
import argparse
import json
import sys

from rows import find_data, is_held_out, read_jsonl

LANGUAGES = ("zh", "en")
LABELS = {"negative": 0, "positive": 1}


def load_reviews(folder, language, limit=None):
    """(training rows, held-out rows) of sentiment-LANGUAGE in `folder`, as lists of (text, label 0 or 1).

    A text that occurs twice counts once, and the hash of the text alone says on which side it falls, so no
    held-out text is ever trained on. `limit` keeps only the first so many rows of the file."""
    path = find_data(folder, "sentiment-" + language)
    if path is None:
        sys.exit(f"{folder}: no sentiment-{language}.train.jsonl.gz")
    train, held_out, seen = [], [], set()
    for row in read_jsonl(path)[:limit]:
        if row["text"] in seen:
            continue
        seen.add(row["text"])
        side = held_out if is_held_out({"text": row["text"]}) else train
        side.append((row["text"], LABELS[row["label"]]))
    return train, held_out


def baseline(language, train, held_out, strength=10.0):
    """Accuracy on `held_out` of TF-IDF and logistic regression trained on `train`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    if language == "zh":
        features = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    else:
        features = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    x = features.fit_transform(text for text, _ in train)
    model = LogisticRegression(C=strength, solver="liblinear", random_state=0)
    model.fit(x, [label for _, label in train])
    return model.score(features.transform(text for text, _ in held_out), [label for _, label in held_out])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with sentiment-zh and sentiment-en")
    parser.add_argument("--strength", type=float, default=10.0, help="inverse L2 penalty C (default: %(default)s)")
    parser.add_argument("--out", help="also write the figures to this JSON file")
    args = parser.parse_args()
    figures = {}
    for language in LANGUAGES:
        train, held_out = load_reviews(args.data, language)
        accuracy = baseline(language, train, held_out, args.strength)
        figures[language] = {"train_rows": len(train), "held_out_rows": len(held_out), "accuracy": round(accuracy, 4)}
        print(f"{language}: {len(train)} rows to train on, {len(held_out)} held out, accuracy {accuracy:.4f}", flush=True)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            json.dump(figures, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()
