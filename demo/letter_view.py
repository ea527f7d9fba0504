"""How a mail reads to the person outside: its headers, its parts and its text, and which mails make one thread.

Pure. The text is all that is ever shown: HTML is turned into words, never put on the page. Used by `demo.page` to
show letters and by `demo.letters` to answer them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from email.utils import getaddresses
from html.parser import HTMLParser

from demo.mailbox_store import Letter

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_BREAKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "ul", "ol", "hr"})
_SILENT = frozenset({"script", "style", "head", "title", "template"})


@dataclass(frozen=True)
class PartView:
    """One leaf of the MIME tree; `size` in bytes after decoding."""

    content_type: str
    name: str
    size: int


@dataclass(frozen=True)
class LetterView:
    """One letter, ready to be shown. Ids keep their angle brackets; absent headers are empty strings."""

    id: int
    outgoing: bool
    read: bool
    sender: str
    to: str
    subject: str
    message_id: str
    in_reply_to: str
    references: list[str]
    reply_address: str
    return_path: str
    date: datetime
    auto_submitted: str
    parts: list[PartView]
    text: str


@dataclass
class ThreadView:
    """Letters that answer one another, oldest first."""

    letters: list[LetterView] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.letters[0].id

    @property
    def subject(self) -> str:
        return self.letters[0].subject

    @property
    def latest(self) -> LetterView:
        return self.letters[-1]

    @property
    def unread(self) -> int:
        return sum(not letter.read for letter in self.letters)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._silent = 0
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(re.sub(r"\s+", " ", data))


def html_words(html: str) -> str:
    """The words of an HTML text, blocks on lines of their own, scripts and styles left out."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    lines = [line.strip() for line in "".join(parser.words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except Exception:  # noqa: BLE001 - the header parser raises many things on broken headers; the page shows the rest
        return ""


def _content(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decoded(part: EmailMessage) -> str:
    try:
        return _content(part).decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return _content(part).decode("utf-8", "replace")


def leaves(raw: bytes) -> list[EmailMessage]:
    """The leaf parts of a mail, in their order."""
    message = message_from_bytes(raw, policy=default_policy)
    return [part for part in message.walk() if isinstance(part, EmailMessage) and not part.is_multipart()]


def part_content(part: EmailMessage) -> tuple[str, bytes]:
    """File name (may be empty) and decoded bytes of a leaf part."""
    try:
        name = part.get_filename() or ""
    except Exception:  # noqa: BLE001 - as in `_header`
        name = ""
    return name, _content(part)


def view_of(letter: Letter) -> LetterView:
    """Parse a stored letter for showing. Never raises on broken mail: what cannot be read is left empty."""
    message = message_from_bytes(letter.raw, policy=default_policy)
    assert isinstance(message, EmailMessage)
    texts: list[str] = []
    htmls: list[str] = []
    parts: list[PartView] = []
    for part in leaves(letter.raw):
        name, content = part_content(part)
        content_type = part.get_content_type()
        parts.append(PartView(content_type, name, len(content)))
        if name or part.get_content_disposition() == "attachment":
            continue
        if content_type == "text/plain":
            texts.append(_decoded(part))
        elif content_type == "text/html":
            htmls.append(html_words(_decoded(part)))
    answered = [address for _, address in getaddresses([_header(message, "Reply-To"), _header(message, "From")])]
    return LetterView(
        id=letter.id,
        outgoing=letter.direction == "sent",
        read=letter.read,
        sender=_header(message, "From"),
        to=_header(message, "To"),
        subject=_header(message, "Subject"),
        message_id=next(iter(_MESSAGE_ID.findall(_header(message, "Message-ID"))), ""),
        in_reply_to=" ".join(_MESSAGE_ID.findall(_header(message, "In-Reply-To"))),
        references=_MESSAGE_ID.findall(_header(message, "References")),
        reply_address=next((address for address in answered if "@" in address), ""),
        return_path=letter.return_path,
        date=letter.arrived_at,
        auto_submitted=_header(message, "Auto-Submitted"),
        parts=parts,
        text=("\n".join(texts) if any(text.strip() for text in texts) else "\n".join(htmls)).replace("\r\n", "\n"),
    )


def threads_of(views: Iterable[LetterView]) -> list[ThreadView]:
    """Group letters, given oldest first, by the ids in In-Reply-To and References; the latest thread comes first.

    A letter that answers ids of two threads joins them. The subject plays no part: a mail client that groups by
    headers alone shows what a customer would see when our threading headers were wrong.
    """
    by_id: dict[str, ThreadView] = {}
    threads: list[ThreadView] = []
    for view in views:
        ids = [id_ for id_ in [view.message_id, *view.in_reply_to.split(), *view.references] if id_]
        found = list({id(by_id[id_]): by_id[id_] for id_ in ids if id_ in by_id}.values())
        thread = found[0] if found else ThreadView()
        if not found:
            threads.append(thread)
        for other in found[1:]:
            thread.letters = sorted(thread.letters + other.letters, key=lambda letter: letter.id)
            threads.remove(other)
            by_id = {id_: thread if known is other else known for id_, known in by_id.items()}
        thread.letters.append(view)
        by_id.update(dict.fromkeys(ids, thread))
    return sorted(threads, key=lambda thread: thread.latest.id, reverse=True)
