"""Words that name one subject of the FAQ: that entry answers a message with them, unless it requests an action.

(entry, English pattern, Chinese pattern, and what no message with them may have), the first that matches. Such a guard holds for the
whole message, so it stands before everything: after ".*" a lookahead only sees what follows. NOTHING_DONE in front of them keeps out what a flow has to
look at: order numbers, cancelling, returns, damage.
"""
EN_DONE = (r"\b(cancel\w*|retur?n\w*|refun?d\w*|exchang\w*|swap\w*|broken?|broke|damaged?|crack\w*|complain\w*|send(ing)? (it|this|them)? ?back|missing|wrong|"
           r"lost|stolen|arrive[ds]?|where('s| is| are))\b")
ZH_DONE = "取消|退回|寄回|退货|退款|退钱|换货|换个|坏|破(?!洞(牛仔|裤))|碎(?!花)|(?<![干皲龟])裂|投诉|少了|发错|丢了|到哪|没收到"
NOTHING_DONE = rf"^(?!.*\d{{6}})(?!.*{EN_DONE})(?!.*({ZH_DONE}))"
COUNTRIES = (r"(abroad|overseas|international(ly)?|hong ?kong|kowloon|taipa|penang|johor|kota kinabalu|sabah|sarawak|ipoh|malacca|brisbane|perth|auckland|manchester|glasgow|edinburgh|chicago|macau|macao|singapore|malaysia|kuala lumpur|germany|france|spain|italy|uk|u\.k\.?|england|britain|scotland|wales|"
             r"ireland|london|paris|berlin|madrid|rome|dublin|europe|the eu|portugal|lisbon|netherlands|holland|amsterdam|belgium|luxembourg|switzerland|austria|vienna|denmark|"
             r"norway|oslo|sweden|stockholm|finland|iceland|poland|warsaw|czech(ia| republic)|prague|slovakia|hungary|romania|bulgaria|serbia|croatia|slovenia|greece|athens|cyprus|"
             r"malta|turkey|istanbul|ukraine|russia|moscow|estonia|latvia|lithuania|israel|dubai|the emirates|uae|saudi arabia|qatar|egypt|morocco|nigeria|kenya|south africa|africa|"
             r"usa|u\.s\.?|the (us|states|uk)|america|new york|california|texas|canada|toronto|mexico|brazil|argentina|chile|peru|colombia|australia|sydney|melbourne|new zealand|"
             r"japan|tokyo|korea|seoul|thailand|bangkok|india|delhi|mumbai|pakistan|nepal|sri lanka|indonesia|bali|philippines|manila|taiwan|taipei|vietnam|hanoi|mongolia|"
             r"other countries|another country|my country)")
COUNTRIES_ZH = ("九龙|槟城|柔佛|沙巴|国外|境外|海外|外国|香港|澳门|新加坡|马来西亚|吉隆坡|德国|法国|英国|美国|加拿大|澳大利亚|澳洲|新西兰|日本|东京|韩国|首尔|泰国|曼谷|俄罗斯|台湾|越南|欧洲|国际|"
                "意大利|西班牙|葡萄牙|荷兰|比利时|瑞士|奥地利|丹麦|挪威|瑞典|芬兰|波兰|希腊|土耳其|巴西|墨西哥|阿根廷|印度|菲律宾|迪拜|埃及|南非|非洲")

