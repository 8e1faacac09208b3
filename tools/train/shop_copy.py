"""Product copy made from templates (MIT, like the rest of the project): attribute lists, and texts that name every attribute.

Teaches the model to copy names and properties from the prompt. Brands are random syllables, so the model cannot know
them and has to copy them.
"""
import re


# ---------------------------------------------------------------- English

_EN = [  # (types, materials, features); a type ending in "*" is a plural
    (["dress", "maxi dress", "midi dress", "skirt", "top", "blouse", "tunic", "jumpsuit"],
     ["cotton", "linen", "silk", "chiffon", "viscose", "satin", "lace", "velvet"],
     ["V-neck", "round neck", "short sleeves", "long sleeves", "three-quarter sleeves", "flared hem", "side pockets", "tie-up belt", "elasticated waistband", "pleats", "ruffles", "side slits", "zip closure", "button placket", "high waist", "puff sleeves", "embroidered neckline", "sleeveless cut"]),
    (["shirt", "T-shirt", "polo shirt", "sweater", "hoodie", "sweatshirt", "cardigan", "jacket", "bomber jacket", "coat", "blazer", "denim jacket", "raincoat", "vest"],
     ["cotton", "linen", "wool", "cashmere", "denim", "fleece", "leather", "polyester", "merino wool", "organic cotton"],
     ["spread collar", "button-down collar", "stand collar", "crew neck", "long sleeves", "short sleeves", "chest pocket", "two side pockets", "zip closure", "hood", "ribbed cuffs", "straight hem", "curved hem", "slim fit", "regular fit", "relaxed fit", "water-repellent finish", "quilted lining", "drawstring hood", "inside pocket"]),
    (["jeans*", "trousers*", "chinos*", "shorts*", "joggers*", "leggings*", "track pants*", "cargo pants*"],
     ["cotton", "denim", "linen", "stretch cotton", "corduroy", "polyester", "organic cotton"],
     ["mid-rise waist", "high waist", "slim fit", "straight fit", "relaxed fit", "tapered leg", "wide leg", "five pockets", "button and zip closure", "drawstring waist", "elasticated waistband", "belt loops", "cargo pockets", "stretch fabric", "clean look"]),
    (["sneakers*", "running shoes*", "boots*", "sandals*", "loafers*", "heels*", "flats*", "hiking boots*", "slippers*"],
     ["leather", "suede", "canvas", "mesh", "synthetic leather", "recycled fabric"],
     ["lace-up closure", "slip-on design", "cushioned footbed", "rubber sole", "non-slip outsole", "ankle strap", "buckle closure", "breathable upper", "block heel", "round toe", "pointed toe", "padded collar", "waterproof membrane", "memory foam insole", "lightweight sole"]),
    (["backpack", "handbag", "tote bag", "laptop bag", "wallet", "suitcase", "shoulder bag", "clutch", "travel bag", "belt"],
     ["leather", "canvas", "nylon", "vegan leather", "polyester", "suede"],
     ["zip closure", "magnetic closure", "padded straps", "adjustable strap", "laptop sleeve", "front pocket", "two inner pockets", "water bottle pocket", "card slots", "four wheels", "detachable sling strap", "two handles", "RFID protection", "metal buckle", "quilted pattern"]),
    (["watch", "necklace", "bracelet", "ring", "sunglasses*", "earrings*", "scarf", "hat", "beanie", "cap"],
     ["stainless steel", "silver", "gold-plated brass", "titanium", "wool", "cotton", "silk"],
     ["water resistance to 50 m", "leather strap", "date display", "quartz movement", "UV protection", "polarised lenses", "adjustable length", "stone detail", "fringed border", "hypoallergenic finish", "gift box", "luminous hands", "lobster clasp", "one-year warranty"]),
    (["headphones*", "wireless earbuds*", "bluetooth speaker", "smartphone", "tablet", "laptop", "keyboard", "mouse", "power bank", "smart watch", "camera", "monitor", "phone case", "charger", "webcam", "router"],
     ["aluminium", "recycled plastic", "silicone", "glass", "carbon fibre"],
     ["noise cancelling", "30-hour battery", "20-hour battery life", "fast charging", "USB-C port", "touch control", "bluetooth 5.3", "built-in microphone", "4K display", "foldable design", "water resistance", "wireless charging", "RGB lighting", "silent keys", "heart rate sensor", "GPS", "128 GB storage", "dual camera", "shockproof corners", "LED indicator"]),
    (["coffee machine", "blender", "kettle", "toaster", "frying pan", "knife set", "water bottle", "lunch box", "mug", "air fryer", "rice cooker", "juicer", "vacuum cleaner", "hair dryer"],
     ["stainless steel", "ceramic", "glass", "cast iron", "bamboo", "BPA-free plastic"],
     ["non-stick coating", "1.5 litre capacity", "500 ml capacity", "dishwasher safe", "automatic shut-off", "LED display", "easy-grip handle", "two speed settings", "leak-proof lid", "double-wall insulation", "timer", "removable tray", "temperature control", "quiet motor", "cordless design", "five-year warranty"]),
    (["sofa", "desk", "office chair", "lamp", "bookshelf", "mattress", "pillow", "blanket", "curtains*", "rug", "bed sheet", "cushion cover", "towel", "storage box", "mirror"],
     ["oak", "cotton", "linen", "velvet", "bamboo", "memory foam", "walnut wood", "steel", "wool", "microfibre"],
     ["adjustable height", "machine washable", "removable cover", "soft touch", "easy assembly", "dimmable light", "hypoallergenic filling", "two drawers", "lumbar support", "anti-slip backing", "quick-drying fabric", "foldable frame", "floral print", "reversible design", "set of 2"]),
    (["face cream", "shampoo", "lipstick", "perfume", "sunscreen", "hand cream", "body lotion", "face mask", "serum", "soap"],
     [], ["vitamin C", "aloe vera", "SPF 50", "hyaluronic acid", "shea butter", "long-lasting colour", "matte finish", "fresh citrus scent", "fragrance-free formula", "for sensitive skin", "100 ml bottle", "cruelty-free recipe", "lavender oil", "tea tree oil"]),
    (["yoga mat", "tent", "bicycle", "football", "dumbbell set", "sleeping bag", "fishing rod", "skateboard", "tennis racket", "jump rope", "toy car", "building blocks*", "puzzle", "doll", "board game", "notebook", "pen"],
     ["aluminium", "natural rubber", "nylon", "wood", "steel", "carbon", "recycled paper"],
     ["non-slip surface", "carry bag", "waterproof cover", "adjustable weight", "lightweight frame", "two-person size", "quick setup", "soft grip", "250 pieces", "rounded edges", "21-speed gears", "ages 3 and up", "hard cover", "smooth ink", "eco-friendly packaging"]),
]
_EN_COLORS = ["black", "white", "red", "blue", "navy blue", "green", "olive green", "grey", "charcoal grey", "pink", "beige", "brown", "yellow", "purple",
              "orange", "maroon", "mustard yellow", "silver", "gold", "teal", "cream", "burgundy", "khaki", "lavender", "turquoise", "rose gold"]
