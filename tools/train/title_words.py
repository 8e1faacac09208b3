"""English and Chinese words of product titles, written for this project (MIT, like the rest of it).

Each line holds pairs "English | Chinese" with a semicolon between. A group's sizes name functions of shop_titles.py.
"""


def pairs(text):
    return [tuple(part.strip() for part in pair.split("|")) for pair in text.replace("\n", " ").split(";") if pair.strip()]


COLOURS = pairs("""black | 黑色; white | 白色; red | 红色; blue | 蓝色; green | 绿色; yellow | 黄色; grey | 灰色; pink | 粉色; brown | 棕色; purple | 紫色;
orange | 橙色; beige | 米色; khaki | 卡其色; silver | 银色; gold | 金色; rose gold | 玫瑰金; navy | 藏青; sky blue | 天蓝; dark blue | 深蓝; light blue | 浅蓝;
dark green | 墨绿; light green | 浅绿; mint | 薄荷绿; olive | 橄榄绿; wine red | 酒红; rust red | 锈红; bright red | 大红; coral | 珊瑚粉; light pink | 浅粉;
light grey | 浅灰; dark grey | 深灰; charcoal | 炭灰; off-white | 米白; cream | 奶油色; ivory | 象牙白; sand | 沙色; oat | 燕麦色; camel | 驼色; caramel | 焦糖色;
coffee brown | 咖啡色; chestnut | 栗色; turquoise | 绿松石色; teal | 蓝绿色; lavender | 薰衣草紫; violet | 紫罗兰色; plum | 梅紫; lilac | 丁香紫; peach | 蜜桃色;
apricot | 杏色; mustard yellow | 姜黄; lemon yellow | 柠檬黄; copper | 铜色; bronze | 古铜色; graphite | 石墨灰; indigo | 靛蓝; cornflower blue | 矢车菊蓝;
royal blue | 宝蓝; lake blue | 湖蓝; powder blue | 粉蓝; dusty pink | 烟粉; sage | 鼠尾草绿; moss green | 苔绿; forest green | 森林绿; pine green | 松绿;
emerald | 祖母绿; slate blue | 岩蓝; terracotta | 陶土红; transparent | 透明; colourful | 彩色; natural | 原木色; walnut | 胡桃木色; oak | 橡木色;
black and white | 黑白; red and black | 红黑; blue and white | 蓝白; black and gold | 黑金; checked red | 红格; checked blue | 蓝格; matt black | 哑光黑; pearl white | 珍珠白""")

STYLES = pairs("""Everyday | 日常; Classic | 经典; Harvest | 丰收; Courtyard | 庭院; Reserve | 珍藏; Morning | 晨间; Relaxed | 舒适; Weekend | 周末; Essential | 基础;
Urban | 都市; Voyage | 远行; Mini | 迷你; Nordic | 北欧; Country | 田园; Compact | 紧凑; Fresh | 清爽; Forest | 森林; Rainbow | 彩虹; Pioneer | 先锋;
Modern | 现代; Vintage | 复古; Retro | 怀旧; Simple | 简约; Elegant | 优雅; Luxury | 奢华; Premium | 高端; Lightweight | 轻便; Portable | 便携; Foldable | 可折叠;
Waterproof | 防水; Windproof | 防风; Rechargeable | 可充电; Wireless | 无线; Smart | 智能; Electric | 电动; Automatic | 自动; Manual | 手动; Adjustable | 可调节;
Handmade | 手工; Thick | 加厚; Ultra-thin | 超薄; Large | 大号; Small | 小号; Extra Large | 特大号; Slim | 修身; Loose | 宽松; High-waisted | 高腰;
Striped | 条纹; Plaid | 格子; Floral | 碎花; Printed | 印花; Solid | 纯色; Embroidered | 刺绣; Quilted | 绗缝; Non-slip | 防滑; Heat-resistant | 耐热;
Insulated | 保温; Reusable | 可重复使用; Detachable | 可拆卸; Multifunctional | 多功能; Professional | 专业; Outdoor | 户外; Household | 家用; Commercial | 商用;
Cute | 可爱; Cartoon | 卡通; Magnetic | 磁吸; Silent | 静音; Breathable | 透气; Quick-drying | 速干; Seamless | 无缝; Hanging | 悬挂式; Wall-mounted | 壁挂式; Sturdy | 结实""")

AUDIENCES = pairs("""for Women | 女士; for Men | 男士; for Children | 儿童; for Girls | 女童; for Boys | 男童; for Babies | 婴儿; for Students | 学生; for Seniors | 老人;
for Pets | 宠物; for Travel | 旅行; for Camping | 露营; for Home | 居家; for Office | 办公; for Summer | 夏季; for Winter | 冬季; for Spring | 春季; for Autumn | 秋季;
for Kitchen | 厨房; for Bathroom | 浴室; for Bedroom | 卧室; for Car | 车载""")

