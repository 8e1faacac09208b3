#!/usr/bin/env python3
"""Draws what `llmcs-bench e2e --json` measured: tokens/s against context and against batch, as SVG; or what
`llmcs-bench serve --json` did: times against load.

usage: plot.py [-o OUT.svg] [--title TEXT] [FILE.json ...]     (standard input and output where none is named)

Several files are plotted together. A line is one kind of weights (and of keys and values, kernels, threads, where they
differ); dashed, in the same colour, the limit of the machine that was measured with it. Encoder texts are plotted
by length and by batch size. Of `serve` the times per token and to the first token are plotted against
the share of its capacity that arrives (--load 0.3,0.5,0.7,0.9): the median, and dashed the 99th percentile. Nothing but Python's standard library is needed.
"""
import argparse
import json
import math
import sys
from xml.sax.saxutils import escape

# Okabe and Ito's colours, which the colour-blind tell apart too
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555"]
INK, GREY, GRID = "#222222", "#666666", "#E4E4E4"
WIDTH, HEIGHT = 1000, 460
TOP, BOTTOM, LEFT, GAP = 76, 108, 70, 86
PANEL_WIDTH = (WIDTH - LEFT - GAP - 24) / 2
PANEL_HEIGHT = HEIGHT - TOP - BOTTOM
DIFFERING = ("model", "weights", "kv_type", "cpu", "backend", "threads")


def series_names(figures):
    """What tells the figures' series apart, in words."""
    kinds = [k for k in DIFFERING if len({f[k] for f in figures}) > 1]
    if "weights" in kinds and "kv_type" in kinds and len({(f["weights"], f["kv_type"]) for f in figures}) == len(
            {f["weights"] for f in figures}):
        kinds.remove("kv_type")  # goes with the weights
    kinds = kinds or ["weights"]
    words = {"kv_type": "keys and values %s", "threads": "%d threads"}
    return {series_key(f): ", ".join(words.get(k, "%s") % f[k] for k in kinds) for f in figures}


def series_key(figure):
    return tuple(figure[k] for k in DIFFERING)


def ticks(most):
    """About five round numbers from 0 to a little over `most`."""
    rough = most / 5 if most > 0 else 1
    power = 10 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough)
    return [i * step for i in range(int(math.ceil(most / step)) + 1)]


def number(x):
    return format(int(x), ",") if x == int(x) else "%g" % x


class Panel:
    """One pair of axes at a place of the picture."""

    def __init__(self, left, title, x_label, x_of, logarithmic, unit="tokens/s"):
        self.left, self.title, self.x_label, self.x_of, self.logarithmic = left, title, x_label, x_of, logarithmic
        self.unit = unit

    def scale(self, figures):
        self.xs = sorted({self.x_of(f) for f in figures})
        self.y_ticks = ticks(max(max(f["value"], limit_value(f)) for f in figures))
        low, high = self.place(self.xs[0]), self.place(self.xs[-1])
        if self.logarithmic:
            low, high = low - 0.15, high + 0.15
        else:
            low = 0
        self.x_range = (low, high if high > low else low + 1)

    def place(self, x):
        return math.log2(x) if self.logarithmic else x

    def x(self, value):
        low, high = self.x_range
        return self.left + PANEL_WIDTH * (self.place(value) - low) / (high - low)

    def y(self, value):
        return TOP + PANEL_HEIGHT * (1 - value / self.y_ticks[-1])

    def axes(self, out):
        right, bottom = self.left + PANEL_WIDTH, TOP + PANEL_HEIGHT
        for t in self.y_ticks:
            out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (self.left, self.y(t), right,
                                                                                      self.y(t), GRID))
            out.append(text(self.left - 8, self.y(t) + 4, number(t), "end"))
        for x in self.x_ticks():
            out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (self.x(x), bottom, self.x(x),
                                                                                      bottom + 5, GREY))
            out.append(text(self.x(x), bottom + 20, number(x), "middle"))
        out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (self.left, bottom, right, bottom,
                                                                                  GREY))
        out.append(text(self.left, TOP - 14, self.title, "start", 15, INK))
        out.append(text((self.left + right) / 2, bottom + 42, self.x_label, "middle", 13, INK))
        across = TOP + PANEL_HEIGHT / 2
        out.append('<g transform="rotate(-90 %.1f %.1f)">%s</g>' % (self.left - 54, across,
                                                                   text(self.left - 54, across, self.unit, "middle", 13,
                                                                        INK)))

    def x_ticks(self):
        return self.xs if self.logarithmic else [t for t in ticks(self.xs[-1]) if t <= self.x_range[1]]

    def line(self, out, figures, colour):
        figures = sorted(figures, key=self.x_of)
        limits = [f for f in figures if limit_value(f)]
        out.append(polyline([(self.x(self.x_of(f)), self.y(limit_value(f))) for f in limits], colour,
                            'stroke-width="1.2" stroke-dasharray="5 4" opacity="0.65"'))
        out.append(polyline([(self.x(self.x_of(f)), self.y(f["value"])) for f in figures], colour, 'stroke-width="2.4"'))
        for f in figures:
            share = " (%.0f %% of the limit)" % (100 * f["share"]) if "share" in f else ""
            share = " (p99: %.1f)" % f["p99"] if "p99" in f else share
            out.append('<circle cx="%.1f" cy="%.1f" r="3.6" fill="%s"><title>%s</title></circle>' % (
                self.x(self.x_of(f)), self.y(f["value"]), colour,
                escape("%s: %.1f %s%s" % (f["label"], f["value"], f["unit"], share))))


