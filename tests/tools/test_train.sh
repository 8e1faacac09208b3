#!/bin/sh
# The training scripts on data made on the spot: their own tests, run where a Python with PyTorch is installed.
set -u

python=
for p in python3 /usr/bin/python3; do
    if "$p" -c 'import numpy, scipy, sklearn, torch' 2>/dev/null; then
        python=$p
        break
    fi
done
passed=0 failed=0 skipped=0
for test in tools/train/test_train.sh tools/train/test_train_encoder.sh tools/train/test_train_seq2seq.sh; do
    if [ -z "$python" ]; then
        echo "SKIPPED $test: no Python with PyTorch and scikit-learn (packages python3-torch, python3-sklearn)"
        skipped=$((skipped + 1))
    elif sh "$test" "$python"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "tools/train: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
