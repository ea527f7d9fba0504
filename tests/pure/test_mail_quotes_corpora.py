"""The splitter on mail that nobody here wrote: how many replies are exact, and that nothing makes it raise."""

from __future__ import annotations

import email
from email.message import Message

import pytest

from bench.reply_text import MAIL, scores
from helpdesk.mail.plaintext import text_from_html
from helpdesk.mail.quotes import find_forwarded, split_html, split_text
from tests.corpora import needs_corpora

pytestmark = needs_corpora


def _texts(message: Message) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part in message.walk():
        if part.get_content_maintype() == "text" and not part.is_multipart():
            payload = part.get_payload(decode=True)
            body = payload if isinstance(payload, bytes) else str(payload or "").encode("utf-8", "replace")
            found.append((part.get_content_subtype(), body.decode("utf-8", "replace")))
    return found


def test_more_than_four_of_five_replies_are_exact() -> None:
    table = scores()
    if not table:
        pytest.skip("no corpus with expectations")
    for corpus, (hits, count, misses) in table.items():
        assert hits / count > 0.8, (corpus, [case.name for case, _ in misses])


@pytest.mark.parametrize("corpus", ["talon", "quotequail", "mimekit", "chatwoot", "mikel-mail", "stalwart-mail-parser"])
def test_no_mail_of_a_corpus_makes_splitting_raise_or_lose_a_line(corpus: str) -> None:
    seen = 0
    for path in sorted((MAIL / corpus).rglob("*")):
        if not path.is_file() or path.suffix not in (".eml", ".txt", ".msg", ".html") or path.stat().st_size > 400_000:
            continue
        raw = path.read_bytes()
        texts = (
            [("html", raw.decode("utf-8", "replace"))]
            if path.suffix == ".html"
            else _texts(email.message_from_bytes(raw))
        )
        for subtype, text in texts:
            seen += 1
            if subtype == "html":
                split = split_html(text)
                assert bool(split.reply_text) == bool(text_from_html(text)), path.name
                find_forwarded("", text)
            else:
                parts = split_text(text)
                kept = "\n".join((parts.reply, parts.quoted, parts.signature))
                assert sorted(kept.split()) == sorted(text.replace("\r", "\n").split()), path.name
                find_forwarded(text, "")
    if seen == 0:
        pytest.skip("the corpus is absent")


def test_forwards_of_known_programs_name_their_first_sender() -> None:
    paths = sorted((MAIL / "quotequail").rglob("*_forward.html"))
    if not paths:
        pytest.skip("the corpus is absent")
    found = [find_forwarded("", path.read_text("utf-8", "replace")) for path in paths]
    assert all(forwarded is not None and forwarded.subject and forwarded.text for forwarded in found)
