#!/bin/sh
# Writes the golden files anew. Needs node and, in the folder given as first argument, node_modules with
# @huggingface/transformers (4.3.1 was used: npm install --ignore-scripts @huggingface/transformers).
set -e
node_folder=$1
here=$(cd "$(dirname "$0")" && pwd)
cp "$here/golden.mjs" "$node_folder/"
python3 "$here/make_vocab.py"
write() { # folder, golden file
    (cd "$node_folder" && node golden.mjs "$1" "$here/texts.json" &&
        node golden.mjs "$1" "$here/special_texts.json" special) >"$here/$2.jsonl"
}
for folder in tiny-gpt2 tiny-roberta tiny-bert-uncased tiny-bert-cased; do
    write "$here/$folder" "$folder"
done
for model in shop-gpt2 review-bert shop-encoder; do
    folder=$here/../../../examples/models/$model
    if [ -e "$folder/tokenizer.json" ]; then write "$folder" "demo-$model"; fi
done
