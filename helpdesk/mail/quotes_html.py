"""What the writer of an HTML mail added: the structure that programs leave decides first, the rules for plain lines
next.

Called by `quotes`. The HTML is raw: cleaning it is the business of another module, after this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from selectolax.lexbor import LexborNode

from helpdesk.mail.html_limits import HtmlRefused
from helpdesk.mail.html_lines import HtmlLine, HtmlText, Place, read_html
from helpdesk.mail.plaintext import stripped
from helpdesk.mail.quote_kinds import Kind, kinds_of
from helpdesk.mail.quote_lines import Part, parts_of, readable

MAX_CHARS = 2_000_000
"""Longer HTML is not split."""


@dataclass(frozen=True, slots=True)
class HtmlParts:
    """`reply_html` is the body without history and signature, as raw as it came, or empty when nothing was taken
    off.
    """

    reply_html: str
    reply_text: str
    signature: str = ""


def split_html(html: str) -> HtmlParts:
    """What the writer of the mail `html` added, as HTML and as readable text, and his signature as text.

    HTML over MAX_CHARS or too deep to parse is given back unsplit: empty `reply_html`, the whole text. Never raises.
    """
    if len(html) > MAX_CHARS:
        return HtmlParts("", stripped(html))
    try:
        read = read_html(html, keep_nodes=True)
    except HtmlRefused:
        return HtmlParts("", stripped(html))
    texts = [line.text for line in read.lines]
    parts = parts_of(texts, _kinds(read.lines, texts))
    reply = readable([text for text, part in zip(texts, parts, strict=True) if part is Part.REPLY])
    if all(part is Part.REPLY or not (line.text or line.solid) for line, part in zip(read.lines, parts, strict=True)):
        return HtmlParts("", reply)
    signature = readable([text for text, part in zip(texts, parts, strict=True) if part is Part.SIGNATURE])
    return HtmlParts(_without(read, parts), reply, signature)


def _kinds(lines: list[HtmlLine], texts: list[str]) -> list[Kind]:
    """The kinds of the plain rules, overruled where the structure knows better."""
    kinds = kinds_of(texts)
    last_quote = max((index for index, line in enumerate(lines) if line.place is Place.QUOTE and line.text), default=-1)
    for index, line in enumerate(lines):
        kind = kinds[index]
        if kind is Kind.EMPTY:
            if line.solid:
                kinds[index] = _KIND_OF_PICTURE[line.place]
        elif line.place is Place.QUOTE:
            kinds[index] = Kind.QUOTE
        elif line.place is Place.SIGNATURE:
            kinds[index] = Kind.SIGNATURE
        elif line.place is Place.ATTRIBUTION:
            if kind is not Kind.HISTORY:
                kinds[index] = Kind.MARK if last_quote > index else Kind.ATTRIBUTION
        elif line.place is Place.INDENT and kind in (Kind.TEXT, Kind.DELIMITER, Kind.RULE, Kind.MOBILE):
            kinds[index] = Kind.INDENT
        if line.history_starts and line.place is not Place.QUOTE:
            kinds[index] = Kind.HISTORY
    return kinds


_KIND_OF_PICTURE = {
    Place.PLAIN: Kind.TEXT,
    Place.QUOTE: Kind.QUOTE,
    Place.INDENT: Kind.INDENT,
    Place.ATTRIBUTION: Kind.EMPTY,
    Place.SIGNATURE: Kind.SIGNATURE,
}


def _without(read: HtmlText, parts: list[Part]) -> str:
    """The body's HTML without the nodes that made only the lines taken off.

    The largest elements with nothing kept inside are found first and detached at the end: they do not overlap, so
    no node is touched after its memory was given back.
    """
    kept = [False] * len(read.leaves)
    told = [False] * len(read.leaves)
    for line, part in zip(read.lines, parts, strict=True):
        for leaf in range(line.first_leaf, line.end_leaf):
            told[leaf] = True
            if part is Part.REPLY:
                kept[leaf] = True
    for leaf, was_told in enumerate(told):
        if not was_told:
            kept[leaf] = True
    before = [0]
    for keep in kept:
        before.append(before[-1] + keep)
    doomed: list[LexborNode] = []
    gone = bytearray(len(read.leaves))
    index = 1  # the body itself stays
    while index < len(read.elements):
        element = read.elements[index]
        if element.end_leaf > element.first_leaf and before[element.end_leaf] == before[element.first_leaf]:
            doomed.append(element.node)
            gone[element.first_leaf : element.end_leaf] = b"\x01" * (element.end_leaf - element.first_leaf)
            index = element.end_element
        else:
            index += 1
    doomed += [node for leaf, node in enumerate(read.leaves) if not kept[leaf] and not gone[leaf]]
    for node in doomed:
        node.decompose()
    body = read.tree.body if read.tree is not None else None
    if body is None:
        return ""
    inner = body.inner_html or ""
    direction = (body.attributes.get("dir") or "").lower()
    return f'<div dir="{escape(direction)}">{inner}</div>' if direction in ("rtl", "ltr", "auto") else inner
