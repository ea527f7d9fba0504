"""Raw mail into its row before anything else happens to it, once and only once.

Identity is (mailbox, Message-ID or empty, sha256 of the canonical bytes). The canonical form leaves out the trace that
each delivery adds in front (Received and the like) and the kind of line end, so that the same mail delivered again is the
same, while another mail that re-uses a Message-ID is another.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_noop

from helpdesk import blobs
from helpdesk.mail.reasons import Reason, why
from helpdesk.models import Mailbox, RawMail, Verdict
from helpdesk.models.columns import write_columns
from helpdesk.now import now

_TRACE = re.compile(
    rb"^(received|return-path|delivered-to|x-received|x-original-to|envelope-to|authentication-results|received-spf"
    rb"|arc-[a-z-]+|x-google-[a-z-]+|x-spam-[a-z-]+|status|x-status|x-keywords|x-uid|x-mozilla-[a-z0-9-]+)[ \t]*:",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:\s*<?\s*([^<>\s]{1,998})", re.IGNORECASE | re.MULTILINE)
_HEAD_AT_MOST = 256 * 1024


@dataclass(frozen=True)
class Fetched:
    """A mail as a server or file gave it. One with `trouble` is not whole and goes to quarantine for that reason.

    `size` is what the server said, where the content is less than that.
    """

    content: bytes
    uidvalidity: int | None = None
    uid: int | None = None
    server_at: datetime | None = None
    source: str = ""
    size: int = 0
    trouble: str = ""


def split_head(content: bytes) -> tuple[bytes, bytes]:
    """Header block and the rest, line ends already normalised."""
    head, blank, body = content.partition(b"\n\n")
    return head[:_HEAD_AT_MOST], blank + body


def canonical_digest(content: bytes) -> tuple[str, str]:
    """(Message-ID without brackets or empty, sha256 in hex) of a mail."""
    head, body = split_head(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    digest, keep = hashlib.sha256(), True
    for line in head.split(b"\n"):
        if line[:1] not in b" \t" or not line:
            keep = _TRACE.match(line) is None
        if keep:
            digest.update(line + b"\n")
    digest.update(body.rstrip())
    found = _MESSAGE_ID.search(head)
    identifier = found[1].decode("utf-8", "replace").replace("\x00", "") if found else ""
    return identifier, digest.hexdigest()


def store(
    fetched: Sequence[Fetched], mailbox: Mailbox | None, *, is_import: bool = False, keep_files: bool = True
) -> list[RawMail]:
    """Writes rows in the caller's transaction and returns one per mail, in order: pending, quarantined or duplicate.

    A mail already known from an earlier numbering of the mailbox (another UIDVALIDITY) is bound to its new number and comes
    back as the row it has had all along, so that a re-numbered mailbox makes no row at all.
    `keep_files=False` (a dry run) puts nothing on the disk.
    """
    identities = [_identity(f) for f in fetched]
    known = _known(identities, mailbox)
    rows: list[RawMail] = []
    fresh: list[RawMail] = []
    rebound: list[RawMail] = []
    for mail, (identifier, digest) in zip(fetched, identities, strict=True):
        first = known.get((identifier, digest))
        if first is not None and mail.uid is not None and first.pk and first.uidvalidity != mail.uidvalidity:
            first.uidvalidity, first.uid = mail.uidvalidity, mail.uid
            rebound.append(first)
            rows.append(first)
            continue
        row = _row(mail, mailbox, identifier, digest, is_import, first, keep_files)
        known.setdefault((identifier, digest), row)
        fresh.append(row)
        rows.append(row)
    write_columns(rebound, ["uidvalidity", "uid"])
    originals = [r for r in fresh if r.duplicate_of is None]
    RawMail.objects.bulk_create(originals)
    RawMail.objects.bulk_create([r for r in fresh if r.duplicate_of is not None])
    return rows


def _identity(mail: Fetched) -> tuple[str, str]:
    """What makes the mail itself. One that came without content is nothing but its place on the server."""
    if mail.trouble and not mail.content:
        return "", hashlib.sha256(f"{mail.uidvalidity}.{mail.uid}".encode()).hexdigest()
    return canonical_digest(mail.content)


def _known(identities: Sequence[tuple[str, str]], mailbox: Mailbox | None) -> dict[tuple[str, str], RawMail]:
    rows = RawMail.objects.filter(
        Q(mailbox=mailbox) if mailbox else Q(mailbox__isnull=True),
        message_id__in={i for i, _d in identities},
        sha256__in={d for _i, d in identities},
        duplicate_of__isnull=True,
    ).defer("raw")
    return {(row.message_id, row.sha256): row for row in rows}


def _row(
    mail: Fetched,
    mailbox: Mailbox | None,
    identifier: str,
    digest: str,
    is_import: bool,
    first: RawMail | None,
    keep_files: bool,
) -> RawMail:
    size = mail.size or len(mail.content)
    row = RawMail(
        mailbox=mailbox,
        uidvalidity=mail.uidvalidity,
        uid=mail.uid,
        message_id=identifier,
        sha256=digest,
        size=size,
        source=mail.source[:300],
        is_import=is_import,
        server_at=mail.server_at,
        received_at=now(),
    )
    if first is not None:
        row.duplicate_of, row.state, row.verdict = first, RawMail.State.DONE, Verdict.DUPLICATE
        row.reason = Reason(gettext_noop("The same mail, byte for byte, was delivered before."))
        row.why = why(row.reason)
        return row
    if keep_files and len(mail.content) > settings.RAW_MAIL_INLINE_BYTES:
        row.blob = blobs.put(mail.content)
    else:
        row.raw = mail.content
    if mail.trouble:
        row.state, row.verdict, row.reason = RawMail.State.QUARANTINED, Verdict.QUARANTINED, mail.trouble
        row.why = why(mail.trouble)
    return row


def content_of(row: RawMail) -> bytes:
    """The stored bytes. Raises blobs.BlobMissing when the file is gone."""
    if row.blob:
        return blobs.read(row.blob)
    return bytes(row.raw or b"")