_EN_STYLES = ["casual", "classic", "modern", "vintage", "elegant", "sporty", "minimalist", "lightweight", "compact", "premium", "handmade", "slim", "printed", "striped", "floral", "solid", "checked", "portable", "waterproof", "oversized", "cosy"]
_EN_AUDIENCES = ["women", "men", "boys", "girls", "kids", "unisex"]
_EN_CLOSINGS = ["A good choice for every day.", "Easy to match and easy to love.", "Perfect for work and travel.", "Made to last and simple to care for.", "A lovely thing to have at home.",
                "Comfort and quality in one piece.", "Enjoy it from morning to night.", "Simple, practical and full of character.", "Ready for your next adventure.", "A favourite you will reach for again and again."]
# More types, and parts from which properties are put together, so that the model meets many it has not seen.
_EN_MORE_TYPES = """guitar, piano, drum, violin, microphone, umbrella, candle, vase, clock, picture frame, garden hose, lawn mower, hammer, drill, ladder, paint brush,
flower pot, bird feeder, dog bed, cat tree, fish tank, leash, pet carrier, car seat, stroller, baby bottle, crib, night light, high chair, thermometer, scale,
projector, printer, scanner, hard drive, memory card, drone, tripod, game console, television, soundbar, turntable, dishwasher, oven, fridge, freezer,
washing machine, iron, sewing machine, fan, heater, air purifier, humidifier, water filter, teapot, wine glass, plate, bowl, cutting board, apron, tablecloth,
swimsuit, bikini, bathrobe, pyjamas, socks, gloves, tie, bow tie, cufflinks, hoop earrings, kurta, saree, dupatta, poncho, kimono, parka, trench coat, overalls,
helmet, kayak, surfboard, snowboard, ski goggles, golf club, basketball, treadmill, exercise bike, massage gun, foam roller, climbing rope, compass, lantern,
cooler box, novel, cookbook, calendar, planner, stapler, stickers, crayons, easel, telescope, microscope, globe, chess set, card game, robot kit, rocking horse, kite""".replace("\n", " ").split(", ")
_EN_MORE_MATERIALS = ["steel", "wood", "plastic", "glass", "cotton", "leather", "bamboo", "metal", "ceramic", "rubber", "silk", "paper"]
_EN_ADJECTIVES = "soft wide slim large small hidden double triple steel wooden leather rubber metal glass bamboo cotton solar digital manual automatic smart magnetic foldable removable adjustable padded reinforced insulated waterproof rechargeable reversible non-slip heat-resistant scratch-resistant extra-long built-in dual quiet deep bright colourful hand-painted polished".split()
_EN_NOUNS = "frame handle lid base strap pocket lining motor screen display sensor battery cable stand hook wheel zip button buckle collar cuff hem sole heel brim cushion filter nozzle blade tray shelf drawer door lock key mirror lens grip mount cover case bag timer speaker panel port switch lamp tip brush head seat edge pattern print logo finish coating".split()


