#!/bin/sh
# Trains a tiny BERT on made-up reviews: all stages, an interruption, and fine-tuning of the written folder.
# Usage: tools/train/test_train_bert.sh [python]     (needs numpy, scipy, scikit-learn and PyTorch)
set -eu

python=${1:-python3}
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $1" >&2; exit 1; }
train="$python $here/train_bert.py --smoke"

$train --work "$tmp/whole" --out "$tmp/whole-hf" 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "train_bert.py"; }
grep -q "^step 90/96  loss" "$tmp/log" || fail "no progress lines"
for f in config.json model.safetensors tokenizer.json tokenizer_config.json vocab.txt; do
    [ -s "$tmp/whole-hf/$f" ] || fail "$f was not written"
done
grep -q '"zh": 1.0' "$tmp/whole/figures.json" || fail "easy Chinese rows were not learned"
grep -q '"en": 1.0' "$tmp/whole/figures.json" || fail "easy English rows were not learned"

# Stopping and going on gives the same bytes as one run.
if $train --work "$tmp/parts" --out "$tmp/parts-hf" --stop-at 37 2>"$tmp/log"; then fail "did not stop"; fi
$train --work "$tmp/parts" --out "$tmp/parts-hf" --resume 2>"$tmp/log"
grep -q "pretrain: going on after step 37" "$tmp/log" || fail "did not resume"
cmp "$tmp/whole-hf/model.safetensors" "$tmp/parts-hf/model.safetensors" || fail "the resumed run differs"

# Fine-tuning starts from any BERT folder and keeps its vocabulary.
$train --init "$tmp/whole-hf" --work "$tmp/tuned" --out "$tmp/tuned-hf" --dtype BF16 2>"$tmp/log"
cmp "$tmp/whole-hf/vocab.txt" "$tmp/tuned-hf/vocab.txt" || fail "fine-tuning changed the vocabulary"
grep -q '"zh": 1.0' "$tmp/tuned/figures.json" || fail "the fine-tuned model is worse"

# The Python encoder: clean, isolate CJK, strip accents, lower-case, split at punctuation, longest pieces first.
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncaf\n##e\n好\n用\n!\n' >"$tmp/vocab.txt"
"$python" "$here/wordpiece.py" --vocab "$tmp" 'CAFÉ好用!?' >"$tmp/ids"
grep -q '"ids": \[2, 5, 6, 7, 8, 9, 1, 3\]' "$tmp/ids" || fail "ids: $(cat "$tmp/ids")"
echo "train_bert.py: ok"
