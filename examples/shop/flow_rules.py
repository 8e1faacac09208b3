"""What is recognised by its words, before any model: what the shop has to refuse, to hand over at once, or must not mistake.

Latin words match at word boundaries, Chinese ones anywhere; patterns are PCRE2 over the folded text (lower case, half width).
"""


def words(flow, en, zh, **more):
    return {"words": {"en": en, "zh": zh}, "flow": flow, **more}


def pattern(flow, *parts, **more):
    """One pattern: the alternatives in turn."""
    return {"pattern": "|".join(parts), "flow": flow, **more}


BODY = r"(hands?|face|fingers?|thumb|arms?|legs?|foot|feet|skin|eyes?|mouth|lips?|child|kids?|son|daughter|baby|boy|girl|dog|cat)"
PERSON = r"(i|we|he|she|my (son|daughter|child|kid|baby|wife|husband|mother|father|mum|mom|dad|friend|boy|girl))"
DISEASES = (r"(cancer|diabetes|depression|eczema|acne|insomnia|asthma|arthritis|pain|backache|headaches?|migraine|flu|cold|covid|fever|infections?|"
            r"allerg(y|ies)|diseases?|blood pressure|anxiety|psoriasis)")
# A general question, without an order number: it is answered, nothing is begun.
HOW = r"^(?!.*\d{6})(?=.*\b(how|what|who|when|where|which|do you|does|is it|is there|do i|am i)\b)"
MAY = r"^(?!.*\d{6})(?=.*\b(how|what|who|when|where|which|do you|does|is it|is there|do i|am i|can i|may i|could i|possible|allowed)\b)"
HOW_ZH = r"^(?!.*\d{6})(?=.*(怎么|如何|谁|多少|几天|多久|哪里|什么|哪些|需要|免费|咋))"
MAY_ZH = r"^(?!.*\d{6})(?=.*(怎么|如何|谁|多少|几天|多久|哪里|什么|哪些|需要|免费|咋|吗|嘛|不\W*$|么\W*$|能不能|可不可以))"
CUSTOMERS = r"(customers?|clients?|persons?|users?|people|buyers?)('s|s')?"
RELATIONS = r"(neighbou?r|ex|wife|husband|girlfriend|boyfriend|colleague|boss|friend|mother|father|sister|brother)"

