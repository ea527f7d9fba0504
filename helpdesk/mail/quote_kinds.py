"""What each line of a mail is: text, a quote, an attribution, a header block, a rule, the line of a mobile program.

Naming only, by looking at a line and a few around it; `quote_lines` decides what the names mean for the reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from helpdesk.mail import signatures
from helpdesk.mail.quote_headers import (
    MAX_LINE,
    Attribution,
    Header,
    attribution,
    closes_attribution,
    has_date,
    header_block,
    opens_attribution,
    separator,
    visible,
)

MAX_LINES = 4000
"""Lines past these are not looked at one by one."""

_MAX_SPAN = 5


class Kind(Enum):
    """What a line is, before anything is decided about it."""

    TEXT = auto()
    EMPTY = auto()
    QUOTE = auto()
    INDENT = auto()  # a bare <blockquote>: a quote only behind an attribution
    ATTRIBUTION = auto()
    MARK = auto()  # an attribution by the HTML's structure, with answers between the quotes: taken off, ends nothing
    WEAK_ATTRIBUTION = auto()
    HISTORY = auto()  # header blocks and separators
    RULE = auto()
    DELIMITER = auto()
    MOBILE = auto()
    SIGNATURE = auto()  # the HTML says so


def is_quote_line(line: str) -> bool:
    """Does the line begin with a quote mark: `>`, or the writer's initials before one ("C>", as Usenet programs
    did)?
    """
    text = visible(line[:40]).lstrip(" \t")
    if text.startswith(">"):
        return True
    mark = text.find(">", 1, 3)
    return mark > 0 and text[:mark].isascii() and text[:mark].isupper() and text[:mark].isalpha()


def kinds_of(lines: Sequence[str]) -> list[Kind]:
    """Name the first MAX_LINES lines; later ones get the kind the last one suggests."""
    count = min(len(lines), MAX_LINES)
    kinds = [_simple_kind(line) for line in lines[:count]]
    _protect_code(lines, kinds)
    _mark_broken_addresses(lines, kinds)
    _mark_attributions(lines, kinds)
    _mark_history(lines, kinds)
    _mark_wrapped_quotes(lines, kinds)
    if len(lines) > count:
        last = next((kind for kind in reversed(kinds) if kind is not Kind.EMPTY), Kind.TEXT)
        kinds += [Kind.QUOTE if last is Kind.QUOTE else Kind.TEXT] * (len(lines) - count)
    return kinds


def _simple_kind(line: str) -> Kind:
    text = visible(line[:MAX_LINE]).strip()
    if not text or text == "\u1427":  # the dot that a mail tracker leaves
        return Kind.EMPTY
    if is_quote_line(text):
        return Kind.QUOTE
    if signatures.is_signature_delimiter(text):
        return Kind.DELIMITER
    if (signatures.is_rule(text) and len(line) <= MAX_LINE) or signatures.is_footer_heading(text):
        return Kind.RULE
    if signatures.is_mobile_line(text):
        return Kind.MOBILE
    return Kind.TEXT


def _protect_code(lines: Sequence[str], kinds: list[Kind]) -> None:
    """Between a pair of ``` fences everything is text."""
    opened: int | None = None
    for index, kind in enumerate(kinds):
        if kind in (Kind.TEXT, Kind.EMPTY) and lines[index].lstrip().startswith("```"):
            if opened is None:
                opened = index
            else:
                kinds[opened : index + 1] = [Kind.TEXT] * (index + 1 - opened)
                opened = None


def _mark_broken_addresses(lines: Sequence[str], kinds: list[Kind]) -> None:
    """`>:` or `> wrote:` under a line that ends in an open `<address` closes that address and quotes nothing."""
    for index in range(1, len(kinds)):
        if kinds[index] is Kind.QUOTE and kinds[index - 1] is Kind.TEXT and len(lines[index]) < 40:
            above = lines[index - 1]
            if above.rfind("<") > above.rfind(">") and closes_attribution(lines[index]):
                kinds[index] = Kind.TEXT


