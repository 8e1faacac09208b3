#!/usr/bin/env python3
"""Writes the rows of this folder and what other libraries compute on them: expected.json.

    pip install sacrebleu==2.6.0 rouge-score==0.1.2 nltk scikit-learn
    python3 make_expected.py

The texts are written or generated here, with a fixed seed. sacreBLEU gives BLEU and chrF, rouge-score ROUGE (Chinese:
with a tokenizer of one word a character), NLTK METEOR without WordNet and Porter's stems, scikit-learn F1, MCC and AUROC.
Paired tests are sacreBLEU's on the samples that llmcs_shop_metrics.h defines.
"""
import json
import os
import random
import re

import nltk.translate.meteor_score as nltk_meteor
import numpy as np
import sacrebleu
import sacrebleu.significance as significance
import sklearn.metrics
from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from rouge_score import tokenize as rouge_tokenize
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

FOLDER = os.path.dirname(os.path.abspath(__file__))
SEED, N_SAMPLES = 12345, 200

ENGLISH = [
    ("The parcel came on Monday, at 10.30.", ["The parcel arrived on Monday at 10.30.", "It came on Monday."]),
    ("Your order 10-4423 has been shipped.", ["Order 10-4423 was shipped yesterday."]),
    ("", ["There is an answer."]),
    ("There is no reference text.", [""]),
    ("", [""]),
    ("...", ["!!!", "..."]),
    ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
    ("Price: $1,299.00 (incl. VAT) -- 5% off!", ["The price is $1,299.00 incl. VAT, 5% off."]),
    ("Tom &amp; Anna said &quot;it&apos;s fine&quot; &lt;b&gt;really&lt;/b&gt; &amp;lt;", ['Tom & Anna said "it\'s fine" <b>really</b> &lt;']),
    ("a<skipped>b long-\nword across\nlines", ["ab longword across lines"]),
    ("Refunds are processed within 3-5 working days.\nPlease keep the receipt.\n", ["We refund within 5 working days.\nKeep the receipt, please.", "Refunds take 3-5 days."]),
    ("We're sorry; the blue jacket (size M) isn't in stock.", ["Sorry, the blue jacket in size M is not in stock."]),
    ("Running shoes, runner's socks and skies of flying ponies", ["He runs in a runner's shoe; the sky had flown pony flies."]),
    ("  leading and trailing spaces\t ", ["leading and  trailing spaces"]),
    ("e-mail: help@shop.example, tel. +1-555-0100", ["Write to help@shop.example or call +1-555-0100."]),
    ("Caf\u00e9 na\u00efve \u0130stanbul \u00c9TUDE stra\u00dfe", ["caf\u00e9 NA\u00cfVE \u0130STANBUL \u00e9tude strasse"]),
    ("1.5 kg, 2,5 kg, .5 kg and 7.", ["1.5kg, 2,5 kg, .5 kg, 7"]),
    ("\u201cGreat!\u201d \u2014 she said\u2026 it\u2019s \u20ac5", ["\"Great!\" - she said... it's \u20ac5"]),
    ("one", ["one"]),
    ("one two", ["one two three"]),
    ("Yes.", ["Yes.", "Yes, of course.", "No."]),
    ("word \U0001f600 emoji \U0001f44d\U0001f3fd end", ["word \U0001f600 emoji end"]),
    ("zip code 12345-6789; part no. A/B-9", ["Zip code 12345-6789, part number A/B-9"]),
    ("x" * 60 + " " + "ab" * 30, ["x" * 59 + " " + "ab" * 31]),
    ("mixed \u9000\u8d27 text and \u6362\u8d27 in 7 days", ["\u9000\u8d27 and \u6362\u8d27 within 7 days"]),
    ("I want to return the shoes. They are too small. Can I exchange them?", ["I would like to return my shoes.\nThey are too small.\nCan I exchange them?"]),
]

