"""Training documents for replies from given facts, in one or several turns, and for saying that the facts lack the answer.

    Facts: status: on its way; carrier: Redkite. <an entry's text>
    User: where is it?
    Bot: Your order is on its way with Redkite.
    User: and the price?
    Bot: I don't have that information. Shall I pass you to a colleague?

All numbers, names and identifiers are made up for each document, and those of the FAQ are changed, so that the model has to
copy them and no policy can get into its weights. Entries, whole with their questions, are held back by their hash.
"""
import json
import os
import re
import zlib

import shop_catalogue
import shop_copy
import shop_data
import shop_phrases_en as en
import shop_phrases_zh as zh

TEXTS = os.path.join(shop_catalogue.SHOP, "texts")
NO_ANSWER = {
    "en": ["I don't have that information. Shall I pass you to a colleague?", "I don't have that information, but a colleague can look into it.",
           "I'm sorry, I don't have that information. Would you like to talk to a colleague?"],
    "zh": ["我这边没有查到相关信息，需要为您转接人工客服吗？", "我这边没有查到这方面的信息，可以为您转接人工客服。", "抱歉，我这边没有查到，需要帮您联系人工客服吗？"]}
_OPENERS = {"en": ["Thank you for your question. ", "Thanks for asking. ", "Happy to help. ", "Here is what I found: ", "Hello! ", "I checked this for you. "],
            "zh": ["您好，", "您好，为您查到：", "感谢您的咨询。", "亲，您好。", "好的，帮您查了一下：", "您好！"]}
_ENDINGS = {"en": [" Is there anything else I can do for you?", " Please let me know if you have more questions.", " We are happy to help."],
            "zh": ["还有其他可以帮您的吗？", "如有其他问题欢迎联系我们。", "祝您购物愉快。"]}
_THANKS = {"en": (["thanks", "thank you", "great, thank you", "ok thanks", "perfect", "that helps, thanks"], ["You're welcome.", "You're welcome. Have a nice day.", "My pleasure."]),
           "zh": (["谢谢", "好的谢谢", "明白了", "知道了，谢谢", "好的", "谢谢啦"], ["不客气。", "不客气，祝您生活愉快。", "不用谢，很高兴帮到您。"])}


# ---------------------------------------------------------------- values

def _digits(rng, n):
    return "".join(rng.choice("0123456789") for _ in range(n))


def _order(rng, language):
    return rng.choice(["PL", "PL", "", "A", "SO-", "N"]) + rng.choice("123456789") + _digits(rng, rng.choice([5, 7, 7, 9]))


def _tracking(rng, language):
    return "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.choice([0, 2, 2, 3]))) + rng.choice("123456789") + _digits(rng, rng.choice([7, 9, 9, 11]))


def _money(rng, language):
    n = rng.choice([rng.randint(3, 99), rng.randint(100, 999), rng.randint(1000, 9999)])
    tail = rng.choice(["", "", "", f".{rng.randint(0, 9)}", f".{rng.randint(10, 99)}"])
    return f"{n}{tail}元" if language == "zh" else rng.choice([f"{n}{tail} yuan", f"{n}{tail} CNY", f"${n}{tail}"])


def _days(rng, language):
    a = rng.randint(1, 60)
    if rng.random() < 0.4:
        b = a + rng.randint(1, 9)
        return f"{a} to {b} days" if language == "en" else rng.choice([f"{a}到{b}天", f"{a}至{b}个工作日"])
    return (f"{a} days" if a > 1 else "1 day") if language == "en" else f"{a}天"


def _hours(rng, language):
    a = rng.choice([2, 6, 12, 24, 36, 48, 72, rng.randint(2, 99)])
    return f"{a} hours" if language == "en" else f"{a}小时"


def _date(rng, language):
    m, d = rng.randint(1, 12), rng.randint(1, 28)
    if rng.random() < 0.5:
        return f"2026-{m:02d}-{d:02d}"
    names = "January February March April May June July August September October November December".split()
    return f"{d} {names[m - 1]}" if language == "en" else f"{m}月{d}日"


