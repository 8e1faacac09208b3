"""The demo shop's dialogues: generate.py writes them to flows.json, whose format flows.md explains.

Numbers and deadlines are those of facts.py ({facts.return_days}); what is policy is an entry of the FAQ ({"entry": id}),
so nothing is stated twice. Each action needs the customer's yes.
"""
from facts import ABROAD, CARRIERS, CITY_NAMES, FACTS, NAME, STATUSES
from flow_rules import RULES
from flow_words import ADDRESS_LEAD, CLOSES, CUES, DESCRIBED, KINDS, LISTED_STATES, MONTHS, NEAR_MONTHS, ORDER_ASPECTS, UNSENT, PART_LIKE, WISH_LEAD, WISH_LIKE


def t(en, zh):
    """A text in both languages."""
    return {"en": en, "zh": zh}


def say(en, zh):
    return {"say": t(en, zh)}


def entry(name):
    return {"entry": name}


def ask(tags, otherwise=None, accept=None):
    """The knowledge base, among the entries with one of these tags, where the topic is known and little certainty is enough;
    else one entry, or steps, or that the message was not understood."""
    if accept is None:  # an entry that is likely anyway stands against a guess
        accept = 0.3 if isinstance(otherwise, str) else 0.1
    step = {"knowledge": {"tags": tags, "accept": accept}}
    if otherwise is not None:
        step["none"] = [entry(otherwise)] if isinstance(otherwise, str) else otherwise
    return step


def without_login(*steps):
    """For customers who are not logged in, who get the entry that says how it is done."""
    return {"if": {"login": False}, "then": [{"knowledge": {"accept": 0.35}, "none": list(steps)}, {"say": "log_in_for_more"}, END]}


END = {"end": True}


def declines(en, zh):
    """What follows a no at a confirmation: what was left undone."""
    return [say(en, zh), END]


NOT_REPORTED = declines("All right, I have not reported anything.", "好的，没有提交。")
NOT_PASSED_ON = declines("All right, I have not passed anything on.", "好的，没有提交。")
SOLD_OUT = {"if": {"product.stock": {"less": 1}}, "then": [say("It is sold out at the moment.", "目前缺货。")]}
DAY = 86400
WINDOW = f"o.time > :now - {FACTS['return_days']} * {DAY}"

# ---------------------------------------------------------------- finds

# The titles of an order's items, in the customer's language.
ITEMS = ("(SELECT group_concat(iif(i.quantity > 1, i.quantity || ' × ', '') || t.title, '; ') FROM order_items i JOIN products p ON p.id = i.item"
         " JOIN product_texts t ON t.product = p.row AND t.lang = :lang WHERE i.order_row = o.row)")
PIECES = "(SELECT sum(i.quantity) FROM order_items i WHERE i.order_row = o.row)"
TITLES = ("(SELECT group_concat(t.title, '; ') FROM order_items i JOIN products p ON p.id = i.item"
          " JOIN product_texts t ON t.product = p.row WHERE i.order_row = o.row)")   # in all languages, to be found by
def one_of(column, values):
    """The SQL of a column that has one of these values."""
    return f"{column} IN (%s)" % ", ".join(f"'{value}'" for value in values)


# What decides how an order is delivered and returned: 1 if it goes abroad; pieces of furniture in it.
IS_ABROAD = one_of("o.city", [city for cities in ABROAD.values() for city in cities])
LARGE = ("(SELECT count(*) FROM order_items i JOIN products p ON p.id = i.item WHERE i.order_row = o.row AND p.category = 'furniture')")
ORDER = (f"SELECT o.id AS id, o.status AS status, o.time AS time, o.total AS total, o.carrier AS carrier, o.tracking AS tracking,"
         f" o.city AS city, {ITEMS} AS items, {PIECES} AS pieces, {IS_ABROAD} AS abroad, {LARGE} AS large, {TITLES} AS titles FROM orders o WHERE o.customer = :customer")
ORDER_TABLES = ["orders", "order_items", "products", "product_texts"]
ORDER_LINE = t("{id} of {time|date}, {status|status}: {items}", "{id}（{time|date}，{status|status}）：{items}")


def orders(where, limit=5):
    return {"sql": f"{ORDER} AND {where} ORDER BY o.time DESC, o.id DESC LIMIT {limit}", "tables": ORDER_TABLES, "line": ORDER_LINE}


# What customers ask of a product: the aspect, and the keys of its attributes, of which a product has one at most.
ASPECTS = {"colour": ("colour", "颜色"), "size": ("size", "sizes", "capacity", "规格", "尺码", "容量"), "weight": ("weight", "重量"),
           "material": ("material", "材质"), "battery": ("battery", "续航"), "power": ("power", "功率"), "age": ("age", "适用年龄"),
           "origin": ("origin", "产地"), "scent": ("scent", "香型"), "grams": ("weight", "重量", "capacity", "容量", "size", "规格")}


def attribute(keys, texts="t"):
    """The SQL of an attribute's value; texts is the name of product_texts in the statement."""
    return "coalesce(%s)" % ", ".join(f"json_extract({texts}.attributes, '$.\"{key}\"')" for key in keys)


PRODUCT = ("SELECT p.id AS id, t.title AS title, p.price AS price, p.stock AS stock, t.description AS description, "
           + ", ".join(f"{attribute(keys)} AS {name}" for name, keys in ASPECTS.items()) +
           " FROM products p JOIN product_texts t ON t.product = p.row AND t.lang = :lang")
# Attributes that titles do not show. They end the description, a sentence each: " Material: linen. Origin: Fujian."
DETAIL_KEYS = ("material", "origin", "roast", "power", "light", "keys", "switches", "skin", "hair", "protection", "age", "players",
               "temperature", "ruling", "nib", "tip", "year", "材质", "产地", "烘焙度", "功率", "色温", "键位", "轴体", "适合肤质", "适合发质",
               "防晒指数", "适用年龄", "人数", "温标", "内页", "笔尖", "笔尖粗细", "年份")


def detail(key):
    name, colon, dot = (" " + key.capitalize(), ": ", ".") if key.isascii() else (key, "：", "。")
    return f"coalesce('{name}{colon}' || json_extract(t.attributes, '$.\"{key}\"') || '{dot}', '')"


DESCRIBED_PRODUCT = PRODUCT.replace("t.description", "nullif(trim(coalesce(t.description, '') || "
                                    + " || ".join(detail(k) for k in DETAIL_KEYS) + "), '')")
PRODUCT_TABLES = ["products", "product_texts"]
PRODUCT_LINE = t("{title}, ¥{price|money}", "{title}，¥{price|money}")


def others(where, order, limit):
    """Products in stock of the same kind, which is a product's first tag."""
    return {"sql": "SELECT p.id AS id, t.title AS title, p.price AS price, p.stock AS stock FROM products p JOIN product_texts t"
                   f" ON t.product = p.row AND t.lang = :lang WHERE p.stock > 0 AND {where}json_extract(p.tags, '$[0]') ="
                   f" (SELECT json_extract(q.tags, '$[0]') FROM products q WHERE q.id = :product){order} LIMIT {limit}",
            "tables": PRODUCT_TABLES, "line": PRODUCT_LINE}


COLOUR = ASPECTS["colour"]
FINDS = {
    "o": {"sql": f"{ORDER} AND o.id = :order", "tables": ORDER_TABLES, "line": ORDER_LINE},
    "active": orders(one_of("o.status", [*UNSENT, "shipped"])),
    "recent": orders("1"),
    "mine": orders("1", 50),
    "unpaid": orders(one_of("o.status", ["pending_payment"])),
    "cancellable": orders(one_of("o.status", UNSENT)),
    "returnable": orders(f"o.status = 'delivered' AND {WINDOW}"),
    "delivered": orders("o.status = 'delivered'"),
    "received": orders(one_of("o.status", ["delivered", "shipped"])),
    "refunds": orders(one_of("o.status", ["return_requested", "returned", "refunded", "cancelled"]), 3),
    # By month of the last year and by state, where they are said.
    "placed": orders("(:month IS NULL OR (o.time > :now - 365 * 86400 AND strftime('%m', o.time, 'unixepoch') = CASE :month"
                     " WHEN 'this' THEN strftime('%m', :now, 'unixepoch') WHEN 'last' THEN strftime('%m', :now, 'unixepoch', 'start of month', '-1 day')"
                     " ELSE :month END))"
                     " AND (:state IS NULL OR o.status = :state OR (:state = 'returned' AND o.status = 'return_requested'))", 8),
    "product": {"sql": f"{DESCRIBED_PRODUCT} WHERE p.id = :product", "tables": PRODUCT_TABLES, "line": PRODUCT_LINE},
    # Others of its kind, in other colours.
    "other_colours": others("p.id <> :product AND ", f" AND {attribute(COLOUR)} <> (SELECT {attribute(COLOUR, 'u')} FROM products q JOIN product_texts u"
                            " ON u.product = q.row AND u.lang = :lang WHERE q.id = :product) ORDER BY p.price, p.id", 3),
    # The one that was named first.
    "same_kind": others("", " ORDER BY p.id <> :product, p.price, p.id", 4),
}

