"""The week in English, hardware: written by customers in many countries."""

from demo.conversation import Conversation, asks, notes, says

WEEK_EN: list[Conversation] = [
    Conversation(
        "katarzyna",
        "Dock stopped charging after firmware 2.1",
        "en",
        "Hardware",
        49.5,
        (
            asks(
                0,
                "Hello,\n\nsince I installed firmware 2.1 last night my Halo Dock TB4 no longer charges the laptop. "
                "The two screens and the network still work. I tried another cable and another socket.\n\nI present "
                "to a client on Monday and this dock is my whole desk. Can I go back to 2.0?\n\nKatarzyna Nowak",
            ),
            says(
                "Sara",
                0.5,
                "Hello Katarzyna,\n\nthank you for testing the cable first. Going back is possible, but I would like "
                "to see why it happened before we do. Could you open Halo Utility, choose Diagnostics, and send me "
                "the log file?",
            ),
            asks(
                6.1,
                "Here is the log, and a photo of the power light. It blinks amber twice, then stays off.",
                "halo-diagnostics.log",
                "IMG_2207.jpg",
            ),
            notes(
                "Youssef",
                6.6,
                "@Sara Lindqvist this is the negotiation bug: 2.1 asks for 100 W from chargers that only offer 96 W. Line 212 "
                "of the log shows it. 2.1.1 fixes it and is out tomorrow at noon; rolling back to 2.0 also works but "
                "loses the screen settings.",
            ),
            asks(
                47.8,
                "Good morning. Is there any news? I do not mind losing the screen settings, I just need it to "
                "charge. If it cannot work by Friday I will send it back and buy another brand.",
            ),
        ),
        "open",
        "Sara",
        "high",
        ("charging", "firmware", "may leave"),
    ),
    Conversation(
        "hiroshi",
        "Left earcup silent on Pulse X2",
        "en",
        "Hardware",
        3.3,
        (
            asks(
                0,
                "Hello. The left side of my Pulse X2 went quiet during a call this morning. It shows as connected "
                "and the battery is at 80 percent. I have reset it by holding both keys for ten seconds. No "
                "change.\n\nSerial PX2-88-20417. What should I try next?\n\nTanaka",
            ),
        ),
        "new",
        priority="high",
        tags=("audio",),
    ),
    Conversation(
        "elif",
        "Warranty on a refurbished Aerobook 14",
        "en",
        "Hardware",
        4.1,
        (
            asks(
                0,
                "Hi,\n\nI bought a refurbished Aerobook 14 from you. Does the second year of the warranty start from "
                "my date of purchase or from the first owner's? The hinge is loose already and I would like to know "
                "before I send it anywhere.\n\nElif Yıldız",
            ),
        ),
        "new",
        tags=("warranty",),
    ),
    Conversation(
        "sven",
        "Router drops 5 GHz every night",
        "en",
        "Hardware",
        98,
        (
            asks(
                0,
                "Every night between two and three the 5 GHz network of my Halden Mesh disappears. It comes back if "
                "I pull the plug. 2.4 GHz stays. Firmware is the newest one.\n\nSven",
            ),
            says(
                "Youssef",
                1.6,
                "Hello Sven,\n\nthat sounds like the radar check: on channels 52 and up the router must go quiet "
                "when it hears weather radar. Could you send the night log, from Settings, Log, Last 24 hours? It "
                "would show the exact minute.",
            ),
            asks(20, "I will catch it tonight.", "mesh-night-1.txt"),
            says(
                "Youssef",
                23.1,
                "Thank you. The log ends before two o'clock, because the router keeps only 500 lines. Could you set "
                "the level to Warnings and send it once more?",
            ),
        ),
        "pending",
        "Youssef",
        "normal",
        ("wifi", "firmware"),
    ),
    Conversation(
        "maeve",
        "Charger gets too hot to touch",
        "en",
        "Hardware",
        5.8,
        (
            asks(
                0,
                "Hello, I am a bit worried. The 65 W charger that came with my Aerobook gets so hot that I cannot "
                "hold it, and this morning there was a smell. I have unplugged it. Is it safe to use until you send "
                "another?\n\nMaeve O'Sullivan",
                "charger-label.jpg",
            ),
            says(
                "Priya",
                0.4,
                "Dear Maeve,\n\nplease do not use it again, not even for a short while. A new charger leaves our "
                "warehouse today by courier and will be with you tomorrow before noon; you do not have to send "
                "anything first. A label for the old one is in the box.",
            ),
            notes(
                "Priya", 0.5, "Lot 24-11 again. @Lena Brandt please add the serial from the photo to the safety list."
            ),
            notes("Lena", 1.2, "Added. That is the fourth of this lot; I have asked the supplier for the test report."),
        ),
        "pending",
        "Priya",
        "urgent",
        ("charging", "warranty"),
    ),
    Conversation(
        "chloe",
        "Can the Nova tablet draw over a video call?",
        "en",
        "Hardware",
        31,
        (
            asks(
                0,
                "Bonjour,\n\nI teach drawing online. Before I buy: can I draw on the Nova tablet while I share its "
                "screen in a call, without the line lagging behind the pen?\n\nChloé",
            ),
            says(
                "Sara",
                2.0,
                "Bonjour Chloé,\n\nyes, over a cable: connect the tablet by USB-C, choose Second screen, and the "
                "delay is about 30 ms, which most people do not notice. Over Wi-Fi it is three times that, and for "
                "teaching I would not recommend it. You may try it for 30 days and send it back if it does not feel "
                "right.",
            ),
            asks(4.5, "That is the most honest answer a shop ever gave me. Ordered!"),
        ),
        "resolved",
        "Sara",
        "low",
        ("how to", "praise"),
    ),
    Conversation(
        "pekka",
        "Battery at 71 % after one year",
        "en",
        "Hardware",
        140,
        (
            asks(
                0, "The battery of my Aerobook is at 71 % of its first capacity after 13 months. Is that normal? Pekka"
            ),
            says(
                "Sara",
                20.0,
                "Hello Pekka,\n\nno, we promise 80 % after two years, so this is a warranty case. A service point in "
                "Helsinki can change it while you wait; the voucher is attached and good for a month.",
                "voucher-battery.pdf",
            ),
            asks(95.0, "Done yesterday, 25 minutes, coffee included. Kiitos."),
        ),
        "closed",
        "Sara",
        "normal",
        ("battery", "warranty"),
    ),
    Conversation(
        "ravi",
        "Bulk firmware update without touching each dock",
        "en",
        "Hardware",
        44,
        (
            asks(
                0,
                "With forty docks I cannot walk to each desk. Is there a way to push firmware 2.1.1 from a "
                "server?\n\nRavi",
            ),
            notes("Sara", 1.2, "@Youssef Haddad is the fleet tool released outside the pilot?"),
            notes("Youssef", 1.9, "From 2.1.1 on, yes. Needs the admin key; I can make one for him tomorrow."),
            says(
                "Sara",
                2.2,
                "Hello Ravi,\n\nyes, with Halo Fleet, which is free from 2.1.1 on. It runs on one computer in the "
                "network and updates docks while nobody uses them. I send your admin key tomorrow together with a "
                "short guide.",
            ),
        ),
        "pending",
        "Sara",
        "normal",
        ("firmware", "how to"),
    ),
]
