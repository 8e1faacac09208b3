"""Words by which customers say which order, which goods, which flow they mean: parts of flows.json (flows.md explains them)."""
from sources import colours


def pair(en, zh):
    """Words in both languages. What has an apostrophe is written without one, too."""
    twins = [twin for word in en for twin in dict.fromkeys([word, word.replace("'", "")])]
    return {"en": list(dict.fromkeys(twins)), "zh": zh}


def kind(en, zh, en_titles=None, zh_titles=None):
    """What customers call a kind of goods, and words of its titles: where nothing else is said, the first of them."""
    en, zh = en.split(", "), zh.split("、")
    return {"words": pair(en, zh), "titles": pair(en_titles.split(", ") if en_titles else en[:1], zh_titles.split("、") if zh_titles else zh[:1])}


SHOES = "shoes, sneakers, boots, sandals, slippers, loafers, hiking boots, leather boots, rain boots, running shoes"
SHOES_ZH = "跑步鞋、休闲板鞋、登山靴、短靴、凉鞋、家居拖鞋、乐福鞋、运动鞋、雨靴"
BAGS = "backpack, tote bag, messenger bag, waist bag, toiletry bag, school bag"
BAGS_ZH = "双肩包、托特包、斜挎包、腰包、洗漱包、书包"

KINDS = [
    # Wider words first: what is said more narrowly counts with them.
    kind("shoes, shoe, pair of shoes, footwear", "鞋子、鞋", SHOES, SHOES_ZH),
    kind("boots", "靴子、靴", zh_titles="登山靴、短靴、雨靴"),
    kind("bag, bags, handbag", "包包、背包", BAGS, BAGS_ZH),
    kind("tea", "茶叶、茶", "green tea, oolong tea, black tea, jasmine tea, tea gift box", "绿茶、乌龙茶、红茶、茉莉花茶、茶叶礼盒"),
    kind("coffee", "咖啡", "coffee, pour-over set"),
    kind("toy, toys", "玩具", "blocks, puzzle, plush animal, board game, train set, modelling clay, kite, science kit, balance bike", "积木、拼图、玩偶、桌游、火车套装、彩泥、风筝、科学实验盒、平衡车"),
    kind("headphones, earphones, earbuds, headset, ear buds", "耳机", "earphones, headphones", "无线耳机、头戴式耳机"),
    kind("lamp, light, desk lamp", "灯、台灯", "desk lamp", "台灯"),
    kind("clothes, clothing", "衣服", "t-shirt, shirt, sweater, jacket, jeans, dress, coat, pyjamas, scarf, bathrobe", "t恤、衬衫、毛衣、羽绒服、牛仔裤、连衣裙、外套、睡衣、围巾、浴袍"),
    kind("trousers, pants", "裤子", "jeans, pyjamas", "牛仔裤"),
    kind("jacket, coat", "外套", "jacket, rain coat", "羽绒服、外套"),
    kind("cup, cups", "杯子", "mug, vacuum flask", "马克杯、保温杯"),
    kind("table", "桌子", "side table, desk", "边几、书桌"),
    kind("cream", "霜", "cream, sunscreen"),
    kind("pot, pan", "锅", "frying pan", "煎锅"),
    kind("shelf, shelves", "架子", "bookshelf", "书架"),
    kind("stool, chair, seat", "椅子、凳子", "office chair, folding stool", "办公椅、折叠凳"),
    kind("mug, mugs", "马克杯"),
    kind("teapot, tea pot", "茶壶"),
    kind("frying pan, skillet", "平底煎锅、平底锅、煎锅", zh_titles="煎锅"),
    kind("knife, chef's knife, kitchen knife", "菜刀、主厨刀、刀", "chef's knife", "主厨刀"),
    kind("cutting board, chopping board", "砧板、菜板、案板"),
    kind("lunch box, lunchbox, bento", "便当盒、饭盒、餐盒、午餐盒"),
    kind("flask, thermos, vacuum flask", "保温杯", "vacuum flask"),
    kind("plates, plate set, dinner plates, dishes", "餐盘、盘子、碟子", "plate set"),
    kind("jars, storage jars, jar", "储物罐、罐子", "jar set"),
    kind("green tea", "绿茶"), kind("oolong, oolong tea", "乌龙茶、乌龙", "oolong tea"), kind("black tea", "红茶"),
    kind("jasmine, jasmine tea", "茉莉花茶、茉莉花", "jasmine tea"),
    kind("coffee beans, beans", "咖啡豆"),
    kind("drip bags, drip coffee, drip bag coffee", "挂耳咖啡、挂耳", "drip bag coffee"),
    kind("coffee grinder, grinder", "磨豆机"),
    kind("pour-over set, pour over", "手冲咖啡套装、手冲壶、手冲"),
    kind("t-shirt, tee, t shirt, tshirt", "t恤、短袖、体恤"),
    kind("shirt, linen shirt", "衬衫、衬衣", "linen shirt"),
    kind("sweater, jumper, pullover", "毛衣、针织衫"),
    kind("down jacket, puffer", "羽绒服"),
    kind("jeans", "牛仔裤"), kind("dress, summer dress", "连衣裙、裙子"),
    kind("raincoat, rain coat, rain jacket", "雨衣", "rain coat"),
    kind("scarf", "围巾、围脖"), kind("pyjamas, pajamas, pjs", "睡衣"),
    kind("running shoes", "跑步鞋、跑鞋"),
    kind("sneakers, trainers", "板鞋、球鞋"),
    kind("hiking boots, walking boots", "登山靴、登山鞋"),
    kind("leather boots", "短靴、皮靴"),
    kind("sandals", "凉鞋"), kind("slippers, house slippers", "拖鞋"), kind("loafers", "乐福鞋"),
    kind("children's shoes, kids' shoes, kids shoes", "儿童运动鞋、童鞋"),
    kind("rain boots, wellies, wellingtons", "雨靴、雨鞋"),
    kind("backpack, rucksack, daypack", "双肩包、双肩"),
    kind("suitcase, suitcases, luggage, trolley, carry-on, cabin bag", "行李箱、拉杆箱、登机箱、旅行箱、皮箱、箱子"),
    kind("tote, tote bag", "托特包", "tote bag"), kind("messenger bag", "斜挎包"),
    kind("organisers, travel organisers, packing cubes, travel organiser", "收纳袋", "travel organiser set"),
    kind("wallet, purse", "钱包"), kind("waist bag, bum bag, fanny pack", "腰包"),
    kind("toiletry bag, wash bag, washbag", "洗漱包"),
    kind("school bag, schoolbag", "书包"),
    kind("speaker, bluetooth speaker", "音箱、音响"),
    kind("power bank, powerbank", "充电宝"),
    kind("kettle, electric kettle", "电热水壶、热水壶、烧水壶", "electric kettle"),
    kind("keyboard", "键盘"), kind("watch, smart watch, smartwatch, watches", "手表、手环", "smart watch"),
    kind("humidifier", "加湿器"),
    kind("duvet, duvet cover, bedding, bed linen", "被套、四件套、床品", "duvet cover"),
    kind("pillow, pillows", "枕头、枕芯"), kind("towel, towels, bath towel", "浴巾、毛巾、澡巾", "towel set"),
    kind("blanket, throw", "毯子、盖毯", "throw blanket, picnic blanket", "盖毯、野餐垫"),
    kind("curtain, curtains", "窗帘", "curtains"), kind("rug, carpet", "地毯"),
    kind("cushion, cushions, cushion cover", "抱枕套、抱枕", "cushion cover"),
    kind("tablecloth, table linen, napkins", "桌布", "table linen"),
    kind("bathrobe, dressing gown, robe", "浴袍、睡袍"),
    kind("bookshelf, bookcase", "书架"), kind("office chair, desk chair", "办公椅、电脑椅、转椅"),
    kind("writing desk, desk", "书桌、电脑桌、写字台", "desk"), kind("side table", "边几、边桌"),
    kind("tv bench, tv stand, tv unit", "电视柜"), kind("bed frame, bed", "床架、床"),
    kind("coat stand, coat rack", "衣帽架、衣架"), kind("shoe cabinet, shoe rack", "鞋柜、鞋架"),
    kind("folding stool", "折叠凳"), kind("hand cream", "护手霜"), kind("face cream, moisturiser", "面霜"),
    kind("cleanser, face wash, face cleanser", "洁面乳、洗面奶", "face cleanser"),
    kind("shampoo", "洗发水"), kind("body lotion, lotion", "身体乳"),
    kind("sunscreen, sun cream, sunblock", "防晒霜、防晒"), kind("lip balm", "润唇膏、唇膏"),
    kind("soap, soaps, soap bars", "手工皂、香皂、肥皂、皂", "soap set"), kind("bath salt, bath salts", "浴盐"),
    kind("blocks, building blocks, bricks", "积木", "building blocks"), kind("puzzle, jigsaw, jigsaw puzzle", "拼图", "jigsaw puzzle"),
    kind("plush, plush toy, teddy, stuffed animal, cuddly toy, plush animal", "毛绒玩偶、玩偶、娃娃、公仔", "plush animal", "玩偶"),
    kind("board game", "桌游"), kind("train, train set, toy train", "火车", "train set"),
    kind("clay, play dough, playdough, modelling clay", "彩泥、橡皮泥", "modelling clay"), kind("kite", "风筝"),
    kind("science kit, experiments", "实验盒", zh_titles="科学实验盒"), kind("balance bike, bike", "平衡车"),
    kind("tent", "帐篷"), kind("sleeping bag", "睡袋"), kind("stove, camping stove", "露营炉、炉子", "camping stove"),
    kind("trekking poles, poles, walking poles", "登山杖"), kind("yoga mat, mat, mats", "瑜伽垫、垫子"),
    kind("dumbbells, weights, dumbbell", "哑铃", "dumbbell set"), kind("head torch, torch, headlamp", "头灯"),
    kind("jug", "水壶", "kettle, water bottle"),
    kind("water bottle, bottle", "运动水壶、水杯"), kind("picnic blanket", "野餐垫"),
    kind("notebook", "笔记本、本子"), kind("fountain pen", "钢笔"), kind("pens, gel pens, gel pen", "中性笔、水笔", "gel pen set"),
    kind("planner, diary", "日程本"), kind("desk organiser, desk tidy", "桌面收纳盒、收纳盒"),
    kind("watercolours, paints, watercolour set", "水彩、颜料", "watercolour set"),
    kind("sticky notes, post-its, post its", "便利贴、便签"), kind("letter paper, envelopes, stationery set", "信纸、信封"),
    kind("whiteboard", "白板"),
]

