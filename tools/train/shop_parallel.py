"""Customers' questions in English and Chinese, written in parallel for this project (MIT, like the rest of it).

Each intent has pairs of patterns with the same meaning. `(a|b|c)` is one choice, made for each language on its own: every
choice of one pattern means what every choice of the other means. A slot such as {product} is filled alike on both sides.
The first 27 intents have the names of the Bitext data set; the rest are other questions that shops get.
"""

INTENTS = {
    "cancel_order": [
        ("(I want to|please|I need to|can you|help me) cancel (my order|order {order}|order number {order})", "(我想|请|我要|麻烦|帮我)取消(订单{order}|我的订单|这个订单)"),
        ("(how do I|how can I) cancel (an order|my order|a purchase)", "(怎么|如何|怎样)取消订单"),
        ("I (changed my mind|do not need it any more), please cancel (it|the order)", "我(改主意了|不想要了|不需要了)，(请取消订单|帮我取消一下)"),
        ("can I still cancel (my order|the {product}) (before it ships|I ordered today)", "(还没发货|今天下的单)，(还能|还可以)取消(订单|)吗"),
        ("I ordered the {product} by mistake, cancel it please", "{product}拍错了，(帮我取消|请取消订单)"),
    ],
    "change_order": [
        ("(I want to|can I|I need to) (change|modify|edit) (my order|order {order})", "(我想|可以|我要)(修改|改一下|更改)(订单{order}|我的订单)(吗|)"),
        ("(can I|how do I) (add|remove) an item (to|from) my order", "(怎么|可以)在订单里(加|删|减)(一件|一个)商品(吗|)"),
        ("I want the {product} in {color} instead", "{product}我想改成{color}的"),
        ("I chose the wrong size for the {product}, can I change the order", "{product}(尺码选错了|码数拍错了)，(可以|能)改订单吗"),
    ],
    "place_order": [
        ("(how do I|how can I|I want to|help me) (place an order|order something|buy a {product})", "(怎么|如何|我想|帮我)(下单|买{product}|下订单)"),
        ("I want to (buy|order) {quantity} {product}", "我想(买|订){quantity}个{product}"),
        ("(can I|is it possible to) order without an account", "(没有账号|不注册)(可以|能)下单吗"),
    ],
    "track_order": [
        ("(where is|track|what is the status of) (my order|order {order}|my package)", "(我的订单|订单{order}|我的包裹|我的快递)(到哪了|在哪里|什么状态)"),
        ("(can you check|I want to check) where (my parcel|order {order}) is", "(帮我查一下|我想查)(我的包裹|订单{order})(到哪了|的物流)"),
        ("has (my order|order {order}) been shipped (yet|)", "(我的订单|订单{order})(发货了吗|寄出了吗|发出去了吗)"),
        ("the tracking information has not been updated for {days} days", "物流信息{days}天没有更新了"),
        ("what is the tracking number of my order", "我的订单的快递单号是多少"),
    ],
    "delivery_period": [
        ("(when will|how soon will) (my order|the {product}|my package) (arrive|be delivered)", "(我的订单|{product}|我的包裹)(什么时候|多久)(能|)(到|送到|送达)"),
        ("how (long|many days) does (delivery|shipping) (to {city}|) take", "(发到{city}|快递|配送)(要|需要)(多久|几天)"),
        ("when will you ship it", "(什么时候|多久|几天)(能|)发货"),
        ("if I order today, when does it arrive (in {city}|)", "今天下单，(什么时候|几天)(能到|能到{city})"),
        ("will it arrive before the weekend", "周末之前能到吗"),
    ],
    "delivery_options": [
        ("(what|which) (delivery|shipping) options do you (have|offer)", "(有哪些|有什么)(配送方式|快递方式|送货方式)"),
        ("do you (ship|deliver) to {city}", "(可以|能)(发|送|寄)到{city}吗"),
        ("which (courier|carrier) do you use", "(发|用|走)(什么|哪家)快递"),
        ("do you (offer|have) (express|next-day) delivery", "有(加急|次日达|当日达)(服务|配送)吗"),
        ("(is shipping free|do I have to pay for shipping)", "(包邮吗|要付运费吗|免运费吗|是不是包邮)"),
        ("how much is shipping (to {city}|)", "(运费|邮费|到{city}的运费)(是|要|)多少(钱|)"),
        ("can I pick it up in the store", "可以到店自提吗"),
    ],
    "change_shipping_address": [
        ("(I want to|can I|I need to|how do I) change (my|the) (shipping|delivery) address", "(我想|可以|我要|怎么)(改|修改|更改)(收货|配送)地址(吗|)"),
        ("I gave the wrong address for order {order}", "订单{order}(地址写错了|的地址填错了)"),
        ("please send (my order|it) to {city} instead", "(请|麻烦)(把订单|)改(寄|发)到{city}"),
    ],
    "set_up_shipping_address": [
        ("(how do I|I want to) add a (new|second) (shipping|delivery) address", "(怎么|如何|我想)(添加|新增|加)(一个|)(新的|)收货地址"),
        ("I cannot save my delivery address", "我的收货地址(保存不了|存不上)"),
    ],
    "get_refund": [
        ("(I want|I would like|please give me) (a refund|my money back)", "(我要|我想|请给我)(退款|退钱)"),
        ("(how do I|can I) (get|request) a refund (for order {order}|for the {product}|)", "(订单{order}|{product}|)(怎么|如何|可以|能)(申请|)退款(吗|)"),
        ("please refund (order {order}|the {product}|{amount})", "(请|麻烦)(退款|把{amount}退给我|退掉订单{order}的钱)"),
    ],
    "track_refund": [
        ("(where is|what is the status of) my refund", "我的退款(到哪了|怎么样了|进度如何)"),
        ("when will I (get|receive) my (refund|money back)", "(退款|钱)(什么时候|多久|几天)(能|)(到账|退给我|退回来)"),
        ("I still have not received my refund (of {amount}|)", "(我的|{amount}的)退款(还没|一直没有)(到账|收到)"),
    ],
    "check_refund_policy": [
        ("what is your (refund|return) policy", "(你们的|)(退款|退货)(政策|规则|规定)是什么"),
        ("within how many days can I return (an item|it)", "(几天|多少天)(之内|内)(可以|能)退货"),
        ("who pays for return shipping", "退货(运费|邮费)(谁出|谁承担|由谁付)"),
        ("do you have a money back guarantee", "(支持|有)七天无理由退货吗"),
    ],
    "check_cancellation_fee": [
        ("(is there|do I have to pay) a (cancellation fee|fee for cancelling)", "取消订单(要|需要)(手续费|付费|扣钱)吗"),
        ("how much (does it cost|is it) to cancel an order", "取消订单(要|收)多少(手续费|钱)"),
    ],
    "check_invoice": [
        ("(where can I|I want to|can I) (see|find|view) my invoice", "(在哪里|我想|可以|怎么)(看|查|查看)(我的|)发票(吗|)"),
        ("is there a mistake in invoice {order}", "发票{order}是不是开错了"),
    ],
    "get_invoice": [
        ("(I need|can I get|please send me) (an invoice|the invoice for order {order}|a receipt)", "(我需要|可以|请)(开|给我|要)(一张|)(发票|订单{order}的发票)(吗|)"),
        ("how do I download my (invoice|bill)", "(怎么|如何|在哪)下载(电子|)发票"),
        ("please put the company name on the invoice", "发票(抬头|)请开公司名称"),
    ],
    "check_payment_methods": [
        ("(which|what) payment methods do you (accept|have)", "(支持|有)(哪些|什么)(付款|支付)方式"),
        ("can I pay (by credit card|with a credit card)", "(可以|能)用信用卡(付款|支付|)吗"),
        ("(do you accept|can I pay with) (Alipay|WeChat Pay)", "(可以|能)用(支付宝|微信)(付款|支付)吗"),
        ("can I pay (cash on delivery|when it arrives)", "(可以|支持)货到付款吗"),
        ("can I pay in instalments", "(可以|支持|能)分期(付款|)吗"),
    ],
    "payment_issue": [
        ("(my payment failed|I cannot pay|the payment does not go through)", "(付款失败|付不了款|支付不成功|付款一直失败)"),
        ("I was charged twice (for order {order}|)", "(订单{order}|)(重复扣款了|扣了两次钱|被扣了两次款)"),
        ("I paid but the order says unpaid", "我(付了钱|付款了)，订单(还显示|还是)(未付款|待付款)"),
        ("my card was declined", "我的卡(被拒了|付不了)"),
    ],
    "create_account": [
        ("(how do I|I want to|help me) (create|open|register) an account", "(怎么|如何|我想|帮我)(注册|开|创建)(一个|)(账号|账户|会员)"),
        ("where do I sign up", "在哪里注册"),
    ],
    "delete_account": [
        ("(how do I|I want to|please) (delete|close) my account", "(怎么|如何|我想|请)(注销|删除)(我的|)(账号|账户)"),
        ("erase all my personal data", "删除我的(所有|全部)个人(信息|资料)"),
    ],
    "edit_account": [
        ("(how do I|I want to) change (my email address|my phone number|my account details)", "(怎么|如何|我想)(改|修改|更换)(邮箱|手机号|账户资料|个人资料)"),
        ("my phone number has changed", "我的手机号换了"),
    ],
    "switch_account": [
        ("(how do I|I want to) switch to (another|a different) account", "(怎么|如何|我想)(切换|换)(到|)(另一个|别的|其他)账号"),
        ("I want to log in with another account", "我想用另一个账号登录"),
    ],
    "recover_password": [
        ("I (forgot|have forgotten|lost) my password", "我(忘记密码了|密码忘了|想不起密码)"),
        ("(how do I|I want to) (reset|recover) my password", "(怎么|如何|我想)(重置|找回|重设)密码"),
        ("I cannot log in (to my account|)", "(我|账号)(登录不了|登不上|无法登录)"),
    ],
    "registration_problems": [
        ("I (cannot|can't) (register|sign up)", "(我|)(注册不了|无法注册|注册失败)"),
        ("I do not receive the verification code", "(收不到|没收到)验证码"),
    ],
    "newsletter_subscription": [
        ("(how do I|I want to) (subscribe to|get) your newsletter", "(怎么|如何|我想)订阅(你们的|)(邮件|资讯|通知)"),
        ("(I want to|please) (unsubscribe|stop the promotional messages|stop sending me advertising)", "(我要|请|我想)(退订|取消订阅|不要再发广告|别再发推销短信)"),
    ],
    "review": [
        ("(how do I|where can I|I want to) (write|leave|post) a review", "(怎么|在哪里|我想)(写|发|发表)(评价|评论)"),
        ("can I change the review I wrote", "(我写的|)评价(可以|能)修改吗"),
    ],
    "complaint": [
        ("I want to (complain|make a complaint|file a complaint)(| about your service)", "我要(投诉|投诉你们|投诉你们的服务)"),
        ("where can I complain about (the seller|the courier)", "在哪里投诉(卖家|快递员|商家)"),
        ("your service is (terrible|very bad), I want to complain", "你们的服务(太差了|太糟糕了)，我要投诉"),
    ],
    "contact_customer_service": [
        ("how (do I|can I) (contact|reach) customer service", "(怎么|如何)(联系|找)客服"),
        ("what is the (phone number|number) of customer service", "客服电话(是多少|多少)"),
        ("what are your (opening|working) hours", "(客服|你们)(几点上班|工作时间是什么|什么时候在线)"),
    ],
    "contact_human_agent": [
        ("(I want to|can I|let me) (talk|speak) to a (human|person|real person)", "(我要|我想|可以)(和|找|转)(人工|真人)(客服|)(说话|)(吗|)"),
        ("(transfer me to|connect me with) a human agent(| please)", "(请|帮我|)转人工(客服|)"),
        ("you are a robot, I want a real person", "你是机器人吧，我要(人工|真人)"),
    ],
    # ---- intents that the data set lacks
    "return_item": [
        ("(I want to|can I|how do I) (return|send back) (the {product}|it|an item)", "(我想|可以|怎么)(退货|退{product}|把{product}退掉)(吗|)"),
        ("the {product} does not fit, can I return it", "{product}不合适，(可以|能)退(货|)吗"),
        ("what is the return address", "(退货|寄回)的地址(是什么|是哪里|在哪)"),
        ("I do not like the {product}, I want to return it", "{product}我不喜欢，想退货"),
        ("can I return it if I already opened it", "(拆开了|已经拆封)(还能|还可以)退吗"),
    ],
    "exchange_item": [
        ("(I want to|can I) exchange the {product} for (a bigger|a larger) size", "{product}(我想|可以)换(大一码|大一号|大码)的(吗|)"),
        ("(I want to|can I) exchange the {product} for a smaller size", "{product}(我想|可以)换(小一码|小一号|小码)的(吗|)"),
        ("can I exchange it for {color}", "(可以|能)换{color}的吗"),
        ("how do I exchange an item", "(怎么|如何)换货"),
    ],
    "damaged_item": [
        ("the {product} (arrived|came) (damaged|broken)", "(收到的|)(的|){product}(是坏的|破了|坏了|有破损)"),
        ("the {product} (does not work|stopped working)", "{product}(不能用|用不了|不工作了)"),
        ("there is a (hole|scratch|stain) on the {product}", "{product}上(有个洞|有划痕|有污渍)"),
        ("the package was (damaged|crushed) when it arrived", "(包裹|包装)收到的时候(破损了|压坏了)"),
        ("the {product} broke after {days} days", "{product}用了{days}天就坏了"),
    ],
    "wrong_item": [
        ("you sent (me|) the wrong (item|product|{product})", "(你们|)(发错货了|发错了|寄错东西了|{product}发错了)"),
        ("I ordered {color} but received another colour", "我(买|订)的是{color}，收到的颜色不对"),
        ("this is not what I ordered", "(这不是我买的|收到的不是我买的东西)"),
    ],
    "missing_item": [
        ("(one item|the {product}) is missing (from my order|in the package)", "(少发了|漏发了|包裹里少了)(一件|{product})"),
        ("it says delivered but I have not received (it|anything)", "(显示已签收|显示已送达)，(但是|可是)我没(收到|拿到)"),
        ("I received only {quantity} of them", "我只收到{quantity}个"),
    ],
    "late_delivery": [
        ("my order is (late|delayed)", "我的订单(延误了|迟到了|一直没到)"),
        ("I have been waiting for {days} days", "我(已经|都)等了{days}天了"),
        ("why has it not been shipped (yet|)", "(为什么|怎么)还(没|不)发货"),
        ("please ship it (quickly|as soon as possible)", "(请|麻烦|)(尽快|快点|早点)发货"),
    ],
    "size_advice": [
        ("(which|what) size (should I take|fits me|do you recommend)", "(穿|选|拿)(什么|多大|哪个)(码|尺码)(合适|)"),
        ("I am {height} cm tall and weigh {weight} kg, which size", "身高{height}体重{weight}公斤(穿|拿)(什么|多大)码"),
        ("does the {product} run (small|large)", "{product}(偏小|偏大)吗"),
        ("is there a size chart", "有尺码表吗"),
    ],
    "stock": [
        ("(is the {product}|do you have the {product}) (in stock|available)", "{product}(有货|有现货|还有)吗"),
        ("when will the {product} be (back in stock|available again)", "{product}(什么时候|多久)(有货|补货|到货)"),
        ("do you have the {product} in {color}", "{product}有{color}的吗"),
        ("is size {size} (sold out|still available)", "{size}码(卖完了|还有)吗"),
    ],
    "price": [
        ("how much (is|does) the {product} (cost|)", "{product}(多少钱|什么价格|怎么卖)"),
        ("can you (make it cheaper|lower the price)", "(可以|能)(便宜点|便宜一点|少点)吗"),
        ("the price (went down|dropped) after I bought it", "(我刚买就降价了|买完就降价了|降价了)，(可以|能)(退差价|价保)吗"),
        ("why is the {product} so expensive", "{product}(怎么|为什么)这么贵"),
    ],
    "discount": [
        ("(do you have|is there) (a coupon|a discount|a voucher)", "有(优惠券|折扣|优惠)吗"),
        ("(how do I|where do I) use (my|the) coupon", "优惠券(怎么|在哪里)(用|使用)"),
        ("my coupon (does not work|cannot be used)", "(我的|)优惠券(用不了|不能用|无效)"),
        ("is there a (sale|promotion) (this week|now)", "(这周|现在|最近)有(活动|促销)吗"),
        ("do I get a gift with it", "(有|送)赠品吗"),
    ],
    "product_question": [
        ("what (material|fabric) is the {product} made of", "{product}是什么(材质|材料|面料)的"),
        ("is the {product} (waterproof|water-resistant)", "{product}防水吗"),
        ("is the {product} (genuine|original|authentic)", "{product}是(正品|真的)吗"),
        ("does the {product} (fade|lose colour) when washed", "{product}(洗了|)会(掉色|褪色)吗"),
        ("how do I (wash|clean) the {product}", "{product}怎么(洗|清洗|清洁)"),
        ("how (heavy|big) is the {product}", "{product}有多(重|大)"),
        ("how long does the battery (last|hold)", "电池(能用|可以用)多久"),
        ("how do I (use|install) the {product}", "{product}怎么(用|使用|安装)"),
        ("what is the difference between the two {product} models", "这两款{product}有什么(区别|不同)"),
        ("is the {product} suitable for (children|kids)", "{product}适合(孩子|小孩|儿童)(用|)吗"),
        ("what is the shelf life of the {food}", "{food}(的保质期|保质期是)多久"),
        ("is the {food} fresh", "{food}新鲜吗"),
        ("does it go with {color} trousers", "(搭|配){color}(的|)裤子(好看|合适)吗"),
    ],
    "recommendation": [
        ("can you recommend a {product}", "(可以|能)推荐一款{product}吗"),
        ("I am looking for a {color} {product}", "我想(找|要)一(款|个){color}的{product}"),
        ("I need a (gift|present) for my (mother|mom)", "我想给妈妈(买|挑)(礼物|一份礼物)"),
        ("which {product} is better for (beginners|a beginner)", "(新手|初学者)(用|买)哪款{product}(好|合适)"),
        ("is there something (similar|like it but cheaper)", "有(类似|便宜点类似)的吗"),
        ("what do people (buy|take) with the {product}", "买{product}的人还(买|搭配)什么"),
    ],
    "warranty": [
        ("how long is the warranty (on the {product}|)", "({product}|)(保修|质保)(多久|几年|多长时间)"),
        ("can you repair my {product}", "(可以|能)(修|维修)(我的|){product}吗"),
        ("where is the service centre", "(售后|维修)(点|网点)在哪里"),
    ],
    "loyalty_points": [
        ("how many points do I have", "我有多少积分"),
        ("how do I (use|redeem) my points", "积分怎么(用|兑换)"),
        ("what are the benefits of membership", "会员有什么(好处|权益|优惠)"),
    ],
    "gift_wrap": [
        ("can you (gift wrap it|wrap it as a gift)", "(可以|能)(包装成礼物|做礼品包装)吗"),
        ("please put a card in the package", "(请|麻烦)(放|附)一张(卡片|贺卡)"),
    ],
    "greeting": [("(hello|hi|good morning|hey)", "(你好|您好|早上好|在吗|有人吗)"), ("are you there", "(在不在|在吗)")],
    "thanks": [("(thank you|thanks|thanks a lot|thank you very much)", "(谢谢|多谢|谢谢你|非常感谢|好的谢谢)"), ("that helped me, thanks", "(解决了|帮到我了)，谢谢")],
    "goodbye": [("(goodbye|bye|see you)", "(再见|拜拜|下次再聊)")],
    "yes": [("(yes|yes please|correct|that is right)", "(是的|对|好的|没错|可以)")],
    "no": [("(no|no thanks|that is wrong)", "(不是|不用了|不对|不要)")],
    # ---- out of scope
    "oos": [
        ("what is the weather like (in {city}|today)", "({city}|今天)(的|)天气(怎么样|如何)"),
        ("(tell me|do you know) a joke", "(讲|说)个笑话(吧|)"),
        ("who won the football match yesterday", "昨天的(足球比赛|球赛)谁赢了"),
        ("how do I cook (rice|noodles)", "(米饭|面条)怎么(做|煮)"),
        ("(play some music|play a song)", "(放点音乐|放首歌|播放音乐)"),
        ("what time is it", "现在几点(了|)"),
        ("how do I get from {city} to the airport", "从{city}怎么去机场"),
        ("what is the capital of France", "法国的首都是哪里"),
        ("my head hurts, what should I do", "(头疼|头痛)怎么办"),
        ("book a flight to {city}", "(订|买)一张去{city}的机票"),
        ("translate this sentence into French", "把这句话翻译成法语"),
        ("what is the stock price of the company", "这家公司的股价是多少"),
        ("set an alarm for {quantity} o'clock", "定一个{quantity}点的闹钟"),
        ("who is the president", "总统是谁"),
        ("what is the meaning of life", "人生的意义是什么"),
        ("write a poem about spring", "写一首关于春天的诗"),
        ("is there a good restaurant nearby", "附近有(好吃的|不错的)餐厅吗"),
        ("how do I learn English", "怎么学英语"),
    ],
}

