"""Sentences with names and addresses as customers write them, made from templates and lists of our own, for the tagger."""
import random

SURNAMES_ZH = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文施洪"
DOUBLE_ZH = ["欧阳", "司马", "上官", "诸葛", "慕容", "司徒"]
GIVEN_ZH = ("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文斌辉鹏飞雪梅婷浩宇轩子涵梓欣怡诗雨佳琪思远志雅晨曦嘉俊博睿乐天"
            "小晓春燕海波凯峰鑫林立新永健世成荣福生家豪淑珍慧颖莉萍琳倩云龙彬亮东旭阳")
CITIES_ZH = ["北京市", "上海市", "广州市", "深圳市", "杭州市", "成都市", "重庆市", "武汉市", "南京市", "西安市", "苏州市", "长沙市", "郑州市",
             "青岛市", "济南市", "合肥市", "福州市", "厦门市", "昆明市", "南宁市", "沈阳市", "大连市", "哈尔滨市", "长春市", "石家庄市", "太原市",
             "贵阳市", "兰州市", "温州市", "宁波市", "无锡市", "佛山市", "东莞市", "珠海市", "中山市", "惠州市", "洛阳市", "襄阳市", "宜昌市"]
PROVINCES_ZH = ["浙江省", "江苏省", "广东省", "四川省", "湖北省", "湖南省", "山东省", "河南省", "河北省", "福建省", "安徽省", "江西省", "陕西省", "辽宁省"]
DISTRICTS_ZH = ["朝阳区", "海淀区", "西湖区", "浦东新区", "天河区", "南山区", "武侯区", "洪山区", "鼓楼区", "雁塔区", "余杭区", "江宁区", "高新区",
                "番禺区", "宝安区", "渝北区", "和平区", "开福区", "市中区", "城关镇", "东城街道", "经开区", "雨花区", "新城区", "桥西区"]
STREETS_ZH = ["人民路", "解放路", "中山路", "建设路", "文三路", "世纪大道", "学院路", "和平街", "长江路", "黄河路", "科技园路", "花园路", "滨江大道",
              "青年路", "胜利街", "新华路", "迎宾大道", "大学城中路", "龙阳大道", "环城北路", "金沙江路", "凤凰大街", "幸福里", "柳荫巷"]
ESTATES_ZH = ["阳光花园", "万科城", "金地花苑", "碧桂园", "绿地中心", "恒大名都", "锦绣家园", "东方明珠苑", "翡翠湾", "学府公寓", "中海国际社区", "保利香槟"]
AFTER_ZH = ["什么时候能到", "谢谢", "麻烦快点发货", "可以改地址吗", "我要退货", "帮我查一下", "请尽快联系我", "收到请回复", "不要送错了", "放门卫就行", "还没收到"]
FORENAMES_EN = ("James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Susan Joseph Jessica Thomas Sarah Karen "
                "Daniel Lisa Matthew Nancy Mark Emily Paul Laura Kevin Anna Brian Rachel George Julia Peter Helen Luis Elena Marco Ingrid Sven "
                "Olga Ivan Fatima Ahmed Priya Raj Wei Yuki Kenji Chloe Zoe Oliver Lucas Mia Ava Noah Liam Emma").split()
FAMILIES_EN = ("Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Wilson Anderson Taylor Moore Jackson Martin Lee Thompson White "
               "Harris Clark Lewis Walker Hall Young King Wright Hill Green Baker Nelson Carter Mitchell Roberts Turner Phillips Campbell Parker "
               "Evans Edwards Collins Stewart Morris Murphy Cook Rogers Reed Bailey Cooper Novak Kowalski Rossi Silva Okafor Nguyen Tanaka Patel "
               "Singh Larsen Virtanen O'Brien McDonald Müller Schäfer Lefèvre Fernández").split()
STREETS_EN = ("Baker High Church Main Park Oak Maple Cedar Elm Washington Lake Hill Walnut Spring North River Lincoln Sunset Jackson Franklin "
              "Mill Pine King Queen Station Victoria Windsor Chestnut Bridge Market").split()
KINDS_EN = ["Street", "St", "Road", "Rd", "Avenue", "Ave", "Lane", "Drive", "Court", "Place", "Square", "Boulevard", "Way", "Terrace", "Close"]
CITIES_EN = ["London", "Manchester", "New York", "Boston", "Chicago", "Seattle", "Austin", "Denver", "Toronto", "Sydney", "Melbourne", "Dublin",
             "Leeds", "Portland", "San Diego", "Atlanta", "Berlin", "Rotterdam", "Oslo", "Turin"]
STATES_EN = ["NY", "MA", "CA", "TX", "WA", "IL", "OR", "GA", "CO", "FL"]
AFTER_EN = ["when will it arrive", "thanks", "please hurry", "can I change it", "I want a refund", "please check", "it never came", "ring twice"]

ZH = ["我叫{n}", "我叫{n}，{x}", "收件人{n}，地址{a}，{x}", "{n}，{a}", "寄到{a}，收件人{n}", "地址：{a}", "地址是{a}，{x}", "送到{a}，{x}",
      "改成{a}", "收货地址改成{a}，收货人{n}", "我是{n}，{x}", "{n}先生的订单{x}", "麻烦找一下{n}女士", "我家住在{a}，{x}", "联系人{n}",
      "你好，我是{n}，上周买的衣服{x}", "包裹是{n}签收的，我不认识", "请寄{a} {n}收", "我朋友{n}也买了一件", "帮我送到{a}吧，{x}", "{a}能送吗",
      "客服{n}说可以退", "是{n}本人下的单", "姓名：{n}\n地址：{a}", "{x}，我在{a}", "快递员说放在{a}了", "{n} {a}"]
