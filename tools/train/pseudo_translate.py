"""Word-by-word English for Chinese text, by a dictionary in CC-CEDICT's format.

The English is broken, yet a sentence encoder gets most of the meaning, so it serves where there is no translation. Needs nothing but Python and the dictionary (which is not part of this project: CC BY-SA 4.0).
"""
import gzip
import math
import re

_LINE = re.compile(r"\S+ (\S+) \[([^\]]*)\] /(.*)/")
_HAN = re.compile(r"[\u4e00-\u9fff]+|[A-Za-z0-9][A-Za-z0-9.\-]*|[^\s]")
_SKIP = re.compile(r"^(surname |variant of|old variant|see |CL:|Taiwan pr|also written|abbr\. for|used in |\(bound form\)$|erhua variant|Japanese variant|also pr\.|Kangxi|component in|radical)")

# Words whose first dictionary entry is wrong for a shop, and words with little meaning.
OWN = {}
for _pair in """的= 了= 吗=? 呢=? 啊= 吧= 呀= 哦= 哈= 嘛= 么= 着= 过= 得= 地= 个= 件= 款= 只= 把= 被=by 就= 才=only 都=all 也=also 还=still 又=again 再=again 很=very 太=too 真=really 好=good 不=not 没=not 没有=not
有=have 是=is 不是=is not 我=I 我们=we 你=you 您=you 你们=you 他=he 她=she 它=it 这=this 那=that 这个=this 那个=that 这些=these 什么=what 怎么=how 怎么样=how 为什么=why 哪=which 哪里=where 多少=how much 几=how many
谁=who 要=want 想=want 会=will 能=can 可以=can 应该=should 在=at 和=and 跟=with 与=and 或=or 但=but 但是=but 而=and 如果=if 因为=because 所以=so 说=say 用=use 看=look 给=give 让=let 到=arrive 来=come 去=go 买=buy 卖=sell
送=give 发=send 收=receive 退=return 换=exchange 拿=take 做=do 打=hit 亲=dear 亲爱的=dear 快递=delivery 发货=ship the goods 包邮=free shipping 邮费=postage 运费=shipping fee 客服=customer service 好评=good review 差评=bad review
京东=JD 淘宝=Taobao 天猫=Tmall 蒙牛=Mengniu milk 酒店=hotel 房间=room 正品=genuine product 假货=fake product 退货=return goods 退款=refund 换货=exchange goods 价保=price protection 差价=price difference 掉色=colour fades
性价比=value for money 物流=delivery 不错=good 不好=bad 好用=easy to use 好看=pretty 好吃=delicious 难看=ugly 难吃=tastes bad 难用=hard to use 喜欢=like 不喜欢=do not like 满意=satisfied 不满意=not satisfied 失望=disappointed
推荐=recommend 后悔=regret 一般=average 还行=okay 便宜=cheap 贵=expensive 质量=quality 价格=price 颜色=colour 尺码=size 尺寸=size 面料=fabric 衣服=clothes 裤子=trousers 手机=phone 平板=tablet 电脑=computer 屏幕=screen 电池=battery
洗发水=shampoo 头发=hair 味道=smell 包装=packaging 苹果=apple 水果=fruit 新鲜=fresh 坏=broken 烂=rotten 卡=slow 慢=slow 快=fast 大=big 小=small 多=many 少=few 上=up 下=down 里=in 里面=inside 时候=time 时间=time 东西=thing
感觉=feel 觉得=feel 知道=know 问题=problem 服务=service 服务员=waiter 前台=front desk 早餐=breakfast 住=stay 入住=check in 订单=order 下单=place an order 付款=pay 支付=pay 微信=WeChat 支付宝=Alipay 花呗=Huabei credit 借呗=Jiebei loan
微粒贷=Weilidai loan 贷款=loan 借钱=borrow money 还款=repay 额度=credit limit 优惠券=coupon 活动=promotion 赠品=gift 发票=invoice 地址=address 电话=phone number 仓库=warehouse 现货=in stock 有货=in stock 缺货=out of stock 预售=presale
码=size 斤=half kilo 件套=piece set 起球=pilling 色差=colour difference 做工=workmanship 手感=touch 显瘦=slimming 百搭=goes with everything 修身=slim fit 宽松=loose 版型=fit 图案=pattern 风格=style 类型=type 材质=material 裙=skirt
上衣=top 裤=trousers 裙型=skirt shape 衣样式=garment style 客户=customer 一样=same 一下=briefly 一点=a little 一直=always 已经=already 现在=now 今天=today 明天=tomorrow 昨天=yesterday 以后=after 之前=before 非常=very 比较=rather
特别=especially 完全=completely 根本=at all 起来= 出来= 下来= 过来= 有点=a bit 第一次=first time 真的=really 不能=cannot 不会=will not 不要=do not want 不用=no need 不可以=cannot 不知道=do not know 没什么=nothing 没人=nobody
棒=great 差=bad 刚=just 当=when 商家=seller 牌子=brand 不如=not as good as 款式=style 发错=sent the wrong one 漏发=left out 少发=left out 退差价=refund the price difference 合适=suitable 保修=warranty 售后=after-sales service 签收=signed for
黑人=black people 女人=women 男人=men 女权=feminism 歧视=discrimination 种族=race 地域=region 恶心=disgusting 垃圾=garbage 傻逼=idiot 滚=get lost""".split("\n"):
    for _entry in re.split(r" (?=[\u4e00-\u9fff]+=)", _pair):
        _word, _, _english = _entry.partition("=")
        OWN[_word.strip()] = _english.strip()


