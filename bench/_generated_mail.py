"""Mails for benches, the same on every machine: five languages, a quarter of them replies, 12 % with files, 17 kB in the mean."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

#: Own sentences: the subject matter of a shop for docks and cables.
_PHRASES: dict[str, tuple[str, ...]] = {
    "en": (
        "The dock stopped charging my laptop yesterday evening.",
        "I have tried another cable and another socket, without any change.",
        "The light on the front stays orange for about ten seconds and then goes out.",
        "Could you tell me whether the warranty still covers this?",
        "My order number is on the invoice that came with the parcel.",
        "I would rather have it repaired than replaced.",
        "Please answer in the afternoon, I am travelling in the mornings.",
    ),
    "de": (
        "Seit gestern Abend lädt die Dockingstation mein Notebook nicht mehr.",
        "Ich habe schon ein anderes Kabel und eine andere Steckdose probiert.",
        "Die Lampe vorne leuchtet ein paar Sekunden orange und geht dann aus.",
        "Können Sie mir sagen, ob das noch unter die Garantie fällt?",
        "Meine Bestellnummer steht auf der Rechnung im Paket.",
        "Über eine schnelle Antwort würde ich mich sehr freuen.",
    ),
    "ar": (
        "توقفت قاعدة الشحن عن العمل مساء أمس.",
        "جربت كابلا آخر ومقبسا آخر ولم يتغير شيء.",
        "يبقى الضوء برتقاليا بضع ثوان ثم ينطفئ.",
        "هل ما زال الضمان يشمل هذا العطل؟",
        "رقم الطلب موجود في الفاتورة المرفقة.",
    ),
    "fa": (
        "از دیشب داک دیگر لپ‌تاپ من را شارژ نمی‌کند.",
        "کابل و پریز دیگری را هم امتحان کرده‌ام و فرقی نکرد.",
        "چراغ جلو چند ثانیه نارنجی می‌شود و بعد خاموش می‌شود.",
        "آیا ضمانت هنوز شامل این مشکل می‌شود؟",
        "شماره سفارش روی فاکتور نوشته شده است.",
    ),
    "zh": (
        "扩展坞从昨天晚上开始不能给笔记本充电了。",
        "我换了数据线和插座，问题还是一样。",
        "前面的指示灯亮几秒橙色就灭了。",
        "请问这个问题还在保修范围内吗？",
        "订单号写在包裹里的发票上。",
    ),
}
_FILES = (("application/pdf", "invoice-{n}.pdf"), ("image/jpeg", "IMG_{n}.jpg"), ("text/csv", "readings-{n}.csv"))
_REPLY, _WITH_FILE, _PLAIN_ONLY = 0.25, 0.12, 0.3


def generate(count: int, *, to: str, seed: int = 1) -> list[bytes]:
    """`count` mails to the address `to` with CRLF line ends; a reply names an earlier mail of the same sender."""
    dice = random.Random(seed)
    sent: list[tuple[str, str, str, str, list[str]]] = []  # (Message-ID, From, subject, text, References)
    return [_mail(n, dice, to, sent) for n in range(count)]


def _mail(n: int, dice: random.Random, to: str, sent: list[tuple[str, str, str, str, list[str]]]) -> bytes:
    language = dice.choice(list(_PHRASES))
    phrases = _PHRASES[language]
    text = "\n\n".join(" ".join(dice.choices(phrases, k=dice.randint(2, 6))) for _ in range(dice.randint(2, 7)))
    identifier = f"{n}.{dice.getrandbits(64):x}@mail.shop{n % 37}.example"
    references: list[str] = []
    quoted = ""
    if sent and dice.random() < _REPLY:
        answered, sender, subject, before, references = dice.choice(sent)
        references = [*references, answered][-8:]
        subject = subject if subject.startswith("Re: ") else f"Re: {subject}"
        quoted = "\n".join(f"> {line}" for line in before.splitlines()[:12])
        quoted = f"\n\nOn Mon, 16 Nov 2026 at 10:{n % 60:02d}, {sender} wrote:\n{quoted}\n"
    else:
        sender = f"Person {n} <person{n}@shop{n % 37}.example>"
        subject = f"{dice.choice(phrases)[:60]} ({n})"
    sent.append((identifier, sender, subject, text, references))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = format_datetime(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=n))
    mail["Message-ID"] = f"<{identifier}>"
    mail["User-Agent"] = "Generated 1.0"
    if references:
        mail["In-Reply-To"] = f"<{references[-1]}>"
        mail["References"] = " ".join(f"<{r}>" for r in references)
    mail.set_content(f"{text}\n\n-- \nPerson {n}\nTel. +49 30 {n:07d}\n{quoted}")
    if dice.random() > _PLAIN_ONLY:
        body = "".join(f"<p style='margin:0 0 12px 0;font-family:Arial'>{p}</p>" for p in text.split("\n\n"))
        history = f"<blockquote type='cite'>{quoted.strip()}</blockquote>" if quoted else ""
        mail.add_alternative(f"<html><head><title>x</title></head><body>{body}{history}</body></html>", subtype="html")
    if dice.random() < _WITH_FILE:
        kind, name = dice.choice(_FILES)
        main, _slash, sub = kind.partition("/")
        content = dice.randbytes(dice.randint(20_000, 130_000))
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name.format(n=n))
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{n}.{number}.boundary")
    lines = mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return f"Received: from mx.shop.example by mx.halden.example; {mail['Date']}\r\n".encode() + lines
