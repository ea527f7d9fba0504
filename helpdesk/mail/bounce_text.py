"""Reading the readable part of a failure notice: whom it speaks of, why, and which message came back. Used by
`bounce.py`.

Old and odd mail servers write prose instead of a report. What they share: a sentence saying that mail was not
delivered, the address at the beginning of a line or right behind "to", the server's reply near it, and then the
returned message or its headers. This module reads that shape; it knows no server by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from helpdesk.mail.bounce_dsn import find_address, find_addresses

MAX_NOTICE_CHARACTERS = 32_000
MAX_DIAGNOSTIC_CHARACTERS = 1_000
MAX_RECIPIENTS = 100
MAX_CANDIDATES = 500


@dataclass(frozen=True, slots=True)
class Named:
    """An address that a notice names as failed, with the server's words about it (may be empty)."""

    email: str
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Notice:
    """`says_failed`: a sentence of failure stands in it; `opens_with_failure`: among the first lines, without a
    greeting.

    `named_plainly`: the addresses stand at the beginning of lines or behind a label, as programs put them.
    `about_mail`: the opening speaks of mail and of no parcel.
    """

    named: tuple[Named, ...]
    named_plainly: bool
    about_mail: bool
    has_returned: bool
    explanation: str
    says_failed: bool
    opens_with_failure: bool
    greets: bool
    delayed: bool
    original_message_id: str
    original_recipients: tuple[str, ...]


