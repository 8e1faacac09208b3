#!/bin/sh
# What the examples say with the models of this repository: `make demo`.
set -eu

bin=${BUILD:-build}/bin
models=examples/models
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
    bold='' dim='' plain=''
fi

encoder=$models/shop-encoder
store=$(mktemp -d)/shop.db
trap 'rm -rf "$(dirname "$store")"' EXIT

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

reply() {
    printf '%s  customer  %s%s\n  reply     ' "$dim" "$1" "$plain"
    "$bin/reply" --model "$models/shop-gpt2" --store "$store" --encoder "$encoder" "$1"
}

product_copy() {
    printf '%s  product   %s%s\n  copy      ' "$dim" "$1" "$plain"
    "$bin/product_copy" --model "$models/shop-gpt2" "$1"
}

# The messages of a customer, and what the desk says.
dialogue() {
    customer=$1
    shift
    printf '%s\n' "$@" | "$bin/llmcs-shop" chat "$store" --customer "$customer" --echo | sed "s/^> \(.*\)$/${dim}  customer  \1${plain}/; t; s/^/            /"
}

examples/shop/import.sh "$store" >/dev/null

title 'A customer at the desk of the demo shop  (llmcs-shop chat)'
dialogue c001 'Where is my order PL26111334?' 'Will it rain in Nanjing tomorrow?' 'Do you sell guns?' 'you useless pile of junk' 'Recommend a teapot under 150' \
    'Please cancel PL26111614' 'yes' 'thanks, bye'
title 'The same in Chinese'
dialogue c002 '我的订单PL26111330到哪了？' '明天南京下雨吗' '你们卖枪吗' '什么破机器人' '推荐一个200元以内的茶壶' '取消订单PL26111606' '确定' '谢谢'

title 'A verdict on a review  (sentiment)'
"$bin/sentiment" --model "$models/review-bert" \
    'The zip broke after two days and nobody answers my mails.' \
    'Fits perfectly, lovely colour, I have ordered a second one.' \
    '质量很好，穿着很舒服，物流也快。' \
    '用了一次就坏了，客服也不理人，太失望了。' | sed 's/^/  /'

title 'Answers from the FAQ of the demo shop, or none  (faq)'
"$bin/faq" --encoder "$encoder" "$store" 'What do I pay for delivery?' 'Can I send the shoes back after three weeks?' 'Who founded your company?' \
    '运费怎么算？' '买完第二天就降价了，怎么办？' '你们公司有多少员工？' | sed 's/^/  /'

title 'A reply worded from the entry that answers, or that there is none  (reply)'
reply 'How long can I return something?'
reply 'Who founded your company?'
reply '多久之内可以退货？'
reply '你们公司有多少员工？'

title 'What customers want, or that it is none of the shop'"'"'s business  (intent)'
"$bin/intent" --encoder "$encoder" 'has my parcel been sent yet?' 'The mug arrived in pieces!' 'who won the football match?' \
    '我要退货' '发票抬头写错了' '明天会下雨吗' | sed 's/^/  /'

title 'Products that mean the same  (similar_products)'
sed -n 's/^{[^}]*"en":"\([^"]*\)".*/\1/p' examples/shop/products.jsonl |
    "$bin/similar_products" --model "$encoder" 'something warm for the neck' 'a present for somebody who loves coffee' | sed 's/^/  /'

title 'What a customer may like  (recommend.py)'
examples/recommend.py --store "$store" --encoder "$encoder" -k 3 --customer c001 --item P1009 --text '送给爱喝茶的爸爸' | sed 's/^/  /'

title 'Five customers at once  (service_threads): answers come as they finish'
printf '%s\n' 'Where is my order?' 'which carrier has it?' 'What did I pay?' 'do you have a shop in Berlin?' 'tracking number please' |
    "$bin/service_threads" --model "$models/shop-gpt2" \
        --facts 'order: PL26061908; status: on its way; carrier: Redkite; tracking: RK6601503869; total: 347 yuan' 2>&1 | sed 's/^/  /'

title 'Product titles in the other language, and how sure the model is  (translate)'
"$bin/translate" --model "$models/shop-translate" 'Pebblefield Harvest Teapot, moss green, 800 ml' 'Northpine Urban Backpack, olive, 24 l' \
    '石野 经典马克杯 沙白 400毫升' '行登 舒适跑步鞋 白色 36至46' 'Where is my parcel?' | sed 's/^/  /'

title 'A text for a product page  (product_copy)'
product_copy 'Ostra Classic Mug, moss green, 400 ml; material: bone china'
product_copy '石野 经典茶壶 陶土红 600毫升；材质：粗陶'
product_copy '类型#裙*颜色#黑色*风格#性感*版型#显瘦'

printf '\n%sThe same programs run any GPT-2 or BERT folder from Hugging Face: --model path/to/folder%s\n' "$dim" "$plain"