CHINESE = [
    ("\u60a8\u7684\u8ba2\u5355\u5df2\u7ecf\u53d1\u8d27\uff0c\u9884\u8ba13\u5929\u5185\u9001\u8fbe\u3002", ["\u60a8\u7684\u8ba2\u5355\u5df2\u53d1\u8d27\uff0c\u9884\u8ba1\u4e09\u5929\u5185\u9001\u5230\u3002"]),
    ("\u652f\u6301\u4e03\u5929\u65e0\u7406\u7531\u9000\u8d27\u3002", ["\u652f\u6301\u4e03\u5929\u65e0\u7406\u7531\u9000\u8d27\u3002"]),
    ("iPhone15\u624b\u673a\u58f3\u591a\u5c11\u94b1\uff1f", ["\u8bf7\u95eeiPhone 15\u7684\u624b\u673a\u58f3\u4ef7\u683c\u662f\u591a\u5c11\uff1f", "\u624b\u673a\u58f3\u591a\u5c11\u94b1"]),
    ("", ["\u6ca1\u6709\u56de\u7b54\u3002"]),
    ("\u5f88\u597d\u5f88\u597d\u5f88\u597d\u5f88\u597d", ["\u5f88\u597d", "\u8d28\u91cf\u5f88\u597d"]),
    ("\u4ef7\u683c\u662f\uffe51,299.00\u5143\uff08\u542b\u7a0e\uff09", ["\u4ef7\u683c\u4e3a1299\u5143\uff0c\u542b\u7a0e\u3002"]),
    ("\u8fd9\u6b3eT-shirt\u6709S/M/L\u4e09\u4e2a\u5c3a\u7801", ["T-shirt\u6709\u4e09\u4e2a\u5c3a\u7801\uff1aS\u3001M\u3001L\u3002"]),
    ("\u3002\uff0c\uff01", ["\uff1f"]),
    ("\u4f60\u597d world&amp;\u518d\u89c1", ["\u4f60\u597d world & \u518d\u89c1"]),
    ("\u6211\u8981\u9000\u8d27\n\u978b\u5b50\u592a\u5c0f\u4e86", ["\u6211\u60f3\u9000\u8d27\n\u978b\u5b50\u592a\u5c0f"]),
    ("\u300c\u30b5\u30a4\u30ba\u300d\u306f\u3069\u3046\u3067\u3059\u304b", ["\u30b5\u30a4\u30ba\u306f\u3044\u304f\u3064\u3067\u3059\u304b"]),
    ("\U00020000\U00020001\u53e4\u5b57 \u2460\u2461 \u25cf \u2014\u2014 \u201c\u5f15\u53f7\u201d", ["\U00020000\u53e4\u5b57 \u2460 \u25cf \u2014\u2014 \u201c\u5f15\u53f7\u201d"]),
    ("\uff21\uff22\uff23\uff11\uff12\uff13 \uac00\ub098\ub2e4", ["ABC123 \uac00\ub098\ub2e4"]),
    ("\u5feb\u9012 3.5 \u5929. .5 \u5143", ["\u5feb\u9012 3.5 \u5929\u3002 .5\u5143."]),
]

ENGLISH_WORDS = ("the a order parcel shoes refund return returned returning exchange price size small blue jacket is was in on "
                 "within days day 3-5 7 1,299.00 $20 don't it's e-mail (M) really happily organisation relational customers "
                 "customer's arrived, shipped; Monday. ! ? -- &amp; &lt; US-based skies dying news").split(" ")
CHINESE_WORDS = ("\u6211 \u8981 \u9000\u8d27 \u8ba2\u5355 \u5feb\u9012 \u978b\u5b50 \u5c3a\u7801 \u4ef7\u683c \u5927\u8863 \u5c0f \u592a \u4e86 \u7684 \u5417 \uff1f \uff0c \u3002 7 iPhone 15 XL \u5929 \u5143 \u4e0d \u6ca1 "
                 "\uff08 \uff09 \u5ba2\u670d \u4eca\u5929 - , \u300a \u300b").split(" ")


def noisy(rng, words, n, separator):
    return separator.join(rng.choice(words) for _ in range(n))


def changed(rng, text, words, separator):
    """A text near the other: words dropped, replaced, swapped."""
    parts = text.split(" ") if separator else list(text)
    for _ in range(rng.randrange(1, 5)):
        if not parts:
            break
        i = rng.randrange(len(parts))
        kind = rng.randrange(3)
        if kind == 0:
            del parts[i]
        elif kind == 1:
            parts[i] = rng.choice(words)
        else:
            parts.insert(i, parts[rng.randrange(len(parts))])
    return separator.join(parts)