UNSENT, SENT, HERE = ["pending_payment", "paid", "packed"], ["shipped"], ["delivered"]
STATUSES = [
    {"is": ["pending_payment"], "words": pair(
        ["not paid", "unpaid", "hasn't been paid", "haven't paid", "haven't payed", "not been paid", "isn't paid", "still to pay",
         "waiting for payment", "not yet paid", "didn't pay", "pending"],
        ["没付款", "未付款", "待付款", "还没付", "没付钱", "没给钱", "没支付", "未支付"])},
    {"is": UNSENT, "words": pair(
        ["not sent", "not been sent", "hasn't been sent", "isn't sent", "not shipped", "hasn't shipped",
         "not been shipped", "hasn't been shipped", "not yet shipped", "not yet sent", "not dispatched", "hasn't been dispatched", "unshipped",
         "hasn't left", "not left", "hasn't gone out", "not gone out", "still with you", "not sent yet", "hasn't been sent yet"],
        ["没发货", "未发货", "待发货", "没发出", "没寄出", "还没发", "没有发货", "没寄", "未寄出", "没有发"])},
    {"is": ["packed"], "words": pair(["packed", "been packed"], ["打包", "打好包", "打包好"])},
    {"is": ["paid"], "words": pair(["paid", "been paid", "already paid"], ["付款了的", "已付款", "付过款", "付了款"])},
    {"is": SENT, "words": pair(
        ["on its way", "on the way", "in transit", "shipped", "been sent", "sent", "not arrived", "hasn't arrived", "not here yet", "not come",
         "hasn't come", "being delivered", "under way", "underway", "travelling", "not been delivered", "hasn't been delivered", "dispatched"],
        ["在路上", "路上", "运输中", "发货了", "已发货", "已发出", "发出", "寄出", "没到", "还没到", "没收到", "配送中", "派送"])},
    {"is": HERE, "words": pair(
        ["delivered", "arrived", "been delivered", "that came", "came", "i received", "received", "already have", "already got", "here already"],
        ["签收", "收到了", "已收到", "到了的", "送到", "已送达", "到货", "收到的"])},
    {"is": ["cancelled"], "words": pair(["cancelled", "canceled"], ["取消了的", "已取消", "取消的"])},
    {"is": ["return_requested", "returned"], "words": pair(["being returned", "returned", "sent back", "i returned"], ["退货中", "退了的", "已退货", "退回", "寄回"])},
    {"is": ["refunded"], "words": pair(["refunded", "been refunded"], ["已退款", "退了款"])},
]
DESCRIBED = {"status": "status", "date": "time", "price": "total", "title": "titles", "all": "mine", "statuses": STATUSES}

