"""HTML of a received mail made harmless, once, before it is stored. Called by `parse.py` in the limited child
process.

The sanitiser is the last to touch the text: what must be changed on the way (remote images put aside, tracking
pixels taken out, the body's colours kept) is changed before it, and if reading the result once more would give
anything else, it runs again. What a stored mail becomes on a page is in `frame.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape

from selectolax.lexbor import LexborHTMLParser

from helpdesk.mail.clean_css import clean_style, colour
from helpdesk.mail.clean_level import ATTRIBUTE, as_plain_text, is_small, level
from helpdesk.mail.clean_profile import REMOTE, STORED, remote_image

_MAX_ROUNDS = 4
_MAX_GROWTH = 8
"""Honest HTML grows by a third at most; markup that makes the parser repeat elements grows by its own length."""

_IMAGE = re.compile(r"""<[iI][mM][gG](?=[\s/])((?:[^<>"']|"[^"]*"|'[^']*')*+)>""")
_BODY = re.compile(r"""<(html|body)(?=[\s/])((?:[^<>"']|"[^"]*"|'[^']*')*+)>""", re.IGNORECASE)
_BLANK_LINES_IN_PRE = re.compile(r"(<[pP][rR][eE]\b[^<>]*>)\n+")
_STORED_REMOTE_IMAGE = re.compile(rf'<img(?: [a-z\-]+="[^"]*")*? {REMOTE}="')
_TINY = re.compile(r"\s*0*[01]\s*(?:px)?\s*", re.IGNORECASE)
_TINY_STYLE = re.compile(r"(?:^|;)(width|height):0*[01](?:px)?(?=;|$)")
_HIDDEN_STYLE = re.compile(r"(?:^|;)display:none(?=;|$)")


@dataclass(frozen=True, slots=True)
class CleanedHtml:
    """A mail's HTML that is safe to store. Remote images stand in `data-remote-src`: nothing is fetched unasked."""

    html: str
    has_remote_content: bool


def clean_html(html: str) -> CleanedHtml:
    """The mail's HTML under the strict profile of `clean_profile.py`; empty text when nothing readable is in it.

    Never raises, and takes time in proportion to the length: markup beyond all bounds comes back as its escaped text.
    Cleaning what is clean changes nothing.
    """
    text = _with_body_as_division(_storable(html))
    for _ in range(_MAX_ROUNDS):
        levelled = text if is_small(text) else level(text)
        if levelled is None:
            break
        cleaned = STORED.clean(_prepared(levelled)).strip()
        if len(cleaned) > _MAX_GROWTH * len(html) + 10_000:
            break
        if _reads_back_the_same(cleaned):
            return CleanedHtml(cleaned, _STORED_REMOTE_IMAGE.search(cleaned) is not None)
        text = cleaned
    return CleanedHtml(as_plain_text(html), False)


def _storable(html: str) -> str:
    """The text with plain line ends, without the NUL bytes and lone surrogates that the database refuses."""
    if not html.isascii():
        html = html.encode("utf-8", "ignore").decode("utf-8")
    return html.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _reads_back_the_same(cleaned: str) -> bool:
    """Whether an independent parser writes the text as it stands, so that no browser can read anything else into it."""
    return (
        (is_small(cleaned) or level(cleaned) == cleaned)
        and _prepared(cleaned) == cleaned
        and (LexborHTMLParser(cleaned, is_fragment=True).html or "") == cleaned
    )


def _prepared(html: str) -> str:
    """The changes of our own, on raw text. Where they misread it, the sanitiser after them drops more, never less."""
    if "<" not in html:
        return html
    html = _IMAGE.sub(_with_remote_source_aside, html)
    return _BLANK_LINES_IN_PRE.sub(r"\1", html)


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for attribute in ATTRIBUTE.finditer(text):
        value = attribute[2] or attribute[3] or attribute[4] or ""
        found.setdefault(attribute[1].lower(), unescape(value) if "&" in value else value)
    return found


def _with_remote_source_aside(image: re.Match[str]) -> str:
    attributes = _attributes(image[1])
    aside = "src" not in attributes
    remote = remote_image(attributes.get(REMOTE if aside else "src", ""))
    if remote is None:
        return image[0]
    if _is_tracking_pixel(attributes):
        return ""
    if aside:
        return image[0]
    del attributes["src"]
    attributes[REMOTE] = remote
    return "<img" + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items()) + ">"


def _is_tracking_pixel(attributes: dict[str, str]) -> bool:
    style = clean_style(attributes.get("style", "")) or ""
    tiny = {name for name in ("width", "height") if _TINY.fullmatch(attributes.get(name, ""))}
    tiny.update(_TINY_STYLE.findall(style))
    return len(tiny) == 2 or _HIDDEN_STYLE.search(style) is not None


def _with_body_as_division(html: str) -> str:
    """The direction and the colours that the mail gives its whole body, kept on a division around it."""
    kept: dict[str, str] = {}
    styles: list[str] = []
    for element in _BODY.finditer(html[:200_000]):
        attributes = _attributes(element[2])
        kept.update({name: attributes[name] for name in ("dir", "lang") if name in attributes})
        if element[1].lower() == "body":
            for name, declared in (("bgcolor", "background-color"), ("text", "color")):
                value = colour(attributes.get(name, ""))
                if value:
                    styles.append(f"{declared}:{value}")
            styles.append(clean_style(attributes.get("style", "")) or "")
            break
    style = ";".join(filter(None, styles))
    if style:
        kept["style"] = style
    if not kept:
        return html
    division = "<div" + "".join(f' {name}="{escape(value)}"' for name, value in kept.items()) + ">"
    return f"{division}{html}</div>"
