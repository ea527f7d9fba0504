"""Attributions, header blocks and separators as mail programs write them, by language: own cases, none taken from a
corpus.
"""

from __future__ import annotations

from html import escape

import pytest

from helpdesk.mail.quotes import split_html, split_text

REPLY = "Zeile eins / line one.\n\nLine two?"
HISTORY = "Earlier words nobody answers.\nSecond line of them."

GMAIL = {
    "en": "On Tue, Mar 5, 2024 at 10:15 AM Ada Byron <ada@example.com> wrote:",
    "en-GB": "On Tue, 5 Mar 2024 at 10:15, Ada Byron <ada@example.com> wrote:",
    "de": "Am Di., 5. März 2024 um 10:15 Uhr schrieb Ada Byron <ada@example.com>:",
    "fr": "Le mar. 5 mars 2024 à 10:15, Ada Byron <ada@example.com> a écrit :",
    "fr-nbsp": "Le mar. 5 mars 2024 à 10:15, Ada Byron <ada@example.com> a écrit\u00a0:",
    "es": "El mar, 5 mar 2024 a las 10:15, Ada Byron (<ada@example.com>) escribió:",
    "it": "Il giorno mar 5 mar 2024 alle ore 10:15 Ada Byron <ada@example.com> ha scritto:",
    "pt-BR": "Em ter., 5 de mar. de 2024 às 10:15, Ada Byron <ada@example.com> escreveu:",
    "pt-PT": "Ada Byron <ada@example.com> escreveu (terça, 5/03/2024 à(s) 10:15):",
    "nl": "Op di 5 mrt 2024 om 10:15 schreef Ada Byron <ada@example.com>:",
    "sv": "Den tis 5 mars 2024 kl 10:15 skrev Ada Byron <ada@example.com>:",
    "da": "Den tirs. 5. mar. 2024 kl. 10.15 skrev Ada Byron <ada@example.com>:",
    "no": "tir. 5. mars 2024 kl. 10:15 skrev Ada Byron <ada@example.com>:",
    "fi": "ti 5. maalisk. 2024 klo 10.15 Ada Byron (ada@example.com) kirjoitti:",
    "pl": "wt., 5 mar 2024 o 10:15 Ada Byron <ada@example.com> napisał(a):",
    "cs": "út 5. 3. 2024 v 10:15 odesílatel Ada Byron <ada@example.com> napsal:",
    "ru": "вт, 5 мар. 2024 г. в 10:15, Ada Byron <ada@example.com>:",
    "uk": "вт, 5 бер. 2024 р. о 10:15 Ada Byron <ada@example.com> пише:",
    "ja": "2024年3月5日(火) 10:15 Ada Byron <ada@example.com>:",
    "ko": "2024년 3월 5일 (화) 오전 10:15, Ada Byron <ada@example.com>님이 작성:",
    "zh-Hans": "Ada Byron <ada@example.com> 于2024年3月5日周二 10:15写道：",
    "zh-Hant": "Ada Byron <ada@example.com> 於 2024年3月5日 週二 上午10:15寫道：",
    "ar": "في الثلاثاء، 5 مارس 2024 في 10:15 ص تمت كتابة ما يلي بواسطة "
    "\u202aAda Byron\u202c\u200f <\u202aada@example.com\u202c\u200f>:",
    "ar-digits": "في الثلاثاء، ٥ مارس ٢٠٢٤ في ١٠:١٥ ص تمت كتابة ما يلي بواسطة "
    "\u202aAda\u202c <\u202aada@example.com\u202c>:",
    "fa": "در تاریخ سه‌شنبه ۵ مارس ۲۰۲۴، ۱۰:۱۵ \u202aAda Byron\u202c\u200f <\u202aada@example.com\u202c\u200f> نوشت:",
    "he": "\u202bבתאריך יום ג׳, 5 במרץ 2024 ב-10:15 מאת "
    "\u202aAda Byron\u202c\u200f <\u202aada@example.com\u202c\u200f>:\u202c",
    "tr": "Ada Byron <ada@example.com>, 5 Mar 2024 Sal, 10:15 tarihinde şunu yazdı:",
    "hu": "Ada Byron <ada@example.com> ezt írta (időpont: 2024. márc. 5., K, 10:15):",
    "ro": "În mar., 5 mar. 2024 la 10:15, Ada Byron <ada@example.com> a scris:",
    "el": "Στις Τρί 5 Μαρ 2024 στις 10:15 π.μ., ο χρήστης Ada Byron <ada@example.com> έγραψε:",
}

