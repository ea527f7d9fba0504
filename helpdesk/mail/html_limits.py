"""Which HTML may be given to the tree builder at all. Some of its costs grow with the square of what a sender writes:
deep nesting, formatting left open, attributes in one tag. Each is counted here first, in one linear pass. Called by
`html_lines`.
"""

from __future__ import annotations

import re

MAX_PARSED_CHARS = 5_000_000
MAX_DEPTH = 800
MAX_TAGS = 60_000
MAX_ATTRIBUTES = 500
_UNCHECKED_CHARS = 20_000
_MAX_REOPENED = 400_000


def names(text: str) -> frozenset[str]:
    """A set of names written in one line."""
    return frozenset(text.split())


VOID = names("area base br col embed hr img input link meta param source track wbr")
_SELF_CLOSING_BY_PARSER = names("p li td tr th dd dt option optgroup colgroup thead tbody tfoot rp rt html head body")
_FORMATTING = names("a b big code em font i nobr s small strike strong tt u")

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_TAG_OPENING = re.compile(r"<[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(r"[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]*+))?")


class HtmlRefused(Exception):
    """The HTML is too large or too deep to be read as a tree."""


def check_limits(html: str) -> None:
    """Raise HtmlRefused when building a tree of `html` could cost more than linear time.

    Elements that the parser closes by itself are not counted. Formatting elements left open are opened again in every
    later block (HTML standard, "reconstruct the active formatting elements"), hence the product.
    """
    if len(html) > MAX_PARSED_CHARS:
        raise HtmlRefused("too large")
    if len(html) > _UNCHECKED_CHARS:
        _check_attributes(html)
    depth = formatting = most_formatting = blocks = 0
    for match in _TAG.finditer(html):
        name = match[2].lower()
        if name in _FORMATTING:
            formatting = max(0, formatting - 1) if match[1] else formatting + 1
            most_formatting = max(most_formatting, formatting)
        if name in VOID or name in _SELF_CLOSING_BY_PARSER:
            blocks += 1
            continue
        blocks += 1
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > MAX_DEPTH:
            raise HtmlRefused("too deep")
    if blocks > MAX_TAGS:
        raise HtmlRefused("too many tags")
    if most_formatting > 40 and most_formatting * blocks > _MAX_REOPENED:
        raise HtmlRefused("too many open elements")


def _check_attributes(html: str) -> None:
    """Raise HtmlRefused for a tag of more than MAX_ATTRIBUTES: each one is compared with all before it by the
    parser.
    """
    at = 0
    while (tag := _TAG_OPENING.search(html, at)) is not None:
        at = tag.end()
        count = 0
        while (attribute := _ATTRIBUTE.match(html, at)) is not None:
            at = attribute.end()
            count += 1
            if count > MAX_ATTRIBUTES:
                raise HtmlRefused("too many attributes")
