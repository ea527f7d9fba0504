"""How a stored file leaves the house, at the desk and in the portal: a download, or a raster image shown as itself."""

from __future__ import annotations

from typing import BinaryIO

from django.core.files.base import File
from django.http import FileResponse, Http404

from helpdesk.models import Attachment

_SANDBOX = "default-src 'none'; sandbox"
#: The only types ever served as themselves, by how their bytes begin. No SVG: it is a document with scripts.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def picture_type(start: bytes) -> str:
    """The raster image type the bytes themselves say; "" for anything else, whatever the name or header claims."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), "")


def as_download(file: File[bytes] | BinaryIO, attachment: Attachment) -> FileResponse:
    """A file for the disk, never opened by the browser on our origin."""
    response = FileResponse(file, as_attachment=True, filename=attachment.name)
    response["Content-Type"] = "application/octet-stream"
    return _shielded(response, attachment)


def as_picture(file: File[bytes] | BinaryIO, attachment: Attachment) -> FileResponse:
    """A raster image shown in the page. Raises Http404 where the bytes are none."""
    kind = picture_type(file.read(16))
    if not kind:
        file.close()
        raise Http404
    file.seek(0)
    return _shielded(FileResponse(file, content_type=kind, filename=attachment.name), attachment)


def _shielded(response: FileResponse, attachment: Attachment) -> FileResponse:
    response["Content-Security-Policy"] = _SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-site"
    response["Content-Length"] = str(attachment.size)
    return response