GROUPS = [
    dict(name="clothing", sizes="letters letters_to size_letter", nouns=pairs("""Dress | 连衣裙; Skirt | 半身裙; Shirt | 衬衫; T-shirt | T恤; Blouse | 女式衬衫; Sweater | 毛衣; Cardigan | 开衫; Hoodie | 连帽卫衣;
        Sweatshirt | 卫衣; Jacket | 夹克; Coat | 大衣; Down Jacket | 羽绒服; Vest | 马甲; Raincoat | 雨衣; Windbreaker | 风衣; Suit | 西装; Trousers | 长裤; Jeans | 牛仔裤; Shorts | 短裤; Leggings | 打底裤;
        Tracksuit | 运动套装; Pyjamas | 睡衣; Nightdress | 睡裙; Underwear | 内衣; Socks | 袜子; Stockings | 丝袜; Swimsuit | 泳衣; Swimming Trunks | 泳裤; Apron | 围裙; Uniform | 制服; Polo Shirt | Polo衫;
        Jumpsuit | 连体裤; Tank Top | 背心; Kimono | 和服; Cheongsam | 旗袍; Wedding Dress | 婚纱; Bathrobe | 浴袍; Overalls | 背带裤; Tie | 领带; Pleated Skirt | 百褶裙"""),
        materials=pairs("""Cotton | 纯棉; Linen | 亚麻; Silk | 真丝; Wool | 羊毛; Cashmere | 羊绒; Polyester | 涤纶; Chiffon | 雪纺; Denim | 牛仔布; Velvet | 天鹅绒; Lace | 蕾丝; Corduroy | 灯芯绒; Knitted | 针织;
        Modal | 莫代尔; Fleece | 摇粒绒; Organic Cotton | 有机棉; Merino Wool | 美利奴羊毛"""),
        features=pairs("""long sleeves | 长袖; short sleeves | 短袖; V-neck | V领; round neck | 圆领; high neck | 高领; side pockets | 侧袋; hood | 连帽; zip | 拉链; buttons | 纽扣; belt | 腰带; elastic waist | 松紧腰;
        wide legs | 阔腿; straight legs | 直筒; puff sleeves | 泡泡袖; bow | 蝴蝶结; slit | 开衩; lining | 内衬; chest pocket | 胸袋""")),
    dict(name="shoes", sizes="shoe shoe_to", nouns=pairs("""Running Shoes | 跑步鞋; Sneakers | 运动鞋; Canvas Shoes | 帆布鞋; Leather Shoes | 皮鞋; Boots | 靴子; Hiking Boots | 登山靴; Rain Boots | 雨靴; Snow Boots | 雪地靴; Sandals | 凉鞋;
        Slippers | 拖鞋; Flip-flops | 人字拖; Loafers | 乐福鞋; High Heels | 高跟鞋; Flats | 平底鞋; Basketball Shoes | 篮球鞋; Football Boots | 足球鞋; Dance Shoes | 舞蹈鞋; Work Shoes | 劳保鞋; Ankle Boots | 短靴; Water Shoes | 溯溪鞋"""),
        materials=pairs("""Leather | 真皮; Suede | 反绒皮; Canvas | 帆布; Mesh | 网布; Rubber | 橡胶; Faux Leather | 仿皮; Knitted | 针织; EVA | EVA"""),
        features=pairs("""laces | 系带; rubber sole | 橡胶底; thick sole | 厚底; soft sole | 软底; round toe | 圆头; pointed toe | 尖头; buckle | 搭扣; steel toe cap | 钢头; warm lining | 加绒; memory foam insole | 记忆棉鞋垫; block heel | 粗跟; side zip | 侧拉链""")),
    dict(name="bags", sizes="litres area inches", nouns=pairs("""Backpack | 双肩包; Handbag | 手提包; Shoulder Bag | 单肩包; Crossbody Bag | 斜挎包; Tote Bag | 托特包; Suitcase | 行李箱; Wallet | 钱包; Card Holder | 卡包; Coin Purse | 零钱包; Laptop Bag | 电脑包;
        Briefcase | 公文包; Cosmetic Bag | 化妆包; Shopping Bag | 购物袋; Gym Bag | 健身包; Lunch Bag | 饭盒袋; Camera Bag | 相机包; Chest Bag | 胸包; Luggage Cover | 行李箱套; Pencil Case | 笔袋; Clutch | 手拿包; Key Case | 钥匙包; Drawstring Bag | 抽绳袋"""),
        materials=pairs("""Leather | 真皮; Nylon | 尼龙; Canvas | 帆布; Polyester | 涤纶; Oxford | 牛津布; Cowhide | 牛皮; Felt | 毛毡; Straw | 草编; Aluminium | 铝合金; Polycarbonate | 聚碳酸酯"""),
        features=pairs("""laptop sleeve | 电脑夹层; front pocket | 前袋; two compartments | 双层; adjustable strap | 可调肩带; wheels | 滚轮; combination lock | 密码锁; zip | 拉链; USB port | USB接口; bottle pocket | 水瓶袋; metal chain | 金属链条; inner pocket | 内袋; handle | 提手""")),
    dict(name="electronics", sizes="watts hours mah inches gigabytes metres volts", nouns=pairs("""Bluetooth Headset | 蓝牙耳麦; Headphones | 头戴耳机; Earbuds | 耳塞; Speaker | 音箱; Smartphone | 智能手机; Tablet | 平板电脑; Laptop | 笔记本电脑; Monitor | 显示器; Keyboard | 键盘; Mouse | 鼠标;
        Mouse Pad | 鼠标垫; Charger | 充电器; Charging Cable | 充电线; Data Cable | 数据线; Power Strip | 插线板; Phone Case | 手机壳; Screen Protector | 屏幕保护膜; Phone Holder | 手机支架; Webcam | 摄像头; Microphone | 麦克风;
        Camera | 相机; Tripod | 三脚架; Projector | 投影仪; Printer | 打印机; Router | 路由器; Memory Card | 内存卡; USB Stick | U盘; Hard Drive | 硬盘; Smart Band | 智能手环; Game Controller | 游戏手柄; Drone | 无人机;
        Television | 电视机; Radio | 收音机; Adapter | 转换器; Battery | 电池; Remote Control | 遥控器; Doorbell | 门铃; Smart Lock | 智能锁; Selfie Stick | 自拍杆; Graphics Card | 显卡; E-reader | 电子书阅读器"""),
        materials=pairs("""Aluminium | 铝合金; Plastic | 塑料; Silicone | 硅胶; Glass | 玻璃; Carbon Fibre | 碳纤维; Stainless Steel | 不锈钢; Nylon | 尼龙"""),
        features=pairs("""noise cancelling | 降噪; fast charging | 快充; built-in microphone | 内置麦克风; touch screen | 触摸屏; LED display | LED显示屏; backlight | 背光; wireless charging | 无线充电; night vision | 夜视; voice control | 语音控制;
        USB-C port | USB-C接口; carrying case | 收纳盒; stand | 支架; metal body | 金属机身; remote control | 遥控器; memory function | 记忆功能""")),
    dict(name="appliances", sizes="watts litres volts kilograms", nouns=pairs("""Electric Kettle | 电热水壶; Rice Cooker | 电饭煲; Air Fryer | 空气炸锅; Oven | 烤箱; Microwave Oven | 微波炉; Toaster | 烤面包机; Blender | 搅拌机; Juicer | 榨汁机; Coffee Machine | 咖啡机; Induction Cooker | 电磁炉;
        Pressure Cooker | 高压锅; Slow Cooker | 慢炖锅; Egg Cooker | 煮蛋器; Soymilk Machine | 豆浆机; Meat Grinder | 绞肉机; Dishwasher | 洗碗机; Refrigerator | 冰箱; Washing Machine | 洗衣机; Vacuum Cleaner | 吸尘器; Robot Vacuum | 扫地机器人;
        Fan | 风扇; Heater | 取暖器; Air Conditioner | 空调; Air Purifier | 空气净化器; Humidifier | 加湿器; Dehumidifier | 除湿机; Hair Dryer | 吹风机; Hair Straightener | 直发器; Shaver | 剃须刀; Electric Toothbrush | 电动牙刷; Iron | 熨斗;
        Garment Steamer | 挂烫机; Sewing Machine | 缝纫机; Water Dispenser | 饮水机; Electric Blanket | 电热毯; Massager | 按摩仪; Foot Bath | 足浴盆; Waffle Maker | 华夫饼机; Bread Maker | 面包机; Ice Maker | 制冰机"""),
        materials=pairs("""Stainless Steel | 不锈钢; Plastic | 塑料; Glass | 玻璃; Ceramic | 陶瓷; Aluminium | 铝合金"""),
        features=pairs("""timer | 定时; automatic shut-off | 自动断电; LED display | LED显示屏; removable tray | 可拆卸托盘; three speeds | 三档调速; temperature control | 温控; child lock | 童锁; cordless design | 无绳设计; keep-warm function | 保温功能;
        non-stick coating | 不粘涂层; quiet motor | 静音电机; glass lid | 玻璃盖""")),
    dict(name="kitchen", sizes="ml litres centimetres area set pieces", nouns=pairs("""Mug | 马克杯; Cup | 杯子; Glass Cup | 玻璃杯; Wine Glass | 红酒杯; Tea Cup | 茶杯; Teapot | 茶壶; Tea Set | 茶具套装; Tea Tray | 茶盘; Water Jug | 水壶; Water Bottle | 水杯; Vacuum Flask | 保温杯; Coffee Pot | 咖啡壶;
        Plate | 盘子; Bowl | 碗; Soup Bowl | 汤碗; Salad Bowl | 沙拉碗; Chopsticks | 筷子; Spoon | 勺子; Fork | 叉子; Cutlery Set | 餐具套装; Knife | 刀; Fruit Knife | 水果刀; Kitchen Knife | 菜刀; Kitchen Scissors | 厨房剪刀; Cutting Board | 砧板;
        Frying Pan | 平底锅; Wok | 炒锅; Soup Pot | 汤锅; Milk Pan | 奶锅; Steamer | 蒸锅; Baking Tray | 烤盘; Cake Mould | 蛋糕模具; Rolling Pin | 擀面杖; Whisk | 打蛋器; Spatula | 锅铲; Ladle | 汤勺; Peeler | 削皮器; Grater | 刨丝器; Colander | 沥水篮;
        Lunch Box | 便当盒; Storage Jar | 储物罐; Spice Rack | 调料架; Dish Rack | 碗架; Thermos Jug | 保温壶; Egg Tray | 鸡蛋盒; Oil Bottle | 油壶; Salt Shaker | 盐瓶; Bottle Opener | 开瓶器; Oven Gloves | 隔热手套; Kitchen Scale | 厨房秤; Straw | 吸管; Coaster | 杯垫; Placemat | 餐垫"""),
        materials=pairs("""Stainless Steel | 不锈钢; Ceramic | 陶瓷; Glass | 玻璃; Bamboo | 竹; Wooden | 木质; Cast Iron | 铸铁; Silicone | 硅胶; Plastic | 塑料; Bone China | 骨瓷; Porcelain | 白瓷; Stoneware | 粗陶; Enamel | 珐琅; Copper | 铜; Borosilicate Glass | 高硼硅玻璃; Aluminium | 铝合金; Wheat Straw | 小麦秸秆"""),
        features=pairs("""lid | 盖; handle | 把手; bamboo lid | 竹盖; wooden handle | 木柄; strainer | 滤网; gift box | 礼盒; non-stick coating | 不粘涂层; glass lid | 玻璃盖; two compartments | 双格; gold rim | 金边; stand | 底座; long handle | 长柄; scale | 刻度""")),
    dict(name="home", sizes="area volume centimetres set pieces", nouns=pairs("""Pillow | 枕头; Pillowcase | 枕套; Duvet | 被子; Duvet Cover | 被套; Bed Sheet | 床单; Mattress | 床垫; Blanket | 毯子; Bedspread | 床罩; Curtain | 窗帘; Carpet | 地毯; Doormat | 门垫; Cushion | 靠垫; Tablecloth | 桌布; Towel | 毛巾; Bath Towel | 浴巾;
        Bath Mat | 浴室垫; Shower Curtain | 浴帘; Mosquito Net | 蚊帐; Wall Clock | 挂钟; Alarm Clock | 闹钟; Vase | 花瓶; Candle | 蜡烛; Candle Holder | 烛台; Picture Frame | 相框; Mirror | 镜子; Table Lamp | 台灯; Floor Lamp | 落地灯; Ceiling Lamp | 吸顶灯; Night Light | 小夜灯;
        Storage Box | 收纳盒; Laundry Basket | 洗衣篮; Clothes Hanger | 衣架; Trash Can | 垃圾桶; Tissue Box | 纸巾盒; Soap Dish | 肥皂盒; Umbrella | 雨伞; Broom | 扫帚; Mop | 拖把; Bucket | 水桶; Toilet Brush | 马桶刷; Ironing Board | 熨衣板; Flower Pot | 花盆; Watering Can | 洒水壶; Wallpaper | 墙纸; Hook | 挂钩; Air Freshener | 空气清新剂"""),
        materials=pairs("""Cotton | 纯棉; Linen | 亚麻; Silk | 真丝; Wool | 羊毛; Velvet | 天鹅绒; Polyester | 涤纶; Memory Foam | 记忆棉; Latex | 乳胶; Bamboo | 竹; Wooden | 木质; Ceramic | 陶瓷; Glass | 玻璃; Metal | 金属; Plastic | 塑料; Rattan | 藤编; Bamboo Fibre | 竹纤维; Marble | 大理石; Crystal | 水晶"""),
        features=pairs("""zip | 拉链; tassels | 流苏; lid | 盖; LED light | LED灯; anti-slip backing | 防滑底; removable cover | 可拆洗外套; wooden frame | 木框; hanging loop | 挂绳; dimmer | 调光; four hooks | 四钩; handle | 把手; lace edge | 蕾丝边""")),
    dict(name="furniture", sizes="volume area centimetres", nouns=pairs("""Sofa | 沙发; Armchair | 扶手椅; Dining Chair | 餐椅; Dining Table | 餐桌; Coffee Table | 茶几; Desk | 书桌; Computer Desk | 电脑桌; Bookshelf | 书架; Wardrobe | 衣柜; Bed | 床; Bunk Bed | 双层床; Bedside Table | 床头柜; Dressing Table | 梳妆台; Shoe Rack | 鞋架; Shoe Cabinet | 鞋柜;
        Bench | 长凳; Stool | 凳子; Bar Stool | 吧椅; Rocking Chair | 摇椅; Folding Chair | 折叠椅; Folding Table | 折叠桌; Gaming Chair | 电竞椅; Sideboard | 餐边柜; Filing Cabinet | 文件柜; Shelf | 置物架; Chest of Drawers | 斗柜; Room Divider | 屏风; Baby Cot | 婴儿床; High Chair | 儿童餐椅; Hammock | 吊床"""),
        materials=pairs("""Oak | 橡木; Pine | 松木; Walnut | 胡桃木; Beech | 榉木; Bamboo | 竹; Solid Wood | 实木; Metal | 金属; Steel | 钢; Leather | 真皮; Fabric | 布艺; Glass | 玻璃; Rattan | 藤编; Marble | 大理石; Plastic | 塑料"""),
        features=pairs("""two drawers | 双抽屉; three drawers | 三抽屉; steel frame | 钢架; wheels | 滚轮; armrests | 扶手; backrest | 靠背; footrest | 脚踏; glass doors | 玻璃门; sliding doors | 推拉门; storage space | 储物空间; cushion | 坐垫; five shelves | 五层""")),
    dict(name="beauty", sizes="ml grams pieces pack", nouns=pairs("""Shampoo | 洗发水; Conditioner | 护发素; Hair Mask | 发膜; Hair Oil | 护发精油; Shower Gel | 沐浴露; Soap | 香皂; Hand Soap | 洗手液; Body Lotion | 身体乳; Hand Cream | 护手霜; Face Cream | 面霜; Eye Cream | 眼霜; Face Mask | 面膜; Cleansing Oil | 卸妆油; Facial Cleanser | 洗面奶; Toner | 爽肤水; Serum | 精华液;
        Sunscreen | 防晒霜; Lipstick | 口红; Lip Balm | 润唇膏; Mascara | 睫毛膏; Eyeliner | 眼线笔; Eyebrow Pencil | 眉笔; Eyeshadow Palette | 眼影盘; Foundation | 粉底液; Face Powder | 散粉; Blusher | 腮红; Nail Polish | 指甲油; Perfume | 香水; Toothpaste | 牙膏; Toothbrush | 牙刷; Mouthwash | 漱口水; Comb | 梳子; Makeup Brush | 化妆刷; Makeup Remover | 卸妆水; Cotton Pads | 化妆棉; Razor | 剃须刀片; Essential Oil | 精油"""),
        materials=pairs("""Rose | 玫瑰; Lavender | 薰衣草; Green Tea | 绿茶; Aloe Vera | 芦荟; Honey | 蜂蜜; Lemon | 柠檬; Coconut | 椰子; Olive Oil | 橄榄油; Jasmine | 茉莉; Osmanthus | 桂花; Ginger | 生姜; Mint | 薄荷; Shea Butter | 乳木果; Charcoal | 竹炭; Chamomile | 洋甘菊; Cherry Blossom | 樱花"""),
        features=pairs("""dry skin | 干性肌肤; oily skin | 油性肌肤; sensitive skin | 敏感肌; all skin types | 所有肤质; dry hair | 干枯发质; oily scalp | 油性头皮; fine hair | 细软发质; SPF 30 | SPF30; SPF 50 | SPF50; vitamin C | 维生素C; vitamin E | 维生素E; hyaluronic acid | 玻尿酸; pump head | 按压泵头""")),
    dict(name="food", sizes="grams kilograms ml bags pack", nouns=pairs("""Green Tea | 绿茶; Black Tea | 红茶; Oolong Tea | 乌龙茶; White Tea | 白茶; Jasmine Tea | 茉莉花茶; Flower Tea | 花茶; Tea Bags | 袋泡茶; Coffee Beans | 咖啡豆; Instant Coffee | 速溶咖啡; Chocolate | 巧克力; Biscuits | 饼干; Cake | 蛋糕; Bread | 面包; Candy | 糖果; Nuts | 坚果; Walnuts | 核桃; Almonds | 杏仁; Cashews | 腰果; Peanuts | 花生;
        Dried Fruit | 果干; Raisins | 葡萄干; Dates | 红枣; Honey | 蜂蜜; Jam | 果酱; Rice | 大米; Noodles | 面条; Oats | 燕麦片; Flour | 面粉; Olive Oil | 橄榄油; Soy Sauce | 酱油; Vinegar | 醋; Chilli Sauce | 辣椒酱; Salt | 食盐; Sugar | 白糖; Milk | 牛奶; Milk Powder | 奶粉; Yoghurt | 酸奶; Juice | 果汁; Mineral Water | 矿泉水; Beer | 啤酒; Red Wine | 红酒; Rice Wine | 米酒; Beef Jerky | 牛肉干; Sausage | 香肠; Moon Cakes | 月饼; Dumplings | 饺子; Potato Chips | 薯片; Mushrooms | 香菇; Seaweed | 海苔; Mango | 芒果; Apples | 苹果; Oranges | 橙子; Red Beans | 红豆"""),
        materials=pairs("""Organic | 有机; Dried | 干; Roasted | 烘烤; Sugar-free | 无糖; Low-fat | 低脂; Fresh | 新鲜; Frozen | 冷冻; Salted | 盐焗; Spicy | 香辣; Sweet | 甜味; Original | 原味; Whole Wheat | 全麦; Dark | 黑; Handmade | 手工"""),
        features=pairs("""Yunnan | 云南; Fujian | 福建; Zhejiang | 浙江; Anhui | 安徽; Sichuan | 四川; Xinjiang | 新疆; Brazil | 巴西; Ethiopia | 埃塞俄比亚; Colombia | 哥伦比亚; Italy | 意大利; France | 法国; Japan | 日本; Thailand | 泰国; Australia | 澳大利亚; New Zealand | 新西兰; gift box | 礼盒; tin | 罐装; resealable bag | 自封袋""")),
    dict(name="toys", sizes="pieces ages players centimetres", nouns=pairs("""Building Blocks | 积木; Jigsaw Puzzle | 拼图; Doll | 洋娃娃; Doll House | 娃娃屋; Teddy Bear | 泰迪熊; Plush Toy | 毛绒玩具; Toy Car | 玩具车; Remote Control Car | 遥控车; Toy Train | 玩具火车; Toy Plane | 玩具飞机; Board Game | 桌游; Card Game | 卡牌游戏; Chess Set | 国际象棋; Robot | 机器人; Kite | 风筝; Balloon | 气球; Bubble Machine | 泡泡机; Water Gun | 水枪; Modelling Clay | 彩泥; Drawing Board | 画板;
        Musical Box | 音乐盒; Toy Piano | 玩具钢琴; Drum | 鼓; Tricycle | 三轮车; Scooter | 滑板车; Balance Bike | 平衡车; Rocking Horse | 木马; Play Tent | 游戏帐篷; Play Mat | 爬行垫; Baby Rattle | 摇铃; Magic Cube | 魔方; Spinning Top | 陀螺; Yo-yo | 溜溜球; Model Ship | 船模; Kitchen Toy Set | 厨房玩具套装; Science Kit | 科学实验盒; Sand Toy Set | 沙滩玩具套装; Stickers | 贴纸"""),
        materials=pairs("""Wooden | 木质; Plastic | 塑料; Plush | 毛绒; Silicone | 硅胶; Metal | 金属; Paper | 纸质; Rubber | 橡胶; Foam | 泡沫; Cotton | 纯棉; Bamboo | 竹"""),
        features=pairs("""lights | 灯光; music | 音乐; sound | 声音; storage bag | 收纳袋; remote control | 遥控器; magnets | 磁铁; wheels | 轮子; gift box | 礼盒; rounded edges | 圆角; instructions | 说明书; battery | 电池; stand | 底座""")),
    dict(name="outdoor", sizes="people kilograms centimetres area metres litres lumens", nouns=pairs("""Tent | 帐篷; Sleeping Bag | 睡袋; Camping Chair | 露营椅; Camping Table | 露营桌; Camping Lantern | 露营灯; Camping Stove | 露营炉; Flashlight | 手电筒; Head Torch | 头灯; Hiking Pole | 登山杖; Climbing Rope | 攀岩绳; Compass | 指南针; Binoculars | 望远镜; Fishing Rod | 钓鱼竿; Picnic Mat | 野餐垫; Picnic Basket | 野餐篮; Cooler Box | 保温箱; Bicycle | 自行车; Mountain Bike | 山地车; Bicycle Helmet | 骑行头盔; Bicycle Light | 自行车灯; Bicycle Lock | 自行车锁;
        Skateboard | 滑板; Roller Skates | 轮滑鞋; Football | 足球; Basketball | 篮球; Volleyball | 排球; Badminton Racket | 羽毛球拍; Tennis Racket | 网球拍; Table Tennis Bat | 乒乓球拍; Yoga Mat | 瑜伽垫; Yoga Ball | 瑜伽球; Dumbbell | 哑铃; Resistance Band | 弹力带; Skipping Rope | 跳绳; Treadmill | 跑步机; Exercise Bike | 健身车; Swimming Goggles | 泳镜; Swimming Cap | 泳帽; Swimming Ring | 游泳圈; Life Jacket | 救生衣; Surfboard | 冲浪板; Ski Goggles | 滑雪镜; Sports Bottle | 运动水壶; Knee Pads | 护膝; Boxing Gloves | 拳击手套; Kayak | 皮划艇; Beach Umbrella | 沙滩伞"""),
        materials=pairs("""Aluminium | 铝合金; Carbon Fibre | 碳纤维; Nylon | 尼龙; Steel | 钢; Rubber | 橡胶; Oxford | 牛津布; Canvas | 帆布; TPE | TPE; PVC | PVC; Cork | 软木; Titanium | 钛; Neoprene | 氯丁橡胶; Foam | 泡沫; Duck Down | 鸭绒"""),
        features=pairs("""carry bag | 收纳袋; shoulder strap | 背带; UV protection | 防紫外线; rain cover | 防雨罩; cork handle | 软木手柄; foam handle | 泡沫手柄; quick setup | 快速搭建; two doors | 双门; solar panel | 太阳能板; cup holder | 杯架; mosquito net | 蚊帐; digital counter | 电子计数""")),
    dict(name="stationery", sizes="pieces pages paper pack millimetres colours", nouns=pairs("""Notebook | 笔记本; Diary | 日记本; Sketchbook | 素描本; Planner | 日程本; Calendar | 日历; Sticky Notes | 便利贴; Envelope | 信封; Letter Paper | 信纸; Greeting Card | 贺卡; Gel Pen | 中性笔; Ballpoint Pen | 圆珠笔; Fountain Pen | 钢笔; Pencil | 铅笔; Coloured Pencils | 彩色铅笔; Marker | 记号笔; Highlighter | 荧光笔; Brush Pen | 毛笔; Ink | 墨水; Eraser | 橡皮; Ruler | 尺子; Scissors | 剪刀; Glue Stick | 胶棒; Tape | 胶带; Stapler | 订书机; Paper Clips | 回形针; File Folder | 文件夹; Pen Holder | 笔筒; Desk Mat | 桌垫; Calculator | 计算器; Whiteboard | 白板; Whiteboard Marker | 白板笔; Globe | 地球仪; Watercolours | 水彩颜料; Paint Brush | 画笔; Easel | 画架; Canvas Board | 画布板; Stamp | 印章; Bookmark | 书签; Book Stand | 书立; Label Stickers | 标签贴"""),
        materials=pairs("""Leather | 真皮; Faux Leather | 仿皮; Kraft Paper | 牛皮纸; Plastic | 塑料; Metal | 金属; Wooden | 木质; Bamboo | 竹; Brass | 黄铜; Acrylic | 亚克力; Fabric | 布面; Cork | 软木; Resin | 树脂"""),
        features=pairs("""hard cover | 硬壳; soft cover | 软皮; ruled pages | 横线; dotted pages | 点阵; blank pages | 空白页; elastic band | 绑带; pen loop | 笔插; fine nib | 细尖; gift box | 礼盒; metal clip | 金属夹; pockets | 口袋; stickers | 贴纸""")),
    dict(name="jewellery", sizes="centimetres millimetres pieces", nouns=pairs("""Watch | 手表; Necklace | 项链; Bracelet | 手链; Bangle | 手镯; Ring | 戒指; Earrings | 耳环; Ear Studs | 耳钉; Brooch | 胸针; Pendant | 吊坠; Hair Clip | 发夹; Hair Band | 发带; Headband | 头箍; Sunglasses | 太阳镜; Reading Glasses | 老花镜; Glasses Case | 眼镜盒; Hat | 帽子; Baseball Cap | 棒球帽; Straw Hat | 草帽; Beanie | 毛线帽; Scarf | 围巾; Silk Scarf | 丝巾; Gloves | 手套; Belt | 皮带; Keyring | 钥匙扣; Cufflinks | 袖扣; Jewellery Box | 首饰盒; Watch Strap | 表带; Pocket Watch | 怀表; Anklet | 脚链"""),
        materials=pairs("""Silver | 银; Gold-plated | 镀金; Titanium | 钛; Stainless Steel | 不锈钢; Pearl | 珍珠; Crystal | 水晶; Jade | 玉石; Leather | 真皮; Wool | 羊毛; Cashmere | 羊绒; Cotton | 纯棉; Wooden | 木质; Agate | 玛瑙; Resin | 树脂; Acetate | 板材"""),
        features=pairs("""leather strap | 皮表带; date display | 日期显示; polarised lenses | 偏光镜片; gift box | 礼盒; adjustable length | 可调长度; heart pendant | 心形吊坠; star pattern | 星星图案; flower pattern | 花朵图案; chain | 链条; moon pattern | 月亮图案; luminous hands | 夜光指针; wide brim | 宽檐""")),
    dict(name="baby and pets", sizes="pieces kilograms ml pack months", nouns=pairs("""Nappies | 纸尿裤; Baby Wipes | 婴儿湿巾; Baby Bottle | 奶瓶; Dummy | 安抚奶嘴; Bib | 围兜; Baby Carrier | 婴儿背带; Pram | 婴儿推车; Child Seat | 儿童安全座椅; Baby Bath | 婴儿浴盆; Baby Monitor | 婴儿监视器; Teether | 牙胶; Romper | 连身衣; Baby Blanket | 婴儿毯; Potty | 儿童马桶; Growth Chart | 身高贴; Dog Food | 狗粮; Cat Food | 猫粮; Cat Litter | 猫砂; Dog Bed | 狗窝; Cat Tree | 猫爬架; Dog Leash | 狗绳; Dog Collar | 狗项圈; Pet Carrier | 宠物航空箱; Pet Bowl | 宠物碗; Cat Toy | 猫玩具; Dog Toy | 狗玩具; Fish Tank | 鱼缸; Bird Cage | 鸟笼; Pet Shampoo | 宠物洗毛水; Pet Brush | 宠物梳; Litter Box | 猫砂盆; Hamster Cage | 仓鼠笼"""),
        materials=pairs("""Cotton | 纯棉; Silicone | 硅胶; Plastic | 塑料; Glass | 玻璃; Bamboo Fibre | 竹纤维; Stainless Steel | 不锈钢; Nylon | 尼龙; Wooden | 木质; Plush | 毛绒; Ceramic | 陶瓷; Chicken | 鸡肉; Salmon | 三文鱼; Beef | 牛肉"""),
        features=pairs("""lid | 盖; handles | 手柄; soft straw | 软吸管; buttons | 按扣; elastic waist | 松紧腰; hood | 连帽; bell | 铃铛; padded straps | 加厚肩带; non-slip base | 防滑底; wheels | 滚轮; cushion | 坐垫; sunshade | 遮阳篷""")),
    dict(name="tools and car", sizes="volts watts pieces metres millimetres", nouns=pairs("""Hammer | 锤子; Screwdriver | 螺丝刀; Screwdriver Set | 螺丝刀套装; Wrench | 扳手; Pliers | 钳子; Electric Drill | 电钻; Saw | 锯子; Tape Measure | 卷尺; Spirit Level | 水平尺; Ladder | 梯子; Toolbox | 工具箱; Work Gloves | 工作手套; Safety Helmet | 安全帽; Nails | 钉子; Screws | 螺丝; Paint | 油漆; Paint Roller | 滚筒刷; Glue Gun | 热熔胶枪; Garden Hose | 花园水管; Garden Shears | 园艺剪; Shovel | 铲子; Lawn Mower | 割草机; Seeds | 种子; Padlock | 挂锁; Light Bulb | 灯泡; LED Strip | LED灯带; Socket | 插座; Switch | 开关; Extension Cable | 延长线; Tap | 水龙头; Shower Head | 花洒; Door Handle | 门把手;
        Car Seat Cover | 汽车座套; Car Mat | 汽车脚垫; Steering Wheel Cover | 方向盘套; Car Charger | 车载充电器; Dash Cam | 行车记录仪; Car Vacuum | 车载吸尘器; Tyre | 轮胎; Tyre Pump | 充气泵; Wiper Blade | 雨刮器; Car Cover | 车衣; Engine Oil | 机油; Sun Shade | 遮阳挡; Motorcycle Helmet | 摩托车头盔"""),
        materials=pairs("""Steel | 钢; Stainless Steel | 不锈钢; Aluminium | 铝合金; Plastic | 塑料; Rubber | 橡胶; Brass | 黄铜; Leather | 真皮; Nylon | 尼龙; Copper | 铜; Iron | 铁; Wooden | 木质; Carbon Steel | 碳钢"""),
        features=pairs("""rubber handle | 橡胶手柄; carrying case | 收纳箱; LED light | LED灯; battery | 电池; magnetic tip | 磁性头; switch | 开关; non-slip grip | 防滑握把; remote control | 遥控器; digital display | 数显; two keys | 两把钥匙; safety lock | 安全锁; wide beam | 广角""")),
]