# What is asked of an order besides its status.
ORDER_ASPECTS = (
    ("total", ["total", "how much was", "how much were", "how much did i pay", "how much did i spend", "what did i pay", "come to"],
     ["多少钱", "总价", "总共多少", "一共多少", "花了多少", "付了多少", "金额"]),
    ("goods", ["what was in", "what's in", "whats in", "what is in"],
     ["里面有什么", "里有什么", "里面有啥", "里有啥", "里都有", "都有啥", "都有什么", "买了啥", "买了什么", "买的啥", "买的什么", "有哪些东西"]),
    ("parcel", ["one parcel", "same parcel", "one package", "same package", "one box", "same box", "come together", "coming together", "arrive together"],
     ["一个包裹", "一起的", "一起到", "一起寄", "一起发", "一起来", "一起送"]),
    ("refund", ["how much was refunded", "how much did you refund", "how much was the refund"], ["退了多少", "退款多少", "退回多少", "返了多少"]),
)

MONTHS = [  # the words for each, in both languages; "may" alone is none
    (["january", "jan"], ["1月", "一月"]), (["february", "feb"], ["2月", "二月"]), (["march", "mar"], ["3月", "三月"]), (["april", "apr"], ["4月", "四月"]),
    (["in may", "last may"], ["5月", "五月"]), (["june", "jun"], ["6月", "六月"]), (["july", "jul"], ["7月", "七月"]), (["august", "aug"], ["8月", "八月"]),
    (["september", "sept", "sep"], ["9月", "九月"]), (["october", "oct"], ["10月", "十月"]), (["november", "nov"], ["11月", "十一月"]),
    (["december", "dec"], ["12月", "十二月"])]
