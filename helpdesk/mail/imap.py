"""Talks IMAP: connects, says whether there is anything new, fetches in batches. Never looks at or sets \\Seen by itself.

The cursor is (UIDVALIDITY, last UID). An unchanged mailbox costs one STATUS; a batch of fifty costs one FETCH, and sizes are
asked five hundred at a time, so that memory is bounded by bytes and not by the number of mails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.conf import settings
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from helpdesk.mail import tls
from helpdesk.mail.oauth import NoToken, access_token
from helpdesk.mail.store import Fetched
from helpdesk.models import Mailbox, Security

BATCH_MAILS = 50
BATCH_BYTES = 8 * 1024 * 1024
_SIZES_AT_ONCE = 500
#: Servers may drop an IDLE after 30 minutes and some lose it silently: it is ended and proven by NOOP far earlier.
IDLE_SECONDS = 9 * 60
_IDLE_SLICE_SECONDS = 5


class MailboxTrouble(Exception):
    """The mailbox cannot be read; the message is a sentence for its health line."""


class Connection:
    """A signed-in IMAP connection to one mailbox, kept between polls (servers throttle those who reconnect each time)."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.client = self._connect()
        self.round_trips = 0

    def _connect(self) -> Any:
        box = self.mailbox
        try:
            context = tls.context()
            client = IMAPClient(
                box.imap_host,
                port=box.imap_port,
                ssl=box.imap_security == Security.TLS,
                ssl_context=context if box.imap_security == Security.TLS else None,
                timeout=SocketTimeout(
                    connect=min(10, settings.MAIL_TIMEOUT_SECONDS), read=settings.MAIL_TIMEOUT_SECONDS
                ),
            )
            client.normalise_times = False
            if box.imap_security == Security.STARTTLS:
                client.starttls(context)
            if box.auth == Mailbox.Auth.OAUTH2:
                client.oauth2_login(box.username, access_token(box))
            else:
                client.login(box.username, box.password)
        except NoToken as problem:
            raise MailboxTrouble(str(problem)) from problem
        except LoginError as problem:
            raise MailboxTrouble(f"{box.imap_host} refused the sign-in of {box.username}: {problem}") from problem
        except (IMAPClientError, OSError) as problem:
            raise MailboxTrouble(f"{box.imap_host}:{box.imap_port} cannot be reached: {problem}") from problem
        return client

    def close(self) -> None:
        """Says goodbye; a broken line is simply dropped."""
        try:
            self.client.logout()
        except (IMAPClientError, OSError):
            self.client.shutdown()

    def _ask(self, what: Callable[[], Any]) -> Any:
        self.round_trips += 1
        try:
            return what()
        except (IMAPClientError, OSError, ValueError, AttributeError) as problem:
            raise MailboxTrouble(f"{self.mailbox.imap_host} answered: {problem}"[:500]) from problem

    def status(self) -> tuple[int, int]:
        """(UIDVALIDITY, UIDNEXT) of the folder: one round trip."""
        folder = self.mailbox.folder
        answer = self._ask(lambda: self.client.folder_status(folder, ["UIDVALIDITY", "UIDNEXT"]))
        return int(answer[b"UIDVALIDITY"]), int(answer[b"UIDNEXT"])

    def new_uids(self, after_uid: int) -> list[int]:
        """UIDs above `after_uid`, rising. The folder is opened read-only unless fetched mail is to be marked or moved."""
        readonly = self.mailbox.after_fetch == Mailbox.AfterFetch.LEAVE
        self._ask(lambda: self.client.select_folder(self.mailbox.folder, readonly=readonly))
        found = self._ask(lambda: self.client.search(["UID", f"{after_uid + 1}:*"]))
        return sorted(uid for uid in found if uid > after_uid)  # "n:*" always names the last mail, even below n

    def batches(self, uids: Sequence[int], uidvalidity: int) -> Iterator[list[Fetched]]:
        """Fetches in batches bounded by count and bytes. A mail over MAIL_MAX_BYTES comes with its headers only."""
        for start in range(0, len(uids), _SIZES_AT_ONCE):
            some = list(uids[start : start + _SIZES_AT_ONCE])
            sizes = self._ask(partial(self.client.fetch, some, ["RFC822.SIZE"]))
            batch: list[int] = []
            total = 0
            for uid in some:
                if uid not in sizes:
                    continue  # expunged meanwhile
                size = int(sizes[uid][b"RFC822.SIZE"])
                if size > settings.MAIL_MAX_BYTES:
                    yield [self._headers_only(uid, size, uidvalidity)]
                    continue
                if batch and (len(batch) >= BATCH_MAILS or total + size > BATCH_BYTES):
                    yield self._bodies(batch, uidvalidity)
                    batch, total = [], 0
                batch.append(uid)
                total += size
            if batch:
                yield self._bodies(batch, uidvalidity)

    def _bodies(self, uids: list[int], uidvalidity: int) -> list[Fetched]:
        answer = self._ask(lambda: self.client.fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"]))
        return [
            Fetched(answer[uid].get(b"BODY[]") or b"", uidvalidity, uid, _when(answer[uid].get(b"INTERNALDATE")))
            for uid in uids
            if uid in answer
        ]

    def _headers_only(self, uid: int, size: int, uidvalidity: int) -> Fetched:
        answer = self._ask(lambda: self.client.fetch([uid], ["BODY.PEEK[HEADER]", "INTERNALDATE"]))
        content = answer.get(uid, {}).get(b"BODY[HEADER]") or b""
        return Fetched(content, uidvalidity, uid, _when(answer.get(uid, {}).get(b"INTERNALDATE")), oversize=size)

    def tidy(self, uids: Sequence[int]) -> None:
        """After the mails are safe here: marks or moves them on the server, as the mailbox asks."""
        box = self.mailbox
        if not uids or box.after_fetch == Mailbox.AfterFetch.LEAVE:
            return
        if box.after_fetch == Mailbox.AfterFetch.MARK_SEEN:
            self._ask(lambda: self.client.add_flags(list(uids), [b"\\Seen"], silent=True))
        elif box.move_to:
            self._ask(lambda: self._move(list(uids)))

    def _move(self, uids: list[int]) -> None:
        target = self.mailbox.move_to
        if not self.client.folder_exists(target):
            self.client.create_folder(target)
        if self.client.has_capability("MOVE"):
            self.client.move(uids, target)
        else:
            self.client.copy(uids, target)
            self.client.delete_messages(uids, silent=True)
            if self.client.has_capability("UIDPLUS"):
                self.client.uid_expunge(uids)

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """IDLEs up to `seconds`; True as soon as the server tells of something. Proves the line by NOOP afterwards."""
        self._ask(lambda: self.client.select_folder(self.mailbox.folder, readonly=True))
        self._ask(self.client.idle)
        heard = False
        waited = 0.0
        try:
            while waited < min(seconds, IDLE_SECONDS) and not heard and not stop():
                answers = self._ask(lambda: self.client.idle_check(timeout=_IDLE_SLICE_SECONDS))
                heard = any(len(a) > 1 and a[1] in {b"EXISTS", b"RECENT"} for a in answers)
                waited += _IDLE_SLICE_SECONDS
        finally:
            self._ask(self.client.idle_done)
        self._ask(self.client.noop)
        return heard

    def can_idle(self) -> bool:
        """Whether the server offers IDLE."""
        return bool(self.client.has_capability("IDLE"))


def _when(value: datetime | None) -> datetime | None:
    return value.astimezone(UTC) if value is not None and value.tzinfo is not None else value
