"""What the writer of a mail added, apart from the history his program quoted and from his signature.

Entry point for the parser: `split_text` for plain mails, `split_html` for HTML mails, `find_forwarded` for the mail
that a mail passes on. The whole body is always kept elsewhere; what is split off here is folded, never lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpdesk.mail.forwards import find_forwarded as find_forwarded
from helpdesk.mail.quote_headers import reply_delimiter as reply_delimiter
from helpdesk.mail.quote_kinds import MAX_LINES, kinds_of
from helpdesk.mail.quote_lines import Part, parts_of
from helpdesk.mail.quotes_html import HtmlParts as HtmlParts
from helpdesk.mail.quotes_html import split_html as split_html

_ROUNDS = 5
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ReplyParts:
    """The lines of a plain text, shared out: every line that is not empty stands in exactly one part, in its old
    order.
    """

    reply: str
    quoted: str = ""
    signature: str = ""


def split_text(text: str) -> ReplyParts:
    """What the writer of the plain `text` added, the quoted history and his signature. Lines end in \\n in all
    three.

    Splitting the reply again gives the same reply (for up to MAX_LINES lines). If everything seems quoted,
    everything is the reply. Never raises; linear time.
    """
    quoted: list[str] = []
    signature: list[str] = []
    lines = _NEWLINE.split(text, MAX_LINES)
    lines[-1] = lines[-1].replace("\r\n", "\n").replace("\r", "\n")  # past MAX_LINES the rest stays one piece
    for _ in range(_ROUNDS):
        parts = parts_of(lines, kinds_of(lines))
        kept = [line for line, part in zip(lines, parts, strict=True) if part is Part.REPLY]
        if len(kept) == len(lines):
            break
        quoted += [line for line, part in zip(lines, parts, strict=True) if part is Part.QUOTED]
        signature += [line for line, part in zip(lines, parts, strict=True) if part is Part.SIGNATURE]
        lines = kept
    return ReplyParts(joined(lines), joined(quoted), joined(signature))


def joined(lines: list[str]) -> str:
    """Lines as one text, without the empty lines at either end."""
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return "\n".join(lines[start:end]).rstrip()