NEAR_MONTHS = (("last", ["last month"], ["上个月", "上月"]), ("this", ["this month"], ["这个月", "本月"]))
# The state of the orders that a list is to have.
LISTED_STATES = (
    ("cancelled", ["cancelled", "canceled", "cancelling"], ["取消"]), ("refunded", ["refunded", "refund", "refunds", "money back"], ["退款", "退钱"]),
    ("returned", ["returned", "sent back", "returning"], ["退货", "退了货", "退回"]), ("delivered", ["delivered", "arrived", "received"], ["签收", "收到", "送到", "到货"]),
    ("shipped", ["shipped", "on its way", "on the way", "on their way"], ["在路上", "路上", "已发货", "发货了", "运输"]), ("pending_payment", ["unpaid", "not paid", "to pay"], ["没付", "未付", "待付"]))

# Words of which one must be there before a flow takes the place of an open question.
CUES = {
    "cancel": pair(["cancel", "cancle", "cancell", "call it off", "call off", "don't want it", "do not want it", "don't need it",
                    "no longer want", "no longer need", "don't want the order", "stop the order"],
                   ["取消", "不要了", "不想要", "不买了", "撤单", "退单"]),
    "change_address": pair(["address", "adress", "addres", "different place", "elsewhere", "my office", "send it to", "deliver it to", "ship it to", "somewhere else",
                            "moved"],
                           ["地址", "改地址", "换地址", "改寄", "寄到", "送到别", "搬家", "换个地方", "改送"]),
    "return": pair(["return", "returns", "retrun", "retun", "returning", "send back", "send it back", "send them back", "send this back", "that back", "it back", "them back", "this back", "those back", "give back", "give it back"],
                   ["退货", "退掉", "要退", "想退", "退回", "寄回", "能退", "退了", "退吧"]),
    "exchange": pair(["exchange", "exchanged", "swap", "swapped", "replace it with", "change it for", "trade"], ["换货", "想换", "要换", "换一", "换个", "换成", "调换", "能换", "换吧"]),
    "refund": pair(["refund", "money back", "refunded", "reimburse", "my money"], ["退款", "退钱", "把钱退", "还钱"]),
    "complaint": pair(["complain", "complaint", "complaining", "supervisor"], ["投诉", "差评", "举报"]),
    "damaged": pair(["broken", "damaged", "damage", "faulty", "defective", "cracked", "scratched", "torn", "ripped", "loose", "leaks", "leaking", "dented", "smashed", "broke",
                     "doesn't work", "not working", "stain", "stained", "hole", "fell apart", "came off", "fell off"],
                    ["坏", "破", "碎", "裂", "质量问题", "瑕疵", "漏", "划痕", "掉了", "松了", "不能用", "没反应", "不亮"]),
    "wrong_item": pair(["wrong item", "wrong one", "wrong thing", "wrong product", "wrong colour", "wrong color", "wrong size", "instead of", "not what i ordered",
                        "sent me", "different one", "got a", "got the wrong"],
                       ["发错", "寄错", "送错", "不是我买", "不是我订", "不是我要", "货不对", "颜色不对", "错货"]),
    "missing_item": pair(["missing", "is not in", "was not in", "wasn't in", "isn't in", "incomplete", "only one", "only got", "only 1", "left out", "forgot", "the rest"],
                         ["少了", "少发", "漏发", "缺", "少件", "没放", "只有", "只收到", "不全", "少一"]),
    "missing_parcel": pair(["never arrived", "not arrived", "never came", "not received", "never received", "lost", "didn't arrive", "hasn't arrived",
                            "didn't get", "stolen", "disappeared", "never got"],
                           ["没收到", "没到", "丢了", "丢件", "不见了", "找不到", "未收到", "没有收到"]),
    "invoice": pair(["invoice", "receipt", "bill", "fapiao"], ["发票", "开票", "抬头", "收据"]),
    "thanks": pair(["thanks", "thank you", "thank u", "thx", "ty", "cheers", "tysm", "ta", "thankyou", "appreciate"], ["谢谢", "谢啦", "谢了", "多谢", "感谢", "谢", "辛苦"]),
    "goodbye": pair(["bye", "goodbye", "good bye", "see you", "see ya", "cya", "good night", "gotta go", "have to go", "byebye", "later"],
                    ["再见", "拜拜", "拜", "回见", "晚安", "下次", "先走"]),
    "order_status": pair(["where", "track", "tracking", "status", "when", "arrive", "news", "update", "sent", "shipped", "happened", "how long", "which orders", "what orders", "left the warehouse", "left yet"],
                         ["哪", "物流", "快递", "状态", "进度", "什么时候", "啥时候", "多久", "发货", "到了吗", "怎么样", "查"]),
    "refund_status": pair(["refund", "money", "refunded"], ["退款", "钱", "到账"]),
}
CLOSES = ("thanks", "goodbye")

