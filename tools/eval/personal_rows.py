"""Sentences with valid and near-valid personal data, made with a seed, for personal_data.py.

Near-valid numbers would fool a careless rule: a wrong check digit, an impossible date or range, a digit too many or too few, a
valid number inside a longer one; also everyday numbers of shops: prices, dates, sizes, article numbers. They must not be masked.
"""
import random

KINDS = ["PHONE", "EMAIL", "ID", "CARD", "IBAN", "ORDER", "PLATE", "LINK", "COMPANY_ID"]
FULLWIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
HAN = str.maketrans("0123456789", "零一二三四五六七八九")


def digits(r, n):
    return "".join(r.choice("0123456789") for _ in range(n))


# ---- phones


def phone_zh(r):
    kind = r.random()
    if kind < 0.6:
        prefix = r.choice(["130", "135", "138", "139", "147", "150", "152", "158", "166", "170", "176", "177", "180", "186", "188", "189", "191", "199"])
        n = prefix + digits(r, 8)
        form = r.random()
        if form < 0.4:
            return n
        if form < 0.6:
            return "%s-%s-%s" % (n[:3], n[3:7], n[7:])
        if form < 0.7:
            return "%s %s %s" % (n[:3], n[3:7], n[7:])
        if form < 0.8:
            return r.choice(["+86", "+86 ", "+86-", "0086-", "86-"]) + n
        return n.translate(FULLWIDTH if form < 0.9 else HAN)
    if kind < 0.85:
        area, n = r.choice([("010", 8), ("021", 8), ("025", 8), ("0571", 8), ("0755", 8), ("0371", 8), ("0512", 8), ("0898", 8), ("0310", 7), ("0991", 7)])
        n = r.choice("2345678") + digits(r, n - 1)
        return r.choice([area + "-" + n, area + " " + n, "(%s)%s" % (area, n), "%s-%s-%s" % (area, n[:4], n[4:]), area + "-" + n + "转" + digits(r, 3)])
    if kind < 0.93:
        return r.choice(["400-%s-%s" % (digits(r, 3), digits(r, 4)), "400-8%s-%s" % (digits(r, 3), digits(r, 3))])
    return phone_en(r)


def phone_en(r):
    area, exchange = r.choice("23456789") + r.choice("0234567") + r.choice("0123456789"), r.choice("23456789") + r.choice("0234567") + r.choice("0123456789")
    line = digits(r, 4)
    forms = ["(%s) %s-%s", "%s-%s-%s", "%s.%s.%s", "+1 %s %s %s", "+1-%s-%s-%s", "1-%s-%s-%s", "(%s)%s-%s"]
    if r.random() < 0.65:
        return r.choice(forms) % (area, exchange, line) + (r.choice([" ext. ", "x"]) + digits(r, 3) if r.random() < 0.1 else "")
    return r.choice(["+44 20 7%s %s" % (digits(r, 3), digits(r, 4)), "+49 30 %s" % digits(r, 8), "+33 1 %s %s %s %s" % tuple(digits(r, 2) for _ in range(4)),
                     "+65 9%s %s" % (digits(r, 3), digits(r, 4)), "+852 %s %s" % (r.choice("5679") + digits(r, 3), digits(r, 4)), "+61 4%s %s %s" % (digits(r, 2), digits(r, 3), digits(r, 3)),
                     "+81-3-%s-%s" % (r.choice("3456") + digits(r, 3), digits(r, 4))])


def near_phone(r):
    n = "138" + digits(r, 8)
    return r.choice([n + digits(r, 1), n[:-1], "1" + r.choice("012") + digits(r, 9), "142" + digits(r, 8), "154" + digits(r, 8), "A" + n, n + "B", "SKU-" + n,
                     "¥" + n, n + "元", "0260-" + "2" + digits(r, 7), "010-1" + digits(r, 7), "123-456-%s" % digits(r, 4), "+999 " + digits(r, 8), "0." + n])


# ---- identity numbers