def _mark_attributions(lines: Sequence[str], kinds: list[Kind]) -> None:
    index = len(kinds) - 1
    while index >= 0:
        if kinds[index] is Kind.TEXT and len(lines[index]) <= MAX_LINE and closes_attribution(lines[index]):
            start, sure = _attribution_span(lines, kinds, index)
            if sure is not None:
                kind = Kind.ATTRIBUTION if sure is Attribution.STRONG else Kind.WEAK_ATTRIBUTION
                kinds[start : index + 1] = [kind] * (index + 1 - start)
                index = start
        index -= 1


def _attribution_span(lines: Sequence[str], kinds: Sequence[Kind], end: int) -> tuple[int, Attribution | None]:
    """The first line of the attribution that ends at `end`, trying the shortest span first, then its beginning
    above.
    """
    joined = ""
    weak: int | None = None
    for start in range(end, max(-1, end - _MAX_SPAN), -1):
        if kinds[start] is not Kind.TEXT or len(lines[start]) > MAX_LINE:
            break
        joined = f"{visible(lines[start]).strip()} {joined}".strip()
        if len(joined) > MAX_LINE:
            break
        found = attribution(joined)
        if found is Attribution.STRONG:
            return _extended(lines, kinds, start, end), found
        if found is Attribution.WEAK and weak is None:
            weak = start
    if weak is not None:
        return weak, Attribution.WEAK
    return end, None


def _extended(lines: Sequence[str], kinds: Sequence[Kind], start: int, end: int) -> int:
    """Take in the lines above that the program wrapped off the beginning: "On Nov 21, 2014," over "at 10:18, …"."""
    while start > 0 and end - start + 1 < _MAX_SPAN and kinds[start - 1] is Kind.TEXT and len(lines[start - 1]) <= 120:
        above = visible(lines[start - 1]).strip()
        dated = has_date(" ".join(lines[start : end + 1]))
        opens = opens_attribution(above) and has_date(above)
        open_address = above.count("<") > above.count(">")
        if not open_address and (
            above.endswith((".", "!", "?", ":")) or not opens or (dated and not above.endswith(","))
        ):
            break
        start -= 1
    return start


def _mark_history(lines: Sequence[str], kinds: list[Kind]) -> None:
    index = 0
    while index < len(kinds):
        if kinds[index] not in (Kind.TEXT, Kind.RULE, Kind.DELIMITER, Kind.WEAK_ATTRIBUTION):
            index += 1
            continue
        found = separator(lines[index])
        if found is not None:
            block = _block_behind(lines, kinds, index + 1)
            if block is not None or found[1]:
                end = min(block.end if block is not None else index + 1, len(kinds))
                kinds[index:end] = [Kind.HISTORY] * (end - index)
                index = end
                continue
        header = header_block(lines, index) if kinds[index] in (Kind.TEXT, Kind.WEAK_ATTRIBUTION) else None
        if header is not None:
            end = min(header.end, len(kinds))
            kinds[index:end] = [Kind.HISTORY] * (end - index)
            index = end
            continue
        index += 1


def _block_behind(lines: Sequence[str], kinds: Sequence[Kind], start: int) -> Header | None:
    for index in range(start, min(start + 3, len(kinds))):
        if kinds[index] is not Kind.EMPTY:
            return header_block(lines, index, after_separator=True)
    return None


def _mark_wrapped_quotes(lines: Sequence[str], kinds: list[Kind]) -> None:
    """A quoted line that was wrapped once more lost its mark: up to two lines in lower case between long marked
    ones.
    """
    index = 1
    while index < len(kinds) - 1:
        if kinds[index] is Kind.TEXT and kinds[index - 1] is Kind.QUOTE and len(lines[index - 1]) >= 60:
            end = index + 1
            if kinds[end] is Kind.TEXT and end + 1 < len(kinds):
                end += 1
            if kinds[end] is Kind.QUOTE and visible(lines[index]).lstrip()[:1].islower():
                kinds[index:end] = [Kind.QUOTE] * (end - index)
                index = end
        index += 1