def _carrier(rng, language):
    if rng.random() < 0.4:
        return rng.choice(["Redkite", "Swiftgull", "Harbour Post"] if language == "en" else ["赤鸢快递", "迅鸥速运", "港湾邮政"])
    return shop_copy._brand(rng) + rng.choice([" Express", " Post", ""]) if language == "en" else shop_copy._brand_zh(rng) + rng.choice(["快递", "速运", "物流"])


def _city(rng, language):
    return rng.choice("Shanghai Beijing Hangzhou Shenzhen Guangzhou Chengdu Nanjing Xiamen Singapore Oslo Lisbon Toronto".split() if language == "en"
                      else "上海 北京 杭州 深圳 广州 成都 南京 武汉 西安 重庆 苏州 长沙 青岛 厦门 新加坡".split())


def _status(rng, language):
    return rng.choice(["on its way", "packed", "paid", "waiting for payment", "delivered", "cancelled", "refunded", "return requested", "return received", "being prepared"] if language == "en"
                      else ["运输中", "已打包", "已付款", "待付款", "已签收", "已取消", "已退款", "退货申请中", "退货已收到", "备货中"])


def _item(rng, language):
    return rng.choice(PRODUCTS)["title"][language] if rng.random() < 0.6 else rng.choice(en.PRODUCTS if language == "en" else zh.PRODUCTS)


def _stock(rng, language):
    return str(rng.randint(0, 99))


def _phone(rng, language):
    return f"400-{_digits(rng, 3)}-{_digits(rng, 4)}"


def _clock(rng, language):
    a, b = rng.randint(7, 11), rng.randint(16, 22)
    return f"{a}:00 to {b}:{rng.choice(['00', '30'])}" if language == "en" else f"{a}:00至{b}:{rng.choice(['00', '30'])}"


def _per_cent(rng, language):
    return f"{rng.randint(2, 60)} %" if language == "en" else f"{rng.randint(2, 60)}%"


def _payment(rng, language):
    names = ["Alipay", "WeChat Pay", "UnionPay", "credit card", "bank transfer", "Visa"] if language == "en" else ["支付宝", "微信支付", "银联", "信用卡", "银行转账", "花呗"]
    return (", " if language == "en" else "、").join(rng.sample(names, rng.randint(1, 3)))


def _colour(rng, language):
    return rng.choice(shop_copy._EN_COLORS if language == "en" else shop_copy._ZH_CLOTHES["颜色"])


def _attribute(name):
    def value(rng, language):
        found = [v for p in rng.sample(PRODUCTS, 40) for k, v in zip(p["attributes"]["en"], p["attributes"][language].values()) if k == name]
        return shop_catalogue.other_numbers(rng, [found[0]])[0] if found else _days(rng, language)
    return value


PRODUCTS = shop_catalogue.load_products()

# ---------------------------------------------------------------- facts of an order, a product, the shop

