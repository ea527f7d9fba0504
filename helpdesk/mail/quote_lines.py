"""Which of a mail's lines did its writer add? One pass of naming lines, then a few cuts, for plain text and flattened
HTML alike.

The rule, in the order it is applied:
1. What a mail program puts in front of unprefixed history (a header block, `-----Original Message-----`, an
   attribution not followed by a quote) ends the reply, if anything was said before it. If not, only that mark is
   taken off: the mail is a bare forward.
2. An attribution before a quote is taken off. A quote at the very end goes with it; one in the middle stays, as what
   an answer refers to; one at the very beginning goes, unless more quotes are answered one by one.
3. A signature at the end goes: under its delimiter, after a line of a mobile program, or marked by the HTML.
4. If nothing would be left, everything stays.

Every step is linear: lines are looked at with bounded look-behind, and lines past MAX_LINES follow the last one
looked at. Called by `quotes` and `quotes_html`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from helpdesk.mail import signatures
from helpdesk.mail.quote_headers import (
    MAX_LINE,
    Attribution,
    Label,
    attribution,
    closes_attribution,
    has_date,
    header_label,
    opens_attribution,
    separator,
    visible,
)

MAX_LINES = 4000
_MAX_SPAN = 5
_MAX_PEELS = 10
_MAX_SIGNATURE = 120


class Part(Enum):
    """Where a line of the mail goes."""

    REPLY = auto()
    QUOTED = auto()
    SIGNATURE = auto()


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


@dataclass(frozen=True, slots=True)
class Header:
    """A block of header lines: the labels met, with their values, and the line behind it."""

    fields: dict[Label, str]
    end: int


def header_block(lines: Sequence[str], start: int, *, after_separator: bool = False) -> Header | None:
    """The header block that begins at `start`, or None.

    A block has three different labels, one of them a sender or recipient and one a date or subject, and shows
    either a subject or an address ("From: Berlin / To: Paris / Date: …" is a journey). Behind a separator two
    labels are enough. Values may run over two lines, and one empty line may stand between two headers.
    """
    if header_label(lines[start]) is None:
        return None
    fields: dict[Label, str] = {}
    end = at = start
    last: Label | None = None
    gap = 0
    while at < len(lines) and at < start + 40:
        line = lines[at]
        found = header_label(line)
        if found is not None:
            if found[0] is Label.FROM and Label.FROM in fields and Label.SUBJECT in fields:
                break
            last, value = found
            fields.setdefault(last, value)
            at += 1
            end, gap = at, 0
            continue
        gap += 1
        blank = not visible(line).strip()
        if gap > 2 or (blank and gap > 1):
            break
        if not blank and last in (Label.TO, Label.CC, Label.SUBJECT, Label.FROM) and gap == 1 and at + 1 < len(lines):
            following = header_label(lines[at + 1])
            if following is not None or (last is Label.FROM and "@" in line) or (not fields.get(last)):
                fields[last] = f"{fields.get(last, '')} {visible(line).strip()}".strip()[: MAX_LINE * 2]
        at += 1
    # A first value may stand on the line under its label; the block ends at its last label all the same.
    if end < len(lines) and last is not None and not fields.get(last) and visible(lines[end]).strip():
        fields[last] = visible(lines[end]).strip()[:MAX_LINE]
        end += 1
    labels = set(fields) - {Label.OTHER}
    party = labels & {Label.FROM, Label.TO}
    matter = labels & {Label.DATE, Label.SUBJECT}
    if not party or not matter:
        return None
    if after_separator:
        return Header(fields, end)
    address = any("@" in fields.get(label, "") for label in (Label.FROM, Label.TO))
    if len(labels) >= 3 and (Label.SUBJECT in labels or address):
        return Header(fields, end)
    return None


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


def readable(lines: Sequence[str]) -> str:
    """Lines as one text: no empty lines at either end, never more than one between two others."""
    kept: list[str] = []
    for line in lines:
        text = line.rstrip()
        if text or (kept and kept[-1]):
            kept.append(text)
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept)


def parts_of(lines: Sequence[str], kinds: list[Kind]) -> list[Part]:
    """Decide for every line. `kinds` is used up."""
    parts = _Decision(lines, kinds).run()
    if any(part is Part.REPLY and kind is not Kind.EMPTY for part, kind in zip(parts, kinds, strict=True)):
        return parts
    return [Part.REPLY] * len(lines)


class _Decision:
    def __init__(self, lines: Sequence[str], kinds: list[Kind]) -> None:
        self.lines = lines
        self.kinds = kinds
        self.parts = [Part.REPLY] * len(kinds)
        self.end = len(kinds)

    def run(self) -> list[Part]:
        self.settle_indents_and_weak_attributions()
        self.cut_history()
        for _ in range(_MAX_PEELS):
            before = self.end
            self.take_trailing_quote()
            self.take_signature()
            if before == self.end:
                break
        self.take_leading_quote()
        self.take_stray_mobile_lines()
        for index in range(self.end, len(self.parts)):
            if self.parts[index] is Part.REPLY:
                self.parts[index] = Part.QUOTED
        return self.parts

    def put(self, start: int, end: int, part: Part) -> None:
        self.parts[start:end] = [part] * (end - start)

    def next_filled(self, start: int) -> Kind | None:
        for index in range(start, len(self.kinds)):
            if self.kinds[index] is not Kind.EMPTY:
                return self.kinds[index]
        return None

    def settle_indents_and_weak_attributions(self) -> None:
        kinds = self.kinds
        upcoming: Kind | None = None
        for index in range(len(kinds) - 1, -1, -1):
            if kinds[index] is Kind.WEAK_ATTRIBUTION and upcoming is not Kind.WEAK_ATTRIBUTION:
                kinds[index] = (
                    Kind.ATTRIBUTION if upcoming in (Kind.QUOTE, Kind.INDENT, Kind.ATTRIBUTION) else Kind.TEXT
                )
            if kinds[index] is not Kind.EMPTY:
                upcoming = kinds[index]
        attributed = False
        for index, kind in enumerate(kinds):
            if kind in (Kind.ATTRIBUTION, Kind.QUOTE):
                attributed = True
            elif kind is Kind.INDENT:
                kinds[index] = Kind.QUOTE if attributed else Kind.TEXT

    def cut_history(self) -> None:
        """Step 1. The lines of an attribution before a quote are taken off here too."""
        said = False
        index = 0
        kinds = self.kinds
        marks = (Kind.QUOTE, Kind.ATTRIBUTION, Kind.HISTORY)
        last_mark = max((at for at, kind in enumerate(kinds) if kind in marks), default=-1)
        while index < len(kinds):
            kind = kinds[index]
            if kind is Kind.TEXT:
                said = True
            elif kind in (Kind.HISTORY, Kind.ATTRIBUTION):
                end = index
                while end < len(kinds) and kinds[end] is kind:
                    end += 1
                if said and (kind is Kind.HISTORY or self.next_filled(end) is not Kind.QUOTE):
                    self.cut_at(index)
                    return
                self.put(index, end, Part.QUOTED)
                kinds[index:end] = [Kind.ATTRIBUTION] * (end - index)
                index = end
                continue
            elif kind is Kind.MARK:
                self.put(index, index + 1, Part.QUOTED)
            elif kind is Kind.MOBILE and said and index > last_mark:
                # Programs put their line right under the reply: what follows without a mark is history left unmarked.
                end = index + 1
                while end < len(kinds) and kinds[end] in (Kind.MOBILE, Kind.EMPTY):
                    end += 1
                self.cut_at(end)
                self.put(index, end, Part.SIGNATURE)
                self.end = index
                return
            index += 1

    def cut_at(self, index: int) -> None:
        self.put(index, len(self.kinds), Part.QUOTED)
        while index > 0 and self.kinds[index - 1] in (Kind.EMPTY, Kind.RULE, Kind.DELIMITER):
            index -= 1
        self.put(index, len(self.kinds), Part.QUOTED)
        self.end = index

    def trim(self) -> None:
        while self.end > 0 and (self.kinds[self.end - 1] is Kind.EMPTY or self.parts[self.end - 1] is not Part.REPLY):
            self.end -= 1

    def says_something(self, end: int) -> bool:
        return any(self.kinds[index] is Kind.TEXT and self.parts[index] is Part.REPLY for index in range(end))

    def take_trailing_quote(self) -> None:
        self.trim()
        start = self.end
        while start > 0 and (
            self.kinds[start - 1] in (Kind.QUOTE, Kind.EMPTY, Kind.ATTRIBUTION)
            or self.parts[start - 1] is not Part.REPLY
        ):
            start -= 1
        if start < self.end and self.says_something(start):
            for index in range(start, self.end):
                if self.parts[index] is Part.REPLY:
                    self.parts[index] = Part.QUOTED
            self.end = start
            self.trim()

    def take_signature(self) -> None:
        """Step 3, on the lines behind the last quote."""
        self.trim()
        start = self.end
        while start > 0 and self.kinds[start - 1] not in (Kind.QUOTE, Kind.ATTRIBUTION, Kind.MARK):
            start -= 1
        for index in range(start, self.end):
            if not self.ends_reply(index, start):
                continue
            if self.says_something(index) or start > 0:
                self.put(index, self.end, Part.SIGNATURE)
                self.end = index
                self.trim()
            return
        self.take_name_under_quote(start)

    def ends_reply(self, index: int, start: int) -> bool:
        kind = self.kinds[index]
        if self.end - index > _MAX_SIGNATURE:
            return False
        if kind in (Kind.SIGNATURE, Kind.MOBILE):
            # Only when nothing but signature follows.
            return all(
                k in (Kind.SIGNATURE, Kind.MOBILE, Kind.EMPTY, Kind.RULE, Kind.DELIMITER)
                for k in self.kinds[index : self.end]
            )
        if kind is Kind.DELIMITER:
            filled = sum(1 for k in self.kinds[index + 1 : self.end] if k is not Kind.EMPTY)
            return filled <= 40
        if kind is Kind.RULE:
            rest = self.lines[index + 1 : self.end]
            if visible(self.lines[index]).strip().startswith("_") and sum(1 for line in rest if line.strip()) <= 3:
                return True
            return signatures.looks_like_signature(list(rest))
        return False

    def take_name_under_quote(self, start: int) -> None:
        """A few short lines under a quote that was answered above it are the writer's name, not an answer."""
        if start == 0 or start == self.end or not self.says_something(start):
            return
        block = [line for line in self.lines[start : self.end] if visible(line).strip()]
        if 0 < len(block) <= 6 and all(signatures.is_short_label(visible(line).strip()) for line in block):
            above = sum(
                1 for index in range(start) if self.kinds[index] is Kind.TEXT and self.parts[index] is Part.REPLY
            )
            if above >= 2 and signatures.looks_like_signature(block):
                self.put(start, self.end, Part.SIGNATURE)
                self.end = start
                self.trim()

    def take_leading_quote(self) -> None:
        blocks: list[tuple[int, int]] = []
        said = False
        index = 0
        while index < self.end:
            if self.kinds[index] is Kind.QUOTE and self.parts[index] is Part.REPLY:
                begin = index
                while index < self.end and self.kinds[index] in (Kind.QUOTE, Kind.EMPTY):
                    index += 1
                blocks.append((begin, index))
                if said or len(blocks) > 1:
                    return
                continue
            if self.kinds[index] is Kind.TEXT and self.parts[index] is Part.REPLY:
                said = True
            index += 1
        if len(blocks) == 1 and said:
            self.put(*blocks[0], Part.QUOTED)

    def take_stray_mobile_lines(self) -> None:
        for index in range(self.end):
            if self.kinds[index] in (Kind.MOBILE, Kind.SIGNATURE) and self.parts[index] is Part.REPLY:
                self.parts[index] = Part.SIGNATURE
