"""Which inline CSS of a stranger's mail survives; called by the cleaner for each `style`, `color` and `width` it
meets.

A declaration is kept only when its property is listed here and its whole value matches that property's pattern,
and what is kept is written anew, so that a browser reads exactly what these patterns read. Names alone would not
do: `color` is harmless, `color:url(...)` fetches. There is no function but rgb() and hsl(), no negative length,
nothing that positions.
"""

from __future__ import annotations

import re
from functools import lru_cache

MAX_STYLE_LENGTH = 4000
"""Characters of one style attribute; a longer one is dropped whole. Office writes about 300."""

_NUMBER = r"(?:\d{1,5}(?:\.\d{1,6})?|\.\d{1,6})"
_LENGTH = rf"{_NUMBER}(?:px|pt|em|rem|ex|ch|pc|in|cm|mm|%)?"
_COLOUR = r"(?:#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})|(?:rgb|hsl)a?\([0-9.,%/ ]{1,60}\)|[a-z]{3,24})"
_LINE = r"(?:none|hidden|solid|dashed|dotted|double|groove|ridge|inset|outset)"
_EDGE = rf"(?:{_LENGTH}|thin|medium|thick|{_LINE}|{_COLOUR})"
_FONT = r"(?:'[\w .\-]{1,60}'|\"[\w .\-]{1,60}\"|[\w.\-][\w .\-]{0,60})"
_FONTS = rf"{_FONT}(?: ?, ?{_FONT}){{0,15}}"
_KEYWORD = r"[a-z][a-z\-]{1,30}"


def _up_to_four(item: str) -> str:
    return rf"{item}(?: {item}){{0,3}}"


_SIZE = rf"(?:{_LENGTH}|auto|none|inherit|initial|thin|medium|thick)"
_PATTERNS: dict[str, str] = {
    "color": _COLOUR,
    "background-color": _COLOUR,
    "font-family": _FONTS,
    "font": rf"(?:(?:{_KEYWORD}|[1-9]00|{_LENGTH}(?: ?/ ?{_LENGTH})?) ){{1,5}}{_FONTS}",
    "font-size": rf"(?:{_LENGTH}|{_KEYWORD})",
    "font-weight": r"(?:[1-9]00|normal|bold|bolder|lighter|inherit|initial)",
    "font-style": _KEYWORD,
    "font-variant": _KEYWORD,
    "line-height": rf"(?:{_LENGTH}|normal|inherit|initial)",
    "letter-spacing": rf"(?:{_LENGTH}|normal|inherit)",
    "word-spacing": rf"(?:{_LENGTH}|normal|inherit)",
    "text-align": _KEYWORD,
    "text-decoration": rf"{_EDGE}(?: {_EDGE}){{0,2}}|{_KEYWORD}",
    "text-decoration-line": _KEYWORD,
    "text-indent": _LENGTH,
    "text-transform": _KEYWORD,
    "vertical-align": rf"(?:{_LENGTH}|{_KEYWORD})",
    "white-space": _KEYWORD,
    "word-break": _KEYWORD,
    "word-wrap": _KEYWORD,
    "overflow-wrap": _KEYWORD,
    "direction": r"(?:ltr|rtl|inherit)",
    # No bidi-override: it shows letters in an order that was not written.
    "unicode-bidi": r"(?:normal|embed|isolate|plaintext)",
    "display": r"(?:none|block|inline|inline-block|list-item|inline-table|table(?:-row|-cell|-caption|-row-group)?)",
    "float": r"(?:left|right|none)",
    "clear": r"(?:left|right|both|none)",
    "border-collapse": _KEYWORD,
    "border-spacing": rf"{_LENGTH}(?: {_LENGTH})?",
    "border-radius": _up_to_four(_LENGTH),
    "box-sizing": _KEYWORD,
    "table-layout": _KEYWORD,
    "caption-side": _KEYWORD,
    "empty-cells": _KEYWORD,
    "list-style-type": _KEYWORD,
    "list-style-position": _KEYWORD,
    "list-style": rf"{_KEYWORD}(?: {_KEYWORD})?",
    **dict.fromkeys(("width", "min-width", "max-width", "height", "min-height", "max-height"), _SIZE),
    **{name: _up_to_four(rf"(?:{_LENGTH}|auto)") for name in ("margin", "padding")},
    **{f"{name}-{side}": rf"(?:{_LENGTH}|auto)"
       for name in ("margin", "padding") for side in ("top", "right", "bottom", "left")},
    **{f"border{side}": rf"{_EDGE}(?: {_EDGE}){{0,2}}" for side in ("", "-top", "-right", "-bottom", "-left")},
    **{f"border{side}-width": _up_to_four(rf"(?:{_LENGTH}|thin|medium|thick)")
       for side in ("", "-top", "-right", "-bottom", "-left")},
    **{f"border{side}-style": _up_to_four(_LINE) for side in ("", "-top", "-right", "-bottom", "-left")},
    **{f"border{side}-color": _up_to_four(_COLOUR) for side in ("", "-top", "-right", "-bottom", "-left")},
}  # fmt: skip
_ALLOWED = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_COLOUR_ONLY = re.compile(_COLOUR, re.IGNORECASE)
_COLOUR_WORDS = re.compile(rf"(?:^|(?<= )){_COLOUR}(?= |$)", re.IGNORECASE)
_FONTS_ONLY = re.compile(_FONTS)
_SPACE = re.compile(r"[\s\x00-\x1f]+")
_COMMA_IN_BRACKETS = re.compile(r" ?, ?")
_NOT_A_COLOUR = frozenset({
    "none", "repeat", "scroll", "fixed", "local", "center", "left", "right", "top", "bottom", "cover", "contain",
})  # fmt: skip


def colour(value: str) -> str | None:
    """The value as a CSS or HTML colour (`#0a0`, `rgb(1,2,3)`, a name), or None when it is anything else."""
    bare = value.strip().lower()
    return bare if _COLOUR_ONLY.fullmatch(bare) else None


def font_names(value: str) -> str | None:
    """The value as a comma-separated list of font names, or None when it is anything else."""
    bare = _SPACE.sub(" ", value).strip()
    return bare if _FONTS_ONLY.fullmatch(bare) else None


@lru_cache(maxsize=4096)
def clean_style(style: str) -> str | None:
    """The declarations of an inline style that may stay, written as `name:value;name:value`; None when none may.

    `!important` is taken off, and of the `background` shorthand only the colour is kept. Idempotent.
    """
    if len(style) > MAX_STYLE_LENGTH:
        return None
    kept: list[str] = []
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if not colon:
            continue
        name = name.strip().lower()
        value = _SPACE.sub(" ", value).strip()
        if value[-10:].lower() == "!important":
            value = value[:-10].rstrip()
        if "(" in value:
            value = _COMMA_IN_BRACKETS.sub(",", value)
        if name == "background":
            colours = [word for word in _COLOUR_WORDS.findall(value) if word.lower() not in _NOT_A_COLOUR]
            if not colours:
                continue
            name, value = "background-color", colours[0]
        pattern = _ALLOWED.get(name)
        if pattern is not None and pattern.fullmatch(value):
            kept.append(f"{name}:{value}")
    return ";".join(kept) or None
