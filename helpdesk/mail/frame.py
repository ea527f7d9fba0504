"""A cleaned mail as the small document inside a sandboxed frame; called by the view that serves the frame.

The frame is light paper always: mails set their own colours and expect white under them. Nothing of the page
around it reaches in (no cookies, no scripts, an origin of its own), and the frame's response carries FRAME_CSP, or
FRAME_CSP_REMOTE after the reader asked for remote images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape
from urllib.parse import unquote

from helpdesk.mail.clean_profile import REMOTE, SHOWN, SHOWN_WITH_REMOTE

SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""Also for the `sandbox` attribute of the iframe: links open in a new, unsandboxed tab, and nothing else works."""


def _policy(image_sources: str) -> str:
    return "; ".join((
        "default-src 'none'",
        f"img-src {image_sources}",
        "style-src 'self' 'unsafe-inline'",  # for browsers that do not know the next two
        "style-src-elem 'self'",
        "style-src-attr 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        f"sandbox {SANDBOX}",
    ))  # fmt: skip


FRAME_CSP = _policy("'self' data:")
"""Content-Security-Policy of the frame's response: images of this server only."""
FRAME_CSP_REMOTE = _policy("'self' data: https: http:")
"""The same after the reader asked for remote images and they are not fetched through this server."""

# In what the sanitiser wrote, `<` stands at a tag and nowhere else, and every value is in double quotes.
_IMAGE = re.compile(r"<img( [^<>]*)?>")
_ATTRIBUTE = re.compile(r' ([a-z\-]+)="([^"]*)"')


def frame_html(
    stored: str,
    *,
    cid_urls: Mapping[str, str],
    allow_remote: bool,
    remote_url: Callable[[str], str] | None = None,
) -> str:
    """A stored (cleaned) mail with its images in place, sanitised once more after that.

    `cid_urls` maps a Content-ID (without angle brackets) to a path on this server. The frame has no session, so that
    path must carry its own right to be read (a signed, expiring token). An image whose id is not in it, and a remote
    image unless `allow_remote`, keeps only its alternative text. `remote_url` may turn a remote address into that of a
    proxy (a path on this server, or http/https).
    """

    def shown(image: re.Match[str]) -> str:
        attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(image[1] or "")}
        source = attributes.pop("src", "")
        remote = attributes.pop(REMOTE, "")
        if source[:4].lower() == "cid:":
            source = _path_of(source[4:], cid_urls)
        elif remote and not source and allow_remote:
            source = remote_url(remote) if remote_url else remote
        if source:
            attributes["src"] = source
        return "<img" + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items()) + ">"

    cleaner = SHOWN_WITH_REMOTE if allow_remote else SHOWN
    return cleaner.clean(_IMAGE.sub(shown, stored))


def _path_of(content_id: str, cid_urls: Mapping[str, str]) -> str:
    return cid_urls.get(content_id) or cid_urls.get(unquote(content_id)) or ""


def frame_document(body: str, *, stylesheet_href: str, lang: str = "", direction: str = "auto", title: str = "") -> str:
    """The whole document of the frame around `body` (the result of `frame_html`).

    `lang` is the mail's language if known, `direction` one of auto, ltr, rtl; `title` names the frame to a reader who
    listens.
    """
    language = f' lang="{escape(lang)}"' if lang else ""
    return (
        f'<!doctype html><html{language} dir="{escape(direction)}"><head><meta charset="utf-8">'
        f'<title>{escape(title)}</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">'
        '<meta name="color-scheme" content="only light"><base target="_blank">'
        f'<link rel="stylesheet" href="{escape(stylesheet_href)}"></head>'
        f'<body dir="{escape(direction)}">{body}</body></html>'
    )