# Attributes beyond those of the demo shop.
ATTRIBUTES = {("style", "风格"): pairs("simple | 简约; vintage | 复古; modern | 现代; casual | 休闲; sporty | 运动; elegant | 优雅; Nordic | 北欧; Chinese | 中式; Japanese | 日式; country | 田园"),
              ("season", "季节"): pairs("spring | 春季; summer | 夏季; autumn | 秋季; winter | 冬季; all seasons | 四季; spring and autumn | 春秋"),
              ("pattern", "图案"): pairs("plain | 纯色; striped | 条纹; checked | 格子; floral | 碎花; polka dots | 波点; animal print | 动物纹; letters | 字母; cartoon | 卡通"),
              ("collar", "领型"): pairs("V-neck | V领; round neck | 圆领; high neck | 高领; stand collar | 立领; square neck | 方领; off the shoulder | 一字肩"),
              ("sleeves", "袖长"): pairs("long sleeves | 长袖; short sleeves | 短袖; sleeveless | 无袖; three-quarter sleeves | 七分袖"),
              ("fit", "版型"): pairs("slim | 修身; loose | 宽松; straight | 直筒; regular | 常规"),
              ("suitable for", "适用人群"): pairs("women | 女士; men | 男士; children | 儿童; babies | 婴儿; students | 学生; everyone | 通用; seniors | 老人"),
              ("closure", "闭合方式"): pairs("zip | 拉链; buttons | 纽扣; laces | 系带; Velcro | 魔术贴; buckle | 搭扣; magnet | 磁吸"),
              ("care", "洗护"): pairs("machine wash | 机洗; hand wash | 手洗; dry clean | 干洗; wipe clean | 擦拭清洁; dishwasher safe | 可用洗碗机"),
              ("flavour", "口味"): pairs("original | 原味; strawberry | 草莓; lemon | 柠檬; chocolate | 巧克力; mango | 芒果; vanilla | 香草; spicy | 香辣; salted | 咸味; matcha | 抹茶; orange | 香橙"),
              ("condition", "成色"): pairs("new | 全新; used | 二手; as good as new | 九成新; refurbished | 翻新"),
              ("power supply", "供电方式"): pairs("battery | 电池; USB | USB; mains | 交流电; solar | 太阳能; rechargeable battery | 充电电池"),
              ("shape", "形状"): pairs("round | 圆形; square | 方形; rectangular | 长方形; oval | 椭圆形; heart | 心形; star | 星形")}
MEASURES = {("length", "长度"): "centimetres metres", ("width", "宽度"): "centimetres", ("height", "高度"): "centimetres", ("thickness", "厚度"): "millimetres", ("weight", "重量"): "grams kilograms",
            ("quantity", "数量"): "pieces pack", ("capacity", "容量"): "ml litres", ("power", "功率"): "watts", ("battery", "续航"): "hours", ("voltage", "电压"): "volts", ("size", "规格"): "area volume centimetres",
            ("age", "适用年龄"): "ages", ("memory", "内存"): "gigabytes", ("diameter", "直径"): "centimetres millimetres"}
