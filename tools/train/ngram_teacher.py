"""Linear models over one to three tokens in a row: they give every training review a soft label and every token of it a
weight, both from models that did not see the review. A small transformer learns more from them than from its few passes over
the data alone. Needs scipy and scikit-learn.
"""
import math
import sys

import numpy as np


class Ngrams:
    """Counts of one to three neighbouring tokens as sparse rows, with TF-IDF weights.

    A run of n tokens is the number made of their ids in base `base`, so plain numpy finds the frequent ones."""

    def __init__(self, base, rows, min_count):
        self.base = base
        counted = [np.unique(keys, return_counts=True) for keys in self._keys(np.concatenate(rows))]
        self.tables = [keys[counts >= min_count] for keys, counts in counted]
        self.offsets = np.cumsum([0] + [len(table) for table in self.tables])
        document_counts = np.bincount(self._counts(rows).indices, minlength=self.offsets[-1])
        self.idf = np.log((1 + len(rows)) / (1 + document_counts)) + 1

    def _keys(self, ids):
        ids = ids.astype("int64")
        pairs = ids[:-1] * self.base + ids[1:]
        return ids, pairs, pairs[:-1] * self.base + ids[2:]

    def columns(self, ids):
        """Three arrays: for each run of one, two, three tokens its column, or -1."""
        out = []
        for table, keys, offset in zip(self.tables, self._keys(ids), self.offsets):
            if len(table) == 0:
                out.append(np.full(len(keys), -1))
                continue
            slot = np.minimum(np.searchsorted(table, keys), len(table) - 1)
            out.append(np.where(table[slot] == keys, slot + offset, -1))
        return out

    def _counts(self, rows):
        import scipy.sparse as sparse
        columns = [np.concatenate(self.columns(ids)) for ids in rows]
        columns = [c[c >= 0] for c in columns]
        ends = np.cumsum([0] + [len(c) for c in columns])
        flat = np.concatenate(columns)
        x = sparse.csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(rows), self.offsets[-1]))
        x.sum_duplicates()
        return x

    def features(self, rows):
        from sklearn.preprocessing import normalize
        x = self._counts(rows)
        x.data = (1 + np.log(x.data)) * self.idf[x.indices]
        return normalize(x)

    def spread(self, ids, weights):
        """Per token, the mean weight of the runs that cover it, summed over run lengths."""
        out = np.zeros(len(ids))
        for n, columns in enumerate(self.columns(ids), 1):
            w = np.where(columns >= 0, weights[columns], 0.0) / n
            for shift in range(n):
                out[shift:shift + len(w)] += w
        return out


def log_count_ratio(x, y):
    """How much likelier each feature is in positive than in negative rows (naive Bayes, add one), as a logarithm."""
    present = x > 0
    positive = np.asarray(present[y == 1].sum(0)).ravel() + 1.0
    negative = np.asarray(present[y == 0].sum(0)).ravel() + 1.0
    return np.log(positive / positive.sum()) - np.log(negative / negative.sum())


def linear_teacher(x, y, strengths):
    """(weights, intercept) of the mean of two logistic regressions, one plain, one on naive Bayes scaled features."""
    import scipy.sparse as sparse
    from sklearn.linear_model import LogisticRegression
    scale = np.abs(log_count_ratio(x, y))
    plain = LogisticRegression(C=strengths[0], solver="liblinear", random_state=0).fit(x, y)
    scaled = LogisticRegression(C=strengths[1], solver="liblinear", random_state=0).fit(x @ sparse.diags(scale), y)
    return (plain.coef_[0] + scaled.coef_[0] * scale) / 2, (plain.intercept_[0] + scaled.intercept_[0]) / 2


def calibrate(scores, labels):
    """The factor that makes sigmoid(factor * score) the likeliest, by bisection on the slope of the likelihood."""
    low, high = 0.01, 100.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        slope = np.sum(scores * (labels - 1 / (1 + np.exp(-middle * scores))))
        low, high = (middle, high) if slope > 0 else (low, middle)
    return low


def teach(rows, labels, base, folds, seed, strengths=(10.0, 3.0)):
    """(soft labels, [weights of the tokens]) of rows of ids that start with [CLS] and end with [SEP]."""
    inner = [ids[1:-1] for ids in rows]
    ngrams = Ngrams(base, inner, min_count=2)
    x = ngrams.features(inner)
    part = np.random.default_rng(seed).permutation(len(rows)) % folds
    scores, weights = np.zeros(len(rows)), [None] * len(rows)
    for fold in range(folds):
        inside = part == fold
        coefficients, intercept = linear_teacher(x[~inside], labels[~inside], strengths)
        scores[inside] = x[inside] @ coefficients + intercept
        for i in np.flatnonzero(inside):
            weights[i] = ngrams.spread(inner[i], coefficients * ngrams.idf)
    scale = np.concatenate(weights).std() + 1e-9
    weights = [np.concatenate([[0], np.clip(w / scale, -8, 8), [0]]).astype("float16") for w in weights]
    soft = 1 / (1 + np.exp(-calibrate(scores, labels) * scores))
    print(f"n-gram teacher: {x.shape[1]:,} features, accuracy on rows it did not see {np.mean((scores > 0) == labels):.4f}", file=sys.stderr, flush=True)
    return soft.astype("float32"), weights