# ---------------------------------------------------------------- actions

ACTIONS = {
    "cancel_order": {"sql": "UPDATE orders SET status = 'cancelled' WHERE customer = :customer AND id = :order"
                            f" AND {one_of('status', UNSENT)}",
                     "tables": ["orders"], "object": "order", "destructive": True},
    "request_return": {"sql": "UPDATE orders SET status = 'return_requested' WHERE customer = :customer AND id = :order"
                              f" AND status = 'delivered' AND time > :now - {FACTS['return_days']} * {DAY}",
                       "tables": ["orders"], "object": "order", "detail": ["request", "remark"], "destructive": True},
    # Without SQL: a ticket for the staff.
    "change_address": {"object": "order", "detail": ["address"], "destructive": True},
    "request_exchange": {"object": "order", "detail": ["wish", "request", "remark"], "destructive": True},
    "request_invoice": {"object": "order", "destructive": True},
    "report_problem": {"object": "order", "detail": ["problem", "description", "remark"], "destructive": True},
    "file_complaint": {"object": "complaint", "destructive": True},
}

SLOTS = {
    "order": {"type": "order", "pattern": "PL[ -]?[0-9]{8}", "from": "recent",
              "ask": t("Which order is it about?\n{choices}", "是哪个订单呢？\n{choices}"),
              "again": t("Which of these orders is it? Its place in the list or a word for it will do.", "是上面哪一单？说第几个，或者买的是什么，都可以。"),
              "described": DESCRIBED,
              "none": t("I see no order in your account.", "您的账户里没有订单。")},
    "address": {"type": "address", "min": 8, "lead": ADDRESS_LEAD,
                "ask": t("What is the complete new address for order {order}, with name and phone number?",
                         "请把订单{order}的新地址完整发给我，包括收件人和电话。"),
                "again": t("Please send me the complete new address for order {order}.", "请发一下订单{order}的完整新地址。")},
    "wish": {"type": "text", "first": True, "min": 1, "max": 300, "like": WISH_LIKE, "lead": WISH_LEAD,
             "ask": t("For order {order}: which item is it, and which size or colour would you like instead?",
                      "订单{order}要换哪一件，换成什么尺码或颜色？"),
             "again": t("Which size or colour would you like instead?", "要换成什么尺码或颜色？")},
    "problem": {"type": "choice", "ask": t("What is wrong?", "是什么问题？"), "options": [
        {"value": "damaged", "words": t(["broken", "damaged", "faulty"], ["坏", "破", "碎", "质量"]),
         "label": t("damaged or faulty", "破损或有故障")},
        {"value": "wrong", "words": t(["wrong"], ["发错", "不对"]), "label": t("the wrong item", "发错货")},
        {"value": "missing", "words": t(["missing"], ["少", "漏"]), "label": t("something is missing", "少件")},
        {"value": "lost", "words": t(["lost", "not received"], ["丢", "没收到"]), "label": t("not received", "没有收到")}]},
    "description": {"type": "text", "first": True, "min": 2, "max": 500,
                    "ask": t("What happened?", "请说说具体情况。")},
    # What is said of an order of several pieces, and what is remarked later: in the customer's words, for the staff.
    "request": {"type": "text", "first": True, "parts": True, "min": 2, "max": 300, "ask": t("Which items is it about?", "是哪几件？")},
    # Of an order that can only be cancelled as a whole: "only the mug", 只取消杯子.
    "part": {"type": "text", "first": True, "parts": True, "like": PART_LIKE, "min": 2, "max": 300, "ask": t("Which items is it about?", "是哪几件？")},
    "remark": {"type": "text", "remark": True, "min": 2, "max": 300, "ask": t("What should our team know?", "有什么要告诉同事的？")},
    "complaint": {"type": "text", "first": True, "first_min": 45, "min": 6, "max": 500,
                  "ask": t("I am sorry to hear that. Please tell me in one message what went wrong, with the order number if there is one.",
                           "很抱歉给您带来不好的体验。请用一条消息说说发生了什么，有订单号请一起写上。")},
    "aspect": {"type": "choice", "ask": t("What would you like to know of it?", "您想了解哪一方面？"), "options": [
        {"value": name, "words": t(en, zh)} for name, en, zh in (
            ("price", ["how much", "price", "prices", "cost", "costs", "expensive"], ["多少钱", "价格", "价钱", "怎么卖", "几块钱", "贵吗", "贵不贵", "什么价"]),
            ("stock", ["in stock", "available", "sold out", "availability", "how many left", "how many are left", "any left"], ["有货", "现货", "库存", "缺货", "还有吗", "还剩", "剩几", "剩多少"]),
            ("colour", ["colour", "color", "colours", "colors"], ["颜色", "什么色", "哪些色"]),
            ("size", ["size", "sizes", "how big", "how tall", "how long is", "how wide", "how high", "big is", "dimensions", "measurements", "capacity",
                      "how many ml", "how many litres", "ml", "litres", "thick", "thickness", "volume", "how much does it hold", "how much does it fit", "how much can it hold", "how much fits", "how much will it hold",
                      "how many people", "how many ppl", "fit in", "inches",
                      "big"],
             ["规格", "尺码", "容量", "尺寸", "多大", "多高", "多长", "多宽", "多少毫升", "毫升", "几升", "几寸", "多厚", "厚", "几个人", "几人", "睡", "能装多少", "装多少", "能放多少", "码数"]),
            # The grams of a pack, a grinder or a pair of earphones: of what holds something, its capacity.
            ("grams", ["how many grams", "how many g"], ["多少克", "几克"]),
            ("weight", ["weight", "heavy", "weigh", "weighs", "how light"], ["重量", "多重", "几斤", "几公斤", "重吗", "重不重", "轻吗", "轻不轻", "多轻"]),
            ("material", ["material", "materials", "made of", "made out of", "made from", "fabric"], ["材质", "材料", "什么做的", "面料", "什么料子"]),
            ("battery", ["battery", "battery life", "charge last"], ["续航", "电池", "充一次电", "用多久"]),
            ("power", ["power", "watts", "watt", "wattage", "electricity"], ["功率", "多少瓦", "耗电", "费电"]),
            ("age", ["age", "ages", "how old", "old enough"], ["适用年龄", "几岁", "多大孩子", "年龄"]),
            ("origin", ["origin", "where is it from", "where are they from", "grown", "come from"], ["产地", "哪里产", "哪产", "产自"]),
            ("scent", ["scent", "smell", "smells", "scented"], ["香型", "什么味", "味道", "香味"]))]},
    # What is asked of an order besides its status; without one of these words, the status.
    "order_aspect": {"type": "choice", "ask": t("What would you like to know of it?", "您想了解哪一方面？"), "options": [
        {"value": name, "words": t(en, zh)} for name, en, zh in ORDER_ASPECTS]},
    # Which orders a list is to have.
    "month": {"type": "choice", "ask": t("Which month?", "哪个月？"), "options": [
        {"value": f"{i + 1:02}", "words": t(en, zh)} for i, (en, zh) in enumerate(MONTHS)] +
              [{"value": name, "words": t(en, zh)} for name, en, zh in NEAR_MONTHS]},
    "state": {"type": "choice", "ask": t("Which ones?", "哪些？"), "options": [
        {"value": name, "words": t(en, zh)} for name, en, zh in LISTED_STATES]},
    "product": {"type": "product", "ask": t("Which product do you mean?", "您说的是哪款商品？")},
}

# ---------------------------------------------------------------- shared sentences