APPLE = {
    "en": "On 5 Mar 2024, at 10:15, Ada Byron <ada@example.com> wrote:",
    "de": "Am 05.03.2024 um 10:15 schrieb Ada Byron <ada@example.com>:",
    "fr": "Le 5 mars 2024 à 10:15, Ada Byron <ada@example.com> a écrit :",
    "es": "El 5 mar 2024, a las 10:15, Ada Byron <ada@example.com> escribió:",
    "it": "Il giorno 5 mar 2024, alle ore 10:15, Ada Byron <ada@example.com> ha scritto:",
    "pt": "No dia 05/03/2024, às 10:15, Ada Byron <ada@example.com> escreveu:",
    "nl": "Op 5 mrt 2024, om 10:15 heeft Ada Byron <ada@example.com> het volgende geschreven:",
    "sv": "5 mars 2024 kl. 10:15 skrev Ada Byron <ada@example.com>:",
    "pl": "Wiadomość napisana przez Ada Byron <ada@example.com> w dniu 05.03.2024, o godz. 10:15:",
    "cs": "5. 3. 2024 v 10:15, Ada Byron <ada@example.com>:",
    "ru": "5 марта 2024 г., в 10:15, Ada Byron <ada@example.com> написал(а):",
    "uk": "5 бер. 2024 р. о 10:15 Ada Byron <ada@example.com> написав(ла):",
    "ja": "2024/03/05 10:15、Ada Byron <ada@example.com>のメール：",
    "ko": "2024. 3. 5. 오전 10:15, Ada Byron <ada@example.com> 작성:",
    "zh-Hans": "在 2024年3月5日，10:15，Ada Byron <ada@example.com> 写道：",
    "zh-Hant": "Ada Byron <ada@example.com> 於 2024年3月5日 上午10:15 寫道：",
    "ar": "في ٥ مارس ٢٠٢٤، الساعة ١٠:١٥ ص، كتب/كتبت Ada Byron <ada@example.com>:",
    "fa": "در ۵ مارس ۲۰۲۴، ساعت ۱۰:۱۵، Ada Byron <ada@example.com> نوشت:",
    "he": "\u200fב-5 במרץ 2024, בשעה 10:15, \u200fAda Byron \u200f<ada@example.com> כתב/ה:",
    "tr": "Ada Byron <ada@example.com> şunları yazdı (5 Mar 2024 10:15):",
    "hu": "2024. márc. 5. dátummal, 10:15 időpontban Ada Byron <ada@example.com> írta:",
    "el": "Στις 5 Μαρ 2024, στις 10:15, ο/η Ada Byron <ada@example.com> έγραψε:",
}

OTHER_PROGRAMS = {
    "Zoho": "---- On Tue, 05 Mar 2024 10:15:00 +0100 Ada Byron <ada@example.com> wrote ----",
    "Zoho bare": "---- On Tue, 05 Mar 2024 10:15:00 +0100 ada@example.com wrote ---",
    "Yahoo": "    On Tuesday, March 5, 2024 at 10:15:00 AM GMT+1, Ada Byron <ada@example.com> wrote:  ",
    "Yahoo classic": "--- On Tue, 3/5/24, Ada Byron <ada@example.com> wrote:",
    "Proton": "On Tuesday, March 5th, 2024 at 10:15 AM, Ada Byron <ada@example.com> wrote:",
    "Thunderbird": "On 05/03/2024 10:15, Ada Byron wrote:",
    "Thunderbird de": "Am 05.03.2024 um 10:15 schrieb Ada Byron:",
    "mail.ru": "Вторник, 5 марта 2024, 10:15 +03:00 от Ada Byron <ada@example.com>:",
    "Yandex": '05.03.2024, 10:15, "Ada Byron" <ada@example.com>:',
    "163": '在 2024-03-05 10:15:00，"Ada Byron" <ada@example.com> 写道：',
    "163 en": 'At 2024-03-05 10:15:00, "Ada Byron" <ada@example.com> wrote:',
    "Gmail before 2017": "2024-03-05 10:15 GMT+01:00 Ada Byron <ada@example.com>:",
    "Evolution": "On Tue, 2024-03-05 at 10:15 +0100, Ada Byron wrote:",
    "wp.pl": "Dnia 5 marca 2024 10:15 Ada Byron <ada@example.com> napisał(a):",
}

