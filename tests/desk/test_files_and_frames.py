"""Files and mails as the page shows them: downloads that cannot run, pictures that are pictures, frames that see nothing."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from helpdesk.actions.files import store_upload
from helpdesk.models import Actor, Attachment, Message, TeamMembership
from helpdesk.views.served_files import picture_type
from tests.factories import World, receive

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PARTIAL = {"HX-Request": "true"}


def _upload(world: World, actor: Actor, name: str, content_type: str, content: bytes) -> Attachment:
    return store_upload(actor=actor, ticket=world.ticket, name=name, content_type=content_type, chunks=[content])


def _rich_mail(world: World) -> Message:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@shop.example>", world.mailbox.address, "Broken"
    mail["Message-ID"] = "<rich@shop.example>"
    mail.set_content("See the picture.\n\nOn Friday somebody wrote:\n> Send a picture\n")
    mail.add_alternative(
        '<p>See the <b>picture</b></p><img src="cid:pic"><img src="https://tracker.example/p.png" alt="logo">'
        "<script>alert(1)</script><table><tr><td>1</td></tr></table>",
        subtype="html",
    )
    parts = mail.get_payload()
    assert isinstance(parts, list)
    html = parts[1]
    assert isinstance(html, EmailMessage)
    html.add_related(PNG, "image", "png", cid="<pic>")
    receive(mail.as_bytes(), mailbox=world.mailbox)
    return (
        Message.objects.get(message_id="<rich@shop.example>")
        if Message.objects.filter(message_id="<rich@shop.example>").exists()
        else Message.objects.latest("pk")
    )


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (SVG, ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_only_the_bytes_say_what_is_a_picture(start: bytes, kind: str) -> None:
    assert picture_type(start) == kind


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "image/png", "application/xhtml+xml"])
def test_every_download_is_bytes_for_the_disk_whatever_it_claims_to_be(
    world: World, agent_client: Client, agent: Actor, content_type: str
) -> None:
    file = _upload(world, agent, "page.html", content_type, b"<script>alert(1)</script>")
    answer = agent_client.get(f"/files/{file.public_id}/")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert b"".join(answer) == b"<script>alert(1)</script>"


def test_a_picture_is_shown_and_a_drawing_that_says_it_is_one_is_not(
    world: World, agent_client: Client, agent: Actor
) -> None:
    true = _upload(world, agent, "a.png", "image/png", PNG)
    lying = _upload(world, agent, "b.png", "image/png", SVG)
    shown = agent_client.get(f"/files/{true.public_id}/picture/")
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/png"), shown.content
    assert agent_client.get(f"/files/{lying.public_id}/picture/").status_code == 404


def test_a_frame_runs_nothing_and_asks_nobody_until_the_reader_wants_the_pictures(
    world: World, agent_client: Client
) -> None:
    message = _rich_mail(world)
    still = agent_client.get(f"/messages/{message.public_id}/frame/")
    assert "sandbox" in still.headers["Content-Security-Policy"]
    assert "allow-scripts" not in still.headers["Content-Security-Policy"]
    assert "https:" not in still.headers["Content-Security-Policy"]
    assert still.headers["X-Frame-Options"] == "SAMEORIGIN"
    page = still.content.decode()
    assert "<script" not in page
    assert "https://tracker.example" not in page
    asked = agent_client.get(f"/messages/{message.public_id}/frame/?remote=1")
    assert "https:" in asked.headers["Content-Security-Policy"]
    assert "https://tracker.example/p.png" in asked.content.decode()


def test_pictures_of_a_frame_come_without_cookies_and_follow_the_reader_s_rights(
    world: World, agent_client: Client
) -> None:
    message = _rich_mail(world)
    page = agent_client.get(f"/messages/{message.public_id}/frame/").content.decode()
    found = re.search(r'src="(/files/inline/[^"]+)"', page)
    assert found is not None
    address = found[1].replace("&amp;", "&")
    frame = Client()
    assert frame.get(address).headers["Content-Type"] == "image/png"
    assert frame.get(address[:-3] + "xx/").status_code == 404
    TeamMembership.objects.filter(user=world.agent).delete()
    assert frame.get(address).status_code == 404


def test_the_address_of_a_frame_s_picture_runs_out(
    world: World, agent_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = _rich_mail(world)
    page = agent_client.get(f"/messages/{message.public_id}/frame/").content.decode()
    found = re.search(r'src="(/files/inline/[^"]+)"', page)
    assert found is not None
    monkeypatch.setattr("helpdesk.views.attachments._PICTURE_SECONDS", timedelta(seconds=-1))
    assert Client().get(found[1]).status_code == 404


def test_the_raw_mail_is_plain_text_for_who_may_read_it(world: World, agent_client: Client) -> None:
    message = _rich_mail(world)
    raw = agent_client.get(f"/messages/{message.public_id}/source/")
    assert raw.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert b"Message-ID: <rich@shop.example>" in raw.content
    light = Client()
    light.force_login(world.light)
    assert light.get(f"/messages/{message.public_id}/source/").status_code == 403


def test_the_quoted_history_is_there_when_asked_for(world: World, agent_client: Client) -> None:
    message = _rich_mail(world)
    assert "Send a picture" in agent_client.get(f"/messages/{message.public_id}/whole/").content.decode()


def test_uploaded_files_wait_in_the_draft_and_leave_with_the_reply(world: World, agent_client: Client) -> None:
    data = {"files": [SimpleUploadedFile("a.txt", b"one"), SimpleUploadedFile("b.txt", b"two")]}
    chips = agent_client.post(f"/tickets/{world.ticket.number}/files/", data, headers=PARTIAL).content.decode()
    keys = re.findall(r'name="file" value="([^"]+)"', chips)
    assert len(keys) == 2
    assert all(key in agent_client.get(f"/tickets/{world.ticket.number}/").content.decode() for key in keys)
    agent_client.post(f"/files/{keys[1]}/discard/")
    sent = {"mode": "reply", "text": "With a file", "to": "ann@shop.example", "file": keys[0]}
    assert agent_client.post(f"/tickets/{world.ticket.number}/send/", sent, headers=PARTIAL).status_code == 200
    assert [a.name for a in Message.objects.get(text="With a file").attachments.all()] == ["a.txt"]
    assert Attachment.objects.count() == 1


def test_a_file_too_large_is_refused_with_its_name_and_the_limit(
    world: World, agent_client: Client, settings: Settings
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 10
    data = {"files": [SimpleUploadedFile("large.bin", b"x" * 11)]}
    refused = agent_client.post(f"/tickets/{world.ticket.number}/files/", data, headers=PARTIAL)
    assert refused.status_code == 422
    assert "large.bin" in refused.content.decode()
    assert not Attachment.objects.exists()


def test_somebody_elses_upload_and_an_unknown_one_do_not_exist(world: World, agent_client: Client) -> None:
    theirs = store_upload(
        actor=Actor.of(world.other_agent), ticket=world.foreign, name="x", content_type="text/plain", chunks=[b"x"]
    )
    assert agent_client.get(f"/files/{theirs.public_id}/").status_code == 404
    agent_client.post(f"/files/{theirs.public_id}/discard/")
    assert Attachment.objects.filter(pk=theirs.pk).exists()
    assert agent_client.get(f"/files/{uuid.uuid4()}/").status_code == 404