RULES = [
    # Danger first.
    words("crisis", ["kill myself", "suicide", "suicidal", "end my life", "want to die", "hurt myself", "self-harm", "don't want to live"],
          ["自杀", "不想活", "轻生", "想死", "活不下去", "自残"], always=True),
    pattern("injury", rf"\b(burn(ed|t|s)?|injured?|scald(ed)?|cut|hurt|shocked) (my|his|her|our|the) (\w+ )?{BODY}\b",
            rf"\b{PERSON}\b.{{0,30}}\b(got|was|were|am|is|are|been|have|has|had)\b.{{0,15}}\b(burned|burnt|injured|scalded|electrocuted|poisoned|bleeding)\b",
            r"\b(caught fire|on fire|exploded|explodes|electric(al)? shock|electrocuted|swallowed|chok(ed|ing) on|in (the )?hospital|"
            r"(is|are|started) smoking|smoke came|allergic reaction)\b",
            r"烫伤|烧伤|割伤|划伤了?(手|脸|我|孩子|宝宝)|受伤|流血|触电|电到|漏电|着火|起火|冒烟|爆炸|(?<![气态])炸了|住院|中毒|呛到|卡住喉咙|误吞|(?<!会)吞下|吞了|误食|误服|吃下去|吃进去|喝下去|切到手|止不住血|血止不住|"
            r"送医院|送急诊|去了?医院|缝了", always=True),
    words("legal", ["lawyer", "sue you", "sue your", "my attorney", "in court", "to court", "legal action", "consumer protection", "file a lawsuit"],
          ["律师", "起诉", "告你们", "法院", "上法庭", "消费者协会", "消协", "12315", "工商局", "市场监督", "打官司"], always=True),
    # What nobody gets here.
    pattern("refuse", r"\b(guns?|pistols?|rifles?|shotguns?|revolvers?|ammo|ammunition|bullets?(?! journal)|grenades?|(?<!bath )bombs?|explosives?|tasers?|"
                      r"pepper spray|silencers?|cocaine|heroin|meth|lsd|ecstasy|weed|marijuana|cannabis|opium|fentanyl|mdma|ketamine|drugs|vapes?|"
                      r"cigarettes?|tobacco|fake (ids?|passports?|invoices?|money)|counterfeit|fireworks?|viagra|sleeping pills|antibiotics?|steroids|"
                      r"poison|porn|sex|escorts?|malware|ddos|gambling|casino)\b",
            r"\b(how (to|do i|can i)|help me|teach me to) (hack|spy on|stalk|hurt|kill|steal|launder)\b",
            r"(?<![水喷胶膜具钉射焊])枪|子弹(?!头)|弹药|手榴弹|炸弹|炸药|雷管|毒品|大麻|冰毒|海洛因|可卡因|摇头丸|迷药|迷魂|假证|假护照|假钞|假发票|"
            r"电子烟|香烟|卖烟|买烟|烟花|鞭炮|伟哥|安眠药|抗生素|处方药|毒药|砒霜|色情|黄片|约炮|卖淫|嫖|黑客|盗号|木马病毒|管制刀具|赌博|赌场|洗钱"),
    pattern("refuse", r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instructions?|rules?|prompts?|polic(y|ies)|guidelines)\b|system prompt|"
                      r"\b(you are now|pretend (to be|you are|you're|that you)|act as (if|an? |my |the )|jailbreak|developer mode|dan mode|do anything now)\b|"
                      r"\byour (initial |hidden |secret |original )?(instructions|prompt)\b|drop table|select \* from|<script|</?(user|assistant|system|bot)>|\b(system|assistant):",
            r"(忽略|无视|忘记|忘掉|绕过|跳过).{0,12}(指令|规则|设定|提示|限制|政策)|系统提示|提示词|开发者模式|你现在是|假装(你|自己)?是|(你|请)(来|要)?扮演|"
            r"(管理员|数据库|后台|系统).{0,4}(密码|权限|口令)", r"\b(admin|root|database)( \w+)? (password|access|rights)\b"),
    pattern("others_data", rf"(?<!this is )(?<!i got )(?<!received )(?<!me )\b(another|other|some other|a different|all|every|which) (of your )?{CUSTOMERS}\b.{{0,40}}\b(orders?|ordered|address(es)?|phones?|numbers?|data|e-?mails?|"
                           rf"names?|bought|buy)\b|\b(address|phone( number)?|e-?mail|orders?|data|names?) of (another|other|some|all|your|a) {CUSTOMERS}\b",
            r"\b(show|tell|give|look up|what) .{0,30}\b(someone|somebody) else('s)?\b.{0,20}\b(orders?|address|phone|data|account)\b",
            rf"\b(my|his|her) {RELATIONS}('s)? (orders?|purchases|phone number)\b|\bwhat (did|has) (my|his|her) {RELATIONS} (bought|buy|ordered?)\b",
            r"(别人|其他人|他人|(其他|别的|另一个|某个)(顾客|客户|用户|买家))的?.{0,6}(订单|电话|手机号|资料|购买记录|买了什么)|(所有|全部)(顾客|客户|用户)的?|"
            r"(我|他|她)(邻居|前任|前男友|前女友|老公|老婆|男朋友|女朋友|同事|老板|朋友)的?(订单|手机号|买了什么|买过什么|购买记录)"),
    pattern("others_data", r"\bwhat('s| is) (?!your|the|my|this|that|a )[\w' -]{2,40}'s? (home |private |street )?(address|phone number|number|e-?mail)\b|"
                           r"\b(where does|does) [\w ]{2,30} live\b", r"(?<![我过填])住在?(哪里|哪儿|什么地方)"),
    pattern("fraud", r"\b(somebody|someone|a (man|woman|person|caller)|a call|an e-?mail|a text|sms|they|your (staff|colleague|agent))\b.{0,60}\b(asked|asks|asking|wants?|wanted)\b"
                     r".{0,30}\b(password|code|card number|pin|cvv)\b", r"(有人|自称|接到电话|收到短信|客服).{0,20}(问我要|索要|要我|让我|跟我要).{0,8}(密码|验证码|卡号|银行卡)"),
    # Health: no advice, whatever the product.
    pattern("medical", rf"\b(cures?|heals?|treats?|helps? (against|with)|good (against|for)|relieves?|prevents?)\b.{{0,30}}\b{DISEASES}\b",
            r"\b(which|what) (medicine|medication|pills?|drug|dose|vitamins?|painkillers?|ointment)\b",
            r"\b(eczema|psoriasis|asthma|diabetes|cancer|depression|epilepsy|migraine)\b",
            r"\b(pregnant|pregnancy|breastfeeding|pacemaker|diabetic|epileptic|heart condition)\b",
            r"\b(i have|i've got|i feel|suffering from|my \w+ (has|is having))\b.{0,20}\b(fever|headache|migraine|rash|chest pain|stomach ache|flu|cough|dizzy|"
            r"diabetes|cancer|depression|eczema|toothache)\b",
            r"(治|治疗|治好|缓解|预防|改善|能治).{0,6}(癌|糖尿病|抑郁|湿疹|痘|失眠|哮喘|关节炎|疼|痛|感冒|新冠|发烧|炎|过敏|高血压|病)|(吃|用|开)(点|些)?什么药|"
            r"吃几片|湿疹|糖尿病|癌症|抑郁症|哮喘|孕妇|怀孕|哺乳期|备孕|(我|他|她|孩子|宝宝|老公|老婆|妈|爸).{0,4}(发烧|头疼|头痛|胸口疼|胸痛|起疹子|头晕|咳嗽|肚子疼|肚子痛|牙疼|抑郁|过敏了|"
            r"有糖尿病|有高血压)"),
    pattern("refuse", r"\bwhat (would|will|could)? ?happens? if (i|you|we|my \w+) .{0,30}\b(microwave|oven|fire|water|bath|mix|swallow|eat|drink|burn|heat|plug|overcharge)\w*\b",
            r"(放|扔|丢)(进|到|在)?(微波炉|烤箱|火里|水里).{0,8}(会怎|会不会|爆|行吗|可以吗|怎么样)"),
    # Other shops.
    pattern("other_shop", r"\b(amazon|taobao|tmall|jd|jd\.com|ebay|aliexpress|temu|shein|walmart|ikea|pinduoduo|etsy|zalando|costco|alibaba)\b",
            r"淘宝|天猫|京东(?!快递|物流)|拼多多|亚马逊|抖音|唯品会|苏宁|美团|饿了么|闲鱼|宜家|沃尔玛|盒马|希音"),
    pattern("haggling", r"\b(can|could|will) (you|i) .{0,20}\b(cheaper|better price|special price|discount me)\b|\blower (the|your) price\b|\bknock .{0,15} off\b|\bhaggle\b",
            r"便宜(点|一点|些)|少(点|一点)(钱|吧|行|可以|能)|抹个?零|讲(个)?价|再优惠(点|些)|打个折"),
    # Questions about how it is done.
    pattern("about_exchanges", HOW + r".*\b(exchange|exchanges|swap)\b", HOW_ZH + r".*(换货|换尺码|换颜色)"),
    pattern("about_returns", MAY + r"(?!.*\b(refund|money)\b).*\b(returns?|returning|send(ing)? (it |them |this |things |something )?back)\b(?! (label|address) for order)",
            MAY_ZH + r"(?!.*(退款|到账|钱.{0,4}(没|到|退))).*(退货|退换|寄回|能退(?!款)|可以退(?!款)|给退(?!款)|好退)"),
    pattern("about_cancelling", HOW + r".*\bcancel(l?ed|l?ing|s|lation)?\b", HOW_ZH + r".*取消(?!.*(了吗|了没))"),
    pattern("about_addresses", HOW + r".*\b(change|correct|update|edit|enter|add|save)\b.*\baddress(es)?\b", HOW_ZH + r".*(改|填|加|存|设).{0,6}地址"),
    pattern("about_invoices", HOW + r".*\b(invoices?|receipts?|fapiao)\b", HOW_ZH + r".*(发票|专票|抬头)"),
    # Pictures that say it all.
    pattern("payment", r"^\W*💳.*(❌|🚫|😡|不|won|fail|not|doesn)"),
    pattern("gift", r"^[\W]*(🎁|🎀)"),
    pattern("order_status", r"^\W*(📦|🚚|🚛)"),
    pattern("insult", r"^[\s!！]*(😡|🤬|😠|💩|🖕)[\s!！😡🤬😠💩🖕]*$"),
    pattern("greeting", r"^\s*(👋|🙋|😊|🙂)\s*[👋🙋😊🙂]*\s*$"),
    pattern("thanks", r"^\s*(👍|🙏|❤️|💕|😘)\s*[👍🙏❤💕😘]*\s*$"),
    # Short commands.
    {"words": {"en": ["agent", "human", "operator", "representative", "real person", "live agent", "talk to a human", "speak to a human", "human please",
                      "live person", "person"],
               "zh": ["人工", "转人工", "人工客服", "真人", "转接人工", "人工服务", "找人工"]}, "flow": "human", "always": True, "whole": True},
    {"words": {"en": ["recommend something", "recommend me something", "any recommendations", "what do you recommend", "recommendations", "suggest something"],
               "zh": ["推荐", "推荐一下", "有什么推荐", "推荐点东西", "有什么推荐吗", "推荐点什么"]}, "flow": "recommend_to_me", "whole": True},
]