# (key names, value, questions, short questions that follow another, answers); {v} the value, {o} "order 123" or "your order".
_ORDER = {
    "en": {
        "status": (["status", "order status"], _status, ["where is my order?", "what is the status of my order?", "where is {o}", "any news on {o}?", "has it been sent yet?", "what is happening with my order",
                                                           "my parcel is still not here", "is my package on the way?", "track my order please", "when will you ship it"],
                   ["and the status?", "what's the status?"], ["{O} is {v}.", "The status of {o} is: {v}.", "I checked {o}: it is {v}.", "Right now {o} is {v}."]),
        "carrier": (["carrier", "shipped with"], _carrier, ["who delivers it?", "which carrier has my parcel?", "which company delivers {o}?", "who is bringing my package"],
                    ["with which carrier?", "and who delivers it?"], ["{O} travels with {v}.", "The carrier is {v}.", "{v} brings {o}."]),
        "tracking": (["tracking", "tracking number"], _tracking, ["what is my tracking number?", "can I get the tracking number", "how can I follow the parcel?", "tracking id please", "do you have a tracking code?"],
                     ["and the tracking number?", "tracking number?"], ["The tracking number is {v}.", "You can follow the parcel with number {v}.", "Your tracking number: {v}."]),
        "total": (["total", "amount"], _money, ["how much did I pay?", "what is the total of my order?", "how much was {o}?", "what did that order cost me"],
                  ["and how much was it?", "what was the total?"], ["The total is {v}.", "The total of {o} is {v}.", "{O} came to {v}."]),
        "items": (["items", "item"], _item, ["what is in my order?", "what did I order?", "which items are in {o}?", "remind me what I bought"],
                  ["and what was in it?", "which items?"], ["{O} contains: {v}.", "You ordered: {v}.", "In {o}: {v}."]),
        "city": (["city", "ship to"], _city, ["where are you sending it?", "which city does it go to?", "where will my parcel be delivered?"],
                 ["and where does it go?", "to which city?"], ["It goes to {v}.", "The parcel goes to {v}.", "We are sending it to {v}."]),
        "date": (["ordered", "order date"], _date, ["when did I order?", "what is the date of my order?", "when was {o} placed?"], ["and when did I order?"], ["You ordered on {v}.", "{O} was placed on {v}."]),
        "expected": (["expected", "expected delivery"], _date, ["when will it arrive?", "when do I get my parcel?", "when is {o} due?", "when can I expect the delivery"],
                     ["and when will it be here?", "when does it come?"], ["It is expected on {v}.", "The parcel is expected on {v}.", "{O} should be with you on {v}."]),
        "refund": (["refund amount"], _money, ["how much do I get back?", "what will be refunded?", "how much is my refund?"], ["and how much do I get back?"], ["The refund amount is {v}.", "You get back {v}."]),
    },
    "zh": {
        "status": (["状态", "订单状态"], _status, ["我的订单到哪了？", "订单现在什么状态", "{o}怎么样了", "发货了吗", "我的快递到哪里了", "查一下我的订单", "怎么还没到", "什么时候发货呀", "帮我看下{o}"],
                   ["那状态呢？", "现在什么情况"], ["{o}目前的状态是{v}。", "查到{o}：{v}。", "{o}现在是{v}状态。"]),
        "carrier": (["快递", "承运商"], _carrier, ["发的什么快递？", "哪家快递送的", "用哪个物流公司", "快递是哪家的呀"], ["那是什么快递？", "哪家快递？"], ["由{v}送。", "发的是{v}。", "快递公司是{v}。"]),
        "tracking": (["单号", "物流单号"], _tracking, ["快递单号多少？", "给我物流单号", "运单号发一下", "怎么查物流"], ["单号呢？", "那单号是多少"], ["物流单号是{v}。", "单号：{v}。", "您可以用单号{v}查询物流。"]),
        "total": (["金额", "合计"], _money, ["我付了多少钱？", "这单一共多少钱", "{o}多少钱", "订单金额是多少"], ["一共多少钱？", "那金额呢"], ["合计{v}。", "{o}的金额是{v}。", "一共{v}。"]),
        "items": (["商品", "商品明细"], _item, ["我买了什么？", "订单里有什么东西", "{o}里是什么商品", "我都拍了啥"], ["买的是什么来着？", "里面有什么"], ["{o}里有：{v}。", "您购买的是：{v}。"]),
        "city": (["城市", "收货城市"], _city, ["寄到哪里的？", "收货地是哪个城市", "你们发到哪儿了"], ["寄到哪？", "那寄去哪个城市"], ["寄往{v}。", "收货城市是{v}。"]),
        "date": (["下单日期", "下单时间"], _date, ["我什么时候下的单？", "下单是哪天", "{o}是哪天买的"], ["哪天下的单？"], ["下单日期是{v}。", "您是{v}下的单。"]),
        "expected": (["预计到货", "预计到货日期"], _date, ["什么时候能到？", "哪天能收到", "预计几号送到", "还要多久才到"], ["那什么时候到？", "几号能到"], ["预计{v}到。", "预计到货日期是{v}。"]),
        "refund": (["退款金额"], _money, ["能退多少钱？", "退款金额是多少", "退给我多少"], ["那退多少？"], ["退款金额是{v}。"]),
    }}