PRODUCTS = [p.split("=") for p in (
    "dress=连衣裙 skirt=裙子 jacket=外套 coat=大衣 sweater=毛衣 T-shirt=T恤 shirt=衬衫 trousers=裤子 jeans=牛仔裤 shorts=短裤 hoodie=卫衣 scarf=围巾 hat=帽子 gloves=手套 "
    "socks=袜子 belt=皮带 tie=领带 suit=西装 pyjamas=睡衣 underwear=内衣 bra=文胸 swimsuit=泳衣 raincoat=雨衣 vest=背心 shoes=鞋子 sneakers=运动鞋 boots=靴子 sandals=凉鞋 "
    "slippers=拖鞋 handbag=手提包 backpack=背包 suitcase=行李箱 wallet=钱包 watch=手表 necklace=项链 earrings=耳环 ring=戒指 bracelet=手链 sunglasses=太阳镜 umbrella=雨伞 "
    "phone=手机 tablet=平板电脑 laptop=笔记本电脑 computer=电脑 monitor=显示器 keyboard=键盘 mouse=鼠标 headphones=耳机 speaker=音箱 charger=充电器 cable=数据线 camera=相机 "
    "printer=打印机 router=路由器 television=电视 projector=投影仪 drone=无人机 battery=电池 refrigerator=冰箱 fan=风扇 heater=取暖器 kettle=电水壶 blender=搅拌机 oven=烤箱 "
    "microwave=微波炉 toaster=烤面包机 humidifier=加湿器 iron=电熨斗 lamp=台灯 sofa=沙发 table=桌子 chair=椅子 desk=书桌 bed=床 mattress=床垫 pillow=枕头 blanket=毯子 "
    "quilt=被子 curtain=窗帘 carpet=地毯 towel=毛巾 mirror=镜子 wardrobe=衣柜 bookshelf=书架 pan=平底锅 pot=锅 knife=刀 cup=杯子 mug=马克杯 plate=盘子 bowl=碗 teapot=茶壶 "
    "shampoo=洗发水 conditioner=护发素 soap=香皂 toothbrush=牙刷 toothpaste=牙膏 lipstick=口红 perfume=香水 sunscreen=防晒霜 mask=面膜 cream=面霜 lotion=乳液 razor=剃须刀 "
    "diaper=尿不湿 stroller=婴儿车 toy=玩具 puzzle=拼图 doll=娃娃 book=书 novel=小说 notebook=笔记本 pen=钢笔 bicycle=自行车 helmet=头盔 tent=帐篷 football=足球 basketball=篮球 "
    "yoga_mat=瑜伽垫 racket=球拍 dumbbell=哑铃 treadmill=跑步机 guitar=吉他 piano=钢琴 phone_case=手机壳 power_bank=充电宝 hair_dryer=吹风机 washing_machine=洗衣机 "
    "air_conditioner=空调 rice_cooker=电饭煲 coffee_machine=咖啡机 vacuum_cleaner=吸尘器 water_heater=热水器 electric_toothbrush=电动牙刷 running_shoes=跑步鞋 high_heels=高跟鞋 "
    "down_jacket=羽绒服 cat_food=猫粮 dog_food=狗粮 flower_pot=花盆 tool_box=工具箱 screwdriver=螺丝刀 drill=电钻 car_seat=安全座椅 smart_watch=智能手表 game_console=游戏机").split()]