def generated(rng, words, separator, n):
    rows = []
    for _ in range(n):
        reference = noisy(rng, words, rng.randrange(1, 30), separator)
        references = [reference] + [changed(rng, reference, words, separator) for _ in range(rng.randrange(3))]
        rows.append((changed(rng, reference, words, separator), references))
    return rows


def write_rows(name, rows):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


# ---- texts

def streams(rows):
    """References as sacreBLEU takes them: the i-th of every row, None where a row has fewer."""
    n = max(len(refs) for _, refs in rows)
    return [[refs[i] if i < len(refs) else None for _, refs in rows] for i in range(n)]


def sacre(make, rows):
    corpus = make(False).corpus_score([h for h, _ in rows], streams(rows)).score
    alone = make(True)
    return {"score": corpus, "rows": [alone.sentence_score(h, refs).score for h, refs in rows]}


CJK = "[\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]"


class CharacterWords:
    """rouge-score's own words, and each Chinese character a word."""

    def __init__(self, stem):
        self.stemmer = PorterStemmer() if stem else None

    def tokenize(self, text):
        words = []
        for part in re.split("(%s)" % CJK, text):
            words += [part] if re.fullmatch(CJK, part) else rouge_tokenize.tokenize(part, self.stemmer)
        return words


def rouge(kind, rows, stem, chinese):
    scorer = rouge_scorer.RougeScorer([kind], use_stemmer=stem, tokenizer=CharacterWords(stem) if chinese else None)
    scores = [float(scorer.score_multi(refs, h)[kind].fmeasure) for h, refs in rows]
    return {"score": sum(scores) / len(scores), "rows": scores}


class NoSynonyms:
    def synsets(self, word):
        return []


def meteor_words(text):
    """13a, and what sacreBLEU's zh sets apart a word each."""
    line = text.lower().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in line:
        for entity, char in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
            line = line.replace(entity, char)
    spaced = "".join(" %s " % c if TokenizerZh._is_chinese_char(c) else c for c in " %s " % line)
    return TokenizerRegexp()(spaced).split()


def meteor(rows):
    scores = [nltk_meteor.meteor_score([meteor_words(r) for r in refs], meteor_words(h), wordnet=NoSynonyms())
              for h, refs in rows]
    return {"score": sum(scores) / len(scores), "rows": scores}


def text_metrics(rows, chinese):
    out = {}
    for tok in ("13a", "zh", "char"):
        for lower in (False, True):
            name = "bleu --tokenize %s%s" % (tok, " --lowercase" if lower else "")
            out[name] = sacre(lambda alone: BLEU(tokenize=tok, lowercase=lower, effective_order=alone), rows)
    for lower in (False, True):
        flag = " --lowercase" if lower else ""
        out["chrf" + flag] = sacre(lambda alone: CHRF(lowercase=lower), rows)
        out["chrf++" + flag] = sacre(lambda alone: CHRF(word_order=2, lowercase=lower), rows)
    for kind in ("rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"):
        out[kind] = rouge(kind, rows, False, chinese)
        out[kind + " --stem"] = rouge(kind, rows, True, chinese)
    out["meteor"] = meteor(rows)
    return out


# ---- samples

def philox(counter, key):
    c, k = list(counter), [key & 0xffffffff, key >> 32]
    for _ in range(10):
        p0, p1 = 0xd2511f53 * c[0], 0xcd9e8d57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & 0xffffffff, p0 >> 32 ^ c[3] ^ k[1], p0 & 0xffffffff]
        k = [(k[0] + 0x9e3779b9) & 0xffffffff, (k[1] + 0xbb67ae85) & 0xffffffff]
    return c


