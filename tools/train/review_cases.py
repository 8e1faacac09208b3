"""Reviews with negation, hints and mixed feelings, written by hand to judge the sentiment head. None of them is
among the texts that shop_reviews.py and shop_opinions.py make."""

CASES = {
    "en": {
        "positive": [
            "My only regret is ordering just one.", "I was not expecting this much for the price, wow.", "Two winters in and it still starts first time.",
            "You won't be sorry you bought these boots.", "For once the price tag told the truth about quality.", "Not once has it failed me.", "There isn't a thing I would change.",
            "I thought it would be flimsy. It is anything but.", "My wife refuses to give it back, that says it all.", "Hardly any noise, and it cleans like no other.",
            "I've tried four others and none was half as nice as this one.", "No smell, no loose threads, no surprises. Exactly what I wanted.", "Why did I wait so long to get one?",
            "It didn't break after a month like my old one did.", "Nothing beats this coffee in the morning.", "The delivery guy was late, yet the product made me forget it. Superb.",
            "Not a scratch on it, packed with care.", "Even my picky father asked where I got it.", "After thirty washes the print still looks fresh.", "Could hardly believe how well it fits.",
            "Far better than I dared to hope.", "If you are thinking about it, stop thinking and get it.", "My son would not take it off, even in bed.", "I have zero complaints about this seller."],
        "negative": [
            "I can't think of a single reason to keep it.", "Don't be fooled by the photos.", "It was supposed to be waterproof. It isn't.", "I wanted to like it, I really did.",
            "Not the quality I remember from this brand.", "If only it worked half as well as the advert says.", "It hasn't worked properly since the day it came.", "I would think twice before ordering from them.",
            "Wouldn't give it to my worst enemy.", "Looks nothing like what I ordered.", "The only good thing about it is the box.", "Give me my old one back.",
            "I'm not sure how anyone can give this five stars.", "Great idea, shame that it never turns on.", "Returned within the hour.", "It doesn't hold a charge any more.",
            "Comfortable? Not in the least.", "You can buy something better for less.", "Won't be ordering here a second time.", "It's not soft, it's not warm, it's not even blue.",
            "Nice of them to send me a used one.", "Support promised to call back. They never did.", "Hardly lasted a week before the zip gave up.", "Too good to be true, as it turned out."],
        "mixed": [
            "I neither love it nor mind it.", "Nice shoes, pity about the smell.", "Turns on and plays, yet I still cannot read the menu.", "It'll do until I find a nicer one.", "Does what it says, no more than that.",
            "Lovely colour but it came a week late and a button was missing.", "I can live with it.", "Good for the office, useless outdoors.", "Fine for a beginner I suppose.",
            "The camera is superb, the battery is a joke.", "Hard to say after one day.", "Decent enough for that money."],
    },
    "zh": {
        "positive": [
            "挑了半天毛病也没挑出来。", "用了两年了，从没坏过。", "不是最便宜的，但绝对最值的。", "本来没抱希望，结果出乎意料地好。", "除了喜欢还是喜欢。", "家里人都抢着用，谁也不肯让。",
            "没有异味，没有线头，很干净。", "要不是朋友介绍，我差点就错过了。", "哪里都找不到比这更舒服的鞋了。", "洗衣机里滚了十几回，颜色照样鲜亮。", "再也不用羡慕别人家的锅了。",
            "我一般不写评价，这次忍不住要夸一夸。", "同事看了我的，当场就下了单。", "老婆说这是我今年买得最对的东西。", "快递虽然慢了点，但东西好得让人没脾气。", "第三次来买了，老样子，放心。",
            "噪音几乎听不到，晚上开着也不影响睡觉。", "谁说便宜没好货，这个就是好货。", "摆在一起，分不出哪个是贵的那个。", "收到以后悬着的心放下了。", "不满意都难。", "客服解决问题很快，不推卸责任。",
            "想挑刺都找不到地方。", "没想到二手的也能这么新。"],
        "negative": [
            "看图片挺好，到手傻眼了。", "说好的防水呢？进水了。", "客服答应给我换，一个月了没下文。", "我真的很想喜欢它，可惜做不到。", "哪里像新的，分明是别人退回来的。", "充一次电用不了半天。",
            "除了包装，没什么能看的。", "看了评论才下的手，写评论的人是不是收钱了。", "以前买的能穿三年，这双三天就开胶。", "这也叫真皮？", "好什么好，第一次洗就缩水了。", "再便宜也不能卖这种东西吧。",
            "早知如此，我宁可多花点钱。", "朋友问我哪买的，我都不好意思说。", "不是我挑剔，是真的没法用。", "吹得天花乱坠，用起来不是那么回事。", "住了一晚就想换地方。", "打开一看，一半都是烂的。",
            "等了半个月，等来一个空盒子。", "五星是手滑，其实一颗都不该给。", "谁爱买谁买，反正我是不来了。", "想退还不给退，还要我出运费。", "洗完头更痒了，扔了。", "没见过这么敷衍的售后。"],
        "mixed": [
            "说不上来，反正没什么感觉。", "衣服好看，就是味道大了点。", "东西还可以，物流太慢了。", "没有惊喜，也没有失望。", "颜色喜欢，尺码偏小，纠结要不要退。", "图个便宜，凑活用一季。",
            "屏幕真清楚，电池真不耐用。", "刚用一天，好坏还说不上来。", "早餐不错，房间太旧。", "用倒是能用，也就那么回事。", "给孩子玩玩还行，别指望太多。", "味道可以，分量少了点。"],
    },
}