# A sentence saying that mail did not arrive, as servers put it.
_FAILED = re.compile(
    r"(?:could|can|did|was|were|has|have|is|would|will|does) ?(?:not|n'?t) (?:be |been |yet |able to "
    r"|successfully |get ){0,4}"
    r"(?:deliver|sent\b|reach|received? (?:this|your)|forwarded|transmit|relayed|processed)"
    r"|couldn'?t (?:be )?(?:deliver|sent\b|reach)|cannot (?:be )?(?:deliver|sent\b|send)|can'?t be (?:deliver|sent\b)"
    r"|(?:unable|trouble|problems?|failed|failure|error|impossible|difficult\w+"
    r"|refused)(?: \w+){0,3} (?:to )?(?:deliver|sending|send your|transmit|transferring|reach)"
    r"|deliver\w*(?: \w+){0,6} (?:has |have |was |were |had )?(?:permanently )?(?:fail|problem|error"
    r"|delayed|aborted|unsuccessful)|(?:fail\w*|delayed) (?:mail|message|to deliver|address|recipient)"
    r"|undeliver|non-?deliver|not (?:been |yet )*delivered|addresse?s?\b[^\n]{0,20}\b(?:had|have|has|failed|rejected)"
    r"|(?:permanent|fatal|transient|temporary|unrecoverable)(?:,? ?\w+)? (?:error|failure)"
    r"|(?:message|mail|e-?mail|recipients?)\b[^\n]{0,60}\b(?:was|were|is"
    r"|been) (?:automatically )?(?:rejected|returned|refused|blocked|bounced|delayed|not accepted"
    r"|not delivered)"
    r"|recipients? (?:did not receive|do not exist|returned|failed)|returned to (?:the )?sender|return(?:ed"
    r"|ing) (?:mail|message|to sender)|no valid recipient"
    r"|(?:user|recipient|mailbox|host|address) (?:is )?(?:unknown|full|rejected|unavailable)"
    r"|unknown (?:user|recipient|host|address)|mailbox(?:'?s)? (?:is )?full|no such user|invalid (?:user"
    r"|address|recipient)"
    r"|(?:group|address) you tried|reasons? for (?:the )?failure|failure reasons?|not listed in"
    r"|zugestellt|unzustellbar|zustell(?:ung|fehler)|n'a pas (?:pu|été)|non remis|pas (?:été )?(?:remis"
    r"|livré|distribué|délivré)"
    r"|no (?:se )?(?:pudo|puede|ha podido|ha sido|fue) (?:ser )?(?:entreg|envia)|entregad[oa]|não (?:pôde"
    r"|foi|pode|é)[^\n]{0,20} entreg|falha na entrega|non è stato[^\n]{0,20}(?:possibile|consegn|recapit)"
    r"|mancata consegna|impossibile recapit"
    r"|niet[^\n]{0,20}(?:bezorgd|afgeleverd|besteld)|onbestelbaar|nie (?:można|została?"
    r"|mogła)[^\n]{0,20}dostarcz|niedostarcz|nedoruč|nelze doručit|doručena|iletilemedi|teslim edil"
    r"|(?:kunde|kunne|kan) (?:inte|ikke)[^\n]{0,20}lever|går inte att leverera|ei voi(?:tu)? toimittaa"
    r"|не (?:может быть|было|был|была|удалось|удаётся|удается)?[^\n]{0,20}(?:достав|отправ)|недостав"
    r"|возвращено отправителю"
    r"|配信|配達|送信でき|送信に失敗|送信エラー|届け|エラーメール|无法|無法|退信|投递|投遞|未能|失败|失敗|배달|반송|전달되지|전송"
    r"|تعذ[رّ]|لم يتم|فشل|تحویل داده نشد|تحویل نشد|قابل تحویل|ناموفق|לא ניתן|לא נמסר",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|hallo|guten|sehr geehrte"
    r"|liebe|bonjour|bonsoir|hola|buen[oa]s|estimad|ciao|buongiorno|salve|gentile|ol[áa]|prezad|bom dia"
    r"|beste|geachte|dzień|witam|dobrý|"
    r"здравствуйте|добрый|уважаем|привет|merhaba|sayın|您好|你好|お世話|こんにちは|안녕|مرحبا|السلام|تحية|عزيزي|سلام"
    r"|با سلام|שלום)(?!\w)",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"\be?-?mails?\b|\bmessages?\b|mail ?box|recipient|smtp|\b[45]\d\d[ -]|\b[45]\.\d\.\d|nachricht"
    r"|postfach|empfänger|courriel|destinatai?r|mensaje|correo|mensagem|messaggio|posta|bericht|ontvanger"
    r"|wiadomoś|zpráv|письм|сообщени|почт|iletis|e-posta|"
    r"メール|送信|宛先|邮件|郵件|收件|信件|메일|수신|البريد|رسال|ایمیل|پیام|הודע|user|host",
    re.IGNORECASE,
)
_GOODS = re.compile(
    r"parcel|package|shipment|shipping|courier|consignment|delivery address|\border\b|invoice|paket|sendung"
    r"|bestellung|lieferung|colis|commande|paquete|pedido|pacco|spedizione|encomenda|pakket|bestelling"
    r"|przesyłk|zásilk|посылк|заказ|kargo|sipariş|荷物|商品|包裹|快递|快遞|订单|訂單|택배|주문|طرد|شحن|طلبية|بسته|مرسوله"
    r"|سفارش",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"(?:still|continue\w*|keep|will)[^.\n]{0,40}(?:try|attempt|retr)"
    r"|attempts? (?:to deliver )?(?:\w+ )?will continue|only a (?:temporary|warning)"
    r"|warning (?:message )?only"
    r"|not (?:yet )?been delivered (?:yet|within|after)|do not need to (?:re-?)?send|no action is required"
    r"|is delayed|has been delayed|not yet been delivered|delivery (?:is |was )?delayed"
    r"|noch nicht zugestellt|verzögert|retardé|retrasad|ritard|vertraagd|задержан|延迟|遅延|تأخر|تأخير",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"^[\s>*=_#|:.-]{0,60}(?:(?:this|below|here) .{0,40}copy of (?:the|your)|(?:the )?(?:original|returned"
    r"|unsent|bounced|undelivered|source|your|failed) (?:\w+ )?(?:message|mail|e-?mail"
    r"|header)s?\b(?! (?:was|is|were|could|has|to|sent|from|id|with|did|cannot|can|for))"
    r"|(?:message|mail)(?:'s)? (?:headers?|text|body|contents?)\b|(?:the )?headers? (?:of|from|for) the"
    r"|included is (?:a|the) copy|copy of (?:the|your) (?:original )?(?:message|mail)|(?:start|begin) of"
    r"|first \d+ (?:lines|bytes)|message header|ursprüngliche nachricht"
    r"|end of message|end\b.{0,10}$)",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"\bfollow|\bbelow\b|\battached\b|\bcopy of\b", re.IGNORECASE)
_HEADER_LINE = re.compile(
    r"^[\s>]{0,4}(received|return-path|message-id|from|to|subject|date|mime-version|x-[\w-]+|content-[\w-]+"
    r"|dkim-signature|delivered-to)\s?:",
    re.IGNORECASE,
)
_TRACE_HEADERS = frozenset({"received", "return-path", "message-id", "mime-version", "delivered-to", "dkim-signature"})
_MESSAGE_ID = re.compile(
    r"^[ \t>]{0,4}(?:original-)?message-id[ \t]?:[ \t]*(?:\r?\n[ \t]+)?<?([^\s<>]{3,250})", re.IGNORECASE | re.MULTILINE
)
_TO = re.compile(
    r"^[ \t>]{0,4}(?:x-(?:original|envelope)-to|envelope-to|to|addressed to|rcpt to)[ \t]?:(.{1,500})$",
    re.IGNORECASE | re.MULTILINE,
)

