"""The demo shop's facts, shared by its answers, orders and intents. All of them are invented."""
from datetime import datetime, timezone

TODAY = datetime(2026, 11, 16, 12, 0, tzinfo=timezone.utc)   # all dates of the data are relative to this one
CURRENCY = "CNY"
NAME = {"en": "Pomelo Lane", "zh": "柚子里"}

# Values of the names in braces in texts/faq.*.txt.
FACTS = {
    "shipping_fee": 10, "free_shipping": 99, "express_fee": 25, "express_cutoff": "14:00", "dispatch_cutoff": "16:00",
    "standard_days": {"en": "2 to 4", "zh": "2到4"}, "remote_days": {"en": "5 to 8", "zh": "5到8"},
    "abroad_fee": 60, "abroad_free": 600, "abroad_days": {"en": "7 to 12", "zh": "7到12"},
    "large_days": {"en": "5 to 10", "zh": "5到10"}, "signature_from": 500, "hold_days": 5, "unpaid_hours": 24,
    "return_days": 30, "return_fee": 12, "refund_days": 3, "refund_wallet": {"en": "1 to 3", "zh": "1到3"},
    "refund_card": {"en": "5 to 7", "zh": "5到7"}, "damage_hours": 48, "lost_days": 14, "price_days": 7,
    "instalment_from": 600, "invoice_hours": 24, "repair_days": 10, "restock_days": {"en": "7 to 14", "zh": "7到14"},
    "assembly_fee": 60, "wrap_fee": 8, "engraving_fee": 20, "store_address": {"en": "18 Pomelo Lane in Hangzhou", "zh": "杭州柚子里18号"}, "store_open": "10:00", "store_close": "20:00",
    "service_open": "9:00", "service_close": "21:00", "phone": "400-000-0155", "service_mail": "service@pomelolane.example", "complaint_days": 2, "label_days": 7,
}

CARRIERS = {
    "Redkite": {"zh": "赤鸢快递", "tracking": "RK"},
    "Swiftgull": {"zh": "迅鸥速运", "tracking": "SG"},
    "Harbour Post": {"zh": "港湾邮政", "tracking": "HP"},
}

STATUSES = {
    "pending_payment": {"en": "waiting for payment", "zh": "待付款"}, "paid": {"en": "paid", "zh": "已付款"},
    "packed": {"en": "packed", "zh": "已打包"}, "shipped": {"en": "on its way", "zh": "运输中"},
    "delivered": {"en": "delivered", "zh": "已签收"}, "cancelled": {"en": "cancelled", "zh": "已取消"},
    "return_requested": {"en": "return requested", "zh": "退货申请中"},
    "returned": {"en": "return received", "zh": "退货已收到"}, "refunded": {"en": "refunded", "zh": "已退款"},
}
# No carrier has seen these orders yet.
NOT_SHIPPED = ("pending_payment", "paid", "packed", "cancelled")

CITIES = {"en": ["Shanghai", "Beijing", "Hangzhou", "Shenzhen", "Guangzhou", "Chengdu", "Nanjing", "Xiamen"],
          "zh": ["上海", "北京", "杭州", "深圳", "广州", "成都", "南京", "武汉", "西安", "重庆", "苏州", "长沙", "青岛", "厦门"]}
ABROAD = {"en": ["Singapore", "Hong Kong", "Kuala Lumpur", "Macau"], "zh": ["新加坡", "香港", "吉隆坡", "澳门"]}

# Where orders go, in both languages.
CITY_NAMES = [{"en": en, "zh": zh} for en, zh in (
    pair.split() for pair in """Shanghai 上海|Beijing 北京|Hangzhou 杭州|Shenzhen 深圳|Guangzhou 广州|Chengdu 成都|Nanjing 南京|Xiamen 厦门|Wuhan 武汉|
Xi'an 西安|Chongqing 重庆|Suzhou 苏州|Changsha 长沙|Qingdao 青岛|Singapore 新加坡|Hong_Kong 香港|Kuala_Lumpur 吉隆坡|Macau 澳门""".replace("\n", "").split("|"))]
for _pair in CITY_NAMES:
    _pair["en"] = _pair["en"].replace("_", " ")

FIRST_NAMES = """Emma Noah Olivia Liam Ava Ethan Sophie Lucas Mia Oscar Chloe Daniel Grace Samuel Ruby Adam Hannah Leo Alice
Thomas Zara Felix Nina Marcus Priya Arjun Mei Aisha Omar Elena""".split()
LAST_NAMES = """Hartley Moreau Okafor Lindqvist Tan Novak Ferris Bianchi Whitlock Sandoval Keller Abbott Rahman Castellan Dunmore
Ng Petrov Fairweather Lim Osborne Chandra Vance Holloway Marchetti Yeo""".split()
FAMILY_NAMES = list("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐")
GIVEN_NAMES = """晓雯 子涵 雨桐 浩然 思远 佳怡 志强 梦琪 俊杰 欣妍 天宇 静怡 博文 诗涵 建国 丽华 明轩 雅婷 晨曦 宇航 若曦 文静 伟 敏 芳
磊 洋 艳 勇 娜""".split()

# Values of the names in braces in the intent patterns.
SLOTS = {
    "en": {"when": ["yesterday", "this morning", "last week", "on Monday", "two days ago"],
           "month": ["January", "last month", "June", "September", "this year"],
           "relative": ["mother", "father", "sister", "brother", "wife", "husband", "daughter", "son", "friend", "aunt"],
           "colour": ["black", "white", "blue", "green", "grey", "red", "brown"],
           "country": ["Germany", "Japan", "Australia", "the USA", "Thailand"],
           "weekday": ["Monday", "Friday", "Saturday", "Sunday"]},
    "zh": {"when": ["昨天", "今天早上", "上周", "星期一", "前天"], "month": ["一月", "上个月", "六月", "九月", "今年"],
           "relative": ["妈妈", "爸爸", "姐姐", "弟弟", "老婆", "老公", "女儿", "儿子", "朋友", "阿姨"],
           "colour": ["黑色", "白色", "蓝色", "绿色", "灰色", "红色", "棕色"],
           "country": ["德国", "日本", "澳大利亚", "美国", "泰国"], "weekday": ["一", "五", "六", "日"]},
}
