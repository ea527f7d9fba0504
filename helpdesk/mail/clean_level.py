"""Keeping the sanitiser's work in proportion to the mail; called by `clean.py` before the sanitiser runs.

An HTML parser is quadratic in the nesting depth (every `<div>` looks up through all open elements), in the
attributes of one tag and in the character references of one text: 250 kB of `<div>` cost 20 seconds, a megabyte of
`&` as much. So:

- a small mail goes straight through, because at its size even the worst markup is cheap (`is_small`);
- a large one is levelled first: read tag by tag in one linear pass and written anew so that its tags nest, no
  deeper than MAX_DEPTH, with few attributes each, and no table part stands outside its table. The parser cannot be
  surprised by it;
- what is beyond all bounds is shown as its text (`as_plain_text`).

Levelling only has to be fair to honest markup and bounded for any; what is safe is decided by the sanitiser after
it.
"""

from __future__ import annotations

import re
from html import escape, unescape

from helpdesk.mail.clean_profile import ATTRIBUTES, DROPPED_WITH_CONTENT, MAX_DATA_URL_LENGTH, TAGS, VOID_TAGS

MAX_LENGTH = 2_500_000
"""Characters of HTML that are still cleaned as HTML. The largest newsletters are a little over one million."""
SMALL_LENGTH = 65_000
SMALL_TAG_COUNT = 800
SMALL_REFERENCE_COUNT = 10_000
MAX_REFERENCE_COUNT = 40_000
"""Character references (any `&`) left after the foreign letters among them were decoded."""
MAX_TAG_COUNT = 200_000
MAX_DEPTH = 200
MAX_ATTRIBUTE_COUNT = 24
MAX_TEXT_LENGTH = 1_000_000
"""Characters of text shown of a mail that could only be shown as text; the raw mail is kept whole."""

TEXT_ONLY = (
    "<p><em>The formatting of this mail is too heavy to be shown safely. This is its text; the original is kept.</em>"
    "</p>"
    '<pre dir="auto">'
)
_TEXT_ONLY_END = "</pre>"

ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")
"""One attribute inside a tag: name, then the value in double quotes, single quotes, or bare."""
_TAG = re.compile(r"""<(?:(/?)([a-zA-Z][a-zA-Z0-9:_-]*)((?:[^<>"']|"[^"]*"|'[^']*')*+)>|(!--)|[!?/][^<>]*>)""")
"""A tag (slash, name, attributes), the start of a comment, or a declaration. No `<` outside quotes, so a failure is
found within a few tags, and the whole search stays linear."""
_FOREIGN_LETTER = re.compile(r"&#(?:(\d{3,7})|[xX]([0-9a-fA-F]{2,6}));")

_WRITTEN_BY_THE_SANITISER = frozenset({"rel"})
_SECTIONS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th", "caption"})
_TABLE_ONLY = frozenset({"table"})
_CELL_WALLS = _CELLS | _TABLE_ONLY
_INLINE_TEXT = """
    a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span strike strong
    sub sup tt u var
"""
_INLINE = frozenset(_INLINE_TEXT.split())
# Opening the key ends the open element of the named kinds, unless one of the walls stands between.
_ITEM_WALLS = frozenset({"ul", "ol", "dl", "dir", "table", "td", "th", "blockquote"})
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset({"li"}), _ITEM_WALLS),
    "dd": (frozenset({"dd", "dt"}), _ITEM_WALLS),
    "dt": (frozenset({"dd", "dt"}), _ITEM_WALLS),
    "p": (frozenset({"p"}), frozenset({"table", "td", "th", "li", "div", "blockquote"})),
}
# Where each part of a table may stand: its parent is the nearest of these.
_PART_OF: dict[str, frozenset[str]] = {
    "caption": frozenset({"table"}),
    "colgroup": frozenset({"table"}),
    "col": frozenset({"table", "colgroup"}),
    "thead": frozenset({"table"}),
    "tbody": frozenset({"table"}),
    "tfoot": frozenset({"table"}),
    "tr": frozenset({"table", "thead", "tbody", "tfoot"}),
    "td": frozenset({"tr"}),
    "th": frozenset({"tr"}),
}


def is_small(html: str) -> bool:
    """Whether the HTML is so short that no markup of that length can cost the sanitiser more than about 0.1 s."""
    return len(html) <= SMALL_LENGTH and html.count("<") <= SMALL_TAG_COUNT and html.count("&") <= SMALL_REFERENCE_COUNT


def level(html: str) -> str | None:
    """The same mail with well-nested tags of bounded depth, in linear time; None when it is beyond the bounds.

    Levelling what was levelled changes nothing.
    """
    if len(html) > MAX_LENGTH or html.count("<") > MAX_TAG_COUNT:
        return None
    if html.count("&") > SMALL_REFERENCE_COUNT:
        html = _FOREIGN_LETTER.sub(_decoded, html)
        if html.count("&") > MAX_REFERENCE_COUNT:
            return None
    return _Leveller().run(html)


def as_plain_text(html: str) -> str:
    """The text of the HTML, escaped, under a sentence saying so: the way out for markup that is not worth parsing."""
    if html.startswith(TEXT_ONLY):
        html = html[len(TEXT_ONLY) :].removesuffix(_TEXT_ONLY_END)
    text = unescape(_without_tags(html[: 4 * MAX_LENGTH])).strip().replace("\r", "")
    return TEXT_ONLY + escape(text[:MAX_TEXT_LENGTH], quote=False) + _TEXT_ONLY_END


