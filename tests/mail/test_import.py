"""`import_mail`: mail from files, judged like mail that arrives, and never answered."""

from __future__ import annotations

import json
import mailbox
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from helpdesk.models import Attachment, Customer, Mailbox, Message, OutgoingMail, RawMail, Ticket, Verdict
from tests.corpora import CORPORA, needs_corpora
from tests.factories import World, mail
from tests.processes import manage

pytestmark = pytest.mark.django_db
MAIL = CORPORA / "mail"
SHAPE = {
    "path", "message_id", "verdict", "reason", "ticket", "from", "subject", "text", "reply_text", "html", "attachments",
    "auto", "bounce",
}  # fmt: skip


def imported(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("import_mail", "--json", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three mails as single files."""
    (tmp_path / "a.eml").write_bytes(mail("First", Message_ID="<i1@shop.example>"))
    (tmp_path / "b.eml").write_bytes(
        mail("Re: First", "More", Message_ID="<i2@shop.example>", In_Reply_To="<i1@shop.example>")
    )
    (tmp_path / "c.eml").write_bytes(mail("Away", Message_ID="<i3@shop.example>", Auto_Submitted="auto-replied"))
    return tmp_path


def test_files_become_tickets_and_each_says_what_became_of_it(world: World, files: Path) -> None:
    lines = imported(str(files))

    assert [line["verdict"] for line in lines] == ["ticket", "reply", "auto_reply"]
    assert lines[0]["ticket"] == lines[1]["ticket"] == Ticket.objects.get(subject="First").number
    assert set(lines[0]) >= SHAPE
    assert (lines[0]["from"], lines[0]["subject"], lines[0]["message_id"]) == (
        "ann@shop.example",
        "First",
        "i1@shop.example",
    )
    assert lines[2]["ticket"] is None
    assert all(line["reason"] for line in lines)


def test_an_import_sends_nothing_even_when_the_mailbox_acknowledges(world: World, files: Path) -> None:
    Mailbox.objects.update(auto_acknowledge=True)

    imported("--mailbox", world.mailbox.name, str(files))

    assert Ticket.objects.get(subject="First").mailbox == world.mailbox
    assert OutgoingMail.objects.count() == 0


def test_importing_again_finds_duplicates_only(world: World, files: Path) -> None:
    imported(str(files))

    assert [line["verdict"] for line in imported(str(files))] == ["duplicate"] * 3
    assert Ticket.objects.filter(subject="First").count() == 1


def test_a_dry_run_judges_the_same_and_writes_nothing(world: World, files: Path, settings: Any) -> None:
    settings.RAW_MAIL_INLINE_BYTES = 10
    counts = [m.objects.count() for m in (Ticket, Message, RawMail, Customer, Attachment)]

    dry = imported("--dry-run", str(files))

    assert [m.objects.count() for m in (Ticket, Message, RawMail, Customer, Attachment)] == counts
    assert not Path(settings.BLOB_DIR).exists()
    real = imported(str(files))
    without = [{k: v for k, v in line.items() if k != "ticket"} for line in dry]
    assert without == [{k: v for k, v in line.items() if k != "ticket"} for line in real]


def test_a_dry_run_needs_no_queue(db: None, files: Path) -> None:
    assert [line["verdict"] for line in imported("--dry-run", str(files))] == ["ticket", "reply", "auto_reply"]
    with pytest.raises(CommandError, match="no queue yet"):
        imported(str(files))


def test_mbox_and_maildir_are_read_mail_by_mail(world: World, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "archive.mbox")
    for n in range(3):
        box.add(mail(f"From the archive {n}"))
    box.flush()
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    maildir.add(mail("From the Maildir"))
    maildir.add_folder("Older").add(mail("From its folder"))

    lines = imported(str(tmp_path))

    assert sorted(line["subject"] for line in lines) == [
        "From its folder", "From the Maildir", "From the archive 0", "From the archive 1", "From the archive 2",
    ]  # fmt: skip
    assert {line["verdict"] for line in lines} == {"ticket"}


def test_what_cannot_be_read_as_a_mail_is_set_aside_with_its_reason(world: World, tmp_path: Path) -> None:
    (tmp_path / "picture.eml").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(3000))
    (tmp_path / "z.eml").write_bytes(mail("After it"))

    lines = imported(str(tmp_path))

    assert [line["verdict"] for line in lines] == ["quarantined", "ticket"]
    assert lines[0]["reason"]
    assert RawMail.objects.get(verdict=Verdict.QUARANTINED).raw


def test_a_path_that_is_not_there_is_an_error_before_anything_is_read(world: World, files: Path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        imported(str(files), str(files / "nowhere"))
    with pytest.raises(CommandError, match="no mailbox named 'Nobody'"):
        imported("--mailbox", "Nobody", str(files))
    assert RawMail.objects.count() == 0


def test_a_link_that_leads_back_up_does_not_go_round_for_ever(world: World, files: Path) -> None:
    (files / "loop").symlink_to(files, target_is_directory=True)

    assert len(imported(str(files))) == 3


@pytest.mark.django_db(transaction=True)
def test_the_command_tells_its_failure_by_the_exit_code(files: Path) -> None:
    from tests.factories import make_queue

    make_queue()
    good = manage("import_mail", str(files))
    bad = manage("import_mail", str(files / "nowhere"))

    assert (good.returncode, len(good.stdout.splitlines())) == (0, 3)
    assert bad.returncode != 0
    assert "does not exist" in bad.stderr
    assert "Traceback" not in bad.stderr


@needs_corpora
def test_every_mail_of_the_corpora_gets_a_verdict_and_nothing_is_sent(world: World) -> None:
    Mailbox.objects.update(auto_acknowledge=True)
    wanted = {str(p) for p in MAIL.rglob("*") if p.is_file()}

    dry = imported("--dry-run", str(MAIL))
    real = imported("--mailbox", world.mailbox.name, str(MAIL))

    assert {line["path"].partition("#")[0] for line in real} == wanted
    assert {line["verdict"] for line in real} <= set(Verdict.values)
    assert all(line["reason"] for line in real)
    assert [line["verdict"] for line in dry] == [line["verdict"] for line in real]
    assert OutgoingMail.objects.count() == 0
    assert not RawMail.objects.filter(state=RawMail.State.PENDING).exists()


@needs_corpora
def test_expectations_of_the_bounce_corpora_hold(world: World) -> None:
    folder = MAIL / "sisimai-set-of-emails"
    if not folder.is_dir():
        pytest.skip("the corpora hold no bounces of this source")
    lines = imported("--dry-run", str(folder / "data"))
    by_name: dict[str, list[str]] = {}
    for line in lines:
        by_name.setdefault(Path(line["path"].partition("#")[0]).name, []).append(line["verdict"])
    expected = json.loads((folder / "expectations.json").read_text(encoding="utf-8"))
    bounces = [n for n in expected if n in by_name and not n.startswith(("arf-", "rfc3834-"))]
    found = [n for n in bounces if set(by_name[n]) <= {"bounce", "duplicate"}]
    vacations = [v for n, verdicts in by_name.items() if n.startswith("rfc3834-") for v in verdicts]

    assert len(found) >= 0.95 * len(bounces)
    assert set(vacations) <= {"auto_reply", "bounce", "duplicate"}
