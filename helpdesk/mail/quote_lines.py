"""Which of a mail's lines did its writer add? A few cuts over the lines that
`quote_kinds` has named, for plain text and flattened HTML alike.

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
from enum import Enum, auto

from helpdesk.mail import signatures
from helpdesk.mail.quote_headers import visible
from helpdesk.mail.quote_kinds import Kind

_MAX_PEELS = 4
_MAX_SIGNATURE = 60


class Part(Enum):
    """Where a line of the mail goes."""

    REPLY = auto()
    QUOTED = auto()
    SIGNATURE = auto()


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
            if signatures.is_footer_heading(self.lines[index]):
                return signatures.is_notice(list(rest))
            if visible(self.lines[index]).strip().startswith("_") and sum(1 for line in rest if line.strip()) <= 3:
                return True
            return signatures.looks_like_signature(list(rest))
        return False

    def take_name_under_quote(self, start: int) -> None:
        """A few short lines under an attributed quote that was answered above it are the writer's name, not an answer."""
        if start == 0 or start == self.end or not self.attributed(start):
            return
        block = [line for line in self.lines[start : self.end] if visible(line).strip()]
        if 0 < len(block) <= 6 and all(signatures.is_name_like(visible(line).strip()) for line in block):
            above = sum(
                1 for index in range(start) if self.kinds[index] is Kind.TEXT and self.parts[index] is Part.REPLY
            )
            if above >= 2:
                self.put(start, self.end, Part.SIGNATURE)
                self.end = start
                self.trim()

    def attributed(self, end: int) -> bool:
        """Does an attribution stand right above the quote that ends at `end`?"""
        index = end - 1
        while index >= 0 and self.kinds[index] in (Kind.QUOTE, Kind.EMPTY):
            index -= 1
        return index >= 0 and self.kinds[index] in (Kind.ATTRIBUTION, Kind.MARK)

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
