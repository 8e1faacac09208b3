"""What is recognised by its words, before any model: what the shop has to refuse, to hand over at once, or must not mistake.

Latin words match at word boundaries, Chinese ones anywhere; patterns are PCRE2 over the folded text (lower case, half width).
"""
from flow_topics import NOTHING_DONE, certain_rules, return_rules, topic_rules


def words(flow, en, zh, **more):
    return {"words": {"en": en, "zh": zh}, "flow": flow, **more}


MOST_BYTES = 4000  # of a pattern, as flows.json has them


def pattern(flow, *parts, **more):
    """The alternatives in turn; rules() makes one pattern of them, or several where they are too long for one."""
    return {"pattern": parts, "flow": flow, **more}


def rules(made):
    """The rules as flows.json has them."""
    for rule in made:
        parts = rule.get("pattern", "")
        if isinstance(parts, str):
            yield rule
            continue
        joined = ""
        for part in parts:
            if joined and len((joined + "|" + part).encode()) > MOST_BYTES:
                yield {**rule, "pattern": joined}
                joined = ""
            joined += "|" * bool(joined) + part
        yield {**rule, "pattern": joined}


BODY = r"(hands?|face|fingers?|thumb|arms?|legs?|foot|feet|skin|eyes?|mouth|lips?|child|kids?|son|daughter|baby|boy|girl|dog|cat)"
PERSON = r"(i|we|he|she|my (son|daughter|child|kid|baby|wife|husband|mother|father|mum|mom|dad|friend|boy|girl))"
DISEASES = (r"(cancer|diabetes|depression|eczema|acne|insomnia|asthma|arthritis|pain|backache|headaches?|migraine|flu|covid|fever|infections?|"
            r"allerg(y|ies)|diseases?|blood pressure|anxiety|psoriasis)")
# A general question, without an order number: it is answered, nothing is begun.
HOW = r"^(?!.*\d{6})(?=.*\b(how|what|who|when|where|which|do you|does|is it|is there|do i|am i)\b)"
MAY = r"^(?!.*\d{6})(?=.*\b(how|what|who|when|where|which|do you|does|is it|is there|do i|am i|can i|may i|could i|possible|allowed)\b)"
HOW_ZH = r"^(?!.*\d{6})(?=.*(怎么|如何|谁|多少|几天|多久|哪里|什么|哪些|需要|免费|咋))"
MAY_ZH = r"^(?!.*\d{6})(?=.*(怎么|如何|谁|多少|几天|多久|哪里|什么|哪些|需要|免费|咋|吗|嘛|伐|(不|么)[\s,.!?~。]*$|能不能|可不可以))"
GAP = r"[\s,.!?~:;。、…-]*"   # \W would be Han characters, too
CUSTOMERS = r"(customers?|clients?|persons?|users?|people|buyers?)('s|s')?"
RELATIONS = r"(neighbou?r|ex|wife|husband|hubby|missus|mum|mom|dad|son|daughter|partner|fianc\w+|room-?mate|flat-?mate|cousin|uncle|aunt|gran\w*|nan|mate|bf|gf|girlfriend|boyfriend|colleague|boss|friend|mother|father|sister|brother)"