TEXTS = {
    "ask_back": t(["I did not quite get that, or it is not something I can help with. I can look up orders, help with returns, refunds, "
                   "invoices and complaints, and tell you about our goods. What is it about?"],
                  ["不好意思，没太明白，或者这个我帮不上忙。我可以查订单和物流，办理取消、退换货、退款、发票和投诉，也能介绍商品。您想问哪一方面？"]),
    "not_understood": t("Sorry, I still cannot answer that. I am passing you on to a colleague; our team is there daily from "
                        "{facts.service_open} to {facts.service_close}.",
                        "抱歉，这个我还是答不了，帮您转给同事。人工客服每天{facts.service_open}到{facts.service_close}在线。"),
    "handover": t("I am passing you on to a colleague, who will answer here. Our team is there daily from {facts.service_open} to "
                  "{facts.service_close}.",
                  "帮您转给同事，会在这里回复您。人工客服每天{facts.service_open}到{facts.service_close}在线。"),
    "off_topic": t("I am only the assistant of {facts.name}, so I cannot say much about that. I can look up orders, help with returns and "
                   "tell you about our goods; write \"agent\" for a person.",
                   "我是{facts.name}的智能客服，这个我不太懂。查订单、办退换货、介绍商品都可以找我，要找同事请输入“人工”。"),
    "waiting": t("A colleague will answer here; our team is there daily from {facts.service_open} to {facts.service_close}. By phone: "
                 "{facts.phone}.",
                 "同事会在这里回复您，人工客服每天{facts.service_open}到{facts.service_close}在线，也可以打{facts.phone}。"),
    "login": t("For that I need to see your orders. Please log in first and then write to me again.",
               "这需要查看您的订单，请先登录账户，再来找我。"),
    "log_in_for_more": t("If you log in, I can look at your order right here.", "登录账户以后，我可以直接帮您看订单。"),
    "not_found": t("I cannot find that order in your account. Please check the number: PL and eight digits, as under My Orders.",
                   "在您的账户里没有找到这个订单，请核对订单号：PL加八位数字，“我的订单”里可以看到。"),
    "action_failed": t("That did not work, and nothing was changed. Please try again, or write \"agent\" for a person.",
                       "没有成功，也没有做任何改动。请再试一次，或输入“人工”找同事处理。"),
    "action_unknown": t("I cannot tell whether that went through. Please do not send it again: a colleague will check and answer here.",
                        "暂时无法确认是否成功，请不要重复提交，同事会核实后在这里回复您。"),
    "unavailable": t("I cannot look that up at the moment. Please try again in a few minutes, or call {facts.phone}.",
                     "现在暂时查不到，请过几分钟再试，或拨打{facts.phone}。"),
    "blocked": t("I cannot help with that. I am here for orders and goods of {facts.name}.",
                 "这个我帮不了。我只负责{facts.name}的订单和商品问题。"),
    "nothing_done": t("All right, I have not changed anything. Is there anything else I can do for you?", "好的，没有做任何改动。还有别的需要吗？"),
    "nothing_to_confirm": t("There is nothing to confirm at the moment. What can I do for you?", "现在没有需要确认的事。有什么可以帮您？"),
    "none_fits": t("I see no order of yours that fits that.", "您的订单里没有符合这个说法的。"),
    "stuck": t("Or shall I pass you on to a colleague (write \"agent\"), or leave it (write \"stop\")?", "也可以转同事处理（回复“人工”），或者先不办（回复“不用了”）。"),
    "already_done": t("I have done that already. If there is more to it, write \"agent\" and a colleague reads it here.",
                      "这个已经办好了。如果还要补充，回复“人工”，同事会看这里的对话。"),
    "done_here": t("This is done in our conversation: {a}", "这次对话里已经办了：{a}"),
    "left_open": t("I have left it as it is; nothing was changed.", "那这件事就先不办了，没有做任何改动。"),
    "sorry": t("I am sorry about the trouble.", "很抱歉给您添麻烦了。"),
    "recommend": t("These may suit you:", "可以看看这几款："),
    "no_recommendation": t("I have nothing suitable to suggest. What are you looking for?", "暂时没有合适的推荐。您想找哪一类的？"),
    "no_product": t("I cannot find that in our range. We sell tableware, tea and coffee, clothing, shoes, bags, electronics, textiles, "
                    "furniture, care products, toys, outdoor gear and stationery.",
                    "我们店里没有找到这样的商品。我们卖餐具、茶和咖啡、服装、鞋、箱包、数码、家纺、家具、护理、玩具、户外和文具。"),
    "refuse": t("I cannot help with that; I am here for your own orders and for what we sell. What else can I do for you?",
                "这个我帮不了。您自己的订单和店里的商品可以问我。"),
    "refuse_orders_of_others": t("I can only show you your own orders and data, never those of somebody else.",
                                 "我只能查看您本人的订单和资料，不能透露别人的。"),
}

# ---------------------------------------------------------------- dialogues

STATUS = {
    "say_by": "o.status", "of": {
        "pending_payment": t("Order {order} ({o.items}) is waiting for your payment of ¥{o.total|money}. Unpaid orders are kept for "
                             "{facts.unpaid_hours} hours.",
                             "订单{order}（{o.items}）待付款，共{o.total|money}元。未付款的订单保留{facts.unpaid_hours}小时。"),
        "paid": t("Order {order} ({o.items}) is paid and will be packed next. Orders paid before {facts.dispatch_cutoff} on a working day "
                  "leave the same day, all others on the next working day.",
                  "订单{order}（{o.items}）已付款，正等待打包。工作日{facts.dispatch_cutoff}前付款的当天发货，其余的下一个工作日发货。"),
        "packed": t("Order {order} ({o.items}) is packed and waits for the carrier.", "订单{order}（{o.items}）已打包，正等快递来取。"),
        "shipped": t("Order {order} ({o.items}) is on its way to {o.city|city} with {o.carrier|carrier}, tracking number {o.tracking}. You see "
                     "the expected day under My Orders.",
                     "订单{order}（{o.items}）已发货，正在送往{o.city|city}，{o.carrier|carrier}，单号{o.tracking}。预计送达日期可以在“我的订单”里看。"),
        "delivered": t("Order {order} ({o.items}) is marked as delivered in {o.city|city} by {o.carrier|carrier}, tracking number {o.tracking}. "
                       "If you do not have it, tell me.",
                       "订单{order}（{o.items}）显示已在{o.city|city}签收，{o.carrier|carrier}，单号{o.tracking}。如果您没收到，请告诉我。"),
        "cancelled": t("Order {order} ({o.items}) is cancelled.", "订单{order}（{o.items}）已取消。"),
        "return_requested": t("A return is requested for order {order} ({o.items}); we are waiting for the parcel.",
                              "订单{order}（{o.items}）已申请退货，我们在等您寄回的包裹。"),
        "returned": t("Your return of order {order} ({o.items}) has reached us; we refund within {facts.refund_days} working days after "
                      "that.", "订单{order}（{o.items}）的退货我们已收到，收到后{facts.refund_days}个工作日内退款。"),
        "refunded": t("Order {order} ({o.items}) is refunded. The money is back in {facts.refund_wallet} working days with Alipay or "
                      "WeChat Pay and in {facts.refund_card} working days with a card.",
                      "订单{order}（{o.items}）已退款，支付宝和微信{facts.refund_wallet}个工作日到账，银行卡{facts.refund_card}个工作日到账。"),
        "*": t("The status of order {order} is: {o.status|status}.", "订单{order}的状态：{o.status|status}。")}}


# Answers to what is asked of an order besides its status. The data has an order's total, not what was deducted from a refund.
ABOUT_ORDER = [
    {"if": {"order_aspect": "total"}, "then": [
        {"say_by": "o.status", "of": {
            "pending_payment": t("Order {order} ({o.items}) comes to ¥{o.total|money}; it is waiting for your payment.",
                                 "订单{order}（{o.items}）共{o.total|money}元，待付款。"),
            "*": t("Order {order} ({o.items}) comes to ¥{o.total|money}. Status: {o.status|status}.",
                   "订单{order}（{o.items}）共{o.total|money}元，{o.status|status}。")}}, END]},
    {"if": {"order_aspect": "refund"}, "then": [
        {"say_by": "o.status", "of": {
            "refunded": t("Order {order} ({o.items}) came to ¥{o.total|money} and is refunded. I see the order's total, not whether a fee was deducted.",
                          "订单{order}（{o.items}）共{o.total|money}元，已退款。我只看得到订单金额，看不到有没有扣费用。"),
            "cancelled": t("Order {order} ({o.items}) came to ¥{o.total|money} and is cancelled; what was paid is refunded in full.",
                           "订单{order}（{o.items}）共{o.total|money}元，已取消，已付的款项全额退回。"),
            "*": t("I see no refund for order {order} ({o.items}) yet. It came to ¥{o.total|money}; status: {o.status|status}.",
                   "订单{order}（{o.items}）还没有退款记录。订单共{o.total|money}元，{o.status|status}。")}}, END]},
    {"if": {"order_aspect": ["goods", "parcel"]}, "then": [
        say("Order {order} of {o.time|date} has: {o.items}; ¥{o.total|money} in all. Status: {o.status|status}.", "订单{order}（{o.time|date}）的商品：{o.items}，共{o.total|money}元。状态：{o.status|status}。"),
        {"if": {"order_aspect": "parcel"}, "then": [entry("delivery-split")]}, END]}]