EN = ["My name is {n}", "my name is {n} and {x}", "This is {n}, {x}", "I'm {n}. {x}", "Please ship it to {a}", "Ship to: {n}, {a}", "{n}\n{a}",
      "My address is {a}, {x}", "I live at {a}.", "change the address to {a} please", "the parcel was signed for by {n}, {x}",
      "{n} ordered it for me", "Dear {n},", "Thanks,\n{n}", "Can you deliver to {a}?", "send the invoice to {n}, {a}", "Hello, {n} here, {x}",
      "It was left at {a}", "I spoke to {n} yesterday, {x}", "the name on the order is {n}", "deliver it to {n} at {a}"]


def name_zh(r):
    surname = r.choice(DOUBLE_ZH) if r.random() < 0.05 else r.choice(SURNAMES_ZH)
    return surname + "".join(r.choice(GIVEN_ZH) for _ in range(1 if r.random() < 0.3 else 2))


def address_zh(r):
    parts = []
    if r.random() < 0.35:
        parts.append(r.choice(PROVINCES_ZH))
    if r.random() < 0.75:
        city = r.choice(CITIES_ZH)
        parts.append(city if r.random() < 0.7 else city[:-1])
    parts.append(r.choice(DISTRICTS_ZH))
    if r.random() < 0.85:
        parts.append(r.choice(STREETS_ZH) + ("%d号" % r.randint(1, 999) if r.random() < 0.85 else ""))
    if r.random() < 0.5:
        parts.append(r.choice(ESTATES_ZH) + ("%d栋" % r.randint(1, 40) if r.random() < 0.7 else ""))
    if r.random() < 0.5:
        parts.append(r.choice(["%d单元%d室", "%d号楼%d", "%d幢%d室"]) % (r.randint(1, 9), r.randint(101, 3305)))
    return "".join(parts)


def name_en(r):
    forms = ["%s %s"] * 5 + ["%s"] * 2 + ["%s X. %s"]
    form = r.choice(forms).replace("X", r.choice("ABCDEFGHJKLMPRSTW"))
    name = form % ((r.choice(FORENAMES_EN), r.choice(FAMILIES_EN)) if form.count("%s") == 2 else r.choice(FORENAMES_EN))
    return name.lower() if r.random() < 0.15 else name


def address_en(r):
    street = "%d %s %s" % (r.randint(1, 2999), r.choice(STREETS_EN), r.choice(KINDS_EN))
    if r.random() < 0.3:
        street += ", %s %d" % (r.choice(["Apt", "Apt.", "Flat", "Suite", "Unit"]), r.randint(1, 400))
    if r.random() < 0.6:
        street += ", " + r.choice(CITIES_EN)
        if r.random() < 0.4:
            street += ", %s %05d" % (r.choice(STATES_EN), r.randint(1001, 99950))
    return street.lower() if r.random() < 0.1 else street


def fill(r, template, name, address, after):
    """The sentence and its spans, in characters."""
    text, spans = "", []
    while template:
        if template[:3] in ("{n}", "{a}", "{x}"):
            value = {"n": name, "a": address, "x": lambda _: r.choice(after)}[template[1]](r)
            if template[1] != "x":
                spans.append((len(text), len(text) + len(value), "NAME" if template[1] == "n" else "ADDRESS"))
            text, template = text + value, template[3:]
        else:
            text, template = text + template[0], template[1:]
    return text, spans


def make(seed, n):
    """n sentences a language as rows of train-tagger."""
    from train_tagger import in_bytes

    r = random.Random(seed)
    out = []
    for _ in range(n):
        out.append(in_bytes(*fill(r, r.choice(ZH), name_zh, address_zh, AFTER_ZH)))
        out.append(in_bytes(*fill(r, r.choice(EN), name_en, address_en, AFTER_EN)))
    return out


PRODUCTS = {
    "zh": ["{p}还有货吗", "我想买{p}", "{p}可以退吗", "上周买的{p}坏了", "{p}和另一款有什么区别", "麻烦把{p}换成大一号的", "{p}多少钱", "收到的{p}少了一件，{x}",
           "垃圾，{p}用了两天就坏", "{p}送到了吗，{x}", "请问{p}多大", "这款{p}{q}够用吗", "{q}的{p}有吗", "阿姨说{p}很好用", "{p}原来是{q}的"],
    "en": ["Is the {p} in stock?", "I want to buy {p}", "can I return the {p}", "My {p} broke, {x}", "the {p} I ordered is {q} too small", "how much is {p}?",
           "{p} or something like it", "Do you have {p} in black?", "the {p} never came, {x}", "i love my {p}", "How much money are {q}", "{q} of {p} please"],
}
UNITS = {"zh": ["%d毫升", "%d厘米", "%d克", "%d件", "%d元", "%d积分", "第%d次", "%d寸", "%d只装"], "en": ["%d ml", "%d cm", "%d points", "%d bonus points", "%d pieces", "%d g", "%d days", "%d inch"]}


def make_products(seed, n, names):
    """n sentences a language about products, without personal data. names: {"zh": [...], "en": [...]}."""
    r = random.Random(seed)
    out = []
    for lang, after in (("zh", AFTER_ZH), ("en", AFTER_EN)):
        for _ in range(n):
            text = r.choice(PRODUCTS[lang]).replace("{p}", r.choice(names[lang])).replace("{x}", r.choice(after))
            text = text.replace("{q}", r.choice(UNITS[lang]) % r.randint(1, 5000))
            out.append({"text": text.lower() if r.random() < 0.3 else text, "spans": []})
    return out
