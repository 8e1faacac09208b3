"""Customers' opinions in their own words, for the sentiment head, written separately in each language, unlike shop_reviews.py.

`(a|b|c)` is one choice; {p} is a product. Written for this project (MIT, like the rest of it).
"""
import random

from shop_data import expand
from shop_parallel import PRODUCTS

SAID = {
    ("en", "positive"): """you can't go wrong with (this|this {p}|it)
(can't|cannot) say enough good things about (it|this {p})
there is (nothing|not one thing) (I don't like|to dislike) about (it|this {p})
I (didn't|did not) expect (it to be this good|such quality|much but I was blown away)
never (looked back|a problem|any issues) since I (bought|got) it
not a (single|) (problem|issue|complaint|fault) (in|after) (a year|six months|two years)
it (isn't|is not) the cheapest (but|, but) (worth it|you get what you pay for and more|money well spent)
I was (sceptical|skeptical|unsure|hesitant) at first, (but I was wrong|now I love it|but not any more)
(wouldn't|would not) (change|swap|trade) it for anything
(wouldn't|would not) want to be without it
(don't|do not) know how I (lived|managed|coped) without it
why (didn't I|did I not) buy this (sooner|years ago|before)
(no|not any) (smell|noise|fuss|leaks|wobble), just (works|does its job|pure quality)
it (doesn't|does not) (leak|slip|rust|tear|fade|break|shrink) like the (others|old one|last one)
(hasn't|has not) (failed|let) me (down|) (yet|once|in two years)
my (kids|husband|wife|mother|son|daughter|dog) (loves|adores|won't stop using|can't get enough of) it
(beats|outperforms) (every other|any) {p} I have (tried|owned)
the best {p} I (ever|have ever) (had|bought|owned|used)
better than (I hoped|the picture|expected|brands twice the price)
(exceeded|surpassed) (all|) my expectations
(solid|sturdy|well made|well built|top quality) and (looks great|works great|feels great)
(so|really|very|super) (soft|comfy|comfortable|easy|handy|pretty|fast|quiet)
(fits|fit) (perfectly|like a glove|true to size)
(arrived|came) (early|fast|on time|well packed) and (in perfect condition|as described)
(great|fantastic|wonderful|awesome|brilliant|excellent) (buy|product|value|seller|service|{p})
(bought|ordered) (another|two more|a second one|one for my sister) (already|because it is so good|)
the (late delivery|dented box) was (soon forgotten|no problem), the {p} is (wonderful|perfect)
(despite|in spite of) the (price|bad reviews|delay) I am (very happy|delighted|thrilled)
don't (listen to|believe) the (bad|negative) reviews, it is (great|fine|excellent)
I (never|rarely|seldom) leave reviews but this (is amazing|earned it|had to be praised)
(get it|buy it|go for it), you (won't|will not) (regret it|be sorry|be disappointed)
(could not|couldn't) be (more pleased|happier|better|easier)
(it is|it's) anything but (cheap|flimsy|ugly|boring)
hard to (find fault with|beat|put down)
(a must have|a real gem|a life saver|a game changer|a bargain)
(they|customer service) (replaced it|sorted it out|answered) (at once|within a day|without any trouble), (great|impressive) service
(finally|at last) a {p} that (works|lasts|fits|does what it says)
no other shop (treats|looks after) (me|customers) (so|this) well
what more could you (want|ask for)
(doesn't|does not) get any better than this
I miss nothing about my old {p}
who needs an expensive {p} when (this one is so good|there is this one)""",
    ("en", "negative"): """I (can't|cannot) (see|understand) why anyone would (buy|keep|like) (this|it)
(don't|do not) (bother|buy it|waste your time|trust the pictures|fall for it)
(it is|it's) not (worth|what I paid for|as described|even close to the photo|fit for purpose)
it (doesn't|does not|didn't|did not) (work|fit|charge|turn on|last|hold|do anything it says)
(never|has never) (worked|arrived|fit|stayed on) (properly|at all|right)
(was|were) (supposed|meant) to be (new|waterproof|silent|leather|cotton) (but|and) (it is not|isn't|far from it)
I (wanted|tried) to (love|like) it but (couldn't|no luck|it is just bad)
(nothing|not a thing) (works|fits|is right) (about|on) (this|this {p})
(wish|really wish) I had (read the reviews|saved my money|kept my old one|never ordered it)
(would|will) not (buy|order|shop here|recommend|trust them) (again|any more|ever)
(stay|keep) away (from this|from this seller|)
(fell apart|broke|ripped|died|cracked|stopped) (after|within) (a week|one wash|two uses|an hour|a month)
(cheap|flimsy|shoddy|nasty|useless|ugly) (plastic|rubbish|junk|{p}|thing)
(the worst|worst) {p} (I ever bought|ever|of my life)
(too|far too|way too) (small|big|thin|loud|heavy|slow|expensive|tight)
(went|going) (straight|right) (back|into the bin|in the trash)
(nobody|no one) (replied|cares|helped|called back) (when I complained|for two weeks|)
they (promised|said they would) (a refund|to call back|a new one) (but|and) (never did|nothing happened|I am still waiting)
(great|nice|good) (idea|design|concept) but (it does not work|terrible quality|useless in practice)
(looks|looked) (nice|good|great) (but|until) (it fell apart|it broke|it is useless|you touch it)
(not|hardly|barely) (usable|warm|soft|readable|audible) (at all|)
(smells|smelled) (awful|terrible|like chemicals|of glue)
(arrived|came) (late|broken|dirty|used|with parts missing|in the wrong colour)
(returned|sent back|refunded), (enough said|end of story|what a hassle)
(only|just) (good|useful) (for|as) (the bin|a paperweight|a doorstop)
I (have had|had) (better|nicer) ones (for half the price|from the dollar store)
(if you like|if you enjoy) (wasting money|broken things|waiting), (this is for you|buy it)
(thanks|thank you) for (the broken {p}|nothing|wasting my time)
(five stars|good reviews)? (are they joking|must be paid for|I do not see it)
(so much for|what happened to) (quality|the guarantee|customer service|fast delivery)
(the box|the packaging|the colour) is the only (good|nice) (thing|part)
even the (cheap|free|old) one (was|works) better
(my last|the old) one lasted (years|five years), this one (days|a week)
it is (neither|not) (soft|fast|new) (nor|or) (warm|reliable|clean)
(overpriced|overrated|misleading|a rip off|a scam|a joke)
how (can|could) (they|anyone) sell (this|such rubbish)
I (feel|felt) (cheated|ripped off|let down|fooled)
(not|never) what I (expected|ordered|hoped for)
far from (perfect|comfortable|what was promised|good)
anything but (comfortable|quiet|waterproof|easy|fresh)
I would (rather|sooner) (have nothing|use my old one|throw my money away)
(left|leaves) (marks|stains|me disappointed|a bad taste)
think (twice|again) before you (buy|order) (this|here)
it (won't|will not|can't|cannot) (turn on|close|stay up|charge|connect)""",
    ("en", "mixed"): """(it is|it's|it was) (okay|ok|alright|fine|decent|passable|average|so so)
(okay|ok|alright|fine) (I guess|I suppose|for the price|for now|nothing more)
(nothing|not) (special|spectacular|to write home about|amazing but it works)
(good|nice|great|lovely) (colour|quality|design|fit|sound|idea) but (slow delivery|the size runs small|the battery is weak|too expensive|it smells)
(works|looks good|comfortable), (but|though|only) (the manual is useless|it is loud|it came late|a bit flimsy|it scratches easily)
(does|did) (the job|what it should), (nothing more|no more no less|that is all)
(some|a few) (good|great) points, some (bad|poor)
(mixed|neutral) (feelings|opinion|about it)
(half|part) of it is (great|good), the other half (is not|is bad)
(too early|too soon) to (say|tell|judge)
(haven't|have not) (tried|used|tested|worn) it (yet|enough)
(three|3) (stars|out of five)
could be (better|worse|improved)
(not|neither) (bad|great|terrible|good) (not|nor|but not) (good|bad|great|terrible) (either|)
(fine|good enough|acceptable|all right) for (beginners|kids|a few weeks|that price|occasional use)
I (like|love) the (look|colour|sound) but (hate|not|dislike) the (smell|price|weight|size)
(expected|hoped for) (a bit|a little) more, (but it works|but fine|still usable)
(you get|get) what you pay for
the (camera|screen|fabric|food) is (great|superb), the (battery|sound|zip|service) is (not|terrible|poor)
(average|ordinary|standard) {p}, (average|ordinary|fair) price
I (might|may) keep it, I (might|may) not""",
    ("zh", "positive"): """(怎么|左看右看|横看竖看)都(喜欢|顺眼|好看)
(找不出|看不出|没发现)(任何|什么|一点)(毛病|缺点|问题|瑕疵)
(没想到|想不到|出乎意料)(这么好|质量这么好|这么便宜还这么好用|效果这么好)
(比|远比)(想象中|图片上|实体店|专卖店)(的|)(还要好|好看|便宜|漂亮)
(不比|一点不输|完全不输)(大牌|专柜|名牌|贵的)(差|)
(用了|穿了|戴了)(半年|一年|两年|几个月)(了|)(还是|依然|都)(跟新的一样|好好的|没坏|很好用)
(从来没|一直没|从没)(出过|遇到过|有过)(问题|毛病|故障)
(不|没有)(掉色|起球|变形|漏水|异味|卡顿|色差)，(很满意|非常好|放心)
(除了|要说缺点，)(贵一点|慢一点)(没别的毛病|其他都完美|，其他没得挑)
(快递|物流)(慢了点|有点慢)，(但|不过)(东西|{p})(真的很好|没得说|太棒了)
(爱了爱了|真香|绝了|太爱了|yyds|赞|棒棒哒|杠杠的|没谁了)
(老顾客|回头客|第二次买|第三次买|一直在这家买)了，(质量|品质)(一如既往|始终)(好|放心|稳定)
(家人|老婆|老公|孩子|宝宝|妈妈|朋友|同事)(都|很|特别|也)(喜欢|说好|夸好看|爱用|满意)
(闭着眼|放心|大胆|果断)(买|入|下单)(吧|就行|不会错)
(这个|这|此)价(格|位|钱)(能|可以)买到(这样的|这么好的)(质量|东西|{p})，(值了|太划算|捡到宝了)
(后悔|遗憾)(没早|没有早|没多)(买|点买|买几个)
(担心|本来怕|还以为)(会小|会坏|是假的|质量不好)，(结果|没想到|收到发现)(很好|正合适|是正品|特别棒)
(舍不得|不舍得)(用|穿|还给别人|放下)
(挑剔的我|我这么挑剔的人)(也|都)(满意|说不出不好|没话说)
(客服|老板|卖家)(很耐心|态度好|秒回|负责)，(问题|有问题)(马上|很快)(解决|处理)了
(这|这才)叫(质量|服务|{p}|专业)
(没有|没)(什么|啥)(可|好)(挑|说|嫌|抱怨)的
(谁用谁知道|谁买谁知道|用过都说好)，(真|太)(好|值|香)了
(再也|以后)不(用|买|去)(别家|别的|其他牌子)了，(就认|只认|认准)(这家|这个)
(正品|真货|好货)(无疑|没错)，(放心|信赖|支持)
(完美|惊艳|惊喜|满意|超值|实惠|给力|好评)
(不|没)(踩雷|后悔|失望|让人失望)
(哪|哪儿)都好，(没有|找不到)(不满意|不好)的地方
(不买|错过)(才)?(会|要)(后悔|吃亏)
(下次|以后|有需要)(还|再)(来|买|光顾|住)""",
    ("zh", "negative"): """(怎么看|怎么用|怎么穿)都(别扭|难受|不顺眼|不舒服)
(说好的|宣传的|承诺的)(防水|纯棉|正品|包邮|真皮|静音)(呢|在哪里|都是骗人的)
(没想到|想不到)(这么差|这么烂|会坏得这么快|质量差成这样)
(比|远不如)(想象中|图片|实体店|以前买的)(差远了|差很多|差|难看)
(用了|穿了|住了|吃了)(一次|一天|两天|一个星期|一个月)就(坏了|开裂|掉色|不能用|不想要了|拉肚子)
(掉色|起球|变形|漏水|异味|卡顿|色差|发霉|生锈)(严重|太严重|得厉害)
(别买|别信|不要买|千万别买|慎入|避雷|踩雷|踩坑|坑人|上当)了
(好评|评论|五星)(都|全)(是|)(刷的|假的|托|骗人的)
(客服|卖家|售后|老板)(不理人|态度差|推来推去|装死|踢皮球|没人管|不给退)
(答应|承诺|说)(退款|补发|换新|回电话)，(一直没|到现在还没|再没)(消息|动静|下文)
(本来|原本)(很期待|想给好评|以为不错)，(结果|可是|谁知)(太失望|是次品|一塌糊涂)
(除了|也就)(便宜|包装|颜色)(没|就没)(别的|一点|什么)(优点|好处|可取的)
(还不如|连)(地摊货|路边摊|以前那个|白送的)(都不如|好|强)
(退|退货|退掉)了(，|)(浪费时间|还要自己出运费|太麻烦|真闹心)
(这|这种|这样的)(东西|质量|服务|{p})也(敢|好意思)(卖|拿出来卖|卖这么贵)
(哪|哪里)(像|是)(新的|正品|纯棉|五星酒店)(啊|)，(明显|分明)(是假货|是旧的|不是)
(不是|并不)我(挑剔|要求高)，(实在|真的)(太差|没法用|看不下去)
(早知道|要是知道)(这样|这么差)(就不买了|打死也不买|不如买贵的)
(一点|根本|完全)(都|也|)(不好|不值|没用|不能用|不防水|不保暖|不新鲜|不舒服)
(不值|对不起)(这个|那个|这)(价|价钱|价格)
(再也|绝对|永远)不(会|)(来|买|光顾|住|信)了
(垃圾|破烂|次品|废品|假货|山寨|坑爹|烂货|劣质)
(等了|拖了)(半个月|十天|一周|一个月)(才到|还没到|没人理)，(差评|无语|服了)
(无语|醉了|呵呵|服了|气死|闹心|恶心|心累|心塞)
(又|还)(贵|小|慢)又(难用|难看|难吃|差)
(收到|打开|拆开)(就|一看)(是坏的|破了|傻眼了|烂了一半|少了配件|有使用痕迹)
(中看不中用|华而不实|徒有其表|名不副实|货不对板)
(差评|一星|零分|负分)(，|)(没商量|不解释|必须的|送给你们)
(不|没)(推荐|建议购买|会再买|想象的好|有下次)
(谁买谁后悔|谁买谁上当|买了就是浪费钱|白花钱)
(店大欺客|欺骗消费者|虚假宣传|以次充好)
(扔|丢)(了|掉了|垃圾桶了|一边了)""",
    ("zh", "mixed"): """(还行|还可以|还好|一般|凑合|将就|马马虎虎|普普通通|中规中矩)(吧|)
(质量|做工|味道|服务|效果|物流)(一般|还行|一般般|马马虎虎|过得去)
(不好不坏|不咸不淡|不过不失|谈不上好坏|无功无过)
(没有|没)(想象的好|惊喜|什么感觉)，(但|不过)也(不差|没失望|能用)
(颜色|样子|款式|外观)(好看|喜欢|不错)，(就是|可惜|但是)(偏小|味道大|质量一般|有点贵|掉色)
(东西|{p}|质量)(不错|还可以|挺好)，(就是|但|可是)(物流慢|客服态度差|价格贵|包装破了|味道大)
(屏幕|位置|早餐|面料|音质)(很好|不错|真好)，(电池|房间|服务|做工|手感)(很差|太差|不行|一般)
(有好有坏|有优点也有缺点|优缺点都有|喜忧参半)
(刚收到|刚买|还没用|还没吃|还没试)，(不知道|看不出|说不好)(好不好|怎么样|效果如何)
(先用用看|用段时间再说|过段时间追评|再观察观察)
(对得起|配得上|就值)(这个|这)(价|价钱)(吧|)
(一分钱|一分价钱)一分货
(给|打)(三星|三分|六十分|及格分)(吧|)
(能用|能穿|能吃|能住)(就行|而已|，别要求太高|，仅此而已)
(纠结|犹豫)(要不要退|是留是退|给几星)
(给|送)(孩子|老人)(用用|玩玩)(还行|可以|凑合)
(期望|要求)(别太高|不高的话)(还可以|就行|能接受)
(勉强|基本)(能用|满意|可以|接受|及格)""",
}
_ENDS = {"en": [".", "", "!", ".", "!!"], "zh": ["。", "", "！", "~", "，"]}
_JOINS = {"en": [". ", ", ", " and ", "! ", " "], "zh": ["，", "。", "！", " ", "，"]}


def opinions(count, seed):
    """[(language, text, label)]: one to three sayings of one kind in a row."""
    rng, out, seen = random.Random(seed), [], set()
    said = {key: text.split("\n") for key, text in SAID.items()}
    kinds = [k for k in said for _ in range(1 if k[1] == "mixed" else 2)]
    for attempt in range(4 * count):
        language, label = rng.choice(kinds)
        side = 0 if language == "en" else 1
        parts = [rng.choice(said[language, label]) for _ in range(rng.choice([1, 1, 1, 2, 2, 3] if label != "mixed" else [1, 1, 1, 2]))]
        text = rng.choice(_JOINS[language]).join(expand(rng, p) for p in parts).replace("{p}", rng.choice(PRODUCTS)[side]).replace("?", "?" if language == "en" else "")
        text = (" ".join(text.split()) + rng.choice(_ENDS[language])).replace(" ,", ",").replace("  ", " ")
        if rng.random() < 0.6:
            text = text[0].upper() + text[1:]
        if text not in seen and len(out) < count:
            seen.add(text)
            out.append((language, text, label))
    return out