# For the staff, in the customer's words; both sentences are left out where there are none. Actions apply to whole orders.
WORDS = t("The whole order is registered, and a colleague limits it to what you wrote: \"{request}\". ",
          "系统按整单登记，同事会按您写的只办这部分：“{request}”。")
REMARK = t("Your note for our team: \"{remark}\". ", "备注：“{remark}”。")
LIMITED = t("A colleague limits it to what you wrote: \"{request}\". Our team has your note: \"{remark}\".",
            "同事会按您写的只办这部分：“{request}”。备注已转给同事：“{remark}”。")
# An order of one piece needs no word on which.
ONE_PIECE = {"if": {"o.pieces": {"less": 2}}, "then": [{"set": {"request": ""}}]}
WHOLE_ORDER = t("You wrote \"{part}\", but here only the whole order can be cancelled; until it is packed, single items can be taken out under "
                "My Orders, with Edit. ",
                "您写的是“{part}”，不过这里只能整单取消；打包前可以在“我的订单”里点“修改”，去掉不要的那件。")
WHOLE_PACKED = t("You wrote \"{part}\", but the order is packed, so only the whole of it can be cancelled; a single item can be returned within "
                 "{facts.return_days} days of delivery. ",
                 "您写的是“{part}”，不过订单已打包，只能整单取消；也可以签收后{facts.return_days}天内单独退其中一件。")


def with_words(en, zh, *before):
    """The question of a confirmation after what the customer has said of the request."""
    return t("".join(b["en"] for b in before) + en, "".join(b["zh"] for b in before) + zh)


def cancel_order(whole):
    """Asks, with the sentence `whole` where the customer wants a part of the order cancelled, and cancels."""
    return [{"confirm": with_words("Shall I cancel order {order} ({o.items}) for a total of ¥{o.total|money}?",
                                   "确定取消订单{order}（{o.items}）吗？共{o.total|money}元。", whole)},
            {"do": "cancel_order", "done": [
                {"if": {"o.status": "pending_payment"}, "then": [
                    say("Order {order} is cancelled; nothing had been paid.", "订单{order}已取消，还没有付过款。")],
                 "else": [say("Order {order} is cancelled. The full amount is refunded to the payment method you used.",
                              "订单{order}已取消，款项全额原路退回。")]}]}]


def order_from(find, *none):
    return {"slot": "order", "from": find, "none": list(none)}


def report(problem, find, policy):
    """Damaged, wrong, missing or lost: the policy is an entry; the report is a ticket."""
    return [{"set": {"problem": problem}},
            without_login(entry(policy)),
            order_from(find, entry(policy), END),
            {"find": "o"},
            {"if": {"o.status": ["delivered", "shipped"]}, "then": [
                entry(policy),
                {"slot": "description"},
                {"confirm": with_words("Shall I report order {order} to our team now: {problem}?", "要我现在把订单{order}报给同事处理吗：{problem}？", REMARK),
                 "no": NOT_REPORTED},
                {"do": "report_problem", "done": [
                    say("I have reported order {order}: {problem}. A colleague will look at it and answer you.",
                        "订单{order}已报给同事：{problem}，会有同事查看后回复您。")]}],
             "else": [STATUS]}]


def if_aspect(name, *steps):
    """Steps for a question about this aspect of the product; they end the flow."""
    return {"if": {"aspect": name}, "then": [*steps, END]}


def value(name, en, zh):
    """The attribute of the aspect, if the product has it."""
    return {"if": {"aspect": name, f"product.{name}": None}, "then": [], "else": [if_aspect(name, say(en, zh))]}


IN_STOCK = [
    {"if": {"product.stock": {"less": 1}}, "then": [
        say("No, {product.title} is sold out at the moment.", "{product.title}目前缺货。"),
        {"find": "same_kind", "none": [entry("stock-notice"), END]},
        say("In stock of that kind:\n{same_kind.list}", "同类有货的：\n{same_kind.list}")],
     "else": [say("Yes, {product.title} is in stock, ¥{product.price|money}.", "有货，{product.title}，¥{product.price|money}。")]}]

ABOUT_PRODUCT = [
    if_aspect("price", say("{product.title} costs ¥{product.price|money}.", "{product.title}，¥{product.price|money}。"), SOLD_OUT),
    if_aspect("stock", *IN_STOCK),
    {"if": {"aspect": "colour", "product.colour": None}, "then": [], "else": [if_aspect(
        "colour", say("{product.title}: only in {product.colour}.", "{product.title}：只有{product.colour}。"),
        {"find": "other_colours", "none": [END]},
        say("In other colours there are:\n{other_colours.list}", "同类其他颜色的有：\n{other_colours.list}"))]},
    value("size", "{product.title}: {product.size}.", "{product.title}：{product.size}。"),
    value("weight", "{product.title}: {product.weight}.", "{product.title}：{product.weight}。"),
    value("grams", "{product.title}: {product.grams}.", "{product.title}：{product.grams}。"),
    value("material", "{product.title} is made of {product.material}.", "{product.title}的材质：{product.material}。"),
    value("battery", "{product.title}, battery: {product.battery}.", "{product.title}续航：{product.battery}。"),
    value("power", "{product.title}: {product.power}.", "{product.title}：{product.power}。"),
    value("age", "{product.title}: {product.age}.", "{product.title}：{product.age}。"),
    value("origin", "{product.title} comes from {product.origin}.", "{product.title}的产地：{product.origin}。"),
    value("scent", "{product.title}: {product.scent}.", "{product.title}：{product.scent}。"),
    say("{product.title}, ¥{product.price|money}: {product.description}", "{product.title}，¥{product.price|money}。{product.description}"),
    {**SOLD_OUT, "else": [say("It is in stock.", "目前有货。")]},
    say("If that does not answer your question, write \"agent\" and a colleague will look into it.", "如果没有回答您的问题，输入“人工”由同事解答。")]


