"""The week in English: orders, returns and money."""

from demo.conversation import Conversation, asks, notes, says

WEEK_EN_ORDERS: list[Conversation] = [
    Conversation(
        "grace",
        "Two of the same order, charged twice",
        "en",
        "Billing",
        26.2,
        (
            asks(
                0,
                "Dear Halden,\n\nI ordered one pair of Pulse X2 on Sunday. The page froze after I paid, so I pressed "
                "the button again. Now I have two confirmations, 7731-140 and 7731-141, and my bank shows both "
                "amounts.\n\nI only want one. Please return the second payment.\n\nGrace Mbeki\nUbuntu Books",
            ),
            says(
                "Tomasz",
                2.4,
                "Dear Grace,\n\nI have stopped order 7731-141, so only one parcel will leave. The second payment is "
                "still marked as reserved on our side, which usually disappears by itself in two to three days. I "
                "will look again tomorrow and write to you either way.",
            ),
            notes(
                "Tomasz", 2.5, "The shop let the same cart through twice within four seconds. Third case this month."
            ),
            asks(25.6, "I can see both payments on my statement now, and neither of them says reserved any more."),
        ),
        "open",
        "Tomasz",
        "urgent",
        ("charged twice", "refund"),
    ),
    Conversation(
        "joao",
        "Where is order 7731-118?",
        "en",
        "Orders and delivery",
        72,
        (
            asks(
                0,
                "Good afternoon,\n\nmy order 7731-118 (a Nova tablet and a case) left on Wednesday. Tracking has not "
                "moved since Friday, it says the parcel is in Irun. Is it lost?\n\nJoão",
            ),
            says(
                "Shirin",
                3.2,
                "Hello João,\n\nnot lost as far as we can see, only slow: the lorry from Irun was held for a lorry "
                "ban at the weekend. I have asked the carrier for a date and will have an answer by tomorrow at noon.",
            ),
            notes(
                "Shirin", 22, "Carrier says Thursday. If it has not moved by Wednesday evening we send a second one."
            ),
            asks(70.1, "It is Thursday and nothing has come. Could you please call me? 13:00 to 14:00 suits me."),
        ),
        "open",
        "Shirin",
        "normal",
        ("delivery late",),
    ),
    Conversation(
        "aroha",
        "Change the delivery address before Friday",
        "en",
        "Orders and delivery",
        9.4,
        (
            asks(
                0,
                "Kia ora,\n\nwe moved last week and I forgot to change the address on order 7731-176. The new one is "
                "14 Rata Street, Island Bay, Wellington. It says it leaves on Friday, so I hope I am in "
                "time.\n\nAroha",
            ),
        ),
        "new",
        tags=("address change",),
        channel="form",
    ),
    Conversation(
        "daniel",
        "Trade-in price for three Nova tablets",
        "en",
        "Billing",
        61,
        (
            asks(
                0,
                "Dear team,\n\nwe use three Nova tablets on set and would like to trade them in for the new model. "
                "They are from 2023, one has a scratch across the screen. What would you give, and can the invoice "
                "be in the name of Okonkwo Films?\n\nDaniel Okonkwo",
            ),
            says(
                "Tomasz",
                4.4,
                "Dear Daniel,\n\nthe new price list for trade-ins comes out tomorrow morning and it will be better "
                "for you than today's. I keep this open and send you both figures then. The invoice in the company's "
                "name is no problem.",
            ),
        ),
        "snoozed",
        "Tomasz",
        "normal",
        ("exchange", "invoice"),
    ),
    Conversation(
        "ravi",
        "Forty docks, one invoice per office please",
        "en",
        "Billing",
        120,
        (
            asks(
                0,
                "Hello,\n\nwe ordered forty docks (7730-911). Our auditors need one invoice for each of our three "
                "offices, with the tax number of each. I attach the list.\n\nRavi Menon\nBackwater IT",
                "offices.xlsx",
            ),
            says(
                "Mei-Ling",
                5.2,
                "Hello Ravi,\n\nthe three invoices are attached, with the split 18, 12 and 10. The first one is "
                "cancelled by the credit note, also attached. Please check the tax number of the Kochi office: in "
                "your list it has one digit less than the others.",
                "invoices-7730-911.pdf",
                "credit-note-7730-911.pdf",
            ),
            asks(27, "Well spotted, a digit was missing: it ends in 47. Everything else is right. Thank you!"),
            says("Mei-Ling", 28.3, "Corrected and attached. Have a good week!", "invoice-kochi.pdf"),
        ),
        "resolved",
        "Mei-Ling",
        "normal",
        ("invoice",),
    ),
    Conversation(
        "oliver",
        "Parcel came, box empty",
        "en",
        "Orders and delivery",
        28.7,
        (
            asks(
                0,
                "I opened the parcel for order 7731-162 and there was paper in it and nothing else. The seal was "
                "whole. I have filmed the opening, in case you do not believe me.\n\nOliver Hughes",
                "opening.mp4",
            ),
            says(
                "Shirin",
                1.1,
                "Dear Oliver,\n\nI do believe you: the weight the carrier measured is 310 g, and your earphones "
                "alone weigh 420 g. A new parcel leaves today. I am sorry for the trouble.",
            ),
            notes(
                "Shirin", 1.2, "Packing station 3, Tuesday late shift. @Priya Nair worth a look at the scales there."
            ),
            asks(27.5, "Thank you, that was quick. Any tracking number yet?"),
        ),
        "open",
        "Shirin",
        "high",
        ("wrong item",),
    ),
    Conversation(
        "marisol",
        "Six laptops, all with the wrong keyboard",
        "en",
        "Returns",
        54,
        (
            asks(
                0,
                "Good morning,\n\nour clinic received six Aerobook 14 yesterday (order 7731-090). All six have a "
                "German keyboard; we ordered US. Our nurses start with them on Monday.\n\nWhat is the fastest way to "
                "get the right ones?\n\nMarisol Vega\nSierra Clinic",
            ),
            says(
                "Priya",
                0.8,
                "Good morning Marisol,\n\nthe mistake is ours: the order was right and the wrong pallet was picked. "
                "Six with the US layout are on tonight's flight and reach you on Friday. Keep the others until then; "
                "our driver takes them back on the same visit.",
            ),
            asks(2.1, "Friday works. Can the driver come before ten? The loading door closes."),
            says("Priya", 2.6, "Arranged: between eight and half past nine, and he calls 20 minutes before."),
            notes("Priya", 3.0, "Gold. I will ring her on Friday afternoon to hear whether it went well."),
        ),
        "on_hold",
        "Priya",
        "high",
        ("wrong item", "exchange"),
    ),
    Conversation(
        "thandiwe",
        "Refund not on my account after 12 days",
        "en",
        "Billing",
        6.6,
        (
            asks(
                0,
                "Hello, on the 3rd you confirmed that I get R 4,190 back for the returned monitor arm. Today is the "
                "15th and my bank says nothing is on its way. Could you look where it got stuck?\n\nThandiwe Dube",
            ),
        ),
        "new",
        priority="high",
        tags=("refund",),
    ),
    Conversation(
        "connor",
        "Cancel my order please",
        "en",
        "Orders and delivery",
        1.2,
        (
            asks(
                0,
                "Hi, I ordered the wrong colour ten minutes ago, order 7731-219. Please cancel it, I will order the "
                "blue one myself.\n\nConnor",
            ),
        ),
        "new",
        channel="form",
    ),
    Conversation(
        "katarzyna",
        "Second dock for the meeting room",
        "en",
        "Orders and delivery",
        150,
        (
            asks(0, "Do you have another Halo Dock TB4 in stock? I would like one for the meeting room. K. Nowak"),
            says(
                "Sara",
                1.5,
                "Hello Katarzyna,\n\nyes, eleven in Berlin. If you order before two o'clock it is with you the day "
                "after tomorrow. As a gold customer you do not pay for delivery.",
            ),
            asks(3.0, "Ordered. Thank you, Sara."),
        ),
        "closed",
        "Sara",
        "low",
        ("praise",),
    ),
    Conversation(
        "grace",
        "Noise in the right earphone",
        "en",
        "Returns",
        133,
        (
            asks(0, "There is a hiss in the right earphone at low volume. May I exchange them? I have the box. Grace"),
            says(
                "Shirin",
                3.6,
                "Dear Grace,\n\nof course. The label is attached; the post office on your street takes it without "
                "packing. The new pair leaves as soon as the parcel is scanned.",
                "return-label.pdf",
            ),
            asks(52.0, "Posted this morning."),
            says("Shirin", 54.0, "Scanned, and the new pair is on its way: tracking 00340 4345 1188."),
        ),
        "resolved",
        "Shirin",
        "normal",
        ("audio", "exchange", "return"),
    ),
    Conversation(
        "connor",
        "CONGRATULATIONS your domain has been selected",
        "en",
        "Orders and delivery",
        77,
        (
            asks(
                0,
                "Dear owner, your domain was selected for our premium ranking package. Reply YES to claim your place.",
            ),
        ),
        "spam",
        priority="low",
    ),
]