def _english_property(rng):
    """A property made of parts, some with a number."""
    n = rng.choice([2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 36, 40, 48, 50, 60, 72, 90, 100, 120, 250, 500])
    return rng.choice([f"{rng.choice(_EN_ADJECTIVES)} {rng.choice(_EN_NOUNS)}"] * 7 + [f"{n}-hour battery", f"{n} litre capacity", f"{n} W power", f"{n} cm length", f"{n} pieces",
                       f"{n}-month warranty", f"pack of {n}", f"size {rng.choice(['S', 'M', 'L', 'XL', n])}", f"{rng.choice(_EN_NOUNS)} and {rng.choice(_EN_NOUNS)}"])


_EN_SAYINGS = {"brand": ["It comes from {v}.", "A product of {v}."], "gender": ["Made for {v}.", "Designed for {v}."], "color": ["The colour is {v}.", "In {v}."]}
_CONSONANTS, _VOWELS = "b c d f g h j k l m n p r s t v z br cl dr fl gr kr st tr".split(), "a e i o u ai ea ou".split()
_SUFFIXES = ["", "", "", "n", "r", "s", "x", "l", "m", "na", "ra", "co", "line", "wear", "tech", "house", " & Co", " Studio", " Home", " Sport"]


def _brand(rng):
    """A made-up brand name."""
    if rng.random() < 0.15:
        return f"{rng.choice(_EN_ADJECTIVES)} {rng.choice(_EN_NOUNS)}".title()
    word = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.choice([1, 2, 2, 3]))) + rng.choice(_SUFFIXES)
    word = word[0].upper() + word[1:]
    return word.upper() if rng.random() < 0.12 else word


