"""Talks IMAP: connects, says whether there is anything new, fetches in batches. Never looks at or sets \\Seen by itself.

The cursor is (UIDVALIDITY, last UID). An unchanged mailbox costs one STATUS; a batch of fifty costs one FETCH, and sizes are
asked five hundred at a time, so that memory is bounded by bytes and not by the number of mails.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from helpdesk.mail import tls
from helpdesk.mail.discretion import in_words, without_secrets
from helpdesk.mail.imap_line import Client, Handle
from helpdesk.mail.oauth import NoToken, access_token
from helpdesk.mail.reasons import Reason
from helpdesk.mail.store import Fetched
from helpdesk.models import Mailbox, Security

BATCH_MAILS = 50
BATCH_BYTES = 8 * 1024 * 1024
_SIZES_AT_ONCE = 500
#: Servers may drop an IDLE after 30 minutes and some lose it silently: it is ended and proven by NOOP far earlier.
IDLE_SECONDS = 9 * 60
_IDLE_SLICE_SECONDS = 5
#: The slowest line we wait for; a command may take this long for its bytes, and three of a read's time limits besides.
_BYTES_A_SECOND = 20_000


class MailboxTrouble(Exception):
    """The mailbox cannot be read; the message is a sentence for its health line."""


class _Refused(MailboxTrouble):
    """The server said no to one command; the line stands."""


class Connection:
    """A signed-in IMAP connection to one mailbox, kept between polls (servers throttle those who reconnect each time)."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.round_trips = 0
        self._handle = Handle()
        self._target_made = False
        self.client = self._connect()

    def _connect(self) -> Any:
        box = self.mailbox
        client = None
        try:
            with self._handle.at_most(3 * settings.MAIL_TIMEOUT_SECONDS):
                context = tls.context() if box.imap_security != Security.PLAIN else None
                client = Client(
                    box.imap_host,
                    box.imap_port,
                    context=context if box.imap_security == Security.TLS else None,
                    connect_seconds=min(10, settings.MAIL_TIMEOUT_SECONDS),
                    read_seconds=settings.MAIL_TIMEOUT_SECONDS,
                    handle=self._handle,
                )
                if box.imap_security == Security.STARTTLS:
                    client.starttls(context)
                if box.auth == Mailbox.Auth.OAUTH2:
                    client.oauth2_login(box.username, access_token(box))
                else:
                    client.login(box.username, box.password)
        except (IMAPClientError, OSError, ValueError) as problem:
            self._drop(client)
            raise MailboxTrouble(without_secrets(self._why_not(problem), box)) from problem
        return client

    def _why_not(self, problem: Exception) -> str:
        box = self.mailbox
        if isinstance(problem, NoToken):
            return str(problem)
        if isinstance(problem, LoginError):
            return f"{box.imap_host} refused the sign-in of {box.username}: {in_words(problem)}. Check user name and password."
        if isinstance(problem, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {box.imap_host} is not to be trusted: {problem.verify_message}. Check the server's name; "
                "a company's own authority is made known by HELPDESK_MAIL_CA_FILE."
            )
        if isinstance(problem, ssl.SSLError):
            return f"{box.imap_host}:{box.imap_port} did not agree on an encrypted line: {problem.reason or problem}."
        if isinstance(problem, TimeoutError):
            return f"{box.imap_host}:{box.imap_port} does not answer: {in_words(problem)}."
        if isinstance(problem, OSError):
            return f"{box.imap_host}:{box.imap_port} cannot be reached: {problem.strerror or in_words(problem)}."
        return f"{box.imap_host}:{box.imap_port} does not speak IMAP as expected: {in_words(problem)}."[:500]

    def _drop(self, client: Any) -> None:
        self._handle.hang_up()
        if client is not None:
            with suppress(IMAPClientError, OSError, ValueError, AttributeError):
                client.shutdown()
        self._handle.release()

    def close(self) -> None:
        """Says goodbye; a broken line is simply dropped."""
        with suppress(IMAPClientError, OSError, ValueError, AttributeError):
            if not self._handle.hung_up:
                with self._handle.at_most(5):
                    self.client.logout()
        self._drop(self.client)

    def _ask(self, what: Callable[[], Any], *, size: int = 0) -> Any:
        """One command. `size`: the bytes expected, for which a slow line gets more time."""
        self.round_trips += 1
        host = self.mailbox.imap_host
        try:
            with self._handle.at_most(3 * settings.MAIL_TIMEOUT_SECONDS + size / _BYTES_A_SECOND):
                return what()
        except (IMAPClientAbortError, OSError) as problem:
            raise MailboxTrouble(self._said(f"The line to {host} broke: {in_words(problem)}.")) from problem
        except (IMAPClientError, ValueError, AttributeError, KeyError, IndexError) as problem:
            raise _Refused(self._said(f"{host} answered: {in_words(problem)}")) from problem

    def _said(self, words: str) -> str:
        return without_secrets(words, self.mailbox)[:500]

    def status(self) -> tuple[int, int]:
        """(UIDVALIDITY, UIDNEXT) of the folder: one round trip."""
        folder = self.mailbox.folder
        answer = self._ask(lambda: self.client.folder_status(folder, ["UIDVALIDITY", "UIDNEXT"]))
        return int(answer[b"UIDVALIDITY"]), int(answer[b"UIDNEXT"])

    def new_uids(self, after_uid: int, since: date | None = None) -> list[int]:
        """UIDs above `after_uid`, rising, of mail the server took in on the day `since` or later.

        The folder is opened read-only unless fetched mail is to be marked or moved.
        """
        self._open()
        wanted: list[Any] = ["UID", f"{after_uid + 1}:*"]
        if since is not None:
            wanted += ["SINCE", since]
        found = self._ask(lambda: self.client.search(wanted))
        return sorted(uid for uid in found if uid > after_uid)  # "n:*" always names the last mail, even below n

    def present(self, uids: Sequence[int]) -> list[int]:
        """Those of `uids`, which rise, that are still in the folder."""
        self._open()
        wanted = set(uids)
        found = self._ask(lambda: self.client.search(["UID", f"{uids[0]}:{uids[-1]}"]))
        return sorted(uid for uid in found if uid in wanted)

    def _open(self) -> None:
        readonly = self.mailbox.after_fetch == Mailbox.AfterFetch.LEAVE
        self._ask(lambda: self.client.select_folder(self.mailbox.folder, readonly=readonly))

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
                size = int(sizes[uid].get(b"RFC822.SIZE") or 0)
                if size > settings.MAIL_MAX_BYTES:
                    if batch:  # in order: the cursor must never pass a mail that is not here yet
                        yield self._bodies(batch, total, uidvalidity)
                        batch, total = [], 0
                    yield [self._headers_only(uid, size, uidvalidity)]
                    continue
                if batch and (len(batch) >= BATCH_MAILS or total + size > BATCH_BYTES):
                    yield self._bodies(batch, total, uidvalidity)
                    batch, total = [], 0
                batch.append(uid)
                total += size
            if batch:
                yield self._bodies(batch, total, uidvalidity)

    def _bodies(self, uids: list[int], size: int, uidvalidity: int) -> list[Fetched]:
        """A batch; when the server will not give it, mail by mail, so that one it cannot read holds up no other."""
        try:
            answer = self._ask(lambda: self.client.fetch(uids, ["BODY.PEEK[]", "INTERNALDATE"]), size=size)
        except _Refused as problem:
            if len(uids) == 1:
                return [Fetched(b"", uidvalidity, uids[0], trouble=_not_given(problem))]
            return [mail for uid in uids for mail in self._bodies([uid], size, uidvalidity)]
        return [
            self._given(uid, answer[uid], uidvalidity)
            for uid in uids
            if uid in answer  # else expunged meanwhile
        ]

    @staticmethod
    def _given(uid: int, data: dict[bytes, Any], uidvalidity: int) -> Fetched:
        content = data.get(b"BODY[]")
        if content is None:
            return Fetched(
                b"", uidvalidity, uid, _when(data.get(b"INTERNALDATE")), trouble=_not_given("no text at all")
            )
        return Fetched(content, uidvalidity, uid, _when(data.get(b"INTERNALDATE")))

    def _headers_only(self, uid: int, size: int, uidvalidity: int) -> Fetched:
        answer = self._ask(lambda: self.client.fetch([uid], ["BODY.PEEK[HEADER]", "INTERNALDATE"])).get(uid, {})
        trouble = Reason(
            gettext_noop(
                "The mail has %(size)s bytes, more than the %(limit)s allowed; its headers are kept, the mail itself is still "
                "on the server."
            ),
            size=size,
            limit=settings.MAIL_MAX_BYTES,
        )
        content = answer.get(b"BODY[HEADER]") or b""
        return Fetched(content, uidvalidity, uid, _when(answer.get(b"INTERNALDATE")), size=size, trouble=trouble)

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
        if not self._target_made and not self.client.folder_exists(target):
            self.client.create_folder(target)
        self._target_made = True
        if self.client.has_capability("MOVE"):
            self.client.move(uids, target)
        else:
            self.client.copy(uids, target)
            self.client.delete_messages(uids, silent=True)
            if self.client.has_capability("UIDPLUS"):
                self.client.uid_expunge(uids)

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """IDLEs up to `seconds`; True as soon as there is something new. Proves the line by NOOP afterwards."""
        opened = self._ask(lambda: self.client.select_folder(self.mailbox.folder, readonly=True))
        if int(opened.get(b"UIDNEXT", 0)) > self.mailbox.last_uid + 1:
            return True  # it came between the last look and this one, and IDLE would not tell of it
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


def _not_given(answer: object) -> Reason:
    return Reason(
        gettext_noop("The server does not give this mail out (%(answer)s); it is still there."),
        answer=str(answer)[:400],
    )


def _when(value: datetime | None) -> datetime | None:
    return value.astimezone(UTC) if value is not None and value.tzinfo is not None else value
