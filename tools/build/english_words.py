#!/usr/bin/env python3
"""Writes the frequent and the rarer English words that lib/shop/spelling knows, the most frequent first.

    tools/build/english_words.py --data DIR lib/shop/spelling

"other" words are those of Debian's wamerican-small that the data lack, forms of known words left out.

DIR holds the data sets that tools/train reads. A word counts if it stands in the word list of Debian's packages wamerican
or wbritish (SCOWL), in lower case, so that what customers misspell often is no word. Only words and their order are
written, no text of the data."""
import argparse
import collections
import gzip
import json
import math
import os
import re

SETS = ("sentiment-en", "oos-en", "banking-en", "intent-en", "reply-en", "copy-en")
FIELDS = ("text", "prompt", "reply", "description")
SMALL = "/usr/share/dict/american-english-small"
LISTS = ("/usr/share/dict/american-english", "/usr/share/dict/british-english")
N_WORDS, N_RARE, MOST_LETTERS, LINE = 11500, 10300, 20, 116
# Said to a shop more often than in reviews, whatever the data has.
SHORT = set("a i am an as at be by do go he hi if in is it me my no of ok on or so to up us we ad id pc tv ah oh ye yo mr ms dr uk eu xl xs".split())
# Words of today that the lists lack.
MORE = set("app apps online email emails wifi website websites username login logout iphone smartphone smartwatch laptop tablet bluetooth usb led "
           "google paypal visa mastercard alipay wechat unionpay amex klarna ebay amazon facebook instagram whatsapp youtube tiktok netflix "
           "bitcoin crypto playstation xbox android windows emoji chatbot chatgpt selfie blog vlog podcast hoodie hoodies leggings sneakers "
           "refundable restock restocked preorder preorders checkout clickable prepaid giftcard ebook ebooks covid vegan gluten psoriasis "
           "knuckledusters taser vape vapes uber airbnb zara ikea walmart costco etsy taobao tmall aliexpress temu shein "
           "china beijing shanghai guangzhou shenzhen hangzhou nanjing hong kong macau singapore malaysia taiwan tibet xinjiang japan korea "
           "germany france spain italy england london paris berlin america canada australia russia india dubai peru vietnam thailand".split())


# Known, so that they are not taken for other words.
OFFENSIVE = "fuck fucking fucked fucker shit shitty bullshit asshole arsehole wanker scammer scammers twat bastard moron moronic".split()


def count(folder):
    counts = collections.Counter()
    for name in SETS:
        total = collections.Counter()
        with gzip.open(os.path.join(folder, name + ".train.jsonl.gz"), "rt", encoding="utf-8") as f:
            for line in f:
                row = json.loads(line)
                for field in FIELDS:
                    if isinstance(row.get(field), str):
                        total.update(re.findall(r"[a-z]+", row[field].lower().replace("’", "'")))
        # Each set weighs as the square root of its size, so that reviews do not drown customers' questions.
        scale = 1 / math.sqrt(sum(total.values()))
        for word, n in total.items():
            counts[word] += n * scale
    return counts


def is_form(word, known):
    """A form of a known word: what customers write is rather the word itself."""
    return any(word.endswith(end) and (word[:-len(end)] in known or word[:-len(end)] + "e" in known or word[:-len(end)] + "y" in known)
               for end in ("s", "es", "d", "ed", "ing", "ly", "er", "ers", "ies", "ness", "able", "ally", "iest", "ier", "est"))


def write(folder, name, what, words):
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) + 1 > LINE - 6:
            lines.append(line)
            line = ""
        line += word + " "
    lines.append(line)
    with open(os.path.join(folder, name + ".h"), "w") as f:
        f.write("/* Written by tools/build/english_words.py: %s,\n * of SCOWL's lists (Debian's wamerican, wbritish; notices in LICENSE). */\n" % what)
        f.write("static const char *const %s[] = {\n" % name)
        f.writelines('    "%s",\n' % l.rstrip() for l in lines)
        f.write("};\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("out")
    options = parser.parse_args()
    counts = count(options.data)
    good = set(MORE) | SHORT
    for path in LISTS:
        with open(path, encoding="utf-8") as f:
            lines = [line.strip() for line in f]
        good |= {w for w in lines if re.fullmatch("[a-z]{3,%d}" % MOST_LETTERS, w)}
        # Days, months, places and people, as they are typed in haste.
        good |= {w.lower() for w in lines if re.fullmatch("[A-Z][a-z]{3,%d}" % MOST_LETTERS, w)}
    words = [w for w, n in sorted(counts.items(), key=lambda p: (-p[1], p[0])) if w in good]
    frequent = words[:N_WORDS] + sorted((MORE | SHORT) - set(words))
    known = set(words)
    # The plural of a known word is known.
    rare = [w for w in words[N_WORDS:] if not (w.endswith("s") and w[:-1] in known)][:N_RARE]
    write(options.out, "english_words", "frequent words of the training data sets' texts", frequent)
    write(options.out, "english_rare_words", "rarer words of the training data sets' texts", rare)
    with open(SMALL, encoding="utf-8") as f:
        small = [w for w in (line.strip() for line in f) if re.fullmatch("[a-z]{3,%d}" % MOST_LETTERS, w)]
    known |= set(small)
    other = [w for w in small if w not in counts and not is_form(w, known)]
    write(options.out, "english_other_words", "words that the training data sets lack", other + OFFENSIVE)


if __name__ == "__main__":
    main()