_PRODUCT = {
    "en": {
        "price": (["price"], _money, ["how much is it?", "what does it cost?", "price please", "what's the price of the {p}?", "how expensive is the {p}"], ["and the price?", "how much?"], ["It costs {v}.", "The price is {v}.", "The {p} costs {v}."]),
        "stock": (["stock", "in stock"], _stock, ["is it in stock?", "do you have the {p}?", "how many are left?", "is the {p} available"], ["is it available?", "and in stock?"], ["We have {v} of them.", "We have {v} left.", "Stock: {v}."]),
        "colour": (["colour", "color"], _colour, ["what colour is it?", "which colour does the {p} have?"], ["and the colour?"], ["The colour is {v}.", "It comes in {v}."]),
        "material": (["material"], _attribute("material"), ["what is it made of?", "which material is the {p}?", "is it leather?", "what's the material"], ["and the material?", "what is it made of?"], ["It is made of {v}.", "The material is {v}."]),
        "size": (["size"], _attribute("size"), ["how big is it?", "what size is the {p}?", "what are the measurements"], ["and the size?", "how big?"], ["The size is {v}.", "It measures {v}."]),
        "capacity": (["capacity"], _attribute("capacity"), ["how much fits in?", "what is the capacity?", "how many litres does it hold"], ["and the capacity?"], ["It holds {v}.", "The capacity is {v}."]),
        "power": (["power"], _attribute("power"), ["how much power does it have?", "how many watts?"], ["and the power?"], ["The power is {v}."]),
        "battery": (["battery"], _attribute("battery"), ["how long does the battery last?", "what about the battery life"], ["and the battery?"], ["Battery: {v}."]),
        "brand": (["brand"], lambda rng, language: shop_copy._brand(rng), ["which brand is it?", "who makes the {p}?"], ["and the brand?"], ["The brand is {v}.", "It is made by {v}."]),
        "sizes": (["sizes"], _attribute("sizes"), ["which sizes are there?", "do you have it in L?", "what sizes does the {p} come in"], ["and which sizes?"], ["Sizes: {v}.", "It is available in sizes {v}."]),
        "warranty": (["warranty"], lambda rng, language: f"{rng.choice([6, 12, 18, 24, 36])} months", ["how long is the warranty?", "is there a warranty on the {p}?"], ["and the warranty?"], ["The warranty is {v}."]),
    },
    "zh": {
        "price": (["价格", "售价"], _money, ["多少钱？", "这个什么价格", "{p}多少钱", "怎么卖的"], ["价格呢？", "多少钱？"], ["售价{v}。", "价格是{v}。", "{p}的价格是{v}。"]),
        "stock": (["库存"], lambda rng, language: f"{rng.randint(0, 99)}件", ["有货吗？", "还有现货吗", "{p}还有吗", "库存还有多少"], ["有货吗？", "那库存呢"], ["库存{v}。", "目前库存{v}。"]),
        "colour": (["颜色"], _colour, ["什么颜色的？", "{p}是什么颜色"], ["颜色呢？"], ["颜色是{v}。"]),
        "material": (["材质"], _attribute("material"), ["什么材质的？", "{p}是什么做的", "什么料子", "是真皮的吗"], ["材质呢？", "什么做的？"], ["材质是{v}。", "是{v}材质。"]),
        "size": (["规格"], _attribute("size"), ["多大的？", "尺寸是多少", "{p}有多大"], ["尺寸呢？", "多大？"], ["规格是{v}。"]),
        "capacity": (["容量"], _attribute("capacity"), ["容量多大？", "能装多少", "几升的"], ["容量呢？"], ["容量是{v}。"]),
        "power": (["功率"], _attribute("power"), ["功率多少？", "多少瓦的"], ["功率呢？"], ["功率是{v}。"]),
        "battery": (["续航"], _attribute("battery"), ["续航多久？", "电池能用多长时间"], ["续航呢？"], ["续航：{v}。"]),
        "brand": (["品牌"], lambda rng, language: shop_copy._brand_zh(rng), ["什么牌子的？", "{p}是哪个品牌"], ["品牌呢？"], ["品牌是{v}。"]),
        "sizes": (["尺码"], _attribute("sizes"), ["有哪些尺码？", "有L码吗", "尺码都有什么"], ["尺码呢？"], ["尺码：{v}。", "尺码有{v}。"]),
        "warranty": (["质保"], lambda rng, language: f"{rng.choice([6, 12, 18, 24, 36])}个月", ["保修多久？", "质保多长时间"], ["质保呢？"], ["质保{v}。"]),
    }}