RULES = list(rules([
    # Danger first.
    pattern("crisis", r"\b(kill(ing)? myself|end my life|suicidal|commit suicide|hurt myself|harm myself|self-harm|(don'?t|do not) want to (live|be alive)|want to die)\b(?! (of|from|laughing))",
            r"自杀|不想活|轻生|(?<!笑)想死(?!你|我了|它)|活不下去|自残", always=True),
    pattern("injury", r"\b(power ?bank|battery|charger|phone|lamp|kettle|headphones|earphones|speaker|humidifier|plug|cable|watch|it)\b.{0,24}\b(is|are|gets?|got|getting|went|looks?|became|has)\b.{0,12}\b(super hot|too hot|very hot|so hot|red hot|burning hot|really hot|boiling hot|bulg\w+|swollen|swelling|bloated|smells? (of |like )?burn\w*|burning smell|sparking|hissing)\b",
            r"🔋.{0,2}(💥|🔥)|(💥|🔥).{0,2}🔋|(充电宝|电池|充电器|手机|耳机|水壶|壶|灯|电器|插头|手表|加湿器|音箱).{0,10}(鼓包|鼓起|膨胀|发烫|烫(得|手|死)|很烫|太烫|烧焦|滋滋响|打火花)",
            rf"\b(burn(ed|t|s)?|injured?|scald(ed)?|cut|hurt|shocked|bruised|broke|twisted|sprained|sliced|pinched|crushed) (my|his|her|our|their) (\w+ )?{BODY}\b",
            rf"\b(my|his|her|our|their) (\w+ )?{BODY}('s| is| are| was| were| got| has| have)? (all |badly |really |now |been |a bit )*(burn(ed|t|ing|s)?|bleed(s|ing)?|bled|blister\w*|swollen|swelled|cut|hurt(s|ing)?|injured|peel(s|ing|ed)|broken|sore|red and|bruised)\b",
            rf"\b{PERSON}\b.{{0,20}}\b(got|was|were|been|is|am) (badly |seriously |really )?(hurt|injured|cut|wounded|shocked|burnt|knocked (out|down))\b",
            rf"\b(fell|tipped|toppled|dropped|landed|collapsed|came down|falling|tipping) (over )?(on|onto|under) (me|us|him|her|my (\w+ )?({BODY}|wife|husband|mum|mom|dad|mother|father|gran\w*))\b",
            r"\b(needed|need|got|had|has|with) (\w+ )?(stitches|surgery|a (plaster )?cast|an x-?ray)\b|\bblister(s|ed|ing)\b(?! (pack|plaster))|\b(medical|hospital|doctor'?s?|dentist'?s?) (bills?|costs?|expenses|fees?)\b|\b(a|the) (trip|visit) to (the )?(a ?& ?e|er|hospital)\b",
            r"(医药费|医疗费|看病(的)?钱|住院费|误工费|伤残)|(脸|皮肤|手|头皮|嘴(唇)?|眼睛?|脖子|身上|胳膊|腿)(都|全|就|也|上)?.{0,2}(烂|过敏|红肿|刺痛|脱皮|起(了)?(疹|泡|红|包|痘)|发炎|溃烂|灼|烧|烫|毁|破相|肿|划|割|砸|夹)(?!.{0,4}(机|包))",
            r"(用|穿|喝|吃|戴|睡|闻|涂|擦|抹|敷)(了|过|完|着|上)?(之后|以后|后|就|都|一直|一晚|几次|两天)?[^，。！？,.!?]{0,6}(头晕|恶心|想吐|过敏|起疹|红肿|刺痛|脱皮|烂脸|起泡|呕吐|拉肚子|腹泻|肚子疼|发烧|肿了|发麻|晕倒|窒息)",
            r"(砸|压|夹|摔|扎|刮|绊|撞|磕)(到|伤|破|了)(我|他|她|孩子|宝宝|娃|老人|我妈|我爸|脚|手|头|脸|腿|腰)|(砸|压|夹|摔|扎|刮|绊|磕)伤|骨折|脑震荡|破相|毁容",
            rf"\b{PERSON}\b.{{0,30}}\b(got|was|were|am|is|are|been|have|has|had)\b.{{0,15}}\b(burned|burnt|injured|scalded|electrocuted|poisoned|bleeding)\b",
            rf"\b{PERSON}\b.{{0,12}}\b(ate|eaten|drank|drunk|swallowed|inhaled|licked)\b.{{0,20}}\b(batter(y|ies)|buttons?|magnets?|coins?|beads?|screws?|glass|plastic|soap|detergent|cleaner|bleach|shampoo|cream|lotion|"
            r"perfume|polish|candle|wax|glue|paint|oil|bath|pods?|tablets?|parts?|piece of)\b",
            r"\b(caught fire|(is|was|went|set) on fire|(battery|charger|bank|phone|lamp|kettle|it) (exploded|explodes|blew up)|electric(al)? shock|electrocuted|"
            r"swallowed (some|a|the|it|one)|chok(ed|ing) on|(ended up|sent|went|taken|rushed) (in|to) (the )?hospital|(is|are|started) smoking|smoke (came|comes|coming|rising)|there'?s smoke|there (is|was) smoke|allergic reaction|melt(ed|ing)|scorched|charred|sparks? (came|flew)|burn(ed|t|ing) (a hole|(my|our|the) (table|desk|carpet|floor|bed|sofa|sheets?)))\b(?! deals?)",
            r"烫伤|烧伤|割伤|划伤了?(手|脸|我|孩子|宝宝)|受伤(?!的总)|流血(?!价|大)|触电|电到|漏电|着火|起火|冒烟|爆炸(?!头|性|好|款)|(充电宝|电池|手机|壶|灯|电器).{0,6}炸|(?<!脑)(?<!机)中毒|呛到|卡住喉咙|误吞|(?<!会)吞下|吞了|误食|误服|吃下去|吃进去|喝下去|切到手|止不住血|血止不住|"
            r"融化|熔化|烧(焦|坏|穿|着|起来)|把.{1,6}烧|焦味|冒火(花)?|送急诊|(进|住|去)了?(医院|急诊)|缝了", always=True),
    pattern("legal", r"\b(my|our|the) (lawyer|attorney|solicitor)s?\b.*\b(will|is|has|contact\w*|call\w*|writ\w*|letter|hear)\b|\bhear from (my|our) (lawyer|attorney)|\b(call|get|hire|ask) (a|my) (lawyer|attorney)\b|"
                     r"\b(under|according to|against|by) (the )?((eu|european|uk|us|german|chinese|consumer|local|your|my) )?laws?\b|\blegally (entitled|obliged|binding)\b|\b(what|which|does|do|is|are|there|a)\b.{0,16}\b(consumer |warranty |trade |e-?commerce )?laws?\b.{0,12}\b(say|says|require|requires|allow|allows|about|on|against|for|demand|demands)\b|\bis (it|this|that) (even )?(il)?legal\b|\b(legal|statutory) rights?\b|"
                     r"\b(i'?ll|i will|can i|could i|going to|gonna) sue\b|\bsue (you|your|the shop)\b|\b(see you|take you|go) (in|to) court\b|\blegal action\b|\bconsumer (protection|rights|court)\b|\blawsuit\b",
            r"(消费者)?权益(保护)?法|法律(上)?(怎么|有没有|是怎么|规定|允许)|(违法|犯法|合法)(吗|么|吧|的吧)|(找|请|叫|联系|问)(我的)?律师|律师(函|信)|起诉|告(你们|上法庭)|上法(院|庭)|法院见|消费者协会|消协|(?<!\d)12315(?!\d)|工商局|市场监督|打官司", always=True),
    # What nobody gets here.
    pattern("refuse", r"\b((?<!glue )(?<!massage )(?<!heat )(?<!nerf )(?<!toy )(?<!water )(?<!top )(?<!the )guns?|pistols?|rifles?|shotguns?|revolvers?|ammo|ammunition|bullets?(?! journal)|grenades?|(?<!bath )bombs?|explosives?|tasers?|"
                      r"pepper spray|knuckle ?-?dusters?|brass knuckles|stun guns?|nunchucks?|silencers?|cocaine|heroin|meth|lsd|ecstasy|weed|marijuana|cannabis|opium|fentanyl|mdma|ketamine|drugs|vapes?|"
                      r"cigarettes?|tobacco|fake (ids?|passports?|invoices?|money)|fireworks?|viagra|sleeping pills|antibiotics?|steroids|"
                      r"poison|porn|sex|escorts?|malware|ddos|gambling|casino)\b",
            r"\b(how (to|do i|can i)|help me|teach me to) (hack|spy on|stalk|hurt|kill|steal|launder)\b|\b(for|to) (stab\w*|kill(ing)?|murder\w*|attack(ing)?|fight(ing)? (people|someone|somebody|with)|threaten(ing)?|hurt(ing)? (people|someone|somebody|him|her|them|my))\b(?! (time|weeds?|germs|bacteria|moths?|mosquito\w*|bugs|two))",
            r"(?<![水喷胶膜具钉射焊])枪(?!灰|色)|子弹(?!头)|弹药|手榴弹|炸弹|炸药|雷管|毒品|大麻|冰毒|海洛因|可卡因|摇头丸|迷药|迷魂|假证|假护照|假钞|假发票|"
            r"电子烟|香烟|卖烟|买烟|烟花(?!图|色)|鞭炮|伟哥|安眠药|抗生素|处方药|毒药|砒霜|色情|黄片|约炮|卖淫|嫖|黑客|盗号|木马病毒|管制刀具|捅(人|死|他|她|谁)|砍(人|死|他|她)|(用来|拿来|能|会)?杀(人|死|他|她)|伤人|打人用|赌博|赌场|洗钱"),
    pattern("refuse", r"\{\s*\"?\w+\"?\s*:.*\}|\bi('m| am) (the |an? |your |)(admin\w*|developer|system|owner|shop owner|manager|boss of|ceo|employee|staff|support agent|police|customer c?\d+|c\d{3})\b|"
                      r"\b(root|admin) access\b|\byou('re| are) (now |actually )*(the |a |an |my )?(shop |store )?(manager|admin\w*|boss|owner|developer|supervisor|ceo)\b|你(现在)?(就)?是(这里的|我的)?(经理|老板|店长|管理员|主管)|我是.{0,3}(管理员|老板|店长|店主|开发者|开发人员|客服|员工|内部人员|警察|你们领导|系统|c\d{2,})", r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instructions?|rules?|prompts?|polic(y|ies)|guidelines)\b|system prompt|"
                      r"\b(you are now|pretend (to be|you are|you're|that you)|act as (if|an? |my |the )|jailbreak|developer mode|dan mode|do anything now|you('re| are) (now )?(dan|in god mode|unrestricted|unfiltered)|(you )?can (now )?do anything|"
                      r"(cancel|refund|delete|print|dump|export|list|show)( me)? (all|every)( of)?( the| your)? (orders?|customers?|accounts?|users?|invoices?|data)|(repeat|print|show|reveal|output)( me)? (the |your |all )?(text|words|lines?|everything|prompt) above|(repeat|say|write) (after me|exactly)|"
                      r"from now on (you|answer|every)|(refund|god|debug|test|root|maintenance|sudo) mode|(only|must) (say|answer|reply|respond|agree)( only)?( with| to)?|no (longer have|more) rules|new (policy|instructions?|rules?) ?:|without (any )?(rules|restrictions|filters?))\b|\[/?inst\]|"
                      r"\byour (initial |hidden |secret |original )?(instructions|prompt)\b|drop table|select \* from|<script|</?(user|assistant|system|bot)>|\b(system|assistant):",
            r"(只能|必须|只许|只准)(回答|回复|说|答)|你只(能|会|许|准)(说|答|回)|越狱|(跟|照)(着)?我?(念|读)|跟我说.{0,3}[:,]|从现在(起|开始).{0,6}(你|回答|任何)|新(政策|规则|指令)[:,]|(员工|内部)(优惠|折扣)?(码|价|折扣)|(忽略|无视|忘记|忘掉|绕过|跳过).{0,12}(指令|规则|设定|提示|限制|政策)|系统提示|提示词|开发者模式|你现在是|假装(你|自己)?是|(你|请)(来|要)?扮演|"
            r"(管理员|数据库|后台|系统).{0,4}(密码|权限|口令)", r"\b(admin|root|database)( \w+)? (password|access|rights)\b"),
    pattern("others_data", r"\b(customer|person|buyer|client|guy|lady|visitor|one) (who (was|came) )?(before|ahead of|next to|after) me\b|\b(previous|last) (customer|buyer|client|visitor)('s|s)?\b|"
                           r"\b(give|send|tell|show) me .{0,30}('s|s') (phone|number|address|e-?mail|orders?|data|card)\b|\b(phone number|number|address|e-?mail) of (mr|mrs|ms|miss|dr|[a-z]+ [a-z]+, (he|she|they))\b",
            r"(上|前)(一|面)?(一)?(个|位|那个|那位)(客户|顾客|买家|用户|客人)|(刚才|旁边)(那个|那位)(客户|顾客|人)|把.{2,8}的(电话|手机号?|地址|住址|邮箱|订单|号码)(给|告诉|发)"),
    pattern("others_data", rf"\b(phone( number)?|number|address|e-?mail|name|orders?|details|data) of (the|a|that|this|some|every|all( the)?|any) (other |last )?{CUSTOMERS}\b(?! service)",
            rf"^{GAP}(but |no |well |yes |and )?(it'?s|its|that'?s|thats|this is|it is|the order is|it was|i'?m asking for) (for )?(my|his|her) {RELATIONS}('?s|s') (order|one|parcel|account|purchase)\b|\b(my|his|her) {RELATIONS}('?s|s') (order|parcel|account|purchase|delivery|package)\b(?!.*\b(gift|present)\b)",
            rf"^{GAP}(是|这是|那是|帮)?我?(的)?(朋友|老婆|老公|对象|女朋友|男朋友|女友|男友|同事|室友|闺蜜|妈|妈妈|爸|爸爸|姐|姐姐|哥|哥哥|弟弟|妹妹|邻居|前任|前男友|前女友|儿子|女儿)(的|买的|下的单|的单子|的订单|的快递)(呀|啊|哦|嘛|呢)?{GAP}$",
            r"(所有|全部|今天|每个|其他).{0,4}(订单|顾客|客户|买家|用户|收货人|收件人).{0,6}(电话|手机|地址|姓名|名单|信息|资料|列出|导出|发我|给我)|(收货人|收件人|顾客|客户|买家|用户)的?(电话|手机号?|地址|姓名|名单)"),
    pattern("others_data", r"\bwho else (bought|ordered|has|owns|got)\b|\bwhere do (they|those people|the (others|buyers|customers)|other (people|buyers|customers)) live\b", r"还有谁(买|订)|(他们|那些人|别的(顾客|客户))住(在)?哪"),
    pattern("refuse", r"^[^a-z]*(please |pls |can you |could you )?translate\b|\b(say|write|repeat) (it|this|that) in (french|german|spanish|italian|japanese|russian|latin)\b", r"翻译(成|为|一下)|用(法|德|日|俄|西班牙|英)(语|文)(说|写)"),
    pattern("others_data", r"\b(customer|client|buyer|user)s?('s|s')? (home )?(addresses|phone numbers|telephone numbers|names|e-?mails|e-?mail addresses|passwords|card numbers|lists?)\b(?!.*\b(do you (keep|store|protect|sell|share)|my)\b)",
            r"\b(show|give|tell|send|list|print|read|look up|get)( me)?\b.{0,24}\b(orders|purchases|order history|home address|phone number|mobile number|e-?mail address) of "
            r"(?!(the|my|mine|me|us|this|that|last|all|these|those|an?|your|our|over|about|more|which|what|how|today|yesterday|customer|support|service|it)\b)[a-z]+ "
            r"(?!(and|or|to|in|on|at|for|with|from|please|pls|week|month|year|day|days)\b)[a-z]+\b"),
    pattern("others_data", r"\b(customer|account|user) (no\.? ?|number |id )?c?\d{2,}\b|(顾客|客户|用户|账号)c?\d{2,}"),
    pattern("others_data", rf"(?<!this is )(?<!i got )(?<!received )(?<!me )\b(another|other|some other|a different|all|every|which) (of your )?{CUSTOMERS}\b.{{0,40}}\b(orders?|ordered|address(es)?|phones?|numbers?|data|e-?mails?|"
                           rf"names?|bought|buy)\b|\b(address|phone( number)?|e-?mail|orders?|data|names?) of (your |the )?(another|other|some|all|your|a|previous|last) {CUSTOMERS}\b",
            r"\b(show|tell|give|look up|what) .{0,30}\b(someone|somebody) else('s)?\b.{0,20}\b(orders?|address|phone|data|account)\b",
            rf"\b(my|his|her) {RELATIONS}('s)? (orders?|purchases|phone number)\b|\bwhat (did|has) (my|his|her) {RELATIONS} (bought|buy|ordered?)\b",
            r"(别人|其他人|他人|(其他|别的|另一个|某个)(顾客|客户|用户|买家))的?.{0,6}(订单|电话|手机号|资料|购买记录|买了什么)|(所有|全部)(顾客|客户|用户)的?|"
            r"(我|他|她)(邻居|前任|前男友|前女友|老公|老婆|男朋友|女朋友|同事|老板|朋友)的?(订单|手机号|买了什么|买过什么|买了?(些)?啥|买的(啥|什么)|下了?什么单|购买记录)",
            r"\bon (his|her|their|somebody'?s|someone'?s|another) account\b"),
    pattern("others_data", r"\bwhat('s| is) (?!your|the|my|this|that|a )[\w' -]{2,40}'s? (home |private |street )?(address|phone number|number|e-?mail)\b|"
                           r"\b(where does|does) [\w ]{2,30} live\b", r"(?<![我过填])住在?(哪里|哪儿|什么地方)"),
    pattern("fraud", r"\b(somebody|someone|a (man|woman|person|caller)|a call|an e-?mail|a text|sms|they|your (staff|colleague|agent))\b.{0,60}\b(asked|asks|asking|wants?|wanted)\b"
                     r".{0,30}\b(password|code|card number|pin|cvv)\b", r"(有人|自称|接到电话|收到短信|客服).{0,20}(问我要|索要|要我|让我|跟我要).{0,8}(密码|验证码|短信码|卡号|银行卡)"),
    # Health: no advice, whatever the product.
    pattern("medical", rf"\b(cures?|heals?|treats?|helps? (against|with)|good (against|for)|relieves?|prevents?)\b.{{0,30}}\b{DISEASES}\b",
            r"\b(kidney|liver|heart|thyroid|lung|stomach) (disease|disorder|problems?|trouble|failure|condition)s?\b",
            r"\b(which|what) (medicine|medication|pills?|drug|dose|vitamins?|painkillers?|ointment)\b",
            r"\b(eczema|psoriasis|asthma|epilepsy|migraine)\b|\b(diabet\w+|cancer|depression)\b.*\b(use|take|drink|eat|safe|ok|help\w*|cure\w*)\b|\b(safe|use|take|drink|eat|ok)\b.*\b(diabet\w+|cancer)\b",
            r"\b(safe|can i|can she|can we|may i|should i|ok|okay|use|take|drink|eat)\b.*\b(pregnan\w+|breastfeeding|pacemaker|epileptic|heart condition)\b|"
            r"\b(pregnan\w+|breastfeeding|pacemaker|epileptic|heart condition)\b.*\b(safe|can|may|ok|okay|use|take|drink|eat)\b",
            r"\b(i have|i've got|i feel|suffering from|my \w+ (has|is having))\b.{0,20}\b(fever|headache|migraine|rash|chest pain|stomach ache|flu|cough|dizzy|"
            r"diabetes|cancer|depression|eczema|toothache)\b",
            r"(治|治疗|治好|缓解|预防|改善|能治).{0,6}(癌|糖尿病|抑郁|湿疹|痘|失眠|哮喘|关节炎|疼|痛|感冒|新冠|发烧|炎|过敏|高血压|病)|(吃|用|开)(点|些)?什么药|"
            r"坐月子|月子里|产后|(来|在)?(月经|例假|姨妈|生理期|经期).{0,10}(能|可以|行|喝|吃|用)|\b(swollen|swelling|rash(es)?|hives|itch(y|ing|es)?|blisters?|nause\w*|vomit\w*|dizz\w+|unconscious|can'?t breathe|trouble breathing|burning (eyes?|skin|sensation))\b|"
            r"\bwhat (should|can|do) (i|we|she|he) take\b(?! (on|to|back|with|for (a|the) (trip|picnic|hike)))|\b(lower|raise|help|good for|bad for)\b.{0,20}\b(blood pressure|cholesterol|blood sugar|heart|liver|kidneys?|digestion|sleep apn\w+)\b|"
            r"\b(tablets?|pills?|capsules?|vitamins?)\b.{0,20}\b(a day|per day|daily|safe|overdose|too many)\b|\b(overdose|side effects?)\b|"
            r"红肿|肿了|发肿|起(了)?(水)?泡(?!茶|面)|很痒|发痒|恶心想吐|呕吐|呼吸(困难|不了)|晕倒|昏迷|副作用|(降|升)(血)?(压|糖|脂)|牛皮癣|一天(吃)?几(片|粒)|(维生素|保健品).{0,8}(片|粒|安全|过量)|"
            r"吃几片|(止痛|感冒|退烧|消炎|降压|减肥|胃|避孕|壮阳|眼)药|药品|\b(painkillers?|ibuprofen|paracetamol|acetaminophen|aspirin|insulin|medication|antihistamines?|cough syrup|cold medicine)\b|(农药|重金属|致癌|得病|生病|伤身|中毒)(?!.{0,2}理赔)|\ballergic to\b|湿疹|糖尿病|癌症|抑郁症|哮喘|(孕妇|怀孕|哺乳期|备孕).{0,12}(能|可以|安全|用|喝|吃|行)|(能|可以|安全).{0,8}(孕妇|怀孕|哺乳期)|(我|他|她|孩子|宝宝|老公|老婆|妈|爸).{0,4}(发烧|头疼|头痛|胸口疼|胸痛|起疹子|头晕|咳嗽|肚子疼|肚子痛|牙疼|抑郁|过敏了|"
            r"有糖尿病|有高血压)"),
    pattern("refuse", r"\bwhat (would|will|could)? ?happens? if (i|you|we|my \w+) .{0,30}\b(microwave|oven|fire|water|bath|mix|swallow|eat|drink|burn|heat|plug|overcharge)\w*\b",
            r"(放|扔|丢)(进|到|在)?(微波炉|烤箱|火里|水里).{0,8}(会怎|会不会|爆|行吗|可以吗|怎么样)"),
    pattern("safety", r"\b(will|could|can|does|might|would|is) (it|they|this|that|the [\w ]{2,20})( ever| not)? (explode|blow up|overheat|catch fire|burn down|electrocute|melt|leak acid|going to explode)\b", r"会不会(爆|炸|着火|起火|漏电|触电|自燃|短路)|(会|不会)(爆炸|炸|自燃|着火|漏电)(吗|吧|么)", r"\b(give|feed|giving|feeding)\b.{0,24}\b(my |the |a |our )?(cats?|dogs?|pupp(y|ies)|kittens?|rabbits?|hamsters?|parrots?|birds?)\b(?!.*\b(toys?|beds?|bowls?|collars?)\b)|\b(cats?|dogs?|pets?|rabbits?) (eat|drink|lick|chew)\b", r"(给|喂)(我家|我的|家里)?(的)?(猫|狗|宠物|兔子|仓鼠|鹦鹉|鸟).{0,4}(吃|喝|用)|(猫|狗|宠物|兔子)(能|可以|会不会|喝|吃)", r"\b(in|inside) (a |the |my )?(tent|bath(room|tub)?|shower|car)\b.*\b(use|light|run|safe|stove|lamp|heater|candle)\b|\b(stove|candle|heater|burner|charger|power bank)\b.*\b(in|inside) (a |the |my )?"
                      r"(tent|bath(room|tub)?|shower|bed|rain)\b|\bcarry (a |my )?(baby|child|toddler|dog|cat)\b|\b(is|are) (it|this|they|the [\w ]{2,20}) (dangerous|flammable|toxic|poisonous)\b|"
                      r"\b(ok|okay|safe|fine|alright|allowed|all right)\b.{0,60}\b(newborns?|infants?|overnight|unattended|unsupervised|while (i|we|they) sleep|asleep|near (the )?(fire|gas|water|pool)|in the (bath|shower|rain))\b|"
                      r"\b(newborns?|infants?|my baby)\b.{0,60}\b(ok|okay|safe|fine|alright|dangerous)\b|\b(swallow(s|ed|ing)?|chokes?|choke on)\b|\b(mix|mixed|mixing) (bleach|it with|the cleaner)\b|\b(mix|mixed|mixing|combine|combining)\b.{0,24}\b(bleach|vinegar|ammonia|acid|chlorine|detergent|cleaners?)\b|\b(charg\w+|use|leave|burn|light|keep|run)\b.{0,30}\b(under|beneath|in) (my |a |the |his |her )?(pillows?|blankets?|duvets?|bed|covers|cushions?|mattress)\b",
            r"(炉|蜡烛|取暖|充电宝).{0,8}(帐篷|浴室|床上|雨里)|(帐篷|浴室)里.{0,8}(炉|蜡烛|用)|背(婴儿|孩子|宝宝)|(有毒|易燃|危险)吗|(混|掺|兑|加).{0,6}(漂白|84消毒|洁厕|消毒液|酸)|(漂白|84消毒|洁厕|消毒液).{0,8}(混|掺|一起|兑)|((枕头|被子|被窝|床垫)(底下|下面|里面|里|下)|(床|沙发)(底下|里)).{0,6}(充|插|烧|点着?)(?!的)|(放|压|搁|塞)(在)?(枕头|被子|被窝).{0,8}充"
            r"(整夜|通宵|整晚|睡觉).{0,6}(开|插|用|充).{0,20}(行|可以|安全|吗)|(新生儿|婴儿|刚出生).{0,16}(行|可以|安全|能|睡)|给(新生儿|婴儿).{0,10}(用|睡|吃|盖)|(吞|咽)(了|下)|防狼喷雾|指虎|甩棍"),
    # Other shops.
    pattern("other_shop", r"\b(amazon|taobao|tmall|jd|jd\.com|ebay|aliexpress|temu|shein|walmart|ikea|pinduoduo|uber eats|doordash|deliveroo|etsy|zalando|zara|h&m|uniqlo|asos|argos|tesco|lidl|aldi|costco|target\.com|alibaba)\b",
            r"淘宝|天猫|优衣库|名创优品|屈臣氏|小红书|得物|山姆|京东(?!快递|物流)|拼多多|亚马逊|抖音|唯品会|苏宁|美团|饿了么|闲鱼|宜家|沃尔玛|盒马|希音"),
    pattern("discounts", r"\b(second|2nd|third|3rd|next|another|returning|repeat|existing) (time|order|purchase|buy|customers?)\b.{0,24}\b(discounts?|deals?|off|cheaper|voucher|coupon|code)\b|\b(discounts?|deals?|off|cheaper|voucher|coupon|code)\b.{0,30}\b(second|2nd|third|3rd|next|returning|repeat|existing) (time|order|purchase|buy|customers?)\b|\b(buy|order|take|get) (two|three|2|3|more|several|both)\b.{0,20}\b(discounts?|deal|off|cheaper)\b|\b(bundle|multi-?buy)\b",
            r"(第二次|第二单|再买|回头客|复购|下次).{0,8}(优惠|打折|折扣|便宜|券|减)|(买|拍|要)(两|2|三|3|多|几)(个|件|双|套|份|只)?.{0,4}(优惠|打折|便宜|折)", r"\b(nurses?|nhs|doctors?|military|army|veterans?|soldiers?|police|firefighters?|seniors?|senior citizens?|pensioners?|oap|retired|disabled|blue light|employees?|staff|key workers?|carers?|influencers?|bloggers?|birthday|anniversary|loyal(ty)?|regulars?|old customers?|black friday|cyber monday|christmas|singles'? day|friends? and family)\b.{0,24}\b(discounts?|deals?|off|price|prices|sale|offer|offers|cheaper|voucher|coupon|code)\b(?!.*\bpoints\b)",
            r"\b(discounts?|deals?|money off|offers?|sale|price|coupons?|vouchers?|reduc\w+)[ ,.]+(for|as|i'?m|i am|if (i'?m|i am)|on|because (i'?m|i am)) (an? |my |our )?(nurses?|nhs|doctors?|military|army|veterans?|soldiers?|police|firefighters?|seniors?|pensioners?|oap|disabled|employees?|staff|key workers?|carers?|influencers?|bloggers?|birthday|anniversary|loyal|regulars?|old customers?|black friday|cyber monday|christmas)\b",
            r"(生日|老顾客|老客户|老用户|军人|退伍|医生|护士|警察|消防员|残疾|老年人|老人|退休|员工|教练|网红|博主|双十一|双十二|双11|双12|618|黑五|圣诞|元旦|春节|周年).{0,8}(优惠|打折|折扣|便宜|活动|券|减)"),
    # A coupon beyond those that there are.
    pattern("discounts", r"\b(coupons?|vouchers?|codes?)\b.*\b(give|get|have|send|issue|need|want)\b.{0,12}\b(another|a new|a second|one more|a different) (one|coupon|voucher|code)\b",
            r"(券|优惠码|折扣码|红包).*(再|重新|另外|多|另)(给|发|送|补|来|要|领)(我)?(一|个|两)?(张|个|份)"),
    pattern("haggling", r"\b(can|could|will) (you|i) .{0,20}\b(cheaper|better price|special price|discount me)\b|\blower (the|your) price\b|\bknock .{0,15} off\b|\bhaggle\b",
            r"便宜(点|一点|些)|免单|白送|少(点|一点)(钱|吧|行|可以|能)|抹个?零|讲(个)?价|再优惠(点|些)|打个折"),
    pattern("complaint", r"\b(compensat\w*|pay (me )?damages|reimburse\w* (me )?for (my|the) (time|trouble|inconvenience|taxi|travel))\b(?!.*\bprice\b)", "误工费|精神损失"),
    # What nobody sells here.
    pattern("not_in_range", r"\b(call|order|book|get|need|reserve|rent)( me| us)?( for me)? (a|an) ([\w-]+ )?(taxi|cab|uber|flight|plane ticket|train ticket|hotel|hostel|room|table|restaurant|haircut|hairdresser|dentist|"
            r"appointment|massage|cinema ticket|concert ticket|ticket|car|plumber|electrician|babysitter|pizza|visa)\b(?! (bag|seat|cover|charger|cloth|lamp|runner|mat|stand|holder|fan|key|phone|number|case|size|set|top|light|mount)s?)"
            r"(?! (for|to) (my|the|an?) (order|return))|\b(rent|hire|lease)( out)? (a |an |your )?(cars?|vans?|flats?|apartments?|houses?|bikes?|tents?|tools?)\b|"
            r"\b(fix|repair|service|tune) (my|our|a|the) (car|bike|bicycle|motorbike|motorcycle|roof|house|sink|toilet|boiler|heating|laptop|computer|iphone|windows|printer)\b|"
            r"\bfresh (vegetables?|fruits?|meat|fish|bread|milk|eggs|flowers)\b|\b(adopt|buy|sell) .{0,12}\b(a |an |any )?(dogs?|cats?|pupp(y|ies)|kittens?|horses?|parrots?|hamsters?)\b(?! (food|bed|toys?|bowls?|collars?|hair|mugs?|socks?))",
            r"(叫|打|订|约)(个|一辆|一张|一下|张)?(出租|滴滴|的士|机票|火车票|高铁票|酒店|餐厅|外卖|理发|牙医|电影票)|(修|洗)(汽)?车(?!间)|(新鲜|生鲜)(蔬菜|水果|肉)|领养"),
    # Languages that nobody here reads.
    pattern("languages", r"\b(do|can|could) (you|u|anyone|anybody|someone|somebody) (also |please )?(speak|understand|read|write|talk)( in)? (english|chinese|mandarin|cantonese|french|german|spanish|italian|japanese|korean|russian|arabic|portuguese|another language|\w+ish|\w+ese)\b|^[^a-z]*(english|in english)( please| pls)?[^a-z]*$",
            r"(会|能|可以|懂)(不会|不能)?(说|讲|看|用)?(英文|英语|中文|汉语|普通话|粤语|广东话|法语|德语|日语|韩语|俄语|西班牙语)(吗|不|么|嘛|客服)"),
    {"foreign": True, "flow": "languages"},
    pattern("languages", r"\b(bonjour|hola|buenos|gracias|guten (tag|morgen)|wo ist|donde|dónde|cuánto|cuanto|je (voudrais|veux|cherche)|ich (möchte|will|habe)|por favor|"
            r"s'il vous|obrigado|ciao,|vorrei|quiero|mein paket|mi pedido|ma commande)\b"),
    # What the shop has no word on, near to what it has.
    pattern("not_known", r"\btips?\b.{0,24}\b(courier|driver|delivery (man|guy|person)|postman|staff)\b|\b(courier|driver|postman)\b.{0,12}\btips?\b|^(?!.*\b(invoice|bill|receipt)\b).*\b(insure|insured|insurance|uninsured)\b|"
                         r"\b(take|pick|collect|remove|haul|dispose of|get rid of)\b.{0,12}\bold (mattress\w*|sofas?|couch|furniture|chairs?|tables?|beds?|clothes|appliances?|kettles?|lamps?|things|stuff)\b|\bold (mattress\w*|sofas?|furniture|chairs?|tables?|beds?|clothes|phones?|appliances?)\b.{0,16}\b(away|pick(ed)? up|recycl\w*|collect\w*|trade|back)\b|"
                         r"\btrade[- ]?ins?\b(?! for)|\brecycl\w* (old |used |my |empty )?(batter(y|ies)|electronics|clothes|appliances|bulbs|capsules)\b|\b(merge|join|combine|link|connect) (my |the |both |two |2 )?(\w+ )?accounts\b|\b(forgot|don'?t (know|remember)|can'?t remember|no idea) (which|what) (e-?mail|mail|number|phone|address) i (used|registered|signed)\b|\bpart[- ]exchange\b|\b(second[- ]?hand|refurbished|pre-?owned)\b|\b(carbon|co2|climate)[- ]?(neutral\w*|footprint|offset\w*|emissions?|dioxide|friendly)\b|\bco2\b|"
                         r"\b(deliver\w*|courier|parcel|package|bring it|it come)\b.{0,30}\b(in the (evening|morning|afternoon)|after (work|[4-9]|1[0-9]|2[0-3]|five|six|seven|eight|nine)|before (work|[6-9]|10|seven|eight|nine)|at night|at [0-9]+ ?(am|pm|o'?clock)|between [0-9]+ and [0-9]+|at a (certain|fixed|specific) time)\b|\btime[- ]?slots?\b|"
                         r"\bwho (founded|owns|runs|started) (you|your|this|the (shop|company))\b|\b(listed on|stock (market|exchange)|your (ceo|founder|owner|turnover|profits?))\b|\bhow many (people|employees|staff)\b.{0,16}\b(work|have|employ)\b|\b(visit|tour|see) (your|the) (factory|warehouse|workshop|farm)\b|\bby drones?\b|\b(subscription|subscribe)\b.{0,20}\b(coffee|tea|beans|box)\b|\b(coffee|tea|beans|box)\b.{0,12}\bsubscription\b",
            r"打赏|小费|(买|上|有|带|包含?|含)(个|份|一份)?(运输)?保险(?!柜|箱|丝|杠|带|盒)|运输险|(废|旧)?(电池|灯泡|衣服).{0,2}回收|(账号|账户).{0,6}(合并|合到|合成)|合并.{0,4}(账|号)|(忘了|不记得|想不起来).{0,6}(哪个|什么)(邮箱|号码?|手机号?)(注册|登)|旧.{0,8}(回收|拉走|带走|搬走|收走|处理)|(回收|收)(我的)?旧|以旧换新|二手|翻新(机|的)|碳中和|碳足迹|碳排放|"
            r"(早上|上午|中午|下午|晚上|下班|夜里|[0-9一二三四五六七八九十]+点)(以?后|以?前|之后|之前|到.{1,4}点)?(再|来|才)?(送|派送|配送|送货|送到|送来)(?!的|.{0,3}(没|了))|指定时间.{0,2}(送|配送)|"
            r"(你们|公司).{0,4}(上市|创始人|老板是谁|多少员工|多少人|融资)|谁(创办|开的|创立)|参观.{0,4}(工厂|仓库|车间|茶园)|(去|到|看看)你们的?(工厂|仓库).{0,4}(看|参观)|无人机(送|配送)|(咖啡|茶).{0,4}(月|按月)?订阅|按月(送|寄)"),
    # "You promised": nobody here can look up what was said.
    pattern("promised", r"^(?!.*\d{6})(?!.*\b(by|on|before) (today|tomorrow|yesterday|mon|tues|wednes|thurs|fri|satur|sun)\w*\b.{0,12}$)(?!.*\b(nothing|still|not|yet|where|waiting)\b.{0,16}$)(?!.*\b(arriv\w*|deliver\w*|deliverd|track\w*|where('s| is) my (order|parcel|package|stuff))\b).*\b(you|u|your (colleague|agent|staff|bot|manager|friend)|they|somebody|someone|he|she)( have|'ve| had| all| guys)? (promised|told me|said|assured me|agreed)\b.{0,50}\b(get|give|given|back|refund\w*|free|discount|voucher|coupon|yuan|gift|credit|compensat\w*|extra|points)\b|\b(free |extra )?(gift|sample|voucher|coupon|discount|refund)s? (that |which )?(you|u) (promised|said|told)\b",
            r"^(?!.*[0-9]{6})(?!.*(没到|没有|没收到|没退|还没|怎么没))(你们?|客服|你(们)?的?(客服|同事)|上次|昨天|之前)?.{0,6}(答应|承诺|保证|说好|讲好|说过)(了|过)?(的)?.{0,12}(退|赔|送|返|补|减|优惠|给我|免费|礼物|赠品|小礼|券|红包|差价)"),
    # "I never said that."
    pattern("not_meant", r"^(no,? |but |hey,? |wait,? |sorry,? )*i (never|didn'?t|did not|haven'?t|have not) (say|said|ask|asked|tell|told)\b(?!.*\?).{0,40}\b(cancel\w*|return\w*|refund\w*|exchang\w*|chang\w*|send|order\w*|want\w*)\b", r"^(我|人家)(可|又|并|根本|从来)?(没|没有|不曾)(说|让|叫|要求|同意|讲)(过)?.{0,6}(取消|退|换|改|要|买)|^(谁|我(啥|什么)时候|我哪)(说|让)(过|了)?.{0,6}(取消|退|换|改)"),
    # What is certainly wanted.
    pattern("human", r"\b(get|have|ask|find|let|make) (someone|somebody|a person|a colleague|anyone|one of your (people|colleagues)) (to )?(look|check|sort|deal|handle|see to|go over|review|investigate|find out)\b|\b(can|could|would) (someone|somebody|anyone|a person|a colleague) (please )?(look into|check|sort|deal with|handle|see to|review|investigate)\b",
            r"(帮我|给我|替我|你)?(找|叫|让|请|安排|派)(个|一个|你们的?)?(人|同事|工作人员)(来)?(帮我|给我)?(查|看看|看一|处理|解决|核实|跟进|问问|弄)", always=True),
    pattern("human", r"\bwho (can|do|should) i (talk|speak|complain) to\b", r"\b(get|give|fetch|call|bring|put|want|need)( me| to (talk|speak) (to|with))? (your |the |a )?(boss|manager|supervisor|superior)\b", r"\b(talk|speak|chat|connect me|put me through|transfer me|pass me)\b.{0,20}\b(human|person|agent|someone|somebody|representative|colleague|staff|manager)\b",
            r"^(?!.*\b(are|is|r) (you|this|u)\b).*\b(real|live|actual) (human|person|agent)\b|转人工|找(个|一个)?人工|(叫|让|找|喊)(你们|你)?(的)?(老板|经理|领导|主管|负责人)|(要|叫|找|换)(个|一个)?(真人|活人)|人工客服", always=True),
    pattern("store_details", r"\bhow (do|can|would) (i|we|you) (get|come|drive|walk) (to|into) (your|the) (shop|store)\b|\btry\b.{0,24}\b(on|out)? ?(in|at) (your|the) (shop|store)\b", r"^(?!.*\b(how long|opening|open|close)\b).*\b(park(ing)?|dogs?|pets?|wheelchair|ramp|toilets?|wi-?fi|changing rooms?|fitting rooms?|disabled access|caf[eé]|playground|bus|metro|subway)\b.*\b(shop|store|you|your|u|there)\b(?!.*\b(bed|bowl|collar|toy|lead|mat|bag|coat)s?\b)|\b(shop|store|you|your|u)\b.*\b(park(ing)?( space| lot)?|(charging|charge) (stations?|points?)|ev charg\w*|lifts?|escalators?|lockers? for bags|wheelchair|ramp|toilets?|wi-?fi|changing rooms?|fitting rooms?|disabled access)\b",
            r"(门店|店里|店).{0,4}有.{0,3}(充电桩|电梯|空调|座位|储物柜|休息区|饮水|儿童区)|(停车|停(得)?下车|坡道|轮椅|(带|牵)(狗|猫|宠物)|宠物.{0,4}进|洗手间|厕所|无线网|wifi|母婴室|试衣间|地铁|公交).{0,8}(吗|么|不|没|嘛|哪|怎么|几号)?(?=.{0,6}$)(?<!狗窝)"),
    pattern("about_bot", r"(谁|什么人)在(跟|和)?我?(说话|聊天|回复)|(我)?(在)?(跟|和|同)谁(在)?(说话|聊天|讲话)", r"\b(are|r) (you|u) (a |an )?(real|human|robot|bot|ai|person|machine|chatgpt)\b", r"你是(不是)?.{0,3}(真人|机器人|机器|ai|人工)"),
    pattern("refund_points", r"\b(points|coupons?|vouchers?)\b.*\b(refund\w*|return\w*|cancel\w*)\b|\b(refund\w*|return\w*|cancel\w*)\b.*\b(points|coupons?|vouchers?)\b",
            r"(积分|券).{0,12}(退|还(?!有|剩|没)|恢复)|(退款|退货|取消).{0,14}(积分|券)"),
    pattern("refund_status", r"\bwhere('?s| is) (my|the) (money|cash|refund)\b", r"^(?!.*\d{6})(?!.*\bprice\b)(?=.*\b(refund(ed)?|money back|pay me back|paid me back|my money)\b).*\b(still|yet|where|when|status|not (arrived|received|got)|haven'?t|hasn'?t|how long|waiting)\b",
            r"退款.{0,8}(没|还没|多久|几天|什么时候|啥时候|到哪|进度|呢)|(银行卡|支付宝|微信|卡上?).{0,4}(多久|几天).{0,3}到|寄回.{0,8}钱呢|^(?!.*(谁|多少)).{0,6}钱.{0,4}(多久|几天|啥时候|什么时候|哪去)|钱.{0,6}(还没|没).{0,3}(退|到|收到)|(没|还没)(收到)?退(款|钱)"),
    pattern("missing_parcel", r"^(?!.*\b(code|e-?mail|link|confirmation|invoice)\b).*\b(says|shows|marked( as)?|status) (it('s| is| was) )?(been )?delivered\b|\bnever (arrived|came|got (it|here))\b", r"(显示|写着|说|标着).{0,6}(签收|送达|妥投)"),
    pattern("refund", NOTHING_DONE.replace("refun?d\\w*|", "") + r".*\b(want(ing|in|ed)?|need|wanna|give me|gimme|demand\w*|get) (ma|my|me|our|the|all my) (money|cash|dosh|dough) back\b(?!.*\b(how|when|points|coupon)\b)"),
    pattern("order_status", r"\b(parcel|package|order|delivery|shipment|stuff)\b.{0,12}\b(is|was|went|got|sits|sitting|stuck|landed|ended up|sent) (now )?(in|to|at) (the |a |an |some )?(wrong|another|different) (city|town|country|place|depot|state|warehouse|province)\b"),
    *certain_rules(),
    # An order number and hardly more; and what is done with one.
    pattern("order_status", rf"^{GAP}(hi|hey|hello|so|ok|and|what about|what'?s up with|status( of)?|track|order|my order|(the|my) [\w ]{{2,25}}( one)?)?{GAP}pl[ -]?\d{{8}}"
                            rf"(, my [\w ]{{2,20}}| pls| please| status)?{GAP}$",
            rf"^{GAP}(帮我?(看|查)(下|一下)?|查(下|一下)?|看(下|一下)?|订单号?|单号|[^\s,.!?]{{1,8}}(那个|那单|那件|这个|这单))?{GAP}pl ?\d{{8}}{GAP}([^\s,.!?]{{1,6}}(那个|那单))?{GAP}(呢|怎么样了|(现在)?什么状态|谢谢)?{GAP}$"),
    pattern("order_status", r"\b(check|look up|look at|look into|find|show|pull up|open|see|know about|track|trace|status of|news (on|about)|up with|happening with|going on with|about)\b.{0,24}\bpl[ -]?\d{8}\b(?!.*\b(return|refund|cancel|exchange|invoice|address|complain\w*|wrong|missing|broken|damaged)\b)",
            r"^(?!.*(退|换|取消|发票|地址|投诉|少|坏|错|破))(.{0,8}(查|看|找|问)(一)?(下|查|看)?|.{0,4}(想)?知道).{0,8}pl ?\d{8}|^(?!.*(退|换|取消|发票|地址|投诉|少|坏|错|破)).{0,8}pl ?\d{8}.{0,8}(到哪|哪了|发了|发货|寄出|状态|怎么还|还没到|什么时候|啥时候|几时)"),
    pattern("order_status", rf"^{GAP}(and |but |so |ok |well )*(did|has|have) (that|it|this|you) (all )?(work(ed)?|go(ne)? through|done it|done that|do it|happen(ed)?)( now| already| ok)?{GAP}$|\b(is|will|has) (it|the parcel|my parcel|that one|this one) (be |being |been )?(going|sent|coming|shipped|delivered|on (its|the) way|heading) to\b(?! (cost|take))",
            rf"^{GAP}(那|这(个|单)?)?(现在)?(弄|办|改|退|申请|提交|处理)?好?了?(成功|成)(了)?(没|吗|没有|了没|了吗){GAP}$"),
    pattern("order_status", r"\b(is|was|has) (it|the order|my order)( been)? (really |now |already )?cancell?ed\b", r"取消(了(没有?|吗|没)|没有?)[\s?!.。]*$|取消成功(了)?(没|吗)"),
    # Goods past their date are faulty; a coupon is none of these.
    pattern("damaged", r"^(?!.*\b(coupons?|vouchers?|codes?|points?|offer|warranty|card|deadline|link)\b)(?!.*\bhow long\b).*\b(past (its|the|their) (sell[- ]by |use[- ]by |best[- ]before )?date|out of date|expired|best before (date )?(was|is over|has passed)|use[- ]by (date )?(was|has passed))\b.*\b(return|send|refund|money|back|came|arrived|got|sent|replace|delivered|what now)\b|^(?!.*\b(coupons?|vouchers?|codes?|points?|offer|warranty|card|deadline|link)\b).*\b(came|arrived|got|sent|delivered|received)\b.{0,40}\b(past (its|the|their) (sell[- ]by |use[- ]by |best[- ]before )?date|out of date|expired)\b",
            r"^(?!.*(券|红包|码|积分|优惠|会员|保修|活动|链接|礼品卡|多久|什么时候|啥时候|几天)).*(过期了?|过(了)?保质期|过了日子).{0,8}(退|换|赔|处理|怎么办|咋办|咋整)|^(?!.*(券|红包|码|积分|优惠|会员|保修|活动|链接|礼品卡)).*(到手|收到|寄来|发来|买来|拿到).{0,12}(过期|过了?保质期)"),
    # What is written on an invoice, told without a question.
    {"pattern": r"^[^a-z]*(my |our |the )?(?!.*\b(wrong|misspel\w*|mistake|typo|change|correct|where|how)\b)(company( name)?|tax (number|no|id|payer)|vat (number|no|id)|invoice title)( is|:| =).{3,}|^(?!.*(错|少|改|换|多少|看|旧|老|不对|哪))[^\w]{0,4}(发票)?(抬头|税号|纳税人识别号|公司名称?)(写|开|是|为|填|:|：|就)?[^吗么?？]{4,}$", "entry": "invoice-company"},
    pattern("exchange", r"\b(not|no|don'?t want|without)\b.{0,16}\brefund\b.{0,20}\b(just|only|but|rather)\b.{0,24}\b(right|correct|other|another|different|new) (colou?r|size|one|item|model)\b", r"(不(是|要|想|用)?退款?|别退).{0,8}(换|给我换).{0,8}(对|正确|别|新|另)"),
    pattern("exchange", r"\b(got|have|want|need) (a|an|it in) (\d{2}|[smlx]{1,3})\b.{0,12}\binstead\b|\bsize \w+ instead\b"),
    pattern("return", r"\b(actually|rather|instead|just)\b.{0,20}\b(return|send back) (it|them|this|that|the (order|item|parcel))\b(?!.*\b(how|cost|fee)\b)|\bi('d| would)? (want|like|need|wanna)( to)? (return|send (it|this|them) back)\b|^return (order )?pl", r"(还是|那就|改成|直接|干脆)退(货|掉|了)?(吧|算了|好了)?[\s,.!?~。]*$|(想|要|必须|我要|给我)退(?!款|钱|差|订|出|伙)(货|掉|了)?[\s,.!?~。]*$|(要|想|必须)退(货|掉)?[，,]|^退货 ?pl"),
    pattern("cancel", r"\b(no longer|don'?t|do not|dont) (want|need)\b.{0,20}\b(pl ?\d{8}|(my|the|this) order)\b", r"(那个|那单|那件|这个|这单|这件|那笔|这笔)(我)?(给我|帮我|就|都|也)?(不要了|取消)(吧|掉|了吧|掉吧)?[\s,.!~。]*$|^(帮我|给我|我要|请)?取消(那个|这个|那单|这单|没付款|未付款)", r"(不(想)?要了|不买了|取消).{0,6}pl ?\d{8}|pl ?\d{8}.{0,8}(不(想)?要了|不买了|取消(?!了))"),
    pattern("missing_item", r"\b(only (one|two|half|got|received)\b.{0,12}\b(came|got|received|arrived|\d+|one|two|half)|where('?s| is) the (rest|other|second)(?! (one|ones) (that |which )?(i|from)\b)(?! (order|parcel|package))|the (rest|other half) of my order|is missing|are missing|was missing|not in the box|forgot (one|the))\b", r"(?<![写减])(少|漏)(了|发|寄)(?!几|.{0,2}角|.{0,4}(钱|元|改|调))|(只|才)(收到|来了)"),
    pattern("wrong_item", r"\b(came|arrived|turned up|received|got)\b.{0,20}\b(but|though|although|yet) i('d| had|'ve| have)? (chosen|chose|ordered|picked|asked for|wanted|bought|paid for)\b", r"^(?!.*\bwrong (number|address|password)\b).*\b(sent|gave|shipped) me (the wrong|a (wrong|different)|another|somebody|someone)\b|\b(wrong (item|colou?r|size|product|thing|one)) (came|arrived|was sent|in)\b|"
                          r"\bi (ordered|bought|wanted) .{1,40}\b(but |and )?(got|received|you sent|it came|came)\b|\b(you|u) sent me .{1,30}\b(i )?(ordered|wanted)\b",
            r"(发|寄|送)错(?!城市|地址|地方)|货不对版|(买|要|订|拍)的.{1,12}(发|寄|来|收到)(了|的是|个|过来)"),
    {"pattern": r"\b(broke|died|stopped working|dead)\b.*\b(after|months?|year|weeks)\b|" r"(用了|才用|买了).{0,8}(月|年|天).{0,6}(坏|不动|不工作|没反应|不转|不加热|不亮|掉|断|脱|松|散|裂)", "entry": "repair"},
    pattern("exchange", NOTHING_DONE + r"(?!.*(\?|\b(for (a|my|him|her|them|kids?|children)|dangerous|late|expensive|box|parcel|reviews?|size chart|if|do you|have you|looking)\b)).*\b(shoes?|sneakers|trainers|boots?|sandals?|slippers?|loafers|shirts?|t-?shirts?|jeans|dress|jacket|coat|sweater|jumper|trousers|pyjamas|bathrobe)\b(?! (stand|rack|cabinet)).{0,24}\b(too|a bit|a little|slightly) (big|small|large|tight|loose|long|short|wide|narrow)\b",
            NOTHING_DONE + r"(?!.*([?吗嘛]|有没有|有.{0,4}的|会不会|怎么选|推荐|多大|如果|要是|担心|怕)).*(鞋|靴|衣|衫|裤|裙|外套|睡袍|浴袍|羽绒服|t恤)[^，。,.柜架]{0,4}((太|有点|有些|偏|稍微?)(大|小|长|短|紧|松|肥|瘦)|(大|小|长|短|紧|肥|瘦)了)"),
    pattern("damaged", r"^(?!.*\b(registration|join\w*|member\w*|website|site|page|link|log ?in|app|promise|last year|half a year|after a year|years|months?|repair\w*)\b).*\b(broken|smashed|cracked|shattered|in (bits|pieces)|bashed|knackered|damaged|scratched|dented|crushed|torn|faulty|defective|stained|mou?ldy|soaked|bust(ed)?|ripped|snapped|frayed|leaking|leaked|rusty|chipped)\b|\b(came|comes|fell|fallen|coming|falling|broke) (off|apart|loose|undone|unstitched)\b|\b(zip|zipper|handle|strap|button|lid|wheel|leg|screen|lock|knob|hinge|seam|sole|screw|drawer|switch|clasp|buckle|spout)s?\b(?!.*\b(size|fit|buy|order a|do you (have|sell))\b).{0,30}\b(won'?t|doesn'?t|stuck|sticks|sticking|jammed|jams|loose|bent|missing)\b|\b(coating|paint|varnish|leather|print|sole|enamel|fabric|surface|colou?r)\b.{0,20}\b(peel\w*|flak(es?|ing)|rubs off|rubbing off|wears off|wearing off)\b|\b(wobbl(es?|y|ing)|flickers?|flickering|drips|dripping|squeaks|rattles|crackles)\b|\b(only|just) (plays?|works?|charges?|heats?|lights?)( up)? (on|in) (one|the (left|right)) (side|ear)\b|\b(only|just) one (side|ear\w*|speaker) (works?|plays?)\b|"
                       r"\b(full of|covered (in|with)|has|have|had|with) (a |an |some |many )?(big |little |small |ugly )?(stains?|holes?|scratches|cracks?|mou?ld|dents?)\b(?! (resist|proof|remov|for))",
            r"^(?!.*(快递|包裹|物流|页|网|app|付款|结算|链接|登录|券|账|保修|维修|怎么(洗|修))).*((手柄|把手|抽屉|轮子|拉链|盖子?|按钮|开关|旋钮|提手|肩带|扣子?|表带|屏幕|柜门|铰链|螺丝|支架|底座|壶嘴|腿).{0,4}(掉|断|歪|卡|坏|裂|弯|脱|拉不|推不|按不|转不|拧不|关不|合不)|卡(住|死)|拉不开|推不动|关不上|转不动|按不动|不出(雾|水|声)|不加热|不制热|开不了机|不通电)",
            r"松(了|动|掉了|垮垮)|勾丝|抽丝|一闪一闪|闪个不停|(会|在|往外|一直|老)渗水?|拧不紧|合不上|关不严|充不(进|上)电|只有?.{0,3}(左|右|一)(边|只|侧).{0,3}(响|有声|出声|能听)|有(条|道|个|点)?(缝|裂缝|裂纹|破洞|划痕)|(拉链|扣子|盖子).{0,4}(自己|老是?|总是?|一直)(会)?(开|掉|滑)|(坐|放|摆)(上去|着)?.{0,4}(会|老|直)?晃|(涂层|漆|皮|印花|图案|颜色).{0,6}(掉了|脱落|剥落|蹭掉)|起皮|掉皮|开胶|脱胶|脱线|生锈|漏水|变形了|断了|发霉|拉链.{0,4}(坏|拉不|卡)|(打不开|不亮|没反应)了|(裂|碎|压扁|压坏|破损|摔坏|坏的|有划痕|破了|烂了)(?!.{0,6}(保修|维修))"),
    pattern("exchange", r"^(?!.*\b(do you|should i|do i|better|rate|accounts?|order \d|in my order|quantity|stock exchange)\b).*\b(swap|exchange|(one|a|next) size (up|down|bigger|smaller|larger)|(bigger|smaller|larger) (size|one)|(another|different) (size|colou?r)|different one)\b(?=.*)(?<!which size)",
            r"换.{0,3}(大|小)(一)?(点|码|号)|换(个|一个|一件|成).{0,4}(尺码|码|颜色|色|大号|小号)(?!头|密)|(大|小)了.{0,4}换"),
    pattern("order_status", r"\b(where('?s| is| are|s)?|track|status of|what happened to|whats up with|any (news|update)s? (on|about)|update on)\b.{0,16}\b(order|parcel|package|stuff|delivery|"
                            r"shipment|purchase|pl ?\d{8})\b(?!.*\b(size|box for|button|invoice|refund|voucher|code|points|shop|store|form|page|label|address|details|data|bill)\b)",
            r"\b(no|any) (update|movement|news)\b.*\b(days?|week|parcel|order|tracking)\b|\bparcel('s| is| has)?\b.*\b(stuck|sat|same (place|depot)|not mov\w*)\b|"
            r"\b(has|was|is) (my|the) (order|parcel|stuff|package) (been )?(sent|shipped|dispatched|on (its|the) way)\b",
            r"^(?!.*(取消|收费|手续费|地址|退款|发票)).*((快递|包裹|订单|(?<![退换])货(?!到付)|东西|物流).{0,8}(呢|到哪|在哪|发了没|发货了吗|没动|不动|没更新|卡住)|(到哪|走到哪)(儿|里|了)|快.{0,2}递.{0,2}呢|"
            r"查.{0,4}(物流|快递|订单|单号))"),
    pattern("order_status", r"^(?!.*\d{6})(?!.*\b(code|coupon|voucher|refund|money|cash|points?|discount|invoice|receipt|password|account|address|button|box|link|e-?mail|confirmation|history|cart|basket|gift card|size|rest|other|second|page|site|label|manual|warranty|details|data|bill|shop|store|review|menu|app|card|tag)\b).*\bwhere('?s| is| are|s|re)? (my|our) (?!nearest)[\w'-]+( [\w'-]+){0,3}( at| now| then| please| pls)?\b",
            r"^(?!.*(取消|收费|地址|退|换|发票|券|积分|坏|破|错)).{0,6}(我(的|买的|订的|拍的|那)|买的)[^，。,.!?]{1,10}(发货|发出|寄出|发|到哪|到)(了|儿了|里了)?(没|没有|吗|了没|了吗|没呀|没啊)?[\s?!.,~。呀啊呢]*$"),
    pattern("order_status", r"\b(order|parcel|one|package|thing)s? (that|which|what) (hasn'?t|havent|haven'?t|has not|have not|didn'?t|did not) (arrived?|come|shown up|got here)( yet)?\b(?!.*\b(cancel|return|refund|exchange|complain\w*)\b)",
            r"(还没|没有?|未)(到|收到|送到|来|送来)的?(那|这)(个|单|件|笔|些)(?!.*(取消|退|换|投诉))"),
    pattern("delivery_time", r"\b(how (long|many days|soon|fast)|hw long|when (will|does|do|can|is))\b.*\b(arriv\w*|deliver\w*|shipp?\w*|get (here|it|to)|gets here|come|here|take)\b(?!.*\b(open|refund|valid|warranty|return|points)\b)",
            r"^(?!.*(退|换)).*(几天|多久|多旧|什么时候|啥时候|几时|哪天|何时).{0,6}((?<!看)到(?!账)|收到|送|发货|发出)|发货时间|配送时间|快点发货"),
    {"pattern": NOTHING_DONE + r".*(\b(when|how soon|how fast) (do|will|can|does) (you|it|my order|u) (ship|dispatch|send|leave)\b|什么时候发|啥时候发|多久发|几天发|发货时间|快点发货|kuai dian fa huo)", "entry": "shipping-dispatch"},
    pattern("jobs", r"\b(are you hiring|hiring|vacanc(y|ies)|job openings?|internships?|apprentices?(hips?)?|(any|a|part[- ]time|summer|holiday|student) (jobs?|positions?) (going|available|open|for|as|at|in your|with you)|apply for (a|the) (job|position)|work (for|at) (you|your)|work in your)\b|招人|(还|在|有|你们)招(不招)?(美工|客服|店员|兼职|学徒|暑假工|实习|司机|打包|仓库|运营|主播)|(做|找|有|招)(个)?(兼职|暑假工)|招聘|应聘|找工作|实习生|去(你们那)?上班"),
    pattern("opening_hours", r"\b(opening (hours|times)|when (are|do) you (open|close)|(are|r) (you|u) open|store hours|what time (do|does|are|r) (you|u|ya|youse|the (shop|store)|it) (open|close|shut)\w*|when (do|does|r|are) (u|ya|youse|the (shop|store)) (open|close|shut)\w*|(open|closed?|shut) on (a )?(mon|tues|wednes|thurs|fri|satur|sun|bank holi|public holi)\w*)\b", r"几点(开门|关门|营业|打烊|上班|下班)|营业时间|开门吗|开到几点"),
    pattern("order_status", r"^(?!.*\b(points?|coupons?|vouchers?|discount|review|gift|warranty|password|e-?mail)\b).*\b(which|what|how many|any|all|list|show( me)?|see) (of )?(my|the) (\w+ )?orders?\b(?!.*\b(cancel|return|refund|change)\b)|\bmy (open|pending|current|recent|last|latest|previous) (order|purchase)s?\b(?!.*\b(cancel|return|refund|change|invoice|exchange|address)\b)|\borders? (are|is|do i have|have i got) (still )?(open|pending|outstanding|running)\b|\bwhat (did|have) i (buy|order(ed)?|bought)\b",
            r"^(?!.*(几|多久|什么时候|啥时候|今天|会|能|可以|退|换|取消)).{1,12}(发货|寄出|发出)(了)?(吗|没|没有|了没|了吗)[\s?!.,~。呀啊呢]*$", r"^(?!.*(取消|退|换|发票|地址|积分|券|评价)).*(我?(还)?有(几|哪些|什么|多少)(个|笔|单)?.{0,6}(订单|单子)|(最近|上|最后|前)(一|几)?(单|个订单|次|笔).{0,6}(买|订|拍|下)(了|的)?(啥|什么|哪)|我(都)?(买|订)(了|过)(些)?(啥|什么))"),
    pattern("order_status", r"\bwhen (was|did|were) (it|that|this|they|the [\w ]{2,20}) (get )?(sent|shipped|dispatched|leave|go out)\b", r"(几号|哪天|哪一天|啥时候|什么时候|何时)(发|寄)(的|出去的|出的)"),
    pattern("order_status", r"\b(one|order|something|anything)\b.{0,24}\b(not|haven'?t|havent|didn'?t|never|still to|un)[ -]?(been |yet )?(pa(y|id)|payed)\b.{0,24}\b(what|which)\b.{0,12}\b(in (it|that|there)|(was|is) (it|that|this)|one)\b|\b(what|which)\b.{0,24}\b(order|one|thing)\b.{0,20}\b(not|haven'?t|havent|didn'?t|never)[ -]?(been |yet )?(pa(y|id)|payed)\b(?!.*\b(happens?|kept|cancell?ed|do i)\b)", r"(没|未|还没)(付|支付|给)(款|钱)?的?(那|这)?(个|单|件|笔)?(订单)?.{0,4}(是|有)(些|哪些|几个)?(什么|啥|哪|东西)"),
    pattern("order_status", r"\b(tell|show)( me)? where (it|they|the (parcel|package|order)) (is|are)( now)?\b(?!.*\b(made|from|sold|stored|written)\b)", r"(直接)?告诉我(它|货|东西|包裹|快递)?(现在)?(到|在)(哪|哪里|哪儿)"),
    pattern("order_status", r"\b(paid|payment)\b.{0,40}\b(still|says|shows|marked|status)\b.{0,16}\b(unpaid|waiting|pending|not paid|open)\b", r"(付|交|给)(了|过|完)?(钱|款).{0,8}(还|仍|却|怎么).{0,6}(显示|是|说).{0,3}(没|未|待)(付|支付)|钱付了.{0,8}(没|未|待)付"),
    pattern("product_detail", r"\b(does|do|is|are|will) (it|they|this|these|the [\w' -]{2,24}) (also )?(come|comes|get|include|included|delivered|supplied|sold) (with|without|in)\b|\b(batter(y|ies)|cable|charger|manual|tools|lid|strainer|case|cover)\b.{0,12}\bincluded\b(?!.*\bassembl)", r"(带|送|含|配|有)(不带|不送|不含)?(电池|充电器|充电线|数据线|说明书|盖子|收纳袋|配件)(吗|么|不|没)"),
    {"pattern": r"^(?!.*\b(my|change|update|new|order|another)\b)(?!.*(我的|换|改)).*(\b(phone number|hotline|e-?mail address|contact (details|you)|call you)\b|客服电话|联系方式|(有|打).{0,2}电话(吗|么|不|多少|号|几|给(你们|客服)|联系)|热线)", "entry": "contact"},
    {"pattern": r"投诉.{0,6}(发到哪|邮箱|往哪|怎么投)|\b(where|how)\b.*\bcomplain\b", "entry": "complaint"},
    {"pattern": NOTHING_DONE + r"(?!.*\b(old|former|wrong|mistake|typo|correct)\b).*(\b(vat|tax number|company name)\b.*\binvoice|\binvoice\b.*\b(vat|company|tax)\b|专票|公司抬头)", "entry": "invoice-company"},
    pattern("restock", r"\b(sold out|out of stock|back in stock|restock\w*|available again)\b", r"没货|缺货|补货|断货|售罄|卖完|断码"),
    pattern("recommend", NOTHING_DONE + r".*(\bany (nice|good|cheap|pretty|decent) (?!novels?|films?|movies?|series|books?|songs?|podcasts?|restaurants?|news|reason)\w+|\b(under|below|up to|less than|cheaper than|at most|no more than|max|maximum|around) ?(of )?[¥$]?\d{2,4}\b(?!.*\b(instal+ments?|shipping|delivery|free)\b)|^[^a-z]*(anything|something|one|have you got anything|got anything|ones) (a bit |a little )?(cheaper|smaller|bigger|nicer|lighter)\b|(\d{2,4}|[一二两三四五六七八九]百)(元|块)?(以内|以下|左右|之内)|^.{0,3}有(没有)?(便宜|更便宜|便宜点|便宜一点)(点|些)?的)"),
    pattern("recommend", NOTHING_DONE + r"(?!.*(\bwrap|card|尺码|码数|engrav|包装|包庄|贺卡|刻字|礼品卡)).*(\b(recommend|suggest(ion)?|gift ideas?|(present|gift) for|good (present|gift)|what to (give|buy|get) (for )?(my|a|him|her))\b|"
                         r"推荐|求推荐|(送|给).{0,8}(什么|啥|点什么)好|(挑|选|买)(个|一个|点|份)?.{0,4}礼物)"),
    pattern("product", NOTHING_DONE + r".*\b(is|are) (the|this|that|these|those|your) (?!.*\b(delivery|shipping|express|coupon|code|discount|service|app|refund|again)\b)[\w' -]{2,40} (still )?availabl?e\b"),
    pattern("product", NOTHING_DONE + r"(?!.*(\b(warranty|guarantee|delivery|shipping)\b|多长时间|码|保修|质保|面积)).*(\bhow (big|heavy|tall|long|wide|large|thick) (is|are) (the|this|your)\b|\bwhat('?s| is) the (price|material|weight|size|colou?r) of\b|\bhow much (is|are|does) (the|this|your) "
                       r"(?!shipping|delivery|postage)|(多大|多重|多高|多长|多少钱一|什么材质|什么做的|哪里产)[\s,.!?~。]*$)"),
    pattern("insult", NOTHING_DONE + r"(?!.*\b(how (do|can|to) (i|we|get)|where (do|can) (i|we))\b)(?!.*\?.{3})(?!.*\b(i'?m|i am|i was|i feel)\b.{0,12}\b(idiot|stupid|dumb|moron))(?!.*我(真|太|也)?(是)?(傻|蠢|笨)).*(\b(you|u|your|this|everyone|bot|shop|they)\b.*\b(idiots?|morons?|stupid|dumb|useless|junk|trash|garbage|clowns?|pathetic|crap|shit\w*|suck\w*|thieves|scammers?|liars?|"
                      r"bastards?|assholes?|retard\w*)\b|\b(fuck\w*|idiots?|morons?|bitch\w*|wankers?)\b|垃圾(?!桶|袋|箱|分类|短信|邮件|信息)|骗子|傻(?!眼)|蠢|智障|脑残|没长脑|废物|滚蛋|去死|死人|有病|(?<!送|给|陪|和|跟|带)他妈(?!妈)|(?<!妈|爸|姑|姨|舅|干)妈的(?!.{0,8}(礼物|生日|节))|尼玛|操你|混蛋|王八)"),
    pattern("complaint", NOTHING_DONE.replace("complain\\w*|", "").replace("投诉|", "") + r".*(\b(complain(t|ts|ing)?|worst (shop|service|experience)|(terrible|awful|horrible|disgusting|unacceptable) (service|shop|support)|awful treatment)\b|"
                         r"投诉|(?<!写)(?<!发)(?<!给)差评(?!.{0,3}(在哪|怎么写))(?<!想给差评)|太差劲|太差了)"),
    pattern("thanks", NOTHING_DONE + r"(?!.*\b(how|what|when|can|could|do|does|is|where|why|need|want|order|please|translate)\b).{0,24}\b(thanks|thank (you|u)|thx|tysm|cheers|much appreciated)\b.{0,30}$",
            NOTHING_DONE + r"(?!.*(吗|多少|怎么|什么|几|哪|票|地址|包[装庄]|修|单|买|货|款|券|码|账|人工|换|退|查|开|要|想|请|麻烦)).{0,6}(谢谢|谢啦|谢了|多谢|感谢).{0,8}$"),
    pattern("goodbye", NOTHING_DONE + r"(?!.*\?).{0,24}(\b(bye|goodbye|gotta go|see (you|ya)|cya)\b|拜拜|再见|回见).{0,12}$"),
    *return_rules(),
    # Questions about how it is done.
    pattern("about_exchanges", HOW + r".*\b(exchange|exchanges|swap)\b", HOW_ZH + r".*(换货|换尺码|换颜色)"),
    pattern("about_returns", MAY + r"(?!.*\b(refund|money|what i paid)\b).*\b(returns?|retrun|retun|returning|send(ing)? (it |them |this |things |something )?back)\b(?! (label|address) for order)",
            MAY_ZH + r"(?!.*(退款|到账|钱.{0,4}(没|到|退))).*(退货|退换|寄回|能退(?!款|宽|差|回来|钱)|可以退(?!款|宽|差|回来|钱)|给退(?!款|钱)|好退)"),
    pattern("about_cancelling", HOW + r"(?!.*\b(newsletter|subscription|account|membership)\b).*\bcancel(l?ed|l?ing|s|lation)?\b", HOW_ZH + r"(?!.*(邮件|订阅|会员|账)).*取消(?!.*(了吗|了没))"),
    pattern("about_addresses", HOW + r".*\b(change|correct|update|edit|enter|add|save)\b.*\baddress(es)?\b", HOW_ZH + r".*(改|填|加|存|设).{0,6}地址"),
    pattern("about_invoices", HOW + r".*\b(invoices?|receipts?|fapiao)\b", HOW_ZH + r".*(发票|专票|抬头)"),
    # Pictures that say it all.
    pattern("payment", r"💳.*(❌|🚫|😡|不|won|fail|not|doesn)"),
    {"pattern": r"^[^a-z]{0,4}(🎁|🎀)", "entry": "gift-wrap"},
    pattern("order_status", r"^[^a-z]{0,3}(📦|🚚|🚛)"),
    pattern("insult", r"^[\s!！]*(😡|🤬|😠|💩|🖕)[\s!！😡🤬😠💩🖕]*$"),
    pattern("greeting", r"^\s*(👋|🙋|😊|🙂)\s*[👋🙋😊🙂]*\s*$"),
    pattern("thanks", rf"^{GAP}(ok |okay |cool |great |lovely |nice |brilliant )*(ta|nice one|ta very much|legend|sweet|awesome|perfect|brilliant|lovely|great stuff|much obliged|appreciated?( it)?|got it|understood|all good|that'?s all|that is all|no more questions|nothing else)( then| mate| love| ta| thanks)?{GAP}$",
            rf"^{GAP}(好|行|嗯|哦)*(知道了|明白了|了解了?|清楚了|懂了|没别的了|没有了|就这些|唔该|多谢晒|谢咯|3q|thx)(啊|哈|呀|啦|哦|谢谢)?{GAP}$"),
    pattern("thanks", r"^\s*(👍|🙏|❤️|💕|😘)\s*[👍🙏❤💕😘]*\s*$"),
    # Short commands.
    {"words": {"en": ["hiya", "howdy", "hey there", "hi there", "yo", "good day", "greetings", "morning", "evening", "good evening", "good morning", "good afternoon"],
               "zh": ["哈喽", "哈啰", "哈罗", "嗨", "在不在", "有人吗", "有人在吗", "早上好", "晚上好", "下午好", "您好呀", "hello"]}, "flow": "greeting", "whole": True},
    {"words": {"en": ["why", "why not", "how come", "why is that", "but why", "why can't i", "why can't you", "and why", "why no", "says who"],
               "zh": ["为什么", "为啥", "凭什么", "凭啥", "为什么不行", "为什么不能", "为什么不可以", "怎么不行", "怎么不能", "咋不行", "咋不能", "为啥不行", "为啥不能", "为什么呀", "什么规定", "怎么就不行", "点解", "点解唔得"]}, "flow": "why", "whole": True},
    {"words": {"en": ["agent", "human", "operator", "representative", "real person", "live agent", "talk to a human", "speak to a human", "human please",
                      "live person", "person"],
               "zh": ["人工", "转人工", "人工客服", "真人", "转接人工", "人工服务", "找人工"]}, "flow": "human", "always": True, "whole": True},
    {"words": {"en": ["recommend something", "recommend me something", "any recommendations", "what do you recommend", "recommendations", "suggest something"],
               "zh": ["推荐", "推荐一下", "有什么推荐", "推荐点东西", "有什么推荐吗", "推荐点什么"]}, "flow": "recommend_to_me", "whole": True},
    *topic_rules(),
    # What certainly is to be bought.
    {"pattern": r"^(?!.*\b(cancel|return|back|exchange|instead)\b).*(\b(i'?ll|i will|i'?d like to|i would like to|want to|wanna|let me|lemme|gonna|how (do|can) i) (just )?(take|buy|order|get|purchase|have) (it|this|that|them|these|those|this one|that one|those ones|the (first|second|third|last|cheaper|cheapest|bigger|smaller) one)\b(?! (back|to|delivered|sent|shipped|in|as|for|wrapped|home|repaired|fixed|exchanged|returned|refunded|cancelled))"
                r"|^(那|那我|我|那就|我就|就|那我就)?(就|要|想要|想)?(买|拍|下单|订|要)(这个|那个|它|这款|那款|这件|这双|第.个|这些)(了|吧|啦)?[\s,.!?~。]*$|^(这个|那个|这款|它|(第.|最后(那|一)?)个)(我)?(要了|买了|怎么(买|下单|拍))[\s,.!?~。]*$)", "entry": "order-place"},
    # Last, since they are short.
    pattern("range", NOTHING_DONE + r"(?!.*\b(gift|present|similar|again|two|\d+|coupon|voucher|something|good|nice|cheap\w*|for (my|a|her|him))\b)^(hi |hello |hey )?(i )?(am |'m |i'?m )?(want|wanna|would like|'d like|i'?d like|need|looking|hoping|after)( to)? (buy|get|order|purchase) (a|an|some) [\w -]{3,30}$|^(hi |hello )?i'?m (after|looking for) an? [\w -]{3,24}(,.{0,16})?$", NOTHING_DONE + r"(?!.*(礼物|送|好看|便宜|实惠|券|的[\s,.!?~。]*$))^(我|俺)?(想|要|想要)(买|购买|入手)(一)?(个|台|部|辆|套|把|条|双|件|只|块)[^，,。]{1,8}[\s,.!?~。]*$"),
    pattern("order_total", r"\bhow much (was|did|have) (it|that|the order|this order|that order|i)( (pay|paid|spend|spent|cost))?\b(?! (to|for))", r"(这单|这笔|那单|订单|一共|总共|花了|付了).{0,4}多少钱?[\s?!.,~。]*$"),
    pattern("stock", NOTHING_DONE + r".*\bin stock\b", r"有货|现货|还有吗|还有没有"),
    pattern("range", NOTHING_DONE + r".*(\b(do|have) (you|u) (have|got|sell|carry|stock)\b(?! (to|it to|them to|any (discount|deal|offer|coupon)|(an?|any|another|other|more)( \w+)? (shops?|stores?|branch(es)?|showrooms?|outlets?))\b)|卖不卖|有没有卖|你们(有(?!啥|什么|没有|.{0,6}(门店|实体店|分店|店面))|卖)|有.{1,8}卖(吗|么|不|没|嘛)|卖(不卖)?.{1,8}(吗|么|不)[\s,.!?~。]*$)"),
]))
