"""Real mail that nobody here wrote: all of it is read, and where its source says what stands in it, we say the same."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk.mail.message import MachineKind, ParsedMail, UnreadableMail
from helpdesk.mail.parse import parse_mail
from tests.corpora import CORPORA, needs_corpora

pytestmark = needs_corpora

MAIL = CORPORA / "mail"
NO_MAIL = {
    ".json",
    ".list",
    ".upstream",
    ".md",
    ".tnef",
    ".pub",
    ".conf",
    ".rtf",
    ".doc",
    ".jpg",
    ".png",
    ".htm",
    ".dat",
    ".html",
}
NO_NAMES = {
    "COMMIT",
    "README",
    "AUTHORS",
    "CONFIG.SYS",
    "Untitled_Attachment",
    "Untitled Attachment.1",
    "Untitled Attachment.2",
}


def mail_files() -> Iterator[Path]:
    """Every file that is a mail or the text of one."""
    for path in sorted(MAIL.rglob("*")):
        if path.is_file() and path.suffix.lower() not in NO_MAIL and path.name not in NO_NAMES:
            yield path


def fit_for_the_database(mail: ParsedMail) -> bool:
    """No NUL and no lone surrogate in any text of the mail."""
    texts = [mail.subject, mail.text, mail.reply_text, mail.signature, mail.html, mail.reply_html, mail.message_id]
    texts += [attachment.name for attachment in mail.attachments] + list(mail.references) + list(mail.defects)
    texts += [address.name + address.email for address in (*mail.to, *mail.cc, *mail.reply_to)]
    return all(
        "\x00" not in text and text.encode("utf-8", "surrogatepass").decode("utf-8", "ignore") == text for text in texts
    )


def test_every_real_mail_is_read_and_fewer_than_one_in_a_hundred_are_refused() -> None:
    read, refused = 0, []
    for path in mail_files():
        raw = path.read_bytes()
        if not raw.strip():
            continue
        try:
            mail = parse_mail(raw)
        except UnreadableMail as error:
            refused.append(f"{path.name}: {error.reason}")
            continue
        read += 1
        assert fit_for_the_database(mail), path
        assert not any(defect.startswith("Reading the") for defect in mail.defects), (path, mail.defects)
    assert read > 0
    assert len(refused) * 100 < read, refused


# --- the parsed trees of one source ---


def _plain(value: Any) -> str:
    return re.sub(r"\s+", " ", value["Text"]).strip() if isinstance(value, dict) and "Text" in value else ""


def _first_address(value: Any) -> str:
    listed = value.get("Address", {}) if isinstance(value, dict) else {}
    if "Group" in listed:
        listed = listed["Group"][0]["addresses"][0]
    elif "List" in listed:
        listed = listed["List"][0]
    return listed.get("address") or ""


def _names(tree: dict[str, Any]) -> set[str]:
    found = set()
    for number in tree["attachments"]:
        for field in tree["parts"][number]["headers"]:
            kind = field["value"].get("ContentType") if isinstance(field["value"], dict) else None
            found |= {a["value"] for a in (kind or {}).get("attributes") or [] if a["name"] in ("name", "filename")}
    return {name for name in found if "\ufffd" not in name}


def trees() -> list[tuple[ParsedMail, dict[str, Any]]]:
    folder = MAIL / "stalwart-mail-parser"
    pairs = [(path, path.with_suffix(".json")) for path in sorted(folder.rglob("*.eml"))]
    return [(parse_mail(path.read_bytes()), json.loads(tree.read_text())) for path, tree in pairs if tree.exists()]


def test_subject_sender_and_file_names_are_those_of_the_source() -> None:
    counts = {"subject": [0, 0], "sender": [0, 0], "names": [0, 0]}
    for mail, tree in trees():
        top = {
            field["name"]: field["value"]
            for field in reversed(tree["parts"][0]["headers"])
            if isinstance(field["name"], str)
        }
        subject = _plain(top.get("subject"))
        if subject and "\ufffd" not in subject:
            counts["subject"][0] += subject == mail.subject
            counts["subject"][1] += 1
        if sender := _first_address(top.get("from")):
            counts["sender"][0] += mail.sender is not None and mail.sender.email.lower() == sender.lower()
            counts["sender"][1] += 1
        if names := _names(tree):
            counts["names"][0] += names <= {attachment.name for attachment in mail.attachments}
            counts["names"][1] += 1
    assert all(total for _right, total in counts.values())
    shares = {what: right / total for what, (right, total) in counts.items()}
    assert shares["subject"] >= 0.95, shares
    assert shares["sender"] >= 0.95, shares
    assert shares["names"] >= 0.9, shares


# --- winmail.dat ---


def tnef_files() -> list[Path]:
    return sorted(MAIL.rglob("*.tnef")) if MAIL.is_dir() else []


def unpacked(path: Path) -> dict[str, bytes]:
    body = base64.encodebytes(path.read_bytes())
    raw = b"From: a@x.example\r\nContent-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body
    return {attachment.name: attachment.content for attachment in parse_mail(raw).attachments}


@pytest.mark.parametrize("path", tnef_files(), ids=lambda path: path.stem)
def test_winmail_dat_gives_the_files_that_are_in_it(path: Path) -> None:
    found = unpacked(path)
    listed = path.with_suffix(".list")
    expected = set(listed.read_text().split("\n")) - {""} if listed.exists() else set()
    assert {name for name in expected if not name.startswith("body.")} <= set(found)
    folder = path.with_suffix("")
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.name in found:
            whole = file.read_bytes()
            # The source keeps the 16 bytes in front of an embedded object, and one kind of line ends in texts.
            kept = found[file.name].replace(b"\r\n", b"\n")
            assert kept in (whole.replace(b"\r\n", b"\n"), whole[16:].replace(b"\r\n", b"\n"))


# --- machines ---


def _of_kind(pattern: str) -> list[ParsedMail]:
    return [parse_mail(path.read_bytes()) for path in sorted((MAIL / "sisimai-set-of-emails").rglob(pattern))]


def test_vacation_notices_are_automatic_replies() -> None:
    mails = _of_kind("rfc3834-*.eml")
    assert mails
    assert {mail.machine for mail in mails} == {MachineKind.AUTO_REPLY}


def test_feedback_reports_are_told_from_bounces() -> None:
    mails = _of_kind("arf-*.eml")
    assert mails
    assert {mail.machine for mail in mails} <= {MachineKind.FEEDBACK, MachineKind.AUTO_REPLY}
    assert sum(mail.machine is MachineKind.FEEDBACK for mail in mails) >= 0.9 * len(mails)


def test_replies_of_people_are_people() -> None:
    mails = [parse_mail(path.read_bytes()) for path in sorted((MAIL / "talon").rglob("*.eml"))]
    assert mails
    assert {mail.machine for mail in mails} == {MachineKind.HUMAN}


def test_texts_without_headers_keep_every_line() -> None:
    paths = sorted((MAIL / "email_reply_trimmer-discourse").rglob("emails/*.txt"))
    assert paths
    for path in paths:
        lines = path.read_text(errors="replace").replace("\r\n", "\n").strip().split("\n")
        kept = parse_mail(path.read_bytes()).text.split("\n")
        assert [line.rstrip() for line in kept if line.strip()] == [line.rstrip() for line in lines if line.strip()], (
            path.name
        )
