"""Short reviews made from parts, in English and Chinese, written in parallel for this project (MIT, like the rest of it).

They teach what is rare in long reviews: negation ("not bad at all", "买了不后悔"), praise and criticism in one review, and
lukewarm opinions. Each list has pairs of patterns with the same meaning; `(a|b|c)` is one choice, {product} and {aspect} are
filled alike on both sides.
"""
import random

from shop_data import expand
from shop_parallel import PRODUCTS

ASPECTS = [tuple(p.replace("_", " ").split("=")) for p in (
    "quality=质量 delivery=物流 packaging=包装 price=价格 colour=颜色 fabric=面料 size=尺码 material=材质 design=设计 style=款式 smell=味道 battery=电池 screen=屏幕 sound=声音 "
    "customer_service=客服 workmanship=做工 fit=版型 taste=口感 camera=摄像头 finish=手感 look=外观 service=服务").split()]

# Of one aspect. {aspect} is filled.
GOOD_ASPECT = [
    ("the {aspect} is (great|excellent|very good|really good|perfect)", "{aspect}(很好|非常好|真好|特别好|很棒|不错|没得说)"),
    ("(I am happy with|I like|I love) the {aspect}", "{aspect}(我很满意|很喜欢|让人满意)"),
    ("the {aspect} is (not bad at all|nothing to complain about|hard to fault)", "{aspect}(一点都不差|真不错|挑不出毛病|没什么可挑剔的|无可挑剔)"),
    ("the {aspect} (did not disappoint|never disappoints|is better than expected)", "{aspect}(没有让我失望|从不让人失望|比想象的好|超出预期)"),
    ("(there is nothing wrong with|I have no complaints about) the {aspect}", "{aspect}(没有任何问题|没毛病|没话说)"),
    ("I could not be happier with the {aspect}", "{aspect}再满意不过了"),
]
BAD_ASPECT = [
    ("the {aspect} is (terrible|awful|very bad|poor|really bad)", "{aspect}(很差|太差了|非常差|真差|糟糕|差劲)"),
    ("(I am unhappy with|I do not like|I hate) the {aspect}", "{aspect}(我很不满意|不喜欢|让人失望)"),
    ("the {aspect} is (not good|not great at all|far from good|nowhere near good)", "{aspect}(不好|一点都不好|不怎么样|不敢恭维|谈不上好)"),
    ("the {aspect} is (worse than expected|a disappointment|disappointing|a let-down)", "{aspect}(比想象的差|太让人失望|令人失望|不如预期)"),
    ("the {aspect} could not be worse", "{aspect}差得不能再差"),
    ("(nothing about the {aspect} is good|the {aspect} leaves much to be desired)", "{aspect}(没有一点好|有待改进|没有一处满意)"),
    ("the {aspect} is not what was promised", "{aspect}(跟描述的不一样|和宣传的不符)"),
]
LUKEWARM_ASPECT = [
    ("the {aspect} is (okay|so-so|average|acceptable|ordinary|nothing special)", "{aspect}(一般|一般般|还行|凑合|马马虎虎|普普通通|中规中矩)"),
    ("the {aspect} is neither good nor bad", "{aspect}(不好不坏|说不上好也说不上坏)"),
    ("the {aspect} is (fair for the price|what you pay for)", "{aspect}(一分钱一分货|对得起这个价|这个价位就这样)"),
]
# Of the whole. {product} is filled.
GOOD = [
    ("I (love|really like|like) this {product}", "(这个|这款){product}(我很喜欢|太喜欢了|真心喜欢)"),
    ("(highly recommended|I highly recommend it|strongly recommended)", "(强烈推荐|非常推荐|力荐|值得推荐)"),
    ("I (can not|cannot|can't) recommend (this|this {product}|it) (enough|highly enough)", "(怎么推荐都不为过|推荐一万遍都不够|没有理由不推荐)"),
    ("(no regrets|I do not regret buying it|you will not regret it|I don't regret it at all)", "(买了不后悔|不后悔买它|入手不亏|一点都不后悔|你不会后悔的)"),
    ("(worth every penny|well worth the money|great value for money)", "(物超所值|每一分钱都值|很值|性价比高)"),
    ("(I will buy it again|I would buy it again without hesitation|my second one already)", "(还会再买|下次还来|会回购|已经回购了|毫不犹豫再买)"),
    ("(it works perfectly|works like a charm|works flawlessly)", "(用起来很完美|非常好用|很好用|用着顺手)"),
    ("not (bad|bad at all|a bad buy|a bad choice)", "(不错|真的不错|还真不错|挺不错的|不赖)"),
    ("I was not disappointed( at all|)", "(没有失望|没让我失望|一点也没失望)"),
    ("(nothing to complain about|no complaints|no complaints whatsoever|nothing bad to say)", "(没什么可抱怨的|没毛病|挑不出毛病|没有什么不满意)"),
    ("I have (never|not) (had|owned) a better {product}", "(没用过比这更好的{product}|从没买过这么好的{product})"),
    ("(it could not be better|couldn't be better|I couldn't ask for more)", "(好得没话说|再好不过了|没有比这更好的了)"),
    ("I (was worried at first but it is great|had doubts but they were wrong)", "(本来还担心，结果很好|开始有点怀疑，收到很惊喜)"),
    ("no problems (so far|at all|whatsoever) after {days} (weeks|months)", "用了{days}个(星期|月)没有任何问题"),
    ("(what is not to like|I don't know why some people complain, mine is perfect)", "(没理由不喜欢|不明白为什么有人给差评，我的很好)"),
    ("(five stars|full marks|ten out of ten)", "(五星好评|满分|给满分|必须好评)"),
    ("do not hesitate to buy it", "(不要犹豫，买就对了|别犹豫了，快买|闭眼入)"),
    ("(no other {product} comes close|no {product} is as good as this)", "(没有别的{product}能比|别家的{product}都比不上)"),
    ("it has not let me down (once|yet)", "(一次都没掉过链子|从来没出过问题)"),
    ("I (only wish|just wish) I had bought it (earlier|sooner)", "(后悔没早点买|相见恨晚|只恨买晚了|应该早点买)"),
    ("I can't (stop using it|live without it|fault it)", "(离不开它了|爱不释手|根本停不下来)"),
    ("it arrived (quickly|the next day) and is exactly as described", "(很快|第二天)就到了，跟描述(一样|一致)"),
    ("never (buying|using) any other {product} again, this one is perfect", "再也不用别的{product}了，这个太好了"),
]
BAD = [
    ("I (hate|really dislike|do not like) this {product}", "(这个|这款){product}(我很不喜欢|太讨厌了|不喜欢)"),
    ("(not recommended|I do not recommend it|I can not recommend it|I would not recommend this {product})", "(不推荐|不推荐购买|没法推荐|千万别买|不建议购买)"),
    ("(I regret buying it|I regret this purchase|big regret|I wish I had not bought it)", "(后悔买了|非常后悔|买了就后悔|后悔死了|早知道不买了)"),
    ("(not worth the money|a waste of money|do not waste your money|save your money)", "(不值|不值这个价|浪费钱|别浪费钱|白花钱)"),
    ("(I will never buy it again|never again|I won't buy from here again)", "(不会再买|再也不买了|绝对没有下次|不会回购|以后不来了)"),
    ("(it does not work|it never worked|stopped working after {days} days|broke after {days} days)", "(用不了|根本不能用|用了{days}天就坏了|没用几天就坏了)"),
    ("(not good|not good at all|no good|not great at all)", "(不好|一点都不好|真不好|不好用|很不好)"),
    ("(I was not happy|I am not satisfied|I'm not impressed|not happy with it at all)", "(不满意|很不满意|一点也不满意|没有满意的地方)"),
    ("(very disappointed|what a disappointment|disappointed to say the least)", "(太失望了|非常失望|令人失望|失望透顶)"),
    ("it is (nothing like|not like|nothing as good as) the (picture|description)", "(跟图片不一样|和描述不符|与图片差太多|没有图片上好看)"),
    ("I (expected better|expected more|thought it would be better)", "(以为会更好|期望太高了|本以为会很好，结果很差)"),
    ("(one star is too many|zero stars if I could|I would give zero stars)", "(一星都嫌多|给零分|差评|必须差评|一颗星都不想给)"),
    ("(it looked good at first but it broke soon|it was fine for a week and then it died)", "(看着挺好，没几天就坏了|开始还行，一周后就不行了)"),
    ("nobody (answers|helps|replies), I want my money back", "(没人理|客服不回复|联系不上)，我要退款"),
    ("(don't believe the good reviews|the good reviews are fake)", "(别信那些好评|好评都是刷的|好评是假的)"),
    ("(I would not buy it even for half the price|not even worth half the price)", "(半价都不值|白送都不要|倒贴钱都不要)"),
    ("there is nothing good about (it|this {product})", "(没有一个优点|没有一点好的地方|一无是处)"),
    ("I sent it (straight back|back the same day)", "(直接退货了|当天就退了|果断退货)"),
    ("it is no better than the (cheap|cheapest) ones", "(还不如便宜的|不比地摊货好|跟地摊货一样)"),
    ("(perfect if you like broken things|great, it broke on the first day|thanks for nothing)", "(真行，第一天就坏了|呵呵，第一次用就坏|服了，刚拆开就坏了)"),
    ("I have never (had|seen|bought) (such a bad|a worse) {product}", "(没见过这么差的{product}|从没买过这么差的{product}|最差的{product})"),
    ("it is not as (good|nice|soft) as (before|described|they say)", "(没有以前好了|不如以前|没有说的那么好)"),
]
LUKEWARM = [
    ("(it is okay|it's okay|it is ok|okay|it's fine I guess|it's alright)", "(还行|还可以吧|还好|凑合|凑合用|将就)"),
    ("(average|nothing special|so-so|mediocre|just average)", "(一般|很一般|一般般|普通|没什么特别|马马虎虎)"),
    ("(neither good nor bad|not good, not bad)", "(不好不坏|不算好也不算坏|中等水平)"),
    ("(it does the job, nothing more|it does what it should, no more)", "(能用而已|也就能用|勉强能用)"),
    ("(I have mixed feelings|I am not sure what to think|I am in two minds about it)", "(有好有坏|说不好|不知道怎么评价|有点纠结)"),
    ("(three stars|3 out of 5)", "(三星吧|给三星|中评)"),
    ("(it is what it is for the price|you get what you pay for)", "(一分价钱一分货|这个价就这样吧|便宜货也就这样)"),
    ("(not as good as I hoped but not bad either|could be better, could be worse)", "(没有想象的好，但也不差|比上不足比下有余)"),
    ("(I have not used it yet|only just arrived, cannot say yet|I will see how long it lasts)", "(还没用，不知道怎么样|刚收到，还没试|先用用看|用了再来评价)"),
]
_BUT = [(", but ", "，但是"), (", but ", "，但"), (". However, ", "，不过"), (", although ", "，虽说"), (" but ", "，可惜"), (". Unfortunately, ", "。可是"), (", on the other hand ", "，另一方面")]
_AND = [(", ", "，"), (" and ", "，"), (". ", "。"), (", ", "，"), ("! ", "！")]
_END = [(".", "。"), ("", ""), ("!", "！"), (".", ""), ("", "。")]
_NAME = [("", ""), ("", ""), ("Bought this {product}: ", "买了这个{product}，"), ("About the {product}: ", "关于{product}，"), ("My {product}: ", "我的{product}："), ("Received the {product}. ", "收到{product}了，")]

