"""Messages and files over the API: reading, replying, noting, uploading, downloading."""

from __future__ import annotations

import errno
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings as SettingsWrapper

from helpdesk.actions.conversation import note
from helpdesk.models import Actor, Attachment, Audience, Message, OutgoingMail, Status
from helpdesk.now import now
from tests.api.conftest import Caller, MakeCaller
from tests.factories import World, mail, receive


def _upload(api: Caller, ticket: object, name: str = "a.txt", content: bytes = b"bytes", **headers: str) -> Any:
    file = SimpleUploadedFile(name, content, "text/html")
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return api.client.post(f"/api/v1/tickets/{ticket}/attachments/", {"file": file}, headers=named)


def test_a_reply_becomes_a_public_message_with_a_mail_on_its_way(api: Caller, world: World) -> None:
    made = api.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "Try another cable."})
    assert made.status_code == 201
    row = made.json()
    assert (row["audience"], row["text"], row["author"]["user"]) == ("public", "Try another cable.", world.agent.pk)
    assert row["delivery"]["state"] == "queued"
    assert [(r["kind"], r["email"]) for r in row["recipients"]] == [("to", "ann@shop.example")]
    shown = api.get(f"tickets/{world.ticket.public_id}/").json()
    assert (shown["status"], shown["owner"]["id"], f'"{shown["seq"]}"') == ("pending", world.agent.pk, made["ETag"])


def test_a_reply_can_name_recipients_a_later_time_and_the_next_status(api: Caller, world: World) -> None:
    later = now() + timedelta(hours=1)
    body = {
        "text": "Soon.",
        "recipients": [{"email": "ann@shop.example"}, {"kind": "cc", "email": "boss@shop.example", "name": "Boss"}],
        "send_at": later.isoformat(),
        "cancel_if_customer_writes": True,
        "then_status": "resolved",
    }
    row = api.post(f"tickets/{world.ticket.public_id}/reply/", body).json()
    outgoing = OutgoingMail.objects.get(message__public_id=row["id"])
    assert (outgoing.state, outgoing.due_at, outgoing.cancel_if_customer_writes) == ("scheduled", later, True)
    assert [r["kind"] for r in row["recipients"]] == ["to", "cc"]
    assert api.get(f"tickets/{world.ticket.public_id}/").json()["status"] == "new"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"text": ""}, 400),
        ({"text": "x" * 200_001}, 400),
        ({"text": "a\x00b"}, 400),
        ({"text": "\ud800"}, 400),
        ({"text": "x", "then_status": "\ud800"}, 400),
        ({"text": "x", "\ud800": 1}, 400),
        ({"text": "x", "recipients": [{"email": "no address"}]}, 400),
        ({"text": "x", "recipients": [{"email": "a@b.example", "bcc": 1}]}, 400),
        ({"text": "x", "recipients": []}, 201),
        ({"text": "x", "then_status": "new"}, 400),
        ({"text": "x", "send_at": "2001-01-01T00:00:00Z"}, 422),
        ({"text": "x", "author_user": 1}, 400),
        ({"text": "x", "recipients": [{"email": "support@halden.example"}]}, 422),
        ({"text": "x", "attachments": ["00000000-0000-4000-8000-000000000000"]}, 400),
    ],
)
def test_bodies_of_replies_are_judged_field_by_field(api: Caller, world: World, body: Any, status: int) -> None:
    response = api.post(f"tickets/{world.ticket.public_id}/reply/", body)
    assert response.status_code == status, response.content
    assert world.ticket.messages.count() == (2 if status == 201 else 1)


def test_a_reply_written_before_reading_the_newest_message_is_held_back(api: Caller, world: World) -> None:
    seen = api.get(f"tickets/{world.ticket.public_id}/").json()["seq"]
    later = note(ticket=world.ticket, actor=Actor.of(world.lead), text="Wait, he called.")
    refused = api.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "Hello", "seen_seq": seen})
    assert (refused.status_code, refused.json()["code"]) == (409, "unseen_messages")
    assert refused.json()["unseen"] == [str(later.public_id)]
    assert (
        api.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "Hello", "seen_seq": seen + 1}).status_code == 201
    )


def test_a_closed_ticket_takes_no_reply(api: Caller, world: World) -> None:
    api.post(f"tickets/{world.ticket.public_id}/status/", {"status": Status.CLOSED})
    refused = api.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")


def test_messages_are_listed_oldest_first_with_notes_but_never_whispers(api: Caller, world: World) -> None:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="Between us")
    Message.objects.create(
        ticket=world.ticket, audience=Audience.WHISPER, text="hush", reply_text="hush", created_at=now()
    )
    page = api.get(f"tickets/{world.ticket.public_id}/messages/?page[size]=1&with_total=1").json()
    rest = api.get(f"tickets/{world.ticket.public_id}/messages/?page[after]={page['meta']['after_cursor']}").json()
    assert page["meta"]["total"] == 2
    assert [m["audience"] for m in page["data"] + rest["data"]] == ["public", "internal"]
    whisper = Message.objects.get(audience=Audience.WHISPER)
    assert api.get(f"tickets/{world.ticket.public_id}/messages/{whisper.public_id}/").status_code == 404


