#!/bin/sh
# Trains tiny models on data made on the spot: train, stop, resume, compare, evaluate, fine-tune.
# Usage: tools/train/test_train.sh [python]     (needs numpy and PyTorch)
set -eu

python=${1:-python3}
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAILED: $1" >&2; exit 1; }

# Rows of the same shape as the real sets, with every kind of slot and mask that the cleaning has to deal with.
make_gpt2_data() {
    "$python" - "$1" <<'PY'
import gzip, json, os, random, sys

rng = random.Random(7)
things = ["shoes", "dress", "lamp", "watch", "phone", "jacket"]
goods = ["裙", "裤", "衬衫", "外套"]

def write(name, rows):
    with gzip.open(os.path.join(sys.argv[1], name + ".train.jsonl.gz"), "wt", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")

def english(i):
    thing = rng.choice(things)
    return {"prompt": f"cancel order {{{{Order Number}}}} of my {thing} {i}", "intent": "cancel_order", "category": "ORDER",
            "reply": f"I can cancel order {{{{Order Number}}}} for you. Please open the {thing} page and choose '{{{{Online Order Interaction}}}}', then confirm. Thank you."}

write("reply-en", [english(i) for i in range(60)])
write("intent-en", [{"text": f"where is my refund of ${i}", "intent": "track_refund", "category": "REFUND"} for i in range(40)])
write("reply-zh", [{"category": "物流", "source": "x", "messages": [{"role": "user", "content": f"场景分类：物流\n用户问题：我的快递第{i}件到哪了"},
                   {"role": "assistant", "content": "您好快递正在路上请您耐心等待一下"}]} for i in range(40)])
write("reply-zh-jddc", [{"context": f"你好,发票抬头写错了第{i}次,", "reply": "您好，发票可以重新开具#E-s[数字x],"} for i in range(40)])
write("copy-en", [{"name": f"Brand{i} Women Red Cotton Dress", "brand": f"Brand{i}", "gender": "Women", "color": "Red",
                   "description": "Red cotton dress, has a round neck, short sleeves, and flared hem"} for i in range(40)])
write("copy-zh", [{"content": f"类型#{g}*颜色#红色*风格#简约", "summary": f"这款{g}选用红色的设计，风格简约大方，上身舒适自在，日常穿着非常合适，搭配什么都好看，让你轻松穿出好气质来{i}。"}
                  for i, g in enumerate(goods * 10)])
write("pairs", [{"prompt": f"Question {i}:", "completion": f" Answer {i}."} for i in range(30)])
PY
}

test_gpt2() {
    mkdir "$tmp/data"
    make_gpt2_data "$tmp/data"
    train="$python $here/train_gpt2.py --smoke --threads 1 --data $tmp/data --steps 20 --guided-steps 16"

    $train --work "$tmp/whole" --out "$tmp/whole-hf" 2>"$tmp/log" || { cat "$tmp/log" >&2; fail "train_gpt2.py"; }
    grep -q "^step 20/20  loss" "$tmp/log" || fail "no progress lines"
    for f in config.json generation_config.json prompt_template.json model.safetensors tokenizer.json tokenizer_config.json vocab.json merges.txt; do
        [ -s "$tmp/whole-hf/$f" ] || fail "$f was not written"
    done

    # Stopping and going on gives the same bytes as one run.
    $train --work "$tmp/parts" --out "$tmp/parts-hf" --stop-at 13 2>/dev/null
    $train --work "$tmp/parts" --out "$tmp/parts-hf" --resume 2>"$tmp/log"
    grep -q "resumed at step 13" "$tmp/log" || fail "did not resume"
    cmp "$tmp/whole-hf/model.safetensors" "$tmp/parts-hf/model.safetensors" || fail "the resumed run differs"

    $train --out "$tmp/whole-hf" --evaluate >"$tmp/figures"
    grep -q "^| facts-zh |" "$tmp/figures" || fail "no figures"
    grep -q "^replies from facts, facts-en: needed numbers named [01]\.[0-9]* (of [0-9]*), abstained" "$tmp/figures" || fail "no rates"
    grep -q "^attribute values named, own-copy-zh: " "$tmp/figures" || fail "no naming rate"
    "$python" "$here/train_gpt2.py" --out "$tmp/whole-hf" --ask "Where is my order?" >/dev/null

    # Fine-tuning keeps the tokenizer and lowers the loss on the new rows.
    mkdir "$tmp/pairs"
    cp "$tmp/data/pairs.train.jsonl.gz" "$tmp/pairs/"
    "$python" "$here/train_gpt2.py" --smoke --threads 1 --data "$tmp/pairs" --init "$tmp/whole-hf" --work "$tmp/tuned" --out "$tmp/tuned-hf" --steps 60 --lr 0.01 --dtype BF16 2>"$tmp/log"
    cmp "$tmp/whole-hf/vocab.json" "$tmp/tuned-hf/vocab.json" || fail "fine-tuning changed the tokenizer"
    first=$(sed -n 's/^step 10\/.*loss \([0-9.]*\).*/\1/p' "$tmp/log")
    last=$(sed -n 's/^step 60\/.*loss \([0-9.]*\).*/\1/p' "$tmp/log")
    awk "BEGIN { exit !($last < $first) }" || fail "the loss did not fall: $first, then $last"
    # The new rows that it does not learn from are scored before and after; bfloat16 is used only where it is fast.
    before=$(sed -n 's/^before training: held-out loss \([0-9.]*\) .*/\1/p' "$tmp/log")
    after=$(sed -n 's/^after training: held-out loss \([0-9.]*\) .*/\1/p' "$tmp/log")
    awk "BEGIN { exit !($after < $before) }" || fail "the held-out loss did not fall: $before, then $after"
    if grep -qE 'avx512_bf16|amx_bf16|bf16' /proc/cpuinfo; then numbers=bfloat16; else numbers=float32; fi
    grep -q " parameters, $numbers, 1 threads" "$tmp/log" || fail "expected $numbers: $(head -2 "$tmp/log")"
    mkdir "$tmp/nothing"
    : >"$tmp/nothing/pairs.jsonl"
    ! timeout 60 "$python" "$here/train_gpt2.py" --data "$tmp/nothing" --init "$tmp/whole-hf" --work "$tmp/none" --out "$tmp/none" --steps 3 2>"$tmp/log" || fail "trained on nothing"
    grep -q "expected at least one row to train on" "$tmp/log" || fail "$(tail -3 "$tmp/log")"
    echo "train_gpt2.py: ok"
}

test_gpt2
