"""`manage.py import_mail PATH… [--mailbox NAME] [--dry-run]`: mail from files, as if it had arrived. Never sends anything."""

from __future__ import annotations

import json
import mailbox as mailbox_formats
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from helpdesk.actions.mail_intake import Fate
from helpdesk.blobs import StorageFull
from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.store import Fetched, store
from helpdesk.mail_pipeline import BATCH, Pipeline
from helpdesk.models import Mailbox, Queue, RawMail, Verdict

_BATCH_BYTES = 8 * 1024 * 1024


class _RolledBack(Exception):
    """Ends a dry run: the same work was done, and nothing of it stays."""


class Command(BaseCommand):
    """A shell around the mail pipeline."""

    requires_system_checks = ()  # those of pages and API say nothing about mail
    help = "Imports .eml files, mbox files and Maildirs. With --dry-run nothing is written and each mail is judged all the same."

    def add_arguments(self, parser: CommandParser) -> None:
        """Paths are files or folders; folders are read with everything below them."""
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument("--mailbox", metavar="NAME", help="as if it had arrived in this mailbox")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a mail")

    def handle(self, *args: Any, **options: Any) -> None:
        """Every mail gets a line; fails only when a path cannot be read or there is nowhere to put the mail."""
        box = None
        if options["mailbox"]:
            box = Mailbox.objects.select_related("queue").filter(name=options["mailbox"]).first()
            if box is None:
                raise CommandError(f"There is no mailbox named {options['mailbox']!r}.")
        elif not Queue.objects.filter(is_active=True).exists() and not options["dry_run"]:
            raise CommandError("There is no queue yet: make one in the admin, or run `manage.py seed_demo`.")
        paths = [Path(p) for p in options["paths"]]
        missing = [p for p in paths if not p.exists()]
        if missing:
            raise CommandError(f"{missing[0]} does not exist.")
        self.unreadable: list[str] = []
        if options["dry_run"]:
            with suppress(_RolledBack), transaction.atomic():
                if not Queue.objects.filter(is_active=True).exists():
                    _make_queue()
                self._import(paths, box, options)
                raise _RolledBack
        else:
            self._import(paths, box, options)  # batch by batch: what is told is committed
        if self.unreadable:
            raise CommandError(f"{len(self.unreadable)} files could not be read: {'; '.join(self.unreadable[:5])}")

    def _import(self, paths: list[Path], box: Mailbox | None, options: dict[str, Any]) -> None:
        source = (mail for path in paths for mail in mails_at(path, self.unreadable))
        pipeline = Pipeline()
        try:
            for batch in in_batches(source):
                for line in run_batch(batch, box, pipeline, keep_files=not options["dry_run"]):
                    self._tell(line, as_json=options["json"])
        except StorageFull as problem:
            raise CommandError(
                f"The disk is full; what was told so far is here, the rest is not: {problem}"
            ) from problem
        finally:
            pipeline.close()

    def _tell(self, line: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(line, ensure_ascii=False))
        else:
            ticket = f" #{line['ticket']}" if line["ticket"] else ""
            self.stdout.write(f"{line['path']}: {line['verdict']}{ticket} ({line['reason']})")


def _make_queue() -> None:
    """A dry run on an empty installation needs somewhere to put the tickets that it will take back."""
    from helpdesk.models import Team

    Queue.objects.create(name="Dry run", team=Team.objects.create(name="Dry run"))


