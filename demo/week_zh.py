"""The week in Chinese."""

from demo.conversation import Conversation, asks, notes, says

WEEK_ZH: list[Conversation] = [
    Conversation(
        "xiaoming",
        "发票抬头开错了，能重新开一张吗？",
        "zh",
        "Billing",
        4.6,
        (
            asks(
                0,
                "您好！\n\n订单号 7731-204 的发票抬头写成了我个人的名字，财务不给报销。麻烦改成“江南邮件科技有限公司”"
                "，税号我写在附件里了。这个月底之前需要，谢谢。\n\n王晓明",
                "税号.txt",
            ),
        ),
        "new",
        tags=("invoice",),
        channel="form",
    ),
    Conversation(
        "lihua",
        "升级固件后扩展坞不充电",
        "zh",
        "Hardware",
        38,
        (
            asks(
                0,
                "你们好，\n\n昨天把 Halo Dock TB4 升级到 2.1 "
                "以后，笔记本就充不上电了，但是显示器和网线都正常。换过线，也换过插座。公司有十二台，现在不敢再升级了"
                "。\n\n华新设计 李华",
                "诊断日志.log",
            ),
            says(
                "Mei-Ling",
                0.9,
                "李女士您好，\n\n感谢您附上日志，原因已经找到：2.1 向充电器申请 100 W，而您的充电器最多提供 96 "
                "W。2.1.1 明天中午发布，会修复这个问题。其余十一台请先不要升级。\n\n如果今天就要用，我可以发给您退回 "
                "2.0 的方法，大约四分钟。",
            ),
            asks(2.0, "请发给我吧，明天一早要给客户演示。"),
            says("Mei-Ling", 2.3, "方法在附件里，按步骤做就可以。做完请告诉我一声。", "退回2.0说明.pdf"),
            asks(4.8, "退回以后正常了。等 2.1.1 出来麻烦通知我。"),
        ),
        "snoozed",
        "Mei-Ling",
        "high",
        ("charging", "firmware"),
    ),
    Conversation(
        "jingyi",
        "包裹顯示已簽收，但我沒有收到",
        "zh",
        "Orders and delivery",
        24,
        (
            asks(
                0,
                "您好，訂單 7731-171 的物流顯示昨天下午三點已簽收，可是我整天都在家，管理員那邊也沒有。請幫忙查一下是"
                "誰簽的。\n\n陳靜怡",
            ),
            says(
                "Mei-Ling",
                1.5,
                "陳小姐您好，\n\n我已請物流公司調出簽收單和定位紀錄，明天上午會有結果。如果確定送錯，我們馬上補寄一份"
                "，不需要您再付任何費用。",
            ),
            notes("Mei-Ling", 20.5, "定位在隔壁巷子，司机承认送错了门牌。今天下午会去取回。"),
            asks(23.2, "請問有消息了嗎？"),
        ),
        "open",
        "Mei-Ling",
        "high",
        ("delivery late",),
    ),
    Conversation(
        "haoran",
        "批量采购耳机，能否货到付款",
        "zh",
        "Billing",
        69,
        (
            asks(0, "我们想订六十副 Pulse X2 作为年会礼品，请问可以货到付款吗？数量上有没有优惠？粤东电子 张浩然"),
            says(
                "Mei-Ling",
                3.3,
                "张先生您好，\n\n六十副可以享受九折。货到付款仅限两万元以内，这一单我们可以接受三十天账期，需要贵公司"
                "盖章的订购单。报价单见附件，七天内有效。",
                "报价单.pdf",
            ),
        ),
        "pending",
        "Mei-Ling",
        "normal",
        ("invoice",),
    ),
    Conversation(
        "meifang",
        "想换一个小一号的耳塞",
        "zh",
        "Returns",
        58,
        (
            asks(0, "耳机音质很好，只是耳塞太大，戴一个小时耳朵就疼。可以单独买小号的吗？林美芳"),
            says(
                "Mei-Ling", 1.2, "林女士您好，小号耳塞免费寄给您，今天就发出，大约四天到新加坡。合适的话就不用退换了。"
            ),
            asks(54.0, "今天收到了，大小刚刚好，非常感谢！"),
        ),
        "resolved",
        "Mei-Ling",
        "low",
        ("exchange", "praise"),
    ),
    Conversation(
        "zhiyuan",
        "笔记本风扇声音很大",
        "zh",
        "Hardware",
        2.1,
        (
            asks(
                0,
                "你好，Aerobook 14 买了三个月，最近只开网页风扇也一直转，声音像吹风机。宿舍里晚上不敢用。已经清过灰，"
                "也重装过系统。\n\n赵志远",
                "风扇录音.m4a",
            ),
        ),
        "new",
        tags=("warranty",),
    ),
    Conversation(
        "xiaoming",
        "付款失败，但是订单已经取消",
        "zh",
        "Billing",
        41,
        (
            asks(0, "付款时提示失败，订单自动取消了，可是银行说钱已经扣了。什么时候能退回来？王晓明"),
            says(
                "Mei-Ling",
                2.6,
                "王先生您好，\n\n这笔款项只是被银行冻结，并没有到我们的账户。冻结一般在三个工作日内解除。如果到星期五"
                "还没有恢复，请把银行流水发给我，我来和银行核对。",
            ),
            asks(38.5, "已经第三天了，还是没有退回。附上流水截图。", "流水.png"),
        ),
        "open",
        "Mei-Ling",
        "normal",
        ("payment failed", "refund"),
    ),
    Conversation(
        "lihua",
        "加急：显示器支架螺丝少了一包",
        "zh",
        "Orders and delivery",
        113,
        (
            asks(0, "今天收到十个支架，其中一个箱子里没有螺丝包，明天工人就来安装了。李华"),
            says("Mei-Ling", 0.6, "李女士您好，非常抱歉。螺丝包已交给同城快递，今晚八点前送到贵公司，收件人写的是您。"),
            asks(9.5, "七点就到了，反应真快。"),
        ),
        "closed",
        "Mei-Ling",
        "urgent",
        ("wrong item", "praise"),
    ),
    Conversation(
        "haoran",
        "路由器覆盖三层楼够不够",
        "zh",
        "Hardware",
        95,
        (
            asks(0, "办公室一共三层，每层大约两百平方米，墙是实心砖。请问需要几个 Mesh 节点？张浩然"),
            notes("Mei-Ling", 2.0, "@Youssef Haddad 实心砖墙三层，每层两个够吗？"),
            notes(
                "Youssef",
                2.8,
                "Two per floor, wired between floors if they can. Wireless through a brick ceiling loses half.",
            ),
            says(
                "Mei-Ling",
                3.1,
                "张先生您好，\n\n建议每层两个节点，共六个；如果楼层之间能拉网线，速度不会打折。不能拉线的话，请把节点"
                "上下对齐放在楼梯口附近。三十天内效果不满意可以退。",
            ),
        ),
        "resolved",
        "Mei-Ling",
        "normal",
        ("wifi", "how to"),
    ),
    Conversation(
        "jingyi",
        "可以改寄到超商嗎",
        "zh",
        "Orders and delivery",
        10.5,
        (asks(0, "訂單 7731-212 還沒出貨，我平日不在家，可以改成超商取貨嗎？陳靜怡"),),
        "new",
        tags=("address change",),
    ),
    Conversation(
        "meifang",
        "保修期从哪天开始算？",
        "zh",
        "Hardware",
        130,
        (
            asks(0, "平板是朋友送的生日礼物，她三月买，我六月才拆封。保修从哪天算起？林美芳"),
            says("Mei-Ling", 4.2, "林女士您好，保修从第一次联网激活那天算起，也就是您拆封的六月，共两年。不需要发票。"),
            asks(5.0, "明白了，谢谢！"),
        ),
        "closed",
        "Mei-Ling",
        "low",
        ("warranty",),
    ),
]