# Words that may stand before an address at the beginning of a line that is about this address.
_LABEL = re.compile(
    r"^[\s>*•·#|\"'(\[<-]{0,20}(?:[\d]{1,3}[.)] ?|\[?[45]\d\d\]? )?(?:(?:failed|final|original|bad|invalid"
    r"|intended|the|undeliverable|unknown|your|an?|e-?mail|mail|message|for|smtp|on|this)[ :]){0,4}"
    r"(?:(?:recipients?|address(?:es)?|addressee|rcpt to|addressed to|user|mailbox|account|e-?mail|to"
    r"|email address|empfänger|destinataires?|destinatari[oa]s?|ontvanger|получатель|収信者|宛先|収件者|收件人|المستلم"
    r"|گیرنده)\b ?(?:address|name|\([^)]{0,20}\))?\s{0,3}[:=;]?\s{0,4}){0,2}"
    r"[\s\[<(\"'*]{0,6}(?:smtp[:=]|rfc822;\s?|mailto:)?[<\"']{0,2}$",
    re.IGNORECASE,
)
_BAD_LEAD = re.compile(
    r"(?:\bfrom|sender|mail from:?|reply[- ]?to|contact\w*|postmaster|administrator|help|support|please"
    r"|e-?mail us|write to|via|by|cc|bcc|return-path|message-id|envelope-from|in-reply-to|references"
    r"|subject|visit|questions?|assistance|on behalf of|your address)[\s:=<(\"'\[]{0,4}$",
    re.IGNORECASE,
)
_OWN_VOICE = re.compile(r"^(?:postmaster|mailer-?daemon|abuse|hostmaster|no-?reply|mail-?daemon)@", re.IGNORECASE)
_TO_FIELD = re.compile(r"^[\s*•>-]{0,10}to ?:", re.IGNORECASE)
_SUMMARY = re.compile(r"^[\s*•>-]{0,10}(?:subject|sent|date) ?:", re.IGNORECASE | re.MULTILINE)
_RCPT = re.compile(r"rcpt to:? ?<?[\s\"]{0,2}$", re.IGNORECASE)
_NEAR = re.compile(
    r"(?:\b(?:to|for|address|recipient|user|mailbox|account|addresse?s?|errors?|full|recipients|mailer-daemon"
    r"|failed|attempts|unknown|invalid|rejected|an|über|an den|à|para|a|aan|для|до|宛て?|إلى|به)\b"
    r"|[:：、。])[^\w@]{0,30}$",
    re.IGNORECASE,
)


def looks_failed(text: str) -> bool:
    """Whether the beginning of `text` holds a sentence that says mail was not delivered."""
    return _FAILED.search(text, 0, 3000) is not None


