"""Plain text of an HTML mail, and HTML of a plain text. No cleaning is done here: `html_from_text` writes only what it
escapes.

Called by the parser (mails without a plain part), by `quotes_html`, and by whoever shows a plain mail or sends one as
HTML too.
"""

from __future__ import annotations

import re
from html import escape, unescape

from helpdesk.mail.html_limits import HtmlRefused
from helpdesk.mail.html_lines import read_html
from helpdesk.mail.quote_lines import readable

_MAX_STRIPPED = 8_000_000
_DROPPED = re.compile(r"<(script|style|title|head)\b", re.I)
_BREAK = re.compile(r"<(?:br|/?(?:p|div|tr|li|h[1-6]|table|blockquote))\b[^<>]*>", re.I)
_ANY_TAG = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"[ \t]+")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")

# A link as people type it. The host is checked again by `_link`; brackets and quotes end it, so that no markup can.
_LINK = re.compile(
    r"(?:https?://|mailto:|www\.)[^\s<>\"'`\\^{|}\u0000-\u001f\u007f-\u00a0\u2028\u2029\u3000-\u3002\uff00-\uff0f\u201c\u201d\u300c\u300d]{3,2000}",
    re.I,
)
_TRAILING = ".,;:!?*_~'’\"»…"
_SCHEMES = ("http://", "https://", "mailto:")


def text_from_html(html: str) -> str:
    """Readable text of mail HTML: blocks and <br> as lines, list marks, cells in one row, `text (url)` where text
    hides a short link.

    Style, script, head and hidden parts are left out. HTML too large or too deep for a tree only loses its tags.
    Never raises.
    """
    try:
        return readable([line.text for line in read_html(html).lines])
    except HtmlRefused:
        return stripped(html)


def stripped(html: str) -> str:
    """Text by taking out tags alone, in linear time, for input nobody wrote by hand."""
    rest = html[:_MAX_STRIPPED]
    pieces: list[str] = []
    at = 0
    lowered = rest.lower()
    while (found := _DROPPED.search(rest, at)) is not None:
        pieces.append(rest[at : found.start()])
        end = lowered.find(f"</{found[1].lower()}", found.end())
        if end < 0:
            at = len(rest)
            break
        at = end
    pieces.append(rest[at:])
    text = _ANY_TAG.sub("", _BREAK.sub("\n", "".join(pieces)))
    lines = unescape(text).replace("\xa0", " ").split("\n")
    return readable([_BLANKS.sub(" ", line).strip() for line in lines])


def html_from_text(text: str) -> str:
    """Escaped HTML of plain text: paragraphs with their own direction, lines kept, web and mail addresses made
    clickable.

    Only http, https and mailto links are made, decided on the address as it will stand in the attribute; a bare
    www. gets https.
    """
    normalised = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not normalised.strip():
        return ""
    paragraphs = _PARAGRAPH.split(normalised)
    return "\n".join(f'<p dir="auto">{_lines(paragraph)}</p>' for paragraph in paragraphs if paragraph.strip())


def _lines(paragraph: str) -> str:
    return "<br>\n".join(_linked(line) for line in paragraph.strip("\n").split("\n"))


def _linked(line: str) -> str:
    pieces: list[str] = []
    at = 0
    for match in _LINK.finditer(line):
        before = line[match.start() - 1 : match.start()]
        if before and ((before.isascii() and before.isalnum()) or before in "/@"):
            continue
        address = _without_trailing(match[0])
        href = _href(address)
        if href is None:
            continue
        pieces.append(_spaced(line[at : match.start()]))
        pieces.append(
            f'<a href="{escape(href)}" rel="noopener noreferrer nofollow" target="_blank">{escape(address)}</a>'
        )
        at = match.start() + len(address)
    pieces.append(_spaced(line[at:]))
    return "".join(pieces)


def _spaced(text: str) -> str:
    """Escaped text in which runs of spaces keep their width."""
    return escape(text).replace("\t", "    ").replace("  ", " \xa0")


def _without_trailing(address: str) -> str:
    """The address without the punctuation of the sentence around it; a closing bracket stays if it was opened
    inside.
    """
    spare = address.count(")") - address.count("(")
    end = len(address)
    while end > 0:
        last = address[end - 1]
        if last == ")" and spare > 0:
            spare -= 1
        elif last not in _TRAILING and not (last == "]" and "[" not in address):
            break
        end -= 1
    return address[:end]


def _href(address: str) -> str | None:
    """The address to link to, or None when it is not of an allowed scheme with something behind it."""
    href = f"https://{address}" if address.lower().startswith("www.") else address
    folded = href.lower()
    scheme = next((scheme for scheme in _SCHEMES if folded.startswith(scheme)), None)
    if scheme is None or len(href) <= len(scheme) or not href.isprintable():
        return None
    rest = folded[len(scheme) :]
    if scheme == "mailto:":
        return href if "@" in rest and not rest.startswith("@") else None
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return href if host.strip(".") and "@" not in host else None