PRODUCTS = [(en.replace("_", " "), zh) for en, zh in PRODUCTS]

FOODS = [tuple(p.split("=")) for p in ("milk=牛奶 tea=茶叶 coffee=咖啡 bread=面包 apples=苹果 oranges=橙子 bananas=香蕉 rice=大米 noodles=面条 honey=蜂蜜 chocolate=巧克力 biscuits=饼干 nuts=坚果 "
         "yoghurt=酸奶 juice=果汁 wine=红酒 beef=牛肉 shrimp=虾 eggs=鸡蛋 cherries=樱桃 mangoes=芒果 kiwis=猕猴桃 grapes=葡萄 cake=蛋糕").split()]
CITIES = [tuple(p.split("=")) for p in ("Beijing=北京 Shanghai=上海 Guangzhou=广州 Shenzhen=深圳 Hangzhou=杭州 Chengdu=成都 Wuhan=武汉 Tianjin=天津 Nanjing=南京 London=伦敦 Paris=巴黎 Berlin=柏林 Tokyo=东京 Sydney=悉尼 "
          "Singapore=新加坡 Madrid=马德里 Rome=罗马 Toronto=多伦多 Chicago=芝加哥 Boston=波士顿 Spain=西班牙 Germany=德国 Japan=日本 Canada=加拿大 Australia=澳大利亚").split()]