_SHOP = {
    "en": {
        "shipping": (["shipping fee"], _money, ["how much is shipping?", "what does delivery cost?", "shipping costs?"], ["and shipping?"], ["Shipping costs {v}.", "The shipping fee is {v}."]),
        "free": (["free shipping from"], _money, ["when is shipping free?", "from what amount is delivery free?"], ["and when is it free?"], ["Shipping is free from {v}."]),
        "express": (["express fee"], _money, ["what does express cost?", "how much is faster delivery?"], ["and express?"], ["Express costs {v}."]),
        "days": (["delivery time"], _days, ["how long does delivery take?", "how many days until it is here?"], ["and how long does it take?"], ["It takes {v}.", "The delivery time is {v}."]),
        "return": (["return window", "returns within"], _days, ["how long can I return something?", "can I send it back?", "what is your return policy", "until when can I return the {p}?"], ["and returns?"], ["You can return it within {v}.", "The return window is {v}."]),
        "return_fee": (["return shipping"], _money, ["who pays for the return?", "what does it cost to send it back?"], ["and what does a return cost?"], ["Return shipping costs {v}."]),
        "refund": (["refund time"], _days, ["how long does a refund take?", "when do I get my money back?"], ["and the refund?"], ["A refund takes {v}.", "The refund time is {v}."]),
        "phone": (["phone"], _phone, ["what is your phone number?", "can I call you?", "how can I reach you by phone"], ["and by phone?"], ["Our phone number is {v}.", "You can call {v}."]),
        "hours": (["opening hours", "service hours"], _clock, ["when are you open?", "what are your opening hours?", "until when can I reach somebody"], ["and when are you open?"], ["We are there from {v}.", "The hours are {v}."]),
        "pay": (["payment methods"], _payment, ["how can I pay?", "which payment methods do you take?", "can I pay by card"], ["and how can I pay?"], ["You can pay with {v}.", "Payment methods: {v}."]),
        "coupon": (["coupon"], _per_cent, ["is there a discount?", "do you have a coupon?"], ["and a discount?"], ["The coupon gives {v}."]),
        "damage": (["report damage within"], _hours, ["how soon must I report damage?", "it arrived broken, how long do I have to tell you"], ["and for damage?"], ["Please report damage within {v}."]),
    },
    "zh": {
        "shipping": (["运费"], _money, ["运费多少？", "邮费怎么算", "要付运费吗"], ["运费呢？"], ["运费是{v}。", "运费{v}。"]),
        "free": (["包邮门槛"], _money, ["满多少包邮？", "多少钱免运费", "怎么才能包邮"], ["那满多少包邮？"], ["满{v}包邮。"]),
        "express": (["加急费"], _money, ["加急要多少钱？", "快一点怎么收费"], ["加急呢？"], ["加急费{v}。"]),
        "days": (["配送时效"], _days, ["几天能到？", "送货要多久"], ["那要几天？"], ["配送需要{v}。"]),
        "return": (["退货期限"], _days, ["多久之内可以退货？", "能退吗", "退货政策是什么", "{p}不喜欢能退不"], ["退货呢？"], ["{v}内可以退货。", "退货期限是{v}。"]),
        "return_fee": (["退货运费"], _money, ["退货运费谁出？", "寄回来要多少邮费"], ["退货运费呢？"], ["退货运费{v}。"]),
        "refund": (["退款时效"], _days, ["退款多久到账？", "钱什么时候退给我"], ["退款呢？"], ["退款需要{v}。"]),
        "phone": (["客服电话"], _phone, ["你们电话多少？", "客服电话是什么", "能打电话吗"], ["电话呢？"], ["客服电话是{v}。"]),
        "hours": (["客服时间", "营业时间"], _clock, ["几点上班？", "客服什么时候在", "营业时间是几点"], ["营业时间呢？"], ["时间是{v}。", "我们{v}在线。"]),
        "pay": (["支付方式"], _payment, ["怎么付款？", "支持哪些支付方式", "可以刷信用卡吗"], ["怎么付？"], ["支持{v}。", "支付方式有{v}。"]),
        "coupon": (["优惠券"], _per_cent, ["有优惠吗？", "有没有优惠券"], ["优惠呢？"], ["优惠券可减{v}。"]),
        "damage": (["破损反馈时限"], _hours, ["收到坏的多久内要说？", "破损要多长时间内反馈"], ["破损呢？"], ["请在{v}内反馈破损。"]),
    }}