def _decoded(reference: re.Match[str]) -> str:
    """The letter a numeric reference stands for, when it is a letter far from all that means something in HTML."""
    number = int(reference[1]) if reference[1] else int(reference[2], 16)
    return chr(number) if 0x100 <= number < 0xD800 or 0xE000 <= number < 0x110000 else reference[0]


def _without_tags(html: str) -> str:
    kept: list[str] = []
    skipper = _Skipper(html)
    position = 0
    while tag := _TAG.search(html, position):
        kept.append(html[position : tag.start()])
        position = tag.end()
        name = (tag[2] or "").lower()
        if tag[4]:
            position = skipper.end_of_comment(tag.start())
        elif not tag[1] and name in DROPPED_WITH_CONTENT:
            position = skipper.end_of(name, position)
        elif name in ("br", "p", "div", "tr", "li"):
            kept.append("\n")
    kept.append(html[position:])
    return "".join(kept)


class _Skipper:
    """Finds where an element's content ends, looking through the text at most once per kind of element in vain."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._never_closed: set[str] = set()

    def end_of(self, name: str, position: int) -> int:
        """The position after the next end tag of `name`, or `position` itself where there is none."""
        if name in self._never_closed:
            return position
        end = re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE).search(self._html, position)
        if end is None:
            self._never_closed.add(name)
            return position
        return end.end()

    def end_of_comment(self, start: int) -> int:
        """The position after the comment that opens at `start`; unclosed it runs to the end, as in a browser."""
        end = self._html.find("-->", start + 2)
        return len(self._html) if end < 0 else end + 3


class _Leveller:
    def __init__(self) -> None:
        self._open: list[str] = []
        self._out: list[str] = []
        self._depth = 0

    def run(self, html: str) -> str:
        skipper = _Skipper(html)
        position = 0
        while tag := _TAG.search(html, position):
            self._text(html[position : tag.start()])
            position = tag.end()
            name = (tag[2] or "").lower()
            if tag[4]:
                position = skipper.end_of_comment(tag.start())
            elif tag[1]:
                self._close(name)
            elif name in DROPPED_WITH_CONTENT:
                position = skipper.end_of(name, position)
            elif name in TAGS:
                self._start(name, tag[3])
        self._text(html[position:])
        self._close_down_to(0)
        return "".join(self._out)

    def _text(self, text: str) -> None:
        if text:
            self._out.append(text.replace("<", "&lt;"))

    def _start(self, name: str, attributes: str) -> None:
        if name in _PART_OF:
            if not self._make_room_for_table_part(name):
                return
        elif name in _ENDS:
            kinds, walls = _ENDS[name]
            index = self._nearest(kinds, walls)
            if index is not None:
                self._close_down_to(index)
        elif name == "table":
            self._leave_table_without_cell()
        if name not in VOID_TAGS:
            if self._depth >= MAX_DEPTH:
                return
            self._open.append(name)
            self._depth += name not in _SECTIONS
        self._out.append(f"<{name}{_written(name, attributes)}>")

    def _close(self, name: str) -> None:
        if name not in TAGS or name in VOID_TAGS:
            return
        walls = frozenset() if name == "table" else _TABLE_ONLY if name in _PART_OF else _CELL_WALLS
        index = self._nearest(frozenset({name}), walls)
        if index is None:
            return
        if name in _INLINE and any(above not in _INLINE for above in self._open[index + 1 :]):
            return
        self._close_down_to(index)

    def _make_room_for_table_part(self, name: str) -> bool:
        """Closes what stands between the part and its parent; says whether the part stands inside a table at all."""
        if self._nearest(_TABLE_ONLY, frozenset()) is None:
            return False
        parent = self._nearest(_PART_OF[name], _TABLE_ONLY)
        if parent is None:  # a cell without its row
            return self._make_room_for_table_part("tr") and self._push("tr")
        self._close_down_to(parent + 1)
        return True

    def _push(self, name: str) -> bool:
        """Opens a table row that the mail left out; False at the depth limit."""
        if self._depth >= MAX_DEPTH:
            return False
        self._open.append(name)
        self._depth += 1
        self._out.append(f"<{name}>")
        return True

    def _leave_table_without_cell(self) -> None:
        """A table directly in a table's row would be moved out by the parser; close to where it may stand instead."""
        table = self._nearest(_TABLE_ONLY, _CELLS)
        if table is not None:
            self._close_down_to(table)

    def _nearest(self, kinds: frozenset[str], walls: frozenset[str]) -> int | None:
        for index in range(len(self._open) - 1, -1, -1):
            name = self._open[index]
            if name in kinds:
                return index
            if name in walls:
                return None
        return None

    def _close_down_to(self, index: int) -> None:
        while len(self._open) > index:
            name = self._open.pop()
            self._depth -= name not in _SECTIONS
            self._out.append(f"</{name}>")


def _written(name: str, attributes: str) -> str:
    """The allowed attributes of one tag, at most MAX_ATTRIBUTE_COUNT of them, quoted."""
    if not attributes or attributes.isspace() or attributes == "/":
        return ""
    allowed = ATTRIBUTES["*"] | ATTRIBUTES.get(name, frozenset()) | _WRITTEN_BY_THE_SANITISER
    written: dict[str, str] = {}
    for attribute in ATTRIBUTE.finditer(attributes):
        key = attribute[1].lower()
        if key in allowed and key not in written:
            value = attribute[2] or attribute[3] or attribute[4] or ""
            if len(value) <= (MAX_DATA_URL_LENGTH if key == "src" else 8000):
                written[key] = value.replace('"', "&quot;").replace("<", "&lt;")
                if len(written) == MAX_ATTRIBUTE_COUNT:
                    break
    return "".join(f' {key}="{value}"' for key, value in written.items())
