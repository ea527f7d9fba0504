"""Raw mail HTML as a list of readable lines, each knowing the nodes it was made of and the place it stands in.

Called by `plaintext` (readable text of a mail), `quotes_html` (which lines are quoted history) and `forwards`. The
HTML is what the sender wrote, before any cleaning: the walk is iterative, every cost is linear, and input that would
make the tree builder slow (very deep or endlessly re-opened elements) is refused before it is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from selectolax.lexbor import LexborHTMLParser, LexborNode

from helpdesk.mail.html_limits import VOID, HtmlRefused, check_limits, names

MAX_NODES = 120_000
_MAX_LINES_OF_TEXT = 20_000


_SKIPPED = names(
    "head style script title template svg math object iframe noembed noframes select datalist audio video canvas xml"
)
_BLOCK = names(
    "p div blockquote table tbody thead tfoot tr ul ol li h1 h2 h3 h4 h5 h6 pre section article header "
    "footer address form fieldset dl dt dd center main nav aside figure figcaption details summary "
    "caption legend td th menu dir body"
)
_SPACED = names("p blockquote ul ol h1 h2 h3 h4 h5 h6 pre dl figure")

_SPACES = re.compile(r"[ \t\r\n\f]+")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|!|$)"
    r"|max-height\s*:\s*0(?:px|pt)?\s*(?:;|!|$)"
)
_NO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s*:\s*0")
_OUTLOOK_RULE = re.compile(r"border-top\s*:\s*solid\s+#?\w+\s+[\d.]+pt.{0,40}padding\s*:\s*3(?:\.0)?pt", re.S)
_PIXEL = re.compile(r"^\s*[0-3](?:px)?\s*$")

_QUOTE_CLASSES = names(
    "yahoo_quoted protonmail_quote zmail_extra tutanota_quote moz-forward-container front-blockquote "
    "freshdesk_quote zm-quote mail_quote ntes-mailmaster-quote gmail_quote_blockquote"
)
_QUOTE_IDS = frozenset(
    [
        "qt",
        "isreplycontent",
        "isforwardcontent",
        "mail-editor-reference-message-container",
        "ntes-pcmail-quote",
        "origbody",
    ]
)
_HISTORY_IDS = frozenset(
    ["appendonsend", "divrplyfwdmsg", "olk_src_body_section", "zwchr", "stopspelling", "reply-intro-forward"]
)
_ATTRIBUTION_CLASSES = names("gmail_attr moz-cite-prefix moz-email-headers-table protonmail_quote_header")
_ATTRIBUTION_IDS = frozenset(["reply-intro"])
_SIGNATURE_CLASSES = names(
    "gmail_signature moz-signature protonmail_signature_block zmail_signature moz-txt-sig yahoo-signature"
)
_SIGNATURE_IDS = names("signature ms-outlook-mobile-signature applemailsignature zm_signature")


class Place(Enum):
    """What the structure around a line says of it."""

    PLAIN = auto()
    QUOTE = auto()  # inside a container that mail clients put quoted history in
    INDENT = auto()  # inside a bare <blockquote>: a quote only when something else says so
    ATTRIBUTION = auto()  # the client marked it as the "On … wrote:" line
    SIGNATURE = auto()


@dataclass(slots=True)
class HtmlLine:
    """One line of readable text. `first_leaf` up to `end_leaf` are its leaves in `HtmlText.leaves`.

    `history_starts`: a client's mark says that everything from here on is the earlier mail. `solid`: it shows a
    picture, so that it counts as said even without text. `rule`: it is a horizontal rule.
    """

    text: str
    place: Place
    first_leaf: int
    end_leaf: int
    history_starts: bool = False
    solid: bool = False
    rule: bool = False


@dataclass(slots=True)
class Element:
    """An element with the range of leaves under it; `end_element` is the index behind its last descendant."""

    node: LexborNode
    first_leaf: int
    end_leaf: int = 0
    end_element: int = 0


@dataclass(slots=True)
class HtmlText:
    """The lines of a document in reading order, with the tree they came from."""

    tree: LexborHTMLParser | None
    lines: list[HtmlLine] = field(default_factory=list)
    leaves: list[LexborNode] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)


def read_html(html: str, *, keep_nodes: bool = False) -> HtmlText:
    """Parse `html` and return its readable lines. `keep_nodes` also fills leaves and elements, for cutting.

    Raises HtmlRefused for input that is too large, too deep or of too many nodes.
    """
    check_limits(html)
    tree = LexborHTMLParser(html.encode("utf-8", "replace").decode("utf-8"))
    if tree.body is None:
        return HtmlText(tree)
    return _Walk(tree, keep_nodes).run(tree.body)


@dataclass(slots=True)
class _Frame:
    """What has to be undone when an element ends."""

    tag: str
    block: bool
    spaced: bool
    place: Place
    pre: bool
    link: str
    link_start: int
    element: int
    list_index: int = 0


class _Walk:
    def __init__(self, tree: LexborHTMLParser, keep_nodes: bool) -> None:
        self.out = HtmlText(tree)
        self.keep = keep_nodes
        self.pieces: list[str] = []
        self.place = Place.PLAIN
        self.pre = False
        self.leaf_count = 0
        self.line_first_leaf = 0
        self.solid = False
        self.history = False
        self.line_place: Place | None = None
        self.frames: list[_Frame] = []
        self.rule_checks = 0

    def run(self, body: LexborNode) -> HtmlText:
        seen = 0
        node: LexborNode | None = body
        self.out.lines.clear()
        while node is not None:
            seen += 1
            if seen > MAX_NODES:
                raise HtmlRefused("too many nodes")
            descend = False
            if node.is_element_node:
                descend = self.enter(node)
            elif node.is_text_node:
                self.text_node(node)
            child = node.first_child if descend else None
            if child is not None:
                node = child
                continue
            if descend:
                self.leave()
            while True:
                if not self.frames:
                    node = None
                    break
                following = node.next
                if following is not None:
                    node = following
                    break
                node = node.parent
                self.leave()
                if node is None:
                    break
        self.end_line()
        return self.out

    # -- elements

    def enter(self, node: LexborNode) -> bool:
        """Open an element; False when its content is not to be read."""
        tag = node.tag or ""
        if tag in _SKIPPED:
            return False
        if tag == "br":
            self.leaf(node)
            self.end_line(forced=True)
            return False
        attributes = node.attributes
        style = (attributes.get("style") or "").lower()
        if tag == "img":
            self.image(node, attributes, style)
            return False
        identifier = _without_owa_prefix((attributes.get("id") or "").strip().lower())
        if identifier in _HISTORY_IDS:
            self.end_line()
            self.history = True
        if tag == "hr":
            self.end_line()
            self.leaf(node)
            self.pieces.append("-" * 20)
            self.end_line(rule=True)
            return False
        if tag in VOID:
            return False
        if ("hidden" in attributes or (style and _HIDDEN_STYLE.search(style))) and tag != "body":
            return False
        classes = (attributes.get("class") or "").lower()
        block = tag in _BLOCK
        spaced = tag in _SPACED and "mso" not in classes and not (style and _NO_MARGIN.search(style))
        if block:
            self.end_line()
            if spaced:
                self.blank()
        if style and "border-top" in style and self.rule_checks < 8 and _OUTLOOK_RULE.search(style):
            self.rule_checks += 1
            self.history = self.history or _has_header_look(node)
        frame = _Frame(tag, block, spaced, self.place, self.pre, "", 0, -1)
        self.place = self.place_of(node, tag, classes.split(), identifier, style)
        if tag in ("pre", "textarea", "listing", "plaintext"):
            self.pre = True
        elif tag == "a":
            frame.link = (attributes.get("href") or "").strip()
            frame.link_start = len(self.pieces)
        elif tag == "li":
            self.item()
        elif tag in ("ul", "ol"):
            frame.list_index = 1 if tag == "ol" else 0
        elif tag in ("td", "th") and self.pieces and "".join(self.pieces[-3:]).strip():
            self.pieces.append(" | ")
        if self.keep:
            frame.element = len(self.out.elements)
            self.out.elements.append(Element(node, self.leaf_count))
        self.frames.append(frame)
        return True

    def leave(self) -> None:
        frame = self.frames.pop()
        if frame.link:
            self.link(frame)
        if frame.block:
            self.end_line()
            if frame.spaced:
                self.blank()
        self.place = frame.place
        self.pre = frame.pre
        if frame.element >= 0:
            element = self.out.elements[frame.element]
            element.end_leaf = self.leaf_count
            element.end_element = len(self.out.elements)

    def place_of(self, node: LexborNode, tag: str, classes: list[str], identifier: str, style: str) -> Place:
        """The place inside this element; an outer quote or signature holds for everything below it."""
        if self.place in (Place.QUOTE, Place.SIGNATURE, Place.ATTRIBUTION):
            return self.place
        names = {_without_owa_prefix(name) for name in classes}
        if names & _ATTRIBUTION_CLASSES or identifier in _ATTRIBUTION_IDS:
            return Place.ATTRIBUTION
        if tag == "blockquote":
            if (
                (node.attributes.get("type") or "").lower() == "cite"
                or "gmail_quote" in names
                or identifier in _QUOTE_IDS
            ):
                return Place.QUOTE
            if names & _QUOTE_CLASSES:
                return Place.QUOTE
            return Place.PLAIN if "border:none" in style.replace(" ", "") else Place.INDENT
        if names & _QUOTE_CLASSES or identifier in _QUOTE_IDS or any(name.endswith("yahoo_quoted") for name in names):
            return Place.QUOTE
        if (node.attributes.get("name") or "") in ("messageReplySection", "quote"):
            return Place.QUOTE
        if names & _SIGNATURE_CLASSES or identifier in _SIGNATURE_IDS:
            return Place.SIGNATURE
        return self.place

    # -- content

    def leaf(self, node: LexborNode) -> None:
        if self.keep:
            self.out.leaves.append(node)
        self.leaf_count += 1

    def text_node(self, node: LexborNode) -> None:
        text = node.text_content or ""
        if self.pre:
            self.leaf(node)
            unified = text.replace("\r\n", "\n").replace("\r", "\n")
            first, *others = unified.split("\n", max(1, _MAX_LINES_OF_TEXT - len(self.out.lines)))
            self.put(first)
            for line in others:
                self.end_line(forced=True)
                self.line_first_leaf = self.leaf_count - 1
                self.put(line)
            return
        text = _SPACES.sub(" ", text)
        if text == " " and not self.pieces:
            return
        self.leaf(node)
        if text.startswith(" ") and (not self.pieces or self.pieces[-1].endswith(" ")):
            text = text[1:]
        self.put(text)

    def put(self, text: str) -> None:
        if text:
            self.pieces.append(text)
            if self.line_place is None and not text.isspace():
                self.line_place = self.place

    def image(self, node: LexborNode, attributes: dict[str, str | None], style: str) -> None:
        self.leaf(node)
        if _PIXEL.match(attributes.get("width") or "x") or _PIXEL.match(attributes.get("height") or "x"):
            return
        if style and _HIDDEN_STYLE.search(style):
            return
        alt = _SPACES.sub(" ", attributes.get("alt") or "").strip()
        self.solid = True
        if alt:
            self.put(alt if len(alt) <= 4 else f"[{alt[:100]}]")
        if self.line_place is None:
            self.line_place = self.place

    def item(self) -> None:
        for frame in reversed(self.frames):
            if frame.tag in ("ul", "ol"):
                if frame.tag == "ol":
                    self.pieces.append(f"{frame.list_index}. ")
                    frame.list_index += 1
                else:
                    self.pieces.append("- ")
                return
        self.pieces.append("- ")

    def link(self, frame: _Frame) -> None:
        href = frame.link
        if not href.lower().startswith(("http://", "https://")) or len(href) > 120 or self.solid:
            return
        text = "".join(self.pieces[frame.link_start :]).strip()
        bare = href.split("://", 1)[1].rstrip("/").lower()
        shown = text.lower().rstrip("/")
        if not shown or "://" in shown or bare.startswith(shown) or bare.removeprefix("www.").startswith(shown):
            return
        if any(character.isspace() or ord(character) < 32 for character in href):
            return
        self.put(f" ({href})")

    # -- lines

    def blank(self) -> None:
        lines = self.out.lines
        if lines and (lines[-1].text or lines[-1].solid):
            lines.append(HtmlLine("", self.place, self.leaf_count, self.leaf_count))

    def end_line(self, *, forced: bool = False, rule: bool = False) -> None:
        """Close the line being built; `forced` makes an empty line too (a <br> on its own)."""
        text = "".join(self.pieces).replace("\xa0", " ")
        text = text.rstrip() if self.pre else text.strip(" ")
        if text.strip() or forced or self.solid or self.leaf_count > self.line_first_leaf:
            visible = bool(text.strip()) or self.solid
            lines = self.out.lines
            if visible or forced or self.keep:
                line = HtmlLine(
                    text if visible else "",
                    self.line_place or self.place,
                    self.line_first_leaf,
                    self.leaf_count,
                    solid=self.solid,
                    rule=rule,
                )
                if visible and self.history:
                    line.history_starts = True
                    self.history = False
                lines.append(line)
        self.pieces = []
        self.solid = False
        self.line_place = None
        self.line_first_leaf = self.leaf_count


def _without_owa_prefix(name: str) -> str:
    """Outlook on the web writes x_ before the ids and classes of a mail it quotes."""
    while name.startswith("x_"):
        name = name[2:]
    return name


def _has_header_look(node: LexborNode) -> bool:
    """At least three bold labels that end in a colon: Outlook's header block in a language we have no table for."""
    labels = 0
    for bold in node.css("b, strong")[:12]:
        label = (bold.text() or "").replace("\xa0", " ").strip()
        if len(label) <= 40 and label.endswith((":", "：")):
            labels += 1
    return labels >= 3