FLOWS = {
    "order_status": {
        "intents": ["track_order"], "title": t("know where an order is", "查订单或物流"), "steps": [
            without_login(entry("tracking")),
            {"if": {"order": None, "order_aspect": None}, "then": [
                {"find": "active", "none": [
                    {"find": "recent", "none": [say("I see no order in your account.", "您的账户里没有订单。"), END]},
                    say("You have no orders in progress. Your latest orders are:\n{recent.list}", "您没有进行中的订单，最近的订单是：\n{recent.list}"), END]},
                {"if": {"active.n": {"more": 1}}, "then": [
                    say("These orders are in progress:\n{active.list}", "这些订单还在进行中：\n{active.list}"), END],
                 "else": [order_from("active")]}],
             "else": [{"if": {"order": None}, "then": [{"go": "about_order"}]}]},
            {"find": "o"}, *ABOUT_ORDER, STATUS,
            {"if": {"o.status": "shipped"}, "then": [{"if": {"o.abroad": 1}, "then": [
                say("It was ordered on {o.time|date}; parcels abroad take {facts.abroad_days} working days.",
                    "{o.time|date}下的单，境外一般{facts.abroad_days}个工作日送达。")], "else": [
                {"if": {"o.large": {"more": 0}}, "then": [
                    say("It was ordered on {o.time|date}; furniture takes {facts.large_days} working days after dispatch.",
                        "{o.time|date}下的单，家具发货后{facts.large_days}个工作日内送到家。")], "else": [
                    say("It was ordered on {o.time|date}; delivery takes {facts.standard_days} working days after dispatch.",
                        "{o.time|date}下的单，发货后一般{facts.standard_days}个工作日送达。")]}]}]}]},
    "delivery_time": {
        "intents": ["delivery_period"], "title": t("know how long delivery takes", "问配送时间"), "steps": [
            {"if": {"order": None}, "then": [ask(["shipping", "配送"], "shipping-time")], "else": [{"go": "order_status"}]}]},
    "cancel": {
        "intents": ["cancel_order"], "title": t("cancel an order", "取消订单"), "steps": [
            without_login(entry("order-cancel")),
            order_from("cancellable", say("You have no order that can still be cancelled.", "您没有还能取消的订单。"),
                       entry("order-cancel"), END),
            {"find": "o"},
            {"if": {"o.status": UNSENT}, "then": [
                {"if": {"o.pieces": {"less": 2}}, "then": [{"set": {"part": ""}}]},
                {"if": {"o.status": "packed"}, "then": cancel_order(WHOLE_PACKED), "else": cancel_order(WHOLE_ORDER)}],
             "else": [{"if": {"o.status": ["shipped"]}, "then": [
                 say("Order {order} is already on its way and can no longer be cancelled.", "订单{order}已经发出，不能再取消了。"),
                 say("Please refuse the parcel at the door, or return it within {facts.return_days} days of delivery.",
                     "请直接拒收，或在签收后{facts.return_days}天内申请退货。")],
                 "else": [STATUS, {"if": {"o.status": "delivered"}, "then": [
                     say("It can no longer be cancelled, but within {facts.return_days} days of delivery it can be returned: write "
                         "\"return\".", "已经不能取消了，签收后{facts.return_days}天内可以退货，写“退货”即可。")]}]}]}]},
    "change_order": {
        "intents": ["change_order"], "title": t("change an order", "修改订单"), "steps": [
            entry("order-change")]},
    "change_address": {
        "intents": ["change_shipping_address"], "title": t("change a delivery address", "修改收货地址"), "steps": [
            without_login(entry("address-change")),
            order_from("cancellable", say("You have no order whose address can still be changed here.", "您没有还能在这里改地址的订单。"),
                       entry("address-change"), END),
            {"find": "o"},
            {"if": {"o.status": UNSENT}, "then": [
                {"slot": "address"},
                {"confirm": t("Shall order {order} be sent to: {address}?", "订单{order}改寄到：{address}，对吗？")},
                {"do": "change_address", "done": [
                    say("I have passed the new address for order {order} on to our team. It counts once you see it under My Orders; "
                        "after dispatch it cannot be changed there.",
                        "订单{order}的新地址已转给同事，以“我的订单”里显示的为准；发货后就不能在那里改了。")]}],
             "else": [STATUS, {"if": {"o.status": "shipped"}, "then": [entry("address-change")]}]}]},
    "return": {
        "intents": ["return_item"], "title": t("return something", "退货"), "steps": [
            without_login(ask(["returns", "退货"], "return-how")),
            order_from("returnable", ask(["returns", "退货"], "return-how"),
                       say("I see no delivered order of the last {facts.return_days} days in your account.",
                           "您的账户里没有最近{facts.return_days}天内签收的订单。"), END),
            {"find": "o"},
            {"if": {"o.status": "delivered"}, "then": [
                {"if": {"o.time": {"newer_days": FACTS["return_days"]}}, "then": [
                    ONE_PIECE,
                    {"if": {"o.abroad": 1}, "then": [
                        say("Items can be returned unused, with labels and packaging; opened food and cosmetics cannot. If nothing is faulty, you pay "
                            "the postage from abroad.",
                            "退货需要商品未使用、吊牌和包装齐全，拆封的食品和化妆品不能退；不是质量问题的，从境外寄回的邮费自付。")],
                     "else": [
                        say("Items can be returned unused, with labels and packaging; opened food and cosmetics cannot. If nothing is "
                            "faulty, ¥{facts.return_fee} for the label is deducted.",
                            "退货需要商品未使用、吊牌和包装齐全，拆封的食品和化妆品不能退；不是质量问题的，从退款里扣{facts.return_fee}元面单费。")]},
                    {"confirm": with_words("Shall I request the return of order {order} ({o.items})?", "确定为订单{order}（{o.items}）申请退货吗？", WORDS, REMARK)},
                    {"do": "request_return", "done": [
                        {"if": {"o.abroad": 1}, "then": [
                            say("The return of order {order} is requested. You get an e-mail with the address; send it with any postal service. "
                                "We refund within {facts.refund_days} working days after it has reached us. " + LIMITED["en"],
                                "订单{order}已申请退货。退货邮件里有地址，用当地邮政寄回即可。收到后{facts.refund_days}个工作日内退款。" + LIMITED["zh"])],
                         "else": [
                            say("The return of order {order} is requested. You get the return label by e-mail; hand the parcel in at any "
                                "Redkite station within {facts.label_days} days. We refund within {facts.refund_days} working days after it has reached us. "
                                + LIMITED["en"],
                                "订单{order}已申请退货。退货面单会发到您的邮箱，{facts.label_days}天内把包裹交到任意赤鸢快递网点即可。收到后{facts.refund_days}个工作日内退款。"
                                + LIMITED["zh"])]}]}],
                 "else": [
                     say("Order {order} was placed on {o.time|date}; returns are possible within {facts.return_days} days of delivery. A "
                         "colleague has to look at that one.",
                         "订单{order}是{o.time|date}下的，退货期是签收后{facts.return_days}天内，这一单需要同事核实。"),
                     {"hand_over": "return_window"}]}],
             "else": [STATUS, {"if": {"o.status": UNSENT}, "then": [
                 say("It has not been sent yet, so it can simply be cancelled: write \"cancel\".", "还没有发货，可以直接取消，写“取消订单”即可。")]},
                 {"if": {"o.status": "shipped"}, "then": [
                     say("Once you have it, you can return it within {facts.return_days} days.", "收到后{facts.return_days}天内可以退货。")]}]}]},
    "exchange": {
        "intents": ["exchange_item"], "title": t("exchange something", "换货"), "steps": [
            without_login(entry("exchange")),
            order_from("returnable", entry("exchange"),
                       say("I see no delivered order of the last {facts.return_days} days in your account.",
                           "您的账户里没有最近{facts.return_days}天内签收的订单。"), END),
            {"find": "o"},
            {"if": {"o.status": "delivered", "o.time": {"newer_days": FACTS["return_days"]}}, "then": [
                {"slot": "wish"},
                ONE_PIECE,
                {"confirm": with_words("Shall I request this exchange for order {order}: {wish}?", "为订单{order}申请换货吗：{wish}？", WORDS, REMARK)},
                {"do": "request_exchange", "done": [
                    say("The exchange for order {order} is requested: {wish}. A colleague checks whether it is in stock and answers you. "
                        "The new item is sent when the old one has reached us.",
                        "订单{order}的换货申请已提交：{wish}。同事确认有没有货后会回复您，收到旧的后寄出新的。")]}],
             "else": [{"if": {"o.status": UNSENT}, "then": [entry("order-change")],
                       "else": [{"if": {"o.status": "delivered"}, "then": [
                           say("Order {order} ({o.items}) was placed on {o.time|date}; exchanges are possible within {facts.return_days} days of delivery.",
                               "订单{order}（{o.items}）是{o.time|date}下的，换货期是签收后{facts.return_days}天内。")],
                           "else": [STATUS]}, entry("exchange")]}]}]},
    "refund_status": {
        "intents": ["track_refund"], "title": t("know where a refund is", "查退款"), "steps": [
            without_login(entry("refund-time")),
            {"if": {"order": None, "order_aspect": None}, "then": [
                {"find": "refunds", "none": [say("I see no return or refund in your account.", "您的账户里没有退货或退款记录。"),
                                             entry("refund-time"), END]},
                say("These are your latest returns and cancellations:\n{refunds.list}", "这是您最近的退货和取消记录：\n{refunds.list}"),
                entry("refund-time"), END],
             "else": [order_from("refunds", say("I see no return or refund in your account.", "您的账户里没有退货或退款记录。"), END)]},
            {"find": "o"}, *ABOUT_ORDER, STATUS,
            {"if": {"o.status": "cancelled"}, "then": [
                say("What was paid is refunded in full to the payment method you used: {facts.refund_wallet} working days with Alipay or "
                    "WeChat Pay, {facts.refund_card} with a card.",
                    "已付的款项全额原路退回，支付宝和微信{facts.refund_wallet}个工作日到账，银行卡{facts.refund_card}个工作日到账。")]}]},
    "refund": {
        "intents": ["get_refund"], "title": t("get money back", "申请退款"), "steps": [
            without_login(ask(["refund", "returns", "退款", "退货"], "refund-time")),
            order_from("recent"),
            {"find": "o"},
            {"if": {"o.status": UNSENT}, "then": [{"go": "cancel"}]},
            {"if": {"o.status": "delivered"}, "then": [{"go": "return"}]},
            {"if": {"o.status": "shipped"}, "then": [{"go": "cancel"}]},
            STATUS]},
    "invoice": {
        "intents": ["get_invoice", "check_invoice"], "title": t("get an invoice", "要发票"), "steps": [
            without_login(ask(["invoice", "发票"], "invoice-get")),
            {"if": {"order": None}, "then": [ask(["invoice", "发票"], "invoice-get"), END]},
            order_from("recent"),  # asked where a description fits several orders
            {"find": "o"},
            {"if": {"o.status": "delivered"}, "then": [
                say("The invoice for order {order} is issued within {facts.invoice_hours} hours after delivery, sent by e-mail, and can be "
                    "downloaded under My Orders, Invoice.",
                    "订单{order}的发票在签收后{facts.invoice_hours}小时内开好并发到邮箱，也可以在“我的订单—发票”里下载。"),
                {"confirm": t("Is it missing? Shall I ask our team to send the invoice for order {order} again?",
                              "如果没有收到，要我请同事重新发送订单{order}的发票吗？")},
                {"do": "request_invoice", "done": [
                    say("I have asked our team to send the invoice for order {order} again.", "已请同事重新发送订单{order}的发票。")]}],
             "else": [say("Order {order}: {o.status|status}. Invoices are issued within {facts.invoice_hours} hours after delivery.",
                          "订单{order}：{o.status|status}。发票在签收后{facts.invoice_hours}小时内开具。")]}]},
    "complaint": {
        "intents": ["complaint"], "title": t("make a complaint", "投诉"), "steps": [
            without_login(entry("complaint")),
            {"slot": "complaint"},
            {"confirm": t("Shall I pass this on to a supervisor as your complaint: \"{complaint}\"?", "把这段作为投诉转给主管吗：“{complaint}”？"),
             "no": NOT_PASSED_ON},
            {"do": "file_complaint", "done": [
                say("Your complaint is with a supervisor, who answers within {facts.complaint_days} working days.",
                    "投诉已转给主管，{facts.complaint_days}个工作日内答复您。")]}]},
    "damaged": {"intents": ["damaged_item"], "title": t("report something damaged", "报告商品破损"), "steps": report("damaged", "delivered", "damaged")},
    "wrong_item": {"intents": ["wrong_item"], "title": t("report a wrong item", "报告发错货"), "steps": report("wrong", "delivered", "wrong-item")},
    "missing_item": {"intents": ["missing_item"], "title": t("report a missing item", "报告少件"),
                     "steps": report("missing", "delivered", "missing-item")},
    "missing_parcel": {"intents": ["missing_parcel"], "title": t("report a parcel that did not come", "报告没收到包裹"), "steps": [
        {"set": {"problem": "lost"}},
        without_login(ask(["shipping", "配送"], "delivery-lost")),
        order_from("received", entry("delivery-lost"), END),
        {"find": "o"},
        {"if": {"o.status": ["delivered", "shipped"]}, "then": [
            STATUS,
            {"if": {"o.status": "shipped"}, "then": [entry("tracking-stuck")], "else": [entry("delivery-lost")]},
            {"slot": "description"},
            {"confirm": with_words("Shall I report order {order} to our team now: {problem}?", "要我现在把订单{order}报给同事处理吗：{problem}？", REMARK),
             "no": NOT_REPORTED},
            {"do": "report_problem", "done": [
                say("I have reported order {order}: {problem}. A colleague will look at it and answer you.",
                    "订单{order}已报给同事：{problem}，会有同事查看后回复您。")]}],
         "else": [STATUS]}]},
    "payment": {
        "intents": ["payment_issue"], "title": t("solve a payment problem", "解决付款问题"), "steps": [
            ask(["payment", "支付"], "payment-failed"),
            {"if": {"login": True}, "then": [{"find": "unpaid"}, {"if": {"unpaid.n": 1}, "then": [
                {"slot": "order", "from": "unpaid", "none": []}, {"find": "o"},
                say("Order {order} ({o.items}) is waiting for your payment of ¥{o.total|money}.", "订单{order}（{o.items}）待付款，共{o.total|money}元。")]}]},
            say("If that does not help, write \"agent\" and a colleague will take over.", "如果还不行，输入“人工”，由同事处理。")]},
    "product": {
        "intents": ["product_question"], "title": t("know more about a product", "了解商品"), "steps": [
            {"if": {"product": None}, "then": [{"recommend": {"by": "text", "k": 4, "have": True}, "none": [{"knowledge": {"tags": ["product", "商品"]}}]}, END]},
            {"find": "product", "none": [{"say": "no_product"}, END]},
            *ABOUT_PRODUCT]},
    "not_in_range": {"route": "none", "title": t("find something we do not have", "找店里没有的商品"), "steps": [{"say": "no_product"}]},
    "stock": {
        "intents": ["stock"], "title": t("know whether something is in stock", "查库存"), "steps": [
            {"if": {"product": None}, "then": [
                {"recommend": {"by": "text", "k": 4, "have": True}, "none": [ask(["stock", "库存"], [{"go": "not_in_range"}], 0.4)]}, END]},
            {"find": "product", "none": [{"say": "no_product"}, END]},
            *IN_STOCK]},
    "size": {
        "intents": ["size_advice"], "title": t("find the right size", "选尺码"), "steps": [entry("size-advice")]},
    "recommend": {
        "intents": ["recommend"], "title": t("get a recommendation", "推荐商品"), "steps": [
            {"recommend": {"by": "text", "k": 3}}]},
    "recommend_to_me": {"title": t("get a recommendation", "推荐商品"), "steps": [
        {"if": {"login": True}, "then": [{"recommend": {"by": "customer", "k": 3}}], "else": [{"recommend": {"by": "text", "k": 3}}]}]},
    "jobs": {"route": "none", "title": t("find a job here", "找工作"), "steps": [
        say("I have no information about vacancies; please write to our team at {facts.service_mail}.", "招聘的事我不清楚，可以发邮件咨询：{facts.service_mail}。")]},
    "opening_hours": {
        "intents": ["opening_hours"], "title": t("know the opening hours", "营业时间"), "steps": [
            say("Our shop at {facts.store_address} is open daily from {facts.store_open} to {facts.store_close}; our team answers by "
                "chat and on {facts.phone} daily from {facts.service_open} to {facts.service_close}.",
                "{facts.store_address}的门店每天{facts.store_open}到{facts.store_close}营业，在线客服和电话{facts.phone}每天{facts.service_open}到{facts.service_close}。")]},
    "human": {
        "intents": ["contact_human_agent"], "title": t("talk to a person", "找人工客服"), "always": True, "steps": [{"hand_over": "wanted"}]},
    "greeting": {"intents": ["greeting"], "small_talk": True, "title": t("say hello", "打招呼"), "steps": [
        say(["Hello! What can I do for you? I can look up orders, help with returns and tell you about our goods.",
             "Hi, this is the assistant of {facts.name}. How can I help?"],
            ["您好！有什么可以帮您？查订单、退换货、问商品都可以。", "您好，这里是{facts.name}的智能客服，请讲。"])]},
    "thanks": {"intents": ["thanks"], "small_talk": True, "title": t("say thanks", "道谢"), "steps": [
        say(["You are welcome.", "Glad I could help."], ["不客气。", "不用谢，很高兴能帮到您。"])]},
    "goodbye": {"intents": ["goodbye"], "small_talk": True, "title": t("say goodbye", "道别"), "steps": [
        say(["Goodbye, and thank you for shopping with us.", "Bye, have a nice day."], ["再见，感谢光临。", "再见，祝您愉快。"])]},
    "insult": {"intents": ["insult"], "small_talk": True, "title": t("let off steam", "发泄不满"), "steps": [
        say(["I can see that you are upset. Tell me what went wrong, or write \"agent\" for a person.",
             "I am sorry that this upsets you. What happened? A colleague can take over if you write \"agent\"."],
            ["看得出您很生气。请告诉我发生了什么，或输入“人工”找同事。", "很抱歉让您不愉快。您说说是什么事，需要的话输入“人工”转同事。"])]},
    "how_are_you": {"small_talk": True, "title": t("chat a little", "闲聊"), "steps": [
        say(["Very well, thank you for asking! What can I look up for you?", "All is well here, thank you. What can I do for you?"],
            ["挺好的，谢谢关心！有什么可以帮您查的？", "我一切都好，谢谢您。今天想问点什么？"])]},
    "about_bot": {"intents": ["about_bot"], "small_talk": True, "title": t("know who answers", "了解客服机器人"), "steps": [
        say("I am the automatic assistant of {facts.name}, not a person. I can look up your orders, help with cancelling, returns, exchanges, "
            "invoices and complaints, and answer questions about the shop. For a person write \"agent\".",
            "我是{facts.name}的智能客服，不是真人。我可以查订单，办理取消、退换货、发票和投诉，也能解答店里的问题。找人工请输入“人工”。")]},
    # What rules lead to.
    "languages": {"route": "none", "title": t("write in another language", "用别的语言"), "steps": [
        say("I can only read English and Chinese; please write in one of them, or \"agent\" for a person. 我只懂中文和英文。",
            "我只懂中文和英文，请用其中一种再说一次，或输入“人工”找同事。I can only read English and Chinese.")]},
    "refund_points": {"title": t("know what becomes of points and coupons", "问积分和优惠券退不退"), "steps": [entry("refund-coupon")]},
    "restock": {"title": t("know when something is back", "问补货"), "steps": [
        {"if": {"product": None}, "then": [entry("stock-notice")], "else": [{"go": "stock"}]}]},
    "about_returns": {"title": t("know how returns work", "问退货政策"), "steps": [
        ask(["returns", "退货"], "return-window"),
        {"if": {"login": True}, "then": [say("To return something now, give me the order number.", "现在要退的话，把订单号发给我就行。")]}]},
    "about_cancelling": {"title": t("know how to cancel", "问怎么取消"), "steps": [entry("order-cancel")]},
    "about_addresses": {"title": t("know how to change an address", "问怎么改地址"), "steps": [ask(["address", "地址"], "address-change")]},
    "about_exchanges": {"title": t("know how exchanges work", "问怎么换货"), "steps": [ask(["exchange", "换货"], "exchange")]},
    "about_invoices": {"title": t("know about invoices", "问发票"), "steps": [ask(["invoice", "发票"], "invoice-get")]},
    "refuse": {"route": "none", "alone": True, "title": t("ask for something we do not do", "问我们不做的事"), "steps": [{"say": "refuse"}]},
    "others_data": {"route": "none", "alone": True, "title": t("ask about somebody else", "打听别人的信息"), "steps": [{"say": "refuse_orders_of_others"}]},
    "other_shop": {"route": "none", "title": t("ask about another shop", "问别的店"), "steps": [
        say("I can only see and answer for {facts.name}. Please ask the other shop about its orders; prices of other shops do not count "
            "for our price protection.",
            "我只能查看和解答{facts.name}的问题。别家的订单请咨询那家店，其他店的价格不在我们的价保范围内。")]},
    "discounts": {"route": "none", "title": t("get a discount", "问优惠"), "steps": [
        say("I do not know of such a discount. Your coupons and their conditions are listed under My Coupons.",
            "没有听说有这样的优惠。您有的优惠券在“我的优惠券”里，使用条件都写在那里。")]},
    "store_details": {"route": "none", "title": t("know more about the shop", "问门店的情况"), "steps": [
        say("I cannot answer that question about our shop; please call {facts.phone}, daily from {facts.service_open} to {facts.service_close}.",
            "门店的这个情况我不清楚，可以打{facts.phone}问问，每天{facts.service_open}到{facts.service_close}。")]},
    "not_known": {"route": "none", "title": t("know something about the shop", "问店里的其他情况"), "steps": [
        say("I have no information on that, so I will not guess. Please ask on {facts.phone}, daily from {facts.service_open} to {facts.service_close}, or "
            "write \"agent\" for a person.",
            "这个我这里没有说明，不敢乱说。可以打{facts.phone}问问，每天{facts.service_open}到{facts.service_close}，或输入“人工”找同事。")]},
    "promised": {"route": "none", "title": t("speak of a promise", "说到之前的承诺"), "steps": [
        say("I cannot see what was said to you before, and I cannot confirm it. Write \"agent\" and a colleague looks at it.",
            "之前说过什么我看不到，也不能确认。输入“人工”，由同事帮您核实。")]},
    "not_meant": {"route": "none", "title": t("correct a misunderstanding", "纠正误会"), "steps": [
        say("Sorry, I misunderstood. I have changed nothing. What is it about?", "抱歉，是我理解错了，没有做任何改动。您想办什么呢？")]},
    # What rules find of an order; "go" keeps the order that the message names or that was spoken of last.
    "order_total": {"title": t("know what an order cost", "问订单金额"), "steps": [
        {"if": {"order": None, "login": False}, "then": [{"knowledge": True}, END]},
        order_from("recent"), {"set": {"order_aspect": "total"}}, {"go": "order_status"}]},
    "order_goods": {"title": t("know what is in an order", "问订单里有什么"), "steps": [
        {"if": {"order": None, "login": False}, "then": [{"knowledge": True}, END]},
        order_from("recent"), {"set": {"order_aspect": "goods"}}, {"go": "order_status"}]},
    "registered": {"title": t("know what was done", "问办好了没有"), "steps": [
        {"last_action": True, "none": [
            {"if": {"login": True}, "then": [say("I have changed nothing in this conversation so far.", "这次对话里还没有办过什么。")]}, {"go": "order_status"}]}]},
    "orders_placed": {"title": t("see your orders", "查看订单"), "steps": [
        without_login(entry("tracking")),
        {"if": {"month": None, "state": None}, "then": [{"go": "order_status"}]},
        {"find": "placed", "none": [{"say": "none_fits"}, END]},
        say("These are your orders that fit, the latest first:\n{placed.list}", "符合的订单，最近的在前：\n{placed.list}")]},
    "about_order": {"title": t("know more of an order", "了解订单"), "steps": [order_from("recent"), {"find": "o"}, *ABOUT_ORDER, STATUS]},
    "order_parcel": {"title": t("know whether goods come together", "问是不是一起送"), "steps": [
        {"if": {"login": False}, "then": [entry("delivery-split"), END]},
        order_from("recent"), {"set": {"order_aspect": "parcel"}}, {"go": "order_status"}]},
    "refund_amount": {"title": t("know how much was refunded", "问退了多少钱"), "steps": [
        without_login(entry("refund-time")),
        {"set": {"order_aspect": "refund"}}, {"go": "refund_status"}]},
    "keep_for_less": {"title": t("keep something for less", "留下商品退部分款"), "steps": [
        {"hand_over": "keep_for_less", "say": t(
            "Whether you can keep it for less is for a colleague to decide. I am passing you on; our team is there daily from {facts.service_open} to "
            "{facts.service_close}.",
            "能不能留下并退部分款，要由同事决定。帮您转给同事，会在这里回复您，人工客服每天{facts.service_open}到{facts.service_close}在线。")}]},
    "why": {"title": t("know why", "问为什么"), "steps": [
        say("Those are our terms, and I cannot change them. If that is a problem for you, write \"agent\" and a colleague will look at your case.",
            "这是店里的规定，我没有权限更改。如果不合适，输入“人工”，由同事看看您的情况。")]},
    "haggling": {"title": t("get a better price", "讲价"), "steps": [
        say("I cannot give discounts myself; the coupons you have are under My Coupons.", "我没有权限改价，您的优惠券可以在“我的优惠券”里看。"),
        ask(["coupon", "优惠券"], "new-customer")]},
    "safety": {"route": "none", "title": t("know whether something is safe", "问是否安全"), "steps": [
        say("I cannot say whether that is safe; please follow the instructions for use, or write \"agent\" for a person.",
            "是否安全我不能判断，请以使用说明为准，或输入“人工”咨询同事。")]},
    "medical": {"route": "none", "title": t("get medical advice", "问健康问题"), "steps": [
        say("I cannot give medical advice. Please ask a doctor or a pharmacist; its ingredients are listed on the product page.",
            "我不能提供医疗建议，请咨询医生或药师；商品成分可以在商品页查看。")]},
    "injury": {"title": t("report an injury", "报告受伤"), "always": True, "steps": [
        {"hand_over": "danger", "priority": 2, "say": t(
            "I am sorry to hear that. Please stop using it and see a doctor if you are hurt; I cannot give medical advice. I am passing this on "
            "to a colleague right away.",
            "听到这个很抱歉。请先停止使用，受伤的话请尽快就医，我不能提供医疗建议。我马上转给同事处理。")}]},
    "crisis": {"title": t("get help", "寻求帮助"), "always": True, "steps": [
        {"hand_over": "danger", "priority": 2, "say": t(
            "I am sorry that you feel like this. Please talk to somebody close to you, or call the emergency services where you are. I am "
            "passing this on to a person right away.",
            "听到您这样说我很难过。请马上和身边的人说说，或者拨打当地的急救电话。我现在就转给真人。")}]},
    "legal": {"title": t("talk about legal matters", "法律问题"), "always": True, "steps": [
        {"hand_over": "legal", "priority": 1, "say": t(
            "I cannot give legal advice. I am passing this on to a colleague, who will answer here.",
            "我不能提供法律意见，这件事转给同事，会在这里回复您。")}]},
    "fraud": {"title": t("ask about a suspicious message", "可疑信息"), "steps": [
        say("Our staff never ask for a password or a text message code. Please do not share them with anyone, and call us on {facts.phone} if in doubt.",
            "我们的客服不会向您索要密码或短信验证码，请不要告诉任何人，有疑问请拨打{facts.phone}。")]},
}