REGIONS = ["110105", "310104", "440305", "330106", "510107", "420111", "320106", "610113", "370202", "440106", "500103", "230102"]


def id_check(body):
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return "10X98765432"[sum(int(d) * w for d, w in zip(body, weights)) % 11]


def chinese_id(r):
    body = r.choice(REGIONS) + "%04d%02d%02d" % (r.randint(1940, 2015), r.randint(1, 12), r.randint(1, 28)) + digits(r, 3)
    number = body + id_check(body)
    form = r.random()
    if form < 0.1:
        return number.lower()
    if form < 0.2:
        return "%s %s %s" % (number[:6], number[6:14], number[14:])
    return number.translate(FULLWIDTH) if form < 0.3 else number


def near_id(r):
    body = r.choice(REGIONS) + "%04d%02d%02d" % (r.randint(1940, 2015), r.randint(1, 12), r.randint(1, 28)) + digits(r, 3)
    good = id_check(body)
    wrong = body + r.choice([c for c in "0123456789X" if c != good])
    month = body[:10] + "13" + body[12:]
    region = "99" + body[2:]
    return r.choice([wrong, month + id_check(month), region + id_check(region), body + good + "1", "9" + body + good])


def ssn(r):
    area = r.choice([n for n in range(1, 900) if n != 666])
    return "%03d-%02d-%04d" % (area, r.randint(1, 99), r.randint(1, 9999))


def near_ssn(r):
    return r.choice(["000-%s-%s" % (digits(r, 2), digits(r, 4)), "666-12-3456", "9%s-12-3456" % digits(r, 2), "123-00-4567", "123-45-0000", "1%s-45-67890" % digits(r, 3)])


# ---- cards, accounts, companies


def luhn(body):
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(body)))
    return str(-total % 10)


