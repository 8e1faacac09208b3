#!/usr/bin/env python3
"""personal_data.py [--data FOLDER] [--tagger FILE]: what `llmcs-shop mask` finds, and how fast.

1  Generated sentences in both languages (personal_rows.py, with a seed): valid numbers among near-valid ones, prices, dates
   and codes. Precision and recall of each kind, spans equal to the byte.
2  presidio-research's synthetic rows (FOLDER/pii-en), the tenth that the tagger never saw, and all of them by rules alone.
3  CLUENER2020's names and addresses (FOLDER/ner-zh), the tenth that the tagger never saw.
4  MB/s of the rules alone and with the tagger, one thread, by processor time.
5  presidio-analyzer on the rows of 1 (English) and 2, if this Python has it: F1 and MB/s.

2 and 3 are scored twice: by spans that are equal, and by characters (what part of the personal data is masked, and what part
of what is masked is personal data). Data sets cut addresses in different places, so the second says more."""
import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "tools", "train"), os.path.join(ROOT, "tools", "python")]
SHOP = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "bin", "llmcs-shop")

import personal_rows  # noqa: E402
import rows  # noqa: E402

ENGLISH = {"PERSON": "NAME", "STREET_ADDRESS": "ADDRESS", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CARD",
           "IBAN_CODE": "IBAN", "US_SSN": "ID", "US_DRIVER_LICENSE": "ID"}
CHINESE = {"name": "NAME", "address": "ADDRESS"}
PRESIDIO = {"PERSON": "NAME", "LOCATION": "ADDRESS", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CARD",
            "IBAN_CODE": "IBAN", "US_SSN": "ID", "US_DRIVER_LICENSE": "ID", "US_PASSPORT": "ID"}


def mask(texts, tagger):
    """The spans of each text, in bytes: [(kind, begin, end)]."""
    lines = "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
    done = subprocess.run([SHOP, "mask", "--jsonl", "--tagger", tagger], input=lines.encode(), capture_output=True)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return [[(s["kind"], s["begin"], s["end"]) for s in json.loads(l)["spans"]] for l in done.stdout.decode().splitlines()]


def in_bytes(row, kinds):
    size = lambda n: len(row["text"][:n].encode())
    return [(kinds[s["kind"]], size(s["begin"]), size(s["end"])) for s in row["spans"] if s["kind"] in kinds]


class Counts:
    """True positives, false positives, false negatives, of spans and of bytes, for each kind."""

    def __init__(self, kinds):
        self.spans = {k: [0, 0, 0] for k in kinds}
        self.bytes = {k: [0, 0, 0] for k in kinds}

    def add(self, expected, found):
        for kind in self.spans:
            a, b = ({(x, y) for k, x, y in side if k == kind} for side in (expected, found))
            p, q = ({i for x, y in side for i in range(x, y)} for side in (a, b))
            for count, e, f in ((self.spans[kind], a, b), (self.bytes[kind], p, q)):
                for i, n in enumerate((len(e & f), len(f - e), len(e - f))):
                    count[i] += n

    def print(self, title):
        print(title)
        for kind in [*self.spans, "all"]:
            cells = []
            for table in (self.spans, self.bytes):
                tp, fp, fn = [sum(c[i] for c in table.values()) for i in range(3)] if kind == "all" else table[kind]
                if tp + fp + fn:
                    cells.append("P %.3f  R %.3f  F1 %.3f" % (tp / max(1, tp + fp), tp / max(1, tp + fn), 2 * tp / (2 * tp + fp + fn)))
            if cells:
                n = sum(sum(c[::2]) for c in self.spans.values()) if kind == "all" else sum(self.spans[kind][::2])
                print("  %-11s %5d   spans %s   characters %s" % (kind, n, *cells))


def judge(title, texts, expected, found, kinds):
    counts = Counts(kinds)
    for e, f in zip(expected, found):
        counts.add(e, f)
    counts.print("%s (%d texts)" % (title, len(texts)))


def generated(options):
    for lang in ("zh", "en"):
        made = personal_rows.make(options.seed, options.n, lang)
        found = mask([t for t, _ in made], "none")
        judge("generated, %s, seed %d, rules" % (lang, options.seed), made, [s for _, s in made], found, personal_rows.KINDS)
        if options.show:
            for (text, spans), f in zip(made, found):
                f = [x for x in f if x[0] in personal_rows.KINDS]
                if f != spans:
                    cut = lambda s: [(k, text.encode()[b:e].decode()) for k, b, e in s]
                    print("   ", text.replace("\n", "|"), "\n      expected", cut(spans), "found", cut(f))