TOPICS = [
    ("refund-shipping", r"\b(refund\w*|back|return\w*)\b.*\b(shipping|delivery|express) (fee|costs?|charges?)\b|\b(shipping|delivery|express) (fee|costs?|charges?)\b.*\b(refund\w*|back)\b",
     "(运费|快递费|加急费|邮费).{0,8}(退|还)"),
    ("order-cancel", r"\b(refus\w*|reject\w*|turn(ed|ing)? (away|down)|decline) (the |my |a |this |that )?(parcel|package|delivery|courier)\b|\brefuse it\b", "拒收(?!.{0,8}(退款|钱|多久|到账))"),
    ("return-cost", r"\b(return\w*|(send|sending|ship|post|mail)\b.{0,16}\bback)\b.*\b(costs?|fees?|free|pays?|charges?|charged|postage|deduct\w*|expensive)\b|\b(costs?|fees?|free|who pays|pay|charges?|postage)\b.*\b(returns?|returning|(send|sending|ship|post|mail)\b.{0,16}\bback)\b",
     "(退货?|退回|寄回|寄回去).{0,10}(运费|邮费|快递费|要钱|收费|谁出|免费|花钱|费用|收钱)(?!.{0,4}(退|还))|(退货|寄回)?(运费|邮费|快递费|运费险).{0,6}(谁(出|付|承担)|险)"),
    ("return-gift", r"\b(gifts?|presents?)\b.*\b(exchange|return|swap|send (it )?back)\b|\b(exchange|return|swap)\b.*\b(gift|present)\b(?! cards?)", "礼物.{0,8}(退|换)(?!积)"),
    ("return-abroad", rf"\b(return\w*|send (it |this )?back)\b.*\b{COUNTRIES}\b|\b{COUNTRIES}\b.*\b(return\w*|send (it |this )?back)\b", f"(?=.*(退|不合适)).*({COUNTRIES_ZH})"),
    ("exchange-soldout", r"\b(exchange|swap)\b.*\b(sold out|not available|out of stock)\b", "换.*(没货|卖完|没了|缺货)|(没货|卖完|没了|缺货).*换"),
    ("invoice-correct", r"\b(change|correct|wrong|mistake|typo|error|reissue|misspel\w*)\b.*\b(invoices?|bill|receipt)\b|\b(invoices?|bill|receipt)\b.*\b(wrong|mistake|typo|incorrect|error|misspel\w*|"
                       r"(has|have|got|shows?|says|with|to) (my |our |the )?(old|former|previous)|instead of|not (my|our|the right))\b",
     "(发票|票上?|抬头|税号).{0,10}(错|不对|改|换|少)"),
    ("return-excluded", r"\b(opened|used)\b.*\b(creams?|cosmetics?|tea|coffee|food|make-?up|lotion|underwear|socks)\b|\b(creams?|cosmetics?|tea|coffee|food|lotion|underwear|socks)\b.*\b(opened|used)\b",
     "(拆|开|用).{0,4}(面霜|化妆品|茶|食品|护肤|咖啡|内衣|袜)|(面霜|化妆品|茶叶?|食品|护肤品|咖啡|内衣|袜子).{0,4}(拆|开封|用了)"),
    ("return-tried", r"\b(without|no|threw|lost)\b.*\b(box|packaging|carton)\b|\b(wore|worn|tried|try)\b.*\b(once|on|house|home|shoes|clothes)\b", "试(穿|川|了.{0,6}(衣|鞋|裤|穿))|穿了一(下|次)|(没有|没|扔了|丢了).{0,6}(盒|包装|纸箱).{0,8}退|(盒|包装|纸箱).{0,6}(扔|丢|没).{0,8}退"),
    ("gift-card", r"\bgift ?(cards?|vouchers?)\b", "礼品卡|购物卡|储值卡"),
    ("student-discount", r"\b(students?|teachers?|education(al)?|school|uni(versity)?)\b.*\b(discounts?|deals?|off|cheaper|reduc\w*|prices?)\b|"
                         r"\b(discounts?|deals?) for (students?|teachers?)\b", "(学生|老师|教师|教育).*(优惠|折|便宜|价)"),
    ("new-customer", r"\b(new customers?|first (order|purchase|time))\b.*\b(discounts?|coupons?|off|codes?|deals?|vouchers?)\b|\bwelcome (coupon|discount|code|gift)\b",
     "新人|新客|新用户|首单|第一单.*(优惠|折|券|便宜)|第一次.*(优惠|折|券|便宜)"),
    ("referral", r"\b(refer\w*|invit\w*|recommend\w*)\b.*\b(a |my )?friends?\b(?!.*\bgift)", "邀请(好友|朋友)|推荐(给)?朋友|拉新|邀请链接"),
    ("price-protection", r"\bprice (protection|match\w*|guarantee|adjustment)\b|\b(lowest|best) price guarantee|\b(price|it|they)('s)? (dropped|fell|went down|is cheaper now)\b|"
                         r"\bcheaper (now|today|after|somewhere|elsewhere|in another)|\bfound it cheaper\b", "价保|保价|降价|差价|买贵了|最低价"),
    ("wholesale", r"\b(sell|supply|deliver|quote|prices?|discount)\b.{0,12}\b(to|for) (a )?(business(es)?|companies|corporate|trade|restaurants?|hotels?|schools?|resellers?)\b|\b\d{2,5} (pieces|pcs|units)\b|\b(wholesale|bulk|resell\w*|b2b)\b|\b\d{2,4} \w+( \w+)?s for (the|our|my) (office|company|team|school|wedding|event|shop)\b|"
                  r"\b(company|corporate|office) (order|gifts?)\b", "批发|团购|大宗|拿货|企业采购|(公司|单位|学校|婚礼).*[0-9]{2,}(个|件|份|套|只|条)|量大"),
    ("membership", r"\b(gold|silver|leaf) (member\w*|status|card|level)\b|\bmembership\b|\bbecome (a )?(gold|silver|vip)\b", "金卡|银卡|叶卡|会员等级|会员权益|升级会员|vip"),
    ("review", r"\b(reviews?|reveiws?|rating)\b", "评价|评论|晒图|晒单|打分|追评"),
    ("points", r"\b(my|earn\w*|collect\w*|redeem|use|how many|get|expire|bonus|loyalty|reward|pay with|hundred|\d+)\b.*\bpoints\b|\bpoints\b.*\b(worth|expire|balance|earn\w*|collect\w*|left|use)\b", "积分"),
    ("engraving", r"\bengrav\w*|\bpersonali[sz]\w*|\b(put|print|write) (a|my|her|his) (name|initials) on\b", "刻字|刻名|定制名字|刻个"),
    ("gift-wrap", r"\b(gift[ -]?wrap\w*|wrap(ped|ping|s)?|greeting card|(?<!tea )gift box)\b", "(礼品|礼物|生日|送人|送礼).{0,12}包(装|庄|一下)|贺卡|礼盒包装|包装成礼"),
    ("shipping-duties", r"\b(customs|(?<!on )duty|duties|import (tax(es)?|vat)|wants tax)\b", "关税|清关|进口税|海关|问我要税"),
    ("voltage", rf"\b(work|works|working|use|used|usable|using|plug|plugged|run|runs|compatible|charge)\b.{{0,30}}\b{COUNTRIES}\b|\b{COUNTRIES}\b.{{0,16}}\b(plugs?|sockets?|outlets?|mains)\b|\b(voltage|volts?|110 ?v|220 ?v|hertz|hz|plug type|(what|which) plug|adapter)\b", f"电压|(?<!蛰|埋|起|蹲)伏(?!击|笔)|插头|转换头|(?<!退)(带|拿)?(去|到|在)({COUNTRIES_ZH}).{{0,6}}(能|可以)?(用|使用|充电|插)(?!券)"),
    ("preorder", r"\bpre-?orders?\b", "预售|预定款|预购"),
    ("shipping-remote", r"\b(xinjiang|tibet|qinghai|gansu|ningxia|inner mongolia|remote (areas?|regions?)|lhasa|urumqi)\b", "拉萨|乌鲁木齐|新疆|西藏|青海|甘肃|宁夏|内蒙|偏远"),
    ("shipping-abroad", rf"\b(ship|send|sending|deliver\w*|shipping|postage|post|parcels?|packages?)\b.*\b{COUNTRIES}\b|\b{COUNTRIES}\b.*\b(ship|send|deliver\w*|shipping|postage|post)\b",
     f"(寄|发|送|邮|运).{{0,12}}({COUNTRIES_ZH})|({COUNTRIES_ZH}).{{0,16}}(寄|发货|发吗|送|邮|运)", r"\b(moved|update|instead|suit|(change|new|wrong|other|another|different) (delivery |shipping )?address)\b|(改|换|填|错).{0,4}地址|地址.{0,6}(改|换|错)|改寄|搬|不合适"),
    ("shipping-express", r"\b(express|next[ -]day|same[ -]day|overnight|rush) (shipping|delivery|order|post)\b|\b(faster|quicker) (way of )?(shipping|delivery)\b|\bhave it (by )?tomorrow\b",
     "加急(?!.*(还|退))|次日达|当日达|隔日达|特快"),
    ("delivery-locker", r"\b((parcel |pick-?up )(lockers?|stations?|points?)|lockers?)\b(?!.*\b(how long|kept|days)\b)", "快递柜|驿站(?!.*(几天|多久|保存|没|找不到))|自提柜|自提点|丰巢|代收点"),
    ("store-pickup", r"\b(collect|pick(ed)? ?(it|them|my order)? ?up|fetch)\b.*\b(shop|store|myself|in person)\b|\b(physical|real|brick[\w -]*) (store|shop)\b|\bin-?store\b|"
                     r"\b(showroom|branch|branches)\b|\bcollect it from\b|\byour (shop|store) in\b",
     "自提|(自己|亲自).{0,6}(拿|取|提)|实体店|门店|分店|线下店|(有没有|有).{0,4}你们的店", r"\b(parking|dogs?|wheelchair|ramp)\b|停车|坡道|狗|宠物|轮椅"),
    ("delivery-missed", r"\b(pick-?up|collection|locker|parcel)[- ](code|number|pin)\b(?!.*\btrack)|\b(not (be )?(at )?home|nobody('s| is)? (at )?home|no one('s| is)? home|miss(ed)? the (delivery|courier)|be (in|home|there) when (it|they|the))\b",
     "取件码|取货码|提货码|(家里|家)没人|不在家|没人(收|在家)|错过.{0,4}(派送|快递)"),
    ("delivery-signature", r"\b(sign(ature)? (for|on)|(leave|left) it (at|by|with)|at the door|neighbou?r (accept|take|receive)|front door)\b", "放.{0,3}门口(?!.*(哪|没))|代签|代收|本人签收|必须签收"),
    ("delivery-large", r"\b(upstairs|(1st|2nd|3rd|4th|5th|first|second|third|fourth|fifth) floor|carry it up|no lift|no elevator)\b", "上楼|[一二三四五六0-9]楼|没电梯|搬上"),
    ("assembly", r"\b(assembl\w*|put (it )?together|tools and instructions|tools included|set it up for me)\b", "工具.{0,4}说明书|安装|组装|自己装|帮(我)?装"),
    ("payment-instalments", r"\b(instal+ments?|pay (a bit |some )?(later|monthly|every month|each month|over time)|klarna|afterpay|in (3|three|6|six) (parts|payments))\b|"
                            r"\bpay\b.*\b(every|each|per) month\b", "分期|花呗|白条|每个?月付|按月付|月付"),
    ("payment-cod", r"\b(cash on delivery|cod|pay (on|at|upon) (delivery|arrival|the door)|pay (cash|the (courier|driver)))\b", "货到付款|到付|收到货再付|先收货"),
    ("payment-double", r"\b(charged|paid|took|taken|left|debited|billed)\b.*\b(twice|two times|double|2 times|again)\b|\b(double|duplicate|second) (charge|payment|charged)\b",
     "(扣|付|收|刷).{0,5}(两次|两笔|两遍|二次|双份|重复)|重复(扣|付)"),
    ("payment-security", r"\b(safe|secure|security)\b.*\b(pay\w*|card|website|site)\b|\b(pay\w*|card)\b.*\b(safe|secure|encrypted)\b", "(付款|支付|银行卡|卡号).{0,6}(安全|加密|靠谱)|安全.{0,4}(付款|支付)"),
    ("payment-failed", r"\b(error|declin\w*|refus\w*|reject\w*|fail\w*)\b.*\b(pay\w*|card|visa|transaction|checkout)\b|\b(pay\w*|card|visa|transaction|checkout)\b.*\b(error|declin\w*|refus\w*|reject\w*|"
                       r"fail\w*)\b", "(卡|结账|付款|支付|交易).{0,8}(报错|失败|被拒|出错|不了)"),
    ("payment-methods", r"(?=.*\b(pay\w*|accept\w*|take|takes|use|settle|checkout|okay|fine|possible|methods?|options?)\b)\b.*\b(paypal|apple pay|google pay|alipay|wechat( pay)?|unionpay|visa|mastercard|amex|american express|credit cards?|debit cards?|bank transfer|cheques?|"
                        r"bitcoin|cash|payment (methods?|options?)|ways? (of|to) pay\w*)\b(?!.*\b(declin\w*|fail\w*|reject\w*|work|refus\w*|error)\b)",
     "(支付宝|微信|信用卡|银联|visa|paypal|银行转账|现金|比特币).{0,8}(付|支付|行|可以|能|收|用|吗)|(能用|可以用|支持|收).{0,6}(支付宝|微信|信用卡|银联|visa|paypal|现金|比特币)|付款方式|支付方式|怎么付款|怎么付钱"),
    ("shipping-carriers", r"\b(choose|which|what|select) (the |your )?(courier|carrier|delivery company|shipping company)\b|\bwho (delivers|brings)\b", "(选|指定|哪家|什么|哪个)(快递|物流)(公司)?"),
    ("order-unpaid", r"\b(never|not|didn'?t|haven'?t|don'?t|forgot to) pa(y|id)\b.*\b(order|thing|basket|cart|yet|happens?)\b|\bunpaid order\b", "(没|未|不)(有)?(付款|付钱|付).{0,10}(会|怎|多久|取消|保留)|一直没付"),
    ("order-guest", r"\b(as (a )?guest|guest (checkout|order)|without (an )?(account|register\w*|sign\w*))\b", "游客|不注册|不用注册|没有账号.{0,4}(买|下单)"),
    ("order-confirmation", r"\b(no|not|never|didn'?t|haven'?t)\b.*\b(order )?confirmation( e-?mail)?\b|\bconfirmation( e-?mail)?\b.*\b(not|never|didn'?t|missing)\b", "确认(邮件|通知|信)"),
    ("newsletter", r"\b(newsletter|unsubscribe|mailing list|spam|adverts?|ads|advertising|marketing e-?mails?|promotional)\b|\b(stop|not|don'?t) (send\w*|e-?mail\w*) (me )?(any|more|another|"
                   r"e-?mails?)\b", "广告|退订|推销|营销(短信|邮件)|促销(短信|邮件)|订阅|别.{0,4}发(邮件|短信)"),
    ("password", r"\b(pas+wor[dk]s?|passwrd|pwd|log ?in|sign in)\b.*\b(forg\w*|lost|reset|change|can'?t|not|link|wrong|locked)\b|\b(forg\w*|lost|reset|can'?t|cannot)\b.*\b(pas+wor[dk]|log ?in|sign "
                 r"in)\b|\baccount (is )?locked\b", "密码|密马|登录不|登不上|登不进|登陆不|账号被锁"),
    ("account-delete", r"\bget rid of\b.{0,16}\b(account|profile)\b|\b(delet\w*|clos\w*|eras\w*|remov\w*|deactivate)\b.*\b(account|profile|my data)\b|\b(my (data|account)|account)\b.*\b(deleted|erased|closed)\b|right to be forgotten", "注销|销号|删(除)?(账|号|我的数据)|关闭账"),
    ("account-edit", r"\b(old|new|change|update)\b.{0,12}\b(phone|number|e-?mail|sim|name)\b.*\baccount\b|\baccount\b.*\b(old|new|change|update)\b.{0,12}\b(phone|number|e-?mail|name)\b|"
                     r"\bnew (sim|phone number)\b", "换.{0,3}(手机号|号码|邮箱)|(手机号|邮箱).{0,4}(换|改|旧)"),
    ("address-book", r"\b(address book|default address|second address|several addresses|save (my|an|a new) address)\b", "默认地址|地址簿|(添加|新增|保存).{0,4}地址"),
    ("privacy", r"\b(privacy|personal (data|information)|gdpr|my data)\b", "隐私|个人信息|我的(数据|资料|信息)",
     r"\b(update|change|correct|edit|delet\w*|eras\w*|clos\w*|wrong|mistake)\b|改|更新|完善|删|注销"),
    ("care", r"\b(wash\w*|tumble|dry clean\w*|iron(ing)?|machine[ -]wash\w*|care instructions|shrink)\b(?!.*\b(hand|face|body) (cream|wash)\b)", "(怎么|可以|能).{0,4}洗|机洗|手洗|水洗|缩水|洗护",
     r"\b((?<!in the )(?<!in a )(?<!in my )washing machines?(?! (safe|proof))|dishwashers?|humidifiers?|kettles?|keyboards?|headphones|earphones|grinders?|stoves?|speakers?|tents?|lamps?|flasks?|pans?|mugs?|power ?banks?|face wash|body wash)\b|"
     "加湿器|水壶|键盘|耳机|磨豆机|炉|锅|保温杯|台灯|音箱|充电宝|洗衣机(?!(能|可以)?洗)|洗碗机|洗面|洗手液|洗发"),
    ("toy-age", r"\b(ok|okay|fine|safe|suitable|good)\b.{0,16}\b\d ?(yo|y/o|yrs?|years?)\b|\b(ok|okay|fine|safe|suitable|right|good|appropriate|alright|play\w*|too (young|old))\b.{0,24}\b(\d{1,2}|one|two|three|four|five|six)[ -]?(years?|yrs?|months?|yo|y/o)[ -]?(olds?)?\b|\b(minimum|recommended|what|which|from what) age\b(?!.*\b(tea|coffee|account|sign up|register)\b)|\b(small parts|choking hazard)\b|\b(\d|one|two|three|four|five|six)[ -]?(years?|yrs?|months?)?[ -]?(olds?)\b.*\b(toys?|blocks|puzzles?|play\w*|safe|game)\b|\b(kid|son|daughter|child|baby|toddler)\b.*"
                r"\b(toys?|blocks|puzzles?|play with)\b", "([0-9一二两三四五]岁|宝宝|娃|孩子).{0,12}(积木|玩具|拼图|玩|骑|平衡车)|(平衡车|积木|玩具|拼图|彩泥|风筝).{0,8}(几|[0-9一二两三四五六])岁"),
    ("skin", r"\b(sensitive skin|ingredients|animal test\w*|tested on animals|perfume|unscented|vegan cream)\b", "敏感肌|敏感皮肤|成分|动物实验|无香"),
    ("shelf-life", r"\b(best[ -]before|shelf life|expir\w* date|(tea|coffee|beans|earl grey|oolong|jasmine|espresso|matcha|leaves)\b.{0,20}\b(keep|stay|last|good)\b.{0,20}\b(open(ed)?|for|fresh|long)|how long\b.{0,16}\b(tea|coffee|beans|earl grey|oolong|jasmine|leaves)\b.{0,12}\b(keep|stay|last|good)|(keep|store|last|fridge|go off)\b.*\b(tea|coffee|beans)|(tea|coffee|beans)\b.*\b(keep|fridge|go off|last))\b", "保质期|(茶|咖啡).{0,6}(放多久|保存|过期)|开封.{0,6}(多久|几天|放)"),
    ("authentic", r"\b(legit(imate)?|(the )?real (deal|thing|ones?|brand)|replicas?|imitations?|made (in|where)|where (is|are|was|were) (this|these|it|they|your \w+|the \w+) (made|produced|from|manufactured)|country of origin|rip-?offs? of|genuine|authentic|originals?|fakes?|copies|counterfeits?|knock-?offs?)\b", "正品|真货|假货|仿的|高仿|山寨|原装|是真的(吗|嘛|么|还是)|哪里(产|生产|做)的|产地"),
    ("packaging", r"\b(eco[ -]?friendly|environment\w*|recycl\w*|plastic[ -]free|less packaging)\b", "环保|再生|(包装|盒子|箱子).{0,4}回收|少.{0,3}包装|简约包装"),
    ("repair", r"\b(repair\w*|stopped working|(died|dead|kaputt?|doesn'?t (turn on|work)) after)\b|\bdied\b.*\b(months?|weeks?|year)\b", "维修|修(一下|理)|怎么修|(用了|才用).{0,8}(不动|不工作|不加热|没反应|不亮|不转)"),
    ("warranty", r"\b(warrant\w*|guarantees?)\b(?!.*\b(that|it|delivery|arriv\w*|come|price)\b)", "保修|质保"),
    ("size-advice", r"\bsize (chart|table|guide)\b|\b(what|which) size\b|\b\d{3} ?(cm)?\b.*\b\d{2,3} ?(kg|kilos?)\b", "尺码表|尺寸表|(什么|多大|哪个|啥|几)码|1[4-9][0-9].{0,8}[0-9]{2,3}(kg|公斤|斤)"),
    ("coupon-problem", r"\b(coupons?|vouchers?|promo|discount|codes?)\b.*\b(not|doesn'?t|won'?t|isn'?t|can'?t|cannot|invalid|expired|refus\w*|fail\w*|error)\b|\b(can'?t|cannot|invalid|not|won'?t)\b.*\b(coupons?|vouchers?|promo|codes?)\b", "(券|优惠码|折扣码|红包).{0,8}(用不了|不能用|无效|失效|过期|没反应|不减)"),
    ("coupon-use", r"\b(promo codes?|coupons?|vouchers?|discount codes?)\b", "优惠码|优会码|优惠券|折扣码|券怎么|用券|满减"),
    ("shipping-fee", r"\b(postage|shipping|delivery|shiping)\b.*\b(costs?|fees?|charges?|price|free|much|expensive)\b|\b(costs?|fees?|charges?|price|free|how much|wats?|what'?s)\b.*\b(postage|shipping|delivery|"
                     r"shiping)\b", "运费|邮费|邮废|快递费|包邮|免邮|運費"),
]


