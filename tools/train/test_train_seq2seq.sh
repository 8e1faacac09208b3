#!/bin/sh
# Trains tiny encoder-decoders on titles made on the spot: train, stop, resume, stop early, compare with the library, fine-tune.
# Usage: tools/train/test_train_seq2seq.sh [python]     (needs numpy and PyTorch, and the library: make)
set -eu

python=${1:-python3}
here=$(cd "$(dirname "$0")" && pwd)
bin=${LLMCS_BIN:-$here/../../build/bin}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $1" >&2; exit 1; }

"$python" "$here/shop_titles.py" --out "$tmp/titles" --titles 700 --seed 3 2>"$tmp/log" ||
    { cat "$tmp/log" >&2; fail "shop_titles.py"; }
head -n 600 "$tmp/titles/train.jsonl" >"$tmp/train.jsonl"
head -n 12 "$tmp/titles/valid.jsonl" >"$tmp/valid.jsonl"

# train SHAPE OUT OPTIONS...
train() {
    shape=$1 out=$2
    shift 2
    "$python" "$here/train_seq2seq.py" --data "$tmp/train.jsonl" --valid "$tmp/valid.jsonl" --shape "$shape" --out "$tmp/$out" --work "$tmp/$out-work" \
        --width 32 --inner 48 --heads 2 --encoder-layers 2 --decoder-layers 1 --vocab-size 900 --positions 256 --max-tokens 200 --dtype F32 \
        --tokens-per-batch 1024 --lr 5e-3 --warmup 5 --log-every 10 "$@" 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "train_seq2seq.py, $shape"; }
}

fell() {
    first=$(sed -n "s/^step 10\/.*loss \([0-9.]*\).*/\1/p" "$tmp/log")
    last=$(sed -n "s/^step $1\/.*loss \([0-9.]*\).*/\1/p" "$tmp/log")
    awk "BEGIN { exit !($last < $first) }" || fail "$2: the loss did not fall: $first, then $last"
}

# The library opens the folder; its logits and its greedy translations are those of the model that was trained.
equal() {
    "$python" - "$here" "$tmp/$1" "$tmp/valid.jsonl" "$bin/llmcs" "$tmp/$1-work" <<'PY'
import json, subprocess, sys
here, folder, valid, llmcs, work = sys.argv[1:]
sys.path.insert(0, here)
import numpy as np
import torch
import common, seq2seq, train_seq2seq
from rows import read_jsonl

model, config = train_seq2seq.open_folder(folder, dropout=0.0)
model.eval()
rows = read_jsonl(valid)[:6]
texts = train_seq2seq.Texts(folder, config, "translate {source_lang} to {target_lang}: ")
encoded, rows = texts.encode(rows, 200)
assert len(rows) >= 4, len(rows)

def ask(command, requests):
    done = subprocess.run([llmcs, command, folder, "--jsonl"], input="".join(json.dumps(r) + "\n" for r in requests), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]

worst = 0.0
for (source, start, target), answer in zip(encoded, ask("eval", [{"input_ids": s, "decoder_input_ids": [start] + t[:-1]} for s, start, t in encoded])):
    real = torch.ones(1, len(source), dtype=torch.bool)
    with torch.no_grad():
        states = model.encode(torch.tensor([source]), real)
        logits = model.logits(model.decode(torch.tensor([[start] + target[:-1]]), states, real))
    worst = max(worst, (logits[0] - torch.tensor(answer["logits"])).abs().max().item(), (states[0] - torch.tensor(answer["encoder_hidden"])).abs().max().item())
assert worst < 1e-4, worst

requests = [{"text": r["source"], "from": r["source_lang"], "to": r["target_lang"]} for r in rows]
if not texts.languages:
    requests = [{"text": texts.prefix.format(**r) + r["source"]} for r in rows]
answers = ask("translate", [dict(r, max_new_tokens=20) for r in requests])
expected = train_seq2seq.translate(model, texts, rows, 20)
assert [a["translations"][0].strip() for a in answers] == expected, (answers, expected)
PY
}