def clean_gloss(text):
    """The first usable sense of an entry, without remarks, or None."""
    for sense in text.split("/"):
        if _SKIP.match(sense):
            continue
        sense = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", sense).split(";")[0].strip(" ,.")
        sense = re.sub(r"^to ", "", re.sub(r"\b(sb|sth|one's|oneself)\b", "", sense)).strip()
        if 1 < len(sense) <= 40 and not re.search(r"[\u4e00-\u9fff|]", sense):
            return re.sub(r"\s+", " ", sense)
    return None


def load_dictionary(path):
    """{simplified word: short English}; common readings come first where a word has several."""
    words = {}
    with gzip.open(path, "rt", encoding="utf-8") as f:
        for line in f:
            match = _LINE.match(line)
            if not match or not re.fullmatch(r"[\u4e00-\u9fff]{1,6}", match.group(1)):
                continue
            gloss = clean_gloss(match.group(3))
            # Readings with a capital are names; they give way to any other reading.
            name = match.group(2)[0].isupper()
            if gloss and (match.group(1) not in words or (words[match.group(1)][1] and not name)):
                words[match.group(1)] = (gloss, name)
    out = {word: gloss for word, (gloss, _) in words.items()}
    out.update(OWN)
    return out


class Translator:
    """Cuts text into dictionary words by the likeliest split under word frequencies from `texts`, then looks them up."""

    def __init__(self, dictionary, texts):
        self.words = dictionary
        counts = dict.fromkeys(OWN, 1)
        for text in texts:                                       # frequency of every dictionary word as a substring
            for han in re.findall(r"[\u4e00-\u9fff]+", text):
                for i in range(len(han)):
                    for j in range(i + 1, min(len(han), i + 6) + 1):
                        if han[i:j] in dictionary:
                            counts[han[i:j]] = counts.get(han[i:j], 0) + 1
        self.counts = counts
        total = math.log(sum(counts.values()) + 1.0)
        self.cost = {word: total - math.log(n) for word, n in counts.items()}
        self.unknown = total + 2

    def segment(self, han):
        best, back = [0.0] + [1e9] * len(han), [0] * (len(han) + 1)
        for i in range(len(han)):
            for j in range(i + 1, min(len(han), i + 6) + 1):
                cost = self.cost.get(han[i:j], self.unknown if j == i + 1 else 1e9)
                if best[i] + cost < best[j]:
                    best[j], back[j] = best[i] + cost, i
        out, end = [], len(han)
        while end:
            out.append(han[back[end]:end])
            end = back[end]
        return out[::-1]

    def __call__(self, text):
        out = []
        for part in _HAN.findall(text):
            if "\u4e00" <= part[0] <= "\u9fff":
                out += [self.words.get(word, "") for word in self.segment(part)]
            elif part[0].isalnum() and part.isascii():
                out.append(part)
            elif part in "，,；;、：:":
                out.append(",")
            elif part in "。！!？?.…":
                out.append("?" if part in "？?" else ".")
        english = re.sub(r"\s+", " ", " ".join(x for x in out if x))
        return re.sub(r" ([,.?])", r"\1", re.sub(r"([,.?] ?)+(?=[,.?])", "", english)).strip(" ,")