OUTLOOK = {
    "en": ("From", "Sent", "To", "Cc", "Subject"),
    "de": ("Von", "Gesendet", "An", "Cc", "Betreff"),
    "fr": ("De", "Envoyé", "À", "Cc", "Objet"),
    "es": ("De", "Enviado el", "Para", "CC", "Asunto"),
    "it": ("Da", "Inviato", "A", "Cc", "Oggetto"),
    "pt": ("De", "Enviado", "Para", "Cc", "Assunto"),
    "pt-PT": ("De", "Enviada em", "Para", "Cc", "Assunto"),
    "nl": ("Van", "Verzonden", "Aan", "CC", "Onderwerp"),
    "sv": ("Från", "Skickat", "Till", "Kopia", "Ämne"),
    "da": ("Fra", "Sendt", "Til", "Cc", "Emne"),
    "no": ("Fra", "Sendt", "Til", "Kopi", "Emne"),
    "fi": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Kopio", "Aihe"),
    "pl": ("Od", "Wysłano", "Do", "DW", "Temat"),
    "cs": ("Od", "Odesláno", "Komu", "Kopie", "Předmět"),
    "ru": ("От", "Отправлено", "Кому", "Копия", "Тема"),
    "uk": ("Від", "Надіслано", "Кому", "Копія", "Тема"),
    "ja": ("差出人", "送信日時", "宛先", "CC", "件名"),
    "ko": ("보낸 사람", "보낸 날짜", "받는 사람", "참조", "제목"),
    "zh-Hans": ("发件人", "发送时间", "收件人", "抄送", "主题"),
    "zh-Hant": ("寄件者", "寄件日期", "收件者", "副本", "主旨"),
    "ar": ("من", "تم الإرسال", "إلى", "نسخة", "الموضوع"),
    "ar-2": ("من", "تاريخ الإرسال", "إلى", "نسخة إلى", "الموضوع"),
    "fa": ("از", "ارسال شده", "به", "رونوشت", "موضوع"),
    "he": ("מאת", "נשלח", "אל", "עותק", "נושא"),
    "tr": ("Kimden", "Gönderildi", "Kime", "Bilgi", "Konu"),
    "hu": ("Feladó", "Elküldve", "Címzett", "Másolatot kap", "Tárgy"),
    "ro": ("De la", "Trimis", "Către", "Cc", "Subiect"),
    "el": ("Από", "Στάλθηκε", "Προς", "Κοιν.", "Θέμα"),
}

ORIGINAL = {
    "en": "-----Original Message-----",
    "de": "-----Ursprüngliche Nachricht-----",
    "fr": "-----Message d’origine-----",
    "es": "-----Mensaje original-----",
    "it": "-----Messaggio originale-----",
    "pt": "-----Mensagem original-----",
    "nl": "-----Oorspronkelijk bericht-----",
    "sv": "-----Ursprungligt meddelande-----",
    "da": "-----Oprindelig meddelelse-----",
    "no": "-----Opprinnelig melding-----",
    "fi": "-----Alkuperäinen viesti-----",
    "pl": "-----Wiadomość oryginalna-----",
    "cs": "-----Původní zpráva-----",
    "ru": "-----Исходное сообщение-----",
    "uk": "-----Вихідне повідомлення-----",
    "ja": "-----元のメッセージ-----",
    "ko": "-----원본 메시지-----",
    "zh-Hans QQ": "------------------ 原始邮件 ------------------",
    "zh-Hans 163": "---- 回复的原邮件 ----",
    "zh-Hant": "-----原始郵件-----",
    "ar": "-----الرسالة الأصلية-----",
    "fa": "-----پیام اصلی-----",
    "he": "-----הודעה מקורית-----",
    "tr": "-----Özgün İleti-----",
    "hu": "-----Eredeti üzenet-----",
    "ro": "-----Mesaj original-----",
    "el": "-----Αρχικό μήνυμα-----",
}

