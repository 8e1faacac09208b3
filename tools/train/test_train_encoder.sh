#!/bin/sh
# Trains a tiny encoder on made-up rows: all stages, an interruption, then classes and tags from the written folder.
# Usage: tools/train/test_train_encoder.sh [python]     (needs numpy, scipy, scikit-learn and PyTorch)
set -eu

python=${1:-python3}
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $1" >&2; exit 1; }
train="$python $here/train_encoder.py --smoke"

$train --work "$tmp/whole" --out "$tmp/whole-hf" 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "train_encoder.py"; }
grep -q "tok/s" "$tmp/log" || fail "no progress lines"
for f in config.json model.safetensors modules.json sentence_bert_config.json 1_Pooling/config.json tokenizer.json tokenizer_config.json vocab.txt; do
    [ -s "$tmp/whole-hf/$f" ] || fail "$f was not written"
done
"$python" - "$tmp/log" <<'END' || fail "easy reviews were not learned: $(tail -1 "$tmp/log")"
import re, sys
last = [line for line in open(sys.argv[1]) if line.startswith("export")][-1]
found = [float(x) for x in re.findall(r": (0\.\d+|1\.0)", last)]
sys.exit(sum(found) < 0.7 * len(found))
END

# Stopping and going on gives the same bytes as one run.
if $train --work "$tmp/parts" --out "$tmp/parts-hf" --stop-at 2 2>"$tmp/log"; then fail "did not stop"; fi
$train --work "$tmp/parts" --out "$tmp/parts-hf" --resume 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "--resume"; }
grep -q "going on after round 2" "$tmp/log" || fail "did not resume"
$train --work "$tmp/parts" --out "$tmp/parts-hf" --resume 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "--resume"; }
cmp "$tmp/whole-hf/model.safetensors" "$tmp/parts-hf/model.safetensors" || fail "the resumed run differs"

# Own classes and tags from any BERT folder, whose vocabulary stays.
"$python" - "$tmp" <<'END'
import json, random, sys
rng = random.Random(0)
with open(sys.argv[1] + "/classes.jsonl", "w") as a, open(sys.argv[1] + "/tags.jsonl", "w") as b:
    for i in range(300):
        word = ["订单", "refund"][i % 2]
        text = f"{rng.choice(['my', '我的', 'the'])} {word} {rng.randrange(1000)}"
        a.write(json.dumps({"text": text, "label": ["order", "money"][i % 2]}) + "\n")
        b.write(json.dumps({"text": text, "spans": [{"kind": "subject", "begin": text.index(word), "end": text.index(word) + len(word)}]}) + "\n")
END
tune="$python $here/train_bert.py --init $tmp/whole-hf --batch-tokens 128 --lr 1e-3 --epochs 6"
$tune --data "$tmp/classes.jsonl" --work "$tmp/a" --out "$tmp/a-hf" 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "classes"; }
grep -q '"accuracy": 1.0' "$tmp/a/figures.json" || fail "classes: $(cat "$tmp/a/figures.json")"
$tune --data "$tmp/tags.jsonl" --tags --work "$tmp/b" --out "$tmp/b-hf" 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "tags"; }
grep -q '"f1": 1.0' "$tmp/b/figures.json" || fail "tags: $(cat "$tmp/b/figures.json")"
grep -q "BertForTokenClassification" "$tmp/b-hf/config.json" || fail "tags: config.json"
[ -s "$tmp/b-hf/README.md" ] || fail "no card"
cmp "$tmp/whole-hf/vocab.txt" "$tmp/a-hf/vocab.txt" || fail "fine-tuning changed the vocabulary"

# A reader of the demo shop from the written folder: a few rows, all stages.
"$python" "$here/train_reader.py" --from "$tmp/whole-hf" --shop "$here/../../examples/shop" --out "$tmp/reader" --most 60 --epochs 2 2>"$tmp/log" ||
    { cat "$tmp/log" >&2; fail "train_reader.py"; }
grep -q "temperature" "$tmp/log" || fail "reader: $(cat "$tmp/log")"
grep -q '"entry:' "$tmp/reader/config.json" || fail "reader: no labels of entries"
[ -s "$tmp/reader/model.safetensors" ] || fail "reader: no weights"

# The Python tokenizer: clean, isolate CJK, strip accents, lower-case, split at punctuation, longest pieces first.
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncaf\n##e\n好\n用\n!\n' >"$tmp/vocab.txt"
"$python" "$here/wordpiece.py" --vocab "$tmp" 'CAFÉ好用!?' >"$tmp/ids"
grep -q '"ids": \[2, 5, 6, 7, 8, 9, 1, 3\]' "$tmp/ids" || fail "ids: $(cat "$tmp/ids")"
grep -q '"offsets": \[\[0, 0\], \[0, 3\], \[3, 4\], \[4, 5\], \[5, 6\], \[6, 7\], \[7, 8\], \[0, 0\]\]' "$tmp/ids" || fail "offsets: $(cat "$tmp/ids")"
echo "train_encoder.py, train_bert.py, train_reader.py: ok"
