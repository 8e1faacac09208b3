/* Names of people: Chinese surnames, and the English given and family names that are most common. Facts of common
 * knowledge, written down for this library. */
#include "shop/guard/lexicon.h"

const shop_word_table shop_person_words[] = {
    {SHOP_LEX_SURNAME,
     "王,李,张,刘,陈,杨,黄,赵,吴,周,徐,孙,马,朱,胡,郭,何,林,高,罗,郑,梁,谢,宋,唐,许,邓,韩,冯,曹,彭,曾,肖,田,董,潘,袁,"
     "蔡,"
     "蒋,余,于,杜,叶,程,魏,苏,吕,丁,任,卢,姚,沈,钟,姜,崔,谭,陆,范,汪,廖,石,金,韦,贾,夏,付,方,邹,熊,白,孟,秦,邱,侯,江,"
     "尹,薛,闫,段,雷,龙,黎,史,陶,贺,毛,郝,顾,龚,邵,万,覃,武,钱,戴,严,莫,孔,向,常,汤,康,易,乔,赖,文,施,洪,季,樊,柳,"
     "辛,耿,尚,葛,章,鲁,倪,殷,庞,邢,申,岳,温,俞,翟,凌,焦,齐,安,伍,庄,翁,关,路,纪,游,柯,裴,符,鲍,华,欧,包,梅,左,阎,"
     "单,舒,骆,甘,盛,涂,佟,宁,耿,苗,童,尤,靳,窦,管,詹,柴,滕,谷,房,聂,项,祝,蓝,褚,娄,冉,迟,刁,隋,池,牟,成,解,阮,曲,"
     "车,闻,宫,卜,席,祁,费,牛,穆,匡,卓,艾,戚,连,岑,桂,鹿,佘,席,党,辜,简,饶,敖,米,晏,尉,冷,卞,边,应,吉,阳,国,司,巩,"
     "缪,明,霍,虞,屈,蒲,乐,商,郎,桑,景,甄,郗,古,鄢,茅,麦,占,楚,宗,全,闵,荆,平,沙,邝,区,招,鞠,原,丛,仇,危,郁,丘,班,"
     "姬,仲,车,南,井,计,伏,糜,松,牧,蔺,从,胥,寇,竺,惠,步,都,蔚,越,夔,隆,师,聂,晁,勾,融,冼,訾,阚,那,帅,后,强,"
     "練,张,陳,劉,黃,趙,吳,孫,馬,鄭,謝,許,鄧,韓,馮,蕭,葉,蘇,呂,盧,鍾,譚,陸,賈,鄒,閻,龍,賀,顧,龔,萬,錢,嚴,湯,賴,"
     "欧阳,司马,上官,诸葛,东方,皇甫,尉迟,公孙,令狐,慕容,司徒,夏侯,长孙,宇文,轩辕,端木,百里,南宫,独孤,东郭,西门,"
     "申屠,公冶,太史,淳于,单于,钟离,闾丘,濮阳,司空,呼延,完颜,纳兰,爱新觉罗,叶赫那拉,歐陽"},
    {SHOP_LEX_FOREIGN,
     "斯,尔,克,特,德,拉,里,罗,利,巴,布,尼,亚,科,卡,马,莱,伊,迪,奥,维,弗,格,贝,塞,姆,达,泰,萨,洛,瓦,托,塔,恩,加,"
     "诺,普,哈,米,佩,吉,法,穆,切,桑,兰,西,莫,内,蒂,丹,汉,查,阿,埃,艾,乔,丽,娜,莎,琳,茜,珍,妮,露,苏,珊,玛,詹,彼,"
     "菲,杰,梅,威,廉,汤,希,雷,凯,皮,鲁,坦,纳,路,休,默,赫,勒,梭,扎,佐,范,冯,图,沃,戈,肯,本,朗,伯,宾,博,费,顿,"
     "森,逊,茨,夫,柯,娃,诺,蕾,黛,芬,薇,翁,昂,邦,曼,琼,温,约,翰,登,舍,韦,舒,施,齐,古,库,福,劳,郎,让,皮,朱,提,"
     "岑,腾,顿,纽,奈,埃,欧,乌,雅,耶,霍,怀,惠,瓜,奎,盖,甘,冈,高,哥,歌,雪,谢,夏,香,尚,赛,瑟,申,辛,沙,山"},
    {SHOP_LEX_FORENAME,
     "james,mary,robert,patricia,john,jennifer,michael,linda,david,elizabeth,william,barbara,richard,susan,joseph,"
     "jessica,"
     "thomas,sarah,charles,karen,christopher,lisa,daniel,nancy,matthew,betty,anthony,margaret,mark,sandra,donald,"
     "ashley,"
     "steven,kimberly,paul,emily,andrew,donna,joshua,michelle,kenneth,carol,kevin,amanda,brian,dorothy,george,melissa,"
     "timothy,deborah,ronald,stephanie,edward,rebecca,jason,sharon,jeffrey,laura,ryan,cynthia,jacob,kathleen,gary,amy,"
     "nicholas,angela,eric,shirley,jonathan,anna,stephen,brenda,larry,pamela,justin,emma,scott,nicole,brandon,helen,"
     "benjamin,samantha,samuel,katherine,gregory,christine,alexander,debra,frank,rachel,patrick,carolyn,raymond,janet,"
     "jack,catherine,dennis,maria,jerry,heather,tyler,diane,aaron,ruth,jose,julie,adam,olivia,nathan,joyce,henry,"
     "virginia,"
     "douglas,victoria,zachary,kelly,peter,lauren,kyle,christina,ethan,joan,walter,evelyn,noah,judith,jeremy,megan,"
     "christian,andrea,keith,cheryl,roger,hannah,terry,jacqueline,gerald,martha,harold,gloria,sean,teresa,austin,ann,"
     "carl,sara,arthur,madison,lawrence,frances,dylan,kathryn,jesse,janice,jordan,jean,bryan,abigail,billy,alice,joe,"
     "julia,bruce,judy,gabriel,sophia,logan,grace,albert,denise,willie,amber,alan,doris,juan,marilyn,wayne,danielle,"
     "elijah,beverly,randy,isabella,roy,theresa,vincent,diana,ralph,natalie,eugene,brittany,russell,charlotte,bobby,"
     "marie,mason,kayla,philip,alexis,louis,lori,harry,oliver,lucas,leo,oscar,max,felix,simon,tom,tim,jim,bob,bill,"
     "mike,"
     "dave,steve,chris,alex,sam,ben,dan,matt,nick,tony,jane,kate,lucy,claire,zoe,chloe,mia,lily,ella,ava,sophie,"
     "luis,carlos,pedro,miguel,ana,carmen,antonio,francisco,manuel,rosa,lucia,elena,marco,luca,giulia,paolo,pierre,"
     "françois,camille,hans,klaus,jürgen,ingrid,greta,lars,erik,anders,astrid,sven,olga,ivan,dmitri,svetlana,tatiana,"
     "mohammed,muhammad,ahmed,fatima,ali,hassan,aisha,raj,priya,amit,anita,sanjay,wei,ming,hiroshi,yuki,kenji,sakura"},
    {SHOP_LEX_FAMILY,
     "smith,johnson,williams,brown,jones,garcia,miller,davis,rodriguez,martinez,hernandez,lopez,gonzalez,wilson,"
     "anderson,"
     "thomas,taylor,moore,jackson,martin,lee,perez,thompson,white,harris,sanchez,clark,ramirez,lewis,robinson,walker,"
     "young,allen,king,wright,scott,torres,nguyen,hill,flores,green,adams,nelson,baker,hall,rivera,campbell,mitchell,"
     "carter,roberts,gomez,phillips,evans,turner,diaz,parker,cruz,edwards,collins,reyes,stewart,morris,morales,murphy,"
     "cook,rogers,gutierrez,ortiz,morgan,cooper,peterson,bailey,reed,kelly,howard,ramos,kim,cox,ward,richardson,watson,"
     "brooks,chavez,wood,james,bennett,gray,mendoza,ruiz,hughes,price,alvarez,castillo,sanders,patel,myers,long,ross,"
     "foster,jimenez,müller,schmidt,schneider,fischer,weber,meyer,wagner,becker,schulz,hoffmann,rossi,russo,ferrari,"
     "dubois,durand,moreau,silva,santos,oliveira,ferreira,costa,ivanov,petrov,smirnov,kowalski,nowak,novak,nielsen,"
     "jensen,hansen,andersson,johansson,karlsson,virtanen,wang,li,zhang,liu,chen,yang,huang,zhao,wu,zhou,xu,sun,tanaka,"
     "suzuki,sato,park,choi,singh,kumar,khan,gupta,sharma"},
    {0, NULL}};