# ---------------------------------------------------------------- documents

def prompt(facts, turns, question):
    """turns: [(question, reply)] before."""
    lines = ([f"Facts: {facts}"] if facts is not None else []) + [line for q, a in turns for line in (f"User: {q}", f"Bot: {a}")]
    return "\n".join(lines + [f"User: {question}", "Bot:"])


def vary(rng, question, language):
    """As customers type it."""
    if language == "en":
        roll = rng.random()
        if roll < 0.3:
            question = question[:1].upper() + question[1:]
        elif roll < 0.35:
            question = question.upper()
        if rng.random() < 0.3:
            question = question.rstrip("?")
        before, after = ["hi, ", "Hello, ", "hey ", "excuse me, ", "please tell me: "], [" please", " thanks", " thank you", "!!"]
    else:
        if rng.random() < 0.4:
            question = question.rstrip("？")
        before, after = ["你好，", "请问", "亲，", "客服在吗，", "麻烦问一下，"], ["呢", "谢谢", "~", "呀"]
    if rng.random() < 0.2:
        question = rng.choice(before) + question
    if rng.random() < 0.1:
        question += rng.choice(after)
    return question


def polite(rng, text, language):
    if rng.random() < 0.15:
        text = rng.choice(_OPENERS[language]) + text
    if rng.random() < 0.06:
        text += rng.choice(_ENDINGS[language])
    return text


def sentence_case(text):
    return text[:1].upper() + text[1:]


def known(rng, table, language, count):
    """[(key, printed key, value)]"""
    return [(k, rng.choice(table[k][0]), table[k][1](rng, language)) for k in rng.sample(sorted(table), min(count, len(table)))]


def fill(pattern, value, order, product):
    return pattern.format(v=value, o=order, O=order[:1].upper() + order[1:], p=product)


def from_values(rng, language):
    """Turns about an order, a product or the shop, some about what the facts do not say."""
    zh_ = language == "zh"
    number, item = _order(rng, language), _item(rng, language)
    short = item.split(",")[0] if not zh_ else item.split(" ")[1] if " " in item else item
    roll = rng.random()
    if roll < 0.45:
        table, head = _ORDER[language], [(("订单" if zh_ else "order"), number)]
    elif roll < 0.75:
        table, head = _PRODUCT[language], [(("商品" if zh_ else "product"), item)]
    else:
        table, head = _SHOP[language], []
    values = known(rng, table, language, rng.randint(1, 6))
    facts = head + [(printed, value) for _, printed, value in values]
    if rng.random() < 0.3:
        rng.shuffle(facts)
    colon, comma = ("：", "；") if zh_ and rng.random() < 0.3 else (": ", "; ")
    text = comma.join(f"{k}{colon}{v}" for k, v in facts)
    spoken = (f"订单{number}" if zh_ else f"order {number}") if head and roll < 0.45 and rng.random() < 0.6 else ("您的订单" if zh_ else "your order")
    asked = (f"订单{number}" if zh_ else f"order {number}") if rng.random() < 0.3 else ("我的订单" if zh_ else "my order")
    missing = [k for k in sorted(table) if k not in {k for k, _, _ in values}]
    turns = []
    for turn in range(rng.choice([1, 1, 1, 2, 2, 3])):
        if turn and rng.random() < 0.1:
            questions, replies = _THANKS[language]
            turns.append((rng.choice(questions), rng.choice(replies)))
            continue
        absent = missing and rng.random() < 0.25
        key = rng.choice(missing) if absent else None
        value = None
        if not absent:
            key, _, value = rng.choice(values)
        _, _, questions, short_questions, answers = table[key]
        question = rng.choice(short_questions if turn and rng.random() < 0.6 else questions)
        question = vary(rng, fill(question, "", asked, short), language)
        if absent:
            reply = rng.choice(NO_ANSWER[language])
        else:
            reply = sentence_case(fill(rng.choice(answers), value, spoken, short))
            if key == "status" and rng.random() < 0.4:
                extra = {k: v for k, _, v in values}
                if "tracking" in extra:
                    reply += (f"物流单号是{extra['tracking']}。" if zh_ else f" The tracking number is {extra['tracking']}.")
            reply = polite(rng, reply, language)
        turns.append((question, reply))
    *before, (question, reply) = turns
    return prompt(text, before, question), " " + reply