# What an exchange is for: a size or a colour. Nothing else is taken for one.
# The colours of the catalogue, and what else customers call colours; the longest first, since an alternative ends at its first match.
COLOURS = "|".join(sorted(colours() | set("gray|green|purple|violet|gold|beige|cream|sage green|colou?r|colou?rful|darker|lighter".split("|")), key=lambda name: (-len(name), name)))
SIZES = (r"(?:eu |us |uk |size |sz |a )?\d{1,3}(?:[.,]5)?(?: ?(?:cm|ml|l|inch|inches|kg|g))?|(?:size |an? |in )(?:x{0,3}s|s|m|l|x{1,3}l)|(?<!')(?:x{0,3}s|m|x{0,3}l)|(?<!too )(?<!so )(?<!bit )(?<!very )(?<!way )(?:small|medium|large|extra large)|"
         r"(?:one|a|two|next) sizes? (?:up|down|bigger|smaller|larger)|bigger|smaller|larger|longer|shorter|wider|narrower|size up|size down|same (?:one|model|thing|again|size|colou?r)|"
         r"(?:another|a new|a different) one(?: of the same)?")
LIKE_ZH = (r".*(?:[黑白灰红蓝绿紫粉橙黄棕银金米咖褐青]色?的?|藏青|酒红|墨绿|天蓝|橄榄绿|松绿|沙色|梅紫|原木|胡桃木|橡木|石墨|薄荷|陶土|燕麦|本色|颜色|深一?点|浅一?点)|"
           r".*(?:\d{1,3}(?:\.5)? ?(?:码|号|寸|厘米|毫升|升|公斤|克)?|[一二三四五六七八九十]+(?:码|号|寸)|[大小中加]+(?:一)?(?:码|号|点|些)|尺码|尺寸|均码|[大小]的|同款|一样的|新的)")
