"""From stored raw mail to tickets: parse in the limited child, write in batches, isolate what fails.

Called by the dispatcher after each fetch, by the sweep for what a crash left behind, by the import and by reprocessing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop
from psycopg.errors import QueryCanceled

from helpdesk import blobs, faults
from helpdesk.actions.mail_intake import Fate, receive_mails
from helpdesk.actions.recipients import our_addresses
from helpdesk.blobs import BlobMissing, StorageFull
from helpdesk.logs import redacted
from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.reasons import Reason, why
from helpdesk.mail.sandbox import ParserSandbox
from helpdesk.mail.store import content_of
from helpdesk.models import RawMail, Verdict
from helpdesk.now import now

log = logging.getLogger("helpdesk.mail")
BATCH = 50
_ATTEMPTS = 3
_AGAIN_AFTER = timedelta(seconds=30)
_LEFT_BEHIND_AFTER = timedelta(minutes=1)


def is_left_behind() -> bool:
    """Whether a crash left mail that nobody has in hands."""
    return _due(None).exists()


def _due(mailbox_id: int | None) -> QuerySet[RawMail]:
    due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now())
    rows = RawMail.objects.filter(due, state=RawMail.State.PENDING)
    if mailbox_id is not None:
        return rows.filter(mailbox_id=mailbox_id)
    return rows.filter(received_at__lt=now() - _LEFT_BEHIND_AFTER)


Results = list[tuple[RawMail, ParsedMail | UnreadableMail]]


@dataclass(frozen=True)
class Reading:
    """A batch that is being read in the background."""

    rows: Sequence[RawMail]
    outcomes: Future[list[ParsedMail | UnreadableMail]]
    keep_files: bool


class Pipeline:
    """One parser child and the way through it: `begin` a batch, and `finish` it while the next one is being read.

    Not shared between threads. The thread behind it reads and keeps files, and never touches the database.
    """

    def __init__(self) -> None:
        self.ours = our_addresses()
        self.sandbox = ParserSandbox(our_addresses=self.ours)
        self.sandbox.start()
        self.reader = ThreadPoolExecutor(1, thread_name_prefix="mail-reader")

    def close(self) -> None:
        """Ends the parser child."""
        self.reader.shutdown(cancel_futures=True)
        self.sandbox.close()

    def run_pending(self, mailbox_id: int | None = None) -> int:
        """Takes pending mail to its fate; returns how many. Without a mailbox only what has lain for a minute: what is
        younger is in somebody's hands. Two pipelines at the same rows do no harm, the second finds them done.
        """
        done, before = 0, [0]
        while True:
            batch = list(_due(mailbox_id).select_related("mailbox__queue").order_by("pk")[:BATCH])
            keys = [row.pk for row in batch]
            if not batch or keys == before:
                return done
            before = keys
            self.run(batch)
            done += len(batch)

    def run(self, rows: Sequence[RawMail], *, keep_files: bool = True) -> list[Fate]:
        """Reads and writes these rows together; returns their fates in order."""
        return self.finish(self.begin(rows, keep_files=keep_files))

    def begin(self, rows: Sequence[RawMail], *, keep_files: bool = True) -> Reading:
        """Starts reading these rows; files they carry are kept as they are found."""
        self._know_our_addresses()
        contents: list[bytes | UnreadableMail] = []
        for row in rows:
            try:
                contents.append(content_of(row))
            except BlobMissing:
                contents.append(UnreadableMail(Reason(gettext_noop("The stored mail is missing from the disk."))))
        return Reading(rows, self.reader.submit(self._read, contents, keep_files), keep_files)

    def finish(self, reading: Reading) -> list[Fate]:
        """Waits for the reading and writes its mails. Raises StorageFull when files could not be kept: then the batch waits."""
        return self.write(self.parsed(reading), keep_files=reading.keep_files)

    def parsed(self, reading: Reading) -> Results:
        """Each row with what it says, or why it cannot be read."""
        outcomes = reading.outcomes.result()
        faults.point("mail_in.parsed")
        return list(zip(reading.rows, outcomes, strict=True))

    def parse(self, rows: Sequence[RawMail]) -> Results:
        """Reads rows without keeping anything."""
        return self.parsed(self.begin(rows, keep_files=False))

    def write(self, results: Results, *, keep_files: bool = True) -> list[Fate]:
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

    def _know_our_addresses(self) -> None:
        """Mailboxes come and go while a pipeline lives for weeks: the child learns of them by being started anew."""
        ours = our_addresses()
        if ours != self.ours:
            self.ours = ours
            self.sandbox.close()
            self.sandbox = ParserSandbox(our_addresses=ours)

    def _read(self, contents: Sequence[bytes | UnreadableMail], keep_files: bool) -> list[ParsedMail | UnreadableMail]:
        """In the thread behind. Files go to disk here, so that the transaction later finds them and does not wait for disks."""
        results = self.sandbox.parse_many([c for c in contents if isinstance(c, bytes)])
        read: list[ParsedMail | UnreadableMail] = []
        with closing(results):
            for content in contents:
                result = next(results) if isinstance(content, bytes) else content
                if keep_files and isinstance(result, ParsedMail):
                    for attachment in result.attachments:
                        blobs.put(attachment.content)
                read.append(result)
        return read

    def _write(self, mails: Sequence[tuple[RawMail, ParsedMail]], keep_files: bool) -> list[Fate]:
        if not mails:
            return []
        try:
            return self._write_once(mails, keep_files)
        except (StorageFull, InterfaceError):
            raise  # not the mail's fault: it stays pending and goes through when the disk or the database is back
        except Exception as problem:
            if isinstance(problem, OperationalError) and not isinstance(problem.__cause__, QueryCanceled):
                raise
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
                next(written)
                if row.pk in pending
                else Fate(Verdict.DUPLICATE, Reason(gettext_noop("Already done by another process.")))
                for row, _mail in mails
            ]

    @staticmethod
    def _set_aside(row: RawMail, reason: str, *, final: bool = False) -> Fate:
        """Counts the attempt; after three, or at once when it can never be read, quarantines with the reason."""
        row.state, row.verdict, row.ticket = (
            RawMail.State.PENDING,
            "",
            None,
        )  # a rolled back attempt left its marks on the value
        row.attempts += 1
        row.reason, row.why = reason, why(reason)
        row.next_attempt_at = now() + _AGAIN_AFTER * row.attempts
        if final or row.attempts >= _ATTEMPTS:
            row.state, row.verdict = RawMail.State.QUARANTINED, Verdict.QUARANTINED
        try:
            row.save(update_fields=["attempts", "reason", "why", "next_attempt_at", "state", "verdict", "ticket"])
        except DatabaseError:
            log.warning("the attempt could not be noted", extra={"raw_mail": row.pk})
        return Fate(Verdict.QUARANTINED, reason)
