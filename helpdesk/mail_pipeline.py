"""From stored raw mail to tickets: parse in the limited child, write in batches, isolate what fails.

Called by the dispatcher after each fetch, by the sweep for what a crash left behind, by the import and by reprocessing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q

from helpdesk import faults
from helpdesk.actions.mail_intake import Fate, receive_mails
from helpdesk.actions.recipients import our_addresses
from helpdesk.blobs import BlobMissing
from helpdesk.logs import redacted
from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.sandbox import ParserSandbox
from helpdesk.mail.store import content_of
from helpdesk.models import RawMail, Verdict
from helpdesk.now import now

log = logging.getLogger("helpdesk.mail")
BATCH = 50
_ATTEMPTS = 3
_AGAIN_AFTER = timedelta(seconds=30)


class Pipeline:
    """One parser child and the way through it. Not shared between threads."""

    def __init__(self) -> None:
        self.sandbox = ParserSandbox(our_addresses=our_addresses())

    def close(self) -> None:
        """Ends the parser child."""
        self.sandbox.close()

    def run_pending(self, mailbox_id: int | None = None) -> int:
        """Takes all pending mail (of one mailbox) to its fate; returns how many. Two pipelines skip each other's rows."""
        done = 0
        while True:
            due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now())
            rows = (
                RawMail.objects.filter(due, state=RawMail.State.PENDING).select_related("mailbox__queue").order_by("pk")
            )
            if mailbox_id is not None:
                rows = rows.filter(mailbox_id=mailbox_id)
            batch = list(rows[:BATCH])
            if not batch:
                return done
            self.run(batch)
            done += len(batch)

    def run(self, rows: Sequence[RawMail], *, keep_files: bool = True) -> list[Fate]:
        """Parses and writes these rows together; returns their fates in order."""
        return self.write(self.parse(rows), keep_files=keep_files)

    def parse(self, rows: Sequence[RawMail]) -> list[tuple[RawMail, ParsedMail | UnreadableMail]]:
        """Each row with what it says, or why it cannot be read."""
        results = list(self._parsed(rows))
        faults.point("mail_in.parsed")
        return results

    def write(
        self, results: Sequence[tuple[RawMail, ParsedMail | UnreadableMail]], *, keep_files: bool = True
    ) -> list[Fate]:
        """Writes the readable ones in one transaction; what cannot be written is tried alone, then quarantined."""
        fates: dict[int, Fate] = {}
        readable: list[tuple[RawMail, ParsedMail]] = []
        for row, result in results:
            if isinstance(result, UnreadableMail):
                fates[id(row)] = self._set_aside(row, result.reason, final=True)
            else:
                readable.append((row, result))
        for (row, _mail), fate in zip(readable, self._write(readable, keep_files), strict=True):
            fates[id(row)] = fate
        return [fates[id(row)] for row, _result in results]

    def _parsed(self, rows: Sequence[RawMail]) -> Iterator[tuple[RawMail, ParsedMail | UnreadableMail]]:
        contents: list[bytes | UnreadableMail] = []
        for row in rows:
            try:
                contents.append(content_of(row))
            except BlobMissing:
                contents.append(UnreadableMail("The stored mail is missing from the disk."))
        results = iter(self.sandbox.parse_many([c for c in contents if isinstance(c, bytes)]))
        for row, content in zip(rows, contents, strict=True):
            yield row, next(results) if isinstance(content, bytes) else content

    def _write(self, mails: Sequence[tuple[RawMail, ParsedMail]], keep_files: bool) -> list[Fate]:
        if not mails:
            return []
        try:
            return self._write_once(mails, keep_files)
        except Exception as problem:
            if len(mails) == 1:
                log.exception("mail could not be written", extra={"raw_mail": mails[0][0].pk})
                return [self._set_aside(mails[0][0], redacted(f"{type(problem).__name__}: {problem}")[:1000])]
            log.warning("a batch failed and is taken apart", extra={"problem": redacted(str(problem))[:300]})
            return [fate for mail in mails for fate in self._write([mail], keep_files)]

    @staticmethod
    def _write_once(mails: Sequence[tuple[RawMail, ParsedMail]], keep_files: bool) -> list[Fate]:
        """Rows somebody else finished meanwhile are left alone: the claim and the tickets are one transaction."""
        with transaction.atomic():
            keys = [row.pk for row, _mail in mails]
            pending = set(
                RawMail.objects.select_for_update()
                .filter(pk__in=keys)
                .exclude(state=RawMail.State.DONE)
                .order_by("pk")
                .values_list("pk", flat=True)
            )
            mine = [(row, mail) for row, mail in mails if row.pk in pending]
            written = iter(receive_mails(mails=mine, keep_files=keep_files) if mine else [])
            faults.point("mail_in.written")
            return [
                next(written) if row.pk in pending else Fate(Verdict.DUPLICATE, "Already done by another process.")
                for row, _mail in mails
            ]

    @staticmethod
    def _set_aside(row: RawMail, reason: str, *, final: bool = False) -> Fate:
        """Counts the attempt; after three, or at once when it can never be read, quarantines with the reason."""
        row.attempts += 1
        row.reason = reason
        row.next_attempt_at = now() + _AGAIN_AFTER * row.attempts
        if final or row.attempts >= _ATTEMPTS:
            row.state, row.verdict = RawMail.State.QUARANTINED, Verdict.QUARANTINED
        try:
            row.save(update_fields=["attempts", "reason", "next_attempt_at", "state", "verdict"])
        except DatabaseError:
            log.warning("the attempt could not be noted", extra={"raw_mail": row.pk})
        return Fate(Verdict.QUARANTINED, reason)
