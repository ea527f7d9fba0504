"""The mail inside a mail: who wrote what an agent or customer passed on, read from the header block his program wrote.

Called by the parser through `quotes`. What is read here is only a claim of the forwarding person; who may act on it
is decided by the intake.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from helpdesk.mail.html_limits import HtmlRefused
from helpdesk.mail.html_lines import read_html
from helpdesk.mail.message import Address, Forwarded
from helpdesk.mail.quote_headers import Header, Label, Separator, header_block, normal, separator, visible
from helpdesk.mail.quote_kinds import MAX_LINES
from helpdesk.mail.quote_lines import readable
from helpdesk.mail.quote_words import MONTHS

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[^\s<>()\[\]\"',;:]{1,255}")
_QUOTE_MARKS = re.compile(r"^\s*(?:>\s?)+")
_ISO = re.compile(r"(\d{4})[-/.年년]\s?(\d{1,2})[-/.月월]\s?(\d{1,2})")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})[-/.]\s?(\d{1,2})[-/.]\s?(\d{4}|\d{2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_DAY_MONTH = re.compile(r"(?<![\d:.])(\d{1,2})(?:st|nd|rd|th|er)?[.,ºª]?[ -](?:de |of |ב)?([^\W\d_]+(?: [^\W\d_]+)?)")
_MONTH_DAY = re.compile(r"([^\W\d_]+)[.,]?[ -](\d{1,2})(?![\d:])")
_RFC_DATE = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}(?::\d{2})?(?: [+-]\d{4}| GMT|$)")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})\s?[:.h時时시点點]\s?(\d{2})(?:[:.]\d{2})?(?!\d)")
_AFTERNOON = re.compile(r"(?<!\w)(?:p\.?\s?m\.?|nachm\.?|м?\.?م|ب\.ظ|μ\.?μ\.?|öö?s|ös)(?!\w)|下午|晚上|午後|오후|אחה")
_MORNING = re.compile(r"(?<!\w)a\.?\s?m\.?(?!\w)|上午|凌晨|午前|오전")
_ZONE = re.compile(r"(?:gmt|utc|\s)\s?([+-])(\d{1,2}):?(\d{2})?(?!\d)")
_MONTH_STEMS = sorted(
    ((normal(stem), month) for month, stems in MONTHS for stem in stems.split("|")), key=lambda pair: -len(pair[0])
)


def find_forwarded(text: str, html: str) -> Forwarded | None:
    """The first forwarded mail in the body, by its header block; `html` is asked when the plain `text` shows none.

    A line such as "Begin forwarded message:" is preferred; without one the first full header block counts, which
    a reply from Outlook has too, so the caller must know from the subject or the recipients that the mail is a
    forward. `date` is in UTC when the block names no zone. Never raises; linear time.
    """
    found = _in_lines(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")) if text.strip() else None
    if found is None and html:
        try:
            found = _in_lines([line.text for line in read_html(html).lines])
        except HtmlRefused:
            return None
    return found


def _in_lines(lines: Sequence[str]) -> Forwarded | None:
    bare: tuple[int, Header] | None = None
    head = [_QUOTE_MARKS.sub("", visible(line)) if line.lstrip()[:1] == ">" else line for line in lines[:MAX_LINES]]
    index = 0
    while index < len(head):
        mark = separator(head[index])
        if mark is not None and mark[0] is not Separator.DELIMITER:
            block = _behind(head, index + 1)
            if block is not None and mark[0] is Separator.FORWARD:
                return _forwarded(block, lines)
            if block is not None and bare is None:
                bare = (index, block)
        elif bare is None:
            block = header_block(head, index)
            if block is not None:
                bare = (index, block)
        index += 1
    return _forwarded(bare[1], lines) if bare is not None else None


def _behind(lines: Sequence[str], start: int) -> Header | None:
    for index in range(start, min(start + 4, len(lines))):
        if lines[index].strip():
            return header_block(lines, index, after_separator=True)
    return None


def _forwarded(block: Header, lines: Sequence[str]) -> Forwarded:
    rest = list(lines[block.end :])
    marked = next((line.lstrip()[:1] == ">" for line in rest if line.strip()), False)
    if marked:  # the whole forward is quoted: one level of marks is the program's
        rest = [re.sub(r"^\s*>\s?", "", line) for line in rest]
    return Forwarded(
        sender=address_of(block.fields.get(Label.FROM, "")),
        subject=block.fields.get(Label.SUBJECT, "")[:500].strip(),
        date=date_of(block.fields.get(Label.DATE, "")),
        text=readable(rest),
    )


def address_of(value: str) -> Address | None:
    """The address in a header value as programs show it: `Anna <anna@example.com>`, `Anna
    [mailto:anna@example.com]`, bare.
    """
    shown = visible(value)[:1000].replace("mailto:", " ")
    found = _ADDRESS.search(shown)
    if found is None:
        return None
    local, _, domain = found[0].strip(".*_").rpartition("@")
    name = shown[: found.start()].strip(" \t<[(\"'*_")
    if not local or "." not in domain:
        return None
    return Address(email=f"{local}@{domain.lower()}", name=name.strip(" \"'")[:200])


def date_of(value: str) -> datetime | None:
    """Best reading of a date as mail programs show it in many languages, with a zone (UTC when none is named), or
    None.
    """
    shown = visible(value)[:200].strip()
    if not shown:
        return None
    if _RFC_DATE.match(shown):
        try:
            parsed = parsedate_to_datetime(shown)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    folded = normal(shown)
    day = _day_of(folded)
    if day is None:
        return None
    year, month, number = day
    hour, minute = _clock_of(folded)
    try:
        return datetime(year, month, number, hour, minute, tzinfo=_zone_of(folded))
    except (ValueError, OverflowError):
        return None


def _day_of(folded: str) -> tuple[int, int, int] | None:
    found = _ISO.search(folded)
    if found is not None:
        return int(found[1]), int(found[2]), int(found[3])
    found = _DAY_FIRST.search(folded)
    if found is not None:
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        year += 2000 if year < 100 else 0
        american = second > 12 or (
            first <= 12 and "/" in found[0] and (_AFTERNOON.search(folded) or _MORNING.search(folded))
        )
        return (year, first, second) if american else (year, second, first)
    year_found = _YEAR.search(folded)
    if year_found is None:
        return None
    # A day before its month first: in "mardi 5 août" the weekday begins like a month too.
    for pattern, day_group, month_group in ((_DAY_MONTH, 1, 2), (_MONTH_DAY, 2, 1)):
        for match in pattern.finditer(folded):
            month = _month_of(match[month_group])
            if month is not None and 1 <= int(match[day_group]) <= 31:
                return int(year_found[1]), month, int(match[day_group])
    return None


def _month_of(word: str) -> int | None:
    if len(word) < 2:
        return None
    return next((month for stem, month in _MONTH_STEMS if word.startswith(stem)), None)


def _clock_of(folded: str) -> tuple[int, int]:
    clocks = [match for match in _CLOCK.finditer(folded) if int(match[1]) < 24 and int(match[2]) < 60]
    # "24.03.2016 17:18": the date has dots too, so a colon is better than a dot and a later one better than an earlier.
    clocks.sort(key=lambda match: (":" in match[0], match.start()))
    if not clocks:
        return 0, 0
    hour, minute = int(clocks[-1][1]), int(clocks[-1][2])
    if hour < 12 and _AFTERNOON.search(folded):
        hour += 12
    elif hour == 12 and _MORNING.search(folded):
        hour = 0
    return hour, minute


def _zone_of(folded: str) -> timezone:
    found = _ZONE.search(folded)
    if found is None or int(found[2]) > 14:
        return UTC
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(offset if found[1] == "+" else -offset)