MOBILE = {
    "en": "Sent from my iPhone",
    "en Outlook": "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "en Android": "Sent from my Samsung Galaxy smartphone.",
    "en any phone": "(sent from a mobile device)",
    "en BlueMail": "Get BlueMail for Android",
    "en Mailbox": "Sent from Mailbox",
    "de device": "Von meinem Mobilgerät gesendet",
    "en Mail": "Sent from Mail for Windows",
    "de": "Von meinem iPhone gesendet",
    "de Samsung": "Von meinem/meiner Galaxy gesendet",
    "de Outlook": "Outlook für Android beziehen",
    "fr": "Envoyé de mon iPhone",
    "fr Outlook": "Envoyé à partir d’Outlook pour Android",
    "es": "Enviado desde mi iPhone",
    "it": "Inviato da iPhone",
    "pt": "Enviado do meu iPhone",
    "nl": "Verstuurd vanaf mijn iPhone",
    "sv": "Skickat från min iPhone",
    "da": "Sendt fra min iPhone",
    "no": "Sendt fra min iPhone",
    "fi": "Lähetetty iPhonesta",
    "pl": "Wysłane z iPhone'a",
    "cs": "Odesláno z iPhonu",
    "ru": "Отправлено с iPhone",
    "uk": "Надіслано з iPhone",
    "ja": "iPhoneから送信",
    "ko": "나의 iPhone에서 보냄",
    "zh-Hans": "发自我的iPhone",
    "zh-Hant": "從我的 iPhone 傳送",
    "ar": "أُرسلت من الـ iPhone",
    "fa": "فرستاده شده از iPhone من",
    "he": "נשלח מה-iPhone שלי",
    "tr": "iPhone'umdan gönderildi",
    "hu": "iPhone-omról küldve",
    "ro": "Trimis de pe iPhone-ul meu",
    "el": "Στάλθηκε από το iPhone μου",
}

FORWARD_MARKS = {
    "Gmail": "---------- Forwarded message ---------",
    "Apple en": "Begin forwarded message:",
    "Apple de": "Anfang der weitergeleiteten Nachricht:",
    "Apple fr": "Début du message transféré :",
    "Thunderbird fr": "-------- Message transféré --------",
    "Apple es": "Inicio del mensaje reenviado:",
    "Apple it": "Inizio messaggio inoltrato:",
    "Apple nl": "Begin doorgestuurd bericht:",
    "Thunderbird pl": "-------- Treść przekazanej wiadomości --------",
    "mail.ru": "-------- Пересылаемое сообщение --------",
    "Thunderbird ru": "-------- Перенаправленное сообщение --------",
    "163": "---- 转发的邮件 ----",
    "Apple zh-Hant": "開始轉寄郵件：",
    "Thunderbird ja": "-------- 転送メッセージ --------",
    "Thunderbird tr": "-------- İletilmiş Mesaj --------",
    "Thunderbird ar": "-------- رسالة محولة --------",
    "Thunderbird fa": "-------- پیام هدایت‌شده --------",
    "Apple he": "תחילת ההודעה שהועברה:",
}


def block(labels: tuple[str, ...], *, bold: bool = False, full_width: bool = False) -> str:
    """A header block with the labels in Outlook's order: from, sent, to, cc, subject."""
    values = (
        "Ada Byron <ada@example.com>",
        "5 March 2024 10:15",
        "Support <help@example.org>",
        "Bo <bo@example.org>",
        "A question",
    )
    colon = "：" if full_width else ":"
    mark = "*" if bold else ""
    return "\n".join(f"{mark}{label}{colon}{mark} {value}" for label, value in zip(labels, values, strict=True))


@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in {**GMAIL, **APPLE, **OTHER_PROGRAMS}.items()])
class TestAttributions:
    def test_the_quote_under_it_is_taken_off_with_it(self, line: str) -> None:
        quote = "\n".join(f"> {text}" for text in HISTORY.split("\n"))
        parts = split_text(f"{REPLY}\n\n{line}\n\n{quote}\n")
        assert parts.reply == REPLY
        assert parts.quoted.startswith(line.rstrip())

    def test_history_without_quote_marks_is_taken_off_too(self, line: str) -> None:
        if line.startswith("2024-03-05 10:15 GMT"):
            line = line.rstrip(":")
        assert split_text(f"{REPLY}\n\n{line}\n\n{HISTORY}\n").reply == REPLY

    def test_it_is_found_in_html_without_known_structure(self, line: str) -> None:
        html = f"<div>Kept words<br><br>{escape(line)}<br><blockquote>Earlier words</blockquote></div>"
        parts = split_html(html)
        assert parts.reply_text == "Kept words"
        assert "Kept words" in parts.reply_html
        assert "Earlier" not in parts.reply_html
        assert "ada@example.com" not in parts.reply_html


