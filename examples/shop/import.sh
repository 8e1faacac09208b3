#!/bin/sh
# import.sh STORE [ENCODER]: the demo shop into a store, with the vectors of the encoder.
set -eu

store=${1:?usage: import.sh STORE [ENCODER]}
here=$(dirname "$0")
encoder=${2:-$here/../models/shop-encoder}
shop=${BUILD:-build}/bin/llmcs-shop

"$shop" init "$store" --encoder "$encoder"
"$shop" import-products "$store" "$here/products.jsonl"
"$shop" import-customers "$store" "$here/customers.jsonl"
"$shop" import-events "$store" "$here/events.jsonl"
"$shop" import-orders "$store" "$here/orders.jsonl"
"$shop" import-faq "$store" "$here/faq.en.jsonl"
"$shop" import-faq "$store" "$here/faq.zh.jsonl"
