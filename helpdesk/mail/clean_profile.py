"""What a cleaned mail may be made of: the tags, their attributes, and the test each attribute value must pass.

Read by `clean.py` (what is stored) and `frame.py` (what is shown); the two differ only in where an image may come from.
Everything not named here is dropped: there is no list of bad things.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import nh3

from helpdesk.mail.clean_css import clean_style, colour, font_names

REMOTE = "data-remote-src"
"""The attribute in which a stored mail keeps the address of a remote image, where no browser looks for one."""

_TAGS_TEXT = """
    a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd
    del dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main
    mark nav ol p pre q rp rt ruby s samp section small span strike strong sub sup table tbody td tfoot th
    thead tr tt u ul var wbr
"""
TAGS = frozenset(_TAGS_TEXT.split())
VOID_TAGS = frozenset({"br", "col", "hr", "img", "wbr"})

# Elements whose content is not for reading: code, drawings, and fallbacks for what we would not show anyway.
_DROPPED_WITH_CONTENT_TEXT = """
    script style title noscript iframe noembed noframes object applet audio video canvas svg math template
    select datalist textarea
"""
DROPPED_WITH_CONTENT = frozenset(_DROPPED_WITH_CONTENT_TEXT.split())

_ANYWHERE = frozenset({"style", "dir", "lang", "title", "align"})
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "*": _ANYWHERE,
    "a": frozenset({"href"}),
    "img": frozenset({"src", REMOTE, "alt", "width", "height", "border", "hspace", "vspace"}),
    "table": frozenset({"width", "height", "border", "cellpadding", "cellspacing", "bgcolor", "bordercolor"}),
    "tr": frozenset({"bgcolor", "height", "valign"}),
    "td": frozenset({"width", "height", "bgcolor", "valign", "nowrap", "colspan", "rowspan"}),
    "th": frozenset({"width", "height", "bgcolor", "valign", "nowrap", "colspan", "rowspan"}),
    "thead": frozenset({"valign", "bgcolor"}),
    "tbody": frozenset({"valign", "bgcolor"}),
    "tfoot": frozenset({"valign", "bgcolor"}),
    "col": frozenset({"span", "width"}),
    "colgroup": frozenset({"span", "width"}),
    "font": frozenset({"color", "face", "size"}),
    "hr": frozenset({"size", "width", "color", "noshade"}),
    "br": frozenset({"clear"}),
    "ol": frozenset({"start", "type", "reversed"}),
    "ul": frozenset({"type"}),
    "li": frozenset({"type", "value"}),
    "blockquote": frozenset({"type"}),  # type="cite" marks quoted history
}

_STRIPPED_FROM_URLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]+")
_LINK = re.compile(r"(?:https?://|mailto:|tel:)\S", re.IGNORECASE)
_REMOTE_IMAGE = re.compile(r"https?://[^\s/\\][^\s\\]*", re.IGNORECASE)
_CID = re.compile(r"cid:[^\s\\]{1,250}", re.IGNORECASE)
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[a-z0-9+/=]+", re.IGNORECASE)
_SAME_ORIGIN = re.compile(r"/(?![/\\])[^\s\\]*")
MAX_URL_LENGTH = 8000
MAX_DATA_URL_LENGTH = 350_000
"""Characters of an image carried inside the HTML, about 256 kB of picture; a larger one loses its source."""
_MAX_TEXT_LENGTH = 2000

_SIZE = re.compile(r"\d{1,5}(?:px|%)?")
_COUNT = re.compile(r"\d{1,4}")
_SMALL = re.compile(r"[+-]?\d{1,2}")
_WORD = re.compile(r"[a-z]{1,12}", re.IGNORECASE)
_SPAN = re.compile(r"\d{1,3}")
_LIST_TYPE = re.compile(r"[1aAiI]|disc|circle|square|cite")
_LANG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_DIR = re.compile(r"ltr|rtl|auto", re.IGNORECASE)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def test(value: str) -> str | None:
        bare = value.strip()
        return bare if pattern.fullmatch(bare) else None

    return test


def _any_text(value: str) -> str | None:
    return value[:_MAX_TEXT_LENGTH]


def compact_url(value: str) -> str:
    """A URL as a browser would read it: without the blanks and control characters that it skips over."""
    return _STRIPPED_FROM_URLS.sub("", value)


def link_target(value: str) -> str | None:
    """A link that may be followed (http, https, mailto, tel), or None."""
    url = compact_url(value)
    return url if len(url) <= MAX_URL_LENGTH and _LINK.match(url) else None


def remote_image(value: str) -> str | None:
    """The address of an image on another machine (http, https, or without scheme, which becomes https), or None."""
    url = compact_url(value)
    if url[:2] in ("//", "/\\", "\\\\", "\\/"):
        url = "https://" + url[2:]
    return url if len(url) <= MAX_URL_LENGTH and _REMOTE_IMAGE.fullmatch(url) else None


def embedded_image(value: str) -> str | None:
    """The source of an image that came with the mail (`cid:` or a raster `data:` URL), or None."""
    url = compact_url(value)
    if len(url) <= MAX_DATA_URL_LENGTH and (_CID.fullmatch(url) or _DATA_IMAGE.fullmatch(url)):
        return url
    return None


def _shown_image(value: str) -> str | None:
    url = compact_url(value)
    if len(url) > MAX_DATA_URL_LENGTH:
        return None
    return url if _SAME_ORIGIN.fullmatch(url) or _DATA_IMAGE.fullmatch(url) else None


def _shown_or_remote_image(value: str) -> str | None:
    return _shown_image(value) or remote_image(value)


ValueTest = Callable[[str], str | None]
_COMMON_TESTS: dict[str, ValueTest] = {
    "style": clean_style,
    "title": _any_text,
    "alt": _any_text,
    "dir": _matching(_DIR),
    "lang": _matching(_LANG),
    "align": _matching(_WORD),
    "valign": _matching(_WORD),
    "clear": _matching(_WORD),
    "nowrap": lambda value: "",
    "noshade": lambda value: "",
    "reversed": lambda value: "",
    "bgcolor": colour,
    "bordercolor": colour,
    "color": colour,
    "face": font_names,
    "size": _matching(_SMALL),
    "width": _matching(_SIZE),
    "height": _matching(_SIZE),
    "border": _matching(_COUNT),
    "cellpadding": _matching(_COUNT),
    "cellspacing": _matching(_COUNT),
    "hspace": _matching(_COUNT),
    "vspace": _matching(_COUNT),
    "colspan": _matching(_SPAN),
    "rowspan": _matching(_SPAN),
    "span": _matching(_SPAN),
    "start": _matching(_COUNT),
    "value": _matching(_COUNT),
    "type": _matching(_LIST_TYPE),
    "href": link_target,
    "rel": _any_text,  # written by the sanitiser itself
    "target": lambda value: "_blank",
}


def _cleaner(image_tests: Mapping[str, ValueTest], schemes: set[str], shown: bool) -> nh3.Cleaner:
    tests = {**_COMMON_TESTS, **image_tests}

    def keep(tag: str, attribute: str, value: str) -> str | None:
        test = tests.get(attribute)
        return test(value) if test is not None else None

    attributes = {tag: set(names) for tag, names in ATTRIBUTES.items()}
    attributes["img"] = (attributes["img"] - {"src", REMOTE}) | set(image_tests)
    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        attributes=attributes,
        attribute_filter=keep,
        # Only where it is shown: in what is stored, its place among the attributes would change from run to run.
        set_tag_attribute_values={"a": {"target": "_blank"}} if shown else None,
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "tel"} | schemes,
        url_relative="pass_through" if shown else "deny",
        strip_comments=True,
    )


STORED = _cleaner({"src": embedded_image, REMOTE: remote_image}, {"cid", "data"}, shown=False)
SHOWN = _cleaner({"src": _shown_image}, {"data"}, shown=True)
SHOWN_WITH_REMOTE = _cleaner({"src": _shown_or_remote_image}, {"data"}, shown=True)