# Patterns that say more than the nearest question of the knowledge base, which has to be all but the same to come before them.
FRIENDS_ZH = "(同学|同事|朋友|好友|亲戚|室友|闺蜜|别人|新人)"
TELL_ZH, GAIN_ZH = "(推荐|介绍|分享|安利|邀请|拉)(给|了|过)?", "(好处|奖励|优惠|券|返|送(啥|什么))"
CERTAIN = [
    ("referral", r"\bwhat do (i|we) get\b.{0,16}\b(refer|recommend|invit|bring)\w*\b.{0,24}\b(friends?|colleagues?|someone|somebody|people|classmates?)\b",
     f"给?{FRIENDS_ZH}{TELL_ZH}(你们)?.{{0,6}}{GAIN_ZH}|{TELL_ZH}.{{0,8}}{FRIENDS_ZH}.{{0,10}}{GAIN_ZH}"),
    ("account-edit", r"\b(wrong|mistyped|mistake in|typo in|misspelt|misspelled)\b.{0,16}\b(e-?mail( address)?|phone number)\b|\b(e-?mail( address)?|phone number)\b.{0,12}\b(is |was )?(wrong|mistyped|incorrect|misspelt|misspelled)\b", "(邮箱|手机号?|电话).{0,4}(填|写|打|输)(错|反)"),
    ("preorder", r"\bpre-? ?order(s|ed)?\b", "预售|预购"),
    ("privacy", r"\b(do|doing|happens?|use|using|keep|store|stored|storing|save|saving|share|sharing|sell|selling|pass)\b.{0,16}\bmy (phone( number)?|number|e-?mail( address)?|data|details|information|info|card( number)?|id)\b(?!.*\b(change|update|delete|wrong)\b)", "(存|保存|泄露|出卖|卖掉|共享|拿).{0,4}我的?.{0,4}(身份证|信息|号码|手机号|电话|数据|资料|隐私|银行卡)"),
    ("newsletter", r"\b(don'?t|do not|never|quit|no more) (e-?mail\w*|text\w*|call\w*|messag\w*|contact\w*|spam\w*|bother\w*)( to)? me\b(?!.*\b(until|back|about my)\b)|\bno more (e-?mails|mails|texts|messages|ads|spam)\b", ""),
    ("delivery-missed", r"\b((delivery|parcel|dpd|ups|redkite) (fella|guys?|man|lady|person|driver|dude|lad|bloke)|courier|drivers?|postie|postman|mailman)\b.{0,40}\b(legged|drove (off|away)|went away|was gone|ran off|left (before|a card|a note|without)|buggered off|didn'?t (ring|knock|wait|call|buzz|even)|never (rang|knocked|called|buzzed)|says? (i|nobody|no one) (was|wasn'?t|wasnt|not))\b", "(快递|小哥|派送|骑手|送货).{0,10}(没打电话|没敲门|没按(门)?铃|就走|说(我|家里)(不在|没人)|跑了|没等)"),
    ("order-confirmation", r"\b(no|not|never|didn'?t|haven'?t|hasn'?t)\b.{0,24}\b(e-?mail|mail|message)\b.{0,30}\b(order|ordering|buying|purchase|bought|paying)\b", "(下单|下完单|买完|付完|拍完|付款后|订完).{0,8}(没|没有|未)(收到|有|来).{0,4}(邮件|短信|通知|确认)"),
    ("refund-shipping", r"\brefund\w*\b.*\b(includ\w*|cover\w*|with|plus|without|minus|less)\b.{0,12}\b(postage|shipping|delivery)\b|\b(postage|shipping|delivery)\b.{0,20}\b(refund(ed|able)|given back|paid back)\b", ""),
    ("shipping-express", r"\b(how (long|fast|much|quick)|cost|price|available|possible|offer|do you (have|do))\b.{0,20}\bexpress\b|\bexpress\b.{0,16}\b(take|cost|arrive|available|possible|to)\b", ""),
    ("payment-failed", r"\b(card|bank|payment)\b.{0,12}\b(said|says|saying) no\b|\bcard\b.{0,10}\b(won'?t|doesn'?t|didn'?t|isn'?t|not|keeps) (go|work\w*|accepted|through|failing|being)\b", ""),
    ("newsletter", r"\bstop (calling|texting|phoning|messaging|spamming|bothering|contacting|e-?mailing|writing)( me| us)?\b(?! until)", "别再?(给我)?(打电话|打扰|骚扰)"),
    ("order-place", r"\b(order|buy|purchase)\b(?!.*\b(my|the|this) order\b).*\b(by|over the|via|through|on the) (phone|telephone|e-?mail|fax|whatsapp|letter)\b(?!.*\b(number|link)\b)", "(电话|微信|邮件)(里|上)?(下单|订购|订货)"),
    ("size-advice", r"\b(should|shall|would|do) (i|you|we) .{0,24}\b(size|sizing)\b.{0,12}\b(up|down|bigger|smaller|larger)\b|\b(should|shall|do) (i|we) (order|take|get|buy|choose|go for|need|go) .{0,24}\b(size|bigger|smaller|larger|a (s|m|l|xl))\b|"
                    r"\b(run|runs|fit|fits) (small|large|big|true|tight|wide)\b", "偏(大|小)(吗|不)|(该|应该|要)(买|拍|选|订).{0,4}(大|小)(一)?(号|码)"),
    ("account-create", r"^(?!.*\b(coupon|code)\b).*\b(e-?mail|phone number|user ?name)\b.{0,24}\b(already|in use|taken|exists?|registered)\b", "(邮箱|手机号?|用户名).{0,6}(已(经)?(被)?(注册|使用|占用)|被(注册|占用))"),
]
BEFORE_RETURNS = ("order-cancel", "return-cost", "return-excluded", "return-tried", "return-gift", "return-abroad", "refund-shipping", "exchange-soldout", "invoice-correct")
NEARLY_SAME = 0.95
SURE = 0.5   # what the knowledge base finds with this probability is right more often than these patterns


def rule(before, topic, entry_first):
    """The rule of a topic: what no message may have, and then its patterns."""
    entry, en, zh, *never = topic
    guard = before + "".join(f"(?!.*({words}))" for words in never)
    return {"pattern": f"{guard}.*({'|'.join(p for p in (en, zh) if p)})", "entry": entry, "entry_first": entry_first}


NO_NUMBER = r"^(?!.*\d{6})"


def certain_rules():
    """Of CERTAIN, before all other questions."""
    return [rule(NO_NUMBER, topic, NEARLY_SAME) for topic in CERTAIN]


def return_rules():
    """What is returned under which conditions: rules before those of returns in general."""
    return [rule(NO_NUMBER, topic, SURE) for topic in TOPICS if topic[0] in BEFORE_RETURNS]


def topic_rules():
    """Rules of flows.json that lead to an entry."""
    return [rule(NOTHING_DONE, topic, SURE) for topic in TOPICS if topic[0] not in BEFORE_RETURNS]