# The same steps for what rules find, with other places of the knowledge base.
FLOWS["range"] = {"title": t("know whether we sell something", "问卖不卖"), "steps": FLOWS["stock"]["steps"]}
FLOWS["product_detail"] = {"title": t("know more about a product", "了解商品"), "steps": FLOWS["product"]["steps"]}

# Entries that say something else of an order that goes abroad, or of one with furniture, while it is in focus.
BY_ORDER = {
    "return-cost": [("abroad", "return-abroad")], "return-how": [("abroad", "return-abroad")],
    "shipping-time": [("abroad", "shipping-abroad"), ("large", "delivery-large")], "shipping-fee": [("abroad", "shipping-abroad")],
}
ENTRIES = {entry: [{"if": {"o.abroad": 1} if why == "abroad" else {"o.large": {"more": 0}}, "entry": instead} for why, instead in choices]
           for entry, choices in BY_ORDER.items()}

# What goods cost together.
TOTALS = {
    "words": {
        "en": ["in total", "total", "total price", "altogether", "all together", "all in", "add up to", "grand total", "including shipping",
               "incl shipping", "with shipping", "plus shipping", "including delivery", "with delivery", "plus delivery", "with postage",
               "including postage", "plus postage"],
        "zh": ["一共", "总共", "合计", "加起来", "带运费", "含运费", "加运费", "算上运费", "加上运费", "连运费", "总价", "到手价", "算下来"]},
    "shipping": {
        "fee": "shipping_fee", "free_from": "free_shipping", "title": t("Standard shipping in mainland China", "中国大陆标准快递"),
        "not": {"en": ["hong kong", "macau", "macao", "taiwan", "singapore", "malaysia", "abroad", "overseas", "international", "express"],
                "zh": ["香港", "澳门", "台湾", "新加坡", "马来西亚", "国外", "海外", "境外", "加急"]}},
    "extras": [
        {"fact": "wrap_fee", "title": t("Gift wrap", "礼品包装"),
         "words": {"en": ["wrap", "wrapped", "wrapping", "gift wrap", "giftwrap"], "zh": ["包装", "礼盒", "包起来"]}},
        {"fact": "assembly_fee", "title": t("Assembly", "上门安装"),
         "words": {"en": ["assembly", "assembled", "put together"], "zh": ["安装", "组装"]}}],
}