# ---------------------------------------------------------------- entries

def _expand(rng, text):
    """Braces of the FAQ texts become made-up numbers; numbers of the text become others."""
    return shop_catalogue.other_numbers(rng, [text])[0]


def load_faq(language):
    """[(id, questions, answer)]; what stands in braces is a number. The lines T, kept for figures, are not read."""
    entries = []
    with open(os.path.join(TEXTS, f"faq.{language}.txt"), encoding="utf-8") as f:
        for line in f:
            kind, _, text = line.rstrip("\n").partition(" ")
            if kind == "@":
                entries.append([text.split(":")[0], [], ""])
            elif kind == "Q":
                entries[-1][1].append(text)
            elif kind == "A":
                entries[-1][2] = re.sub(r"\{phone\}", "400-100-2000", re.sub(r"\{\w*(days|wallet|card)\}", "2 to 4" if language == "en" else "2到4",
                                        re.sub(r"\{\w*(open|close|cutoff)\}", "10:00", re.sub(r"\{(?!phone)(?!\w*(days|wallet|card|open|close|cutoff)\})\w+\}", "20", text))))
    return [tuple(e) for e in entries]


def is_held_out(entry_id):
    return zlib.crc32(entry_id.encode()) % 8 == 3


def sentences(text, language):
    parts = re.split(r"(?<=[.!?])\s+", text) if language == "en" else re.findall(r"[^。！？]+[。！？]?", text)
    return [p for p in parts if p]


def load_entries(language, data, held_out):
    """[(questions, answer)] of the demo shop's FAQ, of our own phrases, and of the FAQ set, which is English."""
    faq = [(q, a) for id_, q, a in load_faq(language) if is_held_out(id_) == held_out]
    if held_out:
        return faq
    words = en if language == "en" else zh
    blank = {"your_order": "your order", "your_invoice": "your invoice", "your_refund": "your refund", "your_item": "the item", "to_city": "", "account": "account", "an_account": "an account"}
    if language == "zh":
        blank = {"your_order": "您的订单", "your_item": "商品", "to_city": "发货后"}
    own = [(subject[1], sentence_case(reply.format(**blank))) for subject in words.SUBJECTS for reply in subject[2]]
    rows = [([r["question"]], r["answer"]) for r in data.get("faq-en", ([], []))[0]] if language == "en" else []
    own = [([("pattern", q) for q in questions], answer) for questions, answer in own]
    return faq * 3 + own + rows


def question_of(rng, entry, language):
    question = rng.choice(entry[0])
    if isinstance(question, tuple):
        question = shop_data.fill_question(rng, question[1], language)
    return vary(rng, question, language)


def reworded(rng, answer, language):
    """The answer, whole or its first sentences, with a word of courtesy before or after."""
    parts = sentences(answer, language)
    if len(parts) > 2 and rng.random() < 0.35:
        parts = parts[:rng.randint(1, len(parts) - 1)]
    text = (" " if language == "en" else "").join(parts)
    return polite(rng, text, language) if rng.random() < 0.7 else text