class OurSamples:
    """Stands in for numpy's generator: the rows that llmcs_shop_metrics.h says a sample has."""

    def __init__(self, seed):
        self.seed = int(seed)

    def choice(self, n, size, replace):
        return np.array([[philox((i // 4, s, 0, 0), self.seed)[i % 4] * n >> 32 for i in range(size[1])]
                         for s in range(size[0])])


def paired(rows_a, rows_b):
    hypotheses = [("a", [h for h, _ in rows_a]), ("b", [h for h, _ in rows_b])]
    real = np.random.default_rng
    np.random.default_rng = OurSamples
    try:
        _, scores = significance.PairedTest(hypotheses, {"bleu": BLEU(), "chrf": CHRF()}, streams(rows_a), "bs",
                                            n_samples=N_SAMPLES)()
    finally:
        np.random.default_rng = real
    names = {"BLEU": "bleu --tokenize 13a", "chrF2": "chrf"}
    return {names[k]: {"a": a.score, "b": b.score, "p": b.p_value, "a_mean": float(a.mean), "b_mean": float(b.mean),
                       "a_half": float(a.ci), "b_half": float(b.ci)}
            for k, (a, b) in scores.items() if k != "System"}


# ---- labels and rankings

def calibration_error(rows, n_bins):
    bins = [[0, 0, 0.0] for _ in range(n_bins)]
    for row in rows:
        confidence = row["scores"][row["prediction"]]
        b = max(0, int(np.ceil(confidence * n_bins)) - 1)
        bins[b][0] += 1
        bins[b][1] += row["label"] == row["prediction"]
        bins[b][2] += confidence
    return sum(abs(right - confidence) for _, right, confidence in bins) / len(rows)


def label_rows(rng, classes, n):
    rows = []
    for _ in range(n):
        label = rng.choice(classes)
        raw = [round(rng.random() + (1.2 if c == label else 0), 2) for c in classes]
        scores = {c: round(r / sum(raw), 3) for c, r in zip(classes, raw)}
        rows.append({"label": label, "prediction": max(classes, key=lambda c: scores[c]), "scores": scores})
    return rows


def label_metrics(rows, classes):
    y, p = [r["label"] for r in rows], [r["prediction"] for r in rows]
    aurocs = [sklearn.metrics.roc_auc_score([t == c for t in y], [r["scores"].get(c, 0) for r in rows]) for c in classes]
    return {"accuracy": sklearn.metrics.accuracy_score(y, p), "f1_micro": sklearn.metrics.f1_score(y, p, average="micro"),
            "f1_macro": sklearn.metrics.f1_score(y, p, average="macro"), "mcc": sklearn.metrics.matthews_corrcoef(y, p),
            "ece": calibration_error(rows, 15), "ece --bins 10": calibration_error(rows, 10),
            "auroc": float(np.mean(aurocs))}


def binary_rows(rng, n):
    return [{"label": bool(t), "prediction": s > 0.5, "scores": s}
            for t, s in ((t, round(min(1, max(0, rng.gauss(0.35 + 0.3 * t, 0.2))), 2)) for t in
                         (rng.random() < 0.4 for _ in range(n)))]


def ranking_rows(rng, n):
    rows = []
    for i in range(n):
        items = ["item-%d" % k for k in range(30)]
        ranked = rng.sample(items, rng.randrange(1, 25))
        relevant = rng.sample(items, rng.randrange(1, 6))
        rows.append({"relevant": {r: rng.randrange(1, 4) for r in relevant} if i % 3 == 0 else relevant, "ranked": ranked})
    return rows


def ranking_metrics(rows):
    """Straight from the definitions; NDCG checked against scikit-learn where all items are ranked."""
    def one(row, k):
        gains = row["relevant"] if isinstance(row["relevant"], dict) else dict.fromkeys(row["relevant"], 1)
        top = row["ranked"][:k]
        found = [gains.get(i, 0) for i in top]
        dcg = sum(g / np.log2(r + 2) for r, g in enumerate(found))
        best = sum(g / np.log2(r + 2) for r, g in enumerate(sorted(gains.values(), reverse=True)[:k]))
        first = next((r + 1 for r, g in enumerate(found) if g), None)
        return sum(i in gains for i in top) / len(gains), 1 / first if first else 0, dcg / best
    out = {}
    for k in (1, 5, 10):
        recall, mrr, ndcg = np.mean([one(r, k) for r in rows], axis=0)
        out.update({"recall@%d" % k: recall, "mrr@%d" % k: mrr, "ndcg@%d" % k: ndcg})
    _, out["mrr"], out["ndcg"] = np.mean([one(r, 10 ** 6) for r in rows], axis=0)
    gains, order = [3, 0, 1, 2, 0], [0, 3, 1, 2, 4]
    row = {"relevant": {str(i): g for i, g in enumerate(gains) if g}, "ranked": [str(i) for i in order]}
    scores = [0] * 5
    for rank, i in enumerate(order):
        scores[i] = -rank
    assert abs(one(row, 10)[2] - sklearn.metrics.ndcg_score([gains], [scores])) < 1e-12
    return {k: float(v) for k, v in out.items()}


def main():
    rng = random.Random(20240917)
    english = ENGLISH + generated(rng, ENGLISH_WORDS, " ", 120)
    chinese = CHINESE + generated(rng, CHINESE_WORDS, "", 80)
    other = [(changed(rng, h, ENGLISH_WORDS, " "), refs) for h, refs in english]
    expected = {"versions": {"sacrebleu": sacrebleu.__version__, "numpy": np.__version__}}
    for name, rows in (("en", english), ("zh", chinese)):
        write_rows(name + ".jsonl", [{"hypothesis": h, "references": refs} for h, refs in rows])
        expected[name] = text_metrics(rows, name == "zh")
    # rouge-score alone knows no Chinese: where it equals ours is the rows without it.
    expected["en"].update({k: rouge(k.split()[0], english, "--stem" in k, True) for k in expected["en"] if "rouge" in k})
    plain = [r for r in english if not re.search(CJK, r[0] + "".join(r[1]))]
    for kind in ("rouge1", "rougeLsum"):
        assert rouge(kind, plain, True, True) == rouge(kind, plain, True, False)
    write_rows("en_other.jsonl", [{"hypothesis": h, "references": refs} for h, refs in other])
    expected["compare"] = {"n_samples": N_SAMPLES, "metrics": paired(english, other)}
    classes = ["return", "refund", "\u7269\u6d41", "other"]
    labels, binary, rankings = label_rows(rng, classes, 200), binary_rows(rng, 150), ranking_rows(rng, 60)
    write_rows("labels.jsonl", labels)
    write_rows("binary.jsonl", binary)
    write_rows("rankings.jsonl", rankings)
    expected["labels"] = label_metrics(labels, classes)
    y, s = [r["label"] for r in binary], [r["scores"] for r in binary]
    expected["binary"] = {"auroc": sklearn.metrics.roc_auc_score(y, s),
                          "mcc": sklearn.metrics.matthews_corrcoef(y, [r["prediction"] for r in binary])}
    expected["rankings"] = ranking_metrics(rankings)
    words = sorted({w for t in [h for h, _ in english] + [r for _, refs in english for r in refs]
                    for w in re.findall("[a-z]+", t.lower())} | set(STEM_WORDS.split()))
    expected["stems"] = {w: PorterStemmer().stem(w) for w in words}
    with open(os.path.join(FOLDER, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(expected, f, ensure_ascii=False, indent=0, sort_keys=True)
        f.write("\n")


STEM_WORDS = """caresses ponies ties dies lies cats feed agreed plastered bled motoring sing conflated troubled sized hopping
tanned falling hissing fizzed failing filing happy sky enjoy spy fly say relational conditional rational valency hesitancy
digitizer conformably radically differently vilely analogously vietnamization predication operator feudalism decisiveness
hopefulness callousness formality sensitivity sensibility triplicate formative formalize electricity electrical hopeful
goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent
adoption homologous communism activate angularity effective bowdlerize probate rate cease controlling roll spied died tried
innings outings cannings howe proceed exceed succeed geology theology archaeology carefully fully wonderfully usefully
possibly terribly oddly alley rally really totally normally finally yyy syzygy toy boyish eyed dyed owed aed ing ed s ss
international nationally organization's logi apologize apologies analogies bli able abli fulli i a us is was this gas bus
agreement cement element ion onion opinion nation passion motions adoption controller roller will filled willing
""" 

if __name__ == "__main__":
    main()
