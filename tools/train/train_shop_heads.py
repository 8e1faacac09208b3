#!/usr/bin/env python3
"""Trains the demo shop's classifiers: intent (both languages, out of scope), sentiment, moderation.

    python3 tools/train/train_shop_heads.py --data DIR --encoder examples/models/shop-encoder --out examples/models/heads
    python3 tools/train/train_shop_heads.py --out HEADS              without data sets and encoder: intent alone, by n-grams

Intent learns from examples/shop/intents.*.jsonl, the questions of the FAQ and, with --data, the 27 intents of Bitext; it is scored on
intents-test.*.jsonl. Sentiment (positive, negative, neutral) and moderation learn from the data sets in DIR and from
customers' messages, and are scored on the tenth of the data sets' texts
that training never sees. Moderation also learns ordinary reviews and customers' messages as safe. No training text is kept
in a head. The same rows give the same bytes.
"""
import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SHOP = os.path.join(ROOT, "examples", "shop")
LANGUAGES = ("en", "zh")
# Number of rows for a run of about a minute; the rows with the smallest hashes are used.
MOST_ROWS, MOST_ORDINARY = 8000, 2000


def digest(text):
    return hashlib.sha256(text.encode()).digest()


def read_lines(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read_set(folder, name, label):
    """(training rows, held-out rows) of a data set, labels by label(row)."""
    path = os.path.join(folder, name + ".train.jsonl.gz")
    if not os.path.exists(path):
        sys.exit("%s: not found" % path)
    rows = sorted(({"text": r["text"], "label": label(r)} for r in read_lines(path)), key=lambda r: digest(r["text"]))
    held_out = [r for r in rows if digest(r["text"])[0] < 26]
    return [r for r in rows if digest(r["text"])[0] >= 26][:MOST_ROWS], held_out


# Entries of the FAQ all of whose questions have one intent: these questions are training rows, too.
ENTRY_INTENTS = dict(pair.split("=") for pair in """order-place=place_order order-change=change_order shipping-fee=delivery_options
shipping-time=delivery_period shipping-express=delivery_options shipping-abroad=delivery_options shipping-remote=delivery_options
shipping-carriers=delivery_options delivery-locker=delivery_options delivery-work=delivery_options
shipping-dispatch=delivery_period tracking=track_order
tracking-stuck=track_order address-change=change_shipping_address address-book=set_up_shipping_address delivery-lost=missing_parcel
return-window=check_refund_policy return-how=return_item return-excluded=check_refund_policy return-tried=check_refund_policy
exchange=exchange_item exchange-soldout=exchange_item refund-time=track_refund damaged=damaged_item wrong-item=wrong_item
missing-item=missing_item payment-methods=check_payment_methods payment-cod=check_payment_methods payment-instalments=check_payment_methods
payment-failed=payment_issue payment-double=payment_issue gift-card=gift gift-wrap=gift engraving=gift invoice-get=get_invoice
invoice-company=get_invoice coupon-use=coupon coupon-problem=coupon new-customer=coupon student-discount=coupon
price-protection=price_protection points=membership_points membership=membership_points wholesale=wholesale stock-notice=stock
size-advice=size_advice warranty=warranty_repair repair=warranty_repair care=product_question account-create=create_account
password=recover_password account-edit=edit_account account-delete=delete_account newsletter=newsletter_subscription privacy=privacy
review=review contact=contact_customer_service complaint=complaint store-pickup=opening_hours""".split())


def entry_rows():
    return [{"text": question, "label": ENTRY_INTENTS[entry["id"]]} for language in LANGUAGES
            for entry in read_lines(os.path.join(SHOP, "faq.%s.jsonl" % language)) if entry["id"] in ENTRY_INTENTS
            for question in entry["questions"]]


def intent_rows(data):
    train = [r for language in LANGUAGES for r in read_lines(os.path.join(SHOP, "intents.%s.jsonl" % language))] + entry_rows()
    test = [r for language in LANGUAGES for r in read_lines(os.path.join(SHOP, "intents-test.%s.jsonl" % language))]
    known = {r["label"] for r in train}
    if data:
        more, _ = read_set(data, "intent-en", lambda r: r["intent"])
        train += [r for r in more if r["label"] in known]
    return train, test


# Customers' messages are neutral except those of these intents.
MOODS = {"thanks": "positive", "complaint": "negative", "insult": "negative", "damaged_item": None, "wrong_item": None, "missing_item": None,
         "missing_parcel": None, "payment_issue": None, "greeting": None, "goodbye": None}
NEUTRAL_ROWS = 2500


def mood_rows():
    """Customers' messages as neutral; thanks, complaints and insults as what they are; what may be either is left out."""
    rows = []
    for language in LANGUAGES:
        messages = sorted(read_lines(os.path.join(SHOP, "intents.%s.jsonl" % language)), key=lambda r: digest(r["text"]))
        moods = [{"text": r["text"], "label": MOODS.get(r["label"], "neutral")} for r in messages]
        rows += [r for r in moods if r["label"] in ("positive", "negative")]
        rows += [r for r in moods if r["label"] == "neutral"][:NEUTRAL_ROWS]
    return rows


def sentiment_rows(data):
    train, test = [], []
    for language in LANGUAGES:
        rows, held_out = read_set(data, "sentiment-" + language, lambda r: r["label"])
        train, test = train + rows, test + held_out
    return train + mood_rows(), test


def moderation_rows(data):
    train, test = [], []
    for language in LANGUAGES:
        rows, held_out = read_set(data, "moderation-" + language, lambda r: "safe" if r["label"] == "safe" else "unsafe")
        ordinary, ordinary_held_out = read_set(data, "sentiment-" + language, lambda r: "safe")
        train += rows + ordinary[:MOST_ORDINARY]
        test += held_out + ordinary_held_out[:MOST_ORDINARY // 10]
    messages, _ = intent_rows(None)
    train += [{"text": r["text"], "label": "safe"} for r in messages if r["label"] != "insult"]
    return train, test


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"text": r["text"], "label": r["label"]}, ensure_ascii=False) + "\n" for r in rows)