def from_entry(rng, entries, elsewhere, language):
    """An entry answers, or, one time in three, it does not."""
    entry = rng.choice(entries)
    answer = _expand(rng, entry[1])
    facts = answer
    if rng.random() < 0.2:
        other = _expand(rng, rng.choice(entries)[1])
        joint = " " if language == "en" else ""
        facts = joint.join([answer, other] if rng.random() < 0.5 else [other, answer])
    turns = []
    if rng.random() < 0.3:
        turns = [(question_of(rng, entry, language), reworded(rng, answer, language))]
    roll = rng.random()
    if roll < 0.27:
        off = rng.choice(elsewhere) if rng.random() < 0.6 else question_of(rng, rng.choice(entries), language)
        if rng.random() < 0.08:
            facts = None if rng.random() < 0.5 else ("none" if language == "en" else "无")
            turns = []
        return prompt(facts, turns, vary(rng, off, language)), " " + rng.choice(NO_ANSWER[language])
    if turns and roll < 0.34:
        questions, replies = _THANKS[language]
        return prompt(facts, turns, rng.choice(questions)), " " + rng.choice(replies)
    return prompt(facts, turns, question_of(rng, entry, language)), " " + reworded(rng, answer, language)


_ELSEWHERE = {"en": """Who is your boss?|Do you have a shop in Berlin?|Can you repair my bicycle?|What will the weather be like?|Are you hiring?|Is it safe to take two pills?|Which farm grows the tea?
Do you sell guns?|Can I sue the carrier?|How many people work at your company?|Do you plant trees?|What is the best phone?|Can you write my homework?|Is this good for back pain?|Do you ship by helicopter?
Will the price go down next month?|Can I bring my dog to the store?|Who won the match yesterday?|Do you have a subscription?|Can you beat Amazon's price?|When does the next collection come out?
Do you train your staff?|Is the leather vegan?|Do you rent out tents?|Can I become a reseller?|Tell me a joke|Which bank do you use?|Is the factory audited?|What is your CO2 footprint?|Do you buy used furniture?""",
              "zh": """你们老板是谁？|柏林有店吗|能修自行车吗|明天天气怎么样|你们还招人吗|这个药一次吃两片行吗|茶叶是哪个农场的|你们卖枪吗|我能起诉快递吗|公司有多少人
你们种树吗|哪款手机最好|帮我写作业|这个能治腰疼吗|可以用直升机送吗|下个月会降价吗|可以带狗进店吗|昨天谁赢了比赛|有包月订阅吗|能比淘宝便宜吗
下一季新品什么时候上|员工有培训吗|是纯素皮吗|帐篷可以租吗|我想做代理|讲个笑话|你们用哪家银行|工厂验过吗|碳排放是多少|收二手家具吗"""}


def elsewhere(language, intents_path):
    """Questions that no entry answers: our own, and the demo shop's training rows of no intent."""
    found = [q for line in _ELSEWHERE[language].split("\n") for q in line.split("|")]
    with open(intents_path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return found * 6 + [r["text"] for r in rows if r["label"] == "oos"]


def from_customers(rng, documents, language):
    """Real customers' questions, answered from our own reply to them or, one in four, from a reply to another."""
    out = []
    for question, reply in documents:
        facts, question = _expand(rng, reply.strip()), question[len("User: "):-len("\nBot:")]
        if rng.random() < 0.25:
            facts = rng.choice(documents)[1].strip()
            same = facts == reply.strip()
            out.append((prompt(facts, [], question), " " + (facts if same else rng.choice(NO_ANSWER[language]))))
        else:
            out.append((prompt(facts, [], question), " " + reworded(rng, facts, language)))
    return out


def documents(rng, data, count, language, held_out=False):
    """[(prompt, reply)], two in five from entries."""
    entries = load_entries(language, data, held_out)
    off = elsewhere(language, os.path.join(shop_catalogue.SHOP, f"intents.{language}.jsonl"))
    return [from_entry(rng, entries, off, language) if rng.random() < 0.4 else from_values(rng, language) for _ in range(count)]