# Intents that are questions: the knowledge base answers, among the entries with these tags.
QUESTIONS = {
    "check_cancellation_fee": ["cancel", "取消"], "check_payment_methods": ["payment", "支付"], "check_refund_policy": ["returns", "退货"],
    "contact_customer_service": ["service", "客服"], "coupon": ["coupon", "优惠券", "price", "价格"], "create_account": ["account", "账户"],
    "delete_account": ["account", "账户"], "delivery_options": ["shipping", "配送"], "edit_account": ["account", "账户"], "gift": ["gift", "礼品"],
    "membership_points": ["points", "积分"], "newsletter_subscription": ["account", "账户"], "place_order": ["orders", "订单"],
    "price_protection": ["price", "价格"], "privacy": ["privacy", "隐私"], "recover_password": ["account", "账户"],
    "registration_problems": ["account", "账户"], "review": ["review", "评价"], "set_up_shipping_address": ["address", "地址"],
    "switch_account": ["account", "账户"], "warranty_repair": ["warranty", "保修"], "wholesale": ["business", "企业"],
}
TITLES = {
    "check_cancellation_fee": t("know what cancelling costs", "问取消要不要钱"), "contact_customer_service": t("contact us", "联系客服"),
    "delete_account": t("close your account", "注销账户"), "edit_account": t("change your account's details", "修改账户资料"),
    "newsletter_subscription": t("change the newsletter", "订阅或退订邮件"), "place_order": t("know how to order", "问怎么下单"),
    "price_protection": t("know about price protection", "问价保"), "recover_password": t("reset your password", "找回密码"),
    "set_up_shipping_address": t("save an address", "添加收货地址"), "switch_account": t("use another account", "切换账户"),
    "wholesale": t("buy a large quantity", "批量购买"),
    "check_payment_methods": t("know how to pay", "问付款方式"), "check_refund_policy": t("know how returns work", "问退货政策"),
    "coupon": t("use a coupon", "用优惠券"), "create_account": t("open an account", "注册账户"),
    "delivery_options": t("know how we deliver", "问配送方式"), "gift": t("make a gift of it", "礼品服务"),
    "membership_points": t("know about points", "问积分和会员"), "privacy": t("know about your data", "问隐私"),
    "registration_problems": t("solve a problem with registration", "解决注册问题"), "review": t("write a review", "写评价"),
    "warranty_repair": t("use the warranty", "保修和维修"),
}