WISH_LIKE = rf"(?:{COLOURS}|{SIZES})|{LIKE_ZH}"
# "Just the tote bags", "keep the mug", 只取消杯子: a part of an order.
PART_LIKE = (r"(?:only|just) (?:the|one|two|three|that|those|these)|one of (?:the|them|those|these)|(?:keep|leave) (?:the|one|two|my)|except(?: for)?|"
             r"but not (?:the|my)|(?:take out|remove) (?:the|one|two)|all but|the rest stays|(?:still|do) want the|not (?:all|the whole)|"
             r".*(?:只取消|只想取消|只要取消|光取消|单独取消|只退|其中|取消一[件个双条张]|退一[件个双条张]|有一[件个双条张](?!样)|留着|保留|(?<!我)(?:还要|还想要|照发)(?!多|几|等|再|不)|"
             r"不要全|不是全|别全|不是都|不要整单).*")

ADDRESS_LEAD = pair(
    ["change it to", "change the address to", "change to", "change my address to", "my new address is", "the new address is", "new address is", "new address", "my address is",
     "the address is", "address is", "address", "send it to", "send to", "ship it to", "ship to", "deliver it to", "deliver to", "please send it to", "please deliver it to", "please",
     "it should go to", "should go to", "it's", "it is", "to my office", "my office is", "office", "ok", "sure", "here", "here it is", "here you go", "here's", "to",
     "new one is", "the new one is", "make it", "yes"],
    ["改成", "改到", "改为", "换成", "换到", "寄到", "改寄到", "改寄", "送到", "发到", "新地址是", "新地址", "地址改成", "地址是", "地址改为", "地址", "我的地址是", "请改成", "请寄到", "麻烦改成",
     "是", "好的", "好", "请", "麻烦", "帮我", "改", "公司地址", "公司地址是", "我家在", "家里地址", "收货地址", "收货地址是", "收货地址改成", "把地址改成"])
WISH_LEAD = pair(
    ["i want", "i would like", "i'd like", "can i have", "can i get", "could i have", "could i get", "please", "rather", "actually", "no", "ok", "exchange it for", "swap it for",
     "change it to", "change it for", "i need", "i'd rather have", "wait", "sorry", "make it"],
    ["我想要", "我要", "想要", "想换成", "换成", "换", "改成", "要", "不", "不是", "还是", "请", "麻烦", "帮我换", "帮我换成"])