WRAPPED = {
    name: line
    for name, line in {**GMAIL, **APPLE, **OTHER_PROGRAMS}.items()
    if len(line.partition("<")[0]) >= 12 and "<" in line
}


@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in WRAPPED.items()])
def test_attribution_is_found_when_wrapped_before_its_address(line: str) -> None:
    head, _, tail = line.partition("<")
    assert split_text(f"{REPLY}\n\n{head}<\n{tail}\n\n> Earlier words").reply == REPLY


@pytest.mark.parametrize("labels", [pytest.param(v, id=k) for k, v in OUTLOOK.items()])
class TestHeaderBlocks:
    @pytest.mark.parametrize(("bold", "full_width"), [(False, False), (True, False), (False, True)])
    def test_plain_block_ends_the_reply(self, labels: tuple[str, ...], bold: bool, full_width: bool) -> None:
        text = f"{REPLY}\n\n{block(labels, bold=bold, full_width=full_width)}\n\n{HISTORY}\n"
        parts = split_text(text)
        assert parts.reply == REPLY
        assert parts.quoted.endswith(HISTORY)

    def test_mobile_block_under_a_line_of_underscores_ends_the_reply(self, labels: tuple[str, ...]) -> None:
        text = f"{REPLY}\n\n________________________________\n{block(labels)}\n\n{HISTORY}\n"
        parts = split_text(text)
        assert parts.reply == REPLY
        assert parts.quoted.startswith("____")

    def test_right_to_left_marks_do_not_hide_a_block(self, labels: tuple[str, ...]) -> None:
        marked = "\n".join(f"\u200f{line}\u202c" for line in block(labels).split("\n"))
        assert split_text(f"{REPLY}\n\n{marked}\n\n{HISTORY}").reply == REPLY

    def test_desktop_html_is_cut_at_the_ruled_block(self, labels: tuple[str, ...]) -> None:
        lines = [line.partition(":") for line in block(labels).replace("<", "&lt;").split("\n")]
        header = "<br>".join(f"<b>{label}:</b>{value}" for label, _, value in lines)
        html = (
            '<html><body><div class="WordSection1"><p class="MsoNormal">Kept words<o:p></o:p></p>'
            '<p class="MsoNormal">&nbsp;</p>'
            '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
            f'<p class="MsoNormal">{header}</p></div><p class="MsoNormal">Earlier words</p></div></body></html>'
        )
        parts = split_html(html)
        assert parts.reply_text == "Kept words"
        assert "Earlier" not in parts.reply_html
        assert "Kept words" in parts.reply_html


@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in ORIGINAL.items()])
def test_original_message_line_ends_the_reply_by_itself(line: str) -> None:
    assert split_text(f"{REPLY}\n\n{line}\n{HISTORY}\n").reply == REPLY


@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in FORWARD_MARKS.items()])
def test_forward_line_ends_the_comment_above_it(line: str) -> None:
    assert split_text(f"{REPLY}\n\n{line}\n\n{block(OUTLOOK['en'])}\n\n{HISTORY}\n").reply == REPLY


@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in MOBILE.items()])
def test_mobile_line_is_a_signature(line: str) -> None:
    parts = split_text(f"{REPLY}\n\n{line}\n")
    assert parts.reply == REPLY
    assert parts.signature == line


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my desk, is much easier than my mobile phone.",
        "Von meinem Handy aus kann ich mich nicht anmelden.",
        "Enviado el martes, todavía no ha llegado.",
        "Sent from Hamburg last week by parcel, still not here",
        "从我的手机无法登录",
        "내 핸드폰이 고장났어요",
        "Télécharger la facture ne marche pas",
        "I sent it from my iPhone yesterday.",
    ],
)
def test_sentence_that_begins_like_a_mobile_line_stays(line: str) -> None:
    assert split_text(f"{REPLY}\n\n{line}\n").reply == f"{REPLY}\n\n{line}"