def run_batch(
    batch: list[tuple[str, bytes]], box: Mailbox | None, pipeline: Pipeline, *, keep_files: bool
) -> list[dict[str, Any]]:
    """Stores, parses and writes a batch; returns the report of each mail, in order."""
    with transaction.atomic():
        fetched = [Fetched(content, source=name) for name, content in batch]
        rows = store(fetched, box, is_import=True, keep_files=keep_files)
    pending = [row for row in rows if row.state == RawMail.State.PENDING]
    for row in pending:
        row.mailbox = box
    results = pipeline.parsed(pipeline.begin(pending, keep_files=keep_files)) if pending else []
    parsed = {id(row): result for row, result in results}
    fates = dict(zip(parsed, pipeline.write(results, keep_files=keep_files), strict=True))
    lines = []
    for (name, _content), row in zip(batch, rows, strict=True):
        fate = fates.get(id(row)) or Fate(Verdict(row.verdict or Verdict.DUPLICATE), row.reason, row.ticket)
        lines.append(report(name, row, fate, parsed.get(id(row))))
    return lines


def report(path: str, row: RawMail, fate: Fate, mail: ParsedMail | UnreadableMail | None) -> dict[str, Any]:
    """One mail as the command prints it."""
    known = mail if isinstance(mail, ParsedMail) else ParsedMail(message_id=row.message_id)
    bounce = None
    if known.bounce is not None:
        bounce = {
            "recipient": known.bounce.recipients[0].email if known.bounce.recipients else "",
            "status": next((r.status for r in known.bounce.recipients if r.status), ""),
            "recipients": [r.email for r in known.bounce.recipients],
            "permanent": known.bounce.permanent,
        }
    return {
        "path": path,
        "message_id": known.message_id or row.message_id,
        "verdict": str(fate.verdict),
        "reason": fate.reason,
        "ticket": fate.ticket.number if fate.ticket else None,
        "from": known.sender.email if known.sender else "",
        "subject": known.subject,
        "text": known.text,
        "reply_text": known.reply_text,
        "html": known.html,
        "attachments": [{"name": a.name, "type": a.content_type, "size": a.size} for a in known.attachments],
        "auto": str(known.machine),
        "bounce": bounce,
    }


def in_batches(mails: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Batches bounded by count and by bytes, so that memory does not follow the size of an archive."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name, content in mails:
        if batch and (len(batch) >= BATCH or size + len(content) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((name, content))
        size += len(content)
    if batch:
        yield batch


def mails_at(path: Path, unreadable: list[str]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every mail in a file, mbox, Maildir or folder of these. What cannot be read is added to `unreadable`."""
    try:
        if path.is_dir():
            yield from _in_folder(path, unreadable)
        elif path.is_file():
            yield from _in_file(path)
    except OSError as problem:
        unreadable.append(f"{path}: {problem.strerror or problem}")


def _in_folder(path: Path, unreadable: list[str]) -> Iterator[tuple[str, bytes]]:
    is_maildir = (path / "cur").is_dir() and (path / "new").is_dir()
    below = [path / "cur", path / "new"] if is_maildir else [path]
    for folder in below:
        for entry in sorted(folder.iterdir()):
            if not (entry.is_dir() and entry.is_symlink()):  # a link may lead back up
                yield from mails_at(entry, unreadable)
    if is_maildir:  # Maildir++: folders of a Maildir begin with a dot and stand beside cur and new
        for entry in sorted(path.iterdir()):
            if entry.is_dir() and not entry.is_symlink() and entry.name not in {"cur", "new", "tmp"}:
                yield from mails_at(entry, unreadable)


def _in_file(path: Path) -> Iterator[tuple[str, bytes]]:
    if _is_mbox(path):
        box = mailbox_formats.mbox(path, create=False)
        for number, key in enumerate(box.keys(), 1):
            yield f"{path}#{number}", box.get_bytes(key)
        return
    yield str(path), path.read_bytes()


def _is_mbox(path: Path) -> bool:
    """A file is an mbox when it begins with a `From ` line and has the name of one, or holds several."""
    with path.open("rb") as file:
        head = file.read(5)
        if head != b"From ":
            return False
        if path.suffix.lower() in {".mbox", ".mbx"}:
            return True
        text = head + file.read(4 * 1024 * 1024)
        return b"\n\nFrom " in text or b"\r\n\r\nFrom " in text