def data_sets(options):
    path = lambda name: rows.find_data(options.data, name)
    for title, name, kinds in (("presidio-research synthetic", "pii-en", ENGLISH), ("CLUENER2020", "ner-zh", CHINESE)):
        everything = rows.read_jsonl(path(name))
        test = [r for r in everything if rows.is_held_out(r)]
        taggers = [("rules", "none")] + ([("rules and tagger", options.tagger)] if options.tagger != "none" else [])
        for how, tagger in taggers:
            texts = [r["text"] for r in test]
            judge("%s, held back, %s" % (title, how), texts, [in_bytes(r, kinds) for r in test], mask(texts, tagger), sorted(set(kinds.values())))
        if name == "pii-en":
            texts = [r["text"] for r in everything]
            numbers = {k: v for k, v in kinds.items() if v not in ("NAME", "ADDRESS")}
            judge("%s, all rows, rules" % title, texts, [in_bytes(r, numbers) for r in everything], mask(texts, "none"),
                  sorted(set(numbers.values())))


def speed(options):
    """Processor time of the library alone, through the Python module: one call a text of 1 MB."""
    import llmcs_shop

    made = {lang: [t for t, _ in personal_rows.make(options.seed, 4000, lang)] for lang in ("zh", "en")}
    ordinary = {"zh": personal_rows.ORDINARY_ZH, "en": personal_rows.ORDINARY_EN}
    for lang in ("zh", "en"):
        # One sentence in ten has personal data, as in a shop's messages.
        lines = [made[lang][i // 10 % len(made[lang])] if i % 10 == 0 else ordinary[lang][i % len(ordinary[lang])] for i in range(60000)]
        text = "\n".join(lines)
        size = len(text.encode()) / 1e6
        for how, tagger in [("rules", None)] + ([("rules and tagger", options.tagger)] if options.tagger != "none" else []):
            guard, best = llmcs_shop.Guard(tagger=tagger), 1e9
            for _ in range(3):
                begin = time.process_time()
                guard.mask(text)
                best = min(best, time.process_time() - begin)
            print("speed, %s, %s: %.1f MB/s (%.1f MB, best of 3, processor time)" % (lang, how, size / best, size))


def presidio(options):
    try:
        import logging

        logging.disable(logging.WARNING)
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
    except ImportError:
        print("presidio-analyzer: not in this Python, skipped")
        return
    try:
        import spacy

        candidates = [options.spacy_model] if options.spacy_model else ["en_core_web_lg", "en_core_web_md", "en_core_web_sm"]
        model = next((m for m in candidates if spacy.util.is_package(m) or os.path.isdir(m)), None)
        print("presidio-analyzer: spaCy model", model)
        if model is None:
            # Its patterns and checksums need a tokenizer alone; names and places need a model.
            model = os.path.join(options.work, "blank_en")
            spacy.blank("en").to_disk(model)
            print("presidio-analyzer: no spaCy model is installed; its recognisers of patterns alone, names and places are not found")
        configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
        engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
    except Exception as e:
        print("presidio-analyzer: could not be started:", e)
        return

    def analyze(texts):
        out = []
        begin = time.process_time()
        for t in texts:
            size = lambda n: len(t[:n].encode())
            found = [(PRESIDIO[r.entity_type], size(r.start), size(r.end)) for r in engine.analyze(t, language="en") if r.entity_type in PRESIDIO]
            out.append(sorted(set(found)))
        seconds = time.process_time() - begin
        print("presidio-analyzer: %.3f MB/s (processor time)" % (sum(len(t.encode()) for t in texts) / 1e6 / seconds))
        return out

    made = personal_rows.make(options.seed, options.n, "en")
    kinds = sorted(set(PRESIDIO.values()) & set(personal_rows.KINDS))
    judge("presidio-analyzer, generated, en", made, [s for _, s in made], analyze([t for t, _ in made]), kinds)
    if options.data:
        everything = rows.read_jsonl(rows.find_data(options.data, "pii-en"))
        test = [r for r in everything if rows.is_held_out(r)]
        for title, some in (("held back", test), ("all rows", everything)):
            texts = [r["text"] for r in some]
            judge("presidio-analyzer, presidio-research synthetic, " + title, texts, [in_bytes(r, ENGLISH) for r in some], analyze(texts),
                  sorted(set(ENGLISH.values())))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of ner-zh.train.jsonl.gz and pii-en.train.jsonl.gz")
    parser.add_argument("--tagger", default=os.path.join(ROOT, "examples", "models", "heads", "names.tagger"))
    parser.add_argument("--spacy-model", help="package or folder that presidio uses [en_core_web_lg, md or sm, the first there is]")
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--n", type=int, default=3000, help="generated texts a language")
    parser.add_argument("--show", action="store_true", help="print the generated texts that are wrong")
    parser.add_argument("--only", choices=["generated", "data", "speed", "presidio"])
    options = parser.parse_args()
    import tempfile

    with tempfile.TemporaryDirectory() as options.work:
        parts = {"generated": generated, "data": data_sets if options.data else None, "speed": speed, "presidio": presidio}
        for name, part in parts.items():
            if part and options.only in (None, name):
                part(options)


if __name__ == "__main__":
    main()