def test_a_message_is_found_only_under_its_own_ticket(api: Caller, as_: MakeCaller, world: World) -> None:
    own, foreign = world.ticket.messages.get(), world.foreign.messages.get()
    assert api.get(f"tickets/{world.ticket.public_id}/messages/{own.public_id}/").status_code == 200
    for caller in (api, as_("manager")):
        assert caller.get(f"tickets/{world.ticket.public_id}/messages/{foreign.public_id}/").status_code == 404
    assert as_("manager").get(f"tickets/{world.foreign.public_id}/messages/{foreign.public_id}/").status_code == 200


def test_a_mail_is_shown_with_its_cleaned_html_and_without_its_source(api: Caller, world: World) -> None:
    (row,) = receive(
        mail("Html", "<p onclick=x>Hi<script>y()</script></p>", Content_Type="text/html"), mailbox=world.mailbox
    )
    message = Message.objects.get(raw_mail=row)
    ticket = api.get(f"tickets/?number={message.ticket.number}").json()["data"][0]
    listed = api.get(f"tickets/{ticket['id']}/messages/").json()["data"][0]
    assert "html" not in listed
    whole = api.get(f"tickets/{ticket['id']}/messages/{message.public_id}/").json()
    assert "script" not in whole["html"]
    assert set(whole) - set(listed) == {"whole_text", "html", "has_remote_content"}


def test_an_upload_goes_out_with_the_reply_that_names_it_and_only_once(api: Caller, world: World) -> None:
    kept = _upload(api, world.ticket.public_id, "Plan <1>.txt")
    assert kept.status_code == 201
    file = kept.json()
    assert (file["size"], file["message"]) == (5, None)
    made = api.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "See", "attachments": [file["id"]]}).json()
    assert [a["id"] for a in made["attachments"]] == [file["id"]]
    again = api.post(f"tickets/{world.ticket.public_id}/note/", {"text": "See", "attachments": [file["id"]]})
    assert again.status_code == 400


def test_uploads_of_others_and_of_other_tickets_cannot_be_sent(api: Caller, as_: MakeCaller, world: World) -> None:
    lead, manager = as_("lead"), as_("manager")
    others = _upload(lead, world.ticket.public_id).json()["id"]
    assert api.get(f"attachments/{others}/").status_code == 404
    refused = api.post(f"tickets/{world.ticket.public_id}/note/", {"text": "x", "attachments": [others]})
    assert refused.status_code == 400
    elsewhere = _upload(manager, world.foreign.public_id).json()["id"]
    refused = manager.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "x", "attachments": [elsewhere]})
    assert refused.status_code == 400
    assert _upload(api, world.foreign.public_id).status_code == 404


def test_a_file_comes_as_a_download_that_no_browser_opens(api: Caller, world: World) -> None:
    file = _upload(api, world.ticket.public_id, "evil.html", b"<script>alert(1)</script>").json()
    response = api.client.get(file["content_url"], headers={"accept": "text/html"})
    assert response.status_code == 200
    assert b"".join(response) == b"<script>alert(1)</script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_files_of_foreign_tickets_whispers_and_lost_bytes_are_not_there(api: Caller, world: World) -> None:
    def attach(message: Message) -> Attachment:
        return Attachment.objects.create(
            message=message,
            ticket=message.ticket,
            name="a",
            content_type="a/b",
            size=1,
            sha256="0" * 64,
            created_at=now(),
        )

    whisper = Message.objects.create(ticket=world.ticket, audience=Audience.WHISPER, created_at=now())
    for hidden in (attach(world.foreign.messages.get()), attach(whisper)):
        assert api.get(f"attachments/{hidden.public_id}/").status_code == 404
        assert api.get(f"attachments/{hidden.public_id}/content/").json()["code"] == "not_found"
    lost = attach(world.ticket.messages.get(audience=Audience.PUBLIC))
    assert api.get(f"attachments/{lost.public_id}/").status_code == 200
    assert api.get(f"attachments/{lost.public_id}/content/").json()["code"] == "file_missing"


def test_a_file_too_large_or_a_full_disk_is_said_so_and_nothing_is_kept(
    api: Caller, world: World, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 4
    assert _upload(api, world.ticket.public_id).status_code == 413
    settings.ATTACHMENT_MAX_BYTES = 100

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    refused = _upload(api, world.ticket.public_id)
    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert Attachment.objects.count() == 0


def test_an_upload_repeated_with_its_key_is_kept_once_and_other_bytes_are_refused(api: Caller, world: World) -> None:
    first = _upload(api, world.ticket.public_id, content=b"one", idempotency_key="k1")
    again = _upload(api, world.ticket.public_id, content=b"one", idempotency_key="k1")
    other = _upload(api, world.ticket.public_id, content=b"two", idempotency_key="k1")
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert Attachment.objects.count() == 1