def card_number(r):
    prefix, n = r.choice([("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("62", 16), ("6222", 19), ("6217", 19), ("3528", 16), ("36", 14), ("955880", 19)])
    body = prefix + digits(r, n - 1 - len(prefix))
    return body + luhn(body)


def card(r):
    n = card_number(r)
    if len(n) == 16 and r.random() < 0.4:
        return r.choice(" -").join(n[i : i + 4] for i in range(0, 16, 4))
    if len(n) == 15 and r.random() < 0.4:
        return "%s %s %s" % (n[:4], n[4:10], n[10:])
    return n.translate(FULLWIDTH) if r.random() < 0.05 else n


def near_card(r):
    n = card_number(r)
    wrong = n[:-1] + r.choice([d for d in "0123456789" if d != n[-1]])
    while True:
        body = r.choice(["0", "1", "7", "99"]) + digits(r, 14)
        if body[:4] not in ("1800",):
            break
    odd = body[:15] + luhn(body[:15])
    return r.choice([wrong, wrong, odd, n[:16] + "99999" + n[:2], "X" + n])


IBANS = {"GB": (22, "WEST"), "DE": (22, ""), "FR": (27, ""), "ES": (24, ""), "NL": (18, "ABNA"), "CH": (21, ""), "IT": (27, "X"), "PL": (28, ""), "AT": (20, ""), "BE": (16, "")}


def iban_text(r, valid):
    country = r.choice(sorted(IBANS))
    length, bank = IBANS[country]
    body = bank + digits(r, length - 4 - len(bank))
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    check = 98 - number % 97
    if not valid:
        check = (check + r.randint(1, 90)) % 97 + 2 if (check + 1) else check
        if int("".join(str(int(c, 36)) for c in body + country)) * 100 % 97 == (98 - check) % 97:
            check = check % 97 + 1
    text = "%s%02d%s" % (country, check, body)
    if r.random() < 0.3:
        text = " ".join(text[i : i + 4] for i in range(0, len(text), 4))
    return text.lower() if r.random() < 0.1 else text


COMPANY = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def company_id(r, valid=True):
    body = r.choice(["91", "92", "93", "52", "12"]) + r.choice(REGIONS) + "MA" + "".join(r.choice(COMPANY) for _ in range(7))
    check = COMPANY[-sum(COMPANY.index(c) * 3**i for i, c in enumerate(body)) % 31]
    return body + (check if valid else r.choice([c for c in COMPANY if c != check]))


# ---- the rest


def email(r):
    name = r.choice(["li.wei", "ann_lee", "zhang3", "support+shop", "j.o'brien", "x-y", "wang1988", "maria.garcia"]) + digits(r, r.randint(0, 3))
    text = name + "@" + r.choice(["qq.com", "163.com", "gmail.com", "mail.example.org", "shop.co.uk", "sub.domain.cn"])
    return text.upper() if r.random() < 0.05 else text


def near_email(r):
    return r.choice(["@shop", "price@5", "a@b", "me@", "@", "3@", "foo@bar", "x @ y.com"])


def token(r, n):
    return "".join(r.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(n))


def link(r):
    host = r.choice(["https://shop.example.com", "http://m.example.cn", "https://pay.example.org"])
    return host + r.choice(["/reset?token=" + token(r, 16), "/o?id=3&sign=" + token(r, 12), "/invite?code=" + token(r, 6), "/cb#access_token=" + token(r, 20),
                            "/s/a7k2m9" + token(r, 20) + "3d4", "/pay?session_id=" + token(r, 10)])


def near_link(r):
    return r.choice(["https://shop.example.com/p/%s" % digits(r, 5), "http://m.example.cn/list?color=red&page=2", "https://example.org/", "https://example.org/how-to-wash-a-wool-coat-2024"])


PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁苏浙赣鄂桂甘晋陕吉闽贵粤青川琼"


def plate(r):
    tail = "".join(r.choice("0123456789") for _ in range(5))
    if r.random() < 0.4:
        tail = r.choice("ABCDEFGHJK") + tail[1:]
    if r.random() < 0.2:
        tail = r.choice("DF") + digits(r, 5)
    return r.choice(PROVINCES) + r.choice("ABCDEFGHJKL") + r.choice(["", "", "·"]) + tail


def near_plate(r):
    return r.choice([r.choice(PROVINCES) + "A" + digits(r, 4), r.choice(PROVINCES) + "I" + digits(r, 3), "A" + digits(r, 5), r.choice(PROVINCES) + "A" + digits(r, 8)])


def order(r):
    return r.choice(["PL", "DD", "", "", "JD"]) + digits(r, r.choice([8, 12, 14]))


# ---- sentences: {PHONE} and the like are valid, {near} is not

ZH = {
    "PHONE": (["我的电话是{x}", "请打{x}联系我", "手机{x}，谢谢", "{x}一直打不通", "收件人电话：{x}。", "加我{x}吧"], phone_zh),
    "ID": (["身份证{x}", "实名认证用的是{x}对吗", "证件号是{x}，麻烦核对", "{x}是我的号码"], chinese_id),
    "CARD": (["退到{x}这张卡", "卡号{x}", "我的银行卡是{x}，工行的", "刷的{x}没到账"], card),
    "EMAIL": (["发票发到{x}", "邮箱{x}可以吗", "请联系{x}，谢谢"], email),
    "ORDER": (["订单号{x}什么时候发货", "订单号：{x}", "我的订单编号是{x}，还没到", "快递单号{x}查不到", "单号 {x} 麻烦查一下"], order),
    "PLATE": (["车牌{x}停在门口", "送货的车是{x}", "{x}的司机态度很好"], plate),
    "LINK": (["打开{x}看看", "链接是{x} 对吗"], link),
    "COMPANY_ID": (["税号{x}", "开票信息：{x}，公司抬头", "统一社会信用代码{x}"], company_id),
    "IBAN": (["汇到{x}", "我的账号：{x}"], lambda r: iban_text(r, True)),
}
EN = {
    "PHONE": (["Call me at {x} please", "my number is {x}", "Phone: {x}.", "you can reach me on {x} after six", "{x} is my cell"], phone_en),
    "ID": (["My SSN is {x}", "{x} is on file", "the id was {x}, right?"], ssn),
    "CARD": (["I paid with {x}", "card {x} was charged twice", "Refund it to {x}, please"], card),
    "EMAIL": (["Write to {x}", "my mail is {x}.", "<{x}>"], email),
    "ORDER": (["My order number is {x}", "order #{x} is late", "Tracking number: {x}", "where is order {x}?"], order),
    "LINK": (["I got {x} by mail", "open {x} and pay"], link),
    "IBAN": (["Send it to {x}", "IBAN: {x}."], lambda r: iban_text(r, True)),
    "PLATE": (["the courier's plate is {x}"], plate),
    "COMPANY_ID": (["Our company's code is {x}"], company_id),
}
NEAR_ZH = [(["型号是{x}", "编码{x}是什么", "上面写着{x}", "{x}"], near) for near in (near_phone, near_id, near_card, lambda r: iban_text(r, False), lambda r: company_id(r, False), near_plate, near_link, near_email)]
NEAR_EN = [(["the label says {x}", "it is marked {x}", "model {x}", "{x}"], near) for near in (near_phone, near_ssn, near_card, lambda r: iban_text(r, False), lambda r: company_id(r, False), near_link, near_email)]
ORDINARY_ZH = ["一共399.00元，满300减50", "2024-05-12 13:45下的单", "170/92A的码偏大吗", "买2件送1件，限100份", "这款保温杯500ml够用吗", "第3次购买了，还是一样好", "20240512批次的", "库存还有1200件",
               "尺码表：S 155-160，M 160-165", "颜色很正，面料也舒服，穿了两天没有起球", "物流很快，包装完好，下次还会再来", "客服态度很好，问题一下子就解决了", "价格1,299元，比上次便宜200", "早上9:00到晚上18:30都有人吗", "满2000000积分可以换什么",
               "电池容量5000毫安时，充电功率67W", "收到的杯子有一点瑕疵，不影响使用", "请问这件外套可以机洗吗", "12.5%的折扣是怎么算的", "净含量250g*12袋"]
ORDINARY_EN = ["It costs $1,299.00 for 2", "ordered on 05/12/2024 at 13:45", "size 10.5 fits like a 10", "buy 3 get 1 free, 100 left", "the 500 ml bottle is too small", "version 2.10.4 works fine", "100% cotton, 180 g/m2", "delivery in 3-5 days",
               "The colour is right and the fabric is soft, I wore it for two days", "Arrived quickly and well packed, will buy again", "The battery has 5000 mAh and charges at 67 W", "is it 12.5 x 30 x 4 cm?", "open from 9:00 to 18:30", "2 x 4 = 8, that is 50% off",
               "I have 2000000 points, what can I get", "The cup has a small scratch but it works", "Can this coat be machine washed?", "ISO 9001 certified since 2015", "item 12345 is out of stock", "rated 4.8 of 5 by 1,203 people"]


def sentence(r, templates, value):
    """The text and the bytes of the value."""
    before, after = r.choice(templates).split("{x}")
    begin = len(before.encode())
    return before + value + after, begin, begin + len(value.encode())


def make(seed, n, lang):
    """[(text, [(kind, begin, end)])] in bytes."""
    r = random.Random("%d %s" % (seed, lang))
    valid, near, ordinary = (ZH, NEAR_ZH, ORDINARY_ZH) if lang == "zh" else (EN, NEAR_EN, ORDINARY_EN)
    out = []
    for _ in range(n):
        which = r.random()
        if which < 0.5:
            kind = r.choice(sorted(valid))
            templates, value = valid[kind]
            text, begin, end = sentence(r, templates, value(r))
            spans = [(kind, begin, end)]
        elif which < 0.85:
            templates, value = r.choice(near)
            text, _, _ = sentence(r, templates, value(r))
            spans = []
        else:
            text, spans = r.choice(ordinary), []
        if r.random() < 0.2:
            text += ("。" if lang == "zh" else ". ") + r.choice(ordinary)
        out.append((text, spans))
    return out
