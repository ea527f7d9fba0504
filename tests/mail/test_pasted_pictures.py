"""Pictures pasted into a reply: shown by the mail where they were pasted, and named in its plain part."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from helpdesk import blobs
from helpdesk.actions.conversation import reply
from helpdesk.mail import compose
from helpdesk.models import Actor, Attachment
from helpdesk.now import now
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n picture"


def _upload(world: World, name: str, content_type: str, content: bytes) -> Attachment:
    return Attachment.objects.create(
        ticket=world.ticket,
        uploaded_by=world.agent,
        name=name,
        content_type=content_type,
        size=len(content),
        sha256=blobs.put(content),
        created_at=now(),
    )


def _sent(world: World, text: str, *files: Attachment) -> EmailMessage:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text=text, attachments=files)
    mail = message_from_bytes(compose.build(message.outgoing, now()), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_pasted_picture_is_shown_where_it_was_pasted_and_is_no_attachment() -> None:
    world = make_world()
    pasted = _upload(world, "picture-1.png", "image/png", PNG)
    other = _upload(world, "guide.pdf", "application/pdf", b"%PDF")

    mail = _sent(world, "Look here:\n\n[picture-1.png]\n\nand press it.", pasted, other)

    html, plain = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert plain is not None
    assert "[picture-1.png]" in plain.get_content()
    related = next(part for part in mail.walk() if part["Content-ID"])
    assert f'<img src="cid:{related["Content-ID"].strip("<>")}" alt="picture-1.png"' in html.get_content()
    assert "[picture-1.png]" not in html.get_content()
    assert related.get_content() == PNG
    assert [part.get_filename() for part in mail.iter_attachments()] == ["guide.pdf"]


def test_a_picture_the_text_does_not_name_and_a_file_that_is_none_stay_attachments() -> None:
    world = make_world()
    picture = _upload(world, "photo.png", "image/png", PNG)
    drawing = _upload(world, "drawing.svg", "image/svg+xml", b"<svg/>")

    mail = _sent(world, "See [drawing.svg] <b>", picture, drawing)

    assert [part.get_filename() for part in mail.iter_attachments()] == ["photo.png", "drawing.svg"]
    html = mail.get_body(("html",))
    assert html is not None
    assert "<img" not in html.get_content()
