"""The cheap question before any reading: could this mail be a failure notice at all? Used by `bounce.py`.

One pass over the top headers, a handful of regular expressions: microseconds on a person's mail, which then goes
its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

MAX_HEADER_CHARACTERS = 2_000
MAX_LINE_CHARACTERS = 400

_MARKS = frozenset(
    {
        "x-failed-recipients",
        "x-ms-exchange-message-is-ndr",
        "x-ms-embedded-report",
        "x-dsncontext",
        "x-amz-sns-message-id",
    }
)
_WANTED = _MARKS | frozenset(
    {
        "from",
        "subject",
        "content-type",
        "return-path",
        "auto-submitted",
        "in-reply-to",
        "references",
        "x-autoreply",
        "x-autorespond",
    }
)
_SERVER = re.compile(
    r"mailer[-_. ]?d(?:a|ae)?emon|mail[-_. ]?daemon|mdaemon@|(?:mail"
    r"|message)[-_. ]?deliver[y]?[-_. ]?(?:sub)?(?:system|service|agent|daemon)|delivery (?:sub)?system"
    r"|internet mail delivery|<\s*>|\bndr (?:administrator|agent)|smtp[-_]gateway|mail ?system error",
    re.IGNORECASE,
)
_POSTMASTER = re.compile(
    r"post[-_]?master|mail[-_. ]?admin|system administrator|\bndr@|\bbounces?@|content-filter|\bmailsystem"
    r"|no-?_?reply@.*(?:mail|sns\.amazonaws)",
    re.IGNORECASE,
)
_ROBOT = re.compile(
    r"gateway|anti-?virus|filter|scanner|robot|daemon|system|no-?_?reply|do-?_?not-?_?reply|notif|alert|automat"
    r"|\bndr\b",
    re.IGNORECASE,
)
_NOT_NEW = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)?(?:re|fwd?|fw|aw|wg|sv|vs|vb|tr|rv|enc|r|i|ynt|ilt|odp|pd|antw|doorst|回复"
    r"|回覆|答复|转发|轉寄|رد|إعادة توجيه|پاسخ|ارسال)\s*(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"automatic reply|auto(?:matic)?[- ]?(?:reply|response|respond\w*|antwort)|out of (?:the )?office"
    r"|\bvacation\b|\baway\b|abwesen|automatische antwort|réponse automatique|respuesta automática"
    r"|risposta automatica|resposta automática|automatisch antwoord|自動返信|自动回复|自動回覆|автоответ|الرد التلقائي"
    r"|پاسخ خودکار",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|(?:not|n't|un)\b.{0,20}\bdeliver|deliver\w*\b.{0,40}\b(?:fail|problem|error"
    r"|delay|status|report|notification|unsuccess|warning)|(?:fail|problem|error"
    r"|delay)\w*\b.{0,30}\b(?:deliver|mail|message|notice|sending|address)"
    r"|return(?:ed|ing) (?:(?:e-?)?mail|message|to)|(?:mail|message)s?\b.{0,30}\b(?:return|fail|error"
    r"|undeliver|delayed|bounce|blocked|rejected|could not|not sent|status)|failure notice"
    r"|bounced?\b.{0,20}(?:mail|message)|(?:mail|message) (?:system )?error"
    r"|could not (?:be )?(?:send|sent|deliver)|rejected (?:mail|message)|see transcript|user unknown"
    r"|mailbox full|unknown (?:user|recipient)|blocked by our|\bndr\b|address not found"
    r"|unzustellbar|nicht zugestellt|zustell|fehlgeschlagen|non remis|échec|non distribu|pas (?:pu|été)"
    r"|non délivr|no (?:se )?(?:entreg|pud|pued)|error (?:en|de) (?:la )?entrega|no entregable|falha"
    r"|não entreg|não (?:pôde|foi)"
    r"|non (?:recapit|consegn)|mancat[ao]|recapito|consegna|onbestelbaar|niet (?:bezorgd|afgeleverd)"
    r"|niedostarcz|nie(?: można)? dostarcz|zwrot|nedoruč|teslim|iletilemedi|olevere|ikke lever|kunne ikke"
    r"|kunde inte|toimitta"
    r"|недостав|не доставлен|не может быть достав|ошибка доставки|возврат"
    r"|配信|配達|送信|エラー|未達|不達|戻り|退信|退件|投递|投遞"
    r"|无法|無法|失败|失敗|未送达|배달|반송|전송 실패|전달"
    r"|تعذ|لم يتم|فشل|غير قابل للتسليم|تحویل|ناموفق|נמסר|למסור",
    re.IGNORECASE,
)
_REPORT_TYPES = (
    "message/delivery-status",
    "message/global-delivery-status",
    "message/feedback-report",
    "multipart/report",
)


@dataclass(frozen=True, slots=True)
class Signs:
    """What the top of a mail gives away.

    `server`: sent in the name of a mail system; `postmaster`: of someone who may be one, or of nobody; `robot`: of a
    program by its name; `subject`: it reads like a notice and is no answer or forward; `answered`: it answers or
    forwards; `machine`: no person awaits an answer (null path, Auto-Submitted, a marker of a mail system); `report`:
    the mail calls itself a report; `report_part`: one of its parts is one; `away`: it calls itself an automatic reply.
    """

    server: bool
    postmaster: bool
    robot: bool
    subject: bool
    answered: bool
    machine: bool
    report: bool
    report_part: bool
    away: bool
    failed_recipients: str
    follows: str  # In-Reply-To and References as they stand


def read_signs(message: Message) -> Signs | None:
    """The signs of `message`, or None when it cannot be a failure notice. Never raises."""
    top: dict[str, str] = {}
    for name, value in message.raw_items():
        key = name.lower()
        if key in _WANTED and key not in top:
            top[key] = str(value)[:MAX_HEADER_CHARACTERS]
    sender = top.get("from", "")[:MAX_LINE_CHARACTERS]
    subject = top.get("subject", "")[:MAX_LINE_CHARACTERS]
    if "=?" in subject or not subject.isascii():
        subject = readable_header(subject)
    if "=?" in sender:
        sender = readable_header(sender)
    server = _SERVER.search(sender) is not None or ("from" in top and not sender.strip())
    postmaster = _POSTMASTER.search(sender) is not None
    answered = _NOT_NEW.match(subject) is not None
    speaks = _SUBJECT.search(subject) is not None and not answered
    marked = not _MARKS.isdisjoint(top)
    automatic = top.get("auto-submitted", "no").strip().lower() not in ("", "no")
    null_path = (
        top.get("return-path", "-").strip() in ("<>", "") or "mailer-daemon" in top.get("return-path", "").lower()
    )
    report = _is_report(top.get("content-type", ""))
    report_part = not report and _has_report_part(message)
    if not (server or postmaster or speaks or marked or automatic or null_path or report or report_part):
        return None
    return Signs(
        server=server,
        postmaster=postmaster or "from" not in top,
        robot=_ROBOT.search(sender) is not None,
        subject=speaks,
        answered=answered,
        machine=marked or automatic or null_path,
        report=report,
        report_part=report_part,
        away=_AWAY.search(subject) is not None or "x-autoreply" in top or "x-autorespond" in top,
        failed_recipients=top.get("x-failed-recipients", ""),
        follows=f"{top.get('in-reply-to', '')} {top.get('references', '')}",
    )


def _is_report(content_type: str) -> bool:
    lowered = content_type.lower()
    return "report-type" in lowered or any(kind in lowered for kind in _REPORT_TYPES)


def _has_report_part(message: Message) -> bool:
    parts = message.get_payload()
    if not isinstance(parts, list):
        return False
    return any(isinstance(part, Message) and _is_report(str(part.get("content-type", ""))[:200]) for part in parts[:20])


def readable_header(value: str) -> str:
    """`value` with encoded words decoded and raw 8-bit read as UTF-8 or else Latin-1; broken ones stay as they
    are."""
    pieces: list[str] = []
    try:
        for piece, charset in decode_header(value):
            if isinstance(piece, bytes):
                pieces.append(_text(piece, charset or "utf-8"))
            else:
                pieces.append(_text(piece.encode("utf-8", "surrogateescape"), "utf-8"))
    except (HeaderParseError, UnicodeError, ValueError, LookupError, TypeError):
        return value.encode("utf-8", "replace").decode("utf-8", "replace")
    return "".join(pieces)


def _text(raw: bytes, charset: str) -> str:
    for name in (charset, "utf-8", "latin-1"):
        try:
            return raw.decode(name)
        except (UnicodeError, LookupError):
            continue
    return ""
