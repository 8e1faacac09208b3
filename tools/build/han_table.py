#!/usr/bin/env python3
"""Writes lib/shop/base/han_table.h: which simplified character a traditional one becomes when texts are compared.

usage: han_table.py [/usr/share/unicode] > lib/shop/base/han_table.h

Reads Unihan_Variants.txt and Unihan_OtherMappings.txt of Debian's unicode-data (the Unicode Character Database). A pair is
kept where kSimplifiedVariant names one other character of GB 2312, and the traditional one is not in GB 2312: so no
character of simplified texts changes, but for ALSO, which GB 2312 has and nobody writes.
"""
import bz2
import os
import sys


ALSO = "後"


def rows(folder, name, key):
    with bz2.open(os.path.join(folder, name + ".bz2"), "rt", encoding="utf-8") as f:
        for line in f:
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 3 and parts[1] == key:
                yield int(parts[0][2:], 16), parts[2].split()


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
    gb2312 = {c for c, _ in rows(folder, "Unihan_OtherMappings.txt", "kGB0")}
    pairs = []
    for c, variants in rows(folder, "Unihan_Variants.txt", "kSimplifiedVariant"):
        to = [v for v in (int(v[2:].split("<")[0], 16) for v in variants) if v != c and v in gb2312]
        if len(to) == 1 and 0x4E00 <= c <= 0x9FFF and (c not in gb2312 or chr(c) in ALSO):
            pairs.append((c, to[0]))
    pairs.sort()
    print("/* Written by tools/build/han_table.py from Unicode's Unihan database, version 15: kSimplifiedVariant. */")
    print("/* {traditional, simplified}, sorted. */")
    print("static const uint16_t pairs[][2] = {")
    cells = ["{0x%x,0x%x}" % p for p in pairs]
    for i in range(0, len(cells), 7):
        print("    " + ", ".join(cells[i:i + 7]) + ",")
    print("};")
    starts = [next((i for i, p in enumerate(pairs) if p[0] >= page << 8), len(pairs)) for page in range(0x4E, 0xA1)]
    print("\n/* The first pair of each 256 characters from U+4E00 on, and the number of pairs. */")
    print("static const uint16_t first_of_page[] = {")
    for i in range(0, len(starts), 14):
        print("    " + ", ".join(map(str, starts[i:i + 14])) + ",")
    print("};")


if __name__ == "__main__":
    main()