train mbart whole --steps 40 --label-smoothing 0.1
fell 40 mbart
for f in config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json README.md; do
    [ -s "$tmp/whole/$f" ] || fail "$f was not written"
done
equal whole || fail "mbart: other than the library's"
"$bin/llmcs" translate "$tmp/whole" --from en_XX --to zh_CN --max-new-tokens 4 "red mug" >/dev/null || fail "llmcs translate"

# Stopping and going on gives the same bytes as one run.
train mbart parts --steps 40 --label-smoothing 0.1 --stop-at 23
train mbart parts --steps 40 --label-smoothing 0.1 --resume
grep -q "resumed at step 23" "$tmp/log" || fail "did not resume"
cmp "$tmp/whole/model.safetensors" "$tmp/parts/model.safetensors" || fail "the resumed run differs"

for shape in bart marian t5; do
    train "$shape" "$shape" --steps 20
    fell 20 "$shape"
    equal "$shape" || fail "$shape: other than the library's"
done

# Fine-tuning keeps the tokenizer, goes on where the folder is, and stops when the held-out rows get no better.
before=$("$python" "$here/train_seq2seq.py" --out "$tmp/whole" --evaluate "$tmp/valid.jsonl" --max-tokens 200)
echo "$before" | grep -q "^12 pairs (0 too long), loss [0-9.]*, chrF [0-9.]*$" || fail "no figures: $before"
train mbart tuned --init "$tmp/whole" --steps 30 --valid-every 10 --metric chrf --chrf-rows 4
cmp "$tmp/whole/tokenizer.json" "$tmp/tuned/tokenizer.json" || fail "fine-tuning changed the tokenizer"
first=$(sed -n "s/^step 10\/.*loss \([0-9.]*\).*/\1/p" "$tmp/log")
whole=$(echo "$before" | sed 's/.*loss \([0-9.]*\),.*/\1/')
awk "BEGIN { exit !($first < $whole + 0.3) }" || fail "fine-tuning did not start from the folder: loss $first, the folder's $whole"
grep -q "^step 10: held-out loss [0-9.]*, chrF [0-9.]*" "$tmp/log" || fail "no chrF while training"
equal tuned || fail "the tuned model: other than the library's"
train mbart early --init "$tmp/whole" --steps 200 --valid-every 1 --patience 2 --lr 10
grep -q "^stopped early at step [1-9]" "$tmp/log" || fail "did not stop early"
best=$(sed -n 's/^step [0-9]*: held-out \(loss [0-9.]*\)$/\1/p' "$tmp/log" | tail -1)
grep -q "Held-out rows: $best\.$" "$tmp/early/README.md" || fail "the card has other figures than the best ($best): $(grep Held-out "$tmp/early/README.md")"
train mbart timed --init "$tmp/whole" --steps 2000 --minutes 0.01
grep -q "^stopped at the end of the time at step [1-9]" "$tmp/log" || fail "did not keep to --minutes"
! timeout 60 "$python" "$here/train_seq2seq.py" --data "$tmp/train.jsonl" --init "$tmp/whole" --max-tokens 2 --steps 3 --out "$tmp/none" --work "$tmp/none" \
    2>"$tmp/log" || fail "trained on nothing"
grep -q "expected at least one row to train on" "$tmp/log" || fail "$(tail -3 "$tmp/log")"
echo '{"source": "a", "target": "b"}' >"$tmp/plain.jsonl"
! "$python" "$here/train_seq2seq.py" --data "$tmp/plain.jsonl" --init "$tmp/whole" --steps 3 --out "$tmp/none" --work "$tmp/none" 2>"$tmp/log" || fail "no languages"
grep -q "row 1: source_lang: found None, expected one of en_XX" "$tmp/log" || fail "$(tail -3 "$tmp/log")"
echo '{"source": "a", "target": 3}' >"$tmp/train.jsonl"
! "$python" "$here/train_seq2seq.py" --data "$tmp/train.jsonl" --out "$tmp/none" --work "$tmp/none" 2>"$tmp/log" || fail "took a row without a target"
grep -q "row 1: target: found 3, expected text" "$tmp/log" || fail "$(cat "$tmp/log")"
echo "train_seq2seq.py: ok"