def _nonsense(rng, language):
    """Words that mean nothing: all one can do with them is to copy them."""
    if language == "zh":
        return "".join(rng.choice(_ZH_COMMON) for _ in range(rng.choice([2, 2, 3, 3, 4])))
    words = [_brand(rng).lower() if rng.random() < 0.7 else rng.choice(_EN_ADJECTIVES + _EN_NOUNS) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
    return " ".join(words + ([str(rng.randint(2, 999))] if rng.random() < 0.15 else []))


def list_twice(rng):
    """(prompt, text): a list of nonsense, and the same list again. Copying is what product copy needs most, and a small
    model learns it soonest where nothing else helps."""
    language = rng.choice(["en", "zh"])
    items = list(dict.fromkeys(_nonsense(rng, language) for _ in range(rng.randint(3, 9))))
    separator = rng.choice([", ", ", ", "; ", " | "]) if language == "en" else rng.choice(["、", "，", ", ", "*"])
    joint = ", " if language == "en" else "、"
    return f"List: {separator.join(items)}\nAgain:", " " + joint.join(items)


def join_en(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def with_article(phrase):
    return ("an " if phrase[0].lower() in "aeio" else "a ") + phrase


def opening_en(rng, noun, plural, brand, audience):
    """One sentence that names the product (adjectives and type), the brand and the audience, where given."""
    one = noun if plural else with_article(noun)
    this, verb, it = ("these", "are", "They") if plural else ("this", "is", "It")
    people = {"unisex": "everyone (unisex)", "unisex kids": "kids (unisex)"}.get((audience or "").lower(), (audience or "").lower())
    if brand and audience:
        text = rng.choice([f"{this.capitalize()} {noun} from {brand} {verb} made for {people}.", f"Meet the {brand} {noun} for {people}.",
                           f"{brand} presents {one} for {people}.", f"Designed for {people}, {this} {brand} {noun} {verb} a joy to use.",
                           f"Discover the {noun} by {brand}, made for {people}.", f"{one[0].upper() + one[1:]} for {people} from {brand}."])
    elif brand:
        text = rng.choice([f"{this.capitalize()} {noun} from {brand} {verb} a pleasure to own.", f"Meet the {brand} {noun}.", f"{brand} presents {one}.",
                           f"Discover the {noun} by {brand}.", f"{one[0].upper() + one[1:]} from {brand}."])
    elif audience:
        text = rng.choice([f"{this.capitalize()} {noun} {verb} made for {people}.", f"{one[0].upper() + one[1:]} for {people}.", f"Designed for {people}, {this} {noun} {verb} a joy to use."])
    else:
        text = rng.choice([f"{this.capitalize()} {noun} will brighten your day.", f"{one[0].upper() + one[1:]} for every day.", f"Meet {this} {noun}.", f"Enjoy {this} {noun}."])
    return text, it


def features_en(rng, it, features):
    """A sentence that names the features."""
    have = "feature" if it == "They" else "features"
    has = "have" if it == "They" else "has"
    listed = join_en(features)
    if any(" " not in f and re.search(r"(ed|less|ble|y)$", f) for f in features):  # "with printed" would be wrong
        return rng.choice([f"Key details: {listed}.", f"Highlights: {listed}.", f"In detail: {listed}."])
    return rng.choice([f"{it} {have} {listed}.", f"With {listed}, {it.lower()} {'are' if it == 'They' else 'is'} ready for daily use.", f"Highlights include {listed}.",
                       f"{it} {has} {listed}.", f"Enjoy {listed} every day.", f"{it} {'come' if it == 'They' else 'comes'} with {listed}."])


def _english_text(rng, noun, plural, brand, audience, features):
    text, it = opening_en(rng, noun, plural, brand, audience)
    if len(features) > 2 and rng.random() < 0.25:
        cut = rng.randint(1, len(features) - 1)
        text += " " + features_en(rng, it, features[:cut]) + " " + features_en(rng, it, features[cut:])
    elif features:
        text += " " + features_en(rng, it, features)
    if rng.random() < 0.25 or not features:
        text += " " + rng.choice(_EN_CLOSINGS)
    return text


def english_clothes(rng, full_name, kind, brand, audience, color, features):
    """([(key, value)], copy) for a row of a clothing catalogue; what is empty, or not chosen, is left out."""
    plural = kind.endswith("s") and not kind.endswith("ss")
    brand = brand if rng.random() < 0.8 else None
    audience = audience if rng.random() < 0.6 else None
    if full_name and rng.random() < 0.15:  # "Roadster Men Grey Sweatshirt": the name already has every value
        attributes = [("name", full_name)] + [(k, v) for k, v in (("brand", brand), ("gender", audience), ("color", color)) if v and rng.random() < 0.5]
        text = rng.choice([f"Meet the {full_name}.", f"Discover the {full_name}.", f"The {full_name} {'are' if plural else 'is'} a pleasure to own."])
        text += "".join(f" {rng.choice(_EN_SAYINGS[k]).format(v=v)}" for k, v in attributes[1:] if v.lower() not in full_name.lower())
        if features:
            text += " " + features_en(rng, "They" if plural else "It", features)
        return attributes + [("feature", f) for f in features], text
    color = color if color and rng.random() < 0.8 and color not in kind else None
    noun = f"{color} {kind}" if color else kind
    head = [("name", noun)] if color and rng.random() < 0.25 else [("name", kind), ("color", color)]
    rest = [("brand", brand), ("gender", audience)]
    if rng.random() < 0.7:
        rng.shuffle(head)
        rng.shuffle(rest)
    attributes = (head + rest if rng.random() < 0.5 else rest + head) + [("feature", f) for f in features]
    return [(k, v) for k, v in attributes if v], _english_text(rng, noun, plural, brand, audience, features)


def english(rng):
    """([(key, value)], copy)"""
    types, materials, features = rng.choice(_EN)
    kind = rng.choice(types)
    plural, kind = kind.endswith("*"), kind.rstrip("*")
    unforeseen = rng.random() < 0.3
    if unforeseen:
        kind, materials = rng.choice(_EN_MORE_TYPES), _EN_MORE_MATERIALS
        plural = kind.endswith("s") and not kind.endswith("ss")
    brand = _brand(rng) if rng.random() < 0.55 else None
    audience = rng.choice(_EN_AUDIENCES) if rng.random() < 0.35 else None
    color = rng.choice(_EN_COLORS) if rng.random() < 0.75 else None
    material = rng.choice(materials) if materials and rng.random() < 0.55 else None
    style = rng.choice(_EN_STYLES) if rng.random() < 0.3 else None
    chosen = rng.sample(features, rng.choice([0, 1, 2, 2, 3, 3, 4, 5]))
    if rng.random() < 0.2:
        chosen = list(dict.fromkeys(_nonsense(rng, "en") for _ in chosen))
    elif unforeseen or rng.random() < 0.15:
        chosen = list(dict.fromkeys(_english_property(rng) for _ in chosen))
    noun = " ".join(x for x in (style, color, material, kind) if x)
    text = _english_text(rng, noun, plural, brand, audience, chosen)
    if rng.random() < 0.4:  # the head as one phrase: "red cotton dress"
        head = [("name", noun)]
    else:
        head = [("type", kind), ("color", color), ("material", material), ("style", style)]
        if rng.random() < 0.6:
            rng.shuffle(head)
    rest = [("brand", brand), ("gender", audience)]
    rng.shuffle(rest)
    attributes = (head + rest if rng.random() < 0.6 else rest + head) + [("feature", f) for f in chosen]
    return [(k, v) for k, v in attributes if v], text


# ---------------------------------------------------------------- Chinese

_ZH_CLOTHES = {
    "类型": ["裤", "裙", "上衣", "连衣裙", "衬衫", "外套", "卫衣", "毛衣", "风衣", "T恤", "牛仔裤", "阔腿裤", "半身裙", "针织衫", "西装", "羽绒服", "休闲裤", "打底衫", "马甲", "大衣"],
    "版型": ["宽松", "显瘦", "修身", "直筒", "常规"],
    "风格": ["简约", "性感", "休闲", "复古", "清新", "潮流", "青春", "文艺", "街头", "淑女", "知性", "运动", "英伦", "通勤", "韩版", "甜美", "学院风"],
    "图案": ["线条", "印花", "撞色", "条纹", "刺绣", "蕾丝", "纯色", "蝴蝶结", "字母", "格子", "碎花", "波点", "卡通", "几何"],
    "颜色": ["黑色", "白色", "粉色", "蓝色", "红色", "绿色", "灰色", "黄色", "卡其色", "紫色", "深蓝色", "浅蓝色", "墨绿色", "酒红色", "米白色", "姜黄色", "藏青色", "咖啡色"],
    "材质": ["棉", "纯棉", "牛仔布", "蕾丝", "雪纺", "针织", "亚麻", "羊毛", "丝绒", "真丝", "棉麻", "羊绒", "皮革"],
    "领型": ["圆领", "v领", "翻领", "立领", "高领", "一字领", "方领", "polo领"],
    "袖型": ["长袖", "短袖", "七分袖", "无袖", "灯笼袖", "喇叭袖", "泡泡袖", "落肩袖", "蝙蝠袖"],
    "腰型": ["高腰", "松紧腰", "收腰", "中腰"],
    "款式": ["拼接", "连帽", "口袋", "纽扣", "荷叶边", "抽绳", "拉链", "绑带", "不规则", "木耳边", "流苏", "破洞", "腰带", "开叉", "系带", "百褶", "亮片"],
}
# Sentences for a key, or for the last characters of one (衣领型 and 裙领型 are both 领型); {v} may be several values.
_ZH_SENTENCES = {
    "版型": ["{v}的版型设计，不挑身材，穿着舒适自在。", "采用{v}版型，轻松修饰身材线条。", "{v}的剪裁贴合身形，上身效果非常好。", "{v}版型，行动自如没有束缚感。"],
    "风格": ["整体{v}的风格，日常穿搭很出彩。", "{v}的设计，轻松穿出好气质。", "{v}的风格，让你在人群中格外亮眼。", "{v}的气息，尽显个人魅力。"],
    "图案": ["{v}元素的点缀，增添时尚感。", "{v}图案，丰富了视觉层次。", "加入{v}设计，打破单调。", "{v}的装饰，让整体更有看点。"],
    "颜色": ["{v}的色调百搭耐看，衬托肤色。", "经典的{v}，轻松搭配各种单品。", "{v}的配色，上身显白又减龄。"],
    "材质": ["{v}面料手感柔软，亲肤透气。", "选用优质{v}材质，质感出众，舒适耐穿。", "{v}的面料，穿着舒适不闷热。"],
    "领型": ["{v}的设计，修饰颈部线条。", "{v}衬托出小巧的脸型。", "{v}设计简洁利落，尽显优雅。"],
    "袖型": ["{v}的设计，修饰手臂线条，更显精致。", "{v}设计，穿着灵动又时髦。", "搭配{v}，舒适自然。"],
    "袖长": ["{v}的设计，修饰手臂线条。", "{v}设计，舒适自然。"],
    "腰型": ["{v}的设计，拉长腿部线条，显高显瘦。", "{v}设计，勾勒出纤细的腰身。"],
    "款式": ["{v}的细节，设计感十足。", "{v}设计，实用又美观。", "{v}点缀其间，更显俏皮可爱。"],
    "样式": ["{v}的样式，经典又好搭。", "{v}款式，怎么穿都好看。"],
    "门襟": ["{v}的门襟，穿脱方便。", "{v}设计，简单利落。"],
    "下摆": ["{v}的下摆，走动间更显灵动。", "{v}设计，增添层次感。"],
    "裤口": ["{v}的裤口，修饰腿部线条。", "{v}设计，更有个性。"],
    "裙型": ["{v}的裙型，优雅大方。", "{v}设计，遮肉显瘦。"],
    "裤型": ["{v}的裤型，显高显瘦。", "{v}的设计，修饰腿型。"],
    "长": ["{v}的设计，比例刚刚好。", "{v}的长度，穿着更显高挑。"],
}
_ZH_ANY = ["{v}的设计，贴心又实用。", "{v}，细节用心。", "更有{v}，让人喜爱。", "{v}也是一大亮点。"]
_ZH_GOODS = [
    (["蓝牙耳机", "手机", "平板电脑", "智能手表", "充电宝", "音箱", "键盘", "鼠标", "显示器", "笔记本电脑", "相机", "数据线"],
     ["降噪", "快充", "长续航", "触控操作", "高清屏幕", "防水", "无线充电", "轻薄机身", "静音按键", "大容量", "30小时续航", "双摄像头", "心率监测", "低延迟", "折叠设计"]),
    (["咖啡机", "电饭煲", "电水壶", "空气炸锅", "吸尘器", "吹风机", "加湿器", "微波炉", "榨汁机", "保温杯", "平底锅", "台灯", "电风扇"],
     ["不粘涂层", "定时功能", "一键操作", "静音运行", "不锈钢内胆", "大容量", "智能控温", "快速加热", "易清洗", "节能省电", "保温12小时", "护眼光源", "防烫手柄", "三档调节"]),
    (["沙发", "书桌", "床垫", "枕头", "四件套", "窗帘", "地毯", "毛巾", "收纳盒", "椅子", "书架", "抱枕"],
     ["实木框架", "可拆洗", "柔软亲肤", "吸水速干", "遮光", "防滑底部", "加厚设计", "易安装", "环保材料", "可折叠", "高度可调", "记忆棉", "大空间"]),
    (["面霜", "口红", "洗面奶", "面膜", "洗发水", "防晒霜", "护手霜", "精华液", "香水", "沐浴露"],
     ["补水保湿", "温和不刺激", "持久显色", "清爽不油腻", "深层清洁", "玻尿酸成分", "防晒指数50", "淡淡花香", "敏感肌适用", "改善干燥", "植物成分", "氨基酸配方"]),
    (["运动鞋", "跑步鞋", "帆布鞋", "凉鞋", "靴子", "双肩包", "手提包", "行李箱", "钱包", "腰带", "帽子", "围巾", "墨镜"],
     ["透气网面", "防滑鞋底", "轻便", "耐磨", "缓震", "真皮", "大容量", "可调节肩带", "万向轮", "防水面料", "多隔层", "简约设计", "磁吸扣", "保暖", "防紫外线"]),
    (["坚果", "茶叶", "饼干", "牛肉干", "蜂蜜", "咖啡豆", "巧克力", "红枣", "大米", "玩具车", "积木", "拼图", "瑜伽垫", "帐篷", "跳绳"],
     ["独立包装", "口感酥脆", "香味浓郁", "新鲜日期", "无添加", "礼盒装", "产地直发", "甜而不腻", "环保材质", "圆角设计", "防滑", "轻便易携带", "适合3岁以上", "色彩鲜艳", "营养健康"]),
]
_ZH_MORE_TYPES = "吉他 钢琴 雨伞 蜡烛 花瓶 挂钟 相框 水管 电钻 梯子 花盆 猫窝 狗粮 鱼缸 婴儿车 奶瓶 儿童座椅 体温计 体重秤 投影仪 打印机 硬盘 无人机 三脚架 游戏机 电视 冰箱 洗衣机 烤箱 热水器 净化器 缝纫机 茶壶 酒杯 碗 盘子 砧板 围裙 筷子 泳衣 睡衣 袜子 手套 领带 旗袍 汉服 雨衣 头盔 滑板 篮球 羽毛球拍 跑步机 按摩仪 指南针 露营灯 日历 钢笔 笔记本 望远镜 显微镜 象棋 风筝 项链 耳环 手链 戒指 眼镜 发夹 牙刷 牙膏 剃须刀 梳子 镜子 拖鞋 门锁 插座 车载支架 行车记录仪 坐垫 脚垫 月饼 粽子 苹果 橙子 牛奶 酸奶 面条 火锅底料 辣椒酱 橄榄油 绿茶 红茶 白酒 红酒".split()
_ZH_ADJECTIVES = "可拆卸 加厚 高清 不锈钢 实木 真皮 硅胶 玻璃 竹制 太阳能 数字 自动 智能 磁吸 折叠 可调节 防滑 防水 耐热 耐磨 加长 内置 双层 静音 深口 彩色 手绘 抛光 柔软 轻便 大号 小巧 隐藏式 一体式 环保 抗菌".split()
_ZH_NOUNS = "手柄 盖子 底座 肩带 口袋 内衬 电机 屏幕 传感器 电池 支架 挂钩 轮子 拉链 按键 扣子 鞋底 靠垫 滤网 喷头 刀片 托盘 抽屉 门锁 镜片 外壳 收纳袋 定时器 喇叭 接口 开关 灯光 刷头 座椅 边框 花纹 涂层 包装 面板 机身".split()


def _chinese_property(rng):
    n = rng.choice([2, 3, 5, 6, 8, 10, 12, 15, 20, 24, 30, 48, 50, 60, 100, 500])
    return rng.choice([rng.choice(_ZH_ADJECTIVES) + rng.choice(_ZH_NOUNS)] * 8 + [f"{n}小时续航", f"{n}升容量", f"{n}瓦功率", f"{n}件套", f"{n}年质保", f"{n}厘米"])


_ZH_BRANDS = "安佳乐优美雅诗丽悦纯品森林云朵星河蓝海风尚百分子衣初禾木语晨光宝贝小鹿青竹月白原野麦田知味极客"
_ZH_CLOSINGS = ["无论上班还是出游都很合适。", "送人自用都是不错的选择。", "喜欢的朋友不要错过。", "让生活更加便捷舒适。", "细节之处尽显品质。", "日常使用非常方便。", "带给你满满的幸福感。"]
_ZH_CLOTHES_CLOSINGS = ["日常搭配非常方便，尽显时尚气质。", "搭配小白鞋就很好看，时髦又减龄。", "上身效果满分，回头率超高。", "四季都可以穿，百搭实用。", "轻松穿出好身材。"]


# The 3755 common characters of GB 2312's first level: so that the model learns to copy characters it seldom sees.
_ZH_COMMON = "".join(bytes([high, low]).decode("gb2312") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF) if (high, low) <= (0xD7, 0xF9))


def _brand_zh(rng):
    return "".join(rng.sample(rng.choice([_ZH_BRANDS, _ZH_COMMON]), rng.choice([2, 2, 3])))


def _sentence_zh(rng, key, values):
    ending = next((end for end in (key, key[-2:], key[-1:]) if end in _ZH_SENTENCES), None)
    listed = rng.choice(["、", "、", "与", "又"]).join(values) if len(values) == 2 else "、".join(values)
    return rng.choice(_ZH_SENTENCES[ending] if ending and rng.random() < 0.9 else _ZH_ANY).format(v=listed)


def chinese_clothes_text(rng, attributes):
    """A text that names every value of [(key, value)], in their order but for the type, the brand, and now and then one
    colour, style or material, which open it. Neighbours with one key share a sentence."""
    kind = next((v for k, v in attributes if k == "类型"), None)
    # 裙 + 连衣裙: the longer word names both.
    name = next((v for k, v in attributes if kind and kind in v and k != "类型" and v.endswith(kind)), kind) or rng.choice(["单品", "好物"])
    brand = next((v for k, v in attributes if k == "品牌"), None)
    leads = [v for k, v in attributes if k in ("颜色", "风格", "材质")]
    lead = rng.choice(leads) if leads and rng.random() < 0.4 else None
    opened = {kind, name, brand, lead}
    groups = []
    for key, value in attributes:
        if value not in opened:
            if groups and groups[-1][0] == key:
                groups[-1][1].append(value)
            else:
                groups.append((key, [value]))
    described = (f"{lead}的" if lead else "") + {"裤": "裤子", "裙": "裙子"}.get(name, name)
    measure = "条" if "裤" in name or "裙" in name else "件"
    if brand:
        text = rng.choice([f"来自{brand}的{described}", f"{brand}的这款{described}", f"{brand}，带来这{measure}{described}"])
    else:
        text = rng.choice([f"这{measure}{described}", f"这款{described}", f"一{measure}{described}"])
    text += rng.choice(["，是衣橱里的必备单品。", "，时尚又百搭。", "，设计感十足。", "，舒适又好看。", "，怎么搭配都好看。"])
    apart = len(groups) if len(groups) < 4 or rng.random() < 0.4 else rng.randint(1, len(groups) - 2)
    text += "".join(_sentence_zh(rng, key, values) for key, values in groups[:apart])
    rest = [v for _, values in groups[apart:] for v in values]
    if rest:
        text += rng.choice(["细节上有{v}，处处用心。", "{v}，每一处都用心。", "还有{v}，设计感十足。", "加上{v}，更显时尚。"]).format(v="、".join(rest))
    return text + (rng.choice(_ZH_CLOTHES_CLOSINGS) if rng.random() < 0.25 else "")


def _chinese_clothes(rng):
    kind = rng.choice(_ZH_CLOTHES["类型"])
    possible = sorted(set(_ZH_CLOTHES) - {"类型"})
    if kind != "连衣裙" and ("裤" in kind or "裙" in kind):
        possible = [k for k in possible if k not in ("领型", "袖型")]
    attributes = [(k, rng.choice(_ZH_CLOTHES[k])) for k in rng.sample(possible, rng.choice([1, 2, 3, 3, 4, 4, 5, 6]))]
    if rng.random() < 0.15:
        attributes.append((rng.choice(["特点", "卖点", "功能"]), _chinese_property(rng)))
    if rng.random() < 0.3:
        attributes.insert(rng.choice([0, 0, len(attributes)]), ("品牌", _brand_zh(rng)))
    if rng.random() < 0.1:
        attributes = attributes + [("类型", kind)]
    else:
        attributes = [("类型", kind)] + attributes
    attributes = list({v: (k, v) for k, v in reversed(attributes)}.values())[::-1]  # 蕾丝 is a pattern and a material
    return attributes, chinese_clothes_text(rng, attributes)


def _chinese_goods(rng):
    kinds, features = rng.choice(_ZH_GOODS)
    chosen = rng.sample(features, rng.choice([1, 2, 2, 3, 3, 4, 5]))
    kind = rng.choice(kinds)
    if rng.random() < 0.4:
        kind = rng.choice(_ZH_MORE_TYPES)
        chosen = list(dict.fromkeys(_chinese_property(rng) for _ in chosen))
    if rng.random() < 0.2:
        chosen = list(dict.fromkeys(_nonsense(rng, "zh") for _ in chosen))
    brand = _brand_zh(rng) if rng.random() < 0.5 else None
    color = rng.choice(_ZH_CLOTHES["颜色"]) if rng.random() < 0.4 else None
    described = (f"{color}" if color else "") + kind
    if brand:
        text = rng.choice([f"{brand}{described}，", f"来自{brand}的{described}，", f"这款{brand}{described}，"])
    else:
        text = rng.choice([f"这款{described}，", f"一款实用的{described}，", f"为您推荐这款{described}，"])
    if rng.random() < 0.5:
        text += rng.choice(["品质出众，值得信赖。", "设计精美，做工细致。", "外观时尚，使用方便。", "性价比高，深受喜爱。"])
    if len(chosen) == 1:
        text += rng.choice([f"特点是{chosen[0]}，用起来很放心。", f"{chosen[0]}，体验非常好。"])
    else:
        listed = "、".join(chosen[:-1]) + rng.choice(["和", "以及", "、"]) + chosen[-1]
        text += rng.choice([f"具有{listed}等特点，满足您的日常需求。", f"主打{listed}，使用体验非常好。", f"拥有{listed}，贴心又实用。", f"{listed}，每一处都用心。"])
    if rng.random() < 0.3:
        text += rng.choice(_ZH_CLOSINGS)
    head = [("类型", kind), ("品牌", brand), ("颜色", color)]
    if rng.random() < 0.4:
        rng.shuffle(head)
    return [(k, v) for k, v in head + [(rng.choice(["特点", "功能", "卖点"]), f) for f in chosen] if v], text


def chinese(rng):
    """([(key, value)], copy)"""
    return _chinese_clothes(rng) if rng.random() < 0.45 else _chinese_goods(rng)
