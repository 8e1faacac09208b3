/* Words next to which personal data stands. */
#include "shop/guard/lexicon.h"

const shop_word_table shop_cue_words[] = {
    {SHOP_LEX_PHONE,
     "phone,telephone,tel,tel.,mobile,cell,cellphone,fax,call,calling,called,ring,dial,text me,reach me,reached,"
     "contact,whatsapp,sms,hotline,my number,your number,his number,her number,their number,number is,numbers,"
     "phone number,contact number,my no,hp,handphone,answering,messages to,desk,office,"
     "电话,手机,手机号,联系方式,联系电话,联系,号码,致电,拨打,打给,座机,固话,传真,热线,客服,短信,微信,来电,回电,分机,"
     "預留,预留,电詢"},
    {SHOP_LEX_ORDER,
     "order number,order numbers,order no,order no.,order id,order,order code,order ref,order reference,orders,"
     "tracking number,tracking no,tracking no.,tracking id,tracking code,tracking,waybill,waybill number,shipment "
     "number,"
     "parcel number,invoice number,invoice no,invoice,reference number,booking number,return number,rma,"
     "订单号,订单编号,订单号码,订单,单号,单号码,运单号,运单,快递单号,快递单,物流单号,物流编号,取件码,发票号,发票号码,"
     "订单尾号,订单id,退货单号,售后单号,交易号,流水号,訂單號,訂單編號,訂單"},
    {SHOP_LEX_DOCUMENT,
     "passport,passport number,passport no,driver's license,drivers license,driver license,driving licence,"
     "driving license,license number,licence number,driver's licence,identity card,id card,id number,id no,national id,"
     "social security,social security number,ssn,tax id,tax number,nric,residence permit,"
     "护照,护照号,护照号码,身份证,身份证号,身份证号码,证件号,证件号码,证件,驾驶证,驾驶证号,驾照,驾照号,通行证,通行证号,"
     "港澳通行证,台胞证,回乡证,军官证,居住证,社保号,社保卡号,身分證,護照"},
    {SHOP_LEX_PLATE,
     "license plate,licence plate,number plate,plate number,registration plate,car registration,plate,"
     "车牌,车牌号,车牌号码,牌照,车号,車牌"},
    {SHOP_LEX_NAME_AFTER,
     "my name is,my name's,name is,the name's,name:,full name:,first name:,last name:,i am called,call me,i'm called,"
     "this is,speaking with,on behalf of,sincerely,regards,best regards,kind regards,yours truly,cheers,signed,"
     "recipient,recipient:,consignee,consignee:,cardholder,cardholder:,contact:,attn,attn:,dear,"
     "我叫,我的名字叫,我的名字是,名字叫,名字是,名叫,姓名,姓名是,全名,真名,收件人,收货人,收件人是,收货人是,联系人,"
     "联系人是,寄件人,发件人,户名,持卡人,开户人,签收人,经办人,本人姓名,我姓名,叫做,名为,我是,称呼我,请叫我,收货人姓名,"
     "收件人姓名"},
    {SHOP_LEX_TITLE_AFTER,
     "mr,mr.,mrs,mrs.,ms,ms.,miss,dr,dr.,prof,prof.,professor,sir,madam,mister,herr,frau,señor,señora"},
    {SHOP_LEX_TITLE, "先生,女士,小姐,太太,阿姨,大哥,大姐,叔叔,先森"},
    {SHOP_LEX_JOB, "老师,师傅,经理,医生,律师,教授,同学,主任,总监,校长,老板"},
    {SHOP_LEX_STREET,
     "street,st,st.,road,rd,rd.,avenue,ave,ave.,lane,ln,ln.,drive,dr,dr.,boulevard,blvd,blvd.,court,ct,ct.,way,place,"
     "pl,pl.,square,sq,sq.,terrace,ter,highway,hwy,parkway,pkwy,circle,cir,close,crescent,gardens,row,trail,trl,alley,"
     "plaza,loop,route,expressway,grove,hill,mews,walk,wharf,quay"},
    {SHOP_LEX_UNIT,
     "apt,apt.,apartment,suite,ste,ste.,unit,flat,floor,fl,fl.,room,rm,rm.,building,bldg,block,p.o. box,po box,p. o. "
     "box,"
     "box,no.,house"},
    {SHOP_LEX_ADDRESS_AFTER,
     "address,address is,address:,live at,lives at,living at,ship to,shipped to,deliver to,delivered to,send it to,"
     "located at,meet me at,"
     "地址,地址是,地址为,收货地址,收件地址,家庭住址,住址,住在,家住,寄到,送到,发到,寄往,送往,发往,位于,改成,改到,改为,"
     "配送到,收货地址是,搬到,搬家到"},
    {SHOP_LEX_STOP,
     "电话,手机,地址,住址,联系,邮箱,身份证,微信,订单,今年,来自,先生,女士,小姐,号码,收货,请问,想要,想问,想买,想退,想换,"
     "要买,要退,要换,要求,的,是,在,住,家住,你好,您好,麻烦,可以,能不,不能,没有,已经,买了,下单,等等,谢谢,和,跟,与,也,"
     "说,来,把,给,帮,昨天,今天,前天,上周,之前,一个,这个,那个,什么,怎么,为什么,为何,哪,吗,呢,吧,啊,了,哦,会员,客户,顾客,"
     "用户"},
    {0, NULL}};