def limit_value(figure):
    """What the dashed line shows; 0: nothing."""
    return figure.get("p99") or figure.get("limit", 0)


def text(x, y, words, anchor, size=12, colour=GREY):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s">%s</text>' % (x, y, anchor, size, colour,
                                                                                       escape(words))


def polyline(points, colour, more):
    return '<polyline points="%s" fill="none" stroke="%s" stroke-linejoin="round" %s/>' % (
        " ".join("%.1f,%.1f" % p for p in points), colour, more)


def legend(out, names, colours, dashed):
    x, y = LEFT, HEIGHT - 22
    for key, words in names.items():
        out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="2.4"/>' % (
            x, y - 4, x + 26, y - 4, colours[key]))
        out.append('<circle cx="%.1f" cy="%.1f" r="3.6" fill="%s"/>' % (x + 13, y - 4, colours[key]))
        out.append(text(x + 33, y, words, "start", 13, INK))
        x += 33 + 7.4 * len(words) + 26
    out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="5 4"/>' % (x, y - 4, x + 26,
                                                                                                   y - 4, GREY))
    out.append(text(x + 33, y, dashed, "start", 13, INK))


def panels_of(figures):
    """Pairs of a panel and its figures, for a decoder or else for an encoder."""
    right = LEFT + PANEL_WIDTH + GAP
    if any("load" in f for f in figures):
        return [(Panel(left, title, "% of capacity", lambda f: round(100 * f["load"], 3), False, "ms"),
                 [f for f in figures if f["name"] == name and "load" in f])
                for left, title, name in ((LEFT, "Time per token", "open_per_token"),
                                          (right, "Time to the first token", "open_first_token"))]
    if any(f["name"] in ("decode", "batch") for f in figures):
        return [(Panel(LEFT, "One conversation", "tokens of context", lambda f: f["tokens"], False),
                 [f for f in figures if f["name"] == "decode"]),
                (Panel(right, "Conversations decoding together", "conversations", lambda f: f["batch"], True),
                 [f for f in figures if f["name"] == "batch"])]
    texts = [f for f in figures if f["name"] == "encode"]
    return [(Panel(LEFT, "One text", "tokens of the text", lambda f: f["tokens"], False),
             [f for f in texts if f["batch"] == 1]),
            (Panel(right, "Texts of 128 tokens together", "texts", lambda f: f["batch"], True),
             [f for f in texts if f["tokens"] == 128])]


def title_of(figures):
    def all_of(kind):
        return ", ".join(sorted({str(f[kind]) for f in figures}))
    return "%s: %s kernels, %s thread%s" % (all_of("model"), all_of("cpu"), all_of("threads"),
                                            "" if all_of("threads") == "1" else "s")


def draw(figures, title=None):
    pairs = [(panel, some) for panel, some in panels_of(figures) if some]
    if not pairs:
        raise ValueError("no figures of e2e, and none of serve with a --load")
    shown = [f for _, some in pairs for f in some]
    names = series_names(shown)
    colours = {key: COLOURS[i % len(COLOURS)] for i, key in enumerate(names)}
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
           'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">' % (WIDTH, HEIGHT, WIDTH, HEIGHT),
           '<rect width="100%" height="100%" fill="white"/>',
           text(LEFT, 30, title or title_of(shown), "start", 17, INK)]
    for panel, some in pairs:
        panel.scale(some)
        panel.axes(out)
        for key, colour in colours.items():
            mine = [f for f in some if series_key(f) == key]
            if mine:
                panel.line(out, mine, colour)
    legend(out, names, colours, "99th percentile" if "p99" in shown[0] else "limit of the machine")
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE.json")
    parser.add_argument("-o", "--output", metavar="OUT.svg")
    parser.add_argument("--title")
    arguments = parser.parse_args()
    figures = []
    for name in arguments.files or ["-"]:
        with (sys.stdin if name == "-" else open(name, encoding="utf-8")) as f:
            figures += [x for x in json.load(f)["figures"] if x["section"] in ("e2e", "serve")]
    try:
        picture = draw(figures, arguments.title)
    except ValueError as error:
        sys.exit("plot.py: %s" % error)
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as f:
            f.write(picture)
    else:
        sys.stdout.write(picture)


if __name__ == "__main__":
    main()