COLORS = [tuple(p.split("=")) for p in "black=黑色 white=白色 red=红色 blue=蓝色 green=绿色 grey=灰色 pink=粉色 yellow=黄色 purple=紫色 brown=棕色 beige=米色 orange=橙色 silver=银色 gold=金色".split()]
MATERIALS = [tuple(p.split("=")) for p in ("cotton=纯棉 silk=真丝 wool=羊毛 leather=真皮 linen=亚麻 wooden=实木 steel=不锈钢 glass=玻璃 plastic=塑料 ceramic=陶瓷 denim=牛仔 bamboo=竹制 rubber=橡胶 "
             "metal=金属 velvet=丝绒 nylon=尼龙 down=羽绒 paper=纸质").split()]
FEATURES = [tuple(p.replace("_", " ").split("=")) for p in (
    "waterproof=防水 portable=便携 lightweight=轻便 foldable=可折叠 wireless=无线 rechargeable=可充电 non-slip=防滑 soft=柔软 warm=保暖 breathable=透气 quick-drying=速干 large-capacity=大容量 "
    "slim=修身 loose=宽松 thick=加厚 thin=薄款 short=短款 long=长款 long-sleeved=长袖 short-sleeved=短袖 high-waisted=高腰 striped=条纹 checked=格子 floral=碎花 printed=印花 plain=纯色 "
    "retro=复古 casual=休闲 elegant=优雅 sporty=运动 cute=可爱 simple=简约 classic=经典 fashionable=时尚 smart=智能 automatic=全自动 silent=静音 energy-saving=节能 for_men=男士 "
    "for_women=女士 for_children=儿童 for_babies=婴儿 for_students=学生 for_the_elderly=老人 outdoor=户外 home=家用 office=办公 travel=旅行 summer=夏季 winter=冬季 spring=春季 autumn=秋季 "
    "organic=有机 fragrance-free=无香 moisturising=保湿 anti-dandruff=去屑 high-definition=高清 fast-charging=快充 noise-cancelling=降噪 handmade=手工 imported=进口").split()]
