"""The week in German, most of it through hilfe@."""

from demo.conversation import Conversation, asks, notes, says

WEEK_DE: list[Conversation] = [
    Conversation(
        "jonas",
        "Zweiter Monitor bleibt am Halo Dock schwarz",
        "de",
        "Hardware",
        29,
        (
            asks(
                0,
                "Guten Tag,\n\nseit dem Update auf 2.1 bleibt an allen acht Docks im Büro der zweite Monitor "
                "schwarz. Der erste läuft. Windows zeigt ihn an, aber ohne Bild. Wir haben morgen Abgabe und "
                "brauchen beide Schirme.\n\nJonas Becker\nBecker Planung",
            ),
            says(
                "Sara",
                0.7,
                "Guten Tag Herr Becker,\n\nals schnelle Abhilfe: Stellen Sie den zweiten Monitor auf 60 statt 75 Hz, "
                "dann kommt das Bild zurück. Die Ursache ist bekannt und in 2.1.1 behoben, die Version erscheint "
                "morgen gegen Mittag. Reicht Ihnen das bis dahin?",
            ),
            asks(1.4, "Mit 60 Hz geht es. Danke, das rettet uns den Tag! Bitte melden Sie sich, wenn 2.1.1 da ist."),
            notes("Sara", 1.5, "Wiedervorlage morgen 12 Uhr, acht Docks, Gold."),
        ),
        "snoozed",
        "Sara",
        "high",
        ("firmware", "screen"),
    ),
    Conversation(
        "annika",
        "Paket beim Nachbarn, aber bei welchem?",
        "de",
        "Orders and delivery",
        7.5,
        (
            asks(
                0,
                "Hallo, laut Sendungsverfolgung liegt mein Paket (7731-188) „beim Nachbarn“. Ich habe im ganzen Haus "
                "geklingelt, niemand hat es. Können Sie beim Boten nachfragen?\n\nViele Grüße\nAnnika Vogel",
            ),
        ),
        "new",
        tags=("delivery late",),
    ),
    Conversation(
        "lukas",
        "Rechnung mit österreichischer UID",
        "de",
        "Billing",
        92,
        (
            asks(0, "Grüß Gott, auf der Rechnung 2026-0412 fehlt meine UID ATU55550127. Bitte um Korrektur. L. Gruber"),
            says(
                "Tomasz",
                3.0,
                "Guten Tag Herr Gruber,\n\ndie korrigierte Rechnung liegt bei, die alte ist storniert. Die Nummer "
                "ist nun im Kundenkonto hinterlegt und steht künftig auf jeder Rechnung.",
                "rechnung-2026-0412-1.pdf",
            ),
            asks(5.5, "Perfekt, danke!"),
        ),
        "closed",
        "Tomasz",
        "normal",
        ("invoice",),
    ),
    Conversation(
        "annika",
        "Widerruf: Nova Tablet zu klein",
        "de",
        "Returns",
        66,
        (
            asks(
                0,
                "Guten Morgen, das Tablet ist leider kleiner, als ich dachte. Ich möchte den Kauf widerrufen. Es ist "
                "unbenutzt, die Folie ist noch drauf.\n\nAnnika Vogel",
            ),
            says(
                "Sara",
                2.1,
                "Guten Morgen Frau Vogel,\n\nkein Problem. Das Rücksendeetikett liegt bei; sobald das Paket "
                "eingescannt ist, geht der Betrag zurück auf Ihr Konto. Falls Sie lieber tauschen: Das Nova 12 ist "
                "drei Zoll größer und kostet 80 Euro mehr.",
                "ruecksendeetikett.pdf",
            ),
        ),
        "pending",
        "Sara",
        "low",
        ("return", "refund"),
    ),
    Conversation(
        "jonas",
        "Lastschrift ist zurückgegangen",
        "de",
        "Billing",
        14,
        (
            asks(
                0,
                "Guten Tag, unsere Bank hat die Lastschrift für 7731-150 wegen eines Zahlendrehers zurückgegeben. "
                "Die richtige IBAN endet auf 08. Bitte noch einmal einziehen, ohne Mahngebühr, wenn es "
                "geht.\n\nJonas Becker",
            ),
            notes("Tomasz", 1.0, "Gebühr erlassen, der Dreher stand in unserer Maske. Neuer Einzug läuft am Montag."),
        ),
        "open",
        "Tomasz",
        "normal",
        ("payment failed",),
    ),
    Conversation(
        "lukas",
        "Kopfhörer koppeln mit zwei Geräten",
        "de",
        "Hardware",
        110,
        (
            asks(
                0, "Kann man die Pulse X2 gleichzeitig mit Handy und Laptop verbinden? In der Anleitung steht nichts."
            ),
            says(
                "Sara",
                1.9,
                "Ja: In der App unter Geräte den Punkt „Zwei gleichzeitig“ einschalten, dann beide nacheinander "
                "koppeln. Ein Anruf am Handy unterbricht die Musik vom Laptop von selbst. Die Anleitung ergänzen "
                "wir, danke für den Hinweis!",
            ),
            asks(2.7, "Funktioniert auf Anhieb."),
        ),
        "resolved",
        "Sara",
        "low",
        ("how to", "audio"),
    ),
]