def read_notice(text: str, *, not_these: Collection[str]) -> Notice:
    """Read the prose of a failure notice.

    `not_these`: addresses in lower case that the notice was sent to or by; they are taken only where nothing else
    is named, since a notice speaks to the sender about somebody else. Never raises; unknown prose gives a notice
    without names.
    """
    text = text[:MAX_NOTICE_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    explanation, returned = split_returned(text)
    named, best_rank = _named(explanation, not_these)
    opening = "\n".join([line for line in explanation.splitlines() if line.strip()][:4])
    failed = _FAILED.search(explanation)
    original_id = _MESSAGE_ID.search(returned) or _MESSAGE_ID.search(explanation)
    return Notice(
        named=named,
        named_plainly=best_rank <= 2,
        about_mail=_MAIL.search(opening) is not None and not _GOODS.search(opening),
        has_returned=bool(returned.strip()),
        explanation=explanation,
        says_failed=failed is not None,
        opens_with_failure=_FAILED.search(opening) is not None and not _GREETING.match(opening),
        greets=_GREETING.match(opening) is not None,
        delayed=_DELAYED.search(explanation) is not None,
        original_message_id=original_id[1].strip("<>") if original_id else "",
        original_recipients=original_recipients(returned or explanation),
    )


def split_returned(text: str) -> tuple[str, str]:
    """The notice itself, and the returned message behind it (empty when there is none).

    The border is a line that announces the copy, or else the first run of header lines that holds a trace header.
    """
    lines = text.split("\n")
    said = 0
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if said and _RETURNED.match(line) and (_FOLLOWS.search(line) or _has_headers(lines[index + 1 : index + 40])):
            return "\n".join(lines[:index]), "\n".join(lines[index + 1 :])
        if said and _begins_headers(lines, index):
            return "\n".join(lines[:index]), "\n".join(lines[index:])
        said += 1
    return text, ""


def _has_headers(lines: list[str]) -> bool:
    return sum(1 for line in lines if _HEADER_LINE.match(line)) >= 2 or not any(line.strip() for line in lines)


def _begins_headers(lines: list[str], index: int) -> bool:
    if not _HEADER_LINE.match(lines[index]) or lines[index][:1].isspace():
        return False
    names = set()
    for line in lines[index : index + 30]:
        found = _HEADER_LINE.match(line)
        if found:
            names.add(found[1].lower())
        elif not line[:1].isspace():
            break
    return len(names) >= 3 and bool(names & _TRACE_HEADERS)


def original_message_id(headers: str) -> str:
    """The Message-ID in a text of headers, without angle brackets, or an empty string."""
    found = _MESSAGE_ID.search(headers)
    return found[1].strip("<>") if found else ""


def original_recipients(headers: str) -> tuple[str, ...]:
    """Whom the returned message was for: the addresses of its first recipient header; empty when there are
    several."""
    found = _TO.search(headers)
    if not found:
        return ()
    return tuple(dict.fromkeys(match["address"] for match in find_addresses(found[1])))[:MAX_RECIPIENTS]


@dataclass(frozen=True, slots=True)
class _Candidate:
    email: str
    rank: int  # 0 is best
    line_start: int


def _named(text: str, not_these: Collection[str]) -> tuple[tuple[Named, ...], int]:
    candidates = _candidates(text)
    others = [candidate for candidate in candidates if candidate.email.lower() not in not_these]
    if not others:
        others = [candidate for candidate in candidates if candidate.rank == 0]
    if not others:
        return (), 9
    best = min(candidate.rank for candidate in others)
    chosen: dict[str, str] = {}
    kept = [candidate for candidate in others if candidate.rank == best]
    for position, candidate in enumerate(kept):
        following = next(
            (later for later in kept[position + 1 :] if later.email.lower() != candidate.email.lower()), None
        )
        words = _words_about(text, candidate, following)
        key = candidate.email
        chosen[key] = f"{chosen[key]} {words}"[:MAX_DIAGNOSTIC_CHARACTERS] if key in chosen else words
        if len(chosen) >= MAX_RECIPIENTS:
            break
    return tuple(Named(email, " ".join(words.split())) for email, words in chosen.items()), best


def words_about(notice: Notice, email: str) -> str:
    """What the notice says near `email`; empty when it is not named there."""
    wanted = email.lower()
    for named in notice.named:
        if named.email.lower() == wanted:
            return named.diagnostic
    position = notice.explanation.lower().find(wanted) if wanted else -1
    if position < 0:
        return ""
    start = notice.explanation.rfind("\n", 0, position) + 1
    return " ".join(notice.explanation[start : position + MAX_DIAGNOSTIC_CHARACTERS].split())


def _words_about(text: str, candidate: _Candidate, following: _Candidate | None) -> str:
    end = following.line_start if following else len(text)
    return text[candidate.line_start : min(end, candidate.line_start + MAX_DIAGNOSTIC_CHARACTERS)]


def _candidates(text: str) -> list[_Candidate]:
    failed_from = _FAILED.search(text)
    found: list[_Candidate] = []
    for match in find_addresses(text):
        email = clean_address(match["address"])
        if not email or _OWN_VOICE.match(email):
            continue
        line_start = text.rfind("\n", 0, match.start()) + 1
        lead = text[line_start : match.start()]
        behind = failed_from is not None and match.end() >= failed_from.start()
        if _RCPT.search(lead):
            rank = 2
        elif re.search(r"\bsmtp[=:]$", lead[-8:], re.IGNORECASE):
            rank = 0
        elif _BAD_LEAD.search(lead[-40:]) and not lead.endswith("generated from "):
            continue
        elif _TO_FIELD.match(lead) and _describes_original(text, line_start):
            rank = 4
        elif len(lead) <= 120 and _LABEL.match(lead):
            rank = 0 if behind or "\n" not in text[match.end() : failed_from.start() if failed_from else None] else 1
        elif failed_from and _NEAR.search(text[max(0, match.start() - 60) : match.start()]):
            rank = 3
        else:
            rank = 4
        found.append(_Candidate(email, rank, line_start))
        if len(found) >= MAX_CANDIDATES:
            break
    return found


def _describes_original(text: str, line_start: int) -> bool:
    """Whether the line stands in a short description of the returned message (To, Subject, Sent), not in a list of
    failures."""
    around = text[max(0, line_start - 200) : line_start + 300]
    return _SUMMARY.search(around) is not None


def clean_address(address: str) -> str:
    """`address` without what servers glue to it (`SMTP=a@b`, a trailing dot); empty when nothing useful is left."""
    address = find_address(re.sub(r"^(?:smtp|rfc822)[:=;]", "", address, flags=re.IGNORECASE))
    return address.strip(".'") if "@" in address else ""
