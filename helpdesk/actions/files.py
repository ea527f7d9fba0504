"""Files people upload, before a reply or note takes them along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from helpdesk import access, blobs
from helpdesk.actions import BadInput
from helpdesk.mail.filenames import default_name, safe_name
from helpdesk.models import Actor, Attachment, Ticket
from helpdesk.now import now


class FileTooLarge(BadInput):
    """The file is larger than ATTACHMENT_MAX_BYTES."""


class FileNotKept(BadInput):
    """The disk refused; nothing of the file was kept."""


def store_upload(
    *, actor: Actor, ticket: Ticket | None, name: str, content_type: str, chunks: Iterable[bytes]
) -> Attachment:
    """Keeps an uploaded file as an attachment without a message yet. Raises FileTooLarge or FileNotKept.

    Without a ticket it comes with the message that opens one.
    """
    access.ensure(actor, "attachment.upload", ticket)
    try:
        digest, size = blobs.put_chunks(chunks, limit=settings.ATTACHMENT_MAX_BYTES)
    except ValueError:
        raise FileTooLarge(
            _("%(name)s is larger than %(limit)s; send a link instead.")
            % {"name": name[:100], "limit": filesizeformat(settings.ATTACHMENT_MAX_BYTES)}
        ) from None
    except blobs.StorageFull:
        raise FileNotKept(
            _("The file could not be kept: the server's disk is full. Your text is safe; try again later.")
        ) from None
    return Attachment.objects.create(
        ticket=ticket,
        uploaded_by=actor.user,
        name=safe_name(name) or default_name(content_type, 1),
        content_type=(content_type or "application/octet-stream")[:150],
        size=size,
        sha256=digest,
        created_at=now(),
    )


def open_attachment(attachment: Attachment) -> File[bytes] | BinaryIO:
    """The bytes of a file. Raises blobs.BlobMissing."""
    return blobs.open_blob(attachment.sha256)
