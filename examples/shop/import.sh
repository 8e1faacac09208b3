#!/bin/sh
# import.sh STORE [ENCODER]: the demo shop into a store, with the vectors of the encoder.
set -eu

store=${1:?usage: import.sh STORE [ENCODER]}
here=$(dirname "$0")
encoder=${2:-$here/../models/shop-encoder}
shop=${BUILD:-build}/bin/llmcs-shop
[ -x "$shop" ] || shop=llmcs-shop # installed

"$shop" init "$store" --encoder "$encoder"
# The desk's parts. The classifiers go with the encoder of this repository; the data is of November 2026, and so is the clock.
if [ $# -lt 2 ]; then
    heads=$here/../models/heads
    "$shop" init "$store" --intents "$heads/intent.head" --sentiment "$heads/sentiment.head" --moderation "$heads/moderation.head"
    "$shop" init "$store" --reader "$here/../models/shop-reader/shop-reader.gguf"
fi
"$shop" init "$store" --tagger "$here/../models/heads/names.tagger" --order-pattern 'PL[0-9]{8}'
"$shop" init "$store" --flows "$here/flows.json" --wording templates --now 2026-11-16T12:00:00Z
"$shop" import-products "$store" "$here/products.jsonl"
"$shop" import-customers "$store" "$here/customers.jsonl"
"$shop" import-events "$store" "$here/events.jsonl"
"$shop" import-orders "$store" "$here/orders.jsonl"
"$shop" import-faq "$store" "$here/faq.en.jsonl"
"$shop" import-faq "$store" "$here/faq.zh.jsonl"
