"""What encoders.py, translate.py and decoders.py share: the arguments, turns that are processes of their own, tokens, medians."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(ROOT, "tools", "python"))


def tokens(n, which=0):
    """n token ids, others for each text."""
    return [1000 + (i + 64 * which) * 7919 % 20000 for i in range(n)]


def arguments(doc, models, n_turn):
    """--turn and its n_turn values are how a script calls itself for one turn."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", help="where the models are, or are put")
    parser.add_argument("--models", default=",".join(models), help="some of them, separated by commas [%(default)s]")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turn", nargs=n_turn, help=argparse.SUPPRESS)
    return parser


def chosen(parser, option, given, known):
    """The names of a list separated by commas, each of which is known."""
    names = given.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error("%s: %s is unknown; there are %s" % (option, unknown[0], ", ".join(known)))
    return names


def in_process(*options):
    """What a turn prints in its last line, as JSON."""
    command = [sys.executable, os.path.abspath(sys.argv[0]), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stderr))
    return json.loads(done.stdout.strip().split("\n")[-1])


def median_seconds(call, inputs):
    """Of a call for each of several inputs; the first, which warms up, does not count."""
    seconds = []
    for given in inputs:
        start = time.perf_counter()
        call(given)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def median_and_range(values):
    return "%6.2f (%.2f to %.2f)" % (statistics.median(values), min(values), max(values))


def compared(ours, theirs, width):
    """The medians of two engines and those of their ratios, turn by turn."""
    ratios = median_and_range([a / b for a, b in zip(ours, theirs)])
    return "%9.1f %*.1f %s" % (statistics.median(ours), width, statistics.median(theirs), ratios)


def head(columns, turns, threads):
    return "%s  ratio, median (least to most) of %d turns; tokens/s, %d threads" % (columns, turns, threads)