# Least score with which an intent of the classifier starts a flow, which asks before it does anything: between 0.5 and 0.65 five of
# six are right on questions the classifier has not seen (desk.py on the tuning half and further questions).
ACCEPT = 0.5
# Least probability of an entry, chosen with the weights of score.c on the same questions: below, more are wrong than right.
ACCEPT_ENTRY = 0.18
# What is done with an order or asked of one: it is that of the flow which is interrupted, unless the message names one.
INHERITS = ("cancel", "change_address", "return", "exchange", "refund", "complaint", "damaged", "wrong_item", "missing_item", "missing_parcel", "invoice",
            "order_total", "order_goods", "order_parcel", "refund_amount")
# After a question about how it is done, an order alone is the wish to do it.
FOLLOW = {"about_returns": "return", "about_cancelling": "cancel", "about_addresses": "change_address", "about_exchanges": "exchange",
          "about_invoices": "invoice", "check_refund_policy": "return", "check_cancellation_fee": "cancel"}
# Flows whose intents may as well be questions that an entry answers.
VAGUE = ("place_order",)   # what vague messages are taken for
ENTRY_FIRST = ("delivery_time", "change_order", "payment", "size", "opening_hours", "product", "stock", "restock", "about_returns", "about_cancelling",
               "about_addresses", "about_exchanges", "about_invoices")


# Further keys of flows, and which flows have them with which value.
KEYS = {
    "entry_first": {**dict.fromkeys((*ENTRY_FIRST, *QUESTIONS), 0.5), "range": 0.95},  # "do you have" is asked of goods
    "inherits": dict.fromkeys(INHERITS, True),
    "cues": CUES,
    "objects": {"order_status": True},
    "closes": dict.fromkeys(CLOSES, True),
    "follow": FOLLOW,
    "listed": dict.fromkeys(("product", "order_status"), True),
}


def with_keys(name, flow):
    """The flow with the least score of its intents, and with its further keys."""
    accept = {"accept": 0.5 if flow.get("small_talk") or name == "human" else ACCEPT} if "intents" in flow else {}
    return {**flow, **accept, **{key: values[name] for key, values in KEYS.items() if name in values}}


def flows_file():
    """The content of flows.json."""
    questions = {name: {"intents": [name], "title": TITLES[name], "steps": [ask(tags, accept=0.3 if name in VAGUE else 0.1)]} for name, tags in QUESTIONS.items()}
    flows = {name: with_keys(name, flow) for name, flow in {**FLOWS, **questions}.items()}
    facts = {**FACTS, "name": NAME}
    cities = {name: pair for pair in CITY_NAMES for name in pair.values()}
    values = {"status": STATUSES, "city": cities, "carrier": {en: {"en": en, "zh": c["zh"]} for en, c in CARRIERS.items()}}
    return {"format": 1, "accept": ACCEPT_ENTRY, "languages": ["en", "zh"], "facts": facts, "values": values, "texts": TEXTS, "slots": SLOTS, "kinds": KINDS, "finds": FINDS,
            "actions": ACTIONS, "flows": flows, "entries": ENTRIES, "totals": TOTALS, "rules": RULES}