def score(command, head, rows, threads):
    lines = "".join(json.dumps({"text": r["text"]}, ensure_ascii=False) + "\n" for r in rows)
    out = subprocess.run([command, "classify", head, "--jsonl", "--no-reason", "--batch", "64", "--threads", threads],
                         input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    pairs = list(zip(rows, (json.loads(line) for line in out.splitlines())))
    inside = [(r, a) for r, a in pairs if r["label"] != "oos"]
    outside = [a for r, a in pairs if r["label"] == "oos"]
    right = sum(r["label"] == a["label"] for r, a in inside) / len(inside)
    print("  held out: %d rows, accuracy %.4f" % (len(rows), right), end="")
    if outside:
        print(", accepted and right %.4f, out of scope refused %.4f of %d" % (
            sum(r["label"] == a["label"] and a["accepted"] for r, a in inside) / len(inside),
            sum(not a["accepted"] for a in outside) / len(outside), len(outside)), end="")
    print("\n  %d KB" % (os.path.getsize(head) // 1000))


def remembered(encoder, out):
    """The encoder's path from the folder of the heads, which a head keeps. Both must lie in one tree that can move as a whole:
    a path that climbs to the root of the file system would break then, or name another folder."""
    encoder, out = os.path.realpath(encoder), os.path.realpath(out)
    if not os.path.exists(os.path.join(encoder, "config.json")):
        sys.exit("--encoder %s: no config.json: it is no folder of a model" % encoder)
    shared = os.path.commonpath([encoder, out])
    if shared == os.path.dirname(shared):
        sys.exit("--out %s: it shares no folder with --encoder %s, so a head could not name its encoder; choose a folder in the same tree, "
                 "or copy the encoder next to it" % (out, encoder))
    return os.path.relpath(encoder, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of data sets, NAME.train.jsonl.gz")
    parser.add_argument("--encoder", help="folder")
    parser.add_argument("--out", required=True, help="folder of the heads")
    parser.add_argument("--heads", default="intent,sentiment,moderation")
    parser.add_argument("--threads", default="0")
    parser.add_argument("--weights", default="int8", help="of the encoder while training, see llmcs-shop [int8: three times as fast]")
    parser.add_argument("--command", default=os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "bin", "llmcs-shop"))
    args = parser.parse_args()
    encoder = remembered(args.encoder, args.out) if args.encoder else None
    os.makedirs(args.out, exist_ok=True)
    makers = {"intent": intent_rows, "sentiment": sentiment_rows, "moderation": moderation_rows}
    options = {"intent": ["--oos-label", "oos", "--max-features", "20000", "--l2", "0.1"],
               "sentiment": ["--max-features", "60000", "--l2", "0.3"],
               "moderation": ["--max-features", "60000", "--l2", "0.3", "--balanced"]}
    for name in args.heads.split(","):
        if name != "intent" and not args.data:
            print("%s: skipped: it learns from data sets (--data)" % name)
            continue
        train, test = makers[name](args.data)
        with tempfile.TemporaryDirectory() as folder:
            write(os.path.join(folder, "train.jsonl"), train)
            head = os.path.join(args.out, name + ".head")
            command = [args.command, "train-classifier", os.path.join(folder, "train.jsonl"), head, "--no-examples",
                       "--folds", "3", "--threads", args.threads, *options[name]]
            if args.encoder:
                command += ["--encoder", args.encoder, "--weights", args.weights, "--remember", encoder]
            subprocess.run(command, check=True)
        score(args.command, head, test, args.threads)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