POSITIVE, NEGATIVE, MIXED = "positive", "negative", "mixed"


def _part(rng, whole, by_aspect, share):
    """One pair of patterns, {aspect} filled."""
    if rng.random() < share:
        return rng.choice(whole)
    english, chinese = rng.choice(by_aspect)
    aspect = rng.choice(ASPECTS)
    return english.replace("{aspect}", aspect[0]), chinese.replace("{aspect}", aspect[1])


def _joined(parts, joints):
    """Patterns of one language a side, joined."""
    english, chinese = parts[0]
    for (e, c), (between_e, between_c) in zip(parts[1:], joints):
        if not between_e.endswith((". ", "! ")):
            e = e[0].lower() + e[1:] if not e.startswith(("I ", "I'")) else e
        english, chinese = english + between_e + e, chinese + between_c + c
    return english, chinese


def review(rng):
    """(English, Chinese, label): one made-up review in both languages."""
    roll = rng.random()
    if roll < 0.36:
        label, lists = POSITIVE, (GOOD, GOOD_ASPECT)
    elif roll < 0.72:
        label, lists = NEGATIVE, (BAD, BAD_ASPECT)
    else:
        label, lists = MIXED, (LUKEWARM, LUKEWARM_ASPECT)
    if label == MIXED and rng.random() < 0.6:
        sides = [_part(rng, GOOD[:8], GOOD_ASPECT, 0.15), _part(rng, BAD[:8], BAD_ASPECT, 0.15)]
        rng.shuffle(sides)
        pair = _joined(sides, [rng.choice(_BUT)])
    else:
        parts = [_part(rng, *lists, 0.75) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
        pair = _joined(parts, [rng.choice(_AND) for _ in parts])
    before, after = rng.choice(_NAME), rng.choice(_END)
    english, chinese = (before[0] + pair[0] + after[0], before[1] + pair[1] + after[1])
    product, days = rng.choice(PRODUCTS), str(rng.choice([2, 3, 5, 6, 10]))
    english = expand(rng, english).format(product=product[0], days=days)
    chinese = expand(rng, chinese).format(product=product[1], days=days)
    if rng.random() < 0.7:
        english = english[0].upper() + english[1:]
    return english, chinese, label


def reviews(count, seed):
    """`count` different made-up reviews, as review() gives them."""
    rng, out, seen = random.Random(seed), [], set()
    while len(out) < count:
        row = review(rng)
        if row[0] not in seen and row[1] not in seen:
            seen.update(row[:2])
            out.append(row)
    return out
