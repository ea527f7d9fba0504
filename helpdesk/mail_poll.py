"""One pass over one mailbox: is there anything new, fetch, store, and on to tickets. Used by the dispatcher and `poll_mail`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from time import monotonic

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db import connection as database
from django.utils.translation import gettext_noop

from helpdesk import faults
from helpdesk.actions import mailboxes
from helpdesk.blobs import StorageFull
from helpdesk.mail.imap import Connection, MailboxTrouble
from helpdesk.mail.reasons import Reason
from helpdesk.mail.store import Fetched
from helpdesk.mail_pipeline import Pipeline, Reading
from helpdesk.models import Mailbox, RawMail
from helpdesk.now import now

log = logging.getLogger("helpdesk.mail")
_PARSER_RESTS_AFTER_SECONDS = 300
_MADE_UP_IN_A_PASS = 500
#: What a connection rests on: when a manager changes any of these, the next pass dials anew.
_LINE_FIELDS = (
    "imap_host",
    "imap_port",
    "imap_security",
    "username",
    "auth",
    "password",
    "oauth_token_url",
    "oauth_client_id",
)


@dataclass
class Passage:
    """What one pass did."""

    mailbox: str
    fetched: int = 0
    round_trips: int = 0
    skipped: bool = False  # somebody else is polling it
    problem: str = ""


@dataclass(frozen=True)
class _Stored:
    """A batch that is safe here and being read."""

    uids: list[int]
    reading: Reading
    after_uid: int  # the cursor before it


class Poller:
    """Keeps the connection and the parser of one mailbox between passes. One thread at a time."""

    def __init__(self, mailbox_id: int) -> None:
        self.mailbox_id = mailbox_id
        self.connection: Connection | None = None
        self.line: tuple[object, ...] = ()
        self.pipeline: Pipeline | None = None
        self.busy_at = monotonic()

    def poll(self) -> Passage:
        """One pass. Trouble is noted on the mailbox and returned, never raised."""
        mailbox = Mailbox.objects.select_related("queue").get(pk=self.mailbox_id)
        passage = Passage(mailbox.name)
        if not mailboxes.try_lock(mailbox):
            passage.skipped = True
            return passage
        try:
            mailbox.refresh_from_db()  # another one may have moved the cursor before the lock was ours
            self._pass(mailbox, passage)
            mailboxes.note_success(mailbox)
        except (MailboxTrouble, StorageFull) as problem:
            passage.problem = (
                str(problem)
                if isinstance(problem, MailboxTrouble)
                else f"The server's disk is full; the mail waits on {mailbox.imap_host}: {problem}"
            )
            log.warning("mailbox trouble", extra={"mailbox": mailbox.name, "problem": passage.problem})
            self.disconnect()
            mailboxes.note_failure(mailbox, passage.problem)
        except (OperationalError, InterfaceError) as problem:
            first = next(iter(str(problem).strip().splitlines()), repr(problem))
            passage.problem = f"The database does not take the mail now; it waits on {mailbox.imap_host}: {first}"
            log.warning("database trouble", extra={"mailbox": mailbox.name, "problem": passage.problem[:300]})
            self.disconnect()
            database.close()
            self._note_trouble(mailbox, passage.problem)
        except Exception as problem:
            passage.problem = f"The pass failed here, not on {mailbox.imap_host}: {type(problem).__name__}: {problem}"[
                :1000
            ]
            log.exception("a pass failed", extra={"mailbox": mailbox.name})
            self.disconnect()
            self._note_trouble(mailbox, passage.problem)
        finally:
            self._unlock(mailbox)
        return passage

    @staticmethod
    def _note_trouble(mailbox: Mailbox, problem: str) -> None:
        """A database that takes no mail may still take a line about it; one that is away does not."""
        try:
            mailboxes.note_failure(mailbox, problem)
        except DatabaseError:
            database.close()

    @staticmethod
    def _unlock(mailbox: Mailbox) -> None:
        try:
            mailboxes.unlock(mailbox)
        except (DatabaseError, InterfaceError):
            database.close()  # the lock went with the connection

    def _pass(self, mailbox: Mailbox, passage: Passage) -> None:
        if RawMail.objects.filter(mailbox=mailbox, state=RawMail.State.PENDING).exists():
            self._pipeline().run_pending(mailbox.pk)  # what a crash left between storing and writing
        connection = self._connection(mailbox)
        before = connection.round_trips
        uidvalidity, uidnext = connection.status()
        if mailbox.uidvalidity is None:
            self._begin(mailbox, uidvalidity, uidnext)
        elif mailbox.uidvalidity != uidvalidity:
            log.warning("the server numbered the folder anew", extra={"mailbox": mailbox.name})
            mailboxes.restart_numbering(mailbox, uidvalidity)
        if uidnext > mailbox.last_uid + 1:
            since = self._since(mailbox)
            self._fetch(mailbox, connection, uidvalidity, passage, since)
            if since is not None:
                mailboxes.pass_over(mailbox, uidnext - 1)
        self._make_up(mailbox, connection)
        passage.round_trips = connection.round_trips - before
        self._rest_parser(busy=bool(passage.fetched))

    @staticmethod
    def _begin(mailbox: Mailbox, uidvalidity: int, uidnext: int) -> None:
        """The first look at a folder: what is in it already is imported, or not, as the mailbox says."""
        existing = mailbox.import_existing
        if existing == Mailbox.ImportExisting.EVERYTHING or uidnext == 1:  # or there was never any mail
            mailboxes.begin_numbering(mailbox, uidvalidity, after_uid=0, since_at=None)
        elif existing == Mailbox.ImportExisting.RECENT:
            since_at = now() - timedelta(days=mailbox.import_days)
            mailboxes.begin_numbering(mailbox, uidvalidity, after_uid=0, since_at=since_at)
        else:
            mailboxes.begin_numbering(mailbox, uidvalidity, after_uid=uidnext - 1, since_at=now())

    @staticmethod
    def _make_up(mailbox: Mailbox, connection: Connection) -> None:
        """Marks or moves what a crash or a lost line left as it was. Mail that is gone from the folder needs nothing."""
        if mailbox.after_fetch == Mailbox.AfterFetch.LEAVE or mailbox.tidied_uid >= mailbox.last_uid:
            return
        uids = mailboxes.not_tidied(mailbox, _MADE_UP_IN_A_PASS)
        if uids:
            connection.tidy(connection.present(uids))
        mailboxes.note_tidied(mailbox, uids[-1] if len(uids) == _MADE_UP_IN_A_PASS else mailbox.last_uid)

    def _rest_parser(self, *, busy: bool) -> None:
        """A parser child costs memory, and a mailbox may be quiet for days: it ends after some minutes without mail."""
        if busy:
            self.busy_at = monotonic()
        elif self.pipeline is not None and monotonic() - self.busy_at > _PARSER_RESTS_AFTER_SECONDS:
            self.pipeline.close()
            self.pipeline = None

    def _fetch(
        self, mailbox: Mailbox, connection: Connection, uidvalidity: int, passage: Passage, since: date | None
    ) -> None:
        """Batch by batch; each is stored, and read in the background while the one before it is written."""
        pipeline = self._pipeline()
        ahead: _Stored | None = None
        try:
            for batch in connection.batches(connection.new_uids(mailbox.last_uid, since), uidvalidity):
                faults.point("mail_in.fetched")
                after_uid = mailbox.last_uid
                rows = self._store(mailbox, batch, uidvalidity)
                faults.point("mail_in.stored")
                passage.fetched += len(batch)
                pending = [row for row in rows if row.state == RawMail.State.PENDING]
                for row in pending:
                    row.mailbox = mailbox
                stored = _Stored([f.uid for f in batch if f.uid is not None], pipeline.begin(pending), after_uid)
                before, ahead = ahead, stored
                if before is not None:
                    self._finish(before, mailbox, connection)
        except MailboxTrouble:
            if ahead is not None:
                pipeline.finish(ahead.reading)  # what is here already does not wait for the server
            raise
        if ahead is not None:
            self._finish(ahead, mailbox, connection)

    @staticmethod
    def _since(mailbox: Mailbox) -> date | None:
        """At the first look, and when a re-numbered folder is listed again, old mail is not ours; later, what comes is.

        SINCE knows whole days, in the server's zone: a day more brings a few mails too many and never one too few.
        """
        return (mailbox.since_at - timedelta(days=1)).date() if mailbox.since_at and mailbox.last_uid == 0 else None

    def _store(self, mailbox: Mailbox, batch: list[Fetched], uidvalidity: int) -> list[RawMail]:
        """Stores a batch; mail by mail when that fails, and of a mail that cannot be stored the place on the server."""
        try:
            return mailboxes.store_batch(mailbox, batch, uidvalidity=uidvalidity)
        except (StorageFull, OperationalError, InterfaceError):
            raise
        except Exception as problem:
            if len(batch) > 1:
                return [row for one in batch for row in self._store(mailbox, [one], uidvalidity)]
            log.exception("a mail could not be stored", extra={"mailbox": mailbox.name, "uid": batch[0].uid})
            trouble = Reason(
                gettext_noop("The mail could not be stored (%(kind)s); it is still on the server."),
                kind=type(problem).__name__,
            )
            stub = replace(batch[0], content=b"", size=len(batch[0].content), trouble=trouble)
            return mailboxes.store_batch(mailbox, [stub], uidvalidity=uidvalidity)

    def _finish(self, stored: _Stored, mailbox: Mailbox, connection: Connection) -> None:
        self._pipeline().finish(stored.reading)
        faults.point("mail_in.done")
        if mailbox.after_fetch != Mailbox.AfterFetch.LEAVE and stored.uids and mailbox.tidied_uid >= stored.after_uid:
            connection.tidy(stored.uids)  # in order only; behind a gap it waits for the end of the pass
            mailboxes.note_tidied(mailbox, max(stored.uids))

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Waits by IDLE when the mailbox asks for it and the server can; False at once otherwise."""
        if self.connection is None or not self.connection.can_idle():
            return False
        try:
            return self.connection.wait(seconds, stop)
        except MailboxTrouble:
            self.disconnect()
            return False

    def _connection(self, mailbox: Mailbox) -> Connection:
        line = tuple(getattr(mailbox, name) for name in _LINE_FIELDS)
        if line != self.line:
            self.disconnect()
        if self.connection is None:
            self.connection, self.line = Connection(mailbox), line
        self.connection.mailbox = mailbox
        return self.connection

    def _pipeline(self) -> Pipeline:
        if self.pipeline is None:
            self.pipeline = Pipeline()
        return self.pipeline

    def disconnect(self) -> None:
        """Drops the connection; the next pass makes a new one."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def close(self) -> None:
        """Ends connection and parser."""
        self.disconnect()
        if self.pipeline is not None:
            self.pipeline.close()
            self.pipeline = None
