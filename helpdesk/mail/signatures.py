"""Where a writer's own words end and the signature begins, for plain lines.

Three kinds are known: the `-- ` line of RFC 3676 (section 4.3), a line of a mobile mail program ("Sent from my
iPhone"), and a ruled-off block that looks like contact details or a footer. A valediction with a name stays in the
reply: it is what the writer wrote. Called by `quote_lines`.
"""

from __future__ import annotations

import re

from helpdesk.mail.quote_headers import normal, visible

_RULE = re.compile(r"^\s*([-_=*#~+—–]\s?)\1*[-_=*#~+—–\s]*$")
_DASHES = frozenset({"--", "—", "––", "__", "-- -", "―"})


# Devices and mail programs that put their name under a mail.
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for text in normal form, which writes Arabic yeh and kaf the Persian way."""
    return re.compile(pattern.replace("\u064a", "\u06cc").replace("\u0643", "\u06a9"))


_DEVICE = _compiled(
    r"i-?phon|mailbox|wireless|gerät|device|appareil|dispositivo|apparaat|i-?pad|ipod|apple watch|"
    r"android|blackberry|black berry|smart-?phone|téléphone|telefon|"
    r"telefoon|puhelim|teléfono|"
    r"telefone|telefonino|cellulare|móvil|celular|mobil|mobile|handy|handheld|tablet|galaxy|samsung|"
    r"huawei|xiaomi|redmi|oppo|"
    r"oneplus|nokia|lumia|sony|xperia|motorola|google pixel|pixel \d|htc|windows phone|"
    r"windows 10|windows 11|windows-?mail|mail for windows|mail para windows|courrier|"
    r"posta per windows|correo para windows|"
    r"outlook|yahoo|gmail|hotmail|proton ?mail|k-9|thunderbird|spark|airmail|mailspring|bluemail|"
    r"blue mail|aqua mail|edison mail|"
    r"gmx|web\.de|1&1|free mobile|bouygues|vodafone|t-mobile|verizon|mail\.ru|яндекс|yandex|"
    r"телефон|смартфон|айфон|устройств|"
    r"мобильн|мобільн|пристро|phone|手机|手機|휴대|폰|아이폰|携帯|スマート|アイフォン|هاتف|الهاتف|"
    r"جوال|آيفون|الآيفون|گوشی|آیفون|موبایل|تلفن همراه|"
    r"אייפון|טלפון|נייד|cep telefonu|qq邮箱|网易|foxmail|邮箱大师|κινητό|zoho|tutanota|rediffmail|naver|daum|kakao"
)
_SENT_FROM = _compiled(
    r"^(?:sent (?:from|via|using|by|with|on|through) |get \S+ for (?:android|ios|windows)|(?:get|"
    r"download|skaff|hämta|hent|hanki|obtenez|obtén|"
    r"obtener|obter o|obtenha o|scarica|ottieni|"
    r"pobierz|pobierz aplikację|stáhnout|скачать|получить|завантажити|obțineți|télécharger|"
    r"téléchargez|descargar|获取|取得|下载|下載|"
    r"الحصول على|احصل على|دریافت|קבל את|הורד את|λήψη του) ?outlook|"
    r"outlook (?:voor|for|för|til|para|per|pour|für|для|pro|dla) |"
    r"gesendet (?:mit|von|über|aus|via)|envoyée? (?:de|depuis|à partir|avec|via|par)|provenance|"
    r"enviado (?:desde|de|do|a partir|por|via|através|con|mediante)|inviat[oa] (?:da|dal|con|tramite)|"
    r"(?:verzonden|verstuurd) (?:vanaf|vanuit|met|via|van)|skicka(?:t|des) (?:från|med|via)|"
    r"sendt (?:fra|via|med)|lähetetty|"
    r"wysłan[eo] (?:z|za)|odesláno (?:z|ze|pomocí)|отправлен[оа]? (?:с|из|от)|(?:надіслано|відправлено) (?:з|із)|"
    r"trimis (?:de|din|cu)|elküldve|küldve|στάλθηκε από|εστάλη από|αποστολή από|"
    r"发自|發自|(?:来自|來自)(?:我的| )|寄自|傳送自|從我的 ?\S+ ?(?:發送|傳送|寄)|从我的 ?\S+ ?发|"
    r"[أا]رسلت من|[أا]رسل من|مرسلة? من|تم الإ?رسال(?:ها)? من|فرستاده شده|ارسال شده از|ارسال از|נשלח מ|נשלח באמצעות)"
)
_SENT_FROM_END = _compiled(
    r"(?:から送信|より送信|에서 보냄|에서 보낸(?: 메일)?|에서 보냈습니다|에서 발송|gönderildi|"
    r"gönderilmiştir|outlook.{0,12}edinin|outlook.{0,12}indirin|"
    r"gesendet|verzonden|verschickt|versendet|küldve|küldött üzenet|發送|傳送|寄出|发送|发来|"
    r"outlook.{0,12}(?:を入手|をダウンロード|다운로드|가져오기))\s*[.。]?$"
)
_LINK = re.compile(r"\s*[<(\[]?https?://\S+")

_CONTACT = _compiled(
    r"@[\w-]+\.\w|https?://|www\.|(?:tel|fon|phone|mobile?|fax|cell|tél|mob|тел|電話|电话|전화|هاتف|"
    r"تلفن|טל)\s*[.:)]|\+?\d[\d\s()./-]{7,}\d"
)
_FOOTER = _compiled(
    r"mailing list|unsubscribe|newsletter abbestellen|désabonner|darse de baja|退订|إلغاء الاشتراك|لغو اشتراک|"
    r"(?:e-?mail|message|communication|nachricht|mensaje|messaggio|courriel|correo|bericht)\b.{0,60}"
    r"(?:confidential|vertraulich|confidentiel|confidencial|riservat|vertrouwelijk|privileged)|"
    r"intended (?:solely |only )?for the|(?:scanned|checked) (?:for|by)\b.{0,30}virus|virus-?free|virenfrei|sans virus|"
    r"libre de virus|please do not reply|reply to this (?:e-?mail|message) (?:directly|or)|view it on|visit topic|"
    r"you (?:are receiving|received) this|before printing|geschäftsführ|amtsgericht|registered (?:office|in )|"
    r"本邮件|此邮件|本郵件|هذه الرسالة.{0,30}سرية|محرمانه|конфиденциальн"
)
_NOTICE = _compiled(
    r"confiden|vertraulich|riservat|vertrouwelijk|intended|recipient|empfänger|destinatair|"
    r"destinatari|virus|liab|haftung|"
    r"responsab|privileged|disclos|机密|保密|責任|责任|سري|محرمانه|مسؤول|مسئول"
)
_FIELD = re.compile(r"([^:]{2,30}):\s+\S")
_CONTACT_LABEL = _compiled(
    r"tel|fon|phone|telephone|telefon|mobile?|mob|cell|direct|office|fax|e-?mail|mail|web|website|"
    r"www|skype|whatsapp|address|"
    r"adresse|тел|почта|электронная почта|сайт|电话|電話|手机|邮箱|电子邮件|网址|地址|전화|이메일|"
    r"هاتف|جوال|بريد|البريد الإلكتروني|تلفن|"
    r"موبایل|ایمیل|טלפון|נייד|דוא\"ל|[tfmew]"
)


_FOOTER_HEADINGS = frozenset(
    "disclaimer|confidentiality notice|confidentiality|legal notice|legal disclaimer|privacy notice|important notice|"
    "haftungsausschluss|vertraulichkeitshinweis|rechtlicher hinweis|avis de confidentialité|clause de confidentialité|"
    "mentions légales|aviso legal|aviso de confidencialidad|avviso di riservatezza|aviso de confidencialidade|"
    "免责声明|保密声明|免責聲明|إخلاء مسؤولية|سلب مسئولیت".replace("\u064a", "\u06cc").split("|")
)


def is_footer_heading(line: str) -> bool:
    """The heading of a legal notice, alone on its line."""
    return len(line) <= 60 and normal(line).strip(" \t*_-–—=:.") in _FOOTER_HEADINGS


def is_notice(lines: list[str]) -> bool:
    """Does the text under such a heading speak as a legal notice does?"""
    return any(_NOTICE.search(normal(line[:1000])) for line in lines)


def is_rule(line: str) -> bool:
    """A line made of ruling characters only, at least two of them, or one long dash."""
    text = visible(line).strip()
    return (len(text) >= 2 or text in _DASHES) and len(text) <= 200 and not text.strip("-_=*#~+—–― ")


def is_signature_delimiter(line: str) -> bool:
    """The `-- ` of RFC 3676, also without its space, and the forms of it that programs rewrite it to."""
    return visible(line).strip() in _DASHES


def is_mobile_line(line: str) -> bool:
    """Does the line name the device or program the mail was written on, and nothing else?"""
    if not 6 <= len(line) <= 300:
        return False
    text = normal(_LINK.sub("", line)).strip(" \t*_-–—|<>()[]~•·")
    if not 6 <= len(text) <= 90:
        return False
    found = _SENT_FROM.match(text)
    if found is None and _SENT_FROM_END.search(text) is None:
        return False
    # The name of the device comes early; "sent from my desk, easier than my phone" is a sentence.
    device = _DEVICE.search(text, 0, 70)
    if device is None or re.search(r"[,;!?]", text[: device.start()]):
        return False
    rest = text[device.end() :]
    return len(rest.split()) <= 5 or rest.lstrip("\"'”").startswith((".", ",", " -"))


def looks_like_signature(lines: list[str]) -> bool:
    """Is this block under a rule contact details or a footer rather than more of the letter? Conservative: doubt
    says no.
    """
    filled = [line for line in (visible(line).strip() for line in lines) if line and not is_rule(line)]
    if not filled:
        return True
    folded = [normal(line[:400]) for line in filled]
    if any(_FOOTER.search(line) for line in folded):
        return True
    if len(filled) > 12:
        return False
    # "Name: …", "Order: …" under a rule are the fields of a form, which is the matter itself.
    fields = [found[1].strip() for line in folded if (found := _FIELD.match(line))]
    if any(_CONTACT_LABEL.fullmatch(label.strip(" .")) is None for label in fields):
        return False
    if any(_CONTACT.search(line) for line in folded):
        return all(len(line) <= 100 for line in filled)
    return len(filled) <= 6 and all(is_short_label(line) for line in filled)


def is_short_label(line: str) -> bool:
    """A name, a title, a company: short and without the end of a sentence."""
    return len(line) <= 50 and not line.endswith((".", "?", "!", ":", ",", "。", "？", "！", "؟", "…"))


def is_name_like(line: str) -> bool:
    """A name, a title or a contact detail of a few words, even without a rule above it."""
    return is_short_label(line) and len(line.split()) <= 5 and not re.search(r"[.!?] ", line)
